// `npm start`: a whole network on one machine. Starts a process per organisation, plays one day of a community through
// their RPC doors, shows what came of it, and keeps serving. A second start goes on from the disk.

import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { LinliClient } from "../../client/client.ts";
import { LedgerError } from "../../errors.ts";
import type { Genesis, GenesisContract } from "../../ledger/genesis.ts";
import { fromHex, toHex } from "../../ledger/hash.ts";
import { systemClock } from "../clock.ts";
import { generateSeed, verifyNative } from "../ed25519-native.ts";
import { PARAMETER_DEFAULTS } from "../genesis-plan.ts";
import { makeDirectory } from "../make-directory.ts";
import { DEVNET_ORGANISATIONS, DevnetKeys, genesisAccounts } from "./cast.ts";
import { writeCommunity } from "./community.ts";
import { readCommunity } from "./community-reader.ts";
import { type DayReport, playDay } from "./day.ts";
import { GENESIS_CONTRACTS, loadLibraryContract } from "./library.ts";
import { NodeProcess } from "./processes.ts";
import type { DayNode } from "./sender.ts";
import { createNetwork, findNetwork, type NetworkLayout } from "./setup.ts";
import { summarise } from "./summary.ts";

/** One second of the wall is a day of the ledger: fifteen days of notice pass while the bills are written. */
const TIME_SCALE = 86_400;
const COMMUNITY_SEED = 1;
const HEALTHY_MS_MAX = 120_000;
const SEED_FILE = "devnet.seed";

export interface DevnetOptions {
  readonly nodes: number;
  readonly once: boolean;
  readonly json: boolean;
  readonly data: string;
  readonly port: number;
}

/**
 * Resolves when it was asked to stop, or with `once` after the summary.
 * @throws LedgerError DEVNET_CHECK_FAILED when the summary's checks do not hold; DEVNET_OTHER_SIZE, DEVNET_OTHER_VERSION,
 * DEVNET_RUNS_ALREADY, NODE_EXITED, DAY_*
 */
export async function runDevnet(options: DevnetOptions, stopping: AbortSignal): Promise<void> {
  const startedMs = performance.now();
  const directory = resolve(options.data);
  const { network, keys } = await prepare(directory, options);
  const nodes = network.nodes.map((place) => new NodeProcess(place));
  await expectNoneAnswers(nodes);
  try {
    for (const node of nodes) node.start();
    await untilAborted(stopping, Promise.all(nodes.map((node) => node.untilHealthy(HEALTHY_MS_MAX))));
    say(
      `${nodes.length} 个节点已启动, 各为独立进程 · ${nodes.length} nodes run as separate processes: ${nodes.map(({ place }) => place.organisation).join(", ")}`,
    );
    const ok = await untilAborted(stopping, playAndShow({ options, network, keys, nodes, startedMs }));
    if (!ok)
      throw new LedgerError(
        "DEVNET_CHECK_FAILED",
        {},
        { remedy: `read the summary above and the logs in ${directory}/*/node.log` },
      );
    if (!options.once) await serve(nodes, stopping);
  } catch (error) {
    // Ctrl-C is an end as good as any.
    if (!stopping.aborted) throw error;
  } finally {
    if (stopping.aborted) say("正在停止各节点 · Stopping the nodes");
    await Promise.all(nodes.map((node) => node.stop()));
    if (stopping.aborted) say(`已停止, 数据保存在 · Stopped; everything is kept in ${directory}`);
  }
}

/** A network that runs already would answer for the one that cannot start beside it. */
async function expectNoneAnswers(nodes: readonly NodeProcess[]): Promise<void> {
  for (const node of nodes) {
    if (!(await node.isAnswered())) continue;
    throw new LedgerError(
      "DEVNET_RUNS_ALREADY",
      { url: node.url },
      { remedy: "use it, or stop it with Ctrl-C where it runs; another one beside it needs its own --data and --port" },
    );
  }
}

