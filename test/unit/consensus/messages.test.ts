import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FRAME_BYTES_MAX, VIEW_MAX, WAITING_FOR_MAX } from "../../../src/consensus/limits.ts";
import {
  decodeEnvelope,
  decodeMessage,
  encodeCertified,
  encodeDecided,
  encodePrePrepare,
  encodeSuspect,
  encodeSuspicionMessage,
  encodeViewChange,
  encodeVote,
  encodeWaiting,
} from "../../../src/consensus/messages.ts";
import { encode } from "../../../src/ledger/codec.ts";
import { encodeCertificate } from "../../../src/ledger/format-vote.ts";
import { EMPTY_BYTES } from "../../../src/ledger/hash.ts";
import { Cast, HEIGHT } from "./cast.ts";

const cast = new Cast();
const A = cast.block("a");
const C = cast.block("c", 1);
const hashA = A.proposal.blockHash;
const lock = { view: 0, blockHash: hashA };
const certificate = cast.prepared(0, hashA);
const commits = cast.certificate([0, 1, 3].map((signer) => cast.commit(signer, 2, hashA, cast.result("r"))));
const free = cast.newView(
  1,
  C.proposal.blockHash,
  [0, 1, 2].map((signer) => cast.viewChange(signer, 1)),
);
const suspicion = cast.suspicion(0);

const FRAMES: Readonly<Record<string, Uint8Array>> = {
  "prePrepare in view 0": encodePrePrepare({
    height: HEIGHT,
    view: 0,
    proposalBytes: A.bytes,
    signature: cast.prepare(0, 0, hashA).signature,
    newView: undefined,
    suspicionBytes: undefined,
  }),
  "prePrepare in view 1": encodePrePrepare({
    height: HEIGHT,
    view: 1,
    proposalBytes: C.bytes,
    signature: cast.prepare(1, 1, C.proposal.blockHash).signature,
    newView: { bytes: free.content.bytes, signature: free.signature },
    suspicionBytes: suspicion.bytes,
  }),
  prepare: encodeVote(cast.prepare(2, 0, hashA)),
  commit: encodeVote(cast.commit(2, 0, hashA, cast.result("r"))),
  suspect: encodeSuspect(HEIGHT, 3, cast.suspect(1, 3, [hashA])),
  suspicion: encodeSuspicionMessage(suspicion),
  "viewChange with lock": encodeViewChange({
    height: HEIGHT,
    targetView: 1,
    viewChange: cast.viewChange(2, 1, lock),
    certificateBytes: encodeCertificate(certificate),
    proposalBytes: A.bytes,
    suspicionBytes: suspicion.bytes,
  }),
  "viewChange without lock": encodeViewChange({
    height: HEIGHT,
    targetView: 1,
    viewChange: cast.viewChange(2, 1),
    certificateBytes: undefined,
    proposalBytes: undefined,
    suspicionBytes: suspicion.bytes,
  }),
  prepared: encodeCertified("prepared", {
    height: HEIGHT,
    view: 0,
    proposalBytes: A.bytes,
    certificateBytes: encodeCertificate(certificate),
  }),
  decided: encodeDecided({ proposal: A.proposal, certificate: commits }),
  waiting: encodeWaiting(HEIGHT, 7, []),
};

function code(bytes: Uint8Array): string {
  const decoded = decodeMessage(bytes);
  return decoded.ok ? "accepted" : decoded.code;
}

