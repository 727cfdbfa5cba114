// What the harness and a client process say to each other. One command at a time, one reply to each.

import type { ArrivalKind } from "../arrivals.ts";

export interface ClientSetup {
  readonly chainId: Uint8Array;
  readonly seed: number;
  readonly accounts: number;
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
    }
  /** keeps so many transactions on their way at each node; the first seconds do not count for the rate */
  | {
      readonly kind: "closed";
      readonly inFlightPerNode: number;
      readonly seconds: number;
      readonly warmUpSeconds: number;
    };

export type ClientCommand =
  | { readonly kind: "connect"; readonly setup: ClientSetup }
  /** makes the rows of all accounts and waits for the receipts */
  | { readonly kind: "open-accounts" }
  /** signs transactions until so many are ready */
  | { readonly kind: "sign"; readonly count: number }
  | { readonly kind: "run"; readonly load: Load };

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
  /** from the intended time (open) or from sending (closed) to the receipt; encoded LatencyHistogram */
  readonly latency: string;
  /** how much later than intended transactions left the client; encoded LatencyHistogram */
  readonly delay: string;
  /** mean bytes of a signed transaction */
  readonly bytesPerTransaction: number;
}

export type ClientReply =
  | { readonly kind: "done" }
  | { readonly kind: "result"; readonly result: LoadResult }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };
