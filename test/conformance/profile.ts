// The test profile: CEL with all its types, as a dialect of the language of contracts.
// Every node that the rules of contracts accept is theirs; only a node that they refuse becomes a call of an operation of this profile.

import { checkNode } from "../../src/contracts/check-expression.ts";
import type { Dialect, ExpressionReader } from "../../src/contracts/dialect.ts";
import type { Expression } from "../../src/contracts/expression.ts";
import { Findings } from "../../src/contracts/finding.ts";
import { ARGUMENT, type Outcome } from "../../src/contracts/outcome.ts";
import type { Scope } from "../../src/contracts/scope.ts";
import type { Typed } from "../../src/contracts/typed.ts";
import type { Draft, Shape, TypedBuilder } from "../../src/contracts/typed-builder.ts";
import { BOOL, type Type } from "../../src/contracts/types.ts";
import type { Value } from "../../src/ledger/codec.ts";
import {
  DOUBLE,
  DURATION,
  DYN,
  foreignType,
  INT,
  isForeign,
  joinAll,
  listOf,
  NAMED_TYPES,
  TEXT,
  TIMESTAMP,
  TYPE,
  UINT,
  unwrapped,
} from "./foreign-types.ts";
import { asValue, Double, REGISTRY, TypeValue, Unsigned } from "./foreign-values.ts";
import { foreignForm, foreignToken, pathOf } from "./forms.ts";
import { type DeclaredFunction, resultOf } from "./functions.ts";
import { buildMessage, messageType, typeOfField } from "./messages.ts";
import * as operations from "./operations.ts";

export interface ProfileOptions {
  /** the namespace in which names are looked up first */
  readonly container: string;
  readonly functions: ReadonlyMap<string, readonly DeclaredFunction[]>;
}

export class TestProfile implements Dialect {
  /** nodes that the rules of contracts typed, and nodes that this profile typed */
  readonly nodes = { own: 0, foreign: 0 };
  private readonly options: ProfileOptions;
  private readonly known = new Map<Expression, Typed>();
  private readonly conditions = new Set<Expression>();
  private readonly ranges = new Set<Expression>();

  constructor(options: ProfileOptions) {
    this.options = options;
  }

  token(source: string, at: number) {
    return foreignToken(source, at);
  }

  form(reader: ExpressionReader, operand: Expression | undefined) {
    return foreignForm(reader, operand);
  }

  check(expression: Expression, scope: Scope, builder: TypedBuilder): Typed {
    const known = this.known.get(expression);
    if (known !== undefined) return known;
    const typed = this.fitted(expression, this.typed(expression, scope, builder), builder);
    this.known.set(expression, typed);
    return typed;
  }

  // Where contracts need a bool or a list, a value of any other type is an error of the run, not of the check.
  private fitted(expression: Expression, typed: Typed, builder: TypedBuilder): Typed {
    const { type } = typed;
    if (this.conditions.has(expression) && type.kind !== "bool" && type.kind !== "unknown")
      return this.call(expression, builder, BOOL, [typed], ([value = null]) => operations.asBoolean(value));
    if (!this.ranges.has(expression)) return typed;
    // The items of [] have no type in contracts, which refuse to go over it.
    if (type.kind === "list") return type.lengthMax > 0 ? typed : { ...typed, type: listOf(DYN) };
    const item = type.kind === "foreign" && type.name === "map" ? (type.parts[0] ?? DYN) : DYN;
    return this.call(expression, builder, listOf(item), [typed], ([value = null]) => operations.elementsOf(value));
  }

  private typed(expression: Expression, scope: Scope, builder: TypedBuilder): Typed {
    this.expectations(expression);
    if (expression.kind === "foreign") return this.literal(expression, scope, builder);
    const name = this.variable(expression, scope);
    const findings = new Findings("");
    const own = checkNode(name ?? expression, { scope, findings, placeOf: builder.placeOf, dialect: this });
    if (!findings.hasErrors) {
      this.nodes.own += 1;
      // Contracts know which texts a literal can be, and refuse comparisons that never hold; CEL has open texts.
      return own.type.kind === "text" ? { ...own, type: { ...own.type, values: undefined } } : own;
    }
    const typed = this.dynamic(expression, scope, builder);
    if (typed !== undefined) return typed;
    for (const { code, message } of findings.list()) builder.findings.error(expression.at, code, message);
    return own;
  }

