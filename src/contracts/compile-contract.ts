// From a checked contract to one that runs: conditions and statements become closures, tables get their layouts.
// It decides nothing any more; what could be wrong has been found by the check.

import { invariant } from "../assert.ts";
import { encode, type Value } from "../ledger/codec.ts";
import { hashTagged } from "../ledger/hash.ts";
import { coversAccount } from "./accounts.ts";
import { ACCOUNT_NAME, HEIGHT, NON_NEGATIVE, TIMER_KEY } from "./check-context.ts";
import {
  type CheckedAction,
  type CheckedArgument,
  type CheckedCondition,
  type CheckedContract,
  type CheckedRead,
  type CheckedStatement,
  type CheckedTable,
  FIRST_PARAM_SLOT,
} from "./checked.ts";
import { compileExpression } from "./compile-expression.ts";
import type {
  CompiledAction,
  CompiledCondition,
  CompiledContract,
  CompiledRead,
  CompiledReference,
  CompiledStatement,
  CompiledTable,
  RuleText,
} from "./compiled.ts";
import { charge, type Evaluate, type Frame } from "./frame.ts";
import { GAS } from "./gas.ts";
import { ExpressionError } from "./outcome.ts";
import { failed, type Refusal, refused } from "./refusal.ts";
import { RowLayout } from "./row-layout.ts";
import type { LabelledReference } from "./typed.ts";
import { holdsRows, membership, TIME, type Type, typeName, UNKNOWN } from "./types.ts";
import { argumentUnitsMax } from "./worst-case.ts";

const UTF8 = new TextEncoder();

/** H(DOCUMENT, source): names a version of a contract. */
export function sourceHashOf(source: string): Uint8Array {
  return hashTagged("DOCUMENT", UTF8.encode(source));
}

export function compileContract(
  checked: CheckedContract,
  { source, lineOf }: { readonly source: string; readonly lineOf: (at: number) => number },
): CompiledContract {
  const tables = new Map(checked.tables.map((table) => [table.name, compileTable(table)] as const));
  const actions = new Map(
    checked.actions.map((action) => [action.name.text, compileAction(action, checked.name, tables)] as const),
  );
  const conditions = [
    ...checked.tables.flatMap((table) =>
      table.always.map((condition, index) => [`${table.contract}.${table.name}.always[${index}]`, condition] as const),
    ),
    ...checked.actions.flatMap((action) =>
      action.requires.map(
        (condition, index) => [`${checked.name}.${action.name.text}.require[${index}]`, condition] as const,
      ),
    ),
  ];
  const rules = new Map(conditions.map(([ruleId, condition]) => [ruleId, ruleText(condition, lineOf)] as const));
  const { name, title, imports, accounts, settings, migration } = checked;
  return {
    name,
    title,
    source,
    sourceHash: sourceHashOf(source),
    imports,
    accounts,
    settings,
    migration,
    tables,
    actions,
    rules,
  };
}

function ruleText({ at, text, references, zh, en }: CheckedCondition, lineOf: (at: number) => number): RuleText {
  const times = references
    .filter(({ typed }) => typed.type.kind === "int" && typed.type.name === "time")
    .map(({ label }) => label);
  // Of a row as a whole, its key is shown.
  const typeOf = ({ kind, type }: LabelledReference["typed"]) =>
    kind === "row" || kind === "isAbsent" ? "row" : typeName(type);
  const types = new Map(references.map(({ label, typed }) => [label, typeOf(typed)] as const));
  return { line: lineOf(at), condition: text, zh, en, times: new Set(times), types };
}

// ---- tables ----

function compileTable(table: CheckedTable): CompiledTable {
  const ruleId = `${table.contract}.${table.name}`;
  const flows = table.flows.map(({ column, initial, moves }) => ({
    ruleId: `${ruleId}.flow`,
    column,
    initial: new Set(initial),
    moves: new Map([...moves].map(([from, to]) => [from, new Set(to)] as const)),
  }));
  return {
    layout: new RowLayout(table),
    ruleId,
    memberships: table.columns.map(({ type }) => membership(type)),
    always: table.always.map((condition, index) => compileCondition(condition, `${ruleId}.always[${index}]`)),
    alwaysSlots: table.alwaysSlots,
    flows,
    flowOf: table.columns.map((_, column) => flows.find((flow) => flow.column === column)),
  };
}

function compileCondition(condition: CheckedCondition, ruleId: string): CompiledCondition {
  return {
    ruleId,
    evaluate: compileExpression(condition.typed),
    references: condition.references.map(compileReference),
  };
}

/** Of a row as a whole, its key is shown, or null; of a list of rows, how many there are. */
function compileReference({ label, typed }: LabelledReference): CompiledReference {
  if (holdsRows(typed.type) && typed.kind !== "row") {
    const list = compileExpression(typed);
    return {
      label,
      evaluate: (frame) => {
        const value = list(frame);
        if (!Array.isArray(value)) return null;
        return typed.type.kind === "list" ? value.length : (value[0] ?? null);
      },
    };
  }
  if (typed.kind !== "row" && typed.kind !== "isAbsent") return { label, evaluate: compileExpression(typed) };
  const { row } = typed;
  return { label, evaluate: (frame) => frame.rows[row]?.[0] ?? null };
}

