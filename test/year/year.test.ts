// A few days of the synthetic year through four real processes, and the books that it is compared with.

import { describe, expect, it } from "vitest";
import { generateCommunity } from "../../src/node/devnet/community.ts";
import { FeeBooks, monthFen } from "./books/fees.ts";
import { outcomeOf, tallyOf } from "./books/tally.ts";
import { Checks } from "./checks.ts";
import { DAY_MS } from "./days.ts";
import { runYear } from "./run.ts";

describe("the synthetic year", () => {
  it("L271: after some days of a community every row that is checked is what the independent books say", async () => {
    const outcome = await runYear(
      { days: 2, seed: 7, buildings: 1 },
      { progress: () => undefined, onNetwork: () => undefined, onFailure: console.error },
    );
    expect(outcome.differences).toEqual([]);
    expect(outcome.transactions).toBeGreaterThan(300);
    expect(outcome.checks).toBeGreaterThan(2_000);
    expect(outcome.provedRows).toBeGreaterThan(300);
  }, 400_000);

  it("L272: a figure that differs is told with both values, and a row that is not there differs in every field", () => {
    const checks = new Checks();
    checks.begin("fees");
    checks.row("bill", { fen: 100, state: "paid" }, { fen: 101, state: "paid" });
    checks.row("bill", { fen: 100, state: "paid" }, undefined);
    checks.moment("due", 1_000_000, 999_999);
    checks.moment("due", 1_000_000, 1_000_003);
    expect(checks.made).toBe(6);
    expect(checks.differences.map((line) => line.split(":")[1]?.trim())).toEqual([
      "bill fen",
      "bill fen",
      "bill state",
      "due",
    ]);
  });

  it("L273: the books of fees and votes say what the domain's figures say", () => {
    const { units } = generateCommunity({ seed: 1 });
    const rates = { home: 2_350, shop: 4_800 };
    expect(units.reduce((sum, { areaCm2, use }) => sum + monthFen(areaCm2, rates[use]), 0)).toBe(29_377_692);
    // Quorum in the middle of the area: exact, and 100 cm2 less.
    const roll = new Map([
      ["a", 828_718_400],
      ["b", 414_359_200],
    ]);
    const three = new Map([...roll, ["c", 100] as const]);
    expect(outcomeOf(tallyOf(roll, new Map([["a", "for"]])), false)).toBe("quorum_heads");
    expect(
      outcomeOf(
        tallyOf(
          three,
          new Map([
            ["a", "for"],
            ["c", "for"],
          ]),
        ),
        false,
      ),
    ).toBe("carried");
    expect(
      outcomeOf(
        tallyOf(
          three,
          new Map([
            ["b", "for"],
            ["c", "for"],
          ]),
        ),
        false,
      ),
    ).toBe("quorum_area");
  });

  it("L274: the oldest bill is settled first, principal before late fees, and interest is simple and capped", () => {
    const books = new FeeBooks();
    const bill = { unit: "u", head: "h", firstDay: 1, lastDay: 30, daysInMonth: 30, rateLi: 1_000, areaCm2: 1_000_000 };
    books.issue({ ...bill, period: 202701, dayPpm: 500 }, 0);
    books.issue({ ...bill, period: 202702, dayPpm: 500 }, 0);
    // 10,000 fen each; forty days late: 2 percent of what was open.
    books.pay("u", "h", 15_000, 70 * DAY_MS);
    const [first, second] = books.bills;
    expect([first?.paid, first?.late, second?.paid, second?.late]).toEqual([10_000, 200, 5_000, 200]);
    books.pay("u", "h", 6_000, 1_070 * DAY_MS);
    expect([second?.paid, second?.late]).toEqual([10_000, 2_700]);
    const balance = books.balanceOf("u", "h");
    expect([balance.late, balance.latePaid, balance.credit]).toEqual([2_900, 1_000, 0]);
  });
});
