// Proposals on their way to a vote: builds this node's own, checks those of others, and makes their batches durable first.
// Judges nothing by itself: the chain knows the rules, the intake finds the batches, the clock says what is timely.

import { invariant } from "../assert.ts";
import type { ValidatorKey } from "../consensus/events.ts";
import type { VoteRecord } from "../consensus/vote-record.ts";
import { refuse, type Verdict } from "../errors.ts";
import { decodeProposal } from "../ledger/format-block.ts";
import { bytesEqual, bytesKey, type Hash } from "../ledger/hash.ts";
import type { Batch, Proposal } from "../ledger/types.ts";
import type { Clock } from "../ports.ts";
import type { PruneLimits } from "../store/pruning.ts";
import type { BatchIntake } from "./batch-intake.ts";
import type { BatchPool, PoolView } from "./batch-pool.ts";
import { chooseBatches } from "./block-builder.ts";
import type { Chain, CheckedBlock } from "./chain.ts";

/** How often a proposal from the future looks whether its height is still open: one from the far future is not kept for years. */
const FUTURE_LOOK_MS = 1_000;
/**
 * N247: after a block of its own the primary rests for this share of the time that the block took. Batches of the other
 * nodes, which leave at that commit, then reach the next block and not the one after; and a block costs all nodes the more
 * of their processors the fewer transactions share it.
 */
const REST_SHARE = 0.5;
const REST_MS_MAX = 20;

export class Proposals {
  private readonly chain: Chain;
  private readonly pool: BatchPool;
  private readonly intake: BatchIntake;
  private readonly clock: Clock;
  private readonly ownKey: Uint8Array;
  private readonly timeScale: number;
  private readonly recorded: () => VoteRecord | undefined;
  /** digests that blocks above the head may name, however long they have been on disk, with the head's height when that was seen */
  private readonly held = new Map<string, number>();
  /** digests of pooled batches whose bodies this process wrote, or is writing, for blocks that are not committed yet */
  private readonly durable = new Set<string>();
  /** the newest block that this node built, and when it began */
  private built: { readonly height: number; readonly startedMs: number } | undefined;
  private restsUntilMs = 0;
  /** every write and deletion so far is done */
  private saved: Promise<unknown> = Promise.resolve();

  constructor(options: {
    readonly chain: Chain;
    readonly pool: BatchPool;
    readonly intake: BatchIntake;
    readonly clock: Clock;
    readonly ownKey: Uint8Array;
    readonly timeScale: number;
    /** what this key has signed; undefined: it signs nothing */
    recorded(): VoteRecord | undefined;
  }) {
    this.chain = options.chain;
    this.pool = options.pool;
    this.intake = options.intake;
    this.clock = options.clock;
    this.ownKey = options.ownKey;
    this.timeScale = options.timeScale;
    this.recorded = () => options.recorded();
  }

  /** What the pool needs to know of the chain. */
  get view(): PoolView {
    return { isCommitted: (id: Hash) => this.chain.replay.has(id), headTimeMs: this.chain.head.timeMs };
  }

  /**
   * After its rest: a block of everything includable, its batches on disk. N251: its time is told when they are, as late as can be:
   * others refuse what is old when it reaches them.
   * @returns undefined when there is nothing to execute or the height has passed
   */
  async build(place: { readonly height: number; readonly view: number }): Promise<Proposal | undefined> {
    await this.rest();
    const { head, windowMs } = this.chain;
    if (head.height + 1 !== place.height) return undefined;
    this.built = { height: place.height, startedMs: this.clock.monotonicMs() };
    const timeMs = () => Math.max(head.timeMs + 1, Math.floor(this.clock.nowMs()));
    const batches = chooseBatches(this.pool.includable(this.view, timeMs(), windowMs), head.parameters);
    await this.saveBodies(batches);
    if (this.chain.head.height + 1 !== place.height) return undefined;
    return this.chain.build({ view: place.view, proposer: this.ownKey, timeMs: timeMs(), batches })?.proposal;
  }

  /**
   * Judges a proposal once all its batches are held and on disk.
   * @param options.arrivedMs a first proposal is held against the clock as it stood when it arrived: how long this node then
   * takes to look at it says nothing about its time. undefined: a certificate names the block, no clock has a say
   */
  async check(
    proposal: Proposal,
    options: { readonly holders: readonly ValidatorKey[]; readonly arrivedMs: number | undefined },
  ): Promise<Verdict<CheckedBlock>> {
    const known = this.chain.checkedBlock(proposal.blockHash);
    const verdict: Verdict<CheckedBlock> =
      known === undefined ? await this.judge(proposal, options) : { ok: true, value: known };
    if (verdict.ok) await this.makeDurable(verdict.value);
    return verdict;
  }

  /** N9: every body of a block is on disk before the block is voted on. */
  makeDurable(block: CheckedBlock): Promise<void> {
    return this.saveBodies(block.batches);
  }

