// Tells the core whether there is work and what it waits for: includable batches of the pool, due timers of the contracts.
// Looks again when something can have changed; never decides what a block takes.

import type { Hash } from "../ledger/hash.ts";
import type { Clock } from "../ports.ts";
import { type BatchPool, type PoolView, WAITING_FOR_MAX } from "./batch-pool.ts";
import type { Schedule } from "./schedule.ts";

/** A far moment is looked at again after this long: timers of Node end at 2^31 ms, and clocks are set. */
const WAKE_MS_MAX = 3_600_000;

export interface WorkPorts {
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly pool: BatchPool;
  readonly timeScale: number;
  chain(): { readonly headTimeMs: number; readonly windowMs: number; readonly nextDueMs: number | undefined };
  poolView(): PoolView;
  tell(work: { readonly hasWork: boolean; readonly waitingFor: readonly Hash[] }): void;
}

export class Work {
  private readonly ports: WorkPorts;
  /** what the core was told last */
  private hadWork = false;
  /** nothing was built since: the core has dropped what it was told, or, if that answer came too late for it, still waits */
  private isDoubtful = false;

  constructor(ports: WorkPorts) {
    this.ports = ports;
  }

  /** Whether the core was told of work that is still there. */
  get isTold(): boolean {
    return this.hadWork && !this.isDoubtful;
  }

  /** A batch arrived: news only when the core believes that there is nothing to do. */
  notice(): void {
    if (!this.isTold) this.refresh();
  }

  /** N248: the builder found nothing, or came too late: the next batch is news again, and so is that there is nothing. */
  noteNothingBuilt(): void {
    this.isDoubtful = true;
  }

  /** The head moved, or a moment came that was waited for. */
  refresh(): void {
    const { clock, pool } = this.ports;
    const { headTimeMs, windowMs, nextDueMs } = this.ports.chain();
    const nowMs = Math.max(headTimeMs + 1, clock.nowMs());
    const view = this.ports.poolView();
    const waiting = pool.includable(view, nowMs, windowMs).slice(0, WAITING_FOR_MAX);
    const hasDueTimer = nextDueMs !== undefined && nextDueMs <= nowMs;
    const hasWork = waiting.length > 0 || hasDueTimer;
    if (hasWork || this.hadWork) {
      this.hadWork = hasWork;
      this.isDoubtful = false;
      this.ports.tell({ hasWork, waitingFor: waiting.map(({ digest }) => digest) });
    }
    if (nextDueMs !== undefined && !hasDueTimer) this.wake("timer", nextDueMs - nowMs);
    // N90: what expires meanwhile is nobody's work any more: no primary is suspected for it.
    const lastMs = pool.freshUntilMs(waiting, view, { timeMs: nowMs, windowMs });
    if (lastMs !== undefined) this.wake("expiry", lastMs + 1 - nowMs);
  }

  private wake(name: string, aheadMs: number): void {
    const delayMs = Math.min(WAKE_MS_MAX, Math.ceil(aheadMs / this.ports.timeScale) + 1);
    this.ports.schedule.once(name, delayMs, () => this.refresh());
  }
}
