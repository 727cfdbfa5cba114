// The values of CEL that contracts do not have: doubles, unsigned integers, maps, timestamps, durations, types, messages.
// Only the closures of this profile look into them; those of the product pass them on.

import { getTestRegistry } from "@bufbuild/cel-spec/testdata/registry.js";
import { type Message, type Registry, equals as sameMessage } from "@bufbuild/protobuf";
import type { Integer } from "../../src/contracts/arithmetic.ts";
import type { Value } from "../../src/ledger/codec.ts";
import { bytesEqual, compareBytes, compareText } from "../../src/ledger/hash.ts";

export const REGISTRY: Registry = getTestRegistry();

export class Double {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export class Unsigned {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

/** In nanoseconds since 1970-01-01T00:00:00Z. */
export class Timestamp {
  readonly nanoseconds: bigint;
  constructor(nanoseconds: bigint) {
    this.nanoseconds = nanoseconds;
  }
}

export class Duration {
  readonly nanoseconds: bigint;
  constructor(nanoseconds: bigint) {
    this.nanoseconds = nanoseconds;
  }
}

export class TypeValue {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

export class MessageValue {
  readonly message: Message;
  constructor(message: Message) {
    this.message = message;
  }
}

export class MapValue {
  readonly entries: ReadonlyMap<string, readonly [key: Value, value: Value]>;
  constructor(entries: ReadonlyMap<string, readonly [key: Value, value: Value]>) {
    this.entries = entries;
  }

  get(key: Value): Value | undefined {
    const name = keyName(key);
    return name === undefined ? undefined : this.entries.get(name)?.[1];
  }
}

/** How a foreign value travels through the product's closures, which never look into it. */
export function asValue(foreign: object): Value {
  return foreign as Value;
}

export function isInteger(value: Value): value is Integer {
  return typeof value === "number" || typeof value === "bigint";
}

function isNumeric(value: Value): value is Value & Numeric {
  return isInteger(value) || value instanceof Double || value instanceof Unsigned;
}

/** Keys that are equal across the numeric types have one name; undefined: no value of this type is a key. */
export function keyName(key: Value): string | undefined {
  if (typeof key === "string") return `text ${key}`;
  if (typeof key === "boolean") return `bool ${key}`;
  if (isInteger(key)) return `number ${key}`;
  if (key instanceof Unsigned) return `number ${key.value}`;
  return key instanceof Double && Number.isInteger(key.value) ? `number ${BigInt(key.value)}` : undefined;
}

/** As `type(value)` names it. */
export function typeNameOf(value: Value): string {
  if (value === null) return "null_type";
  if (typeof value === "boolean") return "bool";
  if (isInteger(value)) return "int";
  if (typeof value === "string") return "string";
  if (value instanceof Uint8Array) return "bytes";
  if (value instanceof Double) return "double";
  if (value instanceof Unsigned) return "uint";
  if (value instanceof MapValue) return "map";
  if (value instanceof Timestamp) return "google.protobuf.Timestamp";
  if (value instanceof Duration) return "google.protobuf.Duration";
  if (value instanceof TypeValue) return "type";
  return value instanceof MessageValue ? value.message.$typeName : "list";
}

type Numeric = Integer | Double | Unsigned;

function toDouble(value: Numeric): number {
  return value instanceof Double ? value.value : Number(value instanceof Unsigned ? value.value : value);
}

/** As doubles when one is a double, exactly otherwise; undefined when they have no order. */
function compareNumbers(left: Numeric, right: Numeric): number | undefined {
  if (left instanceof Double || right instanceof Double) {
    const [a, b] = [toDouble(left), toDouble(right)];
    return a < b ? -1 : a > b ? 1 : a === b ? 0 : undefined;
  }
  const [a, b] = [left, right].map((value) => (value instanceof Unsigned ? value.value : value)) as [Integer, Integer];
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Negative, zero or positive; "unordered" for NaN; undefined when the types have no order. */
export function orderOf(left: Value, right: Value): number | "unordered" | undefined {
  if (isNumeric(left) && isNumeric(right)) return compareNumbers(left, right) ?? "unordered";
  if (typeof left === "string" && typeof right === "string") return compareText(left, right);
  if (typeof left === "boolean" && typeof right === "boolean") return Number(left) - Number(right);
  if (left instanceof Uint8Array && right instanceof Uint8Array) return compareBytes(left, right);
  const areTimes = left instanceof Timestamp && right instanceof Timestamp;
  const areDurations = left instanceof Duration && right instanceof Duration;
  if (!areTimes && !areDurations) return undefined;
  return left.nanoseconds < right.nanoseconds ? -1 : left.nanoseconds > right.nanoseconds ? 1 : 0;
}

/** CEL's `==` over all types: numbers across types, NaN equal to nothing, different types unequal. */
export function equalAcross(left: Value, right: Value): boolean {
  if (isNumeric(left) && isNumeric(right)) return compareNumbers(left, right) === 0;
  if (left instanceof Uint8Array) return right instanceof Uint8Array && bytesEqual(left, right);
  if (Array.isArray(left))
    return (
      Array.isArray(right) &&
      left.length === right.length &&
      left.every((item: Value, index) => equalAcross(item, right[index] ?? null))
    );
  if (left instanceof MapValue) return right instanceof MapValue && equalMaps(left, right, equalAcross);
  if (left instanceof Timestamp) return right instanceof Timestamp && left.nanoseconds === right.nanoseconds;
  if (left instanceof Duration) return right instanceof Duration && left.nanoseconds === right.nanoseconds;
  if (left instanceof TypeValue) return right instanceof TypeValue && left.name === right.name;
  if (left instanceof MessageValue) return right instanceof MessageValue && equalMessages(left, right);
  return left === right;
}

function equalMaps(left: MapValue, right: MapValue, equal: (left: Value, right: Value) => boolean): boolean {
  if (left.entries.size !== right.entries.size) return false;
  return [...left.entries].every(([name, [, value]]) => {
    const other = right.entries.get(name);
    return other !== undefined && equal(value, other[1]);
  });
}

function equalMessages(left: MessageValue, right: MessageValue): boolean {
  const description = REGISTRY.getMessage(left.message.$typeName);
  if (description === undefined || left.message.$typeName !== right.message.$typeName) return false;
  const options = { registry: REGISTRY, unpackAny: true, unknown: true, extensions: true };
  return sameMessage(description, left.message, right.message, options);
}

/** Whether a result is the one a case expects: of the same type all the way down, and NaN is NaN. */
export function isSameResult(actual: Value, expected: Value): boolean {
  if (typeNameOf(actual) !== typeNameOf(expected)) return false;
  if (actual instanceof Double && expected instanceof Double && Number.isNaN(expected.value))
    return Number.isNaN(actual.value);
  if (Array.isArray(actual) && Array.isArray(expected))
    return (
      actual.length === expected.length &&
      actual.every((item: Value, index) => isSameResult(item, expected[index] ?? null))
    );
  if (actual instanceof MapValue && expected instanceof MapValue) return equalMaps(actual, expected, isSameResult);
  return equalAcross(actual, expected);
}
