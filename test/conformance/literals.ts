// Turns the literals of an expression into parameters of the widest type: the same case, with no value known to the checker.
// What the ranges of literals prove, and the closures that need no check then, is so tested beside what they do not prove.

import type { Expression } from "../../src/contracts/expression.ts";
import { BOOL, INT64_MAX, INT64_MIN, type Type } from "../../src/contracts/types.ts";
import type { Value } from "../../src/ledger/codec.ts";
import type { Variable } from "./cases.ts";
import { BYTES, INT, TEXT } from "./foreign-types.ts";

/** The literals stand as variables after those of the case. */
export function literalsAsVariables(subject: { readonly tree: Expression; readonly variables: readonly Variable[] }): {
  readonly tree: Expression;
  readonly variables: readonly Variable[];
} {
  const variables = [...subject.variables];
  const replaced = (expression: Expression): Expression => {
    const literal = literalOf(expression);
    if (literal === undefined) return withParts(expression, replaced);
    // No name of an expression holds a blank.
    const name = `literal ${variables.length}`;
    variables.push({ name, ...literal });
    const { at, end, depth } = expression;
    return { kind: "name", name, at, end, depth };
  };
  return { tree: replaced(subject.tree), variables };
}

function literalOf(expression: Expression): { readonly type: Type; readonly value: Value } | undefined {
  switch (expression.kind) {
    case "bool":
      return { type: BOOL, value: expression.value };
    case "int": {
      const { value } = expression;
      // A number that is none stays where its finding belongs.
      if (value < INT64_MIN || value > INT64_MAX) return undefined;
      return { type: INT, value: Number.isSafeInteger(Number(value)) ? Number(value) : value };
    }
    case "text":
      return { type: TEXT, value: expression.value };
    case "bytes":
      return { type: BYTES, value: expression.value };
    default:
      return undefined;
  }
}

function withParts(expression: Expression, change: (part: Expression) => Expression): Expression {
  switch (expression.kind) {
    case "list":
      return { ...expression, items: expression.items.map(change) };
    case "select":
    case "has":
    case "not":
    case "negate":
      return { ...expression, operand: change(expression.operand) };
    case "index":
      return { ...expression, operand: change(expression.operand), index: change(expression.index) };
    case "call":
      return { ...expression, args: expression.args.map(change) };
    case "binary":
      return { ...expression, left: change(expression.left), right: change(expression.right) };
    case "conditional": {
      const { condition, whenTrue, whenFalse } = expression;
      return { ...expression, condition: change(condition), whenTrue: change(whenTrue), whenFalse: change(whenFalse) };
    }
    case "macro": {
      const { range, filter, body } = expression;
      return { ...expression, range: change(range), filter: filter && change(filter), body: change(body) };
    }
    default:
      return expression;
  }
}
