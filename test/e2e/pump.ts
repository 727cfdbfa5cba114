// A steady load of notes: each is sent until some node acknowledges it with a proved receipt, whatever is killed meanwhile.
// Remembers every acknowledgement, so that a test can ask for all of them again.

import { LedgerError } from "../../src/errors.ts";
import type { TestNetwork } from "./network.ts";

const RECEIPT_WAIT_MS = 3_000;

export class Pump {
  /** note id -> transaction id, of everything acknowledged */
  readonly acknowledged = new Map<string, Uint8Array>();
  private readonly network: TestNetwork;
  private readonly workers: Promise<void>[] = [];
  private readonly prefix: string;
  private isStopping = false;
  private started = 0;

  constructor(network: TestNetwork, prefix: string) {
    this.network = network;
    this.prefix = prefix;
  }

  start(concurrency: number): void {
    for (let worker = 0; worker < concurrency; worker += 1) this.workers.push(this.work(worker));
  }

  /** Resolves when everything that was begun is acknowledged. */
  async stop(): Promise<void> {
    this.isStopping = true;
    await Promise.all(this.workers);
  }

  private async work(worker: number): Promise<void> {
    for (let node = worker; !this.isStopping; node += 1) {
      this.started += 1;
      await this.deliver(`${this.prefix}-${this.started}`, node);
    }
  }

  private async deliver(id: string, firstNode: number): Promise<void> {
    const { clients } = this.network;
    const { id: txId, bytes } = this.network.note(id);
    for (let node = firstNode; ; node += 1) {
      const client = clients[node % clients.length];
      try {
        await client?.send(bytes);
        await client?.waitForReceipt(txId, { timeoutMs: RECEIPT_WAIT_MS });
        this.acknowledged.set(id, txId);
        return;
      } catch (error) {
        // A node that is down or slow: the same transaction goes to the next one. It can be executed only once.
        if (!(error instanceof LedgerError)) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
}
