// Checks the binary operators over two typed sides: comparisons, membership, arithmetic, joining.
// The sides are checked already; logic and control stand in check-expression.ts.

import type { Expression } from "./expression.ts";
import { byteUnits, GAS } from "./gas.ts";
import { arithmeticFacts } from "./intervals.ts";
import { joinTypes, unitsToCompare, valuesOutside } from "./type-relations.ts";
import type { ArithmeticOperator, ComparisonClass, ComparisonOperator, Typed } from "./typed.ts";
import type { TypedBuilder } from "./typed-builder.ts";
import {
  BOOL,
  holdsRows,
  LIST_LENGTH_MAX,
  sizeMax,
  TEXT_BYTES_MAX,
  type Type,
  textType,
  typeName,
  UNKNOWN,
} from "./types.ts";

export function compare(
  builder: TypedBuilder,
  expression: Expression,
  operator: ComparisonOperator,
  left: Typed,
  right: Typed,
): Typed {
  const isEquality = operator === "==" || operator === "!=";
  // Order is found letter by letter, equality by the block.
  const passes = left.type.kind === "text" && !isEquality ? 2 : 1;
  const own = GAS.node + passes * unitsToCompare(left.type, right.type);
  const shape = { type: BOOL, strict: [left, right], own };
  if (left.type.kind === "unknown" || right.type.kind === "unknown")
    return builder.node(expression, { kind: "compare", operator, by: "plain", left, right }, shape);
  const row = left.kind === "row" ? left : right.kind === "row" ? right : undefined;
  if (isEquality && row !== undefined && (left.type.kind === "null" || right.type.kind === "null"))
    return nullTest(builder, expression, operator === "!=", row);
  if (joinTypes(left.type, right.type) === undefined || holdsRows(left.type) || left.type.kind === "null") {
    return builder.broken(
      expression,
      "TYPE_MISMATCH",
      `${typeName(left.type)} ${operator} ${typeName(right.type)} cannot be compared`,
    );
  }
  checkLiteral(builder, left, right.type);
  checkLiteral(builder, right, left.type);
  if (!isEquality && left.type.kind === "list")
    return builder.broken(expression, "TYPE_MISMATCH", "lists have no order");
  return builder.node(
    expression,
    { kind: "compare", operator, by: comparisonClass(left.type, isEquality), left, right },
    shape,
  );
}

function nullTest(
  builder: TypedBuilder,
  expression: Expression,
  negated: boolean,
  row: Typed & { kind: "row" },
): Typed {
  if (row.type.kind === "row" && !row.type.isOptional) {
    return builder.broken(
      expression,
      "ALWAYS_PRESENT",
      `${row.label} is always present: read it as ${row.label}? if it may be absent`,
    );
  }
  return builder.node(expression, { kind: "isAbsent", row: row.row, negated, label: row.label }, { type: BOOL });
}

/** A literal compared with an enum must be one of its names. */
function checkLiteral(builder: TypedBuilder, typed: Typed, other: Type): void {
  if (other.kind !== "text" || other.values === undefined || typed.kind !== "constant") return;
  const foreign = valuesOutside(typed.type, other);
  if (foreign !== undefined)
    builder.findings.error(
      typed.at,
      "VALUE_UNKNOWN",
      `${JSON.stringify(foreign)} is not one of the possible values`,
      other.values,
    );
}

/** A field of a row of a list. */
export function memberOf(
  builder: TypedBuilder,
  expression: Expression & { readonly kind: "select" },
  operand: Typed,
  { table, columns }: Type & { readonly kind: "record" },
): Typed {
  const column = columns.findIndex(({ name }) => name === expression.field);
  const found = columns[column];
  if (found === undefined)
    return builder.broken(
      expression,
      "FIELD_UNKNOWN",
      `table ${table} has no field ${expression.field}`,
      columns.map(({ name }) => name),
    );
  return builder.node(expression, { kind: "member", operand, column }, { type: found.type, strict: [operand] });
}

