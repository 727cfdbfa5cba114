// One bucket of the state tree: its leaves in the order of their key hashes, split by the next bits when they are many.
// Never changes a node that exists: an update makes new nodes beside it, so that dropping them is the undo.

import { invariant } from "../assert.ts";
import { HashPlan, type Slot } from "./hash-plan.ts";
import type { LeafId, LeafTable } from "./leaf-table.ts";

/**
 * How many leaves a group holds before memory splits it: hashes below a group are computed anew at each change. The
 * hashes themselves follow the rule of ledger/state-proof.ts, which does not know this number.
 */
export const GROUP_LEAVES_MAX = 64;

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

/** A leaf that is to be written (`ref` below 0, in the staged table) or taken away. */
export interface LeafChange {
  /** place among the changes, which are sorted by key hash */
  readonly place: number;
  readonly isDelete: boolean;
}

interface Planned {
  readonly node: BucketNode | undefined;
  readonly slot: Slot;
}

/** Both tables behind one reference, and the work of one update: the nodes it made and what it replaces. */
export class BucketUpdate {
  readonly plan: HashPlan;
  readonly committed: LeafTable;
  readonly staged: LeafTable;
  /** groups made by this update whose refs a commit turns into ids */
  readonly groups: GroupNode[] = [];
  /** id that the change at this place replaces; undefined: a new leaf */
  readonly replaced = new Map<number, LeafId>();
  readonly removed: LeafId[] = [];
  readonly #pending: { readonly node: SplitNode; readonly left: Slot; readonly right: Slot }[] = [];

  constructor(input: { readonly plan: HashPlan; readonly committed: LeafTable; readonly staged: LeafTable }) {
    this.plan = input.plan;
    this.committed = input.committed;
    this.staged = input.staged;
  }

  /** The node with the changes applied, and the slot of its hash. Changes are sorted and lie under this node. */
  apply(node: BucketNode | undefined, changes: readonly LeafChange[], depth: number): Planned {
    if (node?.kind !== "split") return this.build(this.#merge(node?.refs ?? [], changes), depth);
    const middle = this.#firstRight(changes, depth);
    const left = this.#applyChild(node, "left", changes.slice(0, middle), depth);
    const right = this.#applyChild(node, "right", changes.slice(middle), depth);
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

  #applyChild(node: SplitNode, side: "left" | "right", changes: readonly LeafChange[], depth: number): Planned {
    if (changes.length > 0) return this.apply(node[side], changes, depth + 1);
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

  // Both lists are sorted by key hash: one pass. An unchanged leaf keeps its id; a deleted key that is absent is nothing.
  #merge(refs: readonly LeafRef[], changes: readonly LeafChange[]): LeafRef[] {
    const merged: LeafRef[] = [];
    let next = 0;
    for (const change of changes) {
      let order = -1;
      while (next < refs.length) {
        const ref = refs[next]!;
        order = this.committed.compare(ref, this.staged, change.place);
        if (order >= 0) break;
        merged.push(ref);
        next += 1;
      }
      if (order === 0 && next < refs.length) {
        this.#replace(refs[next]!, change);
        next += 1;
      }
      if (!change.isDelete) merged.push(-1 - change.place);
    }
    for (; next < refs.length; next += 1) merged.push(refs[next]!);
    return merged;
  }

  #replace(id: LeafId, change: LeafChange): void {
    if (change.isDelete) this.removed.push(id);
    else this.replaced.set(change.place, id);
  }

  #firstRight(changes: readonly LeafChange[], depth: number): number {
    const first = changes.findIndex((change) => this.staged.bit(change.place, depth) === 1);
    return first === -1 ? changes.length : first;
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
