// What this profile adds at run time: operators over all types of CEL, its conversions, selections and fields.
// Integers, texts, bytes and lists are handed to the functions of contracts; only what those lack is computed here.

import {
  addIntegers,
  canonicalInteger,
  divideIntegers,
  type Integer,
  multiplyIntegers,
  remainderIntegers,
  subtractIntegers,
} from "../../src/contracts/arithmetic.ts";
import type { Frame } from "../../src/contracts/frame.ts";
import { type ArgumentKind, type BuiltIn, FUNCTIONS } from "../../src/contracts/functions.ts";
import {
  ARGUMENT,
  CONVERSION,
  DIVISION_BY_ZERO,
  INDEX_OUT_OF_RANGE,
  type Outcome,
  OVERFLOW,
} from "../../src/contracts/outcome.ts";
import type { ArithmeticOperator, ComparisonOperator } from "../../src/contracts/typed.ts";
import type { Type } from "../../src/contracts/types.ts";
import type { Value } from "../../src/ledger/codec.ts";
import {
  asValue,
  Double,
  Duration,
  equalAcross,
  isInteger,
  keyName,
  MapValue,
  MessageValue,
  orderOf,
  Timestamp,
  TypeValue,
  typeNameOf,
  Unsigned,
} from "./foreign-values.ts";
import { hasField, readField } from "./messages.ts";
import {
  durationOf,
  durationPart,
  formatDuration,
  formatTimestamp,
  parseDuration,
  parseTimestamp,
  secondsOf,
  TIME_PARTS,
  timestampOf,
  timestampPart,
} from "./times.ts";

const UINT64_MAX = (1n << 64n) - 1n;

/** An operation as a node of the product: a call, run by the product's closure for calls. */
export function operation(name: string, run: (values: readonly Value[], frame: Frame) => Outcome): BuiltIn {
  const result = (): Type => ({ kind: "unknown" });
  return { name, form: "function", args: [], result, units: 0, unitsMax: () => 0, fallible: true, run };
}

function unsigned(value: bigint): Outcome {
  return value < 0n || value > UINT64_MAX ? OVERFLOW : asValue(new Unsigned(value));
}

const double = (value: number): Outcome => asValue(new Double(value));

// ---- operators ----

const INTEGERS: Readonly<Record<ArithmeticOperator, (left: Integer, right: Integer) => Outcome>> = {
  "+": addIntegers,
  "-": subtractIntegers,
  "*": multiplyIntegers,
  "/": divideIntegers,
  "%": remainderIntegers,
};
const DOUBLES: Readonly<Record<ArithmeticOperator, (left: number, right: number) => Outcome>> = {
  "+": (left, right) => double(left + right),
  "-": (left, right) => double(left - right),
  "*": (left, right) => double(left * right),
  "/": (left, right) => double(left / right),
  "%": () => ARGUMENT,
};
const UNSIGNED: Readonly<Record<ArithmeticOperator, (left: bigint, right: bigint) => Outcome>> = {
  "+": (left, right) => unsigned(left + right),
  "-": (left, right) => unsigned(left - right),
  "*": (left, right) => unsigned(left * right),
  "/": (left, right) => (right === 0n ? DIVISION_BY_ZERO : unsigned(left / right)),
  "%": (left, right) => (right === 0n ? DIVISION_BY_ZERO : unsigned(left % right)),
};

export function arithmetic(operator: ArithmeticOperator, left: Value, right: Value): Outcome {
  if (isInteger(left) && isInteger(right)) return INTEGERS[operator](left, right);
  if (left instanceof Double && right instanceof Double) return DOUBLES[operator](left.value, right.value);
  if (left instanceof Unsigned && right instanceof Unsigned) return UNSIGNED[operator](left.value, right.value);
  if (operator === "+" && Array.isArray(left) && Array.isArray(right)) return [...left, ...right];
  if (operator === "+" && typeof left === "string" && typeof right === "string") return left + right;
  return timeArithmetic(operator, left, right);
}

