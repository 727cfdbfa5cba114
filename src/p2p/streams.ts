// libp2p's connections and streams as the rest of this folder sees them, and the two things done with every stream.
// Types come from libp2p's own surface; nothing here knows a protocol.

import type { Libp2p } from "libp2p";

export type Connection = ReturnType<Libp2p["getConnections"]>[number];
export type PeerStream = Connection["streams"][number];

/**
 * Calls `take` for each piece of data as it arrives; pieces may alias the socket's memory.
 * When it answers false, listeners added later do not see this data.
 */
export function onPieces(
  stream: Pick<PeerStream, "addEventListener">,
  take: (piece: Uint8Array) => boolean | undefined,
): void {
  stream.addEventListener("message", (event) => {
    const pieces = event.data instanceof Uint8Array ? [event.data] : event.data;
    for (const piece of pieces) {
      if (take(piece) !== false) continue;
      event.stopImmediatePropagation();
      return;
    }
  });
}

/** Writes, or ends the stream: libp2p throws when the transport below is gone, which only the peer's absence causes. */
export function write(stream: PeerStream, data: Parameters<PeerStream["send"]>[0]): void {
  try {
    stream.send(data);
  } catch {
    stream.abort(new Error("write failed"));
  }
}

/** Ends a connection at once, with its streams. On one that has already ended libp2p would throw. */
export function endConnection(connection: Connection, reason: string): void {
  if (connection.status === "open") connection.abort(new Error(reason));
}

/** Calls `run` once when the other side can no longer send on this stream, also when that was so before. */
export function onEnd(stream: PeerStream, run: () => void): void {
  let ended = false;
  const end = (): void => {
    if (ended) return;
    ended = true;
    run();
  };
  stream.addEventListener("remoteCloseWrite", end);
  stream.addEventListener("close", end);
  if (stream.status !== "open" || stream.remoteWriteStatus === "closed") queueMicrotask(end);
}
