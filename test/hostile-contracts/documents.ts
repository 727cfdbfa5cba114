// Hostile documents by name: each is made to cost more than it weighs, to look like something else, or to break what reads it.
// Every one is cut to the largest size that is read at all, where size is its weapon.

import { readFileSync } from "node:fs";

const PLAIN = readFileSync(new URL("plain.yaml", import.meta.url), "utf8");
const SIZE_MAX = 131_072;

export interface HostileDocument {
  readonly name: string;
  readonly source: string;
  /** one of its findings; undefined: it is a valid contract */
  readonly code: string | undefined;
}

const count = (length: number, make: (index: number) => string) =>
  Array.from({ length }, (_, index) => make(index)).join("");
/** As many as fit into a document beside the plain one. */
const fill = (part: string) =>
  part.repeat(Math.floor((SIZE_MAX - PLAIN.length - 200) / new TextEncoder().encode(part).length));
const quoted = (text: string) => JSON.stringify(text);
function put(mark: string, text: string): string {
  if (!PLAIN.includes(mark)) throw new Error(`${mark} stands nowhere in the plain document`);
  return PLAIN.replace(mark, () => text);
}
const condition = (expression: string) => put("if: p.n != 13", `if: ${quoted(expression)}`);
const sentence = (text: string) => put('"{p.n} 不吉利"', quoted(text));
const typed = (type: string) => put("n: int, state", `n: ${quoted(type)}, state`);
const setting = (value: string) => put("step: 10", `step: ${value}`);
const append = (text: string) => PLAIN + text;

type Row = readonly [name: string, source: string, code: string | undefined];

