// What strangers send instead of calls: every case is answered clearly or cut off, and the node goes on answering.
// Nothing of the inside gets out: no stack, no path, no message of an unlisted error.

import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LedgerError } from "../../../src/errors.ts";
import { catalogueEntry, errorView, RPC_CATALOGUE } from "../../../src/rpc/errors.ts";
import { JSON_LIMITS, parseJson } from "../../../src/rpc/json.ts";
import { answerOf, type Harness, post, rpc, startHarness } from "./harness.ts";

const BODY_MAX = 64 << 10;
let harness: Harness;
beforeAll(async () => {
  harness = await startHarness({
    bodyBytesMax: BODY_MAX,
    batchRequestsMax: 5,
    requestsPerAddress: { perSecond: 1e6, burst: 1e6 },
  });
});
afterAll(() => harness.stop());

async function expectAlive(): Promise<void> {
  expect((await rpc(harness.url, "chain_head")).json.result.height).toBe(0);
}

/** All that the server says to these bytes until it closes the connection, whatever trickles in behind them. */
async function saidUntilClosed(sent: string, trickle = ""): Promise<string> {
  const socket = connect(harness.server.port, "127.0.0.1");
  let text = "";
  socket
    .on("error", () => {})
    .on("data", (data) => {
      text += data.toString();
    });
  socket.write(sent);
  const drops = setInterval(() => socket.write(trickle), 1_000);
  await new Promise((resolve) => socket.on("close", resolve));
  clearInterval(drops);
  return text;
}

const request = (members: Record<string, unknown>): string =>
  JSON.stringify({ jsonrpc: "2.0", id: 1, method: "chain_head", ...members });

const BODIES: readonly (readonly [name: string, body: string | Uint8Array<ArrayBuffer>, code: string])[] = [
  ["nothing", "", "RPC_JSON_INVALID"],
  ["no JSON", "hello", "RPC_JSON_INVALID"],
  ["half a JSON", '{"jsonrpc":"2.0"', "RPC_JSON_INVALID"],
  ["bytes that are no UTF-8", Uint8Array.of(0x22, 0xff, 0xfe, 0x22), "RPC_JSON_INVALID"],
  ["a byte order mark", "\uFEFF{}", "RPC_JSON_INVALID"],
  ["depth that would break a recursive reader", "[".repeat(50_000), "RPC_JSON_TOO_DEEP"],
  ["depth hidden behind a string", `{"a":"\\"[[[[","b":${"[".repeat(40)}${"]".repeat(40)}}`, "RPC_JSON_TOO_DEEP"],
  ["very many items", `[${"1,".repeat(30_000)}1]`, "RPC_JSON_TOO_MANY_ITEMS"],
  ["an empty batch", "[]", "RPC_BATCH_INVALID"],
  [
    "a batch above the limit",
    JSON.stringify(Array.from({ length: 6 }, () => ({ jsonrpc: "2.0", id: 1, method: "chain_head" }))),
    "RPC_BATCH_INVALID",
  ],
  ["a number", "7", "RPC_REQUEST_INVALID"],
  ["null", "null", "RPC_REQUEST_INVALID"],
  ["another version", request({ jsonrpc: "1.0" }), "RPC_REQUEST_INVALID"],
  ["a method that is no text", request({ method: 5 }), "RPC_REQUEST_INVALID"],
  ["params that are no object", request({ params: "x" }), "RPC_REQUEST_INVALID"],
  ["an unknown member", request({ extra: 1 }), "RPC_REQUEST_INVALID"],
  ["an id that is an object", request({ id: {} }), "RPC_REQUEST_INVALID"],
  ["an id without end", request({ id: "x".repeat(500) }), "RPC_REQUEST_INVALID"],
  ["a fractional id", request({ id: 1.5 }), "RPC_REQUEST_INVALID"],
  ["an unknown method", request({ method: "eth_call" }), "RPC_METHOD_UNKNOWN"],
  ["a method named like a member of every object", request({ method: "constructor" }), "RPC_METHOD_UNKNOWN"],
  ["positional params", request({ params: [] }), "RPC_PARAMS_INVALID"],
  ["an unknown param", request({ params: { height: 1 } }), "RPC_PARAMS_INVALID"],
  [
    "a param named __proto__",
    `{"jsonrpc":"2.0","id":1,"method":"chain_head","params":{"__proto__":{"a":1}}}`,
    "RPC_PARAMS_INVALID",
  ],
  ["a height that is text", request({ method: "chain_block", params: { height: "1" } }), "RPC_PARAMS_INVALID"],
  ["a height of zero", request({ method: "chain_block", params: { height: 0 } }), "RPC_PARAMS_INVALID"],
  [
    "a height beyond safe integers",
    `{"jsonrpc":"2.0","id":1,"method":"chain_block","params":{"height":9007199254740993}}`,
    "RPC_PARAMS_INVALID",
  ],
  [
    "upper-case hexadecimal",
    request({ method: "tx_receipt", params: { txId: "AB".repeat(32) } }),
    "RPC_PARAMS_INVALID",
  ],
  ["a short hash", request({ method: "tx_receipt", params: { txId: "ab" } }), "RPC_PARAMS_INVALID"],
  ["odd hexadecimal", request({ method: "tx_send", params: { transaction: "abc" } }), "RPC_PARAMS_INVALID"],
  ["an empty transaction", request({ method: "tx_send", params: { transaction: "" } }), "RPC_PARAMS_INVALID"],
  ["bytes that are no transaction", request({ method: "tx_send", params: { transaction: "ff".repeat(300) } }), "CBOR_"],
  [
    "a wait without end",
    request({ method: "tx_wait", params: { txId: "ab".repeat(32), timeoutMs: 1e9 } }),
    "RPC_PARAMS_INVALID",
  ],
  [
    "a page without end",
    request({ method: "state_list", params: { contract: "a", table: "b", limit: 1e6 } }),
    "RPC_PARAMS_INVALID",
  ],
  [
    "101 transactions in a call",
    request({ method: "tx_sendMany", params: { transactions: Array.from({ length: 101 }, () => "00") } }),
    "RPC_PARAMS_INVALID",
  ],
  [
    "a deep key value",
    request({ method: "state_get", params: { contract: "board", table: "note", key: [[[[[[[[[[1]]]]]]]]]] } }),
    "KEY_INVALID",
  ],
];

