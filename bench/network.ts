// A network of real nodes for one run: separate processes with their own keys and LevelDB, in a directory that goes away.
// Started through the same command and with the same defaults as in earnest.

import { readdirSync, rmSync, statSync } from "node:fs";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Transport } from "../src/client/transport.ts";
import { CONFIG_FILE } from "../src/config.ts";
import { LedgerError } from "../src/errors.ts";
import type { GenesisOrganisation } from "../src/ledger/genesis.ts";
import { type Hash, toHex } from "../src/ledger/hash.ts";
import { type DevnetKeys, NODE_ORGANISATIONS } from "../src/node/devnet/cast.ts";
import { GENESIS_CONTRACTS, loadLibraryContract } from "../src/node/devnet/library.ts";
import { NodeProcess } from "../src/node/devnet/processes.ts";
import { createNetwork, type NetworkLayout } from "../src/node/devnet/setup.ts";
import { PARAMETER_DEFAULTS } from "../src/node/genesis-plan.ts";
import { Nodes, until } from "./nodes.ts";
import { Relay } from "./relay.ts";
import { benchAccounts, benchContract } from "./workload.ts";

const START_MS_MAX = 30_000;
/** Beyond four nodes the machine starts them one after the other. */
const START_MS_MAX_PER_NODE = 4_000;
const STARTED_AT_ONCE = 4;
const LOG_LINES_SHOWN = 12;
const INCIDENT = /^\{"level":"(?:warn|error|info(?=.*"view changed"))".*"message":"([^"]+)"/;
/** Peers listen from base on, behind a relay from base + 50 on, clients from base + 100 on; all below the ephemeral ports. */
const PORT_BASES = Array.from({ length: 20 }, (_, index) => 22_000 + index * 200);
const OWN_PORT_OFFSET = 50;
const RPC_PORT_OFFSET = 100;

export interface NetworkPlan {
  readonly nodes: number;
  readonly accounts: number;
  readonly keys: DevnetKeys;
  /** peers reach each other through a relay of this process only, which can slow and cut their links */
  readonly relayed: boolean;
}

export class BenchNetwork extends Nodes {
  readonly directory: string;
  readonly chainId: Hash;
  readonly processes: readonly NodeProcess[];
  /** undefined: peers reach each other directly */
  readonly relay: Relay | undefined;
  readonly layout: NetworkLayout;

  private constructor(layout: NetworkLayout, processes: readonly NodeProcess[], relay: Relay | undefined) {
    super(processes.map(({ url }) => url));
    this.layout = layout;
    this.directory = layout.directory;
    this.chainId = layout.genesis.chainId;
    this.processes = processes;
    this.relay = relay;
  }

  static async create({ nodes, accounts, keys, relayed }: NetworkPlan): Promise<BenchNetwork> {
    const directory = await mkdtemp(join(tmpdir(), "linli-bench-"));
    // Until whoever asked for the network can destroy it.
    const remove = (): void => rmSync(directory, { recursive: true, force: true });
    process.on("exit", remove);
    try {
      const contracts = GENESIS_CONTRACTS.map(async (name) => ({ name, source: await loadLibraryContract(name) }));
      const layout = await createNetwork({
        directory,
        name: "bench",
        organisations: organisations(nodes),
        nodes,
        portBase: await freePortBase(nodes),
        timeScale: 1,
        parameters: PARAMETER_DEFAULTS,
        contracts: [...(await Promise.all(contracts)), await benchContract()],
        accounts: benchAccounts({ keys, count: accounts, organisation: NODE_ORGANISATIONS[0]!.id }),
      });
      const processes = layout.nodes.map((place) => new NodeProcess(place));
      return new BenchNetwork(layout, processes, relayed ? await relayFor(layout, processes) : undefined);
    } catch (error) {
      remove();
      throw error;
    } finally {
      process.off("exit", remove);
    }
  }

  get pids(): readonly number[] {
    return this.processes.map(({ pid }) => pid).filter((pid) => pid !== undefined);
  }

  /** Starts all nodes and resolves when each is connected to all others. @throws LedgerError NODE_EXITED, NODE_NOT_READY, BENCH_NOT_CONNECTED */
  async start(): Promise<void> {
    const waitMs = START_MS_MAX + this.processes.length * START_MS_MAX_PER_NODE;
    await this.relay?.start();
    // All at once, many nodes would keep each other from finishing a handshake in time.
    for (let from = 0; from < this.processes.length; from += STARTED_AT_ONCE) {
      const group = this.processes.slice(from, from + STARTED_AT_ONCE);
      for (const node of group) node.start();
      await Promise.all(group.map((node) => node.untilHealthy(waitMs)));
    }
    await this.untilConnected(waitMs);
  }

