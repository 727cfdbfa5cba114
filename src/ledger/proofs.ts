// Proofs that need no trust but the genesis: a certified header, a receipt under it, a state row under it or its absence.
// Every byte of a proof is bound by a hash or a signature; never takes a hash, a height or a count from the prover's word.

import { accept, refuse, type Verdict } from "../errors.ts";
import { verifyCertificate } from "./certificate.ts";
import { DECODE_LIMITS, type DecodeLimits, decodeWith, encode, type Reader, type Value } from "./codec.ts";
import { blockHashOf, decodeHeader, decodeResult, resultHashOf } from "./format-block.ts";
import { readValidators, validatorsHashOf, validatorsItems } from "./format-cluster.ts";
import { decodeReceipt, receiptHashOf, valueHashOf } from "./format-receipt.ts";
import { certificateItems, readCertificate } from "./format-vote.ts";
import type { TrustAnchor } from "./genesis.ts";
import { bytesEqual, type Hash } from "./hash.ts";
import { type HistoryProof, historyLeaf, historyProofItems, readHistoryProof, verifyHistoryProof } from "./history.ts";
import { LIMITS } from "./limits.ts";
import { merkleProofItems, readMerkleProof, verifyMerkleProof } from "./merkle.ts";
import {
  readStateTreeProof,
  type StateTreeProof,
  stateKeyHashOf,
  stateTreeProofItems,
  verifyStateTreeProof,
} from "./state-proof.ts";
import {
  type Certificate,
  type CertifiedHeader,
  FORMAT_VERSION,
  type Header,
  type MerkleProof,
  type Receipt,
  type Result,
  type Validator,
  type ValidatorTransition,
  type VerifySignature,
} from "./types.ts";

const PROOF_LIMITS: DecodeLimits = { ...DECODE_LIMITS, bytesMax: LIMITS.proofBytesMax };

/** A header and its result, both certified by q validators of their height. */
export interface VerifiedBlock {
  readonly header: Header;
  readonly result: Result;
  readonly blockHash: Hash;
  readonly resultHash: Hash;
}

/** That a receipt stands in the block of its height. */
export interface ReceiptProof {
  readonly receiptBytes: Uint8Array;
  /** in receiptsRoot of the block's result */
  readonly path: MerkleProof;
  /** the block, when it is older than the certified header; undefined: the certified header is the block's own */
  readonly past:
    | { readonly headerBytes: Uint8Array; readonly resultBytes: Uint8Array; readonly history: HistoryProof }
    | undefined;
  readonly certified: CertifiedHeader;
}

/** That a key has a value in the state after a block, or none. */
export interface StateProof {
  readonly key: Uint8Array;
  /** undefined: the key is not in the state */
  readonly value: Uint8Array | undefined;
  readonly tree: StateTreeProof;
  readonly certified: CertifiedHeader;
}

// ---- certified headers ----

/** `[version, header, result, certificate, transitions]`. */
export function encodeCertifiedHeader(certified: CertifiedHeader): Uint8Array {
  return encode(certifiedItems(certified));
}

export function decodeCertifiedHeader(bytes: Uint8Array): Verdict<CertifiedHeader> {
  return decodeWith(bytes, PROOF_LIMITS, readCertified);
}

/**
 * Walks from the genesis validators over the certified changes of the set to the validators of the header, and checks its certificate.
 * Refusals: `PROOF_*` and those of `verifyCertificate`.
 */
export function verifyCertifiedHeader(claim: {
  readonly certified: CertifiedHeader;
  readonly genesis: TrustAnchor;
  readonly verify: VerifySignature;
}): Verdict<VerifiedBlock> {
  const { certified, genesis, verify } = claim;
  let { validators } = genesis;
  let height = 0;
  for (const transition of certified.transitions) {
    const block = verifyBlock({ ...transition, chainId: genesis.chainId, validators, verify });
    if (!block.ok) return block;
    if (block.value.header.height <= height) return refuse("PROOF_TRANSITION_ORDER");
    if (!bytesEqual(validatorsHashOf(transition.nextValidators), block.value.result.nextValidatorsHash)) {
      return refuse("PROOF_TRANSITION_VALIDATORS");
    }
    validators = transition.nextValidators;
    height = block.value.header.height;
  }
  const newest = verifyBlock({ ...certified, chainId: genesis.chainId, validators, verify });
  if (newest.ok && newest.value.header.height <= height) return refuse("PROOF_TRANSITION_ORDER");
  return newest;
}

/**
 * Checks that a header and its result are those that q of `validators` committed. Also how a block is checked that a peer sends.
 * Refusals: `PROOF_WRONG_CHAIN`, `PROOF_VALIDATORS`, `PROOF_CERTIFICATE` (of something else), and those of decoding and `verifyCertificate`.
 * @param claim.validators those of the header's height
 */
