// Where indexes stand in the state, and how they follow the rows: each group (index, values) has a leaf with its count, and its rows
// are chained, so that they are found by key alone. Charges nothing itself: the store that it is given does.

import { invariant } from "../assert.ts";
import { decode, encode, type Value } from "../ledger/codec.ts";
import { compareBytes, EMPTY_BYTES, joinBytes } from "../ledger/hash.ts";
import { equalValues } from "./compile-expression.ts";
import type { Row } from "./frame.ts";
import { byteUnits, GAS, writeUnits } from "./gas.ts";
import { entriesOf, type IndexLayout, type RowLayout } from "./row-layout.ts";
import type { IndexShape, TableShape } from "./scope.ts";
import { encodeKey, keyBytesMax, partBytesMax } from "./state-keys.ts";
import { type Usage, usage } from "./usage.ts";

/** The part of the state's interface that indexes need. */
export interface IndexStore {
  get(key: Uint8Array): Uint8Array | undefined;
  put(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): void;
}

/** Value of a group's leaf. A row is named by the bytes of its key after the table's prefix. */
interface Group {
  readonly count: number;
  readonly first: Uint8Array;
  readonly last: Uint8Array;
}

/** Value of a row's entry: its neighbours in the order in which rows came into the group; empty: none. */
interface Entry {
  readonly previous: Uint8Array;
  readonly next: Uint8Array;
}

/** Largest value of a leaf or an entry: two names of rows, a count, and their heads. */
function linkBytesMax(table: TableShape): number {
  return 2 * keyBytesMax(table) + 24;
}

/** Bytes that a key of the index can have: the values of the group, then the key of a row. */
export function indexKeyBytesMax(table: TableShape, { name, columns }: IndexShape): number {
  const group = columns.reduce((bytes, column) => {
    const type = table.columns[column]?.type;
    return type === undefined ? bytes : bytes + partBytesMax(type);
  }, 0);
  return keyBytesMax({ ...table, name: entriesOf(table.name, name) }) + group;
}

/** What the keys of a group's entries begin with; after it comes the key of the row without its table's prefix. */
export function entryPrefix({ entries }: IndexLayout, values: readonly Value[]): Uint8Array {
  return encodeKey(entries, values);
}

export function groupKey({ groups }: IndexLayout, values: readonly Value[]): Uint8Array {
  return encodeKey(groups, values);
}

/** How many rows a group has, by the value of its leaf; undefined: there is no leaf, and no row. */
export function groupCount(leaf: Uint8Array | undefined): number {
  return leaf === undefined ? 0 : groupOf(leaf).count;
}

/** Index rows after a row changed. `before` null: it is new, `after` null: it is gone. */
export function followRow(
  store: IndexStore,
  table: RowLayout,
  { before, after, key }: { readonly before: Row | null; readonly after: Row | null; readonly key: Uint8Array },
): void {
  if (table.indexes.length === 0) return;
  const name = key.slice(table.prefix.length);
  for (const index of table.indexes) {
    const [from, to] = [before && valuesIn(before, index), after && valuesIn(after, index)];
    if (equalValues(from, to)) continue;
    if (from !== null) removeRow(store, { index, values: from }, name);
    if (to !== null) addRow(store, { index, values: to }, name);
  }
}

function valuesIn(row: Row, { columns }: IndexShape): readonly Value[] {
  return columns.map((column) => row[column] ?? null);
}

interface Place {
  readonly index: IndexLayout;
  readonly values: readonly Value[];
}

function entryKey({ index, values }: Place, name: Uint8Array): Uint8Array {
  return encodeKey(index.entries, values, name);
}

/** The entry of the only row of a group. */
const ALONE = encode([EMPTY_BYTES, EMPTY_BYTES]);

function addRow(store: IndexStore, place: Place, name: Uint8Array): void {
  const leafKey = groupKey(place.index, place.values);
  const leaf = store.get(leafKey);
  const { count, first, last } = leaf === undefined ? { count: 0, first: name, last: EMPTY_BYTES } : groupOf(leaf);
  store.put(entryKey(place, name), last.length === 0 ? ALONE : encode([last, EMPTY_BYTES]));
  if (last.length > 0) {
    const lastKey = entryKey(place, last);
    store.put(lastKey, encode([entryOf(store.get(lastKey)).previous, name]));
  }
  store.put(leafKey, encode([count + 1, first, name]));
}

