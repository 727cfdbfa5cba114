// Checks what an action reads: one row by its key, or all rows of a group of an index, of own tables and of imported ones.
// Keys are expressions over what was read before.

import type { CheckContext, ImportedTable } from "./check-context.ts";
import type { RowTarget } from "./check-statement.ts";
import type { CheckedRead, CheckedScan } from "./checked.ts";
import type { ReadDocument } from "./document.ts";
import type { IndexShape, Scope } from "./scope.ts";
import { assignmentFault } from "./type-relations.ts";
import type { Typed } from "./typed.ts";
import { type Column, type Type, typeName } from "./types.ts";

/** Rows that one read of an index may give. */
export const SCAN_ROWS_MAX = 256;

interface ReadContext {
  readonly scope: Scope;
  readonly context: CheckContext;
  readonly rows: Map<string, RowTarget>;
}

export function checkRead(document: ReadDocument, row: number, at: ReadContext): readonly CheckedRead[] {
  const { alias, isOptional, reference, placeOf } = document;
  const { scope, context, rows } = at;
  const found = context.lookupTable(reference.contract, reference.table);
  const written = reference.contract === undefined ? reference.table : `${reference.contract}.${reference.table}`;
  if (found === undefined) {
    context.findings.error(
      placeOf(reference.at),
      "TABLE_UNKNOWN",
      `there is no table ${written}`,
      context.tableNames(),
    );
    return [];
  }
  if (document.scan !== undefined) return checkScan({ ...document, scan: document.scan }, found, at);
  const { table, stored, positions } = found;
  const key = checkKey(document, { columns: table.columns.slice(0, table.keyLength), what: `key of ${written}` }, at);
  if (key === undefined) return [];
  scope.add(alias.text, { kind: "row", row, table, positions, isOptional, label: alias.text });
  const own = context.tables.get(table.name);
  if (own !== undefined && table === own) rows.set(alias.text, { read: row, table: own });
  return [{ alias: alias.text, table: stored, isOptional, key, scan: undefined }];
}

function checkKey(
  { reference, placeOf }: ReadDocument,
  { columns, what }: { readonly columns: readonly Column[]; readonly what: string },
  { context, scope }: ReadContext,
): readonly Typed[] | undefined {
  if (reference.key.length !== columns.length) {
    context.findings.error(
      placeOf(reference.at),
      "KEY_LENGTH",
      `the ${what} is [${columns.map(({ name, type }) => `${name}: ${typeName(type)}`).join(", ")}]`,
    );
    return undefined;
  }
  return reference.key.map((part, index) => {
    const typed = context.expression({ text: "", at: placeOf(part.at), expression: part, placeOf }, scope);
    const type = columns[index]?.type;
    const fault = type && assignmentFault(typed.type, type);
    if (fault !== undefined) context.findings.error(typed.at, fault.code, fault.message, fault.known);
    return typed;
  });
}

function checkScan(
  document: ReadDocument & { readonly scan: NonNullable<ReadDocument["scan"]> },
  { table, stored, positions }: ImportedTable,
  at: ReadContext,
): readonly CheckedRead[] {
  const { alias, scan, reference, placeOf } = document;
  const { context, scope } = at;
  const named = ({ name }: IndexShape) => name === scan.index;
  const index = table.indexes.find(named);
  const storedIndex = stored.indexes.find(named);
  if (scan.max < 1n || scan.max > BigInt(SCAN_ROWS_MAX))
    context.findings.error(scan.at, "SCAN_LIMIT", `max is a number from 1 to ${SCAN_ROWS_MAX}`);
  if (index === undefined || storedIndex === undefined) {
    context.findings.error(
      placeOf(reference.at),
      "INDEX_UNKNOWN",
      `${table.name} has no index ${scan.index}`,
      table.indexes.map(({ name }) => name),
    );
    return [];
  }
  const columns = index.columns.flatMap((column) => table.columns[column] ?? []);
  const key = checkKey(document, { columns, what: `group of ${table.name}.${index.name}` }, at);
  if (key === undefined) return [];
  const max = Math.min(Math.max(Number(scan.max), 1), SCAN_ROWS_MAX);
  const item: Type = { kind: "record", table: `${table.contract}.${table.name}`, columns: table.columns };
  const slot = scope.slots.take();
  const type: Type = { kind: "list", item, lengthMax: max };
  scope.add(alias.text, { kind: "value", slot, type, label: alias.text });
  const checked: CheckedScan = { index: storedIndex, max, slot, positions };
  return [{ alias: alias.text, table: stored, isOptional: false, key, scan: checked }];
}
