// Random histories of the maintenance fund against an independent computation in plain TypeScript: contributions, draws, payments in
// steps, returns, and the cost divided among units by area. It knows the law's limits and nothing of the contract's text.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileLibrary, LibraryLedger } from "./library-ledger.ts";

const CONTRACTS = compileLibrary(["governance", "registry", "owners-vote", "maintenance-fund"]);
const START_MS = 1_794_283_200_000;
const PLAN = new Uint8Array(32).fill(1);
const DIGEST = new Uint8Array(32).fill(2);
const UNITS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  b1: { u11: 685_200, u12: 893_700, u13: 893_700 },
  b2: { u21: 1_120_500, u22: 562_300 },
};
/** The law's limits, written a second time. */
const FIRST_PERCENT = 30;
const BEFORE_REVIEW_PERCENT = 90;
const OVER_PERCENT = 10;
const AUDIT_FREE_FEN = 3_000_000;
/** Domain table 4.3, row Fund use. */
const MOVES: Readonly<Record<string, readonly string[]>> = {
  proposed: ["voted", "emergency", "dropped"],
  voted: ["contracted"],
  emergency: ["contracted"],
  contracted: ["accepted"],
  accepted: ["reviewed", "paid"],
  reviewed: ["paid"],
};

type Source = "general" | "building" | "building_units" | "community_units";

interface Draw {
  readonly id: string;
  readonly source: Source;
  readonly budget: number;
  price: number;
  asked: number;
  paid: number;
  final: number;
  state: string;
}

interface Invoice {
  readonly draw: Draw;
  readonly fen: number;
  state: "asked" | "approved" | "paid";
}

/** Floor and largest remainder, the first named first among equals; the parts add up exactly. */
function divided(total: number, weights: readonly number[]): readonly number[] {
  const sum = weights.reduce((all, weight) => all + weight, 0);
  const parts = weights.map((weight) => Math.floor((total * weight) / sum));
  const order = weights
    .map((weight, index) => ({ index, rest: (total * weight) % sum }))
    .sort((left, right) => right.rest - left.rest || left.index - right.index);
  const missing = total - parts.reduce((all, part) => all + part, 0);
  for (const { index } of order.slice(0, missing)) parts[index] = (parts[index] ?? 0) + 1;
  return parts;
}

const areasOf = (building: string) => Object.values(UNITS[building] ?? {});
const areaOf = (building: string) => areasOf(building).reduce((sum, area) => sum + area, 0);

class History {
  readonly ledger = new LibraryLedger(CONTRACTS, START_MS);
  private readonly draws: Draw[] = [];
  private readonly invoices = new Map<number, Invoice>();
  private readonly states = new Map<string, string>();
  private readonly pots = new Map([
    ["c", 0],
    ["b1", 0],
  ]);
  private readonly charged = new Map<string, number>();
  private received = 0;
  private sequence = 0;

  constructor() {
    const { ledger } = this;
    const areas = Object.keys(UNITS).map((building) => [building, areaOf(building)] as const);
    const area = areas.reduce((sum, [, each]) => sum + each, 0);
    ledger.put("registry.community", { id: "c", street: "jd", firm: "pm", committee: "yw", bank: "bk", area });
    ledger.put("registry.roll", { id: "all", scope: "community" });
    ledger.put("registry.roll", { id: "b1", scope: "building", building: "b1" });
    ledger.put("governance.organisation", { id: "fix", role: "provider" });
    this.happens("registrar/r@jd", "open_fund", { community: "c", initial: 0 });
    for (const [building, each] of areas) {
      const units = Object.entries(UNITS[building] ?? {});
      ledger.put("registry.building", { id: building, community: "c", area: each, units: units.length });
      this.happens("registrar/r@jd", "enrol_building", { building });
      for (const [unit, size] of units) {
        ledger.put("registry.unit", { id: unit, community: "c", building, area: size });
        this.happens("registrar/r@jd", "enrol_unit", { unit });
      }
    }
    this.contribute("general", 50_000_00);
    this.contribute("building", 50_000_00);
    this.contribute("unit", 50_000_00);
  }

  private try(as: string, action: string, args: Parameters<LibraryLedger["act"]>[0]["with"]): boolean {
    return this.ledger.act({ as, do: `maintenance-fund.${action}`, with: args }) === undefined;
  }

