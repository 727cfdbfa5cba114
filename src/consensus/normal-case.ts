// PRE-PREPARE, PREPARE and COMMIT (PBFT 4.2): order is locked by PREPARE, results are certified by COMMIT.
// Every rule here is a question about the state ("may I vote now?"), asked again after each event; nothing waits inside.

import { invariant } from "../assert.ts";
import { encodeProposal } from "../ledger/format-block.ts";
import { bytesEqual, EMPTY_BYTES, type Hash, toHex } from "../ledger/hash.ts";
import type { Header, Vote } from "../ledger/types.ts";
import { type Core, countStatement, countVote, refuseMessage, reportContradiction, takeVote } from "./core.ts";
import type { Arrival, ReplicaEvent, ValidatorKey } from "./events.ts";
import { type Candidate, CLOCK_REFUSAL, type HeightState } from "./height-state.ts";
import { VIEWS_AHEAD_MAX, VIEWS_BEHIND_MAX } from "./limits.ts";
import type { CertifiedMessage, PrePrepareMessage, VoteMessage } from "./messages.ts";
import { isAbove, type Position, STEP_COMMIT, STEP_PREPARE, STEP_VIEW_CHANGE } from "./positions.ts";
import type { SigningRequest } from "./safety.ts";
import { moveBy, newViewPlan } from "./view-change.ts";
import { makeNewView } from "./view-formats.ts";
import { isEqualVote } from "./vote-log.ts";

type EventOf<Kind extends ReplicaEvent["kind"]> = Extract<ReplicaEvent, { kind: Kind }>;
type RequestOf<Kind extends SigningRequest["kind"]> = Extract<SigningRequest, { kind: Kind }>;

// ---- messages ----

export function handlePrePrepare(core: Core, arrival: Arrival, message: PrePrepareMessage): void {
  const { state } = core;
  const { from, bytes: frame, arrivedMs } = arrival;
  const { height, view, block, signature, newView, suspicion } = message;
  if (view < state.view) return;
  const signer = state.primary(view);
  const { blockHash } = block.proposal;
  const vote: Vote = { kind: "prepare", height, view, blockHash, resultHash: EMPTY_BYTES, signer, signature };
  if (!state.verifier.isVoteSigned(vote)) return refuseMessage(core, from, "PRE_PREPARE_SIGNATURE");
  if (suspicion !== undefined && !moveBy(core, suspicion)) return refuseMessage(core, from, "PRE_PREPARE_SUSPICION");
  countVote(core, vote);
  refuseContradiction(core, from, vote);
  if (state.current.accepted !== undefined) return;
  let isFree = true;
  if (newView !== undefined) {
    const { content } = newView;
    if (!state.verifier.isNewViewSigned(content, signer, newView.signature))
      return refuseMessage(core, from, "NEW_VIEW_SIGNATURE");
    const statement = { kind: "newView", view, content, signature: newView.signature } as const;
    if (!countStatement(core, signer, statement)) return;
    const decision = state.verifier.checkNewView(content);
    if (!decision.ok) return reportContradiction(core, { rule: "BAD_NEW_VIEW", signer, statements: [statement] });
    for (const viewChange of content.viewChanges)
      countStatement(core, viewChange.signer, { kind: "viewChange", view, ...viewChange });
    if (!bytesEqual(content.blockHash, blockHash)) return;
    state.newViews.set(view, { signer, content, signature: newView.signature });
    isFree = decision.value === undefined;
  }
  if (!fitsHeight(core, block.proposal.header) || (isFree && block.proposal.header.view !== view)) {
    return refuseMessage(core, from, "PRE_PREPARE_HEADER");
  }
  const candidate = state.addCandidate(block, arrivedMs);
  if (!isFree) state.certify(blockHash);
  state.current.accepted = { candidate, newView: newView?.content, frame };
}

/** What the head and the view fix in a header; the node's checker judges the rest. */
function fitsHeight({ chainId, state }: Core, header: Header): boolean {
  const proposer = state.validators[state.primary(header.view)];
  return (
    header.height === state.height &&
    header.view <= state.view &&
    proposer !== undefined &&
    bytesEqual(header.proposer, proposer.publicKey) &&
    bytesEqual(header.chainId, chainId) &&
    bytesEqual(header.parentHash, state.head.blockHash) &&
    bytesEqual(header.parentResult, state.head.resultHash) &&
    bytesEqual(header.validatorsHash, state.verifier.validatorsHash)
  );
}

export function handleVote(core: Core, from: ValidatorKey, { vote }: VoteMessage): void {
  const { view } = core.state;
  // PREPAREs of an abandoned view lead nowhere; COMMITs still certify.
  if (vote.view > view + VIEWS_AHEAD_MAX || vote.view < (vote.kind === "prepare" ? view : view - VIEWS_BEHIND_MAX))
    return;
  if (!takeVote(core, vote)) return refuseMessage(core, from, "VOTE_SIGNATURE");
  refuseContradiction(core, from, vote);
}

