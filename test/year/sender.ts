// Signs what people do and carries it to the nodes, up to a hundred transactions in a call, and waits for each proved receipt.
// One person's transactions go through one node in the order in which they were handed over: the ledger keeps that order.

import type { LinliClient, ReceiptAnswer } from "../../src/client/client.ts";
import { buildTransaction, type CallRequest, type SignedTransaction } from "../../src/client/transaction.ts";
import { LedgerError } from "../../src/errors.ts";
import type { Hash } from "../../src/ledger/hash.ts";
import type { DevnetKeys } from "../../src/node/devnet/cast.ts";
import { DAY_MS } from "./days.ts";

export interface Job {
  /** the account that signs */
  readonly account: string;
  /** who signs, too; default: nobody */
  readonly cosigners?: readonly string[];
  readonly calls: readonly CallRequest[];
}

interface Waiting {
  readonly signed: SignedTransaction;
  readonly resolve: (answer: ReceiptAnswer) => void;
  readonly reject: (error: unknown) => void;
}

const SEND_MANY_MAX = 100;
/** What one request may hold, with room for its hexadecimal. */
const SEND_BYTES_MAX = 400_000;
/** Below what one sender may have on its way at a node, and what a call of a hundred takes. */
const IN_FLIGHT_MAX = 2_000;
const RECEIPT_MS_MAX = 180_000;
/** Above the worst case of every action. */
const GAS_PER_CALL = 150_000;
const VALID_MS = DAY_MS;

/** The lane of one node: what was handed over goes out in that order. */
class Lane {
  private readonly client: LinliClient;
  private readonly queue: Waiting[] = [];
  private isSending = false;
  private inFlight = 0;

  constructor(client: LinliClient) {
    this.client = client;
  }

  add(waiting: Waiting): void {
    this.queue.push(waiting);
    if (this.isSending) return;
    this.isSending = true;
    // One turn: what is done at the same moment travels together.
    setImmediate(() => void this.drain());
  }

  private async drain(): Promise<void> {
    while (this.queue.length > 0 && this.inFlight < IN_FLIGHT_MAX) {
      const group = this.queue.splice(0, this.fitting());
      this.inFlight += group.length;
      try {
        const outcomes = await this.client.sendMany(group.map(({ signed }) => signed.bytes));
        for (const [index, waiting] of group.entries()) {
          const outcome = outcomes[index];
          if (outcome !== undefined && !outcome.ok) this.settle(waiting, Promise.reject(outcome.error));
          else this.settle(waiting, this.client.waitForReceipt(waiting.signed.id, { timeoutMs: RECEIPT_MS_MAX }));
        }
      } catch (error) {
        for (const waiting of group) this.settle(waiting, Promise.reject(error));
      }
    }
    this.isSending = false;
  }

  /** How many of the queue go in one call. */
  private fitting(): number {
    let bytes = 0;
    const first = this.queue.slice(0, SEND_MANY_MAX);
    const end = first.findIndex(({ signed }) => {
      bytes += signed.bytes.length;
      return bytes > SEND_BYTES_MAX;
    });
    return end === -1 ? first.length : Math.max(1, end);
  }

  private settle(waiting: Waiting, receipt: Promise<ReceiptAnswer>): void {
    receipt
      .finally(() => {
        this.inFlight -= 1;
        if (this.queue.length > 0 && !this.isSending) {
          this.isSending = true;
          setImmediate(() => void this.drain());
        }
      })
      .then(waiting.resolve, waiting.reject);
  }
}

export class Sender {
  /** transactions with a proved receipt */
  sent = 0;
  private readonly chainId: Hash;
  private readonly keys: DevnetKeys;
  private readonly lanes: readonly Lane[];
  private readonly laneOf = new Map<string, Lane>();
  private nonce = 0;

  constructor(options: {
    readonly chainId: Hash;
    readonly keys: DevnetKeys;
    readonly clients: readonly LinliClient[];
  }) {
    this.chainId = options.chainId;
    this.keys = options.keys;
    this.lanes = options.clients.map((client) => new Lane(client));
  }

  /** @param nowMs ledger time @throws LedgerError what the node refused at the door, `TX_NOT_COMMITTED`, `PROOF_REFUSED` */
  async send(job: Job, nowMs: number): Promise<ReceiptAnswer> {
    this.nonce += 1;
    const signed = buildTransaction({
      chainId: this.chainId,
      signers: [job.account, ...(job.cosigners ?? [])].map((account) => ({
        account,
        signer: this.keys.signerOf(account),
      })),
      nonce: this.nonce,
      validUntilMs: nowMs + VALID_MS,
      gasLimit: GAS_PER_CALL * job.calls.length,
      calls: job.calls,
    });
    const lane = this.laneFor(job.account);
    const answer = await new Promise<ReceiptAnswer>((resolve, reject) => lane.add({ signed, resolve, reject }));
    this.sent += 1;
    return answer;
  }

  private laneFor(account: string): Lane {
    let lane = this.laneOf.get(account);
    if (lane === undefined) {
      lane = this.lanes[this.laneOf.size % this.lanes.length];
      if (lane === undefined) throw new LedgerError("YEAR_NO_NODES");
      this.laneOf.set(account, lane);
    }
    return lane;
  }
}
