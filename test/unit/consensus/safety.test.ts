import { describe, expect, it } from "vitest";
import { RECORDED_PROPOSALS_MAX } from "../../../src/consensus/limits.ts";
import { decodeMessage } from "../../../src/consensus/messages.ts";
import {
  authorise,
  decodeVoteRecord,
  encodeVoteRecord,
  type SigningRequest,
  type VoteRecord,
} from "../../../src/consensus/safety.ts";
import { bytesEqual, toHex } from "../../../src/ledger/hash.ts";
import { Cast, HEIGHT } from "./cast.ts";

const cast = new Cast();
const A = cast.block("a");
const B = cast.block("b");
const [hashA, hashB] = [A.proposal.blockHash, B.proposal.blockHash];
/** the key under test: validator 1, primary of view 1 */
const OWN = 1;

function judge(record: VoteRecord, request: SigningRequest, headHeight = HEIGHT - 1) {
  return authorise({
    record,
    request,
    head: { height: headHeight },
    validators: cast.validators,
    chainId: cast.chainId,
  });
}

function refusal(record: VoteRecord, request: SigningRequest, headHeight?: number): string {
  const decision = judge(record, request, headHeight);
  return decision.ok ? "signed" : decision.code;
}

/** Signs, and reads the record back from its bytes as after a restart. */
function sign(record: VoteRecord, request: SigningRequest): VoteRecord {
  const decision = judge(record, request);
  if (!decision.ok) throw new Error(`${decision.code} ${decision.detail}`);
  const sealed = decision.seal(decision.signedBytes.map((bytes) => cast.key(OWN).sign(bytes)));
  expect(decodeMessage(sealed.message).ok).toBe(true);
  const decoded = decodeVoteRecord(encodeVoteRecord(sealed.record));
  if (!decoded.ok) throw new Error(decoded.code);
  expect(decoded.value).toEqual(sealed.record);
  return decoded.value;
}

const prepare = (block = A, parts: Partial<Extract<SigningRequest, { kind: "prepare" }>> = {}): SigningRequest => ({
  kind: "prepare",
  height: HEIGHT,
  view: 0,
  block,
  newView: undefined,
  asPrimary: false,
  suspicion: undefined,
  ...parts,
});

const commit = (block = A, parts: Partial<Extract<SigningRequest, { kind: "commit" }>> = {}): SigningRequest => ({
  kind: "commit",
  height: HEIGHT,
  view: 0,
  block,
  resultHash: cast.result("r"),
  certificate: cast.prepared(parts.view ?? 0, block.proposal.blockHash),
  suspicion: (parts.view ?? 0) === 0 ? undefined : cast.suspicion((parts.view ?? 0) - 1),
  ...parts,
});

const viewChange = (view: number): SigningRequest => ({
  kind: "viewChange",
  height: HEIGHT,
  view,
  suspicion: cast.suspicion(view - 1),
});

/** PREPARE of view 1 under a NEW-VIEW of these VIEW-CHANGEs. */
const prepareInView1 = (
  block = A,
  locks: readonly (Uint8Array | undefined)[] = [hashA, undefined, undefined],
): SigningRequest => {
  const viewChanges = locks.map((blockHash, signer) => cast.viewChange(signer, 1, blockHash && { view: 0, blockHash }));
  const locked = locks.find((lock) => lock !== undefined);
  const certificate = locked && cast.prepared(0, locked);
  const newView = cast.newView(1, block.proposal.blockHash, viewChanges, certificate).content;
  return prepare(block, { view: 1, newView, suspicion: cast.suspicion(0) });
};

