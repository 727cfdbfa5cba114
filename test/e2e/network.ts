// A real network for tests: separate processes through the `linli` command, real libp2p, real LevelDB, real client.
// Its own directory, its own ports; everything ends with `stop`.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LinliClient, type ReceiptAnswer } from "../../src/client/client.ts";
import { buildTransaction, type CallRequest } from "../../src/client/transaction.ts";
import type { GenesisAccount, GenesisContract } from "../../src/ledger/genesis.ts";
import { loadLibraryContract } from "../../src/node/devnet/library.ts";
import { NodeProcess } from "../../src/node/devnet/processes.ts";
import { createNetwork, type NetworkLayout } from "../../src/node/devnet/setup.ts";
import { nativeSigner, verifyNative } from "../../src/node/ed25519-native.ts";
import { PARAMETER_DEFAULTS } from "../../src/node/genesis-plan.ts";

export const WRITERS = 8;
const HEALTHY_MS_MAX = 100_000;
const ORGANISATIONS = ["property", "street", "provider", "government", "committee", "residents", "auditor", "bank"];

export function writerSigner(index: number) {
  return nativeSigner(new Uint8Array(32).fill(index + 1));
}

export interface NetworkOptions {
  readonly nodes: number;
  readonly portBase: number;
  /** lines of every node.yaml beyond the ports */
  readonly extraConfig?: string;
  /** people of the genesis beside the writers */
  readonly accounts?: readonly GenesisAccount[];
  /** in force from the genesis on, beside governance, registry and notes */
  readonly contracts?: readonly GenesisContract[];
}

export class TestNetwork {
  readonly layout: NetworkLayout;
  readonly nodes: readonly NodeProcess[];
  readonly clients: readonly LinliClient[];
  private nonce = 0;

  private constructor(layout: NetworkLayout) {
    this.layout = layout;
    this.nodes = layout.nodes.map((place) => new NodeProcess(place));
    this.clients = this.nodes.map(({ url }) => new LinliClient({ url, genesis: layout.genesis, verify: verifyNative }));
  }

  static async start(options: NetworkOptions): Promise<TestNetwork> {
    const network = await TestNetwork.create(options);
    await network.begin();
    return network;
  }

  /** Keys, genesis and homes; no process yet. */
  static async create(options: NetworkOptions): Promise<TestNetwork> {
    const directory = await mkdtemp(join(tmpdir(), "linli-e2e-"));
    const contracts = await Promise.all(
      (["governance", "registry"] as const).map(async (name) => ({ name, source: await loadLibraryContract(name) })),
    );
    const notes = await readFile(new URL("notes.yaml", import.meta.url), "utf8");
    const writers = Array.from({ length: WRITERS }, (_, index) => {
      const { suite, publicKey } = writerSigner(index);
      return { id: `writer-${index}`, organisation: "property", roles: ["owner"], suite, publicKey };
    });
    const layout = await createNetwork({
      directory,
      name: "linli-test",
      organisations: ORGANISATIONS.map((id) => ({ id, title: id, role: id })),
      nodes: options.nodes,
      portBase: options.portBase,
      extraConfig: options.extraConfig ?? "",
      timeScale: 1,
      parameters: PARAMETER_DEFAULTS,
      contracts: [...contracts, { name: "notes", source: notes }, ...(options.contracts ?? [])],
      accounts: [...writers, ...(options.accounts ?? [])],
    });
    return new TestNetwork(layout);
  }

  /** Starts every node and waits until all are healthy. Otherwise only the logs are left: a process would hold the ports of the next run. */
  async begin(): Promise<void> {
    for (const node of this.nodes) node.start();
    try {
      await this.untilHealthy(this.nodes);
    } catch (error) {
      await this.killAll();
      throw error;
    }
  }

  async untilHealthy(nodes: readonly NodeProcess[]): Promise<void> {
    await Promise.all(nodes.map((node) => node.untilHealthy(HEALTHY_MS_MAX)));
  }

  sign(writer: number, calls: readonly CallRequest[]) {
    this.nonce += 1;
    return buildTransaction({
      chainId: this.layout.genesis.chainId,
      signers: [{ account: `writer-${writer}`, signer: writerSigner(writer) }],
      nonce: this.nonce,
      validUntilMs: Date.now() + PARAMETER_DEFAULTS.replayWindowMs / 2,
      gasLimit: 1_000_000,
      calls,
    });
  }

  note(id: string) {
    return this.sign(this.nonce % WRITERS, [{ contract: "notes", action: "write", args: { id, text: `note ${id}` } }]);
  }

  /** Sends one note through a node and waits for its proved receipt. */
  async write(node: number, id: string): Promise<ReceiptAnswer> {
    const client = this.clientOf(node);
    const { id: txId, bytes } = this.note(id);
    await client.send(bytes);
    return client.waitForReceipt(txId, { timeoutMs: 60_000 });
  }

  clientOf(node: number): LinliClient {
    const client = this.clients[node];
    if (client === undefined) throw new Error(`no node ${node}`);
    return client;
  }

  nodeOf(node: number): NodeProcess {
    const found = this.nodes[node];
    if (found === undefined) throw new Error(`no node ${node}`);
    return found;
  }

  private async killAll(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
  }

  async stop(): Promise<void> {
    await this.killAll();
    await rm(this.layout.directory, { recursive: true, force: true });
  }
}

/** Asks again until the answer is as wanted; the deadline is generous and only ends a broken run. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>, timeoutMs = 60_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask().catch(() => undefined);
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`timed out waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
