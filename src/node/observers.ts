// The peers that governance lets follow without a seat, derived from the rows of its table and rebuilt from them on start.
// Knows neither what they may ask nor whether they are there.

import { decodeKey, startsWithBytes } from "../contracts/state-keys.ts";
import { OBSERVERS } from "../contracts/system-layouts.ts";
import type { StateWrite } from "../ledger/types.ts";
import type { PeerId } from "../ports.ts";

export class ObserverIndex {
  private readonly known = new Set<PeerId>();

  /** In no order; another list after every change. */
  peers: readonly PeerId[] = [];

  apply(writes: readonly StateWrite[]): void {
    for (const { key, value } of writes) {
      const peer = peerOf(key);
      if (peer === undefined) continue;
      if (value === undefined) this.known.delete(peer);
      else this.known.add(peer);
      this.peers = [...this.known];
    }
  }
}

function peerOf(key: Uint8Array): PeerId | undefined {
  if (!startsWithBytes(key, OBSERVERS.prefix)) return undefined;
  const decoded = decodeKey(key, OBSERVERS.prefix.length, OBSERVERS.keyColumns);
  const peer = decoded.ok ? decoded.value[0] : undefined;
  return typeof peer === "string" ? peer : undefined;
}
