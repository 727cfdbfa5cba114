// Fills a proposal from the pool: equal byte shares for every origin, each origin in its own order, so that nobody's
// flood keeps another's transactions out. What is executed, and in which order, follows from the ledger's rule alone.

import { compareBytes, toHex } from "../ledger/hash.ts";
import { LIMITS } from "../ledger/limits.ts";
import type { Batch, Parameters } from "../ledger/types.ts";

/**
 * Picks batches round-robin over origins, the origin with the fewest bytes so far next, until the block is full.
 * A batch that does not fit ends its origin's turn: later ones of that origin would overtake it.
 */
export function chooseBatches(includable: readonly Batch[], parameters: Parameters): readonly Batch[] {
  const byOrigin = new Map<string, { readonly batches: Batch[]; bytes: number; next: number }>();
  for (const batch of includable) {
    const origin = toHex(batch.origin);
    const queue = byOrigin.get(origin) ?? { batches: [], bytes: 0, next: 0 };
    queue.batches.push(batch);
    byOrigin.set(origin, queue);
  }
  const queues = [...byOrigin.values()];
  for (const { batches } of queues)
    batches.sort((left, right) => left.sequence - right.sequence || compareBytes(left.digest, right.digest));
  const chosen: Batch[] = [];
  let bytes = 0;
  let transactions = 0;
  // N60: a proposal of more references can be read by nobody, its own proposer included.
  while (queues.length > 0 && chosen.length < LIMITS.proposalReferencesMax) {
    queues.sort((left, right) => left.bytes - right.bytes);
    const queue = queues[0]!;
    const batch = queue.batches[queue.next];
    const fits =
      batch !== undefined &&
      bytes + batch.bytes.length <= parameters.blockBytesMax &&
      transactions + batch.transactions.length <= parameters.blockTransactionsMax;
    if (!fits) {
      queues.shift();
      continue;
    }
    chosen.push(batch);
    bytes += batch.bytes.length;
    transactions += batch.transactions.length;
    queue.bytes += batch.bytes.length;
    queue.next += 1;
  }
  return chosen;
}
