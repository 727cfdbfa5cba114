// A thread that verifies packed signatures for verify-pool.ts. Holds no state between two messages.

import { parentPort } from "node:worker_threads";
import { verifyNative } from "./ed25519-native.ts";

function verifyPacked(packed: Uint8Array): boolean {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  let position = 0;
  const part = (): Uint8Array => {
    const length = view.getUint32(position);
    const bytes = packed.subarray(position + 4, position + 4 + length);
    position += 4 + length;
    return bytes;
  };
  while (position < packed.length) {
    const suite = view.getUint32(position);
    position += 4;
    const publicKey = part();
    const message = part();
    const signature = part();
    if (!verifyNative(suite, publicKey, message, signature)) return false;
  }
  return true;
}

parentPort?.on("message", ({ number, packed }: { number: number; packed: Uint8Array }) => {
  parentPort?.postMessage({ number, isValid: verifyPacked(packed) });
});
