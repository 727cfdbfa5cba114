// The one Ed25519 rule, held against the published edge cases in its native and its portable form.
// Never asserts only that the two agree: the number of accepted cases is part of the rule.

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { Point } from "@noble/ed25519";
import { describe, expect, test } from "vitest";
import {
  portableSigner,
  signEd25519Portable,
  verifyEd25519Portable,
  verifyPortable,
} from "../../../src/client/ed25519.ts";
import { fromHex, toHex } from "../../../src/ledger/hash.ts";
import { generateSeed, nativeSigner, verifyEd25519Native, verifyNative } from "../../../src/node/ed25519-native.ts";

interface Case {
  readonly key: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

function accepted(cases: readonly Case[]): { readonly native: number[]; readonly portable: number[] } {
  const native: number[] = [];
  const portable: number[] = [];
  for (const [index, { key, message, signature }] of cases.entries()) {
    if (verifyEd25519Native(key, message, signature)) native.push(index);
    if (verifyEd25519Portable(key, message, signature)) portable.push(index);
  }
  return { native, portable };
}

function hex(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new Error(`not hexadecimal: ${text}`);
  return bytes;
}

function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../vectors/${name}`, import.meta.url), "utf8")) as T;
}

/** The 14 encodings of points of small order: the 8 points, and the further ways to write some of them. */
function smallOrderEncodings(): readonly Uint8Array[] {
  const torsion = hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a");
  const generator = Point.fromBytes(torsion);
  const encodings = new Set<string>();
  let point = Point.ZERO;
  for (let index = 0; index < 8; index += 1) {
    encodings.add(point.toHex());
    point = point.add(generator);
  }
  const prime = 2n ** 255n - 19n;
  // y and y + p where that still fits 255 bits, each with either sign where x = 0.
  for (const y of [0n, 1n, prime - 1n, prime, prime + 1n]) {
    for (const sign of [0n, 1n]) {
      const value = y | (sign << 255n);
      const bytes = Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(index * 8)) & 255n));
      encodings.add(toHex(bytes));
    }
  }
  return [...encodings].map(hex);
}

describe("Ed25519, one rule in two forms", () => {
  test("L11: of the 914 cases of CCTV both accept the same 43", () => {
    const vectors = readVectors<{ key: string; sig: string; msg: string }[]>("ed25519-cctv.json");
    const encoder = new TextEncoder();
    const cases = vectors.map((vector) => ({
      key: hex(vector.key),
      message: encoder.encode(vector.msg),
      signature: hex(vector.sig),
    }));
    const { native, portable } = accepted(cases);
    expect(cases).toHaveLength(914);
    expect(native).toHaveLength(43);
    expect(portable).toEqual(native);
  });

  test("L11: of the 12 cases of 'Taming the many EdDSAs' both accept the same 1", () => {
    const vectors = readVectors<{ message: string; pub_key: string; signature: string }[]>("ed25519-taming.json");
    const cases = vectors.map((vector) => ({
      key: hex(vector.pub_key),
      message: hex(vector.message),
      signature: hex(vector.signature),
    }));
    const { native, portable } = accepted(cases);
    expect(cases).toHaveLength(12);
    expect(native).toHaveLength(1);
    expect(portable).toEqual(native);
  });

  test("L11: of the 196 pairs of small-order encodings, which ZIP215 accepts, both accept none", () => {
    const encodings = smallOrderEncodings();
    const message = new TextEncoder().encode("Zcash");
    const cases = encodings.flatMap((key) =>
      encodings.map((commitment) => {
        const signature = new Uint8Array(64);
        signature.set(commitment);
        return { key, message, signature };
      }),
    );
    expect(cases).toHaveLength(196);
    expect(accepted(cases)).toEqual({ native: [], portable: [] });
  });

  test("L11: random signatures are accepted and any flipped bit is refused by both", () => {
    for (let round = 0; round < 40; round += 1) {
      const signer = nativeSigner(generateSeed());
      const message = new Uint8Array(randomBytes(round));
      const signature = signer.sign(message);
      const cases: Case[] = [{ key: signer.publicKey, message, signature }];
      for (let flip = 0; flip < 4; flip += 1) {
        const key = signer.publicKey.slice();
        const mutated = signature.slice();
        const target = flip === 0 ? key : mutated;
        const [place = 0, bit = 0] = randomBytes(2);
        target[place % target.length] = (target[place % target.length] ?? 0) ^ (1 << (bit % 8));
        cases.push({ key, message, signature: mutated });
      }
      expect(accepted(cases)).toEqual({ native: [0], portable: [0] });
    }
  });

  test("L11: a signature with S + L in place of S is refused by both", () => {
    const signer = nativeSigner(generateSeed());
    const message = new TextEncoder().encode("malleable");
    const signature = signer.sign(message);
    let scalar = 0n;
    for (let index = 63; index >= 32; index -= 1) scalar = (scalar << 8n) | BigInt(signature[index] ?? 0);
    scalar += Point.CURVE().n;
    const other = signature.slice();
    for (let index = 32; index < 64; index += 1) other[index] = Number((scalar >> BigInt((index - 32) * 8)) & 255n);
    expect(accepted([{ key: signer.publicKey, message, signature: other }])).toEqual({ native: [], portable: [] });
  });

  test("L12: wrong lengths and unknown suites are false, never an exception", () => {
    const signer = nativeSigner(generateSeed());
    const message = new Uint8Array(3);
    const signature = signer.sign(message);
    const longer = new Uint8Array(65);
    longer.set(signature);
    for (const verify of [verifyNative, verifyPortable]) {
      expect(verify(1, signer.publicKey, message, signature)).toBe(true);
      expect(verify(1, signer.publicKey, message, longer)).toBe(false);
      expect(verify(1, signer.publicKey, message, signature.subarray(0, 63))).toBe(false);
      expect(verify(1, signer.publicKey.subarray(0, 31), message, signature)).toBe(false);
      expect(verify(1, new Uint8Array(0), message, new Uint8Array(0))).toBe(false);
      expect(verify(2, signer.publicKey, message, signature)).toBe(false);
    }
  });

  test("L12: bytes in shared memory are never accepted by accident", () => {
    const signer = nativeSigner(generateSeed());
    const message = new Uint8Array(new SharedArrayBuffer(8));
    expect(verifyEd25519Native(signer.publicKey, message, new Uint8Array(64))).toBe(false);
  });

  test("both make the same signature from the same seed", () => {
    for (let round = 0; round < 5; round += 1) {
      const seed = generateSeed();
      const message = new Uint8Array(randomBytes(100));
      const native = nativeSigner(seed);
      const portable = portableSigner(seed);
      expect(toHex(portable.publicKey)).toBe(toHex(native.publicKey));
      expect(toHex(signEd25519Portable(seed, message))).toBe(toHex(native.sign(message)));
    }
  });
});
