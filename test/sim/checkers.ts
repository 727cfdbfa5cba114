// The omniscient checkers: what no node may do, seen from outside. Each names the rule it guards.
// They keep what a node's crash forgets, and trust nothing a replica says about itself.

import type { ReplicaEffect } from "../../src/consensus/events.ts";
import { evidenceSubject, verifyEvidence } from "../../src/consensus/evidence.ts";
import type { ConsensusMessage } from "../../src/consensus/messages.ts";
import type { NewView, Suspicion } from "../../src/consensus/view-formats.ts";
import { verifyCertificate } from "../../src/ledger/certificate.ts";
import { bytesEqual, toHex } from "../../src/ledger/hash.ts";
import type { BatchReference } from "../../src/ledger/types.ts";
import type { StoredBlock } from "./chain.ts";
import { isRightfulNewView, isTrueSuspicion } from "./outside.ts";
import { isProposedBy, type KeyFacts, nameOf, ownPlaceOf, SignedPlaces } from "./signed-places.ts";
import type { SimNode } from "./sim-node.ts";
import type { World } from "./world.ts";

export class Checkers {
  viewsMax = 0;
  evidenceCount = 0;
  private readonly world: World;
  /** height -> block and result that somebody honest committed */
  private readonly committed = new Map<number, string>();
  private readonly places = new SignedPlaces();
  /** node:height:view -> block hash of the proposal that reached it from that view's primary */
  private readonly proposals = new Map<string, string>();
  private readonly references = new Map<string, readonly BatchReference[]>();
  private readonly sent = new WeakSet<Uint8Array>();
  /** height:view:block -> what its primary has called its right to propose it */
  private readonly newViews = new Map<string, readonly NewView[]>();
  /** offenders each node has named at a height */
  private readonly named = new Set<string>();
  /** when each node began the height or view it is in */
  private readonly beganAtMs = new Map<number, number>();
  private due: { readonly node: SimNode; readonly fact: string } | undefined;

  constructor(world: World) {
    this.world = world;
  }

  /** Agreement: one block and one result per height, certified by its validators. */
  observeCommit(node: SimNode, block: StoredBlock): void {
    const { world } = this;
    this.beganAtMs.set(node.index, world.timeline.nowMs);
    if (world.isLiar(node)) return;
    const { height } = block.proposal.header;
    const what = `${toHex(block.proposal.blockHash)}/${toHex(block.resultHash)}`;
    const before = this.committed.get(height) ?? what;
    if (before !== what) world.fail(`agreement: node ${node.index} committed ${what} at ${height}, another ${before}`);
    this.committed.set(height, what);
    const { certificate } = block;
    const validators = world.facts.validatorsAt(height);
    const verdict = verifyCertificate({
      certificate,
      chainId: world.facts.chainId,
      validators,
      verify: world.keys.verify,
    });
    const names =
      bytesEqual(certificate.blockHash, block.proposal.blockHash) &&
      bytesEqual(certificate.resultHash, block.resultHash);
    if (!verdict.ok || !names) world.fail(`certificate: node ${node.index} committed ${height} without a valid one`);
  }

  observeEffect(node: SimNode, effect: ReplicaEffect): void {
    const { world } = this;
    const isHonest = !world.config.faults.has(node.index);
    if (effect.kind === "halt" && isHonest) world.fail(`node ${node.index} halted: ${effect.code} ${effect.detail}`);
    if (effect.kind === "report") this.observeReport(node, effect);
    if (effect.kind !== "send") return;
    const message = world.read(effect.bytes);
    if (!message.ok) return world.fail(`node ${node.index} sent a frame it cannot read: ${message.code}`);
    this.keepReferences(message.value);
    if (effect.to === "all") this.observeOwnVote(node, message.value, effect.bytes);
  }

  private observeReport(node: SimNode, { report }: Extract<ReplicaEffect, { kind: "report" }>): void {
    const { world } = this;
    if (report.kind === "viewChanged") {
      this.viewsMax = Math.max(this.viewsMax, report.view);
      this.beganAtMs.set(node.index, world.timeline.nowMs);
      world.trace(`${world.timeline.nowMs} node ${node.index} enters ${report.height}.${report.view}`);
    }
    if (report.kind === "suspected") {
      world.trace(
        `${world.timeline.nowMs} node ${node.index} suspects ${report.height}.${report.view}: ${report.code}`,
      );
      if (report.code === "NO_PROGRESS" && report.height === node.height + 1) this.checkPatience(node, report.view);
    }
    if (report.kind !== "evidence") return;
    this.evidenceCount += 1;
    // The last words on a height may come when its block is committed already, and the next one has other validators.
    const subject = evidenceSubject(report.bytes);
    if (!subject.ok) return world.fail(`evidence: node ${node.index} reports what nobody can read: ${subject.code}`);
    const { height } = subject.value;
    this.named.add(`${node.index}:${height}:${report.offender}`);
    world.trace(`${world.timeline.nowMs} node ${node.index} proves ${report.rule} by ${report.offender.slice(0, 6)}`);
    const validators = world.facts.validatorsAt(height);
    const verdict = verifyEvidence({
      bytes: report.bytes,
      chainId: world.facts.chainId,
      validators,
      verify: world.keys.verify,
    });
    if (!verdict.ok) return world.fail(`evidence: node ${node.index} reports what proves nothing: ${verdict.code}`);
    const offender = world.nodes.find(({ key }) => key.hex === report.offender);
    if (offender === undefined || !world.isLiar(offender))
      world.fail(`evidence: ${report.rule} names honest node ${offender?.index}`);
  }

