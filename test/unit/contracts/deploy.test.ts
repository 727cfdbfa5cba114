// Code, settings, seats and parameters through governance: what is refused, and when a change comes into force.

import { beforeEach, describe, expect, it } from "vitest";
import { contractsIn, decodeRow, explainReceipt, rowKey, rowPrefix } from "../../../src/contracts/describe.ts";
import { Engine } from "../../../src/contracts/engine.ts";
import { GAS } from "../../../src/contracts/gas.ts";
import { genesisWrites } from "../../../src/contracts/genesis-state.ts";
import { LedgerError } from "../../../src/errors.ts";
import type { Value } from "../../../src/ledger/codec.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import type { Receipt } from "../../../src/ledger/types.ts";
import { genesisWith, keyOf, TestChain, transaction } from "./support.ts";

const SHOP = `rules: 1
contract: shop
title: 商店
settings: {cap: {type: int(1..50), value: 10}}
tables:
  item:
    key: {id: id}
    fields: {n: int}
actions:
  put:
    by: [admin]
    params: {id: id, n: int}
    read: {old?: "item[p.id]"}
    require:
      - {if: p.n <= settings.cap, else: "{p.n} 超过 {settings.cap}"}
    do:
      - when: old == null
        insert: item
        row: {id: p.id, n: p.n}
      - when: old != null
        update: old
        set: {n: p.n}
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

const GENESIS = genesisWith([], [{ id: "root", organisation: "government", roles: ["admin"] }]);

let chain: TestChain;
beforeEach(() => {
  chain = new TestChain(GENESIS);
});

const call = (contract: string, action: string, args: Readonly<Record<string, Value>>) => ({ contract, action, args });
const govern = (action: string, args: Readonly<Record<string, Value>>) =>
  chain.run(1, "root", [call("governance", action, args)]);
const deploy = (name: string, source: string) => govern("deploy", { name, source });
const outcome = ({ status, ruleId }: Receipt) => [status, ruleId];

function row(contract: string, table: string, key: readonly Value[]) {
  const stateKey = rowKey(chain, contract, table, key);
  const entry = stateKey.ok ? chain.get(stateKey.value) : undefined;
  return entry && stateKey.ok
    ? Object.fromEntries(decodeRow(chain, { contract, table, key: stateKey.value, entry }).fields)
    : undefined;
}

describe("deploy", () => {
  it("R80: a contract is in force from the block after its deployment", () => {
    const put = () => transaction("root", [call("shop", "put", { id: "a", n: 1 })]);
    const { receipts } = chain.block(1, [
      transaction("root", [call("governance", "deploy", { name: "shop", source: SHOP })]),
      put(),
    ]);
    expect(receipts.map(outcome)).toEqual([
      ["ok", ""],
      ["failed", "call.contract"],
    ]);
    expect(chain.block(2, [put()]).receipts.map(outcome)).toEqual([["ok", ""]]);
    expect(contractsIn(chain).map(({ name, version }) => [name, version])).toEqual([
      ["governance", 1],
      ["registry", 1],
      ["shop", 1],
    ]);
  });

  it("R81: a document with errors, another name, or a wrong import is refused with what is wrong", () => {
    const receipt = deploy("shop", SHOP.replace("old == null", "olt == null"));
    expect(outcome(receipt)).toEqual(["refused", "governance.deploy.do[0].document"]);
    expect(receipt.values).toEqual([
      ["findings", 1],
      ["finding[0]", "17:15 NAME_UNKNOWN: nothing here is called olt: did you mean old?"],
    ]);
    expect(explainReceipt(chain, receipt).zh).toContain("合约有 1 处错误");
    expect(outcome(deploy("shop2", SHOP))).toEqual(["refused", "governance.deploy.do[0].name"]);
    expect(outcome(deploy("reader", READER))).toEqual(["refused", "governance.deploy.do[0].document"]);
    deploy("shop", SHOP);
    expect(outcome(deploy("reader", READER.replace("{n: int}", "{n: bool}")))).toEqual([
      "refused",
      "governance.deploy.do[0].document",
    ]);
    expect(outcome(deploy("reader", READER))).toEqual(["ok", ""]);
  });

  it("R82: an upgrade keeps tables, keys and fields; new fields have defaults and old rows get them", () => {
    deploy("shop", SHOP);
    deploy("reader", READER);
    chain.run(1, "root", [call("shop", "put", { id: "a", n: 7 })]);
    const refusals = [
      SHOP.replaceAll("item", "article"),
      SHOP.replace("fields: {n: int}", "fields: {m: int, n: int}").replaceAll("n: p.n}", "n: p.n, m: 0}"),
      SHOP.replace("fields: {n: int}", "fields: {n: count}"),
      SHOP.replace("fields: {n: int}", "fields: {n: int, m: int}").replaceAll("n: p.n}", "n: p.n, m: 0}"),
      SHOP.replace("key: {id: id}", "key: {id: text(64)}"),
    ].map((source) => outcome(deploy("shop", source))[1]);
    expect(new Set(refusals)).toEqual(new Set(["governance.deploy.do[0].upgrade"]));
    const next = SHOP.replace("fields: {n: int}", "fields: {n: int, m: {type: int, default: 3}}").replace(
      "{p.n} 超过",
      "{p.n} 大于",
    );
    expect(outcome(deploy("shop", next))).toEqual(["ok", ""]);
    expect(row("shop", "item", ["a"])).toEqual({ n: 7, m: 3 });
    expect(outcome(deploy("shop", next.replace("default: 3", "default: 4")))[1]).toBe(
      "governance.deploy.do[0].upgrade",
    );
    expect(chain.run(1, "root", [call("reader", "look", { id: "a" })]).events[0]?.fields).toEqual([["n", 7]]);
    chain.run(1, "root", [call("shop", "put", { id: "b", n: 8 })]);
    expect(row("shop", "item", ["b"])).toEqual({ n: 8, m: 3 });
    expect(chain.run(1, "root", [call("reader", "look", { id: "b" })]).events[0]?.fields).toEqual([["n", 8]]);
    expect(row("governance", "contract", ["shop"])?.version).toBe(2);
  });

  it("R83: circles of imports are refused", () => {
    deploy("shop", SHOP);
    deploy("reader", READER);
    const circle = SHOP.replace("settings:", "imports: {reader: {page: {key: [id], fields: {}}}}\nsettings:");
    expect(outcome(deploy("shop", circle))[0]).toBe("refused");
    const self = SHOP.replace("settings:", "imports: {shop: {item: {key: [id], fields: {n: int}}}}\nsettings:");
    expect(outcome(deploy("shop", self))[0]).toBe("refused");
  });

  it("R84: the ledger's own name cannot be taken, and only governance deploys", () => {
    expect(outcome(deploy("ledger", SHOP.replace("contract: shop", "contract: ledger")))).toEqual([
      "refused",
      "governance.deploy.do[0].document",
    ]);
    expect(outcome(deploy("governance", SHOP.replace("contract: shop", "contract: governance")))[1]).toContain(
      "governance.deploy",
    );
  });

  it("R85: source and gas are bounded", () => {
    const padded = `${SHOP}# ${"x".repeat(50_000)}`;
    const run = (gasLimit: number) =>
      chain.run(1, "root", [call("governance", "deploy", { name: "shop", source: padded })], gasLimit);
    const { gas, status } = run(6_000_000);
    expect(status).toBe("ok");
    expect(gas).toBeGreaterThan(50_000 * GAS.sourceByte);
    expect(outcome(run(50_000 * GAS.sourceByte))).toEqual(["out_of_gas", "transaction.gas"]);
  });
});

