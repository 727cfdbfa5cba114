// The state in names and values instead of bytes: contracts, rows, keys. For APIs and command lines.
// Reads only, and knows nothing that a client could not recompute from the same rows.

import { invariant } from "../assert.ts";
import { accept, refuse, type Verdict } from "../errors.ts";
import type { Value } from "../ledger/codec.ts";
import { type Hash, joinBytes } from "../ledger/hash.ts";
import type { Receipt, StateEntry, StateReader } from "../ledger/types.ts";
import { systemShape } from "./check-context.ts";
import type { CompiledContract } from "./compiled.ts";
import { Catalogue, deployedNames, Engine, versionAt } from "./engine.ts";
import { type Explanation, explain } from "./explain.ts";
import { entryPrefix, groupKey, rowsOfGroup } from "./index-rows.ts";
import { RowLayout } from "./row-layout.ts";
import { decodeKey, encodeKey } from "./state-keys.ts";
import { LEDGER_CONTRACT } from "./system.ts";
import { type Column, membership } from "./types.ts";

/** Compiled contracts for description only; what executes has an engine of its own. */
const ENGINE = new Engine();

interface NamedType {
  readonly name: string;
  readonly type: string;
}

export interface DescribedContract {
  readonly name: string;
  readonly version: number;
  readonly sourceHash: Hash;
  readonly title: string;
  readonly source: string;
  readonly tables: readonly {
    readonly name: string;
    readonly key: readonly NamedType[];
    readonly fields: readonly NamedType[];
  }[];
  readonly actions: readonly {
    readonly name: string;
    readonly by: readonly string[];
    readonly params: readonly NamedType[];
  }[];
}

export interface DescribedRow {
  readonly key: readonly (readonly [name: string, value: Value])[];
  readonly fields: readonly (readonly [name: string, value: Value])[];
  readonly lastHeight: number;
}

export interface RowPlace {
  readonly contract: string;
  readonly table: string;
}

/**
 * A state, and the height of the block that left it: what is shown is in force for the next block. Without a height it is the newest version of
 * everything, also when it is not in force yet.
 */
export interface StateAt extends StateReader {
  readonly height?: number;
}

function heightShown({ height }: StateAt): number {
  return height === undefined ? Number.POSITIVE_INFINITY : height + 1;
}

function contractAt(state: StateAt, name: string, height = heightShown(state)): CompiledContract | undefined {
  return new Catalogue(ENGINE, state, height).load(name)?.contract;
}

/** All deployed contracts, in order of their names. */
export function contractsIn(state: StateAt): readonly DescribedContract[] {
  const catalogue = new Catalogue(ENGINE, state, heightShown(state));
  return deployedNames(state).flatMap((name) => {
    const contract = catalogue.load(name)?.contract;
    return contract === undefined
      ? []
      : [contractView(contract, versionAt(state, name, heightShown(state))?.version ?? 0)];
  });
}

export function contractView(contract: CompiledContract, version: number): DescribedContract {
  const { name, sourceHash, source, title } = contract;
  const named = namedTypes;
  const tables = [...contract.tables].map(([table, { layout }]) => ({
    name: table,
    key: named(layout.keyColumns),
    fields: named(layout.columns.slice(layout.keyLength)),
  }));
  const actions = [...contract.actions.values()].map((action) => ({
    name: action.name,
    by: [...action.by],
    params: named(action.columns),
  }));
  return {
    name,
    version,
    sourceHash,
    title: title.en === undefined ? title.zh : `${title.zh} · ${title.en}`,
    source,
    tables,
    actions,
  };
}

function namedTypes(columns: readonly Column[]): readonly NamedType[] {
  return columns.map(({ name, typeText }) => ({ name, type: typeText }));
}

function layoutOf(state: StateAt, { contract, table }: RowPlace): Verdict<RowLayout> {
  if (contract === LEDGER_CONTRACT) {
    const shape = systemShape(contract, table);
    return shape === undefined ? refuse("TABLE_UNKNOWN", table) : accept(new RowLayout(shape));
  }
  const found = contractAt(state, contract);
  if (found === undefined) return refuse("CONTRACT_UNKNOWN", contract);
  const layout = found.tables.get(table)?.layout;
  return layout === undefined ? refuse("TABLE_UNKNOWN", table) : accept(layout);
}

/** The state key of a row. Codes: CONTRACT_UNKNOWN, TABLE_UNKNOWN, KEY_INVALID. */
export function rowKey(state: StateAt, contract: string, table: string, values: readonly Value[]): Verdict<Uint8Array> {
  const layout = layoutOf(state, { contract, table });
  if (!layout.ok) return layout;
  const { keyLength } = layout.value;
  return values.length === keyLength
    ? keyOf(layout.value, values)
    : refuse("KEY_INVALID", `${keyLength} values are needed`);
}

