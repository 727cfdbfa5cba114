// What a failing primary costs: under a steady open load it is killed, frozen, slowed, or leaves out what one node hands in.
// Measured from the moment of the fault: how long nothing commits, how long until commits keep up again, how much waits meanwhile.

import { setTimeout as pause } from "node:timers/promises";
import type { Timeline } from "../client/messages.ts";
import type { Lab } from "../lab.ts";
import type { BenchNetwork } from "../network.ts";
import { LOAD_OPTIONS, wordsOver } from "../options.ts";
import type { Figure, Point, Series } from "../record.ts";
import { inLab, OVERHEAD_SECONDS, type Scenario } from "../scenario.ts";

const RATE_USUAL = 200;
/** Of calm under load before the fault. */
const CALM_SECONDS = 5;
const HEALTHY_MS_MAX = 60_000;
/** A primary whose words come this late is slow, and still within everybody's patience. */
const SLOW_MS = 400;
/** Of the account over time: a second. */
const CALM_STEPS = 10;

type Way = (typeof WAYS)[number];
const WAYS = ["kill", "freeze", "slow", "censor"] as const;

export const FAILOVER: Scenario = {
  name: "failover",
  what: `a primary that fails under --rate (200): --over ${WAYS.join(",")}; dip, time to recover, backlog`,
  defaults: { rate: RATE_USUAL, over: WAYS, seconds: 20 },
  heeds: [...LOAD_OPTIONS, "repeat", "nodes", "over", "rate"],
  needsOwnNodes: true,
  secondsNeeded: ({ over, seconds, repeat, warmUpSeconds }) =>
    OVERHEAD_SECONDS + 3 * warmUpSeconds + over.length * repeat * (seconds + CALM_SECONDS + 20),
  run: (options, hooks) => {
    const ways = wordsOver(options, WAYS);
    return inLab(options, hooks, { relayed: true }, async (lab) => {
      const { seconds, repeat, seed, rate = RATE_USUAL } = options;
      await lab.warmUp();
      const points: Point[] = [];
      const effects = new Map<Way, Effect[]>(ways.map((way) => [way, []]));
      const series: Series[] = [];
      for (const way of ways) {
        const repetitions = [];
        for (let round = 0; round < repeat; round += 1) {
          hooks.progress(`${way} ${round + 1} of ${repeat}: ${rate} tx/s, the fault after ${CALM_SECONDS} s`);
          let faultAtMs = 0;
          const fault = () =>
            breakPrimary(lab, way, seconds, () => {
              faultAtMs = Date.now();
            });
          const phase = await lab.openLoop(way, { rate, seconds: CALM_SECONDS + seconds, seed: seed + round, fault });
          repetitions.push(phase);
          // Each fault meets a network that is whole, and four nodes bear one at a time.
          await lab.network?.untilConnected(HEALTHY_MS_MAX);
          const faultSeconds = (faultAtMs - phase.timeline.startedAtMs) / 1000;
          effects.get(way)?.push(effectOf(phase.timeline, faultSeconds));
          if (round === 0) series.push(curveOf(way, phase.timeline, faultSeconds));
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
    });
  },
};

/** @param onFault is called at the moment of it. @throws LedgerError NODE_NOT_READY when the killed node does not come back */
async function breakPrimary(lab: Lab, way: Way, seconds: number, onFault: () => void): Promise<void> {
  const { network } = lab;
  if (network?.relay === undefined) return;
  await pause(CALM_SECONDS * 1000);
  const primary = await network.primary();
  const process = network.processes[primary]!;
  onFault();
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
  /** from the fault until no more wait than before it, for a second, ms */
  readonly recoveredMs: number;
  /** the most that waited at one time */
  readonly backlog: number;
}

/** A133: read from the account over time, to the last receipt. @param faultSeconds after the start of the load */
export function effectOf({ stepMs, due, committed }: Timeline, faultSeconds: number): Effect {
  const from = Math.floor((faultSeconds * 1000) / stepMs);
  // What comes after the load's end belongs to it: a recovery does not become shorter because the load was.
  const steps = Math.max(due.length, committed.length);
  let waiting = 0;
  const backlogs = Array.from({ length: steps }, (_, step) => {
    waiting += (due[step] ?? 0) - (committed[step] ?? 0);
    return waiting;
  });
  const calm = Math.max(0, ...backlogs.slice(0, from));
  let [longest, current, silentUntil] = [0, 0, from];
  for (let step = from; step < steps; step += 1) {
    current = (committed[step] ?? 0) === 0 ? current + 1 : 0;
    longest = Math.max(longest, current);
    // Where much waited before the fault, a second of silence can still look calm: nothing has recovered before it is over.
    if (current >= CALM_STEPS) silentUntil = step + 1;
  }
  const behind = backlogs.findIndex((backlog, step) => step >= from && backlog > calm);
  const isCalm = (step: number): boolean => backlogs.slice(step, step + CALM_STEPS).every((backlog) => backlog <= calm);
  const caughtUp = backlogs.findIndex((_, step) => step > behind && step >= silentUntil && isCalm(step));
  const recovered = behind < 0 ? silentUntil : caughtUp < 0 ? steps : caughtUp;
  return {
    standstillMs: longest * stepMs,
    recoveredMs: (recovered - from) * stepMs,
    backlog: Math.max(0, ...backlogs.slice(from)),
  };
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

function curveOf(way: Way, { stepMs, committed }: Timeline, faultSeconds: number): Series {
  return {
    chart: "Commits while the primary fails",
    name: way,
    x: "s",
    y: "tx/s",
    points: committed.map((count, step) => [(step * stepMs) / 1000 - faultSeconds, (count * 1000) / stepMs] as const),
  };
}
