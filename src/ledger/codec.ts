// Canonical CBOR (RFC 8949 4.2.1 without maps, tags and floats): cbor-x writes, the strict reader below reads.
// The reader is scanner and decoder in one: what it accepts re-encodes to the same bytes, and nothing else is accepted.

import { Encoder } from "cbor-x";
import { accept, LedgerError, refuse, type Verdict } from "../errors.ts";

/** What the formats are made of. Integers are numbers while safe, bigints beyond (from -2^63 to 2^64-1). */
export type Value = null | boolean | number | bigint | string | Uint8Array | readonly Value[];

export interface DecodeLimits {
  readonly bytesMax: number;
  readonly depthMax: number;
  readonly itemsMax: number;
}

export const DECODE_LIMITS: DecodeLimits = { bytesMax: 8 << 20, depthMax: 16, itemsMax: 1_000_000 };

const ENCODER = new Encoder({ useRecords: false, mapsAsObjects: true, tagUint8Array: false, variableMapSize: true, structuredClone: false });
const TEXT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const INTEGER_64_MIN = -(1n << 63n);
const INTEGER_32_END = 4_294_967_296;

/**
 * @returns the canonical bytes, a buffer of their own
 * @throws LedgerError `ENCODE_INVALID` for floats, unsafe numbers, undefined or lone surrogates: our own bug
 */
export function encode(value: Value): Uint8Array {
  // cbor-x returns a view of a pool that later calls reuse: copy (stack of traps: a result can pin 843 kB).
  return Uint8Array.prototype.slice.call(ENCODER.encode(normalise(value)));
}

// cbor-x writes numbers from 2^32 on as floats and every bigint in 8 bytes: choose the form that is shortest.
function normalise(value: Value): Value {
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new LedgerError("ENCODE_INVALID", { reason: "number is not a safe integer" });
    if (value >= INTEGER_32_END || value < -INTEGER_32_END) return BigInt(value);
    return value === 0 ? 0 : value;
  }
  if (typeof value === "bigint") {
    if (value >= 1n << 64n || value < INTEGER_64_MIN) throw new LedgerError("ENCODE_INVALID", { reason: "integer exceeds 64 bits" });
    return value < 4_294_967_296n && value >= -4_294_967_296n ? Number(value) : value;
  }
  if (typeof value === "string") {
    if (!value.isWellFormed()) throw new LedgerError("ENCODE_INVALID", { reason: "text has a lone surrogate" });
    return value;
  }
  if (Array.isArray(value)) return value.map(normalise);
  if (value === null || typeof value === "boolean" || value instanceof Uint8Array) return value;
  throw new LedgerError("ENCODE_INVALID", { reason: `type ${typeof value} has no form` });
}

/** Reads canonical bytes; byte strings in the result are copies, so that a frame is never pinned by a field. */
export function decode(bytes: Uint8Array, limits: DecodeLimits = DECODE_LIMITS): Verdict<Value> {
  if (bytes.length > limits.bytesMax) return refuse("CBOR_TOO_LARGE", `${bytes.length} bytes`);
  const reader = new Reader(bytes, limits);
  try {
    const value = reader.item(0);
    if (reader.position !== bytes.length) return refuse("CBOR_TRAILING", `at byte ${reader.position}`);
    return accept(value);
  } catch (error) {
    if (error instanceof Malformed) return refuse(error.code, `at byte ${reader.position}`);
    throw error;
  }
}

/** Where the items of an array stand in `bytes`, which must have been accepted by `decode`: `[start, end)` each. */
export function itemSpans(bytes: Uint8Array): readonly (readonly [number, number])[] {
  const reader = new Reader(bytes, DECODE_LIMITS);
  const count = reader.arrayLength();
  const spans: [number, number][] = [];
  for (let index = 0; index < count; index += 1) {
    const start = reader.position;
    reader.item(1);
    spans.push([start, reader.position]);
  }
  return spans;
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

class Reader {
  position = 0;
  private items = 0;
  private readonly bytes: Uint8Array;
  private readonly limits: DecodeLimits;

  constructor(bytes: Uint8Array, limits: DecodeLimits) {
    this.bytes = bytes;
    this.limits = limits;
  }

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
    const length = this.boundedLength(argument);
    if (major === 2) return this.take(length).slice();
    if (major === 3) return this.text(length);
    const list: Value[] = [];
    for (let index = 0; index < length; index += 1) list.push(this.item(depth + 1));
    return list;
  }

  arrayLength(): number {
    const initial = this.byte();
    if (initial >> 5 !== 4) throw new Malformed("CBOR_NOT_ARRAY");
    return this.boundedLength(this.argument(initial & 31));
  }

  private text(length: number): string {
    const view = this.take(length);
    try {
      return TEXT.decode(view);
    } catch {
      throw new Malformed("CBOR_UTF8");
    }
  }

  private simple(info: number): boolean | null {
    if (info === 20) return false;
    if (info === 21) return true;
    if (info === 22) return null;
    throw new Malformed(info >= 25 && info <= 27 ? "CBOR_FLOAT" : "CBOR_SIMPLE");
  }

  private argument(info: number): number | bigint {
    if (info < 24) return info;
    if (info > 27) throw new Malformed("CBOR_INDEFINITE");
    const width = 1 << (info - 24);
    const view = this.take(width);
    let value = 0;
    for (let index = 0; index < Math.min(width, 4); index += 1) value = value * 256 + view[index]!;
    if (width === 8) return this.wide(value, view);
    if (value < (width === 1 ? 24 : width === 2 ? 256 : 65_536)) throw new Malformed("CBOR_NOT_SHORTEST");
    return value;
  }

  private wide(high: number, view: Uint8Array): number | bigint {
    if (high === 0) throw new Malformed("CBOR_NOT_SHORTEST");
    let low = 0;
    for (let index = 4; index < 8; index += 1) low = low * 256 + view[index]!;
    const value = high * INTEGER_32_END + low;
    return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low);
  }

  // A length is compared with what is left before anything is allocated (pitfall 25).
  private boundedLength(argument: number | bigint): number {
    if (typeof argument === "bigint" || argument > this.bytes.length - this.position) throw new Malformed("CBOR_TRUNCATED");
    return argument;
  }

  private byte(): number {
    const byte = this.bytes[this.position];
    if (byte === undefined) throw new Malformed("CBOR_TRUNCATED");
    this.position += 1;
    return byte;
  }

  private take(length: number): Uint8Array {
    if (length > this.bytes.length - this.position) throw new Malformed("CBOR_TRUNCATED");
    const view = this.bytes.subarray(this.position, this.position + length);
    this.position += length;
    return view;
  }
}
