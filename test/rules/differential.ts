// Compares the rule language with @bufbuild/cel on drawn expressions, and makes what differs as small as it can.
// One seed and index name one expression on every machine; it prints nothing.

import { Random } from "../sim/random.ts";
import { type Draw, drawExpression, leaf, printTree, type Tree } from "./generator.ts";
import { askOracle, correct, type Observed, oracleInput } from "./oracle.ts";
import { askSubject } from "./subject.ts";

/** Refusals of the check that CEL does not know: such an expression is not compared. */
export const REFUSED_BY_DESIGN: Readonly<Record<string, string>> = {
  LIST_ALWAYS_EMPTY: "items of [] have no type, and nothing without a type may run",
  VALUE_UNKNOWN: "comparing with a literal that is none of the possible values is refused before it can run",
};

export interface Difference {
  readonly index: number;
  readonly text: string;
  readonly names: string;
  readonly here: Observed;
  readonly there: Observed;
}

export interface Comparison {
  compared: number;
  readonly refused: Map<string, number>;
  readonly values: Map<"value" | "error", number>;
  readonly differences: Difference[];
}

const SHRINK_STEPS_MAX = 3000;

/** Compares `count` expressions of a seed, from index `from`. */
export function compareMany(seed: number, from: number, count: number, comparison = emptyComparison()): Comparison {
  for (let index = from; index < from + count; index += 1) {
    const draw = drawAt(seed, index);
    const judged = judge(draw, draw.tree);
    if (judged.kind === "refused") {
      comparison.refused.set(judged.code, (comparison.refused.get(judged.code) ?? 0) + 1);
      continue;
    }
    comparison.compared += 1;
    const side = judged.there === "error" ? "error" : "value";
    comparison.values.set(side, (comparison.values.get(side) ?? 0) + 1);
    if (judged.kind === "different") comparison.differences.push(shrink(draw, index));
  }
  return comparison;
}

export function emptyComparison(): Comparison {
  return { compared: 0, refused: new Map(), values: new Map(), differences: [] };
}

export function drawAt(seed: number, index: number): Draw {
  return drawExpression(new Random(Math.imul(seed, 0x9e3779b1) + Math.imul(index, 0x85ebca6b)));
}

type Judgement =
  | { readonly kind: "refused"; readonly code: string }
  | { readonly kind: "same" | "different"; readonly here: Observed; readonly there: Observed };

function judge(draw: Draw, tree: Tree): Judgement {
  const text = printTree(tree);
  const here = askSubject(text, draw);
  const [code = ""] = here.codes;
  if (here.observed.startsWith("refused") && here.codes.every((each) => each in REFUSED_BY_DESIGN))
    return { kind: "refused", code };
  const there = askOracle(text, bindingsOf(draw));
  const seen = [here.observed, ...here.faults].join("; ");
  if (seen === "error" && there !== "error" && code === "OVERFLOW") {
    const subtracted = askOracle(printTree(tree, "subtracted"), bindingsOf(draw));
    if (subtracted === "error") {
      correct("two minus signs");
      return { kind: "same", here: seen, there: subtracted };
    }
  }
  return { kind: seen === there ? "same" : "different", here: seen, there };
}

function bindingsOf({ variables, rows }: Draw): Readonly<Record<string, ReturnType<typeof oracleInput>>> {
  const bound = variables.map(({ name, value }) => [name, oracleInput(value)] as const);
  const rowsBound = rows.map(({ name, columns, isPresent }) => {
    const fields = new Map(columns.map((column) => [column.name, oracleInput(column.value)] as const));
    return [name, isPresent ? fields : null] as const;
  });
  return Object.fromEntries([...bound, ...rowsBound]);
}

// ---- shrinking ----

const SIMPLEST: Readonly<Record<string, readonly string[]>> = {
  int: ["0", "1", "i", "k"],
  bool: ["true", "false"],
  text: ["''", "'a'"],
  bytes: ["b''"],
};

/** Replaces parts by parts of theirs or by the simplest of their kind, as long as a difference remains. */
function shrink(draw: Draw, index: number): Difference {
  const isRefused = (candidate: Tree) => {
    const judged = judge(draw, candidate);
    return judged.kind === "different" ? judged.here.startsWith("refused") : undefined;
  };
  const kind = isRefused(draw.tree);
  let tree = draw.tree;
  let steps = 0;
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (const smaller of smallerThan(tree)) {
      steps += 1;
      if (steps > SHRINK_STEPS_MAX) break;
      if (printTree(smaller).length < printTree(tree).length && isRefused(smaller) === kind) {
        tree = smaller;
        isSmaller = true;
        break;
      }
    }
  }
  const judged = judge(draw, tree);
  const text = printTree(tree);
  const [here, there] = judged.kind === "refused" ? ["refused", "refused"] : [judged.here, judged.there];
  return { index, text, names: namesIn(draw, text), here, there };
}

function* smallerThan(tree: Tree): Generator<Tree> {
  for (const inner of descendants(tree)) if (inner.kind === tree.kind) yield inner;
  for (const text of SIMPLEST[tree.kind] ?? ["[]"]) yield leaf(tree.kind, text);
  if (tree.extraParentheses > 0) yield { ...tree, extraParentheses: 0 };
  for (const [position, part] of tree.parts.entries())
    for (const smaller of smallerThan(part))
      yield { ...tree, parts: tree.parts.map((other, at) => (at === position ? smaller : other)) };
}

function* descendants(tree: Tree): Generator<Tree> {
  for (const part of tree.parts) {
    yield part;
    yield* descendants(part);
  }
}

function namesIn({ variables, rows }: Draw, text: string): string {
  const used = (name: string) => new RegExp(`\\b${name}\\b`).test(text);
  const shown = variables
    .filter(({ name }) => used(name))
    .map(({ name, typeText, value }) => `${name}: ${typeText} = ${show(value)}`);
  const shownRows = rows
    .filter(({ name }) => used(name))
    .map(({ name, columns, isPresent }) =>
      isPresent
        ? columns.map((column) => `${name}.${column.name}: ${column.typeText} = ${show(column.value)}`).join(", ")
        : `${name} is absent`,
    );
  return [...shown, ...shownRows].join(", ");
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === "bigint" ? `${item}n` : item instanceof Uint8Array ? Buffer.from(item).toString("hex") : item,
  );
}