  /** Makes batches durable. One that a block will soon name may be written while that block is still being made. */
  async saveBodies(batches: readonly Batch[]): Promise<void> {
    const { store } = this.chain;
    for (const { digest } of batches) this.held.set(bytesKey(digest), this.chain.head.height);
    // What is just being deleted is gone before it is written again.
    for (let seen: unknown; seen !== this.saved; await seen) seen = this.saved;
    // One that an earlier process wrote is written again: to look for each costs more.
    const missing = batches.filter(({ digest }) => !this.durable.has(bytesKey(digest)));
    for (const { digest } of missing) this.durable.add(bytesKey(digest));
    if (missing.length > 0) this.saved = Promise.all([this.saved, store.saveBatches(missing, { sync: true })]);
    await this.saved;
  }

  /** Forgets what left the pool. Of these digests, which no committed block names, the bodies that were written are deleted. */
  async settle(orphans: readonly Hash[]): Promise<void> {
    const { store } = this.chain;
    this.beginRest();
    // N71: a body that a committed block names is that block's, whoever named it again.
    const written = orphans.filter((digest) => this.durable.has(bytesKey(digest)) && !store.isNamed(digest));
    for (const digest of this.durable) if (!this.pool.hasKey(digest)) this.durable.delete(digest);
    for (const [digest, height] of this.held) if (height < this.chain.head.height) this.held.delete(digest);
    if (written.length > 0) this.saved = Promise.all([this.saved, store.deleteBatches(written)]);
    await this.saved;
  }

  /**
   * Deletes bodies of one step of old blocks, apart from those that a block above the head may need: there it stops, and goes
   * on when that height is decided.
   * @returns how many blocks were done with
   */
  async prune(limits: PruneLimits): Promise<number> {
    const { store } = this.chain;
    const blocks = await store.oldBlocks(limits);
    for (let seen: unknown; seen !== this.saved; await seen) seen = this.saved;
    // N200: nothing else runs from here to the deletion; who looks for a body afterwards waits for it, and finds it gone.
    const isHeld = this.heldNow();
    const end = blocks.findIndex(({ digests }) => digests.some(isHeld));
    const free = end === -1 ? blocks : blocks.slice(0, end);
    if (free.length === 0) return 0;
    for (const { digests } of free) for (const digest of digests) this.durable.delete(bytesKey(digest));
    this.saved = Promise.all([this.saved, store.pruneBodies(free)]);
    await this.saved;
    return free.length;
  }

  /** N201: what was looked at since the head moved, and, after a restart, what this key has voted for. */
  private heldNow(): (digest: Hash) => boolean {
    const { height } = this.chain.head;
    const record = this.recorded();
    const voted = new Set<string>();
    for (const { bytes } of record !== undefined && record.height > height ? record.proposals : []) {
      const proposal = decodeProposal(bytes);
      invariant(proposal.ok, "N201: what was voted for can be read");
      for (const { digest } of proposal.value.references) voted.add(bytesKey(digest));
    }
    return (digest) => {
      const key = bytesKey(digest);
      return voted.has(key) || this.held.get(key) === height;
    };
  }

  private beginRest(): void {
    const { built } = this;
    const { height, proposer } = this.chain.head;
    if (built === undefined || built.height > height) return;
    this.built = undefined;
    // N249: of the block that another made at that height it was not the primary.
    if (built.height < height || !bytesEqual(proposer, this.ownKey)) return;
    const nowMs = this.clock.monotonicMs();
    this.restsUntilMs = nowMs + Math.min(REST_MS_MAX, REST_SHARE * (nowMs - built.startedMs));
  }

  private async rest(): Promise<void> {
    const restMs = this.restsUntilMs - this.clock.monotonicMs();
    if (restMs <= 0) return;
    await new Promise<void>((resolve) => {
      this.clock.setTimer(restMs, resolve);
    });
  }

  private async judge(
    proposal: Proposal,
    { holders, arrivedMs }: { readonly holders: readonly ValidatorKey[]; readonly arrivedMs: number | undefined },
  ): Promise<Verdict<CheckedBlock>> {
    const { height, timeMs } = proposal.header;
    const isNeeded = () => this.chain.head.height + 1 === height;
    if (!isNeeded()) return refuse("NO_LONGER_NEEDED");
    const header = this.chain.checkHeader(proposal);
    if (!header.ok) return header;
    if (arrivedMs !== undefined && arrivedMs - timeMs > this.chain.head.parameters.clockSkewMsMax)
      return refuse("BLOCK_TOO_OLD", `${arrivedMs - timeMs} ms old on arrival`);
    if (arrivedMs !== undefined) await this.waitUntilTimely(timeMs, isNeeded);
    const found = await Promise.all(
      proposal.references.map((reference) => this.intake.obtain(reference, holders, isNeeded)),
    );
    const batches: Batch[] = [];
    for (const verdict of found) {
      if (!verdict.ok) return verdict;
      batches.push(verdict.value);
    }
    return isNeeded() ? this.chain.checkBody(proposal, batches) : refuse("NO_LONGER_NEEDED");
  }

  /** A first proposal from the future waits until it is within D, or not needed any more (protocol, "Time"). */
  private async waitUntilTimely(timeMs: number, isNeeded: () => boolean): Promise<void> {
    const skewMs = this.chain.head.parameters.clockSkewMsMax;
    const waitMs = () => (timeMs - skewMs - this.clock.nowMs()) / this.timeScale;
    while (waitMs() > 0 && isNeeded()) {
      await new Promise<void>((resolve) => {
        this.clock.setTimer(Math.min(FUTURE_LOOK_MS, waitMs()), resolve);
      });
    }
  }
}
