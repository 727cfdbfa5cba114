// Names, sentences and texts of a document, taken apart at their exact edges: how long a name is, where the parts of a sentence stand,
// which characters are reported. What they stand for is tested elsewhere.

import { describe, expect, it } from "vitest";
import { Findings } from "../../../src/contracts/finding.ts";
import { NodeReader } from "../../../src/contracts/node-reader.ts";
import { readYaml, type SourceNode } from "../../../src/contracts/yaml-document.ts";

function readerOf(source: string): {
  readonly reader: NodeReader;
  readonly node: SourceNode;
  readonly found: () => readonly string[];
} {
  const findings = new Findings(source);
  const node = readYaml(source, findings);
  if (node === undefined) throw new Error("the document has no tree");
  const found = () => findings.list().map(({ code, column }) => `${code} ${column}`);
  return { reader: new NodeReader(source, findings), node, found };
}

describe("names", () => {
  it.each<readonly [string, boolean, boolean]>([
    ["", false, false],
    ["a", true, true],
    ["_9", true, true],
    ["9a", false, false],
    ["a-b", false, true],
    ["-a", false, false],
    ["a".repeat(30), true, true],
    ["a".repeat(31), false, true],
    ["a".repeat(64), false, true],
    ["a".repeat(65), false, false],
  ])("R335: %j is a name: %j; of a contract: %j", (text, isName, isContract) => {
    const name = (hyphens: boolean) => readerOf("x").reader.name(text, 0, "it", { hyphens });
    expect([name(false) !== undefined, name(true) !== undefined]).toEqual([isName, isContract]);
  });
});

describe("kinds of nodes", () => {
  it.each<readonly [string, readonly string[]]>([
    ["word", []],
    ['""', ["SHAPE 1"]],
    ["[a]", ["SHAPE 1"]],
    ["{a: b}", ["SHAPE 1"]],
  ])("R335: %s is a text, or has a finding", (source, findings) => {
    const { reader, node, found } = readerOf(source);
    expect(reader.text(node, "it") === undefined).toBe(findings.length > 0);
    expect(found()).toEqual(findings);
  });
});

describe("sentences", () => {
  it.each<readonly [string, readonly string[]]>([
    ["'{a.b} of {c}'", []],
    ["'a { b'", ["SENTENCE_SYNTAX 4"]],
    ["'a } b'", ["SENTENCE_SYNTAX 4"]],
    ["'a {} b'", ["EXPRESSION_SYNTAX 5", "SENTENCE_SYNTAX 4"]],
    ["'{{a}} }'", ["SENTENCE_SYNTAX 8"]],
    ["'a {1} b'", ["SENTENCE_SYNTAX 4"]],
  ])("R335: %s", (source, findings) => {
    const { reader, node, found } = readerOf(source);
    expect(reader.sentence(node, "it") === undefined).toBe(findings.length > 0);
    expect([...found()].sort()).toEqual([...findings].sort());
  });

  it("R335: each part of a value in a sentence knows where it stands", () => {
    const source = "'of {a.b} and {c.d}'";
    const { reader, node } = readerOf(source);
    const parts = (reader.sentence(node, "it")?.zh ?? []).filter((part) => typeof part !== "string");
    expect(parts.map(({ text, at }) => [text, at])).toEqual([
      ["a.b", 5],
      ["c.d", 15],
    ]);
    expect(parts.map(({ placeOf }) => [0, 1, 2].map((offset) => placeOf(offset)))).toEqual([
      [5, 6, 7],
      [15, 16, 17],
    ]);
  });
});

describe("texts in expressions", () => {
  it.each<readonly [string, readonly string[]]>([
    [`a == "b"`, []],
    [`a == "\\u200bb"`, ["DOCUMENT_TEXT 6"]],
    [`a == "b\\u200b"`, ["DOCUMENT_TEXT 6"]],
    [`a == "\\x7f"`, ["DOCUMENT_TEXT 6"]],
    [`a == "\\x7e"`, []],
    [`"a == '\\x7f'"`, ["DOCUMENT_TEXT 1", "DOCUMENT_TEXT 7"]],
    [`"a == '\\x7e'"`, []],
    [`a == "物" && c == "\\u0430b"`, ["TEXT_LOOKALIKE 18"]],
  ])("R335: %s", (source, findings) => {
    const { reader, node, found } = readerOf(source);
    expect(reader.expression(node, "it")).not.toBe(undefined);
    expect(found()).toEqual(findings);
  });
});
