// The hashing rules of the state tree and the proofs that follow from them: one key is in the state, or is not.
// It never holds a tree: whoever has a root, a key and a proof can judge; the tree itself lives in state/.

// A key's place is its key hash H(STATE, key), read bit by bit from the most significant bit of byte 0.
//   P(l, r)      = SHA-256 of the 64 bytes l ++ r
//   leaf         = P(P(key hash, value hash), mark), mark = "linli:LEAF:1" NUL, zeros, lastHeight as u64 in the last 8 of 32 bytes
//   node(prefix) = P(node(prefix 0), node(prefix 1)) while the prefix is shorter than 16 bits (2^16 buckets), else
//                  32 zero bytes if no key has the prefix, the leaf if one has, P(node(prefix 0), node(prefix 1)) otherwise
// The root is node(empty prefix). It follows from the set of leaves alone, not from the order in which they came, and a
// bucket splits by its next bits however many ground keys fall into it. No inner node can pass for a leaf: its right
// child would have to be a hash that begins with the 24 fixed bytes of a mark.

import { sha256 } from "#sha256";
import { accept, refuse, type Verdict } from "../errors.ts";
import type { Reader, Value } from "./codec.ts";
import { bytesEqual, EMPTY_BYTES, type Hash, hashTagged, tagged, ZERO_HASH } from "./hash.ts";

/** Bits that name a bucket: the depth at which the tree stops being dense. */
export const BUCKET_DEPTH = 16;
const DEPTH_MAX = 256;
const HASH_BYTES = 32;

/** What a leaf commits to beside its key. */
export interface StateLeaf {
  /** H(VALUE, value bytes) */
  readonly valueHash: Hash;
  /** height of the block that wrote it, 0 for genesis */
  readonly lastHeight: number;
}

/**
 * The path from the root to the place where the key is or would be.
 * `end` is the leaf of the key itself, nothing, or the leaf of another key that stands alone in that place.
 */
export interface StateTreeProof {
  /** hashes beside the path, from the root down; 16 to 256 of 32 bytes, in one run */
  readonly siblings: Uint8Array;
  readonly end:
    | ({ readonly kind: "present" } & StateLeaf)
    | { readonly kind: "empty" }
    | ({ readonly kind: "other"; readonly keyHash: Hash } & StateLeaf);
}

/** @param output as `hashTagged` */
export function stateKeyHashOf(key: Uint8Array, output?: Uint8Array): Hash {
  return hashTagged("STATE", key, output);
}

/** The 32 bytes that make a hash a leaf's hash and carry the height of its last write. */
export function leafMark(lastHeight: number): Uint8Array {
  const mark = new Uint8Array(HASH_BYTES);
  mark.set(tagged("LEAF", EMPTY_BYTES));
  const view = new DataView(mark.buffer);
  view.setUint32(24, Math.floor(lastHeight / 0x1_0000_0000));
  view.setUint32(28, lastHeight % 0x1_0000_0000);
  return mark;
}

/** The bit of a key hash that decides at `depth`: 0 left, 1 right. */
export function bitAt(keyHash: Uint8Array, depth: number): 0 | 1 {
  return (((keyHash[depth >> 3] ?? 0) >> (7 - (depth & 7))) & 1) as 0 | 1;
}

/**
 * @returns the key's leaf, or `leaf: undefined` when the proof shows that no such key is in the state; otherwise
 * STATE_PROOF_MALFORMED (shape), STATE_PROOF_ELSEWHERE (the other leaf is not in the key's place) or STATE_PROOF_ROOT
 */
export function verifyStateTreeProof(input: {
  readonly root: Hash;
  readonly key: Uint8Array;
  readonly proof: StateTreeProof;
}): Verdict<{ readonly leaf: StateLeaf | undefined }> {
  const { root, proof } = input;
  const { siblings, end } = proof;
  const depth = siblings.length / HASH_BYTES;
  if (!Number.isInteger(depth) || depth < BUCKET_DEPTH || depth > DEPTH_MAX) return refuse("STATE_PROOF_MALFORMED");
  const keyHash = stateKeyHashOf(input.key);
  if (end.kind === "other" && !standsInPlace(end.keyHash, keyHash, depth)) return refuse("STATE_PROOF_ELSEWHERE");
  let node = endHash(end, keyHash);
  for (let level = depth - 1; level >= 0; level -= 1) {
    const sibling = siblings.subarray(level * HASH_BYTES, level * HASH_BYTES + HASH_BYTES);
    node = bitAt(keyHash, level) === 0 ? pairHash(node, sibling) : pairHash(sibling, node);
  }
  if (!bytesEqual(node, root)) return refuse("STATE_PROOF_ROOT");
  return accept({
    leaf: end.kind === "present" ? { valueHash: end.valueHash, lastHeight: end.lastHeight } : undefined,
  });
}

// Another key's leaf shows absence only if it stands where the key would: the same bits down to it, and not the key.
function standsInPlace(other: Hash, keyHash: Hash, depth: number): boolean {
  for (let level = 0; level < depth; level += 1) if (bitAt(other, level) !== bitAt(keyHash, level)) return false;
  return !bytesEqual(other, keyHash);
}

function endHash(end: StateTreeProof["end"], keyHash: Hash): Hash {
  if (end.kind === "empty") return ZERO_HASH;
  return stateLeafHashOf({ ...end, keyHash: end.kind === "other" ? end.keyHash : keyHash });
}

/** One leaf's hash; whole blocks of leaves are hashed level by level in state/. */
export function stateLeafHashOf(leaf: { readonly keyHash: Hash } & StateLeaf): Hash {
  return pairHash(pairHash(leaf.keyHash, leaf.valueHash), leafMark(leaf.lastHeight));
}

/** P(left, right). */
export function pairHash(left: Uint8Array, right: Uint8Array): Hash {
  const pair = new Uint8Array(2 * HASH_BYTES);
  pair.set(left);
  pair.set(right, HASH_BYTES);
  return sha256(pair);
}

/** `[siblings, []]`, `[siblings, [valueHash, lastHeight]]` or `[siblings, [keyHash, valueHash, lastHeight]]`. */
export function stateTreeProofItems(proof: StateTreeProof): Value {
  const { siblings, end } = proof;
  if (end.kind === "empty") return [siblings, []];
  if (end.kind === "present") return [siblings, [end.valueHash, end.lastHeight]];
  return [siblings, [end.keyHash, end.valueHash, end.lastHeight]];
}

export function readStateTreeProof(reader: Reader): StateTreeProof {
  reader.tuple(2);
  const siblings = reader.byteString(BUCKET_DEPTH * HASH_BYTES, DEPTH_MAX * HASH_BYTES);
  if (siblings.length % HASH_BYTES !== 0) reader.fail("CBOR_LENGTH");
  const count = reader.array(0, 3);
  if (count === 0) return { siblings, end: { kind: "empty" } };
  if (count === 1) reader.fail("CBOR_COUNT");
  if (count === 2) return { siblings, end: { kind: "present", valueHash: reader.hash(), lastHeight: reader.uint(0) } };
  const keyHash = reader.hash();
  return { siblings, end: { kind: "other", keyHash, valueHash: reader.hash(), lastHeight: reader.uint(0) } };
}
