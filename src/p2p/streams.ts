// libp2p's connections and streams as the rest of this folder sees them, and the two things done with every stream.
// Types come from libp2p's own surface; nothing here knows a protocol.

import type { Libp2p } from "libp2p";

export type Connection = ReturnType<Libp2p["getConnections"]>[number];
export type PeerStream = Connection["streams"][number];

/** Calls `take` for each piece of data as it arrives; pieces may alias the socket's memory. */
export function onPieces(stream: Pick<PeerStream, "addEventListener">, take: (piece: Uint8Array) => void): void {
  stream.addEventListener("message", ({ data }) => {
    if (data instanceof Uint8Array) {
      take(data);
      return;
    }
    for (const piece of data) take(piece);
  });
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
