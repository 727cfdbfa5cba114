// Mempool, batch pool, block filling, replay window and timer index: what the node keeps in memory, and for how long.

import { describe, expect, it } from "vitest";
import { referenceOf } from "../../../src/ledger/format-batch.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import { BatchPool, BLOCKS_PASSED_OVER_MAX, POOL_TRANSACTIONS_PER_ORIGIN_MAX } from "../../../src/node/batch-pool.ts";
import { chooseBatches } from "../../../src/node/block-builder.ts";
import { PARAMETER_DEFAULTS } from "../../../src/node/genesis-plan.ts";
import { MEMPOOL_PER_SENDER_MAX, Mempool } from "../../../src/node/mempool.ts";
import { ReplayWindow } from "../../../src/node/replay-window.ts";
import { Schedule } from "../../../src/node/schedule.ts";
import { TimerIndex } from "../../../src/node/timer-index.ts";
import { Work } from "../../../src/node/work.ts";
import { batch, StillClock, signerOf, transaction } from "./support.ts";

const NONE_COMMITTED = { isCommitted: () => false, headTimeMs: 0 };
const SHARE = { blockBytesMax: PARAMETER_DEFAULTS.blockBytesMax, windowMs: 1_000, patienceMs: 600, nowMs: 0 };

describe("mempool", () => {
  it("N20: a sender beyond its share is refused at once, others are not", () => {
    const mempool = new Mempool();
    for (let nonce = 0; nonce < MEMPOOL_PER_SENDER_MAX; nonce += 1)
      mempool.add(transaction({ account: "flooder", nonce }));
    expect(() => mempool.add(transaction({ account: "flooder", nonce: MEMPOOL_PER_SENDER_MAX }))).toThrow(
      "MEMPOOL_SENDER_FULL",
    );
    mempool.add(transaction({ account: "other", nonce: 0 }));
    expect(mempool.size).toBe(MEMPOOL_PER_SENDER_MAX + 1);
  }, 60_000);

  it("N21: a transaction stays pending from the door until it is committed or expired, and its sender gets its share back", () => {
    const mempool = new Mempool();
    const [committed, expired, fresh] = [
      transaction({ nonce: 1 }),
      transaction({ nonce: 2, validUntilMs: 10 }),
      transaction({ nonce: 3 }),
    ];
    for (const each of [expired, committed, fresh]) mempool.add(each);
    expect(mempool.take({ bytesMax: 1 << 20, countMax: 10 })).toHaveLength(3);
    expect(mempool.has(committed.id)).toBe(true);
    mempool.settle([committed.id], 11);
    expect([committed, expired, fresh].map(({ id }) => mempool.has(id))).toEqual([false, false, true]);
  });

  it("N22: the same transaction is held once, however often it is sent", () => {
    const mempool = new Mempool();
    mempool.add(transaction({ nonce: 1 }));
    mempool.add(transaction({ nonce: 1 }));
    expect(mempool.size).toBe(1);
    expect(mempool.take({ bytesMax: 1 << 20, countMax: 10 })).toHaveLength(1);
  });

  it("N23: a batch takes what fits, oldest first, and leaves the rest queued", () => {
    const mempool = new Mempool();
    const all = [1, 2, 3].map((nonce) => transaction({ nonce }));
    for (const each of all) mempool.add(each);
    const size = all[0]!.bytes.length + 5;
    expect(mempool.take({ bytesMax: 2 * size, countMax: 10 }).map(({ body }) => body.nonce)).toEqual([1, 2]);
    expect(mempool.queued).toBe(1);
  });
});

