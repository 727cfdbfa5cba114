// The year's own count of votes, from the Civil Code, art. 278, as docs/domain.md 1.1 has it. Whole numbers only.
// Knows nothing of the ledger's contracts: it is told who stands on the roll, who took part, and how.

export type Choice = "for" | "against" | "abstain";

export interface Weight {
  heads: number;
  /** cm2 */
  area: number;
}

export interface Tally {
  readonly roll: Weight;
  readonly cast: Weight;
  readonly for: Weight;
  readonly against: Weight;
  readonly abstain: Weight;
}

export function tallyOf(roll: ReadonlyMap<string, number>, ballots: ReadonlyMap<string, Choice>): Tally {
  const tally = { roll: none(), cast: none(), for: none(), against: none(), abstain: none() };
  for (const [head, area] of roll) {
    add(tally.roll, area);
    const choice = ballots.get(head);
    if (choice === undefined) continue;
    add(tally.cast, area);
    add(tally[choice], area);
  }
  return tally;
}

/** Why a matter is carried or not. Two thirds take part in area and heads; more than half of them agree, or three quarters. */
export function outcomeOf(tally: Tally, isSpecial: boolean): string {
  const { roll, cast } = tally;
  const quorum = { area: 3 * cast.area >= 2 * roll.area, heads: 3 * cast.heads >= 2 * roll.heads };
  if (!quorum.area || !quorum.heads) return `quorum_${missing(quorum)}`;
  const agrees = (part: number, whole: number): boolean => (isSpecial ? 4 * part >= 3 * whole : 2 * part > whole);
  const consent = { area: agrees(tally.for.area, cast.area), heads: agrees(tally.for.heads, cast.heads) };
  return consent.area && consent.heads ? "carried" : `consent_${missing(consent)}`;
}

function missing({ area, heads }: { readonly area: boolean; readonly heads: boolean }): string {
  if (area) return "heads";
  return heads ? "area" : "both";
}

function none(): Weight {
  return { heads: 0, area: 0 };
}

function add(weight: Weight, area: number): void {
  weight.heads += 1;
  weight.area += area;
}
