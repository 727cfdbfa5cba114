// The JSON form of contract values, the same in both directions: what RPC says and what people type.
// Never hashed, never signed: the bytes that count are canonical CBOR (codec.ts).

import { accept, refuse, type Verdict } from "../errors.ts";
import type { Value } from "./codec.ts";
import { fromHex, toHex } from "./hash.ts";

/** Integers beyond 2^53 are `{int: "decimal"}`, byte strings `{hex: "lower case"}`: a text never looks like either. */
export type ValueJson =
  | null
  | boolean
  | number
  | string
  | { readonly int: string }
  | { readonly hex: string }
  | readonly ValueJson[];

/** Deeper than any value of the contract language can be. */
export const VALUE_JSON_DEPTH_MAX = 8;

export function valueToJson(value: Value): ValueJson {
  if (typeof value === "bigint") return { int: value.toString() };
  if (value instanceof Uint8Array) return { hex: toHex(value) };
  if (typeof value === "object" && value !== null) return value.map(valueToJson);
  return value;
}

/** Named values (fields of a row, of an event, arguments) as one object. */
export function namedToJson(
  named: readonly (readonly [name: string, value: Value])[],
): Readonly<Record<string, ValueJson>> {
  return Object.fromEntries(named.map(([name, value]) => [name, valueToJson(value)]));
}

/** @returns the value, or `VALUE_JSON_INVALID` with what was expected */
export function valueFromJson(json: unknown): Verdict<Value> {
  return valueAt(json, 0);
}

/** Arguments of a call: an object of values, in any order. */
export function namedFromJson(json: unknown): Verdict<Readonly<Record<string, Value>>> {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    return refuse("VALUE_JSON_INVALID", "an object of named values");
  const entries: [string, Value][] = [];
  for (const [name, item] of Object.entries(json)) {
    const value = valueFromJson(item);
    if (!value.ok) return refuse(value.code, `${name}: ${value.detail}`);
    entries.push([name, value.value]);
  }
  return accept(Object.fromEntries(entries));
}

function valueAt(json: unknown, depth: number): Verdict<Value> {
  if (depth > VALUE_JSON_DEPTH_MAX) return refuse("VALUE_JSON_INVALID", `nested deeper than ${VALUE_JSON_DEPTH_MAX}`);
  if (json === null || typeof json === "boolean") return accept(json);
  if (typeof json === "string")
    return json.isWellFormed() ? accept(json) : refuse("VALUE_JSON_INVALID", "text with a lone surrogate");
  if (typeof json === "number") {
    return Number.isSafeInteger(json)
      ? accept(json === 0 ? 0 : json)
      : refuse("VALUE_JSON_INVALID", 'numbers are whole and below 2^53; larger ones are {"int": "..."}');
  }
  if (Array.isArray(json)) return listAt(json, depth);
  if (typeof json === "object") return taggedValue(json);
  return refuse("VALUE_JSON_INVALID", `${typeof json} is no value`);
}

function listAt(json: readonly unknown[], depth: number): Verdict<Value> {
  const items: Value[] = [];
  for (const item of json) {
    const value = valueAt(item, depth + 1);
    if (!value.ok) return value;
    items.push(value.value);
  }
  return accept(items);
}

function taggedValue(json: object): Verdict<Value> {
  const [entry, ...others] = Object.entries(json);
  if (entry !== undefined && others.length === 0) {
    const [tag, text] = entry;
    if (tag === "hex" && typeof text === "string") {
      const bytes = fromHex(text);
      if (bytes !== undefined) return accept(bytes);
    }
    // 20 characters hold every 64-bit integer.
    if (tag === "int" && typeof text === "string" && text.length <= 20 && /^(0|-?[1-9][0-9]*)$/.test(text)) {
      const integer = BigInt(text);
      const safe = Number(integer);
      return accept(Number.isSafeInteger(safe) ? safe : integer);
    }
  }
  return refuse("VALUE_JSON_INVALID", 'an object is either {"int": "decimal"} or {"hex": "lower-case digits"}');
}