describe("batch pool", () => {
  it("N24: a batch is includable while something of it can still be executed", () => {
    const pool = new BatchPool();
    const late = transaction({ nonce: 1, validUntilMs: 500 });
    const far = transaction({ nonce: 2, validUntilMs: 9_000 });
    pool.add(batch({ sequence: 1, transactions: [late, far] }));
    expect(pool.includable(NONE_COMMITTED, 100, 1_000)).toHaveLength(1);
    expect(pool.includable(NONE_COMMITTED, 600, 1_000), "one has expired, one is too far ahead").toHaveLength(0);
    expect(pool.includable(NONE_COMMITTED, 8_500, 1_000)).toHaveLength(1);
    expect(
      pool.includable({ isCommitted: (id) => toHex(id) === toHex(far.id), headTimeMs: 0 }, 8_500, 1_000),
    ).toHaveLength(0);
  });

  it("N25: a body that a committed block names is never handed out for deletion, one that no block names is", () => {
    const pool = new BatchPool();
    const named = batch({
      sequence: 1,
      transactions: [transaction({ nonce: 1, validUntilMs: 100 }), transaction({ nonce: 2, validUntilMs: 900 })],
    });
    const orphan = batch({ sequence: 2, transactions: [transaction({ nonce: 3, validUntilMs: 100 })] });
    pool.add(named);
    pool.add(orphan);
    expect(pool.settle({ isCommitted: () => false, headTimeMs: 50 }, [referenceOf(named)])).toEqual([]);
    expect(pool.settle({ isCommitted: () => false, headTimeMs: 1_000 }, []).map(toHex)).toEqual([toHex(orphan.digest)]);
    expect(pool.size).toBe(0);
  });

  it("N26: a batch that is passed over for later ones of others is spread after the named number of blocks, starved after as many again", () => {
    const pool = new BatchPool();
    const starved = batch({ origin: signerOf(101), sequence: 1, transactions: [transaction({ nonce: 0 })] });
    pool.add(starved);
    for (let block = 1; block <= 2 * BLOCKS_PASSED_OVER_MAX; block += 1) {
      const taken = batch({ origin: signerOf(102), sequence: block, transactions: [transaction({ nonce: block })] });
      pool.add(taken);
      const found = pool.countPassedOver(NONE_COMMITTED, [referenceOf(taken)], SHARE);
      const isIn = (digests: readonly Uint8Array[]) => digests.map(toHex).includes(toHex(starved.digest));
      expect(isIn(found.toSpread)).toBe(block === BLOCKS_PASSED_OVER_MAX);
      expect(isIn(found.starved)).toBe(block === 2 * BLOCKS_PASSED_OVER_MAX);
    }
  });

  it("N230: where blocks are rare, two of them and half of the patience are enough to spread a batch, and as much again to suspect", () => {
    const pool = new BatchPool();
    const starved = batch({ origin: signerOf(101), sequence: 1, transactions: [transaction({ nonce: 0 })] });
    pool.add(starved);
    const found = [0, 299, 300, 1_000, 1_299, 1_300, 1_301].map((nowMs, block) => {
      const taken = batch({
        origin: signerOf(102),
        sequence: block + 1,
        transactions: [transaction({ nonce: block + 1 })],
      });
      pool.add(taken);
      const counted = pool.countPassedOver(NONE_COMMITTED, [referenceOf(taken)], { ...SHARE, nowMs });
      const isIn = (digests: readonly Uint8Array[]) => digests.map(toHex).includes(toHex(starved.digest));
      return [isIn(counted.toSpread), isIn(counted.starved)];
    });
    expect(found).toEqual([
      [false, false],
      [false, false],
      [true, false],
      [false, false],
      [false, false],
      [false, true],
      [false, true],
    ]);
    const alone = new BatchPool();
    alone.add(starved);
    const taken = batch({ origin: signerOf(102), sequence: 9, transactions: [transaction({ nonce: 99 })] });
    alone.add(taken);
    const once = alone.countPassedOver(NONE_COMMITTED, [referenceOf(taken)], { ...SHARE, nowMs: 1e9 });
    expect(once, "one block alone may have crossed the batch on its way").toEqual({ toSpread: [], starved: [] });
  });

  it("N27: a batch that arrived after everything in the block was not passed over", () => {
    const pool = new BatchPool();
    const taken = batch({ origin: signerOf(102), sequence: 1, transactions: [transaction({ nonce: 1 })] });
    pool.add(taken);
    pool.add(batch({ origin: signerOf(101), sequence: 1, transactions: [transaction({ nonce: 2 })] }));
    for (let block = 0; block < 2 * BLOCKS_PASSED_OVER_MAX; block += 1) {
      expect(pool.countPassedOver(NONE_COMMITTED, [referenceOf(taken)], SHARE)).toEqual({ toSpread: [], starved: [] });
    }
  });
});

