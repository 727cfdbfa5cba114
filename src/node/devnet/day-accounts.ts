// The community's accounts: duties of disclosure, books of the month in double entry by three people, closing, statements.
// Adds up nothing that counts: the contract keeps the turnover, and the summary recomputes it from the plan.

import type { CallRequest } from "../../client/transaction.ts";
import type { Value } from "../../ledger/codec.ts";
import { digestOf, itemOf, moveRows, residentOf, staffOf } from "./acts.ts";
import { STAFF } from "./cast.ts";
import type { DayContext } from "./day.ts";
import { billingPeriod } from "./plan.ts";
import { PUBLIC_INCOME, plannedPackages, SUPPLIES } from "./plan-services.ts";
import type { RowFields } from "./reader.ts";
import type { ProgressLine, Steps } from "./steps.ts";
import { untilFound, untilLedgerTime } from "./waiting.ts";

const ROWS = { contract: "finance", table: "entry" };

const DAY_MS = 86_400_000;
const ZONE_MS = 8 * 3_600_000;
/** A duty is set for a period that is not over when the transaction is executed. */
const MARGIN_MS = 10 * DAY_MS;
export const DUTIES = [
  { kind: "accounts", months: 12 },
  { kind: "public_income", months: 3 },
] as const;

type Book = "operating" | "public";
const BOOKS: readonly Book[] = ["operating", "public"];
const ACCOUNTS: readonly (readonly [code: string, book: Book, kind: string])[] = [
  ["1002", "operating", "bank"],
  ["1122", "operating", "asset"],
  ["6001", "operating", "income"],
  ["6401", "operating", "expense"],
  ["6602", "operating", "expense"],
  ["P1002", "public", "bank"],
  ["P6001", "public", "income"],
];

interface Entry {
  readonly id: string;
  readonly book: Book;
  readonly lines: readonly (readonly [code: string, fen: number])[];
  readonly payee: string;
}

/** The street office says what is to be published and when; the ledger itself watches the time from here on. */
export async function setDuties(context: DayContext, steps: Steps): Promise<void> {
  const { code } = context.community;
  const local = new Date(context.clock.nowMs() + MARGIN_MS + ZONE_MS);
  // Both periods end with the month that the margin lies in.
  const from = (months: number) => monthStartMs(local.getUTCFullYear(), local.getUTCMonth() + 1 - months);
  await steps.ensure({
    title: { zh: "街道设定公开事项: 收支、公共收益", en: "The street office sets duties: accounts, public income" },
    contract: "disclosure",
    table: "duty",
    items: DUTIES.map(({ kind, months }) => {
      const args = { community: code, kind, holder: "firm", from: from(months) };
      return itemOf(staffOf(context, STAFF.street), [code, kind], [{ contract: "disclosure", action: "start", args }]);
    }),
  });
}

/** The month's books: opened by the street office, entries drafted, posted and approved by three people, one reversed. */
export async function keepBooks(context: DayContext, steps: Steps): Promise<void> {
  const { code: community } = context.community;
  const period = billingPeriod(context.genesis.timeMs);
  await openBooks(context, steps, period);
  await steps.ensure({
    title: {
      zh: `银行确认 ${PUBLIC_INCOME.length} 笔公共收益`,
      en: `The bank confirms ${PUBLIC_INCOME.length} public incomes`,
    },
    contract: "finance",
    table: "transfer",
    items: PUBLIC_INCOME.map(({ reference, way, fen }) =>
      itemOf(
        staffOf(context, STAFF.bank),
        [reference],
        [call("confirm_income", { bank_ref: reference, community, way, fen })],
      ),
    ),
    itemsPerTransaction: 10,
  });
  await enter(context, steps, await entriesOf(steps));
  await reverse(context, steps, period);
  await enter(context, steps, [supplies("op-6", SUPPLIES.rightFen)]);
}

/** When the month is over it is closed and its statements are published; a late entry is refused. */
export async function closeMonth(context: DayContext, steps: Steps): Promise<void> {
  const { code: community } = context.community;
  const period = billingPeriod(context.genesis.timeMs);
  await untilLedgerTime(context, monthStartMs(Math.floor(period / 100), period % 100));
  const manager = staffOf(context, STAFF.manager);
  const move = (title: ProgressLine, states: readonly string[], callFor: (book: Book) => CallRequest) =>
    steps.ensure({
      title,
      contract: "finance",
      table: "period",
      items: BOOKS.map((book) =>
        itemOf(manager, [community, book, period], [callFor(book)], {
          isDone: ({ state }) => states.includes(String(state)),
        }),
      ),
      itemsPerTransaction: 10,
    });
  await move({ zh: `${period} 结账`, en: `${period} closed` }, ["closed", "published"], (book) =>
    call("close_period", { community, book, period }),
  );
  const turnover = await steps.reader.rows("finance", "turnover");
  await move({ zh: `公布 ${period} 报表`, en: `Statements of ${period} published` }, ["published"], (book) => {
    const statement = digestOf(statementText(turnoverOf(turnover, { community, period, book })));
    return call("publish_statement", { community, book, period, statement });
  });
  const late = supplies("late-1", SUPPLIES.rightFen);
  await context.attempts.make("locked-month", staffOf(context, STAFF.clerk), [draftOf(context, late, period)]);
  const [income] = PUBLIC_INCOME;
  const diverted: Entry = {
    id: "divert-1",
    book: "operating",
    lines: [
      ["1002", income.fen],
      ["P1002", -income.fen],
    ],
    payee: "property",
  };
  const open = nextMonth(period);
  await steps.ensure({
    title: { zh: `开启 ${open} 账簿`, en: `Books of ${open} opened` },
    contract: "finance",
    table: "period",
    items: [
      itemOf(
        staffOf(context, STAFF.finance),
        [community, "operating", open],
        [call("open_period", { community, book: "operating", period: open })],
      ),
    ],
  });
  await context.attempts.make("diverted-income", staffOf(context, STAFF.clerk), [draftOf(context, diverted, open)]);
}

