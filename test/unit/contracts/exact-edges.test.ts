// Sets of known values against sets that are counted out, and values and characters at the exact edge of what is allowed.
// Nothing here goes through a document.

import { describe, expect, it } from "vitest";
import {
  bothFacts,
  eitherFacts,
  join,
  type Known,
  knownOfType,
  meet,
  NOTHING_KNOWN,
  narrowed,
} from "../../../src/contracts/known.ts";
import { lookalike } from "../../../src/contracts/lookalike.ts";
import { codePointLength, hiddenCharacter, visible } from "../../../src/contracts/text.ts";
import { membership, parseType, sizeMax, typeName } from "../../../src/contracts/types.ts";
import type { Value } from "../../../src/ledger/codec.ts";
import { utf8Length } from "../../../src/ledger/codec.ts";

const ENDS = [-2n, -1n, 0n, 1n, 2n];
const INTEGERS = ENDS.flatMap((min) =>
  ENDS.filter((max) => max >= min).map((max): Known => ({ kind: "int", min, max })),
);
const TEXTS = [["a"], ["b"], ["a", "b"], ["b", "c"], ["a", "b", "c"]].map(
  (values): Known => ({ kind: "text", values }),
);
const BOOLS = [true, false].map((value): Known => ({ kind: "bool", value }));
const KINDS = [INTEGERS, TEXTS, BOOLS];
const OPERATORS = ["==", "!=", "<", "<=", ">", ">="] as const;

/** Counted out; undefined: the empty set. */
function members(known: Known | undefined): readonly (bigint | string | boolean)[] {
  if (known === undefined) return [];
  if (known.kind === "int") return ENDS.filter((value) => value >= known.min && value <= known.max);
  if (known.kind === "text") return [...known.values].sort();
  return known.kind === "bool" ? [known.value] : [];
}

function holds(operator: (typeof OPERATORS)[number], left: unknown, right: unknown): boolean {
  if (operator === "==") return left === right;
  if (operator === "!=") return left !== right;
  if (typeof left !== "bigint" || typeof right !== "bigint") return true;
  if (operator === "<") return left < right;
  if (operator === "<=") return left <= right;
  return operator === ">" ? left > right : left >= right;
}