/** C63: what contradicts is reported once and never counted; its author, who could make any number of them, is made to stop. */
function refuseContradiction(core: Core, from: ValidatorKey, vote: Vote): void {
  const { state } = core;
  const kept = state.log.find(vote.kind, vote.view, vote.signer);
  const isContradicted = kept !== undefined && !isEqualVote(kept, vote);
  if (isContradicted && state.keyOf(vote.signer) === from) refuseMessage(core, from, "VOTE_CONTRADICTS");
}

/** A certificate with its block: from who resends a COMMIT ("prepared") or has the height behind it ("decided"). */
export function handleCertified(core: Core, from: ValidatorKey, message: CertifiedMessage): void {
  const { state } = core;
  const { block, certificate } = message;
  const { view, blockHash } = certificate;
  const isPrepared = certificate.resultHash.length === 0;
  if (isPrepared !== (message.kind === "prepared")) return refuseMessage(core, from, "CERTIFICATE_KIND");
  if (!bytesEqual(block.proposal.blockHash, blockHash)) return refuseMessage(core, from, "CERTIFICATE_BLOCK");
  if (isPrepared && (view < state.view || view > state.view + VIEWS_AHEAD_MAX)) return;
  const known = isPrepared ? state.prepared.get(view) : state.decided;
  if (known !== undefined && state.candidate(known.blockHash) !== undefined) return;
  const votes = state.verifier.checkCertificate(certificate);
  if (!votes.ok) return refuseMessage(core, from, votes.code);
  for (const vote of votes.value) countVote(core, vote);
  state.addCandidate(block);
  if (isPrepared) state.keepPrepared(certificate);
  else state.keepDecided(certificate);
}

// ---- answers ----

export function handleBuilt(core: Core, event: EventOf<"blockBuilt">): void {
  const { state } = core;
  const { current } = state;
  if (event.height !== state.height || event.view !== state.view || current.building === "no") return;
  const { proposal } = event;
  if (proposal === undefined) {
    // The builder looked and found nothing; work it was told of after it looked is still there.
    if (current.building === "asked") core.work = { hasWork: false, waitingFor: [] };
    current.building = "no";
    return;
  }
  const isFitting = fitsHeight(core, proposal.header) && proposal.header.view === state.view;
  invariant(isFitting, "C5: an own block names this height, view, proposer and head");
  const candidate = state.addCandidate({ proposal, bytes: encodeProposal(proposal) });
  candidate.check = "valid";
  current.built = candidate;
}

export function handleChecked(core: Core, event: EventOf<"blockChecked">): void {
  if (event.height !== core.state.height) return;
  const candidate = core.state.candidate(event.blockHash);
  if (candidate === undefined || candidate.check === "valid" || event.code === "NO_LONGER_NEEDED") return;
  if (event.valid) {
    candidate.check = "valid";
    return;
  }
  // An answer of the clock that comes after a certificate made the clock irrelevant: the other question is still open.
  if (event.code === CLOCK_REFUSAL && candidate.check !== "clocked") return;
  candidate.check = "invalid";
  candidate.refusedBecause = event.code;
}

export function handleExecuted(core: Core, event: EventOf<"blockExecuted">): void {
  if (event.height !== core.state.height) return;
  const candidate = core.state.candidate(event.blockHash);
  if (candidate === undefined || !candidate.isExecuting) return;
  candidate.isExecuting = false;
  candidate.outcome = { result: event.result, resultHash: event.resultHash };
}

// ---- rules, asked after every event ----

/** The primary's turn: asks for a block when there is work and the view leaves it free. */
export function askForBlock(core: Core): void {
  const { state } = core;
  const { current, height, view } = state;
  if (!state.isPrimary || !core.work.hasWork || !isOpen(state, STEP_PREPARE)) return;
  if (current.building !== "no" || current.built !== undefined || current.accepted !== undefined) return;
  if (view > 0 && !isFreeToPropose(state)) return;
  current.building = "asked";
  core.emit({ kind: "buildBlock", height, view });
}

function isFreeToPropose(state: HeightState): boolean {
  const plan = newViewPlan(state);
  return plan !== undefined && plan.decided === undefined;
}

/** Asks the node to check and to execute the blocks on which the next votes or the commit depend. */
export function pursueBlocks(core: Core): void {
  const { state } = core;
  const { accepted, built } = state.current;
  const plan = state.isPrimary && isOpen(state, STEP_PREPARE) ? newViewPlan(state) : undefined;
  pursueNamed(core, state.decided);
  pursueNamed(core, state.prepared.get(state.view));
  pursueNamed(core, plan?.decided);
  if (accepted !== undefined) pursue(core, accepted.candidate);
  if (built !== undefined) pursue(core, built);
}

function pursueNamed(core: Core, named: { readonly blockHash: Hash } | undefined): void {
  const candidate = named && core.state.candidate(named.blockHash);
  if (candidate !== undefined) pursue(core, candidate);
}

