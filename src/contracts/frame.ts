// The working memory of one run of an action: gas, values by slot, rows, settings.
// Expressions read it and charge it; they change nothing else.

import type { Value } from "../ledger/codec.ts";
import { OUT_OF_GAS, type Outcome } from "./outcome.ts";

/** A decoded row: key columns first, then fields. Never changed in place. */
export type Row = readonly Value[];

export interface Frame {
  /** units left */
  gas: number;
  /** undefined: a `define` not evaluated yet */
  readonly slots: (Outcome | undefined)[];
  readonly rows: (Row | null)[];
  readonly settings: readonly Value[];
}

export type Evaluate = (frame: Frame) => Outcome;

/** @throws OutOfGas, through every absorption of || and && */
export function charge(frame: Frame, units: number): void {
  frame.gas -= units;
  if (frame.gas < 0) throw OUT_OF_GAS;
}
