// A lying validator on a real node: it follows with the real chain, proposes blocks that it builds and spoils, withholds and
// forges batches, and lies in answers, heads and evidence. Everything the formats allow but the others' signatures.

import { encodeEvidence } from "../../../src/consensus/evidence.ts";
import { LedgerError } from "../../../src/errors.ts";
import { makeCertificate } from "../../../src/ledger/certificate.ts";
import { decode, encode, type Value } from "../../../src/ledger/codec.ts";
import {
  batchDigestOf,
  batchSigningBytes,
  decodeBatch,
  encodeBatch,
  encodeBatchBody,
} from "../../../src/ledger/format-batch.ts";
import { blockHashOf, encodeProposal } from "../../../src/ledger/format-block.ts";
import {
  decodeHeadRequest,
  encodeCertificate,
  encodeHeadAnswer,
  encodeHeadStatement,
  headAnswerSigningBytes,
  headSigningBytes,
} from "../../../src/ledger/format-vote.ts";
import { type Hash, hashTagged, toHex } from "../../../src/ledger/hash.ts";
import type { Batch, Proposal } from "../../../src/ledger/types.ts";
import { chooseBatches } from "../../../src/node/block-builder.ts";
import type { CheckedBlock } from "../../../src/node/chain.ts";
import { decodeSnapshotRequest, encodeSnapshotRequest } from "../../../src/node/snapshot-answers.ts";
import type { PeerHandlers, PeerId, PeerNetwork, RequestProtocol, VoteRecordStore } from "../../../src/ports.ts";
import { Attacker, type Den } from "../attacker.ts";
import type { Random } from "../random.ts";
import type { Member } from "./member.ts";
import type { SimNetwork } from "./network.ts";
import type { Feigned } from "./plan.ts";
import { Poisoner } from "./poison.ts";
import { spoilAnswer, spoilBytes, spoilHeader, twinOf } from "./spoil.ts";
import type { World } from "./world.ts";

/** What it has made and shows to whom it likes. */
const SECRETS_MAX = 16;
/** Beyond what the follower on its machine numbers. */
const FIRST_SEQUENCE = 1_000_000;
/** A lying follower signs no votes through the real signer: it has no record. */
export const NO_RECORD: VoteRecordStore = {
  load: async () => ({ kind: "missing" }),
  save: () => Promise.reject(new LedgerError("VOTE_RECORD_CORRUPT")),
  close: async () => undefined,
};

export class Liar {
  readonly hasRecord = false;
  private readonly world: World;
  private readonly member: Member;
  private readonly lie: Feigned;
  private readonly random: Random;
  private readonly attacker: Attacker;
  private readonly poisoner: Poisoner;
  private readonly secrets = new Map<string, Batch>();
  /** headers that say what is not so, by their blocks: what they would give is no secret to who made them */
  private readonly spoiled = new Map<string, CheckedBlock>();
  /** how often a header of its own says what is not so */
  private readonly spoilPermille: number;
  private sequence = 0;

  constructor(world: World, member: Member, lie: Feigned) {
    this.world = world;
    this.member = member;
    this.lie = lie;
    this.random = world.random;
    this.spoilPermille = this.random.pick([100, 300, 700]);
    this.attacker = new Attacker(this.den(), lie);
    this.poisoner = new Poisoner(world.random, world.cast.genesis.chainId);
  }

  /** Its blocks are built here, not by the follower on its machine. */
  bend(): void {}

  start(): void {
    this.attacker.start();
    if (this.lie !== "silent") this.actLater();
  }

  /** The network as the follower on this machine sees it: the liar listens first and answers in its place. */
  around(network: SimNetwork): PeerNetwork {
    return {
      start: (handlers) => network.start(this.handlersOver(handlers)),
      stop: () => network.stop(),
      send: (peer, bytes) => network.send(peer, bytes),
      publish: async (topic, bytes) => {
        // A censor's clients wait in vain, and its own proofs reach nobody.
        if (this.lie !== "silent" && this.random.chance(700)) await network.publish(topic, bytes);
      },
      request: (peer, protocol, payload, options) => network.request(peer, protocol, payload, options),
      setMembers: (members) => network.setMembers(members),
      penalise: () => undefined,
      peers: () => network.peers(),
    };
  }

