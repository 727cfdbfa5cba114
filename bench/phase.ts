// One load with everything that was measured beside it: CPU of every node by thread, memory, blocks, flushes, foreign load.
// Reads before and after; between the two the machine belongs to the nodes and the client.

import type { Load, LoadResult } from "./client/messages.ts";
import { LatencyHistogram, type LatencySummary } from "./latency.ts";
import { diskFlushes, machineBusyUs, processCpuUs, residentMb, threadCpuUs } from "./machine.ts";
import type { Order } from "./workload.ts";

export interface Phase extends LoadResult {
  readonly name: string;
  readonly latencySummary: LatencySummary;
  readonly delaySummary: LatencySummary;
  readonly blocks: number;
  /** CPU of each node for each committed transaction, us; empty when the nodes are elsewhere or one was started anew meanwhile */
  readonly cpuUsPerTxByNode: readonly number[];
  /** mean over the nodes, by thread name, us */
  readonly cpuUsPerTxByThread: Readonly<Record<string, number>>;
  /** resident memory of each node at the end */
  readonly rssMb: readonly number[];
  /** CPU of the client process, percent of one core */
  readonly clientCpuPercent: number;
  /** CPU of whatever else ran on the machine, percent of all its cores; undefined where that of the nodes is not known */
  readonly foreignCpuPercent: number | undefined;
  /** warnings, errors and changes of view in the nodes' logs, by message, all nodes together */
  readonly incidents: Readonly<Record<string, number>>;
  /** flushes that the disk completed, undefined when this machine does not tell */
  readonly diskFlushes: number | undefined;
}

/** What a load is given to: the nodes, the processes behind them where they are this machine's, and the client. */
export interface Target {
  readonly nodes: { settledHeads(): Promise<readonly { readonly height: number }[]> };
  readonly network:
    | {
        readonly pids: readonly number[];
        readonly directory: string;
        incidents(): Promise<ReadonlyMap<string, number>>;
      }
    | undefined;
  readonly client: {
    readonly pid: number | undefined;
    sign(order: Order): Promise<void>;
    run(load: Load): Promise<LoadResult>;
  };
  readonly cores: number;
}

interface Reading {
  readonly atMs: number;
  readonly pids: readonly number[];
  readonly busyUs: number;
  readonly nodeUs: readonly number[];
  readonly threads: readonly ReadonlyMap<string, number>[];
  readonly clientUs: number;
  readonly ownUs: number;
  readonly flushes: number | undefined;
  readonly height: number;
  readonly incidents: ReadonlyMap<string, number>;
}

/** @param meanwhile begins with the load and has ended before anything is read again */
export async function runPhase(
  name: string,
  load: Load,
  target: Target,
  meanwhile: () => Promise<void> = async () => undefined,
): Promise<Phase> {
  const before = await read(target);
  const [result] = await Promise.all([target.client.run(load), meanwhile()]);
  const after = await read(target);
  const wallUs = (after.atMs - before.atMs) * 1000;
  const isSame = after.pids.every((pid, node) => pid === before.pids[node]);
  const nodeUs = isSame ? after.nodeUs.map((us, node) => us - before.nodeUs[node]!) : [];
  const clientUs = after.clientUs - before.clientUs;
  const knownUs = sum(nodeUs) + clientUs + (after.ownUs - before.ownUs);
  const each = (us: number): number => Math.round((us / Math.max(1, result.committed)) * 10) / 10;
  const threads = new Set(isSame ? after.threads.flatMap((sums) => [...sums.keys()]) : []);
  const ofThread = (reading: Reading, thread: string): number =>
    sum(reading.threads.map((sums) => sums.get(thread) ?? 0));
  const byThread = [...threads].map(
    (thread) => [thread, each((ofThread(after, thread) - ofThread(before, thread)) / nodeUs.length)] as const,
  );
  return {
    ...result,
    name,
    latencySummary: LatencyHistogram.decode(result.latency).summary(),
    delaySummary: LatencyHistogram.decode(result.delay).summary(),
    blocks: after.height - before.height,
    cpuUsPerTxByNode: nodeUs.map(each),
    cpuUsPerTxByThread: Object.fromEntries(
      byThread.filter(([, us]) => us > 0).sort((left, right) => right[1] - left[1]),
    ),
    rssMb: (target.network?.pids ?? []).map(residentMb),
    clientCpuPercent: Math.round((clientUs / wallUs) * 100),
    foreignCpuPercent:
      nodeUs.length === 0
        ? undefined
        : Math.max(0, Math.round(((after.busyUs - before.busyUs - knownUs) / (wallUs * target.cores)) * 1000) / 10),
    incidents: Object.fromEntries(
      [...after.incidents]
        .map(([message, count]) => [message, count - (before.incidents.get(message) ?? 0)] as const)
        .filter(([, count]) => count > 0),
    ),
    diskFlushes:
      after.flushes === undefined || before.flushes === undefined ? undefined : after.flushes - before.flushes,
  };
}

/** Mean over the nodes, us; undefined when it is not known. */
export function cpuUsPerTx(phase: Phase): number | undefined {
  if (phase.cpuUsPerTxByNode.length === 0) return undefined;
  return Math.round((sum(phase.cpuUsPerTxByNode) / phase.cpuUsPerTxByNode.length) * 10) / 10;
}

async function read({ nodes, network, client }: Target): Promise<Reading> {
  const [head] = await nodes.settledHeads();
  // Logs of a long run take a while to read: before the clocks are.
  const incidents = (await network?.incidents()) ?? new Map<string, number>();
  const { user, system } = process.cpuUsage();
  const pids = network?.pids ?? [];
  return {
    atMs: performance.now(),
    pids,
    busyUs: machineBusyUs(),
    nodeUs: pids.map(processCpuUs),
    threads: pids.map(threadCpuUs),
    clientUs: client.pid === undefined ? 0 : processCpuUs(client.pid),
    ownUs: user + system,
    flushes: network === undefined ? undefined : diskFlushes(network.directory),
    height: head?.height ?? 0,
    incidents,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
