// The network between real processes: one is killed and comes back, one is thrown garbage at and stays.

import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { encodeControl } from "../../src/p2p/control.ts";
import { joinFrames } from "../../src/p2p/framing.ts";
import type { PeerLimits } from "../../src/p2p/limits.ts";
import type { Connection } from "../../src/p2p/streams.ts";
import { PeerProcess } from "../unit/p2p/fork-peer.ts";
import { GOSSIP_PROTOCOL, HostilePeer, helloFrame, sendAll } from "../unit/p2p/hostile.ts";
import { bytesOf, openTown, type TestPeer, type Town, until } from "../unit/p2p/support.ts";

const MIB = 1_024 * 1_024;
const BACK_MS_MAX = 2_000;
/** More of them, or others: FUZZ_ROUNDS=1000 FUZZ_SEED=7 npx vitest run test/ports/peer-network-process.test.ts */
const ROUNDS = Number(process.env.FUZZ_ROUNDS ?? 90);
const FUZZ_SEED = Number(process.env.FUZZ_SEED ?? 20_261_122);
const KEPT_GROWTH_BYTES_MAX = 24 * MIB;
const RESIDENT_BYTES_MAX = 512 * MIB;

/** The same bytes in every run (xorshift32). */
function randomSource(seed: number): { below(bound: number): number; bytes(count: number): Uint8Array } {
  let state = seed;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  return {
    below: (bound) => next() % bound,
    bytes: (count) => Uint8Array.from({ length: count }, () => next() & 0xff),
  };
}

describe("peer network between processes", () => {
  let town: Town;
  const children: PeerProcess[] = [];

  async function startChild(seat: number, limits: Partial<PeerLimits> = {}): Promise<PeerProcess> {
    const endpoint = town.endpoints[seat];
    if (endpoint === undefined) throw new Error("no such seat");
    const child = await PeerProcess.start({
      seed: [...(town.seeds[seat] ?? [])],
      endpoint,
      members: town.endpoints,
      limits,
    });
    children.push(child);
    return child;
  }

  async function expectEcho(from: TestPeer, to: string): Promise<void> {
    const before = from.texts("frame").length;
    expect(from.network.send(to, bytesOf(`echo ${before}`))).toBe(true);
    await until(() => from.texts("frame").length > before, "an echo");
    expect(from.texts("frame").at(-1)).toBe(`echo ${before}`);
  }

  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.kill()));
    await town.stopAll();
  });

  it.each([
    [0, "which dials"],
    [1, "which is dialled"],
  ])("finds a killed peer again within two seconds of its restart (seat %i, %s)", async (seat) => {
    town = await openTown("libp2p", 2);
    const own = await town.start(1 - seat);
    const peer = town.endpoints[seat]?.peerId ?? "";
    const isUp = (): boolean => own.network.peers().some(({ connected }) => connected);
    const backMs: number[] = [];
    let child = await startChild(seat);
    await until(isUp, "the first connection");
    for (let round = 0; round < 3; round += 1) {
      await child.kill();
      await until(() => !isUp(), "the loss");
      child = await startChild(seat);
      const startedMs = performance.now();
      await until(isUp, "the connection after the restart");
      backMs.push(performance.now() - startedMs);
      await expectEcho(own, peer);
    }
    // The middle one: a machine that is busy with other tests may hold up one of them.
    expect(backMs.sort((a, b) => a - b)[1]).toBeLessThan(BACK_MS_MAX);
  });

  it(
    `goes on while strangers and a hostile member throw bytes at it (seed ${FUZZ_SEED})`,
    async () => {
      town = await openTown("libp2p", 3);
      const honest = await town.start(2);
      const victim = await startChild(1, { cutOffMs: 20, openingMsMax: 500 });
      const endpoint = town.endpoints[1];
      if (endpoint === undefined) throw new Error("no seat 1");
      await until(() => honest.network.peers().some(({ connected }) => connected), "the honest peer to connect");
      const random = randomSource(FUZZ_SEED);
      const port = Number(endpoint.addresses[0]?.split("/").at(-1));

      const strangers: Promise<void>[] = [];
      let warm = await victim.memory();
      for (let round = 0; round < ROUNDS; round += 1) {
        strangers.push(throwAtPort(port, strangerBytes(random, round)));
        const hostile = await HostilePeer.create(town.seeds[0] ?? new Uint8Array());
        await attack(hostile, endpoint, random);
        await hostile.stop();
        await expectEcho(honest, endpoint.peerId);
        if (round === Math.floor(ROUNDS / 3)) warm = await victim.memory();
      }
      await Promise.all(strangers);
      expect({ exit: victim.exit, errors: victim.errors }).toEqual({ exit: undefined, errors: "" });
      const after = await victim.memory();
      expect(after.keptBytes - warm.keptBytes).toBeLessThan(KEPT_GROWTH_BYTES_MAX);
      expect(after.residentBytes).toBeLessThan(RESIDENT_BYTES_MAX);
      expect(honest.logged("peer disconnected")).toBe(0);
      expect(victim.reports.some((report) => report.kind === "log" && report.message === "peer cut off")).toBe(true);
      const late = await town.start(0);
      await until(
        () => late.isConnected(honest) && late.network.peers().every(({ connected }) => connected),
        "a newcomer",
      );
    },
    60_000 + ROUNDS * 500,
  );
});

