// Decides from the durable vote record whether this key may sign this vote (protocol.md "What a key may sign").
// Trusts nothing the core says that the record or the request's own parts can tell; keeps no state between calls.

import { refuse } from "../errors.ts";
import { bitmapIndexes, quorumSize } from "../ledger/certificate.ts";
import { validatorsHashOf } from "../ledger/format-cluster.ts";
import { encodeCertificate, voteSigningBytes } from "../ledger/format-vote.ts";
import { bytesEqual, EMPTY_BYTES, type Hash } from "../ledger/hash.ts";
import type { Certificate, Validator, Vote } from "../ledger/types.ts";
import { newViewDecision, provesClaim } from "./height-verifier.ts";
import { RECORDED_PROPOSALS_MAX, RESULTS_MAX } from "./limits.ts";
import { type EncodedProposal, encodePrePrepare, encodeSuspect, encodeViewChange, encodeVote } from "./messages.ts";
import { isAbove, type Position, STEP_COMMIT, STEP_PREPARE, STEP_VIEW_CHANGE } from "./positions.ts";
import {
  type NewView,
  newViewSigningBytes,
  type Suspicion,
  suspectSigningBytes,
  viewChangeSigningBytes,
} from "./view-formats.ts";
import type { VoteRecord } from "./vote-record.ts";

export { decodeVoteRecord, emptyVoteRecord, encodeVoteRecord, type VoteRecord } from "./vote-record.ts";

/** What the core asks this key to sign. A SUSPECT has no position and binds nothing; all others do. */
export type SigningRequest =
  | {
      readonly kind: "prepare";
      readonly height: number;
      readonly view: number;
      readonly block: EncodedProposal;
      /** that view's NEW-VIEW; undefined in view 0. The primary signs it together with its PREPARE */
      readonly newView: NewView | undefined;
      /** whether it leaves as PRE-PREPARE, with the signed NEW-VIEW in a view above 0 */
      readonly asPrimary: boolean;
      readonly suspicion: Suspicion | undefined;
    }
  | {
      readonly kind: "commit";
      readonly height: number;
      readonly view: number;
      readonly block: EncodedProposal;
      /** this node's own result of the block */
      readonly resultHash: Hash;
      /** q PREPAREs of this height, view and block */
      readonly certificate: Certificate;
      readonly suspicion: Suspicion | undefined;
    }
  /** `view` is the target; the lock comes from the record */
  | { readonly kind: "viewChange"; readonly height: number; readonly view: number; readonly suspicion: Suspicion }
  | { readonly kind: "suspect"; readonly height: number; readonly view: number; readonly waitingFor: readonly Hash[] };

type RequestOf<Kind extends SigningRequest["kind"]> = Extract<SigningRequest, { kind: Kind }>;

export type Authorisation =
  | {
      readonly ok: true;
      /** what to sign, in order */
      readonly signedBytes: readonly Uint8Array[];
      /** Takes one signature per entry of `signedBytes`. `record` must be durable before `message` leaves the node. */
      seal(signatures: readonly Uint8Array[]): { readonly record: VoteRecord; readonly message: Uint8Array };
    }
  /** STALE_HEIGHT: committed meanwhile, drop the request. Every other code is a bug of our own: halt. */
  | { readonly ok: false; readonly code: string; readonly detail: string };

interface Context {
  readonly record: VoteRecord;
  readonly chainId: Hash;
  readonly validators: readonly Validator[];
  readonly validatorsHash: Hash;
  readonly own: number;
}

/**
 * Judges one request. The caller signs `signedBytes`, calls `seal`, saves the record synced, and only then lets the message out;
 * requests are judged one after the other, each against the record the one before has left.
 * @param facts.head own certified head, as stored @param facts.validators of the height above it
 */
export function authorise(facts: {
  readonly record: VoteRecord;
  readonly request: SigningRequest;
  readonly head: { readonly height: number };
  readonly validators: readonly Validator[];
  readonly chainId: Hash;
}): Authorisation {
  const { record, request, head, validators, chainId } = facts;
  if (request.height <= head.height) return refuse("STALE_HEIGHT", `head is ${head.height}`);
  if (request.height !== head.height + 1) return refuse("S1_HEIGHT", `${request.height} above head ${head.height}`);
  if (!bytesEqual(record.chainId, chainId)) return refuse("S2_CHAIN", "the record belongs to another chain");
  if (record.mustNotSign !== undefined) return refuse("S3_MUST_NOT_SIGN", record.mustNotSign);
  if (request.height < record.floorHeight) return refuse("S3_BELOW_FLOOR", `floor is ${record.floorHeight}`);
  const own = validators.findIndex(({ publicKey }) => bytesEqual(publicKey, record.publicKey));
  if (own < 0) return refuse("S4_NOT_A_VALIDATOR", `at height ${request.height}`);
  const context: Context = { record, chainId, validators, validatorsHash: validatorsHashOf(validators), own };
  if (request.kind === "suspect") return authoriseSuspect(context, request);
  const position = positionOf(request);
  const refused = refusePosition(record, request.height, position) ?? refuseSuspicion(context, request);
  if (refused !== undefined) return refused;
  if (request.kind === "prepare") return authorisePrepare(context, request, position);
  if (request.kind === "commit") return authoriseCommit(context, request, position);
  return authoriseViewChange(context, request, position);
}

