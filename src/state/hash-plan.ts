// A batch of hash joins over many trees at once: described first, then hashed level by level, one call a level.
// Knows 32-byte hashes and pairs of them, nothing of keys or buckets.

import { sha256Pairs } from "#sha256";
import type { Hash } from "../ledger/hash.ts";

const HASH_WORDS = 8;
const PAIR_WORDS = 16;

/** A hash known or to be computed, by its number in the plan. */
export type Slot = number;

/** Hashes are kept as 32-bit words: copying eight of them beats any call on 32 bytes. */
export class HashPlan {
  /** 32 zero bytes: where no leaf is. */
  static readonly ZERO: Slot = 0;

  #hashes = new Int32Array(1024 * HASH_WORDS);
  #count = 1;
  /** height of each slot above its inputs; inputs are 0 */
  readonly #levels: number[] = [0];
  readonly #joinSlots: Slot[] = [];
  readonly #lefts: Slot[] = [];
  readonly #rights: Slot[] = [];
  #input = new Int32Array(1024 * PAIR_WORDS);
  #output = new Int32Array(1024 * HASH_WORDS);

  /** Forgets everything but its buffers. */
  reset(): void {
    this.#count = 1;
    this.#levels.length = 1;
    this.#joinSlots.length = 0;
    this.#lefts.length = 0;
    this.#rights.length = 0;
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
    this.#joinSlots.push(slot);
    this.#lefts.push(left);
    this.#rights.push(right);
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
    if ((slot + 1) * HASH_WORDS > this.#hashes.length) {
      const larger = new Int32Array(this.#hashes.length * 2);
      larger.set(this.#hashes);
      this.#hashes = larger;
    }
    this.#levels.push(level);
    this.#count += 1;
    return slot;
  }

  #joinsByLevel(): number[][] {
    const levels: number[][] = [];
    for (let join = 0; join < this.#joinSlots.length; join += 1) {
      const level = this.#levels[this.#joinSlots[join]!]! - 1;
      let joins = levels[level];
      if (joins === undefined) {
        joins = [];
        levels[level] = joins;
      }
      joins.push(join);
    }
    return levels;
  }

  #reserve(joins: number): void {
    if (joins * PAIR_WORDS <= this.#input.length) return;
    this.#input = new Int32Array(joins * PAIR_WORDS * 2);
    this.#output = new Int32Array(joins * HASH_WORDS * 2);
  }

  #gather(joins: readonly number[]): { input: Uint8Array; output: Uint8Array } {
    const hashes = this.#hashes;
    const input = this.#input;
    let to = 0;
    for (const join of joins) {
      const left = this.#lefts[join]! * HASH_WORDS;
      const right = this.#rights[join]! * HASH_WORDS;
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

  #scatter(joins: readonly number[]): void {
    const hashes = this.#hashes;
    const output = this.#output;
    let from = 0;
    for (const join of joins) {
      const to = this.#joinSlots[join]! * HASH_WORDS;
      for (let word = 0; word < HASH_WORDS; word += 1) hashes[to + word] = output[from + word]!;
      from += HASH_WORDS;
    }
  }
}
