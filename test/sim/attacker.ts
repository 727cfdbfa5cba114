// A lying validator: it holds a real key, sees what is sent to it, and signs whatever might do harm.
// It can do everything the formats allow except forging the others' signatures.

import type { HeadFacts } from "../../src/consensus/events.ts";
import {
  type CertifiedMessage,
  type ConsensusMessage,
  type EncodedProposal,
  encodeCertified,
  encodePrePrepare,
  encodeSuspect,
  encodeSuspicionMessage,
  encodeViewChange,
  encodeVote,
  encodeWaiting,
  type ViewChangeMessage,
} from "../../src/consensus/messages.ts";
import { leadIndex, primaryIndex } from "../../src/consensus/positions.ts";
import {
  makeNewView,
  makeSuspicion,
  newViewSigningBytes,
  type PreparedClaim,
  type SignedSuspect,
  type SignedViewChange,
  type Suspicion,
  suspectSigningBytes,
  viewChangeSigningBytes,
} from "../../src/consensus/view-formats.ts";
import type { Verdict } from "../../src/errors.ts";
import { makeCertificate, quorumSize } from "../../src/ledger/certificate.ts";
import { encodeProposal } from "../../src/ledger/format-block.ts";
import { validatorsHashOf } from "../../src/ledger/format-cluster.ts";
import { encodeCertificate, voteSigningBytes } from "../../src/ledger/format-vote.ts";
import { bytesEqual, EMPTY_BYTES, type Hash, hashTagged, toHex } from "../../src/ledger/hash.ts";
import type { Certificate, Proposal, Validator, Vote } from "../../src/ledger/types.ts";
import type { Fault } from "./config.ts";
import type { Random } from "./random.ts";

/** Views an attacker bothers with: more take longer than a run lasts. */
const VIEWS_MAX = 6;
const REPLAYS_MAX = 40;

/** What it has gathered at one height. */
interface Loot {
  readonly height: number;
  readonly validators: readonly Validator[];
  readonly own: number;
  readonly lead: number;
  readonly blocks: Map<string, EncodedProposal>;
  /** view:hash -> votes by signer */
  readonly prepares: Map<string, Map<number, Vote>>;
  readonly certificates: Certificate[];
  readonly suspects: Map<number, Map<number, SignedSuspect>>;
  readonly suspicions: Map<number, Suspicion>;
  readonly viewChanges: Map<number, Map<number, ViewChangeMessage>>;
  /** view:variant -> what it has proposed there */
  readonly proposed: Map<string, EncodedProposal>;
}

/** The machine a liar sits on: what it sees there, and what it can send from it. */
export interface Den {
  readonly random: Random;
  readonly chainId: Hash;
  readonly key: { readonly publicKey: Uint8Array; sign(message: Uint8Array): Uint8Array };
  readonly isCalm: boolean;
  readonly isUp: boolean;
  /** proposes the same block again where others make a new one each time: who contradicts itself is suspected before its lie can do harm */
  readonly isPatient: boolean;
  readonly clockMs: number;
  readonly head: HeadFacts;
  /** numbers of all other nodes */
  readonly others: readonly number[];
  after(delayMs: number, run: () => void): void;
  read(bytes: Uint8Array): Verdict<ConsensusMessage>;
  send(to: number, bytes: Uint8Array): void;
  /** batches that wait for a block */
  knownDigests(): Hash[];
  /** a block of some of them, or of worse; undefined when there is nothing to make it of */
  buildProposal(parts: { readonly view: number; readonly timeMs: number }): Proposal | undefined;
  /** what executing that block gives, as far as it can be told here */
  resultOf(proposal: Proposal): Hash;
}

export class Attacker {
  private readonly den: Den;
  private readonly fault: Fault;
  private readonly random: Random;
  private loot: Loot | undefined;
  private readonly replays: Uint8Array[] = [];

  constructor(den: Den, fault: Fault) {
    this.den = den;
    this.fault = fault;
    this.random = den.random;
  }

  start(): void {
    if (this.fault !== "silent") this.actLater();
  }

  private actLater(): void {
    // In calm it slows down, so that a run ends: the honest must get through between two lies anyway.
    this.den.after(this.random.between(4, this.den.isCalm ? 250 : 50), () => {
      if (this.den.isUp) this.act();
      this.actLater();
    });
  }

