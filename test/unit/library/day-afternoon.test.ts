// The devnet's afternoon over a ledger in memory: services, accounts, supervision and what must be refused, each by the real contracts.
// Time passes only while the day waits for it.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sealGenesis } from "../../../src/client/genesis-json.ts";
import { Attempts } from "../../../src/node/devnet/attempts.ts";
import { DEVNET_ORGANISATIONS, DevnetKeys, NODE_ORGANISATIONS } from "../../../src/node/devnet/cast.ts";
import { type Community, generateCommunity } from "../../../src/node/devnet/community.ts";
import type { DayContext } from "../../../src/node/devnet/day.ts";
import { awaitOverdue, closeMonth, disclose, keepBooks, setDuties } from "../../../src/node/devnet/day-accounts.ts";
import { servePackages } from "../../../src/node/devnet/day-packages.ts";
import { registerCommunity } from "../../../src/node/devnet/day-registration.ts";
import { askDirectory, openDirectory } from "../../../src/node/devnet/day-services.ts";
import { decideInspection, inspect, scoreAlert } from "../../../src/node/devnet/day-supervision.ts";
import { billAndCollect, repairDevices, reportTelemetry } from "../../../src/node/devnet/day-work.ts";
import { AFTERNOON_CONTRACTS, GENESIS_CONTRACTS, MORNING_CONTRACTS } from "../../../src/node/devnet/library.ts";
import { Steps } from "../../../src/node/devnet/steps.ts";
import type { Clock } from "../../../src/ports.ts";
import { sampleGenesis } from "../ledger/samples.ts";
import { DayLedger } from "./day-ledger.ts";
import { compileLibrary } from "./library-ledger.ts";

const START_MS = Date.parse("2026-11-20T00:00:00Z");
const TIME_SCALE = 86_400;
const UNITS = 100;
const DEVICES = 16;

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "linli-day-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe("afternoon", () => {
  test("D127: plays", async () => {
    const day = await openDay();
    const t = performance.now();
    await playAfternoon(day.context, day.steps);
    console.log(performance.now() - t, day.ledger.jobs.length);
    for (const [, a] of day.ledger.answers) if (a.receipt.status !== "ok") console.log(a.receipt.ruleId, a.explanation);
    console.log(day.ledger.memory.rows("home-service.order").map((o) => [o.id, o.state, o.refunded, o.price]));
    console.log(day.ledger.memory.rows("service-rating.standing"), day.ledger.memory.rows("service-rating.figures"));
    console.log(day.ledger.memory.rows("service-directory.match"));
    console.log(day.ledger.memory.rows("finance.turnover"));
    console.log(day.ledger.memory.rows("supervision.subject"), day.ledger.memory.rows("disclosure.duty"));
    expect(day.context.attempts.transactions.size).toBe(6);
    const n = day.ledger.jobs.length;
    await playAfternoon(day.context, day.steps);
    expect(day.ledger.jobs.slice(n)).toEqual([]);
  }, 60_000);
});

async function openDay() {
  const clock = new VirtualClock();
  const ledger = new DayLedger(
    compileLibrary([...GENESIS_CONTRACTS, ...MORNING_CONTRACTS, ...AFTERNOON_CONTRACTS]),
    clock,
  );
  ledger.found(
    DEVNET_ORGANISATIONS,
    NODE_ORGANISATIONS.slice(0, 4).map(({ id }) => id),
  );
  const progress = ({ zh, en }: { zh: string; en: string }) => console.log(zh, en);
  const context: DayContext = {
    genesis: { ...sealGenesis(sampleGenesis()), timeMs: START_MS, timeScale: TIME_SCALE },
    nodes: [],
    keys: new DevnetKeys(new Uint8Array(32).fill(1)),
    community: smallCommunity(),
    clock,
    progress,
    attempts: await Attempts.open({ file: join(directory, "attempts.json"), sender: ledger, progress }),
  };
  const steps = new Steps({ reader: ledger.reader, sender: ledger.sender, clock, progress });
  return { ledger, context, steps };
}

/** Time that passes only while everybody waits: as much as the first of them waits for. */
class VirtualClock implements Clock {
  /** a day after the genesis: what the devices report lies behind */
  private wallMs = 1_000;
  private readonly waiting: { readonly dueMs: number; readonly run: () => void }[] = [];

  nowMs(): number {
    return START_MS + this.wallMs * TIME_SCALE;
  }

  monotonicMs(): number {
    return this.wallMs;
  }

  setTimer(delayMs: number, run: () => void): () => void {
    this.waiting.push({ dueMs: this.wallMs + delayMs, run });
    if (this.waiting.length === 1) setImmediate(() => this.turn());
    return () => {};
  }

  private turn(): void {
    this.waiting.sort((left, right) => right.dueMs - left.dueMs);
    const next = this.waiting.pop();
    if (next === undefined) return;
    this.wallMs = Math.max(this.wallMs, next.dueMs);
    next.run();
    if (this.waiting.length > 0) setImmediate(() => this.turn());
  }
}

async function playAfternoon(context: DayContext, steps: Steps): Promise<void> {
  await registerCommunity(context, steps);
  await setDuties(context, steps);
  await Promise.all([billAndCollect(context, steps), reportTelemetry(context, steps)]);
  await repairDevices(context, steps);
  await openDirectory(context, steps);
  await askDirectory(context, steps);
  await inspect(context, steps);
  await keepBooks(context, steps);
  await closeMonth(context, steps);
  await servePackages(context, steps);
  await decideInspection(context, steps);
  await disclose(context, steps);
  await awaitOverdue(context, steps);
  await scoreAlert(context, steps);
}

/** The first units of the devnet's community with all who hold them. */
function smallCommunity(): Community {
  const all = generateCommunity({ seed: 1 });
  const units = all.units.slice(0, UNITS);
  const holding = new Set(units.map(({ head }) => head));
  return {
    ...all,
    devices: all.devices.slice(0, DEVICES),
    units,
    heads: all.heads.filter(({ id }) => holding.has(id)),
  };
}
