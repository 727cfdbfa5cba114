// What the harness and a client process say to each other. One command at a time, one reply to each.

import type { ArrivalKind } from "../arrivals.ts";
import type { Order } from "../workload.ts";

/** Whose nodes: they speak differently. */
export type System = "linli" | "cometbft";

export interface ClientSetup {
  readonly system: System;
  readonly chainId: Uint8Array;
  readonly seed: number;
  readonly accounts: number;
  /** see payloads.ts */
  readonly numbersFrom: number;
  /** http://host:port of every node, in the order of `receiptsByNode` */
  readonly nodes: readonly string[];
}

export type Load =
  /** sends when it intended to, whatever comes back */
  | {
      readonly kind: "open";
      readonly arrivals: ArrivalKind;
      readonly rate: number;
      readonly seconds: number;
      readonly seed: number;
      /** goes on when nodes do not answer: what has no receipt in time is handed to the next node, with its first intended time */
      readonly reroutes: boolean;
    }
  /** keeps so many transactions on their way at each node; the first seconds do not count for the rate */
  | {
      readonly kind: "closed";
      readonly inFlightPerNode: number;
      readonly seconds: number;
      readonly warmUpSeconds: number;
    }
  /** one client: its next transaction leaves when it has the receipt of the one before, each to the next node in turn */
  | { readonly kind: "single"; readonly seconds: number };

export type ClientCommand =
  | { readonly kind: "connect"; readonly setup: ClientSetup }
  /** makes the rows of all accounts and waits for the receipts */
  | { readonly kind: "open-accounts" }
  /** signs transactions until so many are ready; of another content than before: throws away what is left */
  | { readonly kind: "sign"; readonly order: Order }
  /** sends all that is signed and waits for the receipts; nothing is measured */
  | { readonly kind: "send-all" }
  | { readonly kind: "run"; readonly load: Load }
  | { readonly kind: "read"; readonly load: ReadLoad };

/** Questions for rows of the state, each answered with a proof; open loop like any other load. */
export interface ReadLoad {
  readonly arrivals: ArrivalKind;
  readonly rate: number;
  readonly seconds: number;
  readonly seed: number;
}

export interface ReadResult {
  readonly asked: number;
  readonly answered: number;
  readonly failed: Readonly<Record<string, number>>;
  /** encoded LatencyHistogram, from the intended time to the whole answer */
  readonly latency: string;
}

/** Commits of a load over time, in steps of `stepMs` from its first intended time on. */
export interface Timeline {
  /** first intended time, ms since 1970: faults happen in another process */
  readonly startedAtMs: number;
  readonly stepMs: number;
  /** transactions that were to be sent in each step */
  readonly due: readonly number[];
  /** receipts of such that came in each step */
  readonly committed: readonly number[];
}

export interface LoadResult {
  readonly load: Load;
  /** transactions sent */
  readonly sent: number;
  /** of them with a receipt that says ok, from the node they were sent to */
  readonly committed: number;
  /** of them with a receipt that says anything else */
  readonly refusedByContract: number;
  /** of them refused by a node, by code */
  readonly refusedAtTheDoor: Readonly<Record<string, number>>;
  /** of them without answer when the time was up */
  readonly missing: number;
  /** receipts of this load that each node reported, also of transactions sent to others */
  readonly receiptsByNode: readonly number[];
  /** length of the measured window and what was committed in it */
  readonly windowSeconds: number;
  readonly txPerSecond: number;
  readonly callsPerSecond: number;
  readonly timeline: Timeline;
  /** from the intended time (open) or from sending (closed, single) to the receipt, or as long as it was waited for in vain; encoded LatencyHistogram */
  readonly latency: string;
  /** the same of the transactions that each node took */
  readonly latencyByNode: readonly string[];
  /** how much later than intended transactions left the client; encoded LatencyHistogram */
  readonly delay: string;
  /** mean bytes of a signed transaction */
  readonly bytesPerTransaction: number;
}

export type ClientReply =
  | { readonly kind: "done" }
  | { readonly kind: "result"; readonly result: LoadResult }
  | { readonly kind: "read"; readonly result: ReadResult }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };
