import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeVoteRecord, emptyVoteRecord, encodeVoteRecord, type VoteRecord } from "../../../src/consensus/safety.ts";
import { LIMITS } from "../../../src/ledger/limits.ts";

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 });
const count = fc.nat({ max: 2 ** 31 - 1 });

const records: fc.Arbitrary<VoteRecord> = fc.record({
  chainId: hash,
  publicKey: hash,
  sequence: count,
  mustNotSign: fc.option(fc.constantFrom("RECORD_LOST", "RECORD_OLD"), { nil: undefined }),
  floorHeight: count,
  height: count,
  position: fc.option(fc.record({ view: count, step: fc.constantFrom(0, 1, 2) }), { nil: undefined }),
  frames: fc.array(bytes, { maxLength: 3 }),
  suspicionBytes: fc.option(bytes, { nil: undefined }),
  results: fc.array(fc.record({ blockHash: hash, resultHash: hash }), { maxLength: 4 }),
  lock: fc.option(fc.record({ view: count, blockHash: hash, certificateBytes: bytes }), { nil: undefined }),
  proposals: fc.array(fc.record({ blockHash: hash, bytes }), { maxLength: 4 }),
});

describe("vote record", () => {
  it("is read back as it was written", () => {
    fc.assert(
      fc.property(records, (record) => {
        const decoded = decodeVoteRecord(encodeVoteRecord(record));
        expect(decoded).toEqual({ ok: true, value: record });
      }),
    );
  });

  it("is refused, not misread, when cut short or changed in one byte: what is accepted is what was written", () => {
    fc.assert(
      fc.property(records, fc.nat(), fc.integer({ min: 1, max: 255 }), (record, place, change) => {
        const whole = encodeVoteRecord(record);
        expect(decodeVoteRecord(whole.slice(0, place % whole.length)).ok).toBe(false);
        const changed = whole.slice();
        changed[place % whole.length] = (changed[place % whole.length] ?? 0) ^ change;
        const decoded = decodeVoteRecord(changed);
        if (decoded.ok) expect(encodeVoteRecord(decoded.value)).toEqual(changed);
      }),
    );
  });

  it("of a fresh key has signed nothing", () => {
    const record = emptyVoteRecord({
      chainId: new Uint8Array(32),
      publicKey: new Uint8Array(LIMITS.publicKeyBytesMax),
    });
    expect(record).toMatchObject({
      sequence: 0,
      height: 0,
      position: undefined,
      mustNotSign: undefined,
      floorHeight: 0,
    });
    expect(decodeVoteRecord(encodeVoteRecord(record)).ok).toBe(true);
  });
});
