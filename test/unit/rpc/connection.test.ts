// What one connection hands to the stream below its WebSocket: how many writes, and when its consumer counts as slow.
// The stream is Node's own; only the kernel behind it is the test's.

import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../../src/node/clock.ts";
import { Connection } from "../../../src/rpc/connection.ts";
import { Dispatcher } from "../../../src/rpc/dispatch.ts";
import { Feeds, NOTIFICATION_LENGTH_MAX } from "../../../src/rpc/feeds.ts";
import { AddressUse, TokenBucket } from "../../../src/rpc/rate-limit.ts";
import { pin } from "./harness.ts";
import { SmallNode } from "./small-node.ts";

const RATE = { perSecond: 1_000, burst: 1_000 };

/** A connection over a stream whose kernel takes everything at once, or nothing. */
function connect({
  queueBytesMax,
  takes,
  node = new SmallNode(),
}: {
  readonly queueBytesMax: number;
  /** "closing": nothing, and the socket says so */
  readonly takes: boolean | "closing";
  readonly node?: SmallNode;
}) {
  const clock = systemClock({ timeMs: 0, timeScale: 1 });
  const feeds = new Feeds(node);
  const writes: number[] = [];
  const stream = new Writable({
    highWaterMark: 1 << 30,
    write: (chunk: Buffer, _, done) => {
      writes.push(chunk.length);
      if (takes) done();
    },
    writev: (chunks, done) => {
      writes.push(chunks.reduce((bytes, { chunk }) => bytes + chunk.length, 0));
      if (takes) done();
    },
  });
  const closes: string[] = [];
  const log = { error() {}, warn() {}, info() {}, debug() {} };
  const connection = new Connection({
    socket: {
      get bufferedAmount() {
        return stream.writableLength;
      },
      send: (text: string | Uint8Array, _?: unknown, taken?: (error?: Error | null) => void) => {
        if (takes !== "closing") return stream.write(text, taken);
        writes.push(text.length);
        process.nextTick(() => taken?.(new Error("WebSocket is not open")));
      },
      ping() {},
      close: (_, reason) => closes.push(reason),
      terminate() {},
    },
    stream,
    address: new AddressUse(new TokenBucket(RATE, clock)),
    dispatcher: new Dispatcher({ api: node, log, batchRequestsMax: 1, openCallsPerAddressMax: 100 }),
    feeds,
    clock,
    requests: RATE,
    queueBytesMax,
  });
  connection.subscribe("receipts");
  /** commits in one turn, as the receipts of one block are told */
  const commit = async (count: number): Promise<void> => {
    node.commitsAtOnce = false;
    for (let index = 0; index < count; index += 1) await node.submit(pin(node, `n${index}`, "x".repeat(100)).bytes);
    node.commitPending();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { connection, stream, writes, closes, commit };
}

describe("A126: texts of one turn reach the kernel together", () => {
  test("many receipts are few writes, the next turn has its own", async () => {
    const { writes, closes, commit } = connect({ queueBytesMax: 4 << 20, takes: true });
    await commit(1);
    expect(writes.length).toBe(1);
    await commit(300);
    const bytes = writes.slice(1).reduce((sum, length) => sum + length, 0);
    expect(bytes).toBeGreaterThan(100_000);
    expect(writes.length).toBeLessThanOrEqual(2 + Math.ceil(bytes / NOTIFICATION_LENGTH_MAX));
    expect(closes).toEqual([]);
  });

  test("the answers to many calls of one turn are few writes, also where the queue is short", async () => {
    for (const [queueBytesMax, writesMax] of [
      [4 << 20, 1],
      [1_024, 100],
    ] as const) {
      const { connection, writes, closes } = connect({ queueBytesMax, takes: true });
      const ask = new TextEncoder().encode('{"jsonrpc":"2.0","id":1,"method":"chain_head"}');
      await Promise.all(Array.from({ length: 100 }, () => connection.received(ask, false)));
      expect(closes).toEqual([]);
      expect(writes.length).toBeLessThanOrEqual(writesMax);
      expect(writes.reduce((sum, length) => sum + length, 0)).toBeGreaterThan(100 * 200);
    }
  });
});

describe("A144: what a subscriber leaves unread waits as what all share", () => {
  test("a block far longer than the queue goes to who reads in whole", async () => {
    const node = new SmallNode();
    const readers = [1, 2].map(() => connect({ queueBytesMax: 1_024, takes: true, node }));
    await readers[0]!.commit(600);
    for (const { writes, closes } of readers) {
      expect(closes).toEqual([]);
      expect(writes.reduce((sum, length) => sum + length, 0)).toBeGreaterThan(200_000);
    }
  });

  test("A7: from whom the kernel takes nothing has two notifications in its socket, and the next block drops it", async () => {
    const { stream, closes, commit } = connect({ queueBytesMax: 256 << 10, takes: false });
    await commit(800);
    expect(closes).toEqual([]);
    expect(stream.writableLength).toBeGreaterThan(0);
    expect(stream.writableLength).toBeLessThanOrEqual(2 * NOTIFICATION_LENGTH_MAX);
    await commit(1);
    expect(closes).toEqual(["RPC_SLOW_CONSUMER"]);
    expect(stream.writableLength).toBeLessThanOrEqual(2 * NOTIFICATION_LENGTH_MAX);
  });

  test("what is asked meanwhile is answered: notifications that are still in the socket do not count for answers", async () => {
    const { connection, stream, closes, commit } = connect({ queueBytesMax: 64 << 10, takes: false });
    await commit(800);
    expect(stream.writableLength).toBeGreaterThan(64 << 10);
    const ask = new TextEncoder().encode('{"jsonrpc":"2.0","id":1,"method":"chain_head"}');
    for (let call = 0; call < 10; call += 1) await connection.received(ask, false);
    expect(closes).toEqual([]);
    for (let call = 0; call < 100; call += 1) await connection.received(ask, false);
    expect(closes).toEqual(["RPC_SLOW_CONSUMER"]);
  });

  test("who takes what came before in time is not slow, however short its queue", async () => {
    const { writes, closes, commit } = connect({ queueBytesMax: 1_024, takes: true });
    for (let block = 0; block < 5; block += 1) await commit(50);
    expect(closes).toEqual([]);
    expect(writes.length).toBe(5);
  });

  test("A147: for a socket that is closing two texts of a block are made at most, and none of the next", async () => {
    const { writes, closes, commit } = connect({ queueBytesMax: 4 << 20, takes: "closing" });
    await commit(800);
    expect([writes.length, closes]).toEqual([2, [""]]);
    await commit(800);
    expect(writes.length).toBe(2);
  });
});
