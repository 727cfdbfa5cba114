// What the organisations decide by vote while everything else goes on: a seat more or less, a parameter, a contract.
// Real governance transactions, step by step: the next one when the receipt of the one before is seen.

import type { Value } from "../../../src/ledger/codec.ts";
import { sha256 } from "../../../src/sha256.node.ts";
import { DEPLOYED_LATER, type Person } from "./genesis.ts";
import type { Decision } from "./plan.ts";
import type { World } from "./world.ts";

interface Step {
  readonly person: Person;
  readonly action: string;
  readonly args: Readonly<Record<string, Value>>;
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
    this.count += 1;
    const id = `proposal-${this.count}`;
    this.take(this.steps(id, decision), 0, 0);
  }

  private take(steps: readonly Step[], index: number, attempt: number): void {
    const { world } = this;
    const step = steps[index];
    if (step === undefined || attempt >= ATTEMPTS_MAX || world.isSettled) return;
    const { person, action, args } = step;
    const order = world.clients.order(
      person,
      { contract: "governance", action, args },
      { copies: 2, validMs: VALID_MS },
    );
    const look = (): void => {
      if (world.checkers.receipts.has(order.hex)) return this.take(steps, index + 1, 0);
      if (world.ledgerMs > order.validUntilMs + 5_000) return this.take(steps, index, attempt + 1);
      world.timeline.after(500, look);
    };
    look();
  }

  private steps(id: string, decision: Decision): readonly Step[] {
    const { operators } = this.world.cast;
    const seated = operators.slice(0, this.world.plan.validatorCount);
    const [first] = seated;
    const spare = operators.at(-1);
    const last = seated.at(-1);
    if (first === undefined || spare === undefined || last === undefined) return [];
    const propose = (action: string, args: Step["args"]): Step => ({
      person: first.admin,
      action,
      args: { id, seat: 0, ...args },
    });
    const approvals = seated.map(
      ({ admin }, seat): Step => ({ person: admin, action: "approve", args: { proposal: id, seat } }),
    );
    const enact = (action: string, args: Step["args"]): Step => ({
      person: first.admin,
      action,
      args: { proposal: id, ...args },
    });
    switch (decision) {
      case "addSeat": {
        const { organisation, key, peerId } = spare;
        const seat = { organisation, key: key.publicKey, peer: peerId };
        return [propose("propose_seat", seat), ...approvals, enact("enact_seat", {})];
      }
      case "removeSeat": {
        const { organisation } = last;
        return [
          propose("propose_removal", { organisation }),
          ...approvals,
          enact("enact_removal", { seat: seated.length - 1 }),
        ];
      }
      case "parameter": {
        const { random } = this.world;
        const [name, value] = random.pick([
          ["replay_window_ms", this.world.plan.parameters.replayWindowMs + random.pick([5_000, 90_000])],
          ["rotation_heights", random.pick([2, 50])],
          ["block_transactions_max", random.pick([5, 500])],
        ] as const);
        return [propose("propose_parameter", { name, value }), ...approvals, enact("enact_parameter", {})];
      }
      case "contract": {
        const { name, source } = DEPLOYED_LATER;
        const source_hash = sha256(new TextEncoder().encode(source));
        // Nothing on the ledger looks behind the digest of tests: approvers do.
        const proposal = { contract: name, source_hash, active_height: 0, tests_hash: source_hash, tests_passed: 1 };
        return [propose("propose_contract", proposal), ...approvals, enact("enact_contract", { source })];
      }
    }
  }
}
