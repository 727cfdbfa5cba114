// The people of the year, each a script that acts and waits for moments of ledger time. Time moves on to the next moment for
// which somebody waits only when everybody waits and everything sent has its receipt: the network's pace is the year's pace.

import type { ReceiptAnswer } from "../../src/client/client.ts";
import type { CallRequest } from "../../src/client/transaction.ts";
import { LedgerError } from "../../src/errors.ts";
import type { Value } from "../../src/ledger/codec.ts";
import type { ClockHand } from "./clock.ts";
import { SETTLED_MS } from "./days.ts";
import type { Job, Sender } from "./sender.ts";

interface Sleeper {
  readonly timeMs: number;
  readonly wake: () => void;
}

export class World {
  /** refusals that the plan asks for */
  refused = 0;
  private readonly clock: ClockHand;
  private readonly sender: Sender;
  /** by moment; the moments in a heap beside it */
  private readonly sleepers = new Map<number, Sleeper[]>();
  private readonly moments: number[] = [];
  private awake = 0;
  /** nobody acts any more */
  isOver = false;
  private failure: unknown;
  private onQuiet: () => void = () => undefined;

  constructor(options: { readonly clock: ClockHand; readonly sender: Sender }) {
    this.clock = options.clock;
    this.sender = options.sender;
  }

  get nowMs(): number {
    return this.clock.nowMs;
  }

  /** Starts a script. What it throws ends the run. */
  play(script: () => Promise<void>): void {
    this.awake += 1;
    script()
      .catch((error: unknown) => {
        this.failure ??= error;
      })
      .finally(() => this.rest());
  }

  /** Sleeps until that moment; at once when it is now or past. Never returns when the run ends before. */
  async until(timeMs: number): Promise<void> {
    if (timeMs <= this.nowMs) return;
    await new Promise<void>((wake) => {
      const others = this.sleepers.get(timeMs);
      if (others === undefined) {
        this.sleepers.set(timeMs, [{ timeMs, wake }]);
        push(this.moments, timeMs);
      } else others.push({ timeMs, wake });
      this.rest();
    });
  }

  /** One call of one person. @throws LedgerError YEAR_REFUSED with the sentence */
  act(account: string, action: `${string}.${string}`, args: Readonly<Record<string, Value>>): Promise<ReceiptAnswer> {
    return this.send({ account, calls: [call(action, args)] });
  }

  /** @throws LedgerError YEAR_REFUSED with the sentence */
  async send(job: Job): Promise<ReceiptAnswer> {
    const answer = await this.carry(job);
    if (answer.receipt.status !== "ok") throw this.unexpected("YEAR_REFUSED", job, answer);
    return answer;
  }

  /** What the ledger must refuse. @throws LedgerError YEAR_NOT_REFUSED */
  async expectRefusal(job: Job): Promise<void> {
    const answer = await this.carry(job);
    if (answer.receipt.status === "ok") throw this.unexpected("YEAR_NOT_REFUSED", job, answer);
    this.refused += 1;
  }

  /**
   * Lets time pass up to `endMs`. Then nobody acts any more, and those who wait for something to be settled that the ledger
   * has done by itself up to then wake without time going on. @throws what a script throws
   */
  async run(endMs: number, onMoment: (timeMs: number) => void): Promise<void> {
    await this.wakeUpTo(endMs, (timeMs) => {
      this.clock.set(timeMs);
      onMoment(timeMs);
    });
    this.clock.set(endMs);
    this.isOver = true;
    await this.wakeUpTo(endMs + SETTLED_MS, () => undefined);
  }

  private async wakeUpTo(endMs: number, onMoment: (timeMs: number) => void): Promise<void> {
    for (;;) {
      await this.quiet();
      const next = this.moments[0];
      if (next === undefined || next > endMs) break;
      pop(this.moments);
      const due = this.sleepers.get(next) ?? [];
      this.sleepers.delete(next);
      onMoment(next);
      this.awake += due.length;
      for (const { wake } of due) wake();
    }
  }

  /** Never returns when the run is over. */
  private async carry(job: Job): Promise<ReceiptAnswer> {
    if (!this.isOver) return this.sender.send(job, this.nowMs);
    this.rest();
    return new Promise(() => undefined);
  }

  private rest(): void {
    this.awake -= 1;
    if (this.awake === 0) this.onQuiet();
  }

  private async quiet(): Promise<void> {
    if (this.awake > 0) {
      await new Promise<void>((resolve) => {
        this.onQuiet = resolve;
      });
    }
    if (this.failure !== undefined) throw this.failure;
  }

  private unexpected(code: string, job: Job, { receipt, explanation }: ReceiptAnswer): LedgerError {
    const [first] = job.calls;
    return new LedgerError(code, {
      account: job.account,
      action: `${first?.contract}.${first?.action}`,
      args: JSON.stringify(first?.args, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)),
      at: new Date(this.nowMs).toISOString(),
      rule: receipt.ruleId,
      zh: explanation.zh,
      en: explanation.en,
    });
  }
}

/** `fees.bill` and what is given, as a call. */
export function call(action: `${string}.${string}`, args: Readonly<Record<string, Value>>): CallRequest {
  const dot = action.indexOf(".");
  return { contract: action.slice(0, dot), action: action.slice(dot + 1), args };
}

function push(heap: number[], value: number): void {
  heap.push(value);
  let place = heap.length - 1;
  while (place > 0) {
    const above = (place - 1) >> 1;
    if ((heap[above] ?? 0) <= value) break;
    heap[place] = heap[above] ?? 0;
    place = above;
  }
  heap[place] = value;
}

function pop(heap: number[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let place = 0;
  for (;;) {
    let below = 2 * place + 1;
    if (below >= heap.length) break;
    if (below + 1 < heap.length && (heap[below + 1] ?? 0) < (heap[below] ?? 0)) below += 1;
    if ((heap[below] ?? 0) >= last) break;
    heap[place] = heap[below] ?? 0;
    place = below;
  }
  heap[place] = last;
}
