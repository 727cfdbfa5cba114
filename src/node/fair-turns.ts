// Work that peers cause by asking or telling: one piece at a time for each of them, and a rest after it in proportion,
// so that no peer takes more than its share of this node's time. Knows nothing of what the work is.

import { LedgerError } from "../errors.ts";
import type { Clock } from "../ports.ts";

/** Of this node's time, for one peer. */
export const SHARE_PER_PEER = 1 / 5;
/** Pieces of work of one peer that are under way or wait for their turn. */
export const TURNS_PER_PEER_MAX = 32;

interface Line {
  /** ends with the rest after the newest piece */
  last: Promise<void>;
  length: number;
}

export class FairTurns {
  private readonly clock: Clock;
  private readonly lines = new Map<string, Line>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  hasRoom(peer: string): boolean {
    return (this.lines.get(peer)?.length ?? 0) < TURNS_PER_PEER_MAX;
  }

  /** @returns what `work` returns, in its turn. Rejects as `work` does, and with LedgerError PEER_ASKS_TOO_MUCH */
  take<T>(peer: string, work: () => T | Promise<T>): Promise<T> {
    if (!this.hasRoom(peer))
      return Promise.reject(new LedgerError("PEER_ASKS_TOO_MUCH", { waiting: TURNS_PER_PEER_MAX }));
    const { clock } = this;
    const line = this.lines.get(peer) ?? { last: Promise.resolve(), length: 0 };
    this.lines.set(peer, line);
    line.length += 1;
    let startedMs = 0;
    const done = line.last.then(() => {
      startedMs = clock.monotonicMs();
      return work();
    });
    const rest = (): Promise<void> => {
      line.length -= 1;
      const restMs = (clock.monotonicMs() - startedMs) * (1 / SHARE_PER_PEER - 1);
      return new Promise((resolve) => {
        clock.setTimer(restMs, resolve);
      });
    };
    line.last = done.then(rest, rest);
    return done;
  }
}
