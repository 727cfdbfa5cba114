// Domain-separated hashes and signed bytes. Every hash or signature of the ledger is over a tag, so that no bytes of one
// format can ever stand for another (pitfall 3); only inner nodes of trees are hashed without one, two hashes at a time.

import { sha256 } from "#sha256";

/** 32 bytes. */
export type Hash = Uint8Array;

/** The closed list of domains; each format's definition in docs/formats.cddl names its own. */
export type DomainTag =
  | "GENESIS"
  | "TX"
  | "TX-SIGN"
  | "BATCH"
  | "BATCH-SIGN"
  | "BATCHES"
  | "TRANSACTIONS"
  | "HEADER"
  | "RESULT"
  | "BLOCK-RECEIPT"
  | "RECEIPTS"
  | "VALIDATORS"
  | "PARAMETERS"
  | "PREPARE"
  | "COMMIT"
  | "SUSPECT"
  | "VIEW-CHANGE"
  | "NEW-VIEW"
  | "HEAD"
  | "HEAD-ANSWER"
  | "RECEIVED"
  | "ORDER"
  | "TIMER"
  | "HISTORY"
  | "HISTORY-ROOT"
  | "LEAF"
  | "STATE"
  | "VALUE"
  | "DOCUMENT"
  | "RECORD"
  | "SNAPSHOT"
  | "CHUNK"
  | "CHECKSUM";

const ENCODER = new TextEncoder();
const PREFIXES = new Map<DomainTag, Uint8Array>();

function prefixOf(tag: DomainTag): Uint8Array {
  let prefix = PREFIXES.get(tag);
  if (prefix === undefined) {
    prefix = ENCODER.encode(`linli:${tag}:1\0`);
    PREFIXES.set(tag, prefix);
  }
  return prefix;
}

/** `"linli:" tag ":1" 0x00 payload`: what is hashed or signed. The NUL makes tags prefix-free. */
export function tagged(tag: DomainTag, payload: Uint8Array): Uint8Array {
  const prefix = prefixOf(tag);
  const bytes = new Uint8Array(prefix.length + payload.length);
  bytes.set(prefix);
  bytes.set(payload, prefix.length);
  return bytes;
}

// Most messages are short: they are put together here, because a new array costs more than their hash.
const SCRATCH = new Uint8Array(2048);
/** The first bytes of it, by their number: made when they are first needed. */
const SCRATCH_VIEWS = new Array<Uint8Array | undefined>(SCRATCH.length + 1).fill(undefined);

/** H(tag, payload), 32 bytes. @param output where to write it, if not into an array of its own */
export function hashTagged(tag: DomainTag, payload: Uint8Array, output?: Uint8Array): Hash {
  const prefix = prefixOf(tag);
  const length = prefix.length + payload.length;
  if (length > SCRATCH.length) return sha256(tagged(tag, payload), output);
  SCRATCH.set(prefix);
  SCRATCH.set(payload, prefix.length);
  let view = SCRATCH_VIEWS[length];
  if (view === undefined) {
    view = SCRATCH.subarray(0, length);
    SCRATCH_VIEWS[length] = view;
  }
  return sha256(view, output);
}

export function bytesEqual(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index += 1) if (left[index] !== right[index]) return false;
  return true;
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** Orders byte strings as unsigned bytes, shorter first when one is a prefix of the other. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const difference = left[index]! - right[index]!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** As a number: decides nearly every comparison of two hashes. */
export function first32Bits(hash: Hash): number {
  return ((hash[0]! << 24) | (hash[1]! << 16) | (hash[2]! << 8) | hash[3]!) >>> 0;
}

/** Orders texts by code point, which is the byte order of their UTF-8 (`<` of JavaScript orders by UTF-16 units). */
export function compareText(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const leftUnit = left.charCodeAt(index);
    const rightUnit = right.charCodeAt(index);
    if (leftUnit !== rightUnit) return byCodePoint(leftUnit) - byCodePoint(rightUnit);
  }
  return left.length - right.length;
}

// Surrogates stand for code points above every other unit.
function byCodePoint(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

const HEX_OF_BYTE = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Lower-case hexadecimal: how people and peers read hashes. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (let index = 0; index < bytes.length; index += 1) text += HEX_OF_BYTE[bytes[index]!];
  return text;
}

/** Character codes on their way into a text, by their number: a new list for each text was a tenth of all memory that a transaction took. */
const UNITS: (number[] | undefined)[] = [];
const KEPT_UNITS_MAX = 256;

/** @returns a list of `length` numbers that the next call writes over */
export function unitsOf(length: number): number[] {
  if (length > KEPT_UNITS_MAX) return new Array(length);
  let units = UNITS[length];
  if (units === undefined) {
    units = new Array<number>(length).fill(0);
    UNITS[length] = units;
  }
  return units;
}

/**
 * Bytes as the key of a map: one character for two bytes, so that there is half as much to make, hash and compare.
 * Of equal lengths in the order of the bytes. Never shown, stored or sent. @param bytes hashes and state keys, at most some kilobytes
 */
export function bytesKey(bytes: Uint8Array): string {
  const pairs = bytes.length >> 1;
  const units = unitsOf(pairs + 1);
  for (let index = 0; index < pairs; index += 1) units[index] = (bytes[2 * index]! << 8) | bytes[2 * index + 1]!;
  // The last unit tells an odd length, whose last byte it is, from an even one.
  units[pairs] = bytes.length % 2 === 1 ? bytes[bytes.length - 1]! : 0xffff;
  return String.fromCharCode(...units);
}

/** @returns undefined unless `text` is an even number of lower-case hexadecimal digits */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let index = 0; index < bytes.length; index += 1)
    bytes[index] = Number.parseInt(text.slice(index * 2, index * 2 + 2), 16);
  return bytes;
}

export const EMPTY_BYTES = new Uint8Array(0);
/** Stands where no leaf is, in trees padded to a power of two. No leaf hashes to it. */
export const ZERO_HASH: Hash = new Uint8Array(32);
