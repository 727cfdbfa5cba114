// What the honest replicas have signed, frame by frame, and the pool of all of it: nothing sent is ever taken back, so a
// frame that is never delivered is lost, and one that comes late has overtaken nothing it could not overtake.

import { unreachable } from "../../src/assert.ts";
import type { Statement } from "../../src/consensus/evidence.ts";
import { type ConsensusMessage, decodeMessage } from "../../src/consensus/messages.ts";
import { STEP_COMMIT, STEP_PREPARE, STEP_VIEW_CHANGE } from "../../src/consensus/positions.ts";
import type { NewView, SignedViewChange } from "../../src/consensus/view-formats.ts";
import { EMPTY_BYTES, toHex } from "../../src/ledger/hash.ts";
import type { Certificate, Vote } from "../../src/ledger/types.ts";

export type SignedMessage = Extract<ConsensusMessage, { kind: "prePrepare" | "prepare" | "commit" | "viewChange" }>;

export interface Frame {
  readonly id: number;
  /** what it says, without signatures: frames of one name are alike to everybody */
  readonly name: string;
  readonly signer: number;
  readonly message: SignedMessage;
  readonly bytes: Uint8Array;
  readonly step: number;
  /** hexadecimal hash of the block; empty for a VIEW-CHANGE */
  readonly block: string;
}

/**
 * "alike": two certificates of one statement have one name whoever signed them, and so have NEW-VIEWs with one decision: they
 * are checked once and passed on, and nobody asks who signed. "exact": everything signed is told apart.
 */
export type Naming = "alike" | "exact";

const names = { alike: new Map<string, string>(), exact: new Map<string, string>() };

/** The name of a signed frame, without its signer. */
export function nameOfFrame(bytes: Uint8Array, naming: Naming): string {
  const key = Buffer.from(bytes).toString("latin1");
  let name = names[naming].get(key);
  if (name === undefined) {
    name = nameOf(signedMessage(bytes), naming);
    names[naming].set(key, name);
  }
  return name;
}

export function signedMessage(bytes: Uint8Array): SignedMessage {
  const decoded = decodeMessage(bytes);
  if (!decoded.ok) throw new Error(`a signed frame cannot be read: ${decoded.code}`);
  const { kind } = decoded.value;
  if (kind === "prePrepare" || kind === "prepare" || kind === "commit" || kind === "viewChange") return decoded.value;
  throw new Error(`${kind} is not signed`);
}

export function claimName({ signer, prepared }: SignedViewChange): string {
  return `${signer}:${prepared === undefined ? "free" : `${prepared.view}/${shortHash(prepared.blockHash)}`}`;
}

/** Who signed matters to an exact name: some may not have signed in another run. */
export function proofName(certificate: Certificate | undefined, naming: Naming): string {
  if (certificate === undefined) return "unproved";
  const { view, signers } = certificate;
  return naming === "alike" ? `proved in ${view}` : `proved in ${view} by ${toHex(signers)}`;
}

export type NewViewParts = Pick<NewView, "viewChanges" | "certificate">;

/** An alike name holds what the rule of NEW-VIEW looks at: how many, the highest lock, and what is proved. */
export function newViewName(parts: NewViewParts | undefined, naming: Naming): string {
  if (parts === undefined) return "";
  const { viewChanges, certificate } = parts;
  const proof = `${proofName(certificate, naming)} ${certificate === undefined ? "" : shortHash(certificate.blockHash)}`;
  if (naming === "exact") return ` [${viewChanges.map(claimName).sort().join(" ")}; ${proof}]`;
  const locks = viewChanges.flatMap(({ prepared }) => (prepared === undefined ? [] : [prepared]));
  const highest = locks.sort((left, right) => right.view - left.view)[0];
  const claim = highest === undefined ? "free" : `${highest.view}/${shortHash(highest.blockHash)}`;
  return ` [${viewChanges.length}, highest ${claim}; ${proof}]`;
}

export function shortHash(bytes: Uint8Array): string {
  return toHex(bytes.subarray(0, 4));
}

function nameOf(message: SignedMessage, naming: Naming): string {
  const place = `${message.kind} ${message.height}.${message.view}`;
  switch (message.kind) {
    case "prePrepare": {
      const { block, newView } = message;
      return `${place} ${shortHash(block.proposal.blockHash)}${newViewName(newView?.content, naming)}`;
    }
    case "prepare":
    case "commit":
      return `${place} ${shortHash(message.vote.blockHash)} ${shortHash(message.vote.resultHash)}`;
    case "viewChange":
      return `${place} ${claimName(message.viewChange)} ${proofName(message.certificate, naming)}`;
    default:
      return unreachable(message);
  }
}

export class FrameTable {
  readonly frames: Frame[] = [];
  private readonly byName = new Map<string, Frame>();
  private readonly naming: Naming;

  constructor(naming: Naming) {
    this.naming = naming;
  }

  intern(signer: number, bytes: Uint8Array): Frame {
    const name = `${signer} ${nameOfFrame(bytes, this.naming)}`;
    const known = this.byName.get(name);
    if (known !== undefined) return known;
    const message = signedMessage(bytes);
    const step = { prePrepare: STEP_PREPARE, prepare: STEP_PREPARE, commit: STEP_COMMIT, viewChange: STEP_VIEW_CHANGE };
    const frame: Frame = {
      id: this.frames.length,
      name,
      signer,
      message,
      bytes,
      step: step[message.kind],
      block: message.kind === "viewChange" ? "" : toHex(voteOf(message, signer).blockHash),
    };
    this.frames.push(frame);
    this.byName.set(name, frame);
    return frame;
  }

  get(id: number): Frame {
    const frame = this.frames[id];
    if (frame === undefined) throw new Error(`no frame ${id}`);
    return frame;
  }
}

/** A PRE-PREPARE holds its primary's PREPARE. */
export function voteOf(message: Exclude<SignedMessage, { kind: "viewChange" }>, signer: number): Vote {
  if (message.kind !== "prePrepare") return message.vote;
  const { height, view, block, signature } = message;
  const { blockHash } = block.proposal;
  return { kind: "prepare", height, view, blockHash, resultHash: EMPTY_BYTES, signer, signature };
}

/** Everything a frame states with a position. */
export function statementsOf({ message, signer }: Frame): readonly Statement[] {
  if (message.kind === "viewChange") return [{ ...message.viewChange, kind: "viewChange", view: message.view }];
  const vote = voteOf(message, signer);
  if (message.kind !== "prePrepare" || message.newView === undefined) return [vote];
  return [vote, { kind: "newView", view: message.view, ...message.newView }];
}
