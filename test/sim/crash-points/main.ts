// `npm run crash-points -- [--every N]`: a node crashes at each of its writes and syncs, with each outcome, once per run of the
// scenario; ends with `N points, 0 violations`.

import { parseArgs } from "node:util";
import { WRITE_KINDS } from "../node/fate.ts";
import { type CrashPoint, crashAt, describePoint, learnMoments, pointsOf } from "./points.ts";
import { FIRST_PRIMARY, LATECOMER, SECOND_PRIMARY } from "./scenario.ts";

const every = Number(optionEvery());
if (!Number.isSafeInteger(every) || every < 1) {
  console.error("npm run crash-points -- [--every N]: every point, or each N-th of them");
  process.exit(2);
}

const startedMs = performance.now();
const { outcome, moments } = await learnMoments();
if (outcome.failure !== undefined) throw new Error(`the scenario fails without a crash: ${outcome.failure}`);
// The fourth node only ever follows, as the latecomer does before and after it is late.
const nodes = [FIRST_PRIMARY, SECOND_PRIMARY, LATECOMER];
const points = pointsOf(moments, { nodes, everywhereOf: [FIRST_PRIMARY] }).filter((_, place) => place % every === 0);

const broken: string[] = [];
for (const point of points) {
  const failure = await crashAt(point);
  if (failure === undefined) continue;
  broken.push(describePoint(point));
  console.log(`${describePoint(point)}: ${failure}`);
}

function optionEvery(): string | undefined {
  try {
    return parseArgs({ options: { every: { type: "string", default: "1" } } }).values.every;
  } catch {
    return undefined;
  }
}

function count(isCounted: (point: CrashPoint) => boolean): number {
  return points.filter(isCounted).length;
}

for (const kind of WRITE_KINDS) {
  const one = count((point) => point.kind === kind && !point.isEverywhere);
  console.log(`${kind}: ${one} points of one node, ${count((point) => point.kind === kind) - one} of all together`);
}
console.log(`${outcome.heights} blocks, ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
console.log(`${points.length} points, ${broken.length} violations`);
process.exitCode = broken.length === 0 ? 0 : 1;
