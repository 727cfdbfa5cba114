// Repairs that people report: who is liable, how soon somebody comes, what it costs and when it is closed, work done again,
// the same damage reported twice. Deadlines, liability and money are reckoned here.

import { createHash } from "node:crypto";
import type { Unit } from "../../../src/node/devnet/community.ts";
import { technicianOf } from "../cast.ts";
import { type Checks, checkCount } from "../checks.ts";
import { at, DAY_MS, HOUR_MS, MINUTE_MS, SETTLED_MS } from "../days.ts";
import type { Ledger } from "../ledger.ts";
import type { MoneyBook, Part, Year } from "../part.ts";
import { inBundles } from "../registration.ts";
import { call } from "../world.ts";
import type { Owners } from "./owners.ts";
import type { Ratings } from "./ratings.ts";

const REPAIRS_A_MONTH = 180;
const CATEGORIES = ["waterproofing", "plumbing", "wiring", "fitting", "other"] as const;
type Category = (typeof CATEGORIES)[number];
type Urgency = "urgent" | "ordinary" | "complex";
/** docs/domain.md 1.2: how soon somebody must be there */
const LIMIT_MS = { urgent: 30 * MINUTE_MS, ordinary: 24 * HOUR_MS, complex: 48 * HOUR_MS } as const;
/** The developer's warranty on waterproofing: five years from the delivery of a building. */
const DELIVERED_MS = Date.UTC(2024, 5, 1) - 8 * HOUR_MS;
const OPEN_MAX = 5;
const CLOSE_MS = 7 * DAY_MS;

interface Order {
  readonly id: string;
  readonly place: string;
  readonly category: Category;
  readonly reporter: string;
  readonly isCommon: boolean;
  readonly submittedMs: number;
  urgency: Urgency;
  liability: "open" | "firm" | "developer" | "third_party" | "owner";
  price: number;
  funded: number;
  organisation: string;
  attempts: number;
  reworks: number;
  supporters: number;
  arrivedMs: number;
  isPaidOut: boolean;
  state: "submitted" | "triaged" | "assigned" | "accepted" | "on_site" | "done" | "confirmed" | "rework" | "closed";
}

export class Repairs implements Part {
  readonly title = { zh: "居民报修", en: "Repairs reported by residents" };
  private readonly year: Year;
  private readonly owners: Owners;
  private readonly ratings: Ratings;
  private readonly orders: Order[] = [];
  /** damage that is reported and not closed, by place and category */
  private readonly spots = new Map<string, Order>();
  private readonly open = new Map<string, number>();
  private readonly paid = new Map<string, number>();
  private joined = 0;
  private transfers = 0;

  constructor(year: Year, owners: Owners, ratings: Ratings) {
    this.year = year;
    this.owners = owners;
    this.ratings = ratings;
  }

  play(): void {
    const { world, draw, share, days, cast } = this.year;
    world.play(() => this.recordWarranties());
    const homes = cast.community.units.filter((unit) => unit.status === "delivered" && !this.owners.isSold(unit));
    const repairs = Math.round((REPAIRS_A_MONTH * share * days) / 30);
    for (let index = 0; index < repairs; index += 1) {
      const unit = draw.pick(homes, `repair-unit:${index}`);
      const day = draw.below(days, `repair-day:${index}`);
      world.play(() => this.report(index, unit, day));
    }
    for (let day = 25; day < days; day += 30) world.play(() => this.payOut(day));
  }

  private async recordWarranties(): Promise<void> {
    const { world, cast } = this.year;
    await world.until(at(0, 5));
    await inBundles(world, "registrar", cast.community.buildings, ({ id }) =>
      call("repair-orders.record_warranty", { building: id, category: "waterproofing", delivered: DELIVERED_MS }),
    );
  }

