// The loads of a run: warm-up, closed loops and open loops, given to whatever network stands behind the target, this ledger's or a
// peer's. Starts and ends no network.

import { LedgerError } from "../src/errors.ts";
import type { Load } from "./client/messages.ts";
import { machineFacts } from "./machine.ts";
import type { Options } from "./options.ts";
import { CALLS_USUAL } from "./payloads.ts";
import { type Phase, runPhase, type Target } from "./phase.ts";
import { limitOf } from "./record.ts";
import { measureVerifyUs } from "./verification.ts";

/** Transactions one by one before their latency is measured: blocks of one must be as well compiled as full ones. */
const WARM_UP_RATE = 100;
/** Of a closed loop, until its queues are full. */
const FILL_SECONDS = 1;
/** Of a closed loop of single calls, over all nodes; more calls fill blocks with fewer transactions. */
const IN_FLIGHT = 2_000;
/** Of one client; a transaction takes longer than a millisecond on any machine. */
const SINGLES_PER_SECOND_MAX = 1_000;
/** Of a load whose length nobody knows before: what it sends is signed before it, and what is left over serves the next one. */
const SECONDS_MAX = 200;
/** No contract executes a call in less: what a transaction of many calls costs at the least. */
const CALL_US_MIN = 5;

export interface Hooks {
  progress(text: string): void;
  /** runs at the end, however it comes */
  onEnd(clean: () => void): void;
}

export interface OpenLoad {
  readonly rate: number;
  readonly seconds: number;
  readonly seed: number;
  /** what is done to the nodes while the load goes on, from its start; where they fail, the client turns to others */
  readonly fault?: () => Promise<void>;
}

export class Loads {
  readonly size: number;
  protected readonly options: Options;
  protected readonly hooks: Hooks;
  protected readonly cores = machineFacts().cores;
  protected readonly verifyBeforeUs = measureVerifyUs();
  protected readonly phases: Phase[] = [];
  /** nodes were stopped or cut off on purpose */
  protected wasInterrupted = false;
  private readonly target: Omit<Target, "cores">;
  /** tx/s of the fastest closed loop so far */
  private fastest = 0;

  constructor(options: Options, hooks: Hooks, target: Omit<Target, "cores">, size: number) {
    this.options = options;
    this.hooks = hooks;
    this.target = target;
    this.size = size;
  }

  get calls(): number {
    return this.options.calls ?? CALLS_USUAL[this.options.payload];
  }

  get inFlightPerNode(): number {
    return this.options.inFlight ?? Math.ceil(IN_FLIGHT / this.size / Math.sqrt(this.calls));
  }

  /** A closed loop and then singles: Node compiles hot code only after it has run for a while. */
  async warmUp(): Promise<void> {
    const { warmUpSeconds, seed } = this.options;
    this.hooks.progress(`warming up for ${2 * warmUpSeconds} s`);
    const full = await this.closedLoop("warm-up", warmUpSeconds);
    await this.openLoop("warm-up of singles", {
      rate: Math.max(1, Math.min(WARM_UP_RATE, full.txPerSecond / 4)),
      seconds: warmUpSeconds,
      seed,
    });
  }

  /** As many transactions on their way as the nodes bear. @throws LedgerError BENCH_OPTION_INVALID */
  async closedLoop(name: string, seconds: number): Promise<Phase> {
    requireShort(seconds);
    const length = seconds + FILL_SECONDS;
    // Half of what the machine can do at most, more when a load before came near it: the stock must outlast this one.
    const rate = this.fastest === 0 ? this.rateMax : Math.max(this.rateMax / 2, 2 * this.fastest);
    await this.sign(Math.ceil(rate * length) + this.size * this.inFlightPerNode, 0);
    const phase = await this.run(name, {
      kind: "closed",
      inFlightPerNode: this.inFlightPerNode,
      seconds: length,
      warmUpSeconds: FILL_SECONDS,
    });
    this.fastest = Math.max(this.fastest, phase.txPerSecond);
    return phase;
  }

  /** One transaction on its way, and no other. @throws LedgerError BENCH_OPTION_INVALID */
  async single(name: string, seconds: number): Promise<Phase> {
    requireShort(seconds);
    await this.sign(Math.ceil(Math.min(SINGLES_PER_SECOND_MAX, this.rateMax) * seconds), seconds);
    return this.run(name, { kind: "single", seconds });
  }

  async openLoop(name: string, { rate, seconds, seed, fault }: OpenLoad): Promise<Phase> {
    const { arrivals } = this.options;
    // Poisson arrivals of a short load can be half as many again.
    await this.sign(Math.ceil(rate * seconds * 1.5) + 100, seconds);
    this.wasInterrupted ||= fault !== undefined;
    return this.run(name, { kind: "open", arrivals, rate, seconds, seed, reroutes: fault !== undefined }, fault);
  }

  private get rateMax(): number {
    return limitOf(this.cores, this.size, this.verifyBeforeUs + (this.calls - 1) * CALL_US_MIN);
  }

  private sign(count: number, spreadSeconds: number): Promise<void> {
    return this.target.client.sign({ content: this.options.payload, calls: this.calls, count, spreadSeconds });
  }

  private async run(name: string, load: Load, meanwhile?: () => Promise<void>): Promise<Phase> {
    const phase = await runPhase(name, load, { ...this.target, cores: this.cores }, meanwhile);
    this.phases.push(phase);
    return phase;
  }
}

/** Nodes take a transaction for ten minutes after it was signed. */
function requireShort(seconds: number): void {
  if (seconds <= SECONDS_MAX) return;
  throw new LedgerError(
    "BENCH_OPTION_INVALID",
    { option: "--seconds", seconds },
    { remedy: `at most ${SECONDS_MAX} for a peak and for one client; --repeat measures more often` },
  );
}
