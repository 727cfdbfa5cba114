// What a failing primary costs: under a steady open load it is killed, frozen, slowed, or leaves out what one node hands in.
// Measured from the moment of the fault: how long nothing commits, how long until commits keep up again, how much waits meanwhile.

import { setTimeout as pause } from "node:timers/promises";
import type { Timeline } from "../client/messages.ts";
import type { Lab } from "../lab.ts";
import type { BenchNetwork } from "../network.ts";
import { wordsOver } from "../options.ts";
import type { Figure, Point, Series } from "../record.ts";
import { inLab, OVERHEAD_SECONDS, type Scenario } from "../scenario.ts";

const RATE_USUAL = 200;
/** Of calm under load before the fault. */
const CALM_SECONDS = 5;
const HEALTHY_MS_MAX = 60_000;
/** A primary whose words come this late is slow, and still within everybody's patience. */
const SLOW_MS = 400;
/** Commits keep up again when so large a share of what is due in a second is committed in it, and for so long. */
const RECOVERED_SHARE = 0.9;
const RECOVERED_STEPS = 10;

type Way = (typeof WAYS)[number];
const WAYS = ["kill", "freeze", "slow", "censor"] as const;

export const FAILOVER: Scenario = {
  name: "failover",
  what: `a primary that fails under --rate (200): --over ${WAYS.join(",")}; dip, time to recover, backlog`,
  defaults: { rate: RATE_USUAL, over: WAYS, seconds: 20 },
  secondsNeeded: ({ over, seconds, repeat, warmUpSeconds }) =>
    OVERHEAD_SECONDS + 3 * warmUpSeconds + over.length * repeat * (seconds + CALM_SECONDS + 20),
  run: (options, hooks) =>
    inLab(options, hooks, { relayed: true }, async (lab) => {
      const { seconds, repeat, seed, rate = RATE_USUAL } = options;
      const ways = wordsOver(options, WAYS);
      await lab.warmUp();
      lab.wasInterrupted = true;
      const points: Point[] = [];
      const effects = new Map<Way, Effect[]>(ways.map((way) => [way, []]));
      const series: Series[] = [];
      for (const way of ways) {
        const repetitions = [];
        for (let round = 0; round < repeat; round += 1) {
          hooks.progress(`${way} ${round + 1} of ${repeat}: ${rate} tx/s, the fault after ${CALM_SECONDS} s`);
          const load = { rate, seconds: CALM_SECONDS + seconds, seed: seed + round, reroutes: true };
          const [phase] = await Promise.all([lab.openLoop(way, load), breakPrimary(lab, way, seconds)]);
          repetitions.push(phase);
          effects.get(way)?.push(effectOf(phase.timeline, CALM_SECONDS));
          if (round === 0) series.push(curveOf(way, phase.timeline));
        }
        points.push({ name: way, at: { way, rate }, repetitions });
      }
      const figures = ways.flatMap((way) => figuresFrom(way, effects.get(way) ?? []));
      return {
        points,
        main: points[0]?.name,
        figures,
        series,
        notes: [
          "The first intended time counts: what a dead node had taken is handed to the next node after 1 s.",
          "slow: everything from the primary comes 400 ms late; censor: nothing passes between the primary and one other node.",
        ],
      };
    }),
};

/** @throws LedgerError NODE_NOT_READY when the killed node does not come back */
async function breakPrimary(lab: Lab, way: Way, seconds: number): Promise<void> {
  const { network } = lab;
  if (network?.relay === undefined) return;
  await pause(CALM_SECONDS * 1000);
  const primary = await network.primary();
  const process = network.processes[primary]!;
  switch (way) {
    case "kill":
      await process.kill();
      await pause((seconds * 1000) / 2);
      process.start();
      await process.untilHealthy(HEALTHY_MS_MAX);
      return;
    case "freeze":
      process.signal("SIGSTOP");
      await pause((seconds * 1000) / 2);
      process.signal("SIGCONT");
      return;
    case "slow":
      for (const other of othersOf(network, primary)) network.relay.change(primary, other, { delayMs: SLOW_MS });
      await pause((seconds * 1000) / 2);
      network.relay.heal();
      return;
    case "censor": {
      // What this node's clients hand in never reaches the primary, as if it were left out on purpose.
      const [left] = othersOf(network, primary);
      network.relay.change(primary, left!, { isHeld: true });
      network.relay.change(left!, primary, { isHeld: true });
      await pause((seconds * 1000) / 2);
      network.relay.heal();
      return;
    }
  }
}

function othersOf({ processes }: BenchNetwork, node: number): readonly number[] {
  return [...processes.keys()].filter((other) => other !== node);
}

export interface Effect {
  /** the longest time without any commit, ms */
  readonly standstillMs: number;
  /** from the fault until commits keep up with what is due again, ms */
  readonly recoveredMs: number;
  /** the most that waited at one time */
  readonly backlog: number;
}

/** @param faultSeconds after the start of the load */
export function effectOf({ stepMs, due, committed }: Timeline, faultSeconds: number): Effect {
  const from = Math.floor((faultSeconds * 1000) / stepMs);
  const steps = due.length;
  const at = (row: readonly number[], step: number): number => row[step] ?? 0;
  let [longest, current, backlog, mostBacklog] = [0, 0, 0, 0];
  for (let step = 0; step < Math.max(steps, committed.length); step += 1) {
    backlog += at(due, step) - at(committed, step);
    if (step < from) continue;
    mostBacklog = Math.max(mostBacklog, backlog);
    current = at(committed, step) === 0 && step < steps ? current + 1 : 0;
    longest = Math.max(longest, current);
  }
  const sumOf = (row: readonly number[], start: number): number =>
    Array.from({ length: RECOVERED_STEPS }, (_, step) => at(row, start + step)).reduce((sum, count) => sum + count, 0);
  const keepsUp = (step: number): boolean => sumOf(committed, step) >= RECOVERED_SHARE * sumOf(due, step);
  // The last second that fell behind ends the fault's effect.
  let recovered = from;
  for (let step = from; step + RECOVERED_STEPS <= steps; step += 1)
    if (!keepsUp(step)) recovered = step + RECOVERED_STEPS;
  return { standstillMs: longest * stepMs, recoveredMs: (recovered - from) * stepMs, backlog: mostBacklog };
}

function figuresFrom(way: Way, effects: readonly Effect[]): readonly Figure[] {
  const figure = (name: string, unit: string, of: (effect: Effect) => number): Figure => ({
    name: `${way}: ${name}`,
    unit,
    better: "less",
    values: effects.map(of),
  });
  return [
    figure("standstill", "ms", ({ standstillMs }) => standstillMs),
    figure("recovered after", "ms", ({ recoveredMs }) => recoveredMs),
    figure("backlog", "transactions", ({ backlog }) => backlog),
  ];
}

function curveOf(way: Way, { stepMs, committed }: Timeline): Series {
  return {
    chart: "Commits while the primary fails",
    name: way,
    x: "s",
    y: "tx/s",
    points: committed.map((count, step) => [(step * stepMs) / 1000 - CALM_SECONDS, (count * 1000) / stepMs] as const),
  };
}
