// The simulated world: nodes, network and time of one seed, and the omniscient checkers that watch them.
// Decides when what arrives; never looks into a replica.

import type { ReplicaEffect, ValidatorKey } from "../../src/consensus/events.ts";
import type { Timing } from "../../src/consensus/limits.ts";
import { type ConsensusMessage, decodeMessage } from "../../src/consensus/messages.ts";
import type { Verdict } from "../../src/errors.ts";
import { type Hash, hashTagged, toHex } from "../../src/ledger/hash.ts";
import type { Validator } from "../../src/ledger/types.ts";
import { Attacker, type Den } from "./attacker.ts";
import {
  buildProposal,
  type ChainFacts,
  execute,
  inKeyOrder,
  KeyRing,
  referenceTo,
  type StoredBlock,
  simParameters,
  simValidator,
} from "./chain.ts";
import { Checkers } from "./checkers.ts";
import { calmMsMax, describeConfig, drawConfig, SIM_TIMING, type SimConfig } from "./config.ts";
import { Fingerprint } from "./fingerprint.ts";
import { Random } from "./random.ts";
import { SimNode } from "./sim-node.ts";
import { Timeline } from "./timeline.ts";

/** One seat changes at heights that are multiples of this. */
const SEAT_CHANGE_HEIGHTS = 3;
/** A run that sends more than this has a storm, not a problem with luck. */
const FRAMES_MAX = 400_000;

export interface SimOutcome {
  readonly seed: number;
  readonly failure: string | undefined;
  /** the same seed gives the same fingerprint of all effects */
  readonly fingerprint: string;
  readonly about: string;
  readonly heights: number;
  readonly viewsMax: number;
  readonly frames: number;
  readonly evidence: number;
  /** how long after calm the last honest node had everything */
  readonly calmMs: number;
}

export class World {
  readonly config: SimConfig;
  readonly random: Random;
  readonly timeline = new Timeline();
  readonly keys = new KeyRing();
  readonly facts: ChainFacts;
  readonly timing: Timing;
  readonly nodes: readonly SimNode[];
  readonly trace: (line: string) => void;
  private readonly attackers = new Map<number, Attacker>();
  private readonly byKey = new Map<ValidatorKey, SimNode>();
  private readonly checkers: Checkers;
  private readonly fingerprint = new Fingerprint();
  private readonly offered: Hash[] = [];
  private readonly readings = new WeakMap<Uint8Array, Verdict<ConsensusMessage>>();
  private failure: string | undefined;
  /** a block was committed since the last look whether all is done */
  private isChanged = true;
  private frames = 0;

  constructor(seed: number, trace: (line: string) => void = () => undefined) {
    this.config = drawConfig(seed);
    this.random = new Random(seed + 0x5eed);
    this.trace = trace;
    const { config } = this;
    this.timing = { ...SIM_TIMING, timeoutMsMin: config.timeoutMsMin };
    const nodeCount = config.validatorCount + (config.hasChangingMembers ? 1 : 0);
    const pairs = Array.from({ length: nodeCount }, (_, index) => this.keys.create(`${seed}/${index}`));
    const pool = inKeyOrder(pairs.map(simValidator));
    const seatsAt = new Map<number, readonly Validator[]>();
    const draw = (height: number) =>
      config.hasChangingMembers
        ? pool.filter((_, place) => place !== Math.floor(height / SEAT_CHANGE_HEIGHTS) % nodeCount)
        : pool;
    const seats = (height: number) => {
      const known = seatsAt.get(height) ?? draw(height);
      seatsAt.set(height, known);
      return known;
    };
    this.facts = {
      chainId: hashTagged("GENESIS", new TextEncoder().encode(`sim ${seed}`)),
      parameters: simParameters(config.rotationHeights),
      validatorsAt: seats,
    };
    this.nodes = pairs.map((key, index) => {
      const fault = config.faults.get(index);
      const isLiar = fault !== undefined && fault !== "twisted";
      return new SimNode(this, index, key, {
        follows: isLiar,
        twist: fault === "twisted" ? Uint8Array.of(index) : undefined,
      });
    });
    for (const node of this.nodes) this.byKey.set(node.key.hex, node);
    for (const [index, fault] of config.faults) {
      if (fault !== "twisted") this.attackers.set(index, new Attacker(this.denOf(this.nodes[index] as SimNode), fault));
    }
    this.checkers = new Checkers(this);
  }

