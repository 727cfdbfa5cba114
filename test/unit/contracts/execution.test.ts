// What actions and blocks do to the state: all or nothing, who may act, moves of states, money, timers, gas, receipts.

import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { decodeRow, explainReceipt, rowKey } from "../../../src/contracts/describe.ts";
import { GAS } from "../../../src/contracts/gas.ts";
import type { Value } from "../../../src/ledger/codec.ts";
import { valueHashOf } from "../../../src/ledger/format-receipt.ts";
import type { Receipt } from "../../../src/ledger/types.ts";
import { type CallSeed, document, genesisWith, keyFor, keyOf, TestChain, transaction } from "./support.ts";

const CLERK = "ann";
const ACCOUNTS = [
  { id: CLERK, organisation: "property", roles: ["clerk"] },
  { id: "bob", organisation: "street", roles: ["other"] },
  { id: "eve", organisation: "street", roles: ["timer"] },
  { id: "root", organisation: "government", roles: ["admin"] },
];

function plainGenesis() {
  return genesisWith([{ name: "desk", source: document("desk.yaml") }], ACCOUNTS);
}

let chain: TestChain;
beforeEach(() => {
  chain = new TestChain(plainGenesis());
});

function desk(action: string, args: Readonly<Record<string, Value>> = {}): CallSeed {
  return { contract: "desk", action, args };
}

function act(action: string, args: Readonly<Record<string, Value>> = {}, timeMs = 1): Receipt {
  return chain.run(timeMs, CLERK, [desk(action, args)]);
}

function row(table: string, ...key: readonly Value[]): Readonly<Record<string, Value>> | undefined {
  const [contract, name] = table.includes(".") ? table.split(".") : ["desk", table];
  const place = { contract: contract ?? "", table: name ?? "" };
  const stateKey = rowKey(chain, place.contract, place.table, key);
  if (!stateKey.ok) throw new Error(stateKey.code);
  const entry = chain.get(stateKey.value);
  return entry && Object.fromEntries(decodeRow(chain, { ...place, key: stateKey.value, entry }).fields);
}

const outcome = ({ status, ruleId }: Receipt) => [status, ruleId];

