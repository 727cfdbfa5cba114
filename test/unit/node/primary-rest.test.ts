// The primary's rest between two blocks of its own, over a real ledger and a clock that stands.

import { beforeAll, describe, expect, it } from "vitest";
import type { SealedGenesis } from "../../../src/ledger/genesis.ts";
import type { Proposal } from "../../../src/ledger/types.ts";
import { buildBlock, commitBlock, makeGenesis, noteBatch, openLedger, proposalsOver } from "./ledger-fixture.ts";
import { StillClock } from "./support.ts";

let genesis: SealedGenesis;
beforeAll(async () => {
  genesis = await makeGenesis();
});

/** A node whose own block of height 1 took `tookMs` from its beginning to its commit. */
async function afterOwnBlock(tookMs: number) {
  const chain = await openLedger(genesis);
  const clock = new StillClock();
  clock.advance(genesis.timeMs + 10_000);
  const { proposals, pool } = proposalsOver(genesis, chain, clock);
  const add = (id: string, sequence: number) =>
    pool.add(noteBatch(genesis, { id, sequence, validUntilMs: genesis.timeMs + 60_000 }));
  add("a", 1);
  const first = await proposals.build({ height: 1, view: 0 });
  const checked = first && chain.checkedBlock(first.blockHash);
  if (checked === undefined) throw new Error("the first block was not built");
  clock.advance(tookMs);
  await commitBlock(chain, genesis, checked);
  await proposals.settle(pool.settle(proposals.view, checked.proposal.references));
  return { chain, clock, proposals, add };
}

/** The block of height 2 as far as it is built: undefined while the primary rests. */
function building(proposals: { build(place: { height: number; view: number }): Promise<Proposal | undefined> }) {
  let built: Proposal | undefined;
  const done = proposals.build({ height: 2, view: 0 }).then((proposal) => {
    built = proposal;
  });
  return { done, built: () => built };
}

async function turn(): Promise<void> {
  for (let count = 0; count < 5; count += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe("the primary's rest", () => {
  it("N247: lasts half the time that its own block took, and what arrives meanwhile is in the next block", async () => {
    const { clock, proposals, add } = await afterOwnBlock(12);
    add("b", 2);
    const next = building(proposals);
    clock.advance(5);
    await turn();
    expect(next.built()).toBe(undefined);
    add("c", 3);
    clock.advance(1);
    await next.done;
    expect(next.built()?.references.length).toBe(2);
  });

  it("N247: lasts no longer than 20 ms, however long the block took", async () => {
    const { clock, proposals, add } = await afterOwnBlock(3_000);
    add("b", 2);
    const next = building(proposals);
    clock.advance(19);
    await turn();
    expect(next.built()).toBe(undefined);
    clock.advance(1);
    await next.done;
    expect(next.built()?.references.length).toBe(1);
  });

  it("N247: delays nobody who comes when it is over", async () => {
    const { clock, proposals, add } = await afterOwnBlock(12);
    clock.advance(6);
    add("b", 2);
    const next = building(proposals);
    await next.done;
    expect(next.built()?.references.length).toBe(1);
  });

  it("N247: gives way to a block that was committed meanwhile", async () => {
    const { chain, clock, proposals, add } = await afterOwnBlock(12);
    add("b", 2);
    const next = building(proposals);
    const batch = noteBatch(genesis, { id: "z", sequence: 9, validUntilMs: genesis.timeMs + 60_000 });
    const block = chain.build({
      view: 1,
      proposer: chain.head.validators[0]?.publicKey ?? new Uint8Array(),
      timeMs: clock.nowMs() + 1,
      batches: [batch],
    });
    if (block === undefined) throw new Error("nothing to execute");
    await commitBlock(chain, genesis, block);
    clock.advance(6);
    await next.done;
    expect(next.built()).toBe(undefined);
  });

  it("N249: does not come after a block of another, also where the own one of that height was not decided", async () => {
    const chain = await openLedger(genesis);
    const clock = new StillClock();
    clock.advance(genesis.timeMs + 10_000);
    const { proposals, pool } = proposalsOver(genesis, chain, clock);
    const validUntilMs = genesis.timeMs + 60_000;
    pool.add(noteBatch(genesis, { id: "a", sequence: 1, validUntilMs }));
    expect(await proposals.build({ height: 1, view: 0 })).toBeDefined();
    clock.advance(3_000);
    const other = noteBatch(genesis, { id: "z", sequence: 9, validUntilMs });
    const block = buildBlock(chain, [other], clock.nowMs());
    await commitBlock(chain, genesis, block);
    await proposals.settle(pool.settle(proposals.view, block.proposal.references));
    const next = building(proposals);
    await turn();
    expect(next.built()?.references.length).toBe(1);
    clock.advance(20);
    await next.done;
  });
});
