// SHA-256 in a browser: the audited pure-JavaScript implementation. Same two functions as sha256.node.ts.

import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";

/** @returns `output`: 32 bytes */
export function sha256(bytes: Uint8Array, output: Uint8Array = new Uint8Array(32)): Uint8Array {
  output.set(nobleSha256(bytes));
  return output;
}

/**
 * Hashes every 64-byte pair of `input` into 32 bytes of `output`.
 * @param input n x 64 bytes, n >= 1
 * @param output n x 32 bytes
 */
export function sha256Pairs(input: Uint8Array, output: Uint8Array): void {
  for (let pair = 0; pair * 64 < input.length; pair += 1) {
    output.set(nobleSha256(input.subarray(pair * 64, pair * 64 + 64)), pair * 32);
  }
}
