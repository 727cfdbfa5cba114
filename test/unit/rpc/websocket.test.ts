// Calls and feeds over a real WebSocket, and what happens to connections that flood, do not read or send nonsense.
// Time is a clock of the test's own where a rule is about time.

import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { CONFIG_DEFAULTS } from "../../../src/config.ts";
import { fromHex, toHex } from "../../../src/ledger/hash.ts";
import type { Clock } from "../../../src/ports.ts";
import { HEARTBEAT_MS } from "../../../src/rpc/connection.ts";
import { Notification } from "../../../src/rpc/feeds.ts";
import { NOTIFICATION_SCHEMA } from "../../../src/rpc/schemas.ts";
import { call, type Harness, pin, startHarness } from "./harness.ts";

const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const harness of open.splice(0)) await harness.stop();
});

async function start(...args: Parameters<typeof startHarness>): Promise<Harness> {
  const harness = await startHarness(...args);
  open.push(harness);
  return harness;
}

// biome-ignore lint/suspicious/noExplicitAny: messages of every shape
type Message = any;

class Talk {
  readonly socket: WebSocket;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly received: Message[] = [];
  private readonly waiting: ((message: Message) => void)[] = [];

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(String(data));
      const next = this.waiting.shift();
      if (next === undefined) this.received.push(message);
      else next(message);
    };
    this.closed = new Promise((resolve) => {
      socket.onclose = ({ code, reason }) => resolve({ code, reason });
    });
  }

  static async open(harness: Harness): Promise<Talk> {
    const socket = new WebSocket(harness.url.replace("http", "ws"));
    const talk = new Talk(socket);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    return talk;
  }

  next(): Promise<Message> {
    const message = this.received.shift();
    return message === undefined ? new Promise((resolve) => this.waiting.push(resolve)) : Promise.resolve(message);
  }

  async ask(method: string, params: unknown = {}): Promise<Message> {
    this.socket.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }));
    return this.next();
  }
}

/** Time stands still until the test moves it. */
function handClock(): Clock & { advance(ms: number): void } {
  let nowMs = 0;
  const timers = new Map<object, { atMs: number; run: () => void }>();
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    setTimer: (delayMs, run) => {
      const timer = {};
      timers.set(timer, { atMs: nowMs + delayMs, run });
      return () => timers.delete(timer);
    },
    advance: (ms) => {
      nowMs += ms;
      for (const [timer, { atMs, run }] of [...timers]) if (atMs <= nowMs && timers.delete(timer)) run();
    },
  };
}

/** Commits one block whose receipts are at least so long as text. @returns the ids in order */
async function commitLong({ node }: Harness, lengthMin: number): Promise<readonly string[]> {
  node.commitsAtOnce = false;
  const sent: string[] = [];
  // Receipts of all sizes: several to a notification, and single ones that are longer than any.
  for (let length = 0; length < lengthMin; ) {
    const size = sent.length % 8 === 0 ? 300_000 : 100;
    const transaction = call(node, "refuse", { size });
    await node.submit(transaction.bytes);
    sent.push(toHex(transaction.id));
    length += 2 * size;
  }
  node.commitPending();
  return sent;
}

