// Turns typed expressions into closures. Gas is paid when a segment is entered: the expression, a branch, a right side, a round.
// Error values travel like values, so that || and && can absorb them; only out of gas is thrown.

import { invariant } from "../assert.ts";
import type { Value } from "../ledger/codec.ts";
import { bytesEqual, compareBytes, compareText } from "../ledger/hash.ts";
import {
  addIntegers,
  divideIntegers,
  type Integer,
  multiplyIntegers,
  remainderIntegers,
  subtractIntegers,
} from "./arithmetic.ts";
import { compileMacro } from "./compile-macro.ts";
import { charge, type Evaluate, type Frame } from "./frame.ts";
import { byteUnits, GAS } from "./gas.ts";
import {
  ABSENT_ROW,
  ExpressionError,
  INDEX_OUT_OF_RANGE,
  LIST_TOO_LONG,
  OUT_OF_GAS,
  type Outcome,
  TEXT_TOO_LONG,
} from "./outcome.ts";
import type { ArithmeticOperator, ComparisonOperator, Typed } from "./typed.ts";
import { LIST_LENGTH_MAX, TEXT_BYTES_MAX, type Type } from "./types.ts";

type Strict = (left: Value, right: Value, frame: Frame) => Outcome;

/** A segment of its own: pays for itself, then evaluates. @throws OutOfGas when run */
export function compileExpression(typed: Typed): Evaluate {
  const { cost } = typed;
  const run = compile(typed);
  return (frame) => {
    frame.gas -= cost;
    if (frame.gas < 0) throw OUT_OF_GAS;
    return run(frame);
  };
}

/** Part of a segment that is already paid. */
export function compile(typed: Typed): Evaluate {
  switch (typed.kind) {
    case "constant": {
      const { value } = typed;
      return () => value;
    }
    case "slot": {
      const { slot } = typed;
      // A slot is filled before any expression that can name it runs.
      return (frame) => frame.slots[slot]!;
    }
    case "setting": {
      const { index } = typed;
      return (frame) => frame.settings[index]!;
    }
    case "define":
      return compileDefine(typed);
    case "field":
      return compileField(typed);
    case "member": {
      const { column } = typed;
      return compileUnary(typed.operand, (row) => asList(row)[column]!);
    }
    case "isAbsent": {
      const { row, negated } = typed;
      return (frame) => (frame.rows[row] === null) !== negated;
    }
    case "row":
      return rowIsNoValue();
    case "not":
      return compileUnary(typed.operand, (value) => !value);
    case "negate":
      return compileUnary(typed.operand, (value) => subtractIntegers(0, asInteger(value)));
    case "and":
      return compileAnd(typed);
    case "or":
      return compileOr(typed);
    case "compare":
      return compileComparison(typed);
    case "arithmetic":
      return compileArithmetic(typed);
    case "concat":
      return strict(typed, CONCATENATIONS[typed.of]);
    case "in":
      return compileMembership(typed);
    case "index":
      return strict(typed, itemAt, [typed.list, typed.index]);
    case "conditional":
      return compileConditional(typed);
    case "list":
      return compileList(typed.items);
    case "macro":
      return compileMacro(typed, compile);
    case "call":
      return compileCall(typed);
  }
}

// The checker has established the kinds; these give them back to TypeScript.
const asInteger = (value: Outcome) => value as Integer;
const asList = (value: Outcome) => value as readonly Value[];
const asText = (value: Outcome) => value as string;
const asBytes = (value: Outcome) => value as Uint8Array;

function rowIsNoValue(): Evaluate {
  invariant(false, "R1: a row is only ever compared with null");
}

// ---- names ----

// Evaluated at most once in a run, when first needed; later uses cost one unit.
function compileDefine(typed: Typed & { kind: "define" }): Evaluate {
  const { slot } = typed;
  const body = compileExpression(typed.body);
  return (frame) => {
    const known = frame.slots[slot];
    if (known !== undefined) return known;
    const value = body(frame);
    frame.slots[slot] = value;
    return value;
  };
}

function compileField(typed: Typed & { kind: "field" }): Evaluate {
  const { row, column } = typed;
  return (frame) => {
    const found = frame.rows[row];
    return found === null || found === undefined ? ABSENT_ROW : found[column]!;
  };
}

// ---- logic ----

function compileAnd(typed: Typed & { kind: "and" | "or" }): Evaluate {
  const left = compile(typed.left);
  const right = compile(typed.right);
  const { cost } = typed.right;
  return (frame) => {
    const first = left(frame);
    if (first === false) return false;
    frame.gas -= cost;
    if (frame.gas < 0) throw OUT_OF_GAS;
    const second = right(frame);
    // error && false is false (CEL): the error of the left side is absorbed.
    return second === false || first === true ? second : first;
  };
}

