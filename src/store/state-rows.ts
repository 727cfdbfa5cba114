// State rows as they lie in the store: written by a block, read by key, by prefix and all of them.
// Never decides which version is read: that is the reader it is given.

import type { StateEntry, StateReader, StateWrite } from "../ledger/types.ts";
import type { KeyValueReader, KeyValueSnapshot, WriteOperation } from "../ports.ts";
import { HEAD_KEY, rangeOf, stateKey } from "./keys.ts";
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

export function stateOperation({ key, value }: StateWrite, height: number): WriteOperation {
  if (value === undefined) return { kind: "delete", key: stateKey(key) };
  return { kind: "put", key: stateKey(key), value: encodeState({ value, lastHeight: height }) };
}

export function viewOf(snapshot: KeyValueSnapshot): ReadView {
  const { height } = decodeHead(present("head", snapshot.get(HEAD_KEY)));
  return {
    height,
    get: (key) => readState(snapshot, key),
    scan: (query) => scanState(snapshot, query),
    release: () => snapshot.release(),
  };
}

export function readState(reader: KeyValueReader, key: Uint8Array): StateEntry | undefined {
  const bytes = reader.get(stateKey(key));
  return bytes === undefined ? undefined : decodeState(key, bytes);
}

async function scanState(
  reader: KeyValueReader,
  query: { readonly prefix: Uint8Array; readonly after: Uint8Array | undefined; readonly limit: number },
): Promise<readonly StateRow[]> {
  const range = rangeOf("state", query.prefix);
  const from = query.after === undefined ? range.from : next(stateKey(query.after));
  const rows = await reader.scan({ from, to: range.to, limit: query.limit });
  return rows.map(([stored, bytes]) => {
    const key = stored.slice(1);
    return { key, entry: decodeState(key, bytes) };
  });
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

/** The smallest key after `key`. */
function next(key: Uint8Array): Uint8Array {
  const larger = new Uint8Array(key.length + 1);
  larger.set(key);
  return larger;
}
