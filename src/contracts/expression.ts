// The syntax tree of CEL expressions and the Pratt parser that builds it; depth and nodes are counted, so that
// hostile text is refused at the same place on every machine. It knows no types and resolves no names.

import type { Dialect, ExpressionReader } from "./dialect.ts";
import { EXPRESSION_DEPTH_MAX, EXPRESSION_NODES_MAX, type Offset } from "./finding.ts";
import { SyntaxFault, type Token, tokenize } from "./lexer.ts";

export type BinaryOperator = "||" | "&&" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "+" | "-" | "*" | "/" | "%";
export type MacroName = "all" | "exists" | "exists_one" | "filter" | "map";

interface Placed {
  /** offsets into the expression's text */
  readonly at: Offset;
  readonly end: Offset;
  /** 1 for a leaf */
  readonly depth: number;
}

export type Expression = Placed &
  (
    | { readonly kind: "null" }
    | { readonly kind: "bool"; readonly value: boolean }
    | { readonly kind: "int"; readonly value: bigint }
    | { readonly kind: "text"; readonly value: string }
    | { readonly kind: "bytes"; readonly value: Uint8Array }
    | { readonly kind: "list"; readonly items: readonly Expression[] }
    | { readonly kind: "name"; readonly name: string }
    | { readonly kind: "select"; readonly operand: Expression; readonly field: string }
    | { readonly kind: "has"; readonly operand: Expression; readonly field: string }
    | { readonly kind: "index"; readonly operand: Expression; readonly index: Expression }
    /** `isMethod`: written after its first argument, as in text.contains(part) */
    | {
        readonly kind: "call";
        readonly name: string;
        readonly isMethod: boolean;
        readonly args: readonly Expression[];
      }
    | { readonly kind: "not"; readonly operand: Expression }
    | { readonly kind: "negate"; readonly operand: Expression }
    | {
        readonly kind: "binary";
        readonly operator: BinaryOperator;
        readonly left: Expression;
        readonly right: Expression;
      }
    | {
        readonly kind: "conditional";
        readonly condition: Expression;
        readonly whenTrue: Expression;
        readonly whenFalse: Expression;
      }
    | {
        readonly kind: "macro";
        readonly macro: MacroName;
        readonly range: Expression;
        readonly variable: string;
        readonly filter: Expression | undefined;
        readonly body: Expression;
      }
    /** of a dialect only */
    | {
        readonly kind: "foreign";
        readonly form: string;
        readonly names: readonly string[];
        readonly parts: readonly Expression[];
      }
  );

/** What an expression is put together of, in the order in which it is written. */
export function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case "list":
      return expression.items;
    case "select":
    case "has":
    case "not":
    case "negate":
      return [expression.operand];
    case "index":
      return [expression.operand, expression.index];
    case "call":
      return expression.args;
    case "binary":
      return [expression.left, expression.right];
    case "conditional":
      return [expression.condition, expression.whenTrue, expression.whenFalse];
    case "macro":
      return [expression.range, ...(expression.filter === undefined ? [] : [expression.filter]), expression.body];
    case "foreign":
      return expression.parts;
    default:
      return [];
  }
}

/** `table[key, ...]` or `contract.table[key, ...]`: the form of `read`. */
export interface RowReference {
  readonly contract: string | undefined;
  readonly table: string;
  readonly key: readonly Expression[];
  readonly at: Offset;
}

export interface IndexReference extends RowReference {
  readonly index: string;
}

