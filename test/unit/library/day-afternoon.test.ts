// The devnet's afternoon over a ledger in memory: services, accounts, supervision, what must be refused, and what is shown of it.
// Time passes only while the day waits for it; the contracts are the real ones, and so is the summary.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toHex } from "../../../src/ledger/hash.ts";
import { ATTEMPT_NAMES, ATTEMPTS, Attempts, DIMENSIONS } from "../../../src/node/devnet/attempts.ts";
import type { DayContext } from "../../../src/node/devnet/day.ts";
import { awaitOverdue, closeMonth, disclose, keepBooks, setDuties } from "../../../src/node/devnet/day-accounts.ts";
import { servePackages } from "../../../src/node/devnet/day-packages.ts";
import { registerCommunity } from "../../../src/node/devnet/day-registration.ts";
import { askDirectory, openDirectory } from "../../../src/node/devnet/day-services.ts";
import { decideInspection, inspect, scoreAlert } from "../../../src/node/devnet/day-supervision.ts";
import { billAndCollect, repairDevices, reportTelemetry } from "../../../src/node/devnet/day-work.ts";
import { expectedMoney } from "../../../src/node/devnet/expected.ts";
import { AFTERNOON_CONTRACTS, GENESIS_CONTRACTS, MORNING_CONTRACTS } from "../../../src/node/devnet/library.ts";
import { plannedPackages } from "../../../src/node/devnet/plan-services.ts";
import type { Steps } from "../../../src/node/devnet/steps.ts";
import { type DimensionSource, showDimensions } from "../../../src/node/devnet/summary-dimensions.ts";
import { type DayLedger, openDay, smallCommunity } from "./day-ledger.ts";
import { compileLibrary } from "./library-ledger.ts";

const CONTRACTS = compileLibrary([...GENESIS_CONTRACTS, ...MORNING_CONTRACTS, ...AFTERNOON_CONTRACTS]);
/** Tried during the vote, which has tests of its own. */
const OF_THE_VOTE = ["second-ballot", "early-key"];

/** What a row could say otherwise, and whose line of the summary has to show it. */
const WRONG = [
  ["Residents", "home-service.bundle", { paid_back: 1 }],
  ["Services", "home-service.order", { refunded: 1 }],
  ["Services", "service-rating.standing", { score_bp: 9_999 }],
  ["Services", "service-rating.rating", { stars: 1 }],
  ["Services", "service-directory.match", { scores: [1, 2] }],
  ["Property", "finance.turnover", { debit: 1 }],
  ["Property", "finance.period", { approved_count: 9 }],
  ["Property", "finance.entry", { approved_by: "pm-finance", posted_by: "pm-finance" }],
  ["Supervision", "supervision.subject", { score: 100 }],
  ["Supervision", "supervision.item", { decided_by: "regulator" }],
  ["Supervision", "disclosure.publication", { late: false }],
] as const;

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "linli-day-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

let days = 0;

async function begin() {
  days += 1;
  return openDay(CONTRACTS, join(directory, `attempts-${days}.json`));
}

async function playAfternoon({ context, steps }: { context: DayContext; steps: Steps }): Promise<void> {
  await registerCommunity(context, steps);
  await setDuties(context, steps);
  await Promise.all([billAndCollect(context, steps), reportTelemetry(context, steps)]);
  await repairDevices(context, steps);
  await keepBooks(context, steps);
  await closeMonth(context, steps);
  await disclose(context, steps);
  await inspect(context, steps);
  await openDirectory(context, steps);
  await askDirectory(context, steps);
  await servePackages(context, steps);
  await decideInspection(context, steps);
  await awaitOverdue(context, steps);
  await scoreAlert(context, steps);
}

/** The vote itself is not played here: of its refusals the second ballot stands for both. */
async function shown(ledger: DayLedger, context: DayContext) {
  const reported = ledger.memory.rows("device-repair.order").map(({ device, reported }) => [device, reported] as const);
  const money = expectedMoney(context.community, new Map(reported.map(([device, at]) => [String(device), Number(at)])));
  const source: DimensionSource = {
    community: context.community,
    genesisTimeMs: context.genesis.timeMs,
    motion: "none",
    reader: ledger.reader,
    answerTo: async (name) => {
      if (name === "second-ballot") return ledger.refusedBy(ATTEMPTS[name].rules[0]);
      const txId = context.attempts.transactions.get(name);
      return txId && ledger.answers.get(toHex(txId));
    },
  };
  return showDimensions(source, money);
}

