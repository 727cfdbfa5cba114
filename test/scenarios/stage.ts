// A stage for scripted scenes: real replicas and the real signer's rules, every delivery and answer in the script's hand.
// Answers effects at once unless told to hold them; writes down what happens, one line each.

import { unreachable } from "../../src/assert.ts";
import type { HeadFacts, ReplicaEffect, ReplicaEvent, Report, TimerKind } from "../../src/consensus/events.ts";
import { DEFAULT_TIMING, type Timing } from "../../src/consensus/limits.ts";
import { type ConsensusMessage, decodeMessage, encodeDecided, encodePrePrepare } from "../../src/consensus/messages.ts";
import { Replica } from "../../src/consensus/replica.ts";
import {
  authorise,
  decodeVoteRecord,
  emptyVoteRecord,
  encodeVoteRecord,
  type SigningRequest,
  type VoteRecord,
} from "../../src/consensus/safety.ts";
import { encodeProposal } from "../../src/ledger/format-block.ts";
import { validatorsHashOf } from "../../src/ledger/format-cluster.ts";
import { voteSigningBytes } from "../../src/ledger/format-vote.ts";
import { EMPTY_BYTES, type Hash, hashTagged, toHex, ZERO_HASH } from "../../src/ledger/hash.ts";
import type { Proposal, Validator } from "../../src/ledger/types.ts";
import {
  buildProposal,
  type ChainFacts,
  execute,
  headOf,
  inKeyOrder,
  type KeyPair,
  KeyRing,
  referenceTo,
  type StoredBlock,
  simParameters,
  simValidator,
} from "../sim/chain.ts";

/** The clock of every actor when a frame lands. */
export const ARRIVED_MS = 1_000;

export type EffectOf<Kind extends ReplicaEffect["kind"]> = Extract<ReplicaEffect, { kind: Kind }>;

export interface Actor {
  readonly index: number;
  readonly key: KeyPair;
  replica: Replica;
  record: VoteRecord;
  readonly blocks: StoredBlock[];
  /** names of the work it knows */
  work: string[];
  readonly held: ReplicaEffect[];
  readonly holds: Set<ReplicaEffect["kind"]>;
  timers: EffectOf<"setTimer">[];
  readonly reports: Report[];
  /** what it kept of the heights it has left */
  readonly trails: Uint8Array[];
  halted: string | undefined;
  isUp: boolean;
}

interface Flight {
  readonly from: number;
  readonly to: number;
  readonly bytes: Uint8Array;
}

export class Stage {
  readonly keys = new KeyRing();
  readonly facts: ChainFacts;
  readonly actors: Actor[];
  readonly lines: string[] = [];
  readonly timing: Timing;
  /** frames under way, oldest first */
  flights: Flight[] = [];
  private readonly cuts = new Set<string>();
  private readonly names = new Map<string, string>();

  constructor(options: { readonly count?: number; readonly rotationHeights?: number; readonly timing?: Timing } = {}) {
    const count = options.count ?? 4;
    this.timing = options.timing ?? DEFAULT_TIMING;
    const pairs = Array.from({ length: count }, (_, index) => this.keys.create(`stage ${index}`));
    const validators = inKeyOrder(pairs.map(simValidator));
    this.facts = {
      chainId: hashTagged("GENESIS", new TextEncoder().encode("stage")),
      parameters: simParameters(options.rotationHeights ?? 1000),
      validatorsAt: () => validators,
    };
    const keyOf = (validator: Validator) => pairs.find(({ hex }) => hex === toHex(validator.publicKey)) as KeyPair;
    this.actors = validators.map((validator, index) => this.createActor(index, keyOf(validator)));
  }

  private createActor(index: number, key: KeyPair): Actor {
    const record = emptyVoteRecord({ chainId: this.facts.chainId, publicKey: key.publicKey });
    return {
      index,
      key,
      replica: this.createReplica(key, record, headOf(this.facts, undefined)),
      record,
      blocks: [],
      work: [],
      held: [],
      holds: new Set(),
      timers: [],
      reports: [],
      trails: [],
      halted: undefined,
      isUp: true,
    };
  }

  private createReplica(key: KeyPair, record: VoteRecord, head: HeadFacts): Replica {
    const { facts, keys, timing } = this;
    const place = { chainId: facts.chainId, verify: keys.verify, timing };
    return new Replica({ ...place, ownKey: key.publicKey, head, record, speaks: () => true });
  }

  actor(index: number): Actor {
    const actor = this.actors[index];
    if (actor === undefined) throw new Error(`no actor ${index}`);
    return actor;
  }

  headOf(actor: Actor): HeadFacts {
    return headOf(this.facts, actor.blocks.at(-1));
  }

