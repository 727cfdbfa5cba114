// The day's plan and what must come of it, against figures worked out by hand and against the law's inequalities.
// Never asks a ledger: that the ledger agrees is what the devnet's own summary and the end-to-end tests show.

import { describe, expect, test } from "vitest";
import { generateCommunity } from "../../../src/node/devnet/community.ts";
import { expectedMoney, expectedTally, generalMatter, grouped } from "../../../src/node/devnet/expected.ts";
import {
  billingPeriod,
  choiceOf,
  daysOf,
  failingDevices,
  feeOf,
  payingUnits,
  priceOf,
  telemetryRounds,
} from "../../../src/node/devnet/plan.ts";
import { percentile } from "../../../src/node/devnet/sender.ts";
import { tallyLines, yuan } from "../../../src/node/devnet/summary-text.ts";

const community = generateCommunity({ seed: 1 });
const tally = expectedTally(community);

describe("plan", () => {
  test("every head has a choice, always the same, and each choice occurs", () => {
    const choices = community.heads.map(({ id }) => choiceOf(id));
    expect(choices).toEqual(community.heads.map(({ id }) => choiceOf(id)));
    expect(new Set(choices)).toEqual(new Set(["for", "against", "abstain"]));
  });

  test("85% of the units pay, each its whole bill", () => {
    const paying = payingUnits(community);
    expect(paying).toHaveLength(1_020);
    expect(new Set(paying.map(({ id }) => id)).size).toBe(1_020);
  });

  test("24 devices fail once each: 16 by a code, 8 by three readings above the limit in a row", () => {
    const rounds = telemetryRounds(community, 0, (building) => building);
    const reported = rounds.flat().flatMap((batch) => batch.reported);
    const byDevice = Map.groupBy(reported, ({ device }) => device);
    expect(new Set(byDevice.keys())).toEqual(new Set(failingDevices(community).map(({ id }) => id)));
    const coded = [...byDevice.values()].filter(([first]) => first !== undefined && first.code > 0);
    expect([byDevice.size, coded.length, reported.length]).toEqual([24, 16, 40]);
    for (const readings of byDevice.values()) {
      expect(readings.map(({ counter }) => counter)).toEqual(readings.map((_, index) => index + 1));
    }
  });

  test("batches of a gateway follow each other without gap or overlap", () => {
    const rounds = telemetryRounds(community, 1_000, (building) => building);
    const first = rounds.map((round) => round[0]);
    expect(first.map((batch) => [batch?.sequence, batch?.fromMs, batch?.untilMs])).toEqual(
      first.map((_, index) => [index + 1, 1_000 + index * 600_000, 1_000 + (index + 1) * 600_000]),
    );
  });

  test("under warranty nothing is charged, and no price exceeds the contract's cap", () => {
    for (const { id } of community.devices) {
      expect(priceOf(id, true)).toBe(0);
      expect(priceOf(id, false)).toBeGreaterThan(0);
      expect(priceOf(id, false)).toBeLessThanOrEqual(500_000);
    }
  });

  test("the month of bills is that of UTC+8", () => {
    expect(billingPeriod(Date.parse("2026-11-30T15:59:59.999Z"))).toBe(202_611);
    expect(billingPeriod(Date.parse("2026-11-30T16:00:00.000Z"))).toBe(202_612);
    expect([202_602, 202_802, 202_611, 202_612].map(daysOf)).toEqual([28, 29, 30, 31]);
  });
});

describe("what must come of it", () => {
  test("the roll has 1,138 heads with all of the area, and all of them vote", () => {
    expect(tally.roll).toEqual({ heads: 1_138, area: 1_243_077_600 });
    expect(tally.cast).toEqual(tally.roll);
    expect(tally.consenting.heads + tally.against.heads).toBeLessThan(1_138);
  });

  test("a month of bills is 29,377,692 fen, and single fees round half up", () => {
    const reported = new Map<string, number>();
    expect(expectedMoney(community, reported).billsFen).toBe(29_377_692);
    const fees = new Set(community.units.map((unit) => `${unit.areaCm2}:${feeOf(unit, community)}`));
    expect([...fees].sort()).toEqual(
      ["1120500:26332", "1386600:32585", "1764000:41454", "562300:26990", "685200:16102", "893700:21002"].sort(),
    );
  });

  test("a device costs nothing up to the last ms of its warranty, and its price from then on", () => {
    const [device] = failingDevices(community);
    const end = Date.parse(`${device?.warrantyUntil}T23:59:59.999+08:00`);
    const at = (ms: number) => expectedMoney(community, new Map([[device?.id ?? "", ms]])).repairsFen;
    expect(at(end + 1) - at(end)).toBe(priceOf(device?.id ?? "", false));
  });

  test.each([
    ["exact quorum and one more than half", 759, 828_718_400, 380, 414_359_201, [true, true, true, true]],
    ["100 cm2 short of the quorum", 759, 828_718_300, 759, 828_718_300, [false, true, true, true]],
    ["758 heads", 758, 828_718_400, 758, 828_718_400, [true, false, true, true]],
    ["exactly half", 1_000, 1_000_000_000, 500, 500_000_000, [true, true, false, false]],
    ["area consents, heads do not", 1_000, 1_000_000_000, 500, 500_000_001, [true, true, true, false]],
  ])("art. 278, general matter: %s", (_, heads, area, forHeads, forArea, holds) => {
    const given = {
      ...tally,
      cast: { heads, area },
      consenting: { heads: forHeads, area: forArea },
    };
    expect(generalMatter(given).map((inequality) => inequality.holds)).toEqual(holds);
  });
});

describe("words", () => {
  test("figures are grouped by thousands, money has two decimals", () => {
    expect([grouped(0), grouped(999), grouped(1_000), grouped(1_243_077_600)]).toEqual([
      "0",
      "999",
      "1,000",
      "1,243,077,600",
    ]);
    expect([yuan(29_377_692), yuan(-5), yuan(0)]).toEqual(["¥293,776.92", "-¥0.05", "¥0.00"]);
  });

  test("a failed inequality is marked, and the result says so", () => {
    const lines = tallyLines(tally, [{ name: "quorum_area", text: "3 × 1 ≥ 2 × 2", holds: false }]).join("\n");
    expect(lines).toContain("✗ 3 × 1 ≥ 2 × 2");
    expect(lines).toContain("Result: not carried");
  });

  test("percentiles are samples, by the nearest rank", () => {
    const samples = [5, 1, 4, 2, 3];
    expect([percentile(samples, 50), percentile(samples, 99), percentile([], 50)]).toEqual([3, 5, 0]);
  });
});
