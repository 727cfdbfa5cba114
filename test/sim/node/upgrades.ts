// A protocol and a contract that come into force in the middle of a run: decided by vote, while some operators replace their
// programs late. Watches from outside that nobody executes or votes under a version that is not in force or that its program lacks.

import { PROTOCOLS, type Protocols } from "../../../src/contracts/protocols.ts";
import { PROTOCOL_LEAD_HEIGHTS } from "../../../src/contracts/system.ts";
import { decodeReceipt, type SealedReceipt } from "../../../src/ledger/format-receipt.ts";
import { type Hash, toHex } from "../../../src/ledger/hash.ts";
import type { Receipt } from "../../../src/ledger/types.ts";
import type { CommittedBlock } from "../../../src/node/participant.ts";
import { BOTH_PROTOCOLS, SIGNER_GAS_2 } from "../../protocols.ts";
import type { Random } from "../random.ts";
import type { Order } from "./clients.ts";
import type { Decisions } from "./decisions.ts";
import type { Member } from "./member.ts";
import type { World } from "./world.ts";

/** Transactions that keep the pace and are under way at one time. */
const OPEN_MAX = 3;

export interface UpgradePlan {
  readonly protocolAtMs: number;
  /** above the height at which it is proposed, beyond the least lead */
  readonly extraHeights: number;
  /** it is taken back once, and decided anew */
  readonly isTakenBack: boolean;
  readonly contractAtMs: number;
  /** above the height at which it is proposed; 0: the next block */
  readonly contractHeights: number;
  /** by node: when its operator replaces the program, or how long after it has stopped for want of another */
  readonly replacements: readonly ({ readonly atMs: number } | { readonly stoppedMs: number })[];
  /** ordinary transactions come so often while something that is decided is not in force */
  readonly paceMs: number;
}

export function drawUpgrade(
  random: Random,
  { nodeCount, calmFromMs }: { readonly nodeCount: number; readonly calmFromMs: number },
): UpgradePlan {
  const latePermille = random.pick([0, 250, 250, 600, 1000]);
  return {
    protocolAtMs: random.below(Math.floor(calmFromMs / 3)),
    extraHeights: random.between(8, 20),
    isTakenBack: random.chance(200),
    contractAtMs: random.below(calmFromMs),
    contractHeights: random.pick([0, 10, 25]),
    replacements: Array.from({ length: nodeCount }, () =>
      random.chance(latePermille)
        ? { stoppedMs: random.between(0, random.pick([10, 2_000, 8_000])) }
        : { atMs: random.below(calmFromMs) },
    ),
    paceMs: random.pick([100, 250]),
  };
}

/** Liveness is asked for later where heights have to pass: as many as must, none slower than this. */
export function upgradeMsMax({ extraHeights, isTakenBack }: UpgradePlan): number {
  return (isTakenBack ? 2 : 1) * (PROTOCOL_LEAD_HEIGHTS + extraHeights) * 4_000;
}

export class Upgrades {
  private readonly world: World;
  private readonly plan: UpgradePlan;
  private readonly decisions: Decisions;
  /** proposal -> what it would decide */
  private readonly proposed = new Map<string, { readonly version: number; readonly height: number }>();
  /** proposal -> height from which the contract would be in force; 0: from the next block */
  private readonly contracts = new Map<string, number>();
  private decided: { readonly version: number; readonly height: number } | undefined;
  private contractHeight: number | undefined;
  private wasTakenBack = false;
  private attempts = 0;
  /** of those that keep the pace, what is not executed yet */
  private open: Order[] = [];
  private readonly programs = new Map<number, Protocols>();
  /** nodes whose operators have heard that they need another program */
  private readonly heard = new Set<number>();
  /** node -> height that it named when it last said so */
  private readonly said = new Map<number, unknown>();
  /** nodes that stopped before the height, said so, and were given another program */
  late = 0;

  constructor(world: World, plan: UpgradePlan, decisions: Decisions) {
    this.world = world;
    this.plan = plan;
    this.decisions = decisions;
  }

