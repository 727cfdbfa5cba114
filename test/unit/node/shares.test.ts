// Nobody takes more of a node than its share: work that peers cause, and reasons they give to look for blocks.

import { describe, expect, it } from "vitest";
import { AheadWatch } from "../../../src/node/ahead-watch.ts";
import { FairTurns, SHARE_PER_PEER, TURNS_PER_PEER_MAX } from "../../../src/node/fair-turns.ts";
import { StillClock } from "./support.ts";

const turnOfLoop = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("turns of peers", () => {
  it("N68: a peer's work waits for its own work and a rest in proportion; others do not wait for it", async () => {
    const clock = new StillClock();
    const turns = new FairTurns(clock);
    const done: string[] = [];
    const work = (name: string, durationMs: number) => () => {
      clock.advance(durationMs);
      done.push(name);
    };
    for (const name of ["a1", "a2", "a3"]) void turns.take("a", work(name, 10));
    void turns.take("b", work("b1", 0));
    await turnOfLoop();
    expect(done).toEqual(["a1", "b1"]);
    const restMs = 10 / SHARE_PER_PEER - 10;
    clock.advance(restMs - 1);
    await turnOfLoop();
    expect(done, "a is still resting").toEqual(["a1", "b1"]);
    clock.advance(1);
    await turnOfLoop();
    expect(done).toEqual(["a1", "b1", "a2"]);
  });

  it("N68: work that fails fails for its caller alone, and more than a line of it is refused at once", async () => {
    const turns = new FairTurns(new StillClock());
    const failed = turns.take("a", () => Promise.reject(new Error("unreadable")));
    await expect(failed).rejects.toThrow("unreadable");
    await turnOfLoop();
    for (let piece = 0; piece < TURNS_PER_PEER_MAX; piece += 1)
      void turns.take("a", () => new Promise(() => undefined));
    expect([turns.hasRoom("a"), turns.hasRoom("b")]).toEqual([false, true]);
    await expect(turns.take("a", () => 1)).rejects.toThrow("PEER_ASKS_TOO_MUCH");
    expect(await turns.take("b", () => 2)).toBe(2);
  });
});

describe("peers that say they are ahead", () => {
  function watch() {
    const clock = new StillClock();
    const asked: string[] = [];
    const state = { head: 5 };
    const ahead = new AheadWatch({
      clock,
      headHeight: () => state.head,
      ask: (height, from) => asked.push(`${height} ${from}`),
    });
    return { clock, asked, state, ahead };
  }

  it("N69: many statements ask once, for the highest; a flood of them puts nothing off", () => {
    const { clock, asked, ahead } = watch();
    for (const [height, from] of [
      [6, "liar"],
      [9, "honest"],
      [7, "liar"],
    ] as const) {
      ahead.notice(height, from);
      clock.advance(500);
    }
    expect(asked).toEqual(["9 liar"]);
  });

  it("N69: nobody is asked when the head has moved meanwhile, or was there already", () => {
    const { clock, asked, state, ahead } = watch();
    ahead.notice(5, "honest");
    ahead.notice(6, "honest");
    state.head = 6;
    clock.advance(10_000);
    expect(asked).toEqual([]);
  });
});
