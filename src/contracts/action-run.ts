// One run of one action: roles, arguments, reads, conditions, statements, then invariants, then the writes. All or nothing is the caller's mark.
// Every expression sees the rows as they were read; what the statements change takes effect together at the end.

import { invariant } from "../assert.ts";
import type { Value } from "../ledger/codec.ts";
import { bytesEqual, EMPTY_BYTES } from "../ledger/hash.ts";
import type { LedgerEvent } from "../ledger/types.ts";
import { callableBy, FIXED_SLOTS } from "./checked.ts";
import type { CompiledAction, CompiledCondition, CompiledRead, CompiledScan, CompiledTable } from "./compiled.ts";
import type { DeployRequest } from "./deploy.ts";
import { charge, type Frame, type Row } from "./frame.ts";
import { byteUnits, GAS, valueSize, writeUnits } from "./gas.ts";
import { followRow, type IndexStore } from "./index-rows.ts";
import type { MeteredOverlay } from "./metered-overlay.ts";
import { ExpressionError } from "./outcome.ts";
import { type Payment, payMoney } from "./payment.ts";
import { PaidStore, readGroup } from "./read-group.ts";
import { failed, type Refusal, type RefusalValues, refused } from "./refusal.ts";
import type { RowLayout } from "./row-layout.ts";
import { MONEY, TIMERS } from "./system-layouts.ts";

/** Who acts. A timer acts as role `timer` with empty names. */
export interface Caller {
  readonly id: string;
  readonly organisation: string;
  readonly roles: readonly string[];
  /** ids of the other signers */
  readonly cosigners: readonly string[];
  /** the contract that calls, on behalf of the same signer; empty: the transaction or the timer itself */
  readonly contract: string;
}

/** What actions may do beside rows of their own contract. */
export interface ActionHost {
  /** of this transaction: counts what it uses */
  readonly overlay: MeteredOverlay;
  readonly timeMs: number;
  /** an action of the code and settings that this block runs; undefined: there is none */
  callee(contract: string, action: string): Callee | undefined;
  /** why no action of a contract runs now; undefined: they do */
  stopped(contract: string): Refusal | undefined;
  deploy(frame: Frame, request: DeployRequest): Refusal | undefined;
}

export interface Callee {
  readonly action: CompiledAction;
  readonly settings: readonly Value[];
}

export type CallArguments = readonly (readonly [name: string, value: Value])[];

/** An empty frame for one run. */
export function frameOf({ action, settings }: Callee, gas: number): Frame {
  return { gas, slots: new Array(action.slotCount), rows: new Array(action.reads.length), settings };
}

/** A row on its way into the state; `row` null: deleted. */
interface PendingRow {
  readonly table: CompiledTable;
  readonly key: Uint8Array;
  /** null: it is new */
  readonly before: Row | null;
  /** of the row as it was read; empty: it is new */
  readonly bytes: Uint8Array;
  row: Row | null;
  /** columns already set: no field is set twice in one run, whatever it was read as */
  readonly assigned: boolean[];
}

/**
 * Runs one action. Charges `frame.gas` as it goes and leaves what is left there.
 * @returns why it was refused, in which case the caller undoes the overlay; undefined when it happened
 * @throws OutOfGas, LimitReached
 */
export function runAction(
  action: CompiledAction,
  context: {
    readonly host: ActionHost;
    readonly frame: Frame;
    readonly caller: Caller;
    readonly args: CallArguments;
    readonly events: LedgerEvent[];
  },
): Refusal | undefined {
  const run = new ActionRun(action, context);
  return run.begin(context.args) ?? run.readRows() ?? run.require() ?? run.perform() ?? run.finish();
}

export class ActionRun {
  readonly frame: Frame;
  readonly host: ActionHost;
  private readonly action: CompiledAction;
  private readonly events: LedgerEvent[];
  private readonly caller: Caller;
  private readonly store: IndexStore;
  private readonly pending: PendingRow[] = [];
  /** the rows that were read as they stand in the state, by read */
  private readonly found: { readonly key: Uint8Array; readonly bytes: Uint8Array }[];

