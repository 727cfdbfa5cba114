// The canonical layout of a document: order of keys, indentation, one line or several. Comments and expressions stay as written.
// It never changes what a document means: its own output is read again and compared before anybody gets it.

import { type Finding, Findings } from "./finding.ts";
import { type Layout, type LayoutNode, readLayout, readYaml, type SourceNode } from "./yaml-document.ts";

/** Columns of a line after which `{...}` and `[...]` are written one part a line. Texts are never cut. */
export const LINE_WIDTH_MAX = 120;

/** What a map is, as far as the order of its keys goes. */
interface Shape {
  /** the keys in their order; others follow as they were */
  readonly order?: readonly string[];
  readonly keys?: Readonly<Record<string, Shape>>;
  /** of every value or item */
  readonly each?: Shape;
  /** entries stand apart by a blank line */
  readonly isSpaced?: boolean;
}

const SENTENCE: Shape = { order: ["zh", "en"] };
const CONDITION: Shape = { order: ["if", "else"], keys: { else: SENTENCE } };
const STATEMENT: Shape = {
  order: [
    "when",
    "insert",
    "update",
    "delete",
    "pay",
    "emit",
    "timer",
    "call",
    "cancel",
    "deploy",
    "withdraw",
    "row",
    "set",
    "with",
  ],
  keys: {
    pay: { order: ["from", "to", "amount"] },
    timer: { order: ["key", "at", "run", "with"] },
    deploy: { order: ["name", "source", "height"] },
  },
};
const SETTING: Shape = {
  order: ["title", "type", "value", "unit", "law"],
  keys: { title: SENTENCE, unit: SENTENCE, law: SENTENCE },
};
const COLUMNS: Shape = { each: { order: ["type", "default"] } };
const TABLE: Shape = {
  order: ["title", "key", "fields", "index", "always", "flow"],
  keys: { title: SENTENCE, key: COLUMNS, fields: COLUMNS, always: { each: CONDITION } },
};
const ACTION: Shape = {
  order: ["title", "law", "by", "params", "read", "define", "require", "do"],
  keys: { title: SENTENCE, law: SENTENCE, require: { each: CONDITION }, do: { each: STATEMENT } },
};
const CONTRACT: Shape = {
  order: [
    "rules",
    "contract",
    "title",
    "law",
    "words",
    "settings",
    "imports",
    "accounts",
    "tables",
    "actions",
    "migrate",
  ],
  keys: {
    title: SENTENCE,
    law: SENTENCE,
    words: { each: SENTENCE },
    settings: { each: SETTING },
    tables: { each: TABLE },
    actions: { each: ACTION, isSpaced: true },
  },
};
/** Short facts at the top stand together. */
const HEAD_KEYS = ["rules", "contract", "title", "law"];
const NO_SHAPE: Shape = {};

export type Formatting =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly findings: readonly Finding[] };

/** The document in canonical layout, or why it cannot be read. */
export function formatDocument(source: string): Formatting {
  const findings = new Findings(source);
  const layout = readLayout(source, findings);
  if (layout === undefined || findings.hasErrors) return { ok: false, findings: findings.list() };
  const text = write(layout);
  if (isSame(source, text)) return { ok: true, text };
  findings.error(
    0,
    "FORMAT_UNSAFE",
    "this layout cannot be formatted without changing it: use plain YAML maps and lists",
  );
  return { ok: false, findings: findings.list() };
}

/** Same values in the same places, apart from the order that the shapes give, and the same comments. */
function isSame(source: string, text: string): boolean {
  const findings = new Findings(text);
  const before = readYaml(source, findings);
  const after = readYaml(text, findings);
  if (before === undefined || after === undefined || findings.hasErrors) return false;
  const comments = (of: string) => JSON.stringify([...(readLayout(of, findings)?.comments ?? [])].map(trimmed).sort());
  return canonical(before, CONTRACT) === canonical(after, CONTRACT) && comments(source) === comments(text);
}

const trimmed = (comment: string) => comment.trim();

function canonical(node: SourceNode, shape: Shape): string {
  if (node.kind === "scalar") return JSON.stringify(node.text);
  if (node.kind === "list") return `[${node.items.map((item) => canonical(item, shape.each ?? NO_SHAPE)).join()}]`;
  const entries = ordered(node.entries, ({ key }) => key, shape);
  return `{${entries.map(({ key, value }) => `${JSON.stringify(key)}:${canonical(value, shapeOf(key, shape))}`).join()}}`;
}

