// Broken documents: one damaged in every place, at every limit and in every form of YAML; and documents in every layout.
// It says nothing about what is found in them: recorded-findings.test.ts does.

import { counted, type Damaged, mispunctuated, misspelt, relined, revalued, withoutEntries } from "./damage.ts";
import { document } from "./support.ts";

export const BOOK = `rules: 1
contract: book
title: 账本
tables:
  line: {key: {who: id}, fields: {sum: int, kind: "enum(a,b)"}, index: {by_sum: [sum]}}
actions:
  add: {by: ["contract:shop"], params: {who: id, sum: int}, do: [{insert: line, row: {who: p.who, sum: p.sum, kind: "'a'"}}]}
`;
/** Uses every part that a contract can have. */
export const SHOP = `rules: 1
contract: shop
title: {zh: 商店, en: Shop}
law: {zh: 第六条, en: art. 6}
words: {clerk: {zh: 店员, en: clerk}, item.n: {zh: 数, en: number}}
imports:
  book: {line: {key: [who], fields: {sum: int}, index: {by_sum: [sum]}}, actions: {add: {who: id, sum: int}}}
accounts: [till]
settings: {cap: 100, step: {title: 步, type: int(1..9), value: 5, unit: {zh: 分, en: fen}, law: 第七条}}
tables:
  item:
    key: {id: id}
    fields: {n: int(0..9), note: text(20), state: "enum(open,sold)", tags: {type: "list(text(4), 3)", default: "[]"}}
    flow: {open: [sold], sold: []}
    index: {by_n: [n, note]}
    always: [n < 9, {if: "size(note) > 0 || n < settings.cap", else: {zh: "{n} 空", en: "{n} is empty"}}]
actions:
  add:
    title: {zh: 增, en: Add}
    law: 第八条
    by: [clerk]
    params: {id: id, note: text(20), n: item.n}
    read: {old?: "item[p.id]", like: {all: "item.by_n[3, p.note]", max: 5}, l?: "book.line[p.id]"}
    define: {word: "p.note + '!'", many: "like.filter(x, x.n > 1)"}
    require:
      - {if: "old == null && size(many) < settings.cap && word != p.id", else: "{word} {p.n} {{!}}"}
      - {if: "l == null || l.sum > 1", else: {zh: "{p.id} 无", en: "{p.id} none"}}
    do:
      - insert: item
        row: {id: p.id, n: p.n, note: p.note, state: '"open"', tags: "['a', 'b']"}
      - when: p.n > settings.step
        call: book.add
        with: {who: caller.id, sum: p.n * 2}
  sell:
    by: [clerk, timer]
    params: {id: id, note: text(20)}
    read: {i: "item[p.id]"}
    do:
      - update: i
        set: {state: '"sold"', note: p.note}
      - pay: {from: '"till"', to: caller.id, amount: i.n * settings.cap}
      - emit: {sold: {id: p.id, at: now, who: cosigners}}
      - timer: {key: p.id, at: now + 1000, run: sell, with: {id: p.id, note: p.note}}
      - cancel: p.note
  drop:
    by: [clerk]
    params: {id: id}
    read: {i: "item[p.id]"}
    require: [{if: "i.state in ['sold']", else: 不行}]
    do: [delete: i]
`;
export const DAMAGES: readonly (readonly [string, () => readonly Damaged[]])[] = [
  ["shop-words", () => misspelt(SHOP).filter((_, index) => index % 2 === 0)],
  ["shop-signs", () => mispunctuated(SHOP).filter((_, index) => index % 7 === 0)],
  ["shop-lines", () => relined(SHOP)],
  ["shop-entries", () => withoutEntries(SHOP)],
  ["shop-as-number", () => revalued(SHOP, "7")],
  ["shop-as-name", () => revalued(SHOP, "zz")],
  ["shop-as-list", () => revalued(SHOP, "[zz]")],
  ["shop-as-map", () => revalued(SHOP, "{zz: yy}")],
  ["shop-as-nothing", () => revalued(SHOP, '""')],
  ["canteen-words", () => misspelt(document("canteen.yaml")).filter((_, index) => index % 6 === 0)],
  ["canteen-lines", () => relined(document("canteen.yaml")).filter((_, index) => index % 6 === 0)],
];