  observe(bytes: Uint8Array): void {
    const decoded = this.den.read(bytes);
    const loot = this.currentLoot();
    if (!decoded.ok || loot === undefined || decoded.value.height !== loot.height) return;
    if (this.replays.length < REPLAYS_MAX) this.replays.push(bytes);
    else this.replays[this.random.below(REPLAYS_MAX)] = bytes;
    gather(loot, decoded.value);
    // Being helpful to some at the right moment splits the honest best.
    if (decoded.value.kind === "prePrepare" && this.random.chance(600)) this.vote(loot, "prepare", decoded.value.view);
    if (decoded.value.kind === "prepare" && this.random.chance(300)) this.vote(loot, "commit", decoded.value.view);
  }

  private currentLoot(): Loot | undefined {
    const { head } = this.den;
    const height = head.height + 1;
    if (this.loot?.height === height) return this.loot;
    const { validators, proposer, parameters } = head;
    const own = validators.findIndex(({ publicKey }) => bytesEqual(publicKey, this.den.key.publicKey));
    if (own < 0) return undefined;
    this.loot = {
      height,
      validators,
      own,
      lead: leadIndex({ height, parentProposer: proposer, validators, parameters }),
      blocks: new Map(),
      prepares: new Map(),
      certificates: [],
      suspects: new Map(),
      suspicions: new Map(),
      viewChanges: new Map(),
      proposed: new Map(),
    };
    return this.loot;
  }

  // ---- acts ----

  private act(): void {
    const loot = this.currentLoot();
    if (loot === undefined) return;
    const view = this.likelyView(loot);
    if (this.isPrimary(loot, view) && this.random.chance(700)) this.propose(loot, view);
    if (this.fault === "liar" && this.random.chance(150)) return this.relabel(loot);
    const roll = this.random.below(10);
    if (this.fault === "spammer" && roll < 6) return this.spam(loot);
    if (roll < 3) this.vote(loot, "prepare", view);
    else if (roll < 5) this.vote(loot, "commit", view);
    else if (roll < 6) this.suspect(loot, view);
    else if (roll < 9) this.changeView(loot, view + this.random.below(2));
    else this.spam(loot);
  }

  /** Mostly the highest view it has heard of, sometimes another. */
  private likelyView(loot: Loot): number {
    const known = Math.max(-1, ...loot.suspicions.keys()) + 1;
    return this.random.chance(800) ? Math.min(known, VIEWS_MAX) : this.random.below(VIEWS_MAX);
  }

  private isPrimary(loot: Loot, view: number): boolean {
    return primaryIndex(loot.lead, view, loot.validators.length) === loot.own;
  }

  private targets(): readonly number[] {
    const { others } = this.den;
    return this.random.chance(200) ? others : others.filter(() => this.random.chance(500));
  }

  private send(bytes: Uint8Array, targets: readonly number[] = this.targets()): void {
    for (const target of targets) this.den.send(target, bytes);
  }

  private propose(loot: Loot, view: number): void {
    const first = this.proposal(loot, view, 0);
    const second = this.fault === "equivocator" || this.random.chance(200) ? this.proposal(loot, view, 1) : undefined;
    const others = this.random.shuffled(this.den.others);
    const split = this.random.below(others.length + 1);
    if (first !== undefined)
      this.send(
        first,
        this.fault === "withholder" ? others.slice(0, split) : second === undefined ? others : others.slice(0, split),
      );
    // Overlapping by one now and then: who gets both can prove it.
    if (second !== undefined) this.send(second, others.slice(Math.max(0, split - this.random.below(2))));
    if (first !== undefined && this.random.chance(500)) this.pushThrough(loot, view, first);
  }

  /** Helps its own proposal to a quorum as well as it can: a lie about locks does harm only when its block is committed. */
  private pushThrough(loot: Loot, view: number, frame: Uint8Array): void {
    const message = this.den.read(frame);
    if (!message.ok || message.value.kind !== "prePrepare") return;
    const { proposal } = message.value.block;
    const { blockHash } = proposal;
    const resultHash = this.den.resultOf(proposal);
    const commit = encodeVote(this.signVote(loot, { kind: "commit", view, blockHash, resultHash }));
    for (const delayMs of [0, 100, 300])
      this.den.after(delayMs, () => {
        if (this.den.isUp) this.send(delayMs === 100 ? frame : commit, this.den.others);
      });
  }

