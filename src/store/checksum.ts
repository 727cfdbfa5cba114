// The checksum that stands before every stored value: binds the value to its key, so that neither can change on disk unseen.
// Guards against broken disks, not against forgers: who can write the file can write the checksum.

import { hash } from "node:crypto";
import { EMPTY_BYTES, tagged } from "../ledger/hash.ts";

export const CHECKSUM_BYTES = 8;
const PREFIX = tagged("CHECKSUM", EMPTY_BYTES);
const HEAD_BYTES = PREFIX.length + 4;

/** First 8 bytes of H(CHECKSUM, length of key as u32, key, value), then the value. */
export function sealValue(key: Uint8Array, value: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(CHECKSUM_BYTES + value.length);
  sealInto(sealed, 0, key, value);
  return sealed;
}

/** The same, written into `target` from `at` on. */
export function sealInto(target: Uint8Array, at: number, key: Uint8Array, value: Uint8Array): void {
  const digest = digestOf(key, value);
  for (let index = 0; index < CHECKSUM_BYTES; index += 1) target[at + index] = digest.charCodeAt(index);
  target.set(value, at + CHECKSUM_BYTES);
}

/** @returns the value as a view of `sealed`; undefined when key and value do not belong together */
export function unsealValue(key: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  if (sealed.length < CHECKSUM_BYTES) return undefined;
  const value = sealed.subarray(CHECKSUM_BYTES);
  const digest = digestOf(key, value);
  for (let index = 0; index < CHECKSUM_BYTES; index += 1)
    if (sealed[index] !== digest.charCodeAt(index)) return undefined;
  return value;
}

// Most rows are short: what is hashed of them is put together here.
const SCRATCH = new Uint8Array(1024);
SCRATCH.set(PREFIX);

/** One character for each byte: a third of the time of a digest that comes as a Buffer, and every row pays it. */
function digestOf(key: Uint8Array, value: Uint8Array): string {
  const length = HEAD_BYTES + key.length + value.length;
  const isShort = length <= SCRATCH.length;
  const payload = isShort ? SCRATCH : new Uint8Array(length);
  if (!isShort) payload.set(PREFIX);
  for (let byte = 0; byte < 4; byte += 1) payload[PREFIX.length + byte] = key.length >>> (24 - 8 * byte);
  payload.set(key, HEAD_BYTES);
  payload.set(value, HEAD_BYTES + key.length);
  return hash("sha256", isShort ? SCRATCH.subarray(0, length) : payload, "binary");
}
