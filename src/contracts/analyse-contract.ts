// Looks at a whole checked contract: actions that can never happen, states that nothing reaches, money that cannot leave.
// Only what is certain from the document is reported; it changes nothing.

import { unreachable } from "../assert.ts";
import { coversAccount, type KnownText, knownTexts } from "./accounts.ts";
import { ExpressionAnalysis } from "./analyse-expression.ts";
import { type ActionFacts, type Move, type Need, reportNever, reportStates } from "./analyse-states.ts";
import { systemShape } from "./check-context.ts";
import type { CheckedAction, CheckedContract, CheckedStatement, CheckedTable } from "./checked.ts";
import type { Name } from "./document.ts";
import type { Findings } from "./finding.ts";
import { type Known, knownOfType, meet, NO_FACTS, NOTHING_KNOWN } from "./known.ts";
import { OUTSIDE_PREFIX, TIMER_ROLE } from "./system.ts";
import type { Typed } from "./typed.ts";
import { type Column, UNKNOWN } from "./types.ts";

const NO_COLUMN: Column = { name: "", type: UNKNOWN, typeText: "", defaultValue: undefined };

/** @param accounts where each of the contract's accounts is declared */
export function analyseContract(contract: CheckedContract, accounts: readonly Name[], findings: Findings): void {
  for (const { always } of contract.tables) {
    const analysis = new ExpressionAnalysis(findings);
    for (const { typed } of always) analysis.hold(analysis.judge(typed, NO_FACTS).whenTrue);
  }
  const tables = new Map(contract.tables.map((table) => [table.name, table] as const));
  const actions = contract.actions.map((action) => analyseAction(action, contract.name, { tables, findings }));
  const unreached = reportTimerActions(contract.actions, findings);
  for (const { action, isPossible } of actions) {
    if (!isPossible && !unreached.has(action))
      reportNever(action, "its conditions can never hold together", { findings, unreached });
  }
  for (const table of contract.tables) {
    // The host writes rows of its own tables, in any state.
    if (systemShape(table.contract, table.name) === undefined) reportStates(table, actions, { findings, unreached });
  }
  reportAccounts(contract, accounts, findings);
}

// ---- one action ----

function analyseAction(
  action: CheckedAction,
  contract: string,
  { tables, findings }: { readonly tables: ReadonlyMap<string, CheckedTable>; readonly findings: Findings },
): ActionFacts {
  const analysis = new ExpressionAnalysis(findings);
  // In the order of a run.
  for (const part of action.reads.flatMap(({ key }) => key)) analysis.judge(part, NO_FACTS);
  const isPossible = action.requires.every(({ typed }) => analysis.hold(analysis.judge(typed, NO_FACTS).whenTrue));
  if (!isPossible) return { action, isPossible, moves: [], needs: [] };
  const moves = action.statements.flatMap((statement) => analyseStatement(statement, action, analysis));
  const needs = action.reads.flatMap(({ alias, table }) =>
    table.contract !== contract ? [] : needsOf(alias, tables.get(table.name), analysis),
  );
  return { action, isPossible, moves, needs };
}

function needsOf(alias: string, table: CheckedTable | undefined, analysis: ExpressionAnalysis): readonly Need[] {
  return (table?.flows ?? []).flatMap(({ column }) => {
    const label = `${alias}.${table?.columns[column]?.name}`;
    const known = analysis.knownOf(label);
    return known.kind === "text" ? [{ table: table?.name ?? "", column, label, states: known.values }] : [];
  });
}

