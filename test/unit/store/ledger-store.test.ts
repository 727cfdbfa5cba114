import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { encode } from "../../../src/ledger/codec.ts";
import { decodeHeader } from "../../../src/ledger/format-block.ts";
import { validatorsHashOf } from "../../../src/ledger/format-cluster.ts";
import { valueHashOf } from "../../../src/ledger/format-receipt.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import { historyLeaf, historyProof, verifyHistoryProof } from "../../../src/ledger/history.ts";
import { verifyStateTreeProof } from "../../../src/ledger/state-proof.ts";
import type { KeyValueStore } from "../../../src/ports.ts";
import {
  blockKey,
  HEAD_KEY,
  historyKey,
  idsKey,
  rangeOf,
  receiptsKey,
  SCHEMA_KEY,
  stateKey,
  trailKey,
} from "../../../src/store/keys.ts";
import { LedgerStore } from "../../../src/store/ledger-store.ts";
import { openLevelStore } from "../../../src/store/level-store.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { marksWith, type RecordMark, recordSequenceOf, type StoredHead } from "../../../src/store/rows.ts";
import {
  bodyAt,
  commitUpTo,
  commitWithBatches,
  GENESIS_WRITES,
  makeCommit,
  makeGenesis,
  openChain,
  planOf,
  RECORD_KEY,
  stateKeyOf,
  transactionIdAt,
  validatorsOf,
} from "./chain-fixture.ts";

const GENESIS = makeGenesis();

