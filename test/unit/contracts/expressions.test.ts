// What expressions mean: CEL's results and errors, our integers and texts, types and prices, as tables.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Value } from "../../../src/ledger/codec.ts";
import { check, evaluate, type Names } from "./support.ts";

const MAX = "9223372036854775807";
const MIN = "-9223372036854775808";
const error = (code: string) => ({ error: code });

describe("values", () => {
  it.each<readonly [string, Value | { readonly error: string }]>([
    ["1 + 2 * 3 - 4", 3],
    ["(1 + 2) * 3", 9],
    ["10 - 3 - 2", 5],
    ["100 / 5 / 2", 10],
    ["2 * 7 % 4", 2],
    ["true || false && false", true],
    ["7 / 2", 3],
    ["-7 / 2", -3],
    ["7 / -2", -3],
    ["-7 % 3", -1],
    ["7 % -3", 1],
    ["0 * -5 == 0", true],
    ["1 / (1 - 1)", error("DIVISION_BY_ZERO")],
    ["0x10 + 1", 17],
    ["9007199254740991 + 1", 9_007_199_254_740_992n],
    ["9007199254740993 - 2", 9_007_199_254_740_991],
    [`${MAX}`, 9_223_372_036_854_775_807n],
    [`${MIN}`, -9_223_372_036_854_775_808n],
    [`${MAX} + 1`, error("OVERFLOW")],
    [`${MIN} / -1`, error("OVERFLOW")],
    [`-(${MIN})`, error("OVERFLOW")],
    ["9223372036854775808", error("NUMBER_TOO_LARGE")],
    ["3037000500 * 3037000500", error("OVERFLOW")],
    ["3037000499 * 3037000499", 9_223_372_030_926_249_001n],
    ["1.5", error("FRACTION_NOT_ALLOWED")],
    ["1e3", error("FRACTION_NOT_ALLOWED")],
    [".5", error("FRACTION_NOT_ALLOWED")],
    ["1u", error("UNSIGNED_NOT_ALLOWED")],
    ["{}", error("MAP_NOT_ALLOWED")],
    ['"a" + "b" == "ab"', true],
    ["'it''s'", error("EXPRESSION_SYNTAX")],
    ['"\\u4e2d\\x41\\101\\n" == "中AA\\n"', true],
    ["r'a\\n' == 'a\\\\n'", true],
    ['"""a"b""" == "a\\"b"', true],
    ["b'abc' == b\"abc\"", true],
    ["b'\\xff' < b'\\xff\\x00'", true],
    ['"\\ud800"', error("ESCAPE_INVALID")],
    ['"open', error("TEXT_UNTERMINATED")],
    ["size('中文')", 2],
    ["size('😀')", 1],
    ["size(bytes('中文'))", 6],
    ["size([1, 2, 3])", 3],
    ["[1, 2] + [3] == [1, 2, 3]", true],
    ["[1, 2, 3][2]", 3],
    ["[1][1]", error("INDEX_OUT_OF_RANGE")],
    ["[1][-1]", error("INDEX_OUT_OF_RANGE")],
    ["[[1], []][1] == []", true],
    ["2 in [1, 2]", true],
    ["'a' in ['b', 'c']", error("VALUE_UNKNOWN")],
    ["b'a' in [b'b', b'a']", true],
    ["true ? 1 : 2", 1],
    ["true ? 1 : false ? 2 : 3", 1],
    ["false ? (true ? 1 : 2) : 3", 3],
    ["1 < 2 == true", true],
    ["[1, 2,] == [1, 2]", true],
    ["!true || !!true", true],
    ["--1", 1],
    ["string(-12) + string(true) + string('x')", "-12truex"],
    ["string(b'\\xff')", error("CONVERSION")],
    ["int('-42')", -42],
    ["int('4 2')", error("CONVERSION")],
    ["int('9223372036854775808')", error("CONVERSION")],
    ["int('')", error("CONVERSION")],
    ["'abc'.contains('bc') && 'abc'.startsWith('ab') && 'abc'.endsWith('c')", true],
    ["'aab'.contains('ab') && !'aab'.contains('ba') && 'x'.contains('')", true],
    ["mulDiv(7, 5, 2, 'down')", 17],
    ["mulDiv(7, 5, 2, 'up')", 18],
    ["mulDiv(7, 5, 2, 'half_up')", 18],
    ["mulDiv(7, 5, 2, 'half_even')", 18],
    ["mulDiv(5, 5, 2, 'half_even')", 12],
    ["mulDiv(-7, 5, 2, 'half_up')", -18],
    ["mulDiv(-7, 5, 2, 'down')", -17],
    [`mulDiv(${MAX}, ${MAX}, ${MAX}, 'down')`, 9_223_372_036_854_775_807n],
    [`mulDiv(${MAX}, 2, 1, 'down')`, error("OVERFLOW")],
    ["mulDiv(1, 1, 0, 'down')", error("DIVISION_BY_ZERO")],
    ["mulDiv(1, 1, 1, 'nearest')", error("ARGUMENTS")],
    ["split(100, [1, 1, 1]) == [34, 33, 33]", true],
    ["split(10, [0, 5, 5]) == [0, 5, 5]", true],
    ["split(1, [0, 0])", error("ARGUMENT")],
    ["split(-1, [1])", error("ARGUMENT")],
    ["sha256('abc') == sha256(b'abc')", true],
    ["year(0) * 10000 + month(0) * 100 + day(0)", 19_700_101],
    ["hour(0)", 8],
    ["weekday(0)", 4],
    ["dayNumber(57600000)", 1],
    ["startOfDay(100000000)", 57_600_000],
    ["addMonths(startOfDay(2592000000), 1) > 2592000000", true],
    ["year(-1)", error("ARGUMENT")],
  ])("%s is %s", (text, result) => {
    expect(evaluate(text).result).toEqual(result);
  });

  it("R20: one integer has one form: a number while safe, a bigint beyond, never -0", () => {
    const names: Names = { a: ["int", -9_007_199_254_740_993n] };
    expect(evaluate("a + 2", names).result).toBe(-9_007_199_254_740_991);
    expect(Object.is(evaluate("0 * -1").result, 0)).toBe(true);
    expect(Object.is(evaluate("-0").result, 0)).toBe(true);
    expect(Object.is(evaluate("x * 0", { x: ["int", -3] }).result, 0)).toBe(true);
    expect(Object.is(evaluate("x * 0", { x: ["int(-9..9)", -3] }).result, 0)).toBe(true);
    expect(Object.is(evaluate("x / 5", { x: ["int", -3] }).result, 0)).toBe(true);
    expect(Object.is(evaluate("x % 3", { x: ["int", -3] }).result, 0)).toBe(true);
    expect(Object.is(evaluate("-x", { x: ["int", 0] }).result, 0)).toBe(true);
  });
});

