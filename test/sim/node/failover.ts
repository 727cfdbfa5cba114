// How long commits stand still when a primary dies, freezes, falls silent, or censors, and what a slow one costs: four whole nodes
// with links of 1 ms and disks of 1 to 2 ms, in simulated time. That is the protocol's own share: on a real machine the CPU time
// of every step comes on top (docs/failover.md).

import { decodeMessage } from "../../../src/consensus/messages.ts";
import { bytesEqual } from "../../../src/ledger/hash.ts";
import type { CommittedBlock } from "../../../src/node/participant.ts";
import type { Order } from "./clients.ts";
import type { Member } from "./member.ts";
import { drawPlan, type Partition, type Plan } from "./plan.ts";
import { World } from "./world.ts";

export const WAYS = ["killed", "frozen", "silent", "censoring"] as const;
export type Way = (typeof WAYS)[number];

/** Of undisturbed work before the fault, and of work that is measured under a slow primary. */
const WARM_MS = 1_000;
const SLOW_MS = 10_000;
/** One transaction of somebody this often. */
export const OFFER_MS = 10;
const WAIT_MS_MAX = 30_000;
/** Of work after a cut, and what of a block's 20 ms is no longer in step. */
const WATCHED_MS = 1_000;
const LATE_MS = 10;
const NEVER_MS = 1e9;

function calmPlan(seed: number, partitions: readonly Partition[]): Plan {
  return {
    ...drawPlan(seed, "crash"),
    validatorCount: 4,
    hasSpare: false,
    clientCount: 6,
    doors: [],
    parameters: {
      ...drawPlan(seed, "crash").parameters,
      rotationHeights: 1_000,
      blockTransactionsMax: 10_000,
      blockBytesMax: 4 << 20,
    },
    hasRealSignatures: false,
    lies: new Map(),
    delayMsMax: 1,
    spikePermille: 0,
    lossPermille: 0,
    commitLossPermille: 0,
    repeatPermille: 0,
    diskMsMax: 1,
    syncMsMax: 2,
    lagMsMax: 0,
    skewMs: [0, 0, 0, 0],
    driftPpm: [0, 0, 0, 0],
    clockJumps: [],
    crashes: [],
    writesCut: [],
    partitions,
    fullDisks: [],
    flippedBits: [],
    backups: [],
    offers: [],
    decisions: [],
    calmFromMs: NEVER_MS,
  };
}

/** A network at work, and what it commits. */
class Stage {
  readonly world: World;
  readonly partitions: Partition[] = [];
  readonly commits: { readonly atMs: number; readonly by: number; readonly block: CommittedBlock }[] = [];
  private offered = 0;

  constructor(seed: number) {
    this.world = new World(calmPlan(seed, this.partitions));
  }

  async begin(): Promise<void> {
    const { world } = this;
    for (const { records } of world.members) await records.create();
    for (const member of world.members) world.timeline.after(0, () => member.start());
    await world.runUntil(60_000, () => world.members.every(({ isUp }) => isUp) && this.isConnected);
    for (const { index, participant } of world.members)
      participant?.onCommitted((block) => this.commits.push({ atMs: world.timeline.nowMs, by: index, block }));
    this.offer();
    // The fault comes at any moment of a block.
    await world.runUntil(world.timeline.nowMs + WARM_MS + world.random.below(100), () => false);
  }

  // One fault at a time: who misses the first blocks, because it is not connected yet, is still catching up when the fault comes.
  private get isConnected(): boolean {
    const { members } = this.world;
    return members.every(
      ({ network }) => network?.peers().filter(({ connected }) => connected).length === members.length - 1,
    );
  }

  private offer(): void {
    const { world } = this;
    this.offered += 1;
    const person = world.cast.clients[this.offered % world.cast.clients.length];
    if (person !== undefined) world.clients.act(person, 1);
    world.timeline.after(OFFER_MS, () => this.offer());
  }

  get primary(): Member {
    const { world } = this;
    const key = world.members[0]?.participant?.replica.status().primary;
    const found = world.members.find(({ operator }) => operator.hex === key);
    if (found === undefined) throw new Error("nobody is primary");
    return found;
  }

  /** @returns simulated ms until one of the others commits a block that is not the old primary's own */
  async untilOthersCommit(primary: Member): Promise<number> {
    const { world, commits } = this;
    const startMs = world.timeline.nowMs;
    const isOthers = ({ by, atMs, block }: (typeof commits)[number]) =>
      by !== primary.index &&
      atMs > startMs &&
      !bytesEqual(block.staged.block.proposal.header.proposer, primary.operator.key.publicKey);
    await this.until(() => commits.some(isOthers));
    return world.timeline.nowMs - startMs;
  }