function shapeOf(key: string, shape: Shape): Shape {
  return (Object.hasOwn(shape.keys ?? {}, key) ? shape.keys?.[key] : undefined) ?? shape.each ?? NO_SHAPE;
}

function ordered<T>(entries: readonly T[], keyOf: (entry: T) => string, { order = [] }: Shape): readonly T[] {
  const rank = (entry: T) => {
    const place = order.indexOf(keyOf(entry));
    return place < 0 ? order.length : place;
  };
  // The sort is stable: what has no place stays in its own order.
  return [...entries].sort((left, right) => rank(left) - rank(right));
}

// ---- writing ----

type MapNode = LayoutNode & { readonly kind: "map" };
type Entry = MapNode["entries"][number];
type Kept = Pick<LayoutNode, "before" | "after" | "blankBefore">;

function write({ root, header, footer }: Layout): string {
  const lines: string[] = [];
  const [first, ...others] = root.kind === "map" ? root.entries : [];
  // What stands above everything stays above everything, also when another key comes first.
  const top = [...header, ...root.before, ...(first?.key.before ?? [])];
  for (const line of top) lines.push(commentLine(line, ""));
  const bare = first && { key: { ...first.key, before: [], blankBefore: false }, value: first.value };
  const body = root.kind === "map" && bare !== undefined ? { ...root, before: [], entries: [bare, ...others] } : root;
  if (body.kind === "map") writeEntries(body, { lines, indent: "", shape: CONTRACT });
  else writeNode(body, { lines, indent: "", shape: NO_SHAPE });
  for (const line of [...root.after, ...footer]) lines.push(commentLine(line, ""));
  return `${lines.join("\n").trim()}\n`;
}

interface Place {
  readonly lines: string[];
  readonly indent: string;
  readonly shape: Shape;
}

function writeEntries(map: MapNode, place: Place): void {
  const { lines, indent, shape } = place;
  // A comment before the first entry belongs to it, wherever it goes.
  const [first, ...others] = map.entries;
  const own = first && { key: { ...first.key, before: [...map.before, ...first.key.before] }, value: first.value };
  const entries = ordered(own === undefined ? [] : [own, ...others], ({ key }) => keyText(key), shape);
  for (const [index, entry] of entries.entries()) {
    const name = keyText(entry.key);
    const child = shapeOf(name, shape);
    const isApart = indent === "" ? !HEAD_KEYS.includes(name) : shape.isSpaced === true || entry.key.blankBefore;
    if (index > 0 && isApart) blank(lines);
    for (const line of entry.key.before) lines.push(commentLine(line, indent));
    lines.push(`${indent}${keyText(entry.key)}:`);
    for (const line of entry.key.after) lines.push(commentLine(line, `${indent}  `));
    writeValue(entry.value, { lines, indent: `${indent}  `, shape: child });
  }
}

/** After a key or a dash, whose line is the last one. */
function writeValue(node: LayoutNode, place: Place): void {
  const { lines, indent, shape } = place;
  const flow = inBraces(node, shape);
  const head = lines[lines.length - 1] ?? "";
  if (flow !== undefined && head.length + 1 + flow.length <= LINE_WIDTH_MAX) {
    for (const line of node.before) lines.splice(lines.length - 1, 0, commentLine(line, indent.slice(2)));
    append(lines, flow === "" ? "" : ` ${flow}`);
    writeAfter(node, place);
    return;
  }
  writeNode(node, place);
}

function writeNode(node: LayoutNode, place: Place): void {
  const { lines, indent, shape } = place;
  switch (node.kind) {
    case "scalar":
      writeScalar(node, place);
      return;
    case "map":
      if (node.entries.length === 0) append(lines, " {}");
      writeEntries(node, place);
      break;
    case "list":
      if (node.items.length === 0) append(lines, " []");
      for (const line of node.before) lines.push(commentLine(line, indent));
      for (const [index, item] of node.items.entries())
        writeItem(item, { isFirst: index === 0 }, { lines, indent, shape: shape.each ?? NO_SHAPE });
      break;
  }
  for (const line of node.after) lines.push(commentLine(line, indent));
}

