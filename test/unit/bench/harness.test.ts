// The rules of the harness that do not need a network: searches, accounts, lines, budgets and the transactions that are sent.

import { describe, expect, it } from "vitest";
import { budgetOf, PARTS, partNamed } from "../../../bench/budget.ts";
import { readWords } from "../../../bench/options.ts";
import { PAYLOADS } from "../../../bench/payloads.ts";
import { oneWayMs, placesNamed } from "../../../bench/places.ts";
import type { CpuProfile } from "../../../bench/profiler.ts";
import { limitOf, lineOf } from "../../../bench/record.ts";
import { effectOf } from "../../../bench/scenarios/failover.ts";
import { Search } from "../../../bench/scenarios/ramp.ts";
import { predictedByMessages, predictedByTransactions } from "../../../bench/scenarios/scale-n.ts";
import { benchKeys, TransactionSource } from "../../../bench/workload.ts";
import { decodeTransaction } from "../../../src/ledger/format-transaction.ts";
import { fromHex, toHex } from "../../../src/ledger/hash.ts";
import { histogram, phase, RECORD } from "./record-fixture.ts";

describe("ramp", () => {
  it("A132: the search ends at a rate that held, within 5% of one that did not", () => {
    for (const limit of [3, 77, 1_234, 9_999]) {
      const search = new Search(100);
      const tried: number[] = [];
      while (!search.isDone) {
        tried.push(search.rate);
        search.take(search.rate <= limit);
      }
      expect(search.sustained).toBeLessThanOrEqual(limit);
      expect(
        tried.some((rate) => rate > limit && rate <= Math.max(search.sustained + 1, search.sustained * 1.05)),
      ).toBe(true);
      expect(tried.length).toBeLessThan(16);
    }
  });
});

describe("failover", () => {
  const steady = (steps: number): readonly number[] => Array.from({ length: steps }, () => 10);

  it("A133: three silent steps after the fault, worked off at double speed", () => {
    const committed = [...steady(50), 0, 0, 0, 20, 20, 20, ...steady(44)];
    expect(effectOf({ startedAtMs: 0, stepMs: 100, due: steady(100), committed }, 5)).toEqual({
      standstillMs: 300,
      recoveredMs: 500,
      backlog: 30,
    });
  });

  it("A133: a moment of calm before the fault bites is no recovery", () => {
    // 10 more at once, worked off, and only then the silence.
    const due = [...steady(50), 20, ...steady(49)];
    const committed = [...steady(50), 10, 20, ...steady(3), 0, 0, 20, 20, 20, ...steady(40)];
    expect(effectOf({ startedAtMs: 0, stepMs: 100, due, committed }, 5).recoveredMs).toBe(800);
  });

  it("A133: without a fault nothing stands still and nothing has to recover", () => {
    expect(effectOf({ startedAtMs: 0, stepMs: 100, due: steady(100), committed: steady(100) }, 5)).toEqual({
      standstillMs: 0,
      recoveredMs: 0,
      backlog: 0,
    });
  });

  it("A133: a network that never recovers stands still to the end of the load", () => {
    const effect = effectOf({ startedAtMs: 0, stepMs: 100, due: steady(100), committed: steady(50) }, 5);
    expect(effect).toMatchObject({ standstillMs: 5_000, backlog: 500 });
    expect(effect.recoveredMs).toBe(5_000);
  });

  it("A133: nothing has recovered before a silence of a second is over, however much waited before the fault", () => {
    // 300 waited at some time before the fault; it makes a few more for a moment, and only then the silence.
    const calm = [...Array.from({ length: 30 }, () => 0), 310, ...steady(19)];
    const due = [...steady(50), 310, ...steady(49)];
    const silence = Array.from({ length: 20 }, () => 0);
    const effect = effectOf(
      { startedAtMs: 0, stepMs: 100, due, committed: [...calm, 10, 310, ...silence, 210, ...steady(27)] },
      5,
    );
    expect(effect).toMatchObject({ standstillMs: 2_000, recoveredMs: 2_200 });
  });

  it("A133: what recovers after the end of the load has not recovered at its end", () => {
    const committed = [...steady(50), ...Array.from({ length: 70 }, () => 0), 500];
    const effect = effectOf({ startedAtMs: 0, stepMs: 100, due: steady(100), committed }, 5);
    expect(effect).toEqual({ standstillMs: 7_000, recoveredMs: 7_000, backlog: 500 });
  });
});

