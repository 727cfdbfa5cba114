// The books of the firm, of the public income and of the fund: vouchers by three people, reversals, months closed and published,
// balances signed by the bank each evening, and the owners' share of what parking and advertising bring in.

import { AccountBooks, type AccountKind, type Book, type Line } from "../books/accounts.ts";
import { type Checks, checkCount } from "../checks.ts";
import { at, DAY_MS, daysIn, firstDayOf, HOUR_MS, monthOf, period } from "../days.ts";
import type { Ledger } from "../ledger.ts";
import { type MoneyBook, type Part, type Year, yuan } from "../part.ts";
import { inBundles } from "../registration.ts";
import { call } from "../world.ts";
import type { MaintenanceFund } from "./fund.ts";

const BOOKS: readonly Book[] = ["operating", "public", "fund"];
const ACCOUNTS: readonly (readonly [code: string, book: Book, kind: AccountKind])[] = [
  ["op-bank", "operating", "bank"],
  ["op-fees", "operating", "income"],
  ["op-staff", "operating", "expense"],
  ["op-clean", "operating", "expense"],
  ["op-energy", "operating", "expense"],
  ["pub-bank", "public", "bank"],
  ["pub-parking", "public", "income"],
  ["pub-ads", "public", "income"],
  ["pub-cost", "public", "expense"],
  ["pub-share", "public", "expense"],
  ["fund-bank", "fund", "bank"],
  ["fund-owners", "fund", "liability"],
];
const VOUCHERS_A_MONTH = 400;
const PARKING_A_MONTH = 384;
const ADS_A_MONTH = 2;
/** Beyond it in a month to one payee the committee approves. */
const LARGE_FEN = 6_000_000;
/** So many that what one of them gets in a month stays far below that. */
const PAYEES = 60;
const SHARE_PERCENT = 50;
const COST_PERCENT = 20;
/** Hours of the last day of a month, and of the first after it. */
const LAST_HOUR = 21;
const CLOSING_HOUR = 1;
const BANK_HOUR = 22;

interface Voucher {
  readonly id: string;
  readonly book: Book;
  readonly month: number;
  readonly lines: readonly Line[];
  state: "draft" | "posted" | "approved" | "reversed" | "published";
}

interface BankDay {
  readonly book: Book;
  readonly day: number;
  readonly signed: number;
  readonly ours: number;
}

type PublicWay = "parking" | "advertising" | "cost" | "fund_share";

export class Finance implements Part {
  readonly title = { zh: "账目与公共收益", en: "Books and public income" };
  private readonly year: Year;
  private readonly fund: MaintenanceFund;
  private readonly books = new AccountBooks(new Map(ACCOUNTS.map(([code, , kind]) => [code, kind])));
  private readonly vouchers = new Map<string, Voucher>();
  private readonly bankDays: BankDay[] = [];
  private readonly incomes: { readonly timeMs: number; readonly way: PublicWay; readonly fen: number }[] = [];
  private readonly months = new Map<number, "open" | "published">();
  private readonly large = new Set<string>();
  private transfers = 0;

  constructor(year: Year, fund: MaintenanceFund) {
    this.year = year;
    this.fund = fund;
  }

  play(): void {
    const { world, days } = this.year;
    world.play(() => this.openBooks());
    for (let month = 1; firstDayOf(month) < days; month += 1) this.playMonth(month);
    for (let day = 0; day < days; day += 1) world.play(() => this.signBalances(day));
  }

  private playMonth(month: number): void {
    const { world, draw, share } = this.year;
    const length = daysIn(month);
    for (let index = 0; index < Math.round(VOUCHERS_A_MONTH * share); index += 1) {
      const day = firstDayOf(month) + draw.below(length - 1, `voucher-day:${month}:${index}`);
      world.play(() =>
        this.voucher(`V${month}-${index}`, month, at(day, 8 + draw.below(8, `voucher-hour:${month}:${index}`))),
      );
    }
    const spread = (count: number, way: "parking" | "advertising", least: number, most: number): void => {
      for (let index = 0; index < count; index += 1) {
        const label = `${way}:${month}:${index}`;
        const day = firstDayOf(month) + draw.below(length, `${label}:day`);
        const fen = least + draw.below(most - least, `${label}:fen`);
        world.play(() => this.income(label, way, fen, at(day, 8 + draw.below(12, `${label}:hour`))));
      }
    };
    spread(Math.round(PARKING_A_MONTH * share), "parking", 15_000, 30_000);
    spread(ADS_A_MONTH, "advertising", 100_000, 500_000);
    if (month % 3 === 0) world.play(() => this.quarter(month));
    world.play(() => this.endMonth(month));
  }

