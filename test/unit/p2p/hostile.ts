// A member that breaks the rules: plain libp2p with a member's key, which says what it is told to say.
// Used against real networks only; it has no manners and no state machine of its own.

import { gossipsub } from "@chainsafe/libp2p-gossipsub";
import { identify } from "@libp2p/identify";
import { tcp } from "@libp2p/tcp";
import { tls } from "@libp2p/tls";
import { yamux } from "@libp2p/yamux";
import { multiaddr } from "@multiformats/multiaddr";
import { createLibp2p, type Libp2p } from "libp2p";
import { encodeControl } from "../../../src/p2p/control.ts";
import { joinFrames } from "../../../src/p2p/framing.ts";
import { encodeHello, PEER_PROTOCOL_VERSION } from "../../../src/p2p/hello.ts";
import { privateKeyOf } from "../../../src/p2p/peer-id.ts";
import type { Connection, PeerStream } from "../../../src/p2p/streams.ts";
import type { PeerEndpoint } from "../../../src/ports.ts";
import { CHAIN_ID, CONFIG_HASH, until } from "./support.ts";

export const GOSSIP_PROTOCOL = "/meshsub/1.2.0";
const TOPICS = ["batches", "heads", "evidence"].map(
  (topic) => `linli/${Buffer.from(CHAIN_ID).toString("hex")}/${topic}`,
);

type MuxerFactory = ReturnType<ReturnType<typeof yamux>>;
type ByteStream = Parameters<MuxerFactory["createStreamMuxer"]>[0];

export interface HostileOptions {
  /** "real": runs gossipsub; "mute": takes gossip streams, reads nothing from them, and opens one by `followTopics` */
  readonly gossip?: "real" | "mute";
}

export class HostilePeer {
  readonly #host: Libp2p;
  /** the encrypted connections, below the multiplexer */
  readonly raw: ByteStream[];

  private constructor(host: Libp2p, raw: ByteStream[]) {
    this.#host = host;
    this.raw = raw;
  }

  static async create(seed: Uint8Array, options: HostileOptions = {}): Promise<HostilePeer> {
    const raw: ByteStream[] = [];
    const host = await createLibp2p({
      privateKey: await privateKeyOf(seed),
      transports: [tcp()],
      connectionEncrypters: [tls()],
      streamMuxers: [
        () => {
          const factory = yamux()();
          const createStreamMuxer = (stream: ByteStream) => {
            raw.push(stream);
            return factory.createStreamMuxer(stream);
          };
          return { protocol: factory.protocol, createStreamMuxer };
        },
      ],
      services: {
        identify: identify(),
        ...(options.gossip === "real" ? { gossip: gossipsub({ globalSignaturePolicy: "StrictNoSign" }) } : {}),
      },
    });
    const { gossip } = host.services as { gossip?: { subscribe(topic: string): void } };
    for (const topic of TOPICS) gossip?.subscribe(topic);
    if (options.gossip === "mute") await host.handle(GOSSIP_PROTOCOL, (stream) => stream.pause());
    return new HostilePeer(host, raw);
  }

  async dial({ peerId, addresses }: PeerEndpoint): Promise<Connection> {
    return this.#host.dial(
      addresses.map((address) => multiaddr(`${address}/p2p/${peerId}`)),
      { force: true, signal: AbortSignal.timeout(5_000) },
    );
  }

  /** Dials and agrees on HELLO as an honest node does. */
  async greet(endpoint: PeerEndpoint): Promise<{ connection: Connection; control: PeerStream }> {
    const connection = await this.dial(endpoint);
    const control = await connection.newStream("/linli/control/1");
    let answered = false;
    control.addEventListener("message", () => {
      answered = true;
    });
    control.send(helloFrame());
    await until(() => answered || connection.status !== "open", "an answer to HELLO");
    return { connection, control };
  }

  /** Says on a gossip stream of its own what gossipsub says first: RPC { subscriptions { subscribe, topic } }. */
  async followTopics(connection: Connection): Promise<void> {
    const stream = await connection.newStream(GOSSIP_PROTOCOL);
    const subscriptions = TOPICS.map((topic) => {
      const name = new TextEncoder().encode(topic);
      return Buffer.from([0x0a, name.length + 4, 0x08, 1, 0x12, name.length, ...name]);
    });
    const bytes = Buffer.concat(subscriptions);
    stream.send(Buffer.from([(bytes.length & 0x7f) | 0x80, bytes.length >> 7, ...bytes]));
  }

  stop(): Promise<void> {
    return Promise.resolve(this.#host.stop());
  }
}

export function helloFrame(): Uint8Array {
  const bytes = encodeHello({
    protocol: PEER_PROTOCOL_VERSION,
    chainId: CHAIN_ID,
    configHash: CONFIG_HASH,
    software: "hostile/1",
  });
  return joinFrames([encodeControl({ kind: "hello", bytes })]);
}

/** Sends as long as the stream takes it; a stream that was cut is what the sender expects. */
export function sendAll(stream: PeerStream, pieces: readonly Uint8Array[]): void {
  for (const piece of pieces) {
    if (stream.writeStatus !== "writable") return;
    stream.send(piece);
  }
}
