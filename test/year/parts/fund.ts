// The maintenance fund: what is paid in, a draw that the owners decided and an emergency, paid in steps of at most 30 and 90
// percent before the review, and each unit's part of it. Limits and parts are reckoned here.

import { allocate } from "../books/allocation.ts";
import { type Checks, checkCount } from "../checks.ts";
import { at, DAY_MS } from "../days.ts";
import type { Ledger } from "../ledger.ts";
import { type MoneyBook, type Part, type Year, yuan } from "../part.ts";
import { inBundles } from "../registration.ts";
import { call } from "../world.ts";
import { VOTE_DAYS, type Votes } from "./votes.ts";

const INITIAL_FEN = 1_000_000_000;
const GENERAL_FEN = 200_000_000;
const BUILDING_FEN = 10_000_000;
const LIFTS = { id: "lifts", budget: 60_000_000, price: 58_000_000, final: 57_512_345 } as const;
const LEAK = { id: "roof", budget: 3_000_000, price: 2_900_000, final: 2_800_001 } as const;
const FIRST_PERCENT = 30;
const BEFORE_REVIEW_PERCENT = 90;
const VOTE_DAY = 2;
const LEAK_DAY = 12;
const PAYMENTS_MAX = 3;

interface Plan {
  readonly id: string;
  readonly budget: number;
  readonly price: number;
  readonly final: number;
}

interface Draw {
  readonly plan: Plan;
  readonly source: "community_units" | "building";
  paid: number;
  state: "proposed" | "voted" | "emergency" | "contracted" | "accepted" | "reviewed" | "paid";
  isDivided: boolean;
}

export class MaintenanceFund implements Part {
  readonly title = { zh: "维修资金", en: "Maintenance fund" };
  private readonly year: Year;
  private readonly draws: Draw[] = [];
  private readonly movements: { readonly timeMs: number; readonly fen: number }[] = [];
  private readonly unitContributions = new Map<string, number>();
  private sharedFen = 0;
  private isOpen = false;

  constructor(year: Year, votes: Votes) {
    this.year = year;
    const { id, budget } = LIFTS;
    votes.convene({
      id: "lifts-2027",
      kind: "fund_use",
      decision: `draw:${id}:${budget}`,
      text: year.draw.digest("plan:lifts"),
      day: VOTE_DAY,
      building: "",
      againstPerMille: 200,
      onCarried: () => this.carryOut(id, "lifts-2027"),
    });
  }

  play(): void {
    const { world, days } = this.year;
    world.play(() => this.openFund());
    if (VOTE_DAY + VOTE_DAYS + 1 <= days) world.play(async () => void (await this.propose(LIFTS, "community_units")));
    if (LEAK_DAY < days) world.play(() => this.emergency());
  }

  /** What the fund holds, up to a moment. */
  heldFen(timeMs: number): number {
    return this.movements.reduce((sum, movement) => (movement.timeMs <= timeMs ? sum + movement.fen : sum), 0);
  }

  /** The owners' share of the public income has come in. */
  receiveShare(fen: number): void {
    this.sharedFen += fen;
    this.move(fen);
  }

  private move(fen: number): void {
    this.movements.push({ timeMs: this.year.world.nowMs, fen });
  }

  private async openFund(): Promise<void> {
    const { world, code, cast, draw } = this.year;
    const { buildings, units } = cast.community;
    await world.until(at(0, 3));
    await world.act("registrar", "maintenance-fund.open_fund", { community: code, initial: INITIAL_FEN });
    await inBundles(world, "registrar", buildings, ({ id }) =>
      call("maintenance-fund.enrol_building", { building: id }),
    );
    await inBundles(world, "registrar", units, ({ id }) => call("maintenance-fund.enrol_unit", { unit: id }));
    this.isOpen = true;
    await world.until(at(0, 10));
    await this.contribute("general", code, GENERAL_FEN);
    await Promise.all(buildings.map(({ id }) => this.contribute("building", id, BUILDING_FEN)));
    for (const { id } of units) {
      if (!draw.chance(20, `top-up:${id}`)) continue;
      const fen = 100_000 + draw.below(900_000, `top-up-fen:${id}`);
      await this.contribute("unit", id, fen);
      this.unitContributions.set(id, fen);
    }
  }

