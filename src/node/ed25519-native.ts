// Ed25519 on a node: libsodium, whose rule is the rule of this ledger (ADR 0004). The only file that knows sodium-native.
// Never verifies through the thread pool of libuv: LevelDB lives there.

import sodium from "sodium-native";
import { invariant } from "../assert.ts";
import { SUITE_ED25519, type VerifySignature } from "../ledger/types.ts";
import type { KeySigner } from "../ports.ts";

/**
 * Whether `signature` is valid by the one rule: 64 and 32 bytes; S < L; encodings of R and A canonical and not of small order;
 * encode(S*B - k*A) = R byte by byte. About 50 us.
 */
export function verifyEd25519Native(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  // libsodium takes longer signatures, and answers `undefined` for views of shared memory: lengths first, then === true.
  if (signature.length !== 64 || publicKey.length !== 32) return false;
  return sodium.crypto_sign_verify_detached(signature, message, publicKey) === true;
}

/** Suite 1 only: no other suite has a valid signature yet. */
export const verifyNative: VerifySignature = (suite, publicKey, message, signature) =>
  suite === SUITE_ED25519 && verifyEd25519Native(publicKey, message, signature);

/** @param seed32 the private key of RFC 8032: 32 bytes, copied into memory that is kept out of swap and core dumps */
export function nativeSigner(seed32: Uint8Array): KeySigner {
  invariant(seed32.length === 32, "L7: an Ed25519 seed has 32 bytes");
  const publicKey = new Uint8Array(32);
  const secretKey = sodium.sodium_malloc(64);
  sodium.crypto_sign_seed_keypair(publicKey, secretKey, seed32);
  return {
    suite: SUITE_ED25519,
    publicKey,
    sign(message) {
      const signature = new Uint8Array(64);
      sodium.crypto_sign_detached(signature, message, secretKey);
      return signature;
    },
  };
}

/** @returns 32 bytes from the operating system's generator */
export function generateSeed(): Uint8Array {
  const seed = new Uint8Array(32);
  sodium.randombytes_buf(seed);
  return seed;
}
