// The node's half of the time rule (protocol, "Time") and of what a block must contain, over a real ledger.

import { beforeAll, describe, expect, it } from "vitest";
import { batchesRootOf, blockHashOf, encodeHeader, transactionsRootOf } from "../../../src/ledger/format-block.ts";
import type { SealedGenesis } from "../../../src/ledger/genesis.ts";
import type { Header, Proposal } from "../../../src/ledger/types.ts";
import { buildBlock, commitBlock, makeGenesis, noteBatch, openLedger, proposalsOver } from "./ledger-fixture.ts";
import { StillClock } from "./support.ts";

/** D of the sample genesis */
const SKEW_MS = 2_000;

let genesis: SealedGenesis;
beforeAll(async () => {
  genesis = await makeGenesis();
});

/** A node at the genesis head whose clock stands at `nowMs`, and a proposal of another time, its batch pooled. */
async function proposed(times: { readonly blockMs: number; readonly nowMs: number }) {
  const chain = await openLedger(genesis);
  const clock = new StillClock();
  clock.advance(times.nowMs);
  const { proposals, pool } = proposalsOver(genesis, chain, clock);
  const batch = noteBatch(genesis, { id: "a", sequence: 1, validUntilMs: times.blockMs + 60_000 });
  pool.add(batch);
  // Built on another ledger of the same head: this node has never seen the block.
  const block = buildBlock(await openLedger(genesis), [batch], times.blockMs);
  return { chain, clock, proposals, block, proposal: block.proposal };
}

function withHeader(proposal: Proposal, changes: Partial<Header>): Proposal {
  const header = { ...proposal.header, ...changes };
  const headerBytes = encodeHeader(header);
  return { ...proposal, header, headerBytes, blockHash: blockHashOf(headerBytes) };
}

describe("time of a first proposal", () => {
  it("N82: one that was D old when it arrived is taken, one ms more is refused", async () => {
    const blockMs = genesis.timeMs + 10_000;
    for (const [ageMs, ok] of [
      [SKEW_MS, true],
      [SKEW_MS + 1, false],
    ] as const) {
      const { proposals, proposal } = await proposed({ blockMs, nowMs: blockMs + ageMs });
      const verdict = await proposals.check(proposal, { holders: [], arrivedMs: blockMs + ageMs });
      expect(verdict).toMatchObject(ok ? { ok: true } : { ok: false, code: "BLOCK_TOO_OLD" });
    }
  });

  it("N82: the clock at arrival decides, however late this node gets round to it", async () => {
    const blockMs = genesis.timeMs + 10_000;
    const { proposals, proposal } = await proposed({ blockMs, nowMs: blockMs + 600_000 });
    expect(await proposals.check(proposal, { holders: [], arrivedMs: blockMs + 5 })).toMatchObject({ ok: true });
  });

  it("N83: one from the future waits until its time is D ahead, and is taken then", async () => {
    const nowMs = genesis.timeMs + 10_000;
    const { proposals, proposal, clock } = await proposed({ blockMs: nowMs + SKEW_MS + 700, nowMs });
    let isAnswered = false;
    const verdict = proposals.check(proposal, { holders: [], arrivedMs: nowMs }).finally(() => {
      isAnswered = true;
    });
    clock.advance(699);
    await new Promise((resolve) => setImmediate(resolve));
    expect(isAnswered).toBe(false);
    clock.advance(1);
    expect(await verdict).toMatchObject({ ok: true });
  });

  it("N83: one whose time is D ahead does not wait", async () => {
    const nowMs = genesis.timeMs + 10_000;
    const { proposals, proposal } = await proposed({ blockMs: nowMs + SKEW_MS, nowMs });
    expect(await proposals.check(proposal, { holders: [], arrivedMs: nowMs })).toMatchObject({ ok: true });
  });

  it("N84: a block that a certificate names is held against no clock, however old or new", async () => {
    const nowMs = genesis.timeMs + 3_600_000;
    for (const blockMs of [genesis.timeMs + 1, nowMs + 3_600_000]) {
      const { proposals, proposal } = await proposed({ blockMs, nowMs });
      expect(await proposals.check(proposal, { holders: [], arrivedMs: undefined })).toMatchObject({ ok: true });
    }
  });

  it("N251: a block's time is told when its batches are on disk, not before", async () => {
    const chain = await openLedger(genesis);
    const clock = new StillClock();
    clock.advance(genesis.timeMs + 10_000);
    const { proposals, pool } = proposalsOver(genesis, chain, clock);
    pool.add(noteBatch(genesis, { id: "a", sequence: 1, validUntilMs: clock.nowMs() + 60_000 }));
    const save = chain.store.saveBatches.bind(chain.store);
    chain.store.saveBatches = async (batches, options) => {
      await save(batches, options);
      clock.advance(SKEW_MS + 1);
    };
    const own = await proposals.build({ height: 1, view: 0 });
    expect(own?.header.timeMs).toBe(clock.nowMs());
  });

  it("N85: no block is of the parent's time or before it", async () => {
    const blockMs = genesis.timeMs + 10_000;
    const { chain, proposals, proposal, block } = await proposed({ blockMs, nowMs: blockMs });
    const sameTime = withHeader(proposal, { timeMs: chain.head.timeMs });
    const verdict = await proposals.check(sameTime, { holders: [], arrivedMs: undefined });
    expect(verdict).toMatchObject({ ok: false, code: "BLOCK_TIME_NOT_LATER" });
    await commitBlock(chain, genesis, block);
    const clock = new StillClock();
    clock.advance(blockMs - 5_000);
    const slow = proposalsOver(genesis, chain, clock);
    slow.pool.add(noteBatch(genesis, { id: "b", sequence: 2, validUntilMs: blockMs + 60_000 }));
    const own = await slow.proposals.build({ height: 2, view: 0 });
    expect(own?.header.timeMs, "a clock behind the head's time").toBe(blockMs + 1);
  });
});

describe("content of a block", () => {
  it("N86: one without an executed transaction and without a due timer is refused", async () => {
    const blockMs = genesis.timeMs + 10_000;
    const { proposals, proposal } = await proposed({ blockMs, nowMs: blockMs });
    const nothing = { transactionsRoot: transactionsRootOf([]), transactionCount: 0 };
    const named = withHeader({ ...proposal, references: [] }, { ...nothing, batchesRoot: batchesRootOf([]) });
    const check = (block: Proposal) => proposals.check(block, { holders: [], arrivedMs: blockMs });
    expect(await check(named)).toMatchObject({ ok: false, code: "BLOCK_EMPTY" });
    // Not even batches help when none of their transactions can be executed at that time.
    const late = withHeader(proposal, { ...nothing, timeMs: blockMs + 60_001 });
    const verdict = await proposals.check(late, { holders: [], arrivedMs: undefined });
    expect(verdict).toMatchObject({ ok: false, code: "BLOCK_EMPTY" });
    expect(await check(proposal)).toMatchObject({ ok: true });
  });
});