  private happens(as: string, action: string, args: Parameters<LibraryLedger["act"]>[0]["with"]): void {
    expect([action, this.try(as, action, args)]).toEqual([action, true]);
  }

  private reference(): string {
    this.sequence += 1;
    return `B${this.sequence}`;
  }

  contribute(pot: "general" | "building" | "unit", fen: number): void {
    const place = { general: "c", building: "b1", unit: "u11" }[pot];
    const args = { bank_ref: this.reference(), community: "c", pot, place, fen };
    this.happens("bank/b@bk", "confirm_contribution", args);
    expect(this.try("bank/b@bk", "confirm_contribution", args)).toBe(false);
    this.received += fen;
    if (pot !== "unit") this.pots.set(place, (this.pots.get(place) ?? 0) + fen);
  }

  /** A draw that the owners decided on, or that was an emergency, and its contract. */
  draw(source: Source, budget: number, isEmergency: boolean): void {
    const id = `d${this.draws.length + 1}`;
    const building = source.startsWith("building") ? "b1" : "";
    const cause = isEmergency ? "lift" : "none";
    const args = { id, community: "c", source, building, cause, plan: PLAN, budget };
    if (!this.try("pm_manager/m@pm", "propose", args)) return expect(budget).toBeGreaterThan(this.held());
    this.draws.push({ id, source, budget, price: 0, asked: 0, paid: 0, final: 0, state: "proposed" });
    const contract = { draw: id, contractor: "fix", price: budget, document: DIGEST };
    expect(this.try("committee/y@yw", "contract", contract)).toBe(false);
    const decision = `draw:${id}:${budget}`;
    const motion = { id, community: "c", kind: "fund_use", decision, text_hash: PLAN, roll: building || "all" };
    this.ledger.put("owners-vote.motion", { ...motion, state: isEmergency ? "published" : "effective" });
    expect(this.try("pm_manager/m@pm", "adopt", { draw: id, motion: id })).toBe(!isEmergency);
    if (!isEmergency) return;
    expect(this.try("street/s@jd", "confirm_emergency", { draw: id, document: DIGEST })).toBe(false);
    this.happens("committee/y@yw", "review_emergency", { draw: id, document: DIGEST });
    this.happens("street/s@jd", "confirm_emergency", { draw: id, document: DIGEST });
  }

  private held(): number {
    return this.received - this.draws.reduce((sum, { paid }) => sum + paid, 0);
  }

  any(choice: number): Draw | undefined {
    return this.draws[choice % Math.max(1, this.draws.length)];
  }

  contract(draw: Draw, price: number): void {
    const args = { draw: draw.id, contractor: "fix", price, document: DIGEST };
    const isAllowed = price <= draw.budget && ["proposed"].includes(draw.state);
    expect(this.try("committee/y@yw", "contract", args)).toBe(isAllowed);
    if (isAllowed) Object.assign(draw, { price, state: "contracted" });
  }

  ask(draw: Draw, number: number, fen: number): void {
    const invoice = new Uint8Array(32).fill(number);
    const total = draw.asked + fen;
    const isOpen = ["contracted", "accepted", "reviewed"].includes(draw.state);
    const percent = draw.state === "contracted" ? FIRST_PERCENT : BEFORE_REVIEW_PERCENT;
    const isWithin = draw.state === "reviewed" ? total <= draw.final : total * 100 <= draw.price * percent;
    const isAllowed = !this.invoices.has(number) && isOpen && isWithin;
    expect(this.try("pm_manager/m@pm", "ask_payment", { draw: draw.id, invoice, fen })).toBe(isAllowed);
    if (!isAllowed) return;
    draw.asked = total;
    this.invoices.set(number, { draw, fen, state: "asked" });
  }

  decide(number: number, approve: boolean): void {
    const known = this.invoices.get(number);
    const args = { invoice: new Uint8Array(32).fill(number), approve };
    expect(this.try("committee/y@yw", "decide_payment", args)).toBe(known?.state === "asked");
    if (known?.state !== "asked") return;
    if (approve) known.state = "approved";
    else {
      this.invoices.delete(number);
      known.draw.asked -= known.fen;
    }
  }

  confirm(number: number): void {
    const known = this.invoices.get(number);
    const args = { invoice: new Uint8Array(32).fill(number), bank_ref: this.reference() };
    const isCovered = known !== undefined && known.fen <= this.room(known.draw.source);
    const isAllowed = known?.state === "approved" && isCovered;
    expect(this.try("bank/b@bk", "confirm_payment", args)).toBe(isAllowed);
    if (!isAllowed || known === undefined) return;
    known.state = "paid";
    const { draw } = known;
    draw.paid += known.fen;
    this.book(draw.source, -known.fen);
    if (draw.state === "reviewed" && draw.paid === draw.final) this.finish(draw);
  }

