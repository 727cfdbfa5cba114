// BFT-SMaRt's own micro-benchmark, four replicas and its own clients: closed loops only, as it has no other. Its latencies are read
// from the file that its client writes for every single request.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";
import { LedgerError } from "../../src/errors.ts";
import type { Load, LoadResult } from "../client/messages.ts";
import { LatencyHistogram } from "../latency.ts";
import type { Hooks } from "../loads.ts";
import { machineFacts } from "../machine.ts";
import { until } from "../nodes.ts";
import type { Options } from "../options.ts";
import { type Phase, runPhase } from "../phase.ts";
import { limitOf, type Point } from "../record.ts";
import type { Outcome } from "../scenario.ts";
import { measureVerifyUs } from "../verification.ts";
import { findProgram, PeerProcesses } from "./peer.ts";

const SERVER = "bftsmart.demo.microbenchmarks.ThroughputLatencyServer";
const CLIENT = "bftsmart.demo.microbenchmarks.ThroughputLatencyClient";
const REMEDY =
  "name its folder with --path: the one with lib/ and config/ that its `gradlew installDist` makes (build/install/library)";
const REPLICAS = 4;
const PORT_BASE = 21_000;
const FIRST_CLIENT = 1_001;
const REQUEST_BYTES = 216;
const REPLY_BYTES = 0;
/** Requests between two lines of a replica's own account. */
const INTERVAL = 1_000;
const PEAK_CLIENTS = 200;
/** Of each client, to find out how many more fill the time that was asked for. */
const TRIAL_REQUESTS = 200;
const START_MS_MAX = 60_000;
/** Its client begins slowly: the first half is its warm-up, and the last requests are those of stragglers. */
const TAIL_SHARE = 0.05;

export async function runBftSmart(options: Options, hooks: Hooks): Promise<Outcome> {
  const java = findProgram("java", undefined, "install a Java runtime, 17 or later");
  const home = folderOf(options.path);
  const processes = await PeerProcesses.create("bft-smart");
  hooks.onEnd(() => processes.destroy());
  // As it comes: signed requests and a synced log, which is what this ledger does. Tuned: neither.
  const mode = options.tuned ? { signatures: "nosig", log: [] } : { signatures: "default", log: ["rwd"] };
  const verifyBeforeUs = measureVerifyUs();
  try {
    await configure(home, processes.directory);
    const words = [
      "-Djava.security.properties=config/java.security",
      // Its own: without it every message would be logged.
      "-Dlogback.configurationFile=config/logback.xml",
      "-cp",
      [join(home, "lib", "*"), join(home, "bin", "*")].join(delimiter),
    ];
    const run = { cwd: processes.directory };
    for (let id = 0; id < REPLICAS; id += 1)
      processes.start(
        java,
        [...words, SERVER, `${id}`, `${INTERVAL}`, `${REPLY_BYTES}`, "0", "false", mode.signatures, ...mode.log],
        run,
      );
    await until(START_MS_MAX, "BENCH_PEER_FAILED", async () => {
      await processes.checkAlive();
      const logs = await Promise.all(Array.from({ length: REPLICAS }, (_, id) => processes.logOf(id)));
      return logs.every((log) => log.includes("Ready to process operations"));
    });
    const ask = (clients: number, requests: number) =>
      askAll({ java, words, cwd: processes.directory, clients, requests, signatures: mode.signatures, hooks });
    const measure = (name: string, clients: number) => measured(name, clients, { options, processes, ask, hooks });
    const points = [await measure("one client", 1), await measure("peak", PEAK_CLIENTS)];
    const verifyUs = Math.round(5 * (verifyBeforeUs + measureVerifyUs())) / 10;
    const flushes = points[1]!.repetitions[0]!.diskFlushes ?? 0;
    return {
      nodes: REPLICAS,
      configuration: {
        payload: "transfer",
        requestBytes: REQUEST_BYTES,
        clients: PEAK_CLIENTS,
        ...mode,
        log: mode.log.join(),
        repeat: options.repeat,
      },
      points,
      main: "peak",
      latencyOf: "one client",
      verifyUs,
      limitTxPerSecond: limitOf(machineFacts().cores, REPLICAS, verifyUs),
      synced: {
        holds: !options.tuned && flushes > 0,
        basis: `mode ${mode.log.join() || "in memory"}; ${flushes} flushes of the disk`,
      },
      verifiedByEveryNode: {
        holds: !options.tuned,
        basis: `requests signed: ${mode.signatures}; its server ends at a wrong one`,
      },
      notes: [
        "Closed loops of its own clients; latency from sending. Each client signs one request and sends it again and again.",
        "No accounts, no contracts, no state tree, no receipts with proofs; its clients' CPU counts among that of others.",
      ],
    };
  } finally {
    processes.destroy();
  }
}

/** @throws LedgerError BENCH_PEER_MISSING */
function folderOf(path: string | undefined): string {
  const home = path === undefined ? undefined : resolve(path);
  if (home !== undefined && existsSync(join(home, "lib")) && existsSync(join(home, "config"))) return home;
  throw new LedgerError(
    "BENCH_PEER_MISSING",
    { program: "BFT-SMaRt", looked: path ?? "no --path" },
    { remedy: REMEDY },
  );
}

