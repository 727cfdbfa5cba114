// The year's own books of property fees, from docs/domain.md 1.2 and section 4 alone: what each unit owes, what a payment
// settles, what is in arrears. Knows nothing of the ledger's contracts, and is told only who was billed and who paid when.

import { DAY_MS, localDay } from "../days.ts";

export type BillState = "issued" | "partial" | "overdue" | "paid" | "waived" | "disputed";

export interface Bill {
  readonly unit: string;
  readonly head: string;
  /** as 202701 */
  readonly period: number;
  readonly firstDay: number;
  readonly lastDay: number;
  readonly rateLi: number;
  readonly areaCm2: number;
  fen: number;
  paid: number;
  waived: number;
  late: number;
  /** parts of a million a day that a late payer owes, by the terms when it was issued */
  readonly dayPpm: number;
  readonly dueMs: number;
  /** up to when interest has been reckoned */
  lateSinceMs: number;
  isDisputed: boolean;
  isWaived: boolean;
}

export interface Balance {
  readonly bills: Bill[];
  received: number;
  returned: number;
  credit: number;
  /** late fees that are owed, and those that were paid */
  late: number;
  latePaid: number;
  receipts: number;
}

const DUE_MS = 30 * DAY_MS;
/** Late fees of a bill never exceed this part of it, in percent. */
const LATE_PERCENT_MAX = 30;

/** Of a whole month: area times rate, in fen, rounded half up (0.001 yuan per square metre). */
export function monthFen(areaCm2: number, rateLi: number): number {
  return Number((BigInt(areaCm2) * BigInt(rateLi) + 50_000n) / 100_000n);
}

/** Of days of a month: what the month comes to up to the last day, less what it came to before the first. */
export function daysFen(
  whole: number,
  days: { readonly first: number; readonly last: number; readonly of: number },
): number {
  const upTo = (day: number): number => Math.floor((2 * whole * day + days.of) / (2 * days.of));
  return upTo(days.last) - upTo(days.first - 1);
}

export class FeeBooks {
  private readonly balances = new Map<string, Balance>();
  /** what the firm has earned, and what is paid in advance */
  operatingFen = 0;

  balanceOf(unit: string, head: string): Balance {
    const key = `${unit}/${head}`;
    let balance = this.balances.get(key);
    if (balance === undefined) {
      balance = { bills: [], received: 0, returned: 0, credit: 0, late: 0, latePaid: 0, receipts: 0 };
      this.balances.set(key, balance);
    }
    return balance;
  }

  get all(): ReadonlyMap<string, Balance> {
    return this.balances;
  }

  get bills(): readonly Bill[] {
    return [...this.balances.values()].flatMap(({ bills }) => bills);
  }

  issue(
    given: Pick<Bill, "unit" | "head" | "period" | "firstDay" | "lastDay" | "rateLi" | "areaCm2" | "dayPpm"> & {
      readonly daysInMonth: number;
    },
    nowMs: number,
  ): void {
    const { daysInMonth, ...bill } = given;
    const whole = monthFen(bill.areaCm2, bill.rateLi);
    const dueMs = nowMs + DUE_MS;
    this.balanceOf(bill.unit, bill.head).bills.push({
      ...bill,
      fen: daysFen(whole, { first: bill.firstDay, last: bill.lastDay, of: daysInMonth }),
      paid: 0,
      waived: 0,
      late: 0,
      dueMs,
      lateSinceMs: dueMs,
      isDisputed: false,
      isWaived: false,
    });
    this.settle(bill.unit, bill.head, nowMs);
  }

  pay(unit: string, head: string, fen: number, nowMs: number): void {
    const balance = this.balanceOf(unit, head);
    balance.received += fen;
    balance.credit += fen;
    this.settle(unit, head, nowMs);
  }

  waive(bill: Bill): void {
    bill.waived = bill.fen - bill.paid;
    bill.isWaived = true;
  }

  /** A refund of what is paid in advance. */
  giveBack(unit: string, head: string, fen: number): void {
    const balance = this.balanceOf(unit, head);
    balance.credit -= fen;
    balance.returned += fen;
  }

  dispute(bill: Bill): void {
    bill.isDisputed = true;
  }

  /** Interest does not run while a bill is disputed. */
  endDispute(bill: Bill, fen: number, times: { readonly disputedMs: number; readonly nowMs: number }): void {
    bill.isDisputed = false;
    bill.fen = fen;
    const { disputedMs, nowMs } = times;
    if (disputedMs > bill.lateSinceMs) bill.lateSinceMs += nowMs - disputedMs;
    else if (nowMs > bill.lateSinceMs) bill.lateSinceMs = nowMs;
    this.settle(bill.unit, bill.head, nowMs);
  }

  stateOf(bill: Bill, nowMs: number): BillState {
    if (bill.isWaived) return "waived";
    if (bill.isDisputed) return "disputed";
    if (bill.paid === bill.fen) return "paid";
    if (nowMs >= bill.dueMs) return "overdue";
    return bill.paid > 0 ? "partial" : "issued";
  }

  openBills(unit: string, head: string): readonly Bill[] {
    return this.balanceOf(unit, head)
      .bills.filter((bill) => !bill.isWaived && !bill.isDisputed && bill.paid < bill.fen)
      .sort((left, right) => left.period - right.period || left.firstDay - right.firstDay);
  }

  /** The oldest bill first, principal before late fees. */
  private settle(unit: string, head: string, nowMs: number): void {
    const balance = this.balanceOf(unit, head);
    for (const bill of this.openBills(unit, head)) {
      if (balance.credit === 0) return;
      const interest = interestOf(bill, nowMs);
      bill.late += interest;
      balance.late += interest;
      if (localDay(nowMs) > localDay(bill.lateSinceMs)) bill.lateSinceMs = nowMs;
      const part = Math.min(balance.credit, bill.fen - bill.paid);
      bill.paid += part;
      this.earn(balance, part);
    }
    const owed = Math.min(balance.credit, balance.late - balance.latePaid);
    if (owed === 0) return;
    balance.latePaid += owed;
    this.earn(balance, owed);
  }

  private earn(balance: Balance, fen: number): void {
    balance.credit -= fen;
    balance.receipts += 1;
    this.operatingFen += fen;
  }
}

/** Simple interest by the day on what is left, never more than the cap. */
function interestOf(bill: Bill, nowMs: number): number {
  if (nowMs <= bill.lateSinceMs) return 0;
  const days = localDay(nowMs) - localDay(bill.lateSinceMs);
  const left = bill.fen - bill.paid;
  const grown = Math.floor((left * Math.min(days * bill.dayPpm, 1_000_000)) / 1_000_000);
  const room = Math.floor((bill.fen * LATE_PERCENT_MAX) / 100) - bill.late;
  return Math.max(0, Math.min(grown, room));
}
