// A thousand seeds of the core alone, and that a seed means the same run every time. `npm run sim` runs as many as wanted.

import { describe, expect, it } from "vitest";
import { faultBound, quorumSize } from "../../src/ledger/certificate.ts";
import { drawConfig } from "./config.ts";
import { runSeed } from "./world.ts";

const SEEDS = 1000;
const SEEDS_PER_TEST = 100;

describe("simulator", () => {
  for (let from = 1; from <= SEEDS; from += SEEDS_PER_TEST) {
    const to = from + SEEDS_PER_TEST - 1;
    it(`agreement, one vote per position, durable votes, honest evidence and progress: seeds ${from} to ${to}`, () => {
      const outcomes = Array.from({ length: SEEDS_PER_TEST }, (_, index) => runSeed(from + index));
      const failures = outcomes
        .filter(({ failure }) => failure !== undefined)
        .map(({ seed, failure }) => `${failure}; repeat: npm run sim -- --seed ${seed} --trace`);
      expect(failures).toEqual([]);
      // The runs are worth something only if blocks are made, views change and liars are caught in them.
      expect(outcomes.every(({ heights }) => heights > 0)).toBe(true);
      expect(outcomes.filter(({ viewsMax }) => viewsMax > 0).length).toBeGreaterThan(SEEDS_PER_TEST / 4);
      expect(outcomes.filter(({ evidence }) => evidence > 0).length).toBeGreaterThan(SEEDS_PER_TEST / 8);
    });
  }

  it("evidence is judged by the validators of its own height, also when the next height has others", () => {
    expect(runSeed(1_058_226).failure).toBeUndefined();
  });

  it("the same seed gives the same effects, another seed others", () => {
    const seeds = Array.from({ length: 20 }, (_, index) => 5000 + index);
    const once = seeds.map((seed) => runSeed(seed).fingerprint);
    expect(seeds.map((seed) => runSeed(seed).fingerprint)).toEqual(once);
    expect(new Set(once).size).toBe(seeds.length);
  });

  it("draws every size from 4 to 7, every fault, never more liars than f", () => {
    const configs = Array.from({ length: SEEDS }, (_, index) => drawConfig(index + 1));
    expect(new Set(configs.map(({ validatorCount }) => validatorCount))).toEqual(new Set([4, 5, 6, 7]));
    expect(new Set(configs.flatMap(({ faults }) => [...faults.values()])).size).toBe(6);
    expect(configs.every(({ faults, validatorCount }) => faults.size <= faultBound(validatorCount))).toBe(true);
  });

  it("L33: q is floor(2n/3)+1: any two quorums share f+1 validators, and q honest ones are always there", () => {
    for (let count = 4; count <= 128; count += 1) {
      expect(2 * quorumSize(count) - count).toBeGreaterThanOrEqual(faultBound(count) + 1);
      expect(count - faultBound(count)).toBeGreaterThanOrEqual(quorumSize(count));
    }
  });
});
