// Chunks of a snapshot: how the rows of a place of the tree are cut to size, and how each is judged alone under a state root.
// Never holds a tree: a chunk carries the hashes beside its way, and nobody's word counts but the root's.

import { invariant } from "../assert.ts";
import { accept, refuse, type Verdict } from "../errors.ts";
import { valueHashOf } from "../ledger/format-receipt.ts";
import {
  type ChunkPlace,
  type ChunkRow,
  decodeChunk,
  encodeChunk,
  placeOf,
  samePlace,
} from "../ledger/format-snapshot.ts";
import { bytesEqual, compareBytes, type Hash, ZERO_HASH } from "../ledger/hash.ts";
import { LIMITS } from "../ledger/limits.ts";
import { BUCKET_DEPTH, bitAt, pairHash, stateKeyHashOf, stateLeafHashOf } from "../ledger/state-proof.ts";

const HASH_BYTES = 32;
/** What a row costs in a chunk beside key and value. */
const ROW_OVERHEAD_BYTES = 20;

/** A row with its place in the tree. */
export interface PlacedRow extends ChunkRow {
  readonly keyHash: Hash;
}

export function placed(row: ChunkRow): PlacedRow {
  return { ...row, keyHash: stateKeyHashOf(row.key) };
}

export function chunkRowBytes(row: { readonly key: Uint8Array; readonly value: Uint8Array }): number {
  return row.key.length + row.value.length + ROW_OVERHEAD_BYTES;
}

/**
 * The chunks of one place, from the left: one, unless its rows are too many for one and lie in one bucket.
 * @param part.rows every row of the place, in the order of key hashes
 * @param part.siblings the hashes beside the way to the place, from the root down
 */
export function cutChunks(part: {
  readonly place: ChunkPlace;
  readonly siblings: Uint8Array;
  readonly rows: readonly PlacedRow[];
}): readonly { readonly place: ChunkPlace; readonly bytes: Uint8Array }[] {
  const { place, siblings, rows } = part;
  const bytes = rows.reduce((sum, row) => sum + chunkRowBytes(row), 0);
  if (rows.length <= 1 || bytes <= LIMITS.chunkRowsBytesMax) {
    return [{ place, bytes: encodeChunk({ place, siblings, rows }) }];
  }
  const middle = middleOf(rows, 0, rows.length, place.depth);
  const [left, right] = [rows.slice(0, middle), rows.slice(middle)];
  const path = new Uint8Array(HASH_BYTES);
  path.set(place.prefix);
  const leftPlace = placeOf(path, place.depth + 1);
  path[place.depth >> 3] = path[place.depth >> 3]! | (0x80 >> (place.depth & 7));
  const rightPlace = placeOf(path, place.depth + 1);
  return [
    ...cutChunks({ place: leftPlace, siblings: withSibling(siblings, nodeHash(right, rightPlace.depth)), rows: left }),
    ...cutChunks({ place: rightPlace, siblings: withSibling(siblings, nodeHash(left, leftPlace.depth)), rows: right }),
  ];
}

/**
 * D92: judges a chunk by itself: it holds every row of the place that was asked for, and no other.
 * Refusals: those of decoding, `CHUNK_PLACE` (another place), `CHUNK_ORDER` (a row twice or out of order), `CHUNK_ROW_ELSEWHERE`,
 * `CHUNK_ROOT` (a row is missing, added or changed, or the tree is another)
 */
export function verifyChunk(claim: {
  readonly bytes: Uint8Array;
  readonly place: ChunkPlace;
  readonly stateRoot: Hash;
}): Verdict<readonly PlacedRow[]> {
  const decoded = decodeChunk(claim.bytes);
  if (!decoded.ok) return decoded;
  const { place, siblings } = decoded.value;
  if (!samePlace(place, claim.place)) return refuse("CHUNK_PLACE");
  const rows = decoded.value.rows.map(placed);
  for (const [index, { keyHash }] of rows.entries()) {
    const before = rows[index - 1];
    if (before !== undefined && compareBytes(before.keyHash, keyHash) >= 0) return refuse("CHUNK_ORDER");
    if (!samePlace(placeOf(keyHash, place.depth), place)) return refuse("CHUNK_ROW_ELSEWHERE");
  }
  let node = nodeHash(rows, place.depth);
  for (let level = place.depth - 1; level >= 0; level -= 1) {
    const sibling = siblings.subarray(level * HASH_BYTES, (level + 1) * HASH_BYTES);
    node = bitAt(place.prefix, level) === 0 ? pairHash(node, sibling) : pairHash(sibling, node);
  }
  return bytesEqual(node, claim.stateRoot) ? accept(rows) : refuse("CHUNK_ROOT");
}

/** The hash of the node over these rows, which share their first `depth` bits (ledger/state-proof.ts). */
function nodeHash(rows: readonly PlacedRow[], depth: number): Hash {
  const over = (start: number, end: number, level: number): Hash => {
    if (end === start) return EMPTY_NODES[Math.min(level, BUCKET_DEPTH)]!;
    if (level >= BUCKET_DEPTH && end - start === 1) return leafHashOf(rows[start]!);
    const middle = middleOf(rows, start, end, level);
    return pairHash(over(start, middle, level + 1), over(middle, end, level + 1));
  };
  return over(0, rows.length, depth);
}

function leafHashOf({ keyHash, value, lastHeight }: PlacedRow): Hash {
  return stateLeafHashOf({ keyHash, valueHash: valueHashOf(value), lastHeight });
}

/** The first row from `start` on that goes right at `depth`; `end` if none does. */
function middleOf(rows: readonly PlacedRow[], start: number, end: number, depth: number): number {
  invariant(depth < 256, "D93: two rows differ in their key hashes");
  let low = start;
  let high = end;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bitAt(rows[middle]!.keyHash, depth) === 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function withSibling(siblings: Uint8Array, sibling: Hash): Uint8Array {
  const longer = new Uint8Array(siblings.length + HASH_BYTES);
  longer.set(siblings);
  longer.set(sibling, siblings.length);
  return longer;
}

/** Hash of a node without a row, by depth: below the buckets 32 zero bytes. */
const EMPTY_NODES: readonly Hash[] = emptyNodes();

function emptyNodes(): readonly Hash[] {
  const nodes: Hash[] = [ZERO_HASH];
  for (let depth = BUCKET_DEPTH; depth > 0; depth -= 1) nodes.unshift(pairHash(nodes[0]!, nodes[0]!));
  return nodes;
}
