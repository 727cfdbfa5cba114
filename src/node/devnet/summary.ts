// What is shown at the end: whether the ledger holds what the community's files and the law say, proved row by row.
// Never takes a node's word: every figure of the ledger is a proved row, every expected one is computed here.

import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { ReceiptAnswer } from "../../client/client.ts";
import { verifyPortable } from "../../client/ed25519.ts";
import { LedgerError } from "../../errors.ts";
import { toHex } from "../../ledger/hash.ts";
import { verifyReceiptProof } from "../../ledger/proofs.ts";
import type { DayContext, DayReport } from "./day.ts";
import { MOTION_KIND, ROLL } from "./day-vote.ts";
import {
  type ExpectedMoney,
  expectedMoney,
  expectedTally,
  generalMatter,
  grouped,
  type Inequality,
} from "./expected.ts";
import { billingPeriod } from "./plan.ts";
import { PUBLIC_INCOME } from "./plan-services.ts";
import { LedgerReader, type RowFields } from "./reader.ts";
import { type DimensionFacts, type DimensionSource, showDimensions } from "./summary-dimensions.ts";
import { type Finding, heading, tallyLines, verdictOf, yuan } from "./summary-text.ts";

export interface SummaryContext extends Pick<DayContext, "genesis" | "nodes" | "community"> {
  /** a proved receipt is saved beside it, for `linli verify` */
  readonly genesisFile: string;
  readonly report: DayReport;
  /** wall time of this run */
  readonly seconds: number;
}

/** One line of JSON at the end of `--json`; the names are part of the command's promise. */
export interface SummaryFacts {
  readonly ok: boolean;
  readonly nodes: number;
  readonly heads: number;
  readonly areaCm2: number;
  readonly billsFen: number;
  readonly moneyConserved: boolean;
  /** of every node, in hexadecimal; equal when all is well */
  readonly stateRoots: readonly string[];
  readonly tally: Readonly<Record<string, string | number>>;
  /** what each of the four gained, from proved rows, and what was tried and refused */
  readonly dimensions: DimensionFacts;
  readonly receiptVerified: boolean;
  /** on the ledger since its genesis */
  readonly transactions: number;
  /** of this run, in the time in which any was on its way; 0 when nothing was left to do */
  readonly txPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** wall time of this run */
  readonly seconds: number;
}

export interface DaySummary {
  readonly json: SummaryFacts;
  /** Chinese with English beside it */
  readonly lines: readonly string[];
}

const HEADS_PAUSE_MS = 200;
const HEADS_ATTEMPTS_MAX = 100;

/** Checks everything and says it. A check that fails makes `json.ok` false; it does not throw. */
export async function summarise(context: SummaryContext): Promise<DaySummary> {
  const { report, seconds } = context;
  const reader = new LedgerReader(context.nodes);
  const roll = await checkRoll(context, reader);
  const vote = await checkVote(context, reader, report.motion);
  const money = await checkMoney(context, reader);
  const dimensions = await showDimensions(sourceOf(context, reader), money.expected);
  const roots = await compareRoots(context);
  const receipt = await proveReceipt(context, reader, report.motion);
  const ok = [roll, vote, money, dimensions, roots, receipt].every((finding) => finding.ok);
  return {
    json: {
      ok,
      nodes: context.nodes.length,
      heads: roll.heads,
      areaCm2: roll.area,
      billsFen: money.billsFen,
      moneyConserved: money.ok,
      stateRoots: roots.stateRoots,
      tally: vote.tally,
      dimensions: dimensions.facts,
      receiptVerified: receipt.ok,
      transactions: roots.transactions,
      txPerSecond: Math.round(report.txPerSecond),
      p50Ms: Math.round(report.p50Ms),
      p99Ms: Math.round(report.p99Ms),
      seconds: Math.round(seconds * 10) / 10,
    },
    lines: [
      "",
      ...roll.lines,
      ...vote.lines,
      ...money.lines,
      ...dimensions.lines,
      ...roots.lines,
      ...receipt.lines,
      ...performanceLines(report, seconds, roots.transactions),
      ...nextLines(context, report.motion),
      verdictOf(ok),
    ],
  };
}

/** What the four dimensions are read from: proved rows, and the proved receipts of what was refused. */
function sourceOf({ community, genesis, report }: SummaryContext, reader: LedgerReader): DimensionSource {
  return {
    community,
    genesisTimeMs: genesis.timeMs,
    motion: report.motion,
    reader,
    answerTo: async (name) => {
      const txId = report.attempts.get(name);
      if (txId === undefined) return undefined;
      const answer = await reader.read(({ client }) => client.transaction(txId), undefined);
      return answer?.kind === "committed" ? answer.committed : undefined;
    },
  };
}

