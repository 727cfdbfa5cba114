// A batch of hash joins over many trees at once: described first, then hashed level by level, one call a level.
// Knows 32-byte hashes and pairs of them, nothing of keys or buckets.

import { sha256Pairs } from "#sha256";
import type { Hash } from "../ledger/hash.ts";

const HASH_WORDS = 8;
const PAIR_WORDS = 16;
const JOIN_WORDS = 4;

/** A hash known or to be computed, by its number in the plan. */
export type Slot = number;

/** Hashes are kept as 32-bit words: copying eight of them beats any call on 32 bytes. */
export class HashPlan {
  /** 32 zero bytes: where no leaf is. */
  static readonly ZERO: Slot = 0;

  #hashes = new Int32Array(1024 * HASH_WORDS);
  #count = 1;
  /** height of each slot above its inputs; inputs are 0 */
  #levels = new Int32Array(1024);
  /** slot, left and right of each join */
  #parts = new Int32Array(1024 * JOIN_WORDS);
  #joins = 0;
  #input = new Int32Array(1024 * PAIR_WORDS);
  #output = new Int32Array(1024 * HASH_WORDS);

  /** Forgets everything but its buffers. */
  reset(): void {
    this.#count = 1;
    this.#joins = 0;
  }

  /** A known hash: eight words of `words` from `offset`. */
  input(words: Int32Array, offset: number): Slot {
    const slot = this.#take(0);
    const hashes = this.#hashes;
    const to = slot * HASH_WORDS;
    for (let word = 0; word < HASH_WORDS; word += 1) hashes[to + word] = words[offset + word]!;
    return slot;
  }

  /** P(left, right), computed by `run`. */
  join(left: Slot, right: Slot): Slot {
    const slot = this.#take(1 + Math.max(this.#levels[left]!, this.#levels[right]!));
    const at = this.#joins * JOIN_WORDS;
    if (at === this.#parts.length) this.#parts = doubled(this.#parts);
    this.#parts[at] = slot;
    this.#parts[at + 1] = left;
    this.#parts[at + 2] = right;
    this.#joins += 1;
    return slot;
  }

  /** Computes every join; afterwards `read` and `copyTo` give them. */
  run(): void {
    for (const joins of this.#joinsByLevel()) {
      this.#reserve(joins.length);
      const { input, output } = this.#gather(joins);
      sha256Pairs(input, output);
      this.#scatter(joins);
    }
  }

  read(slot: Slot): Hash {
    const words = this.#hashes.slice(slot * HASH_WORDS, (slot + 1) * HASH_WORDS);
    return new Uint8Array(words.buffer);
  }

  copyTo(slot: Slot, words: Int32Array, offset: number): void {
    const from = slot * HASH_WORDS;
    for (let word = 0; word < HASH_WORDS; word += 1) words[offset + word] = this.#hashes[from + word]!;
  }

  #take(level: number): Slot {
    const slot = this.#count;
    if ((slot + 1) * HASH_WORDS > this.#hashes.length) this.#hashes = doubled(this.#hashes);
    if (slot === this.#levels.length) this.#levels = doubled(this.#levels);
    this.#levels[slot] = level;
    this.#count += 1;
    return slot;
  }

  /** For each level, lowest first, where its joins stand among the parts. */
  #joinsByLevel(): readonly Int32Array[] {
    const counts: number[] = [];
    for (let join = 0; join < this.#joins; join += 1) {
      const level = this.#levels[this.#parts[join * JOIN_WORDS]!]! - 1;
      counts[level] = (counts[level] ?? 0) + 1;
    }
    const levels = counts.map((count) => new Int32Array(count));
    const filled = counts.map(() => 0);
    for (let join = 0; join < this.#joins; join += 1) {
      const at = join * JOIN_WORDS;
      const level = this.#levels[this.#parts[at]!]! - 1;
      const place = filled[level]!;
      levels[level]![place] = at;
      filled[level] = place + 1;
    }
    return levels;
  }

  #reserve(joins: number): void {
    if (joins * PAIR_WORDS <= this.#input.length) return;
    this.#input = new Int32Array(joins * PAIR_WORDS * 2);
    this.#output = new Int32Array(joins * HASH_WORDS * 2);
  }

  #gather(joins: Int32Array): { input: Uint8Array; output: Uint8Array } {
    const hashes = this.#hashes;
    const input = this.#input;
    let to = 0;
    for (let join = 0; join < joins.length; join += 1) {
      const left = this.#parts[joins[join]! + 1]! * HASH_WORDS;
      const right = this.#parts[joins[join]! + 2]! * HASH_WORDS;
      for (let word = 0; word < HASH_WORDS; word += 1) {
        input[to + word] = hashes[left + word]!;
        input[to + HASH_WORDS + word] = hashes[right + word]!;
      }
      to += PAIR_WORDS;
    }
    return {
      input: new Uint8Array(input.buffer, 0, joins.length * 64),
      output: new Uint8Array(this.#output.buffer, 0, joins.length * 32),
    };
  }

  #scatter(joins: Int32Array): void {
    const hashes = this.#hashes;
    const output = this.#output;
    let from = 0;
    for (let join = 0; join < joins.length; join += 1) {
      const to = this.#parts[joins[join]!]! * HASH_WORDS;
      for (let word = 0; word < HASH_WORDS; word += 1) hashes[to + word] = output[from + word]!;
      from += HASH_WORDS;
    }
  }
}

function doubled(words: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(words.length * 2);
  larger.set(words);
  return larger;
}