  private async report(index: number, unit: Unit, day: number): Promise<void> {
    const { world, draw, cast } = this.year;
    const reporter = cast.residentOf(unit);
    const claimed = draw.pick<Urgency>(
      ["urgent", ...Array<Urgency>(7).fill("ordinary"), "complex", "complex"],
      `claimed:${index}`,
    );
    // What is urgent is looked after by the minute: it is reported at ten past.
    await world.until(at(day, 7 + draw.below(12, `repair-hour:${index}`), claimed === "urgent" ? 10 : 0));
    const isCommon = draw.chance(300, `common:${index}`);
    const category = draw.pick(CATEGORIES, `category:${index}`);
    const place = isCommon ? unit.building : unit.id;
    const known = this.spots.get(`${place}/${category}`);
    if (known !== undefined) return this.join(known, reporter);
    if ((this.open.get(reporter) ?? 0) >= OPEN_MAX) return;
    const order: Order = {
      id: `r-${index}`,
      place,
      category,
      reporter,
      isCommon,
      submittedMs: world.nowMs,
      urgency: claimed,
      liability: "open",
      price: 0,
      funded: 0,
      organisation: "",
      attempts: 0,
      reworks: 0,
      supporters: 0,
      arrivedMs: 0,
      isPaidOut: false,
      state: "submitted",
    };
    this.spots.set(`${place}/${category}`, order);
    this.open.set(reporter, (this.open.get(reporter) ?? 0) + 1);
    this.orders.push(order);
    await world.act(reporter, "repair-orders.submit", {
      order: order.id,
      unit: unit.id,
      common: isCommon,
      category,
      claimed,
      text: draw.digest(`report:${index}`),
      presence: sha256(this.codeOf(order)),
    });
    await this.triage(order, index);
    await this.assign(order, index);
    await this.come(order, index);
    await this.finish(order, index);
  }

  private async join(order: Order, resident: string): Promise<void> {
    const { world } = this.year;
    // Both may have called at the same moment: by now the first report is known, if it has not been closed.
    await world.until(world.nowMs + 10 * MINUTE_MS);
    if (this.spots.get(`${order.place}/${order.category}`) !== order) return;
    const support = call("repair-orders.support", { order: order.id });
    if (resident === order.reporter) return world.expectRefusal({ account: resident, calls: [support] });
    const label = `${order.id}/${resident}`;
    if (this.supporters.has(label)) return;
    this.supporters.add(label);
    await world.send({ account: resident, calls: [support] });
    order.supporters += 1;
    this.joined += 1;
  }

  private readonly supporters = new Set<string>();

  /** Contract, then warranty, then who did it, then the owner. What is common and under no warranty is the firm's by contract. */
  private async triage(order: Order, index: number): Promise<void> {
    const { world, draw } = this.year;
    await world.until(order.submittedMs + (order.urgency === "urgent" ? 5 * MINUTE_MS : HOUR_MS));
    const isWarranted = order.category === "waterproofing";
    const isCovered = (order.isCommon && !isWarranted) || draw.chance(250, `covered:${index}`);
    const thirdParty = draw.chance(100, `third:${index}`) ? "provider" : "";
    // Less urgent than it was called: the reporter agrees, or the clock stays as it is.
    const isDowngraded = order.urgency === "urgent" && draw.chance(200, `downgrade:${index}`);
    if (isDowngraded) order.urgency = "ordinary";
    order.liability = isCovered ? "firm" : isWarranted ? "developer" : thirdParty !== "" ? "third_party" : "owner";
    const triage = call("repair-orders.triage", {
      order: order.id,
      urgency: order.urgency,
      covered: isCovered,
      third_party: thirdParty,
      basis: draw.digest(`basis:${index}`),
    });
    await world.send({ account: "pm-clerk", cosigners: isDowngraded ? [order.reporter] : [], calls: [triage] });
    order.state = "triaged";
  }

