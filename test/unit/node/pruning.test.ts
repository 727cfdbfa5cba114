// Bodies of old blocks are deleted; what is voted on, named again or acknowledged stays, whatever happens at the same time.

import { beforeAll, describe, expect, it } from "vitest";
import { emptyVoteRecord, type VoteRecord } from "../../../src/consensus/vote-record.ts";
import { decode, encode } from "../../../src/ledger/codec.ts";
import { encodeProposal } from "../../../src/ledger/format-block.ts";
import type { SealedGenesis } from "../../../src/ledger/genesis.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import type { Batch } from "../../../src/ledger/types.ts";
import type { Chain, CheckedBlock } from "../../../src/node/chain.ts";
import { verifyNative } from "../../../src/node/ed25519-native.ts";
import { Pruner } from "../../../src/node/pruner.ts";
import { answerSync, decidedFrame, Sync } from "../../../src/node/sync.ts";
import type { WriteOperation } from "../../../src/ports.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { PRUNE_STEP_BLOCKS_MAX } from "../../../src/store/pruning.ts";
import { MemoryFolder } from "../../../src/store/snapshot-folder.ts";
import { Snapshots } from "../../../src/store/snapshots.ts";
import {
  buildBlock,
  commitBlock,
  makeGenesis,
  noteBatch,
  openLedger,
  proposalsOver,
  VALIDATORS,
} from "./ledger-fixture.ts";
import { commitNotes, makerOver } from "./snapshot-fixture.ts";
import { SILENT, StillClock } from "./support.ts";

let genesis: SealedGenesis;
beforeAll(async () => {
  genesis = await makeGenesis();
});

const EVERYTHING = { beforeHeight: Number.MAX_SAFE_INTEGER, beforeMs: Number.MAX_SAFE_INTEGER };

async function ticks(count: number): Promise<void> {
  for (let tick = 0; tick < count; tick += 1) await undefined;
}

/** A disk that shows what it writes before or after it says so, as LevelDB does. */
class SlowStore extends MemoryStore {
  ticksBefore = 0;
  ticksAfter = 0;

  override async write(operations: Iterable<WriteOperation>, options: { readonly sync: boolean }): Promise<void> {
    await ticks(this.ticksBefore);
    await super.write(operations, options);
    await ticks(this.ticksAfter);
  }
}

/** The batch of a note, its place in time by its number. */
function batchAt(second: number, id = `n${second}`): Batch {
  return noteBatch(genesis, { sequence: second, id, validUntilMs: genesis.timeMs + second * 1_000 + 60_000 });
}

async function commitWith(chain: Chain, batches: readonly Batch[], second: number): Promise<CheckedBlock> {
  await chain.store.saveBatches(batches, { sync: true });
  const block = buildBlock(chain, batches, genesis.timeMs + second * 1_000);
  await commitBlock(chain, genesis, block);
  return block;
}

function isHere(chain: Chain, batch: Batch): boolean {
  return chain.store.loadBatch(batch.digest) !== undefined;
}

describe("what is deleted", () => {
  it("D120: a batch that a newer block names, too, keeps its body until that block is old", async () => {
    const chain = await openLedger(genesis);
    const { proposals } = proposalsOver(genesis, chain);
    const [old, again] = [batchAt(1), batchAt(2)];
    await commitWith(chain, [old], 1);
    await commitWith(chain, [again], 2);
    // Its transaction is committed and is not executed again; the block names it all the same.
    await commitWith(chain, [batchAt(3), again], 3);
    expect(await proposals.prune({ ...EVERYTHING, beforeHeight: 3 })).toBe(2);
    expect([isHere(chain, old), isHere(chain, again)]).toEqual([false, true]);
    expect(chain.store.firstBodyHeight).toBe(3);
    expect(decode(answerSync(chain, encode([3])))).toMatchObject({
      ok: true,
      value: [[{}, {}, {}, [{}, again.bytes]]],
    });
    await proposals.prune(EVERYTHING);
    expect(isHere(chain, again)).toBe(false);
  });

  it("D121: receipts, headers, certificates, history and state stay, also over a restart", async () => {
    const disk = new MemoryStore();
    const chain = await openLedger(genesis, disk);
    await commitNotes(chain, genesis, 9);
    const { proposals } = proposalsOver(genesis, chain);
    const blocks = [1, 4, 8].map((height) => chain.store.loadBlock(height));
    const receipts = [1, 4, 8].map((height) => chain.store.loadReceipts(height));
    await proposals.prune({ ...EVERYTHING, beforeHeight: 9 });
    const again = await openLedger(genesis, disk);
    expect([1, 4, 8].map((height) => again.store.loadBlock(height))).toEqual(blocks);
    expect([1, 4, 8].map((height) => again.store.loadReceipts(height))).toEqual(receipts);
    const [txId] = again.store.loadBlock(4)?.transactionIds ?? [];
    expect(again.store.findReceipt(txId ?? genesis.chainId)?.height).toBe(4);
    expect(again.store.firstBodyHeight).toBe(9);
    expect(toHex(again.tree.root())).toBe(toHex(chain.tree.root()));
    expect(toHex(again.store.history.root())).toBe(toHex(chain.store.history.root()));
    expect(again.replay.has(batchAt(2).transactions[0]?.id ?? genesis.chainId)).toBe(true);
    const whole = await openLedger(genesis);
    await commitNotes(whole, genesis, 11);
    await commitNotes(again, genesis, 11);
    expect(toHex(again.head.resultHash)).toBe(toHex(whole.head.resultHash));
  });

  it("D122: one step takes so many blocks and no more, and the next goes on where it ended", async () => {
    const chain = await openLedger(genesis);
    await commitNotes(chain, genesis, PRUNE_STEP_BLOCKS_MAX + 3);
    const { proposals } = proposalsOver(genesis, chain);
    const limits = { ...EVERYTHING, beforeHeight: chain.head.height };
    expect(await proposals.prune(limits)).toBe(PRUNE_STEP_BLOCKS_MAX);
    expect(await proposals.prune(limits)).toBe(2);
    expect(await proposals.prune(limits)).toBe(0);
    expect(chain.store.firstBodyHeight).toBe(PRUNE_STEP_BLOCKS_MAX + 3);
  });
});

