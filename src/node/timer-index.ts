// The contracts' timers in order of their due time, derived from the state's timer rows and rebuilt from them on start.
// It proposes which rows are due; the rows themselves decide.

import { compareBytes, toHex } from "../ledger/hash.ts";
import type { StateWrite } from "../ledger/types.ts";

interface TimerEntry {
  readonly key: Uint8Array;
  readonly atMs: number;
}

export interface TimerRows {
  isTimerKey(key: Uint8Array): boolean;
  dueMs(value: Uint8Array): number;
}

export class TimerIndex {
  private readonly dueByKey = new Map<string, number>();
  /** sorted by (atMs, key) */
  private readonly sorted: TimerEntry[] = [];
  private readonly rows: TimerRows;

  constructor(rows: TimerRows) {
    this.rows = rows;
  }

  apply(writes: readonly StateWrite[]): void {
    for (const { key, value } of writes) {
      if (!this.rows.isTimerKey(key)) continue;
      const id = toHex(key);
      const before = this.dueByKey.get(id);
      if (before !== undefined) this.sorted.splice(this.positionOf({ key, atMs: before }), 1);
      if (value === undefined) {
        this.dueByKey.delete(id);
        continue;
      }
      const entry = { key, atMs: this.rows.dueMs(value) };
      this.dueByKey.set(id, entry.atMs);
      this.sorted.splice(this.positionOf(entry), 0, entry);
    }
  }

  /** State keys of the timers due at `timeMs`, in (time, key) order. */
  due(timeMs: number, countMax: number): readonly Uint8Array[] {
    const keys: Uint8Array[] = [];
    for (const { key, atMs } of this.sorted) {
      if (atMs > timeMs || keys.length >= countMax) break;
      keys.push(key);
    }
    return keys;
  }

  /** When the earliest timer is due, undefined without timers. */
  nextDueMs(): number | undefined {
    return this.sorted[0]?.atMs;
  }

  private positionOf(entry: TimerEntry): number {
    let low = 0;
    let high = this.sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.sorted[middle]!;
      const order = other.atMs - entry.atMs || compareBytes(other.key, entry.key);
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
