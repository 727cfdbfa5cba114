// Whether a primary shares its block fairly among those whose batches wait, judged from outside by what waited when it was filled.
// Knows nothing of how the node chooses: only that nobody gets more while somebody with less waits for the same room.

import { compareBytes, toHex } from "../../../src/ledger/hash.ts";
import type { Batch, Header, Parameters } from "../../../src/ledger/types.ts";
import type { Participant } from "../../../src/node/participant.ts";

/** A block is sent soon after it was filled. */
const FILLINGS_MAX = 16;

/** One node's fillings: what waited, by the time of the block. */
export class Fairness {
  private readonly fillings = new Map<
    number,
    { readonly waiting: readonly Batch[]; readonly parameters: Parameters }
  >();

  watch({ pool, chain }: Participant): void {
    const includable = pool.includable.bind(pool);
    pool.includable = (view, timeMs, windowMs) => {
      const waiting = includable(view, timeMs, windowMs);
      this.fillings.set(timeMs, { waiting, parameters: chain.head.parameters });
      const [oldest] = this.fillings.keys();
      if (this.fillings.size > FILLINGS_MAX && oldest !== undefined) this.fillings.delete(oldest);
      return waiting;
    };
  }

  /** Whether the block of that header, which names these digests, passes somebody over for another who has more in it. */
  isUnfair({ timeMs }: Header, digests: readonly Uint8Array[]): boolean {
    const filling = this.fillings.get(timeMs);
    if (filling === undefined) return false;
    const named = new Set(digests.map(toHex));
    const taken = filling.waiting.filter(({ digest }) => named.has(toHex(digest)));
    return taken.length === named.size && passesOver(taken, filling.waiting, filling.parameters);
  }
}

/** Whether an origin got its last batch although another one had less in the block, and its next batch would have fitted instead. */
export function passesOver(taken: readonly Batch[], waiting: readonly Batch[], limits: Parameters): boolean {
  const origins = [...new Set(waiting.map(({ origin }) => toHex(origin)))];
  const shares = origins.map((hex) => {
    const own = waiting.filter(({ origin }) => toHex(origin) === hex);
    own.sort((left, right) => left.sequence - right.sequence || compareBytes(left.digest, right.digest));
    const got = own.filter((batch) => taken.includes(batch));
    return { bytes: bytesOf(got), last: got.at(-1), next: own.find((batch) => !taken.includes(batch)) };
  });
  const [bytes, transactions] = [bytesOf(taken), countOf(taken)];
  return shares.some(({ bytes: most, last }) =>
    shares.some(({ bytes: less, next }) => {
      if (last === undefined || next === undefined || less >= most - last.bytes.length) return false;
      const isRoom =
        bytes - last.bytes.length + next.bytes.length <= limits.blockBytesMax &&
        transactions - last.transactions.length + next.transactions.length <= limits.blockTransactionsMax;
      return isRoom;
    }),
  );
}

function bytesOf(batches: readonly Batch[]): number {
  return batches.reduce((sum, batch) => sum + batch.bytes.length, 0);
}

function countOf(batches: readonly Batch[]): number {
  return batches.reduce((sum, batch) => sum + batch.transactions.length, 0);
}
