// The findings of a few thousand damaged documents and expressions, word for word and place for place, against recorded ones.
// What changed on purpose is recorded anew by UPDATE_FINDINGS=1; a reviewer judges the difference line by line.

import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { checkContract } from "../../../src/contracts/check-contract.ts";
import { compileSource } from "../../../src/contracts/engine.ts";
import type { Finding } from "../../../src/contracts/finding.ts";
import { formatDocument } from "../../../src/contracts/format.ts";
import { HOSTILE_DOCUMENTS } from "../../hostile-contracts/documents.ts";
import { AROUND, BLOCKS, BOOK, DAMAGES, EDGES, LAYOUTS, MORE, SHOP, WAYS, YAML } from "./broken-documents.ts";
import { counted, type Damaged, mispunctuated, misspelt } from "./damage.ts";
import { check, document, type Names } from "./support.ts";

const callee = compileSource(BOOK).contract;
const BOOK_EXPORTS = callee && {
  tables: new Map([...callee.tables].map(([key, { layout }]) => [key, layout])),
  actions: callee.actions,
};
const findingsOf = (source: string) =>
  checkContract(source, (name) => (name === "book" ? BOOK_EXPORTS : undefined)).findings;

/** Long texts by their ends and length, so that a line stays a line. */
const short = (text: string) =>
  text.length <= 240 ? text : `${text.slice(0, 120)}...${text.slice(-60)} (${text.length})`;
function line({ code, severity, line: row, column, message, known }: Finding): string {
  const mark = severity === "error" ? "" : "?";
  return `  ${row}:${column} ${code}${mark} ${short(message)}${known ? ` [${short(known.join(" "))}]` : ""}`;
}
const oneLine = (text: string) => short(JSON.stringify(text).slice(1, -1));
/** At most the first eight of a document: the others repeat them. */
function lines(label: string, findings: readonly Finding[]): string {
  const more = findings.length > 8 ? [`  and ${findings.length - 8} more`] : [];
  return [oneLine(label), ...findings.slice(0, 8).map(line), ...more].join("\n");
}

function expectRecorded(name: string, seen: readonly string[]): void {
  const path = new URL(`golden/findings/${name}.txt`, import.meta.url);
  const text = `${seen.join("\n")}\n`;
  if (process.env.UPDATE_FINDINGS === "1") writeFileSync(path, text);
  // Compared by hand: a difference of thousands of lines is not worth drawing.
  if (text === readFileSync(path, "utf8")) return;
  const recorded = readFileSync(path, "utf8").split("\n");
  const at = text.split("\n").findIndex((each, index) => each !== recorded[index]);
  expect({ at: at + 1, line: text.split("\n")[at] }).toEqual({ at: at + 1, line: recorded[at] });
}

const EXPRESSION = `-a.b[1] * (n % 3 + 0x1f) >= 2 && !has(r.x) ? l.all(x, x in [1, 'a\\n', b"q", r"\\d"]) || t.contains("z") : size(l) != 7`;
const NAMES: Names = {
  n: ["int", 1],
  l: ["list(int, 9)", []],
  t: ["text(9)", "x"],
  q: ["bool", true],
  y: ["bytes(9)", new Uint8Array(1)],
};
const SIGNS =
  "( ) [ ] , . ? : ! - + * / % < <= == != in && || = & | ; { } # // ' \" 1 0x 1.5 1u 1e3 x true null a.b has if".split(
    " ",
  );