describe("actions", () => {
  it("R40: every expression sees the rows as they were read, statements take effect together", () => {
    act("add", { id: "a", state: "open" });
    act("count", { id: "a", n: 5 });
    const receipt = act("count", { id: "a", n: 2 });
    expect(receipt.events).toEqual([{ contract: "desk", name: "counted", fields: [["before", 5]] }]);
    expect(row("box", "a")).toEqual({ n: 7, m: 0, note: "", state: "open" });
  });

  it("R41: no field of a row is set twice in one action, whatever it was read as", () => {
    act("add", { id: "a", state: "open" });
    act("add", { id: "b", state: "open" });
    expect(outcome(act("both", { a: "a", b: "b" }))).toEqual(["ok", ""]);
    expect(outcome(act("both", { a: "a", b: "a" }))).toEqual(["refused", "desk.both.do[1].twice"]);
    expect(outcome(act("two_parts", { id: "a" }))).toEqual(["ok", ""]);
    expect(row("box", "a")).toEqual({ n: 0, m: 1, note: "", state: "open" });
    expect(outcome(act("drop_and_set", { id: "a" }))).toEqual(["refused", "desk.drop_and_set.do[1].twice"]);
  });

  it("R42: every assignment to a state is a move, also to the same value, and rows begin where the flow begins", () => {
    expect(outcome(act("add", { id: "x", state: "locked" }))).toEqual(["refused", "desk.box.flow"]);
    act("add", { id: "a", state: "closed" });
    expect(outcome(act("move", { id: "a", state: "closed" }))).toEqual(["refused", "desk.box.flow"]);
    expect(outcome(act("move", { id: "a", state: "locked" }))).toEqual(["refused", "desk.box.flow"]);
    expect(outcome(act("move", { id: "a", state: "open" }))).toEqual(["ok", ""]);
    expect(outcome(act("move", { id: "a", state: "locked" }))).toEqual(["ok", ""]);
    expect(outcome(act("move", { id: "a", state: "locked" }))).toEqual(["ok", ""]);
    const refused = act("move", { id: "a", state: "open" });
    expect(refused.values).toEqual([
      ["box.state", "locked"],
      ["next", "open"],
    ]);
  });

  it("R43: invariants of every changed row hold after an action, values stay inside their types", () => {
    act("add", { id: "a", state: "open" });
    expect(outcome(act("count", { id: "a", n: -1001 }))).toEqual(["refused", "desk.box.always[0]"]);
    expect(outcome(act("fill", { id: "a", m: 101 }))).toEqual(["refused", "desk.box.m"]);
    expect(row("box", "a")).toEqual({ n: 0, m: 0, note: "", state: "open" });
  });

  it("R44: rows that are missing, or there already, refuse", () => {
    expect(outcome(act("count", { id: "a", n: 1 }))).toEqual(["refused", "desk.count.read.b"]);
    act("add", { id: "a", state: "open" });
    expect(outcome(act("add", { id: "a", state: "open" }))).toEqual(["refused", "desk.add.do[0].exists"]);
    expect(outcome(act("drop", { id: "a" }))).toEqual(["ok", ""]);
    expect(row("box", "a")).toBeUndefined();
    expect(outcome(act("maybe", { id: "a", other: "set" }))).toEqual(["refused", "desk.maybe.do[1].absent"]);
    expect(outcome(act("maybe", { id: "a", other: "a" }))).toEqual(["ok", ""]);
  });

  it("R69: a value that can be no key is the key of no row", () => {
    act("add", { id: "a", state: "open" });
    for (const [id, there] of [
      ["a", true],
      ["a b", false],
      ["b", false],
      ["", false],
      ["a".repeat(3000), false],
    ] as const) {
      expect(act("probe", { id }).events[0]?.fields).toEqual([["there", there]]);
    }
  });

  it("R45: arguments are those that are declared, of their types, in the order of names", () => {
    expect(outcome(act("add", { id: "a" }))).toEqual(["refused", "desk.add.params"]);
    expect(outcome(act("add", { id: "a", state: "open", x: 1 }))).toEqual(["refused", "desk.add.params"]);
    expect(outcome(act("add", { id: 1, state: "open" }))).toEqual(["refused", "desk.add.params.id"]);
    expect(outcome(act("add", { id: "a b", state: "open" }))).toEqual(["refused", "desk.add.params.id"]);
    expect(outcome(act("add", { id: "中".repeat(22), state: "open" }))).toEqual(["refused", "desk.add.params.id"]);
    expect(outcome(act("add", { id: "中".repeat(21), state: "open" }))).toEqual(["ok", ""]);
    expect(outcome(act("add", { id: "a", state: "ajar" }))).toEqual(["refused", "desk.add.params.state"]);
    expect(outcome(act("count", { id: "a", n: 1n << 63n }))).toEqual(["refused", "desk.count.params.n"]);
    expect(outcome(act("later", { key: "k", at: -1, id: "a", n: 1 }))).toEqual(["refused", "desk.later.params.at"]);
  });

  it("R46: an expression that fails fails the action, and says how", () => {
    const receipt = act("divide", { n: 1, by: 0 });
    expect(outcome(receipt)).toEqual(["failed", "desk.divide.do[0]"]);
    expect(receipt.values).toEqual([["error", "DIVISION_BY_ZERO"]]);
  });

  it("R113: a field of a row that is not there is an error, also where its range proves the arithmetic", () => {
    expect(act("next", { id: "a" })).toMatchObject({ status: "failed", values: [["error", "ABSENT_ROW"]] });
    act("add", { id: "a", state: "open" });
    expect(act("next", { id: "a" }).events[0]?.fields).toEqual([["m", 1]]);
  });

  it("R47: unknown contracts and actions fail", () => {
    expect(outcome(chain.run(1, CLERK, [{ contract: "nobody", action: "add" }]))).toEqual(["failed", "call.contract"]);
    expect(outcome(chain.run(1, CLERK, [desk("__proto__")]))).toEqual(["failed", "call.action"]);
    expect(outcome(chain.run(1, CLERK, [{ contract: "constructor", action: "add" }]))).toEqual([
      "failed",
      "call.contract",
    ]);
    expect(outcome(chain.run(1, CLERK, [{ contract: "ledger", action: "money" }]))).toEqual([
      "failed",
      "call.contract",
    ]);
  });
});

