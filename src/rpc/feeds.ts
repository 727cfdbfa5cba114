// The two feeds a connection can subscribe to: what is told is written as JSON once, for all who listen.
// Knows nothing of sockets: a listener gets notifications and takes their bytes when it can send them.

import type { BlockReceipts, NodeApi } from "../ports.ts";
import { hexOf } from "./hex.ts";
import { headView } from "./views.ts";

export type FeedName = "heads" | "receipts";

/** Gets the notifications of one event, in their order. */
export type FeedListener = (feed: FeedName, notifications: readonly Notification[]) => void;

/**
 * Receipts of a block go out in notifications of at most this length, or of one receipt that is longer by itself; a socket is given
 * more only while it has less of them than this. Longer ones cost more for each receipt (ADR 37).
 */
export const NOTIFICATION_LENGTH_MAX = 64 << 10;

/** What subscribers are sent, or will be: all of them hold this one until then. */
export class Notification {
  /** bytes, a text in ASCII has as many as characters */
  readonly length: number;
  private readonly write: () => string;
  private written: Uint8Array | undefined;

  constructor(length: number, write: () => string) {
    this.length = length;
    this.write = write;
  }

  /** Made when the first subscriber can take it, then kept for the others. */
  bytes(): Uint8Array {
    this.written ??= Buffer.from(this.write(), "latin1");
    return this.written;
  }
}

export class Feeds {
  private readonly listeners: Readonly<Record<FeedName, Set<FeedListener>>> = { heads: new Set(), receipts: new Set() };
  private readonly cancels: readonly (() => void)[];

  constructor(api: NodeApi) {
    this.cancels = [
      api.onHead((head) =>
        this.publish("heads", () => {
          const text = notificationText(`"feed":"heads","head":${JSON.stringify(headView(head))}`);
          return [new Notification(text.length, () => text)];
        }),
      ),
      api.onReceipts((block) => this.publish("receipts", () => notificationsOf(block))),
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

  private publish(feed: FeedName, notifications: () => readonly Notification[]): void {
    const listeners = this.listeners[feed];
    if (listeners.size === 0) return;
    const shared = notifications();
    for (const listener of listeners) listener(feed, shared);
  }
}

type Receipts = BlockReceipts["receipts"];

function notificationsOf({ height, receipts }: BlockReceipts): readonly Notification[] {
  const notifications: Notification[] = [];
  let from = 0;
  let length = 0;
  const cut = (until: number): void => {
    const part = receipts.slice(from, until);
    notifications.push(new Notification(length, () => receiptsText(height, part)));
    from = until;
  };
  for (const [index, { status, bytes }] of receipts.entries()) {
    const added = RECEIPT_LENGTH + status.length + 2 * bytes.length;
    if (index > from && length + added > NOTIFICATION_LENGTH_MAX) cut(index);
    length = (index === from ? receiptsText(height, []).length : length + 1) + added;
  }
  if (receipts.length > from) cut(receipts.length);
  return notifications;
}

// By hand: hexadecimal, a number and a word of a closed list need no escapes, and every receipt passes here.

function notificationText(members: string): string {
  return `{"jsonrpc":"2.0","method":"subscription","params":{${members}}}`;
}

function receiptsText(height: number, receipts: Receipts): string {
  let texts = "";
  for (const { txId, status, bytes } of receipts)
    texts += `${texts === "" ? "" : ","}${receiptText(hexOf(txId), status, hexOf(bytes))}`;
  return notificationText(`"feed":"receipts","height":${height},"receipts":[${texts}]`);
}

function receiptText(txId: string, status: string, receiptBytes: string): string {
  return `{"txId":"${txId}","status":"${status}","receiptBytes":"${receiptBytes}"}`;
}

/** Of a receipt's text, without status and encoded receipt. */
const RECEIPT_LENGTH = receiptText("", "", "").length + 2 * 32;
