// Every format of the ledger: round trip, truncation, changed bytes, arity, limits.
// Never trusts a decoder that accepts what its encoder would not write.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Verdict } from "../../../src/errors.ts";
import { decode, encode, type Value } from "../../../src/ledger/codec.ts";
import {
  batchDigestOf,
  decodeBatch,
  encodeBatch,
  encodeBatchBody,
  referenceOf,
} from "../../../src/ledger/format-batch.ts";
import {
  batchesRootOf,
  blockHashOf,
  decodeHeader,
  decodeProposal,
  decodeResult,
  encodeHeader,
  encodeProposal,
  encodeResult,
} from "../../../src/ledger/format-block.ts";
import {
  decodeParameters,
  decodeValidators,
  encodeParameters,
  encodeValidators,
} from "../../../src/ledger/format-cluster.ts";
import { decodeReceipt, encodeReceipt } from "../../../src/ledger/format-receipt.ts";
import {
  decodeTransaction,
  encodeTransaction,
  encodeTransactionBody,
  transactionIdOf,
} from "../../../src/ledger/format-transaction.ts";
import {
  decodeCertificate,
  decodeHeadStatement,
  encodeCertificate,
  encodeHeadStatement,
  voteSigningBytes,
} from "../../../src/ledger/format-vote.ts";
import { tagged, toHex } from "../../../src/ledger/hash.ts";
import { LIMITS } from "../../../src/ledger/limits.ts";
import { SUITE_ED25519 } from "../../../src/ledger/types.ts";
import {
  anyBody,
  anyCertificate,
  anyHash,
  anyHeader,
  anyHeadStatement,
  anyParameters,
  anyReceipt,
  anyReference,
  anyResult,
  anySignaturesFor,
  anyValidators,
  CHAIN_ID,
  hashOf,
  makeSigners,
  sampleBody,
} from "./samples.ts";

interface Format {
  readonly name: string;
  /** bytes of valid examples */
  readonly examples: fc.Arbitrary<Uint8Array>;
  /** the bytes that the decoded value encodes to; undefined when refused */
  readonly reencode: (bytes: Uint8Array) => Uint8Array | undefined;
}

function formatOf<T>(
  name: string,
  values: fc.Arbitrary<T>,
  encodeValue: (value: T) => Uint8Array,
  decodeBytes: (bytes: Uint8Array) => Verdict<T>,
): Format {
  const reencode = (bytes: Uint8Array): Uint8Array | undefined => {
    const verdict = decodeBytes(bytes);
    return verdict.ok ? encodeValue(verdict.value) : undefined;
  };
  return { name, examples: values.map(encodeValue), reencode };
}

const anyTransactionBytes = anyBody
  .chain((body) =>
    anySignaturesFor(body).map((signatures) => encodeTransaction(encodeTransactionBody(body), signatures)),
  )
  .filter((bytes) => bytes.length >= LIMITS.transactionBytesMin);

function reencodeTransaction(bytes: Uint8Array): Uint8Array | undefined {
  const verdict = decodeTransaction(bytes);
  if (!verdict.ok) return undefined;
  const bodyBytes = encodeTransactionBody(verdict.value.body);
  expect(toHex(transactionIdOf(bodyBytes))).toBe(toHex(verdict.value.id));
  return encodeTransaction(bodyBytes, verdict.value.signatures);
}

const anyBatchBytes = fc
  .record({
    chainId: anyHash,
    origin: anyHash,
    sequence: fc.integer({ min: 1 }),
    transactions: fc.array(anyTransactionBytes, { minLength: 1, maxLength: 3 }),
  })
  .map((body) => encodeBatch(encodeBatchBody(body), new Uint8Array(64).fill(5)));

function reencodeBatch(bytes: Uint8Array): Uint8Array | undefined {
  const verdict = decodeBatch(bytes);
  if (!verdict.ok) return undefined;
  const { transactions } = verdict.value;
  const body = encodeBatchBody({
    ...verdict.value,
    transactions: transactions.map((transaction) => reencodeTransaction(transaction.bytes) ?? new Uint8Array(0)),
  });
  expect(toHex(batchDigestOf(body))).toBe(toHex(verdict.value.digest));
  return encodeBatch(body, verdict.value.signature);
}

const anyProposal = fc
  .record({ header: anyHeader, references: fc.array(anyReference, { maxLength: 5 }) })
  .map(({ header, references }) => {
    const committed = { ...header, batchesRoot: batchesRootOf(references) };
    const headerBytes = encodeHeader(committed);
    return { header: committed, headerBytes, blockHash: blockHashOf(headerBytes), references };
  });

