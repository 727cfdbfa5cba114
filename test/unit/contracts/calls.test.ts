// Calls from one contract to another: who may call, what the callee sees, one outcome for all, and what deployment refuses.

import { beforeEach, describe, expect, it } from "vitest";
import { checkContract } from "../../../src/contracts/check-contract.ts";
import { decodeRow, explainReceipt, rowKey } from "../../../src/contracts/describe.ts";
import { compileSource } from "../../../src/contracts/engine.ts";
import { GAS } from "../../../src/contracts/gas.ts";
import { runAuthorTests } from "../../../src/contracts/test-runner.ts";
import type { Value } from "../../../src/ledger/codec.ts";
import type { Receipt } from "../../../src/ledger/types.ts";
import { genesisWith, newOverlay, TestChain } from "./support.ts";

const BOOK = `rules: 1
contract: book
title: 账本
settings: {cap: 100}
tables:
  line:
    key: {who: id}
    fields: {sum: int, by: id, org: id, from: id}
    always: [sum < 1000]
actions:
  add:
    by: ["contract:shop", clerk]
    params: {who: id, sum: int}
    read: {l?: "line[p.who]"}
    require:
      - {if: p.sum <= settings.cap, else: {zh: "{p.sum} 超过 {settings.cap}", en: "{p.sum} is above {settings.cap}"}}
    do:
      - when: l == null
        insert: line
        row: {who: p.who, sum: p.sum, by: caller.id, org: caller.org, from: caller.contract}
      - when: l != null
        update: l
        set: {sum: l.sum + p.sum, from: caller.contract}
      - emit: {added: {who: p.who, sum: p.sum, roles: caller.roles, with: cosigners}}
  wipe:
    by: [clerk]
    params: {who: id}
    read: {l: "line[p.who]"}
    do:
      - delete: l
`;
const SHOP = `rules: 1
contract: shop
title: 商店
imports:
  book:
    line: {key: [who], fields: {sum: int}}
    actions: {add: {sum: int, who: id}}
accounts: ["outside:"]
tables:
  sale: {key: {who: id}, fields: {n: count}}
actions:
  buy:
    by: [anyone, timer]
    params: {who: id, sum: int, twice: bool}
    read: {l?: "book.line[p.who]"}
    do:
      - pay: {from: '"outside:bank"', to: '"till"', amount: 5}
      - call: book.add
        with: {who: p.who, sum: p.sum}
      - insert: sale
        row: {who: p.who, n: "l == null ? 0 : l.sum"}
      - call: book.add
        with: {sum: p.sum + 1, who: p.who}
        when: p.twice
      - emit: {bought: {seen: "l == null ? 0 : l.sum"}}
  buy_later:
    by: [anyone]
    params: {who: id}
    do:
      - timer: {key: p.who, at: now + 5, run: buy, with: {who: p.who, sum: '1', twice: "false"}}
`;

const ACCOUNTS = [
  { id: "root", organisation: "government", roles: ["admin"] },
  { id: "ann", organisation: "property", roles: ["clerk", "contract:shop"] },
  { id: "bob", organisation: "street", roles: ["contract:shop"] },
];

let chain: TestChain;
beforeEach(() => {
  chain = new TestChain(
    genesisWith(
      [
        { name: "book", source: BOOK },
        { name: "shop", source: SHOP },
      ],
      ACCOUNTS,
    ),
  );
});

const run = (who: string | readonly string[], path: string, args: Readonly<Record<string, Value>>): Receipt => {
  const [contract = "", action = ""] = path.split(".");
  return chain.run(1, who, [{ contract, action, args }]);
};
const deploy = (name: string, source: string) => run("root", "governance.deploy", { name, source });
const buy = (sum: number, twice = false) => run("bob", "shop.buy", { who: "x", sum, twice });
const outcome = ({ status, ruleId }: Receipt) => [status, ruleId];

function row(contract: string, table: string, ...key: readonly Value[]) {
  const stateKey = rowKey(chain, contract, table, key);
  const entry = stateKey.ok ? chain.get(stateKey.value) : undefined;
  return entry && stateKey.ok
    ? Object.fromEntries(decodeRow(chain, { contract, table, key: stateKey.value, entry }).fields)
    : undefined;
}

