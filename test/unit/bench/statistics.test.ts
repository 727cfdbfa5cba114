// Whether two rows of measurements differ, against published numbers.

import { expect, it } from "vitest";
import { mannWhitneyP, median, quantile, ratioInterval, slope, spreadOf } from "../../../bench/statistics.ts";

// Hollander and Wolfe (1973), p. 69 f.: permeability of the human chorioamnion; the example of R's wilcox.test (W = 35).
const TERM = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
const EARLY = [1.15, 0.88, 0.9, 0.74, 1.21];

it("A135: the exact p-value of the published example is 0.2544, two-sided, whichever row comes first", () => {
  expect(mannWhitneyP(TERM, EARLY)).toBeCloseTo(0.2544, 4);
  expect(mannWhitneyP(EARLY, TERM)).toBeCloseTo(0.2544, 4);
});

it("A135: three measurements of each side can never show less than 0.1, four show 0.029", () => {
  expect(mannWhitneyP([1, 2, 3], [4, 5, 6])).toBeCloseTo(0.1, 10);
  expect(mannWhitneyP([1, 2, 3, 4], [5, 6, 7, 8])).toBeCloseTo(2 / 70, 10);
});

it("A135: with ties the normal approximation serves, and equal rows do not differ", () => {
  // scipy 1.17.1, mannwhitneyu([1, 2, 2, 3], [2, 3, 4, 4], method="asymptotic"): U 2.5, p 0.134169.
  expect(mannWhitneyP([1, 2, 2, 3], [2, 3, 4, 4])).toBeCloseTo(0.134169, 6);
  expect(mannWhitneyP([5, 5, 5], [5, 5, 5])).toBe(1);
});

it("A135: the interval of a ratio holds it, and is the ratio itself where nothing varies", () => {
  expect(ratioInterval([100, 100, 100], [150, 150])).toEqual({ median: 1.5, low: 1.5, high: 1.5 });
  const { low, median: ratio, high } = ratioInterval([90, 100, 110, 95, 105], [180, 200, 220, 190, 210]);
  expect(ratio).toBe(2);
  expect(low).toBeGreaterThan(1.6);
  expect(low).toBeLessThan(2);
  expect(high).toBeGreaterThan(2);
  expect(high).toBeLessThan(2.45);
});

it("medians, spreads, quantiles and slopes", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(spreadOf([5, 1, 9])).toEqual({ median: 5, low: 1, high: 9 });
  expect(quantile([1, 2, 3, 4], 0.5)).toBe(2);
  expect(
    slope([
      [0, 1],
      [1, 3],
      [2, 5],
    ]),
  ).toBeCloseTo(2, 10);
});