describe("settings", () => {
  it("R86: a setting changes with the next block, and only to a number its contract accepts", () => {
    deploy("shop", SHOP);
    const put = () => transaction("root", [call("shop", "put", { id: "a", n: 20 })]);
    const set = transaction("root", [call("governance", "add_setting", { contract: "shop", name: "cap", value: 30 })]);
    expect(chain.block(1, [set, put()]).receipts.map(outcome)).toEqual([
      ["ok", ""],
      ["refused", "shop.put.require[0]"],
    ]);
    expect(chain.block(2, [put()]).receipts.map(outcome)).toEqual([["ok", ""]]);
    expect(outcome(govern("add_setting", { contract: "shop", name: "cup", value: 3 }))).toEqual([
      "refused",
      "governance.settings",
    ]);
    expect(outcome(govern("add_setting", { contract: "nobody", name: "cap", value: 3 }))).toEqual([
      "refused",
      "governance.settings",
    ]);
    deploy("other", SHOP.replace("contract: shop", "contract: other"));
    expect(outcome(govern("add_setting", { contract: "other", name: "cap", value: 51 }))).toEqual([
      "refused",
      "governance.settings",
    ]);
  });
});

describe("seats and parameters", () => {
  const seat = (index: number, seed: number, peer = `peer-${seed}`) =>
    call("governance", "add_seat", { index, key: keyOf(seed), peer });

  it("R87: a new seat is a validator of the next height, in key order", () => {
    const output = chain.block(1, [transaction("root", [seat(4, 0)])]);
    expect(output.validators.map(({ publicKey }) => publicKey[0])).toEqual([0, 1, 2, 3, 4]);
    expect(
      chain.block(2, [transaction("root", [call("governance", "deploy", { name: "shop", source: SHOP })])]).validators
        .length,
    ).toBe(5);
  });

  it("R88: more than f changes in one height, also over several transactions, are refused", () => {
    const { receipts, validators } = chain.block(1, [
      transaction("root", [seat(4, 11)]),
      transaction("root", [seat(5, 12)]),
    ]);
    expect(receipts.map(outcome)).toEqual([
      ["ok", ""],
      ["refused", "governance.validators"],
    ]);
    expect(validators.length).toBe(5);
    expect(outcome(chain.run(2, "root", [seat(5, 12)]))).toEqual(["ok", ""]);
  });

  it("R95: seats that leave count as those that join", () => {
    chain.run(1, "root", [seat(4, 11)]);
    chain.run(2, "root", [seat(5, 12)]);
    const remove = call("governance", "remove_last_seat", {});
    expect(outcome(chain.run(3, "root", [remove, remove]))).toEqual(["refused", "governance.validators"]);
    expect(chain.block(4, [transaction("root", [remove])]).validators.length).toBe(5);
  });

  it("R96: the replay window never shrinks", () => {
    const higher = 7_200_000;
    const set = (value: number) => outcome(govern("set_parameter", { name: "replay_window_ms", value }));
    expect([set(higher), set(higher - 1), set(higher)]).toEqual([
      ["ok", ""],
      ["refused", "governance.parameters"],
      ["ok", ""],
    ]);
  });

  it.each<readonly [string, () => readonly ReturnType<typeof call>[]]>([
    ["a key twice", () => [seat(4, 1)]],
    ["a peer twice", () => [seat(4, 9, "peer-street")]],
    ["a gap", () => [seat(5, 9)]],
    ["a roster without its seat", () => [call("governance", "set_roster", { seats: 5 })]],
    ["a seat beyond the roster", () => [seat(4, 9), call("governance", "set_roster", { seats: 4 })]],
    ["fewer than four", () => [call("governance", "set_roster", { seats: 3 })]],
    [
      "a key of a wrong length",
      () => [call("governance", "replace_seat", { index: 0, key: Uint8Array.of(1), peer: "p" })],
    ],
  ])("R89: seats that would be unusable are refused: %s", (_, calls) => {
    const output = chain.block(1, [transaction("root", calls())]);
    expect(output.receipts.map(outcome)).toEqual([["refused", "governance.validators"]]);
    expect(output.validators.length).toBe(4);
  });

  it("R90: parameters change for the next height, and never to unusable ones", () => {
    const output = chain.block(1, [
      transaction("root", [call("governance", "set_parameter", { name: "rotation_heights", value: 7 })]),
    ]);
    expect(output.parameters.rotationHeights).toBe(7);
    for (const [name, value] of [
      ["rotation_heights", 0],
      ["block_gas_max", 5],
      ["batch_bytes_max", 1 << 30],
      ["batch_bytes_max", 100],
      ["protocol", 0],
    ] as const) {
      expect([name, ...outcome(govern("set_parameter", { name, value }))]).toEqual([
        name,
        "refused",
        "governance.parameters",
      ]);
    }
    expect(chain.parameters.rotationHeights).toBe(7);
  });
});

