// Whole members against one that plays its own game: what a validator may do to the others without breaking a rule.

import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { encodeSuspect } from "../../../src/consensus/messages.ts";
import { suspectSigningBytes } from "../../../src/consensus/view-formats.ts";
import { encode } from "../../../src/ledger/codec.ts";
import { validatorsHashOf } from "../../../src/ledger/format-cluster.ts";
import type { SealedGenesis } from "../../../src/ledger/genesis.ts";
import { makeGenesis, noteBatch, VALIDATORS } from "./ledger-fixture.ts";
import { MemberNetwork } from "./network-fixture.ts";

let genesis: SealedGenesis;
let network: MemberNetwork;
beforeAll(async () => {
  genesis = await makeGenesis();
});
afterEach(() => network.stop());

function keyOf(index: number) {
  const key = VALIDATORS[index];
  if (key === undefined) throw new Error("no such validator");
  return key;
}

describe("a member that withholds its batches", () => {
  it("C70: from the primary, and suspects it at once, deposes nobody", async () => {
    network = new MemberNetwork(genesis);
    const members = await Promise.all([0, 1, 2].map((index) => network.start(keyOf(index), `peer-${index}`)));
    const validUntilMs = Math.floor(network.clock.nowMs()) + 60_000;
    const batch = noteBatch(genesis, { id: "withheld", sequence: 1, validUntilMs });
    const liar = network.peer("peer-3");
    await liar.start({
      onFrame: () => undefined,
      onGossip: () => undefined,
      onRequest: async (_protocol, peer) => encode(peer === "peer-0" ? [] : [batch.bytes]),
      onPeerChanged: (peer) => {
        const place = { chainId: genesis.chainId, validatorsHash: validatorsHashOf(genesis.validators) };
        const suspect = { height: 1, view: 0, waitingFor: [] };
        const signature = keyOf(3).sign(suspectSigningBytes({ ...place, ...suspect }));
        liar.send(peer, encodeSuspect(1, 0, { signer: 3, waitingFor: [], signature }));
      },
    });
    await vi.waitFor(() => expect(members.map(({ chain }) => chain.head.height)).toEqual([1, 1, 1]), {
      timeout: 20_000,
    });
    expect(members.map(({ chain }) => chain.head.certificateView)).toEqual([0, 0, 0]);
    await liar.stop();
  }, 30_000);
});
