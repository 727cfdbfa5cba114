// The key table of the store (docs/store.md): one byte for the kind of row, then what names it, in an order LevelDB keeps.
// A change here is a change of the disk format: raise SCHEMA_VERSION and write the upgrade.

import type { Hash } from "../ledger/hash.ts";

/** 2: a second space for the state. 3: the last block that names a batch. Older stores are brought up to it when they are opened. */
export const SCHEMA_VERSION = 3;

/** The first byte of every key. */
export const KIND = {
  meta: 0,
  block: 1,
  ids: 2,
  receipts: 3,
  transaction: 4,
  state: 5,
  batch: 6,
  history: 7,
  transition: 8,
  evidence: 9,
  otherState: 10,
  header: 11,
  staged: 12,
  trail: 13,
  named: 14,
} as const;

export type Kind = keyof typeof KIND;

/** Where the state rows lie. A state that is fetched from peers grows in the spare space until one write makes it the state. */
export type StateSpace = "state" | "otherState";

/** `[schema version, chainId]` */
export const SCHEMA_KEY = metaKey("schema");
/** the genesis bytes */
export const GENESIS_KEY = metaKey("genesis");
/** the head record */
export const HEAD_KEY = metaKey("head");
/** one byte: the space in use, 0 = state, 1 = otherState; missing: 0 */
export const SPACE_KEY = metaKey("space");
/** u64: the first height whose block, receipts and batches are here; missing: 1 */
export const FIRST_KEY = metaKey("first");
/** u64: batches that only older blocks name were deleted; missing: 1 */
export const PRUNED_KEY = metaKey("pruned");
/** H(SNAPSHOT, manifest) of the snapshot that is being fetched into the spare space */
export const STAGED_KEY = metaKey("staged");

function metaKey(name: string): Uint8Array {
  return withKind("meta", new TextEncoder().encode(name));
}

/** height -> `[header, references, result, certificate]` */
export function blockKey(height: number): Uint8Array {
  return withKind("block", u64(height));
}

/** height -> `[timeMs, transaction ids in one run]` */
export function idsKey(height: number): Uint8Array {
  return withKind("ids", u64(height));
}

/** height -> receipts of the block, timers first, as a list of byte strings */
export function receiptsKey(height: number): Uint8Array {
  return withKind("receipts", u64(height));
}

/** transaction id -> height u64, index u32 */
export function transactionKey(txId: Hash): Uint8Array {
  return withKind("transaction", txId);
}

/** state key -> lastHeight u64, value */
export function stateKey(key: Uint8Array, space: StateSpace = "state"): Uint8Array {
  return withKind(space, key);
}

/** digest -> batch bytes */
export function batchKey(digest: Hash): Uint8Array {
  return withKind("batch", digest);
}

/** digest -> height u64 of the last block that names the batch */
export function namedKey(digest: Hash): Uint8Array {
  return withKind("named", digest);
}

/** position -> hash of a node of the history */
export function historyKey(position: number): Uint8Array {
  return withKind("history", u64(position));
}

/** height -> validators of the next height, where they differ from those of this one */
export function transitionKey(height: number): Uint8Array {
  return withKind("transition", u64(height));
}

/** H(RECORD, evidence) -> evidence bytes */
export function evidenceKey(id: Hash): Uint8Array {
  return withKind("evidence", id);
}

/** height -> header of a block of the replay window that was fetched without its block */
export function headerKey(height: number): Uint8Array {
  return withKind("header", u64(height));
}

/** index u64 -> nothing: this chunk's rows are in the spare space */
export function stagedKey(index: number): Uint8Array {
  return withKind("staged", u64(index));
}

/** height -> what proves who forked there */
export function trailKey(height: number): Uint8Array {
  return withKind("trail", u64(height));
}

/** The range of all rows of a kind whose names start with `prefix`. */
export function rangeOf(
  kind: Kind,
  prefix: Uint8Array = new Uint8Array(0),
): { readonly from: Uint8Array; readonly to: Uint8Array } {
  const from = withKind(kind, prefix);
  return { from, to: after(from) };
}

/** The first key that does not start with `prefix`. No prefix here is all 0xff: its first byte is a kind. */
function after(prefix: Uint8Array): Uint8Array {
  let length = prefix.length;
  while (prefix[length - 1] === 0xff) length -= 1;
  const end = prefix.slice(0, length);
  end[length - 1] = (end[length - 1] ?? 0) + 1;
  return end;
}

function withKind(kind: Kind, name: Uint8Array): Uint8Array {
  const key = new Uint8Array(1 + name.length);
  key[0] = KIND[kind];
  key.set(name, 1);
  return key;
}

/** Big-endian, so that byte order is number order. */
export function u64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  writeU64(bytes, value);
  return bytes;
}

/** Into the first 8 bytes. */
export function writeU64(bytes: Uint8Array, value: number): void {
  writeU32(bytes, 0, Math.floor(value / 0x1_0000_0000));
  writeU32(bytes, 4, value % 0x1_0000_0000);
}

/** Byte by byte: a DataView would first give a small array a buffer of its own. */
export function writeU32(bytes: Uint8Array, offset: number, value: number): void {
  for (let byte = 0; byte < 4; byte += 1) bytes[offset + byte] = value >>> (24 - 8 * byte);
}

export function readU64(bytes: Uint8Array, offset = 0): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, 8);
  return view.getUint32(0) * 0x1_0000_0000 + view.getUint32(4);
}
