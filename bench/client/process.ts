// The client process of the benchmark: signs, sends and measures on the harness's commands, apart from nodes and harness.
// Ends by itself when the harness is gone.

import { LedgerError } from "../../src/errors.ts";
import { benchKeys, type ReadyTransaction, TransactionSource } from "../workload.ts";
import { Generator } from "./generator.ts";
import type { ClientCommand, ClientReply, ClientSetup } from "./messages.ts";

class Client {
  private readonly generator = new Generator();
  private source: TransactionSource | undefined;
  private stock: readonly ReadyTransaction[] = [];
  private taken = 0;

  async perform(command: ClientCommand): Promise<ClientReply> {
    switch (command.kind) {
      case "connect":
        await this.connect(command.setup);
        return { kind: "done" };
      case "open-accounts":
        await this.generator.sendAll(this.signer.openings());
        return { kind: "done" };
      case "sign":
        this.fillStock(command.count);
        return { kind: "done" };
      case "run":
        return { kind: "result", result: await this.generator.run(command.load, (count) => this.take(count)) };
    }
  }

  private get signer(): TransactionSource {
    if (this.source === undefined) throw new LedgerError("BENCH_NOT_CONNECTED");
    return this.source;
  }

  private async connect({ chainId, seed, accounts, nodes }: ClientSetup): Promise<void> {
    this.source = new TransactionSource({ chainId, keys: benchKeys(seed), accounts });
    await this.generator.connect(nodes);
  }

  private fillStock(count: number): void {
    const left = this.stock.slice(this.taken);
    this.stock = [...left, ...this.signer.moves(Math.max(0, count - left.length))];
    this.taken = 0;
  }

  private take(count: number): readonly ReadyTransaction[] {
    const taken = this.stock.slice(this.taken, this.taken + count);
    this.taken += taken.length;
    return taken;
  }
}

const client = new Client();
process.on("message", (command: ClientCommand) => {
  client.perform(command).then(
    (reply) => process.send?.(reply),
    (error: unknown) => {
      const code = error instanceof LedgerError ? error.code : "BENCH_CLIENT_FAILED";
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.send?.({ kind: "failed", code, message } satisfies ClientReply);
    },
  );
});
process.on("disconnect", () => process.exit(0));
// Ctrl-C reaches the whole group: the harness decides when the client ends.
process.on("SIGINT", () => undefined);
