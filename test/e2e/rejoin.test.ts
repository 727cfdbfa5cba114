// A member that lost its ledger comes back by a snapshot: real processes, real disks, its vote record kept.

import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { toHex } from "../../src/ledger/hash.ts";
import { TestNetwork, until } from "./network.ts";

/** Blocks before the loss: LINLI_REJOIN_BLOCKS=3000 to measure, and then the figures are printed. */
const BLOCKS = Number(process.env.LINLI_REJOIN_BLOCKS ?? 60);
const EVERY = Math.ceil(BLOCKS / 3);
let network: TestNetwork | undefined;

afterEach(async () => {
  await network?.stop();
  network = undefined;
});

async function headOf(net: TestNetwork, node: number) {
  const { header, blockHash } = await net.clientOf(node).head();
  return { height: header.height, blockHash: toHex(blockHash) };
}

/** Kills a member, takes its ledger away, starts it and waits until it is where the others are. @returns ms from its start */
async function loseLedger(net: TestNetwork, node: number): Promise<number> {
  const { home } = net.nodeOf(node).place;
  await net.nodeOf(node).kill();
  await rm(join(home, "data", "ledger"), { recursive: true });
  const { height, blockHash } = await headOf(net, 0);
  net.nodeOf(node).start();
  const startedMs = Date.now();
  const isThere = async () => ((await headOf(net, node)).height >= height ? true : undefined);
  await until("the member is where the others are", isThere, 1_800_000);
  expect((await headOf(net, node)).blockHash).toBe(blockHash);
  return Date.now() - startedMs;
}

describe("a member without its ledger", () => {
  it("N146: rejoins by a snapshot or by blocks, says what it does not have, and votes again", {
    timeout: 3_600_000,
  }, async () => {
    const extraConfig = `snapshots: {everyHeights: ${EVERY}, fetchWhenBehind: ${EVERY}}`;
    network = await TestNetwork.create({ nodes: 4, portBase: 27_800, extraConfig });
    const net = network;
    await net.begin();
    const startedMs = Date.now();
    for (let note = 0; note < BLOCKS; note += 1) await net.write(note % 4, `before-${note}`);
    const creationMs = Date.now() - startedMs;
    const before = await headOf(net, 0);

    const bySnapshotMs = await loseLedger(net, 3);
    await expect(net.clientOf(3).block(3)).rejects.toThrow("BLOCK_PRUNED");

    // The other one is told to fetch blocks: the member that came by a snapshot refuses them, and two others have them.
    const configFile = join(net.nodeOf(2).place.home, "node.yaml");
    const config = await readFile(configFile, "utf8");
    await writeFile(configFile, config.replace(`fetchWhenBehind: ${EVERY}`, "fetchWhenBehind: 1000000000"));
    const byBlocksMs = await loseLedger(net, 2);
    expect((await net.clientOf(2).block(3)).block.header.height).toBe(3);

    // Three of four can only commit with the votes of both that came back.
    await net.nodeOf(0).kill();
    const receipt = await net.write(3, "with-their-votes");
    expect(receipt.height).toBeGreaterThan(before.height);
    if (process.env.LINLI_REJOIN_BLOCKS !== undefined)
      console.info(JSON.stringify({ blocks: before.height, creationMs, bySnapshotMs, byBlocksMs }));
  });
});