  private expectations(expression: Expression): void {
    if (expression.kind === "not") this.conditions.add(expression.operand);
    if (expression.kind === "conditional") this.conditions.add(expression.condition);
    if (expression.kind === "binary" && (expression.operator === "&&" || expression.operator === "||"))
      this.conditions.add(expression.left).add(expression.right);
    if (expression.kind !== "macro") return;
    this.ranges.add(expression.range);
    if (expression.filter !== undefined) this.conditions.add(expression.filter);
    if (expression.macro !== "map") this.conditions.add(expression.body);
  }

  // ---- names ----

  /** The names that a path may stand for: those of the container first, and of what contains it. */
  private candidates(path: string): readonly string[] {
    if (path.startsWith(".")) return [path.slice(1)];
    const parts = this.options.container === "" ? [] : this.options.container.split(".");
    return [...parts.map((_, index) => `${parts.slice(0, parts.length - index).join(".")}.${path}`), path];
  }

  /** A declared variable with a name of several parts, or of the container, as a name of contracts. */
  private variable(expression: Expression, scope: Scope): Expression | undefined {
    const path = pathOf(expression);
    const name = path && this.candidates(path).find((candidate) => scope.lookup(candidate) !== undefined);
    return name === undefined ? undefined : { ...expression, kind: "name", name };
  }

  private namedType(path: string): { readonly name: string; readonly type: Type } | undefined {
    for (const name of this.candidates(path)) {
      const description = REGISTRY.getMessage(name);
      const type = NAMED_TYPES.get(name) ?? (description && messageType(description));
      if (type !== undefined) return { name, type };
    }
    return undefined;
  }

  // ---- literals and forms ----

  private literal(expression: Expression & { kind: "foreign" }, scope: Scope, builder: TypedBuilder): Typed {
    const { form, names, parts } = expression;
    const [text = "", ...fields] = names;
    if (form === "double") return this.constant(expression, builder, DOUBLE, asValue(new Double(Number(text))));
    if (form === "uint") return this.constant(expression, builder, UINT, asValue(new Unsigned(BigInt(text))));
    const typed = parts.map((part) => this.check(part, scope, builder));
    if (form === "map") {
      const side = (isKey: boolean) =>
        joinAll(typed.filter((_, index) => (index % 2 === 0) === isKey).map(({ type }) => type));
      const type = foreignType("map", [side(true), side(false)]);
      return this.call(expression, builder, type, typed, operations.mapOf);
    }
    const description = REGISTRY.getMessage(this.namedType(text)?.name ?? "");
    if (description === undefined) return builder.broken(expression, "NAME_UNKNOWN", `there is no message ${text}`);
    return this.call(expression, builder, messageType(description), typed, (values) =>
      buildMessage(
        description,
        fields.map((field, index) => [field, values[index] ?? null]),
      ),
    );
  }

  // ---- what contracts refuse ----

  private dynamic(expression: Expression, scope: Scope, builder: TypedBuilder): Typed | undefined {
    const part = (inner: Expression) => this.check(inner, scope, builder);
    switch (expression.kind) {
      case "name":
      case "select":
        return this.selection(expression, part, builder);
      case "has": {
        const { field } = expression;
        const parts = [part(expression.operand)];
        return this.call(expression, builder, BOOL, parts, ([value = null]) => operations.has(value, field));
      }
      case "index": {
        const [container, index] = [part(expression.operand), part(expression.index)];
        const type = itemType(container.type);
        return this.call(expression, builder, type, [container, index], ([from = null, at = null]) =>
          operations.itemOf(from, at),
        );
      }
      case "call":
        return this.functionCall(expression, part, builder);
      case "negate": {
        const operand = part(expression.operand);
        return this.call(expression, builder, unwrapped(operand.type), [operand], ([value = null]) =>
          operations.negate(value),
        );
      }
      case "binary":
        return this.binary(expression, part, builder);
      case "conditional": {
        const { condition, whenTrue, whenFalse } = expression;
        const [chosen, yes, no] = [part(condition), part(whenTrue), part(whenFalse)];
        const shape = { type: joinAll([yes.type, no.type]), strict: [chosen], lazy: [yes, no] };
        const draft = { kind: "conditional", condition: chosen, whenTrue: yes, whenFalse: no } as const;
        return this.node(expression, builder, draft, shape);
      }
      case "list": {
        const items = expression.items.map(part);
        const type = { ...listOf(joinAll(items.map(({ type: own }) => own))), lengthMax: items.length };
        return this.node(expression, builder, { kind: "list", items }, { type, strict: items });
      }
      default:
        return undefined;
    }
  }

