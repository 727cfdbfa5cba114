// Stands between the runs of one transaction and the state: counts what they read, write and say, and stops them at a limit.
// Every read and write of an action passes here; what the host itself looks up does not.

import type { StateEntry, StateOverlay } from "../ledger/types.ts";
import { type Refusal, refused } from "./refusal.ts";
import { BLOCK_LIMITS, LIMITED, type LimitedDimension, type Limits, TRANSACTION_LIMITS } from "./usage.ts";

/** Thrown when a transaction needs more of one dimension than it has; like OutOfGas no Error, and absorbed by nothing. */
export class LimitReached {
  readonly dimension: LimitedDimension;
  readonly needed: number;
  constructor(dimension: LimitedDimension, needed: number) {
    this.dimension = dimension;
    this.needed = needed;
  }
}

export class MeteredOverlay implements StateOverlay {
  /** of this transaction, also what was undone */
  readonly used: Record<LimitedDimension, number> = noneUsed();
  private readonly overlay: StateOverlay;

  constructor(overlay: StateOverlay) {
    this.overlay = overlay;
  }

  /** @throws LimitReached */
  get(key: Uint8Array): StateEntry | undefined {
    this.count("reads", 1);
    const entry = this.overlay.get(key);
    if (entry !== undefined) this.count("bytesRead", entry.value.length);
    return entry;
  }

  /** @throws LimitReached */
  put(key: Uint8Array, value: Uint8Array): void {
    this.count("writes", 1);
    this.count("bytesWritten", key.length + value.length);
    this.overlay.put(key, value);
  }

  /** @throws LimitReached */
  delete(key: Uint8Array): void {
    this.count("writes", 1);
    this.count("bytesWritten", key.length);
    this.overlay.delete(key);
  }

  /** @param bytes of the fields, as events are measured. @throws LimitReached */
  event(bytes: number): void {
    this.count("events", 1);
    this.count("eventBytes", bytes);
  }

  mark(): number {
    return this.overlay.mark();
  }

  revertTo(mark: number): void {
    this.overlay.revertTo(mark);
  }

  settle(): void {
    this.overlay.settle();
  }

  changesSince(mark: number): ReturnType<StateOverlay["changesSince"]> {
    return this.overlay.changesSince(mark);
  }

  writes(): ReturnType<StateOverlay["writes"]> {
    return this.overlay.writes();
  }

  private count(dimension: LimitedDimension, amount: number): void {
    const needed = this.used[dimension] + amount;
    if (needed > TRANSACTION_LIMITS[dimension]) throw new LimitReached(dimension, needed);
    this.used[dimension] = needed;
  }
}

export function noneUsed(): Record<LimitedDimension, number> {
  return { reads: 0, bytesRead: 0, writes: 0, bytesWritten: 0, events: 0, eventBytes: 0 };
}

/** What a transaction is told that needed more than one may. */
export function limitRefusal({ dimension, needed }: LimitReached): Refusal {
  return refused(`transaction.${dimension}`, [
    ["needed", needed],
    ["allowed", TRANSACTION_LIMITS[dimension]],
  ]);
}

/**
 * The first dimension of which a part of a block has too little left for the most that one transaction may use, as its gas limit is
 * asked for before it runs: whether it runs never depends on what it would have done.
 * @param limits of the block, or of its share for timers
 */
export function fullDimension(used: Limits, limits: Limits): LimitedDimension | undefined {
  return LIMITED.find((dimension) => used[dimension] + TRANSACTION_LIMITS[dimension] > limits[dimension]);
}

/** At most half of a block is for timers. */
export const TIMER_LIMITS: Limits = Object.freeze({
  reads: BLOCK_LIMITS.reads / 2,
  bytesRead: BLOCK_LIMITS.bytesRead / 2,
  writes: BLOCK_LIMITS.writes / 2,
  bytesWritten: BLOCK_LIMITS.bytesWritten / 2,
  events: BLOCK_LIMITS.events / 2,
  eventBytes: BLOCK_LIMITS.eventBytes / 2,
});
