import { describe, expect, it } from "vitest";
import { HeightVerifier, newViewDecision } from "../../../src/consensus/height-verifier.ts";
import type { Certificate } from "../../../src/ledger/types.ts";
import { Cast, HEIGHT } from "./cast.ts";

const cast = new Cast();
const hashA = cast.block("a").proposal.blockHash;
const hashB = cast.block("b").proposal.blockHash;

function verifier(): { readonly height: HeightVerifier; calls: () => number } {
  let calls = 0;
  const verify: typeof cast.ring.verify = (...parts) => {
    calls += 1;
    return cast.ring.verify(...parts);
  };
  const { chainId, validators } = cast;
  return { height: new HeightVerifier({ chainId, height: HEIGHT, validators, verify }), calls: () => calls };
}

function codeOf(certificate: Certificate): string {
  const verdict = verifier().height.checkCertificate(certificate);
  return verdict.ok ? "valid" : verdict.code;
}

describe("judging one height", () => {
  it("a signature is verified once, alone or in certificates", () => {
    const { height, calls } = verifier();
    for (const signer of [0, 1, 2]) expect(height.isVoteSigned(cast.prepare(signer, 0, hashA))).toBe(true);
    expect(height.isVoteSigned(cast.prepare(0, 0, hashA))).toBe(true);
    expect(height.checkCertificate(cast.prepared(0, hashA)).ok).toBe(true);
    expect(calls()).toBe(3);
  });

  it("pitfall 2: a known vote does not vouch for another signature in its name", () => {
    const { height } = verifier();
    const vote = cast.prepare(0, 0, hashA);
    expect(height.isVoteSigned(vote)).toBe(true);
    expect(height.isVoteSigned({ ...vote, signature: new Uint8Array(64) })).toBe(false);
  });

  it("pitfall 3: a vote stands for its kind, view, block, result, height and chain only", () => {
    const { height } = verifier();
    const vote = cast.prepare(0, 0, hashA);
    expect(height.isVoteSigned({ ...vote, view: 1 })).toBe(false);
    expect(height.isVoteSigned({ ...vote, blockHash: hashB })).toBe(false);
    expect(height.isVoteSigned({ ...vote, signer: 1 })).toBe(false);
    expect(height.isVoteSigned({ ...vote, signer: 99 })).toBe(false);
    expect(height.isVoteSigned({ ...vote, kind: "commit", resultHash: cast.result("r") })).toBe(false);
    const facts = { validators: cast.validators, verify: cast.ring.verify };
    expect(
      new HeightVerifier({ ...facts, chainId: cast.chainId, height: HEIGHT + 1 }).isVoteSigned({
        ...vote,
        height: HEIGHT + 1,
      }),
    ).toBe(false);
    expect(new HeightVerifier({ ...facts, chainId: hashA, height: HEIGHT }).isVoteSigned(vote)).toBe(false);
  });

  it("pitfall 4: a certificate needs q signers of this height, each with a signature of its own", () => {
    const good = cast.prepared(0, hashA);
    expect(codeOf(good)).toBe("valid");
    expect(codeOf(cast.prepared(0, hashA, [0, 1]))).toBe("CERTIFICATE_NO_QUORUM");
    expect(codeOf({ ...good, height: HEIGHT + 1 })).toBe("CERTIFICATE_HEIGHT");
    expect(codeOf({ ...good, signatures: good.signatures.slice(1) })).toBe("CERTIFICATE_BITMAP");
    expect(codeOf({ ...good, signers: Uint8Array.of(0b11100000, 0) })).toBe("CERTIFICATE_BITMAP");
    expect(codeOf({ ...good, signers: Uint8Array.of(0b11001000) })).toBe("CERTIFICATE_BITMAP");
    expect(codeOf({ ...good, signatures: [good.signatures[0]!, good.signatures[0]!, good.signatures[1]!] })).toBe(
      "CERTIFICATE_SIGNATURE",
    );
    expect(codeOf({ ...good, view: 1 })).toBe("CERTIFICATE_SIGNATURE");
  });

  it("pitfall 1: with 6 validators 5 make a quorum; 4 of them do not", () => {
    const six = new Cast(6);
    const block = six.block("a").proposal.blockHash;
    const height = new HeightVerifier({
      chainId: six.chainId,
      height: HEIGHT,
      validators: six.validators,
      verify: six.ring.verify,
    });
    expect(height.checkCertificate(six.prepared(0, block, [0, 1, 2, 3])).ok).toBe(false);
    expect(height.checkCertificate(six.prepared(0, block, [0, 1, 2, 3, 4])).ok).toBe(true);
  });

  it("q suspicions of one view are a certificate; fewer, other heights or forged ones are not", () => {
    const { height } = verifier();
    expect(height.checkSuspicion(cast.suspicion(2)).ok).toBe(true);
    expect(height.checkSuspicion(cast.suspicion(2, [0, 1])).ok).toBe(false);
    expect(height.checkSuspicion({ ...cast.suspicion(2), height: HEIGHT + 1 }).ok).toBe(false);
    expect(height.checkSuspicion({ ...cast.suspicion(2), view: 3 }).ok).toBe(false);
    const one = cast.suspect(0, 2);
    expect(height.checkSuspicion({ ...cast.suspicion(2), suspects: [one, one, one] }).ok).toBe(false);
  });
});

