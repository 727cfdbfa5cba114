// What ended orders and their ratings come to: figures and scores of every organisation, reckoned from what happened.
// Other parts say what ended; who rates, replies and corrects is played here.

import type { Unit } from "../../../src/node/devnet/community.ts";
import { type Checks, checkCount } from "../checks.ts";
import { at, DAY_MS, firstDayOf, HOUR_MS, SETTLED_MS } from "../days.ts";
import type { Fields, Ledger } from "../ledger.ts";
import type { Part, Year } from "../part.ts";
import { call } from "../world.ts";
import type { Owners } from "./owners.ts";

export type Source = "home-service" | "repair-orders" | "device-repair";

export interface Ended {
  readonly order: string;
  readonly organisation: string;
  /** who may rate; "": nobody */
  readonly resident: string;
  readonly outcome: "done" | "absent" | "disputed";
  readonly isOnTime: boolean;
  readonly price: number;
  readonly refunded: number;
}

interface Rating {
  readonly source: Source;
  readonly ended: Ended;
  stars: number;
  corrections: number;
  state: "submitted" | "replied" | "closed";
}

const RATED_PER_MILLE = 620;
const SURVEYS_A_MONTH = 73;
const SURVEY_DAY = 16;
const REPLY_MS_MAX = 10 * DAY_MS;
/** docs/domain.md, Evaluation: score_bp = (20 * prior_bp + sum of stars * 2000) / (20 + n), published from 10 ratings on */
const PRIOR_WEIGHT = 20;
const PRIOR_BP = 6_000;
const PUBLISH_MIN = 10;

interface Figures {
  ended: number;
  onTime: number;
  failed: number;
  redressed: number;
  price: number;
  refunded: number;
  unanswered: number;
}

export class Ratings implements Part {
  readonly title = { zh: "服务评价", en: "Ratings" };
  private readonly year: Year;
  private readonly owners: Owners;
  /** stars of the firm */
  private readonly surveys: number[] = [];
  private readonly endings: { readonly source: Source; readonly ended: Ended }[] = [];
  private readonly ratings: Rating[] = [];
  private readonly unanswered = new Map<string, number>();
  private corrections = 0;

  constructor(year: Year, owners: Owners) {
    this.year = year;
    this.owners = owners;
  }

  /** What ends elsewhere is rated; the firm itself is asked about, a few units each month. */
  play(): void {
    const { world, days, draw, share, cast } = this.year;
    const homes = draw.shuffled(
      cast.community.units.filter((unit) => unit.status === "delivered" && !this.owners.isSold(unit)),
      "surveys",
    );
    const surveys = Math.round(SURVEYS_A_MONTH * share);
    for (let month = 1; firstDayOf(month) + SURVEY_DAY < days; month += 1) {
      // A unit answers once a quarter: each month of a quarter asks others.
      const first = ((month - 1) % 3) * surveys;
      for (const unit of homes.slice(first, first + surveys)) world.play(() => this.survey(unit, month));
    }
  }

  private async survey(unit: Unit, month: number): Promise<void> {
    const { world, draw } = this.year;
    const label = `${unit.id}:${month}`;
    const day = firstDayOf(month) + SURVEY_DAY;
    await world.until(at(day, 12 + draw.below(8, `survey-hour:${label}`)));
    const stars = draw.pick([1, 2, 3, 3, 4, 4, 5], `survey:${label}`);
    const answer = { unit: unit.id, stars, text: draw.digest(`survey-words:${label}`) };
    const owner = unit.head;
    await world.act(owner, "service-rating.survey", answer);
    this.surveys.push(stars);
    if (!draw.chance(30, `survey-twice:${label}`)) return;
    await world.expectRefusal({ account: owner, calls: [call("service-rating.survey", answer)] });
  }

