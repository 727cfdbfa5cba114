// A steady load of signed notes through the public API of all nodes. Each is sent until a node acknowledges it with a proved
// receipt, whatever breaks meanwhile; every acknowledgement is remembered with the block that it names.

import { LinliClient } from "../../src/client/client.ts";
import { LedgerError } from "../../src/errors.ts";
import { type Hash, toHex } from "../../src/ledger/hash.ts";
import { verifyNative } from "../../src/node/ed25519-native.ts";
import type { TestNetwork } from "../e2e/network.ts";

const ANSWER_MS_MAX = 2_000;
const RECEIPT_MS_MAX = 4_000;
const RETRY_MS = 100;

export interface Acknowledged {
  readonly txId: Hash;
  readonly height: number;
  readonly blockHash: string;
}

export class Load {
  readonly acknowledged: Acknowledged[] = [];
  private readonly network: TestNetwork;
  private readonly clients: readonly LinliClient[];
  private readonly pauseMs: number;
  private readonly workers: Promise<void>[] = [];
  private isStopping = false;
  private started = 0;

  /** @param pauseMs of each worker after an acknowledgement */
  constructor(network: TestNetwork, pauseMs: number) {
    this.network = network;
    this.pauseMs = pauseMs;
    const { genesis } = network.layout;
    this.clients = network.nodes.map(
      ({ url }) => new LinliClient({ url, genesis, verify: verifyNative, timeoutMs: ANSWER_MS_MAX }),
    );
  }

  start(workers: number): void {
    for (let worker = 0; worker < workers; worker += 1) this.workers.push(this.work(worker));
  }

  /** Resolves when everything that was begun is acknowledged. */
  async stop(): Promise<void> {
    this.isStopping = true;
    await Promise.all(this.workers);
  }

  private async work(worker: number): Promise<void> {
    for (let node = worker; !this.isStopping; node += 1) {
      this.started += 1;
      await this.deliver(`load-${this.started}`, node);
      await pause(this.pauseMs);
    }
  }

  private async deliver(id: string, firstNode: number): Promise<void> {
    const { id: txId, bytes } = this.network.note(id);
    for (let node = firstNode; ; node += 1) {
      const client = this.clients[node % this.clients.length];
      try {
        await client?.send(bytes);
        const answer = await client?.waitForReceipt(txId, { timeoutMs: RECEIPT_MS_MAX });
        if (answer === undefined) continue;
        this.acknowledged.push({ txId, height: answer.height, blockHash: toHex(answer.block.blockHash) });
        return;
      } catch (error) {
        // A node that is down, frozen or cut off: the same transaction goes to the next one. It is executed once at most.
        if (!(error instanceof LedgerError) || error.code === "PROOF_REFUSED") throw error;
        await pause(RETRY_MS);
      }
    }
  }
}

export function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
