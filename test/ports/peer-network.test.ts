// What every PeerNetwork does, whichever carries it: libp2p over real sockets, or the hub inside one process.

import { afterEach, describe, expect, it } from "vitest";
import type { LedgerError } from "../../src/errors.ts";
import type { PeerEndpoint } from "../../src/ports.ts";
import {
  bytesOf,
  openTown,
  type SeatOptions,
  type TestPeer,
  type Town,
  type TownKind,
  textOf,
  until,
  untilConnected,
} from "../unit/p2p/support.ts";

const KINDS: readonly TownKind[] = ["memory", "libp2p"];
const KIB = 1_024;

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "none",
    (error: LedgerError) => error.code,
  );
}

describe.each(KINDS)("peer network on %s", (kind) => {
  let town: Town;

  async function pair(options: readonly [SeatOptions, SeatOptions] = [{}, {}]): Promise<[TestPeer, TestPeer]> {
    town = await openTown(kind, 2);
    const peers: [TestPeer, TestPeer] = [await town.start(0, options[0]), await town.start(1, options[1])];
    await untilConnected(...peers);
    return peers;
  }

  async function trio(options: SeatOptions = {}): Promise<[TestPeer, TestPeer, TestPeer]> {
    town = await openTown(kind, 3);
    const peers: [TestPeer, TestPeer, TestPeer] = [
      await town.start(0, options),
      await town.start(1, options),
      await town.start(2, options),
    ];
    await untilConnected(...peers);
    return peers;
  }

  afterEach(async () => {
    await town.stopAll();
  });

  it("delivers the frames of a peer whole and in order, both ways", async () => {
    const [a, b] = await pair();
    const sizes = [1, 7, 200, 5_000, 70_000, 300_000];
    const sent: string[] = [];
    for (let index = 0; index < 400; index += 1) {
      const text = `${index} ${"x".repeat(index % 40 === 0 ? (sizes[(index / 40) % sizes.length] ?? 0) : index)}`;
      sent.push(text);
      expect(a.network.send(b.peerId, bytesOf(text))).toBe(true);
      expect(b.network.send(a.peerId, bytesOf(text))).toBe(true);
    }
    await until(() => b.count("frame", a) === sent.length && a.count("frame", b) === sent.length, "all frames");
    expect(b.texts("frame")).toEqual(sent);
    expect(a.texts("frame")).toEqual(sent);
  });

  it("says that a peer is connected before it hands over its first frame", async () => {
    const [a, b] = await pair();
    a.network.send(b.peerId, bytesOf("first"));
    await until(() => b.count("frame", a) === 1, "the frame");
    expect(b.events.map(({ kind }) => kind)).toEqual(["connected", "frame"]);
  });

  it("hands over frames that the receiver may keep", async () => {
    const [a, b] = await pair();
    for (const text of ["one", "two", "three"]) a.network.send(b.peerId, bytesOf(text));
    await until(() => b.count("frame", a) === 3, "three frames");
    const kept = b.events.flatMap((event) => (event.kind === "frame" ? [event.bytes] : []));
    kept[0]?.fill(0);
    expect(kept.map(textOf).slice(1)).toEqual(["two", "three"]);
  });

  it("refuses to send to a peer that is away, and frames above the limit", async () => {
    town = await openTown(kind, 2);
    const a = await town.start(0, { limits: { frameBytesMax: 1_000 } });
    const away = town.endpoints[1]?.peerId ?? "";
    expect(a.network.send(away, bytesOf("to nobody"))).toBe(false);
    expect(a.network.send("12D3KooWunknown", bytesOf("to a stranger"))).toBe(false);
    const b = await town.start(1);
    await untilConnected(a, b);
    expect(a.network.send(away, new Uint8Array(1_001))).toBe(false);
    expect(a.network.send(away, new Uint8Array(0))).toBe(false);
    expect(a.network.send(away, new Uint8Array(1_000))).toBe(true);
  });

  it("bounds what waits for one peer", async () => {
    const limits = { sendQueueBytesMax: 40_000, sendQueueFramesMax: 6, frameBytesMax: 20_000 };
    const [a, b] = await pair([{ limits }, {}]);
    const byBytes = [1, 2, 3].map(() => a.network.send(b.peerId, new Uint8Array(20_000)));
    expect(byBytes).toEqual([true, true, false]);
    await until(() => b.count("frame", a) === 2, "two large frames");
    const byCount = [1, 2, 3, 4, 5, 6, 7].map(() => a.network.send(b.peerId, new Uint8Array(1)));
    expect(byCount).toEqual([true, true, true, true, true, true, false]);
    await until(() => b.count("frame", a) === 8, "six small frames");
    expect(a.network.send(b.peerId, bytesOf("there is room again"))).toBe(true);
  });

  it("answers requests, each on its own protocol, also with large answers", async () => {
    const [a, b] = await pair();
    b.answer = (protocol, peer, payload) =>
      Promise.resolve(payload[0] === 0 ? new Uint8Array(3_000 * KIB).fill(7) : bytesOf(`${protocol} ${peer}`));
    const ask = (protocol: "fetch" | "sync", first: number): Promise<Uint8Array> =>
      a.network.request(b.peerId, protocol, Uint8Array.of(first), { timeoutMs: 10_000 });
    const [fetched, synced, large] = await Promise.all([ask("fetch", 1), ask("sync", 1), ask("sync", 0)]);
    expect(textOf(fetched)).toBe(`fetch ${a.peerId}`);
    expect(textOf(synced)).toBe(`sync ${a.peerId}`);
    expect(Buffer.compare(large, Buffer.alloc(3_000 * KIB, 7))).toBe(0);
  });

  it("carries empty requests and empty answers", async () => {
    const [a, b] = await pair();
    b.answer = (_, __, payload) => Promise.resolve(payload.slice());
    expect(await a.network.request(b.peerId, "fetch", new Uint8Array(), { timeoutMs: 10_000 })).toHaveLength(0);
  });

  it("ends a request when its time is up", async () => {
    const [a, b] = await pair();
    b.answer = () => new Promise(() => undefined);
    expect(await codeOf(a.network.request(b.peerId, "fetch", bytesOf("?"), { timeoutMs: 50 }))).toBe("PEER_TIMEOUT");
    b.answer = () => Promise.resolve(bytesOf("!"));
    const answer = await a.network.request(b.peerId, "fetch", bytesOf("?"), { timeoutMs: 10_000 });
    expect(textOf(answer)).toBe("!");
  });

  it("refuses a request that the peer cannot answer, and says who is away", async () => {
    const [a, b] = await pair();
    b.answer = () => Promise.reject(new Error("no such thing"));
    const ask = (peer: string): Promise<string> =>
      codeOf(a.network.request(peer, "sync", bytesOf("?"), { timeoutMs: 10_000 }));
    expect(await ask(b.peerId)).toBe("PEER_REFUSED");
    expect(await ask("12D3KooWunknown")).toBe("PEER_UNREACHABLE");
    let asked = false;
    b.answer = () => {
      asked = true;
      return new Promise(() => undefined);
    };
    const underWay = ask(b.peerId);
    await until(() => asked, "the request to arrive");
    await b.network.stop();
    expect(await underWay).toBe("PEER_UNREACHABLE");
  });

  it("bounds requests and answers in size and number", async () => {
    const small = { answerBytesMax: 1_000, requestsPerPeerMax: 2, requestBytesMax: 100 };
    const [a, b] = await pair([{ limits: small }, {}]);
    const ask = (bytes: number): Promise<string> =>
      codeOf(a.network.request(b.peerId, "fetch", new Uint8Array(bytes), { timeoutMs: 10_000 }));
    expect(await ask(101)).toBe("PEER_MESSAGE_TOO_LARGE");
    expect(await Promise.all([ask(10), ask(10), ask(10)])).toEqual(["none", "none", "PEER_REFUSED"]);
    b.answer = () => Promise.resolve(new Uint8Array(1_001));
    expect(await ask(10)).toBe("PEER_ANSWER_TOO_LARGE");
    await until(() => a.cutOffUntilMs(b) !== undefined, "the peer with the large answer to be cut off");
  });

  it("spreads gossip to everybody once, whoever sends the same bytes", async () => {
    const [a, b, c] = await trio();
    await a.network.publish("batches", bytesOf("first"));
    await until(() => b.texts("gossip").length === 1 && c.texts("gossip").length === 1, "gossip at b and c");
    await a.network.publish("batches", bytesOf("first"));
    await b.network.publish("batches", bytesOf("first"));
    await b.network.publish("heads", bytesOf("second"));
    await c.network.publish("evidence", bytesOf("third"));
    await until(() => a.texts("gossip").length === 2, "both at a");
    await until(() => b.texts("gossip").length === 2 && c.texts("gossip").length === 2, "all gossip at b and c");
    expect([...a.texts("gossip")].sort()).toEqual(["second", "third"]);
    expect(b.texts("gossip")).toEqual(["first", "third"]);
    expect(c.texts("gossip")).toEqual(["first", "second"]);
    const heads = c.events.filter((event) => event.kind === "gossip" && event.topic === "heads");
    expect(heads).toMatchObject([{ peer: b.peerId }]);
  });

  it("does not pass gossip on: what reaches nobody directly is fetched", async () => {
    town = await openTown(kind, 3);
    const [first, second, third] = town.endpoints;
    const members = (...some: (typeof first)[]) => some.filter((endpoint) => endpoint !== undefined);
    const a = await town.start(0, { members: members(first, second) });
    const b = await town.start(1);
    const c = await town.start(2, { members: members(second, third) });
    await untilConnected(a, b);
    await untilConnected(b, c);
    await a.network.publish("heads", bytesOf("from a"));
    await until(() => b.count("gossip", a) === 1, "gossip at b");
    await b.network.publish("heads", bytesOf("from b"));
    await until(() => c.count("gossip", b) === 1, "gossip at c");
    expect(c.texts("gossip")).toEqual(["from b"]);
  });

  it("carries gossip up to its limit and refuses to publish more", async () => {
    const [a, b] = await pair();
    await a.network.publish("batches", new Uint8Array(640 * KIB));
    await until(() => b.count("gossip", a) === 1, "the largest gossip");
    expect(await codeOf(a.network.publish("batches", new Uint8Array(640 * KIB + 1)))).toBe("PEER_MESSAGE_TOO_LARGE");
  });

  it("N235: refuses a peer that is no member", async () => {
    town = await openTown(kind, 3);
    const [, second, third] = town.endpoints;
    const members = [second, third].filter((endpoint) => endpoint !== undefined);
    const stranger = await town.start(0);
    const b = await town.start(1, { members });
    const c = await town.start(2, { members });
    await untilConnected(b, c);
    if (kind === "libp2p") await until(() => stranger.logged("link closed") >= 2, "the stranger to have tried");
    expect(stranger.events).toEqual([]);
    expect(stranger.network.send(b.peerId, bytesOf("let me in"))).toBe(false);
    expect([b.count("connected", stranger), c.count("connected", stranger)]).toEqual([0, 0]);
  });

  it.each([
    ["another ledger", { chainId: new Uint8Array(32).fill(1) }, "HELLO_CHAIN_DIFFERS"],
    ["another configuration", { configHash: new Uint8Array(32).fill(1) }, "HELLO_CONFIG_DIFFERS"],
  ] as const)("refuses a peer with %s and says why once", async (_, foreign, code) => {
    town = await openTown(kind, 3);
    const limits = { helloRetryMs: 20 };
    const odd = await town.start(0, { ...foreign, limits });
    const b = await town.start(1, { limits });
    const c = await town.start(2, { limits });
    await untilConnected(b, c);
    if (kind === "libp2p") await until(() => odd.logged("link closed") >= 6, "several attempts");
    await until(
      () => b.logged("peer refused at HELLO") === 1 && c.logged("peer refused at HELLO") === 1,
      "the refusal",
    );
    expect([b, c].map((peer) => peer.logged("peer refused at HELLO", code))).toEqual([1, 1]);
    expect(odd.logged("peer refused at HELLO", code)).toBe(2);
    expect(odd.events).toEqual([]);
    expect([b.count("connected", odd), b.cutOffUntilMs(odd)]).toEqual([0, undefined]);
  });

  it.each([
    ["a flood of frames", { framesBurst: 20, framesPerSecond: 1 }, "FRAME_FLOOD", 50, 10],
    [
      "a flood of bytes",
      { frameBytesMax: 9_000, frameBytesBurst: 9_000, frameBytesPerSecond: 1 },
      "FRAME_FLOOD",
      3,
      8_000,
    ],
    ["a frame above the limit", { frameBytesMax: 5_000 }, "FRAME_TOO_LARGE", 1, 5_001],
  ] as const)("cuts a peer off for a while after %s, and nobody else", async (_, strict, code, count, bytes) => {
    town = await openTown(kind, 3);
    const a = await town.start(0);
    const b = await town.start(1, { limits: { ...strict, cutOffMs: 400 } });
    const c = await town.start(2);
    await untilConnected(a, b, c);
    for (let index = 0; index < count; index += 1) a.network.send(b.peerId, new Uint8Array(bytes));
    await until(() => a.count("disconnected", b) === 1 && b.count("disconnected", a) === 1, "the cut");
    expect(b.logged("peer cut off", code)).toBe(1);
    expect(b.isConnected(c) && a.isConnected(c)).toBe(true);
    c.network.send(b.peerId, bytesOf("still here"));
    await until(() => b.count("frame", c) === 1, "a frame of the third");
    await until(() => b.count("connected", a) === 2 && a.count("connected", b) === 2, "the peer to be back");
    expect(b.cutOffUntilMs(a)).toBeUndefined();
  });

  it("cuts a peer off when the node has counted too many faults, not before", async () => {
    const [a, b] = await pair([{}, { limits: { faultsMax: 3, cutOffMs: 300 } }]);
    b.network.penalise(a.peerId, "BATCH_INVALID");
    b.network.penalise(a.peerId, "BATCH_INVALID");
    a.network.send(b.peerId, bytesOf("forgiven"));
    await until(() => b.count("frame", a) === 1, "a frame after two faults");
    b.network.penalise(a.peerId, "BATCH_INVALID");
    expect(b.cutOffUntilMs(a)).toBeDefined();
    await until(() => a.count("disconnected", b) === 1, "the cut");
    await until(() => a.count("connected", b) === 2 && b.count("connected", a) === 2, "the peer to be back");
  });

  it.each([0, 1])("finds a peer again that stopped and started (seat %i)", async (seat) => {
    const peers = await pair();
    const stopped = peers[seat === 0 ? 0 : 1];
    const other = peers[seat === 0 ? 1 : 0];
    await stopped.network.stop();
    await until(() => other.count("disconnected", stopped) === 1, "the loss");
    expect(other.network.send(stopped.peerId, bytesOf("anybody?"))).toBe(false);
    const again = await town.start(seat);
    await untilConnected(again, other);
    other.network.send(again.peerId, bytesOf("welcome"));
    await other.network.publish("heads", bytesOf("head"));
    await until(() => again.count("frame", other) === 1 && again.count("gossip", other) === 1, "frame and gossip");
  });

  it("lets go of a peer that is no longer a member, and takes it back", async () => {
    const [a, b, c] = await trio();
    const { endpoints } = town;
    b.network.setMembers(endpoints.slice(1));
    await until(() => a.count("disconnected", b) === 1 && b.count("disconnected", a) === 1, "the end of membership");
    expect(b.network.peers().map(({ peerId }) => peerId)).toEqual([c.peerId]);
    expect(b.isConnected(c) && a.isConnected(c)).toBe(true);
    if (kind === "libp2p") await until(() => a.logged("link closed") >= 3, "more attempts");
    expect(b.count("connected", a)).toBe(1);
    b.network.setMembers(endpoints);
    await untilConnected(a, b, c);
  });

  it("hands over nothing once it has stopped", async () => {
    const [a, b] = await pair();
    await a.network.stop();
    await a.network.stop();
    expect(a.network.send(b.peerId, bytesOf("late"))).toBe(false);
    expect(await codeOf(a.network.request(b.peerId, "fetch", bytesOf("?"), { timeoutMs: 10_000 }))).toBe(
      "PEER_UNREACHABLE",
    );
    await a.network.publish("heads", bytesOf("late"));
    expect(a.network.peers()).toEqual([]);
    const before = a.events.length;
    await until(() => b.count("disconnected", a) === 1, "the loss");
    expect([a.events.length, b.count("gossip", a)]).toEqual([before, 0]);
  });
});

