// What one connection hands to the stream below its WebSocket: how many writes, and when its consumer counts as slow.
// The stream is Node's own; only the kernel behind it is the test's.

import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../../src/node/clock.ts";
import { Connection } from "../../../src/rpc/connection.ts";
import { Dispatcher } from "../../../src/rpc/dispatch.ts";
import { Feeds } from "../../../src/rpc/feeds.ts";
import { AddressUse, TokenBucket } from "../../../src/rpc/rate-limit.ts";
import { pin } from "./harness.ts";
import { SmallNode } from "./small-node.ts";

const RATE = { perSecond: 1_000, burst: 1_000 };

/** A connection over a stream whose kernel takes everything at once, or nothing. */
function connect({ queueBytesMax, takes }: { readonly queueBytesMax: number; readonly takes: boolean }) {
  const node = new SmallNode();
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
      send: (text) => stream.write(text),
      ping() {},
      close: (_, reason) => closes.push(reason),
      terminate() {},
    },
    stream,
    address: new AddressUse(new TokenBucket(RATE, clock)),
    dispatcher: new Dispatcher({ api: node, log, batchRequestsMax: 1, openCallsPerAddressMax: 1 }),
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
    await Promise.resolve();
  };
  return { writes, closes, commit };
}

describe("A126: texts of one turn reach the kernel together", () => {
  test("many receipts are few writes, the next turn has its own", async () => {
    const { writes, closes, commit } = connect({ queueBytesMax: 4 << 20, takes: true });
    await commit(1);
    expect(writes.length).toBe(1);
    await commit(300);
    const bytes = writes.slice(1).reduce((sum, length) => sum + length, 0);
    expect(bytes).toBeGreaterThan(100_000);
    expect(writes.length).toBeLessThanOrEqual(2 + Math.ceil(bytes / 65_536));
    expect(closes).toEqual([]);
  });

  test("a consumer whose queue is shorter than a block is not slow while the kernel takes everything", async () => {
    const { writes, closes, commit } = connect({ queueBytesMax: 1_024, takes: true });
    await commit(50);
    expect(closes).toEqual([]);
    expect(writes.length).toBeGreaterThan(10);
  });

  test("A7: a consumer from whom the kernel takes nothing is dropped within one block", async () => {
    const { writes, closes, commit } = connect({ queueBytesMax: 256 << 10, takes: false });
    await commit(800);
    expect(closes).toEqual(["RPC_SLOW_CONSUMER"]);
    expect(writes.length).toBe(1);
  });
});
