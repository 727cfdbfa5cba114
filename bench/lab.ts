// A network of this ledger under measurement: nodes and client of one run, and what may be claimed of it at the end.
// Decides nothing about a scenario; whoever opened it closes it.

import { LedgerError } from "../src/errors.ts";
import { type Claim, claimSynced, claimVerified } from "./checks.ts";
import { LoadClient } from "./load-client.ts";
import { type Hooks, Loads } from "./loads.ts";
import { BenchNetwork } from "./network.ts";
import { Nodes } from "./nodes.ts";
import type { Options } from "./options.ts";
import { CALLS_USUAL, type Content } from "./payloads.ts";
import type { Phase } from "./phase.ts";
import { type CpuProfile, Profiler } from "./profiler.ts";
import { limitOf } from "./record.ts";
import { measureVerifyUs } from "./verification.ts";
import { benchKeys, TransactionSource } from "./workload.ts";

export const ACCOUNTS = 1_000;
export interface LabPlan {
  readonly nodes: number;
  readonly accounts: number;
  readonly relayed: boolean;
}

export interface Claims {
  readonly verifyUs: number;
  readonly limitTxPerSecond: number;
  readonly synced: Claim;
  readonly verifiedByEveryNode: Claim;
}

export class Lab extends Loads {
  readonly nodes: Nodes;
  /** undefined: the network runs elsewhere */
  readonly network: BenchNetwork | undefined;
  private readonly client: LoadClient;
  private readonly accounts: number;
  /** in the chain before the first load, or put there to prepare one */
  private setUpTransactions = 0;

  private constructor(options: Options, hooks: Hooks, nodes: Nodes, accounts: number) {
    const client = new LoadClient();
    const network = nodes instanceof BenchNetwork ? nodes : undefined;
    super(options, hooks, { nodes, network, client }, nodes.urls.length);
    this.nodes = nodes;
    this.network = network;
    this.client = client;
    this.accounts = accounts;
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
      await lab.client.connect({
        chainId,
        system: "linli",
        seed: options.seed,
        accounts,
        numbersFrom,
        nodes: nodes.urls,
      });
      hooks.progress(`opening ${accounts} accounts`);
      await lab.client.openAccounts();
      return lab;
    } catch (error) {
      await lab.tellLogs();
      throw error;
    }
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
      limitTxPerSecond: limitOf(this.cores, this.size, verifyUs),
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
