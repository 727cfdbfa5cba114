// Keys and calendar: bytes that sort as values do and read back, dates that agree with an independent calendar.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addMonths,
  civilDate,
  dayNumber,
  dayOfCivil,
  formatTime,
  hourOfDay,
  weekday,
} from "../../../src/contracts/calendar.ts";
import { RowLayout } from "../../../src/contracts/row-layout.ts";
import {
  decodeKey,
  encodeKey,
  isTimerKey,
  keyBytesMax,
  startsWithBytes,
  tablePrefix,
  timerDueMs,
} from "../../../src/contracts/state-keys.ts";
import { TIMERS } from "../../../src/contracts/system-layouts.ts";
import { type Column, parseType } from "../../../src/contracts/types.ts";
import { encode, type Value } from "../../../src/ledger/codec.ts";
import { compareBytes, compareText } from "../../../src/ledger/hash.ts";

const PREFIX = tablePrefix("shop", "item");

function columns(...types: readonly string[]): readonly Column[] {
  return types.map((typeText, index) => {
    const reading = parseType(typeText, () => undefined);
    if (!reading.ok) throw new Error(reading.message);
    return { name: `c${index}`, type: reading.type, typeText, defaultValue: undefined };
  });
}

const INTEGER = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc
    .bigInt(-(1n << 63n), (1n << 63n) - 1n)
    .map((value): Value => (value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value)),
);
const TEXT = fc.string({ unit: fc.constantFrom("a", "b", "\x01", "中", "\uffff", "😀"), maxLength: 6 });
const BYTES = fc.uint8Array({ maxLength: 5 });

describe("state keys", () => {
  it("R70: integers, texts and byte strings sort as their values and read back", () => {
    const order = (type: string, left: Value, right: Value) => {
      const [a, b] = [encodeKey(PREFIX, [left]), encodeKey(PREFIX, [right])];
      const read = decodeKey(a, PREFIX.length, columns(type));
      expect(read).toEqual({ ok: true, value: [left] });
      return Math.sign(compareBytes(a, b));
    };
    const same = (type: string, a: Value, b: Value, expected: number) => {
      expect(order(type, a, b)).toBe(expected);
    };
    fc.assert(
      fc.property(INTEGER, INTEGER, (a, b) => {
        same("int", a, b, a === b ? 0 : (a as number) < (b as number) ? -1 : 1);
      }),
    );
    fc.assert(
      fc.property(TEXT, TEXT, (a, b) => {
        same("text(99)", a, b, Math.sign(compareText(a, b)));
      }),
    );
    fc.assert(
      fc.property(BYTES, BYTES, (a, b) => {
        same("bytes(99)", a, b, Math.sign(compareBytes(a, b)));
      }),
    );
    fc.assert(
      fc.property(fc.boolean(), fc.boolean(), (a, b) => {
        same("bool", a, b, Number(a) - Number(b));
      }),
    );
  });

  it("R71: keys of several parts never collide and read back", () => {
    const types = columns("text(99)", "bytes(99)", "int", "text(99)");
    const key = fc.tuple(TEXT, BYTES, INTEGER, TEXT);
    fc.assert(
      fc.property(key, key, (a, b) => {
        const [left, right] = [encodeKey(PREFIX, a), encodeKey(PREFIX, b)];
        expect(decodeKey(left, PREFIX.length, types)).toEqual({ ok: true, value: a });
        expect(compareBytes(left, right) === 0).toBe(JSON.stringify(a, show) === JSON.stringify(b, show));
      }),
    );
  });

  it("R72: cut, extended or foreign keys are refused", () => {
    const types = columns("text(99)", "bytes(99)", "int");
    const key = encodeKey(PREFIX, ["a", Uint8Array.of(0, 1), 5]);
    for (let length = PREFIX.length; length < key.length; length += 1)
      expect(decodeKey(key.slice(0, length), PREFIX.length, types).ok).toBe(false);
    expect(decodeKey(Uint8Array.of(...key, 0), PREFIX.length, types).ok).toBe(false);
    expect(decodeKey(encodeKey(PREFIX, [Uint8Array.of(0xff, 0xfe)]), PREFIX.length, columns("text(9)")).ok).toBe(false);
  });

  it("R72: a key that is refused says where the part begins that it does not have", () => {
    const refused = (key: Uint8Array, type: string) => decodeKey(key, PREFIX.length, columns("id", type));
    for (const [type, value] of [
      ["int", 5],
      ["bool", true],
      ["text(9)", "b"],
      ["bytes(9)", Uint8Array.of(0, 7)],
    ] as const) {
      const key = encodeKey(PREFIX, ["a", value]);
      for (let length = PREFIX.length + 2; length < key.length; length += 1)
        expect(refused(key.slice(0, length), type)).toEqual({
          ok: false,
          code: "KEY_INVALID",
          detail: `at byte ${PREFIX.length + 2}`,
        });
    }
    expect(refused(Uint8Array.of(...encodeKey(PREFIX, ["a"]), 0, 7), "bytes(9)").ok).toBe(false);
  });

  it("R72: without a prefix a key begins with its first part, also with an empty one", () => {
    expect(decodeKey(Uint8Array.of(0), 0, columns("text(9)"))).toEqual({ ok: true, value: [""] });
    expect(decodeKey(Uint8Array.of(0, 0), 0, columns("bytes(9)"))).toEqual({ ok: true, value: [new Uint8Array(0)] });
  });

  it("R333: no key of a table is longer than said, and the longest is as long", () => {
    const tables: readonly (readonly [readonly string[], readonly Value[]])[] = [
      [["text(9)"], ["x".repeat(9)]],
      [["bytes(5)"], [new Uint8Array(5)]],
      [
        ["int", "bool"],
        [-1, true],
      ],
      [
        ["text(3)", "bytes(2)", "int"],
        ["中", Uint8Array.of(0, 0), 1n << 62n],
      ],
    ];
    for (const [types, values] of tables) {
      const shape = { contract: "店", name: "item", columns: columns(...types), keyLength: types.length, indexes: [] };
      expect(keyBytesMax(shape)).toBe(encodeKey(tablePrefix("店", "item"), values).length);
    }
  });

  it("R73: a key begins with itself, and with nothing longer", () => {
    const key = encodeKey(PREFIX, ["k"]);
    expect([startsWithBytes(PREFIX, PREFIX), startsWithBytes(key, PREFIX), startsWithBytes(PREFIX, key)]).toEqual([
      true,
      true,
      false,
    ]);
    for (const value of [null, "7", 7, []]) expect(timerDueMs(encode(value))).toBe(0);
    expect(timerDueMs(encode([8]))).toBe(8);
  });

  it("R73: timers are known by their keys, and their time by the value", () => {
    const row = ["shop", "k", 77, "close", new Uint8Array(0)];
    expect(isTimerKey(TIMERS.stateKeyOf(row))).toBe(true);
    expect(timerDueMs(TIMERS.encode(row))).toBe(77);
    expect(isTimerKey(encodeKey(PREFIX, ["k"]))).toBe(false);
    expect(timerDueMs(new Uint8Array(0))).toBe(0);
  });

  it("R74: a row written before a field was added reads with the field's default", () => {
    const [id, n, later] = columns("id", "int", "text(5)");
    const old = new RowLayout({ contract: "shop", name: "item", keyLength: 1, columns: [id!, n!], indexes: [] });
    const next = new RowLayout({
      contract: "shop",
      name: "item",
      keyLength: 1,
      indexes: [],
      columns: [id!, n!, { ...later!, defaultValue: "none" }],
    });
    expect(next.decode(["a"], old.encode(["a", 7]))).toEqual(["a", 7, "none"]);
    expect(old.decode(["a"], next.encode(["a", 7, "x"]))).toEqual(["a", 7]);
  });
});

