// Whole nodes in simulated worlds: some seeds in every run of the tests, and that a seed means the same run every time.
// `npm run sim` runs as many as wanted.

import { expect, it } from "vitest";
import { runSeed } from "./world.ts";

const SEEDS = 20;

it(`N110: whole nodes agree, execute once, keep what they acknowledged and go on: seeds 1 to ${SEEDS}`, async () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { failure, receipts } = await runSeed(seed);
    expect(failure, `npm run sim -- --seed ${seed} --trace`).toBeUndefined();
    expect(receipts).toBeGreaterThan(0);
  }
});

it("N111: the same seed gives the same effects, another seed others", async () => {
  const fingerprints: string[] = [];
  for (const seed of [5001, 5002, 5001, 5002]) fingerprints.push((await runSeed(seed)).fingerprint);
  expect(fingerprints.slice(2)).toEqual(fingerprints.slice(0, 2));
  expect(new Set(fingerprints).size).toBe(2);
});
