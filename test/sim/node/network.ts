// The network between simulated nodes, behind the PeerNetwork port: links that come and go, frames in order on each link,
// gossip straight from its author to all, questions and answers. The adversary decides what is late, lost or sent twice.

import { LedgerError } from "../../../src/errors.ts";
import { peerLimits } from "../../../src/p2p/limits.ts";
import { PeerGate } from "../../../src/p2p/peer-gate.ts";
import type {
  GossipTopic,
  Logger,
  PeerEndpoint,
  PeerHandlers,
  PeerId,
  PeerNetwork,
  PeerStatus,
  RequestProtocol,
} from "../../../src/ports.ts";
import type { Life } from "./life.ts";

export interface Weather {
  /** from one machine to another, ms */
  delayMs(from: number, to: number): number;
  roundTripMs(from: number, to: number): number;
  isCut(from: number, to: number): boolean;
  isLost(from: number, to: number): boolean;
  isFrameLost(from: number, to: number, bytes: Uint8Array): boolean;
  isRepeated(): boolean;
  redialMs(): number;
}

export interface Watcher {
  onSend(from: number, to: number, bytes: Uint8Array): void;
  onGossip(from: number, topic: GossipTopic, bytes: Uint8Array): void;
  onAnswer(by: number, protocol: RequestProtocol): void;
  onPenalty(by: number, peer: PeerId, code: string): void;
}

const LIMITS = peerLimits();

/** All machines and what is on its way between them. */
export class SimHub {
  readonly weather: Weather;
  readonly watcher: Watcher;
  private readonly up = new Map<PeerId, SimNetwork>();

  constructor(weather: Weather, watcher: Watcher) {
    this.weather = weather;
    this.watcher = watcher;
  }

  join(node: SimNetwork): void {
    this.up.set(node.peerId, node);
    this.redial(node);
  }

  /** The process ended: the others notice after a moment, or after their heartbeats stay without answer. */
  leave(node: SimNetwork, noticedAfterMs: number): void {
    if (this.up.get(node.peerId) === node) this.up.delete(node.peerId);
    for (const other of this.up.values()) other.life.after(noticedAfterMs, () => other.drop(node));
  }

  at(peer: PeerId): SimNetwork | undefined {
    return this.up.get(peer);
  }

  /** Both sides try until they are linked. */
  redial(node: SimNetwork): void {
    for (const other of this.up.values()) {
      if (other !== node) this.dial(node, other);
    }
  }

  private dial(node: SimNetwork, other: SimNetwork): void {
    node.life.after(this.weather.redialMs(), () => {
      if (other.life.isOver || this.up.get(other.peerId) !== other || node.isLinked(other)) return;
      if (!node.admits(other.peerId) || !other.admits(node.peerId)) return;
      const isCut = this.weather.isCut(node.index, other.index) || this.weather.isCut(other.index, node.index);
      if (isCut) return this.dial(node, other);
      // What is left of an earlier link goes before the new one stands.
      other.drop(node);
      node.link(other);
      other.link(node);
    });
  }

  /** Both sides lose the link and try again. */
  cut(one: PeerId, two: PeerId): void {
    const left = this.up.get(one);
    const right = this.up.get(two);
    if (left === undefined || right === undefined) return;
    left.drop(right);
    right.drop(left);
    this.dial(left, right);
  }

  members(): readonly SimNetwork[] {
    return [...this.up.values()];
  }
}

interface Link {
  readonly other: SimNetwork;
  /** nothing sent later arrives earlier */
  frameAtMs: number;
  readonly asked: Set<(error: LedgerError) => void>;
}

/** One process's side of it. */
export class SimNetwork implements PeerNetwork {
  readonly index: number;
  readonly peerId: PeerId;
  readonly life: Life;
  private readonly hub: SimHub;
  private readonly gate: PeerGate;
  private readonly links = new Map<PeerId, Link>();
  private handlers: PeerHandlers | undefined;

  constructor(
    hub: SimHub,
    options: {
      readonly index: number;
      readonly peerId: PeerId;
      readonly members: readonly PeerEndpoint[];
      readonly life: Life;
      readonly log: Logger;
    },
  ) {
    const { index, peerId, members, life, log } = options;
    this.hub = hub;
    this.index = index;
    this.peerId = peerId;
    this.life = life;
    this.gate = new PeerGate({ ownPeerId: peerId, members, clock: life, limits: LIMITS, log });
  }

  async start(handlers: PeerHandlers): Promise<void> {
    this.handlers = handlers;
    this.hub.join(this);
  }

  async stop(): Promise<void> {
    this.hub.leave(this, 0);
  }