const FORMATS: readonly Format[] = [
  { name: "transaction", examples: anyTransactionBytes, reencode: reencodeTransaction },
  { name: "batch", examples: anyBatchBytes, reencode: reencodeBatch },
  formatOf("header", anyHeader, encodeHeader, decodeHeader),
  formatOf("proposal", anyProposal, encodeProposal, decodeProposal),
  formatOf("result", anyResult, encodeResult, decodeResult),
  formatOf("certificate", anyCertificate, encodeCertificate, decodeCertificate),
  formatOf("head statement", anyHeadStatement, encodeHeadStatement, decodeHeadStatement),
  formatOf("receipt", anyReceipt, encodeReceipt, decodeReceipt),
  formatOf("validators", anyValidators, encodeValidators, decodeValidators),
  formatOf("parameters", anyParameters, encodeParameters, decodeParameters),
];

describe.each(FORMATS)("$name", ({ examples, reencode }) => {
  test("L13: every example is accepted and re-encodes to the same bytes", () => {
    fc.assert(
      fc.property(examples, (bytes) => {
        expect(toHex(reencode(bytes) ?? new Uint8Array(0))).toBe(toHex(bytes));
      }),
    );
  });

  test("L13: truncation at every length and a byte too many are refused", () => {
    fc.assert(
      fc.property(examples, (bytes) => {
        for (let length = 0; length < bytes.length; length += 1) {
          expect(reencode(bytes.subarray(0, length))).toBeUndefined();
        }
        const longer = new Uint8Array(bytes.length + 1);
        longer.set(bytes);
        expect(reencode(longer)).toBeUndefined();
      }),
      { numRuns: 20 },
    );
  });

  test("L13: a changed byte is refused or decodes to what encodes to it", () => {
    fc.assert(
      fc.property(examples, fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, place, change) => {
        const mutated = bytes.slice();
        mutated[place % mutated.length] = (mutated[place % mutated.length] ?? 0) ^ change;
        const again = reencode(mutated);
        if (again !== undefined) expect(toHex(again)).toBe(toHex(mutated));
      }),
      { numRuns: 2_000 },
    );
  });

  test("L13: an item more, an item less or another type is refused at every place", () => {
    fc.assert(
      fc.property(examples, (bytes) => {
        const verdict = decode(bytes);
        if (!verdict.ok) throw new Error(verdict.code);
        for (const changed of misshapen(verdict.value)) {
          const mutated = encode(changed);
          const again = reencode(mutated);
          if (again !== undefined) expect(toHex(again)).toBe(toHex(mutated));
        }
        const items = verdict.value as Value[];
        expect(reencode(encode([...items, 0]))).toBeUndefined();
        expect(reencode(encode(items.slice(0, -1)))).toBeUndefined();
        expect(reencode(encode([items]))).toBeUndefined();
      }),
      { numRuns: 20 },
    );
  });
});

/** The value with, at each place of its tree, the item replaced by one of another type, removed or doubled. */
function* misshapen(value: Value): Generator<Value> {
  for (const other of [null, true, 0, -1, "", new Uint8Array(0), [], 2n ** 64n - 1n]) yield other;
  if (!Array.isArray(value)) return;
  for (const [index, item] of value.entries()) {
    yield value.filter((_, place) => place !== index);
    yield [...value.slice(0, index), item, ...value.slice(index)];
    for (const changed of misshapen(item)) yield [...value.slice(0, index), changed, ...value.slice(index + 1)];
  }
}

// ---- rules of single formats ----

const [SIGNER] = makeSigners(1);
if (SIGNER === undefined) throw new Error("no signer");
const BODY = sampleBody([SIGNER], 1);

function transactionWith(change: Partial<typeof BODY>): string {
  const body = { ...BODY, ...change };
  const signatures = body.signers.map(() => new Uint8Array(64));
  const verdict = decodeTransaction(encodeTransaction(encodeTransactionBody(body), signatures));
  return verdict.ok ? "accepted" : verdict.code;
}

function callWith(change: Partial<(typeof BODY.calls)[number]>): string {
  const [call] = BODY.calls;
  return transactionWith({ calls: [{ contract: "c", action: "a", args: [], ...call, ...change }] });
}