async function checkRoll(
  { community }: SummaryContext,
  reader: LedgerReader,
): Promise<Finding & { readonly heads: number; readonly area: number }> {
  const { roll } = expectedTally(community);
  const row = await reader.row("registry", "roll", [ROLL]);
  const [heads, area] = [Number(row?.heads), Number(row?.area)];
  const ok = row?.state === "sealed" && heads === roll.heads && area === roll.area;
  return {
    ok,
    heads,
    area,
    lines: [
      heading(ok, "封存名册", "Sealed roll"),
      `  ${grouped(heads)} 人 heads, ${grouped(area)} cm² (名册与 CSV 一致: ${ok ? "是" : "否"} · as in the CSV files: ${ok ? "yes" : "NO"})`,
    ],
  };
}

async function checkVote(
  { community }: SummaryContext,
  reader: LedgerReader,
  motion: string,
): Promise<Finding & { readonly tally: Readonly<Record<string, string | number>> }> {
  const tally = expectedTally(community);
  const inequalities = generalMatter(tally);
  const carried = inequalities.every(({ holds }) => holds);
  const expected: Readonly<Record<string, string | number>> = {
    kind: MOTION_KIND,
    state: stateOf(inequalities),
    roll_heads: tally.roll.heads,
    roll_area: tally.roll.area,
    cast_heads: tally.cast.heads,
    cast_area: tally.cast.area,
    for_heads: tally.consenting.heads,
    for_area: tally.consenting.area,
    against_heads: tally.against.heads,
    against_area: tally.against.area,
  };
  const row: RowFields = (await reader.row("owners-vote", "motion", [motion])) ?? {};
  const different = Object.entries(expected).filter(([name, value]) => row[name] !== value);
  const ok = different.length === 0 && (row.reason === "carried") === carried;
  return {
    ok,
    tally: { motion, reason: String(row.reason), ...expected },
    lines: [
      heading(ok, `业主共同决定 ${motion}`, `Joint decision ${motion}`),
      ...tallyLines(tally, inequalities),
      ...different.map(([name, value]) => `  ! ${name}: 账本 ledger ${String(row[name])}, 应为 expected ${value}`),
    ],
  };
}

function stateOf(inequalities: readonly Inequality[]): string {
  const failed = inequalities.filter(({ holds }) => !holds).map(({ name }) => name);
  if (failed.length === 0) return "effective";
  return failed.some((name) => name.startsWith("quorum")) ? "no_quorum" : "rejected";
}

async function checkMoney(
  { community, genesis }: SummaryContext,
  reader: LedgerReader,
): Promise<Finding & { readonly billsFen: number; readonly expected: ExpectedMoney }> {
  const reportedMs = new Map<string, number>();
  for (const id of (await reader.rows("device-repair", "order")).keys()) {
    const order = await reader.row("device-repair", "order", [id]);
    if (order?.state === "paid") reportedMs.set(String(order.device), Number(order.reported));
  }
  const expected = expectedMoney(community, reportedMs);
  const run = await reader.row("fees", "run", [community.code, billingPeriod(genesis.timeMs)]);
  const balances = new Map<string, number>();
  for (const account of (await reader.rows("ledger", "money")).keys()) {
    balances.set(account, Number((await reader.row("ledger", "money", [account]))?.fen));
  }
  const publicFen = PUBLIC_INCOME.reduce((sum, { fen }) => sum + fen, 0);
  // All that went through the escrows of services has gone on to providers and residents.
  const wanted = new Map([
    ["outside:bank", -expected.paidFen],
    [`operating:${community.code}`, expected.paidFen - expected.repairsFen],
    [`party:${community.code}/provider`, expected.repairsFen],
    ["outside:public", -publicFen],
    [`public:${community.code}`, publicFen],
  ]);
  const total = [...balances.values()].reduce((sum, fen) => sum + fen, 0);
  const isAsExpected = [...balances].every(([account, fen]) => fen === (wanted.get(account) ?? 0));
  const isBilled = run?.fen === expected.billsFen && run.bills === community.units.length && run.state === "complete";
  const ok = isBilled && isAsExpected && total === 0 && [...wanted.keys()].every((account) => balances.has(account));
  return {
    ok,
    billsFen: Number(run?.fen),
    expected,
    lines: [
      heading(ok, "资金", "Money"),
      `  账单 bills ${yuan(Number(run?.fen))} (应为 expected ${yuan(expected.billsFen)}); 收款 paid ${yuan(expected.paidFen)}; 维修 repairs ${yuan(expected.repairsFen)}, ${reportedMs.size} 单 orders`,
      ...[...balances].filter(([, fen]) => fen !== 0).map(([account, fen]) => `  ${account.padEnd(28)} ${yuan(fen)}`),
      `  全部账户合计 sum of all ${balances.size} accounts: ${total} 分 fen`,
    ],
  };
}

