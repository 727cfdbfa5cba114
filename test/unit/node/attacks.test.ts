// What a member with a valid key could do to the node's own parts: each test is an attack that once worked.

import { describe, expect, it } from "vitest";
import { encodeEvidence, type Statement } from "../../../src/consensus/evidence.ts";
import { makeNewView, newViewSigningBytes } from "../../../src/consensus/view-formats.ts";
import { LedgerError } from "../../../src/errors.ts";
import { referenceOf } from "../../../src/ledger/format-batch.ts";
import { validatorsHashOf } from "../../../src/ledger/format-cluster.ts";
import { voteSigningBytes } from "../../../src/ledger/format-vote.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import { LIMITS } from "../../../src/ledger/limits.ts";
import type { Batch } from "../../../src/ledger/types.ts";
import { BACKLOG_BYTES_PER_PEER_MAX, BatchIntake } from "../../../src/node/batch-intake.ts";
import { BatchPool, BLOCKS_PASSED_OVER_MAX, POOL_TRANSACTIONS_PER_ORIGIN_MAX } from "../../../src/node/batch-pool.ts";
import { Batcher } from "../../../src/node/batcher.ts";
import { chooseBatches } from "../../../src/node/block-builder.ts";
import { verifyNative } from "../../../src/node/ed25519-native.ts";
import { EVIDENCE_BYTES_MAX, EVIDENCE_PER_OFFENDER_MAX, EvidenceLog } from "../../../src/node/evidence-log.ts";
import { SHARE_PER_PEER } from "../../../src/node/fair-turns.ts";
import { PARAMETER_DEFAULTS } from "../../../src/node/genesis-plan.ts";
import { Mempool } from "../../../src/node/mempool.ts";
import { createVerifyPool } from "../../../src/node/verify-pool.ts";
import { LedgerStore } from "../../../src/store/ledger-store.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { batch, CHAIN_ID, SILENT, StillClock, signerOf, transaction } from "./support.ts";

describe("very many small batches", () => {
  it("N60: never fill a proposal beyond the references that a replica reads", () => {
    const one = batch({ origin: signerOf(101), sequence: 1, transactions: [transaction({ nonce: 1 })] });
    const many = Array.from({ length: LIMITS.proposalReferencesMax + 10 }, () => one);
    expect(chooseBatches(many, PARAMETER_DEFAULTS)).toHaveLength(LIMITS.proposalReferencesMax);
  });
});

describe("batches that nobody may execute", () => {
  it("N63: are never starved, so that no primary is deposed for them", () => {
    const pool = new BatchPool();
    const committed = new Set<string>();
    const view = { isCommitted: (id: Uint8Array) => committed.has(toHex(id)), headTimeMs: 100 };
    const bait = [99, 1_101].map((validUntilMs) => [transaction({ nonce: 1, validUntilMs })]);
    for (const transactions of bait) pool.add(batch({ origin: signerOf(101), sequence: 1, transactions }));
    for (let block = 1; block <= 2 * BLOCKS_PASSED_OVER_MAX; block += 1) {
      const next = transaction({ nonce: block });
      const taken = batch({ origin: signerOf(102), sequence: block, transactions: [next] });
      pool.add(taken);
      committed.add(toHex(next.id));
      const limits = {
        blockBytesMax: PARAMETER_DEFAULTS.blockBytesMax,
        windowMs: 1_000,
        patienceMs: 600,
        nowMs: 1_000 * block,
      };
      expect(pool.countPassedOver(view, [referenceOf(taken)], limits)).toEqual({ toSpread: [], starved: [] });
    }
  });
});

/** Every look at it takes so long. */
class CostlyClock extends StillClock {
  costMs = 0;

  override monotonicMs(): number {
    const nowMs = super.monotonicMs();
    if (this.costMs > 0) this.advance(this.costMs);
    return nowMs;
  }
}

