// Bytes of rows of which some fields changed: the same as those of the whole row written anew.
// Never looks at how they are put together.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countOf, encodeChanged, encodeFields } from "../../../src/contracts/row-bytes.ts";
import { RowLayout } from "../../../src/contracts/row-layout.ts";
import { integerType, textType } from "../../../src/contracts/types.ts";
import { decode, encode, type Value } from "../../../src/ledger/codec.ts";

const leaf: fc.Arbitrary<Value> = fc.oneof(
  fc.boolean(),
  fc.constant(null),
  fc.integer(),
  fc.constantFrom(0, 23, 24, 255, 256, 65_535, 65_536, 4_294_967_296, 1_790_000_000_000, -1, -(2 ** 40)),
  fc.constantFrom(1n << 63n, -(1n << 63n), (1n << 64n) - 1n),
  fc.string({ unit: "grapheme", maxLength: 40 }).filter((text) => text.isWellFormed()),
  fc.uint8Array({ maxLength: 300 }),
);
const value: fc.Arbitrary<Value> = fc.oneof(
  leaf,
  fc.array(fc.oneof(leaf, fc.array(leaf, { maxLength: 3 })), { maxLength: 30 }),
);
const change = fc.array(fc.tuple(value, value, fc.boolean()), { minLength: 1, maxLength: 60 }).map((fields) => ({
  old: fields.map(([before]) => before),
  fields: fields.map(([before, after, isChanged]) => (isChanged ? after : before)),
  changed: [...fields.keys()].filter((index) => fields[index]?.[2]),
}));

describe("bytes of rows", () => {
  test("R310: a row of which fields changed has the bytes of the whole row written anew", () => {
    fc.assert(
      fc.property(change, ({ old, fields, changed }) => {
        expect(countOf(encode(old))).toBe(fields.length);
        expect(encodeChanged(encode(old), fields, changed)).toEqual(encode(fields));
      }),
      { numRuns: 500 },
    );
  });

  test("R310: also where a head grows or shrinks, and in a long row", () => {
    for (const [before, after] of [
      [23, 24],
      [70_000, 1],
      ["", "x".repeat(70_000)],
      [new Uint8Array(2000), new Uint8Array(0)],
    ] as const) {
      const old = Array.from({ length: 200 }, (_, index) => (index === 100 ? before : index));
      const fields = Array.from({ length: 200 }, (_, index) => (index === 100 ? after : index));
      expect(encodeChanged(encode(old), fields, [100])).toEqual(encode(fields));
    }
  });

  test("R310: rows that share a buffer never write over each other", () => {
    const rows = Array.from({ length: 300 }, (_, index) => [index, new Uint8Array(60 + index).fill(index)]);
    const written = rows.map((row) => encodeFields(row));
    for (const [index, bytes] of written.entries()) expect(bytes).toEqual(encode(rows[index] ?? null));
    const longest = Math.max(...written.map((bytes) => bytes.buffer.byteLength));
    expect(longest).toBeLessThanOrEqual(4096);
  });

  test("R330: a row of more than 1,024 bytes has a buffer of its own; others share one until the next does not fit", () => {
    // An array of one byte string: heads of one and of two or three bytes.
    const bufferOf = (bytes: number) => encodeFields([new Uint8Array(bytes - (bytes > 258 ? 4 : 3))]);
    expect([64, 65, 1024, 1025].map((bytes) => bufferOf(bytes).length)).toEqual([64, 65, 1024, 1025]);
    expect([64, 65, 1024, 1025].map((bytes) => bufferOf(bytes).buffer.byteLength)).toEqual([4096, 4096, 4096, 1025]);
    const { buffer } = bufferOf(1024);
    const rest = Array.from({ length: 8 }, () => bufferOf(1024)).filter((row) => row.buffer !== buffer);
    expect(rest.slice(0, 4).map(({ byteOffset }) => byteOffset)).toEqual([0, 1024, 2048, 3072]);
    expect(new Set(rest.slice(0, 4).map((row) => row.buffer)).size).toBe(1);
    expect(rest[4]?.buffer).not.toBe(rest[3]?.buffer);
  });

  test("R331: how many fields a row has is told by its head, up to 255", () => {
    const counts = [0, 1, 23, 24, 25, 255];
    expect(counts.map((count) => countOf(encode(new Array(count).fill(0))))).toEqual(counts);
    const others: readonly Value[] = [new Array(256).fill(0), 24, "x".repeat(24), new Uint8Array(1), true, null];
    expect(others.map((other) => countOf(encode(other)))).toEqual(others.map(() => -1));
    expect(countOf(new Uint8Array(0))).toBe(-1);
  });

  test("R310: a row from before an upgrade, or with a field that goes, is written whole", () => {
    const column = (name: string) => ({ name, type: integerType(0n, 9n), typeText: "int", defaultValue: 7 });
    const shape = { contract: "shop", name: "item", keyLength: 1, indexes: [] };
    const key = { name: "id", type: textType(8), typeText: "text(8)", defaultValue: undefined };
    const longer = new RowLayout({ ...shape, columns: [key, column("a"), column("b"), column("c")] });
    expect(decode(longer.encodeChanged(["k", 1, 2, 7], encode([1, 5]), [false, false, true]))).toEqual({
      ok: true,
      value: [1, 2, 7],
    });
    const gone = { ...column("c"), type: { kind: "dropped", was: integerType(0n, 9n) } as const };
    const fewer = new RowLayout({ ...shape, columns: [key, column("a"), column("b"), gone] });
    expect(decode(fewer.encodeChanged(["k", 1, 2, null], encode([1, 5, 9]), [false, false, true]))).toEqual({
      ok: true,
      value: [1, 2, null],
    });
  });
});
