// How the page of a contract says what a programmer writes with marks: timers, amounts, times that were never, variables, hints, claims.
// One small document holds one of each; the pages of the library are asked for what must not stand there.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { toMarkdown } from "../../../src/contracts/blocks.ts";
import { explain } from "../../../src/contracts/explain.ts";
import { renderContract } from "../../../src/contracts/render.ts";
import { SourceSet } from "../../../src/contracts/source-set.ts";
import type { Language } from "../../../src/contracts/words.ts";
import type { Value } from "../../../src/ledger/codec.ts";

const REPAIRS = `
rules: 1
contract: repairs
title: {zh: 维修, en: Repairs}
words:
  tech: {zh: 师傅, en: technician}
  timer: {zh: 定时, en: timer}
  job: {zh: 工单, en: job}
  id: {zh: 工单编号, en: id of the job}
  price: {zh: 价款 (分), en: price (fen)}
  area: {zh: 面积, en: area}
  marks: {zh: 评分, en: marks}
  days: {zh: 间隔 (天), en: interval (days)}
  came: {zh: 到场时间, en: time of arrival}
  late: {zh: 迟到, en: late}
  done: {zh: 修好, en: mended}
  fixed: {zh: 修好 (否即未修好), en: "mended (no: not)"}
  paid: {zh: 已付 (分), en: paid (fen)}
  parts: {zh: 部件, en: parts}
  eligible: {zh: 可用部件, en: parts that fit}
settings:
  price_max: {title: {zh: 价款上限, en: highest price}, type: int(0..9000000), value: 3000000, unit: {zh: 分, en: fen}}
tables:
  job:
    key: {id: text(16)}
    fields: {price: money, area: area, marks: int(0..100), days: int(1..366), came: time, late: bool, done: bool, paid: money, parts: "list(int(0..9), 4)"}
actions:
  mend:
    title: {zh: 修理, en: Mend}
    by: [tech]
    params: {id: text(16), price: money, fixed: bool, marks: job.marks, area: area, parts: job.parts}
    read: {j: "job[p.id]"}
    define:
      eligible: "p.parts.filter(x, x > 2)"
    require:
      - if: j.came == 0 || j.done == (p.price <= settings.price_max)
        else: {zh: "应付 {p.price} 分, 已付 {j.paid} 分, 等了 {p.marks} 分钟", en: "{p.price} fen are due, {j.paid} paid, after {p.marks} minutes"}
      - if: p.marks <= 90
        else: {zh: "评 {p.marks} 分, 面积 {p.area} 平方厘米", en: "{p.marks} points, {p.area} cm2"}
      - if: size(eligible) >= 1 && size(j.id) <= 9 && !(9 in p.parts) && p.parts.all(x, x > 0)
        else: {zh: 没有部件, en: No part}
    do:
      - update: j
        set:
          price: p.price
          area: p.area
          paid: 0
          parts: "[1, 2]"
          came: 'p.fixed ? now : 0'
          late: j.late || now > j.came
      - timer: {key: '"visit/" + p.id', at: now + j.days * 86400000 + 1, run: visit, with: {id: p.id}}
      - timer: {key: '"close/" + p.id', at: now + 86400000, run: close, with: {id: p.id}}
  visit:
    title: {zh: 上门, en: Visit}
    by: [timer]
    params: {id: text(16)}
    read: {j: "job[p.id]"}
    do:
      - timer: {key: '"close/" + p.id', at: now, run: visit_again, with: {id: p.id}}
      - cancel: '"visit/" + p.id'
  visit_again:
    title: {zh: 再次上门, en: Visit again}
    by: [timer]
    params: {id: text(16)}
    read: {j: "job[p.id]"}
    do: [{cancel: '"close/" + p.id'}]
  close:
    title: {zh: 结案, en: Close}
    by: [timer]
    params: {id: text(16)}
    read: {j: "job[p.id]"}
    do: [{update: j, set: {done: "true"}}]
`;

