// The types that functions give: those of this profile, and those that a case declares, with type parameters.
// What the functions of this profile do stands in operations.ts; a declared function is only checked, never run.

import { BOOL, type Type } from "../../src/contracts/types.ts";
import {
  BYTES,
  DOUBLE,
  DURATION,
  DYN,
  foreignType,
  INT,
  joinAll,
  TEXT,
  TIMESTAMP,
  TYPE,
  UINT,
} from "./foreign-types.ts";
import { TIME_PARTS } from "./times.ts";

export interface DeclaredFunction {
  readonly params: readonly Type[];
  readonly result: Type;
}

const RESULTS: ReadonlyMap<string, Type> = new Map<string, Type>([
  ["dyn", DYN],
  ["type", TYPE],
  ["int", INT],
  ["uint", UINT],
  ["double", DOUBLE],
  ["string", TEXT],
  ["bytes", BYTES],
  ["bool", BOOL],
  ["timestamp", TIMESTAMP],
  ["duration", DURATION],
  ["size", INT],
  ["matches", BOOL],
  ["contains", BOOL],
  ["startsWith", BOOL],
  ["endsWith", BOOL],
  ...[...TIME_PARTS].map((name) => [name, INT] as const),
]);
const PARAMETER = "type parameter ";

/** A type that stands for whatever a call gives. */
export function typeParameter(name: string): Type {
  return foreignType(`${PARAMETER}${name}`);
}

export function resultOf(
  name: string,
  types: readonly Type[],
  declared: ReadonlyMap<string, readonly DeclaredFunction[]>,
): Type {
  const overload = declared.get(name)?.find(({ params }) => params.length === types.length);
  if (overload !== undefined) return substituted(overload.result, bindingsOf(overload.params, types));
  if (name === "optional.of") return foreignType("optional_type", types);
  if (name === "optional.none") return foreignType("optional_type", [{ kind: "unknown" }]);
  return RESULTS.get(name) ?? DYN;
}

/** What each type parameter stands for: the type that all its places have in common. */
function bindingsOf(params: readonly Type[], types: readonly Type[]): ReadonlyMap<string, Type> {
  const bindings = new Map<string, Type>();
  const pending = params.map((param, index) => [param, types[index] ?? DYN] as const);
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    const [param, type] = next;
    if (param.kind !== "foreign") continue;
    if (param.name.startsWith(PARAMETER)) bindings.set(param.name, joinAll([bindings.get(param.name) ?? type, type]));
    else if (type.kind === "foreign" && type.name === param.name)
      pending.push(...param.parts.map((part, index) => [part, type.parts[index] ?? DYN] as const));
  }
  return bindings;
}

function substituted(type: Type, bindings: ReadonlyMap<string, Type>): Type {
  if (type.kind !== "foreign") return type;
  const parts = type.parts.map((part) => substituted(part, bindings));
  return bindings.get(type.name) ?? foreignType(type.name, parts);
}