describe("peer network on libp2p alone", () => {
  let town: Town;

  afterEach(async () => {
    await town.stopAll();
  });

  it("says when it cannot listen", async () => {
    town = await openTown("libp2p", 1);
    await town.start(0);
    expect(await codeOf(town.start(0))).toBe("PEER_LISTEN_FAILED");
  });

  it("measures round trips", async () => {
    town = await openTown("libp2p", 2);
    const peers = [await town.start(0), await town.start(1)] as const;
    await untilConnected(...peers);
    const measured = (peer: TestPeer): boolean =>
      peer.network.peers().every(({ roundTripMs }) => roundTripMs !== undefined && roundTripMs < 1_000);
    await until(() => peers.every(measured), "a round trip on both sides");
  });

  it("is dialled by a peer that nobody can dial", async () => {
    town = await openTown("libp2p", 2);
    const members = town.endpoints.map((endpoint, seat) => (seat === 1 ? { ...endpoint, addresses: [] } : endpoint));
    const peers = [await town.start(0, { members }), await town.start(1, { members })] as const;
    await untilConnected(...peers);
  });

  it("P7: two members that the ledger gives no address find each other by what one of them is told, and one that moved is found", async () => {
    town = await openTown("libp2p", 3);
    const [low, middle, high] = town.endpoints as [PeerEndpoint, PeerEndpoint, PeerEndpoint];
    // The lowest is of the genesis, at an address that is no longer its own; the others came later.
    const members = [
      { peerId: low.peerId, addresses: ["/ip4/127.0.0.1/tcp/9"] },
      { peerId: middle.peerId, addresses: [] },
      { peerId: high.peerId, addresses: [] },
    ];
    const moved = { [low.peerId]: low.addresses };
    const peers = [
      await town.start(0, { members }),
      await town.start(1, { members, addresses: moved }),
      await town.start(2, { members, addresses: { ...moved, [middle.peerId]: middle.addresses } }),
    ] as const;
    await untilConnected(...peers);
  });

  it("P6: keeps one connection when both sides dial", async () => {
    town = await openTown("libp2p", 2);
    // The higher id believes itself without address, so both dial, and at the same moment.
    const aloneThere = town.endpoints.map((endpoint, seat) => (seat === 1 ? { ...endpoint, addresses: [] } : endpoint));
    const options = { members: [], limits: { heartbeatMs: 30, missedBeatsMax: 1_000 } };
    for (let round = 0; round < 5; round += 1) {
      const [a, b] = [await town.start(0, options), await town.start(1, options)];
      a.network.setMembers(town.endpoints);
      b.network.setMembers(aloneThere);
      await untilConnected(a, b);
      const settled = (peer: TestPeer): boolean =>
        peer.network.peers().every(({ roundTripMs }) => roundTripMs !== undefined);
      await until(() => settled(a) && settled(b), "heartbeats");
      a.network.send(b.peerId, bytesOf("one way"));
      b.network.send(a.peerId, bytesOf("and back"));
      await until(() => a.count("frame", b) === 1 && b.count("frame", a) === 1, "frames both ways");
      expect([a.count("disconnected", b), b.count("disconnected", a)]).toEqual([0, 0]);
      await town.stopAll();
    }
  });

  it("N182: says why a peer cannot be reached", async () => {
    town = await openTown("libp2p", 2);
    const a = await town.start(0, { limits: { redialMsMin: 5, redialMsMax: 5 } });
    await until(() => a.logged("peer cannot be reached") === 1, "a word about the peer that is away");
    const said = a.logs.find(({ message }) => message === "peer cannot be reached");
    expect(said?.fields.cause).toContain("ECONNREFUSED");
  });

  it("finds a peer by name, and takes no harm from addresses that make no sense", async () => {
    town = await openTown("libp2p", 2);
    const port = town.endpoints[1]?.addresses[0]?.split("/").at(-1);
    const named = (addresses: readonly string[]) =>
      town.endpoints.map((endpoint, seat) => (seat === 1 ? { ...endpoint, addresses } : endpoint));
    const limits = { redialMsMin: 5, redialMsMax: 5 };
    const a = await town.start(0, { members: named(["/no/such/thing", "nonsense"]), limits });
    const b = await town.start(1);
    await until(() => a.logged("peer cannot be reached") === 1, "a word about the addresses");
    a.network.setMembers(named(["nonsense", `/dns4/localhost/tcp/${port}`]));
    await untilConnected(a, b);
    expect(a.logged("peer cannot be reached")).toBe(1);
  });
});
