// The frames replicas exchange, as bytes and as a closed union. A frame is `[version, kind, height, view, body]`.
// Judges form and bounds only: who signed, and whether it counts, is judged with the validators at hand.

import type { Verdict } from "../errors.ts";
import {
  DECODE_LIMITS,
  type DecodeLimits,
  decodeWith,
  encode,
  ownBytes,
  type Reader,
  type Value,
} from "../ledger/codec.ts";
import { decodeProposal, encodeProposal } from "../ledger/format-block.ts";
import { decodeCertificate, encodeCertificate } from "../ledger/format-vote.ts";
import { EMPTY_BYTES, type Hash } from "../ledger/hash.ts";
import { LIMITS } from "../ledger/limits.ts";
import { type Certificate, FORMAT_VERSION, type Proposal, type Vote } from "../ledger/types.ts";
import { FRAME_BYTES_MAX, VIEW_MAX, WAITING_FOR_MAX } from "./limits.ts";
import {
  decodeNewView,
  decodeSuspicion,
  type NewView,
  readSuspect,
  readViewChange,
  type SignedSuspect,
  type SignedViewChange,
  type Suspicion,
  suspectItems,
  viewChangeItems,
} from "./view-formats.ts";

/** Kinds by their number on the wire. Numbers never change their meaning. */
const KINDS = [
  "prePrepare",
  "prepare",
  "commit",
  "suspect",
  "suspicion",
  "viewChange",
  "prepared",
  "decided",
  "waiting",
] as const;
export type MessageKind = (typeof KINDS)[number];

/** A proposal with the bytes it came in: what is passed on or recorded is never encoded again. */
export interface EncodedProposal {
  readonly proposal: Proposal;
  /** as `encodeProposal` makes it */
  readonly bytes: Uint8Array;
}

/** The primary's frame: proposal, its PREPARE, and above view 0 what entitles it (PBFT 4.2, 4.4). */
export interface PrePrepareMessage {
  readonly kind: "prePrepare";
  readonly height: number;
  readonly view: number;
  readonly block: EncodedProposal;
  /** the primary's PREPARE; its signer is primary(height, view) */
  readonly signature: Uint8Array;
  readonly newView: { readonly content: NewView; readonly signature: Uint8Array } | undefined;
  /** certificate that view - 1 is suspected; undefined in view 0 */
  readonly suspicion: Suspicion | undefined;
}

export interface VoteMessage {
  readonly kind: "prepare" | "commit";
  readonly height: number;
  readonly view: number;
  readonly vote: Vote;
}

export interface SuspectMessage {
  readonly kind: "suspect";
  readonly height: number;
  readonly view: number;
  readonly suspect: SignedSuspect;
}

/** q suspicions of `view`: moves every replica below view + 1 straight there. */
export interface SuspicionMessage {
  readonly kind: "suspicion";
  readonly height: number;
  readonly view: number;
  readonly suspicion: Suspicion;
}

/** `view` is the target. A claimed lock comes with its prepared certificate and the block it names. */
export interface ViewChangeMessage {
  readonly kind: "viewChange";
  readonly height: number;
  readonly view: number;
  readonly viewChange: SignedViewChange;
  readonly certificate: Certificate | undefined;
  readonly block: EncodedProposal | undefined;
  readonly suspicion: Suspicion;
}

/** A prepared certificate with its block; `decided`: a commit certificate with its block, the answer to who lags behind. */
export interface CertifiedMessage {
  readonly kind: "prepared" | "decided";
  readonly height: number;
  readonly view: number;
  readonly block: EncodedProposal;
  readonly certificate: Certificate;
}

/**
 * Unsigned: the sender still waits for this height. Asks for the block if it is committed elsewhere, and spreads the batches
 * it waits for: whoever lacks them can have them from the sender.
 */
export interface WaitingMessage {
  readonly kind: "waiting";
  readonly height: number;
  readonly view: number;
  readonly digests: readonly Hash[];
}

export type ConsensusMessage =
  | PrePrepareMessage
  | VoteMessage
  | SuspectMessage
  | SuspicionMessage
  | ViewChangeMessage
  | CertifiedMessage
  | WaitingMessage;

/** What can be said of a frame before its body is read. */
export interface Envelope {
  readonly kind: MessageKind;
  readonly height: number;
  readonly view: number;
  readonly body: Uint8Array;
}

const FRAME_LIMITS: DecodeLimits = { ...DECODE_LIMITS, bytesMax: FRAME_BYTES_MAX };

