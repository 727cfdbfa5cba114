// What the multiplexer writes to one connection, gathered: one write, and one TLS record, for all frames of a turn.
// Changes no byte of a stream and keeps their order; only how much a peer may send is told later, and then in one sum.

import { joinBytes } from "../ledger/hash.ts";
import { readUint32, writeUint32 } from "./framing.ts";

const HEADER_BYTES = 12;
const TYPE_WINDOW = 1;
/** What is joined into one write. A longer gathering goes out at once. */
const WRITE_BYTES_MAX = 64 * 1_024;
/** Window that a peer has used and is not yet given back: a quarter of the smallest, so that nobody waits for it. */
export const HELD_WINDOW_BYTES_MAX = 64 * 1_024;
/** Streams whose window is held at a time. */
const HELD_STREAMS_MAX = 64;

/** One frame: yamux hands over its header alone, or header and data as a list. */
export type MuxerFrame = Uint8Array | { readonly byteLength: number; subarray(): Uint8Array };

/**
 * Yamux answers every frame of data with a window update, and its library writes header and data one after the other: three
 * records and three wake-ups for one message. A window update has no flags but those that open or end a stream; one without any
 * waits here until something else is written, or until the peer has used a good part of its window.
 */
export class MuxerWrites {
  readonly #write: (bytes: Uint8Array) => void;
  #frames: Uint8Array[] = [];
  #bytes = 0;
  #scheduled = false;
  readonly #held = new Map<number, number>();
  #heldBytes = 0;

  /** @param write must not throw, and may keep the bytes */
  constructor(write: (bytes: Uint8Array) => void) {
    this.#write = write;
  }

  push(frame: MuxerFrame): void {
    const bytes = frame instanceof Uint8Array ? frame : frame.subarray();
    if (this.#holds(bytes)) return;
    this.#frames.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes >= WRITE_BYTES_MAX) this.#flush();
    else this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  /** N234: whether that frame only gives window back, and may wait. */
  #holds(frame: Uint8Array): boolean {
    if (frame.length !== HEADER_BYTES || frame[1] !== TYPE_WINDOW || frame[2] !== 0 || frame[3] !== 0) return false;
    const stream = readUint32(frame, 4);
    const length = readUint32(frame, 8);
    this.#held.set(stream, (this.#held.get(stream) ?? 0) + length);
    this.#heldBytes += length;
    if (this.#heldBytes >= HELD_WINDOW_BYTES_MAX || this.#held.size > HELD_STREAMS_MAX) this.#schedule();
    return true;
  }

  #flush(): void {
    const frames = this.#frames;
    for (const [stream, length] of this.#held) frames.push(windowUpdate(stream, length));
    this.#held.clear();
    this.#heldBytes = 0;
    this.#frames = [];
    this.#bytes = 0;
    const [first] = frames;
    if (first !== undefined) this.#write(frames.length === 1 ? first : joinBytes(frames));
  }
}

function windowUpdate(stream: number, length: number): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES);
  frame[1] = TYPE_WINDOW;
  writeUint32(frame, 4, stream);
  writeUint32(frame, 8, length);
  return frame;
}
