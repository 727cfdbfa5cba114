// Findings of what is certain, at the edges of each: of 64 bits, of a range, of what a condition leaves open, of the moves of a flow.

import { describe, expect, it } from "vitest";
import { knownTexts } from "../../../src/contracts/accounts.ts";
import { checkContract } from "../../../src/contracts/check-contract.ts";
import { check } from "./support.ts";

const NEVER = ["ACTION_UNREACHABLE", "ALWAYS_FALSE"];

/** Codes of a contract with one action under this condition. */
function condition(text: string, define = ""): readonly string[] {
  const source = `rules: 1
contract: c
title: 甲
actions:
  a:
    by: [anyone]
    params: {a: int, b: int(0..9), s: text(9), e: "enum(x,y)", yes: bool}
${define}    require:
      - {if: ${JSON.stringify(text)}, else: 不行}
    do:
      - emit: {done: {a: p.a, b: p.b, s: p.s, e: p.e, yes: p.yes}}
`;
  return checkContract(source)
    .findings.map(({ code }) => code)
    .sort();
}

describe("ranges at their edges", () => {
  it.each<readonly [string, readonly string[]]>([
    ["p.a + 0 > p.b", []],
    ["p.a - 1 > p.b", ["MAY_OVERFLOW"]],
    ["100 / (p.b - 9) < -20", ["MAY_DIVIDE_BY_ZERO"]],
    ["100 / (p.b - 10) > -20", []],
    ["mulDiv(p.a * p.b, p.b, 7, 'down') > 7", ["MAY_OVERFLOW"]],
    ["mulDiv(p.b, p.a * p.b, 7, 'down') > 7", ["MAY_OVERFLOW"]],
    ["mulDiv(p.b, 3, p.a * p.b, 'down') > 7", ["MAY_OVERFLOW"]],
    ["p.a < 0 && mulDiv(p.a, p.b, 2, 'down') < -7", ["MAY_OVERFLOW"]],
    ["p.a > 0 && mulDiv(p.a, p.b, 2, 'down') > 7", ["MAY_OVERFLOW"]],
    ["mulDiv(p.b, 4000000000, 4000000000, 'down') > 7", []],
    ["mulDiv(p.b, 1, 1, 'up') > 8", []],
    ["p.b > 8 && 5 / (p.b - 9) > 1", ["MAY_DIVIDE_BY_ZERO"]],
    ["p.b > 8 && 5 % (p.b - 9) > 1", ["MAY_DIVIDE_BY_ZERO"]],
    ["p.a == 9223372036854775807 && p.a + 1 > 0", ["MAY_OVERFLOW"]],
    ["p.a > 5 && p.a + 9223372036854775807 > 0", ["MAY_OVERFLOW"]],
    ["p.a < -9223372036854775800 && p.a * 2 > 0", ["MAY_OVERFLOW"]],
  ])("R242: %s has %j", (text, expected) => {
    expect(condition(text)).toEqual(expected);
  });

  it.each<readonly [string, readonly string[]]>([
    ["p.yes && !p.yes", ["ACTION_UNREACHABLE"]],
    ["!(p.b > 3 && p.b > 4) && p.b > 5", NEVER],
    ["!(p.b > 3 && p.yes) && p.b > 5", []],
    ["!(p.b > 3 || p.yes) && p.b > 5", NEVER],
    ["(p.b < 3 || p.yes) && p.b > 5", []],
    ["!(p.b in [1, 2]) && p.b == 1", []],
    ["p.b in [3, 4] && p.b == 5", NEVER],
    ["p.e in ['x', p.s] && p.e == 'y'", []],
    ["!(p.e in ['x', 'x']) && p.e == 'x'", NEVER],
    ["p.s in ['x', 'y'] && p.s == 'z'", NEVER],
    ["!(p.s in ['x', 'y']) && p.s == 'z'", []],
    ["p.b in [p.b, 3]", []],
    ["p.yes in [true]", []],
  ])("R243: %s has %j", (text, expected) => {
    expect(condition(text)).toEqual(expected);
  });

  it("R243: a definition is judged where it is used, and by what holds there", () => {
    const define = "    define: {each: 100 / p.b}\n";
    expect(condition("p.yes && each > 3", define)).toEqual(["MAY_DIVIDE_BY_ZERO"]);
    expect(condition("p.b > 0 && each > 30", define)).toEqual([]);
  });

  it("R243: a decided condition says from what: one value or a range", () => {
    const messages = (text: string) => {
      const source = `rules: 1\ncontract: c\ntitle: 甲\nactions:\n  a:\n    by: [anyone]\n    params: {b: int(0..9), e: "enum(x,y)", yes: bool}\n    require: [{if: ${JSON.stringify(text)}, else: 不行}]\n    do: [{emit: {done: {b: p.b, e: p.e, yes: p.yes}}}]\n`;
      return checkContract(source).findings.map(({ message }) => message);
    };
    expect(messages("p.b > 20").join()).toMatch(/\b0 to 9\b.*\b20\b(?! to)/);
  });
});

describe("texts that are known", () => {
  const known = (text: string) => {
    const { typed } = check(text, { t: ["text(5)", "x"], yes: ["bool", true] });
    return typed === undefined ? [] : knownTexts(typed);
  };

  it.each([
    ["'a:' + 'b'", [{ text: "a:b", isWhole: true }]],
    ["'a:' + t", [{ text: "a:", isWhole: false }]],
    ["'a:' + t + ':b'", [{ text: "a:", isWhole: false }]],
    ["'a' + (yes ? 'x' : 'y')", [{ text: "a", isWhole: false }]],
    ["t", [{ text: "", isWhole: false }]],
  ])("R244: of %s all or the beginning is known", (text, expected) => {
    expect(known(text)).toEqual(expected);
  });
});
