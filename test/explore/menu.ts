// What can arrive, given what the honest have signed so far: their frames, certificates that anybody can make of them, and the
// liar's choices. The liar knows everything at once and signs whatever is on this bounded menu, as often as it likes.

import type { HeadFacts } from "../../src/consensus/events.ts";
import {
  encodeCertified,
  encodePrePrepare,
  encodeSuspicionMessage,
  encodeViewChange,
  encodeVote,
} from "../../src/consensus/messages.ts";
import { leadIndex, primaryIndex } from "../../src/consensus/positions.ts";
import {
  makeNewView,
  newViewSigningBytes,
  type PreparedClaim,
  type SignedViewChange,
  viewChangeSigningBytes,
} from "../../src/consensus/view-formats.ts";
import { makeCertificate } from "../../src/ledger/certificate.ts";
import { encodeCertificate, voteSigningBytes } from "../../src/ledger/format-vote.ts";
import { EMPTY_BYTES, fromHex, type Hash } from "../../src/ledger/hash.ts";
import type { Certificate, Vote } from "../../src/ledger/types.ts";
import { headOf } from "../sim/chain.ts";
import type { Bounds } from "./bounds.ts";
import { type Cast, type KnownBlock, REPLICAS } from "./cast.ts";
import { certifiable, HONEST_VOTES_NEEDED } from "./checks.ts";
import { claimName, type Frame, type Naming, type NewViewParts, newViewName, proofName, voteOf } from "./frames.ts";

/** One frame that may be delivered, to whom it makes a difference. */
export interface Delivery {
  readonly id: number;
  readonly name: string;
  readonly from: number;
  readonly bytes: Uint8Array;
  readonly height: number;
  readonly view: number;
  /** a certificate of commits, or a COMMIT: of use in any view */
  readonly isForAnyView: boolean;
  readonly to: readonly number[];
}

/** A lock as the liar may claim it, with or without what proves it. */
interface Claim {
  readonly prepared: PreparedClaim;
  readonly certificate: Certificate;
}

interface Place {
  readonly height: number;
  readonly view: number;
}

export class Menu {
  readonly deliveries: Delivery[] = [];
  private readonly byName = new Map<string, Delivery>();
  private readonly cast: Cast;
  private readonly bounds: Bounds;
  private readonly naming: Naming;
  private readonly everybody: readonly number[];

  constructor(cast: Cast, bounds: Bounds, naming: Naming) {
    this.naming = naming;
    this.cast = cast;
    this.bounds = bounds;
    this.everybody = Array.from({ length: REPLICAS }, (_, index) => index).filter((index) => index !== bounds.liar);
  }

  /** Everything that can be delivered when `pool` has been signed. */
  of(pool: readonly Frame[]): readonly number[] {
    const { viewMax } = this.bounds;
    return viewMax.flatMap((_, index) => {
      const height = index + 1;
      const head = this.headBelow(pool, height);
      return head === undefined ? [] : this.ofHeight(pool, head);
    });
  }

  private ofHeight(pool: readonly Frame[], head: HeadFacts): readonly number[] {
    const height = head.height + 1;
    const frames = pool.filter(({ message }) => message.height === height);
    const viewMax = this.bounds.viewMax[height - 1] ?? 0;
    const found: Delivery[] = [];
    for (let view = 0; view <= viewMax; view += 1) {
      const place = { height, view };
      if (view < viewMax) found.push(this.suspicion(place));
      found.push(...this.proposals(frames, head, view));
      if (view > 0) found.push(...this.viewChanges(frames, head, view));
      if (this.bounds.votes === "frame") found.push(...this.singleVotes(frames, head, view));
    }
    if (this.bounds.votes === "quorum") found.push(...this.certificates(frames, "prepare", height));
    if (this.bounds.votes === "quorum") found.push(...this.certificates(frames, "commit", height));
    return found.map(({ id }) => id);
  }