function timeArithmetic(operator: ArithmeticOperator, left: Value, right: Value): Outcome {
  if (operator !== "+" && operator !== "-") return ARGUMENT;
  const sign = operator === "+" ? 1n : -1n;
  if (left instanceof Duration && right instanceof Duration)
    return durationOf(left.nanoseconds + sign * right.nanoseconds);
  if (left instanceof Timestamp && right instanceof Duration)
    return timestampOf(left.nanoseconds + sign * right.nanoseconds);
  if (left instanceof Duration && right instanceof Timestamp && operator === "+")
    return timestampOf(left.nanoseconds + right.nanoseconds);
  if (left instanceof Timestamp && right instanceof Timestamp && operator === "-")
    return durationOf(left.nanoseconds - right.nanoseconds);
  return ARGUMENT;
}

export function negate(value: Value): Outcome {
  if (value instanceof Double) return double(-value.value);
  return isInteger(value) ? subtractIntegers(0, value) : ARGUMENT;
}

export function compare(operator: ComparisonOperator, left: Value, right: Value): Outcome {
  if (operator === "==" || operator === "!=") return equalAcross(left, right) === (operator === "==");
  const order = orderOf(left, right);
  if (order === undefined) return ARGUMENT;
  if (order === "unordered") return false;
  return { "<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0 }[operator];
}

export function isIn(item: Value, container: Value): Outcome {
  if (Array.isArray(container)) return container.some((other: Value) => equalAcross(item, other));
  return container instanceof MapValue ? container.get(item) !== undefined : ARGUMENT;
}

// ---- lists, maps, messages ----

export function mapOf(parts: readonly Value[]): Outcome {
  const entries = new Map<string, readonly [Value, Value]>();
  for (let index = 0; index < parts.length; index += 2) {
    const [key = null, value = null] = parts.slice(index, index + 2);
    const name = keyName(key);
    if (name === undefined || key instanceof Double || entries.has(name)) return ARGUMENT;
    entries.set(name, [key, value]);
  }
  return asValue(new MapValue(entries));
}

export function itemOf(container: Value, index: Value): Outcome {
  if (container instanceof MapValue) return orMissing(container.get(index));
  if (!Array.isArray(container)) return ARGUMENT;
  const name = keyName(index);
  const isNumber = isInteger(index) || index instanceof Double || index instanceof Unsigned;
  if (!isNumber || name === undefined) return ARGUMENT;
  return orMissing(container[Number(name.slice("number ".length))]);
}

// null is a value here.
function orMissing(item: Value | undefined): Outcome {
  return item === undefined ? INDEX_OUT_OF_RANGE : item;
}

export function select(operand: Value, field: string): Outcome {
  if (operand instanceof MapValue) return orMissing(operand.get(field));
  return operand instanceof MessageValue ? readField(operand, field) : ARGUMENT;
}

export function has(operand: Value, field: string): Outcome {
  if (operand instanceof MapValue) return operand.get(field) !== undefined;
  return operand instanceof MessageValue ? hasField(operand, field) : ARGUMENT;
}

/** What a macro goes over: the items of a list, the keys of a map. */
export function elementsOf(range: Value): Outcome {
  if (range instanceof MapValue) return [...range.entries.values()].map(([key]) => key);
  return Array.isArray(range) ? range : ARGUMENT;
}

// ---- functions ----

const TRUE_TEXTS = new Set(["1", "t", "true", "TRUE", "True"]);
const FALSE_TEXTS = new Set(["0", "f", "false", "FALSE", "False"]);
type Run = (value: Value) => Outcome | undefined;

/** Undefined: not for a value of this type, so the functions of contracts are asked. */
const CONVERSIONS: Readonly<Record<string, Run>> = {
  dyn: (value) => value,
  type: (value) => asValue(new TypeValue(typeNameOf(value))),
  int: (value) => {
    if (value instanceof Unsigned) return canonicalInteger(value.value);
    if (value instanceof Timestamp) return canonicalInteger(secondsOf(value));
    if (!(value instanceof Double)) return undefined;
    // The two bounds themselves are refused: no double beside them tells whether it was rounded.
    const isInside = value.value > -(2 ** 63) && value.value < 2 ** 63;
    return isInside ? canonicalInteger(BigInt(Math.trunc(value.value))) : OVERFLOW;
  },
  uint: (value) => {
    if (value instanceof Unsigned) return asValue(value);
    if (isInteger(value)) return unsigned(BigInt(value));
    if (typeof value === "string") return /^\d{1,20}$/.test(value) ? unsigned(BigInt(value)) : CONVERSION;
    if (!(value instanceof Double)) return undefined;
    return Number.isFinite(value.value) ? unsigned(BigInt(Math.trunc(value.value))) : OVERFLOW;
  },
  double: (value) => {
    if (value instanceof Double) return asValue(value);
    if (value instanceof Unsigned) return double(Number(value.value));
    if (isInteger(value)) return double(Number(value));
    if (typeof value !== "string") return undefined;
    return value === "NaN" || !Number.isNaN(Number(value)) ? double(Number(value)) : CONVERSION;
  },
  string: (value) => {
    if (value instanceof Unsigned || value instanceof Double) return String(value.value);
    if (value instanceof Timestamp) return formatTimestamp(value);
    return value instanceof Duration ? formatDuration(value) : undefined;
  },
  bool: (value) => {
    if (typeof value === "boolean") return value;
    if (typeof value !== "string") return undefined;
    return TRUE_TEXTS.has(value) ? true : FALSE_TEXTS.has(value) ? false : CONVERSION;
  },
  timestamp: (value) => {
    if (value instanceof Timestamp) return asValue(value);
    if (isInteger(value)) return timestampOf(BigInt(value) * 1_000_000_000n);
    return typeof value === "string" ? parseTimestamp(value) : undefined;
  },
  duration: (value) => {
    if (value instanceof Duration) return asValue(value);
    return typeof value === "string" ? parseDuration(value) : undefined;
  },
  size: (value) => (value instanceof MapValue ? value.entries.size : undefined),
};

function method(name: string, [target, argument]: readonly Value[]): Outcome | undefined {
  if (name === "matches" && typeof target === "string" && typeof argument === "string")
    return new RegExp(argument, "u").test(target);
  if (!TIME_PARTS.has(name)) return undefined;
  if (target instanceof Duration && argument === undefined) return durationPart(name, target);
  const isZone = argument === undefined || typeof argument === "string";
  return target instanceof Timestamp && isZone ? timestampPart(name, target, argument) : undefined;
}

function kindOf(value: Value): ArgumentKind | undefined {
  if (typeof value === "boolean") return "bool";
  if (isInteger(value)) return "int";
  if (typeof value === "string") return "text";
  if (value instanceof Uint8Array) return "bytes";
  return Array.isArray(value) ? "list" : undefined;
}

/** A function by the types that its arguments have when it is called. */
export function callFunction(name: string, values: readonly Value[], frame: Frame): Outcome {
  const [only = null] = values;
  const own = values.length === 1 ? CONVERSIONS[name]?.(only) : undefined;
  const result = own === undefined ? method(name, values) : own;
  if (result !== undefined) return result;
  const kinds = values.map(kindOf);
  const builtIn = FUNCTIONS.get(name)?.find(
    ({ args }) => args.length === kinds.length && args.every((kind, index) => kind === kinds[index]),
  );
  return builtIn === undefined ? ARGUMENT : builtIn.run(values, frame);
}

/** An operand of logic: anything but a boolean is an error, which && and || may absorb. */
export function asBoolean(value: Value): Outcome {
  return typeof value === "boolean" ? value : ARGUMENT;
}
