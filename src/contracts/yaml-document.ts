// Reads the YAML of a contract into a tree of maps, lists and texts that know where they stand. The only user of the yaml package.
// No aliases, tags, directives or duplicate keys; depth and size are counted before anything recursive runs.

import { Composer, type CST, isMap, isScalar, isSeq, Lexer, type Node, Parser } from "yaml";
import { utf8Length } from "../ledger/codec.ts";
import type { Findings, Offset } from "./finding.ts";
import { SOURCE_BYTES_MAX } from "./system.ts";
import { hiddenCharacter } from "./text.ts";

export interface MapEntry {
  readonly key: string;
  readonly keyAt: Offset;
  readonly value: SourceNode;
}

export interface ScalarNode {
  readonly kind: "scalar";
  readonly text: string;
  readonly at: Offset;
  /** offset after it, for finding one's way inside */
  readonly end: Offset;
}

export type SourceNode =
  | { readonly kind: "map"; readonly entries: readonly MapEntry[]; readonly at: Offset }
  | { readonly kind: "list"; readonly items: readonly SourceNode[]; readonly at: Offset }
  | ScalarNode;

/** Levels of nesting; a contract needs eight. */
export const DOCUMENT_DEPTH_MAX = 24;
/** Words, signs, line ends and stretches of blanks: the largest contracts of the library have 8,000. */
export const DOCUMENT_MARKS_MAX = 32_768;
const COMPLAINTS_SHOWN = 3;

/** What a layout shows beside values: comments, blank lines, braces, and each scalar exactly as it was written. */
interface Laid {
  /** comment lines before it, without #; an empty one is a blank line */
  readonly before: readonly string[];
  /** comment lines after it */
  readonly after: readonly string[];
  readonly blankBefore: boolean;
}

export type LayoutNode = Laid &
  (
    | { readonly kind: "scalar"; readonly written: string; readonly isBlock: boolean }
    | {
        readonly kind: "map";
        readonly inBraces: boolean;
        readonly entries: readonly { readonly key: LayoutNode; readonly value: LayoutNode }[];
      }
    | { readonly kind: "list"; readonly inBraces: boolean; readonly items: readonly LayoutNode[] }
  );

export interface Layout {
  readonly root: LayoutNode;
  readonly header: readonly string[];
  readonly footer: readonly string[];
  /** every comment of the document, in order */
  readonly comments: readonly string[];
}

/** @returns undefined when the document has findings that leave no tree */
export function readYaml(source: string, findings: Findings): SourceNode | undefined {
  const composed = compose(source, findings);
  return composed && treeOf(composed.contents, findings);
}

/** The same document with its comments and as it was written, for the formatter. Undefined as for `readYaml`. */
export function readLayout(source: string, findings: Findings): Layout | undefined {
  const composed = compose(source, findings);
  if (composed === undefined) return undefined;
  const { contents, commentBefore, comment, comments } = composed;
  return {
    root: layoutOf(contents, source),
    header: linesOf(commentBefore),
    footer: linesOf(comment),
    comments,
  };
}

interface Composed {
  readonly contents: Node;
  readonly commentBefore: string | null;
  readonly comment: string | null;
  readonly comments: readonly string[];
}

function compose(source: string, findings: Findings): Composed | undefined {
  if (!source.isWellFormed()) return refuse(findings, 0, "DOCUMENT_TEXT", "the document is not well-formed Unicode");
  if (utf8Length(source) > SOURCE_BYTES_MAX)
    return refuse(findings, 0, "DOCUMENT_TOO_LARGE", `a document has at most ${SOURCE_BYTES_MAX} bytes`);
  const hidden = hiddenCharacter(source);
  if (hidden >= 0) return refuse(findings, hidden, "DOCUMENT_TEXT", hiddenMessage(source, hidden));
  const before = findings.errorCount;
  const tokens = parse(source, findings);
  if (tokens === undefined) return undefined;
  const comments = checkTokens(tokens, findings);
  if (findings.errorCount > before) return undefined;
  // Everything is text here (failsafe schema): what a number or a condition is, the contract's own types decide.
  const documents = [...new Composer({ schema: "failsafe", uniqueKeys: false, prettyErrors: false }).compose(tokens)];
  const [document] = documents;
  // One mistake makes many complaints; the first ones are about it.
  const complaints = documents.flatMap(({ errors }) => errors).slice(0, COMPLAINTS_SHOWN);
  for (const { pos, message } of complaints) findings.error(pos[0], "YAML_SYNTAX", message);
  if (document === undefined || document.contents === null)
    return refuse(findings, 0, "DOCUMENT_EMPTY", "the document is empty");
  if (findings.errorCount > before) return undefined;
  const { contents, commentBefore, comment } = document;
  return { contents, commentBefore, comment, comments };
}

