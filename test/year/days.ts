// The calendar of the year in China's time, and draws that depend on a label alone: the same in every run of a seed.
// Uses the host's calendar on purpose: the ledger has its own, and a fault in one shows against the other.

import { createHash } from "node:crypto";

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;
/** What the ledger does by itself at a moment is taken for done this much later: then a block has been made since. */
export const SETTLED_MS = 20 * MINUTE_MS;
const ZONE_MS = 8 * HOUR_MS;

/** The year that is played; the genesis is half a day before. */
export const YEAR = 2027;
export const START_MS = Date.UTC(YEAR, 0, 1) - ZONE_MS;

/** The moment at that day (0 is 1 January), hour and minute, local. */
export function at(day: number, hour: number, minute = 0): number {
  return START_MS + day * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS;
}

/** The local day of a moment, from 1970 on: two moments of one day have the same. */
export function localDay(timeMs: number): number {
  return Math.floor((timeMs + ZONE_MS) / DAY_MS);
}

/** A month as 202701: 1 to 12 of the year, 0 and below before it, 13 and above after it. */
export function period(month: number): number {
  const index = YEAR * 12 + month - 1;
  return Math.floor(index / 12) * 100 + (index % 12) + 1;
}

/** Days from 1 January to the first of that month. */
export function firstDayOf(month: number): number {
  return Math.round((Date.UTC(YEAR, month - 1, 1) - Date.UTC(YEAR, 0, 1)) / DAY_MS);
}

export function daysIn(month: number): number {
  return firstDayOf(month + 1) - firstDayOf(month);
}

/** The month, from 1, of a day of the year. */
export function monthOf(day: number): number {
  const date = new Date(Date.UTC(YEAR, 0, 1) + day * DAY_MS);
  return (date.getUTCFullYear() - YEAR) * 12 + date.getUTCMonth() + 1;
}

/** Draws of one seed. */
export class Draw {
  private readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
  }

  /** 0 to below - 1 */
  below(below: number, label: string): number {
    const bytes = createHash("sha256").update(`linli-year:${this.seed}:${label}`).digest();
    return bytes.readUIntBE(0, 6) % below;
  }

  /** Whether it happens, of 1,000 cases `perMille`. */
  chance(perMille: number, label: string): boolean {
    return this.below(1_000, label) < perMille;
  }

  pick<T>(items: readonly T[], label: string): T {
    const item = items[this.below(items.length, label)];
    if (item === undefined) throw new RangeError(`nothing to draw from: ${label}`);
    return item;
  }

  /** 32 bytes that stand for a document. */
  digest(label: string): Uint8Array {
    return new Uint8Array(createHash("sha256").update(`linli-year-document:${this.seed}:${label}`).digest());
  }

  shuffled<T>(items: readonly T[], label: string): readonly T[] {
    const drawn = items.map((item, index) => ({ item, place: this.below(2 ** 40, `${label}:${index}`) }));
    return drawn.sort((left, right) => left.place - right.place).map(({ item }) => item);
  }
}
