import { describe, expect, it } from "vitest";
import {
  isAbove,
  leadIndex,
  primaryIndex,
  STEP_COMMIT,
  STEP_PREPARE,
  STEP_VIEW_CHANGE,
} from "../../../src/consensus/positions.ts";
import type { Validator } from "../../../src/ledger/types.ts";
import { simParameters } from "../../sim/chain.ts";

function validator(first: number): Validator {
  return { organisation: "o", suite: 1, publicKey: new Uint8Array(32).fill(first), peerId: `p${first}` };
}

const VALIDATORS = [10, 20, 30, 40].map(validator);

describe("positions", () => {
  it("C11: the lead of height 1 is the first key, whatever the rotation", () => {
    const facts = {
      height: 1,
      parentProposer: VALIDATORS[2]!.publicKey,
      validators: VALIDATORS,
      parameters: simParameters(1),
    };
    expect(leadIndex(facts)).toBe(0);
  });

  // height, rotation R, proposer of the block before (by its byte), expected index
  const TABLE: readonly (readonly [string, number, number, number, number])[] = [
    ["the proposer stays lead", 7, 1000, 20, 1],
    ["at a multiple of R its successor leads", 2000, 1000, 20, 2],
    ["the successor of the last key is the first", 2000, 1000, 40, 0],
    ["a proposer that left is followed by the next key", 7, 1000, 25, 2],
    ["one that left from behind the last key is followed by the first", 7, 1000, 99, 0],
    ["leaving at a rotation gives one successor, not two", 2000, 1000, 25, 2],
  ];
  for (const [rule, height, rotationHeights, proposer, expected] of TABLE) {
    it(`C11: ${rule}`, () => {
      const parentProposer = new Uint8Array(32).fill(proposer);
      expect(
        leadIndex({ height, parentProposer, validators: VALIDATORS, parameters: simParameters(rotationHeights) }),
      ).toBe(expected);
    });
  }

  it("primary(h, v) walks round the validators from the lead", () => {
    expect([0, 1, 2, 3, 4, 5].map((view) => primaryIndex(2, view, 4))).toEqual([2, 3, 0, 1, 2, 3]);
  });

  it("positions are ordered by view, then VIEW-CHANGE < PREPARE < COMMIT", () => {
    const ordered = [0, 1, 2].flatMap((view) =>
      ([STEP_VIEW_CHANGE, STEP_PREPARE, STEP_COMMIT] as const).map((step) => ({ view, step })),
    );
    for (const [index, one] of ordered.entries()) {
      for (const [other, position] of ordered.entries()) expect(isAbove(one, position)).toBe(index > other);
    }
  });
});
