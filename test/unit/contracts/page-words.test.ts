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