describe("feeds", () => {
  test("a subscriber gets heads and receipts that fit their schema, in the order of commits, until it unsubscribes", async () => {
    const harness = await start();
    const talk = await Talk.open(harness);
    expect((await talk.ask("subscribe", { feed: "heads" })).result).toEqual({ subscribed: "heads" });
    expect((await talk.ask("subscribe", { feed: "receipts" })).result).toEqual({ subscribed: "receipts" });
    const transaction = pin(harness.node, "a", "text");
    await harness.node.submit(transaction.bytes);
    const [receipt, head] = [await talk.next(), await talk.next()];
    for (const { params } of [receipt, head]) expect(NOTIFICATION_SCHEMA.safeParse(params).error).toBeUndefined();
    expect(receipt).toMatchObject({
      method: "subscription",
      params: { feed: "receipts", height: 1, receipts: [{ txId: toHex(transaction.id), status: "ok" }] },
    });
    expect(head).toMatchObject({ method: "subscription", params: { feed: "heads", head: { height: 1 } } });
    expect((await talk.ask("unsubscribe", { feed: "heads" })).result).toEqual({ unsubscribed: true });
    expect((await talk.ask("unsubscribe", { feed: "heads" })).result).toEqual({ unsubscribed: false });
    await harness.node.submit(pin(harness.node, "b", "text").bytes);
    expect((await talk.next()).params.feed).toBe("receipts");
    expect((await talk.ask("chain_head")).result.height).toBe(2);
    talk.socket.close();
  });

  test("subscribing twice to one feed does not double it", async () => {
    const harness = await start();
    const talk = await Talk.open(harness);
    await talk.ask("subscribe", { feed: "heads" });
    await talk.ask("subscribe", { feed: "heads" });
    await harness.node.submit(pin(harness.node, "a", "text").bytes);
    expect((await talk.next()).params.head.height).toBe(1);
    expect((await talk.ask("chain_head")).id).toBe(1);
    talk.socket.close();
  });

  test("A7: a subscriber that does not read is dropped, and its queue with it", async () => {
    const harness = await start({ queueBytesMax: 64 << 10 });
    const stuck = await rawSubscriber(harness);
    stuck.pause();
    const reader = await Talk.open(harness);
    await reader.ask("subscribe", { feed: "heads" });
    const gone = new Promise((resolve) => stuck.on("close", resolve));
    // Enough to fill the kernel's buffers of a connection on loopback and then the queue.
    for (let index = 0; index < 4_000 && harness.node.head().height < 4_000; index += 1) {
      harness.node.commitsAtOnce = false;
      await harness.node.submit(pin(harness.node, `n${index}`, "x".repeat(150)).bytes);
      harness.node.commitPending();
      if (index % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    stuck.resume();
    await gone;
    expect(reader.socket.readyState).toBe(WebSocket.OPEN);
    reader.socket.close();
  });

  test("A144: a block's receipts that are four times as much as may wait reach who reads in whole and in order, before its head", async () => {
    const harness = await start();
    const talk = await Talk.open(harness);
    for (const feed of ["receipts", "heads"]) await talk.ask("subscribe", { feed });
    const sent = await commitLong(harness, 4 * CONFIG_DEFAULTS.rpc.queueBytesMax);
    const told: string[] = [];
    for (;;) {
      const { params } = await talk.next();
      expect(NOTIFICATION_SCHEMA.safeParse(params).error).toBeUndefined();
      if (params.feed === "heads") break;
      expect(params.height).toBe(1);
      for (const { txId, receiptBytes } of params.receipts) {
        told.push(txId);
        const status = harness.node.transaction(fromHex(txId) as Uint8Array);
        expect(status.kind === "committed" && toHex(status.receiptBytes) === receiptBytes).toBe(true);
      }
    }
    expect(told).toEqual(sent);
    talk.socket.close();
  });

  test("A144: who reads nothing of such a block is cut off when the next one comes, and its text was never made", async () => {
    const harness = await start();
    const stuck = await rawSubscriber(harness, "receipts");
    stuck.pause();
    const gone = new Promise((resolve) => stuck.on("close", resolve));
    const made = vi.spyOn(Notification.prototype, "bytes");
    await commitLong(harness, 8 * CONFIG_DEFAULTS.rpc.queueBytesMax);
    await new Promise((resolve) => setImmediate(resolve));
    const lengthOf = () =>
      made.mock.results.reduce((sum, { value }) => sum + (value instanceof Uint8Array ? value.length : 0), 0);
    // What the kernel takes by itself varies; most of it waits.
    expect(lengthOf()).toBeLessThan(4 * CONFIG_DEFAULTS.rpc.queueBytesMax);
    const before = lengthOf();
    await commitLong(harness, 1);
    expect(lengthOf()).toBe(before);
    made.mockRestore();
    stuck.resume();
    await gone;
  });

  test("stopping the server closes connections with the reason and lets go of the node", async () => {
    const harness = await startHarness();
    const talk = await Talk.open(harness);
    await talk.ask("subscribe", { feed: "heads" });
    expect(harness.node.listeners).toBe(2);
    const stopped = harness.stop();
    expect(await talk.closed).toEqual({ code: 1001, reason: "RPC_NODE_STOPPING" });
    await stopped;
    expect(harness.node.listeners).toBe(0);
  });
});

describe("connections that misbehave", () => {
  test("a binary frame closes with 1003, a frame above the limit with 1009, and others stay", async () => {
    const harness = await start({ bodyBytesMax: 4_096 });
    const [binary, large, innocent] = [await Talk.open(harness), await Talk.open(harness), await Talk.open(harness)];
    binary.socket.send(new Uint8Array([1, 2, 3]));
    expect((await binary.closed).code).toBe(1003);
    large.socket.send("x".repeat(5_000));
    expect((await large.closed).code).toBe(1009);
    expect((await innocent.ask("chain_head")).result.height).toBe(0);
    innocent.socket.close();
  });

  test("text that is no JSON gets an error and the connection goes on", async () => {
    const harness = await start();
    const talk = await Talk.open(harness);
    talk.socket.send("{");
    expect((await talk.next()).error.data.code).toBe("RPC_JSON_INVALID");
    expect((await talk.ask("chain_head")).result.height).toBe(0);
    talk.socket.close();
  });

  test("A8: calls above the rate are refused by name; refilled with time; a flood is cut", async () => {
    const clock = handClock();
    const harness = await start({ requestsPerConnection: { perSecond: 10, burst: 3 } }, clock);
    const talk = await Talk.open(harness);
    for (let index = 0; index < 3; index += 1) expect((await talk.ask("chain_head")).result).toBeDefined();
    expect((await talk.ask("chain_head")).error.data.code).toBe("RPC_RATE_LIMITED");
    clock.advance(100);
    expect((await talk.ask("chain_head")).result).toBeDefined();
    for (let index = 0; index < 200; index += 1) talk.socket.send('{"jsonrpc":"2.0","id":1,"method":"chain_head"}');
    expect(await talk.closed).toMatchObject({ code: 1008, reason: "RPC_RATE_LIMITED" });
  });

  test("an address shares one rate over all its connections, HTTP too", async () => {
    const clock = handClock();
    const harness = await start({ requestsPerAddress: { perSecond: 1, burst: 4 } }, clock);
    const [one, two] = [await Talk.open(harness), await Talk.open(harness)];
    for (const talk of [one, two, one, two]) expect((await talk.ask("chain_head")).result).toBeDefined();
    expect((await one.ask("chain_head")).error.data.code).toBe("RPC_RATE_LIMITED");
    const overHttp = await fetch(harness.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"jsonrpc":"2.0","id":1,"method":"chain_head"}',
    });
    expect(overHttp.status).toBe(429);
    for (const talk of [one, two]) talk.socket.close();
  });

  test.each([
    ["no JSON", "{"],
    ["no request", "5"],
    ["an empty batch", "[]"],
    ["an unknown method", '{"jsonrpc":"2.0","id":1,"method":"nothing"}'],
    ["faulty parameters", '{"jsonrpc":"2.0","id":1,"method":"chain_block"}'],
  ])("faulty calls cost as much as good ones: %s", async (_, body) => {
    const harness = await start({ requestsPerConnection: { perSecond: 1, burst: 2 } }, handClock());
    const talk = await Talk.open(harness);
    const codes: string[] = [];
    for (let index = 0; index < 3; index += 1) {
      talk.socket.send(body);
      codes.push((await talk.next()).error.data.code);
    }
    expect(codes[1]).not.toBe("RPC_RATE_LIMITED");
    expect(codes[2]).toBe("RPC_RATE_LIMITED");
    talk.socket.close();
  });

  test.each([
    ["notifications", '{"jsonrpc":"2.0","method":"chain_head"}'],
    ["batches", '[{"jsonrpc":"2.0","id":1,"method":"chain_head"},{"jsonrpc":"2.0","method":"chain_head"}]'],
    ["garbage", "{"],
  ])("a flood of %s is cut too", async (_, body) => {
    const harness = await start({ requestsPerConnection: { perSecond: 1, burst: 3 } }, handClock());
    const talk = await Talk.open(harness);
    for (let index = 0; index < 300; index += 1) talk.socket.send(body);
    expect(await talk.closed).toMatchObject({ code: 1008, reason: "RPC_RATE_LIMITED" });
  });

  test("open calls of an address are bounded, and the bound is given back", async () => {
    const harness = await start({ openCallsPerAddressMax: 2 });
    harness.node.commitsAtOnce = false;
    const transaction = pin(harness.node, "a", "text");
    const talk = await Talk.open(harness);
    await talk.ask("tx_send", { transaction: toHex(transaction.bytes) });
    const wait = JSON.stringify({
      jsonrpc: "2.0",
      id: 2,
      method: "tx_wait",
      params: { txId: toHex(transaction.id), timeoutMs: 60_000 },
    });
    talk.socket.send(wait);
    talk.socket.send(wait);
    expect((await talk.ask("chain_head")).error.data.code).toBe("RPC_TOO_MANY_OPEN_CALLS");
    harness.node.commitPending();
    expect([(await talk.next()).result.status, (await talk.next()).result.status]).toEqual(["committed", "committed"]);
    expect((await talk.ask("chain_head")).result.height).toBe(1);
    talk.socket.close();
  });

  test("connections of an address are bounded; beyond the bound the reason is told", async () => {
    const harness = await start({ connectionsPerAddressMax: 2 });
    const talks = [await Talk.open(harness), await Talk.open(harness)];
    const refused = await fetch(`${harness.url}/health`);
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({ error: { data: { code: "RPC_TOO_MANY_CONNECTIONS" } } });
    await expect(Talk.open(harness)).rejects.toBeDefined();
    for (const talk of talks) talk.socket.close();
    await Promise.all(talks.map((talk) => talk.closed));
  });

  test("a connection that does not answer pings is dropped", async () => {
    const clock = handClock();
    const harness = await start({}, clock);
    const silent = await rawSubscriber(harness);
    silent.pause();
    clock.advance(HEARTBEAT_MS);
    clock.advance(HEARTBEAT_MS);
    clock.advance(HEARTBEAT_MS);
    silent.resume();
    await new Promise((resolve) => silent.on("close", resolve));
  });

  test("web pages of origins that are not listed get no WebSocket", async () => {
    const harness = await start();
    const socket = connect(harness.server.port, "127.0.0.1");
    socket.write(upgradeRequest("Origin: https://evil.example\r\n"));
    const answer = await new Promise<string>((resolve) => socket.once("data", (data) => resolve(String(data))));
    expect(answer).toMatch(/^HTTP\/1\.1 403/);
    socket.destroy();
  });
});

function upgradeRequest(extra = ""): string {
  return `GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${extra}\r\n`;
}

/** A subscriber that speaks the protocol by hand and answers no pings. */
async function rawSubscriber(harness: Harness, feed = "heads"): Promise<Socket> {
  const socket = connect(harness.server.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(upgradeRequest());
  await new Promise((resolve) => socket.once("data", resolve));
  const text = Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"feed":"${feed}"}}`);
  // A masked text frame (RFC 6455 5.2); a mask of zeros leaves the text as it is.
  socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]));
  await new Promise((resolve) => socket.once("data", resolve));
  return socket;
}
