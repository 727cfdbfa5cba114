// The most that the nodes commit: a closed loop that keeps so many transactions on their way at each of them.

import { LOAD_OPTIONS } from "../options.ts";
import { inLab, OVERHEAD_SECONDS, repeated, type Scenario } from "../scenario.ts";

export const PEAK: Scenario = {
  name: "peak",
  what: "the commit rate of a closed loop; with --calls and --payload",
  defaults: {},
  heeds: [...LOAD_OPTIONS, "repeat", "nodes", "attach", "profile"],
  secondsNeeded: ({ seconds, repeat, warmUpSeconds }) => OVERHEAD_SECONDS + 4 * warmUpSeconds + 2 * seconds * repeat,
  run: (options, hooks) =>
    inLab(options, hooks, {}, async (lab) => {
      const { seconds, repeat, payload } = options;
      await lab.warmUp();
      hooks.progress(`peak: ${lab.inFlightPerNode} of ${payload} on their way at each node for ${seconds} s`);
      const run = () => lab.closedLoop("peak", seconds);
      const point = await repeated("peak", { payload, calls: lab.calls }, repeat, run);
      return { points: [point], main: "peak", again: run };
    }),
};
