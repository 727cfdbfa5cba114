// Coverage of author tests: what no test reached is named with its line, and watching changes nothing.

import { describe, expect, it } from "vitest";
import { checkContract } from "../../../src/contracts/check-contract.ts";
import { Coverage } from "../../../src/contracts/coverage.ts";
import { runAuthorTests } from "../../../src/contracts/test-runner.ts";
import { newOverlay } from "./support.ts";

const GATE = `rules: 1
contract: gate
title: 道闸
tables:
  gate:
    key: {id: id}
    fields: {state: "enum(shut,open,broken)", uses: count}
    flow: {shut: [open, broken], open: [shut, open]}
actions:
  turn:
    by: [guard]
    params: {id: id, force: int(0..9)}
    read: {g: "gate[p.id]"}
    define: {strong: p.force > 5}
    require:
      - {if: p.force > 0, else: 无力}
      - {if: 10 / (p.force - 9) < 0, else: 过力}
    do:
      - when: strong
        emit: {creaked: {id: p.id}}
      - update: g
        set: {state: 'strong ? "broken" : g.state == "shut" ? "open" : "shut"', uses: g.uses + 1}
`;

function coverageOf(steps: readonly string[]) {
  const { contract, lineOf, findings } = checkContract(GATE);
  if (contract === undefined) throw new Error(JSON.stringify(findings));
  const coverage = new Coverage(contract, lineOf);
  const tests = `- test: 开\n  given: {gate: [{id: a}, {id: b, state: open}]}\n  when:\n${steps.map((step) => `    - ${step}\n`).join("")}`;
  const input = { tests, sources: [GATE], newOverlay };
  const watched = runAuthorTests({ ...input, coverage });
  expect(watched).toEqual(runAuthorTests(input));
  expect(watched).toMatchObject([{ problem: undefined }]);
  return coverage.report();
}

const turn = (id: string, force: number, refused = "") =>
  `{as: guard/g, do: turn, with: {id: ${id}, force: ${force}}${refused === "" ? "" : `, refused: "${refused}"`}}`;

describe("coverage", () => {
  it("A54: conditions that never held or refused, whens never true or false, moves never made, each with its line", () => {
    const { reached, total, missing } = coverageOf([turn("a", 1)]);
    expect([reached, total]).toEqual([4, 10]);
    expect(missing).toEqual([
      { line: 5, missing: "gate.state never goes from shut to broken" },
      { line: 5, missing: "gate.state never goes from open to shut" },
      { line: 5, missing: "gate.state never goes from open to open" },
      { line: 16, missing: "turn.require[0] never refuses" },
      { line: 17, missing: "turn.require[1] never refuses" },
      { line: 20, missing: "turn.do[0].when is never true" },
    ]);
  });

  it("A54: an error counts as a refusal, a move that is refused in the end is not made", () => {
    const { missing } = coverageOf([
      turn("a", 0, "turn.require[0]"),
      turn("a", 9, "turn.require[1]"),
      turn("b", 7, "gate.flow"),
    ]);
    const said = missing.map((item) => item.missing);
    expect(said).toContain("gate.state never goes from open to shut");
    expect(said).not.toContain("turn.require[0] never refuses");
    expect(said).not.toContain("turn.require[1] never refuses");
    expect(said).not.toContain("turn.do[0].when is never true");
  });

  it("A54: when everything is reached nothing is missing but what cannot be", () => {
    const all = [
      turn("a", 0, "turn.require[0]"),
      turn("a", 9, "turn.require[1]"),
      turn("a", 1),
      turn("a", 1),
      turn("b", 1),
      turn("a", 7),
    ];
    expect(coverageOf(all).missing.map((item) => item.missing)).toEqual(["gate.state never goes from open to open"]);
  });
});
