// The client process of the benchmark: signs, sends and measures on the harness's commands, apart from nodes and harness.
// Ends by itself when the harness is gone.

import { LedgerError } from "../../src/errors.ts";
import { benchKeys, type Order, type ReadyTransaction, TransactionSource } from "../workload.ts";
import { CometSocket, KeyValueSource } from "./comet-socket.ts";
import { Generator } from "./generator.ts";
import type { ClientCommand, ClientReply, ClientSetup } from "./messages.ts";
import { NodeSocket } from "./node-socket.ts";
import { readRows } from "./reader.ts";

class Client {
  private connected: { readonly generator: Generator; readonly source: TransactionSource | KeyValueSource } | undefined;
  private stock: readonly ReadyTransaction[] = [];
  private stocked = "";
  private taken = 0;
  private setup: ClientSetup | undefined;

  async perform(command: ClientCommand): Promise<ClientReply> {
    switch (command.kind) {
      case "connect":
        await this.connect(command.setup);
        return { kind: "done" };
      case "open-accounts":
        // On a ledger that was measured before, some or all of the accounts are open already.
        await this.ready.generator.sendAll(this.ready.source.openings(), true);
        return { kind: "done" };
      case "sign":
        this.fillStock(command.order);
        return { kind: "done" };
      case "send-all":
        await this.ready.generator.sendAll(this.take(Number.MAX_SAFE_INTEGER));
        return { kind: "done" };
      case "run":
        return { kind: "result", result: await this.ready.generator.run(command.load, (count) => this.take(count)) };
      case "read":
        if (this.setup === undefined) throw new LedgerError("BENCH_NOT_CONNECTED");
        return { kind: "read", result: await readRows(this.setup, command.load) };
    }
  }

  private get ready() {
    if (this.connected === undefined) throw new LedgerError("BENCH_NOT_CONNECTED");
    return this.connected;
  }

  private async connect(setup: ClientSetup): Promise<void> {
    const { system, chainId, seed, accounts, numbersFrom, nodes } = setup;
    this.setup = setup;
    const isOwn = system === "linli";
    const generator = new Generator(isOwn ? NodeSocket.open : CometSocket.open);
    const source = isOwn
      ? new TransactionSource({ chainId, keys: benchKeys(seed), accounts, seed, numbersFrom })
      : new KeyValueSource(seed);
    await generator.connect(nodes);
    this.connected = { generator, source };
  }

  private fillStock(order: Order): void {
    const kind = `${order.content} ${order.calls}`;
    const left = this.stocked === kind ? this.stock.slice(this.taken) : [];
    // What was signed long ago may be too old by the time that it is sent.
    const isSpread = order.spreadSeconds > 0;
    const kept = isSpread ? [] : left;
    const missing = Math.max(0, order.count - kept.length);
    this.stock = [...kept, ...this.ready.source.take({ ...order, count: missing })];
    this.stocked = kind;
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
