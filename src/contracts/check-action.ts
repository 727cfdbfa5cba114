// Checks one action: roles, parameters, reads, definitions, conditions and statements, and adds up its worst case.
// Statements are in check-statement.ts.

import { type CheckContext, COSIGNERS, ROLES } from "./check-context.ts";
import { checkRead } from "./check-read.ts";
import { checkStatement, type RowTarget } from "./check-statement.ts";
import { checkColumn } from "./check-table.ts";
import { type CheckedAction, type CheckedStatement, FIXED_SLOTS } from "./checked.ts";
import type { ActionDocument, Name } from "./document.ts";
import { ACTION_GAS_MAX } from "./gas.ts";
import { type Binding, Scope, SlotCounter } from "./scope.ts";
import { CONTRACT_ROLE_PREFIX } from "./system.ts";
import { type Column, ID, TIME } from "./types.ts";
import { LIMITED, TRANSACTION_LIMITS } from "./usage.ts";
import { type WorstCase, worstCaseOf } from "./worst-case.ts";

/** Contracts below one action, each called by the one before. */
export const CALL_DEPTH_MAX = 4;
const CONTRACT_NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;
const LIMITS_OF_ACTION = { params: 64, reads: 32, defines: 64, requires: 64, statements: 64, roles: 16 } as const;

/** What timers need to know about the actions they run. */
export interface ActionSignature {
  readonly by: readonly string[];
  readonly params: readonly Column[];
}

export function checkSignature(document: ActionDocument, context: CheckContext): ActionSignature {
  const { name, by } = document;
  if (by.length === 0) context.findings.error(name.at, "ROLE_MISSING", `action ${name.text} needs by: who may do it`);
  context.distinct(by, `by of ${name.text}`);
  for (const role of by) reportContractRole(role, context);
  context.distinct(
    document.params.map((param) => param.name),
    `params of ${name.text}`,
  );
  return {
    by: by.map(({ text }) => text),
    params: document.params.map((param) => checkColumn(param, context, { defaults: false })),
  };
}

function reportContractRole({ text, at }: Name, context: CheckContext): void {
  if (!text.startsWith(CONTRACT_ROLE_PREFIX)) return;
  const name = text.slice(CONTRACT_ROLE_PREFIX.length);
  if (!CONTRACT_NAME.test(name) || name === context.contract)
    context.findings.error(at, "ROLE_CONTRACT", "write contract: and the name of another contract that may call this");
}

export function checkAction(
  document: ActionDocument,
  context: CheckContext,
  signatures: ReadonlyMap<string, ActionSignature>,
): CheckedAction {
  const { name } = document;
  const errorsBefore = context.findings.errorCount;
  checkCounts(document, context);
  const slots = new SlotCounter();
  const scope = new Scope({ slots, used: new Set() }, []);
  addFixedNames(scope);
  const { by, params } = signatures.get(name.text) ?? { by: [], params: [] };
  const paramBindings = params.map(
    ({ name: param, type }) => [param, { kind: "value", slot: slots.take(), type, label: `p.${param}` }] as const,
  );
  scope.add("p", { kind: "namespace", label: "p", members: new Map<string, Binding>(paramBindings) });
  scope.add("settings", context.settingsBinding());
  const rows = new Map<string, RowTarget>();
  const reads = document.reads.flatMap((read, index) => checkRead(read, index, { scope, context, rows }));
  const defines = checkDefines(document, scope, context);
  const requires = document.requires.map((condition) => context.condition(condition, scope));
  const statements = document.statements.flatMap((statement) =>
    checkStatement(statement, { context, scope, rows, signatures }),
  );
  for (const label of scope.used) if (label.startsWith("settings.")) context.usedSettings.add(label);
  // What stands in a broken part was perhaps used.
  if (context.findings.errorCount === errorsBefore) reportUnused(document, scope, context);
  const action = {
    name,
    by,
    params,
    reads,
    defines,
    requires,
    statements,
    slotCount: slots.count,
    callDepth: callDepthOf(document, statements, context),
  };
  const worst = worstCaseOf(action);
  reportCost(action.name, worst, context);
  return { ...action, usageMax: worst.total };
}

/** Calls below the action; more than CALL_DEPTH_MAX are refused. */
function callDepthOf(
  { name }: ActionDocument,
  statements: readonly CheckedStatement[],
  { findings }: CheckContext,
): number {
  const depth = Math.max(0, ...statements.map((statement) => (statement.kind === "call" ? statement.depth : 0)));
  if (depth > CALL_DEPTH_MAX)
    findings.error(name.at, "CALL_TOO_DEEP", `calls go ${depth} contracts deep, ${CALL_DEPTH_MAX} are allowed`);
  return depth;
}

