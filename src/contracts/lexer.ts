// Cuts the text of a CEL expression into tokens, one pass over character codes.
// It knows no names and no types; it never uses regular expressions.

import type { Dialect } from "./dialect.ts";
import type { Offset } from "./finding.ts";

export type Token =
  | { readonly kind: "int"; readonly value: bigint; readonly at: Offset; readonly end: Offset }
  | { readonly kind: "text"; readonly value: string; readonly at: Offset; readonly end: Offset }
  | { readonly kind: "bytes"; readonly value: Uint8Array; readonly at: Offset; readonly end: Offset }
  | { readonly kind: "name"; readonly value: string; readonly at: Offset; readonly end: Offset }
  | { readonly kind: "sign"; readonly value: string; readonly at: Offset; readonly end: Offset }
  /** of a dialect only */
  | {
      readonly kind: "foreign";
      readonly form: string;
      readonly value: string;
      readonly at: Offset;
      readonly end: Offset;
    }
  | { readonly kind: "end"; readonly at: Offset; readonly end: Offset };

/** Malformed text of an expression, caught where the expression is read and turned into a finding. */
export class SyntaxFault {
  readonly at: Offset;
  readonly code: string;
  readonly message: string;
  constructor(at: Offset, code: string, message: string) {
    this.at = at;
    this.code = code;
    this.message = message;
  }
}

const TWO_CHARACTER_SIGNS = new Set(["==", "!=", "<=", ">=", "&&", "||"]);
const ONE_CHARACTER_SIGNS = new Set([..."+-*/%<>!?:.,()[]{}"]);
const SIMPLE_ESCAPES = new Map([
  ["a", 7],
  ["b", 8],
  ["f", 12],
  ["n", 10],
  ["r", 13],
  ["t", 9],
  ["v", 11],
  ["\\", 92],
  ["?", 63],
  ['"', 34],
  ["'", 39],
  ["`", 96],
]);
const DIGITS_MAX = 20;
const UTF8 = new TextEncoder();

/** @throws SyntaxFault */
export function tokenize(source: string, dialect?: Dialect): readonly Token[] {
  return new Lexer(source, dialect).tokens();
}

export function isNameStart(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95;
}

export function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

export function isNamePart(code: number): boolean {
  return isNameStart(code) || isDigit(code);
}

function hexDigit(code: number): number {
  if (isDigit(code)) return code - 48;
  if (code >= 97 && code <= 102) return code - 87;
  if (code >= 65 && code <= 70) return code - 55;
  return -1;
}

class Lexer {
  private position = 0;
  private readonly source: string;
  private readonly dialect: Dialect | undefined;

  constructor(source: string, dialect: Dialect | undefined) {
    this.source = source;
    this.dialect = dialect;
  }

  tokens(): readonly Token[] {
    const tokens: Token[] = [];
    for (;;) {
      this.skipBlanks();
      const token = this.dialect?.token(this.source, this.position) ?? this.next();
      this.position = token.end;
      tokens.push(token);
      if (token.kind === "end") return tokens;
    }
  }

  private next(): Token {
    const at = this.position;
    if (at >= this.source.length) return { kind: "end", at, end: at };
    const code = this.source.charCodeAt(at);
    if (isNameStart(code)) return this.nameOrPrefixed(at);
    if (isDigit(code) || (code === 46 && isDigit(this.code(at + 1)))) return this.number(at);
    if (code === 34 || code === 39) return this.quoted(at, { isRaw: false, isBytes: false });
    const two = this.source.slice(at, at + 2);
    if (TWO_CHARACTER_SIGNS.has(two)) return this.sign(at, two);
    const one = this.source.slice(at, at + 1);
    if (ONE_CHARACTER_SIGNS.has(one)) return this.sign(at, one);
    throw new SyntaxFault(at, "EXPRESSION_CHARACTER", `unexpected character ${JSON.stringify(one)}`);
  }

  private sign(at: Offset, value: string): Token {
    this.position = at + value.length;
    return { kind: "sign", value, at, end: this.position };
  }

  private skipBlanks(): void {
    for (;;) {
      const code = this.code(this.position);
      if (code === 32 || code === 9 || code === 10 || code === 13 || code === 12) this.position += 1;
      else if (code === 47 && this.code(this.position + 1) === 47) this.skipLine();
      else return;
    }
  }

  private skipLine(): void {
    while (this.position < this.source.length && this.code(this.position) !== 10) this.position += 1;
  }

  /** -1 after the end */
  private code(at: Offset): number {
    return at < this.source.length ? this.source.charCodeAt(at) : -1;
  }

  // A name, unless it is one of the prefixes r, b, br directly before a quote.
  private nameOrPrefixed(at: Offset): Token {
    let end = at;
    while (isNamePart(this.code(end))) end += 1;
    const value = this.source.slice(at, end);
    const isQuoteNext = this.code(end) === 34 || this.code(end) === 39;
    if (isQuoteNext && (value === "r" || value === "R")) return this.quoted(end, { isRaw: true, isBytes: false }, at);
    if (isQuoteNext && (value === "b" || value === "B")) return this.quoted(end, { isRaw: false, isBytes: true }, at);
    if (isQuoteNext && value.length === 2 && "bB".includes(value[0] ?? "-") && "rR".includes(value[1] ?? "-")) {
      return this.quoted(end, { isRaw: true, isBytes: true }, at);
    }
    this.position = end;
    return { kind: "name", value, at, end };
  }

