// What becomes of the bodies of committed blocks, and of proposals that nobody needs, whatever a member proposes or answers.

import { beforeAll, describe, expect, it } from "vitest";
import { LedgerError } from "../../../src/errors.ts";
import { decode, encode, type Value } from "../../../src/ledger/codec.ts";
import {
  blockHashOf,
  encodeHeader,
  encodeProposal,
  encodeResult,
  resultHashOf,
} from "../../../src/ledger/format-block.ts";
import { encodeCertificate } from "../../../src/ledger/format-vote.ts";
import type { SealedGenesis } from "../../../src/ledger/genesis.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import { LIMITS } from "../../../src/ledger/limits.ts";
import type { Batch, Result } from "../../../src/ledger/types.ts";
import type { Chain } from "../../../src/node/chain.ts";
import { verifyNative } from "../../../src/node/ed25519-native.ts";
import { answerSync, SYNC_BLOCK_BYTES_MAX, SYNC_BLOCKS_MAX, Sync } from "../../../src/node/sync.ts";
import { peerLimits } from "../../../src/p2p/limits.ts";
import {
  buildBlock,
  certificateOf,
  commitBlock,
  makeGenesis,
  noteBatch,
  openLedger,
  proposalsOver,
} from "./ledger-fixture.ts";
import { commitNotes } from "./snapshot-fixture.ts";
import { SILENT, StillClock } from "./support.ts";

let genesis: SealedGenesis;
beforeAll(async () => {
  genesis = await makeGenesis();
});

