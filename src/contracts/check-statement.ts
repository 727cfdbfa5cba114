// Checks the statements of `do`: targets, the columns they assign, arguments of timers, shapes of events, moves of states.
// What only a run can tell (ranges, existing rows, balances) is left to the run.

import { foreignAccount } from "./accounts.ts";
import type { ActionSignature } from "./check-action.ts";
import { checkArguments, checkCall } from "./check-call.ts";
import { ACCOUNT_NAME, type CheckContext, EVENT_BYTES_MAX, HEIGHT, NON_NEGATIVE, TIMER_KEY } from "./check-context.ts";
import type { CheckedArgument, CheckedAssignment, CheckedStatement, CheckedTable } from "./checked.ts";
import type { Assignments, Name, StatementDocument } from "./document.ts";
import { byteUnits, GAS, writeUnits } from "./gas.ts";
import type { Scope } from "./scope.ts";
import { GOVERNANCE_CONTRACT, SOURCE_BYTES_MAX, TIMER_ROLE } from "./system.ts";
import type { Typed } from "./typed.ts";
import { BOOL, holdsRows, ID, sizeMax, TIME, type Type, textType } from "./types.ts";
import { DEPLOY_ROWS_UNITS, indexUsage, rowBytesMax, WITHDRAW_ROWS_UNITS } from "./worst-case.ts";

/** A row that was read from an own table, so that statements may change it. */
export interface RowTarget {
  readonly read: number;
  readonly table: CheckedTable;
}

export interface StatementContext {
  readonly context: CheckContext;
  readonly scope: Scope;
  readonly rows: ReadonlyMap<string, RowTarget>;
  readonly signatures: ReadonlyMap<string, ActionSignature>;
}

const EVENT_FIELDS_MAX = 64;
const TIMER_ARGUMENT_BYTES_MAX = 4096;
/** Tables that only the host writes. */
const HOST_TABLES: ReadonlySet<string> = new Set(["contract", "source"]);

export type Checked<K> = Omit<Extract<CheckedStatement, { kind: K }>, "at" | "when">;

export function checkStatement(statement: StatementDocument, at: StatementContext): readonly CheckedStatement[] {
  const when = statement.when && at.context.expected(statement.when, at.scope, BOOL);
  const body = checkBody(statement, at);
  return body === undefined ? [] : [{ ...body, at: statement.at, when }];
}

function checkBody(statement: StatementDocument, at: StatementContext) {
  switch (statement.kind) {
    case "insert":
      return checkInsert(statement, at);
    case "update":
      return checkUpdate(statement, at);
    case "delete":
      return checkDelete(statement, at);
    case "pay":
      return checkPay(statement, at);
    case "call":
      return checkCall(statement, at);
    case "emit":
      return checkEmit(statement, at);
    case "timer":
      return checkTimer(statement, at);
    case "cancel":
      return checkCancel(statement, at);
    case "deploy":
      return checkDeploy(statement, at);
    case "withdraw":
      return checkWithdraw(statement, at);
  }
}

export type Document<K> = StatementDocument & { readonly kind: K };

export function unitsOf(parts: readonly Typed[]): number {
  return parts.reduce((units, { worst }) => units + worst, 0);
}

function rowUnits(table: CheckedTable): number {
  return GAS.write + writeUnits(rowBytesMax(table));
}

// ---- rows ----

function checkInsert({ table: name, row }: Document<"insert">, at: StatementContext): Checked<"insert"> | undefined {
  const { context } = at;
  const table = ownTable(name, context);
  if (table === undefined) return undefined;
  const assignments = checkAssignments(row, table, at);
  const given = new Set(assignments.map(({ column }) => column));
  const missing = table.columns.filter(({ defaultValue }, column) => !given.has(column) && defaultValue === undefined);
  if (missing.length > 0)
    context.findings.error(
      name.at,
      "FIELD_MISSING",
      `a new row of ${table.name} needs ${missing.map((column) => column.name).join(", ")}`,
    );
  for (const { column, typed } of assignments) reportImpossibleState(table, column, { typed, context, isNew: true });
  const unitsMax =
    unitsOf(assignments.map(({ typed }) => typed)) +
    GAS.read +
    rowUnits(table) +
    table.rowUnitsMax +
    indexUsage({ kind: "insert", table }).units;
  return { kind: "insert", table, assignments, unitsMax };
}

