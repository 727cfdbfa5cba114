// The executed list: what a block executes follows from its batches, its time and its parent alone.
// Never depends on who gathered a transaction or in which order batches were named.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { executedList, placeByParent } from "../../../src/ledger/executed-list.ts";
import { compareBytes, type Hash, hashTagged, toHex } from "../../../src/ledger/hash.ts";
import type { Batch, Transaction } from "../../../src/ledger/types.ts";
import { CHAIN_ID, hashOf } from "./samples.ts";

interface Facts {
  readonly id: number;
  readonly account: string;
  readonly nonce: number | bigint;
  readonly validUntilMs: number;
}

const TIME_MS = 1_000_000;
const WINDOW_MS = 60_000;

function transactionOf(facts: Facts): Transaction {
  return {
    id: hashTagged("TX", new Uint8Array([facts.id >> 8, facts.id & 255])),
    body: {
      version: 1,
      chainId: CHAIN_ID,
      signers: [{ account: facts.account, suite: 1, publicKey: hashOf(1) }],
      nonce: facts.nonce,
      validUntilMs: facts.validUntilMs,
      gasLimit: 1,
      calls: [],
      memo: new Uint8Array(0),
    },
    contracts: [],
    signatures: [],
    bytes: new Uint8Array(0),
  };
}

function batchOf(transactions: readonly Transaction[]): Batch {
  const none = new Uint8Array(0);
  return { digest: none, chainId: CHAIN_ID, origin: none, sequence: 1, transactions, signature: none, bytes: none };
}

function idsOf(
  batches: readonly (readonly Transaction[])[],
  options: { readonly parentHash?: Hash; readonly isCommitted?: (id: Hash) => boolean } = {},
): readonly string[] {
  const block = { timeMs: TIME_MS, windowMs: WINDOW_MS, parentHash: hashOf(5), isCommitted: () => false, ...options };
  return executedList({ ...block, placeOf: placeByParent, batches: batches.map(batchOf) }).map((transaction) =>
    toHex(transaction.id),
  );
}

const anyFacts: fc.Arbitrary<Facts> = fc.record({
  id: fc.nat(200),
  account: fc.constantFrom("a", "b", "owner:1", "业主"),
  nonce: fc.oneof(fc.nat(3), fc.constant(2n ** 63n)),
  validUntilMs: fc.constant(TIME_MS),
});

describe("executed list", () => {
  test("L26: the order does not depend on batches, their order or repeats", () => {
    const anyList = fc.uniqueArray(anyFacts, { selector: (facts) => facts.id, maxLength: 30 });
    fc.assert(
      fc.property(anyList, fc.nat(30), (list, cut) => {
        const transactions = list.map(transactionOf);
        const expected = idsOf([transactions]);
        expect(expected).toHaveLength(transactions.length);
        expect(idsOf([transactions.slice(cut), transactions.slice(0, cut)])).toEqual(expected);
        expect(idsOf([transactions, [...transactions].reverse()])).toEqual(expected);
        expect(idsOf(transactions.map((transaction) => [transaction]))).toEqual(expected);
      }),
    );
  });

  test("L26: by H(ORDER, parent, account), then nonce, then id", () => {
    const facts: readonly Facts[] = [
      { id: 1, account: "a", nonce: 2n ** 63n, validUntilMs: TIME_MS },
      { id: 2, account: "a", nonce: 10, validUntilMs: TIME_MS },
      { id: 3, account: "b", nonce: 9, validUntilMs: TIME_MS },
      { id: 4, account: "a", nonce: 9, validUntilMs: TIME_MS },
      { id: 5, account: "a", nonce: 9, validUntilMs: TIME_MS },
    ];
    const [one, two, three, four, five] = facts.map((fact) => toHex(transactionOf(fact).id));
    const parentHash = hashOf(5);
    const placeOf = (account: string): Hash => {
      const name = new TextEncoder().encode(account);
      return hashTagged("ORDER", new Uint8Array([...parentHash, ...name]));
    };
    const nines =
      compareBytes(transactionOf(facts[3] as Facts).id, transactionOf(facts[4] as Facts).id) < 0
        ? [four, five]
        : [five, four];
    const ofA = [...nines, two, one];
    const expected = compareBytes(placeOf("a"), placeOf("b")) < 0 ? [...ofA, three] : [three, ...ofA];
    expect(idsOf([facts.map(transactionOf)], { parentHash })).toEqual(expected);
  });

  test("L26: another parent gives accounts another order (pitfall 23)", () => {
    const transactions = Array.from({ length: 10 }, (_, id) =>
      transactionOf({ id, account: `account-${id}`, nonce: 0, validUntilMs: TIME_MS }),
    );
    const orders = [1, 2, 3, 4].map((byte) => idsOf([transactions], { parentHash: hashOf(byte) }).join());
    expect(new Set(orders).size).toBe(4);
  });

  test("L27: what is committed or outside [time, time + window] is left out", () => {
    const at = (id: number, validUntilMs: number): Transaction =>
      transactionOf({ id, account: "a", nonce: id, validUntilMs });
    const inside = [at(1, TIME_MS), at(2, TIME_MS + WINDOW_MS), at(3, TIME_MS + 1)];
    const outside = [at(4, TIME_MS - 1), at(5, TIME_MS + WINDOW_MS + 1)];
    const third = toHex((inside[2] as Transaction).id);
    const isCommitted = (id: Hash): boolean => toHex(id) === third;
    expect(idsOf([[...outside, ...inside]], { isCommitted })).toEqual(inside.slice(0, 2).map(({ id }) => toHex(id)));
    expect(idsOf([outside])).toEqual([]);
  });
});
