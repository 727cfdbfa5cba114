// The rule language beside @bufbuild/cel: 20,000 drawn expressions on every run, more by `npm run fuzz:rules`.

import { describe, expect, it } from "vitest";
import { compareMany, drawAt } from "./differential.ts";
import { printTree } from "./generator.ts";
import { askOracle, corrected } from "./oracle.ts";
import { askSubject } from "./subject.ts";

describe("differential fuzzing", () => {
  it("R200: 20,000 drawn expressions give what @bufbuild/cel gives, inside their computed types, ranges and worst cases", () => {
    const { compared, differences, refused, values } = compareMany(20_261_122, 0, 21_500);
    expect(differences).toEqual([]);
    expect(compared).toBeGreaterThanOrEqual(20_000);
    expect([...refused.keys()].sort()).toEqual(["LIST_ALWAYS_EMPTY", "VALUE_UNKNOWN"]);
    // Neither side alone: an oracle that always fails would agree with much.
    expect(values.get("value")).toBeGreaterThan(10_000);
    expect(values.get("error")).toBeGreaterThan(2_000);
  });

  it("R201: one seed and index draw one expression, and the oracle tells values, errors and kinds apart", () => {
    expect(printTree(drawAt(7, 3).tree)).toBe(printTree(drawAt(7, 3).tree));
    expect(new Set(Array.from({ length: 500 }, (_, index) => printTree(drawAt(7, index).tree))).size).toBeGreaterThan(
      400,
    );
    expect(["1", "'1'", "b'1'", "[1]", "1/0", "-9223372036854775808 % -1"].map((text) => askOracle(text, {}))).toEqual([
      "int 1",
      'text "1"',
      "bytes 31",
      "[int 1]",
      "error",
      "error",
    ]);
  });

  it("R203: a known difference is put right at its one operation, counted, and has a reason", () => {
    for (const text of [
      "-9223372036854775808 % -1",
      "'a' + '\\uffff' < 'a' + '\\U0001f600'",
      "int('0x10')",
      "string(b'\\xef\\xbb\\xbf')",
    ]) {
      const before = [...corrected.values()].reduce((sum, times) => sum + times, 0);
      expect([text, askSubject(text, { variables: [], rows: [] }).observed]).toEqual([text, askOracle(text, {})]);
      expect([...corrected.values()].reduce((sum, times) => sum + times, 0)).toBe(before + 1);
    }
    expect(askSubject("-(-(-9223372036854775808))", { variables: [], rows: [] }).codes).toEqual(["OVERFLOW"]);
  });

  it("R202: what would be done with items of a list that never has one is refused, since it has no type", () => {
    const codes = (text: string) => askSubject(text, { variables: [], rows: [] }).codes;
    for (const text of ["[][0] < 1", "[][1] + 1", "[].map(x, x + 'a')", "[].all(x, x)", "([] + [])[0]"])
      expect([text, codes(text)]).toEqual([text, ["LIST_ALWAYS_EMPTY"]]);
    for (const text of ["1 in []", "size([]) == 0", "[] == [1]", "[[]][0] == [2]", "([] + [1])[0] == 1"])
      expect([text, codes(text)]).toEqual([text, []]);
  });
});
