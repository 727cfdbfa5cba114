// What must have come of the day, computed in plain TypeScript from the community's files and the law: tally, bills, money.
// Never reads the ledger and knows none of its contracts: a fault in either shows as a difference.

import { type Community, endOfDayMs } from "./community.ts";
import { choiceOf, failingDevices, feeOf, payingUnits, priceOf } from "./plan.ts";

export interface Weight {
  readonly heads: number;
  /** cm2 */
  readonly area: number;
}

export interface ExpectedTally {
  readonly roll: Weight;
  readonly cast: Weight;
  readonly consenting: Weight;
  readonly against: Weight;
}

/** One of the four inequalities of art. 278: whether `left` times `by` suffices against `right` times `of`. */
export interface Inequality {
  readonly name: "quorum_area" | "quorum_heads" | "consent_area" | "consent_heads";
  readonly text: string;
  readonly holds: boolean;
}

export interface ExpectedMoney {
  /** sum of all bills */
  readonly billsFen: number;
  /** what the bank confirmed */
  readonly paidFen: number;
  /** what repairs cost */
  readonly repairsFen: number;
}

/** The vote as every head casts it; a head counts once, with the area of all its units. */
export function expectedTally(community: Community): ExpectedTally {
  const areas = new Map<string, number>();
  for (const { head, areaCm2 } of community.units) areas.set(head, (areas.get(head) ?? 0) + areaCm2);
  const all = [...areas].map(([head, area]) => ({ area, choice: choiceOf(head) }));
  const weigh = (votes: readonly { readonly area: number }[]): Weight => ({
    heads: votes.length,
    area: votes.reduce((sum, { area }) => sum + area, 0),
  });
  return {
    roll: weigh(all),
    cast: weigh(all),
    consenting: weigh(all.filter(({ choice }) => choice === "for")),
    against: weigh(all.filter(({ choice }) => choice === "against")),
  };
}

/** Civil Code art. 278 (2), for the matters decided by more than half of those who take part. */
export function generalMatter({ roll, cast, consenting }: ExpectedTally): readonly Inequality[] {
  const atLeast = (name: Inequality["name"], part: number, whole: number): Inequality => ({
    name,
    text: `3 × ${grouped(part)} ≥ 2 × ${grouped(whole)}`,
    holds: 3 * part >= 2 * whole,
  });
  const moreThanHalf = (name: Inequality["name"], part: number, whole: number): Inequality => ({
    name,
    text: `2 × ${grouped(part)} > ${grouped(whole)}`,
    holds: 2 * part > whole,
  });
  return [
    atLeast("quorum_area", cast.area, roll.area),
    atLeast("quorum_heads", cast.heads, roll.heads),
    moreThanHalf("consent_area", consenting.area, cast.area),
    moreThanHalf("consent_heads", consenting.heads, cast.heads),
  ];
}

/** @param reportedMs ledger time at which each device's fault was reported: it decides about the warranty */
export function expectedMoney(community: Community, reportedMs: ReadonlyMap<string, number>): ExpectedMoney {
  const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0);
  return {
    billsFen: sum(community.units.map((unit) => feeOf(unit, community))),
    paidFen: sum(payingUnits(community).map((unit) => feeOf(unit, community))),
    repairsFen: sum(
      failingDevices(community).map(({ id, warrantyUntil }) =>
        priceOf(id, (reportedMs.get(id) ?? 0) <= endOfDayMs(warrantyUntil)),
      ),
    ),
  };
}

/** 1234567 as 1,234,567. */
export function grouped(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ",");
}
