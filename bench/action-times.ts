// Time and gas of every action of a contract that its own tests bring about: each at its first success there, in the state that the
// test has made, done and undone many times. It changes nothing of the test that it stands in.

import { readFileSync } from "node:fs";
import { frameOf, runAction } from "../src/contracts/action-run.ts";
import type { CompiledAction } from "../src/contracts/compiled.ts";
import { ACTION_GAS_MAX } from "../src/contracts/gas.ts";
import { MeteredOverlay } from "../src/contracts/metered-overlay.ts";
import { EMPTY_STATE, type Step, TestLedger } from "../src/contracts/test-ledger.ts";
import { runAuthorTests } from "../src/contracts/test-runner.ts";
import { Overlay } from "../src/state/overlay.ts";
import { leastUs } from "./least.ts";

const RUNS = 60;
const TIMES = 20;

export interface ActionTime {
  readonly action: string;
  readonly gas: number;
  readonly us: number;
}

type Calling = Parameters<TestLedger["call"]>;

function read(file: string): string {
  return readFileSync(new URL(`../src/contracts/library/${file}.yaml`, import.meta.url), "utf8");
}

/** @param documents of the contract and of all that it and its tests need, importers first. @returns its actions by their time, the longest first */
export function timesOfActions(contract: string, documents: readonly string[]): readonly ActionTime[] {
  const times = new Map<string, ActionTime>();
  const { call } = TestLedger.prototype;
  // The tests make the states; beside each first success of an action it is measured before it happens.
  TestLedger.prototype.call = function (this: TestLedger, ...calling: Calling): Step {
    const [owner, name] = calling;
    const action = this.contracts.get(owner)?.actions.get(name);
    if (owner === contract && action !== undefined && !times.has(name)) {
      const measured = measureHere(this, action, calling);
      if (measured !== undefined) times.set(name, measured);
    }
    return call.apply(this, calling);
  };
  try {
    const newOverlay = () => new Overlay({ base: EMPTY_STATE, height: 1 });
    const sources = [contract, ...documents.filter((name) => name !== contract)];
    const outcomes = runAuthorTests({
      tests: read(`${contract}.test`),
      sources: sources.map(read),
      newOverlay,
    });
    const failed = outcomes.find(({ problem }) => problem !== undefined);
    if (failed !== undefined) throw new Error(`${contract}: ${failed.name}: ${failed.problem}`);
  } finally {
    TestLedger.prototype.call = call;
  }
  return [...times.values()].sort((left, right) => right.us - left.us);
}

/** @returns undefined: it is refused here */
function measureHere(
  ledger: TestLedger,
  action: CompiledAction,
  [, , { caller, args }]: Calling,
): ActionTime | undefined {
  const callees = new Map<string, ReturnType<typeof calleeOf>>();
  const calleeOf = (contract: string, name: string) => {
    const loaded = ledger.contracts.get(contract);
    const called = loaded?.actions.get(name);
    const settings = loaded?.settings.map(
      ({ name: setting, value }) => ledger.settings.get(`${contract}.${setting}`) ?? value,
    );
    return called && settings && { action: called, settings };
  };
  const callee = (contract: string, name: string) => {
    const key = `${contract}.${name}`;
    if (!callees.has(key)) callees.set(key, calleeOf(contract, name));
    return callees.get(key);
  };
  const called = callee(action.contract, action.name);
  if (called === undefined) return undefined;
  const act = () => {
    const mark = ledger.overlay.mark();
    const frame = frameOf(called, ACTION_GAS_MAX);
    const overlay = new MeteredOverlay(ledger.overlay);
    const host = { overlay, timeMs: ledger.nowMs, callee, stopped: () => undefined, deploy: () => undefined };
    const refusal = runAction(action, { host, frame, caller, args, events: [] });
    ledger.overlay.revertTo(mark);
    return { refusal, gas: ACTION_GAS_MAX - frame.gas };
  };
  const { refusal, gas } = act();
  if (refusal !== undefined) return undefined;
  const round = () => {
    let happened = 0;
    for (let times = 0; times < TIMES; times += 1) if (act().refusal === undefined) happened += 1;
    return happened;
  };
  return { action: action.ruleId, gas, us: leastUs(TIMES, round, RUNS) };
}
