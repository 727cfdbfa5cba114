// What the rule files share: the height in flight, the facts that outlive it, and the effects of the present step.
// Counts verified votes and reports what they prove; every other rule stands in the file of its protocol part.

import type { Hash } from "../ledger/hash.ts";
import type { VerifySignature, Vote } from "../ledger/types.ts";
import type { ReplicaEffect, ValidatorKey } from "./events.ts";
import { encodeEvidence, labelOf, type Statement } from "./evidence.ts";
import type { HeightState } from "./height-state.ts";
import type { Timing } from "./limits.ts";
import { type Contradiction, isEqualVote } from "./vote-log.ts";

export interface Core {
  readonly chainId: Hash;
  readonly verify: VerifySignature;
  readonly timing: Timing;
  state: HeightState;
  /** as the node last told */
  work: { readonly hasWork: boolean; readonly waitingFor: readonly Hash[] };
  /** measured pace in ms, unclamped */
  paceMs: number;
  readonly lostPeers: Set<ValidatorKey>;
  isResendTimed: boolean;
  isSyncing: boolean;
  /** batches found starved while a block was being committed */
  starved: readonly Hash[];
  /** the effects of the present step */
  readonly emit: (effect: ReplicaEffect) => void;
}

export function refuseMessage(core: Core, from: ValidatorKey, code: string): void {
  core.emit({ kind: "report", report: { kind: "badMessage", from, code } });
}

/** Judges and counts a vote that stands alone. @returns false when its signature is wrong */
export function takeVote(core: Core, vote: Vote): boolean {
  const known = core.state.log.find(vote.kind, vote.view, vote.signer);
  if (known !== undefined && isEqualVote(known, vote)) return true;
  if (!core.state.verifier.isVoteSigned(vote)) return false;
  countVote(core, vote);
  return true;
}

/** Counts a verified vote and draws what follows from quorums. */
export function countVote(core: Core, vote: Vote): void {
  const { state } = core;
  if (!countStatement(core, vote.signer, vote)) return;
  if (vote.kind === "prepare" ? state.prepared.has(vote.view) : state.decided !== undefined) return;
  const certificate = state.log.certificateWith(vote);
  if (certificate !== undefined)
    return vote.kind === "prepare" ? state.keepPrepared(certificate) : state.keepDecided(certificate);
  if (vote.kind === "commit" && state.log.isDiverging(vote.blockHash)) reportDivergence(core, vote.blockHash);
}

/** Keeps a verified statement; a contradiction is reported once per signer and rule. @returns whether it was kept */
export function countStatement(core: Core, signer: number, statement: Statement): boolean {
  const contradiction = core.state.log.add(signer, statement);
  if (contradiction !== undefined) reportContradiction(core, contradiction);
  return contradiction === undefined;
}

export function reportContradiction(core: Core, { rule, signer, statements }: Contradiction): void {
  const { state } = core;
  if (!isNews(state, `${rule}:${signer}`)) return;
  const offender = state.keyOf(signer);
  const publicKey = state.validators[signer]?.publicKey ?? new Uint8Array(0);
  const bytes = encodeEvidence({ rule, height: state.height, offender: publicKey, statements });
  core.emit({ kind: "report", report: { kind: "evidence", rule, label: labelOf(rule), offender, bytes } });
}

function reportDivergence(core: Core, blockHash: Hash): void {
  const { state } = core;
  if (!isNews(state, "DIVERGE")) return;
  core.emit({ kind: "report", report: { kind: "resultsDiverge", height: state.height, blockHash } });
}

function isNews(state: HeightState, fact: string): boolean {
  if (state.reported.has(fact)) return false;
  state.reported.add(fact);
  return true;
}
