// How types relate: what two branches have in common, what may be assigned to a declared column, what comparing costs.
// Ranges and lengths that only a run can tell are checked at run time by membership.

import { byteUnits } from "./gas.ts";
import { commonUnit, greatest, least } from "./intervals.ts";
import { ENUM_VALUES_MAX, integerType, sizeMax, type Type, textType, typeName } from "./types.ts";

/** The type that holds the values of both; undefined when they are of different kinds. */
export function joinTypes(left: Type, right: Type): Type | undefined {
  if (left.kind === "unknown") return right;
  if (right.kind === "unknown") return left;
  if (left.kind === "int" && right.kind === "int") {
    const [min, max] = [least([left.min, right.min]), greatest([left.max, right.max])];
    return integerType(min, max, commonUnit(left.name, right.name));
  }
  if (left.kind === "text" && right.kind === "text") {
    return textType(Math.max(left.bytesMax, right.bytesMax), joinValues(left.values, right.values));
  }
  if (left.kind === "bytes" && right.kind === "bytes")
    return { kind: "bytes", bytesMax: Math.max(left.bytesMax, right.bytesMax) };
  if (left.kind === "list" && right.kind === "list") {
    const item = joinTypes(left.item, right.item);
    return item === undefined
      ? undefined
      : { kind: "list", item, lengthMax: Math.max(left.lengthMax, right.lengthMax) };
  }
  // Only their dialect knows how its types relate.
  if (left.kind === "record" && right.kind === "record") return left.table === right.table ? left : undefined;
  return left.kind === right.kind && left.kind !== "foreign" ? left : undefined;
}

/** More than an enum can have fit none: they are kept no longer, so that joining many literals takes linear time. */
function joinValues(
  left: readonly string[] | undefined,
  right: readonly string[] | undefined,
): readonly string[] | undefined {
  if (left === undefined || right === undefined) return undefined;
  const values = new Set([...left, ...right]);
  return values.size > ENUM_VALUES_MAX ? undefined : [...values];
}

/** A value that `from` can have and the enum `to` cannot; undefined when every value fits or `to` is open. */
export function valuesOutside(from: Type, to: Type): string | undefined {
  if (from.kind !== "text" || to.kind !== "text" || to.values === undefined) return undefined;
  const allowed = to.values;
  return from.values?.find((value) => !allowed.includes(value));
}

/** Why a value of `from` can never, or not knowingly, stand in a column of `to`; undefined when it may. */
export function assignmentFault(
  from: Type,
  to: Type,
): { readonly code: string; readonly message: string; readonly known?: readonly string[] } | undefined {
  const mismatch = { code: "TYPE_MISMATCH", message: `${typeName(to)} is expected here, not ${typeName(from)}` };
  if (from.kind === "unknown" || to.kind === "unknown") return undefined;
  if (from.kind === "int" && to.kind === "int") {
    const never = from.max < to.min || from.min > to.max;
    return never
      ? { code: "VALUE_OUT_OF_RANGE", message: `the value is always outside ${typeName(to)} (${to.min} to ${to.max})` }
      : undefined;
  }
  if (from.kind === "text" && to.kind === "text") {
    if (to.values === undefined) return undefined;
    const foreign = valuesOutside(from, to);
    if (foreign !== undefined)
      return {
        code: "VALUE_UNKNOWN",
        message: `${JSON.stringify(foreign)} is not one of the possible values`,
        known: to.values,
      };
    return from.values === undefined ? mismatch : undefined;
  }
  if (from.kind === "list" && to.kind === "list")
    return assignmentFault(from.item, to.item) === undefined ? undefined : mismatch;
  return from.kind === to.kind && from.kind !== "row" && from.kind !== "null" ? undefined : mismatch;
}

/** Units for comparing two values, beside the node: by what can be compared at most. */
export function unitsToCompare(left: Type, right: Type): number {
  if (left.kind === "list" && right.kind === "list") {
    const length = Math.min(left.lengthMax, right.lengthMax);
    return length * (1 + unitsToCompare(left.item, right.item));
  }
  const isText = left.kind === "text" || left.kind === "bytes";
  return isText ? byteUnits(Math.min(sizeMax(left), sizeMax(right))) : 0;
}
