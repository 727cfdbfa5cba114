// Everything the core knows of the height in flight; dropped as a whole when the height commits.
// Holds data and looks things up in it: the rules that change it stand in normal-case.ts, view-change.ts and catch-up.ts.

import { invariant } from "../assert.ts";
import { bytesEqual, bytesKey, type Hash, toHex } from "../ledger/hash.ts";
import type { Certificate, Result, Validator, VerifySignature } from "../ledger/types.ts";
import type { HeadFacts, ValidatorKey } from "./events.ts";
import { HeightVerifier } from "./height-verifier.ts";
import { CANDIDATES_MAX } from "./limits.ts";
import type { EncodedProposal, ViewChangeMessage } from "./messages.ts";
import { leadIndex, type Position, primaryIndex } from "./positions.ts";
import type { SigningRequest } from "./safety.ts";
import type { SignedNewView } from "./trail.ts";
import type { NewView, SignedSuspect, Suspicion } from "./view-formats.ts";
import { VoteLog } from "./vote-log.ts";

/** A block of this height that may still be voted for. */
export interface Candidate {
  readonly block: EncodedProposal;
  /** "clocked": asked as a first proposal, so a refusal may be the clock's */
  check: "unasked" | "clocked" | "asked" | "valid" | "invalid";
  refusedBecause: string;
  /** when its first proposal arrived; undefined: it came with a certificate, from this node's builder or from its own record */
  readonly arrivedMs: number | undefined;
  /** never held against the clock */
  isCertified: boolean;
  isExecuting: boolean;
  outcome: { readonly result: Result; readonly resultHash: Hash } | undefined;
}

/** The primary's frame of the current view, verified. */
export interface AcceptedPrePrepare {
  readonly candidate: Candidate;
  readonly newView: NewView | undefined;
  /** sent on to the others while the height does not commit */
  readonly frame: Uint8Array;
}

/** What belongs to one view and is dropped with it. */
export interface ViewState {
  accepted: AcceptedPrePrepare | undefined;
  /** the primary's request for a block: none, unanswered, or unanswered while new work has arrived since */
  building: "no" | "asked" | "outdated";
  built: Candidate | undefined;
  hasSuspected: boolean;
  ownSuspectFrame: Uint8Array | undefined;
  /** a progress timer of this view runs */
  isTimed: boolean;
  /** there was nothing to wait for since the timer was set: when it fires it starts anew */
  wasIdle: boolean;
  isShortened: boolean;
  /** all delays of the wait that runs, which work known later may lengthen */
  waitedMs: number;
}

/** Once for each set of validators, not for each height. */
const keysOfSets = new WeakMap<readonly Validator[], readonly ValidatorKey[]>();

export class HeightState {
  readonly height: number;
  readonly head: HeadFacts;
  readonly validators: readonly Validator[];
  readonly keys: readonly ValidatorKey[];
  readonly verifier: HeightVerifier;
  readonly log: VoteLog;
  readonly lead: number;
  /** own index; undefined: follows without voting */
  readonly own: number | undefined;

  view = 0;
  current: ViewState = newViewState();
  /** what led to `view`; undefined in view 0 */
  suspicion: Suspicion | undefined;
  readonly candidates = new Map<string, Candidate>();
  /** hashes of blocks that certificates or the own record name; the blocks themselves may be missing */
  readonly certified = new Set<string>();
  /** those that were followed, by view */
  readonly newViews = new Map<number, SignedNewView>();
  /** prepared certificates by view */
  readonly prepared = new Map<number, Certificate>();
  /** the commit certificate, before or after its block is known and executed here */
  decided: Certificate | undefined;
  /** by target view, then signer */
  readonly viewChanges = new Map<number, Map<number, ViewChangeMessage>>();
  /** by suspected view, then signer */
  readonly suspects = new Map<number, Map<number, SignedSuspect>>();

  /** highest position asked of the signer */
  position: Position | undefined;
  /** the one request with a position that is unanswered */
  signing: SigningRequest | undefined;
  /** own frames of the view of the newest signed vote, sent again while the height does not commit */
  ownFrames: readonly Uint8Array[] = [];
  private ownFramesView = 0;
  /** how often they were: the pauses grow */
  resends = 0;
  isCommitting = false;
  /** rule and offender of what was reported already */
  readonly reported = new Set<string>();

