// Evaluates many programs, deep and hostile ones among them, and prints one hash over results, findings and gas.
// Run by hostile.test.ts under several settings of the JavaScript engine.

import { checkContract } from "../../../src/contracts/check-contract.ts";
import { encode, type Value } from "../../../src/ledger/codec.ts";
import { hashTagged, toHex } from "../../../src/ledger/hash.ts";
import { document, evaluate, genesisWith, type Names, TestChain, transaction } from "./support.ts";

const NAMES: Names = {
  a: ["int", -9_007_199_254_740_993n],
  b: ["int(-50..50)", -7],
  c: ["bool", true],
  t: ["text(40)", "邻里 😀"],
  l: ["list(int, 9)", [3, 1, 2]],
  s: ["enum(open,shut)", "open"],
};
const ATOMS = [
  "a",
  "b",
  "1",
  "-9223372036854775808",
  "size(l)",
  "l[0]",
  "l[b]",
  "int('12')",
  "a / (b + 7)",
  "mulDiv(a, b, 3, 'half_even')",
];
const CONDITIONS = [
  "c",
  "s == 'open'",
  "t < '邻里 a'",
  "l.all(x, x > b)",
  "l.exists(x, 6 / (x - 1) == 3)",
  "b in l",
  "'😀' in [t, '😀']",
];
const DEEP = [
  `1${"+1".repeat(1499)}`,
  `${"(".repeat(90)}1${")".repeat(90)}`,
  `${"!".repeat(95)}c`,
  "(".repeat(40_000),
  `1${"+1".repeat(94)}`,
  `${"c ? 1 : ".repeat(90)}2`,
];

function programs(): readonly string[] {
  const sums = ATOMS.flatMap((left) =>
    ATOMS.flatMap((right) =>
      ["+", "-", "*", "/", "%", "<", "=="].map((operator) => `(${left}) ${operator} (${right})`),
    ),
  );
  const logic = CONDITIONS.flatMap((left) =>
    CONDITIONS.flatMap((right) => [`${left} && ${right}`, `!(${left}) || ${right}`, `${left} ? ${right} : a > b`]),
  );
  return [...sums, ...logic, ...DEEP];
}

function plain(value: Value | { readonly error: string }): Value {
  return value !== null && typeof value === "object" && "error" in value ? ["error", value.error] : value;
}

const results: Value[] = programs().map((text) => {
  const { result, gas } = evaluate(text, NAMES, 5000);
  return [plain(result), gas];
});
for (const source of [document("desk.yaml"), `rules: ${"[".repeat(30_000)}`]) {
  results.push(checkContract(source).findings.map(({ code, line, column }) => [code, line, column]));
}
const chain = new TestChain(
  genesisWith([{ name: "desk", source: document("desk.yaml") }], [{ id: "ann", organisation: "o", roles: ["clerk"] }]),
);
const calls = ["add", "count", "burn_later", "divide"].map((action) =>
  transaction("ann", [{ contract: "desk", action, args: argumentsOf()[action] ?? {} }]),
);
for (const { status, ruleId, gas } of [...chain.block(1, calls).receipts, ...chain.block(9, []).receipts])
  results.push([status, ruleId, gas]);

function argumentsOf(): Readonly<Record<string, Readonly<Record<string, Value>>>> {
  return { add: { id: "a", state: "open" }, count: { id: "a", n: 3 }, divide: { n: 1, by: 0 } };
}

process.stdout.write(`${toHex(hashTagged("DOCUMENT", encode(results)))} ${results.length} results\n`);
