import { describe, expect, it } from "vitest";
import { ANSWERS_PER_PEER_MAX, EARLY_FRAMES_PER_PEER_MAX, EARLY_HEIGHTS_MAX } from "../../../src/consensus/limits.ts";
import {
  type ConsensusMessage,
  encodeCertified,
  encodeDecided,
  encodeVote,
  encodeWaiting,
} from "../../../src/consensus/messages.ts";
import { Replica } from "../../../src/consensus/replica.ts";
import { emptyVoteRecord } from "../../../src/consensus/safety.ts";
import { encodeCertificate } from "../../../src/ledger/format-vote.ts";
import { EMPTY_BYTES } from "../../../src/ledger/hash.ts";
import type { Actor } from "../../scenarios/stage.ts";
import { read, Stage } from "../../scenarios/stage.ts";
import { headOf } from "../../sim/chain.ts";

function opened(options: ConstructorParameters<typeof Stage>[0] = {}): Stage {
  const stage = new Stage(options);
  stage.start();
  return stage;
}

/** 0, 1 and 2 commit these works one by one while 3 is cut off. */
function ahead(works: readonly string[]): Stage {
  const stage = opened();
  stage.cutOff(3);
  for (const name of works) {
    stage.offer(name, [0, 1, 2]);
    stage.run();
  }
  stage.heal();
  return stage;
}

/** Height 1 as 3 sees it when these frames to it are lost: it has not executed the block, the others have committed it. */
function losing(isLost: (message: ConsensusMessage, from: number) => boolean): Stage {
  const stage = opened();
  stage.actor(3).holds.add("executeBlock");
  stage.offer("a");
  const isDue = ({ to, from, bytes }: Stage["flights"][number]) => to !== 3 || !isLost(read(bytes), from);
  while (stage.flights.some(isDue)) stage.deliver((_, flight) => isDue(flight));
  stage.lose();
  return stage;
}

/** These peers speak of the next height. */
function speak(stage: Stage, ...peers: readonly number[]): readonly string[] {
  for (const from of peers) stage.hand(3, from, encodeWaiting(2, 0, []));
  return stage.lines.filter((line) => line.startsWith("3 requestSync"));
}

function blockOf(actor: Actor, height: number) {
  const block = actor.blocks[height - 1];
  if (block === undefined) throw new Error(`no block ${height}`);
  return block;
}

