// The literals and forms of CEL that contracts do not have: 1.5, 1u, `quoted names`, {key: value}, Message{field: value}, .absolute.names.
// Everything else is read by the lexer and the parser of contracts.

import type { ExpressionReader } from "../../src/contracts/dialect.ts";
import type { Expression } from "../../src/contracts/expression.ts";
import { isDigit, isNamePart, type Token } from "../../src/contracts/lexer.ts";

const HEX_DIGITS = new Set("0123456789abcdefABCDEF");

/** Fractions, unsigned integers, and names in backticks. */
export function foreignToken(source: string, at: number): Token | undefined {
  const code = source.charCodeAt(at);
  if (source[at] === "`") return quotedName(source, at);
  if (!isDigit(code) && !(source[at] === "." && isDigit(source.charCodeAt(at + 1)))) return undefined;
  if (at > 0 && isNamePart(source.charCodeAt(at - 1))) return undefined;
  return isUnsignedNext(source, at) ?? fraction(source, at);
}

function quotedName(source: string, at: number): Token | undefined {
  const closing = source.indexOf("`", at + 1);
  if (closing < 0) return undefined;
  return { kind: "name", value: source.slice(at + 1, closing), at, end: closing + 1 };
}

function digitsEnd(source: string, from: number): number {
  let end = from;
  while (isDigit(source.charCodeAt(end))) end += 1;
  return end;
}

function isUnsignedNext(source: string, at: number): Token | undefined {
  let end = digitsEnd(source, at);
  if (source[at] === "0" && (source[at + 1] === "x" || source[at + 1] === "X")) {
    end = at + 2;
    while (HEX_DIGITS.has(source[end] ?? "")) end += 1;
  }
  if (end === at || (source[end] !== "u" && source[end] !== "U")) return undefined;
  return { kind: "foreign", form: "uint", value: source.slice(at, end), at, end: end + 1 };
}

function fraction(source: string, at: number): Token | undefined {
  const whole = digitsEnd(source, at);
  let end = whole;
  if (source[end] === "." && isDigit(source.charCodeAt(end + 1))) end = digitsEnd(source, end + 1);
  if (source[end] === "e" || source[end] === "E") {
    const sign = source[end + 1] === "+" || source[end + 1] === "-" ? 1 : 0;
    const exponent = digitsEnd(source, end + 1 + sign);
    if (exponent > end + 1 + sign) end = exponent;
  }
  return end === whole ? undefined : { kind: "foreign", form: "double", value: source.slice(at, end), at, end };
}

/** A map, a message, or a name with a leading dot. */
export function foreignForm(reader: ExpressionReader, operand: Expression | undefined): Expression | undefined {
  const { at } = reader.peek();
  if (operand === undefined) {
    if (reader.takeSign("{")) return mapLiteral(reader, at);
    if (reader.takeSign(".")) return { kind: "name", name: `.${reader.name().value}`, at, end: at + 1, depth: 1 };
    return undefined;
  }
  const path = pathOf(operand);
  return path !== undefined && reader.takeSign("{") ? messageLiteral(reader, path, operand.at) : undefined;
}

function mapLiteral(reader: ExpressionReader, at: number): Expression {
  const parts: Expression[] = [];
  while (!reader.takeSign("}")) {
    parts.push(reader.expression());
    reader.expectSign(":");
    parts.push(reader.expression());
    if (reader.takeSign("}")) break;
    reader.expectSign(",");
  }
  return reader.foreign("map", [], parts, at);
}

function messageLiteral(reader: ExpressionReader, path: string, at: number): Expression {
  const names = [path];
  const parts: Expression[] = [];
  while (!reader.takeSign("}")) {
    names.push(reader.name().value);
    reader.expectSign(":");
    parts.push(reader.expression());
    if (reader.takeSign("}")) break;
    reader.expectSign(",");
  }
  return reader.foreign("message", names, parts, at);
}

/** `a.b.c` of a name and selections; undefined for anything else. */
export function pathOf(expression: Expression): string | undefined {
  if (expression.kind === "name") return expression.name;
  if (expression.kind !== "select") return undefined;
  const operand = pathOf(expression.operand);
  return operand === undefined ? undefined : `${operand}.${expression.field}`;
}
