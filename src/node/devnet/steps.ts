// One step of the day at a time: what is wanted of the ledger's rows, which of it is missing, and the transactions for that.
// Repeating a step changes nothing: a row that is as wanted is never written again, one that is not is never taken for done.

import { setTimeout as pause } from "node:timers/promises";
import type { ReceiptAnswer } from "../../client/client.ts";
import type { CallRequest } from "../../client/transaction.ts";
import { LedgerError } from "../../errors.ts";
import type { Clock } from "../../ports.ts";
import type { LedgerReader, RowFields } from "./reader.ts";
import { type Job, percentile } from "./sender.ts";

/** What residents and officials read, Chinese with English beside it. */
export interface ProgressLine {
  readonly zh: string;
  readonly en: string;
}
export type Progress = (line: ProgressLine) => void;

export interface StepItem {
  /** of the row that tells whether this is done */
  readonly key: readonly (string | number)[];
  readonly account: string;
  /** who signs, too; default: nobody */
  readonly cosigners?: readonly string[];
  /** organisation whose node takes it */
  readonly via: string;
  readonly calls: readonly CallRequest[];
  readonly gasLimit?: number;
  /** default: that the row exists */
  readonly isDone?: (fields: RowFields) => boolean;
}

export interface Step {
  readonly title: ProgressLine;
  readonly contract: string;
  readonly table: string;
  readonly items: readonly StepItem[];
  /** default 1; items of one account in a row share a transaction */
  readonly itemsPerTransaction?: number;
  /** true: what is still missing can no longer be brought about, so it is not sent again */
  readonly isOver?: () => boolean;
}

const ATTEMPTS_MAX = 3;
const RETRY_PAUSE_MS = 300;

/** What a step asks of the ledger and of the network, so that a ledger in memory can stand in for both. */
export type StepReader = Pick<LedgerReader, "row" | "rows">;
export interface StepSender {
  readonly latenciesMs: readonly number[];
  sendAll(jobs: readonly Job[]): Promise<readonly { readonly job: Job; readonly answer: StepAnswer }[]>;
}
/** What became of a transaction. */
export type StepAnswer = Pick<ReceiptAnswer, "receipt" | "explanation">;

export class Steps {
  readonly reader: StepReader;
  private readonly sender: StepSender;
  private readonly clock: Clock;
  private readonly progress: Progress;

  constructor(options: {
    readonly reader: StepReader;
    readonly sender: StepSender;
    readonly clock: Clock;
    readonly progress: Progress;
  }) {
    this.reader = options.reader;
    this.sender = options.sender;
    this.clock = options.clock;
    this.progress = options.progress;
  }

  /**
   * Brings every item of the step about, or finds it done.
   * @throws LedgerError `DAY_REFUSED` with the refusal's sentence when an item is refused and not done either
   */
  async ensure(step: Step): Promise<void> {
    const startMs = this.clock.monotonicMs();
    let refusal: ProgressLine & { readonly rule: string } = { rule: "", zh: "", en: "" };
    const sent = { transactions: 0, calls: 0 };
    const latencies = this.sender.latenciesMs.length;
    for (let attempt = 0; attempt <= ATTEMPTS_MAX; attempt += 1) {
      const missing = await this.missing(step);
      if (missing.length === 0) return this.report(step, sent, startMs, this.sender.latenciesMs.slice(latencies));
      if (attempt === ATTEMPTS_MAX || (attempt > 0 && step.isOver?.())) break;
      // A node that has just come back lists old rows for a while: the second pause is longer.
      if (attempt > 0) await pause(RETRY_PAUSE_MS * attempt ** 2);
      const outcomes = await this.sender.sendAll(jobsOf(missing, step.itemsPerTransaction ?? 1));
      sent.transactions += outcomes.length;
      sent.calls += outcomes.reduce((sum, { job }) => sum + job.calls.length, 0);
      const refused = outcomes.find(({ answer }) => answer.receipt.status !== "ok");
      if (refused !== undefined) refusal = { rule: refused.answer.receipt.ruleId, ...refused.answer.explanation };
    }
    throw new LedgerError("DAY_REFUSED", { step: step.title.en, rule: refusal.rule, zh: refusal.zh, en: refusal.en });
  }

  /** Items whose row is not as wanted, by what a node lists. */
  async missing(step: Step): Promise<readonly StepItem[]> {
    const rows = await this.reader.rows(step.contract, step.table);
    return step.items.filter(({ key, isDone }) => {
      const fields = rows.get(key.join("\n"));
      return fields === undefined || (isDone !== undefined && !isDone(fields));
    });
  }

  private report(
    step: Step,
    { transactions, calls }: { readonly transactions: number; readonly calls: number },
    startMs: number,
    latencies: readonly number[],
  ): void {
    const { zh, en } = step.title;
    if (transactions === 0) return this.progress({ zh: `${zh} · 已在账本上`, en: `${en}: on the ledger already` });
    const seconds = (this.clock.monotonicMs() - startMs) / 1000;
    const median = percentile(latencies, 50).toFixed(0);
    const what =
      calls === transactions ? `${transactions} transactions` : `${transactions} transactions of ${calls} calls`;
    const figures = `${what}, ${seconds.toFixed(1)} s, ${Math.round(transactions / seconds)} tx/s, p50 ${median} ms`;
    this.progress({ zh, en: `${en}: ${figures}` });
  }
}

function jobsOf(items: readonly StepItem[], itemsPerTransaction: number): readonly Job[] {
  const jobs: (Job & { calls: CallRequest[]; items: number })[] = [];
  for (const { account, cosigners, via, calls, gasLimit } of items) {
    const last = jobs.at(-1);
    const isSameSigners = last?.account === account && last.cosigners?.join("\n") === cosigners?.join("\n");
    if (last !== undefined && isSameSigners && last.via === via && last.items < itemsPerTransaction) {
      last.calls.push(...calls);
      last.items += 1;
    } else jobs.push({ account, cosigners, via, calls: [...calls], items: 1, gasLimit });
  }
  return jobs;
}