type Refusal = Extract<Authorisation, { ok: false }>;

function positionOf(request: Exclude<SigningRequest, { kind: "suspect" }>): Position {
  if (request.kind === "viewChange") return { view: request.view, step: STEP_VIEW_CHANGE };
  return { view: request.view, step: request.kind === "prepare" ? STEP_PREPARE : STEP_COMMIT };
}

// The order of positions is the whole of agreement within a key: nothing at or below a signed one, ever again.
function refusePosition(record: VoteRecord, height: number, position: Position): Refusal | undefined {
  if (height < record.height) return refuse("S5_POSITION", `record is at height ${record.height}`);
  if (height > record.height || record.position === undefined) return undefined;
  if (isAbove(position, record.position)) return undefined;
  const { view, step } = record.position;
  return refuse("S5_POSITION", `${position.view}.${position.step} is not above ${view}.${step}`);
}

// A vote above view 0 keeps what led there, so that a restart can lead the others there too (pitfall 33).
function refuseSuspicion(context: Context, request: Exclude<SigningRequest, { kind: "suspect" }>): Refusal | undefined {
  const { suspicion, height, view } = request;
  if (view === 0)
    return suspicion === undefined && request.kind !== "viewChange" ? undefined : refuse("S6_SUSPICION", "in view 0");
  if (suspicion === undefined || suspicion.height !== height || suspicion.view !== view - 1)
    return refuse("S6_SUSPICION", "of another view");
  const signers = new Set(suspicion.suspects.map(({ signer }) => signer));
  return signers.size >= quorumSize(context.validators.length) ? undefined : refuse("S6_SUSPICION", "no quorum");
}

function authorisePrepare(context: Context, request: RequestOf<"prepare">, position: Position): Authorisation {
  const { record, chainId, validatorsHash, validators, own } = context;
  const { height, view, block, newView, suspicion } = request;
  const { header, blockHash } = block.proposal;
  if (header.height !== height || !bytesEqual(header.chainId, chainId))
    return refuse("S7_PROPOSAL", "of another height or chain");
  if ((view === 0) !== (newView === undefined)) return refuse("S7_NEW_VIEW", "a view above 0 has exactly one");
  const proposedView = proposedViewOf(request, validators.length);
  if (proposedView === undefined) return refuse("S7_NEW_VIEW", "its rule is broken or it names another block");
  if (proposedView === "free" ? header.view !== view : header.view > proposedView)
    return refuse("S7_PROPOSAL", "header names another view");
  const vote = { kind: "prepare", height, view, blockHash, resultHash: EMPTY_BYTES } as const;
  const prepareBytes = voteSigningBytes({ ...vote, chainId, validatorsHash });
  const next = advanced(record, { height, position, block, suspicion });
  const place = { chainId, height, view, validatorsHash };
  if (!request.asPrimary) {
    return {
      ok: true,
      signedBytes: [prepareBytes],
      seal: ([signature = EMPTY_BYTES]) => sealed(next, encodeVote({ ...vote, signer: own, signature })),
    };
  }
  const signedBytes = [prepareBytes];
  if (newView !== undefined)
    signedBytes.push(newViewSigningBytes({ ...place, blockHash, contentBytes: newView.bytes }));
  return {
    ok: true,
    signedBytes,
    seal: ([signature = EMPTY_BYTES, newViewSignature = EMPTY_BYTES]) => {
      const signedNewView = newView === undefined ? undefined : { bytes: newView.bytes, signature: newViewSignature };
      const parts = { height, view, proposalBytes: block.bytes, signature, newView: signedNewView };
      return sealed(next, encodePrePrepare({ ...parts, suspicionBytes: suspicion?.bytes }));
    },
  };
}

/** "free" when the header's view must be this one; otherwise the view of the lock that decides; undefined: not allowed. */
function proposedViewOf(request: RequestOf<"prepare">, validatorCount: number): "free" | number | undefined {
  const { height, view, block, newView } = request;
  if (newView === undefined) return "free";
  if (newView.height !== height || newView.view !== view) return undefined;
  if (!bytesEqual(newView.blockHash, block.proposal.blockHash)) return undefined;
  const decision = newViewDecision(newView, validatorCount);
  if (!decision.ok) return undefined;
  return decision.value === undefined ? "free" : decision.value.view;
}

