// Bytes of receipts, and the hash by which leaves and writes name a value: what execution leaves behind.
// Never holds sentences: they are rendered from rule id and values, and never hashed.

import type { Verdict } from "../errors.ts";
import { DECODE_LIMITS, type DecodeLimits, decodeWith, encodeInPlace, type Reader } from "./codec.ts";
import { readFields } from "./format-transaction.ts";
import { type Hash, hashTagged } from "./hash.ts";
import { LIMITS } from "./limits.ts";
import { Slab } from "./slab.ts";
import { FORMAT_VERSION, type LedgerEvent, type Receipt, type ReceiptStatus, type ReceiptWrite } from "./types.ts";

const RECEIPT_LIMITS: DecodeLimits = { ...DECODE_LIMITS, bytesMax: LIMITS.receiptBytesMax };

/** Of the newest blocks: their receipts are made, kept and dropped together. */
const RECEIPTS = new Slab(16_384);
const VALUE_HASHES = new Slab(4096);

/** The number of a status is its place in this list. */
const STATUSES: readonly ReceiptStatus[] = ["ok", "refused", "unauthorised", "out_of_gas", "failed"];

/** A receipt as it is kept and spread, with what everybody asks of it: nobody decodes it to tell who waits. */
export interface SealedReceipt {
  readonly txId: Hash;
  readonly status: ReceiptStatus;
  readonly bytes: Uint8Array;
}

export function sealReceipt(receipt: Receipt): SealedReceipt {
  return { txId: receipt.txId, status: receipt.status, bytes: encodeReceipt(receipt) };
}

/** `[version, txId, index, status, ruleId, values, gas, events, writes]`. They share a buffer with other receipts. */
export function encodeReceipt(receipt: Receipt): Uint8Array {
  const bytes = encodeInPlace([
    FORMAT_VERSION,
    receipt.txId,
    receipt.index,
    STATUSES.indexOf(receipt.status),
    receipt.ruleId,
    receipt.values,
    receipt.gas,
    receipt.events.map((event) => [event.contract, event.name, event.fields]),
    receipt.writes.map((write) => [write.key, write.valueHash, write.previousHeight]),
  ]);
  return RECEIPTS.copyOf(bytes);
}

export function decodeReceipt(bytes: Uint8Array): Verdict<Receipt> {
  return decodeWith(bytes, RECEIPT_LIMITS, readReceipt);
}

/** The leaf of a receipt in receiptsRoot. */
export function receiptHashOf(receiptBytes: Uint8Array): Hash {
  return hashTagged("BLOCK-RECEIPT", receiptBytes);
}

/** It shares a buffer with others: who keeps it for longer than its block copies it. */
export function valueHashOf(valueBytes: Uint8Array): Hash {
  return hashTagged("VALUE", valueBytes, VALUE_HASHES.room(32));
}

function readReceipt(reader: Reader): Receipt {
  reader.tuple(9);
  reader.version(FORMAT_VERSION);
  return {
    txId: reader.hash(),
    index: reader.uint(0),
    status: STATUSES[reader.uint(0, STATUSES.length - 1)] as ReceiptStatus,
    ruleId: reader.text(0, LIMITS.ruleIdBytesMax),
    values: readFields(reader),
    gas: reader.uint(0),
    events: reader.list(0, LIMITS.receiptListMax, readEvent),
    writes: reader.list(0, LIMITS.receiptListMax, readWrite),
  };
}

function readEvent(reader: Reader): LedgerEvent {
  reader.tuple(3);
  return {
    contract: reader.text(1, LIMITS.nameBytesMax),
    name: reader.text(1, LIMITS.nameBytesMax),
    fields: readFields(reader),
  };
}

function readWrite(reader: Reader): ReceiptWrite {
  reader.tuple(3);
  const key = reader.byteString(1, LIMITS.stateKeyBytesMax);
  const valueHash = reader.byteString(0, 32);
  if (valueHash.length !== 0 && valueHash.length !== 32) reader.fail("CBOR_LENGTH");
  return { key, valueHash, previousHeight: reader.uint(0) };
}
