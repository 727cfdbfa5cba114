// Keeps trying to reach every member that is ours to dial, for ever, with a bounded pause between attempts.
// libp2p's own reconnecting gives up after five; this never does.

import type { Clock, PeerEndpoint, PeerId } from "../ports.ts";
import type { PeerLimits } from "./limits.ts";
import type { PeerGate } from "./peer-gate.ts";

export interface DiallerOptions {
  readonly clock: Clock;
  readonly limits: PeerLimits;
  readonly gate: PeerGate;
  readonly linked: (peer: PeerId) => boolean;
  /** rejects when nobody answers; a connection that it opens shows up by itself */
  readonly dial: (endpoint: PeerEndpoint) => Promise<void>;
  /** once for each absence that lasts */
  readonly onUnreachable: (endpoint: PeerEndpoint, cause: unknown) => void;
}

/** A neighbour that is only starting is no news. */
const FAILURES_BEFORE_WORD = 10;

interface DialState {
  pauseMs: number;
  failures: number;
  dialling: boolean;
  cancel: (() => void) | undefined;
}

export class Dialler {
  readonly #options: DiallerOptions;
  readonly #states = new Map<PeerId, DialState>();
  #stopped = false;

  constructor(options: DiallerOptions) {
    this.#options = options;
  }

  /** Starts on new members and new addresses, and lets go of those who left. */
  refresh(): void {
    const { gate } = this.#options;
    for (const [peer, state] of this.#states) {
      if (gate.endpoint(peer) !== undefined) continue;
      state.cancel?.();
      this.#states.delete(peer);
    }
    for (const { peerId } of gate.members()) {
      if (this.#state(peerId).cancel === undefined) this.#attempt(peerId);
    }
  }

  /** The link is ready: the next loss is answered quickly again. */
  onReady(peer: PeerId): void {
    const state = this.#state(peer);
    state.pauseMs = this.#options.limits.redialMsMin;
    state.failures = 0;
  }

  /** The link is gone: tries again after the pause, or after `notBeforeMs` from now if that is later. */
  onLost(peer: PeerId, notBeforeMs = 0): void {
    if (this.#options.gate.endpoint(peer) === undefined) return;
    const state = this.#state(peer);
    const { redialMsMax } = this.#options.limits;
    this.#schedule(peer, state, Math.max(state.pauseMs, notBeforeMs));
    state.pauseMs = Math.min(state.pauseMs * 2, redialMsMax);
  }

  stop(): void {
    this.#stopped = true;
    for (const { cancel } of this.#states.values()) cancel?.();
    this.#states.clear();
  }

  #schedule(peer: PeerId, state: DialState, delayMs: number): void {
    if (this.#stopped) return;
    state.cancel?.();
    state.cancel = this.#options.clock.setTimer(delayMs, () => {
      state.cancel = undefined;
      this.#attempt(peer);
    });
  }

  #attempt(peer: PeerId): void {
    const { gate, clock, linked, dial } = this.#options;
    const endpoint = gate.endpoint(peer);
    if (this.#stopped || endpoint === undefined) return;
    const state = this.#state(peer);
    if (state.dialling || linked(peer) || !gate.dials(peer)) return;
    const cutOffUntilMs = gate.cutOffUntilMs(peer);
    if (cutOffUntilMs !== undefined) return this.#schedule(peer, state, cutOffUntilMs - clock.monotonicMs());
    state.dialling = true;
    const settled = (): void => {
      state.dialling = false;
      if (!linked(peer)) this.onLost(peer);
    };
    dial(endpoint).then(settled, (cause) => {
      state.failures += 1;
      if (state.failures === FAILURES_BEFORE_WORD) this.#options.onUnreachable(endpoint, cause);
      settled();
    });
  }

  #state(peer: PeerId): DialState {
    let state = this.#states.get(peer);
    if (state === undefined) {
      state = { pauseMs: this.#options.limits.redialMsMin, failures: 0, dialling: false, cancel: undefined };
      this.#states.set(peer, state);
    }
    return state;
  }
}
