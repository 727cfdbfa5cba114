// The peer network over libp2p: wires host, gate, links, gossip, requests and dialler, and offers them as the PeerNetwork port.
// Knows peers and bytes, nothing of blocks or votes; whatever a peer does, it never stops the node.

import type { Libp2p } from "libp2p";
import { invariant } from "../assert.ts";
import { LedgerError } from "../errors.ts";
import type {
  Clock,
  GossipTopic,
  Logger,
  PeerAddresses,
  PeerEndpoint,
  PeerHandlers,
  PeerId,
  PeerNetwork,
  PeerStatus,
  RequestProtocol,
} from "../ports.ts";
import { Dialler } from "./dialler.ts";
import { Gossip } from "./gossip.ts";
import { type Hello, isHello, PEER_PROTOCOL_VERSION } from "./hello.ts";
import { createHost, dialPeer } from "./libp2p-host.ts";
import { type PeerLimits, peerLimits } from "./limits.ts";
import { CONTROL_PROTOCOL, FRAMES_PROTOCOL, Link, type LinkHooks } from "./link.ts";
import { PeerGate } from "./peer-gate.ts";
import { peerIdOf } from "./peer-id.ts";
import { REQUEST_PROTOCOLS, Requests, requestProtocolId, requestStreamsMax } from "./requests.ts";
import { type Connection, endConnection, type PeerStream } from "./streams.ts";

export interface PeerNetworkOptions {
  /** 32 bytes; not the validator's key */
  readonly identitySeed: Uint8Array;
  /** multiaddrs, e.g. /ip4/0.0.0.0/tcp/26001 */
  readonly listen: readonly string[];
  /** 32 bytes */
  readonly chainId: Uint8Array;
  /** 32 bytes */
  readonly configHash: Uint8Array;
  /** name and version of the program, e.g. linli/0.1.0 */
  readonly software: string;
  readonly members: readonly PeerEndpoint[];
  readonly addresses?: PeerAddresses;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits?: Partial<PeerLimits>;
}

/** Over TCP, TLS and yamux. Nothing listens before `start`. */
export function createPeerNetwork(options: PeerNetworkOptions): PeerNetwork {
  return new Libp2pNetwork(options);
}

/** What exists between `start` and `stop`. */
interface Running {
  readonly host: Libp2p;
  readonly gate: PeerGate;
  readonly dialler: Dialler;
  readonly handlers: PeerHandlers;
}

class Libp2pNetwork implements PeerNetwork {
  readonly #options: PeerNetworkOptions;
  readonly #limits: PeerLimits;
  readonly #hello: Hello;
  readonly #gossip: Gossip;
  readonly #requests: Requests;
  readonly #links = new Map<PeerId, Link>();
  readonly #linkOf = new WeakMap<Connection, Link>();
  /** peers whose refusal is already in the log */
  readonly #refused = new Set<PeerId>();
  #members: readonly PeerEndpoint[];
  #running: Running | undefined;
  #stopped = false;