function compileOr(typed: Typed & { kind: "and" | "or" }): Evaluate {
  const left = compile(typed.left);
  const right = compile(typed.right);
  const { cost } = typed.right;
  return (frame) => {
    const first = left(frame);
    if (first === true) return true;
    frame.gas -= cost;
    if (frame.gas < 0) throw OUT_OF_GAS;
    const second = right(frame);
    return second === true || first === false ? second : first;
  };
}

function compileConditional(typed: Typed & { kind: "conditional" }): Evaluate {
  const condition = compile(typed.condition);
  const whenTrue = compileExpression(typed.whenTrue);
  const whenFalse = compileExpression(typed.whenFalse);
  return (frame) => {
    const chosen = condition(frame);
    if (chosen === true) return whenTrue(frame);
    return chosen === false ? whenFalse(frame) : chosen;
  };
}

// ---- operators ----

function compileUnary(typed: Typed, operator: (value: Value) => Outcome): Evaluate {
  const operand = compile(typed);
  return (frame) => {
    const value = operand(frame);
    return value instanceof ExpressionError ? value : operator(value);
  };
}

/** Both sides are always evaluated, so that the price does not depend on the outcome; the first error counts. */
function strict(
  typed: Typed & { readonly kind: "concat" | "index" | "compare" | "arithmetic" },
  operator: Strict,
  parts?: readonly [Typed, Typed],
): Evaluate {
  const [a, b] = parts ?? (typed.kind === "index" ? [typed.list, typed.index] : [typed.left, typed.right]);
  const left = compile(a);
  const right = compile(b);
  if (!a.fallible && !b.fallible) return (frame) => operator(left(frame) as Value, right(frame) as Value, frame);
  return (frame) => {
    const first = left(frame);
    const second = right(frame);
    if (first instanceof ExpressionError) return first;
    return second instanceof ExpressionError ? second : operator(first, second, frame);
  };
}

const ARITHMETIC: Readonly<Record<ArithmeticOperator, Strict>> = {
  "+": (left, right) => addIntegers(asInteger(left), asInteger(right)),
  "-": (left, right) => subtractIntegers(asInteger(left), asInteger(right)),
  "*": (left, right) => multiplyIntegers(asInteger(left), asInteger(right)),
  "/": (left, right) => divideIntegers(asInteger(left), asInteger(right)),
  "%": (left, right) => remainderIntegers(asInteger(left), asInteger(right)),
};

function isSafeRange(type: Type): boolean {
  return type.kind === "int" && type.min >= -9007199254740991n && type.max <= 9007199254740991n;
}

// Where the declared ranges prove that nothing can leave the safe integers, the check would only cost time.
function compileArithmetic(typed: Typed & { kind: "arithmetic" }): Evaluate {
  const isProven = !typed.fallible && [typed, typed.left, typed.right].every(({ type }) => isSafeRange(type));
  if (!isProven || typed.operator === "/" || typed.operator === "%") return strict(typed, ARITHMETIC[typed.operator]);
  const left = compile(typed.left) as (frame: Frame) => number;
  const right = compile(typed.right) as (frame: Frame) => number;
  if (typed.operator === "+") return (frame) => left(frame) + right(frame);
  if (typed.operator === "-") return (frame) => left(frame) - right(frame);
  return (frame) => left(frame) * right(frame) + 0;
}

// Numbers and bigints compare exactly with each other in JavaScript, and booleans as false < true; texts are compared as "text".
const PLAIN: Readonly<Record<ComparisonOperator, Strict>> = {
  "==": (left, right) => left === right,
  "!=": (left, right) => left !== right,
  "<": (left, right) => asInteger(left) < asInteger(right),
  "<=": (left, right) => asInteger(left) <= asInteger(right),
  ">": (left, right) => asInteger(left) > asInteger(right),
  ">=": (left, right) => asInteger(left) >= asInteger(right),
};

function ordered(operator: ComparisonOperator, order: (left: Value, right: Value) => number): Strict {
  switch (operator) {
    case "==":
      return (left, right) => order(left, right) === 0;
    case "!=":
      return (left, right) => order(left, right) !== 0;
    case "<":
      return (left, right) => order(left, right) < 0;
    case "<=":
      return (left, right) => order(left, right) <= 0;
    case ">":
      return (left, right) => order(left, right) > 0;
    case ">=":
      return (left, right) => order(left, right) >= 0;
  }
}

