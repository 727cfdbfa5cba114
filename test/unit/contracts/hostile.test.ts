// Hostile documents and expressions: refused, or stopped by gas, at the same place on every machine and in bounded time.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkContract } from "../../../src/contracts/check-contract.ts";
import { compileSource } from "../../../src/contracts/engine.ts";
import { EXPRESSION_DEPTH_MAX } from "../../../src/contracts/finding.ts";
import { check, document, evaluate, type Names } from "./support.ts";

const codes = (text: string, names: Names = {}) => check(text, names).findings.map(({ code }) => code);
const contractCodes = (source: string) => checkContract(source).findings.map(({ code }) => code);
const contractErrors = (source: string) =>
  checkContract(source).findings.filter(({ severity }) => severity === "error");
const DESK = document("desk.yaml");

describe("hostile expressions", () => {
  const names: Names = {
    x: ["int", 1],
    b: ["bool", true],
    l: ["list(int, 4000)", Array.from({ length: 4000 }, (_, index) => index)],
    t: ["text(60000)", "x".repeat(60_000)],
  };

  it.each<readonly [string, string]>([
    ["parentheses", `${"(".repeat(20_000)}1${")".repeat(20_000)}`],
    ["unclosed parentheses", "(".repeat(50_000)],
    ["lists", `${"[".repeat(20_000)}${"]".repeat(20_000)}`],
    ["negations", `${"!".repeat(50_000)}b`],
    ["minuses", `${"-".repeat(50_000)}x`],
    ["calls", `${"size(".repeat(20_000)}1`],
    ["conditionals", `${"b ? x : ".repeat(20_000)}x`],
    ["conditionals inside", `${"b ? (".repeat(20_000)}x`],
    ["a sum of 1,500 terms", `1${"+1".repeat(1499)}`],
    ["a conjunction of 50,000 terms", `b${" && b".repeat(49_999)}`],
    ["members", `x${".y".repeat(50_000)}`],
    ["indexes", `l${"[0]".repeat(20_000)}`],
    ["macros in macros", `${"l.map(y, ".repeat(500)}1${")".repeat(500)}`],
  ])("R100: depth is counted, never left to the stack: %s", (_, text) => {
    const found = codes(text, names);
    expect(found.length).toBe(1);
    expect(found[0]).toMatch(/^EXPRESSION_TOO_DEEP$/);
  });

  it("R101: the depth that is allowed works, one more does not", () => {
    const sum = (terms: number) => `1${"+1".repeat(terms - 1)}`;
    expect(evaluate(sum(EXPRESSION_DEPTH_MAX)).result).toBe(EXPRESSION_DEPTH_MAX);
    expect(codes(sum(EXPRESSION_DEPTH_MAX + 1))).toEqual(["EXPRESSION_TOO_DEEP"]);
    expect(codes(`${"(".repeat(EXPRESSION_DEPTH_MAX - 1)}1${")".repeat(EXPRESSION_DEPTH_MAX - 1)}`)).toEqual([]);
    expect(codes(`${"(".repeat(EXPRESSION_DEPTH_MAX)}1${")".repeat(EXPRESSION_DEPTH_MAX)}`)).toEqual([
      "EXPRESSION_TOO_DEEP",
    ]);
  });

  it("R102: definitions that stand on each other count together", () => {
    const lines = Array.from({ length: 60 }, (_, index) => `d${index + 1}: d${index} + 1 - 1`);
    const source = DESK.replace(
      '    define: {n: "size(p.l.filter(a, p.l.exists(b, a < b)))"}',
      `    define:\n      d0: size(p.l)\n      ${lines.join("\n      ")}\n      n: d60`,
    );
    expect(contractCodes(source)).toEqual(["EXPRESSION_TOO_DEEP"]);
  });

  it.each<readonly [string, string, string]>([
    ["a number of a megabyte", "9".repeat(1 << 20), "NUMBER_TOO_LARGE"],
    ["a hexadecimal number of a megabyte", `0x${"f".repeat(1 << 20)}`, "NUMBER_TOO_LARGE"],
    ["a list of 5,000 items", `[${"1,".repeat(5000)}]`, "EXPRESSION_TOO_LARGE"],
    ["100,000 arguments", `size(${"1,".repeat(100_000)})`, "EXPRESSION_TOO_LARGE"],
    ["a name of a megabyte", "n".repeat(1 << 20), "NAME_UNKNOWN"],
    ["prototype names", "__proto__", "NAME_UNKNOWN"],
    ["prototype members", "x.constructor", "FIELD_UNKNOWN"],
    ["prototype functions", "constructor(1)", "FUNCTION_UNKNOWN"],
    ["prototype methods", "x.hasOwnProperty('a')", "FUNCTION_UNKNOWN"],
    ["a NUL", "1 \0", "EXPRESSION_CHARACTER"],
    ["full-width digits", "１ + 1", "EXPRESSION_CHARACTER"],
    ["a homoglyph", "nоw", "EXPRESSION_CHARACTER"],
  ])("R103: %s is refused", (_, text, code) => {
    expect(codes(text, names)).toContain(code);
  });

  it("R104: nested rounds and growing texts are stopped by gas, not by time", () => {
    const rounds = [
      "l.all(i, l.all(j, l.all(k, i + j + k >= 0)))",
      "size(l.map(i, l.map(j, i * j))) > 0",
      "l.exists(i, t + t == t)",
      "l.exists(i, l + l == l)",
      "l.exists(i, sha256(t) == sha256(t + 'x'))",
      "l.exists(i, split(100, l.map(j, j + 1)) == [])",
      "l.exists(i, t.contains(t + 'x'))",
      "l.exists(i, size(t) == 0)",
    ];
    for (const text of rounds) {
      const before = process.cpuUsage();
      expect([text, evaluate(text, names, 2_000_000).result]).toEqual([text, { error: "OUT_OF_GAS" }]);
      const { user } = process.cpuUsage(before);
      // 2,000,000 units are about 20 ms; ten times that is a price that does not hold.
      expect([text, user < 400_000]).toEqual([text, true]);
    }
  });

  it("R105: results stay inside the bounds of texts and lists", () => {
    expect(evaluate("t + t + t", names).result).toEqual({ error: "TEXT_TOO_LONG" });
    expect(evaluate("size(l + l)", names).result).toEqual({ error: "LIST_TOO_LONG" });
  });
});