  /** A PRE-PREPARE, in a view above 0 with the most harmful NEW-VIEW the loot allows. */
  private proposal(loot: Loot, view: number, variant: number): Uint8Array | undefined {
    const { head } = this.den;
    const fresh = (): EncodedProposal | undefined => {
      const known = loot.proposed.get(`${view}:${variant}`);
      if (this.den.isPatient && known !== undefined) return known;
      const timeMs =
        Math.max(head.timeMs + 1, this.den.clockMs) +
        variant +
        (this.random.chance(100) ? this.random.between(-6000, 6000) : 0);
      const proposal = this.den.buildProposal({ view, timeMs: Math.max(1, timeMs) });
      if (proposal === undefined) return undefined;
      const made = { proposal, bytes: encodeProposal(proposal) };
      loot.proposed.set(`${view}:${variant}`, made);
      return made;
    };
    if (view === 0) {
      const block = fresh();
      return block && this.prePrepare(loot, view, block, undefined);
    }
    const suspicion = this.suspicionOf(loot, view - 1);
    const messages = this.viewChangesFor(loot, view);
    if (suspicion === undefined) return undefined;
    const forged = this.forgeViewChange(loot, view);
    const chosen = this.chooseViewChanges(
      loot,
      forged.viewChange,
      messages.map(({ viewChange }) => viewChange),
    );
    const highest = chosen.reduce<PreparedClaim | undefined>(
      (best, { prepared }) =>
        prepared !== undefined && (best === undefined || prepared.view > best.view) ? prepared : best,
      undefined,
    );
    const isBreaking = this.fault === "liar" ? this.random.chance(400) : this.random.chance(30);
    const locked = highest === undefined || isBreaking ? undefined : loot.blocks.get(toHex(highest.blockHash));
    const block = locked ?? (highest === undefined || isBreaking ? fresh() : undefined);
    if (block === undefined) return undefined;
    const certificate =
      highest &&
      [forged.certificate, ...messages.map((message) => message.certificate)].find((one) => one?.view === highest.view);
    const { blockHash } = block.proposal;
    const content = makeNewView({ height: loot.height, view, blockHash, viewChanges: chosen, certificate });
    return this.prePrepare(loot, view, block, { bytes: content.bytes, blockHash });
  }

  /** Those of this view; now and then of any view, as if they had been signed for this one. */
  private viewChangesFor(loot: Loot, view: number): readonly ViewChangeMessage[] {
    const isMixed = this.fault === "liar" && this.random.chance(300);
    const views = isMixed ? [...loot.viewChanges.keys()] : [view];
    const messages = this.random.shuffled(views.flatMap((one) => [...(loot.viewChanges.get(one)?.values() ?? [])]));
    return [...new Map(messages.map((message) => [message.viewChange.signer, message])).values()];
  }

  /** Honest ones mostly; a liar prefers those without locks, takes too few of them, or fills up with itself. */
  private chooseViewChanges(
    loot: Loot,
    own: SignedViewChange,
    seen: readonly SignedViewChange[],
  ): readonly SignedViewChange[] {
    const quorum = quorumSize(loot.validators.length);
    const others = seen.filter(({ signer }) => signer !== loot.own);
    if (this.random.chance(500))
      others.sort((left, right) => (left.prepared?.view ?? -1) - (right.prepared?.view ?? -1));
    if (this.fault !== "liar" || this.random.chance(400)) return [own, ...others].slice(0, quorum);
    const few = [own, ...others].slice(0, this.random.between(1, quorum - 1));
    const absent = loot.validators
      .map((_, signer) => ({ signer, prepared: undefined, signature: this.random.bytes(64) }))
      .filter(({ signer }) => few.every((one) => one.signer !== signer));
    switch (this.random.below(3)) {
      case 0:
        return few;
      case 1:
        return [...few, ...Array.from({ length: quorum - few.length }, () => own)];
      default:
        return [...few, ...absent.slice(0, quorum - few.length)];
    }
  }

