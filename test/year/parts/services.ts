// Services at home: packages ordered by residents, quoted, paid into escrow, visited with codes at the door, accepted by people
// or by silence, cancelled, missed and disputed; and the ranking of offers. What each must pay out and back is reckoned here.

import { createHash } from "node:crypto";
import type { Unit } from "../../../src/node/devnet/community.ts";
import { type Kind, OFFERS, type Offer, rankOf } from "../books/ranking.ts";
import { PROVIDERS, technicianOf } from "../cast.ts";
import { type Checks, checkCount } from "../checks.ts";
import { at, DAY_MS, HOUR_MS, MINUTE_MS, SETTLED_MS } from "../days.ts";
import type { Ledger } from "../ledger.ts";
import type { MoneyBook, Part, Year } from "../part.ts";
import { call } from "../world.ts";
import type { Owners } from "./owners.ts";
import type { Ratings } from "./ratings.ts";

const ORDERS_A_MONTH = 150;
const SILENT_MS = 72 * HOUR_MS;
/** What the ledger does by itself is in the books by then. */
const MATCHED_MINUTE = 50;
const PUNCTUAL_MS = 10 * MINUTE_MS;

interface Order {
  readonly id: string;
  readonly offer: Offer;
  readonly resident: string;
  readonly startsMs: number;
  readonly minutes: number;
  readonly price: number;
  readonly isInPerson: boolean;
  refunded: number;
  state: "requested" | "quoted" | "scheduled" | "in_service" | "delivered" | "settled" | "disputed" | "refunded";
}

interface Match {
  readonly id: string;
  readonly ranked: readonly string[];
}

export class Services implements Part {
  readonly title = { zh: "上门服务与自动付款", en: "Services at home, paid by the ledger" };
  private readonly year: Year;
  private readonly owners: Owners;
  private readonly ratings: Ratings;
  private readonly orders: Order[] = [];
  private readonly matches: Match[] = [];
  /** by technician: visits as [from, until] */
  private readonly visits = new Map<string, (readonly [number, number])[]>();
  /** what the bank has paid out: by `payout/organisation` and `refund/resident` */
  private readonly paid = new Map<string, number>();
  private readonly funded = new Set<string>();
  private transfers = 0;

  constructor(year: Year, owners: Owners, ratings: Ratings) {
    this.year = year;
    this.owners = owners;
    this.ratings = ratings;
  }

  play(): void {
    const { world, days, share, draw, cast } = this.year;
    world.play(() => this.openDirectory());
    const homes = cast.community.units.filter((unit) => unit.status === "delivered" && !this.owners.isSold(unit));
    const orders = Math.round((ORDERS_A_MONTH * share * days) / 30);
    for (let index = 0; index < orders; index += 1) {
      const unit = draw.pick(homes, `service-unit:${index}`);
      const day = 1 + draw.below(Math.max(1, days - 1), `service-day:${index}`);
      world.play(() => this.order(index, unit, day));
    }
    for (let day = 20; day < days; day += 30) world.play(() => this.payOut(day));
  }

  private async openDirectory(): Promise<void> {
    const { world, draw } = this.year;
    await world.until(at(0, 8));
    await Promise.all(
      PROVIDERS.map(async (organisation) => {
        const controller = draw.digest(`controller:${organisation}`);
        await world.act("regulator", "service-directory.register_operator", { organisation, controller });
        for (const offer of OFFERS.filter((one) => one.organisation === organisation)) await this.list(offer);
      }),
    );
    for (const { organisation, kind } of OFFERS) {
      for (let index = 0; index < 4; index += 1) {
        const worker = technicianOf(organisation, index);
        const papers = draw.digest(`papers:${worker}:${kind}`);
        await world.act("regulator", "service-directory.record_capability", {
          worker,
          kind,
          papers,
          until: at(900, 0),
        });
      }
    }
  }

  private async list(offer: Offer): Promise<void> {
    const { world, draw, code } = this.year;
    const { id, organisation, kind, hourFen, distance } = offer;
    const office = `${organisation}-office`;
    const terms = this.termsOf(offer);
    const licence = { organisation, kind, papers: draw.digest(`licence:${id}`), until: at(900, 0) };
    await world.act("regulator", "service-directory.record_licence", licence);
    await world.act(office, "service-directory.make_offer", {
      id,
      community: code,
      kind,
      hour_fen: hourFen,
      subsidised: false,
      distance,
      capacity: 1_000,
      redo_days: 30,
      terms,
    });
    await world.act("committee-chair", "service-directory.approve_offer", { id, hour_fen: hourFen, distance, terms });
    await world.act(office, "service-directory.list_offer", { id });
  }

