// Where transactions of clients come in: judged one by one, queued, and what was taken in signed for, once for a whole call.
// Never acknowledges: its word is volatile, only a receipt lasts.

import { refuseSigner } from "../contracts/execute-block.ts";
import { admitted, LedgerError } from "../errors.ts";
import { decodeTransaction, receivedSigningBytes } from "../ledger/format-transaction.ts";
import type { SealedGenesis } from "../ledger/genesis.ts";
import { bytesEqual, type Hash } from "../ledger/hash.ts";
import type { Transaction } from "../ledger/types.ts";
import { checkTransaction } from "../ledger/validate.ts";
import type { KeySigner, ReceivedStatement, Submitted } from "../ports.ts";
import type { Participant } from "./participant.ts";

export class Door {
  private readonly participant: Participant;
  private readonly genesis: SealedGenesis;
  private readonly key: KeySigner;

  constructor(options: {
    readonly participant: Participant;
    readonly genesis: SealedGenesis;
    readonly key: KeySigner;
  }) {
    this.participant = options.participant;
    this.genesis = options.genesis;
    this.key = options.key;
  }

  /** @throws LedgerError the refusal by its code */
  submit(bytes: Uint8Array): ReceivedStatement {
    return this.signed([this.take(bytes)]);
  }

  /** A127: one signature for all that are taken in: it costs as much as checking half a transaction. */
  submitMany(transactions: readonly Uint8Array[]): Submitted {
    const outcomes = transactions.map((bytes): Submitted["outcomes"][number] => {
      try {
        return { ok: true, txId: this.take(bytes) };
      } catch (error) {
        return { ok: false, error };
      }
    });
    const taken = outcomes.flatMap((outcome) => (outcome.ok ? [outcome.txId] : []));
    return { outcomes, received: taken.length === 0 ? undefined : this.signed(taken) };
  }

  private take(bytes: Uint8Array): Hash {
    const transaction = admitted(decodeTransaction(bytes));
    const { mempool, chain } = this.participant;
    // The same transaction again is answered again: a client that lost the answer may ask twice.
    if (!mempool.has(transaction.id) && !chain.replay.has(transaction.id)) {
      this.check(transaction);
      this.participant.offer(transaction);
    }
    return transaction.id;
  }

  private signed(txIds: readonly Hash[]): ReceivedStatement {
    const timeMs = Math.floor(this.participant.clock.nowMs());
    const { chainId } = this.genesis;
    return { txIds, timeMs, signature: this.key.sign(receivedSigningBytes({ chainId, txIds, timeMs })) };
  }

  private check(transaction: Transaction): void {
    const { chain, clock, verify } = this.participant;
    const { chainId } = this.genesis;
    // First of all: who holds another genesis has everything else wrong too.
    if (!bytesEqual(transaction.body.chainId, chainId)) throw new LedgerError("TX_WRONG_CHAIN");
    // Nobody takes batches of a node without a seat: the transaction would wait here until it expires.
    if (!this.participant.isSeated) throw new LedgerError("NODE_HAS_NO_SEAT");
    // N224: what is executed from now on it will not see: the client would wait here for a receipt that others have.
    if (chain.isOutgrown) throw new LedgerError("PROTOCOL_UNSUPPORTED", { protocol: chain.head.parameters.protocol });
    const { validUntilMs, signers } = transaction.body;
    const nowMs = Math.floor(clock.nowMs());
    if (validUntilMs < nowMs) throw new LedgerError("TX_EXPIRED", { validUntilMs, nowMs });
    if (validUntilMs > nowMs + chain.windowMs)
      throw new LedgerError("TX_VALID_TOO_LONG", { validUntilMs, latestMs: nowMs + chain.windowMs });
    const reader = chain.store.stateReader();
    for (const signer of signers) {
      const refusal = refuseSigner(reader, signer);
      if (refusal !== undefined) throw new LedgerError("TX_SIGNER_UNKNOWN", { account: signer.account, rule: refusal });
    }
    admitted(checkTransaction({ transaction, chainId, verify }));
  }
}
