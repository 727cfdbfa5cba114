// Verifies the signatures of batches without holding up votes: in worker threads where the machine has cores to spare,
// otherwise inline in slices that give the event loop its turn. Never through the libuv pool, which LevelDB needs.

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { LedgerError } from "../errors.ts";
import { VERIFY_WORKER } from "../installation.ts";
import { transactionSigningBytes } from "../ledger/format-transaction.ts";
import type { Transaction } from "../ledger/types.ts";
import { verifyNative } from "./ed25519-native.ts";

/** Signatures between two turns of the event loop: about 2 ms of work. */
const SLICE_SIGNATURES = 40;
/** Below this many signatures a hand-over to a worker costs more than it saves. */
const WORKER_SIGNATURES_MIN = 8;
/** A node needs two cores for itself (event loop, LevelDB); workers take what is beyond. */
const CORES_OF_NODE = 2;
const WORKERS_MAX = 4;

/** One signature to check, as plain data: `suite, publicKey, message, signature`. */
export interface SignatureJob {
  readonly suite: number;
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

export interface VerifyPool {
  /** true when every signature of every transaction holds */
  verifyTransactions(transactions: readonly Transaction[]): Promise<boolean>;
  close(): Promise<void>;
}

export function jobsOf(transaction: Transaction): readonly SignatureJob[] {
  const message = transactionSigningBytes(transaction.id);
  return transaction.body.signers.map(({ suite, publicKey }, index) => ({
    suite,
    publicKey,
    message,
    signature: transaction.signatures[index] ?? new Uint8Array(0),
  }));
}

/** @param workers how many threads; "auto" takes the cores beyond the two that the node itself needs */
export function createVerifyPool(workers: number | "auto"): VerifyPool {
  const count =
    workers === "auto" ? Math.min(WORKERS_MAX, Math.max(0, availableParallelism() - CORES_OF_NODE)) : workers;
  return count === 0 ? new InlinePool() : new WorkerPool(count);
}

class InlinePool implements VerifyPool {
  async verifyTransactions(transactions: readonly Transaction[]): Promise<boolean> {
    let sinceYield = 0;
    for (const transaction of transactions) {
      for (const job of jobsOf(transaction)) {
        if (!verifyNative(job.suite, job.publicKey, job.message, job.signature)) return false;
        sinceYield += 1;
      }
      if (sinceYield >= SLICE_SIGNATURES) {
        sinceYield = 0;
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    }
    return true;
  }

  async close(): Promise<void> {}
}

interface Waiting {
  readonly resolve: (isValid: boolean) => void;
  readonly reject: (error: LedgerError) => void;
}

class WorkerPool implements VerifyPool {
  private readonly workers: readonly Worker[];
  private readonly waiting = new Map<number, Waiting>();
  private readonly inline = new InlinePool();
  private failed: LedgerError | undefined;
  private nextJob = 0;

  constructor(count: number) {
    this.workers = Array.from({ length: count }, () => this.startWorker());
  }

  verifyTransactions(transactions: readonly Transaction[]): Promise<boolean> {
    const jobs = transactions.flatMap(jobsOf);
    if (jobs.length < WORKER_SIGNATURES_MIN) return this.inline.verifyTransactions(transactions);
    // N262: a thread that is gone takes words and answers none.
    if (this.failed !== undefined) return Promise.reject(this.failed);
    this.nextJob += 1;
    const number = this.nextJob;
    const worker = this.workers[number % this.workers.length];
    return new Promise((resolve, reject) => {
      this.waiting.set(number, { resolve, reject });
      const packed = packJobs(jobs);
      // Moved, not cloned: a view of a pooled buffer would be copied with its whole pool.
      worker?.postMessage({ number, packed }, [packed.buffer]);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }

  private startWorker(): Worker {
    const worker = new Worker(VERIFY_WORKER);
    worker.on("message", ({ number, isValid }: { number: number; isValid: boolean }) => {
      this.waiting.get(number)?.resolve(isValid);
      this.waiting.delete(number);
    });
    worker.on("error", (cause) => {
      this.failed = new LedgerError("VERIFY_WORKER_FAILED", {}, { cause });
      for (const { reject } of this.waiting.values()) reject(this.failed);
      this.waiting.clear();
    });
    return worker;
  }
}

/** Each job in 4-byte lengths and bytes: `suite, |key|, key, |message|, message, |signature|, signature`. */
function packJobs(jobs: readonly SignatureJob[]): Uint8Array<ArrayBuffer> {
  let size = 0;
  for (const { publicKey, message, signature } of jobs)
    size += 16 + publicKey.length + message.length + signature.length;
  const packed = new Uint8Array(new ArrayBuffer(size));
  const view = new DataView(packed.buffer);
  let position = 0;
  for (const { suite, publicKey, message, signature } of jobs) {
    view.setUint32(position, suite);
    position += 4;
    for (const part of [publicKey, message, signature]) {
      view.setUint32(position, part.length);
      packed.set(part, position + 4);
      position += 4 + part.length;
    }
  }
  return packed;
}
