// Feeds the consensus core one event at a time and performs its effects. Knows no rule of the protocol.
// A durable effect that fails halts the node; an answer that comes late is handed over as it is: the core recognises it.

import { unreachable } from "../assert.ts";
import type { ReplicaEffect, ReplicaEvent, Report, ValidatorKey } from "../consensus/events.ts";
import { LedgerError } from "../errors.ts";
import type { Hash } from "../ledger/hash.ts";
import type { Proposal } from "../ledger/types.ts";
import type { Clock, Logger } from "../ports.ts";

/** Events waiting for the core. The peers' frames are bounded per peer before they get here; beyond this frames are dropped. */
export const EVENT_QUEUE_MAX = 100_000;

export type EffectOf<Kind extends ReplicaEffect["kind"]> = Extract<ReplicaEffect, { kind: Kind }>;
export type EventOf<Kind extends ReplicaEvent["kind"]> = Extract<ReplicaEvent, { kind: Kind }>;

/** The core, as the driver sees it. */
export interface Core {
  step(event: ReplicaEvent): readonly ReplicaEffect[];
}

/** How effects are performed; each answer is an event of the core. A rejected promise halts the node. */
export interface EffectPorts {
  buildBlock(effect: EffectOf<"buildBlock">): Promise<EventOf<"blockBuilt">>;
  checkBlock(effect: EffectOf<"checkBlock">): Promise<EventOf<"blockChecked">>;
  /** undefined: the height was committed meanwhile */
  executeBlock(height: number, proposal: Proposal): Promise<EventOf<"blockExecuted"> | undefined>;
  /** undefined: the height was committed meanwhile, nothing was signed */
  signVote(effect: EffectOf<"signVote">): Promise<EventOf<"voteSigned"> | undefined>;
  send(to: readonly ValidatorKey[] | "all", bytes: Uint8Array): void;
  commitBlock(effect: EffectOf<"commitBlock">): Promise<EventOf<"blockCommitted">>;
  sync(effect: EffectOf<"requestSync">): Promise<EventOf<"syncFinished">>;
  sendDecided(to: ValidatorKey, height: number): void;
  fetchBatches(from: ValidatorKey, digests: readonly Hash[]): void;
  keepTrail(height: number, bytes: Uint8Array): void;
  report(report: Report): void;
}

export class Driver {
  private readonly core: Core;
  private readonly ports: EffectPorts;
  private readonly clock: Clock;
  private readonly log: Logger;
  private readonly halt: (error: LedgerError) => void;
  private readonly queue: ReplicaEvent[] = [];
  private readonly timers = new Set<() => void>();
  /** waits for a commit that still run, of `waitHeight` */
  private waits: (() => void)[] = [];
  private waitHeight = 0;
  private isDraining = false;
  private isStopped = false;

  constructor(options: {
    core: Core;
    ports: EffectPorts;
    clock: Clock;
    log: Logger;
    halt: (error: LedgerError) => void;
  }) {
    this.core = options.core;
    this.ports = options.ports;
    this.clock = options.clock;
    this.log = options.log;
    this.halt = options.halt;
  }

  /** Hands an event to the core, in order of arrival. */
  push(event: ReplicaEvent): void {
    if (this.isStopped) return;
    if (this.queue.length >= EVENT_QUEUE_MAX && event.kind === "messageReceived") return;
    this.queue.push(event);
    if (!this.isDraining) this.drain();
  }

  stop(): void {
    this.isStopped = true;
    for (const cancel of this.timers) cancel();
    this.timers.clear();
    this.queue.length = 0;
  }

  private drain(): void {
    this.isDraining = true;
    try {
      for (let event = this.queue.shift(); event !== undefined && !this.isStopped; event = this.queue.shift()) {
        for (const effect of this.core.step(event)) this.perform(effect);
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.isDraining = false;
    }
  }

  private perform(effect: ReplicaEffect): void {
    switch (effect.kind) {
      case "send":
        return this.ports.send(effect.to, effect.bytes);
      case "buildBlock":
        return this.answer(this.ports.buildBlock(effect));
      case "checkBlock":
        return this.answer(this.ports.checkBlock(effect));
      case "executeBlock":
        return this.answer(this.ports.executeBlock(effect.height, effect.proposal));
      case "signVote":
        return this.answer(this.ports.signVote(effect));
      case "commitBlock":
        return this.answer(this.ports.commitBlock(effect));
      case "requestSync":
        return this.answer(this.ports.sync(effect));
      case "setTimer":
        return this.setTimer(effect);
      case "sendDecided":
        return this.ports.sendDecided(effect.to, effect.height);
      case "fetchBatches":
        return this.ports.fetchBatches(effect.from, effect.digests);
      case "keepTrail":
        return this.ports.keepTrail(effect.height, effect.bytes);
      case "report":
        return this.ports.report(effect.report);
      case "halt":
        return this.fail(new LedgerError(effect.code, { detail: effect.detail }));
      default:
        return unreachable(effect);
    }
  }

  private answer(pending: Promise<ReplicaEvent | undefined>): void {
    pending.then(
      (event) => event !== undefined && this.push(event),
      (error: unknown) => this.fail(error),
    );
  }

  private setTimer({ timer, delayMs }: EffectOf<"setTimer">): void {
    const isWait = timer.kind === "spread" || timer.kind === "progress";
    if (isWait) this.endWaitsBelow(timer.height);
    const cancel = this.clock.setTimer(delayMs, () => {
      this.timers.delete(cancel);
      this.push({ kind: "timerFired", timer });
    });
    this.timers.add(cancel);
    if (isWait) this.waits.push(cancel);
  }

  // N246: each height waits for a second and more, and hundreds may end in one: the core would do nothing when theirs fire.
  private endWaitsBelow(height: number): void {
    if (height <= this.waitHeight) return;
    for (const cancel of this.waits) {
      cancel();
      this.timers.delete(cancel);
    }
    this.waits = [];
    this.waitHeight = height;
  }

  // Law 3: a failed durable effect or a broken invariant halts the process. Never log and continue.
  private fail(error: unknown): void {
    if (this.isStopped) return;
    this.stop();
    const halted = error instanceof LedgerError ? error : new LedgerError("NODE_HALTED", {}, { cause: error });
    this.log.error("node halted", {
      code: halted.code,
      ...halted.data,
      cause: error instanceof Error ? error.stack : String(error),
    });
    this.halt(halted);
  }
}
