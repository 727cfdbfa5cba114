// A contract that is stopped in an emergency: what is refused, what goes on, and what is there when it runs again.

import { beforeEach, describe, expect, it } from "vitest";
import { explain } from "../../../src/contracts/explain.ts";
import { explainCall } from "../../../src/contracts/explain-call.ts";
import { stopOfRow, stoppedContract } from "../../../src/contracts/stop.ts";
import { MONEY, STOPS } from "../../../src/contracts/system-layouts.ts";
import type { Value } from "../../../src/ledger/codec.ts";
import type { Receipt } from "../../../src/ledger/types.ts";
import { Overlay } from "../../../src/state/overlay.ts";
import { genesisWith, TestChain, transaction } from "./support.ts";

const VAULT = `rules: 1
contract: vault
title: 金库
accounts: ["vault:", "outside:vault"]
tables:
  escrow:
    key: {id: id}
    fields: {n: int(0..1000)}
actions:
  hold:
    by: [clerk, "contract:shop"]
    params: {id: id, n: int(0..1000), at: time}
    do:
      - {insert: escrow, row: {id: p.id, n: p.n}}
      - {pay: {from: '"outside:vault"', to: '"vault:" + p.id', amount: p.n}}
      - {timer: {key: p.id, at: p.at, run: release, with: {id: p.id}}}
  release:
    by: [timer]
    params: {id: id}
    read: {e: "escrow[p.id]"}
    do:
      - {pay: {from: '"vault:" + p.id', to: '"owner:" + p.id', amount: e.n}}
`;
/** Pays half of what is held, and the rest to the community. */
const MENDED = VAULT.replace(
  `{pay: {from: '"vault:" + p.id', to: '"owner:" + p.id', amount: e.n}}`,
  `{pay: {from: '"vault:" + p.id', to: '"mended:" + p.id', amount: e.n}}`,
);
const SHOP = `rules: 1
contract: shop
title: 商店
imports: {vault: {escrow: {key: {id: id}, fields: {n: int(0..1000)}}, actions: {hold: {id: id, n: int(0..1000), at: time}}}}
tables:
  seen:
    key: {id: id}
    fields: {n: int(0..1000)}
actions:
  order:
    by: [clerk]
    params: {id: id, at: time}
    do:
      - {insert: seen, row: {id: p.id, n: 0}}
      - {call: vault.hold, with: {id: p.id, n: 5, at: p.at}}
  look:
    by: [clerk]
    params: {id: id}
    read: {e: "vault.escrow[p.id]"}
    do: [{insert: seen, row: {id: p.id, n: e.n}}]
`;
const ACCOUNTS = [
  { id: "root", organisation: "government", roles: ["admin"] },
  { id: "ann", organisation: "property", roles: ["clerk"] },
];

let chain: TestChain;
beforeEach(() => {
  chain = new TestChain(
    genesisWith(
      [
        { name: "vault", source: VAULT },
        { name: "shop", source: SHOP },
      ],
      ACCOUNTS,
    ),
  );
});

const govern = (action: string, args: Readonly<Record<string, Value>>) =>
  transaction("root", [{ contract: "governance", action, args }], 20_000_000);
const act = (action: string, args: Readonly<Record<string, Value>>, contract = "vault") =>
  transaction("ann", [{ contract, action, args }]);
const outcome = ({ status, ruleId }: Receipt) => (status === "ok" ? "ok" : `${status} ${ruleId}`);
const block = (timeMs: number, ...transactions: readonly ReturnType<typeof act>[]) =>
  chain.block(timeMs, transactions).receipts.map(outcome);
const stop = (until: number, contract = "vault") => govern("stop", { contract, until });
const balance = (account: string) => MONEY.read(chain, [account])?.[1] ?? 0;
const STOPPED = "refused call.stopped";