describe("errors are absorbed as CEL says", () => {
  const names: Names = {
    x: ["int", 0],
    yes: ["bool", true],
    no: ["bool", false],
    l: ["list(int, 5)", [1, 0, 2]],
    none: ["list(int, 5)", []],
    small: ["list(int(0..5), 5)", [1]],
  };
  const fault = "1 / x == 1";
  it.each<readonly [string, Value | { readonly error: string }]>([
    [`${fault} || yes`, true],
    [`yes || ${fault}`, true],
    [`${fault} || no`, error("DIVISION_BY_ZERO")],
    [`no || ${fault}`, error("DIVISION_BY_ZERO")],
    [`${fault} && no`, false],
    [`no && ${fault}`, false],
    [`${fault} && yes`, error("DIVISION_BY_ZERO")],
    [`yes && ${fault}`, error("DIVISION_BY_ZERO")],
    [`${fault} || l[9] == 1`, error("DIVISION_BY_ZERO")],
    [`${fault} ? yes : no`, error("DIVISION_BY_ZERO")],
    [`yes ? no : ${fault}`, false],
    [`!(${fault})`, error("DIVISION_BY_ZERO")],
    [`[1 / x, l[9]] == [1, 2]`, error("DIVISION_BY_ZERO")],
    ["l.all(i, 2 / i > 5)", false],
    ["l.all(i, 2 / i > 0)", error("DIVISION_BY_ZERO")],
    ["l.exists(i, 2 / i == 1)", true],
    ["l.exists(i, 2 / i == 7)", error("DIVISION_BY_ZERO")],
    ["l.exists_one(i, 2 / i == 1)", error("DIVISION_BY_ZERO")],
    ["l.exists_one(i, i == 1)", true],
    ["l.exists_one(i, i < 2)", false],
    ["l.filter(i, i > 0)", [1, 2]],
    ["l.filter(i, 1 / i > 0)", error("DIVISION_BY_ZERO")],
    ["l.map(i, i * 2)", [2, 0, 4]],
    ["l.map(i, i > 0, 2 / i)", [2, 1]],
    ["l.map(i, 2 / i)", error("DIVISION_BY_ZERO")],
    ["none.all(i, false) && !none.exists(i, true)", true],
    ["l.map(i, l.map(j, i * j))[2][2]", 4],
    // Ranges prove that these cannot overflow; the item may still be missing.
    ["small[9] + 1", error("INDEX_OUT_OF_RANGE")],
    ["1 - small[9]", error("INDEX_OUT_OF_RANGE")],
    ["small[9] * 2 > 1 || yes", true],
    ["small[9] < 3", error("INDEX_OUT_OF_RANGE")],
    ["l.all(i, l.exists(j, i == j))", true],
    ["l.exists(x, x == 2) && x == 0", true],
    ["l.all(x, [7].all(x, x == 7))", true],
    // The item may be missing: these go the way that looks for errors.
    ["l[0] < 1", false],
    ["l[0] <= 1", true],
    ["l[0] > 1", false],
    ["l[0] >= 1", true],
    ["l[0] == 1", true],
    ["l[0] != 1", false],
  ])("%s is %s", (text, result) => {
    expect(evaluate(text, names).result).toEqual(result);
  });
});

