// What `npm run bench:gas` measures: one case for each operation of the price table, small and large.
// Data only; rules-gas.ts runs it.

import type { Value } from "../src/ledger/codec.ts";

export interface ExpressionCase {
  readonly group: string;
  /** an expression over NAMES */
  readonly text: string;
}

/** A flat text of its own, so that no comparison is decided by identity. */
function flat(text: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(text));
}

const numbers = (count: number, from: number) => Array.from({ length: count }, (_, index) => from + index);
const LARGE = 9_007_199_254_740_993n;

/** Types and values of the names; `two` of a kind are equal and not the same object. */
export const NAMES: Readonly<Record<string, readonly [type: string, value: Value]>> = {
  yes: ["bool", true],
  no: ["bool", false],
  a: ["int", 12_345],
  b: ["int", 678],
  c: ["int(1..1000000)", 4321],
  d: ["int(1..1000000)", 99],
  big: ["int", LARGE],
  big2: ["int", LARGE + 2n],
  t8: ["text(8)", flat("abcdefgh")],
  u8: ["text(8)", flat("abcdefgh")],
  t1k: ["text(1000)", flat("x".repeat(1000))],
  u1k: ["text(1000)", flat("x".repeat(1000))],
  t50k: ["text(50000)", flat("y".repeat(50_000))],
  u50k: ["text(50000)", flat("y".repeat(50_000))],
  part: ["text(1000)", flat(`${"y".repeat(999)}z`)],
  wide: ["text(3000)", flat("楼".repeat(1000))],
  digits: ["text(19)", flat("1234567890123456789")],
  h: ["bytes(32)", new Uint8Array(32).fill(7)],
  k: ["bytes(32)", new Uint8Array(32).fill(7)],
  h1k: ["bytes(1000)", new Uint8Array(1000).fill(65)],
  k1k: ["bytes(1000)", new Uint8Array(1000).fill(65)],
  l10: ["list(int, 10)", numbers(10, 1)],
  l1k: ["list(int, 1000)", numbers(1000, 1)],
  m1k: ["list(int, 1000)", numbers(1000, 1)],
  l30: ["list(int, 30)", numbers(30, 1)],
  texts: ["list(text(20), 100)", numbers(100, 100).map((number) => flat(`text number ${number}`))],
  hashes: ["list(bytes(32), 100)", numbers(100, 1).map((seed) => new Uint8Array(32).fill(seed))],
  w100: ["list(int(1..1000), 100)", numbers(100, 1)],
  at: ["time", 1_793_000_000_000],
};

const group = (name: string, ...texts: readonly string[]): readonly ExpressionCase[] =>
  texts.map((text) => ({ group: name, text }));

export const EXPRESSIONS: readonly ExpressionCase[] = [
  ...group("rule of the design", 'a > 0 && b <= a && t8 in ["property", "street", "abcdefgh"]'),
  ...group("arithmetic", "a + b", "a - b", "a * b", "a / b", "a % b", "-a", "c + d", "c * d", "a + b * a - b / a"),
  ...group("arithmetic beyond 2^53", "big + big2", "big - big2", "big / a", "big % b", "-big"),
  ...group("comparison", "a < b", "a == b", "a != b", "big >= big2", "yes == no"),
  ...group("comparison by length", "t8 == u8", "t1k == u1k", "t50k == u50k", "t8 < u8", "t1k <= u1k", "t50k > u50k"),
  ...group("comparison by length", "h == k", "h1k == k1k", "h1k < k1k", "l10 == [1, 2, 3]", "l1k == m1k"),
  ...group("logic", "yes && no", "no || yes", "!yes", "yes ? a : b", "yes && (no || (yes && !no))"),
  ...group("lists", "[a, b, a]", "[1, 2, 3]", "l10[3]", "size(l1k)", "l10 + l10", "l1k + m1k"),
  ...group("membership", "a in [1, 2, 3, 4]", "a in l10", "a in l1k", "t8 in texts", "h in hashes"),
  ...group(
    "macros",
    "l10.all(x, x > 0)",
    "l1k.all(x, x > 0)",
    "l1k.exists(x, x < 0)",
    "l1k.exists_one(x, x == 7)",
    "l1k.filter(x, x > 500)",
    "l1k.map(x, x + 1)",
    "l1k.map(x, x > 500, x * 2)",
    "l30.all(x, l30.exists(y, x == y))",
    "texts.filter(t, t.startsWith(t8))",
  ),
  ...group(
    "text",
    "t8 + u8",
    "t1k + u1k",
    "size(t1k + u1k)",
    "size(t50k + u50k)",
    "size(t8)",
    "size(wide)",
    "size(t50k)",
  ),
  ...group("text", "t1k.contains(t8)", "t50k.contains(part)", "t50k.startsWith(u50k)", "t50k.endsWith(u50k)"),
  ...group(
    "conversions",
    "string(a)",
    "string(big)",
    "string(yes)",
    "int(digits)",
    "bytes(t8)",
    "bytes(wide)",
    "string(h1k)",
  ),
  ...group(
    "hashes",
    "sha256(t8)",
    "sha256(h)",
    "sha256(t1k)",
    "sha256(t50k)",
    "opens(h, t8, k)",
    "opens(h, a, k)",
    "opens(h, t50k, k)",
  ),
  ...group("wide arithmetic", 'mulDiv(a, b, c, "down")', 'mulDiv(big, b, a, "half_even")'),
  ...group("wide arithmetic", "split(a, [1, 2])", "split(a, w100)", "split(1000000, l1k)"),
  ...group("calendar", "year(at)", "month(at)", "day(at)", "hour(at)", "weekday(at)", "dayNumber(at)"),
  ...group("calendar", "startOfDay(at)", "startOfMonth(at)", "addMonths(at, 13)"),
];

