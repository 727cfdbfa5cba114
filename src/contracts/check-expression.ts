// The typed checker: resolves every name, gives every node a type, a price and a depth, and reports several findings at once.
// It never guesses: a node without a type has a finding, and nothing with a finding is compiled.

import { invariant } from "../assert.ts";
import { utf8Length } from "../ledger/codec.ts";
import { arithmetic, compare, memberOf, membership } from "./check-operators.ts";
import type { Dialect } from "./dialect.ts";
import type { Expression } from "./expression.ts";
import type { Findings } from "./finding.ts";
import { type BuiltIn, callOf, FUNCTIONS, fitsArgument, formFault, signatureOf } from "./functions.ts";
import { GAS } from "./gas.ts";
import { negationFacts } from "./intervals.ts";
import { type Binding, Scope } from "./scope.ts";
import { joinTypes } from "./type-relations.ts";
import type { Typed } from "./typed.ts";
import { type PlaceOf, TypedBuilder } from "./typed-builder.ts";
import { BOOL, INT64_MAX, INT64_MIN, integerType, NULL, type Type, textType, typeName, UNKNOWN } from "./types.ts";

interface CheckedWith {
  readonly scope: Scope;
  readonly findings: Findings;
  readonly placeOf: PlaceOf;
  readonly dialect?: Dialect;
}

export function checkExpression(expression: Expression, context: CheckedWith): Typed {
  return new Checker(context).check(expression, context.scope);
}

/** The rules of contracts for this one node; its parts are checked with the dialect. */
export function checkNode(expression: Expression, context: CheckedWith): Typed {
  return new Checker(context).node(expression, context.scope);
}

class Checker {
  private readonly builder: TypedBuilder;
  private readonly dialect: Dialect | undefined;

  constructor({ findings, placeOf, dialect }: CheckedWith) {
    this.builder = new TypedBuilder(findings, placeOf);
    this.dialect = dialect;
  }

  check(expression: Expression, scope: Scope): Typed {
    return this.dialect === undefined
      ? this.node(expression, scope)
      : this.dialect.check(expression, scope, this.builder);
  }

