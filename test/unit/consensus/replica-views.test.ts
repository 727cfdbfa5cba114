import { describe, expect, it } from "vitest";
import {
  encodePrePrepare,
  encodeSuspect,
  encodeSuspicionMessage,
  encodeViewChange,
  type PrePrepareMessage,
} from "../../../src/consensus/messages.ts";
import {
  makeNewView,
  makeSuspicion,
  newViewSigningBytes,
  type PreparedClaim,
  type SignedViewChange,
  suspectSigningBytes,
  viewChangeSigningBytes,
} from "../../../src/consensus/view-formats.ts";
import { encodeProposal } from "../../../src/ledger/format-block.ts";
import { validatorsHashOf } from "../../../src/ledger/format-cluster.ts";
import { encodeCertificate, voteSigningBytes } from "../../../src/ledger/format-vote.ts";
import { EMPTY_BYTES, type Hash, toHex } from "../../../src/ledger/hash.ts";
import { digestOf, read, Stage } from "../../scenarios/stage.ts";
import { buildProposal, referenceTo } from "../../sim/chain.ts";

const HEIGHT = 1;

/** A stage of four at height 1, and everything its validators could sign about views. */
class Views extends Stage {
  private get place() {
    return {
      chainId: this.facts.chainId,
      height: HEIGHT,
      validatorsHash: validatorsHashOf(this.facts.validatorsAt(HEIGHT)),
    };
  }

  suspectOf(signer: number, view: number, waitingFor: readonly Hash[] = []) {
    return {
      signer,
      waitingFor,
      signature: this.actor(signer).key.sign(suspectSigningBytes({ ...this.place, view, waitingFor })),
    };
  }

  suspicionOf(view: number, signers: readonly number[] = [1, 2, 3]) {
    const suspects = signers.map((signer) => this.suspectOf(signer, view));
    return makeSuspicion(HEIGHT, view, suspects);
  }

  viewChangeOf(signer: number, targetView: number, prepared?: PreparedClaim): SignedViewChange {
    return {
      signer,
      prepared,
      signature: this.actor(signer).key.sign(viewChangeSigningBytes({ ...this.place, targetView, prepared })),
    };
  }

  /** A PRE-PREPARE of the primary of `view` (its index) with these VIEW-CHANGEs. */
  prePrepareOf(view: number, viewChanges: readonly SignedViewChange[]): Uint8Array {
    const primary = this.actor(view);
    const proposer = primary.key.publicKey;
    const references = [referenceTo(digestOf("work"), proposer)];
    const proposal = buildProposal(this.facts, this.headOf(primary), { view, proposer, timeMs: 10, references });
    const { blockHash } = proposal;
    const vote = { kind: "prepare", view, blockHash, resultHash: EMPTY_BYTES } as const;
    const content = makeNewView({ height: HEIGHT, view, blockHash, viewChanges, certificate: undefined });
    return encodePrePrepare({
      height: HEIGHT,
      view,
      proposalBytes: encodeProposal(proposal),
      signature: primary.key.sign(voteSigningBytes({ ...vote, ...this.place })),
      newView: {
        bytes: content.bytes,
        signature: primary.key.sign(
          newViewSigningBytes({ ...this.place, view, blockHash, contentBytes: content.bytes }),
        ),
      },
      suspicionBytes: this.suspicionOf(view - 1).bytes,
    });
  }

  viewOf(index: number): number {
    return Number(this.actor(index).replica.status().view);
  }
}

function opened(options: ConstructorParameters<typeof Stage>[0] = {}): Views {
  const stage = new Views(options);
  stage.start();
  return stage;
}

/** Everybody prepares A in view 0; only `committer` sees q PREPAREs and commits. Frames under way are lost. */
function lockedOnce(committer: number): Views {
  const stage = opened();
  stage.offer("work");
  stage.deliver(({ kind }) => kind === "prePrepare");
  stage.deliver(({ kind }, { to }) => kind === "prepare" && to === committer);
  stage.lose();
  return stage;
}