describe("peers behind", () => {
  it("who waits for a committed height gets the block with its certificate", () => {
    const stage = ahead(["a"]);
    stage.hand(0, 3, encodeWaiting(1, 0, []));
    stage.run();
    expect(stage.actor(3).blocks.length).toBe(1);
  });

  it("is answered once per window however often it asks, and again after it", () => {
    const stage = ahead(["a"]);
    for (let times = 0; times < 5; times += 1) stage.hand(0, 3, encodeWaiting(1, 0, []));
    expect(stage.lines.filter((line) => line === "0 sendDecided 1 to 3").length).toBe(1);
    stage.fire(0, "answer");
    stage.hand(0, 3, encodeWaiting(1, 0, []));
    expect(stage.lines.filter((line) => line === "0 sendDecided 1 to 3").length).toBe(2);
  });

  it("a peer that asks for everything does not use up the others' answers", () => {
    const stage = ahead(["a", "b", "c", "d", "e", "f"]);
    for (const height of [1, 2, 3, 4, 5, 6]) stage.hand(0, 1, encodeWaiting(height, 0, []));
    stage.hand(0, 3, encodeWaiting(1, 0, []));
    expect(stage.lines.filter((line) => line.startsWith("0 sendDecided") && line.endsWith("to 1")).length).toBe(
      ANSWERS_PER_PEER_MAX,
    );
    expect(stage.lines).toContain("0 sendDecided 1 to 3");
  });

  it("C64: of the blocks ahead that a peer sends one is judged per window: forged ones are work without end otherwise", () => {
    const stage = ahead(["a", "b", "c"]);
    const block = blockOf(stage.actor(0), 3);
    const signatures = block.certificate.signatures.map(() => new Uint8Array(64));
    const laggard = stage.actor(3);
    laggard.holds.add("requestSync");
    stage.hand(3, 1, encodeDecided({ ...block, certificate: { ...block.certificate, signatures } }));
    stage.hand(3, 1, encodeDecided(block));
    expect(laggard.held, "not even looked at").toEqual([]);
    stage.fire(3, "answer");
    stage.hand(3, 1, encodeDecided(block));
    expect(laggard.held).toMatchObject([{ kind: "requestSync", height: 3, from: stage.actor(1).key.hex }]);
  });

  it("a late vote for the newest block is no question; one for an older block is", () => {
    const stage = ahead(["a", "b"]);
    const { certificate, proposal, resultHash } = blockOf(stage.actor(0), 2);
    const { blockHash } = proposal;
    const signature = certificate.signatures[0] ?? EMPTY_BYTES;
    const late = { kind: "commit", view: 0, blockHash, resultHash, signer: 3, signature } as const;
    stage.hand(0, 3, encodeVote({ ...late, height: 2 }));
    expect(stage.lines.some((line) => line.startsWith("0 sendDecided"))).toBe(false);
    stage.hand(0, 3, encodeVote({ ...late, height: 1 }));
    expect(stage.lines).toContain("0 sendDecided 1 to 3");
  });

  it("an answer is never answered", () => {
    const stage = ahead(["a", "b"]);
    stage.hand(0, 1, encodeDecided(blockOf(stage.actor(1), 1)));
    expect(stage.lines.some((line) => line.startsWith("0 sendDecided"))).toBe(false);
  });

  it("a replica that only misses frames says what it waits for once f + 1 peers are ahead", () => {
    const stage = ahead(["a"]);
    const actor = stage.actor(3);
    stage.hand(3, 0, encodeWaiting(2, 0, []));
    expect(actor.timers).toEqual([]);
    stage.hand(3, 1, encodeWaiting(2, 0, []));
    stage.step(actor, { kind: "syncFinished", head: stage.headOf(actor) });
    stage.fire(3, "resend");
    stage.run();
    expect(stage.actor(3).blocks.length).toBe(1);
  });
});

