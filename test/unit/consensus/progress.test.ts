import { describe, expect, it } from "vitest";
import { DEFAULT_TIMING } from "../../../src/consensus/limits.ts";
import { encodeWaiting } from "../../../src/consensus/messages.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import { digestOf, read, Stage } from "../../scenarios/stage.ts";

const T = DEFAULT_TIMING;

function opened(): Stage {
  const stage = new Stage();
  stage.start();
  return stage;
}

/** How long a replica meant to wait each time: twice the first half. */
function progressDelays(stage: Stage, index: number): readonly number[] {
  return stage.lines.flatMap((line) => {
    const match = new RegExp(`^${index} setTimer spread \\S+ (\\d+) ms$`).exec(line);
    return match === null ? [] : [2 * Number(match[1])];
  });
}

/** 1, 2 and 3 fail `views` views in a row without ever making a block: their primaries build nothing. */
function failViews(stage: Stage, views: number): void {
  stage.crash(0);
  for (const { holds } of stage.actors) holds.add("buildBlock");
  for (let view = 0; view < views; view += 1) {
    for (const index of [1, 2, 3]) stage.losePatience(index);
    stage.run();
  }
}

describe("patience", () => {
  it("without work nobody waits for anything", () => {
    const stage = opened();
    expect(stage.actors.flatMap(({ timers }) => timers)).toEqual([]);
  });

  it("doubles with every failed view, is capped, and starts again with the next height (pitfall 19)", () => {
    const stage = opened();
    stage.offer("work", [1, 2, 3]);
    failViews(stage, 9);
    const doubled = [1, 2, 4, 8, 16, 32, 64, 128, 128, 128].map((factor) =>
      Math.min(T.timeoutMsCap, T.timeoutMsMin * factor),
    );
    expect(progressDelays(stage, 1)).toEqual(doubled);
    for (const index of [1, 2, 3]) stage.release(index, "buildBlock");
    stage.run();
    stage.offer("more", [1, 2, 3]);
    expect(progressDelays(stage, 1).at(-1)).toBe(T.timeoutMsMin);
  });

  it("follows the measured pace within its bounds", () => {
    for (const [measured, expected] of [
      [1, T.timeoutMsMin],
      [2501.5, 2502],
      [1e9, T.timeoutMsMax],
    ] as const) {
      const stage = opened();
      stage.step(stage.actor(1), { kind: "paceMeasured", timeoutMs: measured });
      stage.offer("work", [1]);
      expect(progressDelays(stage, 1)).toEqual([expected]);
    }
  });

  it("a cut link to the primary shortens the wait, once a view however often it is cut, and is no reason by itself", () => {
    const stage = opened();
    const follower = stage.actor(1);
    const flap = () => {
      stage.step(follower, { kind: "peerChanged", peer: stage.actor(0).key.hex, connected: false });
      stage.step(follower, { kind: "peerChanged", peer: stage.actor(0).key.hex, connected: true });
    };
    flap();
    expect(progressDelays(stage, 1)).toEqual([]);
    stage.offer("work", [1]);
    for (let times = 0; times < 5; times += 1) flap();
    expect(progressDelays(stage, 1)).toEqual([T.timeoutMsMin, Math.max(T.lostPrimaryMsMin, T.timeoutMsMin / 8)]);
    stage.step(follower, { kind: "peerChanged", peer: stage.actor(2).key.hex, connected: false });
    expect(progressDelays(stage, 1).length).toBe(2);
  });

  it("C110: work that comes in while a replica waits lengthens that wait, up to its bound", () => {
    const stage = opened();
    const follower = stage.actor(1);
    stage.offer("work", [1]);
    stage.step(follower, { kind: "paceMeasured", timeoutMs: 2_000 });
    stage.fire(1, "spread");
    const progress = { kind: "progress", height: 1, view: 0 } as const;
    expect(stage.step(follower, { kind: "timerFired", timer: progress })).toEqual([
      { kind: "setTimer", timer: progress, delayMs: 2_000 - T.timeoutMsMin / 2 - 1_000 },
    ]);
    expect(follower.reports).toEqual([]);
    stage.step(follower, { kind: "timerFired", timer: progress });
    expect(follower.reports).toMatchObject([{ kind: "suspected", code: "NO_PROGRESS" }]);
  });

  it("C70: a batch that everybody but the primary was given is spread before it is timed, and deposes nobody", () => {
    const stage = opened();
    stage.offer("withheld", [1, 2]);
    for (const index of [1, 2]) stage.fire(index, "spread");
    stage.run();
    expect(stage.lines).toContain("0 fetchBatches 1 from 1");
    stage.offer("withheld", [0]);
    stage.run();
    expect(stage.actors.map(({ blocks }) => blocks.length)).toEqual([1, 1, 1, 1]);
    expect(stage.lines.filter((line) => line.includes("SUSPECT"))).toEqual([]);
  });

  it("C70: who names batches without end is asked for them once per window, and only validators are asked", () => {
    const stage = opened();
    for (let count = 0; count < 5; count += 1) stage.hand(0, 3, encodeWaiting(1, 0, [digestOf(`none ${count}`)]));
    expect(stage.lines.filter((line) => line.startsWith("0 fetchBatches"))).toEqual(["0 fetchBatches 1 from 3"]);
    stage.fire(0, "answer");
    stage.hand(0, 3, encodeWaiting(1, 0, [digestOf("none")]));
    expect(stage.lines.filter((line) => line.startsWith("0 fetchBatches")).length).toBe(2);
    const bytes = encodeWaiting(1, 0, [digestOf("none")]);
    expect(stage.step(stage.actor(0), { kind: "messageReceived", from: "ab".repeat(32), bytes, arrivedMs: 0 })).toEqual(
      [],
    );
  });

  it("a late timer of another view or height suspects nobody", () => {
    const stage = opened();
    stage.offer("work", [1]);
    for (const timer of [
      { kind: "progress", height: 1, view: 1 },
      { kind: "progress", height: 2, view: 0 },
    ] as const) {
      stage.step(stage.actor(1), { kind: "timerFired", timer });
    }
    expect(stage.actor(1).reports).toEqual([]);
    stage.losePatience(1);
    expect(stage.actor(1).reports).toMatchObject([{ kind: "suspected", code: "NO_PROGRESS" }]);
  });

  it("work that was gone in between is waited for anew", () => {
    const stage = opened();
    const follower = stage.actor(1);
    stage.offer("work", [1]);
    stage.step(follower, { kind: "workChanged", hasWork: false, waitingFor: [] });
    stage.step(follower, { kind: "workChanged", hasWork: true, waitingFor: [] });
    stage.fire(1, "spread");
    expect(follower.reports).toEqual([]);
    expect(progressDelays(stage, 1).length).toBe(2);
    stage.losePatience(1);
    expect(follower.reports.length).toBe(1);
  });

  it("a proposal in hand is waited for, also by whom no other work is known", () => {
    const stage = opened();
    stage.offer("work", [0]);
    stage.deliver(({ kind }, { to }) => kind === "prePrepare" && to === 2);
    stage.lose();
    stage.losePatience(2);
    expect(stage.lines).toContain("2 -> all SUSPECT 1.0 waiting for 1");
  });
});

