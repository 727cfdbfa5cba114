// Stateless validity: what can be said of a transaction or a batch without the state and without a clock.
// Decoding has judged form and limits; here are chain, suites and signatures. Never looks at time or registration.

import { accept, refuse, type Verdict } from "../errors.ts";
import { batchSigningBytes } from "./format-batch.ts";
import { transactionSigningBytes } from "./format-transaction.ts";
import { bytesEqual, EMPTY_BYTES, type Hash } from "./hash.ts";
import type { Batch, Transaction, Validator, VerifySignature } from "./types.ts";

/** Refusals: `TX_WRONG_CHAIN`, `TX_SIGNATURE` (also of a suite this node does not know). */
export function checkTransaction(claim: {
  readonly transaction: Transaction;
  readonly chainId: Hash;
  readonly verify: VerifySignature;
}): Verdict<true> {
  const { transaction, chainId, verify } = claim;
  const { body, signatures } = transaction;
  if (!bytesEqual(body.chainId, chainId)) return refuse("TX_WRONG_CHAIN");
  const signed = transactionSigningBytes(transaction.id);
  for (const [index, signer] of body.signers.entries()) {
    if (!verify(signer.suite, signer.publicKey, signed, signatures[index] ?? EMPTY_BYTES)) {
      return refuse("TX_SIGNATURE", `signer ${index}`);
    }
  }
  return accept(true);
}

/**
 * One invalid transaction makes a batch invalid: it is never stored, spread or prepared, and the origin's signature makes it evidence.
 * Refusals: `BATCH_WRONG_CHAIN`, `BATCH_ORIGIN`, `BATCH_SIGNATURE`, and those of `checkTransaction`.
 * @param validators whose batches count now
 * @param transactionChecked whether the transaction of this id, with these very bytes, was checked here before
 */
export function checkBatch(claim: {
  readonly batch: Batch;
  readonly chainId: Hash;
  readonly validators: readonly Validator[];
  readonly verify: VerifySignature;
  readonly transactionChecked?: (id: Hash, bytes: Uint8Array) => boolean;
}): Verdict<true> {
  const { batch, chainId, validators, verify, transactionChecked } = claim;
  if (!bytesEqual(batch.chainId, chainId)) return refuse("BATCH_WRONG_CHAIN");
  const origin = validators.find((validator) => bytesEqual(validator.publicKey, batch.origin));
  if (origin === undefined) return refuse("BATCH_ORIGIN");
  if (!verify(origin.suite, origin.publicKey, batchSigningBytes(batch.digest), batch.signature)) {
    return refuse("BATCH_SIGNATURE");
  }
  for (const [index, transaction] of batch.transactions.entries()) {
    if (transactionChecked?.(transaction.id, transaction.bytes) === true) continue;
    const verdict = checkTransaction({ transaction, chainId, verify });
    if (!verdict.ok) return refuse(verdict.code, `transaction ${index}: ${verdict.detail}`);
  }
  return accept(true);
}
