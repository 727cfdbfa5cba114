// Proofs against a small real chain: what is true is proved with the genesis alone, and no byte of a proof can be changed.
// Never checks only the happy path: every byte of every proof is flipped.

import { beforeAll, describe, expect, test } from "vitest";
import { verifyPortable } from "../../../src/client/ed25519.ts";
import type { Verdict } from "../../../src/errors.ts";
import { makeCertificate } from "../../../src/ledger/certificate.ts";
import { decode, encode, type Value } from "../../../src/ledger/codec.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import {
  decodeCertifiedHeader,
  decodeReceiptProof,
  decodeStateProof,
  encodeCertifiedHeader,
  encodeReceiptProof,
  encodeStateProof,
  type ReceiptProof,
  type StateProof,
  verifyCertifiedHeader,
  verifyReceiptProof,
  verifyStateProof,
} from "../../../src/ledger/proofs.ts";
import { verifyNative } from "../../../src/node/ed25519-native.ts";
import { type Chain, makeChain } from "./chain.ts";
import { hashOf } from "./samples.ts";

let chain: Chain;
beforeAll(() => {
  chain = makeChain();
});

function codeOf(verdict: Verdict<unknown>): string {
  return verdict.ok ? "accepted" : verdict.code;
}

function codeOfReceipt(bytes: Uint8Array): string {
  return codeOf(verifyReceiptProof({ bytes, genesis: chain.genesis, verify: verifyNative }));
}

function codeOfState(bytes: Uint8Array): string {
  return codeOf(verifyStateProof({ bytes, genesis: chain.genesis, verify: verifyNative }));
}

/** Flips one bit of every byte, chosen at random, and expects each result to be refused. */
function expectEveryByteBound(bytes: Uint8Array, accepts: (bytes: Uint8Array) => boolean): void {
  expect(accepts(bytes)).toBe(true);
  const acceptedFlips: string[] = [];
  for (let place = 0; place < bytes.length; place += 1) {
    const bit = Math.floor(Math.random() * 8);
    const mutated = bytes.slice();
    mutated[place] = (mutated[place] ?? 0) ^ (1 << bit);
    if (accepts(mutated)) acceptedFlips.push(`byte ${place} bit ${bit}`);
  }
  expect(acceptedFlips).toEqual([]);
}

