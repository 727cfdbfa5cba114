// An expression as people read it: "同意人数 × 2 > 参与人数" for `m.for_heads * 2 > m.cast_heads`.
// It keeps the structure exactly; brackets stand wherever the order could be read otherwise.

import { unreachable } from "../assert.ts";
import type { SourceExpression, Template } from "./document.ts";
import type { BinaryOperator, Expression } from "./expression.ts";
import { callInWords } from "./function-words.ts";
import { NamesInSight, nameOf, type Surroundings } from "./names-in-sight.ts";
import { plainLine, type Words } from "./words.ts";

const SIGNS: Readonly<Record<string, string>> = {
  "<": "<",
  "<=": "≤",
  ">": ">",
  ">=": "≥",
  "+": "+",
  "-": "−",
  "*": "×",
};
const LEVELS: Readonly<Record<BinaryOperator, number>> = {
  "||": 1,
  "&&": 2,
  "==": 3,
  "!=": 3,
  "<": 3,
  "<=": 3,
  ">": 3,
  ">=": 3,
  in: 3,
  "+": 4,
  "-": 4,
  "*": 5,
  "/": 5,
  "%": 5,
};
const LEVEL_OF_LEAF = 9;
const LEVEL_OF_PHRASE = 0;

/** `level` tells how tightly the text holds together. */
interface Said {
  readonly text: string;
  readonly level: number;
}

export class ExpressionWords {
  private readonly words: Words;
  private readonly around: Surroundings;
  /** the column whose values are spoken of: enums of several columns may share a value */
  private column = "";
  private readonly sight: NamesInSight;
  /** whether a number that is spoken of is a time, in ms */
  private isTime = false;

  constructor(words: Words, around: Surroundings) {
    this.words = words;
    this.around = around;
    this.sight = new NamesInSight(words, around);
  }

  of({ expression }: SourceExpression): string {
    return this.say(expression).text;
  }

  expression(expression: Expression): string {
    return this.say(expression).text;
  }

  /** A value that goes into a column. */
  into(column: string, expression: Expression): string {
    const before = this.column;
    this.column = column;
    const text = this.say(expression).text;
    this.column = before;
    return text;
  }

  private inTime<T>(isTime: boolean, speak: () => T): T {
    const before = this.isTime;
    this.isTime = isTime;
    const said = speak();
    this.isTime = before;
    return said;
  }

  /** A choice between values, one case a line; undefined: it is none. */
  cases(column: string, expression: Expression): readonly string[] | undefined {
    if (expression.kind !== "conditional") return undefined;
    const { words } = this;
    const lines: string[] = [];
    let rest: Expression = expression;
    for (; rest.kind === "conditional"; rest = rest.whenFalse) {
      const [condition, value] = [this.tight(rest.condition), this.into(column, rest.whenTrue)];
      const isFirst = lines.length === 0;
      lines.push(
        words.say(
          `${isFirst ? "若" : "否则若"} ${condition}: ${value}`,
          `${isFirst ? "if" : "otherwise, if"} ${condition}: ${value}`,
        ),
      );
    }
    return [...lines, words.say(`否则: ${this.into(column, rest)}`, `otherwise: ${this.into(column, rest)}`)];
  }

  /** A sentence of the contract, with the names of the values that will stand in it. */
  sentence(template: Template): string {
    return template
      .map((part) =>
        typeof part === "string" ? plainLine(part) : `〔${this.say(part.expression, { withNumbers: false }).text}〕`,
      )
      .join("");
  }

  /** How people call a row that was read. */
  row(alias: string): string {
    const { action } = this.around;
    const read = action?.reads.find(({ alias: name }) => name.text === alias);
    if (read === undefined || action === undefined) return `\`${alias}\``;
    const own = this.words.find(`${action.name.text}.${alias}`);
    if (own !== undefined) return own;
    const { table } = read.reference;
    const others = action.reads.filter(({ reference }) => reference.table === table);
    return others.length > 1 ? `${this.words.table(table)} ${alias}` : this.words.table(table);
  }