  /** What the pot of a draw still holds: its own for the general part and the building's, the whole fund otherwise. */
  private room(source: Source): number {
    const place = { general: "c", building: "b1", building_units: "", community_units: "" }[source];
    return Math.min(this.held(), this.pots.get(place) ?? Number.POSITIVE_INFINITY);
  }

  private book(source: Source, fen: number): void {
    const place = { general: "c", building: "b1", building_units: "", community_units: "" }[source];
    if (place !== "") this.pots.set(place, (this.pots.get(place) ?? 0) + fen);
  }

  accept(draw: Draw): void {
    const isAllowed = draw.state === "contracted";
    expect(this.try("committee/y@yw", "accept_work", { draw: draw.id, document: DIGEST })).toBe(isAllowed);
    if (isAllowed) draw.state = "accepted";
  }

  review(draw: Draw, final: number, isAuditor: boolean): void {
    const isAllowed =
      draw.state === "accepted" &&
      final >= draw.asked &&
      final * 100 < draw.budget * (100 + OVER_PERCENT) &&
      (isAuditor || final <= AUDIT_FREE_FEN);
    const as = isAuditor ? "auditor/a@sj" : "committee/y@yw";
    expect(this.try(as, "review", { draw: draw.id, final, document: DIGEST })).toBe(isAllowed);
    if (!isAllowed) return;
    Object.assign(draw, { final, state: "reviewed" });
    if (draw.paid === final) this.finish(draw);
  }

  giveBack(draw: Draw, fen: number): void {
    const isAllowed = ["contracted", "accepted"].includes(draw.state) && fen <= draw.paid;
    const args = { draw: draw.id, bank_ref: this.reference(), fen };
    expect(this.try("bank/b@bk", "confirm_return", args)).toBe(isAllowed);
    if (!isAllowed) return;
    draw.paid -= fen;
    draw.asked -= fen;
    this.book(draw.source, fen);
  }

  /** A draw that is paid is divided at once, by whoever likes to. */
  private finish(draw: Draw): void {
    draw.state = "paid";
    if (draw.source !== "building_units" && draw.source !== "community_units") return;
    const isWhole = draw.source === "community_units";
    if (isWhole) this.happens("owner/o", "spread_buildings", { draw: draw.id });
    const buildings = isWhole ? Object.keys(UNITS) : ["b1"];
    const shares = isWhole ? divided(draw.paid, buildings.map(areaOf)) : [draw.paid];
    for (const [position, building] of buildings.entries()) {
      this.happens("owner/o", "spread_units", { draw: draw.id, building, position });
      const parts = divided(shares[position] ?? 0, areasOf(building));
      for (const [place, unit] of Object.keys(UNITS[building] ?? {}).entries()) {
        const args = { draw: draw.id, building, position: place };
        this.happens("owner/o", "charge_unit", args);
        expect(this.try("owner/o", "charge_unit", args)).toBe(false);
        this.charged.set(unit, (this.charged.get(unit) ?? 0) + (parts[place] ?? 0));
      }
    }
    expect(this.ledger.row("maintenance-fund.draw", draw.id)?.allocated).toBe(draw.paid);
  }

  compare(): void {
    const { ledger } = this;
    for (const draw of this.draws) {
      const { id, asked, paid, final } = draw;
      const row = ledger.row("maintenance-fund.draw", id);
      expect({ id, ...row }).toMatchObject({ id, asked, paid, final });
      const state = String(row?.state);
      if (!["voted", "emergency"].includes(state)) expect(state).toBe(draw.state);
      const before = this.states.get(id) ?? "proposed";
      if (before !== state) expect([id, before, MOVES[before]]).toEqual([id, before, expect.arrayContaining([state])]);
      this.states.set(id, state);
    }
    expect(ledger.balance("fund:c")).toBe(this.held());
    expect(ledger.ledger.money()).toBe(0n);
    const fund = ledger.row("maintenance-fund.fund", "c");
    expect(Number(fund?.received) - Number(fund?.paid)).toBe(this.held());
    expect(Number(fund?.general_in) - Number(fund?.general_out)).toBe(this.pots.get("c"));
    const share = ledger.row("maintenance-fund.building_share", "b1");
    expect(Number(share?.put_in) - Number(share?.charged)).toBe(this.pots.get("b1"));
    for (const row of ledger.rows("maintenance-fund.unit_share"))
      expect([row.unit, row.charged]).toEqual([row.unit, this.charged.get(String(row.unit)) ?? 0]);
  }
}

