// What a member with a valid key could do to the node's own parts: each test is an attack that once worked.

import { describe, expect, it } from "vitest";
import { encodeEvidence, type Statement } from "../../../src/consensus/evidence.ts";
import { makeNewView, newViewSigningBytes } from "../../../src/consensus/view-formats.ts";
import { referenceOf } from "../../../src/ledger/format-batch.ts";
import { validatorsHashOf } from "../../../src/ledger/format-cluster.ts";
import { voteSigningBytes } from "../../../src/ledger/format-vote.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import { LIMITS } from "../../../src/ledger/limits.ts";
import { BatchPool, BLOCKS_PASSED_OVER_MAX } from "../../../src/node/batch-pool.ts";
import { chooseBatches } from "../../../src/node/block-builder.ts";
import { EVIDENCE_BYTES_MAX, EVIDENCE_PER_OFFENDER_MAX, EvidenceLog } from "../../../src/node/evidence-log.ts";
import { PARAMETER_DEFAULTS } from "../../../src/node/genesis-plan.ts";
import { LedgerStore } from "../../../src/store/ledger-store.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { batch, CHAIN_ID, SILENT, signerOf, transaction } from "./support.ts";

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
      const limits = { blockBytesMax: PARAMETER_DEFAULTS.blockBytesMax, windowMs: 1_000 };
      expect(pool.countPassedOver(view, [referenceOf(taken)], limits)).toEqual([]);
    }
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
    return store.then((opened) => new EvidenceLog({ store: opened, chainId: CHAIN_ID, log: SILENT }));
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
    expect(await log.take(twoVotes(1, 5, 0), validators)).toBe(true);
    expect(await log.take(twoVotes(1, 5, 1), validators), "the same rule at the same height").toBe(false);
    for (let height = 6; height < 6 + 2 * EVIDENCE_PER_OFFENDER_MAX; height += 1)
      await log.take(twoVotes(1, height, 0), validators);
    expect(log.list()).toHaveLength(EVIDENCE_PER_OFFENDER_MAX);
    expect(await log.take(twoVotes(2, 5, 0), validators)).toBe(true);
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
    expect(await log.take(bytes, validators)).toBe(false);
  });
});
