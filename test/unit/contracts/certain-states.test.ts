// What the check says of states, accounts, ranges and names, word for word where the words carry numbers: at the edge of each judgement
// and with a second table or flow beside it that must not be mixed in.

import { describe, expect, it } from "vitest";
import { checkContract } from "../../../src/contracts/check-contract.ts";
import { FINDINGS_MAX } from "../../../src/contracts/finding.ts";
import { typeName } from "../../../src/contracts/types.ts";
import { check, type Names } from "./support.ts";

const BEGIN = `rules: 1
contract: c
title: 甲
tables:
  item:
    key: {id: id}
    fields: {first: "enum(a,b,c)", second: "enum(x,y)", n: int(0..9)}
    flow: {first: {a: [b], b: [c]}, second: {x: [y]}}
  other:
    key: {id: id}
    fields: {mood: "enum(good,bad)"}
    flow: {mood: {good: [bad]}}
actions:
  add:
    by: [admin]
    params: {id: id}
    do:
      - {insert: item, row: {id: p.id, first: '"a"', second: '"x"', n: 1}}
      - {insert: other, row: {id: p.id, mood: '"good"'}}
  swap:
    by: [admin]
    params: {id: id}
    read: {i: "item[p.id]", o: "other[p.id]"}
    do:
      - {update: i, set: {second: '"y"'}}
      - {update: o, set: {mood: '"bad"'}}
`;

/** Findings of the contract with one more action; states `b` and `c` of `item.first` are reached by no other. */
function withAction(text: string): readonly string[] {
  return checkContract(`${BEGIN}  last:\n    by: [admin]\n    params: {id: id, s: item.first, yes: bool}\n${text}`)
    .findings.filter(({ code }) => code !== "STATE_UNREACHABLE" && code !== "UNUSED")
    .map(({ code, message }) => `${code} ${message}`);
}

const READ = `    read: {i: "item[p.id]"}\n`;

describe("states", () => {
  it("R291: an action that needs a state to which none leads never happens, also when it moves nothing", () => {
    const needing = (condition: string) =>
      withAction(
        `${READ}    require: [{if: ${JSON.stringify(condition)}, else: 不行}]\n    do: [{emit: {done: {id: p.id}}}]\n`,
      );
    expect(needing('i.first == "c"')).toEqual([
      "ACTION_UNREACHABLE last can never happen: i.first would have to be c, which no action leads to",
    ]);
    expect(needing('i.first in ["b", "c"]')).toEqual([
      "ACTION_UNREACHABLE last can never happen: i.first would have to be b or c, which no action leads to",
    ]);
    expect(needing('i.first in ["a", "c"]')).toEqual([]);
    expect(needing('i.second == "y"')).toEqual([]);
  });

  it("R291: a move that the flow does not have is never made, unless it is made only sometimes", () => {
    const moving = (when: string, value = `'"b"'`) =>
      withAction(
        `${READ}    require: [{if: 'i.first == "a"', else: 不行}]\n    do: [{${when}update: i, set: {first: ${value}}}]\n`,
      );
    expect(moving("", `'"c"'`)).toEqual([
      "ACTION_UNREACHABLE last can never happen: flow of item has no move from a to c",
    ]);
    expect(moving("when: p.yes, ", `'"c"'`)).toEqual([]);
    expect(moving("")).toEqual([]);
    expect(moving("", "p.s")).toEqual([]);
  });

  it("R291: of what a row may begin with one state is enough; a beginning that the flow does not have is never made", () => {
    const beginning = (first: string, when = "") =>
      withAction(`    do: [{${when}insert: item, row: {id: p.id, first: ${first}, second: '"x"', n: 1}}]\n`);
    expect(beginning("p.s")).toEqual([]);
    expect(beginning('\'p.yes ? "b" : "c"\'')).toEqual([
      "ACTION_UNREACHABLE last can never happen: flow of item has no beginning to b or c",
    ]);
    expect(beginning('\'p.yes ? "b" : "c"\'', "when: p.yes, ")).toEqual([]);
  });
});

