// Trials: what every condition says, with names, types and values, and that trying changes nothing. Lists by index.
// Over a real state of executed blocks.

import { describe, expect, it } from "vitest";
import { columnsOf, decodeRow, indexPlace } from "../../../src/contracts/describe.ts";
import { explainCall } from "../../../src/contracts/explain-call.ts";
import { startsWithBytes } from "../../../src/contracts/state-keys.ts";
import { tryStep } from "../../../src/contracts/test-runner.ts";
import type { Value } from "../../../src/ledger/codec.ts";
import { Overlay } from "../../../src/state/overlay.ts";
import { genesisWith, newOverlay, TestChain } from "./support.ts";

const SHOP = `rules: 1
contract: shop
title: {zh: 商店, en: Shop}
settings: {cap: {type: int(0..1000), value: 100}}
tables:
  order:
    key: {id: id}
    fields: {fen: money, due: time, state: "enum(open,paid)"}
    index: {by_state: [state]}
actions:
  put:
    by: [clerk]
    params: {id: id, fen: money}
    do:
      - insert: order
        row: {id: p.id, fen: p.fen, due: now + 1000, state: '"open"'}
  pay:
    by: [cashier]
    params: {id: id, fen: money}
    read: {o: "order[p.id]"}
    require:
      - if: p.fen <= settings.cap
        else: {zh: "{p.fen} 超过 {settings.cap}", en: "{p.fen} is above {settings.cap}"}
      - if: p.fen == o.fen && now <= o.due
        else: {zh: "应付 {o.fen} 分, 期限 {o.due}", en: "{o.fen} fen are due at {o.due}"}
      - if: mulDiv(100, 1, o.fen, "down") > 0
        else: {zh: "单价过高", en: "The price is too high"}
    do:
      - update: o
        set: {state: '"paid"'}
      - emit: {paid: {id: o.id}}
  ask:
    by: [clerk]
    params: {id: id}
    read: {o?: "order[p.id]"}
    require:
      - if: o == null
        else: {zh: "{p.id} 已有", en: "There is {p.id}"}
    do:
      - emit: {asked: {id: p.id}}
`;

function chain(): TestChain {
  const accounts = [
    { id: "cara", organisation: "property", roles: ["clerk"] },
    { id: "cash", organisation: "property", roles: ["cashier"] },
  ];
  const made = new TestChain(genesisWith([{ name: "shop", source: SHOP }], accounts));
  const put = (id: string, fen: number) =>
    made.run(1000, "cara", [{ contract: "shop", action: "put", args: { id, fen } }]);
  for (const [id, fen] of [
    ["a", 50],
    ["b", 60],
    ["c", 0],
  ] as const)
    expect(put(id, fen).status).toBe("ok");
  return made;
}

function trial(
  made: TestChain,
  request: { account?: string; action?: string; args: Record<string, Value>; timeMs?: number },
) {
  const { account = "cash", action = "pay", args, timeMs = 1500 } = request;
  const overlay = new Overlay({ base: made, height: made.height + 1 });
  const tried = explainCall(overlay, {
    contract: "shop",
    action,
    account,
    cosigners: [],
    args,
    timeMs,
    height: made.height + 1,
  });
  expect(overlay.writes()).toEqual([]);
  return tried;
}

