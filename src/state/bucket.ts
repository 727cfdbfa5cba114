// One bucket of the state tree: its leaves in the order of their key hashes, split by the next bits when they are many.
// Never changes a node that exists: an update makes new nodes beside it, so that dropping them is the undo.

import { invariant } from "../assert.ts";
import { HashPlan, type Slot } from "./hash-plan.ts";
import type { LeafId, LeafTable } from "./leaf-table.ts";

/**
 * How many leaves a group holds before memory splits it: hashes below a group are computed anew at each change. The
 * hashes themselves follow the rule of ledger/state-proof.ts, which does not know this number.
 */
export const GROUP_LEAVES_MAX = 16;

/** A leaf of the tree (0 and above: its id) or of the changes being staged (below 0: -1 - its place among them). */
export type LeafRef = number;

export interface GroupNode {
  readonly kind: "group";
  /** sorted by key hash; refs below 0 become ids when the staged tree is committed */
  readonly refs: LeafRef[];
}

export interface SplitNode {
  readonly kind: "split";
  readonly count: number;
  readonly left: BucketNode | undefined;
  readonly right: BucketNode | undefined;
  /** hash of the left child, then of the right one: 16 words */
  readonly hashes: Int32Array;
}

export type BucketNode = GroupNode | SplitNode;

interface Planned {
  readonly node: BucketNode | undefined;
  readonly slot: Slot;
}

/**
 * Both tables behind one reference, and the work of one update: the nodes it made and what it replaces. Changes are named by their
 * places, which are their ids in the staged table: they are sorted by key hash, so those of one node are a range.
 */
export class BucketUpdate {
  readonly plan: HashPlan;
  readonly committed: LeafTable;
  readonly staged: LeafTable;
  /** groups made by this update whose refs a commit turns into ids */
  readonly groups: GroupNode[] = [];
  /** by place: 1 where a leaf is taken away, 0 where it is written */
  readonly isDelete: Uint8Array;
  /** by place: id of the leaf that the change replaces; -1: it is new */
  readonly replaced: Int32Array;
  replacedCount = 0;
  readonly removed: LeafId[] = [];
  readonly #pending: { readonly node: SplitNode; readonly left: Slot; readonly right: Slot }[] = [];

  constructor(input: {
    readonly plan: HashPlan;
    readonly committed: LeafTable;
    readonly staged: LeafTable;
    readonly isDelete: Uint8Array;
  }) {
    this.plan = input.plan;
    this.committed = input.committed;
    this.staged = input.staged;
    this.isDelete = input.isDelete;
    this.replaced = new Int32Array(input.isDelete.length).fill(-1);
  }

