// Members whose disks take longer for a vote than the machine takes for its next turn: what waits for what then.

import { afterEach, beforeAll, expect, it, vi } from "vitest";
import { buildTransaction } from "../../../src/client/transaction.ts";
import { decodeTransaction } from "../../../src/ledger/format-transaction.ts";
import type { SealedGenesis } from "../../../src/ledger/genesis.ts";
import type { VoteRecordStore } from "../../../src/ports.ts";
import { makeGenesis, VALIDATORS } from "./ledger-fixture.ts";
import { MemberNetwork } from "./network-fixture.ts";

const SAVE_MS = 40;

let genesis: SealedGenesis;
let network: MemberNetwork | undefined;
beforeAll(async () => {
  genesis = await makeGenesis();
});
afterEach(async () => {
  await network?.stop();
});

/** A member that says when a vote is on its disk, when a frame leaves, and when it executes a block. */
async function startSlowMember(members: MemberNetwork, index: number) {
  const key = VALIDATORS[index];
  if (key === undefined) throw new Error("no such validator");
  const happened: string[] = [];
  const disks = members.newDisks(key);
  const records: VoteRecordStore = {
    load: () => disks.records.load(),
    close: () => disks.records.close(),
    save: async (bytes) => {
      await new Promise((resolve) => setTimeout(resolve, SAVE_MS));
      await disks.records.save(bytes);
      happened.push("saved");
    },
  };
  const peer = members.peer(`peer-${index}`);
  const send = peer.send.bind(peer);
  peer.send = (to, bytes) => {
    happened.push("sent");
    return send(to, bytes);
  };
  const member = await members.start(key, `peer-${index}`, { disks: { ...disks, records }, network: peer });
  const execute = member.chain.execute.bind(member.chain);
  vi.spyOn(member.chain, "execute").mockImplementation((block) => {
    happened.push("executed");
    return execute(block);
  });
  return { ...member, happened };
}

it("N250: a vote is on disk and has left before the block it is about is executed, however slow the disk", async () => {
  network = new MemberNetwork(genesis);
  const members: Awaited<ReturnType<typeof startSlowMember>>[] = [];
  for (const index of [0, 1, 2]) members.push(await startSlowMember(network, index));
  const [author] = VALIDATORS;
  const { bytes } = buildTransaction({
    chainId: genesis.chainId,
    signers: [{ account: "clerk-0", signer: author! }],
    nonce: 1,
    validUntilMs: Math.floor(network.clock.nowMs()) + 60_000,
    gasLimit: 1_000_000,
    calls: [{ contract: "notes", action: "write", args: { id: "note", text: "x" } }],
  });
  const transaction = decodeTransaction(bytes);
  if (!transaction.ok) throw new Error(transaction.code);
  members[0]!.participant.offer(transaction.value);
  await vi.waitFor(
    () => {
      for (const { chain } of members) expect(chain.replay.has(transaction.value.id)).toBe(true);
    },
    { timeout: 20_000, interval: 10 },
  );
  for (const { happened } of members) {
    const before = happened.slice(0, happened.indexOf("executed"));
    expect(before).toContain("saved");
    expect(before.slice(before.indexOf("saved")), "a frame after the vote was saved").toContain("sent");
  }
}, 60_000);