export function verifyBlock(claim: {
  readonly headerBytes: Uint8Array;
  readonly resultBytes: Uint8Array;
  readonly certificate: Certificate;
  readonly chainId: Hash;
  readonly validators: readonly Validator[];
  readonly verify: VerifySignature;
}): Verdict<VerifiedBlock> {
  const block = decodeBlock(claim.headerBytes, claim.resultBytes);
  if (!block.ok) return block;
  const { header, blockHash, resultHash } = block.value;
  const { certificate, chainId, validators, verify } = claim;
  if (!bytesEqual(header.chainId, chainId)) return refuse("PROOF_WRONG_CHAIN");
  if (!bytesEqual(header.validatorsHash, validatorsHashOf(validators))) return refuse("PROOF_VALIDATORS");
  const isItsOwn =
    certificate.height === header.height &&
    certificate.view >= header.view &&
    bytesEqual(certificate.blockHash, blockHash) &&
    bytesEqual(certificate.resultHash, resultHash);
  if (!isItsOwn) return refuse("PROOF_CERTIFICATE");
  const verdict = verifyCertificate({ certificate, chainId, validators, verify });
  return verdict.ok ? block : verdict;
}

// ---- receipts ----

/** `[version, receipt, path, [] or [header, result, history], certified]`. */
export function encodeReceiptProof(proof: ReceiptProof): Uint8Array {
  const { past } = proof;
  return encode([
    FORMAT_VERSION,
    proof.receiptBytes,
    merkleProofItems(proof.path),
    past === undefined ? [] : [past.headerBytes, past.resultBytes, historyProofItems(past.history)],
    certifiedItems(proof.certified),
  ]);
}

export function decodeReceiptProof(bytes: Uint8Array): Verdict<ReceiptProof> {
  return decodeWith(bytes, PROOF_LIMITS, (reader) => {
    reader.tuple(5);
    reader.version(FORMAT_VERSION);
    return {
      receiptBytes: reader.byteString(1, LIMITS.receiptBytesMax),
      path: readMerkleProof(reader),
      past: readPast(reader),
      certified: readCertified(reader),
    };
  });
}

/** What a verified receipt proof shows. */
export interface ProvenReceipt {
  readonly receipt: Receipt;
  readonly receiptBytes: Uint8Array;
  /** the receipt's block */
  readonly block: VerifiedBlock;
  readonly height: number;
  /** the certified header that the proof leads to: the block's own, or a newer one */
  readonly certified: VerifiedBlock;
}

/** The caller compares `receipt.txId` with the transaction it asked about. Refusals: `PROOF_*` and those of decoding. */
export function verifyReceiptProof(claim: {
  readonly bytes: Uint8Array;
  readonly genesis: TrustAnchor;
  readonly verify: VerifySignature;
}): Verdict<ProvenReceipt> {
  const decoded = decodeReceiptProof(claim.bytes);
  if (!decoded.ok) return decoded;
  const proof = decoded.value;
  const certified = verifyCertifiedHeader({ ...claim, certified: proof.certified });
  if (!certified.ok) return certified;
  const block = proof.past === undefined ? certified : verifyPast(proof.past, certified.value.header);
  if (!block.ok) return block;
  const receipt = decodeReceipt(proof.receiptBytes);
  if (!receipt.ok) return receipt;
  const isIncluded = verifyMerkleProof({
    tag: "RECEIPTS",
    root: block.value.result.receiptsRoot,
    leaf: receiptHashOf(proof.receiptBytes),
    proof: proof.path,
  });
  if (!isIncluded) return refuse("PROOF_RECEIPT_PATH");
  return accept({
    receipt: receipt.value,
    receiptBytes: proof.receiptBytes,
    block: block.value,
    height: block.value.header.height,
    certified: certified.value,
  });
}

// ---- state ----

/** `[version, key, key hash, [] or [value], tree, certified]`. */
export function encodeStateProof(proof: StateProof): Uint8Array {
  return encode([
    FORMAT_VERSION,
    proof.key,
    stateKeyHashOf(proof.key),
    proof.value === undefined ? [] : [proof.value],
    stateTreeProofItems(proof.tree),
    certifiedItems(proof.certified),
  ]);
}

export function decodeStateProof(bytes: Uint8Array): Verdict<StateProof> {
  return decodeWith(bytes, PROOF_LIMITS, (reader) => {
    reader.tuple(6);
    reader.version(FORMAT_VERSION);
    const key = reader.byteString(1, LIMITS.stateKeyBytesMax);
    // One path shows the absence of many keys: without its hash beside it, a key damaged on the way would be proved absent.
    if (!bytesEqual(reader.hash(), stateKeyHashOf(key))) reader.fail("STATE_PROOF_KEY");
    const [value] = reader.list(0, 1, (inner) => inner.byteString(0, LIMITS.stateValueBytesMax));
    return { key, value, tree: readStateTreeProof(reader), certified: readCertified(reader) };
  });
}