  private prePrepare(
    loot: Loot,
    view: number,
    block: EncodedProposal,
    newView: { bytes: Uint8Array; blockHash: Hash } | undefined,
  ): Uint8Array {
    loot.blocks.set(toHex(block.proposal.blockHash), block);
    const { height } = loot;
    const place = this.place(loot);
    const signature = this.signVote(loot, {
      kind: "prepare",
      view,
      blockHash: block.proposal.blockHash,
      resultHash: EMPTY_BYTES,
    }).signature;
    const signed = newView && {
      bytes: newView.bytes,
      signature: this.den.key.sign(
        newViewSigningBytes({ ...place, view, blockHash: newView.blockHash, contentBytes: newView.bytes }),
      ),
    };
    const suspicionBytes = view === 0 ? undefined : this.suspicionOf(loot, view - 1)?.bytes;
    return encodePrePrepare({ height, view, proposalBytes: block.bytes, signature, newView: signed, suspicionBytes });
  }

  private vote(loot: Loot, kind: Vote["kind"], view: number): void {
    const blocks = [...loot.blocks.values()];
    if (blocks.length === 0) return;
    const { proposal } = this.random.pick(blocks);
    const { blockHash } = proposal;
    const right = this.den.resultOf(proposal);
    const resultHash =
      kind === "prepare"
        ? EMPTY_BYTES
        : this.random.chance(850)
          ? right
          : hashTagged("RESULT", Uint8Array.of(this.random.below(3)));
    this.send(encodeVote(this.signVote(loot, { kind, view, blockHash, resultHash })));
  }

  private signVote(loot: Loot, parts: Pick<Vote, "kind" | "view" | "blockHash" | "resultHash">): Vote {
    const { height, own } = loot;
    const signature = this.den.key.sign(voteSigningBytes({ ...parts, ...this.place(loot) }));
    const vote: Vote = { ...parts, height, signer: own, signature };
    if (parts.kind === "prepare") keep(loot.prepares, `${parts.view}:${toHex(parts.blockHash)}`, own, vote);
    return vote;
  }

  private suspect(loot: Loot, view: number): void {
    const waitingFor = this.random.chance(500) ? [this.random.bytes(32)] : this.den.knownDigests().slice(0, 2);
    const signature = this.den.key.sign(suspectSigningBytes({ ...this.place(loot), view, waitingFor }));
    const suspect = { signer: loot.own, waitingFor, signature };
    keep(loot.suspects, view, loot.own, suspect);
    this.send(encodeSuspect(loot.height, view, suspect));
    const suspicion = this.suspicionOf(loot, view);
    if (suspicion !== undefined && this.random.chance(300)) this.send(encodeSuspicionMessage(suspicion));
  }

  private changeView(loot: Loot, view: number): void {
    const suspicion = view === 0 ? undefined : this.suspicionOf(loot, view - 1);
    if (suspicion === undefined) return;
    const { viewChange, certificate } = this.forgeViewChange(loot, view);
    const block = viewChange.prepared && loot.blocks.get(toHex(viewChange.prepared.blockHash));
    const bytes = encodeViewChange({
      height: loot.height,
      targetView: view,
      viewChange,
      certificateBytes: certificate && encodeCertificate(certificate),
      proposalBytes: block?.bytes,
      suspicionBytes: suspicion.bytes,
    });
    this.send(bytes);
  }

  /** Claims no lock, or any lock for which a real certificate can be had, whatever it committed itself. */
  private forgeViewChange(
    loot: Loot,
    targetView: number,
  ): { readonly viewChange: SignedViewChange; readonly certificate: Certificate | undefined } {
    const forged = this.fault === "liar" && this.random.chance(200) ? this.forgedCertificate(loot, true) : undefined;
    const usable = [...(forged === undefined ? this.certificates(loot) : [forged.certificate])].filter(
      (one) => one.view < targetView && loot.blocks.has(toHex(one.blockHash)),
    );
    const certificate = usable.length === 0 || this.random.chance(400) ? undefined : this.random.pick(usable);
    const prepared = certificate && { view: certificate.view, blockHash: certificate.blockHash };
    const signature = this.den.key.sign(viewChangeSigningBytes({ ...this.place(loot), targetView, prepared }));
    return { viewChange: { signer: loot.own, prepared, signature }, certificate };
  }

  /** Prepared certificates seen, and those its own PREPARE completes. */
  private certificates(loot: Loot): readonly Certificate[] {
    const { validators, own, height } = loot;
    const made = [...loot.prepares].flatMap(([place, votes]) => {
      const sample = [...votes.values()][0] as Vote;
      if (!votes.has(own)) keep(loot.prepares, place, own, this.signVote(loot, sample));
      if (votes.size < quorumSize(validators.length)) return [];
      return [makeCertificate({ ...sample, height, validatorCount: validators.length, votes: [...votes.values()] })];
    });
    return [...loot.certificates, ...made];
  }