describe("certified headers", () => {
  test("L35: every height verifies with the genesis alone, over every change of the set", () => {
    for (let height = 1; height <= chain.blocks.length; height += 1) {
      const certified = chain.certified(height);
      for (const verify of [verifyNative, verifyPortable]) {
        const verdict = verifyCertifiedHeader({ certified, genesis: chain.genesis, verify });
        expect(verdict.ok && verdict.value.header.height).toBe(height);
      }
    }
  });

  test("L35: without its transitions, with another's or out of order it is refused", () => {
    const last = chain.certified(chain.blocks.length);
    const check = (transitions: typeof last.transitions): string =>
      codeOf(
        verifyCertifiedHeader({ certified: { ...last, transitions }, genesis: chain.genesis, verify: verifyNative }),
      );
    const [first, second] = last.transitions;
    if (first === undefined || second === undefined) throw new Error("the chain changes its set twice");
    expect(check([first, second])).toBe("accepted");
    expect(check([])).toBe("PROOF_VALIDATORS");
    expect(check([first])).toBe("PROOF_VALIDATORS");
    expect(check([second, first])).toBe("PROOF_VALIDATORS");
    expect(check([first, second, second])).toBe("PROOF_VALIDATORS");
    expect(check([{ ...first, nextValidators: second.nextValidators }, second])).toBe("PROOF_TRANSITION_VALIDATORS");
    expect(check([{ ...first, resultBytes: second.resultBytes }, second])).toBe("PROOF_CERTIFICATE");
  });

  test("L35: a transition from the header's own height or later is refused", () => {
    const check = (height: number, transitions: readonly number[]): string => {
      const certified = { ...chain.certified(height), transitions: transitions.map((at) => chain.transition(at)) };
      return codeOf(verifyCertifiedHeader({ certified, genesis: chain.genesis, verify: verifyNative }));
    };
    expect(check(2, [1])).toBe("accepted");
    expect(check(1, [1])).toBe("PROOF_TRANSITION_ORDER");
    expect(check(2, [1, 1])).toBe("PROOF_TRANSITION_ORDER");
  });

  test("L35: of another genesis it is refused", () => {
    const certified = chain.certified(1);
    const { chainId, validators } = chain.genesis;
    const check = (genesis: { chainId: Uint8Array; validators: typeof validators }): string =>
      codeOf(verifyCertifiedHeader({ certified, genesis, verify: verifyNative }));
    expect(check({ chainId: hashOf(1), validators })).toBe("PROOF_WRONG_CHAIN");
    const [first, ...rest] = validators;
    if (first === undefined) throw new Error("no validators");
    expect(check({ chainId, validators: [{ ...first, peerId: "elsewhere" }, ...rest] })).toBe("PROOF_VALIDATORS");
  });

  test("L35: a certificate of PREPARE votes, of an earlier view or of another block proves nothing", () => {
    const certified = chain.certified(2);
    const check = (change: Partial<typeof certified.certificate>): string => {
      const certificate = { ...certified.certificate, ...change };
      return codeOf(
        verifyCertifiedHeader({
          certified: { ...certified, certificate },
          genesis: chain.genesis,
          verify: verifyNative,
        }),
      );
    };
    expect(check({ resultHash: new Uint8Array(0) })).toBe("PROOF_CERTIFICATE");
    expect(check({ blockHash: hashOf(1) })).toBe("PROOF_CERTIFICATE");
    expect(check({ height: 3 })).toBe("PROOF_CERTIFICATE");
    expect(check({ view: certified.certificate.view + 1 })).toBe("CERTIFICATE_SIGNATURE");
    const early = chain.sealed(2, { headerView: 2, view: 1 });
    const claim = { certified: early, genesis: chain.genesis, verify: verifyNative };
    expect(codeOf(verifyCertifiedHeader(claim))).toBe("PROOF_CERTIFICATE");
    expect(codeOf(verifyCertifiedHeader({ ...claim, certified: chain.sealed(2, { headerView: 2, view: 2 }) }))).toBe(
      "accepted",
    );
    const votes = chain.votes(2).slice(0, 2);
    const two = makeCertificate({ ...certified.certificate, validatorCount: 4, votes });
    expect(check(two)).toBe("CERTIFICATE_NO_QUORUM");
  });

  test("L36: every byte of a certified header is bound", () => {
    const bytes = encodeCertifiedHeader(chain.certified(chain.blocks.length));
    expectEveryByteBound(bytes, (mutated) => {
      const decoded = decodeCertifiedHeader(mutated);
      if (!decoded.ok) return false;
      return verifyCertifiedHeader({ certified: decoded.value, genesis: chain.genesis, verify: verifyNative }).ok;
    });
  });
});

describe("receipt proofs", () => {
  function proofOf(height: number, index: number, at: number): Uint8Array {
    return encodeReceiptProof(chain.receiptProof(height, index, at));
  }

  test("L37: every receipt is proved at its own height and under every later header", () => {
    for (const block of chain.blocks) {
      for (const [index, receiptBytes] of block.receipts.entries()) {
        for (let at = block.height; at <= chain.blocks.length; at += 1) {
          const bytes = proofOf(block.height, index, at);
          const verdict = verifyReceiptProof({ bytes, genesis: chain.genesis, verify: verifyNative });
          if (!verdict.ok) throw new Error(verdict.code);
          expect(verdict.value.height).toBe(block.height);
          expect(verdict.value.certified.header.height).toBe(at);
          expect(toHex(verdict.value.receiptBytes)).toBe(toHex(receiptBytes));
          expect(verdict.value.receipt.index).toBe(index);
        }
      }
    }
  });

  test("L37: a receipt of another block, place or result is refused", () => {
    const proof = chain.receiptProof(2, 1, 5);
    const check = (change: Partial<ReceiptProof>): string => codeOfReceipt(encodeReceiptProof({ ...proof, ...change }));
    expect(check({})).toBe("accepted");
    expect(check({ past: undefined })).toBe("PROOF_RECEIPT_PATH");
    expect(check({ past: chain.receiptProof(3, 0, 5).past })).toBe("PROOF_RECEIPT_PATH");
    expect(check({ past: chain.receiptProof(2, 1, 4).past })).toBe("PROOF_HISTORY");
    expect(check({ certified: chain.certified(4) })).toBe("PROOF_HISTORY");
    expect(check({ certified: chain.certified(2) })).toBe("PROOF_HISTORY");
    expect(check({ path: chain.receiptProof(2, 0, 5).path })).toBe("PROOF_RECEIPT_PATH");
    expect(check({ receiptBytes: chain.receiptProof(2, 0, 5).receiptBytes })).toBe("PROOF_RECEIPT_PATH");
    const { past } = proof;
    if (past === undefined) throw new Error("the proof is of a past block");
    expect(check({ past: { ...past, resultBytes: chain.certified(3).resultBytes } })).toBe("PROOF_HISTORY");
  });

  test("L36: every byte of a receipt proof is bound", () => {
    for (const [height, index, at] of [
      [5, 2, 5],
      [2, 1, 5],
      [1, 0, 5],
    ] as const) {
      expectEveryByteBound(proofOf(height, index, at), (bytes) => codeOfReceipt(bytes) === "accepted");
    }
  });

  test("L13: a proof re-encodes to its bytes, and is refused when cut", () => {
    const bytes = proofOf(2, 1, 5);
    const decoded = decodeReceiptProof(bytes);
    expect(decoded.ok && toHex(encodeReceiptProof(decoded.value))).toBe(toHex(bytes));
    for (let length = 0; length < bytes.length; length += 1) {
      expect(decodeReceiptProof(bytes.subarray(0, length)).ok).toBe(false);
    }
  });
});

