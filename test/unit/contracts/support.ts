// What the tests of the contracts share: an empty state, evaluation of single expressions, a genesis with plain
// governance and registry, and blocks executed over it.

import { readFileSync } from "node:fs";
import type { CallArguments } from "../../../src/contracts/action-run.ts";
import { checkExpression } from "../../../src/contracts/check-expression.ts";
import { compileExpression } from "../../../src/contracts/compile-expression.ts";
import { Engine } from "../../../src/contracts/engine.ts";
import { type BlockOutput, executeBlock } from "../../../src/contracts/execute-block.ts";
import { parseExpression } from "../../../src/contracts/expression.ts";
import { type Finding, Findings } from "../../../src/contracts/finding.ts";
import { genesisWrites } from "../../../src/contracts/genesis-state.ts";
import { validatorsIn } from "../../../src/contracts/governance-rows.ts";
import { SyntaxFault } from "../../../src/contracts/lexer.ts";
import { ExpressionError, OutOfGas } from "../../../src/contracts/outcome.ts";
import { PROTOCOLS, type Protocols, rulesOf } from "../../../src/contracts/protocols.ts";
import { type Binding, Scope, SlotCounter } from "../../../src/contracts/scope.ts";
import { isTimerKey, timerDueMs } from "../../../src/contracts/state-keys.ts";
import type { Typed } from "../../../src/contracts/typed.ts";
import { parseType } from "../../../src/contracts/types.ts";
import type { Value } from "../../../src/ledger/codec.ts";
import type { Genesis } from "../../../src/ledger/genesis.ts";
import { compareBytes, toHex } from "../../../src/ledger/hash.ts";
import type { Parameters, Receipt, StateEntry, Transaction, Validator } from "../../../src/ledger/types.ts";
import { Overlay } from "../../../src/state/overlay.ts";

export function newOverlay(): Overlay {
  return new Overlay({ base: { get: () => undefined }, height: 1 });
}

export function document(name: string): string {
  return readFileSync(new URL(`documents/${name}`, import.meta.url), "utf8");
}

// ---- expressions ----

/** Names of an expression under test: type text and value. */
export type Names = Readonly<Record<string, readonly [type: string, value: Value]>>;

export interface CheckedText {
  readonly findings: readonly Finding[];
  readonly typed: Typed | undefined;
  readonly slots: number;
}

/** Parses and checks; syntax faults become a finding, as in a document. */
export function check(text: string, names: Names = {}): CheckedText {
  const findings = new Findings(text);
  const slots = new SlotCounter();
  const bindings = Object.entries(names).map(([name, [typeText]]): readonly [string, Binding] => {
    const reading = parseType(typeText, () => undefined);
    if (!reading.ok) throw new Error(reading.message);
    return [name, { kind: "value", slot: slots.take(), type: reading.type, label: name }];
  });
  const scope = new Scope({ slots, used: new Set() }, bindings);
  try {
    const typed = checkExpression(parseExpression(text), { scope, findings, placeOf: (offset) => offset });
    return { findings: findings.list(), typed: findings.hasErrors ? undefined : typed, slots: slots.count };
  } catch (fault) {
    if (!(fault instanceof SyntaxFault)) throw fault;
    findings.error(fault.at, fault.code, fault.message);
    return { findings: findings.list(), typed: undefined, slots: 0 };
  }
}

export interface Evaluation {
  /** a value, or `{error: code}` for an error value, findings and out of gas */
  readonly result: Value | { readonly error: string };
  readonly gas: number;
}

export function evaluate(text: string, names: Names = {}, gasLimit = 1_000_000): Evaluation {
  const { typed, findings, slots } = check(text, names);
  if (typed === undefined) return { result: { error: findings[0]?.code ?? "?" }, gas: 0 };
  const values = Object.values(names).map(([, value]) => value);
  const frame = { gas: gasLimit, slots: [...values, ...new Array(slots - values.length)], rows: [], settings: [] };
  try {
    const value = compileExpression(typed)(frame);
    const result = value instanceof ExpressionError ? { error: value.code } : value;
    return { result, gas: gasLimit - frame.gas };
  } catch (thrown) {
    if (!(thrown instanceof OutOfGas)) throw thrown;
    return { result: { error: "OUT_OF_GAS" }, gas: gasLimit };
  }
}

// ---- blocks ----

/** Those of the version that every genesis of these tests begins with. */
export const RULES = rulesOf(PROTOCOLS, 1);

export const PARAMETERS: Parameters = {
  protocol: 1,
  replayWindowMs: 600_000,
  clockSkewMsMax: 2000,
  rotationHeights: 1000,
  blockBytesMax: 4 << 20,
  blockTransactionsMax: 4096,
  batchBytesMax: 512 << 10,
  blockGasMax: 100_000_000,
  timerGasMax: 1_000_000,
};

export function keyOf(seed: number): Uint8Array {
  return new Uint8Array(32).fill(seed);
}

const ORGANISATIONS = ["property", "street", "provider", "government"];

export interface AccountSeed {
  readonly id: string;
  readonly organisation: string;
  readonly roles: readonly string[];
}

