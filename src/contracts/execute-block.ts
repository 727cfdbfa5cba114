// Executes one block over an overlay: due timers first, then the transactions in the order given. Every run is all or nothing.
// The same block over the same state gives the same receipts, writes and gas on every machine.

import { invariant } from "../assert.ts";
import { decode, encode } from "../ledger/codec.ts";
import { bytesEqual, type Hash, hashTagged } from "../ledger/hash.ts";
import type {
  LedgerEvent,
  Parameters,
  Receipt,
  Signer,
  StateOverlay,
  StateReader,
  Transaction,
  Validator,
} from "../ledger/types.ts";
import { type ActionHost, type CallArguments, type Callee, type Caller, frameOf, runAction } from "./action-run.ts";
import { type DeployRequest, deploy } from "./deploy.ts";
import { Catalogue, type Engine } from "./engine.ts";
import type { Frame, Row } from "./frame.ts";
import { governanceRefusal, parametersIn, protocolAt, protocolScheduleIn, validatorsIn } from "./governance-rows.ts";
import {
  fullDimension,
  LimitReached,
  limitRefusal,
  MeteredOverlay,
  noneUsed,
  TIMER_LIMITS,
} from "./metered-overlay.ts";
import { OUT_OF_GAS, OutOfGas } from "./outcome.ts";
import type { ProtocolRules } from "./protocols.ts";
import { type Refusal, refused } from "./refusal.ts";
import { startsWithBytes, tablePrefix, timerDueMs } from "./state-keys.ts";
import { stopRefusal } from "./stop.ts";
import { ANYONE_ROLE, CONTRACT_ROLE_PREFIX, GOVERNANCE_CONTRACT, TIMER_ROLE } from "./system.ts";
import { ACCOUNTS, PARAMETERS, ROSTER, SEATS, TIMERS } from "./system-layouts.ts";
import { timerOf } from "./timer-row.ts";
import { BLOCK_LIMITS, LIMITED } from "./usage.ts";

export interface BlockInput {
  readonly chainId: Hash;
  readonly height: number;
  readonly timeMs: number;
  readonly transactions: readonly Transaction[];
  /** state keys of timers that are due, in (time, key) order */
  readonly dueTimers: readonly Uint8Array[];
  readonly overlay: StateOverlay;
  /** of this height, as the rows of the seats and parameters say: they are not read again before something is written to them */
  readonly validators: readonly Validator[];
  readonly parameters: Parameters;
  /** of the version in the block's header */
  readonly rules: ProtocolRules;
  readonly engine: Engine;
}

export interface BlockOutput<Kept> {
  /** what was kept of each: timers first, then the transactions in the order given */
  readonly receipts: readonly Kept[];
  /** of the next height, in key order; the array of this height where no seat was written, and so the parameters */
  readonly validators: readonly Validator[];
  readonly parameters: Parameters;
  readonly gas: number;
}

/**
 * The overlay holds the writes afterwards; dropping it undoes the block.
 * @param keep called with each receipt as soon as it is made: of a full block there would be too many objects to hold all at once
 */
export function executeBlock<Kept>(input: BlockInput, keep: (receipt: Receipt) => Kept): BlockOutput<Kept> {
  return new BlockExecution(input, keep).run();
}

const GOVERNANCE_PREFIX = tablePrefix(GOVERNANCE_CONTRACT, "").slice(0, -1);
const TIMER_CALLER: Caller = { id: "", organisation: "", roles: [TIMER_ROLE], cosigners: [], contract: "" };

interface Run {
  readonly contract: string;
  readonly action: string;
  readonly args: CallArguments;
}

type Changes = ReturnType<StateOverlay["changesSince"]>;

/** Gas, events and use of the state of one receipt while it is being made. */
interface Progress {
  gas: number;
  readonly events: LedgerEvent[];
  readonly host: ActionHost;
}

/** What the actions of one receipt may do. A class, because four functions for each would be more than the rest of a run. */
class Host implements ActionHost {
  readonly overlay: MeteredOverlay;
  readonly timeMs: number;
  private readonly block: Pick<BlockExecution<unknown>, "callee" | "stopped" | "deploy">;

