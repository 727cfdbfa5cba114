// What one run of an action can use at most, part by part, from the declared bounds alone.
// Every charge of a run has its bound here or in `unitsMax` of its statement; nothing here runs or charges.

import { unreachable } from "../assert.ts";
import { conditionUnits } from "./check-context.ts";
import type { CheckedAction, CheckedAssignment, CheckedRead, CheckedStatement } from "./checked.ts";
import type { Offset } from "./finding.ts";
import { byteUnits, GAS } from "./gas.ts";
import { indexUsageMax, scanUsageMax } from "./index-rows.ts";
import type { TableShape } from "./scope.ts";
import { keyBytesMax } from "./state-keys.ts";
import { SETTINGS_OF_CONTRACT_MAX } from "./system.ts";
import { CATALOGUE, CONTRACTS, MONEY, SETTINGS, SOURCES, TIMERS, VERSIONS } from "./system-layouts.ts";
import { type Column, sizeMax } from "./types.ts";
import { addUsage, NO_USAGE, type Usage, usage } from "./usage.ts";

/** One part of an action as its author wrote it: `params`, `read.m`, `define.quorum`, `require[0]`, `do[2] insert motion`. */
export interface WorstCasePart {
  readonly part: string;
  /** undefined: the run itself */
  readonly at: Offset | undefined;
  readonly usage: Usage;
}

export interface WorstCase {
  /** bound of every dimension; the signers of a transaction cost GAS.signer each beside it */
  readonly total: Usage;
  /** in the order of a run; they add up to the total */
  readonly parts: readonly WorstCasePart[];
  /** what is held against ACTION_GAS_MAX: compiling a source depends on nothing that the action could bound better */
  readonly cappedUnits: number;
}

export function worstCaseOf(action: Omit<CheckedAction, "usageMax">): WorstCase {
  const parts: readonly WorstCasePart[] = [
    { part: "call", at: undefined, usage: usage({ units: GAS.call }) },
    ...action.params.map((column) => ({
      part: `params.${column.name}`,
      at: undefined,
      usage: usage({ units: argumentUnitsMax(column) }),
    })),
    ...action.reads.map((read) => ({ part: `read.${read.alias}`, at: undefined, usage: readUsage(read) })),
    ...action.defines.map(({ name, typed }) => ({
      part: `define.${name}`,
      at: typed.at,
      usage: usage({ units: typed.worst }),
    })),
    ...action.requires.map((condition, index) => ({
      part: `require[${index}]`,
      at: condition.at,
      usage: usage({ units: conditionUnits(condition) }),
    })),
    ...action.statements.map((statement, index) => ({
      part: `do[${index}] ${statementName(statement)}`,
      at: statement.at,
      usage: statementUsage(statement),
    })),
  ];
  const total = parts.reduce((sum, part) => addUsage(sum, part.usage), NO_USAGE);
  const deployed = action.statements.reduce((units, one) => (one.kind === "deploy" ? units + one.unitsMax : units), 0);
  return { total, parts, cappedUnits: total.units - deployed };
}

/** Units of handing over one argument; a longer one than declared costs no more before it is refused. */
export function argumentUnitsMax({ type }: Column): number {
  return byteUnits(sizeMax(type));
}

/** Bytes of the value of a row, and a little more: what is not in the key, as it is encoded. */
export function rowBytesMax({ columns }: TableShape): number {
  return columns.reduce((bytes, { type }) => bytes + sizeMax(type), 5);
}

function readUsage({ key, table, scan }: CheckedRead): Usage {
  const bytesRead = rowBytesMax(table);
  const keyUnits = key.reduce((total, { worst }) => total + worst, 0);
  if (scan !== undefined) return addUsage(usage({ units: keyUnits }), scanUsageMax(table, scan.max, bytesRead));
  const units = GAS.read + keyUnits + byteUnits(bytesRead);
  return usage({ units, reads: 1, bytesRead });
}

function statementName(statement: CheckedStatement): string {
  switch (statement.kind) {
    case "insert":
    case "update":
    case "delete":
      return `${statement.kind} ${statement.table.name}`;
    case "emit":
      return `emit ${statement.event}`;
    case "timer":
      return `timer ${statement.run}`;
    case "call":
      return `call ${statement.contract}.${statement.action}`;
    case "pay":
    case "cancel":
    case "deploy":
    case "withdraw":
      return statement.kind;
    default:
      return unreachable(statement);
  }
}

function statementUsage(statement: CheckedStatement): Usage {
  const units = GAS.statement + (statement.when?.worst ?? 0) + statement.unitsMax;
  return { ...touched(statement), units };
}

/** Rows, bytes and events of a statement. */
function touched(statement: CheckedStatement): Usage {
  switch (statement.kind) {
    case "insert":
      return [look(statement.table), write(statement.table), indexUsage(statement)].reduce(addUsage);
    case "update":
      return addUsage(write(statement.table), indexUsage(statement));
    case "delete":
      return addUsage(usage({ writes: 1, bytesWritten: keyBytesMax(statement.table) }), indexUsage(statement));
    case "pay":
      return addUsage(addUsage(look(MONEY), look(MONEY)), addUsage(write(MONEY), write(MONEY)));
    case "call":
      return statement.usageMax;
    case "emit":
      return usage({
        events: 1,
        eventBytes: statement.fields.reduce((bytes, { type }) => bytes + sizeMax(type), 0),
      });
    case "timer":
      return write(TIMERS);
    case "cancel":
      return addUsage(look(TIMERS), usage({ writes: 1, bytesWritten: keyBytesMax(TIMERS) }));
    case "deploy":
      return [write(SOURCES), write(CONTRACTS), write(VERSIONS), write(CATALOGUE), SETTINGS_BEGIN].reduce(addUsage);
    case "withdraw":
      return [write(CONTRACTS), write(VERSIONS), write(CATALOGUE)].reduce(addUsage);
    default:
      return unreachable(statement);
  }
}

/** What the indexes of a row cost when the statement changes it. */
export function indexUsage(
  statement: Pick<Extract<CheckedStatement, { kind: "insert" | "update" | "delete" }>, "kind" | "table"> & {
    readonly assignments?: readonly CheckedAssignment[];
  },
): Usage {
  const columns = statement.kind === "update" ? statement.assignments?.map(({ column }) => column) : undefined;
  return indexUsageMax(statement.table, statement.kind, columns);
}

/** Units of `deploy` beside those of the source: rows of code, version, contract, catalogue, and settings that begin anew. */
export const DEPLOY_ROWS_UNITS = (4 + SETTINGS_OF_CONTRACT_MAX) * (GAS.read + GAS.write);
/** Units of `withdraw`: rows of version, contract and catalogue. */
export const WITHDRAW_ROWS_UNITS = 3 * (GAS.read + GAS.write);

/** Overrides of settings that a version begins anew. */
const SETTINGS_BEGIN = usage({
  writes: SETTINGS_OF_CONTRACT_MAX,
  bytesWritten: SETTINGS_OF_CONTRACT_MAX * keyBytesMax(SETTINGS),
});

function look(table: TableShape): Usage {
  return usage({ reads: 1, bytesRead: rowBytesMax(table) });
}

function write(table: TableShape): Usage {
  return usage({ writes: 1, bytesWritten: keyBytesMax(table) + rowBytesMax(table) });
}