describe("bodies of blocks", () => {
  it("N71: naming a committed batch in a proposal that fails never deletes its body", async () => {
    const chain = await openLedger(genesis);
    const { proposals, pool } = proposalsOver(genesis, chain);
    const at = (step: number) => genesis.timeMs + step * 1_000;
    const old = noteBatch(genesis, { id: "old", sequence: 1, validUntilMs: at(60) });
    const fresh = noteBatch(genesis, { id: "fresh", sequence: 2, validUntilMs: at(60) });
    const orphan = noteBatch(genesis, { id: "orphan", sequence: 3, validUntilMs: at(2) });

    pool.add(old);
    const first = buildBlock(chain, [old], at(1));
    await proposals.makeDurable(first);
    await commitBlock(chain, genesis, first);
    await proposals.settle(pool.settle(proposals.view, first.proposal.references));

    // Replayed, named again together with something new, and given up for another block.
    for (const batch of [old, fresh, orphan]) pool.add(batch);
    await proposals.makeDurable(buildBlock(chain, [old, fresh, orphan], at(2)));
    const second = buildBlock(chain, [fresh], at(3));
    await proposals.makeDurable(second);
    await commitBlock(chain, genesis, second);
    await proposals.settle(pool.settle(proposals.view, second.proposal.references));

    expect(pool.size).toBe(0);
    expect(chain.store.loadBatch(old.digest)).toEqual(old.bytes);
    expect(chain.store.loadBatch(fresh.digest)).toEqual(fresh.bytes);
    expect(chain.store.loadBatch(orphan.digest), "no block names it").toBeUndefined();
  });

  it("N88: a body written before any block names it is on disk for its block, and is deleted when no block comes to name it", async () => {
    const chain = await openLedger(genesis);
    const { proposals, pool } = proposalsOver(genesis, chain);
    const at = (step: number) => genesis.timeMs + step * 1_000;
    const named = noteBatch(genesis, { id: "named", sequence: 1, validUntilMs: at(60) });
    const orphan = noteBatch(genesis, { id: "orphan", sequence: 2, validUntilMs: at(2) });
    for (const batch of [named, orphan]) pool.add(batch);
    // Both at once, and the block while they are being written.
    const early = Promise.all([proposals.saveBodies([named]), proposals.saveBodies([orphan])]);
    const block = buildBlock(chain, [named], at(3));
    await proposals.makeDurable(block);
    expect(chain.store.loadBatch(named.digest)).toEqual(named.bytes);
    await early;
    expect(chain.store.loadBatch(orphan.digest)).toEqual(orphan.bytes);
    await commitBlock(chain, genesis, block);
    await proposals.settle(pool.settle(proposals.view, block.proposal.references));
    expect(pool.size).toBe(0);
    expect(chain.store.loadBatch(named.digest)).toEqual(named.bytes);
    expect(chain.store.loadBatch(orphan.digest)).toBeUndefined();
  });

  it("N73: a proposal from the far future is let go as soon as its height is committed", async () => {
    const chain = await openLedger(genesis);
    const clock = new StillClock();
    const { proposals } = proposalsOver(genesis, chain, clock);
    const batch = noteBatch(genesis, { id: "a", sequence: 1, validUntilMs: genesis.timeMs + 60_000 });
    const block = buildBlock(chain, [batch], genesis.timeMs + 1_000);
    const header = { ...block.proposal.header, timeMs: Number.MAX_SAFE_INTEGER };
    const headerBytes = encodeHeader(header);
    const future = { ...block.proposal, header, headerBytes, blockHash: blockHashOf(headerBytes) };
    const verdict = proposals.check(future, { holders: [], arrivedMs: genesis.timeMs });
    await commitBlock(chain, genesis, block);
    clock.advance(1_000);
    expect(await verdict).toMatchObject({ ok: false, code: "NO_LONGER_NEEDED" });
  });

  it("N259: while a block is being written no rival of it is executed, and catch-up waits for it", async () => {
    const [chain, ahead] = [await openLedger(genesis), await openLedger(genesis)];
    const [block, rival, next] = ["block", "rival", "next"].map((id, index) =>
      noteBatch(genesis, { id, sequence: index + 1, validUntilMs: genesis.timeMs + 60_000 }),
    ) as [Batch, Batch, Batch];
    for (const [index, batch] of [block, next].entries()) {
      await ahead.store.saveBatches([batch], { sync: true });
      await commitBlock(ahead, genesis, buildBlock(ahead, [batch], genesis.timeMs + (index + 1) * 1_000));
    }
    const other = buildBlock(chain, [rival], genesis.timeMs + 1_000);
    const commits: number[] = [];
    const sync = new Sync({
      chain,
      chainId: genesis.chainId,
      verify: verifyNative,
      log: SILENT,
      peers: () => ["peer"],
      request: async (_, payload) => {
        const answer = answerSync(ahead, payload);
        // The core's own commit of the first block, which lasts beyond the answer.
        void commitBlock(chain, genesis, buildBlock(chain, [block], genesis.timeMs + 1_000));
        expect(() => chain.execute(other)).toThrow("N259");
        return answer;
      },
      commit: async (staged, certificate) => {
        commits.push(staged.block.proposal.header.height);
        await chain.commit(staged, certificate, undefined);
      },
      fetchState: async () => false,
      onBadAnswer: (_, code) => commits.push(code.length),
    });
    await sync.catchUp(2, "peer");
    expect(commits).toEqual([2]);
    expect(chain.head.height).toBe(2);
  });

  it("N72: catch-up refuses a certified block whose batch carries a signature that is not its origin's", async () => {
    const [ahead, behind] = [await openLedger(genesis), await openLedger(genesis)];
    const batch = noteBatch(genesis, { id: "a", sequence: 1, validUntilMs: genesis.timeMs + 60_000 });
    const block = buildBlock(ahead, [batch], genesis.timeMs + 1_000);
    await ahead.store.saveBatches(block.batches, { sync: true });
    await commitBlock(ahead, genesis, block);
    const refused: string[] = [];
    const sync = new Sync({
      chain: behind,
      chainId: genesis.chainId,
      verify: verifyNative,
      log: SILENT,
      peers: () => ["liar", "honest"],
      request: async (from, payload) => {
        const answer = answerSync(ahead, payload);
        return from === "liar" ? withDamagedSignatures(answer) : answer;
      },
      commit: async (staged, certificate) => {
        await behind.store.saveBatches(staged.block.batches, { sync: true });
        await behind.commit(staged, certificate, undefined);
      },
      fetchState: async () => false,
      onBadAnswer: (from, code) => refused.push(`${from} ${code}`),
    });
    await sync.catchUp(1, "liar");
    expect(refused).toEqual(["liar BATCH_SIGNATURE"]);
    expect(toHex(behind.head.blockHash)).toBe(toHex(ahead.head.blockHash));
    expect(behind.store.loadBatch(batch.digest)).toEqual(batch.bytes);
  });
});