  private termsOf({ id }: Offer): Uint8Array {
    return this.year.draw.digest(`terms:${id}`);
  }

  private async order(index: number, unit: Unit, day: number): Promise<void> {
    const { world, draw, cast } = this.year;
    const resident = cast.residentOf(unit);
    const hour = 7 + draw.below(6, `service-hour:${index}`);
    await world.until(at(day, hour));
    const kind = draw.pick<Kind>(["cleaning", "cleaning", "home_repair", "elder_care", "meals"], `kind:${index}`);
    let offer = draw.pick(
      OFFERS.filter((one) => one.kind === kind),
      `offer:${index}`,
    );
    if (draw.chance(200, `match:${index}`)) {
      await world.until(at(day, hour, MATCHED_MINUTE));
      offer = await this.match(`match-${index}`, kind, resident);
    }
    const minutes = draw.pick([60, 120, 180], `minutes:${index}`);
    // Some are late by half an hour: the ledger's people come at full hours.
    const isLate = draw.chance(100, `late:${index}`);
    const startsMs = at(
      day + 1 + draw.below(4, `visit-day:${index}`),
      14 + draw.below(5, `visit-hour:${index}`),
      isLate ? 30 : 0,
    );
    const isInPerson = kind === "elder_care" || draw.chance(600, `in-person:${index}`);
    const price = Math.floor((2 * offer.hourFen * minutes + 60) / 120);
    const order: Order = {
      id: `s-${index}`,
      offer,
      resident,
      startsMs,
      minutes,
      price,
      isInPerson,
      refunded: 0,
      state: "requested",
    };
    await this.agree(order, unit);
    await this.fund(order);
    await this.visit(order, index);
  }

  /** All listed offers of the kind, ranked by the ledger and here. */
  private async match(id: string, kind: Kind, resident: string): Promise<Offer> {
    const { world, code } = this.year;
    const offers = OFFERS.filter((offer) => offer.kind === kind);
    await world.act(resident, "service-directory.open_match", { id, community: code, kind, mode: "composite" });
    for (const offer of offers) await world.act(resident, "service-directory.nominate", { match: id, offer: offer.id });
    const ranked = rankOf(id, offers, (organisation) => ({
      ratingBp: this.ratings.scoreOf(organisation),
      onTimeBp: this.ratings.onTimeOf(organisation),
    }));
    await world.act(resident, "service-directory.rank", { match: id });
    this.matches.push({ id, ranked: ranked.map((offer) => offer.id) });
    const [best] = ranked;
    if (best === undefined) throw new RangeError(`no offer of ${kind}`);
    return best;
  }

  private async agree(order: Order, unit: Unit): Promise<void> {
    const { world } = this.year;
    const { id, offer, resident, startsMs, minutes, price, isInPerson } = order;
    await world.act(resident, "home-service.compose", { bundle: id, unit: unit.id });
    await world.act(resident, "home-service.add_item", {
      bundle: id,
      order: id,
      offer: offer.id,
      hour_fen: offer.hourFen,
      terms: this.termsOf(offer),
      starts: startsMs,
      minutes,
      in_person: isInPerson,
      arrival: sha256Of(this.codeOf(order, "arrival")),
      departure: sha256Of(this.codeOf(order, "departure")),
    });
    this.orders.push(order);
    await world.until(nextHour(world.nowMs));
    await world.act(`${offer.organisation}-office`, "home-service.quote", { order: id });
    order.state = "quoted";
    await world.until(nextHour(world.nowMs));
    await world.act(resident, "home-service.agree", { bundle: id, items: 1, price });
  }

  private async fund({ id, price }: Order): Promise<void> {
    const { world } = this.year;
    await world.until(nextHour(world.nowMs));
    const notice = { bundle: id, bank_ref: `S-${id}`, fen: price };
    await world.act("bank-teller", "home-service.confirm_funding", notice);
    this.transfers += 1;
    this.funded.add(id);
  }