describe("who may act", () => {
  it("R48: every signer is registered, active, and signs with the present key of the account", () => {
    expect(outcome(chain.run(1, "nobody", [desk("pay")]))).toEqual(["unauthorised", "account.unknown"]);
    expect(outcome(chain.run(1, [CLERK, "nobody"], [desk("pay")]))).toEqual(["unauthorised", "account.unknown"]);
    chain.run(1, "root", [{ contract: "registry", action: "set_status", args: { id: "bob", status: "suspended" } }]);
    expect(outcome(chain.run(1, [CLERK, "bob"], [desk("add", { id: "a", state: "open" })]))).toEqual([
      "unauthorised",
      "account.status",
    ]);
    // The old key is dead within the block that replaces it.
    const replace = transaction("root", [
      { contract: "registry", action: "set_key", args: { id: CLERK, key: keyOf(9) } },
    ]);
    const { receipts } = chain.block(1, [replace, transaction(CLERK, [desk("add", { id: "a", state: "open" })])]);
    expect(receipts.map(outcome)).toEqual([
      ["ok", ""],
      ["unauthorised", "account.key"],
    ]);
  });

  it("R49: roles decide, and nobody holds the role of timers", () => {
    expect(outcome(chain.run(1, "bob", [desk("add", { id: "a", state: "open" })]))).toEqual([
      "unauthorised",
      "desk.add.by",
    ]);
    expect(outcome(chain.run(1, "eve", [desk("count", { id: "a", n: 1 })]))).toEqual(["unauthorised", "desk.count.by"]);
    expect(outcome(chain.run(1, "bob", [desk("pay", { from: "outside:bank", to: "x", fen: 1 })]))).toEqual(["ok", ""]);
  });

  it("R50: the other signers are known to the action", () => {
    expect(outcome(chain.run(1, CLERK, [desk("together")]))).toEqual(["refused", "desk.together.require[0]"]);
    const receipt = chain.run(1, [CLERK, "bob", "root"], [desk("together")]);
    expect(receipt.events[0]?.fields).toEqual([
      ["who", ["bob", "root"]],
      ["org", "property"],
      ["roles", ["clerk", "anyone"]],
    ]);
  });
});

