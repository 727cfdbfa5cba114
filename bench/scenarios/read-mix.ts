// Questions beside transactions: rows of the state with their proofs, open loop from a client process of their own, while an open
// load of transactions goes on; and the same transactions without them, to see what the questions cost.

import { LedgerError } from "../../src/errors.ts";
import { ACCOUNTS } from "../lab.ts";
import { LatencyHistogram, type LatencySummary } from "../latency.ts";
import { LoadClient } from "../load-client.ts";
import { LOAD_OPTIONS, numbersOver } from "../options.ts";
import type { Figure, Point } from "../record.ts";
import { inLab, OVERHEAD_SECONDS, type Scenario } from "../scenario.ts";

const RATE_USUAL = 100;
const READS_MAX = 100_000;
const READS_USUAL = ["0", "200", "1000"];

export const READ_MIX: Scenario = {
  name: "read-mix",
  what: `--over ${READS_USUAL.join(",")} questions a second with proofs beside --rate (${RATE_USUAL}) of transactions`,
  defaults: { rate: RATE_USUAL, over: READS_USUAL },
  heeds: [...LOAD_OPTIONS, "repeat", "nodes", "attach", "over", "rate"],
  secondsNeeded: ({ over, seconds, repeat, warmUpSeconds }) =>
    OVERHEAD_SECONDS + 3 * warmUpSeconds + over.length * 1.3 * seconds * repeat,
  run: (options, hooks) => {
    const numbers = numbersOver(options, 0, READS_MAX);
    return inLab(options, hooks, {}, async (lab) => {
      const { seconds, repeat, seed, rate = RATE_USUAL, arrivals } = options;
      const reader = new LoadClient();
      hooks.onEnd(() => reader.kill());
      const chainId = await lab.nodes.chain();
      await reader.connect({
        system: "linli",
        chainId,
        seed,
        accounts: ACCOUNTS,
        numbersFrom: 0,
        nodes: lab.nodes.urls,
      });
      await lab.warmUp();
      const points: Point[] = [];
      const figures: Figure[] = [];
      const unanswered: string[] = [];
      for (const reads of numbers) {
        const name = `${reads} questions/s`;
        hooks.progress(`${name} beside ${rate} tx/s for ${seconds} s`);
        const repetitions = [];
        const summaries: LatencySummary[] = [];
        const answeredPercents: number[] = [];
        for (let round = 0; round < repeat; round += 1) {
          const read = reads === 0 ? undefined : reader.read({ arrivals, rate: reads, seconds, seed: seed + round });
          repetitions.push(await lab.openLoop(name, { rate, seconds, seed: seed + round }));
          const result = await read;
          if (result === undefined) continue;
          const { asked, answered, failed } = result;
          if (answered === 0) throw new LedgerError("BENCH_READS_FAILED", { asked, failed: JSON.stringify(failed) });
          if (answered < asked) unanswered.push(`${name}: ${asked - answered} of ${asked}, ${JSON.stringify(failed)}`);
          answeredPercents.push((100 * answered) / asked);
          summaries.push(LatencyHistogram.decode(result.latency).summary());
        }
        points.push({ name, at: { reads, rate }, repetitions });
        if (summaries.length === 0) continue;
        const figure = (what: "p50Ms" | "p99Ms"): Figure => ({
          name: `${name}: ${what.slice(0, 3)} of an answer`,
          unit: "ms",
          better: "less",
          values: summaries.map((summary) => summary[what]),
        });
        figures.push(figure("p50Ms"), figure("p99Ms"));
        figures.push({ name: `${name}: answered`, unit: "%", better: "more", values: answeredPercents });
      }
      reader.kill();
      return {
        points,
        main: points.at(-1)?.name,
        figures,
        notes: [
          "The reader's own CPU counts among that of others. It does not check the proofs that it is sent.",
          ...unanswered.map((what) => `Without an answer, and not among the latencies: ${what}.`),
        ],
      };
    });
  },
};