function checkUpdate({ row, set }: Document<"update">, at: StatementContext): Checked<"update"> | undefined {
  const target = rowTarget(row, at);
  if (target === undefined) return undefined;
  const { read, table } = target;
  const assignments = checkAssignments(set, table, at);
  for (const { column, typed } of assignments) {
    if (column < table.keyLength)
      at.context.findings.error(typed.at, "KEY_ASSIGNED", "the key of a row never changes: insert another");
    reportImpossibleState(table, column, { typed, context: at.context, isNew: false });
  }
  if (set.length === 0) at.context.findings.error(row.at, "FIELD_MISSING", "update sets at least one field");
  const unitsMax =
    unitsOf(assignments.map(({ typed }) => typed)) +
    rowUnits(table) +
    table.rowUnitsMax +
    indexUsage({ kind: "update", table, assignments }).units;
  return { kind: "update", table, read, assignments, unitsMax };
}

function checkDelete({ row }: Document<"delete">, at: StatementContext): Checked<"delete"> | undefined {
  const target = rowTarget(row, at);
  if (target === undefined) return undefined;
  const { table, read } = target;
  return { kind: "delete", table, read, unitsMax: GAS.write + indexUsage({ kind: "delete", table }).units };
}

function ownTable(name: Name, context: CheckContext): CheckedTable | undefined {
  const table = context.tables.get(name.text);
  if (table === undefined)
    context.findings.error(name.at, "TABLE_UNKNOWN", `this contract has no table ${name.text}`, [
      ...context.tables.keys(),
    ]);
  else if (isHostTable(table)) return refuseHostTable(name, context);
  return table;
}

function rowTarget(name: Name, { context, rows }: StatementContext): RowTarget | undefined {
  const target = rows.get(name.text);
  if (target === undefined) {
    context.findings.error(
      name.at,
      "ROW_UNKNOWN",
      `${name.text} is no row that this action reads from a table of its own contract`,
      [...rows.keys()],
    );
  } else if (isHostTable(target.table)) return refuseHostTable(name, context);
  return target;
}

function isHostTable({ contract, name }: CheckedTable): boolean {
  return contract === GOVERNANCE_CONTRACT && HOST_TABLES.has(name);
}

function refuseHostTable(name: Name, context: CheckContext): undefined {
  context.findings.error(name.at, "SYSTEM_TABLE", "this table is written by deploy only");
  return undefined;
}

function checkAssignments(
  assignments: Assignments,
  table: CheckedTable,
  { context, scope }: StatementContext,
): readonly CheckedAssignment[] {
  return assignments.flatMap(({ name, value }) => {
    const column = table.columns.findIndex((candidate) => candidate.name === name.text);
    const found = table.columns[column];
    if (found === undefined) {
      context.findings.error(
        name.at,
        "FIELD_UNKNOWN",
        `table ${table.name} has no field ${name.text}`,
        table.columns.map((candidate) => candidate.name),
      );
      return [];
    }
    return [{ column, typed: context.expected(value, scope, found.type) }];
  });
}

/** A literal state that no move, or no beginning, leads to. */
function reportImpossibleState(
  table: CheckedTable,
  column: number,
  { typed, context, isNew }: { readonly typed: Typed; readonly context: CheckContext; readonly isNew: boolean },
): void {
  const flow = table.flows.find((candidate) => candidate.column === column);
  const values = typed.type.kind === "text" ? typed.type.values : undefined;
  if (flow === undefined || values === undefined) return;
  const reachable = isNew ? flow.initial : [...flow.moves.values()].flat();
  const foreign = values.find((value) => !reachable.includes(value));
  if (foreign === undefined || values.length > 1) return;
  context.findings.error(
    typed.at,
    "FLOW_IMPOSSIBLE",
    isNew ? `a new row cannot begin as ${foreign}` : `no move leads to ${foreign}`,
    [...new Set(reachable)],
  );
}

// ---- money, events, timers, code ----

function checkPay({ from, to, amount }: Document<"pay">, { context, scope }: StatementContext): Checked<"pay"> {
  const typed = {
    from: context.expected(from, scope, ACCOUNT_NAME),
    to: context.expected(to, scope, ACCOUNT_NAME),
    amount: context.expected(amount, scope, NON_NEGATIVE),
  };
  const { accounts } = context;
  const foreign = foreignAccount(accounts, typed.from);
  if (foreign !== undefined)
    context.findings.error(
      typed.from.at,
      "ACCOUNT_FOREIGN",
      `this contract may not take money from ${JSON.stringify(foreign)}: it is not among its accounts`,
      accounts,
    );
  return {
    kind: "pay",
    ...typed,
    accounts,
    unitsMax: unitsOf(Object.values(typed)) + accounts.length * GAS.node + 2 * (GAS.read + GAS.write + writeUnits(16)),
  };
}

