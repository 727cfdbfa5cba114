// State rows as they lie in the store: written by a block, read by key, by prefix and all of them.
// Never decides which version is read: that is the reader it is given.

import { valueHashOf } from "../ledger/format-receipt.ts";
import type { StateEntry, StateReader, StateWrite } from "../ledger/types.ts";
import type { KeyValueReader, KeyValueSnapshot, KeyValueStore, WriteOperation } from "../ports.ts";
import { StateTree } from "../state/tree.ts";
import { HEAD_KEY, rangeOf, SPACE_KEY, type StateSpace, stateKey } from "./keys.ts";
import { present } from "./open-head.ts";
import { decodeHead, decodeState, encodeState } from "./rows.ts";

/** Rows read at a time where all are wanted. */
export const SCAN_ROWS = 2048;

export interface StateRow {
  readonly key: Uint8Array;
  readonly entry: StateEntry;
}

/** The state as it was when the view was taken; to be released. */
export interface ReadView extends StateReader {
  readonly height: number;
  /** rows whose key starts with `prefix`, in key order, from the first one after `after` on */
  scan(query: {
    readonly prefix: Uint8Array;
    readonly after: Uint8Array | undefined;
    readonly limit: number;
  }): Promise<readonly StateRow[]>;
  release(): Promise<void>;
}

/** The whole state of one height, whatever is committed meanwhile; to be released. */
export interface FrozenState {
  readonly height: number;
  /** in key order */
  pages(): AsyncGenerator<readonly StateRow[]>;
  release(): Promise<void>;
}

export function spaceOf(reader: KeyValueReader): StateSpace {
  return reader.get(SPACE_KEY)?.[0] === 1 ? "otherState" : "state";
}

export function stateOperation({ key, value }: StateWrite, height: number, space: StateSpace): WriteOperation {
  if (value === undefined) return { kind: "delete", key: stateKey(key, space) };
  return { kind: "put", key: stateKey(key, space), value: encodeState({ value, lastHeight: height }) };
}

export function viewOf(snapshot: KeyValueSnapshot): ReadView {
  const { height } = decodeHead(present("head", snapshot.get(HEAD_KEY)));
  const space = spaceOf(snapshot);
  return {
    height,
    get: (key) => readState(snapshot, key, space),
    scan: (query) => scanState(snapshot, space, query),
    release: () => snapshot.release(),
  };
}

export function frozenStateOf(snapshot: KeyValueSnapshot): FrozenState {
  const { height } = decodeHead(present("head", snapshot.get(HEAD_KEY)));
  const range = rangeOf(spaceOf(snapshot));
  return {
    height,
    async *pages() {
      for await (const page of pagesOf(snapshot, range)) yield page.map(stateRow);
    },
    release: () => snapshot.release(),
  };
}

function stateRow([stored, bytes]: readonly [Uint8Array, Uint8Array]): StateRow {
  const key = stored.slice(1);
  return { key, entry: decodeState(key, bytes) };
}

export function readState(reader: KeyValueReader, key: Uint8Array, space: StateSpace): StateEntry | undefined {
  const bytes = reader.get(stateKey(key, space));
  return bytes === undefined ? undefined : decodeState(key, bytes);
}

async function scanState(
  reader: KeyValueReader,
  space: StateSpace,
  query: { readonly prefix: Uint8Array; readonly after: Uint8Array | undefined; readonly limit: number },
): Promise<readonly StateRow[]> {
  const range = rangeOf(space, query.prefix);
  const from = query.after === undefined ? range.from : next(stateKey(query.after, space));
  const rows = await reader.scan({ from, to: range.to, limit: query.limit });
  return rows.map(stateRow);
}

/** The rows of a range, page by page: the event loop turns between pages, not between rows. */
export async function* pagesOf(
  reader: KeyValueReader,
  range: { readonly from: Uint8Array; readonly to: Uint8Array },
): AsyncGenerator<readonly (readonly [key: Uint8Array, value: Uint8Array])[]> {
  let { from } = range;
  for (;;) {
    const rows = await reader.scan({ from, to: range.to, limit: SCAN_ROWS });
    yield rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < SCAN_ROWS) return;
    from = next(last[0]);
  }
}

/** Deletes a range in bounded steps. Not synced: what comes back after power loss is deleted again. */
export async function purge(
  store: KeyValueStore,
  range: { readonly from: Uint8Array; readonly to: Uint8Array },
): Promise<void> {
  for await (const page of pagesOf(store, range)) {
    const operations = page.map(([key]) => ({ kind: "delete", key }) as const);
    if (operations.length > 0) await store.write(operations, { sync: false });
  }
}

/** Every state row of a space in a tree. `visit` sees the rows, too. */
export async function treeOf(
  reader: KeyValueReader,
  space: StateSpace,
  visit: (key: Uint8Array, value: Uint8Array) => void,
): Promise<StateTree> {
  const builder = StateTree.builder();
  for await (const page of pagesOf(reader, rangeOf(space))) {
    for (const row of page) {
      const { key, entry } = stateRow(row);
      builder.add({ key, valueHash: valueHashOf(entry.value), lastHeight: entry.lastHeight });
      visit(key, entry.value);
    }
  }
  return builder.finish();
}

/** The smallest key after `key`. */
function next(key: Uint8Array): Uint8Array {
  const larger = new Uint8Array(key.length + 1);
  larger.set(key);
  return larger;
}