export const RESERVED_WORDS: ReadonlySet<string> = new Set([
  "as",
  "break",
  "const",
  "continue",
  "else",
  "false",
  "for",
  "function",
  "if",
  "import",
  "in",
  "let",
  "loop",
  "namespace",
  "null",
  "package",
  "return",
  "true",
  "var",
  "void",
  "while",
]);
/** The reserved words that no field and no function can have as its name either. */
const KEYWORDS: ReadonlySet<string> = new Set(["false", "in", "null", "true"]);
const MACROS: ReadonlyMap<string, MacroName> = new Map([
  ["all", "all"],
  ["exists", "exists"],
  ["exists_one", "exists_one"],
  ["filter", "filter"],
  ["map", "map"],
]);
const PRECEDENCE: ReadonlyMap<string, { readonly operator: BinaryOperator; readonly level: number }> = new Map(
  ([["||"], ["&&"], ["==", "!=", "<", "<=", ">", ">=", "in"], ["+", "-"], ["*", "/", "%"]] as const).flatMap(
    (operators, index) => operators.map((operator) => [operator, { operator, level: index + 1 }] as const),
  ),
);

type Draft<T> = T extends unknown ? Omit<T, "at" | "end" | "depth"> : never;

/** @throws SyntaxFault with an offset into `source` */
export function parseExpression(source: string, dialect?: Dialect): Expression {
  const parser = new Parser(tokenize(source, dialect), dialect);
  const expression = parser.expression();
  parser.finish();
  return expression;
}

/** @throws SyntaxFault */
export function parseRowReference(source: string): RowReference {
  const parser = new Parser(tokenize(source), undefined);
  const reference = parser.rowReference();
  parser.finish();
  return reference;
}

/** `table.index[values]`, or of another contract `contract.table.index[values]`. */
export function parseIndexReference(source: string): IndexReference {
  const parser = new Parser(tokenize(source), undefined);
  const reference = parser.indexReference();
  parser.finish();
  return reference;
}

class Parser implements ExpressionReader {
  private position = 0;
  private nesting = 0;
  private nodes = 0;
  private readonly tokens: readonly Token[];
  private readonly dialect: Dialect | undefined;

  constructor(tokens: readonly Token[], dialect: Dialect | undefined) {
    this.tokens = tokens;
    this.dialect = dialect;
  }

  finish(): void {
    const token = this.peek();
    if (token.kind !== "end") throw new SyntaxFault(token.at, "EXPRESSION_SYNTAX", `unexpected ${describe(token)}`);
  }

  rowReference(): RowReference {
    const first = this.name();
    let owner = first.value;
    // Names of contracts may hold hyphens: owners-vote.motion[...].
    while (this.takeSign("-")) owner += `-${this.name().value}`;
    const isForeign = this.takeSign(".") || owner !== first.value;
    const table = isForeign ? this.name().value : owner;
    this.expectSign("[");
    return { contract: isForeign ? owner : undefined, table, key: this.list("]"), at: first.at };
  }

  indexReference(): IndexReference {
    const first = this.name();
    let owner = first.value;
    while (this.takeSign("-")) owner += `-${this.name().value}`;
    const names = [owner];
    while (names.length < 3 && this.takeSign(".")) names.push(this.name().value);
    this.expectSign("[");
    const [index = "", table = "", contract] = names.reverse();
    if (table === "" || (contract === undefined && owner !== first.value))
      throw new SyntaxFault(
        first.at,
        "EXPRESSION_SYNTAX",
        "write table.index[values], or contract.table.index[values]",
      );
    return { contract, table, index, key: this.list("]"), at: first.at };
  }

  // condition ? then : otherwise, right-associative; the loop's depth is the parser's own count.
  expression(): Expression {
    this.enter();
    const condition = this.binary(1);
    if (!this.takeSign("?")) {
      this.nesting -= 1;
      return condition;
    }
    // As in CEL: a conditional between ? and : needs parentheses.
    const whenTrue = this.binary(1);
    this.expectSign(":");
    const whenFalse = this.expression();
    this.nesting -= 1;
    return this.node({ kind: "conditional", condition, whenTrue, whenFalse }, condition.at, [
      condition,
      whenTrue,
      whenFalse,
    ]);
  }

  private binary(levelMin: number): Expression {
    let left = this.unary();
    for (;;) {
      const token = this.peek();
      const infix = token.kind === "sign" || token.kind === "name" ? PRECEDENCE.get(token.value) : undefined;
      if (infix === undefined || infix.level < levelMin) return left;
      this.position += 1;
      const right = this.binary(infix.level + 1);
      left = this.node({ kind: "binary", operator: infix.operator, left, right }, left.at, [left, right]);
    }
  }

