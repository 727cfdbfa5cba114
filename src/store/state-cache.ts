// A bounded cache of state rows in front of the store: what one block reads, the next one reads again.
// Never ahead of the disk: a commit's writes enter it only when they are durable.

import { bytesKey } from "../ledger/hash.ts";
import { Slab } from "../ledger/slab.ts";
import type { StateEntry, StateReader, StateWrite } from "../ledger/types.ts";

/** What an entry costs beside its bytes and the characters of its key's text: the text itself, and its place in the map. */
const ENTRY_OVERHEAD_BYTES = 96;
/** The texts of keys hold characters beyond Latin-1. */
const CHARACTER_BYTES = 2;
/** A row in a buffer: length, room, and height in two halves, then its bytes. */
const HEADER_WORDS = 4;
const WORD_BYTES = 4;
const CHUNK_WORDS = 1 << 16;
const ABSENT = -1;
const READS_SLAB_BYTES = 16_384;

export class StateCache implements StateReader {
  readonly #load: (key: Uint8Array) => StateEntry | undefined;
  readonly #halfBytesMax: number;
  /**
   * What was used since half of the bytes were last spent, and what was used in the half before: a hit in the first changes nothing,
   * where an order of use would be rewritten by every read.
   */
  #recent = new Rows();
  #before = new Rows();
  readonly #reads = new Slab(READS_SLAB_BYTES);

  constructor(input: { readonly load: (key: Uint8Array) => StateEntry | undefined; readonly bytesMax: number }) {
    this.#load = input.load;
    this.#halfBytesMax = input.bytesMax / 2;
  }

  get(key: Uint8Array): StateEntry | undefined {
    const name = bytesKey(key);
    const recent = this.#recent.find(name);
    if (recent !== undefined) return this.#recent.read(recent, this.#reads);
    const known = this.#before.find(name);
    const entry = known === undefined ? this.#load(key) : this.#before.read(known, this.#reads);
    this.#put(name, entry);
    return entry;
  }

  /** The writes of a block that has become durable. */
  apply(writes: readonly StateWrite[], height: number): void {
    for (const { key, value } of writes)
      this.#put(bytesKey(key), value === undefined ? undefined : { value, lastHeight: height });
  }

  #put(name: string, entry: StateEntry | undefined): void {
    this.#recent.put(name, entry);
    if (this.#recent.bytes <= this.#halfBytesMax) return;
    this.#before = this.#recent;
    this.#recent = new Rows();
  }
}

/**
 * Rows by the text of their key, their bytes side by side in a few large buffers: an array of its own for each takes 265 bytes for
 * 40 and is one more thing for the collector to mark. D137: what is read is a copy, so a row is rewritten where it lies.
 */
class Rows {
  /** chunk * CHUNK_WORDS + word, or ABSENT */
  readonly #places = new Map<string, number>();
  readonly #chunks: { readonly words: Uint32Array; readonly bytes: Uint8Array }[] = [];
  /** of the newest chunk, words */
  #used = CHUNK_WORDS;
  bytes = 0;

  /** @returns its place; undefined: nothing is known of it */
  find(name: string): number | undefined {
    return this.#places.get(name);
  }

  read(place: number, slab: Slab): StateEntry | undefined {
    if (place === ABSENT) return undefined;
    const { words, bytes } = this.#chunks[Math.floor(place / CHUNK_WORDS)]!;
    const at = place % CHUNK_WORDS;
    const value = slab.room(words[at]!);
    const start = (at + HEADER_WORDS) * WORD_BYTES;
    // Rows are short: a call for copying costs more than the bytes.
    for (let index = 0; index < value.length; index += 1) value[index] = bytes[start + index]!;
    return { value, lastHeight: words[at + 2]! * 2 ** 32 + words[at + 3]! };
  }

  put(name: string, entry: StateEntry | undefined): void {
    const known = this.#places.get(name);
    if (known === undefined) this.bytes += ENTRY_OVERHEAD_BYTES + name.length * CHARACTER_BYTES;
    if (entry === undefined) {
      this.#places.set(name, ABSENT);
      return;
    }
    const { value, lastHeight } = entry;
    const place = known === undefined || !this.#fits(known, value) ? this.#room(value.length) : known;
    if (place !== known) this.#places.set(name, place);
    const { words, bytes } = this.#chunks[Math.floor(place / CHUNK_WORDS)]!;
    const at = place % CHUNK_WORDS;
    words[at] = value.length;
    words[at + 2] = Math.floor(lastHeight / 2 ** 32);
    words[at + 3] = lastHeight % 2 ** 32;
    const start = (at + HEADER_WORDS) * WORD_BYTES;
    for (let index = 0; index < value.length; index += 1) bytes[start + index] = value[index]!;
  }

  #fits(place: number, value: Uint8Array): boolean {
    if (place === ABSENT) return false;
    return value.length <= this.#chunks[Math.floor(place / CHUNK_WORDS)]!.words[(place % CHUNK_WORDS) + 1]!;
  }

  /** Room for a row: in the newest chunk, or in one of its own if it is longer than that. D138: what is left of a chunk is spent, too. */
  #room(length: number): number {
    const words = HEADER_WORDS + Math.ceil(length / WORD_BYTES);
    if (this.#used + words > CHUNK_WORDS) {
      this.bytes += Math.max(0, CHUNK_WORDS - this.#used) * WORD_BYTES;
      const chunk = new Uint32Array(Math.max(words, CHUNK_WORDS));
      this.#chunks.push({ words: chunk, bytes: new Uint8Array(chunk.buffer) });
      this.#used = 0;
    }
    const chunk = this.#chunks.length - 1;
    const at = this.#used;
    this.#used += words;
    this.#chunks[chunk]!.words[at + 1] = (words - HEADER_WORDS) * WORD_BYTES;
    this.bytes += words * WORD_BYTES;
    return chunk * CHUNK_WORDS + at;
  }
}