describe("shares of the pool", () => {
  it("N97: an origin gets no more than its share, keeps nobody else out, and gets it back", () => {
    const pool = new BatchPool();
    const large = Array.from({ length: 1_000 }, (_, nonce) => transaction({ nonce }));
    const [greedy, modest] = [signerOf(101), signerOf(102)];
    const batches = Array.from({ length: POOL_TRANSACTIONS_PER_ORIGIN_MAX / 1_000 + 1 }, (_, sequence) =>
      batch({ origin: greedy, sequence: sequence + 1, transactions: large }),
    );
    const last = batches.at(-1);
    if (last === undefined) throw new Error("no batches");
    expect(batches.map((one) => pool.add(one)).indexOf(false)).toBe(batches.length - 1);
    expect(pool.wants(last, NONE_COMMITTED, { nowMs: 0, windowMs: 60_000 })).toBe(false);
    expect(pool.add(batch({ origin: modest, sequence: 1, transactions: large }))).toBe(true);
    pool.settle({ isCommitted: () => true, headTimeMs: 0 }, batches.map(referenceOf));
    expect(pool.add(last)).toBe(true);
  }, 60_000);
});

describe("work", () => {
  it("N90: what the core waits for is withdrawn as soon as it has expired", () => {
    const clock = new StillClock();
    const pool = new BatchPool();
    const told: number[] = [];
    const work = new Work({
      clock,
      schedule: new Schedule(clock),
      pool,
      timeScale: 1,
      chain: () => ({ headTimeMs: 0, windowMs: 60_000, nextDueMs: undefined }),
      poolView: () => NONE_COMMITTED,
      tell: ({ waitingFor }) => told.push(waitingFor.length),
    });
    const startMs = clock.nowMs();
    const shortLived = [2_000, 5_000].map((aheadMs, nonce) => transaction({ nonce, validUntilMs: startMs + aheadMs }));
    pool.add(batch({ sequence: 1, transactions: shortLived }));
    work.notice();
    expect(told).toEqual([1]);
    clock.advance(2_500);
    expect(told.at(-1), "a second transaction is still valid").toBe(1);
    clock.advance(3_000);
    expect(told.at(-1)).toBe(0);
  });

  it("N248: what the core was told is withdrawn when it is done, also where nothing was built for it in between", () => {
    const clock = new StillClock();
    const pool = new BatchPool();
    const told: boolean[] = [];
    const committed = new Set<string>();
    const poolView = () => ({ isCommitted: (id: Uint8Array) => committed.has(toHex(id)), headTimeMs: 0 });
    const work = new Work({
      clock,
      schedule: new Schedule(clock),
      pool,
      timeScale: 1,
      chain: () => ({ headTimeMs: 0, windowMs: 60_000, nextDueMs: undefined }),
      poolView,
      tell: ({ hasWork }) => told.push(hasWork),
    });
    const first = transaction({ nonce: 1, validUntilMs: 60_000 });
    const second = transaction({ nonce: 2, validUntilMs: 60_000 });
    pool.add(batch({ sequence: 1, transactions: [first] }));
    work.notice();
    expect([told, work.isTold]).toEqual([[true], true]);
    // The height passed while the primary rested: the core hears nothing of it and goes on waiting.
    work.noteNothingBuilt();
    expect(work.isTold).toBe(false);
    committed.add(toHex(first.id));
    work.refresh();
    expect(told).toEqual([true, false]);
    work.refresh();
    expect(told.length).toBe(2);
    pool.add(batch({ sequence: 2, transactions: [second] }));
    work.notice();
    work.noteNothingBuilt();
    work.notice();
    expect(told).toEqual([true, false, true, true]);
  });
});

