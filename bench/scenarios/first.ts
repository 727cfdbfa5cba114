// The first measurement: latency of one client and of open loops, the peak of a closed loop, and open loops below it, in one run.
// Decides what is measured; every figure comes from elsewhere.

import type { Hooks, Loads } from "../loads.ts";
import { LOAD_OPTIONS, type Options } from "../options.ts";
import type { Point } from "../record.ts";
import { ROWS_HELP, ROWS_USUAL, type Row, Rows, readRows } from "../rows.ts";
import { type Found, inLab, OVERHEAD_SECONDS, type Scenario } from "../scenario.ts";

export const FIRST: Scenario = {
  name: "first",
  what: `latencies and the peak: --over ${ROWS_USUAL.join(",")}, each ${ROWS_HELP}`,
  defaults: { over: ROWS_USUAL },
  heeds: [...LOAD_OPTIONS, "repeat", "nodes", "attach", "profile", "over"],
  secondsNeeded: ({ over, seconds, repeat, warmUpSeconds }) =>
    OVERHEAD_SECONDS + 3 * warmUpSeconds + 1.6 * over.length * seconds * repeat,
  run: (options, hooks) => {
    const asked = readRows(options.over);
    return inLab(options, hooks, {}, (lab) => measureFirst(asked, lab, options, hooks));
  },
};

/** The same loads for whatever network stands behind them: also how peers are measured. */
export async function measureFirst(
  asked: readonly Row[],
  loads: Loads,
  options: Options,
  hooks: Hooks,
): Promise<Found> {
  const rows = new Rows(loads, options, hooks);
  await loads.warmUp();
  const points: Point[] = [];
  for (const row of asked) points.push(await rows.measure(row));
  const main = Math.max(
    0,
    asked.findIndex(({ load }) => load.kind === "peak"),
  );
  // What a person waits for is told of single transactions; at the peak it is the length of the queue.
  return {
    points,
    main: points[main]!.name,
    latencyOf: points[0]!.name,
    again: () => rows.once(asked[main]!, options.repeat),
  };
}