/** What a verified state proof shows. */
export interface ProvenState {
  readonly key: Uint8Array;
  /** undefined: the key was not in the state after the block of `height` */
  readonly value: Uint8Array | undefined;
  /** height of the block that wrote the value; undefined with it */
  readonly lastHeight: number | undefined;
  readonly height: number;
  readonly certified: VerifiedBlock;
}

/** The caller compares `key` with the one it asked about. Refusals: `PROOF_*`, `STATE_PROOF_*` and those of decoding. */
export function verifyStateProof(claim: {
  readonly bytes: Uint8Array;
  readonly genesis: TrustAnchor;
  readonly verify: VerifySignature;
}): Verdict<ProvenState> {
  const decoded = decodeStateProof(claim.bytes);
  if (!decoded.ok) return decoded;
  const { key, value, tree, certified: certifiedHeader } = decoded.value;
  const certified = verifyCertifiedHeader({ ...claim, certified: certifiedHeader });
  if (!certified.ok) return certified;
  const place = verifyStateTreeProof({ root: certified.value.result.stateRoot, key, proof: tree });
  if (!place.ok) return place;
  const { leaf } = place.value;
  const isThisValue =
    leaf === undefined || value === undefined ? leaf === value : bytesEqual(valueHashOf(value), leaf.valueHash);
  if (!isThisValue) return refuse("PROOF_STATE_VALUE");
  return accept({
    key,
    value,
    lastHeight: leaf?.lastHeight,
    height: certified.value.header.height,
    certified: certified.value,
  });
}

// ---- parts ----

function decodeBlock(headerBytes: Uint8Array, resultBytes: Uint8Array): Verdict<VerifiedBlock> {
  const header = decodeHeader(headerBytes);
  if (!header.ok) return header;
  const result = decodeResult(resultBytes);
  if (!result.ok) return result;
  return accept({
    header: header.value,
    result: result.value,
    blockHash: blockHashOf(headerBytes),
    resultHash: resultHashOf(resultBytes),
  });
}

// An old block is proved through the newest header's history, never by its old certificate: retired keys could forge one.
function verifyPast(past: NonNullable<ReceiptProof["past"]>, newest: Header): Verdict<VerifiedBlock> {
  const block = decodeBlock(past.headerBytes, past.resultBytes);
  if (!block.ok) return block;
  const { header, blockHash, resultHash } = block.value;
  const isInHistory = verifyHistoryProof({
    root: newest.historyRoot,
    leaf: historyLeaf({ height: header.height, blockHash, resultHash }),
    proof: past.history,
  });
  return isInHistory ? block : refuse("PROOF_HISTORY");
}

function certifiedItems(certified: CertifiedHeader): Value {
  return [
    FORMAT_VERSION,
    certified.headerBytes,
    certified.resultBytes,
    certificateItems(certified.certificate),
    certified.transitions.map((transition) => [
      transition.headerBytes,
      transition.resultBytes,
      certificateItems(transition.certificate),
      validatorsItems(transition.nextValidators),
    ]),
  ];
}

function readCertified(reader: Reader): CertifiedHeader {
  reader.tuple(5);
  reader.version(FORMAT_VERSION);
  return {
    headerBytes: readHeaderBytes(reader),
    resultBytes: readResultBytes(reader),
    certificate: readCertificate(reader),
    transitions: reader.list(0, LIMITS.transitionsMax, readTransition),
  };
}

function readTransition(reader: Reader): ValidatorTransition {
  reader.tuple(4);
  return {
    headerBytes: readHeaderBytes(reader),
    resultBytes: readResultBytes(reader),
    certificate: readCertificate(reader),
    nextValidators: readValidators(reader),
  };
}

function readPast(reader: Reader): ReceiptProof["past"] {
  const count = reader.array(0, 3);
  if (count === 0) return undefined;
  if (count !== 3) reader.fail("CBOR_COUNT");
  const headerBytes = readHeaderBytes(reader);
  const resultBytes = readResultBytes(reader);
  return { headerBytes, resultBytes, history: readHistoryProof(reader) };
}

function readHeaderBytes(reader: Reader): Uint8Array {
  return reader.byteString(1, LIMITS.headerBytesMax);
}

function readResultBytes(reader: Reader): Uint8Array {
  return reader.byteString(1, LIMITS.resultBytesMax);
}
