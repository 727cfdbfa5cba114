// What a machine has on its disks when it comes back: by chance in most runs, ordered where every case is tried.
// Knows the disks' questions ("how many of so many?"), none of their formats.

/** What is being written when a process can end. */
export const WRITE_KINDS = ["store write", "store sync", "vote record", "snapshot folder"] as const;
export type WriteKind = (typeof WRITE_KINDS)[number];

/**
 * "killed": the process ends, and the machine writes all that it was handed. The others are power cuts: of what was not synced
 * nothing is on the disk, or half, torn where it may be.
 */
export const FATES = ["killed", "nothing", "half"] as const;
export type Fate = (typeof FATES)[number];

/** A cut at the nth write of one machine. */
export interface WriteCut {
  readonly node: number;
  readonly write: number;
  readonly downMs: number;
  /** at the beginning of the write, and with this outcome; undefined: somewhere in it, and by chance */
  readonly fate?: Fate;
  /** all machines together */
  readonly isEverywhere?: boolean;
}

/** How many of `count` possibilities, beginning with none, come to pass. */
export type Draw = (count: number) => number;

export function drawOf(fate: Exclude<Fate, "killed">): Draw {
  return fate === "nothing" ? () => 0 : (count) => count >> 1;
}