  note(comment: string): void {
    this.lines.push(`# ${comment}`);
  }

  // ---- what the script does ----

  start(): void {
    for (const actor of this.actors) this.step(actor, { kind: "started" });
    this.flights = [];
  }

  /** Tells these actors (default all) of a batch of that name. */
  offer(name: string, to: readonly number[] = this.actors.map(({ index }) => index)): void {
    for (const index of to) {
      const actor = this.actor(index);
      actor.work.push(name);
      this.tellWork(actor);
    }
  }

  cut(from: number, to: number): void {
    this.cuts.add(`${from}>${to}`);
  }

  cutOff(index: number): void {
    for (const other of this.actors) {
      this.cut(index, other.index);
      this.cut(other.index, index);
    }
  }

  heal(): void {
    this.cuts.clear();
  }

  /** Delivers everything, also what follows from it, until nothing is under way. */
  run(): void {
    for (let flight = this.flights.shift(); flight !== undefined; flight = this.flights.shift()) this.land(flight);
  }

  /** Delivers what is under way now and fits; the rest stays. */
  deliver(fits: (message: ConsensusMessage, flight: Flight) => boolean): void {
    const now = this.flights;
    this.flights = [];
    const rest: Flight[] = [];
    for (const flight of now) {
      if (fits(read(flight.bytes), flight)) this.land(flight);
      else rest.push(flight);
    }
    this.flights = [...rest, ...this.flights];
  }

  /** Loses what is under way. */
  lose(): void {
    this.flights = [];
  }

  hand(to: number, from: number, bytes: Uint8Array): void {
    this.land({ from, to, bytes });
  }

  /** Fires the newest timer of that kind. */
  fire(index: number, kind: TimerKind): void {
    const actor = this.actor(index);
    const effect = actor.timers.findLast(({ timer }) => timer.kind === kind);
    if (effect === undefined) throw new Error(`actor ${index} has no ${kind} timer`);
    actor.timers = actor.timers.filter((other) => other !== effect);
    this.say(actor, `timer ${kind} ${effect.timer.height}.${effect.timer.view}`);
    this.step(actor, { kind: "timerFired", timer: effect.timer });
  }

  /** Both halves of the wait for progress are over. */
  losePatience(index: number): void {
    this.fire(index, "spread");
    this.fire(index, "progress");
  }

  /** Answers the held effects of that kind, oldest first. */
  release(index: number, kind: ReplicaEffect["kind"]): void {
    const actor = this.actor(index);
    actor.holds.delete(kind);
    const due = actor.held.filter((effect) => effect.kind === kind);
    for (const effect of due) {
      actor.held.splice(actor.held.indexOf(effect), 1);
      this.perform(actor, effect);
    }
  }

  /** Power off: what was held is lost, the record and the blocks are not. */
  crash(index: number): void {
    const actor = this.actor(index);
    actor.isUp = false;
    actor.held.length = 0;
    actor.timers = [];
    actor.work = [];
    this.flights = this.flights.filter(({ to }) => to !== index);
    this.say(actor, "loses power");
  }

  restart(index: number): void {
    const actor = this.actor(index);
    const decoded = decodeVoteRecord(encodeVoteRecord(actor.record));
    if (!decoded.ok) throw new Error(decoded.code);
    actor.isUp = true;
    actor.replica = this.createReplica(actor.key, decoded.value, this.headOf(actor));
    this.say(actor, `starts at height ${this.headOf(actor).height + 1}`);
    this.step(actor, { kind: "started" });
  }

  step(actor: Actor, event: ReplicaEvent): readonly ReplicaEffect[] {
    if (!actor.isUp || actor.halted !== undefined) return [];
    const effects = actor.replica.step(event);
    for (const effect of effects) {
      this.write(actor, effect);
      if (actor.holds.has(effect.kind)) actor.held.push(effect);
      else this.perform(actor, effect);
    }
    return effects;
  }

  // ---- effects ----

  private land({ from, to, bytes }: Flight): void {
    const target = this.actor(to);
    if (!target.isUp || this.cuts.has(`${from}>${to}`)) return;
    this.step(target, { kind: "messageReceived", from: this.actor(from).key.hex, bytes, arrivedMs: ARRIVED_MS });
  }