  private handlersOver(handlers: PeerHandlers): PeerHandlers {
    return {
      ...handlers,
      onFrame: (peer, bytes) => {
        handlers.onFrame(peer, bytes);
        if (this.member.isUp) this.attacker.observe(bytes);
      },
      onRequest: (protocol, peer, payload) => this.answer(handlers, protocol, peer, payload),
    };
  }

  // ---- answers ----

  private async answer(
    handlers: PeerHandlers,
    protocol: RequestProtocol,
    peer: PeerId,
    payload: Uint8Array,
  ): Promise<Uint8Array> {
    const { random } = this;
    if (random.chance(200)) throw new LedgerError("PEER_REFUSED");
    if (random.chance(100)) return random.bytes(random.below(300));
    if (protocol === "fetch") {
      const secret = this.askedFor(payload);
      if (secret !== undefined) return this.answerSecret(secret);
      // Another batch than the one that was asked for, and a good one.
      const others = [...this.waiting(), ...this.secrets.values()];
      if (others.length > 0 && random.chance(150)) return encode([random.pick(others).bytes]);
    }
    if (protocol === "head" && this.lie !== "silent") return this.forgeHeadAnswer(payload);
    const poison = protocol === "sync" && this.lie !== "silent" ? decodeSnapshotRequest(payload) : undefined;
    if (poison !== undefined) {
      const other = this.poisoner.insteadOf(poison);
      const instead = other === undefined ? payload : encodeSnapshotRequest(other);
      const truth = await handlers.onRequest(protocol, peer, instead).catch(() => undefined);
      return truth !== undefined && other !== undefined ? truth : this.poisoner.answer(poison, truth);
    }
    const forged = protocol === "sync" && random.chance(500) ? this.forgeBlock(payload) : undefined;
    if (forged !== undefined) return forged;
    const truth = await handlers.onRequest(protocol, peer, payload).catch(() => encode([]));
    if (this.lie === "silent" || random.chance(400)) return truth;
    return protocol === "sync" && random.chance(700) ? spoilAnswer(random, truth) : spoilBytes(random, truth);
  }

  /** The batch that it made, nothing, or one that differs from it in nothing but its number. */
  private answerSecret(secret: Batch): Uint8Array {
    const { random } = this;
    const roll = random.below(3);
    if (roll === 0) return encode([]);
    if (roll === 1) return encode([secret.bytes]);
    const { key } = this.member.operator;
    this.sequence += 1;
    return encode([twinOf(secret, FIRST_SEQUENCE + this.sequence, (message) => key.sign(message))]);
  }

  /** What a key that lost its record asks for: a height long past, one that does not exist, or another's word. */
  private forgeHeadAnswer(payload: Uint8Array): Uint8Array {
    const { random, member, world } = this;
    const asked = decodeHeadRequest(payload);
    const { chain } = member.participant ?? {};
    if (!asked.ok || chain === undefined) return random.bytes(40);
    const { chainId } = world.cast.genesis;
    const { head } = chain;
    const height = random.pick([head.height, Math.max(0, head.height - random.between(1, 4)), head.height + 1_000_000]);
    const past = height >= Math.max(1, chain.store.firstHeight) ? chain.store.loadBlock(height) : undefined;
    const blockHash = past === undefined ? (height === 0 ? chainId : random.bytes(32)) : blockHashOf(past.headerBytes);
    const statement = { height, blockHash, resultHash: random.chance(500) ? head.resultHash : random.bytes(32) };
    const nonce = random.chance(850) ? asked.value : random.bytes(32);
    const { key } = member.operator;
    const { publicKey } = random.chance(850) ? key : random.pick(world.cast.operators).key;
    const signature = key.sign(headAnswerSigningBytes({ ...statement, chainId, nonce }));
    return encodeHeadAnswer({ ...statement, publicKey, signature });
  }