/** The accounts in time; public income not before the ledger has said that it is late, and a resident has raised the alert. */
export async function disclose(context: DayContext, steps: Steps): Promise<void> {
  const { code: community } = context.community;
  const ends = Number((await steps.reader.row("disclosure", "duty", [community, "accounts"]))?.ends ?? 0);
  await untilLedgerTime(context, (await publicationOf(steps, community, "accounts")) === undefined ? ends : 0);
  await publish(context, steps, { kind: "accounts", book: "operating" });
}

/** @returns when the ledger has said it; who was to publish could not keep it from saying so */
export async function awaitOverdue(context: DayContext, steps: Steps): Promise<void> {
  const { code: community } = context.community;
  const owner = residentOf(context, plannedPackages(context.community)[1]?.resident ?? "");
  const duty = await steps.reader.row("disclosure", "duty", [community, "public_income"]);
  if ((await publicationOf(steps, community, "public_income")) === undefined) {
    await untilFound(context, { what: "disclosure_overdue", dueMs: Number(duty?.due ?? 0) }, async () => {
      const now = await steps.reader.row("disclosure", "duty", [community, "public_income"]);
      return now?.late === true ? now : undefined;
    });
  }
  await steps.ensure({
    title: {
      zh: "公共收益逾期未公开, 账本已公布; 一位业主提出预警",
      en: "Public income was not disclosed in time, the ledger said so; an owner raises the alert",
    },
    contract: "supervision",
    table: "alert",
    items: [
      itemOf(
        owner,
        [alertOf(community)],
        [{ contract: "supervision", action: "alert_disclosure", args: { community, kind: "public_income" } }],
      ),
    ],
  });
  await publish(context, steps, { kind: "public_income", book: "public" });
}

export function alertOf(community: string): string {
  return `disclosure/${community}/public_income/1`;
}

/** One line for each account: code, debit, credit; its digest is what is published. */
export function statementText(lines: readonly (readonly [code: string, debit: number, credit: number])[]): string {
  return [...lines]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map((line) => `${line.join(",")}\n`)
    .join("");
}

/** The month after one written as 202611. */
export function nextMonth(period: number): number {
  return period % 100 === 12 ? (Math.floor(period / 100) + 1) * 100 + 1 : period + 1;
}

/** Ledger time at which a month begins in UTC+8. @param month from 0; beyond a year is another one */
function monthStartMs(year: number, month: number): number {
  return Date.UTC(year, month, 1) - ZONE_MS;
}

async function openBooks(context: DayContext, steps: Steps, period: number): Promise<void> {
  const { code: community } = context.community;
  const contract = "finance";
  const finance = staffOf(context, STAFF.finance);
  const opened = { community, mode: "lump_sum", fee_bp: 0, document: digestOf("property contract") };
  await steps.ensure({
    title: {
      zh: "街道建账: 物业服务、公共收益、维修资金分账",
      en: "Books opened: operating, public income and fund apart",
    },
    contract,
    table: "books",
    items: [itemOf(staffOf(context, STAFF.street), [community], [call("open_books", opened)])],
  });
  await steps.ensure({
    title: { zh: `设立 ${ACCOUNTS.length} 个科目`, en: `${ACCOUNTS.length} accounts opened` },
    contract,
    table: "account",
    items: ACCOUNTS.map(([code, book, kind]) =>
      itemOf(finance, [community, code], [call("open_account", { community, code, book, kind })]),
    ),
    itemsPerTransaction: 10,
  });
  await steps.ensure({
    title: { zh: `开启 ${period} 账簿`, en: `Books of ${period} opened` },
    contract,
    table: "period",
    items: BOOKS.map((book) =>
      itemOf(finance, [community, book, period], [call("open_period", { community, book, period })]),
    ),
    itemsPerTransaction: 10,
  });
}

