// One simulated node: the real core, signer rules and vote record, over a disk that forgets what was not saved.
// Performs the core's effects with delays, as the driver does; knows no rule of the protocol.

import { unreachable } from "../../src/assert.ts";
import type { HeadFacts, ReplicaEffect, ReplicaEvent, ValidatorKey } from "../../src/consensus/events.ts";
import { encodeDecided } from "../../src/consensus/messages.ts";
import { Replica } from "../../src/consensus/replica.ts";
import {
  authorise,
  decodeVoteRecord,
  emptyVoteRecord,
  encodeVoteRecord,
  type SigningRequest,
  type VoteRecord,
} from "../../src/consensus/safety.ts";
import { verifyCertificate } from "../../src/ledger/certificate.ts";
import { bytesEqual, fromHex, type Hash, toHex, ZERO_HASH } from "../../src/ledger/hash.ts";
import { buildProposal, execute, headerFault, headOf, type KeyPair, referenceTo, type StoredBlock } from "./chain.ts";
import type { World } from "./world.ts";

type EffectOf<Kind extends ReplicaEffect["kind"]> = Extract<ReplicaEffect, { kind: Kind }>;

/** What survives a crash. */
export class SimDisk {
  record: Uint8Array;
  readonly blocks: StoredBlock[] = [];
  /** digests of durable batches */
  readonly batches = new Set<string>();

  constructor(record: Uint8Array) {
    this.record = record;
  }
}

const BLOCK_BATCHES_MAX = 4;
const FETCH_RETRY_MS = 60;

export class SimNode {
  readonly index: number;
  readonly key: KeyPair;
  readonly disk: SimDisk;
  isUp = false;
  /** of the head as this life knows it: a block may be durable a moment before its write is answered */
  height = 0;
  /** raised by every crash: what an earlier life began ends in nothing */
  life = 0;
  replica: Replica | undefined;
  private readonly world: World;
  /** this machine computes something else */
  private readonly twist: Uint8Array | undefined;
  private readonly follows: boolean;
  private mempool = new Map<string, Hash>();
  private record: VoteRecord;
  private signTurn: (() => void)[] = [];
  /** of vote records, in all lives */
  private saves = 0;
  private isSaving = false;
  private isWriting = false;
  private isSyncing = false;

  constructor(
    world: World,
    index: number,
    key: KeyPair,
    options: { readonly follows: boolean; readonly twist: Uint8Array | undefined },
  ) {
    this.world = world;
    this.index = index;
    this.key = key;
    this.follows = options.follows;
    this.twist = options.twist;
    this.record = emptyVoteRecord({ chainId: world.facts.chainId, publicKey: key.publicKey });
    this.disk = new SimDisk(encodeVoteRecord(this.record));
  }

  get head(): HeadFacts {
    return headOf(this.world.facts, this.disk.blocks[this.height - 1]);
  }

  get stateRoot(): Hash {
    return this.disk.blocks[this.height - 1]?.result.stateRoot ?? ZERO_HASH;
  }

  get clockMs(): number {
    return this.world.clockMs(this.index);
  }

  // ---- life ----

  start(): void {
    const decoded = decodeVoteRecord(this.disk.record);
    if (!decoded.ok) throw new Error(`vote record unreadable: ${decoded.code}`);
    this.record = decoded.value;
    this.isUp = true;
    this.height = this.disk.blocks.length;
    this.mempool = new Map();
    this.signTurn = [];
    this.isSaving = false;
    this.isWriting = false;
    this.isSyncing = false;
    const committed = new Set(
      this.disk.blocks.flatMap(({ proposal }) => proposal.references.map(({ digest }) => toHex(digest))),
    );
    for (const hex of this.disk.batches) if (!committed.has(hex)) this.mempool.set(hex, fromHex(hex) as Hash);
    this.replica = new Replica({
      chainId: this.world.facts.chainId,
      ownKey: this.follows ? undefined : this.key.publicKey,
      verify: this.world.keys.verify,
      head: this.head,
      record: this.record,
      speaks: () => true,
      timing: this.world.timing,
    });
    this.push({ kind: "started" });
    this.tellWork();
    this.later(this.world.random.between(500, 1500), () => this.gossipHead());
  }

  crash(): void {
    this.isUp = false;
    this.life += 1;
    this.replica = undefined;
  }

  push(event: ReplicaEvent): void {
    if (!this.isUp || this.replica === undefined) return;
    for (const effect of this.replica.step(event)) {
      this.world.observeEffect(this, effect);
      if (this.isUp) this.perform(effect);
    }
  }

  /** Runs in this life only. */
  private later(delayMs: number, run: () => void): void {
    const { life } = this;
    this.world.timeline.after(delayMs, () => {
      if (this.life === life && this.isUp) run();
    });
  }

