// An action tried without doing it: every condition with its values, passed or failed, and what would happen or refuse it.
// Nothing is written: the overlay is undone before anybody sees it.

import type { Value } from "../ledger/codec.ts";
import type { LedgerEvent, StateOverlay } from "../ledger/types.ts";
import {
  type ActionHost,
  ActionRun,
  type CallArguments,
  type Callee,
  type Caller,
  frameOf,
  runAction,
} from "./action-run.ts";
import type { CompiledCondition, CompiledContract } from "./compiled.ts";
import { type Explanation, explain } from "./explain.ts";
import type { Frame } from "./frame.ts";
import { ACTION_GAS_MAX } from "./gas.ts";
import { LimitReached, limitRefusal, MeteredOverlay } from "./metered-overlay.ts";
import { ExpressionError, OutOfGas } from "./outcome.ts";
import type { Refusal } from "./refusal.ts";
import { CONTRACT_ROLE_PREFIX } from "./system.ts";

export interface DryRunInput {
  /** left as it was */
  readonly overlay: StateOverlay;
  hostOver(overlay: MeteredOverlay): ActionHost;
  /** bound of the trial, as a transaction's gas limit */
  readonly gas: number;
  readonly called: Callee;
  readonly contract: CompiledContract;
  readonly caller: Caller;
  readonly args: CallArguments;
  readonly contractOf: (name: string) => CompiledContract | undefined;
}

export interface NamedValue {
  /** as the condition writes it: `m.closes`, `p.price`, `settings.price_cap` */
  readonly name: string;
  readonly type: string;
  /** null also for a row that is not there */
  readonly value: Value;
}

export interface TriedCondition {
  readonly ruleId: string;
  /** 1-based, in the contract's source */
  readonly line: number;
  readonly condition: string;
  /** an error code: it had no value */
  readonly outcome: "passed" | "failed" | { readonly error: string };
  readonly values: readonly NamedValue[];
  /** what people are told when it fails */
  readonly sentence: Explanation;
}

export interface DryRun {
  readonly refusal: Refusal | undefined;
  readonly explanation: Explanation;
  /** in order; empty when the action is refused before its conditions: arguments, missing rows */
  readonly conditions: readonly TriedCondition[];
  readonly events: readonly LedgerEvent[];
  readonly gas: number;
}

export function dryRun(input: DryRunInput): DryRun {
  const conditions = tried(input);
  const { overlay, called, caller, args, gas, contractOf } = input;
  const events: LedgerEvent[] = [];
  const frame = frameOf(called, gas);
  const mark = overlay.mark();
  const refusal = attempt(
    () =>
      runAction(called.action, {
        host: input.hostOver(new MeteredOverlay(input.overlay)),
        frame,
        caller,
        args,
        events,
      }),
    gas,
  );
  overlay.revertTo(mark);
  const done = refusal === undefined ? events : [];
  const facts = {
    status: refusal?.status ?? ("ok" as const),
    ruleId: refusal?.ruleId ?? "",
    values: refusal?.values ?? [],
  };
  return {
    refusal,
    explanation: explain({ ...facts, events: done }, contractOf),
    conditions,
    events: done,
    gas: Math.min(gas, gas - frame.gas),
  };
}

/** All conditions, also after one that fails, and also for somebody who may not do it. */
function tried(input: DryRunInput): readonly TriedCondition[] {
  const { called, args, gas } = input;
  const frame = frameOf(called, gas);
  const run = new ActionRun(called.action, {
    host: input.hostOver(new MeteredOverlay(input.overlay)),
    frame,
    caller: admitted(input),
    events: [],
  });
  const isReady = attempt(() => run.begin(args) ?? run.readRows(), gas) === undefined;
  return isReady ? called.action.requires.map((condition) => tryCondition(condition, frame, input)) : [];
}

/** Somebody who may: who may not is told so by the run itself. */
function admitted({ called, caller }: DryRunInput): Caller {
  const roles = [...called.action.by].filter((role) => !role.startsWith(CONTRACT_ROLE_PREFIX));
  const calling = [...called.action.by].find((role) => role.startsWith(CONTRACT_ROLE_PREFIX));
  // An action that contracts alone may call is tried as if one did.
  const contract = roles.length > 0 || calling === undefined ? "" : calling.slice(CONTRACT_ROLE_PREFIX.length);
  return { ...caller, contract, roles: [...caller.roles, ...roles] };
}

function tryCondition(
  { ruleId, evaluate, references }: CompiledCondition,
  frame: Frame,
  input: DryRunInput,
): TriedCondition {
  const rule = input.contract.rules.get(ruleId);
  // No condition of a deployed action can cost more than an action may.
  const trial = { ...frame, gas: ACTION_GAS_MAX };
  const outcome = evaluate(trial);
  const values = references.map(({ label, evaluate: look }): NamedValue => {
    const value = look(trial);
    return { name: label, type: rule?.types.get(label) ?? "", value: value instanceof ExpressionError ? null : value };
  });
  const shown = values.map(({ name, value }) => [name, value] as const);
  return {
    ruleId,
    line: rule?.line ?? 0,
    condition: rule?.condition ?? "",
    outcome: outcome instanceof ExpressionError ? { error: outcome.code } : outcome === true ? "passed" : "failed",
    values,
    sentence: explain({ status: "refused", ruleId, values: shown, events: [] }, input.contractOf),
  };
}

function attempt(run: () => Refusal | undefined, gas: number): Refusal | undefined {
  try {
    return run();
  } catch (thrown) {
    if (thrown instanceof LimitReached) return limitRefusal(thrown);
    if (!(thrown instanceof OutOfGas)) throw thrown;
    return { status: "out_of_gas", ruleId: "transaction.gas", values: [["gasLimit", gas]] };
  }
}
