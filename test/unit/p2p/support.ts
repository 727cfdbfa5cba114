// Peers for tests: records what a network hands over and lets a test wait for it, on either implementation of the port.
// Waiting is by condition with a deadline; nothing here sleeps.

import { createServer } from "node:net";
import { systemClock } from "../../../src/node/clock.ts";
import { createPeerNetwork } from "../../../src/p2p/libp2p-network.ts";
import type { PeerLimits } from "../../../src/p2p/limits.ts";
import { MemoryHub } from "../../../src/p2p/memory-network.ts";
import { peerIdOf } from "../../../src/p2p/peer-id.ts";
import type {
  Clock,
  GossipTopic,
  Logger,
  PeerAddresses,
  PeerEndpoint,
  PeerHandlers,
  PeerId,
  PeerNetwork,
  RequestProtocol,
} from "../../../src/ports.ts";

export const CHAIN_ID = new Uint8Array(32).fill(0xc1);
export const CONFIG_HASH = new Uint8Array(32).fill(0xcf);
const DEADLINE_MS = 30_000;
const LOOK_AGAIN_MS = 5;
/** Below the ephemeral range, where outgoing connections of others may sit, and above what other tests listen on. */
const PORT_MIN = 30_000;
const PORT_MAX = 32_000;

export const realClock = systemClock({ timeMs: 0, timeScale: 1 });

/** Time that passes when a test says so; timers due at the same moment run in the order they were set. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly run: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const due = this.#timers.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#nowMs = due.atMs;
      due.run();
    }
    this.#nowMs = untilMs;
  }
}

/** Resolves when the condition holds; rejects with `what` when it does not in time. */
export function until(condition: () => boolean, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const deadline = performance.now() + DEADLINE_MS;
    const look = (): void => {
      if (condition()) resolve();
      else if (performance.now() > deadline) reject(new Error(`not in time: ${what}`));
      else setTimeout(look, LOOK_AGAIN_MS);
    };
    look();
  });
}

export interface LogLine {
  readonly level: keyof Logger;
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

export type PeerEvent =
  | { readonly kind: "frame"; readonly peer: PeerId; readonly bytes: Uint8Array }
  | { readonly kind: "gossip"; readonly topic: GossipTopic; readonly peer: PeerId; readonly bytes: Uint8Array }
  | { readonly kind: "connected" | "disconnected"; readonly peer: PeerId };

export class TestPeer implements PeerHandlers {
  readonly peerId: PeerId;
  readonly events: PeerEvent[] = [];
  readonly logs: LogLine[] = [];
  answer: (protocol: RequestProtocol, peer: PeerId, payload: Uint8Array) => Promise<Uint8Array> = (_, __, payload) =>
    Promise.resolve(payload);
  readonly log: Logger;
  #network: PeerNetwork | undefined;

  constructor(peerId: PeerId) {
    this.peerId = peerId;
    const write =
      (level: keyof Logger) =>
      (message: string, fields: Record<string, unknown> = {}): void => {
        this.logs.push({ level, message, fields });
      };
    this.log = { error: write("error"), warn: write("warn"), info: write("info"), debug: write("debug") };
  }