  run(): SimOutcome {
    const { config, timeline } = this;
    this.trace(describeConfig(config));
    this.schedule();
    let isDone = false;
    timeline.runUntil(config.calmFromMs, () => this.failure !== undefined);
    if (this.failure === undefined) {
      isDone = timeline.runUntil(
        config.calmFromMs + calmMsMax(config),
        () => this.failure !== undefined || this.hasEverything(),
      );
    }
    if (!isDone) this.fail(`liveness: ${this.missing()}`);
    return {
      seed: config.seed,
      failure: this.failure,
      fingerprint: this.fingerprint.toString(),
      about: describeConfig(config),
      heights: Math.max(...this.honest().map(({ height }) => height)),
      viewsMax: this.checkers.viewsMax,
      frames: this.frames,
      evidence: this.checkers.evidenceCount,
      calmMs: Math.max(0, timeline.nowMs - config.calmFromMs),
    };
  }

  /** The first failure ends the run. */
  fail(reason: string): void {
    if (this.failure !== undefined) return;
    this.failure = `at ${this.timeline.nowMs} ms: ${reason}`;
    this.trace(`FAILED ${this.failure}`);
  }

  private schedule(): void {
    const { config, timeline } = this;
    for (const node of this.nodes) timeline.after(this.random.below(20), () => node.start());
    for (const attacker of this.attackers.values()) attacker.start();
    for (const { node, atMs, downMs } of config.crashes) {
      timeline.after(atMs, () => this.crash(node));
      timeline.after(Math.min(atMs + downMs, config.calmFromMs), () => this.restart(node));
    }
    for (const partition of config.partitions) {
      if (!partition.isNoticed) continue;
      timeline.after(partition.fromMs, () => this.tellConnections(partition.side, false));
      timeline.after(partition.toMs, () => this.tellConnections(partition.side, true));
    }
    for (const [place, { atMs, node }] of config.offers.entries()) timeline.after(atMs, () => this.offer(place, node));
    timeline.after(config.calmFromMs, () => this.becalm());
  }

  private crash(index: number): void {
    const node = this.nodes[index] as SimNode;
    if (!node.isUp) return;
    this.trace(`${this.timeline.nowMs} node ${index} loses power`);
    node.crash();
    this.checkers.forgetLife(node);
  }

  private restart(index: number): void {
    const node = this.nodes[index] as SimNode;
    if (node.isUp) return;
    this.trace(`${this.timeline.nowMs} node ${index} starts at height ${node.disk.blocks.length}`);
    node.start();
  }

  /** A vote is on its way to the disk: the worst moment to lose power. */
  noticeSave(node: SimNode, save: number): void {
    const cut = this.config.savesCut.find((one) => one.node === node.index && one.save === save);
    const { diskMsMax, calmFromMs } = this.config;
    const calmInMs = calmFromMs - this.timeline.nowMs;
    if (cut === undefined || calmInMs <= diskMsMax) return;
    this.timeline.after(this.random.below(diskMsMax), () => this.crash(node.index));
    this.timeline.after(Math.min(calmInMs, diskMsMax + cut.downMs), () => this.restart(node.index));
  }

  /** A client hands work to an honest node that is up; it is durable there before the client is answered. */
  private offer(place: number, preferred: number): void {
    const digest = hashTagged("BATCH", new TextEncoder().encode(`${this.config.seed}/${place}`));
    const takers = this.honest().filter(({ isUp }) => isUp);
    const node = takers.find(({ index }) => index === preferred) ?? takers[0];
    if (node === undefined) return;
    this.offered.push(digest);
    node.learn(digest, { isDurable: true });
    this.gossipBatch(node, digest);
  }

