// The report of some runs as one HTML page that needs nothing else: what was measured, on what, how to repeat it, and in pictures.
// Says nothing that does not stand in the records.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PARTS } from "./budget.ts";
import { bars, type Curve, curves } from "./chart.ts";
import { LatencyHistogram } from "./latency.ts";
import { lineOf, loadRecords, type Point, type RunRecord, type Series, summarise } from "./record.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import { FOREIGN_CPU_PERCENT_MAX } from "./summary.ts";

const PAGE = "report.html";
const PLACES = ["--out", "--profile", "--path"];
const FAR_APART = 8;
/** A chart with more lines than this shows none. */
const CURVES_MAX = 8;

const STYLE = `
body { font: 15px/1.45 sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1c1e21; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; border-top: 1px solid #d5d8dc; padding-top: 1.5rem; }
table { border-collapse: collapse; margin: 1rem 0; font-size: .86rem; } th, td { padding: .25rem .6rem; text-align: right; }
th { border-bottom: 2px solid #9aa0a6; } td { border-bottom: 1px solid #e3e5e8; } th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere; min-width: 8rem; }
code, pre { font: .85rem monospace; background: #f3f4f6; } pre { padding: .6rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
.yes { color: #1a7f37; } .no { color: #b3261e; } .note { color: #57606a; } .shared { background: #fff4d6; padding: .4rem .6rem; }
svg { max-width: 100%; height: auto; } nav a { margin-right: 1rem; }
`;

/** Writes the page beside the records. @returns its file. @throws LedgerError BENCH_RECORD_INVALID */
export async function writeReport(directory: string): Promise<string> {
  const file = join(directory, PAGE);
  await writeFile(file, renderReport(await loadRecords(directory)));
  return file;
}

