// The genesis: one document, one chain id, facts that fit together.
// Never a second way to write the same facts.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeResult, resultHashOf } from "../../../src/ledger/format-block.ts";
import { parametersHashOf, validatorsHashOf } from "../../../src/ledger/format-cluster.ts";
import { chainIdOf, decodeGenesis, encodeGenesis, type Genesis, genesisHead } from "../../../src/ledger/genesis.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import { historyLeaf } from "../../../src/ledger/history.ts";
import { hashOf, sampleGenesis } from "./samples.ts";

const GENESIS = sampleGenesis();
const BYTES = encodeGenesis(GENESIS);

function codeWith(change: Partial<Genesis>): string {
  const verdict = decodeGenesis(encodeGenesis({ ...GENESIS, ...change }));
  return verdict.ok ? "accepted" : verdict.code;
}

describe("genesis", () => {
  test("L13: comes back equal, with its bytes and their hash as chain id", () => {
    expect(decodeGenesis(BYTES)).toEqual({ ok: true, value: { ...GENESIS, bytes: BYTES, chainId: chainIdOf(BYTES) } });
  });

  test("L13: truncation is refused; a changed byte is refused or another chain", () => {
    for (let length = 0; length < BYTES.length; length += 7)
      expect(decodeGenesis(BYTES.subarray(0, length)).ok).toBe(false);
    fc.assert(
      fc.property(fc.nat(BYTES.length - 1), fc.integer({ min: 1, max: 255 }), (place, change) => {
        const mutated = BYTES.slice();
        mutated[place] = (mutated[place] ?? 0) ^ change;
        const verdict = decodeGenesis(mutated);
        if (!verdict.ok) return;
        expect(toHex(encodeGenesis(verdict.value))).toBe(toHex(mutated));
        expect(toHex(verdict.value.chainId)).not.toBe(toHex(chainIdOf(BYTES)));
      }),
      { numRuns: 3_000 },
    );
  });

  test("L31: production refuses a clock that runs faster than the wall", () => {
    expect(codeWith({ production: true, timeScale: 1 })).toBe("accepted");
    expect(codeWith({ production: false, timeScale: 3_600 })).toBe("accepted");
    expect(codeWith({ production: true, timeScale: 2 })).toBe("GENESIS_TIME_SCALE");
    expect(codeWith({ timeScale: 0 })).toBe("CBOR_INTEGER_RANGE");
  });

  test("L31: names stand once, and members belong to a named organisation", () => {
    const { organisations, endpoints, contracts, accounts, validators } = GENESIS;
    const twice = <T>(list: readonly T[]): readonly T[] => [...list, list[0] as T];
    expect(codeWith({ organisations: twice(organisations) })).toBe("GENESIS_NAME_TWICE");
    expect(codeWith({ endpoints: twice(endpoints) })).toBe("GENESIS_NAME_TWICE");
    expect(codeWith({ contracts: twice(contracts) })).toBe("GENESIS_NAME_TWICE");
    expect(codeWith({ accounts: twice(accounts) })).toBe("GENESIS_NAME_TWICE");
    expect(codeWith({ organisations: organisations.slice(1) })).toBe("GENESIS_ORGANISATION_UNKNOWN");
    expect(codeWith({ validators: [...validators].reverse() })).toBe("VALIDATOR_ORDER");
    expect(codeWith({ validators: validators.slice(1) })).toBe("CBOR_COUNT");
  });

  test("L32: the head of height 0 commits to the genesis state, validators and parameters", () => {
    const decoded = decodeGenesis(BYTES);
    if (!decoded.ok) throw new Error(decoded.code);
    const head = genesisHead(decoded.value, hashOf(4));
    expect(head).toMatchObject({ height: 0, headerView: 0, certificateView: 0, timeMs: GENESIS.timeMs });
    expect(head.blockHash).toEqual(chainIdOf(BYTES));
    expect(head.proposer).toEqual(GENESIS.validators[0]?.publicKey);
    expect(decodeResult(head.resultBytes)).toMatchObject({
      ok: true,
      value: {
        stateRoot: hashOf(4),
        nextValidatorsHash: validatorsHashOf(GENESIS.validators),
        nextParametersHash: parametersHashOf(GENESIS.parameters),
      },
    });
    const { blockHash, resultHash } = head;
    expect(resultHash).toEqual(resultHashOf(head.resultBytes));
    expect(head.historyLeaf).toEqual(historyLeaf({ height: 0, blockHash, resultHash }));
  });
});