  /** The node with the changes from `start` to before `end` applied, which all lie under it, and the slot of its hash. */
  apply(node: BucketNode | undefined, start: number, end: number, depth: number): Planned {
    if (node?.kind !== "split") return this.build(this.#merge(node?.refs ?? [], start, end), depth);
    const middle = this.#firstRight(start, end, depth);
    const left = this.#applyChild(node, "left", { start, end: middle }, depth);
    const right = this.#applyChild(node, "right", { start: middle, end }, depth);
    const count = countOf(left.node) + countOf(right.node);
    if (count > GROUP_LEAVES_MAX) return this.#split(left, right, count);
    return this.build([...refsOf(left.node), ...refsOf(right.node)], depth);
  }

  /** A node over these refs, which are sorted by key hash. */
  build(refs: LeafRef[], depth: number): Planned {
    if (refs.length === 0) return { node: undefined, slot: HashPlan.ZERO };
    if (refs.length <= GROUP_LEAVES_MAX) {
      const node: GroupNode = { kind: "group", refs };
      this.groups.push(node);
      return { node, slot: this.planRange(refs, 0, refs.length, depth) };
    }
    const middle = this.middleOf(refs, 0, refs.length, depth);
    const left = this.build(refs.slice(0, middle), depth + 1);
    const right = this.build(refs.slice(middle), depth + 1);
    return this.#split(left, right, refs.length);
  }

  /** The hash over `refs[start]` to before `refs[end]`, which share their first `depth` bits. */
  planRange(refs: readonly LeafRef[], start: number, end: number, depth: number): Slot {
    if (end === start) return HashPlan.ZERO;
    if (end - start === 1) return this.#leafSlot(refs[start]!);
    const middle = this.middleOf(refs, start, end, depth);
    const left = this.planRange(refs, start, middle, depth + 1);
    return this.plan.join(left, this.planRange(refs, middle, end, depth + 1));
  }

  /** The first place whose leaf goes right at `depth`; `end` if none does. */
  middleOf(refs: readonly LeafRef[], start: number, end: number, depth: number): number {
    invariant(depth < 256, "T3: two leaves differ in their key hashes");
    let low = start;
    let high = end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.bit(refs[middle]!, depth) === 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  bit(ref: LeafRef, depth: number): number {
    return ref < 0 ? this.staged.bit(-1 - ref, depth) : this.committed.bit(ref, depth);
  }

  /** After the plan has run: writes the hashes that the new split nodes keep. */
  settle(): void {
    for (const { node, left, right } of this.#pending) {
      this.plan.copyTo(left, node.hashes, 0);
      this.plan.copyTo(right, node.hashes, 8);
    }
    this.#pending.length = 0;
  }

  #applyChild(
    node: SplitNode,
    side: "left" | "right",
    { start, end }: { readonly start: number; readonly end: number },
    depth: number,
  ): Planned {
    if (end > start) return this.apply(node[side], start, end, depth + 1);
    return { node: node[side], slot: this.plan.input(node.hashes, side === "left" ? 0 : 8) };
  }

  #split(left: Planned, right: Planned, count: number): Planned {
    const node: SplitNode = {
      kind: "split",
      count,
      left: left.node,
      right: right.node,
      hashes: new Int32Array(16),
    };
    this.#pending.push({ node, left: left.slot, right: right.slot });
    return { node, slot: this.plan.join(left.slot, right.slot) };
  }

  #leafSlot(ref: LeafRef): Slot {
    const { words, offset } = ref < 0 ? this.staged.leafHashAt(-1 - ref) : this.committed.leafHashAt(ref);
    return this.plan.input(words, offset);
  }

  // How many of these leaves, from `start` on sorted by key hash, stand before the change. Each look at a leaf may miss every cache.
  #countBelow(refs: readonly LeafRef[], start: number, place: number): number {
    let low = start;
    let high = refs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.committed.compare(refs[middle]!, this.staged, place) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // Both lists are sorted by key hash. An unchanged leaf keeps its id; a deleted key that is absent is nothing.
  #merge(refs: readonly LeafRef[], start: number, end: number): LeafRef[] {
    // Every key of the state is in such a list: one that grows would have room for seventeen.
    const merged = new Array<LeafRef>(refs.length + end - start);
    let count = 0;
    let next = 0;
    for (let place = start; place < end; place += 1) {
      const before = this.#countBelow(refs, next, place);
      while (next < before) merged[count++] = refs[next++]!;
      const ref = refs[next];
      if (ref !== undefined && this.committed.compare(ref, this.staged, place) === 0) {
        this.#replace(ref, place);
        next += 1;
      }
      if (this.isDelete[place] === 0) merged[count++] = -1 - place;
    }
    for (; next < refs.length; next += 1) merged[count++] = refs[next]!;
    merged.length = count;
    return merged;
  }

  #replace(id: LeafId, place: number): void {
    if (this.isDelete[place] === 1) this.removed.push(id);
    else {
      this.replaced[place] = id;
      this.replacedCount += 1;
    }
  }

  #firstRight(start: number, end: number, depth: number): number {
    let place = start;
    while (place < end && this.staged.bit(place, depth) === 0) place += 1;
    return place;
  }
}

function countOf(node: BucketNode | undefined): number {
  if (node === undefined) return 0;
  return node.kind === "split" ? node.count : node.refs.length;
}

function refsOf(node: BucketNode | undefined): readonly LeafRef[] {
  if (node === undefined) return [];
  return node.kind === "group" ? node.refs : [...refsOf(node.left), ...refsOf(node.right)];
}
