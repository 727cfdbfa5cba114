// What is known of values before anything runs: ranges of integers, possible texts, truth; and what a condition tells about names.
// Knowledge only ever narrows. It is about one run of an action, in which no name changes its value.

import { greatest, least } from "./intervals.ts";
import type { ComparisonOperator } from "./typed.ts";
import type { Type } from "./types.ts";

export type Known =
  | { readonly kind: "int"; readonly min: bigint; readonly max: bigint }
  /** one of these texts */
  | { readonly kind: "text"; readonly values: readonly string[] }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "nothing" };

export const NOTHING_KNOWN: Known = Object.freeze({ kind: "nothing" });

/** What holds of names by their labels; undefined: this cannot be. */
export type Facts = ReadonlyMap<string, Known> | undefined;

export const NO_FACTS: Facts = new Map();

export function knownOfType(type: Type): Known {
  if (type.kind === "int") return { kind: "int", min: type.min, max: type.max };
  return type.kind === "text" && type.values !== undefined ? { kind: "text", values: type.values } : NOTHING_KNOWN;
}

/** Both hold; undefined: they contradict each other. */
export function meet(left: Known, right: Known): Known | undefined {
  if (left.kind === "nothing") return right;
  if (right.kind === "nothing") return left;
  if (left.kind === "int" && right.kind === "int") {
    const min = greatest([left.min, right.min]);
    const max = least([left.max, right.max]);
    return min > max ? undefined : { kind: "int", min, max };
  }
  if (left.kind === "text" && right.kind === "text") {
    const allowed = new Set(right.values);
    const values = left.values.filter((value) => allowed.has(value));
    return values.length === 0 ? undefined : { kind: "text", values };
  }
  return left.kind === "bool" && right.kind === "bool" && left.value !== right.value ? undefined : left;
}

/** One of them holds. */
export function join(left: Known, right: Known): Known {
  if (left.kind === "int" && right.kind === "int")
    return { kind: "int", min: least([left.min, right.min]), max: greatest([left.max, right.max]) };
  if (left.kind === "text" && right.kind === "text")
    return { kind: "text", values: [...new Set([...left.values, ...right.values])] };
  return right.kind === "bool" && left.kind === "bool" && left.value === right.value ? left : NOTHING_KNOWN;
}

export function bothFacts(left: Facts, right: Facts): Facts {
  if (left === undefined || right === undefined) return undefined;
  if (left.size === 0) return right;
  const facts = new Map(left);
  for (const [label, known] of right) {
    const met = meet(left.get(label) ?? NOTHING_KNOWN, known);
    if (met === undefined) return undefined;
    facts.set(label, met);
  }
  return facts;
}

export function eitherFacts(left: Facts, right: Facts): Facts {
  if (left === undefined) return right;
  if (right === undefined) return left;
  const facts = new Map<string, Known>();
  for (const [label, known] of left) {
    const other = right.get(label);
    const joined = other === undefined ? NOTHING_KNOWN : join(known, other);
    if (joined.kind !== "nothing") facts.set(label, joined);
  }
  return facts;
}

const OPPOSITES: Readonly<Record<ComparisonOperator, ComparisonOperator>> = {
  "==": "!=",
  "!=": "==",
  "<": ">=",
  ">=": "<",
  ">": "<=",
  "<=": ">",
};
const MIRRORED: Readonly<Record<ComparisonOperator, ComparisonOperator>> = {
  "==": "==",
  "!=": "!=",
  "<": ">",
  ">": "<",
  "<=": ">=",
  ">=": "<=",
};

export function opposite(operator: ComparisonOperator): ComparisonOperator {
  return OPPOSITES[operator];
}

export function mirrored(operator: ComparisonOperator): ComparisonOperator {
  return MIRRORED[operator];
}

/** What of `left` remains when `left operator right` holds; undefined: it never does. */
export function narrowed(left: Known, operator: ComparisonOperator, right: Known): Known | undefined {
  if (left.kind === "int" && right.kind === "int") return narrowedRange(left, operator, right);
  if (operator === "==") return meet(left, right);
  if (operator !== "!=") return left;
  if (left.kind === "text" && right.kind === "text" && right.values.length === 1) return without(left, right.values);
  if (left.kind === "bool" && right.kind === "bool") return left.value === right.value ? undefined : left;
  // The other of the two.
  return left.kind === "nothing" && right.kind === "bool" ? { kind: "bool", value: !right.value } : left;
}

export function without(known: Known & { kind: "text" }, excluded: readonly string[]): Known | undefined {
  const gone = new Set(excluded);
  const values = known.values.filter((value) => !gone.has(value));
  return values.length === 0 ? undefined : { kind: "text", values };
}

type Range = Known & { kind: "int" };

function narrowedRange(left: Range, operator: ComparisonOperator, right: Range): Known | undefined {
  switch (operator) {
    case "==":
      return meet(left, right);
    case "!=":
      return withoutEnd(left, right);
    case "<":
      return range(left.min, least([left.max, right.max - 1n]));
    case "<=":
      return range(left.min, least([left.max, right.max]));
    case ">":
      return range(greatest([left.min, right.min + 1n]), left.max);
    case ">=":
      return range(greatest([left.min, right.min]), left.max);
  }
}

function withoutEnd(left: Range, right: Range): Known | undefined {
  if (right.min !== right.max) return left;
  const min = left.min === right.min ? left.min + 1n : left.min;
  return range(min, left.max === right.min ? left.max - 1n : left.max);
}

function range(min: bigint, max: bigint): Known | undefined {
  return min > max ? undefined : { kind: "int", min, max };
}
