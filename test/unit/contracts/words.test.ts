// Documents in words: the library has a word for every name, expressions keep their structure, differences are told as sentences.
// The golden page stands beside this file; vitest -u writes it anew, and somebody reads it.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { toHtml, toMarkdown } from "../../../src/contracts/blocks.ts";
import { diffContracts } from "../../../src/contracts/diff.ts";
import { parseExpression } from "../../../src/contracts/expression.ts";
import { ExpressionWords } from "../../../src/contracts/expression-words.ts";
import { renderContract } from "../../../src/contracts/render.ts";
import { type CheckedFile, SourceSet } from "../../../src/contracts/source-set.ts";
import { termsIn } from "../../../src/contracts/terms.ts";
import { LANGUAGES, type Language, Words } from "../../../src/contracts/words.ts";
import { document } from "./support.ts";

const LIBRARY = new URL("../../../src/contracts/library/", import.meta.url);
const files = readdirSync(LIBRARY)
  .filter((name) => name.endsWith(".yaml") && !name.endsWith(".test.yaml"))
  .map((path) => ({ path, source: readFileSync(new URL(path, LIBRARY), "utf8") }));

function sound({ checked, compiled, document: parsed, findings }: CheckedFile) {
  if (checked === undefined || compiled === undefined || parsed === undefined)
    throw new Error(JSON.stringify(findings));
  return { checked, compiled, document: parsed };
}

function alone(source: string) {
  const file = { path: "a.yaml", source };
  return sound(new SourceSet([file]).check(file));
}

/** What officials write in Latin letters themselves: standards, grades, and the name of the digest, which every page explains. */
const FOREIGN_TERMS = /SHA-256|GB\/T|TSG T|\b(?:AAA|AA|A|B|C)\b/g;
/** "(1 个月) 个月", "(fen)〕 fen", "(30 天)天" */
const TWICE = /[^\n]{0,30}\((?:\d+ )?([^\s()0-9]{1,10})\)〕? ?\1(?![^\s()〕,;。.]).{0,10}/g;

const CANTEEN = document("canteen.yaml");

function said(expression: string, language: Language, action = "order"): string {
  const source = alone(CANTEEN);
  const words = new Words(source.document, language);
  const around = { action: words.actionNamed(action), table: undefined, numbers: true };
  return new ExpressionWords(words, around).expression(parseExpression(expression));
}

