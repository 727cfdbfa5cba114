// The nodes of a network as any client sees them, by their addresses alone: a network that runs elsewhere is measured like this.
// Starts and ends nothing, and asks only what anybody may ask.

import { setTimeout as pause } from "node:timers/promises";
import { Transport } from "../src/client/transport.ts";
import { LedgerError } from "../src/errors.ts";
import { fromHex, type Hash } from "../src/ledger/hash.ts";

const SETTLE_MS_MAX = 30_000;
const POLL_MS = 50;
/** A node at its limit answers late. */
const CALL_TIMEOUT_MS = 20_000;

export interface Head {
  readonly height: number;
  readonly stateRoot: string;
  readonly transactionsTotal: number;
}

export class Nodes {
  readonly urls: readonly string[];
  protected readonly transports: readonly Transport[];

  constructor(urls: readonly string[]) {
    this.urls = urls;
    this.transports = urls.map((url) => new Transport({ url, timeoutMs: CALL_TIMEOUT_MS }));
  }

  /** What all of them say that their chain is. @throws LedgerError BENCH_NOT_ONE_CHAIN */
  async chain(): Promise<Hash> {
    const answers = await Promise.all(
      this.transports.map(async (transport) => (await transport.call("node_info", {})).text("chainId")),
    );
    const [id = ""] = answers;
    const chainId = fromHex(id);
    if (chainId === undefined || answers.some((other) => other !== id))
      throw new LedgerError("BENCH_NOT_ONE_CHAIN", { chains: [...new Set(answers)].join(" ") });
    return chainId;
  }

  heads(): Promise<readonly Head[]> {
    return Promise.all(this.transports.map(headOf));
  }

  async head(node: number): Promise<Head> {
    return headOf(this.transports[node]!);
  }

  /** The heads once all nodes have the same height. @throws LedgerError BENCH_NOT_SETTLED */
  async settledHeads(): Promise<readonly Head[]> {
    let heads: readonly Head[] = [];
    await until(SETTLE_MS_MAX, "BENCH_NOT_SETTLED", async () => {
      heads = await this.heads();
      return heads.every(({ height }) => height === heads[0]?.height);
    });
    return heads;
  }

  /** Public key of the primary of the next block, as this node sees it. */
  async primaryKey(node: number): Promise<string> {
    return (await this.transports[node]!.call("consensus_status", {})).text("primary");
  }

  /** What each node answers to a transaction: "received", or the code of its refusal. */
  offer(hex: string): Promise<readonly string[]> {
    return Promise.all(
      this.transports.map((transport) =>
        transport.call("tx_send", { transaction: hex }).then(
          () => "received",
          (error: unknown) => (error instanceof LedgerError ? error.code : String(error)),
        ),
      ),
    );
  }
}

async function headOf(transport: Transport): Promise<Head> {
  const head = await transport.call("chain_head", {});
  return {
    height: head.integer("height", { min: 0 }),
    stateRoot: head.text("stateRoot"),
    transactionsTotal: head.integer("transactionsTotal", { min: 0 }),
  };
}

/** @throws LedgerError with that code, when it is not reached in time */
export async function until(waitMs: number, code: string, isReached: () => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + waitMs;
  while (!(await isReached())) {
    if (Date.now() > endMs) throw new LedgerError(code, { waitedMs: waitMs });
    await pause(POLL_MS);
  }
}
