// What a node does at times of its own: named, so that setting one again replaces it, and all of it ends with one call.
// Only when; what is done stands with whoever sets it.

import type { Clock } from "../ports.ts";

export class Schedule {
  private readonly clock: Clock;
  private readonly cancels = new Map<string, () => void>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  once(name: string, delayMs: number, run: () => void): void {
    this.cancels.get(name)?.();
    this.cancels.set(name, this.clock.setTimer(delayMs, run));
  }

  every(name: string, intervalMs: number, run: () => void): void {
    this.once(name, intervalMs, () => {
      run();
      this.every(name, intervalMs, run);
    });
  }

  cancel(name: string): void {
    this.cancels.get(name)?.();
    this.cancels.delete(name);
  }

  stop(): void {
    for (const cancel of this.cancels.values()) cancel();
    this.cancels.clear();
  }
}