  private async openBooks(): Promise<void> {
    const { world, code, draw } = this.year;
    await world.until(at(0, 2));
    const opening = { community: code, mode: "lump_sum", fee_bp: 0, document: draw.digest("property-contract") };
    await world.act("street-officer", "finance.open_books", opening);
    await world.send({
      account: "pm-finance",
      calls: ACCOUNTS.map(([account, book, kind]) =>
        call("finance.open_account", { community: code, code: account, book, kind }),
      ),
    });
    await this.registerPayees(Array.from({ length: PAYEES }, (_, index) => payeeOf(index)));
    await this.openMonth(1);
  }

  /** The committee knows who is paid: payments to one payee count together. */
  private async registerPayees(payees: readonly string[]): Promise<void> {
    const { world, code, draw } = this.year;
    await inBundles(world, "committee-chair", payees, (payee) =>
      call("finance.register_payee", { community: code, payee, code: draw.digest(`credit-code:${payee}`) }),
    );
  }

  private async openMonth(month: number): Promise<void> {
    const { world, code } = this.year;
    const calls = BOOKS.map((book) => call("finance.open_period", { community: code, book, period: period(month) }));
    await world.send({ account: "pm-finance", calls });
    this.months.set(month, "open");
  }

  /** Drafted by the clerk, posted by the accountant, approved by the manager; some of it goes another way. */
  private async voucher(id: string, month: number, timeMs: number): Promise<void> {
    const { world, draw } = this.year;
    await world.until(timeMs);
    const fate = draw.below(1_000, `voucher:${id}`);
    if (fate < 10) {
      this.large.add(id);
      await this.registerPayees([`payee-${id}`]);
    }
    const lines = this.linesOf(id, fate < 10 ? LARGE_FEN : 10_000 + draw.below(500_000, `voucher-fen:${id}`));
    if (fate >= 990) await this.refuseUnbalanced(id, month, lines);
    const voucher = await this.drafted(id, "operating", month, lines);
    if (fate >= 970 && fate < 985) {
      await world.until(timeMs + HOUR_MS);
      await world.act("pm-clerk", "finance.discard", { id });
      this.vouchers.delete(id);
      return;
    }
    await this.post(voucher, timeMs + HOUR_MS);
    if (fate >= 950 && fate < 970) {
      await world.until(timeMs + 2 * HOUR_MS);
      await world.act("pm-manager", "finance.send_back", { id });
      await this.post(voucher, timeMs + 3 * HOUR_MS);
    }
    await world.until(timeMs + 4 * HOUR_MS);
    const isLarge = fate < 10 && lines.some(({ code, fen }) => code === "op-bank" && fen < 0);
    if (isLarge) await world.expectRefusal({ account: "pm-manager", calls: [call("finance.approve", { id })] });
    await this.approve(voucher, isLarge ? "committee-chair" : "pm-manager");
    const day = Math.floor((timeMs - at(0, 0)) / DAY_MS);
    if (fate >= 930 && fate < 950 && day + 2 < firstDayOf(month + 1)) await this.reverse(voucher, at(day + 1, 9));
  }

  private linesOf(id: string, fen: number): readonly Line[] {
    const way = this.year.draw.below(3, `voucher-way:${id}`);
    if (way === 0)
      return [
        { code: "op-bank", fen },
        { code: "op-fees", fen: -fen },
      ];
    if (way === 1)
      return [
        { code: "op-staff", fen },
        { code: "op-bank", fen: -fen },
      ];
    const part = Math.floor(fen / 3);
    return [
      { code: "op-clean", fen: part },
      { code: "op-energy", fen: fen - part },
      { code: "op-bank", fen: -fen },
    ];
  }

  private draftOf(id: string, book: Book, month: number, lines: readonly Line[]) {
    const codes = lines.map(({ code }) => code);
    const amounts = lines.map(({ fen }) => fen);
    const { code: community, draw } = this.year;
    const evidence = draw.digest(`voucher:${id}`);
    const payee = this.large.has(id) ? `payee-${id}` : payeeOf(draw.below(PAYEES, `payee:${id}`));
    return call("finance.draft", { id, community, book, period: period(month), codes, amounts, payee, evidence });
  }

  private async refuseUnbalanced(id: string, month: number, lines: readonly Line[]): Promise<void> {
    const [first, ...others] = lines;
    if (first === undefined) return;
    const wrong = [{ ...first, fen: first.fen + 1 }, ...others];
    await this.year.world.expectRefusal({ account: "pm-clerk", calls: [this.draftOf(id, "operating", month, wrong)] });
  }

  private async drafted(id: string, book: Book, month: number, lines: readonly Line[]): Promise<Voucher> {
    await this.year.world.send({ account: "pm-clerk", calls: [this.draftOf(id, book, month, lines)] });
    const voucher: Voucher = { id, book, month, lines, state: "draft" };
    this.vouchers.set(id, voucher);
    return voucher;
  }

