// The handshake under strangers: whatever they send before, in and instead of it, and whenever they leave, the node lives.

import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { bytesOf, openTown, type TestPeer, type Town, until, untilConnected } from "../unit/p2p/support.ts";

/** Fewer than the node takes of one address in a second. */
const ROUNDS = 28;

/** The words by which both sides agree on TLS, each with its length in front. */
function words(...texts: readonly string[]): Buffer {
  return Buffer.concat(texts.map((text) => Buffer.from([text.length + 1, ...Buffer.from(`${text}\n`)])));
}
const ASK_FOR_TLS = words("/multistream/1.0.0", "/tls/1.0.0");

/** A socket to the node, and whether its end was seen here. */
function knock(port: number): {
  readonly socket: Socket;
  readonly isOver: () => boolean;
  readonly heard: () => number;
} {
  let isOver = false;
  let heard = 0;
  const socket = connect(port, "127.0.0.1");
  // Being thrown out is what strangers expect.
  socket.on("error", () => undefined);
  socket.on("data", (data) => {
    heard += data.length;
  });
  socket.on("close", () => {
    isOver = true;
  });
  return { socket, isOver: () => isOver, heard: () => heard };
}

describe("the handshake", () => {
  let town: Town;

  afterEach(async () => {
    await town.stopAll();
  });

  async function pair(): Promise<{ readonly peers: readonly [TestPeer, TestPeer]; readonly port: number }> {
    town = await openTown("libp2p", 2);
    const peers = [await town.start(0), await town.start(1)] as const;
    await untilConnected(...peers);
    const [address = ""] = town.endpoints[0]?.addresses ?? [];
    return { peers, port: Number(address.split("/").at(-1)) };
  }

  async function stillTalk([a, b]: readonly [TestPeer, TestPeer]): Promise<void> {
    expect(b.network.send(a.peerId, bytesOf("still here"))).toBe(true);
    await until(() => a.count("frame", b) === 1, "a frame between members");
  }

  it("N235: is refused to whoever sends anything before it is agreed on", async () => {
    const { peers, port } = await pair();
    for (let round = 0; round < ROUNDS; round += 1) {
      const stranger = knock(port);
      stranger.socket.write(Buffer.concat([ASK_FOR_TLS, Buffer.alloc(1 + round * 40, 0x16)]));
      await until(() => stranger.isOver(), "the end of that connection");
    }
    await stillTalk(peers);
  });

  it("N235: ends with whoever sends something else", async () => {
    const { peers, port } = await pair();
    for (let round = 0; round < ROUNDS; round += 1) {
      const stranger = knock(port);
      stranger.socket.write(ASK_FOR_TLS);
      await until(() => stranger.heard() >= ASK_FOR_TLS.length, "the node to agree");
      stranger.socket.write(Buffer.alloc(1 + round * 150, round));
      // A few bytes may be the beginning of something: the node waits for the rest, for as long as an upgrade may take.
      if (round < ROUNDS / 2) stranger.socket.end();
      await until(() => stranger.isOver(), "the end of that connection");
    }
    await stillTalk(peers);
  });

  it("N235: survives that the other side leaves at any moment of it, or shows no certificate", async () => {
    const { peers, port } = await pair();
    for (let round = 0; round < ROUNDS; round += 1) {
      const stranger = knock(port);
      stranger.socket.write(ASK_FOR_TLS);
      await until(() => stranger.heard() >= ASK_FOR_TLS.length, "the node to agree");
      stranger.socket.removeAllListeners("data");
      const tls = connectTls({ socket: stranger.socket, rejectUnauthorized: false, ALPNProtocols: ["libp2p"] });
      tls.on("error", () => undefined);
      // Each round leaves a turn later than the one before; every third waits to be thrown out.
      for (let turn = 0; turn < round; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      if (round % 3 === 0) stranger.socket.destroy();
      else if (round % 3 === 1) stranger.socket.resetAndDestroy();
      await until(() => stranger.isOver(), "the end of that connection");
    }
    await stillTalk(peers);
  });
});
