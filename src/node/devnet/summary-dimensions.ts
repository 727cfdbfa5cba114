// What each of the four dimensions gained on the day: residents, services, property company, supervision; and what was refused.
// Every figure is a proved row, held against what the plan and the law say; a refusal is a proved receipt.

import { toHex } from "../../ledger/hash.ts";
import { bytesOf, digestOf } from "./acts.ts";
import {
  ATTEMPT_NAMES,
  ATTEMPTS,
  type AttemptName,
  DIMENSIONS,
  type Dimension,
  type PlannedAttempt,
} from "./attempts.ts";
import type { Community } from "./community.ts";
import { alertOf, DUTIES, statementText } from "./day-accounts.ts";
import { type ExpectedMoney, expectedBooks, expectedCredit, grouped } from "./expected.ts";
import { billingPeriod } from "./plan.ts";
import { ITEMS, MATCH_MODES } from "./plan-services.ts";
import type { RowFields } from "./reader.ts";
import type { StepAnswer, StepReader } from "./steps.ts";
import { checkServices, PROVIDERS, type ServicesChecked } from "./summary-services.ts";
import { differences, type Finding, heading, percent, yuan } from "./summary-text.ts";

/** after the end of a period, until its disclosure is due */
const GRACE_MS = 30 * 86_400_000;

export interface Refusal {
  readonly attempt: string;
  readonly rule: string;
  readonly zh: string;
  readonly en: string;
  /** hexadecimal */
  readonly txId: string;
}

/** Names are part of the promise of `--json`. */
export interface DimensionFacts {
  readonly residents: {
    readonly ballots: number;
    readonly packages: number;
    readonly escrowFen: number;
    readonly refundedFen: number;
    readonly ratings: number;
    readonly refused: readonly Refusal[];
  };
  readonly services: {
    readonly providers: number;
    readonly visits: number;
    readonly missed: number;
    readonly silent: number;
    readonly paidFen: number;
    readonly scoreBp: number;
    readonly refused: readonly Refusal[];
  };
  readonly property: {
    readonly bills: number;
    readonly paidFen: number;
    readonly entries: number;
    readonly incomeFen: number;
    readonly expenseFen: number;
    /** SHA-256 of the statement of the month, hexadecimal */
    readonly statement: string;
    readonly refused: readonly Refusal[];
  };
  readonly supervision: {
    /** disclosures */
    readonly inTime: number;
    readonly overdue: number;
    readonly score: number;
    readonly grade: string;
    readonly refused: readonly Refusal[];
  };
}

/** What the summary of the four asks of the ledger. */
export interface DimensionSource {
  readonly community: Community;
  readonly genesisTimeMs: number;
  /** the motion that was voted on */
  readonly motion: string;
  readonly reader: StepReader;
  /** the proved answer to an attempt; undefined: it was never made */
  readonly answerTo: (name: AttemptName) => Promise<StepAnswer | undefined>;
}

interface Part<Facts> extends Finding {
  readonly facts: Facts;
}

/** Checks and shows all four. */
export async function showDimensions(source: DimensionSource, money: ExpectedMoney): Promise<Part<DimensionFacts>> {
  const services = await checkServices(source);
  const parts = {
    residents: await residentsPart(source, services),
    services: servicesPart(services),
    property: await propertyPart(source, money),
    supervision: await supervisionPart(source),
  };
  const refusals = await refusalsOf(source);
  const lines = DIMENSIONS.flatMap((dimension) => {
    const [zh, en] = TITLES[dimension];
    const { ok, lines: shown } = parts[dimension];
    const { ok: isRefused, lines: refused } = refusals[dimension];
    return [heading(ok && isRefused, zh, en), ...shown, ...refused];
  });
  const ok = DIMENSIONS.every((dimension) => parts[dimension].ok && refusals[dimension].ok);
  const withRefusals = <Facts>(dimension: Dimension, { facts }: Part<Facts>) => ({
    ...facts,
    refused: refusals[dimension].facts,
  });
  return {
    ok,
    lines,
    facts: {
      residents: withRefusals("residents", parts.residents),
      services: withRefusals("services", parts.services),
      property: withRefusals("property", parts.property),
      supervision: withRefusals("supervision", parts.supervision),
    },
  };
}

const TITLES: Readonly<Record<Dimension, readonly [zh: string, en: string]>> = {
  residents: ["居民: 参与和权利", "Residents: they take part and are protected"],
  services: ["服务: 协同", "Services: they work together"],
  property: ["物业: 高效、公开", "Property company: efficient and open"],
  supervision: ["监管: 凭事实, 不迟到", "Supervision: by facts, and in time"],
};

