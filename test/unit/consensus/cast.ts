// Validators with keys, and everything they could sign at height 1: the material of the consensus tests.

import type { HeadFacts } from "../../../src/consensus/events.ts";
import type { EncodedProposal } from "../../../src/consensus/messages.ts";
import { emptyVoteRecord, type VoteRecord } from "../../../src/consensus/safety.ts";
import {
  makeNewView,
  makeSuspicion,
  type NewView,
  newViewSigningBytes,
  type PreparedClaim,
  type SignedSuspect,
  type SignedViewChange,
  type Suspicion,
  suspectSigningBytes,
  viewChangeSigningBytes,
} from "../../../src/consensus/view-formats.ts";
import { makeCertificate } from "../../../src/ledger/certificate.ts";
import { encodeProposal } from "../../../src/ledger/format-block.ts";
import { validatorsHashOf } from "../../../src/ledger/format-cluster.ts";
import { voteSigningBytes } from "../../../src/ledger/format-vote.ts";
import { EMPTY_BYTES, type Hash, hashTagged, toHex } from "../../../src/ledger/hash.ts";
import type { Certificate, Validator, Vote } from "../../../src/ledger/types.ts";
import { digestOf } from "../../scenarios/stage.ts";
import {
  buildProposal,
  type ChainFacts,
  headOf,
  inKeyOrder,
  type KeyPair,
  KeyRing,
  referenceTo,
  simParameters,
  simValidator,
} from "../../sim/chain.ts";

export const HEIGHT = 1;

export class Cast {
  readonly ring = new KeyRing();
  readonly chainId: Hash = hashTagged("GENESIS", new TextEncoder().encode("cast"));
  readonly validators: readonly Validator[];
  readonly validatorsHash: Hash;
  /** in key order, as the validators */
  readonly keys: readonly KeyPair[];
  readonly head: HeadFacts;
  private readonly facts: ChainFacts;

  constructor(count = 4) {
    const pairs = Array.from({ length: count }, (_, index) => this.ring.create(`cast ${index}`));
    this.validators = inKeyOrder(pairs.map(simValidator));
    this.validatorsHash = validatorsHashOf(this.validators);
    this.keys = this.validators.map(({ publicKey }) => pairs.find(({ hex }) => hex === toHex(publicKey)) as KeyPair);
    this.facts = { chainId: this.chainId, parameters: simParameters(1000), validatorsAt: () => this.validators };
    this.head = headOf(this.facts, undefined);
  }

  key(signer: number): KeyPair {
    return this.keys[signer] as KeyPair;
  }

  record(signer: number): VoteRecord {
    return emptyVoteRecord({ chainId: this.chainId, publicKey: this.key(signer).publicKey });
  }

  /** A block of height 1, proposed by primary(1, view). */
  block(name: string, view = 0): EncodedProposal {
    const proposer = this.key(view % this.keys.length).publicKey;
    const references = [referenceTo(digestOf(name), proposer)];
    const proposal = buildProposal(this.facts, this.head, { view, proposer, timeMs: 10, references });
    return { proposal, bytes: encodeProposal(proposal) };
  }

  result(name: string): Hash {
    return hashTagged("RESULT", new TextEncoder().encode(name));
  }

  place(): { readonly chainId: Hash; readonly height: number; readonly validatorsHash: Hash } {
    return { chainId: this.chainId, height: HEIGHT, validatorsHash: this.validatorsHash };
  }

  prepare(signer: number, view: number, blockHash: Hash): Vote {
    return this.vote({ kind: "prepare", view, blockHash, resultHash: EMPTY_BYTES, signer });
  }

  commit(signer: number, view: number, blockHash: Hash, resultHash: Hash): Vote {
    return this.vote({ kind: "commit", view, blockHash, resultHash, signer });
  }

  private vote(parts: Omit<Vote, "height" | "signature">): Vote {
    const signature = this.key(parts.signer).sign(voteSigningBytes({ ...parts, ...this.place() }));
    return { ...parts, height: HEIGHT, signature };
  }

  certificate(votes: readonly Vote[]): Certificate {
    const [first] = votes;
    if (first === undefined) throw new Error("a certificate needs votes");
    return makeCertificate({ ...first, validatorCount: this.validators.length, votes });
  }

  /** q PREPAREs (3 of 4 unless told) of that block. */
  prepared(view: number, blockHash: Hash, signers: readonly number[] = [0, 1, 2]): Certificate {
    return this.certificate(signers.map((signer) => this.prepare(signer, view, blockHash)));
  }

  suspect(signer: number, view: number, waitingFor: readonly Hash[] = []): SignedSuspect {
    return {
      signer,
      waitingFor,
      signature: this.key(signer).sign(suspectSigningBytes({ ...this.place(), view, waitingFor })),
    };
  }

  suspicion(view: number, signers: readonly number[] = [0, 1, 2]): Suspicion {
    return makeSuspicion(
      HEIGHT,
      view,
      signers.map((signer) => this.suspect(signer, view)),
    );
  }

  viewChange(signer: number, targetView: number, prepared?: PreparedClaim): SignedViewChange {
    const signature = this.key(signer).sign(viewChangeSigningBytes({ ...this.place(), targetView, prepared }));
    return { signer, prepared, signature };
  }

  newView(
    view: number,
    blockHash: Hash,
    viewChanges: readonly SignedViewChange[],
    certificate?: Certificate,
  ): { readonly content: NewView; readonly signature: Uint8Array } {
    const content = makeNewView({ height: HEIGHT, view, blockHash, viewChanges, certificate });
    const signed = newViewSigningBytes({ ...this.place(), view, blockHash, contentBytes: content.bytes });
    return { content, signature: this.key(view % this.keys.length).sign(signed) };
  }
}
