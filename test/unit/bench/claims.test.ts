// The report may claim only what was checked: each broken fact takes its claim away. And a profile's time goes to the part
// of the house that spent it.

import { describe, expect, it } from "vitest";
import { claimSynced, claimVerified } from "../../../bench/checks.ts";
import type { Phase } from "../../../bench/phase.ts";
import { type CpuProfile, sharesByFunction, sharesByPart } from "../../../bench/profiler.ts";

const LATENCY = { samples: 1, p50Ms: 1, p90Ms: 1, p99Ms: 1, maxMs: 1 };

function phase(change: Partial<Phase> = {}): Phase {
  return {
    name: "peak",
    load: { kind: "closed", inFlightPerNode: 1, seconds: 1, warmUpSeconds: 0 },
    sent: 10,
    committed: 10,
    refusedByContract: 0,
    refusedAtTheDoor: {},
    missing: 0,
    receiptsByNode: [10, 10, 10, 10],
    windowSeconds: 1,
    txPerSecond: 10,
    callsPerSecond: 10,
    timeline: { startedAtMs: 0, stepMs: 100, due: [10], committed: [10] },
    latencyByNode: [],
    latency: "",
    delay: "",
    bytesPerTransaction: 220,
    latencySummary: LATENCY,
    delaySummary: LATENCY,
    blocks: 5,
    cpuUsPerTxByNode: [150, 150, 150, 150],
    cpuUsPerTxByThread: {},
    rssMb: [100],
    clientCpuPercent: 5,
    foreignCpuPercent: 0,
    incidents: {},
    diskFlushes: 20,
    ...change,
  };
}

const HEAD = { height: 5, stateRoot: "aa", transactionsTotal: 13 };
const FACTS = {
  heads: [HEAD, HEAD, HEAD, HEAD],
  setUpTransactions: 3,
  phases: [phase()],
  peak: phase(),
  answersToForged: ["TX_SIGNATURE", "TX_SIGNATURE", "TX_SIGNATURE", "TX_SIGNATURE"],
  verifyUs: 50,
  wasInterrupted: false,
};

describe("claims", () => {
  it("synced needs at least one flush of the disk for every block", () => {
    expect(claimSynced(phase()).holds).toBe(true);
    expect(claimSynced(phase({ diskFlushes: 4 })).holds).toBe(false);
    expect(claimSynced(phase({ diskFlushes: undefined })).holds).toBe(false);
    expect(claimSynced(phase({ blocks: 0 })).holds).toBe(false);
  });

  it("verifiedByEveryNode holds when everything was found", () => {
    expect(claimVerified(FACTS)).toMatchObject({ holds: true });
  });

  it("a transaction without answer may be in the chain or not, but nothing else may be", () => {
    const phases = [phase({ missing: 1 })];
    const headsOf = (transactionsTotal: number) => FACTS.heads.map((head) => ({ ...head, transactionsTotal }));
    expect(claimVerified({ ...FACTS, phases, heads: headsOf(13) }).holds).toBe(true);
    expect(claimVerified({ ...FACTS, phases, heads: headsOf(14) }).holds).toBe(true);
    expect(claimVerified({ ...FACTS, phases, heads: headsOf(15) }).holds).toBe(false);
  });

  it("where nodes were stopped not each reports every receipt, and everything else holds all the same", () => {
    const phases = [phase({ receiptsByNode: [10, 10, 10, 4] })];
    expect(claimVerified({ ...FACTS, phases, wasInterrupted: true }).holds).toBe(true);
    expect(claimVerified({ ...FACTS, phases, wasInterrupted: true, answersToForged: ["received"] }).holds).toBe(false);
  });

  const broken: readonly (readonly [string, Partial<typeof FACTS>])[] = [
    ["a node has another state root", { heads: [HEAD, HEAD, HEAD, { ...HEAD, stateRoot: "bb" }] }],
    ["a node has fewer transactions", { heads: [HEAD, HEAD, HEAD, { ...HEAD, transactionsTotal: 12 }] }],
    ["a node did not report a receipt", { phases: [phase({ receiptsByNode: [10, 10, 10, 9] })] }],
    ["a node took a spoiled signature", { answersToForged: ["TX_SIGNATURE", "received"] }],
    ["nothing is known of the nodes' CPU", { peak: phase({ cpuUsPerTxByNode: [] }) }],
    ["a node spent less than a verification costs", { peak: phase({ cpuUsPerTxByNode: [150, 150, 150, 49] }) }],
  ];
  it.each(broken)("verifiedByEveryNode falls when %s", (_, change) => {
    const claim = claimVerified({ ...FACTS, ...change });
    expect(claim.holds).toBe(false);
    expect(claim.basis).toContain("NOT: ");
  });
});

describe("profile", () => {
  const frame = (functionName: string, url: string) => ({ functionName, url, lineNumber: 9, columnNumber: 0 });
  const profile: CpuProfile = {
    nodes: [
      { id: 1, callFrame: frame("(root)", ""), children: [2, 4, 6, 7] },
      {
        id: 2,
        callFrame: frame("exports.crypto_sign_verify_detached", "file:///x/node_modules/sodium-native/index.js"),
        children: [3],
      },
      { id: 3, callFrame: frame("", "") },
      { id: 4, callFrame: frame("commit", "file:///x/src/store/ledger-store.ts"), children: [5] },
      { id: 5, callFrame: frame("writev", "") },
      { id: 6, callFrame: frame("(garbage collector)", "") },
      { id: 7, callFrame: frame("encode", "file:///x/node_modules/cbor-x/encode.js") },
    ],
    samples: [3, 5, 4, 6, 7],
    timeDeltas: [50, 20, 10, 5, 1],
  };

  it("native time belongs to the part of the script that called it", () => {
    expect(sharesByPart(profile)).toEqual([
      { name: "verification", us: 50 },
      { name: "src/store", us: 30 },
      { name: "(garbage collector)", us: 5 },
      { name: "cbor-x", us: 1 },
    ]);
  });

  it("a native function is named with its caller", () => {
    expect(sharesByFunction(profile).map(({ name }) => name)).toContain("commit src/store/ledger-store.ts:10 > writev");
  });
});