describe("a stopped contract", () => {
  it("R320: refuses every call from the next block on until its time, in whatever way it comes; nothing is left behind", () => {
    const same = block(10, stop(50), act("hold", { id: "a", n: 5, at: 900 }));
    expect(same, "the block of the decision runs as it began").toEqual(["ok", "ok"]);
    expect(block(11, act("hold", { id: "b", n: 5, at: 900 }), act("order", { id: "c", at: 900 }, "shop"))).toEqual([
      STOPPED,
      STOPPED,
    ]);
    const mixed = transaction("ann", [
      { contract: "shop", action: "look", args: { id: "a" } },
      { contract: "vault", action: "hold", args: { id: "b", n: 5, at: 900 } },
    ]);
    expect(block(12, mixed), "all or nothing").toEqual([STOPPED]);
    expect(block(13, act("look", { id: "a" }, "shop")), "its rows are read by others").toEqual(["ok"]);
    expect(block(49, act("hold", { id: "b", n: 5, at: 900 }))).toEqual([STOPPED]);
    expect(block(50, act("hold", { id: "b", n: 5, at: 900 })), "it lapses by itself").toEqual(["ok"]);
  });

  it("R320: somebody without the role is told of the stop, and a trial says it, too", () => {
    block(10, stop(50));
    expect(block(11, act("release", { id: "a" }))).toEqual([STOPPED]);
    const request = { contract: "vault", account: "ann", cosigners: [], timeMs: 12, height: 3 };
    const overlay = new Overlay({ base: chain, height: 3 });
    const tried = explainCall(overlay, { ...request, action: "hold", args: { id: "b", n: 5, at: 900 } });
    expect(tried.ok && tried.value.refusal?.ruleId).toBe("call.stopped");
    const through = explainCall(overlay, {
      ...request,
      contract: "shop",
      action: "order",
      args: { id: "b", at: 900 },
    });
    expect(through.ok && through.value.refusal?.ruleId).toBe("call.stopped");
  });

  it("R320: the refusal says who stopped it, since when, why, and how it runs again", () => {
    block(10, stop(86_400_000));
    const receipt = chain.run(11, "ann", [{ contract: "vault", action: "hold", args: { id: "b", n: 5, at: 900 } }]);
    expect(receipt.values).toEqual([
      ["contract", "vault"],
      ["since", 10],
      ["until", 86_400_000],
      ["organisations", ["street", "government"]],
      ["proposal", "p1"],
      ["reason", "重复扣费"],
    ]);
    expect(explain(receipt, () => undefined)).toEqual({
      zh: "合约 vault 已紧急停用: street, government 决定 (提案 p1), 自 1970-01-01 08:00:00 起; 理由: 重复扣费。至 1970-01-02 08:00:00 自动恢复; 提前恢复须经 governance.propose_resume 提案, 超过三分之二席位同意。查询和证明不受影响, 到期事项于恢复后办理",
      en: "Contract vault is stopped: decided by street, government (proposal p1), since 1970-01-01 08:00:00; reason: 重复扣费. It runs again from 1970-01-02 08:00:00 by itself, or sooner by governance.propose_resume with more than two thirds of the seats. Queries and proofs go on; what falls due is done when it runs again",
    });
  });

  it("R321: its timers are kept, need no block, and run once when it runs again", () => {
    block(10, act("hold", { id: "a", n: 5, at: 20 }), stop(100));
    expect(block(20)).toEqual([]);
    expect(block(99)).toEqual([]);
    expect(balance("owner:a")).toBe(0);
    expect(block(100)).toEqual(["ok"]);
    expect(balance("owner:a")).toBe(5);
    expect(block(101)).toEqual([]);
  });

  it("R321: a decision to let it run again sooner is in force from the next block, timers included", () => {
    block(10, act("hold", { id: "a", n: 5, at: 20 }), stop(1000));
    expect(block(30, stop(30), act("hold", { id: "b", n: 5, at: 900 }))).toEqual(["ok", STOPPED]);
    expect(block(31, act("hold", { id: "b", n: 5, at: 900 }))).toEqual(["ok", "ok"]);
    expect(balance("owner:a")).toBe(5);
  });

  it("R323: the fix comes as an upgrade while it is stopped; it stays stopped, and what waited runs the new code", () => {
    block(10, act("hold", { id: "a", n: 5, at: 20 }), stop(100));
    expect(block(30, govern("deploy", { name: "vault", source: MENDED }))).toEqual(["ok"]);
    expect(block(31, act("hold", { id: "b", n: 5, at: 900 }))).toEqual([STOPPED]);
    expect(block(100)).toEqual(["ok"]);
    expect([balance("mended:a"), balance("owner:a")]).toEqual([5, 0]);
  });

  it("R322: governance is never stopped, whatever its rows say", () => {
    expect(block(10, stop(1000, "governance"))).toEqual(["ok"]);
    expect(block(11, stop(1000))).toEqual(["ok"]);
    expect(block(12, stop(12))).toEqual(["ok"]);
    expect(block(13, act("hold", { id: "a", n: 5, at: 900 }))).toEqual(["ok"]);
  });

  it("R322: with the registry stopped accounts still sign, and whoever is stopped can be let go", () => {
    expect(block(10, stop(1000, "registry"), stop(1000))).toEqual(["ok", "ok"]);
    expect(block(11, stop(11, "registry"), act("hold", { id: "a", n: 5, at: 900 }))).toEqual(["ok", STOPPED]);
  });
});

describe("the row of a stop", () => {
  const row = ["vault", 10, 50, ["street"], "p1", "重复扣费"];
  const [key, value] = [STOPS.stateKeyOf(row), STOPS.encode(row)];

  it("R332: it is known by its key, and says which contract is stopped and until when", () => {
    expect(stoppedContract(key)).toBe("vault");
    expect(stopOfRow(key, value)).toEqual({
      contract: "vault",
      untilMs: 50,
      values: [
        ["contract", "vault"],
        ["since", 10],
        ["until", 50],
        ["organisations", ["street"]],
        ["proposal", "p1"],
        ["reason", "重复扣费"],
      ],
    });
  });

  it("R332: rows of other tables, and keys that are cut, say nothing of a stop", () => {
    for (const other of [MONEY.stateKey(["vault"]), STOPS.prefix, key.slice(0, -1)])
      expect([stoppedContract(other), stopOfRow(other, value)]).toEqual([undefined, undefined]);
  });
});
