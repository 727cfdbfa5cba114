// Random histories of property fees against an independent computation in plain TypeScript: bills by the day, payments, late fees,
// disputes, waivers, corrections and refunds. It knows the law's arithmetic and nothing of the contract's text.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileLibrary, type Fields, LibraryLedger } from "./library-ledger.ts";

const CONTRACTS = compileLibrary(["governance", "registry", "service-rating", "owners-vote", "device-repair", "fees"]);
const DAY_MS = 86_400_000;
/** 2026-11-01 00:00 at UTC+8 */
const START_MS = 1_793_462_400_000;
const PERIODS = [202_611, 202_612, 202_701, 202_702];
const DAYS: Readonly<Record<number, number>> = { 202611: 30, 202612: 31, 202701: 31, 202702: 28 };
const AREA = 893_700;
const RATE_LI = 2_350;
const LATE_DAY_PPM = 900;
const LATE_CAP_BP = 3_000;
const DUE_DAYS = 30;
const DIGEST = new Uint8Array(32).fill(7);

// ---- the law's arithmetic, written a second time ----

interface Bill {
  readonly unit: string;
  readonly head: string;
  readonly period: number;
  readonly firstDay: number;
  fen: number;
  paid: number;
  waived: number;
  late: number;
  lateSinceMs: number;
  readonly dueMs: number;
  disputedMs: number;
  state: string;
}

interface Account {
  readonly unit: string;
  readonly head: string;
  received: number;
  credit: number;
  latePaid: number;
  returned: number;
}

const OPEN = ["issued", "partial", "overdue"];
/** Domain table 4.3, row Fees; paid bills may be disputed, too. */
const MOVES: Readonly<Record<string, readonly string[]>> = {
  issued: ["partial", "paid", "overdue", "disputed", "waived"],
  partial: ["paid", "overdue", "disputed", "waived"],
  overdue: ["paid", "disputed", "waived"],
  disputed: ["issued", "partial", "overdue", "paid", "waived"],
  paid: ["disputed", "refunded"],
  refunded: ["disputed"],
};

/** Half up to the fen, and by days so that the parts of a month add up to the month. */
function feeOf(period: number, firstDay: number, lastDay: number): number {
  const days = DAYS[period] ?? 0;
  const month = Math.floor((AREA * RATE_LI + 50_000) / 100_000);
  const upTo = (day: number) => Math.floor((2 * month * day + days) / (2 * days));
  return upTo(lastDay) - upTo(firstDay - 1);
}

const localDay = (ms: number) => Math.floor((ms + 8 * 3_600_000) / DAY_MS);

class Model {
  readonly bills: Bill[] = [];
  readonly accounts = new Map<string, Account>();
  nowMs = START_MS;
  operating = 0;

  account(unit: string, head: string): Account | undefined {
    return this.accounts.get(`${unit}/${head}`);
  }

  issue(bill: { unit: string; head: string; period: number; firstDay: number; lastDay: number }): void {
    const { unit, head, period, firstDay, lastDay } = bill;
    const dueMs = this.nowMs + DUE_DAYS * DAY_MS;
    this.bills.push({
      unit,
      head,
      period,
      firstDay,
      fen: feeOf(period, firstDay, lastDay),
      paid: 0,
      waived: 0,
      late: 0,
      lateSinceMs: dueMs,
      dueMs,
      disputedMs: 0,
      state: "issued",
    });
    if (this.account(unit, head) === undefined)
      this.accounts.set(`${unit}/${head}`, { unit, head, received: 0, credit: 0, latePaid: 0, returned: 0 });
  }

  /** Uses up credit: the oldest open bill first, late fees when nothing else is open. */
  settle(account: Account): void {
    while (account.credit > 0) {
      const [bill] = this.of(account).filter(({ state }) => OPEN.includes(state));
      const lateLeft = this.lateOf(account) - account.latePaid;
      if (bill === undefined && lateLeft === 0) return;
      const used = Math.min(account.credit, bill === undefined ? lateLeft : bill.fen - bill.paid);
      if (bill === undefined) account.latePaid += used;
      else this.pay(bill, used);
      account.credit -= used;
      this.operating += used;
    }
  }