  constructor(block: Host["block"], { overlay, timeMs }: BlockInput) {
    this.block = block;
    this.overlay = new MeteredOverlay(overlay);
    this.timeMs = timeMs;
  }

  callee(contract: string, action: string): Callee | undefined {
    return this.block.callee(contract, action);
  }

  stopped(contract: string): Refusal | undefined {
    return this.block.stopped(contract);
  }

  deploy(frame: Frame, request: DeployRequest): Refusal | undefined {
    return this.block.deploy(frame, request, this.overlay);
  }
}

class BlockExecution<Kept> {
  private readonly input: BlockInput;
  private readonly keep: (receipt: Receipt) => Kept;
  private readonly catalogue: Catalogue;
  private readonly receipts: Kept[] = [];
  private gas = 0;
  private readonly used = noneUsed();
  private areSeatsWritten = false;
  private areParametersWritten = false;

  constructor(input: BlockInput, keep: (receipt: Receipt) => Kept) {
    const { overlay, engine, height } = input;
    this.input = input;
    this.keep = keep;
    this.catalogue = new Catalogue(engine, overlay, height);
    this.loadContracts();
  }

  run(): BlockOutput<Kept> {
    this.runTimers();
    for (const transaction of this.input.transactions) this.runTransaction(transaction);
    return {
      receipts: this.receipts,
      validators: this.areSeatsWritten ? this.validatorsNow() : this.input.validators,
      parameters: this.nextParameters(),
      gas: this.gas,
    };
  }

  private validatorsNow(): readonly Validator[] {
    const validators = validatorsIn(this.input.overlay);
    invariant(validators.ok, "R7: no transaction leaves the seats unusable");
    return validators.value;
  }

  /** The protocol is looked at after every block: a version comes into force by its height alone. */
  private nextParameters(): Parameters {
    const { overlay, height, parameters: present } = this.input;
    if (!this.areParametersWritten) {
      const schedule = protocolScheduleIn(overlay);
      invariant(schedule.ok, "R6: no transaction leaves the parameters unusable");
      if (protocolAt(schedule.value, height + 1) === present.protocol) return present;
    }
    const parameters = parametersIn(overlay, height + 1);
    invariant(parameters.ok, "R6: no transaction leaves the parameters unusable");
    return parameters.value;
  }

  /** Code and settings of a block are those of its start, for all contracts that it names. */
  private loadContracts(): void {
    for (const key of this.input.dueTimers) this.catalogue.load(timerOf(key).contract);
    for (const { contracts } of this.input.transactions)
      for (const contract of contracts) this.catalogue.load(contract);
  }

  // ---- timers ----

  private runTimers(): void {
    const { dueTimers, parameters, timeMs, overlay } = this.input;
    const budget = Math.max(parameters.timerGasMax, Math.floor(parameters.blockGasMax / 2));
    for (const key of dueTimers) {
      if (this.gas + parameters.timerGasMax > budget || fullDimension(this.used, TIMER_LIMITS) !== undefined) return;
      // R321: what a stop holds back stays due until the stop is over.
      if (this.stopped(timerOf(key).contract) !== undefined) continue;
      const entry = overlay.get(key);
      // A timer before it in this block may have cancelled or moved it.
      if (entry !== undefined && timerDueMs(entry.value) <= timeMs) this.runTimer(key, entry.value);
    }
  }

  private runTimer(key: Uint8Array, value: Uint8Array): void {
    const { chainId, height, overlay, parameters } = this.input;
    const timer = timerOf(key);
    const [, , , action, args] = TIMERS.decode([timer.contract, timer.key], value);
    const decoded = args instanceof Uint8Array ? decode(args) : undefined;
    invariant(
      typeof action === "string" && decoded?.ok === true,
      "R8: a timer's row names an action and its arguments",
    );
    const mark = overlay.mark();
    // The timer is used up, whatever its action does.
    overlay.delete(key);
    const txId = hashTagged("TIMER", encode([chainId, height, key]));
    const call = { contract: timer.contract, action, args: decoded.value as CallArguments };
    this.execute({ txId, mark, gasLimit: parameters.timerGasMax }, (progress) =>
      this.call(call, TIMER_CALLER, progress),
    );
  }

