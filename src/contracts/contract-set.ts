// Whether contracts stand together: every one compiles with the versions that the others have, and no two debit one account.
// It judges whole sets; one document alone is judged by the check.

import type { StateReader } from "../ledger/types.ts";
import { accountsOverlap } from "./accounts.ts";
import type { CompiledContract } from "./compiled.ts";
import { Catalogue, deployedNames, deployedVersion, type Engine } from "./engine.ts";
import type { Finding } from "./finding.ts";
import type { RefusalValues } from "./refusal.ts";

/** `part` is the last word of the rule id. */
export interface SetFault {
  readonly part: "dependants" | "accounts";
  readonly values: RefusalValues;
}

/**
 * Why the contracts in force at some height from `from` on do not stand together. Versions that are deployed and not yet in force
 * count from their own height on.
 */
export function contractSetFault(engine: Engine, state: StateReader, from: number): SetFault | undefined {
  const names = deployedNames(state);
  const later = names.map((name) => deployedVersion(state, name)?.activeHeight ?? 0).filter((height) => height > from);
  for (const height of [from, ...new Set(later)].sort((left, right) => left - right)) {
    const fault = faultAt(new Catalogue(engine, state, height), names, height);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function faultAt(catalogue: Catalogue, names: readonly string[], height: number): SetFault | undefined {
  const contracts: CompiledContract[] = [];
  for (const name of names) {
    const compilation = catalogue.compilation(name);
    if (compilation?.contract !== undefined) contracts.push(compilation.contract);
    else if (compilation !== undefined)
      return {
        part: "dependants",
        values: [["dependant", name], ["height", height], ...findingValues(compilation.findings)],
      };
  }
  return accountsFault(contracts);
}

/** Two contracts that could both debit one account. */
export function accountsFault(contracts: readonly CompiledContract[]): SetFault | undefined {
  for (const [index, { name, accounts }] of contracts.entries())
    for (const other of contracts.slice(0, index)) {
      const overlap = accountsOverlap(accounts, other.accounts);
      if (overlap !== undefined)
        return {
          part: "accounts",
          values: [
            ["contract", name],
            ["account", overlap.left],
            ["other", other.name],
            ["others", overlap.right],
          ],
        };
    }
  return undefined;
}

const FINDINGS_SHOWN = 8;

/** How many errors there are, and the first of them. */
export function findingValues(findings: readonly Finding[]): RefusalValues {
  const errors = findings.filter(({ severity }) => severity === "error");
  const shown = errors
    .slice(0, FINDINGS_SHOWN)
    .map(
      ({ line, column, code, message }, index) =>
        [`finding[${index}]`, `${line}:${column} ${code}: ${message}`.slice(0, 160)] as const,
    );
  return [["findings", errors.length], ...shown];
}
