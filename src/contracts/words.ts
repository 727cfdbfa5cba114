// What people call the parts of a contract: its titles and words, in one language, and types and values said plainly.
// A name without a word is shown as it is written and remembered, so that a test can ask for it.

import { inLargeUnit } from "./amounts.ts";
import type { ActionDocument, ContractDocument, Label, SettingDocument } from "./document.ts";
import { ANYONE_ROLE, CONTRACT_ROLE_PREFIX, TIMER_ROLE } from "./system.ts";
import type { Type } from "./types.ts";

export type Language = "zh" | "en";
export const LANGUAGES: readonly Language[] = ["zh", "en"];

const MONTHS = ["个月", "月", "month", "months"];

/** Times that authors write in ms. */
const SPANS: readonly (readonly [ms: bigint, zh: string, en: string])[] = [
  [86_400_000n, "天", "day"],
  [3_600_000n, "小时", "hour"],
  [60_000n, "分钟", "minute"],
];

const TIME_TYPE = "time";
/** English words that are told apart already. */
const ARTICLES = /^(?:the|all|every|this|what|who|whose|own) /;
const NUMBERS = ["int", "count", "money", "area", "time"];

export class Words {
  readonly language: Language;
  /** names that were shown as they are written */
  readonly missing = new Set<string>();
  private readonly document: ContractDocument;
  private readonly labels: ReadonlyMap<string, Label>;

  constructor(document: ContractDocument, language: Language) {
    this.document = document;
    this.language = language;
    this.labels = new Map(document.words.map(({ name, label }) => [name.text, label] as const));
  }

  /** One phrase of both languages. */
  say(zh: string, en: string): string {
    return this.language === "zh" ? zh : en;
  }

  /** The first of these names that has a word; the last one as it is written if none has. */
  of(...names: readonly string[]): string {
    const found = this.find(...names);
    const last = names[names.length - 1] ?? "";
    if (found === undefined) this.missing.add(last);
    return found ?? `\`${last}\``;
  }

  find(...names: readonly string[]): string | undefined {
    const name = names.find((candidate) => this.labels.has(candidate));
    return name === undefined ? undefined : this.label(this.labels.get(name));
  }

  label(label: Label | undefined): string | undefined {
    return label && plainLine(this.say(label.zh, label.en ?? label.zh)).trim();
  }

  table(name: string): string {
    const own = this.document.tables.find((table) => table.name.text === name);
    return this.label(own?.title) ?? this.of(name);
  }

  column(table: string, column: string): string {
    return this.of(`${table}.${column}`, column);
  }

  action(name: string): string {
    const title = this.label(this.actionNamed(name)?.title);
    if (title === undefined) this.missing.add(`action ${name}`);
    return title ?? `\`${name}\``;
  }

  get actions(): readonly ActionDocument[] {
    return this.document.actions;
  }

  actionNamed(name: string): ActionDocument | undefined {
    return this.actions.find((action) => action.name.text === name);
  }

  /** Who acts, as `by` names it. */
  role(name: string): string {
    if (name === TIMER_ROLE) return this.say("账本到期自动", "the ledger itself when it is due");
    if (name === ANYONE_ROLE) return this.say("任何登记账户", "every registered account");
    if (!name.startsWith(CONTRACT_ROLE_PREFIX)) return this.of(name);
    const contract = name.slice(CONTRACT_ROLE_PREFIX.length);
    const word = this.find(name);
    if (word !== undefined) return word;
    return this.say(`合约 \`${contract}\``, `the contract \`${contract}\``);
  }

  settingNamed(name: string): SettingDocument | undefined {
    return this.document.settings.find((setting) => setting.name.text === name);
  }

  setting(name: string): string {
    const title = this.label(this.settingNamed(name)?.title);
    if (title === undefined) this.missing.add(`settings.${name}`);
    return title ?? `\`${name}\``;
  }

