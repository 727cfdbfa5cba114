// A client without manners: garbage, oversize, slow and half requests, and valid ones with damage, to one node's RPC port.
// Keeps every error it is given, so that a test can ask whether each was a clear one.

import { connect } from "node:net";
import { WebSocket } from "ws";
import { toHex } from "../../src/ledger/hash.ts";
import { METHODS } from "../../src/rpc/methods.ts";
import type { Random } from "../sim/random.ts";
import { mutated } from "./mutations.ts";
import type { TestNetwork } from "./network.ts";

const ANSWER_MS_MAX = 30_000;
/** Above rpc.bodyBytesMax. */
const OVERSIZE_BYTES = (2 << 20) + 1;
const TEXT = new TextEncoder();

const STRANGE_NAMES = [
  "",
  "constructor",
  "__proto__",
  "toString",
  "a\0b",
  "\u{1f600}".repeat(16),
  "x".repeat(64),
  "governance",
];

export class HostileClient {
  /** how often each error code came */
  readonly codes = new Map<string, number>();
  /** answers that were neither a result nor an error of the catalogue's form */
  readonly unclear: string[] = [];
  /** answers with a result */
  results = 0;
  private readonly network: TestNetwork;
  private readonly node: number;
  private readonly random: Random;

  constructor(network: TestNetwork, node: number, random: Random) {
    this.network = network;
    this.node = node;
    this.random = random;
  }

  /** One act after the other until the time is over. */
  async attack(endMs: number): Promise<void> {
    const acts = [
      () => this.post(this.random.bytes(this.random.below(400))),
      () => this.post(mutated(this.random, TEXT.encode(this.request()))),
      () => this.post(TEXT.encode(this.request())),
      () => this.post(TEXT.encode("[".repeat(this.random.between(1, 60_000)))),
      () => this.post(TEXT.encode(`[${Array.from({ length: this.random.below(60) }, () => this.request()).join()}]`)),
      () => this.post(new Uint8Array(OVERSIZE_BYTES)),
      () => this.send(mutated(this.random, this.transaction())),
      () => this.send(this.transaction()),
      () => this.halfRequest(),
      () => this.rawBytes(),
      () => this.socket(),
    ];
    while (Date.now() < endMs) await this.random.pick(acts)();
  }

  // ---- requests ----

