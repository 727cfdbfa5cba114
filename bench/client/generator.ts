// Sends a load to the nodes and sees every transaction of it to its end, open loop or closed loop.
// An open loop never waits for the network; a closed loop only sends as fast as receipts come.

import { performance } from "node:perf_hooks";
import { setTimeout as pause, setImmediate as turn } from "node:timers/promises";
import { LedgerError } from "../../src/errors.ts";
import { arrivalsMs } from "../arrivals.ts";
import type { ReadyTransaction } from "../workload.ts";
import type { Load, LoadResult } from "./messages.ts";
import { type LoadSocket, type OpenSocket, type SocketEvents, TRANSACTIONS_PER_CALL_MAX } from "./node-socket.ts";
import { Rerouting } from "./reroute.ts";
import { Tally, type TallyOptions } from "./tally.ts";

/** Between the command and the first transaction. */
const LEAD_MS = 50;
/** What the last transactions of a load get to be committed; longer only shows on a machine that others use. */
const DRAIN_MS_MAX = 60_000;
/** The same of a preparation: nobody waits for it, and nothing is measured. */
const SET_UP_DRAIN_MS_MAX = 300_000;
/** Below this rate the generator waits actively for the last fraction of a millisecond; above, that would cost the nodes' cores. */
const PRECISE_RATE_MAX = 100;
/** A closed loop that was refused tries again after this time. */
const BACK_OFF_MS = 20;
/** Not measured: what sets up a scenario. */
const WHOLE: Pick<TallyOptions, "window" | "startMs" | "settledBy"> = {
  window: { fromMs: 0, untilMs: 1 },
  startMs: 0,
  settledBy: "owner",
};
/** Of a preparation, on their way at each node: a node's queue holds 10,000 transactions. */
const SET_UP_IN_FLIGHT_PER_NODE = 1_000;

export class Generator {
  private readonly open: OpenSocket;
  private readonly sockets: (LoadSocket | undefined)[] = [];
  private urls: readonly string[] = [];
  private tally = new Tally({ nodes: 0, ...WHOLE });
  private onSettled: (node: number) => void = () => undefined;
  private rerouting: Rerouting | undefined;
  private broken: LedgerError | undefined;

  constructor(open: OpenSocket) {
    this.open = open;
  }

  /** @throws LedgerError BENCH_CONNECTION_LOST */
  async connect(urls: readonly string[]): Promise<void> {
    this.urls = urls;
    for (const [node, url] of urls.entries()) this.sockets.push(await this.open(url, this.eventsOf(node)));
  }

  private eventsOf(node: number): SocketEvents {
    return {
      onReceipt: (txId, status) => {
        if (!this.tally.markReceipt(txId, status, node, performance.now())) return;
        this.rerouting?.settled(txId);
        this.onSettled(node);
      },
      onRefused: (txId, code) => {
        // Another node, or this one later, may take it: it is tried again until the time is up.
        if (this.rerouting !== undefined) return;
        this.tally.markRefused(txId, code, node);
        setTimeout(() => this.onSettled(node), BACK_OFF_MS);
      },
      onBroken: (error) => {
        if (this.rerouting === undefined) this.broken ??= error;
        else this.rerouting.lost(node);
      },
    };
  }

  /** @param take removes signed transactions from the stock, as many as asked for or as there are left */
  async run(load: Load, take: (count: number) => readonly ReadyTransaction[]): Promise<LoadResult> {
    const startMs = performance.now() + LEAD_MS;
    const fromMs = startMs + (load.kind === "closed" ? load.warmUpSeconds * 1000 : 0);
    const reroutes = load.kind === "open" && load.reroutes;
    this.tally = new Tally({
      nodes: this.sockets.length,
      window: { fromMs, untilMs: startMs + load.seconds * 1000 },
      startMs,
      settledBy: reroutes ? "any" : "owner",
    });
    if (reroutes) {
      const { urls, sockets, open } = this;
      this.rerouting = new Rerouting({ urls, sockets, open, eventsOf: (node) => this.eventsOf(node) });
    }
    if (load.kind === "open") await this.sendOpen(load, startMs, take);
    else if (load.kind === "closed") await this.sendClosed(load, startMs, take);
    else await this.sendSingle(load.seconds, startMs, take);
    await this.drain(DRAIN_MS_MAX);
    const isWhole = this.rerouting?.isWhole ?? true;
    this.rerouting?.stop();
    this.rerouting = undefined;
    if (!isWhole) throw new LedgerError("BENCH_CONNECTION_LOST", { waitedMs: DRAIN_MS_MAX });
    return this.tally.result(load, performance.now());
  }

