// The time without commits after a primary's failure, in simulated time: the same figures on every machine.

import { describe, expect, it } from "vitest";
import { failoverMs, lateHeights, underSlowPrimary, type Way } from "./node/failover.ts";

const SEEDS = [11, 12, 13];

/** docs/failover.md: what the protocol may take of the time that is aimed at on real machines. */
const MS_MAX: Readonly<Record<Way, number>> = { killed: 200, frozen: 700, silent: 700, censoring: 1_000 };

describe("failover", () => {
  for (const way of ["killed", "frozen", "silent", "censoring"] as const) {
    it(`a ${way} primary is replaced within ${MS_MAX[way]} simulated ms`, { timeout: 120_000 }, async () => {
      for (const seed of SEEDS) expect(await failoverMs(way, seed)).toBeLessThanOrEqual(MS_MAX[way]);
    });
  }

  it("a member that was cut off is in step again after a few heights (C113)", { timeout: 120_000 }, async () => {
    for (const [seed, cutMs] of [
      [11, 15],
      [12, 100],
      [14, 40],
    ] as const)
      expect(await lateHeights(seed, cutMs)).toBeLessThanOrEqual(5);
  });

  it("under a primary just not slow enough to be replaced throughput stays above half", {
    timeout: 120_000,
  }, async () => {
    const { perSecond } = await underSlowPrimary(11, 500);
    expect(perSecond).toBeGreaterThan(50);
  });
});