  /** Resolves when each node is connected to all others. @throws LedgerError BENCH_NOT_CONNECTED */
  async untilConnected(waitMs: number): Promise<void> {
    await until(waitMs, "BENCH_NOT_CONNECTED", async () => {
      const counts = await Promise.all(this.transports.map(connectedPeers));
      return counts.every((count) => count === this.processes.length - 1);
    });
  }

  /** The node that proposes the next block, as `witness` sees it. */
  async primary(witness = 0): Promise<number> {
    const key = await this.primaryKey(witness);
    const { genesis, nodes } = this.layout;
    const organisation = genesis.validators.find(({ publicKey }) => toHex(publicKey) === key)?.organisation;
    return nodes.findIndex((node) => node.organisation === organisation);
  }

  /** Bytes of a node's data: ledger, batches, votes. */
  dataBytes(node: number): number {
    return bytesIn(join(this.layout.nodes[node]!.home, "data"));
  }

  /** What the nodes' logs say of trouble, counted over all nodes: warnings, errors, changes of view. */
  async incidents(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const { logFile } of this.processes) {
      for (const line of (await readFile(logFile, "utf8")).split("\n")) {
        const message = INCIDENT.exec(line)?.[1];
        if (message !== undefined) counts.set(message, (counts.get(message) ?? 0) + 1);
      }
    }
    return counts;
  }

  /** The last lines of every node's log: what somebody needs when a run failed. */
  async logTails(): Promise<readonly string[]> {
    return Promise.all(
      this.processes.map(async ({ place, logFile }) => {
        const text = await readFile(logFile, "utf8").catch(() => "(no log)");
        return `${place.organisation}:\n${text.trimEnd().split("\n").slice(-LOG_LINES_SHOWN).join("\n")}`;
      }),
    );
  }

  /** Ends the processes and removes the directory, at once: also for the moment in which this process exits. */
  destroy(): void {
    // The signal is sent at once; nobody waits for the end.
    for (const node of this.processes) void node.kill();
    void this.relay?.stop();
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** The devnet's organisations first; a larger network has members that are alike. */
function organisations(nodes: number): readonly GenesisOrganisation[] {
  const more = Array.from({ length: Math.max(0, nodes - NODE_ORGANISATIONS.length) }, (_, index) => {
    const number = NODE_ORGANISATIONS.length + index + 1;
    return { id: `member-${number}`, title: `成员 ${number} · Member ${number}`, role: "property" };
  });
  return [...NODE_ORGANISATIONS, ...more];
}

/** The genesis names the relay's ports; only the nodes themselves know where they listen. */
async function relayFor(layout: NetworkLayout, processes: readonly NodeProcess[]): Promise<Relay> {
  for (const { home, p2pPort } of layout.nodes) {
    const file = join(home, CONFIG_FILE);
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace(`/tcp/${p2pPort}"`, `/tcp/${p2pPort + OWN_PORT_OFFSET}"`));
  }
  return new Relay(
    processes.map((node) => ({
      publicPort: node.place.p2pPort,
      ownPort: node.place.p2pPort + OWN_PORT_OFFSET,
      pid: () => (node.isRunning ? node.pid : undefined),
    })),
  );
}

async function connectedPeers(transport: Transport): Promise<number> {
  const status = await transport.call("consensus_status", {});
  return status.objects("peers", (peer) => peer.flag("connected")).filter((connected) => connected).length;
}

function bytesIn(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + sizeOf(join(entry.parentPath, entry.name)), 0);
}

function sizeOf(file: string): number {
  // LevelDB deletes files while it is being looked at.
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** @throws LedgerError BENCH_NO_PORTS */
async function freePortBase(nodes: number): Promise<number> {
  // Runs side by side start looking at different places.
  const first = process.pid % PORT_BASES.length;
  for (const base of [...PORT_BASES.slice(first), ...PORT_BASES.slice(0, first)]) {
    const ports = Array.from({ length: nodes }, (_, index) =>
      [0, OWN_PORT_OFFSET, RPC_PORT_OFFSET].map((offset) => base + offset + index),
    ).flat();
    if ((await Promise.all(ports.map(isFree))).every((free) => free)) return base;
  }
  throw new LedgerError("BENCH_NO_PORTS", {}, { remedy: "end what listens on the ports from 22000 to 26000" });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
