// Expressions after the check: names resolved to places in the frame, every node typed and priced.
// `cost` is paid on entry of the segment a node belongs to, `worst` bounds everything evaluating it can cost.

import type { Value } from "../ledger/codec.ts";
import type { BinaryOperator, MacroName } from "./expression.ts";
import type { Offset } from "./finding.ts";
import type { BuiltIn } from "./functions.ts";
import type { Type } from "./types.ts";

export type ComparisonOperator = Extract<BinaryOperator, "==" | "!=" | "<" | "<=" | ">" | ">=">;
export type ArithmeticOperator = Extract<BinaryOperator, "+" | "-" | "*" | "/" | "%">;
/** How two values are compared: by identity (bool, int; text for equality), or by one of the orders. */
export type ComparisonClass = "plain" | "text" | "bytes" | "list";

export interface TypedFacts {
  readonly type: Type;
  /** units for this node and the parts that are always evaluated with it */
  readonly cost: number;
  /** bound of all units, conditional parts and rounds included */
  readonly worst: number;
  readonly depth: number;
  /** whether evaluating it may give an error value */
  readonly fallible: boolean;
  /** offset into the document */
  readonly at: Offset;
  readonly end: Offset;
}

export type Typed = TypedFacts &
  (
    | { readonly kind: "constant"; readonly value: Value }
    /** a parameter, a variable of a macro, now, caller.id, ...; `label` is how people wrote it */
    | { readonly kind: "slot"; readonly slot: number; readonly label: string | undefined }
    | { readonly kind: "setting"; readonly index: number; readonly label: string }
    | { readonly kind: "define"; readonly slot: number; readonly body: Typed; readonly label: string }
    | {
        readonly kind: "field";
        readonly row: number;
        readonly column: number;
        readonly isOptional: boolean;
        readonly label: string;
      }
    /** a field of a row of a list */
    | { readonly kind: "member"; readonly operand: Typed; readonly column: number }
    /** the row itself: exists only to be compared with null */
    | { readonly kind: "row"; readonly row: number; readonly label: string }
    | { readonly kind: "isAbsent"; readonly row: number; readonly negated: boolean; readonly label: string }
    | { readonly kind: "not" | "negate"; readonly operand: Typed }
    | { readonly kind: "and" | "or"; readonly left: Typed; readonly right: Typed }
    | {
        readonly kind: "compare";
        readonly operator: ComparisonOperator;
        readonly by: ComparisonClass;
        readonly left: Typed;
        readonly right: Typed;
      }
    | {
        readonly kind: "arithmetic";
        readonly operator: ArithmeticOperator;
        readonly left: Typed;
        readonly right: Typed;
      }
    | { readonly kind: "concat"; readonly of: "text" | "bytes" | "list"; readonly left: Typed; readonly right: Typed }
    | { readonly kind: "in"; readonly item: Typed; readonly list: Typed; readonly unitsEach: number }
    | { readonly kind: "index"; readonly list: Typed; readonly index: Typed }
    | { readonly kind: "conditional"; readonly condition: Typed; readonly whenTrue: Typed; readonly whenFalse: Typed }
    | { readonly kind: "list"; readonly items: readonly Typed[] }
    | {
        readonly kind: "macro";
        readonly macro: MacroName;
        readonly range: Typed;
        readonly slot: number;
        readonly filter: Typed | undefined;
        readonly body: Typed;
      }
    | { readonly kind: "call"; readonly builtIn: BuiltIn; readonly args: readonly Typed[] }
  );

/** A reference that a condition compares, as people wrote it. */
export interface LabelledReference {
  readonly label: string;
  readonly typed: Typed;
}

/** The distinct references inside, in order of appearance; variables of macros are left out. */
export function referencesIn(typed: Typed): readonly LabelledReference[] {
  const found = new Map<string, Typed>();
  const pending: Typed[] = [typed];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if ("label" in next && next.label !== undefined && !found.has(next.label)) found.set(next.label, next);
    if (next.kind !== "define") pending.push(...[...childrenOf(next)].reverse());
  }
  return [...found].map(([label, reference]) => ({ label, typed: reference }));
}

export function childrenOf(typed: Typed): readonly Typed[] {
  switch (typed.kind) {
    case "constant":
    case "slot":
    case "setting":
    case "field":
    case "row":
    case "isAbsent":
      return [];
    case "define":
      return [typed.body];
    case "not":
    case "negate":
    case "member":
      return [typed.operand];
    case "and":
    case "or":
    case "compare":
    case "arithmetic":
    case "concat":
      return [typed.left, typed.right];
    case "in":
      return [typed.item, typed.list];
    case "index":
      return [typed.list, typed.index];
    case "conditional":
      return [typed.condition, typed.whenTrue, typed.whenFalse];
    case "list":
      return typed.items;
    case "macro":
      return typed.filter === undefined ? [typed.range, typed.body] : [typed.range, typed.filter, typed.body];
    case "call":
      return typed.args;
  }
}