  /** The next block, made here, with a certificate in the others' names: what one would believe who counts and does not verify. */
  private forgeBlock(payload: Uint8Array): Uint8Array | undefined {
    const asked = decode(payload);
    const height = asked.ok && Array.isArray(asked.value) ? (asked.value as readonly Value[])[0] : undefined;
    const { participant } = this.member;
    if (participant === undefined || participant.chain.head.height + 1 !== height) return undefined;
    const { chain } = participant;
    const batches = this.waiting().slice(0, 2);
    const secret = this.makeBatch();
    if (secret !== undefined) batches.push(secret);
    const timeMs = Math.max(chain.head.timeMs + 1, Math.floor(this.world.ledgerMs));
    const block = chain.build({ view: 0, proposer: this.member.operator.key.publicKey, timeMs, batches });
    if (block === undefined) return undefined;
    const { resultBytes, resultHash } = chain.execute(block);
    const { blockHash } = block.proposal;
    const votes = chain.head.validators.map((_, signer) => ({ signer, signature: this.random.bytes(64) }));
    const facts = { height, view: 0, blockHash, resultHash, validatorCount: votes.length, votes };
    const certificate = encodeCertificate(makeCertificate(facts));
    return encode([[encodeProposal(block.proposal), resultBytes, certificate, batches.map(({ bytes }) => bytes)]]);
  }

  private askedFor(payload: Uint8Array): Batch | undefined {
    const asked = decode(payload);
    const digests = asked.ok && Array.isArray(asked.value) ? (asked.value as readonly Value[]) : [];
    const hexes = digests.map((digest) => (digest instanceof Uint8Array ? toHex(digest) : ""));
    return hexes.map((hex) => this.secrets.get(hex)).find((batch) => batch !== undefined);
  }

  // ---- gossip ----

  private actLater(): void {
    this.world.timeline.after(this.random.between(300, this.world.isCalm ? 8_000 : 2_000), () => {
      if (this.member.isUp) this.gossip();
      this.actLater();
    });
  }

  private gossip(): void {
    const { random } = this;
    const { network } = this.member;
    const peers = random.shuffled(network?.peers() ?? []).filter(() => random.chance(600));
    const spread = (topic: "batches" | "heads" | "evidence", bytes: Uint8Array) => {
      for (const { peerId } of peers) network?.gossipTo(peerId, topic, bytes);
    };
    switch (random.below(5)) {
      case 0:
        return spread("heads", this.forgedHead());
      case 1:
        return spread("evidence", this.forgedEvidence());
      case 2:
        return spread(random.pick(["batches", "heads", "evidence"] as const), random.bytes(random.below(400)));
      default: {
        const batch = this.makeBatch();
        if (batch !== undefined) spread("batches", batch.bytes);
      }
    }
  }

  /** A height that nobody has, or another block of one that everybody has. */
  private forgedHead(): Uint8Array {
    const { random, member, world } = this;
    const { key } = member.operator;
    const height = Math.max(1, member.height + random.pick([-3, 0, 1, 5, 1_000_000]));
    const timeMs = Math.floor(world.ledgerMs + random.pick([0, -60_000, 60_000]));
    const statement = { height, blockHash: random.bytes(32), resultHash: random.bytes(32), timeMs };
    const signature = key.sign(headSigningBytes({ ...statement, chainId: world.cast.genesis.chainId }));
    return encodeHeadStatement({ ...statement, publicKey: key.publicKey, signature });
  }

  /** Two votes that an honest key never made. */
  private forgedEvidence(): Uint8Array {
    const { random, world } = this;
    const offender = random.pick(world.cast.operators).key.publicKey;
    const height = Math.max(1, this.member.height);
    const statements = [1, 2].map((byte) => ({
      kind: "prepare" as const,
      height,
      view: 0,
      blockHash: hashTagged("DOCUMENT", Uint8Array.of(byte)),
      resultHash: new Uint8Array(0),
      signer: 0,
      signature: random.bytes(64),
    }));
    return encodeEvidence({ rule: "TWO_VOTES", height, offender, statements });
  }

  // ---- batches ----

