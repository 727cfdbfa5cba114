// An expression as people read it: "同意人数 × 2 > 参与人数" for `m.for_heads * 2 > m.cast_heads`.
// It keeps the structure exactly; brackets stand wherever the order could be read otherwise.

import { unreachable } from "../assert.ts";
import { inLargeUnitBehind, saysFen } from "./amounts.ts";
import type { Sentence, SourceExpression } from "./document.ts";
import type { BinaryOperator, Expression } from "./expression.ts";
import {
  callerInWords,
  callInWords,
  countedInWords,
  existenceInWords,
  lengthInWords,
  macroInWords,
  membershipInWords,
  negatedInWords,
  notedInWords,
  roleInWords,
  sameInWords,
  sizeInWords,
} from "./function-words.ts";
import { isGiven, isRolesOfCaller, NamesInSight, nameOf, partsOf, type Surroundings } from "./names-in-sight.ts";
import { LEVELS, leaf, phrase, type Said, SIGNS } from "./said.ts";
import { CONTRACT_ROLE_PREFIX } from "./system.ts";
import { isCalled, isCode, plainLine, spelt, type Words, withArticle, withoutHint, withoutUnit } from "./words.ts";

export class ExpressionWords {
  private readonly words: Words;
  private readonly around: Surroundings;
  /** the column whose values are spoken of: enums of several columns may share a value */
  private column = "";
  private readonly sight: NamesInSight;
  /** whether a number that is spoken of is a time, in ms */
  private isTime = false;
  /** whether 0 that is spoken of is the time of what has not happened */
  private isMoment = false;

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
  into(column: string, expression: Expression, { isTime } = { isTime: false }): string {
    const before = this.column;
    this.column = column;
    const text = this.asMoment(isTime || this.sight.isTime(expression), () =>
      expression.kind === "list" ? this.list(expression.items, "and") : this.say(expression).text,
    );
    this.column = before;
    return text;
  }

  /** A list that is looked into says which "or" which, one that is written down holds this "and" that. */
  private list(items: readonly Expression[], last: "and" | "or"): string {
    if (items.length === 0) return this.words.say("无", "none");
    return this.words.list(
      items.map((item) => this.say(item).text),
      last,
    );
  }

  private asMoment<T>(isMoment: boolean, speak: () => T): T {
    const before = this.isMoment;
    this.isMoment = isMoment;
    const said = speak();
    this.isMoment = before;
    return said;
  }

  private inTime<T>(isTime: boolean, speak: () => T): T {
    const before = this.isTime;
    this.isTime = isTime;
    const said = speak();
    this.isTime = before;
    return said;
  }

  /** Yes or no that hangs on a claim: "是" where it holds; undefined: it is none. */
  claim(expression: Expression): string | undefined {
    if (!this.sight.isClaim(expression)) return undefined;
    const [claim, yes, no] = expression.kind === "not" ? [expression.operand, "否", "是"] : [expression, "是", "否"];
    const [yesEn, noEn] = expression.kind === "not" ? ["no", "yes"] : ["yes", "no"];
    const text = this.tight(claim);
    return this.words.say(`若 ${text} 则 ${yes}, 否则 ${no}`, `${yesEn} if ${text}, otherwise ${noEn}`);
  }

  /** A choice between values, one case a line; undefined: it is none. */
  cases(column: string, expression: Expression): readonly string[] | undefined {
    if (expression.kind !== "conditional") return undefined;
    const { words } = this;
    const lines: string[] = [];
    const isTime = this.sight.isTime(expression);
    let rest: Expression = expression;
    for (; rest.kind === "conditional"; rest = rest.whenFalse) {
      const [condition, value] = [this.tight(rest.condition), this.into(column, rest.whenTrue, { isTime })];
      const isFirst = lines.length === 0;
      lines.push(
        words.say(
          `${isFirst ? "若" : "否则若"} ${condition}: ${value}`,
          `${isFirst ? "if" : "otherwise, if"} ${condition}: ${value}`,
        ),
      );
    }
    const last = this.into(column, rest, { isTime });
    return [...lines, words.say(`否则: ${last}`, `otherwise: ${last}`)];
  }

