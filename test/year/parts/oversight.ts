// What must be disclosed and when, one publication that comes late, the alert about it, and the authority's items and scores,
// with notice, objection and a second person's decision. Dates and scores are reckoned here.

import { creditOf, type Item } from "../books/credit.ts";
import { type Checks, checkCount } from "../checks.ts";
import { at, DAY_MS, firstDayOf, SETTLED_MS } from "../days.ts";
import type { Ledger } from "../ledger.ts";
import type { Part, Year } from "../part.ts";
import { call } from "../world.ts";

const GRACE_DAYS = 30;
const OBJECTION_DAYS = 10;
const YEARLY = ["services", "staff", "prices", "accounts", "budget", "audit"] as const;
type Kind = (typeof YEARLY)[number] | "fund" | "public_income";
const MONTHS: Readonly<Record<"fund" | "public_income", number>> = { fund: 6, public_income: 3 };
/** The second publication of the public income comes late. */
const LATE_NUMBER = 2;
const SUBJECTS = ["property", "carers", "provider"] as const;

interface Duty {
  readonly kind: Kind;
  number: number;
  isLate: boolean;
  reminders: number;
}

interface Recorded extends Item {
  readonly id: string;
  readonly organisation: string;
  state: "recorded" | "notified" | "objected" | "confirmed" | "withdrawn";
}

export class Oversight implements Part {
  readonly title = { zh: "公示与监管", en: "Disclosure and supervision" };
  private readonly year: Year;
  private readonly duties: Duty[] = [];
  private readonly items: Recorded[] = [];
  private readonly publications: { readonly kind: Kind; readonly number: number; readonly isLate: boolean }[] = [];
  private alerts = 0;
  private inspections = 0;

  constructor(year: Year) {
    this.year = year;
  }

  play(): void {
    const { world, days } = this.year;
    world.play(() => this.begin());
    for (const [index, organisation] of SUBJECTS.entries()) {
      if (3 + index < days) world.play(() => this.inspect(organisation, 3 + index));
      for (let month = 1; firstDayOf(month) + 12 < days; month += 1) {
        if ((month + index) % 2 === 0) world.play(() => this.item(organisation, month));
      }
    }
  }

  private async begin(): Promise<void> {
    const { world, code } = this.year;
    await world.until(at(0, 4));
    for (const kind of [...YEARLY, "fund", "public_income"] as const) {
      const holder = kind === "fund" ? "committee" : "firm";
      await world.act("street-officer", "disclosure.start", { community: code, kind, holder, from: at(0, 0) });
      const duty: Duty = { kind, number: 1, isLate: false, reminders: 0 };
      this.duties.push(duty);
      if (kind === "fund" || kind === "public_income") world.play(() => this.disclose(duty, kind, MONTHS[kind]));
    }
  }

  private async disclose(duty: Duty, kind: "fund" | "public_income", months: number): Promise<void> {
    const { world, code, draw } = this.year;
    for (let number = 1; ; number += 1) {
      const over = firstDayOf(1 + number * months);
      const isLate = kind === "public_income" && number === LATE_NUMBER;
      if (isLate) {
        await world.until(at(over + GRACE_DAYS, 0) + SETTLED_MS);
        duty.isLate = true;
        duty.reminders = 1;
        await this.alert(kind, number);
      }
      await world.until(at(over + (isLate ? GRACE_DAYS + 6 : 8), 11));
      const digest = draw.digest(`disclosure:${kind}:${number}`);
      const publisher = kind === "fund" ? "committee-chair" : "pm-manager";
      await world.act(publisher, "disclosure.publish", { community: code, kind, number, digest });
      this.publications.push({ kind, number, isLate });
      duty.number = number + 1;
      duty.isLate = false;
      duty.reminders = 0;
    }
  }

  /** Somebody who lives there raises it; the authority counts it against the firm. */
  private async alert(kind: Kind, number: number): Promise<void> {
    const { world, code, cast } = this.year;
    const resident = cast.tenancies[0]?.tenant ?? "street-officer";
    const raise = call("supervision.alert_disclosure", { community: code, kind });
    await world.send({ account: resident, calls: [raise] });
    this.alerts += 1;
    await world.expectRefusal({ account: "street-officer", calls: [raise] });
    const cited = `disclosure/${code}/${kind}/${number}`;
    world.play(() =>
      this.record({ id: `late-${kind}-${number}`, organisation: "property", kind: "bad", points: 6 }, cited),
    );
  }

