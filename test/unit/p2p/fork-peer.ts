// Starts `peer-process.ts` and speaks with it.

import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { PeerLimits } from "../../../src/p2p/limits.ts";
import type { PeerEndpoint } from "../../../src/ports.ts";
import { until } from "./support.ts";

export interface PeerProcessConfig {
  readonly seed: readonly number[];
  readonly endpoint: PeerEndpoint;
  readonly members: readonly PeerEndpoint[];
  readonly limits: Partial<PeerLimits>;
}

export type PeerProcessReport =
  | { readonly kind: "listening" }
  /** what is left after a collection, and what the system counts */
  | { readonly kind: "memory"; readonly keptBytes: number; readonly residentBytes: number }
  | { readonly kind: "log"; readonly message: string; readonly fields: Record<string, unknown> | undefined };

export class PeerProcess {
  readonly #child: ChildProcess;
  readonly reports: PeerProcessReport[] = [];
  /** how the process ended, undefined while it runs */
  exit: string | undefined;
  errors = "";

  private constructor(config: PeerProcessConfig) {
    this.#child = fork(join(import.meta.dirname, "peer-process.ts"), {
      execArgv: ["--expose-gc"],
      stdio: ["ignore", "inherit", "pipe", "ipc"],
    });
    this.#child.on("message", (report: PeerProcessReport) => this.reports.push(report));
    this.#child.stderr?.on("data", (text: Buffer) => {
      this.errors += text.toString();
    });
    this.#child.on("exit", (code, signal) => {
      this.exit = signal ?? `code ${code}`;
    });
    this.#child.send(config);
  }

  static async start(config: PeerProcessConfig): Promise<PeerProcess> {
    const peer = new PeerProcess(config);
    await until(() => peer.reports.length > 0 || peer.exit !== undefined, "the peer process to listen");
    return peer;
  }

  async memory(): Promise<{ readonly keptBytes: number; readonly residentBytes: number }> {
    const before = this.reports.length;
    this.#child.send("memory");
    const find = () => this.reports.slice(before).find((report) => report.kind === "memory");
    await until(() => find() !== undefined, "a report on memory");
    return find() ?? { keptBytes: Number.NaN, residentBytes: Number.NaN };
  }

  /** SIGKILL: no farewell to anybody. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await until(() => this.exit !== undefined, "the peer process to end");
  }
}