  /** A synced write: it may or may not have happened when a crash comes before its end. */
  private write(apply: () => void, run: () => void): void {
    const { life } = this;
    let isApplied = false;
    const delayMs = this.world.diskDelayMs();
    if (this.world.random.chance(500)) {
      this.world.timeline.after(Math.floor(delayMs / 2), () => {
        if (this.life !== life || !this.isUp) return;
        isApplied = true;
        apply();
      });
    }
    this.later(delayMs, () => {
      if (!isApplied) apply();
      run();
    });
  }

  // ---- effects ----

  private perform(effect: ReplicaEffect): void {
    switch (effect.kind) {
      case "send":
        return this.world.send(this, effect.to, effect.bytes);
      case "buildBlock":
        return this.buildBlock(effect);
      case "checkBlock":
        return this.checkBlock(effect);
      case "executeBlock":
        return this.executeBlock(effect);
      case "signVote":
        this.signTurn.push(() => this.sign(effect.request));
        return this.nextSigning();
      case "commitBlock":
        return this.commitBlock(effect);
      case "requestSync":
        return this.sync(effect.from, effect.height);
      case "setTimer":
        return this.later(effect.delayMs, () => this.push({ kind: "timerFired", timer: effect.timer }));
      case "sendDecided":
        return this.sendDecided(effect.to, effect.height);
      case "fetchBatches":
        return this.later(this.world.delayMs(), () => {
          if (this.world.canReach(this.index, effect.from)) for (const digest of effect.digests) this.learn(digest);
        });
      case "report":
      case "keepTrail":
      case "halt":
        return;
      default:
        return unreachable(effect);
    }
  }

  private buildBlock({ height, view }: EffectOf<"buildBlock">): void {
    const digests = [...this.mempool.values()].slice(0, BLOCK_BATCHES_MAX);
    this.later(this.world.random.between(0, 2), () => {
      const { head } = this;
      if (head.height + 1 !== height || digests.length === 0)
        return this.push({ kind: "blockBuilt", height, view, proposal: undefined });
      const timeMs = Math.max(head.timeMs + 1, this.clockMs);
      const references = digests.map((digest) => referenceTo(digest, this.key.publicKey));
      const proposal = buildProposal(this.world.facts, head, {
        view,
        proposer: this.key.publicKey,
        timeMs,
        references,
      });
      const keep = () => {
        for (const digest of digests) this.disk.batches.add(toHex(digest));
      };
      this.write(keep, () => this.push({ kind: "blockBuilt", height, view, proposal }));
    });
  }

  private checkBlock(effect: EffectOf<"checkBlock">): void {
    const { height, view, proposal, arrivedMs } = effect;
    const { blockHash } = proposal;
    const answer = (valid: boolean, code: string) =>
      this.push({ kind: "blockChecked", height, view, blockHash, valid, code });
    const { head } = this;
    if (head.height + 1 !== height) return this.later(0, () => answer(false, "NO_LONGER_NEEDED"));
    const fault = headerFault(this.world.facts, head, proposal);
    if (fault !== "") return this.later(1, () => answer(false, fault));
    const { clockSkewMsMax } = this.world.facts.parameters;
    const { timeMs } = proposal.header;
    if (arrivedMs !== undefined && timeMs < arrivedMs - clockSkewMsMax)
      return this.later(1, () => answer(false, "BLOCK_TOO_OLD"));
    const waitMs = arrivedMs !== undefined ? Math.max(0, timeMs - this.clockMs - clockSkewMsMax) : 0;
    this.later(waitMs, () => this.obtain(effect, answer));
  }

  /** Asks the holders again and again for the batches that are missing, then makes all of them durable. */
  private obtain(effect: EffectOf<"checkBlock">, answer: (valid: boolean, code: string) => void): void {
    if (this.height + 1 !== effect.height) return answer(false, "NO_LONGER_NEEDED");
    const digests = effect.proposal.references.map(({ digest }) => toHex(digest));
    const missing = digests.filter((hex) => !this.disk.batches.has(hex) && !this.mempool.has(hex));
    const canFetch = missing.every((hex) =>
      effect.holders.some((holder) => this.world.serves(this.index, holder, hex)),
    );
    if (!canFetch) return this.later(FETCH_RETRY_MS, () => this.obtain(effect, answer));
    const keep = () => {
      for (const hex of digests) this.disk.batches.add(hex);
    };
    this.later(missing.length === 0 ? 0 : 2 * this.world.delayMs(), () => this.write(keep, () => answer(true, "")));
  }

  holds(hex: string): boolean {
    return this.isUp && (this.disk.batches.has(hex) || this.mempool.has(hex));
  }

  private executeBlock({ height, proposal }: EffectOf<"executeBlock">): void {
    this.later(this.world.random.between(0, this.world.config.executionMsMax), () => {
      if (this.height + 1 !== height) return;
      const { result, resultHash } = execute(this.world.facts, this.stateRoot, proposal, this.twist);
      this.push({ kind: "blockExecuted", height, blockHash: proposal.blockHash, result, resultHash });
    });
  }

  private nextSigning(): void {
    if (!this.isSaving) this.signTurn.shift()?.();
  }

