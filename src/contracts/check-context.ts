// What all checks of one document share: findings, the tables and settings by name, and small helpers over typed expressions.
// It reports; it never compiles.

import { checkExpression } from "./check-expression.ts";
import type { CallableAction } from "./check-import.ts";
import type { CheckedCondition, CheckedSetting, CheckedTable, CheckedTemplate } from "./checked.ts";
import type { ConditionDocument, Name, SourceExpression, Template } from "./document.ts";
import type { Findings, Offset } from "./finding.ts";
import { GAS } from "./gas.ts";
import type { Binding, Scope, TableShape } from "./scope.ts";
import { LEDGER_CONTRACT, systemTable, systemTableNames } from "./system.ts";
import { assignmentFault } from "./type-relations.ts";
import { type LabelledReference, referencesIn, type Typed } from "./typed.ts";
import {
  BOOL,
  type Column,
  type FieldLookup,
  holdsRows,
  ID,
  integerType,
  KNOWN_TYPES,
  parseType,
  type Type,
  UNKNOWN,
} from "./types.ts";

/** A table as expressions see it, and as the contract that owns it keeps it. */
export interface ImportedTable {
  readonly table: TableShape;
  readonly stored: TableShape;
  /** where `stored` has each column of `table`; undefined: in the same place */
  readonly positions: readonly number[] | undefined;
}

export class CheckContext {
  readonly contract: string;
  readonly findings: Findings;
  readonly tables = new Map<string, CheckedTable>();
  /** by `contract.table` */
  readonly imported = new Map<string, ImportedTable>();
  /** names or beginnings of the accounts that this contract may debit */
  readonly accounts: string[] = [];
  /** by `contract.action` */
  readonly importedActions = new Map<string, CallableAction>();
  readonly settings: CheckedSetting[] = [];
  readonly usedSettings = new Set<string>();
  /** imported tables that something named, as `contract.table` */
  readonly usedImports = new Set<string>();
  /** fields of an event by its name, from the first emit that was seen */
  readonly events = new Map<string, string>();

  constructor(contract: string, findings: Findings) {
    this.contract = contract;
    this.findings = findings;
  }

  /** `settings` as a name of expressions. */
  settingsBinding(): Binding {
    const members = this.settings.map(
      ({ name, type }, index) => [name, { kind: "setting", index, type, label: `settings.${name}` }] as const,
    );
    return { kind: "namespace", label: "settings", members: new Map<string, Binding>(members) };
  }

  expression(source: SourceExpression, scope: Scope): Typed {
    return checkExpression(source.expression, { scope, findings: this.findings, placeOf: source.placeOf });
  }

  /** An expression whose value is to be of a type. */
  expected(source: SourceExpression, scope: Scope, type: Type): Typed {
    const typed = this.expression(source, scope);
    const fault = assignmentFault(typed.type, type);
    if (fault !== undefined) this.findings.error(typed.at, fault.code, fault.message, fault.known);
    return typed;
  }

  condition(document: ConditionDocument, scope: Scope): CheckedCondition {
    const typed = this.expected(document.condition, scope, BOOL);
    const sentence = document.sentence;
    const zh = sentence && this.template(sentence.zh, scope);
    const en = sentence?.en && this.template(sentence.en, scope);
    const references = new Map<string, LabelledReference>();
    for (const reference of [...referencesIn(typed), ...(zh?.references ?? []), ...(en?.references ?? [])])
      references.set(reference.label, reference);
    return {
      at: document.at,
      text: document.condition.text,
      typed,
      references: [...references.values()],
      zh: zh?.template,
      en: en?.template,
    };
  }

  private template(
    template: Template,
    scope: Scope,
  ): { readonly template: CheckedTemplate; readonly references: readonly LabelledReference[] } {
    const references: LabelledReference[] = [];
    const parts = template.map((part) => {
      if (typeof part === "string") return part;
      const typed = this.expression(part, scope);
      if (holdsRows(typed.type))
        this.findings.error(part.at, "SENTENCE_REFERENCE", "a sentence shows values, not rows: name a field");
      // As the condition names it, however the sentence spaces it.
      const label = ("label" in typed ? typed.label : undefined) ?? part.text;
      references.push({ label, typed });
      return { label, type: typed.type };
    });
    return { template: parts, references };
  }

