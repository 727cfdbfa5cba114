import { describe, expect, it } from "vitest";
import type { ReplicaEffect, ReplicaEvent } from "../../../src/consensus/events.ts";
import { encodePrePrepare, encodeVote } from "../../../src/consensus/messages.ts";
import { blockHashOf, encodeHeader, encodeProposal } from "../../../src/ledger/format-block.ts";
import { validatorsHashOf } from "../../../src/ledger/format-cluster.ts";
import { voteSigningBytes } from "../../../src/ledger/format-vote.ts";
import { bytesEqual, EMPTY_BYTES, type Hash, hashTagged } from "../../../src/ledger/hash.ts";
import type { Header, Vote } from "../../../src/ledger/types.ts";
import { type Actor, ARRIVED_MS, type EffectOf, read, Stage } from "../../scenarios/stage.ts";

function opened(options: ConstructorParameters<typeof Stage>[0] = {}): Stage {
  const stage = new Stage(options);
  stage.start();
  return stage;
}

function effectsOf<Kind extends ReplicaEffect["kind"]>(
  effects: readonly ReplicaEffect[],
  kind: Kind,
): EffectOf<Kind>[] {
  return effects.filter((effect): effect is EffectOf<Kind> => effect.kind === kind);
}

function requested(actor: Actor): readonly string[] {
  return actor.held.flatMap((effect) => (effect.kind === "signVote" ? [effect.request.kind] : []));
}

/** A vote for height 1 by that validator's real key. */
function vote(
  stage: Stage,
  signer: number,
  parts: Pick<Vote, "kind" | "view" | "blockHash" | "resultHash">,
): Uint8Array {
  const actor = stage.actor(signer);
  const validatorsHash = validatorsHashOf(stage.facts.validatorsAt(1));
  const height = stage.headOf(actor).height + 1;
  const signature = actor.key.sign(
    voteSigningBytes({ ...parts, height, chainId: stage.facts.chainId, validatorsHash }),
  );
  return encodeVote({ ...parts, height, signer, signature });
}

const prepareOf = (blockHash: Hash) => ({ kind: "prepare", view: 0, blockHash, resultHash: EMPTY_BYTES }) as const;
const commitOf = (blockHash: Hash, resultHash: Hash) => ({ kind: "commit", view: 0, blockHash, resultHash }) as const;

/** The block the lead proposes at height 1, still on its way to the others. */
function proposedBlock(stage: Stage): Hash {
  const flight = stage.flights.find(({ bytes }) => read(bytes).kind === "prePrepare");
  const message = flight && read(flight.bytes);
  if (message?.kind !== "prePrepare") throw new Error("nothing proposed");
  return message.block.proposal.blockHash;
}