describe("a flood of batches", () => {
  const [honest, hostile] = [signerOf(101), signerOf(102)];
  const validators = [honest, hostile].map(({ suite, publicKey }, index) => ({
    organisation: `o${index}`,
    suite,
    publicKey,
    peerId: `p${index}`,
  }));

  const noAnswer = () => Promise.reject(new LedgerError("PEER_TIMEOUT"));

  /** @param other who answers when somebody is asked */
  function openIntake(other?: BatchIntake) {
    const pool = new BatchPool();
    const verifyPool = createVerifyPool(0);
    const committed = new Set<string>();
    const invalid: string[] = [];
    const checks: number[] = [];
    const clock = new CostlyClock();
    const seats = { now: validators, afterCheck: validators };
    const intake = new BatchIntake({
      clock,
      log: SILENT,
      pool,
      verifyPool: {
        ...verifyPool,
        verifyTransactions: async (transactions) => {
          checks.push(transactions.length);
          const isValid = await verifyPool.verifyTransactions(transactions);
          seats.now = seats.afterCheck;
          return isValid;
        },
      },
      verify: verifyNative,
      chainId: CHAIN_ID,
      validators: () => seats.now,
      poolView: () => ({ isCommitted: (id) => committed.has(toHex(id)), headTimeMs: 100 }),
      windowMs: () => 1_000,
      ownWaiting: () => pool.of(honest.publicKey),
      loadBatch: () => undefined,
      fetch: (_, payload) => (other === undefined ? noAnswer() : Promise.resolve(other.answerFetch(payload))),
      onVerified: () => undefined,
      onBatch: () => undefined,
      onInvalid: (from, code) => invalid.push(`${from} ${code}`),
    });
    return { pool, intake, committed, invalid, checks, clock, seats };
  }

  /** The same batch, as its origin did not sign it: the digest is over the body alone. */
  function damaged(bytes: Uint8Array): Uint8Array {
    const copy = Uint8Array.from(bytes);
    copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
    return copy;
  }

  it("N64: a copy with a wrong signature costs one check and never stands for the true batch that arrives meanwhile", async () => {
    const { pool, intake, invalid, checks } = openIntake();
    const { bytes, digest } = batch({ origin: honest, sequence: 1, transactions: [transaction({ nonce: 1 })] });
    await Promise.all([intake.hear(damaged(bytes), "liar"), intake.hear(bytes, "origin")]);
    expect(pool.has(digest)).toBe(true);
    expect(invalid).toEqual(["liar BATCH_SIGNATURE"]);
    expect(checks).toEqual([1]);
  });

  it("N237: a batch whose origin loses its seat while it is checked is not kept, and nobody is blamed, whether valid or not", async () => {
    const forged = { ...transaction({ nonce: 2 }), bytes: damaged(transaction({ nonce: 2 }).bytes) };
    for (const one of [transaction({ nonce: 1 }), forged]) {
      const { pool, intake, invalid, checks, seats } = openIntake();
      seats.afterCheck = validators.slice(1);
      const { bytes, digest } = batch({ origin: honest, sequence: 1, transactions: [one] });
      await intake.hear(bytes, "origin");
      expect(checks).toEqual([1]);
      expect([pool.has(digest), invalid]).toEqual([false, []]);
    }
  });

  it("N65: replays, far futures and what finds no room are not even checked; asked for, they still are", async () => {
    const { pool, intake, committed, checks } = openIntake();
    const old = transaction({ nonce: 1 });
    committed.add(toHex(old.id));
    const replayed = batch({ origin: honest, sequence: 1, transactions: [old] });
    const expired = batch({ origin: honest, sequence: 2, transactions: [transaction({ nonce: 2, validUntilMs: 99 })] });
    const far = batch({ origin: hostile, sequence: 3, transactions: [transaction({ nonce: 3, validUntilMs: 2_101 })] });
    for (const { bytes } of [replayed, expired, far]) await intake.hear(bytes, "liar");
    expect([pool.size, checks]).toEqual([0, []]);
    expect((await intake.take(replayed.bytes, "holder"))?.digest).toEqual(replayed.digest);
    for (let part = 0; part < 10; part += 1) {
      const share = Array.from({ length: POOL_TRANSACTIONS_PER_ORIGIN_MAX / 10 }, () => old);
      pool.add({ ...batch({ origin: hostile, sequence: 4 + part, transactions: [share[0]!] }), transactions: share });
    }
    const late = { origin: hostile, sequence: 99, transactions: [transaction({ nonce: 5 })] };
    await intake.hear(batch(late).bytes, "liar");
    expect(checks).toEqual([1]);
    await intake.hear(batch({ ...late, origin: honest }).bytes, "origin");
    expect(checks).toEqual([1, 1]);
  }, 60_000);

  it("N76: a peer whose gossip is of no use waits in proportion to what reading it took; others do not", async () => {
    const { intake, checks, clock } = openIntake();
    const far = batch({ origin: hostile, sequence: 1, transactions: [transaction({ nonce: 1, validUntilMs: 9_999 })] });
    const good = (sequence: number) =>
      batch({ origin: honest, sequence, transactions: [transaction({ nonce: sequence })] });
    clock.costMs = 10;
    await intake.hear(far.bytes, "liar");
    clock.costMs = 0;
    let isHeard = false;
    const waiting = intake.hear(good(2).bytes, "liar").then(() => {
      isHeard = true;
    });
    await intake.hear(good(3).bytes, "origin");
    expect([isHeard, checks.length]).toEqual([false, 1]);
    clock.advance(10 / SHARE_PER_PEER - 10);
    await waiting;
    expect(checks.length).toBe(2);
  });

  it("N77: who comes back asks the others for their own batches that wait, and nobody else's", async () => {
    const stayed = openIntake();
    const own = Array.from({ length: 300 }, (_, index) =>
      batch({ origin: honest, sequence: index + 1, transactions: [transaction({ nonce: index, signer: honest })] }),
    );
    const foreign = batch({ origin: hostile, sequence: 1, transactions: [transaction({ nonce: 1_000 })] });
    for (const each of [...own, foreign]) stayed.pool.add(each);
    const returned = openIntake(stayed.intake);
    await returned.intake.collect("origin", []);
    expect(returned.pool.size).toBe(own.length);
    expect(returned.pool.has(foreign.digest)).toBe(false);
    await returned.intake.collect("origin", [foreign.digest]);
    expect(returned.pool.has(foreign.digest), "named by a suspicion").toBe(true);
    await openIntake().intake.collect("nobody", []);
  });

  it("N79: a batch that nobody has is looked for ever more rarely, and found at once when it comes", async () => {
    const { intake, clock } = openIntake();
    const late = batch({ origin: honest, sequence: 1, transactions: [transaction({ nonce: 1 })] });
    let looks = 0;
    const obtained = intake.obtain(referenceOf(late), [], () => {
      looks += 1;
      return true;
    });
    for (let elapsedMs = 0; elapsedMs < 60_000; elapsedMs += 10) {
      await Promise.resolve();
      await Promise.resolve();
      await Promise.resolve();
      clock.advance(10);
    }
    expect(looks).toBeLessThan(150);
    await intake.hear(late.bytes, "origin");
    expect(await obtained).toMatchObject({ ok: true });
  });

  it("N66: one peer's flood waits for its own turn and no longer than its backlog; others are heard at once", async () => {
    const { pool, intake } = openIntake();
    // Long names: what fits the backlog in bytes must stay below the pool's share in numbers.
    const account = "f".repeat(64);
    const transactions = Array.from({ length: 1_000 }, (_, nonce) => transaction({ account, nonce, signer: honest }));
    const size = batch({ origin: hostile, sequence: 1, transactions }).bytes.length;
    const fitting = Math.floor(BACKLOG_BYTES_PER_PEER_MAX / size);
    const flood = Array.from({ length: fitting + 5 }, (_, index) =>
      intake.hear(batch({ origin: hostile, sequence: index + 1, transactions }).bytes, "flooder"),
    );
    const small = batch({ origin: honest, sequence: 1, transactions: [transaction({ nonce: 5_000 })] });
    await intake.hear(small.bytes, "origin");
    expect(pool.has(small.digest)).toBe(true);
    expect(pool.size).toBeLessThan(fitting);
    await Promise.all(flood);
    expect(pool.size).toBe(fitting + 1);
  }, 120_000);

  it("N67: what finds no room in the own share of the pool stays queued and is gathered later", () => {
    const mempool = new Mempool();
    let hasRoom = false;
    const published: Batch[] = [];
    const clock = new StillClock();
    const batcher = new Batcher({
      clock,
      mempool,
      signer: honest,
      chainId: CHAIN_ID,
      parameters: () => PARAMETER_DEFAULTS,
      hasRoom: () => hasRoom,
      publish: (next) => published.push(next),
    });
    mempool.add(transaction({ nonce: 1 }));
    for (const isRoomy of [false, true]) {
      hasRoom = isRoomy;
      batcher.settle(() => false);
      clock.advance(0);
      expect([mempool.queued, published.length]).toEqual(isRoomy ? [0, 1] : [1, 0]);
    }
  });
});

