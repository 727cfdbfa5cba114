// Every method over real HTTP: what it answers fits the schema that rpc_discover publishes.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toHex } from "../../../src/ledger/hash.ts";
import { METHODS } from "../../../src/rpc/methods.ts";
import { METHOD_SCHEMAS, type MethodName } from "../../../src/rpc/schemas.ts";
import { call, type Harness, pin, rpc, startHarness } from "./harness.ts";

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

async function result(method: MethodName, params?: unknown) {
  const { json, status } = await rpc(harness.url, method, params);
  expect(json.error).toBeUndefined();
  expect(status).toBe(200);
  const parsed = METHOD_SCHEMAS[method].result.safeParse(json.result);
  expect(parsed.error?.issues).toBeUndefined();
  return json.result;
}

async function committed(id: string, text: string): Promise<string> {
  const transaction = pin(harness.node, id, text);
  const { txId } = await result("tx_send", { transaction: toHex(transaction.bytes) });
  expect((await result("tx_wait", { txId, timeoutMs: 5_000 })).status).toBe("committed");
  return txId;
}

describe("methods", () => {
  test("a ledger without blocks has a head and says why nothing can be proved", async () => {
    expect((await result("chain_head")).height).toBe(0);
    const { json } = await rpc(harness.url, "state_get", { contract: "board", table: "note", key: ["a"] });
    expect(json.error.data.code).toBe("NO_BLOCK_YET");
  });

  test("a transaction is received, waited for and answered with its receipt and proof", async () => {
    const txId = await committed("a", "停水通知");
    const status = await result("tx_receipt", { txId });
    expect(status).toMatchObject({
      status: "committed",
      receipt: { txId, status: "ok" },
      explanation: { zh: "已完成", en: "done" },
    });
    expect(status.receipt.events[0].fields).toEqual({ raw: { hex: "0102" } });
  });

  test("a refused transaction has a receipt whose wide integers are decimal text under a tag", async () => {
    const transaction = call(harness.node, "refuse", {});
    const { txId } = await result("tx_send", { transaction: toHex(transaction.bytes) });
    const status = await result("tx_wait", { txId, timeoutMs: 5_000 });
    expect(status.receipt).toMatchObject({ status: "refused", values: { limit: { int: "1152921504606846976" } } });
  });

  test("tx_wait answers with the last known status when the time is up", async () => {
    harness.node.commitsAtOnce = false;
    const transaction = pin(harness.node, "late", "later");
    const { txId } = await result("tx_send", { transaction: toHex(transaction.bytes) });
    expect(await result("tx_wait", { txId, timeoutMs: 10 })).toEqual({ status: "pending" });
    expect(await result("tx_receipt", { txId: "ab".repeat(32) })).toEqual({ status: "unknown" });
    harness.node.commitPending();
    harness.node.commitsAtOnce = true;
    expect((await result("tx_receipt", { txId })).status).toBe("committed");
  });

  test("tx_sendMany judges each transaction for itself, in order", async () => {
    const good = pin(harness.node, "many-1", "one");
    const bad = pin(harness.node, "many-2", "two").bytes.slice();
    bad[bad.length - 1] = (bad.at(-1) ?? 0) ^ 1;
    const transactions = [toHex(good.bytes), toHex(bad), "00"];
    const { results, received } = await result("tx_sendMany", { transactions });
    expect(results.map((entry: { ok: boolean }) => entry.ok)).toEqual([true, false, false]);
    expect(results[0].txId).toBe(toHex(good.id));
    expect(received.timeMs).toBeGreaterThan(0);
    expect((await result("tx_sendMany", { transactions: ["00"] })).received).toBeNull();
    expect(results[1].error.data).toMatchObject({ code: "TX_SIGNATURE" });
    expect(results[2].error.data.code).toMatch(/^CBOR_|^TX_/);
  });

  test("state_get answers a row, or that there is none; state_list pages without gaps", async () => {
    for (const id of ["p1", "p2", "p3"]) await committed(id, `text ${id}`);
    const { row } = await result("state_get", { contract: "board", table: "note", key: ["p2"] });
    expect(row).toMatchObject({ key: { id: "p2" }, fields: { text: "text p2", size: 7 } });
    expect((await result("state_get", { contract: "board", table: "note", key: ["nobody"] })).row).toBeNull();
    const seen: string[] = [];
    for (let after: string | null | undefined; after !== null; ) {
      const page = await result("state_list", {
        contract: "board",
        table: "note",
        limit: 2,
        ...(after === undefined ? {} : { after }),
      });
      seen.push(...page.rows.map((entry: { key: { id: string } }) => entry.key.id));
      after = page.next;
    }
    expect(seen).toEqual([...new Set(seen)].sort());
    expect(seen).toEqual(expect.arrayContaining(["p1", "p2", "p3"]));
  });

  test("A48: contract_explain answers conditions with names, types and values; state_list names its columns", async () => {
    const call = {
      contract: "board",
      action: "pin",
      account: "cara",
      args: { text: { hex: "00ff" }, big: { int: "9007199254740993" } },
    };
    expect(await result("contract_explain", call)).toMatchObject({
      status: "refused",
      ruleId: "board.pin.require[0]",
      conditions: [
        { outcome: "failed", values: [{ name: "p.text", type: "text(64)", value: { hex: "00ff" } }] },
        { outcome: "error", error: "OVERFLOW" },
      ],
    });
    const page = await result("state_list", { contract: "board", table: "note", limit: 1 });
    expect(page.columns).toEqual({ key: [{ name: "id", type: "id" }], fields: [{ name: "text", type: "text(64)" }] });
  });

  test("blocks, contracts, status and node facts fit their schemas", async () => {
    const { height } = await result("chain_head");
    expect(await result("chain_block", { height })).toMatchObject({ height, transactionCount: 1 });
    expect((await result("chain_testimony", { height })).height).toBe(height);
    expect((await result("contract_list")).contracts).toHaveLength(1);
    expect(await result("contract_get", { name: "board" })).toMatchObject({ source: "contract: board\n" });
    expect(await result("consensus_status")).toMatchObject({ digest: "01ff", total: "1152921504606846976" });
    expect((await result("node_info")).genesis).toBeUndefined();
    expect((await result("node_info", { genesis: true })).genesis).toBe(toHex(harness.node.genesis.bytes));
  });

  test("what is not there is refused by name", async () => {
    const asked: readonly (readonly [MethodName, unknown, string])[] = [
      ["chain_block", { height: 999_999 }, "BLOCK_UNKNOWN"],
      ["chain_testimony", { height: 999_999 }, "BLOCK_UNKNOWN"],
      ["contract_get", { name: "nothing" }, "CONTRACT_UNKNOWN"],
      ["state_get", { contract: "nothing", table: "note", key: ["a"] }, "CONTRACT_UNKNOWN"],
      ["state_get", { contract: "board", table: "nothing", key: ["a"] }, "TABLE_UNKNOWN"],
      ["state_get", { contract: "board", table: "note", key: [1, 2] }, "KEY_INVALID"],
      ["state_get", { contract: "board", table: "note", key: [{ int: "x" }] }, "KEY_INVALID"],
      ["subscribe", { feed: "heads" }, "RPC_NEEDS_WEBSOCKET"],
    ];
    for (const [method, params, code] of asked) {
      const { json } = await rpc(harness.url, method, params);
      expect(json.error.data.code, `${method} ${JSON.stringify(params)}`).toBe(code);
      expect(json.error.data.remedy).not.toBe("");
    }
  });

  test("A4: rpc_discover describes exactly the methods that exist, from the schemas that check them", async () => {
    const document = await result("rpc_discover");
    expect(document.methods.map((method: { name: string }) => method.name)).toEqual(Object.keys(METHODS));
    const wait = document.methods.find((method: { name: string }) => method.name === "tx_wait");
    expect(wait.params).toMatchObject([
      { name: "txId", required: true, schema: { type: "string", pattern: "^[0-9a-f]{64}$" } },
      { name: "timeoutMs", required: false, schema: { type: "integer", minimum: 0, maximum: 60_000, default: 10_000 } },
    ]);
  });

  test("N224: a node whose program lacks the protocol in force is not well, and says which one it needs", async () => {
    const { versions } = harness.node;
    harness.node.versions = { speaks: [1], inForce: 1, decided: { protocol: 2, height: 9 }, needs: 2 };
    const warned = await fetch(`${harness.url}/health`);
    expect([warned.status, await warned.json()]).toMatchObject([200, { ok: true }]);
    harness.node.versions = { speaks: [1], inForce: 2, decided: null, needs: 2 };
    const left = await fetch(`${harness.url}/health`);
    expect([left.status, await left.json()]).toMatchObject([
      503,
      { ok: false, problem: "PROTOCOL_UNSUPPORTED", protocol: 2 },
    ]);
    harness.node.versions = versions;
  });

  test("health answers while the head is known, and 503 when it is not", async () => {
    const well = await fetch(`${harness.url}/health`);
    expect(well.status).toBe(200);
    expect(await well.json()).toMatchObject({ ok: true });
    harness.node.fault = new Error("broken");
    const ill = await fetch(`${harness.url}/health`);
    harness.node.fault = undefined;
    expect(ill.status).toBe(503);
    expect(await ill.json()).toEqual({ ok: false });
  });
});
