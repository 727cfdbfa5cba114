// What a seed of whole nodes stands for: how many, who lies, what breaks when, and what is changed by vote meanwhile.
// Drawn once at the start, so that a trace begins by saying what it is about.

import { faultBound } from "../../../src/ledger/certificate.ts";
import type { Parameters } from "../../../src/ledger/types.ts";
import { Random } from "../random.ts";

/** "swarm": everything mixed; "byzantine": always f liars; "crash": processes, power and disks. */
export const PROFILES = ["swarm", "byzantine", "crash"] as const;
export type Profile = (typeof PROFILES)[number];

/** How a lying validator misbehaves in consensus; all of them lie to clients and in catch-up, too. */
export const LIES = ["silent", "equivocator", "withholder", "liar", "spammer"] as const;
export type Lie = (typeof LIES)[number];

/** What is decided by vote in the middle of a run. */
export type Decision = "addSeat" | "removeSeat" | "parameter" | "contract";

export interface Plan {
  readonly seed: number;
  readonly profile: Profile;
  readonly validatorCount: number;
  /** one more node than seats, to be seated by vote */
  readonly hasSpare: boolean;
  readonly clientCount: number;
  readonly parameters: Parameters;
  /** Ed25519 instead of keyed hashes */
  readonly hasRealSignatures: boolean;
  readonly lies: ReadonlyMap<number, Lie>;
  readonly delayMsMax: number;
  /** now and then a message takes twenty times as long */
  readonly spikePermille: number;
  readonly lossPermille: number;
  readonly repeatPermille: number;
  readonly diskMsMax: number;
  readonly syncMsMax: number;
  readonly lagMsMax: number;
  /** the clocks, ahead of true time, and what sets them later */
  readonly skewMs: readonly number[];
  readonly driftPpm: readonly number[];
  readonly clockJumps: readonly { readonly node: number; readonly atMs: number; readonly skewMs: number }[];
  readonly crashes: readonly Crash[];
  /** the nth write of a node, to store or vote record, and power is lost while it is under way */
  readonly writesCut: readonly { readonly node: number; readonly write: number; readonly downMs: number }[];
  readonly partitions: readonly Partition[];
  readonly fullDisks: readonly { readonly node: number; readonly fromMs: number; readonly toMs: number }[];
  readonly flippedBits: readonly { readonly node: number; readonly atMs: number; readonly where: "store" | "votes" }[];
  readonly offers: readonly { readonly atMs: number; readonly client: number; readonly copies: number }[];
  readonly decisions: readonly { readonly atMs: number; readonly decision: Decision }[];
  /** from here on nothing is lost, cut, down or broken; liars go on lying */
  readonly calmFromMs: number;
}

export interface Crash {
  readonly node: number;
  readonly atMs: number;
  readonly downMs: number;
  readonly isPowerCut: boolean;
}

export interface Partition {
  readonly side: ReadonlySet<number>;
  readonly fromMs: number;
  readonly toMs: number;
  /** what leaves the side is lost, what comes in is not */
  readonly isOneWay: boolean;
  /** after which the connections are given up; undefined: nobody notices */
  readonly noticedAfterMs: number | undefined;
}

/** Everything that is still valid then is committed by every honest node within this long of calm. */
export const CALM_MS_MAX = 400_000;

export function drawPlan(seed: number, profile: Profile): Plan {
  const random = new Random(seed ^ 0x11);
  const validatorCount = random.chance(30) ? 13 : random.pick([4, 4, 4, 5, 6, 7]);
  const hasSpare = random.chance(250);
  const nodeCount = validatorCount + (hasSpare ? 1 : 0);
  const calmFromMs = random.between(8_000, 40_000);
  const clientCount = random.between(2, 6);
  const delayMsMax = random.pick([2, 10, 40, 150]);
  return {
    seed,
    profile,
    validatorCount,
    hasSpare,
    clientCount,
    parameters: drawParameters(random),
    hasRealSignatures: random.chance(60),
    lies: new Map(),
    delayMsMax,
    spikePermille: 0,
    lossPermille: 0,
    repeatPermille: 0,
    diskMsMax: random.pick([1, 3, 20]),
    syncMsMax: random.pick([1, 5, 40]),
    lagMsMax: random.pick([0, 0, 3, 30]),
    skewMs: Array.from({ length: nodeCount }, () => random.between(-300, 300)),
    driftPpm: Array.from({ length: nodeCount }, () => random.pick([0, 0, 50, -50, 500])),
    clockJumps: [],
    crashes: [],
    writesCut: [],
    partitions: [],
    fullDisks: [],
    flippedBits: [],
    offers: Array.from({ length: random.between(5, 40) }, () => ({
      atMs: random.below(calmFromMs),
      client: random.below(clientCount),
      copies: random.pick([1, 1, 1, 2, 3]),
    })),
    decisions: [],
    calmFromMs,
  };
}

function drawParameters(random: Random): Parameters {
  return {
    protocol: 1,
    replayWindowMs: random.pick([20_000, 60_000, 600_000]),
    clockSkewMsMax: 2_000,
    rotationHeights: random.pick([1, 3, 1000]),
    blockBytesMax: random.pick([1 << 17, 4 << 20]),
    blockTransactionsMax: random.pick([3, 100, 10_000]),
    batchBytesMax: 1 << 16,
    blockGasMax: 1_000_000_000,
    timerGasMax: 100_000_000,
  };
}

/** One line that says what this seed is about. */
export function describePlan(plan: Plan): string {
  const lies = [...plan.lies].map(([node, lie]) => `${node}:${lie}`).join(",") || "none";
  const { parameters } = plan;
  return (
    `n=${plan.validatorCount}${plan.hasSpare ? "+1" : ""} f=${faultBound(plan.validatorCount)} lies=${lies} ${plan.hasRealSignatures ? "ed25519 " : ""}` +
    `rotation=${parameters.rotationHeights} window=${parameters.replayWindowMs} delay<=${plan.delayMsMax} spikes=${plan.spikePermille} loss=${plan.lossPermille} ` +
    `disk<=${plan.diskMsMax}+${plan.syncMsMax} lag<=${plan.lagMsMax} crashes=${plan.crashes.length}+${plan.writesCut.length} partitions=${plan.partitions.length} ` +
    `full=${plan.fullDisks.length} bits=${plan.flippedBits.map(({ where }) => where).join(",") || "0"} jumps=${plan.clockJumps.length} offers=${plan.offers.length} ` +
    `decisions=${plan.decisions.map(({ decision }) => decision).join(",") || "none"} calm=${plan.calmFromMs}`
  );
}
