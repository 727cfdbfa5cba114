// Indexes: what a read of a group gives, how index rows follow every change, what they cost at most, and what the check finds.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkContract } from "../../../src/contracts/check-contract.ts";
import { explainReceipt } from "../../../src/contracts/describe.ts";
import { compileSource, exportsOf } from "../../../src/contracts/engine.ts";
import { groupCount, groupKey, rowsOfGroup } from "../../../src/contracts/index-rows.ts";
import { runAuthorTests } from "../../../src/contracts/test-runner.ts";
import type { Value } from "../../../src/ledger/codec.ts";
import { compareBytes, toHex } from "../../../src/ledger/hash.ts";
import type { Receipt } from "../../../src/ledger/types.ts";
import { genesisWith, newOverlay, TestChain } from "./support.ts";

const SHOP = `rules: 1
contract: shop
title: 商店
tables:
  order:
    key: {shelf: int, id: id}
    fields: {state: "enum(open,paid)", who: id, fen: money}
    index: {by_state: [state], by_who: [who, state]}
actions:
  put:
    by: [anyone]
    params: {shelf: int, id: id, state: order.state, who: id, fen: money}
    do:
      - insert: order
        row: {shelf: p.shelf, id: p.id, state: p.state, who: p.who, fen: p.fen}
  set:
    by: [anyone]
    params: {shelf: int, id: id, state: order.state}
    read: {o: "order[p.shelf, p.id]"}
    do:
      - update: o
        set: {state: p.state}
  give:
    by: [anyone]
    params: {shelf: int, id: id, who: id}
    read: {o: "order[p.shelf, p.id]"}
    do:
      - update: o
        set: {who: p.who}
  price:
    by: [anyone]
    params: {shelf: int, id: id, fen: money}
    read: {o: "order[p.shelf, p.id]"}
    do:
      - update: o
        set: {fen: p.fen}
  drop:
    by: [anyone]
    params: {shelf: int, id: id}
    read: {o: "order[p.shelf, p.id]"}
    do:
      - delete: o
  look:
    by: [anyone]
    params: {who: text(70), state: order.state}
    read:
      mine: {all: "order.by_who[p.who, p.state]", max: 3}
    define: {large: "mine.filter(o, o.fen > 10)"}
    require:
      - {if: "mine.all(o, o.who == p.who)", else: "{p.who}"}
      - {if: "size(mine) != 2 || mine[0].fen != 13", else: "{p.who} 不吉利"}
    do:
      - emit: {seen: {ids: "mine.map(o, o.id)", shelves: "mine.map(o, o.shelf)", sum: "sum(mine.map(o, o.fen))", large: "size(large)", any: "mine.exists(o, o.fen == 7)"}}
`;
const READER = `rules: 1
contract: reader
title: 读者
imports: {shop: {order: {key: [shelf, id], fields: {fen: money, state: "enum(open,paid)"}, index: {by_state: [state]}}}}
actions:
  total:
    by: [anyone]
    read: {open: {all: "shop.order.by_state['open']", max: 200}}
    do:
      - emit: {total: {fen: "sum(open.map(o, o.fen))", ids: "open.map(o, o.id)"}}
`;

const ACCOUNTS = [{ id: "ann", organisation: "property", roles: [] }];
const newChain = () =>
  new TestChain(
    genesisWith(
      [
        { name: "shop", source: SHOP },
        { name: "reader", source: READER },
      ],
      ACCOUNTS,
    ),
  );

function acting(chain: TestChain) {
  return (action: string, args: Readonly<Record<string, Value>> = {}, contract = "shop"): Receipt =>
    chain.run(1, "ann", [{ contract, action, args }], 5_000_000);
}

const order = compileSource(SHOP).contract?.tables.get("order");
if (order === undefined) throw new Error("the document of this test is sound");
const table = order.layout;

/** What an index says of a group, and what the rows themselves say. */
function groupOf(chain: TestChain, name: string, values: readonly Value[]) {
  const index = table.indexes.find((candidate) => candidate.name === name);
  if (index === undefined) throw new Error(name);
  const keys = rowsOfGroup({ get: (key) => chain.get(key)?.value }, { table, index, values }, 100);
  const rows = [...chain.rows.values()]
    .filter(({ key }) => toHex(key).startsWith(toHex(table.prefix)))
    .filter(({ key, value }) => {
      const parts = toHex(key).slice(toHex(table.prefix).length);
      const row = table.decode([parts, ""], value);
      return index.columns.every((column, position) => row[column] === values[position]);
    })
    .map(({ key }) => key)
    .sort(compareBytes);
  return {
    said: typeof keys === "number" ? keys : keys.map(toHex),
    there: rows.map(toHex),
    count: groupCount(chain.get(groupKey(index, values))?.value),
  };
}

