// What a run may use beside steps: limits of transactions and blocks in every dimension, and the worst case that is stated before.

import { describe, expect, it } from "vitest";
import { explain } from "../../../src/contracts/explain.ts";
import { BLOCK_LIMITS, type LIMITED, TRANSACTION_LIMITS } from "../../../src/contracts/usage.ts";
import type { Value } from "../../../src/ledger/codec.ts";
import type { Receipt } from "../../../src/ledger/types.ts";
import { document, genesisWith, TestChain, transaction } from "./support.ts";

const GAS = 90_000_000;
const ANN = "ann";
const NOTE = "n".repeat(120_000);

const hoard = (action: string, args: Readonly<Record<string, Value>> = {}) => ({ contract: "hoard", action, args });
const outcome = ({ status, ruleId }: Receipt) => [status, ruleId];

function newChain(): TestChain {
  const chain = new TestChain(
    genesisWith(
      [{ name: "hoard", source: document("hoard.yaml") }],
      [{ id: ANN, organisation: "property", roles: ["clerk"] }],
    ),
  );
  expect(outcome(chain.run(1, ANN, [hoard("put", { id: "big", note: NOTE })]))).toEqual(["ok", ""]);
  return chain;
}

const many = (count: number, call: (index: number) => ReturnType<typeof hoard>) =>
  Array.from({ length: count }, (_, index) => call(index));

describe("limits of a transaction", () => {
  it.each<readonly [(typeof LIMITED)[number], number, (index: number) => ReturnType<typeof hoard>]>([
    // 32 rows that are looked for, and two balances of each of 12 payments.
    ["reads", Math.floor(TRANSACTION_LIMITS.reads / 56), (index) => hoard("search", { id: `s${index}` })],
    ["bytesRead", Math.floor(TRANSACTION_LIMITS.bytesRead / 120_005), () => hoard("look", { id: "big" })],
    ["writes", Math.floor(TRANSACTION_LIMITS.writes / 24), () => hoard("pay")],
    [
      "bytesWritten",
      Math.floor(TRANSACTION_LIMITS.bytesWritten / 120_030),
      (index) => hoard("put", { id: `w${index}`, note: NOTE }),
    ],
    ["events", Math.floor(TRANSACTION_LIMITS.events / 20), () => hoard("babble")],
    ["eventBytes", Math.floor(TRANSACTION_LIMITS.eventBytes / 8000), () => hoard("say", { note: "x".repeat(8000) })],
  ])("R150: %s: %i calls fit, one more is refused, undone, and told in both languages", (dimension, count, call) => {
    const chain = newChain();
    const before = [...chain.rows.keys()];
    const refused = chain.run(2, ANN, many(count + 1, call), GAS);
    expect(outcome(refused)).toEqual(["refused", `transaction.${dimension}`]);
    const values = new Map(refused.values);
    expect(values.get("allowed")).toBe(TRANSACTION_LIMITS[dimension]);
    expect(values.get("needed")).toBeGreaterThan(TRANSACTION_LIMITS[dimension]);
    expect([refused.events, refused.writes]).toEqual([[], []]);
    expect([...chain.rows.keys()]).toEqual(before);
    expect(refused.gas).toBeLessThan(GAS / 10);
    const { zh, en } = explain(refused, () => undefined);
    expect([zh, en].every((said) => said.includes(String(TRANSACTION_LIMITS[dimension])))).toBe(true);
    expect(outcome(chain.run(3, ANN, many(count, call), GAS))).toEqual(["ok", ""]);
  });
});

describe("limits of a block", () => {
  it("R151: a transaction that could need more than the block has left is not run", () => {
    const chain = newChain();
    const each = 8 * 120_000;
    const full = Math.ceil((BLOCK_LIMITS.bytesWritten - TRANSACTION_LIMITS.bytesWritten) / each);
    const transactions = Array.from({ length: full + 2 }, (_, index) =>
      transaction(ANN, [hoard("spread", { id: `b${index}-` })], 2_500_000),
    );
    const { receipts } = chain.block(2, transactions);
    const refused = receipts.filter(({ status }) => status !== "ok");
    expect(refused.map(outcome)).toEqual(refused.map(() => ["out_of_gas", "block.bytesWritten"]));
    expect([receipts.indexOf(refused[0]!), refused.length, refused[0]?.gas]).toEqual([full, 2, 0]);
    expect(explain(refused[0]!, () => undefined).zh).toContain(String(BLOCK_LIMITS.bytesWritten));
    expect(outcome(chain.run(3, ANN, [hoard("spread", { id: "again" })], 2_500_000))).toEqual(["ok", ""]);
  });

  it("R152: timers that the block's share has no room for stay due", () => {
    const chain = newChain();
    chain.limits = { timerGasMax: 2_500_000 };
    const share = Math.ceil((BLOCK_LIMITS.bytesWritten / 2 - TRANSACTION_LIMITS.bytesWritten) / (8 * 120_000));
    for (let index = 0; index < share + 3; index += 1) chain.run(2, ANN, [hoard("later", { id: `t${index}-` })]);
    const { receipts } = chain.block(50, [transaction(ANN, [hoard("look", { id: "big" })])]);
    expect(receipts.map(outcome)).toEqual(Array.from({ length: share + 1 }, () => ["ok", ""]));
    expect(chain.due(50).length).toBe(3);
    expect(chain.block(51, []).receipts.map(outcome)).toEqual([
      ["ok", ""],
      ["ok", ""],
      ["ok", ""],
    ]);
  });
});