// The chain rests when nothing is due: all nodes come to the same height, or something is wrong.
async function compareRoots({
  nodes,
}: SummaryContext): Promise<Finding & { readonly stateRoots: readonly string[]; readonly transactions: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const heads = await Promise.all(
      nodes.map(({ client }) =>
        client.head().catch((error: unknown) => {
          if (error instanceof LedgerError && error.code !== "PROOF_REFUSED") return undefined;
          throw error;
        }),
      ),
    );
    const stateRoots = heads.map((head) => (head === undefined ? "" : toHex(head.result.stateRoot)));
    const ok = new Set(heads.map((head) => head?.header.height)).size === 1 && !stateRoots.includes("");
    const isEqual = ok && new Set(stateRoots).size === 1;
    if (!isEqual && attempt < HEADS_ATTEMPTS_MAX) {
      await pause(HEADS_PAUSE_MS);
      continue;
    }
    const answer = await nodes[0]?.client.call("chain_head");
    return {
      ok: isEqual,
      stateRoots,
      transactions: answer?.integer("transactionsTotal", { min: 0 }) ?? 0,
      lines: [
        heading(isEqual, "各节点状态根", "State roots of the nodes"),
        ...nodes.map(({ organisation }, index) => {
          const head = heads[index];
          return `  ${organisation.padEnd(12)} 高度 height ${head?.header.height ?? "-"}  ${stateRoots[index]}`;
        }),
      ],
    };
  }
}

// The proof is checked by the second implementation of the signature rule, with nothing but the genesis.
async function proveReceipt(context: SummaryContext, reader: LedgerReader, motion: string): Promise<Finding> {
  const answer = await someBallot(context, reader, motion);
  if (answer === undefined) return { ok: false, lines: [heading(false, "回执", "Receipt")] };
  const proven = verifyReceiptProof({ bytes: answer.proof, genesis: context.genesis, verify: verifyPortable });
  const ok = proven.ok && proven.value.receipt.status === "ok";
  const saved = { kind: "receipt", txId: toHex(answer.receipt.txId), proof: toHex(answer.proof) };
  const receiptFile = receiptFileOf(context);
  await writeFile(receiptFile, `${JSON.stringify(saved)}\n`);
  return {
    ok,
    lines: [
      heading(ok, "回执: 仅凭创世文件验证", "Receipt, verified with nothing but the genesis file"),
      `  交易 transaction ${saved.txId}, 高度 height ${answer.height}, 证明 proof ${answer.proof.length} 字节 bytes`,
      `  ${[...new Set(answer.receipt.events.map(({ name }) => name))].join(", ")} · ${receiptFile}`,
    ],
  };
}

/** The receipt of the transaction in which the first head's ballot was opened and counted. */
async function someBallot(
  { nodes, community }: SummaryContext,
  reader: LedgerReader,
  motion: string,
): Promise<ReceiptAnswer | undefined> {
  const [head] = community.heads;
  const [node] = nodes;
  if (head === undefined || node === undefined) return undefined;
  const key = [motion, head.id];
  const ballot = await reader.read(
    ({ client }) => client.stateGet({ contract: "owners-vote", table: "ballot", key }),
    undefined,
  );
  if (ballot?.row === undefined) return undefined;
  const block = await node.client.call("chain_block", { height: ballot.row.lastHeight });
  for (const { txId } of block.list("transactionIds", (id) => ({ txId: id }))) {
    const found = await node.client.call("tx_receipt", { txId });
    const receipt = found.object("receipt");
    const isBallot = JSON.stringify(receipt.raw("events")).includes(`"${head.id}"`);
    if (!isBallot) continue;
    const answer = await node.client.transaction(receipt.bytes("txId", 32));
    return answer.kind === "committed" ? answer.committed : undefined;
  }
  return undefined;
}

function performanceLines(report: DayReport, seconds: number, total: number): readonly string[] {
  const p50 = Math.round(report.p50Ms);
  const p99 = Math.round(report.p99Ms);
  const rate = Math.round(report.txPerSecond);
  return [
    heading(true, "用时", "Time"),
    `  ${seconds.toFixed(1)} s; 本次 this run ${grouped(report.transactions)} 笔 transactions, ${rate} tx/s, p50 ${p50} ms, p99 ${p99} ms; 账本共 on the ledger ${grouped(total)}`,
  ];
}

function receiptFileOf({ genesisFile }: SummaryContext): string {
  return join(dirname(genesisFile), "receipt.json");
}

function nextLines(context: SummaryContext, motion: string): readonly string[] {
  const { nodes, genesisFile } = context;
  const [first] = nodes;
  if (first === undefined) return [];
  const question = {
    jsonrpc: "2.0",
    id: 1,
    method: "state_get",
    params: { contract: "owners-vote", table: "motion", key: [motion] },
  };
  return [
    heading(true, "接下来可以试试", "What to try next"),
    ...nodes.map(({ organisation, url }) => `  ${organisation.padEnd(12)} ${url}`),
    `  curl -s ${first.url} -H 'content-type: application/json' -d '${JSON.stringify(question)}'`,
    `  npm run linli -- verify ${receiptFileOf(context)} --genesis ${genesisFile}`,
  ];
}
