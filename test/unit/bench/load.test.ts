// What the benchmark's figures rest on: arrivals fixed before the clock starts, latencies counted from the intended time,
// and nothing that was sent missing from the account.

import { describe, expect, it } from "vitest";
import { arrivalsMs } from "../../../bench/arrivals.ts";
import { Generator } from "../../../bench/client/generator.ts";
import type { SocketEvents } from "../../../bench/client/node-socket.ts";
import { Tally } from "../../../bench/client/tally.ts";
import { LatencyHistogram } from "../../../bench/latency.ts";

const LOAD = { kind: "closed", inFlightPerNode: 1, seconds: 1, warmUpSeconds: 0 } as const;
const tx = (id: string) => ({ id, hex: "00".repeat(220), calls: 2 });
const tallyOf = (nodes: number, fromMs: number, untilMs: number, settledBy: "owner" | "any" = "owner") =>
  new Tally({ nodes, window: { fromMs, untilMs }, startMs: 0, settledBy });

describe("arrivals", () => {
  it("constant arrivals are as many in every second as the rate says", () => {
    const times = arrivalsMs({ kind: "constant", rate: 50, seconds: 4, seed: 1 });
    const perSecond = [0, 1, 2, 3].map((second) => times.filter((at) => Math.floor(at / 1000) === second).length);
    expect(perSecond).toEqual([50, 50, 50, 50]);
  });

  it("Poisson arrivals ascend, have the mean of the rate and gaps whose deviation equals their mean", () => {
    const times = arrivalsMs({ kind: "poisson", rate: 1000, seconds: 100, seed: 7 });
    const gaps = Array.from(times.subarray(1), (at, index) => at - times[index]!);
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
    expect(gaps.every((gap) => gap >= 0)).toBe(true);
    expect(mean).toBeGreaterThan(0.98);
    expect(mean).toBeLessThan(1.02);
    expect(deviation / mean).toBeGreaterThan(0.98);
    expect(deviation / mean).toBeLessThan(1.02);
  });

  it("the same seed gives the same arrivals, another one others", () => {
    const at = (seed: number) => [...arrivalsMs({ kind: "poisson", rate: 20, seconds: 5, seed })];
    expect(at(3)).toEqual(at(3));
    expect(at(3)).not.toEqual(at(4));
  });
});

describe("latency", () => {
  it("keeps three significant digits and reads back what it wrote", () => {
    const histogram = new LatencyHistogram();
    for (let ms = 1; ms <= 1000; ms += 1) histogram.record(ms);
    const { samples, p50Ms, p99Ms, maxMs } = LatencyHistogram.decode(histogram.encode()).summary();
    expect(samples).toBe(1000);
    expect(Math.abs(p50Ms - 500)).toBeLessThanOrEqual(0.5);
    expect(Math.abs(p99Ms - 990)).toBeLessThanOrEqual(1);
    expect(Math.abs(maxMs - 1000)).toBeLessThanOrEqual(1);
  });

  it("counts what is longer than two minutes as two minutes instead of dropping it", () => {
    const histogram = new LatencyHistogram();
    histogram.record(600_000);
    expect(histogram.summary().samples).toBe(1);
    expect(histogram.summary().maxMs).toBeGreaterThanOrEqual(119_000);
  });
});

