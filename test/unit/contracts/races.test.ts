// Somebody who tries to gain from the moment in which code changes: timers of a contract that is withdrawn, calls in the block of an
// upgrade, a migration that fails, versions and timers without end.

import { beforeEach, describe, expect, it } from "vitest";
import { MONEY } from "../../../src/contracts/system-layouts.ts";
import type { Value } from "../../../src/ledger/codec.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import type { Receipt } from "../../../src/ledger/types.ts";
import { genesisWith, TestChain, transaction } from "./support.ts";

const VAULT = `rules: 1
contract: vault
title: 金库
settings: {limit: {type: int(1..100), value: 10}}
accounts: ["vault:", "outside:vault"]
tables:
  escrow:
    key: {id: id}
    fields: {n: int(0..1000), state: "enum(held,paid)"}
    flow: {held: [paid]}
actions:
  hold:
    by: [clerk]
    params: {id: id, n: int(0..1000), at: time}
    require: [{if: p.n <= settings.limit, else: "{p.n} 超过 {settings.limit}"}]
    do:
      - {insert: escrow, row: {id: p.id, n: p.n, state: '"held"'}}
      - {pay: {from: '"outside:vault"', to: '"vault:" + p.id', amount: p.n}}
      - {timer: {key: p.id, at: p.at, run: release, with: {id: p.id}}}
  release:
    by: [timer, clerk]
    params: {id: id}
    read: {e: "escrow[p.id]"}
    require: [{if: 'e.state == "held"', else: 已付}]
    do:
      - {update: e, set: {state: '"paid"'}}
      - {pay: {from: '"vault:" + p.id', to: '"owner:" + p.id', amount: e.n}}
      - {emit: {released: {id: p.id, n: e.n}}}
`;
/** Pays twice what is held, into the account of whoever wrote it. */
const THIEF = VAULT.replace(`to: '"owner:" + p.id', amount: e.n`, `to: '"thief"', amount: e.n`);
const SHOP = `rules: 1
contract: shop
title: 商店
imports: {vault: {actions: {release: {id: id}}}}
actions:
  ask:
    by: [clerk]
    params: {id: id}
    do: [{call: vault.release, with: {id: p.id}}]
`;
const OPEN = VAULT.replace("by: [timer, clerk]", 'by: [timer, clerk, "contract:shop"]');

const ACCOUNTS = [
  { id: "root", organisation: "government", roles: ["admin"] },
  { id: "ann", organisation: "property", roles: ["clerk"] },
];

let chain: TestChain;
beforeEach(() => {
  chain = new TestChain(genesisWith([], ACCOUNTS));
});

const govern = (action: string, args: Readonly<Record<string, Value>>) =>
  transaction("root", [{ contract: "governance", action, args }], 20_000_000);
const act = (action: string, args: Readonly<Record<string, Value>>, contract = "vault") =>
  transaction("ann", [{ contract, action, args }]);
const outcome = ({ status, ruleId }: Receipt) => (status === "ok" ? "ok" : `${status} ${ruleId}`);
const block = (timeMs: number, ...transactions: readonly ReturnType<typeof act>[]) =>
  chain.block(timeMs, transactions).receipts.map(outcome);
const deployNow = (source: string, name = "vault") => govern("deploy", { name, source });
const deployAt = (height: number, source: string, name = "vault") => govern("deploy_at", { name, source, height });

const balance = (account: string) => MONEY.read(chain, [account])?.[1] ?? 0;
const states = () => [...chain.rows.values()].map(({ key, value }) => `${toHex(key)} ${toHex(value)}`).sort();

