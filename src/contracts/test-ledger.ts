// A ledger in memory for author tests: contracts, rows, money and timers without blocks, keys or signatures.
// Actions run by the same code as in a block; only who calls and when is given by the test.

import { invariant } from "../assert.ts";
import { decode, type Value } from "../ledger/codec.ts";
import { compareBytes } from "../ledger/hash.ts";
import type { LedgerEvent, StateOverlay, StateReader } from "../ledger/types.ts";
import { type ActionHost, type CallArguments, type Callee, type Caller, frameOf, runAction } from "./action-run.ts";
import type { CompiledContract } from "./compiled.ts";
import { deploy } from "./deploy.ts";
import { type DryRun, dryRun } from "./dry-run.ts";
import { Engine } from "./engine.ts";
import { ACTION_GAS_MAX } from "./gas.ts";
import { followRow, type IndexStore } from "./index-rows.ts";
import { LimitReached, limitRefusal, MeteredOverlay } from "./metered-overlay.ts";
import { OutOfGas } from "./outcome.ts";
import type { Refusal } from "./refusal.ts";
import type { RowLayout } from "./row-layout.ts";
import { isTimerKey, startsWithBytes, timerDueMs } from "./state-keys.ts";
import { stopOf, stopRefusal } from "./stop.ts";
import { TIMER_ROLE } from "./system.ts";
import { MONEY, TIMERS } from "./system-layouts.ts";
import { timerOf } from "./timer-row.ts";
import { membership } from "./types.ts";
import type { Limits } from "./usage.ts";

export interface Step {
  readonly contract: string;
  readonly action: string;
  readonly refusal: Refusal | undefined;
  readonly events: readonly LedgerEvent[];
  readonly gas: number;
  /** rows, bytes and events, also of a run that was refused */
  readonly used: Limits;
}

/** An overlay over an empty state. */
export type NewOverlay = () => StateOverlay;

export const EMPTY_STATE: StateReader = { get: () => undefined };

export class TestLedger {
  readonly overlay: StateOverlay;
  readonly contracts: ReadonlyMap<string, CompiledContract>;
  /** numbers of settings that a test changed, by `contract.name` */
  readonly settings = new Map<string, Value>();
  nowMs = 0;
  private readonly engine = new Engine();

  constructor(contracts: ReadonlyMap<string, CompiledContract>, newOverlay: NewOverlay) {
    this.contracts = contracts;
    this.overlay = newOverlay();
  }

  /** Runs one action, all or nothing. */
  call(
    contract: string,
    action: string,
    { caller, args }: { readonly caller: Caller; readonly args: CallArguments },
  ): Step {
    const called = this.callee(contract, action);
    invariant(called !== undefined, "R14: a test calls an action that exists");
    const frame = frameOf(called, ACTION_GAS_MAX);
    const events: LedgerEvent[] = [];
    const mark = this.overlay.mark();
    const overlay = new MeteredOverlay(this.overlay);
    const host = this.hostOver(overlay);
    const refusal = attempt(() => runAction(called.action, { host, frame, caller, args, events }));
    if (refusal !== undefined) this.overlay.revertTo(mark);
    const happened = refusal === undefined ? events : [];
    return { contract, action, refusal, events: happened, gas: ACTION_GAS_MAX - frame.gas, used: overlay.used };
  }

  /** Tries an action and leaves everything as it was. */
  tryCall(
    contract: string,
    action: string,
    { caller, args }: { readonly caller: Caller; readonly args: CallArguments },
  ): DryRun {
    const loaded = this.contracts.get(contract);
    const called = this.callee(contract, action);
    invariant(loaded !== undefined && called !== undefined, "R14: a trial names an action that exists");
    return dryRun({
      overlay: this.overlay,
      hostOver: (overlay) => this.hostOver(overlay),
      gas: ACTION_GAS_MAX,
      called,
      contract: loaded,
      caller,
      args,
      contractOf: (name) => this.contracts.get(name),
    });
  }

  private hostOver(overlay: MeteredOverlay): ActionHost {
    const { overlay: state, engine } = this;
    return {
      overlay,
      timeMs: this.nowMs,
      callee: (contract, action) => this.callee(contract, action),
      stopped: (contract) => stopRefusal(stopOf(state, contract), this.nowMs),
      deploy: (own, request) => deploy(own, request, { state, overlay, engine, height: 1 }),
    };
  }