describe("trial", () => {
  it("A46: every condition is told with names, types and values, also after one that failed, and nothing changes", () => {
    const made = chain();
    const before = [...made.rows.keys()];
    const tried = trial(made, { args: { id: "a", fen: 500 } });
    expect(tried).toMatchObject({
      ok: true,
      value: {
        refusal: { status: "refused", ruleId: "shop.pay.require[0]" },
        explanation: { zh: "500 超过 100", en: "500 is above 100" },
        conditions: [
          {
            line: 22,
            outcome: "failed",
            condition: "p.fen <= settings.cap",
            values: [
              { name: "p.fen", type: "money", value: 500 },
              { name: "settings.cap", type: "int(0..1000)", value: 100 },
            ],
          },
          { outcome: "failed", sentence: { en: "0.50 yuan are due at 1970-01-01 08:00:02" } },
          { outcome: "passed" },
        ],
        events: [],
      },
    });
    expect([...made.rows.keys()]).toEqual(before);
  });

  it("A46: what would happen is told with its events and units, as a block then does it", () => {
    const made = chain();
    const tried = trial(made, { args: { id: "a", fen: 50 } });
    expect(tried).toMatchObject({
      ok: true,
      value: { refusal: undefined, events: [{ name: "paid", fields: [["id", "a"]] }] },
    });
    const gas = tried.ok ? tried.value.gas : 0;
    const receipt = made.run(1500, "cash", [{ contract: "shop", action: "pay", args: { id: "a", fen: 50 } }]);
    expect(receipt.status).toBe("ok");
    // A transaction pays for its signer beside the run.
    expect(receipt.gas - gas).toBeGreaterThan(0);
    expect(receipt.gas - gas).toBeLessThan(400);
  });

  it("A46: who may not do it is told so, and still sees the conditions; an error is told by its code", () => {
    const made = chain();
    expect(trial(made, { account: "cara", args: { id: "a", fen: 50 } })).toMatchObject({
      ok: true,
      value: {
        refusal: { status: "unauthorised" },
        conditions: [{ outcome: "passed" }, { outcome: "passed" }, { outcome: "passed" }],
      },
    });
    expect(trial(made, { args: { id: "c", fen: 0 } })).toMatchObject({
      ok: true,
      value: { refusal: { status: "failed" }, conditions: [{}, {}, { outcome: { error: "DIVISION_BY_ZERO" } }] },
    });
    expect(trial(made, { args: { id: "nobody", fen: 0 } })).toMatchObject({
      ok: true,
      value: { refusal: { ruleId: "shop.pay.read.o" }, conditions: [] },
    });
    expect(trial(made, { args: { id: "a" } })).toMatchObject({
      ok: true,
      value: { refusal: { ruleId: "shop.pay.params" } },
    });
  });

  it("A46: of a row as a whole its key is told, null when it is not there", () => {
    const made = chain();
    const ask = (id: string) => trial(made, { account: "cara", action: "ask", args: { id } });
    const told = (outcome: string, value: Value) => ({
      value: { conditions: [{ outcome, values: [{ name: "o", type: "row", value }, { name: "p.id" }] }] },
    });
    expect(ask("a")).toMatchObject(told("failed", "a"));
    expect(ask("z")).toMatchObject(told("passed", null));
  });

  it("A46: names that are not there are refused by code", () => {
    const made = chain();
    expect(trial(made, { action: "steal", args: {} })).toMatchObject({ ok: false, code: "ACTION_UNKNOWN" });
    expect(trial(made, { account: "nobody", args: {} })).toMatchObject({ ok: false, code: "ACCOUNT_UNKNOWN" });
  });

  it("A47: a step over given rows is tried as on a ledger", () => {
    const given = '{"now": 1000, "order": [{"id": "a", "fen": 50, "due": 2000}]}';
    const step = (fen: number) => JSON.stringify({ at: "1500", as: "cashier/cash", do: "pay", with: { id: "a", fen } });
    const input = { given, sources: [SHOP], newOverlay };
    expect(tryStep({ ...input, step: step(50) })).toMatchObject({ refusal: undefined });
    expect(tryStep({ ...input, step: step(51) })).toMatchObject({ refusal: { ruleId: "shop.pay.require[1]" } });
    expect(tryStep({ ...input, step: '{"as": "cashier/x", "do": "steal"}' })).toMatchObject({
      problem: expect.stringContaining("there is no action steal"),
    });
    expect(tryStep({ ...input, given: "{", step: step(50) })).toHaveProperty("problem");
  });

  it("R262: a timer among the given rows is a fault of the test, told as one", () => {
    const given = '{"ledger.timer": [{"contract": "shop", "key": "a", "at": 5, "action": "pay"}]}';
    const step = JSON.stringify({ at: "10", as: "cashier/cash", do: "pay", with: { id: "a", fen: 50 } });
    expect(tryStep({ given, step, sources: [SHOP], newOverlay })).toEqual({
      problem: expect.stringContaining("timers are not given"),
    });
  });

  it("A45: the entries of an index stand for rows, which are told by names; groups and columns by their types", () => {
    const made = chain();
    made.run(1500, "cash", [{ contract: "shop", action: "pay", args: { id: "b", fen: 60 } }]);
    const place = { contract: "shop", table: "order" };
    const ids = (state: string) => {
      const group = indexPlace(made, { ...place, index: "by_state" }, [state]);
      if (!group.ok) throw new Error(group.code);
      const entries = [...made.rows.values()].filter(({ key }) => startsWithBytes(key, group.value.prefix));
      return entries.map(({ key: entryKey }) => {
        const key = group.value.rowKey(entryKey);
        const entry = made.get(key);
        if (entry === undefined) throw new Error("A45: an entry without a row");
        return decodeRow(made, { ...place, key, entry }).key[0]?.[1];
      });
    };
    expect([ids("open").sort(), ids("paid")]).toEqual([["a", "c"], ["b"]]);
    expect(indexPlace(made, { ...place, index: "by_fen" }, [1])).toMatchObject({ code: "INDEX_UNKNOWN" });
    expect(indexPlace(made, { ...place, index: "by_state" }, ["lost"])).toMatchObject({ code: "KEY_INVALID" });
    expect(indexPlace(made, { ...place, index: "by_state" }, [])).toMatchObject({ code: "KEY_INVALID" });
    expect(columnsOf(made, place)).toMatchObject({
      value: {
        key: [{ name: "id", type: "id" }],
        fields: [{ type: "money" }, { type: "time" }, { type: "enum(open,paid)" }],
      },
    });
  });
});
