// SHA-256 on a node: OpenSSL for single messages, hashtree's assembly for whole levels of a Merkle tree.
// Chosen by the "#sha256" import condition of package.json; browsers get sha256.browser.ts.

import { hash } from "node:crypto";
import { hashInto } from "@chainsafe/hashtree";

/** @returns 32 bytes */
export function sha256(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}

/**
 * Hashes every 64-byte pair of `input` into 32 bytes of `output`.
 * @param input n x 64 bytes, n >= 1
 * @param output n x 32 bytes
 */
export function sha256Pairs(input: Uint8Array, output: Uint8Array): void {
  hashInto(input, output);
}
