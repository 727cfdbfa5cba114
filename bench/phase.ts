// One load with everything that was measured beside it: CPU of every node by thread, memory, blocks, flushes, foreign load.
// Reads before and after; between the two the machine belongs to the nodes and the client.

import type { Load, LoadResult } from "./client/messages.ts";
import { LatencyHistogram, type LatencySummary } from "./latency.ts";
import type { LoadClient } from "./load-client.ts";
import { diskFlushes, machineBusyUs, processCpuUs, residentMb, threadCpuUs } from "./machine.ts";
import type { BenchNetwork } from "./network.ts";

export interface Phase extends LoadResult {
  readonly name: string;
  readonly latencySummary: LatencySummary;
  readonly delaySummary: LatencySummary;
  readonly blocks: number;
  /** CPU of each node for each committed transaction, us */
  readonly cpuUsPerTxByNode: readonly number[];
  /** mean over the nodes, by thread name, us */
  readonly cpuUsPerTxByThread: Readonly<Record<string, number>>;
  /** resident memory of each node at the end */
  readonly rssMb: readonly number[];
  /** CPU of the client process, percent of one core */
  readonly clientCpuPercent: number;
  /** CPU of whatever else ran on the machine, percent of all its cores */
  readonly foreignCpuPercent: number;
  /** warnings, errors and changes of view in the nodes' logs, by message, all nodes together */
  readonly incidents: Readonly<Record<string, number>>;
  /** flushes that the disk completed, undefined when this machine does not tell */
  readonly diskFlushes: number | undefined;
}

interface Reading {
  readonly atMs: number;
  readonly busyUs: number;
  readonly nodeUs: readonly number[];
  readonly threads: readonly ReadonlyMap<string, number>[];
  readonly clientUs: number;
  readonly ownUs: number;
  readonly flushes: number | undefined;
  readonly height: number;
  readonly incidents: ReadonlyMap<string, number>;
}

export async function runPhase(
  name: string,
  load: Load,
  { network, client, cores }: { readonly network: BenchNetwork; readonly client: LoadClient; readonly cores: number },
): Promise<Phase> {
  const before = await read(network, client);
  const result = await client.run(load);
  const after = await read(network, client);
  const wallUs = (after.atMs - before.atMs) * 1000;
  const nodeUs = after.nodeUs.map((us, node) => us - before.nodeUs[node]!);
  const clientUs = after.clientUs - before.clientUs;
  const knownUs = sum(nodeUs) + clientUs + (after.ownUs - before.ownUs);
  const each = (us: number): number => Math.round((us / Math.max(1, result.committed)) * 10) / 10;
  const threads = new Set(after.threads.flatMap((sums) => [...sums.keys()]));
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
    rssMb: network.pids.map(residentMb),
    clientCpuPercent: Math.round((clientUs / wallUs) * 100),
    foreignCpuPercent: Math.max(
      0,
      Math.round(((after.busyUs - before.busyUs - knownUs) / (wallUs * cores)) * 1000) / 10,
    ),
    incidents: Object.fromEntries(
      [...after.incidents]
        .map(([message, count]) => [message, count - (before.incidents.get(message) ?? 0)] as const)
        .filter(([, count]) => count > 0),
    ),
    diskFlushes:
      after.flushes === undefined || before.flushes === undefined ? undefined : after.flushes - before.flushes,
  };
}

/** Mean over the nodes, us. */
export function cpuUsPerTx(phase: Phase): number {
  return Math.round((sum(phase.cpuUsPerTxByNode) / phase.cpuUsPerTxByNode.length) * 10) / 10;
}

async function read(network: BenchNetwork, client: LoadClient): Promise<Reading> {
  const [head] = await network.settledHeads();
  const { user, system } = process.cpuUsage();
  return {
    atMs: performance.now(),
    busyUs: machineBusyUs(),
    nodeUs: network.pids.map(processCpuUs),
    threads: network.pids.map(threadCpuUs),
    clientUs: client.pid === undefined ? 0 : processCpuUs(client.pid),
    ownUs: user + system,
    flushes: diskFlushes(network.directory),
    height: head?.height ?? 0,
    incidents: await network.incidents(),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