// Cut into marks first and counted: what the parser and the composer do with each is then bounded, complaints included.
function parse(source: string, findings: Findings): readonly CST.Token[] | undefined {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  let count = 0;
  for (const mark of new Lexer().lex(source)) {
    count += 1;
    if (count > DOCUMENT_MARKS_MAX)
      return refuse(findings, 0, "DOCUMENT_TOO_LARGE", `a document has at most ${DOCUMENT_MARKS_MAX} words and signs`);
    for (const token of parser.next(mark)) tokens.push(token);
  }
  for (const token of parser.end()) tokens.push(token);
  return tokens;
}

function refuse(findings: Findings, at: Offset, code: string, message: string): undefined {
  findings.error(at, code, message);
  return undefined;
}

// The parser's tokens form a tree that was built without recursion; it is walked with a stack of its own, level counted.
/** @returns the comments */
function checkTokens(tokens: readonly CST.Token[], findings: Findings): readonly string[] {
  let documents = 0;
  const comments: { readonly at: Offset; readonly text: string }[] = [];
  const pending: { readonly token: CST.Token; readonly depth: number }[] = tokens
    .map((token) => ({ token, depth: 0 }))
    .reverse();
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { token, depth } = next;
    if (depth > DOCUMENT_DEPTH_MAX) {
      findings.error(token.offset, "DOCUMENT_TOO_DEEP", `a document nests at most ${DOCUMENT_DEPTH_MAX} levels deep`);
      return [];
    }
    if (token.type === "comment") comments.push({ at: token.offset, text: token.source });
    const problem = problemOf(token);
    if (problem !== undefined) findings.error(token.offset, problem.code, problem.message);
    if (token.type === "document") {
      documents += 1;
      if (documents > 1) findings.error(token.offset, "DOCUMENT_SEVERAL", "one file holds one document");
    }
    for (const child of childrenOf(token)) pending.push({ token: child, depth: depth + 1 });
  }
  return comments.sort((left, right) => left.at - right.at).map(({ text }) => text);
}

function problemOf(token: CST.Token): { readonly code: string; readonly message: string } | undefined {
  switch (token.type) {
    case "anchor":
    case "alias":
      return { code: "YAML_ALIAS", message: "anchors and aliases are not used in contracts" };
    case "tag":
      return { code: "YAML_TAG", message: "tags are not used in contracts" };
    case "directive":
      return { code: "YAML_DIRECTIVE", message: "directives are not used in contracts" };
    case "error":
      return { code: "YAML_SYNTAX", message: token.message };
    default:
      return undefined;
  }
}

// Never by spreading into arguments: how many of those fit is a question of the stack.
function childrenOf(token: CST.Token): readonly CST.Token[] {
  const children: CST.Token[] = [];
  const add = (more: CST.Token | readonly CST.Token[] | null | undefined) => {
    for (const child of [more ?? []].flat()) children.push(child);
  };
  if ("start" in token) add(token.start);
  if ("props" in token) add(token.props);
  if ("end" in token) add(token.end);
  if ("value" in token) add(token.value);
  if (!("items" in token)) return children;
  for (const item of token.items) {
    add(item.start);
    add(item.key);
    add(item.sep);
    add(item.value);
  }
  return children;
}

