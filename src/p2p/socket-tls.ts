// TLS of libp2p (https://github.com/libp2p/specs/blob/master/tls/tls.md) on the socket itself: Node encrypts below JavaScript.
// Writes and checks no certificate by itself: that is the library's; nothing of the protocol differs from it.

import { Socket } from "node:net";
import { type ConnectionOptions, connect, TLSSocket } from "node:tls";
import type { tls } from "@libp2p/tls";
import { generateCertificate, toMessageStream, verifyPeerCertificate } from "@libp2p/tls/utils";

type Components = Parameters<ReturnType<typeof tls>>[0];
type Encrypter = ReturnType<ReturnType<typeof tls>>;
type Unsecured = Parameters<Encrypter["secureInbound"]>[0];
type Settings = NonNullable<Parameters<Encrypter["secureInbound"]>[1]>;
type Secured = Awaited<ReturnType<Encrypter["secureInbound"]>>;
type PrivateKey = Components["privateKey"];

const PROTOCOL = "/tls/1.0.0";
/** What is agreed on when the multiplexer is not: the library's word for "ask me later". */
const NO_MUXER = "libp2p";

/**
 * The library puts TLS on a stream of its own making, so that every record passes four layers of JavaScript in each direction.
 * @param privateKey signs the certificate, made once: the handshake can then begin before the peer's first byte is read
 */
export async function socketTls(privateKey: PrivateKey): Promise<(components: Components) => Encrypter> {
  const certificate = await generateCertificate(privateKey);
  const common: ConnectionOptions = {
    ...certificate,
    minVersion: "TLSv1.3",
    maxVersion: "TLSv1.3",
    // Certificates are signed by themselves; what they say of the peer's key is checked below.
    rejectUnauthorized: false,
  };
  return (components) => {
    // Asked for at each handshake: libp2p puts itself together after this.
    const muxers = (): ReturnType<Components["upgrader"]["getStreamMuxers"]> => components.upgrader.getStreamMuxers();
    const muxersFor = (settings: Settings): readonly string[] =>
      settings.skipStreamMuxerNegotiation === true ? [] : [...muxers().keys()];
    const finish = async (connection: Unsecured, socket: TLSSocket, settings: Settings): Promise<Secured> => {
      await secured(connection, socket, settings.signal);
      const { raw } = socket.getPeerCertificate();
      const remotePeer = await verifyPeerCertificate(raw, settings.remotePeer);
      const agreed = typeof socket.alpnProtocol === "string" ? socket.alpnProtocol : NO_MUXER;
      const streamMuxer = muxersFor(settings).includes(agreed) ? muxers().get(agreed) : undefined;
      return { remotePeer, connection: toMessageStream(connection, socket), ...(streamMuxer && { streamMuxer }) };
    };
    const orAbort = async (connection: Unsecured, secure: () => Promise<Secured>): Promise<Secured> => {
      try {
        return await secure();
      } catch (error) {
        connection.abort(error instanceof Error ? error : new Error("handshake failed"));
        throw error;
      }
    };
    return {
      protocol: PROTOCOL,
      secureInbound: (connection, settings = {}) =>
        orAbort(connection, () => {
          const socket = new TLSSocket(socketOf(connection), {
            ...common,
            isServer: true,
            requestCert: true,
            ALPNCallback: ({ protocols }) =>
              protocols.find((name) => name === NO_MUXER || muxersFor(settings).includes(name)),
          });
          return finish(connection, socket, settings);
        }),
      secureOutbound: (connection, settings = {}) =>
        orAbort(connection, () => {
          const socket = connect({
            ...common,
            socket: socketOf(connection),
            ALPNProtocols: [...muxersFor(settings), NO_MUXER],
          });
          return finish(connection, socket, settings);
        }),
    };
  };
}

/**
 * The socket under a connection of libp2p's TCP transport. From now on Node reads it below JavaScript, so nothing may have
 * been read that belongs to the handshake: whoever sends it before it is asked for is no member of ours.
 */
function socketOf(connection: Unsecured): Socket {
  const socket = "socket" in connection ? connection.socket : undefined;
  if (!(socket instanceof Socket)) throw new Error("TLS needs a socket");
  if (connection.readBufferLength > 0 || socket.readableLength > 0) throw new Error("bytes before the handshake");
  return socket;
}

/** Resolves when the handshake is done. */
function secured(connection: Unsecured, socket: TLSSocket, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const give = (reason: string) => (): void => {
      socket.destroy();
      reject(new Error(reason));
    };
    const abort = give("handshake took too long");
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted === true) abort();
    socket.once("secure", () => {
      signal?.removeEventListener("abort", abort);
      // N235: OpenSSL says so from within a read, and what then follows at once may take it apart under itself.
      setImmediate(resolve);
    });
    socket.once("close", give("closed during the handshake"));
    // For as long as the socket lives: an error without listener ends the process.
    socket.on("error", (error) => {
      socket.destroy();
      connection.abort(error);
      reject(error);
    });
  });
}