function removeRow(store: IndexStore, place: Place, name: Uint8Array): void {
  const leafKey = groupKey(place.index, place.values);
  const { count, first, last } = groupOf(store.get(leafKey));
  const key = entryKey(place, name);
  const { previous, next } = entryOf(store.get(key));
  store.delete(key);
  if (previous.length > 0) {
    const previousKey = entryKey(place, previous);
    store.put(previousKey, encode([entryOf(store.get(previousKey)).previous, next]));
  }
  if (next.length > 0) {
    const nextKey = entryKey(place, next);
    store.put(nextKey, encode([previous, entryOf(store.get(nextKey)).next]));
  }
  if (count === 1) store.delete(leafKey);
  else store.put(leafKey, encode([count - 1, previous.length > 0 ? first : next, next.length > 0 ? last : previous]));
}

/** State keys of all rows of a group, in key order; the number of rows when there are more than `max`. */
export function rowsOfGroup(
  store: Pick<IndexStore, "get">,
  place: Place & { readonly table: RowLayout },
  max: number,
): readonly Uint8Array[] | number {
  const leaf = store.get(groupKey(place.index, place.values));
  if (leaf === undefined) return [];
  const { count, first } = groupOf(leaf);
  if (count > max) return count;
  const keys: Uint8Array[] = [];
  for (let name = first; name.length > 0; name = entryOf(store.get(entryKey(place, name))).next)
    keys.push(joinBytes([place.table.prefix, name]));
  invariant(keys.length === count, "R131: the chain of a group is as long as its leaf says");
  return keys.sort(compareBytes);
}

function groupOf(bytes: Uint8Array | undefined): Group {
  const [count, first, last] = valuesOf(bytes);
  invariant(
    typeof count === "number" && first instanceof Uint8Array && last instanceof Uint8Array,
    "R132: a leaf of a group is one that this engine wrote",
  );
  return { count, first, last };
}

function entryOf(bytes: Uint8Array | undefined): Entry {
  const [previous, next] = valuesOf(bytes);
  invariant(previous instanceof Uint8Array && next instanceof Uint8Array, "R133: every row of a group has its entry");
  return { previous, next };
}

function valuesOf(bytes: Uint8Array | undefined): readonly Value[] {
  const decoded = bytes === undefined ? undefined : decode(bytes);
  return decoded?.ok === true && Array.isArray(decoded.value) ? decoded.value : [];
}

// ---- worst cases ----

const ADD = { reads: 2, writes: 3 };
const REMOVE = { reads: 4, writes: 4 };

/**
 * Bound of what the indexes cost when a row is inserted, deleted, or has these columns set.
 * @param columns undefined: all
 */
export function indexUsageMax(
  table: TableShape,
  change: "insert" | "update" | "delete",
  columns?: readonly number[],
): Usage {
  const touched = table.indexes.filter(
    (index) => columns === undefined || index.columns.some((one) => columns.includes(one)),
  );
  const add = change === "delete" ? { reads: 0, writes: 0 } : ADD;
  const remove = change === "insert" ? { reads: 0, writes: 0 } : REMOVE;
  const reads = touched.length * (add.reads + remove.reads);
  const writes = touched.length * (add.writes + remove.writes);
  const bytes = linkBytesMax(table);
  const keyBytes = touched.reduce((most, index) => Math.max(most, indexKeyBytesMax(table, index)), 0);
  return usage({
    units: reads * (GAS.read + byteUnits(bytes)) + writes * (GAS.write + writeUnits(bytes)),
    reads,
    bytesRead: reads * bytes,
    writes,
    bytesWritten: writes * (bytes + keyBytes),
  });
}

/** Bound of what finding and reading `max` rows of a group costs. */
export function scanUsageMax(table: TableShape, max: number, rowBytes: number): Usage {
  const bytes = linkBytesMax(table);
  const units =
    GAS.read + byteUnits(bytes) + max * (GAS.read + byteUnits(bytes)) + max * (GAS.read + byteUnits(rowBytes));
  return usage({ units, reads: 1 + 2 * max, bytesRead: bytes + max * (bytes + rowBytes) });
}
