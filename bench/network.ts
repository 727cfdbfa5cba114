// A network of real nodes for one run: separate processes with their own keys and LevelDB, in a directory that goes away.
// Started through the same command and with the same defaults as in earnest; asks them only what any client can ask.

import { rmSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Transport } from "../src/client/transport.ts";
import { LedgerError } from "../src/errors.ts";
import type { Hash } from "../src/ledger/hash.ts";
import { type DevnetKeys, NODE_ORGANISATIONS } from "../src/node/devnet/cast.ts";
import { GENESIS_CONTRACTS, loadLibraryContract } from "../src/node/devnet/library.ts";
import { NodeProcess } from "../src/node/devnet/processes.ts";
import { createNetwork } from "../src/node/devnet/setup.ts";
import { PARAMETER_DEFAULTS } from "../src/node/genesis-plan.ts";
import { benchAccounts, benchContract } from "./workload.ts";

const START_MS_MAX = 30_000;
const SETTLE_MS_MAX = 20_000;
const POLL_MS = 50;
/** A node at its limit answers late. */
const CALL_TIMEOUT_MS = 20_000;
const LOG_LINES_SHOWN = 12;
const INCIDENT = /^\{"level":"(?:warn|error|info(?=.*"view changed"))".*"message":"([^"]+)"/;
/** Peers listen from base on, clients from base + 100 on; all below the ephemeral ports. */
const PORT_BASES = Array.from({ length: 50 }, (_, index) => 22_000 + index * 200);

export interface Head {
  readonly height: number;
  readonly stateRoot: string;
  readonly transactionsTotal: number;
}

export class BenchNetwork {
  readonly directory: string;
  readonly chainId: Hash;
  readonly processes: readonly NodeProcess[];
  private readonly transports: readonly Transport[];

  private constructor(options: { directory: string; chainId: Hash; processes: readonly NodeProcess[] }) {
    this.directory = options.directory;
    this.chainId = options.chainId;
    this.processes = options.processes;
    this.transports = options.processes.map(({ url }) => new Transport({ url, timeoutMs: CALL_TIMEOUT_MS }));
  }

  static async create(options: {
    readonly nodes: number;
    readonly accounts: number;
    readonly keys: DevnetKeys;
  }): Promise<BenchNetwork> {
    const { nodes, accounts, keys } = options;
    const directory = await mkdtemp(join(tmpdir(), "linli-bench-"));
    try {
      const contracts = GENESIS_CONTRACTS.map(async (name) => ({ name, source: await loadLibraryContract(name) }));
      const layout = await createNetwork({
        directory,
        name: "bench",
        organisations: NODE_ORGANISATIONS,
        nodes,
        portBase: await freePortBase(nodes),
        timeScale: 1,
        parameters: PARAMETER_DEFAULTS,
        contracts: [...(await Promise.all(contracts)), await benchContract()],
        accounts: benchAccounts({ keys, count: accounts, organisation: NODE_ORGANISATIONS[0]!.id }),
      });
      const processes = layout.nodes.map((place) => new NodeProcess(place));
      return new BenchNetwork({ directory, chainId: layout.genesis.chainId, processes });
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  get urls(): readonly string[] {
    return this.processes.map(({ url }) => url);
  }

  get pids(): readonly number[] {
    return this.processes.map(({ pid }) => pid).filter((pid) => pid !== undefined);
  }

  /** Starts all nodes and resolves when each is connected to all others. @throws LedgerError NODE_EXITED, NODE_NOT_READY, BENCH_NOT_CONNECTED */
  async start(): Promise<void> {
    for (const node of this.processes) node.start();
    await Promise.all(this.processes.map((node) => node.untilHealthy(START_MS_MAX)));
    await this.until(START_MS_MAX, "BENCH_NOT_CONNECTED", async () => {
      const counts = await Promise.all(this.transports.map(connectedPeers));
      return counts.every((count) => count === this.processes.length - 1);
    });
  }

  heads(): Promise<readonly Head[]> {
    return Promise.all(
      this.transports.map(async (transport) => {
        const head = await transport.call("chain_head", {});
        return {
          height: head.integer("height", { min: 0 }),
          stateRoot: head.text("stateRoot"),
          transactionsTotal: head.integer("transactionsTotal", { min: 0 }),
        };
      }),
    );
  }

  /** The heads once all nodes have the same height. @throws LedgerError BENCH_NOT_SETTLED */
  async settledHeads(): Promise<readonly Head[]> {
    let heads: readonly Head[] = [];
    await this.until(SETTLE_MS_MAX, "BENCH_NOT_SETTLED", async () => {
      heads = await this.heads();
      return heads.every(({ height }) => height === heads[0]?.height);
    });
    return heads;
  }

  /** What each node answers to a transaction: "received", or the code of its refusal. */
  offer(hex: string): Promise<readonly string[]> {
    return Promise.all(
      this.transports.map((transport) =>
        transport.call("tx_send", { transaction: hex }).then(
          () => "received",
          (error: unknown) => (error instanceof LedgerError ? error.code : String(error)),
        ),
      ),
    );
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
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 10 });
  }

  private async until(waitMs: number, code: string, isReached: () => Promise<boolean>): Promise<void> {
    const endMs = Date.now() + waitMs;
    while (!(await isReached())) {
      if (Date.now() > endMs) throw new LedgerError(code, { waitedMs: waitMs });
      await pause(POLL_MS);
    }
  }
}

async function connectedPeers(transport: Transport): Promise<number> {
  const status = await transport.call("consensus_status", {});
  return status.objects("peers", (peer) => peer.flag("connected")).filter((connected) => connected).length;
}

/** @throws LedgerError BENCH_NO_PORTS */
async function freePortBase(nodes: number): Promise<number> {
  // Runs side by side start looking at different places.
  const first = process.pid % PORT_BASES.length;
  for (const base of [...PORT_BASES.slice(first), ...PORT_BASES.slice(0, first)]) {
    const ports = Array.from({ length: nodes }, (_, index) => [base + index, base + 100 + index]).flat();
    if ((await Promise.all(ports.map(isFree))).every((free) => free)) return base;
  }
  throw new LedgerError("BENCH_NO_PORTS", {}, { remedy: "end what listens on the ports from 22000 to 32000" });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
