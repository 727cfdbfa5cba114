// Four real processes, real libp2p, real LevelDB, and `kill -9`: what was acknowledged is never lost and never done twice.

import { watch } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { STEP_COMMIT } from "../../src/consensus/positions.ts";
import { decodeVoteRecord } from "../../src/consensus/vote-record.ts";
import { quorumSize } from "../../src/ledger/certificate.ts";
import { toHex } from "../../src/ledger/hash.ts";
import { loadKeyFile, voteRecordPath } from "../../src/node/key-file.ts";
import { LedgerStore } from "../../src/store/ledger-store.ts";
import { openLevelStore } from "../../src/store/level-store.ts";
import { openVoteRecordFile } from "../../src/store/vote-record-file.ts";
import { TestNetwork, until } from "./network.ts";
import { Pump } from "./pump.ts";

let network: TestNetwork | undefined;
afterEach(async () => {
  await network?.stop();
  network = undefined;
});

async function heads(net: TestNetwork): Promise<readonly { height: number; stateRoot: string }[]> {
  return Promise.all(
    net.clients.map(async (client) => {
      const { header, result } = await client.head();
      return { height: header.height, stateRoot: toHex(result.stateRoot) };
    }),
  );
}

/** Every node at one height with one state root: the only end that counts. */
async function untilEqual(net: TestNetwork): Promise<{ height: number; stateRoot: string }> {
  return until("all nodes have the same head", async () => {
    const found = await heads(net);
    const first = found[0];
    const isEqual =
      first !== undefined &&
      found.every(({ height, stateRoot }) => height === first.height && stateRoot === first.stateRoot);
    return isEqual ? first : undefined;
  });
}

/** On every node each acknowledged note has one receipt, "ok", at one height. */
async function expectAcknowledgedOnce(net: TestNetwork, pump: Pump): Promise<void> {
  expect(pump.acknowledged.size).toBeGreaterThan(0);
  for (const [id, txId] of pump.acknowledged) {
    const answers = await Promise.all(net.clients.map((client) => client.waitForReceipt(txId, { timeoutMs: 30_000 })));
    expect(
      answers.map(({ receipt }) => receipt.status),
      id,
    ).toEqual(net.clients.map(() => "ok"));
    expect(new Set(answers.map(({ height }) => height)).size, id).toBe(1);
  }
  const blocks = await blocksOf(net);
  const ids = blocks.flat();
  expect(new Set(ids).size, "no transaction stands in two blocks").toBe(ids.length);
}

async function blocksOf(net: TestNetwork): Promise<readonly (readonly string[])[]> {
  const { header } = await net.clientOf(0).head();
  return Promise.all(
    Array.from({ length: header.height }, async (_, index) =>
      (await net.clientOf(0).block(index + 1)).transactionIds.map(toHex),
    ),
  );
}

async function primaryOf(net: TestNetwork): Promise<number> {
  const status = await net.clientOf(0).call("consensus_status");
  const primary = status.text("primary");
  return net.layout.nodes.findIndex(({ organisation }) => {
    const validator = net.layout.genesis.validators.find((entry) => entry.organisation === organisation);
    return validator !== undefined && toHex(validator.publicKey) === primary;
  });
}