/** One action of the document below and what it does `count` times more than its base. */
export interface ActionCase {
  readonly name: string;
  readonly action: string;
  readonly base: string;
  readonly count: number;
}

export const ACTIONS: readonly ActionCase[] = [
  { name: "a call without effect", action: "nothing", base: "", count: 1 },
  { name: "a row read, 40 bytes", action: "read_small", base: "nothing", count: 8 },
  { name: "a row read, 10,000 bytes", action: "read_large", base: "nothing", count: 4 },
  { name: "a row looked for and not there", action: "read_none", base: "nothing", count: 8 },
  { name: "a condition", action: "require", base: "nothing", count: 4 },
  { name: "a row written, 40 bytes", action: "write_small", base: "nothing", count: 4 },
  { name: "a row written, 10,000 bytes", action: "write_large", base: "nothing", count: 2 },
  { name: "a row changed", action: "change", base: "read_small", count: 4 },
  { name: "a payment", action: "pay", base: "nothing", count: 2 },
  { name: "an event", action: "emit", base: "nothing", count: 4 },
  { name: "an event of 4,000 bytes", action: "emit_large", base: "nothing", count: 4 },
  { name: "a timer", action: "timer", base: "nothing", count: 2 },
  { name: "a timer set and cancelled", action: "timer_off", base: "nothing", count: 2 },
];

const reads = (name: string, count: number, key: (index: number) => string) =>
  `    read: {${numbers(count, 0)
    .map((index) => `${name}${index}?: 'row[${key(index)}]'`)
    .join(", ")}}`;
const statements = (count: number, statement: (index: number) => string) =>
  `    do:\n${numbers(count, 0)
    .map((index) => `      - ${statement(index)}`)
    .join("\n")}`;

/** `p.n` is another number in each transaction: no two write the same rows. */
export const DOCUMENT = `rules: 1
contract: prices
title: {zh: 计价, en: Prices}
accounts: ["outside:"]
tables:
  row:
    key: {id: text(40)}
    fields: {n: int(0..1000000), note: text(10000)}
actions:
  nothing:
    by: [anyone]
    params: {n: count}
    do: []
  read_small:
    by: [anyone]
    params: {n: count}
${reads("r", 8, (index) => `"small" + string(p.n) + "-${index}"`)}
    do: []
  read_large:
    by: [anyone]
    params: {n: count}
${reads("r", 4, (index) => `"large" + string(p.n) + "-${index}"`)}
    do: []
  read_none:
    by: [anyone]
    params: {n: count}
${reads("r", 8, (index) => `"none" + string(p.n) + "-${index}"`)}
    do: []
  require:
    by: [anyone]
    params: {n: count}
    require:
${numbers(4, 0)
  .map(() => "      - {if: p.n < 1000000, else: 不小}")
  .join("\n")}
    do: []
  write_small:
    by: [anyone]
    params: {n: count}
${statements(4, (index) => `{insert: row, row: {id: '"new" + string(p.n) + "-${index}"', n: 1, note: '"a short text of a few words"'}}`)}
  write_large:
    by: [anyone]
    params: {n: count}
    read: {l: 'row["large0-0"]'}
${statements(2, (index) => `{insert: row, row: {id: '"new" + string(p.n) + "-${index}"', n: 1, note: l.note}}`)}
  change:
    by: [anyone]
    params: {n: count}
${reads("r", 8, (index) => `"small" + string(p.n) + "-${index}"`)}
${statements(4, (index) => `{update: r${index}, set: {n: 7}}`)}
  pay:
    by: [anyone]
    params: {n: count}
${statements(2, (index) => `{pay: {from: '"outside:a" + string(p.n)', to: '"b" + string(p.n) + "-${index}"', amount: 5}}`)}
  emit:
    by: [anyone]
    params: {n: count}
${statements(4, () => "{emit: {said: {n: p.n, by: caller.id}}}")}
  emit_large:
    by: [anyone]
    params: {n: count}
    define: {t: '"0123456789"'}
${statements(4, () => `{emit: {shouted: {text: '"${"0123456789".repeat(400)}"'}}}`)}
  timer:
    by: [anyone]
    params: {n: count}
${statements(2, (index) => `{timer: {key: 'string(p.n) + "-${index}"', at: now + 1000000, run: run, with: {n: p.n}}}`)}
  timer_off:
    by: [anyone]
    params: {n: count}
    do:
${numbers(2, 0)
  .map((index) => `      - {timer: {key: 'string(p.n) + "-${index}"', at: now + 1000000, run: run, with: {n: p.n}}}`)
  .join("\n")}
${numbers(2, 0)
  .map((index) => `      - {cancel: 'string(p.n) + "-${index}"'}`)
  .join("\n")}
  run:
    by: [timer]
    params: {n: count}
    require:
      - {if: p.n < 1000000, else: 大}
    do: []
`;