describe("sending again", () => {
  it("repeats the recorded bytes unchanged, ever more rarely, with what led there", () => {
    const stage = opened();
    stage.offer("work");
    stage.deliver(({ kind }) => kind === "prePrepare");
    stage.deliver(({ kind }, { to }) => kind === "prepare" && to === 1);
    const first = stage.flights.filter(({ from }) => from === 1).map(({ bytes }) => toHex(bytes));
    stage.lose();
    for (let times = 0; times < 6; times += 1) stage.fire(1, "resend");
    const again = stage.flights.filter(({ from, to }) => from === 1 && to === 2);
    const kinds = again.map(({ bytes }) => read(bytes).kind);
    expect(kinds.slice(0, kinds.length / 6)).toEqual(["waiting", "prePrepare", "prepare", "commit", "prepared"]);
    const votes = again
      .filter(({ bytes }) => ["prepare", "commit"].includes(read(bytes).kind))
      .map(({ bytes }) => toHex(bytes));
    expect(new Set(votes).size).toBe(2);
    expect(first).toEqual(expect.arrayContaining([...new Set(votes)].slice(1)));
    const pauses = stage.lines.flatMap((line) => /^1 setTimer resend \S+ (\d+) ms$/.exec(line)?.[1] ?? []).map(Number);
    expect(pauses).toEqual([1, 2, 4, 8, 16, 16, 16].map((factor) => factor * T.resendMs));
  });

  it("whoever reconnects gets it at once", () => {
    const stage = opened();
    stage.offer("work");
    stage.lose();
    stage.step(stage.actor(0), { kind: "peerChanged", peer: stage.actor(2).key.hex, connected: true });
    expect(stage.flights.map(({ to, bytes }) => [to, read(bytes).kind])).toEqual([
      [2, "waiting"],
      [2, "prePrepare"],
    ]);
  });

  it("lost PREPAREs and COMMITs are made good: with every frame of the first round lost the block still commits in view 0", () => {
    const stage = opened();
    stage.offer("work");
    stage.deliver(({ kind }) => kind === "prePrepare");
    for (let round = 0; round < 3; round += 1) {
      stage.lose();
      for (const { index, timers } of stage.actors)
        if (timers.some(({ timer }) => timer.kind === "resend")) stage.fire(index, "resend");
      const now = stage.flights.length;
      let seen = 0;
      stage.deliver(() => {
        seen += 1;
        return seen <= now;
      });
    }
    stage.run();
    expect(stage.actors.map(({ blocks }) => blocks[0]?.certificate.view)).toEqual([0, 0, 0, 0]);
  });
});
