// Invariants: our own bugs, checked in production. A broken one halts the node; it is never caught and continued.

import { LedgerError } from "./errors.ts";

/**
 * Halts when one of the numbered rules of `docs/invariants.md` does not hold.
 * @throws LedgerError `INVARIANT_BROKEN` with the rule's sentence, which starts with its number ("C5: ...")
 */
export function invariant(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new LedgerError("INVARIANT_BROKEN", { rule });
}

/** Closes every switch over a union: a new member that nobody handles is a compile error. */
export function unreachable(value: never): never {
  throw new LedgerError("INVARIANT_BROKEN", { rule: `X0: unhandled case ${JSON.stringify(value)}` });
}
