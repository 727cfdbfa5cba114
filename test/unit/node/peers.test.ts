// Who may connect follows the ledger, over the real port in its deterministic form.

import { describe, expect, it } from "vitest";
import { toHex } from "../../../src/ledger/hash.ts";
import { memberEndpoints, Peers } from "../../../src/node/peers.ts";
import { MemoryHub } from "../../../src/p2p/memory-network.ts";
import { CHAIN_ID, SILENT, StillClock, signerOf } from "./support.ts";

const seat = (seed: number) => ({
  organisation: `o${seed}`,
  suite: 1,
  publicKey: signerOf(seed).publicKey,
  peerId: `peer-${seed}`,
});
const endpoint = (seed: number) => ({ peerId: `peer-${seed}`, addresses: [`/ip4/127.0.0.1/tcp/${26_000 + seed}`] });
/** four seats, and an observer without one */
const GENESIS = { validators: [1, 2, 3, 4].map(seat), endpoints: [1, 2, 3, 4, 9].map(endpoint) };
const NOBODY: readonly string[] = [];
const idsOf = (members: readonly { readonly peerId: string }[]) => members.map(({ peerId }) => peerId).sort();

describe("members", () => {
  it("N74: validators in office and peers that never had a seat may connect; one who lost the seat may not", () => {
    expect(idsOf(memberEndpoints(GENESIS, GENESIS.validators, []))).toEqual([
      "peer-1",
      "peer-2",
      "peer-3",
      "peer-4",
      "peer-9",
    ]);
    const members = memberEndpoints(GENESIS, [1, 2, 3, 5].map(seat), []);
    expect(idsOf(members)).toEqual(["peer-1", "peer-2", "peer-3", "peer-5", "peer-9"]);
    expect(members.find(({ peerId }) => peerId === "peer-5")?.addresses, "a newcomer dials").toEqual([]);
  });

  it("N75: a block that changes the seats admits the newcomer, and the leaver until the next change", () => {
    const network = new MemoryHub(new StillClock()).create({
      peerId: "peer-1",
      chainId: CHAIN_ID,
      configHash: CHAIN_ID,
      software: "test/1",
      members: [],
      clock: new StillClock(),
      log: SILENT,
    });
    const admitted: string[][] = [];
    const watched = new Proxy(network, {
      get: (target, name) =>
        name === "setMembers"
          ? (members: readonly { peerId: string }[]) => admitted.push(idsOf(members))
          : Reflect.get(target, name),
    });
    const peers = new Peers({
      network: watched,
      ownKey: toHex(signerOf(1).publicKey),
      genesis: GENESIS,
      validators: GENESIS.validators,
      observers: NOBODY,
    });
    peers.follow([...GENESIS.validators], NOBODY);
    expect(admitted, "nothing changed").toEqual([["peer-1", "peer-2", "peer-3", "peer-4", "peer-9"]]);
    peers.follow([1, 2, 3, 5].map(seat), NOBODY);
    expect(admitted.at(-1)).toEqual(["peer-1", "peer-2", "peer-3", "peer-4", "peer-5", "peer-9"]);
    expect(peers.keyOf("peer-5")).toBe(toHex(signerOf(5).publicKey));
    peers.follow([1, 2, 5, 6].map(seat), NOBODY);
    expect(admitted.at(-1)).toEqual(["peer-1", "peer-2", "peer-3", "peer-5", "peer-6", "peer-9"]);

    // N227: observers come and go without a change of the seats. N228: they ask as one.
    const before = [1, 2, 5, 6].map(seat);
    peers.follow(before, ["peer-7", "peer-8"]);
    expect(admitted.at(-1)).toEqual([1, 2, 5, 6, 7, 8, 9].map((seed) => `peer-${seed}`));
    expect(["peer-7", "peer-9", "peer-4", "peer-3"].map((peer) => peers.askerOf(peer))).toEqual([
      "followers",
      "followers",
      toHex(signerOf(4).publicKey),
      toHex(signerOf(3).publicKey),
    ]);
    expect([peers.keyOf("peer-7"), peers.askerOf("peer-10")]).toEqual([undefined, undefined]);
    peers.follow(before, ["peer-8"]);
    expect(admitted.at(-1)).toEqual([1, 2, 5, 6, 8, 9].map((seed) => `peer-${seed}`));
    expect(peers.askerOf("peer-7")).toBeUndefined();
  });
});