describe("hostile bodies", () => {
  test.each(BODIES)("%s", async (_, body, code) => {
    const { json, headers, text } = await post(harness.url, body);
    expect(headers.get("content-type")).toContain("application/json");
    expect(json.jsonrpc).toBe("2.0");
    expect(json.error.data.code).toMatch(new RegExp(`^${code}`));
    expect(Object.keys(json.error.data).sort()).toEqual(["cause", "code", "details", "remedy"]);
    expect(text.length).toBeLessThan(4_000);
    expect(text).not.toMatch(/node_modules|\.ts:|\\n *at /);
    await expectAlive();
  });

  test("a batch answers each request for itself and leaves notifications out", async () => {
    const body = JSON.stringify([
      { jsonrpc: "2.0", id: "a", method: "chain_head" },
      { jsonrpc: "2.0", method: "chain_head" },
      5,
      { jsonrpc: "2.0", id: "b", method: "nothing" },
    ]);
    const { json } = await post(harness.url, body);
    expect(json.map((answer: { id: unknown }) => answer.id)).toEqual(["a", null, "b"]);
    expect(json[0].result.height).toBe(0);
    expect(json[1].error.data.code).toBe("RPC_REQUEST_INVALID");
  });

  test("a notification alone gets an empty answer", async () => {
    const { status, text } = await post(harness.url, JSON.stringify({ jsonrpc: "2.0", method: "chain_head" }));
    expect([status, text]).toEqual([204, ""]);
  });

  test("A5: an error that is not in the catalogue leaves as an incident number and nothing else", async () => {
    harness.node.fault = new LedgerError("STORE_READ_FAILED", { path: "/secret/place" });
    const { json, text } = await rpc(harness.url, "chain_head");
    harness.node.fault = undefined;
    expect(json.error).toMatchObject({
      code: -32603,
      data: { code: "RPC_INTERNAL", details: { incident: expect.stringMatching(/^rpc-\d+$/) } },
    });
    expect(text).not.toContain("secret");
    expect(text).not.toContain("STORE_READ_FAILED");
    expect(harness.logged.at(-1)).toMatchObject({
      message: "rpc call failed",
      fields: { incident: json.error.data.details.incident },
    });
  });

  test("random bodies never crash the server", async () => {
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.json({ maxDepth: 6 }).map((text) => new TextEncoder().encode(text)),
      fc.string().map((text) => new TextEncoder().encode(text)),
    );
    await fc.assert(
      fc.asyncProperty(body, async (bytes) => {
        const { json, status } = await post(harness.url, Uint8Array.from(bytes));
        expect(status).toBe(200);
        expect(json).toBeDefined();
      }),
      { numRuns: 300 },
    );
    await expectAlive();
  });

  test("random parameters of real methods are answered, whatever they are", async () => {
    const methods = [
      "node_info",
      "chain_block",
      "tx_send",
      "tx_sendMany",
      "tx_receipt",
      "state_get",
      "state_list",
      "contract_get",
      "contract_explain",
      "subscribe",
      "unsubscribe",
      "rpc_discover",
    ];
    const names = [
      "height",
      "txId",
      "transaction",
      "transactions",
      "contract",
      "table",
      "key",
      "prefix",
      "after",
      "limit",
      "name",
      "feed",
      "genesis",
    ];
    const params = fc.dictionary(
      fc.constantFrom(...names),
      fc.oneof(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom("board", "note", "ab".repeat(32), ["a"], 1)),
      { maxKeys: 4 },
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...methods), params, async (method, fields) => {
        const { json } = await rpc(harness.url, method, fields);
        expect(json.error?.data.code).not.toBe("RPC_INTERNAL");
      }),
      { numRuns: 500 },
    );
  });
});

