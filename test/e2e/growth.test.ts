// A network of four becomes one of eight, by governance alone: real processes; newcomers know each other only by their node.yaml.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { LinliClient } from "../../src/client/client.ts";
import { PROGRAM } from "../../src/installation.ts";
import type { Value } from "../../src/ledger/codec.ts";
import { connect } from "../../src/node/commands/connect.ts";
import { handIn } from "../../src/node/commands/hand-in.ts";
import { NodeProcess } from "../../src/node/devnet/processes.ts";
import { createFollower, type NodePlace } from "../../src/node/devnet/setup.ts";
import { verifyNative } from "../../src/node/ed25519-native.ts";
import { createKeyFile, loadKeyFile } from "../../src/node/key-file.ts";
import { TestNetwork, until } from "./network.ts";

const MAIN = fileURLToPath(PROGRAM);
const FOUNDERS = ["property", "street", "provider", "government"];
const NEWCOMERS = ["committee", "residents", "auditor", "bank"];
const PORT_BASE = 29_400;
const CATCH_UP_MS_MAX = 120_000;

let home: string;
let network: TestNetwork;
const newcomers: NodeProcess[] = [];

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "linli-growth-"));
  const accounts = await Promise.all(
    [...FOUNDERS, ...NEWCOMERS].map(async (organisation) => {
      const id = `${organisation}-admin`;
      const { signer } = await createKeyFile(keyOf(organisation), { kind: "account", account: id });
      return { id, organisation, roles: ["admin"], suite: signer.suite, publicKey: signer.publicKey };
    }),
  );
  network = await TestNetwork.start({ nodes: FOUNDERS.length, portBase: PORT_BASE, accounts });
}, 120_000);
afterAll(async () => {
  await Promise.all(newcomers.map((node) => node.kill()));
  await network.stop();
  rmSync(home, { recursive: true });
});

const keyOf = (organisation: string) => join(home, `${organisation}.key`);

/** A call by an organisation's administrator; the number of its seat is added where one is asked for. */
async function call(organisation: string, contract: string, action: string, args: Record<string, Value>) {
  const connection = await connect({ url: network.nodeOf(0).url, genesis: network.layout.genesisFile });
  const seated = contract === "governance" && !action.startsWith("enact");
  const said = { contract, action, args: seated ? { ...args, seat: await seatOf(organisation) } : args };
  const key = await loadKeyFile(keyOf(organisation), "account");
  await handIn(connection, key, { calls: [said], gasLimit: 200_000 });
}

async function seatOf(organisation: string): Promise<number> {
  for (let seat = 0; seat < FOUNDERS.length + NEWCOMERS.length; seat += 1) {
    const { row } = await network.clientOf(0).stateGet({ contract: "governance", table: "seat", key: [seat] });
    if (row?.fields.organisation === organisation) return seat;
  }
  throw new Error(`${organisation} has no seat`);
}

/** Proposed by the street office, approved by all that have a seat, in force. */
async function govern(kind: string, id: string, seated: readonly string[], args: Record<string, Value>) {
  await call("street", "governance", `propose_${kind}`, { id, ...args });
  for (const organisation of seated) await call(organisation, "governance", "approve", { proposal: id });
  await call("street", "governance", `enact_${kind}`, { proposal: id });
}

it("P7: four nodes that came after the genesis get seats one by one, and six of eight decide while two are down", async () => {
  const places: readonly NodePlace[] = NEWCOMERS.map((organisation, index) => ({
    organisation,
    home: join(network.layout.directory, organisation),
    p2pPort: PORT_BASE + 10 + index,
    rpcPort: PORT_BASE + 110 + index,
  }));
  const peers: string[] = [];
  for (const place of places) peers.push(`${await createFollower(place)}`);
  const seated = [...FOUNDERS];
  await network.write(0, "first");
  for (const [index, place] of places.entries()) {
    const { organisation } = place;
    const peer = peers[index] ?? "";
    await govern("observer", `observer-${index}`, seated, { organisation, peer });
    tellAddresses(place, places.slice(0, index), peers);
    const node = new NodeProcess(place);
    newcomers.push(node);
    node.start();
    await node.untilHealthy(CATCH_UP_MS_MAX);
    const { signer } = await loadKeyFile(validatorKeyOf(place), "validator");
    const account = `${organisation}-node`;
    await call(organisation, "registry", "enrol_staff", { id: account, role: "node", key: signer.publicKey });
    const seat = `seat-${index}`;
    await call("street", "governance", "propose_seat", { id: seat, organisation, key: signer.publicKey, peer });
    for (const voice of seated) await call(voice, "governance", "approve", { proposal: seat });
    await sayReady(place, account, seat);
    await call("street", "governance", "enact_seat", { proposal: seat });
    seated.push(organisation);
    const client = clientOf(node);
    await until(`${organisation} votes`, async () => {
      const { json } = await client.call("consensus_status");
      return JSON.stringify(json).includes('"votes":true') ? true : undefined;
    });
    expect((await network.write(index % 4, `with-${organisation}`)).receipt.status).toBe("ok");
  }

  await network.nodeOf(2).kill();
  await newcomers[1]?.kill();
  const { height } = await network.write(0, "six-of-eight");
  for (const node of [newcomers[0], newcomers[2], newcomers[3]]) {
    if (node === undefined) throw new Error("no newcomer");
    const client = clientOf(node);
    await until("a newcomer is connected to the other five", async () =>
      (await connectedOf(client)) === 5 ? true : undefined,
    );
    await until("a newcomer has the block", async () =>
      (await client.head()).header.height >= height ? true : undefined,
    );
  }
}, 600_000);

/** The command that an operator gives on the newcomer's machine. It refuses while the node is behind. */
async function sayReady(place: NodePlace, account: string, proposal: string): Promise<void> {
  const words = ["tx", "ready", "--key", validatorKeyOf(place), "--account", account, "--proposal", proposal];
  const where = ["--node", `http://127.0.0.1:${place.rpcPort}`, "--url", network.nodeOf(0).url];
  const all = [MAIN, ...words, ...where, "--genesis", network.layout.genesisFile];
  await until(`${place.organisation} is ready`, async () => {
    const { status } = spawnSync(process.execPath, all, { encoding: "utf8" });
    return status === 0 ? true : undefined;
  });
}

const validatorKeyOf = (place: NodePlace) => join(place.home, "keys/validator.key");

async function connectedOf(client: LinliClient): Promise<number> {
  const { peers } = (await client.call("consensus_status")).json as { peers: readonly { connected: boolean }[] };
  return peers.filter(({ connected }) => connected).length;
}

function clientOf(node: NodeProcess): LinliClient {
  return new LinliClient({ url: node.url, genesis: network.layout.genesis, verify: verifyNative });
}

/** The genesis file tells the founders' addresses only. */
function tellAddresses(place: NodePlace, before: readonly NodePlace[], peers: readonly string[]): void {
  const file = join(place.home, "node.yaml");
  const lines = before.map(({ p2pPort }, index) => `    ${peers[index]}: ["/ip4/127.0.0.1/tcp/${p2pPort}"]\n`);
  if (lines.length === 0) return;
  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.replace("p2p:\n", `p2p:\n  addresses:\n${lines.join("")}`));
}