  /** @param parts.make the frame's bytes, made once per name */
  private add(
    parts: Omit<Delivery, "id" | "to" | "isForAnyView" | "bytes"> &
      Partial<Pick<Delivery, "to" | "isForAnyView">> & { readonly make: () => Uint8Array },
  ): Delivery {
    const known = this.byName.get(parts.name);
    if (known !== undefined) return known;
    const { name, from, height, view, isForAnyView = false } = parts;
    const to = (parts.to ?? this.everybody).filter((index) => index !== from);
    const delivery = { id: this.deliveries.length, name, from, bytes: parts.make(), height, view, isForAnyView, to };
    this.deliveries.push(delivery);
    this.byName.set(name, delivery);
    return delivery;
  }

  /** Facts of the head below `height`, as soon as a block there can be certified. */
  private headBelow(pool: readonly Frame[], height: number): HeadFacts | undefined {
    if (height === 1) return headOf(this.cast.facts, undefined);
    const frames = pool.filter(({ message }) => message.height === height - 1);
    const [decided] = certifiable(frames, "commit");
    const hash = decided && fromHex(decided.block);
    if (hash === undefined) return undefined;
    const { proposal, resultHash } = this.cast.block(hash as Hash);
    const { header, blockHash } = proposal;
    const { validators } = this.cast;
    const { proposer, timeMs, view: headerView } = header;
    const { parameters } = this.cast.facts;
    const facts = { blockHash, resultHash, proposer, headerView, timeMs, validators, parameters };
    return { ...facts, height: height - 1, certificateView: decided?.view ?? 0 };
  }

  private primary(head: HeadFacts, view: number): number {
    const { validators, parameters, proposer } = head;
    const lead = leadIndex({ height: head.height + 1, parentProposer: proposer, validators, parameters });
    return primaryIndex(lead, view, REPLICAS);
  }

  private suspicion({ height, view }: Place): Delivery {
    const suspicion = this.cast.suspicion(height, view);
    const name = `suspicion ${height}.${view}`;
    // Of use to whoever is below view + 1.
    return this.add({ name, from: this.bounds.liar, make: () => encodeSuspicionMessage(suspicion), height, view });
  }

  // ---- proposals ----

  private proposals(frames: readonly Frame[], head: HeadFacts, view: number): readonly Delivery[] {
    const height = head.height + 1;
    const { liar } = this.bounds;
    const honest = frames
      .filter(({ message }) => message.kind === "prePrepare" && message.view === view)
      .map(({ name, signer, bytes }) => this.add({ name, from: signer, make: () => bytes, height, view }));
    if (this.primary(head, view) !== liar) return honest;
    const own = [this.cast.propose(head, view, liar), this.cast.propose(head, view, liar, true)];
    if (view === 0) return [...honest, ...own.map((block) => this.proposal(head, view, block, undefined))];
    return [...honest, ...this.newViews(frames, head, view, own)];
  }

  /** Every NEW-VIEW that the rule allows with q VIEW-CHANGEs, and half-valid ones beside them. */
  private newViews(frames: readonly Frame[], head: HeadFacts, view: number, own: readonly KnownBlock[]): Delivery[] {
    const height = head.height + 1;
    const seen = frames.flatMap(({ message }) =>
      message.kind === "viewChange" && message.view === view ? [message] : [],
    );
    const honest = seen.map(({ viewChange, certificate }) => ({ viewChange, certificate }));
    const lies = [undefined, ...this.claims(frames, height, view)].map((claim) => ({
      viewChange: this.lyingViewChange({ height, view }, claim?.prepared),
      certificate: claim?.certificate,
    }));
    const pairs = honest.flatMap((one, index) => honest.slice(index + 1).map((other) => [one, other]));
    const quorums = [...pairs.flatMap((pair) => lies.map((lie) => [...pair, lie])), honest];
    const made: Delivery[] = [];
    for (const quorum of quorums) {
      if (quorum.length < this.cast.quorum) {
        // Too few: refused by everybody.
        const [first] = own;
        if (quorum.length > 0 && first !== undefined) made.push(this.newView(head, view, quorum, first, undefined));
        continue;
      }
      const highest = quorum.reduce((best, other) => (lockView(other) > lockView(best) ? other : best));
      const { prepared } = highest.viewChange;
      const named = prepared === undefined ? own : [this.cast.block(prepared.blockHash), ...own.slice(0, 1)];
      for (const block of named) made.push(this.newView(head, view, quorum, block, highest.certificate));
      // The lowest lock in place of the highest.
      const lowest = quorum.filter(({ viewChange }) => viewChange.prepared !== undefined).reduce(lower, highest);
      const claimed = lowest.viewChange.prepared;
      if (lowest !== highest && claimed !== undefined)
        made.push(this.newView(head, view, quorum, this.cast.block(claimed.blockHash), lowest.certificate));
    }
    return made;
  }

