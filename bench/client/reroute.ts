// For loads under which nodes fail: reconnects to those that are lost, and hands what has no receipt in time to the next node.
// A transaction is executed once at most, however often it is handed in; its latency counts from its first intended time.

import { performance } from "node:perf_hooks";
import type { ReadyTransaction } from "../workload.ts";
import type { LoadSocket, OpenSocket, SocketEvents } from "./node-socket.ts";

/** Without a receipt after this time a transaction goes to the next node. */
const AGAIN_MS = 1_000;
const LOOK_MS = 200;

interface Sent {
  readonly transaction: ReadyTransaction;
  readonly node: number;
  readonly atMs: number;
}

export class Rerouting {
  private readonly urls: readonly string[];
  private readonly sockets: (LoadSocket | undefined)[];
  private readonly open: OpenSocket;
  private readonly eventsOf: (node: number) => SocketEvents;
  private readonly waiting = new Map<string, Sent>();
  private readonly opening = new Set<number>();
  private readonly timer: NodeJS.Timeout;

  constructor(options: {
    readonly urls: readonly string[];
    readonly sockets: (LoadSocket | undefined)[];
    readonly open: OpenSocket;
    eventsOf(node: number): SocketEvents;
  }) {
    this.open = options.open;
    this.urls = options.urls;
    this.sockets = options.sockets;
    this.eventsOf = options.eventsOf;
    this.timer = setInterval(() => this.look(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Sends to this node, or to the next one that is connected. */
  send(node: number, transactions: readonly ReadyTransaction[]): void {
    const atMs = performance.now();
    const target = this.nextConnected(node);
    for (const transaction of transactions) this.waiting.set(transaction.id, { transaction, node, atMs });
    if (target === undefined) return;
    for (const transaction of transactions) this.waiting.set(transaction.id, { transaction, node: target, atMs });
    this.sockets[target]?.send(transactions);
  }

  settled(txId: string): void {
    this.waiting.delete(txId);
  }

  get isWhole(): boolean {
    return this.sockets.every((socket) => socket !== undefined);
  }

  lost(node: number): void {
    this.sockets[node] = undefined;
  }

  private look(): void {
    const nowMs = performance.now();
    for (const [node, url] of this.urls.entries()) {
      if (this.sockets[node] !== undefined || this.opening.has(node)) continue;
      this.opening.add(node);
      this.open(url, this.eventsOf(node))
        .then((socket) => {
          this.sockets[node] = socket;
        })
        // Not up yet: the next look tries again.
        .catch(() => undefined)
        .finally(() => this.opening.delete(node));
    }
    const overdue = [...this.waiting.values()].filter(({ atMs }) => nowMs - atMs > AGAIN_MS);
    for (const node of this.urls.keys()) {
      const again = overdue.filter((sent) => sent.node === node).map(({ transaction }) => transaction);
      if (again.length > 0) this.send((node + 1) % this.urls.length, again);
    }
  }

  private nextConnected(from: number): number | undefined {
    const count = this.urls.length;
    return Array.from({ length: count }, (_, step) => (from + step) % count).find(
      (node) => this.sockets[node] !== undefined,
    );
  }
}
