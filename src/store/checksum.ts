// The checksum that stands before every stored value: binds the value to its key, so that neither can change on disk unseen.
// Guards against broken disks, not against forgers: who can write the file can write the checksum.

import { bytesEqual, hashTagged } from "../ledger/hash.ts";

const CHECKSUM_BYTES = 8;

/** First 8 bytes of H(CHECKSUM, length of key as u32, key, value), then the value. */
export function sealValue(key: Uint8Array, value: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(CHECKSUM_BYTES + value.length);
  sealed.set(checksumOf(key, value));
  sealed.set(value, CHECKSUM_BYTES);
  return sealed;
}

/** @returns the value as a view of `sealed`; undefined when key and value do not belong together */
export function unsealValue(key: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  if (sealed.length < CHECKSUM_BYTES) return undefined;
  const value = sealed.subarray(CHECKSUM_BYTES);
  return bytesEqual(sealed.subarray(0, CHECKSUM_BYTES), checksumOf(key, value)) ? value : undefined;
}

function checksumOf(key: Uint8Array, value: Uint8Array): Uint8Array {
  const payload = new Uint8Array(4 + key.length + value.length);
  new DataView(payload.buffer).setUint32(0, key.length);
  payload.set(key, 4);
  payload.set(value, 4 + key.length);
  return hashTagged("CHECKSUM", payload).subarray(0, CHECKSUM_BYTES);
}