  /** An order has ended: some of those who ordered say how it was. */
  ended(source: Source, ended: Ended): void {
    this.endings.push({ source, ended });
    const { draw, world } = this.year;
    if (ended.resident === "" || ended.outcome === "absent") return;
    if (!draw.chance(RATED_PER_MILLE, `rates:${source}:${ended.order}`)) return;
    world.play(() => this.rate(source, ended));
  }

  scoreOf(organisation: string): number | undefined {
    const of = this.ratings.filter(({ ended }) => ended.organisation === organisation);
    if (of.length < PUBLISH_MIN) return undefined;
    return scoreOf(of.map(({ stars }) => stars));
  }

  /** In parts of ten thousand; undefined: too few orders have ended. */
  onTimeOf(organisation: string): number | undefined {
    const of = this.endings.filter(({ ended }) => ended.organisation === organisation);
    if (of.length < PUBLISH_MIN) return undefined;
    return Math.floor((of.filter(({ ended }) => ended.isOnTime).length * 10_000) / of.length);
  }

  private async rate(source: Source, ended: Ended): Promise<void> {
    const { world, draw } = this.year;
    const label = `${source}:${ended.order}`;
    await world.until(world.nowMs + (1 + draw.below(100, `rate-after:${label}`)) * HOUR_MS);
    const stars =
      ended.outcome === "disputed"
        ? 1 + draw.below(3, `stars:${label}`)
        : draw.pick([2, 3, 4, 4, 5, 5, 5], `stars:${label}`);
    const text = draw.digest(`words:${label}`);
    await world.act(ended.resident, "service-rating.rate", { source, order: ended.order, stars, text });
    const rating: Rating = { source, ended, stars, corrections: 0, state: "submitted" };
    this.ratings.push(rating);
    const ratedMs = world.nowMs;
    if (draw.chance(50, `rate-twice:${label}`)) {
      const again = call("service-rating.rate", { source, order: ended.order, stars: 5, text });
      await world.expectRefusal({ account: ended.resident, calls: [again] });
    }
    if (draw.chance(60, `corrects:${label}`)) {
      await world.until(ratedMs + 5 * HOUR_MS);
      const better = 1 + draw.below(5, `corrected:${label}`);
      const corrected = { source, order: ended.order, stars: better, text: draw.digest(`corrected-words:${label}`) };
      await world.act(ended.resident, "service-rating.correct", corrected);
      rating.stars = better;
      rating.corrections += 1;
      this.corrections += 1;
    }
    await this.answer(rating, ratedMs);
  }

  // Ten days to answer; silence is counted.
  private async answer(rating: Rating, ratedMs: number): Promise<void> {
    const { world, draw } = this.year;
    const { source, ended } = rating;
    const replier = replierOf(ended.organisation);
    if (replier !== undefined && draw.chance(400, `replies:${source}:${ended.order}`)) {
      await world.until(ratedMs + 2 * DAY_MS);
      const text = draw.digest(`reply:${ended.order}`);
      await world.act(replier, "service-rating.reply", { source, order: ended.order, text });
      rating.state = "replied";
    }
    await world.until(ratedMs + REPLY_MS_MAX + SETTLED_MS);
    if (rating.state === "submitted")
      this.unanswered.set(ended.organisation, (this.unanswered.get(ended.organisation) ?? 0) + 1);
    rating.state = "closed";
  }

