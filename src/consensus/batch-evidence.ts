// When a batch proves misbehaviour: its origin signed it for this ledger, and it holds what no honest node gathers.
// Only what is wrong in the signed bytes counts; a batch of another chain or version proves nothing here.

import { refuse, type Verdict } from "../errors.ts";
import { DECODE_LIMITS, decodeWith, type Reader } from "../ledger/codec.ts";
import { batchDigestOf, batchSigningBytes, decodeBatch } from "../ledger/format-batch.ts";
import { bytesEqual, type Hash } from "../ledger/hash.ts";
import { LIMITS } from "../ledger/limits.ts";
import { FORMAT_VERSION, type Validator, type VerifySignature } from "../ledger/types.ts";
import { checkBatch } from "../ledger/validate.ts";

/** `[body, signature]` and, of the body, `[version, chainId, origin, ...]`, read without judging the rest. */
interface SignedBatch {
  readonly bodyBytes: Uint8Array;
  readonly signature: Uint8Array;
  readonly chainId: Uint8Array;
  readonly origin: Uint8Array;
}

/** Whose batch these bytes claim to be; undefined when they are not in the form of this version. */
export function batchOrigin(bytes: Uint8Array): Uint8Array | undefined {
  return readSigned(bytes)?.origin;
}

/**
 * Judges a batch as a proof against its origin.
 * @returns ok when the origin signed it for this chain and it is not valid; refusals `BATCH_EVIDENCE_*`
 */
export function provesInvalidBatch(claim: {
  readonly bytes: Uint8Array;
  readonly chainId: Hash;
  readonly origin: Validator;
  readonly verify: VerifySignature;
}): Verdict<true> {
  const { bytes, chainId, origin, verify } = claim;
  const signed = readSigned(bytes);
  if (signed === undefined || !bytesEqual(signed.chainId, chainId)) return refuse("BATCH_EVIDENCE_FOREIGN");
  const message = batchSigningBytes(batchDigestOf(signed.bodyBytes));
  const isSigned =
    bytesEqual(signed.origin, origin.publicKey) && verify(origin.suite, origin.publicKey, message, signed.signature);
  if (!isSigned) return refuse("BATCH_EVIDENCE_SIGNATURE");
  const batch = decodeBatch(bytes);
  const isValid = batch.ok && checkBatch({ batch: batch.value, chainId, validators: [origin], verify }).ok;
  return isValid ? refuse("BATCH_EVIDENCE_PROVES_NOTHING") : { ok: true, value: true };
}

function readSigned(bytes: Uint8Array): SignedBatch | undefined {
  // The envelope is not signed: anybody can add to it. What is judged must follow from the signed body alone.
  // Nothing is built of what is only passed over: these bytes are a stranger's until the signature is checked.
  const read = decodeWith(bytes, DECODE_LIMITS, (reader): SignedBatch | undefined => {
    reader.tuple(2);
    const bodyBytes = reader.byteString(1, LIMITS.batchBytesMax);
    const signature = reader.byteString(1, LIMITS.signatureBytesMax);
    const body = decodeWith(bodyBytes, DECODE_LIMITS, readPlace);
    return body.ok ? { bodyBytes, signature, ...body.value } : undefined;
  });
  return read.ok ? read.value : undefined;
}

function readPlace(reader: Reader): Pick<SignedBatch, "chainId" | "origin"> {
  const count = reader.array(3, DECODE_LIMITS.itemsMax);
  reader.version(FORMAT_VERSION);
  const place = { chainId: reader.hash(), origin: reader.byteString(1, LIMITS.publicKeyBytesMax) };
  for (let item = 3; item < count; item += 1) reader.skip(0);
  return place;
}
