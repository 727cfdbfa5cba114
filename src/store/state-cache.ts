// A bounded cache of state rows in front of the store: what one block reads, the next one reads again.
// Never ahead of the disk: a commit's writes enter it only when they are durable.

import { ownBytes } from "../ledger/codec.ts";
import { bytesKey } from "../ledger/hash.ts";
import type { StateEntry, StateReader, StateWrite } from "../ledger/types.ts";

/** What an entry costs beside its bytes: map slot, text of the key, objects. */
const ENTRY_OVERHEAD_BYTES = 240;

export class StateCache implements StateReader {
  readonly #load: (key: Uint8Array) => StateEntry | undefined;
  readonly #halfBytesMax: number;
  /**
   * What was used since half of the bytes were last spent, and what was used in the half before: a hit in the first changes nothing,
   * where an order of use would be rewritten by every read. null: known to be absent.
   */
  #recent = new Map<string, StateEntry | null>();
  #before = new Map<string, StateEntry | null>();
  #recentBytes = 0;

  constructor(input: { readonly load: (key: Uint8Array) => StateEntry | undefined; readonly bytesMax: number }) {
    this.#load = input.load;
    this.#halfBytesMax = input.bytesMax / 2;
  }

  get(key: Uint8Array): StateEntry | undefined {
    const name = bytesKey(key);
    const recent = this.#recent.get(name);
    if (recent !== undefined) return recent ?? undefined;
    const known = this.#before.get(name);
    const entry = known === undefined ? (this.#load(key) ?? null) : known;
    this.#put(name, entry);
    return entry ?? undefined;
  }

  /** The writes of a block that has become durable. */
  apply(writes: readonly StateWrite[], height: number): void {
    for (const { key, value } of writes) {
      // Rows of a block share buffers, and what stays must not keep them.
      this.#put(bytesKey(key), value === undefined ? null : { value: ownBytes(value), lastHeight: height });
    }
  }

  #put(name: string, entry: StateEntry | null): void {
    const replaced = this.#recent.get(name);
    if (replaced !== undefined) this.#recentBytes -= costOf(name, replaced);
    this.#recent.set(name, entry);
    this.#recentBytes += costOf(name, entry);
    if (this.#recentBytes <= this.#halfBytesMax) return;
    this.#before = this.#recent;
    this.#recent = new Map();
    this.#recentBytes = 0;
  }
}

function costOf(name: string, entry: StateEntry | null): number {
  return ENTRY_OVERHEAD_BYTES + name.length + (entry?.value.length ?? 0);
}
