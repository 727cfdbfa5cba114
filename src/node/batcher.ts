// Gathers this node's own transactions into signed batches. Self-clocking: sent at once when none of its batches is in
// flight, otherwise gathered until that one commits, the batch is full or the longest wait is over. No fixed flush.

import { batchDigestOf, batchSigningBytes, encodeBatch, encodeBatchBody } from "../ledger/format-batch.ts";
import { bytesKey, type Hash } from "../ledger/hash.ts";
import type { Batch, Parameters } from "../ledger/types.ts";
import type { Clock, KeySigner } from "../ports.ts";
import type { Mempool } from "./mempool.ts";

/** Longest wait for company while an own batch is in flight. A batch costs every node about as much as three transactions. */
export const GATHER_MS_MAX = 30;
/** Transactions per batch: keeps the verification of one batch within a few tens of milliseconds. */
export const BATCH_TRANSACTIONS_MAX = 1_000;
/** Room left in a batch for what is not transactions. */
const BATCH_OVERHEAD_BYTES = 256;

export interface BatcherPorts {
  readonly clock: Clock;
  readonly mempool: Mempool;
  readonly signer: KeySigner;
  readonly chainId: Hash;
  /** those of the next block: they change by vote while the node runs */
  parameters(): Pick<Parameters, "batchBytesMax" | "blockTransactionsMax">;
  /** whether the own share of the pool has room for a full batch */
  hasRoom(): boolean;
  /** takes a finished batch: stores it, spreads it, offers it to the builder */
  publish(batch: Batch): void;
}

export class Batcher {
  private readonly ports: BatcherPorts;
  private readonly inFlight = new Set<string>();
  private sequence: number;
  private isScheduled = false;
  private cancelGather: (() => void) | undefined;

  constructor(ports: BatcherPorts) {
    this.ports = ports;
    // A restart must not reuse a number: the counter starts above any that an earlier run can have reached.
    this.sequence = Math.floor(ports.clock.nowMs()) * 16;
  }

  /** A transaction was queued. */
  wake(): void {
    if (this.inFlight.size === 0) {
      if (this.isScheduled) return;
      this.isScheduled = true;
      // One turn of the event loop: transactions that arrived in the same read travel together.
      this.ports.clock.setTimer(0, () => {
        this.isScheduled = false;
        this.flush();
      });
      return;
    }
    if (this.ports.mempool.queued >= BATCH_TRANSACTIONS_MAX) this.flush();
    else this.cancelGather ??= this.ports.clock.setTimer(GATHER_MS_MAX, () => this.flush());
  }

  /** Batches that a block used up or that expired are no longer in flight. */
  settle(isLive: (digest: string) => boolean): void {
    for (const digest of this.inFlight) if (!isLive(digest)) this.inFlight.delete(digest);
    if (this.ports.mempool.queued > 0) this.wake();
  }

  stop(): void {
    this.cancelGather?.();
  }

  private flush(): void {
    this.cancelGather?.();
    this.cancelGather = undefined;
    const { mempool, signer, chainId } = this.ports;
    const { batchBytesMax, blockTransactionsMax } = this.ports.parameters();
    // What found no room in the pool would be lost in silence: it stays queued, and the door answers MEMPOOL_FULL in time.
    if (!this.ports.hasRoom()) return;
    const transactions = mempool.take({
      bytesMax: batchBytesMax - BATCH_OVERHEAD_BYTES,
      // A114: a batch that no block can hold would keep back all later ones of this node.
      countMax: Math.min(BATCH_TRANSACTIONS_MAX, blockTransactionsMax),
    });
    if (transactions.length === 0) return;
    this.sequence += 1;
    const body = encodeBatchBody({
      chainId,
      origin: signer.publicKey,
      sequence: this.sequence,
      transactions: transactions.map(({ bytes }) => bytes),
    });
    const digest = batchDigestOf(body);
    const signature = signer.sign(batchSigningBytes(digest));
    this.inFlight.add(bytesKey(digest));
    this.ports.publish({
      chainId,
      digest,
      origin: signer.publicKey,
      sequence: this.sequence,
      transactions,
      signature,
      bytes: encodeBatch(body, signature),
    });
    if (mempool.queued > 0) this.wake();
  }
}