async function residentsPart(
  { reader, motion }: DimensionSource,
  { packages, escrowFen, refundedFen, ratings, ok }: ServicesChecked,
): Promise<Part<Omit<DimensionFacts["residents"], "refused">>> {
  const ballots = Number((await reader.row("owners-vote", "motion", [motion]))?.cast_heads);
  return {
    ok,
    facts: { ballots, packages, escrowFen, refundedFen, ratings },
    lines: [
      `  ${grouped(ballots)} 名业主各投一张密封选票, 谁都可以重新计票 · ${grouped(ballots)} owners cast a sealed ballot each; anybody can count again`,
      `  ${packages} 份套餐 ${yuan(escrowFen)} 先入托管, 验收才付款, 退还 ${yuan(refundedFen)} · ${packages} packages: paid into escrow, out on acceptance only, ${yuan(refundedFen)} given back`,
      `  ${ratings} 条评价, 每单一条, 只能由下单的居民作出 · ${ratings} ratings, one of each order, by who ordered it`,
    ],
  };
}

function servicesPart(checked: ServicesChecked): Part<Omit<DimensionFacts["services"], "refused">> {
  const { ok, visits, missed, silent, paidFen, scoreBp, problems } = checked;
  return {
    ok,
    facts: { providers: PROVIDERS.length, visits, missed, silent, paidFen, scoreBp },
    lines: [
      `  每份套餐由 ${PROVIDERS.length} 家服务商合做: ${visits} 次上门, 凭码签到签退, ${missed} 次未到 (已退款) · ${PROVIDERS.length} providers in each package: ${visits} visits with codes at the door, ${missed} missed (refunded)`,
      `  付服务商 ${yuan(paidFen)}, 验收即付, 其中 ${silent} 单在沉默 72 小时后由账本付 · ${yuan(paidFen)} paid on acceptance, ${silent} orders by the ledger after 72 hours of silence`,
      `  安心到家得 ${percent(scoreBp)} 分; 得分和 ${MATCH_MODES.length} 次排序均已重算 · Anxin scores ${percent(scoreBp)}; the score and ${MATCH_MODES.length} rankings were recomputed`,
      ...problems.map((problem) => `  ! ${problem}`),
    ],
  };
}

async function propertyPart(
  { reader, community, genesisTimeMs }: DimensionSource,
  money: ExpectedMoney,
): Promise<Part<Omit<DimensionFacts["property"], "refused">>> {
  const period = billingPeriod(genesisTimeMs);
  const expected = expectedBooks(money);
  const problems: string[] = [];
  const rows: Record<string, RowFields> = {};
  for (const book of ["operating", "public"] as const) {
    const { lines, income, expense, entries } = expected[book];
    const row = (await reader.row("finance", "period", [community.code, book, period])) ?? {};
    rows[book] = row;
    const wanted = { state: "published", income, expense, approved_count: entries, pending: 0 };
    problems.push(...differences(`${book} ${period}`, row, wanted));
    for (const [code, debit, credit] of lines) {
      const turnover = (await reader.row("finance", "turnover", [community.code, period, code])) ?? {};
      problems.push(...differences(`${period} ${code}`, turnover, { debit, credit }));
    }
    const digest = toHex(digestOf(statementText(lines)));
    if (toHex(bytesOf(row.statement)) !== digest) problems.push(`${book} ${period}: statement ${digest}`);
  }
  let entries = 0;
  for (const id of (await reader.rows("finance", "entry")).keys()) {
    const entry = (await reader.row("finance", "entry", [id])) ?? {};
    const { drafted_by: drafted, posted_by: posted, approved_by: approved } = entry;
    if (approved === "" || approved === posted || approved === drafted) problems.push(`${id}: ${String(approved)}`);
    entries += 1;
  }
  const run = (await reader.row("fees", "run", [community.code, period])) ?? {};
  const { operating = {} } = rows;
  const bills = grouped(Number(run.bills));
  const [incomeFen, expenseFen] = [Number(operating.income), Number(operating.expense)];
  const statement = toHex(bytesOf(operating.statement));
  return {
    ok: problems.length === 0,
    facts: { bills: Number(run.bills), paidFen: money.paidFen, entries, incomeFen, expenseFen, statement },
    lines: [
      `  ${bills} 张账单每 100 张一笔交易, 银行确认收款 ${yuan(money.paidFen)} · ${bills} bills in transactions of 100, ${yuan(money.paidFen)} confirmed by the bank`,
      `  ${period} 已结账: ${entries} 张凭证, 复核的都不是制单、过账的人, 公共收益单列 · ${period} is closed: ${entries} entries, none approved by who drafted or posted it, public income apart`,
      `  收入 income ${yuan(incomeFen)}, 支出 expense ${yuan(expenseFen)}; 报表已重算 · the statement, recomputed: ${statement.slice(0, 16)}…`,
      ...problems.map((problem) => `  ! ${problem}`),
    ],
  };
}

