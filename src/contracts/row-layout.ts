// How rows of one table stand in the state: key columns in the key, the fields as a positional CBOR array in the value.
// A row written before a field was added is shorter; the field's default stands in for it.

import { invariant } from "../assert.ts";
import { decode, type Value } from "../ledger/codec.ts";
import type { StateReader } from "../ledger/types.ts";
import type { Row } from "./frame.ts";
import { countOf, encodeChanged, encodeFields } from "./row-bytes.ts";
import type { IndexShape, TableShape } from "./scope.ts";
import { encodeKey, tablePrefix } from "./state-keys.ts";
import type { Column } from "./types.ts";

/** An index with what the keys of its rows begin with. */
export interface IndexLayout extends IndexShape {
  /** of the leaves of its groups */
  readonly groups: Uint8Array;
  /** of the entries of its rows */
  readonly entries: Uint8Array;
}

// No name of a table has a dot: these tables are nobody else's.
const groupsOf = (table: string, index: string) => `${table}.${index}`;
export const entriesOf = (table: string, index: string) => `${table}.${index}.row`;

export class RowLayout {
  readonly contract: string;
  readonly name: string;
  readonly columns: readonly Column[];
  readonly keyLength: number;
  readonly indexes: readonly IndexLayout[];
  readonly prefix: Uint8Array;
  /** places among the fields that an upgrade gave up */
  private readonly dropped: readonly number[];
  private readonly kept = new WeakMap<Uint8Array, Row>();

  constructor(shape: TableShape) {
    this.contract = shape.contract;
    this.name = shape.name;
    this.columns = shape.columns;
    this.keyLength = shape.keyLength;
    this.indexes = shape.indexes.map((index) => this.index(index));
    this.prefix = tablePrefix(shape.contract, shape.name);
    const fields = shape.columns.slice(shape.keyLength);
    this.dropped = [...fields.keys()].filter((field) => fields[field]?.type.kind === "dropped");
  }

  get keyColumns(): readonly Column[] {
    return this.columns.slice(0, this.keyLength);
  }

  index(index: IndexShape): IndexLayout {
    return {
      ...index,
      groups: tablePrefix(this.contract, groupsOf(this.name, index.name)),
      entries: tablePrefix(this.contract, entriesOf(this.name, index.name)),
    };
  }

  /** @param keyValues in the order of the key columns */
  stateKey(keyValues: readonly Value[]): Uint8Array {
    return encodeKey(this.prefix, keyValues);
  }

  /** @param row key columns first */
  stateKeyOf(row: Row): Uint8Array {
    return encodeKey(this.prefix, row.slice(0, this.keyLength));
  }

  encode(row: Row): Uint8Array {
    const fields = row.slice(this.keyLength);
    // What stood in a dropped field goes with the next write of the row.
    for (const field of this.dropped) fields[field] = null;
    return encodeFields(fields);
  }

  /**
   * The bytes of a row of which some columns have changed.
   * @param before as they were read; empty: there is no row yet
   * @param assigned by column
   */
  encodeChanged(row: Row, before: Uint8Array, assigned: readonly boolean[]): Uint8Array {
    const fields = row.slice(this.keyLength);
    // A row from before an upgrade has fewer fields, or some that go now.
    if (this.dropped.length > 0 || countOf(before) !== fields.length) return this.encode(row);
    const changed: number[] = [];
    for (let field = 0; field < fields.length; field += 1)
      if (assigned[field + this.keyLength] === true) changed.push(field);
    // Where most fields changed, putting the parts together costs more than it saves.
    if (changed.length * 2 > fields.length) return encodeFields(fields);
    return encodeChanged(before, fields, changed);
  }

  decode(keyValues: readonly Value[], bytes: Uint8Array): Row {
    const decoded = decode(bytes);
    invariant(decoded.ok && Array.isArray(decoded.value), "R2: the value of a row is an array that this engine wrote");
    const fields = decoded.value;
    if (fields.length === this.columns.length - this.keyLength) return [...keyValues, ...fields];
    const row: Value[] = [...keyValues];
    for (let column = this.keyLength; column < this.columns.length; column += 1) {
      const value = fields[column - this.keyLength] ?? this.columns[column]?.defaultValue;
      invariant(value !== undefined, "R3: a field that a row lacks has a default");
      row.push(value);
    }
    return row;
  }

  /** As `read`, for rows that are read far more often than written: decoded once for as long as the state keeps their bytes. */
  readKept(state: StateReader, keyValues: readonly Value[]): Row | null {
    const entry = state.get(this.stateKey(keyValues));
    if (entry === undefined) return null;
    const known = this.kept.get(entry.value);
    if (known !== undefined && keyValues.every((value, index) => known[index] === value)) return known;
    const row = this.decode(keyValues, entry.value);
    this.kept.set(entry.value, row);
    return row;
  }

  /** The row with this key, or null. */
  read(state: StateReader, keyValues: readonly Value[]): Row | null {
    const entry = state.get(this.stateKey(keyValues));
    return entry === undefined ? null : this.decode(keyValues, entry.value);
  }
}
