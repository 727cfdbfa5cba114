// Transactions that clients handed to this node, from the door until they are committed or expired.
// Every limit is named and answers at once; nothing here acknowledges: only a receipt does.

import { LedgerError } from "../errors.ts";
import { bytesKey, type Hash } from "../ledger/hash.ts";
import type { Transaction } from "../ledger/types.ts";

export const MEMPOOL_TRANSACTIONS_MAX = 50_000;
export const MEMPOOL_BYTES_MAX = 64 << 20;
export const MEMPOOL_PER_SENDER_MAX = 5_000;

interface Pending {
  readonly transaction: Transaction;
  readonly sender: string;
}

export class Mempool {
  private readonly pending = new Map<string, Pending>();
  private readonly countBySender = new Map<string, number>();
  private queue: Transaction[] = [];
  private bytes = 0;

  get size(): number {
    return this.pending.size;
  }

  get queued(): number {
    return this.queue.length;
  }

  has(id: Hash): boolean {
    return this.pending.has(bytesKey(id));
  }

  /** @throws LedgerError MEMPOOL_FULL, MEMPOOL_SENDER_FULL */
  add(transaction: Transaction): void {
    const id = bytesKey(transaction.id);
    if (this.pending.has(id)) return;
    const sender = transaction.body.signers[0]?.account ?? "";
    const ofSender = this.countBySender.get(sender) ?? 0;
    if (this.pending.size >= MEMPOOL_TRANSACTIONS_MAX || this.bytes + transaction.bytes.length > MEMPOOL_BYTES_MAX) {
      throw new LedgerError("MEMPOOL_FULL", { transactions: this.pending.size, bytes: this.bytes });
    }
    if (ofSender >= MEMPOOL_PER_SENDER_MAX)
      throw new LedgerError("MEMPOOL_SENDER_FULL", { account: sender, transactions: ofSender });
    this.pending.set(id, { transaction, sender });
    this.countBySender.set(sender, ofSender + 1);
    this.bytes += transaction.bytes.length;
    this.queue.push(transaction);
  }

  /** Takes the oldest queued transactions for a batch, as many as fit. They stay pending until settled. */
  take(limits: { readonly bytesMax: number; readonly countMax: number }): readonly Transaction[] {
    let bytes = 0;
    let count = 0;
    for (const transaction of this.queue) {
      // Each body travels as a byte string with a head of at most five bytes.
      const size = transaction.bytes.length + 5;
      if (count >= limits.countMax || bytes + size > limits.bytesMax) break;
      bytes += size;
      count += 1;
    }
    const taken = this.queue.slice(0, count);
    this.queue = this.queue.slice(count);
    return taken.filter((transaction) => this.has(transaction.id));
  }

  /** Forgets committed transactions and those that can no longer be executed. */
  settle(committed: readonly Hash[], headTimeMs: number): void {
    for (const id of committed) this.remove(bytesKey(id));
    // Insertion order is close to order of expiry: a full walk per block would cost more than it frees.
    for (const [id, { transaction }] of this.pending) {
      if (transaction.body.validUntilMs >= headTimeMs) break;
      this.remove(id);
    }
  }

  clear(): void {
    this.pending.clear();
    this.countBySender.clear();
    this.queue = [];
    this.bytes = 0;
  }

  private remove(id: string): void {
    const entry = this.pending.get(id);
    if (entry === undefined) return;
    this.pending.delete(id);
    this.bytes -= entry.transaction.bytes.length;
    const left = (this.countBySender.get(entry.sender) ?? 1) - 1;
    if (left === 0) this.countBySender.delete(entry.sender);
    else this.countBySender.set(entry.sender, left);
  }
}
