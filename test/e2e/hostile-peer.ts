// A member that lies: the keys of one validator, whose process was stopped, on the real peer network of this project.
// It completes HELLO like everybody else; then it replays, damages, floods, equivocates and answers with rubbish.

import { join } from "node:path";
import { encodeInvalidBatch } from "../../src/consensus/evidence.ts";
import {
  decodeMessage,
  encodeCertified,
  encodeSuspect,
  encodeViewChange,
  encodeVote,
  encodeWaiting,
} from "../../src/consensus/messages.ts";
import { makeSuspicion, suspectSigningBytes, viewChangeSigningBytes } from "../../src/consensus/view-formats.ts";
import { encode } from "../../src/ledger/codec.ts";
import { batchDigestOf, batchSigningBytes, encodeBatch, encodeBatchBody } from "../../src/ledger/format-batch.ts";
import { validatorsHashOf } from "../../src/ledger/format-cluster.ts";
import {
  encodeCertificate,
  encodeHeadStatement,
  headSigningBytes,
  voteSigningBytes,
} from "../../src/ledger/format-vote.ts";
import { bytesEqual, EMPTY_BYTES, type Hash, toHex } from "../../src/ledger/hash.ts";
import type { Vote } from "../../src/ledger/types.ts";
import { systemClock } from "../../src/node/clock.ts";
import { loadKeyFile } from "../../src/node/key-file.ts";
import { createPeerNetwork } from "../../src/p2p/libp2p-network.ts";
import type { GossipTopic, KeySigner, PeerId, PeerNetwork, RequestProtocol } from "../../src/ports.ts";
import type { Random } from "../sim/random.ts";
import { mutated } from "./mutations.ts";
import { type TestNetwork, until } from "./network.ts";

/** What was heard and can be said again, damaged or not. */
const HEARD_MAX = 400;
const REQUEST_MS = 5_000;
/** Transactions of one batch of junk: each a signature that every honest node would check. */
const JUNK_TRANSACTIONS = 500;
const BREAK_MS_MAX = 20;
const SILENT = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined };

interface Heard<Kind> {
  readonly kind: Kind;
  readonly bytes: Uint8Array;
}

export class HostilePeer {
  readonly key: KeySigner;
  private readonly network: TestNetwork;
  private readonly peers: PeerNetwork;
  private readonly random: Random;
  private readonly frames: Uint8Array[] = [];
  private readonly gossip: Heard<GossipTopic>[] = [];
  private readonly answers: Heard<RequestProtocol>[] = [];
  /** of the newest proposal heard */
  private height = 1;
  private view = 0;
  private blockHash: Hash = new Uint8Array(32);
  private isLying = false;
  private sequence = Date.now() * 16;
  /** how often each lie was told */
  readonly told = new Map<string, number>();

  private constructor(network: TestNetwork, key: KeySigner, peerSeed: Uint8Array, p2pPort: number, random: Random) {
    this.network = network;
    this.key = key;
    this.random = random;
    const { genesis } = network.layout;
    this.peers = createPeerNetwork({
      identitySeed: peerSeed,
      listen: [`/ip4/127.0.0.1/tcp/${p2pPort}`],
      chainId: genesis.chainId,
      configHash: genesis.chainId,
      software: "hostile/1",
      members: genesis.endpoints,
      clock: systemClock(genesis),
      log: SILENT,
    });
  }

  /** Stops that node's process and takes its place with its keys. */
  static async inPlaceOf(network: TestNetwork, node: number, random: Random): Promise<HostilePeer> {
    const { place } = network.nodeOf(node);
    await network.nodeOf(node).kill();
    const { signer } = await loadKeyFile(join(place.home, "keys/validator.key"), "validator");
    const { seed } = await loadKeyFile(join(place.home, "keys/peer.key"), "peer");
    const hostile = new HostilePeer(network, signer, seed, place.p2pPort, random);
    await hostile.peers.start({
      onFrame: (_, bytes) => hostile.hearFrame(bytes),
      onGossip: (kind, _, bytes) => hostile.keep(hostile.gossip, { kind, bytes }),
      onRequest: (protocol) => hostile.answer(protocol),
      onPeerChanged: () => undefined,
    });
    await until("the hostile member is connected to all", async () =>
      hostile.peers.peers().every(({ connected }) => connected) ? true : undefined,
    );
    return hostile;
  }

