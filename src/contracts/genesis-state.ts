// The state at height 0: organisations, seats, parameters, contracts and accounts of the genesis as rows of the system tables.
// Everything after it is changed by transactions only.

import { invariant } from "../assert.ts";
import { LedgerError } from "../errors.ts";
import type { Value } from "../ledger/codec.ts";
import type { Genesis } from "../ledger/genesis.ts";
import { compareBytes, toHex } from "../ledger/hash.ts";
import type { StateWrite } from "../ledger/types.ts";
import type { CompiledContract } from "./compiled.ts";
import { accountsFault } from "./contract-set.ts";
import type { Engine } from "./engine.ts";
import { parametersIn } from "./governance-rows.ts";
import type { RefusalValues } from "./refusal.ts";
import type { RowLayout } from "./row-layout.ts";
import {
  CATALOGUE_KEY,
  GOVERNANCE_CONTRACT,
  PARAMETER_NAMES,
  PROTOCOL_ROWS,
  REGISTRY_CONTRACT,
  ROSTER_KEY,
} from "./system.ts";
import { CATALOGUE, SOURCES, VERSIONS } from "./system-layouts.ts";
import { membership } from "./types.ts";

const CORRECT_PLAN = "correct the plan or that contract, and make the genesis again";

/**
 * @returns the writes in key order
 * @throws LedgerError GENESIS_CONTRACT_MISSING (governance or registry), GENESIS_CONTRACT_INVALID (with the first finding), GENESIS_CONTRACT_TWICE,
 * GENESIS_ACCOUNTS_OVERLAP (with both contracts and accounts), GENESIS_ROW_INVALID, GENESIS_PARAMETERS_INVALID
 */
export function genesisWrites(genesis: Genesis, engine: Engine): readonly StateWrite[] {
  const contracts = compileAll(genesis, engine);
  const governance = required(contracts, GOVERNANCE_CONTRACT);
  const registry = required(contracts, REGISTRY_CONTRACT);
  const rows: StateWrite[] = [];
  const put = (layout: RowLayout, values: readonly Value[]) => {
    // A contract may have appended fields to a table of the host: they begin with their defaults.
    const row = layout.columns.map(({ defaultValue }, index) => values[index] ?? defaultValue ?? null);
    const wrong = layout.columns.find(({ type }, index) => !membership(type)(row[index] ?? null));
    if (wrong !== undefined)
      throw new LedgerError(
        "GENESIS_ROW_INVALID",
        { table: layout.name, field: wrong.name, expected: wrong.typeText },
        { remedy: "correct the plan or a member file, and make the genesis again" },
      );
    rows.push({ key: layout.stateKeyOf(row), value: layout.encode(row) });
  };
  const table = (contract: CompiledContract, name: string): RowLayout => {
    const found = contract.tables.get(name);
    invariant(found !== undefined, "R341: a contract that compiles has every table that the ledger reads of it");
    return found.layout;
  };
  for (const { id, title, role } of genesis.organisations) put(table(governance, "organisation"), [id, title, role]);
  for (const [index, { organisation, suite, publicKey, peerId }] of genesis.validators.entries())
    put(table(governance, "seat"), [index, organisation, suite, publicKey, peerId]);
  put(table(governance, "roster"), [ROSTER_KEY, genesis.validators.length]);
  for (const [name, row] of Object.entries(PARAMETER_NAMES))
    put(table(governance, "parameter"), [row, parameterOf(genesis, name)]);
  const { protocol } = genesis.parameters;
  const protocolRows: Readonly<Record<keyof typeof PROTOCOL_ROWS, number>> = { protocol, next: protocol, height: 1 };
  for (const name of ["protocol", "next", "height"] as const)
    put(table(governance, "parameter"), [PROTOCOL_ROWS[name], protocolRows[name]]);
  for (const { name, source, sourceHash } of contracts.values()) {
    put(table(governance, "contract"), [name, 1, sourceHash, 1, new Uint8Array(0)]);
    put(VERSIONS, [name, 1, sourceHash, 1]);
    put(SOURCES, [sourceHash, source]);
  }
  put(CATALOGUE, [CATALOGUE_KEY, [...contracts.keys()].sort()]);
  for (const { id, organisation, roles, suite, publicKey } of genesis.accounts)
    put(table(registry, "account"), [id, organisation, [...roles], suite, publicKey, "active"]);
  refuseParameters(rows);
  return rows.sort((left, right) => compareBytes(left.key, right.key));
}

// What governance may never set, a genesis may not begin with: a ledger whose blocks hold nothing could not even repair itself.
function refuseParameters(rows: readonly StateWrite[]): void {
  const values = new Map(rows.map(({ key, value }) => [toHex(key), value]));
  const get = (key: Uint8Array) => {
    const value = values.get(toHex(key));
    return value === undefined ? undefined : { value, lastHeight: 0 };
  };
  const parameters = parametersIn({ get }, 1);
  if (!parameters.ok)
    throw new LedgerError("GENESIS_PARAMETERS_INVALID", { parameter: parameters.detail }, { remedy: CORRECT_PLAN });
}

/** In the order of the genesis: a contract comes after what it imports. */
function compileAll(genesis: Genesis, engine: Engine): ReadonlyMap<string, CompiledContract> {
  const compiled = new Map<string, CompiledContract>();
  for (const { name, source } of genesis.contracts) {
    if (compiled.has(name))
      throw new LedgerError("GENESIS_CONTRACT_TWICE", { contract: name }, { remedy: CORRECT_PLAN });
    const { contract, findings } = engine.compile(source, (imported) => compiled.get(imported));
    const finding = findings.find(({ severity }) => severity === "error");
    if (contract === undefined || contract.name !== name) {
      const data = {
        contract: name,
        line: finding?.line ?? 1,
        column: finding?.column ?? 1,
        finding: finding?.code ?? "CONTRACT_NAME",
        message: finding?.message ?? `the document is contract ${contract?.name ?? ""}`,
      };
      throw new LedgerError("GENESIS_CONTRACT_INVALID", data, { remedy: CORRECT_PLAN });
    }
    compiled.set(name, contract);
  }
  const fault = accountsFault([...compiled.values()]);
  if (fault !== undefined)
    throw new LedgerError("GENESIS_ACCOUNTS_OVERLAP", accountsOf(fault.values), { remedy: CORRECT_PLAN });
  return compiled;
}

function accountsOf(values: RefusalValues): Readonly<Record<string, string>> {
  return Object.fromEntries(values.map(([name, value]) => [name, String(value)]));
}

function required(contracts: ReadonlyMap<string, CompiledContract>, name: string): CompiledContract {
  const contract = contracts.get(name);
  if (contract === undefined)
    throw new LedgerError(
      "GENESIS_CONTRACT_MISSING",
      { contract: name },
      { remedy: "name it among the contracts of the plan: no ledger begins without governance and registry" },
    );
  return contract;
}

function parameterOf(genesis: Genesis, name: string): number {
  const entry = Object.entries(genesis.parameters).find(([key]) => key === name);
  return typeof entry?.[1] === "number" ? entry[1] : 0;
}
