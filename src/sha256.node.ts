// SHA-256 on a node: OpenSSL for single messages, hashtree's assembly for whole levels of a Merkle tree.
// Chosen by the "#sha256" import condition of package.json; browsers get sha256.browser.ts.

import { hash } from "node:crypto";
import { hashInto } from "@chainsafe/hashtree";

/** @returns `output`: 32 bytes, a plain Uint8Array */
export function sha256(bytes: Uint8Array, output: Uint8Array = new Uint8Array(32)): Uint8Array {
  // Twice as fast as the Buffer form of the same function (0.4 us against 0.8 for 220 bytes).
  const digest = hash("sha256", bytes, "binary");
  for (let index = 0; index < 32; index += 1) output[index] = digest.charCodeAt(index);
  return output;
}

/**
 * Hashes every 64-byte pair of `input` into 32 bytes of `output`.
 * @param input n x 64 bytes, n >= 1
 * @param output n x 32 bytes
 */
export function sha256Pairs(input: Uint8Array, output: Uint8Array): void {
  hashInto(input, output);
}