  stop(): Promise<void> {
    return this.peers.stop();
  }

  /** Lies of every kind until the time is over; being cut off for a while is part of it. */
  async attack(endMs: number): Promise<void> {
    const lies: Record<string, () => Promise<void> | void> = {
      replayFrame: () => this.toAll(this.random.pick(this.frames)),
      damagedFrame: () => this.toAll(mutated(this.random, this.random.pick(this.frames))),
      randomFrame: () => this.toAll(this.random.bytes(this.random.between(1, 3_000))),
      equivocate: () => this.equivocate(),
      strayVotes: () => this.strayVotes(),
      suspectAlone: () => this.suspectAlone(),
      lyingLock: () => this.lyingLock(),
      waitingForAll: () => this.waitingForAll(),
      forgedDecision: () => this.forgedDecision(),
      lyingHead: () => this.lyingHead(),
      replayGossip: () => this.say(this.random.pick(this.gossip)),
      damagedGossip: () => this.sayDamaged(),
      junkBatches: () => this.junkBatches(),
      invalidBatch: () => this.invalidBatch(),
      forgedEvidence: () => this.forgedEvidence(),
      requests: () => this.requests(),
    };
    const names = Object.keys(lies);
    this.isLying = true;
    await until("something is heard", async () => (this.frames.length > 0 && this.gossip.length > 0) || undefined);
    while (Date.now() < endMs) {
      const name = this.random.pick(names);
      this.told.set(name, (this.told.get(name) ?? 0) + 1);
      await lies[name]?.();
      await new Promise((resolve) => setTimeout(resolve, this.random.below(BREAK_MS_MAX)));
    }
    this.isLying = false;
  }

  // ---- what it hears ----

  private hearFrame(bytes: Uint8Array): void {
    this.keep(this.frames, bytes);
    const message = decodeMessage(bytes);
    if (!message.ok || message.value.kind !== "prePrepare") return;
    const { height, view, block } = message.value;
    this.height = height;
    this.view = view;
    this.blockHash = block.proposal.blockHash;
    // Every height is told two things, as long as anybody listens.
    if (this.isLying && this.random.chance(200)) this.equivocate();
  }

  private keep<T>(list: T[], heard: T): void {
    if (list.length < HEARD_MAX) list.push(heard);
    else list[this.random.below(HEARD_MAX)] = heard;
  }

  private answer(protocol: RequestProtocol): Promise<Uint8Array> {
    const known = this.answers.filter(({ kind }) => kind === protocol);
    if (known.length > 0 && this.random.chance(600))
      return Promise.resolve(mutated(this.random, this.random.pick(known).bytes));
    if (this.random.chance(300)) return Promise.reject(new Error("no"));
    return Promise.resolve(encode(Array.from({ length: 1_000 }, () => EMPTY_BYTES)));
  }

  // ---- frames ----

  private toAll(bytes: Uint8Array): void {
    for (const { peerId } of this.peers.peers()) this.peers.send(peerId, bytes);
  }

  private toOne(peer: PeerId | undefined, bytes: Uint8Array): void {
    if (peer !== undefined) this.peers.send(peer, bytes);
  }

  private get own(): number {
    const { validators } = this.network.layout.genesis;
    return validators.findIndex(({ publicKey }) => bytesEqual(publicKey, this.key.publicKey));
  }

  private place(height: number) {
    const { chainId, validators } = this.network.layout.genesis;
    return { chainId, height, validatorsHash: validatorsHashOf(validators) };
  }

