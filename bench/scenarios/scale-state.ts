// What a transaction costs as the state grows: the same peak after the state was filled, by transactions, to each size in turn.

import { ACCOUNTS } from "../lab.ts";
import { LOAD_OPTIONS, numbersOver, type Options } from "../options.ts";
import { CALLS_USUAL } from "../payloads.ts";
import type { Point } from "../record.ts";
import { summarise } from "../record.ts";
import { inLab, OVERHEAD_SECONDS, repeated, type Scenario } from "../scenario.ts";

const SIZES_USUAL = ["10000", "100000", "1000000"];
const KEYS_MAX = 100_000_000;
/** Accounts have two rows of their own each. */
const KEYS_AT_FIRST = 2 * ACCOUNTS;
/** Signed, sent and committed at one time. */
const FILL_AT_ONCE = 1_000;
/** Rows a second, when the machine has nothing else to do. */
const FILL_PER_SECOND = 5_000;

export const SCALE_STATE: Scenario = {
  name: "scale-state",
  what: `the peak with --over ${SIZES_USUAL.join(",")} keys in the state (10000000 takes an hour)`,
  defaults: { over: SIZES_USUAL },
  heeds: [...LOAD_OPTIONS, "repeat", "nodes", "over"],
  needsOwnNodes: true,
  secondsNeeded: (options) => {
    const { over, seconds, repeat, warmUpSeconds } = options;
    const most = sizesOf(options).at(-1) ?? 0;
    return OVERHEAD_SECONDS + 4 * warmUpSeconds + over.length * 2 * seconds * repeat + most / FILL_PER_SECOND;
  },
  run: (options, hooks) =>
    inLab(options, hooks, {}, async (lab) => {
      const { seconds, repeat } = options;
      const sizes = sizesOf(options);
      const points: Point[] = [];
      let keys = KEYS_AT_FIRST;
      await lab.warmUp();
      for (const size of sizes) {
        hooks.progress(`filling the state to ${size} keys`);
        while (keys < size) {
          const transactions = Math.min(FILL_AT_ONCE, Math.ceil((size - keys) / CALLS_USUAL.fill));
          await lab.fill("fill", transactions);
          keys += transactions * CALLS_USUAL.fill;
        }
        const name = `${size} keys`;
        hooks.progress(`${name}: peak for ${seconds} s`);
        points.push(await repeated(name, { keys: size }, repeat, () => lab.closedLoop(name, seconds)));
      }
      const cpu = points.map((point) => [Number(point.at.keys), summarise(point).cpuUsPerTx?.median ?? 0] as const);
      const memory = points.map((point) => [Number(point.at.keys), summarise(point).rssMb ?? 0] as const);
      return {
        points,
        main: points.at(-1)?.name,
        figures: [
          {
            name: "cost of a transaction in the largest state, times that in the smallest",
            unit: "x",
            better: "less",
            values: [(cpu.at(-1)?.[1] ?? 0) / Math.max(1, cpu[0]?.[1] ?? 1)],
          },
        ],
        series: [
          { chart: "Cost by size of the state", name: "CPU of a node", x: "keys", y: "us/tx", points: cpu },
          { chart: "Memory by size of the state", name: "largest node", x: "keys", y: "MB", points: memory },
        ],
      };
    }),
};

/** Keys, ascending. @throws LedgerError BENCH_OPTION_INVALID */
function sizesOf(options: Options): readonly number[] {
  return [...numbersOver(options, KEYS_AT_FIRST, KEYS_MAX)].sort((left, right) => left - right);
}
