// One simulated machine with the real node on it: its disk, its clock, and the process that is started and killed on it.
// Performs nothing of the node's work; it only gives it an outside and watches its end.

import { Engine } from "../../../src/contracts/engine.ts";
import { PROTOCOLS } from "../../../src/contracts/protocols.ts";
import { LedgerError } from "../../../src/errors.ts";
import type { Transaction } from "../../../src/ledger/types.ts";
import { checkTransaction } from "../../../src/ledger/validate.ts";
import { Api } from "../../../src/node/api.ts";
import { openParticipant } from "../../../src/node/open-participant.ts";
import type { Participant } from "../../../src/node/participant.ts";
import type { VerifyPool } from "../../../src/node/verify-pool.ts";
import type { Logger } from "../../../src/ports.ts";
import { LedgerStore } from "../../../src/store/ledger-store.ts";
import { recordSequenceOf } from "../../../src/store/rows.ts";
import { Snapshots } from "../../../src/store/snapshots.ts";
import { SimDisk, SimStore } from "./disk.ts";
import { Fairness } from "./fairness.ts";
import { drawOf, type Fate } from "./fate.ts";
import { FolderDisk } from "./folder.ts";
import type { Operator } from "./genesis.ts";
import { NO_RECORD } from "./liar.ts";
import { Life, type MachineTime } from "./life.ts";
import { type SimHub, SimNetwork } from "./network.ts";
import { RecordDisk } from "./records.ts";
import type { World } from "./world.ts";

/** Compiled contracts are the same for everybody: a cache never changes a result. */
const ENGINE = new Engine();

export class Member {
  readonly index: number;
  readonly operator: Operator;
  readonly time: MachineTime;
  readonly disk: SimDisk;
  readonly records: RecordDisk;
  readonly folder = new FolderDisk();
  /** the process now running, whether it has come up or not */
  life: Life | undefined;
  /** of that process, once it listens */
  participant: Participant | undefined;
  network: SimNetwork | undefined;
  api: Api | undefined;
  /** undefined: neither makes nor offers any */
  snapshots: Snapshots | undefined;
  /** its vote record is gone, and the way back from that is not at its end: nothing may be signed */
  hasLostRecord = false;
  /** since then the operator has said so to the node */
  hasBegunRecovery = false;
  /** the operator recovers the record before the next start */
  mustRecover = false;
  /** codes with which this machine may end, because something on it was broken on purpose */
  readonly mayHaltWith = new Set<string>();
  /** its store was set back by the operator: what it had committed it has to fetch again */
  wasSetBack = false;
  /** up to here its recorded votes may stand without their batches, which went with the store */
  bodilessHeight = 0;
  /** writes begun, in all lives */
  writes = 0;
  /** what waited when its blocks were filled */
  readonly fairness = new Fairness();
  /** the network it joins when it starts */
  hub: SimHub;
  private readonly world: World;

  constructor(world: World, index: number, operator: Operator) {
    this.world = world;
    this.hub = world.hub;
    this.index = index;
    this.operator = operator;
    const { plan, cast } = world;
    this.time = {
      startMs: cast.genesis.timeMs + 1_000,
      skewMs: plan.skewMs[index] ?? 0,
      driftPpm: plan.driftPpm[index] ?? 0,
    };
    this.disk = new SimDisk();
    this.records = new RecordDisk({ chainId: cast.genesis.chainId, publicKey: operator.key.publicKey });
  }

  get isUp(): boolean {
    return this.api !== undefined;
  }

  get height(): number {
    return this.participant?.chain.head.height ?? -1;
  }

  /** The first height whose block is here. */
  get firstHeight(): number {
    return this.participant?.chain.store.firstHeight ?? 1;
  }

  start(): void {
    if (this.life !== undefined) return;
    const life = this.begin();
    (this.mustRecover ? this.recover(life) : this.open(life)).catch((error: unknown) => {
      if (life.isOver) return;
      if (error instanceof LedgerError) this.halted(life, error);
      else this.world.fail(`node ${this.index} threw at its start: ${stackOf(error)}`);
    });
  }

  private begin(): Life {
    const { world } = this;
    const life = new Life({
      timeline: world.timeline,
      time: this.time,
      lagMs: () => world.random.below(world.plan.lagMsMax + 1),
      onError: (error) => world.fail(`node ${this.index} threw: ${stackOf(error)}`),
    });
    this.life = life;
    return life;
  }

  /** `linli keys recover` on the stopped node, as one process; then the node itself. */
  private async recover(life: Life): Promise<void> {
    const { world, operator } = this;
    const { chainId } = world.cast.genesis;
    const pace = world.diskPace(this);
    const ledger = await LedgerStore.open({ store: new SimStore(this.disk, life, pace), chainId });
    const sequence = ledger.isEmpty ? 0 : recordSequenceOf(ledger.head.records, operator.key.publicKey);
    const found = await this.records.recover(life, pace, sequence);
    world.trace(`${world.at} node ${this.index}: the operator recovers a vote record that is ${found}`);
    this.mustRecover = false;
    this.hasBegunRecovery = true;
    life.isOver = true;
    this.life = undefined;
    this.start();
  }