describe("integers agree with unbounded arithmetic", () => {
  const INT64 = fc.oneof(
    fc.bigInt(-(1n << 63n), (1n << 63n) - 1n),
    fc.bigInt(-10n, 10n),
    fc.bigInt((1n << 53n) - 5n, (1n << 53n) + 5n),
    fc.bigInt(-(1n << 53n) - 5n, -(1n << 53n) + 5n),
    fc.constantFrom(-(1n << 63n), (1n << 63n) - 1n, -(1n << 31n), 1n << 32n),
  );
  const canonical = (value: bigint): Value =>
    value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value;
  const bounded = (value: bigint) =>
    value < -(1n << 63n) || value >= 1n << 63n ? error("OVERFLOW") : canonical(value);
  const operators = {
    "+": (a: bigint, b: bigint) => bounded(a + b),
    "-": (a: bigint, b: bigint) => bounded(a - b),
    "*": (a: bigint, b: bigint) => bounded(a * b),
    "/": (a: bigint, b: bigint) => (b === 0n ? error("DIVISION_BY_ZERO") : bounded(a / b)),
    "%": (a: bigint, b: bigint) =>
      b === 0n ? error("DIVISION_BY_ZERO") : a === -(1n << 63n) && b === -1n ? error("OVERFLOW") : bounded(a % b),
    "<": (a: bigint, b: bigint) => a < b,
    ">=": (a: bigint, b: bigint) => a >= b,
    "==": (a: bigint, b: bigint) => a === b,
  } as const;
  it.each(Object.entries(operators))("R21: %s", (operator, model) => {
    fc.assert(
      fc.property(INT64, INT64, (a, b) => {
        const names: Names = { a: ["int", canonical(a)], b: ["int", canonical(b)] };
        expect(evaluate(`a ${operator} b`, names).result).toEqual(model(a, b));
      }),
      { numRuns: 400 },
    );
  });

  it("R22: an interval holds every result, and what is proven not to fail does not fail", () => {
    const small = fc.oneof(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -2, max: 2 }));
    const share = fc.constantFrom(0, 0.3, 0.5, 0.8, 1);
    const range = fc.tuple(small, small).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
    fc.assert(
      fc.property(
        range,
        range,
        fc.constantFrom("+", "-", "*", "/", "%"),
        share,
        share,
        (left, right, operator, i, j) => {
          const pick = ([min, max]: readonly [number, number], at: number) => min + Math.floor(at * (max - min));
          const names: Names = {
            a: [`int(${left[0]}..${left[1]})`, pick(left, i)],
            b: [`int(${right[0]}..${right[1]})`, pick(right, j)],
          };
          const { typed } = check(`a ${operator} b`, names);
          if (typed?.type.kind !== "int") return;
          const { result } = evaluate(`a ${operator} b`, names);
          if (typeof result !== "number") expect(typed.fallible).toBe(true);
          else expect(BigInt(result) >= typed.type.min && BigInt(result) <= typed.type.max).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe("texts", () => {
  it("R23: order is that of code points, also beyond the first plane", () => {
    const order = (left: string, right: string) => {
      const [a, b] = [[...left], [...right]].map((characters) =>
        characters.map((character) => character.codePointAt(0) ?? 0),
      );
      for (let index = 0; index < Math.min(a!.length, b!.length); index += 1)
        if (a![index] !== b![index]) return a![index]! < b![index]!;
      return a!.length < b!.length;
    };
    const text = fc.string({ unit: fc.constantFrom("a", "\ud7ff", "\ue000", "\uffff", "😀", "𠀀", "中") });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(evaluate("a < b", { a: ["text(99)", a], b: ["text(99)", b] }).result).toBe(order(a, b));
      }),
    );
  });

  it("R24: contains is found as JavaScript finds it", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 30 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(evaluate("a.contains(b)", { a: ["text(99)", a], b: ["text(99)", b] }).result).toBe(a.includes(b));
      }),
    );
  });
});