describe("the primary", () => {
  it("asks for a block only when there is work, and again only when it is told of work", () => {
    const stage = opened();
    const lead = stage.actor(0);
    lead.holds.add("buildBlock");
    expect(effectsOf(stage.step(lead, { kind: "workChanged", hasWork: false, waitingFor: [] }), "buildBlock")).toEqual(
      [],
    );
    expect(
      effectsOf(stage.step(lead, { kind: "workChanged", hasWork: true, waitingFor: [] }), "buildBlock").length,
    ).toBe(1);
    const nothing: ReplicaEvent = { kind: "blockBuilt", height: 1, view: 0, proposal: undefined };
    expect(
      effectsOf(stage.step(lead, { kind: "workChanged", hasWork: true, waitingFor: [] }), "buildBlock").length,
    ).toBe(0);
    expect(effectsOf(stage.step(lead, nothing), "buildBlock").length, "told of work after the builder looked").toBe(1);
    expect(effectsOf(stage.step(lead, nothing), "buildBlock")).toEqual([]);
    expect(effectsOf(stage.step(lead, { kind: "paceMeasured", timeoutMs: 1 }), "buildBlock")).toEqual([]);
    expect(
      effectsOf(stage.step(lead, { kind: "workChanged", hasWork: true, waitingFor: [] }), "buildBlock").length,
    ).toBe(1);
  });

  it("with work left, asks for the next block in the very step that ends the height", () => {
    const stage = opened();
    const lead = stage.actor(0);
    lead.holds.add("commitBlock");
    stage.offer("one");
    stage.run();
    stage.offer("two", [0]);
    stage.release(0, "commitBlock");
    expect(stage.lines.filter((line) => line === "0 buildBlock 2.0").length).toBe(1);
  });

  it("signs and executes its own block in one step: nothing waits for the disk that need not", () => {
    const stage = opened();
    const lead = stage.actor(0);
    for (const kind of ["buildBlock", "signVote", "executeBlock"] as const) lead.holds.add(kind);
    stage.offer("work");
    const proposal = stage.build(lead, 0);
    const effects = stage.step(lead, { kind: "blockBuilt", height: 1, view: 0, proposal });
    expect(effects.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["signVote", "executeBlock"]));
  });

  it("C5: halts on an own block that does not follow its head", () => {
    const stage = opened();
    const lead = stage.actor(0);
    lead.holds.add("buildBlock");
    stage.offer("work");
    const proposal = stage.build(lead, 1);
    expect(() => stage.step(lead, { kind: "blockBuilt", height: 1, view: 0, proposal })).toThrow("C5");
  });

  it("pitfall 30: ignores a block that was built for another view or height", () => {
    const stage = opened();
    const lead = stage.actor(0);
    lead.holds.add("buildBlock");
    stage.offer("work");
    const proposal = stage.build(lead, 0);
    for (const [height, view] of [
      [1, 1],
      [2, 0],
    ] as const) {
      expect(effectsOf(stage.step(lead, { kind: "blockBuilt", height, view, proposal }), "signVote")).toEqual([]);
    }
  });
});

