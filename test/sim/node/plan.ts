// What a seed of whole nodes stands for: how many, who lies, what breaks when, and what is changed by vote meanwhile.
// Drawn once at the start, so that a trace begins by saying what it is about.

import { faultBound } from "../../../src/ledger/certificate.ts";
import type { Parameters } from "../../../src/ledger/types.ts";
import type { SnapshotOptions } from "../../../src/node/keeping-up.ts";
import { Random } from "../random.ts";
import type { WriteCut } from "./fate.ts";
import { drawNewcomers, liarsOfNewcomers } from "./newcomers.ts";
import { drawUpgrade, type UpgradePlan, upgradeMsMax } from "./upgrades.ts";

/**
 * "swarm": everything mixed; "byzantine": always f liars; "crash": processes, power and disks; "losses": machines that lose their
 * stores and vote records, beside liars; "newcomers": machines that come with an empty store again and again, and liars who are the
 * nearest to ask; "upgrade": swarm, and versions that come into force meanwhile.
 */
export const PROFILES = ["swarm", "byzantine", "crash", "losses", "newcomers", "upgrade"] as const;
export type Profile = (typeof PROFILES)[number];

/** How a lying validator misbehaves in consensus; all of them lie to clients and in catch-up, too. */
export const FEIGNED = ["silent", "equivocator", "withholder", "liar", "spammer"] as const;
export type Feigned = (typeof FEIGNED)[number];
/** These run the real node and bend it (bent.ts). */
export const BENDS = ["censor", "frontRunner", "slow", "mutator"] as const;
export type Bend = (typeof BENDS)[number];
export const LIES = [...FEIGNED, ...BENDS] as const;
/** "poisoner": lies in one part of what others get from it (one-lie.ts); "twin": two whole nodes with one key, each on its side of a fork (fork.ts). */
export type Lie = (typeof LIES)[number] | "poisoner" | "twin";

/** Where a poisoner lies; it is honest in all other answers, so that its lie comes to its end. */
export const FOCUSES = ["offers", "anchors", "chunks", "windows", "blocks", "headers"] as const;
export type Focus = (typeof FOCUSES)[number];

/** What is decided by vote in the middle of a run. */
export type Decision = "addSeat" | "removeSeat" | "parameter" | "contract";

export interface Plan {
  readonly seed: number;
  readonly profile: Profile;
  readonly validatorCount: number;
  /** one more node than seats, to be seated by vote */
  readonly hasSpare: boolean;
  readonly clientCount: number;
  /** by client: the one node that it knows, honest and seated when the ledger begins; undefined: it knows all */
  readonly doors: readonly (number | undefined)[];
  readonly parameters: Parameters;
  /** Ed25519 instead of keyed hashes */
  readonly hasRealSignatures: boolean;
  readonly lies: ReadonlyMap<number, Lie>;
  /** of poisoners; undefined: there are none */
  readonly focus: Focus | undefined;
  /** links of liars are the shortest: who asks everybody hears them first */
  readonly areLiarsNear: boolean;
  readonly delayMsMax: number;
  /** now and then a message takes twenty times as long */
  readonly spikePermille: number;
  readonly lossPermille: number;
  /** an adversary in the network that goes for COMMITs: some commit, the others are only locked */
  readonly commitLossPermille: number;
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
  readonly writesCut: readonly WriteCut[];
  readonly partitions: readonly Partition[];
  readonly fullDisks: readonly { readonly node: number; readonly fromMs: number; readonly toMs: number }[];
  readonly flippedBits: readonly { readonly node: number; readonly atMs: number; readonly where: "store" | "votes" }[];
  /** the store is restored as it was before; the vote record is not */
  readonly backups: readonly { readonly node: number; readonly savedAtMs: number; readonly restoredAtMs: number }[];
  /** undefined: nobody makes, offers or fetches any */
  readonly snapshots: Omit<SnapshotOptions, "stored"> | undefined;
  /** who makes some; undefined: everybody */
  readonly makers: ReadonlySet<number> | undefined;
  /** a bit of a file of snapshots turns */
  readonly rottenSnapshots: readonly { readonly node: number; readonly atMs: number }[];
  /** an empty store in the place of the old one; the vote record stays */
  readonly lostStores: readonly { readonly node: number; readonly atMs: number; readonly downMs: number }[];
  /** come with an empty store, and with another one each time they have caught up */
  readonly newcomers: readonly { readonly node: number; readonly atMs: number }[];
  /** the vote record is lost, one after the other: never more at a time than there may be faults beside the others */
  readonly lostRecords: readonly LostRecord[];
  readonly lostAtOnceMax: number;
  readonly offers: readonly { readonly atMs: number; readonly client: number; readonly copies: number }[];
  readonly decisions: readonly { readonly atMs: number; readonly decision: Decision }[];
  readonly upgrade: UpgradePlan | undefined;
  /** from here on nothing is lost, cut, down or broken; liars go on lying */
  readonly calmFromMs: number;
}

