// A plan made smaller stays a plan: fewer faults, nodes or time, never more of anything, and the words say which.

import { describe, expect, it } from "vitest";
import { faultBound } from "../../../src/ledger/certificate.ts";
import { drawPlan, PROFILES } from "./plan.ts";
import { entriesOf, NO_TRIM, partsOf, trimmed, trimWords } from "./trim.ts";

const PLANS = PROFILES.flatMap((profile) => Array.from({ length: 12 }, (_, seed) => drawPlan(seed, profile)));

describe("a smaller plan", () => {
  it("A101: is the same plan when nothing is left out", () => {
    for (const plan of PLANS) expect(trimmed(plan, NO_TRIM)).toEqual(plan);
  });

  it("A101: has nothing left of a part that is left out, and is as it was in all others", () => {
    for (const plan of PLANS) {
      for (const name of partsOf(plan)) {
        const smaller = trimmed(plan, { ...NO_TRIM, without: [name] });
        expect(smaller && partsOf(smaller), name).not.toContain(name);
        expect(partsOf(plan)).toEqual(expect.arrayContaining([...(smaller ? partsOf(smaller) : [])]));
      }
    }
  });

  it("A101: loses one entry at a time, by its place in the plan as it was drawn", () => {
    for (const plan of PLANS) {
      const entries = entriesOf(plan, NO_TRIM);
      const [first] = entries;
      if (first === undefined) continue;
      const without = { ...NO_TRIM, without: [first] };
      expect(entriesOf(plan, without)).toEqual(entries.slice(1));
      expect(trimmed(plan, { ...NO_TRIM, without: entries })?.crashes).toEqual([]);
    }
  });

  it("A101: with fewer nodes has nothing that happens to others, and no more liars and losses than they may bear", () => {
    for (const plan of PLANS) {
      const smaller = trimmed(plan, { ...NO_TRIM, nodes: 4 });
      if (smaller === undefined) continue;
      const nodes = 4 + (smaller.hasSpare ? 1 : 0);
      const happening = [...smaller.crashes, ...smaller.flippedBits, ...smaller.lostStores, ...smaller.lostRecords];
      expect(happening.every(({ node }) => node < nodes)).toBe(true);
      const broken = new Set([...smaller.flippedBits, ...smaller.backups].map(({ node }) => node)).size;
      expect(smaller.lies.size + broken + smaller.lostAtOnceMax).toBeLessThanOrEqual(faultBound(4));
    }
  });

  it("A101: words that do not fit are refused, those that do stand as they are typed", () => {
    const [plan] = PLANS;
    if (plan === undefined) throw new Error("no plan");
    expect(trimmed(plan, { ...NO_TRIM, without: ["gremlins"] })).toBeUndefined();
    expect(trimmed(plan, { ...NO_TRIM, nodes: plan.validatorCount + 1 })).toBeUndefined();
    expect(trimmed(plan, { ...NO_TRIM, untilMs: plan.calmFromMs + 1 })).toBeUndefined();
    expect(trimWords({ without: ["crashes", "lies:2"], nodes: 4, untilMs: 9_000 })).toBe(
      " --without crashes,lies:2 --nodes 4 --until 9000",
    );
    expect(trimWords(NO_TRIM)).toBe("");
  });
});
