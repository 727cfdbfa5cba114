// The consensus core: events in, effects out, one height in flight. Deterministic: the same events give the same effects.
// No clock, no disk, no network, no key: whatever must wait for one of them waits for an event.

import { invariant, unreachable } from "../assert.ts";
import type { Verdict } from "../errors.ts";
import { decodeProposal } from "../ledger/format-block.ts";
import { decodeCertificate } from "../ledger/format-vote.ts";
import { bytesEqual, EMPTY_BYTES, type Hash, toHex } from "../ledger/hash.ts";
import type { VerifySignature } from "../ledger/types.ts";
import { CatchUp } from "./catch-up.ts";
import { type Core, countStatement, countVote, refuseMessage } from "./core.ts";
import type { Arrival, HeadFacts, ReplicaEffect, ReplicaEvent, Timer, ValidatorKey } from "./events.ts";
import { type Candidate, HeightState } from "./height-state.ts";
import { HeightVerifier } from "./height-verifier.ts";
import { DEFAULT_TIMING, type Timing } from "./limits.ts";
import { type ConsensusMessage, decodeBody, decodeEnvelope, decodeMessage, type Envelope } from "./messages.ts";
import {
  askForBlock,
  finishHeight,
  handleBuilt,
  handleCertified,
  handleChecked,
  handleExecuted,
  handlePrePrepare,
  handleVote,
  pursueBlocks,
  requestVote,
} from "./normal-case.ts";
import {
  handleProgressTimer,
  handleSpreadTimer,
  isUnsettled,
  isWaiting,
  noteStarved,
  resend,
  spread,
  suspectCensor,
  suspectLeadLeftBehind,
  timeProgress,
  timeResend,
} from "./progress.ts";
import { leaveTrail } from "./trail.ts";
import { addSuspect, addViewChange, handleSuspect, handleSuspicion, handleViewChange } from "./view-change.ts";
import { decodeSuspicion } from "./view-formats.ts";
import type { VoteRecord } from "./vote-record.ts";

/** What still has a meaning when the next block is beyond this software: others ask for what is committed. */
const TAKEN_WHEN_OUTGROWN: ReadonlySet<ReplicaEvent["kind"]> = new Set([
  "messageReceived",
  "timerFired",
  "blockCommitted",
  "syncFinished",
]);

export class Replica {
  private readonly ownKey: Uint8Array | undefined;
  private readonly speaks: (protocol: number) => boolean;
  private record: VoteRecord;
  private readonly core: Core;
  private readonly catchUp = new CatchUp();
  private effects: ReplicaEffect[] = [];
  private isHalted = false;

  /**
   * @param options.ownKey undefined: follows without voting
   * @param options.record what `ownKey` has signed so far
   * @param options.speaks whether this software knows a version of the protocol
   */
  constructor(options: {
    readonly chainId: Hash;
    readonly ownKey: Uint8Array | undefined;
    readonly verify: VerifySignature;
    readonly head: HeadFacts;
    readonly record: VoteRecord;
    readonly speaks: (protocol: number) => boolean;
    readonly timing?: Timing;
  }) {
    const { ownKey, record } = options;
    invariant(ownKey === undefined || bytesEqual(ownKey, record.publicKey), "C10: a key votes by its own record");
    this.ownKey = ownKey;
    this.record = record;
    this.speaks = options.speaks;
    this.core = {
      chainId: options.chainId,
      verify: options.verify,
      timing: options.timing ?? DEFAULT_TIMING,
      state: this.stateAbove(options.head, options),
      work: { hasWork: false, waitingFor: [] },
      paceMs: 0,
      lostPeers: new Set(),
      isResendTimed: false,
      isSyncing: false,
      starved: [],
      emit: (effect) => {
        this.effects.push(effect);
        if (effect.kind === "halt") this.isHalted = true;
      },
    };
    this.restoreVotes();
  }

  /** Takes one event; the effects carry no order among each other. After `halt` there are none. */
  step(event: ReplicaEvent): readonly ReplicaEffect[] {
    if (this.isHalted) return [];
    this.effects = [];
    this.handle(event);
    if (!this.isHalted) this.advance();
    return this.effects;
  }

