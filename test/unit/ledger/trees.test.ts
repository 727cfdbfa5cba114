// Merkle trees over lists and the history of heights: every leaf is provable, nothing else is.
// Never compares a root with itself: proofs are changed in every part.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sha256 } from "#sha256";
import { type Hash, hashTagged, toHex } from "../../../src/ledger/hash.ts";
import { HistoryAccumulator, historyLeaf, historyProof, verifyHistoryProof } from "../../../src/ledger/history.ts";
import { merkleProof, merkleRoot, verifyMerkleProof } from "../../../src/ledger/merkle.ts";
import { anyHash, hashOf } from "./samples.ts";

function leavesOf(count: number): readonly Hash[] {
  return Array.from({ length: count }, (_, index) => hashTagged("TX", new Uint8Array([index & 255, index >> 8])));
}

function hashPair(left: Hash, right: Hash): Hash {
  const pair = new Uint8Array(64);
  pair.set(left);
  pair.set(right, 32);
  return sha256(pair);
}

function sealed(count: number, top: Hash): Hash {
  const bytes = new Uint8Array(40);
  bytes[7] = count;
  bytes.set(top, 8);
  return hashTagged("RECEIPTS", bytes);
}

function flipped(hash: Hash): Hash {
  const other = hash.slice();
  other[0] = (other[0] ?? 0) ^ 1;
  return other;
}

describe("Merkle trees over lists", () => {
  test("the root is what the definition says", () => {
    const [a = hashOf(0), b = hashOf(0), c = hashOf(0)] = leavesOf(3);
    const zero = new Uint8Array(32);
    expect(toHex(merkleRoot("RECEIPTS", []))).toBe(toHex(sealed(0, zero)));
    expect(toHex(merkleRoot("RECEIPTS", [a]))).toBe(toHex(sealed(1, a)));
    expect(toHex(merkleRoot("RECEIPTS", [a, b]))).toBe(toHex(sealed(2, hashPair(a, b))));
    const three = hashPair(hashPair(a, b), hashPair(c, zero));
    expect(toHex(merkleRoot("RECEIPTS", [a, b, c]))).toBe(toHex(sealed(3, three)));
  });

  test("L24: every leaf of every size up to 40 is provable, and only as itself, at its place, in its tree", () => {
    for (let count = 1; count <= 40; count += 1) {
      const leaves = leavesOf(count);
      const root = merkleRoot("RECEIPTS", leaves);
      for (const [index, leaf] of leaves.entries()) {
        const proof = merkleProof(leaves, index);
        const claim = { tag: "RECEIPTS", root, leaf, proof } as const;
        expect(verifyMerkleProof(claim)).toBe(true);
        expect(verifyMerkleProof({ ...claim, tag: "BATCHES" })).toBe(false);
        expect(verifyMerkleProof({ ...claim, leaf: flipped(leaf) })).toBe(false);
        expect(verifyMerkleProof({ ...claim, root: flipped(root) })).toBe(false);
        for (const other of [index - 1, index + 1, index + count, index + 64]) {
          expect(verifyMerkleProof({ ...claim, proof: { ...proof, index: other } })).toBe(false);
        }
        for (const other of [0, count - 1, count + 1, count * 2, 2 ** 53]) {
          expect(verifyMerkleProof({ ...claim, proof: { ...proof, count: other } })).toBe(false);
        }
        expect(verifyMerkleProof({ ...claim, proof: { ...proof, siblings: [...proof.siblings, hashOf(0)] } })).toBe(
          false,
        );
        expect(verifyMerkleProof({ ...claim, proof: { ...proof, siblings: proof.siblings.slice(1) } })).toBe(
          count === 1,
        );
        for (const place of proof.siblings.keys()) {
          const siblings = proof.siblings.map((sibling, at) => (at === place ? flipped(sibling) : sibling));
          expect(verifyMerkleProof({ ...claim, proof: { ...proof, siblings } })).toBe(false);
        }
      }
    }
  });

  test("L24: the padding is no leaf, and a doubled last leaf is another list (pitfall 26)", () => {
    const leaves = leavesOf(3);
    const root = merkleRoot("RECEIPTS", leaves);
    const [, , last = hashOf(0)] = leaves;
    expect(toHex(merkleRoot("RECEIPTS", [...leaves, last]))).not.toBe(toHex(root));
    expect(toHex(merkleRoot("RECEIPTS", [...leaves, hashOf(0)]))).not.toBe(toHex(root));
    const padding = { ...merkleProof([...leaves, hashOf(0)], 3), count: 3 };
    expect(verifyMerkleProof({ tag: "RECEIPTS", root, leaf: hashOf(0), proof: padding })).toBe(false);
  });

  test("L24: an inner node is no leaf", () => {
    const leaves = leavesOf(4);
    const [a = hashOf(0), b = hashOf(0), c = hashOf(0), d = hashOf(0)] = leaves;
    const root = merkleRoot("RECEIPTS", leaves);
    for (const count of [1, 2, 3, 4]) {
      const proof = { index: 0, count, siblings: [hashPair(c, d)] };
      expect(verifyMerkleProof({ tag: "RECEIPTS", root, leaf: hashPair(a, b), proof })).toBe(false);
    }
  });

  test("L24: different lists have different roots", () => {
    const lists = fc.array(anyHash, { maxLength: 9 });
    fc.assert(
      fc.property(lists, lists, (left, right) => {
        const isSame = left.map(toHex).join() === right.map(toHex).join();
        expect(toHex(merkleRoot("RECEIPTS", left)) === toHex(merkleRoot("RECEIPTS", right))).toBe(isSame);
      }),
    );
  });
});

