// `npm run sim:explore`: explores a small core exhaustively and ends with `N states visited, V violations`.
// `--planted` breaks rules in a copy of the sources and ends with `F of P planted breaks found`.

import { parseArgs } from "node:util";
import { type Bounds, DEEPER, describeBounds, EXPLORED, SMALL } from "./bounds.ts";
import { findPlanted, PLANTED } from "./planted.ts";
import { explore } from "./search.ts";

const { values } = parseArgs({
  options: {
    small: { type: "boolean", default: false },
    bounds: { type: "string" },
    planted: { type: "boolean", default: false },
    exact: { type: "boolean", default: false },
    "states-max": { type: "string", default: "60000000" },
    help: { type: "boolean", default: false },
  },
});

/** Ends at the first set of bounds with a violation: its path is told step by step. */
function exploreAll(sets: readonly Bounds[]): void {
  let states = 0;
  let violations = 0;
  let isWhole = true;
  for (const bounds of sets) {
    const startedMs = performance.now();
    const outcome = explore(bounds, Number(values["states-max"]), values.exact ? "exact" : "alike");
    const { violation, localStates, merged, pools, commits, isCutOff } = outcome;
    states += outcome.states;
    isWhole &&= !isCutOff;
    console.log(`${bounds.name}: ${describeBounds(bounds)}`);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    const memory = `${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB`;
    console.log(
      `  ${outcome.states} states${isCutOff ? " AND MORE: the table is full" : ""}, ${merged} met again, ` +
        `${localStates.join(" + ")} states of single replicas, ${pools} sets of signed frames, ` +
        `${commits} blocks committed last; ${seconds} s, ${memory}`,
    );
    if (violation === undefined) continue;
    violations += 1;
    for (const step of violation.path) console.log(`    ${step}`);
    console.log(`  ${violation.rule}`);
    break;
  }
  console.log(`${states} states visited, ${violations} violations`);
  process.exitCode = violations === 0 && isWhole ? 0 : 1;
}

function chosen(): readonly Bounds[] {
  if (values.small) return SMALL;
  if (values.bounds === undefined) return EXPLORED;
  const all = [...EXPLORED, ...DEEPER];
  const named = all.filter(({ name }) => name === values.bounds);
  if (named.length > 0) return named;
  console.error(`--bounds wants one of: ${all.map(({ name }) => `"${name}"`).join(", ")}`);
  process.exit(2);
}

if (values.help) {
  console.log("npm run sim:explore -- [--small | --bounds NAME] [--exact] [--states-max N] | --planted");
} else if (values.planted) {
  const found = findPlanted((line) => console.log(line));
  console.log(`${found} of ${PLANTED.length} planted breaks found`);
  process.exitCode = found === PLANTED.length ? 0 : 1;
} else {
  exploreAll(chosen());
}
