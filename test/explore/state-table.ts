// The set of visited states: each is a few small numbers, kept whole, so that no two are ever taken for one.
// Open addressing over one array; grows until a bound that the caller gives.

const WORDS = 4;
const FILL_MAX = 0.6;

export class StateTable {
  size = 0;
  private words: Uint32Array;
  private slots: Uint32Array;
  private readonly statesMax: number;

  constructor(statesMax: number) {
    this.statesMax = statesMax;
    this.words = new Uint32Array(WORDS * 1024);
    this.slots = new Uint32Array(4096);
  }

  /** @returns the number of the state, and whether it is new; undefined when the table is full */
  add(a: number, b: number, c: number, d: number): { readonly number: number; readonly isNew: boolean } | undefined {
    if (this.size > this.slots.length * FILL_MAX) this.rehash();
    const mask = this.slots.length - 1;
    let slot = hash(a, b, c, d) & mask;
    for (;;) {
      const entry = this.slots[slot] as number;
      if (entry === 0) break;
      const at = (entry - 1) * WORDS;
      const { words } = this;
      if (words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d)
        return { number: entry - 1, isNew: false };
      slot = (slot + 1) & mask;
    }
    if (this.size >= this.statesMax) return undefined;
    if ((this.size + 1) * WORDS > this.words.length) this.words = grown(this.words);
    this.words.set([a, b, c, d], this.size * WORDS);
    this.size += 1;
    this.slots[slot] = this.size;
    return { number: this.size - 1, isNew: true };
  }

  /** The numbers of a state, in order. */
  at(number: number): readonly [number, number, number, number] {
    const at = number * WORDS;
    const { words } = this;
    return [words[at] as number, words[at + 1] as number, words[at + 2] as number, words[at + 3] as number];
  }

  private rehash(): void {
    this.slots = new Uint32Array(this.slots.length * 2);
    const mask = this.slots.length - 1;
    for (let number = 0; number < this.size; number += 1) {
      const [a, b, c, d] = this.at(number);
      let slot = hash(a, b, c, d) & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = number + 1;
    }
  }
}

export function grown(array: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}

function hash(a: number, b: number, c: number, d: number): number {
  let mixed = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b);
  for (const part of [b, c, d]) mixed = Math.imul((mixed ^ (mixed >>> 15)) + part, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}
