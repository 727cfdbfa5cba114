// A ledger in memory with documents of the library, for histories that a test makes up: who does what, and what stands there afterwards.
// Actions run by the same code as in a block; nothing here knows what a contract means.

import { readFileSync } from "node:fs";
import { invariant } from "../../../src/assert.ts";
import type { CompiledContract } from "../../../src/contracts/compiled.ts";
import { compileSource, exportsOf } from "../../../src/contracts/engine.ts";
import type { RowLayout } from "../../../src/contracts/row-layout.ts";
import { decodeKey, startsWithBytes } from "../../../src/contracts/state-keys.ts";
import { ANYONE_ROLE } from "../../../src/contracts/system.ts";
import { MONEY } from "../../../src/contracts/system-layouts.ts";
import { EMPTY_STATE, type Step, TestLedger } from "../../../src/contracts/test-ledger.ts";
import type { Type } from "../../../src/contracts/types.ts";
import type { Value } from "../../../src/ledger/codec.ts";
import type { LedgerEvent } from "../../../src/ledger/types.ts";
import { Overlay } from "../../../src/state/overlay.ts";

const LIBRARY = new URL("../../../src/contracts/library/", import.meta.url);

export type Fields = Readonly<Record<string, Value>>;

export interface Act {
  /** `role/id@organisation`; several roles are joined by `+` */
  readonly as: string;
  readonly cosigners?: readonly string[];
  /** `contract.action` */
  readonly do: string;
  readonly with: Fields;
}

/** Compiled once: each after what it imports. */
export function compileLibrary(names: readonly string[]): ReadonlyMap<string, CompiledContract> {
  const compiled = new Map<string, CompiledContract>();
  for (const name of names) {
    const source = readFileSync(new URL(`${name}.yaml`, LIBRARY), "utf8");
    const { contract, findings } = compileSource(source, (imported) => {
      const found = compiled.get(imported);
      return found && exportsOf(found);
    });
    invariant(contract !== undefined, `R14: ${name} compiles: ${findings[0]?.message ?? ""}`);
    compiled.set(name, contract);
  }
  return compiled;
}

export class LibraryLedger {
  readonly ledger: TestLedger;
  /** of everything that happened, in order */
  readonly events: LedgerEvent[] = [];
  private readonly contracts: ReadonlyMap<string, CompiledContract>;

  constructor(contracts: ReadonlyMap<string, CompiledContract>, nowMs: number) {
    this.contracts = contracts;
    this.ledger = new TestLedger(contracts, () => new Overlay({ base: EMPTY_STATE, height: 1 }));
    this.ledger.nowMs = nowMs;
  }

  /** @returns the rule that refused, or undefined when it happened */
  act({ as, cosigners = [], do: path, with: fields }: Act): string | undefined {
    const [contract = "", action = ""] = path.split(".");
    const [roles = "", who = ""] = as.split("/");
    const [id = "", organisation = ""] = who.split("@");
    const args = Object.entries(fields).sort(([left], [right]) => (left < right ? -1 : 1));
    const caller = { id, organisation, roles: [...roles.split("+"), ANYONE_ROLE], cosigners, contract: "" };
    return this.noted(this.ledger.call(contract, action, { caller, args }));
  }

  /** Lets time pass; what was due runs. */
  advance(ms: number): void {
    for (const step of this.ledger.advance(this.ledger.nowMs + ms)) this.noted(step);
  }

  private noted(step: Step): string | undefined {
    this.events.push(...step.events);
    return step.refusal?.ruleId;
  }

  /** Puts a row there as a test's beginning; what is left out is empty. */
  put(table: string, fields: Fields): void {
    const layout = this.layout(table);
    const wrong = this.ledger.put(
      layout,
      layout.columns.map(({ name, type }) => fields[name] ?? emptyOf(type)),
    );
    invariant(wrong === undefined, `R14: ${table}.${wrong ?? ""} is of its type`);
  }

  rows(table: string): readonly Fields[] {
    const layout = this.layout(table);
    return this.ledger.overlay.writes().flatMap(({ key, value }) => {
      if (value === undefined || !startsWithBytes(key, layout.prefix)) return [];
      const keys = decodeKey(key, layout.prefix.length, layout.keyColumns);
      return keys.ok ? [this.named(layout, layout.decode(keys.value, value))] : [];
    });
  }

  row(table: string, ...key: readonly Value[]): Fields | undefined {
    const layout = this.layout(table);
    const row = layout.read(this.ledger.overlay, key);
    return row === null ? undefined : this.named(layout, row);
  }

  balance(account: string): number {
    return Number(this.ledger.balance(account));
  }

  /** Of a contract's table, or of the ledger's own accounts of money. */
  layout(table: string): RowLayout {
    if (table === "ledger.money") return MONEY;
    const [contract = "", name = ""] = table.split(".");
    const layout = this.contracts.get(contract)?.tables.get(name)?.layout;
    invariant(layout !== undefined, `R14: there is a table ${table}`);
    return layout;
  }

  private named(layout: RowLayout, row: readonly Value[]): Fields {
    return Object.fromEntries(layout.columns.map(({ name }, index) => [name, row[index] ?? null]));
  }
}

function emptyOf(type: Type): Value {
  switch (type.kind) {
    case "bool":
      return false;
    case "int":
      return type.min > 0n ? Number(type.min) : 0;
    case "bytes":
      return new Uint8Array(0);
    case "list":
      return [];
    default:
      return type.kind === "text" ? (type.values?.[0] ?? "") : null;
  }
}
