// Judges signatures, certificates and NEW-VIEWs of one height, each signature once.
// Knows the validators of its height and nothing of what its own replica has voted.

import { accept, refuse, type Verdict } from "../errors.ts";
import { bitmapIndexes, quorumSize } from "../ledger/certificate.ts";
import { validatorsHashOf } from "../ledger/format-cluster.ts";
import { voteSigningBytes } from "../ledger/format-vote.ts";
import { bytesEqual, type Hash, toHex } from "../ledger/hash.ts";
import type { Certificate, Validator, VerifySignature, Vote } from "../ledger/types.ts";
import { VERIFIED_SIGNATURES_MAX } from "./limits.ts";
import {
  type NewView,
  newViewSigningBytes,
  type PreparedClaim,
  type SignedSuspect,
  type SignedViewChange,
  type Suspicion,
  suspectSigningBytes,
  viewChangeSigningBytes,
} from "./view-formats.ts";

/** Ballots whose votes are remembered: liars make any number of them, and what is forgotten is verified again. */
const BALLOTS_MAX = 64;

/** What votes of one kind and view say, and whose signatures were found right for it. */
interface Ballot {
  readonly kind: Vote["kind"];
  readonly view: number;
  readonly blockHash: Hash;
  readonly resultHash: Uint8Array;
  /** what is signed */
  readonly signed: Uint8Array;
  readonly signatures: Map<number, Uint8Array>;
}

export class HeightVerifier {
  readonly chainId: Hash;
  readonly height: number;
  readonly validators: readonly Validator[];
  readonly validatorsHash: Hash;
  readonly quorum: number;
  private readonly verify: VerifySignature;
  /** statement -> the signature that was found right for it */
  private readonly verified = new Map<string, Uint8Array>();
  /** the newest last: votes of one ballot differ in the signer only */
  private readonly ballots: Ballot[] = [];

  constructor(facts: {
    readonly chainId: Hash;
    readonly height: number;
    readonly validators: readonly Validator[];
    readonly verify: VerifySignature;
  }) {
    this.chainId = facts.chainId;
    this.height = facts.height;
    this.validators = facts.validators;
    this.validatorsHash = validatorsHashOf(facts.validators);
    this.quorum = quorumSize(facts.validators.length);
    this.verify = facts.verify;
  }

  isVoteSigned(vote: Vote): boolean {
    const validator = this.validators[vote.signer];
    if (validator === undefined) return false;
    const { signed, signatures } = this.ballotOf(vote);
    const known = signatures.get(vote.signer);
    if (known !== undefined && bytesEqual(known, vote.signature)) return true;
    if (!this.verify(validator.suite, validator.publicKey, signed, vote.signature)) return false;
    signatures.set(vote.signer, vote.signature);
    return true;
  }

  isSuspectSigned(view: number, suspect: SignedSuspect): boolean {
    const statement = `suspect:${view}:${suspect.waitingFor.map(toHex).join()}`;
    return this.isSigned(statement, suspect.signer, suspect.signature, () =>
      suspectSigningBytes({ ...this.place(), view, waitingFor: suspect.waitingFor }),
    );
  }

  isViewChangeSigned(targetView: number, viewChange: SignedViewChange): boolean {
    const { prepared, signer, signature } = viewChange;
    const lock = prepared === undefined ? "" : `${prepared.view}:${toHex(prepared.blockHash)}`;
    return this.isSigned(`viewChange:${targetView}:${lock}`, signer, signature, () =>
      viewChangeSigningBytes({ ...this.place(), targetView, prepared }),
    );
  }

  isNewViewSigned(newView: NewView, signer: number, signature: Uint8Array): boolean {
    const validator = this.validators[signer];
    if (validator === undefined) return false;
    const { view, blockHash, bytes } = newView;
    const signed = newViewSigningBytes({ ...this.place(), view, blockHash, contentBytes: bytes });
    return this.verify(validator.suite, validator.publicKey, signed, signature);
  }

  /** The votes of a certificate of this height, all verified, from q distinct validators at least. */
  checkCertificate(certificate: Certificate): Verdict<readonly Vote[]> {
    if (certificate.height !== this.height) return refuse("CERTIFICATE_HEIGHT");
    const signers = bitmapIndexes(certificate.signers, this.validators.length);
    if (signers === undefined || signers.length !== certificate.signatures.length) return refuse("CERTIFICATE_BITMAP");
    if (signers.length < this.quorum) return refuse("CERTIFICATE_NO_QUORUM", `${signers.length} signers`);
    const votes = votesOf(certificate, signers);
    const bad = votes.find((vote) => !this.isVoteSigned(vote));
    return bad === undefined ? accept(votes) : refuse("CERTIFICATE_SIGNATURE", `validator ${bad.signer}`);
  }

  /** Whether q distinct validators suspect that view. */
  checkSuspicion(suspicion: Suspicion): Verdict<true> {
    if (suspicion.height !== this.height) return refuse("SUSPICION_HEIGHT");
    if (suspicion.suspects.length < this.quorum) return refuse("SUSPICION_NO_QUORUM");
    const signers = new Set(suspicion.suspects.map(({ signer }) => signer));
    if (signers.size !== suspicion.suspects.length) return refuse("SUSPICION_SIGNER_TWICE");
    const bad = suspicion.suspects.find((suspect) => !this.isSuspectSigned(suspicion.view, suspect));
    return bad === undefined ? accept(true) : refuse("SUSPICION_SIGNATURE", `validator ${bad.signer}`);
  }

