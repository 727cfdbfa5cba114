// Which contract may take money from which account: findings where it is known, refusals where only a run can tell, and no two contracts at one account.

import { describe, expect, it } from "vitest";
import { accountsOverlap, coversAccount } from "../../../src/contracts/accounts.ts";
import { checkContract } from "../../../src/contracts/check-contract.ts";
import { explainReceipt } from "../../../src/contracts/describe.ts";
import { genesisWith, TestChain } from "./support.ts";

/** A till that pays from where the expression says. */
function till(name: string, accounts: string, from: string): string {
  return `rules: 1
contract: ${name}
title: 收银台
accounts: ${accounts}
tables:
  note: {key: {id: id}, fields: {name: text(20), kind: "enum(escrow,party)"}}
actions:
  pay:
    by: [anyone]
    params: {name: text(40), big: bool, kind: note.kind}
    define: {beginning: "'escrow:' + p.name"}
    do:
      - pay: {from: ${JSON.stringify(from)}, to: '"shop"', amount: 1}
`;
}

const codes = (source: string) =>
  checkContract(source)
    .findings.filter(({ severity }) => severity === "error")
    .map(({ code }) => code);

describe("accounts of a contract", () => {
  it.each([
    ["a literal", '["escrow:", fund]', "'fund'", []],
    ["a literal of somebody else", '["escrow:", fund]', "'funds'", ["ACCOUNT_FOREIGN"]],
    ["a literal beginning", '["escrow:", fund]', "'escrow:' + p.name", []],
    ["another beginning", '["escrow:", fund]', "'party:' + p.name", ["ACCOUNT_FOREIGN"]],
    ["a beginning that is too short to tell", '["escrow:", fund]', "'es' + p.name", []],
    ["a beginning of a whole name", "[fund]", "'fu' + p.name", []],
    ["a whole name is no beginning", "[fund]", "'fund:' + p.name", ["ACCOUNT_FOREIGN"]],
    ["a definition", '["escrow:"]', "beginning", []],
    ["a definition of somebody else", '["party:"]', "beginning", ["ACCOUNT_FOREIGN"]],
    ["one branch of somebody else", '["escrow:"]', "p.big ? beginning : 'party:' + p.name", ["ACCOUNT_FOREIGN"]],
    ["parts in a row", '["escrow:a/"]', "'escrow:' + 'a/' + p.name", []],
    ["parts in a row of somebody else", '["escrow:a/:"]', "'escrow:' + 'b/' + p.name", ["ACCOUNT_FOREIGN"]],
    ["an enum", '["escrow:", "party:"]', "p.kind + ':x'", []],
    ["an enum with a state of somebody else", '["escrow:"]', "p.kind + ':x'", ["ACCOUNT_FOREIGN"]],
    ["only a run can tell", '["escrow:"]', "p.name", []],
    ["no account at all", "[]", "p.name", ["ACCOUNT_FOREIGN"]],
  ])("R120: money is taken from declared accounts only: %s", (_, accounts, from, expected) => {
    expect(codes(till("till", accounts, from))).toEqual(expected);
  });

  it("R120: what only a run can tell is refused with a sentence", () => {
    const chain = new TestChain(
      genesisWith(
        [{ name: "till", source: till("till", '["escrow:", fund, "outside:bank"]', "p.name") }],
        [{ id: "ann", organisation: "property", roles: [] }],
      ),
    );
    const pay = (name: string) =>
      chain.run(1, "ann", [{ contract: "till", action: "pay", args: { name, big: true, kind: "party" } }]);
    expect(pay("outside:bank").status).toBe("ok");
    for (const name of ["fun", "funds", "escrow", "ESCROW:x", "outside:bank2", " escrow:x", ""]) {
      const receipt = pay(name);
      expect([name, receipt.ruleId]).toEqual([name, "till.pay.do[0].account"]);
      expect(receipt.values).toEqual([
        ["from", name],
        ["accounts", ["escrow:", "fund", "outside:bank"]],
      ]);
    }
    expect(pay("escrow:x").ruleId).toBe("till.pay.do[0].balance");
    expect(explainReceipt(chain, pay("party:x"))).toEqual({
      zh: "本合约不得从 party:x 付款, 只可从: escrow:, fund, outside:bank",
      en: "This contract may not pay from party:x, only from: escrow:, fund, outside:bank",
    });
  });

  it("R121: names are texts that an account can have, and fall under one declaration only", () => {
    expect(codes(till("till", `["${"x".repeat(129)}", "a:"]`, "'a:'"))).toEqual(["ACCOUNT_NAME"]);
    expect(codes(till("till", '["a:", "a:b", c]', "'c'"))).toEqual(["ACCOUNT_OVERLAP"]);
    expect(codes(till("till", '["a:b:", "a:"]', "'a:'"))).toEqual(["ACCOUNT_OVERLAP"]);
    expect(codes(till("till", "[c, c]", "'c'"))).toEqual(["ACCOUNT_OVERLAP"]);
    expect(codes(till("till", '["a:", a, "ab:"]', "'a'"))).toEqual([]);
    const many = JSON.stringify(Array.from({ length: 17 }, (_, index) => `n${index}`));
    expect(codes(till("till", many, "'n1'"))).toEqual(["TOO_MANY"]);
    expect(codes(till("till", "all", "'n1'"))).toEqual(["SHAPE", "ACCOUNT_FOREIGN"]);
  });

  it("R122: two contracts never debit one account", () => {
    expect(accountsOverlap(["a:", "b"], ["c", "a:b:c"])).toEqual({ left: "a:", right: "a:b:c" });
    expect(accountsOverlap(["a:b:c:"], ["c", "a:b:"])).toEqual({ left: "a:b:c:", right: "a:b:" });
    expect(accountsOverlap(["a:", "b"], ["a", "b:", "ab:"])).toBeUndefined();
    expect(coversAccount(["a:"], "a:")).toBe(true);
    const contracts = [
      { name: "one", source: till("one", '["escrow:", fund]', "'fund'") },
      { name: "two", source: till("two", '["escrow:a"]', "'escrow:a'") },
    ];
    expect(() => new TestChain(genesisWith(contracts))).toThrow(
      expect.objectContaining({
        code: "GENESIS_ACCOUNTS_OVERLAP",
        data: { contract: "two", account: "escrow:a", other: "one", others: "escrow:" },
      }),
    );
    const chain = new TestChain(
      genesisWith(contracts.slice(0, 1), [{ id: "root", organisation: "government", roles: ["admin"] }]),
    );
    const deploy = (name: string, source: string) =>
      chain.run(1, "root", [{ contract: "governance", action: "deploy", args: { name, source } }]);
    const receipt = deploy("two", contracts[1]!.source);
    expect(receipt.ruleId).toBe("governance.accounts");
    expect(explainReceipt(chain, receipt).zh).toBe("合约 two 的付款账户 escrow:a 与合约 one 的 escrow: 重叠");
    expect(deploy("two", till("two", '["escrow2:"]', "'escrow2:a'")).status).toBe("ok");
    expect(deploy("one", till("one", '["escrow2:"]', "'escrow2:a'")).ruleId).toBe("governance.accounts");
    expect(deploy("one", till("one", '["fund"]', "'fund'")).status).toBe("ok");
    expect(deploy("two", contracts[1]!.source).status).toBe("ok");
  });
});