  private vote(vote: Omit<Vote, "signer" | "signature">): Uint8Array {
    const signature = this.key.sign(voteSigningBytes({ ...vote, ...this.place(vote.height) }));
    return encodeVote({ ...vote, signer: this.own, signature });
  }

  /** Truly signed: one block for some, another for the others, and two results of the one. */
  private equivocate(): void {
    const { height, view, blockHash, random } = this;
    const prepare = { kind: "prepare", height, view, resultHash: EMPTY_BYTES } as const;
    const commit = { kind: "commit", height, view, blockHash } as const;
    const [first, ...others] = this.peers.peers().map(({ peerId }) => peerId);
    this.toOne(first, this.vote({ ...prepare, blockHash }));
    for (const other of others) this.toOne(other, this.vote({ ...prepare, blockHash: random.bytes(32) }));
    this.toAll(this.vote({ ...prepare, blockHash: random.bytes(32) }));
    this.toAll(this.vote({ ...commit, resultHash: random.bytes(32) }));
    this.toAll(this.vote({ ...commit, resultHash: random.bytes(32) }));
  }

  private strayVotes(): void {
    const { random, blockHash } = this;
    const height = random.pick([1, this.height, this.height + 1, this.height + 2, 2 ** 40, Number.MAX_SAFE_INTEGER]);
    const view = random.pick([0, 1, 7, 9, 2 ** 31 - 1]);
    this.toAll(this.vote({ kind: "prepare", height, view, blockHash, resultHash: EMPTY_BYTES }));
    this.toAll(this.vote({ kind: "commit", height, view, blockHash, resultHash: random.bytes(32) }));
  }

  private suspectOf(view: number, waitingFor: readonly Hash[]) {
    const signature = this.key.sign(suspectSigningBytes({ ...this.place(this.height), view, waitingFor }));
    return { signer: this.own, waitingFor, signature };
  }

  /** One suspicion is nothing; the batches it names are asked of us, and the answer is rubbish. */
  private suspectAlone(): void {
    const waitingFor = Array.from({ length: 16 }, () => this.random.bytes(32));
    const view = this.view + this.random.below(3);
    this.toAll(encodeSuspect(this.height, view, this.suspectOf(view, waitingFor)));
  }

  /** A VIEW-CHANGE under a suspicion that nobody else signed, with a lock that does not exist. */
  private lyingLock(): void {
    const { height, view, blockHash } = this;
    const target = view + 1;
    const prepared = { view, blockHash };
    const signing = { ...this.place(height), targetView: target, prepared };
    const others = [0, 1, 2].map((signer) => ({ ...this.suspectOf(view, []), signer }));
    this.toAll(
      encodeViewChange({
        height,
        targetView: target,
        viewChange: { signer: this.own, prepared, signature: this.key.sign(viewChangeSigningBytes(signing)) },
        certificateBytes: this.forgedCertificate(height, EMPTY_BYTES),
        proposalBytes: this.random.bytes(300),
        suspicionBytes: makeSuspicion(height, view, others).bytes,
      }),
    );
  }

  private forgedCertificate(height: number, resultHash: Uint8Array): Uint8Array {
    const { blockHash, view } = this;
    const signatures = [0, 1, 2].map(() => this.random.bytes(64));
    return encodeCertificate({ height, view, blockHash, resultHash, signers: Uint8Array.of(0xe0), signatures });
  }

  private waitingForAll(): void {
    for (let height = 1; height < this.height; height += 1 + this.random.below(3))
      this.toAll(encodeWaiting(height, 0, []));
  }

  private forgedDecision(): void {
    const heard = this.frames.map((bytes) => decodeMessage(bytes));
    const proposals = heard.flatMap((message) =>
      message.ok && message.value.kind === "prePrepare" ? message.value : [],
    );
    if (proposals.length === 0) return;
    const { height, block } = this.random.pick(proposals);
    const certificateBytes = this.forgedCertificate(height, this.random.bytes(32));
    const parts = { height, view: this.view, proposalBytes: block.bytes, certificateBytes };
    this.toAll(encodeCertified("decided", parts));
  }

