// Asks the nodes for rows with their proofs, open loop: every question has an intended time, whatever the answers do.
// Does not check the proofs: what that costs, the client pays, and not the node.

import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { Transport } from "../../src/client/transport.ts";
import { LedgerError } from "../../src/errors.ts";
import { arrivalsMs, randomFrom } from "../arrivals.ts";
import { LatencyHistogram } from "../latency.ts";
import { CONTRACT } from "../payloads.ts";
import { accountOf } from "../workload.ts";
import type { ClientSetup, ReadLoad, ReadResult } from "./messages.ts";

const LEAD_MS = 50;
const ANSWER_MS_MAX = 10_000;

export async function readRows(setup: ClientSetup, load: ReadLoad): Promise<ReadResult> {
  const transports = setup.nodes.map((url) => new Transport({ url, timeoutMs: ANSWER_MS_MAX }));
  const due = arrivalsMs({ ...load, kind: load.arrivals });
  const random = randomFrom(load.seed);
  const latency = new LatencyHistogram();
  const failed: Record<string, number> = {};
  const open: Promise<void>[] = [];
  const startMs = performance.now() + LEAD_MS;
  const ask = async (dueMs: number, transport: Transport): Promise<void> => {
    const account = accountOf(Math.floor(random() * setup.accounts));
    try {
      await transport.call("state_get", { contract: CONTRACT, table: "purse", key: [account] });
      latency.record(performance.now() - dueMs);
    } catch (error) {
      const code = error instanceof LedgerError ? error.code : String(error);
      failed[code] = (failed[code] ?? 0) + 1;
    }
  };
  for (const [index, offset] of due.entries()) {
    const waitMs = startMs + offset - performance.now();
    if (waitMs > 0) await pause(Math.ceil(waitMs));
    open.push(ask(startMs + offset, transports[index % transports.length]!));
  }
  await Promise.all(open);
  return { asked: due.length, answered: latency.summary().samples, failed, latency: latency.encode() };
}
