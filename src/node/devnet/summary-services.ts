// Whether packages, payments, ratings and rankings on the ledger are what the plan and the law say.
// Which visits took place is read, because this machine's speed decides it; everything that follows is computed.

import type { Community } from "./community.ts";
import { bundleOf, orderOf, ROUNDS_MAX } from "./day-packages.ts";
import { matchOf } from "./day-services.ts";
import { type Candidate, expectedRanking, expectedScore, expectedServices } from "./expected.ts";
import { MATCH_MODES, OFFERS, type PlannedVisit, plannedPackages } from "./plan-services.ts";
import type { RowFields } from "./reader.ts";
import type { StepReader } from "./steps.ts";
import { differences } from "./summary-text.ts";

const SOURCE = "home-service";
export const PROVIDERS = ["homecare", "provider"] as const;

export interface ServicesChecked {
  readonly ok: boolean;
  readonly packages: number;
  readonly escrowFen: number;
  readonly paidFen: number;
  readonly refundedFen: number;
  readonly visits: number;
  readonly missed: number;
  readonly silent: number;
  readonly ratings: number;
  /** of the provider with ten ratings and more */
  readonly scoreBp: number;
  readonly problems: readonly string[];
}

interface Ended {
  readonly planned: PlannedVisit;
  readonly order: string;
  readonly fields: RowFields;
}

export async function checkServices({
  community,
  reader,
}: {
  readonly community: Community;
  readonly reader: StepReader;
}): Promise<ServicesChecked> {
  const problems: string[] = [];
  const packages = await readPackages(community, reader);
  const served = packages.orders.filter(({ fields }) => fields.state === "settled");
  const missed = packages.orders.filter(({ fields }) => fields.state === "refunded");
  const expected = expectedServices(
    served.map(({ planned }) => planned),
    missed.map(({ planned }) => planned),
  );
  problems.push(
    ...differences("packages", packages, {
      paidFen: expected.paidFen,
      refundedFen: expected.refundedFen,
      escrowFen: expected.paidFen + expected.refundedFen,
    }),
  );
  for (const { order, planned, fields } of served)
    problems.push(...differences(order, fields, { price: planned.price, refunded: planned.refund }));
  const ratings = await checkRatings(reader, served, problems);
  for (const [index, mode] of MATCH_MODES.entries())
    await checkMatch(reader, { mode, resident: plannedPackages(community)[index]?.resident ?? "" }, problems);
  return {
    ok: problems.length === 0 && served.length > 0,
    packages: packages.packages,
    escrowFen: packages.escrowFen,
    paidFen: packages.paidFen,
    refundedFen: packages.refundedFen,
    visits: served.length,
    missed: missed.length,
    silent: served.filter(({ planned }) => planned.end === "silent").length,
    ...ratings,
    problems,
  };
}

/** Every package of every round that was paid for, and the orders in it. */
async function readPackages(community: Community, reader: StepReader) {
  const found = { packages: 0, escrowFen: 0, paidFen: 0, refundedFen: 0 };
  const orders: Ended[] = [];
  const bundles = await reader.rows("home-service", "bundle");
  for (const plan of plannedPackages(community)) {
    for (let round = 1; round <= ROUNDS_MAX; round += 1) {
      const id = bundleOf(round, plan);
      if (!bundles.has(id)) continue;
      const bundle = (await reader.row("home-service", "bundle", [id])) ?? {};
      if (bundle.state !== "closed") continue;
      found.packages += 1;
      found.escrowFen += Number(bundle.price);
      found.paidFen += Number(bundle.paid_out);
      found.refundedFen += Number(bundle.paid_back);
      for (const planned of plan.visits) {
        const order = orderOf(round, plan, planned);
        const fields = await reader.row("home-service", "order", [order]);
        if (fields !== undefined) orders.push({ planned, order, fields });
      }
    }
  }
  return { ...found, orders };
}

async function checkRatings(
  reader: StepReader,
  served: readonly Ended[],
  problems: string[],
): Promise<{ readonly ratings: number; readonly scoreBp: number }> {
  const stars = new Map<string, number[]>(PROVIDERS.map((organisation) => [organisation, []]));
  const rated = await reader.rows("service-rating", "rating");
  for (const { order, planned } of served) {
    if (!rated.has([SOURCE, order].join("\n"))) continue;
    const rating = (await reader.row("service-rating", "rating", [SOURCE, order])) ?? {};
    problems.push(...differences(order, rating, { stars: planned.stars }));
    stars.get(planned.offer.organisation)?.push(planned.stars);
  }
  for (const [organisation, given] of stars) {
    if (given.length === 0) continue;
    const standing = (await reader.row("service-rating", "standing", [organisation, "orders"])) ?? {};
    const sum = given.reduce((total, star) => total + star, 0);
    const wanted = { ratings: given.length, stars: sum, score_bp: expectedScore(given) };
    problems.push(...differences(organisation, standing, wanted));
  }
  const ratings = [...stars.values()].reduce((sum, { length }) => sum + length, 0);
  return {
    ratings,
    scoreBp: Number((await reader.row("service-rating", "standing", ["homecare", "orders"]))?.score_bp),
  };
}

/** The candidates as the ledger filled them in, ranked again. */
async function checkMatch(
  reader: StepReader,
  { mode, resident }: { readonly mode: string; readonly resident: string },
  problems: string[],
): Promise<void> {
  const id = matchOf(mode);
  const match = (await reader.row("service-directory", "match", [id])) ?? {};
  const candidates: Candidate[] = [];
  for (const { id: offer, organisation, hourFen, distance, kind } of OFFERS) {
    if (kind !== "cleaning") continue;
    const row = (await reader.row("service-directory", "candidate", [id, offer])) ?? {};
    problems.push(...differences(`${id} ${offer}`, row, { organisation, hour_fen: hourFen, eligible: true }));
    const distanceBp = 10_000 - 3_000 * distance;
    candidates.push({
      offer,
      organisation,
      hourFen,
      rating: Number(row.rating_bp),
      onTime: Number(row.on_time_bp),
      distance: distanceBp,
    });
  }
  const ranked = expectedRanking(id, mode, candidates);
  problems.push(
    ...differences(
      id,
      { resident: match.resident, offers: String(match.offers), scores: String(match.scores) },
      {
        resident,
        offers: String(ranked.map(({ offer }) => offer)),
        scores: String(ranked.map(({ score }) => score)),
      },
    ),
  );
}
