import { describe, expect, it } from "vitest";
import { Dialler } from "../../../src/p2p/dialler.ts";
import { Heartbeat } from "../../../src/p2p/heartbeat.ts";
import { peerLimits } from "../../../src/p2p/limits.ts";
import { PeerGate } from "../../../src/p2p/peer-gate.ts";
import type { PeerEndpoint } from "../../../src/ports.ts";
import { ManualClock, TestPeer } from "./support.ts";

const ADDRESSES = ["/ip4/127.0.0.1/tcp/20001"];
const OWN: PeerEndpoint = { peerId: "M", addresses: ADDRESSES };
const HIGH: PeerEndpoint = { peerId: "Z", addresses: ADDRESSES };
const limits = peerLimits({ cutOffMs: 5_000, redialMsMin: 200, redialMsMax: 1_000 });

describe("dialler", () => {
  function dialling(members: readonly PeerEndpoint[]): {
    clock: ManualClock;
    gate: PeerGate;
    dialler: Dialler;
    dialledMs: number[];
    unreachable: string[];
    linked: Set<string>;
    settle: () => Promise<void>;
  } {
    const clock = new ManualClock();
    const gate = new PeerGate({ ownPeerId: "M", members, clock, limits, log: new TestPeer("M").log });
    const dialledMs: number[] = [];
    const linked = new Set<string>();
    const dial = (): Promise<void> => {
      dialledMs.push(clock.monotonicMs());
      return Promise.reject(new Error("nobody there"));
    };
    const unreachable: string[] = [];
    const onUnreachable = ({ peerId }: PeerEndpoint): void => {
      unreachable.push(peerId);
    };
    const dialler = new Dialler({ clock, limits, gate, linked: (peer) => linked.has(peer), dial, onUnreachable });
    return {
      clock,
      gate,
      dialler,
      dialledMs,
      unreachable,
      linked,
      settle: () => new Promise((resolve) => setImmediate(resolve)),
    };
  }

  async function pass(clock: ManualClock, settle: () => Promise<void>, ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 100) {
      clock.advance(100);
      await settle();
    }
  }

  it("tries for ever, with pauses that grow up to their bound, and says once that nobody is there", async () => {
    const { clock, dialler, dialledMs, unreachable, settle } = dialling([OWN, HIGH]);
    dialler.refresh();
    await settle();
    await pass(clock, settle, 60_000);
    expect(dialledMs.slice(0, 6)).toEqual([0, 200, 600, 1_400, 2_400, 3_400]);
    expect(dialledMs.length).toBeGreaterThan(55);
    expect(unreachable).toEqual(["Z"]);
  });

  it("is quick again after the peer was there", async () => {
    const { clock, dialler, dialledMs, linked, settle } = dialling([OWN, HIGH]);
    dialler.refresh();
    await settle();
    await pass(clock, settle, 10_000);
    linked.add("Z");
    dialler.onReady("Z");
    const before = dialledMs.length;
    await pass(clock, settle, 5_000);
    expect(dialledMs.length).toBe(before);
    linked.delete("Z");
    dialler.onLost("Z");
    await pass(clock, settle, 200);
    expect(dialledMs.length).toBe(before + 1);
  });

  it("waits while the peer is cut off, and after a HELLO that did not agree", async () => {
    const { clock, gate, dialler, dialledMs, settle } = dialling([OWN, HIGH]);
    gate.cutOff("Z", "FLOOD");
    dialler.refresh();
    await pass(clock, settle, 4_900);
    expect(dialledMs).toEqual([]);
    await pass(clock, settle, 100);
    expect(dialledMs).toEqual([5_000]);
    dialler.onLost("Z", 10_000);
    await pass(clock, settle, 9_900);
    expect(dialledMs.length).toBe(1);
    await pass(clock, settle, 200);
    expect(dialledMs.length).toBe(2);
  });

  it("dials new members and new addresses, leaves those who left, and stops", async () => {
    const { clock, gate, dialler, dialledMs, settle } = dialling([OWN]);
    dialler.refresh();
    gate.setMembers([OWN, { peerId: "Z", addresses: [] }]);
    dialler.refresh();
    await pass(clock, settle, 1_000);
    expect(dialledMs).toEqual([]);
    gate.setMembers([OWN, HIGH]);
    dialler.refresh();
    await pass(clock, settle, 500);
    expect(dialledMs[0]).toBe(1_000);
    gate.setMembers([OWN]);
    dialler.refresh();
    const before = dialledMs.length;
    await pass(clock, settle, 5_000);
    expect(dialledMs.length).toBe(before);
    gate.setMembers([OWN, HIGH]);
    dialler.refresh();
    dialler.stop();
    await pass(clock, settle, 5_000);
    expect(dialledMs.length).toBe(before + 1);
  });
});

describe("heartbeat", () => {
  function beating(answers: (beat: number) => boolean): {
    clock: ManualClock;
    heartbeat: Heartbeat;
    dead: () => boolean;
  } {
    const clock = new ManualClock();
    let died = false;
    const heartbeat: Heartbeat = new Heartbeat({
      clock,
      limits: peerLimits({ heartbeatMs: 1_000, missedBeatsMax: 5 }),
      sendPing: (beat) => {
        if (answers(beat)) clock.setTimer(40, () => heartbeat.onPong(beat));
      },
      onBeat: () => undefined,
      onDead: () => {
        died = true;
        heartbeat.stop();
      },
    });
    heartbeat.start();
    return { clock, heartbeat, dead: () => died };
  }

  it("measures the round trip", () => {
    const { clock, heartbeat, dead } = beating(() => true);
    expect(heartbeat.roundTripMs).toBeUndefined();
    clock.advance(60_000);
    expect([heartbeat.roundTripMs, dead()]).toEqual([40, false]);
  });

  it("gives the peer up after the beats it may miss, not before", () => {
    const { clock, dead } = beating(() => false);
    clock.advance(4_999);
    expect(dead()).toBe(false);
    clock.advance(1);
    expect(dead()).toBe(true);
  });

  it("forgives lost answers when a later one comes", () => {
    const { clock, dead } = beating((beat) => beat % 4 === 0);
    clock.advance(60_000);
    expect(dead()).toBe(false);
  });

  it("does not take answers nobody asked for", () => {
    const { clock, heartbeat, dead } = beating(() => false);
    heartbeat.onPong(4_000_000_000);
    clock.advance(5_000);
    expect([heartbeat.roundTripMs, dead()]).toEqual([undefined, true]);
  });
});
