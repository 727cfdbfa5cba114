// Contracts that would look harmless to who reads their page: refused where a machine can see it, said plainly where it cannot.

import { describe, expect, it } from "vitest";
import { type Block, toMarkdown } from "../../../src/contracts/blocks.ts";
import { checkContract } from "../../../src/contracts/check-contract.ts";
import { explain } from "../../../src/contracts/explain.ts";
import { renderContract } from "../../../src/contracts/render.ts";
import { SourceSet } from "../../../src/contracts/source-set.ts";
import { ID, membership } from "../../../src/contracts/types.ts";
import type { Language } from "../../../src/contracts/words.ts";

const BASE = `rules: 1
contract: shop
title: {zh: 商店, en: Shop}
settings:
  cap: {title: {zh: 上限, en: cap}, value: 60000}
  wait: {title: {zh: 等候, en: wait}, type: time, value: 60000}
words:
  clerk: {zh: 店员, en: clerk}
  state.paid: {zh: 已付, en: paid}
tables:
  item:
    title: {zh: 货品, en: item}
    key: {id: id}
    fields: {owner: id, price: money, at: time, state: "enum(due,paid)", note: text(20)}
    index: {by_owner: [owner]}
actions:
  sell:
    title: {zh: 出售, en: Sell}
    by: [clerk]
    params: {id: id, price: money}
    read: {i: "item[p.id]", mine: {all: "item.by_owner[caller.id]", max: 9}}
    require:
      - {if: p.price <= 60000 && now < i.at + 60000 && p.price <= settings.cap && now < settings.wait, else: "超出 {p.price}"}
      - {if: 'size(mine) > 1 && mine[0].price < 3 && mine.all(x, x.at < now - 60000)', else: 没有}
    do:
      - update: i
        set: {price: p.price, note: '"plain"'}
`;

const errors = (source: string) =>
  checkContract(source)
    .findings.filter(({ severity }) => severity === "error")
    .map(({ code }) => code);

function changed(from: string, to: string): string {
  expect(BASE).toContain(from);
  return BASE.replace(from, to);
}

function page(source: string, language: Language = "zh"): string {
  const file = { path: "a.yaml", source };
  const { checked, document, findings } = new SourceSet([file]).check(file);
  if (checked === undefined || document === undefined) throw new Error(JSON.stringify(findings));
  return toMarkdown(renderContract({ checked, document }, language).blocks);
}

describe("what a machine can see", () => {
  it("the plain one is accepted", () => {
    expect(errors(BASE)).toEqual([]);
  });

  it.each<readonly [string, string, string]>([
    ["two values of one enum", "words:\n", "words:\n  state.due: {zh: 已付, en: open}\n"],
    ["two values, apart by a blank", "words:\n", "words:\n  state.due: {zh: 已 付, en: open}\n"],
    ["two values, in English only", "words:\n", "words:\n  state.due: {zh: 未付, en: paid}\n"],
    ["two fields of one table", "words:\n", "words:\n  owner: {zh: 价格, en: a}\n  price: {zh: 价格, en: b}\n"],
    ["two parameters", "words:\n", "words:\n  sell.id: {zh: 价格, en: a}\n  sell.price: {zh: 价格, en: b}\n"],
    ["two roles", "words:\n", "words:\n  thief: {zh: 店员, en: other}\n"],
    ["two settings", "zh: 等候", "zh: 上限"],
  ])("R232: one word for %s is refused", (_, from, to) => {
    const source = changed(from, to).replace(
      "by: [clerk]",
      to.includes("thief") ? "by: [clerk, thief]" : "by: [clerk]",
    );
    expect(errors(source)).toEqual(["WORD_TWICE"]);
  });

  it.each<readonly [string, string, string, string]>([
    ["a turn of direction by an escape", '"plain"', '"\\u202e"', "DOCUMENT_TEXT"],
    ["nothing to be seen, by an escape", '"plain"', '"a\\u200bb"', "DOCUMENT_TEXT"],
    ["a blank letter", "zh: 商店", "zh: 商\u3164店", "DOCUMENT_TEXT"],
    ["a selector of variants", "zh: 商店", "zh: 商\ufe00店", "DOCUMENT_TEXT"],
    ["a tag", "zh: 商店", "zh: 商\u{e0041}店", "DOCUMENT_TEXT"],
    ["a Cyrillic a in a value", '"plain"', '"pl\u0430in"', "TEXT_LOOKALIKE"],
    ["a wholly Cyrillic value", '"plain"', '"\u0440\u0430\u0443"', "TEXT_LOOKALIKE"],
    ["the same by an escape", '"plain"', '"pl\\u0430in"', "TEXT_LOOKALIKE"],
    ["letters of full width in a value", '"plain"', '"\uff41b"', "TEXT_LOOKALIKE"],
    ["letters of mathematics in a value", '"plain"', '"\u{1d41a}b"', "TEXT_LOOKALIKE"],
    ["a Cyrillic letter in a title", "en: Shop", "en: Sh\u043ep", "TEXT_LOOKALIKE"],
    ["a Greek letter in a word", "en: clerk", "en: cl\u03b5rk", "TEXT_LOOKALIKE"],
    ["a Cyrillic letter in a sentence", "else: 没有", "else: n\u043ene", "TEXT_LOOKALIKE"],
  ])("R233: %s is refused", (_, from, to, code) => {
    expect(errors(changed(from, to))).toEqual([code]);
  });

  it("R233: units, Greek words and Chinese signs are no deceit", () => {
    for (const title of ["\u03bcm", "\u03a9", "\u0394", "（甲）", "Ａ座", "Привет"])
      expect(errors(changed("en: Shop", `en: ${title}`))).toEqual([]);
  });
});