// Depth was limited above, so recursion is.
function treeOf(node: unknown, findings: Findings, emptyAt: Offset = 0): SourceNode {
  if (isScalar(node)) {
    const [at, end] = node.range ?? [emptyAt, emptyAt];
    const text = typeof node.value === "string" ? node.value : "";
    // What an escape wrote down would be as invisible wherever the text is shown.
    const hidden = hiddenCharacter(text);
    if (hidden >= 0) findings.error(at, "DOCUMENT_TEXT", hiddenMessage(text, hidden));
    return { kind: "scalar", text, at, end };
  }
  if (isSeq(node)) {
    const at = node.range?.[0] ?? emptyAt;
    return { kind: "list", items: node.items.map((item) => treeOf(item, findings, at)), at };
  }
  if (!isMap(node)) return { kind: "scalar", text: "", at: emptyAt, end: emptyAt };
  const at = node.range?.[0] ?? emptyAt;
  const entries: MapEntry[] = [];
  const seen = new Set<string>();
  for (const pair of node.items) {
    const key = treeOf(pair.key, findings, at);
    if (key.kind !== "scalar") findings.error(key.at, "YAML_KEY", "a key is a single word");
    else if (seen.has(key.text))
      findings.error(key.at, "YAML_DUPLICATE_KEY", `the key ${JSON.stringify(key.text)} appears twice`);
    else {
      seen.add(key.text);
      entries.push({ key: key.text, keyAt: key.at, value: treeOf(pair.value, findings, key.end) });
    }
  }
  return { kind: "map", entries, at };
}

function hiddenMessage(text: string, index: number): string {
  const code = text.charCodeAt(index).toString(16).toUpperCase().padStart(4, "0");
  return `the character U+${code} cannot be seen: what people read would not be what is meant`;
}

function layoutOf(node: unknown, source: string): LayoutNode {
  if (isMap(node)) {
    const entries = node.items.map(({ key, value }) => ({
      key: layoutOf(key, source),
      value: layoutOf(value, source),
    }));
    return { ...laid(node), kind: "map", inBraces: node.flow === true, entries };
  }
  if (isSeq(node)) {
    const items = node.items.map((item) => layoutOf(item, source));
    return { ...laid(node), kind: "list", inBraces: node.flow === true, items };
  }
  if (!isScalar(node))
    return { kind: "scalar", written: "", isBlock: false, before: [], after: [], blankBefore: false };
  const [start, end] = node.range ?? [0, 0];
  const isBlock = node.type === "BLOCK_FOLDED" || node.type === "BLOCK_LITERAL";
  return { ...laid(node), kind: "scalar", written: source.slice(start, end), isBlock };
}

function laid({ commentBefore, comment, spaceBefore }: Node): Laid {
  return { before: linesOf(commentBefore), after: linesOf(comment), blankBefore: spaceBefore === true };
}

function linesOf(comment: string | null | undefined): readonly string[] {
  if (comment === null || comment === undefined) return [];
  const lines = comment.split("\n").map((line) => line.trimEnd());
  while (lines.at(-1) === "") lines.pop();
  return lines;
}

const placesOfScalars = new WeakMap<ScalarNode, Int32Array>();

/**
 * Where a character of a scalar's text stands in the source: folded lines and escapes make the two differ.
 * Best effort in rare escapes, never outside the scalar. Asked for every part of an expression, so the places are found once.
 */
export function placeInside(source: string, scalar: ScalarNode, offset: Offset): Offset {
  let places = placesOfScalars.get(scalar);
  if (places === undefined) {
    places = placesInside(source, scalar);
    placesOfScalars.set(scalar, places);
  }
  return places[Math.min(offset, scalar.text.length)] ?? scalar.end;
}

/** The place of each character, and of the end. */
function placesInside(source: string, { text, at, end }: ScalarNode): Int32Array {
  const places = new Int32Array(text.length + 1);
  let place = at;
  const quote = source[place];
  if (quote === '"' || quote === "'") place += 1;
  for (let index = 0; index < text.length; index += 1) {
    const wanted = text[index];
    if (isBlank(wanted)) {
      places[index] = Math.min(place, end);
      while (place < end && isBlank(source[place])) place += 1;
      continue;
    }
    while (place < end && source[place] !== wanted) place += 1;
    places[index] = Math.min(place, end);
    place += 1;
  }
  places[text.length] = Math.min(place, end);
  return places;
}

function isBlank(character: string | undefined): boolean {
  return character === " " || character === "\n" || character === "\t" || character === "\r";
}