function pursue(core: Core, candidate: Candidate): void {
  const { state } = core;
  const { height, view } = state;
  const { proposal } = candidate.block;
  if (candidate.check === "unasked") {
    candidate.check = candidate.isCertified ? "asked" : "clocked";
    const signers = new Set([state.primary(), ...state.log.holdersOf(proposal.blockHash)]);
    const holders = [...signers].filter((signer) => signer !== state.own).map((signer) => state.keyOf(signer));
    const arrivedMs = candidate.isCertified ? undefined : candidate.arrivedMs;
    invariant(candidate.isCertified || arrivedMs !== undefined, "N81: a first proposal is held against the clock");
    core.emit({ kind: "checkBlock", height, view, proposal, arrivedMs, holders });
  }
  if (candidate.check === "valid" && candidate.outcome === undefined && !candidate.isExecuting) {
    candidate.isExecuting = true;
    core.emit({ kind: "executeBlock", height, proposal });
  }
}

/** Asks for the next vote, one at a time: a position is never asked for while a lower one is on its way to the disk. */
export function requestVote(core: Core): void {
  const { state } = core;
  if (state.own === undefined || state.signing !== undefined) return;
  const request = viewChangeToSign(state) ?? prepareToSign(state) ?? commitToSign(state);
  if (request === undefined) return;
  const step = { viewChange: STEP_VIEW_CHANGE, prepare: STEP_PREPARE, commit: STEP_COMMIT } as const;
  const position = { view: request.view, step: step[request.kind] };
  invariant(
    state.position === undefined || isAbove(position, state.position),
    "C6: votes are asked for in order of position",
  );
  state.position = position;
  state.signing = request;
  core.emit({ kind: "signVote", request });
}

/** Whether this key has signed nothing at or above that step of the present view. */
function isOpen(state: HeightState, step: Position["step"]): boolean {
  return state.position === undefined || isAbove({ view: state.view, step }, state.position);
}

function viewChangeToSign(state: HeightState): RequestOf<"viewChange"> | undefined {
  const { height, view, suspicion } = state;
  if (suspicion === undefined || !isOpen(state, STEP_VIEW_CHANGE)) return undefined;
  return { kind: "viewChange", height, view, suspicion };
}

function prepareToSign(state: HeightState): RequestOf<"prepare"> | undefined {
  if (!isOpen(state, STEP_PREPARE)) return undefined;
  const { height, view, suspicion, current } = state;
  const { accepted } = current;
  if (accepted !== undefined) {
    if (accepted.candidate.check !== "valid") return undefined;
    const { newView, candidate } = accepted;
    return { kind: "prepare", height, view, block: candidate.block, newView, asPrimary: false, suspicion };
  }
  if (!state.isPrimary) return undefined;
  if (view === 0) {
    if (current.built === undefined) return undefined;
    return {
      kind: "prepare",
      height,
      view,
      block: current.built.block,
      newView: undefined,
      asPrimary: true,
      suspicion,
    };
  }
  const plan = newViewPlan(state);
  const candidate = plan?.decided === undefined ? current.built : state.candidate(plan.decided.blockHash);
  if (plan === undefined || candidate?.check !== "valid") return undefined;
  const { viewChanges, certificate } = plan;
  const newView = makeNewView({
    height,
    view,
    blockHash: candidate.block.proposal.blockHash,
    viewChanges,
    certificate,
  });
  return { kind: "prepare", height, view, block: candidate.block, newView, asPrimary: true, suspicion };
}

// Needs q PREPAREs and the own result, not the own PREPARE: a replica that missed the proposal still helps to certify it.
function commitToSign(state: HeightState): RequestOf<"commit"> | undefined {
  const { height, view, suspicion } = state;
  const certificate = state.prepared.get(view);
  if (certificate === undefined || !isOpen(state, STEP_COMMIT)) return undefined;
  const candidate = state.candidate(certificate.blockHash);
  if (candidate?.outcome === undefined) return undefined;
  const { resultHash } = candidate.outcome;
  return { kind: "commit", height, view, block: candidate.block, resultHash, certificate, suspicion };
}

/**
 * Commits what q validators certified, once the own result is there and equal; halts when it is another. C114: also while others
 * are asked for blocks: those who are asked may be silent for seconds, and whoever commits second does nothing.
 */
export function finishHeight(core: Core): void {
  const { state } = core;
  const { decided } = state;
  if (decided === undefined || state.isCommitting) return;
  const candidate = state.candidate(decided.blockHash);
  if (candidate?.check === "invalid") return halt(core, "CERTIFIED_BLOCK_REFUSED", candidate.refusedBecause);
  if (candidate?.outcome === undefined) return;
  const { result, resultHash } = candidate.outcome;
  if (!bytesEqual(resultHash, decided.resultHash)) {
    return halt(core, "CERTIFIED_RESULT_DIFFERS", `own ${toHex(resultHash)}, certified ${toHex(decided.resultHash)}`);
  }
  state.isCommitting = true;
  core.emit({ kind: "commitBlock", proposal: candidate.block.proposal, certificate: decided, result });
}

function halt(core: Core, code: string, detail: string): void {
  const { height, decided } = core.state;
  const block = decided === undefined ? "" : toHex(decided.blockHash);
  core.emit({ kind: "halt", code, detail: `height ${height}, block ${block}: ${detail}` });
}