  // ---- transactions ----

  private runTransaction({ id, body }: Transaction): void {
    const mark = this.input.overlay.mark();
    const full = this.blockRefusal(body.gasLimit);
    if (full !== undefined) return this.finish(id, full, { gas: 0, events: [], changes: [] });
    this.execute({ txId: id, mark, gasLimit: body.gasLimit }, (progress) => {
      const caller = this.authenticate(body.signers, progress);
      if ("ruleId" in caller) return caller;
      for (const call of body.calls) {
        const refusal = this.call(call, caller, progress);
        if (refusal !== undefined) return refusal;
      }
      return undefined;
    });
  }

  /** Why the block has no room for what a transaction with this limit may use at most. */
  private blockRefusal(gasLimit: number): Refusal | undefined {
    const left = this.input.parameters.blockGasMax - this.gas;
    const over = (ruleId: string, values: Refusal["values"]): Refusal => ({ status: "out_of_gas", ruleId, values });
    if (gasLimit > left)
      return over("block.gas", [
        ["gasLimit", gasLimit],
        ["left", Math.max(left, 0)],
      ]);
    const full = fullDimension(this.used, BLOCK_LIMITS);
    return (
      full &&
      over(`block.${full}`, [
        ["used", this.used[full]],
        ["allowed", BLOCK_LIMITS[full]],
      ])
    );
  }

  private authenticate(signers: readonly Signer[], progress: Progress): Caller | Refusal {
    spend(progress, signers.length * this.input.rules.signerGas);
    const [sender, ...others] = signers;
    invariant(sender !== undefined, "R9: a transaction has a sender");
    for (const signer of others) {
      const ruleId = refuseSigner(this.input.overlay, signer);
      if (ruleId !== undefined) return unauthorised(ruleId, signer);
    }
    const account = ACCOUNTS.readKept(this.input.overlay, [sender.account]);
    const ruleId = signerRule(account, sender);
    if (account === null || ruleId !== undefined) return unauthorised(ruleId ?? "account.unknown", sender);
    const [, organisation, roles] = account;
    invariant(
      typeof organisation === "string" && Array.isArray(roles),
      "R11: an account's row has organisation and roles",
    );
    // Nobody holds the role of timers or of a contract, whatever the registry says.
    const held = roles.filter(
      (role): role is string =>
        typeof role === "string" && role !== TIMER_ROLE && !role.startsWith(CONTRACT_ROLE_PREFIX),
    );
    return {
      id: sender.account,
      organisation,
      roles: [...held, ANYONE_ROLE],
      cosigners: others.map((other) => other.account),
      contract: "",
    };
  }

  // ---- runs ----

  /** Gas, rollback and receipt around a run. The mark is that of the receipt; a refused run is undone to where it began. */
  private execute(
    { txId, mark, gasLimit }: { readonly txId: Hash; readonly mark: number; readonly gasLimit: number },
    run: (progress: Progress) => Refusal | undefined,
  ): void {
    const { overlay } = this.input;
    const begin = overlay.mark();
    const progress: Progress = { gas: gasLimit, events: [], host: new Host(this, this.input) };
    let changes: Changes = [];
    let refusal: Refusal | undefined;
    try {
      refusal = run(progress);
      if (refusal === undefined) {
        changes = overlay.changesSince(mark);
        refusal = this.judgeGovernance(changes);
      }
    } catch (thrown) {
      refusal = stopped(thrown, gasLimit);
      if (thrown instanceof OutOfGas) progress.gas = 0;
    }
    const gas = gasLimit - progress.gas;
    for (const dimension of LIMITED) this.used[dimension] += progress.host.overlay.used[dimension];
    if (refusal === undefined) return this.finish(txId, undefined, { gas, events: progress.events, changes });
    overlay.revertTo(begin);
    this.finish(txId, refusal, { gas, events: [], changes: overlay.changesSince(mark) });
  }