describe("what people write", () => {
  it("R238: an id has no character that cannot be seen", () => {
    const isId = membership(ID);
    expect(["admin", "业主-1", "fund:repair"].every(isId)).toBe(true);
    for (const hidden of ["\u200b", "\u202e", "\u009b", "\u3164", "\u{e0041}"])
      expect(isId(`adm${hidden}in`)).toBe(false);
  });

  it("R238: a value inside a sentence breaks no line and turns no direction", () => {
    const values = [["text", "a\n通过\u202eb\u009b2J"]] as const;
    const { zh, en } = explain({ status: "refused", ruleId: "x.y.limit", values, events: [] }, () => undefined);
    for (const sentence of [zh, en]) {
      expect(sentence).toContain("a\\u000a通过\\u202eb\\u009b2J");
      expect(sentence).not.toMatch(/[\n\u202e\u009b]/);
    }
  });
});

describe("what the page says", () => {
  it("R234: every word stands beside the name that runs", () => {
    expect(page(BASE)).toContain("| 已付 | `state.paid` |");
    expect(page(BASE, "en")).toContain("| clerk | `clerk` |");
    expect(page(BASE, "en")).toContain("| Sell | `sell` |");
  });

  it("R234: accounts are named, and who can make money is said to", () => {
    const source = changed("settings:", 'accounts: ["outside:mint", till]\nsettings:')
      .replace("words:\n", "words:\n  outside:mint: {zh: 现金, en: cash}\n")
      .replace("    do:\n", '    do:\n      - pay: {from: \'"outside:mint"\', to: \'"till"\', amount: "1"}\n')
      .replace("    do:\n", '    do:\n      - pay: {from: \'"till"\', to: \'"outside:mint"\', amount: "1"}\n');
    expect(errors(source)).toEqual([]);
    expect(page(source, "en")).toContain(
      "- cash (`outside:mint`): outside the ledger, may go below zero; what is paid",
    );
    expect(page(source, "en")).toMatch(/^- `till`$/m);
  });

  it("R234: an amount is never said as a time", () => {
    expect(page(BASE, "en")).toContain("≤ 60000 and the present time <");
    expect(page(BASE, "en")).toMatch(/the present time < `at` of the item i \+ 1 minute/);
    expect(page(BASE, "en")).toContain("≤ cap (60000)");
    expect(page(BASE, "en")).toContain("the present time < wait (1 minute)");
  });

  it("R234: rows of an index are said by their table, and counted from one", () => {
    expect(page(BASE, "en")).toContain("The number of item mine > 1 and `price` of item 1 of item mine < 3");
    expect(page(BASE, "en")).toContain("for each A of item mine: `at` of A < the present time − 1 minute");
    expect(page(BASE)).toContain("货品 mine的条数 > 1 且 货品 mine的第 1 项的`price` < 3");
  });

  it.each([
    ["<!-- hides what follows", "\\<!-- hides"],
    ["<img src=x>", "\\<img src=x>"],
    ["![picture](http://a.example/b)", "!\\[picture\\](http"],
    ["**bold** \\\\ end", "\\*\\*bold\\*\\*"],
    ["~~gone~~", "\\~\\~gone\\~\\~"],
    ["`x` || 1 == 1", "'x' \\|\\| 1"],
    ["one\\n\\n# Approved by everybody", "one # Approved"],
  ])("R234: %j of an author is text", (text, shown) => {
    const source = changed("zh: 出售, en: Sell", `zh: "${text}", en: "${text}"`);
    expect(errors(source)).toEqual([]);
    expect(page(source, "en")).toContain(shown);
    expect(page(source, "en")).not.toMatch(/^# Approved/m);
  });

  it("R234: text at the beginning of a line is no heading and no list", () => {
    const blocks: readonly Block[] = [
      { kind: "paragraph", text: "# A" },
      { kind: "paragraph", text: "- b" },
    ];
    expect(toMarkdown(blocks)).toBe("\\# A\n\n\\- b\n");
  });
});