describe("line", () => {
  it("A134: has the fields that scripts read: medians of repetitions, sums of counts, the greatest foreign load", () => {
    expect(limitOf(2, 4, 50)).toBe(10_000);
    expect(lineOf(RECORD)).toEqual({
      scenario: "peak",
      system: "linli",
      n: 4,
      load: "peak",
      latencyOf: "peak",
      offered: 300,
      committed: 9,
      txPerSecond: 2500,
      callsPerSecond: 2000,
      p50Ms: expect.closeTo(20, 1),
      p90Ms: expect.closeTo(30, 1),
      p99Ms: expect.closeTo(30, 1),
      maxMs: expect.closeTo(40, 1),
      verifyUs: 50,
      limitTxPerSecond: 10_000,
      ratioToLimit: 0.25,
      cpuUsPerTx: { total: 110, byThread: { MainThread: 80, V8Worker: 20, "libuv-worker": 10 } },
      rssMb: 120,
      synced: true,
      verifiedByEveryNode: true,
      foreignCpuPercent: 7,
      missing: 0,
      refused: 291,
      repetitions: 3,
      spread: { txPerSecond: [1000, 3000], p50Ms: expect.any(Array), p99Ms: expect.any(Array) },
      commit: "abc",
    });
  });

  it("A151: where a scenario tells the throughput of one load and the latencies of another, the line names both", () => {
    const single = {
      name: "single",
      at: { rate: 10 },
      repetitions: [phase({ latency: histogram(7, 7, 7), txPerSecond: 10 })],
    };
    const record = { ...RECORD, points: [single, ...RECORD.points], latencyOf: "single" };
    expect(lineOf(record)).toMatchObject({
      load: "peak",
      latencyOf: "single",
      txPerSecond: 2500,
      p50Ms: expect.closeTo(7, 1),
      maxMs: expect.closeTo(7, 1),
    });
  });

  it("A134: what is not known is null, never a guess", () => {
    const elsewhere = phase({ cpuUsPerTxByNode: [], rssMb: [], foreignCpuPercent: undefined });
    const record = { ...RECORD, points: [{ name: "peak", at: {}, repetitions: [elsewhere] }] };
    expect(lineOf(record)).toMatchObject({ cpuUsPerTx: null, rssMb: null, foreignCpuPercent: null });
    const nothing = lineOf({ ...RECORD, points: [], main: undefined });
    expect(Object.keys(nothing)).toEqual(
      expect.arrayContaining(Object.keys(lineOf(RECORD)).filter((name) => name !== "repetitions" && name !== "spread")),
    );
    expect(nothing).toMatchObject({ offered: null, p50Ms: null, ratioToLimit: null });
  });
});

describe("budget", () => {
  const frame = (functionName: string, url: string) => ({ functionName, url, lineNumber: 0, columnNumber: 0 });
  const profile: CpuProfile = {
    nodes: [
      { id: 1, callFrame: frame("(root)", ""), children: [2, 3, 4, 5] },
      {
        id: 2,
        callFrame: frame("exports.crypto_sign_verify_detached", "file:///x/node_modules/sodium-native/index.js"),
      },
      { id: 3, callFrame: frame("stage", "file:///x/src/state/tree.ts") },
      { id: 4, callFrame: frame("(idle)", "") },
      { id: 5, callFrame: frame("write", "node:internal/stream_base_commons") },
    ],
    samples: [2, 3, 4, 5],
    timeDeltas: [50, 25, 900, 25],
  };

  it("A136: shares of the main thread, other threads and the rest add up to the whole; idle time is no CPU", () => {
    const { partsUs, waitingUs } = budgetOf(profile, phase({ committed: 90 }));
    expect(partsUs.verification).toBe(40);
    expect(partsUs["state tree"]).toBe(20);
    expect(partsUs.LevelDB).toBe(10);
    // Called by the event loop alone.
    expect(partsUs.network).toBe(20);
    expect(PARTS.reduce((sum, part) => sum + partsUs[part], 0)).toBeCloseTo(110, 5);
    expect(waitingUs).toBe(10);
  });

  it("A136: threads that verify count as verification, and stay within the whole", () => {
    const cpuUsPerTxByThread = { MainThread: 60, WorkerThread: 50 };
    const { partsUs } = budgetOf(profile, phase({ committed: 90, cpuUsPerTxByThread }));
    expect(partsUs.verification).toBe(80);
    expect(PARTS.reduce((sum, part) => sum + partsUs[part], 0)).toBeCloseTo(110, 5);
  });

  it("A136: every part of the house and every larger library has its place", () => {
    const places = {
      "src/p2p": "network",
      "cbor-x": "codec",
      level: "LevelDB",
      "src/contracts": "contracts",
      "src/rpc": "RPC",
    };
    for (const [name, part] of Object.entries(places)) expect(partNamed(name)).toBe(part);
    expect(partNamed("something new")).toBe("other");
  });
});

