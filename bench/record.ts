// What a run leaves: everything needed to repeat it and to judge it, and the one line that says it in short.
// Every figure in the line is computed here from what was measured, so that a reader of the record can compute it again.

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { LedgerError } from "../src/errors.ts";
import type { Budget } from "./budget.ts";
import type { Claim } from "./checks.ts";
import { LatencyHistogram } from "./latency.ts";
import type { MachineFacts } from "./machine.ts";
import { cpuUsPerTx, type Phase } from "./phase.ts";
import { median, type Spread, spreadOf } from "./statistics.ts";

export const FORMAT = "linli-bench-1";

/** One load with its repetitions. */
export interface Point {
  readonly name: string;
  /** what differs between the points of a run, e.g. {rate: 200} or {nodes: 7} */
  readonly at: Readonly<Record<string, number | string>>;
  readonly repetitions: readonly Phase[];
}

/** What is not a load: times to recover, operations of one thread, bytes. One value for each repetition. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly better: "more" | "less";
  readonly values: readonly number[];
}

/** A curve for the report. */
export interface Series {
  readonly chart: string;
  readonly name: string;
  readonly x: string;
  readonly y: string;
  readonly points: readonly (readonly [number, number])[];
}

export interface RunRecord {
  readonly format: typeof FORMAT;
  readonly scenario: string;
  /** a peer's name when these figures are not this ledger's */
  readonly system: string;
  readonly startedAt: string;
  readonly tookSeconds: number;
  /** `npm run bench --` and these words repeat it */
  readonly words: readonly string[];
  readonly configuration: Readonly<Record<string, number | string | boolean>>;
  readonly machine: MachineFacts;
  readonly nodes: number;
  readonly verifyUs: number;
  readonly limitTxPerSecond: number;
  readonly points: readonly Point[];
  /** the point that the line speaks of; undefined when the run has no load */
  readonly main: string | undefined;
  /** the point whose latencies stand in the line; usually the same */
  readonly latencyOf?: string;
  readonly figures: readonly Figure[];
  readonly series: readonly Series[];
  readonly budget?: Budget;
  readonly synced: Claim;
  readonly verifiedByEveryNode: Claim;
  /** what a reader must know to read the figures */
  readonly notes: readonly string[];
}

export type Line = Readonly<Record<string, unknown>>;

/** cores / (nodes x V): what the machine could do if it did nothing but verify, once on every node. */
export function limitOf(cores: number, nodes: number, verifyUs: number): number {
  return Math.floor((cores * 1e6) / (nodes * verifyUs));
}

export interface PointSummary {
  readonly offered: number;
  readonly committed: number;
  readonly missing: number;
  /** by a contract or at the door */
  readonly refused: number;
  readonly txPerSecond: Spread;
  readonly callsPerSecond: Spread;
  readonly p50Ms: Spread;
  readonly p90Ms: Spread;
  readonly p99Ms: Spread;
  readonly maxMs: number;
  readonly cpuUsPerTx: Spread | undefined;
  readonly rssMb: number | undefined;
  readonly foreignCpuPercent: number | undefined;
}

/** Medians over the repetitions; the greatest of all for maximum, memory and foreign load; counts are sums. */
export function summarise({ repetitions }: Point): PointSummary {
  const sum = (of: (phase: Phase) => number): number => repetitions.reduce((total, phase) => total + of(phase), 0);
  const spread = (of: (phase: Phase) => number): Spread => spreadOf(repetitions.map(of));
  const latencies = repetitions.map(({ latency }) => LatencyHistogram.decode(latency).summary());
  const cpu = repetitions.map(cpuUsPerTx).filter((us) => us !== undefined);
  const memory = repetitions.flatMap(({ rssMb }) => rssMb);
  const foreign = repetitions.map(({ foreignCpuPercent }) => foreignCpuPercent).filter((share) => share !== undefined);
  return {
    offered: sum(({ sent }) => sent),
    committed: sum(({ committed }) => committed),
    missing: sum(({ missing }) => missing),
    refused: sum(refusedOf),
    txPerSecond: spread(({ txPerSecond }) => txPerSecond),
    callsPerSecond: spread(({ callsPerSecond }) => callsPerSecond),
    p50Ms: spreadOf(latencies.map(({ p50Ms }) => p50Ms)),
    p90Ms: spreadOf(latencies.map(({ p90Ms }) => p90Ms)),
    p99Ms: spreadOf(latencies.map(({ p99Ms }) => p99Ms)),
    maxMs: Math.max(...latencies.map(({ maxMs }) => maxMs)),
    cpuUsPerTx: cpu.length === 0 ? undefined : spreadOf(cpu),
    rssMb: memory.length === 0 ? undefined : Math.max(...memory),
    foreignCpuPercent: foreign.length === 0 ? undefined : Math.max(...foreign),
  };
}

