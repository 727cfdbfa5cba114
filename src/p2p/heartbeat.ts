// Regular beats on one connection: how long a round trip takes, and whether the other side still answers.
// Counts beats, not time: a process that slept does not take its own pause for the death of its peers.

import type { Clock } from "../ports.ts";
import type { PeerLimits } from "./limits.ts";

export interface HeartbeatOptions {
  readonly clock: Clock;
  readonly limits: PeerLimits;
  readonly sendPing: (beat: number) => void;
  /** regular look at what nobody reports; after each beat */
  readonly onBeat: () => void;
  readonly onDead: () => void;
}

/** Weight of the newest round trip in the smoothed one, as in TCP (RFC 6298). */
const NEWEST_SHARE = 1 / 8;

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #beat = 0;
  #answeredBeat = 0;
  #sentMs = 0;
  #roundTripMs: number | undefined;
  #cancel: (() => void) | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** smoothed, undefined before the first answer */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  start(): void {
    const { clock, limits, sendPing, onBeat, onDead } = this.#options;
    this.#cancel = clock.setTimer(limits.heartbeatMs, () => this.start());
    if (this.#beat - this.#answeredBeat >= limits.missedBeatsMax) {
      onDead();
      return;
    }
    this.#beat += 1;
    this.#sentMs = clock.monotonicMs();
    sendPing(this.#beat);
    onBeat();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  onPong(beat: number): void {
    if (beat <= this.#answeredBeat || beat > this.#beat) return;
    this.#answeredBeat = beat;
    if (beat !== this.#beat) return;
    const sampleMs = this.#options.clock.monotonicMs() - this.#sentMs;
    this.#roundTripMs =
      this.#roundTripMs === undefined ? sampleMs : this.#roundTripMs + (sampleMs - this.#roundTripMs) * NEWEST_SHARE;
  }
}
