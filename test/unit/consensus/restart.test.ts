import { describe, expect, it } from "vitest";
import { encodeVoteRecord, type VoteRecord } from "../../../src/consensus/safety.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import { read, Stage } from "../../scenarios/stage.ts";

const OWN_KINDS = ["prePrepare", "prepare", "commit", "viewChange"];

function opened(): Stage {
  const stage = new Stage();
  stage.start();
  return stage;
}

/** Votes with a position that left this actor and are under way to one other. */
function votesOf(stage: Stage, from: number): readonly string[] {
  const to = from === 0 ? 1 : 0;
  return stage.flights
    .filter((flight) => flight.from === from && flight.to === to && OWN_KINDS.includes(read(flight.bytes).kind))
    .map(({ bytes }) => toHex(bytes));
}

/** Scenes that leave actor 1 (primary of view 1) with votes at ever higher positions. */
const SCENES: readonly (readonly [what: string, lines: number, play: (stage: Stage) => void])[] = [
  [
    "after its PREPARE",
    1,
    (stage) => {
      stage.offer("work");
      stage.deliver(({ kind }, { to }) => kind === "prePrepare" && to === 1);
    },
  ],
  [
    "after its COMMIT",
    2,
    (stage) => {
      stage.offer("work");
      stage.deliver(({ kind }) => kind === "prePrepare");
      stage.deliver(({ kind }, { to }) => kind === "prepare" && to === 1);
    },
  ],
  [
    "after its VIEW-CHANGE",
    1,
    (stage) => {
      stage.offer("work", [1, 2, 3]);
      for (const index of [1, 2, 3]) stage.losePatience(index);
      stage.deliver(({ kind }, { to }) => kind === "suspect" && to === 1);
      stage.lose();
    },
  ],
  [
    "after its NEW-VIEW",
    2,
    (stage) => {
      stage.offer("work", [1, 2, 3]);
      for (const index of [1, 2, 3]) stage.losePatience(index);
      stage.deliver(({ kind }) => kind === "suspect");
      stage.deliver(({ kind }, { to }) => kind === "viewChange" && to === 1);
    },
  ],
];

describe("restart", () => {
  for (const [what, count, play] of SCENES) {
    it(`pitfalls 15, 16, 35: ${what} a replica sends the recorded bytes again and signs nothing anew`, () => {
      const stage = opened();
      play(stage);
      const record = encodeVoteRecord(stage.actor(1).record);
      const recorded = stage.actor(1).record.frames.map(toHex);
      expect(recorded.length).toBe(count);
      stage.lose();
      stage.crash(1);
      const before = stage.lines.length;
      stage.restart(1);
      expect(votesOf(stage, 1)).toEqual(recorded);
      expect(stage.lines.slice(before).some((line) => line.startsWith("1 signVote"))).toBe(false);
      // Even a second start and everything said again change nothing.
      stage.lose();
      stage.restart(1);
      expect(votesOf(stage, 1)).toEqual(recorded);
      expect(encodeVoteRecord(stage.actor(1).record)).toEqual(record);
    });

    it(`${what} and a power cut of everybody the network goes on from the records alone`, () => {
      const stage = opened();
      play(stage);
      stage.lose();
      for (const { index } of stage.actors) stage.crash(index);
      for (const { index } of stage.actors) stage.restart(index);
      stage.run();
      if (!stage.actors.every(({ blocks }) => blocks.length === 1)) {
        // Nobody was bound to a block: the work, offered again, makes one.
        stage.offer("work");
        stage.run();
        for (const { index, timers, blocks } of stage.actors) {
          if (blocks.length === 0 && timers.some(({ timer }) => timer.kind === "progress")) stage.losePatience(index);
        }
        stage.run();
      }
      const hashes = stage.actors.map(({ blocks }) => toHex(blocks[0]?.proposal.blockHash ?? new Uint8Array()));
      expect(new Set(hashes).size).toBe(1);
      expect(hashes[0]).not.toBe("");
      expect(stage.actors.map(({ halted }) => halted)).toEqual([undefined, undefined, undefined, undefined]);
    });
  }

  it("pitfall 15: a vote whose record was not saved was never sent, and may be another after the restart", () => {
    const stage = opened();
    const lead = stage.actor(0);
    lead.holds.add("signVote");
    stage.offer("work");
    expect(votesOf(stage, 0)).toEqual([]);
    stage.crash(0);
    stage.restart(0);
    lead.holds.delete("signVote");
    stage.offer("other work", [0]);
    stage.run();
    expect(stage.actors.map(({ blocks }) => blocks.length)).toEqual([1, 1, 1, 1]);
  });

  it("pitfall 33: the suspicion that led to a view is recorded with its votes, and leads the others there", () => {
    const stage = opened();
    stage.offer("work", [1, 2, 3]);
    for (const index of [1, 2, 3]) stage.losePatience(index);
    stage.deliver(({ kind }, { to }) => kind === "suspect" && to === 1);
    stage.lose();
    for (const { index } of stage.actors) stage.crash(index);
    for (const { index } of stage.actors) stage.restart(index);
    stage.run();
    expect(stage.actors.map(({ replica }) => replica.status().view)).toEqual([1, 1, 1, 1]);
  });

  it("pitfall 36: blocks this key has voted for are known again, and never held against the clock", () => {
    const stage = opened();
    stage.offer("work");
    stage.deliver(({ kind }) => kind === "prePrepare");
    stage.deliver(({ kind }) => kind === "prepare");
    stage.lose();
    for (const { index } of stage.actors) stage.crash(index);
    const before = stage.lines.length;
    for (const { index } of stage.actors) stage.restart(index);
    const checks = stage.lines.slice(before).filter((line) => line.includes("checkBlock"));
    expect(checks.length).toBe(4);
    expect(checks.some((line) => line.includes("against the clock"))).toBe(false);
  });

  const SILENT: readonly (readonly [why: string, change: Partial<VoteRecord>])[] = [
    ["the record is marked as lost", { mustNotSign: "RECORD_LOST" }],
    ["the height is below the floor", { floorHeight: 2 }],
    ["the record is ahead of the store", { height: 5, position: { view: 0, step: 2 } }],
  ];
  for (const [why, change] of SILENT) {
    it(`a replica follows without voting while ${why}`, () => {
      const stage = opened();
      const actor = stage.actor(2);
      actor.record = { ...actor.record, ...change };
      stage.crash(2);
      stage.restart(2);
      stage.offer("work");
      stage.run();
      expect(stage.lines.some((line) => line.startsWith("2 signVote"))).toBe(false);
      expect(actor.blocks.length).toBe(1);
      expect(actor.replica.status().role).toBe(change.floorHeight === 2 ? "validator" : "follower");
    });
  }

  it("a primary that may not vote does not propose either", () => {
    const stage = opened();
    const actor = stage.actor(0);
    actor.record = { ...actor.record, mustNotSign: "RECORD_LOST" };
    stage.crash(0);
    stage.restart(0);
    stage.offer("work");
    stage.run();
    expect(stage.lines.some((line) => line.includes("buildBlock"))).toBe(false);
  });
});
