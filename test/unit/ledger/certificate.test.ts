// Quorums and certificates: who counts, how often, for what.
// Never signs with keys outside the set and expects them to count.

import { describe, expect, test } from "vitest";
import {
  bitmapIndexes,
  faultBound,
  makeBitmap,
  makeCertificate,
  quorumSize,
  verifyCertificate,
} from "../../../src/ledger/certificate.ts";
import { validatorsHashOf } from "../../../src/ledger/format-cluster.ts";
import { voteSigningBytes } from "../../../src/ledger/format-vote.ts";
import type { Certificate } from "../../../src/ledger/types.ts";
import { verifyNative } from "../../../src/node/ed25519-native.ts";
import { CHAIN_ID, hashOf, makeSigners, validatorsOf } from "./samples.ts";

const SIGNERS = makeSigners(7);
const VALIDATORS = validatorsOf(SIGNERS);
const VOTE = { height: 9, view: 1, blockHash: hashOf(7), resultHash: hashOf(8) };

function signatureOf(index: number, change: Partial<Parameters<typeof voteSigningBytes>[0]> = {}): Uint8Array {
  const bytes = voteSigningBytes({
    kind: "commit",
    chainId: CHAIN_ID,
    validatorsHash: validatorsHashOf(VALIDATORS),
    ...VOTE,
    ...change,
  });
  return SIGNERS[index]?.sign(bytes) ?? new Uint8Array(0);
}

function certificateOf(indexes: readonly number[]): Certificate {
  const votes = indexes.map((signer) => ({ signer, signature: signatureOf(signer) }));
  return makeCertificate({ ...VOTE, validatorCount: VALIDATORS.length, votes });
}

function codeOf(certificate: Certificate, validators = VALIDATORS, chainId = CHAIN_ID): string {
  const verdict = verifyCertificate({ certificate, chainId, validators, verify: verifyNative });
  return verdict.ok ? "accepted" : verdict.code;
}

describe("quorums", () => {
  test("L33: two quorums share f + 1 members and n - f members make one, for n = 4 to 128", () => {
    for (let count = 4; count <= 128; count += 1) {
      const quorum = quorumSize(count);
      const faults = faultBound(count);
      expect(2 * quorum - count).toBeGreaterThanOrEqual(faults + 1);
      expect(count - faults).toBeGreaterThanOrEqual(quorum);
      expect(3 * faults).toBeLessThan(count);
    }
    expect([4, 5, 6, 7, 10].map(quorumSize)).toEqual([3, 4, 5, 5, 7]);
    expect([4, 5, 6, 7, 10].map(faultBound)).toEqual([1, 1, 1, 2, 3]);
  });
});

describe("bitmaps", () => {
  test("the first validator is the most significant bit of byte 0", () => {
    expect(makeBitmap([0], 4)).toEqual(new Uint8Array([0x80]));
    expect(makeBitmap([3, 8], 9)).toEqual(new Uint8Array([0x10, 0x80]));
  });

  test("every set of indexes comes back, and bits beyond the last validator are refused", () => {
    for (let set = 0; set < 2 ** 9; set += 1) {
      const indexes = Array.from({ length: 9 }, (_, index) => index).filter((index) => (set >> index) & 1);
      expect(bitmapIndexes(makeBitmap(indexes, 9), 9)).toEqual(indexes);
    }
    expect(bitmapIndexes(new Uint8Array([0, 0x40]), 9)).toBeUndefined();
    expect(bitmapIndexes(new Uint8Array([0]), 9)).toBeUndefined();
    expect(bitmapIndexes(new Uint8Array([0, 0, 0]), 9)).toBeUndefined();
  });

  test("L6: an index twice or out of range is our own bug", () => {
    for (const indexes of [[1, 1], [2, 1], [4], [-1]]) expect(() => makeBitmap(indexes, 4)).toThrow("L6");
  });
});

describe("certificates", () => {
  test("L34: q commits are accepted in whatever order they came; q - 1 are refused", () => {
    expect(codeOf(certificateOf([6, 0, 3, 2, 5]))).toBe("accepted");
    expect(codeOf(certificateOf([0, 1, 2, 3, 4, 5, 6]))).toBe("accepted");
    expect(codeOf(certificateOf([0, 1, 2, 3]))).toBe("CERTIFICATE_NO_QUORUM");
  });

  test("L34: a signature by somebody else, for something else or for another kind does not count", () => {
    const changes = [
      { kind: "prepare" as const },
      { height: 10 },
      { view: 2 },
      { blockHash: hashOf(1) },
      { resultHash: hashOf(1) },
      { chainId: hashOf(1) },
      { validatorsHash: hashOf(1) },
    ];
    const good = certificateOf([0, 1, 2, 3, 4]);
    for (const change of changes) {
      const signatures = [signatureOf(0, change), ...good.signatures.slice(1)];
      expect(codeOf({ ...good, signatures })).toBe("CERTIFICATE_SIGNATURE");
    }
    const [first = new Uint8Array(0), second = new Uint8Array(0), ...rest] = good.signatures;
    expect(codeOf({ ...good, signatures: [second, first, ...rest] })).toBe("CERTIFICATE_SIGNATURE");
    expect(codeOf({ ...good, signatures: [first, first, ...rest] })).toBe("CERTIFICATE_SIGNATURE");
  });

  test("L34: a certificate counts only for its own chain, validators, height, view, block and result", () => {
    const good = certificateOf([0, 1, 2, 3, 4]);
    expect(codeOf(good, VALIDATORS, hashOf(1))).toBe("CERTIFICATE_SIGNATURE");
    expect(codeOf(good, VALIDATORS.slice(0, 6))).toBe("CERTIFICATE_SIGNATURE");
    expect(codeOf({ ...good, height: 10 })).toBe("CERTIFICATE_SIGNATURE");
    expect(codeOf({ ...good, view: 2 })).toBe("CERTIFICATE_SIGNATURE");
    expect(codeOf({ ...good, blockHash: hashOf(1) })).toBe("CERTIFICATE_SIGNATURE");
    expect(codeOf({ ...good, resultHash: hashOf(1) })).toBe("CERTIFICATE_SIGNATURE");
    expect(codeOf({ ...good, resultHash: new Uint8Array(0) })).toBe("CERTIFICATE_SIGNATURE");
  });

  test("L34: a bitmap of another length, or with other bits than signatures, is refused", () => {
    const good = certificateOf([0, 1, 2, 3, 4]);
    expect(codeOf({ ...good, signers: new Uint8Array([0xf8, 0]) })).toBe("CERTIFICATE_BITMAP");
    expect(codeOf({ ...good, signers: new Uint8Array([0xf9]) })).toBe("CERTIFICATE_BITMAP");
    expect(codeOf({ ...good, signers: new Uint8Array([0xfc]) })).toBe("CERTIFICATE_BITMAP");
    expect(codeOf({ ...good, signatures: good.signatures.slice(1) })).toBe("CERTIFICATE_BITMAP");
  });

  test("L34: a prepared certificate is over PREPARE votes without a result", () => {
    const prepared = { kind: "prepare" as const, resultHash: new Uint8Array(0) };
    const votes = [0, 1, 2, 3, 4].map((signer) => ({ signer, signature: signatureOf(signer, prepared) }));
    const certificate = makeCertificate({ ...VOTE, resultHash: new Uint8Array(0), validatorCount: 7, votes });
    expect(codeOf(certificate)).toBe("accepted");
  });
});
