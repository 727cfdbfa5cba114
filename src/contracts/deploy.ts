// The statements `deploy` and `withdraw`: check a document, compare it with the version it replaces, write code and version; take back a
// version that is not in force yet. That all contracts stand together is judged when the transaction is complete (governance-rows.ts).

import { utf8Length } from "../ledger/codec.ts";
import type { StateOverlay, StateReader } from "../ledger/types.ts";
import type { CompiledContract } from "./compiled.ts";
import { findingValues } from "./contract-set.ts";
import { Catalogue, type DeployedVersion, deployedNames, deployedVersion, type Engine } from "./engine.ts";
import { charge, type Frame } from "./frame.ts";
import { byteUnits, GAS } from "./gas.ts";
import { type Refusal, type RefusalValues, refused } from "./refusal.ts";
import { CATALOGUE_KEY, CONTRACTS_MAX } from "./system.ts";
import { CATALOGUE, CONTRACTS, SETTINGS, SOURCES, VERSIONS } from "./system-layouts.ts";
import { firstVersionFault, settingValueFault, upgradeFault } from "./upgrade.ts";
import { WITHDRAW_ROWS_UNITS } from "./worst-case.ts";

export type DeployRequest = { readonly name: string; readonly ruleId: string } & (
  | {
      readonly kind: "deploy";
      readonly source: string;
      /** from which the version is in force; 0: the next block */
      readonly activeHeight: number;
    }
  | { readonly kind: "withdraw" }
);
type NewVersion = DeployRequest & { readonly kind: "deploy" };

export interface DeployHost {
  /** what is read to judge: which sources that are depends on what this process has compiled already, so it is not metered */
  readonly state: StateReader;
  /** what the transaction writes, metered */
  readonly overlay: Pick<StateOverlay, "put" | "delete">;
  readonly engine: Engine;
  /** of this block */
  readonly height: number;
}

/** @throws OutOfGas, LimitReached */
export function deploy(frame: Frame, request: DeployRequest, host: DeployHost): Refusal | undefined {
  return request.kind === "deploy" ? addVersion(frame, request, host) : withdraw(frame, request, host);
}

function addVersion(frame: Frame, request: NewVersion, host: DeployHost): Refusal | undefined {
  const { state, overlay, engine, height } = host;
  const { name, source } = request;
  const bytes = utf8Length(source);
  charge(frame, bytes * GAS.sourceByte + byteUnits(bytes) + 4 * (GAS.read + GAS.write));
  const activeHeight = request.activeHeight === 0 ? height + 1 : request.activeHeight;
  const judged = judge({ ...request, activeHeight }, host);
  if ("refusal" in judged) return judged.refusal;
  const { contract, before } = judged;
  const version = (before?.version ?? 0) + 1;
  const { sourceHash } = contract;
  if (SOURCES.read(state, [sourceHash]) === null)
    overlay.put(SOURCES.stateKey([sourceHash]), SOURCES.encode([sourceHash, source]));
  const old = before && new Catalogue(engine, state, height).load(name)?.contract;
  const row = [name, version, sourceHash, activeHeight, before?.sourceHash ?? new Uint8Array(0)];
  overlay.put(CONTRACTS.stateKey([name]), CONTRACTS.encode(row));
  overlay.put(VERSIONS.stateKey([name, version]), VERSIONS.encode([name, version, sourceHash, activeHeight]));
  if (before === undefined) catalogue(host, [...deployedNames(state), name]);
  beginSettings(frame, { old, contract }, host);
  return undefined;
}

type Judgement =
  | { readonly refusal: Refusal }
  | { readonly contract: CompiledContract; readonly before: DeployedVersion | undefined };