// ---- actions ----

function compileAction(
  action: CheckedAction,
  contract: string,
  tables: ReadonlyMap<string, CompiledTable>,
): CompiledAction {
  const name = action.name.text;
  const ruleId = `${contract}.${name}`;
  const params = action.params.map((param, index) => ({
    name: param.name,
    slot: FIRST_PARAM_SLOT + index,
    isMember: membership(param.type),
    unitsMax: argumentUnitsMax(param),
  }));
  return {
    contract,
    name,
    ruleId,
    by: new Set(action.by),
    columns: action.params,
    params: params.sort((left, right) => (left.name < right.name ? -1 : 1)),
    reads: action.reads.map((read) => compileRead(read, `${ruleId}.read.${read.alias}`)),
    requires: action.requires.map((condition, index) => compileCondition(condition, `${ruleId}.require[${index}]`)),
    statements: action.statements.map((statement, index) =>
      compileStatement(statement, `${ruleId}.do[${index}]`, tables),
    ),
    slotCount: action.slotCount,
    callDepth: action.callDepth,
    usageMax: action.usageMax,
  };
}

function compileRead({ table, isOptional, key, scan }: CheckedRead, ruleId: string): CompiledRead {
  const layout = new RowLayout(table);
  return {
    ruleId,
    layout,
    isOptional,
    scan: scan && { ...scan, index: layout.index(scan.index) },
    key: key.map((part, index) => ({
      evaluate: compileExpression(part),
      isMember: membership(table.columns[scan?.index.columns[index] ?? index]?.type ?? UNKNOWN),
    })),
  };
}

function compileStatement(
  statement: CheckedStatement,
  ruleId: string,
  tables: ReadonlyMap<string, CompiledTable>,
): CompiledStatement {
  const perform = compileBody(statement, ruleId, tables);
  if (statement.when === undefined) {
    return (run) => {
      charge(run.frame, GAS.statement);
      return perform(run);
    };
  }
  const when = compileExpression(statement.when);
  return (run) => {
    charge(run.frame, GAS.statement);
    const outcome = when(run.frame);
    if (outcome instanceof ExpressionError) return failed(`${ruleId}.when`, outcome);
    return outcome === true ? perform(run) : undefined;
  };
}

function compileBody(
  statement: CheckedStatement,
  ruleId: string,
  tables: ReadonlyMap<string, CompiledTable>,
): CompiledStatement {
  switch (statement.kind) {
    case "insert":
      return compileInsert(statement, ruleId, tableOf(statement.table, tables));
    case "update": {
      const table = tableOf(statement.table, tables);
      const { read } = statement;
      const assign = compileAssignments(statement.assignments, table, ruleId);
      const columns = statement.assignments.map(({ column }) => column);
      return (run) => {
        const values: Value[] = [];
        return assign(run.frame, values) ?? run.update(table, read, { columns, values, ruleId });
      };
    }
    case "delete": {
      const table = tableOf(statement.table, tables);
      return (run) => run.delete(table, statement.read, ruleId);
    }
    case "pay":
      return compilePay(statement, ruleId);
    case "call":
      return compileCall(statement, ruleId);
    case "emit":
      return compileEmit(statement, ruleId);
    case "timer":
      return compileTimer(statement, ruleId);
    case "cancel": {
      const key = checkedPart(statement.key, TIMER_KEY, `${ruleId}.key`);
      return (run) => withParts(run.frame, [key], ([value]) => run.cancel(asText(value)));
    }
    case "deploy": {
      const { height } = statement;
      const parts = [
        checkedPart(statement.name, TIMER_KEY, `${ruleId}.name`),
        compilePart(statement.source, ruleId),
        ...(height === undefined ? [] : [checkedPart(height, HEIGHT, `${ruleId}.height`)]),
      ];
      return (run) =>
        withParts(run.frame, parts, ([name, source, activeHeight = 0]) =>
          run.host.deploy(run.frame, {
            kind: "deploy",
            name: asText(name),
            source: asText(source),
            activeHeight: asSafeInteger(activeHeight),
            ruleId,
          }),
        );
    }
    case "withdraw": {
      const name = checkedPart(statement.name, TIMER_KEY, `${ruleId}.name`);
      return (run) =>
        withParts(run.frame, [name], ([value]) =>
          run.host.deploy(run.frame, { kind: "withdraw", name: asText(value), ruleId }),
        );
    }
  }
}

function tableOf({ name }: CheckedTable, tables: ReadonlyMap<string, CompiledTable>): CompiledTable {
  const table = tables.get(name);
  invariant(table !== undefined, "R5: a checked statement names a table of its contract");
  return table;
}

const asText = (value: Value | undefined) => value as string;
const asSafeInteger = (value: Value | undefined) => value as number;

// ---- rows ----

/** Evaluates, checks against the columns' types, and appends to the values. */
type Assign = (frame: Frame, values: Value[]) => Refusal | undefined;