function analyseStatement(
  statement: CheckedStatement,
  action: CheckedAction,
  analysis: ExpressionAnalysis,
): readonly Move[] {
  const under = statement.when === undefined ? NO_FACTS : analysis.judge(statement.when, NO_FACTS).whenTrue;
  const known = new Map(partsOf(statement).map((typed) => [typed, analysis.judge(typed, under).known] as const));
  if (under === undefined || (statement.kind !== "insert" && statement.kind !== "update")) return [];
  const { table, assignments } = statement;
  const alias = statement.kind === "update" ? action.reads[statement.read]?.alias : undefined;
  return table.flows.flatMap(({ column }): readonly Move[] => {
    const { name, type, defaultValue } = table.columns[column] ?? NO_COLUMN;
    const assigned = assignments.find((assignment) => assignment.column === column);
    if (assigned === undefined && alias !== undefined) return [];
    const states = (value: Known | undefined) => statesIn(value, knownOfType(type));
    const to = assigned === undefined ? [String(defaultValue)] : states(known.get(assigned.typed));
    const label = `${alias}.${name}`;
    const from =
      alias === undefined ? undefined : states(meet(analysis.knownOf(label), under.get(label) ?? NOTHING_KNOWN));
    return [{ table: table.name, column, from, to, isCertain: statement.when === undefined }];
  });
}

/** The states that a field of this type can have by what is known. */
function statesIn(known: Known | undefined, type: Known): readonly string[] {
  const met = known === undefined ? undefined : meet(known, type);
  return met?.kind === "text" ? met.values : [];
}

function partsOf(statement: CheckedStatement): readonly Typed[] {
  switch (statement.kind) {
    case "insert":
    case "update":
      return statement.assignments.map(({ typed }) => typed);
    case "delete":
      return [];
    case "pay":
      return [statement.from, statement.to, statement.amount];
    case "call":
      return statement.args.map(({ typed }) => typed);
    case "emit":
      return statement.fields.map(({ typed }) => typed);
    case "timer":
      return [statement.key, statement.time, ...statement.args.map(({ typed }) => typed)];
    case "cancel":
      return [statement.key];
    case "deploy":
      return [statement.name, statement.source, ...(statement.height === undefined ? [] : [statement.height])];
    case "withdraw":
      return [statement.name];
    default:
      return unreachable(statement);
  }
}

// ---- timers ----

/** Actions that only a timer may run, and that no action which can happen schedules. */
function reportTimerActions(actions: readonly CheckedAction[], findings: Findings): Set<CheckedAction> {
  const byName = new Map(actions.map((action) => [action.name.text, action] as const));
  // A set iterates over what is added while it iterates.
  const reached = new Set(actions.filter(({ by }) => by.some((role) => role !== TIMER_ROLE)));
  for (const { statements } of reached)
    for (const statement of statements) {
      const scheduled = statement.kind === "timer" ? byName.get(statement.run) : undefined;
      if (scheduled !== undefined) reached.add(scheduled);
    }
  const unreached = new Set<CheckedAction>();
  for (const action of actions)
    if (!reached.has(action)) reportNever(action, "only a timer may run it, and none does", { findings, unreached });
  return unreached;
}

// ---- money ----

/** Accounts that only this contract may debit: what it pays in must be able to come out again. */
function reportAccounts({ actions }: CheckedContract, accounts: readonly Name[], findings: Findings): void {
  const pays = actions.flatMap(({ statements }) =>
    statements.flatMap((statement) => (statement.kind === "pay" ? [statement] : [])),
  );
  const sources = pays.flatMap(({ from }) => knownTexts(from));
  const targets = pays.flatMap(({ to }) => knownTexts(to));
  for (const { text, at } of accounts) {
    if (sources.some((known) => mayFallUnder(known, text))) continue;
    // Money outside the ledger is where it goes in the end.
    const isTrap = !text.startsWith(OUTSIDE_PREFIX) && targets.some((known) => coversAccount([text], known.text));
    if (isTrap)
      findings.error(
        at,
        "ACCOUNT_NO_WAY_OUT",
        `money is paid into ${text}, only this contract may take it out, and no action does`,
      );
    else findings.warning(at, "UNUSED", `no action takes money from ${text}`);
  }
}

/** Whether an account of which this is known can be the declared one, or one that begins so. */
function mayFallUnder({ text, isWhole }: KnownText, declared: string): boolean {
  return coversAccount([declared], text) || (!isWhole && declared.startsWith(text));
}