describe("hostile HTTP", () => {
  test("a body above the limit is refused with 413", async () => {
    const { status, json } = await post(harness.url, request({ params: { padding: "x".repeat(BODY_MAX) } }));
    expect([status, json.error.data.code]).toEqual([413, "RPC_BODY_TOO_LARGE"]);
  });

  test.each([["text/plain"], ["application/x-www-form-urlencoded"], ["application/json-rpc"]])(
    "content type %s is refused, so that no form of a web page can call",
    async (type) => {
      const { status, json } = await post(harness.url, request({}), { "content-type": type });
      expect([status, json.error.data.code]).toEqual([415, "RPC_MEDIA_TYPE"]);
    },
  );

  test.each([
    ["GET", "/"],
    ["PUT", "/"],
    ["DELETE", "/"],
    ["GET", "/../../etc/passwd"],
    ["POST", "/health"],
    ["GET", "/%E0%A4%A"],
  ])("%s %s is answered with a reason", async (method, path) => {
    const { status, json } = await answerOf(await fetch(`${harness.url}${path}`, { method }));
    expect([400, 404]).toContain(status);
    expect(json.error.data.code).toMatch(/^RPC_(PATH_UNKNOWN|HTTP_INVALID)$/);
  });

  test("what is no HTTP at all is answered 400 and cut", async () => {
    for (const garbage of [
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
      "GET\r\n\r\n",
      "POST / HTTP/9.9\r\n\r\n",
      `GET / HTTP/1.1\r\nx: ${"y".repeat(70_000)}\r\n\r\n`,
    ]) {
      const socket = connect(harness.server.port, "127.0.0.1");
      socket.on("error", () => {}).resume();
      socket.end(garbage);
      await new Promise((resolve) => socket.on("close", resolve));
    }
    await expectAlive();
  });

  test.each([
    ["garbage", "\x16\x03\x01\x02\x00\r\n\r\n", 400],
    ["a header above the limit", `GET / HTTP/1.1\r\nx: ${"y".repeat(70_000)}\r\n\r\n`, 431],
    [
      "a WebSocket without a key",
      "GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n\r\n",
      400,
    ],
  ])("N255: %s is refused in the words of the catalogue", async (_, sent, status) => {
    const text = await saidUntilClosed(sent);
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(JSON.parse(text.slice(text.indexOf("\r\n\r\n"))).error.data.code).toBe("RPC_HTTP_INVALID");
    await expectAlive();
  });

  test("N264: a request that does not become whole is ended after 15 s, in its head or in its body, however it trickles", async () => {
    const head = "POST / HTTP/1.1\r\nhost: x\r\n";
    const body = `${head}content-type: application/json\r\ncontent-length: 100\r\n\r\n`;
    const slow = [saidUntilClosed(head), saidUntilClosed(head, "x"), saidUntilClosed(body), saidUntilClosed(body, " ")];
    for (const text of await Promise.all(slow)) expect(text).toMatch(/^HTTP\/1\.1 408 /);
    await expectAlive();
  }, 45_000);

  test("web pages of origins that are not listed are refused; listed ones get what a browser needs", async () => {
    const open = await startHarness({ corsOrigins: ["https://garden.example"] });
    const ask = (origin: string) =>
      fetch(open.url, {
        method: "POST",
        headers: { "content-type": "application/json", origin },
        body: request({}),
      }).then(answerOf);
    const stranger = await ask("https://evil.example");
    expect([stranger.status, stranger.json.error.data.code]).toEqual([403, "RPC_ORIGIN_REFUSED"]);
    expect(stranger.headers.get("access-control-allow-origin")).toBeNull();
    const friend = await ask("https://garden.example");
    expect(friend.status).toBe(200);
    expect(friend.headers.get("access-control-allow-origin")).toBe("https://garden.example");
    const preflight = await fetch(open.url, {
      method: "OPTIONS",
      headers: { origin: "https://garden.example", "access-control-request-method": "POST" },
    });
    expect([preflight.status, preflight.headers.get("access-control-allow-headers")]).toEqual([204, "content-type"]);
    await open.stop();
  });
});