describe("what a key may sign", () => {
  const fresh = cast.record(OWN);

  it("S1: signs only at the height above its certified head; a committed height is stale, not a fault", () => {
    expect(refusal(fresh, prepare())).toBe("signed");
    expect(refusal(fresh, prepare(), HEIGHT)).toBe("STALE_HEIGHT");
    expect(refusal(fresh, prepare(), HEIGHT - 2)).toBe("S1_HEIGHT");
  });

  it("S2: a record of another chain signs nothing", () => {
    expect(refusal({ ...fresh, chainId: cast.result("other") }, prepare())).toBe("S2_CHAIN");
  });

  it("S3: a key whose record is lost or below its floor signs nothing, not even a suspicion", () => {
    const suspect: SigningRequest = { kind: "suspect", height: HEIGHT, view: 0, waitingFor: [] };
    expect(refusal({ ...fresh, mustNotSign: "RECORD_LOST" }, prepare())).toBe("S3_MUST_NOT_SIGN");
    expect(refusal({ ...fresh, mustNotSign: "RECORD_LOST" }, suspect)).toBe("S3_MUST_NOT_SIGN");
    expect(refusal({ ...fresh, floorHeight: HEIGHT + 1 }, prepare())).toBe("S3_BELOW_FLOOR");
    expect(refusal({ ...fresh, floorHeight: HEIGHT }, prepare())).toBe("signed");
  });

  it("S4: a key that is no validator of the height signs nothing", () => {
    expect(refusal({ ...fresh, publicKey: cast.result("stranger") }, prepare())).toBe("S4_NOT_A_VALIDATOR");
  });

  it("S5: refuses a second PREPARE in one view, of the same block or another", () => {
    const record = sign(fresh, prepare());
    expect(refusal(record, prepare())).toBe("S5_POSITION");
    expect(refusal(record, prepare(B))).toBe("S5_POSITION");
  });

  it("S5: refuses everything at or below the highest position, in every order of steps", () => {
    const steps: readonly SigningRequest[] = [
      prepare(),
      commit(),
      viewChange(1),
      prepareInView1(),
      commit(A, { view: 1 }),
      viewChange(2),
    ];
    let record = fresh;
    for (const [index, step] of steps.entries()) {
      record = sign(record, step);
      for (const earlier of steps.slice(0, index + 1)) expect(refusal(record, earlier)).toBe("S5_POSITION");
    }
  });

  it("S5: after VIEW-CHANGE nothing of a lower view is signed any more", () => {
    const record = sign(fresh, viewChange(3));
    expect(refusal(record, prepare())).toBe("S5_POSITION");
    expect(refusal(record, commit())).toBe("S5_POSITION");
    expect(refusal(record, viewChange(2))).toBe("S5_POSITION");
    expect(refusal(record, prepareInView1())).toBe("S5_POSITION");
  });

  it("S5: a record ahead of the store (height 5 against head 0) signs nothing below", () => {
    expect(refusal({ ...fresh, height: 5, position: { view: 0, step: 1 } }, prepare())).toBe("S5_POSITION");
  });

  it("S6: a vote above view 0 needs q suspicions of the view before", () => {
    const bare = { ...viewChange(1), suspicion: cast.suspicion(0, [0, 1]) } as SigningRequest;
    const other = { ...viewChange(1), suspicion: cast.suspicion(1) } as SigningRequest;
    expect(refusal(fresh, bare)).toBe("S6_SUSPICION");
    expect(refusal(fresh, other)).toBe("S6_SUSPICION");
    expect(refusal(fresh, { ...prepareInView1(), suspicion: undefined } as SigningRequest)).toBe("S6_SUSPICION");
  });

  it("S7: a PREPARE above view 0 needs a NEW-VIEW of q VIEW-CHANGEs by distinct validators", () => {
    const request = (viewChanges: ReturnType<Cast["viewChange"]>[]) =>
      prepare(cast.block("c", 1), {
        view: 1,
        newView: cast.newView(1, cast.block("c", 1).proposal.blockHash, viewChanges).content,
        suspicion: cast.suspicion(0),
      });
    const votes = [0, 1, 2].map((signer) => cast.viewChange(signer, 1));
    expect(refusal(fresh, request(votes))).toBe("signed");
    expect(refusal(fresh, request(votes.slice(0, 2)))).toBe("S7_NEW_VIEW");
    expect(refusal(fresh, request([votes[0]!, votes[0]!, votes[1]!]))).toBe("S7_NEW_VIEW");
    expect(refusal(fresh, prepare(cast.block("c", 1), { view: 1, suspicion: cast.suspicion(0) }))).toBe("S7_NEW_VIEW");
  });

  it("S7: the highest lock in the NEW-VIEW decides the block, also against the own lock", () => {
    const locked = sign(sign(fresh, commit(B)), viewChange(1));
    expect(refusal(locked, prepareInView1(A))).toBe("signed");
    expect(refusal(fresh, prepareInView1(B, [hashA, undefined, undefined]))).toBe("S7_NEW_VIEW");
    // A free NEW-VIEW wants a block of its own view; A was proposed in view 0.
    expect(refusal(fresh, prepareInView1(A, [undefined, undefined, undefined]))).toBe("S7_PROPOSAL");
  });

  it("S8: COMMIT needs q PREPAREs of this height, view and block", () => {
    expect(refusal(fresh, commit(A, { certificate: cast.prepared(0, hashB) }))).toBe("S8_CERTIFICATE");
    expect(refusal(fresh, commit(A, { certificate: cast.prepared(1, hashA) }))).toBe("S8_CERTIFICATE");
    expect(refusal(fresh, commit(A, { certificate: cast.prepared(0, hashA, [0, 1]) }))).toBe("S8_CERTIFICATE");
    const commits = [0, 1, 2].map((signer) => cast.commit(signer, 0, hashA, cast.result("r")));
    expect(refusal(fresh, commit(A, { certificate: cast.certificate(commits) }))).toBe("S8_CERTIFICATE");
  });

  it("S8: COMMIT does not need the own PREPARE, nor is it hindered by one for another block", () => {
    expect(refusal(fresh, commit())).toBe("signed");
    expect(refusal(sign(fresh, prepare(B)), commit(A))).toBe("signed");
  });

  it("S9: one result per block, in every view of the height", () => {
    const record = sign(fresh, commit());
    expect(refusal(record, commit(A, { view: 1, resultHash: cast.result("other") }))).toBe("S9_TWO_RESULTS");
    expect(refusal(record, commit(A, { view: 1 }))).toBe("signed");
    expect(refusal(record, commit(B, { view: 1, resultHash: cast.result("other") }))).toBe("signed");
  });

  it("S10: VIEW-CHANGE names the highest COMMIT of the record, with its certificate and block, never a mere PREPARE", () => {
    const claimOf = (record: VoteRecord) => {
      const decision = judge(record, viewChange(4));
      if (!decision.ok) throw new Error(decision.code);
      const message = decodeMessage(decision.seal([new Uint8Array(64)]).message);
      if (!message.ok || message.value.kind !== "viewChange") throw new Error("no VIEW-CHANGE");
      return message.value;
    };
    expect(claimOf(fresh).viewChange.prepared).toBeUndefined();
    expect(claimOf(sign(fresh, prepare())).viewChange.prepared).toBeUndefined();
    const once = sign(sign(fresh, prepare()), commit());
    expect(claimOf(once).viewChange.prepared).toEqual({ view: 0, blockHash: hashA });
    expect(claimOf(once).certificate).toEqual(cast.prepared(0, hashA));
    expect(toHex(claimOf(once).block?.bytes ?? new Uint8Array())).toBe(toHex(A.bytes));
    const twice = sign(once, commit(B, { view: 2 }));
    expect(claimOf(twice).viewChange.prepared).toEqual({ view: 2, blockHash: hashB });
  });

  it("S11: a SUSPECT has no position and leaves the record as it is", () => {
    const record = sign(fresh, commit());
    const decision = judge(record, { kind: "suspect", height: HEIGHT, view: 0, waitingFor: [hashA] });
    if (!decision.ok) throw new Error(decision.code);
    expect(decision.seal([new Uint8Array(64)]).record).toBe(record);
  });

  it("S12: the record keeps the frames of the highest view, the suspicion that led there, and every block voted for", () => {
    let record = sign(sign(fresh, prepare(B)), commit(A));
    expect(record.frames.length).toBe(2);
    expect(record.suspicionBytes).toBeUndefined();
    record = sign(record, viewChange(1));
    expect(record.frames.length).toBe(1);
    expect(bytesEqual(record.suspicionBytes ?? new Uint8Array(), cast.suspicion(0).bytes)).toBe(true);
    expect(record.proposals.map(({ blockHash }) => toHex(blockHash))).toEqual([toHex(hashB), toHex(hashA)]);
    expect(record.sequence).toBe(3);
  });

  it("S12: the locked block stays in the record however many others are prepared after it", () => {
    let record = sign(sign(fresh, prepare()), commit());
    for (let view = 1; view <= RECORDED_PROPOSALS_MAX + 3; view += 1) {
      const block = cast.block(`other ${view}`, view);
      const viewChanges = [0, 2, 3].map((signer) => cast.viewChange(signer, view));
      const newView = cast.newView(view, block.proposal.blockHash, viewChanges).content;
      record = sign(record, prepare(block, { view, newView, suspicion: cast.suspicion(view - 1) }));
    }
    expect(record.proposals.length).toBe(RECORDED_PROPOSALS_MAX);
    expect(refusal(record, viewChange(RECORDED_PROPOSALS_MAX + 4))).toBe("signed");
  });

  it("S12: a new height forgets votes, lock, results and blocks of the old one, and nothing else", () => {
    const old: VoteRecord = { ...sign(sign(fresh, prepare()), commit()), height: HEIGHT - 1, sequence: 41 };
    const record = sign(old, prepare());
    expect(record).toMatchObject({
      height: HEIGHT,
      sequence: 42,
      lock: undefined,
      results: [],
      position: { view: 0, step: 1 },
    });
    expect(record.frames.length).toBe(1);
    expect(record.proposals.length).toBe(1);
  });

  it("NEW-VIEW and the primary's PREPARE are one record and one frame", () => {
    const block = cast.block("c", 1);
    const { content } = cast.newView(
      1,
      block.proposal.blockHash,
      [0, 1, 2].map((signer) => cast.viewChange(signer, 1)),
    );
    const decision = judge(
      fresh,
      prepare(block, { view: 1, newView: content, asPrimary: true, suspicion: cast.suspicion(0) }),
    );
    if (!decision.ok) throw new Error(decision.code);
    expect(decision.signedBytes.length).toBe(2);
    const { record, message } = decision.seal(decision.signedBytes.map((bytes) => cast.key(OWN).sign(bytes)));
    expect(record.frames).toEqual([message]);
    const decoded = decodeMessage(message);
    expect(decoded.ok && decoded.value.kind).toBe("prePrepare");
  });
});
