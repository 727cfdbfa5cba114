// One run of a node's process, from start to crash: whatever it has begun ends with it, unheard.
// Also its clock: skewed, drifting, late; the only clock a simulated node has.

import type { Clock } from "../../../src/ports.ts";
import type { Timeline } from "../timeline.ts";

/** The machine's idea of the time; it outlives the process. */
export interface MachineTime {
  readonly startMs: number;
  /** ahead of true time, ms; the operator or the adversary may set it */
  skewMs: number;
  /** parts per million */
  driftPpm: number;
}

export class Life implements Clock {
  isOver = false;
  private readonly timeline: Timeline;
  private readonly time: MachineTime;
  /** how late a busy machine gets to its timers, ms */
  private readonly lagMs: () => number;
  private readonly onError: (error: unknown) => void;

  constructor(options: {
    readonly timeline: Timeline;
    readonly time: MachineTime;
    readonly lagMs: () => number;
    readonly onError: (error: unknown) => void;
  }) {
    this.timeline = options.timeline;
    this.time = options.time;
    this.lagMs = options.lagMs;
    this.onError = options.onError;
  }

  nowMs(): number {
    return this.time.startMs + this.monotonicMs() + this.time.skewMs;
  }

  monotonicMs(): number {
    return this.timeline.nowMs * (1 + this.time.driftPpm / 1e6);
  }

  /** Simulated time itself, which no node sees. */
  trueMs(): number {
    return this.timeline.nowMs;
  }

  setTimer(delayMs: number, run: () => void): () => void {
    let isCancelled = false;
    this.after(delayMs / (1 + this.time.driftPpm / 1e6) + this.lagMs(), () => {
      if (!isCancelled) run();
    });
    return () => {
      isCancelled = true;
    };
  }

  /** Runs in this life only; what it throws would end a real process. */
  after(delayMs: number, run: () => void): void {
    this.timeline.after(delayMs, () => {
      if (this.isOver) return;
      try {
        run();
      } catch (error) {
        this.onError(error);
      }
    });
  }

  /** A promise that is kept after the delay, or never when life ends before. */
  answer<T>(delayMs: number, compute: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.after(delayMs, () => {
        try {
          resolve(compute());
        } catch (error) {
          reject(error);
        }
      });
    });
  }
}