describe("parseJson", () => {
  test("A6: accepts exactly what JSON.parse accepts, within the limits", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.json({ maxDepth: 5 }), fc.string({ unit: fc.constantFrom(...'{}[],:"\\ 1ae') })),
        (text) => {
          const read = parseJson(new TextEncoder().encode(text), { depthMax: 100, itemsMax: 1e6 });
          let expected: unknown;
          try {
            expected = JSON.parse(text);
          } catch {
            expect(read.ok).toBe(false);
            return;
          }
          expect(read).toEqual({ ok: true, value: expected });
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("counts depth and items exactly", () => {
    const nested = (depth: number) => new TextEncoder().encode(`${"[".repeat(depth)}${"]".repeat(depth)}`);
    expect(parseJson(nested(JSON_LIMITS.depthMax)).ok).toBe(true);
    expect(parseJson(nested(JSON_LIMITS.depthMax + 1)).ok).toBe(false);
    const list = (items: number) => new TextEncoder().encode(`[${Array.from({ length: items }, () => "0").join(",")}]`);
    expect(parseJson(list(10), { depthMax: 1, itemsMax: 10 }).ok).toBe(true);
    expect(parseJson(list(11), { depthMax: 1, itemsMax: 10 }).ok).toBe(false);
  });
});

describe("the catalogue", () => {
  test("every entry has cause and remedy as sentences, and a number of JSON-RPC's ranges", () => {
    for (const [code, { number, cause, remedy }] of Object.entries(RPC_CATALOGUE)) {
      expect(code).toMatch(/^[A-Z][A-Z0-9_]+$/);
      expect(cause, code).toMatch(/^[A-Z].*\.$/);
      expect(remedy, code).toMatch(/^[A-Z].*\.$/);
      expect(number).toBeLessThanOrEqual(-32000);
      expect(number).toBeGreaterThanOrEqual(-32768);
    }
    expect(catalogueEntry("toString")).toBeUndefined();
  });

  test("A23: whatever the node refuses at its door is in the catalogue", () => {
    const sources = [
      "node/api.ts",
      "node/mempool.ts",
      "ledger/format-transaction.ts",
      "ledger/validate.ts",
      "ledger/codec.ts",
      "contracts/describe.ts",
      "contracts/explain-call.ts",
      "contracts/state-keys.ts",
    ];
    const codes = sources.flatMap((path) => {
      const text = readFileSync(join(import.meta.dirname, "../../../src", path), "utf8");
      return [...text.matchAll(/\b(?:LedgerError|refuse|fail|Malformed)\(\s*"([A-Z0-9_]+)"/g)].map(
        ([, code = ""]) => code,
      );
    });
    // Faults of the node's own, and what is said of batches of other nodes.
    const inner = /^(STORE_|ENCODE_|BATCH_|INVARIANT_)/;
    expect(codes.length).toBeGreaterThan(20);
    expect([...new Set(codes)].filter((code) => !inner.test(code) && catalogueEntry(code) === undefined)).toEqual([]);
  });

  test("a listed error keeps its data, any other thing thrown does not", () => {
    const listed = errorView(new LedgerError("BLOCK_UNKNOWN", { height: 7 }), () => "rpc-1");
    expect(listed).toMatchObject({ code: -32004, data: { code: "BLOCK_UNKNOWN", details: { height: 7 } } });
    for (const thrown of [new Error("secret"), "secret", undefined, new LedgerError("SECRET_CODE", { a: "secret" })]) {
      expect(JSON.stringify(errorView(thrown, () => "rpc-1"))).not.toContain("secret");
    }
  });
});