  // ---- parts ----

  private say(expression: Expression, options: { readonly withNumbers: boolean } = { withNumbers: true }): Said {
    const { words } = this;
    switch (expression.kind) {
      case "null":
        return leaf(words.say("无", "nothing"));
      case "bool":
        return leaf(expression.value ? words.say("是", "yes") : words.say("否", "no"));
      case "int":
        // 60000 is a minute only where time is spoken of: elsewhere it is an amount.
        return leaf((this.isTime ? words.span(expression.value) : undefined) ?? String(expression.value));
      case "text":
        return leaf(this.text(expression.value));
      case "bytes":
        return leaf(expression.value.length === 0 ? words.say("空", "empty") : words.say("固定数据", "fixed data"));
      case "list":
        if (expression.items.length === 0) return leaf(words.say("无", "none"));
        return leaf(
          words.list(
            expression.items.map((item) => this.say(item).text),
            "or",
          ),
        );
      case "name":
        return leaf(this.name(expression.name));
      case "select":
        return leaf(this.select(expression.operand, expression.field, options));
      case "has":
        return phrase(
          words.say(`有${this.row(nameOf(expression.operand))}`, `there is ${this.row(nameOf(expression.operand))}`),
        );
      case "index":
        return leaf(this.item(expression.operand, expression.index));
      case "call":
        return this.call(expression.name, expression.args);
      case "not":
        return this.not(expression.operand);
      case "negate":
        return leaf(`−${this.tight(expression.operand)}`);
      case "binary":
        return this.binary(expression);
      case "conditional":
        return phrase(
          words.say(
            `若 ${this.tight(expression.condition)} 则 ${this.tight(expression.whenTrue)}, 否则 ${this.expression(expression.whenFalse)}`,
            `${this.tight(expression.whenTrue)} if ${this.tight(expression.condition)}, otherwise ${this.expression(expression.whenFalse)}`,
          ),
        );
      case "macro":
        return this.macro(expression);
      case "foreign":
        // Not of contracts: no document that was accepted has one.
        return leaf(`\`${expression.form}\``);
      default:
        return unreachable(expression);
    }
  }

  private at(expression: Expression, level: number): string {
    const said = this.say(expression);
    return said.level >= level ? said.text : `(${said.text})`;
  }

  private tight(expression: Expression): string {
    return this.at(expression, 1);
  }

  /** People count from 1. */
  private item(list: Expression, index: Expression): string {
    const { words } = this;
    const place = index.kind === "int" ? String(index.value + 1n) : `(${this.at(index, LEVELS["+"])} + 1)`;
    return words.say(`${this.tight(list)}的第 ${place} 项`, `item ${place} of ${this.tight(list)}`);
  }

  private text(value: string): string {
    if (value === "") return this.words.say("空", "empty");
    return this.words.quoted(this.words.find(`${this.column}.${value}`, value) ?? plainLine(value));
  }

  private name(name: string): string {
    const { words, around } = this;
    if (this.sight.isVariable(name)) return `\`${name}\``;
    if (name === "now") return words.say("当前时间", "the present time");
    if (name === "cosigners") return words.say("会签人", "the cosigners");
    if (around.table !== undefined) return words.column(around.table, name);
    if (around.action?.reads.some(({ alias }) => alias.text === name)) return this.row(name);
    return words.of(`${around.action?.name.text ?? ""}.${name}`, name);
  }

  private select(operand: Expression, field: string, { withNumbers }: { readonly withNumbers: boolean }): string {
    const { words } = this;
    const owner = nameOf(operand);
    if (owner === "p") return words.of(`${this.around.action?.name.text ?? ""}.${field}`, field);
    if (owner === "settings") return this.setting(field, { withNumbers });
    if (owner === "caller") return this.caller(field);
    const column = words.column(this.sight.tableOf(operand) ?? owner, field);
    if (this.isPlain(owner)) return column;
    if (owner === "" || this.sight.isVariable(owner))
      return words.say(`${this.tight(operand)}的${column}`, `${column} of ${this.tight(operand)}`);
    return words.say(`${this.row(owner)}的${column}`, `${column} of the ${this.row(owner)}`);
  }