  /** The type written at a place, or unknown with a finding. */
  type(text: Name, lookup: FieldLookup = (path) => this.fieldType(path)): Type {
    const reading = parseType(text.text, lookup);
    if (reading.ok) return reading.type;
    this.findings.error(
      text.at,
      reading.code,
      reading.message,
      reading.code === "TYPE_UNKNOWN" ? [...KNOWN_TYPES, ...this.tables.keys()] : undefined,
    );
    return UNKNOWN;
  }

  private fieldType(path: readonly string[]): Type | undefined {
    const table = this.lookupTable(path.length === 3 ? path[0] : undefined, path[path.length - 2] ?? "");
    return path.length > 3 ? undefined : table?.table.columns.find(({ name }) => name === path[path.length - 1])?.type;
  }

  lookupTable(contract: string | undefined, table: string): ImportedTable | undefined {
    if (contract === undefined || contract === this.contract) {
      const own = this.tables.get(table);
      return own && { table: own, stored: own, positions: undefined };
    }
    if (contract === LEDGER_CONTRACT) return ledgerTable(table);
    this.usedImports.add(`${contract}.${table}`);
    return this.imported.get(`${contract}.${table}`);
  }

  tableNames(): readonly string[] {
    return [
      ...this.tables.keys(),
      ...this.imported.keys(),
      ...systemTableNames(LEDGER_CONTRACT).map((name) => `${LEDGER_CONTRACT}.${name}`),
    ];
  }

  /** Reports names that appear twice. */
  distinct(names: readonly Name[], what: string): void {
    const seen = new Set<string>();
    for (const { text, at } of names) {
      if (seen.has(text)) this.findings.error(at, "NAME_TWICE", `${what} has two parts called ${text}`);
      seen.add(text);
    }
  }

  atMost(count: number, max: number, { at, what }: { readonly at: Offset; readonly what: string }): void {
    if (count > max) this.findings.error(at, "TOO_MANY", `${what}: at most ${max}`);
  }
}

/** Evaluated, and when it does not hold, the values that are shown. */
export function conditionUnits({ typed, references }: CheckedCondition): number {
  return typed.worst + GAS.statement + references.length * GAS.node;
}

/** The tables of the host as shapes, by contract and table. */
export function systemShape(contract: string, table: string): TableShape | undefined {
  const declared = systemTable(contract, table);
  if (declared === undefined) return undefined;
  const columns = [...Object.entries(declared.key), ...Object.entries(declared.fields)].map(
    ([name, typeText]): Column => {
      const reading = parseType(typeText, () => undefined);
      const type = reading.ok ? reading.type : UNKNOWN;
      // What accounts outside owe is money below zero, which no declared type says.
      const isFen = contract === LEDGER_CONTRACT && name === "fen" && type.kind === "int";
      return { name, type: isFen ? { ...type, name: "money" } : type, typeText, defaultValue: undefined };
    },
  );
  return { contract, name: table, columns, keyLength: Object.keys(declared.key).length, indexes: [] };
}

function ledgerTable(name: string): ImportedTable | undefined {
  const table = systemShape(LEDGER_CONTRACT, name);
  return table && { table, stored: table, positions: undefined };
}

/** Ids of the signers after the first. */
export const COSIGNERS: Type = { kind: "list", item: ID, lengthMax: 7 };
/** Roles of an account. */
export const ROLES: Type = {
  kind: "list",
  item: { kind: "text", bytesMax: 64, isId: false, values: undefined },
  lengthMax: 8,
};
export const EVENT_BYTES_MAX = 16_384;
export const NON_NEGATIVE = integerType(0n, BigInt(Number.MAX_SAFE_INTEGER), "money");
/** Of a block. */
export const HEIGHT = integerType(0n, BigInt(Number.MAX_SAFE_INTEGER), "count");
export const ACCOUNT_NAME: Type = { kind: "text", bytesMax: 128, isId: false, values: undefined };
export const TIMER_KEY: Type = { kind: "text", bytesMax: 128, isId: false, values: undefined };
