// A node that was away: it is stopped under load, the others go on, it is started again. How long until it has what they have,
// while they rest and while they go on.

import { setTimeout as pause } from "node:timers/promises";
import { LedgerError } from "../../src/errors.ts";
import type { BenchNetwork } from "../network.ts";
import { until } from "../nodes.ts";
import { LOAD_OPTIONS } from "../options.ts";
import type { Figure, Point } from "../record.ts";
import { inLab, OVERHEAD_SECONDS, type Scenario } from "../scenario.ts";

const RATE_USUAL = 100;
const AWAY_SECONDS = 30;
const START_MS_MAX = 60_000;
const CAUGHT_UP_MS_MAX = 300_000;
/** It has caught up when it is this near to the others: they may go on. */
const NEAR_BLOCKS = 3;

const OTHERS = ["rest", "go on"] as const;

interface Return {
  /** blocks that it had missed when it was started again */
  readonly missed: number;
  /** from the start of the process to its first answer, ms */
  readonly healthyMs: number;
  /** from the start of the process until it was near the others, ms */
  readonly caughtUpMs: number;
}

export const CATCH_UP: Scenario = {
  name: "catch-up",
  what: `a node is away for --seconds (${AWAY_SECONDS}) of --rate (${RATE_USUAL}), and returns while the others rest, and while they go on`,
  defaults: { rate: RATE_USUAL, seconds: AWAY_SECONDS },
  heeds: [...LOAD_OPTIONS, "repeat", "nodes", "rate"],
  needsOwnNodes: true,
  secondsNeeded: ({ seconds, repeat, warmUpSeconds }) =>
    OVERHEAD_SECONDS + 3 * warmUpSeconds + (3 * seconds + 30) * repeat,
  run: (options, hooks) =>
    inLab(options, hooks, {}, async (lab) => {
      const { seconds, seed, repeat, rate = RATE_USUAL } = options;
      const { network } = lab;
      if (network === undefined) throw new LedgerError("BENCH_NOT_OWN_NODES");
      await lab.warmUp();
      const points: Point[] = [];
      const figures: Figure[] = [];
      for (const others of OTHERS) {
        const name = `the others ${others}`;
        const repetitions = [];
        const returns: Return[] = [];
        for (let round = 0; round < repeat; round += 1) {
          hooks.progress(`${name}: away for ${seconds} s of ${rate} tx/s`);
          const loadSeconds = others === "rest" ? seconds : 2 * seconds;
          const fault = async (): Promise<void> => {
            const found = await leaveAndReturn(network, seconds);
            returns.push(found);
            hooks.progress(`${found.missed} blocks missed, near after ${Math.round(found.caughtUpMs)} ms`);
          };
          repetitions.push(await lab.openLoop(name, { rate, seconds: loadSeconds, seed: seed + round, fault }));
        }
        points.push({ name, at: { others, rate }, repetitions });
        figures.push(...figuresFrom(name, returns));
      }
      return { points, main: points[0]?.name, figures };
    }),
};

async function leaveAndReturn(network: BenchNetwork, seconds: number): Promise<Return> {
  const away = network.processes.length - 1;
  const process = network.processes[away]!;
  const { height: left } = await network.head(away);
  await process.stop();
  await pause(seconds * 1000);
  const missed = (await network.head(0)).height - left;
  const startedMs = performance.now();
  process.start();
  await process.untilHealthy(START_MS_MAX);
  const healthyMs = performance.now() - startedMs;
  await until(CAUGHT_UP_MS_MAX, "BENCH_NOT_SETTLED", async () => {
    const [others, own] = await Promise.all([network.head(0), network.head(away)]);
    return others.height - own.height <= NEAR_BLOCKS;
  });
  return { missed, healthyMs, caughtUpMs: performance.now() - startedMs };
}

function figuresFrom(name: string, returns: readonly Return[]): readonly Figure[] {
  return [
    { name: `${name}: blocks missed`, unit: "blocks", better: "more", values: returns.map(({ missed }) => missed) },
    { name: `${name}: first answer`, unit: "ms", better: "less", values: returns.map(({ healthyMs }) => healthyMs) },
    {
      name: `${name}: near the others`,
      unit: "ms",
      better: "less",
      values: returns.map(({ caughtUpMs }) => caughtUpMs),
    },
    {
      name: `${name}: speed without the start`,
      unit: "blocks/s",
      better: "more",
      // Polling is all that separates a short way from none.
      values: returns.map(
        ({ missed, healthyMs, caughtUpMs }) => (missed * 1000) / Math.max(50, caughtUpMs - healthyMs),
      ),
    },
  ];
}
