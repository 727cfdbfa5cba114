// What the rows of the ledger store hold, and their bytes.
// Never judges a block: what is written here was certified, and what is read here is checked against its hashes.

import { LedgerError, type Verdict } from "../errors.ts";
import { DECODE_LIMITS, type DecodeLimits, decodeWith, encode, type Reader } from "../ledger/codec.ts";
import { parametersItems, readParameters, readValidators, validatorsItems } from "../ledger/format-cluster.ts";
import { bytesEqual, type Hash, toHex } from "../ledger/hash.ts";
import { HistoryAccumulator } from "../ledger/history.ts";
import { LIMITS } from "../ledger/limits.ts";
import type { BatchReference, Header, Parameters, StateEntry, StateWrite, Validator } from "../ledger/types.ts";
import { readU64, writeU32, writeU64 } from "./keys.ts";

/** What the software itself wrote is bounded by the limits of its parts, not by those of one message. */
const ROW_LIMITS: DecodeLimits = { ...DECODE_LIMITS, bytesMax: 1 << 30 };

/** The newest committed block. Height 0 is the genesis: its block hash is the chain id, header and certificate are empty. */
export interface StoredHead {
  readonly height: number;
  readonly blockHash: Hash;
  readonly headerBytes: Uint8Array;
  readonly resultBytes: Uint8Array;
  readonly resultHash: Hash;
  readonly stateRoot: Hash;
  readonly certificateBytes: Uint8Array;
  /** of the header; at height 0 the first validator and view 0 */
  readonly proposer: Uint8Array;
  readonly headerView: number;
  /** view of the certificate by which this node committed the block */
  readonly certificateView: number;
  readonly timeMs: number;
  /** transactions committed from height 1 to here */
  readonly transactionsTotal: number;
  /** validators(height + 1) */
  readonly validators: readonly Validator[];
  readonly parameters: Parameters;
  /** how far the vote records were when blocks were committed here; a smaller sequence in a file is an old record */
  readonly records: readonly RecordMark[];
}

/** The sequence of one key's vote record. A key that replaces another has its own. */
export interface RecordMark {
  readonly publicKey: Uint8Array;
  readonly sequence: number;
}

/** Keys whose records a store remembers: of more the one used longest ago is forgotten. */
const RECORD_MARKS_MAX = 64;

/** D7: never falls: a node that follows without a record for a while must still know an old one when it sees it. */
export function marksWith(marks: readonly RecordMark[], mark: RecordMark | undefined): readonly RecordMark[] {
  if (mark === undefined) return marks;
  const others = marks.filter(({ publicKey }) => !bytesEqual(publicKey, mark.publicKey));
  const sequence = Math.max(recordSequenceOf(marks, mark.publicKey), mark.sequence);
  return [...others.slice(1 - RECORD_MARKS_MAX), { publicKey: mark.publicKey, sequence }];
}

/** 0 for a key that has never voted over this store. */
export function recordSequenceOf(marks: readonly RecordMark[], publicKey: Uint8Array): number {
  return marks.find((mark) => bytesEqual(mark.publicKey, publicKey))?.sequence ?? 0;
}

/** Everything that one block changes on disk. */
export interface BlockCommit {
  readonly header: Header;
  readonly headerBytes: Uint8Array;
  readonly blockHash: Hash;
  readonly references: readonly BatchReference[];
  readonly resultBytes: Uint8Array;
  readonly certificateBytes: Uint8Array;
  /** the executed list, in order */
  readonly transactionIds: readonly Hash[];
  /** timers first, then transactions, in order */
  readonly receipts: readonly { readonly txId: Hash; readonly bytes: Uint8Array }[];
  /** in key order, one per key */
  readonly writes: readonly StateWrite[];
  /** validators(height + 1) */
  readonly validators: readonly Validator[];
  readonly parameters: Parameters;
  /** undefined: this node has no vote record it may use */
  readonly record: RecordMark | undefined;
}

/** What one row keeps of a block. */
export interface BlockRow {
  readonly headerBytes: Uint8Array;
  readonly references: readonly BatchReference[];
  readonly resultBytes: Uint8Array;
  readonly certificateBytes: Uint8Array;
}

/** A block as it is served: its batches are kept apart, by digest. */
export interface StoredBlock extends BlockRow {
  /** in execution order */
  readonly transactionIds: readonly Hash[];
}

/** The ids of the transactions of one block: what the replay window is made of. */
export interface BlockIds {
  readonly timeMs: number;
  readonly ids: readonly Hash[];
}

/** What the head row adds to the block row of the same height. */
export interface HeadRow {
  readonly height: number;
  readonly timeMs: number;
  readonly transactionsTotal: number;
  readonly records: readonly RecordMark[];
  readonly validators: readonly Validator[];
  readonly parameters: Parameters;
  /** heights 0 to height - 1: its root stands in the head's own header */
  readonly historyBefore: HistoryAccumulator;
}

/** A row that is there and cannot be, or is missing and must not be. */
export function corrupt(row: string, reason: string): LedgerError {
  const remedy = "stop the node, move the store away and start again: it is rebuilt from peers";
  return new LedgerError("STORE_CORRUPT", { row, reason }, { remedy });
}

/** What a stored row must decode to. @throws LedgerError STORE_CORRUPT */
export function orCorrupt<T>(row: string, verdict: Verdict<T>): T {
  if (!verdict.ok) throw corrupt(row, verdict.code);
  return verdict.value;
}

export function encodeSchema(schema: { readonly version: number; readonly chainId: Hash }): Uint8Array {
  return encode([schema.version, schema.chainId]);
}

