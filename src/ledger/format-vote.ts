// Bytes of votes, certificates and head statements: what is signed, and how it travels.
// Never decides whether a vote may be signed (consensus/safety.ts) or counts (certificate.ts).

import type { Verdict } from "../errors.ts";
import { DECODE_LIMITS, type DecodeLimits, decodeWith, encode, type Reader, type Value } from "./codec.ts";
import { type Hash, tagged } from "./hash.ts";
import { LIMITS } from "./limits.ts";
import { type Certificate, FORMAT_VERSION, type HeadAnswer, type HeadStatement, type VoteKind } from "./types.ts";

const CERTIFICATE_LIMITS: DecodeLimits = { ...DECODE_LIMITS, bytesMax: LIMITS.certificateBytesMax };
const HEAD_LIMITS: DecodeLimits = { ...DECODE_LIMITS, bytesMax: LIMITS.headStatementBytesMax };
const NONCE_BYTES = 32;

/** `tag(kind)` over `[chainId, height, view, validatorsHash, blockHash, resultHash or empty]`. */
export function voteSigningBytes(vote: {
  readonly kind: VoteKind;
  readonly chainId: Hash;
  readonly height: number;
  readonly view: number;
  readonly validatorsHash: Hash;
  readonly blockHash: Hash;
  /** empty for PREPARE */
  readonly resultHash: Uint8Array;
}): Uint8Array {
  return tagged(
    vote.kind === "prepare" ? "PREPARE" : "COMMIT",
    encode([vote.chainId, vote.height, vote.view, vote.validatorsHash, vote.blockHash, vote.resultHash]),
  );
}

export function encodeCertificate(certificate: Certificate): Uint8Array {
  return encode(certificateItems(certificate));
}

/** Refuses a bitmap whose set bits are not as many as the signatures. Its length is judged with the validators at hand. */
export function decodeCertificate(bytes: Uint8Array): Verdict<Certificate> {
  return decodeWith(bytes, CERTIFICATE_LIMITS, readCertificate);
}

/** `[version, height, view, blockHash, resultHash or empty, signers, signatures]`. */
export function certificateItems(certificate: Certificate): Value {
  return [
    FORMAT_VERSION,
    certificate.height,
    certificate.view,
    certificate.blockHash,
    certificate.resultHash,
    certificate.signers,
    certificate.signatures,
  ];
}

export function readCertificate(reader: Reader): Certificate {
  reader.tuple(7);
  reader.version(FORMAT_VERSION);
  const height = reader.uint(1);
  const view = reader.uint(0);
  const blockHash = reader.hash();
  const resultHash = reader.byteString(0, 32);
  if (resultHash.length !== 0 && resultHash.length !== 32) reader.fail("CBOR_LENGTH");
  const signers = reader.byteString(1, Math.ceil(LIMITS.validatorsMax / 8));
  const count = countBits(signers);
  const signatures = reader.list(count, count, (inner) => inner.byteString(1, LIMITS.signatureBytesMax));
  return { height, view, blockHash, resultHash, signers, signatures };
}

/** HEAD over `[chainId, height, blockHash, resultHash, timeMs]`. */
export function headSigningBytes(statement: {
  readonly chainId: Hash;
  readonly height: number;
  readonly blockHash: Hash;
  readonly resultHash: Hash;
  readonly timeMs: number;
}): Uint8Array {
  return tagged(
    "HEAD",
    encode([statement.chainId, statement.height, statement.blockHash, statement.resultHash, statement.timeMs]),
  );
}

/** `[version, height, blockHash, resultHash, timeMs, publicKey, signature]`. */
export function encodeHeadStatement(statement: HeadStatement): Uint8Array {
  return encode([
    FORMAT_VERSION,
    statement.height,
    statement.blockHash,
    statement.resultHash,
    statement.timeMs,
    statement.publicKey,
    statement.signature,
  ]);
}

export function decodeHeadStatement(bytes: Uint8Array): Verdict<HeadStatement> {
  return decodeWith(bytes, HEAD_LIMITS, (reader) => {
    reader.tuple(7);
    reader.version(FORMAT_VERSION);
    return {
      height: reader.uint(0),
      blockHash: reader.hash(),
      resultHash: reader.hash(),
      timeMs: reader.uint(0),
      publicKey: reader.byteString(1, LIMITS.publicKeyBytesMax),
      signature: reader.byteString(1, LIMITS.signatureBytesMax),
    };
  });
}

/** `[version, nonce]`: asks a validator for its head. @param nonce 32 bytes that were never used before */
export function encodeHeadRequest(nonce: Uint8Array): Uint8Array {
  return encode([FORMAT_VERSION, nonce]);
}

/** @returns the nonce */
export function decodeHeadRequest(bytes: Uint8Array): Verdict<Uint8Array> {
  return decodeWith(bytes, HEAD_LIMITS, (reader) => {
    reader.tuple(2);
    reader.version(FORMAT_VERSION);
    return reader.byteString(NONCE_BYTES, NONCE_BYTES);
  });
}

/** HEAD-ANSWER over `[chainId, nonce, height, blockHash, resultHash]`. */
export function headAnswerSigningBytes(answer: {
  readonly chainId: Hash;
  readonly nonce: Uint8Array;
  readonly height: number;
  readonly blockHash: Hash;
  readonly resultHash: Hash;
}): Uint8Array {
  const { chainId, nonce, height, blockHash, resultHash } = answer;
  return tagged("HEAD-ANSWER", encode([chainId, nonce, height, blockHash, resultHash]));
}

/** `[version, height, blockHash, resultHash, publicKey, signature]`; the nonce is the asker's to know. */
export function encodeHeadAnswer(answer: HeadAnswer): Uint8Array {
  const { height, blockHash, resultHash, publicKey, signature } = answer;
  return encode([FORMAT_VERSION, height, blockHash, resultHash, publicKey, signature]);
}

export function decodeHeadAnswer(bytes: Uint8Array): Verdict<HeadAnswer> {
  return decodeWith(bytes, HEAD_LIMITS, (reader) => {
    reader.tuple(6);
    reader.version(FORMAT_VERSION);
    return {
      height: reader.uint(0),
      blockHash: reader.hash(),
      resultHash: reader.hash(),
      publicKey: reader.byteString(1, LIMITS.publicKeyBytesMax),
      signature: reader.byteString(1, LIMITS.signatureBytesMax),
    };
  });
}

/** Set bits of a bitmap. */
function countBits(bitmap: Uint8Array): number {
  let count = 0;
  for (const byte of bitmap) for (let rest = byte; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}
