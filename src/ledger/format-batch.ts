// Bytes of batches: body, digest, signed bytes, envelope, and the reference by which blocks name them.
// Never judges signatures (validate.ts); a batch decodes in one pass together with the transactions in it.

import type { Verdict } from "../errors.ts";
import { type DecodeLimits, decodeWith, encode, ownBytes, type Reader } from "./codec.ts";
import { readTransaction } from "./format-transaction.ts";
import { type Hash, hashTagged, tagged } from "./hash.ts";
import { LIMITS } from "./limits.ts";
import { type Batch, type BatchReference, FORMAT_VERSION, type Transaction } from "./types.ts";

const BATCH_LIMITS: DecodeLimits = {
  bytesMax: LIMITS.batchBytesMax,
  depthMax: LIMITS.argumentDepthMax,
  itemsMax: LIMITS.transactionItemsMax,
};

/** `[version, chainId, origin, sequence, transactions as byte strings]`. */
export function encodeBatchBody(body: {
  readonly chainId: Hash;
  readonly origin: Uint8Array;
  readonly sequence: number;
  /** each as `encodeTransaction` made it */
  readonly transactions: readonly Uint8Array[];
}): Uint8Array {
  return encode([FORMAT_VERSION, body.chainId, body.origin, body.sequence, body.transactions]);
}

export function batchDigestOf(bodyBytes: Uint8Array): Hash {
  return hashTagged("BATCH", bodyBytes);
}

/** What the origin signs. */
export function batchSigningBytes(digest: Hash): Uint8Array {
  return tagged("BATCH-SIGN", digest);
}

/** `[body, signature]`, the body as a byte string. */
export function encodeBatch(bodyBytes: Uint8Array, signature: Uint8Array): Uint8Array {
  return encode([bodyBytes, signature]);
}

/** Views in the result point into `bytes`, or into a copy when `bytes` is part of a larger buffer. */
export function decodeBatch(bytes: Uint8Array): Verdict<Batch> {
  const own = ownBytes(bytes);
  return decodeWith(own, BATCH_LIMITS, (reader) => readBatch(reader, own));
}

export function referenceOf(batch: Batch): BatchReference {
  return { digest: batch.digest, origin: batch.origin, bytes: batch.bytes.length, count: batch.transactions.length };
}

function readBatch(reader: Reader, bytes: Uint8Array): Batch {
  reader.tuple(2);
  const body = reader.enclosed(1, LIMITS.batchBytesMax, readBody);
  return { ...body, signature: reader.view(1, LIMITS.signatureBytesMax), bytes };
}

function readBody(reader: Reader, bodyBytes: Uint8Array): Omit<Batch, "signature" | "bytes"> {
  reader.tuple(5);
  reader.version(FORMAT_VERSION);
  const chainId = reader.hash();
  const origin = reader.view(1, LIMITS.publicKeyBytesMax);
  const sequence = reader.uint(1);
  const readNext = (inner: Reader, bytes: Uint8Array): Transaction => readTransaction(inner, bytes, chainId);
  const transactions = reader.list(1, LIMITS.batchTransactionsMax, (inner) =>
    inner.enclosed(1, LIMITS.transactionBytesMax, readNext),
  );
  return { digest: batchDigestOf(bodyBytes), chainId, origin, sequence, transactions };
}