describe.each(["LevelDB", "memory"])("ledger store on %s", (kind) => {
  let directory: string;
  let store: KeyValueStore;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "linli-ledger-"));
    store = kind === "memory" ? new MemoryStore() : await openLevelStore(join(directory, "ledger"));
  });

  afterEach(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });

  /** What a new process finds. */
  async function reopen(): Promise<KeyValueStore> {
    if (store instanceof MemoryStore) store = store.losePower();
    else {
      await store.close();
      store = await openLevelStore(join(directory, "ledger"));
    }
    return store;
  }

  function modelAt(height: number): Map<string, { readonly value: Uint8Array; readonly lastHeight: number }> {
    const rows = new Map<string, { readonly value: Uint8Array; readonly lastHeight: number }>();
    for (let at = 0; at <= height; at += 1) {
      for (const { key, value } of at === 0 ? GENESIS_WRITES : planOf(at).writes) {
        if (value === undefined) rows.delete(toHex(key));
        else rows.set(toHex(key), { value, lastHeight: at });
      }
    }
    return rows;
  }

  function expectState(ledger: LedgerStore, height: number): void {
    const model = modelAt(height);
    for (let name = 0; name < 210; name += 1) {
      expect(ledger.stateReader().get(stateKeyOf(name))).toEqual(model.get(toHex(stateKeyOf(name))));
    }
  }

  it("D50: the genesis is height 0: chain id as block hash, its rows as the state", async () => {
    const { ledger, tree } = await openChain(store, GENESIS);
    const again = await openChain(await reopen(), GENESIS);
    for (const { head } of [ledger, again.ledger]) {
      expect(head).toMatchObject({ height: 0, timeMs: GENESIS.timeMs, transactionsTotal: 0, records: [] });
      expect(toHex(head.blockHash)).toBe(toHex(GENESIS.chainId));
      expect(toHex(head.proposer)).toBe(toHex(validatorsOf(1)[0]?.publicKey ?? GENESIS.chainId));
    }
    expect(again.ledger.head).toEqual(ledger.head);
    expect(toHex(again.tree.root())).toBe(toHex(tree.root()));
    expect(again.ledger.history.count).toBe(1);
    expect(again.ledger.loadBlock(0)?.transactionIds).toEqual([]);
    expect(again.ledger.loadReceipts(0)).toEqual([]);
  });

  it("D51: after any number of commits a restart finds the same head, state, history and tree", async () => {
    const { ledger, tree } = await openChain(store, GENESIS);
    for (const height of [0, 1, 2, 20, 40]) {
      await commitUpTo(ledger, tree, height);
      expectState(ledger, height); // what was read before the commit is read anew after it
    }
    const again = await openChain(await reopen(), GENESIS);
    expect(again.ledger.head).toEqual(ledger.head);
    expect(again.ledger.head).toMatchObject({
      height: 40,
      headerView: 0,
      certificateView: 0,
      records: [{ sequence: 80 }],
    });
    expect(toHex(again.ledger.history.root())).toBe(toHex(ledger.history.root()));
    expect(toHex(again.tree.root())).toBe(toHex(tree.root()));
    expectState(again.ledger, 40);
    await commitUpTo(again.ledger, again.tree, 45);
  });

  it("D52: a row, its proof and the certified state root agree", async () => {
    const { ledger, tree } = await openChain(store, GENESIS);
    await commitUpTo(ledger, tree, 25);
    for (const name of [0, 1, 5, 60, 300]) {
      const key = stateKeyOf(name);
      const entry = ledger.stateReader().get(key);
      const leaf =
        entry === undefined
          ? undefined
          : { valueHash: Uint8Array.from(valueHashOf(entry.value)), lastHeight: entry.lastHeight };
      const verdict = verifyStateTreeProof({ root: ledger.head.stateRoot, key, proof: tree.prove(key) });
      expect(verdict).toEqual({ ok: true, value: { leaf } });
    }
  });

  it("D53: blocks, receipts and ids are found by height and by transaction", async () => {
    const { ledger, tree } = await openChain(store, GENESIS);
    await commitUpTo(ledger, tree, 30);
    let opened = ledger;
    for (let start = 0; start < 2; start += 1) {
      for (let height = 1; height <= 30; height += 1) {
        const block = opened.loadBlock(height);
        const header = decodeHeader(block?.headerBytes ?? GENESIS.bytes);
        expect(header.ok && header.value.height).toBe(height);
        const ids = [...Array(planOf(height).transactions).keys()].map((index) => transactionIdAt(height, index));
        expect(block?.transactionIds.map(toHex)).toEqual(ids.map(toHex));
        for (const [index, id] of ids.entries()) {
          const receiptBytes = opened.loadReceipts(height)[index];
          expect(opened.findReceipt(id)).toEqual({ height, index, receiptBytes });
        }
        expect(opened.loadReceipts(height).length).toBe(ids.length);
      }
      expect(opened.loadBlock(31)).toBeUndefined();
      expect(opened.findReceipt(transactionIdAt(31, 0))).toBeUndefined();
      expect(opened.head.transactionsTotal).toBe(45);
      opened = (await openChain(await reopen(), GENESIS)).ledger;
    }
  });

  it("D54: the history kept for proofs proves every height under the newest header", async () => {
    const { ledger, tree } = await openChain(store, GENESIS);
    await commitUpTo(ledger, tree, 21);
    const newest = decodeHeader(ledger.head.headerBytes);
    if (!newest.ok) throw new Error(newest.code);
    const roots = [...Array(21).keys()].map((height) => {
      const next = height === 20 ? newest : decodeHeader(ledger.loadBlock(height + 1)?.headerBytes ?? GENESIS.bytes);
      if (!next.ok) throw new Error(next.code);
      const leaf = historyLeaf({ height, blockHash: next.value.parentHash, resultHash: next.value.parentResult });
      const proof = historyProof({ count: 21, height, node: (position) => ledger.historyNode(position) });
      return verifyHistoryProof({ root: newest.value.historyRoot, leaf, proof });
    });
    expect(roots).toEqual(Array(21).fill(true));
  });

  it("D55: the replay window is every block from a time on, oldest first", async () => {
    const { ledger, tree } = await openChain(store, GENESIS);
    expect(await ledger.replayIds({ sinceMs: 0 })).toEqual([]);
    await commitUpTo(ledger, tree, 30);
    for (const since of [0, 1, 17, 30, 31]) {
      const blocks = await ledger.replayIds({ sinceMs: GENESIS.timeMs + since * 10_000 });
      const heights = [...Array(31).keys()].slice(Math.max(1, since));
      expect(blocks.map(({ timeMs }) => (timeMs - GENESIS.timeMs) / 10_000)).toEqual(heights);
      expect(blocks.map(({ ids }) => ids.length)).toEqual(heights.map((height) => planOf(height).transactions));
    }
  });

  it("D56: a view reads one version, whatever is committed meanwhile", async () => {
    const { ledger, tree } = await openChain(store, GENESIS);
    await commitUpTo(ledger, tree, 5);
    const view = ledger.readView();
    const model = modelAt(5);
    await commitUpTo(ledger, tree, 12);
    expect(view.height).toBe(5);
    const prefix = new TextEncoder().encode("registry\0unit\0");
    const rows = await view.scan({ prefix, after: undefined, limit: 1_000 });
    expect(rows.map(({ key }) => toHex(key))).toEqual([...model.keys()].sort());
    for (const { key, entry } of rows) {
      expect(entry).toEqual(model.get(toHex(key)));
      expect(view.get(key)).toEqual(entry);
    }
    const page = await view.scan({ prefix, after: rows[2]?.key, limit: 2 });
    expect(page).toEqual(rows.slice(3, 5));
    expect(
      await view.scan({ prefix: new TextEncoder().encode("registry\0unix"), after: undefined, limit: 10 }),
    ).toEqual([]);
    await view.release();
  });

  it("D57: batches are kept by digest until they are deleted", async () => {
    const { ledger } = await openChain(store, GENESIS);
    const batches = [1, 2].map((seed) => ({
      digest: new Uint8Array(32).fill(seed),
      bytes: new Uint8Array(100).fill(seed),
    }));
    await ledger.saveBatches(batches, { sync: true });
    const again = (await openChain(await reopen(), GENESIS)).ledger;
    for (const { digest, bytes } of batches) expect(again.loadBatch(digest)).toEqual(bytes);
    await again.deleteBatches([batches[0]?.digest ?? GENESIS.chainId]);
    expect(again.loadBatch(batches[0]?.digest ?? GENESIS.chainId)).toBeUndefined();
    expect(again.loadBatch(batches[1]?.digest ?? GENESIS.chainId)).toEqual(batches[1]?.bytes);
  });

  it("D62: evidence survives restarts, each piece once", async () => {
    const { ledger } = await openChain(store, GENESIS);
    for (const seed of [1, 2, 1]) await ledger.saveEvidence(new Uint8Array(200).fill(seed));
    const again = (await openChain(await reopen(), GENESIS)).ledger;
    expect((await again.loadEvidence()).map(([seed]) => seed).sort()).toEqual([1, 2]);
  });

  it("D58: every change of the validators is kept with the block that made it", async () => {
    const { ledger, tree } = await openChain(store, GENESIS);
    await commitUpTo(ledger, tree, 3);
    expect(await ledger.loadTransitions()).toEqual([]);
    for (const count of [5, 6]) {
      const { commit, staged } = makeCommit(ledger, tree, {
        ...planOf(ledger.head.height + 1),
        validators: validatorsOf(count),
      });
      await ledger.commitBlock(commit);
      tree.commit(staged);
      await commitUpTo(ledger, tree, ledger.head.height + 2);
    }
    const again = (await openChain(await reopen(), GENESIS)).ledger;
    const transitions = await again.loadTransitions();
    expect(transitions.map(({ nextValidators }) => nextValidators.length)).toEqual([5, 6]);
    expect(transitions.map(({ certificate }) => certificate.height)).toEqual([4, 7]);
    expect(toHex(validatorsHashOf(again.head.validators))).toBe(toHex(validatorsHashOf(validatorsOf(6))));
  });

  it("D59: a store of another chain or of newer software is refused by name", async () => {
    await openChain(store, GENESIS);
    const other = makeGenesis("other");
    await expect(LedgerStore.open({ store, chainId: other.chainId })).rejects.toMatchObject({
      code: "STORE_WRONG_CHAIN",
    });
    const newer = encode([4, GENESIS.chainId, "a field of tomorrow"]);
    await store.write([{ kind: "put", key: SCHEMA_KEY, value: newer }], { sync: true });
    await expect(LedgerStore.open({ store, chainId: GENESIS.chainId })).rejects.toMatchObject({
      code: "STORE_SCHEMA_NEWER",
      data: { stored: 4, known: 3 },
    });
  });

  it("D124: a store of an older schema learns which block names a batch last, and prunes like any other", async () => {
    const { ledger, tree } = await openChain(store, GENESIS);
    while (ledger.head.height < 30) await commitWithBatches(ledger, tree);
    const named = await store.scan({ ...rangeOf("named"), limit: 100 });
    expect(named.length).toBe(30);
    const older = { kind: "put", key: SCHEMA_KEY, value: encode([1, GENESIS.chainId]) } as const;
    await store.write([older, ...named.map(([key]) => ({ kind: "delete", key }) as const)], { sync: true });
    const again = await LedgerStore.open({ store: await reopen(), chainId: GENESIS.chainId });
    expect(await store.scan({ ...rangeOf("named"), limit: 100 })).toEqual(named);
    expect(store.get(SCHEMA_KEY)).toEqual(encode([3, GENESIS.chainId]));
    // Block 24 names the batch of block 4 again.
    await again.pruneBodies(await again.oldBlocks({ beforeHeight: 11, beforeMs: Number.MAX_SAFE_INTEGER }));
    expect(again.firstBodyHeight).toBe(11);
    expect(again.loadBatch(bodyAt(4).digest)).toEqual(bodyAt(4).bytes);
    expect(again.loadBatch(bodyAt(5).digest)).toBeUndefined();
  });

  it("D126: trails are those of the newest heights, whichever of them left one", async () => {
    const { ledger } = await openChain(store, GENESIS);
    const trail = new Uint8Array(100).fill(7);
    // Three were followed here, then blocks were caught up with for a long while, then heights were followed again.
    const { trails } = ledger;
    for (const height of [5, 6, 40, 20_033, 20_034, 20_035]) await trails.keep(height, trail);
    await trails.flush();
    expect([5, 6, 40, 20_035].map((height) => ledger.loadTrail(height) === undefined)).toEqual([
      false,
      false,
      false,
      false,
    ]);
    await trails.keep(20_096, trail);
    expect([5, 6, 40, 20_035].map((height) => ledger.loadTrail(height) === undefined)).toEqual([
      true,
      true,
      true,
      false,
    ]);
    await trails.keep(30_034, trail);
    await trails.flush();
    expect([20_033, 20_034, 20_035].map((height) => ledger.loadTrail(height) === undefined)).toEqual([
      false,
      true,
      false,
    ]);
  });

  it("N244: a trail is found at once and lies on disk with the block after it, without a write of its own", async () => {
    const { ledger, tree } = await openChain(store, GENESIS);
    const onDisk = () => store.get(trailKey(3));
    const trail = new Uint8Array(100).fill(7);
    await ledger.trails.keep(3, trail);
    expect([ledger.trails.load(3), onDisk()]).toEqual([trail, undefined]);
    await commitWithBatches(ledger, tree);
    expect([ledger.trails.load(3), onDisk()]).toEqual([trail, trail]);
    const other = trail.map(() => 8);
    await ledger.trails.keep(3, other);
    expect([ledger.trails.load(3), onDisk()]).toEqual([other, trail]);
    await ledger.trails.flush();
    expect(onDisk()).toEqual(other);
  });

  it("D123: power that is lost after a step of pruning leaves it done or not begun", async () => {
    const { ledger, tree } = await openChain(store, GENESIS);
    while (ledger.head.height < 12) await commitWithBatches(ledger, tree);
    await ledger.pruneBodies(await ledger.oldBlocks({ beforeHeight: 9, beforeMs: Number.MAX_SAFE_INTEGER }));
    expect(ledger.firstBodyHeight).toBe(9);
    const again = await LedgerStore.open({ store: await reopen(), chainId: GENESIS.chainId });
    const isDone = again.firstBodyHeight === 9;
    expect([1, 9]).toContain(again.firstBodyHeight);
    for (let n = 1; n <= 12; n += 1) expect(again.loadBatch(bodyAt(n).digest) === undefined).toBe(isDone && n < 9);
  });

  it("D60: rows that are missing or changed stop the start or the read, never pass for nothing", async () => {
    const { ledger, tree } = await openChain(store, GENESIS);
    await commitUpTo(ledger, tree, 10);
    const key = stateKey([...modelAt(10).keys()].map((hex) => Uint8Array.from(Buffer.from(hex, "hex")))[0] ?? HEAD_KEY);
    const opens = async (): Promise<unknown> => {
      const opened = await LedgerStore.open({ store, chainId: GENESIS.chainId });
      await opened.loadTree();
      await opened.replayIds({ sinceMs: 0 });
      for (let height = 1; height <= 10; height += 1) {
        opened.loadBlock(height);
        opened.loadReceipts(height);
      }
      for (let position = 0; position < 19; position += 1) opened.historyNode(position);
      return opened;
    };
    await opens();
    for (const damaged of [
      SCHEMA_KEY,
      HEAD_KEY,
      key,
      blockKey(10),
      blockKey(4),
      idsKey(7),
      receiptsKey(3),
      historyKey(5),
    ]) {
      const value = store.get(damaged) ?? new Uint8Array(0);
      await store.write([{ kind: "delete", key: damaged }], { sync: false });
      await expect(opens(), `without ${toHex(damaged)}`).rejects.toMatchObject({ code: "STORE_CORRUPT" });
      await store.write([{ kind: "put", key: damaged, value }], { sync: false });
    }
    const row = store.get(key) ?? HEAD_KEY;
    await store.write([{ kind: "put", key, value: row.map((byte, at) => (at === row.length - 1 ? byte ^ 1 : byte)) }], {
      sync: false,
    });
    await expect(opens()).rejects.toMatchObject({ code: "STORE_CORRUPT", data: { row: "state", reason: "ROOT" } });
    await store.write([{ kind: "put", key: blockKey(10), value: store.get(blockKey(9)) ?? HEAD_KEY }], { sync: false });
    await expect(opens()).rejects.toMatchObject({ code: "STORE_CORRUPT", data: { row: "block 10" } });
  });

  it("D5: refuses a block that does not follow the head, or is not its certificate's", async () => {
    const { ledger, tree } = await openChain(store, GENESIS);
    const { commit, staged } = makeCommit(ledger, tree, planOf(1));
    const { commit: another } = makeCommit(ledger, tree, planOf(2));
    await expect(ledger.commitBlock({ ...commit, header: { ...commit.header, height: 2 } })).rejects.toThrow("D5");
    await expect(
      ledger.commitBlock({ ...commit, header: { ...commit.header, parentHash: commit.blockHash } }),
    ).rejects.toThrow("D6");
    await expect(ledger.commitBlock({ ...commit, resultBytes: another.resultBytes })).rejects.toThrow("D8");
    await expect(ledger.initialise({ genesis: GENESIS, writes: [] })).rejects.toThrow("D2");
    const first = ledger.commitBlock(commit);
    await expect(ledger.commitBlock(commit)).rejects.toThrow("D4");
    await first;
    await expect(ledger.commitBlock(commit)).rejects.toThrow("D5");
    tree.commit(staged);
  });

  it("D7: the newest sequence of the vote record is kept, also over commits without a record", async () => {
    const { ledger, tree } = await openChain(store, GENESIS);
    await commitUpTo(ledger, tree, 3);
    const { commit } = makeCommit(ledger, tree, planOf(4));
    await ledger.commitBlock({ ...commit, record: undefined });
    const sequenceOf = (head: StoredHead) => recordSequenceOf(head.records, RECORD_KEY);
    expect(sequenceOf(ledger.head)).toBe(6);
    expect(sequenceOf((await openChain(await reopen(), GENESIS)).ledger.head)).toBe(6);
  });

  it("N95: a key that replaces another begins anew, and the other's old record stays known as old", async () => {
    const { ledger, tree } = await openChain(store, GENESIS);
    await commitUpTo(ledger, tree, 3);
    const { commit } = makeCommit(ledger, tree, planOf(4));
    const replacement = new Uint8Array(32).fill(4);
    expect(recordSequenceOf(ledger.head.records, replacement)).toBe(0);
    await ledger.commitBlock({ ...commit, record: { publicKey: replacement, sequence: 2 } });
    const { head } = (await openChain(await reopen(), GENESIS)).ledger;
    expect([replacement, RECORD_KEY].map((key) => recordSequenceOf(head.records, key))).toEqual([2, 6]);
  });

  it("N95: the marks of keys are bounded, the one used longest ago goes first", () => {
    let marks: readonly RecordMark[] = [];
    const keyAt = (index: number) => new Uint8Array(32).fill(index);
    for (let index = 1; index <= 70; index += 1) {
      marks = marksWith(marks, { publicKey: keyAt(index), sequence: index });
      marks = marksWith(marks, { publicKey: keyAt(1), sequence: 1 });
    }
    expect([marks.length, recordSequenceOf(marks, keyAt(1)), recordSequenceOf(marks, keyAt(2))]).toEqual([64, 1, 0]);
    expect(recordSequenceOf(marks, keyAt(70))).toBe(70);
  });

  it("D61: a commit that the disk refuses changes nothing that is read", async () => {
    const { ledger, tree } = await openChain(store, GENESIS);
    await commitUpTo(ledger, tree, 3);
    let isFull = false;
    const full: KeyValueStore = {
      get: (key) => store.get(key),
      scan: (range) => store.scan(range),
      snapshot: () => store.snapshot(),
      close: () => store.close(),
      write: (operations, options) =>
        isFull ? Promise.reject(new Error("no space")) : store.write(operations, options),
    };
    const chain = await openChain(full, GENESIS);
    isFull = true;
    const { commit } = makeCommit(chain.ledger, chain.tree, planOf(4));
    const before = chain.ledger.head;
    const [write] = commit.writes;
    const row = chain.ledger.stateReader().get(write?.key ?? HEAD_KEY);
    await expect(chain.ledger.commitBlock(commit)).rejects.toThrow("no space");
    expect(chain.ledger.head).toEqual(before);
    expect(chain.ledger.history.count).toBe(4);
    expect(chain.ledger.stateReader().get(write?.key ?? HEAD_KEY)).toEqual(row);
  });
});