describe("limits of a transaction", () => {
  test("L14: names have 1 to 64 bytes of UTF-8", () => {
    const longest = `${"邻".repeat(21)}x`; // 64 bytes
    for (const [text, expected] of [
      [longest, "accepted"],
      [`${longest}x`, "CBOR_LENGTH"],
      ["", "CBOR_LENGTH"],
    ] as const) {
      expect(callWith({ contract: text })).toBe(expected);
      expect(callWith({ action: text })).toBe(expected);
      expect(callWith({ args: [[text, 1]] })).toBe(expected);
      expect(transactionWith({ signers: [{ account: text, suite: 1, publicKey: hashOf(1) }] })).toBe(expected);
    }
  });

  test("L14: 1 to 8 signers, 1 to 100 calls, memo up to 64 bytes, 64 arguments", () => {
    const signers = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ account: `a${index}`, suite: 1, publicKey: hashOf(index) }));
    const calls = (count: number) => Array.from({ length: count }, () => ({ contract: "c", action: "a", args: [] }));
    const args = (count: number) =>
      Array.from({ length: count }, (_, index) => [`n${index.toString().padStart(3, "0")}`, 0] as const);
    expect(transactionWith({ signers: signers(8) })).toBe("accepted");
    expect(transactionWith({ signers: signers(9) })).toBe("CBOR_COUNT");
    expect(transactionWith({ signers: [], calls: calls(30) })).toBe("CBOR_COUNT");
    expect(transactionWith({ calls: calls(100) })).toBe("accepted");
    expect(transactionWith({ calls: calls(101) })).toBe("CBOR_COUNT");
    expect(transactionWith({ calls: [], signers: signers(2) })).toBe("CBOR_COUNT");
    expect(transactionWith({ memo: new Uint8Array(64) })).toBe("accepted");
    expect(transactionWith({ memo: new Uint8Array(65) })).toBe("CBOR_LENGTH");
    expect(callWith({ args: args(64) })).toBe("accepted");
    expect(callWith({ args: args(65) })).toBe("CBOR_COUNT");
  });

  test("L14: 64 KiB in all, 8,192 items in the arguments, 8 arrays deep", () => {
    expect(callWith({ args: [["n", new Uint8Array(65_000)]] })).toBe("accepted");
    expect(callWith({ args: [["n", new Uint8Array(66_000)]] })).toBe("CBOR_TOO_LARGE");
    expect(callWith({ args: [["n", new Array(8_191).fill(0)]] })).toBe("accepted");
    expect(callWith({ args: [["n", new Array(8_192).fill(0)]] })).toBe("CBOR_TOO_MANY_ITEMS");
    const nested = (depth: number): Value => (depth === 0 ? 0 : [nested(depth - 1)]);
    expect(callWith({ args: [["n", nested(8)]] })).toBe("accepted");
    expect(callWith({ args: [["n", nested(9)]] })).toBe("CBOR_TOO_DEEP");
  });

  test("L14: nonce is a u64, times and gas are safe integers", () => {
    expect(transactionWith({ nonce: 2n ** 64n - 1n })).toBe("accepted");
    expect(transactionWith({ nonce: -1 })).toBe("CBOR_NOT_UNSIGNED");
    expect(transactionWith({ validUntilMs: Number.MAX_SAFE_INTEGER })).toBe("accepted");
    expect(transactionWith({ gasLimit: -1 })).toBe("CBOR_NOT_UNSIGNED");
  });

  test("L18: an account signs once, and arguments ascend by name", () => {
    const twice = { account: "a", suite: 1, publicKey: hashOf(1) };
    expect(transactionWith({ signers: [twice, { ...twice, publicKey: hashOf(2) }] })).toBe("TX_SIGNER_TWICE");
    expect(
      callWith({
        args: [
          ["a", 1],
          ["a", 2],
        ],
      }),
    ).toBe("TX_ARGUMENT_ORDER"); // prettier-ignore
    // The encoder sorts, so bytes out of order are put together by hand.
    const items = decode(encodeTransactionBody(BODY));
    const body = items.ok ? (items.value as Value[]) : [];
    const calls = [
      [
        "vote",
        "cast",
        [
          ["motion", "2026-07"],
          ["choice", "x"],
        ],
      ],
    ]; // prettier-ignore
    const bytes = encode([encode([...body.slice(0, 6), calls, ...body.slice(7)]), [new Uint8Array(64)]]);
    expect(decodeTransaction(bytes)).toMatchObject({ ok: false, code: "TX_ARGUMENT_ORDER" });
  });

  test("L18: a key and a signature have the length of their suite", () => {
    const signers = [{ account: "a", suite: SUITE_ED25519, publicKey: new Uint8Array(33) }];
    expect(transactionWith({ signers })).toBe("CBOR_LENGTH");
    const bodyBytes = encodeTransactionBody(BODY);
    expect(decodeTransaction(encodeTransaction(bodyBytes, [new Uint8Array(65)])).ok).toBe(false);
    expect(decodeTransaction(encodeTransaction(bodyBytes, [])).ok).toBe(false);
    expect(decodeTransaction(encodeTransaction(bodyBytes, [new Uint8Array(64), new Uint8Array(64)])).ok).toBe(false);
  });

  test("L18: an unknown version is refused", () => {
    expect(transactionWith({ version: 2 })).toBe("VERSION_UNKNOWN");
  });

  test("L1: the shortest transaction is not shorter than the limit that counts with it", () => {
    const shortest = encodeTransaction(
      encodeTransactionBody({
        version: 1,
        chainId: CHAIN_ID,
        signers: [{ account: "a", suite: 255, publicKey: new Uint8Array(1) }],
        nonce: 0,
        validUntilMs: 0,
        gasLimit: 0,
        calls: [{ contract: "c", action: "a", args: [] }],
        memo: new Uint8Array(0),
      }),
      [new Uint8Array(1)],
    );
    expect(decodeTransaction(shortest)).toMatchObject({ ok: false, code: "TX_TOO_SMALL" });
    const ed25519 = encodeTransaction(
      encodeTransactionBody({ ...BODY, calls: [{ contract: "c", action: "a", args: [] }], memo: new Uint8Array(0) }),
      [new Uint8Array(64)],
    );
    expect(ed25519.length).toBeGreaterThanOrEqual(LIMITS.transactionBytesMin);
  });
});

