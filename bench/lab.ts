// A network under measurement: nodes and client of one run, the loads given to them, and what may be claimed of it at the end.
// Decides nothing about a scenario; whoever opened it closes it.

import { LedgerError } from "../src/errors.ts";
import { type Claim, claimSynced, claimVerified } from "./checks.ts";
import type { Load } from "./client/messages.ts";
import { LoadClient } from "./load-client.ts";
import { machineFacts } from "./machine.ts";
import { BenchNetwork } from "./network.ts";
import { Nodes } from "./nodes.ts";
import type { Options } from "./options.ts";
import { CALLS_USUAL, type Content } from "./payloads.ts";
import { type Phase, runPhase, type Target } from "./phase.ts";
import { type CpuProfile, Profiler } from "./profiler.ts";
import { limitOf } from "./record.ts";
import { measureVerifyUs } from "./verification.ts";
import { benchKeys, TransactionSource } from "./workload.ts";

export const ACCOUNTS = 1_000;
/** Transactions one by one before their latency is measured: blocks of one must be as well compiled as full ones. */
const WARM_UP_RATE = 100;
/** Of a closed loop, until its queues are full. */
const FILL_SECONDS = 1;
/** Of a closed loop of single calls, over all nodes; more calls fill blocks with fewer transactions. */
const IN_FLIGHT = 2_000;
/** No contract executes a call in less: what a transaction of many calls costs at the least. */
const CALL_US_MIN = 5;

export interface Hooks {
  progress(text: string): void;
  /** runs at the end, however it comes */
  onEnd(clean: () => void): void;
}

export interface LabPlan {
  readonly nodes: number;
  readonly accounts: number;
  readonly relayed: boolean;
}

export interface OpenLoad {
  readonly rate: number;
  readonly seconds: number;
  readonly seed: number;
  /** what is done to the nodes while the load goes on, from its start; where they fail, the client turns to others */
  readonly fault?: () => Promise<void>;
}

export interface Claims {
  readonly verifyUs: number;
  readonly limitTxPerSecond: number;
  readonly synced: Claim;
  readonly verifiedByEveryNode: Claim;
}

export class Lab {
  readonly nodes: Nodes;
  /** undefined: the network runs elsewhere */
  readonly network: BenchNetwork | undefined;
  readonly client = new LoadClient();
  readonly size: number;
  private readonly options: Options;
  private readonly hooks: Hooks;
  private readonly accounts: number;
  private readonly target: Target;
  private readonly verifyBeforeUs = measureVerifyUs();
  private readonly phases: Phase[] = [];
  /** in the chain before the first load, or put there to prepare one */
  private setUpTransactions = 0;
  /** nodes were stopped or cut off on purpose */
  private wasInterrupted = false;
  /** tx/s of the fastest closed loop so far */
  private fastest = 0;

  private constructor(options: Options, hooks: Hooks, nodes: Nodes, accounts: number) {
    this.options = options;
    this.hooks = hooks;
    this.nodes = nodes;
    this.network = nodes instanceof BenchNetwork ? nodes : undefined;
    this.size = nodes.urls.length;
    this.accounts = accounts;
    const { network, client } = this;
    this.target = { nodes, network, client, cores: machineFacts().cores };
  }

  /** Starts the nodes and the client, or attaches to what runs, and opens the accounts. */
  static async open(options: Options, hooks: Hooks, plan: Partial<LabPlan> = {}): Promise<Lab> {
    const { accounts = ACCOUNTS, relayed = false } = plan;
    const keys = benchKeys(options.seed);
    const isAttached = options.attach.length > 0;
    const nodes = isAttached
      ? new Nodes(options.attach)
      : await BenchNetwork.create({ nodes: plan.nodes ?? options.nodes, accounts, keys, relayed });
    if (nodes instanceof BenchNetwork) hooks.onEnd(() => nodes.destroy());
    const lab = new Lab(options, hooks, nodes, accounts);
    hooks.onEnd(() => lab.client.kill());
    try {
      if (lab.network !== undefined) {
        hooks.progress(`starting ${lab.size} nodes in ${lab.network.directory}`);
        await lab.network.start();
      }
      const chainId = await nodes.chain();
      lab.setUpTransactions = accounts + ((await nodes.settledHeads())[0]?.transactionsTotal ?? 0);
      // A ledger that was measured before has these motions and documents already.
      const numbersFrom = isAttached ? Math.floor(Date.now() / 1000) * 1_000_000 : 0;
      await lab.client.connect({ chainId, seed: options.seed, accounts, numbersFrom, nodes: nodes.urls });
      hooks.progress(`opening ${accounts} accounts`);
      await lab.client.openAccounts();
      return lab;
    } catch (error) {
      await lab.tellLogs();
      throw error;
    }
  }

  get limit(): number {
    return limitOf(this.target.cores, this.size, this.verifyBeforeUs);
  }

  get calls(): number {
    return this.options.calls ?? CALLS_USUAL[this.options.payload];
  }

  get inFlightPerNode(): number {
    return this.options.inFlight ?? Math.ceil(IN_FLIGHT / this.size / Math.sqrt(this.calls));
  }

