// One WebSocket to one CometBFT node, and the transactions of its kvstore: as large as a transfer of this ledger, without a signature.
// Counts nothing and times nothing; whoever opened it learns what came.

import WebSocket from "ws";
import { LedgerError } from "../../src/errors.ts";
import { toHex } from "../../src/ledger/hash.ts";
import type { Order, ReadyTransaction } from "../workload.ts";
import type { LoadSocket, SocketEvents } from "./node-socket.ts";

/** Bytes of a transfer. */
const TRANSACTION_BYTES = 216;
const ANSWER_BYTES_MAX = 64 << 20;
const CONNECT_TIMEOUT_MS = 10_000;
const SUBSCRIPTION_CALL = 0;
const SUBSCRIBE = {
  jsonrpc: "2.0",
  id: SUBSCRIPTION_CALL,
  method: "subscribe",
  params: { query: "tm.event='NewBlock'" },
};

interface Answer {
  readonly id?: number;
  readonly result?: {
    /** CheckTx: 0 is yes */
    readonly code?: number;
    readonly data?: {
      readonly value?: {
        readonly block?: { readonly data?: { readonly txs?: readonly string[] } };
        readonly result_finalize_block?: { readonly tx_results?: readonly { readonly code?: number }[] };
      };
    };
  };
  readonly error?: { readonly message: string; readonly data?: string };
}

export class CometSocket implements LoadSocket {
  private readonly socket: WebSocket;
  private readonly events: SocketEvents;
  private readonly calls = new Map<number, string>();
  private readonly subscribed = Promise.withResolvers<void>();
  private lastCall = SUBSCRIPTION_CALL;

  private constructor(url: string, events: SocketEvents) {
    this.events = events;
    this.socket = new WebSocket(`${url.replace(/^http/, "ws")}/websocket`, {
      perMessageDeflate: false,
      maxPayload: ANSWER_BYTES_MAX,
      handshakeTimeout: CONNECT_TIMEOUT_MS,
    });
    this.socket.on("open", () => this.socket.send(JSON.stringify(SUBSCRIBE)));
    this.socket.on("message", (data) => this.handle(JSON.parse(String(data)) as Answer));
    this.socket.on("error", (cause) => this.fail({ url }, cause));
    this.socket.on("close", (code, reason) => this.fail({ url, closeCode: code, reason: String(reason) }));
  }

  /** Resolves when the node has confirmed the subscription. @throws LedgerError BENCH_CONNECTION_LOST */
  static async open(this: void, url: string, events: SocketEvents): Promise<CometSocket> {
    const opened = new CometSocket(url, events);
    await opened.subscribed.promise;
    return opened;
  }

  /** Each in a call of its own: it is answered when the node has checked it, as a transaction of this ledger is. */
  send(transactions: readonly ReadyTransaction[]): void {
    for (const { id, hex } of transactions) {
      this.lastCall += 1;
      this.calls.set(this.lastCall, id);
      const params = { tx: Buffer.from(hex, "hex").toString("base64") };
      this.socket.send(JSON.stringify({ jsonrpc: "2.0", id: this.lastCall, method: "broadcast_tx_sync", params }));
    }
  }

  private handle({ id = SUBSCRIPTION_CALL, result, error }: Answer): void {
    if (id === SUBSCRIPTION_CALL) {
      if (error !== undefined) return this.fail({ refused: error.message });
      const { block, result_finalize_block: executed } = result?.data?.value ?? {};
      for (const [index, tx] of (block?.data?.txs ?? []).entries())
        this.events.onReceipt(keyOf(tx), (executed?.tx_results?.[index]?.code ?? 0) === 0 ? "ok" : "failed");
      return this.subscribed.resolve();
    }
    const txId = this.calls.get(id);
    this.calls.delete(id);
    if (txId === undefined) return;
    if (error !== undefined) this.events.onRefused(txId, error.data ?? error.message);
    else if ((result?.code ?? 0) !== 0) this.events.onRefused(txId, `CheckTx ${result?.code}`);
  }

  private fail(data: Readonly<Record<string, string | number>>, cause?: unknown): void {
    const error = new LedgerError("BENCH_CONNECTION_LOST", data, { cause });
    this.subscribed.reject(error);
    this.events.onBroken(error);
  }
}

/** A new key each, and a value that makes it as long as a transfer. */
export class KeyValueSource {
  private readonly prefix: string;
  private made = 0;

  constructor(seed: number) {
    // A chain that was measured before has these keys already; its cache would not take them again.
    this.prefix = `bench-${seed}-${Date.now()}-`;
  }

  openings(): readonly ReadyTransaction[] {
    return [];
  }

  take({ count }: Order): readonly ReadyTransaction[] {
    return Array.from({ length: count }, () => {
      this.made += 1;
      const id = `${this.prefix}${this.made}`;
      const text = `${id}=`.padEnd(TRANSACTION_BYTES, "x");
      return { id, hex: toHex(new TextEncoder().encode(text)), calls: 1 };
    });
  }
}

/** @param tx base64 of `key=value` */
function keyOf(tx: string): string {
  const text = Buffer.from(tx, "base64").toString("latin1");
  return text.slice(0, text.indexOf("="));
}
