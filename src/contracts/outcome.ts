// What evaluating an expression gives: a value, or an error that is itself a value, so that CEL's || and && can absorb it.
// Running out of gas is not such a value: it is thrown through everything.

import type { Value } from "../ledger/codec.ts";

export type ExpressionErrorCode =
  | "OVERFLOW"
  | "DIVISION_BY_ZERO"
  | "ABSENT_ROW"
  | "INDEX_OUT_OF_RANGE"
  | "CONVERSION"
  | "TEXT_TOO_LONG"
  | "LIST_TOO_LONG"
  | "ARGUMENT";

export class ExpressionError {
  readonly code: ExpressionErrorCode;
  constructor(code: ExpressionErrorCode) {
    this.code = code;
  }
}

export type Outcome = Value | ExpressionError;

// One object for each code: an error costs no allocation.
export const OVERFLOW = new ExpressionError("OVERFLOW");
export const DIVISION_BY_ZERO = new ExpressionError("DIVISION_BY_ZERO");
export const ABSENT_ROW = new ExpressionError("ABSENT_ROW");
export const INDEX_OUT_OF_RANGE = new ExpressionError("INDEX_OUT_OF_RANGE");
export const CONVERSION = new ExpressionError("CONVERSION");
export const TEXT_TOO_LONG = new ExpressionError("TEXT_TOO_LONG");
export const LIST_TOO_LONG = new ExpressionError("LIST_TOO_LONG");
export const ARGUMENT = new ExpressionError("ARGUMENT");

/** Thrown when the gas is used up; deliberately no Error, which would capture a stack. */
export class OutOfGas {}
export const OUT_OF_GAS = new OutOfGas();
