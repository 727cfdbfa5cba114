// Who is named when two sides of a fork are put together, what it takes, and that nobody is named without having done it.

import { describe, expect, it } from "vitest";
import { verifyEvidence } from "../../../src/consensus/evidence.ts";
import { namesOfFork } from "../../../src/consensus/fork.ts";
import { decodeTrail, encodeTrail, type Trail } from "../../../src/consensus/trail.ts";
import type { Hash } from "../../../src/ledger/hash.ts";
import type { Certificate } from "../../../src/ledger/types.ts";
import { Stage } from "../../scenarios/stage.ts";
import { Cast, HEIGHT } from "./cast.ts";

const cast = new Cast();
const left = cast.block("left").proposal.blockHash;
const right = cast.block("right", 1).proposal.blockHash;

function committed(view: number, blockHash: Hash, signers: readonly number[], result = "r"): Certificate {
  return cast.certificate(signers.map((signer) => cast.commit(signer, view, blockHash, cast.result(result))));
}

function trail(parts: Partial<Omit<Trail, "height">>): Uint8Array {
  return encodeTrail({ height: HEIGHT, newViews: [], prepared: [], ...parts });
}

/** NEW-VIEW of view 1 for the other block, by keys that say that they are not locked. */
function forgetful(signers: readonly number[]): Uint8Array {
  const viewChanges = signers.map((signer) => cast.viewChange(signer, 1));
  return trail({ newViews: [{ signer: 1, ...cast.newView(1, right, viewChanges) }] });
}

function named(certificates: readonly [Certificate, Certificate], trails: readonly Uint8Array[] = []): unknown {
  const facts = { chainId: cast.chainId, validators: cast.validators, verify: cast.ring.verify };
  const fork = namesOfFork({ ...facts, certificates, trails });
  if (!fork.ok) return fork.code;
  const { guilty, guiltyMin, height } = fork.value;
  expect([guiltyMin, height]).toEqual([2, HEIGHT]);
  for (const { evidence, rule, offender } of guilty) {
    const proved = verifyEvidence({ ...facts, bytes: evidence });
    expect(proved.ok && [proved.value.rule, proved.value.offender]).toEqual([rule, offender]);
  }
  return guilty.map(
    ({ rule, offender }) => `${cast.keys.findIndex(({ publicKey }) => publicKey === offender)} ${rule}`,
  );
}

describe("a fork", () => {
  it("C92: in one view, everybody who signed both blocks is named, and nobody else", () => {
    expect(named([committed(0, left, [0, 1, 2]), committed(0, right, [1, 2, 3])])).toEqual([
      "1 TWO_VOTES",
      "2 TWO_VOTES",
    ]);
  });

  it("C92: of results, everybody who signed both is named, whatever the views", () => {
    const sides = [committed(0, left, [0, 1, 2]), committed(2, left, [0, 2, 3], "other")] as const;
    expect(named(sides)).toEqual(["0 TWO_RESULTS", "2 TWO_RESULTS"]);
  });

  it("C92: across views, the NEW-VIEW that led away names those who kept silent about their lock", () => {
    const sides = [committed(0, left, [0, 1, 2]), committed(1, right, [1, 2, 3])] as const;
    expect(named(sides, [forgetful([1, 2, 3])])).toEqual(["1 AMNESIA", "2 AMNESIA"]);
    expect(named(sides), "certificates of two views alone prove nothing against anybody").toEqual([]);
  });

  it("C92: across views, two prepared certificates of one view name those who prepared both", () => {
    const [one, other] = [cast.prepared(0, left, [0, 1, 2]), cast.prepared(0, right, [1, 2, 3])];
    const locked = { view: 0, blockHash: right };
    const viewChanges = [cast.viewChange(3, 1, locked), cast.viewChange(1, 1, locked), cast.viewChange(2, 1, locked)];
    const away = trail({ newViews: [{ signer: 1, ...cast.newView(1, right, viewChanges, other) }] });
    const sides = [committed(0, left, [0, 1, 2]), committed(1, right, [1, 2, 3])] as const;
    expect(named(sides, [away, trail({ prepared: [one] })])).toEqual(["1 TWO_VOTES", "2 TWO_VOTES"]);
  });

  it("C92: statements in others' names, of other heights or in damaged trails name nobody", () => {
    const sides = [committed(0, left, [0, 1, 2]), committed(1, right, [1, 2, 3])] as const;
    const forged = [0, 1, 2].map((signer) => ({ ...cast.viewChange(3, 1), signer }));
    const framed = trail({ newViews: [{ signer: 1, ...cast.newView(1, right, forged) }] });
    const elsewhere = encodeTrail({ height: HEIGHT + 1, newViews: [], prepared: [] });
    expect(named(sides, [framed, elsewhere, forgetful([1, 2, 3]).slice(1), new Uint8Array(9)])).toEqual([]);
  });

  it("C92: is none of one block with one result, of two heights, or without two quorums", () => {
    const one = committed(0, left, [0, 1, 2]);
    expect(named([one, committed(1, left, [1, 2, 3])])).toBe("FORK_NONE");
    expect(named([one, { ...committed(0, right, [1, 2, 3]), height: 2 }])).toBe("FORK_HEIGHTS");
    expect(named([one, committed(0, right, [2, 3])])).toBe("CERTIFICATE_NO_QUORUM");
    const forged = { ...committed(0, right, [1, 2, 3]), signatures: one.signatures };
    expect(named([one, forged])).toBe("CERTIFICATE_SIGNATURE");
  });
});

describe("the trail of a height", () => {
  it("C91: reads as it was written, and never with a byte more or less", () => {
    const bytes = trail({
      prepared: [cast.prepared(0, left)],
      newViews: [
        {
          signer: 1,
          ...cast.newView(
            1,
            right,
            [0, 1, 2].map((signer) => cast.viewChange(signer, 1)),
          ),
        },
      ],
    });
    const read = decodeTrail(bytes);
    expect(read.ok && encodeTrail(read.value)).toEqual(bytes);
    expect(decodeTrail(bytes.slice(0, -1)).ok).toBe(false);
    expect(decodeTrail(Uint8Array.from([...bytes, 0])).ok).toBe(false);
  });

  it("C91: every replica keeps the NEW-VIEW and the prepared certificates of a height that took two views", () => {
    const stage = new Stage();
    stage.start();
    stage.offer("work");
    stage.deliver(({ kind }) => kind === "prePrepare");
    stage.deliver(({ kind }, { to }) => kind === "prepare" && to === 1);
    stage.lose();
    stage.crash(0);
    for (const index of [1, 2, 3]) stage.losePatience(index);
    stage.run();
    for (const index of [1, 2, 3]) {
      const [bytes = new Uint8Array(0), ...others] = stage.actor(index).trails;
      expect(others).toEqual([]);
      const kept = decodeTrail(bytes);
      const { newViews, prepared } = kept.ok ? kept.value : { newViews: [], prepared: [] };
      expect(newViews.map(({ content, signer }) => [content.view, signer])).toEqual([[1, 1]]);
      expect(prepared.map(({ view }) => view)).toContain(1);
    }
  });
});