  private newView(
    head: HeadFacts,
    view: number,
    quorum: readonly { readonly viewChange: SignedViewChange }[],
    block: KnownBlock,
    certificate: Certificate | undefined,
  ): Delivery {
    const viewChanges = quorum.map(({ viewChange }) => viewChange);
    return this.proposal(head, view, block, { viewChanges, certificate });
  }

  private proposal(head: HeadFacts, view: number, block: KnownBlock, newView: NewViewParts | undefined): Delivery {
    const height = head.height + 1;
    const { liar } = this.bounds;
    const { blockHash } = block.proposal;
    const { chainId } = this.cast.facts;
    const { validatorsHash } = this.cast;
    const content = newView && makeNewView({ height, view, blockHash, ...newView });
    const make = () =>
      encodePrePrepare({
        height,
        view,
        proposalBytes: block.bytes,
        signature: this.vote("prepare", { height, view }, block).signature,
        newView:
          content === undefined
            ? undefined
            : {
                bytes: content.bytes,
                signature: this.cast.sign(
                  liar,
                  newViewSigningBytes({
                    chainId,
                    height,
                    view,
                    validatorsHash,
                    blockHash,
                    contentBytes: content.bytes,
                  }),
                ),
              },
        suspicionBytes: view === 0 ? undefined : this.cast.suspicion(height, view - 1).bytes,
      });
    const name = `liar prePrepare ${height}.${view} ${block.label}${newViewName(newView, this.naming)}`;
    return this.add({ name, from: liar, make, height, view });
  }

  // ---- view changes ----

  private viewChanges(frames: readonly Frame[], head: HeadFacts, view: number): readonly Delivery[] {
    const primary = this.primary(head, view);
    if (primary === this.bounds.liar) return [];
    const height = head.height + 1;
    const to = [primary];
    const honest = frames
      .filter(({ message }) => message.kind === "viewChange" && message.view === view)
      .map(({ name, signer, bytes }) => this.add({ name, from: signer, make: () => bytes, height, view, to }));
    const claims = this.claims(frames, height, view);
    const lies = [undefined, ...claims].map((claim) => this.lyingFrame({ height, view }, claim, to));
    return [...honest, ...lies];
  }

  /** Locks the liar can prove: with two honest PREPAREs its own makes a quorum. */
  private claims(frames: readonly Frame[], height: number, target: number): readonly Claim[] {
    return certifiable(frames, "prepare")
      .filter(({ view }) => view < target)
      .map(({ view, block }) => {
        const certificate = this.certificate(frames, { kind: "prepare", height, view, block });
        return { prepared: { view, blockHash: certificate.blockHash }, certificate };
      });
  }

  private lyingViewChange({ height, view }: Place, prepared: PreparedClaim | undefined): SignedViewChange {
    const { liar } = this.bounds;
    const { chainId } = this.cast.facts;
    const { validatorsHash } = this.cast;
    const signed = viewChangeSigningBytes({ chainId, height, targetView: view, validatorsHash, prepared });
    return { signer: liar, prepared, signature: this.cast.sign(liar, signed) };
  }

