// Calls that wait for their execution are bytes: passing over them judges exactly what reading them would judge.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DECODE_LIMITS, type DecodeLimits, decodeWith, encode, type Reader } from "../../../src/ledger/codec.ts";
import { decodeTransaction } from "../../../src/ledger/format-transaction.ts";
import { transaction } from "../node/support.ts";
import { anyValue } from "./samples.ts";

const LIMITS: DecodeLimits = { ...DECODE_LIMITS, depthMax: 4, itemsMax: 40 };

function outcome(bytes: Uint8Array, read: (reader: Reader) => unknown): string {
  const verdict = decodeWith(bytes, LIMITS, (reader) => void read(reader));
  return verdict.ok ? "accepted" : `${verdict.code} ${verdict.detail}`;
}

describe("calls that wait", () => {
  it("L42: a value is passed over exactly when it can be read, and refused for the same reason at the same byte", () => {
    const damaged = fc.tuple(anyValue, fc.nat(), fc.nat(255), fc.nat()).map(([value, place, byte, end]) => {
      const bytes = encode(value);
      bytes[place % bytes.length] = byte;
      return end % 3 === 0 ? bytes.subarray(0, end % (bytes.length + 1)) : bytes;
    });
    const inputs = fc.oneof(anyValue.map(encode), damaged, fc.uint8Array({ maxLength: 40 }));
    fc.assert(
      fc.property(inputs, (bytes) => {
        expect(outcome(bytes, (reader) => reader.skip(0))).toBe(outcome(bytes, (reader) => reader.item(0)));
      }),
      { numRuns: 3_000 },
    );
  });

  it("L41: a decoded transaction keeps its calls as bytes and reads them when asked, the same every time", () => {
    const decoded = decodeTransaction(transaction({ nonce: 7 }).bytes);
    if (!decoded.ok) throw new Error(decoded.code);
    const { body } = decoded.value;
    expect(body.calls).not.toBe(body.calls);
    expect(body.calls).toEqual([{ contract: "notes", action: "write", args: [["id", "n7"]] }]);
    expect(body.calls).toEqual(body.calls);
    expect(decoded.value.contracts).toEqual(["notes"]);
  });
});
