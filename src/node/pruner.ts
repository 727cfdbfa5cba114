// Deletes the bodies of old blocks in small steps, while blocks go on: when, how far and how fast. What is deleted in a step,
// and what a vote still needs, is decided where bodies are written. Never passes the oldest snapshot that is on offer.

import type { Clock, Logger } from "../ports.ts";
import type { PruneLimits } from "../store/pruning.ts";
import type { Snapshots } from "../store/snapshots.ts";
import type { Chain } from "./chain.ts";

/** Of this node's time, while there is something to delete. */
const SHARE = 1 / 4;

export class Pruner {
  private readonly chain: Chain;
  private readonly snapshots: Snapshots;
  private readonly keepBodiesMs: number;
  private readonly prune: (limits: PruneLimits) => Promise<number>;
  private readonly clock: Clock;
  private readonly log: Logger;
  private running: Promise<void> | undefined;
  private isStopped = false;

  constructor(options: {
    readonly chain: Chain;
    readonly snapshots: Snapshots;
    /** ledger ms behind the head */
    readonly keepBodiesMs: number;
    readonly clock: Clock;
    readonly log: Logger;
    /** one step; how many blocks it was done with */
    prune(limits: PruneLimits): Promise<number>;
  }) {
    this.chain = options.chain;
    this.snapshots = options.snapshots;
    this.keepBodiesMs = options.keepBodiesMs;
    this.prune = (limits) => options.prune(limits);
    this.clock = options.clock;
    this.log = options.log;
  }

  /** Right after a commit. @returns when everything that was old then is deleted */
  async noteCommitted(): Promise<void> {
    if (this.running !== undefined || this.isStopped) return;
    this.running = this.run().finally(() => {
      this.running = undefined;
    });
    await this.running;
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
  }

  private async run(): Promise<void> {
    const limits = this.limits();
    let blocks = 0;
    for (let done = -1; done !== 0 && !this.isStopped; blocks += done) {
      const startedMs = this.clock.monotonicMs();
      done = await this.prune(limits);
      const restMs = (this.clock.monotonicMs() - startedMs) * (1 / SHARE - 1);
      await new Promise<void>((resolve) => {
        this.clock.setTimer(restMs, resolve);
      });
    }
    if (blocks > 0) this.log.debug("old bodies deleted", { blocks, firstHeight: this.chain.store.firstBodyHeight });
  }

  /** N202: whoever takes a snapshot of this node finds here every block that follows it, with its batches. */
  private limits(): PruneLimits {
    const [oldestHeight = 0] = this.snapshots.heights;
    return { beforeHeight: oldestHeight + 1, beforeMs: this.chain.head.timeMs - this.keepBodiesMs };
  }
}