  /** C72: the next block needs a protocol that this software does not speak: it takes no further part, and says so. */
  get isOutgrown(): boolean {
    return !this.speaks(this.core.state.head.parameters.protocol);
  }

  private handle(event: ReplicaEvent): void {
    const { core } = this;
    if (this.isOutgrown && !TAKEN_WHEN_OUTGROWN.has(event.kind)) return;
    switch (event.kind) {
      case "started":
        return this.start();
      case "messageReceived":
        return this.receive(event);
      case "blockBuilt":
        return handleBuilt(core, event);
      case "blockChecked":
        return handleChecked(core, event);
      case "blockExecuted":
        return handleExecuted(core, event);
      case "voteSigned":
        return this.handleSigned(event);
      case "blockCommitted":
        return this.adopt(event.head);
      case "syncFinished":
        core.isSyncing = false;
        return this.adoptSynced(event.head);
      case "timerFired":
        return this.handleTimer(event.timer);
      case "workChanged":
        core.work = { hasWork: event.hasWork, waitingFor: event.waitingFor };
        if (event.hasWork && core.state.current.building === "asked") core.state.current.building = "outdated";
        return;
      case "batchesStarved":
        return event.wereSpread ? noteStarved(core, event.digests) : spread(core, event.digests);
      case "paceMeasured":
        core.paceMs = event.timeoutMs;
        return;
      case "peerChanged":
        return this.handlePeer(event.peer, event.connected);
      case "recordRecovered":
        return this.resume(event.record);
      default:
        return unreachable(event);
    }
  }

  private start(): void {
    suspectLeadLeftBehind(this.core);
    resend(this.core, "all");
  }

  /** C90: a key that has come back votes at the height in flight, unless that one is as good as decided. */
  private resume(record: VoteRecord): void {
    const { core } = this;
    invariant(core.state.own === undefined, "C90: only a key that was silent comes back");
    this.record = record;
    if (core.state.isCommitting || core.state.decided !== undefined) return;
    core.state = this.stateAbove(core.state.head, core);
    this.start();
  }

  private handlePeer(peer: ValidatorKey, isConnected: boolean): void {
    const { core } = this;
    if (!isConnected && core.state.keys.includes(peer)) core.lostPeers.add(peer);
    if (!isConnected) return;
    core.lostPeers.delete(peer);
    // What was sent while it was away is lost: it need not wait for the next resend.
    if (isUnsettled(core)) resend(core, [peer]);
  }

  private receive(arrival: Arrival): void {
    const { core } = this;
    const { from, bytes } = arrival;
    const envelope = decodeEnvelope(bytes);
    if (!envelope.ok) return refuseMessage(core, from, envelope.code);
    const { height } = envelope.value;
    if (height < core.state.height) return this.catchUp.answer(core, from, envelope.value);
    if (this.isOutgrown) return;
    if (height > core.state.height) return this.receiveAhead(arrival, envelope.value);
    if (core.state.isCommitting) return;
    const message = decodeBody(envelope.value);
    if (!message.ok) return refuseMessage(core, from, message.code);
    const { kind, view } = message.value;
    if (kind === "waiting" || kind === "suspect") this.catchUp.answerView(core, from, view);
    this.dispatch(arrival, message.value);
  }

  private dispatch(arrival: Arrival, message: ConsensusMessage): void {
    const { core } = this;
    const { from } = arrival;
    switch (message.kind) {
      case "prePrepare":
        return handlePrePrepare(core, arrival, message);
      case "prepare":
      case "commit":
        return handleVote(core, from, message);
      case "suspect":
        return handleSuspect(core, from, message);
      case "suspicion":
        return handleSuspicion(core, from, message);
      case "viewChange":
        return handleViewChange(core, from, message);
      case "prepared":
      case "decided":
        return handleCertified(core, from, message);
      case "waiting":
        return this.catchUp.fetchNamed(core, from, message.digests);
      default:
        return unreachable(message);
    }
  }

