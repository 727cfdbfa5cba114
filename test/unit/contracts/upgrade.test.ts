// Upgrades: what migrate may change, from which height a version is in force, how it is withdrawn, and what old receipts are told by.

import { beforeEach, describe, expect, it } from "vitest";
import { checkContract } from "../../../src/contracts/check-contract.ts";
import { contractsIn, decodeRow, explainReceipt, rowKey } from "../../../src/contracts/describe.ts";
import type { Value } from "../../../src/ledger/codec.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import type { Receipt } from "../../../src/ledger/types.ts";
import { genesisWith, TestChain, transaction } from "./support.ts";

const SHOP = `rules: 1
contract: shop
title: 商店
settings: {cap: {type: int(1..50), value: 10}, floor: 0}
tables:
  item:
    key: {id: id}
    fields: {vendor: id, note: text(20), n: int, state: "enum(open,sold)"}
    flow: {state: {open: [open, sold]}}
    index: {by_vendor: [vendor]}
actions:
  put:
    by: [admin]
    params: {id: id, n: int}
    require:
      - {if: p.n <= settings.cap && p.n >= settings.floor, else: "{p.n} 超过 {settings.cap}"}
    do:
      - insert: item
        row: {id: p.id, vendor: caller.id, note: '"old"', n: p.n, state: '"open"'}
  sell:
    by: [admin]
    params: {id: id}
    read: {i: "item[p.id]"}
    do:
      - update: i
        set: {state: '"sold"'}
      - emit: {sold: {n: i.n}}
`;
const READER = `rules: 1
contract: reader
title: 读者
imports: {shop: {item: {key: [id], fields: {n: int}}}}
actions:
  look:
    by: [admin]
    params: {id: id}
    read: {i: "shop.item[p.id]"}
    do:
      - emit: {seen: {n: i.n}}
`;
/** The vendor is called seller, the note is dropped, the enum grows, a field is added, one setting goes and one comes. */
const NEXT = SHOP.replace(
  "settings: {cap: {type: int(1..50), value: 10}, floor: 0}",
  "settings: {cap: {type: int(1..50), value: 10}, ceiling: 1000}",
)
  .replace(
    'fields: {vendor: id, note: text(20), n: int, state: "enum(open,sold)"}',
    'fields: {seller: id, note: dropped(text(20)), n: int, state: "enum(open,sold,lost)", extra: {type: int, default: 7}}',
  )
  .replace("open: [open, sold]", "open: [open, sold, lost]")
  .replace("index: {by_vendor: [vendor]}", "index: {by_vendor: [seller]}")
  .replace("vendor: caller.id, note: '\"old\"', ", "seller: caller.id, ")
  .replace("settings.floor", "0 - settings.ceiling")
  .replace('else: "{p.n} 超过', 'else: "{p.n} 大于')
  .concat("migrate: {rename: {item: {vendor: seller}}, drop: {item: [note]}, settings: [floor]}\n");

let chain: TestChain;
beforeEach(() => {
  chain = new TestChain(genesisWith([], [{ id: "root", organisation: "government", roles: ["admin"] }]));
});

const run = (path: string, args: Readonly<Record<string, Value>>): Receipt => {
  const [contract = "", action = ""] = path.split(".");
  return chain.run(1, "root", [{ contract, action, args }], 5_000_000);
};
const deploy = (name: string, source: string) => run("governance.deploy", { name, source });
const deployAt = (name: string, source: string, height: number) =>
  run("governance.deploy_at", { name, source, height });
const withdraw = (name: string) => run("governance.withdraw", { name });
const outcome = ({ status, ruleId }: Receipt) => [status, ruleId];
const idle = (height: number) => {
  while (chain.height < height) chain.block(1, []);
};

function row(contract: string, table: string, ...key: readonly Value[]) {
  const stateKey = rowKey(chain, contract, table, key);
  const entry = stateKey.ok ? chain.get(stateKey.value) : undefined;
  return entry && stateKey.ok
    ? Object.fromEntries(decodeRow(chain, { contract, table, key: stateKey.value, entry }).fields)
    : undefined;
}

const codes = (source: string) =>
  checkContract(source)
    .findings.filter(({ severity }) => severity === "error")
    .map(({ code }) => code);

