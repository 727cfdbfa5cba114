// More validators on the same machine: throughput and latency, beside what the number of messages predicts.
// Every node has its own network; the figures of one are never mixed with those of another.

import { LOAD_OPTIONS, numbersOver, type Options } from "../options.ts";
import type { Point } from "../record.ts";
import { summarise } from "../record.ts";
import { allOf, inLab, type Outcome, OVERHEAD_SECONDS, repeated, type Scenario } from "../scenario.ts";

const SIZES_USUAL = ["4", "7", "16", "31"];
const RATE_USUAL = 10;
const NODES_MIN = 4;
const NODES_MAX = 31;

export const SCALE_N: Scenario = {
  name: "scale-n",
  what: `peak and latency with --over ${SIZES_USUAL.join(",")} validators, beside what message counts predict`,
  defaults: { over: SIZES_USUAL, rate: RATE_USUAL },
  heeds: [...LOAD_OPTIONS, "repeat", "over", "rate"],
  needsOwnNodes: true,
  secondsNeeded: (options) => {
    const { seconds, repeat, warmUpSeconds } = options;
    const each = OVERHEAD_SECONDS + 4 * warmUpSeconds + 4 * seconds * repeat;
    return sizesOf(options).reduce((sum, nodes) => sum + each + 4 * nodes, 0);
  },
  async run(options, hooks): Promise<Outcome> {
    const sizes = sizesOf(options);
    const outcomes: Outcome[] = [];
    for (const nodes of sizes) {
      hooks.progress(`${nodes} validators`);
      outcomes.push(
        await inLab(options, hooks, { nodes }, async (lab) => {
          const { seconds, repeat, seed, rate = RATE_USUAL } = options;
          await lab.warmUp();
          const low = await repeated(`${nodes} nodes: ${rate} tx/s`, { nodes, rate }, repeat, (number) =>
            lab.openLoop(`${nodes} nodes: ${rate} tx/s`, { rate, seconds, seed: seed + number }),
          );
          const peak = await repeated(`${nodes} nodes: peak`, { nodes }, repeat, () =>
            lab.closedLoop(`${nodes} nodes: peak`, seconds),
          );
          return { points: [low, peak], main: peak.name };
        }),
      );
    }
    const [first] = outcomes;
    const peaks = outcomes.map(({ nodes, points }) => [nodes, peakOf(points)] as const);
    const base = peaks[0]!;
    const curve = (name: string, of: (nodes: number) => number) => ({
      chart: "Peak by validators",
      name,
      x: "validators",
      y: "tx/s",
      points: sizes.map((nodes) => [nodes, of(nodes)] as const),
    });
    return {
      ...first!,
      points: outcomes.flatMap(({ points }) => points),
      series: [
        { chart: "Peak by validators", name: "measured", x: "validators", y: "tx/s", points: peaks },
        curve("if only transactions counted", (nodes) => predictedByTransactions(base, nodes)),
        curve("if only messages counted", (nodes) => predictedByMessages(base, nodes)),
      ],
      notes: [
        "Two predictions from the smallest network, all nodes on the same cores: every node does the work of every transaction (1/n), and every block takes (n-1) proposals and 2 n (n-1) votes. The truth lies between them, nearer to the first the fuller the blocks are.",
      ],
      synced: allOf(outcomes.map(({ synced }) => synced)),
      verifiedByEveryNode: allOf(outcomes.map(({ verifiedByEveryNode }) => verifiedByEveryNode)),
    };
  },
};

/** Validators, ascending: what is predicted is predicted from the smallest. @throws LedgerError BENCH_OPTION_INVALID */
function sizesOf(options: Options): readonly number[] {
  return [...numbersOver(options, NODES_MIN, NODES_MAX)].sort((left, right) => left - right);
}

type Peak = readonly [nodes: number, txPerSecond: number];

/** The same cores do each transaction's work once for every node. */
export function predictedByTransactions([nodes, txPerSecond]: Peak, of: number): number {
  return (txPerSecond * nodes) / of;
}

/** Blocks as full as before, and nothing but messages costs anything. */
export function predictedByMessages([nodes, txPerSecond]: Peak, of: number): number {
  return (txPerSecond * messagesOf(nodes)) / messagesOf(of);
}

/** Of one block: the proposal to everybody, and PREPARE and COMMIT of everybody to everybody. */
function messagesOf(nodes: number): number {
  return nodes - 1 + 2 * nodes * (nodes - 1);
}

function peakOf(points: readonly Point[]): number {
  return summarise(points.at(-1)!).txPerSecond.median;
}
