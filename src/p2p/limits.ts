// Every bound of the peer network by name, and the relations between them that must hold.
// A bound is never read from a peer; tests lower some of them, configuration changes none.

import { invariant } from "../assert.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

export interface PeerLimits {
  /** one consensus frame */
  readonly frameBytesMax: number;
  /** frames and bytes one peer may send on its consensus stream; an honest one stays an order of magnitude below */
  readonly framesPerSecond: number;
  readonly framesBurst: number;
  readonly frameBytesPerSecond: number;
  readonly frameBytesBurst: number;
  /** what waits to be written to one peer */
  readonly sendQueueFramesMax: number;
  readonly sendQueueBytesMax: number;
  /** one gossip message: a batch of 512 KiB and its envelope */
  readonly gossipBytesMax: number;
  /** gossip messages (or control messages of gossipsub) one peer may send */
  readonly gossipPerSecond: number;
  readonly gossipBurst: number;
  /** gossip waiting for a peer that reads slowly; what comes on top is dropped for that peer (it fetches later) */
  readonly gossipQueueBytesMax: number;
  /** how long equal gossip is recognised; identical bytes are not published twice within it */
  readonly gossipSeenMs: number;
  readonly requestBytesMax: number;
  readonly answerBytesMax: number;
  /** requests of one peer (or to one peer) under way at once, per protocol */
  readonly requestsPerPeerMax: number;
  /** bytes of answers one peer may leave unread */
  readonly answerBytesPerPeerMax: number;
  /** a request that is not read, answered and written by then is dropped */
  readonly answerMsMax: number;
  /** raw traffic of one connection: pieces of data, streams opened, bytes that nobody asked for */
  readonly piecesPerSecond: number;
  readonly piecesBurst: number;
  readonly streamsPerSecond: number;
  readonly streamsBurst: number;
  readonly unaskedBytesPerSecond: number;
  readonly unaskedBytesBurst: number;
  /** one piece of data of the multiplexer, and its largest window: a vote waits for no more than that of gossip */
  readonly windowBytesMax: number;
  /** from the open connection to HELLO, frames and gossip standing both ways */
  readonly openingMsMax: number;
  readonly heartbeatMs: number;
  readonly missedBeatsMax: number;
  readonly dialMsMax: number;
  readonly redialMsMin: number;
  readonly redialMsMax: number;
  /** after a HELLO that does not agree: nothing gets better by trying again at once */
  readonly helloRetryMs: number;
  /** faults within the time it takes to forgive them that cut a peer off, and for how long */
  readonly faultsMax: number;
  readonly faultForgivenMs: number;
  readonly cutOffMs: number;
}

const DEFAULTS: PeerLimits = {
  frameBytesMax: 2 * MIB,
  framesPerSecond: 5_000,
  framesBurst: 10_000,
  frameBytesPerSecond: 16 * MIB,
  frameBytesBurst: 32 * MIB,
  sendQueueFramesMax: 8_192,
  sendQueueBytesMax: 8 * MIB,
  gossipBytesMax: 640 * KIB,
  gossipPerSecond: 2_000,
  gossipBurst: 8_000,
  gossipQueueBytesMax: 16 * MIB,
  gossipSeenMs: 120_000,
  requestBytesMax: 64 * KIB,
  answerBytesMax: 16 * MIB,
  requestsPerPeerMax: 8,
  answerBytesPerPeerMax: 32 * MIB,
  answerMsMax: 30_000,
  piecesPerSecond: 50_000,
  piecesBurst: 100_000,
  streamsPerSecond: 2_000,
  streamsBurst: 4_000,
  unaskedBytesPerSecond: 64 * MIB,
  unaskedBytesBurst: 128 * MIB,
  windowBytesMax: MIB,
  openingMsMax: 5_000,
  heartbeatMs: 1_000,
  missedBeatsMax: 5,
  dialMsMax: 5_000,
  redialMsMin: 200,
  redialMsMax: 500,
  helloRetryMs: 10_000,
  faultsMax: 10,
  faultForgivenMs: 10_000,
  cutOffMs: 10_000,
};

/** The defaults with some of them replaced. */
export function peerLimits(replaced: Partial<PeerLimits> = {}): PeerLimits {
  const limits: PeerLimits = Object.freeze({ ...DEFAULTS, ...replaced });
  invariant(limits.frameBytesMax <= limits.sendQueueBytesMax, "P1: the largest frame fits into the send queue");
  invariant(limits.frameBytesMax <= limits.frameBytesBurst, "P1: the largest frame fits into the frame allowance");
  invariant(limits.gossipBytesMax <= limits.gossipQueueBytesMax, "P1: the largest gossip fits into its queue");
  invariant(limits.answerBytesMax <= limits.answerBytesPerPeerMax, "P1: the largest answer fits into a peer's share");
  invariant(limits.windowBytesMax <= limits.unaskedBytesBurst, "P1: a full window fits into the byte allowance");
  return limits;
}
