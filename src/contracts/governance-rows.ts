// Reads validators and parameters from governance's tables, and refuses transactions that would leave them unusable.
// It never changes them: governance's own actions do.

import { invariant } from "../assert.ts";
import { accept, refuse, type Verdict } from "../errors.ts";
import { decodeParameters, decodeValidators, encodeParameters, encodeValidators } from "../ledger/format-cluster.ts";
import { compareBytes, toHex } from "../ledger/hash.ts";
import { LIMITS } from "../ledger/limits.ts";
import type { Parameters, StateReader, Validator } from "../ledger/types.ts";
import { contractSetFault } from "./contract-set.ts";
import { Catalogue, type Engine } from "./engine.ts";
import { type Refusal, refused } from "./refusal.ts";
import { decodeKey, startsWithBytes } from "./state-keys.ts";
import { PARAMETER_NAMES, PROTOCOL_LEAD_HEIGHTS, PROTOCOL_ROWS, ROSTER_KEY } from "./system.ts";
import { CONTRACTS, PARAMETERS, ROSTER, SEATS, SETTINGS } from "./system-layouts.ts";
import { membership } from "./types.ts";

const SEATS_MAX = 100;

/** The validators that the seats name, in key order. */
export function validatorsIn(state: StateReader): Verdict<readonly Validator[]> {
  const seats = ROSTER.read(state, [ROSTER_KEY])?.[1];
  if (typeof seats !== "number") return refuse("ROSTER_MISSING");
  const validators: Validator[] = [];
  for (let index = 0; index < seats; index += 1) {
    const [, organisation, suite, publicKey, peerId] = SEATS.read(state, [index]) ?? [];
    if (
      typeof organisation !== "string" ||
      typeof suite !== "number" ||
      typeof peerId !== "string" ||
      !(publicKey instanceof Uint8Array)
    ) {
      return refuse("SEAT_MISSING", `seat ${index}`);
    }
    validators.push({ organisation, suite, publicKey, peerId });
  }
  validators.sort((left, right) => compareBytes(left.publicKey, right.publicKey));
  // The format's own rules decide what a set of validators is: count, order, keys and peers once each.
  const checked = decodeValidators(encodeValidators(validators));
  return checked.ok ? accept(validators) : checked;
}

/** Which protocol is in force at which height. */
export interface ProtocolSchedule {
  /** below `height` */
  readonly protocol: number;
  /** from `height` on; the same as `protocol`: no other is decided */
  readonly next: number;
  readonly height: number;
}

export function protocolScheduleIn(state: StateReader): Verdict<ProtocolSchedule> {
  const found = (row: string): number | undefined => {
    const value = PARAMETERS.readKept(state, [row])?.[1];
    return typeof value === "number" && value >= 1 ? value : undefined;
  };
  const protocol = found(PROTOCOL_ROWS.protocol);
  const next = found(PROTOCOL_ROWS.next);
  const height = found(PROTOCOL_ROWS.height);
  if (protocol === undefined || next === undefined || height === undefined)
    return refuse("PARAMETER_INVALID", PROTOCOL_ROWS.protocol);
  return accept({ protocol, next, height });
}

/** N222: the one place that says which version a height is under. */
export function protocolAt({ protocol, next, height: fromHeight }: ProtocolSchedule, height: number): number {
  return height >= fromHeight ? next : protocol;
}

/** The parameters in force at a height, by the rows of the state before it. */
export function parametersIn(state: StateReader, height: number): Verdict<Parameters> {
  const schedule = protocolScheduleIn(state);
  if (!schedule.ok) return schedule;
  const found: [string, number][] = [];
  for (const [name, row] of Object.entries(PARAMETER_NAMES)) {
    const value = PARAMETERS.readKept(state, [row])?.[1];
    if (typeof value !== "number" || value < 1) return refuse("PARAMETER_INVALID", row);
    found.push([name, value]);
  }
  const values: ReadonlyMap<string, number> = new Map(found);
  const at = (name: keyof typeof PARAMETER_NAMES) => values.get(name) ?? 0;
  const parameters: Parameters = {
    protocol: protocolAt(schedule.value, height),
    replayWindowMs: at("replayWindowMs"),
    clockSkewMsMax: at("clockSkewMsMax"),
    rotationHeights: at("rotationHeights"),
    blockBytesMax: at("blockBytesMax"),
    blockTransactionsMax: at("blockTransactionsMax"),
    batchBytesMax: at("batchBytesMax"),
    blockGasMax: at("blockGasMax"),
    timerGasMax: at("timerGasMax"),
  };
  if (parameters.batchBytesMax < LIMITS.transactionBytesMax)
    return refuse("PARAMETER_INVALID", PARAMETER_NAMES.batchBytesMax);
  if (parameters.blockBytesMax < parameters.batchBytesMax)
    return refuse("PARAMETER_INVALID", PARAMETER_NAMES.blockBytesMax);
  if (parameters.blockGasMax < parameters.timerGasMax) return refuse("PARAMETER_INVALID", PARAMETER_NAMES.blockGasMax);
  const checked = decodeParameters(encodeParameters(parameters));
  return checked.ok ? accept(parameters) : checked;
}

/**
 * Judges what one transaction wrote into governance's tables.
 * @param input.validators at the start of the block: at most f of them may change per height
 */