/** Size as a weapon: parts whose number times their cost would be felt. */
const LARGE: readonly Row[] = [
  ["a list of 4,000 numbers", condition(`[${count(4000, (index) => `${index},`)}].exists(x, x == p.n)`), undefined],
  ["a list of 4,000 texts", condition(`p.id in [${count(4000, (index) => `'a${index}',`)}]`), undefined],
  [
    "two lists of 2,000 texts",
    condition(`[${count(2000, (index) => `'a${index}',`)}] == [${count(2000, (index) => `'b${index}',`)}]`),
    undefined,
  ],
  [
    "a list after 60,000 blanks",
    condition(`${" ".repeat(60_000)}[${"1,".repeat(3900)}].exists(x, x == p.n)`),
    undefined,
  ],
  [
    "a list after a comment of 60,000",
    condition(`// ${"x".repeat(60_000)}\n[${"1,".repeat(3900)}].exists(x, x == p.n)`),
    undefined,
  ],
  ["a list between wide gaps", condition(`[${`1,${" ".repeat(20)}`.repeat(3800)}].exists(x, x == p.n)`), undefined],
  ["4,000 unknown names", condition(`[${count(4000, (index) => `q${index},`)}] == [1]`), "NAME_UNKNOWN"],
  ["a sentence of values", sentence(fill("{now}")), undefined],
  ["a sentence of fields", sentence(fill("{p.n}")), undefined],
  ["a sentence of braces", sentence(fill("{{")), undefined],
  ["a sentence with a broken end", sentence(`${fill("{p.n} ")}{`), "SENTENCE_SYNTAX"],
  ["a text of escapes", condition(`'${"\\n".repeat(30_000)}' == p.id`), undefined],
  ["700 sums of sizes", condition(`${"size(p.id) + ".repeat(700)}1 == 1`), "EXPRESSION_TOO_DEEP"],
  ["120,000 minuses", condition(`${"-".repeat(120_000)}1 == 1`), "EXPRESSION_TOO_DEEP"],
  ["60,000 members", condition(`p${".a".repeat(60_000)} == 1`), "EXPRESSION_TOO_DEEP"],
  ["60,000 arguments", condition(`size(${"1,".repeat(60_000)}1) == 1`), "EXPRESSION_TOO_LARGE"],
  [
    "a quadratic macro",
    condition(`[${"1,".repeat(2000)}].all(x, [${"1,".repeat(2000)}].all(y, x == y))`),
    "GAS_TOO_HIGH",
  ],
  ["rounds 90 deep", condition(`${"[1,2,3,4,5,6,7,8].all(a, ".repeat(90)}true${")".repeat(90)}`), "GAS_TOO_HIGH"],
  ["comment lines", append(fill("#\n")), "DOCUMENT_TOO_LARGE"],
  ["empty lines", append(fill("\n")), "DOCUMENT_TOO_LARGE"],
  ["empty lines and tabs", append(fill("\t\n")), "DOCUMENT_TOO_LARGE"],
  ["carriage returns", append(fill("\r")), "YAML_SYNTAX"],
  ["one line of a hundred thousand letters", append(`${fill("a")}: 1\n`), "YAML_SYNTAX"],
  ["a title of a hundred thousand letters", put("平常", fill("a")), undefined],
  ["lines of a folded title", put("title: 平常\n", `title: >\n${fill("  a\n")}`), undefined],
  ["items of a flow list", append(`x: [${fill("1,")}]`), "DOCUMENT_TOO_LARGE"],
  ["commas only", append(`x: {${fill(",")}`), "DOCUMENT_TOO_LARGE"],
  ["block marks", append(`x: ${fill("|\n")}`), "DOCUMENT_TOO_LARGE"],
  ["30,000 colons", append(": ".repeat(15_000)), "DOCUMENT_TOO_DEEP"],
  ["keys", append(count(4000, (index) => `k${index}: 1\n`)), "FIELD_UNKNOWN"],
  ["a hundred thousand keys", count(100_000, (index) => `k${index}: 1\n`), "DOCUMENT_TOO_LARGE"],
  ["the same key", append("a: 1\n".repeat(4000)), "YAML_DUPLICATE_KEY"],
  ["documents", append(fill("---\n")), "DOCUMENT_TOO_LARGE"],
  ["directives", `${"%YAML 1.2\n".repeat(5000)}---\n${PLAIN}`, "YAML_DIRECTIVE"],
  ["actions without statements", append(count(1500, (index) => `  z${index}:\n    by: [clerk]\n`)), "FIELD_MISSING"],
  ["roles", put("by: [clerk]", `by: [${count(6000, (index) => `r${index}, `)}clerk]`), "TOO_MANY"],
  ["the same role", put("by: [clerk]", `by: [${"clerk, ".repeat(6000)}clerk]`), "NAME_TWICE"],
  ["params", put("params: {id: id", `params: {${count(2500, (index) => `q${index}: int, `)}id: id`), "TOO_MANY"],
  ["accounts", put("accounts: [", `accounts: [${count(6000, (index) => `a${index}, `)}`), "TOO_MANY"],
  ["settings", put("settings: {", `settings: {${count(2500, (index) => `s${index}: ${index}, `)}`), "TOO_MANY"],
  ["invariants", put("      - n >= -1000\n", "      - n >= -1000\n".repeat(4000)), "TOO_MANY"],
  [
    "conditions",
    put("      - {if: p.n != 13", `${"      - {if: p.n != 13, else: x}\n".repeat(1200)}      - {if: p.n != 13`),
    "TOO_MANY",
  ],
  [
    "moves of a state",
    put("{new: [busy], ", `{new: [busy], ${count(2500, (index) => `s${index}: [busy], `)}`),
    "STATE_UNKNOWN",
  ],
  ["names of an enum", put("enum(new,busy)", `enum(${count(20_000, (index) => `e${index},`)}z)`), "TYPE_ENUM"],
  ["the same name in an enum", put("enum(new,busy)", `enum(${fill("a,")}z)`), "TYPE_ENUM"],
  ["a type of brackets", typed(`${fill("list(")}int`), "TYPE_TOO_DEEP"],
  ["a type of dots", typed(`${fill("a.")}a`), "TYPE_UNKNOWN"],
  ["a type of digits", typed(`int(${fill("9")}..10)`), "TYPE_BOUND"],
  ["a type of blanks", typed(`${fill(" ")}int`), undefined],
  ["a number of a hundred thousand digits", setting(fill("9")), "NUMBER_TOO_LARGE"],
  ["a megabyte", append(`# ${"x".repeat(1 << 20)}`), "DOCUMENT_TOO_LARGE"],
];

/** YAML that programs elsewhere have stumbled over. */
const YAML: readonly Row[] = [
  ["a billion laughs", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "YAML_ALIAS"],
  ["an alias of itself", append("x: &x [*x]\n"), "YAML_ALIAS"],
  ["an anchor nobody uses", put("title: 平常", "title: &a 平常"), "YAML_ALIAS"],
  ["a merge key", append("<<: {rules: 2}\n"), "FIELD_UNKNOWN"],
  ["a tag", put("step: 10", "step: !!int 10"), "YAML_TAG"],
  ["a tag of an object", put("step: 10", "step: !!js/function 'x'"), "YAML_TAG"],
  ["a binary", put("平常", "!!binary YQ=="), "YAML_TAG"],
  ["a duplicate key", append("title: 另一个\n"), "YAML_DUPLICATE_KEY"],
  ["a duplicate key by escape", append('"\\x74itle": 另一个\n'), "YAML_DUPLICATE_KEY"],
  ["a key that is a list", append("[a]: 1\n"), "YAML_KEY"],
  ["a key that is a map", append("{a: 1}: 1\n"), "YAML_KEY"],
  ["a second document", append("---\nrules: 1\n"), "DOCUMENT_SEVERAL"],
  ["another version of YAML", `%YAML 1.1\n---\n${PLAIN}`, "YAML_DIRECTIVE"],
  ["a list where a map stands", put("settings: {step: 10}", "settings: [step, 10]"), "SHAPE"],
  ["nothing where a map stands", put("settings: {step: 10}", "settings:"), "SHAPE"],
  ["flow lists inside each other", append(`x: ${"[".repeat(15_000)}`), "DOCUMENT_TOO_DEEP"],
  ["block lists inside each other", append(`x:\n  ${"- ".repeat(15_000)}x`), "DOCUMENT_TOO_DEEP"],
  ["nothing", "", "DOCUMENT_EMPTY"],
  ["only a comment", "# x", "DOCUMENT_EMPTY"],
];

