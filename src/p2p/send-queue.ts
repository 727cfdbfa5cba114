// Frames waiting to be written to one peer: gathered once per turn of the event loop, written while the stream takes them.
// Bounded; a peer that reads slowly loses frames (the core resends what matters), never our memory.

import { joinFrames } from "./framing.ts";
import type { PeerLimits } from "./limits.ts";
import { type PeerStream, write } from "./streams.ts";

/** Large enough to fill a TLS record many times, small enough to copy without being noticed. */
const WRITE_BYTES_MAX = 256 * 1_024;

export class SendQueue {
  readonly #stream: PeerStream;
  readonly #limits: PeerLimits;
  #frames: Uint8Array[] = [];
  #bytes = 0;
  #scheduled = false;
  #closed = false;

  constructor(stream: PeerStream, limits: PeerLimits) {
    this.#stream = stream;
    this.#limits = limits;
    // Awaiting `onDrain` gives no backpressure in libp2p 3; the event does.
    stream.addEventListener("drain", () => this.#flush());
  }

  /** @returns false when the queue is full; the bytes must not change until they are written */
  push(frame: Uint8Array): boolean {
    if (this.#closed || this.#frames.length >= this.#limits.sendQueueFramesMax) return false;
    if (this.#bytes + frame.length > this.#limits.sendQueueBytesMax) return false;
    this.#frames.push(frame);
    this.#bytes += frame.length;
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.#flush();
      });
    }
    return true;
  }

  close(): void {
    this.#closed = true;
    this.#frames = [];
    this.#bytes = 0;
  }

  #flush(): void {
    while (this.#frames.length > 0 && !this.#stream.writableNeedsDrain && this.#stream.writeStatus === "writable") {
      write(this.#stream, joinFrames(this.#takeWrite()));
    }
  }

  /** The frames of the next write: at least one. */
  #takeWrite(): Uint8Array[] {
    let count = 0;
    let bytes = 0;
    for (const frame of this.#frames) {
      if (count > 0 && bytes + frame.length > WRITE_BYTES_MAX) break;
      count += 1;
      bytes += frame.length;
    }
    this.#bytes -= bytes;
    return this.#frames.splice(0, count);
  }
}