  /** A batch of its own: old transactions again, others' transactions, expired ones, forged ones; kept from some or from all. */
  private makeBatch(): Batch | undefined {
    const { random, world, member } = this;
    const { orders: all } = world.clients;
    const open = all.filter(({ hex }) => !world.checkers.receipts.has(hex));
    const orders = random.shuffled(random.chance(600) ? open : all).slice(0, random.between(1, 4));
    if (orders.length === 0) return undefined;
    const transactions = orders.map(({ bytes }) => {
      if (!random.chance(80)) return bytes;
      const forged = bytes.slice();
      forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
      return forged;
    });
    this.sequence += 1;
    const { key } = member.operator;
    const place = {
      chainId: world.cast.genesis.chainId,
      origin: key.publicKey,
      sequence: FIRST_SEQUENCE + this.sequence,
    };
    const body = encodeBatchBody({ ...place, transactions });
    const signature = random.chance(150) ? random.bytes(64) : key.sign(batchSigningBytes(batchDigestOf(body)));
    const decoded = decodeBatch(encodeBatch(body, signature));
    if (!decoded.ok) return undefined;
    this.secrets.set(toHex(decoded.value.digest), decoded.value);
    const [oldest] = this.secrets.keys();
    if (this.secrets.size > SECRETS_MAX && oldest !== undefined) this.secrets.delete(oldest);
    return decoded.value;
  }

  // ---- blocks ----

  private den(): Den {
    const { world, member, random } = this;
    const liar = this;
    return {
      random,
      chainId: world.cast.genesis.chainId,
      key: member.operator.key,
      others: world.cast.operators.map((_, index) => index).filter((index) => index !== member.index),
      get isCalm() {
        return world.isCalm;
      },
      isPatient: random.chance(500),
      get isUp() {
        return member.isUp;
      },
      get clockMs() {
        return Math.floor(world.ledgerMs);
      },
      get head() {
        return liar.chain.head;
      },
      after: (delayMs, run) => world.timeline.after(delayMs, run),
      read: (bytes) => world.checkers.read(bytes),
      send: (to, bytes) => member.network?.send(world.cast.operators[to]?.peerId ?? "", bytes),
      knownDigests: () => this.waiting().map(({ digest }) => digest),
      buildProposal: (parts) => this.buildProposal(parts),
      resultOf: (proposal) => this.resultOf(proposal),
    };
  }

  private get chain() {
    const { participant } = this.member;
    if (participant === undefined) throw new Error("a liar acts while its node is up");
    return participant.chain;
  }

  private waiting(): Batch[] {
    const { participant } = this.member;
    if (participant === undefined) return [];
    const { chain, pool } = participant;
    const view = { isCommitted: (id: Hash) => chain.replay.has(id), headTimeMs: chain.head.timeMs };
    const timeMs = Math.max(chain.head.timeMs + 1, Math.floor(this.world.ledgerMs));
    return [...pool.includable(view, timeMs, chain.windowMs)];
  }

  private buildProposal({ view, timeMs }: { readonly view: number; readonly timeMs: number }): Proposal | undefined {
    // A program that the protocol has outgrown cannot say what a block of its own would execute.
    if (this.chain.isOutgrown) return undefined;
    const { random } = this;
    const waiting = this.waiting().filter(() => random.chance(700));
    // Within the limits mostly: a block that is too large takes nothing else to its goal.
    const batches = random.chance(850) ? [...chooseBatches(waiting, this.chain.head.parameters)] : waiting.slice(0, 4);
    const secret = random.chance(200) ? this.makeBatch() : undefined;
    if (secret !== undefined) batches.push(secret);
    const proposer = this.member.operator.key.publicKey;
    // Whole in itself, and ahead of every clock.
    const aheadMs = random.chance(100) ? random.between(3_000, 15_000) : 0;
    const block = this.chain.build({ view, proposer, timeMs: timeMs + aheadMs, batches });
    if (block === undefined || !random.chance(this.spoilPermille)) return block?.proposal;
    const proposal = spoilHeader(random, block.proposal);
    if (this.spoiled.size >= SECRETS_MAX) this.spoiled.clear();
    this.spoiled.set(toHex(proposal.blockHash), { ...block, proposal });
    return proposal;
  }

  private resultOf({ blockHash, header }: Proposal): Hash {
    const { chain } = this;
    const checked = chain.checkedBlock(blockHash) ?? this.spoiled.get(toHex(blockHash));
    const isNext = header.height === chain.head.height + 1 && header.protocol === chain.head.parameters.protocol;
    if (checked === undefined || !isNext || !chain.isSettled) return hashTagged("RESULT", blockHash);
    return chain.execute(checked).resultHash;
  }
}