  /** Nobody takes the fields of the only row for those of another. */
  private isPlain(owner: string): boolean {
    const reads = this.around.action?.reads ?? [];
    return (
      reads.filter(({ isOptional }) => !isOptional).length === 1 &&
      reads.find(({ isOptional }) => !isOptional)?.alias.text === owner
    );
  }

  private setting(name: string, { withNumbers }: { readonly withNumbers: boolean }): string {
    const { words } = this;
    const found = words.settingNamed(name);
    const title = words.setting(name);
    if (found === undefined || !withNumbers || !this.around.numbers) return title;
    return words.say(`${title} (${words.amount(found)})`, `${title} (${words.amount(found)})`);
  }

  private caller(field: string): string {
    const { words } = this;
    if (field === "id") return words.say("办理人", "the person acting");
    if (field === "org") return words.say("办理人所属机构", "the organisation of the person acting");
    if (field === "contract") return words.say("发起办理的合约", "the contract that calls");
    return words.say("办理人的身份", "the roles of the person acting");
  }

  private not(operand: Expression): Said {
    const { words } = this;
    const text = this.at(operand, LEVELS["=="]);
    return { text: words.say(`${text}不成立`, `it is not so that ${text}`), level: LEVELS["=="] };
  }

  private binary(expression: Expression & { readonly kind: "binary" }): Said {
    const { words } = this;
    const { operator, left, right } = expression;
    const level = LEVELS[operator];
    const row = right.kind === "null" ? this.existence(left, { isThere: operator === "!=" }) : undefined;
    if (row !== undefined) return { text: row, level };
    const span = operator === "*" && this.isTime ? this.spanOfSetting(left, right) : undefined;
    if (span !== undefined) return leaf(span);
    if (operator === "+" && this.sight.isText(expression)) return { text: this.joined(expression), level };
    const isArithmetic = level > LEVELS["=="];
    const isTime = (isArithmetic && this.isTime) || this.sight.isTime(left) || this.sight.isTime(right);
    const [before, after] = this.inTime(isTime, () => [this.at(left, level), this.compared(left, right, level)]);
    switch (operator) {
      case "||":
        return { text: words.say(`${before} 或 ${after}`, `${before} or ${after}`), level };
      case "&&":
        return { text: words.say(`${before} 且 ${after}`, `${before} and ${after}`), level };
      case "in":
        return this.membership(left, right);
      case "==":
        return {
          text: this.sight.isNumber(right)
            ? `${before} = ${after}`
            : words.say(`${before}是${after}`, `${before} is ${after}`),
          level,
        };
      case "!=":
        return {
          text: this.sight.isNumber(right)
            ? `${before} ≠ ${after}`
            : words.say(`${before}不是${after}`, `${before} is not ${after}`),
          level,
        };
      case "%":
        return { text: words.say(`${before} 除以 ${after} 的余数`, `the remainder of ${before} ÷ ${after}`), level };
      case "/":
        return { text: words.say(`${before} ÷ ${after} (舍去零头)`, `${before} ÷ ${after} (rounded down)`), level };
      default:
        return { text: `${before} ${SIGNS[operator] ?? operator} ${after}`, level };
    }
  }

  /** `settings.days * 86400000`, whose setting is said with its unit already. */
  private spanOfSetting(left: Expression, right: Expression): string | undefined {
    if (left.kind !== "select" || nameOf(left.operand) !== "settings" || right.kind !== "int") return undefined;
    const unit = this.words.label(this.words.settingNamed(left.field)?.unit);
    const isSpan = unit !== undefined && this.words.isUnit(unit, right.value);
    return isSpan ? this.setting(left.field, { withNumbers: true }) : undefined;
  }

