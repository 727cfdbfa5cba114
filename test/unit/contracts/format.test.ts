// The canonical layout: it loses no comment, changes no meaning, is its own fixed point, and the library stands in it.
// Layouts are shuffled at random; what a document means is compared after compilation, without places.

import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkContract } from "../../../src/contracts/check-contract.ts";
import { formatDocument } from "../../../src/contracts/format.ts";

const LIBRARY = new URL("../../../src/contracts/library/", import.meta.url);
const sources = readdirSync(LIBRARY)
  .filter((name) => name.endsWith(".yaml") && !name.endsWith(".test.yaml"))
  .map((name) => [name, readFileSync(new URL(name, LIBRARY), "utf8")] as const);

function formatted(source: string): string {
  const formatting = formatDocument(source);
  if (!formatting.ok) throw new Error(JSON.stringify(formatting.findings));
  return formatting.text;
}

/** The checked contract without places and functions, or the codes of what is wrong with it. */
function meaning(source: string): string {
  const { contract, findings } = checkContract(source);
  const plain = (name: string, value: unknown) => {
    if (["at", "end", "definedAt"].includes(name)) return undefined;
    if (typeof value === "bigint") return `${value}n`;
    return value instanceof Map ? [...value] : value;
  };
  return JSON.stringify(contract ?? findings.map(({ code }) => code).sort(), plain);
}

const commentsOf = (source: string) => [...source.matchAll(/#(.*)$/gm)].map(([, text = ""]) => text.trim()).sort();

describe("format", () => {
  test.each(sources)("R180: %s of the library stands in canonical layout", (_, source) => {
    expect(formatted(source)).toBe(source);
  });

  const lines = (source: string) => source.split("\n");
  const places = fc.array(fc.tuple(fc.nat(), fc.constantFrom("comment", "blank", "end", "wide")), { maxLength: 12 });
  test("R181: a changed layout means the same after formatting, keeps its comments, and is formatted once for all", () => {
    fc.assert(
      fc.property(fc.constantFrom(...sources), places, ([, source], edits) => {
        const changed = lines(source);
        for (const [place, edit] of edits) {
          const at = place % changed.length;
          const line = changed[at] ?? "";
          const indent = line.slice(0, line.length - line.trimStart().length);
          const isInText = /^\s*(\?|:|o\.|!quorum)/.test(line) || line.endsWith(">-");
          if (edit === "comment" && !isInText) changed.splice(at, 0, `${indent}# a note ${at}`);
          else if (edit === "blank" && !isInText) changed.splice(at, 0, "", "");
          else if (edit === "end" && line !== "" && !isInText && !line.includes("#"))
            changed[at] = `${line} # end ${at}`;
          else if (edit === "wide") changed[at] = line.replace(/^( *[a-z_]+): {1,2}(?=\S)/, "$1:    ");
        }
        const text = changed.join("\n");
        const after = formatted(text);
        expect(meaning(after)).toBe(meaning(text));
        expect(commentsOf(after)).toEqual(commentsOf(text));
        expect(formatted(after)).toBe(after);
      }),
      { numRuns: 25 },
    );
  });

  test("R182: keys take their order, sections stand apart, what is too wide in braces goes one a line", () => {
    const wide = Array.from({ length: 12 }, (_, index) => `field_number_${index}: count`).join(", ");
    const text = formatted(
      `# on top\ncontract: a\nrules: 1\nactions:\n  go: {do: [ {delete: r} ], by: [x], read: {r: "t['a']"}}\n  # two\n  stop:\n    do:\n    - {set: {n: '1'}, update: r}\n    by: [x]\n    read: {r: "t['a']"}\ntables:\n  t: {fields: {${wide}}, key: {id: id}} # last\ntitle: {en: A, zh: 甲}\n`,
    );
    const fields = Array.from({ length: 12 }, (_, index) => `      field_number_${index}: count\n`).join("");
    expect(text).toBe(
      `# on top\nrules: 1\ncontract: a\ntitle: {zh: 甲, en: A}\n\ntables:\n  t:\n    key: {id: id}\n    fields:\n${fields}    # last\n\nactions:\n  go: {by: [x], read: {r: "t['a']"}, do: [{delete: r}]}\n\n  # two\n  stop:\n    by: [x]\n    read: {r: "t['a']"}\n    do:\n      - {update: r, set: {n: '1'}}\n`,
    );
  });

  test("R183: what cannot be read is answered with findings and never written", () => {
    for (const source of ["a: [", "a: &x 1\nb: *x\n", "", "- {a: 1}\n---\n- 2\n"]) {
      const formatting = formatDocument(source);
      expect(formatting.ok ? [formatting.text] : formatting.findings.map(({ code }) => code).slice(0, 1)).not.toEqual(
        [],
      );
      expect(formatting.ok).toBe(false);
    }
  });
});
