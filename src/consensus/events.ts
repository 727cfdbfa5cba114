// The whole border of the consensus core: what may go in, what may come out. `Replica.step(event) -> effects` and
// nothing else. Types only. The four laws of this border stand in ARCHITECTURE.md: effects of one step carry no order;
// timers may be late; a failed durable effect halts; the signer distrusts the core.

import type { Hash } from "../ledger/hash.ts";
import type { Certificate, Parameters, Proposal, Result, Validator } from "../ledger/types.ts";
import type { SigningRequest } from "./safety.ts";
import type { VoteRecord } from "./vote-record.ts";

/** A validator as the network addresses it: its consensus public key in lower-case hexadecimal. */
export type ValidatorKey = string;

/** "spread": half of the patience is over; "progress": nothing committed in time; "resend": recorded votes are due again;
 *  "answer": peers may be answered again. */
export type TimerKind = "spread" | "progress" | "resend" | "answer";
/** A late timer is recognised by height and view, and ignored: several may run at once, and the core cancels none. */
export interface Timer {
  readonly kind: TimerKind;
  readonly height: number;
  readonly view: number;
}

/** Facts of the committed head from which the next height starts. */
export interface HeadFacts {
  readonly height: number;
  readonly blockHash: Hash;
  readonly resultHash: Hash;
  /** header.proposer and header.view of the head block; the genesis head (height 0) has the first key and view 0 */
  readonly proposer: Uint8Array;
  readonly headerView: number;
  /** view of the certificate by which this node committed it */
  readonly certificateView: number;
  readonly timeMs: number;
  /** validators(height + 1), in key order */
  readonly validators: readonly Validator[];
  readonly parameters: Parameters;
}

/** A frame from an authenticated peer, which need not be the signer of what it relays. */
export interface Arrival {
  readonly from: ValidatorKey;
  readonly bytes: Uint8Array;
  /** the node's clock when the frame arrived, ledger ms; the core carries it along for checkBlock and reads nothing from it */
  readonly arrivedMs: number;
}

export type ReplicaEvent =
  /** once, after construction: sends recorded votes again, sets timers */
  | { readonly kind: "started" }
  | ({ readonly kind: "messageReceived" } & Arrival)
  /** answer to buildBlock, its batches durable; undefined: nothing to include now, asked again at the next workChanged */
  | {
      readonly kind: "blockBuilt";
      readonly height: number;
      readonly view: number;
      readonly proposal: Proposal | undefined;
    }
  /** answer to checkBlock; comes when header is valid and every batch it names is durable here, or when it never can be.
   *  Codes BLOCK_TOO_OLD (the clock's verdict) and NO_LONGER_NEEDED say nothing about the block itself. */
  | {
      readonly kind: "blockChecked";
      readonly height: number;
      readonly view: number;
      readonly blockHash: Hash;
      readonly valid: boolean;
      readonly code: string;
    }
  /** answer to executeBlock */
  | {
      readonly kind: "blockExecuted";
      readonly height: number;
      readonly blockHash: Hash;
      readonly result: Result;
      readonly resultHash: Hash;
    }
  /** answer to signVote: the record is durable; `message` is the frame to send */
  | { readonly kind: "voteSigned"; readonly request: SigningRequest; readonly message: Uint8Array }
  /** answer to commitBlock, or the end of a sync step: this height is durable */
  | { readonly kind: "blockCommitted"; readonly head: HeadFacts }
  /** sync moved the head (or gave up); the replica starts again above `head` */
  | { readonly kind: "syncFinished"; readonly head: HeadFacts }
  | { readonly kind: "timerFired"; readonly timer: Timer }
  /** whether a block could be built now: an includable batch is held, or a timer of the contracts is due.
   *  `waitingFor`: digests of the oldest includable batches (at most 16), named in a suspicion. */
  | { readonly kind: "workChanged"; readonly hasWork: boolean; readonly waitingFor: readonly Hash[] }
  /** follower's finding: these batches were passed over in K blocks although their origins had share left.
   *  `wereSpread`: they were found before, so everybody had them for K blocks; otherwise they are now spread. */
  | { readonly kind: "batchesStarved"; readonly digests: readonly Hash[]; readonly wereSpread: boolean }
  /** k x (q-th smallest round trip) + own syncs + twice the own work, unclamped; never from the primary's own pace */
  | { readonly kind: "paceMeasured"; readonly timeoutMs: number }
  /** the connection to a validator is lost or back: shortens the wait for a lost primary, is no reason by itself */
  | { readonly kind: "peerChanged"; readonly peer: ValidatorKey; readonly connected: boolean }
  /** recovery.ts is through with a lost record: the key may sign again by this one, which is durable */
  | { readonly kind: "recordRecovered"; readonly record: VoteRecord };

export type ReplicaEffect =
  | { readonly kind: "buildBlock"; readonly height: number; readonly view: number }
  /** `arrivedMs`: when a first proposal arrived, which is held against its time; undefined: a certificate names the block,
   *  and no clock has a say.
   *  `holders`: who has signed for it and so has its batches, most likely first. */
  | {
      readonly kind: "checkBlock";
      readonly height: number;
      readonly view: number;
      readonly proposal: Proposal;
      readonly arrivedMs: number | undefined;
      readonly holders: readonly ValidatorKey[];
    }
  | { readonly kind: "executeBlock"; readonly height: number; readonly proposal: Proposal }
  | { readonly kind: "signVote"; readonly request: SigningRequest }
  | { readonly kind: "send"; readonly to: readonly ValidatorKey[] | "all"; readonly bytes: Uint8Array }
  | {
      readonly kind: "commitBlock";
      readonly proposal: Proposal;
      readonly certificate: Certificate;
      readonly result: Result;
    }
  | { readonly kind: "setTimer"; readonly timer: Timer; readonly delayMs: number }
  /** the network is at `height` or above; ask `from` first */
  | { readonly kind: "requestSync"; readonly height: number; readonly from: ValidatorKey }
  /** a peer asked about a committed height: send it that block with its certificate (message kind "decided") */
  | { readonly kind: "sendDecided"; readonly to: ValidatorKey; readonly height: number }
  /** fetch these batches from `from`, who waits for them: the pool may lack them */
  | { readonly kind: "fetchBatches"; readonly from: ValidatorKey; readonly digests: readonly Hash[] }
  | { readonly kind: "report"; readonly report: Report }
  /** a height is left: what proves who forked there, if anybody did (trail.ts) */
  | { readonly kind: "keepTrail"; readonly height: number; readonly bytes: Uint8Array }
  /** the node must stop: a certified result differs from its own, or an invariant of the outside world is broken */
  | { readonly kind: "halt"; readonly code: string; readonly detail: string };

export type Report =
  /** proof of misbehaviour, checkable by anybody with `verifyEvidence`; `label` "fault" where malice is not certain */
  | {
      readonly kind: "evidence";
      readonly rule: string;
      readonly label: "malice" | "fault";
      readonly offender: ValidatorKey;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: "viewChanged"; readonly height: number; readonly view: number; readonly primary: ValidatorKey }
  | { readonly kind: "suspected"; readonly height: number; readonly view: number; readonly code: string }
  /** no result of one hash can have q COMMITs any more: the network waits by intent rather than fork */
  | { readonly kind: "resultsDiverge"; readonly height: number; readonly blockHash: Hash }
  /** a message was refused; the peer gate counts it */
  | { readonly kind: "badMessage"; readonly from: ValidatorKey; readonly code: string };