function authoriseCommit(context: Context, request: RequestOf<"commit">, position: Position): Authorisation {
  const { record, chainId, validatorsHash, own } = context;
  const { height, view, block, resultHash, certificate, suspicion } = request;
  const { blockHash } = block.proposal;
  const signers = bitmapIndexes(certificate.signers, context.validators.length) ?? [];
  const isProved =
    provesClaim(certificate, height, { view, blockHash }) && signers.length === certificate.signatures.length;
  if (!isProved || signers.length < quorumSize(context.validators.length))
    return refuse("S8_CERTIFICATE", "not q PREPAREs of this vote");
  const results = height === record.height ? record.results : [];
  const before = results.find((entry) => bytesEqual(entry.blockHash, blockHash));
  if (before !== undefined && !bytesEqual(before.resultHash, resultHash))
    return refuse("S9_TWO_RESULTS", "another result was signed for this block");
  if (before === undefined && results.length >= RESULTS_MAX)
    return refuse("S9_TOO_MANY_RESULTS", `${RESULTS_MAX} blocks at one height`);
  const vote = { kind: "commit", height, view, blockHash, resultHash } as const;
  const lock = { view, blockHash, certificateBytes: encodeCertificate(certificate) };
  const next = {
    ...advanced(record, { height, position, block, suspicion }),
    results: before === undefined ? [...results, { blockHash, resultHash }] : results,
    lock,
  };
  return {
    ok: true,
    signedBytes: [voteSigningBytes({ ...vote, chainId, validatorsHash })],
    seal: ([signature = EMPTY_BYTES]) => sealed(next, encodeVote({ ...vote, signer: own, signature } satisfies Vote)),
  };
}

function authoriseViewChange(context: Context, request: RequestOf<"viewChange">, position: Position): Authorisation {
  const { record, chainId, validatorsHash, own } = context;
  const { height, view, suspicion } = request;
  const lock = height === record.height ? record.lock : undefined;
  const prepared = lock === undefined ? undefined : { view: lock.view, blockHash: lock.blockHash };
  const proposalBytes = lock && record.proposals.find(({ blockHash }) => bytesEqual(blockHash, lock.blockHash))?.bytes;
  if (lock !== undefined && proposalBytes === undefined)
    return refuse("S10_LOCKED_PROPOSAL", "the record lost the locked block");
  const next = advanced(record, { height, position, block: undefined, suspicion });
  return {
    ok: true,
    signedBytes: [viewChangeSigningBytes({ chainId, height, targetView: view, validatorsHash, prepared })],
    seal: ([signature = EMPTY_BYTES]) => {
      const viewChange = { signer: own, prepared, signature };
      const attached = { certificateBytes: lock?.certificateBytes, proposalBytes, suspicionBytes: suspicion.bytes };
      return sealed(next, encodeViewChange({ height, targetView: view, viewChange, ...attached }));
    },
  };
}

function authoriseSuspect(context: Context, request: RequestOf<"suspect">): Authorisation {
  const { record, chainId, validatorsHash, own } = context;
  const { height, view, waitingFor } = request;
  return {
    ok: true,
    signedBytes: [suspectSigningBytes({ chainId, height, view, validatorsHash, waitingFor })],
    seal: ([signature = EMPTY_BYTES]) => ({
      record,
      message: encodeSuspect(height, view, { signer: own, waitingFor, signature }),
    }),
  };
}

/** The record after a vote, its frame still to come. A new height forgets the votes, locks and blocks of the old one. */
function advanced(
  record: VoteRecord,
  vote: {
    readonly height: number;
    readonly position: Position;
    readonly block: EncodedProposal | undefined;
    readonly suspicion: Suspicion | undefined;
  },
): VoteRecord {
  const isSameHeight = record.height === vote.height;
  const base: VoteRecord = isSameHeight
    ? record
    : { ...record, frames: [], results: [], lock: undefined, proposals: [] };
  const isSameView = isSameHeight && record.position?.view === vote.position.view;
  return {
    ...base,
    sequence: record.sequence + 1,
    height: vote.height,
    position: vote.position,
    frames: isSameView ? record.frames : [],
    suspicionBytes: vote.suspicion?.bytes,
    proposals: withProposal(base, vote.block),
  };
}

// The locked block is never the one that makes room: every VIEW-CHANGE has to show it.
function withProposal(record: VoteRecord, block: EncodedProposal | undefined): VoteRecord["proposals"] {
  const { proposals, lock } = record;
  if (block === undefined) return proposals;
  const { blockHash } = block.proposal;
  const others = proposals.filter((entry) => !bytesEqual(entry.blockHash, blockHash));
  const isFull = others.length >= RECORDED_PROPOSALS_MAX;
  const oldest = others.findIndex((entry) => lock === undefined || !bytesEqual(entry.blockHash, lock.blockHash));
  const kept = isFull ? others.filter((_, place) => place !== oldest) : others;
  return [...kept, { blockHash, bytes: block.bytes }];
}

function sealed(next: VoteRecord, message: Uint8Array): { readonly record: VoteRecord; readonly message: Uint8Array } {
  return { record: { ...next, frames: [...next.frames, message] }, message };
}
