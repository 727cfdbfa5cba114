// Where a vote stands, who leads a height, and who is primary of a view (protocol.md "Positions and primaries").
// Pure arithmetic over facts: keeps nothing, knows no messages.

import { invariant } from "../assert.ts";
import { bytesEqual, compareBytes } from "../ledger/hash.ts";
import type { Parameters, Validator } from "../ledger/types.ts";

/** Steps of a view in order. NEW-VIEW has PREPARE's: both are recorded in one sync. */
export const STEP_VIEW_CHANGE = 0;
export const STEP_PREPARE = 1;
export const STEP_COMMIT = 2;
export type Step = typeof STEP_VIEW_CHANGE | typeof STEP_PREPARE | typeof STEP_COMMIT;

/** Where a vote stands within its height; a VIEW-CHANGE stands in its target view. */
export interface Position {
  readonly view: number;
  readonly step: Step;
}

export function isAbove(position: Position, other: Position): boolean {
  return position.view !== other.view ? position.view > other.view : position.step > other.step;
}

/**
 * Index of lead(height) in `validators`, which are those of `height` in key order: the proposer of the block before, or its
 * successor where `height` is a multiple of the rotation or the proposer has left (both together give one successor).
 */
export function leadIndex(facts: {
  readonly height: number;
  /** proposer named in the header of height - 1 */
  readonly parentProposer: Uint8Array;
  readonly validators: readonly Validator[];
  readonly parameters: Parameters;
}): number {
  const { height, parentProposer, validators, parameters } = facts;
  invariant(validators.length > 0, "C1: a height has validators");
  if (height === 1) return 0;
  const index = validators.findIndex(({ publicKey }) => bytesEqual(publicKey, parentProposer));
  if (index >= 0) return height % parameters.rotationHeights === 0 ? (index + 1) % validators.length : index;
  const successor = validators.findIndex(({ publicKey }) => compareBytes(publicKey, parentProposer) > 0);
  return Math.max(successor, 0);
}

/** Index of primary(height, view) in the validators of the height. */
export function primaryIndex(lead: number, view: number, validatorCount: number): number {
  return (lead + view) % validatorCount;
}
