// Documents of which one part is broken: that part has its finding at its place, once, and nothing that stands on it is reported.
// What sound documents mean is tested elsewhere.

import { describe, expect, it } from "vitest";
import { checkContract } from "../../../src/contracts/check-contract.ts";

interface Parts {
  readonly settings?: string;
  readonly fields?: string;
  readonly statement?: string;
}

function document({ settings = "{s: 1}", fields = "{n: int}", statement = "{delete: r}" }: Parts): string {
  return `rules: 1
contract: c
title: 甲
settings: ${settings}
tables:
  t:
    key: {id: id}
    fields: ${fields}
actions:
  a:
    by: [clerk]
    params: {id: id}
    read: {r: "t[p.id]"}
    do: [${statement}]
`;
}

/** Code and column of each error. */
function errorsOf(parts: Parts): readonly string[] {
  return checkContract(document(parts))
    .findings.filter(({ severity }) => severity === "error")
    .map(({ code, column }) => `${code} ${column}`);
}

describe("a part that is broken", () => {
  it.each<readonly [string, Parts, readonly string[]]>([
    ["nothing", {}, []],
    ["the name of a setting", { settings: "{2s: 1}" }, ["NAME_INVALID 12"]],
    ["the value of a setting", { settings: "{s: x}" }, ["SHAPE 15"]],
    ["the name of a setting with a title", { settings: "{2s: {value: 1, title: 乙}}" }, ["NAME_INVALID 12"]],
    ["the value of a setting with a title", { settings: "{s: {value: x, title: 乙}}" }, ["SHAPE 23"]],
    ["the name of a field", { fields: "{2n: int}" }, ["NAME_INVALID 14"]],
    ["the type of a field", { fields: "{n: [int]}" }, ["SHAPE 17"]],
    ["the name of a field with a default", { fields: "{2n: {type: int, default: 1}}" }, ["NAME_INVALID 14"]],
    ["the type of a field with a default", { fields: "{n: {type: [int], default: 1}}" }, ["SHAPE 24"]],
    ["the name of a value", { statement: "{update: r, set: {n: 1, 2n: 1}}" }, ["NAME_INVALID 34"]],
    ["a value", { statement: '{update: r, set: {n: 1, m: "1 +"}}' }, ["EXPRESSION_SYNTAX 41"]],
    ["when", { statement: '{delete: nothing, when: "1 +"}' }, ["EXPRESSION_SYNTAX 38"]],
    ["what when stands before", { statement: "{delete: [], when: yes}" }, ["SHAPE 19"]],
    ["what is deployed", { statement: '{deploy: {name: "1 +", source: p.id}}' }, ["EXPRESSION_SYNTAX 30"]],
    [
      "the source of what is deployed",
      { statement: '{deploy: {name: p.id, source: "1 +"}}' },
      ["EXPRESSION_SYNTAX 44"],
    ],
    ["a statement that is none", { statement: "{when: yes}" }, ["STATEMENT 10"]],
    ["a statement that is a word", { statement: "delete" }, ["STATEMENT 10"]],
    ["two statements in one", { statement: "{delete: r, cancel: p.id}" }, ["STATEMENT 10"]],
  ])("R329: %s", (_, parts, errors) => {
    expect(errorsOf(parts)).toEqual(errors);
  });
});
