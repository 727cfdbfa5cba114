// The types of CEL that contracts do not have, beside those of contracts: how they join, and how cel-spec names them.
// A contract has no text form for any of them.

import { joinTypes } from "../../src/contracts/type-relations.ts";
import {
  BOOL,
  INT64_MAX,
  INT64_MIN,
  integerType,
  LIST_LENGTH_MAX,
  NULL,
  TEXT_BYTES_MAX,
  type Type,
  textType,
} from "../../src/contracts/types.ts";

type ForeignType = Type & { readonly kind: "foreign" };

export function foreignType(name: string, parts: readonly Type[] = []): ForeignType {
  return { kind: "foreign", name, parts };
}

export const DYN = foreignType("dyn");
export const DOUBLE = foreignType("double");
export const UINT = foreignType("uint");
export const TIMESTAMP = foreignType("timestamp");
export const DURATION = foreignType("duration");
export const TYPE = foreignType("type");
export const INT = integerType(INT64_MIN, INT64_MAX);
export const TEXT = textType(TEXT_BYTES_MAX);
export const BYTES: Type = { kind: "bytes", bytesMax: TEXT_BYTES_MAX };

export function listOf(item: Type): Type {
  return { kind: "list", item, lengthMax: LIST_LENGTH_MAX };
}

/** The types that an expression can name, by that name. */
export const NAMED_TYPES: ReadonlyMap<string, Type> = new Map<string, Type>([
  ["bool", BOOL],
  ["int", INT],
  ["uint", UINT],
  ["double", DOUBLE],
  ["string", TEXT],
  ["bytes", BYTES],
  ["list", listOf(DYN)],
  ["map", foreignType("map", [DYN, DYN])],
  ["null_type", NULL],
  ["type", TYPE],
  ["google.protobuf.Timestamp", TIMESTAMP],
  ["google.protobuf.Duration", DURATION],
]);

export function isForeign(type: Type, name: string): boolean {
  return type.kind === "foreign" && type.name === name;
}

const NEVER_NULL = new Set(["dyn", "double", "uint", "map", "type"]);

/** The type that holds the values of both: dyn when nothing narrower does. */
export function joinAll(types: readonly Type[]): Type {
  return types.reduce<Type>(joined, { kind: "unknown" });
}

function joined(left: Type, right: Type): Type {
  if (left.kind === "null") return withNull(right);
  if (right.kind === "null") return withNull(left);
  const common = joinTypes(left, right);
  if (common !== undefined) return common;
  if (left.kind === "list" && right.kind === "list") return listOf(joined(left.item, right.item));
  if (isForeign(left, "wrapper")) return joinedWrapper(left, right);
  if (isForeign(right, "wrapper")) return joinedWrapper(right, left);
  if (left.kind !== "foreign" || right.kind !== "foreign" || left.name !== right.name) return DYN;
  const parts = left.parts.map((part, index) => joined(part, right.parts[index] ?? DYN));
  // dyn as a part takes in dyn only: parts of two other types make the whole dyn.
  const isWidened = parts.some(
    (part, index) =>
      isForeign(part, "dyn") &&
      !isForeign(left.parts[index] ?? DYN, "dyn") &&
      !isForeign(right.parts[index] ?? DYN, "dyn"),
  );
  return isWidened ? DYN : foreignType(left.name, parts);
}

function withNull(other: Type): Type {
  if (other.kind === "unknown" || other.kind === "null") return NULL;
  return other.kind === "foreign" && !NEVER_NULL.has(other.name) ? other : DYN;
}

/** What a wrapper holds; any other type is what it is. */
export function unwrapped(type: Type): Type {
  return type.kind === "foreign" && type.name === "wrapper" ? (type.parts[0] ?? DYN) : type;
}

function joinedWrapper(wrapper: Type, other: Type): Type {
  return isForeign(joined(unwrapped(wrapper), unwrapped(other)), "dyn") ? DYN : wrapper;
}

/** As cel-spec writes it, e.g. `map(string, list(int))`. */
export function celName(type: Type): string {
  switch (type.kind) {
    case "text":
      return "string";
    case "list":
      return `list(${celName(type.item)})`;
    case "unknown":
      return "dyn";
    case "foreign":
      return type.parts.length === 0 ? type.name : `${type.name}(${type.parts.map(celName).join(", ")})`;
    default:
      return type.kind;
  }
}
