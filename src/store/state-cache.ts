// A bounded cache of state rows in front of the store: what one block reads, the next one reads again.
// Never ahead of the disk: a commit's writes enter it only when they are durable.

import { ownBytes } from "../ledger/codec.ts";
import type { StateEntry, StateReader, StateWrite } from "../ledger/types.ts";

/** What an entry costs beside its bytes: map slot, text of the key, objects. */
const ENTRY_OVERHEAD_BYTES = 240;

export class StateCache implements StateReader {
  readonly #load: (key: Uint8Array) => StateEntry | undefined;
  readonly #bytesMax: number;
  /** oldest use first; undefined: known to be absent */
  readonly #entries = new Map<string, StateEntry | undefined>();
  #bytes = 0;

  constructor(input: { readonly load: (key: Uint8Array) => StateEntry | undefined; readonly bytesMax: number }) {
    this.#load = input.load;
    this.#bytesMax = input.bytesMax;
  }

  get(key: Uint8Array): StateEntry | undefined {
    const name = textOf(key);
    const known = this.#entries.get(name);
    if (known !== undefined || this.#entries.has(name)) {
      this.#entries.delete(name);
      this.#entries.set(name, known);
      return known;
    }
    const entry = this.#load(key);
    this.#put(name, entry);
    return entry;
  }

  /** The writes of a block that has become durable. */
  apply(writes: readonly StateWrite[], height: number): void {
    for (const { key, value } of writes) {
      // Rows of a block share buffers, and what stays must not keep them.
      this.#put(textOf(key), value === undefined ? undefined : { value: ownBytes(value), lastHeight: height });
    }
  }

  #put(name: string, entry: StateEntry | undefined): void {
    if (this.#entries.has(name)) this.#drop(name);
    this.#entries.set(name, entry);
    this.#bytes += costOf(name, entry);
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#drop(oldest);
    }
  }

  #drop(name: string): void {
    this.#bytes -= costOf(name, this.#entries.get(name));
    this.#entries.delete(name);
  }
}

function costOf(name: string, entry: StateEntry | undefined): number {
  return ENTRY_OVERHEAD_BYTES + name.length + (entry?.value.length ?? 0);
}

/** One character for each byte. */
function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1");
}
