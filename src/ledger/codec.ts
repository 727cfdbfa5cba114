// Canonical CBOR (RFC 8949 4.2.1 without maps, tags and floats): cbor-x writes, the strict reader below reads.
// The reader is scanner and decoder in one: what it accepts re-encodes to the same bytes, and nothing else is accepted.

import { Encoder } from "cbor-x";
import { accept, LedgerError, refuse, type Verdict } from "../errors.ts";
import { bytesEqual, EMPTY_BYTES, unitsOf } from "./hash.ts";

/** What the formats are made of. Integers are numbers while safe, bigints beyond (from -2^63 to 2^64-1). */
export type Value = null | boolean | number | bigint | string | Uint8Array | readonly Value[];

export interface DecodeLimits {
  readonly bytesMax: number;
  readonly depthMax: number;
  readonly itemsMax: number;
}

export const DECODE_LIMITS: DecodeLimits = { bytesMax: 8 << 20, depthMax: 16, itemsMax: 1_000_000 };

const ENCODER = new Encoder({
  useRecords: false,
  mapsAsObjects: true,
  tagUint8Array: false,
  variableMapSize: true,
  structuredClone: false,
});
/** Modes of cbor-x 1.6 that its types lack: the result stays in its buffer, from `start` to `end`, and the next call writes over it. */
const IN_PLACE = 512 | 1024;
declare module "cbor-x" {
  interface Encoder {
    encode(value: unknown, mode: number): Uint8Array & { readonly start: number; readonly end: number };
  }
}
const TEXT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const INTEGER_64_MIN = -(1n << 63n);
/** Names and ids: for them a call of the decoder costs more than their bytes. */
const PLAIN_TEXT_BYTES_MAX = 24;
/** Up to here V8 keeps the bytes of an array in its own heap. */
const HEAP_BYTES_MAX = 64;
const SHORT_LIST_ITEMS_MAX = 16;
const INTEGER_32_END = 4_294_967_296;

/**
 * @returns the canonical bytes, a buffer of their own
 * @throws LedgerError `ENCODE_INVALID` for floats, unsafe numbers, undefined or lone surrogates: our own bug
 */
export function encode(value: Value): Uint8Array {
  return new Uint8Array(encodeInPlace(value));
}

/** The canonical bytes as a view of what the next call writes over. @throws as `encode` */
export function encodeInPlace(value: Value): Uint8Array {
  const buffer = ENCODER.encode(normalise(value), IN_PLACE);
  const { start, end } = buffer;
  return new Uint8Array(buffer.buffer, buffer.byteOffset + start, end - start);
}

// cbor-x writes numbers from 2^32 on as floats and every bigint in 8 bytes: choose the form that is shortest.
function normalise(value: Value): Value {
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value))
      throw new LedgerError("ENCODE_INVALID", { reason: "number is not a safe integer" });
    if (value >= INTEGER_32_END || value < -INTEGER_32_END) return BigInt(value);
    return value;
  }
  if (typeof value === "bigint") {
    if (value >= 1n << 64n || value < INTEGER_64_MIN)
      throw new LedgerError("ENCODE_INVALID", { reason: "integer exceeds 64 bits" });
    return value < 4_294_967_296n && value >= -4_294_967_296n ? Number(value) : value;
  }
  if (typeof value === "string") {
    if (!value.isWellFormed()) throw new LedgerError("ENCODE_INVALID", { reason: "text has a lone surrogate" });
    return value;
  }
  if (Array.isArray(value)) return normaliseItems(value);
  if (value === null || typeof value === "boolean" || value instanceof Uint8Array) return value;
  throw new LedgerError("ENCODE_INVALID", { reason: `type ${typeof value} has no form` });
}

// Most arrays are in that form already: copied only from the first item on that is not.
function normaliseItems(items: readonly Value[]): readonly Value[] {
  let normal: Value[] | undefined;
  for (let index = 0; index < items.length; index += 1) {
    const item = items[index]!;
    const form = normalise(item);
    if (form !== item) normal ??= items.slice(0, index);
    normal?.push(form);
  }
  return normal ?? items;
}