describe("types", () => {
  it.each<readonly [string, string, Names]>([
    ["a > 'x'", "TYPE_MISMATCH", { a: ["int", 1] }],
    ["a == b", "TYPE_MISMATCH", { a: ["int", 1], b: ["bool", true] }],
    ["a + b", "TYPE_MISMATCH", { a: ["int", 1], b: ["text(3)", "x"] }],
    ["a && true", "TYPE_MISMATCH", { a: ["int", 1] }],
    ["b ? 1 : 'x'", "TYPE_MISMATCH", { b: ["bool", true] }],
    ["[1, 'x']", "TYPE_MISMATCH", {}],
    ["s in ['a', 'z']", "VALUE_UNKNOWN", { s: ["enum(a,b)", "a"] }],
    ["s == 'z'", "VALUE_UNKNOWN", { s: ["enum(a,b)", "a"] }],
    ["x", "NAME_UNKNOWN", {}],
    ["f(1)", "FUNCTION_UNKNOWN", {}],
    ["size(1)", "ARGUMENTS", {}],
    ["a.b", "FIELD_UNKNOWN", { a: ["int", 1] }],
    ["a == null", "TYPE_MISMATCH", { a: ["int", 1] }],
    ["[1] < [2]", "TYPE_MISMATCH", {}],
    ["1[0]", "TYPE_MISMATCH", {}],
    ["1 / 0 == 1", "ALWAYS_FAILS", {}],
    ["1.5.all(x, true)", "FRACTION_NOT_ALLOWED", {}],
    ["a.all(x, true)", "TYPE_MISMATCH", { a: ["int", 1] }],
    ["[1].all(x, x)", "TYPE_MISMATCH", {}],
    ["[1].all(1, true)", "MACRO_SHAPE", {}],
    ["[1].all(x)", "MACRO_SHAPE", {}],
    ["has(1)", "MACRO_SHAPE", {}],
    ["-'x'", "TYPE_MISMATCH", {}],
    ["for", "NAME_RESERVED", {}],
    ["a.true == 1", "NAME_RESERVED", { a: ["int", 1] }],
    ["a.in()", "NAME_RESERVED", { a: ["int", 1] }],
    ["a.for == 1", "FIELD_UNKNOWN", { a: ["int", 1] }],
    ["1 +", "EXPRESSION_SYNTAX", {}],
    ["size([1],)", "EXPRESSION_SYNTAX", {}],
    ["[,]", "EXPRESSION_SYNTAX", {}],
    ["true ? false ? 1 : 2 : 3", "EXPRESSION_SYNTAX", {}],
    ["1 2", "EXPRESSION_SYNTAX", {}],
    ["(1", "EXPRESSION_SYNTAX", {}],
    ["!-1", "EXPRESSION_SYNTAX", {}],
    ["#", "EXPRESSION_CHARACTER", {}],
    ["", "EXPRESSION_SYNTAX", {}],
  ])("%s has the finding %s", (text, code, names) => {
    expect(check(text, names).findings.map((finding) => finding.code)).toContain(code);
  });

  it("R25: several findings are reported at once, each at its place with the known names", () => {
    const { findings } = check("nobody > 1 && s == 'z' && 1 + 'x' > 0", { s: ["enum(a,b)", "a"] });
    expect(findings.map(({ code, column, known }) => [code, column, known])).toEqual([
      ["NAME_UNKNOWN", 1, ["s"]],
      ["VALUE_UNKNOWN", 20, ["a", "b"]],
      ["TYPE_MISMATCH", 27, undefined],
    ]);
  });
});