export function membership(builder: TypedBuilder, expression: Expression, item: Typed, list: Typed): Typed {
  const itemType = list.type.kind === "list" ? list.type.item : UNKNOWN;
  if (list.type.kind !== "list" && list.type.kind !== "unknown")
    return builder.broken(expression, "TYPE_MISMATCH", `in needs a list, not ${typeName(list.type)}`);
  if (joinTypes(item.type, itemType) === undefined || holdsRows(item.type)) {
    return builder.broken(
      expression,
      "TYPE_MISMATCH",
      `${typeName(item.type)} cannot be in a list of ${typeName(itemType)}`,
    );
  }
  if (list.kind === "list") for (const literal of list.items) checkLiteral(builder, literal, item.type);
  checkLiteral(builder, item, itemType);
  const unitsEach = GAS.iteration + unitsToCompare(item.type, itemType);
  const extra = list.type.kind === "list" ? list.type.lengthMax * unitsEach : 0;
  return builder.node(expression, { kind: "in", item, list, unitsEach }, { type: BOOL, strict: [item, list], extra });
}

export function arithmetic(
  builder: TypedBuilder,
  expression: Expression,
  operator: ArithmeticOperator,
  left: Typed,
  right: Typed,
): Typed {
  if (left.type.kind === "int" && right.type.kind === "int") {
    if (isDivision(operator) && (left.type.name === "money" || right.type.name === "money"))
      return builder.broken(
        expression,
        "MONEY_DIVIDED",
        `${operator} loses what is left over of money: use mulDiv(amount, 1, n, "down") or split(amount, weights)`,
      );
    const facts = arithmeticFacts(operator, left.type, right.type);
    if (facts.isHopeless)
      builder.findings.warning(
        builder.placeOf(expression.at),
        "ALWAYS_FAILS",
        `${operator} fails here for all possible values`,
      );
    return builder.node(
      expression,
      { kind: "arithmetic", operator, left, right },
      { type: facts.type, strict: [left, right], own: arithmeticUnits(operator), fallible: facts.fallible },
    );
  }
  if (left.type.kind === "unknown" || right.type.kind === "unknown") return builder.silent(expression);
  if (operator === "+") return concatenation(builder, expression, left, right);
  return builder.broken(
    expression,
    "TYPE_MISMATCH",
    `${operator} needs integers, not ${typeName(left.type)} and ${typeName(right.type)}`,
  );
}

function arithmeticUnits(operator: ArithmeticOperator): number {
  return isDivision(operator) ? GAS.node + GAS.division : GAS.node;
}

const isDivision = (operator: ArithmeticOperator) => operator === "/" || operator === "%";

function concatenation(builder: TypedBuilder, expression: Expression, left: Typed, right: Typed): Typed {
  const [a, b] = [left.type, right.type];
  const strict = [left, right];
  const extra = byteUnits(sizeMax(a) + sizeMax(b));
  if (a.kind === "text" && b.kind === "text") {
    const fallible = a.bytesMax + b.bytesMax > TEXT_BYTES_MAX;
    return builder.node(
      expression,
      { kind: "concat", of: "text", left, right },
      { type: textType(a.bytesMax + b.bytesMax), strict, extra, fallible },
    );
  }
  if (a.kind === "bytes" && b.kind === "bytes") {
    const bytesMax = Math.min(a.bytesMax + b.bytesMax, TEXT_BYTES_MAX);
    return builder.node(
      expression,
      { kind: "concat", of: "bytes", left, right },
      { type: { kind: "bytes", bytesMax }, strict, extra, fallible: true },
    );
  }
  if (a.kind === "list" && b.kind === "list") {
    const item = joinTypes(a.item, b.item);
    if (item === undefined)
      return builder.broken(
        expression,
        "TYPE_MISMATCH",
        `lists of ${typeName(a.item)} and ${typeName(b.item)} do not join`,
      );
    const length = a.lengthMax + b.lengthMax;
    const type: Type = { kind: "list", item, lengthMax: Math.min(length, LIST_LENGTH_MAX) };
    return builder.node(
      expression,
      { kind: "concat", of: "list", left, right },
      { type, strict, extra: length * GAS.iteration, fallible: true },
    );
  }
  return builder.broken(
    expression,
    "TYPE_MISMATCH",
    `+ does not join ${typeName(a)} and ${typeName(b)}: use string() for numbers in a text`,
  );
}

function comparisonClass(type: Type, isEquality: boolean): ComparisonClass {
  if (type.kind === "bytes" || type.kind === "list") return type.kind;
  return type.kind === "text" && !isEquality ? "text" : "plain";
}
