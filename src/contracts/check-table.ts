// Checks settings, imports and tables: columns and their types, row invariants, flows of states, sizes.
// Actions come after, in check-action.ts, and see what is declared here.

import { type CheckContext, conditionUnits, systemShape } from "./check-context.ts";
import type { CheckedFlow, CheckedTable } from "./checked.ts";
import type { ColumnDocument, FlowDocument, Name, SettingDocument, TableDocument } from "./document.ts";
import { GAS } from "./gas.ts";
import { indexKeyBytesMax } from "./index-rows.ts";
import { type Binding, type IndexShape, Scope, SlotCounter, type TableShape } from "./scope.ts";
import { keyBytesMax, STATE_KEY_BYTES_MAX } from "./state-keys.ts";
import { systemTableNames } from "./system.ts";
import { type Column, integerType, membership, type Type, typeName, UNKNOWN } from "./types.ts";
import { droppedName } from "./upgrade.ts";
import { isFen } from "./words.ts";
import { rowBytesMax } from "./worst-case.ts";

/** A setting without a type: a safe integer, so that sums with it cannot leave 64 bits. */
const SETTING = integerType(-BigInt(Number.MAX_SAFE_INTEGER), BigInt(Number.MAX_SAFE_INTEGER));
const COLUMNS_MAX = 64;
const CONDITIONS_MAX = 32;
const DROPPED = "dropped(";
const INDEXES_MAX = 4;
/** Largest row: the source of a contract, and some more. */
export const ROW_BYTES_MAX = 140_000;

export function checkSettings(settings: readonly SettingDocument[], context: CheckContext): void {
  context.distinct(
    settings.map(({ name }) => name),
    "settings",
  );
  for (const { name, type: typeText, value, unit } of settings) {
    const said = typeText === undefined ? SETTING : context.type(typeText);
    const declared = said.kind === "int" && isFen(unit) ? integerType(said.min, said.max, "money") : said;
    if (declared.kind !== "int" && declared.kind !== "unknown")
      context.findings.error(typeText?.at ?? name.at, "TYPE_MISMATCH", "a setting is a number");
    const isSafe = value >= -9007199254740991n && value <= 9007199254740991n;
    const canonical = isSafe ? Number(value) : value;
    if (declared.kind === "int" && !membership(declared)(canonical))
      context.findings.error(name.at, "VALUE_OUT_OF_RANGE", `the value is outside ${typeName(declared)}`);
    context.settings.push({ name: name.text, type: declared, typeText: typeText?.text ?? "int", value: canonical });
  }
}

export function checkColumn(
  document: ColumnDocument,
  context: CheckContext,
  { defaults }: { readonly defaults: boolean },
): Column {
  const dropped = defaults ? droppedType(document, context) : undefined;
  if (dropped !== undefined)
    return { name: droppedName(document.name.text), type: dropped, typeText: document.type.text, defaultValue: null };
  const type = context.type(document.type);
  const column = { name: document.name.text, type, typeText: document.type.text, defaultValue: undefined };
  if (document.default === undefined) return column;
  if (!defaults)
    context.findings.error(document.name.at, "DEFAULT_NOT_ALLOWED", "only fields of own tables have a default");
  const scope = new Scope({ slots: new SlotCounter(), used: new Set() }, []);
  const typed = context.expected(document.default, scope, type);
  const value =
    typed.kind === "constant" ? typed.value : typed.kind === "list" && typed.items.length === 0 ? [] : undefined;
  if (value === undefined) context.findings.error(typed.at, "DEFAULT_NOT_CONSTANT", "a default is a literal, or []");
  else if (type.kind !== "unknown" && !membership(type)(value))
    context.findings.error(typed.at, "VALUE_OUT_OF_RANGE", `the default is outside ${typeName(type)}`);
  return { ...column, defaultValue: value };
}

/** `dropped(type)`: the field is gone, its place and the size of old rows remain. */
function droppedType({ name, type, default: given }: ColumnDocument, context: CheckContext): Type | undefined {
  const { text, at } = type;
  if (!text.startsWith(DROPPED) || !text.endsWith(")")) return undefined;
  if (given !== undefined) context.findings.error(name.at, "DEFAULT_NOT_ALLOWED", "a dropped field has no default");
  return { kind: "dropped", was: context.type({ text: text.slice(DROPPED.length, -1), at: at + DROPPED.length }) };
}