  private lyingFrame(place: Place, claim: Claim | undefined, to: readonly number[]): Delivery {
    const { height, view } = place;
    const viewChange = this.lyingViewChange(place, claim?.prepared);
    const make = () =>
      encodeViewChange({
        height,
        targetView: view,
        viewChange,
        certificateBytes: claim && encodeCertificate(claim.certificate),
        proposalBytes: claim && this.cast.block(claim.prepared.blockHash).bytes,
        suspicionBytes: this.cast.suspicion(height, view - 1).bytes,
      });
    const from = this.bounds.liar;
    const name = `liar viewChange ${height}.${view} ${claimName(viewChange)} ${proofName(claim?.certificate, this.naming)}`;
    return this.add({ name, from, make, height, view, to });
  }

  // ---- votes ----

  private certificates(frames: readonly Frame[], kind: Vote["kind"], height: number): readonly Delivery[] {
    const { liar } = this.bounds;
    return certifiable(frames, kind).map(({ view, block }) => {
      const certificate = this.certificate(frames, { kind, height, view, block });
      const { bytes, label } = this.cast.block(certificate.blockHash);
      const frame = kind === "prepare" ? "prepared" : "decided";
      const name = `${frame} ${height}.${view} ${label} ${proofName(certificate, this.naming)}`;
      const isForAnyView = kind === "commit";
      const make = () =>
        encodeCertified(frame, {
          height,
          view,
          proposalBytes: bytes,
          certificateBytes: encodeCertificate(certificate),
        });
      return this.add({ name, from: liar, make, height, view, isForAnyView });
    });
  }

  /** Of the liar and the first two honest voters. */
  private certificate(
    frames: readonly Frame[],
    { kind, height, view, block }: Place & { readonly kind: Vote["kind"]; readonly block: string },
  ): Certificate {
    const honest = frames
      .flatMap(({ message, signer }) => (message.kind === "viewChange" ? [] : [voteOf(message, signer)]))
      .filter((vote) => vote.kind === kind && vote.view === view && sameBlock(vote.blockHash, block))
      .sort((left, right) => left.signer - right.signer)
      .slice(0, HONEST_VOTES_NEEDED);
    const known = this.cast.block(fromHex(block) as Hash);
    const own = this.vote(kind, { height, view }, known);
    return makeCertificate({ ...own, validatorCount: REPLICAS, votes: [...honest, own] });
  }

  private vote(kind: Vote["kind"], { height, view }: Place, block: KnownBlock): Vote {
    const { liar } = this.bounds;
    const { blockHash } = block.proposal;
    const resultHash = kind === "commit" ? block.resultHash : EMPTY_BYTES;
    const { chainId } = this.cast.facts;
    const { validatorsHash } = this.cast;
    const signed = voteSigningBytes({ kind, chainId, height, view, validatorsHash, blockHash, resultHash });
    return { kind, height, view, blockHash, resultHash, signer: liar, signature: this.cast.sign(liar, signed) };
  }

  /** Each vote for itself; the liar votes for every block it knows. */
  private singleVotes(frames: readonly Frame[], head: HeadFacts, view: number): readonly Delivery[] {
    const height = head.height + 1;
    const honest = frames
      .filter(({ message }) => (message.kind === "prepare" || message.kind === "commit") && message.view === view)
      .map(({ name, signer, bytes, message }) =>
        this.add({ name, from: signer, make: () => bytes, height, view, isForAnyView: message.kind === "commit" }),
      );
    const proposed = new Set(frames.map(({ block }) => block).filter((block) => block !== ""));
    const lies = [...proposed].flatMap((hash) => {
      const block = this.cast.block(fromHex(hash) as Hash);
      return (["prepare", "commit"] as const).map((kind) => {
        const make = () => encodeVote(this.vote(kind, { height, view }, block));
        const name = `liar ${kind} ${height}.${view} ${block.label}`;
        return this.add({ name, from: this.bounds.liar, make, height, view, isForAnyView: kind === "commit" });
      });
    });
    return [...honest, ...lies];
  }
}

function sameBlock(hash: Hash, hex: string): boolean {
  return Buffer.from(hash).toString("hex") === hex;
}

function lockView({ viewChange }: { readonly viewChange: SignedViewChange }): number {
  return viewChange.prepared?.view ?? -1;
}

function lower<T extends { readonly viewChange: SignedViewChange }>(one: T, other: T): T {
  return lockView(other) < lockView(one) ? other : one;
}
