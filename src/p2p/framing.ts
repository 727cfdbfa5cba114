// Frames on a byte stream: four bytes of length (big endian), then that many bytes.
// Never allocates for a length it has not checked, and never keeps more than one unfinished frame.

const LENGTH_BYTES = 4;

/** Several frames in one piece of memory, so that one write (and one TLS record) carries them. */
export function joinFrames(frames: readonly Uint8Array[]): Uint8Array {
  let total = 0;
  for (const frame of frames) total += LENGTH_BYTES + frame.length;
  const joined = new Uint8Array(total);
  let offset = 0;
  for (const frame of frames) {
    writeUint32(joined, offset, frame.length);
    joined.set(frame, offset + LENGTH_BYTES);
    offset += LENGTH_BYTES + frame.length;
  }
  return joined;
}

/** Big endian, byte by byte: a view of a small array costs more than its bytes. */
export function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

/** @param offset with four bytes behind it */
export function readUint32(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!) >>> 0;
}

/** Why a stream of frames was given up. */
export type FramingFault = "FRAME_EMPTY" | "FRAME_TOO_LARGE" | "FRAME_FLOOD";

export interface DeframerOptions {
  /** 0 where a frame without content has a meaning, else 1 */
  readonly frameBytesMin: 0 | 1;
  readonly frameBytesMax: number;
  /** asked before memory is set aside for a frame: false ends the stream with FRAME_FLOOD */
  readonly admits: (frameBytes: number) => boolean;
  /** each frame is a copy that the receiver may keep */
  readonly onFrame: (frame: Uint8Array) => void;
}

/** Takes bytes in pieces of any size and gives whole frames, in order. After a fault or `stop` it gives none. */
export class Deframer {
  readonly #options: DeframerOptions;
  readonly #length = new Uint8Array(LENGTH_BYTES);
  #lengthFilled = 0;
  #frame: Uint8Array | undefined;
  #frameFilled = 0;
  #stopped = false;

  constructor(options: DeframerOptions) {
    this.#options = options;
  }

  /** @returns the fault that ended the stream, once */
  push(piece: Uint8Array): FramingFault | undefined {
    let offset = 0;
    while (offset < piece.length && !this.#stopped) {
      if (this.#frame === undefined) {
        const count = Math.min(LENGTH_BYTES - this.#lengthFilled, piece.length - offset);
        this.#length.set(piece.subarray(offset, offset + count), this.#lengthFilled);
        this.#lengthFilled += count;
        offset += count;
        if (this.#lengthFilled < LENGTH_BYTES) return undefined;
        const fault = this.#startFrame();
        if (fault !== undefined) {
          this.#stopped = true;
          return fault;
        }
      } else {
        const frame = this.#frame;
        const count = Math.min(frame.length - this.#frameFilled, piece.length - offset);
        frame.set(piece.subarray(offset, offset + count), this.#frameFilled);
        this.#frameFilled += count;
        offset += count;
        if (this.#frameFilled < frame.length) return undefined;
        this.#frame = undefined;
        this.#options.onFrame(frame);
      }
    }
    return undefined;
  }

  /** Drops an unfinished frame; what arrives later is ignored. */
  stop(): void {
    this.#stopped = true;
    this.#frame = undefined;
  }

  #startFrame(): FramingFault | undefined {
    const length = readUint32(this.#length, 0);
    this.#lengthFilled = 0;
    if (length < this.#options.frameBytesMin) return "FRAME_EMPTY";
    if (length > this.#options.frameBytesMax) return "FRAME_TOO_LARGE";
    if (!this.#options.admits(LENGTH_BYTES + length)) return "FRAME_FLOOD";
    const frame = new Uint8Array(length);
    this.#frameFilled = 0;
    if (length > 0) this.#frame = frame;
    else this.#options.onFrame(frame);
    return undefined;
  }
}
