// The canonical form of one replica: two replicas with one digest do the same for ever. Walks the real object with all its
// private parts; leaves out what cannot matter, each with its reason.

import type { Core } from "../../src/consensus/core.ts";
import type { Statement } from "../../src/consensus/evidence.ts";
import type { ViewChangeMessage } from "../../src/consensus/messages.ts";
import { isAbove, STEP_PREPARE } from "../../src/consensus/positions.ts";
import type { VoteRecord } from "../../src/consensus/vote-record.ts";
import { toHex } from "../../src/ledger/hash.ts";
import { claimName, nameOfFrame, proofName } from "./frames.ts";
import type { Member } from "./member.ts";

const LEFT_OUT: ReadonlySet<string> = new Set([
  // What never changes, and what is not state.
  ...["chainId", "ownKey", "verify", "emit", "effects", "timing", "validators", "keys", "validatorsHash", "parameters"],
  // Signatures found right before: forgetting them costs work, nothing else. A signature follows from signer and words.
  ...["verified", "voteSigned", "signature", "signatures"],
  // Bytes of what stands beside them as an object, or follows from it.
  ...["bytes", "headerBytes", "suspicionBytes", "suspects", "frame", "references"],
  // Timers never fire here, nothing of other heights arrives, and suspicions come as certificates.
  ...[
    "isTimed",
    "wasIdle",
    "isShortened",
    "isResendTimed",
    "resends",
    "catchUp",
    "hasSuspected",
    "paceMs",
    "lostPeers",
  ],
  // Whether a contradiction was reported before: reports are judged where they come first, and never change a vote.
  "reported",
  // Grows with each saved record and is compared by the store alone.
  "sequence",
]);
/** Signed frames, by what they say. */
const FRAMES: ReadonlySet<string> = new Set(["frames", "ownFrames"]);
/** Sets in the clothes of lists: only membership is asked of them. */
const UNORDERED: ReadonlySet<string> = new Set(["statements"]);

/**
 * What the future of a replica depends on when votes come in quorums and every question is answered at once.
 * A block comes along with whatever names it and is checked and executed on the spot, so that blocks known beside need not be
 * told apart; what was accepted is prepared on the spot, so that VIEW-CHANGEs and NEW-VIEW are done with; votes of the honest
 * are in the certificate they came in, and only a liar's statement of the present view can stand against a later one.
 * `whole` tells every two replicas apart that differ in anything: the tests hold one against the other.
 */
export function essence(member: Member, record: VoteRecord): string {
  const core = Reflect.get(member.replica, "core") as Core;
  const { state } = core;
  const { view, position, current } = state;
  const isOpen = position === undefined || isAbove({ view, step: STEP_PREPARE }, position);
  const statements = (Reflect.get(state.log, "statements") as readonly (readonly Statement[])[])[member.liar] ?? [];
  const proposals = record.proposals.map(({ blockHash }) => toHex(blockHash)).sort();
  const parts = {
    restarts: member.restarts,
    blocks: member.chain.map(({ proposal, certificate }) => [proposal.blockHash, certificate.view]),
    height: state.height,
    view,
    position,
    accepted: current.accepted?.candidate.block.proposal.blockHash,
    prepared: state.prepared.get(view)?.blockHash,
    viewChanges: isOpen ? [...(state.viewChanges.get(view)?.values() ?? [])].map(viewChangeName).sort() : [],
    statements: statements.filter((statement) => statement.view >= view),
    record: [record.height, record.position, record.lock?.view, record.lock?.blockHash, record.results, proposals],
    said: record.frames.map((bytes) => nameOfFrame(bytes, "alike")),
  };
  return render(parts, "");
}

function viewChangeName({ viewChange, certificate }: ViewChangeMessage): string {
  return `${claimName(viewChange)} ${proofName(certificate, "alike")}`;
}

/** Every difference counts. */
export function whole(member: Member, record: VoteRecord): string {
  const { replica, questions, chain, restarts } = member;
  const blocks = chain.map(({ proposal, certificate }) => [proposal.blockHash, certificate.view]);
  return render({ replica, record, questions, blocks, restarts }, "");
}

function render(value: unknown, name: string): string {
  if (value === undefined) return "-";
  if (value === null || typeof value !== "object") return String(value);
  if (value instanceof Uint8Array) return toHex(value);
  // The order of VIEW-CHANGEs decides which q of them a primary takes.
  if (value instanceof Map) {
    const entries = [...value].map(([key, inner]) => `${String(key)}=${render(inner, "")}`);
    return `{${(name === "viewChanges" ? entries : entries.sort()).join()}}`;
  }
  if (value instanceof Set) return `{${[...value].map(String).sort().join()}}`;
  if (Array.isArray(value)) {
    if (FRAMES.has(name)) return value.map((bytes: Uint8Array) => nameOfFrame(bytes, "exact")).join();
    const isUnordered = UNORDERED.has(name);
    const items = value.map((item) => (isUnordered && Array.isArray(item) ? setOf(item) : render(item, "")));
    return `[${items.join()}]`;
  }
  if ("headerBytes" in value && "blockHash" in value) return render(value.blockHash, "");
  const parts: string[] = [];
  for (const [key, inner] of Object.entries(value))
    if (!LEFT_OUT.has(key) && typeof inner !== "function")
      parts.push(`${key}:${key === "viewChanges" ? renderViewChanges(inner) : render(inner, key)}`);
  return `(${parts.join()})`;
}

function setOf(items: readonly unknown[]): string {
  return `[${items
    .map((item) => render(item, ""))
    .sort()
    .join()}]`;
}

function renderViewChanges(value: unknown): string {
  if (!(value instanceof Map)) return render(value, "");
  return `{${[...value]
    .map(([view, bySigner]) => `${String(view)}=${render(bySigner, "viewChanges")}`)
    .sort()
    .join()}}`;
}
