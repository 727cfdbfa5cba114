// Property fees: a bill run on the first of each month for the month before, payments by the bank's word, early, in parts,
// twice and late, units that change hands, disputed and waived bills. The books are kept beside it, for the checks.

import type { CallRequest } from "../../../src/client/transaction.ts";
import type { Unit } from "../../../src/node/devnet/community.ts";
import { type Bill, FeeBooks } from "../books/fees.ts";
import { type Checks, checkCount } from "../checks.ts";
import { at, DAY_MS, daysIn, firstDayOf, monthOf, period } from "../days.ts";
import type { Ledger } from "../ledger.ts";
import { type MoneyBook, type Part, type Year, yuan } from "../part.ts";
import { inBundles } from "../registration.ts";
import { call } from "../world.ts";
import type { Owners } from "./owners.ts";
import type { Votes } from "./votes.ts";

/** Of 1,000 units: who pays on time, who pays late; the rest pays nothing all year. */
const ON_TIME_PER_MILLE = 850;
const LATE_PER_MILLE = 80;
const RATES_LI = { home: 2_350, shop: 4_800 } as const;
/** What the owners are asked: interest of late payers, and later another rate for homes. */
const LATE_PPM = 300;
const LATE_FEE_DAY = 2;
const NEW_HOME_LI = 2_480;
const TARIFF_DAY = 150;
const RUN_HOUR = 9;
/** yuan in fen that some pay beyond their bill */
const ADVANCE_FEN = 10_000;

interface Run {
  readonly period: number;
  bills: number;
  fen: number;
  areaCm2: number;
}

export class Fees implements Part {
  readonly title = { zh: "物业费", en: "Property fees" };
  readonly books = new FeeBooks();
  /** parts of a million a day, once the owners have decided */
  private dayPpm = 0;
  /** the first month with the new rate; none yet: beyond all */
  private newRateFrom = Number.MAX_SAFE_INTEGER;
  private readonly year: Year;
  private readonly owners: Owners;
  private readonly runs: Run[] = [];
  private payments = 0;
  /** by unit and owner */
  private readonly lastPayments = new Map<string, Promise<void>>();

  constructor(year: Year, owners: Owners, votes: Votes) {
    this.year = year;
    this.owners = owners;
    const { draw } = year;
    votes.convene({
      id: "late-fee-2027",
      kind: "other_major",
      decision: `latefee:${LATE_PPM}`,
      text: draw.digest("plan:late-fee"),
      day: LATE_FEE_DAY,
      building: "",
      onCarried: () => this.adoptLateFee("late-fee-2027"),
    });
    votes.convene({
      id: "tariff-2027",
      kind: "other_major",
      decision: `tariff:home:${NEW_HOME_LI}`,
      text: draw.digest("plan:tariff"),
      day: TARIFF_DAY,
      building: "",
      onCarried: () => this.adoptTariff("tariff-2027"),
    });
  }

  private async adoptLateFee(motion: string): Promise<void> {
    await this.year.world.act("pm-manager", "fees.adopt_late_fee", { motion, day_ppm: LATE_PPM });
    this.dayPpm = LATE_PPM;
  }

  private async adoptTariff(motion: string): Promise<void> {
    const { world } = this.year;
    await world.act("pm-manager", "fees.adopt_tariff", { motion, use: "home", rate_li: NEW_HOME_LI });
    this.newRateFrom = period(monthOf(Math.floor((world.nowMs - at(0, 0)) / DAY_MS)));
  }

  play(): void {
    const { world, days } = this.year;
    for (let month = 1; firstDayOf(month) < days; month += 1) {
      world.play(async () => {
        await world.until(at(firstDayOf(month), RUN_HOUR));
        await this.billMonth(month - 1);
      });
    }
  }