export function checkTable(document: TableDocument, context: CheckContext): CheckedTable {
  const { findings, contract } = context;
  const { name } = document;
  const columns = [...document.key, ...document.fields].map((column, index) =>
    checkColumn(column, context, { defaults: index >= document.key.length }),
  );
  context.distinct(
    [...document.key, ...document.fields].map((column) => column.name),
    `table ${name.text}`,
  );
  context.atMost(columns.length, COLUMNS_MAX, { at: name.at, what: "columns of a table" });
  context.atMost(document.always.length, CONDITIONS_MAX, { at: name.at, what: "conditions of always" });
  if (document.key.length === 0) findings.error(name.at, "KEY_MISSING", `table ${name.text} needs a key`);
  for (const [index, { type }] of columns.slice(0, document.key.length).entries()) {
    if (type.kind === "list")
      findings.error(document.key[index]?.type.at ?? name.at, "KEY_TYPE", "a list cannot be part of a key");
  }
  const indexes = checkIndexes(document.indexes, columns, context);
  const shape: TableShape = { contract, name: name.text, columns, keyLength: document.key.length, indexes };
  checkSizes(shape, document, context);
  checkSystemTable(shape, document, context);
  const scope = rowScope(shape, context);
  const always = document.always.map((condition) => context.condition(condition, scope));
  const flows = document.flows.flatMap((flow) => checkFlow(flow, shape, context));
  const rowUnitsMax = always.reduce(
    (units, condition) => units + conditionUnits(condition),
    flows.length * GAS.statement,
  );
  for (const label of scope.used) if (label.startsWith("settings.")) context.usedSettings.add(label);
  return { ...shape, at: name.at, always, alwaysSlots: scope.slots.count, flows, rowUnitsMax };
}

/** Indexes of a table whose columns are all known and can stand in a key. */
export function checkIndexes(
  indexes: TableDocument["indexes"],
  columns: readonly Column[],
  context: CheckContext,
): readonly IndexShape[] {
  context.distinct(
    indexes.map(({ name }) => name),
    "index",
  );
  context.atMost(indexes.length, INDEXES_MAX, { at: indexes[0]?.name.at ?? 0, what: "indexes of a table" });
  return indexes.map(({ name, columns: names }) => {
    context.distinct(names, `index ${name.text}`);
    if (names.length === 0) context.findings.error(name.at, "INDEX_EMPTY", `index ${name.text} needs a column`);
    const found = names.map(({ text, at }) => {
      const column = columns.findIndex((candidate) => candidate.name === text);
      const known = columns.map((candidate) => candidate.name);
      if (column < 0) context.findings.error(at, "FIELD_UNKNOWN", `the table has no column ${text}`, known);
      if (columns[column]?.type.kind === "list")
        context.findings.error(at, "KEY_TYPE", "a list cannot be part of an index");
      return column;
    });
    return { name: name.text, columns: found.filter((column) => column >= 0) };
  });
}

/** Names of a row's own columns, for `always`. */
function rowScope(shape: TableShape, context: CheckContext): Scope {
  const columns = shape.columns.map(
    ({ name, type }, column) => [name, { kind: "column", row: 0, column, type, label: name }] as const,
  );
  return new Scope({ slots: new SlotCounter(), used: new Set() }, [
    ...columns,
    ["settings", context.settingsBinding()] as [string, Binding],
  ]);
}

function checkSizes(shape: TableShape, document: TableDocument, context: CheckContext): void {
  const { at } = document.name;
  const keyBytes = keyBytesMax(shape);
  if (keyBytes > STATE_KEY_BYTES_MAX)
    context.findings.error(
      at,
      "KEY_TOO_LONG",
      `the key can have ${keyBytes} bytes, ${STATE_KEY_BYTES_MAX} are allowed`,
    );
  for (const [position, index] of shape.indexes.entries()) {
    const bytes = indexKeyBytesMax(shape, index);
    if (bytes > STATE_KEY_BYTES_MAX)
      context.findings.error(
        document.indexes[position]?.name.at ?? at,
        "KEY_TOO_LONG",
        `an entry of the index can have a key of ${bytes} bytes, ${STATE_KEY_BYTES_MAX} are allowed`,
      );
  }
  const rowBytes = rowBytesMax(shape);
  if (rowBytes > ROW_BYTES_MAX)
    context.findings.error(at, "ROW_TOO_LARGE", `a row can have ${rowBytes} bytes, ${ROW_BYTES_MAX} are allowed`);
}

/** Tables that the host reads begin as system.ts says. */
function checkSystemTable(shape: TableShape, document: TableDocument, context: CheckContext): void {
  const required = systemShape(shape.contract, shape.name);
  if (required === undefined) return;
  if (shape.indexes.length > 0)
    context.findings.error(document.name.at, "SYSTEM_TABLE", "the ledger itself writes this table: it has no index");
  const describe = ({ name, type }: Column) => `${name}: ${typeName(type)}`;
  const isPrefix =
    required.keyLength === shape.keyLength &&
    required.columns.every((column, index) => describe(column) === describe(shape.columns[index] ?? UNKNOWN_COLUMN));
  if (!isPrefix) {
    context.findings.error(
      document.name.at,
      "SYSTEM_TABLE",
      `the ledger reads this table: it must begin with the columns it knows`,
      required.columns.map(describe),
    );
  }
  for (const column of shape.columns.slice(required.columns.length)) {
    if (column.defaultValue === undefined)
      context.findings.error(
        document.name.at,
        "DEFAULT_MISSING",
        `${column.name} needs a default: the ledger itself writes rows of this table`,
      );
  }
}