describe("kill -9 with real processes", () => {
  it("N10: the other three go on without a killed follower, which catches up to the same state root", async () => {
    network = await TestNetwork.start({ nodes: 4, portBase: 27_000 });
    const pump = new Pump(network, "follower");
    pump.start(4);
    await until("some notes are committed", async () => (pump.acknowledged.size >= 20 ? true : undefined));
    const victim = ((await primaryOf(network)) + 1) % 4;
    await network.nodeOf(victim).kill();
    const before = pump.acknowledged.size;
    await until("the others go on", async () => (pump.acknowledged.size >= before + 40 ? true : undefined));
    network.nodeOf(victim).start();
    await network.untilHealthy([network.nodeOf(victim)]);
    await pump.stop();
    await untilEqual(network);
    await expectAcknowledgedOnce(network, pump);
  });

  it("N11: after the primary is killed a new view commits; nothing is lost, nothing is done twice", async () => {
    network = await TestNetwork.start({ nodes: 4, portBase: 27_200 });
    const pump = new Pump(network, "primary");
    pump.start(4);
    await until("some notes are committed", async () => (pump.acknowledged.size >= 20 ? true : undefined));
    const primary = await primaryOf(network);
    await network.nodeOf(primary).kill();
    const before = pump.acknowledged.size;
    await until("a new primary commits", async () => (pump.acknowledged.size >= before + 40 ? true : undefined));
    network.nodeOf(primary).start();
    await network.untilHealthy([network.nodeOf(primary)]);
    await pump.stop();
    await untilEqual(network);
    await expectAcknowledgedOnce(network, pump);
  });

  it("N12: after all four are killed at once no receipt is lost, and a block prepared before is still the one decided", async () => {
    network = await TestNetwork.start({ nodes: 4, portBase: 27_400 });
    const net = network;
    const pump = new Pump(net, "all");
    pump.start(8);
    let lockedSeen = 0;
    // The instant after a saved vote often falls between PREPARE and commit; each round is a whole power cut either way.
    for (let round = 0; round < 25 && lockedSeen === 0; round += 1) {
      const before = pump.acknowledged.size;
      await until("notes are committed", async () => (pump.acknowledged.size >= before + 20 ? true : undefined));
      await nextSavedVote(net);
      await Promise.all(net.nodes.map((node) => node.kill()));
      const locked = await lockedBlock(net);
      for (const node of net.nodes) node.start();
      await net.untilHealthy(net.nodes);
      if (locked === undefined) continue;
      lockedSeen += 1;
      const decided = await until("the locked height is decided", async () =>
        (await net.clientOf(0).head()).header.height >= locked.height
          ? net.clientOf(0).block(locked.height)
          : undefined,
      );
      expect(toHex(decided.block.blockHash), "the block that enough replicas were locked on").toBe(locked.blockHash);
    }
    expect(lockedSeen, "a kill between PREPARE and commit").toBeGreaterThan(0);
    await pump.stop();
    await untilEqual(net);
    await expectAcknowledgedOnce(net, pump);
  }, 300_000);
});

/** The block above every head that so many replicas are locked on that no quorum can miss it; undefined if there is none. */
async function lockedBlock(net: TestNetwork): Promise<{ height: number; blockHash: string } | undefined> {
  const states = await Promise.all(net.layout.nodes.map((place) => diskOf(place.home, net.layout.genesis.chainId)));
  const highest = Math.max(...states.map(({ headHeight }) => headHeight));
  const count = new Map<string, number>();
  for (const { lock } of states)
    if (lock !== undefined && lock.height === highest + 1)
      count.set(lock.blockHash, (count.get(lock.blockHash) ?? 0) + 1);
  const needed = states.length - quorumSize(states.length) + 1;
  const found = [...count].find(([, locks]) => locks >= needed);
  return found === undefined ? undefined : { height: highest + 1, blockHash: found[0] };
}

/** Resolves as soon as the first node has written to its vote record. */
async function nextSavedVote(net: TestNetwork): Promise<void> {
  const home = net.layout.nodes[0]?.home ?? "";
  const { signer } = await loadKeyFile(join(home, "keys/validator.key"), "validator");
  for await (const _ of watch(voteRecordPath(join(home, "data/votes"), signer.publicKey))) return;
}

async function diskOf(
  home: string,
  chainId: Uint8Array,
): Promise<{ headHeight: number; lock: { height: number; blockHash: string } | undefined }> {
  const { signer } = await loadKeyFile(join(home, "keys/validator.key"), "validator");
  const records = await openVoteRecordFile(voteRecordPath(join(home, "data/votes"), signer.publicKey));
  const store = await openLevelStore(join(home, "data/ledger"));
  try {
    const loaded = await records.load();
    const record = loaded.kind === "found" ? decodeVoteRecord(loaded.bytes) : undefined;
    const headHeight = (await LedgerStore.open({ store, chainId })).head.height;
    if (record?.ok !== true || record.value.lock === undefined || record.value.position?.step !== STEP_COMMIT)
      return { headHeight, lock: undefined };
    return { headHeight, lock: { height: record.value.height, blockHash: toHex(record.value.lock.blockHash) } };
  } finally {
    await records.close();
    await store.close();
  }
}