  private async visit(order: Order, index: number): Promise<void> {
    const { world, draw } = this.year;
    const { id, offer, startsMs, minutes } = order;
    const worker = this.freeWorker(order);
    const fate = draw.below(1_000, `fate:${index}`);
    if (worker === undefined || fate < 30) return this.missed(order);
    await world.until(nextHour(world.nowMs));
    await world.act(`${offer.organisation}-office`, "home-service.schedule", { order: id, worker });
    order.state = "scheduled";
    if (fate < 110) return this.cancel(order, index);
    await world.until(Math.ceil(startsMs / HOUR_MS) * HOUR_MS);
    const code = this.codeOf(order, "arrival");
    if (fate > 980) {
      const wrong = call("home-service.check_in", { order: id, code: sha256Of(code) });
      await world.expectRefusal({ account: worker, calls: [wrong] });
    }
    await world.act(worker, "home-service.check_in", { order: id, code });
    const isPunctual = world.nowMs <= startsMs + PUNCTUAL_MS;
    order.state = "in_service";
    const leave = call("home-service.check_out", {
      order: id,
      code: this.codeOf(order, "departure"),
      proof: draw.digest(`work:${id}`),
    });
    const endMs = world.nowMs + minutes * MINUTE_MS;
    if (fate > 960) {
      await world.until(endMs - HOUR_MS / 2);
      await world.expectRefusal({ account: worker, calls: [leave] });
    }
    await world.until(endMs);
    await world.send({ account: worker, calls: [leave] });
    order.state = "delivered";
    await this.accept(order, index, isPunctual);
  }

  private async accept(order: Order, index: number, isPunctual: boolean): Promise<void> {
    const { world, draw } = this.year;
    const { id, resident, offer, isInPerson, price } = order;
    const deliveredMs = world.nowMs;
    if (isInPerson && draw.chance(30, `dispute:${index}`)) return this.dispute(order, isPunctual);
    if (isInPerson) {
      await world.until(deliveredMs + (1 + draw.below(40, `accept:${index}`)) * HOUR_MS);
      await world.act(resident, "home-service.accept", { order: id });
    } else await world.until(deliveredMs + SILENT_MS + SETTLED_MS);
    order.state = "settled";
    const done = { order: id, organisation: offer.organisation, resident, isOnTime: isPunctual, price, refunded: 0 };
    this.ratings.ended("home-service", { ...done, outcome: "done" });
  }

  /** Mediated: half of the price goes back. */
  private async dispute(order: Order, isPunctual: boolean): Promise<void> {
    const { world, draw } = this.year;
    const { id, resident, offer, price } = order;
    await world.until(world.nowMs + 5 * HOUR_MS);
    await world.act(resident, "home-service.dispute", { order: id, cause: draw.digest(`cause:${id}`) });
    order.state = "disputed";
    await world.until(world.nowMs + 3 * DAY_MS);
    const refund = Math.floor(price / 2);
    const resolution = {
      order: id,
      ground: "mediation",
      refund,
      document: draw.digest(`agreement:${id}`),
      witness: "",
    };
    await world.send({
      account: "street-officer",
      cosigners: [resident, `${offer.organisation}-office`],
      calls: [call("home-service.resolve", resolution)],
    });
    order.refunded = refund;
    order.state = "settled";
    const ended = {
      order: id,
      organisation: offer.organisation,
      resident,
      isOnTime: isPunctual,
      price,
      refunded: refund,
    };
    this.ratings.ended("home-service", { ...ended, outcome: "disputed" });
  }

  /** More than a day before everything goes back, up to two hours before half, later nothing. */
  private async cancel(order: Order, index: number): Promise<void> {
    const { world, draw } = this.year;
    const hours = draw.pick([48, 25, 20, 4, 1], `cancel:${index}`);
    await world.until(Math.floor((order.startsMs - hours * HOUR_MS) / HOUR_MS) * HOUR_MS);
    const leftMs = order.startsMs - world.nowMs;
    const percent = leftMs > DAY_MS ? 100 : leftMs > 2 * HOUR_MS ? 50 : 0;
    await world.act(order.resident, "home-service.cancel", { order: order.id });
    order.refunded = Math.floor((order.price * percent + 50) / 100);
    order.state = "refunded";
  }

  /** Nobody comes: an hour after the time the ledger gives everything back. */
  private async missed(order: Order): Promise<void> {
    const { world } = this.year;
    await world.until(order.startsMs + HOUR_MS + SETTLED_MS);
    order.refunded = order.price;
    order.state = "refunded";
    const { id, offer, resident, price } = order;
    const ended = { order: id, organisation: offer.organisation, resident, isOnTime: false, price, refunded: price };
    this.ratings.ended("home-service", { ...ended, outcome: "absent" });
  }

