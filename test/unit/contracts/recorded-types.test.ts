// The type, range, worst case and gas of expressions at the edges of every function and operator, against recorded ones.
// What changed on purpose is recorded anew by UPDATE_COSTS=1, and is a new version of the language.

import { readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { check, evaluate, type Names } from "./support.ts";

const RECORDED = new URL("golden/types.json", import.meta.url);
const NAMES: Names = {
  a: ["int(-3..8)", -3],
  b: ["int(0..9)", 9],
  c: ["int(-9..0)", 0],
  n: ["int", 9_007_199_254_740_991],
  d: ["time", 1_790_000_000_000],
  t: ["text(40)", "邻里 abc"],
  u: ["text(9)", "abc"],
  e: ["enum(x,yy,zzz)", "yy"],
  y: ["bytes(33)", new Uint8Array(3)],
  l: ["list(int(-5..7), 9)", [3, -5, 7]],
  z: ["list(int(0..4), 5)", []],
  w: ["list(text(4), 3)", ["a", "邻"]],
  q: ["bool", true],
};
const EXPRESSIONS = [
  ..."+ - * / %"
    .split(" ")
    .flatMap((operator) => ["a", "b", "c", "n", "3", "-3"].map((right) => `a ${operator} ${right} == b ${operator} c`)),
  ..."+ - * / %".split(" ").flatMap((operator) => ["a", "b", "c", "n", "2"].map((right) => `n ${operator} ${right}`)),
  ..."+ - * / %".split(" ").flatMap((operator) => ["a", "b", "c", "7"].map((left) => `${left} ${operator} a`)),
  ...["t", "u", "e", "string(a)", "string(n)", "string(q)", "bytes(t)", "t + u", "e + u", "q ? u : t", "q ? e : u"],
  ...["y", "y + y", "l", "l + z", "z + l", "w", "w + w", "-a", "-b", "-n", "!q", "l[0]", "l[9]", "z[0]", "w[1]"],
  ...["size(t)", "size(u)", "size(y)", "size(l)", "size(e)", "size(w)", "l.sum()", "sum(l)", "sum(z)", "sum(l + z)"],
  ...["mulDiv(a, b, 7, 'up')", "mulDiv(n, 3, 7, 'half_even')", "mulDiv(n, n, c, 'down')", "split(b, l)", "split(n, z)"],
  ...["split(7, [1, 2, 3])", "split(b, [b, 1])", "addMonths(d, 1)", "addMonths(d, 1200)", "addMonths(d, 1201)"],
  ...["addMonths(d, -1200)", "addMonths(d, -1201)", "addMonths(d, 12000)", "addMonths(d, -12000)", "addMonths(n, 1)"],
  ...["year(d)", "month(d)", "day(d)", "hour(d)", "weekday(d)", "dayNumber(d)", "startOfDay(d)", "startOfMonth(d)"],
  ...["year(n)", "year(253402271999999)", "year(253402272000000)", "year(253402300799999)", "year(253402300800000)"],
  ...[
    "t.contains(u)",
    "t.startsWith(u)",
    "t.endsWith(u)",
    "sha256(t)",
    "sha256(y)",
    "opens(y, t, y)",
    "int(u)",
    "int(t)",
  ],
  ...["int('9223372036854775807')", "int('9223372036854775808')", "int('-9223372036854775808')", "int('-')", "int('')"],
  ...[
    `int('${"1".repeat(40)}')`,
    `int('${"0".repeat(39)}1')`,
    `int('${"0".repeat(40)}1')`,
    `int('-${"0".repeat(40)}1')`,
  ],
  ...["l.all(x, x > b)", "l.exists(x, x == b)", "l.exists_one(x, x == 3)", "l.map(x, x * 2)", "l.map(x, x > 0, x + 1)"],
  ...[
    "l.filter(x, x > 0)",
    "l.map(x, [x])",
    "w.map(x, x + u)",
    "l.map(x, size(z.filter(v, v < x)))",
    "b in l",
    "e in w",
  ],
  ...[
    "t < u",
    "t == e",
    "e == 'x'",
    "e != u",
    "y == y",
    "l == z",
    "l != l",
    "q == true",
    "e in ['x', 'yy']",
    "q || b / a > 1",
  ],
  ...[
    "q && b / c > 1",
    "q ? b / c : 1",
    "[a, b, c]",
    "[a, n]",
    "[u, t]",
    "[e, e]",
    "[e, u]",
    "[[a], [b]]",
    "[]",
    "'邻' + '里'",
  ],
  ...[
    "9007199254740991",
    "-9007199254740991",
    "9007199254740992",
    "-9007199254740992",
    "9223372036854775808",
    "mulDiv(1, 1, 1, e)",
  ],
  ...[
    "mulDiv(1, 1, 1, 'no')",
    "sum([])",
    "sum(w)",
    "size(a)",
    "split(t, l)",
    "split(-1, l)",
    "int(q)",
    "string(l)",
    "t[0]",
    "nobody.x",
  ],
];

it("R250: expressions at the edges have the recorded types, ranges, findings, worst cases, results and gas", () => {
  const seen = EXPRESSIONS.map((text) => {
    const { typed, findings } = check(text, NAMES);
    const found = findings.map(({ code, line, column, message, known = [] }) => [
      code,
      line,
      column,
      message,
      ...known,
    ]);
    const { result, gas } = evaluate(text, NAMES);
    return [text, found, typed?.type, typed?.worst, typed?.fallible, typed && result, gas];
  });
  const plain = JSON.stringify(seen, (_, value) => (typeof value === "bigint" ? `${value}n` : value)).replaceAll(
    '],["',
    '],\n["',
  );
  if (process.env.UPDATE_COSTS === "1") writeFileSync(RECORDED, `${plain}\n`);
  expect(`${plain}\n`).toBe(readFileSync(RECORDED, "utf8"));
});
