// The statement `deploy`: checks a document, compares it with the version it replaces, and writes code and version.
// New code is in force from the next block; rows of the old version stay readable by the new one.

import type { StateOverlay, StateReader } from "../ledger/types.ts";
import { equalValues } from "./compile-expression.ts";
import type { CompiledContract, CompiledTable } from "./compiled.ts";
import { contractSetFault, findingValues } from "./contract-set.ts";
import { Catalogue, type DeployedVersion, deployedNames, deployedVersion, type Engine } from "./engine.ts";
import { charge, type Frame } from "./frame.ts";
import { byteUnits, GAS } from "./gas.ts";
import { type Refusal, type RefusalValues, refused } from "./refusal.ts";
import { CATALOGUE_KEY, CONTRACTS_MAX } from "./system.ts";
import { CATALOGUE, CONTRACTS, SOURCES } from "./system-layouts.ts";
import { utf8Length } from "./text.ts";
import { typeName } from "./types.ts";

export interface DeployRequest {
  readonly name: string;
  readonly source: string;
  readonly ruleId: string;
}

/**
 * @param host.state what is read to judge: which sources that are depends on what this process has compiled already, so it is not metered
 * @param host.overlay what the transaction writes, metered
 * @throws OutOfGas, LimitReached
 */
export function deploy(
  frame: Frame,
  request: DeployRequest,
  host: {
    readonly state: StateReader;
    readonly overlay: Pick<StateOverlay, "put">;
    readonly engine: Engine;
    readonly height: number;
  },
): Refusal | undefined {
  const { state, overlay, engine, height } = host;
  const bytes = utf8Length(request.source);
  charge(frame, bytes * GAS.sourceByte + byteUnits(bytes) + 2 * (GAS.read + GAS.write));
  const judged = judge(request, new Catalogue(engine, state, Number.POSITIVE_INFINITY), engine, state);
  if ("refusal" in judged) return judged.refusal;
  const { contract, before } = judged;
  const row = SOURCES.read(state, [contract.sourceHash]);
  if (row === null)
    overlay.put(SOURCES.stateKey([contract.sourceHash]), SOURCES.encode([contract.sourceHash, request.source]));
  const inForce =
    before === undefined ? new Uint8Array(0) : height >= before.activeHeight ? before.sourceHash : before.previousHash;
  overlay.put(
    CONTRACTS.stateKey([request.name]),
    CONTRACTS.encode([request.name, (before?.version ?? 0) + 1, contract.sourceHash, height + 1, inForce]),
  );
  if (before === undefined) catalogue(host, request.name);
  const fault = contractSetFault(engine, state, height + 1);
  return fault && refused(`${request.ruleId}.${fault.part}`, fault.values);
}

type Judgement =
  | { readonly refusal: Refusal }
  | { readonly contract: CompiledContract; readonly before: DeployedVersion | undefined };

function judge(
  { name, source, ruleId }: DeployRequest,
  newest: Catalogue,
  engine: Engine,
  state: StateReader,
): Judgement {
  const refuse = (part: string, values: RefusalValues): Judgement => ({
    refusal: refused(`${ruleId}.${part}`, values),
  });
  const { contract, findings } = engine.compile(source, (imported) =>
    imported === name ? undefined : newest.load(imported)?.contract,
  );
  if (contract === undefined) return refuse("document", findingValues(findings));
  if (contract.name !== name)
    return refuse("name", [
      ["expected", name],
      ["document", contract.name],
    ]);
  const before = deployedVersion(state, name);
  if (before === undefined && deployedNames(state).length >= CONTRACTS_MAX)
    return refuse("count", [["contracts", CONTRACTS_MAX]]);
  if (reaches(contract, name, newest)) return refuse("imports", [["circle", name]]);
  const old = before && newest.load(name)?.contract;
  const fault = old && upgradeFault(old, contract);
  return fault === undefined ? { contract, before } : refuse("upgrade", fault);
}

function catalogue(
  { state, overlay }: { readonly state: StateReader; readonly overlay: Pick<StateOverlay, "put"> },
  name: string,
): void {
  const names = [...deployedNames(state), name].sort();
  overlay.put(CATALOGUE.stateKey([CATALOGUE_KEY]), CATALOGUE.encode([CATALOGUE_KEY, names]));
}

/** Whether following imports leads back: a contract cannot stand on itself. */
function reaches(contract: CompiledContract, name: string, newest: Catalogue): boolean {
  const seen = new Set(contract.imports);
  for (const imported of seen) {
    if (imported === name) return true;
    for (const next of newest.load(imported)?.contract.imports ?? []) seen.add(next);
  }
  return false;
}

/** What the new version would break: tables stay, keys stay, fields stay where they are, new fields have defaults. */
export function upgradeFault(before: CompiledContract, after: CompiledContract): RefusalValues | undefined {
  for (const [name, table] of before.tables) {
    const next = after.tables.get(name);
    if (next === undefined)
      return [
        ["table", name],
        ["problem", "is missing"],
      ];
    const fault = tableFault(table, next);
    if (fault !== undefined) return [["table", name], ...fault];
  }
  return undefined;
}

function tableFault({ layout: before }: CompiledTable, { layout: after }: CompiledTable): RefusalValues | undefined {
  if (before.keyLength !== after.keyLength) return [["problem", "its key has another length"]];
  for (const [index, { name, type, defaultValue }] of before.columns.entries()) {
    const next = after.columns[index];
    if (next?.name !== name || typeName(next.type) !== typeName(type))
      return [
        ["field", name],
        ["problem", "is missing, elsewhere, or of another type"],
      ];
    // Older rows have the default instead of the field: another one would change them.
    if (!equalValues(defaultValue ?? null, next.defaultValue ?? null))
      return [
        ["field", name],
        ["problem", "has another default"],
      ];
  }
  const added = after.columns.slice(before.columns.length).find(({ defaultValue }) => defaultValue === undefined);
  return (
    added && [
      ["field", added.name],
      ["problem", "is new and has no default"],
    ]
  );
}
