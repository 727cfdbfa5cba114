// A contract as its author wrote it: names with their places, expressions parsed, types still text. Types only.

import type { Expression, RowReference } from "./expression.ts";
import type { Offset } from "./finding.ts";

export interface Name {
  readonly text: string;
  readonly at: Offset;
}

export interface SourceExpression {
  readonly text: string;
  readonly at: Offset;
  readonly expression: Expression;
  /** from an offset into the text to one into the document */
  readonly placeOf: (offset: Offset) => Offset;
}

/** Text for people, with references whose values are put in: "报价 {p.price} 分". */
export type Template = readonly (string | SourceExpression)[];

export interface Sentence {
  readonly zh: Template;
  readonly en: Template | undefined;
}

/** Plain text for people, in both languages or in Chinese alone. Never read by what executes. */
export interface Label {
  readonly zh: string;
  readonly en: string | undefined;
}

/** How people call a name of the contract: `motion`, `motion.state`, `committee`, `passed`. */
export interface WordDocument {
  readonly name: Name;
  readonly label: Label;
}

export interface ColumnDocument {
  readonly name: Name;
  readonly type: Name;
  readonly default: SourceExpression | undefined;
}

export interface ConditionDocument {
  readonly at: Offset;
  readonly condition: SourceExpression;
  readonly sentence: Sentence | undefined;
}

export interface FlowDocument {
  /** undefined: the one enum that has all these states */
  readonly field: Name | undefined;
  readonly at: Offset;
  readonly moves: readonly { readonly from: Name; readonly to: readonly Name[] }[];
}

export interface TableDocument {
  readonly name: Name;
  readonly title: Label | undefined;
  readonly key: readonly ColumnDocument[];
  readonly fields: readonly ColumnDocument[];
  readonly always: readonly ConditionDocument[];
  readonly flows: readonly FlowDocument[];
  readonly indexes: readonly IndexDocument[];
}

export interface ImportDocument {
  readonly contract: Name;
  readonly table: Name;
  /** names, with or without their types: those of the imported contract count */
  readonly key: readonly { readonly name: Name; readonly type: Name | undefined }[];
  readonly fields: readonly ColumnDocument[];
  readonly indexes: readonly IndexDocument[];
}

export interface ImportedActionDocument {
  readonly contract: Name;
  readonly action: Name;
  readonly params: readonly ColumnDocument[];
}

export interface SettingDocument {
  readonly name: Name;
  readonly type: Name | undefined;
  readonly value: bigint;
  readonly title: Label | undefined;
  readonly unit: Label | undefined;
  /** what of the law or of the rule pack says so */
  readonly law: Label | undefined;
}

export interface IndexDocument {
  readonly name: Name;
  readonly columns: readonly Name[];
}

/** One row by its key, or with `scan` all rows of a group of an index. */
export interface ReadDocument {
  readonly alias: Name;
  readonly isOptional: boolean;
  readonly reference: RowReference;
  readonly scan: { readonly index: string; readonly max: bigint; readonly at: Offset } | undefined;
  readonly placeOf: (offset: Offset) => Offset;
}

export type Assignments = readonly { readonly name: Name; readonly value: SourceExpression }[];

export type StatementDocument = { readonly at: Offset; readonly when: SourceExpression | undefined } & (
  | { readonly kind: "insert"; readonly table: Name; readonly row: Assignments }
  | { readonly kind: "update"; readonly row: Name; readonly set: Assignments }
  | { readonly kind: "delete"; readonly row: Name }
  | {
      readonly kind: "pay";
      readonly from: SourceExpression;
      readonly to: SourceExpression;
      readonly amount: SourceExpression;
    }
  /** `action` is written `contract.action` */
  | { readonly kind: "call"; readonly action: Name; readonly args: Assignments }
  | { readonly kind: "emit"; readonly event: Name; readonly fields: Assignments }
  | {
      readonly kind: "timer";
      readonly key: SourceExpression;
      readonly time: SourceExpression;
      readonly run: Name;
      readonly args: Assignments;
    }
  | { readonly kind: "cancel"; readonly key: SourceExpression }
  | {
      readonly kind: "deploy";
      readonly name: SourceExpression;
      readonly source: SourceExpression;
      /** from which the version is in force; undefined, or 0: the next block */
      readonly height: SourceExpression | undefined;
    }
  | { readonly kind: "withdraw"; readonly name: SourceExpression }
);

export interface ActionDocument {
  readonly name: Name;
  readonly title: Label | undefined;
  readonly law: Label | undefined;
  readonly by: readonly Name[];
  readonly params: readonly ColumnDocument[];
  readonly reads: readonly ReadDocument[];
  readonly defines: readonly { readonly name: Name; readonly value: SourceExpression }[];
  readonly requires: readonly ConditionDocument[];
  readonly statements: readonly StatementDocument[];
}

/** What this version changes of the one before. */
export interface MigrationDocument {
  readonly renames: readonly { readonly table: Name; readonly from: Name; readonly to: Name }[];
  readonly drops: readonly { readonly table: Name; readonly field: Name }[];
  readonly settings: readonly Name[];
}

export interface ContractDocument {
  readonly name: Name;
  readonly title: Sentence;
  readonly law: Label | undefined;
  readonly words: readonly WordDocument[];
  readonly imports: readonly ImportDocument[];
  /** actions of other contracts that `call` may name */
  readonly importedActions: readonly ImportedActionDocument[];
  /** names of accounts, or beginnings ending in ":", that this contract alone may debit */
  readonly accounts: readonly Name[];
  readonly settings: readonly SettingDocument[];
  readonly tables: readonly TableDocument[];
  readonly actions: readonly ActionDocument[];
  readonly migration: MigrationDocument;
}
