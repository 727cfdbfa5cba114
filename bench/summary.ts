// The report for people at a terminal: one line for each load, what it cost, what was claimed and on what it rests.
// Prints nothing itself and leaves nothing out that would spoil a figure.

import { type Budget, PARTS } from "./budget.ts";
import type { Phase } from "./phase.ts";
import { type CpuProfile, type ProfileShare, sharesByFunction, sharesByPart } from "./profiler.ts";
import { type Point, type RunRecord, summarise } from "./record.ts";
import { type Spread, spreadOf } from "./statistics.ts";

/** Above it the figures are those of a shared machine. */
export const FOREIGN_CPU_PERCENT_MAX = 5;
/** Of one core: beyond it the client may be what is measured. */
const CLIENT_CPU_PERCENT_MAX = 80;
const ROWS_SHOWN = 30;

export function summaryOf(record: RunRecord): string {
  const { machine, verifyUs, limitTxPerSecond, points, figures } = record;
  const phases = points.flatMap(({ repetitions }) => repetitions);
  const main = points.find(({ name }) => name === record.main);
  return [
    "",
    `${record.scenario} of ${record.system}: ${record.nodes} nodes on ${machine.cores} cores (${machine.cpu}), Node ${machine.node}, ${machine.commit.slice(0, 12)}`,
    "",
    ...(points.length === 0
      ? []
      : [
          row("load", "committed/s", "calls/s", "p50 ms", "p90 ms", "p99 ms", "max ms", "cpu us/tx", "MB", "others %"),
          ...points.map(pointRow),
          "",
          "Latency counts from the intended time of sending to the receipt (closed loop: from sending), at the node that took the transaction.",
        ]),
    ...figures.map(({ name, unit, values }) => `${name}: ${spreadText(spreadOf(values))} ${unit}`),
    `One verification: ${verifyUs} us. Limit of ${machine.cores} cores and ${record.nodes} verifications each: ${limitTxPerSecond} tx/s${
      main === undefined
        ? ""
        : `; ${main.name} is ${(summarise(main).txPerSecond.median / limitTxPerSecond).toFixed(2)} of it`
    }.`,
    ...(main === undefined || summarise(main).cpuUsPerTx === undefined ? [] : [threadsOf(main)]),
    ...(record.budget === undefined ? [] : [budgetText(record.budget)]),
    ...(points.length === 0
      ? []
      : [
          `synced ${record.synced.holds}: ${record.synced.basis}`,
          `verifiedByEveryNode ${record.verifiedByEveryNode.holds}: ${record.verifiedByEveryNode.basis}`,
        ]),
    ...phases.filter(isIncomplete).map(complaintOf),
    ...phases
      .filter(({ incidents }) => Object.keys(incidents).length > 0)
      .map(({ name, incidents }) => `${name}: the nodes' logs tell of ${JSON.stringify(incidents)}`),
    ...record.notes,
    ...(phases.some(({ clientCpuPercent }) => clientCpuPercent > CLIENT_CPU_PERCENT_MAX)
      ? ["The client used nearly a whole core: it may have been what limited the load."]
      : []),
    ...sharedNote(phases),
    "",
  ].join("\n");
}

function sharedNote(phases: readonly Phase[]): readonly string[] {
  const foreign = Math.max(0, ...phases.map(({ foreignCpuPercent }) => foreignCpuPercent ?? 0));
  return foreign > FOREIGN_CPU_PERCENT_MAX
    ? [
        `The machine was shared: others used up to ${foreign}% of its cores: its throughput is a lower bound, its latencies are upper ones.`,
      ]
    : [];
}

function threadsOf({ repetitions }: Point): string {
  const [phase] = repetitions;
  const threads = Object.entries(phase?.cpuUsPerTxByThread ?? {}).map(([thread, us]) => `${thread} ${us}`);
  return `CPU of a node, us for each transaction by thread: ${threads.join(", ")}. Client: ${phase?.clientCpuPercent ?? 0}% of a core.`;
}

function budgetText({ load, partsUs, waitingUs }: Budget): string {
  const parts = PARTS.map((part) => `${part} ${partsUs[part]}`).join(", ");
  return `CPU budget of ${load}, us for each transaction of one node: ${parts}. Main thread idle: ${waitingUs} us for each.`;
}

/** Self time of the profiled node's main thread in shares of the CPU time that such threads had: preemption does not count. */
export function profileSummaryOf(profile: CpuProfile, phase: Phase): string {
  const mainThreadUs = phase.cpuUsPerTxByThread.MainThread ?? 0;
  const lines = (shares: readonly ProfileShare[]): readonly string[] => {
    const busy = shares.filter(({ name }) => name !== "(idle)");
    const busyUs = busy.reduce((total, { us }) => total + us, 0);
    return busy
      .slice(0, ROWS_SHOWN)
      .map(({ name, us }) => `${((us / busyUs) * mainThreadUs).toFixed(1).padStart(8)}  ${name}`);
  };
  return [
    `main thread of the profiled node, us of its ${mainThreadUs} for each transaction, by part:`,
    ...lines(sharesByPart(profile)),
    "by function (self time):",
    ...lines(sharesByFunction(profile)),
    "",
  ].join("\n");
}

function pointRow(point: Point): string {
  const found = summarise(point);
  return row(
    point.name,
    found.txPerSecond.median.toFixed(found.txPerSecond.median < 100 ? 1 : 0),
    found.callsPerSecond.median.toFixed(0),
    found.p50Ms.median.toFixed(1),
    found.p90Ms.median.toFixed(1),
    found.p99Ms.median.toFixed(1),
    found.maxMs.toFixed(1),
    found.cpuUsPerTx?.median.toFixed(0) ?? "-",
    `${found.rssMb ?? "-"}`,
    found.foreignCpuPercent?.toFixed(0) ?? "-",
  );
}

function spreadText({ median, low, high }: Spread): string {
  const text = (value: number): string => value.toFixed(value < 100 ? 2 : 0);
  return low === high ? text(median) : `${text(median)} (${text(low)} to ${text(high)})`;
}

function row(...cells: readonly string[]): string {
  return cells.map((cell, index) => (index === 0 ? cell.padEnd(24) : cell.padStart(12))).join("");
}

function isIncomplete({ missing, refusedByContract, refusedAtTheDoor }: Phase): boolean {
  return missing > 0 || refusedByContract > 0 || Object.keys(refusedAtTheDoor).length > 0;
}

function complaintOf({ name, sent, missing, refusedByContract, refusedAtTheDoor }: Phase): string {
  return `${name}: of ${sent} transactions ${missing} were never answered, ${refusedByContract} refused by the contract, at the door ${JSON.stringify(refusedAtTheDoor)}`;
}
