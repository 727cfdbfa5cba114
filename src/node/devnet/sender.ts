// Carries the day's signed transactions to the organisations' nodes and waits for each proved receipt.
// Never decides what to do; signs each transaction once, and sends the same bytes again until their receipt is there.

import { setTimeout as pause } from "node:timers/promises";
import type { LinliClient, ReceiptAnswer } from "../../client/client.ts";
import type { CallRequest } from "../../client/transaction.ts";
import { buildTransaction, type SignedTransaction } from "../../client/transaction.ts";
import { LedgerError } from "../../errors.ts";
import type { Hash } from "../../ledger/hash.ts";
import type { Clock } from "../../ports.ts";
import type { DevnetKeys } from "./cast.ts";

/** One organisation's node, as its people reach it. */
export interface DayNode {
  readonly organisation: string;
  readonly url: string;
  readonly client: LinliClient;
}

export interface Job {
  /** the account that signs */
  readonly account: string;
  /** who signs, too; default: nobody */
  readonly cosigners?: readonly string[] | undefined;
  /** whose node it goes to first; another one takes it while that is away */
  readonly via: string;
  readonly calls: readonly CallRequest[];
  /** default: enough for every action but `deploy` */
  readonly gasLimit?: number | undefined;
}

export interface JobOutcome {
  readonly job: Job;
  readonly answer: ReceiptAnswer;
}

export interface SenderOptions {
  readonly chainId: Hash;
  readonly nodes: readonly DayNode[];
  readonly keys: DevnetKeys;
  readonly clock: Clock;
  /** how long a transaction may be executed, ms of ledger time: at most the replay window */
  readonly validityMs: number;
  /** of one transaction */
  readonly gasLimitMax: number;
}

/** Transactions on their way at once, for each node: well below what a node allows one address. */
const IN_FLIGHT_PER_NODE = 24;
const WAIT_MS = 5_000;
const PAUSE_MS = 100;
/** a node that could not be reached is passed over for so long, wall time */
const AWAY_MS = 3_000;
/** wall time after which the network is taken for stuck: well before a transaction expires */
const STALLED_MS = 90_000;
/** above the worst case of every action of the library except `deploy` */
const GAS_PER_CALL = 12_000;
/** Refusals of a node that are about this moment, not about the transaction. */
const PASSING_CODES: ReadonlySet<string> = new Set([
  "CLIENT_UNREACHABLE",
  "CLIENT_TIMEOUT",
  "MEMPOOL_FULL",
  "MEMPOOL_SENDER_FULL",
  "RPC_RATE_LIMITED",
  "RPC_TOO_MANY_CONNECTIONS",
  "RPC_TOO_MANY_OPEN_CALLS",
  "RPC_NODE_STOPPING",
  "RPC_INTERNAL",
  "TOO_MANY_WAITING",
  // A node that has just come back may not know yet who was enrolled meanwhile.
  "TX_SIGNER_UNKNOWN",
  "TX_NOT_COMMITTED",
]);

export class Sender {
  private readonly options: SenderOptions;
  private nonce: number;
  private readonly samples: number[] = [];
  private readonly awayUntilMs = new Map<DayNode, number>();
  private inFlight = 0;
  private busySinceMs = 0;
  private busyMs = 0;

  constructor(options: SenderOptions) {
    this.options = options;
    // Larger than that of any earlier run, so that nobody's order goes backwards.
    this.nonce = options.clock.nowMs();
  }

  /** wall ms from sending to the proved receipt, one for each transaction of this run */
  get latenciesMs(): readonly number[] {
    return this.samples;
  }

