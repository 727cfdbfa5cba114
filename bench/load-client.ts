// One client process, as the harness sees it: commands out, replies in, one at a time.
// Knows how the process lives, nothing of what it measures.

import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { LedgerError } from "../src/errors.ts";
import type {
  ClientCommand,
  ClientReply,
  ClientSetup,
  Load,
  LoadResult,
  ReadLoad,
  ReadResult,
} from "./client/messages.ts";
import type { Order } from "./workload.ts";

const MAIN = fileURLToPath(new URL("./client/process.ts", import.meta.url));

export class LoadClient {
  private readonly child: ChildProcess;
  private pending: { resolve(reply: ClientReply): void; reject(error: LedgerError): void } | undefined;

  constructor() {
    // "advanced" carries byte arrays as they are.
    this.child = spawn(process.execPath, [MAIN], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      serialization: "advanced",
    });
    this.child.on("message", (reply: ClientReply) => {
      this.pending?.resolve(reply);
      this.pending = undefined;
    });
    this.child.on("exit", (code, signal) => {
      this.pending?.reject(new LedgerError("BENCH_CLIENT_EXITED", { code, signal }));
      this.pending = undefined;
    });
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  async connect(setup: ClientSetup): Promise<void> {
    await this.perform({ kind: "connect", setup });
  }

  async openAccounts(): Promise<void> {
    await this.perform({ kind: "open-accounts" });
  }

  async sign(order: Order): Promise<void> {
    await this.perform({ kind: "sign", order });
  }

  /** Sends what is signed and resolves when all of it is committed. @throws LedgerError BENCH_SETUP_REFUSED */
  async sendAll(): Promise<void> {
    await this.perform({ kind: "send-all" });
  }

  async read(load: ReadLoad): Promise<ReadResult> {
    const reply = await this.perform({ kind: "read", load });
    if (reply.kind !== "read") throw new LedgerError("BENCH_CLIENT_FAILED", { reply: reply.kind });
    return reply.result;
  }

  async run(load: Load): Promise<LoadResult> {
    const reply = await this.perform({ kind: "run", load });
    if (reply.kind !== "result") throw new LedgerError("BENCH_CLIENT_FAILED", { reply: reply.kind });
    return reply.result;
  }

  kill(): void {
    this.child.kill("SIGKILL");
  }

  /** @throws LedgerError BENCH_CLIENT_EXITED, or what failed in the process */
  private async perform(command: ClientCommand): Promise<ClientReply> {
    const reply = await new Promise<ClientReply>((resolve, reject) => {
      this.pending = { resolve, reject };
      this.child.send(command, (error) => {
        if (error !== null) reject(new LedgerError("BENCH_CLIENT_EXITED", {}, { cause: error }));
      });
    });
    if (reply.kind === "failed") throw new LedgerError(reply.code, { message: reply.message });
    return reply;
  }
}