/** What the state keys of all rows begin with whose key begins with `values`. Same codes. */
export function rowPrefix(
  state: StateAt,
  contract: string,
  table: string,
  values: readonly Value[],
): Verdict<Uint8Array> {
  const layout = layoutOf(state, { contract, table });
  if (!layout.ok) return layout;
  const { keyLength } = layout.value;
  return values.length <= keyLength
    ? keyOf(layout.value, values)
    : refuse("KEY_INVALID", `at most ${keyLength} values`);
}

function keyOf(layout: RowLayout, values: readonly Value[]): Verdict<Uint8Array> {
  for (const [index, value] of values.entries()) {
    const column = layout.columns[index];
    if (column === undefined || !membership(column.type)(value))
      return refuse("KEY_INVALID", `${column?.name ?? ""} is ${column?.typeText ?? "unknown"}`);
  }
  return accept(encodeKey(layout.prefix, values));
}

/** A stored row by names. The key must be one of the table. */
export function decodeRow(
  state: StateAt,
  row: RowPlace & { readonly key: Uint8Array; readonly entry: StateEntry },
): DescribedRow {
  const layout = layoutOf(state, row);
  invariant(layout.ok, "R12: a stored row belongs to a table of a deployed contract");
  const { keyColumns, keyLength, columns, prefix } = layout.value;
  const key = decodeKey(row.key, prefix.length, keyColumns);
  invariant(key.ok, "R13: a stored key is one of its table");
  const values = layout.value.decode(key.value, row.entry.value);
  const named = columns.map(({ name }, index) => [name, values[index] ?? null] as const);
  return { key: named.slice(0, keyLength), fields: named.slice(keyLength), lastHeight: row.entry.lastHeight };
}

/** The columns of a table by name and type, key first. Codes: CONTRACT_UNKNOWN, TABLE_UNKNOWN. */
export function columnsOf(
  state: StateAt,
  place: RowPlace,
): Verdict<{ readonly key: readonly NamedType[]; readonly fields: readonly NamedType[] }> {
  const layout = layoutOf(state, place);
  if (!layout.ok) return layout;
  const { keyColumns, columns, keyLength } = layout.value;
  return accept({ key: namedTypes(keyColumns), fields: namedTypes(columns.slice(keyLength)) });
}

/** An index of a table: what its entries begin with, and which row an entry stands for. */
export interface IndexPlace {
  /** what the state keys of the entries begin with */
  readonly prefix: Uint8Array;
  /** the state key of the group's leaf */
  readonly leafKey: Uint8Array;
  /** the state key of the row of an entry */
  rowKey(entryKey: Uint8Array): Uint8Array;
  /** entries and rows of the group in key order; how many there are when that is more than `max` */
  members(max: number): readonly { readonly entryKey: Uint8Array; readonly rowKey: Uint8Array }[] | number;
}

/** The group of an index that has these values. Codes: CONTRACT_UNKNOWN, TABLE_UNKNOWN, INDEX_UNKNOWN, KEY_INVALID. */
export function indexPlace(
  state: StateAt,
  place: RowPlace & { readonly index: string },
  values: readonly Value[],
): Verdict<IndexPlace> {
  const layout = layoutOf(state, place);
  if (!layout.ok) return layout;
  const table = layout.value;
  const index = table.indexes.find(({ name }) => name === place.index);
  if (index === undefined) return refuse("INDEX_UNKNOWN", place.index);
  const columns = index.columns.map((column) => table.columns[column]);
  const isGroup =
    values.length === columns.length &&
    columns.every((column, at) => column !== undefined && membership(column.type)(values[at] ?? null));
  if (!isGroup)
    return refuse(
      "KEY_INVALID",
      `values of ${columns.map((column) => `${column?.name}: ${column?.typeText}`).join(", ")}`,
    );
  const prefix = entryPrefix(index, values);
  const { prefix: rows } = table;
  const store = { get: (key: Uint8Array) => state.get(key)?.value };
  return accept({
    prefix,
    leafKey: groupKey(index, values),
    rowKey: (entryKey) => joinBytes([rows, entryKey.slice(prefix.length)]),
    members: (max) => {
      const keys = rowsOfGroup(store, { table, index, values }, max);
      if (typeof keys === "number") return keys;
      return keys.map((rowKey) => ({ rowKey, entryKey: joinBytes([prefix, rowKey.slice(rows.length)]) }));
    },
  });
}

/** The refusal or success of a receipt in sentences, by the versions that were in force in its block. */
export function explainReceipt(state: StateAt, receipt: Receipt, height?: number): Explanation {
  return explain(receipt, (name) => contractAt(state, name, height));
}
