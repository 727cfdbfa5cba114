// What the organisations decide by vote while everything else goes on: a seat more or less, a parameter, a contract.
// Real governance transactions, step by step: the next one when the receipt of the one before is seen.

import type { Value } from "../../../src/ledger/codec.ts";
import { sha256 } from "../../../src/sha256.node.ts";
import { DEPLOYED_LATER, type Operator, type Person, UPGRADED_LATER } from "./genesis.ts";
import type { Decision } from "./plan.ts";
import type { World } from "./world.ts";

interface Act {
  readonly action: string;
  readonly args: Readonly<Record<string, Value>>;
}

interface Step extends Act {
  readonly person: Person;
  /** governance unless it says otherwise */
  readonly contract?: string;
}

const ATTEMPTS_MAX = 5;
const VALID_MS = 15_000;

export class Decisions {
  private readonly world: World;
  private count = 0;

  constructor(world: World) {
    this.world = world;
  }

  begin(decision: Decision): void {
    this.put(...this.actsOf(decision), () => undefined);
  }

  /** Proposes, lets everybody approve and enacts; `onEnd` follows, whether it was enacted or refused. @returns the proposal's id */
  put(proposal: Act, enactment: Act, onEnd: () => void): string {
    const id = this.newId();
    this.take(this.stepsOf(id, proposal, enactment), onEnd);
    return id;
  }

  /** The next version of the small contract, in force from that height on; 0: from the next block on. */
  putContract(activeHeight: number, onEnd: () => void): string {
    return this.put(...deployment(UPGRADED_LATER, activeHeight), onEnd);
  }

  private newId(): string {
    this.count += 1;
    return `proposal-${this.count}`;
  }

  private take(steps: readonly Step[], onEnd: () => void, index = 0, attempt = 0): void {
    const { world } = this;
    const step = steps[index];
    if (world.isSettled) return;
    if (step === undefined || attempt >= ATTEMPTS_MAX) return onEnd();
    const { person, contract = "governance", action, args } = step;
    const order = world.clients.order(person, { contract, action, args }, { copies: 2, validMs: VALID_MS });
    const look = (): void => {
      if (world.checkers.receipts.has(order.hex)) return this.take(steps, onEnd, index + 1);
      if (world.ledgerMs > order.validUntilMs + 5_000) return this.take(steps, onEnd, index, attempt + 1);
      world.timeline.after(500, look);
    };
    look();
  }

  private seated(): readonly Operator[] {
    return this.world.cast.operators.slice(0, this.world.plan.validatorCount);
  }

  private stepsOf(id: string, proposal: Act, enactment: Act): readonly Step[] {
    const seated = this.seated();
    const [first] = seated;
    if (first === undefined) return [];
    const person = first.admin;
    const joining = enactment.action === "enact_seat" ? this.world.cast.operators.slice(-1) : [];
    return [
      { person, action: proposal.action, args: { id, seat: 0, ...proposal.args } },
      ...seated.map(({ admin }, seat): Step => ({ person: admin, action: "approve", args: { proposal: id, seat } })),
      ...joining.map(({ node }) => ({
        person: node,
        contract: "registry",
        action: "declare_ready",
        args: { proposal: id },
      })),
      { person, action: enactment.action, args: { proposal: id, ...enactment.args } },
    ];
  }

  private actsOf(decision: Decision): readonly [proposal: Act, enactment: Act] {
    const { operators } = this.world.cast;
    const seated = this.seated();
    switch (decision) {
      case "addSeat": {
        const { organisation, key, peerId } = operators.at(-1) as Operator;
        const args = { organisation, key: key.publicKey, peer: peerId };
        return [
          { action: "propose_seat", args },
          { action: "enact_seat", args: {} },
        ];
      }
      case "removeSeat": {
        const { organisation } = seated.at(-1) as Operator;
        return [
          { action: "propose_removal", args: { organisation } },
          { action: "enact_removal", args: { seat: seated.length - 1 } },
        ];
      }
      case "parameter": {
        const { random } = this.world;
        const [name, value] = random.pick([
          ["replay_window_ms", this.world.plan.parameters.replayWindowMs + random.pick([5_000, 90_000])],
          ["rotation_heights", random.pick([2, 50])],
          ["block_transactions_max", random.pick([5, 500])],
        ] as const);
        return [
          { action: "propose_parameter", args: { name, value } },
          { action: "enact_parameter", args: {} },
        ];
      }
      case "contract":
        return deployment(DEPLOYED_LATER, 0);
    }
  }
}

function deployment(
  { name, source }: { readonly name: string; readonly source: string },
  activeHeight: number,
): readonly [proposal: Act, enactment: Act] {
  const source_hash = sha256(new TextEncoder().encode(source));
  // Nothing on the ledger looks behind the digest of tests: approvers do.
  const proof = { source_hash, tests_hash: source_hash, tests_passed: 1 };
  return [
    { action: "propose_contract", args: { contract: name, active_height: activeHeight, ...proof } },
    { action: "enact_contract", args: { source } },
  ];
}
