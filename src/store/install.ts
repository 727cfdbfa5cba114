// What one write changes when a fetched state becomes the state of this node: head, history, transitions, and the space in use.
// Never judges: everything here was verified against a certified header before.

import { decodeHeader } from "../ledger/format-block.ts";
import { encodeValidators } from "../ledger/format-cluster.ts";
import type { SnapshotAnchor } from "../ledger/format-snapshot.ts";
import { encodeCertificate } from "../ledger/format-vote.ts";
import { bytesEqual } from "../ledger/hash.ts";
import { historyLeaf } from "../ledger/history.ts";
import type { VerifiedBlock } from "../ledger/proofs.ts";
import type { ValidatorTransition } from "../ledger/types.ts";
import type { WriteOperation } from "../ports.ts";
import { put } from "./block-writes.ts";
import {
  blockKey,
  FIRST_KEY,
  HEAD_KEY,
  historyKey,
  SPACE_KEY,
  STAGED_KEY,
  type StateSpace,
  transitionKey,
  u64,
} from "./keys.ts";
import { encodeBlock, encodeHead, orCorrupt, type RecordMark, type StoredHead } from "./rows.ts";

/** A verified snapshot without its state. */
export interface InstalledHead {
  readonly anchor: SnapshotAnchor;
  readonly block: VerifiedBlock;
  readonly transactionsTotal: number;
}

export function headOf(installed: InstalledHead, records: readonly RecordMark[]): StoredHead {
  const { anchor, block, transactionsTotal } = installed;
  const { header, result, blockHash, resultHash } = block;
  const { certified } = anchor;
  return {
    height: header.height,
    blockHash,
    headerBytes: certified.headerBytes,
    resultBytes: certified.resultBytes,
    resultHash,
    stateRoot: result.stateRoot,
    certificateBytes: encodeCertificate(certified.certificate),
    proposer: header.proposer,
    headerView: header.view,
    certificateView: certified.certificate.view,
    timeMs: header.timeMs,
    transactionsTotal,
    validators: anchor.validators,
    parameters: anchor.parameters,
    records,
  };
}

/** The certified changes of the validators up to this head, its own among them. */
export function transitionsUpTo({ anchor, block }: InstalledHead): readonly ValidatorTransition[] {
  const { transitions, ...certified } = anchor.certified;
  if (bytesEqual(block.result.nextValidatorsHash, block.header.validatorsHash)) return transitions;
  return [...transitions, { ...certified, nextValidators: anchor.validators }];
}

export function installOperations(
  installed: InstalledHead,
  head: StoredHead,
  space: StateSpace,
): readonly WriteOperation[] {
  const { anchor } = installed;
  const { historyBefore } = anchor;
  const nodes = [...historyBefore.peakNodes(), ...historyBefore.append(historyLeaf(head)).nodes];
  const { headerBytes, resultBytes, certificateBytes } = head;
  return [
    ...transitionsUpTo(installed).flatMap(transitionRows),
    put(
      blockKey(head.height),
      encodeBlock({ headerBytes, references: anchor.references, resultBytes, certificateBytes }),
    ),
    ...nodes.map(({ position, hash }) => put(historyKey(position), hash)),
    put(HEAD_KEY, encodeHead({ ...head, historyBefore })),
    put(SPACE_KEY, Uint8Array.of(space === "state" ? 0 : 1)),
    put(FIRST_KEY, u64(head.height + 1)),
    { kind: "delete", key: STAGED_KEY },
  ];
}

// Its batches are not here: the row serves proofs of the validators, never as a block.
function transitionRows(transition: ValidatorTransition): readonly WriteOperation[] {
  const { headerBytes, resultBytes, certificate, nextValidators } = transition;
  const { height } = orCorrupt("transition", decodeHeader(headerBytes));
  const row = { headerBytes, references: [], resultBytes, certificateBytes: encodeCertificate(certificate) };
  return [put(blockKey(height), encodeBlock(row)), put(transitionKey(height), encodeValidators(nextValidators))];
}
