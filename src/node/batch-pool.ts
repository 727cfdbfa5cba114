// Every verified batch that is not yet used up, from all origins, until its transactions are committed or expired.
// It decides nothing: the builder asks what can be included, the driver asks whether there is work at all.

import { invariant } from "../assert.ts";
import { bytesEqual, bytesKey, type Hash } from "../ledger/hash.ts";
import type { Batch, BatchReference, Transaction } from "../ledger/types.ts";

/** Per origin; beyond either the origin's newest batches are not kept (they are fetched again when a block names them). */
export const POOL_BYTES_PER_ORIGIN_MAX = 16 << 20;
/** The smallest transactions take fourteen times their bytes in memory: a share is bounded by their number, too. */
export const POOL_TRANSACTIONS_PER_ORIGIN_MAX = 20_000;
/**
 * Blocks that may pass a batch over, while its origin had share left and later batches were taken, before followers spread
 * it; as many again, and they suspect.
 */
export const BLOCKS_PASSED_OVER_MAX = 8;
/** N230: where blocks are rare, time counts as well: so many are enough when half of a replica's patience has gone by. */
export const BLOCKS_PASSED_OVER_MIN = 2;
/** Digests named in a suspicion. */
export const WAITING_FOR_MAX = 16;

interface Entry {
  readonly batch: Batch;
  /** order of arrival at this node */
  readonly arrival: number;
  readonly latestValidUntilMs: number;
  /** blocks since it was first passed over, or since it was spread for that */
  passedOver: number;
  passedOverSinceMs: number;
  isSpread: boolean;
  isStarved: boolean;
  /** a committed block names it: its body is part of the chain */
  isCommitted: boolean;
}

/** What an origin has in the pool. */
interface Share {
  bytes: number;
  transactions: number;
}

export interface PoolView {
  isCommitted(id: Hash): boolean;
  readonly headTimeMs: number;
}

export class BatchPool {
  private readonly entries = new Map<string, Entry>();
  private readonly shares = new Map<string, Share>();
  private arrivals = 0;

  get size(): number {
    return this.entries.size;
  }

  has(digest: Hash): boolean {
    return this.entries.has(bytesKey(digest));
  }

  /** @param digest as `bytesKey` makes it */
  hasKey(digest: string): boolean {
    return this.entries.has(digest);
  }

  get(digest: Hash): Batch | undefined {
    return this.entries.get(bytesKey(digest))?.batch;
  }

  /** Transactions of all origins that no block has taken yet. */
  get transactions(): number {
    let count = 0;
    for (const share of this.shares.values()) count += share.transactions;
    return count;
  }

  /** Batches of one origin, in order of arrival. */
  of(origin: Uint8Array): readonly Batch[] {
    const batches: Batch[] = [];
    for (const { batch } of this.entries.values()) if (bytesEqual(batch.origin, origin)) batches.push(batch);
    return batches;
  }

  /** Whether the origin's share has room for a batch of that size. */
  hasRoom(origin: Uint8Array, bytes: number, transactions: number): boolean {
    const share = this.shares.get(bytesKey(origin));
    return (
      (share?.bytes ?? 0) + bytes <= POOL_BYTES_PER_ORIGIN_MAX &&
      (share?.transactions ?? 0) + transactions <= POOL_TRANSACTIONS_PER_ORIGIN_MAX
    );
  }

  /**
   * Whether a batch that nobody asked for is worth the work of checking it: it is new, something of it can be executed
   * now or within a second window, and its origin's share has room. Replays and far futures fill nobody's share.
   */
  wants(batch: Batch, view: PoolView, times: { readonly nowMs: number; readonly windowMs: number }): boolean {
    if (this.has(batch.digest) || !this.hasRoom(batch.origin, batch.bytes.length, batch.transactions.length))
      return false;
    const latestMs = Math.max(times.nowMs, view.headTimeMs) + 2 * times.windowMs;
    return isFresh(batch, view, view.headTimeMs, latestMs - view.headTimeMs);
  }

  /** @returns false when it is known already or the origin's share of the pool is full */
  add(batch: Batch): boolean {
    const digest = bytesKey(batch.digest);
    const { length: bytes } = batch.bytes;
    const { length: transactions } = batch.transactions;
    if (this.entries.has(digest) || !this.hasRoom(batch.origin, bytes, transactions)) return false;
    let latestValidUntilMs = 0;
    for (const transaction of batch.transactions)
      latestValidUntilMs = Math.max(latestValidUntilMs, transaction.body.validUntilMs);
    this.arrivals += 1;
    this.entries.set(digest, {
      batch,
      arrival: this.arrivals,
      latestValidUntilMs,
      passedOver: 0,
      passedOverSinceMs: 0,
      isSpread: false,
      isStarved: false,
      isCommitted: false,
    });
    this.count(batch, 1);
    return true;
  }

  /** Batches with something left to execute at `timeMs`, in order of arrival. */
  includable(view: PoolView, timeMs: number, windowMs: number): readonly Batch[] {
    const batches: Batch[] = [];
    for (const { batch } of this.entries.values()) if (isFresh(batch, view, timeMs, windowMs)) batches.push(batch);
    return batches;
  }

  /**
   * Until when these batches are work for certain: what one transaction of each says, the latest of them.
   * Later ones in the same batch may last longer: whoever waits looks again then.
   */
  freshUntilMs(
    batches: readonly Batch[],
    view: PoolView,
    { timeMs, windowMs }: { readonly timeMs: number; readonly windowMs: number },
  ): number | undefined {
    let untilMs: number | undefined;
    for (const batch of batches) {
      const fresh = batch.transactions.find((transaction) => isExecutable(transaction, view, timeMs, windowMs));
      if (fresh !== undefined) untilMs = Math.max(untilMs ?? 0, fresh.body.validUntilMs);
    }
    return untilMs;
  }

