// Looks at the raw multiplexer traffic of one connection and says when a peer breaks its bounds, before memory is spent.
// Yamux itself buffers any announced frame length and takes any number of tiny pieces, streams and unasked bytes.

import type { Clock } from "../ports.ts";
import type { PeerLimits } from "./limits.ts";
import { TokenBucket } from "./token-bucket.ts";

export type MuxerFault = "MUXER_MALFORMED" | "MUXER_FRAME_TOO_LARGE" | "MUXER_FLOOD";

/** https://github.com/hashicorp/yamux/blob/master/spec.md: version, type, flags (2), stream (4), length (4) */
const HEADER_BYTES = 12;
const TYPE_DATA = 0;
const TYPE_WINDOW = 1;
const TYPE_MAX = 3;
const FLAG_OPEN = 1;

export class MuxerGuard {
  readonly #clock: Clock;
  readonly #windowBytesMax: number;
  readonly #weDialled: boolean;
  readonly #pieces: TokenBucket;
  readonly #streams: TokenBucket;
  readonly #unaskedBytes: TokenBucket;
  readonly #header = new Uint8Array(HEADER_BYTES);
  readonly #view = new DataView(this.#header.buffer);
  #headerFilled = 0;
  #bodyLeft = 0;

  constructor(options: { readonly clock: Clock; readonly limits: PeerLimits; readonly weDialled: boolean }) {
    const { clock, limits } = options;
    const nowMs = clock.monotonicMs();
    this.#clock = clock;
    this.#windowBytesMax = limits.windowBytesMax;
    this.#weDialled = options.weDialled;
    this.#pieces = new TokenBucket({ perSecond: limits.piecesPerSecond, burst: limits.piecesBurst, nowMs });
    this.#streams = new TokenBucket({ perSecond: limits.streamsPerSecond, burst: limits.streamsBurst, nowMs });
    this.#unaskedBytes = new TokenBucket({
      perSecond: limits.unaskedBytesPerSecond,
      burst: limits.unaskedBytesBurst,
      nowMs,
    });
  }

  push(piece: Uint8Array): MuxerFault | undefined {
    const nowMs = this.#clock.monotonicMs();
    if (!this.#pieces.take(1, nowMs)) return "MUXER_FLOOD";
    let offset = 0;
    while (offset < piece.length) {
      if (this.#bodyLeft > 0) {
        const count = Math.min(this.#bodyLeft, piece.length - offset);
        this.#bodyLeft -= count;
        offset += count;
        continue;
      }
      const count = Math.min(HEADER_BYTES - this.#headerFilled, piece.length - offset);
      this.#header.set(piece.subarray(offset, offset + count), this.#headerFilled);
      this.#headerFilled += count;
      offset += count;
      if (this.#headerFilled < HEADER_BYTES) return undefined;
      this.#headerFilled = 0;
      const fault = this.#judgeHeader(nowMs);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  #judgeHeader(nowMs: number): MuxerFault | undefined {
    const type = this.#view.getUint8(1);
    const stream = this.#view.getUint32(4);
    const opens = (this.#view.getUint16(2) & FLAG_OPEN) !== 0;
    const ofStream = type === TYPE_DATA || type === TYPE_WINDOW;
    // The side that dialled opens odd streams.
    const peerOpened = (stream % 2 === 1) !== this.#weDialled;
    if (this.#view.getUint8(0) !== 0 || type > TYPE_MAX || ofStream !== stream > 0) return "MUXER_MALFORMED";
    if (ofStream && opens && !peerOpened) return "MUXER_MALFORMED";
    if (!this.#pieces.take(1, nowMs)) return "MUXER_FLOOD";
    if (opens && !this.#streams.take(1, nowMs)) return "MUXER_FLOOD";
    if (type !== TYPE_DATA) return undefined;
    const length = this.#view.getUint32(8);
    if (length > this.#windowBytesMax) return "MUXER_FRAME_TOO_LARGE";
    this.#bodyLeft = length;
    // What comes on the peer's own streams was not asked for.
    return peerOpened && !this.#unaskedBytes.take(length, nowMs) ? "MUXER_FLOOD" : undefined;
  }
}
