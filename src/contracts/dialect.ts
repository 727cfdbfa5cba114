// The border for what a language beside that of contracts adds to it: tokens, forms of expressions, and a say in their check.
// A contract has no dialect: nothing in src makes or passes one (R190). CEL's own tests reach the real lexer, parser, checker and closures through here.

import type { Expression } from "./expression.ts";
import type { Offset } from "./finding.ts";
import type { Token } from "./lexer.ts";
import type { Scope } from "./scope.ts";
import type { Typed } from "./typed.ts";
import type { TypedBuilder } from "./typed-builder.ts";

/** The parser, as a dialect reads with it. */
export interface ExpressionReader {
  peek(): Token;
  takeSign(sign: string): boolean;
  /** @throws SyntaxFault */
  expectSign(sign: string): void;
  /** @throws SyntaxFault */
  name(): { readonly value: string; readonly at: Offset };
  /** @throws SyntaxFault */
  expression(): Expression;
  /** Counted like every other part. @throws SyntaxFault */
  foreign(form: string, names: readonly string[], parts: readonly Expression[], at: Offset): Expression;
}

export interface Dialect {
  /** The token at this place, when contracts have none like it. */
  token(source: string, at: Offset): Token | undefined;
  /** Reads a form that begins here, or that continues `operand`; undefined, with nothing read: as in contracts. */
  form(reader: ExpressionReader, operand: Expression | undefined): Expression | undefined;
  /** The typed form of an expression; the rules of contracts for one node are `checkNode` of check-expression.ts. */
  check(expression: Expression, scope: Scope, builder: TypedBuilder): Typed;
}
