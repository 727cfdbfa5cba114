// Stateless validity of transactions and batches: signatures, chain and origin.
// Never reaches for a clock or the state.

import { describe, expect, test } from "vitest";
import {
  batchDigestOf,
  batchSigningBytes,
  decodeBatch,
  encodeBatch,
  encodeBatchBody,
} from "../../../src/ledger/format-batch.ts";
import {
  decodeTransaction,
  encodeTransaction,
  encodeTransactionBody,
  transactionIdOf,
  transactionSigningBytes,
} from "../../../src/ledger/format-transaction.ts";
import { bytesEqual } from "../../../src/ledger/hash.ts";
import type { TransactionBody } from "../../../src/ledger/types.ts";
import { checkBatch, checkTransaction } from "../../../src/ledger/validate.ts";
import { verifyNative } from "../../../src/node/ed25519-native.ts";
import type { KeySigner } from "../../../src/ports.ts";
import { CHAIN_ID, hashOf, makeSigners, sampleBody, validatorsOf } from "./samples.ts";

const [ALICE, BOB, ...REST] = makeSigners(6);
if (ALICE === undefined || BOB === undefined) throw new Error("no signers");
const VALIDATORS = validatorsOf(REST);
const ORIGIN = REST[0] as KeySigner;

function signed(body: TransactionBody, signers: readonly KeySigner[]): Uint8Array {
  const bodyBytes = encodeTransactionBody(body);
  const message = transactionSigningBytes(transactionIdOf(bodyBytes));
  return encodeTransaction(
    bodyBytes,
    signers.map((signer) => signer.sign(message)),
  );
}

function codeOfTransaction(bytes: Uint8Array): string {
  const decoded = decodeTransaction(bytes);
  if (!decoded.ok) return decoded.code;
  const verdict = checkTransaction({ transaction: decoded.value, chainId: CHAIN_ID, verify: verifyNative });
  return verdict.ok ? "accepted" : verdict.code;
}

describe("transactions", () => {
  const body = sampleBody([ALICE, BOB], 1);

  test("L28: every signer's signature is over this body by this key", () => {
    expect(codeOfTransaction(signed(body, [ALICE, BOB]))).toBe("accepted");
    expect(codeOfTransaction(signed(body, [BOB, ALICE]))).toBe("TX_SIGNATURE");
    expect(codeOfTransaction(signed(body, [ALICE, ALICE]))).toBe("TX_SIGNATURE");
    const other = encodeTransactionBody({ ...body, nonce: 2 });
    const first = decodeTransaction(signed(body, [ALICE, BOB]));
    if (!first.ok) throw new Error(first.code);
    expect(codeOfTransaction(encodeTransaction(other, first.value.signatures))).toBe("TX_SIGNATURE");
  });

  test("L28: of another chain or an unknown suite it is refused", () => {
    expect(codeOfTransaction(signed({ ...body, chainId: hashOf(2) }, [ALICE, BOB]))).toBe("TX_WRONG_CHAIN");
    const [first, second] = body.signers;
    if (first === undefined || second === undefined) throw new Error("no signers");
    const signers = [first, { ...second, suite: 2 }];
    expect(codeOfTransaction(signed({ ...body, signers }, [ALICE, BOB]))).toBe("TX_SIGNATURE");
  });

  test("L28: any changed byte of a signed transaction is refused", () => {
    const bytes = signed(body, [ALICE, BOB]);
    for (let place = 0; place < bytes.length; place += 1) {
      const mutated = bytes.slice();
      mutated[place] = (mutated[place] ?? 0) ^ (1 << (place % 8));
      expect(codeOfTransaction(mutated)).not.toBe("accepted");
    }
  });
});

describe("batches", () => {
  const good = [1, 2, 3].map((nonce) => signed(sampleBody([ALICE], nonce), [ALICE]));

  function codeOfBatch(
    options: {
      readonly transactions?: readonly Uint8Array[];
      readonly origin?: KeySigner;
      readonly signer?: KeySigner;
      readonly chainId?: Uint8Array;
      readonly transactionChecked?: (id: Uint8Array, bytes: Uint8Array) => boolean;
    } = {},
  ): string {
    const { transactions = good, origin = ORIGIN, signer = origin, chainId = CHAIN_ID } = options;
    const body = encodeBatchBody({ chainId, origin: origin.publicKey, sequence: 1, transactions });
    const decoded = decodeBatch(encodeBatch(body, signer.sign(batchSigningBytes(batchDigestOf(body)))));
    if (!decoded.ok) return decoded.code;
    const { transactionChecked = () => false } = options;
    const claim = { batch: decoded.value, chainId: CHAIN_ID, validators: VALIDATORS, verify: verifyNative };
    const verdict = checkBatch({ ...claim, transactionChecked });
    return verdict.ok ? "accepted" : verdict.code;
  }

  test("L29: a validator's signature over valid transactions of this chain", () => {
    expect(codeOfBatch()).toBe("accepted");
    expect(codeOfBatch({ origin: ALICE })).toBe("BATCH_ORIGIN");
    expect(codeOfBatch({ signer: ALICE })).toBe("BATCH_SIGNATURE");
    expect(codeOfBatch({ chainId: hashOf(2) })).toBe("BATCH_WRONG_CHAIN");
  });

  test("L29: one invalid transaction makes the batch invalid", () => {
    const forged = signed(sampleBody([ALICE], 4), [BOB]);
    expect(codeOfBatch({ transactions: [...good, forged] })).toBe("TX_SIGNATURE");
    const foreign = signed({ ...sampleBody([ALICE], 4), chainId: hashOf(2) }, [ALICE]);
    expect(codeOfBatch({ transactions: [...good, foreign] })).toBe("TX_WRONG_CHAIN");
  });

  test("L30: what was checked here is not checked again, but only with the same signatures", () => {
    // Same body, same id, signature of somebody else: remembered by id alone it would split the nodes.
    const forged = signed(sampleBody([ALICE], 1), [BOB]);
    const [known = new Uint8Array(0)] = good;
    const transactionChecked = (_id: Uint8Array, bytes: Uint8Array): boolean => bytesEqual(bytes, known);
    expect(codeOfBatch({ transactionChecked })).toBe("accepted");
    expect(codeOfBatch({ transactions: [forged], transactionChecked })).toBe("TX_SIGNATURE");
    expect(codeOfBatch({ transactions: [forged], transactionChecked: () => true })).toBe("accepted");
  });
});