  private suspicionOf(loot: Loot, view: number): Suspicion | undefined {
    const known = loot.suspicions.get(view);
    const suspects = loot.suspects.get(view);
    if (known !== undefined || suspects === undefined) return known;
    if (suspects.size < quorumSize(loot.validators.length)) return undefined;
    const made = makeSuspicion(loot.height, view, [...suspects.values()]);
    loot.suspicions.set(view, made);
    return made;
  }

  /** Rubbish, damaged frames, old frames, frames of far heights and views. */
  private spam(loot: Loot): void {
    const replay = this.replays.length === 0 ? undefined : this.random.pick(this.replays);
    switch (this.random.below(10)) {
      case 5:
        return this.forgeCertificate(loot);
      case 6:
        return this.forgeSuspicion(loot);
      case 7:
        return this.forgeVotes(loot);
      case 8:
        return this.relabel(loot);
      case 9:
        return this.suspectAlone(loot);
      case 0:
        return this.send(this.random.bytes(this.random.below(200)));
      case 1:
        return this.send(
          encodeWaiting(
            1 + this.random.below(loot.height + 3),
            this.random.below(9),
            this.random.chance(500) ? [this.random.bytes(32)] : this.den.knownDigests().slice(0, 2),
          ),
        );
      case 2: {
        if (replay === undefined) return;
        const damaged = replay.slice(0, this.random.chance(300) ? this.random.below(replay.length) : replay.length);
        if (damaged.length > 0) damaged[this.random.below(damaged.length)] = this.random.next() & 0xff;
        return this.send(damaged);
      }
      case 3: {
        const vote = this.signVote(loot, {
          kind: "prepare",
          view: this.random.below(1000),
          blockHash: this.random.bytes(32),
          resultHash: EMPTY_BYTES,
        });
        return this.send(encodeVote({ ...vote, height: loot.height + this.random.below(3) }));
      }
      default:
        if (replay !== undefined) this.send(replay);
    }
  }

  /** A certificate in the others' names, with its block: what a replica that counts and does not verify would believe. */
  private forgeCertificate(loot: Loot): void {
    const isPrepared = this.random.chance(500);
    const forged = this.forgedCertificate(loot, isPrepared);
    if (forged === undefined) return;
    const { certificate, block } = forged;
    const { height, view } = certificate;
    const parts = { height, view, proposalBytes: block.bytes, certificateBytes: encodeCertificate(certificate) };
    this.send(encodeCertified(isPrepared ? "prepared" : "decided", parts));
    if (isPrepared) loot.certificates.push(certificate);
  }

  private forgedCertificate(
    loot: Loot,
    isPrepared: boolean,
  ): { readonly certificate: Certificate; readonly block: EncodedProposal } | undefined {
    const blocks = [...loot.blocks.values()];
    if (blocks.length === 0) return undefined;
    const block = this.random.pick(blocks);
    const { height } = loot;
    const view = this.random.below(3);
    const { blockHash } = block.proposal;
    const resultHash = isPrepared ? EMPTY_BYTES : this.den.resultOf(block.proposal);
    const votes = loot.validators.map((_, signer) => ({ signer, signature: this.random.bytes(64) }));
    const certificate = makeCertificate({
      height,
      view,
      blockHash,
      resultHash,
      validatorCount: loot.validators.length,
      votes,
    });
    return { certificate, block };
  }

  private forgeSuspicion(loot: Loot): void {
    const view = this.random.below(4);
    const suspects = loot.validators.map((_, signer) => ({ signer, waitingFor: [], signature: this.random.bytes(64) }));
    this.send(encodeSuspicionMessage(makeSuspicion(loot.height, view, suspects)));
    for (const suspect of suspects) this.send(encodeSuspect(loot.height, view, suspect));
  }