  /** The whole rule of NEW-VIEW apart from its own signature. @returns the lock that decides the block, undefined when free */
  checkNewView(newView: NewView): Verdict<PreparedClaim | undefined> {
    const decision = newViewDecision(newView, this.validators.length);
    if (!decision.ok) return decision;
    const bad = newView.viewChanges.find((viewChange) => !this.isViewChangeSigned(newView.view, viewChange));
    if (bad !== undefined) return refuse("NEW_VIEW_SIGNATURE", `validator ${bad.signer}`);
    if (newView.certificate === undefined) return decision;
    const certified = this.checkCertificate(newView.certificate);
    return certified.ok ? decision : certified;
  }

  /** Remembers a signature that this node made itself. */
  trust(vote: Vote): void {
    this.ballotOf(vote).signatures.set(vote.signer, vote.signature);
  }

  private place(): { readonly chainId: Hash; readonly height: number; readonly validatorsHash: Hash } {
    return { chainId: this.chainId, height: this.height, validatorsHash: this.validatorsHash };
  }

  private isSigned(statement: string, signer: number, signature: Uint8Array, signed: () => Uint8Array): boolean {
    const validator = this.validators[signer];
    if (validator === undefined) return false;
    const key = `${signer}:${statement}`;
    const known = this.verified.get(key);
    if (known !== undefined && bytesEqual(known, signature)) return true;
    if (!this.verify(validator.suite, validator.publicKey, signed(), signature)) return false;
    this.remember(key, signature);
    return true;
  }

  private ballotOf(vote: Vote): Ballot {
    const { kind, view, blockHash, resultHash } = vote;
    const known = this.ballots.findLast(
      (one) =>
        one.kind === kind &&
        one.view === view &&
        bytesEqual(one.blockHash, blockHash) &&
        bytesEqual(one.resultHash, resultHash),
    );
    if (known !== undefined) return known;
    const signed = voteSigningBytes({ ...vote, chainId: this.chainId, validatorsHash: this.validatorsHash });
    const ballot = { kind, view, blockHash, resultHash, signed, signatures: new Map<number, Uint8Array>() };
    if (this.ballots.length >= BALLOTS_MAX) this.ballots.shift();
    this.ballots.push(ballot);
    return ballot;
  }

  private remember(key: string, signature: Uint8Array): void {
    if (this.verified.size >= VERIFIED_SIGNATURES_MAX) this.verified.clear();
    this.verified.set(key, signature);
  }
}

/**
 * The rule of NEW-VIEW without signatures: q VIEW-CHANGEs of distinct validators, the highest lock among them proved by
 * its certificate and naming the block; no lock among them leaves the primary free (PBFT 4.4).
 */
export function newViewDecision(newView: NewView, validatorCount: number): Verdict<PreparedClaim | undefined> {
  const { viewChanges, certificate } = newView;
  if (viewChanges.some(({ signer }) => signer >= validatorCount)) return refuse("NEW_VIEW_SIGNER");
  if (new Set(viewChanges.map(({ signer }) => signer)).size !== viewChanges.length)
    return refuse("NEW_VIEW_SIGNER_TWICE");
  if (viewChanges.length < quorumSize(validatorCount)) return refuse("NEW_VIEW_NO_QUORUM");
  const highest = highestClaim(viewChanges);
  if (highest === undefined) return certificate === undefined ? accept(undefined) : refuse("NEW_VIEW_CERTIFICATE");
  if (highest.view >= newView.view) return refuse("NEW_VIEW_LOCK_VIEW");
  if (certificate === undefined || !provesClaim(certificate, newView.height, highest))
    return refuse("NEW_VIEW_CERTIFICATE");
  const rival = viewChanges.find(
    ({ prepared }) => prepared?.view === highest.view && !bytesEqual(prepared.blockHash, highest.blockHash),
  );
  if (rival !== undefined) return refuse("NEW_VIEW_CERTIFICATE", "two blocks at the highest lock");
  if (!bytesEqual(newView.blockHash, highest.blockHash)) return refuse("NEW_VIEW_BLOCK");
  return accept(highest);
}

export function highestClaim(viewChanges: readonly SignedViewChange[]): PreparedClaim | undefined {
  let highest: PreparedClaim | undefined;
  for (const { prepared } of viewChanges) {
    if (prepared !== undefined && (highest === undefined || prepared.view > highest.view)) highest = prepared;
  }
  return highest;
}

/** Whether a certificate is one of PREPAREs for exactly this claim. Its signatures are judged elsewhere. */
export function provesClaim(certificate: Certificate, height: number, claim: PreparedClaim): boolean {
  return (
    certificate.height === height &&
    certificate.view === claim.view &&
    certificate.resultHash.length === 0 &&
    bytesEqual(certificate.blockHash, claim.blockHash)
  );
}

/** A certificate as the votes it is made of. @param signers indexes of its bitmap */
export function votesOf(certificate: Certificate, signers: readonly number[]): readonly Vote[] {
  const { height, view, blockHash, resultHash } = certificate;
  const kind = resultHash.length === 0 ? "prepare" : "commit";
  return signers.map((signer, place) => ({
    kind,
    height,
    view,
    blockHash,
    resultHash,
    signer,
    signature: certificate.signatures[place] ?? new Uint8Array(0),
  }));
}
