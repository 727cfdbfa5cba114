// The words of the summary: how a tally follows from the law, amounts of money, headings. Chinese with English beside it.
// Decides nothing: it is given figures and verdicts.

import { type ExpectedTally, grouped, type Inequality } from "./expected.ts";

const RULES: Readonly<Record<Inequality["name"], readonly [zh: string, en: string]>> = {
  quorum_area: ["参与表决的面积占三分之二以上", "two thirds of the area take part"],
  quorum_heads: ["参与表决的人数占三分之二以上", "two thirds of the heads take part"],
  consent_area: ["同意面积过参与面积的半数", "more than half of that area consents"],
  consent_heads: ["同意人数过参与人数的半数", "more than half of those heads consent"],
};

/** One thing that was checked, and what is shown of it. */
export interface Finding {
  readonly ok: boolean;
  readonly lines: readonly string[];
}

export function heading(ok: boolean, zh: string, en: string): string {
  return `${ok ? "✓" : "✗"} ${zh} · ${en}`;
}

export function verdictOf(ok: boolean): string {
  return ok
    ? "\n全部核对无误 · Everything checked, nothing differs"
    : "\n核对不符, 见上方带 ✗ 的各项 · Something differs: see what is marked with ✗ above";
}

/** 1234567 as ¥12,345.67. */
export function yuan(fen: number): string {
  const size = Math.abs(fen);
  return `${fen < 0 ? "-" : ""}¥${grouped(Math.floor(size / 100))}.${String(size % 100).padStart(2, "0")}`;
}

/** 6687 of 10,000 as 66.87. */
export function percent(basisPoints: number): string {
  return `${Math.floor(basisPoints / 100)}.${String(basisPoints % 100).padStart(2, "0")}`;
}

/** Where a row is not as wanted: what it says, and what it should. */
export function differences(
  what: string,
  row: Readonly<Record<string, unknown>>,
  wanted: Readonly<Record<string, unknown>>,
): readonly string[] {
  return Object.entries(wanted)
    .filter(([name, value]) => row[name] !== value)
    .map(([name, value]) => `${what} ${name}: 账本 ledger ${String(row[name])}, 应为 expected ${String(value)}`);
}

/** The tally and each inequality of Civil Code art. 278 (2) with its numbers. */
export function tallyLines(tally: ExpectedTally, inequalities: readonly Inequality[]): readonly string[] {
  const { cast, consenting, against } = tally;
  const abstaining = cast.heads - consenting.heads - against.heads;
  return [
    "  事项: 使用维修资金, 民法典第278条第一款第(五)项, 一般事项 · Matter: use of the maintenance fund, Civil Code 278 (1)(5), general",
    `  参与 cast ${grouped(cast.heads)} 人 heads; 同意 for ${consenting.heads}, 反对 against ${against.heads}, 弃权 abstain ${abstaining} (弃权计入参与, 不计同意 · counts as taking part, not as consent)`,
    ...inequalities.map(({ name, text, holds }) => {
      const [zh, en] = RULES[name];
      return `  ${holds ? "✓" : "✗"} ${text.padEnd(42)} ${zh} · ${en}`;
    }),
    inequalities.every(({ holds }) => holds)
      ? "  结果: 通过 · Result: carried"
      : "  结果: 未通过 · Result: not carried",
  ];
}