/** Of a run without a load, such as `micro`, each is null. */
const OF_A_LOAD = [
  ...["load", "latencyOf", "offered", "committed", "txPerSecond", "callsPerSecond", "p50Ms", "p90Ms", "p99Ms", "maxMs"],
  ...["ratioToLimit", "cpuUsPerTx", "rssMb", "foreignCpuPercent", "missing", "refused"],
];

/** A134, A151: fields that every run has, by the names that scripts read. Where a figure is not known, null. */
export function lineOf(record: RunRecord): Line {
  const { verifyUs, limitTxPerSecond, synced, verifiedByEveryNode } = record;
  const main = record.points.find(({ name }) => name === record.main);
  const head = { scenario: record.scenario, system: record.system, n: record.nodes };
  const tail = {
    verifyUs,
    limitTxPerSecond,
    synced: synced.holds,
    verifiedByEveryNode: verifiedByEveryNode.holds,
    commit: record.machine.commit,
  };
  const figures = Object.fromEntries(record.figures.map(({ name, values }) => [name, round(median(values))]));
  const others = record.points.filter(({ name }) => name !== record.main);
  const more = {
    ...(record.figures.length === 0 ? {} : { figures }),
    ...(others.length === 0 ? {} : { points: record.points.map(pointInLine) }),
  };
  if (main === undefined)
    return { ...head, ...Object.fromEntries(OF_A_LOAD.map((name) => [name, null])), ...tail, ...more };
  const found = summarise(main);
  const waiting = record.points.find(({ name }) => name === record.latencyOf) ?? main;
  const waits = summarise(waiting);
  return {
    ...head,
    load: main.name,
    latencyOf: waiting.name,
    offered: found.offered,
    committed: found.committed,
    txPerSecond: Math.round(found.txPerSecond.median),
    callsPerSecond: Math.round(found.callsPerSecond.median),
    p50Ms: round(waits.p50Ms.median),
    p90Ms: round(waits.p90Ms.median),
    p99Ms: round(waits.p99Ms.median),
    maxMs: waits.maxMs,
    ...tail,
    ratioToLimit: Math.round((found.txPerSecond.median / limitTxPerSecond) * 100) / 100,
    cpuUsPerTx: cpuInLine(main, found, record.budget),
    rssMb: found.rssMb ?? null,
    foreignCpuPercent: found.foreignCpuPercent ?? null,
    missing: found.missing,
    refused: found.refused,
    repetitions: main.repetitions.length,
    spread: {
      txPerSecond: [Math.round(found.txPerSecond.low), Math.round(found.txPerSecond.high)],
      p50Ms: [round(waits.p50Ms.low), round(waits.p50Ms.high)],
      p99Ms: [round(waits.p99Ms.low), round(waits.p99Ms.high)],
    },
    ...more,
  };
}

function pointInLine(point: Point): Line {
  const found = summarise(point);
  return {
    name: point.name,
    ...point.at,
    offered: found.offered,
    committed: found.committed,
    txPerSecond: Math.round(found.txPerSecond.median),
    p50Ms: round(found.p50Ms.median),
    p99Ms: round(found.p99Ms.median),
    cpuUsPerTx: found.cpuUsPerTx === undefined ? null : round(found.cpuUsPerTx.median),
    foreignCpuPercent: found.foreignCpuPercent ?? null,
    missing: found.missing,
    refused: found.refused,
  };
}