export function genesisWith(
  contracts: readonly { readonly name: string; readonly source: string }[],
  accounts: readonly AccountSeed[] = [],
): Genesis {
  return {
    version: 1,
    name: "test",
    hashSuite: "sha256",
    timeMs: 0,
    timeScale: 1,
    production: false,
    organisations: ORGANISATIONS.map((id) => ({ id, title: id, role: id })),
    validators: ORGANISATIONS.map((organisation, index) => ({
      organisation,
      suite: 1,
      publicKey: keyOf(index + 1),
      peerId: `peer-${organisation}`,
    })),
    endpoints: [],
    parameters: PARAMETERS,
    contracts: [
      { name: "governance", source: document("governance.yaml") },
      { name: "registry", source: document("registry.yaml") },
      ...contracts,
    ],
    accounts: accounts.map(({ id, organisation, roles }) => ({
      id,
      organisation,
      roles,
      suite: 1,
      publicKey: keyFor(id),
    })),
  };
}

/** Every account's key in these tests follows from its id. */
export function keyFor(id: string): Uint8Array {
  const key = new Uint8Array(32);
  key.set(new TextEncoder().encode(id).slice(0, 32));
  return key;
}

let nonce = 0;

export interface CallSeed {
  readonly contract: string;
  readonly action: string;
  readonly args?: Readonly<Record<string, Value>>;
}

/** A transaction as the executor gets it: decoded and with its signatures checked. */
export function transaction(
  signers: string | readonly string[],
  calls: readonly CallSeed[],
  gasLimit = 2_000_000,
): Transaction {
  nonce += 1;
  const id = new Uint8Array(32);
  new DataView(id.buffer).setUint32(0, nonce);
  const accounts = typeof signers === "string" ? [signers] : signers;
  return {
    id,
    bytes: new Uint8Array(0),
    contracts: calls.map(({ contract }) => contract),
    signatures: [],
    body: {
      version: 1,
      chainId: new Uint8Array(32),
      signers: accounts.map((account) => ({ account, suite: 1, publicKey: keyFor(account) })),
      nonce,
      validUntilMs: 0,
      gasLimit,
      calls: calls.map(({ contract, action, args = {} }) => ({ contract, action, args: sortedArguments(args) })),
      memo: new Uint8Array(0),
    },
  };
}

function sortedArguments(args: Readonly<Record<string, Value>>): CallArguments {
  return Object.entries(args).sort(([left], [right]) => (left < right ? -1 : 1));
}

/** A chain of executed blocks over one state in memory, without consensus. */
export class TestChain {
  readonly rows = new Map<string, StateEntry & { readonly key: Uint8Array }>();
  readonly engine = new Engine();
  readonly protocols: Protocols;
  height = 0;
  parameters: Parameters = PARAMETERS;
  validators: readonly Validator[];
  /** what a test has smaller than governance would allow */
  limits: Partial<Parameters> = {};

  constructor(genesis: Genesis, protocols = PROTOCOLS) {
    this.protocols = protocols;
    for (const { key, value } of genesisWrites(genesis, this.engine))
      if (value !== undefined) this.rows.set(toHex(key), { key, value, lastHeight: 0 });
    const seats = validatorsIn(this);
    if (!seats.ok) throw new Error(seats.code);
    this.validators = seats.value;
  }

  get(key: Uint8Array): StateEntry | undefined {
    return this.rows.get(toHex(key));
  }

  due(timeMs: number): readonly Uint8Array[] {
    const timers = [...this.rows.values()].filter(({ key, value }) => isTimerKey(key) && timerDueMs(value) <= timeMs);
    return timers
      .sort((left, right) => timerDueMs(left.value) - timerDueMs(right.value) || compareBytes(left.key, right.key))
      .map(({ key }) => key);
  }

  block(timeMs: number, transactions: readonly Transaction[]): BlockOutput<Receipt> {
    this.height += 1;
    const overlay = new Overlay({ base: this, height: this.height });
    const { engine, height } = this;
    const parameters = { ...this.parameters, ...this.limits };
    const dueTimers = this.due(timeMs);
    const output = executeBlock(
      {
        chainId: new Uint8Array(32),
        height,
        timeMs,
        transactions,
        dueTimers,
        overlay,
        validators: this.validators,
        parameters,
        rules: rulesOf(this.protocols, parameters.protocol),
        engine,
      },
      (receipt) => receipt,
    );
    for (const { key, value } of overlay.writes()) {
      if (value === undefined) this.rows.delete(toHex(key));
      else this.rows.set(toHex(key), { key, value, lastHeight: height });
    }
    this.validators = output.validators;
    if (output.parameters !== parameters) this.parameters = output.parameters;
    return output;
  }

  /** One transaction in a block of its own. */
  run(timeMs: number, signers: string | readonly string[], calls: readonly CallSeed[], gasLimit?: number): Receipt {
    const receipt = this.block(timeMs, [transaction(signers, calls, gasLimit)]).receipts.at(-1);
    if (receipt === undefined) throw new Error("no receipt");
    return receipt;
  }
}
