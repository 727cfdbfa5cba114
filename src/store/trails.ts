// Trails of the newest heights: what proves who forked, one row each. They wait in memory for the write of the next block.
// Never synced by itself: after a crash or power loss other members still have theirs.

import type { KeyValueStore, WriteOperation } from "../ports.ts";
import { put } from "./block-writes.ts";
import { rangeOf, trailKey } from "./keys.ts";

/** Heights for which this node can help to prove who forked. */
const TRAILS_KEPT = 10_000;
const SWEEP_HEIGHTS = 64;

export class Trails {
  readonly #store: KeyValueStore;
  readonly #waiting = new Map<number, Uint8Array>();

  constructor(store: KeyValueStore) {
    this.#store = store;
  }

  /** From now on it is found here; on disk it is with the next block, or when the node stops. */
  async keep(height: number, bytes: Uint8Array): Promise<void> {
    this.#waiting.set(height, bytes);
    if (height <= TRAILS_KEPT || height % SWEEP_HEIGHTS !== 0) return;
    // Heights that were caught up with leave no trail, and delete none.
    const range = { from: rangeOf("trail").from, to: trailKey(height - TRAILS_KEPT), limit: 2 * SWEEP_HEIGHTS };
    const old = await this.#store.scan(range);
    const deletions = old.map(([key]) => ({ kind: "delete", key }) as const);
    if (deletions.length > 0) await this.#store.write(deletions, { sync: false });
  }

  /** undefined: nothing is kept of that height */
  load(height: number): Uint8Array | undefined {
    return this.#waiting.get(height) ?? this.#store.get(trailKey(height));
  }

  /** N244: what waits, as part of a write; `written` forgets it when that is done. */
  operations(): { readonly operations: readonly WriteOperation[]; written(): void } {
    const taken = [...this.#waiting];
    return {
      operations: taken.flatMap(([height, bytes]): readonly WriteOperation[] => [
        put(trailKey(height), bytes),
        ...(height > TRAILS_KEPT ? [{ kind: "delete", key: trailKey(height - TRAILS_KEPT) } as const] : []),
      ]),
      written: () => {
        for (const [height, bytes] of taken) if (this.#waiting.get(height) === bytes) this.#waiting.delete(height);
      },
    };
  }

  /** No block comes any more that would take them along. */
  async flush(): Promise<void> {
    const { operations, written } = this.operations();
    if (operations.length > 0) await this.#store.write(operations, { sync: false });
    written();
  }
}