  schedule(): void {
    const { world, plan } = this;
    world.timeline.after(plan.protocolAtMs, () => this.pursueProtocol());
    world.timeline.after(plan.contractAtMs, () => this.pursueContract());
    for (const [node, replacement] of plan.replacements.entries())
      if ("atMs" in replacement) world.timeline.after(replacement.atMs, () => this.replace(node));
    this.keepPace();
  }

  /** What the program on that machine speaks. */
  programOf(node: number): Protocols {
    return this.programs.get(node) ?? PROTOCOLS;
  }

  /** The version in force, by what was decided and not by what anybody says. */
  versionAt(height: number): number {
    return this.decided !== undefined && height >= this.decided.height ? this.decided.version : 1;
  }

  placeOf(parentHash: Hash, height: number): ((account: string) => Hash) | undefined {
    const rules = this.versionAt(height) === 2 ? BOTH_PROTOCOLS.get(2) : undefined;
    return rules && ((account) => rules.placeOf(parentHash, account));
  }

  /** Both are in force, and the ledger has gone on from there. */
  get isDone(): boolean {
    const { height } = this.world.checkers;
    const { decided, contractHeight } = this;
    return (
      decided !== undefined && contractHeight !== undefined && height > Math.max(decided.height, contractHeight) + 2
    );
  }

  // ---- what people do ----

  private keepPace(): void {
    const { world, plan } = this;
    if (world.isSettled || this.isDone) return;
    // Never more than the ledger keeps up with, however slow this seed makes it.
    this.open = this.open.filter(({ hex, validUntilMs }) => {
      return !world.checkers.receipts.has(hex) && validUntilMs > world.ledgerMs;
    });
    const isAwaited = this.decided !== undefined || this.contractHeight !== undefined;
    if (isAwaited && this.open.length < OPEN_MAX)
      this.open.push(world.clients.act(world.random.pick(world.cast.clients), 1));
    world.timeline.after(plan.paceMs, () => this.keepPace());
  }

  private pursueProtocol(): void {
    const { world, plan, decisions } = this;
    if (world.isSettled || this.decided !== undefined) return;
    const version = 2;
    // What took too long to be decided is proposed anew with more room.
    this.attempts += 1;
    const height = world.checkers.height + PROTOCOL_LEAD_HEIGHTS + plan.extraHeights * this.attempts;
    const args = { version, active_height: height };
    const onEnd = () => (plan.isTakenBack && !this.wasTakenBack ? this.takeBack() : this.pursueProtocol());
    const id = decisions.put({ action: "propose_protocol", args }, { action: "enact_protocol", args: {} }, onEnd);
    this.proposed.set(id, { version, height });
  }

  private takeBack(): void {
    const { decisions } = this;
    const args = { version: 1, active_height: 1 };
    const onEnd = () => {
      this.wasTakenBack = true;
      this.pursueProtocol();
    };
    const id = decisions.put({ action: "propose_protocol", args }, { action: "enact_protocol", args: {} }, onEnd);
    this.proposed.set(id, { version: 1, height: 1 });
  }

  private pursueContract(): void {
    const { world, plan, decisions } = this;
    if (world.isSettled || this.contractHeight !== undefined) return;
    const { contractHeights } = plan;
    // As above: each time with more room.
    const activeHeight =
      contractHeights === 0 ? 0 : world.checkers.height + contractHeights * (this.contracts.size + 1);
    const id = decisions.putContract(activeHeight, () => this.pursueContract());
    this.contracts.set(id, activeHeight);
  }

  private replace(node: number): void {
    const { world } = this;
    const member = world.members[node];
    if (member === undefined || this.programs.has(node)) return;
    world.trace(`${world.at} node ${node}: the operator replaces its program`);
    this.programs.set(node, BOTH_PROTOCOLS);
    if (member.life === undefined) return;
    member.crash(world.random.chance(200));
    world.restartLater(member, world.random.between(1, 1_500));
  }

  // ---- what nodes do ----

