// Emergency stops: a row of governance's table `stop` keeps every action of one contract from running until a time.
// Says whether that is so and how a call is refused. Runs and writes nothing, and never finds governance itself stopped.

import type { Value } from "../ledger/codec.ts";
import type { StateReader } from "../ledger/types.ts";
import type { Row } from "./frame.ts";
import { type Refusal, type RefusalValues, refused } from "./refusal.ts";
import { decodeKey, startsWithBytes } from "./state-keys.ts";
import { GOVERNANCE_CONTRACT } from "./system.ts";
import { STOPS } from "./system-layouts.ts";

/** A stop that was decided, also one that is over. */
export interface Stop {
  readonly contract: string;
  /** from this time on the contract runs again */
  readonly untilMs: number;
  /** what whoever is refused is told */
  readonly values: RefusalValues;
}

export function stopOf(state: StateReader, contract: string): Stop | undefined {
  const row = STOPS.read(state, [contract]);
  return row === null ? undefined : stopIn(row);
}

/** The stop that a row of the state says; undefined: the row is of another table. */
export function stopOfRow(key: Uint8Array, value: Uint8Array): Stop | undefined {
  const contract = stoppedContract(key);
  return contract === undefined ? undefined : stopIn(STOPS.decode([contract], value));
}

/** Of which contract a row of the state tells a stop; undefined: the row is of another table. */
export function stoppedContract(key: Uint8Array): string | undefined {
  if (!startsWithBytes(key, STOPS.prefix)) return undefined;
  const decoded = decodeKey(key, STOPS.prefix.length, STOPS.keyColumns);
  const contract = decoded.ok ? decoded.value[0] : undefined;
  return typeof contract === "string" ? contract : undefined;
}

/** R322: who could stop governance could keep what is stopped stopped. */
function stopIn(row: Row): Stop | undefined {
  const [contract, since, until, organisations, proposal, reason] = row;
  if (typeof contract !== "string" || typeof until !== "number" || contract === GOVERNANCE_CONTRACT) return undefined;
  const told: readonly (readonly [string, Value | undefined])[] = [
    ["contract", contract],
    ["since", since],
    ["until", until],
    ["organisations", organisations],
    ["proposal", proposal],
    ["reason", reason],
  ];
  return { contract, untilMs: until, values: told.map(([name, value]) => [name, value ?? null]) };
}

/** R320: what every call of a stopped contract gets, whoever calls it and by whatever way. */
export function stopRefusal(stop: Stop | undefined, timeMs: number): Refusal | undefined {
  return stop === undefined || timeMs >= stop.untilMs ? undefined : refused("call.stopped", stop.values);
}