const put = (from: string, to: string): Damaged => {
  if (!SHOP.includes(from)) throw new Error(`${from} stands nowhere in the document`);
  return [`${from} as ${to}`, SHOP.replace(from, () => to)];
};
const names = (length: number, more = "") => counted(length, (index) => `q${index}${more}`).join(", ");
const around = (limit: number) => [limit - 1, limit, limit + 1];

/** Exactly at a limit, one below and one above. */
export const EDGES: readonly Damaged[] = [
  ...around(64).flatMap((count) => [
    put("enum(open,sold)", `enum(open,sold,${names(count - 2)})`),
    put("n: int(0..9), note", `${names(count - 5, ": int")}, n: int(0..9), note`),
    put("emit: {sold: {id", `emit: {sold: {${names(count - 3, ": 1")}, id`),
    put("settings: {cap: 100,", `settings: {${names(count - 2, ": 1")}, cap: 100,`),
    put("contract: shop", `contract: ${"a".repeat(count)}`),
    put("params: {id: id, note: text(20), n", `params: {${names(count - 3, ": int")}, id: id, note: text(20), n`),
    put("  item:\n", `${counted(count - 1, (i) => `  q${i}: {key: {id: id}, fields: {n: int}}\n`).join("")}  item:\n`),
  ]),
  ...around(32).flatMap((count) => [
    put("always: [n < 9", `always: [${counted(count - 2, () => "n < 9").join(", ")}, n < 9`),
    put("i.state in", `${counted(count, (i) => `${i} < 99`).join(" && ")} && i.state in`),
    put("accounts: [till", `accounts: [${names(count - 2)}, till`),
    put("by: [clerk, timer]", `by: [${names(count - 2)}, clerk, timer]`),
    put("define: {word", `define: {${names(count - 2, ": p.n + 1")}, word`),
    put("    do: [delete: i]", `    do: [delete: i${counted(count - 1, (i) => `, emit: {q: {n: ${i}}}`).join("")}]`),
    put('[{if: "i.state', `[${counted(count - 1, () => "{if: i.n > 0, else: 不}").join(", ")}, {if: "i.state`),
    put(
      'read: {i: "item[p.id]"}\n    require',
      `read: {${names(count - 1, ': "item[p.id]"')}, i: "item[p.id]"}\n    require`,
    ),
  ]),
  ...around(128).map((count) =>
    put(
      "  drop:\n",
      `${counted(count - 3, (i) => `  q${i}: {by: [clerk], do: [emit: {e: {n: 1}}]}\n`).join("")}  drop:\n`,
    ),
  ),
  ...around(30).flatMap((count) => [
    put("  drop:", `  ${"d".repeat(count)}:`),
    put("cap: 100", `${"c".repeat(count)}: 1`),
  ]),
  ...around(4).map((count) => put("by_n: [n, note]", counted(count, (i) => `by_${"nmopqr"[i]}: [n]`).join(", "))),
  ...around(24).map((count) => put("law: 第八条", `law: ${"[".repeat(count)}${"]".repeat(count)}`)),
  ...around(131_072).flatMap((count) => [
    put("law: 第八条", `law: ${"a".repeat(count - new TextEncoder().encode(SHOP).length + 9)}`),
    put("note: text(20), state", `note: text(${count}), state`),
    put("note: text(20), state", `note: bytes(${count}), state`),
  ]),
  ...around(4096).map((count) => put("list(text(4), 3)", `list(int, ${count})`)),
  ...around(15_554).map((count) => put("list(text(4), 3)", `list(int, ${count})`)),
  ...around(64).map((count) =>
    put("key: {id: id}", `key: {id: id, a: text(${count}), b: text(${count}), c: text(${count})}`),
  ),
  ...around(3).map((count) => put("list(text(4), 3)", `${"list(".repeat(count)}int${", 1)".repeat(count)}`)),
  ...[
    "1",
    "0",
    "-1",
    "x",
    "",
    "1.5",
    "1..",
    "..1",
    "2..1",
    "1..1",
    " 1 .. 2 ",
    "1..2..3",
    "-5..-6",
    "-6..-5",
    "1,2",
  ].flatMap((bounds) =>
    ["int", "text", "bytes", "enum", "list"].map((type) => put("n: int(0..9)", `n: "${type}(${bounds})"`)),
  ),
  ...["-9223372036854775808..9223372036854775807", "-9223372036854775809..0", "0..9223372036854775808"].map((range) =>
    put("n: int(0..9)", `n: int(${range})`),
  ),
  ...[
    "12345678901234567890",
    "123456789012345678901",
    "-9007199254740991",
    "-9007199254740992",
    "9007199254740992",
  ].map((value) => put("cap: 100", `cap: ${value}`)),
  ...["0", "1", "9", "10"].map((value) => put("value: 5", `value: ${value}`)),
  ...[
    "enum(a,a)",
    "enum(a,)",
    "enum()",
    "enum(a-b,c)",
    "enum(1)",
    "int int",
    "int)",
    "int(",
    "item.",
    ".n",
    "item..n",
  ].map((type) => put("n: int(0..9)", `n: "${type}"`)),
  ...["item.n", "item.x", "book.line.sum", "book.line.x", "nobody.x", "a.b.c.d", "shop.item.n", "list(item.n, 3)"].map(
    (type) => put("n: item.n", `n: "${type}"`),
  ),
  ...[
    "dropped(int)",
    "dropped(intt)",
    "dropped(int",
    "dropped()",
    "droped(int)",
    `${"x".repeat(60)}`,
    `${"x".repeat(61)}`,
  ].map((type) => put("note: text(20), state", `note: "${type}", state`)),
  ...['"a"', '"abcd"', '"abcde"', '"邻里"', "1", "true", "null", "p.id", "[1]", "['a', 'b', 'c', 'd']"].map((value) =>
    put('default: "[]"', `default: ${JSON.stringify(value)}`),
  ),
];