export function decodeEnvelope(bytes: Uint8Array): Verdict<Envelope> {
  return decodeWith(bytes, FRAME_LIMITS, (reader) => {
    reader.tuple(5);
    reader.version(FORMAT_VERSION);
    const kind = KINDS[reader.uint(0, KINDS.length - 1)] as MessageKind;
    return {
      kind,
      height: reader.uint(1),
      view: reader.uint(0, VIEW_MAX),
      body: reader.view(1, FRAME_BYTES_MAX),
    };
  });
}

/** Parts that stand for themselves (proposals, certificates) are copied: nothing kept pins the frame. */
export function decodeBody(envelope: Envelope): Verdict<ConsensusMessage> {
  return decodeWith(envelope.body, FRAME_LIMITS, (reader) => BODY_READERS[envelope.kind](reader, envelope));
}

export function decodeMessage(bytes: Uint8Array): Verdict<ConsensusMessage> {
  const envelope = decodeEnvelope(bytes);
  return envelope.ok ? decodeBody(envelope.value) : envelope;
}

function encodeFrame(kind: MessageKind, height: number, view: number, body: Value): Uint8Array {
  return encode([FORMAT_VERSION, KINDS.indexOf(kind), height, view, encode(body)]);
}

export function encodePrePrepare(parts: {
  readonly height: number;
  readonly view: number;
  readonly proposalBytes: Uint8Array;
  readonly signature: Uint8Array;
  readonly newView: { readonly bytes: Uint8Array; readonly signature: Uint8Array } | undefined;
  readonly suspicionBytes: Uint8Array | undefined;
}): Uint8Array {
  const newView = parts.newView === undefined ? [] : [parts.newView.bytes, parts.newView.signature];
  const body = [parts.proposalBytes, parts.signature, newView, parts.suspicionBytes ?? EMPTY_BYTES];
  return encodeFrame("prePrepare", parts.height, parts.view, body);
}

export function encodeVote(vote: Vote): Uint8Array {
  return encodeFrame(vote.kind, vote.height, vote.view, [vote.blockHash, vote.resultHash, vote.signer, vote.signature]);
}

export function encodeSuspect(height: number, view: number, suspect: SignedSuspect): Uint8Array {
  return encodeFrame("suspect", height, view, suspectItems(suspect));
}

export function encodeSuspicionMessage(suspicion: {
  readonly height: number;
  readonly view: number;
  readonly bytes: Uint8Array;
}): Uint8Array {
  return encodeFrame("suspicion", suspicion.height, suspicion.view, [suspicion.bytes]);
}

export function encodeViewChange(parts: {
  readonly height: number;
  readonly targetView: number;
  readonly viewChange: SignedViewChange;
  readonly certificateBytes: Uint8Array | undefined;
  readonly proposalBytes: Uint8Array | undefined;
  readonly suspicionBytes: Uint8Array;
}): Uint8Array {
  return encodeFrame("viewChange", parts.height, parts.targetView, [
    viewChangeItems(parts.viewChange),
    parts.certificateBytes ?? EMPTY_BYTES,
    parts.proposalBytes ?? EMPTY_BYTES,
    parts.suspicionBytes,
  ]);
}

export function encodeCertified(
  kind: CertifiedMessage["kind"],
  parts: {
    readonly height: number;
    readonly view: number;
    readonly proposalBytes: Uint8Array;
    readonly certificateBytes: Uint8Array;
  },
): Uint8Array {
  return encodeFrame(kind, parts.height, parts.view, [parts.proposalBytes, parts.certificateBytes]);
}

/** What the node sends for the effect `sendDecided`: the stored block and the certificate it was committed by. */
export function encodeDecided(block: { readonly proposal: Proposal; readonly certificate: Certificate }): Uint8Array {
  const { height, view } = block.certificate;
  return encodeCertified("decided", {
    height,
    view,
    proposalBytes: encodeProposal(block.proposal),
    certificateBytes: encodeCertificate(block.certificate),
  });
}

/** @param digests batches that the sender holds and waits for, at most `WAITING_FOR_MAX` */
export function encodeWaiting(height: number, view: number, digests: readonly Hash[]): Uint8Array {
  return encodeFrame("waiting", height, view, [digests]);
}

// ---- bodies ----

type BodyReader = (reader: Reader, envelope: Envelope) => ConsensusMessage;

const BODY_READERS: Readonly<Record<MessageKind, BodyReader>> = {
  prePrepare: readPrePrepare,
  prepare: (reader, envelope) => readVote(reader, envelope, "prepare"),
  commit: (reader, envelope) => readVote(reader, envelope, "commit"),
  suspect: (reader, { height, view }) => ({ kind: "suspect", height, view, suspect: readSuspect(reader) }),
  suspicion: readSuspicionMessage,
  viewChange: readViewChangeMessage,
  prepared: (reader, envelope) => readCertified(reader, envelope, "prepared"),
  decided: (reader, envelope) => readCertified(reader, envelope, "decided"),
  waiting: (reader, { height, view }) => {
    reader.tuple(1);
    return { kind: "waiting", height, view, digests: reader.list(0, WAITING_FOR_MAX, (inner) => inner.hash()) };
  },
};