  /** A sentence of the contract, with the names of the values that will stand in it. */
  sentence({ zh, en }: Sentence): string {
    const { language } = this.words;
    const template = language === "zh" ? zh : (en ?? zh);
    return template
      .map((part, index) => {
        if (typeof part !== "string") {
          const { text } = this.say(part.expression, { withNumbers: false });
          return `〔${withoutUnit(text, template[index + 1])}〕`;
        }
        return plainLine(index === 0 ? part : inLargeUnitBehind(part, language, { isFen: saysFen(en) }));
      })
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
    if (others.length < 2) return this.words.table(table);
    // Two rows of one table are told apart by a word of their own.
    this.words.missing.add(`${action.name.text}.${alias}`);
    return `${this.words.table(table)} ${alias}`;
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
        if (this.isMoment && expression.value === 0n) return leaf(words.say("空", "empty"));
        // 60000 is a minute only where time is spoken of: elsewhere it is an amount.
        return leaf((this.isTime ? words.span(expression.value) : undefined) ?? String(expression.value));
      case "text":
        return leaf(this.text(expression.value));
      case "bytes":
        return leaf(expression.value.length === 0 ? words.say("空", "empty") : words.say("固定数据", "fixed data"));
      case "list":
        return leaf(this.list(expression.items, "or"));
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
        return this.asMoment(false, () => this.call(expression.name, expression.args));
      case "not":
        return this.not(expression.operand);
      case "negate":
        return leaf(`−${this.tight(expression.operand)}`);
      case "binary":
        return this.asMoment(false, () => this.binary(expression));
      case "conditional": {
        const condition = this.asMoment(false, () => this.tight(expression.condition));
        return phrase(
          words.say(
            `若 ${condition} 则 ${this.tight(expression.whenTrue)}, 否则 ${this.expression(expression.whenFalse)}`,
            `${this.tight(expression.whenTrue)} if ${condition}, otherwise ${this.expression(expression.whenFalse)}`,
          ),
        );
      }
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
    const contract = this.column === "contract" ? [`${CONTRACT_ROLE_PREFIX}${value}`] : [];
    const word = this.words.find(`${this.column}.${value}`, value, ...contract);
    if (word === undefined && isCode(value)) this.words.missing.add(value);
    return this.words.quoted(word ?? plainLine(value));
  }

  private name(name: string): string {
    const { words, around } = this;
    if (this.sight.isVariable(name)) return this.sight.letterOf(name);
    if (name === "now") return words.say("当前时间", "the present time");
    if (name === "cosigners") return words.say("会签人", "the cosigners");
    if (around.table !== undefined) return words.column(around.table, name);
    if (around.action?.reads.some(({ alias }) => alias.text === name)) return this.row(name);
    return words.of(`${around.action?.name.text ?? ""}.${name}`, name);
  }

