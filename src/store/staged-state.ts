// A state on its way from peers: verified chunks in the spare space, which survive a crash, until one write makes them the state.
// Never touches the rows in use, and never judges a chunk: that was done before it came here.

import type { WindowBlock } from "../ledger/format-snapshot.ts";
import { bytesEqual, EMPTY_BYTES, type Hash } from "../ledger/hash.ts";
import type { KeyValueStore } from "../ports.ts";
import type { PlacedRow } from "../state/chunk.ts";
import type { StateTree } from "../state/tree.ts";
import { headerKey, idsKey, rangeOf, readU64, STAGED_KEY, type StateSpace, stagedKey } from "./keys.ts";
import { encodeIds } from "./rows.ts";
import { pagesOf, purge, stateOperation, treeOf } from "./state-rows.ts";

/** A block of the replay window with what its header says of its place. */
export interface PlacedWindowBlock extends WindowBlock {
  readonly height: number;
  readonly timeMs: number;
}

export class StagedState {
  readonly space: StateSpace;
  readonly #store: KeyValueStore;
  readonly #done: Set<number>;

  private constructor(store: KeyValueStore, space: StateSpace, done: Set<number>) {
    this.#store = store;
    this.space = space;
    this.#done = done;
  }

  /** D95: goes on where an earlier attempt at the same snapshot was broken off; what is left of another one is deleted first. */
  static async open(store: KeyValueStore, space: StateSpace, manifestHash: Hash): Promise<StagedState> {
    const done = new Set<number>();
    const begun = stagedManifest(store);
    if (begun !== undefined && bytesEqual(begun, manifestHash)) {
      for await (const page of pagesOf(store, rangeOf("staged"))) for (const [key] of page) done.add(readU64(key, 1));
      return new StagedState(store, space, done);
    }
    await dropStaged(store, space);
    await store.write([{ kind: "put", key: STAGED_KEY, value: manifestHash }], { sync: true });
    return new StagedState(store, space, done);
  }

  has(index: number): boolean {
    return this.#done.has(index);
  }

  /** Not synced: rows and mark are one write, so a power cut loses both or neither. */
  async add(index: number, rows: readonly PlacedRow[]): Promise<void> {
    const operations = rows.map(({ key, value, lastHeight }) => stateOperation({ key, value }, lastHeight, this.space));
    const mark = { kind: "put", key: stagedKey(index), value: EMPTY_BYTES } as const;
    await this.#store.write([...operations, mark], { sync: false });
    this.#done.add(index);
  }

  /** Above the head nobody reads these rows before the state is in use. */
  async addWindow(blocks: readonly PlacedWindowBlock[]): Promise<void> {
    const operations = blocks.flatMap(({ height, timeMs, headerBytes, ids }) => [
      { kind: "put", key: idsKey(height), value: encodeIds({ timeMs, ids }) } as const,
      { kind: "put", key: headerKey(height), value: headerBytes } as const,
    ]);
    await this.#store.write(operations, { sync: false });
  }

  tree(visit: (key: Uint8Array, value: Uint8Array) => void): Promise<StateTree> {
    return treeOf(this.#store, this.space, visit);
  }
}

/** The snapshot that is being fetched; undefined: none. */
export function stagedManifest(store: KeyValueStore): Hash | undefined {
  return store.get(STAGED_KEY);
}

/** Deletes everything staged in the space, in bounded steps; the name of the snapshot first, so that half of it is never gone on with. */
export async function dropStaged(store: KeyValueStore, space: StateSpace): Promise<void> {
  if (stagedManifest(store) !== undefined) await store.write([{ kind: "delete", key: STAGED_KEY }], { sync: true });
  await purge(store, rangeOf("staged"));
  await purge(store, rangeOf(space));
}