describe("workload", () => {
  const chainId = new Uint8Array(32).fill(9);
  const source = (seed = 1) =>
    new TransactionSource({ chainId, keys: benchKeys(seed), accounts: 5, seed, numbersFrom: 0 });

  it.each([...PAYLOADS, "fill"] as const)("A137: %s: valid, distinct, the same calls from the same seed", (content) => {
    const order = { content, calls: 2, count: 12, spreadSeconds: 0 };
    const [made, again] = [source().take(order), source().take(order)];
    expect(new Set(made.map(({ id }) => id)).size).toBe(12);
    const callsOf = (hex: string) => {
      const judged = decodeTransaction(fromHex(hex)!);
      if (!judged.ok) throw new Error(judged.code);
      expect(toHex(judged.value.body.chainId)).toBe(toHex(chainId));
      return judged.value.body.calls;
    };
    expect(made.map(({ hex }) => callsOf(hex))).toEqual(again.map(({ hex }) => callsOf(hex)));
    expect(made.every(({ calls, hex }) => calls === 2 && callsOf(hex).length === 2)).toBe(true);
  });

  it("A137: nobody votes twice in one motion, and nobody pays themselves", () => {
    const votes = source().take({ content: "vote", calls: 1, count: 23, spreadSeconds: 0 });
    const cast = votes.map(({ hex }) => {
      const judged = decodeTransaction(fromHex(hex)!);
      if (!judged.ok) throw new Error(judged.code);
      const { signers, calls } = judged.value.body;
      return `${signers[0]?.account} ${JSON.stringify(calls[0]?.args.find(([name]) => name === "motion"))}`;
    });
    expect(new Set(cast).size).toBe(23);
    const moves = source().take({ content: "transfer", calls: 1, count: 40, spreadSeconds: 0 });
    for (const { hex } of moves) {
      const judged = decodeTransaction(fromHex(hex)!);
      if (!judged.ok) throw new Error(judged.code);
      const { signers, calls } = judged.value.body;
      expect(calls[0]?.args.find(([name]) => name === "to")?.[1]).not.toBe(signers[0]?.account);
    }
  });
});

describe("options, places and predictions", () => {
  it("refuses numbers and names that are none, and takes a scenario's defaults where nothing is said", () => {
    expect(() => readWords(["peak", "--nodes", "3"]).options({})).toThrow("--nodes");
    expect(() => readWords(["peak", "--payload", "love"]).options({})).toThrow("--payload");
    expect(readWords(["soak"]).options({ seconds: 1800 }).seconds).toBe(1800);
    expect(readWords(["soak", "--seconds", "5"]).options({ seconds: 1800 }).seconds).toBe(5);
  });

  it("delays are the same both ways, and half of the round trip", () => {
    for (const places of [placesNamed("china"), placesNamed("world")])
      for (const from of places.names.keys())
        for (const to of places.names.keys()) expect(oneWayMs(places, from, to)).toBe(oneWayMs(places, to, from));
    expect(oneWayMs(placesNamed("30"), 0, 3)).toBe(30);
    expect(() => placesNamed("mars")).toThrow("BENCH_PLACE_UNKNOWN");
  });

  it("a network of twice the nodes does half the transactions, and a quarter where only messages cost", () => {
    expect(predictedByTransactions([4, 1000], 8)).toBe(500);
    expect(predictedByMessages([4, 1000], 8)).toBeCloseTo((1000 * 27) / 119, 10);
  });
});
