// The state in names and values instead of bytes: contracts, rows, keys. For APIs and command lines.
// Reads only, and knows nothing that a client could not recompute from the same rows.

import { invariant } from "../assert.ts";
import { accept, refuse, type Verdict } from "../errors.ts";
import type { Value } from "../ledger/codec.ts";
import type { Hash } from "../ledger/hash.ts";
import type { Receipt, StateEntry, StateReader } from "../ledger/types.ts";
import { systemShape } from "./check-context.ts";
import type { CompiledContract } from "./compiled.ts";
import { Catalogue, deployedNames, deployedVersion, Engine } from "./engine.ts";
import { type Explanation, explain } from "./explain.ts";
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

/** The newest version of a contract, also when it comes into force only with the next block. */
function newestContract(state: StateReader, name: string): CompiledContract | undefined {
  return new Catalogue(ENGINE, state, Number.POSITIVE_INFINITY).load(name)?.contract;
}

/** All deployed contracts, in order of their names. */
export function contractsIn(state: StateReader): readonly DescribedContract[] {
  const catalogue = new Catalogue(ENGINE, state, Number.POSITIVE_INFINITY);
  return deployedNames(state).flatMap((name) => {
    const contract = catalogue.load(name)?.contract;
    return contract === undefined ? [] : [contractView(contract, deployedVersion(state, name)?.version ?? 0)];
  });
}

export function contractView(contract: CompiledContract, version: number): DescribedContract {
  const { name, sourceHash, source, title } = contract;
  const named = (columns: readonly Column[]) => columns.map((column) => ({ name: column.name, type: column.typeText }));
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

function layoutOf(state: StateReader, { contract, table }: RowPlace): Verdict<RowLayout> {
  if (contract === LEDGER_CONTRACT) {
    const shape = systemShape(contract, table);
    return shape === undefined ? refuse("TABLE_UNKNOWN", table) : accept(new RowLayout(shape));
  }
  const found = newestContract(state, contract);
  if (found === undefined) return refuse("CONTRACT_UNKNOWN", contract);
  const layout = found.tables.get(table)?.layout;
  return layout === undefined ? refuse("TABLE_UNKNOWN", table) : accept(layout);
}

/** The state key of a row. Codes: CONTRACT_UNKNOWN, TABLE_UNKNOWN, KEY_INVALID. */
export function rowKey(
  state: StateReader,
  contract: string,
  table: string,
  values: readonly Value[],
): Verdict<Uint8Array> {
  const layout = layoutOf(state, { contract, table });
  if (!layout.ok) return layout;
  const { keyLength } = layout.value;
  return values.length === keyLength
    ? keyOf(layout.value, values)
    : refuse("KEY_INVALID", `${keyLength} values are needed`);
}

/** What the state keys of all rows begin with whose key begins with `values`. Same codes. */
export function rowPrefix(
  state: StateReader,
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
  state: StateReader,
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

/** The refusal or success of a receipt in sentences. */
export function explainReceipt(state: StateReader, receipt: Receipt): Explanation {
  return explain(receipt, (name) => newestContract(state, name));
}
