// The forks that the rule about a lost vote record prevents, played with real replicas and the real signer's rules: once as
// the rule has it, and once with one word of it changed. The liar is a key whose owner runs it twice and forgets on purpose.

import { describe, expect, it } from "vitest";
import { encodeVote } from "../../../src/consensus/messages.ts";
import { mayAnswerHead, Recovery, type RecoveryEffect, type RecoveryEvent } from "../../../src/consensus/recovery.ts";
import { emptyVoteRecord, lostVoteRecord, type VoteRecord } from "../../../src/consensus/vote-record.ts";
import { validatorsHashOf } from "../../../src/ledger/format-cluster.ts";
import {
  decodeHeadRequest,
  encodeHeadAnswer,
  headAnswerSigningBytes,
  voteSigningBytes,
} from "../../../src/ledger/format-vote.ts";
import { EMPTY_BYTES, hashTagged, toHex, ZERO_HASH } from "../../../src/ledger/hash.ts";
import { type Actor, read, Stage } from "../../scenarios/stage.ts";

/** The disk of the votes is gone, and that of the ledger with it. */
function loseDisks(stage: Stage, actor: Actor): void {
  const { chainId } = stage.facts;
  actor.blocks.length = 0;
  actor.record = lostVoteRecord({ chainId, publicKey: actor.key.publicKey }, 1);
}

/** What that actor says of its head; undefined: the rule forbids it to say anything. */
type Witness = (asked: Actor) => number | undefined;

const honestly: Witness = (asked) =>
  mayAnswerHead(asked.record, asked.blocks.length).ok ? asked.blocks.length : undefined;

/** Runs the recovery of an actor as far as it comes, with its own chain as it is now. */
function recover(stage: Stage, actor: Actor, witness: Witness): VoteRecord {
  const { chainId } = stage.facts;
  const validators = stage.headOf(actor).validators;
  const blockHashAt = (height: number) => (height === 0 ? chainId : actor.blocks[height - 1]?.proposal.blockHash);
  const chain = {
    get head() {
      return stage.headOf(actor);
    },
    blockHashAt,
    validatorsHashAt: (height: number) =>
      actor.blocks[height - 1] === undefined ? undefined : validatorsHashOf(validators),
  };
  const recovery = new Recovery({ chainId, chain, record: actor.record, verify: stage.keys.verify });
  const perform = (effect: RecoveryEffect): void => {
    if (effect.kind === "drawNonce") return push({ kind: "nonceDrawn", nonce: hashTagged("DOCUMENT", EMPTY_BYTES) });
    if (effect.kind === "saveRecord") {
      actor.record = effect.record;
      return push({ kind: "recordSaved" });
    }
    if (effect.kind !== "ask") return;
    const asked = stage.actors.find(({ key }) => key.hex === effect.to);
    const nonce = decodeHeadRequest(effect.bytes);
    const height = asked && witness(asked);
    if (asked === undefined || !nonce.ok || height === undefined) return;
    const block = asked.blocks[height - 1];
    const head = {
      height,
      blockHash: block?.proposal.blockHash ?? chainId,
      resultHash: block?.resultHash ?? ZERO_HASH,
    };
    const { publicKey } = asked.key;
    const signature = asked.key.sign(headAnswerSigningBytes({ ...head, chainId, nonce: nonce.value }));
    push({ kind: "answered", from: asked.key.hex, bytes: encodeHeadAnswer({ ...head, publicKey, signature }) });
  };
  const push = (event: RecoveryEvent): void => {
    for (const effect of recovery.step(event)) perform(effect);
  };
  push({ kind: "headMoved" });
  return actor.record;
}

function copyBlocks(from: Actor, to: Actor, height: number): void {
  to.blocks.splice(0, to.blocks.length, ...from.blocks.slice(0, height));
}

function hashAt(actor: Actor, height: number): string {
  const block = actor.blocks[height - 1];
  return block === undefined ? "none" : toHex(block.proposal.blockHash);
}

