// The types of contracts: their text form, which value belongs to which type, and which type fits where.
// No double, no unsigned, no dynamic type; texts are measured in bytes of UTF-8, lists and texts always have a bound.

import { utf8Length, type Value } from "../ledger/codec.ts";
import { isDigit, isNamePart, isNameStart } from "./lexer.ts";
import { hiddenCharacter } from "./text.ts";

export type IntegerName = "int" | "count" | "money" | "area" | "time";

export type Type =
  | { readonly kind: "bool" }
  | { readonly kind: "int"; readonly name: IntegerName; readonly min: bigint; readonly max: bigint }
  /** `values`: the only texts possible (an enum, or literals); `isId`: names accounts and things */
  | {
      readonly kind: "text";
      readonly bytesMax: number;
      readonly isId: boolean;
      readonly values: readonly string[] | undefined;
    }
  | { readonly kind: "bytes"; readonly bytesMax: number }
  | { readonly kind: "list"; readonly item: Type; readonly lengthMax: number }
  /** a row that was read; `isOptional`: may be null */
  | { readonly kind: "row"; readonly table: string; readonly isOptional: boolean }
  /** a row of a list that was read by an index; `table` is `contract.table` */
  | { readonly kind: "record"; readonly table: string; readonly columns: readonly Column[] }
  /** a field that is gone: its place in the rows remains, and nothing names it */
  | { readonly kind: "dropped"; readonly was: Type }
  | { readonly kind: "null" }
  /** of a dialect only: no text form, no column, no value on the chain */
  | { readonly kind: "foreign"; readonly name: string; readonly parts: readonly Type[] }
  /** of a part that already has a finding, and of the items of []: fits everywhere */
  | { readonly kind: "unknown" };

export interface Column {
  readonly name: string;
  readonly type: Type;
  /** as declared */
  readonly typeText: string;
  readonly defaultValue: Value | undefined;
}

export const INT64_MIN = -(1n << 63n);
export const INT64_MAX = (1n << 63n) - 1n;
const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);
export const ID_BYTES_MAX = 64;
export const TEXT_BYTES_MAX = 131_072;
export const LIST_LENGTH_MAX = 4096;
const LIST_DEPTH_MAX = 3;
export const ENUM_VALUES_MAX = 64;

export const BOOL: Type = { kind: "bool" };
export const UNKNOWN: Type = { kind: "unknown" };
export const NULL: Type = { kind: "null" };
export const ID: Type = { kind: "text", bytesMax: ID_BYTES_MAX, isId: true, values: undefined };
export const TIME: Type = { kind: "int", name: "time", min: 0n, max: SAFE_MAX };

export function integerType(min: bigint, max: bigint, name: IntegerName = "int"): Type & { readonly kind: "int" } {
  return { kind: "int", name, min, max };
}

export function textType(bytesMax: number, values?: readonly string[]): Type {
  return { kind: "text", bytesMax: Math.min(bytesMax, TEXT_BYTES_MAX), isId: false, values };
}

/** The types written as one word. */
export const NAMED_TYPES: ReadonlyMap<string, Type> = new Map<string, Type>([
  ["bool", BOOL],
  ["int", integerType(INT64_MIN, INT64_MAX)],
  ["count", integerType(0n, SAFE_MAX, "count")],
  ["money", integerType(0n, SAFE_MAX, "money")],
  ["area", integerType(0n, SAFE_MAX, "area")],
  ["time", TIME],
  ["id", ID],
]);
const PARAMETRIC_TYPES = ["int(a..b)", "text(n)", "bytes(n)", "enum(a,b)", "list(type, n)", "table.field"];
export const KNOWN_TYPES: readonly string[] = [...NAMED_TYPES.keys(), ...PARAMETRIC_TYPES];

export type TypeReading =
  | { readonly ok: true; readonly type: Type }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** What `table.field` and `contract.table.field` stand for; undefined: no such field. */
export type FieldLookup = (path: readonly string[]) => Type | undefined;

/** Reads the text form of a type, e.g. `list(text(16), 8)`. */
export function parseType(text: string, lookup: FieldLookup): TypeReading {
  const reader = new TypeReader(text, lookup);
  const reading = reader.type(0);
  if (reading.ok && !reader.isAtEnd())
    return { ok: false, code: "TYPE_SYNTAX", message: `the type ${quote(text)} continues after its end` };
  return reading;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
}