const codes = (source: string) =>
  checkContract(source)
    .findings.filter(({ severity }) => severity === "error")
    .map(({ code }) => code);

describe("a read of an index", () => {
  it("R135: it gives all rows of the group in key order, with their fields, to macros and sum", () => {
    const act = acting(newChain());
    for (const [shelf, id, fen] of [
      [2, "a", 20],
      [-1, "z", 7],
      [2, "Z", 5],
    ] as const)
      act("put", { shelf, id, state: "open", who: "bob", fen });
    act("put", { shelf: 0, id: "c", state: "paid", who: "bob", fen: 100 });
    act("put", { shelf: 0, id: "d", state: "open", who: "eve", fen: 100 });
    const seen = act("look", { who: "bob", state: "open" });
    expect(seen.events[0]?.fields).toEqual([
      ["ids", ["z", "Z", "a"]],
      ["shelves", [-1, 2, 2]],
      ["sum", 32],
      ["large", 1],
      ["any", true],
    ]);
    expect(act("total", {}, "reader").events[0]?.fields).toEqual([
      ["fen", 132],
      ["ids", ["z", "d", "Z", "a"]],
    ]);
    for (const who of ["nobody", "", "b b", "x".repeat(65)])
      expect(act("look", { who, state: "open" }).events[0]?.fields[0]).toEqual(["ids", []]);
  });

  it("R136: a group larger than max refuses the action; never is a part of it given", () => {
    const chain = newChain();
    const act = acting(chain);
    for (const id of ["a", "b", "c"]) act("put", { shelf: 1, id, state: "open", who: "bob", fen: 1 });
    expect(act("look", { who: "bob", state: "open" }).status).toBe("ok");
    act("put", { shelf: 1, id: "d", state: "open", who: "bob", fen: 1 });
    const receipt = act("look", { who: "bob", state: "open" });
    expect([receipt.status, receipt.ruleId, receipt.values]).toEqual([
      "refused",
      "shop.look.read.mine.max",
      [
        ["rows", 4],
        ["max", 3],
      ],
    ]);
    expect(explainReceipt(chain, receipt).zh).toBe("记录有 4 条, 本操作一次最多处理 3 条");
  });

  it("R136: a refusal says how many rows there were", () => {
    const chain = newChain();
    const act = acting(chain);
    for (const id of ["a", "b"]) act("put", { shelf: 1, id, state: "open", who: "bob", fen: 13 });
    const receipt = act("look", { who: "bob", state: "open" });
    expect([receipt.ruleId, receipt.values]).toEqual([
      "shop.look.require[1]",
      [
        ["mine", 2],
        ["p.who", "bob"],
      ],
    ]);
  });

  it("R137: index rows follow every history of inserts, updates and deletes, and no action costs more than its bound", () => {
    const id = fc.constantFrom("a", "b", "c", "d");
    const shelf = fc.constantFrom(-1, 0, 1);
    const state = fc.constantFrom("open", "paid");
    const who = fc.constantFrom("bob", "eve");
    const step = fc.oneof(
      fc.record({ action: fc.constant("put"), shelf, id, state, who, fen: fc.constant(1) }),
      fc.record({ action: fc.constant("put"), shelf, id, state, who, fen: fc.constant(1) }),
      fc.record({ action: fc.constant("set"), shelf, id, state }),
      fc.record({ action: fc.constant("give"), shelf, id, who }),
      fc.record({ action: fc.constant("price"), shelf, id, fen: fc.constant(5) }),
      fc.record({ action: fc.constant("drop"), shelf, id }),
    );
    const actions = compileSource(SHOP).contract?.actions;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (history) => {
        const chain = newChain();
        const act = acting(chain);
        for (const { action, ...args } of history) {
          const { gas } = act(action, args);
          expect(gas).toBeLessThanOrEqual((actions?.get(action)?.usageMax.units ?? 0) + 150);
        }
        for (const [name, values] of [
          ["by_state", ["open"]],
          ["by_state", ["paid"]],
          ["by_who", ["bob", "open"]],
          ["by_who", ["bob", "paid"]],
          ["by_who", ["eve", "open"]],
          ["by_who", ["eve", "paid"]],
        ] as const) {
          const { said, there, count } = groupOf(chain, name, values);
          expect([name, values, said, count]).toEqual([name, values, there, there.length]);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("R137: a group that has no row has no leaf, and no entry is left behind", () => {
    const chain = newChain();
    const before = [...chain.rows.keys()].sort();
    const act = acting(chain);
    for (const id of ["a", "b", "c"]) act("put", { shelf: 1, id, state: "open", who: "bob", fen: 1 });
    act("set", { shelf: 1, id: "b", state: "paid" });
    for (const id of ["b", "a", "c"]) expect(act("drop", { shelf: 1, id }).status).toBe("ok");
    expect([...chain.rows.keys()].sort()).toEqual(before);
  });

  it("R137: after the first or the last row of a group left it, others still find their place", () => {
    for (const leaving of ["a", "b", "c"]) {
      const chain = newChain();
      const act = acting(chain);
      for (const id of ["a", "b", "c"]) act("put", { shelf: 1, id, state: "open", who: "bob", fen: 1 });
      expect(act("drop", { shelf: 1, id: leaving }).status).toBe("ok");
      expect(act("put", { shelf: 1, id: "d", state: "open", who: "bob", fen: 1 }).status).toBe("ok");
      const { said, there } = groupOf(chain, "by_state", ["open"]);
      expect([leaving, said]).toEqual([leaving, there]);
      for (const id of ["a", "b", "c", "d"].filter((one) => one !== leaving))
        expect([id, act("drop", { shelf: 1, id }).status]).toEqual([id, "ok"]);
    }
  });

  it("R137: rows that an author's test begins with stand in their indexes", () => {
    const outcomes = runAuthorTests({
      tests: `- test: given
  given: {order: [{shelf: 1, id: a, who: bob, fen: 3}, {shelf: 1, id: b, who: bob, fen: 4}, {shelf: 1, id: a, who: bob, fen: 5, state: paid}]}
  when:
    - {at: 1, as: anyone/ann, do: look, with: {who: bob, state: open}, events: [seen]}
    - {at: 1, as: anyone/ann, do: drop, with: {shelf: 1, id: a}}
    - {at: 1, as: anyone/ann, do: drop, with: {shelf: 1, id: b}}
`,
      sources: [SHOP],
      newOverlay,
    });
    expect(outcomes.map(({ problem }) => problem)).toEqual([undefined]);
  });

  it("R138: the worst case of a read holds the rows that it may give", () => {
    const units = (max: number) =>
      compileSource(SHOP.replace("max: 3", `max: ${max}`)).contract?.actions.get("look")?.usageMax;
    const [small, large] = [units(3), units(103)];
    expect((large?.reads ?? 0) - (small?.reads ?? 0)).toBe(200);
    expect((large?.units ?? 0) - (small?.units ?? 0)).toBeGreaterThan(100 * 2 * 150);
    const chain = newChain();
    const act = acting(chain);
    for (const id of ["a", "b", "c"]) act("put", { shelf: 1, id, state: "open", who: "b".repeat(64), fen: 1 });
    const { gas } = act("look", { who: "b".repeat(64), state: "open" });
    expect(gas).toBeGreaterThan(7 * 150);
    expect(gas).toBeLessThanOrEqual((small?.units ?? 0) + 150);
  });
});

describe("the check of indexes", () => {
  it.each<readonly [string, string, string, readonly string[]]>([
    ["over a column that is not there", "by_state: [state]", "by_state: [stat]", ["FIELD_UNKNOWN"]],
    ["over nothing", "by_state: [state]", "by_state: []", ["INDEX_EMPTY"]],
    ["over one column twice", "by_state: [state]", "by_state: [state, state]", ["NAME_TWICE"]],
    ["twice", "by_state: [state]", "by_state: [state], by_state: [who]", ["YAML_DUPLICATE_KEY"]],
    ["too many", "by_state: [state]", "a: [who], b: [who], c: [who], d: [who]", ["TOO_MANY"]],
    ["read by a name that is not there", "order.by_who[", "order.by_whom[", ["INDEX_UNKNOWN"]],
    ["of a table that is not there", "order.by_who[", "orders.by_who[", ["TABLE_UNKNOWN"]],
    ["of a table without indexes", "order.by_who[p.who, p.state]", "ledger.money.by_who[p.who]", ["INDEX_UNKNOWN"]],
    ["with too few values", "[p.who, p.state]", "[p.who]", ["KEY_LENGTH"]],
    ["with a value of another type", "[p.who, p.state]", "[p.who, 1]", ["TYPE_MISMATCH"]],
    ["with a state that is none", "[p.who, p.state]", "[p.who, 'lost']", ["VALUE_UNKNOWN"]],
    ["with max 0", "max: 3", "max: 0", ["SCAN_LIMIT"]],
    ["with a huge max", "max: 3", "max: 9999999999999999999", ["SCAN_LIMIT", "EVENT_TOO_LARGE"]],
    ["with a negative max", "max: 3", "max: -1", ["SCAN_LIMIT"]],
    ["with a max that is computed", "max: 3", "max: 1 + 2", ["SHAPE"]],
    ["without max", ", max: 3", "", ["FIELD_MISSING"]],
    ["as a row that may be absent", "mine: {all", "mine?: {all", ["SHAPE"]],
    ["without index", "order.by_who[p.who, p.state]", "order[p.who]", ["EXPRESSION_SYNTAX"]],
  ])("R139: a wrong index is found: %s", (_, from, to, expected) => {
    expect(SHOP).toContain(from);
    const found = codes(SHOP.replace(from, to)).filter(
      (code) =>
        !(
          [
            "TOO_MANY",
            "INDEX_UNKNOWN",
            "TABLE_UNKNOWN",
            "KEY_LENGTH",
            "SHAPE",
            "FIELD_MISSING",
            "EXPRESSION_SYNTAX",
          ].includes(expected[0] ?? "") && code === "NAME_UNKNOWN"
        ),
    );
    expect(found).toEqual(expected);
  });

  it("R139: lists, keys that grow too long and tables of the ledger have no index", () => {
    expect(
      codes(
        SHOP.replace("fen: money}\n", 'fen: money, l: "list(int, 3)"}\n').replace("by_state: [state]", "by_list: [l]"),
      ),
    ).toContain("KEY_TYPE");
    expect(
      codes(SHOP.replace("fen: money}\n", "fen: money, t: text(1000)}\n").replace("by_state: [state]", "by_text: [t]")),
    ).toContain("KEY_TOO_LONG");
    const governance = genesisWith([]).contracts[0]?.source ?? "";
    expect(
      codes(
        governance.replace(
          "fields: {title: text(256), role: text(64)}",
          "fields: {title: text(256), role: text(64)}\n    index: {by_role: [role]}",
        ),
      ),
    ).toEqual(["SYSTEM_TABLE"]);
  });

  it.each([
    ["compared", "mine == mine"],
    ["compared one by one", "mine[0] == mine[1]"],
    ["looked for", "mine[0] in mine"],
    ["joined in a list of others", "size([mine, [1]]) == 1"],
    ["asked for a field that it lacks", "mine[0].price == 1"],
    ["itself asked for a field", "mine.fen == 1"],
    ["a condition", "mine[0]"],
  ])("R139: rows of a list are looked into, nothing else: %s", (_, condition) => {
    const [code] = codes(SHOP.replace('"mine.all(o, o.who == p.who)"', JSON.stringify(condition)));
    expect(["TYPE_MISMATCH", "FIELD_UNKNOWN"]).toContain(code);
  });

  it("R139: no event, argument, sentence or field holds a row", () => {
    expect(codes(SHOP.replace('ids: "mine.map(o, o.id)"', "ids: mine"))).toEqual(["TYPE_MISMATCH"]);
    expect(codes(SHOP.replace('ids: "mine.map(o, o.id)"', 'ids: "mine[0]"'))).toEqual(["TYPE_MISMATCH"]);
    expect(codes(SHOP.replace('else: "{p.who}"', 'else: "{mine}"'))).toEqual(["SENTENCE_REFERENCE"]);
  });

  it("R139: an imported index is one of the other contract, over the same columns", () => {
    const shop = compileSource(SHOP).contract;
    const found = (source: string) =>
      checkContract(source, () => exportsOf(shop))
        .findings.filter(({ severity }) => severity === "error")
        .map(({ code }) => code);
    expect(found(READER)).toEqual([]);
    expect(found(READER.replaceAll("by_state", "by_stat"))).toEqual([
      "IMPORT_MISMATCH",
      "INDEX_UNKNOWN",
      "NAME_UNKNOWN",
      "NAME_UNKNOWN",
    ]);
    expect(found(READER.replace("by_state: [state]", "by_state: [id]").replace("'open'", "'a'"))).toEqual([
      "IMPORT_MISMATCH",
    ]);
  });
});

describe("sum", () => {
  it("R140: it adds up integers, is 0 for none, and overflow is an error", () => {
    const run = (list: string) => {
      const source = SHOP.replace('sum: "sum(mine.map(o, o.fen))"', `sum: "sum(${list})"`);
      return checkContract(source).findings.filter(({ severity }) => severity === "error").length === 0
        ? new TestChain(genesisWith([{ name: "shop", source }], ACCOUNTS)).run(1, "ann", [
            { contract: "shop", action: "look", args: { who: "bob", state: "open" } },
          ])
        : undefined;
    };
    const sum = (list: string) => run(list)?.events[0]?.fields[2]?.[1];
    expect(sum("[1, -5, 3]")).toBe(-1);
    expect(sum("[9007199254740991, 1]")).toBe(9007199254740992n);
    expect(sum("mine.map(o, o.fen)")).toBe(0);
    expect(run("[9223372036854775807, 1]")?.values[0]).toEqual(["error", "OVERFLOW"]);
    expect(run("['a']")).toBeUndefined();
  });
});
