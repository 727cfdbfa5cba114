// Proofs of misbehaviour: what contradicts what, their bytes, and the check anybody can make with the validators of the
// height. Silence is never evidence, and no rule here can be broken by a key that follows safety.ts.

import { accept, refuse, type Verdict } from "../errors.ts";
import { DECODE_LIMITS, type DecodeLimits, decodeWith, encode, type Reader, type Value } from "../ledger/codec.ts";
import { bytesEqual, type Hash } from "../ledger/hash.ts";
import { LIMITS } from "../ledger/limits.ts";
import { FORMAT_VERSION, type Validator, type VerifySignature, type Vote } from "../ledger/types.ts";
import { provesInvalidBatch } from "./batch-evidence.ts";
import { HeightVerifier } from "./height-verifier.ts";
import { FRAME_BYTES_MAX, VIEW_MAX } from "./limits.ts";
import { decodeNewView, type NewView, type PreparedClaim } from "./view-formats.ts";

/** Anything signed that has a position. */
export type Statement =
  | Vote
  | {
      readonly kind: "viewChange";
      readonly view: number;
      readonly prepared: PreparedClaim | undefined;
      readonly signature: Uint8Array;
    }
  | { readonly kind: "newView"; readonly view: number; readonly content: NewView; readonly signature: Uint8Array };

/** Rules by their number in the bytes. */
const RULES = ["TWO_VOTES", "TWO_RESULTS", "AMNESIA", "BAD_NEW_VIEW", "INVALID_BATCH"] as const;
export type EvidenceRule = (typeof RULES)[number];
/** "fault" where a broken machine explains it as well as malice. */
export type EvidenceLabel = "malice" | "fault";

export interface Evidence {
  readonly rule: EvidenceRule;
  readonly label: EvidenceLabel;
  readonly height: number;
  /** consensus public key */
  readonly offender: Uint8Array;
}

/**
 * Which rule two statements of one key at one height break; undefined: an honest key may have made both.
 * Neither order nor time is known, so only what is wrong in every order counts.
 */
export function contradictionOf(one: Statement, other: Statement): EvidenceRule | undefined {
  if (one.kind === "commit" && other.kind === "commit") return commitContradiction(one, other);
  if (one.kind === "commit" && other.kind === "viewChange") return amnesia(one, other);
  if (one.kind === "viewChange" && other.kind === "commit") return amnesia(other, one);
  if (one.view !== other.view) return undefined;
  if (one.kind === "viewChange") {
    return other.kind === "viewChange" && !isSameClaim(one.prepared, other.prepared) ? "TWO_VOTES" : undefined;
  }
  if (one.kind === "newView" && other.kind === "newView") {
    return bytesEqual(one.content.bytes, other.content.bytes) ? undefined : "TWO_VOTES";
  }
  // PREPARE and NEW-VIEW stand at one position: the primary signs both for one block.
  const [left, right] = [preparedBlock(one), preparedBlock(other)];
  return left !== undefined && right !== undefined && !bytesEqual(left, right) ? "TWO_VOTES" : undefined;
}

function commitContradiction(one: Vote, other: Vote): EvidenceRule | undefined {
  if (!bytesEqual(one.blockHash, other.blockHash)) return one.view === other.view ? "TWO_VOTES" : undefined;
  return bytesEqual(one.resultHash, other.resultHash) ? undefined : "TWO_RESULTS";
}

// With a target at or below the COMMIT's view an honest key may have asked for the view first and committed in it later (pitfall 39).
function amnesia(commit: Vote, viewChange: Extract<Statement, { kind: "viewChange" }>): EvidenceRule | undefined {
  if (viewChange.view <= commit.view) return undefined;
  return viewChange.prepared === undefined || viewChange.prepared.view < commit.view ? "AMNESIA" : undefined;
}

function preparedBlock(statement: Statement): Hash | undefined {
  if (statement.kind === "prepare") return statement.blockHash;
  return statement.kind === "newView" ? statement.content.blockHash : undefined;
}

function isSameClaim(one: PreparedClaim | undefined, other: PreparedClaim | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.view === other.view && bytesEqual(one.blockHash, other.blockHash);
}

export function labelOf(rule: EvidenceRule): EvidenceLabel {
  return rule === "TWO_RESULTS" ? "fault" : "malice";
}

/** `[version, rule, height, offender, statements]`: one NEW-VIEW for BAD_NEW_VIEW, otherwise two statements; INVALID_BATCH: `encodeInvalidBatch`. */
export function encodeEvidence(evidence: {
  readonly rule: EvidenceRule;
  readonly height: number;
  readonly offender: Uint8Array;
  readonly statements: readonly Statement[];
}): Uint8Array {
  const { rule, height, offender, statements } = evidence;
  return encode([FORMAT_VERSION, RULES.indexOf(rule), height, offender, statements.map(statementItems)]);
}

/** A batch belongs to no height: this stands in its place. */
const INVALID_BATCH_HEIGHT = 1;

/** An invalid batch as a proof against its origin. */
export function encodeInvalidBatch(offender: Uint8Array, batchBytes: Uint8Array): Uint8Array {
  return encode([FORMAT_VERSION, RULES.indexOf("INVALID_BATCH"), INVALID_BATCH_HEIGHT, offender, [batchBytes]]);
}

/** Whom an evidence accuses of what. Nothing of it is checked: for telling what is known already, before the work of checking. */
export function evidenceSubject(
  bytes: Uint8Array,
): Verdict<{ readonly rule: EvidenceRule; readonly height: number; readonly offender: Uint8Array }> {
  return decodeWith(bytes, EVIDENCE_LIMITS, (reader) => {
    reader.tuple(5);
    const subject = readSubject(reader);
    reader.skip(0);
    return subject;
  });
}