  /**
   * Forgets what a committed block used up or let expire.
   * @returns digests that no committed block names: their bodies may go
   */
  settle(view: PoolView, included: readonly BatchReference[]): readonly Hash[] {
    for (const { digest } of included) {
      const entry = this.entries.get(bytesKey(digest));
      if (entry !== undefined) entry.isCommitted = true;
    }
    const orphans: Hash[] = [];
    for (const [digest, entry] of this.entries) {
      const isOver =
        entry.latestValidUntilMs < view.headTimeMs || entry.batch.transactions.every(({ id }) => view.isCommitted(id));
      if (!isOver) continue;
      this.remove(digest, entry);
      if (!entry.isCommitted) orphans.push(entry.batch.digest);
    }
    return orphans;
  }

  /**
   * Drops the batches of whoever has no seat any more: no block may name them (N93).
   * @returns digests that no committed block names: their bodies may go
   */
  retainOrigins(origins: readonly Uint8Array[]): readonly Hash[] {
    const orphans: Hash[] = [];
    for (const [digest, entry] of this.entries) {
      if (origins.some((origin) => bytesEqual(origin, entry.batch.origin))) continue;
      this.remove(digest, entry);
      if (!entry.isCommitted) orphans.push(entry.batch.digest);
    }
    return orphans;
  }

  /**
   * Counts the batches that the committed head block passed over although it could have executed something of them, a later
   * arrival was taken, and their origin's share was not used up.
   * @param limits.patienceMs how long a height may take here
   * @returns those passed over too often or for too long, oldest first: now for the first time, so that they can be spread, and
   * those that were passed over as often or as long again since
   */
  countPassedOver(
    view: PoolView,
    included: readonly BatchReference[],
    limits: {
      readonly blockBytesMax: number;
      readonly windowMs: number;
      readonly patienceMs: number;
      readonly nowMs: number;
    },
  ): { readonly toSpread: readonly Hash[]; readonly starved: readonly Hash[] } {
    let lastArrivalTaken = 0;
    const bytesTaken = new Map<string, number>();
    for (const reference of included) {
      lastArrivalTaken = Math.max(lastArrivalTaken, this.entries.get(bytesKey(reference.digest))?.arrival ?? 0);
      const origin = bytesKey(reference.origin);
      bytesTaken.set(origin, (bytesTaken.get(origin) ?? 0) + reference.bytes);
    }
    const share = limits.blockBytesMax / Math.max(1, bytesTaken.size + 1);
    const toSpread: Hash[] = [];
    const starved: Hash[] = [];
    for (const entry of this.entries.values()) {
      if (entry.arrival >= lastArrivalTaken || included.some(({ digest }) => bytesEqual(digest, entry.batch.digest)))
        continue;
      if ((bytesTaken.get(bytesKey(entry.batch.origin)) ?? 0) + entry.batch.bytes.length > share) continue;
      // N63: what no primary may execute yet, or any more, deposes nobody.
      if (!isFresh(entry.batch, view, view.headTimeMs, limits.windowMs)) continue;
      if (entry.passedOver === 0) entry.passedOverSinceMs = limits.nowMs;
      entry.passedOver += 1;
      const isLong =
        entry.passedOver >= BLOCKS_PASSED_OVER_MIN && 2 * (limits.nowMs - entry.passedOverSinceMs) >= limits.patienceMs;
      if (isLong || entry.passedOver >= BLOCKS_PASSED_OVER_MAX) {
        entry.isStarved ||= entry.isSpread;
        if (!entry.isSpread && toSpread.length < WAITING_FOR_MAX) {
          toSpread.push(entry.batch.digest);
          entry.isSpread = true;
          entry.passedOver = 0;
        }
      }
      if (entry.isStarved && starved.length < WAITING_FOR_MAX) starved.push(entry.batch.digest);
    }
    return { toSpread, starved };
  }

  private remove(digest: string, entry: Entry): void {
    this.entries.delete(digest);
    this.count(entry.batch, -1);
  }

  private count({ origin, bytes, transactions }: Batch, sign: 1 | -1): void {
    const key = bytesKey(origin);
    const share = this.shares.get(key) ?? { bytes: 0, transactions: 0 };
    share.bytes += sign * bytes.length;
    share.transactions += sign * transactions.length;
    invariant(
      share.bytes >= 0 &&
        share.bytes <= POOL_BYTES_PER_ORIGIN_MAX &&
        share.transactions >= 0 &&
        share.transactions <= POOL_TRANSACTIONS_PER_ORIGIN_MAX,
      "N97: an origin has a bounded share of the pool",
    );
    if (share.transactions === 0) this.shares.delete(key);
    else this.shares.set(key, share);
  }
}

/** Whether a block of that time could execute something of the batch. */
function isFresh(batch: Batch, view: PoolView, timeMs: number, windowMs: number): boolean {
  return batch.transactions.some((transaction) => isExecutable(transaction, view, timeMs, windowMs));
}

function isExecutable({ id, body }: Transaction, view: PoolView, timeMs: number, windowMs: number): boolean {
  return body.validUntilMs >= timeMs && body.validUntilMs <= timeMs + windowMs && !view.isCommitted(id);
}
