// The canonical codec: what the reader accepts re-encodes to the same bytes, and nothing else is accepted.
// Never relies on the encoder alone: hostile bytes are written by hand.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LedgerError } from "../../../src/errors.ts";
import { DECODE_LIMITS, decode, decodeWith, encode, ownBytes, type Value } from "../../../src/ledger/codec.ts";
import { compareBytes, compareText, fromHex, toHex } from "../../../src/ledger/hash.ts";
import { anyValue, bytesOf } from "./samples.ts";

function hex(text: string): Uint8Array {
  return fromHex(text) ?? new Uint8Array(0);
}

function codeOf(bytes: Uint8Array): string {
  const verdict = decode(bytes);
  return verdict.ok ? "accepted" : verdict.code;
}

describe("canonical CBOR", () => {
  test("L13: every value comes back equal", () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(decode(encode(value))).toEqual({ ok: true, value });
      }),
      { numRuns: 500 },
    );
  });

  test("L13: long texts, byte strings and lists come back equal", () => {
    for (const length of [23, 24, 31, 32, 255, 256, 65_535, 65_536, 200_000]) {
      const values: Value[] = [
        "x".repeat(length),
        "邻".repeat(length),
        new Uint8Array(length),
        new Array(length).fill(0),
      ];
      for (const value of values) expect(decode(encode(value))).toEqual({ ok: true, value });
    }
  });

  test("L13: any bytes are refused or are exactly what their value encodes to", () => {
    fc.assert(
      fc.property(bytesOf(0, 40), (bytes) => {
        const verdict = decode(bytes);
        if (verdict.ok) expect(toHex(encode(verdict.value))).toBe(toHex(bytes));
      }),
      { numRuns: 20_000 },
    );
  });

  test("L13: a changed byte is refused or changes the value to what the bytes encode", () => {
    fc.assert(
      fc.property(anyValue, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, place, change) => {
        const bytes = encode(value);
        bytes[place % bytes.length] = (bytes[place % bytes.length] ?? 0) ^ change;
        const verdict = decode(bytes);
        if (verdict.ok) expect(toHex(encode(verdict.value))).toBe(toHex(bytes));
      }),
      { numRuns: 5_000 },
    );
  });

  test("L13: truncation at every length is refused", () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const bytes = encode(value);
        for (let length = 0; length < bytes.length; length += 1) {
          expect(decode(bytes.subarray(0, length)).ok).toBe(false);
        }
      }),
    );
  });

  test.each([
    ["empty input", "", "CBOR_TRUNCATED"],
    ["one byte too many", "0000", "CBOR_TRAILING"],
    ["integer 23 in two bytes", "1817", "CBOR_NOT_SHORTEST"],
    ["integer 255 in three bytes", "1900ff", "CBOR_NOT_SHORTEST"],
    ["integer 65535 in five bytes", "1a0000ffff", "CBOR_NOT_SHORTEST"],
    ["integer 2^32-1 in nine bytes", "1b00000000ffffffff", "CBOR_NOT_SHORTEST"],
    ["negative below -2^63", "3b8000000000000000", "CBOR_INTEGER_RANGE"],
    ["length of text not shortest", "780161", "CBOR_NOT_SHORTEST"],
    ["indefinite array", "9f00ff", "CBOR_INDEFINITE"],
    ["indefinite bytes", "5f4100ff", "CBOR_INDEFINITE"],
    ["reserved length", "1c", "CBOR_INDEFINITE"],
    ["map", "a0", "CBOR_MAP"],
    ["tag", "c000", "CBOR_TAG"],
    ["tag of a bignum", "c24101", "CBOR_TAG"],
    ["record state of cbor-x", "d9dfff8319e00081616101", "CBOR_TAG"],
    ["half float", "f90000", "CBOR_FLOAT"],
    ["single float", "fa00000000", "CBOR_FLOAT"],
    ["double float", "fb0000000000000000", "CBOR_FLOAT"],
    ["undefined", "f7", "CBOR_SIMPLE"],
    ["simple value in two bytes", "f814", "CBOR_SIMPLE"],
    ["break", "ff", "CBOR_SIMPLE"],
    ["overlong UTF-8", "62c080", "CBOR_UTF8"],
    ["surrogate in UTF-8", "63eda080", "CBOR_UTF8"],
    ["cut UTF-8", "61e9", "CBOR_UTF8"],
    ["bytes longer than the input", "5affffffff00", "CBOR_TRUNCATED"],
    ["array longer than the input", "9affffffff00", "CBOR_TRUNCATED"],
    ["array of 2^64-1 items", "9bffffffffffffffff", "CBOR_TRUNCATED"],
  ])("L13: refuses %s", (_, text, code) => {
    expect(codeOf(hex(text))).toBe(code);
  });

  test("L13: a byte order mark stays in the text", () => {
    const bytes = hex("64efbbbf61");
    const verdict = decode(bytes);
    expect(verdict.ok && toHex(encode(verdict.value))).toBe(toHex(bytes));
  });

  test("L14: depth, items and bytes are limited", () => {
    const limits = { bytesMax: 100, depthMax: 3, itemsMax: 5 };
    expect(decode(hex("81818100"), limits).ok).toBe(true);
    expect(decode(hex("8181818100"), limits)).toMatchObject({ code: "CBOR_TOO_DEEP" });
    expect(decode(hex("8400000000"), limits).ok).toBe(true);
    expect(decode(hex("850000000000"), limits)).toMatchObject({ code: "CBOR_TOO_MANY_ITEMS" });
    expect(decode(new Uint8Array(101), limits)).toMatchObject({ code: "CBOR_TOO_LARGE" });
    expect(decode(new Uint8Array(100_000).fill(0x81))).toMatchObject({ code: "CBOR_TOO_DEEP" });
  });

  test("L15: what is decoded does not change with the input, also when the input is a Buffer", () => {
    const source = Buffer.from(encode([new Uint8Array([1, 2, 3])]));
    const verdict = decode(source);
    source.fill(0xee);
    expect(verdict).toEqual({ ok: true, value: [new Uint8Array([1, 2, 3])] });
  });

  test("L15: bytes of their own are kept, short ones and parts of a larger buffer and Buffers are copied", () => {
    for (const length of [0, 3, 64, 65, 1_000]) {
      const own = new Uint8Array(length).fill(7);
      const isKept = ownBytes(own) === own;
      expect(isKept).toBe(length > 64);
      const part = new Uint8Array(length + 2).fill(7).subarray(1, length + 1);
      for (const bytes of [own, part, Buffer.from(own)]) {
        const copy = ownBytes(bytes);
        expect(copy).toEqual(own);
        expect(copy.buffer.byteLength).toBe(length);
        expect(copy.constructor).toBe(Uint8Array);
      }
    }
  });

  test("L16: the encoder refuses what has no canonical form", () => {
    const values = [1.5, Number.NaN, 2 ** 53, 2n ** 64n, -(2n ** 63n) - 1n, "\ud800", undefined, {}, new Map()];
    for (const value of values) {
      // What the types forbid must also fail at run time: values come from contracts.
      expect(() => encode([value as Value])).toThrow(LedgerError);
    }
    expect(toHex(encode(-0))).toBe("00");
    expect(toHex(encode(5n))).toBe("05");
  });

  test("L16: an encoding has a buffer of its own", () => {
    const bytes = encode(["x"]);
    expect(bytes.constructor).toBe(Uint8Array);
    expect(bytes.buffer.byteLength).toBe(bytes.length);
    const before = toHex(bytes);
    for (let index = 0; index < 100; index += 1) encode(["y".repeat(index)]);
    expect(toHex(bytes)).toBe(before);
  });

  test("L14: what a byte string encloses cannot read past its end", () => {
    const read = (bytes: Uint8Array): boolean =>
      decodeWith(bytes, DECODE_LIMITS, (reader) => {
        reader.tuple(2);
        reader.enclosed(1, 10, (inner) => inner.byteString(0, 10));
        return reader.uint(0);
      }).ok;
    expect(read(encode([encode(new Uint8Array([7])), 1]))).toBe(true);
    expect(read(hex("8241420708"))).toBe(false); // the inner string of 2 bytes would take the outer bytes
    expect(read(hex("8243410700"))).toBe(false);
    expect(read(hex("824341070001"))).toBe(false); // a byte left over inside
  });
});

describe("orders", () => {
  test("L17: texts order by code point, as their UTF-8 bytes do", () => {
    const text = fc.string({ unit: "binary" }).filter((candidate) => candidate.isWellFormed());
    const encoder = new TextEncoder();
    fc.assert(
      fc.property(text, text, (left, right) => {
        expect(Math.sign(compareText(left, right))).toBe(
          Math.sign(compareBytes(encoder.encode(left), encoder.encode(right))),
        );
      }),
      { numRuns: 2_000 },
    );
    expect(compareText("\u{1f600}", "\uffee")).toBeGreaterThan(0);
  });

  test("hexadecimal is lower case and even", () => {
    expect(toHex(new Uint8Array([0, 171, 255]))).toBe("00abff");
    expect(fromHex("00abff")).toEqual(new Uint8Array([0, 171, 255]));
    for (const text of ["0", "AB", "0g", " 00"]) expect(fromHex(text)).toBeUndefined();
  });
});
