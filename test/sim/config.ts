// What a seed stands for: how many nodes, which of them lie and how, what the network does to them and for how long.
// Drawn once at the start, so that a trace begins by saying what it is about.

import type { Timing } from "../../src/consensus/limits.ts";
import { faultBound } from "../../src/ledger/certificate.ts";
import { Random } from "./random.ts";

/** How a faulty node misbehaves; "twisted" is an honest program on a machine that computes wrongly. */
export const FAULTS = ["silent", "equivocator", "withholder", "liar", "spammer", "twisted"] as const;
export type Fault = (typeof FAULTS)[number];

export interface SimConfig {
  readonly seed: number;
  readonly validatorCount: number;
  /** one more node than validators, seats change with the height */
  readonly hasChangingMembers: boolean;
  readonly faults: ReadonlyMap<number, Fault>;
  readonly rotationHeights: number;
  /** far below the round trip in some runs: honest nodes then suspect each other until doubling has made them patient */
  readonly timeoutMsMin: number;
  readonly delayMsMax: number;
  readonly lossPermille: number;
  /** what is still lost when calm has begun: a bad line that nobody mends */
  readonly calmLossPermille: number;
  /** an adversary in the network that goes for COMMITs: some replicas commit, the others are only locked */
  readonly commitLossPermille: number;
  readonly repeatPermille: number;
  readonly executionMsMax: number;
  readonly diskMsMax: number;
  readonly clockSkewMs: readonly number[];
  /** node loses power at this time for so long */
  readonly crashes: readonly { readonly node: number; readonly atMs: number; readonly downMs: number }[];
  /** node loses power while its nth vote is on its way to the disk */
  readonly savesCut: readonly { readonly node: number; readonly save: number; readonly downMs: number }[];
  readonly partitions: readonly {
    readonly side: ReadonlySet<number>;
    readonly fromMs: number;
    readonly toMs: number;
    readonly isNoticed: boolean;
  }[];
  readonly offers: readonly { readonly atMs: number; readonly node: number }[];
  /** from here on nothing is cut or down, and no more is lost than `calmLossPermille`; liars go on lying */
  readonly calmFromMs: number;
  /** whether nodes learn of heads by gossip; if not, everybody is told the open work when calm begins */
  readonly hasHeadGossip: boolean;
}

/** Short waits, so that many views pass in little simulated time. */
export const SIM_TIMING: Timing = {
  timeoutMsMin: 400,
  timeoutMsMax: 2_000,
  timeoutMsCap: 6_000,
  lostPrimaryMsMin: 100,
  resendMs: 150,
  answerMs: 60,
};

/** Everything offered is committed by every honest node within this long of calm; with a bad line it takes more views. */
export function calmMsMax({ calmLossPermille }: SimConfig): number {
  return calmLossPermille === 0 ? 30_000 : 240_000;
}

export function drawConfig(seed: number): SimConfig {
  const random = new Random(seed);
  const validatorCount = random.pick([4, 4, 4, 5, 6, 7]);
  const hasChangingMembers = random.chance(200);
  const nodeCount = validatorCount + (hasChangingMembers ? 1 : 0);
  const faultCount = random.chance(250) ? 0 : random.between(1, faultBound(validatorCount));
  const faulty = random.shuffled(Array.from({ length: nodeCount }, (_, index) => index)).slice(0, faultCount);
  const calmFromMs = random.between(1500, 5000);
  const faults = new Map(faulty.map((node) => [node, drawFault(random)]));
  const isQuiet = [...faults.values()].every((fault) => fault === "silent");
  return {
    seed,
    validatorCount,
    hasChangingMembers,
    faults,
    rotationHeights: random.pick([1, 3, 1000]),
    timeoutMsMin: random.pick([20, 80, 400, 400]),
    delayMsMax: random.pick([2, 10, 40, 150]),
    lossPermille: random.pick([0, 0, 20, 100, 300]),
    commitLossPermille: random.pick([0, 0, 600, 850]),
    repeatPermille: random.pick([0, 50]),
    executionMsMax: random.pick([1, 5, 60]),
    diskMsMax: random.pick([1, 5, 30]),
    clockSkewMs: Array.from({ length: nodeCount }, () => random.between(-300, 300)),
    crashes: drawCrashes(random, nodeCount, calmFromMs),
    savesCut: Array.from({ length: random.pick([0, 1, 3]) }, () => ({
      node: random.below(nodeCount),
      save: random.between(1, 12),
      downMs: random.between(5, 300),
    })),
    partitions: drawPartitions(random, nodeCount, calmFromMs),
    offers: Array.from({ length: random.between(3, 9) }, () => ({
      atMs: random.below(calmFromMs),
      node: random.below(nodeCount),
    })),
    calmFromMs,
    hasHeadGossip: random.chance(500),
    calmLossPermille: isQuiet && random.chance(300) ? 300 : 0,
  };
}

// Two proposals for one position, and lies about locks, are what consensus is about.
function drawFault(random: Random): Fault {
  return random.pick(["equivocator", "equivocator", "liar", "liar", ...FAULTS] as const);
}

function drawCrashes(random: Random, nodeCount: number, calmFromMs: number): SimConfig["crashes"] {
  if (random.chance(100)) {
    // All at once, as in a power cut.
    const atMs = random.below(calmFromMs);
    return Array.from({ length: nodeCount }, (_, node) => ({ node, atMs, downMs: random.between(10, 400) }));
  }
  const count = random.pick([0, 0, 1, 2, 5]);
  return Array.from({ length: count }, () => ({
    node: random.below(nodeCount),
    atMs: random.below(calmFromMs),
    downMs: random.between(10, 1500),
  }));
}

function drawPartitions(random: Random, nodeCount: number, calmFromMs: number): SimConfig["partitions"] {
  return Array.from({ length: random.pick([0, 0, 1, 3]) }, () => {
    const fromMs = random.below(calmFromMs);
    const side = new Set(Array.from({ length: nodeCount }, (_, node) => node).filter(() => random.chance(400)));
    return {
      side,
      fromMs,
      toMs: Math.min(calmFromMs, fromMs + random.between(100, 2000)),
      isNoticed: random.chance(500),
    };
  });
}

/** One line that says what this seed is about. */
export function describeConfig(config: SimConfig): string {
  const faults = [...config.faults].map(([node, fault]) => `${node}:${fault}`).join(",") || "none";
  return (
    `n=${config.validatorCount}${config.hasChangingMembers ? "+1" : ""} faults=${faults} rotation=${config.rotationHeights} timeout>=${config.timeoutMsMin}ms ` +
    `delay<=${config.delayMsMax}ms loss=${config.lossPermille / 10}%/${config.commitLossPermille / 10}%/${config.calmLossPermille / 10}% disk<=${config.diskMsMax}ms crashes=${config.crashes.length}+${config.savesCut.length} ` +
    `partitions=${config.partitions.length} offers=${config.offers.length} calm=${config.calmFromMs}ms heads=${config.hasHeadGossip}`
  );
}
