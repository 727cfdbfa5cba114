// The report for people: one line for each load, the CPU it cost, what was claimed and on what it rests.
// Prints nothing itself and leaves nothing out that would spoil a figure.

import { cpuUsPerTx, type Phase } from "./phase.ts";
import { type CpuProfile, type ProfileShare, sharesByFunction, sharesByPart } from "./profiler.ts";
import type { Report } from "./scenarios/first.ts";

/** Above it the figures are those of a shared machine. */
const FOREIGN_CPU_PERCENT_MAX = 5;
const ROWS_SHOWN = 30;

export function summaryOf(report: Report): string {
  const { machine, verifyUs, limitTxPerSecond, peak, latency, ramp } = report;
  const phases = [latency, peak, ...ramp];
  const foreign = Math.max(...phases.map(({ foreignCpuPercent }) => foreignCpuPercent));
  return [
    "",
    `${report.scenario}: ${report.configuration.nodes} nodes on ${machine.cores} cores (${machine.cpu}), Node ${machine.node}, ${machine.commit.slice(0, 12)}`,
    "",
    row(
      "load",
      "offered/s",
      "committed/s",
      "p50 ms",
      "p90 ms",
      "p99 ms",
      "max ms",
      "tx/block",
      "cpu us/tx",
      "MB",
      "others %",
    ),
    ...phases.map(phaseRow),
    "",
    `Latency counts from the intended time of sending to the receipt (closed loop: from sending), at the node that took the transaction.`,
    `One verification: ${verifyUs} us. Limit of ${machine.cores} cores and ${report.configuration.nodes} verifications each: ${limitTxPerSecond} tx/s; the peak is ${(peak.txPerSecond / limitTxPerSecond).toFixed(2)} of it.`,
    `CPU of a node at the peak, us for each transaction by thread: ${Object.entries(peak.cpuUsPerTxByThread)
      .map(([thread, us]) => `${thread} ${us}`)
      .join(", ")}. Client: ${peak.clientCpuPercent}% of a core.`,
    `synced ${report.synced.holds}: ${report.synced.basis}`,
    `verifiedByEveryNode ${report.verifiedByEveryNode.holds}: ${report.verifiedByEveryNode.basis}`,
    ...phases.filter(isIncomplete).map(complaintOf),
    ...phases
      .filter(({ incidents }) => Object.keys(incidents).length > 0)
      .map(({ name, incidents }) => `${name}: the nodes' logs tell of ${JSON.stringify(incidents)}`),
    ...(foreign > FOREIGN_CPU_PERCENT_MAX
      ? [`The machine was shared: others used up to ${foreign}% of its cores, so these figures are lower bounds.`]
      : []),
    "",
  ].join("\n");
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

function phaseRow(phase: Phase): string {
  const { load, latencySummary: latency, committed, blocks } = phase;
  return row(
    phase.name,
    load.kind === "open" ? `${load.rate}` : `${load.inFlightPerNode} each`,
    phase.txPerSecond.toFixed(phase.txPerSecond < 100 ? 1 : 0),
    latency.p50Ms.toFixed(1),
    latency.p90Ms.toFixed(1),
    latency.p99Ms.toFixed(1),
    latency.maxMs.toFixed(1),
    (committed / Math.max(1, blocks)).toFixed(1),
    cpuUsPerTx(phase).toFixed(0),
    `${Math.max(...phase.rssMb)}`,
    phase.foreignCpuPercent.toFixed(0),
  );
}

function row(...cells: readonly string[]): string {
  return cells.map((cell, index) => (index === 0 ? cell.padEnd(12) : cell.padStart(12))).join("");
}

function isIncomplete({ missing, refusedByContract, refusedAtTheDoor }: Phase): boolean {
  return missing > 0 || refusedByContract > 0 || Object.keys(refusedAtTheDoor).length > 0;
}

function complaintOf({ name, sent, missing, refusedByContract, refusedAtTheDoor }: Phase): string {
  return `${name}: of ${sent} transactions ${missing} were never answered, ${refusedByContract} refused by the contract, at the door ${JSON.stringify(refusedAtTheDoor)}`;
}