  private freeWorker({ offer, startsMs, minutes }: Order): string | undefined {
    const from = startsMs - HOUR_MS;
    const until = startsMs + minutes * MINUTE_MS + 2 * HOUR_MS;
    for (let index = 0; index < 4; index += 1) {
      const worker = technicianOf(offer.organisation, index);
      const visits = this.visits.get(worker) ?? [];
      const ahead = visits.filter(([, end]) => end > this.year.world.nowMs);
      if (ahead.length >= 12 || visits.some(([start, end]) => start < until && from < end)) continue;
      this.visits.set(worker, [...visits, [from, until]]);
      return worker;
    }
    return undefined;
  }

  private codeOf({ id }: Order, way: string): Uint8Array {
    return this.year.draw.digest(`code:${id}:${way}`);
  }

  /** What has been earned and given back so far, less what the bank has paid out. */
  private due(): ReadonlyMap<string, number> {
    const due = new Map<string, number>();
    const add = (key: string, fen: number): void => void due.set(key, (due.get(key) ?? 0) + fen);
    for (const { offer, resident, state, price, refunded } of this.orders) {
      if (state !== "settled" && state !== "refunded") continue;
      add(`payout/${offer.organisation}`, price - refunded);
      add(`refund/${resident}`, refunded);
    }
    for (const [key, fen] of this.paid) add(key, -fen);
    return due;
  }

  private async payOut(day: number): Promise<void> {
    const { world, code } = this.year;
    await world.until(at(day, 16, 40));
    for (const [key, fen] of this.due()) {
      if (fen === 0) continue;
      const [purpose = "", payee = ""] = key.split("/");
      const notice = { bank_ref: `P${day}-${payee}`.slice(0, 32), community: code, purpose, payee, fen };
      await world.act("bank-teller", "home-service.confirm_payout", notice);
      this.paid.set(key, (this.paid.get(key) ?? 0) + fen);
      this.transfers += 1;
    }
  }

  async check(checks: Checks, ledger: Ledger, money: MoneyBook): Promise<void> {
    const { code } = this.year;
    await ledger.each(this.orders, async (order) => {
      const { id, offer, resident, price, refunded, state } = order;
      const expected = { offer: offer.id, organisation: offer.organisation, resident, price, refunded, state };
      checks.row(`service ${id}`, expected, await ledger.row("home-service.order", id));
      const isOver = state === "settled" || state === "refunded";
      const sums = { price, paid_out: isOver ? price - refunded : 0, paid_back: isOver ? refunded : 0 };
      checks.row(`package ${id}`, sums, await ledger.row("home-service.bundle", id));
      if (this.funded.has(id)) money.move("outside:home-service", `service-escrow:${id}`, price);
      if (!isOver) return;
      money.move(`service-escrow:${id}`, `service-pay:${code}/${offer.organisation}`, price - refunded);
      money.move(`service-escrow:${id}`, `service-refund:${code}/${resident}`, refunded);
    });
    for (const [key, fen] of this.paid) {
      const [purpose, payee] = key.split("/");
      money.move(`service-${purpose === "payout" ? "pay" : "refund"}:${code}/${payee}`, "outside:home-service", fen);
    }
    await ledger.each(this.matches, async ({ id, ranked }) => {
      const row = await ledger.row("service-directory.match", id);
      checks.equal(`ranking ${id}`, ranked.join(" "), Array.isArray(row?.offers) ? row.offers.join(" ") : undefined);
    });
    for (const { id } of OFFERS) {
      const open = this.orders.filter(({ offer, state }) => offer.id === id && isTaken(state)).length;
      checks.row(`offer ${id}`, { open, state: "listed" }, await ledger.row("service-directory.offer", id));
    }
    checkCount(checks, "services", this.orders.length, await ledger.list("home-service.order"));
    checkCount(checks, "transfers", this.transfers, await ledger.list("home-service.transfer"));
  }

  figures(): readonly string[] {
    const of = (state: Order["state"]) => this.orders.filter((order) => order.state === state).length;
    return [
      `订单 orders ${this.orders.length}: 付讫 settled ${of("settled")}, 退款 refunded ${of("refunded")}, 争议 disputed ${of("disputed")}; 匹配 matches ${this.matches.length}`,
    ];
  }
}

/** Whether the order takes a place of its offer. */
function isTaken(state: Order["state"]): boolean {
  return state !== "requested" && state !== "settled" && state !== "refunded";
}

function nextHour(timeMs: number): number {
  return (Math.floor(timeMs / HOUR_MS) + 1) * HOUR_MS;
}

function sha256Of(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}
