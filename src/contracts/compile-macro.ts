// The macros of CEL over lists: each round is paid before it runs, the item stands in a slot of the frame.
// all and exists absorb errors as && and || do; the others give the first error.

import type { Value } from "../ledger/codec.ts";
import { charge, type Evaluate, type Frame } from "./frame.ts";
import { GAS } from "./gas.ts";
import { ExpressionError, type Outcome } from "./outcome.ts";
import type { Typed } from "./typed.ts";

type MacroNode = Typed & { readonly kind: "macro" };
/** One round: the body's value for the item in the slot. */
type Round = (frame: Frame, item: Value) => Outcome;

export function compileMacro(typed: MacroNode, compile: (part: Typed) => Evaluate): Evaluate {
  const range = compile(typed.range);
  const body = roundOf(typed.slot, typed.body, GAS.iteration, compile);
  const overItems = over(typed, body, compile);
  return (frame) => {
    const items = range(frame);
    return items instanceof ExpressionError ? items : overItems(frame, items as readonly Value[]);
  };
}

function roundOf(slot: number, part: Typed, units: number, compile: (part: Typed) => Evaluate): Round {
  const run = compile(part);
  const cost = part.cost + units;
  return (frame, item) => {
    charge(frame, cost);
    frame.slots[slot] = item;
    return run(frame);
  };
}

function over(
  typed: MacroNode,
  round: Round,
  compile: (part: Typed) => Evaluate,
): (frame: Frame, items: readonly Value[]) => Outcome {
  switch (typed.macro) {
    case "all":
      return (frame, items) => untilDecided(frame, items, { round, decides: false });
    case "exists":
      return (frame, items) => untilDecided(frame, items, { round, decides: true });
    case "exists_one":
      return (frame, items) => {
        const kept = select(frame, items, { test: round });
        return kept instanceof ExpressionError ? kept : kept.length === 1;
      };
    case "filter":
      return (frame, items) => select(frame, items, { test: round });
    case "map": {
      const { filter } = typed;
      if (filter === undefined) return (frame, items) => mapAll(frame, items, round);
      const test = roundOf(typed.slot, filter, GAS.iteration, compile);
      // The body's round re-enters the item; only kept items pay for it.
      const mapped = roundOf(typed.slot, typed.body, 0, compile);
      return (frame, items) => mapFiltered(frame, items, { test, mapped });
    }
  }
}

// A deciding value ends the rounds and absorbs errors before it; without one the first error is the result (CEL).
function untilDecided(
  frame: Frame,
  items: readonly Value[],
  { round, decides }: { readonly round: Round; readonly decides: boolean },
): Outcome {
  let error: ExpressionError | undefined;
  for (const item of items) {
    const value = round(frame, item);
    if (value === decides) return decides;
    if (value instanceof ExpressionError) error ??= value;
  }
  return error ?? !decides;
}

function select(
  frame: Frame,
  items: readonly Value[],
  { test }: { readonly test: Round },
): readonly Value[] | ExpressionError {
  const kept: Value[] = [];
  for (const item of items) {
    const value = test(frame, item);
    if (value instanceof ExpressionError) return value;
    if (value === true) kept.push(item);
  }
  return kept;
}

function mapAll(frame: Frame, items: readonly Value[], round: Round): Outcome {
  const results: Value[] = [];
  for (const item of items) {
    const value = round(frame, item);
    if (value instanceof ExpressionError) return value;
    results.push(value);
  }
  return results;
}

function mapFiltered(
  frame: Frame,
  items: readonly Value[],
  { test, mapped }: { readonly test: Round; readonly mapped: Round },
): Outcome {
  const results: Value[] = [];
  for (const item of items) {
    const keep = test(frame, item);
    if (keep instanceof ExpressionError) return keep;
    if (keep !== true) continue;
    const value = mapped(frame, item);
    if (value instanceof ExpressionError) return value;
    results.push(value);
  }
  return results;
}
