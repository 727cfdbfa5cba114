// Starts the real RPC server over a small node on a free port of loopback, with settings of a test's choice.
// Holds helpers to talk to it in raw bytes, as a stranger would.

import { buildTransaction, type SignedTransaction } from "../../../src/client/transaction.ts";
import { CONFIG_DEFAULTS } from "../../../src/config.ts";
import type { Value } from "../../../src/ledger/codec.ts";
import { systemClock } from "../../../src/node/clock.ts";
import type { Clock, Logger } from "../../../src/ports.ts";
import { type RpcServer, type RpcSettings, startRpcServer } from "../../../src/rpc/server.ts";
import { CLERK, GENESIS_TIME_MS, SmallNode } from "./small-node.ts";

export interface Harness {
  readonly node: SmallNode;
  readonly server: RpcServer;
  readonly url: string;
  readonly logged: { readonly message: string; readonly fields: Record<string, unknown> | undefined }[];
  stop(): Promise<void>;
}

export async function startHarness(
  settings: Partial<RpcSettings> = {},
  clock: Clock = systemClock({ timeMs: 0, timeScale: 1 }),
): Promise<Harness> {
  const node = new SmallNode();
  const logged: Harness["logged"] = [];
  const record = (message: string, fields?: Record<string, unknown>): void => {
    logged.push({ message, fields });
  };
  const log: Logger = { error: record, warn: record, info: record, debug: record };
  const server = await startRpcServer({
    settings: { ...CONFIG_DEFAULTS.rpc, port: 0, ...settings },
    api: node,
    clock,
    log,
  });
  return { node, server, url: `http://127.0.0.1:${server.port}`, logged, stop: () => server.stop() };
}

let nonce = 0;

export function pin(node: SmallNode, id: string, text: string): SignedTransaction {
  return call(node, "pin", { id, text });
}

export function call(node: SmallNode, action: string, args: Readonly<Record<string, Value>>): SignedTransaction {
  nonce += 1;
  return buildTransaction({
    chainId: node.genesis.chainId,
    signers: [CLERK],
    nonce,
    validUntilMs: GENESIS_TIME_MS + 600_000,
    gasLimit: 100_000,
    calls: [{ contract: "board", action, args }],
  });
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any;
}

export async function post(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = { "content-type": "application/json" },
): Promise<RawAnswer> {
  return answerOf(await fetch(url, { method: "POST", body, headers }));
}

export async function rpc(url: string, method: string, params?: unknown): Promise<RawAnswer> {
  return post(url, JSON.stringify({ jsonrpc: "2.0", id: 1, method, ...(params === undefined ? {} : { params }) }));
}

export async function answerOf(response: Response): Promise<RawAnswer> {
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : undefined,
  };
}
