// An invalid batch that its origin signed is a proof against the origin, and never one against anybody honest.

import { describe, expect, it } from "vitest";
import { encodeInvalidBatch, verifyEvidence } from "../../../src/consensus/evidence.ts";
import { encode } from "../../../src/ledger/codec.ts";
import { batchDigestOf, batchSigningBytes, encodeBatch, encodeBatchBody } from "../../../src/ledger/format-batch.ts";
import { encodeTransaction } from "../../../src/ledger/format-transaction.ts";
import { verifyNative } from "../../../src/node/ed25519-native.ts";
import type { KeySigner } from "../../../src/ports.ts";
import { batch, CHAIN_ID, signerOf, transaction } from "../node/support.ts";

const ORIGIN = signerOf(100);
const VALIDATORS = [100, 101, 102, 103].map((seed) => ({
  organisation: `o${seed}`,
  suite: 1,
  publicKey: signerOf(seed).publicKey,
  peerId: `p${seed}`,
}));

function signedBatch(origin: KeySigner, body: Uint8Array): Uint8Array {
  return encodeBatch(body, origin.sign(batchSigningBytes(batchDigestOf(body))));
}

function judge(bytes: Uint8Array, offender = ORIGIN.publicKey): string {
  const verdict = verifyEvidence({
    bytes: encodeInvalidBatch(offender, bytes),
    chainId: CHAIN_ID,
    validators: VALIDATORS,
    verify: verifyNative,
  });
  return verdict.ok ? `${verdict.value.rule} ${verdict.value.label}` : verdict.code;
}

const good = transaction({ nonce: 1 });
const other = transaction({ nonce: 2 });
/** the body of one transaction under the signature of another */
const badSignature = encodeTransaction(good.bytes.slice(1, good.bytes.length - 67), other.signatures);
const bodyWith = (transactions: readonly Uint8Array[], chainId = CHAIN_ID) =>
  encodeBatchBody({ chainId, origin: ORIGIN.publicKey, sequence: 1, transactions });

describe("evidence of an invalid batch", () => {
  it("C60: a wrong signature inside, or bytes that are no transaction, prove the origin's fault", () => {
    expect(judge(signedBatch(ORIGIN, bodyWith([good.bytes, badSignature])))).toBe("INVALID_BATCH malice");
    expect(judge(signedBatch(ORIGIN, bodyWith([new Uint8Array([1, 2, 3])])))).toBe("INVALID_BATCH malice");
    expect(judge(signedBatch(ORIGIN, encode([1, CHAIN_ID, ORIGIN.publicKey, "not a number", []])))).toBe(
      "INVALID_BATCH malice",
    );
  });

  it("C61: a valid batch proves nothing", () => {
    expect(judge(batch({ sequence: 1, transactions: [good, other] }).bytes)).toBe("BATCH_EVIDENCE_PROVES_NOTHING");
  });

  it("C62: nobody is framed by an envelope around what he signed: it is the body that must be wrong", () => {
    const body = bodyWith([good.bytes]);
    const signature = ORIGIN.sign(batchSigningBytes(batchDigestOf(body)));
    expect(judge(encodeBatch(body, signature))).toBe("BATCH_EVIDENCE_PROVES_NOTHING");
    expect(judge(encode([body, signature, 0]))).toBe("BATCH_EVIDENCE_FOREIGN");
    expect(judge(encode([body, signature, signature]))).toBe("BATCH_EVIDENCE_FOREIGN");
  });

  it("C62: nobody is framed by a batch that another signed, that nobody signed, of another chain or of another version", () => {
    const invalid = bodyWith([badSignature]);
    expect(judge(signedBatch(signerOf(101), invalid))).toBe("BATCH_EVIDENCE_SIGNATURE");
    expect(judge(signedBatch(ORIGIN, invalid), signerOf(101).publicKey)).toBe("BATCH_EVIDENCE_SIGNATURE");
    expect(judge(encodeBatch(invalid, new Uint8Array(64)))).toBe("BATCH_EVIDENCE_SIGNATURE");
    expect(judge(signedBatch(ORIGIN, bodyWith([badSignature], new Uint8Array(32).fill(1))))).toBe(
      "BATCH_EVIDENCE_FOREIGN",
    );
    expect(judge(signedBatch(ORIGIN, encode([2, CHAIN_ID, ORIGIN.publicKey, 1, []])))).toBe("BATCH_EVIDENCE_FOREIGN");
    expect(judge(new Uint8Array([0x80]))).toBe("BATCH_EVIDENCE_FOREIGN");
    expect(judge(signedBatch(signerOf(7), invalid), signerOf(7).publicKey)).toBe("EVIDENCE_NOT_A_VALIDATOR");
  });
});
