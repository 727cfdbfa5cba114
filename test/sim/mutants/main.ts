// `npm run sim:mutants -- [--only NAME]... [--seeds-max N] [--seconds-max S] [--workers K]`: plants one bug after the other in a
// copy of the sources and asks how many seeds it takes to be found; ends with `N of M planted bugs found`.

import { parseArgs } from "node:util";
import { MUTANTS } from "./catalogue.ts";
import { type Finding, findMutant } from "./find.ts";
import type { Mutant } from "./mutant.ts";

/** Fewer than this is a hole in the simulator. */
const FOUND_MIN = 0.95;

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    "seeds-max": { type: "string", default: "10000" },
    "seconds-max": { type: "string", default: "100000" },
    workers: { type: "string", default: "1" },
  },
});

const limits = { seedsMax: numberOf("seeds-max"), secondsMax: numberOf("seconds-max") };
const unknown = (values.only ?? []).filter((name) => !MUTANTS.some((mutant) => mutant.name === name));
if (unknown.length > 0) throw new Error(`no planted bug is called ${unknown.join(", ")}`);
const chosen = MUTANTS.filter(({ name }) => values.only === undefined || values.only.includes(name));

function numberOf(name: "seeds-max" | "seconds-max" | "workers"): number {
  const value = Number(values[name]);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} wants a number of at least 1`);
  return value;
}

function rowOf({ name, says, pitfalls }: Mutant, finding: Finding): string {
  const what = `| ${name} | ${says} | ${pitfalls.join(", ")} |`;
  if (finding.kind === "found")
    return `${what} ${finding.seeds} | ${finding.by} | ${finding.rule.replaceAll("|", "/")} |`;
  if (finding.kind === "unfound") return `${what} NOT in ${finding.seeds} | | |`;
  return `${what} NO PROGRAM | | ${finding.detail.replaceAll("\n", " ").slice(0, 300)} |`;
}

console.log("| Name | Planted | Pitfalls | Seeds | By | Rule |\n|---|---|---|---|---|---|");
const startedMs = performance.now();
const open = [...chosen];
let found = 0;

async function work(): Promise<void> {
  for (let mutant = open.shift(); mutant !== undefined; mutant = open.shift()) {
    const finding = await findMutant(mutant, limits);
    if (finding.kind === "found") found += 1;
    console.log(rowOf(mutant, finding));
  }
}

await Promise.all(Array.from({ length: numberOf("workers") }, () => work()));
console.log(`${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
console.log(`${found} of ${chosen.length} planted bugs found`);
process.exitCode = found >= FOUND_MIN * chosen.length ? 0 : 1;
