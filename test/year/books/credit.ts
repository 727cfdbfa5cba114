// The year's own credit score: a base of at most 80, good items that count up to 40, less bad ones; each lapses after a year.
// As docs/domain.md 1.2 has it; knows nothing of the ledger's contract of supervision.

export interface Item {
  readonly kind: "base" | "good" | "bad";
  readonly points: number;
}

export interface Credit {
  readonly base: number;
  readonly good: number;
  readonly goodCounts: number;
  readonly bad: number;
  readonly score: number;
  readonly grade: "AAA" | "AA" | "A" | "B" | "C";
}

const GOOD_MAX = 40;
const GRADES = [
  ["AAA", 85],
  ["AA", 80],
  ["A", 70],
  ["B", 60],
] as const;

/** @param items confirmed ones; the last base counts */
export function creditOf(items: readonly Item[]): Credit {
  const sum = (kind: Item["kind"]): number =>
    items.reduce((total, item) => (item.kind === kind ? total + item.points : total), 0);
  const base = items.findLast(({ kind }) => kind === "base")?.points ?? 0;
  const good = sum("good");
  const bad = sum("bad");
  const goodCounts = Math.min(good, GOOD_MAX);
  const score = Math.max(0, base + goodCounts - bad);
  const grade = GRADES.find(([, least]) => score >= least)?.[0] ?? "C";
  return { base, good, goodCounts, bad, score, grade };
}
