// What the functions of the language say in words.
// It is given what the arguments say already, and knows nothing of expressions.

import type { Words } from "./words.ts";

export interface SaidArgument {
  readonly inside: string;
  /** in brackets where it could be read otherwise */
  readonly tight: string;
}

/** A phrase needs brackets inside anything else. */
export function callInWords(
  name: string,
  args: readonly SaidArgument[],
  { words, rounding }: { readonly words: Words; readonly rounding: string },
): { readonly text: string; readonly isPhrase: boolean } {
  const [first = "", second = "", third = ""] = args.map(({ tight }) => tight);
  const only = args[0]?.inside ?? "";
  const leaf = (zh: string, en: string) => ({ text: words.say(zh, en), isPhrase: false });
  const phrase = (zh: string, en: string) => ({ text: words.say(zh, en), isPhrase: true });
  switch (name) {
    case "size":
      return leaf(`${only} 的长度`, `the length of ${only}`);
    case "string":
    case "int":
    case "bytes":
      return leaf(first, first);
    case "sha256":
      return leaf(`${only} 的 SHA-256 摘要`, `the SHA-256 of ${only}`);
    case "opens":
      return phrase(
        `${first} 是以 ${third} 为盐封存的 ${second}`,
        `${first} is ${second} sealed with the salt ${third}`,
      );
    case "mulDiv": {
      const how = roundingInWords(rounding, words);
      return leaf(`${first} × ${second} ÷ ${third} (${how})`, `${first} × ${second} ÷ ${third} (${how})`);
    }
    case "split":
      return leaf(`${first} 按 ${second} 分配`, `${first} divided by the weights ${second}`);
    case "sum":
      return leaf(`${first} 之和`, `the sum of ${first}`);
    case "startsWith":
      return phrase(`${first} 以 ${second} 开头`, `${first} begins with ${second}`);
    case "endsWith":
      return phrase(`${first} 以 ${second} 结尾`, `${first} ends with ${second}`);
    case "contains":
      return phrase(`${first} 含有 ${second}`, `${first} contains ${second}`);
    case "addMonths":
      return leaf(`${first} 之后 ${second} 个月`, `${second} months after ${first}`);
    default: {
      const list = args.map(({ inside }) => inside).join(", ");
      return leaf(`${calendarInWords(name, words)}(${list})`, `${calendarInWords(name, words)}(${list})`);
    }
  }
}

function roundingInWords(rounding: string, words: Words): string {
  switch (rounding) {
    case "down":
      return words.say("舍去零头", "rounded down");
    case "up":
      return words.say("零头进一", "rounded up");
    case "half_up":
      return words.say("四舍五入", "rounded half up");
    case "half_even":
      return words.say("四舍六入五取偶", "rounded half to even");
    default:
      return rounding;
  }
}

const CALENDAR: ReadonlyMap<string, readonly [zh: string, en: string]> = new Map([
  ["year", ["年份", "year"]],
  ["month", ["月份", "month"]],
  ["day", ["日", "day"]],
  ["hour", ["时", "hour"]],
  ["weekday", ["星期", "weekday"]],
  ["dayNumber", ["日序", "day number"]],
  ["startOfDay", ["当日零时", "start of the day"]],
  ["startOfMonth", ["当月首日", "start of the month"]],
]);

function calendarInWords(name: string, words: Words): string {
  const [zh, en] = CALENDAR.get(name) ?? [`\`${name}\``, `\`${name}\``];
  return words.say(zh, en);
}