/** Text that does not show what it says. */
const TEXTS: readonly Row[] = [
  ["a byte order mark", `\ufeff${PLAIN}`, "DOCUMENT_TEXT"],
  ["a lone surrogate", put("平常", "\ud800"), "DOCUMENT_TEXT"],
  ["a NUL", put("平常", "a\0b"), "DOCUMENT_TEXT"],
  ["an escaped NUL", put("平常", '"a\\0b"'), "DOCUMENT_TEXT"],
  ["an override of direction in a sentence", sentence("\u202e{p.n}"), "DOCUMENT_TEXT"],
  ["an escaped override of direction", put('"{p.n} 不吉利"', '"\\u202e{p.n}"'), "DOCUMENT_TEXT"],
  ["an isolate in a comment", append("# \u2066x\n"), "DOCUMENT_TEXT"],
  ["a mark of direction in a name", put("  make:", "  ma\u200fke:"), "DOCUMENT_TEXT"],
  ["a space without width in a sentence", sentence("a\u200bb"), "DOCUMENT_TEXT"],
  ["a line separator in a comment", append("# a\u2028b\n"), "DOCUMENT_TEXT"],
  ["a Cyrillic letter in a name", put("  make:", "  m\u0430ke:"), "NAME_INVALID"],
  ["a full-width letter in a name", put("  make:", "  ｍake:"), "NAME_INVALID"],
  ["a combining mark in a name", put("  make:", "  make\u0301:"), "NAME_INVALID"],
  ["a Cyrillic letter in a key of the language", put("tables:", "t\u0430bles:"), "FIELD_UNKNOWN"],
  ["a Cyrillic letter in an expression", condition("p.n != n\u043ew"), "EXPRESSION_CHARACTER"],
  ["full-width digits in an expression", condition("p.n != １３"), "EXPRESSION_CHARACTER"],
  ["a typographic quote", condition("p.id != ‘a’"), "EXPRESSION_CHARACTER"],
  ["a name of a kilobyte", put("  make:", `  ${"m".repeat(1024)}:`), "NAME_INVALID"],
];

/** What other readers of YAML take for numbers. */
const NUMBERS: readonly Row[] = (
  [
    ["0x10", undefined],
    ["1_000", "NUMBER_INVALID"],
    ["1e3", "FRACTION_NOT_ALLOWED"],
    ["1.0", "FRACTION_NOT_ALLOWED"],
    [".5", "FRACTION_NOT_ALLOWED"],
    ["0o17", "NUMBER_INVALID"],
    ["0b11", "NUMBER_INVALID"],
    ["12:30:00", "EXPRESSION_SYNTAX"],
    ["2026-11-22", "SHAPE"],
    ["+5", "EXPRESSION_SYNTAX"],
    ["1u", "UNSIGNED_NOT_ALLOWED"],
    [".inf", "EXPRESSION_SYNTAX"],
    [".nan", "EXPRESSION_SYNTAX"],
    ["~", "EXPRESSION_CHARACTER"],
    ["null", "SHAPE"],
    ["true", "SHAPE"],
    ["yes", "SHAPE"],
    ["１０", "EXPRESSION_CHARACTER"],
    ["٣", "EXPRESSION_CHARACTER"],
    ["9223372036854775808", "VALUE_OUT_OF_RANGE"],
    ["99999999999999999999", "VALUE_OUT_OF_RANGE"],
    ["1 + 1", "SHAPE"],
    ["'10'", undefined],
  ] as const
).map(([text, code]) => [`the number ${text}`, setting(text), code]);

export const HOSTILE_DOCUMENTS: readonly HostileDocument[] = [...LARGE, ...YAML, ...TEXTS, ...NUMBERS].map(
  ([name, source, code]) => ({ name, source, code }),
);