describe("a follower", () => {
  it("prepares only what the node has checked and made durable", () => {
    const stage = opened();
    const follower = stage.actor(1);
    follower.holds.add("checkBlock");
    follower.holds.add("signVote");
    stage.offer("work");
    const blockHash = proposedBlock(stage);
    stage.run();
    expect(requested(follower)).toEqual([]);
    stage.step(follower, { kind: "blockChecked", height: 2, view: 0, blockHash, valid: true, code: "" });
    stage.step(follower, {
      kind: "blockChecked",
      height: 1,
      view: 0,
      blockHash: hashTagged("HEADER", EMPTY_BYTES),
      valid: true,
      code: "",
    });
    expect(requested(follower)).toEqual([]);
    stage.step(follower, { kind: "blockChecked", height: 1, view: 0, blockHash, valid: true, code: "" });
    expect(requested(follower)).toEqual(["prepare"]);
  });

  it("does not vote for a block the node refuses", () => {
    const stage = opened();
    const follower = stage.actor(1);
    follower.holds.add("checkBlock");
    stage.offer("work");
    const blockHash = proposedBlock(stage);
    stage.deliver(({ kind }) => kind === "prePrepare");
    stage.step(follower, { kind: "blockChecked", height: 1, view: 0, blockHash, valid: false, code: "BLOCK_EMPTY" });
    expect(stage.lines.filter((line) => line.startsWith("1 signVote"))).toEqual([]);
  });

  it("C63: prepares the first proposal of a view; a second proves its primary a liar, and is no reason against who relays it", () => {
    const stage = opened();
    stage.offer("work");
    const twin = stage.twinOf(0, "other");
    stage.actor(1).holds.add("signVote");
    stage.deliver(({ kind }, { to }) => kind === "prePrepare" && to === 1);
    stage.hand(1, 2, twin);
    expect(requested(stage.actor(1))).toEqual(["prepare"]);
    expect(stage.actor(1).reports).toMatchObject([
      { kind: "evidence", rule: "TWO_VOTES", label: "malice", offender: stage.actor(0).key.hex },
    ]);
    stage.hand(1, 0, twin);
    expect(stage.actor(1).reports.slice(1)).toMatchObject([
      { kind: "badMessage", from: stage.actor(0).key.hex, code: "VOTE_CONTRADICTS" },
    ]);
  });

  it("C63: who sends votes that contradict his own is made to stop, who relays nothing of the kind is not", () => {
    const stage = opened();
    const follower = stage.actor(1);
    const votes = [1, 2, 3].map((byte) => vote(stage, 2, prepareOf(new Uint8Array(32).fill(byte))));
    const [first, second, third] = votes as [Uint8Array, Uint8Array, Uint8Array];
    stage.hand(1, 2, first);
    stage.hand(1, 2, first);
    stage.hand(1, 3, second);
    expect(follower.reports).toMatchObject([{ kind: "evidence", rule: "TWO_VOTES", offender: stage.actor(2).key.hex }]);
    stage.hand(1, 2, third);
    expect(follower.reports.slice(1)).toMatchObject([
      { kind: "badMessage", from: stage.actor(2).key.hex, code: "VOTE_CONTRADICTS" },
    ]);
  });

  type Twist = (header: Header, stage: Stage) => Partial<Header>;
  const HEADERS: readonly (readonly [string, Twist])[] = [
    ["another parent", () => ({ parentHash: hashTagged("HEADER", EMPTY_BYTES) })],
    ["another result of the parent", () => ({ parentResult: hashTagged("RESULT", EMPTY_BYTES) })],
    ["another chain", () => ({ chainId: hashTagged("GENESIS", EMPTY_BYTES) })],
    ["another set of validators", () => ({ validatorsHash: hashTagged("VALIDATORS", EMPTY_BYTES) })],
    ["another proposer", (_, stage) => ({ proposer: stage.actor(2).key.publicKey })],
    ["a later view", (_, stage) => ({ view: 1, proposer: stage.actor(1).key.publicKey })],
  ];
  for (const [what, twist] of HEADERS) {
    it(`pitfall 5: refuses a header with ${what}, though the primary signed it`, () => {
      const stage = opened();
      const lead = stage.actor(0);
      lead.work.push("work");
      const proposal = stage.build(lead, 0);
      if (proposal === undefined) throw new Error("nothing built");
      const headerBytes = encodeHeader({ ...proposal.header, ...twist(proposal.header, stage) });
      const signed = read(vote(stage, 0, prepareOf(blockHashOf(headerBytes))));
      if (signed.kind !== "prepare") throw new Error("no vote");
      const proposalBytes = encodeProposal({ headerBytes, references: proposal.references });
      const { signature } = signed.vote;
      stage.hand(
        1,
        0,
        encodePrePrepare({
          height: 1,
          view: 0,
          proposalBytes,
          signature,
          newView: undefined,
          suspicionBytes: undefined,
        }),
      );
      expect(stage.actor(1).reports).toMatchObject([{ kind: "badMessage", code: "PRE_PREPARE_HEADER" }]);
      expect(stage.lines.some((line) => line.startsWith("1 checkBlock"))).toBe(false);
    });
  }

  it("pitfall 2: a PREPARE or proposal with a wrong signature counts for nothing and is reported", () => {
    const stage = opened();
    stage.offer("work");
    const blockHash = proposedBlock(stage);
    const good = read(vote(stage, 2, prepareOf(blockHash)));
    if (good.kind !== "prepare") throw new Error("no vote");
    stage.hand(1, 2, encodeVote({ ...good.vote, signature: new Uint8Array(64) }));
    stage.hand(1, 2, encodeVote({ ...good.vote, signer: 3 }));
    stage.hand(1, 2, encodeVote({ ...good.vote, signer: 77 }));
    expect(stage.actor(1).reports.map((report) => report.kind === "badMessage" && report.code)).toEqual(
      Array.from({ length: 3 }, () => "VOTE_SIGNATURE"),
    );
    expect(stage.actor(1).replica.status().prepares).toBe(0);
  });
});

