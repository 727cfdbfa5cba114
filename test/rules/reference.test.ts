// The small pure parts of the rule language against references written another way: exhaustively where they are small, drawn elsewhere.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { multiplyDivide, ROUNDINGS, splitByLargestRemainder } from "../../src/contracts/arithmetic.ts";
import {
  addMonths,
  civilDate,
  dayNumber,
  dayOfCivil,
  hourOfDay,
  startOfDay,
  weekday,
} from "../../src/contracts/calendar.ts";
import { arithmeticFacts, negationFacts } from "../../src/contracts/intervals.ts";
import { codePointLength, containsText, hiddenCharacter } from "../../src/contracts/text.ts";
import type { ArithmeticOperator } from "../../src/contracts/typed.ts";
import { INT64_MAX, INT64_MIN, integerType, type Type } from "../../src/contracts/types.ts";
import { utf8Length } from "../../src/ledger/codec.ts";
import { compareText } from "../../src/ledger/hash.ts";

const OPERATIONS: Readonly<Record<ArithmeticOperator, (left: bigint, right: bigint) => bigint>> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / right,
  "%": (left, right) => left % right,
};
type Range = Type & { readonly kind: "int" };
const range = (min: bigint, max: bigint) => integerType(min, max) as Range;
const numbers = ({ min, max }: Range) =>
  Array.from({ length: Number(max - min) + 1 }, (_, index) => min + BigInt(index));
const small: readonly Range[] = [-4n, -3n, -1n, 0n, 1n, 2n, 4n].flatMap((min, index, all) =>
  all.slice(index).map((max) => range(min, max)),
);
/** Ranges around the ends of 64 bits. */
const wide: readonly Range[] = [INT64_MIN, INT64_MIN + 1n, INT64_MAX - 2n].map((min) => range(min, min + 2n));

function ends([first = 0n, ...others]: readonly bigint[]): readonly [min: bigint, max: bigint] {
  let [min, max] = [first, first];
  for (const value of others) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return [min, max];
}

describe("ranges", () => {
  it.each(["+", "-", "*", "/", "%"] as const)(
    "R214: the range of %s holds all results and no more ends than they have, and says what can fail",
    (operator) => {
      for (const left of [...small, ...wide])
        for (const right of [...small, ...wide]) {
          const results: bigint[] = [];
          const unbounded: bigint[] = [];
          let failures = 0;
          for (const a of numbers(left))
            for (const b of numbers(right)) {
              const isOverflow = operator === "%" && a === INT64_MIN && b === -1n;
              const result =
                isOverflow || (b === 0n && (operator === "/" || operator === "%"))
                  ? undefined
                  : OPERATIONS[operator](a, b);
              if (result !== undefined) unbounded.push(result);
              if (result === undefined || result > INT64_MAX || result < INT64_MIN) failures += 1;
              else results.push(result);
            }
          const { type, fallible, isHopeless } = arithmeticFacts(operator, left, right);
          const what = `${left.min}..${left.max} ${operator} ${right.min}..${right.max}`;
          if (type.kind !== "int") throw new Error(what);
          expect([what, fallible, isHopeless]).toEqual([what, failures > 0, results.length === 0]);
          if (results.length === 0) continue;
          // Beyond 64 bits a range ends where they end.
          const [min, max] = ends(unbounded);
          expect([what, type.min <= min || min < INT64_MIN, type.max >= max || max > INT64_MAX]).toEqual([
            what,
            true,
            true,
          ]);
          // A remainder's range knows nothing of gaps: it ends at the smaller of the dividend and the greatest divisor.
          if (operator !== "%")
            expect([what, type.min, type.max]).toEqual([
              what,
              min < INT64_MIN ? INT64_MIN : min,
              max > INT64_MAX ? INT64_MAX : max,
            ]);
          else {
            const limit =
              [right.min, right.max].map((value) => (value < 0n ? -value : value)).reduce((a, b) => (a > b ? a : b)) -
              1n;
            const low = left.min < 0n ? (left.min > -limit ? left.min : -limit) : 0n;
            const high = left.max > 0n ? (left.max < limit ? left.max : limit) : 0n;
            expect([what, type.min, type.max]).toEqual([what, low, high]);
          }
        }
    },
  );

  it("R214: the range of a negation is turned round, and only the smallest integer has none", () => {
    for (const operand of [...small, ...wide]) {
      const { type, fallible, isHopeless } = negationFacts(operand);
      const inside = numbers(operand)
        .map((value) => -value)
        .filter((value) => value <= INT64_MAX);
      expect([fallible, isHopeless]).toEqual([inside.length <= Number(operand.max - operand.min), inside.length === 0]);
      if (type.kind === "int" && inside.length > 0) expect([type.min, type.max]).toEqual([inside.at(-1), inside[0]]);
    }
    expect(negationFacts(range(INT64_MIN, INT64_MIN)).isHopeless).toBe(true);
  });

  it("R214: a time plus a number is a time, the difference of two times is a number", () => {
    const time = integerType(0n, 9n, "time") as Range;
    const names = (
      [
        ["+", time, range(0n, 1n)],
        ["+", range(0n, 1n), time],
        ["-", time, time],
        ["-", time, range(0n, 1n)],
        ["*", time, time],
      ] as const
    ).map(([operator, left, right]) => {
      const { type } = arithmeticFacts(operator, left, right);
      return type.kind === "int" ? type.name : "";
    });
    expect(names).toEqual(["time", "time", "int", "time", "int"]);
  });
});