class TypeReader {
  private position = 0;
  private readonly text: string;
  private readonly lookup: FieldLookup;

  constructor(text: string, lookup: FieldLookup) {
    this.text = text;
    this.lookup = lookup;
  }

  isAtEnd(): boolean {
    this.skipBlanks();
    return this.position >= this.text.length;
  }

  type(depth: number): TypeReading {
    const path = this.path();
    const name = path.join(".");
    if (path.length === 0) return this.refuse("TYPE_SYNTAX", "a type is expected");
    if (path.length > 1) {
      const type = this.lookup(path);
      return type === undefined ? this.refuse("TYPE_UNKNOWN", `there is no field ${quote(name)}`) : { ok: true, type };
    }
    if (!this.take("(")) {
      const type = NAMED_TYPES.get(name);
      return type === undefined ? this.refuse("TYPE_UNKNOWN", `there is no type ${quote(name)}`) : { ok: true, type };
    }
    const reading = this.parametric(name, depth);
    if (reading.ok && !this.take(")")) return this.refuse("TYPE_SYNTAX", `the type ${quote(this.text)} lacks a )`);
    return reading;
  }

  private parametric(name: string, depth: number): TypeReading {
    if (name === "int") return this.range();
    if (name === "enum") return this.enumeration();
    if (name === "list") return this.listOf(depth);
    if (name !== "text" && name !== "bytes")
      return this.refuse("TYPE_UNKNOWN", `there is no type ${quote(`${name}(...)`)}`);
    const bytesMax = this.bound(TEXT_BYTES_MAX);
    if (bytesMax === undefined)
      return this.refuse("TYPE_BOUND", `${name} needs a bound from 1 to ${TEXT_BYTES_MAX} bytes`);
    return { ok: true, type: name === "text" ? textType(bytesMax) : { kind: "bytes", bytesMax } };
  }

  private range(): TypeReading {
    const min = this.integer();
    const max = this.take("..") ? this.integer() : undefined;
    const isRange = min !== undefined && max !== undefined && min <= max && min >= INT64_MIN && max <= INT64_MAX;
    return isRange
      ? { ok: true, type: integerType(min, max) }
      : this.refuse("TYPE_BOUND", "int(a..b) needs two 64-bit integers, the smaller first");
  }

  private enumeration(): TypeReading {
    const values: string[] = [];
    do {
      const value = this.word();
      if (value === "" || values.includes(value))
        return this.refuse("TYPE_ENUM", "enum needs distinct names, separated by commas");
      values.push(value);
    } while (values.length <= ENUM_VALUES_MAX && this.take(","));
    if (values.length > ENUM_VALUES_MAX) return this.refuse("TYPE_ENUM", `enum has at most ${ENUM_VALUES_MAX} names`);
    return { ok: true, type: textType(Math.max(...values.map((value) => value.length)), values) };
  }

  private listOf(depth: number): TypeReading {
    if (depth >= LIST_DEPTH_MAX) return this.refuse("TYPE_TOO_DEEP", `lists nest at most ${LIST_DEPTH_MAX} deep`);
    const item = this.type(depth + 1);
    if (!item.ok) return item;
    const lengthMax = this.take(",") ? this.bound(LIST_LENGTH_MAX) : undefined;
    if (lengthMax === undefined)
      return this.refuse("TYPE_BOUND", `list(type, n) needs a bound from 1 to ${LIST_LENGTH_MAX}`);
    return { ok: true, type: { kind: "list", item: item.type, lengthMax } };
  }

  private bound(max: number): number | undefined {
    const value = this.integer();
    return value !== undefined && value >= 1n && value <= BigInt(max) ? Number(value) : undefined;
  }

  private integer(): bigint | undefined {
    this.skipBlanks();
    const sign = this.text[this.position] === "-" ? -1n : 1n;
    if (sign < 0n) this.position += 1;
    const start = this.position;
    while (isDigit(this.text.charCodeAt(this.position)) && this.position - start < 20) this.position += 1;
    return start === this.position ? undefined : sign * BigInt(this.text.slice(start, this.position));
  }

  // Names of contracts may hold hyphens: device-repair.order.state.
  private path(): readonly string[] {
    const parts = [this.word()];
    while (this.text[this.position] === "." && this.text[this.position + 1] !== ".") {
      this.position += 1;
      parts.push(this.word());
    }
    return parts.includes("") ? [] : parts;
  }

