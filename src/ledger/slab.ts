// Room for many short arrays in buffers that they share: an array of its own takes more than twice the memory of a view, and
// from 65 bytes on twenty times as long to make. Never for what is kept longer than its neighbours: a view keeps the whole buffer.

export class Slab {
  readonly #size: number;
  #bytes: Uint8Array<ArrayBuffer>;
  #used = 0;

  /** @param size of each buffer in bytes; an array longer than a quarter of it gets its own */
  constructor(size: number) {
    this.#size = size;
    this.#bytes = new Uint8Array(size);
  }

  /** Zeros that nobody else writes to. */
  room(length: number): Uint8Array {
    if (length * 4 > this.#size) return new Uint8Array(length);
    if (this.#used + length > this.#size) {
      this.#bytes = new Uint8Array(this.#size);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += length;
    return new Uint8Array(this.#bytes.buffer, start, length);
  }

  copyOf(bytes: Uint8Array): Uint8Array {
    const copy = this.room(bytes.length);
    copy.set(bytes);
    return copy;
  }
}