describe("accounts", () => {
  const paying = (from: string) =>
    checkContract(`rules: 1
contract: shop
title: 甲
accounts: ["outside:shop", "shop:", fund, "fund:repair"]
actions:
  a:
    by: [admin]
    params: {id: id, n: int(0..9)}
    do:
      - pay: {from: '"outside:shop"', to: '"fund:repair"', amount: p.n}
      - pay: {from: '${from}', to: '"x" + p.id', amount: p.n}
`).findings.map(({ code, message }) => `${code} ${message.split(" ").at(-1)}`);
  const trap = "ACCOUNT_NO_WAY_OUT does";

  it("R292: an account has a way out when money may be taken from it, or from all that begin so", () => {
    expect(paying('"fund:repair"')).toEqual(["UNUSED shop:", "UNUSED fund"]);
    expect(paying('"fund:" + p.id')).toEqual(["UNUSED shop:", "UNUSED fund"]);
    expect(paying('"fund"')).toEqual(["UNUSED shop:", trap]);
    expect(paying('"shop:" + p.id')).toEqual(["UNUSED fund", trap]);
    expect(paying("p.id")).toEqual([]);
  });
});

/** Warnings of one condition over parameters of many ranges. */
function warned(text: string): readonly string[] {
  return checkContract(`rules: 1
contract: c
title: 甲
actions:
  a:
    by: [admin]
    params: {low: int(-4000000000..-3), high: int(3..4000000000), b: int(0..9), e: "enum(x,y)", y: bytes(9), yes: bool}
    require:
      - {if: ${JSON.stringify(text)}, else: 不行}
    do: [{emit: {done: {l: p.low, h: p.high, b: p.b, e: p.e, y: p.y, s: p.yes}}}]
`).findings.map(({ code, message }) => `${code} ${message.replace(/:.*/, "")}`);
}

describe("ranges", () => {
  it.each([
    ["mulDiv(p.low, p.low, 1, 'down') > 0", "-1 to 16000000000000000001"],
    ["mulDiv(p.low, p.high, 1, 'down') > 0", "-16000000000000000001 to 1"],
    ["mulDiv(p.high, p.low, 1, 'down') > 0", "-16000000000000000001 to 1"],
    ["mulDiv(p.high, p.high, 1, 'down') > 0", "-1 to 16000000000000000001"],
    ["p.low * p.low > 0", "9 to 16000000000000000000"],
    ["p.low * p.high > 0", "-16000000000000000000 to -9"],
    ["p.high * p.low > 0", "-16000000000000000000 to -9"],
    ["p.high * p.high > 0", "9 to 16000000000000000000"],
  ])("R293: what %s can be is said with both ends", (text, range) => {
    const operator = text.startsWith("mulDiv") ? "/" : "\\*";
    expect(warned(text).join()).toMatch(
      new RegExp(`MAY_OVERFLOW the result of ${operator} can be ${range}, beyond 64 bits`),
    );
  });

  it("R293: after a division by what is surely 0 nothing is known, and a negation is known with its operand", () => {
    expect(warned("p.b == 0 && 100 / p.b == 5").map((text) => text.split(" ")[0])).toEqual(["MAY_DIVIDE_BY_ZERO"]);
    expect(warned("p.b == 0 && 100 % p.b == 5").map((text) => text.split(" ")[0])).toEqual(["MAY_DIVIDE_BY_ZERO"]);
    expect(warned("p.yes && (!p.yes) == true").map((text) => text.split(" ")[0])).toContain("ACTION_UNREACHABLE");
    expect(warned("p.yes && (!p.yes) == false").map((text) => text.split(" ")[0])).not.toContain("ACTION_UNREACHABLE");
    expect(warned("p.y in [b'a', b'b']")).toEqual([]);
    expect(warned("p.b / 0 > 1").map((text) => text.split(" ")[0])).toEqual(["ALWAYS_FAILS"]);
    expect(warned("9223372036854775807 + 1 > p.b").map((text) => text.split(" ")[0])).toEqual(["ALWAYS_FAILS"]);
    expect(warned("p.yes in [true, p.yes]")).toEqual([]);
  });
});

