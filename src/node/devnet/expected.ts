// What must have come of the day, computed in plain TypeScript from the community's files and the law: tally, bills, money.
// Never reads the ledger and knows none of its contracts: a fault in either shows as a difference.

import { sha256 } from "#sha256";
import { compareBytes } from "../../ledger/hash.ts";
import { type Community, endOfDayMs } from "./community.ts";
import { choiceOf, failingDevices, feeOf, payingUnits, priceOf } from "./plan.ts";
import { ITEMS, type PlannedVisit, PUBLIC_INCOME, SUPPLIES } from "./plan-services.ts";

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

export interface ExpectedServices {
  /** what providers get, fen */
  readonly paidFen: number;
  /** what residents get back, fen: by mediation, and for visits that were missed */
  readonly refundedFen: number;
}

/** Of the packages: every visit is paid once, when it took place, less what a mediation gave back. */
export function expectedServices(served: readonly PlannedVisit[], missed: readonly PlannedVisit[]): ExpectedServices {
  return {
    paidFen: served.reduce((sum, { price, refund }) => sum + price - refund, 0),
    refundedFen:
      served.reduce((sum, { refund }) => sum + refund, 0) + missed.reduce((sum, { price }) => sum + price, 0),
  };
}

/** A score of 10,000 from ratings, with twenty of three stars beforehand; none is published from fewer than ten. */
export function expectedScore(stars: readonly number[]): number {
  const sum = stars.reduce((total, star) => total + star, 0);
  return stars.length < 10 ? 0 : Math.floor((20 * 6_000 + sum * 2_000) / (20 + stars.length));
}

export interface Candidate {
  readonly offer: string;
  readonly organisation: string;
  readonly hourFen: number;
  /** of 10,000 each */
  readonly rating: number;
  readonly onTime: number;
  readonly distance: number;
}

/** The order of a match: 40 % rating, 25 % punctuality, 20 % price, 15 % distance, or price alone; then by lot. */
export function expectedRanking(
  match: string,
  mode: string,
  candidates: readonly Candidate[],
): readonly { readonly offer: string; readonly score: number }[] {
  const cheapest = Math.min(...candidates.map(({ hourFen }) => hourFen));
  return candidates
    .map(({ offer, organisation, hourFen, rating, onTime, distance }) => {
      const price = Math.floor((cheapest * 10_000) / hourFen);
      const score =
        mode === "price" ? price : Math.floor((40 * rating + 25 * onTime + 20 * price + 15 * distance) / 100);
      return { offer, score, lot: sha256(new TextEncoder().encode(`${match}/${organisation}`)) };
    })
    .sort((left, right) => right.score - left.score || compareBytes(left.lot, right.lot))
    .map(({ offer, score }) => ({ offer, score }));
}

export interface ExpectedBook {
  /** code, debit, credit of each account that moved, fen */
  readonly lines: readonly (readonly [code: string, debit: number, credit: number])[];
  readonly income: number;
  readonly expense: number;
  /** entries that somebody else approved */
  readonly entries: number;
}

/** The month's statements: what was billed, paid and repaired; the entry that was reversed leaves nothing. */
export function expectedBooks({
  billsFen,
  paidFen,
  repairsFen,
}: ExpectedMoney): Readonly<Record<"operating" | "public", ExpectedBook>> {
  const supplies = SUPPLIES.rightFen;
  const income = PUBLIC_INCOME.reduce((sum, { fen }) => sum + fen, 0);
  const repaired = repairsFen > 0;
  return {
    operating: {
      lines: [
        ["1002", paidFen, repairsFen + supplies],
        ["1122", billsFen, paidFen],
        ["6001", 0, billsFen],
        ...(repaired ? [["6401", repairsFen, 0] as const] : []),
        ["6602", supplies, 0],
      ],
      income: billsFen,
      expense: repairsFen + supplies,
      entries: repaired ? 6 : 5,
    },
    public: {
      lines: [
        ["P1002", income, 0],
        ["P6001", 0, income],
      ],
      income,
      expense: 0,
      entries: 1,
    },
  };
}

/** Base and good points (at most 40 count) less bad ones, of the items that are confirmed and have not lapsed. */
export function expectedCredit(confirmed: ReadonlySet<string>): { readonly score: number; readonly grade: string } {
  const points = (of: string) =>
    ITEMS.filter(({ id, kind }) => kind === of && confirmed.has(id)).reduce((sum, item) => sum + item.points, 0);
  const score = Math.max(0, points("base") + Math.min(40, points("good")) - points("bad"));
  const grades: readonly (readonly [number, string])[] = [
    [85, "AAA"],
    [80, "AA"],
    [70, "A"],
    [60, "B"],
  ];
  return { score, grade: grades.find(([from]) => score >= from)?.[1] ?? "C" };
}

/** 1234567 as 1,234,567. */
export function grouped(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ",");
}
