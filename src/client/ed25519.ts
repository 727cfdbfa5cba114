// Ed25519 in plain JavaScript, for browsers and as second implementation: the same rule as src/node/ed25519-native.ts.
// Never noble's own `verify`: it is cofactored, accepts 826 of the 914 edge cases of which this ledger accepts 43, and would fork it.

import { getPublicKey, hashes, Point, sign } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import { invariant } from "../assert.ts";
import { bytesEqual, joinBytes } from "../ledger/hash.ts";
import { SUITE_ED25519, type VerifySignature } from "../ledger/types.ts";
import type { KeySigner } from "../ports.ts";

hashes.sha512 = sha512;

const { n: GROUP_ORDER } = Point.CURVE();

/**
 * Whether `signature` is valid by the one rule: 64 and 32 bytes; S < L; encodings of R and A canonical and not of small order;
 * encode(S*B - k*A) = R byte by byte. About 1.5 ms. Not in constant time: everything here is public.
 */
export function verifyEd25519Portable(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64 || publicKey.length !== 32) return false;
  const scalar = littleEndian(signature.subarray(32));
  if (scalar >= GROUP_ORDER) return false;
  const key = canonicalPoint(publicKey);
  if (key === undefined || key.isSmallOrder()) return false;
  const commitment = signature.subarray(0, 32);
  const challenge = littleEndian(sha512(joinBytes([commitment, publicKey, message]))) % GROUP_ORDER;
  const computed = Point.BASE.multiplyUnsafe(scalar).subtract(key.multiplyUnsafe(challenge));
  // Equal bytes also make R canonical, so that R is of small order exactly when the computed point is.
  return !computed.isSmallOrder() && bytesEqual(computed.toBytes(), commitment);
}

/** Suite 1 only: no other suite has a valid signature yet. */
export const verifyPortable: VerifySignature = (suite, publicKey, message, signature) =>
  suite === SUITE_ED25519 && verifyEd25519Portable(publicKey, message, signature);

/** @param seed32 the private key of RFC 8032, 32 bytes @returns 64 bytes, the same as the native form makes */
export function signEd25519Portable(seed32: Uint8Array, message: Uint8Array): Uint8Array {
  invariant(seed32.length === 32, "L7: an Ed25519 seed has 32 bytes");
  return sign(message, seed32);
}

/** @param seed32 the private key of RFC 8032, 32 bytes, kept by the signer */
export function portableSigner(seed32: Uint8Array): KeySigner {
  invariant(seed32.length === 32, "L7: an Ed25519 seed has 32 bytes");
  const seed = seed32.slice();
  return {
    suite: SUITE_ED25519,
    publicKey: getPublicKey(seed),
    sign: (message) => signEd25519Portable(seed, message),
  };
}

function canonicalPoint(bytes: Uint8Array): Point | undefined {
  try {
    return Point.fromBytes(bytes, false);
  } catch {
    return undefined; // y >= p, or no point of the curve has this y
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let index = bytes.length - 1; index >= 0; index -= 1) value = (value << 8n) | BigInt(bytes[index] as number);
  return value;
}
