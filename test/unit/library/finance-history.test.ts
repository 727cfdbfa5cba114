// Random histories of the books: whatever happens, the statements are what anybody adds up again from the events, months that are
// closed stay as they were, and public income keeps the fund's share. The arithmetic is written here a second time.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileLibrary, type Fields, LibraryLedger } from "./library-ledger.ts";

const CONTRACTS = compileLibrary(["governance", "registry", "owners-vote", "maintenance-fund", "finance"]);
const DAY_MS = 86_400_000;
/** 2026-11-10 12:00 at UTC+8 */
const START_MS = 1_794_283_200_000;
const DIGEST = new Uint8Array(32).fill(7);
const KINDS: Readonly<Record<string, string>> = {
  A1: "bank",
  A2: "income",
  A3: "expense",
  A4: "liability",
  A5: "asset",
};
const CODES = Object.keys(KINDS);
/** Domain table 4.3, row Finance. */
const MOVES: Readonly<Record<string, readonly string[]>> = {
  draft: ["posted"],
  posted: ["approved", "draft"],
  approved: ["published", "reversed"],
  published: ["reversed"],
};
const PERIOD_MOVES: Readonly<Record<string, readonly string[]>> = { open: ["closed"], closed: ["published"] };

interface Line {
  readonly code: string;
  readonly fen: number;
}

/** What stands in a statement, added up from events alone. */
interface Statement {
  readonly debit: Map<string, number>;
  readonly credit: Map<string, number>;
  income: number;
  expense: number;
  total: number;
}

class History {
  readonly ledger = new LibraryLedger(CONTRACTS, START_MS);
  private readonly states = new Map<string, string>();
  private readonly closed = new Map<string, string>();
  private readonly ids: string[] = [];
  private sequence = 0;

  constructor() {
    const { ledger } = this;
    ledger.put("registry.community", { id: "c", street: "jd", firm: "pm", committee: "yw", bank: "bk" });
    ledger.put("registry.roll", { id: "all", community: "c", scope: "community" });
    ledger.put("maintenance-fund.fund", { community: "c" });
    this.happens("street/s@jd", "open_books", { community: "c", mode: "lump_sum", fee_bp: 0, document: DIGEST });
    for (const [code, kind] of Object.entries(KINDS))
      this.happens("pm_finance/f@pm", "open_account", { community: "c", code, book: "operating", kind });
    this.openMonth();
  }

  try(as: string, action: string, args: Fields): boolean {
    return this.ledger.act({ as, do: `finance.${action}`, with: args }) === undefined;
  }

  private happens(as: string, action: string, args: Fields): void {
    expect([action, this.try(as, action, args)]).toEqual([action, true]);
  }

  private name(prefix: string): string {
    this.sequence += 1;
    return `${prefix}${this.sequence}`;
  }

  month(): number {
    const local = new Date(this.ledger.ledger.nowMs + 8 * 3_600_000);
    return local.getUTCFullYear() * 100 + local.getUTCMonth() + 1;
  }

  any(choice: number): string {
    return this.ids[choice % Math.max(1, this.ids.length)] ?? "none";
  }

  openMonth(): void {
    this.try("pm_finance/f@pm", "open_period", { community: "c", book: "operating", period: this.month() });
  }

  draft(lines: readonly Line[], off: number): void {
    const id = this.name("e");
    const sum = lines.slice(1).reduce((total, { fen }) => total + fen, 0);
    const amounts = lines.map(({ fen }, index) => (index === 0 ? off - sum : fen));
    const codes = lines.map(({ code }) => code);
    const args = { id, community: "c", book: "operating", period: this.month(), codes, amounts, payee: "x" };
    const isBalanced = off === 0 && amounts.every((fen) => fen !== 0) && new Set(codes).size === codes.length;
    const state = this.ledger.row("finance.period", "c", "operating", this.month())?.state;
    const isDone = this.try("pm_clerk/k@pm", "draft", { ...args, evidence: DIGEST });
    expect(isDone).toBe(isBalanced && state === "open");
    if (isDone) this.ids.push(id);
  }

  reverse(original: string): void {
    const id = this.name("r");
    const args = { id, original, period: this.month(), evidence: DIGEST };
    if (this.try("pm_finance/f@pm", "reverse", args)) this.ids.push(id);
  }

  /** Never by who drafted or posted it, whatever roles they have. */
  approve(id: string): void {
    const entry = this.ledger.row("finance.entry", id);
    for (const own of [entry?.drafted_by, entry?.posted_by])
      expect(this.try(`pm_manager+committee/${String(own)}@pm`, "approve", { id })).toBe(false);
    if (!this.try("pm_manager/m@pm", "approve", { id })) this.try("committee/y@yw", "approve", { id });
  }