describe("tally", () => {
  it("counts latency from the intended time, whenever the transaction left", () => {
    const tally = tallyOf(1, 0, 1000);
    tally.markSent(tx("a"), 0, 100, 180);
    tally.markReceipt("a", "ok", 0, 300);
    const { latency, delay } = tally.result(LOAD, 5000);
    expect(LatencyHistogram.decode(latency).summary().p50Ms).toBeCloseTo(200, 0);
    expect(LatencyHistogram.decode(delay).summary().p50Ms).toBeCloseTo(80, 0);
  });

  it("only the node that took a transaction settles it; every node's receipts are counted", () => {
    const tally = tallyOf(2, 0, 1000);
    tally.markSent(tx("a"), 1, 0, 0);
    expect(tally.markReceipt("a", "ok", 0, 10)).toBe(false);
    expect(tally.isComplete).toBe(false);
    expect(tally.markReceipt("a", "ok", 1, 20)).toBe(true);
    expect(tally.isComplete).toBe(true);
    expect(tally.result(LOAD, 5000)).toMatchObject({ sent: 1, committed: 1, receiptsByNode: [1, 1], missing: 0 });
  });

  it("is not complete while a node has yet to report a receipt", () => {
    const tally = tallyOf(2, 0, 1000);
    tally.markSent(tx("a"), 0, 0, 0);
    tally.markReceipt("a", "ok", 0, 10);
    expect(tally.isComplete).toBe(false);
  });

  it("what is sent is committed, refused or missing, and nothing is counted twice", () => {
    const tally = tallyOf(1, 0, 1000);
    for (const id of ["a", "b", "c", "d"]) tally.markSent(tx(id), 0, 0, 0);
    tally.markReceipt("a", "ok", 0, 10);
    tally.markRefused("a", "LATE", 0);
    tally.markReceipt("b", "refused", 0, 10);
    tally.markRefused("c", "MEMPOOL_FULL", 0);
    expect(tally.result(LOAD, 5000)).toMatchObject({
      sent: 4,
      committed: 1,
      refusedByContract: 1,
      refusedAtTheDoor: { MEMPOOL_FULL: 1 },
      missing: 1,
    });
    expect(tally.inFlightAt(0)).toBe(1);
  });

  it("A150: what nobody answered counts with the time for which it was waited; what was refused does not", () => {
    const tally = tallyOf(2, 0, 1000);
    for (const id of ["a", "b", "c"]) tally.markSent(tx(id), 1, 100, 100);
    tally.markReceipt("a", "ok", 1, 110);
    tally.markRefused("b", "MEMPOOL_FULL", 1);
    const { latency, latencyByNode, committed, missing } = tally.result(LOAD, 60_100);
    expect([committed, missing]).toEqual([1, 1]);
    expect(LatencyHistogram.decode(latency).summary()).toMatchObject({ samples: 2, p99Ms: expect.closeTo(60_000, -2) });
    expect(latencyByNode.map((text) => LatencyHistogram.decode(text).summary().samples)).toEqual([0, 2]);
  });

  it("the rate counts commits inside the window only", () => {
    const tally = tallyOf(1, 1000, 3000);
    for (const [id, at] of [
      ["a", 999],
      ["b", 1000],
      ["c", 2999],
      ["d", 3000],
    ] as const) {
      tally.markSent(tx(id), 0, 0, 0);
      tally.markReceipt(id, "ok", 0, at);
    }
    expect(tally.result(LOAD, 5000)).toMatchObject({
      committed: 4,
      windowSeconds: 2,
      txPerSecond: 1,
      callsPerSecond: 2,
    });
  });

  it("A131: where nodes fail the first receipt of any node settles a transaction, once, with its first intended time", () => {
    const tally = tallyOf(2, 0, 1000, "any");
    tally.markSent(tx("a"), 0, 100, 100);
    expect(tally.markReceipt("a", "ok", 1, 350)).toBe(true);
    expect(tally.markReceipt("a", "ok", 0, 400)).toBe(false);
    expect(tally.isComplete).toBe(true);
    const { committed, latency, latencyByNode, timeline } = tally.result(LOAD, 5000);
    expect(committed).toBe(1);
    expect(LatencyHistogram.decode(latency).summary().p50Ms).toBeCloseTo(250, 0);
    // It counts for the node that it was meant for.
    expect(latencyByNode.map((text) => LatencyHistogram.decode(text).summary().samples)).toEqual([1, 0]);
    expect(timeline).toMatchObject({ stepMs: 100, due: [0, 1], committed: [0, 0, 0, 1] });
  });
});

describe("one client", () => {
  it("A145: its next transaction leaves when it has the receipt of the one before, to the next node in turn", async () => {
    const nodes: SocketEvents[] = [];
    const tookBy: number[] = [];
    let onTheirWay = 0;
    const generator = new Generator(async (_, events) => {
      const node = nodes.push(events) - 1;
      return {
        send: (transactions) => {
          expect(transactions).toHaveLength(1);
          onTheirWay += transactions.length;
          expect(onTheirWay).toBe(1);
          tookBy.push(node);
          setImmediate(() => {
            onTheirWay -= 1;
            for (const other of nodes) other.onReceipt(transactions[0]!.id, "ok");
          });
        },
      };
    });
    await generator.connect(["http://a", "http://b", "http://c"]);
    const stock = Array.from({ length: 100_000 }, (_, index) => tx(String(index)));
    const take = (count: number) => stock.splice(-count);
    const { sent, committed, missing } = await generator.run({ kind: "single", seconds: 1 }, take);
    expect(tookBy.slice(0, 7)).toEqual([0, 1, 2, 0, 1, 2, 0]);
    expect([committed, missing]).toEqual([sent, 0]);
    expect(sent).toBe(tookBy.length);
  });
});
