// Each check of documents and expressions by itself: exactly its finding, and none at the border of what is allowed.

import { describe, expect, it } from "vitest";
import { checkContract } from "../../../src/contracts/check-contract.ts";
import { check, type Names } from "./support.ts";

const NAMES: Names = {
  n: ["int", 1],
  yes: ["bool", true],
  t: ["text(100000)", "x"],
  y: ["bytes(9)", new Uint8Array(1)],
  l: ["list(int, 600)", []],
  e: ["enum(a,b)", "a"],
};

describe("expressions", () => {
  it.each<readonly [string, readonly string[]]>([
    ["1 in 2", ["TYPE_MISMATCH"]],
    ["true + 1 == 1", ["TYPE_MISMATCH"]],
    ["'a' - 'b' == ''", ["TYPE_MISMATCH"]],
    ["1 + 'b' == ''", ["TYPE_MISMATCH"]],
    ["y + 'b' == y", ["TYPE_MISMATCH"]],
    ["y + y == y", []],
    ["[1] + 1 == [1]", ["TYPE_MISMATCH"]],
    ["[1] + ['a'] == [1]", ["TYPE_MISMATCH"]],
    ["[1] + [2] == [1]", []],
    ["nobody == 'x'", ["NAME_UNKNOWN"]],
    ["'x' == nobody", ["NAME_UNKNOWN"]],
    ["nobody in [1]", ["NAME_UNKNOWN"]],
    ["nobody + 1 > 2", ["NAME_UNKNOWN"]],
    ["size(nobody) > 2", ["NAME_UNKNOWN"]],
    ["'a'.contains(nobody)", ["NAME_UNKNOWN"]],
    ["null == 1", ["TYPE_MISMATCH"]],
    ["1 == null", ["TYPE_MISMATCH"]],
    ["null == null", ["TYPE_MISMATCH"]],
    ["[null] == [1]", ["TYPE_MISMATCH"]],
    ["(yes ? null : 1) == 1", ["TYPE_MISMATCH"]],
    ["[1].map(x, null) == [1]", ["TYPE_MISMATCH"]],
    ["size(1, 2) == 1", ["ARGUMENTS"]],
    ["size([1]) == 1", []],
    ["t + t == t", []],
    ["t + t + t == t", []],
    ["e == 'c'", ["VALUE_UNKNOWN"]],
    ["e == t", []],
    ["t == e", []],
    ["e in ['a', t]", []],
    ["-9007199254740991 < n", []],
    ["-9007199254740992 < n", []],
    ["n[0] == 1", ["TYPE_MISMATCH"]],
    ["l['a'] == 1", ["TYPE_MISMATCH"]],
    ["!n", ["TYPE_MISMATCH"]],
    ["n ? 1 : 2", ["TYPE_MISMATCH"]],
    ["yes && n", ["TYPE_MISMATCH"]],
    ["n || yes", ["TYPE_MISMATCH"]],
    ["n < yes", ["TYPE_MISMATCH"]],
    ["yes < yes", []],
  ])("R246: %s has exactly %j", (text, expected) => {
    expect(check(text, NAMES).findings.map(({ code }) => code)).toEqual(expected);
  });
});

const BASE = `rules: 1
contract: shop
title: 商店
settings: {cap: 100}
tables:
  item:
    key: {id: id}
    fields: {n: int(0..9), note: text(20), state: "enum(open,sold)"}
    flow: {open: [sold]}
    index: {by_n: [n]}
actions:
  add:
    by: [clerk]
    params: {id: id, note: text(20)}
    read: {old?: "item[p.id]", like: {all: "item.by_n[3]", max: 5}}
    define: {word: "p.note + '!'"}
    require:
      - {if: "old == null && size(like) < settings.cap && word != p.id", else: "{word} {old.n}"}
    do:
      - insert: item
        row: {id: p.id, n: 1, note: p.note, state: '"open"'}
  sell:
    by: [clerk, timer]
    params: {id: id, note: text(20)}
    read: {i: "item[p.id]"}
    require:
      - {if: "i.n > 0", else: 不行}
    do:
      - update: i
        set: {state: '"sold"', note: p.note}
      - timer: {key: p.id, at: now + 1, run: sell, with: {id: p.id, note: p.note}}
`;

describe("documents", () => {
  it.each<readonly [string, string, readonly string[]]>([
    ["i.n > 0", "i.n > 1", []],
    ["old == null", "p == null", ["NAME_INCOMPLETE"]],
    ["old == null", "settings == null", ["NAME_INCOMPLETE"]],
    ["old == null", "!has(old.n)", []],
    ["i.n > 0", "has(i.n)", ["ALWAYS_PRESENT"]],
    ["i.n > 0", "i.n.m == 0", ["FIELD_UNKNOWN"]],
    ["i.n > 0", "has(i)", ["MACRO_SHAPE"]],
    ["i.n > 0", "[i] == [i]", ["TYPE_MISMATCH", "TYPE_MISMATCH"]],
    ["i.n > 0", "[1].map(x, i) == []", ["TYPE_MISMATCH"]],
    ["i.n > 0", "size([1].map(x, x > 0, i)) > 0", ["TYPE_MISMATCH"]],
    ["define: {word", "define: {more: p.note, word", ["UNUSED"]],
    ["define: {word", "define: {row: old, word", ["TYPE_MISMATCH"]],
    ["max: 5", "max: 0", ["SCAN_LIMIT"]],
    ["max: 5", "max: 1", []],
    ["max: 5", "max: 256", []],
    ["max: 5", "max: 257", ["SCAN_LIMIT"]],
    ["cap: 100", "cap: {type: text(3), value: 100}", ["TYPE_MISMATCH", "TYPE_MISMATCH"]],
    ["cap: 100", "cap: 9007199254740991", []],
    ["cap: 100", "cap: 9007199254740992", ["VALUE_OUT_OF_RANGE"]],
    ["flow: {open: [sold]}", "flow: {mood: {open: [sold]}}", ["FIELD_UNKNOWN"]],
    ["flow: {open: [sold]}", "flow: {n: {open: [sold]}}", ["FIELD_UNKNOWN"]],
    ["flow: {open: [sold]}", "flow: {state: {open: [sold]}}", []],
    ["by: [clerk, timer]", "by: [clerk]", ["TIMER_NOT_ALLOWED"]],
    ["note: p.note}}", "note: p.note, more: 1}}", ["ARGUMENT_UNKNOWN"]],
  ])("R246: %s as %s has exactly %j", (from, to, expected) => {
    expect(BASE).toContain(from);
    const { findings } = checkContract(BASE.replace(from, to));
    expect(findings.map(({ code }) => code)).toEqual(expected);
  });

  it("R246: a contract has an action", () => {
    const { findings } = checkContract(`${BASE.slice(0, BASE.indexOf("actions:"))}actions: {}\n`);
    expect(findings.map(({ code }) => code)).toContain("ACTION_MISSING");
  });

  it("R246: arguments of a timer are bounded together", () => {
    const { findings } = checkContract(BASE.replaceAll("note: text(20)", "note: text(60000)"));
    expect(findings.map(({ code }) => code)).toContain("TIMER_TOO_LARGE");
  });
});
