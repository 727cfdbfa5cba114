// What one committed block changes on disk beside state and history: the facts of the new head, and the rows of the block.
// Never writes: the store puts these into one synced write with everything else.

import { decodeResult } from "../ledger/format-block.ts";
import { encodeValidators, validatorsHashOf } from "../ledger/format-cluster.ts";
import { bytesEqual, type Hash } from "../ledger/hash.ts";
import type { BatchReference } from "../ledger/types.ts";
import type { WriteOperation } from "../ports.ts";
import { idsKey, namedKey, receiptsKey, transactionKey, transitionKey, u64 } from "./keys.ts";
import {
  type BlockCommit,
  encodeIds,
  encodePlace,
  encodeReceipts,
  marksWith,
  orCorrupt,
  type StoredHead,
} from "./rows.ts";

/** The head row's facts after a block. */
export function headAfter(
  commit: BlockCommit,
  facts: { readonly before: StoredHead; readonly resultHash: Hash; readonly certificateView: number },
): StoredHead {
  const { header } = commit;
  return {
    height: header.height,
    blockHash: commit.blockHash,
    headerBytes: commit.headerBytes,
    resultBytes: commit.resultBytes,
    resultHash: facts.resultHash,
    stateRoot: orCorrupt(`block ${header.height}`, decodeResult(commit.resultBytes)).stateRoot,
    certificateBytes: commit.certificateBytes,
    proposer: header.proposer,
    headerView: header.view,
    certificateView: facts.certificateView,
    timeMs: header.timeMs,
    transactionsTotal: facts.before.transactionsTotal + commit.transactionIds.length,
    validators: commit.validators,
    parameters: commit.parameters,
    records: marksWith(facts.before.records, commit.record),
  };
}

/** The rows of a block beside its own, the head's, the state's and the history's. */
export function* blockOperations(commit: BlockCommit): Generator<WriteOperation> {
  const { header, receipts, references, validators } = commit;
  const { height, timeMs } = header;
  yield put(idsKey(height), encodeIds({ timeMs, ids: commit.transactionIds }));
  yield put(receiptsKey(height), encodeReceipts(receipts));
  for (const [index, { txId }] of receipts.entries()) yield put(transactionKey(txId), encodePlace({ height, index }));
  yield* namedBy(height, references);
  if (bytesEqual(validatorsHashOf(validators), header.validatorsHash)) return;
  yield put(transitionKey(height), encodeValidators(validators));
}

/** D120: by which block a batch was named last: until that one is pruned its body stays. */
export function namedBy(height: number, references: readonly BatchReference[]): readonly WriteOperation[] {
  return references.map(({ digest }) => put(namedKey(digest), u64(height)));
}

export function put(key: Uint8Array, value: Uint8Array): WriteOperation {
  return { kind: "put", key, value };
}