function show(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}

describe("calendar at UTC+8", () => {
  const TIME = fc.integer({ min: 0, max: 253_402_271_999_999 });
  // JavaScript's own UTC calendar, eight hours ahead, as the independent second opinion.
  const shifted = (time: number) => new Date(time + 28_800_000);

  it("R75: dates, hours and weekdays agree with an independent calendar", () => {
    fc.assert(
      fc.property(TIME, (time) => {
        const date = shifted(time);
        expect(civilDate(dayNumber(time))).toEqual({
          year: date.getUTCFullYear(),
          month: date.getUTCMonth() + 1,
          day: date.getUTCDate(),
        });
        expect(hourOfDay(time)).toBe(date.getUTCHours());
        expect(weekday(time)).toBe(date.getUTCDay() === 0 ? 7 : date.getUTCDay());
        expect(formatTime(time)).toBe(date.toISOString().slice(0, 19).replace("T", " "));
        expect(dayOfCivil(civilDate(dayNumber(time)))).toBe(dayNumber(time));
      }),
      { numRuns: 2000 },
    );
  });

  it("R76: months later is the same day, or the last of a shorter month", () => {
    const at = (text: string) => Date.parse(`${text}T09:30:00+08:00`);
    expect(addMonths(at("2024-01-31"), 1)).toBe(at("2024-02-29"));
    expect(addMonths(at("2023-01-31"), 1)).toBe(at("2023-02-28"));
    expect(addMonths(at("2024-03-31"), -1)).toBe(at("2024-02-29"));
    expect(addMonths(at("2024-11-30"), 3)).toBe(at("2025-02-28"));
    expect(addMonths(at("2024-05-15"), 24)).toBe(at("2026-05-15"));
    expect(addMonths(at("2024-12-31"), -12)).toBe(at("2023-12-31"));
  });
});
