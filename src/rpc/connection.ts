// One WebSocket: its calls in, its answers and notifications out, and the bound on what waits to be read.
// A connection that does not read, floods or falls silent is dropped with a reason; what waits for it is shared and bounded.

import type { Clock } from "../ports.ts";
import type { Caller, Dispatcher } from "./dispatch.ts";
import { rpcRefusal } from "./errors.ts";
import { type FeedName, type Feeds, NOTIFICATION_LENGTH_MAX, type Notification } from "./feeds.ts";
import type { Subscriber } from "./methods.ts";
import { type AddressUse, type RateLimit, TokenBucket } from "./rate-limit.ts";

/** What is needed of a WebSocket; the `ws` package's fits. */
export interface Socket {
  readonly bufferedAmount: number;
  send(text: string): void;
  /** @param taken called once the kernel has all of it, or with an error: it never will */
  send(text: Uint8Array, options: { readonly binary: false }, taken: (error?: Error | null) => void): void;
  ping(): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

/** The stream below a WebSocket, as far as it can hold writes back and make them in one. */
export interface Gathering {
  cork(): void;
  uncork(): void;
}

/** What is sent in one turn, as the answers to many calls are, goes to the kernel in parts of about this length. */
const GATHERED_LENGTH_MAX = 64 << 10;

export interface ConnectionOptions {
  readonly socket: Socket;
  readonly stream: Gathering;
  readonly address: AddressUse;
  readonly dispatcher: Dispatcher;
  readonly feeds: Feeds;
  readonly clock: Clock;
  readonly requests: RateLimit;
  readonly queueBytesMax: number;
}

/** Close codes of RFC 6455: 1003 data it cannot accept, 1008 policy, 1001 going away. */
export const CLOSE = { unacceptable: 1003, policy: 1008, goingAway: 1001 } as const;
export const HEARTBEAT_MS = 30_000;
/** What a peer gets to close its side; then the socket is cut. */
const CLOSE_GRACE_MS = 2_000;
/** Calls over the rate in a row until the connection is closed: a client that slows down is never closed. */
const REFUSED_IN_A_ROW_MAX = 100;

export class Connection implements Subscriber {
  private readonly options: ConnectionOptions;
  private readonly caller: Caller;
  private readonly feeds = new Set<FeedName>();
  private refusedInARow = 0;
  private answeredPing = true;
  private isOpen = true;
  /** notifications that the socket has not been given yet, and their length: shared, not copied */
  private readonly waiting: Notification[] = [];
  private waitingLength = 0;
  /** length of the notifications that the socket has and the kernel has not */
  private sendingLength = 0;
  /** the stream holds back what is sent, until the end of this turn */
  private isGathering = false;
  private gathered = 0;
  private cancelTimer: () => void;

  constructor(options: ConnectionOptions) {
    this.options = options;
    this.caller = {
      address: options.address,
      connection: new TokenBucket(options.requests, options.clock),
      subscriber: this,
    };
    this.cancelTimer = options.clock.setTimer(HEARTBEAT_MS, this.heartbeat);
  }

  async received(data: Uint8Array, isBinary: boolean): Promise<void> {
    if (!this.isOpen) return;
    if (isBinary) return this.drop(CLOSE.unacceptable, "RPC_REQUEST_INVALID: text frames only");
    const { body, code } = await this.options.dispatcher.answer(data, this.caller);
    if (body !== undefined) this.send(body);
    this.refusedInARow = code === "RPC_RATE_LIMITED" ? this.refusedInARow + 1 : 0;
    if (this.refusedInARow > REFUSED_IN_A_ROW_MAX) this.drop(CLOSE.policy, "RPC_RATE_LIMITED");
  }

  subscribe(feed: FeedName): void {
    if (!this.isOpen) throw rpcRefusal("RPC_NODE_STOPPING");
    this.feeds.add(feed);
    this.options.feeds.add(feed, this.tell);
  }

  unsubscribe(feed: FeedName): boolean {
    this.feeds.delete(feed);
    return this.options.feeds.remove(feed, this.tell);
  }

  readonly ponged = (): void => {
    this.answeredPing = true;
  };

  /** The socket is gone. */
  closed(): void {
    if (this.isOpen) this.leave();
    this.cancelTimer();
  }

  drop(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.leave();
    this.options.socket.close(code, reason);
    this.cancelTimer();
    this.cancelTimer = this.options.clock.setTimer(CLOSE_GRACE_MS, () => this.options.socket.terminate());
  }

  private readonly send = (text: string): void => {
    if (!this.isOpen) return;
    const { socket, queueBytesMax } = this.options;
    this.gather();
    // Of what the socket has not yet handed to the kernel only answers count here: a notification may be longer than the queue.
    if (socket.bufferedAmount - this.sendingLength > queueBytesMax) return this.drop(CLOSE.policy, "RPC_SLOW_CONSUMER");
    socket.send(text);
    this.gathered += text.length;
  };

  /** A144: slow is who has not taken what came before, however much comes at once. */
  private readonly tell = (feed: FeedName, notifications: readonly Notification[]): void => {
    if (!this.isOpen) return;
    const { socket, queueBytesMax } = this.options;
    // The head of a block is told in one turn with its receipts, which are not what came before.
    const isJudged = feed === "heads" && this.feeds.has("receipts");
    if (!isJudged && this.waitingLength + socket.bufferedAmount > queueBytesMax)
      return this.drop(CLOSE.policy, "RPC_SLOW_CONSUMER");
    for (const notification of notifications) {
      this.waiting.push(notification);
      this.waitingLength += notification.length;
    }
    this.pass();
  };

  /** Gives the socket what waits as far as the kernel takes it: the rest stays what all subscribers share. */
  private pass(): void {
    while (this.isOpen && this.sendingLength < NOTIFICATION_LENGTH_MAX) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      const { length } = next;
      this.waitingLength -= length;
      this.sendingLength += length;
      this.gather();
      this.gathered += length;
      this.options.socket.send(next.bytes(), { binary: false }, (error) => {
        this.sendingLength -= length;
        // A147: for a socket that is closing no further text is made, and it gets no more time than others to close.
        if (error instanceof Error) this.drop(CLOSE.goingAway, "");
        else this.pass();
      });
    }
  }

  // A write of its own for each text costs the kernel, and whoever reads there, more than the text.
  private gather(): void {
    const { stream, queueBytesMax } = this.options;
    if (!this.isGathering) {
      this.isGathering = true;
      this.gathered = 0;
      stream.cork();
      queueMicrotask(() => {
        this.isGathering = false;
        stream.uncork();
      });
    } else if (this.gathered > Math.min(GATHERED_LENGTH_MAX, queueBytesMax / 2)) {
      // A consumer is slow by what the kernel does not take, not by what was not offered to it.
      this.gathered = 0;
      stream.uncork();
      stream.cork();
    }
  }

  private readonly heartbeat = (): void => {
    if (!this.answeredPing) return this.drop(CLOSE.policy, "RPC_SLOW_CONSUMER: no pong");
    this.answeredPing = false;
    this.options.socket.ping();
    this.cancelTimer = this.options.clock.setTimer(HEARTBEAT_MS, this.heartbeat);
  };

  private leave(): void {
    this.isOpen = false;
    for (const feed of this.feeds) this.options.feeds.remove(feed, this.tell);
    this.waiting.length = 0;
  }
}
