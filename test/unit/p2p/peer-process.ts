// A peer in a process of its own, to be killed or attacked: it echoes every frame and tells its parent what it sees.
// Started by `forkPeer`; the message it gets first is its configuration.

import { createPeerNetwork } from "../../../src/p2p/libp2p-network.ts";
import type { Logger, PeerHandlers } from "../../../src/ports.ts";
import type { PeerProcessConfig, PeerProcessReport } from "./fork-peer.ts";
import { CHAIN_ID, CONFIG_HASH, realClock } from "./support.ts";

function report(message: PeerProcessReport): void {
  process.send?.(message);
}

function reportMemory(): void {
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  report({ kind: "memory", keptBytes: heapUsed + external, residentBytes: rss });
}

async function run({ seed, endpoint, members, limits }: PeerProcessConfig): Promise<void> {
  const ignore = (): void => undefined;
  const log: Logger = {
    error: (message, fields) => report({ kind: "log", message, fields }),
    warn: (message, fields) => report({ kind: "log", message, fields }),
    info: ignore,
    debug: ignore,
  };
  const network = createPeerNetwork({
    identitySeed: Uint8Array.from(seed),
    listen: endpoint.addresses,
    chainId: CHAIN_ID,
    configHash: CONFIG_HASH,
    software: "linli-test/1",
    members,
    clock: realClock,
    log,
    limits,
  });
  const handlers: PeerHandlers = {
    onFrame: (peer, bytes) => {
      network.send(peer, bytes);
    },
    onGossip: () => undefined,
    onRequest: (_protocol, _peer, payload) => Promise.resolve(payload),
    onPeerChanged: () => undefined,
  };
  await network.start(handlers);
  process.on("message", reportMemory);
  report({ kind: "listening" });
}

process.once("message", (config: PeerProcessConfig) => {
  void run(config);
});
process.once("disconnect", () => process.exit(0));
