// Compiled contracts by the hash of their source, and which of them is in force at a height of a state.
// A cache never changes a result: a contract compiled again is the same contract.

import type { Value } from "../ledger/codec.ts";
import { type Hash, toHex } from "../ledger/hash.ts";
import type { StateReader } from "../ledger/types.ts";
import { checkContract } from "./check-contract.ts";
import type { Exports, ImportSource } from "./check-import.ts";
import { compileContract, sourceHashOf } from "./compile-contract.ts";
import type { CompiledContract } from "./compiled.ts";
import type { Finding } from "./finding.ts";
import type { TableShape } from "./scope.ts";
import { type Stop, stopOf } from "./stop.ts";
import { CATALOGUE_KEY } from "./system.ts";
import { CATALOGUE, CONTRACTS, SETTINGS, SOURCES, VERSIONS } from "./system-layouts.ts";
import { membership } from "./types.ts";

const COMPILED_MAX = 512;

export interface Compilation {
  readonly findings: readonly Finding[];
  /** undefined when a finding is an error */
  readonly contract: CompiledContract | undefined;
}

/** Checks and compiles one document. */
export function compileSource(source: string, imports?: ImportSource): Compilation {
  const { findings, contract, lineOf } = checkContract(source, imports);
  return { findings, contract: contract && compileContract(contract, { source, lineOf }) };
}

interface Kept {
  readonly compilation: Compilation;
  /** what the document imports, and what that imports: places of columns and worst cases are part of the result */
  readonly imports: ReadonlyMap<string, CompiledContract | undefined>;
}

/** Contracts that a document may import, by name. */
export type ContractLookup = (name: string) => CompiledContract | undefined;

/** Keeps what was compiled; one per process is enough, several do not disturb each other. */
export class Engine {
  /** by the hash of the source: once for each set of imports that was met */
  private readonly kept = new Map<string, readonly Kept[]>();
  private count = 0;

  compile(source: string, imports: ContractLookup): Compilation {
    const sourceHash = sourceHashOf(source);
    const known = this.find(sourceHash, imports);
    if (known !== undefined) return known;
    const used = new Map<string, CompiledContract | undefined>();
    const compilation = compileSource(source, (name) => {
      const contract = imports(name);
      used.set(name, contract);
      return exportsOf(contract);
    });
    if (this.count >= COMPILED_MAX) this.forget();
    const key = toHex(sourceHash);
    this.kept.set(key, [...(this.kept.get(key) ?? []), { compilation, imports: used }]);
    this.count += 1;
    return compilation;
  }

  /** What is known of a source by its hash, unless what it imports has changed since. */
  find(sourceHash: Hash, imports: ContractLookup): Compilation | undefined {
    const known = this.kept.get(toHex(sourceHash)) ?? [];
    return known.find((kept) => [...kept.imports].every(([name, contract]) => imports(name) === contract))?.compilation;
  }

  private forget(): void {
    this.kept.clear();
    this.count = 0;
  }
}

/** A contract that is not there has no tables and no actions: everything imported from it is unknown. */
export function exportsOf(contract: CompiledContract | undefined): Exports {
  const shapes = [...(contract?.tables ?? [])].map(([name, { layout }]) => [name, layout] as const);
  return { tables: new Map<string, TableShape>(shapes), actions: contract?.actions ?? new Map() };
}

export interface DeployedVersion {
  readonly version: number;
  readonly sourceHash: Uint8Array;
  readonly activeHeight: number;
}

/** A contract in force with the numbers of its settings. */
export interface LoadedContract {
  readonly contract: CompiledContract;
  readonly settings: readonly Value[];
  /** the last stop that was decided, also when it is over */
  readonly stop: Stop | undefined;
}

export function deployedVersion(state: StateReader, name: string): DeployedVersion | undefined {
  const row = CONTRACTS.read(state, [name]);
  if (row === null) return undefined;
  const [, version, sourceHash, activeHeight] = row;
  if (typeof version !== "number" || typeof activeHeight !== "number") return undefined;
  if (!(sourceHash instanceof Uint8Array)) return undefined;
  return { version, sourceHash, activeHeight };
}

/** The version that is in force at a height; undefined: none is yet. */
export function versionAt(
  state: StateReader,
  name: string,
  height: number,
): Pick<DeployedVersion, "version" | "sourceHash"> | undefined {
  const newest = deployedVersion(state, name);
  if (newest === undefined || height >= newest.activeHeight) return newest;
  for (let version = newest.version - 1; version > 0; version -= 1) {
    const [, , sourceHash, activeHeight] = VERSIONS.read(state, [name, version]) ?? [];
    const isInForce = typeof activeHeight === "number" && activeHeight <= height;
    if (isInForce && sourceHash instanceof Uint8Array) return { version, sourceHash };
  }
  return undefined;
}

/** Names of all contracts ever deployed, in order. */
export function deployedNames(state: StateReader): readonly string[] {
  const names = CATALOGUE.read(state, [CATALOGUE_KEY])?.[1];
  return Array.isArray(names) ? names.filter((name) => typeof name === "string") : [];
}

/**
 * The contracts of one state. Loads each at most once: within a block, code, settings and stops are those of its start
 * once they were loaded then, whatever the block's transactions deploy, set or stop.
 */
export class Catalogue {
  private readonly engine: Engine;
  private readonly state: StateReader;
  private readonly height: number;
  private readonly loaded = new Map<string, LoadedContract | undefined>();

  /** @param height at which code is asked for; Infinity: the newest, also when it is not yet in force */
  constructor(engine: Engine, state: StateReader, height: number) {
    this.engine = engine;
    this.state = state;
    this.height = height;
  }

  load(name: string): LoadedContract | undefined {
    if (this.loaded.has(name)) return this.loaded.get(name);
    // A circle of imports finds the name taken and nothing there.
    this.loaded.set(name, undefined);
    const contract = this.compilation(name)?.contract;
    const { state } = this;
    const loaded = contract && { contract, settings: settingsOf(state, contract), stop: stopOf(state, name) };
    this.loaded.set(name, loaded);
    return loaded;
  }

  /** With its findings, also when it is not sound; undefined: no version is in force. */
  compilation(name: string): Compilation | undefined {
    const hash = versionAt(this.state, name, this.height)?.sourceHash;
    if (hash === undefined) return undefined;
    const imports: ContractLookup = (imported) => this.load(imported)?.contract;
    const known = this.engine.find(hash, imports);
    if (known !== undefined) return known;
    const source = SOURCES.read(this.state, [hash])?.[1];
    return typeof source === "string" ? this.engine.compile(source, imports) : undefined;
  }
}

function settingsOf(state: StateReader, contract: CompiledContract): readonly Value[] {
  return contract.settings.map(({ name, type, value }) => {
    const changed = SETTINGS.read(state, [contract.name, name])?.[2];
    return changed !== undefined && membership(type)(changed) ? changed : value;
  });
}