/** What a key signs. */
export const VOTES = ["prepare", "commit", "viewChange"] as const;
export type VoteKind = (typeof VOTES)[number];

export interface LostRecord {
  readonly node: number;
  /** right after the next vote of this kind has left: the worst moment; undefined: whenever it is time */
  readonly afterVote: VoteKind | undefined;
  /** for so long no COMMIT arrives anywhere: the others are still where they were when the key comes back */
  readonly clogMs: number;
  /** of the copy that is put back ("old") */
  readonly savedAtMs: number;
  readonly atMs: number;
  readonly kind: "missing" | "corrupt" | "old";
  /** the store is lost with it */
  readonly withStore: boolean;
  readonly downMs: number;
  /** how long the operator takes to notice that the node is mute */
  readonly muteMs: number;
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

/** What is signed before calm is still valid when it has to be executed. */
const LONG_WINDOW_MS = 600_000;

/**
 * Everything that is still valid then is committed by every honest node with a seat within this long of calm: patience may
 * have doubled to half a minute by then, and each lying primary may cost the longest timeout.
 */
export function calmMsMax({ validatorCount, upgrade }: Plan): number {
  return 90_000 + 80_000 * faultBound(validatorCount) + (upgrade === undefined ? 0 : upgradeMsMax(upgrade));
}

const SIZES: Partial<Record<Profile, readonly number[]>> = { losses: [4, 7, 7, 10], newcomers: [4, 4, 4, 4, 5, 7] };
/** A node more than there are seats: where it is not rare. */
const SPARE_PERMILLE: Partial<Record<Profile, number>> = { losses: 700, newcomers: 1000 };

export function drawPlan(seed: number, profile: Profile): Plan {
  const random = new Random(seed ^ 0x11);
  const validatorCount = random.chance(30) ? 13 : random.pick(SIZES[profile] ?? [4, 4, 4, 5, 6, 7]);
  const hasSpare = random.chance(SPARE_PERMILLE[profile] ?? 400);
  const nodeCount = validatorCount + (hasSpare ? 1 : 0);
  const calmFromMs = profile === "newcomers" ? random.between(20_000, 60_000) : random.between(8_000, 40_000);
  const clientCount = random.between(2, 6);
  const drawn = drawParameters(random);
  const lies = drawLies(random, profile, validatorCount);
  const weather = drawWeather(random, profile);
  const machines = drawMachines(random, nodeCount, calmFromMs);
  const place = { random, profile, nodeCount, calmFromMs };
  const honest = Array.from({ length: nodeCount }, (_, node) => node).filter((node) => !lies.has(node));
  // A disk that loses what it had counts among the faults of which there may be f.
  const breaks = lies.size < faultBound(validatorCount) ? random.below(1000) : 1000;
  const flipPermille = profile === "crash" ? 450 : 250;
  const flippedBits = breaks < flipPermille ? drawFlippedBits(place, honest) : [];
  const backups = breaks >= flipPermille && breaks < flipPermille + 150 ? [drawBackup(place, honest)] : [];
  const broken = new Set([...flippedBits, ...backups].map(({ node }) => node));
  const lostAtOnceMax = faultBound(validatorCount) - lies.size - broken.size;
  const losses = drawLosses(
    { ...place, random: new Random(seed ^ 0x1055) },
    { hasSpare, lostAtOnceMax, whole: honest.filter((node) => !broken.has(node)) },
  );
  const seated = honest.filter((node) => node < validatorCount);
  const doors = drawDoors(new Random(seed ^ 0xd00), clientCount, seated);
  const parameters = doors.length > 0 ? { ...drawn, replayWindowMs: LONG_WINDOW_MS } : drawn;
  // A seat less while keys recover may leave too few: the others wait, by intent.
  const keysLost = losses.lostRecords.length > 0 ? lostAtOnceMax : 0;
  const plan: Plan = {
    seed,
    profile,
    validatorCount,
    hasSpare,
    clientCount,
    doors,
    parameters,
    hasRealSignatures: random.chance(60),
    lies,
    focus: undefined,
    areLiarsNear: false,
    makers: undefined,
    newcomers: [],
    ...weather,
    ...machines,
    crashes: drawCrashes(place),
    writesCut: Array.from({ length: random.pick(profile === "crash" ? [0, 2, 6] : [0, 0, 1, 3]) }, () => ({
      node: random.below(nodeCount),
      write: random.between(1, 120),
      downMs: random.between(5, 3_000),
    })),
    partitions: drawPartitions(place),
    fullDisks: Array.from({ length: random.pick([0, 0, 0, 1]) }, () => {
      const fromMs = random.below(calmFromMs);
      return { node: random.pick(honest), fromMs, toMs: Math.min(calmFromMs, fromMs + random.between(500, 8_000)) };
    }),
    flippedBits,
    backups,
    ...losses,
    lostAtOnceMax,
    offers: Array.from({ length: random.between(5, 40) }, () => ({
      atMs: random.below(calmFromMs),
      client: random.below(clientCount),
      copies: random.pick([1, 1, 1, 2, 3]),
    })),
    decisions: drawDecisions(place, { hasSpare, validatorCount, liars: lies.size + keysLost }),
    upgrade: profile === "upgrade" ? drawUpgrade(new Random(seed ^ 0x0b9), { nodeCount, calmFromMs }) : undefined,
    calmFromMs,
  };
  if (profile === "newcomers") return { ...plan, ...drawNewcomers(new Random(seed ^ 0x4e3), plan) };
  return profile === "losses" ? { ...plan, ...drawWorst(new Random(seed ^ 0x707e), plan) } : plan;
}

/** In some runs: others would try the next door, and no node would be missed. */
function drawDoors(random: Random, clientCount: number, seated: readonly number[]): Plan["doors"] {
  if (!random.chance(300)) return [];
  return Array.from({ length: clientCount }, () => (random.chance(600) ? random.pick(seated) : undefined));
}

interface DrawPlace {
  readonly random: Random;
  readonly profile: Profile;
  readonly nodeCount: number;
  readonly calmFromMs: number;
}

function drawLies(random: Random, profile: Profile, validatorCount: number): ReadonlyMap<number, Lie> {
  const most = faultBound(validatorCount);
  // Beside one machine that loses something, where there can be both.
  if (profile === "newcomers") return liarsOfNewcomers(random, validatorCount, most);
  if (profile === "losses") return liesOf(random, validatorCount, random.between(0, Math.max(1, most - 1)));
  const count =
    profile === "byzantine" ? most : profile === "crash" || random.chance(400) ? 0 : random.between(1, most);
  return liesOf(random, validatorCount, count);
}

function liesOf(random: Random, validatorCount: number, count: number): ReadonlyMap<number, Lie> {
  const nodes = random.shuffled(Array.from({ length: validatorCount }, (_, index) => index)).slice(0, count);
  return new Map(nodes.map((node) => [node, random.pick(LIES)]));
}

function drawWeather(random: Random, profile: Profile) {
  const isRough = profile !== "byzantine" || random.chance(300);
  return {
    delayMsMax: random.pick([2, 10, 40, 150]),
    spikePermille: isRough ? random.pick([0, 0, 5, 50]) : 0,
    lossPermille: isRough ? random.pick([0, 0, 0, 20, 150]) : 0,
    commitLossPermille: random.pick([0, 0, 0, 600, 850]),
    repeatPermille: random.pick([0, 0, 30]),
  };
}

function drawMachines(random: Random, nodeCount: number, calmFromMs: number) {
  const nodes = Array.from({ length: nodeCount }, (_, node) => node);
  return {
    diskMsMax: random.pick([1, 3, 20, 100]),
    syncMsMax: random.pick([1, 5, 40, 300]),
    lagMsMax: random.pick([0, 0, 3, 30, 400]),
    skewMs: nodes.map(() => (random.chance(50) ? random.between(-8_000, 8_000) : random.between(-300, 300))),
    driftPpm: nodes.map(() => random.pick([0, 0, 50, -50, 500])),
    clockJumps: Array.from({ length: random.pick([0, 0, 0, 2]) }, () => ({
      node: random.below(nodeCount),
      atMs: random.below(calmFromMs),
      skewMs: random.between(-6_000, 6_000),
    })),
  };
}

function drawCrashes({ random, profile, nodeCount, calmFromMs }: DrawPlace): Plan["crashes"] {
  const downMs = () => random.between(1, random.pick([50, 1_500, 9_000]));
  if (random.chance(100)) {
    // All at once, as when the lights go out.
    const atMs = random.below(calmFromMs);
    return Array.from({ length: nodeCount }, (_, node) => ({ node, atMs, downMs: downMs(), isPowerCut: true }));
  }
  const count = random.pick(profile === "crash" ? [2, 6, 15] : [0, 0, 1, 2, 5]);
  return Array.from({ length: count }, () => ({
    node: random.below(nodeCount),
    atMs: random.below(calmFromMs),
    downMs: downMs(),
    isPowerCut: random.chance(500),
  }));
}

function drawPartitions({ random, profile, nodeCount, calmFromMs }: DrawPlace): readonly Partition[] {
  return Array.from({ length: random.pick(profile === "crash" ? [0, 0, 1] : [0, 0, 1, 3]) }, () => {
    const fromMs = random.below(calmFromMs);
    const lengthMs = random.between(200, 12_000);
    const side = new Set(Array.from({ length: nodeCount }, (_, node) => node).filter(() => random.chance(400)));
    return {
      side,
      fromMs,
      toMs: Math.min(calmFromMs, fromMs + lengthMs),
      isOneWay: random.chance(250),
      // Heartbeats that stay without answer for five seconds end a connection.
      noticedAfterMs: lengthMs > 5_000 || random.chance(400) ? random.between(0, 5_000) : undefined,
    };
  });
}

/** On one machine only: as many broken disks as there may be faults would leave none to repair the others from. */
function drawFlippedBits({ random, calmFromMs }: DrawPlace, nodes: readonly number[]): Plan["flippedBits"] {
  const node = random.pick(nodes);
  const atMs = random.below(calmFromMs);
  // The vote record survives one damaged place at a time, and says so when there are more.
  if (random.chance(300)) return [{ node, atMs, where: "votes" }];
  return Array.from({ length: random.pick([1, 5, 20]) }, () => ({ node, atMs, where: "store" as const }));
}

function drawBackup({ random, calmFromMs }: DrawPlace, nodes: readonly number[]): Plan["backups"][number] {
  const restoredAtMs = random.below(calmFromMs);
  return { node: random.pick(nodes), savedAtMs: random.below(restoredAtMs + 1), restoredAtMs };
}

/** Snapshots, and what is lost so that somebody needs them; vote records that are lost. Both in some runs only. */
function drawLosses(
  { random, profile, nodeCount, calmFromMs }: DrawPlace,
  facts: { readonly hasSpare: boolean; readonly lostAtOnceMax: number; readonly whole: readonly number[] },
): Pick<Plan, "snapshots" | "rottenSnapshots" | "lostStores" | "lostRecords"> {
  const { hasSpare, lostAtOnceMax, whole } = facts;
  const isAbout = profile === "losses";
  const spare = nodeCount - 1;
  const seated = whole.filter((node) => !hasSpare || node !== spare);
  const atMs = () => random.below(calmFromMs);
  const snapshots = random.chance(isAbout ? 750 : 500)
    ? {
        everyHeights: random.pick(profile === "upgrade" ? [5, 10, 20] : [1, 1, 2, 3, 5]),
        fetchWhenBehind: random.pick([1, 1, 2, 4]),
        keepBodiesMs: [undefined, 0, 5_000][calmFromMs % 3],
      }
    : undefined;
  const mayLose = [...(lostAtOnceMax > 0 ? seated : []), ...(hasSpare ? [spare, spare, spare] : [])];
  const lostRecords = lostAtOnceMax > 0 && random.chance(isAbout ? 650 : profile === "crash" ? 350 : 250);
  const lostStores = snapshots !== undefined && !lostRecords && mayLose.length > 0 && random.chance(900);
  const storeOf = random.pick(mayLose.length > 0 ? mayLose : [0]);
  return {
    snapshots,
    rottenSnapshots: Array.from({ length: snapshots === undefined ? 0 : random.pick([0, 0, 1, 3]) }, () => ({
      node: random.below(nodeCount),
      atMs: atMs(),
    })),
    lostStores: Array.from({ length: lostStores ? random.between(1, 3) : 0 }, () => ({
      node: storeOf,
      atMs: random.between(Math.floor(calmFromMs / 4), calmFromMs - 1),
      downMs: random.between(1, random.pick([50, 3_000, 9_000])),
    })),
    lostRecords: Array.from({ length: lostRecords ? random.between(1, isAbout ? 5 : 3) : 0 }, (): LostRecord => {
      const lostAtMs = atMs();
      return {
        node: random.pick(seated),
        afterVote: undefined,
        clogMs: 0,
        savedAtMs: random.below(lostAtMs + 1),
        atMs: lostAtMs,
        kind: random.pick(["missing", "corrupt", "old", "old"]),
        withStore: random.chance(250),
        downMs: random.between(1, 2_000),
        muteMs: random.pick([0, 200, 3_000]),
      };
    }),
  };
}

/** Some records go just when they are needed, and the node is back at once: who forgets a vote at a height that is over does no harm. */
function drawWorst(random: Random, { lostRecords }: Plan): Partial<Plan> {
  if (random.chance(300)) return {};
  return {
    lostRecords: lostRecords.map((loss): LostRecord => {
      const [afterVote, clogMs] = [random.pick(VOTES), random.between(1_000, 6_000)];
      return { ...loss, afterVote, clogMs, withStore: false, downMs: random.between(1, 30), muteMs: 0 };
    }),
  };
}

function drawDecisions(
  { random, calmFromMs }: DrawPlace,
  facts: { readonly hasSpare: boolean; readonly validatorCount: number; readonly liars: number },
): Plan["decisions"] {
  const { hasSpare, validatorCount, liars } = facts;
  const at = () => random.below(Math.floor(calmFromMs / 2));
  const decisions: { atMs: number; decision: Decision }[] = [];
  if (hasSpare) decisions.push({ atMs: at(), decision: "addSeat" });
  // With one seat less, fewer of the others may lie.
  const mayShrink = validatorCount > 4 && liars <= faultBound(validatorCount - 1);
  if (mayShrink && random.chance(400)) decisions.push({ atMs: at(), decision: "removeSeat" });
  if (random.chance(200)) decisions.push({ atMs: at(), decision: "parameter" });
  if (random.chance(150)) decisions.push({ atMs: at(), decision: "contract" });
  return decisions;
}

function drawParameters(random: Random): Parameters {
  return {
    protocol: 1,
    replayWindowMs: random.pick([20_000, 60_000, LONG_WINDOW_MS]),
    clockSkewMsMax: 2_000,
    rotationHeights: random.pick([1, 3, 1000]),
    blockBytesMax: random.pick([1 << 17, 4 << 20]),
    blockTransactionsMax: random.pick([3, 100, 10_000]),
    batchBytesMax: 1 << 16,
    blockGasMax: 1_000_000_000,
    timerGasMax: 100_000_000,
  };
}

function lossWords({ kind, withStore, afterVote }: LostRecord): string {
  return `${kind}${withStore ? "+store" : ""}${afterVote === undefined ? "" : `@${afterVote}`}`;
}

/** One line that says what this seed is about. */
export function describePlan(plan: Plan): string {
  const lies = [...plan.lies].map(([node, lie]) => `${node}:${lie}`).join(",") || "none";
  const { parameters, upgrade } = plan;
  const doors = plan.doors.some((door) => door !== undefined)
    ? `doors=${plan.doors.map((door) => door ?? "*").join()} `
    : "";
  return (
    `n=${plan.validatorCount}${plan.hasSpare ? "+1" : ""} f=${faultBound(plan.validatorCount)} lies=${lies} ${plan.areLiarsNear ? "near " : ""}${plan.focus === undefined ? "" : `focus=${plan.focus} `}${plan.hasRealSignatures ? "ed25519 " : ""}${doors}` +
    `rotation=${parameters.rotationHeights} window=${parameters.replayWindowMs} delay<=${plan.delayMsMax} spikes=${plan.spikePermille} loss=${plan.lossPermille}/${plan.commitLossPermille} ` +
    `disk<=${plan.diskMsMax}+${plan.syncMsMax} lag<=${plan.lagMsMax} crashes=${plan.crashes.length}+${plan.writesCut.length} partitions=${plan.partitions.length} ` +
    `snapshots=${plan.snapshots === undefined ? "none" : `${plan.snapshots.everyHeights}/${plan.snapshots.fetchWhenBehind}/${plan.snapshots.keepBodiesMs ?? "all"}`} ${plan.makers === undefined ? "" : `makers=${[...plan.makers].join()} `}rotten=${plan.rottenSnapshots.length} stores-=${plan.lostStores.length}${plan.newcomers.map(({ node }) => `+${node}`).join("")} records-=${plan.lostRecords.map(lossWords).join(",") || "none"} ` +
    `full=${plan.fullDisks.length} bits=${plan.flippedBits.length}${plan.flippedBits[0]?.where ?? ""} backups=${plan.backups.length} jumps=${plan.clockJumps.length} offers=${plan.offers.length} ` +
    `decisions=${plan.decisions.map(({ decision }) => decision).join(",") || "none"} ${upgrade === undefined ? "" : `late=${upgrade.replacements.flatMap((each, node) => ("stoppedMs" in each ? node : [])).join(",") || "none"} `}calm=${plan.calmFromMs}`
  );
}