describe("texts", () => {
  const letters = fc.constantFrom(
    "a",
    "b",
    "ab",
    "\x7f",
    "\x80",
    "é",
    "\u07ff",
    "\u0800",
    "邻",
    "\ud7ff",
    "\ue000",
    "\uffff",
    "\u{10000}",
    "😀",
    "\u{10ffff}",
  );
  const text = fc.array(letters, { maxLength: 6 }).map((parts) => parts.join(""));

  it("R215: lengths, order and search are those of code points and of UTF-8", () => {
    const points = (value: string) => [...value].map((letter) => letter.codePointAt(0) ?? 0);
    fc.assert(
      fc.property(text, text, (left, right) => {
        expect(utf8Length(left)).toBe(Buffer.byteLength(left));
        expect(codePointLength(left)).toBe(points(left).length);
        expect(Math.sign(compareText(left, right))).toBe(Buffer.compare(Buffer.from(left), Buffer.from(right)));
        expect(containsText(left, right)).toBe(left.includes(right));
        expect(containsText(left + right + left, right)).toBe(true);
      }),
      { numRuns: 2000 },
    );
    const few = fc.array(fc.constantFrom("a", "b"), { maxLength: 12 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(few, few, (whole, part) => {
        expect(containsText(whole, part)).toBe(whole.includes(part));
      }),
      { numRuns: 2000 },
    );
  });

  it("R215: a hidden character is found wherever it stands, and what can be seen is not one", () => {
    const isHidden = (code: number) => hiddenCharacter(`a${String.fromCharCode(code)}b`) === 1;
    const hidden = Array.from({ length: 0x10000 }, (_, code) => code).filter(isHidden);
    // What Unicode calls ignorable, controls and separators of lines; the empty Braille pattern, which it calls a symbol; marks of
    // interlinear notes; the first half of every tag of plane 14.
    const shows = /[^\p{Cc}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\ufff9-\ufffb\udb40]|[\t\n\r]/u;
    const expected = Array.from({ length: 0x10000 }, (_, code) => code).filter(
      (code) => !shows.test(String.fromCharCode(code)),
    );
    expect(hidden).toEqual(expected);
    expect(hiddenCharacter("邻里 😀 é\n")).toBe(-1);
  });
});

describe("money and days", () => {
  const edge = fc.oneof(
    fc.bigInt(-50n, 50n),
    fc.bigInt(INT64_MIN, INT64_MAX),
    fc.constantFrom(INT64_MIN, INT64_MAX, 0n, 1n, -1n),
  );
  const whole = (value: bigint) => (value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value);

  it("R216: mulDiv rounds as its name says, exactly, or fails outside 64 bits", () => {
    fc.assert(
      fc.property(edge, edge, edge, fc.constantFrom(...ROUNDINGS), (a, b, c, rounding) => {
        const result = multiplyDivide(whole(a), whole(b), whole(c), rounding);
        if (c === 0n) {
          expect(result).toEqual({ code: "DIVISION_BY_ZERO" });
          return;
        }
        const [top, bottom] = c < 0n ? [-a * b, -c] : [a * b, c];
        const floor = top >= 0n || top % bottom === 0n ? top / bottom : top / bottom - 1n;
        const twice = 2n * (top - floor * bottom);
        const [towards, away] = top < 0n ? [floor + 1n, floor] : [floor, floor + 1n];
        const nearest =
          twice < bottom
            ? floor
            : twice > bottom
              ? floor + 1n
              : rounding === "half_up"
                ? away
                : floor % 2n === 0n
                  ? floor
                  : floor + 1n;
        const exact = twice === 0n ? floor : rounding === "down" ? towards : rounding === "up" ? away : nearest;
        expect(result).toEqual(exact > INT64_MAX || exact < INT64_MIN ? { code: "OVERFLOW" } : whole(exact));
      }),
      { numRuns: 4000 },
    );
  });

  it("R216: split gives each its share, rounded down or up, the largest remainders up, and the sum is exact", () => {
    const weights = fc.array(fc.bigInt(0n, 20n), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.bigInt(0n, 500n), weights, (total, each) => {
        const sum = each.reduce((left, right) => left + right, 0n);
        const parts = splitByLargestRemainder(whole(total), each.map(whole));
        if (sum === 0n) {
          expect(parts).toBeUndefined();
          return;
        }
        const order = each
          .map((weight, index) => ({ index, rest: (total * weight) % sum }))
          .sort((a, b) => Number(b.rest - a.rest) || a.index - b.index);
        const left = Number(total - each.reduce((done, weight) => done + (total * weight) / sum, 0n));
        const raised = new Set(order.slice(0, left).map(({ index }) => index));
        expect(parts).toEqual(
          each.map((weight, index) => Number((total * weight) / sum) + (raised.has(index) ? 1 : 0)),
        );
      }),
      { numRuns: 2000 },
    );
    expect([splitByLargestRemainder(-1, [1]), splitByLargestRemainder(1, [1, -1, 3])]).toEqual([undefined, undefined]);
  });

  it("R217: the calendar at UTC+8 is that of the world, for every day of many years and the ends of its days", () => {
    const OFFSET_MS = 8 * 3_600_000;
    const check = (timeMs: number) => {
      const date = new Date(timeMs + OFFSET_MS);
      const day = dayNumber(timeMs);
      const seen = [civilDate(day), hourOfDay(timeMs), weekday(timeMs), dayOfCivil(civilDate(day)) === day];
      const civil = { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
      expect([timeMs, ...seen]).toEqual([timeMs, civil, date.getUTCHours(), date.getUTCDay() || 7, true]);
      expect(startOfDay(day)).toBe(Date.UTC(civil.year, civil.month - 1, civil.day) - OFFSET_MS);
    };
    for (const year of [1970, 1972, 1999, 2000, 2024, 2025, 2026, 2100, 2400, 9998])
      for (let day = 0; day < 366; day += 1) {
        const midnight = Date.UTC(year, 0, 1 + day) - OFFSET_MS;
        for (const timeMs of [midnight, midnight + 86_399_999]) if (timeMs >= 0) check(timeMs);
      }
  });

  it("R217: months are added as people count them: the same day, or the last one of a shorter month", () => {
    const OFFSET_MS = 8 * 3_600_000;
    fc.assert(
      fc.property(
        fc.integer({ min: 400 * 86_400_000, max: 4_102_444_800_000 }),
        fc.integer({ min: -12, max: 400 }),
        (timeMs, months) => {
          const date = new Date(timeMs + OFFSET_MS);
          const [year, month] = [date.getUTCFullYear(), date.getUTCMonth() + months];
          const last = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
          const day = Math.min(date.getUTCDate(), last);
          const timeOfDay = (timeMs + OFFSET_MS) % 86_400_000;
          expect(addMonths(timeMs, months)).toBe(Date.UTC(year, month, day) + timeOfDay - OFFSET_MS);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