describe("genesis", () => {
  const code = (run: () => unknown) => {
    try {
      run();
      return "";
    } catch (thrown) {
      return thrown instanceof LedgerError
        ? `${thrown.code} ${thrown.data.finding ?? thrown.data.contract ?? ""}`
        : String(thrown);
    }
  };
  const writes = (contracts: typeof GENESIS.contracts) =>
    code(() => genesisWrites({ ...GENESIS, contracts }, new Engine()));

  it("R91: writes are in key order, one per key, and appended fields begin with their defaults", () => {
    const keys = genesisWrites(GENESIS, new Engine()).map(({ key }) => toHex(key));
    expect(keys).toEqual([...new Set(keys)].sort());
    expect(row("governance", "roster", ["main"])).toEqual({ seats: 4, changes: 7 });
    expect(row("registry", "account", ["root"])).toMatchObject({ org: "government", status: "active", since: 5 });
  });

  it("R92: governance and registry are needed, every contract must be sound, none may come twice", () => {
    const [governance, registry] = GENESIS.contracts;
    expect(writes([governance!])).toBe("GENESIS_CONTRACT_MISSING registry");
    expect(writes([governance!, registry!, { name: "shop", source: SHOP.replace("by: [admin]", "by: []") }])).toBe(
      "GENESIS_CONTRACT_INVALID ROLE_MISSING",
    );
    expect(
      writes([governance!, registry!, { name: "shop", source: SHOP.replace("contract: shop", "contract: store") }]),
    ).toBe("GENESIS_CONTRACT_INVALID CONTRACT_NAME");
    expect(writes([governance!, registry!, registry!])).toBe("GENESIS_CONTRACT_TWICE registry");
  });

  it("R94: parameters that governance could never set are no beginning either", () => {
    for (const [name, value] of [
      ["blockGasMax", 1],
      ["batchBytesMax", 100],
      ["blockBytesMax", 1000],
    ] as const) {
      const parameters = { ...GENESIS.parameters, [name]: value };
      expect(code(() => genesisWrites({ ...GENESIS, parameters }, new Engine()))).toContain(
        "GENESIS_PARAMETERS_INVALID",
      );
    }
  });
});

describe("describing", () => {
  it("R93: keys and prefixes of rows are checked against the table", () => {
    const codes = [
      rowKey(chain, "nobody", "x", []),
      rowKey(chain, "registry", "nobody", []),
      rowKey(chain, "registry", "account", []),
      rowKey(chain, "registry", "account", [1]),
      rowKey(chain, "ledger", "nothing", []),
      rowPrefix(chain, "registry", "account", ["a", "b"]),
    ].map((verdict) => (verdict.ok ? "" : verdict.code));
    expect(codes).toEqual([
      "CONTRACT_UNKNOWN",
      "TABLE_UNKNOWN",
      "KEY_INVALID",
      "KEY_INVALID",
      "TABLE_UNKNOWN",
      "KEY_INVALID",
    ]);
    expect(rowKey(chain, "ledger", "timer", ["shop", "k"]).ok && rowPrefix(chain, "ledger", "timer", ["shop"]).ok).toBe(
      true,
    );
  });
});