describe("COMMIT", () => {
  it("needs the own result: q PREPAREs alone do not sign it", () => {
    const stage = opened();
    const follower = stage.actor(1);
    follower.holds.add("executeBlock");
    stage.offer("work");
    stage.run();
    expect(stage.lines).not.toContain("1 signVote commit 1.0");
    stage.release(1, "executeBlock");
    // The others have long certified the block: the own result is only compared.
    expect(stage.lines.some((line) => line.startsWith("1 commitBlock 1 A"))).toBe(true);
  });

  it("pitfall 30: takes a result only for the block and height it was asked about", () => {
    const stage = opened();
    const follower = stage.actor(1);
    follower.holds.add("executeBlock");
    stage.offer("work");
    const blockHash = proposedBlock(stage);
    stage.deliver(({ kind }) => kind === "prePrepare");
    stage.deliver(({ kind }) => kind === "prepare");
    const [asked] = effectsOf(follower.held, "executeBlock");
    if (asked === undefined) throw new Error("not executed");
    const result = {
      version: 1,
      stateRoot: blockHash,
      receiptsRoot: blockHash,
      nextValidatorsHash: blockHash,
      nextParametersHash: blockHash,
    };
    const wrong = { kind: "blockExecuted", result, resultHash: hashTagged("RESULT", EMPTY_BYTES) } as const;
    stage.step(follower, { ...wrong, height: 2, blockHash });
    stage.step(follower, { ...wrong, height: 1, blockHash: hashTagged("HEADER", EMPTY_BYTES) });
    expect(stage.lines).not.toContain("1 signVote commit 1.0");
    stage.release(1, "executeBlock");
    expect(stage.lines).toContain("1 signVote commit 1.0");
  });

  it("does not need the own PREPARE: a replica that missed the proposal helps to certify it", () => {
    const stage = opened();
    stage.offer("work");
    stage.actor(3).isUp = false;
    stage.deliver(({ kind }) => kind === "prePrepare");
    stage.deliver(({ kind }, { to }) => kind === "prepare" && to === 1);
    stage.lose();
    stage.actor(3).isUp = true;
    stage.fire(1, "resend");
    stage.deliver((_, { to }) => to === 3);
    expect(stage.lines).not.toContain("3 signVote prepare 1.1");
    expect(stage.lines).toContain("3 -> all COMMIT 1.0 A");
  });

  it("pitfall 1: with 5 validators 4 must agree, with 6 validators 5", () => {
    for (const [count, quorum] of [
      [5, 4],
      [6, 5],
      [7, 5],
    ] as const) {
      const stage = opened({ count });
      for (let index = quorum - 1; index < count; index += 1) stage.cutOff(index);
      stage.offer("work");
      stage.run();
      expect(stage.lines.some((line) => line.includes("signVote commit"))).toBe(false);
      const enough = opened({ count });
      for (let index = quorum; index < count; index += 1) enough.cutOff(index);
      enough.offer("work");
      enough.run();
      expect(enough.actor(0).blocks.length).toBe(1);
    }
  });
});

