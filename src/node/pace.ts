// How long a height may take here before this replica loses patience: round trips, own disk, own execution.
// Never from the primary's own pace: a slow primary must not be allowed to set what counts as slow.

/** Measured and told to the core this often; also how long a node waits before it asks those who are ahead. */
export const PACE_INTERVAL_MS = 1_000;
/** A height takes about four message delays; this many round trips leave room for a busy machine. */
const ROUND_TRIPS_PER_HEIGHT = 10;
const EXECUTION_SMOOTHING = 0.2;

export class Pace {
  private executionMs = 0;

  noteExecution(durationMs: number): void {
    this.executionMs += EXECUTION_SMOOTHING * (durationMs - this.executionMs);
  }

  /** @param roundTripMs q-th smallest round trip; undefined while too few peers are connected to know */
  timeoutMs(roundTripMs: number | undefined, saveMs: number): number | undefined {
    return roundTripMs === undefined ? undefined : ROUND_TRIPS_PER_HEIGHT * roundTripMs + saveMs + this.executionMs;
  }
}