describe("SUSPECT", () => {
  it("f suspicions move nobody, q move everybody who sees them, once", () => {
    const stage = opened();
    stage.hand(0, 1, encodeSuspect(HEIGHT, 0, stage.suspectOf(1, 0)));
    stage.hand(0, 1, encodeSuspect(HEIGHT, 0, stage.suspectOf(1, 0)));
    stage.hand(0, 2, encodeSuspect(HEIGHT, 0, stage.suspectOf(2, 0)));
    expect(stage.viewOf(0)).toBe(0);
    stage.hand(0, 3, encodeSuspect(HEIGHT, 0, stage.suspectOf(3, 0)));
    expect(stage.viewOf(0)).toBe(1);
  });

  it("a certificate moves a replica of any lower view straight up, and is passed on with its VIEW-CHANGE", () => {
    const stage = opened();
    stage.hand(0, 3, encodeSuspicionMessage(stage.suspicionOf(4)));
    expect(stage.viewOf(0)).toBe(5);
    expect(stage.viewOf(2)).toBe(0);
    stage.run();
    expect([1, 2, 3].map((index) => stage.viewOf(index))).toEqual([5, 5, 5]);
  });

  it("pitfall 13: a certificate of a lower view moves nobody back, one below a quorum or forged nobody at all", () => {
    const stage = opened();
    stage.hand(0, 3, encodeSuspicionMessage(stage.suspicionOf(4)));
    stage.hand(0, 3, encodeSuspicionMessage(stage.suspicionOf(1)));
    expect(stage.viewOf(0)).toBe(5);
    stage.hand(1, 3, encodeSuspicionMessage(stage.suspicionOf(2, [2, 3])));
    const suspects = stage.suspicionOf(2).suspects.map((suspect) => ({ ...suspect, signature: new Uint8Array(64) }));
    stage.hand(1, 3, encodeSuspicionMessage(makeSuspicion(HEIGHT, 2, suspects)));
    expect(stage.viewOf(1)).toBe(0);
    expect(stage.actor(1).reports.map((report) => report.kind === "badMessage" && report.code)).toEqual([
      "SUSPICION_INVALID",
      "SUSPICION_INVALID",
    ]);
  });

  it("pitfall 2: suspicions in others' names count for nothing and are reported", () => {
    const stage = opened();
    for (const signer of [1, 2, 3]) {
      stage.hand(0, 3, encodeSuspect(HEIGHT, 0, { ...stage.suspectOf(signer, 0), signature: new Uint8Array(64) }));
    }
    expect(stage.viewOf(0)).toBe(0);
    expect(stage.actor(0).reports).toMatchObject(
      Array.from({ length: 3 }, () => ({ kind: "badMessage", code: "SUSPECT_SIGNATURE" })),
    );
  });

  it("pitfall 13: suspicions of far views are not even kept", () => {
    const stage = opened();
    for (const signer of [1, 2, 3]) stage.hand(0, signer, encodeSuspect(HEIGHT, 1000, stage.suspectOf(signer, 1000)));
    expect(stage.viewOf(0)).toBe(0);
  });

  it("pitfall 34: what a suspicion names is fetched from its signer", () => {
    const stage = opened();
    stage.hand(0, 2, encodeSuspect(HEIGHT, 0, stage.suspectOf(2, 0, [digestOf("unknown")])));
    expect(stage.lines).toContain("0 fetchBatches 1 from 2");
  });

  it("pitfall 34: also when the suspicions come as a certificate", () => {
    const stage = opened();
    const suspects = [1, 2, 3].map((signer) => stage.suspectOf(signer, 0, signer === 2 ? [digestOf("unknown")] : []));
    stage.hand(0, 3, encodeSuspicionMessage(makeSuspicion(HEIGHT, 0, suspects)));
    expect(stage.lines).toContain("0 fetchBatches 1 from 2");
  });

  it("binds nothing: who has suspected goes on voting in that view", () => {
    const stage = opened();
    stage.offer("work");
    stage.deliver(({ kind }) => kind === "prePrepare");
    stage.losePatience(1);
    stage.run();
    expect(stage.lines).toContain("1 -> all SUSPECT 1.0 waiting for 1");
    expect(stage.lines).toContain("1 -> all COMMIT 1.0 A");
    expect(stage.actors.map(({ blocks }) => blocks.length)).toEqual([1, 1, 1, 1]);
  });

  it("batches passed over are a reason of their own, named first", () => {
    const stage = opened();
    const digests = [digestOf("starved")];
    stage.step(stage.actor(1), { kind: "batchesStarved", digests, wereSpread: false });
    expect(stage.actor(1).reports, "C70: first everybody can have them").toEqual([]);
    expect(stage.lines).toContain("1 -> all WAITING 1.0 for 1");
    stage.step(stage.actor(1), { kind: "batchesStarved", digests, wereSpread: true });
    expect(stage.actor(1).reports).toMatchObject([{ kind: "suspected", code: "BATCHES_STARVED" }]);
    expect(stage.lines).toContain("1 -> all SUSPECT 1.0 waiting for 1");
  });
});

