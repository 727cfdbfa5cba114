// The first measurement: latency of single transactions, the peak of a closed loop, and open loops below it, in one run.
// Decides what is measured and in which order; every figure comes from elsewhere.

import { type Claim, claimSynced, claimVerified } from "../checks.ts";
import type { Load } from "../client/messages.ts";
import { LoadClient } from "../load-client.ts";
import { type MachineFacts, machineFacts } from "../machine.ts";
import { BenchNetwork } from "../network.ts";
import { cpuUsPerTx, type Phase, runPhase } from "../phase.ts";
import { type CpuProfile, Profiler } from "../profiler.ts";
import { measureVerifyUs } from "../verification.ts";
import { benchKeys, TransactionSource } from "../workload.ts";

const NODES = 4;
const ACCOUNTS = 1_000;
const IN_FLIGHT_PER_NODE = 500;
const WARM_UP_SECONDS = 8;
/** Transactions one by one before their latency is measured: blocks of one must be as well compiled as full ones. */
const WARM_UP_RATE = 100;
/** Of a closed loop, until its queues are full. */
const FILL_SECONDS = 1;
/** Open loops after the peak, in shares of it. */
const SHARES_OF_PEAK = [0.5, 0.7] as const;

const IN_FLIGHT = NODES * IN_FLIGHT_PER_NODE;
const CONFIGURATION = {
  nodes: NODES,
  accounts: ACCOUNTS,
  inFlightPerNode: IN_FLIGHT_PER_NODE,
  warmUpSeconds: 2 * WARM_UP_SECONDS,
  nodeConfiguration: "defaults, with the rate limits of one address raised",
} as const;

export const PROFILED_LOADS = ["latency", "peak"] as const;
export type ProfiledLoad = (typeof PROFILED_LOADS)[number];

export interface ScenarioOptions {
  /** of each measured load */
  readonly seconds: number;
  /** of the latency measurement, transactions per second */
  readonly rate: number;
  readonly seed: number;
  /** profile one node during this load */
  readonly profile: ProfiledLoad | undefined;
  progress(text: string): void;
  /** runs at the end, however it comes */
  onEnd(clean: () => void): void;
}

interface OpenLoad {
  readonly rate: number;
  readonly seconds: number;
  readonly seed: number;
}

export interface Report {
  readonly scenario: string;
  readonly startedAt: string;
  readonly machine: MachineFacts;
  readonly configuration: Readonly<Record<string, number | string>>;
  readonly verifyUs: number;
  readonly limitTxPerSecond: number;
  readonly latency: Phase;
  readonly peak: Phase;
  readonly ramp: readonly Phase[];
  readonly synced: Claim;
  readonly verifiedByEveryNode: Claim;
  readonly profile?: { readonly load: ProfiledLoad; readonly profile: CpuProfile };
}

interface Lab {
  readonly network: BenchNetwork;
  readonly client: LoadClient;
  readonly cores: number;
}

interface Measured {
  /** all of them, in order */
  readonly phases: readonly Phase[];
  readonly latency: Phase;
  readonly peak: Phase;
  readonly ramp: readonly Phase[];
  readonly profile: CpuProfile | undefined;
}

export async function runFirst(options: ScenarioOptions): Promise<Report> {
  const { seconds, rate, seed, progress } = options;
  const startedAt = new Date().toISOString();
  const machine = machineFacts();
  const { cores } = machine;
  const keys = benchKeys(seed);
  const verifyBeforeUs = measureVerifyUs();
  const limit = limitOf(cores, verifyBeforeUs);
  progress(`one verification takes ${verifyBeforeUs.toFixed(1)} us: at most ${limit} tx/s on ${cores} cores`);

  const network = await BenchNetwork.create({ nodes: NODES, accounts: ACCOUNTS, keys });
  options.onEnd(() => network.destroy());
  const client = new LoadClient();
  options.onEnd(() => client.kill());
  try {
    progress(`starting ${NODES} nodes in ${network.directory}`);
    await network.start();
    await client.connect({ chainId: network.chainId, seed, accounts: ACCOUNTS, nodes: network.urls });
    const { phases, latency, peak, ramp, profile } = await measureLoads(options, { network, client, cores }, limit);
    progress("checking what the nodes agree on");
    const heads = await network.settledHeads();
    const [forged] = new TransactionSource({ chainId: network.chainId, keys, accounts: ACCOUNTS }).moves(1);
    const answersToForged = await network.offer(spoilSignature(forged!.hex));
    client.kill();
    network.destroy();
    const verifyUs = round((verifyBeforeUs + measureVerifyUs()) / 2);
    return {
      scenario: "first",
      startedAt,
      machine,
      configuration: { ...CONFIGURATION, seconds, rate, seed },
      verifyUs,
      limitTxPerSecond: limitOf(cores, verifyUs),
      latency,
      peak,
      ramp,
      synced: claimSynced(peak),
      verifiedByEveryNode: claimVerified({
        heads,
        setUpTransactions: ACCOUNTS,
        phases,
        peak,
        answersToForged,
        verifyUs,
      }),
      ...(profile === undefined ? {} : { profile: { load: options.profile ?? "peak", profile } }),
    };
  } catch (error) {
    for (const tail of await network.logTails()) progress(tail);
    throw error;
  }
}