/** A newer schema may have more fields: only the first is read before the version is known. */
export function decodeSchema(
  bytes: Uint8Array,
  versionKnown: number,
): { readonly version: number; readonly chainId: Hash } {
  const verdict = decodeWith(bytes, ROW_LIMITS, (reader) => {
    const count = reader.array(2, 255);
    const version = reader.uint(1);
    if (version > versionKnown)
      throw new LedgerError(
        "STORE_SCHEMA_NEWER",
        { stored: version, known: versionKnown },
        { remedy: "start the newer software that wrote this store" },
      );
    if (count !== 2) reader.fail("CBOR_COUNT");
    return { version, chainId: reader.hash() };
  });
  return orCorrupt("schema", verdict);
}

export function encodeHead(head: HeadRow): Uint8Array {
  return encode([
    head.height,
    head.timeMs,
    head.transactionsTotal,
    head.records.map(({ publicKey, sequence }) => [publicKey, sequence]),
    validatorsItems(head.validators),
    parametersItems(head.parameters),
    head.historyBefore.encode(),
  ]);
}

export function decodeHead(bytes: Uint8Array): HeadRow {
  const verdict = decodeWith(bytes, ROW_LIMITS, (reader) => {
    reader.tuple(7);
    return {
      height: reader.uint(0),
      timeMs: reader.uint(0),
      transactionsTotal: reader.uint(0),
      records: reader.list(0, RECORD_MARKS_MAX, (inner) => {
        inner.tuple(2);
        return { publicKey: inner.byteString(1, LIMITS.publicKeyBytesMax), sequence: inner.uint(0) };
      }),
      validators: readValidators(reader),
      parameters: readParameters(reader),
      historyBefore: orCorrupt("head", HistoryAccumulator.decode(reader.byteString(1, LIMITS.headerBytesMax))),
    };
  });
  return orCorrupt("head", verdict);
}

export function encodeBlock(block: BlockRow): Uint8Array {
  const references = block.references.map(({ digest, origin, bytes, count }) => [digest, origin, bytes, count]);
  return encode([block.headerBytes, references, block.resultBytes, block.certificateBytes]);
}

export function decodeBlock(height: number, bytes: Uint8Array): BlockRow {
  const verdict = decodeWith(bytes, ROW_LIMITS, (reader) => {
    reader.tuple(4);
    return {
      headerBytes: reader.byteString(0, LIMITS.headerBytesMax),
      references: reader.list(0, LIMITS.proposalReferencesMax, readReference),
      resultBytes: reader.byteString(1, LIMITS.resultBytesMax),
      certificateBytes: reader.byteString(0, LIMITS.certificateBytesMax),
    };
  });
  return orCorrupt(`block ${height}`, verdict);
}

function readReference(reader: Reader): BatchReference {
  reader.tuple(4);
  const digest = reader.hash();
  const origin = reader.byteString(1, LIMITS.publicKeyBytesMax);
  return { digest, origin, bytes: reader.uint(1), count: reader.uint(1) };
}

export function encodeIds(block: BlockIds): Uint8Array {
  const run = new Uint8Array(block.ids.length * 32);
  for (const [index, id] of block.ids.entries()) run.set(id, index * 32);
  return encode([block.timeMs, run]);
}

export function decodeIds(height: number, bytes: Uint8Array): BlockIds {
  const verdict = decodeWith(bytes, ROW_LIMITS, (reader) => {
    reader.tuple(2);
    const timeMs = reader.uint(0);
    const run = reader.byteString(0, LIMITS.blockTransactionsMax * 32);
    const ids: Hash[] = [];
    for (let start = 0; start < run.length; start += 32) ids.push(run.slice(start, start + 32));
    return { timeMs, ids };
  });
  return orCorrupt(`ids ${height}`, verdict);
}

export function encodeReceipts(receipts: readonly { readonly bytes: Uint8Array }[]): Uint8Array {
  return encode(receipts.map(({ bytes }) => bytes));
}

export function decodeReceipts(height: number, bytes: Uint8Array): readonly Uint8Array[] {
  const verdict = decodeWith(bytes, ROW_LIMITS, (reader) =>
    reader.list(0, LIMITS.receiptListMax, (inner) => inner.byteString(1, LIMITS.receiptBytesMax)),
  );
  return orCorrupt(`receipts ${height}`, verdict);
}

export function encodePlace(place: { readonly height: number; readonly index: number }): Uint8Array {
  const bytes = new Uint8Array(12);
  writeU64(bytes, place.height);
  writeU32(bytes, 8, place.index);
  return bytes;
}

export function decodePlace(txId: Hash, bytes: Uint8Array): { readonly height: number; readonly index: number } {
  if (bytes.length !== 12) throw corrupt(`transaction ${toHex(txId)}`, "LENGTH");
  return { height: readU64(bytes), index: new DataView(bytes.buffer, bytes.byteOffset + 8, 4).getUint32(0) };
}

export function encodeState(entry: StateEntry): Uint8Array {
  const bytes = new Uint8Array(8 + entry.value.length);
  writeU64(bytes, entry.lastHeight);
  bytes.set(entry.value, 8);
  return bytes;
}

/** The value is a view of `bytes`. */
export function decodeState(key: Uint8Array, bytes: Uint8Array): StateEntry {
  if (bytes.length < 8) throw corrupt(`state ${toHex(key)}`, "LENGTH");
  return { value: bytes.subarray(8), lastHeight: readU64(bytes) };
}