  /** Bills for a month that is over, in bundles; then everybody pays in their own way. */
  private async billMonth(month: number): Promise<void> {
    const { world, code, cast } = this.year;
    const run: Run = { period: period(month), bills: 0, fen: 0, areaCm2: 0 };
    const of = daysIn(month);
    await world.act("pm-finance", "fees.open_run", { community: code, period: run.period });
    const issued: Bill[] = [];
    const issue = (unit: Unit, head: string, days: { readonly first: number; readonly last: number }): CallRequest => {
      const balance = this.books.balanceOf(unit.id, head);
      const rateLi = unit.use === "home" && run.period >= this.newRateFrom ? NEW_HOME_LI : RATES_LI[unit.use];
      const { first: firstDay, last: lastDay } = days;
      this.books.issue(
        {
          unit: unit.id,
          head,
          period: run.period,
          firstDay,
          lastDay,
          rateLi,
          areaCm2: unit.areaCm2,
          dayPpm: this.dayPpm,
          daysInMonth: of,
        },
        world.nowMs,
      );
      const bill = balance.bills.at(-1);
      if (bill !== undefined) issued.push(bill);
      return call("fees.bill", { unit: unit.id, period: run.period, first_day: firstDay, last_day: lastDay });
    };
    const calls = cast.community.units.flatMap((unit) => {
      const { before, after, lastDay } = this.owners.holdersIn(unit, month);
      if (after === undefined) return [issue(unit, before, { first: 1, last: of })];
      return [issue(unit, before, { first: 1, last: lastDay }), issue(unit, after, { first: lastDay + 1, last: of })];
    });
    await inBundles(world, "pm-finance", calls, (bill) => bill);
    await world.act("pm-finance", "fees.close_run", { community: code, period: run.period });
    run.bills = cast.community.units.length;
    run.areaCm2 = cast.community.units.reduce((sum, { areaCm2 }) => sum + areaCm2, 0);
    run.fen = issued.reduce((sum, { fen }) => sum + fen, 0);
    this.runs.push(run);
    for (const bill of issued) {
      world.play(() => this.payFor(bill, firstDayOf(month + 1)));
      world.play(() => this.contest(bill, firstDayOf(month + 1)));
    }
    await world.until(at(firstDayOf(month + 1) + 26, 10, 30));
    await this.giveBack(run.period);
  }

  /** A few bills are disputed and cut by the street office, a few waived by two people of the firm. */
  private async contest(bill: Bill, day: number): Promise<void> {
    const { world, draw } = this.year;
    const { unit, period: month, firstDay, head } = bill;
    const label = `${unit}/${month}/${firstDay}`;
    const fate = draw.below(1_000, `contest:${label}`);
    const isOpen = (): boolean => this.books.openBills(unit, head).includes(bill);
    const of = { unit, period: month, first_day: firstDay };
    await world.until(at(day + 5, 13, 30));
    if (fate >= 6 || !isOpen()) return;
    if (fate < 2) {
      const cause = draw.digest(`waiver:${label}`);
      const waiver = call("fees.waive", { ...of, cause, witness: "pm-finance" });
      await world.send({ account: "pm-manager", cosigners: ["pm-finance"], calls: [waiver] });
      return this.books.waive(bill);
    }
    await world.act(head, "fees.dispute", { ...of, cause: draw.digest(`dispute:${label}`) });
    const disputedMs = world.nowMs;
    this.books.dispute(bill);
    await world.until(at(day + 33, 13, 30));
    const fen = Math.max(bill.paid, Math.floor((bill.fen * 9) / 10));
    await world.act("street-officer", "fees.end_dispute", { ...of, fen, document: draw.digest(`settled:${label}`) });
    this.books.endDispute(bill, fen, { disputedMs, nowMs: world.nowMs });
  }

  /** Who has paid in advance and owes nothing may have it back. */
  private async giveBack(month: number): Promise<void> {
    const { world, draw } = this.year;
    for (const [key, { credit, late, latePaid }] of this.books.all) {
      const [unit = "", head = ""] = key.split("/");
      const isClear = credit > 0 && late === latePaid && this.books.openBills(unit, head).length === 0;
      if (!isClear || !draw.chance(300, `refund:${key}:${month}`)) continue;
      // A unit that was sold in the month may owe back to both of its owners.
      const id = `R${month}-${unit}-${head}`;
      await world.act(head, "fees.ask_refund", { id, unit, fen: credit });
      await world.act("bank-teller", "fees.confirm_refund", { id, bank_ref: `B${id}` });
      this.payments += 1;
      this.books.giveBack(unit, head, credit);
    }
  }

