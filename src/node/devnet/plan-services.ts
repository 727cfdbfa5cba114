// The afternoon's plan: who offers what, which packages residents put together, how each visit ends, what the books and
// the supervision say. Decided by hashes of ids and by constants, never by the ledger: the summary recomputes from it.

import type { Community } from "./community.ts";
import { perMille, shuffled } from "./plan.ts";

export type ServiceKind = "cleaning" | "home_repair" | "elder_care";
/** How a visit ends: the resident accepts, says nothing for 72 hours, or disputes it. */
export type VisitEnd = "accepted" | "silent" | "disputed";

export interface PlannedOffer {
  readonly id: string;
  readonly organisation: "homecare" | "provider";
  readonly kind: ServiceKind;
  readonly hourFen: number;
  /** band, 0 is nearest */
  readonly distance: number;
}

export interface PlannedVisit {
  readonly offer: PlannedOffer;
  readonly minutes: number;
  /** fen, as quoted */
  readonly price: number;
  /** days after the first visit of its package */
  readonly day: number;
  readonly end: VisitEnd;
  /** fen that a mediation gives back */
  readonly refund: number;
  readonly stars: number;
}

export interface PlannedPackage {
  /** the head who puts it together */
  readonly resident: string;
  readonly unit: string;
  /** from 0; also that of the workers who come */
  readonly number: number;
  readonly visits: readonly PlannedVisit[];
}

export const OFFERS = [
  { id: "anxin-cleaning", organisation: "homecare", kind: "cleaning", hourFen: 4_500, distance: 1 },
  { id: "kuaixiu-cleaning", organisation: "provider", kind: "cleaning", hourFen: 5_200, distance: 0 },
  { id: "anxin-care", organisation: "homecare", kind: "elder_care", hourFen: 3_800, distance: 1 },
  { id: "kuaixiu-repair", organisation: "provider", kind: "home_repair", hourFen: 8_000, distance: 0 },
] as const satisfies readonly PlannedOffer[];
const [CLEANING, , CARE, REPAIR] = OFFERS;

const PACKAGES = 6;
/** Of the packages, those whose resident accepts the cleaning; the others say nothing. */
const CLEANING_ACCEPTED = 3;
const REFUND_PERCENT = 40;

/** Two of these residents ask the directory first: by price alone, and by all of its weights. */
export const MATCH_MODES = ["price", "composite"] as const;

/** Parking and advertising of the month, as the bank confirms it, by reference. */
export const PUBLIC_INCOME = [
  { reference: "PUB-1", way: "parking", fen: 1_680_000 },
  { reference: "PUB-2", way: "advertising", fen: 325_000 },
] as const;

/** Office supplies: entered ten times too high, reversed, entered again. */
export const SUPPLIES = { wrongFen: 30_000, rightFen: 3_000 } as const;

/** What the supervising authority records about the property company. */
export const ITEMS = [
  { id: "base-1", kind: "base", points: 78 },
  { id: "good-1", kind: "good", points: 6 },
  { id: "bad-1", kind: "bad", points: 5 },
] as const;

/** Six residents, each with a package of cleaning, care and repair by two providers. */
export function plannedPackages(community: Community): readonly PlannedPackage[] {
  const persons = new Set(community.heads.filter(({ kind }) => kind === "person").map(({ id }) => id));
  const homes = shuffled(
    community.units.filter(({ status, head }) => status === "delivered" && persons.has(head)),
    "packages",
  );
  const one = homes.filter(({ head }, index) => homes.findIndex((unit) => unit.head === head) === index);
  return one.slice(0, PACKAGES).map(({ id: unit, head: resident }, number) => ({
    resident,
    unit,
    number,
    visits: [
      visit(resident, CLEANING, { minutes: 120, day: 0, end: number < CLEANING_ACCEPTED ? "accepted" : "silent" }),
      visit(resident, CARE, { minutes: 60, day: 1, end: "accepted" }),
      visit(resident, REPAIR, { minutes: 90, day: 2, end: number === 0 ? "disputed" : "accepted" }),
    ],
  }));
}

/** Only what the resident agreed to is accepted by silence: never care, nor what is worth a dispute. */
export function isAcceptedInPerson({ end }: PlannedVisit): boolean {
  return end !== "silent";
}

function visit(
  resident: string,
  offer: PlannedOffer,
  given: Pick<PlannedVisit, "minutes" | "day" | "end">,
): PlannedVisit {
  const price = Math.floor((offer.hourFen * given.minutes + 30) / 60);
  const isDisputed = given.end === "disputed";
  return {
    ...given,
    offer,
    price,
    refund: isDisputed ? Math.floor((price * REFUND_PERCENT) / 100) : 0,
    stars: isDisputed ? 2 : 3 + (perMille(`stars:${resident}:${offer.id}`) % 3),
  };
}