  private perform(actor: Actor, effect: ReplicaEffect): void {
    switch (effect.kind) {
      case "send": {
        const targets = this.actors.filter(({ key, index }) =>
          effect.to === "all" ? index !== actor.index : effect.to.includes(key.hex),
        );
        for (const { index } of targets) this.flights.push({ from: actor.index, to: index, bytes: effect.bytes });
        return;
      }
      case "buildBlock":
        this.step(actor, {
          kind: "blockBuilt",
          height: effect.height,
          view: effect.view,
          proposal: this.build(actor, effect.view),
        });
        return;
      case "checkBlock": {
        const { height, view, proposal } = effect;
        this.step(actor, { kind: "blockChecked", height, view, blockHash: proposal.blockHash, valid: true, code: "" });
        return;
      }
      case "executeBlock": {
        const { result, resultHash } = execute(this.facts, this.stateRoot(actor), effect.proposal);
        const { blockHash } = effect.proposal;
        this.step(actor, { kind: "blockExecuted", height: effect.height, blockHash, result, resultHash });
        return;
      }
      case "signVote":
        return this.sign(actor, effect.request);
      case "commitBlock":
        return this.commit(actor, effect);
      case "sendDecided": {
        const block = actor.blocks[effect.height - 1];
        const to = this.actors.find(({ key }) => key.hex === effect.to);
        if (block !== undefined && to !== undefined)
          this.flights.push({ from: actor.index, to: to.index, bytes: encodeDecided(block) });
        return;
      }
      case "setTimer":
        actor.timers.push(effect);
        return;
      case "report":
        actor.reports.push(effect.report);
        return;
      case "halt":
        actor.halted = effect.code;
        return;
      case "keepTrail":
        actor.trails.push(effect.bytes);
        return;
      case "requestSync":
      case "fetchBatches":
        return;
      default:
        return unreachable(effect);
    }
  }

  build(actor: Actor, view: number): Proposal | undefined {
    const references = actor.work.slice(0, 4).map((name) => referenceTo(digestOf(name), actor.key.publicKey));
    const head = this.headOf(actor);
    if (references.length === 0) return undefined;
    const parts = { view, proposer: actor.key.publicKey, timeMs: head.timeMs + 10, references };
    const proposal = buildProposal(this.facts, head, parts);
    this.nameOf(proposal.blockHash);
    return proposal;
  }

  /** A second, properly signed PRE-PREPARE of view 0 by that actor's key. */
  twinOf(index: number, name: string): Uint8Array {
    const actor = this.actor(index);
    const head = this.headOf(actor);
    const references = [referenceTo(digestOf(name), actor.key.publicKey)];
    const parts = { view: 0, proposer: actor.key.publicKey, timeMs: head.timeMs + 10, references };
    const proposal = buildProposal(this.facts, head, parts);
    const vote = {
      kind: "prepare",
      height: head.height + 1,
      view: 0,
      blockHash: proposal.blockHash,
      resultHash: EMPTY_BYTES,
    } as const;
    const { chainId } = this.facts;
    const signature = actor.key.sign(
      voteSigningBytes({ ...vote, chainId, validatorsHash: validatorsHashOf(head.validators) }),
    );
    const bare = { newView: undefined, suspicionBytes: undefined };
    return encodePrePrepare({
      height: vote.height,
      view: 0,
      proposalBytes: encodeProposal(proposal),
      signature,
      ...bare,
    });
  }

  stateRoot(actor: Actor): Hash {
    return actor.blocks.at(-1)?.result.stateRoot ?? ZERO_HASH;
  }

  private sign(actor: Actor, request: SigningRequest): void {
    const head = this.headOf(actor);
    const { record } = actor;
    const decision = authorise({ record, request, head, validators: head.validators, chainId: this.facts.chainId });
    if (!decision.ok) {
      actor.halted = decision.code;
      this.say(actor, `signer refuses ${decision.code}`);
      return;
    }
    const sealed = decision.seal(decision.signedBytes.map((bytes) => actor.key.sign(bytes)));
    actor.record = sealed.record;
    this.step(actor, { kind: "voteSigned", request, message: sealed.message });
  }

  private commit(actor: Actor, { proposal, certificate, result }: EffectOf<"commitBlock">): void {
    const { resultHash } = execute(this.facts, this.stateRoot(actor), proposal);
    actor.blocks.push({ proposal, certificate, result, resultHash });
    const done = new Set(proposal.references.map(({ digest }) => toHex(digest)));
    actor.work = actor.work.filter((name) => !done.has(toHex(digestOf(name))));
    this.tellWork(actor);
    this.step(actor, { kind: "blockCommitted", head: this.headOf(actor) });
  }

  private tellWork(actor: Actor): void {
    this.step(actor, { kind: "workChanged", hasWork: actor.work.length > 0, waitingFor: actor.work.map(digestOf) });
  }

  // ---- the transcript ----

  /** Blocks are A, B, C in the order in which they appear. */
  nameOf(blockHash: Hash): string {
    const key = toHex(blockHash);
    const name = this.names.get(key) ?? String.fromCharCode(65 + this.names.size);
    this.names.set(key, name);
    return name;
  }