describe("transactions", () => {
  it("R51: all calls happen or none, events included", () => {
    const receipt = chain.run(1, CLERK, [
      desk("add", { id: "a", state: "open" }),
      desk("count", { id: "a", n: 1 }),
      desk("count", { id: "b", n: 1 }),
    ]);
    expect(outcome(receipt)).toEqual(["refused", "desk.count.read.b"]);
    expect([receipt.events, receipt.writes]).toEqual([[], []]);
    expect(row("box", "a")).toBeUndefined();
  });

  it("R52: later calls see what earlier ones did, a receipt lists each key once", () => {
    const receipt = chain.run(1, CLERK, [
      desk("add", { id: "a", state: "open" }),
      desk("count", { id: "a", n: 1 }),
      desk("count", { id: "a", n: 1 }),
    ]);
    expect(receipt.events.map(({ name }) => name)).toEqual(["added", "counted", "counted"]);
    expect(receipt.writes.length).toBe(1);
    expect(row("box", "a")?.n).toBe(2);
  });

  it("R53: a write names the hash of the value and the height of the write before it", () => {
    act("add", { id: "a", state: "open" });
    act("bogus");
    const receipt = act("count", { id: "a", n: 1 });
    const key = rowKey(chain, "desk", "box", ["a"]);
    const entry = key.ok ? chain.get(key.value) : undefined;
    expect(receipt.writes).toEqual([
      { key: key.ok && key.value, valueHash: valueHashOf(entry?.value ?? new Uint8Array(0)), previousHeight: 1 },
    ]);
    expect(act("drop", { id: "a" }).writes[0]).toMatchObject({ valueHash: new Uint8Array(0), previousHeight: 3 });
  });

  it("R54: without enough gas nothing happens and the limit is spent; the same run costs the same", () => {
    const { gas } = act("add", { id: "a", state: "open" });
    const short = chain.run(1, CLERK, [desk("add", { id: "b", state: "open" })], gas - 1);
    expect(outcome(short)).toEqual(["out_of_gas", "transaction.gas"]);
    expect(short).toMatchObject({ gas: gas - 1, events: [], writes: [] });
    expect(chain.run(1, CLERK, [desk("add", { id: "b", state: "open" })], gas)).toMatchObject({ status: "ok", gas });
  });

  it("R55: what does not fit into the block's gas is not run", () => {
    chain.limits = { blockGasMax: 1_000_000 };
    const run = (id: string) => transaction(CLERK, [desk("add", { id, state: "open" })], 999_000);
    expect(chain.block(1, [run("a"), run("b")]).receipts.map(outcome)).toEqual([
      ["ok", ""],
      ["out_of_gas", "block.gas"],
    ]);
  });

  it("R68: what one transaction may say in events is bounded", () => {
    const shout = Array.from({ length: 70 }, () => desk("shout", { text: "x".repeat(4000) }));
    expect(outcome(chain.run(1, CLERK, shout.slice(0, 65)))).toEqual(["ok", ""]);
    expect(outcome(chain.run(1, CLERK, shout))).toEqual(["refused", "transaction.eventBytes"]);
  });

  it("R112: prices are part of the language version: these runs cost exactly this", () => {
    act("pay", { from: "outside:bank", to: "fund", fen: 100 });
    const runs: readonly (readonly [string, Readonly<Record<string, Value>>, string, number])[] = [
      ["add", { id: "a", state: "open" }, "", 1855],
      ["count", { id: "a", n: 2 }, "", 1868],
      ["count", { id: "a", n: 13 }, "desk.count.require[0]", 716],
      ["move", { id: "a", state: "closed" }, "", 1749],
      ["pay", { from: "fund", to: "x", fen: 10 }, "", 2979],
      ["pay_twice", { from: "fund", to: "x", fen: 10 }, "", 5767],
      ["later", { key: "k", at: 99, id: "a", n: 1 }, "", 1505],
      ["never", { key: "k" }, "", 1707],
      ["never", { key: "k" }, "", 707],
      ["shout", { text: "x".repeat(800) }, "", 756],
      ["probe", { id: "a".repeat(80) }, "", 818],
      ["burn", { l: [1, 2, 3] }, "", 605],
      ["drop", { id: "a" }, "", 1709],
    ];
    const measured = runs.map(([name, args]) => {
      const { ruleId, gas } = act(name, args);
      return [name, ruleId, gas];
    });
    expect(measured).toEqual(runs.map(([name, , ruleId, gas]) => [name, ruleId, gas]));
    // Three signers of 300, the call, the condition, the event.
    expect(chain.run(1, [CLERK, "bob", "root"], [desk("together")]).gas).toBe(1203);
  });

  it("R56: no action costs more than its worst case", () => {
    const l = Array.from({ length: 100 }, (_, index) => index);
    act("add", { id: "a", state: "open" });
    const names = ["add", "count", "fill", "later", "pay", "pay_twice", "burn", "maybe"];
    const args: Readonly<Record<string, Readonly<Record<string, Value>>>> = {
      add: { id: "z".repeat(64), state: "open" },
      count: { id: "a", n: 2 },
      fill: { id: "a", m: 3 },
      later: { key: "k".repeat(20), at: 1, id: "i".repeat(64), n: Number.MAX_SAFE_INTEGER },
      pay: { from: "outside:bank", to: "t".repeat(40), fen: 10 },
      pay_twice: { from: "t".repeat(40), to: "u".repeat(40), fen: 5 },
      burn: { l },
      maybe: { id: "q", other: "a" },
    };
    for (const name of names) {
      const receipt = act(name, args[name]);
      const gasMax =
        chain.engine.compile(document("desk.yaml"), () => undefined).contract?.actions.get(name)?.usageMax.units ?? 0;
      expect([name, receipt.status, receipt.gas <= gasMax + GAS.signer]).toEqual([name, "ok", true]);
    }
  });
});