const marks = (count: number) => `${"#\n".repeat(count >> 1)}${count % 2 === 0 ? "" : "#"}`;
export const MORE: readonly Damaged[] = [
  ...counted(20, (depth) => put("law: 第八条", `law: ${"[".repeat(depth + 5)}${"]".repeat(depth + 5)}`)),
  ...["by_id: [id]", "by_id: [tags]", "by_id: [idd]", "by_id: [nn, id]", "by_id: [id, id]", "by_id: []"].map((index) =>
    put("by_n: [n, note]", index),
  ),
  ...["state: {open: [sold]}", "id: {open: [sold]}", "n: {open: [sold]}", "stat: {open: [sold]}"].map((flow) =>
    put("{open: [sold], sold: []}", `{${flow}}`),
  ),
  ...["{open: [sold], nobody: [sold]}", "{open: [nobody]}", "{nobody: [nobody]}", "{}", "{open: []}"].map((flow) =>
    put("{open: [sold], sold: []}", flow),
  ),
  put("key: {id: id}", 'key: {state: "enum(open,sold)", id: id}'),
  put("key: {id: id}", 'key: {mood: "enum(open,sold)", id: id}'),
  put("key: {id: id}", "key: {id: {type: id, default: 1}}"),
  put("key: {id: id}", 'key: {id: "dropped(id)"}'),
  put("key: {id: id}", 'key: {id: "list(int, 2)"}'),
  put("note: text(20), state", 'note: text(20), old: "dropped(textt(3))", state'),
  put("note: text(20), state", 'note: text(20), old: {type: "dropped(int)", default: 1}, state'),
  put("fields: {sum: int}", "fields: {sum: {type: int, default: 1}}"),
  put("contract: shop", "contract: registry"),
  put("contract: shop", "contract: governance"),
  put("contract: shop", "contract: ledger"),
  put("contract: shop", "contract: a-b"),
  put("contract: shop", "contract: -ab"),
  put("  drop:", "  a-b:"),
  put("  drop:", '  "":'),
  put("law: 第八条", 'law: ""'),
  put("law: 第八条", "law: {zh: a, en: '{p.id} b'}"),
  put("law: 第八条", 'law: "a {p.id} b {now}"'),
  put("else: 不行", 'else: "{}"'),
  put("else: 不行", 'else: "}{"'),
  put("else: 不行", 'else: "a } b"'),
  put("else: 不行", 'else: "{{a}} {i.n} {{"'),
  put("else: 不行", 'else: "aaa {i.n + 1}"'),
  put("else: 不行", 'else: "aaa {i.nobody}"'),
  put("else: 不行", 'else: "aaa {i..n}"'),
  put("else: 不行", 'else: "aaa {i. n} {nobody}"'),
  put("else: 不行", "else: 'aaa {\u0430b}'"),
  put("else: 不行", "else: bb\u0430b"),
  put("else: 不行", "else: bb\u0430"),
  put("\"i.state in ['sold']\"", "\"i.state in ['\u0430']\""),
  put("\"i.state in ['sold']\"", "\"   i.state in ['sol\\\\u200bd']\""),
  put("\"i.state in ['sold']\"", "\"   i.state in ['sol\\\\x7f']\""),
  put("\"i.state in ['sold']\"", '"((i.n)) > 0 && ((((nobody))))) > 0"'),
  put("\"i.state in ['sold']\"", '"i.n == = 1"'),
  put("\"i.state in ['sold']\"", "max(i.n, 1) > 0"),
  put("\"i.state in ['sold']\"", "i.n > (1"),
  put('i: "item[p.id]"}\n    require', 'i: "book.lines[p.id]"}\n    require'),
  ...[
    "a-b.line[p.id]",
    "a.b.c[p.id]",
    "a.b.c.d[p.id]",
    "item",
    "item[]",
    "item[p.id, 1]",
    "item[p.id][1]",
    "[p.id]",
    "-a[p.id]",
  ].map((read) => put('i: "item[p.id]"}\n    require', `i: "${read}"}\n    require`)),
  ...[
    "item.by_n[3, 'a']",
    "item.by_n",
    "item.by_n[]",
    "item[3]",
    "book.line.by_sum[1]",
    "book-x.line.by_sum[1]",
    "a.b.c.d[1]",
  ].map((all) => put("item.by_n[3, p.note]", all)),
  ...[32_760, 32_762, 32_764, 32_765, 32_766, 32_767, 32_768, 32_769].map(
    (count): Damaged => [`${count} marks`, marks(count)],
  ),
  ["not well-formed", `${SHOP}# \ud800`],
];