  private sign(request: SigningRequest): void {
    const { facts } = this.world;
    const { head } = this;
    const decision = authorise({
      record: this.record,
      request,
      head,
      validators: head.validators,
      chainId: facts.chainId,
    });
    if (!decision.ok) {
      if (decision.code !== "STALE_HEIGHT")
        this.world.fail(`node ${this.index}: signer refused ${request.kind}: ${decision.code} ${decision.detail}`);
      return this.nextSigning();
    }
    const { record, message } = decision.seal(decision.signedBytes.map((bytes) => this.key.sign(bytes)));
    this.isSaving = true;
    const done = () => {
      this.record = record;
      this.isSaving = false;
      this.push({ kind: "voteSigned", request, message });
      this.nextSigning();
    };
    if (record === this.record) return this.later(0, done);
    const bytes = encodeVoteRecord(record);
    const save = () => {
      this.disk.record = bytes;
    };
    this.saves += 1;
    this.write(save, done);
    this.world.noticeSave(this, this.saves);
  }

  private commitBlock({ proposal, certificate, result }: EffectOf<"commitBlock">): void {
    const { resultHash } = execute(this.world.facts, this.stateRoot, proposal, this.twist);
    this.append({ proposal, certificate, result, resultHash }, () =>
      this.push({ kind: "blockCommitted", head: this.head }),
    );
  }

  /** One writer at a time; a height that is there already is not written again. */
  private append(block: StoredBlock, run: () => void): void {
    if (this.isWriting) return this.later(1, () => this.append(block, run));
    if (this.height + 1 !== block.proposal.header.height) return run();
    this.isWriting = true;
    const apply = () => {
      this.disk.blocks.push(block);
    };
    this.write(apply, () => {
      this.isWriting = false;
      this.height = this.disk.blocks.length;
      this.world.observeCommit(this, block);
      for (const { digest } of block.proposal.references) this.mempool.delete(toHex(digest));
      this.tellWork();
      run();
    });
  }

  // ---- peers ----

  private sendDecided(to: ValidatorKey, height: number): void {
    const block = height > this.height ? undefined : this.disk.blocks[height - 1];
    if (block !== undefined) this.world.send(this, [to], encodeDecided(block));
  }

  private gossipHead(): void {
    this.world.gossipHead(this);
    // Who has no seat has no suspicion to name its work by: it tells the validators again.
    if (!this.hasSeat()) for (const digest of this.mempool.values()) this.world.gossipBatch(this, digest);
    this.later(1000, () => this.gossipHead());
  }

  private hasSeat(): boolean {
    return this.head.validators.some(({ publicKey }) => bytesEqual(publicKey, this.key.publicKey));
  }

  /** Somebody is ahead: if this node has not moved a while later, it asks. */
  hearHead(height: number, from: ValidatorKey): void {
    const before = this.height;
    if (height <= before) return;
    this.later(700, () => {
      if (this.height === before) this.sync(from, height);
    });
  }

  private sync(from: ValidatorKey, height: number): void {
    if (this.isSyncing) return;
    this.isSyncing = true;
    const finish = () => {
      this.isSyncing = false;
      this.push({ kind: "syncFinished", head: this.head });
    };
    const step = () => {
      const next = this.height + 1;
      const block = next > height ? undefined : this.world.fetchBlock(this.index, from, next);
      if (block === undefined || !this.isValid(block)) return finish();
      this.append(block, () => this.later(2 * this.world.delayMs(), step));
    };
    this.later(2 * this.world.delayMs(), step);
  }

  private isValid(block: StoredBlock): boolean {
    const { validators, height } = this.head;
    const { facts, keys } = this.world;
    const { proposal, certificate } = block;
    if (proposal.header.height !== height + 1 || !bytesEqual(proposal.blockHash, certificate.blockHash)) return false;
    if (!verifyCertificate({ certificate, chainId: facts.chainId, validators, verify: keys.verify }).ok) return false;
    const { resultHash } = execute(facts, this.stateRoot, proposal, this.twist);
    return bytesEqual(resultHash, certificate.resultHash);
  }

  /** A batch arrives or is offered here. */
  learn(digest: Hash, options: { readonly isDurable: boolean } = { isDurable: false }): void {
    const hex = toHex(digest);
    if (!this.isUp || this.mempool.has(hex) || this.hasCommitted(hex)) return;
    this.mempool.set(hex, digest);
    if (options.isDurable) this.disk.batches.add(hex);
    this.tellWork();
  }

  knownDigests(): Hash[] {
    return [...this.mempool.values()];
  }

  hasCommitted(hex: string): boolean {
    return this.disk.blocks.some(({ proposal }) => proposal.references.some(({ digest }) => toHex(digest) === hex));
  }

  private tellWork(): void {
    const waitingFor = [...this.mempool.values()].slice(0, 16);
    this.push({ kind: "workChanged", hasWork: waitingFor.length > 0, waitingFor });
  }
}
