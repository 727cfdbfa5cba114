// Messages of protobuf as CEL sees them: building, reading and testing fields, and the types that their fields have.
// The reflection of @bufbuild/protobuf does the work; contracts know no messages.

import { create, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { isReflectMessage, type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { canonicalInteger } from "../../src/contracts/arithmetic.ts";
import { ARGUMENT, ExpressionError, type Outcome } from "../../src/contracts/outcome.ts";
import { BOOL, NULL, type Type } from "../../src/contracts/types.ts";
import type { Value } from "../../src/ledger/codec.ts";
import { BYTES, DOUBLE, DURATION, DYN, foreignType, INT, listOf, TEXT, TIMESTAMP, UINT } from "./foreign-types.ts";
import {
  asValue,
  Double,
  Duration,
  isInteger,
  keyName,
  MapValue,
  MessageValue,
  REGISTRY,
  Timestamp,
  Unsigned,
} from "./foreign-values.ts";

const WRAPPER = /^google\.protobuf\.(?:Bool|Bytes|Double|Float|Int32|Int64|String|UInt32|UInt64)Value$/;
const SECOND = 1_000_000_000n;

// ---- types ----

/** The type of an expression `Name{...}`, or of a field that holds such a message. */
export function messageType(description: DescMessage): Type {
  const name = description.typeName;
  if (name === "google.protobuf.Timestamp") return TIMESTAMP;
  if (name === "google.protobuf.Duration") return DURATION;
  if (name === "google.protobuf.Struct") return foreignType("map", [TEXT, DYN]);
  if (name === "google.protobuf.ListValue") return listOf(DYN);
  if (name === "google.protobuf.Any" || name === "google.protobuf.Value") return DYN;
  const [wrapped] = description.fields;
  return WRAPPER.test(name) && wrapped !== undefined ? foreignType("wrapper", [fieldType(wrapped)]) : foreignType(name);
}

function scalarType(scalar: ScalarType): Type {
  switch (scalar) {
    case ScalarType.BOOL:
      return BOOL;
    case ScalarType.STRING:
      return TEXT;
    case ScalarType.BYTES:
      return BYTES;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return DOUBLE;
    case ScalarType.UINT32:
    case ScalarType.UINT64:
    case ScalarType.FIXED32:
    case ScalarType.FIXED64:
      return UINT;
    default:
      return INT;
  }
}

function fieldType(field: DescField): Type {
  switch (field.fieldKind) {
    case "scalar":
      return scalarType(field.scalar);
    case "enum":
      return field.enum.typeName === "google.protobuf.NullValue" ? NULL : INT;
    case "message":
      return messageType(field.message);
    case "list":
      return listOf(partType(field));
    case "map":
      return foreignType("map", [scalarType(field.mapKey), partType(field)]);
  }
}

/** Of the items of a list and the values of a map. */
function partType(field: DescField & { readonly fieldKind: "list" | "map" }): Type {
  if (field.message !== undefined) return messageType(field.message);
  return field.scalar === undefined ? INT : scalarType(field.scalar);
}

/** undefined: not a message, or no such field */
export function typeOfField(message: Type, name: string): Type | undefined {
  const description = message.kind === "foreign" ? REGISTRY.getMessage(message.name) : undefined;
  const field = description?.fields.find((candidate) => candidate.name === name);
  return field && fieldType(field);
}

// ---- from protobuf to CEL ----

function scalarValue(scalar: ScalarType, value: unknown): Value {
  const type = scalarType(scalar);
  if (type === DOUBLE) return asValue(new Double(Number(value)));
  if (type === UINT) return asValue(new Unsigned(BigInt(String(value))));
  if (type === INT) return integer(BigInt(String(value)));
  return value as Value;
}

function integer(value: bigint): Value {
  const canonical = canonicalInteger(value);
  return canonical instanceof ExpressionError ? null : canonical;
}

export function fromMessage(message: ReflectMessage): Value {
  const { typeName, fields } = message.desc;
  if (typeName === "google.protobuf.Timestamp" || typeName === "google.protobuf.Duration") {
    const [seconds, nanoseconds] = fields.map((field) => BigInt(String(message.get(field))));
    const total = (seconds ?? 0n) * SECOND + (nanoseconds ?? 0n);
    return asValue(typeName.endsWith("Duration") ? new Duration(total) : new Timestamp(total));
  }
  const [wrapped] = fields;
  if (WRAPPER.test(typeName) && wrapped?.fieldKind === "scalar")
    return scalarValue(wrapped.scalar, message.get(wrapped));
  // The only google.protobuf.Value of the cases is the empty one, which is null.
  if (typeName === "google.protobuf.Value") return null;
  return asValue(new MessageValue(message.message));
}

function partValue(field: DescField & { readonly fieldKind: "list" | "map" }, part: unknown): Value {
  if (isReflectMessage(part)) return fromMessage(part);
  return field.scalar === undefined ? Number(part) : scalarValue(field.scalar, part);
}

function fieldOf({ message }: MessageValue, name: string) {
  const description = REGISTRY.getMessage(message.$typeName);
  const field = description?.fields.find((candidate) => candidate.name === name);
  return description === undefined || field === undefined ? undefined : { own: reflect(description, message), field };
}

export function readField(message: MessageValue, name: string): Outcome {
  const found = fieldOf(message, name);
  if (found === undefined) return ARGUMENT;
  const { own, field } = found;
  switch (field.fieldKind) {
    case "scalar":
      return scalarValue(field.scalar, own.get(field));
    case "enum":
      return Number(own.get(field));
    case "message":
      return own.isSet(field) || !isNullWhenUnset(field.message) ? fromMessage(own.get(field)) : null;
    case "list":
      return [...own.get(field)].map((item) => partValue(field, item));
    case "map": {
      const entries = [...own.get(field)].map(([key, value]): readonly [Value, Value] => [
        scalarValue(field.mapKey, key),
        partValue(field, value),
      ]);
      return asValue(new MapValue(new Map(entries.map((entry) => [keyName(entry[0]) ?? "", entry]))));
    }
  }
}

function isNullWhenUnset({ typeName }: DescMessage): boolean {
  return WRAPPER.test(typeName) || typeName === "google.protobuf.Any" || typeName === "google.protobuf.Value";
}

export function hasField(message: MessageValue, name: string): Outcome {
  const found = fieldOf(message, name);
  return found === undefined ? ARGUMENT : found.own.isSet(found.field);
}

// ---- from CEL to protobuf ----

/** A message with these fields; ARGUMENT when one does not fit. */
export function buildMessage(description: DescMessage, fields: readonly (readonly [string, Value])[]): Outcome {
  const message = reflect(description, create(description));
  try {
    for (const [name, value] of fields) {
      const field = description.fields.find((candidate) => candidate.name === name);
      if (field === undefined) return ARGUMENT;
      setField(message, field, value);
    }
  } catch {
    return ARGUMENT;
  }
  return fromMessage(message);
}

function setField(message: ReflectMessage, field: DescField, value: Value): void {
  switch (field.fieldKind) {
    case "scalar":
      message.set(field, toScalar(field.scalar, value));
      return;
    case "enum":
      message.set(field, Number(value));
      return;
    case "message":
      if (value !== null) message.set(field, toMessage(field.message, value));
      return;
    case "list":
      for (const item of value as readonly Value[])
        message.get(field).add(toScalar(field.scalar ?? ScalarType.INT32, item));
      return;
    case "map":
      throw new Error("no case sets the field of a map");
  }
}

function toScalar(scalar: ScalarType, value: Value): unknown {
  if (value instanceof Double) return value.value;
  const exact = value instanceof Unsigned ? value.value : isInteger(value) ? BigInt(value) : undefined;
  if (exact === undefined) return value;
  const isWide = [
    ScalarType.INT64,
    ScalarType.UINT64,
    ScalarType.SINT64,
    ScalarType.FIXED64,
    ScalarType.SFIXED64,
  ].includes(scalar);
  return isWide ? exact : Number(exact);
}

function toMessage(description: DescMessage, value: Value): ReflectMessage {
  if (value instanceof MessageValue) return reflect(description, value.message);
  const message = reflect(description, create(description));
  const name = description.typeName === "google.protobuf.Value" ? "number_value" : "value";
  const field = description.fields.find((candidate) => candidate.name === name);
  if (field?.fieldKind !== "scalar") throw new Error(`no case makes a ${description.typeName} of a value`);
  message.set(field, toScalar(field.scalar, value));
  return message;
}