  private async open(life: Life): Promise<void> {
    const { world, operator, index } = this;
    const { genesis, verify } = world.cast;
    const log = this.logger(life);
    const network = new SimNetwork(this.hub, {
      index,
      peerId: operator.peerId,
      members: genesis.endpoints,
      life,
      log,
    });
    const liar = world.liarAt(index);
    const { snapshots } = world.plan;
    const stored = snapshots && (await Snapshots.open(this.folder.open(life, world.diskPace(this))));
    const participant = await openParticipant({
      genesis,
      key: operator.key,
      store: new SimStore(this.disk, life, world.diskPace(this)),
      records: liar?.hasRecord === false ? NO_RECORD : await this.records.open(life, world.diskPace(this)),
      engine: ENGINE,
      protocols: world.upgrades?.programOf(index) ?? PROTOCOLS,
      network: liar === undefined ? network : liar.around(network),
      verifyPool: verifyPoolOf(life, world),
      verify,
      clock: life,
      log,
      snapshots: snapshots && stored && { ...snapshots, everyHeights: this.makesEvery(snapshots.everyHeights), stored },
      drawNonce: () => world.random.bytes(32),
      halt: (error) => this.halted(life, error),
    });
    if (liar === undefined) this.fairness.watch(participant);
    liar?.bend(participant);
    world.checkers.observeOpen(this, participant);
    participant.onCommitted((block) => world.checkers.observeCommit(this, block));
    world.upgrades?.observeHead(this, participant.chain.head.height);
    participant.chain.onHeadMoved(() => world.upgrades?.observeHead(this, participant.chain.head.height));
    this.participant = participant;
    this.network = network;
    this.snapshots = stored;
    await participant.start();
    this.api = new Api({
      participant,
      genesis,
      key: operator.key,
      name: operator.organisation,
      peerId: operator.peerId,
    });
    world.noticeStart();
    world.trace(
      `${world.at} node ${index} is up at height ${participant.chain.head.height}, votes: ${participant.signer !== undefined}`,
    );
  }

  private makesEvery(heights: number): number {
    const { makers } = this.world.plan;
    return makers === undefined || makers.has(this.index) ? heights : 0;
  }

  /** The process ends at once, wherever it is. @param fate of what was being written; undefined: by chance */
  crash(isPowerCut: boolean, fate?: Fate): void {
    const { life, world } = this;
    if (life === undefined) return;
    life.isOver = true;
    if (this.network !== undefined)
      this.hub.leave(this.network, isPowerCut ? world.random.between(5_000, 6_000) : world.random.below(50));
    this.life = undefined;
    this.participant = undefined;
    this.network = undefined;
    this.api = undefined;
    this.snapshots = undefined;
    if (!isPowerCut) return this.records.endProcess();
    const draw = fate === undefined || fate === "killed" ? (count: number) => world.random.below(count) : drawOf(fate);
    this.disk.losePower(draw);
    // Sector after sector, where the outcome is ordered: asked about two, the record's disk wants to know only that.
    this.records.losePower(fate === undefined ? draw : (count) => (count === 2 ? 0 : draw(count)));
    this.folder.losePower(draw);
  }

  /** The store goes, or an older one comes back, and the vote record stays: the way back from a store that cannot be trusted. */
  replaceStore(rows: ReadonlyMap<string, Uint8Array>, height: number): void {
    this.disk.replace(rows);
    this.wasSetBack = true;
    this.bodilessHeight = height;
  }

  private halted(life: Life, error: LedgerError): void {
    if (life.isOver) return;
    const { world } = this;
    world.trace(`${world.at} node ${this.index} halts: ${error.message}`);
    this.crash(false);
    world.onHalt(this, error);
  }

  private logger(life: Life): Logger {
    const { world, index } = this;
    const write = (level: string) => (message: string, fields?: Record<string, unknown>) => {
      if (!life.isOver) world.onLog(index, level, message, fields);
    };
    return { error: write("error"), warn: write("warn"), info: write("info"), debug: write("debug") };
  }
}

/** Every signature is verified when the simulated work is done; the real pool has threads, which a seed cannot command. */
function verifyPoolOf(life: Life, world: World): VerifyPool {
  const { genesis, verify } = world.cast;
  const isSigned = (transaction: Transaction): boolean =>
    checkTransaction({ transaction, chainId: genesis.chainId, verify }).ok;
  return {
    verifyTransactions: (transactions) =>
      life.answer(world.random.below(3 + world.plan.lagMsMax), () => transactions.every(isSigned)),
    close: async () => undefined,
  };
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
