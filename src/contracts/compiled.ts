// A contract ready to run: tables with their layouts, actions as closures, rules with the sentences for people. Types only.

import type { Value } from "../ledger/codec.ts";
import type { Hash } from "../ledger/hash.ts";
import type { ActionRun } from "./action-run.ts";
import type { CheckedScan, CheckedSetting, CheckedTemplate } from "./checked.ts";
import type { Evaluate } from "./frame.ts";
import type { Refusal } from "./refusal.ts";
import type { IndexLayout, RowLayout } from "./row-layout.ts";
import type { Column } from "./types.ts";
import type { Migration } from "./upgrade.ts";
import type { Usage } from "./usage.ts";

/** One reference that a refusal shows. */
export interface CompiledReference {
  readonly label: string;
  readonly evaluate: Evaluate;
}

export interface CompiledCondition {
  readonly ruleId: string;
  readonly evaluate: Evaluate;
  readonly references: readonly CompiledReference[];
}

export interface CompiledFlow {
  readonly ruleId: string;
  readonly column: number;
  readonly initial: ReadonlySet<string>;
  readonly moves: ReadonlyMap<string, ReadonlySet<string>>;
}

export interface CompiledTable {
  readonly layout: RowLayout;
  /** `contract.table`, with which the rule ids of its columns begin */
  readonly ruleId: string;
  readonly memberships: readonly ((value: Value) => boolean)[];
  readonly always: readonly CompiledCondition[];
  readonly alwaysSlots: number;
  readonly flows: readonly CompiledFlow[];
  /** by column */
  readonly flowOf: readonly (CompiledFlow | undefined)[];
}

export interface CompiledScan extends CheckedScan {
  readonly index: IndexLayout;
}

export interface CompiledRead {
  readonly ruleId: string;
  readonly layout: RowLayout;
  readonly isOptional: boolean;
  readonly scan: CompiledScan | undefined;
  readonly key: readonly { readonly evaluate: Evaluate; readonly isMember: (value: Value) => boolean }[];
}

export type CompiledStatement = (run: ActionRun) => Refusal | undefined;

export interface CompiledParam {
  readonly name: string;
  readonly slot: number;
  readonly isMember: (value: Value) => boolean;
  /** what handing it over costs at most, also when it is refused */
  readonly unitsMax: number;
}

export interface CompiledAction {
  readonly contract: string;
  readonly name: string;
  /** `contract.action` */
  readonly ruleId: string;
  readonly by: ReadonlySet<string>;
  /** as declared */
  readonly columns: readonly Column[];
  /** in the order of names, as arguments travel */
  readonly params: readonly CompiledParam[];
  readonly reads: readonly CompiledRead[];
  readonly requires: readonly CompiledCondition[];
  readonly statements: readonly CompiledStatement[];
  readonly slotCount: number;
  /** calls below it, at most */
  readonly callDepth: number;
  /** bound of what one run can use */
  readonly usageMax: Usage;
}

/** What people are told about a rule: its sentence, its condition and where it stands. */
export interface RuleText {
  readonly line: number;
  readonly condition: string;
  readonly zh: CheckedTemplate | undefined;
  readonly en: CheckedTemplate | undefined;
  /** labels of what it compares that are times, to show them as such */
  readonly times: ReadonlySet<string>;
  /** the type of each label, as people write it */
  readonly types: ReadonlyMap<string, string>;
}

export interface CompiledContract {
  readonly name: string;
  readonly title: { readonly zh: string; readonly en: string | undefined };
  readonly source: string;
  /** H(DOCUMENT, utf8 source) */
  readonly sourceHash: Hash;
  readonly imports: readonly string[];
  readonly accounts: readonly string[];
  readonly settings: readonly CheckedSetting[];
  readonly migration: Migration;
  readonly tables: ReadonlyMap<string, CompiledTable>;
  readonly actions: ReadonlyMap<string, CompiledAction>;
  /** by rule id */
  readonly rules: ReadonlyMap<string, RuleText>;
}