type Random = ReturnType<typeof randomSource>;

function strangerBytes(random: Random, index: number): Uint8Array {
  const multistream = Buffer.from("\x13/multistream/1.0.0\n\x0b/tls/1.0.0\n");
  const kinds = [
    () => random.bytes(random.below(70_000)),
    () => multistream.subarray(0, random.below(multistream.length)),
    () => Buffer.concat([multistream, random.bytes(random.below(20_000))]),
    // The start of a TLS ClientHello, and then nothing sensible.
    () => Buffer.concat([multistream, Uint8Array.of(22, 3, 1, 2, 0, 1), random.bytes(random.below(2_000))]),
    () => new Uint8Array(0),
  ];
  return kinds[index % kinds.length]?.() ?? new Uint8Array();
}

/** Resolves when the socket is closed by either side. */
function throwAtPort(port: number, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.end(bytes));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve());
    socket.resume();
  });
}

/** Refused while it is cut off or too quick, cut at any moment: it tries until it is inside. */
async function intrude(
  hostile: HostilePeer,
  endpoint: Town["endpoints"][number],
  polite: boolean,
): Promise<Connection> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const entering = polite ? hostile.greet(endpoint).then(({ connection }) => connection) : hostile.dial(endpoint);
    const connection = await entering.catch(() => undefined);
    if (connection?.status === "open") return connection;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("the hostile member never got in");
}

async function attack(hostile: HostilePeer, endpoint: Town["endpoints"][number], random: Random): Promise<void> {
  const connection = await intrude(hostile, endpoint, random.below(4) > 0);
  const protocols = [
    "/linli/control/1",
    "/linli/frames/1",
    "/linli/fetch/1",
    "/linli/sync/1",
    "/linli/head/1",
    GOSSIP_PROTOCOL,
    "/ipfs/id/1.0.0",
  ];
  for (let count = 0; count < 4; count += 1) {
    const protocol = protocols[random.below(protocols.length)] ?? "";
    const stream = await connection.newStream(protocol, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined);
    if (stream === undefined) break;
    sendAll(stream, [malice(random)]);
    if (random.below(3) === 0) stream.abort(new Error("changed my mind"));
  }
  if (random.below(2) === 0 && hostile.raw[0]?.status === "open")
    hostile.raw[0].send(random.bytes(1 + random.below(500)));
}

function malice(random: Random): Uint8Array {
  const flip = (bytes: Uint8Array): Uint8Array => {
    const flipped = bytes.slice();
    for (let count = 0; count < 3; count += 1) {
      const at = random.below(flipped.length);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8));
    }
    return flipped;
  };
  const valid = (): Uint8Array => {
    const kind = random.below(3);
    if (kind === 0) return helloFrame();
    if (kind === 1) return gossipEnvelope(random.bytes(random.below(9_000)));
    return joinFrames([encodeControl({ kind: "ping", beat: random.below(9) }), random.bytes(1 + random.below(9_000))]);
  };
  const kinds = [
    () => random.bytes(1 + random.below(200_000)),
    () => flip(valid()),
    () => valid().subarray(0, 1 + random.below(60)),
    valid,
    () => Buffer.concat(Array.from({ length: 300 }, valid)),
  ];
  return kinds[random.below(kinds.length)]?.() ?? new Uint8Array();
}

/** One message of gossipsub's protobuf: RPC { publish { data, topic } }, with its length in front. */
function gossipEnvelope(data: Uint8Array): Uint8Array {
  const field = (tag: number, bytes: Uint8Array): Uint8Array =>
    Buffer.concat([[tag], varint(bytes.length), bytes].map((part) => Buffer.from(part)));
  const topic = bytesOf(`linli/${"c1".repeat(32)}/batches`);
  const message = field(0x12, Buffer.concat([field(0x12, data), field(0x22, topic)]));
  return Buffer.concat([varint(message.length), message]);
}

function varint(value: number): Uint8Array {
  return value < 128 ? Uint8Array.of(value) : Uint8Array.of((value & 0x7f) | 0x80, ...varint(value >>> 7));
}
