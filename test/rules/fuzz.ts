// `npm run fuzz:rules -- --count N --seed S [--from I]`: differential fuzzing of the rule language against @bufbuild/cel.
// Ends with `N compared, D differences`; fails when D is not 0.

import { parseArgs } from "node:util";
import { compareMany, emptyComparison, REFUSED_BY_DESIGN } from "./differential.ts";
import { corrected, KNOWN_DIFFERENCES, type KnownDifference } from "./oracle.ts";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
    from: { type: "string", default: "0" },
  },
});
const [count, seed, from] = [Number(values.count), Number(values.seed), Number(values.from)];
if (![count, seed, from].every(Number.isSafeInteger)) throw new Error("--count, --seed and --from are whole numbers");

const PIECE = 1000;
const SHOWN_MAX = 20;
const comparison = emptyComparison();
// Refused expressions are replaced by later ones: `count` is what is compared.
let next = from;
while (comparison.compared < count && comparison.differences.length < SHOWN_MAX) {
  const before = comparison.differences.length;
  const size = Math.min(PIECE, count - comparison.compared);
  compareMany(seed, next, size, comparison);
  next += size;
  for (const { index, text, names, here, there } of comparison.differences.slice(before)) {
    console.log(`difference at index ${index}:\n  ${text}\n  with ${names}\n  here   ${here}\n  oracle ${there}`);
    console.log(`  npm run fuzz:rules -- --count 1 --seed ${seed} --from ${index}`);
  }
}
const kinds = [...comparison.values].map(([kind, times]) => `${times} ${kind}s`).join(", ");
console.log(`seed ${seed}, expressions ${from} to ${next - 1}: ${kinds}`);
for (const [code, times] of comparison.refused)
  console.log(`not compared: ${times} x ${code}: ${REFUSED_BY_DESIGN[code]}`);
for (const name of Object.keys(KNOWN_DIFFERENCES) as KnownDifference[])
  console.log(`known difference: ${corrected.get(name) ?? 0} x ${name}: ${KNOWN_DIFFERENCES[name]}`);
console.log(`${comparison.compared} compared, ${comparison.differences.length} differences`);
process.exitCode = comparison.differences.length === 0 ? 0 : 1;
