// A contract after the check: every name resolved, every expression typed and priced. Types only; what compile-contract compiles.

import type { Name } from "./document.ts";
import type { Offset } from "./finding.ts";
import type { IndexShape, TableShape } from "./scope.ts";
import { CONTRACT_ROLE_PREFIX } from "./system.ts";
import type { LabelledReference, Typed } from "./typed.ts";
import type { Column, Type } from "./types.ts";
import type { Migration } from "./upgrade.ts";
import type { Usage } from "./usage.ts";

/** Text for people: plain parts, and references by label. */
export type CheckedTemplate = readonly (string | { readonly label: string; readonly type: Type })[];

export interface CheckedCondition {
  readonly at: Offset;
  readonly text: string;
  readonly typed: Typed;
  /** what the condition compares and the sentence mentions */
  readonly references: readonly LabelledReference[];
  readonly zh: CheckedTemplate | undefined;
  readonly en: CheckedTemplate | undefined;
}

export interface CheckedFlow {
  readonly column: number;
  readonly initial: readonly string[];
  readonly moves: ReadonlyMap<string, readonly string[]>;
}

export interface CheckedTable extends TableShape {
  readonly at: Offset;
  readonly always: readonly CheckedCondition[];
  /** slots of the frame in which `always` is evaluated */
  readonly alwaysSlots: number;
  readonly flows: readonly CheckedFlow[];
  /** bound of the units that checking one row can cost */
  readonly rowUnitsMax: number;
}

export interface CheckedRead {
  readonly alias: string;
  /** the table as the contract that owns it keeps it */
  readonly table: TableShape;
  readonly isOptional: boolean;
  /** of a row, or the values of a group of an index */
  readonly key: readonly Typed[];
  readonly scan: CheckedScan | undefined;
}

/** All rows of a group, as a list in a slot of the frame. */
export interface CheckedScan {
  readonly index: IndexShape;
  readonly max: number;
  readonly slot: number;
  /** where the table has each column that expressions see; undefined: in the same place */
  readonly positions: readonly number[] | undefined;
}

/** `typed` goes into column `column`. */
export interface CheckedAssignment {
  readonly column: number;
  readonly typed: Typed;
}

export interface CheckedArgument {
  readonly name: string;
  readonly type: Type;
  readonly typed: Typed;
}

export type CheckedStatement = { readonly at: Offset; readonly when: Typed | undefined; readonly unitsMax: number } & (
  | { readonly kind: "insert"; readonly table: CheckedTable; readonly assignments: readonly CheckedAssignment[] }
  | {
      readonly kind: "update";
      readonly table: CheckedTable;
      readonly read: number;
      readonly assignments: readonly CheckedAssignment[];
    }
  | { readonly kind: "delete"; readonly table: CheckedTable; readonly read: number }
  | {
      readonly kind: "pay";
      readonly from: Typed;
      readonly to: Typed;
      readonly amount: Typed;
      /** of the contract: `from` must be one of them */
      readonly accounts: readonly string[];
    }
  | {
      readonly kind: "call";
      readonly contract: string;
      readonly action: string;
      readonly args: readonly CheckedArgument[];
      /** of the called action, with what it calls itself */
      readonly usageMax: Usage;
      readonly depth: number;
    }
  | { readonly kind: "emit"; readonly event: string; readonly fields: readonly CheckedArgument[] }
  | {
      readonly kind: "timer";
      readonly key: Typed;
      readonly time: Typed;
      readonly run: string;
      readonly args: readonly CheckedArgument[];
    }
  | { readonly kind: "cancel"; readonly key: Typed }
  | { readonly kind: "deploy"; readonly name: Typed; readonly source: Typed; readonly height: Typed | undefined }
  | { readonly kind: "withdraw"; readonly name: Typed }
);

export interface CheckedAction {
  readonly name: Name;
  readonly by: readonly string[];
  readonly params: readonly Column[];
  readonly reads: readonly CheckedRead[];
  readonly defines: readonly { readonly name: string; readonly typed: Typed }[];
  readonly requires: readonly CheckedCondition[];
  readonly statements: readonly CheckedStatement[];
  readonly slotCount: number;
  /** calls below it, at most: 0 for an action that calls nothing */
  readonly callDepth: number;
  /** bound of what one run can use; part by part: worst-case.ts */
  readonly usageMax: Usage;
}

export interface CheckedSetting {
  readonly name: string;
  readonly type: Type;
  readonly typeText: string;
  readonly value: number | bigint;
}

export interface CheckedContract {
  readonly name: string;
  readonly title: { readonly zh: string; readonly en: string | undefined };
  readonly imports: readonly string[];
  /** names or beginnings of the accounts that this contract alone may debit */
  readonly accounts: readonly string[];
  readonly settings: readonly CheckedSetting[];
  readonly migration: Migration;
  readonly tables: readonly CheckedTable[];
  readonly actions: readonly CheckedAction[];
}

/** How `by` of an action names a contract that may call it. */
export function callableBy(contract: string): string {
  return `${CONTRACT_ROLE_PREFIX}${contract}`;
}

/** Slots that every action's frame begins with; parameters follow. */
export const FIXED_SLOTS = {
  now: 0,
  callerId: 1,
  callerOrganisation: 2,
  callerRoles: 3,
  cosigners: 4,
  callerContract: 5,
} as const;
export const FIRST_PARAM_SLOT = 6;
