// The year's own ranking of offers: 40% rating, 25% on time, 20% price, 15% distance, and a lot among equals, as docs/domain.md 4.3
// has it (Directory). What is not published counts as the prior. Knows nothing of the ledger's contract of the directory.

import { createHash } from "node:crypto";
import type { Provider } from "../cast.ts";

export type Kind = "cleaning" | "home_repair" | "elder_care" | "meals";

export interface Offer {
  readonly id: string;
  readonly organisation: Provider;
  readonly kind: Kind;
  readonly hourFen: number;
  /** band, 0 to 3 */
  readonly distance: number;
}

export const OFFERS: readonly Offer[] = [
  { id: "offer-clean-one", organisation: "clean-one", kind: "cleaning", hourFen: 5_000, distance: 1 },
  { id: "offer-clean-two", organisation: "clean-two", kind: "cleaning", hourFen: 4_500, distance: 2 },
  { id: "offer-fixers", organisation: "fixers", kind: "home_repair", hourFen: 9_000, distance: 0 },
  { id: "offer-carers", organisation: "carers", kind: "elder_care", hourFen: 8_000, distance: 1 },
  { id: "offer-meals", organisation: "carers", kind: "meals", hourFen: 3_000, distance: 3 },
];

const WEIGHTS = { rating: 40, onTime: 25, price: 20, distance: 15 } as const;
const PRIOR_BP = 6_000;
const DISTANCE_STEP_BP = 3_000;

/** What is published of an organisation, in parts of ten thousand; undefined: too little is known. */
export interface Published {
  readonly ratingBp: number | undefined;
  readonly onTimeBp: number | undefined;
}

/** The offers, best first. */
export function rankOf(
  match: string,
  offers: readonly Offer[],
  publishedOf: (organisation: string) => Published,
): readonly Offer[] {
  const cheapest = Math.min(...offers.map(({ hourFen }) => hourFen));
  const pointsOf = ({ organisation, hourFen, distance }: Offer): number => {
    const { ratingBp = PRIOR_BP, onTimeBp = PRIOR_BP } = publishedOf(organisation);
    const price = WEIGHTS.price * Math.floor((cheapest * 10_000) / hourFen);
    const place = WEIGHTS.distance * (10_000 - DISTANCE_STEP_BP * distance);
    return Math.floor((WEIGHTS.rating * ratingBp + WEIGHTS.onTime * onTimeBp + price + place) / 100);
  };
  const lotOf = ({ organisation }: Offer): string =>
    createHash("sha256").update(`${match}/${organisation}`).digest("hex");
  return [...offers].sort((left, right) => pointsOf(right) - pointsOf(left) || (lotOf(left) < lotOf(right) ? -1 : 1));
}
