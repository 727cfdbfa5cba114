// What one Ed25519 verification costs here and now, by the very function that the nodes use.
// CPU time, not wall time: another process on the same core does not count.

import { transactionSigningBytes } from "../src/ledger/format-transaction.ts";
import { hashTagged } from "../src/ledger/hash.ts";
import { SUITE_ED25519 } from "../src/ledger/types.ts";
import { nativeSigner, verifyNative } from "../src/node/ed25519-native.ts";
import { median } from "./statistics.ts";

const SLICES = 9;
/** Kernels count CPU time in steps of up to 4 ms: a slice takes some forty of them. */
const VERIFICATIONS_PER_SLICE = 4_000;

/** Median over slices, us. */
export function measureVerifyUs(): number {
  const signer = nativeSigner(new Uint8Array(32).fill(7));
  const messages = Array.from({ length: VERIFICATIONS_PER_SLICE }, (_, index) => {
    const message = transactionSigningBytes(hashTagged("TX", Uint8Array.of(index & 0xff, index >> 8)));
    return { message, signature: signer.sign(message) };
  });
  const slices = Array.from({ length: SLICES }, () => {
    const before = process.threadCpuUsage();
    for (const { message, signature } of messages) verifyNative(SUITE_ED25519, signer.publicKey, message, signature);
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / VERIFICATIONS_PER_SLICE;
  });
  return Math.round(median(slices) * 10) / 10;
}