describe("what is known of values", () => {
  it("R284: two sets that hold together are their common values, and none is a contradiction", () => {
    for (const kind of KINDS)
      for (const left of kind)
        for (const right of kind) {
          const both = members(left).filter((value) => members(right).includes(value));
          expect([left, right, members(meet(left, right))]).toEqual([left, right, both]);
          expect(meet(left, right) === undefined).toBe(both.length === 0);
        }
  });

  it("R284: of two sets one of which holds, all values remain possible and the ends are theirs", () => {
    for (const left of INTEGERS)
      for (const right of INTEGERS) {
        const all = [...members(left), ...members(right)] as bigint[];
        const [min, max] = [all.reduce((a, b) => (a < b ? a : b)), all.reduce((a, b) => (a > b ? a : b))];
        expect(join(left, right)).toEqual({ kind: "int", min, max });
      }
    for (const left of TEXTS)
      for (const right of TEXTS)
        expect(members(join(left, right))).toEqual([...new Set([...members(left), ...members(right)])].sort());
    for (const left of BOOLS)
      for (const right of BOOLS) expect(join(left, right)).toEqual(left === right ? left : NOTHING_KNOWN);
  });

  it("R284: a comparison leaves exactly the values for which it can hold", () => {
    for (const kind of KINDS)
      for (const left of kind)
        for (const right of kind)
          for (const operator of OPERATORS) {
            const possible = members(left).filter((one) => members(right).some((other) => holds(operator, one, other)));
            // Of a range only ends are taken away, of a text only a single one.
            const result = narrowed(left, operator, right);
            expect([left, operator, right, members(result)]).toEqual([
              left,
              operator,
              right,
              possible.length === 0 ? [] : members(result),
            ]);
            const isHole = operator === "!=" && left.kind === "int" && members(right).length === 1;
            const inside = isHole && members(left).indexOf(members(right)[0] ?? 0n) % (members(left).length - 1) > 0;
            if (!inside) expect([left, operator, right, members(result)]).toEqual([left, operator, right, possible]);
            else expect(result).toEqual(left);
          }
  });

  it("R284: values of different kinds, and nothing known, say nothing of each other", () => {
    for (const left of [INTEGERS[0], TEXTS[0], BOOLS[0]] as Known[])
      for (const right of [INTEGERS[1], TEXTS[1], BOOLS[1]] as Known[]) {
        expect(meet(left, NOTHING_KNOWN)).toBe(left);
        expect(meet(NOTHING_KNOWN, right)).toBe(right);
        expect(join(left, NOTHING_KNOWN)).toBe(NOTHING_KNOWN);
        expect(join(NOTHING_KNOWN, right)).toBe(NOTHING_KNOWN);
        expect(narrowed(NOTHING_KNOWN, "==", right)).toBe(right);
        expect(narrowed(NOTHING_KNOWN, "<", right)).toBe(NOTHING_KNOWN);
        expect(narrowed(left, "<", NOTHING_KNOWN)).toBe(left);
        expect(narrowed(left, "!=", NOTHING_KNOWN)).toBe(left);
        if (left.kind === right.kind) continue;
        expect(meet(left, right)).toBe(left);
        expect(join(left, right)).toBe(NOTHING_KNOWN);
        for (const operator of OPERATORS) expect(narrowed(left, operator, right)).toBe(left);
      }
    expect(narrowed(NOTHING_KNOWN, "!=", { kind: "bool", value: true })).toEqual({ kind: "bool", value: false });
    expect(narrowed(NOTHING_KNOWN, "!=", { kind: "text", values: ["a"] })).toBe(NOTHING_KNOWN);
    expect(knownOfType({ kind: "bool" })).toBe(NOTHING_KNOWN);
    expect(knownOfType({ kind: "text", bytesMax: 1, isId: false, values: ["a"] })).toEqual({
      kind: "text",
      values: ["a"],
    });
    expect(knownOfType({ kind: "text", bytesMax: 1, isId: false, values: undefined })).toBe(NOTHING_KNOWN);
  });

  it("R284: facts about names meet and join name by name", () => {
    const [one, two, low, high]: readonly Known[] = [
      { kind: "int", min: 1n, max: 1n },
      { kind: "int", min: 2n, max: 2n },
      { kind: "int", min: 0n, max: 1n },
      { kind: "int", min: 1n, max: 2n },
    ];
    const facts = (...entries: readonly (readonly [string, Known | undefined])[]) =>
      new Map(entries as [string, Known][]);
    expect(bothFacts(facts(["a", low], ["b", one]), facts(["a", high], ["c", two]))).toEqual(
      facts(["a", one], ["b", one], ["c", two]),
    );
    expect(bothFacts(facts(["a", one]), facts(["a", two]))).toBe(undefined);
    expect(bothFacts(undefined, facts(["a", two]))).toBe(undefined);
    expect(bothFacts(facts(["a", two]), undefined)).toBe(undefined);
    expect(eitherFacts(undefined, facts(["a", two]))).toEqual(facts(["a", two]));
    expect(eitherFacts(facts(["a", two]), undefined)).toEqual(facts(["a", two]));
    expect(eitherFacts(facts(["a", one], ["b", one]), facts(["a", two], ["c", two]))).toEqual(facts(["a", high]));
    expect(
      eitherFacts(facts(["a", { kind: "bool", value: true }]), facts(["a", { kind: "bool", value: false }])),
    ).toEqual(facts());
  });
});