export function refusedOf({ refusedByContract, refusedAtTheDoor }: Phase): number {
  return Object.values(refusedAtTheDoor).reduce((sum, count) => sum + count, refusedByContract);
}

/** us of a node for one transaction: all of it, by thread as the kernel counts it, and by part where a profile was taken. */
function cpuInLine(
  { repetitions }: Point,
  { cpuUsPerTx: total }: PointSummary,
  budget: Budget | undefined,
): Line | null {
  if (total === undefined) return null;
  const threads = new Set(repetitions.flatMap(({ cpuUsPerTxByThread }) => Object.keys(cpuUsPerTxByThread)));
  const byThread = [...threads].map(
    (thread) => [thread, round(median(repetitions.map((phase) => phase.cpuUsPerTxByThread[thread] ?? 0)))] as const,
  );
  return {
    total: round(total.median),
    byThread: Object.fromEntries(byThread),
    ...(budget === undefined ? {} : { byPart: budget.partsUs }),
  };
}

/** What two runs can be compared by: every figure with one value for each repetition. */
export function figuresOf(record: RunRecord): readonly Figure[] {
  const ofPoints = record.points.flatMap(({ name, repetitions }): readonly Figure[] => {
    const summaries = repetitions.map(({ latency }) => LatencyHistogram.decode(latency).summary());
    const cpu = repetitions.map(cpuUsPerTx).filter((us) => us !== undefined);
    return [
      {
        name: `${name}: throughput`,
        unit: "tx/s",
        better: "more",
        values: repetitions.map(({ txPerSecond }) => txPerSecond),
      },
      { name: `${name}: p50`, unit: "ms", better: "less", values: summaries.map(({ p50Ms }) => p50Ms) },
      { name: `${name}: p99`, unit: "ms", better: "less", values: summaries.map(({ p99Ms }) => p99Ms) },
      ...(cpu.length === 0 ? [] : [{ name: `${name}: CPU`, unit: "us/tx", better: "less", values: cpu } as const]),
    ];
  });
  return [...ofPoints, ...record.figures];
}

/** @param out a file ending in .json, or a directory in which the record gets a name of its own; returns the file */
export async function saveRecord(record: RunRecord, out: string): Promise<string> {
  const name = `${record.scenario}-${record.startedAt.replaceAll(/[-:]|\.\d+/g, "")}.json`;
  const file = out.endsWith(".json") ? out : join(out, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify({ line: lineOf(record), ...record }, null, 1)}\n`);
  return file;
}

/** All records of a directory in the order in which they were made, or the one of a file. @throws LedgerError BENCH_RECORD_INVALID */
export async function loadRecords(place: string): Promise<readonly RunRecord[]> {
  const files = place.endsWith(".json")
    ? [place]
    : (await filesIn(place)).filter((name) => name.endsWith(".json")).map((name) => join(place, name));
  const records = await Promise.all(files.map(loadRecord));
  if (records.length === 0)
    throw new LedgerError(
      "BENCH_RECORD_INVALID",
      { place },
      { remedy: "run a scenario with --out and this directory" },
    );
  return records.sort((left, right) => left.startedAt.localeCompare(right.startedAt));
}

/** @throws LedgerError BENCH_RECORD_INVALID */
export async function filesIn(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch((cause: unknown) => {
    throw new LedgerError(
      "BENCH_RECORD_INVALID",
      { directory },
      { cause, remedy: "name a directory into which runs were written by --out" },
    );
  });
}

async function loadRecord(file: string): Promise<RunRecord> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new LedgerError("BENCH_RECORD_INVALID", { file }, { cause, remedy: "name a file that a run wrote by --out" });
  });
  return recordFrom(text, file);
}

/** @throws LedgerError BENCH_RECORD_INVALID */
export function recordFrom(text: string, file: string): RunRecord {
  try {
    const record = JSON.parse(text) as RunRecord;
    if (record.format === FORMAT) return record;
  } catch {
    // Not JSON: refused below, like JSON of another kind.
  }
  throw new LedgerError("BENCH_RECORD_INVALID", { file }, { remedy: "name a file that a run wrote by --out" });
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
