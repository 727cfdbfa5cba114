// An expression as people read it: "同意人数 × 2 > 参与人数" for `m.for_heads * 2 > m.cast_heads`.
// It keeps the structure exactly; brackets stand wherever the order could be read otherwise.

import { unreachable } from "../assert.ts";
import type { ActionDocument, SourceExpression, Template } from "./document.ts";
import type { BinaryOperator, Expression } from "./expression.ts";
import { callInWords } from "./function-words.ts";
import type { Words } from "./words.ts";

const SIGNS: Readonly<Record<string, string>> = {
  "<": "<",
  "<=": "≤",
  ">": ">",
  ">=": "≥",
  "+": "+",
  "-": "−",
  "*": "×",
  "/": "÷",
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

/** What the names of one action, or of one table, stand for. */
export interface Surroundings {
  readonly action: ActionDocument | undefined;
  /** the table whose columns stand bare: in `always` */
  readonly table: string | undefined;
  /** whether settings are shown with their numbers */
  readonly numbers: boolean;
}

export class ExpressionWords {
  private readonly words: Words;
  private readonly around: Surroundings;
  /** the column whose values are spoken of: enums of several columns may share a value */
  private column = "";
  /** variables of macros that are in sight */
  private readonly variables: string[] = [];

  constructor(words: Words, around: Surroundings) {
    this.words = words;
    this.around = around;
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
        typeof part === "string" ? part : `〔${this.say(part.expression, { withNumbers: false }).text}〕`,
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
        return leaf(words.span(expression.value) ?? String(expression.value));
      case "text":
        return leaf(this.text(expression.value));
      case "bytes":
        return leaf(expression.value.length === 0 ? words.say("空", "empty") : words.say("固定数据", "fixed data"));
      case "list":
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
        return leaf(
          words.say(
            `${this.tight(expression.operand)} 的第 ${this.tight(expression.index)} 项`,
            `item ${this.tight(expression.index)} of ${this.tight(expression.operand)}`,
          ),
        );
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

  private text(value: string): string {
    if (value === "") return this.words.say("空", "empty");
    return this.words.quoted(this.words.find(`${this.column}.${value}`, value) ?? value);
  }

  private name(name: string): string {
    const { words, around } = this;
    if (this.variables.includes(name)) return `\`${name}\``;
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
    const table = this.around.action?.reads.find(({ alias }) => alias.text === owner)?.reference.table ?? owner;
    const column = words.column(table, field);
    return this.isPlain(owner)
      ? column
      : words.say(`${this.row(owner)}的${column}`, `${column} of the ${this.row(owner)}`);
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
    if (operator === "+" && this.isText(expression)) return { text: this.joined(expression), level };
    const before = this.at(left, level);
    const after = this.compared(left, right, level);
    switch (operator) {
      case "||":
        return { text: words.say(`${before} 或 ${after}`, `${before} or ${after}`), level };
      case "&&":
        return { text: words.say(`${before} 且 ${after}`, `${before} and ${after}`), level };
      case "in":
        return this.membership(left, right);
      case "==":
        return {
          text: this.isNumber(right)
            ? `${before} = ${after}`
            : words.say(`${before}是${after}`, `${before} is ${after}`),
          level,
        };
      case "!=":
        return {
          text: this.isNumber(right)
            ? `${before} ≠ ${after}`
            : words.say(`${before}不是${after}`, `${before} is not ${after}`),
          level,
        };
      case "%":
        return { text: words.say(`${before} 除以 ${after} 的余数`, `the remainder of ${before} ÷ ${after}`), level };
      default:
        return { text: `${before} ${SIGNS[operator] ?? operator} ${after}`, level };
    }
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
    if (expression.kind === "text") return this.words.find(expression.value) ?? expression.value;
    if (expression.kind !== "binary" || expression.operator !== "+") return this.tight(expression);
    return this.joined(expression.left) + this.joined(expression.right);
  }

  private isNumber(expression: Expression): boolean {
    switch (expression.kind) {
      case "int":
        return true;
      case "binary":
        return ["+", "-", "*", "/", "%"].includes(expression.operator) && !this.isText(expression);
      case "select": {
        const owner = nameOf(expression.operand);
        const read = this.around.action?.reads.find(({ alias }) => alias.text === owner);
        return owner === "settings" || this.words.isNumber(read?.reference.table ?? "", expression.field);
      }
      case "name":
        return this.words.isNumber(this.around.table ?? "", expression.name);
      default:
        return false;
    }
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

  /** Texts that are put together, as names of accounts are. */
  private isText(expression: Expression): boolean {
    if (expression.kind === "text") return true;
    if (expression.kind === "call") return expression.name === "string";
    return (
      expression.kind === "binary" &&
      expression.operator === "+" &&
      (this.isText(expression.left) || this.isText(expression.right))
    );
  }

  private call(name: string, args: readonly Expression[]): Said {
    const said = args.map((arg) => ({ inside: this.expression(arg), tight: this.at(arg, LEVELS["*"]) }));
    const rounding = args[3]?.kind === "text" ? args[3].value : "";
    const { text, isPhrase } = callInWords(name, said, { words: this.words, rounding });
    return isPhrase ? phrase(text) : leaf(text);
  }

  private macro(expression: Expression & { readonly kind: "macro" }): Said {
    const { words } = this;
    const range = this.tight(expression.range);
    this.variables.push(expression.variable);
    const variable = `\`${expression.variable}\``;
    const body = this.expression(expression.body);
    const filter = expression.filter === undefined ? "" : this.expression(expression.filter);
    this.variables.pop();
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

function nameOf(expression: Expression): string {
  return expression.kind === "name" ? expression.name : "";
}