  private async post(voucher: Voucher, timeMs: number): Promise<void> {
    await this.year.world.until(timeMs);
    await this.year.world.act("pm-finance", "finance.post", { id: voucher.id });
    voucher.state = "posted";
  }

  private async approve(voucher: Voucher, by: string): Promise<void> {
    const { id, book, month, lines } = voucher;
    await this.year.world.act(by, "finance.approve", { id });
    voucher.state = "approved";
    this.books.approve({ book, period: period(month), lines });
  }

  private async reverse(voucher: Voucher, timeMs: number): Promise<void> {
    const { world, draw } = this.year;
    const { book, month, lines } = voucher;
    const id = `${voucher.id}-r`;
    await world.until(timeMs);
    const reversal = { id, original: voucher.id, period: period(month), evidence: draw.digest(`reversal:${id}`) };
    await world.act("pm-finance", "finance.reverse", reversal);
    const red: Voucher = { id, book, month, lines: [], state: "posted" };
    this.vouchers.set(id, red);
    await world.act("committee-chair", "finance.approve", { id });
    red.state = "approved";
    voucher.state = "reversed";
    this.books.reverse({ book, period: period(month), lines });
  }

  private async income(label: string, way: "parking" | "advertising", fen: number, timeMs: number): Promise<void> {
    const { world, code } = this.year;
    await world.until(timeMs);
    await world.act("bank-teller", "finance.confirm_income", { bank_ref: label, community: code, way, fen });
    this.transfers += 1;
    this.incomes.push({ timeMs, way, fen });
  }

  private sum(way: PublicWay, between: readonly [number, number] = [0, Number.MAX_SAFE_INTEGER]): number {
    const [from, until] = between;
    return this.incomes.reduce(
      (sum, one) => (one.way === way && one.timeMs >= from && one.timeMs < until ? sum + one.fen : sum),
      0,
    );
  }

  /** Costs of what brings the income in, and after them the owners' half, to the fund. */
  private async quarter(month: number): Promise<void> {
    const { world } = this.year;
    await world.until(at(firstDayOf(month) + 20, 10));
    const received = this.sum("parking") + this.sum("advertising");
    const cost = Math.floor((received * COST_PERCENT) / 100) - this.sum("cost");
    if (cost > 0) await this.payPublic(`cost-${month}`, "cost", cost);
    const share = Math.floor(((received - this.sum("cost")) * SHARE_PERCENT) / 100) - this.sum("fund_share");
    if (share <= 0) return;
    await this.payPublic(`share-${month}`, "fund_share", share);
    this.fund.receiveShare(share);
  }

  private async payPublic(id: string, purpose: "cost" | "fund_share", fen: number): Promise<void> {
    const { world, code, draw } = this.year;
    const asked = {
      id,
      community: code,
      purpose,
      payee: `payee-${purpose}`,
      fen,
      motion: "",
      evidence: draw.digest(id),
    };
    await world.act("pm-finance", "finance.ask_public_payment", asked);
    await world.act("committee-chair", "finance.decide_public_payment", { id, approve: true });
    await world.act("bank-teller", "finance.confirm_public_payment", { id, bank_ref: `PP-${id}` });
    this.transfers += 1;
    this.incomes.push({ timeMs: world.nowMs, way: purpose, fen });
  }

  /** What came in and went out stands in the books on the last evening; the month is closed and published in the night. */
  private async endMonth(month: number): Promise<void> {
    const { world, code, draw } = this.year;
    const next = firstDayOf(month + 1);
    await world.until(at(next - 1, LAST_HOUR));
    const between = [at(firstDayOf(month), 0), at(next, 0)] as const;
    const moved = (way: PublicWay): number => this.sum(way, between);
    const [parking, ads, cost, share] = [moved("parking"), moved("advertising"), moved("cost"), moved("fund_share")];
    const lines = [
      { code: "pub-parking", fen: -parking },
      { code: "pub-ads", fen: -ads },
      { code: "pub-bank", fen: parking + ads },
    ];
    await this.enterMonth(`P${month}-in`, "public", month, lines);
    const spent = [
      { code: "pub-cost", fen: cost },
      { code: "pub-share", fen: share },
      { code: "pub-bank", fen: -cost - share },
    ];
    await this.enterMonth(`P${month}-out`, "public", month, spent);
    const held = this.fund.heldFen(at(next, 0) - 1) - (this.books.bankFen.get("fund") ?? 0);
    await this.enterMonth(`F${month}`, "fund", month, [
      { code: "fund-bank", fen: held },
      { code: "fund-owners", fen: -held },
    ]);
    await world.until(at(next, CLOSING_HOUR));
    for (const book of BOOKS) {
      const closing = { community: code, book, period: period(month) };
      await world.act("pm-manager", "finance.close_period", closing);
      const statement = draw.digest(`statement:${book}:${month}`);
      await world.act("pm-manager", "finance.publish_statement", { ...closing, statement });
    }
    this.months.set(month, "published");
    await this.refuseBackdated(month);
    await this.openMonth(month + 1);
    const published = [...this.vouchers.values()]
      .filter((one) => one.month === month && one.state === "approved")
      .slice(0, 10);
    await Promise.all(published.map((voucher) => world.act("auditor", "finance.publish_entry", { id: voucher.id })));
    for (const voucher of published) voucher.state = "published";
  }

