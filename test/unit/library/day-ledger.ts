// The devnet's day over a ledger in memory: the day's own steps and the real contracts, without nodes, keys on a wire or proofs.
// Time is that of a scaled clock, as in the devnet; timers run when they are due.

import { sealGenesis } from "../../../src/client/genesis-json.ts";
import type { CompiledContract } from "../../../src/contracts/compiled.ts";
import { explain } from "../../../src/contracts/explain.ts";
import { ANYONE_ROLE } from "../../../src/contracts/system.ts";
import { fromHex, toHex } from "../../../src/ledger/hash.ts";
import type { LedgerEvent, Receipt } from "../../../src/ledger/types.ts";
import { namedToJson } from "../../../src/ledger/value-json.ts";
import { Attempts } from "../../../src/node/devnet/attempts.ts";
import {
  administratorOf,
  DEVNET_ORGANISATIONS,
  DevnetKeys,
  NODE_ORGANISATIONS,
} from "../../../src/node/devnet/cast.ts";
import { type Community, generateCommunity } from "../../../src/node/devnet/community.ts";
import type { DayContext } from "../../../src/node/devnet/day.ts";
import type { RowFields } from "../../../src/node/devnet/reader.ts";
import type { Job } from "../../../src/node/devnet/sender.ts";
import { type StepAnswer, type StepReader, type StepSender, Steps } from "../../../src/node/devnet/steps.ts";
import type { Clock } from "../../../src/ports.ts";
import { sampleGenesis } from "../ledger/samples.ts";
import { type Fields, LibraryLedger } from "./library-ledger.ts";

const START_MS = Date.parse("2026-11-20T00:00:00Z");
const TIME_SCALE = 86_400;
const UNITS = 100;
const DEVICES = 16;

/** Time that passes only while everybody waits: as much as the first of them waits for. */
export class VirtualClock implements Clock {
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

  /** @param ledgerMs of the ledger's time, all at once */
  pass(ledgerMs: number): void {
    this.wallMs += Math.ceil(ledgerMs / TIME_SCALE);
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

/** The first units of the devnet's community with all who hold them. */
export function smallCommunity(): Community {
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

/** A morning on which every organisation is there and every contract deployed. */
export async function openDay(contracts: ReadonlyMap<string, CompiledContract>, attemptsFile: string) {
  const clock = new VirtualClock();
  const ledger = new DayLedger(contracts, clock);
  const seats = NODE_ORGANISATIONS.slice(0, 4).map(({ id }) => id);
  ledger.found(DEVNET_ORGANISATIONS, seats);
  const progress = () => {};
  const context: DayContext = {
    genesis: { ...sealGenesis(sampleGenesis()), timeMs: START_MS, timeScale: TIME_SCALE },
    nodes: [],
    keys: new DevnetKeys(new Uint8Array(32).fill(1)),
    community: smallCommunity(),
    clock,
    progress,
    attempts: await Attempts.open({ file: attemptsFile, sender: ledger, progress }),
  };
  const steps = new Steps({ reader: ledger.reader, sender: ledger.sender, clock, progress });
  return { ledger, clock, context, steps, attemptsFile };
}

export class DayLedger {
  readonly memory: LibraryLedger;
  readonly answers = new Map<string, StepAnswer>();
  /** everything that was sent, in order */
  readonly jobs: Job[] = [];
  /** called before each transaction: what goes wrong on its way */
  before: (job: Job) => void = () => {};
  private readonly contracts: ReadonlyMap<string, CompiledContract>;
  private readonly clock: Clock;

  constructor(contracts: ReadonlyMap<string, CompiledContract>, clock: Clock) {
    this.contracts = contracts;
    this.clock = clock;
    this.memory = new LibraryLedger(contracts, clock.nowMs());
  }

  get reader(): StepReader {
    return {
      row: async (contract, table, key) => {
        this.follow();
        const row = this.memory.row(`${contract}.${table}`, ...key);
        return row === undefined ? undefined : named(row);
      },
      rows: async (contract, table) => {
        this.follow();
        const layout = this.memory.layout(`${contract}.${table}`);
        const keys = layout.columns.slice(0, layout.keyLength).map(({ name }) => name);
        const rows = this.memory.rows(`${contract}.${table}`);
        return new Map(rows.map((row) => [keys.map((name) => row[name]).join("\n"), named(row)]));
      },
    };
  }

  get sender(): StepSender {
    return {
      latenciesMs: [],
      sendAll: async (jobs) => jobs.map((job) => ({ job, answer: this.carry(job) })),
    };
  }

  async send(job: Job): Promise<StepAnswer> {
    return this.carry(job);
  }

  /** All calls or none, by the account as the register has it. */
  private carry(job: Job): StepAnswer {
    this.before(job);
    this.follow();
    this.jobs.push(job);
    const { ledger } = this.memory;
    const { org, roles } = this.memory.row("registry.account", job.account) ?? { org: "", roles: [] };
    const id = job.account;
    const all = [...(Array.isArray(roles) ? roles.map(String) : []), ANYONE_ROLE];
    const caller = { id, organisation: String(org), roles: all, cosigners: [...(job.cosigners ?? [])], contract: "" };
    const mark = ledger.overlay.mark();
    const events: LedgerEvent[] = [];
    for (const { contract, action, args } of job.calls) {
      const sorted = Object.entries(args).sort(([left], [right]) => (left < right ? -1 : 1));
      const step = ledger.call(contract, action, { caller, args: sorted });
      events.push(...step.events);
      if (step.refusal === undefined) continue;
      ledger.overlay.revertTo(mark);
      return this.answered({ ...step.refusal, events: [] });
    }
    this.takeNumbers();
    return this.answered({ status: "ok", ruleId: "", values: [], events });
  }

  /** The answer to something that a rule refused. */
  refusedBy(ruleId: string): StepAnswer {
    return this.answered({ status: "refused", ruleId, values: [], events: [] });
  }

  private answered(outcome: Pick<Receipt, "status" | "ruleId" | "values" | "events">): StepAnswer {
    const txId = fromHex(this.jobs.length.toString(16).padStart(64, "0")) ?? new Uint8Array(32);
    const explanation = explain(outcome, (name) => this.contracts.get(name));
    const answer = { receipt: { ...outcome, txId, index: 0, gas: 0, writes: [] }, explanation };
    this.answers.set(toHex(txId), answer);
    return answer;
  }

  /** Numbers that governance has set count from the next transaction on. */
  private takeNumbers(): void {
    for (const { contract, name, value } of this.memory.rows("governance.setting"))
      this.memory.ledger.settings.set(`${String(contract)}.${String(name)}`, value ?? 0);
  }

  /** As genesis and governance have it: organisations, their administrators, a seat for each that runs a node, contracts. */
  found(organisations: readonly { readonly id: string; readonly role: string }[], seats: readonly string[]): void {
    for (const { id, role } of organisations) {
      this.memory.put("governance.organisation", { id, title: id, role });
      this.memory.put("registry.account", { id: administratorOf(id), org: id, roles: ["admin"], suite: 1 });
    }
    for (const name of this.contracts.keys()) this.memory.put("governance.contract", { name, version: 1 });
    this.memory.put("governance.roster", { id: "main", seats: seats.length });
    for (const [index, organisation] of seats.entries())
      this.memory.put("governance.seat", { index, organisation, suite: 1 });
  }

  private follow(): void {
    const { ledger } = this.memory;
    this.memory.advance(Math.max(0, this.clock.nowMs() - ledger.nowMs));
  }
}

function named(row: Fields): RowFields {
  return namedToJson(Object.entries(row).map(([name, value]) => [name, value]));
}
