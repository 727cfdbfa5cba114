// What a run uses beside time: the dimensions in which it is bounded, and the limits of one transaction and of one block.
// Part of the language version: a change is a new version. It counts nothing itself; metered-overlay.ts does.

export interface Usage {
  /** steps, priced in gas.ts */
  readonly units: number;
  /** rows asked for, found or not */
  readonly reads: number;
  /** of the values found */
  readonly bytesRead: number;
  /** rows written or deleted, each time anew */
  readonly writes: number;
  /** of keys and values */
  readonly bytesWritten: number;
  readonly events: number;
  /** in code units of texts, bytes and items; encoded at most nine times as much, well below a receipt's bound */
  readonly eventBytes: number;
}

export type Dimension = keyof Usage;

/** The dimensions that a transaction does not choose itself, in the order in which they are judged. */
export const LIMITED = ["reads", "bytesRead", "writes", "bytesWritten", "events", "eventBytes"] as const;
export type LimitedDimension = (typeof LIMITED)[number];
export type Limits = Readonly<Record<LimitedDimension, number>>;

/** One transaction, or one run of a timer. Its steps are bounded by its own gas limit. */
export const TRANSACTION_LIMITS: Limits = Object.freeze({
  reads: 4096,
  bytesRead: 4 << 20,
  writes: 2048,
  bytesWritten: 1 << 20,
  events: 1024,
  eventBytes: 262_144,
});

/** All of a block together. Its steps are bounded by the parameter blockGasMax. */
export const BLOCK_LIMITS: Limits = Object.freeze({
  reads: 262_144,
  bytesRead: 128 << 20,
  writes: 131_072,
  bytesWritten: 32 << 20,
  events: 65_536,
  eventBytes: 16 << 20,
});

export const NO_USAGE: Usage = Object.freeze({
  units: 0,
  reads: 0,
  bytesRead: 0,
  writes: 0,
  bytesWritten: 0,
  events: 0,
  eventBytes: 0,
});

export function usage(parts: Partial<Usage>): Usage {
  return { ...NO_USAGE, ...parts };
}

export function addUsage(left: Usage, right: Usage): Usage {
  return {
    units: left.units + right.units,
    reads: left.reads + right.reads,
    bytesRead: left.bytesRead + right.bytesRead,
    writes: left.writes + right.writes,
    bytesWritten: left.bytesWritten + right.bytesWritten,
    events: left.events + right.events,
    eventBytes: left.eventBytes + right.eventBytes,
  };
}
