// CPU profile of one running node for a part of a run, by the inspector of its own process: nothing in the node knows of it.
// The node must have been started with `PROFILED_NODE_OPTIONS` in NODE_OPTIONS.

import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import WebSocket from "ws";
import { LedgerError } from "../src/errors.ts";
import type { NodeProcess } from "../src/node/devnet/processes.ts";

/** Every node opens its inspector on a port of its own, and only when it is asked by a signal. */
export const PROFILED_NODE_OPTIONS = "--inspect-port=127.0.0.1:0";
const SAMPLING_INTERVAL_US = 500;
const OPEN_MS_MAX = 5_000;
const PROFILE_BYTES_MAX = 512 << 20;

/** The parts of the V8 profile format that are read here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface ProfileShare {
  readonly name: string;
  readonly us: number;
}

export class Profiler {
  private readonly socket: WebSocket;
  private readonly replies = new Map<number, (result: { readonly profile?: CpuProfile }) => void>();
  private lastCall = 0;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data) => {
      const { id, result } = JSON.parse(String(data)) as { id?: number; result?: { profile?: CpuProfile } };
      this.replies.get(id ?? 0)?.(result ?? {});
    });
  }

  /** @throws LedgerError BENCH_INSPECTOR_MISSING */
  static async start(node: NodeProcess): Promise<Profiler> {
    if (node.pid !== undefined) process.kill(node.pid, "SIGUSR1");
    const socket = new WebSocket(await inspectorUrl(node.logFile), {
      perMessageDeflate: false,
      maxPayload: PROFILE_BYTES_MAX,
    });
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    const profiler = new Profiler(socket);
    await profiler.call("Profiler.enable");
    await profiler.call("Profiler.setSamplingInterval", { interval: SAMPLING_INTERVAL_US });
    await profiler.call("Profiler.start");
    return profiler;
  }

  async stop(): Promise<CpuProfile> {
    const { profile } = await this.call("Profiler.stop");
    this.socket.close();
    if (profile === undefined) throw new LedgerError("BENCH_INSPECTOR_MISSING", { reason: "no profile" });
    return profile;
  }

  private call(method: string, params: Record<string, unknown> = {}): Promise<{ readonly profile?: CpuProfile }> {
    this.lastCall += 1;
    const id = this.lastCall;
    return new Promise((resolve) => {
      this.replies.set(id, resolve);
      this.socket.send(JSON.stringify({ id, method, params }));
    });
  }
}

/** Self time by part of the house, largest first: folders of src, packages, node's own modules, collector, idle. */
export function sharesByPart(profile: CpuProfile): readonly ProfileShare[] {
  return shares(profile, ({ functionName, url }) => partOf(functionName, url));
}

/** Self time by function, largest first. */
export function sharesByFunction(profile: CpuProfile): readonly ProfileShare[] {
  return shares(profile, ({ functionName, url, lineNumber }) => {
    const place = url.replace(/^.*\/(?=(?:src|node_modules)\/)/, "");
    return place === ""
      ? functionName
      : `${functionName === "" ? "(anonymous)" : functionName} ${place}:${lineNumber + 1}`;
  });
}

function shares(
  profile: CpuProfile,
  nameOf: (frame: CpuProfile["nodes"][number]["callFrame"]) => string,
): readonly ProfileShare[] {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const sums = new Map<string, number>();
  for (const [index, sample] of profile.samples.entries()) {
    const name = names.get(sample) ?? "(unknown)";
    sums.set(name, (sums.get(name) ?? 0) + (profile.timeDeltas[index] ?? 0));
  }
  return [...sums].map(([name, us]) => ({ name, us })).sort((left, right) => right.us - left.us);
}

function partOf(functionName: string, url: string): string {
  const own = /\/src\/([a-z0-9-]+)(?:\/|\.ts)/.exec(url);
  if (functionName.startsWith("verifyEd25519")) return "verification";
  if (own?.[1] !== undefined) return own[1] === "sha256" ? "hashing" : `src/${own[1]}`;
  const library = /\/node_modules\/((?:@[^/]+\/)?[^/]+)/g;
  const found = [...url.matchAll(library)].at(-1)?.[1];
  if (found !== undefined) return found;
  return url.startsWith("node:") ? "node" : functionName;
}

async function inspectorUrl(logFile: string): Promise<string> {
  for (const endMs = Date.now() + OPEN_MS_MAX; Date.now() < endMs; await pause(20)) {
    const found = [...(await readFile(logFile, "utf8")).matchAll(/Debugger listening on (ws:\/\/\S+)/g)].at(-1)?.[1];
    if (found !== undefined) return found;
  }
  throw new LedgerError("BENCH_INSPECTOR_MISSING", { log: logFile });
}
