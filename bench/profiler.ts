// CPU profile of one running node for a part of a run, by the inspector of its own process: nothing in the node knows of it.
// The node must have been started with `PROFILED_NODE_OPTIONS` in NODE_OPTIONS.

import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { SourceMap } from "node:module";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import WebSocket from "ws";
import { LedgerError } from "../src/errors.ts";
import type { NodeProcess } from "../src/node/devnet/processes.ts";

/** Every node opens its inspector on a port of its own, and only when it is asked by a signal. */
export const PROFILED_NODE_OPTIONS = "--inspect-port=127.0.0.1:0";
const SAMPLING_INTERVAL_US = 500;
/** Parts of one library that are worth their own line. */
const OPERATIONS: Readonly<Record<string, string>> = {
  crypto_sign_verify_detached: "verification",
  crypto_sign_detached: "signing",
};
const OPEN_MS_MAX = 5_000;
const PROFILE_BYTES_MAX = 512 << 20;

export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/** The parts of the V8 profile format that are read here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: CallFrame;
    readonly children?: readonly number[];
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

  /** Its frames name the sources, not the program that was made of them. */
  async stop(): Promise<CpuProfile> {
    const { profile } = await this.call("Profiler.stop");
    this.socket.close();
    if (profile === undefined) throw new LedgerError("BENCH_INSPECTOR_MISSING", { reason: "no profile" });
    return inSources(profile);
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

function inSources(profile: CpuProfile): CpuProfile {
  const maps = new Map<string, SourceMap | undefined>();
  const mapOf = (url: string): SourceMap | undefined => {
    if (!maps.has(url)) maps.set(url, sourceMapOf(url));
    return maps.get(url);
  };
  const nodes = profile.nodes.map((node) => {
    const { url, lineNumber, columnNumber } = node.callFrame;
    const entry = mapOf(url)?.findEntry(lineNumber, columnNumber);
    if (entry === undefined || !("originalSource" in entry)) return node;
    const source = new URL(entry.originalSource, url).href;
    return { ...node, callFrame: { ...node.callFrame, url: source, lineNumber: entry.originalLine } };
  });
  return { ...profile, nodes };
}

function sourceMapOf(url: string): SourceMap | undefined {
  if (!url.startsWith("file:")) return undefined;
  const file = `${fileURLToPath(url)}.map`;
  return existsSync(file) ? new SourceMap(JSON.parse(readFileSync(file, "utf8"))) : undefined;
}

/** Self time by part of the house, largest first: folders of src, packages, node's own modules, collector, idle. */
export function sharesByPart(profile: CpuProfile): readonly ProfileShare[] {
  return shares(profile, (frame, caller) => partOf(caller ?? frame));
}

/** Self time by function, largest first. Native functions are named with the script function that calls them. */
export function sharesByFunction(profile: CpuProfile): readonly ProfileShare[] {
  return shares(profile, (frame, caller) =>
    caller === undefined ? placeOf(frame) : `${placeOf(caller)} > ${placeOf(frame)}`,
  );
}

/** @param nameOf gets a frame, and of a native one the nearest script function above it */
function shares(
  profile: CpuProfile,
  nameOf: (frame: CallFrame, caller: CallFrame | undefined) => string,
): readonly ProfileShare[] {
  return sharesBy(profile, (frame, above) =>
    nameOf(frame, isNative(frame) ? above.find(({ url }) => url !== "") : undefined),
  );
}

/** Self time by a name for each frame, largest first. @param nameOf gets a frame and those that called it, nearest first */
export function sharesBy(
  profile: CpuProfile,
  nameOf: (frame: CallFrame, above: readonly CallFrame[]) => string,
): readonly ProfileShare[] {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
  );
  const callersOf = (id: number): readonly CallFrame[] => {
    const callers: CallFrame[] = [];
    for (let above = parents.get(id); above !== undefined; above = parents.get(above)) {
      const frame = nodes.get(above)?.callFrame;
      if (frame !== undefined) callers.push(frame);
    }
    return callers;
  };
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame, callersOf(id))]));
  const sums = new Map<string, number>();
  for (const [index, sample] of profile.samples.entries()) {
    const name = names.get(sample) ?? "(unknown)";
    sums.set(name, (sums.get(name) ?? 0) + (profile.timeDeltas[index] ?? 0));
  }
  return [...sums].map(([name, us]) => ({ name, us })).sort((left, right) => right.us - left.us);
}

/** Has no script, and is not one of V8's own rubrics such as "(idle)". */
function isNative({ url, functionName }: CallFrame): boolean {
  return url === "" && !functionName.startsWith("(");
}

function placeOf({ functionName, url, lineNumber }: CallFrame): string {
  const name = functionName === "" ? "(anonymous)" : functionName;
  return url === "" ? name : `${name} ${url.replace(/^.*\/(?=(?:src|node_modules)\/)/, "")}:${lineNumber + 1}`;
}

export function partOf({ functionName, url }: CallFrame): string {
  const ofSodium = OPERATIONS[functionName.replace("exports.", "")];
  if (ofSodium !== undefined) return ofSodium;
  const library = [...url.matchAll(/\/node_modules\/((?:@[^/]+\/)?[^/]+)/g)].at(-1)?.[1];
  if (library !== undefined) return library;
  const own = /\/src\/([a-z0-9-]+)/.exec(url)?.[1];
  if (own !== undefined) return own === "sha256" ? "hashing" : `src/${own}`;
  return url.startsWith("node:") ? "node" : functionName;
}

async function inspectorUrl(logFile: string): Promise<string> {
  for (const endMs = Date.now() + OPEN_MS_MAX; Date.now() < endMs; await pause(20)) {
    const found = [...(await readFile(logFile, "utf8")).matchAll(/Debugger listening on (ws:\/\/\S+)/g)].at(-1)?.[1];
    if (found !== undefined) return found;
  }
  throw new LedgerError("BENCH_INSPECTOR_MISSING", { log: logFile });
}
