// The history accumulator: a Merkle mountain range over all heights from 0, by which the newest header proves every older block.
// Never stores nodes: an append says which nodes it made, and proofs ask for them by position.

import { sha256 } from "#sha256";
import { invariant } from "../assert.ts";
import type { Verdict } from "../errors.ts";
import { DECODE_LIMITS, decodeWith, encode, type Reader, type Value } from "./codec.ts";
import { bytesEqual, type Hash, hashTagged } from "./hash.ts";
import { LIMITS } from "./limits.ts";
import { FORMAT_VERSION } from "./types.ts";

/** A node of the range. Positions count nodes in the order in which they come to be, leaves and parents alike, from 0. */
export interface HistoryNode {
  readonly position: number;
  readonly hash: Hash;
}

/** That a height stands in the history of `count` heights. */
export interface HistoryProof {
  readonly count: number;
  readonly height: number;
  /** from the leaf up to its peak */
  readonly siblings: readonly Hash[];
  /** the other peaks, from the left */
  readonly peaks: readonly Hash[];
}

/** H(HISTORY, [height, blockHash, resultHash]). Height 0: the chain id and the hash of the genesis result. */
export function historyLeaf(block: {
  readonly height: number;
  readonly blockHash: Hash;
  readonly resultHash: Hash;
}): Hash {
  return hashTagged("HISTORY", encode([block.height, block.blockHash, block.resultHash]));
}

/** Immutable: a block's history is given up by forgetting it. */
export class HistoryAccumulator {
  static readonly empty = new HistoryAccumulator(0, []);
  /** heights in it: 0 to count-1 */
  readonly count: number;
  /** roots of the perfect trees that the binary digits of `count` stand for, from the left */
  readonly peaks: readonly Hash[];

  private constructor(count: number, peaks: readonly Hash[]) {
    this.count = count;
    this.peaks = peaks;
  }

  /** @returns the history with one height more, and the nodes to keep for proofs */
  append(leaf: Hash): { readonly history: HistoryAccumulator; readonly nodes: readonly HistoryNode[] } {
    let hash = leaf;
    let position = nodesOf(this.count);
    const nodes: HistoryNode[] = [{ position, hash }];
    const peaks = [...this.peaks];
    for (let rest = this.count; rest % 2 === 1; rest = Math.floor(rest / 2)) {
      const left = peaks.pop();
      invariant(left !== undefined, "L9: a history has a peak for every binary digit of its count");
      hash = parentOf(left, hash);
      position += 1;
      nodes.push({ position, hash });
    }
    peaks.push(hash);
    return { history: new HistoryAccumulator(this.count + 1, peaks), nodes };
  }

  /** The history as it was with `count` heights, from the nodes that its appends made. */
  static at(count: number, node: (position: number) => Hash): HistoryAccumulator {
    return new HistoryAccumulator(count, peakPositions(count).map(node));
  }

  /** The nodes of the peaks: all that proofs of heights from `count` on need of the heights before it. */
  peakNodes(): readonly HistoryNode[] {
    return peakPositions(this.count).map((position, index) => ({ position, hash: this.peaks[index]! }));
  }

  /** H(HISTORY-ROOT, [count, peaks]): the count fixes the shape, so no inner node can stand for a leaf. */
  root(): Hash {
    return rootOf(this.count, this.peaks);
  }

  /** `[version, count, peaks]`. */
  encode(): Uint8Array {
    return encode([FORMAT_VERSION, this.count, this.peaks]);
  }

  static decode(bytes: Uint8Array): Verdict<HistoryAccumulator> {
    return decodeWith(bytes, DECODE_LIMITS, (reader) => {
      reader.tuple(3);
      reader.version(FORMAT_VERSION);
      const count = reader.uint(0);
      const width = peakHeights(count).length;
      return new HistoryAccumulator(
        count,
        reader.list(width, width, (inner) => inner.hash()),
      );
    });
  }
}

