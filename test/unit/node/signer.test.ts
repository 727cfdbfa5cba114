// The only holder of the key: what it does before a vote leaves, and when it signs nothing at all.

import { describe, expect, it } from "vitest";
import type { HeadFacts } from "../../../src/consensus/events.ts";
import type { SigningRequest } from "../../../src/consensus/safety.ts";
import {
  decodeVoteRecord,
  emptyVoteRecord,
  encodeVoteRecord,
  lostVoteRecord,
  type VoteRecord,
} from "../../../src/consensus/vote-record.ts";
import { PARAMETER_DEFAULTS } from "../../../src/node/genesis-plan.ts";
import { Signer } from "../../../src/node/signer.ts";
import type { VoteRecordStore } from "../../../src/ports.ts";
import { MemoryVoteRecord } from "../../../src/store/memory-vote-record.ts";
import { CHAIN_ID, StillClock, signerOf } from "./support.ts";

const KEY = signerOf(1);
const VALIDATORS = [1, 2, 3, 4]
  .map((seed) => ({ organisation: `o${seed}`, suite: 1, publicKey: signerOf(seed).publicKey, peerId: `p${seed}` }))
  .sort((left, right) => Buffer.compare(left.publicKey, right.publicKey));

function headAt(height: number): HeadFacts {
  return {
    height,
    blockHash: new Uint8Array(32).fill(height),
    resultHash: new Uint8Array(32),
    proposer: VALIDATORS[0]!.publicKey,
    headerView: 0,
    certificateView: 0,
    timeMs: height,
    validators: VALIDATORS,
    parameters: PARAMETER_DEFAULTS,
  };
}

function open(record: VoteRecord, options: { store?: VoteRecordStore; recordSequence?: number } = {}): Promise<Signer> {
  return Signer.open({
    key: KEY,
    store: options.store ?? new MemoryVoteRecord({ kind: "found", bytes: encodeVoteRecord(record) }),
    clock: new StillClock(),
    chainId: CHAIN_ID,
    headRecordSequence: options.recordSequence ?? 0,
  });
}

const EMPTY = emptyVoteRecord({ chainId: CHAIN_ID, publicKey: KEY.publicKey });
const suspectAt = (height: number): SigningRequest => ({ kind: "suspect", height, view: 0, waitingFor: [] });

describe("signer", () => {
  it("N40: a record that is missing, corrupt, foreign or older than the store opens no signer", async () => {
    await expect(open(EMPTY, { store: new MemoryVoteRecord() })).rejects.toThrow("VOTE_RECORD_MISSING");
    await expect(
      open(EMPTY, { store: new MemoryVoteRecord({ kind: "found", bytes: new Uint8Array([1, 2, 3]) }) }),
    ).rejects.toThrow("VOTE_RECORD_CORRUPT");
    await expect(open({ ...EMPTY, chainId: new Uint8Array(32) })).rejects.toThrow("VOTE_RECORD_FOREIGN");
    await expect(open({ ...EMPTY, publicKey: signerOf(2).publicKey })).rejects.toThrow("VOTE_RECORD_FOREIGN");
    await expect(open({ ...EMPTY, sequence: 4 }, { recordSequence: 5 })).rejects.toThrow("VOTE_RECORD_OLD");
  });

  it("N41: a request for a committed height is dropped, one that safety.ts refuses halts", async () => {
    const signer = await open(EMPTY);
    expect(await signer.sign(suspectAt(3), () => headAt(3))).toBeUndefined();
    await expect(signer.sign(suspectAt(5), () => headAt(3))).rejects.toThrow("SIGNING_REFUSED");
  });

  it("N43: a vote that could not be made durable never leaves, and the record in memory stays what is on disk", async () => {
    const broken: VoteRecordStore = {
      load: async () => ({ kind: "found", bytes: encodeVoteRecord(EMPTY) }),
      save: async () => Promise.reject(new Error("disk full")),
      close: async () => undefined,
    };
    const signer = await open(EMPTY, { store: broken });
    const suspicion = {
      height: 1,
      view: 0,
      bytes: new Uint8Array(0),
      suspects: VALIDATORS.map((_, index) => ({ signer: index, waitingFor: [], signature: new Uint8Array(64) })),
    };
    const viewChange = { kind: "viewChange", height: 1, view: 1, suspicion } as unknown as SigningRequest;
    await expect(signer.sign(viewChange, () => headAt(0))).rejects.toThrow("disk full");
    expect(signer.record.sequence).toBe(0);
    const decoded = decodeVoteRecord(encodeVoteRecord(signer.record));
    expect(decoded.ok && decoded.value.position).toBeUndefined();
  });

  it("N160: only the record of a key that signs nothing is ever replaced, by the next one, and durably", async () => {
    const ordinary = await open(EMPTY);
    await expect(ordinary.replaceRecord({ ...EMPTY, sequence: 1 })).rejects.toThrow("N160");
    const lost = lostVoteRecord({ chainId: CHAIN_ID, publicKey: KEY.publicKey }, 5);
    const store = new MemoryVoteRecord({ kind: "found", bytes: encodeVoteRecord(lost) });
    const signer = await open(lost, { store });
    await expect(signer.sign(suspectAt(1), () => headAt(0))).rejects.toThrow("S3_MUST_NOT_SIGN");
    await expect(signer.replaceRecord({ ...lost, floorHeight: 4 })).rejects.toThrow("N160");
    await signer.replaceRecord({ ...lost, floorHeight: 4, sequence: 6 });
    await signer.replaceRecord({ ...lost, floorHeight: 4, sequence: 7, mustNotSign: undefined });
    const loaded = await store.load();
    expect(loaded.kind === "found" && decodeVoteRecord(loaded.bytes)).toEqual({ ok: true, value: signer.record });
    await expect(signer.sign(suspectAt(3), () => headAt(2))).rejects.toThrow("S3_BELOW_FLOOR");
    expect(await signer.sign(suspectAt(4), () => headAt(3))).toBeDefined();
  });
});
