// SUSPECT, VIEW-CHANGE and NEW-VIEW (PBFT 4.4): q suspicions move every replica straight to the next view, nothing else does.
// Collects and judges; what may be signed in a view is decided in normal-case.ts, when to suspect in progress.ts.

import { bytesEqual } from "../ledger/hash.ts";
import type { Certificate } from "../ledger/types.ts";
import { type Core, countStatement, countVote, refuseMessage } from "./core.ts";
import type { ValidatorKey } from "./events.ts";
import { type HeightState, newViewState } from "./height-state.ts";
import { highestClaim, provesClaim } from "./height-verifier.ts";
import { VIEWS_AHEAD_MAX, VIEWS_BEHIND_MAX } from "./limits.ts";
import type { SuspectMessage, SuspicionMessage, ViewChangeMessage } from "./messages.ts";
import {
  makeSuspicion,
  type PreparedClaim,
  type SignedSuspect,
  type SignedViewChange,
  type Suspicion,
} from "./view-formats.ts";

export function handleSuspect(core: Core, from: ValidatorKey, { view, suspect }: SuspectMessage): void {
  const { state } = core;
  if (view < state.view || view > state.view + VIEWS_AHEAD_MAX) return;
  if (state.suspects.get(view)?.has(suspect.signer) === true) return;
  if (!state.verifier.isSuspectSigned(view, suspect)) return refuseMessage(core, from, "SUSPECT_SIGNATURE");
  addSuspect(core, view, suspect);
}

/** Keeps a verified suspicion; q of them move this replica. */
export function addSuspect(core: Core, view: number, suspect: SignedSuspect): void {
  const { state } = core;
  const suspects = atView(state.suspects, view);
  suspects.set(suspect.signer, suspect);
  fetchNamed(core, suspect);
  if (view < state.view || suspects.size < state.quorum) return;
  enterView(core, makeSuspicion(state.height, view, [...suspects.values()].slice(0, state.quorum)));
}

// Who waits for something names it: whoever lacks it fetches it and then times it himself (pitfall 34).
function fetchNamed({ state, emit }: Core, { signer, waitingFor }: SignedSuspect): void {
  if (signer === state.own || waitingFor.length === 0) return;
  emit({ kind: "fetchBatches", from: state.keyOf(signer), digests: waitingFor });
}

export function handleSuspicion(core: Core, from: ValidatorKey, { suspicion }: SuspicionMessage): void {
  if (!moveBy(core, suspicion)) refuseMessage(core, from, "SUSPICION_INVALID");
}

/** Follows a certificate of suspicions if it leads higher. @returns false when it should lead higher but is not valid */
export function moveBy(core: Core, suspicion: Suspicion): boolean {
  const { state } = core;
  if (suspicion.view < state.view) return true;
  if (!state.verifier.checkSuspicion(suspicion).ok) return false;
  const known = state.suspects.get(suspicion.view);
  for (const suspect of suspicion.suspects) if (known?.has(suspect.signer) !== true) fetchNamed(core, suspect);
  enterView(core, suspicion);
  return true;
}

function enterView(core: Core, suspicion: Suspicion): void {
  const { state } = core;
  state.view = suspicion.view + 1;
  state.suspicion = suspicion;
  state.current = newViewState();
  for (const map of [state.suspects, state.viewChanges, state.prepared]) {
    for (const view of map.keys()) if (view < state.view) map.delete(view);
  }
  state.log.forgetBelow(state.view - VIEWS_BEHIND_MAX);
  const primary = state.keyOf(state.primary());
  core.emit({ kind: "report", report: { kind: "viewChanged", height: state.height, view: state.view, primary } });
}

export function handleViewChange(core: Core, from: ValidatorKey, message: ViewChangeMessage): void {
  const { state } = core;
  const { view, viewChange, certificate, block, suspicion } = message;
  if (view < state.view || state.viewChanges.get(view)?.has(viewChange.signer) === true) return;
  if (!state.verifier.isViewChangeSigned(view, viewChange)) return refuseMessage(core, from, "VIEW_CHANGE_SIGNATURE");
  if (!moveBy(core, suspicion)) return refuseMessage(core, from, "VIEW_CHANGE_SUSPICION");
  const { prepared, signer } = viewChange;
  if (prepared !== undefined && !(certificate !== undefined && provesClaim(certificate, state.height, prepared))) {
    return refuseMessage(core, from, "VIEW_CHANGE_LOCK");
  }
  if (certificate !== undefined) {
    const votes = state.verifier.checkCertificate(certificate);
    if (!votes.ok || !bytesEqual(block?.proposal.blockHash ?? certificate.resultHash, certificate.blockHash)) {
      return refuseMessage(core, from, "VIEW_CHANGE_LOCK");
    }
    for (const vote of votes.value) countVote(core, vote);
    if (block !== undefined) state.addCandidate(block);
    state.certify(certificate.blockHash);
  }
  if (countStatement(core, signer, { kind: "viewChange", view, ...viewChange })) addViewChange(state, message);
}

export function addViewChange(state: HeightState, message: ViewChangeMessage): void {
  atView(state.viewChanges, message.view).set(message.viewChange.signer, message);
}

/** What entitles this replica to open its view, as soon as q VIEW-CHANGEs are there. */
export interface NewViewPlan {
  readonly viewChanges: readonly SignedViewChange[];
  /** the highest lock among them; undefined leaves the primary free */
  readonly decided: PreparedClaim | undefined;
  readonly certificate: Certificate | undefined;
}

export function newViewPlan(state: HeightState): NewViewPlan | undefined {
  const messages = [...(state.viewChanges.get(state.view)?.values() ?? [])];
  if (messages.length < state.quorum) return undefined;
  // Of more than q, those with the highest locks: a block that somebody committed is finished rather than replaced.
  const chosen = messages.sort((left, right) => lockView(right) - lockView(left)).slice(0, state.quorum);
  const viewChanges = chosen.map(({ viewChange }) => viewChange);
  const decided = highestClaim(viewChanges);
  return { viewChanges, decided, certificate: decided === undefined ? undefined : chosen[0]?.certificate };
}

function lockView({ viewChange }: ViewChangeMessage): number {
  return viewChange.prepared?.view ?? -1;
}

function atView<T>(map: Map<number, Map<number, T>>, view: number): Map<number, T> {
  let inner = map.get(view);
  if (inner === undefined) {
    inner = new Map();
    map.set(view, inner);
  }
  return inner;
}