  private async payFor(bill: Bill, day: number): Promise<void> {
    const { world, draw } = this.year;
    const label = `${bill.unit}/${bill.head}/${bill.period}/${bill.firstDay}`;
    const kind = draw.below(1_000, `payer:${bill.unit}`);
    if (kind >= ON_TIME_PER_MILLE + LATE_PER_MILLE) return;
    const isOnTime = kind < ON_TIME_PER_MILLE;
    const after = isOnTime ? 1 + draw.below(24, `pay-day:${label}`) : 31 + draw.below(50, `pay-day:${label}`);
    const hour = 8 + draw.below(13, `pay-hour:${label}`);
    const reference = `F${bill.period}-${bill.unit}-${bill.firstDay}`;
    await world.until(at(day + after, hour));
    const way = draw.below(1_000, `pay-way:${label}`);
    if (way < 40) {
      const part = Math.floor(bill.fen / 3);
      await this.pay(bill, `${reference}a`, part);
      await world.until(at(day + after + 4, hour));
      await this.pay(bill, `${reference}b`, bill.fen - part);
    } else if (way < 70) await this.pay(bill, reference, bill.fen + ADVANCE_FEN);
    else await this.pay(bill, reference, bill.fen);
    if (!draw.chance(10, `pay-twice:${label}`) || way < 40) return;
    // The bank sends its notice again.
    await world.expectRefusal({ account: "bank-teller", calls: [this.notice(bill, reference, bill.fen)] });
  }

  /** Those of one owner for one unit come one after another: what each settles depends on their order. */
  private async pay(bill: Bill, reference: string, fen: number): Promise<void> {
    const { world } = this.year;
    const key = `${bill.unit}/${bill.head}`;
    const before = world.isOver ? undefined : this.lastPayments.get(key);
    const notify = async (): Promise<void> => {
      await before;
      await world.send({ account: "bank-teller", calls: [this.notice(bill, reference, fen)] });
      this.payments += 1;
      this.books.pay(bill.unit, bill.head, fen, world.nowMs);
    };
    const payment = notify();
    this.lastPayments.set(key, payment);
    await payment;
  }

  private notice({ unit, head }: Bill, reference: string, fen: number): CallRequest {
    return call("fees.confirm_payment", { bank_ref: reference, unit, head, fen });
  }

  async check(checks: Checks, ledger: Ledger, money: MoneyBook): Promise<void> {
    const { code, endMs } = this.year;
    for (const run of this.runs) {
      const expected = { bills: run.bills, fen: run.fen, area: run.areaCm2, state: "complete" };
      checks.row(`bill run ${run.period}`, expected, await ledger.row("fees.run", code, run.period));
    }
    const { bills } = this.books;
    await ledger.each(bills, async (bill) => {
      const { unit, period: month, firstDay, lastDay, head, fen, paid, waived, late, areaCm2, rateLi, dayPpm } = bill;
      const row = await ledger.row("fees.bill", unit, month, firstDay);
      const state = this.books.stateOf(bill, endMs);
      const expected = {
        last_day: lastDay,
        head,
        area: areaCm2,
        rate_li: rateLi,
        day_ppm: dayPpm,
        fen,
        paid,
        waived,
        late,
        state,
      };
      checks.row(`bill ${unit} ${month} from day ${firstDay}`, expected, row);
      checks.moment(`bill ${unit} ${month} due`, bill.dueMs, row?.due);
    });
    await ledger.each(this.books.all, async ([key, balance]) => {
      const [unit = "", head = ""] = key.split("/");
      const sum = (of: (bill: Bill) => number): number => balance.bills.reduce((total, bill) => total + of(bill), 0);
      const { received, returned, credit, late, latePaid, receipts } = balance;
      const expected = {
        open: this.books.openBills(unit, head).length,
        billed: sum(({ fen }) => fen),
        paid: sum(({ paid }) => paid),
        waived: sum(({ waived }) => waived),
        received,
        returned,
        credit,
        late,
        late_paid: latePaid,
        receipts,
      };
      checks.row(`balance of ${key}`, expected, await ledger.row("fees.balance", unit, head));
      money.move("outside:bank", `prepaid:${code}`, received - returned);
      money.move(`prepaid:${code}`, `operating:${code}`, received - returned - credit);
    });
    checkCount(checks, "bills", bills.length, await ledger.list("fees.bill"));
    checkCount(checks, "balances", this.books.all.size, await ledger.list("fees.balance"));
    checkCount(checks, "payments", this.payments, await ledger.list("fees.payment"));
  }

  figures(): readonly string[] {
    const { endMs } = this.year;
    const sum = (of: (bill: Bill) => number): number => this.books.bills.reduce((total, bill) => total + of(bill), 0);
    const billed = sum(({ fen }) => fen);
    const arrears = sum((bill) => (this.books.stateOf(bill, endMs) === "overdue" ? bill.fen - bill.paid : 0));
    const rate = billed === 0 ? 0 : Math.round((sum(({ paid }) => paid) * 1_000) / billed) / 10;
    return [
      `账单 bills ${this.books.bills.length} · ${yuan(billed)}; 缴费 payments ${this.payments}; 收缴率 collected ${rate}%; 逾期欠费 arrears ${yuan(arrears)}`,
    ];
  }
}