async function supervisionPart({
  reader,
  community,
}: DimensionSource): Promise<Part<Omit<DimensionFacts["supervision"], "refused">>> {
  const problems: string[] = [];
  const confirmed = new Set<string>();
  for (const { id, kind, points } of ITEMS) {
    const item = (await reader.row("supervision", "item", [id])) ?? {};
    if (item.state === "confirmed") confirmed.add(id);
    if (item.decided_by === item.by) problems.push(`${id}: decided by ${String(item.by)}`);
    problems.push(...differences(id, item, { organisation: "property", kind, points }));
  }
  const { score, grade } = expectedCredit(confirmed);
  const subject = (await reader.row("supervision", "subject", ["property"])) ?? {};
  problems.push(...differences("property", subject, { score, grade }));
  const alert = await reader.row("supervision", "alert", [alertOf(community.code)]);
  problems.push(...differences("alert", alert ?? {}, { organisation: "property", items: 1 }));
  const late: string[] = [];
  for (const { kind } of DUTIES) {
    const publication = (await reader.row("disclosure", "publication", [community.code, kind, 1, 1])) ?? {};
    // The duty has gone on to the next period, which began when this one had ended.
    const duty = (await reader.row("disclosure", "duty", [community.code, kind])) ?? {};
    const isLate = Number(publication.at) >= Number(duty.from) + GRACE_MS;
    problems.push(...differences(kind, publication, { late: isLate }), ...differences(kind, duty, { number: 2 }));
    if (isLate) late.push(kind);
  }
  if (!late.includes("public_income")) problems.push("public_income: late");
  const inTime = DUTIES.length - late.length;
  const shown = `${String(subject.score)} ${String(subject.grade)}`;
  return {
    ok: problems.length === 0,
    facts: { inTime, overdue: late.length, score: Number(subject.score), grade: String(subject.grade) },
    lines: [
      `  公开 ${inTime} 项按期, ${late.length} 项逾期: 到期由账本自己公布, 业主据此预警 · ${inTime} disclosed in time, ${late.length} overdue: the ledger itself said so, and an owner raised the alert`,
      `  物业信用 ${shown} = ${creditText(confirmed)}: 每项有依据、经告知、可异议、由另一人决定 · credit of the company ${shown}: each item rests on facts, was notified, was decided by another`,
      ...problems.map((problem) => `  ! ${problem}`),
    ],
  };
}

function creditText(confirmed: ReadonlySet<string>): string {
  const items = ITEMS.filter(({ id }) => confirmed.has(id));
  return items.map(({ kind, points }) => `${kind === "bad" ? "-" : kind === "good" ? "+" : ""}${points}`).join(" ");
}

type Refused = Readonly<Record<Dimension, Part<readonly Refusal[]>>>;

/** None got through, and of each dimension one at least was tried. */
async function refusalsOf({ answerTo }: DimensionSource): Promise<Refused> {
  const parts = new Map<Dimension, { ok: boolean; facts: Refusal[]; lines: string[] }>();
  for (const dimension of DIMENSIONS) parts.set(dimension, { ok: false, facts: [], lines: [] });
  const through = new Set<Dimension>();
  for (const attempt of ATTEMPT_NAMES) {
    const { dimension, title, rules }: PlannedAttempt = ATTEMPTS[attempt];
    const part = parts.get(dimension);
    const answer = await answerTo(attempt);
    if (answer === undefined || part === undefined) continue;
    const { receipt, explanation } = answer;
    const ok = receipt.status === "refused" && rules.includes(receipt.ruleId);
    if (!ok) through.add(dimension);
    part.facts.push({ attempt, rule: receipt.ruleId, ...explanation, txId: toHex(receipt.txId) });
    part.lines.push(
      `  ${ok ? "✓ 拒绝 refused" : "✗ 未拒绝 NOT refused"}: ${title.zh} · ${title.en}`,
      `    ${explanation.zh} · ${explanation.en}`,
    );
  }
  const partOf = (dimension: Dimension): Part<readonly Refusal[]> => {
    const { facts = [], lines = [] } = parts.get(dimension) ?? {};
    return { ok: facts.length > 0 && !through.has(dimension), facts, lines };
  };
  return {
    residents: partOf("residents"),
    services: partOf("services"),
    property: partOf("property"),
    supervision: partOf("supervision"),
  };
}
