// Gossipsub as this network uses it: three topics per ledger, every message straight from its author to all, none passed on.
// Sees a peer only after HELLO is agreed; its peer scores are switched off, because honest peers must not be banned by them.

import { hash } from "node:crypto";
import { type GossipSub, gossipsub, TopicValidatorResult } from "@chainsafe/libp2p-gossipsub";
import { LedgerError } from "../errors.ts";
import type { Clock, GossipTopic, PeerId } from "../ports.ts";
import { GOSSIP_ENVELOPE_BYTES_MAX, GossipMeter } from "./gossip-meter.ts";
import type { PeerLimits } from "./limits.ts";
import { type Connection, onPieces, type PeerStream } from "./streams.ts";

const TOPICS: readonly GossipTopic[] = ["batches", "heads", "evidence"];
const GOSSIP_PROTOCOL_PREFIX = "/meshsub/";
/** One message per envelope is what our own nodes send. */
const MESSAGES_PER_ENVELOPE_MAX = 16;
const CONTROLS_PER_ENVELOPE_MAX = 16;

type GossipComponents = Parameters<ReturnType<typeof gossipsub>>[0];
type Registrar = GossipComponents["registrar"];

export interface GossipHooks {
  /** HELLO is agreed on this connection; what a peer opens before is cut */
  admitsStream(connection: Connection): boolean;
  afterAgreement(connection: Connection, run: () => void): void;
  onInboundStream(connection: Connection, stream: PeerStream): void;
  onSubscriptionChange(peer: PeerId): void;
  onGossip(topic: GossipTopic, peer: PeerId, bytes: Uint8Array): void;
  onFault(peer: PeerId, code: string): void;
  /** a message was not sent to this peer, because too much waits for it already */
  onDropped(peer: PeerId): void;
}

export interface GossipOptions {
  /** 32 bytes; part of every topic name */
  readonly chainId: Uint8Array;
  readonly clock: Clock;
  readonly limits: PeerLimits;
  readonly hooks: GossipHooks;
}

export class Gossip {
  readonly #options: GossipOptions;
  readonly #names = new Map<GossipTopic, string>();
  #pubsub: GossipSub | undefined;

  constructor(options: GossipOptions) {
    this.#options = options;
    const chain = Buffer.from(options.chainId).toString("hex");
    for (const topic of TOPICS) this.#names.set(topic, `linli/${chain}/${topic}`);
  }

