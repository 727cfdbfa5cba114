// Bytes of headers, proposals and results, and the roots by which a header commits to lists.
// Never judges whether a block may follow its parent: that is the block checker's.

import type { Verdict } from "../errors.ts";
import { DECODE_LIMITS, type DecodeLimits, decodeWith, encode, type Reader } from "./codec.ts";
import { bytesEqual, type Hash, hashTagged } from "./hash.ts";
import { LIMITS } from "./limits.ts";
import { merkleRoot } from "./merkle.ts";
import { type BatchReference, FORMAT_VERSION, type Header, type Proposal, type Result } from "./types.ts";

const HEADER_LIMITS: DecodeLimits = { ...DECODE_LIMITS, bytesMax: LIMITS.headerBytesMax };
const PROPOSAL_LIMITS: DecodeLimits = { ...DECODE_LIMITS, bytesMax: LIMITS.proposalBytesMax };
const RESULT_LIMITS: DecodeLimits = { ...DECODE_LIMITS, bytesMax: LIMITS.resultBytesMax };

export function encodeHeader(header: Header): Uint8Array {
  return encode([
    header.version,
    header.protocol,
    header.chainId,
    header.height,
    header.view,
    header.proposer,
    header.timeMs,
    header.parentHash,
    header.parentResult,
    header.historyRoot,
    header.batchesRoot,
    header.transactionsRoot,
    header.transactionCount,
    header.validatorsHash,
    header.parametersHash,
    header.extension,
  ]);
}

export function decodeHeader(bytes: Uint8Array): Verdict<Header> {
  return decodeWith(bytes, HEADER_LIMITS, readHeader);
}

export function blockHashOf(headerBytes: Uint8Array): Hash {
  return hashTagged("HEADER", headerBytes);
}

/** `[header as a byte string, [[digest, origin, bytes, count]...]]`. */
export function encodeProposal(proposal: {
  readonly headerBytes: Uint8Array;
  readonly references: readonly BatchReference[];
}): Uint8Array {
  return encode([proposal.headerBytes, proposal.references.map(referenceItems)]);
}

/** Refuses references that the header does not commit to (`PROPOSAL_REFERENCES`). */
export function decodeProposal(bytes: Uint8Array): Verdict<Proposal> {
  return decodeWith(bytes, PROPOSAL_LIMITS, readProposal);
}

function readProposal(reader: Reader): Proposal {
  reader.tuple(2);
  const headerBytes = reader.byteString(1, LIMITS.headerBytesMax);
  const header = decodeHeader(headerBytes);
  if (!header.ok) return reader.fail(header.code);
  const references = reader.list(0, LIMITS.proposalReferencesMax, readReference);
  if (!bytesEqual(batchesRootOf(references), header.value.batchesRoot)) reader.fail("PROPOSAL_REFERENCES");
  return { header: header.value, headerBytes, blockHash: blockHashOf(headerBytes), references };
}

/** Over H(BATCHES, reference), in the order of the proposal. */
export function batchesRootOf(references: readonly BatchReference[]): Hash {
  return merkleRoot(
    "BATCHES",
    references.map((reference) => hashTagged("BATCHES", encode(referenceItems(reference)))),
  );
}

/** Over the ids of the executed list, in execution order. */
export function transactionsRootOf(ids: readonly Hash[]): Hash {
  return merkleRoot("TRANSACTIONS", ids);
}

/** Over receipt hashes: timers first, then transactions in execution order. */
export function receiptsRootOf(receiptHashes: readonly Hash[]): Hash {
  return merkleRoot("RECEIPTS", receiptHashes);
}

/** `[version, stateRoot, receiptsRoot, nextValidatorsHash, nextParametersHash]`. */
export function encodeResult(result: Result): Uint8Array {
  return encode([
    result.version,
    result.stateRoot,
    result.receiptsRoot,
    result.nextValidatorsHash,
    result.nextParametersHash,
  ]);
}

export function decodeResult(bytes: Uint8Array): Verdict<Result> {
  return decodeWith(bytes, RESULT_LIMITS, (reader) => {
    reader.tuple(5);
    return {
      version: reader.version(FORMAT_VERSION),
      stateRoot: reader.hash(),
      receiptsRoot: reader.hash(),
      nextValidatorsHash: reader.hash(),
      nextParametersHash: reader.hash(),
    };
  });
}

export function resultHashOf(resultBytes: Uint8Array): Hash {
  return hashTagged("RESULT", resultBytes);
}

function readHeader(reader: Reader): Header {
  reader.tuple(16);
  return {
    version: reader.version(FORMAT_VERSION),
    protocol: reader.uint(1),
    chainId: reader.hash(),
    height: reader.uint(1),
    view: reader.uint(0),
    proposer: reader.byteString(1, LIMITS.publicKeyBytesMax),
    timeMs: reader.uint(0),
    parentHash: reader.hash(),
    parentResult: reader.hash(),
    historyRoot: reader.hash(),
    batchesRoot: reader.hash(),
    transactionsRoot: reader.hash(),
    transactionCount: reader.uint(0, LIMITS.blockTransactionsMax),
    validatorsHash: reader.hash(),
    parametersHash: reader.hash(),
    extension: reader.byteString(0, LIMITS.headerExtensionBytesMax),
  };
}

export function referenceItems(reference: BatchReference): readonly [Hash, Uint8Array, number, number] {
  return [reference.digest, reference.origin, reference.bytes, reference.count];
}

export function readReference(reader: Reader): BatchReference {
  reader.tuple(4);
  return {
    digest: reader.hash(),
    origin: reader.byteString(1, LIMITS.publicKeyBytesMax),
    bytes: reader.uint(1, LIMITS.batchBytesMax),
    count: reader.uint(1, LIMITS.batchTransactionsMax),
  };
}
