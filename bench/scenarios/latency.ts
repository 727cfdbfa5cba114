// Latency from the intended time of sending: one client at a time, open loops, shares of what is possible.

import { LOAD_OPTIONS } from "../options.ts";
import { ROWS_HELP, ROWS_USUAL, Rows, readRows } from "../rows.ts";
import { inLab, OVERHEAD_SECONDS, type Scenario } from "../scenario.ts";

const LATENCY_ROWS = ROWS_USUAL.filter((word) => word !== "peak");

export const LATENCY: Scenario = {
  name: "latency",
  what: `--over ${LATENCY_ROWS.join(",")}, each ${ROWS_HELP}; or only --rate R`,
  defaults: { over: LATENCY_ROWS },
  heeds: [...LOAD_OPTIONS, "repeat", "nodes", "attach", "profile", "over", "rate"],
  secondsNeeded: ({ seconds, repeat, rate, over, warmUpSeconds }) =>
    OVERHEAD_SECONDS + 3 * warmUpSeconds + 1.6 * seconds * (rate === undefined ? 1 + over.length * repeat : repeat),
  run: (options, hooks) => {
    const [first, ...others] = readRows(options.rate === undefined ? options.over : [String(options.rate)]);
    return inLab(options, hooks, {}, async (lab) => {
      const rows = new Rows(lab, options, hooks);
      await lab.warmUp();
      const main = await rows.measure(first!);
      const points = [main];
      for (const row of others) points.push(await rows.measure(row));
      return { points, main: main.name, again: () => rows.once(first!, options.repeat) };
    });
  },
};
