// Compares what the ledger holds with what the year's own books say, and keeps every difference with both figures.
// Decides nothing about either: a difference is a fault of the ledger, of a contract, or of the books.

import type { Fields } from "./ledger.ts";

type Plain = string | number | boolean;

/** Between the moment of a deed and the time of its block lie only the blocks of that moment, one ms each. */
const MOMENT_MS_MAX = 60_000;

export class Checks {
  made = 0;
  readonly differences: string[] = [];
  private readonly counts = new Map<string, number>();
  private area = "";

  /** What follows is counted under that name. */
  begin(area: string): void {
    this.area = area;
  }

  /** checks made by area, in the order in which they were made */
  get byArea(): ReadonlyMap<string, number> {
    return this.counts;
  }

  equal(what: string, expected: Plain | undefined, found: unknown): void {
    this.count();
    if (expected !== found) this.differ(what, expected, found);
  }

  /** A time that a block stamped: at that moment or within its blocks. */
  moment(what: string, expectedMs: number, found: unknown): void {
    this.count();
    const isNear = typeof found === "number" && found >= expectedMs && found < expectedMs + MOMENT_MS_MAX;
    if (!isNear) this.differ(what, expectedMs, found);
  }

  /** Fields of one row. @param row undefined: it is not there */
  row(what: string, expected: Readonly<Record<string, Plain>>, row: Fields | undefined): void {
    for (const [name, value] of Object.entries(expected)) this.equal(`${what} ${name}`, value, row?.[name]);
  }

  private count(): void {
    this.made += 1;
    this.counts.set(this.area, (this.counts.get(this.area) ?? 0) + 1);
  }

  private differ(what: string, expected: unknown, found: unknown): void {
    this.differences.push(
      `${this.area}: ${what}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`,
    );
  }
}

/** Rows of a table beyond those expected. */
export function checkCount(checks: Checks, what: string, expected: number, rows: ReadonlyMap<string, Fields>): void {
  checks.equal(`number of rows of ${what}`, expected, rows.size);
}