  gossipBatch(node: SimNode, digest: Hash): void {
    for (const other of this.nodes)
      if (other !== node) this.deliver(node.index, other.index, () => other.learn(digest));
  }

  private becalm(): void {
    this.trace(`${this.timeline.nowMs} calm`);
    for (const node of this.nodes) if (!node.isUp) this.restart(node.index);
    if (this.config.hasHeadGossip) return;
    for (const digest of this.offered) for (const node of this.honest()) node.learn(digest);
  }

  // ---- network ----

  get isCalm(): boolean {
    return this.timeline.nowMs >= this.config.calmFromMs;
  }

  delayMs(): number {
    return this.random.between(1, this.config.delayMsMax);
  }

  diskDelayMs(): number {
    return this.random.between(1, this.config.diskMsMax);
  }

  clockMs(node: number): number {
    return 1_000_000 + this.timeline.nowMs + (this.config.clockSkewMs[node] ?? 0);
  }

  private isCut(from: number, to: number): boolean {
    if (this.isCalm) return false;
    const { nowMs } = this.timeline;
    return this.config.partitions.some(
      ({ side, fromMs, toMs }) => nowMs >= fromMs && nowMs < toMs && side.has(from) !== side.has(to),
    );
  }

  /** Runs `arrive` after a delay unless the network loses it; sometimes twice. */
  private deliver(from: number, to: number, arrive: () => void, lossPermille = this.config.lossPermille): void {
    if (this.isCut(from, to) || this.random.chance(this.isCalm ? this.config.calmLossPermille : lossPermille)) return;
    this.timeline.after(this.delayMs(), arrive);
    if (this.random.chance(this.config.repeatPermille)) this.timeline.after(5 * this.delayMs(), arrive);
  }

  send(node: SimNode, to: readonly ValidatorKey[] | "all", bytes: Uint8Array): void {
    const targets =
      to === "all" ? this.nodes.filter((other) => other !== node) : to.flatMap((key) => this.byKey.get(key) ?? []);
    for (const target of targets) this.sendFrame(node, target, bytes);
  }

  sendFrame(node: SimNode, target: SimNode, bytes: Uint8Array): void {
    this.frames += 1;
    if (this.frames > FRAMES_MAX) return this.fail(`storm: more than ${FRAMES_MAX} frames`);
    this.checkers.observeSent(bytes);
    const lossPermille = this.certifies(bytes)
      ? Math.max(this.config.lossPermille, this.config.commitLossPermille)
      : undefined;
    const arrive = () => {
      if (!target.isUp) return;
      this.attackers.get(target.index)?.observe(bytes);
      this.checkers.beforeFrame(target, node, bytes);
      target.push({ kind: "messageReceived", from: node.key.hex, bytes, arrivedMs: target.clockMs });
      this.checkers.afterFrame(target);
    };
    this.deliver(node.index, target.index, arrive, lossPermille);
  }

  private certifies(bytes: Uint8Array): boolean {
    const message = this.read(bytes);
    return message.ok && ["commit", "decided", "prepared"].includes(message.value.kind);
  }

  gossipHead(node: SimNode): void {
    if (!this.config.hasHeadGossip || this.isLiar(node)) return;
    const { height } = node;
    for (const other of this.nodes) {
      if (other !== node)
        this.deliver(node.index, other.index, () => other.isUp && other.hearHead(height, node.key.hex));
    }
  }

  private tellConnections(side: ReadonlySet<number>, isConnected: boolean): void {
    for (const node of this.nodes) {
      for (const other of this.nodes) {
        if (side.has(node.index) !== side.has(other.index))
          node.push({ kind: "peerChanged", peer: other.key.hex, connected: isConnected });
      }
    }
  }

  canReach(from: number, to: ValidatorKey): boolean {
    const target = this.byKey.get(to);
    return target?.isUp === true && !this.isCut(from, target.index);
  }

  /** Whether a fetch of that batch would be answered now. Liars answer when they like. */
  serves(from: number, holder: ValidatorKey, digest: string): boolean {
    const node = this.byKey.get(holder);
    if (node === undefined || !this.canReach(from, holder)) return false;
    return this.isLiar(node) ? this.random.chance(300) : node.holds(digest);
  }