describe("arity", () => {
  test("L13: a past of two items, with the third standing behind it, is refused", () => {
    const decoded = decode(encodeReceiptProof(chain.receiptProof(2, 1, 5)));
    const [version, receipt, path, past, certified] = (decoded.ok ? decoded.value : []) as Value[];
    const [header, result, history] = past as Value[];
    const bytes = encode([version, receipt, path, [header, result], history, certified] as Value[]);
    bytes[0] = 0x85; // five items, as a receipt proof has
    expect(decodeReceiptProof(bytes)).toMatchObject({ ok: false, code: "CBOR_COUNT" });
  });
});

describe("state proofs", () => {
  const PRESENT = new TextEncoder().encode("vote\0motion\x002026-07");
  const ABSENT = new TextEncoder().encode("vote\0motion\x002027-01");

  test("L38: a row is proved with its value and the height that wrote it", () => {
    const bytes = encodeStateProof(chain.stateProof(PRESENT));
    const verdict = verifyStateProof({ bytes, genesis: chain.genesis, verify: verifyNative });
    expect(verdict).toMatchObject({
      ok: true,
      value: {
        key: PRESENT,
        value: chain.state.get(toHex(PRESENT))?.value,
        lastHeight: 3,
        height: chain.blocks.length,
      },
    });
  });

  test("L38: the absence of a row is proved", () => {
    const bytes = encodeStateProof(chain.stateProof(ABSENT));
    const verdict = verifyStateProof({ bytes, genesis: chain.genesis, verify: verifyNative });
    expect(verdict.ok && verdict.value).toMatchObject({ key: ABSENT, value: undefined, lastHeight: undefined });
  });

  test("L38: another value, none, another key or another root is refused", () => {
    const proof = chain.stateProof(PRESENT);
    const check = (change: Partial<StateProof>): string => codeOfState(encodeStateProof({ ...proof, ...change }));
    expect(check({})).toBe("accepted");
    expect(check({ value: new Uint8Array([1]) })).toBe("PROOF_STATE_VALUE");
    expect(check({ value: undefined })).toBe("PROOF_STATE_VALUE");
    expect(check({ key: ABSENT })).toBe("STATE_PROOF_ROOT");
    expect(check({ certified: chain.certified(1) })).toBe("STATE_PROOF_ROOT");
    const absence = chain.stateProof(ABSENT);
    expect(codeOfState(encodeStateProof({ ...absence, value: new Uint8Array([1]) }))).toBe("PROOF_STATE_VALUE");
    expect(codeOfState(encodeStateProof({ ...absence, key: PRESENT }))).toBe("STATE_PROOF_ROOT");
  });

  test("L36: every byte of a state proof, of presence and of absence, is bound", () => {
    for (const key of [PRESENT, ABSENT]) {
      const bytes = encodeStateProof(chain.stateProof(key));
      expectEveryByteBound(bytes, (mutated) => codeOfState(mutated) === "accepted");
    }
  });

  test("L13: a proof re-encodes to its bytes, and is refused when cut", () => {
    const bytes = encodeStateProof(chain.stateProof(PRESENT));
    const decoded = decodeStateProof(bytes);
    expect(decoded.ok && toHex(encodeStateProof(decoded.value))).toBe(toHex(bytes));
    for (let length = 0; length < bytes.length; length += 13) {
      expect(decodeStateProof(bytes.subarray(0, length)).ok).toBe(false);
    }
  });
});