const errors = (source: string) =>
  checkContract(source, (name) => {
    const callee = name === "book" ? compileSource(BOOK).contract : undefined;
    return (
      callee && {
        tables: new Map([...callee.tables].map(([key, { layout }]) => [key, layout])),
        actions: callee.actions,
      }
    );
  })
    .findings.filter(({ severity }) => severity === "error")
    .map(({ code }) => code);

describe("a call", () => {
  it("R123: the callee sees the signer and which contract calls; everything happens together", () => {
    const receipt = run(["bob", "ann"], "shop.buy", { who: "x", sum: 7, twice: false });
    expect(outcome(receipt)).toEqual(["ok", ""]);
    expect(row("book", "line", "x")).toEqual({ sum: 7, by: "bob", org: "street", from: "shop" });
    expect(receipt.events).toEqual([
      {
        contract: "book",
        name: "added",
        fields: [
          ["who", "x"],
          ["sum", 7],
          ["roles", ["anyone"]],
          ["with", ["ann"]],
        ],
      },
      { contract: "shop", name: "bought", fields: [["seen", 0]] },
    ]);
    expect(outcome(run("ann", "book.add", { who: "y", sum: 1 }))).toEqual(["ok", ""]);
    expect(row("book", "line", "y")?.from).toBe("");
  });

  it("R123: a timer's action calls as one of no account", () => {
    run("bob", "shop.buy_later", { who: "z" });
    const [timer] = chain.block(9, []).receipts;
    expect(timer && outcome(timer)).toEqual(["ok", ""]);
    expect(row("book", "line", "z")).toEqual({ sum: 1, by: "", org: "", from: "shop" });
  });

  it("R124: nobody holds the role of a contract, and a contract has none of its signer's roles", () => {
    expect(outcome(run("bob", "book.add", { who: "x", sum: 1 }))).toEqual(["unauthorised", "book.add.by"]);
    const thief = SHOP.replace("contract: shop", "contract: thief")
      .replace('accounts: ["outside:"]\n', "")
      .replace(/ {6}- pay.*\n/, "");
    // Ann is a clerk, and clerks may add: the contract that she signs for may not.
    const receipt = deploy("thief", thief);
    expect(receipt.ruleId).toBe("governance.deploy.do[0].document");
    expect(receipt.values[1]?.[1]).toContain("CALL_NOT_ALLOWED: by of book.add does not name contract:thief");
    expect(errors(SHOP.replace("book.add\n", "book.wipe\n"))).toContain("ACTION_UNKNOWN");
    expect(errors(SHOP.replace("{add: {sum: int, who: id}}", "{add: {sum: int, who: id}, wipe: {who: id}}"))).toEqual([
      "CALL_NOT_ALLOWED",
    ]);
    const outcomes = runAuthorTests({
      tests: `- test: the callee refuses another contract
  when:
    - {at: 1, as: "clerk+contract:thief/ann", do: add, with: {who: x, sum: 1}, refused: add.by}
    - {at: 1, as: "contract:shop/ann", do: add, with: {who: x, sum: 1}}
  then: {line: [{who: x, from: shop}]}
`,
      sources: [BOOK],
      newOverlay,
    });
    expect(outcomes.map(({ problem }) => problem)).toEqual([undefined]);
  });

  it("R125: a refusal of the callee refuses all, and its rule, values and sentence reach the receipt", () => {
    const receipt = buy(101);
    expect(outcome(receipt)).toEqual(["refused", "book.add.require[0]"]);
    expect(receipt.values).toEqual([
      ["p.sum", 101],
      ["settings.cap", 100],
    ]);
    expect(explainReceipt(chain, receipt)).toEqual({ zh: "101 超过 100", en: "101 is above 100" });
    // The second call is refused: the first one, the payment and the sale are undone.
    expect(outcome(buy(100, true))).toEqual(["refused", "book.add.require[0]"]);
    expect([row("book", "line", "x"), row("shop", "sale", "x"), row("ledger", "money", "till")]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    for (let index = 0; index < 9; index += 1) run("ann", "book.add", { who: "x", sum: 100 });
    expect(outcome(buy(100))).toEqual(["refused", "book.line.always[0]"]);
  });

  it("R126: calls are whole actions in the order of do; rows that were read stay as they were read", () => {
    run("ann", "book.add", { who: "x", sum: 50 });
    const receipt = buy(7, true);
    expect(outcome(receipt)).toEqual(["ok", ""]);
    expect(row("book", "line", "x")?.sum).toBe(65);
    expect(row("shop", "sale", "x")?.n).toBe(50);
    expect(receipt.events.map(({ name }) => name)).toEqual(["added", "added", "bought"]);
    expect(receipt.events.at(-1)?.fields).toEqual([["seen", 50]]);
  });

  it("R127: gas is shared, and the worst case holds that of the callee", () => {
    const book = compileSource(BOOK).contract;
    const shop = compileSource(SHOP, (name) =>
      name === "book" && book
        ? { tables: new Map([...book.tables].map(([key, { layout }]) => [key, layout])), actions: book.actions }
        : undefined,
    ).contract;
    const callee = book?.actions.get("add");
    const caller = shop?.actions.get("buy");
    const alone = compileSource(SHOP).contract?.actions.get("buy");
    for (const dimension of ["reads", "writes", "events", "eventBytes"] as const)
      expect((caller?.usageMax[dimension] ?? 0) - (alone?.usageMax[dimension] ?? 0)).toBe(
        2 * (callee?.usageMax[dimension] ?? -1),
      );
    expect(caller?.usageMax.units).toBeGreaterThan(2 * (callee?.usageMax.units ?? 0));
    const direct = run("ann", "book.add", { who: "x", sum: 1 }).gas - GAS.signer;
    const once = run("bob", "shop.buy", { who: "y", sum: 1, twice: false });
    expect(once.gas).toBeGreaterThan(direct);
    const { gas } = run("bob", "shop.buy", { who: "z", sum: 1, twice: true });
    expect(gas).toBeGreaterThan(once.gas + direct / 2);
    expect(gas).toBeGreaterThan(2 * 1150);
    expect(gas).toBeLessThanOrEqual((caller?.usageMax.units ?? 0) + 150);
    const limited = chain.run(
      1,
      "bob",
      [{ contract: "shop", action: "buy", args: { who: "w", sum: 1, twice: true } }],
      gas - 300,
    );
    expect([outcome(limited), limited.gas]).toEqual([["out_of_gas", "transaction.gas"], gas - 300]);
    expect(row("book", "line", "w")).toBeUndefined();
  });
});

describe("the check of calls", () => {
  it.each<readonly [string, string, string, readonly string[]]>([
    [
      "an action that is not imported",
      "call: book.add\n        with: {who",
      "call: book.sub\n        with: {who",
      ["ACTION_UNKNOWN"],
    ],
    [
      "an action without contract",
      "call: book.add\n        with: {who",
      "call: add\n        with: {who",
      ["ACTION_UNKNOWN"],
    ],
    ["an own action", "call: book.add\n        with: {who", "call: shop.buy\n        with: {who", ["ACTION_UNKNOWN"]],
    ["an action that the other one lacks", "actions: {add:", "actions: {ad: {}, add:", ["ACTION_UNKNOWN"]],
    ["other parameters", "{sum: int, who: id}", "{sum: int, who: text(9)}", ["IMPORT_MISMATCH"]],
    [
      "a parameter too many",
      "{sum: int, who: id}",
      "{sum: int, who: id, x: int}",
      ["IMPORT_MISMATCH", "ARGUMENT_MISSING", "ARGUMENT_MISSING"],
    ],
    ["a missing argument", "with: {who: p.who, sum: p.sum}", "with: {who: p.who}", ["ARGUMENT_MISSING"]],
    [
      "an unknown argument",
      "with: {who: p.who, sum: p.sum}",
      "with: {who: p.who, sum: p.sum, x: '1'}",
      ["ARGUMENT_UNKNOWN"],
    ],
    [
      "an argument of another type",
      "with: {who: p.who, sum: p.sum}",
      "with: {who: p.sum, sum: p.sum}",
      ["TYPE_MISMATCH"],
    ],
    ["no arguments at all", "        with: {who: p.who, sum: p.sum}\n", "", ["ARGUMENT_MISSING"]],
    ["itself", "  book:\n", "  shop: {actions: {buy: {}}}\n  book:\n", ["IMPORT_SELF"]],
    ["its own table", "  book:\n", "  shop: {sale: {key: [who], fields: {n: int}}}\n  book:\n", ["IMPORT_SELF"]],
    ["a role of no contract", "by: [anyone, timer]", 'by: ["contract:"]', ["ROLE_CONTRACT", "TIMER_NOT_ALLOWED"]],
    ["a role of itself", "by: [anyone, timer]", 'by: [timer, "contract:shop"]', ["ROLE_CONTRACT"]],
  ])("R128: a wrong call is found: %s", (_, from, to, expected) => {
    expect(SHOP).toContain(from);
    expect(errors(SHOP.replace(from, to))).toEqual(expected);
  });

  it("R128: a contract that is not at hand is believed", () => {
    expect(checkContract(SHOP).findings.filter(({ severity }) => severity === "error")).toEqual([]);
  });
});

describe("deployment of contracts that call", () => {
  const link = (name: string, next: string | undefined, by: string) => `rules: 1
contract: ${name}
title: ${name}
${next === undefined ? "" : `imports: {${next}: {actions: {go: {}}}}\n`}actions:
  go:
    by: [${by}]
    do: ${next === undefined ? "[emit: {end: {n: '1'}}]" : `[call: ${next}.go]`}
`;

  it("R129: calls are never circular, and at most four contracts deep", () => {
    const names = ["c0", "c1", "c2", "c3", "c4", "c5"];
    for (const [index, name] of names.entries()) {
      const receipt = deploy(name, link(name, names[index - 1], `"contract:${names[index + 1] ?? "x"}", anyone`));
      expect([name, receipt.status]).toEqual([name, index < 5 ? "ok" : "refused"]);
      if (index === 5) expect(receipt.values[1]?.[1]).toContain("CALL_TOO_DEEP");
    }
    expect(run("bob", "c4.go", {}).events).toEqual([{ contract: "c0", name: "end", fields: [["n", 1]] }]);
    const circle = deploy("c0", link("c0", "c2", '"contract:c1", "contract:c2", anyone'));
    expect(circle.status).toBe("refused");
    expect(outcome(deploy("c1", link("c1", "c1", "anyone")))).toEqual(["refused", "governance.deploy.do[0].document"]);
    expect(run("bob", "c4.go", {}).status).toBe("ok");
  });

  it("R130: an upgrade that a dependant does not survive is refused with its name", () => {
    const refusals = [
      BOOK.replace("params: {who: id, sum: int}", "params: {who: id, sum: count}"),
      BOOK.replace("  add:\n", "  put:\n"),
      BOOK.replace('"contract:shop", clerk', "clerk"),
    ].map((source) => deploy("book", source));
    for (const receipt of refusals) {
      expect(outcome(receipt)).toEqual(["refused", "governance.dependants"]);
      expect(receipt.values[0]).toEqual(["dependant", "shop"]);
      expect(explainReceipt(chain, receipt).zh).toContain("合约 shop 依赖于此");
    }
    const costly = BOOK.replace(
      "      - emit: {added",
      `      - when: "${"[1,2,3,4,5,6,7,8,9].all(a, ".repeat(6)}a > 0${")".repeat(6)}"\n        emit: {costly: {n: '1'}}\n      - emit: {added`,
    );
    expect(compileSource(costly).contract?.actions.get("add")?.usageMax.units).toBeGreaterThan(2_500_000);
    const receipt = deploy("book", costly);
    expect(outcome(receipt)).toEqual(["refused", "governance.dependants"]);
    expect(receipt.values.at(-1)?.[1]).toContain("GAS_TOO_HIGH");
    expect(outcome(deploy("book", BOOK.replace("cap: 100", "cap: 200")))).toEqual(["ok", ""]);
    expect(outcome(buy(150))).toEqual(["ok", ""]);
  });

  it("R130: what a dependant's dependant needs counts too, and an old compilation is not believed", () => {
    expect(deploy("c0", link("c0", undefined, '"contract:c1", anyone')).status).toBe("ok");
    expect(deploy("c1", link("c1", "c0", '"contract:c2"')).status).toBe("ok");
    const twice = link("c2", "c1", "anyone").replace("[call: c1.go]", "[call: c1.go, call: c1.go]");
    expect(deploy("c2", twice).status).toBe("ok");
    const costly = (rounds: number) =>
      link("c0", undefined, '"contract:c1", anyone').replace(
        "[emit: ",
        `[{when: "${"[1,2,3,4,5,6,7,8,9].all(a, ".repeat(rounds)}a > 0${")".repeat(rounds)}", emit: {x: {n: '1'}}}, emit: `,
      );
    expect(deploy("c0", costly(5)).status).toBe("ok");
    const receipt = deploy("c0", costly(6));
    expect(outcome(receipt)).toEqual(["refused", "governance.dependants"]);
    expect(receipt.values[0]).toEqual(["dependant", "c2"]);
  });
});