  fetchBlock(from: number, preferred: ValidatorKey, height: number): StoredBlock | undefined {
    const candidates = [this.byKey.get(preferred), ...this.nodes];
    const peer = candidates.find(
      (node) =>
        node !== undefined &&
        node.index !== from &&
        !this.isLiar(node) &&
        this.canReach(from, node.key.hex) &&
        node.height >= height,
    );
    return peer?.disk.blocks[height - 1];
  }

  private denOf(node: SimNode): Den {
    const world = this;
    const { random, facts, timeline, nodes } = this;
    return {
      random,
      chainId: facts.chainId,
      key: node.key,
      others: nodes.filter((other) => other !== node).map(({ index }) => index),
      get isCalm() {
        return world.isCalm;
      },
      isPatient: false,
      get isUp() {
        return node.isUp;
      },
      get clockMs() {
        return node.clockMs;
      },
      get head() {
        return node.head;
      },
      after: (delayMs, run) => timeline.after(delayMs, run),
      read: (bytes) => this.read(bytes),
      send: (to, bytes) => this.sendFrame(node, nodes[to] as SimNode, bytes),
      knownDigests: () => node.knownDigests(),
      buildProposal: (parts) => {
        const digests = node.knownDigests().slice(0, 1 + random.below(3));
        if (random.chance(50)) digests.push(random.bytes(32));
        if (digests.length === 0) return undefined;
        const references = digests.map((digest) => referenceTo(digest, node.key.publicKey));
        return buildProposal(facts, node.head, { ...parts, proposer: node.key.publicKey, references });
      },
      resultOf: (proposal) => execute(facts, node.stateRoot, proposal).resultHash,
    };
  }

  // ---- watching ----

  /** What a frame says, for checkers and liars; each is read once. Replicas read for themselves. */
  read(bytes: Uint8Array): Verdict<ConsensusMessage> {
    const known = this.readings.get(bytes) ?? decodeMessage(bytes);
    this.readings.set(bytes, known);
    return known;
  }

  isLiar(node: SimNode): boolean {
    return this.attackers.has(node.index);
  }

  /** Neither lying nor computing wrongly. */
  honest(): readonly SimNode[] {
    return this.nodes.filter(({ index }) => !this.config.faults.has(index));
  }

  observeEffect(node: SimNode, effect: ReplicaEffect): void {
    this.fingerprint.add(this.timeline.nowMs, node.index, effect);
    this.checkers.observeEffect(node, effect);
  }

  observeCommit(node: SimNode, block: StoredBlock): void {
    const { header, blockHash } = block.proposal;
    this.trace(
      `${this.timeline.nowMs} node ${node.index} committed ${header.height} ${toHex(blockHash).slice(0, 8)} view ${block.certificate.view} (proposed in ${header.view})`,
    );
    this.isChanged = true;
    this.checkers.observeCommit(node, block);
  }

  private hasEverything(): boolean {
    if (!this.isChanged) return false;
    this.isChanged = false;
    const wanted = this.offered.map(toHex);
    return this.honest().every((node) => wanted.every((hex) => node.hasCommitted(hex)));
  }

  private missing(): string {
    const lines = this.honest().map((node) => {
      const open = this.offered.filter((digest) => !node.hasCommitted(toHex(digest))).length;
      return `node ${node.index} lacks ${open} at ${JSON.stringify(node.replica?.status() ?? "down")}`;
    });
    return `not committed within ${calmMsMax(this.config)} ms of calm: ${lines.join("; ")}`;
  }
}

export function runSeed(seed: number, trace?: (line: string) => void): SimOutcome {
  try {
    return new World(seed, trace).run();
  } catch (error) {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const nothing = { fingerprint: "", heights: 0, viewsMax: 0, frames: 0, evidence: 0, calmMs: 0 };
    return { seed, failure: `threw: ${reason}`, about: describeConfig(drawConfig(seed)), ...nothing };
  }
}
