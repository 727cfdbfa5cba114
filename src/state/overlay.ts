// The uncommitted writes of one block over a committed state: read, written, undone to a mark, and listed.
// Never changes the state below it: dropping the overlay undoes the block.

import { invariant } from "../assert.ts";
import { bytesKey, compareBytes } from "../ledger/hash.ts";
import type { StateEntry, StateOverlay, StateReader, StateWrite } from "../ledger/types.ts";

/** A key as this block sees it. `entry` is undefined where the key does not exist. */
interface Slot {
  readonly key: Uint8Array;
  /** undefined: absent from the committed state */
  readonly base: StateEntry | undefined;
  entry: StateEntry | undefined;
  written: boolean;
  /** the question for changes that it was last listed for */
  listedFor: number;
}

/** About as many rows as one action reads and writes. */
const LAST_KEYS = 8;

/** How to undo one write: put the slot back to what it was. */
interface Undo {
  readonly slot: Slot;
  readonly entry: StateEntry | undefined;
  readonly written: boolean;
}

export class Overlay implements StateOverlay {
  readonly #base: StateReader;
  readonly #height: number;
  readonly #slots = new Map<string, Slot>();
  readonly #journal: Undo[] = [];
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
    this.#write(key, { value, lastHeight: this.#height });
  }

  delete(key: Uint8Array): void {
    this.#write(key, undefined);
  }

  mark(): number {
    return this.#journal.length;
  }

  revertTo(mark: number): void {
    this.#checkMark(mark);
    while (this.#journal.length > mark) {
      const undo = this.#journal.pop();
      if (undo === undefined) return;
      undo.slot.entry = undo.entry;
      undo.slot.written = undo.written;
    }
  }

  changesSince(mark: number): ReturnType<StateOverlay["changesSince"]> {
    this.#checkMark(mark);
    this.#questions += 1;
    const changes: { key: Uint8Array; value: Uint8Array | undefined; previousHeight: number }[] = [];
    for (let index = mark; index < this.#journal.length; index += 1) {
      const { slot, entry } = this.#journal[index]!;
      // The oldest undo since the mark holds the key as it was at the mark.
      if (slot.listedFor === this.#questions) continue;
      slot.listedFor = this.#questions;
      if (entry === undefined && slot.entry === undefined) continue;
      changes.push({ key: slot.key, value: slot.entry?.value, previousHeight: entry?.lastHeight ?? 0 });
    }
    return changes.sort((left, right) => compareBytes(left.key, right.key));
  }

  writes(): readonly StateWrite[] {
    return [...this.#slots.values()]
      .filter((slot) => slot.written && (slot.base !== undefined || slot.entry !== undefined))
      .map((slot) => ({ key: slot.key, value: slot.entry?.value }))
      .sort((left, right) => compareBytes(left.key, right.key));
  }

  #write(key: Uint8Array, entry: StateEntry | undefined): void {
    const slot = this.#slot(key);
    this.#journal.push({ slot, entry: slot.entry, written: slot.written });
    slot.entry = entry;
    slot.written = true;
  }

  #slot(key: Uint8Array): Slot {
    const last = this.#lastKeys.indexOf(key);
    if (last >= 0) return this.#lastSlots[last]!;
    const name = bytesKey(key);
    let slot = this.#slots.get(name);
    if (slot === undefined) {
      const base = this.#base.get(key);
      slot = { key, base, entry: base, written: false, listedFor: 0 };
      this.#slots.set(name, slot);
    }
    this.#lastKeys[this.#asked] = key;
    this.#lastSlots[this.#asked] = slot;
    this.#asked = (this.#asked + 1) % LAST_KEYS;
    return slot;
  }

  #checkMark(mark: number): void {
    invariant(mark >= 0 && mark <= this.#journal.length, "T1: a mark is of this overlay and not yet undone");
  }
}