describe("identity of transactions and batches", () => {
  const bodyBytes = encodeTransactionBody(BODY);

  test("L19: a body signed again is the same transaction", () => {
    const first = decodeTransaction(encodeTransaction(bodyBytes, [new Uint8Array(64).fill(1)]));
    const again = decodeTransaction(encodeTransaction(bodyBytes, [new Uint8Array(64).fill(2)]));
    expect(first.ok && again.ok && toHex(first.value.id) === toHex(again.value.id)).toBe(true);
  });

  test("L19: a batch decodes to the same transactions as each alone, and its reference says its size", () => {
    const transactions = [1, 2, 3].map((nonce) =>
      encodeTransaction(encodeTransactionBody(sampleBody([SIGNER], nonce)), [new Uint8Array(64).fill(nonce)]),
    );
    const body = encodeBatchBody({ chainId: CHAIN_ID, origin: hashOf(3), sequence: 9, transactions });
    const bytes = encodeBatch(body, new Uint8Array(64));
    const verdict = decodeBatch(bytes);
    if (!verdict.ok) throw new Error(verdict.code);
    expect(verdict.value.transactions.map((transaction) => ({ ok: true, value: transaction }))).toEqual(
      transactions.map(decodeTransaction),
    );
    expect(referenceOf(verdict.value)).toEqual({
      digest: batchDigestOf(body),
      origin: hashOf(3),
      bytes: bytes.length,
      count: 3,
    });
  });

  test("L15: a batch cut from a network buffer survives that buffer", () => {
    const transaction = encodeTransaction(bodyBytes, [new Uint8Array(64)]);
    const body = encodeBatchBody({ chainId: CHAIN_ID, origin: hashOf(3), sequence: 1, transactions: [transaction] });
    const bytes = encodeBatch(body, new Uint8Array(64));
    const network = Buffer.alloc(bytes.length + 100, 0xff);
    network.set(bytes, 50);
    const verdict = decodeBatch(network.subarray(50, 50 + bytes.length));
    network.fill(0);
    expect(verdict).toEqual(decodeBatch(bytes));
  });

  test("L14: each transaction of a batch has its own limit of items", () => {
    const many = new Array(6_000).fill(0);
    const calls = [{ contract: "c", action: "a", args: [["n", many] as const] }];
    const transaction = encodeTransaction(encodeTransactionBody({ ...BODY, calls }), [new Uint8Array(64)]);
    const transactions = [transaction, transaction, transaction];
    const body = encodeBatchBody({ chainId: CHAIN_ID, origin: hashOf(3), sequence: 1, transactions });
    expect(decodeBatch(encodeBatch(body, new Uint8Array(64))).ok).toBe(true);
  });

  test("L14: a batch has a transaction, a sequence from 1 and at most 512 KiB", () => {
    const transaction = encodeTransaction(bodyBytes, [new Uint8Array(64)]);
    const codeOf = (change: { transactions?: Uint8Array[]; sequence?: number }): string => {
      const facts = { chainId: CHAIN_ID, origin: hashOf(3), sequence: 1, transactions: [transaction], ...change };
      const verdict = decodeBatch(encodeBatch(encodeBatchBody(facts), new Uint8Array(64)));
      return verdict.ok ? "accepted" : verdict.code;
    };
    expect(codeOf({})).toBe("accepted");
    expect(codeOf({ transactions: [] })).toBe("CBOR_COUNT");
    expect(codeOf({ sequence: 0 })).toBe("CBOR_INTEGER_RANGE");
    expect(codeOf({ transactions: new Array(3_000).fill(transaction) })).toBe("CBOR_TOO_LARGE");
    expect(codeOf({ transactions: [transaction, new Uint8Array(3)] })).toBe("TX_TOO_SMALL");
  });
});

