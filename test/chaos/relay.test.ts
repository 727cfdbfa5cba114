// The relay of the chaos runs, with plain sockets at both ends: what it carries and what it holds back.

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, it } from "vitest";
import { Relay } from "../../bench/relay.ts";

const [PUBLIC_PORT, OWN_PORT] = [28_900, 28_950];
const BYTES = 3_000_000;

let relay: Relay | undefined;
let server: Server | undefined;
let sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await relay?.stop();
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
});

/** A connection from node 0 to node 1; both ends are of this process. */
async function joined(): Promise<{ readonly near: Socket; readonly far: Socket }> {
  const pid = () => process.pid;
  relay = new Relay([0, 1].map((index) => ({ publicPort: PUBLIC_PORT + index, ownPort: OWN_PORT + index, pid })));
  server = createServer();
  server.listen(OWN_PORT + 1, "127.0.0.1");
  await relay.start();
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const near = connect(PUBLIC_PORT + 1, "127.0.0.1");
  const [far] = await accepted;
  sockets = [near, far];
  for (const socket of sockets) socket.on("error", () => socket.destroy());
  return { near, far };
}

async function read(socket: Socket, bytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of socket.iterator({ destroyOnReturn: false })) {
    pieces.push(piece as Buffer);
    length += (piece as Buffer).length;
    if (length >= bytes) break;
  }
  return Buffer.concat(pieces);
}

it("N130: bytes pass unharmed and in order, both ways, slowed and throttled", async () => {
  const { near, far } = await joined();
  const sent = Buffer.from(Uint8Array.from({ length: BYTES }, (_, index) => (index * 31) & 0xff));
  near.write(sent);
  expect((await read(far, BYTES)).equals(sent)).toBe(true);
  relay?.change(1, 0, { delayMs: 20, bytesPerSecond: BYTES * 10 });
  far.write(sent);
  expect((await read(near, BYTES)).equals(sent)).toBe(true);
});

it("N131: a held direction passes nothing until it is open again, the other one goes on", async () => {
  const { near, far } = await joined();
  let arrived = "";
  far.on("data", (piece) => {
    arrived += String(piece);
  });
  relay?.change(0, 1, { isHeld: true });
  near.write("held");
  for (let round = 0; round < 20; round += 1) {
    far.write("answer");
    await read(near, "answer".length);
  }
  expect(arrived).toBe("");
  relay?.heal();
  await once(far, "data");
  expect(arrived).toBe("held");
});

it("N132: a refused link ends its connections and takes no new one", async () => {
  const { near } = await joined();
  const ended = once(near, "close");
  relay?.change(0, 1, { isRefused: true });
  await ended;
  const again = connect(PUBLIC_PORT + 1, "127.0.0.1");
  again.on("error", () => again.destroy());
  again.resume();
  await once(again, "close");
  expect(again.bytesRead).toBe(0);
});

it("A143: a lost segment comes later, and all behind it wait for it: nothing is missing and nothing overtakes", async () => {
  const { near, far } = await joined();
  relay?.change(0, 1, { delayMs: 5, lossPerMillion: 300_000 });
  const sent = Array.from({ length: 200 }, (_, index) => `${String(index).padStart(6, "0")};`);
  const startedMs = performance.now();
  for (const message of sent) {
    near.write(message);
    // Each in a segment of its own.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const arrived = String(await read(far, sent.join("").length));
  expect(arrived).toBe(sent.join(""));
  // One way, and for the last lost one two round trips more: without any loss it would have been one way only.
  expect(performance.now() - startedMs).toBeGreaterThan(5 + 4 * 5);
});
