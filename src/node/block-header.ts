// The header of the block above a head: how it is made, and why a proposed one is not it.
// Knows nothing of batches' bodies, and nothing of time beyond "later than the parent".

import type { HeadFacts } from "../consensus/events.ts";
import { accept, refuse, type Verdict } from "../errors.ts";
import { batchesRootOf, transactionsRootOf } from "../ledger/format-block.ts";
import { parametersHashOf, validatorsHashOf } from "../ledger/format-cluster.ts";
import { bytesEqual, bytesKey, EMPTY_BYTES, type Hash } from "../ledger/hash.ts";
import { type BatchReference, FORMAT_VERSION, type Header, type Proposal } from "../ledger/types.ts";

/** What the header follows from. */
export interface HeaderPlace {
  readonly chainId: Hash;
  readonly head: HeadFacts;
  /** over the heights up to the head */
  readonly historyRoot: Hash;
}

export function headerAbove(
  { chainId, head, historyRoot }: HeaderPlace,
  block: {
    readonly view: number;
    readonly proposer: Uint8Array;
    readonly timeMs: number;
    readonly references: readonly BatchReference[];
    /** the executed list */
    readonly transactionIds: readonly Hash[];
  },
): Header {
  return {
    version: FORMAT_VERSION,
    protocol: head.parameters.protocol,
    chainId,
    height: head.height + 1,
    view: block.view,
    proposer: block.proposer,
    timeMs: block.timeMs,
    parentHash: head.blockHash,
    parentResult: head.resultHash,
    historyRoot,
    batchesRoot: batchesRootOf(block.references),
    transactionsRoot: transactionsRootOf(block.transactionIds),
    transactionCount: block.transactionIds.length,
    validatorsHash: validatorsHashOf(head.validators),
    parametersHash: parametersHashOf(head.parameters),
    extension: EMPTY_BYTES,
  };
}

/** N1: everything in the header follows from the head. */
export function checkHeader(place: HeaderPlace, { header, references }: Proposal): Verdict<true> {
  const { chainId, head, historyRoot } = place;
  const { parameters, validators } = head;
  // N221: from the height on that governance decided, and not before, the header carries the new number.
  if (header.version !== FORMAT_VERSION || header.protocol !== parameters.protocol)
    return refuse("BLOCK_PROTOCOL", `${header.protocol}`);
  if (!bytesEqual(header.chainId, chainId)) return refuse("BLOCK_CHAIN");
  if (header.height !== head.height + 1) return refuse("BLOCK_HEIGHT", `${header.height}`);
  if (header.timeMs <= head.timeMs) return refuse("BLOCK_TIME_NOT_LATER", `${header.timeMs}`);
  if (!bytesEqual(header.parentHash, head.blockHash)) return refuse("BLOCK_PARENT");
  if (!bytesEqual(header.parentResult, head.resultHash)) return refuse("BLOCK_PARENT_RESULT");
  if (!bytesEqual(header.historyRoot, historyRoot)) return refuse("BLOCK_HISTORY");
  if (!bytesEqual(header.validatorsHash, validatorsHashOf(validators))) return refuse("BLOCK_VALIDATORS");
  if (!bytesEqual(header.parametersHash, parametersHashOf(parameters))) return refuse("BLOCK_PARAMETERS");
  if (header.extension.length > 0) return refuse("BLOCK_EXTENSION");
  if (!bytesEqual(header.batchesRoot, batchesRootOf(references))) return refuse("BLOCK_BATCHES");
  return checkReferences(head, references);
}

function checkReferences({ validators, parameters }: HeadFacts, references: readonly BatchReference[]): Verdict<true> {
  // N93: whose batches count at a height follows from the header, not from when a batch reached whom.
  const seats = new Set(validators.map(({ publicKey }) => bytesKey(publicKey)));
  if (!references.every(({ origin }) => seats.has(bytesKey(origin)))) return refuse("BLOCK_BATCH_ORIGIN");
  const digests = new Set(references.map(({ digest }) => bytesKey(digest)));
  if (digests.size !== references.length) return refuse("BLOCK_BATCH_REPEATED");
  let bytes = 0;
  let count = 0;
  for (const reference of references) {
    bytes += reference.bytes;
    count += reference.count;
  }
  if (bytes > parameters.blockBytesMax || count > parameters.blockTransactionsMax)
    return refuse("BLOCK_TOO_LARGE", `${bytes} bytes, ${count} transactions`);
  return accept(true);
}