  close(): void {
    for (const { book, period, state } of this.ledger.rows("finance.period")) {
      if (state !== "open") continue;
      const isOver = Number(period) < this.month();
      const isDone = this.try("pm_manager/m@pm", "close_period", {
        community: "c",
        book: book ?? "",
        period: period ?? 0,
      });
      if (isDone) expect(isOver).toBe(true);
    }
  }

  publish(): void {
    for (const { book, period, state } of this.ledger.rows("finance.period")) {
      const args = { community: "c", book: book ?? "", period: period ?? 0, statement: DIGEST };
      expect(this.try("pm_manager/m@pm", "publish_statement", args)).toBe(state === "closed");
    }
  }

  /** Added up again from what the ledger made known, entry by entry. */
  private recomputed(): ReadonlyMap<number, Statement> {
    const statements = new Map<number, Statement>();
    const add = (to: Map<string, number>, code: string, fen: number) => to.set(code, (to.get(code) ?? 0) + fen);
    for (const { name, fields } of this.ledger.events) {
      if (name !== "entry_approved") continue;
      const { period, codes, amounts, reverses } = Object.fromEntries(fields);
      const of = statements.get(Number(period)) ?? {
        debit: new Map(),
        credit: new Map(),
        income: 0,
        expense: 0,
        total: 0,
      };
      statements.set(Number(period), of);
      if (!Array.isArray(codes) || !Array.isArray(amounts)) throw new Error("an entry has lines");
      for (const [index, code] of codes.entries()) {
        const fen = Number(amounts[index]);
        // What is reversed comes off the side on which it stood.
        const isDebit = reverses === "" ? fen > 0 : fen < 0;
        add(isDebit ? of.debit : of.credit, String(code), isDebit ? fen : -fen);
        if (isDebit) of.total += fen;
        if (KINDS[String(code)] === "income") of.income -= fen;
        if (KINDS[String(code)] === "expense") of.expense += fen;
      }
    }
    return statements;
  }

  compare(): void {
    const { ledger } = this;
    const statements = this.recomputed();
    let bank = 0;
    for (const { period, code, debit, credit } of ledger.rows("finance.turnover")) {
      const of = statements.get(Number(period));
      expect([code, debit, credit]).toEqual([
        code,
        of?.debit.get(String(code)) ?? 0,
        of?.credit.get(String(code)) ?? 0,
      ]);
      if (code === "A1") bank += Number(debit) - Number(credit);
    }
    for (const of of statements.values()) {
      const sides = [of.debit, of.credit].map((side) => [...side.values()].reduce((sum, fen) => sum + fen, 0));
      expect(sides).toEqual([of.total, of.total]);
    }
    expect(ledger.row("finance.book", "c", "operating")?.bank_fen).toBe(bank);
    this.comparePeriods(statements);
    for (const row of ledger.rows("finance.entry")) this.follow(`entry ${String(row.id)}`, String(row.state), MOVES);
    for (const { state, drafted_by, posted_by, approved_by } of ledger.rows("finance.entry"))
      if (["approved", "published", "reversed"].includes(String(state)))
        expect([drafted_by, posted_by]).not.toContain(approved_by);
  }

  private comparePeriods(statements: ReadonlyMap<number, Statement>): void {
    const entries = this.ledger.rows("finance.entry");
    for (const row of this.ledger.rows("finance.period")) {
      const { period, state, pending, total, income, expense } = row;
      const waiting = entries.filter((entry) => entry.period === period && entry.state === "posted").length;
      const of = statements.get(Number(period));
      expect([period, pending, total, income, expense]).toEqual([
        period,
        waiting,
        of?.total ?? 0,
        of?.income ?? 0,
        of?.expense ?? 0,
      ]);
      this.follow(`period ${String(period)}`, String(state), PERIOD_MOVES);
      const figures = JSON.stringify([period, pending, total, income, expense]);
      const before = this.closed.get(String(period));
      if (before !== undefined) expect(figures).toBe(before);
      if (state !== "open") this.closed.set(String(period), figures);
    }
  }

  private follow(name: string, state: string, moves: Readonly<Record<string, readonly string[]>>): void {
    const before = this.states.get(name) ?? state;
    if (before !== state)
      expect([name, before, moves[before]]).toEqual([name, before, expect.arrayContaining([state])]);
    this.states.set(name, state);
  }
}

type Command = (history: History) => void;