describe("the rule of NEW-VIEW", () => {
  const lockA0 = { view: 0, blockHash: hashA };
  const lockB1 = { view: 1, blockHash: hashB };
  const free = [0, 1, 2].map((signer) => cast.viewChange(signer, 2));
  const [vc0, vc1, vc2] = free as [(typeof free)[number], (typeof free)[number], (typeof free)[number]];
  const preparedA = cast.prepared(0, hashA);
  const preparedB = cast.prepared(1, hashB);
  const hashC = cast.block("c", 2).proposal.blockHash;

  type Case = readonly [rule: string, expected: string, ...parts: Parameters<Cast["newView"]>];
  const TABLE: readonly Case[] = [
    ["q without lock leave the primary free", "free", 2, hashC, free],
    ["more than q are as good", "free", 2, hashC, [...free, cast.viewChange(3, 2)]],
    ["a lock decides", "locked", 2, hashA, [cast.viewChange(0, 2, lockA0), vc1, vc2], preparedA],
    [
      "pitfall 7: the highest lock decides",
      "locked",
      2,
      hashB,
      [cast.viewChange(0, 2, lockA0), cast.viewChange(1, 2, lockB1), vc2],
      preparedB,
    ],
    [
      "pitfall 7: a lower one does not",
      "NEW_VIEW_CERTIFICATE",
      2,
      hashA,
      [cast.viewChange(0, 2, lockA0), cast.viewChange(1, 2, lockB1), vc2],
      preparedA,
    ],
    [
      "pitfall 6: the decided block is not replaced",
      "NEW_VIEW_BLOCK",
      2,
      hashC,
      [cast.viewChange(0, 2, lockA0), vc1, vc2],
      preparedA,
    ],
    ["fewer than q are nothing", "NEW_VIEW_NO_QUORUM", 2, hashC, [vc0, vc1]],
    ["pitfall 4: one signer counts once", "NEW_VIEW_SIGNER_TWICE", 2, hashC, [vc0, vc1, vc1]],
    ["a claim needs its certificate", "NEW_VIEW_CERTIFICATE", 2, hashA, [cast.viewChange(0, 2, lockA0), vc1, vc2]],
    ["a certificate needs a claim", "NEW_VIEW_CERTIFICATE", 2, hashA, free, preparedA],
    [
      "a lock of the view itself is none",
      "NEW_VIEW_LOCK_VIEW",
      2,
      hashA,
      [cast.viewChange(0, 2, { view: 2, blockHash: hashA }), vc1, vc2],
      cast.prepared(2, hashA),
    ],
    [
      "two blocks at the highest lock are a lie",
      "NEW_VIEW_CERTIFICATE",
      2,
      hashB,
      [cast.viewChange(0, 2, lockB1), cast.viewChange(1, 2, { view: 1, blockHash: hashA }), vc2],
      preparedB,
    ],
    ["VIEW-CHANGEs of another view are forged here", "NEW_VIEW_SIGNATURE", 2, hashC, [vc0, vc1, cast.viewChange(2, 3)]],
    ["VIEW-CHANGEs in another's name are forged", "NEW_VIEW_SIGNATURE", 2, hashC, [vc0, vc1, { ...vc2, signer: 3 }]],
    ["a signer beyond the validators is none", "NEW_VIEW_SIGNER", 2, hashC, [vc0, vc1, { ...vc2, signer: 4 }]],
    [
      "a forged certificate proves nothing",
      "CERTIFICATE_SIGNATURE",
      2,
      hashA,
      [cast.viewChange(0, 2, lockA0), vc1, vc2],
      { ...preparedA, signatures: preparedA.signatures.map(() => new Uint8Array(64)) },
    ],
    [
      "a certificate of COMMITs is no lock",
      "NEW_VIEW_CERTIFICATE",
      2,
      hashA,
      [cast.viewChange(0, 2, lockA0), vc1, vc2],
      cast.certificate([0, 1, 2].map((signer) => cast.commit(signer, 0, hashA, cast.result("r")))),
    ],
  ];
  for (const [rule, expected, ...parts] of TABLE) {
    it(rule, () => {
      const verdict = verifier().height.checkNewView(cast.newView(...parts).content);
      expect(verdict.ok ? (verdict.value === undefined ? "free" : "locked") : verdict.code).toBe(expected);
    });
  }

  it("the signer's copy of the rule, without signatures, agrees wherever signatures are right", () => {
    for (const [, expected, ...parts] of TABLE) {
      if (expected.endsWith("SIGNATURE")) continue;
      const decision = newViewDecision(cast.newView(...parts).content, cast.validators.length);
      expect(decision.ok ? (decision.value === undefined ? "free" : "locked") : decision.code).toBe(expected);
    }
  });

  it("the primary's signature is over the very bytes of the content", () => {
    const { content, signature } = cast.newView(2, hashC, free);
    const { height } = verifier();
    expect(height.isNewViewSigned(content, 2, signature)).toBe(true);
    expect(height.isNewViewSigned(content, 1, signature)).toBe(false);
    expect(
      height.isNewViewSigned({ ...content, bytes: cast.newView(2, hashB, free).content.bytes }, 2, signature),
    ).toBe(false);
  });
});