async function measureLoads(
  { seconds, rate, seed, profile: profiled, progress }: ScenarioOptions,
  lab: Lab,
  limit: number,
): Promise<Measured> {
  const { network, client } = lab;
  const runOpen = async (name: string, load: OpenLoad): Promise<Phase> => {
    // Poisson arrivals of a short load can be half as many again.
    await client.sign(Math.ceil(load.rate * load.seconds * 1.5) + 100);
    return runPhase(name, { kind: "open", arrivals: "poisson", ...load }, lab);
  };
  progress(`opening ${ACCOUNTS} accounts and warming up for ${2 * WARM_UP_SECONDS} s`);
  await client.openAccounts();
  await client.sign(Math.ceil(limit * WARM_UP_SECONDS) + IN_FLIGHT);
  const warmUp = await runPhase("warm-up", closedLoop(WARM_UP_SECONDS), lab);
  const singles = await runOpen("warm-up of singles", { rate: WARM_UP_RATE, seconds: WARM_UP_SECONDS, seed });

  progress(`latency: ${rate} tx/s for ${seconds} s, Poisson arrivals over ${NODES} nodes`);
  let profiler = profiled === "latency" ? await Profiler.start(network.processes[0]!) : undefined;
  const latency = await runOpen("latency", { rate, seconds, seed });
  let profile = await profiler?.stop();

  // Half of what the machine can verify, more when the warm-up came near it: the stock must outlast the load.
  await client.sign(Math.ceil(Math.max(limit / 2, 2 * warmUp.txPerSecond) * (seconds + FILL_SECONDS)) + IN_FLIGHT);
  progress(`peak: ${IN_FLIGHT_PER_NODE} transactions on their way at each node for ${seconds} s`);
  profiler = profiled === "peak" ? await Profiler.start(network.processes[0]!) : undefined;
  const peak = await runPhase("peak", closedLoop(seconds), lab);
  profile ??= await profiler?.stop();

  const ramp: Phase[] = [];
  for (const [index, share] of SHARES_OF_PEAK.entries()) {
    const offered = Math.floor(peak.txPerSecond * share);
    progress(`open loop: ${offered} tx/s for ${seconds} s, ${share * 100}% of the peak`);
    ramp.push(await runOpen(`${share * 100}% of peak`, { rate: offered, seconds, seed: seed + 1 + index }));
  }
  return { phases: [warmUp, singles, latency, peak, ...ramp], latency, peak, ramp, profile };
}

/** Every node verifies every signature, and all nodes share the cores. */
function limitOf(cores: number, verifyUs: number): number {
  return Math.floor((cores * 1e6) / (NODES * verifyUs));
}

/** The line for machines: the fields that every scenario has, and what this one adds. */
export function lineOf(report: Report): Readonly<Record<string, unknown>> {
  const { peak, latency, ramp, verifyUs, limitTxPerSecond } = report;
  return {
    scenario: report.scenario,
    nodes: NODES,
    cores: report.machine.cores,
    txPerSecond: Math.round(peak.txPerSecond),
    p50Ms: latency.latencySummary.p50Ms,
    p99Ms: latency.latencySummary.p99Ms,
    verifyUs,
    limitTxPerSecond,
    ratioToLimit: Math.round((peak.txPerSecond / limitTxPerSecond) * 100) / 100,
    cpuUsPerTx: cpuUsPerTx(peak),
    synced: report.synced.holds,
    verifiedByEveryNode: report.verifiedByEveryNode.holds,
    latencyRate: report.configuration.rate,
    latencySamples: latency.latencySummary.samples,
    bytesPerTransaction: Math.round(peak.bytesPerTransaction),
    rssMb: Math.max(...peak.rssMb),
    ramp: ramp.map(({ load, txPerSecond, latencySummary }) => ({
      offered: load.kind === "open" ? load.rate : 0,
      txPerSecond: Math.round(txPerSecond),
      p50Ms: latencySummary.p50Ms,
      p99Ms: latencySummary.p99Ms,
    })),
    foreignCpuPercent: Math.max(...[latency, peak, ...ramp].map(({ foreignCpuPercent }) => foreignCpuPercent)),
    missing: [latency, peak, ...ramp].reduce((total, { missing }) => total + missing, 0),
    commit: report.machine.commit,
  };
}

function closedLoop(seconds: number): Load {
  return {
    kind: "closed",
    inFlightPerNode: IN_FLIGHT_PER_NODE,
    seconds: seconds + FILL_SECONDS,
    warmUpSeconds: FILL_SECONDS,
  };
}

/** The signature is the last thing in a transaction's bytes. */
function spoilSignature(hex: string): string {
  return `${hex.slice(0, -1)}${hex.endsWith("0") ? "1" : "0"}`;
}

function round(us: number): number {
  return Math.round(us * 10) / 10;
}
