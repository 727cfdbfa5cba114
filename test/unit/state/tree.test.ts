import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex } from "../../../src/ledger/hash.ts";
import { type StateLeaf, verifyStateTreeProof } from "../../../src/ledger/state-proof.ts";
import { GROUP_LEAVES_MAX } from "../../../src/state/bucket.ts";
import { type KeyedLeaf, type StateChange, StateTree } from "../../../src/state/tree.ts";
import { GROUND_KEYS } from "./ground-keys.ts";
import { ModelTree } from "./model.ts";

const TEXT = new TextEncoder();

function keyOf(name: string | number): Uint8Array {
  return TEXT.encode(`table\0${name}`);
}

function leafOf(seed: number, lastHeight = 1): StateLeaf {
  const valueHash = new Uint8Array(32).fill(seed & 255);
  new DataView(valueHash.buffer).setUint32(0, seed);
  return { valueHash, lastHeight };
}

function put(name: string | number, seed: number, lastHeight = 1): StateChange {
  return { key: keyOf(name), leaf: leafOf(seed, lastHeight) };
}

function remove(name: string | number): StateChange {
  return { key: keyOf(name), leaf: undefined };
}

function commit(tree: StateTree, changes: readonly StateChange[]): void {
  tree.commit(tree.stage(changes));
}

/** A few hundred names, so that changes meet each other; by fast-check. */
const changeLists = fc.array(
  fc.uniqueArray(
    fc.record({ name: fc.integer({ min: 0, max: 300 }), seed: fc.option(fc.nat(1_000_000), { nil: undefined }) }),
    { selector: ({ name }) => name, maxLength: 60 },
  ),
  { maxLength: 12 },
);

describe("state tree", () => {
  it("T6: the root follows from the set of leaves, whatever the order of inserts, updates and deletes", () => {
    fc.assert(
      fc.property(changeLists, (blocks) => {
        const tree = StateTree.build([]);
        const model = new ModelTree();
        for (const [height, block] of blocks.entries()) {
          const changes = block.map(({ name, seed }) => (seed === undefined ? remove(name) : put(name, seed, height)));
          commit(tree, changes);
          model.apply(changes);
          expect(toHex(tree.root())).toBe(toHex(model.root()));
          expect(tree.size).toBe(model.size);
        }
        expect(toHex(StateTree.build(model.leaves()).root())).toBe(toHex(tree.root()));
      }),
      { numRuns: 60 },
    );
  });

  it("T6: an empty tree, one leaf and a tree emptied again have the roots of the rule", () => {
    const model = new ModelTree();
    const tree = StateTree.build([]);
    const empty = toHex(tree.root());
    expect(empty).toBe(toHex(model.root()));
    commit(tree, [put("only", 1)]);
    model.apply([put("only", 1)]);
    expect(toHex(tree.root())).toBe(toHex(model.root()));
    commit(tree, [remove("only")]);
    expect(toHex(tree.root())).toBe(empty);
    expect(tree.size).toBe(0);
  });

  it("T6: ground keys that crowd one bucket split it and merge back without a trace", () => {
    const names = GROUND_KEYS;
    expect(names.length).toBeGreaterThan(4 * GROUP_LEAVES_MAX);
    const before = [put("a", 1), put("b", 2)];
    const tree = StateTree.build([]);
    const model = new ModelTree();
    for (const changes of [before, names.map((name) => put(name, name))]) {
      commit(tree, changes);
      model.apply(changes);
    }
    expect(toHex(tree.root())).toBe(toHex(model.root()));
    for (const name of names) {
      const verdict = verifyStateTreeProof({ root: tree.root(), key: keyOf(name), proof: tree.prove(keyOf(name)) });
      expect(verdict).toEqual({ ok: true, value: { leaf: leafOf(name) } });
    }
    // One at a time over the threshold and back, then half of them at once, then all.
    for (const name of names.slice(0, 3 * GROUP_LEAVES_MAX + 8)) {
      commit(tree, [remove(name)]);
      model.apply([remove(name)]);
      expect(toHex(tree.root())).toBe(toHex(model.root()));
    }
    commit(tree, names.map(remove));
    expect(toHex(tree.root())).toBe(toHex(StateTree.build(before.map(toKeyedLeaf)).root()));
  });

  it("T7: staging changes nothing; a dropped stage is the undo, and stages of one base do not see each other", () => {
    const tree = StateTree.build([...Array(500).keys()].map((name) => toKeyedLeaf(put(name, name))));
    const base = toHex(tree.root());
    const proof = tree.prove(keyOf(7));
    const first = tree.stage([put(7, 1000), remove(8), put("new", 1)]);
    const second = tree.stage([put(7, 2000)]);
    expect(toHex(tree.root())).toBe(base);
    expect(tree.size).toBe(500);
    expect(verifyStateTreeProof({ root: tree.root(), key: keyOf(7), proof }).ok).toBe(true);
    tree.commit(second);
    expect(toHex(tree.root())).toBe(toHex(second.root));
    expect(toHex(first.root)).not.toBe(toHex(second.root));
    const again = StateTree.build(
      [...Array(500).keys()].map((name) => toKeyedLeaf(put(name, name === 7 ? 2000 : name))),
    );
    expect(toHex(again.root())).toBe(toHex(tree.root()));
  });

  it("T5: refuses to commit what was staged on another version", () => {
    const tree = StateTree.build([]);
    const first = tree.stage([put(1, 1)]);
    const second = tree.stage([put(2, 2)]);
    tree.commit(first);
    expect(() => tree.commit(second)).toThrow("T5");
    expect(() => tree.commit(first)).toThrow("T5");
  });

  it("T2: refuses two changes of one key", () => {
    expect(() => StateTree.build([]).stage([put(1, 1), put(2, 2), put(1, 3)])).toThrow("T2");
    expect(() => StateTree.build([put(1, 1), put(1, 2)].map(toKeyedLeaf))).toThrow("T3");
  });

  it("T8: a staged block without changes has the committed root", () => {
    const tree = StateTree.build([toKeyedLeaf(put(1, 1))]);
    const staged = tree.stage([]);
    expect(toHex(staged.root)).toBe(toHex(tree.root()));
    tree.commit(staged);
    expect(tree.size).toBe(1);
    expect(toHex(tree.stage([remove("absent")]).root)).toBe(toHex(tree.root()));
  });

  it("T9: heights above 2^32 reach the leaf and its proof", () => {
    const height = 2 ** 40 + 5;
    const tree = StateTree.build([toKeyedLeaf(put(1, 1, height))]);
    const verdict = verifyStateTreeProof({ root: tree.root(), key: keyOf(1), proof: tree.prove(keyOf(1)) });
    expect(verdict).toEqual({ ok: true, value: { leaf: leafOf(1, height) } });
  });
});

function toKeyedLeaf(change: StateChange): KeyedLeaf {
  return { key: change.key, ...(change.leaf ?? leafOf(0)) };
}
