// Counts the messages on one inbound gossip stream: each is a varint of its length and then that many bytes.
// Only looks at lengths; gossipsub decodes the same bytes.

import type { Clock } from "../ports.ts";
import type { PeerLimits } from "./limits.ts";
import { TokenBucket } from "./token-bucket.ts";

export type GossipFault = "GOSSIP_MALFORMED" | "GOSSIP_TOO_LARGE" | "GOSSIP_FLOOD";

/** What gossipsub wraps around the data: topic and field lengths. */
export const GOSSIP_ENVELOPE_BYTES_MAX = 1_024;
/** A length of 28 bits is far above any bound. */
const LENGTH_DIGITS_MAX = 4;

export class GossipMeter {
  readonly #clock: Clock;
  readonly #messageBytesMax: number;
  readonly #bucket: TokenBucket;
  #length = 0;
  #digits = 0;
  #bodyLeft = 0;

  constructor(options: { readonly clock: Clock; readonly limits: PeerLimits }) {
    const { clock, limits } = options;
    this.#clock = clock;
    this.#messageBytesMax = limits.gossipBytesMax + GOSSIP_ENVELOPE_BYTES_MAX;
    const nowMs = clock.monotonicMs();
    this.#bucket = new TokenBucket({ perSecond: limits.gossipPerSecond, burst: limits.gossipBurst, nowMs });
  }

  push(piece: Uint8Array): GossipFault | undefined {
    let offset = 0;
    while (offset < piece.length) {
      if (this.#bodyLeft > 0) {
        const count = Math.min(this.#bodyLeft, piece.length - offset);
        this.#bodyLeft -= count;
        offset += count;
        continue;
      }
      const digit = piece[offset] ?? 0;
      offset += 1;
      this.#length += (digit & 0x7f) * 128 ** this.#digits;
      this.#digits += 1;
      if (digit >= 0x80) {
        if (this.#digits === LENGTH_DIGITS_MAX) return "GOSSIP_MALFORMED";
        continue;
      }
      if (this.#length > this.#messageBytesMax) return "GOSSIP_TOO_LARGE";
      if (!this.#bucket.take(1, this.#clock.monotonicMs())) return "GOSSIP_FLOOD";
      this.#bodyLeft = this.#length;
      this.#length = 0;
      this.#digits = 0;
    }
    return undefined;
  }
}