  constructor(facts: {
    readonly chainId: Hash;
    readonly head: HeadFacts;
    readonly verify: VerifySignature;
    /** own key; undefined: never votes at this height */
    readonly votingKey: Uint8Array | undefined;
  }) {
    const { head, chainId, verify, votingKey } = facts;
    const { validators } = head;
    this.height = head.height + 1;
    this.head = head;
    this.validators = validators;
    this.keys = keysOf(validators);
    this.verifier = new HeightVerifier({ chainId, height: this.height, validators, verify });
    this.log = new VoteLog(validators.length, this.verifier.quorum);
    this.lead = leadIndex({
      height: this.height,
      parentProposer: head.proposer,
      validators,
      parameters: head.parameters,
    });
    const own =
      votingKey === undefined ? -1 : validators.findIndex(({ publicKey }) => bytesEqual(publicKey, votingKey));
    this.own = own < 0 ? undefined : own;
  }

  get quorum(): number {
    return this.verifier.quorum;
  }

  primary(view: number = this.view): number {
    return primaryIndex(this.lead, view, this.validators.length);
  }

  get isPrimary(): boolean {
    return this.own !== undefined && this.primary() === this.own;
  }

  keyOf(signer: number): ValidatorKey {
    const key = this.keys[signer];
    invariant(key !== undefined, "C2: only verified signers are looked up");
    return key;
  }

  candidate(blockHash: Hash): Candidate | undefined {
    return this.candidates.get(bytesKey(blockHash));
  }

  /** Knows a block, once. */
  addCandidate(block: EncodedProposal, arrivedMs?: number): Candidate {
    const key = bytesKey(block.proposal.blockHash);
    const known = this.candidates.get(key);
    if (known !== undefined) return known;
    if (this.candidates.size >= CANDIDATES_MAX) this.forgetOldestCandidate();
    const isCertified = this.certified.has(key);
    const candidate: Candidate = {
      block,
      check: "unasked",
      refusedBecause: "",
      arrivedMs,
      isCertified,
      isExecuting: false,
      outcome: undefined,
    };
    this.candidates.set(key, candidate);
    return candidate;
  }

  /** A verified certificate, or this key's own record, names that block: the clock has no say any more, its refusal is void. */
  certify(blockHash: Hash): void {
    this.certified.add(bytesKey(blockHash));
    const candidate = this.candidate(blockHash);
    if (candidate === undefined || candidate.isCertified) return;
    candidate.isCertified = true;
    const isClocks = candidate.check === "invalid" && candidate.refusedBecause === CLOCK_REFUSAL;
    if (isClocks || candidate.check === "clocked") candidate.check = "unasked";
  }

  /** q PREPAREs of one view. */
  keepPrepared(certificate: Certificate): void {
    if (!this.prepared.has(certificate.view)) this.prepared.set(certificate.view, certificate);
    this.certify(certificate.blockHash);
  }

  /** q COMMITs with one result. */
  keepDecided(certificate: Certificate): void {
    this.decided ??= certificate;
    this.certify(certificate.blockHash);
  }

  keepOwnFrame(view: number, frame: Uint8Array): void {
    this.ownFrames = view === this.ownFramesView ? [...this.ownFrames, frame] : [frame];
    this.ownFramesView = view;
  }

  private forgetOldestCandidate(): void {
    const { accepted, built } = this.current;
    const droppable = [...this.candidates].filter(
      ([, candidate]) => candidate !== accepted?.candidate && candidate !== built,
    );
    const oldest = droppable.find(([, candidate]) => !candidate.isCertified) ?? droppable[0];
    if (oldest !== undefined) this.candidates.delete(oldest[0]);
  }
}

function keysOf(validators: readonly Validator[]): readonly ValidatorKey[] {
  const known = keysOfSets.get(validators);
  if (known !== undefined) return known;
  const keys = validators.map(({ publicKey }) => toHex(publicKey));
  keysOfSets.set(validators, keys);
  return keys;
}

/** The one refusal of a block that another clock might not have made. */
export const CLOCK_REFUSAL = "BLOCK_TOO_OLD";

export function newViewState(): ViewState {
  return {
    accepted: undefined,
    building: "no",
    built: undefined,
    hasSuspected: false,
    ownSuspectFrame: undefined,
    isTimed: false,
    wasIdle: false,
    isShortened: false,
    waitedMs: 0,
  };
}
