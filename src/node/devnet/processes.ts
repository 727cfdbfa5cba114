// Node processes of one machine: started through the same command as in earnest, watched, stopped or killed.
// Knows how a process lives, nothing of what the node does.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LedgerError } from "../../errors.ts";
import { PROGRAM } from "../../installation.ts";
import type { NodePlace } from "./setup.ts";

/**
 * How Node is started for a node of the ledger, here, by `linli`, by npm and in the image. Young objects get 16 MB instead of 64, and
 * old ones are collected when there are 1.75 times as many as were in use, not up to four times: a node makes much garbage and keeps
 * little of it, so more room only means more memory. V8 also learns from the first blocks which objects live long and makes all of their
 * kind old at once: what lives for a block in one place lives for a microsecond in another, and then only the slow collector frees it.
 * glibc gives each of a node's ten threads a heap of its own for native memory, and keeps what was once in use in each of them (`NODE_MEMORY`).
 */
export const NODE_FLAGS: readonly string[] = [
  "--max-semi-space-size=16",
  "--heap-growing-percent=75",
  "--no-allocation-site-pretenuring",
];
/** Has to be in the environment before the process starts. */
export const NODE_MEMORY = "MALLOC_ARENA_MAX=1";
const HEALTH_POLL_MS = 50;
const STOP_WAIT_MS_MAX = 10_000;

export class NodeProcess {
  readonly place: NodePlace;
  private readonly main: string;
  private child: ChildProcess | undefined;

  /** @param main the program that is started: `linli`, or one that takes the same words */
  constructor(place: NodePlace, main = fileURLToPath(PROGRAM)) {
    this.place = place;
    this.main = main;
  }

  get url(): string {
    return `http://127.0.0.1:${this.place.rpcPort}`;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  get isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** undefined while it runs, and null after a signal ended it */
  get exitCode(): number | null | undefined {
    return this.isRunning ? undefined : this.child?.exitCode;
  }

  get logFile(): string {
    return join(this.place.home, "node.log");
  }

  /** Whether somebody answers at its port, started here or elsewhere. */
  isAnswered(): Promise<boolean> {
    return isHealthy(this.url);
  }

  /** Starts the node; its log is appended to `node.log` in its home. */
  start(): void {
    const log = openSync(this.logFile, "a");
    // The pinned Node that runs this process, not whatever PATH finds.
    const words = [NODE_MEMORY, process.execPath, ...NODE_FLAGS, this.main, "start", "--home", this.place.home];
    this.child = spawn("env", words, { stdio: ["ignore", log, log] });
    closeSync(log);
  }

  /** @throws LedgerError NODE_EXITED (see its log), NODE_NOT_READY */
  async untilHealthy(timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (Date.now() < deadline) {
      if (!this.isRunning) throw this.exited();
      if (await this.isAnswered()) return;
      await new Promise((resolve) => setTimeout(resolve, HEALTH_POLL_MS));
    }
    throw new LedgerError(
      "NODE_NOT_READY",
      { organisation: this.place.organisation, log: this.logFile },
      { remedy: "read its log" },
    );
  }

  /** Asks it to stop and waits; forces it when it does not. */
  async stop(): Promise<void> {
    if (!this.isRunning || this.child === undefined) return;
    const { child } = this;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    const force = setTimeout(() => child.kill("SIGKILL"), STOP_WAIT_MS_MAX);
    await ended;
    clearTimeout(force);
  }

  /** `kill -9`: what was not on disk is gone. */
  async kill(): Promise<void> {
    if (!this.isRunning || this.child === undefined) return;
    const ended = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await ended;
  }

  /** Freezes or wakes the process, or presses Ctrl-C. */
  signal(name: "SIGSTOP" | "SIGCONT" | "SIGINT"): void {
    this.child?.kill(name);
  }

  private exited(): LedgerError {
    const { organisation } = this.place;
    return new LedgerError(
      "NODE_EXITED",
      { organisation, code: this.child?.exitCode ?? -1, log: this.logFile },
      { remedy: "read the last lines of its log" },
    );
  }
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health`)).ok;
  } catch {
    // Not listening yet: asked again until the deadline.
    return false;
  }
}
