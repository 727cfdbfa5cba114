// When a replica loses patience, what it then says, and what it sends again while its height does not commit.
// Reasons to suspect are only its own: nothing commits in time, batches are passed over, or the lead needed others to finish.

import { encodeCertificate } from "../ledger/format-vote.ts";
import type { Hash } from "../ledger/hash.ts";
import { bytesEqual, toHex } from "../ledger/hash.ts";
import type { Core } from "./core.ts";
import type { Timer, ValidatorKey } from "./events.ts";
import type { Candidate } from "./height-state.ts";
import { patienceMs, WAITING_FOR_MAX } from "./limits.ts";
import { encodeCertified, encodeSuspicionMessage, encodeWaiting } from "./messages.ts";
import { STEP_VIEW_CHANGE } from "./positions.ts";

/** Doubling stops to matter long before a number could overflow. */
const DOUBLINGS_MAX = 20;
/** A stuck or idle height is repeated ever more rarely, down to this. */
const RESEND_DOUBLINGS_MAX = 4;

/** Why this replica now waits for a commit: includable work, or a block it knows of; an idle network waits for nothing. */
export function isWaiting({ state, work }: Core): boolean {
  const hasVoted = state.position !== undefined && state.position.step !== STEP_VIEW_CHANGE;
  if (work.hasWork || hasVoted || state.decided !== undefined || state.current.accepted !== undefined) return true;
  return state.certified.size > 0;
}

/** Of the patience that is left when the link to the primary is cut: a process that ended does not come back within a view. */
const LOST_PRIMARY_SHARE = 8;

/** clamp(pace), doubled per failed view, capped; all of it starts again with the next height. */
function timeoutMs({ state, timing, paceMs }: Core): number {
  return Math.min(patienceMs(timing, paceMs) * 2 ** Math.min(state.view, DOUBLINGS_MAX), timing.timeoutMsCap);
}

/** Starts the wait of the view when there is something to wait for; a cut link to the primary shortens it, once. */
export function timeProgress(core: Core): void {
  const { state } = core;
  const { current } = state;
  if (state.isCommitting) return;
  if (!isWaiting(core)) {
    current.wasIdle = current.isTimed;
    return;
  }
  const isLost = isPrimaryLost(core);
  if (current.isTimed && (!isLost || current.isShortened || current.hasSuspected)) return;
  current.isTimed = true;
  current.isShortened = isLost;
  current.waitedMs = 0;
  waitMore(core, { kind: "spread", height: state.height, view: state.view }, halfWaitMs(core));
}

function waitMore(core: Core, timer: Timer, delayMs: number): void {
  core.state.current.waitedMs += delayMs;
  core.emit({ kind: "setTimer", timer, delayMs });
}

function isPrimaryLost({ state, lostPeers }: Core): boolean {
  return lostPeers.has(state.keyOf(state.primary()));
}

function halfWaitMs(core: Core): number {
  const waitMs = isPrimaryLost(core)
    ? Math.max(core.timing.lostPrimaryMsMin, Math.floor(timeoutMs(core) / LOST_PRIMARY_SHARE))
    : timeoutMs(core);
  return Math.ceil(waitMs / 2);
}

/**
 * C70: half of the patience is over. What this replica waits for goes to everybody, and only then it is timed: a batch that
 * its origin withholds from the primary is no reason to suspect the primary.
 */
export function handleSpreadTimer(core: Core, timer: Timer): void {
  if (!isStillWaiting(core, timer)) return;
  spread(core, core.work.waitingFor);
  waitMore(core, { ...timer, kind: "progress" }, halfWaitMs(core));
}

/** C110: work that came in meanwhile lengthens the wait that has begun, so that the first blocks of a burst depose nobody. */
export function handleProgressTimer(core: Core, timer: Timer): void {
  if (!isStillWaiting(core, timer)) return;
  const { isShortened, waitedMs } = core.state.current;
  const restMs = timeoutMs(core) - waitedMs;
  if (!isShortened && restMs > 0) return waitMore(core, timer, restMs);
  suspect(core, "NO_PROGRESS");
}

/** Whether a timer of the present view found this replica waiting ever since it was set; after a rest the wait starts anew. */
function isStillWaiting(core: Core, timer: Timer): boolean {
  const { state } = core;
  const { current } = state;
  if (timer.height !== state.height || timer.view !== state.view || state.isCommitting) return false;
  if (isWaiting(core) && !current.wasIdle) return true;
  current.isTimed = false;
  current.isShortened = false;
  current.wasIdle = false;
  return false;
}