  send(peer: PeerId, bytes: Uint8Array): boolean {
    const link = this.links.get(peer);
    if (link === undefined) return false;
    const { weather, watcher } = this.hub;
    watcher.onSend(this.index, link.other.index, bytes);
    if (weather.isFrameLost(this.index, link.other.index, bytes)) return true;
    const nowMs = this.life.trueMs();
    link.frameAtMs = Math.max(link.frameAtMs, nowMs + weather.delayMs(this.index, link.other.index));
    const arrive = () => {
      if (this.carries(link)) link.other.handlers?.onFrame(this.peerId, bytes);
    };
    link.other.life.after(link.frameAtMs - nowMs, arrive);
    if (weather.isRepeated()) link.other.life.after(2 * (link.frameAtMs - nowMs), arrive);
    return true;
  }

  async publish(topic: GossipTopic, bytes: Uint8Array): Promise<void> {
    if (bytes.length > LIMITS.gossipBytesMax) throw new LedgerError("PEER_MESSAGE_TOO_LARGE", { topic });
    for (const peer of this.links.keys()) this.gossipTo(peer, topic, bytes);
  }

  gossipTo(peer: PeerId, topic: GossipTopic, bytes: Uint8Array): void {
    const link = this.links.get(peer);
    if (link === undefined) return;
    const { weather, watcher } = this.hub;
    watcher.onGossip(this.index, topic, bytes);
    if (weather.isLost(this.index, link.other.index)) return;
    link.other.life.after(weather.delayMs(this.index, link.other.index), () => {
      if (this.carries(link)) link.other.handlers?.onGossip(topic, this.peerId, bytes);
    });
  }

  request(
    peer: PeerId,
    protocol: RequestProtocol,
    payload: Uint8Array,
    { timeoutMs }: { readonly timeoutMs: number },
  ): Promise<Uint8Array> {
    const link = this.links.get(peer);
    if (link === undefined) return Promise.reject(new LedgerError("PEER_UNREACHABLE", { peer, protocol }));
    const { other } = link;
    const { weather } = this.hub;
    return new Promise((resolve, reject) => {
      const settle = (run: () => void): void => {
        cancel();
        link.asked.delete(fail);
        run();
      };
      const fail = (error: LedgerError): void => settle(() => reject(error));
      const cancel = this.life.setTimer(timeoutMs, () =>
        fail(new LedgerError("PEER_TIMEOUT", { peer, protocol, timeoutMs })),
      );
      link.asked.add(fail);
      const comeBack = (run: () => void): void => {
        if (weather.isLost(other.index, this.index)) return;
        this.life.after(weather.delayMs(other.index, this.index), () => {
          if (link.asked.has(fail)) run();
        });
      };
      if (weather.isLost(this.index, other.index)) return;
      other.life.after(weather.delayMs(this.index, other.index), () => {
        if (!this.carries(link) || other.handlers === undefined) return;
        other.handlers.onRequest(protocol, this.peerId, payload).then(
          (answer) => {
            this.hub.watcher.onAnswer(other.index, protocol);
            comeBack(() => settle(() => resolve(answer.slice())));
          },
          () => comeBack(() => fail(new LedgerError("PEER_REFUSED", { peer, protocol, reason: "failed" }))),
        );
      });
    });
  }

  setMembers(members: readonly PeerEndpoint[]): void {
    this.gate.setMembers(members);
    for (const { other } of [...this.links.values()]) {
      if (!this.gate.admits(other.peerId)) this.hub.cut(this.peerId, other.peerId);
    }
    if (this.handlers !== undefined) this.hub.redial(this);
  }

  penalise(peer: PeerId, code: string): void {
    const isCutOff = this.gate.countFault(peer, code);
    this.hub.watcher.onPenalty(this.index, peer, code);
    if (!isCutOff) return;
    this.hub.cut(this.peerId, peer);
    this.life.setTimer(LIMITS.cutOffMs + 1, () => this.hub.redial(this));
  }

  peers(): readonly PeerStatus[] {
    return this.gate.members().map(({ peerId }) => {
      const link = this.links.get(peerId);
      return {
        peerId,
        connected: link !== undefined,
        roundTripMs: link && this.hub.weather.roundTripMs(this.index, link.other.index),
        cutOffUntilMs: this.gate.cutOffUntilMs(peerId),
      };
    });
  }

  // ---- for the hub ----

  admits(peer: PeerId): boolean {
    return this.gate.admits(peer);
  }

  isLinked(other: SimNetwork): boolean {
    return this.links.get(other.peerId)?.other === other;
  }

  link(other: SimNetwork): void {
    this.links.set(other.peerId, { other, frameAtMs: 0, asked: new Set() });
    this.handlers?.onPeerChanged(other.peerId, true);
  }

  drop(other: SimNetwork): void {
    const link = this.links.get(other.peerId);
    if (link?.other !== other) return;
    this.links.delete(other.peerId);
    for (const fail of [...link.asked]) fail(new LedgerError("PEER_UNREACHABLE", { peer: other.peerId }));
    this.handlers?.onPeerChanged(other.peerId, false);
  }

  /** Whether what was sent on this link still arrives: neither side has lost it. */
  private carries(link: Link): boolean {
    return (this.life.isOver || this.links.get(link.other.peerId) === link) && link.other.isLinked(this);
  }
}