describe("values of types", () => {
  const SAFE = Number.MAX_SAFE_INTEGER;
  it.each<readonly [string, readonly Value[], readonly Value[]]>([
    ["bool", [true, false], [0, 1, "true", null]],
    ["int(-3..5)", [-3, 0, 5], [-4, 6, 1n, "1", true, null]],
    ["int", [SAFE, -SAFE, 2n ** 63n - 1n, -(2n ** 63n)], [2n ** 63n, -(2n ** 63n) - 1n, "1", null, true, []]],
    [`int(0..${SAFE})`, [0, SAFE], [-1, 1n, BigInt(SAFE)]],
    [`int(-${SAFE}..0)`, [0, -SAFE], [1, 0n]],
    [`int(0..${BigInt(SAFE) + 1n})`, [0, BigInt(SAFE) + 1n], [-1, BigInt(SAFE) + 2n]],
    [`int(-${BigInt(SAFE) + 1n}..0)`, [0, -BigInt(SAFE) - 1n], [1, -BigInt(SAFE) - 2n, 1n]],
    ["text(3)", ["", "abc", "邻", "a\u0001"], ["abcd", "邻a", "a\0", "\ud800", 1, null, ["a"], []]],
    [
      "id",
      ["a", "a".repeat(64), "!", "邻".repeat(21)],
      ["a b", " ", "a".repeat(65), "邻".repeat(22), "\u200b", "a\u200b", 1, []],
    ],
    ["enum(a,bb)", ["a", "bb"], ["b", "", 1, null]],
    ["bytes(2)", [new Uint8Array(0), new Uint8Array(2)], [new Uint8Array(3), "ab", [1], null, 1]],
    ["list(int(0..9), 2)", [[], [0], [0, 9]], [[0, 1, 2], [10], ["a"], "", "a", 0, null, new Uint8Array(1)]],
  ])("R285: %s has exactly its values", (text, inside, outside) => {
    const reading = parseType(text, () => undefined);
    if (!reading.ok) throw new Error(reading.message);
    for (const value of inside) expect([text, value, membership(reading.type)(value)]).toEqual([text, value, true]);
    for (const value of outside) expect([text, value, membership(reading.type)(value)]).toEqual([text, value, false]);
  });

  it("R285: a field that is gone holds null alone; sizes and names are those of the parts", () => {
    const was = { kind: "text", bytesMax: 7, isId: false, values: undefined } as const;
    expect([null, 0, "", false].map((value) => membership({ kind: "dropped", was })(value))).toEqual([
      true,
      false,
      false,
      false,
    ]);
    const sized = ["int", "bool", "text(7)", "bytes(9)", "id", "list(text(7), 3)", "list(list(int, 2), 3)"].map(
      (text) => {
        const reading = parseType(text, () => undefined);
        return reading.ok ? [typeName(reading.type), sizeMax(reading.type)] : [];
      },
    );
    expect(sized).toEqual([
      ["int", 9],
      ["bool", 1],
      ["text(7)", 12],
      ["bytes(9)", 14],
      ["id", 69],
      ["list(text(7), 3)", 41],
      ["list(list(int, 2), 3)", 74],
    ]);
    expect(sizeMax({ kind: "dropped", was })).toBe(12);
    const names = [
      "int(-9223372036854775808..9223372036854775807)",
      "int(0..9223372036854775807)",
      "int(-9223372036854775808..0)",
    ];
    expect(
      names.map((text) => parseType(text, () => undefined)).map((reading) => reading.ok && typeName(reading.type)),
    ).toEqual(["int", ...names.slice(1)]);
  });
});