describe("a primary that leaves batches out and goes on", () => {
  const digests = [digestOf("starved")];

  it("C112: what is found while its block is being committed makes it suspect at the next height", () => {
    const stage = opened();
    const follower = stage.actor(1);
    follower.holds.add("commitBlock");
    stage.offer("work");
    stage.run();
    stage.step(follower, { kind: "batchesStarved", digests, wereSpread: true });
    expect(follower.reports).toEqual([]);
    stage.release(1, "commitBlock");
    expect(follower.reports).toMatchObject([{ kind: "suspected", height: 2, code: "BATCHES_STARVED" }]);
  });

  it("C112: another primary is not suspected for it", () => {
    const stage = opened({ rotationHeights: 1 });
    const follower = stage.actor(3);
    follower.holds.add("commitBlock");
    stage.offer("work");
    stage.run();
    stage.step(follower, { kind: "batchesStarved", digests, wereSpread: true });
    stage.release(3, "commitBlock");
    expect(follower.reports).toEqual([]);
  });
});

describe("VIEW-CHANGE and NEW-VIEW", () => {
  it("pitfall 6: a block that one replica committed is finished by the next primary with its header bytes", () => {
    for (const committer of [1, 2, 3]) {
      const stage = lockedOnce(committer);
      stage.crash(0);
      for (const index of [1, 2, 3]) stage.losePatience(index);
      stage.run();
      const blocks = [1, 2, 3].map((index) => stage.actor(index).blocks[0]);
      expect(blocks.map((block) => block?.certificate.view)).toEqual([1, 1, 1]);
      expect(new Set(blocks.map((block) => toHex(block?.proposal.headerBytes ?? EMPTY_BYTES))).size).toBe(1);
      expect(blocks[0]?.proposal.header.view).toBe(0);
    }
  });

  it("pitfall 25: proposals of far views are not counted unless a suspicion certificate leads there", () => {
    const stage = opened();
    const frame = read(
      stage.prePrepareOf(
        1,
        [0, 2, 3].map((signer) => stage.viewChangeOf(signer, 1)),
      ),
    ) as PrePrepareMessage;
    const forged = encodePrePrepare({
      height: HEIGHT,
      view: 1,
      proposalBytes: frame.block.bytes,
      signature: frame.signature,
      newView: frame.newView && { bytes: frame.newView.content.bytes, signature: frame.newView.signature },
      suspicionBytes: stage.suspicionOf(0, [2]).bytes,
    });
    stage.hand(2, 1, forged);
    stage.hand(2, 3, encodeSuspicionMessage(stage.suspicionOf(0)));
    expect(stage.actor(2).replica.status()).toMatchObject({ view: 1, prepares: 0 });
  });

  it("a lead left behind is suspected in view 0 only: after a restart in a later view nobody is", () => {
    const stage = lockedOnce(1);
    stage.cutOff(0);
    for (const index of [1, 2, 3]) stage.losePatience(index);
    stage.run();
    stage.crash(2);
    const before = stage.lines.length;
    stage.restart(2);
    expect(stage.lines.slice(before).some((line) => line.includes("LEAD_LEFT_BEHIND"))).toBe(false);
  });

  it("a free NEW-VIEW waits for work, then the header carries its view", () => {
    const stage = opened();
    for (const signer of [0, 1, 2]) stage.hand(3, signer, encodeSuspect(HEIGHT, 0, stage.suspectOf(signer, 0)));
    stage.run();
    expect(stage.viewOf(1)).toBe(1);
    expect(stage.lines.some((line) => line.includes("buildBlock"))).toBe(false);
    stage.offer("work");
    stage.run();
    expect(stage.actors.map(({ blocks }) => blocks[0]?.proposal.header.view)).toEqual([1, 1, 1, 1]);
  });

  it("a VIEW-CHANGE whose lock is not proved counts for nothing", () => {
    const stage = opened();
    const blockHash = digestOf("no such block");
    const certificate = {
      height: HEIGHT,
      view: 0,
      blockHash,
      resultHash: EMPTY_BYTES,
      signers: Uint8Array.of(0b11100000),
      signatures: [1, 2, 3].map(() => new Uint8Array(64)),
    };
    stage.offer("work");
    const [flight] = stage.flights;
    const message = flight && read(flight.bytes);
    if (message?.kind !== "prePrepare") throw new Error("nothing proposed");
    stage.lose();
    const claim = { view: 0, blockHash: message.block.proposal.blockHash };
    const suspicionBytes = stage.suspicionOf(0).bytes;
    for (const [prepared, named] of [
      [claim, { ...certificate, blockHash: claim.blockHash }],
      [{ view: 0, blockHash }, certificate],
      [
        { view: 1, blockHash: claim.blockHash },
        { ...certificate, blockHash: claim.blockHash },
      ],
    ] as const) {
      const viewChange = stage.viewChangeOf(3, 2, prepared);
      const parts = { height: HEIGHT, targetView: 2, viewChange, proposalBytes: message.block.bytes };
      stage.hand(
        2,
        3,
        encodeViewChange({
          ...parts,
          certificateBytes: encodeCertificate(named),
          suspicionBytes: stage.suspicionOf(1).bytes,
        }),
      );
    }
    expect(suspicionBytes.length).toBeGreaterThan(0);
    expect(stage.actor(2).reports.filter(({ kind }) => kind === "badMessage").length).toBe(3);
  });

  it("a NEW-VIEW that breaks its rule is reported as evidence and not voted for", () => {
    const stage = opened();
    const [one, two] = [stage.viewChangeOf(2, 1), stage.viewChangeOf(3, 1)];
    for (const viewChanges of [
      [one, two],
      [one, one, two],
      [one, two, { ...stage.viewChangeOf(0, 1), signer: 1 }],
    ]) {
      const fresh = opened();
      fresh.hand(2, 1, fresh.prePrepareOf(1, viewChanges));
      expect(fresh.viewOf(2)).toBe(1);
      expect(fresh.actor(2).reports.filter(({ kind }) => kind === "evidence")).toMatchObject([
        { rule: "BAD_NEW_VIEW", offender: fresh.actor(1).key.hex },
      ]);
      expect(fresh.lines.some((line) => line.startsWith("2 signVote prepare"))).toBe(false);
    }
    stage.hand(2, 1, stage.prePrepareOf(1, [one, two, stage.viewChangeOf(0, 1)]));
    expect(stage.lines).toContain("2 signVote prepare 1.1");
  });

  it("pitfall 12: a proposal of an abandoned view is not voted for", () => {
    const stage = opened();
    stage.offer("work");
    stage.hand(1, 3, encodeSuspicionMessage(stage.suspicionOf(0)));
    stage.deliver(({ kind }, { to }) => kind === "prePrepare" && to === 1);
    expect(stage.lines.some((line) => line.startsWith("1 signVote prepare 1.0"))).toBe(false);
  });

  it("pitfall 30: a block checked after its view was left is not voted for in that view", () => {
    const stage = opened();
    const follower = stage.actor(2);
    follower.holds.add("checkBlock");
    stage.offer("work");
    stage.deliver(({ kind }, { to }) => kind === "prePrepare" && to === 2);
    stage.hand(2, 3, encodeSuspicionMessage(stage.suspicionOf(0)));
    stage.release(2, "checkBlock");
    expect(stage.lines.filter((line) => line.startsWith("2 signVote"))).toEqual(["2 signVote viewChange 1.1"]);
  });

  it("C6: one vote with a position is under way at a time; the next waits for it", () => {
    const stage = opened();
    const follower = stage.actor(2);
    follower.holds.add("signVote");
    stage.offer("work");
    stage.deliver(({ kind }, { to }) => kind === "prePrepare" && to === 2);
    stage.hand(2, 3, encodeSuspicionMessage(stage.suspicionOf(0)));
    expect(stage.lines.filter((line) => line.startsWith("2 signVote"))).toEqual(["2 signVote prepare 1.0"]);
    stage.release(2, "signVote");
    expect(stage.lines.filter((line) => line.startsWith("2 signVote"))).toEqual([
      "2 signVote prepare 1.0",
      "2 signVote viewChange 1.1",
    ]);
  });

  it("C7: an answer of the signer that nobody asked for halts", () => {
    const stage = opened();
    stage.actor(0).holds.add("signVote");
    stage.offer("work");
    const [held] = stage.actor(0).held;
    if (held?.kind !== "signVote" || held.request.kind !== "prepare") throw new Error("nothing asked");
    const frame = stage.twinOf(0, "work");
    const request = { ...held.request, view: 3 };
    expect(() => stage.step(stage.actor(0), { kind: "voteSigned", request, message: frame })).toThrow("C7");
  });

  it("pitfall 38: a lead whose block others finished is suspected at the next height, without a timeout", () => {
    const stage = lockedOnce(1);
    stage.cutOff(0);
    for (const index of [1, 2, 3]) stage.losePatience(index);
    stage.run();
    expect([1, 2, 3].map((index) => stage.actor(index).replica.status())).toMatchObject(
      Array.from({ length: 3 }, () => ({ height: 2, view: 1 })),
    );
    expect(stage.actor(1).reports).toContainEqual({ kind: "suspected", height: 2, view: 0, code: "LEAD_LEFT_BEHIND" });
  });

  it("the primary takes the highest locks of more than q VIEW-CHANGEs", () => {
    const stage = new Views({ count: 4 });
    stage.start();
    stage.offer("work");
    stage.deliver(({ kind }) => kind === "prePrepare");
    stage.deliver(({ kind }, { to }) => kind === "prepare" && to === 3);
    stage.lose();
    stage.actor(1).holds.add("signVote");
    for (const index of [0, 2, 3]) stage.losePatience(index);
    stage.run();
    stage.release(1, "signVote");
    stage.run();
    const own = stage.lines.find((line) => line.startsWith("1 -> all PRE-PREPARE 1.1"));
    expect(own).toContain("PRE-PREPARE 1.1 A");
    expect(stage.actors.map(({ blocks }) => blocks.length)).toEqual([1, 1, 1, 1]);
  });

  it("carries the suspicion that led to its view in every PRE-PREPARE above view 0", () => {
    const stage = opened();
    const frame = read(
      stage.prePrepareOf(
        1,
        [0, 2, 3].map((signer) => stage.viewChangeOf(signer, 1)),
      ),
    ) as PrePrepareMessage;
    expect(frame.suspicion?.view).toBe(0);
    const { block, signature, newView } = frame;
    const parts = { height: HEIGHT, view: 1, proposalBytes: block.bytes, signature };
    const forged = stage.suspicionOf(0, [1, 2]).bytes;
    const bytes = newView && { bytes: newView.content.bytes, signature: newView.signature };
    stage.hand(2, 1, encodePrePrepare({ ...parts, newView: bytes, suspicionBytes: forged }));
    expect(stage.viewOf(2)).toBe(0);
    expect(stage.actor(2).reports).toMatchObject([{ code: "PRE_PREPARE_SUSPICION" }]);
  });
});