  private number(at: Offset): Token {
    let end = at;
    let value = 0n;
    if (this.code(at) === 48 && (this.code(at + 1) === 120 || this.code(at + 1) === 88)) {
      end = at + 2;
      while (hexDigit(this.code(end)) >= 0) end += 1;
      if (end === at + 2) throw new SyntaxFault(at, "NUMBER_INVALID", "0x needs digits");
      if (end - at > DIGITS_MAX) throw new SyntaxFault(at, "NUMBER_TOO_LARGE", "the number does not fit into 64 bits");
      value = BigInt(this.source.slice(at, end));
    } else {
      while (isDigit(this.code(end))) end += 1;
      this.refuseFraction(at, end);
      // Counted before conversion: a literal of a megabyte costs no conversion.
      if (end - at > DIGITS_MAX) throw new SyntaxFault(at, "NUMBER_TOO_LARGE", "the number does not fit into 64 bits");
      value = BigInt(this.source.slice(at, end));
    }
    const next = this.code(end);
    if (next === 117 || next === 85)
      throw new SyntaxFault(
        at,
        "UNSIGNED_NOT_ALLOWED",
        "unsigned literals do not exist in contracts; write it without u",
      );
    if (isNamePart(next)) throw new SyntaxFault(end, "NUMBER_INVALID", "a number ends before a letter");
    this.position = end;
    return { kind: "int", value, at, end };
  }

  private refuseFraction(at: Offset, end: Offset): void {
    const next = this.code(end);
    const isFraction = (next === 46 && isDigit(this.code(end + 1))) || next === 101 || next === 69;
    if (isFraction || end === at) {
      throw new SyntaxFault(
        at,
        "FRACTION_NOT_ALLOWED",
        "contracts compute with integers only: use fen, cm2, ms, or mulDiv",
      );
    }
  }

  private quoted(
    quoteAt: Offset,
    form: { readonly isRaw: boolean; readonly isBytes: boolean },
    at: Offset = quoteAt,
  ): Token {
    const mark = this.source[quoteAt] ?? "";
    const delimiter = this.source.startsWith(mark.repeat(3), quoteAt) ? mark.repeat(3) : mark;
    this.position = quoteAt + delimiter.length;
    const codePoints: number[] = [];
    while (!this.source.startsWith(delimiter, this.position)) {
      const code = this.source.codePointAt(this.position);
      if (code === undefined || (delimiter.length === 1 && (code === 10 || code === 13))) {
        throw new SyntaxFault(at, "TEXT_UNTERMINATED", `the text has no closing ${delimiter}`);
      }
      if (code === 92 && !form.isRaw) this.escape(codePoints, form.isBytes);
      else {
        this.position += code > 0xffff ? 2 : 1;
        this.push(codePoints, code, form.isBytes);
      }
    }
    this.position += delimiter.length;
    const end = this.position;
    if (form.isBytes) return { kind: "bytes", value: Uint8Array.from(codePoints), at, end };
    let value = "";
    for (const code of codePoints) value += String.fromCodePoint(code);
    return { kind: "text", value, at, end };
  }

  private push(into: number[], codePoint: number, isBytes: boolean): void {
    if (isBytes && codePoint > 127) for (const byte of UTF8.encode(String.fromCodePoint(codePoint))) into.push(byte);
    else into.push(codePoint);
  }

  private escape(into: number[], isBytes: boolean): void {
    const at = this.position;
    const letter = this.source[at + 1] ?? "";
    const simple = SIMPLE_ESCAPES.get(letter);
    this.position = at + 2;
    if (simple !== undefined) into.push(simple);
    else if (letter === "x" || letter === "X") into.push(this.digits(at, 2, 16));
    else if (letter >= "0" && letter <= "3") {
      this.position = at + 1;
      into.push(this.digits(at, 3, 8));
    } else if (!isBytes && (letter === "u" || letter === "U")) into.push(this.scalarValue(at, letter === "u" ? 4 : 8));
    else throw new SyntaxFault(at, "ESCAPE_INVALID", "unknown escape sequence");
  }

  private scalarValue(at: Offset, digits: number): number {
    const code = this.digits(at, digits, 16);
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
      throw new SyntaxFault(at, "ESCAPE_INVALID", "no such character");
    return code;
  }

  private digits(at: Offset, count: number, base: number): number {
    let value = 0;
    for (let index = 0; index < count; index += 1) {
      const digit = hexDigit(this.code(this.position));
      if (digit < 0 || digit >= base) throw new SyntaxFault(at, "ESCAPE_INVALID", `the escape needs ${count} digits`);
      value = value * base + digit;
      this.position += 1;
    }
    return value;
  }
}