/** @param node the hash kept at a position by the appends of the first `count` heights */
export function historyProof(query: {
  readonly count: number;
  readonly height: number;
  readonly node: (position: number) => Hash;
}): HistoryProof {
  const { count, height, node } = query;
  invariant(
    Number.isInteger(height) && height >= 0 && height < count,
    "L10: a history proof is of a height before its header",
  );
  const siblings: Hash[] = [];
  const peaks: Hash[] = [];
  let firstLeaf = 0;
  for (const level of peakHeights(count)) {
    const width = 2 ** level;
    if (height < firstLeaf || height >= firstLeaf + width) peaks.push(node(nodePosition(firstLeaf, level)));
    else {
      for (let step = 0; step < level; step += 1) {
        const subtree = Math.floor((height - firstLeaf) / 2 ** step);
        const sibling = subtree % 2 === 0 ? subtree + 1 : subtree - 1;
        siblings.push(node(nodePosition(firstLeaf + sibling * 2 ** step, step)));
      }
    }
    firstLeaf += width;
  }
  return { count, height, siblings, peaks };
}

/** Total: a proof of a wrong shape is false. @param root historyRoot of the header of height `proof.count` */
export function verifyHistoryProof(claim: {
  readonly root: Hash;
  readonly leaf: Hash;
  readonly proof: HistoryProof;
}): boolean {
  const { count, height, siblings, peaks } = claim.proof;
  if (!Number.isSafeInteger(count) || !Number.isSafeInteger(height) || height < 0 || height >= count) return false;
  const levels = peakHeights(count);
  if (peaks.length !== levels.length - 1) return false;
  let firstLeaf = 0;
  let place = 0;
  while (height >= firstLeaf + 2 ** (levels[place] ?? 0)) {
    firstLeaf += 2 ** (levels[place] ?? 0);
    place += 1;
  }
  if (siblings.length !== levels[place]) return false;
  let hash = claim.leaf;
  let index = height - firstLeaf;
  for (const sibling of siblings) {
    hash = index % 2 === 0 ? parentOf(hash, sibling) : parentOf(sibling, hash);
    index = Math.floor(index / 2);
  }
  return bytesEqual(rootOf(count, [...peaks.slice(0, place), hash, ...peaks.slice(place)]), claim.root);
}

/** `[count, height, siblings, peaks]`. */
export function historyProofItems(proof: HistoryProof): Value {
  return [proof.count, proof.height, proof.siblings, proof.peaks];
}

export function readHistoryProof(reader: Reader): HistoryProof {
  reader.tuple(4);
  const readHash = (inner: Reader): Hash => inner.hash();
  return {
    count: reader.uint(1),
    height: reader.uint(0),
    siblings: reader.list(0, LIMITS.merkleDepthMax, readHash),
    peaks: reader.list(0, LIMITS.merkleDepthMax, readHash),
  };
}

/** Nodes of a range of `count` leaves: also the position of the leaf that comes next. */
function nodesOf(count: number): number {
  return 2 * count - peakHeights(count).length;
}

/** Position of the root of the perfect tree of 2^level leaves that starts at `firstLeaf`: it comes to be with its last leaf. */
function nodePosition(firstLeaf: number, level: number): number {
  return nodesOf(firstLeaf + 2 ** level - 1) + level;
}

/** The heights of the peaks, from the left: the set binary digits of `count`, highest first. */
function peakHeights(count: number): readonly number[] {
  const levels: number[] = [];
  let rest = count;
  for (let level = 0; rest > 0; level += 1) {
    if (rest % 2 === 1) levels.unshift(level);
    rest = Math.floor(rest / 2);
  }
  return levels;
}

function peakPositions(count: number): readonly number[] {
  let firstLeaf = 0;
  return peakHeights(count).map((level) => {
    const position = nodePosition(firstLeaf, level);
    firstLeaf += 2 ** level;
    return position;
  });
}

function parentOf(left: Hash, right: Hash): Hash {
  const pair = new Uint8Array(64);
  pair.set(left);
  pair.set(right, 32);
  return sha256(pair);
}

function rootOf(count: number, peaks: readonly Hash[]): Hash {
  return hashTagged("HISTORY-ROOT", encode([count, peaks]));
}