  // ---- gossip ----

  private say({ kind, bytes }: Heard<GossipTopic>): Promise<void> {
    return this.peers.publish(kind, bytes);
  }

  private sayDamaged(): Promise<void> {
    const { kind, bytes } = this.random.pick(this.gossip);
    return this.say({ kind, bytes: mutated(this.random, bytes) });
  }

  private lyingHead(): Promise<void> {
    const statement = {
      height: this.random.pick([this.height, this.height + 5, Number.MAX_SAFE_INTEGER]),
      blockHash: this.random.bytes(32),
      resultHash: this.random.bytes(32),
      timeMs: Date.now() + this.random.pick([0, 1_000, 2 ** 40]),
    };
    const { chainId } = this.network.layout.genesis;
    const signature = this.key.sign(headSigningBytes({ ...statement, chainId }));
    const signed = { ...statement, publicKey: this.key.publicKey, signature };
    return this.say({ kind: "heads", bytes: encodeHeadStatement(signed) });
  }

  private batchOf(transactions: readonly Uint8Array[]): Uint8Array {
    this.sequence += 1;
    const { chainId } = this.network.layout.genesis;
    const body = encodeBatchBody({ chainId, origin: this.key.publicKey, sequence: this.sequence, transactions });
    return encodeBatch(body, this.key.sign(batchSigningBytes(batchDigestOf(body))));
  }

  /** Valid as batches go, and useless: the same transactions under ever new digests, more than anybody can check. */
  private async junkBatches(): Promise<void> {
    const junk = this.network.note(`junk-${this.random.next()}`).bytes;
    const transactions = Array.from({ length: JUNK_TRANSACTIONS }, () => junk);
    for (let batch = 0; batch < 20; batch += 1) await this.say({ kind: "batches", bytes: this.batchOf(transactions) });
  }

  private invalidBatch(): Promise<void> {
    const damaged = Uint8Array.from(this.network.note(`bad-${this.random.next()}`).bytes);
    damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
    return this.say({ kind: "batches", bytes: this.batchOf([damaged]) });
  }

  /** Accuses an honest validator with a batch that it signed and that is valid, or that we signed. */
  private async forgedEvidence(): Promise<void> {
    const heard = this.gossip.filter(({ kind }) => kind === "batches");
    const victim = this.random.pick(this.network.layout.genesis.validators).publicKey;
    const batch = heard.length > 0 ? this.random.pick(heard).bytes : this.random.bytes(300);
    const bytes = this.random.chance(500) ? batch : this.batchOf([this.random.bytes(200)]);
    await this.say({ kind: "evidence", bytes: encodeInvalidBatch(victim, bytes) });
  }

  // ---- requests ----

  /** Everything from the beginning, over and over, and some that mean nothing. */
  private async requests(): Promise<void> {
    const payloads: readonly (readonly [RequestProtocol, Uint8Array])[] = [
      ["sync", encode([1])],
      ["sync", encode([this.random.below(this.height + 3)])],
      ["sync", this.random.bytes(40)],
      ["fetch", encode(Array.from({ length: 256 }, () => this.random.bytes(32)))],
      ["fetch", encode([EMPTY_BYTES])],
      ["fetch", mutated(this.random, encode([this.random.bytes(32)]))],
    ];
    const asked = this.peers.peers().flatMap(({ peerId }) =>
      payloads.map(async ([protocol, payload]) => {
        const bytes = await this.peers.request(peerId, protocol, payload, { timeoutMs: REQUEST_MS });
        this.keep(this.answers, { kind: protocol, bytes });
      }),
    );
    await Promise.allSettled(asked);
  }

  get name(): string {
    return toHex(this.key.publicKey);
  }
}
