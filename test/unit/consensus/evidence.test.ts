import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  contradictionOf,
  type EvidenceRule,
  encodeEvidence,
  evidenceSubject,
  type Statement,
  verifyEvidence,
} from "../../../src/consensus/evidence.ts";
import { Cast, HEIGHT } from "./cast.ts";

const cast = new Cast();
const hashA = cast.block("a").proposal.blockHash;
const hashB = cast.block("b").proposal.blockHash;
/** the accused: primary of view 1 */
const OFFENDER = 1;

const prepare = (view: number, hash = hashA): Statement => cast.prepare(OFFENDER, view, hash);
const commit = (view: number, hash = hashA, result = "r"): Statement =>
  cast.commit(OFFENDER, view, hash, cast.result(result));
const viewChange = (view: number, lock?: { view: number; blockHash: Uint8Array }): Statement => ({
  kind: "viewChange",
  view,
  ...cast.viewChange(OFFENDER, view, lock),
});
const newView = (hash: Uint8Array, signers = [0, 1, 2]): Statement => ({
  kind: "newView",
  view: 1,
  ...cast.newView(
    1,
    hash,
    signers.map((signer) => cast.viewChange(signer, 1)),
  ),
});

function verdictOf(rule: EvidenceRule, statements: readonly Statement[], offender = OFFENDER): string {
  const bytes = encodeEvidence({ rule, height: HEIGHT, offender: cast.key(offender).publicKey, statements });
  const verdict = verifyEvidence({
    bytes,
    chainId: cast.chainId,
    validators: cast.validators,
    verify: cast.ring.verify,
  });
  return verdict.ok ? `${verdict.value.rule} ${verdict.value.label}` : verdict.code;
}

describe("evidence", () => {
  const TABLE: readonly (readonly [what: string, rule: EvidenceRule | undefined, one: Statement, other: Statement])[] =
    [
      ["two PREPAREs at one position", "TWO_VOTES", prepare(0), prepare(0, hashB)],
      ["two COMMITs at one position", "TWO_VOTES", commit(0), commit(0, hashB)],
      ["two VIEW-CHANGEs at one position", "TWO_VOTES", viewChange(2), viewChange(2, { view: 0, blockHash: hashA })],
      ["two NEW-VIEWs at one position", "TWO_VOTES", newView(hashA), newView(hashB)],
      ["the same block under two sets of VIEW-CHANGEs", "TWO_VOTES", newView(hashA), newView(hashA, [0, 1, 3])],
      ["NEW-VIEW for one block, PREPARE for another", "TWO_VOTES", newView(hashA), prepare(1, hashB)],
      ["two results of one block in one view", "TWO_RESULTS", commit(0), commit(0, hashA, "other")],
      ["two results of one block in two views", "TWO_RESULTS", commit(0), commit(3, hashA, "other")],
      ["a COMMIT forgotten by a later VIEW-CHANGE", "AMNESIA", commit(1), viewChange(2)],
      ["a COMMIT half forgotten", "AMNESIA", commit(1), viewChange(2, { view: 0, blockHash: hashA })],
      // What follows an honest key may have done.
      ["the same vote twice", undefined, prepare(0), prepare(0)],
      ["PREPAREs of different blocks in different views", undefined, prepare(0), prepare(1, hashB)],
      ["COMMITs of different blocks in different views", undefined, commit(0), commit(1, hashB)],
      ["PREPARE of one block and COMMIT of another", undefined, prepare(0), commit(0, hashB)],
      ["VIEW-CHANGEs to different views", undefined, viewChange(1), viewChange(2)],
      ["a VIEW-CHANGE that names the COMMIT", undefined, commit(1), viewChange(2, { view: 1, blockHash: hashA })],
      ["pitfall 39: a VIEW-CHANGE to the COMMIT's own view, signed before it", undefined, commit(1), viewChange(1)],
      ["pitfall 39: a VIEW-CHANGE to a lower view, signed before it", undefined, commit(2), viewChange(1)],
      ["NEW-VIEW and PREPARE of one block", undefined, newView(hashA), prepare(1)],
      ["NEW-VIEW and a PREPARE in another view", undefined, newView(hashA), prepare(2, hashB)],
    ];
  for (const [what, rule, one, other] of TABLE) {
    it(`${what}: ${rule ?? "no contradiction"}, in either order`, () => {
      expect([contradictionOf(one, other), contradictionOf(other, one)]).toEqual([rule, rule]);
      const label = rule === "TWO_RESULTS" ? "fault" : "malice";
      const expected = rule === undefined ? "EVIDENCE_PROVES_NOTHING" : `${rule} ${label}`;
      expect(verdictOf(rule ?? "TWO_VOTES", [one, other])).toBe(expected);
    });
  }

  it("a NEW-VIEW that breaks its rule is evidence by itself; one that keeps it is not", () => {
    expect(verdictOf("BAD_NEW_VIEW", [newView(hashA, [0, 1])])).toBe("BAD_NEW_VIEW malice");
    expect(verdictOf("BAD_NEW_VIEW", [newView(hashA)])).toBe("EVIDENCE_PROVES_NOTHING");
    expect(verdictOf("BAD_NEW_VIEW", [prepare(0)])).toBe("EVIDENCE_PROVES_NOTHING");
  });

  it("accuses only whose key signed both", () => {
    const pair = [prepare(0), prepare(0, hashB)];
    expect(verdictOf("TWO_VOTES", pair, 2)).toBe("EVIDENCE_SIGNATURE");
    expect(verdictOf("TWO_VOTES", [prepare(0), cast.prepare(2, 0, hashB)])).toBe("EVIDENCE_SIGNATURE");
    const bytes = encodeEvidence({
      rule: "TWO_VOTES",
      height: HEIGHT,
      offender: cast.result("stranger"),
      statements: pair,
    });
    const facts = { bytes, chainId: cast.chainId, verify: cast.ring.verify };
    expect(verifyEvidence({ ...facts, validators: cast.validators })).toMatchObject({
      ok: false,
      code: "EVIDENCE_NOT_A_VALIDATOR",
    });
    expect(verifyEvidence({ ...facts, chainId: hashA, validators: cast.validators }).ok).toBe(false);
  });

  it("does not pass under another rule's name, height or with one statement", () => {
    const pair = [prepare(0), prepare(0, hashB)];
    expect(verdictOf("AMNESIA", pair)).toBe("EVIDENCE_PROVES_NOTHING");
    expect(verdictOf("TWO_VOTES", pair.slice(1))).toBe("EVIDENCE_PROVES_NOTHING");
    const bytes = encodeEvidence({
      rule: "TWO_VOTES",
      height: HEIGHT + 1,
      offender: cast.key(OFFENDER).publicKey,
      statements: pair,
    });
    expect(evidenceSubject(bytes)).toMatchObject({ ok: true, value: { height: HEIGHT + 1 } });
    expect(
      verifyEvidence({ bytes, chainId: cast.chainId, validators: cast.validators, verify: cast.ring.verify }),
    ).toMatchObject({
      code: "EVIDENCE_SIGNATURE",
    });
  });

  it("a changed byte makes it worthless, and never an exception", () => {
    const bytes = encodeEvidence({
      rule: "AMNESIA",
      height: HEIGHT,
      offender: cast.key(OFFENDER).publicKey,
      statements: [commit(1), viewChange(2)],
    });
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (place, change) => {
        const changed = bytes.slice();
        changed[place] = (changed[place] ?? 0) ^ change;
        return !verifyEvidence({
          bytes: changed,
          chainId: cast.chainId,
          validators: cast.validators,
          verify: cast.ring.verify,
        }).ok;
      }),
    );
  });
});