  private word(): string {
    this.skipBlanks();
    const start = this.position;
    if (!isNameStart(this.text.charCodeAt(start))) return "";
    while (isNamePart(this.text.charCodeAt(this.position)) || this.text[this.position] === "-") this.position += 1;
    return this.text.slice(start, this.position);
  }

  private take(sign: string): boolean {
    this.skipBlanks();
    if (!this.text.startsWith(sign, this.position)) return false;
    this.position += sign.length;
    return true;
  }

  private skipBlanks(): void {
    while (this.text[this.position] === " ") this.position += 1;
  }

  private refuse(code: string, message: string): TypeReading {
    return { ok: false, code, message };
  }
}

/** The text form, for messages and schemas. */
export function typeName(type: Type): string {
  switch (type.kind) {
    case "int":
      return type.name !== "int" || (type.min === INT64_MIN && type.max === INT64_MAX)
        ? type.name
        : `int(${type.min}..${type.max})`;
    case "text":
      if (type.isId) return "id";
      return type.values === undefined ? `text(${type.bytesMax})` : `enum(${type.values.join(",")})`;
    case "bytes":
      return `bytes(${type.bytesMax})`;
    case "list":
      return `list(${typeName(type.item)}, ${type.lengthMax})`;
    case "dropped":
      return `dropped(${typeName(type.was)})`;
    case "row":
    case "record":
      return `row of ${type.table}`;
    case "foreign":
      return type.name;
    default:
      return type.kind;
  }
}

/** Rows are read and looked into; they are never compared, said or stored as a whole. */
export function holdsRows(type: Type): boolean {
  return type.kind === "row" || type.kind === "record" || (type.kind === "list" && holdsRows(type.item));
}

function isAscii(text: string, codeMin: number): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < codeMin || code > 0x7e) return false;
  }
  return true;
}

// NUL ends a text inside a state key; ids are single words.
function isPlain(text: string, codeMin: number): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) < codeMin) return false;
  return text.isWellFormed();
}

/** A total test whether a value, from a transaction or computed, belongs to a declared type. */
export function membership(type: Type): (value: Value) => boolean {
  switch (type.kind) {
    case "bool":
      return (value) => typeof value === "boolean";
    case "int":
      return integerMembership(type.min, type.max);
    case "text":
      return textMembership(type);
    case "bytes":
      return (value) => value instanceof Uint8Array && value.length <= type.bytesMax;
    case "list": {
      const isItem = membership(type.item);
      return (value) => Array.isArray(value) && value.length <= type.lengthMax && value.every(isItem);
    }
    case "dropped":
      return (value) => value === null;
    case "unknown":
      // A column of a contract that is not at hand: its declaration is believed.
      return () => true;
    default:
      return () => false;
  }
}

function integerMembership(min: bigint, max: bigint): (value: Value) => boolean {
  if (min >= -SAFE_MAX && max <= SAFE_MAX) {
    const low = Number(min);
    const high = Number(max);
    return (value) => typeof value === "number" && value >= low && value <= high && Number.isInteger(value);
  }
  return (value) =>
    (typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value))) &&
    value >= min &&
    value <= max;
}

function textMembership(type: Type & { kind: "text" }): (value: Value) => boolean {
  const { bytesMax, values } = type;
  if (values !== undefined) return (value) => typeof value === "string" && values.includes(value);
  const codeMin = type.isId ? 33 : 1;
  return (value) =>
    typeof value === "string" &&
    value.length <= bytesMax &&
    // Nearly every id and name: nothing of what follows can be in it.
    (isAscii(value, codeMin) ||
      (isPlain(value, codeMin) &&
        utf8Length(value) <= bytesMax &&
        // Two ids that look the same would be taken for one.
        (!type.isId || hiddenCharacter(value) < 0)));
}

/** Bytes that a value of the type needs at most in the state: what gas and keys are bounded by. */
export function sizeMax(type: Type): number {
  switch (type.kind) {
    case "int":
      return 9;
    case "text":
    case "bytes":
      return type.bytesMax + 5;
    case "list":
      return type.lengthMax * sizeMax(type.item) + 5;
    case "dropped":
      return sizeMax(type.was);
    case "record":
      return type.columns.reduce((bytes, column) => bytes + sizeMax(column.type), 5);
    default:
      return 1;
  }
}