/** Steps are bounded at deployment; of what else a transaction may use, a run can still stay below its bound. */
function reportCost({ at, text }: Name, { total, parts, cappedUnits }: WorstCase, { findings }: CheckContext): void {
  if (cappedUnits > ACTION_GAS_MAX) {
    const largest = parts.reduce((most, part) => (part.usage.units > most.usage.units ? part : most));
    findings.error(
      at,
      "GAS_TOO_HIGH",
      `action ${text} can cost ${cappedUnits} units, ${ACTION_GAS_MAX} are allowed, most of them in ${largest.part}: use smaller bounds of texts and lists`,
    );
  }
  for (const dimension of LIMITED) {
    const allowed = TRANSACTION_LIMITS[dimension];
    if (total[dimension] > allowed)
      findings.warning(
        at,
        "USAGE_TOO_HIGH",
        `action ${text} can need ${dimension} ${total[dimension]}, a transaction has ${allowed}: larger runs will be refused`,
      );
  }
}

function checkCounts(document: ActionDocument, context: CheckContext): void {
  const { at, text } = document.name;
  const counts = [
    [document.params.length, LIMITS_OF_ACTION.params, "params"],
    [document.reads.length, LIMITS_OF_ACTION.reads, "reads"],
    [document.defines.length, LIMITS_OF_ACTION.defines, "definitions"],
    [document.requires.length, LIMITS_OF_ACTION.requires, "conditions"],
    [document.statements.length, LIMITS_OF_ACTION.statements, "statements"],
    [document.by.length, LIMITS_OF_ACTION.roles, "roles"],
  ] as const;
  for (const [count, max, what] of counts) context.atMost(count, max, { at, what: `${what} of ${text}` });
  context.distinct(
    [...document.reads.map(({ alias }) => alias), ...document.defines.map(({ name }) => name)],
    `read and define of ${text}`,
  );
}

function addFixedNames(scope: Scope): void {
  // In the order of FIXED_SLOTS.
  const slots = Object.values(FIXED_SLOTS).map(() => scope.slots.take());
  const value = (slot: number, type: Column["type"], label: string): Binding => ({
    kind: "value",
    slot: slots[slot] ?? slot,
    type,
    label,
  });
  scope.add("now", value(FIXED_SLOTS.now, TIME, "now"));
  scope.add("cosigners", value(FIXED_SLOTS.cosigners, COSIGNERS, "cosigners"));
  const caller = new Map<string, Binding>([
    ["id", value(FIXED_SLOTS.callerId, ID, "caller.id")],
    ["org", value(FIXED_SLOTS.callerOrganisation, ID, "caller.org")],
    ["roles", value(FIXED_SLOTS.callerRoles, ROLES, "caller.roles")],
    ["contract", value(FIXED_SLOTS.callerContract, ID, "caller.contract")],
  ]);
  scope.add("caller", { kind: "namespace", label: "caller", members: caller });
}

/** Each definition may use those above it. */
function checkDefines(document: ActionDocument, scope: Scope, context: CheckContext): CheckedAction["defines"] {
  return document.defines.map(({ name, value }) => {
    const body = context.expression(value, scope);
    if (body.type.kind === "row" || body.type.kind === "null")
      context.findings.error(body.at, "TYPE_MISMATCH", "define names a value, not a row");
    scope.add(name.text, { kind: "define", slot: scope.slots.take(), body, label: name.text });
    return { name: name.text, typed: body };
  });
}

function reportUnused(document: ActionDocument, scope: Scope, context: CheckContext): void {
  const { findings } = context;
  const updated = new Set(
    document.statements.flatMap((statement) =>
      statement.kind === "update" || statement.kind === "delete" ? [statement.row.text] : [],
    ),
  );
  for (const { name } of document.params) {
    if (!scope.used.has(`p.${name.text}`))
      findings.warning(name.at, "UNUSED", `the parameter ${name.text} is never used`);
  }
  for (const { alias } of document.reads) {
    if (!scope.used.has(alias.text) && !updated.has(alias.text))
      findings.warning(alias.at, "UNUSED", `the row ${alias.text} is read and never used`);
  }
  for (const { name } of document.defines) {
    if (!scope.used.has(name.text)) findings.warning(name.at, "UNUSED", `the definition ${name.text} is never used`);
  }
}