  private async contribute(pot: "general" | "building" | "unit", place: string, fen: number): Promise<void> {
    const notice = { bank_ref: `MF-${place}`, community: this.year.code, pot, place, fen };
    await this.year.world.act("bank-teller", "maintenance-fund.confirm_contribution", notice);
    this.move(fen);
  }

  private async propose(plan: Plan, source: Draw["source"]): Promise<Draw> {
    const { world, code, draw, cast } = this.year;
    const building = source === "building" ? (cast.community.buildings[0]?.id ?? "") : "";
    await world.until(source === "building" ? at(LEAK_DAY, 10) : at(1, 11));
    await world.act("pm-manager", "maintenance-fund.propose", {
      id: plan.id,
      community: code,
      source,
      building,
      cause: source === "building" ? "roof_leak" : "none",
      plan: draw.digest(`plan:${plan.id}`),
      budget: plan.budget,
    });
    const proposed: Draw = { plan, source, paid: 0, state: "proposed", isDivided: false };
    this.draws.push(proposed);
    return proposed;
  }

  /** Committee and street office together: only for the listed causes. */
  private async emergency(): Promise<void> {
    const { world, draw } = this.year;
    const leak = await this.propose(LEAK, "building");
    const { id } = LEAK;
    await world.expectRefusal({
      account: "street-officer",
      calls: [call("maintenance-fund.confirm_emergency", { draw: id, document: draw.digest(`too-early:${id}`) })],
    });
    await world.act("committee-chair", "maintenance-fund.review_emergency", {
      draw: id,
      document: draw.digest(`review:${id}`),
    });
    await world.act("street-officer", "maintenance-fund.confirm_emergency", {
      draw: id,
      document: draw.digest(`confirm:${id}`),
    });
    leak.state = "emergency";
    await this.build(leak, "committee-chair");
  }

  private async carryOut(id: string, motion: string): Promise<void> {
    const { world } = this.year;
    const lifts = this.draws.find(({ plan }) => plan.id === id);
    if (lifts === undefined) return;
    await world.until(at(VOTE_DAY + VOTE_DAYS + 1, 10));
    await world.act("committee-chair", "maintenance-fund.adopt", { draw: id, motion });
    lifts.state = "voted";
    await this.build(lifts, "auditor");
    await this.divide(lifts);
  }

  /** Contract, first payment, acceptance, second payment, review, the rest. */
  private async build(fund: Draw, reviewer: string): Promise<void> {
    const { world, draw } = this.year;
    const { id, price, final } = fund.plan;
    const document = (label: string): Uint8Array => draw.digest(`${label}:${id}`);
    const later = (days: number): Promise<void> => world.until(world.nowMs + days * DAY_MS);
    await world.act("committee-deputy", "maintenance-fund.contract", {
      draw: id,
      contractor: "provider",
      price,
      document: document("contract"),
    });
    fund.state = "contracted";
    const first = percentOf(price, FIRST_PERCENT);
    const tooMuch = { draw: id, invoice: document("invoice-too-much"), fen: first + 1 };
    await world.expectRefusal({ account: "pm-manager", calls: [call("maintenance-fund.ask_payment", tooMuch)] });
    await this.pay(fund, 1, first);
    await later(4);
    await world.act("committee-chair", "maintenance-fund.accept_work", { draw: id, document: document("acceptance") });
    fund.state = "accepted";
    await this.pay(fund, 2, percentOf(price, BEFORE_REVIEW_PERCENT) - first);
    await later(3);
    await world.act(reviewer, "maintenance-fund.review", { draw: id, final, document: document("review") });
    fund.state = "reviewed";
    await this.pay(fund, PAYMENTS_MAX, final - fund.paid);
    fund.state = "paid";
  }