  private selection(
    expression: Expression & { kind: "name" | "select" },
    part: (inner: Expression) => Typed,
    builder: TypedBuilder,
  ): Typed {
    const path = pathOf(expression);
    const named = path === undefined ? undefined : this.namedType(path);
    if (named !== undefined) return this.constant(expression, builder, TYPE, asValue(new TypeValue(named.name)));
    // A name that is not bound is an error when it runs: the cases that use one are not to be checked.
    if (expression.kind === "name") return this.call(expression, builder, DYN, [], () => ARGUMENT);
    const { field } = expression;
    const operand = part(expression.operand);
    const type = typeOfField(operand.type, field) ?? itemType(operand.type);
    return this.call(expression, builder, type, [operand], ([value = null]) => operations.select(value, field));
  }

  private functionCall(
    expression: Expression & { kind: "call" },
    part: (inner: Expression) => Typed,
    builder: TypedBuilder,
  ): Typed {
    const { name, args } = expression;
    const [target] = args;
    // optional.of(x) is a function of a namespace, read like a method of a name.
    const isOptional = target?.kind === "name" && target.name === "optional";
    const typed = (isOptional ? args.slice(1) : args).map(part);
    const qualified = isOptional ? `optional.${name}` : name;
    const types = typed.map(({ type }) => type);
    const type = resultOf(qualified, types, this.options.functions);
    return this.call(expression, builder, type, typed, (values, frame) =>
      operations.callFunction(qualified, values, frame),
    );
  }

  private binary(
    expression: Expression & { kind: "binary" },
    part: (inner: Expression) => Typed,
    builder: TypedBuilder,
  ): Typed | undefined {
    const { operator } = expression;
    const parts = [part(expression.left), part(expression.right)];
    switch (operator) {
      case "&&":
      case "||":
        return undefined;
      case "in":
        return this.call(expression, builder, BOOL, parts, ([item = null, list = null]) => operations.isIn(item, list));
      case "+":
      case "-":
      case "*":
      case "/":
      case "%": {
        const type = arithmeticType(operator, parts);
        return this.call(expression, builder, type, parts, ([left = null, right = null]) =>
          operations.arithmetic(operator, left, right),
        );
      }
      default:
        return this.call(expression, builder, BOOL, parts, ([left = null, right = null]) =>
          operations.compare(operator, left, right),
        );
    }
  }

  // ---- nodes ----

  private constant(expression: Expression, builder: TypedBuilder, type: Type, value: Value): Typed {
    return this.node(expression, builder, { kind: "constant", value }, { type });
  }

  private call(
    expression: Expression,
    builder: TypedBuilder,
    type: Type,
    args: readonly Typed[],
    run: (values: readonly Value[], frame: Parameters<typeof operations.callFunction>[2]) => Outcome,
  ): Typed {
    const builtIn = operations.operation(expression.kind, run);
    return this.node(expression, builder, { kind: "call", builtIn, args }, { type, strict: args, fallible: true });
  }

  private node(expression: Expression, builder: TypedBuilder, draft: Draft<Typed>, shape: Shape): Typed {
    this.nodes.foreign += 1;
    return builder.node(expression, draft, shape);
  }
}

/** Of what an index or a selection gives. */
function itemType(container: Type): Type {
  if (container.kind === "list") return container.item.kind === "unknown" ? DYN : container.item;
  return container.kind === "foreign" && container.name === "map" ? (container.parts[1] ?? DYN) : DYN;
}

function arithmeticType(operator: string, parts: readonly Typed[]): Type {
  const [left = DYN, right = DYN] = parts.map(({ type }) => unwrapped(type));
  if (isForeign(left, "timestamp") && isForeign(right, "timestamp")) return DURATION;
  if (isForeign(left, "timestamp") || isForeign(right, "timestamp"))
    return operator === "+" || isForeign(left, "timestamp") ? TIMESTAMP : DYN;
  if (left.kind === "int" && right.kind === "int") return INT;
  if (left.kind === "text" && right.kind === "text") return TEXT;
  return joinAll([left, right]);
}