  constructor(options: PeerNetworkOptions) {
    const { clock, log, chainId, configHash, software } = options;
    this.#options = options;
    this.#members = options.members;
    this.#limits = peerLimits(options.limits);
    this.#hello = { protocol: PEER_PROTOCOL_VERSION, chainId, configHash, software };
    invariant(isHello(this.#hello), "P4: our own HELLO is well formed");
    const onFault = (peer: PeerId, code: string): void => this.#cutOff(peer, code);
    this.#requests = new Requests({ clock, limits: this.#limits, log, onFault });
    this.#gossip = new Gossip({
      chainId,
      clock,
      limits: this.#limits,
      hooks: {
        admitsStream: (connection) => this.#linkOf.get(connection)?.agreed === true,
        afterAgreement: (connection, run) => this.#linkOf.get(connection)?.afterAgreement(run),
        onInboundStream: (connection, stream) => this.#linkOf.get(connection)?.watchGossip(stream),
        onSubscriptionChange: (peer) => this.#links.get(peer)?.gossipChanged(),
        onGossip: (topic, peer, bytes) => this.#onGossip(topic, peer, bytes),
        onFault,
        onDropped: (peer) => {
          if (this.#links.get(peer)?.noteSlow() === true) log.warn("peer reads too slowly, gossip dropped", { peer });
        },
      },
    });
  }

  async start(handlers: PeerHandlers): Promise<void> {
    const { identitySeed, listen, addresses, clock, log } = this.#options;
    const limits = this.#limits;
    const ownPeerId = await peerIdOf(identitySeed);
    const gate = new PeerGate({ ownPeerId, members: this.#members, addresses, clock, limits, log });
    const host = await createHost({
      identitySeed,
      listen,
      clock,
      limits,
      gossip: this.#gossip,
      admits: (peer) => gate.admits(peer),
      onMuxerFault: (peer, code) => this.#cutOff(peer, code),
    });
    const dialler = new Dialler({
      clock,
      limits,
      gate,
      linked: (peer) => this.#links.has(peer),
      dial: (endpoint) => dialPeer(host, endpoint, limits.dialMsMax),
      onUnreachable: ({ peerId, addresses }, cause) => {
        log.warn("peer cannot be reached", {
          peer: peerId,
          addresses,
          cause: causeInWords(cause),
        });
      },
    });
    invariant(this.#running === undefined && !this.#stopped, "P5: a peer network starts once");
    gate.setMembers(this.#members); // they may have changed meanwhile
    this.#running = { host, gate, dialler, handlers };
    await this.#handleStreams(host);
    host.addEventListener("connection:open", ({ detail }) => this.#onConnection(detail));
    try {
      await host.start();
    } catch (cause) {
      this.#running = undefined;
      throw new LedgerError(
        "PEER_LISTEN_FAILED",
        { listen },
        { cause, remedy: "free the port, or correct p2p.listen" },
      );
    }
    this.#gossip.subscribe();
    dialler.refresh();
    log.info("peer network listens", { peer: ownPeerId, listen });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const running = this.#running;
    this.#running = undefined;
    if (running === undefined) return;
    running.dialler.stop();
    for (const link of [...this.#links.values()]) link.close("STOPPED");
    await running.host.stop();
  }

  send(peer: PeerId, bytes: Uint8Array): boolean {
    if (bytes.length === 0 || bytes.length > this.#limits.frameBytesMax) {
      this.#options.log.error("frame cannot be sent", { bytes: bytes.length, bytesMax: this.#limits.frameBytesMax });
      return false;
    }
    return this.#links.get(peer)?.send(bytes) === true;
  }

  publish(topic: GossipTopic, bytes: Uint8Array): Promise<void> {
    return this.#running === undefined ? Promise.resolve() : this.#gossip.publish(topic, bytes);
  }

  async request(
    peer: PeerId,
    protocol: RequestProtocol,
    payload: Uint8Array,
    options: { readonly timeoutMs: number },
  ): Promise<Uint8Array> {
    const link = this.#links.get(peer);
    if (link?.ready !== true) throw new LedgerError("PEER_UNREACHABLE", { peer, protocol });
    return this.#requests.ask({
      peer,
      connection: link.connection,
      protocol,
      payload,
      timeoutMs: options.timeoutMs,
    });
  }

  setMembers(members: readonly PeerEndpoint[]): void {
    this.#members = members;
    if (this.#running === undefined) return;
    const { gate, dialler } = this.#running;
    gate.setMembers(members);
    for (const link of [...this.#links.values()]) {
      if (!gate.admits(link.peer)) link.close("NOT_A_MEMBER");
    }
    for (const peer of this.#refused) {
      if (gate.endpoint(peer) === undefined) this.#refused.delete(peer);
    }
    dialler.refresh();
  }

  penalise(peer: PeerId, code: string): void {
    if (this.#running?.gate.countFault(peer, code) === true) this.#links.get(peer)?.close("CUT_OFF");
  }

  peers(): readonly PeerStatus[] {
    const gate = this.#running?.gate;
    if (gate === undefined) return [];
    return gate.members().map(({ peerId }) => {
      const link = this.#links.get(peerId);
      return {
        peerId,
        connected: link?.ready === true,
        roundTripMs: link?.roundTripMs,
        cutOffUntilMs: gate.cutOffUntilMs(peerId),
      };
    });
  }

  async #handleStreams(host: Libp2p): Promise<void> {
    const one = { maxInboundStreams: 1, maxOutboundStreams: 1 };
    const accept = (take: (link: Link, stream: PeerStream) => void) => (stream: PeerStream, connection: Connection) => {
      const link = this.#linkOf.get(connection);
      if (link === undefined) stream.abort(new Error("no link"));
      else take(link, stream);
    };
    await host.handle(
      CONTROL_PROTOCOL,
      accept((link, stream) => link.acceptControl(stream)),
      one,
    );
    await host.handle(
      FRAMES_PROTOCOL,
      accept((link, stream) => link.acceptFrames(stream)),
      one,
    );
    const streamsMax = requestStreamsMax(this.#limits);
    for (const protocol of REQUEST_PROTOCOLS) {
      await host.handle(
        requestProtocolId(protocol),
        accept((link, stream) => this.#serve(link, protocol, stream)),
        {
          maxInboundStreams: streamsMax,
          maxOutboundStreams: streamsMax,
        },
      );
    }
  }

  #serve(link: Link, protocol: RequestProtocol, stream: PeerStream): void {
    const handlers = this.#running?.handlers;
    if (handlers === undefined) return stream.abort(new Error("stopped"));
    if (!link.agreed) return this.#cutOff(link.peer, "REQUEST_BEFORE_HELLO");
    const answer = (payload: Uint8Array): Promise<Uint8Array> => handlers.onRequest(protocol, link.peer, payload);
    void this.#requests.serve({ peer: link.peer, protocol, stream, answer });
  }

  #onConnection(connection: Connection): void {
    const running = this.#running;
    const peer = connection.remotePeer.toString();
    if (running === undefined || !running.gate.admits(peer)) return endConnection(connection, "not admitted");
    const link = new Link({
      peer,
      connection,
      clock: this.#options.clock,
      limits: this.#limits,
      hello: this.#hello,
      hooks: this.#linkHooks(running),
    });
    const existing = this.#links.get(peer);
    if (existing !== undefined) {
      const dialled = { existingByUs: existing.weDialled, newByUs: link.weDialled };
      if (running.gate.keepsExisting(peer, dialled)) return endConnection(connection, "crossed");
      existing.close("REPLACED");
    }
    invariant(!this.#links.has(peer), "P6: there is one link to a peer");
    this.#links.set(peer, link);
    this.#linkOf.set(connection, link);
    link.start();
  }

  #linkHooks({ gate, dialler, handlers }: Running): LinkHooks {
    const { log } = this.#options;
    return {
      gossipReachesUs: (peer) => this.#gossip.reachesUs(peer),
      gossipReachesPeer: (connection) => this.#gossip.reachesPeer(connection),
      onReady: ({ peer }) => {
        dialler.onReady(peer);
        this.#refused.delete(peer);
        log.info("peer connected", { peer });
        handlers.onPeerChanged(peer, true);
      },
      onFrame: ({ peer }, frame) => handlers.onFrame(peer, frame),
      onHelloRefused: ({ peer }, code, detail) => {
        if (this.#refused.has(peer)) return;
        this.#refused.add(peer);
        log.warn("peer refused at HELLO", { peer, code, detail });
      },
      onFault: ({ peer }, code) => this.#cutOff(peer, code),
      onClosed: (link, reason, wasReady) => {
        const { peer } = link;
        if (this.#links.get(peer) === link) this.#links.delete(peer);
        log.debug("link closed", { peer, reason });
        if (reason === "OPENING_TIMEOUT") gate.countFault(peer, reason);
        dialler.onLost(peer, reason === "HELLO_REFUSED" ? this.#limits.helloRetryMs : 0);
        if (!wasReady) return;
        log.info("peer disconnected", { peer, reason });
        handlers.onPeerChanged(peer, false);
      },
    };
  }

  #onGossip(topic: GossipTopic, peer: PeerId, bytes: Uint8Array): void {
    if (this.#links.get(peer)?.agreed !== true) return;
    // Gossipsub swallows what is thrown here; a bug of ours must reach the process instead.
    queueMicrotask(() => this.#running?.handlers.onGossip(topic, peer, bytes));
  }

  #cutOff(peer: PeerId, code: string): void {
    this.#running?.gate.cutOff(peer, code);
    this.#links.get(peer)?.close("CUT_OFF");
  }
}

const CAUSE_CHARACTERS_MAX = 200;

/** Name and first line of what the library says: why it could not connect, without stacks. */
function causeInWords(cause: unknown): string {
  if (!(cause instanceof Error)) return "";
  return `${cause.name}: ${cause.message.split("\n", 1)[0]}`.slice(0, CAUSE_CHARACTERS_MAX);
}
