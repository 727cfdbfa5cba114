// What the functions of the language say in words.
// It is given what the arguments say already, and knows nothing of expressions.

import { unreachable } from "../assert.ts";
import type { BinaryOperator, Expression, MacroName } from "./expression.ts";
import type { LengthUnit } from "./names-in-sight.ts";
import { TIMER_ROLE } from "./system.ts";
import { type Words, withArticle } from "./words.ts";

export interface SaidArgument {
  readonly inside: string;
  /** in brackets where it could be read otherwise */
  readonly tight: string;
  /** whether it ends in the unit that the function would name */
  readonly isUnitSaid: boolean;
}

/** A phrase needs brackets inside anything else, a product as "a × b" does. */
export function callInWords(
  name: string,
  args: readonly SaidArgument[],
  { words, rounding }: { readonly words: Words; readonly rounding: string },
): { readonly text: string; readonly kind: "leaf" | "product" | "phrase" } {
  const [first = "", second = "", third = ""] = args.map(({ tight }) => tight);
  const leaf = (zh: string, en: string) => ({ text: words.say(zh, en), kind: "leaf" }) as const;
  const product = (text: string) => ({ text, kind: "product" }) as const;
  const phrase = (zh: string, en: string) => ({ text: words.say(zh, en), kind: "phrase" }) as const;
  switch (name) {
    case "string":
    case "int":
    case "bytes":
      return leaf(first, first);
    case "sha256":
      return leaf(`${first}的 SHA-256 摘要`, `the SHA-256 of ${first}`);
    case "opens":
      return phrase(
        `${first}是${second}与随机数${third}合算的封存摘要`,
        `${first} is ${second} sealed with the salt ${third}`,
      );
    case "mulDiv": {
      const how = roundingInWords(rounding, words);
      return product(`${first} × ${second} ÷ ${third} (${how})`);
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
      // A setting that counts months has said so.
      return args[1]?.isUnitSaid === true
        ? phrase(`${first} 之后 ${second}`, `${second} after ${first}`)
        : phrase(`${first} 之后 ${second} 个月`, `${second} month${second === "1" ? "" : "s"} after ${first}`);
    default: {
      const part = calendarInWords(name, words);
      return leaf(`${first}的${part}`, `${part} of ${first}`);
    }
  }
}

/** "不含" for a claim about a text that must not hold; undefined for what has no such words. */
export function negatedInWords(name: string, [first = "", second = ""]: readonly string[], words: Words) {
  if (name === "contains") return words.say(`${first} 不含 ${second}`, `${first} does not contain ${second}`);
  if (name === "startsWith") return words.say(`${first} 不以 ${second} 开头`, `${first} does not begin with ${second}`);
  if (name === "endsWith") return words.say(`${first} 不以 ${second} 结尾`, `${first} does not end with ${second}`);
  return undefined;
}

/** "has been given" for a length above 0, "is 32 bytes long" otherwise. @param said.sign undefined: no comparison */
export function lengthInWords(
  text: string,
  { sign, value, unit }: { readonly sign: string | undefined; readonly value: bigint; readonly unit: LengthUnit },
  words: Words,
): string | undefined {
  if (sign === ">" && value === 0n) return words.say(`${text}已填写`, `${text} is given`);
  if (sign === "=" && value === 0n) return words.say(`${text}为空`, `${text} is empty`);
  if (sign === undefined) return undefined;
  return unit === "bytes"
    ? words.say(`${text}的长度 ${sign} ${value} 字节`, `the length of ${text} ${sign} ${value} bytes`)
    : `${sizeInWords(text, unit, words)} ${sign} ${value}`;
}

/** @param unit undefined: nothing says what it is, bytes are always true */
export function sizeInWords(text: string, unit: LengthUnit | undefined, words: Words): string {
  switch (unit) {
    case "items":
      return words.say(`${text}的项数`, `the number of items of ${text}`);
    case "characters":
      return words.say(`${text}的字数`, `the number of characters of ${text}`);
    case "bytes":
    case undefined:
      return words.say(`${text}的字节数`, `the number of bytes of ${text}`);
    default:
      return unreachable(unit);
  }
}

/** A time beside 0: it was noted or it was not. */
export function notedInWords(text: string, operator: BinaryOperator, words: Words): string | undefined {
  if (operator === "==") return words.say(`${text}为空`, `${text} is empty`);
  if (operator === ">" || operator === "!=") return words.say(`${text}不为空`, `${text} is not empty`);
  return undefined;
}

/** "0 至 15" for the numbers that a document counts through. */
export function countedInWords(range: Expression, words: Words): string | undefined {
  if (range.kind !== "list" || range.items.length < 3) return undefined;
  const numbers = range.items.flatMap((item) => (item.kind === "int" ? [item.value] : []));
  const [first = 0n] = numbers;
  const isRun = range.items.length === numbers.length && numbers.every((one, at) => one === first + BigInt(at));
  const last = numbers[numbers.length - 1];
  return isRun ? words.say(`${first} 至 ${last} 各数`, `the numbers ${first} to ${last}`) : undefined;
}

export function callerInWords(field: string, words: Words): string {
  if (field === "id") return words.say("办理人", "the person acting");
  if (field === "org") return words.say("办理人所属机构", "the organisation of the person acting");
  if (field === "contract") return words.say("发起办理的合约", "the contract that calls");
  return words.say("办理人的身份", "the roles of the person acting");
}

export function existenceInWords(name: string, { isThere }: { readonly isThere: boolean }, words: Words): string {
  if (isThere) return words.say(`${name}存在`, `${withArticle(name)} exists`);
  return words.say(`${name}不存在`, withArticle(name) === name ? `${name} does not exist` : `there is no ${name}`);
}

/** @param options.isListed whether the items stand there one by one */
export function membershipInWords(
  item: string,
  all: string,
  { isIn, isListed }: { readonly isIn: boolean; readonly isListed: boolean },
  words: Words,
): string {
  if (isListed)
    return isIn
      ? words.say(`${item}是${all}`, `${item} is ${all}`)
      : words.say(`${item}不是${all}`, `${item} is neither of ${all}`);
  return isIn
    ? words.say(`${all} 中有 ${item}`, `${item} is among ${all}`)
    : words.say(`${all} 中没有 ${item}`, `${item} is not among ${all}`);
}

/** Who acts, by a role; the ledger itself is no person. */
export function roleInWords(role: string, { isIn }: { readonly isIn: boolean }, words: Words): string {
  if (role === TIMER_ROLE)
    return isIn
      ? words.say("由账本自动办理 (时间已到)", "the ledger itself acts because it is due")
      : words.say("不是由账本自动办理", "it is not the ledger itself that acts");
  const name = words.quoted(words.role(role));
  return isIn
    ? words.say(`办理人有${name}身份`, `the person acting has the role ${name}`)
    : words.say(`办理人没有${name}身份`, `the person acting does not have the role ${name}`);
}

/** "every one of a list" and its like. @param said.filter "" for none */
export function macroInWords(
  macro: MacroName,
  { range, variable, body, filter }: Readonly<Record<"range" | "variable" | "body" | "filter", string>>,
  words: Words,
): string {
  switch (macro) {
    case "all":
      return words.say(`${range}的每一项 (${variable}) 都符合: ${body}`, `for each ${variable} of ${range}: ${body}`);
    case "exists":
      return words.say(`${range}中有一项 (${variable}) 符合: ${body}`, `for some ${variable} of ${range}: ${body}`);
    case "exists_one":
      return words.say(
        `${range}中恰有一项 (${variable}) 符合: ${body}`,
        `for exactly one ${variable} of ${range}: ${body}`,
      );
    case "filter":
      return words.say(`${range}中符合条件的各项 (${variable}: ${body})`, `those ${variable} of ${range} with ${body}`);
    case "map":
      return words.say(
        `${range}的各项 (${variable}${filter === "" ? "" : `, 须 ${filter}`}) 依次得出: ${body}`,
        `${body} for each ${variable} of ${range}${filter === "" ? "" : ` with ${filter}`}`,
      );
    default:
      return unreachable(macro);
  }
}

/** @param isClaim whether the second is a statement that holds or not, not a value */
export function sameInWords(
  first: string,
  second: string,
  { isClaim }: { readonly isClaim: boolean },
  words: Words,
): string {
  if (!isClaim) return words.say(`${first}是${second}`, `${first} is ${second}`);
  return words.say(`(${first}) 与 ${second} 同时成立或同时不成立`, `either both ${first} and ${second}, or neither`);
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
  ["hour", ["钟点", "hour"]],
  ["weekday", ["星期几", "weekday"]],
  ["dayNumber", ["日期序号", "day number"]],
  ["startOfDay", ["当日零时", "start of the day"]],
  ["startOfMonth", ["当月首日", "start of the month"]],
]);

function calendarInWords(name: string, words: Words): string {
  const [zh, en] = CALENDAR.get(name) ?? [`\`${name}\``, `\`${name}\``];
  return words.say(zh, en);
}
