// Merkle trees over lists: roots, proofs, verification. A root binds its domain, the number of leaves and their order.
// Never hashes leaves: callers give 32-byte hashes made under a domain tag.

import { sha256, sha256Pairs } from "#sha256";
import { invariant } from "../assert.ts";
import type { Reader, Value } from "./codec.ts";
import { bytesEqual, type DomainTag, type Hash, hashTagged } from "./hash.ts";
import { LIMITS } from "./limits.ts";
import type { MerkleProof } from "./types.ts";

/**
 * H(tag, count as u64, big-endian, then the top of the tree). The count fixes the depth, so no inner node can stand for a leaf,
 * and no padding for a leaf (pitfall 26). Leaves fill up with zeros to a power of two; each level is hashed in one call.
 */
export function merkleRoot(tag: DomainTag, leaves: readonly Hash[]): Hash {
  let level = paddedLevel(leaves);
  while (level.length > 32) level = parentLevel(level);
  return sealRoot(tag, leaves.length, level);
}

/** Gives proofs of the leaves of one list, by index (0-based, below their number). The tree is hashed once, here. */
export function merkleProver(leaves: readonly Hash[]): (index: number) => MerkleProof {
  const levels: Uint8Array[] = [];
  for (let level = paddedLevel(leaves); level.length > 32; level = parentLevel(level)) levels.push(level);
  return (index) => {
    invariant(Number.isInteger(index) && index >= 0 && index < leaves.length, "L4: a proof is of a leaf of the list");
    const siblings = levels.map((level, depth) => {
      const place = Math.floor(index / 2 ** depth);
      const sibling = (place % 2 === 0 ? place + 1 : place - 1) * 32;
      return level.slice(sibling, sibling + 32);
    });
    return { index, count: leaves.length, siblings };
  };
}

/** @param index 0-based, below the number of leaves */
export function merkleProof(leaves: readonly Hash[], index: number): MerkleProof {
  return merkleProver(leaves)(index);
}

/** Total: a proof of a wrong shape is false. */
export function verifyMerkleProof(claim: {
  readonly tag: DomainTag;
  readonly root: Hash;
  readonly leaf: Hash;
  readonly proof: MerkleProof;
}): boolean {
  const { index, count, siblings } = claim.proof;
  if (!Number.isSafeInteger(index) || index < 0 || index >= count) return false;
  if (claim.leaf.length !== 32 || siblings.length !== merkleDepth(count)) return false;
  let node = claim.leaf;
  let place = index;
  const pair = new Uint8Array(64);
  for (const sibling of siblings) {
    if (sibling.length !== 32) return false;
    pair.set(place % 2 === 0 ? node : sibling, 0);
    pair.set(place % 2 === 0 ? sibling : node, 32);
    node = sha256(pair);
    place = Math.floor(place / 2);
  }
  return bytesEqual(sealRoot(claim.tag, count, node), claim.root);
}

/** Levels above the leaves of a tree of `count` leaves. */
function merkleDepth(count: number): number {
  let depth = 0;
  for (let width = 1; width < count; width *= 2) depth += 1;
  return depth;
}

/** `[index, count, siblings]`. */
export function merkleProofItems(proof: MerkleProof): Value {
  return [proof.index, proof.count, proof.siblings];
}

export function readMerkleProof(reader: Reader): MerkleProof {
  reader.tuple(3);
  return {
    index: reader.uint(0),
    count: reader.uint(1),
    siblings: reader.list(0, LIMITS.merkleDepthMax, (inner) => inner.hash()),
  };
}

function paddedLevel(leaves: readonly Hash[]): Uint8Array {
  const level = new Uint8Array(32 * 2 ** merkleDepth(leaves.length));
  let offset = 0;
  for (const leaf of leaves) {
    invariant(leaf.length === 32, "L5: leaves of a Merkle tree are hashes");
    level.set(leaf, offset);
    offset += 32;
  }
  return level;
}

function parentLevel(level: Uint8Array): Uint8Array {
  const parents = new Uint8Array(level.length / 2);
  sha256Pairs(level, parents);
  return parents;
}

function sealRoot(tag: DomainTag, count: number, top: Uint8Array): Hash {
  const sealed = new Uint8Array(40);
  new DataView(sealed.buffer).setBigUint64(0, BigInt(count));
  sealed.set(top, 8);
  return hashTagged(tag, sealed);
}
