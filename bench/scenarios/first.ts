// The first measurement: latency of single transactions, the peak of a closed loop, and open loops below it, in one run.
// Decides what is measured and in which order; every figure comes from elsewhere.

import type { Hooks, Loads } from "../loads.ts";
import type { Options } from "../options.ts";
import { type Found, inLab, OVERHEAD_SECONDS, repeated, type Scenario } from "../scenario.ts";

const RATE_USUAL = 10;
/** Open loops after the peak, in shares of it. */
const SHARES_OF_PEAK = [0.5, 0.7] as const;
const LOADS = 2 + SHARES_OF_PEAK.length;

export const FIRST: Scenario = {
  name: "first",
  what: "latency at --rate (10), the peak of a closed loop, then open loops at 50% and 70% of it",
  defaults: { rate: RATE_USUAL },
  secondsNeeded: ({ seconds, repeat, warmUpSeconds }) =>
    OVERHEAD_SECONDS + 3 * warmUpSeconds + 1.6 * LOADS * seconds * repeat,
  run: (options, hooks) => inLab(options, hooks, {}, (lab) => measureFirst(lab, options, hooks)),
};

/** The same loads for whatever network stands behind them: also how peers are measured. */
export async function measureFirst(loads: Loads, options: Options, hooks: Hooks): Promise<Found> {
  const { seconds, repeat, seed, rate = RATE_USUAL } = options;
  await loads.warmUp();
  hooks.progress(`latency: ${rate} tx/s for ${seconds} s, ${options.arrivals} arrivals over ${loads.size} nodes`);
  const single = (number: number) => loads.openLoop("latency", { rate, seconds, seed: seed + number });
  const full = () => loads.closedLoop("peak", seconds);
  const latency = await repeated("latency", { rate }, repeat, single);
  hooks.progress(`peak: ${loads.inFlightPerNode} transactions on their way at each node for ${seconds} s`);
  const peak = await repeated("peak", { inFlightPerNode: loads.inFlightPerNode }, repeat, full);
  const most = Math.max(...peak.repetitions.map(({ txPerSecond }) => txPerSecond));
  const points = [latency, peak];
  for (const share of SHARES_OF_PEAK) {
    const offered = Math.max(1, Math.floor(most * share));
    const name = `${share * 100}% of peak`;
    hooks.progress(`open loop: ${offered} tx/s for ${seconds} s, ${name}`);
    points.push(
      await repeated(name, { rate: offered }, repeat, (number) =>
        loads.openLoop(name, { rate: offered, seconds, seed: seed + number }),
      ),
    );
  }
  // What a person waits for is told of single transactions; at the peak it is the length of the queue.
  return {
    points,
    main: "peak",
    latencyOf: "latency",
    again: options.during === "latency" ? () => single(repeat) : full,
  };
}