  private call({ contract, action, args }: Run, caller: Caller, progress: Progress): Refusal | undefined {
    const loaded = this.catalogue.load(contract);
    if (loaded === undefined) return { ...refused("call.contract", [["contract", contract]]), status: "failed" };
    const compiled = loaded.contract.actions.get(action);
    if (compiled === undefined)
      return {
        ...refused("call.action", [
          ["contract", contract],
          ["action", action],
        ]),
        status: "failed",
      };
    const frame = frameOf({ action: compiled, settings: loaded.settings }, progress.gas);
    try {
      return runAction(compiled, { host: progress.host, frame, caller, args, events: progress.events });
    } finally {
      progress.gas = frame.gas;
    }
  }

  callee(contract: string, action: string): Callee | undefined {
    const loaded = this.catalogue.load(contract);
    const compiled = loaded?.contract.actions.get(action);
    return loaded && compiled && { action: compiled, settings: loaded.settings };
  }

  stopped(contract: string): Refusal | undefined {
    return stopRefusal(this.catalogue.load(contract)?.stop, this.input.timeMs);
  }

  deploy(frame: Frame, request: DeployRequest, overlay: MeteredOverlay): Refusal | undefined {
    const { engine, height, overlay: state } = this.input;
    return deploy(frame, request, { state, overlay, engine, height });
  }

  private judgeGovernance(changes: Changes): Refusal | undefined {
    const { overlay, validators, parameters, engine, height } = this.input;
    const written = changes.flatMap(({ key }) => (startsWithBytes(key, GOVERNANCE_PREFIX) ? [key] : []));
    if (written.length === 0) return undefined;
    const refusal = governanceRefusal({
      written,
      state: overlay,
      validators,
      parameters,
      engine,
      height,
    });
    if (refusal !== undefined) return refusal;
    if (written.some((key) => startsWithBytes(key, SEATS.prefix) || startsWithBytes(key, ROSTER.prefix)))
      this.areSeatsWritten = true;
    if (written.some((key) => startsWithBytes(key, PARAMETERS.prefix))) this.areParametersWritten = true;
    return undefined;
  }

  private finish(
    txId: Hash,
    refusal: Refusal | undefined,
    {
      gas,
      events,
      changes,
    }: { readonly gas: number; readonly events: readonly LedgerEvent[]; readonly changes: Changes },
  ): void {
    this.gas += gas;
    const receipt: Receipt = {
      txId,
      index: this.receipts.length,
      status: refusal?.status ?? "ok",
      ruleId: refusal?.ruleId ?? "",
      values: refusal?.values ?? [],
      gas,
      events,
      writes: changes,
    };
    this.receipts.push(this.keep(receipt));
    this.input.overlay.settle();
  }
}

/** @throws OutOfGas */
function spend(progress: Progress, units: number): void {
  progress.gas -= units;
  if (progress.gas < 0) throw OUT_OF_GAS;
}

/** Why a run ended before its end; anything but a bound is a bug and goes on. */
function stopped(thrown: unknown, gasLimit: number): Refusal {
  if (thrown instanceof LimitReached) return limitRefusal(thrown);
  if (!(thrown instanceof OutOfGas)) throw thrown;
  return { status: "out_of_gas", ruleId: "transaction.gas", values: [["gasLimit", gasLimit]] };
}

export type SignerRule = "account.unknown" | "account.status" | "account.key";

/** The rule by which this signer may not sign now, or undefined: the account stands in the registry, is active, and has this key. */
export function refuseSigner(state: StateReader, signer: Signer): SignerRule | undefined {
  return signerRule(ACCOUNTS.readKept(state, [signer.account]), signer);
}

function signerRule(account: Row | null, signer: Signer): SignerRule | undefined {
  if (account === null) return "account.unknown";
  const [, , , suite, key, status] = account;
  if (status !== "active") return "account.status";
  return suite === signer.suite && key instanceof Uint8Array && bytesEqual(key, signer.publicKey)
    ? undefined
    : "account.key";
}

function unauthorised(ruleId: SignerRule, { account }: Signer): Refusal {
  return { status: "unauthorised", ruleId, values: [["account", account]] };
}