  constructor(
    action: CompiledAction,
    context: {
      readonly host: ActionHost;
      readonly frame: Frame;
      readonly caller: Caller;
      readonly events: LedgerEvent[];
    },
  ) {
    this.action = action;
    this.frame = context.frame;
    this.host = context.host;
    this.events = context.events;
    this.caller = context.caller;
    this.found = new Array(action.reads.length);
    this.store = new PaidStore(context.frame, context.host.overlay);
  }

  // ---- the run, in order ----

  begin(args: CallArguments): Refusal | undefined {
    const { action, caller, frame, host } = this;
    charge(frame, GAS.call);
    const stopped = host.stopped(action.contract);
    if (stopped !== undefined) return stopped;
    if (!this.isAuthorised()) {
      const contract: RefusalValues = caller.contract === "" ? [] : [["caller.contract", caller.contract]];
      return {
        status: "unauthorised",
        ruleId: `${action.ruleId}.by`,
        values: [["caller.id", caller.id], ["caller.roles", caller.roles], ...contract],
      };
    }
    const { slots } = frame;
    slots[FIXED_SLOTS.now] = host.timeMs;
    slots[FIXED_SLOTS.callerId] = caller.id;
    slots[FIXED_SLOTS.callerOrganisation] = caller.organisation;
    slots[FIXED_SLOTS.callerRoles] = caller.roles;
    slots[FIXED_SLOTS.cosigners] = caller.cosigners;
    slots[FIXED_SLOTS.callerContract] = caller.contract;
    return this.bindArguments(args);
  }

  /** The signer's roles say nothing about what a contract may do in the signer's name. */
  private isAuthorised(): boolean {
    const { by } = this.action;
    const { contract, roles } = this.caller;
    return contract === "" ? roles.some((role) => by.has(role)) : by.has(callableBy(contract));
  }

  private bindArguments(args: CallArguments): Refusal | undefined {
    const { params, ruleId } = this.action;
    for (let index = 0; index < params.length; index += 1) {
      const { name, slot, isMember, unitsMax } = params[index]!;
      const argument = args[index];
      if (argument?.[0] !== name)
        return refused(`${ruleId}.params`, [
          ["expected", name],
          ["given", argument?.[0] ?? null],
        ]);
      charge(this.frame, Math.min(byteUnits(valueSize(argument[1])), unitsMax));
      if (!isMember(argument[1])) return refused(`${ruleId}.params.${name}`, [[`p.${name}`, argument[1]]]);
      this.frame.slots[slot] = argument[1];
    }
    const extra = args[params.length];
    return extra === undefined ? undefined : refused(`${ruleId}.params`, [["unexpected", extra[0]]]);
  }