  /** A number of the rule pack with its unit, times in the largest span that fits. */
  amount({ value, unit, type }: SettingDocument): string {
    const word = this.label(unit);
    const span = type?.text === "time" ? this.span(value) : undefined;
    if (span !== undefined) return span;
    if (isFen(unit)) return inLargeUnit(value, "fen", this.language);
    if (word === undefined) return String(value);
    return `${value} ${value === 1n && this.language === "en" ? word.replace(/s$/, "") : word}`;
  }

  /** 86400000 as "1 day"; undefined for what is no whole span of time. */
  span(ms: bigint): string | undefined {
    const found = SPANS.find(([length]) => ms >= length && ms % length === 0n);
    if (found === undefined) return undefined;
    const [length, zh, en] = found;
    const count = ms / length;
    return this.say(`${count} ${zh}`, `${count} ${en}${count === 1n ? "" : "s"}`);
  }

  /** Whether a unit, as a setting names it, is this span: 86400000 is one "天". */
  isUnit(unit: string, ms: bigint): boolean {
    return SPANS.some(([length, zh, en]) => length === ms && [zh, en, `${en}s`].includes(unit));
  }

  /** Whether a unit, as a setting names it, is the month of the calendar. */
  isMonths(unit: string): boolean {
    return MONTHS.includes(unit);
  }

  quoted(text: string): string {
    return this.say(`“${text}”`, `“${text}”`);
  }

  /** "a、b或c", "a, b or c". */
  list(items: readonly string[], last: "and" | "or" = "and"): string {
    if (items.length < 2) return items.join("");
    const [and, or] = [this.say("、", " and "), this.say("或", " or ")];
    return items.slice(0, -1).join(this.say("、", ", ")) + (last === "and" ? and : or) + (items.at(-1) ?? "");
  }

  /** @param column whose name qualifies the values of an enum: `kind.committee` */
  type(type: Type, column: string): string {
    switch (type.kind) {
      case "bool":
        return this.say("是或否", "yes or no");
      case "int":
        return this.integer(type);
      case "text":
        if (type.values !== undefined) return this.say("下列之一: ", "one of ") + this.values(column, type.values);
        return type.isId
          ? this.say("编号", "an id")
          : this.say(`文字, 至多 ${type.bytesMax} 字节`, `text of at most ${type.bytesMax} bytes`);
      case "bytes":
        return this.say(`数据, 至多 ${type.bytesMax} 字节`, `data of at most ${type.bytesMax} bytes`);
      case "list":
        return this.say(
          `至多 ${type.lengthMax} 项, 每项是${this.type(type.item, column)}`,
          `up to ${type.lengthMax} times ${this.type(type.item, column)}`,
        );
      default:
        return this.say("记录", "a record");
    }
  }

  /** Several values of an enum, in quotes where one of them would be taken for two. */
  values(column: string, values: readonly string[]): string {
    const said = values.map((value) => this.value(column, value));
    const isBroken = said.length > 1 && said.some((value) => /[,、;]|或|\bor\b/.test(value));
    return this.list(isBroken ? said.map((value) => this.quoted(value)) : said, "or");
  }

  /** A value of an enum. */
  value(column: string, value: string): string {
    return this.of(`${column}.${value}`, value);
  }

  /** Whether a column holds numbers: they are equal, other things are the same. */
  isNumber(table: string, column: string): boolean {
    return isNumberType(this.columnType(table, column));
  }

  isTime(table: string, column: string): boolean {
    return this.columnType(table, column) === TIME_TYPE;
  }

  /** As it is written; "" for none. */
  columnType(table: string, column: string): string {
    const { tables, imports } = this.document;
    const own = tables.find(({ name }) => name.text === table);
    const foreign = imports.find((imported) => imported.table.text === table);
    const columns = [...(own?.key ?? []), ...(own?.fields ?? []), ...(foreign?.fields ?? [])];
    return this.typeWritten(columns.find(({ name }) => name.text === column)?.type.text ?? "");
  }