  private callee(contract: string, action: string): Callee | undefined {
    const loaded = this.contracts.get(contract);
    const compiled = loaded?.actions.get(action);
    const settings = loaded?.settings.map(({ name, value }) => this.settings.get(`${contract}.${name}`) ?? value);
    return compiled && settings && { action: compiled, settings };
  }

  /** Lets time pass: timers that fall due run in order, each at its own time. */
  advance(timeMs: number): readonly Step[] {
    const steps: Step[] = [];
    for (let timer = this.nextTimer(timeMs); timer !== undefined; timer = this.nextTimer(timeMs)) {
      this.nowMs = Math.max(this.nowMs, timer.dueMs);
      this.overlay.delete(timer.key);
      steps.push(this.runTimer(timer));
    }
    this.nowMs = timeMs;
    return steps;
  }

  private nextTimer(
    timeMs: number,
  ): { readonly key: Uint8Array; readonly value: Uint8Array; readonly dueMs: number } | undefined {
    const due = this.overlay
      .writes()
      .flatMap(({ key, value }) =>
        value !== undefined && isTimerKey(key) ? [{ key, value, dueMs: this.dueMs(key, value) }] : [],
      );
    const sorted = due
      .filter(({ dueMs }) => dueMs <= timeMs)
      .sort((left, right) => left.dueMs - right.dueMs || compareBytes(left.key, right.key));
    return sorted[0];
  }

  /** R321: what a stop holds back is due when the stop is over. */
  private dueMs(key: Uint8Array, value: Uint8Array): number {
    return Math.max(timerDueMs(value), stopOf(this.overlay, timerOf(key).contract)?.untilMs ?? 0);
  }

  private runTimer({ key, value }: { readonly key: Uint8Array; readonly value: Uint8Array }): Step {
    const timer = timerOf(key);
    const [contract, , , action, bytes] = TIMERS.decode([timer.contract, timer.key], value);
    const args = bytes instanceof Uint8Array ? decode(bytes) : undefined;
    invariant(
      typeof contract === "string" && typeof action === "string" && args?.ok === true,
      "R8: a timer's row names an action and its arguments",
    );
    const caller: Caller = { id: "", organisation: "", roles: [TIMER_ROLE], cosigners: [], contract: "" };
    return this.call(contract, action, { caller, args: args.value as CallArguments });
  }

  /** Puts a complete row there, as a test's beginning. @returns the first column whose value is not of its type */
  put(layout: RowLayout, row: readonly Value[]): string | undefined {
    const wrong = layout.columns.find(({ type }, index) => !membership(type)(row[index] ?? null));
    if (wrong !== undefined) return wrong.name;
    const key = layout.stateKeyOf(row);
    const { overlay } = this;
    const before = layout.read(overlay, row.slice(0, layout.keyLength));
    const store: IndexStore = {
      get: (place) => overlay.get(place)?.value,
      put: (place, value) => overlay.put(place, value),
      delete: (place) => overlay.delete(place),
    };
    followRow(store, layout, { before, after: row, key });
    overlay.put(key, layout.encode(row));
    return undefined;
  }

  balance(account: string): Value {
    return MONEY.read(this.overlay, [account])?.[1] ?? 0;
  }

  /** Sum over all accounts, which no step may change. */
  money(): bigint {
    let sum = 0n;
    for (const { key, value } of this.overlay.writes()) {
      if (value === undefined || !startsWithBytes(key, MONEY.prefix)) continue;
      const fields = decode(value);
      const fen = fields.ok && Array.isArray(fields.value) ? fields.value[0] : 0;
      sum += typeof fen === "number" || typeof fen === "bigint" ? BigInt(fen) : 0n;
    }
    return sum;
  }
}

function attempt(run: () => Refusal | undefined): Refusal | undefined {
  try {
    return run();
  } catch (thrown) {
    if (thrown instanceof LimitReached) return limitRefusal(thrown);
    if (!(thrown instanceof OutOfGas)) throw thrown;
    return { status: "out_of_gas", ruleId: "transaction.gas", values: [] };
  }
}