describe("gas", () => {
  it.each<readonly [string, number]>([
    ["1", 1],
    ["1 + 2 * 3", 5],
    ["true || false", 2],
    ["false || true", 3],
    ["true && true && true", 5],
    ["false && true && true", 3],
    ["true ? 1 : 2 + 3", 3],
    ["[1, 2, 3]", 4],
    ["[1, 2, 3].all(x, x > 0)", 4 + 1 + 3 * (1 + 3)],
    ["[1, 2, 3].all(x, x > 1)", 4 + 1 + 1 * (1 + 3)],
    ["[1, 2, 3].map(x, x > 1, x)", 4 + 1 + 3 * (1 + 3) + 2 * 1],
    ["2 in [1, 2, 3]", 6 + 3],
    ["[1, 2, 3] + [4]", 7 + 4],
    ["'abcdefgh' + 'abcdefgh'", 3 + 2],
  ])("R26: %s costs %i units", (text, gas) => {
    expect(evaluate(text).gas).toBe(gas);
  });

  it("R27: running out of gas passes through every absorption", () => {
    const { gas } = evaluate("[1, 2, 3].all(x, x > 0) || true");
    for (let limit = 0; limit < gas; limit += 1) {
      expect(evaluate("[1, 2, 3].all(x, x > 0) || true", {}, limit).result).toEqual(error("OUT_OF_GAS"));
      expect(evaluate("![1, 2, 3].all(x, x > 0) && false", {}, Math.min(limit, 10)).result).toEqual(
        error("OUT_OF_GAS"),
      );
    }
    expect(evaluate("[1, 2, 3].all(x, x > 0) || true", {}, gas).result).toBe(true);
  });

  it("R28: no evaluation costs more than the worst case of the check", () => {
    const names: Names = { l: ["list(int, 6)", []], t: ["text(20)", ""], n: ["int(-5..5)", 0], b: ["bool", true] };
    const texts = [
      "l.map(x, x * n).filter(y, y > n).all(z, z in l)",
      "t + t + string(n)",
      "b ? l.exists(x, x == n) : (l + l).exists_one(x, x < n)",
      "split(100, l.map(x, x > 0 ? x : 1))",
      "sha256(t + t) == sha256(t)",
      "l.map(x, l.map(y, x + y)) == l.map(x, l)",
      "n in l",
      "l + l == l",
      "t.contains(t) || t < t + 'x'",
      "opens(sha256(t), t, bytes(t))",
      "mulDiv(n, n, n, 'down') / n % n - -n",
    ];
    const list = fc.array(fc.integer({ min: -4, max: 4 }), { maxLength: 6 });
    fc.assert(
      fc.property(
        list,
        fc.string({ maxLength: 20, unit: "grapheme-ascii" }),
        fc.integer({ min: -5, max: 5 }),
        fc.boolean(),
        fc.constantFrom(...texts),
        (l, t, n, b, text) => {
          const own: Names = { l: ["list(int, 6)", l], t: ["text(20)", t], n: ["int(-5..5)", n], b: ["bool", b] };
          const { typed } = check(text, names);
          expect(evaluate(text, own).gas).toBeLessThanOrEqual(typed?.worst ?? 0);
        },
      ),
      { numRuns: 500 },
    );
  });
});