function readPrePrepare(reader: Reader, { height, view }: Envelope): PrePrepareMessage {
  reader.tuple(4);
  const block = readBlock(reader, height);
  const signature = reader.byteString(1, LIMITS.signatureBytesMax);
  const parts = reader.array(0, 2);
  if (parts !== (view === 0 ? 0 : 2)) reader.fail("PRE_PREPARE_NEW_VIEW");
  let newView: PrePrepareMessage["newView"];
  if (parts === 2) {
    const content = take(reader, decodeNewView(reader.byteString(1, FRAME_BYTES_MAX)));
    if (content.height !== height || content.view !== view) reader.fail("PRE_PREPARE_NEW_VIEW");
    newView = { content, signature: reader.byteString(1, LIMITS.signatureBytesMax) };
  }
  return {
    kind: "prePrepare",
    height,
    view,
    block,
    signature,
    newView,
    suspicion: readSuspicion(reader, height, view),
  };
}

function readVote(reader: Reader, { height, view }: Envelope, kind: Vote["kind"]): VoteMessage {
  reader.tuple(4);
  const blockHash = reader.hash();
  const resultBytes = kind === "commit" ? 32 : 0;
  const resultHash = reader.byteString(resultBytes, resultBytes);
  const signer = reader.uint(0, LIMITS.validatorsMax - 1);
  const signature = reader.byteString(1, LIMITS.signatureBytesMax);
  return { kind, height, view, vote: { kind, height, view, blockHash, resultHash, signer, signature } };
}

function readSuspicionMessage(reader: Reader, { height, view }: Envelope): SuspicionMessage {
  reader.tuple(1);
  const suspicion = take(reader, decodeSuspicion(reader.byteString(1, FRAME_BYTES_MAX)));
  if (suspicion.height !== height || suspicion.view !== view) reader.fail("SUSPICION_POSITION");
  return { kind: "suspicion", height, view, suspicion };
}

function readViewChangeMessage(reader: Reader, { height, view }: Envelope): ViewChangeMessage {
  reader.tuple(4);
  const viewChange = readViewChange(reader);
  const certificateBytes = reader.view(0, LIMITS.certificateBytesMax);
  const certificate = certificateBytes.length === 0 ? undefined : take(reader, decodeCertificate(certificateBytes));
  const block = viewChange.prepared === undefined ? undefined : readBlock(reader, height);
  if (block === undefined) reader.view(0, 0);
  const suspicion = readSuspicion(reader, height, view);
  if (suspicion === undefined) return reader.fail("VIEW_CHANGE_WITHOUT_SUSPICION");
  const { prepared } = viewChange;
  if ((prepared === undefined) !== (certificate === undefined)) reader.fail("VIEW_CHANGE_LOCK");
  if (prepared !== undefined && prepared.view >= view) reader.fail("VIEW_CHANGE_LOCK");
  return { kind: "viewChange", height, view, viewChange, certificate, block, suspicion };
}

function readCertified(reader: Reader, { height, view }: Envelope, kind: CertifiedMessage["kind"]): CertifiedMessage {
  reader.tuple(2);
  const block = readBlock(reader, height);
  const certificate = take(reader, decodeCertificate(reader.view(1, LIMITS.certificateBytesMax)));
  if (certificate.height !== height || certificate.view !== view) reader.fail("CERTIFICATE_POSITION");
  return { kind, height, view, block, certificate };
}

function readBlock(reader: Reader, height: number): EncodedProposal {
  const bytes = reader.byteString(1, LIMITS.proposalBytesMax);
  const proposal = take(reader, decodeProposal(bytes));
  if (proposal.header.height !== height) reader.fail("PROPOSAL_HEIGHT");
  return { proposal, bytes: ownBytes(bytes) };
}

/** The certificate that moved to `view`: of view - 1, absent in view 0. */
function readSuspicion(reader: Reader, height: number, view: number): Suspicion | undefined {
  const bytes = reader.byteString(0, FRAME_BYTES_MAX);
  if (bytes.length === 0) return view === 0 ? undefined : reader.fail("SUSPICION_MISSING");
  const suspicion = take(reader, decodeSuspicion(bytes));
  if (suspicion.height !== height || suspicion.view !== view - 1) reader.fail("SUSPICION_POSITION");
  return suspicion;
}

function take<T>(reader: Reader, verdict: Verdict<T>): T {
  return verdict.ok ? verdict.value : reader.fail(verdict.code);
}
