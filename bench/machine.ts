// What the machine is and what its processes use, read from /proc: CPU time, memory, flushes of the disk.
// Linux only, and only reads. A figure that this machine does not offer is undefined, never guessed.

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statfsSync, statSync } from "node:fs";
import { arch, availableParallelism, cpus, release, totalmem } from "node:os";
import { LedgerError } from "../src/errors.ts";

/** USER_HZ, the unit of /proc: 100 on every Linux that Node runs on. */
const US_PER_TICK = 10_000;
/** `f_type` of file systems that only live in memory: tmpfs and ramfs. */
const MEMORY_FILE_SYSTEMS = new Set([0x01021994, 0x858458f6]);
const PACKAGES = ["libp2p", "@libp2p/tls", "@chainsafe/libp2p-gossipsub", "level", "sodium-native", "fastify", "ws"];

export interface MachineFacts {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMb: number;
  readonly kernel: string;
  readonly arch: string;
  readonly node: string;
  readonly packages: Readonly<Record<string, string>>;
  /** of the repository; with "+changes" when files differ from it; "unknown" outside a repository */
  readonly commit: string;
}

export function machineFacts(): MachineFacts {
  const root = new URL("../", import.meta.url);
  const { dependencies } = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as {
    dependencies: Record<string, string>;
  };
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryMb: Math.round(totalmem() / 2 ** 20),
    kernel: release(),
    arch: arch(),
    node: process.version,
    packages: Object.fromEntries(PACKAGES.map((name) => [name, dependencies[name] ?? "unknown"])),
    commit: commitOf(root.pathname),
  };
}

/** @throws LedgerError BENCH_NEEDS_LINUX */
export function requireProc(): void {
  try {
    readFileSync("/proc/self/stat");
  } catch (cause) {
    throw new LedgerError(
      "BENCH_NEEDS_LINUX",
      {},
      { cause, remedy: "it reads CPU times from /proc: run it on Linux, or in a container" },
    );
  }
}

/** CPU time of a process since it started, user and kernel, us. */
export function processCpuUs(pid: number): number {
  return ticksIn(`/proc/${pid}/stat`) * US_PER_TICK;
}

/** The same by thread name, of the threads that live: the main thread, V8's helpers, libuv's pool, LevelDB's own. */
export function threadCpuUs(pid: number): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const name = readFileSync(`/proc/${pid}/task/${thread}/comm`, "utf8").trim();
    sums.set(name, (sums.get(name) ?? 0) + ticksIn(`/proc/${pid}/task/${thread}/stat`) * US_PER_TICK);
  }
  return sums;
}

/** Resident memory of a process now, MB. */
export function residentMb(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Math.round(Number(line?.[1] ?? 0) / 1024);
}

/** CPU time that all cores spent on anything since the machine started, us. */
export function machineBusyUs(): number {
  const [, ...fields] = readFileSync("/proc/stat", "utf8").split("\n")[0]!.trim().split(/\s+/);
  // user nice system idle iowait irq softirq steal; guest times are part of user.
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = fields.map(Number);
  return (user + nice + system + irq + softirq + steal) * US_PER_TICK;
}

/** Cache flushes that the disk under a directory has completed; undefined when it is held in memory or not known. */
export function diskFlushes(directory: string): number | undefined {
  if (MEMORY_FILE_SYSTEMS.has(statfsSync(directory).type)) return undefined;
  const { dev } = statSync(directory);
  const major = (dev >> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >> 12) & 0xfff00);
  for (const line of readFileSync("/proc/diskstats", "utf8").split("\n")) {
    const fields = line.trim().split(/\s+/);
    if (Number(fields[0]) === major && Number(fields[1]) === minor)
      return fields[18] === undefined ? undefined : Number(fields[18]);
  }
  return undefined;
}

function ticksIn(file: string): number {
  const text = readFileSync(file, "utf8");
  // The second field is the name in brackets and may hold blanks; utime and stime are the 12th and 13th after it.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

function commitOf(directory: string): string {
  const git = (...words: string[]) => spawnSync("git", ["-C", directory, ...words], { encoding: "utf8" });
  const head = git("rev-parse", "HEAD");
  if (head.status !== 0) return "unknown";
  const changes = git("status", "--porcelain", "--untracked-files=no").stdout.trim();
  return `${head.stdout.trim()}${changes === "" ? "" : "+changes"}`;
}
