// One WebSocket to one node: transactions out, answers and the feed of all receipts in.
// Counts nothing and times nothing; whoever opened it learns what came.

import WebSocket from "ws";
import { LedgerError } from "../../src/errors.ts";
import type { ReadyTransaction } from "../workload.ts";

/** The most that `tx_sendMany` takes. */
export const TRANSACTIONS_PER_CALL_MAX = 100;
const ANSWER_BYTES_MAX = 8 << 20;
const CONNECT_TIMEOUT_MS = 10_000;

export interface SocketEvents {
  onReceipt(txId: string, status: string): void;
  /** the node did not take this transaction */
  onRefused(txId: string, code: string): void;
  onBroken(error: LedgerError): void;
}

/** A connection to one node of some system. */
export interface LoadSocket {
  send(transactions: readonly ReadyTransaction[]): void;
}

/** Resolves when the node will tell of receipts. @throws LedgerError BENCH_CONNECTION_LOST */
export type OpenSocket = (url: string, events: SocketEvents) => Promise<LoadSocket>;

interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly receipts: readonly { readonly txId: string; readonly status: string }[] };
  readonly result?: {
    readonly results?: readonly ({ readonly ok: true } | { readonly ok: false; readonly error: Refusal })[];
  };
  readonly error?: Refusal;
}

interface Refusal {
  readonly message: string;
  readonly data?: { readonly code: string };
}

const SUBSCRIPTION_CALL = 0;

export class NodeSocket implements LoadSocket {
  private readonly socket: WebSocket;
  private readonly events: SocketEvents;
  private readonly calls = new Map<number, readonly ReadyTransaction[]>();
  private readonly subscribed = Promise.withResolvers<void>();
  private lastCall = SUBSCRIPTION_CALL;

  private constructor(url: string, events: SocketEvents) {
    this.events = events;
    this.socket = new WebSocket(url.replace(/^http/, "ws"), {
      perMessageDeflate: false,
      maxPayload: ANSWER_BYTES_MAX,
      handshakeTimeout: CONNECT_TIMEOUT_MS,
    });
    this.socket.on("open", () =>
      this.socket.send(
        JSON.stringify({ jsonrpc: "2.0", id: SUBSCRIPTION_CALL, method: "subscribe", params: { feed: "receipts" } }),
      ),
    );
    this.socket.on("message", (data) => this.handle(JSON.parse(String(data)) as Answer));
    this.socket.on("error", (cause) => this.fail({ url }, cause));
    this.socket.on("close", (code, reason) => this.fail({ url, closeCode: code, reason: String(reason) }));
  }

  /** Resolves when the node has confirmed the subscription. @throws LedgerError BENCH_CONNECTION_LOST */
  static async open(this: void, url: string, events: SocketEvents): Promise<NodeSocket> {
    const opened = new NodeSocket(url, events);
    await opened.subscribed.promise;
    return opened;
  }

  /** One call for one transaction, otherwise as few calls as possible. */
  send(transactions: readonly ReadyTransaction[]): void {
    for (let from = 0; from < transactions.length; from += TRANSACTIONS_PER_CALL_MAX) {
      const part = transactions.slice(from, from + TRANSACTIONS_PER_CALL_MAX);
      this.lastCall += 1;
      this.calls.set(this.lastCall, part);
      const [only] = part;
      const request =
        part.length === 1 && only !== undefined
          ? { method: "tx_send", params: { transaction: only.hex } }
          : { method: "tx_sendMany", params: { transactions: part.map(({ hex }) => hex) } };
      this.socket.send(JSON.stringify({ jsonrpc: "2.0", id: this.lastCall, ...request }));
    }
  }

  private handle({ id, method, params, result, error }: Answer): void {
    if (method === "subscription" && params !== undefined) {
      for (const { txId, status } of params.receipts) this.events.onReceipt(txId, status);
      return;
    }
    if (id === SUBSCRIPTION_CALL)
      return error === undefined ? this.subscribed.resolve() : this.fail({ refused: error.message });
    const sent = this.calls.get(id ?? SUBSCRIPTION_CALL) ?? [];
    this.calls.delete(id ?? SUBSCRIPTION_CALL);
    for (const [index, transaction] of sent.entries()) {
      const one = result?.results?.[index];
      const refusal = error ?? (one?.ok === false ? one.error : undefined);
      if (refusal !== undefined) this.events.onRefused(transaction.id, refusal.data?.code ?? refusal.message);
    }
  }

  private fail(data: Readonly<Record<string, string | number>>, cause?: unknown): void {
    const error = new LedgerError("BENCH_CONNECTION_LOST", data, { cause });
    this.subscribed.reject(error);
    this.events.onBroken(error);
  }
}