  /** The service for libp2p. */
  service(components: GossipComponents): GossipSub {
    const { limits } = this.#options;
    const pubsub = gossipsub({
      globalSignaturePolicy: "StrictNoSign",
      allowedTopics: [...this.#names.values()],
      msgIdFn: ({ data }) => hash("sha256", data, "buffer"),
      msgIdToStrFn: (id) => Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString("latin1"),
      seenTTL: limits.gossipSeenMs,
      // From the author to everybody who follows the topic; equal bytes are sent once.
      floodPublish: true,
      batchPublish: true,
      allowPublishToZeroTopicPeers: true,
      ignoreDuplicatePublishError: true,
      emitSelf: false,
      // No lazy gossip: what somebody missed is fetched by its digest.
      Dlazy: 0,
      gossipFactor: 0,
      mcacheLength: 1,
      mcacheGossip: 1,
      idontwantMinDataSize: Number.POSITIVE_INFINITY,
      // No scores, no tags, no floodsub, no exchange of peers: the gate decides who is a peer.
      fallbackToFloodsub: false,
      tagMeshPeers: false,
      doPX: false,
      scoreParams: { IPColocationFactorWeight: 0, behaviourPenaltyWeight: 0 },
      // One stream stands; another may open while it is being replaced.
      maxInboundStreams: 2,
      maxOutboundStreams: 2,
      maxInboundDataLength: limits.gossipBytesMax + GOSSIP_ENVELOPE_BYTES_MAX,
      decodeRpcLimits: {
        maxSubscriptions: TOPICS.length,
        maxMessages: MESSAGES_PER_ENVELOPE_MAX,
        maxControlMessages: CONTROLS_PER_ENVELOPE_MAX,
        maxIhaveMessageIDs: 0,
        maxIwantMessageIDs: 0,
        maxIdontwantMessageIDs: 0,
        maxPeerInfos: 0,
      },
    })({
      peerId: components.peerId,
      privateKey: components.privateKey,
      peerStore: components.peerStore,
      connectionManager: components.connectionManager,
      logger: components.logger,
      registrar: this.#gated(components.registrar),
    });
    this.#pubsub = pubsub;
    return pubsub;
  }

  /** To be called once libp2p has started. */
  subscribe(): void {
    const { hooks } = this.#options;
    const pubsub = this.#started();
    for (const [topic, name] of this.#names) {
      // "Ignore" after delivery: neither passed on, nor kept, nor held against the sender.
      pubsub.topicValidators.set(name, (peer, { data }) => {
        hooks.onGossip(topic, peer.toString(), data);
        return TopicValidatorResult.Ignore;
      });
      pubsub.subscribe(name);
    }
    pubsub.addEventListener("subscription-change", ({ detail }) => {
      hooks.onSubscriptionChange(detail.peerId.toString());
    });
  }

  /** @throws LedgerError PEER_MESSAGE_TOO_LARGE: gossipsub would reach nobody and say nothing */
  async publish(topic: GossipTopic, bytes: Uint8Array): Promise<void> {
    const { gossipBytesMax } = this.#options.limits;
    if (bytes.length > gossipBytesMax) {
      throw new LedgerError("PEER_MESSAGE_TOO_LARGE", { topic, bytes: bytes.length, bytesMax: gossipBytesMax });
    }
    const name = this.#names.get(topic);
    if (name !== undefined) await this.#started().publish(name, bytes);
  }

  /** The peer's gossip reaches us: it follows all topics, which it said on its gossip stream. */
  reachesUs(peer: PeerId): boolean {
    const pubsub = this.#started();
    return [...this.#names.values()].every((name) =>
      pubsub.getSubscribers(name).some((subscriber) => subscriber.toString() === peer),
    );
  }

  /** Our gossip reaches the peer: gossipsub has a stream to it and does not reopen one that it lost. */
  reachesPeer(connection: Connection): boolean {
    return connection.streams.some(
      ({ direction, protocol }) => direction === "outbound" && protocol.startsWith(GOSSIP_PROTOCOL_PREFIX),
    );
  }

  #started(): GossipSub {
    if (this.#pubsub === undefined) throw new LedgerError("PEER_NOT_STARTED");
    return this.#pubsub;
  }

  /** The registrar as gossipsub sees it: peers appear, and their streams are read, only after HELLO is agreed. */
  #gated(registrar: Registrar): Registrar {
    const { hooks } = this.#options;
    return {
      getProtocols: () => registrar.getProtocols(),
      getHandler: (protocol) => registrar.getHandler(protocol),
      getMiddleware: (protocol) => registrar.getMiddleware(protocol),
      getTopologies: (protocol) => registrar.getTopologies(protocol),
      use: (protocol, middleware) => registrar.use(protocol, middleware),
      unuse: (protocol) => registrar.unuse(protocol),
      unhandle: (protocol, options) => registrar.unhandle(protocol, options),
      unregister: (id) => registrar.unregister(id),
      handle: (protocol, handler, options) =>
        registrar.handle(
          protocol,
          async (stream, connection) => {
            if (!hooks.admitsStream(connection)) {
              hooks.onFault(connection.remotePeer.toString(), "GOSSIP_BEFORE_HELLO");
              return;
            }
            hooks.onInboundStream(connection, stream);
            const handled = handler(stream, this.#bounded(connection));
            this.#meter(stream, connection.remotePeer.toString());
            await handled;
          },
          options,
        ),
      register: (protocol, topology, options) =>
        registrar.register(
          protocol,
          {
            ...topology,
            onConnect: (peer, connection) => {
              hooks.afterAgreement(connection, () => void topology.onConnect?.(peer, this.#bounded(connection)));
            },
          },
          options,
        ),
    };
  }

  /**
   * The connection as gossipsub sees it: a stream opened on it drops what a slow peer would leave waiting. Gossipsub's
   * own bound resets the stream instead, and a peer that is only busy would lose its connection.
   */
  #bounded(connection: Connection): Connection {
    const { limits, hooks } = this.#options;
    const peer = connection.remotePeer.toString();
    const newStream: Connection["newStream"] = async (protocols, settings) => {
      const stream = await connection.newStream(protocols, settings);
      const send = stream.send.bind(stream);
      stream.send = (data) => {
        if (stream.writeBufferLength + data.byteLength <= limits.gossipQueueBytesMax) return send(data);
        hooks.onDropped(peer);
        return false;
      };
      return stream;
    };
    return Object.create(connection, { newStream: { value: newStream } });
  }

  /**
   * To be called in the turn in which gossipsub starts to listen, and after it: what has already arrived is handed
   * out once, at the end of that turn, and both must see it.
   */
  #meter(stream: PeerStream, peer: PeerId): void {
    const { clock, limits, hooks } = this.#options;
    const meter = new GossipMeter({ clock, limits });
    let broken = false;
    onPieces(stream, (piece) => {
      const fault = broken ? undefined : meter.push(piece);
      if (fault === undefined) return true;
      broken = true;
      hooks.onFault(peer, fault);
      return false;
    });
  }
}
