// The JSON form of contract values, strict reading of JSON fields, and transactions as the client builds them.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Fields } from "../../../src/client/fields.ts";
import { ledgerTimeMs } from "../../../src/client/ledger-time.ts";
import { buildTransaction } from "../../../src/client/transaction.ts";
import { LedgerError } from "../../../src/errors.ts";
import { encode, type Value } from "../../../src/ledger/codec.ts";
import { decodeTransaction } from "../../../src/ledger/format-transaction.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import { checkTransaction } from "../../../src/ledger/validate.ts";
import { namedFromJson, VALUE_JSON_DEPTH_MAX, valueFromJson, valueToJson } from "../../../src/ledger/value-json.ts";
import { verifyNative } from "../../../src/node/ed25519-native.ts";
import { signerOf } from "../rpc/small-node.ts";

const { value: anyValue } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.bigInt({ min: 1n << 53n, max: (1n << 64n) - 1n }),
    fc.bigInt({ min: -(1n << 63n), max: -(1n << 53n) }),
    fc.string({ unit: "grapheme" }).filter((text) => text.isWellFormed()),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Uint8Array.from(bytes)),
    fc.array(tie("value"), { maxLength: 4 }),
  ),
}));

describe("values in JSON", () => {
  test("A21: every value comes back as it was, through the text of a JSON body", () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const back = valueFromJson(JSON.parse(JSON.stringify(valueToJson(value))));
        if (!back.ok) throw new Error(back.detail);
        expect(toHex(encode(back.value))).toBe(toHex(encode(value)));
      }),
      { numRuns: 1_000 },
    );
  });

  test("a text is never taken for a number or bytes, whatever stands in it", () => {
    for (const text of ["12", "0x00", "9007199254740993", '{"hex":"00"}', "true", ""])
      expect(valueFromJson(text)).toEqual({ ok: true, value: text });
  });

  test.each([
    [1.5],
    [2 ** 53],
    [Number.NaN],
    [undefined],
    [{}],
    [{ hex: "0" }],
    [{ hex: "AB" }],
    [{ int: "01" }],
    [{ int: "-0" }],
    [{ int: "1".repeat(40) }],
    [{ int: 5 }],
    [{ hex: "00", int: "1" }],
    ["\ud800"],
    [() => 0],
  ])("%j is no value", (json) => {
    expect(valueFromJson(json)).toMatchObject({ ok: false, code: "VALUE_JSON_INVALID" });
  });

  test("depth is bounded by a counter", () => {
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
    expect(valueFromJson(nested(VALUE_JSON_DEPTH_MAX)).ok).toBe(true);
    expect(valueFromJson(nested(VALUE_JSON_DEPTH_MAX + 1)).ok).toBe(false);
  });

  test("a small tagged integer is the number it says", () => {
    expect(valueFromJson({ int: "-7" })).toEqual({ ok: true, value: -7 });
  });

  test("arguments are an object of values; a fault names its argument", () => {
    expect(namedFromJson({ a: 1, b: { hex: "ff" } })).toEqual({ ok: true, value: { a: 1, b: Uint8Array.of(255) } });
    expect(namedFromJson({ a: 1.5 })).toMatchObject({ ok: false, detail: expect.stringContaining("a:") });
    for (const json of [null, [], "x", 1]) expect(namedFromJson(json).ok).toBe(false);
  });
});

describe("Fields", () => {
  const fieldsOf = (json: unknown) => new Fields(json, { code: "TEST_INVALID", place: "file", remedy: "do something" });

  test("names the place of a fault through objects and lists, and the remedy", () => {
    const fields = fieldsOf({ list: [{ deep: { count: "x" } }] });
    const read = () => fields.objects("list", (item) => item.object("deep").integer("count", { min: 0 }));
    expect(read).toThrow(
      expect.objectContaining({
        code: "TEST_INVALID",
        data: expect.objectContaining({ field: "file.list[0].deep.count" }),
      }),
    );
    expect(read).toThrow(/do something/);
  });

  test("members of every object are not fields of this one", () => {
    expect(() => fieldsOf({}).text("constructor")).toThrow(LedgerError);
    expect(fieldsOf(JSON.parse('{"__proto__": {"a": 1}}')).has("a")).toBe(false);
  });

  test("an unknown field is named with the known ones; asking twice is allowed", () => {
    const fields = fieldsOf({ a: "x", b: 1 });
    fields.text("a");
    fields.text("a");
    expect(() => fields.end()).toThrow(
      expect.objectContaining({ data: { field: "file.b", problem: "unknown", known: ["a"] } }),
    );
    fields.raw("b");
    expect(() => fields.end()).not.toThrow();
  });

  test("bounds and forms are kept", () => {
    const fields = fieldsOf({ n: 5, h: "ab", f: 1.5, t: [1] });
    expect(fields.integer("n", { min: 5, max: 5 })).toBe(5);
    expect(fields.bytes("h", 1)).toEqual(Uint8Array.of(0xab));
    for (const read of [
      () => fields.integer("n", { min: 6 }),
      () => fields.integer("f", { min: 0 }),
      () => fields.bytes("h", 2),
      () => fields.texts("t"),
      () => fields.flag("n"),
      () => fields.oneOf("h", ["cd"]),
    ]) {
      expect(read).toThrow(LedgerError);
    }
  });
});

describe("buildTransaction", () => {
  const request = {
    chainId: new Uint8Array(32).fill(1),
    signers: [
      { account: "a", signer: signerOf(4) },
      { account: "b", signer: signerOf(5) },
    ],
    nonce: 7,
    validUntilMs: 1_000,
    gasLimit: 10,
    calls: [{ contract: "board", action: "pin", args: { text: "x", id: "y" } }],
  };

  test("makes bytes that a node accepts: every signer signed, arguments in order of their names", () => {
    const { id, bytes } = buildTransaction(request);
    const decoded = decodeTransaction(bytes);
    if (!decoded.ok) throw new Error(decoded.code);
    expect(decoded.value.id).toEqual(id);
    expect(decoded.value.body.calls[0]?.args).toEqual([
      ["id", "y"],
      ["text", "x"],
    ]);
    expect(checkTransaction({ transaction: decoded.value, chainId: request.chainId, verify: verifyNative }).ok).toBe(
      true,
    );
  });

  test("the order in which arguments are written does not change the id, any fact does", () => {
    const { id } = buildTransaction(request);
    expect(
      buildTransaction({ ...request, calls: [{ contract: "board", action: "pin", args: { id: "y", text: "x" } }] }).id,
    ).toEqual(id);
    expect(buildTransaction({ ...request, nonce: 8 }).id).not.toEqual(id);
  });

  test.each([
    [{ signers: [] }],
    [{ signers: [request.signers[0]!, request.signers[0]!] }],
    [{ calls: [] }],
    [{ memo: new Uint8Array(65) }],
    [{ validUntilMs: -1 }],
    [{ calls: [{ contract: "", action: "pin", args: {} }] }],
  ])("what the ledger would refuse is refused before it is sent (%#)", (change) => {
    expect(() => buildTransaction({ ...request, ...change })).toThrow(expect.objectContaining({ code: "TX_INVALID" }));
  });
});

describe("ledgerTimeMs", () => {
  test("is the wall clock at scale 1 and runs that much faster from the genesis on", () => {
    expect(ledgerTimeMs({ timeMs: 1_000, timeScale: 1 }, 5_000)).toBe(5_000);
    expect(ledgerTimeMs({ timeMs: 1_000, timeScale: 10 }, 1_500)).toBe(6_000);
  });
});