  private pay(bill: Bill, fen: number): void {
    const days = Math.max(0, this.nowMs > bill.lateSinceMs ? localDay(this.nowMs) - localDay(bill.lateSinceMs) : 0);
    const left = bill.fen - bill.paid;
    // However long it is overdue, a rest grows by no more than itself.
    const grown = Math.min(left, Math.floor((left * days * LATE_DAY_PPM) / 1_000_000));
    const room = Math.max(0, Math.floor((bill.fen * LATE_CAP_BP) / 10_000) - bill.late);
    bill.late += Math.min(grown, room);
    if (days > 0) bill.lateSinceMs = this.nowMs;
    bill.paid += fen;
    bill.state = bill.paid === bill.fen ? "paid" : bill.state === "overdue" ? "overdue" : "partial";
  }

  endDispute(bill: Bill, fen: number): void {
    const account = this.account(bill.unit, bill.head);
    const surplus = Math.max(0, bill.paid - fen);
    const pausedMs = this.nowMs - bill.disputedMs;
    bill.fen = fen;
    bill.paid -= surplus;
    bill.lateSinceMs =
      bill.disputedMs > bill.lateSinceMs ? bill.lateSinceMs + pausedMs : Math.max(bill.lateSinceMs, this.nowMs);
    const isSettled = bill.paid >= fen;
    const open = this.nowMs >= bill.dueMs ? "overdue" : bill.paid > 0 ? "partial" : "issued";
    bill.state = isSettled ? (fen === 0 ? "waived" : "paid") : open;
    this.giveBack(account, surplus);
  }

  giveBack(account: Account | undefined, fen: number): void {
    if (account === undefined) return;
    account.credit += fen;
    this.operating -= fen;
  }

  advance(days: number): void {
    this.nowMs += days * DAY_MS;
    for (const bill of this.bills)
      if (["issued", "partial"].includes(bill.state) && this.nowMs >= bill.dueMs) bill.state = "overdue";
  }

  of({ unit, head }: { readonly unit: string; readonly head: string }): readonly Bill[] {
    const own = this.bills.filter((bill) => bill.unit === unit && bill.head === head);
    return own.sort((left, right) => left.period - right.period || left.firstDay - right.firstDay);
  }

  lateOf(account: Account): number {
    return this.of(account).reduce((sum, { late }) => sum + late, 0);
  }
}

// ---- one history: the ledger and the model side by side ----

class History {
  readonly ledger = new LibraryLedger(CONTRACTS, START_MS);
  readonly model = new Model();
  private readonly states = new Map<string, string>();
  private readonly billed = new Map<string, number>();
  private readonly asked = new Map<string, number>();
  private sequence = 0;

  constructor() {
    const { ledger } = this;
    ledger.put("registry.community", { id: "c", street: "jd", firm: "pm", bank: "bk", units: 2, area: 2 * AREA });
    for (const unit of ["u1", "u2"])
      ledger.put("registry.unit", { id: unit, community: "c", area: AREA, head: `${unit}-old` });
    ledger.put("registry.account", { id: "f", org: "pm", roles: ["pm_finance"] });
    ledger.put("fees.late_terms", { community: "c", day_ppm: LATE_DAY_PPM });
    // runs of months to come, which open month by month otherwise
    for (const period of PERIODS)
      ledger.put("fees.run", { community: "c", period, firm: "pm", bills: 0, area: 0, fen: 0, state: "open" });
  }

  private happens(act: Parameters<LibraryLedger["act"]>[0]): void {
    expect(this.ledger.act(act)).toBeUndefined();
  }

  private refused(act: Parameters<LibraryLedger["act"]>[0]): void {
    expect(this.ledger.act(act)).toMatch(/^fees\./);
  }

  head(unit: string): string {
    return String(this.ledger.row("registry.unit", unit)?.head);
  }

  /** The next unbilled days, up to a day of that month. */
  bill(unit: string, upTo: number): void {
    const until = this.billed.get(unit) ?? 20_261_100;
    const isMonthDone = until % 100 === (DAYS[Math.floor(until / 100)] ?? 0);
    const period = isMonthDone ? PERIODS[PERIODS.indexOf(Math.floor(until / 100)) + 1] : Math.floor(until / 100);
    if (period === undefined) return;
    const firstDay = isMonthDone ? 1 : (until % 100) + 1;
    const lastDay = Math.max(firstDay, Math.min(upTo, DAYS[period] ?? 0));
    const args = { unit, period, first_day: firstDay, last_day: lastDay };
    this.happens({ as: "pm_finance/f@pm", do: "fees.bill", with: args });
    this.billed.set(unit, period * 100 + lastDay);
    this.model.issue({ unit, head: this.head(unit), period, firstDay, lastDay });
    this.refused({ as: "pm_finance/f@pm", do: "fees.bill", with: args });
    this.settled();
  }

