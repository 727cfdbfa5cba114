// What repeated measurements say together: median, spread, and whether two rows of them differ. Numbers in, numbers out;
// the same input gives the same output.

import { randomFrom } from "./arrivals.ts";

const RESAMPLES = 10_000;
const RESAMPLE_SEED = 1;
/** Up to so many arrangements of two rows are counted one by one; beyond, the normal approximation serves. */
const EXACT_VALUES_MAX = 40;

export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Median, least and greatest. */
export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), low: Math.min(...values), high: Math.max(...values) };
}

/** The smallest value that so many of them do not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

/** 95% interval of median(after) / median(before), by the percentile bootstrap: 10,000 resamples of both rows. */
export function ratioInterval(before: readonly number[], after: readonly number[]): Spread {
  const random = randomFrom(RESAMPLE_SEED);
  const drawn = (values: readonly number[]): number =>
    median(values.map(() => values[Math.floor(random() * values.length)]!));
  const ratios = Array.from({ length: RESAMPLES }, () => drawn(after) / drawn(before));
  return {
    median: median(after) / median(before),
    low: quantile(ratios, 0.025),
    high: quantile(ratios, 0.975),
  };
}

/** Two-sided p-value of the Mann-Whitney U test: exact without ties, else the normal approximation with ties and continuity corrected. */
export function mannWhitneyP(one: readonly number[], other: readonly number[]): number {
  const [m, n] = [one.length, other.length];
  if (m === 0 || n === 0) return 1;
  let u = 0;
  for (const left of one) for (const right of other) u += left > right ? 1 : left === right ? 0.5 : 0;
  const sizes = tieSizes([...one, ...other]);
  if (sizes.every((size) => size === 1) && m + n <= EXACT_VALUES_MAX) {
    const counts = arrangements(m, n);
    const total = counts.reduce((sum, count) => sum + count, 0);
    const extreme = Math.min(u, m * n - u);
    const tail = counts.slice(0, extreme + 1).reduce((sum, count) => sum + count, 0);
    return Math.min(1, (2 * tail) / total);
  }
  const ties = sizes.reduce((sum, size) => sum + size ** 3 - size, 0) / ((m + n) * (m + n - 1));
  const deviation = Math.sqrt(((m * n) / 12) * (m + n + 1 - ties));
  if (deviation === 0) return 1;
  return Math.min(1, 2 * normalTail(Math.max(0, Math.abs(u - (m * n) / 2) - 0.5) / deviation));
}

/** How many arrangements of m and n values give each U from 0 to m n. */
function arrangements(m: number, n: number): readonly number[] {
  let rows: readonly (readonly number[])[] = Array.from({ length: n + 1 }, () => [1]);
  for (let left = 1; left <= m; left += 1) {
    const next: number[][] = [[1]];
    for (let right = 1; right <= n; right += 1) {
      // The greatest value is of the first row, above all `right` others, or of the second.
      const [withFirst, withSecond] = [rows[right]!, next[right - 1]!];
      next.push(Array.from({ length: left * right + 1 }, (_, u) => (withFirst[u - right] ?? 0) + (withSecond[u] ?? 0)));
    }
    rows = next;
  }
  return rows[n]!;
}

function tieSizes(values: readonly number[]): readonly number[] {
  const sizes = new Map<number, number>();
  for (const value of values) sizes.set(value, (sizes.get(value) ?? 0) + 1);
  return [...sizes.values()];
}

/** P(Z > z) of a standard normal variable (Abramowitz and Stegun 26.2.17, error below 7.5e-8). */
function normalTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
}

/** Slope of the line of least squares through points with distinct x. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(points.map(([at]) => at)), mean(points.map(([, value]) => value))];
  const above = points.reduce((sum, [at, value]) => sum + (at - x) * (value - y), 0);
  return above / points.reduce((sum, [at]) => sum + (at - x) ** 2, 0);
}