/** Tells everybody which batches this replica waits for: whoever lacks them fetches them here. */
export function spread({ state, emit }: Core, digests: readonly Hash[]): void {
  if (state.own === undefined || digests.length === 0) return;
  emit({ kind: "send", to: "all", bytes: encodeWaiting(state.height, state.view, digests.slice(0, WAITING_FOR_MAX)) });
}

/** A committed block whose certificate is of a later view than its header needed others to finish it (pitfall 38). */
export function suspectLeadLeftBehind(core: Core): void {
  const { head, validators, lead, view } = core.state;
  const isLeadItsProposer = bytesEqual(validators[lead]?.publicKey ?? head.blockHash, head.proposer);
  if (view === 0 && isLeadItsProposer && head.certificateView > head.headerView) suspect(core, "LEAD_LEFT_BEHIND");
}

/** Batches that were passed over for too long, although everybody has them. */
export function noteStarved(core: Core, digests: readonly Hash[]): void {
  if (core.state.isCommitting) core.starved = digests;
  else suspect(core, "BATCHES_STARVED", digests);
}

/** C112: what is known while a block is being committed counts at the next height, if its primary made that block. */
export function suspectCensor(core: Core): void {
  const { state, starved } = core;
  core.starved = [];
  const isSamePrimary = state.keyOf(state.primary()) === toHex(state.head.proposer);
  if (starved.length > 0 && isSamePrimary) suspect(core, "BATCHES_STARVED", starved);
}

/** Suspects the present view, once. It binds nothing: this replica goes on voting. */
export function suspect(core: Core, code: string, digests: readonly Hash[] = []): void {
  const { state } = core;
  const { height, view, current } = state;
  if (state.own === undefined || current.hasSuspected || state.isCommitting) return;
  current.hasSuspected = true;
  const waitingFor = distinct([...digests, ...blockDigests(core), ...core.work.waitingFor]).slice(0, WAITING_FOR_MAX);
  core.emit({ kind: "signVote", request: { kind: "suspect", height, view, waitingFor } });
  core.emit({ kind: "report", report: { kind: "suspected", height, view, code } });
}

function distinct(digests: readonly Hash[]): readonly Hash[] {
  return [...new Map(digests.map((digest) => [toHex(digest), digest])).values()];
}

/** Batches of the block waited for: who suspects because of a block names it by them. */
function blockDigests({ state }: Core): readonly Hash[] {
  const { decided, current } = state;
  const certified = [...state.candidates.values()].find((candidate) => candidate.isCertified);
  const candidate: Candidate | undefined =
    (decided && state.candidate(decided.blockHash)) ?? current.accepted?.candidate ?? certified;
  return candidate?.block.proposal.references.map(({ digest }) => digest) ?? [];
}

/** Keeps one resend timer running while anything waits here or peers are ahead. */
export function timeResend(core: Core, isBehind: () => boolean): void {
  const { state } = core;
  if (core.isResendTimed || state.isCommitting || !(isUnsettled(core) || isBehind())) return;
  core.isResendTimed = true;
  const timer = { kind: "resend", height: state.height, view: state.view } as const;
  core.emit({
    kind: "setTimer",
    timer,
    delayMs: core.timing.resendMs * 2 ** Math.min(state.resends, RESEND_DOUBLINGS_MAX),
  });
}

/** Whether there is something that another replica may have missed, or that this one waits for. */
export function isUnsettled(core: Core): boolean {
  const { view, ownFrames, current } = core.state;
  return isWaiting(core) || view > 0 || ownFrames.length > 0 || current.ownSuspectFrame !== undefined;
}

/** The highest recorded votes again, unchanged, with what led to them; and that this height is still waited for. */
export function resend(core: Core, to: readonly ValidatorKey[] | "all"): void {
  const { state } = core;
  const { height, view, suspicion, current } = state;
  const send = (bytes: Uint8Array) => core.emit({ kind: "send", to, bytes });
  send(encodeWaiting(height, view, core.work.waitingFor.slice(0, WAITING_FOR_MAX)));
  if (state.own === undefined) return;
  if (suspicion !== undefined) send(encodeSuspicionMessage(suspicion));
  if (current.accepted !== undefined && state.primary() !== state.own) send(current.accepted.frame);
  for (const frame of state.ownFrames) send(frame);
  if (current.ownSuspectFrame !== undefined) send(current.ownSuspectFrame);
  const prepared = state.prepared.get(view);
  const candidate = prepared && state.candidate(prepared.blockHash);
  if (prepared === undefined || candidate === undefined) return;
  const certificateBytes = encodeCertificate(prepared);
  send(encodeCertified("prepared", { height, view, proposalBytes: candidate.block.bytes, certificateBytes }));
}