  /** Sends all, many at once, and resolves with their proved receipts in the same order, whatever their status. */
  async sendAll(jobs: readonly Job[]): Promise<readonly JobOutcome[]> {
    const outcomes = new Array<JobOutcome>(jobs.length);
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let index = next; index < jobs.length; index = next) {
        next += 1;
        const job = jobs[index]!;
        outcomes[index] = { job, answer: await this.send(job) };
      }
    };
    const workers = Math.min(jobs.length, this.options.nodes.length * IN_FLIGHT_PER_NODE);
    await Promise.all(Array.from({ length: workers }, worker));
    return outcomes;
  }

  /** @throws LedgerError `DAY_STALLED` when no node brings it to a receipt; the node's refusal when it is at fault itself */
  async send(job: Job): Promise<ReceiptAnswer> {
    const { clock } = this.options;
    const startMs = clock.monotonicMs();
    if (this.inFlight === 0) this.busySinceMs = startMs;
    this.inFlight += 1;
    try {
      const answer = await this.carry(job, startMs);
      this.samples.push(clock.monotonicMs() - startMs);
      return answer;
    } finally {
      this.inFlight -= 1;
      if (this.inFlight === 0) this.busyMs += clock.monotonicMs() - this.busySinceMs;
    }
  }

  private async carry(job: Job, startMs: number): Promise<ReceiptAnswer> {
    const { clock } = this.options;
    const signed = this.sign(job);
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.attempt(signed, this.nodeFor(job, attempt));
      if (answer !== undefined) return answer;
      if (clock.monotonicMs() - startMs > STALLED_MS) {
        throw new LedgerError(
          "DAY_STALLED",
          { account: job.account, action: job.calls[0]?.action ?? "", waitedMs: STALLED_MS },
          { remedy: "look into the nodes' logs and at consensus_status; `npm start` again continues where it stopped" },
        );
      }
      await pause(PAUSE_MS);
    }
  }

  /** Transactions with a proved receipt, and how many per second of the wall time in which any was on its way. */
  throughput(): { readonly transactions: number; readonly perSecond: number } {
    const transactions = this.samples.length;
    return { transactions, perSecond: this.busyMs > 0 ? (transactions * 1000) / this.busyMs : 0 };
  }

  private sign(job: Job): SignedTransaction {
    const { chainId, keys, clock, validityMs, gasLimitMax } = this.options;
    this.nonce += 1;
    return buildTransaction({
      chainId,
      signers: [job.account, ...(job.cosigners ?? [])].map((account) => ({ account, signer: keys.signerOf(account) })),
      nonce: this.nonce,
      validUntilMs: clock.nowMs() + validityMs,
      gasLimit: Math.min(gasLimitMax, job.gasLimit ?? GAS_PER_CALL * job.calls.length),
      calls: job.calls,
    });
  }

  /** The organisation's own node, or the next one that is not away. */
  private nodeFor(job: Job, attempt: number): DayNode {
    const { nodes, clock } = this.options;
    const own = Math.max(
      0,
      nodes.findIndex(({ organisation }) => organisation === job.via),
    );
    const inOrder = nodes.map((_, index) => nodes[(own + attempt + index) % nodes.length]!);
    return inOrder.find((node) => clock.monotonicMs() >= (this.awayUntilMs.get(node) ?? 0)) ?? inOrder[0]!;
  }

  // The same bytes may go to several nodes: a transaction is executed at most once.
  private async attempt(signed: SignedTransaction, node: DayNode): Promise<ReceiptAnswer | undefined> {
    try {
      await node.client.send(signed.bytes);
      return await node.client.waitForReceipt(signed.id, { timeoutMs: WAIT_MS });
    } catch (error) {
      if (!(error instanceof LedgerError) || !PASSING_CODES.has(error.code)) throw error;
      if (error.code === "CLIENT_UNREACHABLE" || error.code === "CLIENT_TIMEOUT") {
        this.awayUntilMs.set(node, this.options.clock.monotonicMs() + AWAY_MS);
      }
      return undefined;
    }
  }
}

/** The sample below which `percent` of all lie, by the nearest rank; 0 without samples. */
export function percentile(samples: readonly number[], percent: number): number {
  const sorted = [...samples].sort((left, right) => left - right);
  const rank = Math.ceil((sorted.length * percent) / 100);
  return sorted[Math.max(0, rank - 1)] ?? 0;
}