describe("two disks that are lost one after the other", () => {
  /**
   * Actors 1 and 2 and the liar 0 decide four heights without 3; only 1 learns that the fourth is decided. Then 1 loses its
   * disks, and later 2. The liar says it knows nothing and brings 2 and 3 up to the third height.
   */
  function play(witness: Witness): { stage: Stage; decided: string } {
    const stage = new Stage();
    const [liar, first, second, cutOff] = [0, 1, 2, 3].map((index) => stage.actor(index)) as [
      Actor,
      Actor,
      Actor,
      Actor,
    ];
    stage.start();
    stage.cutOff(3);
    for (const name of ["one", "two", "three"]) {
      stage.offer(name, [0, 1, 2]);
      stage.run();
    }
    stage.offer("four", [0, 1, 2]);
    for (let round = 0; round < 4; round += 1) stage.deliver(({ kind }, { to }) => kind !== "commit" || to === 1);
    expect([liar, first, second, cutOff].map(({ blocks }) => blocks.length)).toEqual([3, 4, 3, 0]);
    const decided = hashAt(first, 4);
    const threeBlocks = { ...second, blocks: [...second.blocks] };

    for (const index of [0, 1, 2, 3]) stage.crash(index);
    loseDisks(stage, first);
    loseDisks(stage, second);
    recover(stage, second, (asked) => (asked === liar ? 0 : witness(asked)));
    for (const actor of [second, cutOff]) copyBlocks(threeBlocks, actor, 3);
    recover(stage, second, (asked) => (asked === liar ? 0 : witness(asked)));
    liar.record = emptyVoteRecord({ chainId: stage.facts.chainId, publicKey: liar.key.publicKey });
    stage.heal();
    for (const index of [0, 2, 3]) stage.restart(index);
    stage.offer("another", [0, 2, 3]);
    stage.run();
    return { stage, decided };
  }

  it("S18: fork, if the first answers the second while it recovers", () => {
    const { stage, decided } = play((asked) => asked.blocks.length);
    expect(stage.actor(2).blocks).toHaveLength(4);
    expect(hashAt(stage.actor(2), 4)).toBe(hashAt(stage.actor(3), 4));
    expect(hashAt(stage.actor(2), 4), "two certified blocks at one height").not.toBe(decided);
  });

  it("S18: do not fork as long as a key that recovers says nothing of its head: the second stays silent", () => {
    const { stage } = play(honestly);
    expect(stage.actor(2).record.mustNotSign).toBe("RECORD_LOST");
    expect(stage.actors.map(({ blocks }) => blocks.length)).toEqual([3, 0, 3, 3]);
  });
});

