// The typed checker: resolves every name, gives every node a type, a price and a depth, and reports several findings at once.
// It never guesses: a node without a type has a finding, and nothing with a finding is compiled.

import type { Expression } from "./expression.ts";
import { EXPRESSION_DEPTH_MAX, type Findings, type Offset } from "./finding.ts";
import { type BuiltIn, callOf, FUNCTIONS, fitsArgument, signatureOf } from "./functions.ts";
import { byteUnits, GAS } from "./gas.ts";
import { arithmeticFacts, negationFacts } from "./intervals.ts";
import { type Binding, Scope } from "./scope.ts";
import { utf8Length } from "./text.ts";
import { joinTypes, unitsToCompare, valuesOutside } from "./type-relations.ts";
import type { ArithmeticOperator, ComparisonClass, ComparisonOperator, Typed, TypedFacts } from "./typed.ts";
import {
  BOOL,
  INT64_MAX,
  INT64_MIN,
  integerType,
  LIST_LENGTH_MAX,
  NULL,
  sizeMax,
  TEXT_BYTES_MAX,
  type Type,
  textType,
  typeName,
  UNKNOWN,
} from "./types.ts";

type Draft<T> = T extends unknown ? Omit<T, keyof TypedFacts> : never;

interface Shape {
  readonly type: Type;
  /** units of the node itself */
  readonly own?: number;
  /** parts that are always evaluated */
  readonly strict?: readonly Typed[];
  /** parts that are evaluated at most once, paid when entered */
  readonly lazy?: readonly Typed[];
  /** bound of units that depend on sizes or rounds */
  readonly extra?: number;
  readonly fallible?: boolean;
}

/** Where an offset into an expression's text stands in the document. */
export type PlaceOf = (offset: Offset) => Offset;

export function checkExpression(
  expression: Expression,
  context: { readonly scope: Scope; readonly findings: Findings; readonly placeOf: PlaceOf },
): Typed {
  return new Checker(context.findings, context.placeOf).check(expression, context.scope);
}

class Checker {
  private readonly findings: Findings;
  private readonly placeOf: PlaceOf;

  constructor(findings: Findings, placeOf: PlaceOf) {
    this.findings = findings;
    this.placeOf = placeOf;
  }

  check(expression: Expression, scope: Scope): Typed {
    switch (expression.kind) {
      case "null":
        return this.node(expression, { kind: "constant", value: null }, { type: NULL });
      case "bool":
        return this.node(expression, { kind: "constant", value: expression.value }, { type: BOOL });
      case "int":
        return this.integer(expression);
      case "text":
        return this.node(
          expression,
          { kind: "constant", value: expression.value },
          { type: textType(utf8Length(expression.value), [expression.value]) },
        );
      case "bytes":
        return this.node(
          expression,
          { kind: "constant", value: expression.value },
          { type: { kind: "bytes", bytesMax: expression.value.length } },
        );
      case "list":
        return this.list(expression, scope);
      case "name":
        return this.name(expression, scope);
      case "select":
        return this.select(expression, scope);
      case "has":
        return this.has(expression, scope);
      case "index":
        return this.index(expression, scope);
      case "call":
        return this.call(expression, scope);
      case "not":
        return this.not(expression, scope);
      case "negate":
        return this.negate(expression, scope);
      case "binary":
        return this.binary(expression, scope);
      case "conditional":
        return this.conditional(expression, scope);
      case "macro":
        return this.macro(expression, scope);
    }
  }

  // ---- leaves ----

  private integer(expression: Expression & { kind: "int" }): Typed {
    const { value } = expression;
    if (value > INT64_MAX || value < INT64_MIN)
      return this.broken(expression, "NUMBER_TOO_LARGE", "the number does not fit into 64 bits");
    const isSafe = value >= -9007199254740991n && value <= 9007199254740991n;
    return this.node(
      expression,
      { kind: "constant", value: isSafe ? Number(value) : value },
      { type: integerType(value, value) },
    );
  }

  private name(expression: Expression & { kind: "name" }, scope: Scope): Typed {
    const binding = scope.lookup(expression.name);
    if (binding === undefined)
      return this.broken(expression, "NAME_UNKNOWN", `nothing here is called ${expression.name}`, scope.names());
    return this.bound(expression, binding);
  }

