// Quorums and the certificates that prove them: q signatures of distinct validators over one vote.
// The only home of the quorum formulas; never trusts a count, an index or a hash that came with the certificate.

import { invariant } from "../assert.ts";
import { accept, refuse, type Verdict } from "../errors.ts";
import { validatorsHashOf } from "./format-cluster.ts";
import { voteSigningBytes } from "./format-vote.ts";
import { EMPTY_BYTES, type Hash } from "./hash.ts";
import type { Certificate, Validator, VerifySignature } from "./types.ts";

/** q = floor(2n/3) + 1: any two quorums share f + 1 members, and n - f members reach it (2f+1 is unsafe unless n = 3f+1). */
export function quorumSize(count: number): number {
  return Math.floor((2 * count) / 3) + 1;
}

/** f = floor((n-1)/3): how many validators may be faulty. */
export function faultBound(count: number): number {
  return Math.floor((count - 1) / 3);
}

/**
 * Checks a certificate, prepared (`resultHash` empty) or of commits, against the validators of its height.
 * The caller compares height, block and result with what it asks about.
 */
export function verifyCertificate(claim: {
  readonly certificate: Certificate;
  readonly chainId: Hash;
  readonly validators: readonly Validator[];
  readonly verify: VerifySignature;
}): Verdict<true> {
  const { certificate, chainId, validators, verify } = claim;
  const signers = bitmapIndexes(certificate.signers, validators.length);
  if (signers === undefined) return refuse("CERTIFICATE_BITMAP");
  if (signers.length !== certificate.signatures.length) return refuse("CERTIFICATE_BITMAP", "signatures missing");
  if (signers.length < quorumSize(validators.length))
    return refuse("CERTIFICATE_NO_QUORUM", `${signers.length} signers`);
  const signed = voteSigningBytes({
    kind: certificate.resultHash.length === 0 ? "prepare" : "commit",
    chainId,
    height: certificate.height,
    view: certificate.view,
    validatorsHash: validatorsHashOf(validators),
    blockHash: certificate.blockHash,
    resultHash: certificate.resultHash,
  });
  for (const [place, index] of signers.entries()) {
    const { suite, publicKey } = validators[index] as Validator;
    if (!verify(suite, publicKey, signed, certificate.signatures[place] ?? EMPTY_BYTES)) {
      return refuse("CERTIFICATE_SIGNATURE", `validator ${index}`);
    }
  }
  return accept(true);
}

/** Puts votes that were already verified together; the order in which they came does not matter. */
export function makeCertificate(parts: {
  readonly height: number;
  readonly view: number;
  readonly blockHash: Hash;
  /** empty for a prepared certificate */
  readonly resultHash: Uint8Array;
  readonly validatorCount: number;
  readonly votes: readonly { readonly signer: number; readonly signature: Uint8Array }[];
}): Certificate {
  const votes = [...parts.votes].sort((left, right) => left.signer - right.signer);
  const signers = makeBitmap(
    votes.map((vote) => vote.signer),
    parts.validatorCount,
  );
  const { height, view, blockHash, resultHash } = parts;
  return { height, view, blockHash, resultHash, signers, signatures: votes.map((vote) => vote.signature) };
}

/** @param indexes ascending, each once */
export function makeBitmap(indexes: readonly number[], count: number): Uint8Array {
  const bitmap = new Uint8Array(Math.ceil(count / 8));
  let before = -1;
  for (const index of indexes) {
    invariant(Number.isInteger(index) && index > before && index < count, "L6: a signer stands once in a certificate");
    bitmap[index >> 3] = (bitmap[index >> 3] as number) | (0x80 >> (index & 7));
    before = index;
  }
  return bitmap;
}

/** The indexes of the set bits, ascending; undefined when the bitmap is not that of `count` validators. */
export function bitmapIndexes(bitmap: Uint8Array, count: number): readonly number[] | undefined {
  if (bitmap.length !== Math.ceil(count / 8)) return undefined;
  const indexes: number[] = [];
  for (let index = 0; index < bitmap.length * 8; index += 1) {
    if (((bitmap[index >> 3] as number) & (0x80 >> (index & 7))) === 0) continue;
    if (index >= count) return undefined;
    indexes.push(index);
  }
  return indexes;
}