describe("the end of a height", () => {
  it("waits for the own result, then commits what q certified", () => {
    const stage = opened();
    stage.actor(2).holds.add("checkBlock");
    stage.offer("work");
    stage.run();
    expect(stage.actor(2).blocks.length).toBe(0);
    expect(stage.actor(2).replica.status().waitingFor).toContain("certified block");
    stage.release(2, "checkBlock");
    expect(stage.actor(2).blocks.length).toBe(1);
  });

  it("halts when q validators certified another result than the own", () => {
    const stage = opened();
    const follower = stage.actor(1);
    follower.holds.add("executeBlock");
    stage.offer("work");
    const blockHash = proposedBlock(stage);
    stage.run();
    const [asked] = effectsOf(follower.held, "executeBlock");
    if (asked === undefined) throw new Error("not executed");
    const root = hashTagged("STATE", EMPTY_BYTES);
    const result = {
      version: 1,
      stateRoot: root,
      receiptsRoot: root,
      nextValidatorsHash: root,
      nextParametersHash: root,
    };
    const effects = stage.step(follower, { kind: "blockExecuted", height: 1, blockHash, result, resultHash: root });
    expect(effects.map((effect) => effect.kind === "halt" && effect.code)).toContain("CERTIFIED_RESULT_DIFFERS");
    expect(effectsOf(effects, "commitBlock")).toEqual([]);
    expect(follower.replica.step({ kind: "started" })).toEqual([]);
  });

  it("halts when q validators certified a block that its own checker refuses", () => {
    const stage = opened();
    const follower = stage.actor(1);
    follower.holds.add("checkBlock");
    stage.offer("work");
    const blockHash = proposedBlock(stage);
    stage.run();
    stage.step(follower, { kind: "blockChecked", height: 1, view: 0, blockHash, valid: false, code: "BLOCK_EMPTY" });
    expect(follower.halted).toBe("CERTIFIED_BLOCK_REFUSED");
  });

  it("a block that the clock refused is asked about again, without the clock, once q validators prepared or certified it", () => {
    const stage = opened();
    const follower = stage.actor(1);
    follower.holds.add("checkBlock");
    stage.offer("work");
    const blockHash = proposedBlock(stage);
    stage.deliver(({ kind }, { to }) => kind === "prePrepare" && to === 1);
    const tooOld = {
      kind: "blockChecked",
      height: 1,
      view: 0,
      blockHash,
      valid: false,
      code: "BLOCK_TOO_OLD",
    } as const;
    stage.step(follower, tooOld);
    stage.run();
    const [clocked, free] = effectsOf(follower.held, "checkBlock");
    expect([clocked?.arrivedMs, free?.arrivedMs]).toEqual([ARRIVED_MS, undefined]);
    // The clock's answer may also come after the certificate: it decides nothing then.
    stage.step(follower, tooOld);
    expect(follower.halted).toBeUndefined();
    stage.release(1, "checkBlock");
    expect(follower.blocks.length).toBe(1);
  });

  it("N81: a proposal that waits for its height is held against the clock as it stood when it arrived", () => {
    const stage = opened();
    const follower = stage.actor(1);
    stage.offer("first");
    stage.deliver(({ kind }, { to }) => kind !== "commit" || to !== 1);
    stage.deliver(({ kind }, { to }) => kind !== "commit" || to !== 1);
    stage.deliver(({ kind }, { to }) => kind !== "commit" || to !== 1);
    expect([stage.actor(0).blocks.length, follower.blocks.length]).toEqual([1, 0]);
    stage.offer("second");
    const early = stage.flights.find(({ bytes, to }) => to === 1 && read(bytes).kind === "prePrepare");
    if (early === undefined) throw new Error("nothing proposed");
    const from = stage.actor(early.from).key.hex;
    stage.flights = stage.flights.filter((flight) => flight !== early);
    expect(stage.step(follower, { kind: "messageReceived", from, bytes: early.bytes, arrivedMs: 77 })).toEqual([]);
    follower.holds.add("checkBlock");
    stage.deliver(({ kind }, { to }) => kind === "commit" && to === 1);
    expect(follower.blocks.length).toBe(1);
    expect(effectsOf(follower.held, "checkBlock").map(({ arrivedMs }) => arrivedMs)).toEqual([77]);
  });

  it("C71: one liar's result beside results that are still on their way is no divergence", () => {
    const stage = opened();
    stage.offer("work");
    const blockHash = proposedBlock(stage);
    stage.deliver(({ kind }) => kind === "prePrepare");
    stage.deliver(({ kind }) => kind === "prepare");
    stage.flights = stage.flights.filter(({ from, to }) => to === 1 && from !== 3);
    const lie = hashTagged("RESULT", new TextEncoder().encode("lie"));
    stage.hand(1, 3, vote(stage, 3, commitOf(blockHash, lie)));
    stage.deliver(({ kind }, { from }) => kind === "commit" && from === 2);
    expect(stage.actor(1).reports).toEqual([]);
    stage.deliver(({ kind }, { from }) => kind === "commit" && from === 0);
    expect(stage.actor(1).blocks.length).toBe(1);
  });

  it("C71: reports as soon as no result can have q COMMITs any more, and waits rather than forks", () => {
    const stage = opened();
    stage.offer("work");
    const blockHash = proposedBlock(stage);
    stage.deliver(({ kind }) => kind === "prePrepare");
    stage.deliver(({ kind }) => kind === "prepare");
    stage.lose();
    const result = (name: string) => hashTagged("RESULT", new TextEncoder().encode(name));
    stage.hand(1, 2, vote(stage, 2, commitOf(blockHash, result("x"))));
    expect(stage.actor(1).reports).toEqual([]);
    stage.hand(1, 3, vote(stage, 3, commitOf(blockHash, result("y"))));
    expect(stage.actor(1).reports).toMatchObject([{ kind: "resultsDiverge", height: 1 }]);
    expect(stage.actor(1).blocks.length).toBe(0);
    expect(stage.actor(1).halted).toBeUndefined();
  });

  it("a COMMIT of an abandoned view still certifies", () => {
    const stage = opened();
    stage.offer("work");
    stage.deliver(({ kind }) => kind === "prePrepare");
    stage.deliver(({ kind }) => kind === "prepare");
    const commits = stage.flights.filter(({ bytes, to }) => read(bytes).kind === "commit" && to === 1);
    stage.lose();
    for (const index of [1, 2, 3]) stage.losePatience(index);
    stage.deliver((_, { to }) => to === 1);
    expect(stage.actor(1).replica.status().view).toBe(1);
    for (const { from, bytes } of commits) stage.hand(1, from, bytes);
    expect(stage.actor(1).blocks.length).toBe(1);
  });

  it("nothing of the old height moves the new one: late answers are ignored", () => {
    const stage = opened();
    const follower = stage.actor(1);
    stage.offer("work");
    const blockHash = proposedBlock(stage);
    stage.run();
    const { result, resultHash } = follower.blocks[0] ?? {};
    if (result === undefined || resultHash === undefined) throw new Error("not committed");
    const late: readonly ReplicaEvent[] = [
      { kind: "blockExecuted", height: 1, blockHash, result, resultHash },
      { kind: "blockChecked", height: 1, view: 0, blockHash, valid: true, code: "" },
      { kind: "timerFired", timer: { kind: "progress", height: 1, view: 0 } },
      { kind: "blockCommitted", head: { ...stage.headOf(follower), height: 0 } },
    ];
    for (const event of late) expect(stage.step(follower, event)).toEqual([]);
  });

  it("an idle network is silent: after a commit without further work no timer is set and nothing is sent", () => {
    const stage = opened();
    stage.offer("work");
    stage.run();
    const before = stage.lines.length;
    for (const { index } of stage.actors) {
      stage.fire(index, "spread");
      stage.fire(index, "resend");
    }
    expect(stage.lines.slice(before).filter((line) => !line.includes("timer"))).toEqual([]);
    expect(stage.lines.slice(before).some((line) => line.includes("setTimer"))).toBe(false);
  });

  it("all replicas end with the same blocks, results and certificates that verify", () => {
    const stage = opened({ count: 7, rotationHeights: 2 });
    for (const name of ["a", "b", "c", "d", "e"]) {
      stage.offer(name);
      stage.run();
    }
    const [first, ...others] = stage.actors.map(({ blocks }) =>
      blocks.map(({ proposal, resultHash }) => [proposal.blockHash, resultHash]),
    );
    expect(first?.length).toBe(5);
    for (const other of others) expect(other).toEqual(first);
    const proposers = stage
      .actor(0)
      .blocks.map(({ proposal }) =>
        stage.actors.findIndex(({ key }) => bytesEqual(key.publicKey, proposal.header.proposer)),
      );
    expect(proposers).toEqual([0, 1, 1, 2, 2]);
  });
});