describe("signed bytes", () => {
  const vote = {
    chainId: hashOf(1),
    height: 5,
    view: 2,
    validatorsHash: hashOf(2),
    blockHash: hashOf(3),
    resultHash: hashOf(4),
  };

  test("L20: a vote binds kind, chain, height, view, validators, block and result", () => {
    const variants = [
      { ...vote, kind: "commit" as const },
      { ...vote, kind: "prepare" as const },
      { ...vote, kind: "commit" as const, chainId: hashOf(9) },
      { ...vote, kind: "commit" as const, height: 6 },
      { ...vote, kind: "commit" as const, view: 3 },
      { ...vote, kind: "commit" as const, validatorsHash: hashOf(9) },
      { ...vote, kind: "commit" as const, blockHash: hashOf(9) },
      { ...vote, kind: "commit" as const, resultHash: hashOf(9) },
      { ...vote, kind: "commit" as const, resultHash: new Uint8Array(0) },
    ];
    expect(new Set(variants.map((variant) => toHex(voteSigningBytes(variant)))).size).toBe(variants.length);
  });

  test("L20: no tag is the beginning of another", () => {
    const tags = ["PREPARE", "COMMIT", "TX", "TX-SIGN", "BATCH", "BATCHES", "HISTORY", "HISTORY-ROOT"] as const;
    const prefixes = tags.map((tag) => toHex(tagged(tag, new Uint8Array(0))));
    for (const left of prefixes)
      for (const right of prefixes) if (left !== right) expect(right.startsWith(left)).toBe(false);
  });

  test("L21: leaves of Merkle trees are hashes of more than 64 bytes, never of two hashes", () => {
    const receipt = {
      txId: hashOf(1),
      index: 0,
      status: "ok" as const,
      ruleId: "",
      values: [],
      gas: 0,
      events: [],
      writes: [],
    };
    expect(tagged("BLOCK-RECEIPT", encodeReceipt(receipt)).length).toBeGreaterThan(64);
    expect(tagged("HISTORY", encode([0, hashOf(1), hashOf(2)])).length).toBeGreaterThan(64);
    expect(tagged("BATCHES", encode([hashOf(1), new Uint8Array(1), 1, 1])).length).not.toBe(64);
    expect(tagged("TX", new Uint8Array(LIMITS.transactionBytesMin - 70)).length).toBeGreaterThan(64);
  });
});

describe("proposals and sets", () => {
  test("L22: a proposal whose references are not those of its header is refused", () => {
    fc.assert(
      fc.property(anyProposal, anyReference, (proposal, extra) => {
        const bytes = encodeProposal({ ...proposal, references: [...proposal.references, extra] });
        expect(decodeProposal(bytes)).toMatchObject({ ok: false, code: "PROPOSAL_REFERENCES" });
      }),
    );
  });

  test("L23: validators out of key order, with a key twice, a peer twice or fewer than four are refused", () => {
    const four = [1, 2, 3, 4].map((byte) => ({
      organisation: "o",
      suite: 1,
      publicKey: hashOf(byte),
      peerId: `p${byte}`,
    }));
    const [first, second, third, fourth] = four as [
      (typeof four)[0],
      (typeof four)[0],
      (typeof four)[0],
      (typeof four)[0],
    ];
    const codeOf = (set: readonly (typeof first)[]): string => {
      const verdict = decodeValidators(encodeValidators(set));
      return verdict.ok ? "accepted" : verdict.code;
    };
    expect(codeOf(four)).toBe("accepted");
    expect(codeOf([second, first, third, fourth])).toBe("VALIDATOR_ORDER");
    expect(codeOf([first, { ...first, peerId: "p9" }, third, fourth])).toBe("VALIDATOR_ORDER");
    expect(codeOf([first, second, third, { ...fourth, peerId: "p1" }])).toBe("VALIDATOR_PEER_TWICE");
    expect(codeOf([first, second, third])).toBe("CBOR_COUNT");
  });
});
