// The scenes of the golden transcripts. Each is a script of deliveries and timers over real replicas; validator 0 leads height 1.

import type { Stage } from "./stage.ts";

export interface Scene {
  readonly about: string;
  readonly options?: { readonly count?: number; readonly rotationHeights?: number };
  play(stage: Stage): void;
}

const ALL = [0, 1, 2, 3];

/** These lose patience with the present view; their frames stay under way. */
function losePatience(stage: Stage, indexes: readonly number[]): void {
  for (const index of indexes) stage.losePatience(index);
}

export const SCENES: Readonly<Record<string, Scene>> = {
  "normal-case": {
    about: "one batch becomes one block; then the network is idle and silent",
    play: (stage) => {
      stage.start();
      stage.note("a batch reaches everybody, the lead asks for a block at once");
      stage.offer("work");
      stage.note("three phases, execution while PREPAREs travel");
      stage.run();
    },
  },
  "locked-block": {
    about: "the primary falls silent after one replica has committed: the next primary finishes that very block",
    play: (stage) => {
      stage.start();
      stage.offer("work");
      stage.note("the proposal and the PREPAREs reach 1 only; 2 and 3 have the proposal");
      stage.deliver(({ kind }) => kind === "prePrepare");
      stage.deliver(({ kind }, { to }) => kind === "prepare" && to === 1);
      stage.lose();
      stage.crash(0);
      stage.note("1, 2 and 3 lose patience");
      losePatience(stage, [1, 2, 3]);
      stage.note(
        "q suspicions move them to view 1; the VIEW-CHANGE of 1 names the lock; header bytes stay those of view 0",
      );
      stage.run();
      stage.note("the old primary comes back and is brought up to date");
      stage.restart(0);
      stage.run();
    },
  },
  "lead-left-behind": {
    about: "a lead whose block others had to finish is suspected at once at the next height, without a timeout",
    play: (stage) => {
      stage.start();
      stage.offer("first");
      stage.deliver(({ kind }) => kind === "prePrepare");
      stage.deliver(({ kind }, { to }) => kind === "prepare" && to !== 0);
      stage.lose();
      stage.cutOff(0);
      losePatience(stage, [1, 2, 3]);
      stage.note("committed by view 1 under a header of view 0: SUSPECT 2.0 follows the commit");
      stage.run();
    },
  },
  "silent-primary": {
    about: "the primary proposes nothing: a new view is free, and the block carries its view",
    play: (stage) => {
      stage.start();
      stage.crash(0);
      stage.offer("work", [1, 2, 3]);
      losePatience(stage, [1, 2, 3]);
      stage.run();
    },
  },
  equivocation: {
    about: "the primary signs two blocks for one position: who sees both proves it",
    play: (stage) => {
      stage.start();
      stage.offer("work");
      stage.note("0 is made to propose once more, as only a broken record could");
      const twin = stage.twinOf(0, "other work");
      stage.deliver(({ kind }, { to }) => kind === "prePrepare" && to !== 3);
      stage.hand(3, 0, twin);
      stage.hand(1, 0, twin);
      stage.run();
    },
  },
  restart: {
    about: "a replica restarted after its COMMIT sends the recorded bytes again and signs nothing anew",
    play: (stage) => {
      stage.start();
      stage.offer("work");
      stage.deliver(({ kind }) => kind === "prePrepare");
      stage.deliver(({ kind }) => kind === "prepare");
      stage.note("everybody has committed, no COMMIT arrived; all lose power");
      stage.lose();
      for (const index of ALL) stage.crash(index);
      for (const index of ALL) stage.restart(index);
      stage.run();
    },
  },
  laggard: {
    about: "a replica that missed a height asks by waiting, and gets the block with its certificate",
    play: (stage) => {
      stage.start();
      stage.cutOff(3);
      stage.offer("work");
      stage.run();
      stage.heal();
      stage.note("3 has work and no proposal: it says what it waits for");
      stage.fire(3, "resend");
      stage.run();
    },
  },
};