describe("far behind", () => {
  it("f + 1 peers farther ahead than frames are kept for are a reason to sync, f are not (pitfall 25)", () => {
    const stage = losing(() => false);
    stage.hand(3, 0, encodeWaiting(1_000_000, 0, []));
    stage.hand(3, 0, encodeWaiting(1_000_001, 0, []));
    stage.hand(3, 1, encodeWaiting(1 + EARLY_HEIGHTS_MAX, 0, []));
    expect(stage.lines.some((line) => line.includes("requestSync"))).toBe(false);
    stage.hand(3, 1, encodeWaiting(2 + EARLY_HEIGHTS_MAX, 0, []));
    expect(stage.lines).toContain(`3 requestSync ${1 + EARLY_HEIGHTS_MAX} from 1`);
  });

  it("f + 1 peers two heights ahead are one when the time to send again has come: what is missing may never come", () => {
    const stage = losing(() => false);
    for (const from of [0, 1]) stage.hand(3, from, encodeWaiting(3, 0, []));
    expect(stage.lines.some((line) => line.includes("requestSync"))).toBe(false);
    stage.fire(3, "resend");
    expect(stage.lines).toContain("3 requestSync 2 from 1");
  });

  it("C113: f + 1 peers ahead whose votes for this height are not here are a reason to fetch it at once, f are not", () => {
    const stage = ahead(["a"]);
    expect(speak(stage, 1, 1)).toEqual([]);
    expect(speak(stage, 2)).toEqual(["3 requestSync 1 from 2"]);
  });

  it("C113: votes that may still come are waited for, the own one among them; those of peers ahead may not", () => {
    const one = losing(({ kind }, from) => kind === "commit" && from !== 0);
    expect(speak(one, 0, 1)).toEqual([]);
    expect(speak(one, 2)).toEqual(["3 requestSync 1 from 1"]);
    const isLostCommit = ({ kind }: ConsensusMessage, from: number) => kind === "commit" && from === 1;
    expect(speak(losing(isLostCommit), 0, 1, 2), "prepared: its own COMMIT makes three").toEqual([]);
    const unprepared = losing((message, from) => isLostCommit(message, from) || message.kind === "prepare");
    expect(speak(unprepared, 0, 1, 2)).toEqual(["3 requestSync 1 from 1"]);
  });

  it("C113: the proposal of a decided block is waited for as long as its primary may still send it", () => {
    const stage = losing(({ kind }) => kind === "prePrepare");
    expect(speak(stage, 1, 2)).toEqual([]);
    expect(speak(stage, 0)).toEqual(["3 requestSync 1 from 2"]);
  });

  it("C113: who has the proposal follows by frames, in whatever order peers' frames of later heights were kept", () => {
    const stage = opened();
    const slow = stage.actor(3);
    slow.holds.add("commitBlock");
    stage.hand(3, 1, encodeWaiting(2, 0, []));
    for (const name of ["a", "b", "c"]) {
      stage.offer(name, [0, 1, 2, 3]);
      stage.run();
    }
    for (let height = 1; height <= 3; height += 1) {
      stage.release(3, "commitBlock");
      stage.run();
    }
    expect(slow.blocks.length).toBe(3);
    expect(stage.lines.some((line) => line.startsWith("3 requestSync"))).toBe(false);
  });

  it("C111: blocks that came let the next ones be fetched at once, a sync that brought none does not", () => {
    const stage = ahead(["a", "b", "c"]);
    const actor = stage.actor(3);
    const syncs = () => stage.lines.filter((line) => line.startsWith("3 requestSync"));
    for (const from of [0, 1]) stage.hand(3, from, encodeWaiting(40, 0, []));
    stage.step(actor, { kind: "syncFinished", head: stage.headOf(actor) });
    expect(syncs()).toEqual(["3 requestSync 39 from 1"]);
    stage.fire(3, "resend");
    actor.blocks.push(...stage.actor(0).blocks);
    stage.step(actor, { kind: "syncFinished", head: stage.headOf(actor) });
    expect(syncs().length).toBe(3);
  });

  it("one sync at a time, and one attempt per resend period", () => {
    const stage = opened();
    const actor = stage.actor(3);
    for (const from of [0, 1, 2]) stage.hand(3, from, encodeWaiting(9, 0, []));
    for (const from of [0, 1, 2]) stage.hand(3, from, encodeWaiting(10, 0, []));
    const count = () => stage.lines.filter((line) => line.startsWith("3 requestSync")).length;
    expect(count()).toBe(1);
    stage.step(actor, { kind: "syncFinished", head: stage.headOf(actor) });
    stage.hand(3, 0, encodeWaiting(11, 0, []));
    expect(count()).toBe(1);
    stage.fire(3, "resend");
    expect(count()).toBe(2);
  });

  it("a decided block above the own height with a valid certificate is a reason at once, an invalid one is not", () => {
    const stage = ahead(["a", "b"]);
    const block = blockOf(stage.actor(0), 2);
    const signatures = block.certificate.signatures.map(() => new Uint8Array(64));
    stage.hand(3, 2, encodeDecided({ ...block, certificate: { ...block.certificate, signatures } }));
    expect(stage.lines.some((line) => line.includes("requestSync"))).toBe(false);
    stage.fire(3, "answer");
    stage.hand(3, 2, encodeDecided(block));
    expect(stage.lines).toContain("3 requestSync 2 from 2");
  });

  it("C114: what is decided here is committed while others are asked, who may be silent for long; the blocks they have then count", () => {
    const stage = ahead(["a", "b", "c"]);
    const actor = stage.actor(3);
    for (const from of [0, 1]) stage.hand(3, from, encodeWaiting(4, 0, []));
    expect(actor.replica.status()).toMatchObject({ height: 1, isSyncing: true });
    stage.hand(3, 0, encodeDecided(blockOf(stage.actor(0), 1)));
    expect(actor.blocks.length).toBe(1);
    expect(actor.replica.status()).toMatchObject({ height: 2, isSyncing: true });
    actor.blocks.splice(0, 1, ...stage.actor(0).blocks);
    stage.step(actor, { kind: "syncFinished", head: stage.headOf(actor) });
    expect(actor.replica.status()).toMatchObject({ height: 4, isSyncing: false });
    stage.offer("d");
    stage.run();
    expect(actor.blocks.length).toBe(4);
  });

  it("C114: blocks that came by sync while a block is being committed make that commit's answer an old one", () => {
    const stage = ahead(["a", "b", "c"]);
    const actor = stage.actor(3);
    for (const from of [0, 1]) stage.hand(3, from, encodeWaiting(4, 0, []));
    actor.holds.add("commitBlock");
    stage.hand(3, 0, encodeDecided(blockOf(stage.actor(0), 1)));
    actor.blocks.push(...stage.actor(0).blocks);
    stage.step(actor, { kind: "syncFinished", head: stage.headOf(actor) });
    expect(actor.replica.status()).toMatchObject({ height: 4, isSyncing: false });
    const [first] = stage.actor(0).blocks;
    stage.step(actor, { kind: "blockCommitted", head: headOf(stage.facts, first) });
    expect(actor.replica.status()).toMatchObject({ height: 4 });
    actor.holds.clear();
    stage.offer("d");
    stage.run();
    expect(actor.blocks.length).toBe(4);
  });

  it("a sync that gave up leaves the height as it is, and what was certified meanwhile is committed", () => {
    const stage = ahead(["a", "b", "c"]);
    const actor = stage.actor(3);
    for (const from of [0, 1]) stage.hand(3, from, encodeWaiting(4, 0, []));
    stage.fire(3, "resend");
    stage.hand(3, 0, encodeDecided(blockOf(stage.actor(0), 1)));
    stage.step(actor, { kind: "syncFinished", head: stage.headOf(actor) });
    expect(actor.blocks.length).toBe(1);
  });
});

