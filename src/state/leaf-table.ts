// The leaves of a state tree as records in slabs of memory: key hash, value hash, leaf hash and height of each.
// Knows no order and no tree: leaves are named by number, and a number is free again once it is released.

import { sha256Pairs } from "#sha256";
import type { Hash } from "../ledger/hash.ts";
import { leafMark, type StateLeaf } from "../ledger/state-proof.ts";

/** One record, in 32-bit words: key hash 8, leaf hash 8, value hash 8, height 2 (big-endian bytes). An update looks at the first two. */
const RECORD_WORDS = 26;
const RECORD_BYTES = RECORD_WORDS * 4;
const LEAF_HASH_WORD = 8;
const VALUE_HASH_WORD = 16;
const VALUE_HASH_BYTE = VALUE_HASH_WORD * 4;
const HEIGHT_WORD = 24;
/** The fixed part of every leaf's mark: its first 24 bytes. */
const MARK_WORDS = new Int32Array(leafMark(0).buffer).slice(0, 6);
const HASHED_AT_ONCE = 4096;

/** The number of a leaf in its table. */
export type LeafId = number;

export class LeafTable {
  readonly #slabBits: number;
  readonly #slabMask: number;
  readonly #words: Int32Array[] = [];
  readonly #bytes: Uint8Array[] = [];
  readonly #free: LeafId[] = [];
  #next = 0;

  /** @param slabBits 2^slabBits records are allocated at a time */
  constructor(slabBits: number) {
    this.#slabBits = slabBits;
    this.#slabMask = (1 << slabBits) - 1;
  }

  /** Numbers come in order from 0 while none was released. */
  allocate(): LeafId {
    const released = this.#free.pop();
    if (released !== undefined) return released;
    const id = this.#next;
    if (id >>> this.#slabBits === this.#words.length) {
      const words = new Int32Array(RECORD_WORDS << this.#slabBits);
      this.#words.push(words);
      this.#bytes.push(new Uint8Array(words.buffer));
    }
    this.#next += 1;
    return id;
  }

  release(id: LeafId): void {
    this.#free.push(id);
  }

  /** Writes a record; its leaf hash waits for `hashLeaves`. */
  set(id: LeafId, keyHash: Hash, leaf: StateLeaf): void {
    const bytes = this.#bytesOf(id);
    const at = (id & this.#slabMask) * RECORD_BYTES;
    bytes.set(keyHash, at);
    bytes.set(leaf.valueHash, at + VALUE_HASH_BYTE);
    const height = at + HEIGHT_WORD * 4;
    const high = Math.floor(leaf.lastHeight / 0x1_0000_0000);
    const low = leaf.lastHeight % 0x1_0000_0000;
    for (let byte = 0; byte < 4; byte += 1) {
      bytes[height + byte] = high >>> (24 - 8 * byte);
      bytes[height + 4 + byte] = low >>> (24 - 8 * byte);
    }
  }

  /** Computes the leaf hashes of the records from `start` to before `end`, two calls for each few thousand. */
  hashLeaves(start: LeafId, end: LeafId): void {
    for (let from = start; from < end; from += HASHED_AT_ONCE)
      this.#hashRun(from, Math.min(from + HASHED_AT_ONCE, end));
  }

  #hashRun(start: LeafId, end: LeafId): void {
    const count = end - start;
    const input = new Int32Array(count * 16);
    const output = new Int32Array(count * 8);
    const inputBytes = new Uint8Array(input.buffer);
    const outputBytes = new Uint8Array(output.buffer);
    for (let index = 0; index < count; index += 1) {
      const at = this.#wordOf(start + index);
      const words = this.#wordsOf(start + index);
      const to = index * 16;
      for (let word = 0; word < 8; word += 1) {
        input[to + word] = words[at + word]!;
        input[to + 8 + word] = words[at + VALUE_HASH_WORD + word]!;
      }
    }
    sha256Pairs(inputBytes, outputBytes);
    for (let index = 0; index < count; index += 1) {
      const at = this.#wordOf(start + index) + HEIGHT_WORD;
      const words = this.#wordsOf(start + index);
      const to = index * 16;
      for (let word = 0; word < 8; word += 1) input[to + word] = output[index * 8 + word]!;
      for (let word = 0; word < 6; word += 1) input[to + 8 + word] = MARK_WORDS[word]!;
      input[to + 14] = words[at]!;
      input[to + 15] = words[at + 1]!;
    }
    sha256Pairs(inputBytes, outputBytes);
    for (let index = 0; index < count; index += 1) {
      const at = this.#wordOf(start + index) + LEAF_HASH_WORD;
      const words = this.#wordsOf(start + index);
      for (let word = 0; word < 8; word += 1) words[at + word] = output[index * 8 + word]!;
    }
  }

  copyFrom(source: LeafTable, from: LeafId, to: LeafId): void {
    const words = this.#wordsOf(to);
    const at = this.#wordOf(to);
    const sourceWords = source.#wordsOf(from);
    const sourceAt = source.#wordOf(from);
    for (let word = 0; word < RECORD_WORDS; word += 1) words[at + word] = sourceWords[sourceAt + word]!;
  }

  /** Where the leaf hash stands: eight words of `words` from `offset`. */
  leafHashAt(id: LeafId): { readonly words: Int32Array; readonly offset: number } {
    return { words: this.#wordsOf(id), offset: this.#wordOf(id) + LEAF_HASH_WORD };
  }

  /** The first 16 bits of the key hash. */
  bucket(id: LeafId): number {
    const at = (id & this.#slabMask) * RECORD_BYTES;
    const bytes = this.#bytesOf(id);
    return (bytes[at]! << 8) | bytes[at + 1]!;
  }

  bit(id: LeafId, depth: number): number {
    const byte = this.#bytesOf(id)[(id & this.#slabMask) * RECORD_BYTES + (depth >> 3)]!;
    return (byte >> (7 - (depth & 7))) & 1;
  }

  /** Orders by key hash, as bytes. */
  compare(id: LeafId, other: LeafTable, otherId: LeafId): number {
    const bytes = this.#bytesOf(id);
    const at = (id & this.#slabMask) * RECORD_BYTES;
    const otherBytes = other.#bytesOf(otherId);
    const otherAt = (otherId & other.#slabMask) * RECORD_BYTES;
    for (let index = 0; index < 32; index += 1) {
      const difference = bytes[at + index]! - otherBytes[otherAt + index]!;
      if (difference !== 0) return difference;
    }
    return 0;
  }

  keyHash(id: LeafId): Hash {
    const at = (id & this.#slabMask) * RECORD_BYTES;
    return this.#bytesOf(id).slice(at, at + 32);
  }

  leaf(id: LeafId): StateLeaf {
    const bytes = this.#bytesOf(id);
    const at = (id & this.#slabMask) * RECORD_BYTES;
    const height = new DataView(bytes.buffer, at + HEIGHT_WORD * 4, 8);
    return {
      valueHash: bytes.slice(at + VALUE_HASH_BYTE, at + VALUE_HASH_BYTE + 32),
      lastHeight: height.getUint32(0) * 0x1_0000_0000 + height.getUint32(4),
    };
  }

  #wordsOf(id: LeafId): Int32Array {
    return this.#words[id >>> this.#slabBits]!;
  }

  #bytesOf(id: LeafId): Uint8Array {
    return this.#bytes[id >>> this.#slabBits]!;
  }

  #wordOf(id: LeafId): number {
    return (id & this.#slabMask) * RECORD_WORDS;
  }
}