  private receiveAhead(arrival: Arrival, envelope: Envelope): void {
    const { core, catchUp } = this;
    const { from } = arrival;
    catchUp.noteAhead(core, arrival, envelope);
    if (envelope.kind !== "decided" || !catchUp.maySync(core) || !catchUp.mayJudgeAhead(core, from)) return;
    const message = decodeBody(envelope);
    if (!message.ok || message.value.kind !== "decided") return refuseMessage(core, from, "DECIDED_MALFORMED");
    // Valid under the present validators: the network is there. Under later ones f + 1 peers ahead will say so.
    const { chainId, verify } = core;
    const verifier = new HeightVerifier({
      chainId,
      height: envelope.height,
      validators: core.state.validators,
      verify,
    });
    const { certificate } = message.value;
    if (certificate.resultHash.length > 0 && verifier.checkCertificate(certificate).ok)
      catchUp.requestSync(core, from, envelope.height);
  }

  private handleTimer(timer: Timer): void {
    const { core, catchUp } = this;
    switch (timer.kind) {
      case "answer":
        return catchUp.handleAnswerTimer();
      case "spread":
        return handleSpreadTimer(core, timer);
      case "progress":
        return handleProgressTimer(core, timer);
      case "resend":
        core.isResendTimed = false;
        catchUp.handleResendTimer(core);
        if (timer.height !== core.state.height || core.state.isCommitting) return;
        core.state.resends += 1;
        return resend(core, "all");
      default:
        return unreachable(timer.kind);
    }
  }

  private handleSigned({ request, message: frame }: Extract<ReplicaEvent, { kind: "voteSigned" }>): void {
    const { core } = this;
    const { state } = core;
    if (request.height !== state.height || state.isCommitting) return;
    const message = decodeOwn(frame);
    if (request.kind === "suspect") {
      if (message.kind !== "suspect" || request.view !== state.view) return;
      state.current.ownSuspectFrame = frame;
      core.emit({ kind: "send", to: "all", bytes: frame });
      return addSuspect(core, request.view, message.suspect);
    }
    const isAwaited = state.signing?.kind === request.kind && state.signing.view === request.view;
    invariant(isAwaited, "C7: the signer answers the one request that is open");
    state.signing = undefined;
    state.keepOwnFrame(request.view, frame);
    core.emit({ kind: "send", to: "all", bytes: frame });
    this.countOwn(message, frame);
  }

  /** Own signed frames count like everybody's, now or after a restart. */
  private countOwn(message: ConsensusMessage, frame: Uint8Array): void {
    const { core } = this;
    const { state } = core;
    const { own } = state;
    invariant(own !== undefined, "C8: only a validator has signed votes of its own");
    if (message.kind === "prePrepare") {
      const { height, view, block, signature, newView } = message;
      const { blockHash } = block.proposal;
      const vote = {
        kind: "prepare",
        height,
        view,
        blockHash,
        resultHash: EMPTY_BYTES,
        signer: own,
        signature,
      } as const;
      state.verifier.trust(vote);
      countVote(core, vote);
      const candidate = state.addCandidate(block);
      if (newView !== undefined) state.newViews.set(view, { ...newView, signer: own });
      if (view === state.view) state.current.accepted = { candidate, newView: newView?.content, frame };
    } else if (message.kind === "prepare" || message.kind === "commit") {
      state.verifier.trust(message.vote);
      countVote(core, message.vote);
    } else if (message.kind === "viewChange") {
      countStatement(core, own, { ...message.viewChange, kind: "viewChange", view: message.view });
      addViewChange(state, message);
    }
  }

  // ---- heights ----

  /** The head moved: everything of the old height is void. */
  private adopt(head: HeadFacts): void {
    const { core } = this;
    if (head.height < core.state.height) return;
    leaveTrail(core);
    core.state = this.stateAbove(head, core);
    for (const key of core.lostPeers) if (!core.state.keys.includes(key)) core.lostPeers.delete(key);
    this.restoreVotes();
    suspectLeadLeftBehind(core);
    suspectCensor(core);
    for (const arrival of this.catchUp.takeEarly(core)) this.receive(arrival);
  }

  private adoptSynced(head: HeadFacts): void {
    const { core, catchUp } = this;
    const heightBefore = core.state.head.height;
    this.adopt(head);
    if (head.height > heightBefore) catchUp.noteSynced(core);
  }