/** Bytes of the UTF-8 form of a well-formed text. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    // A surrogate pair is two units and four bytes: one more for each half.
    length += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return length;
}

/** Reads canonical bytes of any shape; byte strings in the result are copies, so that a frame is never pinned by a field. */
export function decode(bytes: Uint8Array, limits: DecodeLimits = DECODE_LIMITS): Verdict<Value> {
  return decodeWith(bytes, limits, (reader) => reader.item(0));
}

/**
 * Reads canonical bytes of one format in one pass. `read` takes the items in order and throws through the reader;
 * whatever it leaves unread is refused.
 */
export function decodeWith<T>(bytes: Uint8Array, limits: DecodeLimits, read: (reader: Reader) => T): Verdict<T> {
  if (bytes.length > limits.bytesMax) return refuse("CBOR_TOO_LARGE", `${bytes.length} bytes`);
  // A Buffer's slice and subarray mean something else than a Uint8Array's: read through a plain view.
  const plain =
    bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = new Reader(plain, limits);
  try {
    const value = read(reader);
    if (reader.position !== plain.length) return refuse("CBOR_TRAILING", `at byte ${reader.position}`);
    return accept(value);
  } catch (error) {
    if (error instanceof Malformed) return refuse(error.code, `at byte ${reader.position}`);
    throw error;
  }
}

