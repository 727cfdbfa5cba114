// The mutants of the rule language: each operator, each check and each charge of gas broken once. All of them stand in one text of a
// source, each behind a question to `$mutant`, which says whether it is the one that is broken now. It reads sources and writes none.

import { readdirSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { parseAst } from "vitest/node";

export interface Mutant {
  readonly id: number;
  readonly file: string;
  /** 1-based */
  readonly line: number;
  readonly kind: "operator" | "condition" | "check" | "gas";
  /** the broken part and what stands in its place, each on one line */
  readonly before: string;
  readonly after: string;
}

export interface MutatedSources {
  readonly mutants: readonly Mutant[];
  /** JavaScript by file name */
  readonly texts: ReadonlyMap<string, string>;
}

/** What shows contracts to people and runs authors' tests: no part of what every machine must agree on. */
const FOR_PEOPLE = new Set([
  "blocks.ts",
  "check-words.ts",
  "coverage.ts",
  "describe.ts",
  "dialect.ts",
  "diff.ts",
  "dry-run.ts",
  "explain-call.ts",
  "explain.ts",
  "expression-words.ts",
  "format.ts",
  "function-words.ts",
  "names-in-sight.ts",
  "nearest-name.ts",
  "render.ts",
  "source-set.ts",
  "statement-words.ts",
  "test-ledger.ts",
  "test-runner.ts",
  "test-values.ts",
  "words.ts",
]);

const OPERATORS: ReadonlyMap<unknown, string> = new Map([
  ["<=", "<"],
  ["<", "<="],
  [">=", ">"],
  [">", ">="],
  ["===", "!=="],
  ["!==", "==="],
  ["&&", "||"],
  ["||", "&&"],
  ["+", "-"],
  ["-", "+"],
  ["*", "+"],
  ["/", "*"],
  ["%", "*"],
  ["+=", "-="],
  ["-=", "+="],
  ["<<", ">>"],
  [">>", "<<"],
  [">>>", "<<"],
  ["&", "|"],
  ["|", "&"],
  ["^", "&"],
]);

const CALLEES: readonly (readonly [from: RegExp, to: string])[] = [
  [/\.every$/, ".some"],
  [/\.some$/, ".every"],
  [/^Math\.min$/, "Math.max"],
  [/^Math\.max$/, "Math.min"],
  [/\.broken$/, ".silent"],
];
const REPORT = /\bfindings\.(?:error|warning)$/;
const REFUSAL = /^(?:this\.)?(?:refuse|refused|failed)$/;

/** Every mutant of the folder, numbered from 0, and the texts that hold them. */
export function mutate(folder: string): MutatedSources {
  const mutants: Mutant[] = [];
  const texts = new Map<string, string>();
  const files = readdirSync(folder).filter((name) => name.endsWith(".ts") && !FOR_PEOPLE.has(name));
  for (const file of files.sort()) {
    // Types are replaced by spaces: lines stay what they are.
    const text = stripTypeScriptTypes(readFileSync(join(folder, file), "utf8"));
    const program: unknown = parseAst(text);
    if (!isNode(program)) throw new Error(`${file}: no syntax tree`);
    const printed = new Printer(file, text, mutants).print(program, program);
    texts.set(file, `const $mutant = globalThis.$mutant; ${printed}`);
  }
  return { mutants, texts };
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [part: string]: unknown;
}

interface Change {
  readonly kind: Mutant["kind"];
  /** offset in the text of the file */
  readonly at: number;
  readonly after: string;
}

class Printer {
  readonly #file: string;
  readonly #text: string;
  readonly #mutants: Mutant[];

  constructor(file: string, text: string, mutants: Mutant[]) {
    this.#file = file;
    this.#text = text;
    this.#mutants = mutants;
  }

  /** Only one mutant is broken at a time: what stands in place of a part holds no others. */
  print(node: Node, parent: Node): string {
    // An invariant that fails is a bug already.
    if (this.#callee(node) === "invariant") return this.#raw(node);
    let text = this.#printParts(node);
    if (node.type === "ThrowStatement")
      return `if (!$mutant(${this.#add(node, { kind: "check", at: node.start, after: ";" })})) ${text}`;
    for (const change of this.#changes(node, parent))
      text = `($mutant(${this.#add(node, change)}) ? (${change.after}) : ${text})`;
    return text;
  }

  #printParts(node: Node): string {
    let text = "";
    let at = node.start;
    for (const part of partsOf(node)) {
      // A name that stands for its own key is two parts in one place.
      if (part.start < at) continue;
      text += this.#text.slice(at, part.start) + this.print(part, node);
      at = part.end;
    }
    return text + this.#text.slice(at, node.end);
  }

  #changes(node: Node, parent: Node): readonly Change[] {
    const raw = this.#raw(node);
    const at = node.start;
    const changes = [...this.#changesOfOperator(node, parent), ...this.#changesOfCall(node, parent)];
    // To deny an equality is to change its operator.
    const isEquality = node.operator === "===" || node.operator === "!==";
    if (isConditionOf(node, parent) && !isEquality) changes.push({ kind: "condition", at, after: `!(${raw})` });
    if (this.#isCharged(node, parent)) changes.push({ kind: "gas", at, after: "0" });
    if (this.#file === "gas.ts" && parent.type === "Property" && typeof node.value === "number")
      changes.push({ kind: "gas", at, after: `${raw} + 1` });
    return changes;
  }

  #changesOfOperator(node: Node, parent: Node): readonly Change[] {
    const { type, operator, left, right } = node;
    if (type === "UnaryExpression" && (operator === "!" || operator === "-"))
      return isConditionOf(node, parent) ? [] : [{ kind: "operator", at: node.start, after: this.#raw(node.argument) }];
    if (operator === "??")
      return [{ kind: "operator", at: node.start, after: `(${this.#raw(left)}) && (${this.#raw(right)})` }];
    if (operator === "in" || operator === "instanceof")
      return [{ kind: "operator", at: node.start, after: `!(${this.#raw(node)})` }];
    const after = OPERATORS.get(operator);
    if (!/^(?:Binary|Logical|Assignment)Expression$/.test(type) || after === undefined) return [];
    if (!isNode(left) || !isNode(right)) return [];
    const at = this.#text.indexOf(String(operator), left.end);
    if (at < 0 || at >= right.start) throw new Error(`${this.#file}: no ${operator} in ${this.#raw(node)}`);
    const [before, behind] = [
      this.#text.slice(node.start, at),
      this.#text.slice(at + String(operator).length, node.end),
    ];
    return [{ kind: "operator", at, after: before + after + behind }];
  }

  #changesOfCall(node: Node, parent: Node): readonly Change[] {
    const callee = this.#callee(node);
    if (callee === undefined || !isNode(node.callee)) return [];
    const at = node.start;
    const raw = this.#raw(node);
    if (REPORT.test(callee)) return [{ kind: "check", at, after: "undefined" }];
    if (REFUSAL.test(callee) && parent.type !== "ExpressionStatement")
      return [{ kind: "check", at, after: `void ${raw}` }];
    return CALLEES.filter(([from]) => from.test(callee)).map(
      ([from, to]): Change => ({
        kind: to === ".silent" ? "check" : "operator",
        at,
        after: callee.replace(from, to) + raw.slice(callee.length),
      }),
    );
  }

  #isCharged(node: Node, parent: Node): boolean {
    if (parent.type === "AssignmentExpression")
      return parent.operator === "-=" && parent.right === node && /\.gas$/.test(this.#raw(parent.left));
    const given = parent.arguments;
    return /\bcharge$/.test(this.#callee(parent) ?? "") && Array.isArray(given) && given.at(-1) === node;
  }

  #callee(node: Node): string | undefined {
    return node.type === "CallExpression" ? this.#raw(node.callee) : undefined;
  }

  #add(node: Node, { kind, at, after }: Change): number {
    const id = this.#mutants.length;
    const line = this.#text.slice(0, at).split("\n").length;
    this.#mutants.push({
      id,
      file: this.#file,
      line,
      kind,
      before: onOneLine(this.#raw(node)),
      after: onOneLine(after),
    });
    return id;
  }

  #raw(node: unknown): string {
    return isNode(node) ? this.#text.slice(node.start, node.end) : "";
  }
}

/** What an `if` or a choice asks. */
function isConditionOf(node: Node, parent: Node): boolean {
  return /^(?:If|Conditional)/.test(parent.type) && parent.test === node;
}

function partsOf(node: Node): readonly Node[] {
  return Object.values(node)
    .flat()
    .filter(isNode)
    .sort((left, right) => left.start - right.start);
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value && "end" in value;
}

function onOneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}