/** What happened in the month, as fees, repairs and the bank have it on the ledger. */
async function entriesOf(steps: Steps): Promise<readonly Entry[]> {
  const sum = async (contract: string, table: string, field: string, isIn = (_: RowFields) => true) => {
    const rows = [...(await steps.reader.rows(contract, table)).values()];
    return rows.filter(isIn).reduce((total, fields) => total + Number(fields[field]), 0);
  };
  const billed = await sum("fees", "bill", "fen");
  const paid = await sum("fees", "payment", "fen");
  const repairs = await sum("device-repair", "order", "price", ({ state }) => state === "paid");
  const income = PUBLIC_INCOME.reduce((total, { fen }) => total + fen, 0);
  const entry = (id: string, book: Book, debit: string, credit: string, fen: number, payee = ""): Entry => ({
    id,
    book,
    lines: [
      [debit, fen],
      [credit, -fen],
    ],
    payee,
  });
  const entries = [
    entry("op-1", "operating", "1122", "6001", billed),
    entry("op-2", "operating", "1002", "1122", paid),
    entry("op-3", "operating", "6401", "1002", repairs, "provider"),
    supplies("op-4", SUPPLIES.wrongFen),
    entry("pub-1", "public", "P1002", "P6001", income),
  ];
  // Where all repairs were under warranty there is nothing to enter.
  return entries.filter(({ lines }) => lines.every(([, fen]) => fen !== 0));
}

function supplies(id: string, fen: number): Entry {
  return {
    id,
    book: "operating",
    lines: [
      ["6602", fen],
      ["1002", -fen],
    ],
    payee: "stationer",
  };
}

/** Drafted by the clerk, posted by the accountant, approved by the manager. */
async function enter(context: DayContext, steps: Steps, entries: readonly Entry[]): Promise<void> {
  const period = billingPeriod(context.genesis.timeMs);
  await moveRows(steps, {
    rows: ROWS,
    title: { zh: `物业文员制单 ${entries.length} 张`, en: `The clerk drafts ${entries.length} entries` },
    by: staffOf(context, STAFF.clerk),
    after: [],
    items: entries.map((entry) => [entry.id, draftOf(context, entry, period)]),
  });
  await moveRows(steps, {
    rows: ROWS,
    title: { zh: "会计过账", en: "The accountant posts them" },
    by: staffOf(context, STAFF.finance),
    after: ["draft"],
    items: entries.map(({ id }) => [id, call("post", { id })]),
  });
  await approve(context, steps, entries);
}

async function approve(context: DayContext, steps: Steps, entries: readonly { readonly id: string }[]): Promise<void> {
  await moveRows(steps, {
    rows: ROWS,
    title: { zh: "经理复核", en: "The manager approves them" },
    by: staffOf(context, STAFF.manager),
    after: ["draft", "posted"],
    items: entries.map(({ id }) => [id, call("approve", { id })]),
  });
}

/** What was wrong stays where it is, and is taken back in red. */
async function reverse(context: DayContext, steps: Steps, period: number): Promise<void> {
  const args = { id: "op-5", original: "op-4", period, evidence: digestOf("invoice:op-5") };
  await moveRows(steps, {
    rows: ROWS,
    title: { zh: "记错的凭证红字冲销", en: "The entry that was wrong is reversed" },
    by: staffOf(context, STAFF.finance),
    after: [],
    items: [["op-5", call("reverse", args)]],
  });
  await approve(context, steps, [{ id: "op-5" }]);
}

function draftOf(context: DayContext, { id, book, lines, payee }: Entry, period: number): CallRequest {
  return call("draft", {
    id,
    community: context.community.code,
    book,
    period,
    codes: lines.map(([code]) => code),
    amounts: lines.map(([, fen]) => fen),
    payee,
    evidence: digestOf(`invoice:${id}`),
  });
}

function turnoverOf(
  rows: ReadonlyMap<string, RowFields>,
  { community, period, book }: { readonly community: string; readonly period: number; readonly book: Book },
): readonly (readonly [string, number, number])[] {
  return ACCOUNTS.filter(([, of]) => of === book).flatMap(([code]) => {
    const fields = rows.get([community, period, code].join("\n"));
    return fields === undefined ? [] : [[code, Number(fields.debit), Number(fields.credit)] as const];
  });
}

function publicationOf(steps: Steps, community: string, kind: string): Promise<RowFields | undefined> {
  return steps.reader.row("disclosure", "publication", [community, kind, 1, 1]);
}

async function publish(
  context: DayContext,
  steps: Steps,
  { kind, book }: { readonly kind: string; readonly book: Book },
): Promise<void> {
  const { code: community } = context.community;
  const period = billingPeriod(context.genesis.timeMs);
  const turnover = await steps.reader.rows("finance", "turnover");
  const digest = digestOf(statementText(turnoverOf(turnover, { community, period, book })));
  await steps.ensure({
    title: { zh: `物业公开 ${kind}`, en: `The property company discloses ${kind}` },
    contract: "disclosure",
    table: "publication",
    items: [
      itemOf(
        staffOf(context, STAFF.manager),
        [community, kind, 1, 1],
        [{ contract: "disclosure", action: "publish", args: { community, kind, number: 1, digest } }],
      ),
    ],
  });
}

function call(action: string, args: Readonly<Record<string, Value>>): CallRequest {
  return { contract: "finance", action, args };
}
