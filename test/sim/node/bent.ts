// Validators that run the real node with a real vote record, and bend what leaves it: a censor, a front-runner and a slow primary, which
// keep every rule that can be checked, and a mutator, which changes its own messages in small scope (ByzzFuzz, OOPSLA 2023).

import {
  type ConsensusMessage,
  decodeMessage,
  encodePrePrepare,
  encodeSuspect,
  encodeViewChange,
  encodeVote,
} from "../../../src/consensus/messages.ts";
import { suspectSigningBytes, viewChangeSigningBytes } from "../../../src/consensus/view-formats.ts";
import { faultBound } from "../../../src/ledger/certificate.ts";
import { blockHashOf, encodeHeader, encodeProposal } from "../../../src/ledger/format-block.ts";
import { validatorsHashOf } from "../../../src/ledger/format-cluster.ts";
import { encodeCertificate, voteSigningBytes } from "../../../src/ledger/format-vote.ts";
import { bytesEqual, EMPTY_BYTES, type Hash } from "../../../src/ledger/hash.ts";
import type { Batch, Vote } from "../../../src/ledger/types.ts";
import type { Participant } from "../../../src/node/participant.ts";
import type { PeerId, PeerNetwork } from "../../../src/ports.ts";
import type { Random } from "../random.ts";
import type { Member } from "./member.ts";
import type { Bend } from "./plan.ts";
import type { World } from "./world.ts";

/** In how many heights a mutator mutates: few, so that it is not simply silent. */
const HEIGHTS_BENT_MAX = 6;
const OLD_FRAMES_MAX = 64;
/** A censored transaction waits no longer in a network that goes on, for each primary that may lie. */
const CENSORED_MS_MAX = 15_000;
const BUSY_MS = 300;

export class Bent {
  readonly hasRecord = true;
  private readonly world: World;
  private readonly member: Member;
  private readonly bendKind: Bend;
  private readonly random: Random;
  /** a censor's victim; a slow primary's delay */
  private readonly victim: Uint8Array;
  private readonly heldMs: number;
  private readonly bentHeights: ReadonlySet<number>;
  private readonly hashes: Hash[] = [];
  private readonly oldFrames: Uint8Array[] = [];

  constructor(world: World, member: Member, bendKind: Bend) {
    this.world = world;
    this.member = member;
    this.bendKind = bendKind;
    this.random = world.random;
    const others = world.cast.operators.filter(({ hex }) => hex !== member.operator.hex);
    this.victim = this.random.pick(others).key.publicKey;
    this.heldMs = this.random.pick([50, 300, 550, 2_000, 9_000]);
    this.bentHeights = new Set(Array.from({ length: HEIGHTS_BENT_MAX }, () => this.random.between(1, 30)));
  }

  start(): void {
    if (this.bendKind !== "censor") return;
    this.world.timeline.after(this.world.plan.calmFromMs + 1, () => this.watchVictim(this.world.checkers.height));
  }

  /** Once blocks come again in calm, what only the victim was given is executed, too, while others keep the network busy. */
  private watchVictim(heightAtCalm: number): void {
    const { world } = this;
    const victim = world.members.find(({ operator }) => bytesEqual(operator.key.publicKey, this.victim));
    if (victim === undefined || world.isLiar(victim.index) || world.isSettled) return;
    if (victim.api === undefined || world.checkers.height < heightAtCalm + 3) {
      world.timeline.after(500, () => this.watchVictim(heightAtCalm));
      return;
    }
    const [person] = world.cast.clients;
    if (person === undefined) return;
    const call = { contract: "purse", action: "transfer", args: { to: person.account, fen: 1 } };
    const order = world.clients.sign(person, call, world.checkers.windowMs - 3_000, victim.index);
    const endMs = world.timeline.nowMs + CENSORED_MS_MAX * (1 + faultBound(world.plan.validatorCount));
    const look = (): void => {
      if (world.checkers.receipts.has(order.hex)) return;
      // N232: who is voted out drops what it was given.
      if (victim.participant?.isSeated === false) return world.clients.withdraw(order);
      if (world.timeline.nowMs > endMs)
        return world.fail(`censorship: ${order.hex.slice(0, 8)} of node ${victim.index} waits`);
      world.clients.act(this.random.pick(world.cast.clients), 1);
      world.timeline.after(BUSY_MS, look);
    };
    // A victim that has no seat (any more) takes nothing.
    victim.api.submit(order.bytes).then(look, () => world.clients.withdraw(order));
  }

  /** What the primary on this machine takes into its blocks. */
  bend(participant: Participant): void {
    const { pool } = participant;
    const includable = pool.includable.bind(pool);
    if (this.bendKind === "censor")
      pool.includable = (view, timeMs, windowMs) =>
        includable(view, timeMs, windowMs).filter(({ origin }) => !bytesEqual(origin, this.victim));
    if (this.bendKind === "frontRunner")
      pool.includable = (view, timeMs, windowMs) => this.ownFirst(includable(view, timeMs, windowMs));
  }

  /** Its own batches first and what came last before what came earlier; now and then a part has to wait. */
  private ownFirst(batches: readonly Batch[]): readonly Batch[] {
    const { publicKey } = this.member.operator.key;
    const isOwn = ({ origin }: Batch) => bytesEqual(origin, publicKey);
    const others = batches.filter((batch) => !isOwn(batch)).reverse();
    const kept = this.random.chance(300) ? others.slice(0, this.random.below(others.length + 1)) : others;
    return [...batches.filter(isOwn), ...kept];
  }

