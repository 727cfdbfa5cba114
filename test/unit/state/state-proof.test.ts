import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeWith, encode } from "../../../src/ledger/codec.ts";
import {
  readStateTreeProof,
  type StateTreeProof,
  stateKeyHashOf,
  stateTreeProofItems,
  verifyStateTreeProof,
} from "../../../src/ledger/state-proof.ts";
import { StateTree } from "../../../src/state/tree.ts";

const TEXT = new TextEncoder();
const LIMITS = { bytesMax: 16_384, depthMax: 4, itemsMax: 16 };

function keyOf(name: number): Uint8Array {
  return TEXT.encode(`unit\0${name}`);
}

function treeOf(count: number): StateTree {
  return StateTree.build(
    [...Array(count).keys()].map((name) => ({
      key: keyOf(name),
      valueHash: new Uint8Array(32).fill(name & 255),
      lastHeight: name,
    })),
  );
}

function encodeProof(proof: StateTreeProof): Uint8Array {
  return encode(stateTreeProofItems(proof));
}

function verifyBytes(root: Uint8Array, key: Uint8Array, bytes: Uint8Array): ReturnType<typeof verifyStateTreeProof> {
  const proof = decodeWith(bytes, LIMITS, readStateTreeProof);
  return proof.ok ? verifyStateTreeProof({ root, key, proof: proof.value }) : proof;
}

describe("state proofs", () => {
  // 200,000 keys on 2^16 buckets: present keys, keys in empty places and keys beside another leaf all occur.
  const tree = treeOf(200_000);
  const root = tree.root();

  it("T10: shows presence with value hash and height, and absence, for any key", () => {
    const ends = new Set<string>();
    for (let name = 199_000; name < 201_000; name += 1) {
      const proof = tree.prove(keyOf(name));
      ends.add(proof.end.kind);
      const leaf = name < 200_000 ? { valueHash: new Uint8Array(32).fill(name & 255), lastHeight: name } : undefined;
      expect(verifyStateTreeProof({ root, key: keyOf(name), proof })).toEqual({ ok: true, value: { leaf } });
    }
    expect([...ends].sort()).toEqual(["empty", "other", "present"]);
  });

  it("T10: a proof stays below 2 kB", () => {
    let longest = 0;
    for (let name = 0; name < 2_000; name += 1)
      longest = Math.max(longest, encodeProof(tree.prove(keyOf(name))).length);
    expect(longest).toBeLessThan(2_000);
  });

  it("T11: a proof of one key or root says nothing of another", () => {
    for (const name of [1, 2, 200_001, 200_002]) {
      const proof = tree.prove(keyOf(name));
      expect(verifyStateTreeProof({ root, key: keyOf(name + 10), proof }).ok).toBe(false);
      expect(verifyStateTreeProof({ root: treeOf(5).root(), key: keyOf(name), proof }).ok).toBe(false);
    }
  });

  it("T11: refuses a proof with any one bit changed, cut or lengthened", () => {
    const names = [...Array(40).keys()].map((index) => 199_980 + index);
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(), fc.nat(7), (name, position, bit) => {
        const bytes = encodeProof(tree.prove(keyOf(name)));
        const changed = bytes.slice();
        const at = position % bytes.length;
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        expect(verifyBytes(root, keyOf(name), changed).ok).toBe(false);
        expect(verifyBytes(root, keyOf(name), bytes.subarray(0, at)).ok).toBe(false);
        expect(verifyBytes(root, keyOf(name), Uint8Array.from([...bytes, bit])).ok).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  it("T12: another leaf shows absence only where the key would stand, and never for the key itself", () => {
    const present = tree.prove(keyOf(3));
    if (present.end.kind !== "present") throw new Error("key 3 is in the tree");
    const absent = [...Array(3_000).keys()].map((index) => tree.prove(keyOf(200_000 + index)));
    const other = absent.find(({ end }) => end.kind === "other");
    if (other?.end.kind !== "other") throw new Error("no absent key beside another leaf");
    // The tree's own leaf, presented as if it were someone else's, to hide the key.
    const disguised: StateTreeProof = {
      siblings: present.siblings,
      end: { ...present.end, kind: "other", keyHash: other.end.keyHash },
    };
    expect(verifyStateTreeProof({ root, key: keyOf(3), proof: disguised })).toMatchObject({
      code: "STATE_PROOF_ELSEWHERE",
    });
    const ownKeyHash = stateKeyHashOf(keyOf(3));
    const own: StateTreeProof = { ...disguised, end: { ...present.end, kind: "other", keyHash: ownKeyHash } };
    expect(verifyStateTreeProof({ root, key: keyOf(3), proof: own })).toMatchObject({ code: "STATE_PROOF_ELSEWHERE" });
    const emptied: StateTreeProof = { siblings: present.siblings, end: { kind: "empty" } };
    expect(verifyStateTreeProof({ root, key: keyOf(3), proof: emptied })).toMatchObject({ code: "STATE_PROOF_ROOT" });
  });

  it("T12: the path of a key ends above the buckets for nobody", () => {
    const { siblings } = tree.prove(keyOf(3));
    for (const length of [0, 32, 15 * 32, 16 * 32 + 1, 257 * 32]) {
      const cut = new Uint8Array(length);
      cut.set(siblings.subarray(0, length));
      const proof: StateTreeProof = { siblings: cut, end: { kind: "empty" } };
      expect(verifyStateTreeProof({ root, key: keyOf(3), proof })).toMatchObject({ code: "STATE_PROOF_MALFORMED" });
    }
  });

  it("T10: proofs survive their bytes", () => {
    for (let name = 199_990; name < 200_100; name += 1) {
      const proof = tree.prove(keyOf(name));
      expect(decodeWith(encodeProof(proof), LIMITS, readStateTreeProof)).toEqual({ ok: true, value: proof });
    }
  });
});
