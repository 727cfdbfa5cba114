// Ten thousand programs, drawn from a fixed seed: expressions with the host's functions in them, and whole transactions with
// refusals, timers and exhausted gas. It gives everything that must be the same on every machine; it asks for no time and no place.

import { readFileSync } from "node:fs";
import { compileSource } from "../../src/contracts/engine.ts";
import { explain } from "../../src/contracts/explain.ts";
import type { Value } from "../../src/ledger/codec.ts";
import { toHex } from "../../src/ledger/hash.ts";
import type { Receipt, Transaction } from "../../src/ledger/types.ts";
import { Random } from "../sim/random.ts";
import { genesisWith, TestChain, transaction } from "../unit/contracts/support.ts";
import { drawExpression, printTree, type Tree } from "./generator.ts";
import { INTEGER_EDGES, randomText } from "./literals.ts";
import { askSubject } from "./subject.ts";

export const EXPRESSIONS = 8000;
export const TRANSACTIONS = 2000;
export const SEED = 20_261_122;
const PER_BLOCK = 20;
const CONTRACT = "everything";

/** One line for each program: what it gave, why not, for how much gas, and what it wrote. */
export function* results(): Generator<string> {
  for (let index = 0; index < EXPRESSIONS; index += 1) yield expressionResult(index);
  yield* transactionResults({ seed: SEED, count: TRANSACTIONS });
}

// ---- expressions ----

type Wrap = readonly [kind: string, (text: string, other: string) => string];
/** What CEL does not have and the host gives. */
const WRAPS: readonly Wrap[] = [
  ["int", (a, b) => `mulDiv(${a}, ${b}, 7, 'half_even')`],
  ["int", (a, b) => `mulDiv(${b}, 3, ${a}, 'up')`],
  ["int", (a, b) => `split(${a}, [1, 2, ${b}, 0])`],
  ["int", (a, b) => `addMonths(${a}, ${b})`],
  ["int", (a) => `[year(${a}), month(${a}), day(${a}), hour(${a}), weekday(${a}), dayNumber(${a})]`],
  ["int", (a) => `startOfDay(${a} % 4102444800000) + startOfMonth(${a})`],
  ["text", (a) => `sha256(${a})`],
  ["text", (a, b) => `opens(sha256(${a}), ${b}, bytes(${a}))`],
  ["bytes", (a) => `sha256(${a})`],
];

export function expressionResult(index: number): string {
  const draw = drawExpression(new Random(Math.imul(SEED, index + 1)));
  const text = printTree(draw.tree);
  const answer = askSubject(wrapped(text, draw.tree, index), draw);
  return `${index} ${answer.observed} ${answer.codes.join()} ${answer.gas} ${answer.faults.join()}`;
}

function wrapped(text: string, { kind }: Tree, index: number): string {
  const fitting = WRAPS.filter(([of]) => of === kind);
  const wrap = fitting[index % (fitting.length + 1)]?.[1];
  return wrap === undefined ? text : wrap(`(${text})`, kind === "int" ? "k" : kind === "text" ? "t" : "y");
}

// ---- transactions ----

const SOURCE = readFileSync(new URL("determinism.yaml", import.meta.url), "utf8");
const IDS = ["a", "ax", "邻里", "😀", "", "long-name-of-a-thing"];
const ACCOUNTS = ["fund", "till", "outside:bank", "escrow:a", "no such account"];
const STATES = ["new", "busy", "done", "gone", "other"];

export function* transactionResults({
  seed,
  count,
}: {
  readonly seed: number;
  readonly count: number;
}): Generator<string> {
  const random = new Random(seed);
  const { contract, findings } = compileSource(SOURCE);
  if (contract === undefined) throw new Error(JSON.stringify(findings));
  const chain = new TestChain(
    genesisWith(
      [{ name: CONTRACT, source: SOURCE }],
      [
        { id: "ann", organisation: "property", roles: ["clerk"] },
        { id: "bob", organisation: "street", roles: ["owner"] },
      ],
    ),
  );
  for (let done = 0; done < count; done += PER_BLOCK) {
    const transactions = Array.from({ length: PER_BLOCK }, () => drawTransaction(random));
    const timeMs = 1_790_000_000_000 + done * 5;
    for (const receipt of chain.block(timeMs, transactions).receipts) {
      const { zh, en } = explain(receipt, () => contract);
      yield `${done} ${receiptResult(receipt)} ${zh} ${en}`;
    }
    yield `${done} ${[...chain.rows].sort().length} rows`;
  }
  for (const [key, { value }] of [...chain.rows].sort(([left], [right]) => (left < right ? -1 : 1)))
    if (!key.startsWith(GENESIS_ROWS)) yield `${key} ${toHex(value)}`;
}

/** Contracts as text: their hashes change with every word of a comment. */
const GENESIS_ROWS = toHex(new TextEncoder().encode("governance"));

function receiptResult({ status, ruleId, values, gas, events, writes }: Receipt): string {
  const written = writes.map(({ key, valueHash, previousHeight }) => [toHex(key), toHex(valueHash), previousHeight]);
  return JSON.stringify([
    status,
    ruleId,
    plain(values),
    gas,
    plain(events.map(({ name, fields }) => [name, fields])),
    written,
  ]);
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Uint8Array) return toHex(value);
  return typeof value === "bigint" ? `${value}n` : value;
}

function drawTransaction(random: Random): Transaction {
  const calls = Array.from({ length: random.chance(200) ? 2 : 1 }, () => {
    const action = random.pick([
      "make",
      "make",
      "make",
      "work",
      "work",
      "shut",
      "later",
      "never",
      "pay",
      "pay",
      "burn",
      "count",
      "none",
    ]);
    return { contract: CONTRACT, action, args: drawArguments(random, action) };
  });
  const gasLimit = random.chance(60) ? random.between(100, 6000) : 2_000_000;
  return transaction(random.chance(950) ? "ann" : "bob", calls, gasLimit);
}

function drawArguments(random: Random, action: string): Readonly<Record<string, Value>> {
  const id = random.pick(IDS);
  const part = random.between(-2, 2);
  switch (action) {
    case "make":
      return { id, part, n: integer(random), m: random.between(-1, 5001), note: randomText(random) };
    case "work":
      return { id, part, by: random.chance(700) ? random.between(-9, 9) : integer(random), to: random.pick(STATES) };
    case "shut":
      return { id, part };
    case "later":
      return { id, part, wait: random.between(0, 100) };
    case "never":
      return { id };
    case "count":
      return { state: random.pick(STATES), open: random.chance(500) };
    case "pay":
      return {
        from: random.pick(ACCOUNTS),
        to: random.pick(ACCOUNTS),
        fen: random.chance(700) ? random.between(0, 5000) : integer(random),
      };
    case "burn":
      return {
        l: Array.from({ length: random.below(30) }, () => integer(random)),
        t: randomText(random).repeat(random.between(1, 40)),
      };
    default:
      return {};
  }
}

function integer(random: Random): Value {
  const value = random.pick(INTEGER_EDGES);
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value;
}