  private async assign(order: Order, index: number): Promise<void> {
    const { world, draw } = this.year;
    const isPaid = order.liability === "owner" || order.liability === "third_party";
    order.organisation = isPaid ? "fixers" : "property";
    order.price = isPaid ? 5_000 + draw.below(500, `price:${index}`) * 100 : 0;
    const worker = this.workerOf(order, index);
    await world.act("pm-clerk", "repair-orders.assign", { order: order.id, worker, price: order.price });
    order.attempts += 1;
    if (draw.chance(40, `declines:${index}`)) {
      await world.act(worker, "repair-orders.decline", { order: order.id });
      await world.act("pm-clerk", "repair-orders.assign", { order: order.id, worker, price: order.price });
      order.attempts += 1;
    }
    order.state = "assigned";
    await world.act(worker, "repair-orders.take_on", { order: order.id });
    order.state = "accepted";
    if (!isPaid) return;
    const payer = order.liability === "owner" ? order.reporter : "provider";
    const notice = { order: order.id, bank_ref: `R-${order.id}`, payer, fen: order.price };
    await world.act("bank-teller", "repair-orders.fund", notice);
    order.funded = order.price;
    this.transfers += 1;
  }

  /** Most come in time. */
  private async come(order: Order, index: number): Promise<void> {
    const { world, draw } = this.year;
    const isLate = draw.chance(100, `tardy:${index}`);
    const limitMs = LIMIT_MS[order.urgency];
    const early =
      order.urgency === "urgent" ? limitMs - 10 * MINUTE_MS : (2 + draw.below(18, `comes:${index}`)) * HOUR_MS;
    const waitMs = isLate ? limitMs + (order.urgency === "urgent" ? 20 * MINUTE_MS : 3 * HOUR_MS) : early;
    await world.until(order.submittedMs + waitMs);
    await world.act(this.workerOf(order, index), "repair-orders.arrive", { order: order.id, code: this.codeOf(order) });
    order.arrivedMs = world.nowMs;
    order.state = "on_site";
  }

  private async finish(order: Order, index: number): Promise<void> {
    const { world, draw } = this.year;
    const worker = this.workerOf(order, index);
    await world.until(fullHour(world.nowMs + HOUR_MS));
    await world.act(worker, "repair-orders.finish", {
      order: order.id,
      proof: draw.digest(`done:${index}:${order.reworks}`),
    });
    order.state = "done";
    const doneMs = world.nowMs;
    if (order.reworks === 0 && draw.chance(60, `rework:${index}`)) {
      await world.until(doneMs + 4 * HOUR_MS);
      await world.act(order.reporter, "repair-orders.rework", {
        order: order.id,
        cause: draw.digest(`rework:${index}`),
      });
      order.reworks += 1;
      order.state = "rework";
      return this.again(order, index);
    }
    const isConfirmed = draw.chance(650, `confirms:${index}`);
    if (isConfirmed) {
      await world.until(doneMs + (1 + draw.below(60, `confirm:${index}`)) * HOUR_MS);
      await world.act(order.reporter, "repair-orders.confirm", { order: order.id });
      order.state = "confirmed";
    } else {
      await world.until(doneMs + CLOSE_MS + SETTLED_MS);
      order.state = "closed";
    }
    this.end(order);
    await world.until(world.nowMs + CLOSE_MS + SETTLED_MS);
    order.state = "closed";
  }

  private async again(order: Order, index: number): Promise<void> {
    const { world } = this.year;
    const worker = this.workerOf(order, index);
    await world.until(world.nowMs + HOUR_MS);
    await world.act("pm-clerk", "repair-orders.assign", { order: order.id, worker, price: order.price });
    order.attempts += 1;
    order.state = "assigned";
    await world.act(worker, "repair-orders.take_on", { order: order.id });
    order.state = "accepted";
    await world.until(world.nowMs + 3 * HOUR_MS);
    await world.act(worker, "repair-orders.arrive", { order: order.id, code: this.codeOf(order) });
    order.state = "on_site";
    await this.finish(order, index);
  }

