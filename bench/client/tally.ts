// The account of one load: every transaction from its intended time to receipt, refusal or silence. Nothing is left out.
// Sends nothing; the generator tells it what was sent, the sockets what came back.

import { performance } from "node:perf_hooks";
import { LatencyHistogram } from "../latency.ts";
import type { Load, LoadResult } from "./messages.ts";

interface Outstanding {
  readonly dueMs: number;
  readonly node: number;
  readonly calls: number;
}

/** Of the account over time. */
const STEP_MS = 100;

export interface TallyOptions {
  readonly nodes: number;
  /** what counts for the rate, in the time of `nowMs` */
  readonly window: { readonly fromMs: number; readonly untilMs: number };
  /** first intended time */
  readonly startMs: number;
  /** whose receipt settles a transaction: of the node that took it, or the first of any */
  readonly settledBy: "owner" | "any";
}

export class Tally {
  private readonly outstanding = new Map<string, Outstanding>();
  private readonly inFlight: number[];
  private readonly receipts: number[];
  private readonly refusals = new Map<string, number>();
  private readonly latency = new LatencyHistogram();
  private readonly delay = new LatencyHistogram();
  private readonly options: TallyOptions;
  private readonly byNode: readonly LatencyHistogram[];
  private readonly due: number[] = [];
  private readonly done: number[] = [];
  private sent = 0;
  private bytes = 0;
  private committed = 0;
  private committedInWindow = 0;
  private callsInWindow = 0;
  private refusedByContract = 0;

  constructor(options: TallyOptions) {
    this.options = options;
    this.inFlight = new Array<number>(options.nodes).fill(0);
    this.receipts = new Array<number>(options.nodes).fill(0);
    this.byNode = this.inFlight.map(() => new LatencyHistogram());
  }

  get waiting(): number {
    return this.outstanding.size;
  }

  inFlightAt(node: number): number {
    return this.inFlight[node] ?? 0;
  }

  /** Every receipt of this load that can come has come, at every node; where nodes fail, each receipt at one. */
  get isComplete(): boolean {
    if (this.options.settledBy === "any") return this.waiting === 0;
    return this.waiting === 0 && this.receipts.every((count) => count >= this.committed + this.refusedByContract);
  }

  /** @param dueMs when it was to be sent @param nowMs when it was */
  markSent(
    transaction: { readonly id: string; readonly hex: string; readonly calls: number },
    node: number,
    dueMs: number,
    nowMs: number,
  ): void {
    this.sent += 1;
    this.bytes += transaction.hex.length / 2;
    this.outstanding.set(transaction.id, { dueMs, node, calls: transaction.calls });
    this.count(this.due, dueMs);
    this.inFlight[node] = this.inFlightAt(node) + 1;
    this.delay.record(nowMs - dueMs);
  }

  /** @returns whether it settled one. A131: once, and in the time of its first intended moment */
  markReceipt(txId: string, status: string, node: number, nowMs: number): boolean {
    this.receipts[node] = (this.receipts[node] ?? 0) + 1;
    const sent = this.outstanding.get(txId);
    if (sent === undefined || (sent.node !== node && this.options.settledBy === "owner")) return false;
    this.settle(txId, sent.node);
    if (status !== "ok") {
      this.refusedByContract += 1;
      return true;
    }
    this.committed += 1;
    this.latency.record(nowMs - sent.dueMs);
    this.byNode[sent.node]?.record(nowMs - sent.dueMs);
    this.count(this.done, nowMs);
    const { fromMs, untilMs } = this.options.window;
    if (nowMs >= fromMs && nowMs < untilMs) {
      this.committedInWindow += 1;
      this.callsInWindow += sent.calls;
    }
    return true;
  }

  markRefused(txId: string, code: string, node: number): void {
    if (!this.outstanding.has(txId)) return;
    this.settle(txId, node);
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
  }

  /** A150: what nobody answered counts with the time for which it was waited: a load that loses the slow ones is not faster for it. */
  result(load: Load, nowMs: number): LoadResult {
    for (const { dueMs, node } of this.outstanding.values()) {
      this.latency.record(nowMs - dueMs);
      this.byNode[node]?.record(nowMs - dueMs);
    }
    const { fromMs, untilMs } = this.options.window;
    const windowSeconds = (untilMs - fromMs) / 1000;
    return {
      load,
      sent: this.sent,
      committed: this.committed,
      refusedByContract: this.refusedByContract,
      refusedAtTheDoor: Object.fromEntries(this.refusals),
      missing: this.waiting,
      receiptsByNode: this.receipts,
      windowSeconds,
      txPerSecond: this.committedInWindow / windowSeconds,
      callsPerSecond: this.callsInWindow / windowSeconds,
      timeline: {
        startedAtMs: performance.timeOrigin + this.options.startMs,
        stepMs: STEP_MS,
        due: [...this.due],
        committed: [...this.done],
      },
      latency: this.latency.encode(),
      latencyByNode: this.byNode.map((histogram) => histogram.encode()),
      delay: this.delay.encode(),
      bytesPerTransaction: this.sent === 0 ? 0 : this.bytes / this.sent,
    };
  }

  private count(steps: number[], atMs: number): void {
    const step = Math.max(0, Math.floor((atMs - this.options.startMs) / STEP_MS));
    while (steps.length <= step) steps.push(0);
    steps[step] = (steps[step] ?? 0) + 1;
  }

  private settle(txId: string, node: number): void {
    this.outstanding.delete(txId);
    this.inFlight[node] = this.inFlightAt(node) - 1;
  }
}