  private bound(expression: Expression, binding: Binding): Typed {
    switch (binding.kind) {
      case "value":
        return this.node(
          expression,
          { kind: "slot", slot: binding.slot, label: binding.label },
          { type: binding.type },
        );
      case "setting":
        return this.node(
          expression,
          { kind: "setting", index: binding.index, label: binding.label },
          { type: binding.type },
        );
      case "column":
        return this.node(
          expression,
          { kind: "field", row: binding.row, column: binding.column, isOptional: false, label: binding.label },
          { type: binding.type },
        );
      case "define": {
        const { body, slot, label } = binding;
        const typed = this.node(
          expression,
          { kind: "define", slot, body, label },
          { type: body.type, fallible: body.fallible },
        );
        return { ...typed, depth: this.countedDepth(expression, body.depth + 1) };
      }
      case "row":
        return this.node(
          expression,
          { kind: "row", row: binding.row, label: binding.label },
          { type: { kind: "row", table: binding.table.name, isOptional: binding.isOptional } },
        );
      case "namespace":
        return this.broken(
          expression,
          "NAME_INCOMPLETE",
          `${binding.label} needs a member, as in ${binding.label}.name`,
          [...binding.members.keys()],
        );
    }
  }

  private select(expression: Expression & { kind: "select" }, scope: Scope): Typed {
    const { operand, field } = expression;
    const binding = operand.kind === "name" ? scope.lookup(operand.name) : undefined;
    if (binding?.kind === "namespace") {
      const member = scope.lookupMember(binding, field);
      if (member !== undefined) return this.bound(expression, member);
      return this.broken(expression, "NAME_UNKNOWN", `${binding.label} has no member ${field}`, [
        ...binding.members.keys(),
      ]);
    }
    if (binding?.kind === "row") {
      const column = binding.table.columns.findIndex(({ name }) => name === field);
      const found = binding.table.columns[column];
      if (found === undefined) {
        return this.broken(
          expression,
          "FIELD_UNKNOWN",
          `table ${binding.table.name} has no field ${field}`,
          binding.table.columns.map(({ name }) => name),
        );
      }
      const { row, isOptional, label, positions } = binding;
      return this.node(
        expression,
        { kind: "field", row, column: positions?.[column] ?? column, isOptional, label: `${label}.${field}` },
        { type: found.type, fallible: isOptional },
      );
    }
    const typed = this.check(operand, scope);
    if (typed.type.kind === "unknown") return typed;
    return this.broken(expression, "FIELD_UNKNOWN", `${typeName(typed.type)} has no fields`);
  }

  private has(expression: Expression & { kind: "has" }, scope: Scope): Typed {
    const { operand, field } = expression;
    const typed = this.select({ ...expression, kind: "select", operand, field }, scope);
    if (typed.kind === "field" && typed.isOptional) {
      return this.node(
        expression,
        { kind: "isAbsent", row: typed.row, negated: true, label: typed.label.slice(0, -field.length - 1) },
        { type: BOOL },
      );
    }
    if (typed.type.kind === "unknown") return typed;
    return this.broken(
      expression,
      "ALWAYS_PRESENT",
      "has asks for a field of a row that may be absent: read it as name?",
    );
  }

  // ---- operators ----

  private not(expression: Expression & { kind: "not" }, scope: Scope): Typed {
    const operand = this.expectKind(expression.operand, scope, "bool");
    return this.node(expression, { kind: "not", operand }, { type: BOOL, strict: [operand] });
  }

  private negate(expression: Expression & { kind: "negate" }, scope: Scope): Typed {
    const operand = this.expectKind(expression.operand, scope, "int");
    const facts = operand.type.kind === "int" ? negationFacts(operand.type) : { type: UNKNOWN, fallible: false };
    return this.node(
      expression,
      { kind: "negate", operand },
      { type: facts.type, strict: [operand], fallible: facts.fallible },
    );
  }

  private binary(expression: Expression & { kind: "binary" }, scope: Scope): Typed {
    const { operator } = expression;
    switch (operator) {
      case "&&":
      case "||": {
        const left = this.expectKind(expression.left, scope, "bool");
        const right = this.expectKind(expression.right, scope, "bool");
        return this.node(
          expression,
          { kind: operator === "&&" ? "and" : "or", left, right },
          { type: BOOL, strict: [left], lazy: [right] },
        );
      }
      case "==":
      case "!=":
      case "<":
      case "<=":
      case ">":
      case ">=":
        return this.compare(
          expression,
          operator,
          this.check(expression.left, scope),
          this.check(expression.right, scope),
        );
      case "in":
        return this.membership(expression, this.check(expression.left, scope), this.check(expression.right, scope));
      default:
        return this.arithmetic(
          expression,
          operator,
          this.check(expression.left, scope),
          this.check(expression.right, scope),
        );
    }
  }