  private end(order: Order): void {
    const { id, reporter, organisation, funded } = order;
    this.spots.delete(`${order.place}/${order.category}`);
    this.open.set(reporter, (this.open.get(reporter) ?? 0) - 1);
    order.isPaidOut = true;
    this.ratings.ended("repair-orders", {
      order: id,
      organisation,
      resident: reporter,
      outcome: "done",
      isOnTime: !this.isLate(order),
      price: funded,
      refunded: 0,
    });
  }

  /** Somebody came after the time, or nobody has yet. */
  private isLate({ submittedMs, urgency, arrivedMs }: Order): boolean {
    const dueMs = submittedMs + LIMIT_MS[urgency];
    return arrivedMs > 0 ? arrivedMs > dueMs : this.year.world.nowMs > dueMs;
  }

  private workerOf({ organisation }: Order, index: number): string {
    return technicianOf(organisation, index);
  }

  private codeOf({ id }: Order): Uint8Array {
    return this.year.draw.digest(`presence:${id}`);
  }

  private async payOut(day: number): Promise<void> {
    const { world, code } = this.year;
    await world.until(at(day, 16, 40));
    const earned = new Map<string, number>();
    for (const { isPaidOut, organisation, funded } of this.orders)
      if (isPaidOut) earned.set(organisation, (earned.get(organisation) ?? 0) + funded);
    for (const [organisation, all] of earned) {
      const fen = all - (this.paid.get(organisation) ?? 0);
      if (fen === 0) continue;
      const notice = { bank_ref: `RP${day}-${organisation}`, community: code, purpose: "payout", organisation, fen };
      await world.act("bank-teller", "repair-orders.confirm_payout", notice);
      this.paid.set(organisation, all);
      this.transfers += 1;
    }
  }

  async check(checks: Checks, ledger: Ledger, money: MoneyBook): Promise<void> {
    const { code } = this.year;
    await ledger.each(this.orders, async (order) => {
      const { id, place, liability, urgency, price, funded, organisation, attempts, reworks, supporters, state } =
        order;
      const row = await ledger.row("repair-orders.order", id);
      const late = this.isLate(order);
      checks.row(
        `repair ${id}`,
        { place, liability, urgency, price, funded, organisation, attempts, reworks, supporters, late, state },
        row,
      );
      checks.moment(`repair ${id} due`, order.submittedMs + LIMIT_MS[urgency], row?.due);
      money.move("outside:repair-orders", `repair-escrow:${id}`, funded);
      if (order.isPaidOut) money.move(`repair-escrow:${id}`, `repair-pay:${code}/${organisation}`, funded);
    });
    for (const [organisation, fen] of this.paid)
      money.move(`repair-pay:${code}/${organisation}`, "outside:repair-orders", fen);
    await ledger.each(this.open, async ([account, count]) => {
      checks.equal(`open repairs of ${account}`, count, (await ledger.row("repair-orders.load", account))?.open);
    });
    checkCount(checks, "repairs", this.orders.length, await ledger.list("repair-orders.order"));
    checkCount(checks, "open damage", this.spots.size, await ledger.list("repair-orders.spot"));
    checkCount(checks, "supporters", this.joined, await ledger.list("repair-orders.supporter"));
    checkCount(checks, "transfers", this.transfers, await ledger.list("repair-orders.transfer"));
  }

  figures(): readonly string[] {
    const late = this.orders.filter((order) => this.isLate(order)).length;
    const by = (liability: Order["liability"]) => this.orders.filter((order) => order.liability === liability).length;
    return [
      `报修 reported ${this.orders.length}, 并案 joined ${this.joined}, 逾时 late ${late}; 责任 liable: 物业 firm ${by("firm")}, 保修 developer ${by("developer")}, 第三方 third party ${by("third_party")}, 业主 owner ${by("owner")}`,
    ];
  }
}

function fullHour(timeMs: number): number {
  return Math.ceil(timeMs / HOUR_MS) * HOUR_MS;
}

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}
