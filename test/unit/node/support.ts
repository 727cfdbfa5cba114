// Real transactions and batches for tests of the node's parts.

import { buildTransaction } from "../../../src/client/transaction.ts";
import {
  batchDigestOf,
  batchSigningBytes,
  decodeBatch,
  encodeBatch,
  encodeBatchBody,
} from "../../../src/ledger/format-batch.ts";
import { decodeTransaction } from "../../../src/ledger/format-transaction.ts";
import type { Batch, Transaction } from "../../../src/ledger/types.ts";
import { nativeSigner } from "../../../src/node/ed25519-native.ts";
import type { Clock, KeySigner, Logger } from "../../../src/ports.ts";

export const CHAIN_ID = new Uint8Array(32).fill(9);

export function signerOf(seed: number): KeySigner {
  return nativeSigner(new Uint8Array(32).fill(seed));
}

export function transaction(options: {
  account?: string;
  nonce: number;
  validUntilMs?: number;
  signer?: KeySigner;
}): Transaction {
  const { bytes } = buildTransaction({
    chainId: CHAIN_ID,
    signers: [{ account: options.account ?? "alice", signer: options.signer ?? signerOf(1) }],
    nonce: options.nonce,
    validUntilMs: options.validUntilMs ?? 1_000,
    gasLimit: 1_000,
    calls: [{ contract: "notes", action: "write", args: { id: `n${options.nonce}` } }],
  });
  const decoded = decodeTransaction(bytes);
  if (!decoded.ok) throw new Error(decoded.code);
  return decoded.value;
}

export function batch(options: { origin?: KeySigner; sequence: number; transactions: readonly Transaction[] }): Batch {
  const origin = options.origin ?? signerOf(100);
  const body = encodeBatchBody({
    chainId: CHAIN_ID,
    origin: origin.publicKey,
    sequence: options.sequence,
    transactions: options.transactions.map(({ bytes }) => bytes),
  });
  const decoded = decodeBatch(encodeBatch(body, origin.sign(batchSigningBytes(batchDigestOf(body)))));
  if (!decoded.ok) throw new Error(decoded.code);
  return decoded.value;
}

/** A clock that stands still until it is moved; due timers run in order of their time. */
export class StillClock implements Clock {
  private time = 0;
  private readonly timers = new Map<number, { readonly at: number; readonly run: () => void }>();
  private next = 0;

  nowMs(): number {
    return this.time;
  }

  monotonicMs(): number {
    return this.time;
  }

  setTimer(delayMs: number, run: () => void): () => void {
    this.next += 1;
    const id = this.next;
    this.timers.set(id, { at: this.time + delayMs, run });
    return () => this.timers.delete(id);
  }

  advance(ms: number): void {
    this.time += ms;
    const due = [...this.timers]
      .filter(([, { at }]) => at <= this.time)
      .sort(([, left], [, right]) => left.at - right.at);
    for (const [id, { run }] of due) {
      this.timers.delete(id);
      run();
    }
  }
}

export const SILENT: Logger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
};
