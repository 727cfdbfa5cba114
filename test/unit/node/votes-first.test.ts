// What a member's execution of a block waits for, on disks that take less than a turn of the event loop and on such that take many.

import { afterEach, beforeAll, expect, it, vi } from "vitest";
import type { SealedGenesis } from "../../../src/ledger/genesis.ts";
import type { VoteRecordStore } from "../../../src/ports.ts";
import { makeGenesis, VALIDATORS } from "./ledger-fixture.ts";
import { MemberNetwork } from "./network-fixture.ts";

let genesis: SealedGenesis;
let network: MemberNetwork | undefined;
beforeAll(async () => {
  genesis = await makeGenesis();
});
afterEach(async () => {
  await network?.stop();
});

/** A member that says when a vote is on its disk, when a frame leaves, and when it executes a block. */
async function startMember(members: MemberNetwork, index: number, saveMs: number) {
  const key = VALIDATORS[index];
  if (key === undefined) throw new Error("no such validator");
  const happened: string[] = [];
  const disks = members.newDisks(key);
  const records: VoteRecordStore = {
    load: () => disks.records.load(),
    close: () => disks.records.close(),
    save: async (bytes) => {
      if (saveMs > 0) await new Promise((resolve) => setTimeout(resolve, saveMs));
      await disks.records.save(bytes);
      happened.push("saved");
    },
  };
  const peer = members.peer(`peer-${index}`);
  const send = peer.send.bind(peer);
  peer.send = (to, bytes) => {
    // As on a real connection, where frames are gathered for the rest of the turn.
    setImmediate(() => happened.push("sent"));
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

it.each([0, 40])(
  "N250: a vote is on disk and has left before the block it is about is executed: %i ms for each write",
  async (saveMs) => {
    network = new MemberNetwork(genesis);
    const members: Awaited<ReturnType<typeof startMember>>[] = [];
    for (const index of [0, 1, 2]) members.push(await startMember(network, index, saveMs));
    await network.commitNote(members);
    for (const { happened } of members) {
      const before = happened.slice(0, happened.indexOf("executed"));
      expect(before).toContain("saved");
      expect(before.slice(before.indexOf("saved")), "a frame after the vote was saved").toContain("sent");
    }
  },
  60_000,
);