  observeCommit(member: Member, { staged, head }: CommittedBlock): void {
    const { world } = this;
    const { header } = staged.block.proposal;
    const version = this.versionAt(head.height);
    const name = `protocol: node ${member.index}`;
    if (header.protocol !== version)
      return world.fail(`${name} committed ${head.height} under ${header.protocol}, in force is ${version}`);
    if (!this.programOf(member.index).has(version))
      return world.fail(`${name} executed ${head.height} under ${version}, which its program lacks`);
    const sent = new Set(staged.block.transactions.map(({ id }) => toHex(id)));
    for (const executed of staged.receipts) {
      const receipt = receiptOf(executed);
      if (receipt === undefined) return world.fail(`${name} made a receipt of ${head.height} that cannot be read`);
      const isDear = receipt.gas >= SIGNER_GAS_2;
      if (sent.has(toHex(executed.txId)) && receipt.gas > 0 && isDear !== (version === 2))
        world.fail(`${name} executed a transaction of ${head.height} for ${receipt.gas} units, in force is ${version}`);
      this.observeEnacted(receipt, head.height);
    }
  }

  private observeEnacted({ events }: Receipt, height: number): void {
    for (const { name, fields } of events) {
      const id = name === "enacted" ? fields.find(([field]) => field === "proposal")?.[1] : undefined;
      if (typeof id !== "string") continue;
      const decided = this.proposed.get(id);
      if (decided !== undefined) {
        this.proposed.delete(id);
        this.decided = decided.version === 2 ? decided : undefined;
        this.world.trace(`${this.world.at} decided at ${height}: protocol ${decided.version} from ${decided.height}`);
      }
      const activeHeight = this.contracts.get(id);
      if (activeHeight !== undefined) this.contractHeight = Math.max(activeHeight, height + 1);
    }
  }

  /** N226: no node votes at a height whose protocol its program lacks. */
  observeVote(member: Member, height: number): void {
    const version = this.versionAt(height);
    if (!this.programOf(member.index).has(version))
      this.world.fail(`protocol: node ${member.index} votes at ${height} under ${version}, which its program lacks`);
  }

  /** To be told of every head: at an opening, a commit, a snapshot. */
  observeHead(member: Member, height: number): void {
    const isStopped = this.versionAt(height + 1) === 2 && !this.programOf(member.index).has(2);
    if (isStopped) this.hear(member);
  }

  observeLog(index: number, message: string, fields: Record<string, unknown> | undefined): void {
    const member = this.world.members[index];
    if (message === "newer software needed") this.said.set(index, fields?.height);
    // It is too far behind to reach the height by itself, and says what it would take.
    if (message === "snapshot of a newer protocol is passed over" && member !== undefined) this.hear(member);
  }

  /** The operator of a node that stands still for want of another program comes some time later. */
  private hear(member: Member): void {
    const { world, plan } = this;
    const { index } = member;
    const replacement = plan.replacements[index];
    if (replacement === undefined || "atMs" in replacement || this.heard.has(index)) return;
    this.heard.add(index);
    world.timeline.after(replacement.stoppedMs, () => {
      if (!world.isLiar(index)) this.checkStopped(member);
      this.replace(index);
    });
  }

  /** N226: it has stopped before the height, and says why. */
  private checkStopped({ index, api, participant }: Member): void {
    const { world } = this;
    if (api === undefined || participant?.chain.isOutgrown !== true) return;
    this.late += 1;
    const { votes, waitingFor } = api.consensusStatus();
    const { inForce, needs } = api.protocol();
    const isSaid = this.said.get(index) === this.decided?.height;
    if (!isSaid || votes !== false || needs !== 2 || inForce !== 2 || !String(waitingFor).startsWith("newer software"))
      world.fail(`protocol: node ${index} does not say why it has stopped: ${waitingFor}`);
  }
}

function receiptOf({ bytes }: SealedReceipt): Receipt | undefined {
  const decoded = decodeReceipt(bytes);
  return decoded.ok ? decoded.value : undefined;
}