  async check(checks: Checks, ledger: Ledger): Promise<void> {
    const organisations = new Set(this.endings.map(({ ended }) => ended.organisation));
    await ledger.each(this.endings, async ({ source, ended }) => {
      const { order, organisation, outcome, isOnTime, price, refunded } = ended;
      const expected = { organisation, outcome, on_time: isOnTime, price, refunded };
      checks.row(`ended ${source} ${order}`, expected, await ledger.row("service-rating.ended", source, order));
    });
    await ledger.each(this.ratings, async ({ source, ended, stars, corrections, state }) => {
      const { order, organisation, resident } = ended;
      const expected = { organisation, resident, stars, corrections, state };
      checks.row(`rating ${source} ${order}`, expected, await ledger.row("service-rating.rating", source, order));
    });
    for (const organisation of organisations) {
      checks.row(
        `figures of ${organisation}`,
        this.figuresOf(organisation),
        await ledger.row("service-rating.figures", organisation),
      );
      const stars = this.ratings
        .filter(({ ended }) => ended.organisation === organisation)
        .map((rating) => rating.stars);
      checkStanding(
        checks,
        `standing of ${organisation}`,
        stars,
        await ledger.row("service-rating.standing", organisation, "orders"),
      );
    }
    checkStanding(
      checks,
      "surveys of the firm",
      this.surveys,
      await ledger.row("service-rating.standing", "property", "surveys"),
    );
    checkCount(checks, "surveys", this.surveys.length, await ledger.list("service-rating.survey"));
    checkCount(checks, "ended orders", this.endings.length, await ledger.list("service-rating.ended"));
    checkCount(checks, "ratings", this.ratings.length, await ledger.list("service-rating.rating"));
    checkCount(checks, "corrections", this.corrections, await ledger.list("service-rating.correction"));
  }

  figures(): readonly string[] {
    const organisations = [...new Set(this.endings.map(({ ended }) => ended.organisation))].sort();
    const scores = organisations.map((id) => `${id} ${((this.scoreOf(id) ?? 0) / 100).toFixed(2)}`).join(", ");
    return [
      `结束工单 ended orders ${this.endings.length}; 评价 ratings ${this.ratings.length}, 问卷 surveys ${this.surveys.length}; 得分 scores ${scores}`,
    ];
  }

  private figuresOf(organisation: string): Readonly<Record<string, number | string>> {
    const sums: Figures = {
      ended: 0,
      onTime: 0,
      failed: 0,
      redressed: 0,
      price: 0,
      refunded: 0,
      unanswered: this.unanswered.get(organisation) ?? 0,
    };
    for (const { ended } of this.endings) {
      if (ended.organisation !== organisation) continue;
      const hasFailed = ended.outcome !== "done";
      sums.ended += 1;
      sums.onTime += ended.isOnTime ? 1 : 0;
      sums.failed += hasFailed ? 1 : 0;
      sums.redressed += hasFailed && ended.refunded > 0 ? 1 : 0;
      sums.price += ended.price;
      sums.refunded += ended.refunded;
    }
    const { ended, onTime, failed, redressed, price, refunded, unanswered } = sums;
    const isPublished = ended >= PUBLISH_MIN;
    return {
      ended,
      on_time: onTime,
      failed,
      redressed,
      price,
      refunded,
      unanswered,
      on_time_bp: isPublished ? Math.floor((onTime * 10_000) / ended) : 0,
      redress_bp: isPublished && failed > 0 ? Math.floor((redressed * 10_000) / failed) : 0,
      state: isPublished ? "published" : "gathering",
    };
  }
}

function checkStanding(checks: Checks, what: string, stars: readonly number[], row: Fields | undefined): void {
  if (stars.length === 0) return checks.equal(what, undefined, row?.ratings);
  const isPublished = stars.length >= PUBLISH_MIN;
  const sum = stars.reduce((total, one) => total + one, 0);
  const score_bp = isPublished ? scoreOf(stars) : 0;
  const state = isPublished ? "published" : "gathering";
  checks.row(what, { ratings: stars.length, stars: sum, score_bp, state }, row);
}

function scoreOf(stars: readonly number[]): number {
  const sum = stars.reduce((total, one) => total + one, 0);
  return Math.floor((PRIOR_WEIGHT * PRIOR_BP + sum * 2_000) / (PRIOR_WEIGHT + stars.length));
}

/** Who answers for an organisation. */
function replierOf(organisation: string): string | undefined {
  if (organisation === "property") return "pm-manager";
  return organisation === "provider" ? "repairer" : `${organisation}-office`;
}
