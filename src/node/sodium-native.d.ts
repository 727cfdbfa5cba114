// The part of sodium-native that this node calls; the package brings no types.
// Never more than that.

declare module "sodium-native" {
  interface Sodium {
    /** @returns undefined for views of a SharedArrayBuffer */
    crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean | undefined;
    crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void;
    crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void;
    randombytes_buf(target: Uint8Array): void;
    /** guarded memory: locked, and cleared when collected */
    sodium_malloc(bytes: number): Uint8Array;
  }
  const sodium: Sodium;
  export default sodium;
}