  private unary(): Expression {
    const token = this.peek();
    const isSign = token.kind === "sign" && (token.value === "!" || token.value === "-");
    if (!isSign) return this.member(this.primary());
    this.position += 1;
    const next = this.peek();
    if (token.value === "-" && next.kind === "int") {
      // The sign belongs to the literal: -9223372036854775808 has no positive form.
      this.position += 1;
      return this.member(this.node({ kind: "int", value: -next.value }, token.at, []));
    }
    if (next.kind === "sign" && (next.value === "!" || next.value === "-") && next.value !== token.value) {
      throw new SyntaxFault(next.at, "EXPRESSION_SYNTAX", `${token.value} cannot stand before ${next.value}`);
    }
    this.enter();
    const operand = this.unary();
    this.nesting -= 1;
    return this.node({ kind: token.value === "!" ? "not" : "negate", operand }, token.at, [operand]);
  }

  private member(start: Expression): Expression {
    let operand = start;
    for (;;) {
      if (this.takeSign(".")) {
        const field = this.name();
        operand = this.takeSign("(")
          ? this.method(operand, field)
          : this.node({ kind: "select", operand, field: field.value }, operand.at, [operand]);
      } else if (this.takeSign("[")) {
        const index = this.expression();
        this.expectSign("]");
        operand = this.node({ kind: "index", operand, index }, operand.at, [operand, index]);
      } else {
        const continued = this.dialect?.form(this, operand);
        if (continued === undefined) return operand;
        operand = continued;
      }
    }
  }

  // `list.all(x, ...)` is a macro; any other method is a call with its target as first argument.
  private method(target: Expression, name: { readonly value: string; readonly at: Offset }): Expression {
    const args = this.list(")");
    const macro = MACROS.get(name.value);
    if (macro === undefined) {
      const all = [target, ...args];
      return this.node({ kind: "call", name: name.value, isMethod: true, args: all }, target.at, all);
    }
    const [variable, second, third] = args;
    const count = macro === "map" && args.length === 3 ? 3 : 2;
    if (args.length !== count || variable === undefined || second === undefined) {
      throw new SyntaxFault(name.at, "MACRO_SHAPE", `${macro} needs a variable and an expression`);
    }
    if (variable.kind !== "name")
      throw new SyntaxFault(variable.at, "MACRO_SHAPE", `the first argument of ${macro} is the name of a variable`);
    const [filter, body] = third === undefined ? [undefined, second] : [second, third];
    const draft = { kind: "macro", macro, range: target, variable: variable.name, filter, body } as const;
    return this.node(draft, target.at, [target, ...args]);
  }

  private primary(): Expression {
    const own = this.dialect?.form(this, undefined);
    if (own !== undefined) return own;
    const token = this.peek();
    this.position += 1;
    switch (token.kind) {
      case "int":
        return this.node({ kind: "int", value: token.value }, token.at, []);
      case "text":
        return this.node({ kind: "text", value: token.value }, token.at, []);
      case "bytes":
        return this.node({ kind: "bytes", value: token.value }, token.at, []);
      case "name":
        return this.named(token.value, token.at);
      case "sign":
        return this.bracketed(token.value, token.at);
      case "foreign":
        return this.foreign(token.form, [token.value], [], token.at);
      case "end":
        throw new SyntaxFault(token.at, "EXPRESSION_SYNTAX", "the expression ends too early");
    }
  }