function judge({ name, source, activeHeight, ruleId }: NewVersion, host: DeployHost): Judgement {
  const { state, engine, height } = host;
  const refuse = (part: string, values: RefusalValues): Judgement => ({
    refusal: refused(`${ruleId}.${part}`, values),
  });
  if (activeHeight <= height)
    return refuse("height", [
      ["height", activeHeight],
      ["next", height + 1],
    ]);
  const before = deployedVersion(state, name);
  if (before !== undefined && before.activeHeight > height)
    return refuse("pending", [
      ["contract", name],
      ["version", before.version],
      ["height", before.activeHeight],
    ]);
  // Those that will be in force with it.
  const others = new Catalogue(engine, state, activeHeight);
  const { contract, findings } = engine.compile(source, (imported) =>
    imported === name ? undefined : others.load(imported)?.contract,
  );
  if (contract === undefined) return refuse("document", findingValues(findings));
  if (contract.name !== name)
    return refuse("name", [
      ["expected", name],
      ["document", contract.name],
    ]);
  if (before === undefined && deployedNames(state).length >= CONTRACTS_MAX)
    return refuse("count", [["contracts", CONTRACTS_MAX]]);
  if (reaches(contract, name, others)) return refuse("imports", [["circle", name]]);
  const old = before && others.load(name)?.contract;
  const fault = old === undefined ? firstVersionFault(contract) : changeFault(state, old, contract);
  return fault === undefined ? { contract, before } : refuse("upgrade", fault);
}

function changeFault(state: StateReader, old: CompiledContract, contract: CompiledContract) {
  return upgradeFault(old, contract) ?? settingValueFault(state, old, contract);
}

/** Settings that the version before does not have begin with the numbers of the document, whatever once was set under their names. */
function beginSettings(
  frame: Frame,
  { old, contract }: { readonly old: CompiledContract | undefined; readonly contract: CompiledContract },
  { state, overlay }: DeployHost,
): void {
  for (const { name } of contract.settings) {
    if (old?.settings.some((setting) => setting.name === name)) continue;
    charge(frame, GAS.read);
    if (SETTINGS.read(state, [contract.name, name]) === null) continue;
    charge(frame, GAS.write);
    overlay.delete(SETTINGS.stateKey([contract.name, name]));
  }
}

function catalogue({ overlay }: DeployHost, names: readonly string[]): void {
  overlay.put(CATALOGUE.stateKey([CATALOGUE_KEY]), CATALOGUE.encode([CATALOGUE_KEY, [...names].sort()]));
}

/** Whether following imports leads back: a contract cannot stand on itself. */
function reaches(contract: CompiledContract, name: string, others: Catalogue): boolean {
  const seen = new Set(contract.imports);
  for (const imported of seen) {
    if (imported === name) return true;
    for (const next of others.load(imported)?.contract.imports ?? []) seen.add(next);
  }
  return false;
}

/** Takes back the newest version of a contract before it is in force. */
function withdraw(frame: Frame, { name, ruleId }: DeployRequest, host: DeployHost): Refusal | undefined {
  const { state, overlay, height } = host;
  charge(frame, WITHDRAW_ROWS_UNITS);
  const pending = deployedVersion(state, name);
  if (pending === undefined || pending.activeHeight <= height)
    return refused(`${ruleId}.pending`, [
      ["contract", name],
      ["version", pending?.version ?? 0],
      ["height", pending?.activeHeight ?? 0],
    ]);
  overlay.delete(VERSIONS.stateKey([name, pending.version]));
  const before = VERSIONS.read(state, [name, pending.version - 1]);
  if (before === null) {
    overlay.delete(CONTRACTS.stateKey([name]));
    catalogue(
      host,
      deployedNames(state).filter((other) => other !== name),
    );
  } else {
    const [, version = 0, sourceHash = null, activeHeight = 0] = before;
    const previousHash = VERSIONS.read(state, [name, pending.version - 2])?.[2] ?? new Uint8Array(0);
    overlay.put(CONTRACTS.stateKey([name]), CONTRACTS.encode([name, version, sourceHash, activeHeight, previousHash]));
  }
  return undefined;
}
