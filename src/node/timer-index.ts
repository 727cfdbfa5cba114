// The contracts' timers in order of their due time, derived from the state's timer and stop rows and rebuilt from them on start.
// It proposes which rows are due; the rows themselves decide.

import { isTimerKey, timerDueMs } from "../contracts/state-keys.ts";
import { stopOfRow, stoppedContract } from "../contracts/stop.ts";
import { timerOf } from "../contracts/timer-row.ts";
import { ownBytes } from "../ledger/codec.ts";
import { compareBytes, toHex } from "../ledger/hash.ts";
import type { StateWrite } from "../ledger/types.ts";

interface TimerEntry {
  readonly key: Uint8Array;
  readonly contract: string;
  /** what its row says */
  readonly atMs: number;
  /** R321: when a stop of its contract is over, if that is later */
  readonly dueMs: number;
}

export interface TimerRows {
  isTimerKey(key: Uint8Array): boolean;
  contractOf(key: Uint8Array): string;
  dueMs(value: Uint8Array): number;
  /** of which contract a row tells a stop; undefined: of another table */
  stoppedContract(key: Uint8Array): string | undefined;
  /** when the stop of such a row is over; undefined: it stops nothing */
  stopEndMs(key: Uint8Array, value: Uint8Array): number | undefined;
}

/** Over the rows as the contracts write them. */
export function newTimerIndex(): TimerIndex {
  return new TimerIndex({
    isTimerKey,
    contractOf: (key) => timerOf(key).contract,
    dueMs: timerDueMs,
    stoppedContract,
    stopEndMs: (key, value) => stopOfRow(key, value)?.untilMs,
  });
}

export class TimerIndex {
  private readonly byKey = new Map<string, TimerEntry>();
  /** by (dueMs, atMs, key) */
  private sorted: TimerEntry[] = [];
  private readonly stopEnds = new Map<string, number>();
  private readonly rows: TimerRows;

  constructor(rows: TimerRows) {
    this.rows = rows;
  }

  apply(writes: readonly StateWrite[]): void {
    for (const { key, value } of writes) {
      if (this.rows.isTimerKey(key)) this.applyTimer(key, value);
      const contract = this.rows.stoppedContract(key);
      if (contract !== undefined) this.applyStop(contract, value && this.rows.stopEndMs(key, value));
    }
  }

  private applyTimer(key: Uint8Array, value: Uint8Array | undefined): void {
    const id = toHex(key);
    const before = this.byKey.get(id);
    if (before !== undefined) this.sorted.splice(this.positionOf(before), 1);
    if (value === undefined) {
      this.byKey.delete(id);
      return;
    }
    const entry = this.entryOf(key, this.rows.dueMs(value));
    this.byKey.set(id, entry);
    this.sorted.splice(this.positionOf(entry), 0, entry);
  }

  private applyStop(contract: string, endMs: number | undefined): void {
    if (endMs === undefined) this.stopEnds.delete(contract);
    else this.stopEnds.set(contract, endMs);
    for (const [id, entry] of this.byKey)
      if (entry.contract === contract) this.byKey.set(id, this.entryOf(entry.key, entry.atMs));
    this.sorted = [...this.byKey.values()].sort(inOrder);
  }

  private entryOf(key: Uint8Array, atMs: number): TimerEntry {
    const contract = this.rows.contractOf(key);
    // Keys of a block share buffers, and what stays must not keep them.
    return { key: ownBytes(key), contract, atMs, dueMs: Math.max(atMs, this.stopEnds.get(contract) ?? 0) };
  }

  /** State keys of the timers due at `timeMs`, in (time, key) order; those that were held back come last, in that order. */
  due(timeMs: number, countMax: number): readonly Uint8Array[] {
    const keys: Uint8Array[] = [];
    for (const { key, dueMs } of this.sorted) {
      if (dueMs > timeMs || keys.length >= countMax) break;
      keys.push(key);
    }
    return keys;
  }

  /** When the earliest timer is due, undefined without timers. */
  nextDueMs(): number | undefined {
    return this.sorted[0]?.dueMs;
  }

  private positionOf(entry: TimerEntry): number {
    let low = 0;
    let high = this.sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (inOrder(this.sorted[middle]!, entry) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function inOrder(left: TimerEntry, right: TimerEntry): number {
  return left.dueMs - right.dueMs || left.atMs - right.atMs || compareBytes(left.key, right.key);
}
