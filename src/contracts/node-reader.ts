// Takes the tree of a document apart by expected shape and reports what is missing, unknown or of the wrong kind.
// It knows shapes, names and expressions; what a contract consists of is parse-document's business.

import type { ConditionDocument, Label, Name, Sentence, SourceExpression, Template } from "./document.ts";
import {
  type Expression,
  type IndexReference,
  parseExpression,
  parseIndexReference,
  parseRowReference,
  RESERVED_WORDS,
  type RowReference,
} from "./expression.ts";
import type { Findings, Offset } from "./finding.ts";
import { isNamePart, isNameStart, SyntaxFault, tokenize } from "./lexer.ts";
import { lookalike } from "./lookalike.ts";
import { hiddenCharacter } from "./text.ts";
import { type MapEntry, placeInside, type ScalarNode, type SourceNode } from "./yaml-document.ts";

/** Names of two parts (`alias.field`, `table.field`) are names of values in receipts, which have at most 64 bytes. */
const NAME_LENGTH_MAX = 30;
/** Contracts are called by their name; it stands alone. */
const CONTRACT_NAME_LENGTH_MAX = 64;
/** Words that stand for something in every action; nothing may be called like them. */
export const TAKEN_NAMES: ReadonlySet<string> = new Set(["p", "settings", "caller", "now", "cosigners", "has", "new"]);

/** Fields of a map by name. */
export type Fields = ReadonlyMap<string, MapEntry>;

export class NodeReader {
  readonly source: string;
  readonly findings: Findings;

  constructor(source: string, findings: Findings) {
    this.source = source;
    this.findings = findings;
  }

  /** The entries of a map whose keys are all in `known`; reports the others and what is missing. */
  fields(
    node: SourceNode,
    what: string,
    { known, required }: { readonly known: readonly string[]; readonly required: readonly string[] },
  ): Fields {
    const entries = this.entries(node, what);
    for (const { key, keyAt } of entries) {
      if (!known.includes(key))
        this.findings.error(keyAt, "FIELD_UNKNOWN", `${what} has no ${JSON.stringify(key)}`, known);
    }
    const fields = new Map(entries.map((entry) => [entry.key, entry] as const));
    for (const name of required)
      if (!fields.has(name)) this.findings.error(node.at, "FIELD_MISSING", `${what} needs ${name}`);
    return fields;
  }

  entries(node: SourceNode | undefined, what: string): readonly MapEntry[] {
    if (node === undefined) return [];
    if (node.kind === "map") return node.entries;
    this.findings.error(node.at, "SHAPE", `${what} is a list of names with values, {name: value}`);
    return [];
  }

  items(node: SourceNode | undefined, what: string): readonly SourceNode[] {
    if (node === undefined) return [];
    if (node.kind === "list") return node.items;
    this.findings.error(node.at, "SHAPE", `${what} is a list`);
    return [];
  }

  scalar(node: SourceNode | undefined, what: string): ScalarNode | undefined {
    if (node === undefined) return undefined;
    if (node.kind === "scalar" && node.text !== "") return node;
    this.findings.error(node.at, "SHAPE", `${what} is a text`);
    return undefined;
  }

  text(node: SourceNode | undefined, what: string): Name | undefined {
    const scalar = this.scalar(node, what);
    return scalar === undefined ? undefined : { text: scalar.text, at: scalar.at };
  }

  /** A name used as such; `hyphens`: also a-b, for contracts. */
  name(
    text: string,
    at: Offset,
    what: string,
    { hyphens }: { readonly hyphens: boolean } = { hyphens: false },
  ): Name | undefined {
    const lengthMax = hyphens ? CONTRACT_NAME_LENGTH_MAX : NAME_LENGTH_MAX;
    let isValid = text.length <= lengthMax && isNameStart(text.charCodeAt(0));
    for (let index = 0; index < text.length; index += 1) {
      isValid &&= isNamePart(text.charCodeAt(index)) || (hyphens && text[index] === "-");
    }
    if (!isValid) {
      this.findings.error(at, "NAME_INVALID", `${what} is a word of letters, digits and _, at most ${lengthMax} long`);
      return undefined;
    }
    if (RESERVED_WORDS.has(text) || TAKEN_NAMES.has(text)) {
      this.findings.error(at, "NAME_RESERVED", `${JSON.stringify(text)} means something else in the language`);
      return undefined;
    }
    return { text, at };
  }

  names(node: SourceNode | undefined, what: string): readonly Name[] {
    return this.items(node, what).flatMap((item) => {
      const text = this.text(item, `an item of ${what}`);
      return text === undefined ? [] : [text];
    });
  }

  integer(node: SourceNode | undefined, what: string): bigint | undefined {
    const expression = this.expression(node, what)?.expression;
    if (expression === undefined) return undefined;
    if (expression.kind === "int") return expression.value;
    this.findings.error(node?.at ?? 0, "SHAPE", `${what} is a number`);
    return undefined;
  }

  expression(node: SourceNode | undefined, what: string): SourceExpression | undefined {
    const scalar = this.scalar(node, what);
    if (scalar === undefined) return undefined;
    const expression = this.parsed(scalar, 0, scalar.text, parseExpression);
    return (
      expression && {
        text: scalar.text,
        at: scalar.at,
        expression,
        placeOf: (offset) => placeInside(this.source, scalar, offset),
      }
    );
  }

  rowReference(
    node: SourceNode,
  ): { readonly reference: RowReference; readonly placeOf: (offset: Offset) => Offset } | undefined {
    const scalar = this.scalar(node, "a read");
    const reference = scalar && this.parsed(scalar, 0, scalar.text, parseRowReference);
    return scalar && reference && { reference, placeOf: (offset) => placeInside(this.source, scalar, offset) };
  }

