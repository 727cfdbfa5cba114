// Frames of other heights: those of the next ones wait a little, those of committed ones are answered, and peers that are
// far ahead are a reason to sync. Remembers at most a few things per peer.

import { unreachable } from "../assert.ts";
import { faultBound } from "../ledger/certificate.ts";
import type { Hash } from "../ledger/hash.ts";
import type { Core } from "./core.ts";
import type { Arrival, ValidatorKey } from "./events.ts";
import {
  ANSWERS_PER_PEER_MAX,
  EARLY_BYTES_PER_PEER_MAX,
  EARLY_FRAMES_PER_PEER_MAX,
  EARLY_HEIGHTS_MAX,
  PEERS_MAX,
} from "./limits.ts";
import type { Envelope } from "./messages.ts";
import { resend } from "./progress.ts";

interface EarlyFrames {
  readonly frames: { readonly height: number; readonly arrival: Arrival }[];
  bytes: number;
}

export class CatchUp {
  private readonly early = new Map<ValidatorKey, EarlyFrames>();
  /** highest height each peer has spoken of */
  private readonly heights = new Map<ValidatorKey, number>();
  /** heights, or height and view, each peer was helped with in the present window */
  private readonly answered = new Map<ValidatorKey, Set<string>>();
  private isAnswerTimed = false;
  /** one attempt per resend period, so that liars cannot make a busy loop */
  private hasAskedToSync = false;

  /** A frame above the height in flight. */
  noteAhead(core: Core, arrival: Arrival, envelope: Envelope): void {
    const { from } = arrival;
    if (!core.state.keys.includes(from)) return;
    this.heights.set(from, Math.max(this.heights.get(from) ?? 0, envelope.height));
    if (envelope.height <= core.state.height + EARLY_HEIGHTS_MAX) this.keepEarly(arrival, envelope.height);
    this.considerMissed(core);
  }

  /** Whether so many peers are ahead that one honest among them has this height committed. */
  isBehind(core: Core): boolean {
    return this.aheadOf(core, core.state.height).length > faultBound(core.state.validators.length);
  }

  /** Peers have to be further ahead than their frames are kept here, unless what this height lacks cannot come any more. */
  private considerMissed(core: Core): void {
    this.considerSync(core, this.isMissed(core) ? 0 : EARLY_HEIGHTS_MAX);
  }

  /** f + 1 peers so many heights ahead: at least one is honest, and what is missing here may never come again. */
  private considerSync(core: Core, heights: number): void {
    const { state } = core;
    const ahead = this.aheadOf(core, state.height + heights).sort(([, left], [, right]) => right - left);
    const vouchedFor = ahead[faultBound(state.validators.length)];
    if (vouchedFor !== undefined) this.requestSync(core, vouchedFor[0], vouchedFor[1] - 1);
  }

  /**
   * C113: links keep their order, so a peer that speaks of a later height has sent all that it will send for this one. What is not
   * here of it never comes, and frames of the next heights only pile up: f + 1 peers ahead are then enough to fetch the block.
   */
  private isMissed({ state }: Core): boolean {
    const { decided, view } = state;
    const hasMore = (signer: number): boolean => (this.heights.get(state.keyOf(signer)) ?? 0) <= state.height;
    const block = decided === undefined ? state.current.accepted?.candidate : state.candidate(decided.blockHash);
    if (block === undefined && !hasMore(state.primary())) return true;
    if (decided !== undefined) return false;
    const others = state.keys.map((_, signer) => signer).filter((signer) => signer !== state.own);
    const canReachQuorum = (kind: "prepare" | "commit", isOwnThere: boolean): boolean => {
      const votes = others.filter((signer) => hasMore(signer) || state.log.find(kind, view, signer) !== undefined);
      return votes.length + (isOwnThere && state.own !== undefined ? 1 : 0) >= state.quorum;
    };
    return !canReachQuorum("commit", state.prepared.has(view) || canReachQuorum("prepare", true));
  }

  maySync(core: Core): boolean {
    return !core.isSyncing && !this.hasAskedToSync && !core.state.isCommitting;
  }

  requestSync(core: Core, from: ValidatorKey, height: number): void {
    if (!this.maySync(core)) return;
    core.isSyncing = true;
    this.hasAskedToSync = true;
    core.emit({ kind: "requestSync", height, from });
  }

