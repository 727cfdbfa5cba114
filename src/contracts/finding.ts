// What the checks of a contract document report to its author, and limits of documents and expressions.
// Findings are collected, several at once; they are never thrown across a border.

import { isNamePart } from "./lexer.ts";
import { nearestName } from "./nearest-name.ts";

export interface Finding {
  readonly code: string;
  readonly severity: "error" | "warning";
  /** 1-based */
  readonly line: number;
  /** 1-based, in UTF-16 code units as editors count */
  readonly column: number;
  readonly message: string;
  /** the names that would have been understood here */
  readonly known?: readonly string[];
}

/** Where something stands in a document: offset into the source, in UTF-16 code units. */
export type Offset = number;

/** Findings of one document; offsets become lines and columns when they are added. */
export class Findings {
  private readonly items: Finding[] = [];
  private readonly lineStarts: readonly number[];
  private readonly source: string;

  constructor(source: string) {
    this.source = source;
    const starts = [0];
    for (let index = 0; index < source.length; index += 1) if (source.charCodeAt(index) === 10) starts.push(index + 1);
    this.lineStarts = starts;
  }

  error(at: Offset, code: string, message: string, known?: readonly string[]): void {
    this.add(at, "error", code, message, known);
  }

  warning(at: Offset, code: string, message: string, known?: readonly string[]): void {
    this.add(at, "warning", code, message, known);
  }

  get hasErrors(): boolean {
    return this.items.some(({ severity }) => severity === "error");
  }

  get errorCount(): number {
    return this.items.filter(({ severity }) => severity === "error").length;
  }

  /** In order of position, at most FINDINGS_MAX. */
  list(): readonly Finding[] {
    return [...this.items].sort((left, right) => left.line - right.line || left.column - right.column);
  }

  lineOf(at: Offset): number {
    let low = 0;
    let high = this.lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.lineStarts[middle]! <= at) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  }

  private add(
    at: Offset,
    severity: "error" | "warning",
    code: string,
    message: string,
    known?: readonly string[],
  ): void {
    if (this.items.length >= FINDINGS_MAX) return;
    const line = this.lineOf(at);
    const column = at - this.lineStarts[line - 1]! + 1;
    const finding = { code, severity, line, column, message };
    if (known === undefined) {
      this.items.push(finding);
      return;
    }
    const { whole, last } = this.nameAt(at);
    const meant = nearestName(last, known) ?? nearestName(whole, known);
    const suggested = meant === undefined ? message : `${message}: did you mean ${meant}?`;
    this.items.push({ ...finding, message: suggested, known });
  }

  /** The name that stands there, in quotes or not, and its last part: `item.cost` and `cost`. */
  private nameAt(at: Offset): { readonly whole: string; readonly last: string } {
    let start = at;
    while (isQuote(this.source[start])) start += 1;
    let last = start;
    let end = start;
    while (end - start < NAME_LENGTH_MAX && isNameLetter(this.source.charCodeAt(end))) {
      end += 1;
      if (this.source[end] !== "." || !isNameLetter(this.source.charCodeAt(end + 1))) continue;
      end += 1;
      last = end;
    }
    return { whole: this.source.slice(start, end), last: this.source.slice(last, end) };
  }
}

function isQuote(character: string | undefined): boolean {
  return character === '"' || character === "'" || character === "\\";
}

function isNameLetter(code: number): boolean {
  return isNamePart(code) || code === 45;
}

const NAME_LENGTH_MAX = 128;
export const FINDINGS_MAX = 100;
/** Depth of an expression, counted with what it refers to through `define`; never left to the JS stack. */
export const EXPRESSION_DEPTH_MAX = 96;
export const EXPRESSION_NODES_MAX = 4096;