  /** S5: what leaves an honest node at one position is one frame for ever, and new ones only ever rise. */
  private observeOwnVote(node: SimNode, message: ConsensusMessage, frame: Uint8Array): void {
    const { world } = this;
    const place = ownPlaceOf(message, this.factsOf(node, message.height));
    if (place === undefined || world.isLiar(node)) return;
    const sent = this.places.noteSent(node.index, place, frame);
    if (sent === "again") return;
    if (sent !== "new") return world.fail(sent.fault);
    const name = nameOf(node.index, place);
    this.checkRight(node, message);
    if (message.kind === "viewChange" && !this.isTrueSuspicion(message.suspicion))
      world.fail(`suspicion: node ${node.index} follows one that q validators did not sign to ${name}`);
    const missing = this.referencesOf(message).filter(({ digest }) => !node.disk.batches.has(toHex(digest)));
    if (missing.length > 0) world.fail(`N9: node ${node.index} voted at ${name} without durable batches`);
  }

  private factsOf(node: SimNode, height: number): KeyFacts {
    const { facts, keys } = this.world;
    const { chainId } = facts;
    return { key: node.key.publicKey, chainId, validators: facts.validatorsAt(height), verify: keys.verify };
  }

  /** Everything that anybody sends, liars too. */
  observeSent(bytes: Uint8Array): void {
    if (this.sent.has(bytes)) return;
    this.sent.add(bytes);
    const message = this.world.read(bytes);
    if (!message.ok || message.value.kind !== "prePrepare" || message.value.newView === undefined) return;
    const { height, view, block, newView } = message.value;
    const name = `${height}:${view}:${toHex(block.proposal.blockHash)}`;
    this.newViews.set(name, [...(this.newViews.get(name) ?? []), newView.content]);
  }

  /** Above view 0 nothing is prepared without the right to it, whatever the primary claims. */
  private checkRight(node: SimNode, message: ConsensusMessage): void {
    const { height, view } = message;
    const hash = message.kind === "prepare" ? message.vote.blockHash : undefined;
    if (hash === undefined || view === 0) return;
    const { chainId, validatorsAt } = this.world.facts;
    const place = { chainId, validators: validatorsAt(height), verify: this.world.keys.verify };
    const claims = this.newViews.get(`${height}:${view}:${toHex(hash)}`) ?? [];
    if (claims.some((newView) => bytesEqual(newView.blockHash, hash) && isRightfulNewView({ ...place, newView })))
      return;
    this.world.fail(
      `NEW-VIEW: node ${node.index} prepares in ${height}.${view} what no quorum entitles anybody to propose`,
    );
  }

  private isTrueSuspicion(suspicion: Suspicion): boolean {
    const { chainId, validatorsAt } = this.world.facts;
    return isTrueSuspicion({
      chainId,
      validators: validatorsAt(suspicion.height),
      verify: this.world.keys.verify,
      suspicion,
    });
  }

  /** A primary has its time: nobody loses patience earlier than the shortest timeout after a height or view began. */
  private checkPatience(node: SimNode, view: number): void {
    const { timing, timeline, config } = this.world;
    const wholeMs = Math.min(timing.timeoutMsMin * 2 ** view, timing.timeoutMsCap);
    const hasCutLinks = config.partitions.some(({ isNoticed }) => isNoticed);
    const shortestMs = hasCutLinks
      ? Math.min(wholeMs, Math.max(timing.lostPrimaryMsMin, Math.floor(wholeMs / 8)))
      : wholeMs;
    const waitedMs = timeline.nowMs - (this.beganAtMs.get(node.index) ?? 0);
    if (waitedMs < shortestMs)
      this.world.fail(`patience: node ${node.index} suspects view ${view} after ${waitedMs} of ${shortestMs} ms`);
  }

  private keepReferences(message: ConsensusMessage): void {
    if (message.kind !== "prePrepare") return;
    const { blockHash, references } = message.block.proposal;
    this.references.set(toHex(blockHash), references);
  }

  private referencesOf(message: ConsensusMessage): readonly BatchReference[] {
    if (message.kind !== "prepare" && message.kind !== "commit")
      return message.kind === "prePrepare" ? message.block.proposal.references : [];
    return this.references.get(toHex(message.vote.blockHash)) ?? [];
  }

  /** An equivocating primary is named as soon as one honest replica in that view has both of its proposals. */
  beforeFrame(target: SimNode, from: SimNode, bytes: Uint8Array): void {
    this.due = undefined;
    const { world } = this;
    const message = world.isLiar(from) ? world.read(bytes) : undefined;
    if (message?.ok !== true || message.value.kind !== "prePrepare") return;
    const { height, view, block } = message.value;
    this.keepReferences(message.value);
    const status = target.replica?.status();
    const isInView =
      status?.height === height && status.view === view && view === 0 && status.waitingFor !== "the store";
    if (world.config.faults.has(target.index) || !isInView || status.primary !== from.key.hex) return;
    if (!isProposedBy(message.value, this.factsOf(from, height))) return;
    const place = `${target.index}:${target.life}:${height}`;
    const hash = toHex(block.proposal.blockHash);
    const before = this.proposals.get(place);
    this.proposals.set(place, before ?? hash);
    if (before !== undefined && before !== hash)
      this.due = { node: target, fact: `${target.index}:${height}:${from.key.hex}` };
  }

  afterFrame(target: SimNode): void {
    if (this.due?.node !== target || this.named.has(this.due.fact)) return;
    this.world.fail(`evidence: node ${target.index} saw both proposals of an equivocating primary and did not name it`);
  }

  /** What a node knew but had not saved it may forget. */
  forgetLife(node: SimNode): void {
    this.beganAtMs.set(node.index, this.world.timeline.nowMs);
    for (const fact of this.named) if (fact.startsWith(`${node.index}:`)) this.named.delete(fact);
  }
}