describe("characters", () => {
  const HIDDEN = [
    [0, 8],
    [0x0b, 0x0c],
    [0x0e, 0x1f],
    [0x7f, 0x9f],
    [0xad, 0xad],
    [0x34f, 0x34f],
    [0x61c, 0x61c],
    [0x115f, 0x1160],
    [0x17b4, 0x17b5],
    [0x180b, 0x180f],
    [0x200b, 0x200f],
    [0x2028, 0x202e],
    [0x2060, 0x206f],
    [0x2800, 0x2800],
    [0x3164, 0x3164],
    [0xfe00, 0xfe0f],
    [0xfeff, 0xfeff],
    [0xffa0, 0xffa0],
    [0xfff0, 0xfffb],
    [0xdb40, 0xdb40],
  ] as const;
  const edges = (ranges: readonly (readonly [number, number])[]) =>
    ranges.flatMap(([from, to]) => [from - 1, from, to, to + 1]).filter((code) => code >= 0);
  const within = (ranges: readonly (readonly [number, number])[], code: number) =>
    ranges.some(([from, to]) => code >= from && code <= to);

  it("R285: hidden are exactly the characters of the list, at each of its ends", () => {
    for (const code of edges(HIDDEN)) {
      const isHidden = within(HIDDEN, code);
      expect([code.toString(16), hiddenCharacter(`ab${String.fromCharCode(code)}`)]).toEqual([
        code.toString(16),
        isHidden ? 2 : -1,
      ]);
      // In a sentence a line end is written as its number, too.
      const shown = isHidden || code < 0x20 ? `\\u${code.toString(16).padStart(4, "0")}` : String.fromCharCode(code);
      expect(visible(`a${String.fromCharCode(code)}b`)).toBe(`a${shown}b`);
    }
    expect([hiddenCharacter(""), visible("")]).toEqual([-1, ""]);
  });

  it("R285: bytes and code points are counted at the ends of each length", () => {
    for (const code of [0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff]) {
      const text = `a${String.fromCodePoint(code)}`;
      expect([code, utf8Length(text), codePointLength(text)]).toEqual([code, new TextEncoder().encode(text).length, 2]);
    }
  });

  const LATIN = [
    [65, 90],
    [97, 122],
  ] as const;
  const FOREIGN = [
    [0x250, 0x2af],
    [0x370, 0x58f],
    [0x13a0, 0x13ff],
    [0x1c80, 0x1c8f],
    [0x1d00, 0x1dbf],
    [0x1f00, 0x1fff],
    [0x2c80, 0x2cff],
    [0xa4d0, 0xa4ff],
    [0xa640, 0xa69f],
    [0xab30, 0xabbf],
  ] as const;
  const WIDE = [
    [0xff10, 0xff19],
    [0xff21, 0xff3a],
    [0xff41, 0xff5a],
  ] as const;
  it("R285: letters that are taken for others are exactly those of the list, beside a Latin letter and alone", () => {
    for (const code of [...edges(LATIN), ...edges(FOREIGN), ...edges(WIDE), 0x3bc, 0xd835]) {
      const letter = String.fromCharCode(code);
      const isForeign = within(FOREIGN, code);
      const beside = isForeign && code !== 0x3bc ? 1 : -1;
      expect([code, lookalike(`a${letter}`, { alone: false })]).toEqual([code, beside]);
      expect([code, lookalike(`${letter}\u0431`, { alone: false })]).toEqual([code, within(LATIN, code) ? 1 : -1]);
      expect([code, lookalike(`\u0431${letter}`, { alone: false })]).toEqual([code, within(LATIN, code) ? 0 : -1]);
      const alone = isForeign || within(WIDE, code) || code === 0xd835 ? 1 : -1;
      expect([code, lookalike(`a${letter}`, { alone: true })]).toEqual([code, alone]);
    }
    expect(lookalike("\u0430\u0431 a", { alone: false })).toBe(-1);
    expect(lookalike("\u0430\u0431a", { alone: false })).toBe(0);
    expect(lookalike("ab \u0430\u0431b", { alone: false })).toBe(3);
    expect(lookalike("5 \u03bcm", { alone: false })).toBe(-1);
  });

  const DOUBLES = [
    [0x2e80, 0x2fdf],
    [0x31c0, 0x31ef],
    [0xf900, 0xfaff],
  ] as const;
  it("R307: parts and second forms of Chinese characters are none of them, wherever they stand", () => {
    for (const code of [...edges(DOUBLES), 0xd87e])
      for (const alone of [true, false]) {
        const isDouble = within(DOUBLES, code) || code === 0xd87e;
        expect([code, lookalike(`\u7269${String.fromCharCode(code)}`, { alone })]).toEqual([code, isDouble ? 1 : -1]);
      }
  });

  it.each([
    ["a word of Cyrillic letters that all look Latin", "see \u0440\u0430\u0441\u0435 now", 4],
    ["the same with one letter that does not", "see \u0440\u0430\u0441\u0431 now", -1],
    ["a Greek capital for the letter of a building", "\u0391\u680b", 0],
    ["a Greek letter that looks like none", "\u03b1\u680b", -1],
    ["Cherokee and Lisu", "\u13aa", 0],
    ["Lisu", "x \ua4d0\ua4d1", 2],
    ["a kana for \u53e3", "\u5165\u30ed", 1],
    ["a kana for \u529b before its word", "\u30ab\u91cf", 0],
    ["a kana in a word of kana", "\u30ab\u30e9\u30aa\u30b1\u5e97", -1],
    ["a kana that looks like none", "\u82b1\u306e\u5e97", -1],
    ["kana alone", "\u30ed", -1],
    ["the sign that lengthens, for \u4e00", "\u7b2c\u30fc\u671f", 1],
    ["at the first and the last Chinese character", "\u3400\u30ed", 1],
    ["before the first", "\u33ff\u30ed", -1],
    ["the last", "\u9fff\u30ed", 1],
    ["behind the last", "\ua000\u30ed", -1],
    ["plain Chinese and English", "\u5c0f\u533a (Community No. 5), \u2161\u671f 20\u33a1", -1],
  ])("R307: %s", (_, text, index) => {
    expect(lookalike(text, { alone: false })).toBe(index);
  });
});