type Command = (history: History) => void;

const amount = fc.oneof(fc.integer({ min: 1, max: 40_000_00 }), fc.constantFrom(3, 10, 300, 301, 600, 1_000));
const number = fc.integer({ min: 1, max: 6 });
const someDraw = (run: (history: History, draw: Draw) => void) =>
  fc.nat(20).map(
    (choice): Command =>
      (history) => {
        const draw = history.any(choice);
        if (draw !== undefined) run(history, draw);
      },
  );
/** Of the price or budget, in percent: the limits, one below and one above them, too. */
const percent = fc.constantFrom(1, 29, 30, 31, 60, 61, 90, 91, 100, 109, 110);
const part = (whole: number, share: number) => Math.max(1, Math.floor((whole * share) / 100));
const pot = fc.constantFrom("general" as const, "building" as const, "unit" as const);
const source = fc.constantFrom<Source>("general", "building", "building_units", "community_units");

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.tuple(pot, amount).map(
      ([p, fen]): Command =>
        (h) =>
          h.contribute(p, fen),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(source, amount, fc.boolean()).map(
      ([s, fen, urgent]): Command =>
        (h) =>
          h.draw(s, fen, urgent),
    ),
  },
  { weight: 3, arbitrary: percent.chain((share) => someDraw((h, d) => h.contract(d, part(d.budget, share)))) },
  {
    weight: 5,
    arbitrary: fc
      .tuple(percent, number)
      .chain(([share, n]) => someDraw((h, d) => h.ask(d, n, part(d.state === "reviewed" ? d.final : d.price, share)))),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(number, fc.nat(3)).map(
      ([n, no]): Command =>
        (h) =>
          h.decide(n, no > 0),
    ),
  },
  {
    weight: 4,
    arbitrary: number.map(
      (n): Command =>
        (h) =>
          h.confirm(n),
    ),
  },
  { weight: 2, arbitrary: someDraw((h, d) => h.accept(d)) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(percent, fc.boolean(), fc.boolean())
      .chain(([share, audits, exact]) =>
        someDraw((h, d) => h.review(d, exact && d.paid > 0 ? d.paid : part(d.budget, share), audits)),
      ),
  },
  { weight: 1, arbitrary: percent.chain((share) => someDraw((h, d) => h.giveBack(d, part(d.price, share)))) },
);

describe("maintenance fund", () => {
  test("L251: after any history the fund holds what came in less what was drawn within the limits, and every cost is divided to the fen", () => {
    fc.assert(
      fc.property(fc.array(command, { minLength: 30, maxLength: 90 }), (commands) => {
        const history = new History();
        for (const run of commands) {
          run(history);
          history.compare();
        }
      }),
      { numRuns: 100 },
    );
  });

  test("L252: division by area is exact: floor and largest remainder, the first named first among equals", () => {
    fc.assert(
      fc.property(
        fc.nat(1_000_000_000),
        fc.array(fc.integer({ min: 1, max: 2_000_000 }), { minLength: 1, maxLength: 40 }),
        (total, areas) => {
          const ledger = new LibraryLedger(CONTRACTS, START_MS);
          const units = areas.map((area, index) => [`u${String(index).padStart(3, "0")}`, area] as const);
          ledger.put("registry.building", { id: "b", community: "c", units: units.length });
          for (const [unit, area] of units) ledger.put("maintenance-fund.unit_share", { unit, building: "b", area });
          const draw = { id: "d", community: "c", source: "building_units", building: "b", state: "paid" };
          ledger.put("maintenance-fund.draw", { ...draw, asked: total, paid: total, final: total });
          const spread = { draw: "d", building: "b", position: 0 };
          expect(ledger.act({ as: "owner/o", do: "maintenance-fund.spread_units", with: spread })).toBeUndefined();
          const parts = ledger.row("maintenance-fund.spread", "d", "b")?.parts;
          expect(parts).toEqual(divided(total, areas));
        },
      ),
      { numRuns: 60 },
    );
  });
});