describe("timers", () => {
  it("R57: scheduling under the same key replaces, cancelling removes", () => {
    act("add", { id: "a", state: "open" });
    act("later", { key: "k", at: 100, id: "a", n: 1 });
    act("later", { key: "k", at: 200, id: "a", n: 2 });
    act("later", { key: "other", at: 100, id: "a", n: 40 });
    act("never", { key: "other" });
    act("never", { key: "unknown" });
    expect(chain.block(199, []).receipts).toEqual([]);
    const [receipt] = chain.block(200, []).receipts;
    expect(receipt).toMatchObject({ status: "ok", index: 0 });
    expect([row("box", "a")?.n, row("ledger.timer", "desk", "k")]).toEqual([2, undefined]);
    expect(receipt?.writes.length).toBe(2);
  });

  it("R58: due timers run first in the block, by time and then by key, as role timer", () => {
    act("add", { id: "a", state: "open" });
    for (const [key, at] of [
      ["z", 100],
      ["b", 101],
      ["a", 101],
    ] as const)
      act("later", { key, at, id: "a", n: key.charCodeAt(0) });
    const { receipts } = chain.block(500, [transaction(CLERK, [desk("count", { id: "a", n: 1 })])]);
    expect(receipts.map(({ events }) => events[0]?.fields[0]?.[1])).toEqual([0, 122, 122 + 97, 122 + 97 + 98]);
    expect(receipts.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    expect(new Set(receipts.map(({ txId }) => txId.join())).size).toBe(4);
  });

  it("R59: a timer that is refused leaves a receipt, is used up, and stops nothing", () => {
    act("add", { id: "a", state: "open" });
    act("later", { key: "bad", at: 10, id: "a", n: 13 });
    act("later", { key: "good", at: 11, id: "a", n: 1 });
    const { receipts } = chain.block(20, []);
    expect(receipts.map(outcome)).toEqual([
      ["refused", "desk.count.require[0]"],
      ["ok", ""],
    ]);
    expect(receipts[0]?.writes.length).toBe(1);
    expect(chain.due(1_000)).toEqual([]);
  });

  it("R60: each timer has its own gas; what does not fit into the block's share stays due", () => {
    act("add", { id: "a", state: "open" });
    act("burn_later");
    for (const key of ["x", "y"]) act("later", { key, at: 6, id: "a", n: 1 });
    chain.limits = { timerGasMax: 2000, blockGasMax: 10_000 };
    const { receipts } = chain.block(30, []);
    expect(receipts.map(outcome)).toEqual([
      ["out_of_gas", "transaction.gas"],
      ["ok", ""],
    ]);
    expect(receipts[0]?.gas).toBe(2000);
    expect(chain.due(30).length).toBe(1);
    chain.block(31, []);
    expect(chain.due(31)).toEqual([]);
  });
});

describe("money", () => {
  const pay = (from: string, to: string, fen: Value) => act("pay", { from, to, fen });

  it("R61: only accounts outside may go below zero; amounts are never negative", () => {
    expect(outcome(pay("fund", "x", 1))).toEqual(["refused", "desk.pay.do[0].balance"]);
    expect(outcome(pay("outside:bank", "fund", 100))).toEqual(["ok", ""]);
    expect(outcome(pay("fund", "x", -1))).toEqual(["refused", "desk.pay.do[0].amount"]);
    expect(outcome(pay("fund", "x", 101))).toEqual(["refused", "desk.pay.do[0].balance"]);
    expect(outcome(pay("fund", "fund", 100))).toEqual(["ok", ""]);
    expect(outcome(pay("outside:bank", "rich", Number.MAX_SAFE_INTEGER))).toEqual(["refused", "desk.pay.do[0].range"]);
    expect([
      row("ledger.money", "fund")?.fen,
      row("ledger.money", "outside:bank")?.fen,
      row("ledger.money", "x"),
    ]).toEqual([100, -100, undefined]);
  });

  it("R62: a second payment of one action sees the first; balances can be read, also before the first payment", () => {
    pay("outside:bank", "fund", 100);
    expect(outcome(act("pay_twice", { from: "fund", to: "x", fen: 60 }))).toEqual([
      "refused",
      "desk.pay_twice.do[1].balance",
    ]);
    expect(outcome(act("pay_twice", { from: "fund", to: "x", fen: 50 }))).toEqual(["ok", ""]);
    expect(outcome(act("pay_twice", { from: "nobody", to: "x", fen: 1 }))).toEqual([
      "refused",
      "desk.pay_twice.require[0]",
    ]);
    expect(row("ledger.money", "x")?.fen).toBe(100);
  });

  it("R63: the sum over all accounts is zero after any history", () => {
    const account = fc.constantFrom("outside:bank", "outside:tax", "a", "b", "c");
    const payment = fc.record({
      from: account,
      to: account,
      fen: fc.oneof(fc.integer({ min: -5, max: 200 }), fc.constant(Number.MAX_SAFE_INTEGER)),
      name: fc.constantFrom("pay", "pay_twice"),
    });
    fc.assert(
      fc.property(fc.array(fc.array(payment, { minLength: 1, maxLength: 3 }), { maxLength: 12 }), (history) => {
        const own = new TestChain(plainGenesis());
        for (const calls of history)
          own.run(
            1,
            CLERK,
            calls.map(({ name, ...args }) => desk(name, args)),
          );
        chain = own;
        const balances = ["outside:bank", "outside:tax", "a", "b", "c"].map((name) =>
          BigInt(Number(row("ledger.money", name)?.fen ?? 0)),
        );
        expect(balances.reduce((sum, fen) => sum + fen, 0n)).toBe(0n);
        expect(balances.slice(2).every((fen) => fen >= 0n)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

describe("sentences", () => {
  const explain = (receipt: Receipt) => explainReceipt(chain, receipt);

  it("R64: a refusal is told in the contract's words with its values; times as dates", () => {
    act("add", { id: "a", state: "open" });
    const receipt = act("count", { id: "a", n: 13 }, 1_793_000_000_000);
    expect(receipt.values).toEqual([
      ["p.n", 13],
      ["now", 1_793_000_000_000],
      ["b.n", 0],
    ]);
    expect(explain(receipt)).toEqual({
      zh: "13 在 2026-10-26 15:33:20 不吉利, 0",
      en: "Refused by desk.count.require[0] (line 34): p.n != 13 does not hold, with p.n = 13, now = 2026-10-26 15:33:20, b.n = 0",
    });
  });

  it("R346: an argument that is too long to be kept in the receipt is named", () => {
    const receipt = act("add", { id: "x".repeat(60_000), state: "open" });
    expect([outcome(receipt), receipt.values]).toEqual([["refused", "desk.add.params.id"], []]);
    expect(explain(receipt)).toEqual({
      zh: "参数的值不合要求: p.id",
      en: "The value of an argument does not fit: p.id",
    });
  });

  it("R65: an invariant with an English sentence is told in it", () => {
    chain.run(1, "root", [
      { contract: "governance", action: "add_setting", args: { contract: "desk", name: "cap", value: 5 } },
    ]);
    act("add", { id: "a", state: "open" });
    const receipt = act("fill", { id: "a", m: 9 });
    expect(outcome(receipt)).toEqual(["refused", "desk.box.always[1]"]);
    expect(explain(receipt)).toEqual({ zh: "9 超过上限 5", en: "9 is above 5" });
  });

  it.each<readonly [string, () => Receipt, string]>([
    ["nobody", () => chain.run(1, "nobody", [desk("pay")]), "账户 nobody 未登记"],
    ["role", () => chain.run(1, "bob", [desk("together")]), "bob (other, anyone) 无权执行 desk.together"],
    ["flow", () => act("add", { id: "a", state: "locked" }), "box.state 不能以“locked”开始"],
    [
      "range",
      () => [act("add", { id: "a", state: "open" }), act("fill", { id: "a", m: 101 })].at(-1)!,
      "数值不合要求: box.m = 101",
    ],
    ["read", () => act("count", { id: "a", n: 1 }), "找不到记录: box.id = a"],
    ["balance", () => act("pay", { from: "a", to: "b", fen: 7 }), "a 余额 0.00 元, 不足以支付 0.07 元"],
    ["overflow", () => act("divide", { n: -(1n << 63n), by: -1 }), "计算失败 (desk.divide.do[0]): 数值溢出"],
    ["missing argument", () => act("add", { id: "a" }), "缺少参数 state"],
    ["first argument missing", () => act("add", { state: "open" }), "此处应为参数 id, 收到的是 state"],
    ["unknown argument", () => act("add", { id: "a", state: "open", x: 1 }), "没有参数 x"],
    ["argument", () => act("add", { id: "a", state: 1 }), "参数的值不合要求: p.state = 1"],
    [
      "no action",
      () => chain.run(1, "ann", [{ contract: "desk", action: "tidy", args: {} }]),
      "合约 desk 没有操作 tidy",
    ],
    ["no contract", () => chain.run(1, "ann", [{ contract: "shop", action: "add", args: {} }]), "没有合约 shop"],
    ["done", () => act("add", { id: "a", state: "open" }), "已生效: desk.added(id=a, at=1, by=ann)"],
  ])("R66: %s has a sentence", (_, run, zh) => {
    const { zh: said, en } = explain(run());
    expect(said).toBe(zh);
    expect(en.length).toBeGreaterThan(3);
  });
});

describe("one result everywhere", () => {
  it("R67: the same block over the same state gives the same receipts and writes", () => {
    const build = () => {
      const own = new TestChain(plainGenesis());
      const outputs = [
        own.block(1, [{ ...transaction(CLERK, [desk("add", { id: "a", state: "open" })]), id: keyFor("1") }]),
        own.block(2, [
          { ...transaction(CLERK, [desk("count", { id: "a", n: 3 })]), id: keyFor("2") },
          { ...transaction("bob", [desk("add", {})]), id: keyFor("3") },
        ]),
      ];
      return { outputs, rows: [...own.rows] };
    };
    expect(build()).toEqual(build());
  });
});
