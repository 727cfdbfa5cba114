// What the report may claim: that nodes wrote to disk and that every one of them verified everything. True only when checked
// in this very run, from outside the nodes; each claim carries the sentence it rests on.

import type { Head } from "./network.ts";
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
      basis: "not checked: the data lies in memory, or this machine does not count the flushes of its disk",
    };
  return {
    holds: diskFlushes >= blocks && blocks > 0,
    basis: `the disk under the nodes' data completed ${diskFlushes} flushes while ${blocks} blocks were committed (phase ${phase.name}, /proc/diskstats)`,
  };
}

/**
 * Every node executed every transaction, refuses one with a spoiled signature, and spent at least the CPU that verification costs.
 * The time is the only trace that the verification of others' batches leaves outside of a node.
 */
export function claimVerified(facts: {
  readonly heads: readonly Head[];
  readonly transactions: number;
  readonly phases: readonly Phase[];
  readonly peak: Phase;
  /** what each node answered to the transaction with the spoiled signature */
  readonly answersToForged: readonly string[];
  readonly verifyUs: number;
}): Claim {
  const { heads, transactions, phases, peak, answersToForged, verifyUs } = facts;
  const leastCpuUs = Math.min(...peak.cpuUsPerTxByNode);
  const checks: readonly (readonly [boolean, string])[] = [
    [heads.every(({ stateRoot }) => stateRoot === heads[0]?.stateRoot), "equal state roots"],
    [
      heads.every(({ transactionsTotal }) => transactionsTotal === transactions),
      `${transactions} transactions in every node's chain`,
    ],
    [
      phases.every(({ receiptsByNode, committed, refusedByContract }) =>
        receiptsByNode.every((count) => count === committed + refusedByContract),
      ),
      "every receipt reported by every node",
    ],
    [
      answersToForged.every((answer) => answer === "TX_SIGNATURE"),
      `a spoiled signature is answered by ${[...new Set(answersToForged)].join(", ")}`,
    ],
    [
      leastCpuUs >= verifyUs,
      `each node spent at least ${leastCpuUs} us of CPU for each transaction, a verification costs ${verifyUs} us`,
    ],
  ];
  return {
    holds: checks.every(([holds]) => holds),
    basis: checks.map(([holds, what]) => (holds ? what : `NOT: ${what}`)).join("; "),
  };
}