describe("catch-up", () => {
  it("N96: the largest block that governance may allow fits into one answer of a peer", () => {
    const { answerBytesMax } = peerLimits({ answerBytesMax: SYNC_BLOCK_BYTES_MAX });
    const { blockBytesMax, proposalBytesMax, certificateBytesMax, resultBytesMax } = LIMITS;
    expect(answerBytesMax).toBeGreaterThan(blockBytesMax + proposalBytesMax + certificateBytesMax + resultBytesMax);
  });

  it("N78: a peer that says nothing holds it up for a moment, and a slow one is asked again with more time", async () => {
    const [ahead, behind] = [await openLedger(genesis), await openLedger(genesis)];
    const batch = noteBatch(genesis, { id: "a", sequence: 1, validUntilMs: genesis.timeMs + 60_000 });
    const block = buildBlock(ahead, [batch], genesis.timeMs + 1_000);
    await ahead.store.saveBatches(block.batches, { sync: true });
    await commitBlock(ahead, genesis, block);
    const asked: string[] = [];
    const sync = new Sync({
      chain: behind,
      chainId: genesis.chainId,
      verify: verifyNative,
      log: SILENT,
      peers: () => ["silent", "slow"],
      request: async (from, payload, timeoutMs) => {
        asked.push(`${from} ${timeoutMs}`);
        if (from === "silent" || timeoutMs < 3_000) throw new LedgerError("PEER_TIMEOUT");
        return answerSync(ahead, payload);
      },
      commit: (staged, certificate) => behind.commit(staged, certificate, undefined).then(() => undefined),
      fetchState: async () => false,
      onBadAnswer: () => undefined,
    });
    await sync.catchUp(1, "silent");
    expect(asked).toEqual(["silent 1000", "slow 1000", "silent 5000", "slow 5000"]);
    expect(behind.head.height).toBe(1);
  });
});

describe("catch-up beside a slow or silent liar", () => {
  /** A ledger of that many blocks, one without, and a catch-up of the second that asks these peers in this order. */
  async function catchingUp(
    blocks: number,
    peers: readonly string[],
    answer: (from: string, payload: Uint8Array, behind: Chain) => Uint8Array | Promise<Uint8Array>,
  ) {
    const [ahead, behind] = [await openLedger(genesis), await openLedger(genesis)];
    await commitNotes(ahead, genesis, blocks);
    const asked: string[] = [];
    const sync = new Sync({
      chain: behind,
      chainId: genesis.chainId,
      verify: verifyNative,
      log: SILENT,
      peers: () => peers,
      request: async (from, payload, timeoutMs) => {
        asked.push(`${from} ${timeoutMs}`);
        return from === "honest" ? answerSync(ahead, payload) : answer(from, answerSync(ahead, payload), behind);
      },
      commit: (staged, certificate) => behind.commit(staged, certificate, undefined).then(() => undefined),
      fetchState: async () => false,
      onBadAnswer: (from, code) => asked.push(`${from} ${code}`),
    });
    return { ahead, behind, asked, sync };
  }

  it("N252: who hands out block by block, each in time, is followed by the next peer", async () => {
    const { behind, asked, sync } = await catchingUp(6, ["slow", "honest"], (_, answer) => {
      const blocks = decode(answer);
      if (!blocks.ok) throw new Error(blocks.code);
      return encode((blocks.value as readonly Value[]).slice(0, 1));
    });
    await sync.catchUp(6, "slow");
    expect(asked).toEqual(["slow 1000", "honest 1000"]);
    expect(behind.head.height).toBe(6);
  });

  it("N252: who is silent is not asked again because the head moves without it", async () => {
    const { ahead, behind, asked, sync } = await catchingUp(6, ["silent", "honest"], async (_, answer, chain) => {
      const own = new Sync({
        chain,
        chainId: genesis.chainId,
        verify: verifyNative,
        log: SILENT,
        peers: () => ["core"],
        request: async () => {
          const blocks = decode(answer);
          if (!blocks.ok) throw new Error(blocks.code);
          return encode((blocks.value as readonly Value[]).slice(0, 1));
        },
        commit: (staged, certificate) => chain.commit(staged, certificate, undefined).then(() => undefined),
        fetchState: async () => false,
        onBadAnswer: () => undefined,
      });
      await own.catchUp(chain.head.height + 1, "core");
      throw new LedgerError("PEER_TIMEOUT");
    });
    // A height that nobody has, as a liar may name it.
    await sync.catchUp(1_000, "silent");
    expect(asked).toEqual(["silent 1000", "honest 1000"]);
    expect(behind.head.height).toBe(ahead.head.height);
  });

  it("N252: a liar that hands out a block in time does not take the longer time from more slow peers than can be liars", async () => {
    const { behind, asked, sync } = await catchingUp(6, ["liar", "slow-1", "slow-2"], (from, answer) => {
      const isLate = from !== "liar" && asked.filter((line) => line.startsWith(from)).length === 1;
      if (isLate) throw new LedgerError("PEER_TIMEOUT");
      const blocks = decode(answer);
      if (!blocks.ok) throw new Error(blocks.code);
      return from === "liar" ? encode((blocks.value as readonly Value[]).slice(0, 1)) : answer;
    });
    await sync.catchUp(6, "liar");
    expect(asked).toEqual(["liar 1000", "slow-1 1000", "slow-2 1000", "slow-1 5000"]);
    expect(behind.head.height).toBe(6);
  });

  it("N252: who fills its answers is asked on, and blocks that are known already fill none", async () => {
    const known: Uint8Array[] = [];
    const { behind, asked, sync } = await catchingUp(SYNC_BLOCKS_MAX + 3, ["again", "honest"], (_, answer) => {
      known.push(answer);
      return known[0] ?? answer;
    });
    await sync.catchUp(SYNC_BLOCKS_MAX + 3, "again");
    expect(asked).toEqual(["again 1000", "again 1000", "honest 1000"]);
    expect(behind.head.height).toBe(SYNC_BLOCKS_MAX + 3);
  });
});