  private compare(expression: Expression, operator: ComparisonOperator, left: Typed, right: Typed): Typed {
    const shape = { type: BOOL, strict: [left, right], own: GAS.node + unitsToCompare(left.type, right.type) };
    if (left.type.kind === "unknown" || right.type.kind === "unknown")
      return this.node(expression, { kind: "compare", operator, by: "plain", left, right }, shape);
    const isEquality = operator === "==" || operator === "!=";
    const row = left.kind === "row" ? left : right.kind === "row" ? right : undefined;
    if (isEquality && row !== undefined && (left.type.kind === "null" || right.type.kind === "null"))
      return this.nullTest(expression, operator === "!=", row);
    if (joinTypes(left.type, right.type) === undefined || left.type.kind === "row" || left.type.kind === "null") {
      return this.broken(
        expression,
        "TYPE_MISMATCH",
        `${typeName(left.type)} ${operator} ${typeName(right.type)} cannot be compared`,
      );
    }
    this.checkLiteral(left, right.type);
    this.checkLiteral(right, left.type);
    if (!isEquality && left.type.kind === "list")
      return this.broken(expression, "TYPE_MISMATCH", "lists have no order");
    return this.node(
      expression,
      { kind: "compare", operator, by: comparisonClass(left.type, isEquality), left, right },
      shape,
    );
  }

  private nullTest(expression: Expression, negated: boolean, row: Typed & { kind: "row" }): Typed {
    if (row.type.kind === "row" && !row.type.isOptional) {
      return this.broken(
        expression,
        "ALWAYS_PRESENT",
        `${row.label} is always present: read it as ${row.label}? if it may be absent`,
      );
    }
    return this.node(expression, { kind: "isAbsent", row: row.row, negated, label: row.label }, { type: BOOL });
  }

  /** A literal compared with an enum must be one of its names. */
  private checkLiteral(typed: Typed, other: Type): void {
    if (other.kind !== "text" || other.values === undefined || typed.kind !== "constant") return;
    const foreign = valuesOutside(typed.type, other);
    if (foreign !== undefined)
      this.findings.error(
        typed.at,
        "VALUE_UNKNOWN",
        `${JSON.stringify(foreign)} is not one of the possible values`,
        other.values,
      );
  }

  private membership(expression: Expression, item: Typed, list: Typed): Typed {
    const itemType = list.type.kind === "list" ? list.type.item : UNKNOWN;
    if (list.type.kind !== "list" && list.type.kind !== "unknown")
      return this.broken(expression, "TYPE_MISMATCH", `in needs a list, not ${typeName(list.type)}`);
    if (joinTypes(item.type, itemType) === undefined || item.type.kind === "row") {
      return this.broken(
        expression,
        "TYPE_MISMATCH",
        `${typeName(item.type)} cannot be in a list of ${typeName(itemType)}`,
      );
    }
    if (list.kind === "list") for (const literal of list.items) this.checkLiteral(literal, item.type);
    this.checkLiteral(item, itemType);
    const unitsEach = GAS.iteration + unitsToCompare(item.type, itemType);
    const extra = list.type.kind === "list" ? list.type.lengthMax * unitsEach : 0;
    return this.node(expression, { kind: "in", item, list, unitsEach }, { type: BOOL, strict: [item, list], extra });
  }

  private arithmetic(expression: Expression, operator: ArithmeticOperator, left: Typed, right: Typed): Typed {
    if (left.type.kind === "int" && right.type.kind === "int") {
      const facts = arithmeticFacts(operator, left.type, right.type);
      if (facts.isHopeless)
        this.findings.warning(
          this.placeOf(expression.at),
          "ALWAYS_FAILS",
          `${operator} fails here for all possible values`,
        );
      return this.node(
        expression,
        { kind: "arithmetic", operator, left, right },
        { type: facts.type, strict: [left, right], fallible: facts.fallible },
      );
    }
    if (left.type.kind === "unknown" || right.type.kind === "unknown") return this.silent(expression);
    if (operator === "+") return this.concatenation(expression, left, right);
    return this.broken(
      expression,
      "TYPE_MISMATCH",
      `${operator} needs integers, not ${typeName(left.type)} and ${typeName(right.type)}`,
    );
  }

