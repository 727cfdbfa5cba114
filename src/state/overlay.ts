// The uncommitted writes of one block over a committed state: read, written, undone to a mark, and listed.
// Never changes the state below it: dropping the overlay undoes the block.

import { invariant } from "../assert.ts";
import { valueHashOf } from "../ledger/format-receipt.ts";
import { bytesKey, compareBytes, EMPTY_BYTES, type Hash } from "../ledger/hash.ts";
import type { HashedWrite, ReceiptWrite, StateEntry, StateOverlay, StateReader } from "../ledger/types.ts";

/** What a write of this block leaves. */
class Written implements StateEntry {
  readonly value: Uint8Array;
  readonly lastHeight: number;
  #hash: Hash | undefined;

  constructor(value: Uint8Array, lastHeight: number) {
    this.value = value;
    this.lastHeight = lastHeight;
  }

  /** Made when it is first asked for: the receipt names it, and so does the leaf of the last write. */
  get valueHash(): Hash {
    this.#hash ??= valueHashOf(this.value);
    return this.#hash;
  }
}

/** A key as this block sees it: written when `entry` is not `base`. */
interface Slot {
  readonly key: Uint8Array;
  /** undefined: absent from the committed state */
  readonly base: StateEntry | undefined;
  /** undefined: the key does not exist */
  entry: StateEntry | undefined;
  /** the question for changes that it was last listed for */
  listedFor: number;
}

/** About as many rows as one action reads and writes. */
const LAST_KEYS = 8;
const FEW_CHANGES_MAX = 8;

/** How to undo one write: put the slot back to what it was. */
interface Undo {
  readonly slot: Slot;
  readonly entry: StateEntry | undefined;
}

export class Overlay implements StateOverlay {
  readonly #base: StateReader;
  readonly #height: number;
  readonly #slots = new Map<string, Slot>();
  /** of the writes that may still be undone */
  readonly #journal: Undo[] = [];
  /** writes before them */
  #settled = 0;
  /** the arrays asked for last and their slots: who writes a row has mostly read it with the same array */
  readonly #lastKeys: Uint8Array[] = [];
  readonly #lastSlots: Slot[] = [];
  #asked = 0;
  #questions = 0;

  /** @param input.height of the block whose writes these are: the `lastHeight` of what they leave */
  constructor(input: { readonly base: StateReader; readonly height: number }) {
    this.#base = input.base;
    this.#height = input.height;
  }

  /** The key may not be changed by the caller afterwards. */
  get(key: Uint8Array): StateEntry | undefined {
    return this.#slot(key).entry;
  }

  /** Neither key nor value may be changed by the caller afterwards. */
  put(key: Uint8Array, value: Uint8Array): void {
    this.#write(key, new Written(value, this.#height));
  }

  delete(key: Uint8Array): void {
    this.#write(key, undefined);
  }

  mark(): number {
    return this.#settled + this.#journal.length;
  }

  revertTo(mark: number): void {
    this.#checkMark(mark);
    while (this.mark() > mark) {
      const undo = this.#journal.pop();
      if (undo === undefined) return;
      undo.slot.entry = undo.entry;
    }
  }

  settle(): void {
    this.#settled += this.#journal.length;
    this.#journal.length = 0;
  }

  changesSince(mark: number): ReturnType<StateOverlay["changesSince"]> {
    this.#checkMark(mark);
    this.#questions += 1;
    const changes: ReceiptWrite[] = [];
    for (let index = mark - this.#settled; index < this.#journal.length; index += 1) {
      const { slot, entry } = this.#journal[index]!;
      // The oldest undo since the mark holds the key as it was at the mark.
      if (slot.listedFor === this.#questions) continue;
      slot.listedFor = this.#questions;
      if (entry === undefined && slot.entry === undefined) continue;
      const valueHash = slot.entry === undefined ? EMPTY_BYTES : hashOf(slot.entry);
      changes.push({ key: slot.key, valueHash, previousHeight: entry?.lastHeight ?? 0 });
    }
    return inKeyOrder(changes);
  }

  writes(): readonly HashedWrite[] {
    const writes: HashedWrite[] = [];
    for (const { key, base, entry } of this.#slots.values())
      if (entry !== base) writes.push({ key, value: entry?.value, valueHash: entry && hashOf(entry) });
    return writes.sort((left, right) => compareBytes(left.key, right.key));
  }

  #write(key: Uint8Array, entry: StateEntry | undefined): void {
    const slot = this.#slot(key);
    this.#journal.push({ slot, entry: slot.entry });
    slot.entry = entry;
  }

  #slot(key: Uint8Array): Slot {
    const last = this.#lastKeys.indexOf(key);
    if (last >= 0) return this.#lastSlots[last]!;
    const name = bytesKey(key);
    let slot = this.#slots.get(name);
    if (slot === undefined) {
      const base = this.#base.get(key);
      slot = { key, base, entry: base, listedFor: 0 };
      this.#slots.set(name, slot);
    }
    this.#lastKeys[this.#asked] = key;
    this.#lastSlots[this.#asked] = slot;
    this.#asked = (this.#asked + 1) % LAST_KEYS;
    return slot;
  }

  #checkMark(mark: number): void {
    const isOpen = mark >= this.#settled && mark <= this.mark();
    invariant(isOpen, "T1: a mark is of this overlay, not yet undone and not settled");
  }
}

/** Sorts in place. What one transaction changes is a few rows: for them `sort` costs more than everything else here. */
function inKeyOrder(changes: ReceiptWrite[]): ReceiptWrite[] {
  if (changes.length > FEW_CHANGES_MAX) return changes.sort((left, right) => compareBytes(left.key, right.key));
  for (let index = 1; index < changes.length; index += 1) {
    const change = changes[index]!;
    let place = index;
    for (; place > 0 && compareBytes(changes[place - 1]!.key, change.key) > 0; place -= 1)
      changes[place] = changes[place - 1]!;
    changes[place] = change;
  }
  return changes;
}

function hashOf(entry: StateEntry): Hash {
  return entry instanceof Written ? entry.valueHash : valueHashOf(entry.value);
}
