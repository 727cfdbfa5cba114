// How far a number is money, which alone is divided by mulDiv and split, and which calls are functions or methods.

import { describe, expect, it } from "vitest";
import { checkContract } from "../../../src/contracts/check-contract.ts";
import { FUNCTIONS } from "../../../src/contracts/functions.ts";
import { typeName } from "../../../src/contracts/types.ts";
import { check, evaluate, type Names } from "./support.ts";

const NAMES: Names = {
  m: ["money", 700],
  n: ["int(0..1000)", 3],
  c: ["count", 3],
  list: ["list(money, 4)", [100, 200]],
  yes: ["bool", true],
};
const codes = (text: string) => check(text, NAMES).findings.map(({ code }) => code);

const CONTRACT = (definition: string) => `rules: 1
contract: shop
title: {zh: 商店, en: Shop}
settings: {cap: {title: 上限, value: 500, unit: {zh: 分, en: fen}}, rate: {title: 率, value: 3, unit: {zh: 分, en: points}}}
actions:
  go:
    by: [clerk]
    params: {n: int(1..9)}
    read: {had?: "ledger.money['fund']"}
    define: {x: "${definition}"}
    require:
      - {if: x > 0, else: 不成立}
    do:
      - emit: {done: {n: p.n}}
`;

describe("money", () => {
  it.each([
    ["m / 2"],
    ["m % 2"],
    ["2 / m"],
    ["(m + 1) / 2"],
    ["(1 + m) / 2"],
    ["(1 - m) / 2"],
    ["-m / 2"],
    ["(m * n) / 100"],
    ["(n * m) % 100"],
    ["(yes ? m : 0) / 2"],
    ["(yes ? c : m) / 2"],
    ["[m, 1][0] / 2"],
    ["[1, c, m][0] / 2"],
    ["list[0] / 2"],
    ["list.map(x, x + 1)[0] / 2"],
    ["list.exists(x, x % 100 == 0)"],
    ["sum(list) / 2"],
    ["int(m) / 2"],
    ["split(m, [1, 2])[0] / 2"],
    ['mulDiv(m, n, 100, "down") / 2'],
    ['mulDiv(n, m, 100, "down") / 2'],
  ])("R230: %s is refused, with the remedy", (text) => {
    const [finding] = check(text, NAMES).findings;
    expect(finding).toMatchObject({ code: "MONEY_DIVIDED", severity: "error" });
    expect(finding?.message).toContain("mulDiv(");
    expect(finding?.message).toContain("split(");
  });

  it("R230: what money is to other money is a number, and numbers are divided", () => {
    expect(evaluate('mulDiv(m, 100, list[0], "down") / 7', NAMES).result).toBe(100);
    expect(evaluate("n / 2 + c / 2 + size(list) / 2", NAMES).result).toBe(3);
    expect(evaluate('mulDiv(m, 1, n, "down")', NAMES).result).toBe(233);
    expect(evaluate("split(m, [1, 1, 1])", NAMES).result).toEqual([234, 233, 233]);
    expect(typeName(check("m * n - 1", NAMES).typed?.type ?? { kind: "null" })).toBe("money");
  });

  it.each([
    ["settings.cap / p.n", ["MONEY_DIVIDED"]],
    ["had.fen / p.n", ["MONEY_DIVIDED"]],
    ["settings.rate / p.n", []],
  ])("R230: in a contract %s gives %j", (definition, expected) => {
    const errors = checkContract(CONTRACT(definition)).findings.filter(({ severity }) => severity === "error");
    expect(errors.map(({ code }) => code)).toEqual(expected);
  });
});

describe("functions and methods", () => {
  it.each([
    ["startsWith('ab', 'a')"],
    ["contains('ab', 'a')"],
    ["endsWith('ab', 'b')"],
    ["'1'.int()"],
    ["n.string()"],
    ["'a'.bytes()"],
    ["'a'.sha256()"],
    ["list.sum()"],
    ["n.year()"],
    ["m.mulDiv(n, 2, 'down')"],
    ["('1').int()"],
  ])("R231: %s is no way to write it", (text) => {
    expect(codes(text)).toEqual(["ARGUMENTS"]);
  });

  it("R231: what is left is written as CEL writes it", () => {
    const names = { s: ["text(9)", "abc"] } as const;
    expect(evaluate("s.startsWith('a') && s.contains('b') && s.endsWith('c')", names).result).toBe(true);
    expect(evaluate("size(s) + s.size()", names).result).toBe(6);
    expect(evaluate("int('1') + int(string(2))", names).result).toBe(3);
    expect(
      [...FUNCTIONS.values()]
        .flat()
        .filter(({ form }) => form === "method")
        .map(({ name }) => name),
    ).toEqual(["contains", "startsWith", "endsWith"]);
  });
});