const line = fc.record({ code: fc.constantFrom(...CODES), fen: fc.integer({ min: -3_000_000, max: 3_000_000 }) });
const lines = fc.uniqueArray(line, { minLength: 2, maxLength: 4, selector: ({ code }) => code });
const choice = fc.nat(30);
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: lines.map(
      (each): Command =>
        (h) =>
          h.draft(each, 0),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.array(line, { minLength: 2, maxLength: 4 }), fc.nat(1)).map(
      ([each, off]): Command =>
        (h) =>
          h.draft(each, off),
    ),
  },
  {
    weight: 6,
    arbitrary: choice.map(
      (n): Command =>
        (h) =>
          void h.try("pm_finance/f@pm", "post", { id: h.any(n) }),
    ),
  },
  {
    weight: 6,
    arbitrary: choice.map(
      (n): Command =>
        (h) =>
          h.approve(h.any(n)),
    ),
  },
  {
    weight: 2,
    arbitrary: choice.map(
      (n): Command =>
        (h) =>
          void h.try("pm_manager/m@pm", "send_back", { id: h.any(n) }),
    ),
  },
  {
    weight: 3,
    arbitrary: choice.map(
      (n): Command =>
        (h) =>
          h.reverse(h.any(n)),
    ),
  },
  {
    weight: 1,
    arbitrary: choice.map(
      (n): Command =>
        (h) =>
          void h.try("owner/o", "publish_entry", { id: h.any(n) }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constant((h: History): void => {
      h.ledger.advance(20 * DAY_MS);
      h.openMonth();
    }),
  },
  { weight: 2, arbitrary: fc.constant((h: History): void => h.close()) },
  { weight: 1, arbitrary: fc.constant((h: History): void => h.publish()) },
);

describe("finance", () => {
  test("L253: after any history statements are what anybody adds up from the events, closed months stay, and nobody approves the own entry", () => {
    fc.assert(
      fc.property(fc.array(command, { minLength: 30, maxLength: 80 }), (commands) => {
        const history = new History();
        for (const run of commands) {
          run(history);
          history.compare();
        }
      }),
      { numRuns: 60 },
    );
  });

  test("L254: whatever is asked for and paid, public income is spent within the law's shares, and the rest is there or with the fund", () => {
    const step = fc.record({
      what: fc.constantFrom("income", "cost", "decided", "fund_share", "decide", "confirm"),
      fen: fc.integer({ min: 1, max: 9_999 }),
      /** of what came in, in percent: at and around the limits; 0 takes the plain amount */
      share: fc.constantFrom(0, 5, 30, 31, 35, 50, 51),
      approve: fc.boolean(),
      choice: fc.nat(20),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => {
        const { ledger } = new History();
        const act = (as: string, action: string, args: Fields) =>
          ledger.act({ as, do: `finance.${action}`, with: args }) === undefined;
        const paid = new Map<string, number>();
        let received = 0;
        for (const [index, { what, fen: plain, share, approve, choice: some }] of steps.entries()) {
          const id = `p${what === "decide" || what === "confirm" ? some % (index + 1) : index}`;
          const fen = share === 0 || what === "income" ? plain : Math.max(1, Math.floor((received * share) / 100));
          if (what === "income") {
            const args = { bank_ref: `I${index}`, community: "c", way: "rent", fen };
            expect([act("bank/b@bk", "confirm_income", args), act("bank/b@bk", "confirm_income", args)]).toEqual([
              true,
              false,
            ]);
            received += fen;
          } else if (what === "decide") act("committee/y@yw", "decide_public_payment", { id, approve });
          else if (what === "confirm") {
            const row = ledger.row("finance.public_payment", id);
            const isDone = act("bank/b@bk", "confirm_public_payment", { id, bank_ref: `O${index}` });
            expect(isDone).toBe(row?.state === "approved");
            if (isDone) paid.set(String(row?.purpose), (paid.get(String(row?.purpose)) ?? 0) + Number(row?.fen));
          } else {
            const motion = { id, community: "c", decision: `use:${id}:${fen}`, roll: "all", state: "effective" };
            if (what === "decided") ledger.put("owners-vote.motion", motion);
            const args = { id, community: "c", purpose: what, payee: "x", fen, motion: id, evidence: DIGEST };
            act("pm_finance/f@pm", "ask_public_payment", args);
          }
          const of = (purpose: string) => paid.get(purpose) ?? 0;
          const pot = ledger.row("finance.public_pot", "c");
          expect(Number(pot?.cost) * 10_000).toBeLessThanOrEqual(received * 3_000);
          expect(Number(pot?.used) * 2).toBeLessThanOrEqual(received - Number(pot?.cost));
          expect([of("cost") <= Number(pot?.cost), of("decided") <= Number(pot?.used)]).toEqual([true, true]);
          expect(ledger.balance("public:c")).toBe(received - of("cost") - of("decided") - of("fund_share"));
          expect(ledger.balance("fund:c")).toBe(of("fund_share"));
          expect(ledger.row("maintenance-fund.fund", "c")?.general_in).toBe(of("fund_share"));
          expect(ledger.ledger.money()).toBe(0n);
        }
      }),
      { numRuns: 60 },
    );
  });
});