function compileComparison(typed: Typed & { kind: "compare" }): Evaluate {
  const { operator, by } = typed;
  if (by === "text")
    return strict(
      typed,
      ordered(operator, (left, right) => compareText(asText(left), asText(right))),
    );
  if (by === "bytes")
    return strict(
      typed,
      ordered(operator, (left, right) => compareBytes(asBytes(left), asBytes(right))),
    );
  if (by === "list")
    return strict(
      typed,
      ordered(operator, (left, right) => (equalValues(left, right) ? 0 : 1)),
    );
  if (typed.left.fallible || typed.right.fallible) return strict(typed, PLAIN[operator]);
  return infalliblePlain(operator, compile(typed.left), compile(typed.right));
}

// The most frequent comparisons, without a call in between.
function infalliblePlain(operator: ComparisonOperator, left: Evaluate, right: Evaluate): Evaluate {
  switch (operator) {
    case "==":
      return (frame) => left(frame) === right(frame);
    case "!=":
      return (frame) => left(frame) !== right(frame);
    case "<":
      return (frame) => asInteger(left(frame)) < asInteger(right(frame));
    case "<=":
      return (frame) => asInteger(left(frame)) <= asInteger(right(frame));
    case ">":
      return (frame) => asInteger(left(frame)) > asInteger(right(frame));
    case ">=":
      return (frame) => asInteger(left(frame)) >= asInteger(right(frame));
  }
}

/** Lists item by item, bytes by content; depth is that of the types, at most a few. */
export function equalValues(left: Value, right: Value): boolean {
  if (left instanceof Uint8Array) return right instanceof Uint8Array && bytesEqual(left, right);
  if (!Array.isArray(left) || !Array.isArray(right)) return left === right;
  return left.length === right.length && left.every((item: Value, index) => equalValues(item, right[index]));
}

const CONCATENATIONS: Readonly<Record<"text" | "bytes" | "list", Strict>> = {
  text: (left, right, frame) => {
    const length = asText(left).length + asText(right).length;
    charge(frame, byteUnits(length));
    return length > TEXT_BYTES_MAX ? TEXT_TOO_LONG : asText(left) + asText(right);
  },
  bytes: (left, right, frame) => {
    const length = asBytes(left).length + asBytes(right).length;
    charge(frame, byteUnits(length));
    if (length > TEXT_BYTES_MAX) return TEXT_TOO_LONG;
    const joined = new Uint8Array(length);
    joined.set(asBytes(left));
    joined.set(asBytes(right), asBytes(left).length);
    return joined;
  },
  list: (left, right, frame) => {
    const length = asList(left).length + asList(right).length;
    charge(frame, length * GAS.iteration);
    return length > LIST_LENGTH_MAX ? LIST_TOO_LONG : [...asList(left), ...asList(right)];
  },
};

function itemAt(list: Value, index: Value): Outcome {
  const item = typeof index === "number" ? asList(list)[index] : undefined;
  return item === undefined ? INDEX_OUT_OF_RANGE : item;
}

function compileMembership(typed: Typed & { kind: "in" }): Evaluate {
  const { unitsEach } = typed;
  const item = compile(typed.item);
  const list = compile(typed.list);
  const isDeep = typed.item.type.kind === "list" || typed.item.type.kind === "bytes";
  const includes = isDeep
    ? (values: readonly Value[], value: Value) => values.some((other) => equalValues(other, value))
    : (values: readonly Value[], value: Value) => values.includes(value);
  return (frame) => {
    const value = item(frame);
    const values = list(frame);
    if (value instanceof ExpressionError) return value;
    if (values instanceof ExpressionError) return values;
    charge(frame, asList(values).length * unitsEach);
    return includes(asList(values), value);
  };
}

function compileList(items: readonly Typed[]): Evaluate {
  if (items.every(({ kind }) => kind === "constant")) {
    const values = items.map((item) => (item.kind === "constant" ? item.value : null));
    return () => values;
  }
  return evaluateAll(items);
}

/** All parts, or the first error among them. */
function evaluateAll(parts: readonly Typed[]): (frame: Frame) => readonly Value[] | ExpressionError {
  const evaluations = parts.map(compile);
  return (frame) => {
    const values: Value[] = [];
    let error: ExpressionError | undefined;
    for (const evaluate of evaluations) {
      const value = evaluate(frame);
      if (value instanceof ExpressionError) error ??= value;
      else values.push(value);
    }
    return error ?? values;
  };
}

function compileCall(typed: Typed & { kind: "call" }): Evaluate {
  const { run } = typed.builtIn;
  const args = evaluateAll(typed.args);
  return (frame) => {
    const values = args(frame);
    return values instanceof ExpressionError ? values : run(values, frame);
  };
}