  async until(isDone: () => boolean): Promise<void> {
    const isThere = await this.world.runUntil(this.world.timeline.nowMs + WAIT_MS_MAX, isDone);
    if (!isThere) throw new Error(`seed ${this.world.plan.seed}: ${this.world.failure ?? "no progress"}`);
  }

  /** Cuts a machine off without anybody being told. */
  freeze(index: number, toMs = NEVER_MS): void {
    this.partitions.push({
      side: new Set([index]),
      fromMs: 0,
      toMs,
      isOneWay: false,
      noticedAfterMs: undefined,
    });
  }

  /** Holds back the primary's proposals, for ever or for a while. */
  holdProposals(primary: Member, heldMs: number | undefined): void {
    const { world } = this;
    const { weather } = world.hub;
    const isLost = weather.isFrameLost.bind(weather);
    const released = new WeakSet<Uint8Array>();
    weather.isFrameLost = (from, to, bytes) => {
      const message = from === primary.index && !released.has(bytes) ? decodeMessage(bytes) : undefined;
      if (message?.ok !== true || message.value.kind !== "prePrepare") return isLost(from, to, bytes);
      const peer = world.members[to]?.operator.peerId;
      if (heldMs !== undefined && peer !== undefined) {
        world.timeline.after(heldMs, () => {
          const late = bytes.slice();
          released.add(late);
          primary.network?.send(peer, late);
        });
      }
      return true;
    };
  }

  /** Leaves the batches of one origin out of every block. */
  censor(primary: Member, victim: Member): void {
    const pool = primary.participant?.pool;
    if (pool === undefined) throw new Error("the primary is down");
    const includable = pool.includable.bind(pool);
    pool.includable = (view, timeMs, windowMs) =>
      includable(view, timeMs, windowMs).filter(({ origin }) => !bytesEqual(origin, victim.operator.key.publicKey));
  }

  /** Hands one transaction to one node only. */
  sendTo(member: Member): Order {
    const { world } = this;
    const [person] = world.cast.clients;
    if (person === undefined || member.api === undefined) throw new Error("nobody is there");
    const call = { contract: "purse", action: "transfer", args: { to: person.account, fen: 1 } };
    const order = world.clients.sign(person, call, 15_000);
    void member.api.submit(order.bytes);
    return order;
  }
}

/** @returns simulated ms until the next commit that is not the old primary's own, or until a censored transaction is committed */
export async function failoverMs(way: Way, seed: number): Promise<number> {
  const stage = new Stage(seed);
  await stage.begin();
  const { world, primary } = stage;
  if (way === "censoring") {
    const victim = world.members[(primary.index + 1) % world.members.length];
    if (victim === undefined) throw new Error("four nodes are there");
    stage.censor(primary, victim);
    const startMs = world.timeline.nowMs;
    const order = stage.sendTo(victim);
    await stage.until(() => world.checkers.receipts.has(order.hex));
    return world.timeline.nowMs - startMs;
  }
  if (way === "killed") primary.crash(false);
  else if (way === "frozen") stage.freeze(primary.index);
  else stage.holdProposals(primary, undefined);
  return stage.untilOthersCommit(primary);
}

/** @returns heights after a cut that the member that was cut off commits late, until it is in step with the others */
export async function lateHeights(seed: number, cutMs: number): Promise<number> {
  const stage = new Stage(seed);
  await stage.begin();
  const { world, commits, primary } = stage;
  const cut = (primary.index + 1) % world.members.length;
  const healMs = world.timeline.nowMs + cutMs;
  stage.freeze(cut, healMs);
  await world.runUntil(healMs + WATCHED_MS, () => false);
  const firstMs = (height: number, isOwn: boolean): number =>
    Math.min(
      ...commits
        .filter(({ by, block }) => (by === cut) === isOwn && block.head.height === height)
        .map(({ atMs }) => atMs),
    );
  const others = commits.filter(({ by, atMs }) => by !== cut && atMs >= healMs && atMs < healMs + WATCHED_MS - LATE_MS);
  const heights = [...new Set(others.map(({ block }) => block.head.height))];
  return heights.filter((height) => firstMs(height, true) > firstMs(height, false) + LATE_MS).length;
}

/** @returns transactions per second that were committed, and whether the primary was deposed */
export async function underSlowPrimary(
  seed: number,
  heldMs: number,
): Promise<{ readonly perSecond: number; readonly isDeposed: boolean }> {
  const stage = new Stage(seed);
  await stage.begin();
  const { world, primary } = stage;
  if (heldMs > 0) stage.holdProposals(primary, heldMs);
  const before = world.checkers.receipts.size;
  const height = world.checkers.height;
  await world.runUntil(world.timeline.nowMs + SLOW_MS, () => false);
  const isDeposed = stage.commits.some(({ block }) => block.head.height > height && block.head.certificateView > 0);
  return { perSecond: (1_000 * (world.checkers.receipts.size - before)) / SLOW_MS, isDeposed };
}
