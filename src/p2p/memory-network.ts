// The peer network inside one process: a hub that joins several of them, with the same gate, HELLO and limits.
// Deterministic: one queue, emptied in order when the clock says so; nothing here knows TCP or libp2p.

import { hash } from "node:crypto";
import { invariant } from "../assert.ts";
import { LedgerError } from "../errors.ts";
import type {
  Clock,
  GossipTopic,
  Logger,
  PeerEndpoint,
  PeerHandlers,
  PeerId,
  PeerNetwork,
  PeerStatus,
  RequestProtocol,
} from "../ports.ts";
import { encodeHello, type Hello, isHello, judgeHello, PEER_PROTOCOL_VERSION } from "./hello.ts";
import { type PeerLimits, peerLimits } from "./limits.ts";
import { PeerGate } from "./peer-gate.ts";
import { noRequests } from "./requests.ts";
import { TokenBucket } from "./token-bucket.ts";

export interface MemoryNetworkOptions {
  readonly peerId: PeerId;
  readonly chainId: Uint8Array;
  readonly configHash: Uint8Array;
  readonly software: string;
  readonly members: readonly PeerEndpoint[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits?: Partial<PeerLimits>;
}

/** Joins the networks made by it. Their addresses play no part. */
export class MemoryHub {
  readonly #clock: Clock;
  readonly #nodes = new Map<PeerId, MemoryNetwork>();
  #tasks: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  create(options: MemoryNetworkOptions): PeerNetwork {
    return new MemoryNetwork(this, options);
  }

  join(node: MemoryNetwork): void {
    this.#nodes.set(node.peerId, node);
    this.later(() => this.connect());
  }

  leave(node: MemoryNetwork): void {
    if (this.#nodes.get(node.peerId) === node) this.#nodes.delete(node.peerId);
  }

  /** Runs after everything queued before. */
  later(task: () => void): void {
    this.#tasks.push(task);
    if (this.#tasks.length > 1) return;
    this.#clock.setTimer(0, () => {
      const tasks = this.#tasks;
      this.#tasks = [];
      for (const run of tasks) run();
    });
  }

  /** Links every two nodes that admit each other and agree in HELLO. */
  connect(): void {
    for (const a of this.#nodes.values()) {
      for (const b of this.#nodes.values()) {
        if (a.peerId >= b.peerId || a.isLinked(b) || !a.admits(b) || !b.admits(a)) continue;
        const agreed = [a.hears(b), b.hears(a)].every(Boolean);
        if (!agreed) continue;
        a.onLinked(b);
        b.onLinked(a);
      }
    }
  }
}

/** What one side keeps of a link; another object after every reconnection. */
interface MemoryLink {
  readonly other: MemoryNetwork;
  readonly frames: TokenBucket;
  readonly frameBytes: TokenBucket;
  readonly gossip: TokenBucket;
  queuedFrames: number;
  queuedBytes: number;
  readonly asked: Record<RequestProtocol, number>;
  readonly failRequests: Set<(error: LedgerError) => void>;
}

class MemoryNetwork implements PeerNetwork {
  readonly peerId: PeerId;
  readonly #hub: MemoryHub;
  readonly #options: MemoryNetworkOptions;
  readonly #limits: PeerLimits;
  readonly #gate: PeerGate;
  readonly #hello: Hello;
  readonly #links = new Map<PeerId, MemoryLink>();
  readonly #refused = new Set<PeerId>();
  readonly #seenUntilMs = new Map<string, number>();
  #handlers: PeerHandlers | undefined;
  #started = false;