/** The same mistake in every way that YAML can write a text: what is found stands where the author sees it. */
export const WAYS: readonly Damaged[] = [
  "i.state in ['sold'] && nobody > 1",
  "\"i.state in ['sold'] && nobody > 1\"",
  "'i.state in [''sold''] && nobody > 1'",
  '"i.state in [\\"sold\\"] && nobody > 1"',
  '"i.state in [\\x27sold\\x27]\\n && nobody > 1"',
  "\"i.state in ['sold']\n\n          && nobody > 1\"",
  "\"i.state\\\n          in ['sold'] && nobody > 1\"",
  "\"   i.state   in\\t['sold'] && nobody > 1\"",
  "\"i.state in ['\\u6c49'] && '汉' == nobody\"",
  "i.state in ['sold'] # hint\n      ",
  "i.n > 0 &&\n          nobody > 1",
].map((text) => put("\"i.state in ['sold']\"", text));
export const BLOCKS: readonly Damaged[] = ["|", ">", "|-", ">-", "|+", ">+", ">2", "|2-"].flatMap((mark) =>
  ["i.n > 0 &&\n        nobody > 1", "i.n > 0 &&\n\n        nobody >\n          1", "(i.n > 0", "nobody > 1\n"].map(
    (text) =>
      put(
        "[{if: \"i.state in ['sold']\", else: 不行}]",
        `\n    - if: ${mark}\n        ${text}\n      else: "{i.n} {nobody}"`,
      ),
  ),
);
export const YAML: readonly Damaged[] = [
  ...["&a x", "*a", "!!str x", "! x", "<<: {a: 1}", "? x", "- x", "{a, b}", "[a: 1]", "{a: 1, a: 2}", "%x", "@x", "`x"],
  ...[
    '"x',
    "'x",
    "{x",
    "[x",
    "x}",
    "x]",
    "x: y: z",
    "# x",
    "\t x",
    "~",
    "null",
    '"\\q"',
    '"\\x0"',
    '"\\u200b"',
    "x\ty",
  ],
  ...[
    "{[a]: 1}",
    "{{a: 1}: 2}",
    "{? a : 1}",
    "{a: [b, c: d]}",
    "[a, , b]",
    "{a: , b: }",
    "{: 1}",
    "[[a], {b: c}]",
    "|",
    ">",
  ],
].flatMap((text) => [
  put("第八条", text),
  put("title: {zh: 增, en: Add}", `title: ${text}`),
  put("clerk: {zh: 店员, en: clerk}", text),
]);
export const AROUND: readonly Damaged[] = [
  ["an alias before and after", `&x a\n---\n*x\n`],
  ["a directive", `%YAML 1.2\n---\n${SHOP}`],
  ["an unknown directive", `%FOO bar\n---\n${SHOP}`],
  ["marks of a document", `---\n${SHOP}...\n`],
  ["two documents", `${SHOP}---\n${SHOP}`],
  ["three documents", `a: 1\n---\nb: 2\n---\nc: 3\n`],
  ["an end and more", `${SHOP}...\nrules: 1\n`],
  ["an end and a tag", `${SHOP}...\n!x\n`],
  ["a tag on top", `!x\n${SHOP}`],
  ["an anchor on a key", SHOP.replace("title:", "&a title:")],
  ["an anchor in a list", SHOP.replace("[till", "[&a till")],
  ["a comment with an anchor", `# &a *a !x\n${SHOP}`],
  ["line ends of another system", SHOP.replaceAll("\n", "\r\n")],
  ["tabs", SHOP.replaceAll("  ", "\t")],
  ["a list on top", "- a\n- b\n"],
  ["a text on top", "abc\n"],
  ["a number on top", "7"],
  ["an empty map", "{}"],
  ["only a mark", "---\n"],
  ["only an end", "...\n"],
  ["blanks", "  \n \n"],
];

