// The authenticated state: one leaf for each key, 2^16 buckets by key hash, a binary tree over them, proofs for any key.
// Never reads values and never touches what is committed until `commit`: dropping a staged tree undoes its block.

import { sha256Pairs } from "#sha256";
import { invariant } from "../assert.ts";
import { bytesEqual, compareBytes, EMPTY_BYTES, first32Bits, type Hash } from "../ledger/hash.ts";
import { Slab } from "../ledger/slab.ts";
import { BUCKET_DEPTH, bitAt, type StateLeaf, type StateTreeProof, stateKeyHashOf } from "../ledger/state-proof.ts";
import { type BucketNode, BucketUpdate, type LeafRef } from "./bucket.ts";
import { HashPlan, type Slot } from "./hash-plan.ts";
import { type LeafId, LeafTable } from "./leaf-table.ts";

const BUCKETS = 1 << BUCKET_DEPTH;
const HASH_BYTES = 32;
const HASH_WORDS = 8;
const SLAB_BITS = 12;
/** Kept until the changes are in the staged table. */
const KEY_HASHES = new Slab(4096);
/** Buckets hashed in one plan while a tree is built: bounds the plan's memory. */
const BUCKETS_AT_ONCE = 4096;

export interface KeyedLeaf extends StateLeaf {
  readonly key: Uint8Array;
}

export interface StateChange {
  readonly key: Uint8Array;
  /** undefined: the key is deleted; deleting an absent key changes nothing */
  readonly leaf: StateLeaf | undefined;
}

/** The tree as it would be after a block. Opaque but for `root` and `size`; to be committed at most once, or dropped. */
export interface StagedTree {
  readonly root: Hash;
  readonly size: number;
}

/** What a commit applies. */
interface StagedParts extends StagedTree {
  /** version of the tree on which it was staged */
  readonly version: number;
  readonly update: BucketUpdate;
  /** of the changed buckets, in the order of `nodes` */
  readonly buckets: readonly (BucketNode | undefined)[];
  /** numbers and hashes (8 words each) of the dense tree's changed nodes, buckets first */
  readonly nodes: Int32Array;
  readonly hashes: Int32Array;
}

class Staged implements StagedTree {
  readonly parts: StagedParts;
  readonly root: Hash;
  readonly size: number;

  constructor(parts: StagedParts) {
    this.parts = parts;
    this.root = parts.root;
    this.size = parts.size;
  }
}

export class StateTree {
  readonly #leaves: LeafTable;
  readonly #buckets: (BucketNode | undefined)[];
  /** the dense tree: node i has the children 2i and 2i+1, node 1 is the root, bucket b is node 2^16 + b */
  readonly #dense: Int32Array;
  readonly #plan = new HashPlan();
  #size: number;
  #version = 0;

  private constructor(parts: {
    readonly leaves: LeafTable;
    readonly buckets: (BucketNode | undefined)[];
    readonly dense: Int32Array;
    readonly size: number;
  }) {
    this.#leaves = parts.leaves;
    this.#buckets = parts.buckets;
    this.#dense = parts.dense;
    this.#size = parts.size;
  }

  /** The tree over these leaves, one for each key, in any order. */
  static build(leaves: Iterable<KeyedLeaf>): StateTree {
    const builder = StateTree.builder();
    for (const leaf of leaves) builder.add(leaf);
    return builder.finish();
  }

  /** For leaves that come in pages: `add` each, then `finish` once. */
  static builder(): { add(leaf: KeyedLeaf): void; finish(): StateTree } {
    const leaves = new LeafTable(SLAB_BITS);
    const ids: (LeafId[] | undefined)[] = new Array<LeafId[] | undefined>(BUCKETS).fill(undefined);
    let size = 0;
    return {
      add: ({ key, valueHash, lastHeight }) => {
        const keyHash = stateKeyHashOf(key);
        const id = leaves.allocate();
        leaves.set(id, keyHash, { valueHash, lastHeight });
        const bucket = bucketOf(keyHash);
        const list = ids[bucket];
        if (list === undefined) ids[bucket] = [id];
        else list.push(id);
        size += 1;
      },
      finish: () => {
        leaves.hashLeaves(0, size);
        const { buckets, dense } = hashBuckets(leaves, ids);
        return new StateTree({ leaves, buckets, dense, size });
      },
    };
  }