  indexReference(
    node: SourceNode | undefined,
  ): { readonly reference: IndexReference; readonly placeOf: (offset: Offset) => Offset } | undefined {
    const scalar = this.scalar(node, "all");
    const reference = scalar && this.parsed(scalar, 0, scalar.text, parseIndexReference);
    return scalar && reference && { reference, placeOf: (offset) => placeInside(this.source, scalar, offset) };
  }

  /** A condition alone, or `{if: condition, else: sentence}`. */
  condition(
    node: SourceNode,
    what: string,
    { sentence }: { readonly sentence: "required" | "optional" },
  ): ConditionDocument | undefined {
    if (node.kind === "scalar" && sentence === "optional") {
      const condition = this.expression(node, what);
      return condition && { at: node.at, condition, sentence: undefined };
    }
    const fields = this.fields(node, what, { known: ["if", "else"], required: ["if", "else"] });
    const condition = this.expression(fields.get("if")?.value, `if of ${what}`);
    const otherwise = fields.get("else");
    return (
      condition && { at: node.at, condition, sentence: otherwise && this.sentence(otherwise.value, `else of ${what}`) }
    );
  }

  /** Chinese text, or {zh, en}. */
  sentence(node: SourceNode, what: string): Sentence | undefined {
    if (node.kind !== "map") {
      const zh = this.template(node, what);
      return zh && { zh, en: undefined };
    }
    const fields = this.fields(node, what, { known: ["zh", "en"], required: ["zh", "en"] });
    const zh = this.template(fields.get("zh")?.value, what);
    return zh && { zh, en: this.template(fields.get("en")?.value, what) };
  }

  /** Text for people that names no values, in Chinese or {zh, en}. */
  label(entry: MapEntry | undefined, what: string): Label | undefined {
    const sentence = entry && this.sentence(entry.value, what);
    if (sentence === undefined) return undefined;
    const plain = (template: Template | undefined) =>
      template?.map((part) => (typeof part === "string" ? part : this.refuseValue(part))).join("");
    return { zh: plain(sentence.zh) ?? "", en: plain(sentence.en) };
  }

  private refuseValue({ at, text }: SourceExpression): string {
    this.findings.error(at, "SENTENCE_REFERENCE", `this text names no values: write {{${text}}} for the braces`);
    return "";
  }

  // {reference} is replaced by its value, {{ and }} stand for the braces themselves.
  private template(node: SourceNode | undefined, what: string): Template | undefined {
    const scalar = this.scalar(node, what);
    if (scalar === undefined) return undefined;
    const { text } = scalar;
    this.reportLookalike(text, scalar.at, { alone: false });
    const parts: (string | SourceExpression)[] = [];
    let plain = "";
    for (let index = 0; index < text.length; index += 1) {
      const character = text[index] ?? "";
      if (character !== "{" && character !== "}") plain += character;
      else if (text[index + 1] === character) {
        plain += character;
        index += 1;
      } else {
        const close = text.indexOf("}", index);
        const reference =
          character === "{" && close !== -1
            ? this.reference(scalar, index + 1, text.slice(index + 1, close))
            : undefined;
        if (reference === undefined) {
          this.findings.error(
            placeInside(this.source, scalar, index),
            "SENTENCE_SYNTAX",
            "write {name.field} for a value, {{ and }} for braces",
          );
          return undefined;
        }
        parts.push(plain, reference);
        plain = "";
        index = close;
      }
    }
    return [...parts, plain].filter((part) => part !== "");
  }

  private reference(scalar: ScalarNode, start: Offset, text: string): SourceExpression | undefined {
    const expression = this.parsed(scalar, start, text, parseExpression);
    if (expression?.kind !== "name" && expression?.kind !== "select") return undefined;
    const placeOf = (offset: Offset) => placeInside(this.source, scalar, start + offset);
    return { text, at: placeOf(0), expression, placeOf };
  }

  private reportLookalike(text: string, at: Offset, options: { readonly alone: boolean }): void {
    const index = lookalike(text, options);
    if (index < 0) return;
    const code = text.charCodeAt(index).toString(16).padStart(4, "0").toUpperCase();
    this.findings.error(
      at,
      "TEXT_LOOKALIKE",
      `${JSON.stringify(text.slice(index, index + 2).toWellFormed())} (U+${code}) is easily taken for another letter`,
    );
  }

  private parsed<T extends Expression | RowReference>(
    scalar: ScalarNode,
    start: Offset,
    text: string,
    parse: (text: string) => T,
  ): T | undefined {
    try {
      const parsed = parse(text);
      // Only what is written with a backslash or beyond ASCII can hide something.
      if (isPlainAscii(text)) return parsed;
      for (const token of tokenize(text)) {
        if (token.kind !== "text") continue;
        const at = placeInside(this.source, scalar, start + token.at);
        if (hiddenCharacter(token.value) >= 0)
          this.findings.error(at, "DOCUMENT_TEXT", "this text has a character that shows nothing");
        this.reportLookalike(token.value, at, { alone: true });
      }
      return parsed;
    } catch (fault) {
      if (!(fault instanceof SyntaxFault)) throw fault;
      // Inside { } and [ ] YAML ends an unquoted text at the first comma, also at one inside parentheses.
      const isCut = this.source[scalar.end] === "," && fault.at >= text.length;
      const hint = isCut ? "; a comma ends an unquoted text here: put the expression in quotes" : "";
      this.findings.error(placeInside(this.source, scalar, start + fault.at), fault.code, `${fault.message}${hint}`);
      return undefined;
    }
  }
}

function isPlainAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 92 || code >= 127) return false;
  }
  return true;
}
