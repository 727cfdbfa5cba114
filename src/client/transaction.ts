// Builds and signs transactions. Never keeps a private key: whoever calls brings a signer.
// Never looks at a clock: until when it may be executed is the caller's choice, in ledger time.

import { LedgerError } from "../errors.ts";
import type { Value } from "../ledger/codec.ts";
import {
  decodeTransaction,
  encodeTransaction,
  encodeTransactionBody,
  transactionIdOf,
  transactionSigningBytes,
} from "../ledger/format-transaction.ts";
import { EMPTY_BYTES, type Hash } from "../ledger/hash.ts";
import { FORMAT_VERSION } from "../ledger/types.ts";
import type { KeySigner } from "../ports.ts";

export interface CallRequest {
  readonly contract: string;
  readonly action: string;
  /** in any order; they are signed in order of their names */
  readonly args: Readonly<Record<string, Value>>;
}

export interface TransactionRequest {
  readonly chainId: Hash;
  /** 1 to 8; the first is the sender */
  readonly signers: readonly { readonly account: string; readonly signer: KeySigner }[];
  /** the sender's own order; with the rest of the body it makes the transaction unique */
  readonly nonce: number | bigint;
  /** ledger time, ms: after it the transaction is never executed */
  readonly validUntilMs: number;
  readonly gasLimit: number;
  /** 1 to 100, all or nothing */
  readonly calls: readonly CallRequest[];
  /** at most 64 bytes */
  readonly memo?: Uint8Array;
}

export interface SignedTransaction {
  readonly id: Hash;
  readonly bytes: Uint8Array;
}

/**
 * The signed bytes, ready for `tx_send`, and the id under which the receipt will be found.
 * @throws LedgerError `TX_INVALID` with the reason, when the request is outside the ledger's limits
 */
export function buildTransaction(request: TransactionRequest): SignedTransaction {
  const { chainId, signers, nonce, validUntilMs, gasLimit, calls, memo = EMPTY_BYTES } = request;
  const bodyBytes = encodeTransactionBody({
    version: FORMAT_VERSION,
    chainId,
    signers: signers.map(({ account, signer }) => ({ account, suite: signer.suite, publicKey: signer.publicKey })),
    nonce,
    validUntilMs,
    gasLimit,
    calls: calls.map(({ contract, action, args }) => ({ contract, action, args: Object.entries(args) })),
    memo,
  });
  const id = transactionIdOf(bodyBytes);
  const signed = transactionSigningBytes(id);
  const bytes = encodeTransaction(
    bodyBytes,
    signers.map(({ signer }) => signer.sign(signed)),
  );
  const judged = decodeTransaction(bytes);
  if (!judged.ok) throw new LedgerError("TX_INVALID", { reason: judged.code, detail: judged.detail });
  return { id, bytes };
}