  private async inspect(organisation: string, day: number): Promise<void> {
    const { world, draw, code } = this.year;
    await world.until(at(day, 14));
    const id = `inspection-${organisation}`;
    await world.act("regulator", "supervision.inspect", { id, organisation, community: code, report: draw.digest(id) });
    this.inspections += 1;
    const points = 60 + draw.below(20, `base:${organisation}`);
    await this.record({ id: `base-${organisation}`, organisation, kind: "base", points }, id);
  }

  private async item(organisation: string, month: number): Promise<void> {
    const { world, draw } = this.year;
    const id = `item-${organisation}-${month}`;
    await world.until(at(firstDayOf(month) + 12, 15));
    const kind = draw.chance(700, `kind:${id}`) ? "good" : "bad";
    await this.record({ id, organisation, kind, points: 1 + draw.below(12, `points:${id}`) }, "");
  }

  private async record(
    item: Item & { readonly id: string; readonly organisation: string },
    cited: string,
  ): Promise<void> {
    const { world, draw } = this.year;
    const { id, organisation, kind, points } = item;
    const basis = kind === "base" ? "inspection" : cited === "" ? "document" : "alert";
    const given = { id, organisation, kind, basis, cited, points, digest: draw.digest(id) };
    await world.act("regulator", "supervision.record", given);
    const recorded: Recorded = { ...item, state: "recorded" };
    this.items.push(recorded);
    await world.act("regulator", "supervision.notify", { id, notice: draw.digest(`notice:${id}`) });
    recorded.state = "notified";
    const decide = (stands: boolean) =>
      call("supervision.decide", { id, stands, reasons: draw.digest(`reasons:${id}`) });
    // Who recorded it does not decide, and nobody before the time to object is over.
    await world.expectRefusal({ account: "regulator-two", calls: [decide(true)] });
    const notifiedMs = world.nowMs;
    const objects = kind === "bad" && organisation === "property" && draw.chance(500, `objects:${id}`);
    if (objects) {
      await world.until(notifiedMs + 2 * DAY_MS);
      await world.act("pm-manager", "supervision.object", { id, objection: draw.digest(`objection:${id}`) });
      recorded.state = "objected";
    }
    await world.until(notifiedMs + OBJECTION_DAYS * DAY_MS + SETTLED_MS);
    const stands = !objects || draw.chance(500, `stands:${id}`);
    await world.send({ account: "regulator-two", calls: [decide(stands)] });
    recorded.state = stands ? "confirmed" : "withdrawn";
  }

  async check(checks: Checks, ledger: Ledger): Promise<void> {
    const { code } = this.year;
    for (const { kind, number, isLate, reminders } of this.duties) {
      checks.row(`duty ${kind}`, { number, late: isLate, reminders }, await ledger.row("disclosure.duty", code, kind));
    }
    for (const { kind, number, isLate } of this.publications) {
      const row = await ledger.row("disclosure.publication", code, kind, number, 1);
      checks.row(`publication ${kind} ${number}`, { late: isLate, versions: 1 }, row);
    }
    for (const { id, organisation, kind, points, state } of this.items) {
      checks.row(`item ${id}`, { organisation, kind, points, state }, await ledger.row("supervision.item", id));
    }
    for (const organisation of SUBJECTS) {
      const of = this.items.filter((item) => item.organisation === organisation);
      if (of.length === 0) continue;
      const { base, good, goodCounts, bad, score, grade } = creditOf(of.filter(({ state }) => state === "confirmed"));
      const expected = { base, good, good_counts: goodCounts, bad, score, grade, listed: "none" };
      checks.row(`score of ${organisation}`, expected, await ledger.row("supervision.subject", organisation));
    }
    checkCount(checks, "publications", this.publications.length, await ledger.list("disclosure.publication"));
    checkCount(checks, "items", this.items.length, await ledger.list("supervision.item"));
    checkCount(checks, "alerts", this.alerts, await ledger.list("supervision.alert"));
    checkCount(checks, "inspections", this.inspections, await ledger.list("supervision.inspection"));
  }

  figures(): readonly string[] {
    const late = this.publications.filter(({ isLate }) => isLate).length;
    const scores = SUBJECTS.map((organisation) => {
      const { score, grade } = creditOf(
        this.items.filter((one) => one.organisation === organisation && one.state === "confirmed"),
      );
      return `${organisation} ${score} ${grade}`;
    });
    return [
      `公示 published ${this.publications.length}, 其中逾期 late ${late}; 记录 items ${this.items.length}, 信用 credit ${scores.join(", ")}`,
    ];
  }
}