  /** A frame of a committed height: its sender gets the block, once per window. */
  answer(core: Core, from: ValidatorKey, envelope: Envelope): void {
    if (!asksForBlock(envelope, core.state.head.height)) return;
    const { height } = envelope;
    if (this.mayAnswer(core, from, `${height}`)) core.emit({ kind: "sendDecided", to: from, height });
  }

  /** A peer in a lower view of this height gets what led higher, and the votes since, without waiting for the next resend. */
  answerView(core: Core, from: ValidatorKey, view: number): void {
    const { state } = core;
    if (view < state.view && this.mayAnswer(core, from, `${state.height}.${state.view}`)) resend(core, [from]);
  }

  /** Whether the certificate of a block ahead may be judged: work that a peer could cause without end, so once per window. */
  mayJudgeAhead(core: Core, from: ValidatorKey): boolean {
    return this.mayAnswer(core, from, "ahead");
  }

  /** Batches that a validator waits for: whoever lacks them gets them from it, and then times them itself. Once per window. */
  fetchNamed(core: Core, from: ValidatorKey, digests: readonly Hash[]): void {
    if (digests.length === 0 || !core.state.keys.includes(from) || !this.mayAnswer(core, from, "batches")) return;
    core.emit({ kind: "fetchBatches", from, digests });
  }

  private mayAnswer(core: Core, from: ValidatorKey, what: string): boolean {
    const answers = this.answered.get(from) ?? new Set();
    if (answers.has(what) || answers.size >= ANSWERS_PER_PEER_MAX || this.answered.size >= PEERS_MAX) return false;
    this.answered.set(from, answers.add(what));
    if (this.isAnswerTimed) return true;
    this.isAnswerTimed = true;
    const timer = { kind: "answer", height: core.state.height, view: core.state.view } as const;
    core.emit({ kind: "setTimer", timer, delayMs: core.timing.answerMs });
    return true;
  }

  handleAnswerTimer(): void {
    this.isAnswerTimed = false;
    this.answered.clear();
  }

  /** A resend period is over: another sync may be tried. */
  handleResendTimer(core: Core): void {
    this.hasAskedToSync = false;
    this.considerSync(core, 1);
  }

  /** C111: blocks that came are progress, which no liar can feign: the next ones are fetched at once. */
  noteSynced(core: Core): void {
    this.hasAskedToSync = false;
    this.considerMissed(core);
  }

  /**
   * The frames kept for the heights from the one that now begins, lowest first: what belongs to it is known before a later one asks
   * whether anything is missing. What was known of peers that have no seat in it is forgotten.
   */
  takeEarly(core: Core): readonly Arrival[] {
    for (const key of this.heights.keys()) if (!core.state.keys.includes(key)) this.heights.delete(key);
    const frames = [...this.early.values()].flatMap((kept) => kept.frames);
    this.early.clear();
    return frames.sort((left, right) => left.height - right.height).map(({ arrival }) => arrival);
  }

  private keepEarly(arrival: Arrival, height: number): void {
    const { from, bytes } = arrival;
    const kept = this.early.get(from) ?? { frames: [], bytes: 0 };
    if (kept.frames.length >= EARLY_FRAMES_PER_PEER_MAX || kept.bytes + bytes.length > EARLY_BYTES_PER_PEER_MAX) return;
    kept.frames.push({ height, arrival });
    kept.bytes += bytes.length;
    this.early.set(from, kept);
  }

  /** Validators that speak of a height above this one. */
  private aheadOf({ state }: Core, height: number): (readonly [key: ValidatorKey, height: number])[] {
    const known = [...this.heights].filter(([key]) => state.keys.includes(key));
    return known.filter(([, peerHeight]) => peerHeight > height);
  }
}

// A late vote for the newest block is what every fast network sees all the time; its sender will have the block in a moment.
// One that is stuck says so: it keeps waiting, or suspects.
function asksForBlock({ kind, height }: Envelope, headHeight: number): boolean {
  switch (kind) {
    case "waiting":
    case "suspect":
    case "viewChange":
      return height > 0;
    case "prePrepare":
    case "prepare":
    case "commit":
      return height < headHeight;
    case "suspicion":
    case "prepared":
    case "decided":
      return false;
    default:
      return unreachable(kind);
  }
}
