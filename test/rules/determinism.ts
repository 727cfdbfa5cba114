// `npm run determinism`: the same programs under every setting; ends with `N settings, D differences`.
// `--renew` records the hash anew: for a change that is meant to change results or gas, and only then.

import { ALL_SETTINGS, PlainSources, recordedResult, recordResult } from "./settings.ts";

const [first, ...others] = ALL_SETTINGS;
if (first === undefined) throw new Error("no settings");
const sources = new PlainSources();
const usual = sources.run(first);
if (process.argv.includes("--renew")) recordResult(usual);
const recorded = recordedResult();
let differences = usual === recorded ? 0 : 1;
console.log(`${usual === recorded ? "same" : `recorded is ${recorded}, now ${usual}`}: ${first.name}`);
for (const setting of others) {
  const started = performance.now();
  const result = sources.run(setting);
  if (result !== usual) differences += 1;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${result === usual ? "same" : `DIFFERENT ${result}`}: ${setting.name} (${seconds} s)`);
}
sources.remove();
console.log(usual);
console.log(`${ALL_SETTINGS.length} settings, ${differences} differences`);
process.exitCode = differences === 0 ? 0 : 1;
