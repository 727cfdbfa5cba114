// The simple tests of cel-spec through the lexer, the parser, the checker and the closures of contracts.
// `npm run conformance` prints the same run as a table; what each column means stands in README.md.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseExpression } from "../../src/contracts/expression.ts";
import { type Case, LEFT_OUT, loadSections, loadTrees, SECTIONS } from "./cases.ts";
import { INT } from "./foreign-types.ts";
import { TestProfile } from "./profile.ts";
import { runSections, tableOf, totals } from "./report.ts";
import { isContractExpression, runCase } from "./run-case.ts";
import { celGoTree, treeOf } from "./trees.ts";

const SECTIONS_OF_PACKAGE = loadSections();
const REPORT = runSections(SECTIONS_OF_PACKAGE);

function caseOf(expression: string, expected: Case["expected"], deducedType?: string): Case {
  const variables = [{ name: "x", type: INT, value: 3 }];
  const name = expression;
  return { section: "own", name, expression, container: "", variables, functions: new Map(), expected, deducedType };
}

describe("cel-spec", () => {
  it("R191: the 1,179 core cases of the allow-list and the 47 type deductions pass", () => {
    const failures = REPORT.cases
      .filter(({ failure }) => failure !== undefined)
      .map(({ test, failure }) => `${test.section}/${test.name}: ${test.expression}: ${failure}`);
    expect(failures).toEqual([]);
    expect(totals(REPORT)).toMatchObject({ passed: 1179 + 47, failed: 0 });
  });

  it("R192: how many cases the language of contracts takes is known by section, and every other case says why not", () => {
    const counts = REPORT.sections
      .filter(({ name }) => SECTIONS.has(name))
      .map(({ name, ways }) => [name, ways.contract, ways.parameters, ways.profile]);
    expect(counts).toEqual([
      ["basic", 28, 0, 15],
      ["comparisons", 72, 29, 305],
      ["conversions", 13, 0, 96],
      ["fields", 0, 0, 60],
      ["fp_math", 0, 0, 30],
      ["integer_math", 41, 0, 23],
      ["lists", 15, 2, 22],
      ["logic", 21, 0, 9],
      ["macros", 27, 0, 17],
      ["namespace", 1, 0, 2],
      ["parse", 156, 0, 63],
      ["plumbing", 2, 0, 3],
      ["string", 42, 0, 9],
      ["timestamps", 0, 0, 76],
      ["type_deductions", 10, 0, 37],
    ]);
    expect(tableOf(REPORT).filter((line) => line.includes("NO REASON GIVEN"))).toEqual([]);
  });

  it("R193: every section of the package is run whole or left out with a reason", () => {
    const ofPackage = SECTIONS_OF_PACKAGE.map(({ name }) => name).sort();
    expect(ofPackage).toEqual([...SECTIONS.keys(), ...LEFT_OUT.keys()].sort());
    const run = SECTIONS_OF_PACKAGE.filter(({ name }) => SECTIONS.has(name));
    expect(run.map(({ name, cases }) => [name, cases.length])).toEqual([...SECTIONS]);
    expect(run.flatMap(({ leftOut }) => leftOut)).toEqual([]);
  });

  it("R195: the language of contracts takes no expression of a section that is left out", () => {
    const taken = SECTIONS_OF_PACKAGE.flatMap(({ leftOut }) => leftOut.filter(isContractExpression));
    expect(taken.map(({ section, expression }) => `${section}: ${expression}`)).toEqual([]);
  });

  it("R194: one evaluator: only one file runs trees, the product's, and no file of the profile names its closures", () => {
    const importers = readdirSync(import.meta.dirname)
      .filter((name) => !name.endsWith(".test.ts") && name.endsWith(".ts"))
      .filter((name) => /from "[^"]*\/compile-/.test(readFileSync(join(import.meta.dirname, name), "utf8")));
    expect(importers).toEqual(["run-case.ts"]);
  });
});

describe("trees", () => {
  // An even number of signs is none to cel-go; existsOne is its second name for exists_one.
  const OTHERWISE = [`${"!".repeat(32)}true`, `${"-".repeat(32)}19`, "m.existsOne(v, f)"];

  it("R196: the parser builds the tree that cel-go builds, in precedence, grouping and macros", () => {
    const trees = loadTrees().filter(({ expression }) => !OTHERWISE.includes(expression));
    const profile = new TestProfile({ container: "", functions: new Map() });
    const ours = trees.map(({ expression }) => `${expression}: ${treeOf(parseExpression(expression, profile))}`);
    expect(ours).toEqual(trees.map(({ expression, tree }) => `${expression}: ${celGoTree(tree)}`));
    expect(trees.length).toBe(2441);
  });
});

describe("a case that is wrong fails", () => {
  it.each<readonly [string, Case["expected"], string | undefined, string]>([
    ["1 + 1", { value: 3 }, undefined, "contract: int 2 instead of int 3"],
    ["1 + 1", "error", undefined, "contract: int 2 is no error"],
    ["1 / 0", { value: 0 }, undefined, "contract: error DIVISION_BY_ZERO is no value"],
    ["1 + x", { value: 4 }, "uint", "contract: type int instead of uint"],
    ["1.5 + 1.5", { value: 3 }, undefined, 'profile: double {"value":3} instead of int 3'],
    ["'a' < 'b'", { value: false }, undefined, "parameters: bool true instead of bool false"],
    ["1 +", { value: 1 }, undefined, "profile: refused: EXPRESSION_SYNTAX"],
    ["[1, 2] == x.y.", { value: true }, undefined, "profile: refused: EXPRESSION_SYNTAX"],
    ["9223372036854775808", { value: 1 }, undefined, "profile: refused: NUMBER_TOO_LARGE"],
  ])("%s expecting %j", (expression, expected, deducedType, failure) => {
    expect(runCase(caseOf(expression, expected, deducedType)).failure).toBe(failure);
  });
});