export const LAYOUTS: readonly string[] = [
  SHOP,
  BOOK,
  document("canteen.yaml"),
  document("desk.yaml"),
  ...["# a\n# b\n\n", "\n\n# a\n", "#a\n\n#b\n"].flatMap((comment) =>
    [
      "rules: 1",
      "contract: shop",
      "  item:",
      "    flow:",
      "      - insert",
      "      - pay",
      "        row:",
      "  sell:",
    ].map((mark) => SHOP.replace(mark, () => `${comment}${mark}`)),
  ),
  ...[
    "rules: 1",
    "contract: shop",
    "  item:",
    "    by: [clerk]",
    "      - insert: item",
    "      - cancel: p.note",
    "tables:",
  ].map((mark) => SHOP.replace(mark, () => `${mark} # beside  `)),
  ...[SHOP, BOOK].flatMap((text) => [
    `${text}# last\n`,
    `${text}\n# last\n\n# of all\n`,
    `# first\n\n${text}`,
    `${text}\n\n\n`,
  ]),
  SHOP.replaceAll("\n  ", "\n    "),
  SHOP.replaceAll("\n", "\n\n"),
  SHOP.replace("law: 第八条", "law: |\n      第八条\n      下\n"),
  SHOP.replace("law: 第八条", "law: >-\n      第八条\n\n      下\n"),
  SHOP.replace("law: 第八条", 'law: "第八\n      条"'),
  SHOP.replace("{zh: 增, en: Add}", "\n      en: Add\n      zh: 增"),
  SHOP.replace("[clerk, timer]", "\n      - clerk # one\n      # two\n      - timer"),
  SHOP.replace("[clerk, timer]", "[\n      clerk, # one\n      # two\n      timer\n    ]"),
  SHOP.replace("words: {", "words: {\n  # a\n  "),
  SHOP.replace("law: 第八条", "law: ~"),
  SHOP.replace("law: 第八条", "law:"),
  SHOP.replace("law: 第八条", "law: {}"),
  SHOP.replace("law: 第八条", "law: []"),
  SHOP.replace("law: 第八条", "? law\n    : 第八条"),
];