function writeItem(item: LayoutNode, { isFirst }: { readonly isFirst: boolean }, place: Place): void {
  const { lines, indent, shape } = place;
  const kept: Kept = leading(item, shape);
  if (kept.blankBefore && !isFirst) blank(lines);
  for (const line of kept.before) lines.push(commentLine(line, indent));
  const bare = withoutLeading(item, shape);
  const start = lines.length;
  lines.push(`${indent}-`);
  const flow = inBraces(bare, shape);
  if (
    bare.kind !== "map" ||
    bare.entries.length === 0 ||
    (flow !== undefined && indent.length + 2 + flow.length <= LINE_WIDTH_MAX)
  ) {
    writeValue(bare, { lines, indent: `${indent}  `, shape });
    return;
  }
  lines.pop();
  writeEntries(bare, { lines, indent: `${indent}  `, shape });
  // The first entry stands on the line of the dash.
  lines[start] = `${indent}- ${(lines[start] ?? "").trimStart()}`;
  for (const line of bare.after) lines.push(commentLine(line, `${indent}  `));
}

/** Comments above an item stand above its dash, also those of the entry that comes first. */
function leading(item: LayoutNode, shape: Shape): Kept {
  const [first] = item.kind === "map" ? ordered(item.entries, ({ key }) => keyText(key), shape) : [];
  const before = first === undefined ? item.before : [...item.before, ...first.key.before];
  return { before, after: [], blankBefore: item.blankBefore || first?.key.blankBefore === true };
}

function withoutLeading(item: LayoutNode, shape: Shape): LayoutNode {
  if (item.kind !== "map") return { ...item, before: [], blankBefore: false };
  const [first] = ordered(item.entries, ({ key }) => keyText(key), shape);
  const bare = ({ key, value }: Entry): Entry => ({ key: { ...key, before: [], blankBefore: false }, value });
  const entries = item.entries.map((entry) => (entry === first ? bare(entry) : entry));
  return { ...item, before: [], blankBefore: false, entries };
}

function writeScalar(node: LayoutNode & { readonly kind: "scalar" }, place: Place): void {
  const { lines, indent } = place;
  for (const line of node.before) lines.splice(lines.length - 1, 0, commentLine(line, indent.slice(2)));
  const [first = "", ...rest] = node.written.split("\n").map((line) => line.trimEnd());
  append(lines, first === "" ? "" : ` ${first}`);
  if (!node.isBlock) {
    for (const line of rest) lines.push(line === "" ? "" : indent + line.trimStart());
    writeAfter(node, place);
    return;
  }
  // The first line that is not empty says how far the text is indented; what is further in stays so.
  const own = rest.find((line) => line !== "") ?? "";
  const depth = own.length - own.trimStart().length;
  while (rest.at(-1) === "") rest.pop();
  for (const line of rest) lines.push(line === "" ? "" : indent + line.slice(depth));
  writeAfter(node, place);
}

/** One comment line ends the line itself, more stand below it. */
function writeAfter(node: LayoutNode, { lines, indent }: Place): void {
  const [only, ...more] = node.after;
  if (only === undefined) return;
  const isBlock = node.kind === "scalar" && node.isBlock;
  if (!isBlock) append(lines, `  ${commentLine(only, "")}`);
  for (const line of isBlock ? node.after : more) lines.push(commentLine(line, indent.slice(2)));
}

/** As one line, if it was written in braces and holds no comment; a one-line scalar is one, too. */
function inBraces(node: LayoutNode, shape: Shape): string | undefined {
  if (node.kind === "scalar") return node.isBlock || node.written.includes("\n") ? undefined : node.written;
  if (!node.inBraces) return undefined;
  const parts: string[] = [];
  const add = (part: LayoutNode, head: string, childShape: Shape): boolean => {
    const text = part.before.length + part.after.length > 0 ? undefined : inBraces(part, childShape);
    if (text !== undefined) parts.push(text === "" ? head.trimEnd() : head + text);
    return text !== undefined;
  };
  if (node.kind === "list") {
    for (const item of node.items) if (!add(item, "", shape.each ?? NO_SHAPE)) return undefined;
    return `[${parts.join(", ")}]`;
  }
  for (const { key, value } of ordered(node.entries, (entry) => keyText(entry.key), shape)) {
    if (key.before.length + key.after.length > 0) return undefined;
    if (!add(value, `${keyText(key)}: `, shapeOf(keyText(key), shape))) return undefined;
  }
  return `{${parts.join(", ")}}`;
}

function keyText(key: LayoutNode): string {
  return key.kind === "scalar" ? key.written : "";
}

function commentLine(line: string, indent: string): string {
  return line === "" ? "" : `${indent}#${line}`;
}

function append(lines: string[], text: string): void {
  lines[lines.length - 1] = `${lines[lines.length - 1] ?? ""}${text}`;
}

function blank(lines: string[]): void {
  if (lines.length > 0 && lines[lines.length - 1] !== "") lines.push("");
}
