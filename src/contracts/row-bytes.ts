// Bytes of rows on their way into the state: shared buffers for those of one block, and the bytes of fields that did not change.
// It finds where items end; what an item means, and how it is written, is the codec's.

import { invariant } from "../assert.ts";
import { encodeInPlace, type Value } from "../ledger/codec.ts";
import { Slab } from "../ledger/slab.ts";

/** Up to here bytes are copied one by one, because a view of them costs more. */
const SHORT_BYTES_MAX = 64;

/** Rows of a block. Who keeps one for longer copies it. */
const ROWS = new Slab(4096);

/** @returns where the copy ends */
function copy(from: Uint8Array, [start, end]: readonly [number, number], to: Uint8Array, at: number): number {
  const length = end - start;
  if (length > SHORT_BYTES_MAX) to.set(from.subarray(start, end), at);
  else for (let index = 0; index < length; index += 1) to[at + index] = from[start + index]!;
  return at + length;
}

/** Where the fields that changed stood: start and end of each. Of one row at a time. */
const SPANS = new Int32Array(2 * 256);

/** The canonical bytes of a row's fields. */
export function encodeFields(fields: readonly Value[]): Uint8Array {
  return ROWS.copyOf(encodeInPlace(fields));
}

/**
 * The canonical bytes of `fields`, of which all but the changed ones stand in `before` already.
 * @param before canonical bytes of as many fields, fewer than 256
 * @param changed indexes of fields, ascending
 */
export function encodeChanged(before: Uint8Array, fields: readonly Value[], changed: readonly number[]): Uint8Array {
  const values = encodeInPlace(changed.map((field) => fields[field]!));
  const replaced = findSpans(before, fields.length, changed);
  let valueStart = headBytes(changed.length);
  const room = ROWS.room(before.length - replaced + values.length - valueStart);
  let from = 0;
  let at = 0;
  for (let index = 0; index < changed.length; index += 1) {
    at = copy(before, [from, SPANS[2 * index]!], room, at);
    const valueEnd = endOfItem(values, valueStart);
    at = copy(values, [valueStart, valueEnd], room, at);
    valueStart = valueEnd;
    from = SPANS[2 * index + 1]!;
  }
  at = copy(before, [from, before.length], room, at);
  invariant(at === room.length, "R310: a row of which fields changed has the bytes of the others and of the new ones");
  return room;
}

/** Writes down where the chosen items of an array of `count` stand. @returns their bytes together */
function findSpans(bytes: Uint8Array, count: number, chosen: readonly number[]): number {
  let length = 0;
  let end = headBytes(count);
  let item = 0;
  for (let index = 0; index < chosen.length; index += 1) {
    for (; item < chosen[index]!; item += 1) end = endOfItem(bytes, end);
    const start = end;
    end = endOfItem(bytes, start);
    item += 1;
    SPANS[2 * index] = start;
    SPANS[2 * index + 1] = end;
    length += end - start;
  }
  return length;
}

/** Bytes of the head of an array of fewer than 256 items. */
function headBytes(count: number): number {
  return count < 24 ? 1 : 2;
}

/** Number of items of an array in canonical bytes, when there are fewer than 256; else -1. */
export function countOf(bytes: Uint8Array): number {
  const initial = bytes[0] ?? 0;
  if (initial >= 0x80 && initial < 0x98) return initial - 0x80;
  return initial === 0x98 ? (bytes[1] ?? -1) : -1;
}

/** Where the item that begins at `at` ends, in bytes that were read before. */
function endOfItem(bytes: Uint8Array, at: number): number {
  const initial = bytes[at]!;
  const major = initial >> 5;
  const info = initial & 31;
  const width = info < 24 ? 0 : 1 << (info - 24);
  let end = at + 1 + width;
  // Integers end with their argument, as do true, false and null.
  if (major < 2 || major === 7) return end;
  let argument = info;
  if (width > 0) {
    argument = 0;
    for (let index = at + 1; index < end; index += 1) argument = argument * 256 + bytes[index]!;
  }
  if (major < 4) return end + argument;
  for (let item = 0; item < argument; item += 1) end = endOfItem(bytes, end);
  return end;
}