/**
 * The same bytes in a buffer of their own unless they have one: what is kept must not pin a network buffer, nor change with it.
 * Views into the result pin the result and nothing more.
 */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  // A short array has no buffer until it is asked for it, and that costs more than a copy.
  if (bytes.length <= HEAP_BYTES_MAX) {
    const own = new Uint8Array(bytes.length);
    own.set(bytes);
    return own;
  }
  if (bytes.constructor === Uint8Array && bytes.byteLength === bytes.buffer.byteLength) return bytes;
  return Uint8Array.prototype.slice.call(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

function negative(argument: number | bigint): number | bigint {
  if (typeof argument === "number" && argument < Number.MAX_SAFE_INTEGER) return -1 - argument;
  const value = -1n - BigInt(argument);
  if (value < INTEGER_64_MIN) throw new Malformed("CBOR_INTEGER_RANGE");
  return value;
}

class Malformed extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** A cursor over canonical bytes. Every method reads one item of the stated type and bounds, or ends the decoding. */
export class Reader {
  position = 0;
  readonly bytes: Uint8Array;
  private end: number;
  private items = 0;
  private readonly limits: DecodeLimits;

  constructor(bytes: Uint8Array, limits: DecodeLimits) {
    this.bytes = bytes;
    this.end = bytes.length;
    this.limits = limits;
  }

  /** Ends the decoding: the verdict carries `code` and the position. */
  fail(code: string): never {
    throw new Malformed(code);
  }

  /** An array's head. @returns the number of items that follow, from `min` to `max` */
  array(min: number, max: number): number {
    const count = this.head(4, "CBOR_NOT_ARRAY");
    if (typeof count === "bigint" || count > this.end - this.position) throw new Malformed("CBOR_TRUNCATED");
    if (count < min || count > max) throw new Malformed("CBOR_COUNT");
    return count;
  }

  /** The head of an array of exactly `count` items: how every format begins. */
  tuple(count: number): void {
    this.array(count, count);
  }

  /** A list of `min` to `max` items, each read by `read`. */
  list<T>(min: number, max: number, read: (reader: Reader, index: number) => T): T[] {
    const count = this.array(min, max);
    // What most lists have: an array that grows has room for seventeen.
    if (count === 1) return [read(this, 0)];
    const list: T[] = [];
    for (let index = 0; index < count; index += 1) list.push(read(this, index));
    return list;
  }

  /** An unsigned integer from `min` to `max`, both safe. */
  uint(min: number, max: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.head(0, "CBOR_NOT_UNSIGNED");
    if (typeof value === "bigint" || value < min || value > max) throw new Malformed("CBOR_INTEGER_RANGE");
    return value;
  }

  /** An unsigned integer below 2^64: a bigint only where a number would not be exact. */
  uint64(): number | bigint {
    return this.head(0, "CBOR_NOT_UNSIGNED");
  }

  bool(): boolean {
    const initial = this.byte();
    if (initial !== 0xf4 && initial !== 0xf5) throw new Malformed("CBOR_NOT_BOOL");
    return initial === 0xf5;
  }

  /** A byte string of `min` to `max` bytes, as a view of the input. */
  view(min: number, max: number): Uint8Array {
    const [start, end] = this.span(min, max);
    if (start === end) return EMPTY_BYTES;
    return this.bytes.subarray(start, end);
  }

  /** A byte string of `min` to `max` bytes, copied. */
  byteString(min: number, max: number): Uint8Array {
    const [start, end] = this.span(min, max);
    return this.bytes.slice(start, end);
  }

  /** 32 bytes, copied. */
  hash(): Uint8Array {
    return this.byteString(32, 32);
  }

  /** 32 bytes: `known` itself when they are equal, otherwise a view of the input. */
  hashLike(known: Uint8Array | undefined): Uint8Array {
    const view = this.view(32, 32);
    return known !== undefined && bytesEqual(view, known) ? known : view;
  }

  /** The version at the head of every format. */
  version(expected: number): number {
    if (this.uint(0) !== expected) throw new Malformed("VERSION_UNKNOWN");
    return expected;
  }

  /** Text of `min` to `max` bytes in UTF-8. */
  text(min: number, max: number): string {
    const length = this.head(3, "CBOR_NOT_TEXT");
    if (typeof length === "bigint" || length > this.end - this.position) throw new Malformed("CBOR_TRUNCATED");
    if (length < min || length > max) throw new Malformed("CBOR_LENGTH");
    return this.decodeText(length);
  }

  /** What a byte string of `min` to `max` bytes encloses, read by `read` to its last byte, without a copy. */
  enclosed<T>(min: number, max: number, read: (reader: Reader, bytes: Uint8Array) => T): T {
    const [start, end] = this.span(min, max);
    const outer = this.end;
    this.position = start;
    this.end = end;
    const value = read(this, this.bytes.subarray(start, end));
    if (this.position !== end) throw new Malformed("CBOR_TRAILING");
    this.end = outer;
    return value;
  }

  /** `itemsMax` counts from here: where one input holds many messages that each have the limit. */
  resetItems(): void {
    this.items = 0;
  }

  /** Any value; `depth` counts the arrays around it. */
  item(depth: number): Value {
    this.items += 1;
    if (this.items > this.limits.itemsMax) throw new Malformed("CBOR_TOO_MANY_ITEMS");
    if (depth > this.limits.depthMax) throw new Malformed("CBOR_TOO_DEEP");
    const initial = this.byte();
    const major = initial >> 5;
    if (major === 7) return this.simple(initial & 31);
    if (major === 5) throw new Malformed("CBOR_MAP");
    if (major === 6) throw new Malformed("CBOR_TAG");
    const argument = this.argument(initial & 31);
    if (major === 0) return argument;
    if (major === 1) return negative(argument);
    // A length is compared with what is left before anything is allocated (pitfall 25).
    if (typeof argument === "bigint" || argument > this.end - this.position) throw new Malformed("CBOR_TRUNCATED");
    if (major === 3) return this.decodeText(argument);
    if (major === 2) {
      // An array of no bytes costs more than any short one.
      if (argument === 0) return EMPTY_BYTES;
      this.position += argument;
      return this.bytes.slice(this.position - argument, this.position);
    }
    // An array that grows has room for seventeen; of a long one nobody knows yet whether its items are there.
    if (argument > SHORT_LIST_ITEMS_MAX) return this.longList(argument, depth);
    const list = new Array<Value>(argument);
    for (let index = 0; index < argument; index += 1) list[index] = this.item(depth + 1);
    return list;
  }

  /** Passes over one value, judged exactly as `item` judges it, and builds nothing. */
  skip(depth: number): void {
    this.items += 1;
    if (this.items > this.limits.itemsMax) throw new Malformed("CBOR_TOO_MANY_ITEMS");
    if (depth > this.limits.depthMax) throw new Malformed("CBOR_TOO_DEEP");
    const initial = this.byte();
    const major = initial >> 5;
    if (major === 7) {
      this.simple(initial & 31);
      return;
    }
    if (major === 5) throw new Malformed("CBOR_MAP");
    if (major === 6) throw new Malformed("CBOR_TAG");
    const argument = this.argument(initial & 31);
    if (major === 0) return;
    if (major === 1) {
      negative(argument);
      return;
    }
    if (typeof argument === "bigint" || argument > this.end - this.position) throw new Malformed("CBOR_TRUNCATED");
    if (major === 3) this.decodeText(argument);
    else if (major === 2) this.position += argument;
    else for (let index = 0; index < argument; index += 1) this.skip(depth + 1);
  }

  private longList(count: number, depth: number): Value[] {
    const list: Value[] = [];
    for (let index = 0; index < count; index += 1) list.push(this.item(depth + 1));
    return list;
  }

  private span(min: number, max: number): readonly [start: number, end: number] {
    const length = this.head(2, "CBOR_NOT_BYTES");
    if (typeof length === "bigint" || length > this.end - this.position) throw new Malformed("CBOR_TRUNCATED");
    if (length < min || length > max) throw new Malformed("CBOR_LENGTH");
    const start = this.position;
    this.position += length;
    return [start, this.position];
  }

  private decodeText(length: number): string {
    const start = this.position;
    this.position += length;
    const plain = length <= PLAIN_TEXT_BYTES_MAX ? this.plainText(start, this.position) : undefined;
    if (plain !== undefined) return plain;
    try {
      return TEXT.decode(this.bytes.subarray(start, this.position));
    } catch {
      throw new Malformed("CBOR_UTF8");
    }
  }

  /** Of ASCII alone, which needs no decoder; undefined for any other text. */
  private plainText(start: number, end: number): string | undefined {
    // In one piece: a text put together by parts stays in parts from 13 characters on, and is joined by whoever looks into it.
    const units = unitsOf(end - start);
    for (let index = start; index < end; index += 1) {
      const byte = this.bytes[index]!;
      if (byte > 127) return undefined;
      units[index - start] = byte;
    }
    return String.fromCharCode(...units);
  }

  private simple(info: number): boolean | null {
    if (info === 20) return false;
    if (info === 21) return true;
    if (info === 22) return null;
    throw new Malformed(info >= 25 && info <= 27 ? "CBOR_FLOAT" : "CBOR_SIMPLE");
  }

  private head(major: number, code: string): number | bigint {
    const initial = this.byte();
    if (initial >> 5 !== major) throw new Malformed(code);
    const info = initial & 31;
    return info < 24 ? info : this.argument(info);
  }

  private argument(info: number): number | bigint {
    if (info < 24) return info;
    if (info > 27) throw new Malformed("CBOR_INDEFINITE");
    const width = 1 << (info - 24);
    if (width > this.end - this.position) throw new Malformed("CBOR_TRUNCATED");
    let value = 0;
    for (let index = 0; index < Math.min(width, 4); index += 1) value = value * 256 + this.byte();
    if (width === 8) return this.wide(value);
    if (value < (width === 1 ? 24 : width === 2 ? 256 : 65_536)) throw new Malformed("CBOR_NOT_SHORTEST");
    return value;
  }

  private wide(high: number): number | bigint {
    if (high === 0) throw new Malformed("CBOR_NOT_SHORTEST");
    let low = 0;
    for (let index = 0; index < 4; index += 1) low = low * 256 + this.byte();
    const value = high * INTEGER_32_END + low;
    return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low);
  }

  private byte(): number {
    if (this.position >= this.end) throw new Malformed("CBOR_TRUNCATED");
    const byte = this.bytes[this.position] as number;
    this.position += 1;
    return byte;
  }
}
