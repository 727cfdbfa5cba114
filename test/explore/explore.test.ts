// The exploration as a rule of every run: a small core has no violation, and what reduces it loses nothing.
// The larger bounds and the planted breaks are `npm run sim:explore` and `npm run sim:explore -- --planted`.

import { describe, expect, it } from "vitest";
import { encodeVote } from "../../src/consensus/messages.ts";
import { voteSigningBytes } from "../../src/ledger/format-vote.ts";
import { EMPTY_BYTES } from "../../src/ledger/hash.ts";
import { headOf } from "../sim/chain.ts";
import { type Bounds, SMALL } from "./bounds.ts";
import { Cast, type KnownBlock } from "./cast.ts";
import { checkSigned } from "./checks.ts";
import { type Frame, FrameTable } from "./frames.ts";
import { explore } from "./search.ts";

const STATES_MAX = 500_000;

describe("exhaustive exploration", () => {
  it.each(SMALL)("C80: no order of delivery, loss and lies breaks a rule within small bounds: $name", (bounds) => {
    const outcome = explore(bounds, STATES_MAX);
    expect(outcome.violation).toBeUndefined();
    expect(outcome.isCutOff).toBe(false);
    expect(outcome.states).toBeGreaterThan(10_000);
    expect(outcome.commits, "the first block and, above it, either block of the liar can win").toBeGreaterThan(1);
  });

  it("C81: frames taken for alike lead to the same signed frames as frames told apart exactly", () => {
    const bounds: Bounds = {
      name: "one view",
      liar: 0,
      viewMax: [0],
      votes: "quorum",
      answers: "at once",
      restarts: 1,
    };
    const [alike, exact] = [explore(bounds, STATES_MAX, "alike"), explore(bounds, STATES_MAX, "exact")];
    expect(exact.violation).toBeUndefined();
    expect(exact.isCutOff).toBe(false);
    expect(exact.states).toBeGreaterThan(alike.states);
    expect(alike.signed).toEqual(exact.signed);
  });
});

describe("checks of the exploration", () => {
  const cast = new Cast();
  const frames = new FrameTable("exact");
  const head = headOf(cast.facts, undefined);
  const [one, other] = [cast.propose(head, 0, 0), cast.propose(head, 0, 0, true)];

  function vote(signer: number, kind: "prepare" | "commit", view: number, block: KnownBlock): Frame {
    const { blockHash } = block.proposal;
    const resultHash = kind === "commit" ? block.resultHash : EMPTY_BYTES;
    const { chainId } = cast.facts;
    const { validatorsHash } = cast;
    const place = { kind, height: 1, view, blockHash, resultHash } as const;
    const signature = cast.sign(signer, voteSigningBytes({ ...place, chainId, validatorsHash }));
    return frames.intern(signer, encodeVote({ ...place, signer, signature }));
  }

  it("C82: a second vote at a position, a fork and a lock passed over are each told", () => {
    const prepared = vote(1, "prepare", 0, one);
    expect(() => checkSigned([prepared], vote(1, "prepare", 0, other))).toThrow(/one vote per position/);
    const locked = [vote(1, "commit", 0, one), vote(2, "commit", 0, one)];
    expect(() => checkSigned(locked, vote(3, "prepare", 1, other))).toThrow(/the lock of view 0 holds/);
    const rival = vote(3, "commit", 1, other);
    expect(() => checkSigned([...locked, rival], vote(2, "commit", 1, other))).toThrow(/agreement/);
    expect(() => checkSigned(locked, vote(3, "prepare", 1, one))).not.toThrow();
  });
});