  get network(): PeerNetwork {
    if (this.#network === undefined) throw new Error("not started");
    return this.#network;
  }

  async start(network: PeerNetwork): Promise<this> {
    this.#network = network;
    await network.start(this);
    return this;
  }

  onFrame(peer: PeerId, bytes: Uint8Array): void {
    this.events.push({ kind: "frame", peer, bytes });
  }

  onGossip(topic: GossipTopic, peer: PeerId, bytes: Uint8Array): void {
    this.events.push({ kind: "gossip", topic, peer, bytes });
  }

  onRequest(protocol: RequestProtocol, peer: PeerId, payload: Uint8Array): Promise<Uint8Array> {
    return this.answer(protocol, peer, payload);
  }

  onPeerChanged(peer: PeerId, connected: boolean): void {
    this.events.push({ kind: connected ? "connected" : "disconnected", peer });
  }

  count(kind: PeerEvent["kind"], from: TestPeer): number {
    return this.events.filter((event) => event.kind === kind && event.peer === from.peerId).length;
  }

  texts(kind: "frame" | "gossip"): readonly string[] {
    return this.events.flatMap((event) => (event.kind === kind ? [textOf(event.bytes)] : []));
  }

  /** how often a line was written, and with which code if one is asked for */
  logged(message: string, code?: string): number {
    return this.logs.filter(
      ({ message: written, fields }) => written === message && (code === undefined || fields.code === code),
    ).length;
  }

  isConnected(to: TestPeer): boolean {
    return this.network.peers().some(({ peerId, connected }) => peerId === to.peerId && connected);
  }

  cutOffUntilMs(other: TestPeer): number | undefined {
    return this.network.peers().find(({ peerId }) => peerId === other.peerId)?.cutOffUntilMs;
  }
}

export async function untilConnected(...peers: readonly TestPeer[]): Promise<void> {
  for (const a of peers) {
    for (const b of peers) if (a !== b) await until(() => a.isConnected(b), `${a.peerId} connected to ${b.peerId}`);
  }
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

export interface SeatOptions {
  /** all seats when not given */
  readonly members?: readonly PeerEndpoint[];
  /** libp2p only */
  readonly addresses?: PeerAddresses;
  readonly chainId?: Uint8Array;
  readonly configHash?: Uint8Array;
  readonly limits?: Partial<PeerLimits>;
}

/** Seats for a few peers on one implementation; seat 0 has the lowest peer id and dials the others. */
export interface Town {
  readonly endpoints: readonly PeerEndpoint[];
  readonly seeds: readonly Uint8Array[];
  /** starts a peer (again) in a seat */
  start(seat: number, options?: SeatOptions): Promise<TestPeer>;
  stopAll(): Promise<void>;
}

export type TownKind = "memory" | "libp2p";

export async function openTown(kind: TownKind, seats: number): Promise<Town> {
  const { seeds, endpoints } = await seatsFor(seats);
  const hub = new MemoryHub(realClock);
  const started: TestPeer[] = [];
  const create = (seat: number, peer: TestPeer, options: SeatOptions): PeerNetwork => {
    const common = {
      chainId: options.chainId ?? CHAIN_ID,
      configHash: options.configHash ?? CONFIG_HASH,
      software: "linli-test/1",
      members: options.members ?? endpoints,
      clock: realClock,
      log: peer.log,
      limits: options.limits ?? {},
    };
    if (kind === "memory") return hub.create({ ...common, peerId: peer.peerId });
    const listen = endpoints[seat]?.addresses ?? [];
    const { addresses = {} } = options;
    return createPeerNetwork({ ...common, addresses, identitySeed: seeds[seat] ?? new Uint8Array(), listen });
  };
  return {
    seeds,
    endpoints,
    start: (seat, options = {}) => {
      const peer = new TestPeer(endpoints[seat]?.peerId ?? "");
      started.push(peer);
      return peer.start(create(seat, peer, options));
    },
    stopAll: async () => {
      await Promise.all(started.map(({ network }) => network.stop()));
    },
  };
}

async function seatsFor(count: number): Promise<{ seeds: Uint8Array[]; endpoints: PeerEndpoint[] }> {
  const seats: { seed: Uint8Array; endpoint: PeerEndpoint }[] = [];
  for (let index = 0; index < count; index += 1) {
    const seed = new Uint8Array(32).fill(index + 1);
    const addresses = [`/ip4/127.0.0.1/tcp/${await freePort()}`];
    seats.push({ seed, endpoint: { peerId: await peerIdOf(seed), addresses } });
  }
  seats.sort((a, b) => (a.endpoint.peerId < b.endpoint.peerId ? -1 : 1));
  return { seeds: seats.map(({ seed }) => seed), endpoints: seats.map(({ endpoint }) => endpoint) };
}

let nextPort = PORT_MIN + ((process.pid * 37) % (PORT_MAX - PORT_MIN));

export async function freePort(): Promise<number> {
  for (;;) {
    nextPort = nextPort + 1 < PORT_MAX ? nextPort + 1 : PORT_MIN;
    if (await isFree(nextPort)) return nextPort;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