function sound(source: string) {
  const { checked, compiled, document, findings } = new SourceSet([]).check({ path: "a.yaml", source });
  if (checked === undefined || compiled === undefined || document === undefined)
    throw new Error(JSON.stringify(findings));
  return { checked, compiled, document };
}

function page(language: Language, source = REPAIRS): string {
  return toMarkdown(renderContract(sound(source), language).blocks);
}

function refusal(index: number, values: readonly (readonly [string, Value])[]) {
  const { compiled } = sound(REPAIRS);
  const ruleId = `repairs.mend.require[${index}]`;
  return explain({ status: "refused", ruleId, values, events: [] }, () => compiled);
}

describe("pages", () => {
  it("L305: a timer is told by what it is for and what it runs, and by its key only where two kinds run the same", () => {
    expect(page("zh")).toContain("当前时间 + 间隔 (天) 一过, 即由账本自动办理“上门”; 先前为同一工单编号定的时间作废。");
    expect(page("zh")).toContain(
      "定于 当前时间 + 1 天 由账本自动办理“结案”; 先前为同一工单编号定时的“结案”或“再次上门”作废。",
    );
    expect(page("zh")).toContain("取消先前为该工单编号定时的“上门”。");
    expect(page("en")).toContain(
      "As soon as the present time + interval (days) is over the ledger itself does “Visit”",
    );
    expect(page("zh")).toContain("定时中写明: 工单编号");
    const unclear = page("zh", REPAIRS.replace("run: visit_again", "run: visit"));
    expect(unclear).toContain("取消定时 (`visit/`工单编号)。");
  });

  it("L306: the hint for who gives a value stands in the form, and nowhere else", () => {
    expect(page("zh").match(/否即未修好/g)).toHaveLength(2);
    expect(page("zh")).toContain("若 修好 则 当前时间, 否则 空");
    expect(page("en")).toContain("the present time if mended, otherwise empty");
  });

  it("L307: a time beside 0 was noted or was not", () => {
    expect(page("zh")).toContain("到场时间为空 或");
    expect(page("en")).toContain("ime of arrival is empty or");
  });

  it("L308: what is taken over as given stands in one line, and what stays true is told as the condition that makes it so", () => {
    expect(page("zh")).toContain("照上列内容改写: 价款 (分)、面积");
    expect(page("zh")).toContain("若 当前时间 > 到场时间: 迟到改为是");
    expect(page("zh")).toContain("改为零或空: 已付 (分)");
    expect(page("en")).toContain("nothing any more: paid (fen)");
    expect(page("zh")).toContain("部件改为1、2");
    expect(page("en")).toContain("if the present time > time of arrival: late becomes yes");
  });

  it("L309: a claim that is compared stands in brackets inside another", () => {
    expect(page("zh")).toContain(
      "到场时间为空 或 ((修好) 与 (价款 (分) ≤ 价款上限 (30,000.00 元)) 同时成立或同时不成立)",
    );
  });

  it("L310: amounts and areas of a refusal are yuan and square metres, minutes and points what they are", () => {
    const due = refusal(0, [
      ["p.price", 123_456],
      ["j.paid", 7],
      ["p.marks", 5],
    ]);
    expect(due).toEqual({
      zh: "应付 1,234.56 元, 已付 0.07 元, 等了 5 分钟",
      en: "1,234.56 yuan are due, 0.07 yuan paid, after 5 minutes",
    });
    const points = refusal(1, [
      ["p.marks", 95],
      ["p.area", 893_700],
    ]);
    expect(points).toEqual({ zh: "评 95 分, 面积 89.37 平方米", en: "95 points, 89.37 m²" });
    expect(refusal(1, [["p.area", 12_345_678_901]]).en).toContain("1,234,567.8901 m²");
    expect(page("zh")).toContain("应付 〔价款〕 元");
    expect(page("zh")).toContain("评 〔评分〕 分, 面积 〔面积〕 平方米");
    expect(page("en")).toContain("〔price〕 yuan are due");
  });

  it("L311: items of a list are called by letters, and lengths by what they are counted in", () => {
    expect(page("zh")).toContain("可用部件: 部件中符合条件的各项 (甲: 甲 > 2)");
    expect(page("zh")).toContain(
      "可用部件的项数 ≥ 1 且 工单编号的字数 ≤ 9 且 部件 中没有 9 且 (部件的每一项 (甲) 都符合: 甲 > 0)",
    );
    expect(page("zh")).toContain("甲、乙: 依次代指所列各项中的任意一项。");
    expect(page("en")).toContain("for each A of parts: A > 0");
  });

  it("L313: who acts is told people first, and a role as one that the person acting has", () => {
    const twofold = REPAIRS.replace("by: [timer]", "by: [timer, tech]").replace(
      "j.late || now > j.came",
      "('timer' in caller.roles || 'tech' in caller.roles)",
    );
    expect(page("zh", twofold)).toContain("由师傅办理, 或到期由账本自动办理。");
    expect(page("zh", twofold)).toContain("| 上门 | 师傅或账本到期自动 |");
    expect(page("en", twofold)).toContain("Done by technician, or by the ledger itself when it is due.");
    expect(page("zh", twofold)).toContain("由账本自动办理 (时间已到) 或 办理人有“师傅”身份");
    expect(page("en", twofold)).toContain("the person acting has the role “technician”");
  });

  it("L314: what is set to a claim is yes where the claim holds, and a claim that does not hold stands in quotes", () => {
    const claimed = REPAIRS.replace("done: bool,", "done: bool, dear: bool,")
      .replace("late: j.late || now > j.came", "late: now > j.came\n          dear: '!many'")
      .replace('eligible: "p', 'many: p.price > 5\n      eligible: "p')
      .replace("  parts: {zh", "  many: {zh: 价高, en: dear}\n  dear: {zh: 价高标记, en: mark}\n  parts: {zh")
      .replace("size(j.id) <= 9", "!many");
    expect(page("zh", claimed)).toContain("迟到改为: 若 当前时间 > 到场时间 则 是, 否则 否");
    expect(page("zh", claimed)).toContain("价高标记改为: 若 价高 则 否, 否则 是");
    expect(page("en", claimed)).toContain("mark becomes no if dear, otherwise yes");
    expect(page("zh", claimed)).toContain("“价高”不成立");
    const other = REPAIRS.replace("size(j.id) <= 9", '!p.id.contains(":")');
    expect(page("zh", other)).toContain("工单编号 不含 “:”");
    expect(page("en", other)).toContain("id of the job does not contain “:”");
  });

  it("L315: an account is told by its word and whose it is, the fixed parts of another text to the letter", () => {
    const paying = REPAIRS.replace("tables:", 'accounts: ["purse:", "till:"]\ntables:')
      .replace("  tech:", '  "purse:": {zh: "钱包:", en: "purse of"}\n  "till:": {zh: "专户:", en: "till of"}\n  tech:')
      .replace(
        "      - update: j\n        set:\n          price",
        '      - pay: {from: \'"purse:" + p.id\', to: \'"till:" + p.id + "/" + caller.id\', amount: p.price}\n      - pay: {from: \'"till:" + p.id\', to: \'"purse:" + p.id\', amount: p.price}\n$&',
      );
    expect(page("zh", paying)).toContain(
      "从 钱包 (工单编号) 支付 价款 (分) 到 专户 (工单编号、办理人); 余额不足则拒绝。",
    );
    expect(page("en", paying)).toContain("from purse of id of the job to till of id of the job and the person acting;");
    expect(page("zh", paying)).toContain("- 钱包 (`purse:`)");
    const written = paying.replace("'\"purse:\" + p.id'", "'\"purse:\" + p.id + string(p.price)'");
    expect(page("zh", written)).toContain("从 钱包 `purse:`工单编号价款 (分) 支付");
    expect(page("zh", written)).toContain("- `…`: 合约中一字不改的文字");
  });

  it("L316: a fixed part of a key is told with the name of its column, one that hangs on a condition in brackets", () => {
    const keyed = REPAIRS.replace(
      "  job:\n    key: {id: text(16)}",
      "  job:\n    index: {by_late: [late]}\n    key: {id: text(16)}",
    ).replace(
      '{j: "job[p.id]"}\n    define',
      '{j: "job[p.id]", "other?": "job[p.fixed ? p.id : \'x\']", "all": {all: "job.by_late[true]", max: 5}}\n    define',
    );
    expect(page("zh", keyed)).toContain("按迟到 (是); 全部, 至多 5 条");
    expect(page("zh", keyed)).toContain("按(若 修好 则 工单编号, 否则 “x”); 可以没有");
  });

  it("L317: values of which one would be taken for two stand in quotes, and so does the state that all begin with", () => {
    const stated = REPAIRS.replace("done: bool,", 'done: bool, step: "enum(open,shut)",')
      .replace(
        "  parts: {zh",
        '  step: {zh: 阶段, en: step}\n  open: {zh: "开放, 待办", en: "open, to do"}\n  shut: {zh: 关闭, en: shut}\n  parts: {zh',
      )
      .replace("actions:", "    flow: {step: {open: [open, shut]}}\nactions:");
    expect(page("zh", stated)).toContain("| 阶段 | 下列之一: “开放, 待办”或“关闭” |");
    expect(page("zh", stated)).toContain("阶段从“开放, 待办”开始, 只能这样变动:");
    expect(page("zh", stated)).toContain("| 开放, 待办 | “开放, 待办”或“关闭” |");
    expect(page("en", stated)).toContain("The step begins as “open, to do” and moves only so:");
  });

  it("L318: where a document has one series of timers only, what is void is told without its titles", () => {
    const single = REPAIRS.replaceAll('"visit/"', '"close/"');
    expect(page("zh", single)).toContain("由账本自动办理“结案”; 先前为同一工单编号定的时间作废。");
    expect(page("zh", single)).toContain("取消先前为该工单编号定的时间。");
    expect(page("en", single)).toContain("A time set before (id of the job) is cancelled.");
  });

  it("L319: English has one article before a row, and no plural after one", () => {
    const titled = REPAIRS.replace(
      "  tech:",
      "  mend.old: {zh: 旧单, en: the oldest job}\n  mend.j: {zh: 工单, en: job}\n  tech:",
    )
      .replace('{j: "job[p.id]"}\n    define', '{j: "job[p.id]", "old?": "job[p.id + \'x\']"}\n    define')
      .replace("size(j.id) <= 9", "old != null && old.late && settings.months < 2")
      .replace(
        "tables:",
        "  months: {title: {zh: 月数, en: term}, type: int(1..9), value: 1, unit: {zh: 个月, en: months}}\ntables:",
      );
    expect(page("en", titled)).toContain("the oldest job exists and late of the oldest job");
    expect(page("en", titled)).toContain("| term | 1 month |");
    expect(page("en", titled.replace("old != null && old", "old == null || old"))).toContain(
      "the oldest job does not exist",
    );
    expect(page("en", titled)).toContain("The job is changed:");
  });

  const LIBRARY = new URL("../../../src/contracts/library/", import.meta.url);
  const files = readdirSync(LIBRARY)
    .filter((name) => name.endsWith(".yaml") && !name.endsWith(".test.yaml"))
    .map((path) => ({ path, source: readFileSync(new URL(path, LIBRARY), "utf8") }));
  const library = new SourceSet(files);
  it.each(files)(
    "L312: no refusal of $path tells fen or square centimetres, and no timer a name of the programme",
    (file) => {
      const { checked, document } = library.check(file);
      if (checked === undefined || document === undefined) throw new Error(`${file.path} has findings`);
      for (const [language, small] of [
        ["zh", /〕 ?(?:分(?!钟)|平方厘米)/],
        ["en", /〕 ?(?:fen|cm2)/],
      ] as const) {
        const text = toMarkdown(renderContract({ checked, document }, language).blocks);
        expect(text).not.toMatch(small);
        expect(text).not.toMatch(/取消定时|同一编号 \(|timer of the same name|The timer \(/);
      }
    },
  );
});