const UNKNOWN_COLUMN: Column = { name: "", type: UNKNOWN, typeText: "", defaultValue: undefined };

/** Every table of the host must be declared by the contract that owns it. */
export function checkSystemTables(context: CheckContext): void {
  for (const name of systemTableNames(context.contract)) {
    if (!context.tables.has(name))
      context.findings.error(0, "SYSTEM_TABLE", `contract ${context.contract} must declare table ${name}`);
  }
}

// ---- flows ----

const BEGINNING = "new";

function checkFlow(document: FlowDocument, shape: TableShape, context: CheckContext): readonly CheckedFlow[] {
  const isNamed = shape.columns.some(({ type }) => statesOf(type)?.includes(BEGINNING) === true);
  // `new: [states]` says how rows may begin, unless a state is called so.
  const isBeginning = (from: Name) => from.text === BEGINNING && !isNamed;
  const states = document.moves.flatMap(({ from, to }) => (isBeginning(from) ? to : [from, ...to]));
  const column = flowColumn(document, shape, { states: states.map(({ text }) => text), context });
  const values = statesOf(shape.columns[column]?.type);
  if (values === undefined) return [];
  const unknown = states.filter(({ text }) => !values.includes(text));
  for (const state of unknown) {
    const field = shape.columns[column]?.name;
    context.findings.error(state.at, "STATE_UNKNOWN", `${state.text} is not a state of ${field}`, values);
  }
  const texts = (names: readonly Name[]) => names.map(({ text }) => text);
  const beginning = document.moves.find(({ from }) => isBeginning(from));
  const moves = new Map(
    document.moves.flatMap((move) => (move === beginning ? [] : [[move.from.text, texts(move.to)] as const])),
  );
  const first = document.moves[0]?.from.text;
  const initial = beginning !== undefined ? texts(beginning.to) : first === undefined ? [] : [first];
  if (unknown.length === 0) reportUnreached({ values, initial, moves }, document, context);
  return [{ column, initial, moves }];
}

/** The column a flow is about: the named one, or the only enum with all its states. */
function flowColumn(
  document: FlowDocument,
  shape: TableShape,
  { states, context }: { readonly states: readonly string[]; readonly context: CheckContext },
): number {
  const { columns, keyLength } = shape;
  if (document.field !== undefined) {
    const column = columns.findIndex(
      ({ name, type }, index) => index >= keyLength && name === document.field?.text && statesOf(type) !== undefined,
    );
    if (column < 0)
      context.findings.error(
        document.at,
        "FIELD_UNKNOWN",
        `${shape.name} has no enum field ${document.field.text}`,
        enumFields(shape),
      );
    return column;
  }
  const holding = columns.flatMap(({ type }, index) =>
    index >= keyLength && states.every((state) => statesOf(type)?.includes(state)) ? [index] : [],
  );
  const enums = columns.flatMap(({ type }, index) =>
    index >= keyLength && statesOf(type) !== undefined ? [index] : [],
  );
  const candidates = holding.length > 0 ? holding : enums;
  if (candidates.length !== 1)
    context.findings.error(
      document.at,
      "FLOW_FIELD",
      `write flow: {field: {state: [states]}}: ${shape.name} has not exactly one enum with these states`,
      enumFields(shape),
    );
  return candidates.length === 1 ? (candidates[0] ?? -1) : -1;
}

function statesOf(type: Type | undefined): readonly string[] | undefined {
  return type?.kind === "text" ? type.values : undefined;
}

function enumFields(shape: TableShape): readonly string[] {
  return shape.columns.filter(({ type }) => statesOf(type) !== undefined).map(({ name }) => name);
}

function reportUnreached(
  flow: {
    readonly values: readonly string[];
    readonly initial: readonly string[];
    readonly moves: ReadonlyMap<string, readonly string[]>;
  },
  document: FlowDocument,
  context: CheckContext,
): void {
  const reached = new Set(flow.initial);
  // A set iterates over what is added while it iterates.
  for (const state of reached) for (const next of flow.moves.get(state) ?? []) reached.add(next);
  for (const state of flow.values) {
    if (!reached.has(state))
      context.findings.warning(document.at, "STATE_UNREACHABLE", `no move leads to ${state}`, [...reached]);
  }
}
