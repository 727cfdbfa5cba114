// Bytes as lower-case hexadecimal and back, by the runtime's own encoder: every transaction and receipt passes here.
// Only for what goes out as JSON, and for text that a schema has accepted.

import { invariant } from "../assert.ts";

/** Bytes on their way to the encoder: a view of the array itself would first give a short one a buffer of its own. */
const SCRATCH = Buffer.allocUnsafeSlow(4096);

/** `toHex` of the ledger would leave an object on the heap for each byte. */
export function hexOf(bytes: Uint8Array): string {
  if (bytes.length > SCRATCH.length) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
  SCRATCH.set(bytes);
  return SCRATCH.toString("hex", 0, bytes.length);
}

/** @param hex lower-case, of an even length. @returns an array of its own */
export function bytesOf(hex: string): Uint8Array {
  const bytes = new Uint8Array(Buffer.from(hex, "hex"));
  invariant(bytes.length * 2 === hex.length, "A3: what a schema accepted as hexadecimal decodes whole");
  return bytes;
}