export function governanceRefusal(input: {
  readonly written: readonly Uint8Array[];
  readonly state: StateReader;
  readonly validators: readonly Validator[];
  readonly parameters: Parameters;
  readonly engine: Engine;
  /** of this block */
  readonly height: number;
}): Refusal | undefined {
  const { written, state, validators, parameters, engine, height } = input;
  const nextHeight = height + 1;
  const touches = (prefix: Uint8Array) => written.some((key) => startsWithBytes(key, prefix));
  if (touches(SEATS.prefix) || touches(ROSTER.prefix)) {
    const refusal = seatsRefusal(state, validators);
    if (refusal !== undefined) return refusal;
  }
  if (touches(PARAMETERS.prefix)) {
    const next = parametersIn(state, nextHeight);
    if (!next.ok) return refused("governance.parameters", [["problem", next.detail === "" ? next.code : next.detail]]);
    // What a restart or a snapshot remembers of committed ids is the window of the head: a smaller one would forget ids that
    // the nodes that ran on still remember, and a transaction could be executed twice.
    if (next.value.replayWindowMs < parameters.replayWindowMs)
      return refused("governance.parameters", [["problem", PARAMETER_NAMES.replayWindowMs]]);
    const refusal = protocolRefusal({ written, state, protocol: parameters.protocol, height });
    if (refusal !== undefined) return refusal;
  }
  if (touches(CONTRACTS.prefix)) {
    // From the next block on, and whenever a version comes into force.
    const fault = contractSetFault(engine, state, nextHeight);
    if (fault !== undefined) return refused(`governance.${fault.part}`, fault.values);
  }
  // A number holds for the version in force and for the one that waits.
  const versions = [nextHeight, Number.POSITIVE_INFINITY].map((at) => new Catalogue(engine, state, at));
  return settingsRefusal(written, versions, state);
}

/**
 * N223: the protocol of the next height never changes by being written, and another is the next number, decided well before its height.
 * What is decided can be taken back as long as no block was made under it.
 * @param input.protocol in force at this height
 */
function protocolRefusal(input: {
  readonly written: readonly Uint8Array[];
  readonly state: StateReader;
  readonly protocol: number;
  readonly height: number;
}): Refusal | undefined {
  const { written, state, protocol, height } = input;
  const rows = new Set(Object.values(PROTOCOL_ROWS).map((row) => toHex(PARAMETERS.stateKey([row]))));
  if (!written.some((key) => rows.has(toHex(key)))) return undefined;
  const schedule = protocolScheduleIn(state);
  invariant(schedule.ok, "R6: the parameters were found usable just before");
  const { next, height: fromHeight } = schedule.value;
  const refuse = (problem: string) =>
    refused("governance.protocol", [
      ["problem", problem],
      ["protocol", protocol],
      ["next", next],
      ["height", fromHeight],
      ["earliest", height + PROTOCOL_LEAD_HEIGHTS],
    ]);
  if (protocolAt(schedule.value, height + 1) !== protocol) return refuse("AT_ONCE");
  if (next === protocol) return undefined;
  if (next !== protocol + 1) return refuse("NOT_THE_NEXT");
  return fromHeight < height + PROTOCOL_LEAD_HEIGHTS ? refuse("TOO_SOON") : undefined;
}

function seatsRefusal(state: StateReader, before: readonly Validator[]): Refusal | undefined {
  const next = validatorsIn(state);
  if (!next.ok)
    return refused("governance.validators", [
      ["problem", next.detail === "" ? next.code : `${next.code} ${next.detail}`],
    ]);
  for (let index = next.value.length; index < SEATS_MAX; index += 1) {
    if (state.get(SEATS.stateKey([index])) !== undefined)
      return refused("governance.validators", [
        ["problem", "SEAT_BEYOND_ROSTER"],
        ["seat", index],
      ]);
  }
  const old = new Set(before.map(({ publicKey }) => toHex(publicKey)));
  const joined = next.value.filter(({ publicKey }) => !old.has(toHex(publicKey))).length;
  const left = before.length - (next.value.length - joined);
  const faults = Math.floor((before.length - 1) / 3);
  // Two sets that share too little could both have a quorum for one height.
  if (Math.max(joined, left) > faults)
    return refused("governance.validators", [
      ["problem", "SEATS_CHANGED"],
      ["changed", Math.max(joined, left)],
      ["allowed", faults],
    ]);
  return undefined;
}

function settingsRefusal(
  written: readonly Uint8Array[],
  versions: readonly Catalogue[],
  state: StateReader,
): Refusal | undefined {
  for (const key of written.filter((candidate) => startsWithBytes(candidate, SETTINGS.prefix))) {
    const decoded = decodeKey(key, SETTINGS.prefix.length, SETTINGS.keyColumns);
    const [contract, name] = decoded.ok ? decoded.value : [];
    const settings = versions.flatMap((version) => {
      const known = typeof contract === "string" ? version.load(contract)?.contract.settings : undefined;
      return known?.find((candidate) => candidate.name === name) ?? [];
    });
    const value = decoded.ok ? SETTINGS.read(state, decoded.value)?.[2] : undefined;
    const isUsable =
      settings.length > 0 && settings.every(({ type }) => value === undefined || membership(type)(value));
    if (!isUsable)
      return refused("governance.settings", [
        ["contract", contract ?? null],
        ["name", name ?? null],
        ["value", value ?? null],
      ]);
  }
  return undefined;
}