  private named(name: string, at: Offset): Expression {
    if (name === "true" || name === "false") return this.node({ kind: "bool", value: name === "true" }, at, []);
    if (name === "null") return this.node({ kind: "null" }, at, []);
    if (RESERVED_WORDS.has(name)) throw new SyntaxFault(at, "NAME_RESERVED", `${name} is a reserved word`);
    if (!this.takeSign("(")) return this.node({ kind: "name", name }, at, []);
    const args = this.list(")");
    if (name !== "has") return this.node({ kind: "call", name, isMethod: false, args }, at, args);
    const [argument] = args;
    if (args.length !== 1 || argument?.kind !== "select")
      throw new SyntaxFault(at, "MACRO_SHAPE", "has needs one argument of the form row.field");
    return this.node({ kind: "has", operand: argument.operand, field: argument.field }, at, [argument]);
  }

  private bracketed(sign: string, at: Offset): Expression {
    if (sign === "(") {
      const inner = this.expression();
      this.expectSign(")");
      return inner;
    }
    if (sign === "[") {
      const items = this.list("]");
      return this.node({ kind: "list", items }, at, items);
    }
    if (sign === "{") throw new SyntaxFault(at, "MAP_NOT_ALLOWED", "maps do not exist in contracts: use a table");
    throw new SyntaxFault(at, "EXPRESSION_SYNTAX", `unexpected ${sign}`);
  }

  /** items up to the closing sign, which is taken; CEL allows a comma after the last item of a list, not of a call */
  private list(close: ")" | "]"): readonly Expression[] {
    const items: Expression[] = [];
    if (this.takeSign(close)) return items;
    for (;;) {
      items.push(this.expression());
      if (this.takeSign(close)) return items;
      this.expectSign(",");
      if (close === "]" && this.takeSign(close)) return items;
    }
  }

  foreign(form: string, names: readonly string[], parts: readonly Expression[], at: Offset): Expression {
    return this.node({ kind: "foreign", form, names, parts }, at, parts);
  }

  private node(draft: Draft<Expression>, at: Offset, children: readonly Expression[]): Expression {
    let depth = 0;
    for (const child of children) if (child.depth > depth) depth = child.depth;
    this.nodes += 1;
    if (depth >= EXPRESSION_DEPTH_MAX)
      throw new SyntaxFault(
        at,
        "EXPRESSION_TOO_DEEP",
        `an expression is at most ${EXPRESSION_DEPTH_MAX} levels deep: use define`,
      );
    if (this.nodes > EXPRESSION_NODES_MAX)
      throw new SyntaxFault(
        at,
        "EXPRESSION_TOO_LARGE",
        `an expression has at most ${EXPRESSION_NODES_MAX} parts: use define`,
      );
    const end = this.tokens[this.position - 1]?.end ?? at;
    return { ...draft, at, end, depth: depth + 1 };
  }

  private enter(): void {
    this.nesting += 1;
    if (this.nesting > EXPRESSION_DEPTH_MAX) {
      throw new SyntaxFault(
        this.peek().at,
        "EXPRESSION_TOO_DEEP",
        `an expression is at most ${EXPRESSION_DEPTH_MAX} levels deep: use define`,
      );
    }
  }

  name(): { readonly value: string; readonly at: Offset } {
    const token = this.peek();
    if (token.kind !== "name")
      throw new SyntaxFault(token.at, "EXPRESSION_SYNTAX", `a name is expected, not ${describe(token)}`);
    if (KEYWORDS.has(token.value)) throw new SyntaxFault(token.at, "NAME_RESERVED", `${token.value} is no name`);
    this.position += 1;
    return token;
  }

  takeSign(sign: string): boolean {
    const token = this.peek();
    if (token.kind !== "sign" || token.value !== sign) return false;
    this.position += 1;
    return true;
  }

  expectSign(sign: string): void {
    const token = this.peek();
    if (!this.takeSign(sign))
      throw new SyntaxFault(token.at, "EXPRESSION_SYNTAX", `${sign} is expected, not ${describe(token)}`);
  }

  peek(): Token {
    // The list ends with "end", which is never passed.
    return this.tokens[Math.min(this.position, this.tokens.length - 1)]!;
  }
}

function describe(token: Token): string {
  return token.kind === "end"
    ? "the end"
    : token.kind === "sign" || token.kind === "name"
      ? token.value
      : `a ${token.kind}`;
}
