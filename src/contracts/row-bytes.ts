// Bytes of rows on their way into the state: shared buffers for those of one block, and the bytes of fields that did not change.
// It finds where items end; what an item means, and how it is written, is the codec's.

import { invariant } from "../assert.ts";
import { encodeInPlace, type Value } from "../ledger/codec.ts";

/** Up to here V8 keeps an array's bytes in its own heap; an array that is longer costs ten times as much to make. */
const OWN_BYTES_MAX = 64;
const SLAB_BYTES = 4096;
/** A longer row has a buffer of its own: it would leave too much of a slab unused. */
const SHARED_BYTES_MAX = 1024;

let slab = new Uint8Array(SLAB_BYTES);
let slabUsed = 0;

/** Room for a row. It may share its buffer with other rows: who keeps it for longer than its block copies it. */
function roomFor(length: number): Uint8Array {
  if (length <= OWN_BYTES_MAX || length > SHARED_BYTES_MAX) return new Uint8Array(length);
  if (slabUsed + length > SLAB_BYTES) {
    slab = new Uint8Array(SLAB_BYTES);
    slabUsed = 0;
  }
  slabUsed += length;
  return new Uint8Array(slab.buffer, slabUsed - length, length);
}

function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  let place = at;
  for (let index = start; index < end; index += 1) {
    to[place] = from[index]!;
    place += 1;
  }
  return place;
}

/** The canonical bytes of a row's fields. */
export function encodeFields(fields: readonly Value[]): Uint8Array {
  const bytes = encodeInPlace(fields);
  const room = roomFor(bytes.length);
  room.set(bytes);
  return room;
}

/**
 * The canonical bytes of `fields`, of which all but the changed ones stand in `before` already.
 * @param before canonical bytes of as many fields
 * @param changed indexes of fields, ascending
 */
export function encodeChanged(before: Uint8Array, fields: readonly Value[], changed: readonly number[]): Uint8Array {
  const news = encodeInPlace(changed.map((field) => fields[field]!));
  // An array's head, then its items; the same of the array of what is new.
  const pieces: number[] = [];
  let length = news.length - headBytes(changed.length);
  let field = 0;
  let end = headBytes(fields.length);
  for (const next of changed) {
    for (; field < next; field += 1) end = endOfItem(before, end);
    const start = end;
    end = endOfItem(before, start);
    field += 1;
    pieces.push(start, end);
    length -= end - start;
  }
  const room = roomFor(before.length + length);
  let from = 0;
  let at = 0;
  let newsAt = headBytes(changed.length);
  for (let piece = 0; piece < pieces.length; piece += 2) {
    at = copy(before, from, pieces[piece]!, room, at);
    const newsEnd = endOfItem(news, newsAt);
    at = copy(news, newsAt, newsEnd, room, at);
    newsAt = newsEnd;
    from = pieces[piece + 1]!;
  }
  at = copy(before, from, before.length, room, at);
  invariant(at === room.length, "R310: a row of which fields changed has the bytes of the old ones and of the new");
  return room;
}

/** Bytes of the head of an array of so many items. */
function headBytes(count: number): number {
  return count < 24 ? 1 : count < 256 ? 2 : 3;
}

/** Number of items of an array in canonical bytes, when its head has one or two bytes; else -1. */
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