describe("frames", () => {
  for (const [name, frame] of Object.entries(FRAMES)) {
    it(`${name}: is read as it was written, envelope first`, () => {
      const decoded = decodeMessage(frame);
      if (!decoded.ok) throw new Error(decoded.code);
      const envelope = decodeEnvelope(frame);
      const { kind, height, view } = decoded.value;
      expect(name.startsWith(kind)).toBe(true);
      expect(envelope).toMatchObject({ ok: true, value: { kind, height, view } });
    });

    it(`${name}: every truncation is refused`, () => {
      for (let length = 0; length < frame.length; length += 1)
        expect(decodeMessage(frame.slice(0, length)).ok).toBe(false);
    });

    it(`${name}: a changed byte is refused or read as something else, never the same and never an exception`, () => {
      const original = decodeMessage(frame);
      fc.assert(
        fc.property(fc.nat({ max: frame.length - 1 }), fc.integer({ min: 1, max: 255 }), (place, change) => {
          const changed = frame.slice();
          changed[place] = (changed[place] ?? 0) ^ change;
          const decoded = decodeMessage(changed);
          if (decoded.ok) expect(decoded).not.toEqual(original);
        }),
      );
    });
  }

  it("carry what the primary's frame is about", () => {
    const decoded = decodeMessage(FRAMES["prePrepare in view 1"] ?? EMPTY_BYTES);
    expect(decoded).toMatchObject({ ok: true, value: { block: C, newView: free, suspicion } });
  });

  it("random bytes are refused, never an exception", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => !decodeMessage(bytes).ok));
  });

  it("bounds: kind, view, length, digests of a suspicion", () => {
    expect(code(encode([1, 99, 1, 0, encode([])]))).toBe("CBOR_INTEGER_RANGE");
    expect(code(encodeWaiting(HEIGHT, VIEW_MAX + 1, []))).toBe("CBOR_INTEGER_RANGE");
    expect(code(encodeWaiting(0, 0, []))).toBe("CBOR_INTEGER_RANGE");
    expect(code(new Uint8Array(FRAME_BYTES_MAX + 1))).toBe("CBOR_TOO_LARGE");
    const digests = Array.from({ length: WAITING_FOR_MAX + 1 }, () => hashA);
    expect(code(encodeSuspect(HEIGHT, 0, cast.suspect(0, 0, digests)))).toBe("CBOR_COUNT");
    expect(code(encode([2, 8, 1, 0, encode([])]))).toBe("VERSION_UNKNOWN");
  });

  it("a view above 0 comes with NEW-VIEW and suspicion, view 0 without", () => {
    const parts = { height: HEIGHT, proposalBytes: A.bytes, signature: new Uint8Array(64) };
    const newView = { bytes: free.content.bytes, signature: free.signature };
    expect(code(encodePrePrepare({ ...parts, view: 1, newView: undefined, suspicionBytes: suspicion.bytes }))).toBe(
      "PRE_PREPARE_NEW_VIEW",
    );
    expect(code(encodePrePrepare({ ...parts, view: 0, newView, suspicionBytes: undefined }))).toBe(
      "PRE_PREPARE_NEW_VIEW",
    );
    expect(code(encodePrePrepare({ ...parts, view: 1, newView, suspicionBytes: undefined }))).toBe("SUSPICION_MISSING");
    expect(code(encodePrePrepare({ ...parts, view: 1, newView, suspicionBytes: cast.suspicion(1).bytes }))).toBe(
      "SUSPICION_POSITION",
    );
    expect(code(encodePrePrepare({ ...parts, view: 2, newView, suspicionBytes: cast.suspicion(1).bytes }))).toBe(
      "PRE_PREPARE_NEW_VIEW",
    );
  });

  it("a claimed lock comes with certificate and block, of a view below the target", () => {
    const parts = { height: HEIGHT, targetView: 1, suspicionBytes: suspicion.bytes, proposalBytes: A.bytes };
    const locked = cast.viewChange(2, 1, lock);
    expect(code(encodeViewChange({ ...parts, viewChange: locked, certificateBytes: undefined }))).toBe(
      "VIEW_CHANGE_LOCK",
    );
    const late = cast.viewChange(2, 1, { view: 1, blockHash: hashA });
    expect(
      code(encodeViewChange({ ...parts, viewChange: late, certificateBytes: encodeCertificate(certificate) })),
    ).toBe("VIEW_CHANGE_LOCK");
  });

  it("pitfall 5: references that the header does not commit to are refused", () => {
    const swapped = encode([
      A.proposal.headerBytes,
      C.proposal.references.map((one) => [one.digest, one.origin, one.bytes, one.count]),
    ]);
    const frame = encodeCertified("prepared", {
      height: HEIGHT,
      view: 0,
      proposalBytes: swapped,
      certificateBytes: encodeCertificate(certificate),
    });
    expect(code(frame)).toBe("PROPOSAL_REFERENCES");
  });

  it("pitfall 4: a suspicion certificate with a signer twice is refused", () => {
    const one = cast.suspect(0, 0);
    const twice = encode([
      1,
      HEIGHT,
      0,
      [one, one, cast.suspect(1, 0)].map(({ signer, waitingFor, signature }) => [signer, waitingFor, signature]),
    ]);
    expect(code(encodeSuspicionMessage({ height: HEIGHT, view: 0, bytes: twice }))).toBe("SIGNER_ORDER");
  });
});
