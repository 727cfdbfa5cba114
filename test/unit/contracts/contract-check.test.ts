// What the check of a whole document finds, where, and that it finds several things at once.

import { describe, expect, it } from "vitest";
import { checkContract } from "../../../src/contracts/check-contract.ts";
import { document } from "./support.ts";

const BASE = `rules: 1
contract: shop
title: {zh: 商店, en: Shop}
settings: {cap: 100}
tables:
  item:
    key: {id: id}
    fields: {price: money, left: count, state: "enum(new_,sold,gone)", note: text(20)}
    flow: {new_: [sold], sold: [gone]}
    always:
      - price <= settings.cap
actions:
  sell:
    by: [clerk]
    params: {id: id, price: money}
    read: {i: "item[p.id]"}
    require:
      - {if: p.price <= i.price, else: "价格 {p.price} 高于 {i.price}"}
    do:
      - update: i
        set: {state: '"sold"', price: p.price}
      - timer: {key: p.id, at: now + 1000, run: lapse, with: {id: p.id}}
      - emit: {sold: {id: i.id}}
  add:
    by: [clerk]
    params: {id: id}
    do:
      - insert: item
        row: {id: p.id, price: 1, left: 0, state: '"new_"', note: '""'}
  lapse:
    by: [timer]
    params: {id: id}
    read: {i: "item[p.id]"}
    do:
      - update: i
        set: {state: '"gone"'}
`;

/** Findings of the base document with one part replaced. */
function findings(from: string, to: string) {
  expect(BASE).toContain(from);
  return checkContract(BASE.replace(from, to)).findings;
}