/** @param facts.validators those of the height the evidence speaks of */
export function verifyEvidence(facts: {
  readonly bytes: Uint8Array;
  readonly chainId: Hash;
  readonly validators: readonly Validator[];
  readonly verify: VerifySignature;
}): Verdict<Evidence> {
  const { chainId, validators, verify } = facts;
  const decoded = decodeEvidence(facts.bytes);
  if (!decoded.ok) return decoded;
  const { rule, height, offender, parts, batch } = decoded.value;
  const signer = validators.findIndex(({ publicKey }) => bytesEqual(publicKey, offender));
  const validator = validators[signer];
  if (validator === undefined) return refuse("EVIDENCE_NOT_A_VALIDATOR");
  if (batch !== undefined) {
    const proof = provesInvalidBatch({ bytes: batch, chainId, origin: validator, verify });
    return proof.ok ? accept({ rule, label: labelOf(rule), height, offender }) : proof;
  }
  const verifier = new HeightVerifier({ chainId, height, validators, verify });
  const statements = parts.map((part): Statement => ("signer" in part ? { ...part, height, signer } : part));
  if (!statements.every((statement) => isStatementSigned(verifier, signer, statement)))
    return refuse("EVIDENCE_SIGNATURE");
  if (ruleBrokenBy(verifier, statements) !== rule) return refuse("EVIDENCE_PROVES_NOTHING");
  return accept({ rule, label: labelOf(rule), height, offender });
}

function isStatementSigned(verifier: HeightVerifier, signer: number, statement: Statement): boolean {
  if (statement.kind === "newView") return verifier.isNewViewSigned(statement.content, signer, statement.signature);
  if (statement.kind === "viewChange") return verifier.isViewChangeSigned(statement.view, { ...statement, signer });
  return verifier.isVoteSigned(statement);
}

function ruleBrokenBy(verifier: HeightVerifier, statements: readonly Statement[]): EvidenceRule | undefined {
  const [one, other] = statements;
  if (one === undefined) return undefined;
  if (other !== undefined) return contradictionOf(one, other);
  if (one.kind !== "newView" || one.content.height !== verifier.height) return undefined;
  return verifier.checkNewView(one.content).ok ? undefined : "BAD_NEW_VIEW";
}

// ---- bytes ----

const EVIDENCE_LIMITS: DecodeLimits = { ...DECODE_LIMITS, bytesMax: FRAME_BYTES_MAX };
const STATEMENTS = ["prepare", "commit", "viewChange", "newView"] as const;

interface DecodedEvidence {
  readonly rule: EvidenceRule;
  readonly height: number;
  readonly offender: Uint8Array;
  readonly parts: readonly Statement[];
  /** of INVALID_BATCH only, instead of statements */
  readonly batch: Uint8Array | undefined;
}

function decodeEvidence(bytes: Uint8Array): Verdict<DecodedEvidence> {
  return decodeWith(bytes, EVIDENCE_LIMITS, (reader) => {
    reader.tuple(5);
    const { rule, height, offender } = readSubject(reader);
    if (rule === "INVALID_BATCH") {
      if (height !== INVALID_BATCH_HEIGHT) reader.fail("EVIDENCE_POSITION");
      const [batch] = reader.list(1, 1, (inner) => inner.byteString(1, LIMITS.batchBytesMax));
      return { rule, height, offender, parts: [], batch };
    }
    const parts = reader.list(1, 2, (inner) => readStatement(inner, height));
    return { rule, height, offender, parts, batch: undefined };
  });
}

function readSubject(reader: Reader): Pick<DecodedEvidence, "rule" | "height" | "offender"> {
  reader.version(FORMAT_VERSION);
  return {
    rule: RULES[reader.uint(0, RULES.length - 1)] as EvidenceRule,
    height: reader.uint(1),
    offender: reader.byteString(1, LIMITS.publicKeyBytesMax),
  };
}

/** `[kind, view, what was signed..., signature]`. */
function statementItems(statement: Statement): Value {
  const head = [STATEMENTS.indexOf(statement.kind), statement.view];
  if (statement.kind === "newView") return [...head, statement.content.bytes, statement.signature];
  if (statement.kind === "viewChange") {
    const { prepared, signature } = statement;
    return [...head, prepared === undefined ? [] : [prepared.view, prepared.blockHash], signature];
  }
  return [...head, [statement.blockHash, statement.resultHash], statement.signature];
}

function readStatement(reader: Reader, height: number): Statement {
  reader.tuple(4);
  const kind = STATEMENTS[reader.uint(0, STATEMENTS.length - 1)] as Statement["kind"];
  const view = reader.uint(0, VIEW_MAX);
  if (kind === "newView") {
    const content = decodeNewView(reader.byteString(1, FRAME_BYTES_MAX));
    if (!content.ok) return reader.fail(content.code);
    if (content.value.view !== view || content.value.height !== height) reader.fail("EVIDENCE_POSITION");
    return { kind, view, content: content.value, signature: readSignature(reader) };
  }
  if (kind === "viewChange") {
    const count = reader.array(0, 2);
    if (count === 1) reader.fail("VIEW_CHANGE_LOCK");
    const prepared = count === 0 ? undefined : { view: reader.uint(0, VIEW_MAX), blockHash: reader.hash() };
    return { kind, view, prepared, signature: readSignature(reader) };
  }
  reader.tuple(2);
  const resultBytes = kind === "commit" ? 32 : 0;
  const [blockHash, resultHash] = [reader.hash(), reader.byteString(resultBytes, resultBytes)];
  return { kind, height, view, blockHash, resultHash, signer: 0, signature: readSignature(reader) };
}

function readSignature(reader: Reader): Uint8Array {
  return reader.byteString(1, LIMITS.signatureBytesMax);
}