function checkEmit({ event, fields }: Document<"emit">, { context, scope }: StatementContext): Checked<"emit"> {
  const typed = fields.map(({ name, value }): CheckedArgument => {
    const part = context.expression(value, scope);
    if (holdsRows(part.type) || part.type.kind === "null")
      context.findings.error(part.at, "TYPE_MISMATCH", "an event carries values, not rows");
    return { name: name.text, type: part.type, typed: part };
  });
  context.atMost(fields.length, EVENT_FIELDS_MAX, { at: event.at, what: "fields of an event" });
  const bytes = typed.reduce((total, { type }) => total + sizeMax(type), 0);
  if (bytes > EVENT_BYTES_MAX)
    context.findings.error(
      event.at,
      "EVENT_TOO_LARGE",
      `the event can have ${bytes} bytes, ${EVENT_BYTES_MAX} are allowed`,
    );
  const shape = typed.map(({ name, type }) => `${name}: ${type.kind}`).join(", ");
  const before = context.events.get(event.text);
  if (before !== undefined && before !== shape)
    context.findings.error(event.at, "EVENT_SHAPE", `elsewhere ${event.text} has (${before})`);
  context.events.set(event.text, before ?? shape);
  return {
    kind: "emit",
    event: event.text,
    fields: typed,
    unitsMax: unitsOf(typed.map((field) => field.typed)) + GAS.event + byteUnits(bytes),
  };
}

function checkTimer({ key, time, run, args }: Document<"timer">, at: StatementContext): Checked<"timer"> | undefined {
  const { context, scope, signatures } = at;
  const typedKey = context.expected(key, scope, TIMER_KEY);
  const typedTime = context.expected(time, scope, TIME);
  const target = signatures.get(run.text);
  if (target === undefined) {
    context.findings.error(run.at, "ACTION_UNKNOWN", `there is no action ${run.text}`, [...signatures.keys()]);
    return undefined;
  }
  if (!target.by.includes(TIMER_ROLE))
    context.findings.error(run.at, "TIMER_NOT_ALLOWED", `by of ${run.text} does not name ${TIMER_ROLE}`);
  const typed = checkArguments(args, { at: run, params: target.params }, at);
  const bytes = typed.reduce((total, { name, type }) => total + sizeMax(type) + name.length + 2, 5);
  if (bytes > TIMER_ARGUMENT_BYTES_MAX)
    context.findings.error(
      run.at,
      "TIMER_TOO_LARGE",
      `the arguments can have ${bytes} bytes, ${TIMER_ARGUMENT_BYTES_MAX} are allowed`,
    );
  const unitsMax =
    unitsOf([typedKey, typedTime, ...typed.map((argument) => argument.typed)]) + GAS.write + writeUnits(bytes + 160);
  return { kind: "timer", key: typedKey, time: typedTime, run: run.text, args: typed, unitsMax };
}

function checkCancel({ key }: Document<"cancel">, { context, scope }: StatementContext): Checked<"cancel"> {
  const typed = context.expected(key, scope, TIMER_KEY);
  return { kind: "cancel", key: typed, unitsMax: typed.worst + GAS.read + GAS.write };
}

function checkDeploy(statement: Document<"deploy">, { context, scope }: StatementContext): Checked<"deploy"> {
  requireGovernance(statement, context);
  const name = context.expected(statement.name, scope, ID);
  const source = context.expected(statement.source, scope, textType(SOURCE_BYTES_MAX));
  const height = statement.height && context.expected(statement.height, scope, HEIGHT);
  const bytes = sourceBytesMax(source.type);
  const sourceUnits = bytes * GAS.sourceByte + byteUnits(bytes);
  return {
    kind: "deploy",
    name,
    source,
    height,
    unitsMax: name.worst + source.worst + (height?.worst ?? 0) + sourceUnits + DEPLOY_ROWS_UNITS,
  };
}

function checkWithdraw(statement: Document<"withdraw">, { context, scope }: StatementContext): Checked<"withdraw"> {
  requireGovernance(statement, context);
  const name = context.expected(statement.name, scope, ID);
  return { kind: "withdraw", name, unitsMax: name.worst + WITHDRAW_ROWS_UNITS };
}

function requireGovernance({ at }: StatementDocument, { contract, findings }: CheckContext): void {
  if (contract !== GOVERNANCE_CONTRACT)
    findings.error(at, "DEPLOY_NOT_ALLOWED", `only contract ${GOVERNANCE_CONTRACT} deploys and withdraws contracts`);
}

function sourceBytesMax(type: Type): number {
  return type.kind === "text" ? type.bytesMax : 0;
}