describe("a version that waits and is withdrawn", () => {
  it("R146: timers that wait keep the code that is in force, also in the block of the withdrawal", () => {
    block(1, deployNow(VAULT));
    block(2, act("hold", { id: "a", n: 5, at: 50 }), act("hold", { id: "b", n: 7, at: 60 }));
    expect(block(3, deployAt(8, THIEF))).toEqual(["ok"]);
    // The timer runs first, then the withdrawal, then a call: all by the first version.
    expect(block(50, govern("withdraw", { name: "vault" }), act("release", { id: "b" }))).toEqual(["ok", "ok", "ok"]);
    expect([balance("owner:a"), balance("owner:b"), balance("thief")]).toEqual([5, 7, 0]);
    for (let height = chain.height; height < 9; height += 1) block(51);
    expect(block(60)).toEqual(["refused vault.release.require[0]"]);
    expect([balance("vault:a"), balance("vault:b"), balance("thief")]).toEqual([0, 0, 0]);
  });

  it("R146: it can be withdrawn in the last block before its own, and not in its own", () => {
    for (const [height, expected] of [
      [5, "ok"],
      [6, "refused governance.withdraw.do[0].pending"],
    ] as const) {
      chain = new TestChain(genesisWith([], ACCOUNTS));
      block(1, deployNow(VAULT));
      block(2, deployAt(6, THIEF));
      while (chain.height < height - 1) block(3);
      expect(block(4, govern("withdraw", { name: "vault" }))).toEqual([expected]);
      while (chain.height < 6) block(5);
      block(6, act("hold", { id: "a", n: 5, at: 7 }));
      block(7);
      expect(balance("thief")).toBe(expected === "ok" ? 0 : 5);
    }
  });

  it("R147: what another one that waits stands on is not withdrawn alone, in whatever order both are named", () => {
    block(1, deployNow(VAULT));
    block(2, deployAt(20, OPEN), deployAt(20, SHOP, "shop"));
    const withdraw = (name: string) => ({ contract: "governance", action: "withdraw", args: { name } });
    const before = states();
    expect(block(3, govern("withdraw", { name: "vault" }))).toEqual(["refused governance.dependants"]);
    expect(states()).toEqual(before);
    expect(block(4, transaction("root", [withdraw("vault"), withdraw("shop")], 20_000_000))).toEqual(["ok"]);
    expect(block(5, act("ask", { id: "a" }, "shop"))).toEqual(["failed call.contract"]);
  });

  it("R147: in the block of its withdrawal a contract that was never in force is called by nobody", () => {
    block(1, deployNow(OPEN));
    block(2, act("hold", { id: "a", n: 5, at: 90 }));
    block(3, deployAt(9, SHOP, "shop"));
    expect(
      block(4, act("ask", { id: "a" }, "shop"), govern("withdraw", { name: "shop" }), act("ask", { id: "a" }, "shop")),
    ).toEqual(["failed call.contract", "ok", "failed call.contract"]);
    while (chain.height < 10) block(5);
    expect(block(6, act("ask", { id: "a" }, "shop"))).toEqual(["failed call.contract"]);
  });

  it("R146: proposing and taking back without end leaves the state as large as once", () => {
    block(1, deployNow(VAULT));
    const turn = () => [block(2, deployAt(chain.height + 9, THIEF)), block(2, govern("withdraw", { name: "vault" }))];
    turn();
    const once = states();
    for (let times = 0; times < 20; times += 1) expect(turn()).toEqual([["ok"], ["ok"]]);
    expect(states()).toEqual(once);
  });
});

describe("an upgrade in the block of a call", () => {
  it("R144: the whole block runs the old code and the old numbers, whatever comes first in it", () => {
    block(1, deployNow(VAULT));
    block(2, act("hold", { id: "a", n: 5, at: 90 }), act("hold", { id: "b", n: 6, at: 90 }));
    expect(
      block(
        3,
        deployNow(THIEF),
        govern("add_setting", { contract: "vault", name: "limit", value: 90 }),
        act("release", { id: "a" }),
        act("hold", { id: "c", n: 50, at: 90 }),
      ),
    ).toEqual(["ok", "ok", "ok", "refused vault.hold.require[0]"]);
    expect([balance("owner:a"), balance("thief")]).toEqual([5, 0]);
    expect(block(4, act("hold", { id: "c", n: 50, at: 90 }), act("release", { id: "b" }))).toEqual(["ok", "ok"]);
    expect([balance("owner:b"), balance("thief")]).toEqual([0, 6]);
  });

  it("R144: a contract that is deployed and called by another one in one block is not there yet", () => {
    block(1, deployNow(VAULT));
    block(2, act("hold", { id: "a", n: 5, at: 90 }));
    expect(
      block(3, deployNow(OPEN), deployNow(SHOP, "shop"), act("ask", { id: "a" }, "shop"), act("release", { id: "a" })),
    ).toEqual(["ok", "ok", "failed call.contract", "ok"]);
    expect(balance("owner:a")).toBe(5);
  });

  it("R142: an upgrade whose migration does not fit changes not one byte, and timers go on", () => {
    block(1, deployNow(VAULT));
    block(2, act("hold", { id: "a", n: 5, at: 50 }));
    const before = states();
    const wrong = [
      VAULT.replace("n: int(0..1000), state", "amount: int(0..1000), state")
        .replaceAll("e.n", "e.amount")
        .replace("n: p.n, state", "amount: p.n, state"),
      VAULT.replace("title: 金库\n", "title: 金库\nmigrate: {rename: {escrow: {m: n}}}\n"),
      VAULT.replace("by: [timer, clerk]", "by: [clerk]").replace(/ {6}- \{timer.*\n/, ""),
      VAULT.replace('"enum(held,paid)"', '"enum(paid,held)"'),
      VAULT.replace("settings: {limit: {type: int(1..100), value: 10}}", "settings: {other: 10}")
        .replace("settings.limit", "settings.other")
        .replace("settings.limit", "settings.other"),
    ];
    for (const source of wrong) {
      expect(source).not.toBe(VAULT);
      expect(block(3, deployNow(source))).toEqual(["refused governance.deploy.do[0].upgrade"]);
      expect(states()).toEqual(before);
    }
    expect(block(50)).toEqual(["ok"]);
    expect(balance("owner:a")).toBe(5);
  });
});