  private async enterMonth(id: string, book: Book, month: number, lines: readonly Line[]): Promise<void> {
    const moved = lines.filter(({ fen }) => fen !== 0);
    if (moved.length < 2) return;
    const { world } = this.year;
    const voucher = await this.drafted(id, book, month, moved);
    await this.post(voucher, world.nowMs);
    await this.approve(voucher, "committee-chair");
  }

  private async refuseBackdated(month: number): Promise<void> {
    const lines = [
      { code: "op-bank", fen: 1 },
      { code: "op-fees", fen: -1 },
    ];
    await this.year.world.expectRefusal({
      account: "pm-clerk",
      calls: [this.draftOf(`late-${month}`, "operating", month, lines)],
    });
  }

  private async signBalances(day: number): Promise<void> {
    const { world, code, draw } = this.year;
    await world.until(at(day, BANK_HOUR));
    const date = period(monthOf(day)) * 100 + day - firstDayOf(monthOf(day)) + 1;
    await Promise.all(
      BOOKS.map(async (book) => {
        const ours = this.books.bankFen.get(book) ?? 0;
        // Sometimes a transfer is on its way: the difference is published, not hidden.
        const signed = draw.chance(10, `differs:${book}:${day}`) ? ours + 1 : ours;
        await world.act("bank-teller", "finance.sign_balance", { community: code, book, day: date, signed });
        this.bankDays.push({ book, day: date, signed, ours });
      }),
    );
  }

  async check(checks: Checks, ledger: Ledger, money: MoneyBook): Promise<void> {
    const { code } = this.year;
    for (const [month, state] of this.months) {
      for (const book of BOOKS) {
        const { income, expense, total, approved } = this.books.statementOf(book, period(month));
        const expected = { income, expense, total, approved_count: approved, state };
        checks.row(
          `statement ${book} ${period(month)}`,
          expected,
          await ledger.row("finance.period", code, book, period(month)),
        );
      }
    }
    await ledger.each(this.books.turnovers, async ([key, turnover]) => {
      const [month = "", account = ""] = key.split("/");
      checks.row(
        `turnover ${key}`,
        { ...turnover },
        await ledger.row("finance.turnover", code, Number(month), account),
      );
    });
    for (const book of BOOKS) {
      checks.row(
        `book ${book}`,
        { bank_fen: this.books.bankFen.get(book) ?? 0 },
        await ledger.row("finance.book", code, book),
      );
    }
    await ledger.each(this.vouchers.values(), async ({ id, state }) => {
      checks.row(`voucher ${id}`, { state }, await ledger.row("finance.entry", id));
    });
    await ledger.each(this.bankDays, async ({ book, day, signed, ours }) => {
      checks.row(
        `balance of ${book} on ${day}`,
        { signed, ours },
        await ledger.row("finance.bank_day", code, book, day),
      );
    });
    const received = this.sum("parking") + this.sum("advertising");
    const pot = { received, cost: this.sum("cost"), used: 0, shared: this.sum("fund_share") };
    checks.row("public income", pot, await ledger.row("finance.public_pot", code));
    checkCount(checks, "vouchers", this.vouchers.size, await ledger.list("finance.entry"));
    checkCount(checks, "turnovers", this.books.turnovers.size, await ledger.list("finance.turnover"));
    checkCount(checks, "transfers", this.transfers, await ledger.list("finance.transfer"));
    money.move("outside:public", `public:${code}`, received - this.sum("cost"));
    money.move(`public:${code}`, `fund:${code}`, this.sum("fund_share"));
  }

  figures(): readonly string[] {
    const published = [...this.months.values()].filter((state) => state === "published").length;
    return [
      `凭证 vouchers ${this.vouchers.size}, 已公布月份 months published ${published}; 公共收益 public income ${yuan(this.sum("parking") + this.sum("advertising"))}, 转入维修资金 to the fund ${yuan(this.sum("fund_share"))}`,
    ];
  }
}

function payeeOf(index: number): string {
  return `payee-${index + 1}`;
}
