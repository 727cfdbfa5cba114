// N55: how long a height may take here before this replica loses patience: round trips, own disk, own verification and execution.
// Never from the primary's own pace: a slow primary must not set what counts as slow.

import { DEFAULT_TIMING, patienceMs } from "../consensus/limits.ts";

/** Measured and told to the core this often, and with each batch; also how long a node waits before it asks those who are ahead. */
export const PACE_INTERVAL_MS = 1_000;
/** A height takes about four message delays; this many round trips leave room for a busy machine. */
const ROUND_TRIPS_PER_HEIGHT = 10;
/** One after the other: bodies and vote of the primary, bodies and two votes here, the block itself. */
const SAVES_PER_HEIGHT = 6;
/** Verification and execution are done by the primary first and then here: one that is as busy as this node is not slow. */
const NODES_IN_SERIES = 2;
/** What takes longer than before counts at once, what takes less only by this weight: a machine that becomes busy must not depose first. */
const CALMING = 0.2;
/** What few transactions cost says little about each of many. */
const TELLING_TRANSACTIONS_MIN = 32;
/** Of one transaction, before the first block that tells. */
const VERIFICATION_MS_ASSUMED = 0.1;
const EXECUTION_MS_ASSUMED = 0.15;

export interface Measured {
  /** q-th smallest round trip to validators */
  readonly roundTripMs: number;
  readonly saveMs: number;
  /** each may have a batch to be verified before a block can be */
  readonly origins: number;
  /** that wait for a block, no more than one block takes */
  readonly pending: number;
}

export class Pace {
  private executionMs = 0;
  private verificationMs = 0;
  private executionMsEach = EXECUTION_MS_ASSUMED;
  private verificationMsEach = VERIFICATION_MS_ASSUMED;
  private measuredMs = 0;

  /** How long this node waits for a block before it suspects, by its last measurement. */
  get patienceMs(): number {
    return patienceMs(DEFAULT_TIMING, this.measuredMs);
  }

  noteExecution(durationMs: number, transactions: number): void {
    this.executionMs = follow(this.executionMs, durationMs);
    if (transactions < TELLING_TRANSACTIONS_MIN) return;
    this.executionMsEach = follow(this.executionMsEach, durationMs / transactions);
  }

  /** Of one batch. A busy machine verifies slowly: that alone must depose nobody. */
  noteVerification(durationMs: number, transactions: number): void {
    this.verificationMs = follow(this.verificationMs, durationMs);
    if (transactions < TELLING_TRANSACTIONS_MIN) return;
    this.verificationMsEach = follow(this.verificationMsEach, durationMs / transactions);
  }

  /** C110: what was last done, or what is known to be coming: the first blocks of a burst are larger than all before. */
  measure({ roundTripMs, saveMs, origins, pending }: Measured): number {
    const lastMs = origins * this.verificationMs + this.executionMs;
    const comingMs = pending * (this.verificationMsEach + this.executionMsEach);
    const ownWorkMs = Math.max(lastMs, comingMs);
    this.measuredMs = ROUND_TRIPS_PER_HEIGHT * roundTripMs + SAVES_PER_HEIGHT * saveMs + NODES_IN_SERIES * ownWorkMs;
    return this.measuredMs;
  }
}

function follow(knownMs: number, durationMs: number): number {
  return durationMs > knownMs ? durationMs : knownMs + CALMING * (durationMs - knownMs);
}
