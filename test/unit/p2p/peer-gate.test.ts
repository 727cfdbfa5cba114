import { describe, expect, it } from "vitest";
import { peerLimits } from "../../../src/p2p/limits.ts";
import { PeerGate, type PeerGateOptions } from "../../../src/p2p/peer-gate.ts";
import type { PeerEndpoint } from "../../../src/ports.ts";
import { ManualClock, TestPeer } from "./support.ts";

const ADDRESSES = ["/ip4/127.0.0.1/tcp/20001"];
const LOW: PeerEndpoint = { peerId: "A", addresses: ADDRESSES };
const OWN: PeerEndpoint = { peerId: "M", addresses: ADDRESSES };
const HIGH: PeerEndpoint = { peerId: "Z", addresses: ADDRESSES };
const limits = peerLimits({
  faultsMax: 3,
  faultForgivenMs: 1_000,
  cutOffMs: 5_000,
});

function gateOptions(clock = new ManualClock(), log = new TestPeer("M")): Omit<PeerGateOptions, "members"> {
  return { ownPeerId: "M", clock, limits, log: log.log };
}

function gateWith(members: readonly PeerEndpoint[], clock = new ManualClock()): { gate: PeerGate; log: TestPeer } {
  const log = new TestPeer("M");
  return { gate: new PeerGate({ ...gateOptions(clock, log), members }), log };
}

describe("limits", () => {
  it("P1: relations between bounds hold when some are replaced", () => {
    expect(() => peerLimits({ frameBytesMax: 9_000_000 })).toThrow("P1");
    expect(() => peerLimits({ answerBytesMax: 64_000_000 })).toThrow("P1");
    expect(() => peerLimits({ gossipBytesMax: 64_000_000 })).toThrow("P1");
    expect(peerLimits({ cutOffMs: 1 }).cutOffMs).toBe(1);
  });
});

describe("peer gate", () => {
  it("admits members and nobody else, ourselves not counted", () => {
    const { gate } = gateWith([LOW, OWN, HIGH]);
    expect(gate.members().map(({ peerId }) => peerId)).toEqual(["A", "Z"]);
    expect(["A", "Z", "M", "X"].map((peer) => gate.admits(peer))).toEqual([true, true, false, false]);
    gate.setMembers([OWN, HIGH]);
    expect(["A", "Z"].map((peer) => gate.admits(peer))).toEqual([false, true]);
  });

  it.each([
    ["the lower id dials", OWN, [false, true]],
    ["who is no member in its own eyes yet dials everybody", undefined, [true, true]],
    ["who has no address dials everybody", { peerId: "M", addresses: [] }, [true, true]],
  ])("says who dials: %s", (_, own, dials) => {
    const { gate } = gateWith(own === undefined ? [LOW, HIGH] : [LOW, own, HIGH]);
    expect(["A", "Z"].map((peer) => gate.dials(peer))).toEqual(dials);
  });

  it("does not dial who has no address or is no member", () => {
    const { gate } = gateWith([OWN, { peerId: "Z", addresses: [] }]);
    expect(["Z", "Y"].map((peer) => gate.dials(peer))).toEqual([false, false]);
  });

  it("P7: dials where it is told, and nobody who is no member", () => {
    const addresses = { A: ["/a"], Z: ["/z"], X: ["/x"], M: ["/m"] };
    const options = { ...gateOptions(), members: [LOW, OWN, { peerId: "Z", addresses: [] }], addresses };
    const gate = new PeerGate(options);
    expect(gate.members()).toEqual([
      { peerId: "A", addresses: ["/a"] },
      { peerId: "Z", addresses: ["/z"] },
    ]);
    expect(["A", "Z", "X"].map((peer) => gate.dials(peer))).toEqual([false, true, false]);
    expect(gate.admits("X")).toBe(false);
  });

  it("P6: keeps the same one of two dials that crossed on both sides, in whatever order they arrive", () => {
    const low = new PeerGate({ ...gateOptions(), ownPeerId: "A", members: [OWN, LOW] });
    const high = new PeerGate({ ...gateOptions(), ownPeerId: "M", members: [OWN, LOW] });
    for (const lowDialFirst of [true, false]) {
      const lowKeepsFirst = low.keepsExisting("M", { existingByUs: lowDialFirst, newByUs: !lowDialFirst });
      const highKeepsFirst = high.keepsExisting("A", { existingByUs: !lowDialFirst, newByUs: lowDialFirst });
      expect([lowKeepsFirst, highKeepsFirst]).toEqual([lowDialFirst, lowDialFirst]);
    }
  });

  it("prefers the newer of two connections dialled by the same side", () => {
    const { gate } = gateWith([LOW, OWN, HIGH]);
    for (const peer of ["A", "Z"]) {
      for (const byUs of [true, false])
        expect(gate.keepsExisting(peer, { existingByUs: byUs, newByUs: byUs })).toBe(false);
    }
  });

  it("P2: cuts off after too many faults, for a while, and starts with a clean sheet", () => {
    const clock = new ManualClock();
    const { gate, log } = gateWith([OWN, HIGH], clock);
    expect([1, 2, 3].map(() => gate.countFault("Z", "FAULT"))).toEqual([false, false, true]);
    expect([gate.admits("Z"), gate.cutOffUntilMs("Z")]).toEqual([false, 5_000]);
    expect(gate.countFault("Z", "FAULT")).toBe(false);
    expect(log.logged("peer cut off", "FAULT")).toBe(1);
    clock.advance(5_000);
    expect([gate.admits("Z"), gate.cutOffUntilMs("Z")]).toEqual([true, undefined]);
    expect(gate.countFault("Z", "FAULT")).toBe(false);
  });

  it("forgives faults with time", () => {
    const clock = new ManualClock();
    const { gate } = gateWith([OWN, HIGH], clock);
    for (let index = 0; index < 50; index += 1) {
      expect(gate.countFault("Z", "FAULT")).toBe(false);
      clock.advance(1_000);
    }
  });

  it("keeps a cut-off when the members are set again, and knows no faults of strangers", () => {
    const { gate } = gateWith([OWN, HIGH]);
    gate.cutOff("Z", "FLOOD");
    gate.cutOff("X", "FLOOD");
    gate.setMembers([OWN, HIGH, LOW]);
    expect([gate.admits("Z"), gate.countFault("X", "FAULT")]).toEqual([false, false]);
  });
});
