// CometBFT's network of four with its own `kvstore`, under the same client, the same loads and the same account of them.
// Reads and changes only the configuration files that its own `testnet` command made.

import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LedgerError } from "../../src/errors.ts";
import { claimSynced } from "../checks.ts";
import { LoadClient } from "../load-client.ts";
import { type Hooks, Loads } from "../loads.ts";
import { machineFacts } from "../machine.ts";
import { until } from "../nodes.ts";
import type { Options } from "../options.ts";
import { limitOf } from "../record.ts";
import { readRows } from "../rows.ts";
import type { Outcome } from "../scenario.ts";
import { measureFirst } from "../scenarios/first.ts";
import { measureVerifyUs } from "../verification.ts";
import { findProgram, PeerProcesses } from "./peer.ts";

const REMEDY =
  "install CometBFT 0.38 so that `cometbft version` answers, e.g. `go install github.com/cometbft/cometbft/cmd/cometbft@v0.38.17`, or name the program with --path";
/** Each node has a loopback address of its own, since the ports of `testnet` are the same for all. */
const ADDRESS = (node: number): string => `127.0.0.${11 + node}`;
const P2P_PORT = 26_656;
const RPC_PORT = 26_657;
const START_MS_MAX = 60_000;
const SETTLE_MS_MAX = 30_000;

/** What is changed for --tuned: no waiting for its own sake, and room for as many transactions as this ledger has. */
const TUNING: readonly (readonly [section: string, key: string, value: string])[] = [
  ["consensus", "timeout_commit", '"0s"'],
  ["consensus", "skip_timeout_commit", "true"],
  ["consensus", "create_empty_blocks", "false"],
  ["consensus", "peer_gossip_sleep_duration", '"2ms"'],
  ["mempool", "size", "20000"],
  ["mempool", "cache_size", "100000"],
  ["mempool", "recheck", "false"],
  ["p2p", "flush_throttle_timeout", '"2ms"'],
];

const NOT_DONE = [
  "CometBFT's kvstore verifies no client signatures and knows no accounts; its state tree proves nothing; no contracts.",
  "It syncs its write-ahead log, its blocks and its own votes; the kvstore keeps its state in memory.",
];

export async function runCometBft(options: Options, hooks: Hooks): Promise<Outcome> {
  const program = findProgram("cometbft", options.path, REMEDY);
  if (options.payload !== "transfer" || (options.calls ?? 1) !== 1)
    throw new LedgerError(
      "BENCH_OPTION_INVALID",
      { option: "--payload" },
      { remedy: "peers know transfers of one call only" },
    );
  const asked = readRows(options.over);
  const processes = await PeerProcesses.create("cometbft");
  hooks.onEnd(() => processes.destroy());
  const client = new LoadClient();
  hooks.onEnd(() => client.kill());
  const verifyBeforeUs = measureVerifyUs();
  try {
    const nodes = await startNetwork(program, processes, options);
    const version = spawnSync(program, ["version"], { encoding: "utf8" }).stdout.trim();
    hooks.progress(`${options.nodes} nodes of CometBFT ${version} run in ${processes.directory}`);
    const { seed } = options;
    await client.connect({
      system: "cometbft",
      chainId: new Uint8Array(32),
      seed,
      accounts: 0,
      numbersFrom: 0,
      nodes: nodes.urls,
    });
    const loads = new Loads(options, hooks, { nodes, network: processes, client }, options.nodes);
    const found = await measureFirst(asked, loads, options, hooks);
    const verifyUs = Math.round(5 * (verifyBeforeUs + measureVerifyUs())) / 10;
    const main = found.points.find(({ name }) => name === found.main)!.repetitions[0]!;
    return {
      nodes: options.nodes,
      configuration: { ...settings(options), version, tuned: options.tuned },
      ...found,
      verifyUs,
      limitTxPerSecond: limitOf(machineFacts().cores, options.nodes, verifyUs),
      synced: claimSynced(main),
      verifiedByEveryNode: { holds: false, basis: "the kvstore has no client signatures to verify" },
      notes: [
        ...NOT_DONE,
        options.tuned
          ? `Tuned: ${TUNING.map(([, key, value]) => `${key} = ${value}`).join(", ")}.`
          : "Its own defaults.",
      ],
    };
  } finally {
    client.kill();
    processes.destroy();
  }
}

function settings({ seconds, repeat, seed, arrivals, warmUpSeconds }: Options) {
  return { payload: "transfer", seconds, repeat, seed, arrivals, warmUpSeconds: 2 * warmUpSeconds };
}

async function startNetwork(program: string, processes: PeerProcesses, options: Options) {
  const { directory } = processes;
  const made = spawnSync(
    program,
    ["testnet", "--v", String(options.nodes), "--o", directory, "--starting-ip-address", ADDRESS(0)],
    { encoding: "utf8" },
  );
  if (made.status !== 0)
    throw new LedgerError("BENCH_PEER_FAILED", { command: "testnet", said: made.stderr.slice(-500) });
  const homes = Array.from({ length: options.nodes }, (_, node) => join(directory, `node${node}`));
  for (const [node, home] of homes.entries()) {
    const file = join(home, "config", "config.toml");
    const changes = [
      ["rpc", "laddr", `"tcp://${ADDRESS(node)}:${RPC_PORT}"`],
      ["p2p", "laddr", `"tcp://${ADDRESS(node)}:${P2P_PORT}"`],
      ...(options.tuned ? TUNING : []),
    ] as const;
    await writeFile(file, changes.reduce(withSetting, await readFile(file, "utf8")));
  }
  for (const home of homes)
    processes.start(program, ["node", "--home", home, "--proxy_app", "kvstore", "--log_level", "error"], {
      cwd: directory,
    });
  const urls = homes.map((_, node) => `http://${ADDRESS(node)}:${RPC_PORT}`);
  const heads = () => Promise.all(urls.map(headOf));
  await until(START_MS_MAX, "BENCH_PEER_FAILED", async () => {
    await processes.checkAlive();
    return (await heads()).every((height) => height > 0);
  });
  const settledHeads = async () => {
    let heights: readonly number[] = [];
    await until(SETTLE_MS_MAX, "BENCH_NOT_SETTLED", async () => {
      heights = await heads();
      return heights.every((height) => height === heights[0]);
    });
    return heights.map((height) => ({ height }));
  };
  return { urls, settledHeads };
}

/** 0 while it does not answer. */
async function headOf(url: string): Promise<number> {
  try {
    const answer = (await (await fetch(`${url}/status`)).json()) as {
      readonly result: { readonly sync_info: { readonly latest_block_height: string } };
    };
    return Number(answer.result.sync_info.latest_block_height);
  } catch {
    // Not listening yet: asked again until the time is up.
    return 0;
  }
}

/** @throws LedgerError BENCH_PEER_FAILED when the file has no such setting: another version of the program */
export function withSetting(toml: string, [section, key, value]: readonly [string, string, string]): string {
  const begin = toml.indexOf(`\n[${section}]`);
  const next = toml.indexOf("\n[", begin + 1);
  const end = next < 0 ? toml.length : next;
  const setting = new RegExp(`^${key} *=.*$`, "m");
  const part = toml.slice(begin, end);
  if (begin < 0 || !setting.test(part))
    throw new LedgerError(
      "BENCH_PEER_FAILED",
      { section, key },
      { remedy: "its configuration has no such setting: use CometBFT 0.38" },
    );
  return toml.slice(0, begin) + part.replace(setting, `${key} = ${value}`) + toml.slice(end);
}
