// What an action does where two rules meet or a part of it fails: at rows that are gone, keys that fail, statements on one row, and
// what deploying costs.

import { beforeEach, describe, expect, it } from "vitest";
import { compileSource } from "../../../src/contracts/engine.ts";
import type { Value } from "../../../src/ledger/codec.ts";
import type { Receipt } from "../../../src/ledger/types.ts";
import { genesisWith, TestChain, transaction } from "./support.ts";

const EDGE = `rules: 1
contract: edge
title: 边
tables:
  box: {key: {n: int}, fields: {m: int, at: time}}
  money: {key: {account: text(40)}, fields: {fen: int}}
  fen: {key: {account: text(40)}, fields: {fen: int}}
actions:
  put:
    by: [clerk]
    params: {n: int, m: int}
    do: [{insert: box, row: {n: p.n, m: 100 / p.m, at: now}}]
  put_twice:
    by: [clerk]
    params: {n: int, o: int}
    do:
      - insert: box
        row: {n: p.n, m: 1, at: now}
      - insert: box
        row: {n: p.o, m: 2, at: now}
  look:
    by: [clerk]
    params: {n: int}
    read: {b: "box[10 / p.n]"}
    require: [{if: b.m != 7, else: "{b.at} {b.m}"}]
    do: [{emit: {seen: {m: b.m}}}]
  purse:
    by: [clerk]
    params: {name: text(40)}
    read: {m: "money[p.name]"}
    do: [{emit: {held: {fen: m.fen}}}]
  ledger:
    by: [clerk]
    params: {name: text(40)}
    read: {m: "ledger.money[p.name]"}
    do: [{emit: {held: {fen: m.fen}}}]
  drop:
    by: [clerk]
    params: {n: int}
    read: {b?: "box[p.n]"}
    do: [{delete: b}]
  drop_both:
    by: [clerk]
    params: {a: int, b: int}
    read: {x: "box[p.a]", y: "box[p.b]"}
    do: [{delete: x}, {delete: y}]
  set_and_drop:
    by: [clerk]
    params: {a: int, b: int}
    read: {x: "box[p.a]", y: "box[p.b]"}
    do:
      - update: x
        set: {m: 5}
      - delete: y
  sometimes:
    by: [clerk]
    params: {n: int}
    do:
      - when: 10 / p.n > 2
        emit: {done: {n: p.n}}
`;

const ACCOUNTS = [
  { id: "ann", organisation: "property", roles: ["clerk"] },
  { id: "root", organisation: "government", roles: ["admin"] },
];

let chain: TestChain;
beforeEach(() => {
  chain = new TestChain(genesisWith([{ name: "edge", source: EDGE }], ACCOUNTS));
});

function act(action: string, args: Readonly<Record<string, Value>>): Receipt {
  return chain.run(1, "ann", [{ contract: "edge", action, args }]);
}
const outcome = ({ status, ruleId }: Receipt) => [status, ruleId];

describe("actions at their edges", () => {
  it("R247: an expression that fails fails the action, wherever it stands, and nothing is written", () => {
    expect(outcome(act("look", { n: 0 }))).toEqual(["failed", "edge.look.read.b"]);
    expect(outcome(act("put", { n: 1, m: 0 }))).toEqual(["failed", "edge.put.do[0]"]);
    expect(outcome(act("sometimes", { n: 0 }))).toEqual(["failed", "edge.sometimes.do[0].when"]);
    expect(act("sometimes", { n: 5 }).events).toEqual([]);
    expect(act("sometimes", { n: 2 }).events.length).toBe(1);
    expect(outcome(act("drop", { n: 1 }))).toEqual(["refused", "edge.drop.do[0].absent"]);
  });

  it("R247: only the ledger's money is nothing where no row is", () => {
    expect(outcome(act("purse", { name: "fund" }))).toEqual(["refused", "edge.purse.read.m"]);
    expect(act("ledger", { name: "fund" }).events[0]?.fields).toEqual([["fen", 0]]);
  });

  it("R247: one row is inserted, deleted or changed and deleted once in an action", () => {
    expect(outcome(act("put_twice", { n: 1, o: 1 }))).toEqual(["refused", "edge.put_twice.do[1].exists"]);
    expect(outcome(act("put_twice", { n: 1, o: 2 }))).toEqual(["ok", ""]);
    expect(outcome(act("put_twice", { n: 3, o: 2 }))).toEqual(["refused", "edge.put_twice.do[1].exists"]);
    expect(outcome(act("drop_both", { a: 1, b: 1 }))).toEqual(["refused", "edge.drop_both.do[1].twice"]);
    expect(outcome(act("set_and_drop", { a: 1, b: 1 }))).toEqual(["refused", "edge.set_and_drop.do[1].twice"]);
    expect(outcome(act("set_and_drop", { a: 1, b: 2 }))).toEqual(["ok", ""]);
    expect(outcome(act("drop", { n: 2 }))).toEqual(["refused", "edge.drop.do[0].absent"]);
    expect(outcome(act("drop", { n: 1 }))).toEqual(["ok", ""]);
  });

  it("R248: what is compiled knows of each name in a sentence its type, and which are times", () => {
    const rule = compileSource(EDGE).contract?.rules.get("edge.look.require[0]");
    expect(rule?.types).toEqual(
      new Map([
        ["b.at", "time"],
        ["b.m", "int"],
      ]),
    );
    expect(rule?.times).toEqual(new Set(["b.at"]));
  });
});

describe("deploying", () => {
  const deploy = (name: string, source: string) =>
    chain.run(1, "root", [{ contract: "governance", action: "deploy", args: { name, source } }]);
  const named = (name: string) => EDGE.replace("contract: edge", `contract: ${name}`);

  it("R249: it costs what it reads, writes and compiles: each byte the same, and no less for a version more", () => {
    const [first, second, longer] = [
      deploy("one", named("one")),
      deploy("one", named("one").replace("title: 边", "title: 缘")),
      deploy("two", `${named("two")}#${"x".repeat(99)}\n`),
    ];
    expect([first, second, longer].map(outcome)).toEqual([
      ["ok", ""],
      ["ok", ""],
      ["ok", ""],
    ]);
    expect([first.gas, second.gas, longer.gas]).toEqual([120_618, 120_618, 128_722]);
  });

  it("R249: 256 contracts have a place", () => {
    for (let count = 3; count < 256; count += 1)
      expect(outcome(deploy(`c${count}`, named(`c${count}`)))).toEqual(["ok", ""]);
    expect(outcome(deploy("last", named("last")))).toEqual(["refused", "governance.deploy.do[0].count"]);
    expect(outcome(deploy("c3", named("c3").replace("title: 边", "title: 缘")))).toEqual(["ok", ""]);
  });
});

describe("who signs", () => {
  it("R249: a key of another account signs for nobody", () => {
    const [good, bad] = [
      transaction("ann", [{ contract: "edge", action: "put", args: { n: 1, m: 1 } }]),
      transaction("root", [{ contract: "edge", action: "put", args: { n: 1, m: 1 } }]),
    ];
    const forged = {
      ...good,
      body: { ...good.body, signers: bad.body.signers.map((one) => ({ ...one, account: "ann" })) },
    };
    expect(chain.block(1, [forged]).receipts.map(outcome)).toEqual([["unauthorised", "account.key"]]);
  });
});
