// What a member with a valid key could do to the node's own parts: each test is an attack that once worked.

import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../src/ledger/limits.ts";
import { chooseBatches } from "../../../src/node/block-builder.ts";
import { PARAMETER_DEFAULTS } from "../../../src/node/genesis-plan.ts";
import { batch, signerOf, transaction } from "./support.ts";

describe("very many small batches", () => {
  it("N60: never fill a proposal beyond the references that a replica reads", () => {
    const one = batch({ origin: signerOf(101), sequence: 1, transactions: [transaction({ nonce: 1 })] });
    const many = Array.from({ length: LIMITS.proposalReferencesMax + 10 }, () => one);
    expect(chooseBatches(many, PARAMETER_DEFAULTS)).toHaveLength(LIMITS.proposalReferencesMax);
  });
});
