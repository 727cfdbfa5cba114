// What is explored: every bound by name, and sets of them. Anything outside of them is not explored, and the output says so.

export interface Bounds {
  readonly name: string;
  /** index of the lying replica; replica v is primary of view v at height 1 */
  readonly liar: number;
  /** highest view per height, height 1 first */
  readonly viewMax: readonly number[];
  /** "quorum": votes arrive as certificates of q; "frame": each vote for itself */
  readonly votes: "quorum" | "frame";
  /** "at once": checks, executions, signatures and writes are answered before anything else happens; "any order": whenever */
  readonly answers: "at once" | "any order";
  /** of each honest replica, at any point between two happenings */
  readonly restarts: number;
}

const QUORUM = { votes: "quorum", answers: "at once", restarts: 0 } as const;
const EACH = { votes: "frame", answers: "at once", restarts: 0 } as const;
const LATE = { votes: "quorum", answers: "any order", restarts: 0 } as const;

/** Small enough for every run of the tests. */
export const SMALL: readonly Bounds[] = [{ ...QUORUM, name: "lying second primary", liar: 1, viewMax: [1] }];

export const EXPLORED: readonly Bounds[] = [
  { ...QUORUM, name: "lying first primary", liar: 0, viewMax: [1] },
  ...SMALL,
  { ...QUORUM, name: "lying first primary, restarts", liar: 0, viewMax: [1], restarts: 1 },
  { ...QUORUM, name: "lying second primary, restarts", liar: 1, viewMax: [1], restarts: 1 },
  { ...QUORUM, name: "two heights, lying first primary", liar: 0, viewMax: [1, 0] },
  { ...QUORUM, name: "two heights, lying second primary", liar: 1, viewMax: [1, 0] },
  { ...QUORUM, name: "two heights, two views of the second", liar: 1, viewMax: [0, 1] },
  { ...EACH, name: "each vote alone, lying first primary", liar: 0, viewMax: [0] },
  { ...EACH, name: "each vote alone, lying voter", liar: 3, viewMax: [0] },
  { ...LATE, name: "late answers, lying first primary", liar: 0, viewMax: [0] },
  { ...LATE, name: "late answers, lying voter", liar: 3, viewMax: [0] },
];

/** Too large for a run of minutes, by name only: a violation is found in them, its absence is not shown. */
export const DEEPER: readonly Bounds[] = [
  { ...QUORUM, name: "three views, lying first primary", liar: 0, viewMax: [2] },
  { ...QUORUM, name: "three views, lying second primary", liar: 1, viewMax: [2] },
  { ...QUORUM, name: "three views, lying third primary", liar: 2, viewMax: [2] },
];

export function describeBounds(bounds: Bounds): string {
  const { liar, viewMax, votes, answers, restarts } = bounds;
  const heights = viewMax.map((view, index) => `height ${index + 1} views 0-${view}`).join(", ");
  const arrival = votes === "quorum" ? "votes in quorums" : "every vote alone";
  return `replica ${liar} lies; ${heights}; ${arrival}; answers ${answers}; ${restarts} restarts each`;
}