  readRows(): Refusal | undefined {
    const { reads } = this.action;
    for (let index = 0; index < reads.length; index += 1) {
      const refusal = this.readRow(reads[index]!, index);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  private readRow(read: CompiledRead, index: number): Refusal | undefined {
    const { layout, key, isOptional, ruleId, scan } = read;
    const values = new Array<Value>(key.length);
    let isKey = true;
    for (let column = 0; column < key.length; column += 1) {
      const { evaluate, isMember } = key[column]!;
      const value = evaluate(this.frame);
      if (value instanceof ExpressionError) return failed(ruleId, value);
      isKey &&= isMember(value);
      values[column] = value;
    }
    if (scan !== undefined) return this.readGroup({ layout, scan, ruleId }, isKey ? values : undefined);
    charge(this.frame, GAS.read);
    // A value outside the column's type is the key of no row.
    const stateKey = isKey ? layout.stateKey(values) : undefined;
    const entry = stateKey && this.host.overlay.get(stateKey);
    if (stateKey === undefined || entry === undefined) {
      // Every account has a balance, also one that no money has reached yet.
      const isMoney = layout.contract === MONEY.contract && layout.name === MONEY.name;
      this.frame.rows[index] = isMoney ? [...values, 0] : null;
      return isMoney || isOptional ? undefined : refused(ruleId, this.keyValues(layout, values));
    }
    charge(this.frame, byteUnits(entry.value.length));
    this.found[index] = { key: stateKey, bytes: entry.value };
    this.frame.rows[index] = layout.decode(values, entry.value);
    return undefined;
  }

  /** @param values undefined: of no group */
  private readGroup(
    read: { readonly layout: RowLayout; readonly scan: CompiledScan; readonly ruleId: string },
    values: readonly Value[] | undefined,
  ): Refusal | undefined {
    const group = values === undefined ? { rows: [] } : readGroup(this.store, read, values);
    if ("refusal" in group) return group.refusal;
    this.frame.slots[read.scan.slot] = group.rows;
    return undefined;
  }

  private keyValues(layout: CompiledTable["layout"], values: readonly Value[]): RefusalValues {
    return values.map((value, index) => [`${layout.name}.${layout.columns[index]?.name}`, value]);
  }

  require(): Refusal | undefined {
    for (const condition of this.action.requires) {
      const refusal = this.check(condition, this.frame);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  /** @returns why the condition does not hold, with what it compared */
  private check(condition: CompiledCondition, frame: Frame): Refusal | undefined {
    charge(frame, GAS.statement);
    const outcome = condition.evaluate(frame);
    if (outcome === true) return undefined;
    const values = condition.references.map(({ label, evaluate }): RefusalValues[number] => {
      const value = evaluate(frame);
      return [label, value instanceof ExpressionError ? null : value];
    });
    return outcome instanceof ExpressionError
      ? failed(condition.ruleId, outcome, values)
      : refused(condition.ruleId, values);
  }

  perform(): Refusal | undefined {
    for (const statement of this.action.statements) {
      const refusal = statement(this);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  /** Invariants of every changed row, then the writes. */
  finish(): Refusal | undefined {
    for (const { table, row } of this.pending) {
      const refusal = row === null ? undefined : this.checkAlways(table, row);
      if (refusal !== undefined) return refusal;
    }
    for (const { table, key, before, bytes, row, assigned } of this.pending) {
      followRow(this.store, table.layout, { before, after: row, key });
      charge(this.frame, GAS.write);
      if (row === null) this.host.overlay.delete(key);
      else this.put(key, table.layout.encodeChanged(row, bytes, assigned));
    }
    return undefined;
  }

  private checkAlways(table: CompiledTable, row: Row): Refusal | undefined {
    if (table.always.length === 0) return undefined;
    const { frame } = this;
    const own: Frame = { gas: frame.gas, slots: new Array(table.alwaysSlots), rows: [row], settings: frame.settings };
    for (const condition of table.always) {
      const refusal = this.check(condition, own);
      frame.gas = own.gas;
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  private put(key: Uint8Array, bytes: Uint8Array): void {
    charge(this.frame, writeUnits(bytes.length));
    this.host.overlay.put(key, bytes);
  }

  // ---- what statements do ----

  /** @param row complete, key columns first */
  insert(table: CompiledTable, row: Row, ruleId: string): Refusal | undefined {
    charge(this.frame, GAS.read);
    for (const { ruleId: flow, column, initial } of table.flows) {
      const state = row[column];
      if (typeof state === "string" && !initial.has(state))
        return refused(flow, [
          [labelOf(table, column), null],
          ["next", state],
        ]);
    }
    const key = table.layout.stateKeyOf(row);
    if (this.pendingRow(table, key) !== undefined || this.host.overlay.get(key) !== undefined) {
      return refused(`${ruleId}.exists`, this.keyValues(table.layout, row.slice(0, table.layout.keyLength)));
    }
    this.pending.push({ table, key, before: null, bytes: EMPTY_BYTES, row, assigned: row.map(() => true) });
    return undefined;
  }

  /** @param columns those that are set, each to the value at the same place */
  update(
    table: CompiledTable,
    read: number,
    {
      columns,
      values,
      ruleId,
    }: { readonly columns: readonly number[]; readonly values: readonly Value[]; readonly ruleId: string },
  ): Refusal | undefined {
    const before = this.frame.rows[read];
    if (before === null || before === undefined) return refused(`${ruleId}.absent`, []);
    const pending = this.rowToChange(table, read, before);
    if (pending.row === null)
      return refused(`${ruleId}.twice`, this.keyValues(table.layout, before.slice(0, table.layout.keyLength)));
    const row = [...pending.row];
    for (let index = 0; index < columns.length; index += 1) {
      const column = columns[index]!;
      const value = values[index]!;
      if (pending.assigned[column] === true) return refused(`${ruleId}.twice`, [[labelOf(table, column), value]]);
      const flow = table.flowOf[column];
      const from = before[column];
      if (
        flow !== undefined &&
        typeof from === "string" &&
        typeof value === "string" &&
        !flow.moves.get(from)?.has(value)
      ) {
        return refused(flow.ruleId, [
          [labelOf(table, column), from],
          ["next", value],
        ]);
      }
      pending.assigned[column] = true;
      row[column] = value;
    }
    pending.row = row;
    return undefined;
  }

  delete(table: CompiledTable, read: number, ruleId: string): Refusal | undefined {
    const before = this.frame.rows[read];
    if (before === null || before === undefined) return refused(`${ruleId}.absent`, []);
    const pending = this.rowToChange(table, read, before);
    if (pending.row === null || pending.assigned.includes(true))
      return refused(`${ruleId}.twice`, this.keyValues(table.layout, before.slice(0, table.layout.keyLength)));
    pending.row = null;
    return undefined;
  }

  private pendingRow(table: CompiledTable, key: Uint8Array): PendingRow | undefined {
    return this.pending.find((pending) => pending.table === table && bytesEqual(pending.key, key));
  }

  /** One entry per row of the state, also when it was read under two names. */
  private rowToChange(table: CompiledTable, read: number, before: Row): PendingRow {
    const found = this.found[read];
    invariant(found !== undefined, "R290: a row that was read has its key");
    const { key, bytes } = found;
    const known = this.pendingRow(table, key);
    if (known !== undefined) return known;
    const pending: PendingRow = { table, key, before, bytes, row: before, assigned: before.map(() => false) };
    this.pending.push(pending);
    return pending;
  }

  emit(name: string, fields: LedgerEvent["fields"]): undefined {
    let bytes = 0;
    for (const [, value] of fields) bytes += valueSize(value);
    charge(this.frame, GAS.event + byteUnits(bytes));
    this.host.overlay.event(bytes);
    this.events.push({ contract: this.action.contract, name, fields });
  }

  pay(payment: Payment): Refusal | undefined {
    return payMoney(this.frame, this.host.overlay, payment);
  }

  /** Runs an action of another contract, whole: its reads, conditions, statements, invariants and writes. */
  call({
    contract,
    action,
    args,
  }: {
    readonly contract: string;
    readonly action: string;
    readonly args: CallArguments;
  }): Refusal | undefined {
    const { host, frame, events } = this;
    const callee = host.callee(contract, action);
    // Deployment has seen to it; only an author's test may lack the other contract.
    if (callee === undefined) return { ...refused("call.contract", [["contract", contract]]), status: "failed" };
    const own = frameOf(callee, frame.gas);
    const caller: Caller = { ...this.caller, contract: this.action.contract };
    try {
      return runAction(callee.action, { host, frame: own, caller, args, events });
    } finally {
      frame.gas = own.gas;
    }
  }

  /** Replaces a timer of the same key. R237: a time that has passed is now, or those who name one would always come before all who wait. */
  schedule({
    key,
    at,
    action,
    args,
  }: {
    readonly key: string;
    readonly at: number;
    readonly action: string;
    readonly args: Uint8Array;
  }): undefined {
    charge(this.frame, GAS.write);
    const row = [this.action.contract, key, Math.max(at, this.host.timeMs), action, args];
    this.put(TIMERS.stateKeyOf(row), TIMERS.encode(row));
  }

  /** Nothing happens when there is no such timer. */
  cancel(key: string): undefined {
    charge(this.frame, GAS.read);
    const stateKey = TIMERS.stateKey([this.action.contract, key]);
    if (this.host.overlay.get(stateKey) === undefined) return;
    charge(this.frame, GAS.write);
    this.host.overlay.delete(stateKey);
  }
}

function labelOf({ layout }: CompiledTable, column: number): string {
  return `${layout.name}.${layout.columns[column]?.name}`;
}
