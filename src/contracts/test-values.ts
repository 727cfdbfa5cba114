// Reads values of author tests by the types of the contract: numbers, words, [lists], bytes in hexadecimal, and = expression.
// For tests only; transactions carry typed values.

import type { Value } from "../ledger/codec.ts";
import { fromHex } from "../ledger/hash.ts";
import { checkExpression } from "./check-expression.ts";
import { compileExpression } from "./compile-expression.ts";
import { parseExpression } from "./expression.ts";
import { Findings } from "./finding.ts";
import { SyntaxFault } from "./lexer.ts";
import { ExpressionError } from "./outcome.ts";
import { Scope, SlotCounter } from "./scope.ts";
import { type Type, typeName } from "./types.ts";
import type { SourceNode } from "./yaml-document.ts";

/** What is wrong with a test itself, as opposed to the contract. */
export class TestFault {
  readonly at: number;
  readonly message: string;
  constructor(at: number, message: string) {
    this.at = at;
    this.message = message;
  }
}

const CONSTANT_GAS = 1_000_000;

/** @throws TestFault */
export function readTestValue(node: SourceNode, type: Type): Value {
  if (node.kind === "map") throw new TestFault(node.at, `${typeName(type)} is expected, not a map`);
  if (node.kind === "list") {
    if (type.kind !== "list" && type.kind !== "unknown")
      throw new TestFault(node.at, `${typeName(type)} is expected, not a list`);
    const item = type.kind === "list" ? type.item : type;
    return node.items.map((part) => readTestValue(part, item));
  }
  if (node.text.startsWith("= ")) return constant(node.text.slice(2), node.at);
  return scalar(node.text, type, node.at);
}

function scalar(text: string, type: Type, at: number): Value {
  switch (type.kind) {
    case "bool":
      if (text === "true" || text === "false") return text === "true";
      throw new TestFault(at, `true or false is expected, not ${text}`);
    case "int":
      return constant(text, at);
    case "bytes": {
      const bytes = fromHex(text);
      if (bytes === undefined) throw new TestFault(at, "bytes are written in hexadecimal, or as = expression");
      return bytes;
    }
    case "text":
      return text;
    default:
      throw new TestFault(at, `${typeName(type)} cannot be written as ${text}`);
  }
}

/** An expression without names: `= sha256("text")`, `7 * 86400000`. */
function constant(text: string, at: number): Value {
  try {
    const findings = new Findings(text);
    const scope = new Scope({ slots: new SlotCounter(), used: new Set() }, []);
    const typed = checkExpression(parseExpression(text), { scope, findings, placeOf: (offset) => offset });
    const finding = findings.list().find(({ severity }) => severity === "error");
    if (finding !== undefined) throw new TestFault(at, finding.message);
    const value = compileExpression(typed)({
      gas: CONSTANT_GAS,
      slots: new Array(scope.slots.count),
      rows: [],
      settings: [],
    });
    if (value instanceof ExpressionError) throw new TestFault(at, value.code);
    return value;
  } catch (fault) {
    throw fault instanceof SyntaxFault ? new TestFault(at, `${text}: ${fault.message}`) : fault;
  }
}