  private select(operand: Expression, field: string, { withNumbers }: { readonly withNumbers: boolean }): string {
    const { words } = this;
    const owner = nameOf(operand);
    if (owner === "p") return withoutHint(words.of(`${this.around.action?.name.text ?? ""}.${field}`, field));
    if (owner === "settings") return this.setting(field, { withNumbers });
    if (owner === "caller") return callerInWords(field, words);
    const column = withoutHint(words.column(this.sight.tableOf(operand) ?? owner, field));
    if (this.isPlain(owner)) return column;
    if (owner === "" || this.sight.isVariable(owner))
      return words.say(`${this.tight(operand)}的${column}`, `${column} of ${this.tight(operand)}`);
    const row = this.row(owner);
    // "id of the community" needs no second community.
    if (words.language === "zh" ? column.startsWith(row) : column.endsWith(` of ${withArticle(row)}`)) return column;
    return words.say(`${row}的${column}`, `${column} of ${withArticle(row)}`);
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

  private not(operand: Expression): Said {
    const { words } = this;
    if (operand.kind === "binary" && operand.operator === "in")
      return this.membership(operand.left, operand.right, { isIn: false });
    if (this.sight.isFlag(operand))
      return { text: words.say(`${this.tight(operand)}为“否”`, `${this.tight(operand)} is “no”`), level: LEVELS["=="] };
    const args = (operand.kind === "call" ? operand.args : []).map((arg) => this.at(arg, LEVELS["*"]));
    const negated = operand.kind === "call" ? negatedInWords(operand.name, args, words) : undefined;
    if (negated !== undefined) return { text: negated, level: LEVELS["=="] };
    const said = this.at(operand, LEVELS["=="]);
    const text = operand.kind === "name" ? words.say(words.quoted(said), said) : said;
    return { text: words.say(`${text}不成立`, `it is not so that ${text}`), level: LEVELS["=="] };
  }

  /** "(a 且 b) 或 c": grammars give "and" the closer bond, people need not know. */
  private alternative(operator: BinaryOperator, side: Expression): string | undefined {
    const isJoined = operator === "||" && side.kind === "binary" && side.operator === "&&";
    return isJoined ? `(${this.expression(side)})` : undefined;
  }

  private binary(expression: Expression & { readonly kind: "binary" }): Said {
    const { words } = this;
    const { operator, left, right } = expression;
    const level = LEVELS[operator];
    const row = right.kind === "null" ? this.existence(left, { isThere: operator === "!=" }) : undefined;
    if (row !== undefined) return { text: row, level };
    const measure = this.measure(expression);
    if (measure !== undefined) return { text: measure, level };
    const span = operator === "*" && this.isTime ? this.spanOfSetting(left, right) : undefined;
    if (span !== undefined) return leaf(span);
    if (operator === "+" && this.sight.isText(expression))
      return { text: this.account(expression) ?? this.joined(expression), level };
    const isArithmetic = level > LEVELS["=="];
    const isTime = (isArithmetic && this.isTime) || this.sight.isTime(left) || this.sight.isTime(right);
    const [before, after] = this.inTime(isTime, () => [
      this.alternative(operator, left) ?? this.at(left, level),
      this.alternative(operator, right) ?? this.compared(left, right, level),
    ]);
    const isNumeric = this.sight.isNumber(left) || this.sight.isNumber(right);
    switch (operator) {
      case "||":
        return { text: words.say(`${before} 或 ${after}`, `${before} or ${after}`), level };
      case "&&":
        return { text: words.say(`${before} 且 ${after}`, `${before} and ${after}`), level };
      case "in":
        return this.membership(left, right);
      case "==": {
        if (isNumeric) return { text: `${before} = ${after}`, level };
        const isClaim = right.kind === "binary" && LEVELS[right.operator] <= level;
        const text = sameInWords(before, after, { isClaim }, words);
        return isClaim ? phrase(text) : { text, level };
      }
      case "!=":
        if (isNumeric) return { text: `${before} ≠ ${after}`, level };
        return { text: words.say(`${before}不是${after}`, `${before} is not ${after}`), level };
      case "%":
        return { text: words.say(`${before} 除以 ${after} 的余数`, `the remainder of ${before} ÷ ${after}`), level };
      case "/":
        return { text: words.say(`${before} ÷ ${after} (舍去零头)`, `${before} ÷ ${after} (rounded down)`), level };
      default:
        return { text: `${before} ${SIGNS[operator] ?? operator} ${after}`, level };
    }
  }

  /** Lengths of what is given, and times beside 0, which no time is that was noted; lists of rows are counted elsewhere. */
  private measure({ operator, left, right }: Expression & { readonly kind: "binary" }): string | undefined {
    const { sight, words } = this;
    if (right.kind !== "int") return undefined;
    if (left.kind === "call") {
      const [what] = left.args;
      const unit = what === undefined || left.name !== "size" ? undefined : sight.unitOfLength(what);
      if (what === undefined || unit === undefined) return undefined;
      const sign = operator === "==" ? "=" : operator === "!=" ? "≠" : SIGNS[operator];
      return lengthInWords(this.at(what, LEVELS["*"]), { sign, value: right.value, unit }, words);
    }
    const isNoted = left.kind === "select" && nameOf(left.operand) !== "settings" && sight.isTime(left);
    return isNoted && right.value === 0n ? notedInWords(this.at(left, LEVELS["=="]), operator, words) : undefined;
  }

  /** `settings.days * 86400000`, and the days of an entry: what is said with its unit already. */
  private spanOfSetting(left: Expression, right: Expression): string | undefined {
    if (left.kind !== "select" || right.kind !== "int") return undefined;
    if (nameOf(left.operand) !== "settings") {
      const word = this.tight(left);
      const inside = / \(([^()]*)\)$/.exec(word)?.[1];
      return inside !== undefined && this.words.isUnit(inside, right.value) ? word : undefined;
    }
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

  /** An account by what it is called and whose it is: "物业费预收账户 (小区)" for `"prepaid:" + p.community`. */
  private account(expression: Expression): string | undefined {
    const [series, ...rest] = partsOf(expression);
    if (series?.kind !== "text" || !series.value.endsWith(":")) return undefined;
    const word = this.words.find(series.value);
    const whose = rest.filter((part) => part.kind !== "text" || part.value !== "/");
    if (word === undefined || whose.some(({ kind }) => kind === "text" || kind === "call")) return undefined;
    const names = this.words.list(whose.map((part) => this.tight(part)));
    return this.words.say(`${word.replace(/:$/, "")} (${names})`, `${word} ${names}`);
  }

  /** A text put together of parts: its own words without quotes. */
  private joined(expression: Expression): string {
    if (expression.kind === "text") return spelt(expression.value, this.words.find(expression.value));
    if (expression.kind !== "binary" || expression.operator !== "+") return this.tight(expression);
    return this.joined(expression.left) + this.joined(expression.right);
  }

  private existence(row: Expression, { isThere }: { readonly isThere: boolean }): string | undefined {
    if (row.kind !== "name") return undefined;
    return existenceInWords(this.row(row.name), { isThere }, this.words);
  }

  private membership(item: Expression, list: Expression, { isIn } = { isIn: true }): Said {
    const { words } = this;
    const level = LEVELS.in;
    if (isRolesOfCaller(list) && item.kind === "text") return { text: roleInWords(item.value, { isIn }, words), level };
    const [one, all] = [this.at(item, level), this.compared(item, list, level)];
    return { text: membershipInWords(one, all, { isIn, isListed: list.kind === "list" }, words), level };
  }

  private call(name: string, args: readonly Expression[]): Said {
    const { words } = this;
    const [only] = args;
    if (name === "size" && only !== undefined && this.sight.tableOf(only) !== undefined)
      return leaf(words.say(`${this.tight(only)}的条数`, `the number of ${this.tight(only)}`));
    if (name === "size" && only !== undefined)
      return leaf(sizeInWords(this.tight(only), this.sight.unitOfLength(only), words));
    const said = (name === "mulDiv" ? args.slice(0, 3) : args).map((arg, index) => {
      // "a × b × c ÷ d" reads from the left: only what stands first may be a product.
      const level = LEVELS["*"] + (name === "mulDiv" && index === 0 ? 0 : 1);
      return { inside: this.expression(arg), tight: this.at(arg, level), isUnitSaid: this.isInMonths(arg) };
    });
    const rounding = args[3]?.kind === "text" ? args[3].value : "";
    const { text, kind } = callInWords(name, said, { words, rounding });
    if (kind === "product") return { text, level: LEVELS["*"] };
    return kind === "phrase" ? phrase(text) : leaf(text);
  }

  /** A setting whose number is shown with the months it counts. */
  private isInMonths(expression: Expression): boolean {
    if (expression.kind !== "select" || nameOf(expression.operand) !== "settings") return false;
    const unit = this.words.label(this.words.settingNamed(expression.field)?.unit);
    return this.around.numbers && unit !== undefined && this.words.isMonths(unit);
  }

  private macro(expression: Expression & { readonly kind: "macro" }): Said {
    const { words } = this;
    const { body, filter, variable: name } = expression;
    const range = countedInWords(expression.range, words) ?? this.tight(expression.range);
    if (expression.macro === "map" && filter === undefined && body.kind === "select" && nameOf(body.operand) === name) {
      const column = words.column(this.sight.tableOf(expression.range) ?? "", body.field);
      return phrase(words.say(`${range}各项的${column}`, `${column} of each of ${range}`));
    }
    const said = this.sight.withVariable(name, expression.range, () => ({
      variable: this.sight.letterOf(name),
      body: this.expression(body),
      filter: filter === undefined ? "" : this.expression(filter),
    }));
    return phrase(macroInWords(expression.macro, { range, ...said }, words));
  }
}
