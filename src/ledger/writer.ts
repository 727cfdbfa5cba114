// Canonical bytes of values: each in the one form that the reader of codec.ts accepts, the shortest.
// Never guesses: what has no form is our own bug, and throws.

import { LedgerError } from "../errors.ts";
import type { Value } from "./codec.ts";

/** Up to here V8 keeps the bytes of an array in its own heap. */
export const HEAP_BYTES_MAX = 64;
const UTF8 = new TextEncoder();
const INTEGER_64_MIN = -(1n << 63n);
const INTEGER_32_END = 4_294_967_296;
/** What one value takes at most, beside the bytes of texts and byte strings: a head. */
const HEAD_BYTES_MAX = 9;
/** A larger buffer is given back when it is done with. */
const KEPT_BYTES_MAX = 1 << 20;

/** Writes each value in its shortest form, into a buffer that stays. */
export class Writer {
  private buffer = new Uint8Array(16 << 10);
  private end = 0;

  /** @returns a view of what the next call writes over. @throws LedgerError ENCODE_INVALID */
  write(value: Value): Uint8Array {
    this.end = 0;
    this.item(value);
    const bytes = this.buffer.subarray(0, this.end);
    if (this.buffer.length > KEPT_BYTES_MAX) this.buffer = new Uint8Array(16 << 10);
    return bytes;
  }

  private item(value: Value): void {
    this.reserve(HEAD_BYTES_MAX);
    if (typeof value === "number") this.integer(value);
    else if (typeof value === "string") this.text(value);
    else if (value instanceof Uint8Array) this.bytes(value);
    else if (Array.isArray(value)) this.list(value);
    else if (typeof value === "bigint") this.wide(value);
    else if (value === null) this.byte(0xf6);
    else if (typeof value === "boolean") this.byte(value ? 0xf5 : 0xf4);
    else throw new LedgerError("ENCODE_INVALID", { reason: `type ${typeof value} has no form` });
  }

  private list(items: readonly Value[]): void {
    this.head(0x80, items.length);
    for (let index = 0; index < items.length; index += 1) this.item(items[index]!);
  }

  private integer(value: number): void {
    if (!Number.isSafeInteger(value))
      throw new LedgerError("ENCODE_INVALID", { reason: "number is not a safe integer" });
    if (value >= 0) this.head(0x00, value);
    else this.head(0x20, -1 - value);
  }

  private wide(value: bigint): void {
    if (value >= 1n << 64n || value < INTEGER_64_MIN)
      throw new LedgerError("ENCODE_INVALID", { reason: "integer exceeds 64 bits" });
    const argument = value < 0n ? -1n - value : value;
    const major = value < 0n ? 0x20 : 0x00;
    if (argument <= Number.MAX_SAFE_INTEGER) return this.head(major, Number(argument));
    this.byte(major | 27);
    this.fixed(Number(argument >> 32n), 4);
    this.fixed(Number(argument & 0xffff_ffffn), 4);
  }

  private bytes(value: Uint8Array): void {
    const { length } = value;
    this.reserve(HEAD_BYTES_MAX + length);
    this.head(0x40, length);
    const { buffer, end } = this;
    if (length > HEAP_BYTES_MAX) buffer.set(value, end);
    else for (let index = 0; index < length; index += 1) buffer[end + index] = value[index]!;
    this.end = end + length;
  }

  private text(value: string): void {
    if (!value.isWellFormed()) throw new LedgerError("ENCODE_INVALID", { reason: "text has a lone surrogate" });
    if (value.length <= HEAP_BYTES_MAX && this.plainText(value)) return;
    this.reserve(HEAD_BYTES_MAX + 3 * value.length);
    const from = this.end + HEAD_BYTES_MAX;
    const { written } = UTF8.encodeInto(value, this.buffer.subarray(from));
    this.head(0x60, written);
    this.buffer.copyWithin(this.end, from, from + written);
    this.end += written;
  }

  /** Of ASCII alone, for which a call of the encoder costs more than its bytes. @returns false for any other text, which is not written */
  private plainText(value: string): boolean {
    const { length } = value;
    this.reserve(HEAD_BYTES_MAX + length);
    const { buffer, end } = this;
    const start = end + (length < 24 ? 1 : 2);
    for (let index = 0; index < length; index += 1) {
      const unit = value.charCodeAt(index);
      if (unit > 127) return false;
      buffer[start + index] = unit;
    }
    this.head(0x60, length);
    this.end += length;
    return true;
  }

  /** A major type and its argument, in the fewest bytes. @param argument unsigned and safe */
  private head(major: number, argument: number): void {
    if (argument < 24) return this.byte(major | argument);
    const width = argument < 0x100 ? 0 : argument < 0x1_0000 ? 1 : argument < INTEGER_32_END ? 2 : 3;
    this.byte(major | (24 + width));
    if (width < 3) return this.fixed(argument, 1 << width);
    this.fixed(Math.floor(argument / INTEGER_32_END), 4);
    this.fixed(argument % INTEGER_32_END, 4);
  }

  /** Big-endian. */
  private fixed(value: number, width: number): void {
    const { buffer, end } = this;
    for (let byte = 0; byte < width; byte += 1) buffer[end + byte] = value >>> (8 * (width - 1 - byte));
    this.end = end + width;
  }

  private byte(value: number): void {
    this.buffer[this.end] = value;
    this.end += 1;
  }

  private reserve(bytes: number): void {
    if (this.end + bytes <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(2 * this.buffer.length, this.end + bytes));
    larger.set(this.buffer.subarray(0, this.end));
    this.buffer = larger;
  }
}