const EXPRESSIONS: readonly string[] = [
  ...mispunctuated(EXPRESSION).map(([, text]) => text),
  ...misspelt(EXPRESSION).map(([, text]) => text),
  ...counted(EXPRESSION.length, (index) => EXPRESSION.slice(0, index)),
  ...SIGNS.flatMap((left) => SIGNS.map((right) => `n ${left} ${right} n`)).filter((_, index) => index % 3 === 0),
  ...SIGNS.flatMap((sign) => [
    sign,
    `${sign}n`,
    `n${sign}`,
    `l.all(${sign}, true)`,
    `l.map(x, ${sign})`,
    `has(${sign})`,
    `size(${sign})`,
    `l[${sign}]`,
    `n.${sign}`,
  ]),
  ...["all", "exists", "exists_one", "filter", "map", "has", "size", "sum", "nothing"].flatMap((name) =>
    ["", "x", "x, x", "x, x > 0", "x, x > 0, x", "x, x, x, x", "n, n > 0", "1, true", "x, nobody"].flatMap((args) => [
      `l.${name}(${args})`,
      `${name}(${args})`,
      `t.${name}(${args})`,
    ]),
  ),
  ...[
    "'\\q'",
    "'\\x4'",
    "'\\u12'",
    "'\\U00110000'",
    "'\\ud800'",
    "'\\400'",
    "'\\377'",
    "b'\\u0041'",
    "'''a\nb'''",
    "'a\nb'",
    "r'\\'",
    'b"\\xff"',
    "'\\07'",
    "'a",
    '"a',
    "'''a''",
    "B'a'",
    "R'a'",
    "br'\\a'",
    "rb'a'",
  ],
  ...[
    "0",
    "00",
    "01",
    "0x",
    "0xg",
    "0xff",
    "0x7fffffffffffffff",
    "0x8000000000000000",
    "1_000",
    "9".repeat(20),
    "9".repeat(21),
    "-9223372036854775808",
    "1.",
    ".5",
    "1e5",
    "1u",
    "1a",
  ].map((number) => `n == ${number}`),
  ...[94, 95, 96, 97].flatMap((depth) => [
    `${"!".repeat(depth)}q`,
    `${"-".repeat(depth)}n`,
    `${"(".repeat(depth)}n${")".repeat(depth)}`,
    `${"[".repeat(depth)}${"]".repeat(depth)}`,
    `n${" + n".repeat(depth)} == 1`,
    `q${" ? q : q".repeat(depth)}`,
    `${"size(".repeat(depth)}t${")".repeat(depth)}`,
    `n${".a".repeat(depth)}`,
    `n${"[0]".repeat(depth)}`,
    `${"q && ".repeat(depth)}q`,
  ]),
  ...[4093, 4094, 4095, 4096, 4097].flatMap((nodes) => [
    `[${"1,".repeat(nodes - 1)}1]`,
    `n in [${"1,".repeat(nodes - 3)}1]`,
    `l.all(x, x in [${"1,".repeat(nodes)}])`,
  ]),
];

describe("recorded findings", () => {
  it("R281: what is damaged has no findings before", () => {
    expect([SHOP, BOOK, document("canteen.yaml")].flatMap((source) => findingsOf(source))).toEqual([]);
  });

  it.each(DAMAGES)("R281: %s: each damaged document has its recorded findings", (name, damaged) => {
    expectRecorded(
      name,
      damaged().map(([label, source]) => lines(label, findingsOf(source))),
    );
  });

  it.each<readonly [string, readonly Damaged[]]>([
    ["edges", EDGES.filter(([, source]) => source.length < 6000)],
    ["sizes", EDGES.filter(([, source]) => source.length >= 6000)],
    ["more", MORE],
    ["ways", [...WAYS, ...BLOCKS]],
    ["yaml", [...YAML, ...AROUND]],
  ])(
    "R282: %s: at a limit and in every form of YAML, what is found stands where the author sees it",
    (name, damaged) => {
      expectRecorded(
        name,
        damaged.map(([label, source]) => lines(label, findingsOf(source))),
      );
    },
  );

  it("R281: hostile documents have their recorded findings", () => {
    const cheap = HOSTILE_DOCUMENTS.filter(({ source }) => source.length < 6000);
    expectRecorded(
      "hostile",
      cheap.map(({ name, source }) => lines(name, findingsOf(source))),
    );
  });

  it("R281: damaged expressions have their recorded findings", () => {
    expectRecorded(
      "expressions",
      EXPRESSIONS.map((text) => lines(text, check(text, NAMES).findings)),
    );
  });

  it("R283: documents in every layout are formatted as recorded", () => {
    // Whole where it is the first of its kind, then only lines that were not seen before.
    const before = new Set<string>();
    const seen = LAYOUTS.map((source, index) => {
      const result = formatDocument(source);
      if (!result.ok) return lines(`${index} refused`, result.findings);
      const text = result.text.split("\n").map((text, row) => [row + 1, text] as const);
      const shown = text.filter(([, text]) => !before.has(text) || text.includes("#") || text === "");
      for (const [, text] of shown) before.add(text);
      return [`${index} ${text.length} lines`, ...shown.map(([row, text]) => `  ${row} ${text}`)].join("\n");
    });
    expectRecorded("layouts", seen);
  });
});