function compileAssignments(
  assignments: readonly { readonly column: number; readonly typed: CheckedArgument["typed"] }[],
  table: CompiledTable,
  ruleId: string,
): Assign {
  const parts = assignments.map(({ column, typed }) => {
    const name = table.layout.columns[column]?.name ?? "";
    return {
      evaluate: compileExpression(typed),
      isMember: table.memberships[column]!,
      label: `${table.layout.name}.${name}`,
      ruleId: `${table.ruleId}.${name}`,
    };
  });
  return (frame, values) => {
    for (const part of parts) {
      const value = part.evaluate(frame);
      if (value instanceof ExpressionError) return failed(ruleId, value, [["field", part.label]]);
      if (!part.isMember(value)) return refused(part.ruleId, [[part.label, value]]);
      values.push(value);
    }
    return undefined;
  };
}

function compileInsert(
  statement: CheckedStatement & { kind: "insert" },
  ruleId: string,
  table: CompiledTable,
): CompiledStatement {
  const assign = compileAssignments(statement.assignments, table, ruleId);
  const columns = statement.assignments.map(({ column }) => column);
  const defaults = table.layout.columns.map(({ defaultValue }) => defaultValue ?? null);
  return (run) => {
    const row: Value[] = [...defaults];
    const values: Value[] = [];
    const refusal = assign(run.frame, values);
    if (refusal !== undefined) return refusal;
    for (let index = 0; index < columns.length; index += 1) row[columns[index]!] = values[index]!;
    return run.insert(table, row, ruleId);
  };
}

// ---- parts of the other statements ----

interface Part {
  readonly evaluate: Evaluate;
  /** undefined: any value is right */
  readonly isMember: ((value: Value) => boolean) | undefined;
  readonly ruleId: string;
}

function compilePart(typed: CheckedArgument["typed"], ruleId: string): Part {
  return { evaluate: compileExpression(typed), isMember: undefined, ruleId };
}

function checkedPart(typed: CheckedArgument["typed"], type: Type, ruleId: string): Part {
  return { evaluate: compileExpression(typed), isMember: membership(type), ruleId };
}

/** Evaluates all parts, then acts with their values. */
function withParts(
  frame: Frame,
  parts: readonly Part[],
  act: (values: readonly Value[]) => Refusal | undefined,
): Refusal | undefined {
  const values: Value[] = [];
  for (const { evaluate, isMember, ruleId } of parts) {
    const value = evaluate(frame);
    if (value instanceof ExpressionError) return failed(ruleId, value);
    if (isMember !== undefined && !isMember(value)) return refused(ruleId, [["value", value]]);
    values.push(value);
  }
  return act(values);
}

function compilePay(statement: CheckedStatement & { kind: "pay" }, ruleId: string): CompiledStatement {
  const { accounts } = statement;
  const parts = [
    checkedPart(statement.from, ACCOUNT_NAME, `${ruleId}.from`),
    checkedPart(statement.to, ACCOUNT_NAME, `${ruleId}.to`),
    checkedPart(statement.amount, NON_NEGATIVE, `${ruleId}.amount`),
  ];
  return (run) =>
    withParts(run.frame, parts, ([from, to, amount]) => {
      charge(run.frame, accounts.length * GAS.node);
      if (!coversAccount(accounts, asText(from)))
        return refused(`${ruleId}.account`, [
          ["from", from ?? null],
          ["accounts", accounts],
        ]);
      return run.pay({ from: asText(from), to: asText(to), amount: asSafeInteger(amount), ruleId });
    });
}

function compileCall(statement: CheckedStatement & { kind: "call" }, ruleId: string): CompiledStatement {
  const { contract, action, args } = statement;
  const parts = args.map(({ typed, type, name }) => checkedPart(typed, type, `${ruleId}.with.${name}`));
  return (run) =>
    withParts(run.frame, parts, (values) =>
      run.call({ contract, action, args: values.map((value, index) => [args[index]?.name ?? "", value]) }),
    );
}

function compileEmit(statement: CheckedStatement & { kind: "emit" }, ruleId: string): CompiledStatement {
  const names = statement.fields.map(({ name }) => name);
  const parts = statement.fields.map(({ typed }) => compilePart(typed, ruleId));
  return (run) =>
    withParts(run.frame, parts, (values) =>
      run.emit(
        statement.event,
        values.map((value, index) => [names[index] ?? "", value]),
      ),
    );
}

function compileTimer(statement: CheckedStatement & { kind: "timer" }, ruleId: string): CompiledStatement {
  const names = statement.args.map(({ name }) => name);
  const args = statement.args.map(({ typed, type, name }) => checkedPart(typed, type, `${ruleId}.with.${name}`));
  const parts = [
    checkedPart(statement.key, TIMER_KEY, `${ruleId}.key`),
    checkedPart(statement.time, TIME, `${ruleId}.at`),
    ...args,
  ];
  return (run) =>
    withParts(run.frame, parts, ([key, at, ...values]) => {
      const pairs = values.map((value, index): Value => [names[index] ?? "", value]);
      run.schedule({ key: asText(key), at: asSafeInteger(at), action: statement.run, args: encode(pairs) });
    });
}
