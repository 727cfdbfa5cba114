// Latency of open loops, from the intended time of sending: a person or two, a small town, a city, and 70% of what is possible.

import { inLab, OVERHEAD_SECONDS, repeated, type Scenario } from "../scenario.ts";

const RATES = [10, 200, 1_000] as const;
const SHARE_OF_PEAK = 0.7;

export const LATENCY: Scenario = {
  name: "latency",
  what: `open loops of ${RATES.join(", ")} tx/s and ${SHARE_OF_PEAK * 100}% of the peak, or only --rate R`,
  defaults: {},
  secondsNeeded: ({ seconds, repeat, rate, warmUpSeconds }) =>
    OVERHEAD_SECONDS + 3 * warmUpSeconds + (rate === undefined ? 5 : 1) * 1.4 * seconds * repeat,
  run: (options, hooks) =>
    inLab(options, hooks, {}, async (lab) => {
      const { seconds, repeat, seed } = options;
      const measure = (name: string, rate: number) => {
        hooks.progress(`${name}: ${rate} tx/s for ${seconds} s`);
        return repeated(name, { rate }, repeat, (number) => lab.openLoop(name, { rate, seconds, seed: seed + number }));
      };
      await lab.warmUp();
      const rates = options.rate === undefined ? RATES : [options.rate];
      const points = [];
      for (const rate of rates) points.push(await measure(`${rate} tx/s`, rate));
      if (options.rate === undefined) {
        const { txPerSecond } = await lab.closedLoop("peak, to know 70% of it", seconds);
        points.push(await measure("70% of peak", Math.max(1, Math.floor(SHARE_OF_PEAK * txPerSecond))));
      }
      const [first] = points;
      const rate = first?.at.rate as number;
      return {
        points,
        main: first?.name,
        again: () => lab.openLoop("profiled", { rate, seconds, seed: seed + repeat }),
      };
    }),
};