describe("afternoon", () => {
  test("D127: services, accounts and supervision are what the plan and the law say, and all that was tried is refused", async () => {
    const day = await begin();
    await playAfternoon(day);
    const { ok, facts, lines } = await shown(day.ledger, day.context);
    expect(lines.filter((line) => line.includes("!") || line.includes("✗"))).toEqual([]);
    expect(ok).toBe(true);
    expect(facts.residents).toMatchObject({ packages: 6, escrowFen: 148_800, refundedFen: 4_800, ratings: 18 });
    expect(facts.services).toMatchObject({ providers: 2, visits: 18, missed: 0, silent: 3, paidFen: 144_000 });
    expect(facts.property).toMatchObject({ bills: 100, entries: 7 });
    expect(facts.supervision).toMatchObject({ inTime: 1, overdue: 1, score: 79, grade: "A" });
    const refused = DIMENSIONS.flatMap((dimension) => facts[dimension].refused.map(({ attempt }) => attempt));
    expect(refused).toEqual(ATTEMPT_NAMES.filter((name) => name !== "early-key"));
    for (const dimension of DIMENSIONS)
      for (const { zh, en } of facts[dimension].refused) {
        expect(zh).toMatch(/[一-鿿]/);
        expect(en).not.toMatch(/[一-鿿]/);
      }
  });

  test("D128: a second start sends nothing", async () => {
    const day = await begin();
    await playAfternoon(day);
    const sent = day.ledger.jobs.length;
    const attempts = await Attempts.open({ file: day.attemptsFile, sender: day.ledger, progress: () => {} });
    expect([...attempts.transactions.keys()].sort()).toEqual(
      ATTEMPT_NAMES.filter((name) => !OF_THE_VOTE.includes(name)).sort(),
    );
    await playAfternoon({ ...day, context: { ...day.context, attempts } });
    expect(day.ledger.jobs.slice(sent)).toEqual([]);
    // Nor does one a year later, when items have lapsed and other disclosures are due.
    day.clock.pass(400 * 86_400_000);
    await playAfternoon({ ...day, context: { ...day.context, attempts } });
    expect(day.ledger.jobs.slice(sent)).toEqual([]);
    expect((await shown(day.ledger, day.context)).facts.supervision).toMatchObject({ score: 0, grade: "C" });
  });

  test("D129: who misses a visit is asked again, and the resident has the money back without asking", async () => {
    const day = await begin();
    // The network is away for half a day when the first visits begin.
    let isAway = true;
    day.ledger.before = ({ calls }) => {
      if (!isAway || calls[0]?.action !== "check_in" || day.context.attempts.transactions.size < 5) return;
      isAway = false;
      day.clock.pass(12 * 3_600_000);
    };
    await playAfternoon(day);
    const { ok, facts } = await shown(day.ledger, day.context);
    expect(ok).toBe(true);
    expect(facts.services).toMatchObject({ visits: 18, missed: 6 });
    expect(facts.residents).toMatchObject({ packages: 12, refundedFen: 4_800 + 6 * 9_000 });
  });

  test("D130: a day that was broken off anywhere is finished by the next start", async () => {
    for (const last of [40, 150, 200, 230, 260]) {
      const day = await begin();
      const broken = new Error("broken off");
      day.ledger.before = () => {
        if (day.ledger.jobs.length >= last) throw broken;
      };
      await expect(playAfternoon(day)).rejects.toBe(broken);
      day.ledger.before = () => {};
      day.clock.pass(2 * 86_400_000);
      const attempts = await Attempts.open({ file: day.attemptsFile, sender: day.ledger, progress: () => {} });
      await playAfternoon({ ...day, context: { ...day.context, attempts } });
      const { ok, facts } = await shown(day.ledger, { ...day.context, attempts });
      expect([last, ok, facts.services.visits]).toEqual([last, true, 18]);
    }
  });

  test("D131: the summary shows which of the four is not as it should be, whatever row says otherwise", async () => {
    const day = await begin();
    await playAfternoon(day);
    for (const [dimension, table, wrong] of WRONG) {
      const [row] = day.ledger.memory.rows(table).toReversed();
      if (row === undefined) throw new Error(table);
      day.ledger.memory.put(table, { ...row, ...wrong });
      const { ok, lines } = await shown(day.ledger, day.context);
      day.ledger.memory.put(table, row);
      const crosses = lines.filter((line) => line.startsWith("✗")).join("\n");
      expect([table, ok, crosses]).toEqual([table, false, expect.stringContaining(dimension)]);
    }
    expect((await shown(day.ledger, day.context)).ok).toBe(true);
  });

  test("D132: an abuse that gets through, or that another rule refuses, is no success of the day", async () => {
    const day = await begin();
    await playAfternoon(day);
    const made = toHex(day.context.attempts.transactions.get("paid-twice") ?? new Uint8Array());
    const answer = day.ledger.answers.get(made);
    if (answer === undefined) throw new Error("paid-twice");
    for (const [wrong, ok] of [
      [{ status: "ok" as const, ruleId: "" }, false],
      [{ ruleId: "home-service.accept.by" }, false],
      [{}, true],
    ] as const) {
      day.ledger.answers.set(made, { ...answer, receipt: { ...answer.receipt, ...wrong } });
      expect((await shown(day.ledger, day.context)).ok).toBe(ok);
    }
  });

  test("D133: each package is one of two providers, and every way for a visit to end occurs", () => {
    const packages = plannedPackages(smallCommunity());
    expect(packages).toHaveLength(6);
    expect(new Set(packages.map(({ resident }) => resident)).size).toBe(6);
    for (const { visits } of packages)
      expect(new Set(visits.map(({ offer }) => offer.organisation))).toEqual(new Set(["homecare", "provider"]));
    const ends = packages.flatMap(({ visits }) => visits.map(({ end }) => end));
    expect(new Set(ends)).toEqual(new Set(["accepted", "silent", "disputed"]));
    // Care of the elderly is never accepted by silence.
    const care = packages.flatMap(({ visits }) => visits.filter(({ offer }) => offer.kind === "elder_care"));
    expect(care.filter(({ end }) => end === "silent")).toEqual([]);
  });
});