  /** Keys in the state. */
  get size(): number {
    return this.#size;
  }

  root(): Hash {
    return this.#denseHash(1);
  }

  /** The hashes beside the way to a place among the buckets, as they are now, whatever is committed later. Costs 4 MiB. */
  frozenSiblings(): (depth: number, index: number) => Uint8Array {
    const dense = this.#dense.slice();
    return (depth, index) => {
      const run = new Uint8Array(depth * HASH_BYTES);
      let node = 2 ** depth + index;
      for (let level = depth - 1; level >= 0; level -= 1, node >>= 1) {
        const sibling = dense.slice((node ^ 1) * HASH_WORDS, ((node ^ 1) + 1) * HASH_WORDS);
        run.set(new Uint8Array(sibling.buffer), level * HASH_BYTES);
      }
      return run;
    };
  }

  /** The tree after these changes, at most one for each key; the committed tree stays as it is. */
  stage(changes: readonly StateChange[]): StagedTree {
    const plan = this.#plan;
    plan.reset();
    const staged = new LeafTable(slabBitsFor(changes.length));
    const isDelete = sortChanges(changes, staged);
    const update = new BucketUpdate({ plan, committed: this.#leaves, staged, isDelete });
    const buckets: (BucketNode | undefined)[] = [];
    // One for each bucket and each level above it at most: lists of this size that grow cost more than what is put into them.
    const nodes = new Int32Array(changes.length * (BUCKET_DEPTH + 1));
    const slots = new Int32Array(nodes.length);
    for (let start = 0; start < changes.length; ) {
      const bucket = staged.bucket(start);
      let end = start + 1;
      while (end < changes.length && staged.bucket(end) === bucket) end += 1;
      const { node, slot } = update.apply(this.#buckets[bucket], start, end, BUCKET_DEPTH);
      nodes[buckets.length] = BUCKETS + bucket;
      slots[buckets.length] = slot;
      buckets.push(node);
      start = end;
    }
    const count = this.#planDense(nodes, slots, buckets.length);
    plan.run();
    update.settle();
    const hashes = new Int32Array(count * HASH_WORDS);
    for (let index = 0; index < count; index += 1) plan.copyTo(slots[index]!, hashes, index * HASH_WORDS);
    const rootSlot = slots[count - 1];
    const written = isDelete.reduce((rest, deleted) => rest - deleted, changes.length);
    return new Staged({
      root: rootSlot === undefined ? this.root() : plan.read(rootSlot),
      size: this.#size + written - update.replacedCount - update.removed.length,
      version: this.#version,
      update,
      buckets,
      nodes: nodes.subarray(0, count),
      hashes,
    });
  }

  /** Makes a staged tree the committed one. Other trees staged on the same base are void from then on. */
  commit(staged: StagedTree): void {
    invariant(staged instanceof Staged, "T4: a tree commits what it staged");
    const { parts } = staged;
    invariant(parts.version === this.#version, "T5: a staged tree is committed on the tree it was staged on");
    const ids = this.#adoptLeaves(parts);
    for (const group of parts.update.groups) {
      for (let index = 0; index < group.refs.length; index += 1) {
        const ref = group.refs[index]!;
        if (ref < 0) group.refs[index] = ids[-1 - ref]!;
      }
    }
    const { buckets, nodes, hashes } = parts;
    for (let index = 0; index < buckets.length; index += 1) this.#buckets[nodes[index]! - BUCKETS] = buckets[index];
    for (let index = 0; index < nodes.length; index += 1) {
      const from = index * HASH_WORDS;
      const to = nodes[index]! * HASH_WORDS;
      for (let word = 0; word < HASH_WORDS; word += 1) this.#dense[to + word] = hashes[from + word]!;
    }
    this.#size = staged.size;
    this.#version += 1;
  }

  /** Proof of the key's leaf, or of its absence, against `root()`. */
  prove(key: Uint8Array): StateTreeProof {
    const keyHash = stateKeyHashOf(key);
    const dense: Hash[] = [];
    for (let node = BUCKETS + bucketOf(keyHash); node > 1; node >>= 1) dense.unshift(this.#denseHash(node ^ 1));
    const { siblings, end } = this.#proveInBucket(keyHash);
    const run = new Uint8Array((dense.length + siblings.length) * HASH_BYTES);
    for (const [level, hash] of [...dense, ...siblings].entries()) run.set(hash, level * HASH_BYTES);
    return { siblings: run, end };
  }

  #proveInBucket(keyHash: Hash): { readonly siblings: readonly Hash[]; readonly end: StateTreeProof["end"] } {
    const siblings: Hash[] = [];
    let node = this.#buckets[bucketOf(keyHash)];
    let depth = BUCKET_DEPTH;
    for (; node?.kind === "split"; depth += 1) {
      const goesRight = bitAt(keyHash, depth) === 1;
      siblings.push(new Uint8Array(node.hashes.slice(goesRight ? 0 : 8, goesRight ? 8 : 16).buffer));
      node = goesRight ? node.right : node.left;
    }
    if (node === undefined) return { siblings, end: { kind: "empty" } };
    const { slots, ref } = this.#descend(node.refs, keyHash, depth);
    siblings.push(...slots.map((slot) => this.#plan.read(slot)));
    return { siblings, end: this.#endAt(ref, keyHash) };
  }

  // Walks to the place of the key among the leaves of a group; the plan holds the hashes beside the way.
  #descend(
    refs: readonly LeafRef[],
    keyHash: Hash,
    from: number,
  ): { readonly slots: Slot[]; readonly ref: LeafRef | undefined } {
    const plan = this.#plan;
    plan.reset();
    const walk = new BucketUpdate({ plan, committed: this.#leaves, staged: this.#leaves, isDelete: EMPTY_BYTES });
    const slots: Slot[] = [];
    let start = 0;
    let end = refs.length;
    for (let depth = from; end - start > 1; depth += 1) {
      const middle = walk.middleOf(refs, start, end, depth);
      if (bitAt(keyHash, depth) === 0) {
        slots.push(walk.planRange(refs, middle, end, depth + 1));
        end = middle;
      } else {
        slots.push(walk.planRange(refs, start, middle, depth + 1));
        start = middle;
      }
    }
    plan.run();
    return { slots, ref: end === start ? undefined : refs[start] };
  }

  #endAt(ref: LeafRef | undefined, keyHash: Hash): StateTreeProof["end"] {
    if (ref === undefined) return { kind: "empty" };
    const found = this.#leaves.keyHash(ref);
    const leaf = this.#leaves.leaf(ref);
    return bytesEqual(found, keyHash) ? { kind: "present", ...leaf } : { kind: "other", keyHash: found, ...leaf };
  }

  // Plans the dense levels above the first `changed` nodes, and lists every changed node with its slot, the root last. @returns how many
  #planDense(nodes: Int32Array, slots: Int32Array, changed: number): number {
    let start = 0;
    let end = changed;
    while (start < end && nodes[start] !== 1) {
      let next = end;
      for (let index = start; index < end; index += 1) {
        const node = nodes[index]!;
        const slot: Slot = slots[index]!;
        const hasSibling = (node & 1) === 0 && index + 1 < end && nodes[index + 1] === node + 1;
        const sibling: Slot = hasSibling ? slots[index + 1]! : this.#plan.input(this.#dense, (node ^ 1) * HASH_WORDS);
        nodes[next] = node >> 1;
        slots[next] = (node & 1) === 0 ? this.#plan.join(slot, sibling) : this.#plan.join(sibling, slot);
        next += 1;
        if (hasSibling) index += 1;
      }
      start = end;
      end = next;
    }
    return end;
  }

  // A changed leaf keeps its id, a new one takes a free one, a removed one frees its own.
  #adoptLeaves({ update }: StagedParts): Int32Array {
    const { removed, replaced, isDelete, staged } = update;
    for (const id of removed) this.#leaves.release(id);
    const ids = replaced.slice();
    for (let place = 0; place < ids.length; place += 1) {
      if (isDelete[place] === 1) continue;
      if (ids[place] === -1) ids[place] = this.#leaves.allocate();
      this.#leaves.copyFrom(staged, place, ids[place]!);
    }
    return ids;
  }

  #denseHash(node: number): Hash {
    return new Uint8Array(this.#dense.slice(node * HASH_WORDS, (node + 1) * HASH_WORDS).buffer);
  }
}

// Writes the changes into the staged table in the order of their key hashes: a change's place is its id there. @returns as `isDelete`
function sortChanges(changes: readonly StateChange[], staged: LeafTable): Uint8Array {
  const isDelete = new Uint8Array(changes.length);
  const keyed = changes.map(({ key, leaf }) => {
    const keyHash = stateKeyHashOf(key, KEY_HASHES.room(HASH_BYTES));
    return { keyHash, leaf, head: first32Bits(keyHash) };
  });
  keyed.sort((left, right) => left.head - right.head || compareBytes(left.keyHash, right.keyHash));
  for (const [place, { keyHash, leaf, head }] of keyed.entries()) {
    const before = keyed[place - 1];
    const isNew = before === undefined || before.head !== head || compareBytes(before.keyHash, keyHash) !== 0;
    invariant(isNew, "T2: a block changes a key at most once");
    staged.set(staged.allocate(), keyHash, leaf ?? { valueHash: keyHash, lastHeight: 0 });
    if (leaf === undefined) isDelete[place] = 1;
  }
  staged.hashLeaves(0, keyed.length);
  return isDelete;
}

/** Sorts the leaves of every bucket and hashes the tree above those that hold any: the rest of it is known. */
function hashBuckets(
  leaves: LeafTable,
  ids: readonly (LeafId[] | undefined)[],
): { readonly buckets: (BucketNode | undefined)[]; readonly dense: Int32Array } {
  const plan = new HashPlan();
  const buckets: (BucketNode | undefined)[] = new Array<BucketNode | undefined>(BUCKETS).fill(undefined);
  const dense = emptyDense();
  const nodes: number[] = [];
  for (let start = 0; start < BUCKETS; start += BUCKETS_AT_ONCE) {
    plan.reset();
    const update = new BucketUpdate({ plan, committed: leaves, staged: leaves, isDelete: EMPTY_BYTES });
    const first = nodes.length;
    const slots: Slot[] = [];
    for (let bucket = start; bucket < start + BUCKETS_AT_ONCE; bucket += 1) {
      const refs = ids[bucket];
      if (refs === undefined) continue;
      refs.sort((left, right) => leaves.compare(left, leaves, right));
      const { node, slot } = update.build(refs, BUCKET_DEPTH);
      buckets[bucket] = node;
      nodes.push(BUCKETS + bucket);
      slots.push(slot);
    }
    plan.run();
    update.settle();
    for (const [index, slot] of slots.entries()) plan.copyTo(slot, dense, nodes[first + index]! * HASH_WORDS);
  }
  hashAbove(nodes, dense);
  return { buckets, dense };
}

/** Hashes every node above these, which are of the lowest level and ascend, one call a level. */
function hashAbove(nodes: readonly number[], dense: Int32Array): void {
  const input = new Int32Array(nodes.length * 2 * HASH_WORDS);
  const output = new Int32Array(nodes.length * HASH_WORDS);
  let children = nodes;
  while (children.length > 0 && children[0] !== 1) {
    const parents: number[] = [];
    for (const child of children) {
      const parent = child >> 1;
      if (parent === parents.at(-1)) continue;
      input.set(
        dense.subarray(2 * parent * HASH_WORDS, 2 * (parent + 1) * HASH_WORDS),
        parents.length * 2 * HASH_WORDS,
      );
      parents.push(parent);
    }
    const { length } = parents;
    sha256Pairs(new Uint8Array(input.buffer, 0, length * 64), new Uint8Array(output.buffer, 0, length * HASH_BYTES));
    for (const [index, parent] of parents.entries())
      dense.set(output.subarray(index * HASH_WORDS, (index + 1) * HASH_WORDS), parent * HASH_WORDS);
    children = parents;
  }
}

/** The dense tree without a leaf: all nodes of a level are the same. */
function emptyDense(): Int32Array {
  const dense = new Int32Array(2 * BUCKETS * HASH_WORDS);
  const bytes = new Uint8Array(dense.buffer);
  for (let depth = BUCKET_DEPTH - 1; depth >= 0; depth -= 1) {
    const first = 2 ** depth * HASH_BYTES;
    sha256Pairs(bytes.subarray(2 * first, 2 * first + 2 * HASH_BYTES), bytes.subarray(first, first + HASH_BYTES));
    for (let filled = HASH_BYTES; filled < first; filled *= 2) bytes.copyWithin(first + filled, first, first + filled);
  }
  return dense;
}

function bucketOf(keyHash: Hash): number {
  return first32Bits(keyHash) >>> BUCKET_DEPTH;
}

function slabBitsFor(records: number): number {
  return Math.max(0, 32 - Math.clz32(records - 1));
}