  private concatenation(expression: Expression, left: Typed, right: Typed): Typed {
    const [a, b] = [left.type, right.type];
    const strict = [left, right];
    const extra = byteUnits(sizeMax(a) + sizeMax(b));
    if (a.kind === "text" && b.kind === "text") {
      const fallible = a.bytesMax + b.bytesMax > TEXT_BYTES_MAX;
      return this.node(
        expression,
        { kind: "concat", of: "text", left, right },
        { type: textType(a.bytesMax + b.bytesMax), strict, extra, fallible },
      );
    }
    if (a.kind === "bytes" && b.kind === "bytes") {
      const bytesMax = Math.min(a.bytesMax + b.bytesMax, TEXT_BYTES_MAX);
      return this.node(
        expression,
        { kind: "concat", of: "bytes", left, right },
        { type: { kind: "bytes", bytesMax }, strict, extra, fallible: true },
      );
    }
    if (a.kind === "list" && b.kind === "list") {
      const item = joinTypes(a.item, b.item);
      if (item === undefined)
        return this.broken(
          expression,
          "TYPE_MISMATCH",
          `lists of ${typeName(a.item)} and ${typeName(b.item)} do not join`,
        );
      const lengthMax = Math.min(a.lengthMax + b.lengthMax, LIST_LENGTH_MAX);
      const type: Type = { kind: "list", item, lengthMax };
      return this.node(
        expression,
        { kind: "concat", of: "list", left, right },
        { type, strict, extra: lengthMax * GAS.iteration, fallible: true },
      );
    }
    return this.broken(
      expression,
      "TYPE_MISMATCH",
      `+ does not join ${typeName(a)} and ${typeName(b)}: use string() for numbers in a text`,
    );
  }

  private conditional(expression: Expression & { kind: "conditional" }, scope: Scope): Typed {
    const condition = this.expectKind(expression.condition, scope, "bool");
    const whenTrue = this.check(expression.whenTrue, scope);
    const whenFalse = this.check(expression.whenFalse, scope);
    const type = joinTypes(whenTrue.type, whenFalse.type);
    if (type === undefined || type.kind === "row" || type.kind === "null") {
      return this.broken(
        expression,
        "TYPE_MISMATCH",
        `both sides of : need one type, not ${typeName(whenTrue.type)} and ${typeName(whenFalse.type)}`,
      );
    }
    return this.node(
      expression,
      { kind: "conditional", condition, whenTrue, whenFalse },
      { type, strict: [condition], lazy: [whenTrue, whenFalse] },
    );
  }

  // ---- lists, macros, functions ----

  private list(expression: Expression & { kind: "list" }, scope: Scope): Typed {
    const items = expression.items.map((item) => this.check(item, scope));
    let item: Type = UNKNOWN;
    for (const typed of items) {
      const joined = joinTypes(item, typed.type);
      if (joined === undefined || typed.type.kind === "row" || typed.type.kind === "null") {
        return this.broken(
          expression,
          "TYPE_MISMATCH",
          `a list has items of one type, not ${typeName(item)} and ${typeName(typed.type)}`,
        );
      }
      item = joined;
    }
    if (items.length > LIST_LENGTH_MAX)
      return this.broken(expression, "LIST_TOO_LONG", `a list has at most ${LIST_LENGTH_MAX} items`);
    return this.node(
      expression,
      { kind: "list", items },
      { type: { kind: "list", item, lengthMax: items.length }, strict: items },
    );
  }

  private index(expression: Expression & { kind: "index" }, scope: Scope): Typed {
    const list = this.check(expression.operand, scope);
    const index = this.expectKind(expression.index, scope, "int");
    if (list.type.kind === "unknown") return this.silent(expression);
    if (list.type.kind !== "list")
      return this.broken(expression, "TYPE_MISMATCH", `[ ] needs a list, not ${typeName(list.type)}`);
    return this.node(
      expression,
      { kind: "index", list, index },
      { type: list.type.item, strict: [list, index], fallible: true },
    );
  }

  private macro(expression: Expression & { kind: "macro" }, scope: Scope): Typed {
    const range = this.check(expression.range, scope);
    if (range.type.kind !== "list" && range.type.kind !== "unknown") {
      return this.broken(expression, "TYPE_MISMATCH", `${expression.macro} needs a list, not ${typeName(range.type)}`);
    }
    const itemType = range.type.kind === "list" ? range.type.item : UNKNOWN;
    const lengthMax = range.type.kind === "list" ? range.type.lengthMax : 0;
    const slot = scope.slots.take();
    const inner = new Scope(scope, [[expression.variable, { kind: "value", slot, type: itemType, label: undefined }]]);
    const filter = expression.filter === undefined ? undefined : this.expectKind(expression.filter, inner, "bool");
    const body =
      expression.macro === "map" ? this.check(expression.body, inner) : this.expectKind(expression.body, inner, "bool");
    const worstEach = GAS.iteration + (filter?.worst ?? 0) + body.worst;
    const type = this.macroType(expression, range.type, body.type, lengthMax);
    const fallible = body.fallible || (filter?.fallible ?? false);
    const typed = this.node(
      expression,
      { kind: "macro", macro: expression.macro, range, slot, filter, body },
      { type, strict: [range], extra: lengthMax * worstEach, fallible },
    );
    return {
      ...typed,
      depth: this.countedDepth(expression, 1 + Math.max(range.depth, body.depth, filter?.depth ?? 0)),
    };
  }