describe("a certified result that differs from the own one", () => {
  async function certifiedWith(change: Partial<Result>) {
    const [ahead, behind] = [await openLedger(genesis), await openLedger(genesis)];
    const batch = noteBatch(genesis, { id: "a", sequence: 1, validUntilMs: genesis.timeMs + 60_000 });
    const block = buildBlock(ahead, [batch], genesis.timeMs + 1_000);
    const staged = ahead.execute(block);
    const resultBytes = encodeResult({ ...staged.result, ...change });
    const certificate = certificateOf(genesis, block.proposal, resultHashOf(resultBytes));
    const { headerBytes, references } = block.proposal;
    const proposalBytes = encodeProposal({ headerBytes, references });
    const answer = encode([[proposalBytes, resultBytes, encodeCertificate(certificate), [batch.bytes]]]);
    const sync = new Sync({
      chain: behind,
      chainId: genesis.chainId,
      verify: verifyNative,
      log: SILENT,
      peers: () => ["peer"],
      request: async () => answer,
      commit: (synced, decided) => behind.commit(synced, decided, undefined).then(() => undefined),
      fetchState: async () => false,
      onBadAnswer: () => undefined,
    });
    return { behind, caughtUp: sync.catchUp(1, "peer") };
  }

  it("N6: stops catch-up, names the first difference and commits nothing", async () => {
    for (const name of ["stateRoot", "receiptsRoot", "nextValidatorsHash", "nextParametersHash"] as const) {
      const { behind, caughtUp } = await certifiedWith({ [name]: new Uint8Array(32).fill(7) });
      await expect(caughtUp).rejects.toMatchObject({
        code: "RESULT_DIVERGED",
        data: { height: 1, firstDifference: name },
      });
      expect(behind.head.height).toBe(0);
    }
    const { behind, caughtUp } = await certifiedWith({});
    await caughtUp;
    expect(behind.head.height, "the same block with its true result").toBe(1);
  });
});

/** The last byte of every body is one of its origin's signature. */
function withDamagedSignatures(answer: Uint8Array): Uint8Array {
  const decoded = decode(answer);
  if (!decoded.ok) throw new Error(decoded.code);
  const blocks = decoded.value as readonly (readonly [Value, Value, Value, readonly Uint8Array[]])[];
  for (const [, , , bodies] of blocks) for (const body of bodies) body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
  return encode(blocks);
}