describe("frames of the next heights", () => {
  it("wait until they begin, so that a replica a few heights behind follows without asking anybody", () => {
    const stage = opened();
    const slow = stage.actor(2);
    slow.holds.add("commitBlock");
    for (const name of ["a", "b", "c", "d"]) {
      stage.offer(name);
      stage.run();
    }
    expect([slow.blocks.length, stage.actor(0).blocks.length]).toEqual([0, 4]);
    slow.holds.delete("commitBlock");
    stage.release(2, "commitBlock");
    stage.run();
    expect(slow.blocks.length).toBe(4);
    expect(stage.lines.filter((line) => line.startsWith("2 requestSync"))).toEqual([]);
  });

  it("wait until it begins", () => {
    const stage = opened();
    const slow = stage.actor(2);
    slow.holds.add("commitBlock");
    stage.offer("a");
    stage.run();
    stage.offer("b");
    stage.run();
    expect(slow.blocks.length).toBe(0);
    stage.release(2, "commitBlock");
    stage.run();
    expect(slow.blocks.length).toBe(2);
    expect(stage.lines).toContain("2 -> all PREPARE 2.0 B");
  });

  it("are bounded per peer", () => {
    const stage = opened();
    const slow = stage.actor(2);
    slow.holds.add("commitBlock");
    stage.offer("a");
    stage.run();
    for (let count = 0; count < EARLY_FRAMES_PER_PEER_MAX; count += 1) stage.hand(2, 3, encodeWaiting(2, 0, []));
    stage.offer("b", [0]);
    const proposal = stage.flights.find(({ to, bytes }) => to === 2 && read(bytes).kind === "prePrepare");
    if (proposal === undefined) throw new Error("nothing proposed");
    stage.hand(2, 3, proposal.bytes);
    stage.release(2, "commitBlock");
    expect(stage.lines.some((line) => line.startsWith("2 checkBlock B"))).toBe(false);
  });
});