describe("migrate", () => {
  beforeEach(() => {
    deploy("shop", SHOP);
    run("shop.put", { id: "a", n: 3 });
  });

  it("R141: renames, drops, defaults, growing enums and settings keep every row readable", () => {
    deploy("reader", READER);
    expect(outcome(deploy("shop", NEXT))).toEqual(["ok", ""]);
    expect(row("shop", "item", "a")).toEqual({ seller: "root", "dropped note": "old", n: 3, state: "open", extra: 7 });
    expect(run("reader.look", { id: "a" }).events[0]?.fields).toEqual([["n", 3]]);
    expect(outcome(run("shop.put", { id: "b", n: 5 }))).toEqual(["ok", ""]);
    expect(row("shop", "item", "b")).toEqual({ seller: "root", "dropped note": null, n: 5, state: "open", extra: 7 });
    expect(outcome(run("shop.sell", { id: "a" }))).toEqual(["ok", ""]);
    // What stood in the field goes with the next write of the row.
    expect(row("shop", "item", "a")).toMatchObject({ "dropped note": null, state: "sold" });
    // The migration is over: the next version says nothing of it and keeps the place.
    expect(outcome(deploy("shop", NEXT))).toEqual(["refused", "governance.deploy.do[0].upgrade"]);
    expect(outcome(deploy("shop", NEXT.replace(/migrate:.*\n/, "")))).toEqual(["ok", ""]);
    expect(outcome(deploy("shop", NEXT.replace(/migrate:.*\n/, "").replace("note: dropped(text(20)), ", "")))).toEqual([
      "refused",
      "governance.deploy.do[0].upgrade",
    ]);
  });

  it.each([
    ["a rename that is not said", NEXT.replace("rename: {item: {vendor: seller}}, ", "")],
    ["a rename of something else", NEXT.replace("{vendor: seller}", "{vendors: seller}")],
    ["a rename to another place", NEXT.replace("{vendor: seller}", "{n: seller}")],
    ["a rename that does not happen", NEXT.replace("{vendor: seller}", "{vendor: seller, n: seller}")],
    ["a drop that is not said", NEXT.replace("drop: {item: [note]}, ", "")],
    ["a drop with another type", NEXT.replace("dropped(text(20))", "dropped(text(30))")],
    ["a drop without its place", NEXT.replace("note: dropped(text(20)), ", "").replace("drop: {item: [note]}, ", "")],
    ["a setting that goes unsaid", NEXT.replace(", settings: [floor]", "")],
    ["a setting that was none", NEXT.replace("settings: [floor]", "settings: [floor, roof]")],
    ["an enum with another order", NEXT.replace("enum(open,sold,lost)", "enum(open,lost,sold)")],
    [
      "an enum that shrinks",
      SHOP.replace("enum(open,sold)", "enum(open)").replaceAll("sold", "open").replace("[open, open]", "[open]"),
    ],
    ["an index over other columns", SHOP.replace("by_vendor: [vendor]", "by_vendor: [vendor, state]")],
    ["an index that is new", SHOP.replace("index: {", "index: {by_state: [state], ")],
    ["another type", SHOP.replace("note: text(20)", "note: text(30)")],
    ["a table that goes", SHOP.replaceAll("item", "thing")],
  ])("R142: what an upgrade would lose or not do as it says is refused: %s", (_, source) => {
    expect(codes(source)).toEqual([]);
    const receipt = deploy("shop", source);
    expect(outcome(receipt)).toEqual(["refused", "governance.deploy.do[0].upgrade"]);
    expect(explainReceipt(chain, receipt).zh).toContain("新版本与现有数据不相容");
  });

  it.each([
    ["that goes", / {2}close:[\s\S]*$/, ""],
    ["that timers may not run any more", "by: [timer, admin]", "by: [admin]"],
    ["with other parameters", "params: {id: id, n: int}\n    do: [emit", "params: {id: id, n: count}\n    do: [emit"],
  ])("R142: an action for which timers may wait is refused: %s", (_, from, to) => {
    const close =
      "  close:\n    by: [timer, admin]\n    params: {id: id, n: int}\n    do: [emit: {closed: {id: p.id, n: p.n}}]\n";
    const timed = `${SHOP}${close}`;
    expect(outcome(deploy("shop", timed))).toEqual(["ok", ""]);
    expect(codes(timed.replace(from, to))).toEqual([]);
    expect(timed.replace(from, to)).not.toBe(timed);
    const receipt = deploy("shop", timed.replace(from, to));
    expect(outcome(receipt)).toEqual(["refused", "governance.deploy.do[0].upgrade"]);
    expect(receipt.values[0]).toEqual(["action", "close"]);
  });

  it("R142: a first version has nothing to migrate", () => {
    const source = NEXT.replace("contract: shop", "contract: other");
    expect(outcome(deploy("other", source))).toEqual(["refused", "governance.deploy.do[0].upgrade"]);
  });

  it.each([
    ["onto a name that exists", SHOP.replace("fields: {vendor: id,", "fields: {id: id,"), ["NAME_TWICE"]],
    ["of a field that this version lacks", NEXT.replace("{vendor: seller}", "{vendor: buyer}"), ["FIELD_UNKNOWN"]],
    ["in a table that this version lacks", NEXT.replace("rename: {item:", "rename: {thing:"), ["TABLE_UNKNOWN"]],
    ["a drop of a field that stays", NEXT.replace("[note]", "[n]"), ["FIELD_UNKNOWN"]],
    ["a drop of a key", SHOP.replace("key: {id: id}", "key: {id: dropped(id), more: id}"), ["TYPE_UNKNOWN"]],
    [
      "a drop of a parameter",
      SHOP.replace("params: {id: id, n: int}", "params: {id: id, n: dropped(int)}"),
      ["TYPE_UNKNOWN"],
    ],
    [
      "a dropped field with a default",
      NEXT.replace("note: dropped(text(20))", 'note: {type: dropped(text(20)), default: "1"}'),
      ["DEFAULT_NOT_ALLOWED"],
    ],
    [
      "a dropped field that is read",
      NEXT.replace("emit: {sold: {n: i.n}}", "emit: {sold: {n: i.note}}"),
      ["FIELD_UNKNOWN"],
    ],
    [
      "a dropped field that is set",
      NEXT.replace("seller: caller.id, ", "seller: caller.id, note: '\"\"', "),
      ["FIELD_UNKNOWN"],
    ],
    [
      "a dropped field that is dropped again",
      NEXT.replace("dropped(text(20))", "dropped(dropped(text(20)))"),
      ["TYPE_UNKNOWN"],
    ],
    ["a setting that stays", NEXT.replace("settings: [floor]", "settings: [floor, cap]"), ["SETTING_KEPT"]],
    ["something else", NEXT.replace("migrate: {", "migrate: {add: {}, "), ["FIELD_UNKNOWN"]],
  ])("R142: a wrong migration is found: %s", (_, source, expected) => {
    const found = codes(source);
    for (const code of expected) expect(found).toContain(code);
  });

  it("R143: a setting that is new begins with the number of the document, and a kept one keeps its own", () => {
    run("governance.add_setting", { contract: "shop", name: "cap", value: 20 });
    run("governance.add_setting", { contract: "shop", name: "floor", value: 4 });
    expect(outcome(run("shop.put", { id: "b", n: 3 }))).toEqual(["refused", "shop.put.require[0]"]);
    expect(outcome(deploy("shop", NEXT))).toEqual(["ok", ""]);
    expect(outcome(run("shop.put", { id: "c", n: 20 }))).toEqual(["ok", ""]);
    // Floor comes back: as the document says, not as it once was set.
    const back = NEXT.replace(/migrate:.*\n/, "migrate: {settings: [ceiling]}\n")
      .replace("ceiling: 1000", "floor: 0")
      .replace("0 - settings.ceiling", "settings.floor");
    expect(outcome(deploy("shop", back))).toEqual(["ok", ""]);
    expect(row("governance", "setting", "shop", "floor")).toBeUndefined();
    expect(outcome(run("shop.put", { id: "d", n: 3 }))).toEqual(["ok", ""]);
    const narrow = back.replace("int(1..50)", "int(1..15)").replace(/migrate:.*\n/, "");
    expect(outcome(deploy("shop", narrow))).toEqual(["refused", "governance.deploy.do[0].upgrade"]);
  });
});