describe("hostile documents", () => {
  it.each<readonly [string, string, string]>([
    ["nested flow lists", `rules: ${"[".repeat(15_000)}`, "DOCUMENT_TOO_DEEP"],
    ["nested block lists", `rules: 1\ntitle:\n  ${"- ".repeat(15_000)}x`, "DOCUMENT_TOO_DEEP"],
    [
      "nested maps",
      `${Array.from({ length: 200 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n")} 1`,
      "DOCUMENT_TOO_DEEP",
    ],
    ["nested explicit keys", `${"? ".repeat(15_000)}x`, "DOCUMENT_TOO_DEEP"],
    ["a megabyte", `${DESK}# ${"x".repeat(1 << 20)}`, "DOCUMENT_TOO_LARGE"],
    ["a lone surrogate", DESK.replace("测试台", "\ud800"), "DOCUMENT_TEXT"],
    ["a billion laughs", `rules: 1\na: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n`, "YAML_ALIAS"],
    ["merge keys", DESK.replace("title:", "<<: {x: 1}\ntitle:"), "FIELD_UNKNOWN"],
    ["__proto__ as a section", DESK.replace("title:", "__proto__: {x: 1}\ntitle:"), "FIELD_UNKNOWN"],
    ["two documents", `${DESK}---\n${DESK}`, "DOCUMENT_SEVERAL"],
    ["nothing", "", "DOCUMENT_EMPTY"],
    ["a scalar", "x", "SHAPE"],
    ["a list", "- x", "SHAPE"],
    [
      "65 tables",
      `${DESK.split("actions:")[0]}${Array.from({ length: 65 }, (_, index) => `  t${index}: {key: {id: id}, fields: {n: int}}\n`).join("")}actions:${DESK.split("actions:")[1]}`,
      "TOO_MANY",
    ],
  ])("R106: %s is refused", (_, source, code) => {
    expect(contractCodes(source)).toContain(code);
  });

  it("R107: names of JavaScript's own objects are names like any other", () => {
    for (const [contract, table] of [
      ["__proto__", "toString"],
      ["constructor", "prototype"],
      ["toString", "constructor"],
    ] as const) {
      const named = DESK.replace("contract: desk", `contract: ${contract}`).replaceAll("box", table);
      expect([contract, contractErrors(named)]).toEqual([contract, []]);
    }
    const odd = DESK.replaceAll("box", "__proto__").replaceAll("note", "constructor").replaceAll("maybe:", "toString:");
    expect(contractErrors(odd)).toEqual([]);
  });

  it("R110: whatever is cut out of or put into a document gives a contract or findings with places, never an exception", () => {
    const PARTS = [
      "{",
      "}",
      "[",
      ":",
      ",",
      '"',
      "'",
      "\n",
      "  ",
      "- ",
      "p.",
      "null",
      "-",
      "x?",
      "__proto__",
      "list(",
      "9".repeat(25),
      "\\",
      "\0",
      "|",
      ">",
      "1/0",
      "{zh: a}",
      "\t",
      "...",
    ];
    const place = fc.double({ min: 0, max: 1, noNaN: true });
    const edit = fc.record({ at: place, cut: fc.integer({ min: 0, max: 12 }), put: fc.constantFrom("", ...PARTS) });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        let source = DESK;
        for (const { at, cut, put } of edits) {
          const offset = Math.floor(at * source.length);
          source = source.slice(0, offset) + put + source.slice(offset + cut);
        }
        const { contract, findings } = compileSource(source);
        expect(findings.every(({ line, column }) => line >= 1 && column >= 1)).toBe(true);
        expect(contract === undefined).toBe(findings.some(({ severity }) => severity === "error"));
      }),
      { numRuns: 200 },
    );
  });

  it("R108: many duplicate keys and many findings take bounded time", () => {
    const started = process.cpuUsage();
    const findings = checkContract(`rules: 1\n${"a: 1\n".repeat(20_000)}`).findings;
    expect(findings.length).toBeLessThanOrEqual(100);
    checkContract(`rules: 1\n${Array.from({ length: 15_000 }, (_, index) => `k${index}: 1\n`).join("")}`);
    expect(process.cpuUsage(started).user).toBeLessThan(4_000_000);
  });
});