  private macroType(expression: Expression & { kind: "macro" }, range: Type, body: Type, lengthMax: number): Type {
    if (expression.macro === "filter") return range;
    if (expression.macro !== "map") return BOOL;
    if (body.kind !== "row" && body.kind !== "null") return { kind: "list", item: body, lengthMax };
    this.findings.error(this.placeOf(expression.at), "TYPE_MISMATCH", `a list cannot hold ${typeName(body)}`);
    return UNKNOWN;
  }

  private call(expression: Expression & { kind: "call" }, scope: Scope): Typed {
    const overloads = FUNCTIONS.get(expression.name);
    const args = expression.args.map((argument) => this.check(argument, scope));
    if (overloads === undefined)
      return this.broken(expression, "FUNCTION_UNKNOWN", `there is no function ${expression.name}`, [
        ...FUNCTIONS.keys(),
        "has",
      ]);
    const types = args.map(({ type }) => type);
    if (
      types.some(({ kind }) => kind === "unknown") &&
      overloads.some((overload) => overload.args.length === args.length)
    )
      return this.silent(expression);
    const builtIn = overloads.find(
      (overload) =>
        overload.args.length === args.length &&
        overload.args.every((kind, index) => fitsArgument(kind, types[index] ?? UNKNOWN)),
    );
    if (builtIn === undefined)
      return this.broken(
        expression,
        "ARGUMENTS",
        `${callOf(expression.name, types)} does not exist`,
        overloads.map(signatureOf),
      );
    return this.applied(expression, builtIn, args, types);
  }

  private applied(expression: Expression, builtIn: BuiltIn, args: readonly Typed[], types: readonly Type[]): Typed {
    const shape = {
      type: builtIn.result(types),
      own: GAS.node + builtIn.units,
      strict: args,
      extra: builtIn.unitsMax(types),
      fallible: builtIn.fallible,
    };
    return this.node(expression, { kind: "call", builtIn, args }, shape);
  }

  // ---- building ----

  private expectKind(expression: Expression, scope: Scope, kind: "bool" | "int"): Typed {
    const typed = this.check(expression, scope);
    if (typed.type.kind === kind || typed.type.kind === "unknown") return typed;
    return this.broken(expression, "TYPE_MISMATCH", `${kind} is expected here, not ${typeName(typed.type)}`);
  }

  private broken(expression: Expression, code: string, message: string, known?: readonly string[]): Typed {
    this.findings.error(this.placeOf(expression.at), code, message, known);
    return this.silent(expression);
  }

  /** Stands for a part that already has a finding; nothing more is reported about it. */
  private silent(expression: Expression): Typed {
    return this.node(expression, { kind: "constant", value: null }, { type: UNKNOWN });
  }

  private node(expression: Expression, draft: Draft<Typed>, shape: Shape): Typed {
    const { type, own = GAS.node, strict = [], lazy = [], extra = 0, fallible = false } = shape;
    let cost = own;
    let worst = own + extra;
    let depth = 0;
    let isFallible = fallible;
    for (const part of strict) cost += part.cost;
    for (const part of [...strict, ...lazy]) {
      worst += part.worst;
      depth = Math.max(depth, part.depth);
      isFallible ||= part.fallible;
    }
    const place = { at: this.placeOf(expression.at), end: this.placeOf(expression.end) };
    return {
      ...draft,
      ...place,
      type,
      cost,
      worst,
      depth: this.countedDepth(expression, depth + 1),
      fallible: isFallible,
    };
  }

  // A define may stand on another: their depths add up, whatever each one's own text looks like.
  private countedDepth(expression: Expression, depth: number): number {
    if (depth === EXPRESSION_DEPTH_MAX + 1) {
      this.findings.error(
        this.placeOf(expression.at),
        "EXPRESSION_TOO_DEEP",
        `with what it refers to, the expression is more than ${EXPRESSION_DEPTH_MAX} levels deep`,
      );
    }
    return depth;
  }
}

function comparisonClass(type: Type, isEquality: boolean): ComparisonClass {
  if (type.kind === "bytes" || type.kind === "list") return type.kind;
  return type.kind === "text" && !isEquality ? "text" : "plain";
}