  /** The right side, whose texts are values of what stands on the left. */
  private compared(left: Expression, right: Expression, level: number): string {
    const before = this.column;
    if (left.kind === "select") this.column = left.field;
    if (left.kind === "name") this.column = left.name;
    const text = this.at(right, level + 1);
    this.column = before;
    return isGiven(right) && isCalled(this.at(left, level), text)
      ? this.words.say(`所填的${text}`, `the ${text} given`)
      : text;
  }

  /** A text put together of parts: its own words without quotes. */
  private joined(expression: Expression): string {
    if (expression.kind === "text") return this.words.find(expression.value) ?? plainLine(expression.value);
    if (expression.kind !== "binary" || expression.operator !== "+") return this.tight(expression);
    return this.joined(expression.left) + this.joined(expression.right);
  }

  private existence(row: Expression, { isThere }: { readonly isThere: boolean }): string | undefined {
    if (row.kind !== "name") return undefined;
    const name = this.row(row.name);
    return isThere
      ? this.words.say(`${name}存在`, `there is: ${name}`)
      : this.words.say(`${name}不存在`, `there is no ${name}`);
  }

  private membership(item: Expression, list: Expression): Said {
    const { words } = this;
    const level = LEVELS.in;
    const [one, all] = [this.at(item, level), this.compared(item, list, level)];
    if (list.kind === "list") return { text: words.say(`${one}是${all}`, `${one} is ${all}`), level };
    return { text: words.say(`${all} 中有 ${one}`, `${one} is among ${all}`), level };
  }

  private call(name: string, args: readonly Expression[]): Said {
    const { words } = this;
    const [only] = args;
    if (name === "size" && only !== undefined && this.sight.tableOf(only) !== undefined)
      return leaf(words.say(`${this.tight(only)}的条数`, `the number of ${this.tight(only)}`));
    const said = args.map((arg) => ({ inside: this.expression(arg), tight: this.at(arg, LEVELS["*"]) }));
    const rounding = args[3]?.kind === "text" ? args[3].value : "";
    const { text, isPhrase } = callInWords(name, said, { words, rounding });
    return isPhrase ? phrase(text) : leaf(text);
  }

  private macro(expression: Expression & { readonly kind: "macro" }): Said {
    const { words } = this;
    const range = this.tight(expression.range);
    const variable = `\`${expression.variable}\``;
    const [body, filter] = this.sight.withVariable(expression.variable, expression.range, () => [
      this.expression(expression.body),
      expression.filter === undefined ? "" : this.expression(expression.filter),
    ]);
    switch (expression.macro) {
      case "all":
        return phrase(
          words.say(`${range} 的每一项 ${variable} 都符合: ${body}`, `for each ${variable} of ${range}: ${body}`),
        );
      case "exists":
        return phrase(
          words.say(`${range} 中有一项 ${variable} 符合: ${body}`, `for some ${variable} of ${range}: ${body}`),
        );
      case "exists_one":
        return phrase(
          words.say(
            `${range} 中恰有一项 ${variable} 符合: ${body}`,
            `for exactly one ${variable} of ${range}: ${body}`,
          ),
        );
      case "filter":
        return phrase(
          words.say(`${range} 中符合下列条件的各项 ${variable}: ${body}`, `those ${variable} of ${range} with ${body}`),
        );
      case "map":
        return phrase(
          words.say(
            `${range} 的各项 ${variable}${filter === "" ? "" : ` (须 ${filter})`} 换成 ${body}`,
            `${body} for each ${variable} of ${range}${filter === "" ? "" : ` with ${filter}`}`,
          ),
        );
    }
  }
}

function leaf(text: string): Said {
  return { text, level: LEVEL_OF_LEAF };
}

function phrase(text: string): Said {
  return { text, level: LEVEL_OF_PHRASE };
}

/** The same word, bare or as a part of something. */
function isCalled(said: string, word: string): boolean {
  return said === word || said.endsWith(`的${word}`) || said.startsWith(`${word} of `);
}

/** A parameter, which may be called as the field that it is compared with. */
function isGiven(expression: Expression): boolean {
  return expression.kind === "select" && nameOf(expression.operand) === "p";
}
