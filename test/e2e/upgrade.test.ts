// Four real processes decide another protocol; three programs speak it, one does not until it is replaced.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { buildTransaction } from "../../src/client/transaction.ts";
import { PROTOCOL_LEAD_HEIGHTS } from "../../src/contracts/system.ts";
import type { Value } from "../../src/ledger/codec.ts";
import { nativeSigner } from "../../src/node/ed25519-native.ts";
import { PARAMETER_DEFAULTS } from "../../src/node/genesis-plan.ts";
import { SIGNER_GAS_2 } from "../protocols.ts";
import { TestNetwork, until } from "./network.ts";

const BOTH = fileURLToPath(new URL("both-protocols.ts", import.meta.url));

let network: TestNetwork | undefined;
const others = new Map<number, ChildProcess>();
afterEach(async () => {
  for (const index of [...others.keys()]) await end(index);
  await network?.stop();
  network = undefined;
});

/** A node with the program that speaks both. */
async function startBoth(net: TestNetwork, index: number): Promise<void> {
  const { place } = net.nodeOf(index);
  others.set(index, spawn(process.execPath, [BOTH, place.home], { stdio: "ignore" }));
  await until(`node ${index} answers`, async () => ((await net.nodeOf(index).isAnswered()) ? true : undefined));
}

async function end(index: number): Promise<void> {
  const child = others.get(index);
  others.delete(index);
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

/** Of the organisation that runs this node. */
function adminOf(index: number) {
  return nativeSigner(new Uint8Array(32).fill(100 + index));
}

const ADMINS = ["property", "street", "provider"].map((organisation, index) => {
  const { suite, publicKey } = adminOf(index);
  return { id: `admin-${organisation}`, organisation, roles: ["admin"], suite, publicKey };
});

/** An act of governance by the administrator of a node's organisation, through that node. */
async function govern(net: TestNetwork, index: number, action: string, args: Record<string, Value>): Promise<void> {
  const { organisation } = net.nodeOf(index).place;
  const { chainId, validators } = net.layout.genesis;
  // Seats are in the order of keys, as the genesis has them.
  const seat = validators.findIndex((validator) => validator.organisation === organisation);
  acts += 1;
  const { id, bytes } = buildTransaction({
    chainId,
    signers: [{ account: `admin-${organisation}`, signer: adminOf(index) }],
    nonce: acts,
    validUntilMs: Date.now() + PARAMETER_DEFAULTS.replayWindowMs / 2,
    gasLimit: 1_000_000,
    calls: [{ contract: "governance", action, args: action.startsWith("enact") ? args : { ...args, seat } }],
  });
  await net.clientOf(index).send(bytes);
  const { receipt } = await net.clientOf(index).waitForReceipt(id, { timeoutMs: 60_000 });
  expect([action, receipt.status]).toEqual([action, "ok"]);
}
let acts = 0;

async function protocolOf(net: TestNetwork, index: number): Promise<Value> {
  return (await net.clientOf(index).call("consensus_status")).raw("protocol") as Value;
}

describe("another protocol", () => {
  it("N224: N226: is in force at its height; who lacks it stops, is not well, and is back with another program", async () => {
    network = await TestNetwork.create({ nodes: 4, portBase: 29_000, accounts: ADMINS });
    const net = network;
    const late = net.nodeOf(3);
    late.start();
    await Promise.all([0, 1, 2].map((index) => startBoth(net, index)));
    await net.untilHealthy([late]);

    const { height: begin } = await net.write(0, "before");
    // The proposal, three approvals and the enactment are a block each.
    const fromHeight = begin + 5 + PROTOCOL_LEAD_HEIGHTS;
    await govern(net, 0, "propose_protocol", { id: "two", version: 2, active_height: fromHeight });
    for (const index of [0, 1, 2]) await govern(net, index, "approve", { proposal: "two" });
    await govern(net, 0, "enact_protocol", { proposal: "two" });
    await until("the late node has heard", async () => {
      const { needs } = (await protocolOf(net, 3)) as unknown as { needs: number | null };
      return needs === 2 ? true : undefined;
    });
    expect((await fetch(`${late.url}/health`)).status).toBe(200);

    const costs = new Map<number, number>();
    for (let note = 0; (costs.size === 0 ? 0 : Math.max(...costs.keys())) < fromHeight + 1; note += 1) {
      const { height, receipt } = await net.write(note % 3, `note-${note}`);
      costs.set(height, receipt.gas);
    }
    for (const [height, gas] of costs) expect([height, gas >= SIGNER_GAS_2]).toEqual([height, height >= fromHeight]);

    await until("it is not well", async () => ((await fetch(`${late.url}/health`)).status === 503 ? true : undefined));
    expect(await (await fetch(`${late.url}/health`)).json()).toMatchObject({
      ok: false,
      height: fromHeight - 1,
      problem: "PROTOCOL_UNSUPPORTED",
      protocol: 2,
    });
    expect(await protocolOf(net, 3)).toMatchObject({ speaks: [1], inForce: 2, needs: 2 });
    await expect(net.write(3, "to the late one")).rejects.toThrow("PROTOCOL_UNSUPPORTED");
    expect(await readFile(late.logFile, "utf8")).toContain("newer software needed");
    expect((await net.clientOf(3).head()).header.height).toBe(fromHeight - 1);

    await late.stop();
    await startBoth(net, 3);
    await end(0);
    // Three of four: without its votes there is no block.
    await net.write(3, "with its votes");
    expect(await protocolOf(net, 3)).toMatchObject({ speaks: [1, 2], inForce: 2, needs: null });
  }, 180_000);
});