  node(expression: Expression, scope: Scope): Typed {
    switch (expression.kind) {
      case "null":
        return this.builder.node(expression, { kind: "constant", value: null }, { type: NULL });
      case "bool":
        return this.builder.node(expression, { kind: "constant", value: expression.value }, { type: BOOL });
      case "int":
        return this.integer(expression);
      case "text":
        return this.builder.node(
          expression,
          { kind: "constant", value: expression.value },
          { type: textType(utf8Length(expression.value), [expression.value]) },
        );
      case "bytes":
        return this.builder.node(
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
      case "foreign":
        invariant(false, "R190: only a dialect makes foreign parts, and only it checks them");
    }
  }

  // ---- leaves ----

  private integer(expression: Expression & { kind: "int" }): Typed {
    const { value } = expression;
    if (value > INT64_MAX || value < INT64_MIN)
      return this.builder.broken(expression, "NUMBER_TOO_LARGE", "the number does not fit into 64 bits");
    const isSafe = value >= -9007199254740991n && value <= 9007199254740991n;
    return this.builder.node(
      expression,
      { kind: "constant", value: isSafe ? Number(value) : value },
      { type: integerType(value, value) },
    );
  }

  private name(expression: Expression & { kind: "name" }, scope: Scope): Typed {
    const binding = scope.lookup(expression.name);
    if (binding === undefined)
      return this.builder.broken(
        expression,
        "NAME_UNKNOWN",
        `nothing here is called ${expression.name}`,
        scope.names(),
      );
    return this.bound(expression, binding);
  }

  private bound(expression: Expression, binding: Binding): Typed {
    switch (binding.kind) {
      case "value":
        return this.builder.node(
          expression,
          { kind: "slot", slot: binding.slot, label: binding.label },
          { type: binding.type },
        );
      case "setting":
        return this.builder.node(
          expression,
          { kind: "setting", index: binding.index, label: binding.label },
          { type: binding.type },
        );
      case "column":
        return this.builder.node(
          expression,
          { kind: "field", row: binding.row, column: binding.column, isOptional: false, label: binding.label },
          { type: binding.type },
        );
      case "define": {
        const { body, slot, label } = binding;
        const typed = this.builder.node(
          expression,
          { kind: "define", slot, body, label },
          { type: body.type, fallible: body.fallible },
        );
        return { ...typed, depth: this.builder.countedDepth(expression, body.depth + 1) };
      }
      case "row":
        return this.builder.node(
          expression,
          { kind: "row", row: binding.row, label: binding.label },
          { type: { kind: "row", table: binding.table.name, isOptional: binding.isOptional } },
        );
      case "namespace":
        return this.builder.broken(
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
      return this.builder.broken(expression, "NAME_UNKNOWN", `${binding.label} has no member ${field}`, [
        ...binding.members.keys(),
      ]);
    }
    if (binding?.kind === "row") {
      const column = binding.table.columns.findIndex(({ name }) => name === field);
      const found = binding.table.columns[column];
      if (found === undefined) {
        return this.builder.broken(
          expression,
          "FIELD_UNKNOWN",
          `table ${binding.table.name} has no field ${field}`,
          binding.table.columns.map(({ name }) => name),
        );
      }
      const { row, isOptional, label, positions } = binding;
      return this.builder.node(
        expression,
        { kind: "field", row, column: positions?.[column] ?? column, isOptional, label: `${label}.${field}` },
        { type: found.type, fallible: isOptional },
      );
    }
    const typed = this.check(operand, scope);
    if (typed.type.kind === "unknown") return typed;
    if (typed.type.kind === "record") return memberOf(this.builder, expression, typed, typed.type);
    return this.builder.broken(expression, "FIELD_UNKNOWN", `${typeName(typed.type)} has no fields`);
  }

  private has(expression: Expression & { kind: "has" }, scope: Scope): Typed {
    const { operand, field } = expression;
    const typed = this.select({ ...expression, kind: "select", operand, field }, scope);
    if (typed.kind === "field" && typed.isOptional) {
      return this.builder.node(
        expression,
        { kind: "isAbsent", row: typed.row, negated: true, label: typed.label.slice(0, -field.length - 1) },
        { type: BOOL },
      );
    }
    if (typed.type.kind === "unknown") return typed;
    return this.builder.broken(
      expression,
      "ALWAYS_PRESENT",
      "has asks for a field of a row that may be absent: read it as name?",
    );
  }

  // ---- operators ----

  private not(expression: Expression & { kind: "not" }, scope: Scope): Typed {
    const operand = this.expectKind(expression.operand, scope, "bool");
    return this.builder.node(expression, { kind: "not", operand }, { type: BOOL, strict: [operand] });
  }

  private negate(expression: Expression & { kind: "negate" }, scope: Scope): Typed {
    const operand = this.expectKind(expression.operand, scope, "int");
    const facts = operand.type.kind === "int" ? negationFacts(operand.type) : { type: UNKNOWN, fallible: false };
    return this.builder.node(
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
        return this.builder.node(
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
        return compare(
          this.builder,
          expression,
          operator,
          this.check(expression.left, scope),
          this.check(expression.right, scope),
        );
      case "in":
        return membership(
          this.builder,
          expression,
          this.check(expression.left, scope),
          this.check(expression.right, scope),
        );
      default:
        return arithmetic(
          this.builder,
          expression,
          operator,
          this.check(expression.left, scope),
          this.check(expression.right, scope),
        );
    }
  }

  private conditional(expression: Expression & { kind: "conditional" }, scope: Scope): Typed {
    const condition = this.expectKind(expression.condition, scope, "bool");
    const whenTrue = this.check(expression.whenTrue, scope);
    const whenFalse = this.check(expression.whenFalse, scope);
    const type = joinTypes(whenTrue.type, whenFalse.type);
    if (type === undefined || type.kind === "row" || type.kind === "null") {
      return this.builder.broken(
        expression,
        "TYPE_MISMATCH",
        `both sides of : need one type, not ${typeName(whenTrue.type)} and ${typeName(whenFalse.type)}`,
      );
    }
    return this.builder.node(
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
        return this.builder.broken(
          expression,
          "TYPE_MISMATCH",
          `a list has items of one type, not ${typeName(item)} and ${typeName(typed.type)}`,
        );
      }
      item = joined;
    }
    return this.builder.node(
      expression,
      { kind: "list", items },
      { type: { kind: "list", item, lengthMax: items.length }, strict: items },
    );
  }

  private index(expression: Expression & { kind: "index" }, scope: Scope): Typed {
    const list = this.check(expression.operand, scope);
    const index = this.expectKind(expression.index, scope, "int");
    if (list.type.kind === "unknown") return this.builder.silent(expression);
    if (list.type.kind !== "list")
      return this.builder.broken(expression, "TYPE_MISMATCH", `[ ] needs a list, not ${typeName(list.type)}`);
    if (list.type.lengthMax === 0) return this.alwaysEmpty(expression);
    return this.builder.node(
      expression,
      { kind: "index", list, index },
      { type: list.type.item, strict: [list, index], fallible: true },
    );
  }

  private macro(expression: Expression & { kind: "macro" }, scope: Scope): Typed {
    const range = this.check(expression.range, scope);
    if (range.type.kind !== "list" && range.type.kind !== "unknown") {
      return this.builder.broken(
        expression,
        "TYPE_MISMATCH",
        `${expression.macro} needs a list, not ${typeName(range.type)}`,
      );
    }
    if (range.type.kind === "list" && range.type.lengthMax === 0) return this.alwaysEmpty(expression);
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
    const typed = this.builder.node(
      expression,
      { kind: "macro", macro: expression.macro, range, slot, filter, body },
      { type, strict: [range], extra: lengthMax * worstEach, fallible },
    );
    return {
      ...typed,
      depth: this.builder.countedDepth(expression, 1 + Math.max(range.depth, body.depth, filter?.depth ?? 0)),
    };
  }

  /** What would be done with the items of [] has no type, and nothing without a type may run. */
  private alwaysEmpty(expression: Expression): Typed {
    return this.builder.broken(expression, "LIST_ALWAYS_EMPTY", "this list never has an item");
  }

  private macroType(expression: Expression & { kind: "macro" }, range: Type, body: Type, lengthMax: number): Type {
    if (expression.macro === "filter") return range;
    if (expression.macro !== "map") return BOOL;
    if (body.kind !== "row" && body.kind !== "null") return { kind: "list", item: body, lengthMax };
    this.builder.findings.error(
      this.builder.placeOf(expression.at),
      "TYPE_MISMATCH",
      `a list cannot hold ${typeName(body)}`,
    );
    return UNKNOWN;
  }

  private call(expression: Expression & { kind: "call" }, scope: Scope): Typed {
    const overloads = FUNCTIONS.get(expression.name);
    const args = expression.args.map((argument) => this.check(argument, scope));
    if (overloads === undefined)
      return this.builder.broken(expression, "FUNCTION_UNKNOWN", `there is no function ${expression.name}`, [
        ...FUNCTIONS.keys(),
        "has",
      ]);
    const misplaced = formFault(expression, overloads);
    if (misplaced !== undefined)
      return this.builder.broken(expression, "ARGUMENTS", misplaced, overloads.map(signatureOf));
    const types = args.map(({ type }) => type);
    if (
      types.some(({ kind }) => kind === "unknown") &&
      overloads.some((overload) => overload.args.length === args.length)
    )
      return this.builder.silent(expression);
    const builtIn = overloads.find(
      (overload) =>
        overload.args.length === args.length &&
        overload.args.every((kind, index) => fitsArgument(kind, types[index] ?? UNKNOWN)),
    );
    if (builtIn === undefined)
      return this.builder.broken(
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
      own: GAS.node + GAS.apply + builtIn.units,
      strict: args,
      extra: builtIn.unitsMax(types),
      fallible: builtIn.fallible,
    };
    return this.builder.node(expression, { kind: "call", builtIn, args }, shape);
  }

  private expectKind(expression: Expression, scope: Scope, kind: "bool" | "int"): Typed {
    const typed = this.check(expression, scope);
    if (typed.type.kind === kind || typed.type.kind === "unknown") return typed;
    return this.builder.broken(expression, "TYPE_MISMATCH", `${kind} is expected here, not ${typeName(typed.type)}`);
  }
}