export function renderReport(records: readonly RunRecord[]): string {
  const links = records.map((record, index) => `<a href="#run-${index}">${text(titleOf(record))}</a>`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Linli benchmark</title><style>${STYLE}</style></head><body>
<h1>Linli benchmark</h1>
<p>${records.length} runs. Latency counts from the intended time of sending to the receipt. Medians over repetitions, least and greatest in brackets.</p>
<nav>${links.join("")}</nav>
${overview(records)}
${records.map(section).join("\n")}
</body></html>
`;
}

function overview(records: readonly RunRecord[]): string {
  const rows = records.flatMap((record) => {
    const main = record.points.find(({ name }) => name === record.main);
    if (main === undefined) return [];
    const found = summarise(main);
    return [
      [
        titleOf(record),
        main.name,
        spread(found.txPerSecond),
        (found.txPerSecond.median / record.limitTxPerSecond).toFixed(2),
        spread(found.p50Ms),
        spread(found.p99Ms),
        found.cpuUsPerTx === undefined ? "-" : spread(found.cpuUsPerTx),
        shareText(found.foreignCpuPercent),
      ],
    ];
  });
  const head = ["run", "load", "tx/s", "of the limit", "p50 ms", "p99 ms", "CPU us/tx", "others %"];
  return rows.length === 0 ? "" : table(head, rows);
}

function section(record: RunRecord, index: number): string {
  const { machine } = record;
  const foreign = Math.max(0, ...record.points.map((point) => summarise(point).foreignCpuPercent ?? 0));
  const parts = [
    `<h2 id="run-${index}">${text(titleOf(record))}</h2>`,
    `<p class="note">${text(record.startedAt)}, ${record.tookSeconds} s; ${record.nodes} nodes on ${machine.cores} cores of ${text(machine.cpu)}, ${machine.memoryMb} MB, Linux ${text(machine.kernel)}, Node ${text(machine.node)}; commit <code>${text(machine.commit)}</code></p>`,
    foreign > FOREIGN_CPU_PERCENT_MAX
      ? `<p class="shared">The machine was shared: others used up to ${foreign}% of its cores: throughput is a lower bound, latencies are upper ones.</p>`
      : "",
    loadsTable(record.points),
    figuresTable(record),
    ...charts(record),
    ...(record.points.length === 0
      ? []
      : [claim("Synced", record.synced), claim("Verified by every node", record.verifiedByEveryNode)]),
    `<p>One verification: ${record.verifyUs} us; ${record.nodes} of them for each transaction on ${machine.cores} cores: at most ${record.limitTxPerSecond} tx/s.</p>`,
    ...record.notes.map((note) => `<p class="note">${text(note)}</p>`),
    `<details><summary>How to repeat it</summary><pre>git checkout ${text(machine.commit.replace("+changes", ""))}\nnpm ci\nnpm run bench -- ${text(record.words.join(" "))}</pre><pre>${text(JSON.stringify({ configuration: record.configuration, machine }, null, 1))}</pre><pre>${text(JSON.stringify(lineOf(record)))}</pre></details>`,
  ];
  return parts.filter((part) => part !== "").join("\n");
}

function loadsTable(points: readonly Point[]): string {
  if (points.length === 0) return "";
  const head = [
    "load",
    "runs",
    "tx/s",
    "calls/s",
    "p50 ms",
    "p90 ms",
    "p99 ms",
    "max ms",
    "CPU us/tx",
    "MB",
    "lost",
    "refused",
    "others %",
  ];
  return table(
    head,
    points.map((point) => {
      const found = summarise(point);
      return [
        point.name,
        `${point.repetitions.length}`,
        spread(found.txPerSecond),
        spread(found.callsPerSecond),
        spread(found.p50Ms),
        spread(found.p90Ms),
        spread(found.p99Ms),
        number(found.maxMs),
        found.cpuUsPerTx === undefined ? "-" : spread(found.cpuUsPerTx),
        `${found.rssMb ?? "-"}`,
        `${found.missing}`,
        `${found.refused}`,
        shareText(found.foreignCpuPercent),
      ];
    }),
  );
}

function figuresTable({ figures }: RunRecord): string {
  if (figures.length === 0) return "";
  return table(
    ["figure", "value", "unit"],
    figures.map(({ name, unit, values }) => [name, spread(spreadOf(values)), unit]),
  );
}

function charts({ points, series, budget }: RunRecord): readonly string[] {
  const tails = points.slice(0, CURVES_MAX).map(({ name, repetitions }): Curve => {
    const all = new LatencyHistogram();
    for (const { latency } of repetitions) all.add(LatencyHistogram.decode(latency));
    return { name, points: all.tail() };
  });
  const titles = [...new Set(series.map(({ chart }) => chart))];
  return [
    ...titles.map((title) =>
      ofSeries(
        title,
        series.filter(({ chart }) => chart === title),
      ),
    ),
    ...(tails.some((tail) => tail.points.length > 1)
      ? [
          curves(
            {
              title: "How long the slowest wait",
              x: "one in so many transactions",
              y: "ms",
              isLogX: true,
              isLogY: areFarApart(tails),
            },
            tails,
          ),
        ]
      : []),
    ...(budget === undefined
      ? []
      : [
          bars(
            { title: "CPU of a node for one transaction, by part", x: "us" },
            PARTS.map((part) => [part, budget.partsUs[part]] as const),
          ),
          `<p class="note">From a profile of ${text(budget.load)}. Beside it the main thread was idle for ${budget.waitingUs} us for each transaction.</p>`,
        ]),
  ];
}

/** The slow ones would press the fast ones to the ground. */
function areFarApart(lines: readonly Curve[]): boolean {
  const medians = lines.flatMap(({ points }) => points.slice(0, 1).map(([, y]) => y));
  return Math.min(...medians) > 0 && Math.max(...medians) > FAR_APART * Math.min(...medians);
}

function ofSeries(title: string, lines: readonly Series[]): string {
  const [first] = lines;
  const widest = Math.max(...lines.flatMap(({ points }) => points.map(([x]) => x)));
  const least = Math.min(...lines.flatMap(({ points }) => points.map(([x]) => x)));
  const axes = { title, x: first?.x ?? "", y: first?.y ?? "", isLogX: least > 0 && widest >= 100 * least };
  return curves(axes, lines);
}

function claim(what: string, { holds, basis }: { readonly holds: boolean; readonly basis: string }): string {
  return `<p>${what}: <b class="${holds ? "yes" : "no"}">${holds ? "yes" : "no"}</b>. <span class="note">${text(basis)}</span></p>`;
}

/** The words that were given, but for those that say where something is written. */
function titleOf({ scenario, system, words }: RunRecord): string {
  // `peer cometbft`, `peak`, or options alone: the first words are already in the title.
  const named = words.indexOf(scenario);
  const more = words.filter((word, index) => index !== named && !(scenario === "peer" && word === system));
  const shown = more.filter(
    (word, index) => word !== "--json" && !PLACES.includes(word) && !PLACES.includes(more[index - 1] ?? ""),
  );
  return `${scenario}${system === "linli" ? "" : ` of ${system}`} ${shown.join(" ")}`.trim();
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, row: readonly string[]): string =>
    row.map((cell) => `<${tag}>${text(cell)}</${tag}>`).join("");
  return `<table><tr>${cells("th", head)}</tr>${rows.map((row) => `<tr>${cells("td", row)}</tr>`).join("")}</table>`;
}

function spread({ median, low, high }: Spread): string {
  return low === high ? number(median) : `${number(median)} (${number(low)} to ${number(high)})`;
}

function number(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en-US");
  return value.toFixed(Math.abs(value) < 100 ? 1 : 0);
}

function shareText(percent: number | undefined): string {
  return percent === undefined ? "-" : percent.toFixed(0);
}

function text(raw: string): string {
  return raw.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
