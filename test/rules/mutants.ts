// Lists the mutants of the rule language: each operator, each check and each charge of gas broken once, found by pattern in the sources.
// The list follows from the sources alone. It changes nothing.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Mutant {
  readonly file: string;
  /** 1-based */
  readonly line: number;
  readonly kind: "operator" | "condition" | "check" | "gas";
  readonly before: string;
  readonly after: string;
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
  "nearest-name.ts",
  "render.ts",
  "source-set.ts",
  "statement-words.ts",
  "test-ledger.ts",
  "test-runner.ts",
  "test-values.ts",
  "words.ts",
]);

const OPERATORS: readonly (readonly [from: string, to: string])[] = [
  [" <= ", " < "],
  [" < ", " <= "],
  [" >= ", " > "],
  [" > ", " >= "],
  [" === ", " !== "],
  [" !== ", " === "],
  [" && ", " || "],
  [" || ", " && "],
  [" + ", " - "],
  [" - ", " + "],
  [" * ", " + "],
  [" / ", " * "],
  [" % ", " * "],
  [" += ", " -= "],
  [" -= ", " += "],
  [".every(", ".some("],
  [".some(", ".every("],
  ["Math.min(", "Math.max("],
  ["Math.max(", "Math.min("],
];

/** A finding that is not reported, a refusal that does not refuse, a fault that is not thrown. */
const CHECKS: readonly (readonly [from: RegExp, to: string])[] = [
  [/findings\.error\(/g, "findings.unreported("],
  [/\.broken\(/g, ".unreported("],
  [/return refused\(/g, "return void refused("],
  [/return failed\(/g, "return void failed("],
  [/throw new SyntaxFault\(/g, "new SyntaxFault("],
  [/return this\.refuse\(/g, "return void this.refuse("],
];

const CHARGES: readonly (readonly [from: RegExp, to: string])[] = [
  [/\bcharge\(([\w.]+), /g, "charge($1, 0 && "],
  [/\.gas -= (?=\w)/g, ".gas -= 0 && "],
  [/^( {2}\w+: )(\d[\d_]*),$/g, "$1$2 + 1,"],
];

/** Methods that the mutants call in place of the reporting ones, put into the copy before anything else. */
export const SUPPORT: readonly { readonly file: string; readonly mark: string; readonly insert: string }[] = [
  { file: "finding.ts", mark: "export class Findings {", insert: "\n  unreported(): void {}\n" },
  {
    file: "typed-builder.ts",
    mark: "export class TypedBuilder {",
    insert: "\n  unreported(expression: Expression): Typed { return this.silent(expression); }\n",
  },
];

export function listMutants(sources: string): readonly Mutant[] {
  return readdirSync(sources)
    .filter((name) => name.endsWith(".ts") && !FOR_PEOPLE.has(name))
    .sort()
    .flatMap((file) => mutantsOf(file, readFileSync(join(sources, file), "utf8")));
}

function mutantsOf(file: string, text: string): readonly Mutant[] {
  return text.split("\n").flatMap((before, index) => {
    const code = masked(before);
    // Types have no behaviour, and an invariant that fails is a bug already.
    if (/^\s*(?:import|export type|type |\}? ?from|\/\/|\*|\/\*|invariant\()/.test(code)) return [];
    const made = [...operatorMutants(code, before), ...conditionMutants(code, before)];
    made.push(...replaced(CHECKS, "check", code, before));
    if (file === "gas.ts" || !/^\s{2}\w+: \d/.test(code)) made.push(...replaced(CHARGES, "gas", code, before));
    return made.map(({ kind, after }) => ({ file, line: index + 1, kind, before: before.trim(), after }));
  });
}

type Made = Pick<Mutant, "kind" | "after">;

function operatorMutants(code: string, before: string): readonly Made[] {
  return OPERATORS.flatMap(([from, to]) =>
    positions(code, from).map(
      (at): Made => ({ kind: "operator", after: before.slice(0, at) + to + before.slice(at + from.length) }),
    ),
  );
}

/** `if (x)` as `if (!(x))`, where it stands on one line. */
function conditionMutants(code: string, before: string): readonly Made[] {
  return positions(code, "if (").flatMap((at) => {
    const open = at + 3;
    let depth = 0;
    for (let index = open; index < code.length; index += 1) {
      if (code[index] === "(") depth += 1;
      if (code[index] === ")") depth -= 1;
      if (depth === 0)
        return [
          {
            kind: "condition",
            after: `${before.slice(0, open)}(!${before.slice(open, index + 1)})${before.slice(index + 1)}`,
          },
        ];
    }
    return [];
  });
}

function replaced(
  patterns: readonly (readonly [from: RegExp, to: string])[],
  kind: Mutant["kind"],
  code: string,
  before: string,
): readonly Made[] {
  return patterns.flatMap(([from, to]) =>
    [...code.matchAll(from)].map((match): Made => {
      const text = before.slice(match.index, match.index + match[0].length);
      const put = to.replaceAll(/\$(\d)/g, (_, group: string) => match[Number(group)] ?? "");
      return { kind, after: before.slice(0, match.index) + put + before.slice(match.index + text.length) };
    }),
  );
}

function positions(code: string, part: string): readonly number[] {
  const found: number[] = [];
  for (let at = code.indexOf(part); at >= 0; at = code.indexOf(part, at + 1)) found.push(at);
  return found;
}

/** The line with its texts and its comment blanked out, in the same places. */
function masked(line: string): string {
  const blank = (text: string) => "_".repeat(text.length);
  return line
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, (text) => `"${blank(text.slice(2))}"`)
    .replaceAll(/`[^`]*`/g, (text) => `\`${blank(text.slice(2))}\``)
    .replace(/\/\/.*$/, blank);
}
