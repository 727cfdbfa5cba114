// Which transactions of a block's batches are executed, and in which order: the same on every node.
// Never judges signatures or registration; what it leaves out leaves no receipt and never makes a block invalid.

import { bytesKey, compareBytes, first32Bits, type Hash, hashTagged } from "./hash.ts";
import type { Batch, Signer, Transaction } from "./types.ts";

const TEXT = new TextEncoder();

/** Of an account: one object for all its transactions. */
interface Place {
  readonly hash: Hash;
  /** its first 32 bits */
  readonly head: number;
}

/**
 * The executed list: the transactions of the named batches without repeats, without those already committed, and without those
 * whose `validUntilMs` is outside `[timeMs, timeMs + windowMs]`; ordered by the place of the account, then nonce, then id.
 * One account's transactions keep their order, and nobody chooses a place among the others freely (pitfall 23).
 * @param batches in the order of the proposal's references
 * @param placeOf of the protocol in force; `placeByParent` in version 1
 * @param isCommitted answers for every id of the replay window
 */
export function executedList(block: {
  readonly batches: readonly Batch[];
  readonly timeMs: number;
  readonly windowMs: number;
  readonly parentHash: Hash;
  readonly placeOf: (parentHash: Hash, account: string) => Hash;
  readonly isCommitted: (id: Hash) => boolean;
}): readonly Transaction[] {
  const taken = new Set<string>();
  const places = new Map<string, Place>();
  const listed: { readonly place: Place; readonly transaction: Transaction }[] = [];
  for (const { transactions } of block.batches) {
    for (const transaction of transactions) {
      const { id, body } = transaction;
      if (body.validUntilMs < block.timeMs || body.validUntilMs > block.timeMs + block.windowMs) continue;
      const key = bytesKey(id);
      if (taken.has(key) || block.isCommitted(id)) continue;
      taken.add(key);
      const { account } = body.signers[0] as Signer;
      let place = places.get(account);
      if (place === undefined) {
        const hash = block.placeOf(block.parentHash, account);
        place = { hash, head: first32Bits(hash) };
        places.set(account, place);
      }
      listed.push({ place, transaction });
    }
  }
  listed.sort(
    (left, right) => comparePlaces(left.place, right.place) || compareOfOneAccount(left.transaction, right.transaction),
  );
  return listed.map((entry) => entry.transaction);
}

function comparePlaces(left: Place, right: Place): number {
  return left === right ? 0 : left.head - right.head || compareBytes(left.hash, right.hash);
}

function compareOfOneAccount(left: Transaction, right: Transaction): number {
  if (left.body.nonce !== right.body.nonce) return left.body.nonce < right.body.nonce ? -1 : 1;
  return compareBytes(left.id, right.id);
}

/** H(ORDER, parentHash, account): nobody knows his place before the block before is made. */
export function placeByParent(parentHash: Hash, account: string): Hash {
  const name = TEXT.encode(account);
  const payload = new Uint8Array(parentHash.length + name.length);
  payload.set(parentHash);
  payload.set(name, parentHash.length);
  return hashTagged("ORDER", payload);
}