  pay(unit: string, head: string, fen: number): void {
    const account = this.model.account(unit, head);
    if (account === undefined) return;
    this.sequence += 1;
    const act = { as: "bank/b@bk", do: "fees.confirm_payment" };
    const args = { bank_ref: `B${this.sequence}`, unit, head, fen };
    this.happens({ ...act, with: args });
    this.refused({ ...act, with: args });
    account.received += fen;
    account.credit += fen;
    this.settled();
  }

  /** Any one of the bills. */
  any(choice: number): Bill | undefined {
    return this.model.bills[choice % Math.max(1, this.model.bills.length)];
  }

  waive(bill: Bill): void {
    const args = { ...keyOf(bill), cause: DIGEST, witness: "f" };
    const act = { as: "pm_manager/m@pm", cosigners: ["f"], do: "fees.waive", with: args };
    if (!OPEN.includes(bill.state)) return this.refused(act);
    this.happens(act);
    bill.waived += bill.fen - bill.paid;
    bill.state = "waived";
  }

  correct(bill: Bill, fen: number): void {
    const args = { ...keyOf(bill), fen, cause: DIGEST, witness: "f" };
    const act = { as: "pm_manager/m@pm", cosigners: ["f"], do: "fees.correct_paid_bill", with: args };
    if (!["paid", "refunded"].includes(bill.state) || fen > bill.paid || fen === 0) return this.refused(act);
    this.happens(act);
    bill.fen -= fen;
    bill.paid -= fen;
    bill.state = "refunded";
    this.model.giveBack(this.model.account(bill.unit, bill.head), fen);
    this.settled();
  }

  dispute(bill: Bill): void {
    const act = { as: `owner/${bill.head}`, do: "fees.dispute", with: { ...keyOf(bill), cause: DIGEST } };
    if (["disputed", "waived"].includes(bill.state)) return this.refused(act);
    this.happens(act);
    bill.state = "disputed";
    bill.disputedMs = this.model.nowMs;
  }

  endDispute(bill: Bill, share: number): void {
    const fen = Math.floor((bill.fen * share) / 100);
    const act = { as: "street/s@jd", do: "fees.end_dispute", with: { ...keyOf(bill), fen, document: DIGEST } };
    if (bill.state !== "disputed") return this.refused(act);
    this.happens(act);
    this.model.endDispute(bill, fen);
    this.settled();
  }

  refund(unit: string, head: string, confirm: boolean): void {
    const account = this.model.account(unit, head);
    if (account === undefined) return;
    const fen = Math.ceil(account.credit / 2);
    this.sequence += 1;
    const id = `R${this.sequence}`;
    const act = { as: `owner/${head}`, do: "fees.ask_refund", with: { id, unit, fen } };
    const isOpen = this.model.of(account).some(({ state }) => OPEN.includes(state));
    if (fen === 0 || isOpen || this.model.lateOf(account) > account.latePaid) return this.refused(act);
    this.happens(act);
    account.credit -= fen;
    account.returned += fen;
    this.asked.set(id, fen);
    if (!confirm) return;
    const paid = { as: "bank/b@bk", do: "fees.confirm_refund", with: { id, bank_ref: `X${id}` } };
    this.happens(paid);
    this.refused({ ...paid, with: { id, bank_ref: `Y${id}` } });
    this.asked.delete(id);
  }

  /** The unit goes to somebody else from the day after what is billed. */
  handOver(unit: string): void {
    const until = this.billed.get(unit);
    const before = this.head(unit);
    if (until === undefined || before.endsWith("-new")) return;
    this.ledger.put("registry.unit", { id: unit, community: "c", area: AREA, head: `${unit}-new` });
    const args = { unit, last_day: until, evidence: DIGEST };
    const act = { as: "pm_finance/f@pm", do: "fees.hand_over", with: args };
    if (this.ledger.act(act) === undefined) return;
    // A unit that is billed beyond today is handed over later.
    this.ledger.put("registry.unit", { id: unit, community: "c", area: AREA, head: before });
  }

