// Remembers which signatures were found valid, so that proofs under one header are checked once and not once each.
// Never remembers a refusal, and never more than its limit.

import { sha256 } from "#sha256";
import { toHex } from "../ledger/hash.ts";
import type { VerifySignature } from "../ledger/types.ts";

export const REMEMBERED_SIGNATURES_MAX = 4_096;

/** The same verdicts as `verify`, without checking again what was valid before. */
export function rememberValid(verify: VerifySignature): VerifySignature {
  const valid = new Set<string>();
  return (suite, publicKey, message, signature) => {
    const name = nameOf([Uint8Array.of(suite), publicKey, message, signature]);
    if (valid.has(name)) return true;
    if (!verify(suite, publicKey, message, signature)) return false;
    if (valid.size >= REMEMBERED_SIGNATURES_MAX) valid.clear();
    valid.add(name);
    return true;
  };
}

// The hashes of the parts, hashed: no other four parts have the same name.
function nameOf(parts: readonly Uint8Array[]): string {
  const hashes = new Uint8Array(parts.length * 32);
  for (const [index, part] of parts.entries()) hashes.set(sha256(part), index * 32);
  return toHex(sha256(hashes));
}
