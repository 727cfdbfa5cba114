// The two feeds a connection can subscribe to: each event is written as JSON once, for all who listen.
// Knows nothing of sockets: a listener gets text and takes it or is dropped by its connection.

import { toHex } from "../ledger/hash.ts";
import type { NodeApi } from "../ports.ts";
import { headView, ownReceipt } from "./views.ts";

export type FeedName = "heads" | "receipts";
export type FeedListener = (notification: string) => void;

export class Feeds {
  private readonly listeners: Readonly<Record<FeedName, Set<FeedListener>>> = { heads: new Set(), receipts: new Set() };
  private readonly cancels: readonly (() => void)[];

  constructor(api: NodeApi) {
    this.cancels = [
      api.onHead((head) => this.publish("heads", () => ({ head: headView(head) }))),
      api.onReceipt((txId, height, receiptBytes) =>
        this.publish("receipts", () => ({
          txId: toHex(txId),
          height,
          status: ownReceipt(receiptBytes).status,
          receiptBytes: hexOf(receiptBytes),
        })),
      ),
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

  private publish(feed: FeedName, params: () => Record<string, unknown>): void {
    const listeners = this.listeners[feed];
    if (listeners.size === 0) return;
    const notification = JSON.stringify({ jsonrpc: "2.0", method: "subscription", params: { feed, ...params() } });
    for (const listener of listeners) listener(notification);
  }
}

/** Every receipt goes through here, for every feed: `toHex` would leave an object on the heap for each of its bytes. */
function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}