  private request(): string {
    const method = this.random.chance(950) ? this.random.pick(Object.keys(METHODS)) : this.random.pick(STRANGE_NAMES);
    return JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: this.params() });
  }

  private params(): unknown {
    if (this.random.chance(100)) return this.value(0);
    const names = ["height", "txId", "transaction", "transactions", "timeoutMs", "contract", "table", "key", "prefix"];
    const plain: Record<string, unknown> = {
      height: this.random.below(30),
      txId: toHex(this.random.bytes(32)),
      transaction: toHex(this.transaction()),
      transactions: [toHex(this.transaction())],
      // Zero: a wait is a right, and a hundred of them would only measure patience.
      timeoutMs: 0,
      contract: "notes",
      table: "note",
      key: ["p-1"],
      prefix: [],
    };
    const chosen = names.filter(() => this.random.chance(250));
    return Object.fromEntries(
      chosen.map((name) => [name, this.random.chance(700) ? plain[name] : this.value(0)] as const),
    );
  }

  /** Any JSON, with a liking for the edges of types. */
  private value(depth: number): unknown {
    const edges = [null, true, -1, 0, 1.5, 2 ** 53, -(2 ** 60), "", "\ud800", "00".repeat(32), { int: "1".repeat(20) }];
    const kind = this.random.below(depth > 3 ? 2 : 4);
    if (kind === 0) return this.random.pick(edges);
    if (kind === 1) return this.random.pick(STRANGE_NAMES);
    if (kind === 2) return Array.from({ length: this.random.below(4) }, () => this.value(depth + 1));
    return { [this.random.pick(STRANGE_NAMES)]: this.value(depth + 1), hex: this.value(depth + 1) };
  }

  /** Signed as it should be; what it asks for may be absurd. */
  private transaction(): Uint8Array {
    const id = `hostile-${this.random.next()}`;
    if (this.random.chance(500)) return this.network.note(id).bytes;
    const { random } = this;
    const name = () => (random.chance(400) ? "notes" : random.pick(STRANGE_NAMES.slice(1)));
    const args = { [random.pick(["id", "text", "x"])]: random.pick([id, 5, -1n, new Uint8Array(0), [[[]]], null]) };
    const call = { contract: name(), action: random.chance(400) ? "write" : name(), args };
    return this.network.sign(random.below(2), random.chance(100) ? Array.from({ length: 100 }, () => call) : [call])
      .bytes;
  }

  private send(transaction: Uint8Array): Promise<void> {
    return this.post(
      TEXT.encode(
        JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tx_send", params: { transaction: toHex(transaction) } }),
      ),
    );
  }

  // ---- over HTTP ----

  private async post(body: Uint8Array): Promise<void> {
    let text: string;
    try {
      const answer = await fetch(this.network.nodeOf(this.node).url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: Buffer.from(body),
        signal: AbortSignal.timeout(ANSWER_MS_MAX),
      });
      text = await answer.text();
    } catch (error) {
      // A server may hang up on an oversized body before it was all sent.
      if (body.length >= OVERSIZE_BYTES) return;
      this.unclear.push(`no answer to ${Buffer.from(body).toString("latin1").slice(0, 200)}: ${String(error)}`);
      return;
    }
    if (text !== "") this.note(text);
  }

  private note(text: string): void {
    let answers: unknown;
    try {
      answers = JSON.parse(text);
    } catch {
      this.unclear.push(`not JSON: ${text.slice(0, 200)}`);
      return;
    }
    for (const answer of [answers].flat() as { result?: unknown; error?: { data?: { code?: unknown } } }[]) {
      const code = answer.error?.data?.code;
      if (answer.result !== undefined) this.results += 1;
      else if (typeof code === "string") this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
      else if ((answer as { method?: unknown }).method !== "subscription") this.unclear.push(text.slice(0, 200));
    }
  }

  // ---- over bare sockets ----

  /** The head of a request, a piece of its body, and then nothing for a while. */
  private halfRequest(): Promise<void> {
    const body = this.request();
    const head = `POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
    const whole = TEXT.encode(head + body);
    return this.speak(whole.subarray(0, this.random.below(whole.length)), this.random.between(50, 1_000));
  }

  private rawBytes(): Promise<void> {
    return this.speak(this.random.bytes(this.random.below(2_000)), 50);
  }

  /** Sends bytes, listens to nothing, and leaves after a while without a word. */
  private speak(bytes: Uint8Array, holdMs: number): Promise<void> {
    const port = this.network.nodeOf(this.node).place.rpcPort;
    return new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
      socket.on("error", () => undefined);
      socket.once("close", () => resolve());
      setTimeout(() => socket.destroy(), holdMs);
    });
  }

  /** A WebSocket that says all kinds of things, subscribes, and hangs up in the middle. */
  private socket(): Promise<void> {
    return new Promise((resolve) => {
      const socket = new WebSocket(this.network.nodeOf(this.node).url.replace("http", "ws"), {
        perMessageDeflate: false,
      });
      socket.on("error", () => undefined);
      socket.once("close", () => resolve());
      socket.on("message", (data: Buffer) => this.note(data.toString()));
      socket.once("open", () => {
        const subscription = { jsonrpc: "2.0", id: 1, method: "subscribe", params: { feed: "receipts" } };
        socket.send(JSON.stringify(subscription));
        for (let index = 0; index < 20; index += 1) {
          const bytes = this.random.chance(500)
            ? TEXT.encode(this.request())
            : mutated(this.random, TEXT.encode(this.request()));
          socket.send(bytes, { binary: this.random.chance(50) });
          if (this.random.chance(100)) socket.ping(this.random.bytes(125));
        }
        setTimeout(() => socket.terminate(), this.random.between(20, 300));
      });
    });
  }
}

/** Garbage to a port of the peer network: not one byte of it is from a member. */
export async function pesterPeerPort(port: number, random: Random, endMs: number): Promise<void> {
  const hello = TEXT.encode("\x13/multistream/1.0.0\n\x05/tls\n");
  while (Date.now() < endMs) {
    await new Promise<void>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        if (random.chance(500)) socket.write(hello);
        // The beginning of a TLS handshake, or anything.
        socket.write(random.chance(300) ? Uint8Array.of(0x16, 3, 1, 0xff, 0xff) : random.bytes(random.below(4_000)));
      });
      socket.on("error", () => undefined);
      socket.once("close", () => resolve());
      setTimeout(() => socket.destroy(), random.between(50, 400));
    });
  }
}