  advance(days: number): void {
    this.ledger.advance(days * DAY_MS);
    this.model.advance(days);
  }

  /** The ledger settles in its next block; the model at once. */
  private settled(): void {
    this.ledger.advance(0);
    for (const account of this.model.accounts.values()) this.model.settle(account);
  }

  compare(): void {
    const { ledger, model } = this;
    const bills = new Map(ledger.rows("fees.bill").map((row) => [nameOf(row), row]));
    expect(bills.size).toBe(model.bills.length);
    for (const bill of model.bills) {
      const name = `${bill.unit} ${bill.period} ${bill.firstDay}`;
      const { head, fen, paid, waived, late, state } = bill;
      expect({ name, ...bills.get(name) }).toMatchObject({ name, head, fen, paid, waived, late, state });
      const before = this.states.get(name) ?? state;
      if (before !== state) expect([name, MOVES[before]]).toEqual([name, expect.arrayContaining([state])]);
      this.states.set(name, state);
    }
    for (const account of model.accounts.values()) this.compareAccount(account);
    const held = [...model.accounts.values()].reduce((sum, { credit }) => sum + credit, 0);
    const waiting = [...this.asked.values()].reduce((sum, fen) => sum + fen, 0);
    expect([ledger.balance("prepaid:c"), ledger.balance("operating:c")]).toEqual([held + waiting, model.operating]);
    expect(ledger.ledger.money()).toBe(0n);
  }

  private compareAccount(account: Account): void {
    const { ledger, model } = this;
    const sum = (of: (bill: Bill) => number) => model.of(account).reduce((total, bill) => total + of(bill), 0);
    expect(ledger.row("fees.balance", account.unit, account.head)).toMatchObject({
      open: model.of(account).filter(({ state }) => OPEN.includes(state)).length,
      billed: sum(({ fen }) => fen),
      paid: sum(({ paid }) => paid),
      waived: sum(({ waived }) => waived),
      late: model.lateOf(account),
      late_paid: account.latePaid,
      received: account.received,
      returned: account.returned,
      credit: account.credit,
    });
  }
}

function keyOf({ unit, period, firstDay }: Bill): Fields {
  return { unit, period, first_day: firstDay };
}

function nameOf({ unit, period, first_day }: Fields): string {
  return `${String(unit)} ${String(period)} ${String(first_day)}`;
}

type Command = (history: History) => void;

const unit = fc.constantFrom("u1", "u2");
const fen = fc.oneof(fc.integer({ min: 1, max: 60_000 }), fc.constant(21_002));
const someBill = (run: (history: History, bill: Bill) => void) =>
  fc.nat(100).map(
    (choice): Command =>
      (history) => {
        const bill = history.any(choice);
        if (bill !== undefined) run(history, bill);
      },
  );
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(unit, fc.constantFrom(9, 31)).map(
      ([u, day]): Command =>
        (h) =>
          h.bill(u, day),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(unit, fc.constantFrom("old", "new"), fen).map(
      ([u, who, amount]): Command =>
        (h) =>
          h.pay(u, `${u}-${who}`, amount),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(1, 10, 40, 400).map(
      (days): Command =>
        (h) =>
          h.advance(days),
    ),
  },
  { weight: 1, arbitrary: someBill((h, bill) => h.waive(bill)) },
  { weight: 2, arbitrary: fen.chain((amount) => someBill((h, bill) => h.correct(bill, amount))) },
  { weight: 2, arbitrary: someBill((h, bill) => h.dispute(bill)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(0, 50, 100).chain((share) => someBill((h, bill) => h.endDispute(bill, share))),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(unit, fc.constantFrom("old", "new"), fc.boolean()).map(
      ([u, who, confirm]): Command =>
        (h) =>
          h.refund(u, `${u}-${who}`, confirm),
    ),
  },
  {
    weight: 1,
    arbitrary: unit.map(
      (u): Command =>
        (h) =>
          h.handOver(u),
    ),
  },
);

describe("fees", () => {
  test("L250: after any history every bill and account is what an independent computation says, and no fen is lost", () => {
    fc.assert(
      fc.property(fc.array(command, { minLength: 30, maxLength: 80 }), (commands) => {
        const history = new History();
        for (const run of commands) {
          run(history);
          history.compare();
        }
      }),
      { numRuns: 100 },
    );
  });
});
