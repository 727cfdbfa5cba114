// Who owns what in which month: one unit in a hundred changes hands each month, registered by two organisations.
// The register's totals are counted here from the units alone.

import type { Unit } from "../../../src/node/devnet/community.ts";
import { type Checks, checkCount } from "../checks.ts";
import { at, daysIn, firstDayOf, period } from "../days.ts";
import type { Ledger } from "../ledger.ts";
import type { Part, Year } from "../part.ts";

/** Of 1,000 units, each month. */
const TURNOVER_PER_MILLE = 10;

interface Transfer {
  readonly unit: Unit;
  readonly month: number;
  /** of the month: the last one of the owner before */
  readonly lastDay: number;
  readonly from: string;
  readonly to: string;
}

/** Who is billed for a unit in a month: two owners when it changed hands, the second from the day after `lastDay` on. */
export interface Holders {
  readonly before: string;
  readonly after: string | undefined;
  readonly lastDay: number;
}

export class Owners implements Part {
  readonly title = { zh: "产权登记", en: "Register of titles" };
  private readonly year: Year;
  /** by unit; a unit changes hands once a year at most */
  private readonly transfers = new Map<string, Transfer>();
  private done = 0;

  constructor(year: Year) {
    this.year = year;
    const { cast, draw, days } = year;
    const { units, heads } = cast.community;
    const buyers = heads.filter(({ kind }) => kind === "person");
    const let_ = new Set(cast.tenancies.map(({ unit }) => unit.id));
    const homes = units.filter(({ use, status, id }) => use === "home" && status === "delivered" && !let_.has(id));
    for (let month = 1; firstDayOf(month + 1) <= days; month += 1) {
      for (const unit of homes) {
        if (!draw.chance(TURNOVER_PER_MILLE, `sale:${unit.id}:${month}`) || this.transfers.has(unit.id)) continue;
        const to = draw.pick(buyers, `buyer:${unit.id}:${month}`).id;
        const lastDay = 3 + draw.below(daysIn(month) - 8, `sale-day:${unit.id}`);
        if (to !== unit.head) this.transfers.set(unit.id, { unit, month, lastDay, from: unit.head, to });
      }
    }
  }

  holdersIn(unit: Unit, month: number): Holders {
    const transfer = this.transfers.get(unit.id);
    if (transfer === undefined || month < transfer.month) return { before: unit.head, after: undefined, lastDay: 0 };
    if (month > transfer.month) return { before: transfer.to, after: undefined, lastDay: 0 };
    return { before: transfer.from, after: transfer.to, lastDay: transfer.lastDay };
  }

  isSold(unit: Unit): boolean {
    return this.transfers.has(unit.id);
  }

  /** The owner of a unit in the morning of a day of the year. */
  ownerOn(unit: Unit, day: number): string {
    const transfer = this.transfers.get(unit.id);
    if (transfer === undefined) return unit.head;
    return day >= firstDayOf(transfer.month) + transfer.lastDay ? transfer.to : transfer.from;
  }

  play(): void {
    for (const transfer of this.transfers.values()) this.year.world.play(() => this.transfer(transfer));
  }

  // Proposed by the street office, confirmed by the authority; the firm reads the meters on the last day.
  private async transfer({ unit, month, lastDay, to }: Transfer): Promise<void> {
    const { world, draw } = this.year;
    const id = `sale-${unit.id}`;
    const day = firstDayOf(month) + lastDay - 1;
    await world.until(at(day, 10));
    await world.act("registrar", "registry.propose_transfer", { id, unit: unit.id, to });
    await world.until(at(day, 15));
    await world.act("regulator", "registry.confirm_transfer", { id, confirm: true });
    this.done += 1;
    await world.until(at(day, 17));
    await world.act("pm-finance", "fees.hand_over", {
      unit: unit.id,
      last_day: period(month) * 100 + lastDay,
      evidence: draw.digest(`hand-over:${unit.id}`),
    });
  }

  async check(checks: Checks, ledger: Ledger): Promise<void> {
    const { cast, code, days } = this.year;
    const { community } = cast;
    const owned = new Map<string, { units: number; area: number }>();
    const inBuilding = new Map<string, { heads: Set<string>; units: number; area: number }>();
    for (const unit of community.units) {
      const head = this.ownerOn(unit, days);
      const of = owned.get(head) ?? { units: 0, area: 0 };
      owned.set(head, { units: of.units + 1, area: of.area + unit.areaCm2 });
      const place = inBuilding.get(unit.building) ?? { heads: new Set(), units: 0, area: 0 };
      place.heads.add(head);
      place.units += 1;
      place.area += unit.areaCm2;
      inBuilding.set(unit.building, place);
    }
    const area = community.units.reduce((sum, { areaCm2 }) => sum + areaCm2, 0);
    const expected = { units: community.units.length, heads: owned.size, area, developer: this.developer };
    checks.row("community", expected, await ledger.row("registry.community", code));
    await ledger.each(inBuilding, async ([id, { heads, units, area: cm2 }]) => {
      checks.row(`building ${id}`, { heads: heads.size, units, area: cm2 }, await ledger.row("registry.building", id));
    });
    await ledger.each(community.heads, async ({ id }) => {
      const of = owned.get(id) ?? { units: 0, area: 0 };
      checks.row(`owner ${id}`, of, await ledger.row("registry.head", id));
    });
    checkCount(checks, "units", community.units.length, await ledger.list("registry.unit"));
    checkCount(checks, "transfers", this.done, await ledger.list("registry.transfer"));
  }

  figures(): readonly string[] {
    const { community } = this.year.cast;
    return [
      `专有部分 units ${community.units.length}, 业主 owners ${community.heads.length}, 产权变更 transfers ${this.done}`,
    ];
  }

  private get developer(): string {
    return this.year.cast.community.heads.find(({ kind }) => kind === "developer")?.id ?? "";
  }
}
