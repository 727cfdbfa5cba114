// The keys of the state: `utf8(contract) 00 utf8(table) 00 parts`, parts in an order-preserving form.
// Integers are 8 bytes with the sign bit flipped, texts end in 00 (and hold none), byte strings write 00 as 00 FF and end in 00 00.

import { accept, refuse, type Verdict } from "../errors.ts";
import { decode, utf8Length, type Value } from "../ledger/codec.ts";
import { LIMITS } from "../ledger/limits.ts";
import { Slab } from "../ledger/slab.ts";
import { canonicalInteger } from "./arithmetic.ts";
import type { TableShape } from "./scope.ts";
import { LEDGER_CONTRACT } from "./system.ts";
import type { Column, Type } from "./types.ts";

export const STATE_KEY_BYTES_MAX = LIMITS.stateKeyBytesMax;

const UTF8 = new TextEncoder();
const TEXT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const SIGN = 1n << 63n;

/** `utf8(contract) 00 utf8(table) 00` */
export function tablePrefix(contract: string, table: string): Uint8Array {
  return UTF8.encode(`${contract}\0${table}\0`);
}

/** Where all timers stand: one row per contract and key. */
export const timerPrefix: Uint8Array = tablePrefix(LEDGER_CONTRACT, "timer");

export function isTimerKey(key: Uint8Array): boolean {
  return startsWithBytes(key, timerPrefix);
}

export function startsWithBytes(bytes: Uint8Array, prefix: Uint8Array): boolean {
  if (bytes.length < prefix.length) return false;
  for (let index = 0; index < prefix.length; index += 1) if (bytes[index] !== prefix[index]) return false;
  return true;
}

/** When a timer is due, ms, from the bytes of its row; 0 for bytes that are no row of a timer. */
export function timerDueMs(value: Uint8Array): number {
  const row = decode(value);
  const due = row.ok && Array.isArray(row.value) ? row.value[0] : undefined;
  return typeof due === "number" ? due : 0;
}

/** Bytes that a value of the type can need inside a key. */
export function partBytesMax(type: Type): number {
  switch (type.kind) {
    case "text":
      return type.bytesMax + 1;
    case "bytes":
      return type.bytesMax * 2 + 2;
    case "bool":
      return 1;
    default:
      return 8;
  }
}

/** Bytes that a key of the table can have. */
export function keyBytesMax({ contract, name, columns, keyLength }: TableShape): number {
  const prefixBytes = utf8Length(contract) + utf8Length(name) + 2;
  return columns.slice(0, keyLength).reduce((bytes, { type }) => bytes + partBytesMax(type), prefixBytes);
}

// Keys are short and made all the time: one scratch buffer, copied out once.
const SCRATCH = new Uint8Array(STATE_KEY_BYTES_MAX * 4);
/** Keys of a block. Who keeps one for longer copies it. */
const KEYS = new Slab(4096);

/** @param values of the key columns' types. @param rest what follows them, as bytes */
export function encodeKey(prefix: Uint8Array, values: readonly Value[], rest?: Uint8Array): Uint8Array {
  SCRATCH.set(prefix);
  let at = prefix.length;
  for (const value of values) at = writePart(value, at);
  if (rest !== undefined) {
    SCRATCH.set(rest, at);
    at += rest.length;
  }
  const key = KEYS.room(at);
  for (let index = 0; index < at; index += 1) key[index] = SCRATCH[index]!;
  return key;
}

function writePart(value: Value, at: number): number {
  if (typeof value === "string") return writeText(value, at);
  if (typeof value === "number" && value >= 0) return writeSafeInteger(value, at);
  if (typeof value === "number" || typeof value === "bigint") return writeInteger(BigInt(value), at);
  if (typeof value === "boolean") {
    SCRATCH[at] = value ? 1 : 0;
    return at + 1;
  }
  return value instanceof Uint8Array ? writeBytes(value, at) : at;
}

