// The judge of fairness from outside: what the node chooses passes, what fills a block from one origin does not.

import { describe, expect, it } from "vitest";
import { hashTagged } from "../../../src/ledger/hash.ts";
import type { Batch, Parameters } from "../../../src/ledger/types.ts";
import { chooseBatches } from "../../../src/node/block-builder.ts";
import { Random } from "../random.ts";
import { passesOver } from "./fairness.ts";
import { drawPlan } from "./plan.ts";

const LIMITS: Parameters = { ...drawPlan(1, "swarm").parameters, blockBytesMax: 1_000, blockTransactionsMax: 12 };

function batchOf(origin: number, sequence: number, bytes: number, transactions: number): Batch {
  return {
    chainId: Uint8Array.of(0),
    origin: Uint8Array.of(origin),
    sequence,
    digest: hashTagged("DOCUMENT", Uint8Array.of(origin, sequence)),
    // Only their number counts here.
    transactions: Array.from({ length: transactions }) as Batch["transactions"],
    signature: Uint8Array.of(0),
    bytes: new Uint8Array(bytes),
  };
}

function drawWaiting(random: Random): readonly Batch[] {
  return Array.from({ length: random.between(0, 12) }, (_, sequence) =>
    batchOf(random.below(4), sequence, random.between(50, 400), random.between(1, 5)),
  );
}

describe("fairness of blocks, judged from outside", () => {
  it("A115: what is chosen by equal shares passes nobody over, whatever waits", () => {
    const random = new Random(7);
    for (let run = 0; run < 2_000; run += 1) {
      const waiting = drawWaiting(random);
      expect(passesOver(chooseBatches(waiting, LIMITS), waiting, LIMITS)).toBe(false);
    }
  });

  it("A115: a second batch of one origin in the place of the first of another is unfair, unless that one has no room", () => {
    const [one, two, other] = [batchOf(0, 1, 400, 1), batchOf(0, 2, 400, 1), batchOf(1, 1, 500, 1)];
    expect(passesOver([one, two], [one, two, other], LIMITS)).toBe(true);
    const tooLong = batchOf(1, 1, 700, 1);
    expect(passesOver([one, two], [one, two, tooLong], LIMITS)).toBe(false);
    const tooMany = batchOf(1, 1, 100, 12);
    expect(passesOver([one, two], [one, two, tooMany], LIMITS)).toBe(false);
    expect(passesOver([one, other], [one, two, other], LIMITS)).toBe(false);
  });
});