describe("a certificate that arrives with its block", () => {
  it("decided: the block is checked, executed, compared and committed, whatever the view", () => {
    const stage = ahead(["a"]);
    stage.hand(3, 0, encodeDecided(blockOf(stage.actor(0), 1)));
    expect(stage.lines.filter((line) => line.startsWith("3 ") && !line.includes("Timer")).slice(-3)).toEqual([
      "3 checkBlock A, held by 0,1,2",
      "3 executeBlock A",
      "3 commitBlock 1 A by view 0, proposed in 0",
    ]);
  });

  it("is refused when it is of the other kind, names another block or is forged", () => {
    const stage = ahead(["a"]);
    const { proposal, certificate } = blockOf(stage.actor(0), 1);
    const twin = stage.twinOf(3, "other");
    const message = read(twin);
    if (message.kind !== "prePrepare") throw new Error("no proposal");
    const decided = read(encodeDecided({ proposal, certificate }));
    if (decided.kind !== "decided") throw new Error("no block");
    const parts = { height: 1, view: 0, proposalBytes: decided.block.bytes };
    const forged = { ...certificate, signatures: certificate.signatures.map(() => new Uint8Array(64)) };
    stage.hand(3, 0, encodeCertified("prepared", { ...parts, certificateBytes: encodeCertificate(certificate) }));
    stage.hand(
      3,
      0,
      encodeCertified("decided", {
        ...parts,
        proposalBytes: message.block.bytes,
        certificateBytes: encodeCertificate(certificate),
      }),
    );
    stage.hand(3, 0, encodeCertified("decided", { ...parts, certificateBytes: encodeCertificate(forged) }));
    expect(stage.actor(3).reports.map((report) => report.kind === "badMessage" && report.code)).toEqual([
      "CERTIFICATE_KIND",
      "CERTIFICATE_BLOCK",
      "CERTIFICATE_SIGNATURE",
    ]);
  });

  it("a frame that cannot be read is reported, and nothing else happens", () => {
    const stage = opened();
    const actor = stage.actor(1);
    expect(
      stage.step(actor, { kind: "messageReceived", from: "stranger", bytes: Uint8Array.of(1, 2, 3), arrivedMs: 0 }),
    ).toMatchObject([{ kind: "report", report: { kind: "badMessage", from: "stranger" } }]);
  });
});

describe("an observer", () => {
  it("without a key follows, commits what is certified, and never signs or suspects", () => {
    const stage = opened();
    const actor = stage.actor(3);
    const record = emptyVoteRecord({ chainId: stage.facts.chainId, publicKey: actor.key.publicKey });
    const head = stage.headOf(actor);
    actor.replica = new Replica({
      chainId: stage.facts.chainId,
      ownKey: undefined,
      verify: stage.keys.verify,
      head,
      record,
      speaks: () => true,
    });
    stage.offer("a");
    stage.run();
    stage.offer("b", [3]);
    stage.losePatience(3);
    stage.fire(3, "resend");
    expect(actor.blocks.length).toBe(1);
    expect(stage.lines.some((line) => line.startsWith("3 signVote"))).toBe(false);
    expect(actor.replica.status()).toMatchObject({ role: "follower", height: 2 });
  });
});

describe("status", () => {
  it("says what a replica waits for", () => {
    const stage = opened();
    const waits = (index: number) => stage.actor(index).replica.status().waitingFor;
    expect(waits(1)).toBe("work");
    stage.offer("work", [1]);
    expect(waits(1)).toBe("the primary's block");
    stage.offer("work", [0]);
    stage.actor(1).holds.add("executeBlock");
    stage.deliver(({ kind }, { to }) => kind === "prePrepare" && to !== 3);
    expect(waits(1)).toContain("PREPAREs");
    stage.deliver(({ kind }) => kind === "prepare");
    expect(waits(1)).toContain("COMMITs");
    stage.run();
    expect(waits(1)).toContain("execution");
    stage.actor(1).holds.add("commitBlock");
    stage.release(1, "executeBlock");
    expect(waits(1)).toBe("the store");
  });
});
