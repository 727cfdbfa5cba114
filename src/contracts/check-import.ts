// Checks what a document takes from other contracts: tables, and actions that it may call, as those contracts have them now.
// A contract that is not at hand is believed as declared; deployment has all of them.

import type { CheckContext } from "./check-context.ts";
import { checkColumn, checkIndexes } from "./check-table.ts";
import { callableBy } from "./checked.ts";
import type { ImportDocument, ImportedActionDocument, Name } from "./document.ts";
import type { TableShape } from "./scope.ts";
import { type Column, typeName, UNKNOWN } from "./types.ts";
import { NO_USAGE, type Usage } from "./usage.ts";

/** What a call has to know of the action that it calls. */
export interface CallableAction {
  readonly by: ReadonlySet<string>;
  readonly columns: readonly Column[];
  readonly usageMax: Usage;
  readonly callDepth: number;
}

/** What other contracts may use of one. */
export interface Exports {
  readonly tables: ReadonlyMap<string, TableShape>;
  readonly actions: ReadonlyMap<string, CallableAction>;
}

/** undefined: that contract is not at hand, its declaration is believed */
export type ImportSource = (contract: string) => Exports | undefined;

export function checkImport(document: ImportDocument, context: CheckContext, source: ImportSource): void {
  const { contract, table } = document;
  if (contract.text === context.contract) return refuseSelf(contract, context);
  const exported = source(contract.text)?.tables;
  const target = exported?.get(table.text);
  if (exported !== undefined && target === undefined) {
    context.findings.error(table.at, "TABLE_UNKNOWN", `contract ${contract.text} has no table ${table.text}`, [
      ...exported.keys(),
    ]);
  }
  const key = document.key.map(({ name, type }, index): Column => {
    const found = target?.columns[index]?.type ?? UNKNOWN;
    return {
      name: name.text,
      type: type === undefined ? found : context.type(type),
      typeText: type?.text ?? typeName(found),
      defaultValue: undefined,
    };
  });
  const fields = document.fields.map((column) => checkColumn(column, context, { defaults: false }));
  const shape: TableShape = {
    contract: contract.text,
    name: table.text,
    columns: [...key, ...fields],
    keyLength: key.length,
    indexes: checkIndexes(document.indexes, [...key, ...fields], context),
  };
  const positions = target && positionsIn(document, shape, { target, context });
  if (target !== undefined) reportIndexFaults(document, shape, { target, context });
  context.imported.set(`${contract.text}.${table.text}`, { table: shape, stored: target ?? shape, positions });
}

/** Indexes are those of the imported contract, over the same columns. */
function reportIndexFaults(
  { indexes }: ImportDocument,
  shape: TableShape,
  { target, context }: { readonly target: TableShape; readonly context: CheckContext },
): void {
  const described = (table: TableShape) =>
    table.indexes.map(
      ({ name, columns }) => `${name}: [${columns.map((column) => table.columns[column]?.name).join(", ")}]`,
    );
  const known = described(target);
  for (const [position, index] of described(shape).entries()) {
    if (!known.includes(index))
      context.findings.error(
        indexes[position]?.name.at ?? 0,
        "IMPORT_MISMATCH",
        `${shape.contract}.${shape.name} has no index ${index}`,
        known,
      );
  }
}

/** Where the imported contract keeps each declared column; names and types must be the same there. */
function positionsIn(
  document: ImportDocument,
  shape: TableShape,
  { target, context }: { readonly target: TableShape; readonly context: CheckContext },
): readonly number[] {
  const places = [...document.key, ...document.fields].map(({ name }) => name.at);
  if (target.keyLength !== shape.keyLength) {
    const names = target.columns.slice(0, target.keyLength).map(({ name }) => name);
    context.findings.error(
      document.table.at,
      "IMPORT_MISMATCH",
      `the key of ${shape.contract}.${shape.name} has ${target.keyLength} parts`,
      names,
    );
  }
  return shape.columns.map(({ name, type }, index) => {
    const position = target.columns.findIndex((column) => column.name === name);
    const found = target.columns[position];
    const at = places[index] ?? document.table.at;
    const isInPlace = index >= shape.keyLength ? position >= target.keyLength : position === index;
    if (found === undefined || !isInPlace) {
      const names = target.columns.map((column) => column.name);
      context.findings.error(
        at,
        "FIELD_UNKNOWN",
        `${shape.contract}.${shape.name} has no ${name} in this place`,
        names,
      );
    } else if (typeName(found.type) !== typeName(type) && type.kind !== "unknown") {
      context.findings.error(
        at,
        "IMPORT_MISMATCH",
        `${shape.contract}.${shape.name}.${name} is ${typeName(found.type)}`,
      );
    }
    return Math.max(position, 0);
  });
}

export function checkImportedAction(
  document: ImportedActionDocument,
  context: CheckContext,
  source: ImportSource,
): void {
  const { contract, action } = document;
  if (contract.text === context.contract) return refuseSelf(contract, context);
  context.distinct(
    document.params.map(({ name }) => name),
    `imported action ${action.text}`,
  );
  const columns = document.params.map((param) => checkColumn(param, context, { defaults: false }));
  const exported = source(contract.text)?.actions;
  const target = exported?.get(action.text);
  if (exported !== undefined && target === undefined) {
    context.findings.error(action.at, "ACTION_UNKNOWN", `contract ${contract.text} has no action ${action.text}`, [
      ...exported.keys(),
    ]);
  }
  if (target !== undefined) reportCallFaults({ document, columns, target }, context);
  context.importedActions.set(`${contract.text}.${action.text}`, {
    by: target?.by ?? new Set(),
    columns,
    usageMax: target?.usageMax ?? NO_USAGE,
    callDepth: target?.callDepth ?? 0,
  });
}

function reportCallFaults(
  {
    document,
    columns,
    target,
  }: {
    readonly document: ImportedActionDocument;
    readonly columns: readonly Column[];
    readonly target: CallableAction;
  },
  { contract, findings }: CheckContext,
): void {
  const { action } = document;
  const path = `${document.contract.text}.${action.text}`;
  if (!target.by.has(callableBy(contract)))
    findings.error(action.at, "CALL_NOT_ALLOWED", `by of ${path} does not name ${callableBy(contract)}`, [
      ...target.by,
    ]);
  const described = ({ name, type }: Column) => `${name}: ${typeName(type)}`;
  // Arguments go by name: the order in which they are declared says nothing.
  const [wanted, given] = [target.columns, columns].map((list) => list.map(described).sort().join(", "));
  if (wanted !== given && !columns.some(({ type }) => type.kind === "unknown"))
    findings.error(action.at, "IMPORT_MISMATCH", `${path} has other parameters`, target.columns.map(described));
}

function refuseSelf(contract: Name, { findings }: CheckContext): void {
  findings.error(contract.at, "IMPORT_SELF", "a contract does not import itself: its own tables have no prefix");
}