describe("history of heights", () => {
  const HEIGHTS = 70;
  const leaves = leavesOf(HEIGHTS);

  /** The histories of 0 to HEIGHTS heights, and the nodes kept after each append. */
  function grow(): { readonly histories: readonly HistoryAccumulator[]; readonly kept: ReadonlyMap<number, Hash> } {
    const histories = [HistoryAccumulator.empty];
    const kept = new Map<number, Hash>();
    let history = HistoryAccumulator.empty;
    for (const leaf of leaves) {
      const grown = history.append(leaf);
      for (const { position, hash } of grown.nodes) {
        expect(kept.has(position)).toBe(false);
        kept.set(position, hash);
      }
      history = grown.history;
      histories.push(history);
    }
    expect([...kept.keys()]).toEqual(Array.from({ length: kept.size }, (_, position) => position));
    return { histories, kept };
  }
  const { histories, kept } = grow();

  function node(position: number): Hash {
    const hash = kept.get(position);
    if (hash === undefined) throw new Error(`no node ${position}`);
    return hash;
  }

  test("the peaks are what the definition says", () => {
    const [a = hashOf(0), b = hashOf(0), c = hashOf(0), d = hashOf(0), e = hashOf(0)] = leaves;
    const four = hashPair(hashPair(a, b), hashPair(c, d));
    expect(histories[3]?.peaks.map(toHex)).toEqual([hashPair(a, b), c].map(toHex));
    expect(histories[5]?.peaks.map(toHex)).toEqual([four, e].map(toHex));
    const leafPositions = [0, 1, 3, 4, 7, 8, 10, 11, 15];
    expect(leafPositions.map((position) => toHex(node(position)))).toEqual(leaves.slice(0, 9).map(toHex));
    expect(toHex(node(6))).toBe(toHex(four));
  });

  test("L25: every height of every history is provable, from the nodes kept at any later time", () => {
    for (let count = 1; count <= HEIGHTS; count += 1) {
      const root = histories[count]?.root() ?? hashOf(0);
      for (let height = 0; height < count; height += 1) {
        const proof = historyProof({ count, height, node });
        expect(verifyHistoryProof({ root, leaf: leaves[height] ?? hashOf(0), proof })).toBe(true);
      }
    }
  });

  test("L25: a proof changed in any part is refused", () => {
    for (const count of [1, 2, 3, 6, 7, 21, 64]) {
      const root = histories[count]?.root() ?? hashOf(0);
      for (let height = 0; height < count; height += 1) {
        const leaf = leaves[height] ?? hashOf(0);
        const proof = historyProof({ count, height, node });
        const accepts = (change: Partial<typeof proof>): boolean =>
          verifyHistoryProof({ root, leaf, proof: { ...proof, ...change } });
        expect(verifyHistoryProof({ root, leaf: flipped(leaf), proof })).toBe(false);
        expect(verifyHistoryProof({ root: flipped(root), leaf, proof })).toBe(false);
        for (const other of [height - 1, height + 1, count, count + 5]) expect(accepts({ height: other })).toBe(false);
        for (const other of [0, count - 1, count + 1, count * 2, 2 ** 53 - 1])
          expect(accepts({ count: other })).toBe(false);
        for (const part of ["siblings", "peaks"] as const) {
          expect(accepts({ [part]: [...proof[part], hashOf(0)] })).toBe(false);
          for (const place of proof[part].keys()) {
            expect(accepts({ [part]: proof[part].map((hash, at) => (at === place ? flipped(hash) : hash)) })).toBe(
              false,
            );
            expect(accepts({ [part]: proof[part].filter((_, at) => at !== place) })).toBe(false);
          }
        }
      }
    }
  });

  test("L25: an inner node is no height", () => {
    const root = histories[4]?.root() ?? hashOf(0);
    const proof = historyProof({ count: 4, height: 0, node });
    const claim = { root, leaf: node(2), proof: { ...proof, siblings: proof.siblings.slice(1) } };
    expect(verifyHistoryProof(claim)).toBe(false);
  });

  test("L25: an append leaves the history before it as it was", () => {
    const history = histories[6] ?? HistoryAccumulator.empty;
    const before = toHex(history.root());
    const one = history.append(hashOf(1)).history.root();
    const other = history.append(hashOf(2)).history.root();
    expect(toHex(history.root())).toBe(before);
    expect(toHex(one)).not.toBe(toHex(other));
  });

  test("L25: a stored history continues where it stopped", () => {
    for (const history of histories) {
      const read = HistoryAccumulator.decode(history.encode());
      if (!read.ok) throw new Error(read.code);
      expect(toHex(read.value.append(hashOf(1)).history.root())).toBe(toHex(history.append(hashOf(1)).history.root()));
    }
    const bytes = histories[5]?.encode() ?? new Uint8Array(0);
    for (let length = 0; length < bytes.length; length += 1) {
      expect(HistoryAccumulator.decode(bytes.subarray(0, length)).ok).toBe(false);
    }
  });

  test("a leaf binds height, block and result", () => {
    const block = { height: 1, blockHash: hashOf(1), resultHash: hashOf(2) };
    const variants = [
      block,
      { ...block, height: 2 },
      { ...block, blockHash: hashOf(2) },
      { ...block, resultHash: hashOf(1) },
    ];
    expect(new Set(variants.map((variant) => toHex(historyLeaf(variant)))).size).toBe(4);
  });
});