describe("a burst of transactions", () => {
  it("A114: is gathered into batches that a block can hold, by the parameters of the next block", () => {
    const mempool = new Mempool();
    const published: Batch[] = [];
    const clock = new StillClock();
    let blockTransactionsMax = 3;
    const batcher = new Batcher({
      clock,
      mempool,
      signer: signerOf(1),
      chainId: CHAIN_ID,
      parameters: () => ({ ...PARAMETER_DEFAULTS, blockTransactionsMax }),
      hasRoom: () => true,
      publish: (next) => published.push(next),
    });
    for (let nonce = 1; nonce <= 7; nonce += 1) mempool.add(transaction({ nonce }));
    const gather = () => {
      batcher.settle(() => false);
      clock.advance(0);
    };
    gather();
    blockTransactionsMax = 2;
    gather();
    gather();
    expect(published.map(({ transactions }) => transactions.length)).toEqual([3, 2, 2]);
    expect(mempool.queued).toBe(0);
  });
});

describe("a flood of evidence", () => {
  const validators = [1, 2, 3, 4]
    .map((seed) => ({ organisation: `o${seed}`, suite: 1, publicKey: signerOf(seed).publicKey, peerId: `p${seed}` }))
    .sort((left, right) => Buffer.compare(left.publicKey, right.publicKey));
  const place = { chainId: CHAIN_ID, validatorsHash: validatorsHashOf(validators) };
  const hash = (byte: number) => new Uint8Array(32).fill(byte);

  function openLog(): Promise<EvidenceLog> {
    const store = LedgerStore.open({ store: new MemoryStore(), chainId: CHAIN_ID });
    return store.then(
      (opened) =>
        new EvidenceLog({
          store: opened,
          chainId: CHAIN_ID,
          verify: verifyNative,
          log: SILENT,
          seats: { validatorsEver: validators, validatorsAt: () => validators },
          publish: async () => {},
        }),
    );
  }

  function twoVotes(seed: number, height: number, view: number): Uint8Array {
    const key = signerOf(seed);
    const statements = [1, 2].map((byte): Statement => {
      const vote = { kind: "prepare", height, view, blockHash: hash(byte), resultHash: new Uint8Array(0) } as const;
      return { ...vote, signer: 0, signature: key.sign(voteSigningBytes({ ...vote, ...place })) };
    });
    return encodeEvidence({ rule: "TWO_VOTES", height, offender: key.publicKey, statements });
  }

  it("N61: of one offender fills no log: one proof of a rule and height, so many in all, others are still heard", async () => {
    const log = await openLog();
    expect(await log.take(twoVotes(1, 5, 0))).toBe(true);
    expect(await log.take(twoVotes(1, 5, 1)), "the same rule at the same height").toBe(false);
    for (let height = 6; height < 6 + 2 * EVIDENCE_PER_OFFENDER_MAX; height += 1)
      await log.take(twoVotes(1, height, 0));
    expect(log.list()).toHaveLength(EVIDENCE_PER_OFFENDER_MAX);
    expect(await log.take(twoVotes(2, 5, 0))).toBe(true);
  });

  it("N62: a proof larger than can be spread is not kept", async () => {
    const log = await openLog();
    const signature = new Uint8Array(LIMITS.signatureBytesMax);
    const viewChanges = Array.from({ length: LIMITS.validatorsMax }, (_, signer) => ({
      signer,
      prepared: undefined,
      signature,
    }));
    const named = { height: 5, view: 1, blockHash: hash(1) };
    const content = makeNewView({ ...named, viewChanges, certificate: undefined });
    const signed = newViewSigningBytes({ ...place, ...named, contentBytes: content.bytes });
    const statement = { kind: "newView", view: 1, content, signature: signerOf(1).sign(signed) } as const;
    const offender = signerOf(1).publicKey;
    const bytes = encodeEvidence({ rule: "BAD_NEW_VIEW", height: 5, offender, statements: [statement] });
    expect(bytes.length).toBeGreaterThan(EVIDENCE_BYTES_MAX);
    expect(await log.take(bytes)).toBe(false);
  });
});
