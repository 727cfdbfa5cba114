// `npm run year -- --days 365 --seed 1 --json`: words, output and exit code of the synthetic year.
// Ends with one line of JSON when asked to; fails when a difference was found or something was refused that should not be.

import { parseArgs } from "node:util";
import { LedgerError } from "../../src/errors.ts";
import type { YearNetwork } from "./network.ts";
import { runYear, type YearOutcome } from "./run.ts";

const DIFFERENCES_SHOWN = 20;
const USAGE = `npm run year -- [options]
  --days N       days that are played, 1 to 365 (365)
  --seed S       everything that is drawn depends on it (1)
  --buildings B  of the twelve buildings of 100 units, 1 to 12 (12)
  --json         the last line is one JSON line`;

const { values } = parseArgs({
  options: {
    days: { type: "string", default: "365" },
    seed: { type: "string", default: "1" },
    buildings: { type: "string", default: "12" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  say(USAGE);
  process.exit(0);
}
const options = {
  days: numberOf("days", values.days, 1, 365),
  seed: numberOf("seed", values.seed, 0, 2 ** 31),
  buildings: numberOf("buildings", values.buildings, 1, 12),
};

let network: YearNetwork | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    network?.destroy();
    process.exit(130);
  });

try {
  const outcome = await runYear(options, {
    progress: (zh, en) => say(`${(performance.now() / 1000).toFixed(0).padStart(5)} s  ${zh} · ${en}`),
    onNetwork: (started) => {
      network = started;
    },
    onFailure: (logs) => logs.forEach(say),
  });
  for (const line of summaryOf(outcome)) say(line);
  if (values.json) say(JSON.stringify(jsonOf(outcome)));
  process.exitCode = outcome.differences.length === 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof LedgerError)) throw error;
  say(`失败 failed: ${error.code}`);
  for (const [name, value] of Object.entries(error.data)) say(`  ${name}: ${String(value)}`);
  process.exitCode = 1;
}

function summaryOf(outcome: YearOutcome): readonly string[] {
  const { differences, checksByArea, parts } = outcome;
  const areas = [...checksByArea].map(([area, checks]) => `${area} ${checks}`).join(", ");
  return [
    "",
    `== 小区 ${options.days} 天 · ${options.days} days of a community ==`,
    ...parts.flatMap(({ title, figures }) => [`${title.zh} · ${title.en}`, ...figures.map((line) => `  ${line}`)]),
    "核对 · Checks",
    `  ${outcome.checks} 项 checks, 凭证明读取 rows read with proof ${outcome.provedRows}: ${areas}`,
    ...differences.slice(0, DIFFERENCES_SHOWN).map((line) => `  差异 difference: ${line}`),
    `  差异 differences: ${differences.length}; 按计划被拒绝 refused as planned: ${outcome.refusedAsExpected}`,
    "网络 · Network",
    `  ${outcome.transactions} 笔 transactions, ${outcome.blocks} 块 blocks, ${outcome.playSeconds.toFixed(1)} s, ${Math.round(outcome.transactions / outcome.playSeconds)} tx/s; 核对 checking ${outcome.checkSeconds.toFixed(1)} s`,
    `  各节点磁盘 disk of each node: ${outcome.diskBytes.map((bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`).join(", ")}`,
  ];
}

function jsonOf(outcome: YearOutcome) {
  return {
    ...options,
    transactions: outcome.transactions,
    checks: outcome.checks,
    differences: outcome.differences.length,
    seconds: Math.round(outcome.seconds * 10) / 10,
    diskBytes: Math.max(...outcome.diskBytes),
    txPerSecond: Math.round(outcome.transactions / outcome.playSeconds),
    blocks: outcome.blocks,
    refusedAsExpected: outcome.refusedAsExpected,
    provedRows: outcome.provedRows,
    stateRoot: outcome.stateRoot,
  };
}

function numberOf(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  say(`--${name} wants a whole number from ${least} to ${most}, not "${text}"\n${USAGE}`);
  process.exit(2);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
