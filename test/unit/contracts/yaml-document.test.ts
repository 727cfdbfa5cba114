// Documents at the exact edge of what is read, their comments and blocks, and where each character of a text stands in its source.
// What a document means is no business of these tests.

import { describe, expect, it } from "vitest";
import { Findings } from "../../../src/contracts/finding.ts";
import { SOURCE_BYTES_MAX } from "../../../src/contracts/system.ts";
import {
  DOCUMENT_DEPTH_MAX,
  DOCUMENT_MARKS_MAX,
  placeInside,
  readLayout,
  readYaml,
  type ScalarNode,
} from "../../../src/contracts/yaml-document.ts";

function codesOf(source: string): readonly string[] {
  const findings = new Findings(source);
  expect(readYaml(source, findings) === undefined).toBe(findings.hasErrors);
  return findings.list().map(({ code }) => code);
}

describe("the size of a document", () => {
  it("R326: a document has as many bytes as it may, and not one more", () => {
    const text = (bytes: number) => `a: ${"x".repeat(bytes - 3)}`;
    expect([codesOf(text(SOURCE_BYTES_MAX)), codesOf(text(SOURCE_BYTES_MAX + 1))]).toEqual([
      [],
      ["DOCUMENT_TOO_LARGE"],
    ]);
  });

  it("R326: a document has as many words and signs as it may, and not one more", () => {
    // The begin of the document, two brackets, texts with commas between them.
    const list = (items: number, more = "") => `[${Array.from({ length: items }, () => "''").join(",")}${more}]`;
    const items = (DOCUMENT_MARKS_MAX - 2) / 2;
    expect([codesOf(list(items)), codesOf(list(items, ","))]).toEqual([[], ["DOCUMENT_TOO_LARGE"]]);
  });

  it("R326: a document is as deep as it may be, and no deeper", () => {
    const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
    expect(DOCUMENT_DEPTH_MAX).toBeGreaterThan(3);
    // The document is level 0, its outermost list 1, and the signs of a list stand a level below it.
    expect([codesOf(nested(DOCUMENT_DEPTH_MAX - 1)), codesOf(nested(DOCUMENT_DEPTH_MAX))]).toEqual([
      [],
      ["DOCUMENT_TOO_DEEP"],
    ]);
  });
});

describe("a document as it is written", () => {
  it("R327: comments come in the order of the document, wherever they stand, and nothing else is one", () => {
    const source = `# one\na: 1 # two\nb: # three\n  - x # four\n  - [y, # five\n     z]\n# six\nc: 2\n# seven\n`;
    expect(readLayout(source, new Findings(source))?.comments).toEqual([
      "# one",
      "# two",
      "# three",
      "# four",
      "# five",
      "# six",
      "# seven",
    ]);
  });

  it("R327: texts in blocks are known, folded or not, and no others", () => {
    const source = `a: |\n  one\nb: >\n  two\nc: "three"\nd: 'four'\ne: five\nf:\n`;
    const root = readLayout(source, new Findings(source))?.root;
    const isBlock = root?.kind === "map" && root.entries.map(({ value }) => value.kind === "scalar" && value.isBlock);
    expect(isBlock).toEqual([true, true, false, false, false, false]);
  });
});

/** Where the characters of the only text of a document, and its end, stand in it. */
function placesOf(source: string): readonly number[] {
  const node = readYaml(source, new Findings(source));
  if (node?.kind !== "scalar") throw new Error("the document is no text");
  return placesIn(source, node);
}

function placesIn(source: string, node: ScalarNode): readonly number[] {
  return Array.from({ length: node.text.length + 1 }, (_, offset) => placeInside(source, node, offset));
}

describe("places inside a text", () => {
  it.each<readonly [string, string, readonly number[]]>([
    ["a plain text", "ab", [0, 1, 2]],
    ["letters that come again", "aab a", [0, 1, 2, 3, 4, 5]],
    ["a letter before and after a blank", "b b", [0, 1, 2, 3]],
    ["double quotes: the end is the closing one", '"ab"', [1, 2, 3]],
    ["single quotes", "'ab'", [1, 2, 3]],
    ["a quote inside quotes", `"'a'"`, [1, 2, 3, 4]],
    ["a blank behind the quote", '" a"', [1, 2, 3]],
    ["a folded line: its break is the blank", "a\n  b", [0, 1, 4, 5]],
    ["several blanks in quotes", '"a  b"', [1, 2, 4, 4, 5]],
    ["a line break that is escaped", '"a\\nb"', [1, 2, 4, 5]],
    ["a tab that is escaped", '"a\\tb"', [1, 2, 4, 5]],
    ["a tab", '"a\tb"', [1, 2, 3, 4]],
  ])("R328: %s", (_, source, places) => {
    expect(placesOf(source)).toEqual(places);
  });

  it("R328: a letter that the source does not show, and all behind it, stand at the end", () => {
    expect(placesOf('"a\\u4e2db"')).toEqual([1, 10, 10, 10]);
    const source = '"a\\rb" c';
    expect(placesIn(source, { kind: "scalar", text: "a\rb", at: 0, end: 6 })).toEqual([1, 2, 4, 5]);
    expect(placesIn("ab  c", { kind: "scalar", text: "ab  ", at: 0, end: 3 })).toEqual([0, 1, 2, 3, 3]);
  });

  it("R328: a text that nothing is in has a place, and an offset beyond a text stands at its end", () => {
    const source = "x: ''";
    const node: ScalarNode = { kind: "scalar", text: "", at: 3, end: 5 };
    expect(placesIn(source, node)).toEqual([4]);
    expect(placeInside(source, node, 7)).toBe(4);
  });
});