describe("what a vote needs", () => {
  it("N200: a body that a proposal names while it is being deleted is on disk when the proposal may be voted on", async () => {
    const cases: readonly (readonly [number, number, number])[] = [0, 1, 2].flatMap((before) =>
      [0, 1, 2].flatMap((after) =>
        [-6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6].map((lead) => [before, after, lead] as const),
      ),
    );
    const disk = new SlowStore();
    const chain = await openLedger(genesis, disk);
    await commitNotes(chain, genesis, cases.length);
    const second = cases.length + 1;
    let deletions = 0;
    for (const [index, [ticksBefore, ticksAfter, lead]] of cases.entries()) {
      const { proposals } = proposalsOver(genesis, chain);
      const old = batchAt(index + 1);
      const block = buildBlock(chain, [batchAt(second), old], genesis.timeMs + second * 1_000);
      Object.assign(disk, { ticksBefore, ticksAfter });
      // Somebody else's write is under way, and ends in the middle.
      const other = proposals.saveBodies([batchAt(second + 1, `other-${index}`)]);
      const pruned = ticks(-lead).then(() => proposals.prune({ ...EVERYTHING, beforeHeight: index + 2 }));
      await ticks(lead);
      await proposals.makeDurable(block);
      expect(isHere(chain, old), `${ticksBefore} ${ticksAfter} ${lead}`).toBe(true);
      await Promise.all([other, pruned]);
      expect(isHere(chain, old), `${ticksBefore} ${ticksAfter} ${lead}, at the end`).toBe(true);
      if ((await pruned) > 0) deletions += 1;
    }
    expect(deletions, "both orders happened").toBeGreaterThan(0);
    expect(deletions).toBeLessThan(cases.length);
  });

  it("N204: a body that is deleted because its batch left the pool is written again for the block that names it just then", async () => {
    for (let ticksBefore = 0; ticksBefore < 6; ticksBefore += 1) {
      const disk = new SlowStore();
      const chain = await openLedger(genesis, disk);
      const { proposals, pool } = proposalsOver(genesis, chain);
      const batch = batchAt(1);
      pool.add(batch);
      await proposals.saveBodies([batch]);
      disk.ticksBefore = ticksBefore;
      const other = proposals.saveBodies([batchAt(2)]);
      const saved = proposals.saveBodies([batch]);
      const orphans = pool.retainOrigins([]);
      const settled = proposals.settle(orphans);
      await saved;
      expect(isHere(chain, batch), `${ticksBefore}`).toBe(true);
      await Promise.all([other, settled]);
      expect(isHere(chain, batch), `${ticksBefore}, at the end`).toBe(true);
    }
  });

  it("N201: what a proposal of the height in flight names is not deleted, and is when the height is decided without it", async () => {
    const chain = await openLedger(genesis);
    const { proposals, pool } = proposalsOver(genesis, chain);
    const old = batchAt(1);
    await commitWith(chain, [old], 1);
    await proposals.makeDurable(buildBlock(chain, [batchAt(2), old], genesis.timeMs + 2_000));
    expect(await proposals.prune(EVERYTHING)).toBe(0);
    expect(isHere(chain, old)).toBe(true);
    const decided = await commitWith(chain, [batchAt(3)], 3);
    await proposals.settle(pool.settle(proposals.view, decided.proposal.references));
    await proposals.prune(EVERYTHING);
    expect(isHere(chain, old)).toBe(false);
  });

  it("N201: after a restart the vote record says what is still needed", async () => {
    const chain = await openLedger(genesis);
    const old = batchAt(1);
    await commitWith(chain, [old], 1);
    const { proposal } = buildBlock(chain, [batchAt(2), old], genesis.timeMs + 2_000);
    const empty = emptyVoteRecord({
      chainId: genesis.chainId,
      publicKey: VALIDATORS[1]?.publicKey ?? new Uint8Array(),
    });
    const voted = { blockHash: proposal.blockHash, bytes: encodeProposal(proposal) };
    let record: VoteRecord = { ...empty, height: 2, proposals: [voted] };
    const { proposals } = proposalsOver(genesis, chain, new StillClock(), () => record);
    expect(await proposals.prune(EVERYTHING)).toBe(0);
    record = { ...record, height: 1 };
    expect(await proposals.prune(EVERYTHING)).toBe(1);
  });

  it("N201: a body that is deleted although its batch waits in the pool is written again for the block that names it", async () => {
    const chain = await openLedger(genesis);
    const { proposals, pool } = proposalsOver(genesis, chain);
    const old = batchAt(1);
    pool.add(old);
    await proposals.saveBodies([old]);
    const block = buildBlock(chain, [old], genesis.timeMs + 1_000);
    await proposals.makeDurable(block);
    await commitBlock(chain, genesis, block);
    // The pool keeps a batch as long as something in it could still be executed; here nothing told it otherwise.
    await proposals.settle([]);
    await proposals.prune(EVERYTHING);
    expect(isHere(chain, old)).toBe(false);
    await proposals.makeDurable(buildBlock(chain, [batchAt(2), old], genesis.timeMs + 2_000));
    expect(isHere(chain, old)).toBe(true);
  });
});

