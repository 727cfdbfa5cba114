import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeControl, encodeControl } from "../../../src/p2p/control.ts";
import { encodeHello, type Hello, isHello, judgeHello } from "../../../src/p2p/hello.ts";

const OWN: Hello = {
  protocol: 1,
  chainId: new Uint8Array(32).fill(1),
  configHash: new Uint8Array(32).fill(2),
  software: "linli/0.1.0",
};

function codeOf(theirs: Uint8Array): string {
  const verdict = judgeHello(OWN, theirs);
  return verdict.ok ? "agreed" : verdict.code;
}

describe("HELLO", () => {
  it.each([
    ["the same", {}, "agreed"],
    ["other software", { software: "linli/9.9.9" }, "agreed"],
    ["no software", { software: "" }, "agreed"],
    ["another protocol", { protocol: 2 }, "HELLO_PROTOCOL_DIFFERS"],
    ["another ledger", { chainId: new Uint8Array(32) }, "HELLO_CHAIN_DIFFERS"],
    ["another configuration", { configHash: new Uint8Array(32) }, "HELLO_CONFIG_DIFFERS"],
    ["another protocol and ledger", { protocol: 7, chainId: new Uint8Array(32) }, "HELLO_PROTOCOL_DIFFERS"],
  ] as const)("from a peer with %s: %s", (_, changes, code) => {
    expect(codeOf(encodeHello({ ...OWN, ...changes }))).toBe(code);
  });

  it("reads nothing of another protocol's HELLO but its number", () => {
    expect(codeOf(Uint8Array.of(0, 0, 0, 2))).toBe("HELLO_PROTOCOL_DIFFERS");
  });

  it("is malformed when it is too short, too long, or names software that cannot be printed", () => {
    const good = encodeHello(OWN);
    const shortest = good.length - OWN.software.length;
    for (let length = 0; length < shortest; length += 1) expect(codeOf(good.slice(0, length))).toBe("HELLO_MALFORMED");
    expect(codeOf(new Uint8Array([...good, ...new Uint8Array(60).fill(65)]))).toBe("HELLO_MALFORMED");
    expect(codeOf(encodeHello({ ...OWN, software: "a b" }))).toBe("HELLO_MALFORMED");
    expect(codeOf(encodeHello({ ...OWN, software: "a\u0007" }))).toBe("HELLO_MALFORMED");
  });

  it("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(typeof codeOf(bytes)).toBe("string");
        expect(typeof decodeControl(bytes).ok).toBe("boolean");
      }),
    );
  });

  it("names what makes our own HELLO well formed", () => {
    expect(isHello(OWN)).toBe(true);
    expect(isHello({ ...OWN, chainId: new Uint8Array(31) })).toBe(false);
    expect(isHello({ ...OWN, configHash: new Uint8Array(33) })).toBe(false);
    expect(isHello({ ...OWN, software: "x".repeat(65) })).toBe(false);
    expect(isHello({ ...OWN, software: "two words" })).toBe(false);
  });
});

describe("control messages", () => {
  it.each([
    { kind: "hello", bytes: encodeHello(OWN) },
    { kind: "ready" },
    { kind: "ping", beat: 0 },
    { kind: "pong", beat: 4_294_967_295 },
  ] as const)("come back as they were: $kind", (message) => {
    expect(decodeControl(encodeControl(message))).toEqual({ ok: true, value: message });
  });

  it.each([[[]], [[0]], [[2, 0]], [[3]], [[3, 0, 0, 0]], [[4, 0, 0, 0, 0, 0]], [[5]]])("are malformed: %j", (bytes) => {
    expect(decodeControl(Uint8Array.from(bytes))).toMatchObject({ ok: false, code: "CONTROL_MALFORMED" });
  });
});