// Ids are ASCII nearly always: no call into the encoder for them.
function writeText(text: string, at: number): number {
  let end = at;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit > 127) {
      end = at + UTF8.encodeInto(text, SCRATCH.subarray(at)).written;
      break;
    }
    SCRATCH[end] = unit;
    end += 1;
  }
  SCRATCH[end] = 0;
  return end + 1;
}

function writeSafeInteger(value: number, at: number): number {
  const high = Math.floor(value / 4_294_967_296);
  const low = value >>> 0;
  SCRATCH[at] = 0x80 | (high >>> 24);
  SCRATCH[at + 1] = high >>> 16;
  SCRATCH[at + 2] = high >>> 8;
  SCRATCH[at + 3] = high;
  SCRATCH[at + 4] = low >>> 24;
  SCRATCH[at + 5] = low >>> 16;
  SCRATCH[at + 6] = low >>> 8;
  SCRATCH[at + 7] = low;
  return at + 8;
}

function writeInteger(value: bigint, at: number): number {
  let rest = BigInt.asUintN(64, value) ^ SIGN;
  for (let index = 7; index >= 0; index -= 1) {
    SCRATCH[at + index] = Number(rest & 255n);
    rest >>= 8n;
  }
  return at + 8;
}

function writeBytes(bytes: Uint8Array, at: number): number {
  let end = at;
  for (const byte of bytes) {
    SCRATCH[end] = byte;
    end += 1;
    if (byte === 0) {
      SCRATCH[end] = 0xff;
      end += 1;
    }
  }
  SCRATCH[end] = 0;
  SCRATCH[end + 1] = 0;
  return end + 2;
}

/** The values of the key columns, from the bytes after the table's prefix. */
export function decodeKey(
  key: Uint8Array,
  prefixLength: number,
  columns: readonly Column[],
): Verdict<readonly Value[]> {
  const values: Value[] = [];
  let at = prefixLength;
  for (const { type } of columns) {
    const part = readPart(key, at, type);
    if (part === undefined) return refuse("KEY_INVALID", `at byte ${at}`);
    values.push(part.value);
    at = part.end;
  }
  return at === key.length ? accept(values) : refuse("KEY_INVALID", `at byte ${at}`);
}

function readPart(
  key: Uint8Array,
  at: number,
  type: Type,
): { readonly value: Value; readonly end: number } | undefined {
  switch (type.kind) {
    case "bool":
      return at < key.length ? { value: key[at] === 1, end: at + 1 } : undefined;
    case "int":
      return at + 8 <= key.length ? { value: readInteger(key, at), end: at + 8 } : undefined;
    case "text": {
      const end = key.indexOf(0, at);
      return end < 0 ? undefined : readText(key.subarray(at, end), end + 1);
    }
    case "bytes":
      return readBytes(key, at);
    default:
      return undefined;
  }
}

function readText(bytes: Uint8Array, end: number): { readonly value: string; readonly end: number } | undefined {
  try {
    return { value: TEXT.decode(bytes), end };
  } catch {
    return undefined;
  }
}

function readInteger(key: Uint8Array, at: number): Value {
  let value = 0n;
  for (let index = 0; index < 8; index += 1) value = (value << 8n) | BigInt(key[at + index] ?? 0);
  const integer = canonicalInteger(BigInt.asIntN(64, value ^ SIGN));
  return typeof integer === "object" ? 0 : integer;
}

function readBytes(key: Uint8Array, at: number): { readonly value: Uint8Array; readonly end: number } | undefined {
  const bytes: number[] = [];
  for (let index = at; index < key.length - 1; index += 2) {
    if (key[index] !== 0) {
      bytes.push(key[index] ?? 0);
      index -= 1;
    } else if (key[index + 1] === 0xff) bytes.push(0);
    else return key[index + 1] === 0 ? { value: Uint8Array.from(bytes), end: index + 2 } : undefined;
  }
  return undefined;
}