describe("the floor", () => {
  /**
   * Height 1 is certified at actor 0 alone, which goes on to propose at height 2 and loses its disks. The others say 0, and
   * it gets its head back from their COMMITs. Actor 3 has kept its first PRE-PREPARE.
   */
  function play(floorAboveHeads: number): Stage {
    const stage = new Stage();
    stage.start();
    stage.offer("one");
    for (let round = 0; round < 4; round += 1) stage.deliver(({ kind }, { to }) => kind !== "commit" || to === 0);
    const loser = stage.actor(0);
    expect(stage.actors.map(({ blocks }) => blocks.length)).toEqual([1, 0, 0, 0]);
    const head = [...loser.blocks];
    stage.lose();
    stage.offer("before", [0]);
    const kept = stage.flights.find(({ bytes, to }) => to === 3 && read(bytes).kind === "prePrepare");
    if (kept === undefined) throw new Error("nothing was proposed");
    for (const index of [0, 1, 2, 3]) stage.crash(index);
    loseDisks(stage, loser);
    expect(recover(stage, loser, honestly).floorHeight).toBe(3);
    // As if the rule had another number in it.
    const floorHeight = floorAboveHeads;
    const isOver = 1 >= floorHeight - 1;
    loser.record = { ...loser.record, floorHeight, mustNotSign: isOver ? undefined : "RECORD_LOST" };
    for (const actor of stage.actors) actor.blocks.splice(0, actor.blocks.length, ...head);
    for (const index of [0, 1, 2, 3]) stage.restart(index);
    stage.run();
    stage.hand(1, 3, kept.bytes);
    stage.offer("after", [0]);
    return stage;
  }

  it("S17: at two above what the others know, an honest key contradicts itself, and one view has two prepared blocks", () => {
    const stage = play(2);
    const [, first, second, liar] = stage.actors as [Actor, Actor, Actor, Actor];
    stage.deliver(({ kind }, { to }) => kind === "prePrepare" && to === 2);
    // The liar votes for both.
    const vote = (actor: Actor, name: "prepare"): void => {
      const hash = actor.record.proposals[0]?.blockHash ?? EMPTY_BYTES;
      const place = { kind: name, height: 2, view: 0, blockHash: hash, resultHash: EMPTY_BYTES } as const;
      const { chainId } = stage.facts;
      const validatorsHash = validatorsHashOf(stage.headOf(actor).validators);
      const signature = liar.key.sign(voteSigningBytes({ ...place, chainId, validatorsHash }));
      stage.hand(actor.index, 3, encodeVote({ ...place, signer: 3, signature }));
    };
    stage.lose();
    vote(first, "prepare");
    vote(second, "prepare");
    const locks = [first, second].map(({ record }) => record.lock);
    expect(locks.map((lock) => lock?.view)).toEqual([0, 0]);
    const [one, other] = locks.map((lock) => toHex(lock?.blockHash ?? EMPTY_BYTES));
    expect(one).not.toBe(other);
    for (const { bytes } of proposalsOf(stage, 0)) stage.hand(1, 0, bytes);
    expect(first.reports).toContainEqual(expect.objectContaining({ kind: "evidence", rule: "TWO_VOTES" }));
  });

  it("S17: at three above it the key stays silent at that height, and nothing contradicts what it signed before", () => {
    const stage = play(3);
    expect(stage.actor(0).replica.status().role).toBe("follower");
    expect(proposalsOf(stage, 0)).toEqual([]);
    expect(stage.actor(0).record.position).toBeUndefined();
  });
});

/** The newest PRE-PREPARE of an actor for height 2, as it sends it again. */
function proposalsOf(stage: Stage, index: number): readonly { readonly bytes: Uint8Array }[] {
  const actor = stage.actor(index);
  return actor.record.frames.filter((bytes) => read(bytes).kind === "prePrepare").map((bytes) => ({ bytes }));
}

describe("a key that has come back", () => {
  it("C90: votes at the height in flight at once, and the network counts on it", () => {
    const stage = new Stage();
    const actor = stage.actor(1);
    actor.record = lostVoteRecord({ chainId: stage.facts.chainId, publicKey: actor.key.publicKey }, 1);
    stage.restart(1);
    stage.start();
    expect(actor.replica.status().role).toBe("follower");
    stage.offer("one");
    stage.run();
    stage.offer("two");
    stage.run();
    expect(stage.actors.map(({ blocks }) => blocks.length)).toEqual([2, 2, 2, 2]);
    expect(actor.record.position).toBeUndefined();
    recover(stage, actor, () => 0);
    expect(actor.record).toMatchObject({ floorHeight: 5 });
    actor.record = { ...actor.record, floorHeight: 3, mustNotSign: undefined };
    stage.cutOff(3);
    stage.offer("three");
    stage.run();
    expect(actor.blocks, "three of four are needed, and one of these is silent").toHaveLength(2);
    stage.step(actor, { kind: "recordRecovered", record: actor.record });
    // The first of these timers was set at height 1, and only sets the next.
    for (const index of [0, 2, 0, 2]) stage.fire(index, "resend");
    stage.run();
    expect([0, 1, 2].map((index) => stage.actor(index).blocks.length)).toEqual([3, 3, 3]);
    expect(actor.record.height).toBe(3);
  });
});