async function prepare(
  directory: string,
  options: DevnetOptions,
): Promise<{ network: NetworkLayout; keys: DevnetKeys }> {
  const found = await findNetwork(directory);
  const keys = new DevnetKeys(await loadSeed(directory));
  const contracts = await Promise.all(
    GENESIS_CONTRACTS.map(async (name) => ({ name, source: await loadLibraryContract(name) })),
  );
  if (found !== undefined) {
    if (found.nodes.length !== options.nodes) {
      throw new LedgerError(
        "DEVNET_OTHER_SIZE",
        { directory, nodes: found.nodes.length, asked: options.nodes },
        { remedy: "name another directory with --data, or remove this one to begin anew" },
      );
    }
    const other = differenceOf(found.genesis, contracts);
    if (other !== undefined) {
      // The day speaks to the people and contracts of this version: with others it would be refused half way.
      throw new LedgerError(
        "DEVNET_OTHER_VERSION",
        { directory, other },
        {
          remedy:
            "another version made this network: name another directory with --data, or remove this one to begin anew",
        },
      );
    }
    say(`继续已有网络 · Going on with the network in ${directory}`);
    return { network: found, keys };
  }
  say(`新建网络: 密钥、创世文件、节点目录 · Making keys, genesis and homes in ${directory}`);
  const network = await createNetwork({
    directory,
    name: "linli-devnet",
    organisations: DEVNET_ORGANISATIONS,
    nodes: options.nodes,
    portBase: options.port,
    timeScale: TIME_SCALE,
    parameters: PARAMETER_DEFAULTS,
    contracts,
    accounts: genesisAccounts(keys),
  });
  return { network, keys };
}

/** What another version made otherwise: a contract of the genesis, or an organisation. */
function differenceOf(genesis: Genesis, contracts: readonly GenesisContract[]): string | undefined {
  const made = new Map(genesis.contracts.map(({ name, source }) => [name, source]));
  const present = new Set(genesis.organisations.map(({ id }) => id));
  return (
    contracts.find(({ name, source }) => made.get(name) !== source)?.name ??
    DEVNET_ORGANISATIONS.find(({ id }) => !present.has(id))?.id
  );
}

async function playAndShow(context: {
  readonly options: DevnetOptions;
  readonly network: NetworkLayout;
  readonly keys: DevnetKeys;
  readonly nodes: readonly NodeProcess[];
  readonly startedMs: number;
}): Promise<boolean> {
  const { options, network, keys, nodes, startedMs } = context;
  const { genesis } = network;
  const folder = join(network.directory, "community");
  await writeCommunity(folder, { seed: COMMUNITY_SEED });
  const community = await readCommunity(folder);
  const dayNodes: readonly DayNode[] = nodes.map(({ place, url }) => ({
    organisation: place.organisation,
    url,
    client: new LinliClient({ url, genesis, verify: verifyNative }),
  }));
  const report: DayReport = await playDay({
    genesis,
    nodes: dayNodes,
    keys,
    community,
    clock: systemClock(genesis),
    progress: ({ zh, en }) => say(`${zh} · ${en}`),
    attemptsFile: join(network.directory, "attempts.json"),
  });
  const summary = await summarise({
    genesis,
    genesisFile: network.genesisFile,
    nodes: dayNodes,
    community,
    report,
    seconds: (performance.now() - startedMs) / 1000,
  });
  for (const line of summary.lines) say(line);
  if (options.json) say(JSON.stringify(summary.json));
  return summary.json.ok;
}

async function serve(nodes: readonly NodeProcess[], stopping: AbortSignal): Promise<void> {
  say("节点继续运行, 按 Ctrl-C 停止 · The nodes keep serving until Ctrl-C");
  const reported = new Set<NodeProcess>();
  await new Promise<void>((done) => {
    const look = setInterval(() => {
      for (const node of nodes) {
        if (node.isRunning || reported.has(node)) continue;
        reported.add(node);
        say(
          `节点 ${node.place.organisation} 已停止, 日志 · node ${node.place.organisation} has stopped, see ${node.logFile}`,
        );
      }
    }, 1_000);
    stopping.addEventListener("abort", () => {
      clearInterval(look);
      done();
    });
    if (stopping.aborted) {
      clearInterval(look);
      done();
    }
  });
}

/** The seed of every key of the devnet's people, made on the first start, readable for its owner only. */
async function loadSeed(directory: string): Promise<Uint8Array> {
  const unwritable = (cause: unknown): never => {
    throw new LedgerError("DEVNET_UNWRITABLE", { directory }, { cause, remedy: "name another directory with --data" });
  };
  await makeDirectory(directory).catch(unwritable);
  const file = join(directory, SEED_FILE);
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new LedgerError("DEVNET_UNREADABLE", { directory }, { cause: error });
  });
  if (text === undefined) {
    const seed = generateSeed();
    await writeFile(file, `${toHex(seed)}\n`, { mode: 0o600, flag: "wx" }).catch(unwritable);
    return seed;
  }
  const seed = fromHex(text.trim());
  if (seed?.length !== 32)
    throw new LedgerError("DEVNET_SEED_INVALID", { file }, { remedy: "remove the directory to begin anew" });
  return seed;
}

async function untilAborted<T>(stopping: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    const stop = () => reject(new LedgerError("DEVNET_STOPPED"));
    if (stopping.aborted) stop();
    stopping.addEventListener("abort", stop, { once: true });
  });
  return Promise.race([work, aborted]);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
