// What has left nodes under their keys, by position (S5): one frame for each, and new ones only ever rise.
// Must never ask a node: it hears what leaves, and what stood in a vote record when a process opened it.

import type { ConsensusMessage, PrePrepareMessage } from "../../src/consensus/messages.ts";
import { validatorsHashOf } from "../../src/ledger/format-cluster.ts";
import { voteSigningBytes } from "../../src/ledger/format-vote.ts";
import { bytesEqual, EMPTY_BYTES, type Hash } from "../../src/ledger/hash.ts";
import type { Validator, VerifySignature } from "../../src/ledger/types.ts";

/** Steps of a view: 0 VIEW-CHANGE, 1 PREPARE (the primary's PRE-PREPARE bears it), 2 COMMIT. */
export interface Place {
  readonly height: number;
  readonly view: number;
  readonly step: number;
}

export class SignedPlaces {
  /** node:height:view:step -> the frame that left */
  private readonly frames = new Map<string, Uint8Array>();
  /** by the same names: what stood in a vote record when a process opened it, sent or not */
  private readonly recorded = new Map<string, Uint8Array>();
  private readonly highest = new Map<number, Place>();

  noteRecorded(node: number, place: Place, frame: Uint8Array): void {
    this.recorded.set(nameOf(node, place), frame);
  }

  /** "again": the very frame that left there before. `fault`: what no honest key does. */
  noteSent(node: number, place: Place, frame: Uint8Array): "new" | "again" | { readonly fault: string } {
    const name = nameOf(node, place);
    const before = this.frames.get(name);
    if (before !== undefined)
      return bytesEqual(before, frame) ? "again" : { fault: `S5: node ${node} signed twice at ${name}` };
    this.frames.set(name, frame);
    const highest = this.highest.get(node);
    if (highest === undefined || isAbove(place, highest)) {
      this.highest.set(node, place);
      return "new";
    }
    // Signed before it rose, and not sent before its process ended: it leaves with what came after.
    const isLate = bytesEqual(this.recorded.get(name) ?? EMPTY_BYTES, frame);
    return isLate ? "new" : { fault: `S5: node ${node} signed backward at ${name}` };
  }
}

export function nameOf(node: number, { height, view, step }: Place): string {
  return `${node}:${height}:${view}:${step}`;
}

/** Whose vote a message may be, at its height. */
export interface KeyFacts {
  readonly key: Uint8Array;
  readonly chainId: Hash;
  readonly validators: readonly Validator[];
  readonly verify: VerifySignature;
}

/** The position that a message is this key's vote for, or undefined when it is another's, or none. */
export function ownPlaceOf(message: ConsensusMessage, facts: KeyFacts): Place | undefined {
  const { height, view } = message;
  const isOwn = (signer: number) => bytesEqual(facts.validators[signer]?.publicKey ?? EMPTY_BYTES, facts.key);
  switch (message.kind) {
    case "prepare":
    case "commit":
      return isOwn(message.vote.signer) ? { height, view, step: message.kind === "prepare" ? 1 : 2 } : undefined;
    case "viewChange":
      return isOwn(message.viewChange.signer) ? { height, view, step: 0 } : undefined;
    case "prePrepare":
      return isProposedBy(message, facts) ? { height, view, step: 1 } : undefined;
    default:
      return undefined;
  }
}

/** A relayed PRE-PREPARE is another's: only a PREPARE that verifies under the key is its vote. */
export function isProposedBy(message: PrePrepareMessage, facts: KeyFacts): boolean {
  const { height, view, block, signature } = message;
  const { key, chainId, validators, verify } = facts;
  const { blockHash } = block.proposal;
  const validatorsHash = validatorsHashOf(validators);
  const vote = { kind: "prepare", chainId, height, view, validatorsHash, blockHash, resultHash: EMPTY_BYTES } as const;
  return verify(1, key, voteSigningBytes(vote), signature);
}

function isAbove(one: Place, other: Place): boolean {
  if (one.height !== other.height) return one.height > other.height;
  return one.view !== other.view ? one.view > other.view : one.step > other.step;
}
