// Clients and a member that do their worst against four real processes, while honest clients go on writing notes.

import { readFileSync } from "node:fs";
import { afterEach, expect, it } from "vitest";
import { toHex } from "../../src/ledger/hash.ts";
import { catalogueEntry } from "../../src/rpc/errors.ts";
import { Random } from "../sim/random.ts";
import { HostileClient, pesterPeerPort } from "./hostile-client.ts";
import { HostilePeer } from "./hostile-peer.ts";
import { TestNetwork, until } from "./network.ts";
import { Pump } from "./pump.ts";

const ATTACK_MS = 20_000;
/**
 * What the resident memory of an honest node may grow by while it is attacked for that long. Measured over one minute, a few
 * times on one machine: +180 to 280 MiB, little of it after the fortieth second, with 65 MB of objects and 36 MB of buffers
 * alive at the end. Longer attacks were not measured: this bounds a leak of some MiB a second, not a slow one.
 */
const GROWTH_BYTES_MAX = 256 << 20;
const NOTES_BEFORE = 60;
/** Notes that must be acknowledged during the attack, so few that only a standstill misses them. */
const NOTES_DURING_MIN = 10;
const SEED = 7;

let network: TestNetwork | undefined;
afterEach(async () => {
  await network?.stop();
  network = undefined;
});

function residentBytes(net: TestNetwork, node: number): number {
  const status = readFileSync(`/proc/${net.nodeOf(node).pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1_024;
}

function errorsIn(logFile: string): readonly string[] {
  const lines = readFileSync(logFile, "utf8").split("\n");
  return lines.filter((line) => line.includes('"level":"error"'));
}

/** A follower of the present lead: it is told everything and leads nothing at first. */
async function followerOf(net: TestNetwork): Promise<number> {
  const { validators } = net.layout.genesis;
  const primary = (await net.clientOf(0).call("consensus_status")).text("primary");
  const lead = validators.findIndex(({ publicKey }) => toHex(publicKey) === primary);
  const { organisation } = validators[(lead + 1) % validators.length] ?? {};
  return net.layout.nodes.findIndex((place) => place.organisation === organisation);
}

async function expectEqualStates(net: TestNetwork, honest: readonly number[]): Promise<void> {
  await until("honest nodes have the same state", async () => {
    const heads = await Promise.all(honest.map((node) => net.clientOf(node).head()));
    const states = new Set(heads.map(({ header, result }) => `${header.height} ${toHex(result.stateRoot)}`));
    return states.size === 1 ? true : undefined;
  });
}

async function expectAcknowledged(net: TestNetwork, honest: readonly number[], pump: Pump): Promise<void> {
  for (const [id, txId] of pump.acknowledged) {
    const answers = await Promise.all(
      honest.map((node) => net.clientOf(node).waitForReceipt(txId, { timeoutMs: 30_000 })),
    );
    expect(
      answers.map(({ receipt }) => receipt.status),
      id,
    ).toEqual(honest.map(() => "ok"));
    expect(new Set(answers.map(({ height }) => height)).size, id).toBe(1);
  }
}

it("N13: garbage from strangers and lies from a member crash, grow, frame and stop nobody", async () => {
  network = await TestNetwork.start({ nodes: 4, portBase: 28_000 });
  const net = network;
  const pump = new Pump(net, "p");
  pump.start(4);
  await until("some notes are committed", async () => pump.acknowledged.size >= NOTES_BEFORE || undefined);
  const member = await followerOf(net);
  const honest = [0, 1, 2, 3].filter((node) => node !== member);
  const liar = await HostilePeer.inPlaceOf(net, member, new Random(SEED));
  const before = honest.map((node) => residentBytes(net, node));
  const acknowledgedBefore = pump.acknowledged.size;

  const endMs = Date.now() + ATTACK_MS;
  const clients = honest.map((node) => new HostileClient(net, node, new Random(SEED + node)));
  await Promise.all([
    liar.attack(endMs),
    ...clients.map((client) => client.attack(endMs)),
    ...honest.map((node) => pesterPeerPort(net.nodeOf(node).place.p2pPort, new Random(SEED - node), endMs)),
  ]);
  const dead = honest.filter((node) => !net.nodeOf(node).isRunning);
  expect(dead.map((node) => readFileSync(net.nodeOf(node).logFile, "utf8").slice(-2_000))).toEqual([]);
  const growth = honest.map((node, index) => residentBytes(net, node) - (before[index] ?? 0));
  const acknowledgedDuring = pump.acknowledged.size - acknowledgedBefore;
  await liar.stop();
  await pump.stop();

  const figures = {
    growthMiB: growth.map((bytes) => Math.round(bytes / 1_048_576)),
    acknowledgedDuring,
    lies: Object.fromEntries(liar.told),
    refusals: clients.map(({ codes, results }) => ({ results, ...Object.fromEntries(codes) })),
  };
  console.log(JSON.stringify(figures));
  for (const node of honest) expect(errorsIn(net.nodeOf(node).logFile)).toEqual([]);
  for (const bytes of growth) expect(bytes).toBeLessThan(GROWTH_BYTES_MAX);
  for (const { codes, unclear } of clients) {
    expect(unclear).toEqual([]);
    expect([...codes.keys()].filter((code) => catalogueEntry(code) === undefined)).toEqual([]);
    expect(codes.get("RPC_INTERNAL") ?? 0).toBe(0);
  }
  expect(acknowledgedDuring).toBeGreaterThanOrEqual(NOTES_DURING_MIN);
  await expectEqualStates(net, honest);
  await expectAcknowledged(net, honest, pump);
  for (const node of honest) {
    const evidence = (await net.clientOf(node).call("consensus_status")).objects("evidence", (entry) => entry);
    expect(evidence.length, "equivocation is recorded").toBeGreaterThan(0);
    for (const entry of evidence) expect(entry.text("offender")).toBe(liar.name);
  }
}, 240_000);
