// N55: how long a height may take here before this replica loses patience: round trips, own disk, own verification and execution.
// Never from the primary's own pace: a slow primary must not set what counts as slow.

/** Measured and told to the core this often; also how long a node waits before it asks those who are ahead. */
export const PACE_INTERVAL_MS = 1_000;
/** A height takes about four message delays; this many round trips leave room for a busy machine. */
const ROUND_TRIPS_PER_HEIGHT = 10;
/** One after the other: bodies and vote of the primary, bodies and two votes here, the block itself. */
const SAVES_PER_HEIGHT = 6;
/** Verification and execution are done by the primary first and then here: one that is as busy as this node is not slow. */
const NODES_IN_SERIES = 2;
/** What takes longer than before counts at once, what takes less only by this weight: a machine that becomes busy must not depose first. */
const CALMING = 0.2;

export class Pace {
  private executionMs = 0;
  private verificationMs = 0;

  noteExecution(durationMs: number): void {
    this.executionMs = follow(this.executionMs, durationMs);
  }

  /** Of one batch. A busy machine verifies slowly: that alone must depose nobody. */
  noteVerification(durationMs: number): void {
    this.verificationMs = follow(this.verificationMs, durationMs);
  }

  /**
   * @param measured.roundTripMs q-th smallest round trip to validators
   * @param measured.origins each may have a batch to be verified before a block can be
   */
  timeoutMs(measured: { readonly roundTripMs: number; readonly saveMs: number; readonly origins: number }): number {
    const { roundTripMs, saveMs, origins } = measured;
    const ownWorkMs = origins * this.verificationMs + this.executionMs;
    return ROUND_TRIPS_PER_HEIGHT * roundTripMs + SAVES_PER_HEIGHT * saveMs + NODES_IN_SERIES * ownWorkMs;
  }
}

function follow(knownMs: number, durationMs: number): number {
  return durationMs > knownMs ? durationMs : knownMs + CALMING * (durationMs - knownMs);
}
