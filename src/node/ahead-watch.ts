// Looks again, a moment after a peer said that it is ahead, whether this node has moved meanwhile, and asks if it has not.
// What a peer says is a reason to look, never believed: many statements ask no sooner and no more often than one.

import type { ValidatorKey } from "../consensus/events.ts";
import type { Clock } from "../ports.ts";
import { PACE_INTERVAL_MS } from "./pace.ts";

export class AheadWatch {
  private readonly clock: Clock;
  private readonly headHeight: () => number;
  private readonly ask: (height: number, from: ValidatorKey) => void;
  private cancel: (() => void) | undefined;
  private highest = 0;

  constructor(options: {
    readonly clock: Clock;
    readonly headHeight: () => number;
    /** catches up to that height, this peer first and then others */
    readonly ask: (height: number, from: ValidatorKey) => void;
  }) {
    this.clock = options.clock;
    this.headHeight = options.headHeight;
    this.ask = options.ask;
  }

  notice(height: number, from: ValidatorKey): void {
    const headBefore = this.headHeight();
    if (height <= headBefore) return;
    // A liar may name any height: one too high ends where nobody has more, one too low must not end it earlier.
    this.highest = Math.max(this.highest, height);
    if (this.cancel !== undefined) return;
    this.cancel = this.clock.setTimer(PACE_INTERVAL_MS, () => {
      const target = this.highest;
      this.cancel = undefined;
      this.highest = 0;
      if (this.headHeight() === headBefore) this.ask(target, from);
    });
  }

  stop(): void {
    this.cancel?.();
  }
}