  private async pay(fund: Draw, number: number, fen: number): Promise<void> {
    const { world, draw } = this.year;
    const { id } = fund.plan;
    const invoice = draw.digest(`invoice:${id}:${number}`);
    await world.act("pm-manager", "maintenance-fund.ask_payment", { draw: id, invoice, fen });
    await world.act("committee-deputy", "maintenance-fund.decide_payment", { invoice, approve: true });
    await world.act("bank-teller", "maintenance-fund.confirm_payment", { invoice, bank_ref: `MP-${id}-${number}` });
    fund.paid += fen;
    this.move(-fen);
  }

  /** To every building by its area, in every building to its units: anybody may have it worked out. */
  private async divide(fund: Draw): Promise<void> {
    const { world, cast } = this.year;
    const { id } = fund.plan;
    const buildings = cast.community.buildings.map((building) => building.id).sort();
    await world.act("residents-chair", "maintenance-fund.spread_buildings", { draw: id });
    await Promise.all(
      buildings.map((building, position) =>
        world.act("residents-chair", "maintenance-fund.spread_units", { draw: id, building, position }),
      ),
    );
    for (const building of buildings) {
      const units = cast.community.units.filter((unit) => unit.building === building);
      await inBundles(world, "residents-chair", [...units.keys()], (position) =>
        call("maintenance-fund.charge_unit", { draw: id, building, position }),
      );
    }
    fund.isDivided = true;
  }

  async check(checks: Checks, ledger: Ledger, money: MoneyBook): Promise<void> {
    if (!this.isOpen) return;
    const { code, cast } = this.year;
    const { buildings, units } = cast.community;
    const paid = this.draws.reduce((sum, draw) => sum + draw.paid, 0);
    const held = this.heldFen(this.year.endMs);
    money.move("outside:fund", `fund:${code}`, held - this.sharedFen);
    const fund = { initial: INITIAL_FEN, received: held + paid, paid, general_in: GENERAL_FEN + this.sharedFen };
    checks.row("fund", fund, await ledger.row("maintenance-fund.fund", code));
    for (const { plan, paid: fen, state, isDivided } of this.draws) {
      const expected = { paid: fen, asked: fen, allocated: isDivided ? fen : 0, state };
      checks.row(`draw ${plan.id}`, expected, await ledger.row("maintenance-fund.draw", plan.id));
    }
    const charged = this.chargesByUnit();
    await ledger.each(units, async ({ id, areaCm2 }) => {
      const expected = { area: areaCm2, put_in: this.unitContributions.get(id) ?? 0, charged: charged.get(id) ?? 0 };
      checks.row(`fund of ${id}`, expected, await ledger.row("maintenance-fund.unit_share", id));
    });
    const leak = this.draws.find(({ source }) => source === "building");
    await ledger.each(buildings.entries(), async ([index, { id }]) => {
      const expected = { put_in: BUILDING_FEN, charged: index === 0 ? (leak?.paid ?? 0) : 0 };
      checks.row(`fund of ${id}`, expected, await ledger.row("maintenance-fund.building_share", id));
    });
    checkCount(checks, "charges", charged.size, await ledger.list("maintenance-fund.charge"));
  }

  private chargesByUnit(): ReadonlyMap<string, number> {
    const divided = this.draws.find(({ isDivided }) => isDivided);
    if (divided === undefined) return new Map();
    const { buildings, units } = this.year.cast.community;
    const inBuilding = (building: string) => units.filter((unit) => unit.building === building);
    const areas = buildings.map(({ id }) => ({
      id,
      areaCm2: inBuilding(id).reduce((sum, { areaCm2 }) => sum + areaCm2, 0),
    }));
    return new Map(
      [...allocate(divided.paid, areas)].flatMap(([building, fen]) => [...allocate(fen, inBuilding(building))]),
    );
  }

  figures(): readonly string[] {
    const paid = this.draws.reduce((sum, draw) => sum + draw.paid, 0);
    return [
      `结存 held ${yuan(this.heldFen(this.year.endMs))}, 支用 drawn ${yuan(paid)}: ${this.draws.map(({ plan, state }) => `${plan.id} ${state}`).join(", ")}`,
    ];
  }
}

function percentOf(fen: number, percent: number): number {
  return Math.floor((fen * percent) / 100);
}
