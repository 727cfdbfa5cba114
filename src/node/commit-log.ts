// The log's line about committed blocks: each block where they are rare, one line a second for all of them where they are not.
// Only what operators read; nothing depends on it.

import type { HeadFacts } from "../consensus/events.ts";
import { toHex } from "../ledger/hash.ts";
import type { Logger } from "../ports.ts";

/** N245: a line for each block would be hundreds a second under load, and costs as much as the block's receipts. */
export const LOG_INTERVAL_MS = 1_000;

export class CommitLog {
  readonly #log: Logger;
  #lineMs = Number.NEGATIVE_INFINITY;
  /** of which no line tells yet */
  #newest: HeadFacts | undefined;
  #blocks = 0;
  #transactions = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** @param nowMs monotonic */
  note(head: HeadFacts, transactions: number, nowMs: number): void {
    this.#newest = head;
    this.#blocks += 1;
    this.#transactions += transactions;
    this.tell(nowMs);
  }

  /** N236: the newest block has its line within about a second also when no other follows it. @param nowMs Infinity: none follows */
  tell(nowMs: number): void {
    const head = this.#newest;
    if (head === undefined || nowMs - this.#lineMs < LOG_INTERVAL_MS) return;
    this.#log.info("block committed", {
      height: head.height,
      view: head.certificateView,
      blocks: this.#blocks,
      transactions: this.#transactions,
      block: toHex(head.blockHash),
    });
    this.#lineMs = nowMs;
    this.#newest = undefined;
    this.#blocks = 0;
    this.#transactions = 0;
  }
}