  /** A closed loop and then singles: Node compiles hot code only after it has run for a while. @returns tx/s of the closed loop */
  async warmUp(): Promise<number> {
    const { warmUpSeconds, seed } = this.options;
    this.hooks.progress(`warming up for ${2 * warmUpSeconds} s`);
    const full = await this.closedLoop("warm-up", warmUpSeconds);
    await this.openLoop("warm-up of singles", {
      rate: Math.max(1, Math.min(WARM_UP_RATE, full.txPerSecond / 4)),
      seconds: warmUpSeconds,
      seed,
    });
    return full.txPerSecond;
  }

  /** As many transactions on their way as the nodes bear. */
  async closedLoop(name: string, seconds: number): Promise<Phase> {
    const length = seconds + FILL_SECONDS;
    // Half of what the machine can do at most, more when a load before came near it: the stock must outlast this one.
    const rate = this.fastest === 0 ? this.rateMax : Math.max(this.rateMax / 2, 2 * this.fastest);
    await this.sign(Math.ceil(rate * length) + this.size * this.inFlightPerNode, 0);
    const phase = await this.run(name, {
      kind: "closed",
      inFlightPerNode: this.inFlightPerNode,
      seconds: length,
      warmUpSeconds: FILL_SECONDS,
    });
    this.fastest = Math.max(this.fastest, phase.txPerSecond);
    return phase;
  }

  async openLoop(name: string, { rate, seconds, seed, fault }: OpenLoad): Promise<Phase> {
    const { arrivals } = this.options;
    // Poisson arrivals of a short load can be half as many again.
    await this.sign(Math.ceil(rate * seconds * 1.5) + 100, seconds);
    this.wasInterrupted ||= fault !== undefined;
    return this.run(name, { kind: "open", arrivals, rate, seconds, seed, reroutes: fault !== undefined }, fault);
  }

  /** Commits so many transactions as fast as it goes; they count for nothing but the state. */
  async fill(content: Content, count: number): Promise<void> {
    await this.client.sign({ content, calls: CALLS_USUAL[content], count, spreadSeconds: 0 });
    await this.client.sendAll();
    await this.nodes.settledHeads();
    this.setUpTransactions += count;
  }

  /** One load of the same kind while the first node's main thread is profiled. */
  async profiled(run: () => Promise<Phase>): Promise<{ readonly profile: CpuProfile; readonly phase: Phase }> {
    const node = this.network?.processes[0];
    if (node === undefined)
      throw new LedgerError(
        "BENCH_INSPECTOR_MISSING",
        {},
        { remedy: "profile a network that the bench starts itself" },
      );
    const profiler = await Profiler.start(node);
    const phase = await run();
    return { profile: await profiler.stop(), phase };
  }

  /** What may be said of the figures; ends the run: a last transaction with a spoiled signature is offered. */
  async claims(measured: readonly Phase[]): Promise<Claims> {
    this.hooks.progress("checking what the nodes agree on");
    const heads = await this.nodes.settledHeads();
    const { seed } = this.options;
    const source = new TransactionSource({
      chainId: await this.nodes.chain(),
      keys: benchKeys(seed),
      accounts: this.accounts,
      seed,
      numbersFrom: 0,
    });
    const [forged] = source.take({ content: "transfer", calls: 1, count: 1, spreadSeconds: 0 });
    const answersToForged = await this.nodes.offer(spoilSignature(forged!.hex));
    const verifyUs = round((this.verifyBeforeUs + measureVerifyUs()) / 2);
    const peak = mostCommitted(measured);
    // What is not known of a load under which nodes were started anew is known of the warm-up.
    const known = this.phases.filter(({ cpuUsPerTxByNode }) => cpuUsPerTxByNode.length > 0);
    return {
      verifyUs,
      limitTxPerSecond: limitOf(this.target.cores, this.size, verifyUs),
      synced: claimSynced(peak),
      verifiedByEveryNode: claimVerified({
        heads,
        setUpTransactions: this.setUpTransactions,
        phases: this.phases,
        peak: peak.cpuUsPerTxByNode.length > 0 || known.length === 0 ? peak : mostCommitted(known),
        answersToForged,
        verifyUs,
        wasInterrupted: this.wasInterrupted,
      }),
    };
  }

  private get rateMax(): number {
    const { cores } = this.target;
    return limitOf(cores, this.size, this.verifyBeforeUs + (this.calls - 1) * CALL_US_MIN);
  }

  private sign(count: number, spreadSeconds: number): Promise<void> {
    return this.client.sign({ content: this.options.payload, calls: this.calls, count, spreadSeconds });
  }

  private async run(name: string, load: Load, meanwhile?: () => Promise<void>): Promise<Phase> {
    const phase = await runPhase(name, load, this.target, meanwhile);
    this.phases.push(phase);
    return phase;
  }

  close(): void {
    this.client.kill();
    this.network?.destroy();
  }

  /** What somebody needs when a run failed. */
  async tellLogs(): Promise<void> {
    for (const tail of (await this.network?.logTails()) ?? []) this.hooks.progress(tail);
  }
}

/** The load that says most: the more transactions, the less a single one weighs. */
function mostCommitted(phases: readonly Phase[]): Phase {
  const [first, ...others] = phases;
  if (first === undefined) throw new LedgerError("BENCH_NOTHING_MEASURED");
  return others.reduce((most, phase) => (phase.committed > most.committed ? phase : most), first);
}

/** The signature is the last thing in a transaction's bytes. */
function spoilSignature(hex: string): string {
  return `${hex.slice(0, -1)}${hex.endsWith("0") ? "1" : "0"}`;
}

function round(us: number): number {
  return Math.round(us * 10) / 10;
}