  /** Sends all, as fast as the nodes answer. @param isRepeatable a contract may say that some were done before. @throws LedgerError BENCH_SETUP_REFUSED */
  async sendAll(transactions: readonly ReadyTransaction[], isRepeatable = false): Promise<void> {
    this.tally = new Tally({ nodes: this.sockets.length, ...WHOLE });
    for (const [index, transaction] of transactions.entries()) {
      const node = index % this.sockets.length;
      if (index % TRANSACTIONS_PER_CALL_MAX === 0) await turn();
      while (this.tally.inFlightAt(node) >= SET_UP_IN_FLIGHT_PER_NODE) {
        this.checkConnections();
        await pause(5);
      }
      this.send(node, [transaction], performance.now());
    }
    await this.drain(SET_UP_DRAIN_MS_MAX);
    const load = { kind: "closed", inFlightPerNode: 0, seconds: 0, warmUpSeconds: 0 } as const;
    const { committed, missing, refusedByContract, refusedAtTheDoor } = this.tally.result(load, performance.now());
    if (committed + (isRepeatable ? refusedByContract : 0) < transactions.length) {
      throw new LedgerError("BENCH_SETUP_REFUSED", {
        sent: transactions.length,
        committed,
        missing,
        refusedByContract,
        refused: JSON.stringify(refusedAtTheDoor),
      });
    }
  }

  private async sendOpen(
    load: Extract<Load, { kind: "open" }>,
    startMs: number,
    take: (count: number) => readonly ReadyTransaction[],
  ): Promise<void> {
    const due = arrivalsMs({ kind: load.arrivals, rate: load.rate, seconds: load.seconds, seed: load.seed });
    const stock = take(due.length);
    if (stock.length < due.length)
      throw new LedgerError("BENCH_STOCK_EMPTY", { needed: due.length, signed: stock.length });
    for (let next = 0; next < due.length; ) {
      this.checkConnections();
      const nowMs = performance.now();
      const from = next;
      while (next < due.length && startMs + due[next]! <= nowMs) next += 1;
      // What fell due since the last look leaves together, each node's share in one call.
      for (const node of this.sockets.keys()) {
        const share = stock.slice(from, next).filter((_, index) => (from + index) % this.sockets.length === node);
        const dueMs = Array.from(due.slice(from, next)).filter(
          (_, index) => (from + index) % this.sockets.length === node,
        );
        for (const [index, transaction] of share.entries())
          this.tally.markSent(transaction, node, startMs + dueMs[index]!, nowMs);
        if (this.rerouting === undefined) this.sockets[node]!.send(share);
        else if (share.length > 0) this.rerouting.send(node, share);
      }
      if (next < due.length) await this.untilDue(startMs + due[next]!, load.rate <= PRECISE_RATE_MAX);
    }
  }

  private async untilDue(dueMs: number, isPrecise: boolean): Promise<void> {
    // Node's timers fire up to a millisecond late: wake before, and look again.
    const waitMs = Math.floor(dueMs - performance.now() - (isPrecise ? 1 : 0));
    if (waitMs >= 1) await pause(waitMs);
    else if (isPrecise) await turn();
    else await pause(1);
  }

  private async sendClosed(
    load: Extract<Load, { kind: "closed" }>,
    startMs: number,
    take: (count: number) => readonly ReadyTransaction[],
  ): Promise<void> {
    const endMs = startMs + load.seconds * 1000;
    const scheduled = new Set<number>();
    let isStarved = false;
    const topUp = (node: number): void => {
      scheduled.delete(node);
      if (performance.now() >= endMs) return;
      const room = load.inFlightPerNode - this.tally.inFlightAt(node);
      if (room <= 0) return;
      const transactions = take(room);
      isStarved ||= transactions.length < room;
      this.send(node, transactions, performance.now());
    };
    // Receipts of one block come together: what they make room for leaves together.
    this.onSettled = (node) => {
      if (scheduled.has(node)) return;
      scheduled.add(node);
      setImmediate(() => topUp(node));
    };
    await pause(Math.max(0, startMs - performance.now()));
    for (const node of this.sockets.keys()) topUp(node);
    await this.untilEnd(endMs, () => isStarved);
  }

  private async sendSingle(
    seconds: number,
    startMs: number,
    take: (count: number) => readonly ReadyTransaction[],
  ): Promise<void> {
    const endMs = startMs + seconds * 1000;
    let isStarved = false;
    const sendTo = (node: number): void => {
      if (performance.now() >= endMs) return;
      const transactions = take(1);
      isStarved = transactions.length === 0;
      this.send(node, transactions, performance.now());
    };
    this.onSettled = (node) => sendTo((node + 1) % this.sockets.length);
    await pause(Math.max(0, startMs - performance.now()));
    sendTo(0);
    await this.untilEnd(endMs, () => isStarved);
  }

  /** @throws LedgerError BENCH_STOCK_EMPTY: with nothing left to send, the rate would be that of the client */
  private async untilEnd(endMs: number, isStarved: () => boolean): Promise<void> {
    while (performance.now() < endMs) {
      this.checkConnections();
      if (isStarved()) throw new LedgerError("BENCH_STOCK_EMPTY", {});
      await pause(Math.min(100, Math.max(1, endMs - performance.now())));
    }
    this.onSettled = () => undefined;
  }

  private send(node: number, transactions: readonly ReadyTransaction[], nowMs: number): void {
    for (const transaction of transactions) this.tally.markSent(transaction, node, nowMs, nowMs);
    this.sockets[node]!.send(transactions);
  }

  private async drain(waitMs: number): Promise<void> {
    const endMs = performance.now() + waitMs;
    const isDone = () => this.tally.isComplete && (this.rerouting?.isWhole ?? true);
    while (!isDone() && performance.now() < endMs) {
      this.checkConnections();
      await pause(10);
    }
  }

  private checkConnections(): void {
    if (this.broken !== undefined) throw this.broken;
  }
}
