// Every bound of the consensus core by name, and the times it waits. Relations between bounds are asserted here.
// Holds no behaviour and no state.

import { invariant } from "../assert.ts";
import { LIMITS } from "../ledger/limits.ts";

/** Digests a suspicion may name. */
export const WAITING_FOR_MAX = 16;
/** A view is a small number: at the longest timeout, 2^31 views last for centuries. */
export const VIEW_MAX = 0x7fff_ffff;
/** Votes of views this far above one's own are kept; farther ones come with a suspicion certificate or not at all. */
export const VIEWS_AHEAD_MAX = 8;
/** Votes of views this far below one's own are kept: a COMMIT certificate of an abandoned view still counts. */
export const VIEWS_BEHIND_MAX = 16;
/** Blocks of one height known at a time; beyond it the oldest that no certificate names is forgotten. */
export const CANDIDATES_MAX = 64;
/** Proposals of one height in the vote record: their batches are kept until the height commits. */
export const RECORDED_PROPOSALS_MAX = 64;
/** Blocks of one height for which this key has signed a result; one more would need as many failed views. */
export const RESULTS_MAX = 256;
/** Frames of this many heights above the one in flight are kept until their turn comes: a replica a little slower follows by them. */
export const EARLY_HEIGHTS_MAX = 8;
/** Of each peer: a proposal and two votes for each of these heights, and room for what is said besides. */
export const EARLY_FRAMES_PER_PEER_MAX = 32;
export const EARLY_BYTES_PER_PEER_MAX = 1 << 20;
/** Heights or views one peer is helped with in one answer window: an answer costs a read from the store. */
export const ANSWERS_PER_PEER_MAX = 4;
/** Peers, validators and observers, of which something is remembered. */
export const PEERS_MAX = 4 * LIMITS.validatorsMax;
/** Signatures remembered as verified at one height; forgetting them costs work, nothing else. */
export const VERIFIED_SIGNATURES_MAX = 8_192;
/** One frame: a PRE-PREPARE with proposal, NEW-VIEW, prepared certificate and suspicion certificate is the largest. */
export const FRAME_BYTES_MAX = 8 << 20;
export const SUSPICION_BYTES_MAX = 2 << 20;
/** The VIEW-CHANGEs of a NEW-VIEW, and room for what is small. */
const NEW_VIEW_BYTES_MAX = LIMITS.validatorsMax * (LIMITS.signatureBytesMax + 64) + 4096;

invariant(
  LIMITS.validatorsMax * (LIMITS.signatureBytesMax + WAITING_FOR_MAX * 40) < SUSPICION_BYTES_MAX,
  "C20: every suspicion certificate within its counts fits its bytes",
);
invariant(
  LIMITS.proposalBytesMax + LIMITS.certificateBytesMax + SUSPICION_BYTES_MAX + NEW_VIEW_BYTES_MAX < FRAME_BYTES_MAX,
  "C21: the largest PRE-PREPARE fits a frame",
);

/** Times in ms of the monotonic clock. */
export interface Timing {
  /** bounds of the first timeout of a height, whatever pace is measured */
  readonly timeoutMsMin: number;
  readonly timeoutMsMax: number;
  /** bound of the doubled timeouts of later views */
  readonly timeoutMsCap: number;
  /** how long a replica whose link to the primary is cut still waits, at least */
  readonly lostPrimaryMsMin: number;
  /** recorded votes are sent again after this long without a commit */
  readonly resendMs: number;
  /** one answer per peer and height within this long */
  readonly answerMs: number;
}

/** How long a height may take in its first view before a replica suspects its primary. @param paceMs as this node measured it */
export function patienceMs(timing: Timing, paceMs: number): number {
  return Math.min(Math.max(Math.ceil(paceMs), timing.timeoutMsMin), timing.timeoutMsMax);
}

export const DEFAULT_TIMING: Timing = {
  timeoutMsMin: 600,
  timeoutMsMax: 8_000,
  timeoutMsCap: 64_000,
  lostPrimaryMsMin: 100,
  resendMs: 500,
  answerMs: 250,
};