describe("words", () => {
  const library = new SourceSet(files);
  it.each(files)("R188: every name of $path has a word in both languages, and no code is left in the page", (file) => {
    for (const language of LANGUAGES) {
      const { blocks, missing } = renderContract(sound(library.check(file)), language);
      expect(missing).toEqual([]);
      const page = toMarkdown(blocks);
      expect(page).not.toMatch(/undefined|\[object|&&|\|\||==|86400000/);
      expect(page, "an item without its value").not.toMatch(/: +$/m);
      expect(toHtml(blocks, { title: file.path })).toContain("</html>");
    }
  });

  it.each(files)("L286: the Chinese page of $path speaks no other language outside names of the programme", (file) => {
    const page = toMarkdown(renderContract(sound(library.check(file)), "zh").blocks);
    const said = page
      .split("\n")
      .filter((line) => !/^\|.*`/.test(line))
      .join("\n")
      .replaceAll(/`[^`\n]*`/g, "")
      .replaceAll(FOREIGN_TERMS, "");
    expect(said.match(/.{0,20}[A-Za-z].{0,20}/g) ?? []).toEqual([]);
  });

  it.each(files)("L287: no unit stands twice behind one number of $path", (file) => {
    for (const language of LANGUAGES) {
      const page = toMarkdown(renderContract(sound(library.check(file)), language).blocks);
      expect(page.match(TWICE) ?? []).toEqual([]);
    }
  });

  it.each(files)("L288: every number of $path says what it rests on", ({ path, source }) => {
    const { document: parsed } = sound(library.check({ path, source }));
    expect(parsed.settings.filter(({ law }) => law === undefined).map(({ name }) => name.text)).toEqual([]);
  });

  it("L289: a page explains each term of the ledger that it uses, and no other", () => {
    const words = new Words(alone(CANTEEN).document, "zh");
    const explained = (text: string) => toMarkdown(termsIn([{ kind: "paragraph", text }], words));
    expect(explained("协议的 SHA-256 摘要")).toContain("SHA-256 摘要: 由文件内容算出");
    expect(explained("协议的 SHA-256 摘要")).not.toContain("会签人");
    expect(explained("协议")).toBe(toMarkdown([]));
    for (const file of files) {
      const page = toMarkdown(renderContract(sound(library.check(file)), "zh").blocks);
      expect(page.includes("SHA-256 摘要: 由文件内容算出")).toBe(/SHA-256/.test(page.replace(/SHA-256 摘要: .*/, "")));
    }
  });

  it("R188: the page of one contract, word for word", async () => {
    const blocks = LANGUAGES.flatMap((language) => renderContract(alone(CANTEEN), language).blocks);
    await expect(toMarkdown(blocks)).toMatchFileSnapshot("golden/canteen.md");
  });

  it.each([
    ["m.left * 2 > m.portions", "剩余份数 × 2 > 总份数", "portions left × 2 > portions"],
    ["m.left == m.portions / 3", "剩余份数 = 总份数 ÷ 3 (舍去零头)", "portions left = portions ÷ 3 (rounded down)"],
    [
      'm.left == mulDiv(m.portions, 2, 3, "down")',
      "剩余份数 = 总份数 × 2 ÷ 3 (舍去零头)",
      "portions left = portions × 2 ÷ 3 (rounded down)",
    ],
    ["(m.left + 1) * 2 == 4", "(剩余份数 + 1) × 2 = 4", "(portions left + 1) × 2 = 4"],
    ["m.left - (m.portions - 1) >= 0", "剩余份数 − (总份数 − 1) ≥ 0", "portions left − (portions − 1) ≥ 0"],
    [
      'm.state == "open" && now < m.closes',
      "状态是“开放” 且 当前时间 < 截止时间",
      "state is “open” and the present time < closing time",
    ],
    [
      "!(m.left > 0 || p.count == 1)",
      "(剩余份数 > 0 或 份数 = 1)不成立",
      "it is not so that (portions left > 0 or number of portions = 1)",
    ],
    ["old == null", "订单不存在", "there is no order"],
    ['m.state in ["open", "closed"]', "状态是“开放”或“已截止”", "state is “open” or “closed”"],
    [
      "p.count <= settings.portions_max",
      "份数 ≤ 每单份数上限 (5 份)",
      "number of portions ≤ most portions of one order (5 portions)",
    ],
    ["now + 3 * 3600000", "当前时间 + 3 × 1 小时", "the present time + 3 × 1 hour"],
    ['mulDiv(m.left, 2, 3, "half_up")', "剩余份数 × 2 ÷ 3 (四舍五入)", "portions left × 2 ÷ 3 (rounded half up)"],
    ["[1, 2].all(x, x > m.left)", "1或2的每一项 (甲) 都符合: 甲 > 剩余份数", "for each A of 1 or 2: A > portions left"],
    [
      "m.left > 1 && m.left < 3 || m.left == 9",
      "(剩余份数 > 1 且 剩余份数 < 3) 或 剩余份数 = 9",
      "(portions left > 1 and portions left < 3) or portions left = 9",
    ],
    [
      'm.left == 0 == (m.state == "closed")',
      "(剩余份数 = 0) 与 (状态是“已截止”) 同时成立或同时不成立",
      "either both portions left = 0 and (state is “closed”), or neither",
    ],
    ['!(m.state in ["open", "closed"])', "状态不是“开放”或“已截止”", "state is neither of “open” or “closed”"],
    [
      'm.left - mulDiv(m.left, 1, mulDiv(m.portions, 1, 2, "up"), "down") > 0',
      "剩余份数 − 剩余份数 × 1 ÷ (总份数 × 1 ÷ 2 (零头进一)) (舍去零头) > 0",
      "portions left − portions left × 1 ÷ (portions × 1 ÷ 2 (rounded up)) (rounded down) > 0",
    ],
    [
      "size(p.meal) > 0 && size(p.meal) <= 8",
      "餐次编号已填写 且 餐次编号的字数 ≤ 8",
      "id of the meal is given and the number of characters of id of the meal ≤ 8",
    ],
    [
      "year(now) * 100 + month(addMonths(now, 1))",
      "当前时间的年份 × 100 + (当前时间 之后 1 个月)的月份",
      "year of the present time × 100 + month of (1 month after the present time)",
    ],
    ["m.left > 0 ? 1 : 0", "若 剩余份数 > 0 则 1, 否则 0", "1 if portions left > 0, otherwise 0"],
  ])("R188: %s", (expression, zh, en) => {
    expect([said(expression, "zh"), said(expression, "en")]).toEqual([zh, en]);
  });

  it("R189: an upgrade is told as roles, conditions, numbers, records and moves, and whether it would be accepted", () => {
    const changed = CANTEEN.replace("by: [resident]", "by: [resident, guest]")
      .replace("value: 5", "value: 8")
      .replace("if: m.left >= p.count", "if: m.left > p.count")
      .replace("closed: [billed]", "closed: [billed, open]")
      .replace(
        'enum(open,closed,billed)"\n',
        'enum(open,closed,billed)"\n      note: {type: text(20), default: \'""\'}\n',
      )
      .replace("      - if: old == null\n        else: {zh: 您已订餐, en: You have ordered already}\n", "");
    const sides = { before: alone(CANTEEN), after: alone(changed) };
    const { blocks, isAccepted } = diffContracts(sides, "zh");
    expect(isAccepted).toBe(true);
    const page = toMarkdown(blocks);
    for (const sentence of [
      "每单份数上限: 由 5 份 改为 8 份",
      "现在也由`guest`办理。",
      "条件由“剩余份数 ≥ 份数”改为“剩余份数 > 份数”",
      "取消条件: 订单不存在",
      "状态变动, 新增: “已截止”可变为“开放”",
      "新增内容: `note` (文字, 至多 20 字节)",
    ])
      expect(page).toContain(sentence);
    expect(toMarkdown(diffContracts(sides, "en").blocks)).toContain(
      "most portions of one order: from 5 portions to 8 portions",
    );
    expect(toMarkdown(diffContracts({ before: sides.before, after: sides.before }, "zh").blocks)).toContain(
      "没有任何变化",
    );
  });

  it("R189: an upgrade that the ledger would refuse is told so, with the reason", () => {
    const changed = CANTEEN.replaceAll("left: count", "left: money");
    const { blocks, isAccepted } = diffContracts({ before: alone(CANTEEN), after: alone(changed) }, "en");
    expect(isAccepted).toBe(false);
    expect(toMarkdown(blocks)).toContain("would be refused");
  });

  it("R188: a word that names nothing is an error with the names there are", () => {
    const wrong = CANTEEN.replace("  meal.left:", "  meal.lefft:");
    const { findings } = new SourceSet([]).check({ path: "a.yaml", source: wrong });
    expect(findings).toContainEqual(
      expect.objectContaining({
        code: "WORD_UNKNOWN",
        severity: "error",
        known: expect.arrayContaining(["meal.left"]),
      }),
    );
  });

  it("R261: days of a setting that are added to a time are said once, other lengths as they are", () => {
    const source = alone(
      CANTEEN.replace(
        "settings:\n",
        "settings:\n  rest: {title: {zh: 间隔, en: rest}, value: 3, unit: {zh: 天, en: days}}\n",
      ),
    );
    const words = new Words(source.document, "zh");
    const around = { action: words.actionNamed("order"), table: undefined, numbers: true };
    const speak = (text: string) => new ExpressionWords(words, around).expression(parseExpression(text));
    expect(speak("now + settings.rest * 86400000")).toBe("当前时间 + 间隔 (3 天)");
    expect(speak("now + settings.rest * 3600000")).toBe("当前时间 + 间隔 (3 天) × 1 小时");
    expect(speak("m.left * settings.rest * 86400000")).toBe("剩余份数 × 间隔 (3 天) × 86400000");
  });

  it("R260: what is given alone, what a key names, an action that is called and the contract that calls have words", () => {
    const { blocks, missing } = renderContract(
      alone(
        `
rules: 1
contract: shop
title: {zh: 店}
words:
  "contract:till": {zh: 收银合约}
  book.enter: {zh: 记账}
  amount: {zh: 金额}
  way: {zh: 方式}
  cash: {zh: 现金}
  card: {zh: 刷卡}
  day: {zh: 当日合计}
  kind: {zh: 类别}
  kind.day: {zh: 按日}
  kind.month: {zh: 按月}
  sum: {zh: 合计}
imports:
  book: {actions: {enter: {amount: int}}}
tables:
  day: {key: {kind: "enum(day,month)"}, fields: {sum: int}}
actions:
  sell:
    title: {zh: 出售}
    by: ["contract:till"]
    params: {way: "enum(cash,card)"}
    read: {d: "day['day']"}
    require: [{if: p.way == "cash" && d.sum == 0, else: {zh: 只收现金}}]
    do: [{call: book.enter, with: {amount: 1}}]
`.replaceAll(/\{zh: ([^}]+)\}/g, "{zh: $1, en: $1}"),
      ),
      "zh",
    );
    const page = toMarkdown(blocks);
    expect(missing).toEqual([]);
    expect(page).toContain("由收银合约办理");
    expect(page).toContain("方式 (下列之一: 现金或刷卡)");
    expect(page).toContain("当日合计 (按“按日”)");
    expect(page).toContain("一并办理“记账” (金额 (1))");
  });

  it("R188: names for people change nothing that runs", () => {
    const bare = parse(CANTEEN) as { [section: string]: { [name: string]: { title?: unknown; law?: unknown } } };
    delete bare.words;
    delete bare.law;
    for (const section of ["actions", "settings", "tables"])
      for (const part of Object.values(bare[section] ?? {})) {
        delete part.title;
        delete part.law;
        if ("unit" in part) delete part.unit;
      }
    const meaning = (source: string) =>
      JSON.stringify(alone(source).checked, (name, value: unknown) => {
        if (name === "at" || name === "end") return undefined;
        return typeof value === "bigint" ? `${value}n` : value instanceof Map ? [...value] : value;
      });
    expect(meaning(stringify(bare))).toBe(meaning(CANTEEN));
  });

  it("R188: texts of authors are no markup", () => {
    const blocks = [{ kind: "paragraph", text: '<script>alert("a")</script> & `m<1`' } as const];
    expect(toHtml(blocks, { title: "<b>" })).toContain(
      "&lt;script&gt;alert(&quot;a&quot;)&lt;/script&gt; &amp; <code>m&lt;1</code>",
    );
    expect(toHtml(blocks, { title: "<b>" })).not.toContain("<b>");
  });
});
