// Where the CPU of a transaction goes: the shares of a profile, laid over what the kernel says that the threads used.
// Knows which script belongs to which part of the house; measures nothing.

import { cpuUsPerTx, type Phase } from "./phase.ts";
import { type CallFrame, type CpuProfile, type ProfileShare, partOf, sharesBy } from "./profiler.ts";

export const PARTS = [
  "verification",
  "hashing",
  "codec",
  "contracts",
  "state tree",
  "LevelDB",
  "network",
  "GC",
  "consensus and node",
  "RPC",
  "runtime and system calls",
  "compiler and other threads",
  "other",
] as const;
export type Part = (typeof PARTS)[number];

export interface Budget {
  /** which load was profiled */
  readonly load: string;
  /** CPU of one node for one transaction, us; their sum is the CPU of the profiled load */
  readonly partsUs: Readonly<Record<Part, number>>;
  /** time for one transaction in which the main thread had nothing to do or waited for the others, us; no CPU */
  readonly waitingUs: number;
}

/** By the names that `partOf` gives. The first that fits counts. */
const RULES: readonly (readonly [RegExp, Part])[] = [
  [/^verification$|^src\/node\/ed25519/, "verification"],
  [/^hashing$|^@chainsafe\/hashtree$|^@noble\/hashes$/, "hashing"],
  [/^cbor-x$|^src\/ledger$/, "codec"],
  [/^src\/contracts$/, "contracts"],
  [/^src\/state$/, "state tree"],
  [/^src\/store$|^level$|^classic-level$|^abstract-level$/, "LevelDB"],
  [
    /^src\/p2p$|^libp2p$|^@libp2p\/|^@chainsafe\/|^uint8array|^@multiformats|^multiformats$|^it-|^main-event$/,
    "network",
  ],
  [/^\(garbage collector\)$/, "GC"],
  // Native code with no script above it: reading sockets, handing results back, waking up.
  [/^\(program\)$|^\(root\)$/, "runtime and system calls"],
  [/^src\/rpc$|^ws$|^fastify$|^@fastify\/|^zod$/, "RPC"],
  [/^src\/|^signing$|^sodium-native$/, "consensus and node"],
];
const SOCKETS = "libp2p";
const MAIN_THREAD = "MainThread";
const STORE_THREADS = /^libuv-worker$|level/i;
/** As Node names its own worker threads: a node's are those that verify, where there are cores for them. */
const VERIFYING_THREADS = /^WorkerThread$/;

export function budgetOf(profile: CpuProfile, phase: Phase): Budget {
  const shares = sharesBy(profile, ownerOf);
  const total = sum(shares);
  const idle = sum(shares.filter(({ name }) => name === "(idle)"));
  const mainUs = phase.cpuUsPerTxByThread[MAIN_THREAD] ?? 0;
  const parts = Object.fromEntries(PARTS.map((part) => [part, 0])) as Record<Part, number>;
  for (const { name, us } of shares) {
    if (name === "(idle)") continue;
    parts[partNamed(name)] += (us / Math.max(1, total - idle)) * mainUs;
  }
  for (const [thread, us] of Object.entries(phase.cpuUsPerTxByThread)) {
    if (thread === MAIN_THREAD) continue;
    parts[partOfThread(thread)] += us;
  }
  const usedUs = cpuUsPerTx(phase) ?? 0;
  parts.other += Math.max(0, usedUs - PARTS.reduce((all, part) => all + parts[part], 0));
  return {
    load: phase.name,
    partsUs: Object.fromEntries(PARTS.map((part) => [part, round(parts[part])])) as Record<Part, number>,
    waitingUs: round(idle / Math.max(1, phase.committed)),
  };
}

/** LevelDB's writes run in libuv's workers; V8's helpers collect garbage and compile, and cannot be told apart from outside. */
function partOfThread(thread: string): Part {
  if (STORE_THREADS.test(thread)) return "LevelDB";
  return VERIFYING_THREADS.test(thread) ? "verification" : "compiler and other threads";
}

/**
 * What Node's own modules and native functions do belongs to whoever called them; called by nobody but the event loop, it is
 * the sockets' share.
 */
function ownerOf(frame: CallFrame, above: readonly CallFrame[]): string {
  if (frame.functionName.startsWith("(")) return frame.functionName;
  const isOwned = ({ url }: CallFrame): boolean => url !== "" && !url.startsWith("node:");
  const owner = [frame, ...above].find(isOwned);
  return owner === undefined ? SOCKETS : partOf(owner);
}

export function partNamed(name: string): Part {
  return RULES.find(([pattern]) => pattern.test(name))?.[1] ?? "other";
}

function sum(shares: readonly ProfileShare[]): number {
  return shares.reduce((total, { us }) => total + us, 0);
}

function round(us: number): number {
  return Math.round(us * 10) / 10;
}