  private stateAbove(
    head: HeadFacts,
    { chainId, verify }: { readonly chainId: Hash; readonly verify: VerifySignature },
  ): HeightState {
    const { record, ownKey } = this;
    const height = head.height + 1;
    const isOpen = record.mustNotSign === undefined && height >= record.floorHeight && height >= record.height;
    return new HeightState({
      chainId,
      head,
      verify,
      votingKey: this.speaks(head.parameters.protocol) && isOpen ? ownKey : undefined,
    });
  }

  /** What the record says was signed at this height counts again; nothing of it is ever signed anew (pitfalls 15, 16). */
  private restoreVotes(): void {
    const { core, record } = this;
    const { state } = core;
    if (state.own === undefined || record.height !== state.height || record.position === undefined) return;
    state.position = record.position;
    state.view = record.position.view;
    state.suspicion = record.suspicionBytes === undefined ? undefined : unwrap(decodeSuspicion(record.suspicionBytes));
    for (const { blockHash, bytes } of record.proposals) {
      state.addCandidate({ proposal: unwrap(decodeProposal(bytes)), bytes });
      state.certify(blockHash);
    }
    const certificate = record.lock === undefined ? undefined : unwrap(decodeCertificate(record.lock.certificateBytes));
    if (certificate?.view === state.view) state.keepPrepared(certificate);
    for (const frame of record.frames) {
      state.keepOwnFrame(state.view, frame);
      this.countOwn(decodeOwn(frame), frame);
    }
  }

  /** Asks every rule whether something can be done now. */
  private advance(): void {
    const { core } = this;
    if (this.isOutgrown) return;
    if (!core.state.isCommitting) {
      askForBlock(core);
      requestVote(core);
      pursueBlocks(core);
      finishHeight(core);
      timeProgress(core);
    }
    timeResend(core, () => this.catchUp.isBehind(core));
  }

  /** What this replica does and waits for, for operators. */
  status(): Record<string, string | number | boolean | readonly string[]> {
    const { state, work, isSyncing } = this.core;
    const prepared = state.prepared.get(state.view);
    return {
      height: state.height,
      view: state.view,
      primary: state.keyOf(state.primary()),
      role: state.own === undefined ? "follower" : state.isPrimary ? "primary" : "validator",
      quorum: state.quorum,
      block:
        state.current.accepted === undefined ? "" : toHex(state.current.accepted.candidate.block.proposal.blockHash),
      prepares: state.log.votes("prepare", state.view).length,
      commits: state.log.votes("commit", state.view).length,
      isPrepared: prepared !== undefined,
      suspectedBy: [...(state.suspects.get(state.view)?.keys() ?? [])].map((signer) => state.keyOf(signer)),
      hasWork: work.hasWork,
      isSyncing,
      isHalted: this.isHalted,
      waitingFor: this.waitingFor(),
    };
  }

  private waitingFor(): string {
    const { state, isSyncing } = this.core;
    const { current } = state;
    if (this.isHalted) return "an operator: the node has halted";
    if (this.isOutgrown) return "newer software: the next block needs a protocol that this one does not speak";
    if (isSyncing) return "blocks from peers";
    if (state.isCommitting) return "the store";
    if (state.decided !== undefined)
      return `the certified block or its execution (${candidateStep(state.candidate(state.decided.blockHash))})`;
    if (state.prepared.has(state.view)) return "COMMITs, or the execution here";
    if (current.accepted !== undefined) return `PREPAREs (block here: ${candidateStep(current.accepted.candidate)})`;
    if (!isWaiting(this.core)) return "work";
    const hasPlan = state.view === 0 || (state.viewChanges.get(state.view)?.size ?? 0) >= state.quorum;
    return hasPlan || !state.isPrimary ? "the primary's block" : "VIEW-CHANGEs";
  }
}

function candidateStep(candidate: Candidate | undefined): string {
  if (candidate === undefined) return "not received";
  if (candidate.outcome !== undefined) return "executed";
  return {
    unasked: "unchecked",
    clocked: "being checked",
    asked: "being checked",
    valid: "being executed",
    invalid: "refused",
  }[candidate.check];
}

function decodeOwn(frame: Uint8Array): ConsensusMessage {
  return unwrap(decodeMessage(frame));
}

function unwrap<T>(verdict: Verdict<T>): T {
  invariant(verdict.ok, "C9: what this key has signed and recorded can be read");
  return verdict.value;
}