  /** A type is written as itself, or by a column of the contract that has it: `entry.lines`. */
  typeWritten(type: string): string {
    const [table = "", column] = type.split(".");
    return column === undefined || /[(.]/.test(column + table) ? type : this.columnType(table, column);
  }

  /** Names of the columns of a table's key. */
  keyOf(table: string): readonly string[] {
    const { tables, imports } = this.document;
    const own = tables.find(({ name }) => name.text === table);
    const key = own?.key ?? imports.find((imported) => imported.table.text === table)?.key ?? [];
    return key.map(({ name }) => name.text);
  }

  /** Names of the columns by which an index of a table groups its rows. */
  indexOf(table: string, index: string): readonly string[] {
    const { tables, imports } = this.document;
    const own = tables.find(({ name }) => name.text === table) ?? imports.find((one) => one.table.text === table);
    return own?.indexes.find(({ name }) => name.text === index)?.columns.map(({ text }) => text) ?? [];
  }

  private integer({ name, min, max }: Type & { readonly kind: "int" }): string {
    switch (name) {
      case "money":
        return this.say("金额 (分)", "an amount in fen");
      case "area":
        return this.say("面积 (平方厘米)", "an area in cm²");
      case "time":
        return this.say("时间", "a time");
      case "count":
        return this.say("数目", "a number");
      case "int": {
        const isBounded = max - min < 1n << 60n;
        return isBounded
          ? this.say(`整数, ${min} 至 ${max}`, `a whole number from ${min} to ${max}`)
          : this.say("整数", "a whole number");
      }
    }
  }
}

/** Whether a unit, as a setting names it, is the fen: 分 alone is, beside "points" it is none. */
export function isFen(unit: Label | undefined): boolean {
  return unit !== undefined && (unit.en ?? unit.zh) === (unit.en === undefined ? "分" : "fen");
}

/** Whether a type, as it is written, is one of numbers. */
export function isNumberType(type: string): boolean {
  return NUMBERS.some((name) => type === name || type.startsWith(`${name}(`));
}

/** Text of authors for one line: no line ends, and no mark by which names are set apart. */
export function plainLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").replaceAll("`", "'");
}

/** "〔amount (fen) of the bill〕 fen" says the unit twice: what follows the value keeps it. */
export function withoutUnit(text: string, next: unknown): string {
  if (typeof next !== "string") return text;
  return text.replaceAll(/ \(([^()]{1,16})\)/g, (whole, unit: string) =>
    next.trimStart().startsWith(unit) ? "" : whole,
  );
}

/** The hint in the word of a parameter, "(no: dropped)", is for who gives it; where the value is spoken of, it is in the way. */
export function withoutHint(word: string): string {
  return word
    .replace(/ \((?:否即|[^()]*[则为]空|[^()]*填[^()]*|no: |empty: |0: none)[^()]*\)$/, "")
    .replace(/(\([^(),]*), (?:0 为无|借为正贷为负)\)$/, "$1)")
    .replace(/; debit positive, credit negative\)$/, ")");
}

/** A fixed text that is the name of something in the programme, not a word of any people. */
export function isCode(text: string): boolean {
  return /[A-Za-z]/.test(text);
}

/** "the bill", but "the oldest bill" and "what is billed" as they are. */
export function withArticle(name: string): string {
  return ARTICLES.test(name) ? name : `the ${name}`;
}

/** A fixed part of a text, by its word and to the letter: whoever writes such a text must know how it is spelt. */
export function spelt(text: string, word: string | undefined): string {
  const plain = plainLine(text);
  const name = word?.replace(/:$/, "");
  if (!isCode(plain)) return name ?? plain;
  return name === undefined || `${name}:` === plain ? `\`${plain}\`` : `${name} \`${plain}\``;
}

/** The same word, bare or as a part of something. */
export function isCalled(said: string, word: string): boolean {
  return said === word || said.endsWith(`的${word}`) || said.startsWith(`${word} of `);
}