describe("filling a block", () => {
  it("N28: origins share the block in equal bytes, each in the order of its own sequence", () => {
    const flood = Array.from({ length: 50 }, (_, index) =>
      batch({ origin: signerOf(101), sequence: index + 1, transactions: [transaction({ nonce: index })] }),
    );
    const quiet = [2, 1].map((sequence) =>
      batch({ origin: signerOf(102), sequence, transactions: [transaction({ nonce: 1_000 + sequence })] }),
    );
    const size = flood[0]!.bytes.length;
    const chosen = chooseBatches([...flood, ...quiet], { ...PARAMETER_DEFAULTS, blockBytesMax: 6 * size + 40 });
    const sequencesOf = (seed: number) =>
      chosen.filter(({ origin }) => toHex(origin) === toHex(signerOf(seed).publicKey)).map(({ sequence }) => sequence);
    expect(sequencesOf(102)).toEqual([1, 2]);
    expect(sequencesOf(101)).toEqual([1, 2, 3, 4]);
  });

  it("N29: neither bytes nor transactions of a block exceed its parameters", () => {
    const batches = Array.from({ length: 20 }, (_, index) =>
      batch({
        sequence: index + 1,
        transactions: [transaction({ nonce: 2 * index }), transaction({ nonce: 2 * index + 1 })],
      }),
    );
    const chosen = chooseBatches(batches, { ...PARAMETER_DEFAULTS, blockTransactionsMax: 7 });
    expect(chosen.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });
});

describe("replay window", () => {
  it("N30: an id is remembered as long as its transaction could be valid, by the window in force at its block", () => {
    const window = new ReplayWindow();
    const early = transaction({ nonce: 1 }).id;
    const later = transaction({ nonce: 2 }).id;
    window.add({ timeMs: 100, windowMs: 1_000, ids: [early] });
    window.add({ timeMs: 1_100, windowMs: 10, ids: [later] });
    expect(
      [early, later].map((id) => window.has(id)),
      "valid until 1100 at most: still in",
    ).toEqual([true, true]);
    window.add({ timeMs: 1_101, windowMs: 10, ids: [] });
    expect([early, later].map((id) => window.has(id))).toEqual([false, true]);
  });
});

describe("timer index", () => {
  /** timers begin with 1, then their contract; stops with 3 */
  const rows = {
    isTimerKey: (key: Uint8Array) => key[0] === 1,
    contractOf: (key: Uint8Array) => String(key[1]),
    dueMs: (value: Uint8Array) => value[0] ?? 0,
    stoppedContract: (key: Uint8Array) => (key[0] === 3 ? String(key[1]) : undefined),
    stopEndMs: (_: Uint8Array, value: Uint8Array) => value[0],
  };
  const key = (...bytes: number[]) => new Uint8Array(bytes);

  it("N31: timers come in order of (time, key); scheduling again moves, deleting removes; other rows are ignored", () => {
    const timers = new TimerIndex(rows);
    timers.apply([
      { key: key(1, 2), value: key(50) },
      { key: key(1, 1), value: key(50) },
      { key: key(1, 3), value: key(20) },
      { key: key(2, 1), value: key(1) },
    ]);
    expect(timers.due(50, 10)).toEqual([key(1, 3), key(1, 1), key(1, 2)]);
    expect(timers.due(49, 10)).toEqual([key(1, 3)]);
    timers.apply([
      { key: key(1, 3), value: key(90) },
      { key: key(1, 1), value: undefined },
    ]);
    expect(timers.due(100, 10)).toEqual([key(1, 2), key(1, 3)]);
    expect(timers.due(100, 1)).toEqual([key(1, 2)]);
    expect(timers.nextDueMs()).toBe(50);
  });

  it("R321: timers of a stopped contract are due when the stop is over, also those that come meanwhile; another end moves them", () => {
    const timers = new TimerIndex(rows);
    timers.apply([
      { key: key(1, 7, 2), value: key(20) },
      { key: key(1, 7, 1), value: key(30) },
      { key: key(1, 8, 1), value: key(40) },
      { key: key(3, 7), value: key(50) },
      { key: key(1, 7, 3), value: key(10) },
      { key: key(1, 7, 4), value: key(60) },
    ]);
    expect(timers.nextDueMs()).toBe(40);
    expect(timers.due(49, 10)).toEqual([key(1, 8, 1)]);
    const held = [key(1, 7, 3), key(1, 7, 2), key(1, 7, 1)];
    expect(timers.due(50, 10), "in order of their times").toEqual([key(1, 8, 1), ...held]);
    timers.apply([{ key: key(3, 7), value: key(45) }]);
    expect(timers.due(45, 10), "resumed sooner").toEqual([key(1, 8, 1), ...held]);
    timers.apply([{ key: key(1, 7, 3), value: undefined }]);
    timers.apply([{ key: key(3, 7), value: undefined }]);
    expect(timers.due(49, 10), "as if there had been none").toEqual([key(1, 7, 2), key(1, 7, 1), key(1, 8, 1)]);
  });
});
