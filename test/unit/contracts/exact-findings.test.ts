// One fault, one finding: what is broken is said once, and what is at the edge of being so is not said at all.
// Where findings stand is recorded elsewhere.

import { describe, expect, it } from "vitest";
import { systemShape } from "../../../src/contracts/check-context.ts";
import { checkContract } from "../../../src/contracts/check-contract.ts";
import { Findings } from "../../../src/contracts/finding.ts";
import { ACTION_GAS_MAX } from "../../../src/contracts/gas.ts";
import { newestOf, protocolsOf } from "../../../src/contracts/protocols.ts";
import { LEDGER_CONTRACT } from "../../../src/contracts/system.ts";
import { membership, parseType } from "../../../src/contracts/types.ts";
import { worstCaseOf } from "../../../src/contracts/worst-case.ts";
import { check, RULES } from "./support.ts";

interface Parts {
  readonly key?: string;
  readonly fields?: string;
  readonly flow?: string;
  readonly condition?: string;
}

function found({ key = "{id: id}", fields = "{n: int}", flow = "{}", condition = "true" }: Parts): readonly string[] {
  const source = `rules: 1
contract: c
title: 甲
tables:
  t:
    key: ${key}
    fields: ${fields}
    flow: ${flow}
actions:
  a:
    by: [clerk]
    params: {id: id, b: int(0..9), s: "enum(x,y)", yes: bool}
    read: {"r?": "t[p.id]"}
    require: [{if: '${condition}', else: 不行}]
    do: [{delete: r}]
`;
  return checkContract(source)
    .findings.map(({ code }) => code)
    .filter((code) => code !== "UNUSED" && code !== "STATE_UNREACHABLE");
}

describe("what is said once", () => {
  it.each<readonly [string, Parts, readonly string[]]>([
    ["nothing", {}, []],
    [
      "a table without key whose first field flows",
      { key: "{}", fields: '{s: "enum(a,b)"}', flow: "{s: {a: [b]}}" },
      ["KEY_MISSING", "KEY_LENGTH", "ROW_UNKNOWN"],
    ],
    [
      "a default that is a list of something",
      { fields: '{l: {type: "list(int, 3)", default: "[1]"}}' },
      ["DEFAULT_NOT_CONSTANT"],
    ],
    ["a default that is an empty list", { fields: '{l: {type: "list(int, 3)", default: "[]"}}' }, []],
    [
      "a flow of which one of two fields has all states",
      { fields: '{s: "enum(a,b)", u: "enum(b,c)"}', flow: "{a: [b]}" },
      [],
    ],
    [
      "a division by 0, and what comes of it",
      { condition: "p.b == 0 && (100 / p.b) * 92233720368547758 > 0" },
      ["MAY_DIVIDE_BY_ZERO"],
    ],
    [
      "a remainder by 0, and what comes of it",
      { condition: "p.b == 0 && (100 % p.b) * 92233720368547758 > 0" },
      ["MAY_DIVIDE_BY_ZERO"],
    ],
    ["a product that just fits", { condition: "(100 - p.b) * 92233720368547758 > 9000000000000000000" }, []],
    ["a choice of truths", { condition: "p.yes in [true]" }, []],
    ["a choice of nothing", { condition: "p.s in []" }, []],
    ["a row beside an unknown name", { condition: "r == nope" }, ["NAME_UNKNOWN"]],
    ["an unknown name beside a row", { condition: "nope == r" }, ["NAME_UNKNOWN"]],
    ["nothing beside an unknown name", { condition: "null == nope" }, ["NAME_UNKNOWN"]],
  ])("R339: %s", (_, parts, codes) => {
    expect(found(parts)).toEqual(codes);
  });

  it("R339: an unknown name is said once, beside a list and in a call as well", () => {
    for (const text of ["nope == [1]", "[1] == nope", "size(nope)", "nope + 1", "1 < nope"])
      expect(check(text).findings.map(({ code }) => code)).toEqual(["NAME_UNKNOWN"]);
  });
});