describe("a whole document", () => {
  it("is accepted without findings", () => {
    expect(checkContract(BASE).findings).toEqual([]);
  });

  it.each(["device-repair", "owners-vote"])("example %s has no findings", (name) => {
    expect(checkContract(document(`${name}.yaml`)).findings).toEqual([]);
  });

  it.each<readonly [string, string, string]>([
    ["rules: 1", "rules: 2", "RULES_VERSION"],
    ["rules: 1\n", "", "FIELD_MISSING"],
    ["settings:", "setings:", "FIELD_UNKNOWN"],
    ["contract: shop", "contract: ledger", "NAME_RESERVED"],
    ["contract: shop", "contract: 1shop", "NAME_INVALID"],
    ["{cap: 100}", "{cap: x}", "SHAPE"],
    ["{cap: 100}", '{cap: {type: "int(0..9)", value: 100}}', "VALUE_OUT_OF_RANGE"],
    ["{cap: 100}", "{cap: 100, other: 1}", "UNUSED"],
    ["price: money,", "price: monny,", "TYPE_UNKNOWN"],
    ["note: text(20)", `${"n".repeat(31)}: text(20)`, "NAME_INVALID"],
    ["price: money,", "price: int(9..1),", "TYPE_BOUND"],
    ["price: money,", "price: text(0),", "TYPE_BOUND"],
    ["price: money,", "price: list(id),", "TYPE_BOUND"],
    ["price: money,", '"price": "enum(a,a)",', "TYPE_ENUM"],
    ["key: {id: id}", "key: {}", "KEY_MISSING"],
    ["key: {id: id}", 'key: {id: "list(id, 3)"}', "KEY_TYPE"],
    ["key: {id: id}", "key: {id: text(2000)}", "KEY_TOO_LONG"],
    ["note: text(20)", "note: text(131072), more: text(131072)", "ROW_TOO_LARGE"],
    ["note: text(20)", "note: text(20), id: id", "NAME_TWICE"],
    ["note: text(20)", "note: text(20), now: id", "NAME_RESERVED"],
    ["note: text(20)", "note: {type: text(20), default: 5}", "TYPE_MISMATCH"],
    ["note: text(20)", `note: {type: text(2), default: '"abc"'}`, "VALUE_OUT_OF_RANGE"],
    ["{new_: [sold], sold: [gone]}", "{new_: [sold], sold: [lost]}", "STATE_UNKNOWN"],
    ["{new_: [sold], sold: [gone]}", "{new_: [sold]}", "STATE_UNREACHABLE"],
    ["{new_: [sold], sold: [gone]}", "{colour: {new_: [sold]}}", "FIELD_UNKNOWN"],
    ["{new_: [sold], sold: [gone]}", "{sold: [gone]}", "FLOW_IMPOSSIBLE"],
    ["{new_: [sold], sold: [gone]}", "{new_: [gone]}", "FLOW_IMPOSSIBLE"],
    ["{new_: [sold], sold: [gone]}", "{new: [new_, sold], sold: [gone]}", "FLOW_IMPOSSIBLE"],
    ["{new_: [sold], sold: [gone]}", "{new: [new_, lost], new_: [sold], sold: [gone]}", "STATE_UNKNOWN"],
    ["price <= settings.cap", "prize <= settings.cap", "NAME_UNKNOWN"],
    ["price <= settings.cap", "price", "TYPE_MISMATCH"],
    ["price <= settings.cap", "price <= settings.lid", "NAME_UNKNOWN"],
    [
      "    by: [clerk]\n    params: {id: id, price: money}",
      "    by: []\n    params: {id: id, price: money}",
      "ROLE_MISSING",
    ],
    ["    by: [clerk]\n    params: {id: id, price: money}", "    params: {id: id, price: money}", "FIELD_MISSING"],
    ["params: {id: id, price: money}", "params: {id: id, price: money, extra: int}", "UNUSED"],
    ["params: {id: id, price: money}", "params: {id: id, price: item.cost}", "TYPE_UNKNOWN"],
    ['read: {i: "item[p.id]"}\n    require', 'read: {i: "items[p.id]"}\n    require', "TABLE_UNKNOWN"],
    ['read: {i: "item[p.id]"}\n    require', 'read: {i: "item[p.id, 1]"}\n    require', "KEY_LENGTH"],
    ['read: {i: "item[p.id]"}\n    require', 'read: {i: "item[p.price]"}\n    require', "TYPE_MISMATCH"],
    ['read: {i: "item[p.id]"}\n    require', 'read: {i: "item[p.id]", j?: "item[i.id]"}\n    require', "UNUSED"],
    ['read: {i: "item[p.id]"}\n    require', 'read: {i: "item[p.id]", p: "item[p.id]"}\n    require', "NAME_RESERVED"],
    ["p.price <= i.price", "p.price <= i.cost", "FIELD_UNKNOWN"],
    ["p.price <= i.price", "i == null", "ALWAYS_PRESENT"],
    ["p.price <= i.price", "i", "TYPE_MISMATCH"],
    ["高于 {i.price}", "高于 {i.cost}", "FIELD_UNKNOWN"],
    ["高于 {i.price}", "高于 {i.price", "SENTENCE_SYNTAX"],
    ["高于 {i.price}", "高于 {i.price + 1}", "SENTENCE_SYNTAX"],
    ["高于 {i.price}", "高于 {i}", "SENTENCE_REFERENCE"],
    [', else: "价格 {p.price} 高于 {i.price}"', "", "FIELD_MISSING"],
    [
      "update: i\n        set: {state: '\"sold\"', price: p.price}",
      "update: x\n        set: {state: '\"sold\"'}",
      "ROW_UNKNOWN",
    ],
    ["price: p.price}", "cost: p.price}", "FIELD_UNKNOWN"],
    ["price: p.price}", "id: p.id}", "KEY_ASSIGNED"],
    ["price: p.price}", "price: p.id}", "TYPE_MISMATCH"],
    ["price: p.price}", "price: -1}", "VALUE_OUT_OF_RANGE"],
    ["state: '\"sold\"'", "state: p.id", "TYPE_MISMATCH"],
    ["state: '\"sold\"'", "state: '\"lost\"'", "VALUE_UNKNOWN"],
    ["state: '\"sold\"'", "state: '\"new_\"'", "FLOW_IMPOSSIBLE"],
    ["insert: item", "insert: items", "TABLE_UNKNOWN"],
    [", note: '\"\"'}", "}", "FIELD_MISSING"],
    ["run: lapse", "run: lapsed", "ACTION_UNKNOWN"],
    ["run: lapse", "run: add", "TIMER_NOT_ALLOWED"],
    ["with: {id: p.id}", "with: {}", "ARGUMENT_MISSING"],
    ["with: {id: p.id}", "with: {id: p.id, x: 1}", "ARGUMENT_UNKNOWN"],
    ["with: {id: p.id}", "with: {id: p.price}", "TYPE_MISMATCH"],
    ["      - timer: {key: p.id, at: now + 1000, run: lapse, with: {id: p.id}}\n", "", "ACTION_UNREACHABLE"],
    ["emit: {sold: {id: i.id}}", "emit: {sold: {id: i}}", "TYPE_MISMATCH"],
    ["emit: {sold: {id: i.id}}", "emit: {sold: {id: i.id}, more: {}}", "SHAPE"],
    ["emit: {sold: {id: i.id}}", "emit: {sold: {id: i.id}}\n      - emit: {sold: {id: i.price}}", "EVENT_SHAPE"],
    ["emit: {sold: {id: i.id}}", "deploy: {name: p.id, source: p.id}", "DEPLOY_NOT_ALLOWED"],
    ["emit: {sold: {id: i.id}}", "grant: {id: i.id}", "STATEMENT"],
    ["emit: {sold: {id: i.id}}", "pay: {from: p.id, to: p.id}", "FIELD_MISSING"],
    ["emit: {sold: {id: i.id}}", "when: p.price\n        emit: {sold: {id: i.id}}", "TYPE_MISMATCH"],
    ["title: {zh: 商店, en: Shop}", "title: {zh: 商店}", "FIELD_MISSING"],
    ["title: {zh: 商店, en: Shop}", "title: &a 商店", "YAML_ALIAS"],
    ["title: {zh: 商店, en: Shop}", "title: !x 商店", "YAML_TAG"],
    ["title: {zh: 商店, en: Shop}", "title: 商店\ntitle: 商店", "YAML_DUPLICATE_KEY"],
    ["title: {zh: 商店, en: Shop}", "title: [", "YAML_SYNTAX"],
  ])("%j as %j has the finding %s", (from, to, code) => {
    expect(findings(from, to).map((finding) => finding.code)).toContain(code);
  });

  it("R30: findings stand at their place, with what is known there, several at once", () => {
    const source = BASE.replace("p.price <= i.price", "p.prize <= i.cost")
      .replace("run: lapse", "run: laps")
      .replace("state: '\"gone\"'", 'state: "\\"g\\\n          one\\""');
    expect(
      checkContract(source).findings.map(({ code, line, column, known }) => ({ code, line, column, known })),
    ).toEqual([
      { code: "NAME_UNKNOWN", line: 18, column: 14, known: ["id", "price"] },
      { code: "FIELD_UNKNOWN", line: 18, column: 25, known: ["id", "price", "left", "state", "note"] },
      { code: "ACTION_UNKNOWN", line: 22, column: 49, known: ["sell", "add", "lapse"] },
    ]);
  });

  it("R34: new says how rows begin, unless a state is called so", () => {
    const states = BASE.replace("enum(new_,sold,gone)", "enum(new,sold,gone)").replace('"new_"', '"new"');
    expect(checkContract(states.replace("{new_: [sold]", "{new: [sold]")).findings).toEqual([]);
    expect(checkContract(BASE.replace("{new_: [sold]", "{new: [new_, gone], new_: [sold]")).findings).toEqual([]);
  });

  it("R31: a place inside a folded or escaped text is found", () => {
    const folded = BASE.replace("- {if: p.price <= i.price, else", '- {if: "p.price <=\n          i.cost", else');
    expect(checkContract(folded).findings.map(({ code, line, column }) => [code, line, column])).toEqual([
      ["FIELD_UNKNOWN", 19, 11],
    ]);
    const escaped = BASE.replace(
      "state: '\"sold\"', price: p.price",
      'state: "\\"sold\\"", price: p.price, note: "\\"x\\" + nobody"',
    );
    expect(checkContract(escaped).findings.map(({ code, line, column }) => [code, line, column])).toEqual([
      ["NAME_UNKNOWN", 21, (escaped.split("\n")[20]?.indexOf("nobody") ?? 0) + 1],
    ]);
  });

  it("R32: an action whose worst case is above the cap is refused", () => {
    const big = BASE.replace(
      "params: {id: id}\n    do:\n      - insert",
      'params: {id: id, l: "list(int, 4096)"}\n    define: {x: "p.l.exists(a, p.l.exists(b, a == b))"}\n    do:\n      - when: x\n        insert',
    );
    expect(checkContract(big).findings.map(({ code }) => code)).toEqual(["GAS_TOO_HIGH"]);
  });

  it("R33: a table that the ledger reads must be as it knows it", () => {
    const registry = document("registry.yaml");
    const codes = (source: string) => checkContract(source).findings.map(({ code }) => code);
    expect(codes(registry.replace("org: id,", "organisation: id,"))).toContain("SYSTEM_TABLE");
    expect(
      codes(
        registry.replace('status: "enum(active,suspended,ended)"', 'status: "enum(active,suspended,ended)", more: int'),
      ),
    ).toContain("DEFAULT_MISSING");
  });
});