describe("settings while a version waits", () => {
  it("R143: a number is one that the version in force and the one that waits both allow", () => {
    deploy("shop", SHOP);
    const wider = SHOP.replace("int(1..50)", "int(20..90)").replace("value: 10", "value: 20");
    expect(outcome(deployAt("shop", wider, 20))).toEqual(["ok", ""]);
    const set = (value: number) => outcome(run("governance.add_setting", { contract: "shop", name: "cap", value }));
    expect([set(19), set(51)]).toEqual([
      ["refused", "governance.settings"],
      ["refused", "governance.settings"],
    ]);
    expect(set(50)).toEqual(["ok", ""]);
    idle(20);
    expect(outcome(run("shop.put", { id: "a", n: 50 }))).toEqual(["ok", ""]);
  });
});

describe("the height from which a version is in force", () => {
  it("R144: before it the old version runs, from it on the new one, and old blocks replay under their own", () => {
    deploy("shop", SHOP);
    const put = (n: number) => outcome(run("shop.put", { id: `i${chain.height}`, n }));
    expect(outcome(deployAt("shop", NEXT, 6))).toEqual(["ok", ""]);
    expect(chain.height).toBe(2);
    expect(["refused", "refused", "refused", "ok", "ok"].map(() => put(-5)[0])).toEqual([
      "refused",
      "refused",
      "refused",
      "ok",
      "ok",
    ]);
    // A fresh engine, which has compiled nothing, gets the same result from the same state.
    const replay = new TestChain(genesisWith([], [{ id: "root", organisation: "government", roles: ["admin"] }]));
    replay.block(1, [
      transaction(
        "root",
        [{ contract: "governance", action: "deploy", args: { name: "shop", source: SHOP } }],
        5_000_000,
      ),
    ]);
    replay.block(1, [
      transaction(
        "root",
        [{ contract: "governance", action: "deploy_at", args: { name: "shop", source: NEXT, height: 6 } }],
        5_000_000,
      ),
    ]);
    for (let height = 3; height <= 7; height += 1)
      replay.block(1, [
        transaction("root", [{ contract: "shop", action: "put", args: { id: `i${height - 1}`, n: -5 } }], 5_000_000),
      ]);
    const rows = (of: TestChain) =>
      [...of.rows.values()].map(({ key, value }) => `${toHex(key)} ${toHex(value)}`).sort();
    expect(rows(replay)).toEqual(rows(chain));
  });

  it("R145: the past is refused, and so is a second version while one is waiting", () => {
    deploy("shop", SHOP);
    idle(5);
    for (const height of [1, 5, 6]) {
      const receipt = deployAt("shop", NEXT, height);
      expect(outcome(receipt)).toEqual(["refused", "governance.deploy_at.do[0].height"]);
      expect(explainReceipt(chain, receipt).en).toContain("is over");
      if (height === 6)
        expect(receipt.values).toEqual([
          ["height", 6],
          ["next", 9],
        ]);
    }
    // The block that deploys is over for its own contracts.
    expect(outcome(deployAt("shop", NEXT, chain.height + 1))).toEqual(["refused", "governance.deploy_at.do[0].height"]);
    expect(outcome(deployAt("shop", NEXT, chain.height + 2))).toEqual(["ok", ""]);
    idle(chain.height + 1);
    expect(outcome(deployAt("shop", NEXT, 30))).toEqual(["refused", "governance.deploy_at.do[0].upgrade"]);
    const quiet = NEXT.replace(/migrate:.*\n/, "");
    expect(outcome(deployAt("shop", quiet, 30))).toEqual(["ok", ""]);
    const second = deploy("shop", quiet);
    expect(outcome(second)).toEqual(["refused", "governance.deploy.do[0].pending"]);
    expect(explainReceipt(chain, second).zh).toContain("生效高度为 30");
    idle(30);
    expect(outcome(deploy("shop", quiet))).toEqual(["ok", ""]);
  });

  it("R145: also within one block only one version of a contract waits", () => {
    const again = () =>
      transaction(
        "root",
        [{ contract: "governance", action: "deploy", args: { name: "shop", source: SHOP } }],
        5_000_000,
      );
    expect(chain.block(1, [again(), again()]).receipts.map(outcome)).toEqual([
      ["ok", ""],
      ["refused", "governance.deploy.do[0].pending"],
    ]);
  });

  it("R146: a version is withdrawn before it is in force, never after, and its number is free again", () => {
    deploy("shop", SHOP);
    expect(outcome(withdraw("shop"))).toEqual(["refused", "governance.withdraw.do[0].pending"]);
    expect(outcome(withdraw("nobody"))).toEqual(["refused", "governance.withdraw.do[0].pending"]);
    deployAt("shop", NEXT, 20);
    expect(row("governance", "contract", "shop")).toMatchObject({ version: 2, active_height: 20 });
    expect(outcome(withdraw("shop"))).toEqual(["ok", ""]);
    expect(row("governance", "contract", "shop")).toMatchObject({ version: 1, active_height: 2 });
    expect(row("ledger", "version", "shop", 2)).toBeUndefined();
    idle(21);
    expect(outcome(run("shop.put", { id: "a", n: -5 }))).toEqual(["refused", "shop.put.require[0]"]);
    expect(outcome(deploy("shop", NEXT))).toEqual(["ok", ""]);
    expect(row("governance", "contract", "shop")).toMatchObject({ version: 2 });
    // A first version that is withdrawn leaves nothing behind but its text.
    deployAt("reader", READER, 40);
    expect(outcome(run("reader.look", { id: "a" }))).toEqual(["failed", "call.contract"]);
    expect(outcome(withdraw("reader"))).toEqual(["ok", ""]);
    expect(row("ledger", "catalogue", "main")).toEqual({ names: ["governance", "registry", "shop"] });
    expect(row("governance", "contract", "reader")).toBeUndefined();
  });

  it("R147: every set of versions that will be in force stands together", () => {
    deployAt("shop", SHOP, 20);
    // Nothing may rest before height 20 on what is in force from it.
    expect(outcome(deployAt("reader", READER, 19))).toEqual(["refused", "governance.deploy_at.do[0].document"]);
    expect(outcome(deployAt("reader", READER, 20))).toEqual(["ok", ""]);
    const gone = withdraw("shop");
    expect(outcome(gone)).toEqual(["refused", "governance.dependants"]);
    expect(gone.values.slice(0, 2)).toEqual([
      ["dependant", "reader"],
      ["height", 20],
    ]);
    idle(20);
    const renamed = SHOP.replace(" n: int", " m: int")
      .replaceAll("n: p.n", "m: p.n")
      .replace("n: i.n", "n: i.m")
      .concat("migrate: {rename: {item: {n: m}}}\n");
    expect(codes(renamed)).toEqual([]);
    const later = READER.replace("fields: {n: int}", "fields: {m: int}").replace("i.n", "i.m");
    // The reader is changed with the shop, in the same height: neither before nor after.
    expect(outcome(deployAt("shop", renamed, 40))).toEqual(["refused", "governance.dependants"]);
    const both = (height: number, other: number) =>
      outcome(
        chain.run(
          1,
          "root",
          [
            { contract: "governance", action: "deploy_at", args: { name: "shop", source: renamed, height } },
            { contract: "governance", action: "deploy_at", args: { name: "reader", source: later, height: other } },
          ],
          9_000_000,
        ),
      );
    expect(both(40, 41)).toEqual(["refused", "governance.dependants"]);
    expect(both(41, 40)).toEqual(["refused", "governance.deploy_at.do[0].document"]);
    expect(both(40, 40)).toEqual(["ok", ""]);
    idle(38);
    run("shop.put", { id: "a", n: 3 });
    expect(run("reader.look", { id: "a" }).events[0]?.fields).toEqual([["n", 3]]);
  });

  it("R147: accounts of a version that waits are taken too", () => {
    const till = (name: string, account: string) => `rules: 1
contract: ${name}
title: ${name}
accounts: [${account}]
actions: {pay: {by: [admin], do: [{pay: {from: "'${account}'", to: "'x'", amount: 1}}]}}
`;
    expect(outcome(deploy("one", till("one", "a")))).toEqual(["ok", ""]);
    expect(outcome(deployAt("one", till("one", "b"), 20))).toEqual(["ok", ""]);
    expect(outcome(deploy("two", till("two", "a")))).toEqual(["refused", "governance.accounts"]);
    expect(outcome(deploy("two", till("two", "b")))).toEqual(["refused", "governance.accounts"]);
    expect(outcome(deployAt("two", till("two", "a"), 20))).toEqual(["ok", ""]);
    expect(outcome(withdraw("one"))).toEqual(["refused", "governance.accounts"]);
  });

  it("R148: rows and contracts are shown as the versions in force for the next block have them", () => {
    deploy("shop", SHOP);
    run("shop.put", { id: "a", n: 3 });
    const shown = () => contractsIn(chain).map(({ name, version }) => `${name} ${version}`);
    deployAt("shop", NEXT, 20);
    deployAt("reader", READER, 30);
    expect(shown()).toEqual(["governance 1", "registry 1", "shop 1"]);
    expect(row("shop", "item", "a")).toMatchObject({ vendor: "root", note: "old" });
    idle(19);
    expect(shown()).toEqual(["governance 1", "registry 1", "shop 2"]);
    expect(row("shop", "item", "a")).toMatchObject({ seller: "root", extra: 7 });
    // Who does not know the height sees the newest of everything.
    expect(contractsIn({ get: (key) => chain.get(key) }).map(({ name }) => name)).toContain("reader");
  });

  it("R148: an old receipt is told by the version that was in force in its block", () => {
    deploy("shop", SHOP);
    const old = run("shop.put", { id: "a", n: 11 });
    const height = chain.height;
    deploy("shop", NEXT);
    const fresh = run("shop.put", { id: "a", n: 11 });
    expect(explainReceipt(chain, old, height).zh).toBe("11 超过 10");
    expect(explainReceipt(chain, fresh, chain.height).zh).toBe("11 大于 10");
    expect(explainReceipt(chain, old, height - 1).zh).toContain("未通过规则");
  });
});
