// What a new version may change of the one before: it adds fields with defaults, renames and drops fields, lets enums grow at their end,
// and adds and drops settings. Every row that exists stays readable; what is lost is named in `migrate`. Compares; never writes.

import type { StateReader } from "../ledger/types.ts";
import { equalValues } from "./compile-expression.ts";
import type { CompiledAction, CompiledContract, CompiledTable } from "./compiled.ts";
import type { RefusalValues } from "./refusal.ts";
import { TIMER_ROLE } from "./system.ts";
import { SETTINGS } from "./system-layouts.ts";
import { type Column, membership, type Type, typeName } from "./types.ts";

/** What a version says that it changes of the one before. */
export interface Migration {
  readonly renames: readonly { readonly table: string; readonly from: string; readonly to: string }[];
  readonly drops: readonly { readonly table: string; readonly field: string }[];
  /** settings that are gone */
  readonly settings: readonly string[];
}

/** How a dropped field is called in the shape of its table: no expression can name it. */
export function droppedName(field: string): string {
  return `dropped ${field}`;
}

/** What the new version would break, or does not do as it says. */
export function upgradeFault(before: CompiledContract, after: CompiledContract): RefusalValues | undefined {
  for (const [name, table] of before.tables) {
    const next = after.tables.get(name);
    if (next === undefined)
      return [
        ["table", name],
        ["problem", "is missing"],
      ];
    const fault = tableFault(table, next, after.migration) ?? indexFault(table, next);
    if (fault !== undefined) return [["table", name], ...fault];
  }
  return timerFault(before, after) ?? settingFault(before, after) ?? idleMigration(before, after);
}

/** Timers that wait name an action and hold its arguments: without it, money in escrow might never come out. */
function timerFault(before: CompiledContract, after: CompiledContract): RefusalValues | undefined {
  const described = (action: CompiledAction | undefined) =>
    action?.columns
      .map(({ name, type }) => `${name}: ${typeName(type)}`)
      .sort()
      .join(", ");
  const isKept = (action: CompiledAction) => {
    const next = after.actions.get(action.name);
    return next?.by.has(TIMER_ROLE) === true && described(next) === described(action);
  };
  const gone = [...before.actions.values()].find((action) => action.by.has(TIMER_ROLE) && !isKept(action));
  return (
    gone && [
      ["action", gone.name],
      ["problem", "may be waited for by timers: it stays, with by: timer and the same parameters"],
    ]
  );
}

function tableFault(
  { layout: before }: CompiledTable,
  { layout: after }: CompiledTable,
  migration: Migration,
): RefusalValues | undefined {
  if (before.keyLength !== after.keyLength) return [["problem", "its key has another length"]];
  for (const [index, column] of before.columns.entries()) {
    const problem = columnProblem(column, after.columns[index], { table: before.name, migration });
    if (problem !== undefined)
      return [
        ["field", column.name],
        ["problem", problem],
      ];
  }
  const added = after.columns.slice(before.columns.length).find(({ defaultValue }) => defaultValue === undefined);
  return (
    added && [
      ["field", added.name],
      ["problem", "is new and has no default"],
    ]
  );
}

/** @param after what stands in the same place in the new version */
function columnProblem(
  before: Column,
  after: Column | undefined,
  { table, migration }: { readonly table: string; readonly migration: Migration },
): string | undefined {
  const { name, type } = before;
  if (after?.type.kind === "dropped" && type.kind !== "dropped") {
    const isSaid = migration.drops.some((drop) => drop.table === table && drop.field === name);
    return isSaid && after.name === droppedName(name) && typeName(after.type.was) === typeName(type)
      ? undefined
      : "is dropped, elsewhere or of another type: migrate: {drop: {table: [field]}}, and in its place field: dropped(type)";
  }
  const isRenamed = migration.renames.some(
    (rename) => rename.table === table && rename.from === name && rename.to === after?.name,
  );
  if (after === undefined || (after.name !== name && !isRenamed) || !mayBecome(type, after.type))
    return "is missing, elsewhere, or of another type";
  // Older rows have the default instead of the field: another one would change them.
  return equalValues(before.defaultValue ?? null, after.defaultValue ?? null) ? undefined : "has another default";
}

/** Enums grow at their end: what rows hold stays one of the names. */
function mayBecome(before: Type, after: Type): boolean {
  if (before.kind === "text" && after.kind === "text" && before.values !== undefined && after.values !== undefined) {
    const { values } = after;
    return before.values.every((value, index) => value === values[index]);
  }
  return typeName(before) === typeName(after);
}

/** Rows that exist do not stand in an index that is new. */
function indexFault({ layout: before }: CompiledTable, { layout: after }: CompiledTable): RefusalValues | undefined {
  const added = after.indexes.find(
    ({ name, columns }) => !before.indexes.some((index) => index.name === name && equalValues(index.columns, columns)),
  );
  return (
    added && [
      ["index", added.name],
      ["problem", "is new or over other columns: rows that exist do not stand in it; declare it with a new table"],
    ]
  );
}

function settingFault(before: CompiledContract, after: CompiledContract): RefusalValues | undefined {
  const has = (contract: CompiledContract, name: string) => contract.settings.some((setting) => setting.name === name);
  const gone = before.settings.find(({ name }) => !has(after, name) && !after.migration.settings.includes(name));
  return (
    gone && [
      ["setting", gone.name],
      ["problem", "is dropped and not named in migrate: {settings: [name]}"],
    ]
  );
}

/** Something that `migrate` names and the version before does not have: most likely `migrate` of an upgrade long done. */
function idleMigration(before: CompiledContract | undefined, after: CompiledContract): RefusalValues | undefined {
  const { renames, drops, settings } = after.migration;
  const placeOf = (contract: CompiledContract | undefined, table: string, field: string) =>
    contract?.tables.get(table)?.layout.columns.findIndex(({ name }) => name === field) ?? -1;
  const isIdle = (table: string, from: string, to: string) => {
    const place = placeOf(before, table, from);
    return place < 0 || place !== placeOf(after, table, to);
  };
  const idle =
    renames.find(({ table, from, to }) => isIdle(table, from, to))?.from ??
    drops.find(({ table, field }) => isIdle(table, field, droppedName(field)))?.field ??
    settings.find((name) => before?.settings.some((setting) => setting.name === name) !== true);
  return idle === undefined
    ? undefined
    : [
        ["migrate", idle],
        ["problem", "is not in the version before, or not changed as migrate says"],
      ];
}

/** A first version has nothing to migrate. */
export function firstVersionFault(contract: CompiledContract): RefusalValues | undefined {
  return idleMigration(undefined, contract);
}

/** A number that governance set and the new version does not allow. */
export function settingValueFault(state: StateReader, before: CompiledContract, after: CompiledContract) {
  const isKept = (name: string) => before.settings.some((setting) => setting.name === name);
  for (const { name, type } of after.settings.filter((setting) => isKept(setting.name))) {
    const value = SETTINGS.read(state, [after.name, name])?.[2];
    if (value !== undefined && !membership(type)(value))
      return [
        ["setting", name],
        ["value", value],
        ["problem", "the number in force is outside the new type: change it first"],
      ] as const satisfies RefusalValues;
  }
  return undefined;
}
