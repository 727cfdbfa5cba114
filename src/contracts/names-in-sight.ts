// What the names in an expression stand for, as far as words depend on it: rows of which table, times, numbers, texts.
// It reads the document as it is written; types are checked elsewhere.

import type { ActionDocument } from "./document.ts";
import type { BinaryOperator, Expression } from "./expression.ts";
import { isNumberType, type Words } from "./words.ts";

const TIME_TYPE = "time";
const LETTERS = { zh: ["甲", "乙", "丙", "丁", "戊"], en: ["A", "B", "C", "D", "E"] };
const CLAIMS: readonly BinaryOperator[] = ["||", "&&", "==", "!=", "<", "<=", ">", ">=", "in"];
export type LengthUnit = "bytes" | "characters" | "items";
/** Functions that give a number, not a time. */
const COUNTING = ["mulDiv", "sum", "size", "int", "year", "month", "day", "hour", "weekday", "dayNumber"];

/** What the names of one action, or of one table, stand for. */
export interface Surroundings {
  readonly action: ActionDocument | undefined;
  /** the table whose columns stand bare: in `always` */
  readonly table: string | undefined;
  /** whether settings are shown with their numbers */
  readonly numbers: boolean;
}

export class NamesInSight {
  private readonly words: Words;
  private readonly around: Surroundings;
  /** variables of macros, and the table whose rows they stand for */
  private readonly variables: { readonly name: string; readonly table: string | undefined }[] = [];

  constructor(words: Words, around: Surroundings) {
    this.words = words;
    this.around = around;
  }

  /** Speaks of the body of a macro, in which its variable stands for the items of the range. */
  withVariable<T>(name: string, range: Expression, speak: () => T): T {
    this.variables.push({ name, table: this.tableOf(range) });
    const said = speak();
    this.variables.pop();
    return said;
  }

  /** What people call the variable of a macro, by how deep it stands. */
  letterOf(name: string): string {
    const depth = this.variables.findLastIndex((variable) => variable.name === name);
    return this.words.say(LETTERS.zh[depth] ?? name, LETTERS.en[depth] ?? name);
  }

  isVariable(name: string): boolean {
    return this.variables.some((variable) => variable.name === name);
  }

  /** The table whose row, or rows, an expression gives; undefined for other things. */
  tableOf(expression: Expression): string | undefined {
    if (expression.kind === "index") return this.tableOf(expression.operand);
    if (expression.kind === "macro") return expression.macro === "filter" ? this.tableOf(expression.range) : undefined;
    const name = nameOf(expression);
    const variable = this.variables.findLast((one) => one.name === name);
    if (variable !== undefined) return variable.table;
    return this.around.action?.reads.find(({ alias }) => alias.text === name)?.reference.table;
  }

  /** A time, or the length of one. */
  isTime(expression: Expression): boolean {
    switch (expression.kind) {
      case "name":
        if (this.isVariable(expression.name)) return false;
        return this.isTimeNamed(expression.name);
      case "select":
        return this.typeOf(expression.operand, expression.field) === TIME_TYPE;
      case "binary":
        return (
          (expression.operator === "+" || expression.operator === "-") &&
          (this.isTime(expression.left) || this.isTime(expression.right))
        );
      case "conditional":
        return this.isTime(expression.whenTrue) || this.isTime(expression.whenFalse);
      default:
        return false;
    }
  }

  private isTimeNamed(name: string): boolean {
    const defined = this.around.action?.defines.find((define) => define.name.text === name);
    if (defined !== undefined) return this.isTime(defined.value.expression);
    return name === "now" || this.words.isTime(this.around.table ?? "", name);
  }

  private typeOf(operand: Expression, field: string): string | undefined {
    const owner = nameOf(operand);
    if (owner === "p") {
      const given = this.around.action?.params.find(({ name }) => name.text === field);
      return given && this.words.typeWritten(given.type.text);
    }
    if (owner === "settings") return this.words.settingNamed(field)?.type?.text;
    return this.words.columnType(this.tableOf(operand) ?? "", field);
  }

  isNumber(expression: Expression): boolean {
    switch (expression.kind) {
      case "int":
        return true;
      case "call":
        return COUNTING.includes(expression.name);
      case "binary":
        return ["+", "-", "*", "/", "%"].includes(expression.operator) && !this.isText(expression);
      case "select":
        return (
          nameOf(expression.operand) === "settings" ||
          isNumberType(this.typeOf(expression.operand, expression.field) ?? "")
        );
      case "name": {
        const define = this.around.action?.defines.find(({ name }) => name.text === expression.name);
        if (define !== undefined) return this.isNumber(define.value.expression);
        return expression.name === "now" || this.words.isNumber(this.around.table ?? "", expression.name);
      }
      case "conditional":
        return this.isNumber(expression.whenTrue) || this.isNumber(expression.whenFalse);
      default:
        return false;
    }
  }

  /** An entry that says yes or no. */
  isFlag(expression: Expression): boolean {
    if (expression.kind === "name") return this.words.columnType(this.around.table ?? "", expression.name) === "bool";
    return expression.kind === "select" && this.typeOf(expression.operand, expression.field) === "bool";
  }

  /** Something that holds or not, rather than an entry that says so. */
  isClaim(expression: Expression): boolean {
    if (expression.kind === "name") {
      const defined = this.around.action?.defines.find(({ name }) => name.text === expression.name);
      return defined !== undefined && this.isClaim(defined.value.expression);
    }
    if (expression.kind === "not") return true;
    return expression.kind === "binary" && CLAIMS.includes(expression.operator);
  }

  /** What a length is counted in; undefined where the document does not say what it is. */
  unitOfLength(expression: Expression): LengthUnit | undefined {
    if (expression.kind === "list" || expression.kind === "macro") return "items";
    if (expression.kind === "name") {
      const defined = this.around.action?.defines.find(({ name }) => name.text === expression.name);
      if (defined !== undefined) return this.unitOfLength(defined.value.expression);
    }
    const type = this.typeHere(expression);
    if (type.startsWith("list")) return "items";
    if (type.startsWith("bytes")) return "bytes";
    return /^(?:text|id)\b/.test(type) || this.isText(expression) ? "characters" : undefined;
  }

  /** The type of an entry, or of a column that stands bare; "" for other things. */
  private typeHere(expression: Expression): string {
    if (expression.kind === "select") return this.typeOf(expression.operand, expression.field) ?? "";
    return this.words.columnType(this.around.table ?? "", nameOf(expression));
  }

  /** Texts that are put together, as names of accounts are. */
  isText(expression: Expression): boolean {
    if (expression.kind === "text") return true;
    if (expression.kind === "call") return expression.name === "string";
    return (
      expression.kind === "binary" &&
      expression.operator === "+" &&
      (this.isText(expression.left) || this.isText(expression.right))
    );
  }
}

export function nameOf(expression: Expression): string {
  return expression.kind === "name" ? expression.name : "";
}

/** The parts that are joined to a text, from left to right. */
export function partsOf(expression: Expression): readonly Expression[] {
  if (expression.kind !== "binary" || expression.operator !== "+") return [expression];
  return [...partsOf(expression.left), ...partsOf(expression.right)];
}

/** A parameter, which may be called as the field that it is compared with. */
export function isGiven(expression: Expression): boolean {
  return expression.kind === "select" && nameOf(expression.operand) === "p";
}

export function isRolesOfCaller(expression: Expression): boolean {
  return expression.kind === "select" && expression.field === "roles" && nameOf(expression.operand) === "caller";
}
