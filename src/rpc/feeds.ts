// The two feeds a connection can subscribe to: each event is written as JSON once, for all who listen.
// Knows nothing of sockets: a listener gets text and takes it or is dropped by its connection.

import type { NodeApi, ReceiptNews } from "../ports.ts";
import { hexOf } from "./hex.ts";
import { headView } from "./views.ts";

export type FeedName = "heads" | "receipts";
export type FeedListener = (notification: string) => void;

export class Feeds {
  private readonly listeners: Readonly<Record<FeedName, Set<FeedListener>>> = { heads: new Set(), receipts: new Set() };
  private readonly cancels: readonly (() => void)[];

  constructor(api: NodeApi) {
    this.cancels = [
      api.onHead((head) => this.publish("heads", () => `"head":${JSON.stringify(headView(head))}`)),
      api.onReceipt((news) => this.publish("receipts", () => receiptMembers(news))),
    ];
  }

  add(feed: FeedName, listener: FeedListener): void {
    this.listeners[feed].add(listener);
  }

  /** @returns whether it was listening */
  remove(feed: FeedName, listener: FeedListener): boolean {
    return this.listeners[feed].delete(listener);
  }

  close(): void {
    for (const cancel of this.cancels) cancel();
  }

  private publish(feed: FeedName, members: () => string): void {
    const listeners = this.listeners[feed];
    if (listeners.size === 0) return;
    const notification = `{"jsonrpc":"2.0","method":"subscription","params":{"feed":"${feed}",${members()}}}`;
    for (const listener of listeners) listener(notification);
  }
}

/** Written by hand: hexadecimal, a number and a word of a closed list need no escapes, and every receipt passes here. */
function receiptMembers({ txId, height, status, receiptBytes }: ReceiptNews): string {
  return `"txId":"${hexOf(txId)}","height":${height},"status":"${status}","receiptBytes":"${hexOf(receiptBytes)}"`;
}
