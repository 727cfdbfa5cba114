// Watches four nodes from outside, through the public API and its proofs alone, and says what must never be.

import { LinliClient } from "../../src/client/client.ts";
import { LedgerError } from "../../src/errors.ts";
import { toHex } from "../../src/ledger/hash.ts";
import { verifyNative } from "../../src/node/ed25519-native.ts";
import type { Cluster } from "./cluster.ts";
import { type Acknowledged, pause } from "./load.ts";

const POLL_MS = 300;
const ANSWER_MS_MAX = 2_000;
const FINAL_RECEIPT_MS_MAX = 30_000;
/** Questions at a time when everything is looked up again at the end. */
const FINAL_QUESTIONS = 8;

export class Watch {
  readonly violations: string[] = [];
  /** of each node, as it last proved */
  readonly heights: number[];
  private readonly cluster: Cluster;
  private readonly clients: readonly LinliClient[];
  /** height -> block and state root, as the first node proved them */
  private readonly roots = new Map<number, string>();
  private isStopping = false;
  private polls: Promise<void>[] = [];

  constructor(cluster: Cluster) {
    this.cluster = cluster;
    const { layout, nodes } = cluster.network;
    const options = { genesis: layout.genesis, verify: verifyNative, timeoutMs: ANSWER_MS_MAX };
    this.clients = nodes.map(({ url }) => new LinliClient({ ...options, url }));
    this.heights = nodes.map(() => 0);
  }

  start(): void {
    this.polls = this.clients.map((client, node) => this.poll(client, node));
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    await Promise.all(this.polls);
  }

  fail(text: string): void {
    if (this.violations.includes(text)) return;
    this.violations.push(text);
    console.log(`VIOLATION: ${text}`);
  }

  private async poll(client: LinliClient, node: number): Promise<void> {
    for (let round = 0; !this.isStopping; round += 1) {
      try {
        await this.lookAtHead(client, node);
        if (round % 10 === 0) await this.lookAtEvidence(client, node);
      } catch (error) {
        this.judgeError(error, node);
      }
      await pause(POLL_MS);
    }
  }

  private async lookAtHead(client: LinliClient, node: number): Promise<void> {
    const { header, result, blockHash } = await client.head();
    const { height } = header;
    const before = this.heights[node] ?? 0;
    if (height < before) this.fail(`node ${node} went back from height ${before} to ${height}`);
    this.heights[node] = Math.max(before, height);
    const root = `block ${toHex(blockHash)}, state ${toHex(result.stateRoot)}`;
    const known = this.roots.get(height);
    if (known === undefined) this.roots.set(height, root);
    else if (known !== root) this.fail(`node ${node} has another head at height ${height}: ${root}, not ${known}`);
  }

  private async lookAtEvidence(client: LinliClient, node: number): Promise<void> {
    const status = await client.call("consensus_status");
    for (const evidence of status.objects("evidence", (fields) => fields))
      this.fail(`node ${node} holds evidence ${evidence.text("rule")} though every node is honest`);
    if (status.flag("isHalted") && !this.cluster.down.has(node)) this.fail(`node ${node} has halted`);
  }

  // A node that is down, frozen or has not a block yet answers nothing; a wrong proof is never an accident.
  private judgeError(error: unknown, node: number): void {
    if (!(error instanceof LedgerError)) throw error;
    if (error.code === "PROOF_REFUSED") this.fail(`node ${node} gave a wrong proof: ${error.message}`);
    if (!this.cluster.down.has(node) && !this.cluster.network.nodeOf(node).isRunning)
      this.fail(`node ${node} has ended by itself`);
  }

  /** Resolves with how long it took until every node proved a head above all heads known now; fails after `withinMs`. */
  async untilProgress(withinMs: number): Promise<number> {
    const startedMs = performance.now();
    const target = Math.max(...this.heights) + 1;
    while (!this.heights.every((height) => height >= target)) {
      if (performance.now() - startedMs > withinMs) {
        this.fail(`no progress of all nodes within ${withinMs} ms: heights ${this.heights.join(", ")}, not ${target}`);
        break;
      }
      await pause(POLL_MS / 3);
    }
    return performance.now() - startedMs;
  }

  /** Resolves when every node proved the same height, as happens once nothing is sent any more. */
  async untilEqual(withinMs: number): Promise<void> {
    const endMs = performance.now() + withinMs;
    while (new Set(this.heights).size > 1) {
      if (performance.now() > endMs) return this.fail(`heights stay apart: ${this.heights.join(", ")}`);
      await pause(POLL_MS);
    }
  }

  /** Everything acknowledged stands on every node at the height and in the block that was acknowledged, once. */
  async checkAcknowledged(acknowledged: readonly Acknowledged[]): Promise<void> {
    const waiting = [...acknowledged];
    const check = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await this.checkOne(next);
    };
    await Promise.all(Array.from({ length: FINAL_QUESTIONS }, check));
    await this.checkOnce();
  }

  private async checkOne({ txId, height, blockHash }: Acknowledged): Promise<void> {
    for (const [node, client] of this.clients.entries()) {
      try {
        const answer = await client.waitForReceipt(txId, { timeoutMs: FINAL_RECEIPT_MS_MAX });
        const block = toHex(answer.block.blockHash);
        if (answer.height !== height || block !== blockHash)
          this.fail(`${toHex(txId)} was acknowledged at ${height}, node ${node} has it at ${answer.height}`);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.fail(`${toHex(txId)}, acknowledged at ${height}, is not proved by node ${node}: ${why}`);
      }
    }
  }

  private async checkOnce(): Promise<void> {
    const [client] = this.clients;
    if (client === undefined) return;
    const seen = new Map<string, number>();
    const { header } = await client.head();
    for (let height = 1; height <= header.height; height += 1) {
      const { transactionIds } = await client.block(height);
      for (const id of transactionIds.map(toHex)) {
        const before = seen.get(id);
        if (before !== undefined) this.fail(`transaction ${id} stands at heights ${before} and ${height}`);
        seen.set(id, height);
      }
    }
  }
}