const NAMES: Names = {
  n: ["int", 1],
  small: ["int(0..9)", 1],
  zero: ["int(0..0)", 0],
  t: ["text(9)", "x"],
  wide: ["text(131072)", "x"],
  l: ["list(int, 9)", []],
  e: ["enum(open,sold)", "open"],
  yes: ["bool", true],
};

describe("types of expressions", () => {
  it.each([
    ["mulDiv(n, n, n, t)", ["ARGUMENTS"]],
    ["mulDiv(n, n, n, 'sideways')", ["ARGUMENTS"]],
    ["mulDiv(n, n, n, yes ? 'down' : 'sideways')", ["ARGUMENTS"]],
    ["mulDiv(n, n, n, yes ? 'down' : 'up')", []],
    ["nobody == 1", ["NAME_UNKNOWN"]],
    ["1 == nobody", ["NAME_UNKNOWN"]],
    ["null == null", ["TYPE_MISMATCH"]],
    ["n == null", ["TYPE_MISMATCH"]],
    ["yes ? null : null", ["TYPE_MISMATCH"]],
    ["e == t", []],
    ["e == 'open'", []],
    ["t == 'shut'", []],
    ["1 == 2", []],
    ["mulDiv(n, nobody)", ["ARGUMENTS", "NAME_UNKNOWN"]],
    ["t.contains(nobody) + 1 == 2", ["NAME_UNKNOWN"]],
    ["mulDiv(n, nobody, n, 'up')", ["NAME_UNKNOWN"]],
    ["int(nobody)", ["NAME_UNKNOWN"]],
    ["int('1', '2')", ["ARGUMENTS"]],
  ])("R294: %s has exactly %j", (text, codes) => {
    expect(check(text, NAMES).findings.map(({ code }) => code)).toEqual(codes);
  });

  it.each([
    ["split(small, l)", "list(int(0..9), 9)"],
    ["split(n, l)", "list(int(0..9223372036854775807), 9)"],
    ["split(zero, l)", "list(int(0..9007199254740991), 9)"],
    ["t + t", "text(18)"],
  ])("R294: %s is %s", (text, type) => {
    const { typed } = check(text, NAMES);
    expect(typed === undefined ? "" : typeName(typed.type)).toBe(type);
  });

  it("R294: a text that may grow beyond the longest one can fail, one that just fits cannot", () => {
    const half: Names = { a: ["text(131071)", "x"], b: ["text(1)", "x"], c: ["text(2)", "x"] };
    expect([check("a + b", half).typed?.fallible, check("a + c", half).typed?.fallible]).toEqual([false, true]);
  });

  it("R294: a macro is one deeper than the deepest of its parts", () => {
    const depth = (text: string) => check(text, NAMES).typed?.depth ?? 0;
    const [range, body] = ["l", "x + 1 + 1 + 1"];
    expect(depth(`l.map(x, ${body})`)).toBe(depth("n + 1 + 1 + 1") + 1);
    expect(depth(`${range}.map(x, x)`)).toBe(depth("l") + 1);
    expect(depth("l.map(x, x > 0 && x > 1 && x > 2, x)")).toBe(depth("n > 0 && n > 1 && n > 2") + 1);
    expect(depth("(l + l + l).exists(x, yes)")).toBe(depth("l + l + l") + 1);
  });

  it("R294: what was meant is found behind quotes and dots, and at most a hundred findings are kept", () => {
    const message = (text: string) => check(text, NAMES).findings[0]?.message;
    for (const literal of ["'opne'", '"opne"']) expect(message(`e == ${literal}`)).toMatch(/did you mean open\?$/);
    expect(message("smal > 1")).toMatch(/did you mean small\?$/);
    const many = check(`[${new Array(FINDINGS_MAX + 20).fill("nobody").join(", ")}]`);
    expect(many.findings.length).toBe(FINDINGS_MAX);
  });
});