describe("the edge of what is said", () => {
  /** Inserts 18 long rows; a parameter costs a unit for each eight of its bytes. */
  function costing(bytes: number): string {
    const rows = Array.from({ length: 18 }, (_, index) => `      - {insert: t, row: {id: '"${index}"', l: p.l}}\n`);
    const params = Array.from({ length: 14 }, (_, index) => `, n${index}: text(131072)`).join("");
    return `rules: 1\ncontract: c\ntitle: 甲\ntables:\n  t: {key: {id: id}, fields: {l: text(131072)}}\nactions:\n  a:\n    by: [clerk]\n    params: {l: text(131072), m: text(${bytes})${params}}\n    do:\n${rows.join("")}`;
  }
  const unitsOf = (source: string) =>
    (checkContract(source).contract?.actions ?? []).map((action) => worstCaseOf(action).cappedUnits)[0] ?? 0;
  const tooHigh = (source: string) =>
    checkContract(source)
      .findings.filter(({ code }) => code === "GAS_TOO_HIGH")
      .map(({ message }) => message);

  it("R340: an action may cost 5,000,000 units and not one more; of parts that cost the same the first is named", () => {
    const most = 8 + 8 * (ACTION_GAS_MAX - unitsOf(costing(8)));
    expect(unitsOf(costing(most))).toBe(ACTION_GAS_MAX);
    expect(tooHigh(costing(most))).toEqual([]);
    expect(tooHigh(costing(most + 8))).toEqual([
      "action a can cost 5000001 units, 5000000 are allowed, most of them in do[0] insert t: use smaller bounds of texts and lists",
    ]);
  });

  it("R340: of what the ledger keeps only money is money", () => {
    const names = (table: string) =>
      (systemShape(LEDGER_CONTRACT, table)?.columns ?? []).map(({ name, type }) =>
        type.kind === "int" ? [name, type.name] : [name],
      );
    expect(names("money")).toEqual([["account"], ["fen", "money"]]);
    expect(names("timer").filter(([, type]) => type === "money")).toEqual([]);
  });

  it("R340: a type that is not known is called by 60 letters, and ends before two dots", () => {
    const message = (text: string) => {
      const reading = parseType(text, () => undefined);
      return reading.ok ? "" : reading.message;
    };
    expect(message("x".repeat(60))).toBe(`there is no type "${"x".repeat(60)}"`);
    expect(message("x".repeat(61))).toBe(`there is no type "${"x".repeat(60)}..."`);
    expect([message("a..b"), message("a.b..c"), message("a.")]).toEqual([
      'there is no type "a"',
      'there is no field "a.b"',
      "a type is expected",
    ]);
  });

  it("R340: the lowest character that a text or an id may have is one of them, also beside Chinese ones", () => {
    const is = (typeText: string, value: string) => {
      const reading = parseType(typeText, () => undefined);
      return reading.ok && membership(reading.type)(value);
    };
    for (const rest of ["", "中"]) {
      expect([is("text(9)", `\x01${rest}`), is("text(9)", `\x00${rest}`)]).toEqual([true, false]);
      expect([is("id", `!${rest}`), is("id", ` ${rest}`)]).toEqual([true, false]);
    }
  });

  it("R340: a name ends before a dot that no letter follows", () => {
    const suggested = (source: string) => {
      const findings = new Findings(source);
      findings.error(0, "NAME_UNKNOWN", "unknown", ["cost"]);
      return findings.list().map(({ message }) => message);
    };
    expect(["cst", "cst.", "cst. x", "a.cst"].map((source) => suggested(source)[0])).toEqual(
      ["cst", "cst.", "cst. x", "a.cst"].map(() => "unknown: did you mean cost?"),
    );
  });

  it("R340: the newest protocol is the highest, in whatever order they are known", () => {
    const versions = [2, 3, 1].map((version) => ({ ...RULES, version }));
    expect(newestOf(protocolsOf(versions))).toBe(3);
  });
});
