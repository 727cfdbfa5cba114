// The libp2p stack of one node, assembled: TCP, TLS, yamux, identify, gossipsub, with this network's bounds and gate.
// The only file that knows how libp2p is put together; it holds no state of ours.

import { identify } from "@libp2p/identify";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { multiaddr } from "@multiformats/multiaddr";
import { createLibp2p, type Libp2p } from "libp2p";
import type { Clock, PeerEndpoint, PeerId } from "../ports.ts";
import type { Gossip } from "./gossip.ts";
import type { PeerLimits } from "./limits.ts";
import { MuxerGuard } from "./muxer-guard.ts";
import { MuxerWrites } from "./muxer-writes.ts";
import { privateKeyOf } from "./peer-id.ts";
import { socketTls } from "./socket-tls.ts";
import { onPieces } from "./streams.ts";

type Encrypter = ReturnType<Awaited<ReturnType<typeof socketTls>>>;
type MuxerFactory = ReturnType<ReturnType<typeof yamux>>;
type ByteStream = Parameters<MuxerFactory["createStreamMuxer"]>[0];

/** Connections of strangers are cheap to open and dear to secure: bounded by address, by number and by time. */
const INBOUND_PER_ADDRESS_PER_SECOND = 32;
const INBOUND_PENDING_MAX = 128;
const INBOUND_UPGRADE_MS_MAX = 5_000;
const STREAM_NEGOTIATION_MS_MAX = 5_000;
const CONNECTIONS_MAX = 1_024;
const STREAMS_PER_CONNECTION_MAX = 128;
/** What a stream may hold before anybody reads it. */
const UNREAD_BYTES_MAX = 1_024 * 1_024;

export interface HostOptions {
  readonly identitySeed: Uint8Array;
  readonly listen: readonly string[];
  readonly clock: Clock;
  readonly limits: PeerLimits;
  readonly gossip: Gossip;
  readonly admits: (peer: PeerId) => boolean;
  /** must close the peer's link; a connection that has none yet is closed afterwards */
  readonly onMuxerFault: (peer: PeerId, code: string) => void;
}

/** Not started. */
export async function createHost(options: HostOptions): Promise<Libp2p> {
  const { limits, gossip, admits } = options;
  const peers = new WeakMap<ByteStream, PeerId>();
  const privateKey = await privateKeyOf(options.identitySeed);
  const encrypter = await socketTls(privateKey);
  return createLibp2p({
    start: false,
    privateKey,
    addresses: { listen: [...options.listen] },
    transports: [tcp()],
    connectionEncrypters: [(components) => remembering(encrypter(components), peers)],
    streamMuxers: [
      () => {
        const factory = yamux({
          maxInboundStreams: STREAMS_PER_CONNECTION_MAX,
          maxOutboundStreams: STREAMS_PER_CONNECTION_MAX,
          streamOptions: { maxStreamWindowSize: limits.windowBytesMax, maxReadBufferLength: UNREAD_BYTES_MAX },
        })();
        return guarded(factory, peers, options);
      },
    ],
    connectionGater: {
      denyDialPeer: (peer) => !admits(peer.toString()),
      denyInboundEncryptedConnection: (peer) => !admits(peer.toString()),
      denyOutboundEncryptedConnection: (peer) => !admits(peer.toString()),
    },
    connectionManager: {
      maxConnections: CONNECTIONS_MAX,
      inboundConnectionThreshold: INBOUND_PER_ADDRESS_PER_SECOND,
      maxIncomingPendingConnections: INBOUND_PENDING_MAX,
      inboundUpgradeTimeout: INBOUND_UPGRADE_MS_MAX,
      inboundStreamProtocolNegotiationTimeout: STREAM_NEGOTIATION_MS_MAX,
      outboundStreamProtocolNegotiationTimeout: STREAM_NEGOTIATION_MS_MAX,
      dialTimeout: limits.dialMsMax,
      reconnectRetries: 0,
    },
    // Our own heartbeat decides when a connection is dead.
    connectionMonitor: { enabled: false },
    services: {
      identify: identify({ maxInboundStreams: 2, maxOutboundStreams: 2 }),
      gossip: (components) => gossip.service(components),
    },
  });
}

/** Rejects when nobody answers. Resolves when a connection stands or the remote side has already closed it again: a denied dial succeeds, too. */
export async function dialPeer(host: Libp2p, endpoint: PeerEndpoint, timeoutMs: number): Promise<void> {
  const addresses = endpoint.addresses.flatMap((address) => {
    try {
      return [multiaddr(`${address}/p2p/${endpoint.peerId}`)];
    } catch {
      // One address that cannot be read does not make the others useless.
      return [];
    }
  });
  await host.dial(addresses, { signal: AbortSignal.timeout(timeoutMs), force: true });
}

/** Remembers whose key secured a connection, because the multiplexer is not told. */
function remembering(inner: Encrypter, peers: WeakMap<ByteStream, PeerId>): Encrypter {
  const remember = <T extends { connection: ByteStream; remotePeer: { toString(): string } }>(secured: T): T => {
    peers.set(secured.connection, secured.remotePeer.toString());
    return secured;
  };
  return {
    protocol: inner.protocol,
    secureInbound: async (connection, settings) => remember(await inner.secureInbound(connection, settings)),
    secureOutbound: async (connection, settings) => remember(await inner.secureOutbound(connection, settings)),
  };
}

/**
 * Gathers what the multiplexer writes. N98: yamux opens a stream in a microtask of its own. When the connection ends before it
 * runs, what it sends would throw where nobody catches: that ends the process, and a peer that is cut off could choose the
 * moment. On a closed connection bytes have nowhere to go.
 */
function gatherWrites(stream: ByteStream): void {
  const send = stream.send.bind(stream);
  const writes = new MuxerWrites((bytes) => {
    try {
      send(bytes);
    } catch (error) {
      if (stream.status === "open") stream.abort(error instanceof Error ? error : new Error("write failed"));
    }
  });
  stream.send = (frame) => {
    writes.push(frame);
    return !stream.writableNeedsDrain;
  };
}

/** Puts a MuxerGuard in front of every multiplexer. */
function guarded(factory: MuxerFactory, peers: WeakMap<ByteStream, PeerId>, options: HostOptions): MuxerFactory {
  const { clock, limits, onMuxerFault } = options;
  return {
    protocol: factory.protocol,
    createStreamMuxer: (stream) => {
      const guard = new MuxerGuard({ clock, limits, weDialled: stream.direction === "outbound" });
      let broken = false;
      // Added before the multiplexer's own listener, which must not see what breaks the bounds.
      onPieces(stream, (piece) => {
        if (broken) return false;
        const fault = guard.push(piece);
        if (fault === undefined) return true;
        broken = true;
        const peer = peers.get(stream);
        if (peer !== undefined) onMuxerFault(peer, fault);
        stream.abort(new Error(fault));
        return false;
      });
      gatherWrites(stream);
      return factory.createStreamMuxer(stream);
    },
  };
}