/** Its own configuration with other ports, and without the memory of an older run. */
async function configure(home: string, directory: string): Promise<void> {
  cpSync(join(home, "config"), join(directory, "config"), { recursive: true });
  rmSync(join(directory, "config", "currentView"), { force: true });
  const hosts = Array.from(
    { length: REPLICAS },
    (_, id) => `${id} 127.0.0.1 ${PORT_BASE + 10 * id} ${PORT_BASE + 10 * id + 1}`,
  );
  await writeFile(join(directory, "config", "hosts.config"), `${hosts.join("\n")}\n`);
}

type Ask = (clients: number, requests: number) => Promise<readonly Answer[]>;

async function measured(
  name: string,
  clients: number,
  lab: { readonly options: Options; readonly processes: PeerProcesses; readonly ask: Ask; readonly hooks: Hooks },
): Promise<Point> {
  const { options, processes, ask, hooks } = lab;
  const trial = resultOf(await ask(clients, TRIAL_REQUESTS), clients);
  const requests = Math.max(TRIAL_REQUESTS, Math.ceil((2 * trial.txPerSecond * options.seconds) / clients));
  hooks.progress(`${name}: ${requests} requests of each of ${clients} clients`);
  const repetitions: Phase[] = [];
  for (let round = 0; round < options.repeat; round += 1) {
    const load: Load = {
      kind: "closed",
      inFlightPerNode: clients / REPLICAS,
      seconds: options.seconds,
      warmUpSeconds: 0,
    };
    let answered = 0;
    const client = {
      pid: undefined,
      sign: async () => undefined,
      run: async () => {
        const answers = await ask(clients, requests);
        answered = answers.length;
        return resultOf(answers, clients);
      },
    };
    const nodes = { settledHeads: async () => [{ height: 0 }] };
    const phase = await runPhase(name, load, { nodes, network: processes, client, cores: machineFacts().cores });
    repetitions.push(perRequest(phase, phase.committed / Math.max(1, answered)));
  }
  return { name, at: { clients }, repetitions };
}

/** The CPU of all requests was laid on those that count: the share of those takes that back. */
function perRequest(phase: Phase, share: number): Phase {
  const scaled = (us: number): number => Math.round(us * share * 10) / 10;
  const byThread = Object.entries(phase.cpuUsPerTxByThread).map(([thread, us]) => [thread, scaled(us)] as const);
  return {
    ...phase,
    cpuUsPerTxByNode: phase.cpuUsPerTxByNode.map(scaled),
    cpuUsPerTxByThread: Object.fromEntries(byThread),
  };
}

async function askAll(given: {
  readonly java: string;
  readonly words: readonly string[];
  readonly cwd: string;
  readonly clients: number;
  readonly requests: number;
  readonly signatures: string;
  readonly hooks: Hooks;
}): Promise<readonly Answer[]> {
  const { java, words, cwd, clients, requests, signatures, hooks } = given;
  const counts = [FIRST_CLIENT, clients, requests, REQUEST_BYTES, 0].map(String);
  const child = spawn(java, [...words, CLIENT, ...counts, "false", "false", signatures], {
    cwd,
    stdio: ["ignore", "pipe", "inherit"],
  });
  hooks.onEnd(() => child.kill("SIGKILL"));
  let said = "";
  child.stdout.on("data", (piece) => {
    said += String(piece);
    // Its writer's thread never ends.
    if (said.includes("All clients done")) setTimeout(() => child.kill("SIGTERM"), 500);
  });
  await once(child, "exit");
  if (!said.includes("All clients done")) throw new LedgerError("BENCH_PEER_FAILED", { client: said.slice(-300) });
  return answersIn(await readFile(join(cwd, `latencies_${FIRST_CLIENT}.txt`), "utf8"));
}

export interface Answer {
  readonly atMs: number;
  readonly latencyMs: number;
}

/** Lines of client, wall time in ms and latency in ns; the last may be cut off. */
export function answersIn(text: string): readonly Answer[] {
  return [...text.matchAll(/^\d+\t(\d+)\t(\d+)$/gm)].map(([, at, ns]) => ({
    atMs: Number(at),
    latencyMs: Number(ns) / 1e6,
  }));
}

/** Of the second half, without the stragglers. */
export function resultOf(answers: readonly Answer[], clients: number): LoadResult {
  const sorted = [...answers].sort((left, right) => left.atMs - right.atMs);
  const kept = sorted.slice(Math.floor(sorted.length / 2), Math.ceil(sorted.length * (1 - TAIL_SHARE)));
  const windowSeconds = Math.max(0.001, ((kept.at(-1)?.atMs ?? 0) - (kept[0]?.atMs ?? 0)) / 1000);
  const histogram = new LatencyHistogram();
  for (const { latencyMs } of kept) histogram.record(latencyMs);
  const latency = histogram.encode();
  return {
    load: { kind: "closed", inFlightPerNode: clients / REPLICAS, seconds: windowSeconds, warmUpSeconds: 0 },
    sent: kept.length,
    committed: kept.length,
    refusedByContract: 0,
    refusedAtTheDoor: {},
    missing: 0,
    receiptsByNode: [],
    windowSeconds,
    txPerSecond: kept.length / windowSeconds,
    callsPerSecond: kept.length / windowSeconds,
    timeline: { startedAtMs: sorted[0]?.atMs ?? 0, stepMs: 100, due: [], committed: [] },
    latency,
    latencyByNode: [],
    delay: new LatencyHistogram().encode(),
    bytesPerTransaction: REQUEST_BYTES,
  };
}
