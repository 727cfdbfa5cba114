// The account of one load: every transaction from its intended time to receipt, refusal or silence. Nothing is left out.
// Sends nothing; the generator tells it what was sent, the sockets what came back.

import { LatencyHistogram } from "../latency.ts";
import type { Load, LoadResult } from "./messages.ts";

interface Outstanding {
  readonly dueMs: number;
  readonly node: number;
}

export class Tally {
  private readonly outstanding = new Map<string, Outstanding>();
  private readonly inFlight: number[];
  private readonly receipts: number[];
  private readonly refusals = new Map<string, number>();
  private readonly latency = new LatencyHistogram();
  private readonly delay = new LatencyHistogram();
  private readonly window: { readonly fromMs: number; readonly untilMs: number };
  private sent = 0;
  private bytes = 0;
  private committed = 0;
  private committedInWindow = 0;
  private refusedByContract = 0;

  /** @param window what counts for the rate, in the time of `nowMs` */
  constructor(nodes: number, window: { readonly fromMs: number; readonly untilMs: number }) {
    this.inFlight = new Array<number>(nodes).fill(0);
    this.receipts = new Array<number>(nodes).fill(0);
    this.window = window;
  }

  get waiting(): number {
    return this.outstanding.size;
  }

  inFlightAt(node: number): number {
    return this.inFlight[node] ?? 0;
  }

  /** Every receipt of this load that can come has come, at every node. */
  get isComplete(): boolean {
    return this.waiting === 0 && this.receipts.every((count) => count >= this.committed + this.refusedByContract);
  }

  /** @param dueMs when it was to be sent @param nowMs when it was */
  markSent(
    transaction: { readonly id: string; readonly hex: string },
    node: number,
    dueMs: number,
    nowMs: number,
  ): void {
    this.sent += 1;
    this.bytes += transaction.hex.length / 2;
    this.outstanding.set(transaction.id, { dueMs, node });
    this.inFlight[node] = this.inFlightAt(node) + 1;
    this.delay.record(nowMs - dueMs);
  }

  /** @returns whether it was one that this node owed */
  markReceipt(txId: string, status: string, node: number, nowMs: number): boolean {
    this.receipts[node] = (this.receipts[node] ?? 0) + 1;
    const sent = this.outstanding.get(txId);
    if (sent === undefined || sent.node !== node) return false;
    this.settle(txId, node);
    if (status !== "ok") {
      this.refusedByContract += 1;
      return true;
    }
    this.committed += 1;
    this.latency.record(nowMs - sent.dueMs);
    if (nowMs >= this.window.fromMs && nowMs < this.window.untilMs) this.committedInWindow += 1;
    return true;
  }

  markRefused(txId: string, code: string, node: number): void {
    if (!this.outstanding.has(txId)) return;
    this.settle(txId, node);
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
  }

  result(load: Load): LoadResult {
    const windowSeconds = (this.window.untilMs - this.window.fromMs) / 1000;
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
      latency: this.latency.encode(),
      delay: this.delay.encode(),
      bytesPerTransaction: this.sent === 0 ? 0 : this.bytes / this.sent,
    };
  }

  private settle(txId: string, node: number): void {
    this.outstanding.delete(txId);
    this.inFlight[node] = this.inFlightAt(node) - 1;
  }
}
