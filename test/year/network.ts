// The network of one year: four node processes with keys, LevelDB and libp2p of their own, in a directory that goes away.
// Every document of the library is in force from the genesis on. Knows nothing of what the year does.

import { readFileSync, rmSync } from "node:fs";
import { mkdtemp, readdir, readFile, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { LinliClient } from "../../src/client/client.ts";
import { LedgerError } from "../../src/errors.ts";
import { NodeProcess } from "../../src/node/devnet/processes.ts";
import { createNetwork, type NetworkLayout } from "../../src/node/devnet/setup.ts";
import { verifyNative } from "../../src/node/ed25519-native.ts";
import { PARAMETER_DEFAULTS } from "../../src/node/genesis-plan.ts";
import { type Cast, ORGANISATIONS } from "./cast.ts";
import { CLOCK_FILE, ClockHand } from "./clock.ts";
import { DAY_MS } from "./days.ts";

const NODES = 4;
const LIBRARY = new URL("../../src/contracts/library/", import.meta.url);
/** Each may import those before it. */
const DOCUMENTS = [
  "governance",
  "registry",
  "service-rating",
  "holders",
  "polls",
  "owners-vote",
  "committee-election",
  "service-directory",
  "home-service",
  "maintenance-fund",
  "finance",
  "device-repair",
  "device-care",
  "fees",
  "repair-orders",
  "disclosure",
  "supervision",
  "disputes",
] as const;
const MAIN = fileURLToPath(new URL("./node.ts", import.meta.url));
const HEALTHY_MS_MAX = 240_000;
/** A machine under load answers late; nothing here is measured by it. */
const CALL_TIMEOUT_MS = 120_000;
const POLL_MS = 50;
const LOG_LINES_SHOWN = 12;
/** Peers listen from base on, clients from base + 100 on; all below the ephemeral ports. */
const PORT_BASES = Array.from({ length: 15 }, (_, index) => 18_000 + index * 200);

/** Time jumps between moments: what was signed or proposed before a jump is no older for it. */
const PARAMETERS = { ...PARAMETER_DEFAULTS, replayWindowMs: 2 * DAY_MS, clockSkewMsMax: 400 * DAY_MS };

export class YearNetwork {
  readonly layout: NetworkLayout;
  readonly clock: ClockHand;
  readonly nodes: readonly NodeProcess[];
  readonly clients: readonly LinliClient[];

  private constructor(layout: NetworkLayout, clock: ClockHand) {
    this.layout = layout;
    this.clock = clock;
    this.nodes = layout.nodes.map((place) => new NodeProcess(place, MAIN));
    const { genesis } = layout;
    this.clients = this.nodes.map(
      ({ url }) => new LinliClient({ url, genesis, verify: verifyNative, timeoutMs: CALL_TIMEOUT_MS }),
    );
  }

  /** @param timeMs ledger time of the genesis */
  static async create(cast: Cast, timeMs: number): Promise<YearNetwork> {
    const directory = await mkdtemp(join(tmpdir(), "linli-year-"));
    try {
      const layout = await createNetwork({
        directory,
        name: "year",
        organisations: ORGANISATIONS,
        nodes: NODES,
        portBase: await freePortBase(),
        timeScale: 1,
        timeMs,
        parameters: PARAMETERS,
        contracts: DOCUMENTS.map((name) => ({ name, source: readFileSync(new URL(`${name}.yaml`, LIBRARY), "utf8") })),
        accounts: cast.administrators(),
      });
      return new YearNetwork(layout, new ClockHand(join(directory, CLOCK_FILE), timeMs));
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** Starts all nodes and resolves when all of them answer. @throws LedgerError NODE_EXITED, NODE_NOT_READY */
  async start(): Promise<void> {
    for (const node of this.nodes) node.start();
    await Promise.all(this.nodes.map((node) => node.untilHealthy(HEALTHY_MS_MAX)));
  }

  /**
   * Height, state root and number of transactions once all nodes agree and no timer of the contracts is due.
   * @throws LedgerError YEAR_NOT_SETTLED
   */
  async settled(): Promise<{ readonly height: number; readonly stateRoot: string; readonly transactions: number }> {
    const endMs = performance.now() + HEALTHY_MS_MAX;
    for (;;) {
      const heads = await Promise.all(
        this.clients.map(async (client) => {
          const [head, status] = await Promise.all([client.call("chain_head"), client.call("consensus_status")]);
          const nextDueMs = status.object("timers").integer("nextDueMs", { min: 0 }, Number.MAX_SAFE_INTEGER);
          return {
            isTimerDue: nextDueMs <= this.clock.nowMs,
            height: head.integer("height", { min: 0 }),
            stateRoot: head.text("stateRoot"),
            transactions: head.integer("transactionsTotal", { min: 0 }),
          };
        }),
      );
      const [first] = heads;
      const isAgreed = heads.every((head) => JSON.stringify(head) === JSON.stringify(first));
      if (first !== undefined && isAgreed && !first.isTimerDue) return first;
      if (performance.now() > endMs) throw new LedgerError("YEAR_NOT_SETTLED", { heads: JSON.stringify(heads) });
      await pause(POLL_MS);
    }
  }

  /** Bytes on disk of each node's ledger. */
  async diskBytes(): Promise<readonly number[]> {
    return Promise.all(this.layout.nodes.map(({ home }) => bytesBelow(join(home, "data"))));
  }

  /** The last lines of every node's log: what somebody needs when a run failed. */
  async logTails(): Promise<readonly string[]> {
    return Promise.all(
      this.nodes.map(async ({ place, logFile }) => {
        const text = await readFile(logFile, "utf8").catch(() => "(no log)");
        return `${place.organisation}:\n${text.trimEnd().split("\n").slice(-LOG_LINES_SHOWN).join("\n")}`;
      }),
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  /** Ends the processes and removes the directory, at once: also for the moment in which this process exits. */
  destroy(): void {
    for (const node of this.nodes) void node.kill();
    rmSync(this.layout.directory, { recursive: true, force: true, maxRetries: 10 });
  }
}

async function bytesBelow(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** @throws LedgerError YEAR_NO_PORTS */
async function freePortBase(): Promise<number> {
  const first = process.pid % PORT_BASES.length;
  for (const base of [...PORT_BASES.slice(first), ...PORT_BASES.slice(0, first)]) {
    const ports = Array.from({ length: NODES }, (_, index) => [base + index, base + 100 + index]).flat();
    if ((await Promise.all(ports.map(isFree))).every((free) => free)) return base;
  }
  throw new LedgerError("YEAR_NO_PORTS", {}, { remedy: "end what listens on the ports from 18000 to 21000" });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
