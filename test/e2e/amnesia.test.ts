// Four real processes; one loses its votes directory and comes back by an operator's word.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { PROGRAM } from "../../src/installation.ts";
import { toHex } from "../../src/ledger/hash.ts";
import { TestNetwork, until } from "./network.ts";

const MAIN = fileURLToPath(PROGRAM);

let network: TestNetwork | undefined;
afterEach(async () => {
  await network?.stop();
  network = undefined;
});

async function linli(...words: readonly string[]): Promise<{ code: number; said: string }> {
  const child = spawn(process.execPath, [MAIN, ...words], { stdio: ["ignore", "pipe", "pipe"] });
  const said = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await once(child, "exit")) as [number];
  return { code, said: (await said).join("") };
}

async function statusOf(net: TestNetwork, node: number) {
  const status = await net.clientOf(node).call("consensus_status");
  return { votes: status.raw("votes"), recovery: status.raw("recovery"), evidence: status.raw("evidence") };
}

describe("a node that lost its votes directory", () => {
  it("N164: votes again after the operator's word, the others' answers and two more blocks; nothing forks", async () => {
    network = await TestNetwork.start({ nodes: 4, portBase: 27_600 });
    const net = network;
    const node = net.nodeOf(3);
    const { home } = node.place;
    await net.write(0, "before");
    expect(await linli("keys", "recover", "--home", home)).toMatchObject({
      code: 1,
      said: expect.stringContaining("STORE_LOCKED"),
    });
    await node.kill();
    expect((await linli("keys", "recover", "--home", home)).said).toMatch(/VOTE_RECORD_PRESENT/);
    await rm(join(home, "data/votes"), { recursive: true });

    // Without the operator's word it only follows.
    node.start();
    await net.untilHealthy([node]);
    expect(await statusOf(net, 3)).toMatchObject({ votes: false, recovery: null });
    await node.kill();
    const refused = await linli("keys", "recover", "--home", home);
    expect(refused).toMatchObject({ code: 1, said: expect.stringContaining("RECOVERY_UNCONFIRMED") });
    const digits = /--confirm ([0-9a-f]{16})/.exec(refused.said)?.[1] ?? "";
    expect(await linli("keys", "recover", "--home", home, "--confirm", digits)).toMatchObject({ code: 0 });
    expect(await readdir(join(home, "data/votes"))).toHaveLength(1);

    node.start();
    await net.untilHealthy([node]);
    const known = await until("the floor is known", async () => {
      const { recovery, votes } = await statusOf(net, 3);
      expect(votes).toBe(false);
      return JSON.stringify(recovery).includes("headNeeded") ? recovery : undefined;
    });
    const { height } = (await net.clientOf(0).head()).header;
    expect(known).toMatchObject({ floorHeight: height + 3, headNeeded: height + 2 });

    // A crash in the middle changes nothing.
    await node.kill();
    node.start();
    await net.untilHealthy([node]);
    expect((await statusOf(net, 3)).recovery).toEqual(known);
    await net.write(0, "first");
    await net.write(1, "second");
    await until("it votes", async () => ((await statusOf(net, 3)).votes === true ? true : undefined));
    expect((await statusOf(net, 3)).recovery).toBeNull();

    // Three of four are needed: without its votes there is no block.
    await net.nodeOf(1).kill();
    const { height: last } = await net.write(3, "with its votes");
    const hashes = await Promise.all(
      [0, 2, 3].map(async (index) =>
        toHex((await until("the block", () => net.clientOf(index).block(last))).block.blockHash),
      ),
    );
    expect(new Set(hashes).size).toBe(1);
    for (const index of [0, 2, 3]) expect((await statusOf(net, index)).evidence).toEqual([]);
  }, 180_000);
});
