// What the report may claim: that nodes wrote to disk and that every one of them verified everything. True only when checked
// in this very run, from outside the nodes; each claim carries the sentence it rests on.

import type { Head } from "./nodes.ts";
import type { Phase } from "./phase.ts";

export interface Claim {
  readonly holds: boolean;
  readonly basis: string;
}

/** @param flushPhase a load of many blocks: a block's votes and its commit follow from each other, so no two blocks share all their flushes */
export function claimSynced(phase: Phase): Claim {
  const { diskFlushes, blocks } = phase;
  if (diskFlushes === undefined)
    return {
      holds: false,
      basis:
        "not checked: the data lies in memory or elsewhere, or this machine does not count the flushes of its disk",
    };
  return {
    holds: diskFlushes >= blocks && blocks > 0,
    basis: `the disk under the nodes' data completed ${diskFlushes} flushes, those of others among them, while ${blocks} blocks were committed (phase ${phase.name}, /proc/diskstats)`,
  };
}

/**
 * Every node executed every transaction, refuses one with a spoiled signature, and spent at least the CPU that verification costs.
 * The time is the only trace that the verification of others' batches leaves outside of a node.
 */
export function claimVerified(facts: {
  readonly heads: readonly Head[];
  /** of setting up, before the phases, all with a receipt */
  readonly setUpTransactions: number;
  readonly phases: readonly Phase[];
  readonly peak: Phase;
  /** what each node answered to the transaction with the spoiled signature */
  readonly answersToForged: readonly string[];
  readonly verifyUs: number;
  /** nodes were stopped or cut off meanwhile: not each of them reported every receipt */
  readonly wasInterrupted: boolean;
}): Claim {
  const { heads, setUpTransactions, phases, peak, answersToForged, verifyUs, wasInterrupted } = facts;
  const known = phases.reduce((total, { committed, refusedByContract }) => total + committed + refusedByContract, 0);
  // A transaction that a client gave up waiting for may be committed all the same.
  const unknown = phases.reduce((total, { missing }) => total + missing, 0);
  const [head] = heads;
  const chained = (head?.transactionsTotal ?? 0) - setUpTransactions;
  const reported = heads.map((_, node) =>
    phases.reduce((total, { receiptsByNode }) => total + (receiptsByNode[node] ?? 0), 0),
  );
  const leastCpuUs = Math.min(...peak.cpuUsPerTxByNode);
  const checks: readonly (readonly [boolean, string])[] = [
    [heads.every(({ stateRoot }) => stateRoot === head?.stateRoot), "equal state roots"],
    [
      heads.every(({ transactionsTotal }) => transactionsTotal === head?.transactionsTotal) &&
        chained >= known &&
        chained <= known + unknown,
      `${known} transactions with receipts and ${unknown} without answer, ${chained} in the chain of every node`,
    ],
    ...(wasInterrupted
      ? []
      : [[reported.every((count) => count >= known), "every receipt reported by every node"] as const]),
    [
      answersToForged.every((answer) => answer === "TX_SIGNATURE"),
      `a spoiled signature is answered by ${[...new Set(answersToForged)].join(", ")}`,
    ],
    [
      peak.cpuUsPerTxByNode.length > 0 && leastCpuUs >= verifyUs,
      peak.cpuUsPerTxByNode.length === 0
        ? "the nodes' CPU is known here"
        : `each node spent at least ${leastCpuUs} us of CPU for each transaction, a verification costs ${verifyUs} us`,
    ],
  ];
  return {
    holds: checks.every(([holds]) => holds),
    basis: checks.map(([holds, what]) => (holds ? what : `NOT: ${what}`)).join("; "),
  };
}