  constructor(hub: MemoryHub, options: MemoryNetworkOptions) {
    const { peerId, members, clock, log, chainId, configHash, software } = options;
    this.peerId = peerId;
    this.#hub = hub;
    this.#options = options;
    this.#limits = peerLimits(options.limits);
    this.#gate = new PeerGate({ ownPeerId: peerId, members, clock, limits: this.#limits, log });
    this.#hello = { protocol: PEER_PROTOCOL_VERSION, chainId, configHash, software };
    invariant(isHello(this.#hello), "P4: our own HELLO is well formed");
  }

  start(handlers: PeerHandlers): Promise<void> {
    invariant(!this.#started, "P5: a peer network starts once");
    this.#started = true;
    this.#handlers = handlers;
    this.#hub.join(this);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    for (const peer of [...this.#links.keys()]) this.#unlink(peer);
    this.#handlers = undefined;
    this.#hub.leave(this);
    return Promise.resolve();
  }

  send(peer: PeerId, bytes: Uint8Array): boolean {
    const link = this.#links.get(peer);
    if (link === undefined || bytes.length === 0 || bytes.length > this.#limits.frameBytesMax) return false;
    if (link.queuedFrames >= this.#limits.sendQueueFramesMax) return false;
    if (link.queuedBytes + bytes.length > this.#limits.sendQueueBytesMax) return false;
    link.queuedFrames += 1;
    link.queuedBytes += bytes.length;
    const frame = bytes.slice();
    this.#hub.later(() => {
      link.queuedFrames -= 1;
      link.queuedBytes -= frame.length;
      if (this.#links.get(peer) === link) link.other.takeFrame(this, frame);
    });
    return true;
  }

  publish(topic: GossipTopic, bytes: Uint8Array): Promise<void> {
    const { gossipBytesMax } = this.#limits;
    if (bytes.length > gossipBytesMax) {
      const data = { topic, bytes: bytes.length, bytesMax: gossipBytesMax };
      return Promise.reject(new LedgerError("PEER_MESSAGE_TOO_LARGE", data));
    }
    if (this.#handlers === undefined || !this.#isNew(bytes)) return Promise.resolve();
    const message = bytes.slice();
    for (const link of this.#links.values()) {
      this.#hub.later(() => {
        if (this.#links.get(link.other.peerId) === link) link.other.takeGossip(this, topic, message);
      });
    }
    return Promise.resolve();
  }

  request(
    peer: PeerId,
    protocol: RequestProtocol,
    payload: Uint8Array,
    { timeoutMs }: { readonly timeoutMs: number },
  ): Promise<Uint8Array> {
    const link = this.#links.get(peer);
    const { requestBytesMax, requestsPerPeerMax } = this.#limits;
    if (link === undefined) return Promise.reject(new LedgerError("PEER_UNREACHABLE", { peer, protocol }));
    if (payload.length > requestBytesMax) {
      const data = { protocol, bytes: payload.length, bytesMax: requestBytesMax };
      return Promise.reject(new LedgerError("PEER_MESSAGE_TOO_LARGE", data));
    }
    if (link.asked[protocol] >= requestsPerPeerMax) {
      return Promise.reject(new LedgerError("PEER_REFUSED", { peer, protocol, reason: "asking too much at once" }));
    }
    link.asked[protocol] += 1;
    const exchange = new Promise<Uint8Array>((resolve, reject) => {
      const settle = (run: () => void): void => {
        cancel();
        link.failRequests.delete(fail);
        run();
      };
      const fail = (error: LedgerError): void => settle(() => reject(error));
      const timeUp = new LedgerError("PEER_TIMEOUT", { peer, protocol, timeoutMs });
      const cancel = this.#options.clock.setTimer(timeoutMs, () => fail(timeUp));
      link.failRequests.add(fail);
      this.#hub.later(() => {
        if (this.#links.get(peer) !== link) return;
        link.other.answer(this, protocol, payload.slice()).then(
          (bytes) => settle(() => this.#takeAnswer({ peer, protocol, bytes, resolve, reject })),
          () => fail(new LedgerError("PEER_REFUSED", { peer, protocol, reason: "failed" })),
        );
      });
    });
    return exchange.finally(() => {
      link.asked[protocol] -= 1;
    });
  }

  setMembers(members: readonly PeerEndpoint[]): void {
    this.#gate.setMembers(members);
    for (const peer of [...this.#links.keys()]) {
      if (!this.#gate.admits(peer)) this.#unlink(peer);
    }
    this.#hub.later(() => this.#hub.connect());
  }

  penalise(peer: PeerId, code: string): void {
    if (this.#gate.countFault(peer, code)) this.#onCutOff(peer);
  }

  peers(): readonly PeerStatus[] {
    if (this.#handlers === undefined) return [];
    return this.#gate.members().map(({ peerId }) => ({
      peerId,
      connected: this.#links.has(peerId),
      roundTripMs: this.#links.has(peerId) ? 0 : undefined,
      cutOffUntilMs: this.#gate.cutOffUntilMs(peerId),
    }));
  }

  // ---- between the networks of one hub ----

  admits(other: MemoryNetwork): boolean {
    return this.#gate.admits(other.peerId);
  }

  isLinked(other: MemoryNetwork): boolean {
    return this.#links.has(other.peerId);
  }

  /** Whether we agree with the other's HELLO; says in the log why not, once. */
  hears(other: MemoryNetwork): boolean {
    const verdict = judgeHello(this.#hello, encodeHello(other.#hello));
    if (verdict.ok) return true;
    if (!this.#refused.has(other.peerId)) {
      this.#refused.add(other.peerId);
      const { code, detail } = verdict;
      this.#options.log.warn("peer refused at HELLO", { peer: other.peerId, code, detail });
    }
    return false;
  }

  onLinked(other: MemoryNetwork): void {
    const limits = this.#limits;
    const nowMs = this.#options.clock.monotonicMs();
    this.#links.set(other.peerId, {
      other,
      frames: new TokenBucket({ perSecond: limits.framesPerSecond, burst: limits.framesBurst, nowMs }),
      frameBytes: new TokenBucket({ perSecond: limits.frameBytesPerSecond, burst: limits.frameBytesBurst, nowMs }),
      gossip: new TokenBucket({ perSecond: limits.gossipPerSecond, burst: limits.gossipBurst, nowMs }),
      queuedFrames: 0,
      queuedBytes: 0,
      asked: noRequests(),
      failRequests: new Set(),
    });
    this.#refused.delete(other.peerId);
    this.#handlers?.onPeerChanged(other.peerId, true);
  }

  takeFrame(from: MemoryNetwork, frame: Uint8Array): void {
    const link = this.#links.get(from.peerId);
    if (link === undefined) return;
    const nowMs = this.#options.clock.monotonicMs();
    if (frame.length > this.#limits.frameBytesMax) this.#cutOff(from.peerId, "FRAME_TOO_LARGE");
    else if (!link.frames.take(1, nowMs) || !link.frameBytes.take(frame.length, nowMs)) {
      this.#cutOff(from.peerId, "FRAME_FLOOD");
    } else this.#handlers?.onFrame(from.peerId, frame);
  }

  takeGossip(from: MemoryNetwork, topic: GossipTopic, bytes: Uint8Array): void {
    const link = this.#links.get(from.peerId);
    if (link === undefined) return;
    if (bytes.length > this.#limits.gossipBytesMax) this.#cutOff(from.peerId, "GOSSIP_TOO_LARGE");
    else if (!link.gossip.take(1, this.#options.clock.monotonicMs())) this.#cutOff(from.peerId, "GOSSIP_FLOOD");
    else if (this.#isNew(bytes)) this.#handlers?.onGossip(topic, from.peerId, bytes);
  }

  async answer(from: MemoryNetwork, protocol: RequestProtocol, payload: Uint8Array): Promise<Uint8Array> {
    if (this.#handlers === undefined) throw new LedgerError("PEER_UNREACHABLE");
    const bytes = await this.#handlers.onRequest(protocol, from.peerId, payload);
    if (bytes.length <= this.#limits.answerBytesMax) return bytes;
    throw new LedgerError("PEER_MESSAGE_TOO_LARGE", { protocol, bytes: bytes.length });
  }

  #takeAnswer(exchange: {
    readonly peer: PeerId;
    readonly protocol: RequestProtocol;
    readonly bytes: Uint8Array;
    readonly resolve: (bytes: Uint8Array) => void;
    readonly reject: (error: LedgerError) => void;
  }): void {
    const { peer, protocol, bytes } = exchange;
    const { answerBytesMax } = this.#limits;
    if (bytes.length <= answerBytesMax) exchange.resolve(bytes.slice());
    else {
      exchange.reject(new LedgerError("PEER_ANSWER_TOO_LARGE", { peer, protocol, bytesMax: answerBytesMax }));
      this.#cutOff(peer, "ANSWER_TOO_LARGE");
    }
  }

  #isNew(bytes: Uint8Array): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    for (const [seen, untilMs] of this.#seenUntilMs) {
      if (untilMs > nowMs) break;
      this.#seenUntilMs.delete(seen);
    }
    const digest = hash("sha256", bytes, "hex");
    if (this.#seenUntilMs.has(digest)) return false;
    this.#seenUntilMs.set(digest, nowMs + this.#limits.gossipSeenMs);
    return true;
  }

  #cutOff(peer: PeerId, code: string): void {
    this.#gate.cutOff(peer, code);
    this.#onCutOff(peer);
  }

  #onCutOff(peer: PeerId): void {
    this.#unlink(peer);
    this.#connectAfterCutOff(peer);
  }

  // A timer may fire a little before the clock says so: then it waits for the rest.
  #connectAfterCutOff(peer: PeerId): void {
    const { clock } = this.#options;
    const untilMs = this.#gate.cutOffUntilMs(peer);
    if (untilMs === undefined) return this.#hub.later(() => this.#hub.connect());
    clock.setTimer(Math.ceil(untilMs - clock.monotonicMs()), () => this.#connectAfterCutOff(peer));
  }

  /** Both sides lose the link at once. */
  #unlink(peer: PeerId): void {
    const link = this.#links.get(peer);
    if (link === undefined) return;
    this.#dropLink(peer);
    link.other.#dropLink(this.peerId);
    this.#hub.later(() => this.#hub.connect());
  }

  #dropLink(peer: PeerId): void {
    const link = this.#links.get(peer);
    if (link === undefined) return;
    this.#links.delete(peer);
    for (const fail of [...link.failRequests]) fail(new LedgerError("PEER_UNREACHABLE", { peer }));
    this.#handlers?.onPeerChanged(peer, false);
  }
}