  private say(actor: Actor, what: string): void {
    this.lines.push(`${actor.index} ${what}`);
  }

  private write(actor: Actor, effect: ReplicaEffect): void {
    switch (effect.kind) {
      case "send":
        return this.say(
          actor,
          `-> ${effect.to === "all" ? "all" : this.indexesOf(effect.to)} ${this.describe(read(effect.bytes))}`,
        );
      case "buildBlock":
        return this.say(actor, `buildBlock ${effect.height}.${effect.view}`);
      case "checkBlock":
        return this.say(
          actor,
          `checkBlock ${this.nameOf(effect.proposal.blockHash)}${effect.arrivedMs !== undefined ? " against the clock" : ""}, held by ${this.indexesOf(effect.holders)}`,
        );
      case "executeBlock":
        return this.say(actor, `executeBlock ${this.nameOf(effect.proposal.blockHash)}`);
      case "signVote":
        return this.say(actor, `signVote ${effect.request.kind} ${effect.request.height}.${effect.request.view}`);
      case "commitBlock":
        return this.say(
          actor,
          `commitBlock ${effect.proposal.header.height} ${this.nameOf(effect.proposal.blockHash)} by view ${effect.certificate.view}, proposed in ${effect.proposal.header.view}`,
        );
      case "setTimer":
        return this.say(
          actor,
          `setTimer ${effect.timer.kind} ${effect.timer.height}.${effect.timer.view} ${effect.delayMs} ms`,
        );
      case "requestSync":
        return this.say(actor, `requestSync ${effect.height} from ${this.indexesOf([effect.from])}`);
      case "sendDecided":
        return this.say(actor, `sendDecided ${effect.height} to ${this.indexesOf([effect.to])}`);
      case "fetchBatches":
        return this.say(actor, `fetchBatches ${effect.digests.length} from ${this.indexesOf([effect.from])}`);
      case "keepTrail":
        return;
      case "report":
        return this.say(actor, `reports ${this.describeReport(effect.report)}`);
      case "halt":
        return this.say(actor, `halts ${effect.code}`);
      default:
        return unreachable(effect);
    }
  }

  private describe(message: ConsensusMessage): string {
    const place = `${message.height}.${message.view}`;
    switch (message.kind) {
      case "prePrepare": {
        const { newView, block } = message;
        const by = newView && ` with NEW-VIEW of ${newView.content.viewChanges.map(({ signer }) => signer).join(",")}`;
        return `PRE-PREPARE ${place} ${this.nameOf(block.proposal.blockHash)}${by ?? ""}`;
      }
      case "prepare":
      case "commit":
        return `${message.kind.toUpperCase()} ${place} ${this.nameOf(message.vote.blockHash)}`;
      case "suspect":
        return `SUSPECT ${place} waiting for ${message.suspect.waitingFor.length}`;
      case "suspicion":
        return `SUSPICION ${place} of ${message.suspicion.suspects.map(({ signer }) => signer).join(",")}`;
      case "viewChange": {
        const { prepared } = message.viewChange;
        const lock =
          prepared === undefined ? "without lock" : `locked ${this.nameOf(prepared.blockHash)} in ${prepared.view}`;
        return `VIEW-CHANGE ${place} ${lock}`;
      }
      case "prepared":
      case "decided":
        return `${message.kind.toUpperCase()} ${place} ${this.nameOf(message.block.proposal.blockHash)}`;
      case "waiting":
        return `WAITING ${place} for ${message.digests.length}`;
      default:
        return unreachable(message);
    }
  }

  private describeReport(report: Report): string {
    switch (report.kind) {
      case "evidence":
        return `evidence ${report.rule} (${report.label}) by ${this.indexesOf([report.offender])}`;
      case "viewChanged":
        return `view ${report.height}.${report.view}, primary ${this.indexesOf([report.primary])}`;
      case "suspected":
        return `suspicion ${report.height}.${report.view} ${report.code}`;
      case "resultsDiverge":
        return `results diverge ${report.height} ${this.nameOf(report.blockHash)}`;
      case "badMessage":
        return `bad message ${report.code} from ${this.indexesOf([report.from])}`;
      default:
        return unreachable(report);
    }
  }

  private indexesOf(keys: readonly string[]): string {
    return keys.map((hex) => this.actors.find(({ key }) => key.hex === hex)?.index ?? "?").join(",");
  }
}

export function digestOf(name: string): Hash {
  return hashTagged("BATCH", new TextEncoder().encode(name));
}

export function read(bytes: Uint8Array): ConsensusMessage {
  const message = decodeMessage(bytes);
  if (!message.ok) throw new Error(`unreadable frame: ${message.code}`);
  return message.value;
}