  around(network: PeerNetwork): PeerNetwork {
    const send = (peer: PeerId, bytes: Uint8Array): boolean => this.sendBent(network, peer, bytes);
    return {
      start: (handlers) =>
        network.start({
          ...handlers,
          onFrame: (peer, bytes) => {
            this.observe(bytes);
            handlers.onFrame(peer, bytes);
          },
        }),
      stop: () => network.stop(),
      send,
      publish: (topic, bytes) => network.publish(topic, bytes),
      request: (peer, protocol, payload, options) => network.request(peer, protocol, payload, options),
      setMembers: (members) => network.setMembers(members),
      penalise: () => undefined,
      peers: () => network.peers(),
    };
  }

  private observe(bytes: Uint8Array): void {
    const message = decodeMessage(bytes);
    if (!message.ok || this.bendKind !== "mutator") return;
    if (message.value.kind === "prePrepare") this.hashes.push(message.value.block.proposal.blockHash);
    if (this.oldFrames.length < OLD_FRAMES_MAX) this.oldFrames.push(bytes);
    else this.oldFrames[this.random.below(OLD_FRAMES_MAX)] = bytes;
  }

  private sendBent(network: PeerNetwork, peer: PeerId, bytes: Uint8Array): boolean {
    const message = decodeMessage(bytes);
    if (!message.ok) return network.send(peer, bytes);
    if (this.bendKind === "slow" && message.value.kind === "prePrepare") {
      this.member.life?.after(this.heldMs, () => network.send(peer, bytes));
      return true;
    }
    const isBent = this.bendKind === "mutator" && this.bentHeights.has(message.value.height) && this.random.chance(300);
    if (!isBent) return network.send(peer, bytes);
    const mutant = this.mutate(message.value);
    return mutant === undefined || network.send(peer, mutant);
  }

  /** One part of the message is another one; undefined: it is not sent at all. */
  private mutate(message: ConsensusMessage): Uint8Array | undefined {
    const { random } = this;
    if (random.chance(150)) return undefined;
    if (random.chance(150) && this.oldFrames.length > 0) return random.pick(this.oldFrames);
    const { participant } = this.member;
    if (participant === undefined) return undefined;
    const { head } = participant.chain;
    const { height } = message;
    const place = {
      chainId: this.world.cast.genesis.chainId,
      height,
      validatorsHash: validatorsHashOf(head.validators),
    };
    const { key } = this.member.operator;
    const view = Math.max(0, message.view + random.pick([-1, 0, 1, 1, 7]));
    const otherHash = (hash: Hash): Hash =>
      random.chance(400) && this.hashes.length > 0 ? random.pick(this.hashes) : hash;
    switch (message.kind) {
      case "prepare":
      case "commit": {
        const { vote } = message;
        const resultHash = vote.kind === "commit" && random.chance(300) ? random.bytes(32) : vote.resultHash;
        const mutated: Vote = { ...vote, view, blockHash: otherHash(vote.blockHash), resultHash };
        return encodeVote({ ...mutated, signature: key.sign(voteSigningBytes({ ...mutated, ...place })) });
      }
      case "suspect": {
        const waitingFor = random.chance(300) ? [random.bytes(32)] : message.suspect.waitingFor;
        const signature = key.sign(suspectSigningBytes({ ...place, view, waitingFor }));
        return encodeSuspect(height, view, { ...message.suspect, waitingFor, signature });
      }
      case "viewChange": {
        // The lock is forgotten, or it is of another view than its certificate.
        const { viewChange, certificate, block, suspicion } = message;
        const lock = viewChange.prepared;
        const prepared =
          random.chance(500) || lock === undefined
            ? undefined
            : { ...lock, view: Math.max(0, lock.view + random.pick([-1, 1])) };
        const signature = key.sign(viewChangeSigningBytes({ ...place, targetView: message.view, prepared }));
        return encodeViewChange({
          height,
          targetView: message.view,
          viewChange: { ...viewChange, prepared, signature },
          certificateBytes: prepared && certificate && encodeCertificate(certificate),
          proposalBytes: prepared && block?.bytes,
          suspicionBytes: suspicion.bytes,
        });
      }
      case "prePrepare": {
        // Another time in the same block: to some this one, to others the first.
        const { proposal } = message.block;
        const header = { ...proposal.header, timeMs: proposal.header.timeMs + random.pick([-1, 1, 1_000]) };
        const headerBytes = encodeHeader(header);
        const blockHash = blockHashOf(headerBytes);
        const proposalBytes = encodeProposal({ headerBytes, references: proposal.references });
        const vote = { kind: "prepare", view: message.view, blockHash, resultHash: EMPTY_BYTES } as const;
        const signature = key.sign(voteSigningBytes({ ...vote, ...place }));
        const newView = message.newView && {
          bytes: message.newView.content.bytes,
          signature: message.newView.signature,
        };
        return encodePrePrepare({
          height,
          view: message.view,
          proposalBytes,
          signature,
          newView,
          suspicionBytes: message.suspicion?.bytes,
        });
      }
      default:
        return undefined;
    }
  }
}
