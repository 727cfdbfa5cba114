// What the benchmark's transactions do: a few shapes of calls to contracts/bench.yaml, and the mix of a community's evening.
// Knows no keys and no network.

import type { CallRequest } from "../src/client/transaction.ts";
import { randomFrom } from "./arrivals.ts";

export const CONTRACT = "bench";

/** "fill" makes the state larger and is no load of its own. */
export const PAYLOADS = ["transfer", "vote", "telemetry", "digest", "evening"] as const;
export type Payload = (typeof PAYLOADS)[number];
type Shape = Exclude<Payload, "evening"> | "rating" | "fill";
export type Content = Payload | "fill";

/** Calls of one transaction unless somebody asks for another number: a gateway sends what it gathered at once. */
export const CALLS_USUAL: Readonly<Record<Content, number>> = {
  transfer: 1,
  vote: 1,
  telemetry: 100,
  digest: 1,
  evening: 1,
  fill: 100,
};

/**
 * Transactions of a month in a community of 1,200 homes, those that people make in the evening, and of the readings' roots
 * (one every ten minutes) the share that falls beside them: 19% of all.
 */
const EVENING: readonly (readonly [Shape, number])[] = [
  ["transfer", 1_500 + 400],
  ["digest", 180 + 325 + 150 + 60 + 6 + 690],
  ["rating", 313],
];
const EVENING_TOTAL = EVENING.reduce((total, [, weight]) => total + weight, 0);
/** Ratings are counted beside the motions of the votes. */
const RATINGS_FROM = 500_000_000;
const DIGEST_TEXT_BYTES = 750;
const DIGEST_TEXT = "邻".repeat(DIGEST_TEXT_BYTES / 3);
const SENSORS_OF_A_GATEWAY = 100;

export interface Signer {
  /** index among the accounts */
  readonly index: number;
  readonly accounts: number;
  /** how many transactions of this kind were made before, over all accounts */
  readonly sequence: number;
}

/** Draws the contents of transactions, one after the other; the same seed draws the same. */
export class Contents {
  private readonly random: () => number;
  private readonly nameOf: (index: number) => string;
  private readonly numbersFrom: number;

  /** @param options.numbersFrom of motions, documents and rows: on a ledger that was measured before they must be new */
  constructor(options: { readonly seed: number; readonly numbersFrom: number; nameOf(index: number): string }) {
    this.random = randomFrom(options.seed);
    this.numbersFrom = options.numbersFrom;
    this.nameOf = options.nameOf;
  }

  /** The calls of one transaction. */
  callsOf(content: Content, calls: number, signer: Signer): readonly CallRequest[] {
    const shape = content === "evening" ? this.drawEvening() : content;
    return Array.from({ length: calls }, (_, call) => this.callOf(shape, call, calls, signer));
  }

  private callOf(shape: Shape, call: number, calls: number, signer: Signer): CallRequest {
    const { index, accounts, sequence } = signer;
    const round = Math.floor(sequence / accounts);
    const number = this.numbersFrom + sequence * calls + call;
    switch (shape) {
      case "transfer": {
        // Never to itself, and to a different one each round.
        const to = (index + 1 + ((round + call) % (accounts - 1))) % accounts;
        return { contract: CONTRACT, action: "move", args: { to: this.nameOf(to), points: 1 } };
      }
      case "vote":
      case "rating": {
        const motion = this.numbersFrom + round * calls + call + (shape === "rating" ? RATINGS_FROM : 0);
        return { contract: CONTRACT, action: "vote", args: { motion, choice: this.random() < 0.6 } };
      }
      case "telemetry": {
        const args = { slot: call % SENSORS_OF_A_GATEWAY, value: Math.floor(this.random() * 1000) };
        return { contract: CONTRACT, action: "reading", args };
      }
      case "digest":
        return {
          contract: CONTRACT,
          action: "record",
          args: { number, digest: this.digest(), text: DIGEST_TEXT },
        };
      case "fill":
        return { contract: CONTRACT, action: "fill", args: { number } };
    }
  }

  private drawEvening(): Shape {
    let drawn = this.random() * EVENING_TOTAL;
    for (const [shape, weight] of EVENING) {
      drawn -= weight;
      if (drawn < 0) return shape;
    }
    return "transfer";
  }

  private digest(): Uint8Array {
    return Uint8Array.from({ length: 32 }, () => Math.floor(this.random() * 256));
  }
}
