// Frames of other heights: those of the next one wait a little, those of committed ones are answered, and peers that are
// far ahead are a reason to sync. Remembers at most a few things per peer.

import { unreachable } from "../assert.ts";
import { faultBound } from "../ledger/certificate.ts";
import type { Core } from "./core.ts";
import type { ValidatorKey } from "./events.ts";
import { EARLY_BYTES_PER_PEER_MAX, EARLY_FRAMES_PER_PEER_MAX, PEERS_MAX } from "./limits.ts";
import type { Envelope } from "./messages.ts";
import { resend } from "./progress.ts";

interface EarlyFrames {
  readonly frames: Uint8Array[];
  bytes: number;
}

export class CatchUp {
  private readonly early = new Map<ValidatorKey, EarlyFrames>();
  /** highest height each peer has spoken of */
  private readonly heights = new Map<ValidatorKey, number>();
  /** peer and height, or height and view, answered in the present window */
  private readonly answered = new Set<string>();
  private isAnswerTimed = false;
  /** one attempt per resend period, so that liars cannot make a busy loop */
  private hasAskedToSync = false;

  /** A frame above the height in flight. */
  noteAhead(core: Core, from: ValidatorKey, envelope: Envelope, frame: Uint8Array): void {
    if (!this.heights.has(from) && this.heights.size >= PEERS_MAX) return;
    this.heights.set(from, Math.max(this.heights.get(from) ?? 0, envelope.height));
    if (envelope.height === core.state.height + 1) this.keepEarly(from, frame);
    this.considerSync(core);
  }

  /** Whether so many peers are ahead that one honest among them has this height committed. */
  isBehind(core: Core): boolean {
    return this.countAt(core.state.height + 1) > faultBound(core.state.validators.length);
  }

  /** f + 1 peers two heights ahead: at least one is honest, and votes of this height may never come again. */
  considerSync(core: Core): void {
    const { state } = core;
    if (core.isSyncing || this.hasAskedToSync || state.isCommitting) return;
    const ahead = [...this.heights].filter(([key, height]) => height >= state.height + 2 && state.keys.includes(key));
    const needed = faultBound(state.validators.length) + 1;
    if (ahead.length < needed) return;
    ahead.sort(([, left], [, right]) => right - left);
    const [from, height] = ahead[needed - 1] as (typeof ahead)[number];
    this.requestSync(core, from, height - 1);
  }

  requestSync(core: Core, from: ValidatorKey, height: number): void {
    if (core.isSyncing || this.hasAskedToSync || core.state.isCommitting) return;
    core.isSyncing = true;
    this.hasAskedToSync = true;
    core.emit({ kind: "requestSync", height, from });
  }

  /** A frame of a committed height: its sender gets the block, once per window. */
  answer(core: Core, from: ValidatorKey, envelope: Envelope): void {
    if (!asksForBlock(envelope, core.state.head.height)) return;
    if (this.mayAnswer(core, `${from}:${envelope.height}`))
      core.emit({ kind: "sendDecided", to: from, height: envelope.height });
  }

  /** A peer in a lower view of this height gets what led higher, and the votes since, without waiting for the next resend. */
  answerView(core: Core, from: ValidatorKey, view: number): void {
    if (view < core.state.view && this.mayAnswer(core, `${from}:${core.state.height}:${core.state.view}`))
      resend(core, [from]);
  }

  private mayAnswer(core: Core, key: string): boolean {
    if (this.answered.has(key) || this.answered.size >= PEERS_MAX) return false;
    this.answered.add(key);
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
    this.considerSync(core);
  }

  /** The frames kept for a height that now begins. */
  takeEarly(): readonly (readonly [from: ValidatorKey, frame: Uint8Array])[] {
    const frames = [...this.early].flatMap(([from, kept]) => kept.frames.map((frame) => [from, frame] as const));
    this.early.clear();
    return frames;
  }

  private keepEarly(from: ValidatorKey, frame: Uint8Array): void {
    const kept = this.early.get(from) ?? { frames: [], bytes: 0 };
    if (kept.frames.length >= EARLY_FRAMES_PER_PEER_MAX || kept.bytes + frame.length > EARLY_BYTES_PER_PEER_MAX) return;
    kept.frames.push(frame);
    kept.bytes += frame.length;
    this.early.set(from, kept);
  }

  private countAt(height: number): number {
    let count = 0;
    for (const peerHeight of this.heights.values()) if (peerHeight >= height) count += 1;
    return count;
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