  /** Votes in the others' names for one block. */
  private forgeVotes(loot: Loot): void {
    const blocks = [...loot.blocks.values()];
    if (blocks.length === 0) return;
    const { proposal } = this.random.pick(blocks);
    const { blockHash } = proposal;
    const kind = this.random.pick(["prepare", "commit"] as const);
    const resultHash = kind === "prepare" ? EMPTY_BYTES : this.den.resultOf(proposal);
    const { height } = loot;
    const view = this.random.below(3);
    for (const signer of loot.validators.keys()) {
      const vote = { kind, height, view, blockHash, resultHash, signer, signature: this.random.bytes(64) };
      if (signer !== loot.own) this.send(encodeVote(vote));
    }
  }

  /** What somebody signed in one view, handed to everybody as if it had been signed in another. */
  private relabel(loot: Loot): void {
    const { others } = this.den;
    const votes = [...loot.prepares.values()].flatMap((signed) => [...signed.values()]);
    if (votes.length > 0 && this.random.chance(500)) {
      const vote = this.random.pick(votes);
      return this.send(encodeVote({ ...vote, view: this.random.pick([vote.view + 1, this.random.below(4)]) }), others);
    }
    const messages = [...loot.viewChanges.values()].flatMap((signed) => [...signed.values()]);
    if (messages.length === 0) return;
    const { view: signedView, viewChange, certificate, block } = this.random.pick(messages);
    const view = this.random.pick([signedView + 1, 1 + this.random.below(3)]);
    const suspicion = this.suspicionOf(loot, view - 1);
    if (suspicion === undefined) return;
    const bytes = encodeViewChange({
      height: loot.height,
      targetView: view,
      viewChange,
      certificateBytes: certificate && encodeCertificate(certificate),
      proposalBytes: block?.bytes,
      suspicionBytes: suspicion.bytes,
    });
    this.send(bytes, others);
  }

  /** A suspicion of too few: its own alone, or its own as often as a quorum has members. */
  private suspectAlone(loot: Loot): void {
    const view = this.likelyView(loot);
    const signature = this.den.key.sign(suspectSigningBytes({ ...this.place(loot), view, waitingFor: [] }));
    const count = this.random.chance(500) ? 1 : quorumSize(loot.validators.length);
    const suspects = Array.from({ length: count }, () => ({ signer: loot.own, waitingFor: [], signature }));
    this.send(encodeSuspicionMessage(makeSuspicion(loot.height, view, suspects)));
  }

  private place(loot: Loot): { readonly chainId: Hash; readonly height: number; readonly validatorsHash: Hash } {
    return {
      chainId: this.den.chainId,
      height: loot.height,
      validatorsHash: validatorsHashOf(loot.validators),
    };
  }
}

function gather(loot: Loot, message: ConsensusMessage): void {
  switch (message.kind) {
    case "prePrepare":
      loot.blocks.set(toHex(message.block.proposal.blockHash), message.block);
      if (message.suspicion !== undefined) loot.suspicions.set(message.suspicion.view, message.suspicion);
      return;
    case "prepare":
      // Spam names signers that nobody has: a certificate cannot hold them.
      if (message.vote.signer >= loot.validators.length) return;
      keep(loot.prepares, `${message.view}:${toHex(message.vote.blockHash)}`, message.vote.signer, message.vote);
      return;
    case "suspect":
      if (message.suspect.signer >= loot.validators.length) return;
      keep(loot.suspects, message.view, message.suspect.signer, message.suspect);
      return;
    case "suspicion":
      loot.suspicions.set(message.suspicion.view, message.suspicion);
      return;
    case "viewChange":
      keep(loot.viewChanges, message.view, message.viewChange.signer, message);
      loot.suspicions.set(message.suspicion.view, message.suspicion);
      if (message.block !== undefined) loot.blocks.set(toHex(message.block.proposal.blockHash), message.block);
      if (message.certificate !== undefined) loot.certificates.push(message.certificate);
      return;
    case "prepared":
      gatherPrepared(loot, message);
      return;
    default:
      return;
  }
}

function gatherPrepared(loot: Loot, message: CertifiedMessage): void {
  loot.blocks.set(toHex(message.block.proposal.blockHash), message.block);
  if (loot.certificates.length < REPLAYS_MAX) loot.certificates.push(message.certificate);
}

function keep<Place, T>(map: Map<Place, Map<number, T>>, place: Place, signer: number, value: T): void {
  const inner = map.get(place) ?? new Map<number, T>();
  if (!inner.has(signer)) inner.set(signer, value);
  map.set(place, inner);
}
