// Writes the trees of our parser as cel-go writes its own, to be compared with those that come with the package's data.
// Values of literals are compared by the cases; here it is precedence, grouping and the shape of macros.

import type { Expression } from "../../src/contracts/expression.ts";

/** cel-go's text of a tree without its notes about kinds, the blanks, and what stands in texts. */
export function celGoTree(text: string): string {
  return text
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
    .replaceAll(/\^#[^#]*#/g, "")
    .replaceAll(/\/\/ (?:Variable|Target|Accumulator|Init|LoopCondition|LoopStep|Result)$/gm, "")
    .replaceAll(/\s/g, "")
    .replaceAll(/\d[\d.]*e[+-]\d+/g, (double) => String(Number(double)));
}

/** In the form of celGoTree. */
export function treeOf(expression: Expression): string {
  switch (expression.kind) {
    case "null":
      return "null";
    case "bool":
    case "int":
      return String(expression.value);
    case "text":
      return '""';
    case "bytes":
      return 'b""';
    case "name":
      return expression.name;
    case "list":
      return `[${expression.items.map(treeOf).join(",")}]`;
    case "select":
      return `${treeOf(expression.operand)}.${expression.field}`;
    case "has":
      return `${treeOf(expression.operand)}.${expression.field}~test-only~`;
    case "index":
      return `_[_](${treeOf(expression.operand)},${treeOf(expression.index)})`;
    case "call":
      return writeCall(expression);
    case "not":
      return `!_(${treeOf(expression.operand)})`;
    case "negate":
      return writeNegation(expression);
    case "binary":
      return writeBinary(expression);
    case "conditional":
      return `_?_:_(${[expression.condition, expression.whenTrue, expression.whenFalse].map(treeOf).join(",")})`;
    case "macro":
      return writeMacro(expression);
    case "foreign":
      return writeForeign(expression);
  }
}

function writeCall({ name, isMethod, args }: Expression & { kind: "call" }): string {
  const [target, ...others] = args;
  if (target === undefined || !isMethod) return `${name}(${args.map(treeOf).join(",")})`;
  return `${treeOf(target)}.${name}(${others.map(treeOf).join(",")})`;
}

/** In cel-go the sign of a double belongs to the literal. */
function writeNegation({ at, operand }: Expression & { kind: "negate" }): string {
  const isLiteral = operand.kind === "foreign" && operand.form === "double" && operand.at === at + 1;
  return isLiteral ? `-${treeOf(operand)}` : `-_(${treeOf(operand)})`;
}

function writeBinary(expression: Expression & { kind: "binary" }): string {
  const { operator } = expression;
  if (operator === "in") return `@in(${treeOf(expression.left)},${treeOf(expression.right)})`;
  if (operator === "&&" || operator === "||") return balanced(operator, termsOf(expression, operator).map(treeOf));
  return `_${operator}_(${treeOf(expression.left)},${treeOf(expression.right)})`;
}

function termsOf(expression: Expression, operator: "&&" | "||"): readonly Expression[] {
  if (expression.kind !== "binary" || expression.operator !== operator) return [expression];
  return [...termsOf(expression.left, operator), expression.right];
}

/** cel-go balances a chain of && or ||, to keep its trees flat. */
function balanced(operator: string, terms: readonly string[]): string {
  const [only = ""] = terms;
  if (terms.length === 1) return only;
  const middle = Math.trunc(terms.length / 2) + (terms.length % 2);
  return `_${operator}_(${balanced(operator, terms.slice(0, middle))},${balanced(operator, terms.slice(middle))})`;
}

function writeForeign({ form, names, parts }: Expression & { kind: "foreign" }): string {
  const [text = "", ...fields] = names;
  if (form === "double") return String(Number(text));
  if (form === "uint") return `${BigInt(text)}u`;
  const values = parts.map(treeOf);
  if (form === "message") return `${text}{${fields.map((field, index) => `${field}:${values[index]}`).join(",")}}`;
  const entries = values.flatMap((key, index) => (index % 2 === 0 ? [`${key}:${values[index + 1]}`] : []));
  return `{${entries.join(",")}}`;
}

function writeMacro({ macro, range, variable, filter, body }: Expression & { kind: "macro" }): string {
  const result = "@result";
  const text = treeOf(body);
  const loop = (init: string, condition: string, step: string, end = result) =>
    `__comprehension__(${[variable, treeOf(range), result, init, condition, step, end].join(",")})`;
  const kept = (item: string) => `_+_(${result},[${item}])`;
  const when = (condition: string, step: string) => `_?_:_(${condition},${step},${result})`;
  switch (macro) {
    case "all":
      return loop("true", `@not_strictly_false(${result})`, `_&&_(${result},${text})`);
    case "exists":
      return loop("false", `@not_strictly_false(!_(${result}))`, `_||_(${result},${text})`);
    case "exists_one":
      return loop("0", "true", when(text, `_+_(${result},1)`), `_==_(${result},1)`);
    case "filter":
      return loop("[]", "true", when(text, kept(variable)));
    case "map":
      return loop("[]", "true", filter === undefined ? kept(text) : when(treeOf(filter), kept(text)));
  }
}
