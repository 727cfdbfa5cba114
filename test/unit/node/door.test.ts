// The door of a node: transactions that come together are judged one by one and signed for once.

import { afterEach, describe, expect, it } from "vitest";
import { receivedSigningBytes } from "../../../src/ledger/format-transaction.ts";
import type { Transaction } from "../../../src/ledger/types.ts";
import { Door } from "../../../src/node/door.ts";
import { verifyNative } from "../../../src/node/ed25519-native.ts";
import { makeGenesis, noteBatch, VALIDATORS } from "./ledger-fixture.ts";
import { MemberNetwork } from "./network-fixture.ts";

const genesis = await makeGenesis();
const key = VALIDATORS[0]!;
let network: MemberNetwork;
afterEach(() => network.stop());

describe("the door", () => {
  it("A127: signs once for what it took of a call, in the order of the call, and for what it had taken before", async () => {
    network = new MemberNetwork(genesis);
    const { participant } = await network.start(key, "peer-0");
    const door = new Door({ participant, genesis, key });
    const nowMs = Math.floor(network.clock.nowMs());
    const note = (id: string, validUntilMs = nowMs + 60_000): Transaction =>
      noteBatch(genesis, { id, sequence: 1, validUntilMs }).transactions[0]!;
    const [first, late, second] = [note("first"), note("late", nowMs - 1), note("second")];
    const forged = second.bytes.slice();
    forged[forged.length - 1]! ^= 1;
    const { outcomes, received } = door.submitMany([first.bytes, late.bytes, forged, second.bytes, first.bytes]);
    expect(outcomes.map((outcome) => (outcome.ok ? outcome.txId : outcome.error))).toMatchObject([
      first.id,
      { code: "TX_EXPIRED" },
      { code: "TX_SIGNATURE" },
      second.id,
      first.id,
    ]);
    expect(received?.txIds).toEqual([first.id, second.id, first.id]);
    const message = receivedSigningBytes({ chainId: genesis.chainId, ...received! });
    expect(verifyNative(1, key.publicKey, message, received!.signature)).toBe(true);
    expect(participant.mempool.size).toBe(2);
    expect(door.submitMany([late.bytes]).received).toBeUndefined();
    expect(door.submit(first.bytes).txIds).toEqual([first.id]);
    expect(() => door.submit(late.bytes)).toThrow("TX_EXPIRED");
  });
});
