// A run of three repetitions as the harness records it, for the tests of what is made of it.

import { LatencyHistogram } from "../../../bench/latency.ts";
import type { Phase } from "../../../bench/phase.ts";
import { FORMAT, limitOf, type RunRecord } from "../../../bench/record.ts";

export function histogram(...latenciesMs: readonly number[]): string {
  const made = new LatencyHistogram();
  for (const ms of latenciesMs) made.record(ms);
  return made.encode();
}

export function phase(change: Partial<Phase>): Phase {
  const latency = histogram(10, 20, 30);
  return {
    name: "peak",
    load: { kind: "closed", inFlightPerNode: 1, seconds: 1, warmUpSeconds: 0 },
    sent: 100,
    committed: 3,
    refusedByContract: 0,
    refusedAtTheDoor: { MEMPOOL_FULL: 97 },
    missing: 0,
    receiptsByNode: [3, 3, 3, 3],
    windowSeconds: 1,
    txPerSecond: 1000,
    callsPerSecond: 2000,
    timeline: { startedAtMs: 0, stepMs: 100, due: [], committed: [] },
    latency,
    latencyByNode: [],
    delay: latency,
    bytesPerTransaction: 220,
    latencySummary: LatencyHistogram.decode(latency).summary(),
    delaySummary: LatencyHistogram.decode(latency).summary(),
    blocks: 5,
    cpuUsPerTxByNode: [100, 120],
    cpuUsPerTxByThread: { MainThread: 80, V8Worker: 20, "libuv-worker": 10 },
    rssMb: [100, 120],
    clientCpuPercent: 5,
    foreignCpuPercent: 1,
    incidents: {},
    diskFlushes: 20,
    ...change,
  };
}

const CLAIM = { holds: true, basis: "" };
export const RECORD: RunRecord = {
  format: FORMAT,
  scenario: "peak",
  system: "linli",
  startedAt: "2026-11-23T00:00:00.000Z",
  tookSeconds: 1,
  words: [],
  configuration: {},
  machine: { cpu: "", cores: 2, memoryMb: 1, kernel: "", arch: "", node: "", packages: {}, commit: "abc" },
  nodes: 4,
  verifyUs: 50,
  limitTxPerSecond: limitOf(2, 4, 50),
  points: [
    {
      name: "peak",
      at: {},
      repetitions: [
        phase({ txPerSecond: 1000 }),
        phase({ txPerSecond: 3000, foreignCpuPercent: 7 }),
        phase({ txPerSecond: 2500, latency: histogram(40, 40, 40) }),
      ],
    },
  ],
  main: "peak",
  figures: [],
  series: [],
  synced: CLAIM,
  verifiedByEveryNode: CLAIM,
  notes: [],
};