describe("how far", () => {
  function prunerOver(chain: Chain, snapshots: Snapshots, keepBodiesMs: number): Pruner {
    const { proposals } = proposalsOver(genesis, chain);
    const clock = { ...instantly, nowMs: () => genesis.timeMs };
    return new Pruner({
      chain,
      snapshots,
      keepBodiesMs,
      clock,
      log: SILENT,
      prune: (limits) => proposals.prune(limits),
    });
  }
  const instantly = {
    monotonicMs: () => 0,
    setTimer: (_: number, run: () => void) => {
      const timer = setImmediate(run);
      return () => clearImmediate(timer);
    },
  };

  it("N202: never past the oldest snapshot on offer, and not at all without one", async () => {
    const chain = await openLedger(genesis);
    const snapshots = await Snapshots.open(new MemoryFolder());
    await commitNotes(chain, genesis, 12);
    await prunerOver(chain, snapshots, 0).noteCommitted();
    expect(chain.store.firstBodyHeight).toBe(1);
    await makerOver(chain, genesis, { snapshots, everyHeights: 12 }).noteCommitted();
    await commitNotes(chain, genesis, 18);
    await makerOver(chain, genesis, { snapshots, everyHeights: 18 }).noteCommitted();
    await commitNotes(chain, genesis, 20);
    await prunerOver(chain, snapshots, 0).noteCommitted();
    expect(snapshots.heights).toEqual([12, 18]);
    expect(chain.store.firstBodyHeight).toBe(13);
  });

  it("N202: blocks younger than the time to keep stay", async () => {
    const chain = await openLedger(genesis);
    const snapshots = await Snapshots.open(new MemoryFolder());
    await commitNotes(chain, genesis, 20);
    await makerOver(chain, genesis, { snapshots, everyHeights: 20 }).noteCommitted();
    // One block a second: head at 20, so those of second 15 and later are kept.
    await prunerOver(chain, snapshots, 5_000).noteCommitted();
    expect(chain.store.firstBodyHeight).toBe(15);
  });

  it("N203: a peer that asks for a pruned block hears the first that is here, and goes to another or to a snapshot", async () => {
    const keeper = await openLedger(genesis);
    await commitNotes(keeper, genesis, 6);
    const pruned = await openLedger(genesis);
    await commitNotes(pruned, genesis, 6);
    await proposalsOver(genesis, pruned).proposals.prune({ ...EVERYTHING, beforeHeight: 5 });
    expect(decode(answerSync(pruned, encode([3])))).toEqual({ ok: true, value: [5] });
    expect(decidedFrame(pruned, 4)).toBeUndefined();
    expect(decidedFrame(pruned, 5)).toBeDefined();

    const reasons: unknown[] = [];
    const blamed: string[] = [];
    const syncOf = (behind: Chain, peers: Readonly<Record<string, Chain>>) =>
      new Sync({
        chain: behind,
        chainId: genesis.chainId,
        verify: verifyNative,
        log: SILENT,
        peers: () => Object.keys(peers),
        request: async (peer, payload) => answerSync(peers[peer] ?? keeper, payload),
        commit: (staged, certificate) => behind.commit(staged, certificate, undefined).then(() => undefined),
        fetchState: (reason) => Promise.resolve(reasons.push(reason) < 0),
        onBadAnswer: (peer, code) => blamed.push(`${peer} ${code}`),
      });
    const behind = await openLedger(genesis);
    await syncOf(behind, { pruned }).catchUp(6, "pruned");
    expect(behind.head.height).toBe(0);
    expect(reasons).toEqual([{ headHeight: 6 }, "blocksGone"]);
    await syncOf(behind, { pruned, keeper }).catchUp(6, "pruned");
    expect(behind.head.height).toBe(6);
    expect(blamed).toEqual([]);
  });
});
