// Other systems under the same loads on the same machine: found on the PATH or where --path says, driven, never bundled.
// What is common to them: how they are found, how their processes live, and what the report says that they do not do.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, rmSync, statSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { LedgerError } from "../../src/errors.ts";

const LOG_LINES_SHOWN = 8;

/** @param path of the program, when the PATH is not to be searched. @throws LedgerError BENCH_PEER_MISSING */
export function findProgram(name: string, path: string | undefined, remedy: string): string {
  const places =
    path === undefined ? (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name)) : [path];
  const found = places.find((place) => statSync(place, { throwIfNoEntry: false })?.isFile() === true);
  if (found !== undefined) return found;
  throw new LedgerError("BENCH_PEER_MISSING", { program: name, looked: path ?? "PATH" }, { remedy });
}

/** Processes of a peer with one directory for all they write, which goes away with them. */
export class PeerProcesses {
  readonly directory: string;
  private readonly children: { readonly child: ChildProcess; readonly log: string }[] = [];

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async create(name: string): Promise<PeerProcesses> {
    return new PeerProcesses(await mkdtemp(join(tmpdir(), `linli-bench-${name}-`)));
  }

  get pids(): readonly number[] {
    return this.children.map(({ child }) => child.pid).filter((pid) => pid !== undefined);
  }

  start(program: string, words: readonly string[], options: { readonly cwd: string }): ChildProcess {
    const log = join(this.directory, `process-${this.children.length}.log`);
    const file = openSync(log, "a");
    const child = spawn(program, words, { cwd: options.cwd, stdio: ["ignore", file, file] });
    closeSync(file);
    this.children.push({ child, log });
    return child;
  }

  logOf(index: number): Promise<string> {
    const log = this.children[index]?.log;
    return log === undefined ? Promise.resolve("") : readFile(log, "utf8");
  }

  /** @throws LedgerError BENCH_PEER_FAILED with the end of its log, when one has ended */
  async checkAlive(): Promise<void> {
    for (const [index, { child }] of this.children.entries()) {
      if (child.exitCode === null && child.signalCode === null) continue;
      const lines = (await this.logOf(index)).trimEnd().split("\n").slice(-LOG_LINES_SHOWN);
      throw new LedgerError("BENCH_PEER_FAILED", { process: index, exitCode: child.exitCode, log: lines.join(" | ") });
    }
  }

  /** A peer's logs are its own: nothing in them is counted. */
  async incidents(): Promise<ReadonlyMap<string, number>> {
    return new Map();
  }

  destroy(): void {
    for (const { child } of this.children) child.kill("SIGKILL");
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 10 });
  }
}
