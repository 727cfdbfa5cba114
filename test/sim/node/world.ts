// The simulated world of whole nodes: machines, network, people and time of one seed, and the checkers that watch them.
// Real macrotasks exist in none of it: each event of the timeline runs, and then everything that it has resolved.

import type { LedgerError } from "../../../src/errors.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import { Random } from "../random.ts";
import { Timeline } from "../timeline.ts";
import { Bent } from "./bent.ts";
import { Checkers } from "./checkers.ts";
import { Clients } from "./clients.ts";
import { Decisions } from "./decisions.ts";
import type { DiskPace } from "./disk.ts";
import { EffectHash } from "./effect-hash.ts";
import type { WriteCut, WriteKind } from "./fate.ts";
import { type Cast, castOf, type Person } from "./genesis.ts";
import { Liar } from "./liar.ts";
import { Losses } from "./losses.ts";
import { Member } from "./member.ts";
import { SimHub } from "./network.ts";
import { OneLie } from "./one-lie.ts";
import {
  BENDS,
  calmMsMax,
  describePlan,
  drawPlan,
  FEIGNED,
  type Partition,
  type Plan,
  type Profile,
  type VoteKind,
} from "./plan.ts";
import { NO_TRIM, type Trim, trimmed, trimWords } from "./trim.ts";
import { Upgrades } from "./upgrades.ts";

/** Every node comes up within this long, whatever its disk is like. */
const START_MS_MAX = 60_000;
/** An idle ledger runs the contracts' timers, too: gifts are due within this long, what is due later is not waited for. */
const TIMERS_AWAITED_MS = 20_000;
/** A run that sends more than this has a storm, not a problem with luck. */
const FRAMES_MAX = 3_000_000;

export interface Outcome {
  readonly seed: number;
  readonly failure: string | undefined;
  /** the same seed and commit give the same hash of all effects */
  readonly fingerprint: string;
  readonly about: string;
  readonly heights: number;
  readonly receipts: number;
  readonly viewsMax: number;
  readonly frames: number;
  readonly evidence: number;
  readonly halts: number;
  /** processes started, the first ones included */
  readonly starts: number;
  /** transactions after calm that expired before they were executed */
  readonly expired: number;
  readonly snapshots: number;
  /** states fetched as snapshots */
  readonly installs: number;
  /** vote records that were lost, and whose key votes again */
  readonly recoveries: number;
  /** nodes that stopped for want of another program, and were given it */
  readonly late: number;
  /** simulated time of the whole run */
  readonly simulatedMs: number;
  /** how long after calm the last honest node had everything */
  readonly calmMs: number;
}

export class World {
  readonly plan: Plan;
  readonly random: Random;
  readonly timeline = new Timeline();
  readonly cast: Cast;
  readonly hub: SimHub;
  readonly members: readonly Member[];
  readonly checkers: Checkers;
  readonly clients: Clients;
  readonly trace: (line: string) => void;
  isSettled = false;
  /** ordered ones that came to pass */
  cutsMade = 0;
  /** whoever wants to know of every write that begins */
  onWrite: ((member: Member, kind: WriteKind) => void) | undefined;
  /** more than f lie, and have split the honest: two histories are true from here on */
  isForked = false;
  private readonly losses = new Losses(this);
  readonly upgrades: Upgrades | undefined;
  private readonly decisions = new Decisions(this);
  private readonly liars = new Map<number, Liar | Bent | OneLie>();
  private readonly effects = new EffectHash();
  private readonly baseDelayMs: readonly number[];
  failure: string | undefined;
  private isChanged = true;
  private lookedAt = 0;
  /** account -> its last transaction */
  private readonly probes = new Map<string, string>();
  /** the adversary lets no COMMIT through */
  private clogUntilMs = 0;
  private frames = 0;
  private evidence = 0;
  private halts = 0;
  private starts = 0;
  private expired = 0;
  private snapshotsMade = 0;
  private installs = 0;
  private recoveries = 0;

  constructor(plan: Plan, trace: (line: string) => void = () => undefined) {
    this.plan = plan;
    this.random = new Random(plan.seed + 0x5eed);
    this.trace = trace;
    this.cast = castOf(this.plan);
    const count = this.cast.operators.length;
    this.baseDelayMs = Array.from({ length: count * count }, () => this.random.between(1, this.plan.delayMsMax));
    this.hub = this.createHub();
    this.checkers = new Checkers(this);
    this.clients = new Clients(this);
    this.upgrades = this.plan.upgrade && new Upgrades(this, this.plan.upgrade, this.decisions);
    this.members = this.cast.operators.map((operator, index) => new Member(this, index, operator));
    for (const [index, lie] of this.plan.lies) {
      const member = this.members[index];
      if (member === undefined || lie === "twin") continue;
      const bend = BENDS.find((one) => one === lie);
      const feigned = FEIGNED.find((one) => one === lie);
      if (lie === "poisoner") this.liars.set(index, new OneLie(this));
      if (bend !== undefined) this.liars.set(index, new Bent(this, member, bend));
      if (feigned !== undefined) this.liars.set(index, new Liar(this, member, feigned));
    }
  }

  protected createHub(): SimHub {
    return new SimHub(
      {
        delayMs: (from, to) => this.delayMs(from, to),
        roundTripMs: (from, to) => this.baseDelay(from, to) + this.baseDelay(to, from),
        isCut: (from, to) => this.isCut(from, to),
        isLost: (from, to) => this.isLost(from, to),
        isFrameLost: (from, to, bytes) => this.isLost(from, to) || this.isCommitLost(bytes),
        isRepeated: () => !this.isCalm && this.random.chance(this.plan.repeatPermille),
        redialMs: () => this.random.between(20, 500),
      },
      {
        onSend: (from, to, bytes) => this.onSend(from, to, bytes),
        onGossip: (from, _topic, bytes) => this.effects.add(this.timeline.nowMs, from, bytes),
        onAnswer: (by, protocol) => this.checkers.observeAnswer(by, protocol),
        onPenalty: (by, peer, code) => this.onPenalty(by, peer, code),
      },
    );
  }

  async run(): Promise<Outcome> {
    const { plan, timeline } = this;
    this.trace(describePlan(plan));
    const onRejection = (reason: unknown) =>
      this.fail(`a promise was rejected unheard: ${reason instanceof Error ? reason.stack : String(reason)}`);
    process.on("unhandledRejection", onRejection);
    let calmMs = 0;
    try {
      for (const { records } of this.members) await records.create();
      this.schedule();
      await this.runUntil(plan.calmFromMs, () => false);
      calmMs = await this.end();
    } finally {
      process.off("unhandledRejection", onRejection);
    }
    return {
      seed: plan.seed,
      failure: this.failure,
      fingerprint: this.effects.toString(),
      about: describePlan(plan),
      heights: this.checkers.height,
      receipts: this.checkers.receipts.size,
      viewsMax: this.checkers.viewsMax,
      frames: this.frames,
      evidence: this.evidence,
      halts: this.halts,
      starts: this.starts,
      expired: this.expired,
      snapshots: this.snapshotsMade,
      installs: this.installs,
      recoveries: this.recoveries,
      late: this.upgrades?.late ?? 0,
      simulatedMs: timeline.nowMs,
      calmMs,
    };
  }

  /** Calm, until everybody has everything, and what must be true then. @returns how long that took, simulated ms */
  protected async end(): Promise<number> {
    const { plan, timeline } = this;
    const calmEndMs = plan.calmFromMs + calmMsMax(plan);
    const isDone = await this.runUntil(calmEndMs, () => this.hasEverything());
    this.isSettled = true;
    const calmMs = timeline.nowMs - plan.calmFromMs;
    if (!isDone) this.fail(this.passedBy() ?? `liveness: ${this.missing()}`);
    await this.restartEverybody();
    if (this.failure === undefined) this.finalChecks();
    return calmMs;
  }

  /** What was said to be committed must also be there after the lights went out. */
  private async restartEverybody(): Promise<void> {
    if (this.failure !== undefined) return;
    this.trace(`${this.at} everybody loses power and starts again`);
    for (const member of this.members) member.crash(true);
    for (const member of this.members) member.start();
    const isUp = await this.runUntil(this.timeline.nowMs + START_MS_MAX, () =>
      this.members.every((member) => member.isUp),
    );
    if (!isUp) this.fail(`start: not everybody is up again within ${START_MS_MAX} ms`);
  }

  async runUntil(endMs: number, isDone: () => boolean): Promise<boolean> {
    for (;;) {
      if (this.failure !== undefined) return false;
      if (isDone()) return true;
      const run = this.timeline.takeNext(endMs);
      if (run === undefined) return false;
      run();
      // All that the event has resolved runs before the next one.
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
    }
  }

  /** The first failure ends the run. */
  fail(reason: string): void {
    if (this.failure !== undefined) return;
    this.failure = `at ${this.at} ms: ${reason}`;
    this.trace(`FAILED ${this.failure}`);
  }

  protected schedule(): void {
    const { plan, timeline } = this;
    const { decisions } = this;
    this.upgrades?.schedule();
    for (const member of this.members) timeline.after(this.random.below(50), () => member.start());
    for (const { atMs, client, copies } of plan.offers) {
      const person = this.cast.clients[client];
      if (person !== undefined) timeline.after(atMs, () => this.clients.act(person, copies));
    }
    for (const { atMs, decision } of plan.decisions) timeline.after(atMs, () => decisions.begin(decision));
    for (const { node, atMs, downMs, isPowerCut } of plan.crashes)
      timeline.after(atMs, () => this.crash(node, { downMs, isPowerCut }));
    for (const { node, atMs, skewMs } of plan.clockJumps) {
      timeline.after(atMs, () => {
        const time = this.members[node]?.time;
        if (time !== undefined) time.skewMs = skewMs;
      });
    }
    for (const { node, fromMs, toMs } of plan.fullDisks) {
      timeline.after(fromMs, () => this.setFull(node, true));
      timeline.after(toMs, () => this.setFull(node, false));
    }
    for (const { node, atMs, where } of plan.flippedBits) timeline.after(atMs, () => this.flipBit(node, where));
    for (const backup of plan.backups) this.scheduleBackup(backup);
    this.losses.schedule();
    for (const partition of plan.partitions) {
      const { noticedAfterMs, fromMs } = partition;
      if (noticedAfterMs !== undefined) timeline.after(fromMs + noticedAfterMs, () => this.giveUpLinks(partition));
    }
    for (const liar of this.liars.values()) liar.start();
    timeline.after(plan.calmFromMs, () => this.becalm());
    this.watchSeats();
  }

  // ---- what breaks, and who repairs it ----

  private crash(node: number, { downMs, isPowerCut }: { readonly downMs: number; readonly isPowerCut: boolean }): void {
    const member = this.members[node];
    if (member?.life === undefined || this.isCalm) return;
    this.trace(`${this.at} node ${node} ${isPowerCut ? "loses power" : "is killed"}`);
    member.crash(isPowerCut);
    this.restartLater(member, downMs);
  }

  restartLater(member: Member, downMs: number): void {
    this.timeline.after(downMs, () => member.start());
  }

  private setFull(node: number, isFull: boolean): void {
    const member = this.members[node];
    if (member === undefined) return;
    this.trace(`${this.at} disk of node ${node} ${isFull ? "is full" : "has room"}`);
    member.disk.isFull = isFull;
    member.records.isFull = isFull;
    member.folder.isFull = isFull;
    for (const code of ["STORE_WRITE_FAILED", "VOTE_RECORD_WRITE_FAILED"]) member.mayHaltWith.add(code);
  }

  private flipBit(node: number, where: "store" | "votes"): void {
    const member = this.members[node];
    if (member === undefined) return;
    const below = (count: number) => this.random.below(count);
    if (where === "votes") member.records.flipBit(below);
    else this.trace(`${this.at} a bit of node ${node} flips in ${member.disk.flipBit(below)}`);
    if (where === "store") member.mayHaltWith.add("STORE_CORRUPT");
  }

  /** Somebody restores an old copy of the store; the vote record is never part of one. */
  private scheduleBackup({ node, savedAtMs, restoredAtMs }: Plan["backups"][number]): void {
    const member = this.members[node];
    if (member === undefined) return;
    let rows: ReadonlyMap<string, Uint8Array> = new Map();
    this.timeline.after(savedAtMs, () => {
      rows = member.disk.copy();
    });
    this.timeline.after(restoredAtMs, () => {
      this.trace(`${this.at} the store of node ${node} is restored as it was at ${savedAtMs}`);
      member.crash(false);
      member.replaceStore(rows, this.checkers.height + 1);
      this.restartLater(member, 300);
    });
  }

  private giveUpLinks({ side, toMs }: Partition): void {
    if (this.timeline.nowMs >= toMs) return;
    for (const one of this.members) {
      for (const two of this.members) {
        if (one.index < two.index && side.has(one.index) !== side.has(two.index))
          this.hub.cut(one.operator.peerId, two.operator.peerId);
      }
    }
  }

  /** A node that was given a seat while it ran begins to vote when its operator restarts it. */
  private watchSeats(): void {
    const { participant } = this.members.at(-1) ?? {};
    const last = this.members.at(-1);
    const isMute = participant !== undefined && participant.signer === undefined;
    const isSeated = participant?.chain.head.validators.some(
      ({ publicKey }) => toHex(publicKey) === last?.operator.hex,
    );
    if (isMute && isSeated === true && last !== undefined) {
      this.trace(`${this.at} node ${last.index} has a seat and is restarted`);
      last.crash(false);
      this.restartLater(last, 500);
    }
    if (this.plan.hasSpare) this.timeline.after(2_000, () => this.watchSeats());
  }

  onHalt(member: Member, error: LedgerError): void {
    this.halts += 1;
    if (!this.isLiar(member.index) && !member.mayHaltWith.has(error.code)) {
      const cause = error.cause instanceof Error ? error.cause.stack : "";
      return this.fail(`node ${member.index} halted: ${error.message} ${cause}`);
    }
    if (error.code === "STORE_CORRUPT") member.replaceStore(new Map(), this.checkers.height + 1);
    this.restartLater(member, this.random.between(500, 4_000));
  }

  private becalm(): void {
    const { plan } = this;
    this.trace(`${this.at} calm`);
    this.isChanged = true;
    for (const { node } of plan.fullDisks) this.setFull(node, false);
    // What is broken and was not noticed yet would break something later, when nothing may.
    for (const { node, where } of plan.flippedBits) {
      const member = this.members[node];
      if (where !== "store" || member === undefined) continue;
      member.crash(false);
      member.replaceStore(new Map(), this.checkers.height + 1);
    }
    this.losses.becalm();
    for (const member of this.members) {
      member.time.skewMs = this.random.between(-200, 200);
      member.start();
    }
    for (const person of this.cast.clients) this.probe(person);
    this.workForRecovery();
  }

  /** A key comes back when the others have decided two more blocks: without work there are none. */
  private workForRecovery(): void {
    if (this.isSettled || this.losses.recovering().length === 0) return;
    this.clients.actAtLeisure(this.random.pick(this.cast.clients));
    this.timeline.after(3_000, () => this.workForRecovery());
  }

  /** Everybody's last transaction is executed before the run ends; what expires is asked for anew. */
  private probe(person: Person): void {
    const order = this.clients.actAtLeisure(person);
    this.probes.set(person.account, order.hex);
    const look = (): void => {
      if (this.checkers.receipts.has(order.hex) || this.isSettled) return;
      if (this.ledgerMs > order.validUntilMs + 10_000) {
        this.expired += 1;
        return this.probe(person);
      }
      this.timeline.after(1_000, look);
    };
    look();
  }

  // ---- time, network, disk ----

  get at(): string {
    return this.timeline.nowMs.toString();
  }

  get isCalm(): boolean {
    return this.timeline.nowMs >= this.plan.calmFromMs;
  }

  /** True time as the ledger counts it. */
  get ledgerMs(): number {
    return this.cast.genesis.timeMs + 1_000 + this.timeline.nowMs;
  }

  /** How far the fastest clock of a node is ahead, or ever will be. */
  get clockAheadMs(): number {
    const { skewMs, clockJumps } = this.plan;
    return Math.max(200, ...skewMs, ...clockJumps.map((jump) => jump.skewMs));
  }

  private baseDelay(from: number, to: number): number {
    if (this.plan.areLiarsNear && (this.isLiar(from) || this.isLiar(to))) return 1;
    return this.baseDelayMs[from * this.members.length + to] ?? 1;
  }

  private delayMs(from: number, to: number): number {
    const delayMs = Math.ceil((this.baseDelay(from, to) * this.random.between(80, 150)) / 100);
    return !this.isCalm && this.random.chance(this.plan.spikePermille) ? 20 * delayMs : delayMs;
  }

  private isCut(from: number, to: number): boolean {
    if (this.isCalm) return false;
    const { nowMs } = this.timeline;
    return this.plan.partitions.some(
      ({ side, fromMs, toMs, isOneWay }) =>
        nowMs >= fromMs && nowMs < toMs && side.has(from) !== side.has(to) && (!isOneWay || side.has(from)),
    );
  }

  private isLost(from: number, to: number): boolean {
    return this.isCut(from, to) || (!this.isCalm && this.random.chance(this.plan.lossPermille));
  }

  clogCommits(lengthMs: number): void {
    this.clogUntilMs = Math.max(this.clogUntilMs, this.timeline.nowMs + lengthMs);
  }

  private isCommitLost(bytes: Uint8Array): boolean {
    const isClogged = this.timeline.nowMs < this.clogUntilMs;
    if (this.isCalm || !(isClogged || this.random.chance(this.plan.commitLossPermille))) return false;
    const message = this.checkers.read(bytes);
    return message.ok && ["commit", "decided", "prepared"].includes(message.value.kind);
  }

  diskPace(member: Member): DiskPace {
    const { random, plan } = this;
    return {
      onWrite: (lengthMs, kind) => this.noticeWrite(member, lengthMs, kind),
      writeMs: () => random.between(0, plan.diskMsMax),
      syncMs: () => random.between(0, plan.syncMsMax),
      overtakes: () => random.chance(200),
      below: (count) => random.below(count),
    };
  }

  private noticeWrite(member: Member, lengthMs: number, kind: WriteKind): void {
    member.writes += 1;
    this.onWrite?.(member, kind);
    const cut = this.plan.writesCut.find(({ node, write }) => node === member.index && write === member.writes);
    if (cut === undefined || this.isCalm) return;
    if (cut.fate !== undefined) return this.timeline.after(0, () => this.cutNow(cut));
    const place = { downMs: cut.downMs, isPowerCut: this.random.chance(700) };
    this.timeline.after(this.random.below(lengthMs + 1), () => this.crash(member.index, place));
  }

  private cutNow({ node, fate, downMs, isEverywhere }: WriteCut): void {
    this.cutsMade += 1;
    for (const member of this.members) {
      if (isEverywhere !== true && member.index !== node) continue;
      this.trace(`${this.at} node ${member.index} ends, ${fate} of what it was writing`);
      member.crash(fate !== "killed", fate);
      this.restartLater(member, downMs);
    }
  }

  // ---- watching ----

  liarAt(index: number): Liar | Bent | OneLie | undefined {
    return this.liars.get(index);
  }

  isLiar(index: number): boolean {
    return this.plan.lies.has(index);
  }

  isLiarKey(key: Uint8Array | string): boolean {
    const hex = typeof key === "string" ? key : toHex(key);
    return this.members.some(({ index, operator }) => operator.hex === hex && this.isLiar(index));
  }

  honest(): readonly Member[] {
    return this.members.filter(({ index }) => !this.isLiar(index));
  }

  /** Honest, with a seat at the newest height: who must have everything in the end. */
  private seated(): readonly Member[] {
    const validators = this.checkers.validatorsAt(this.checkers.height + 1) ?? [];
    const keys = new Set(validators.map(({ publicKey }) => toHex(publicKey)));
    return this.honest().filter(({ operator }) => keys.has(operator.hex));
  }

  private onSend(from: number, to: number, bytes: Uint8Array): void {
    this.frames += 1;
    if (this.frames > FRAMES_MAX) return this.fail(`storm: more than ${FRAMES_MAX} frames`);
    this.effects.add(this.timeline.nowMs, from * 256 + to, bytes);
    const member = this.members[from];
    if (member !== undefined) this.checkers.observeFrame(member, bytes);
  }

  private onPenalty(by: number, peer: string, code: string): void {
    this.trace(`${this.at} node ${by} blames ${peer}: ${code}`);
    const blamed = this.members.find(({ operator }) => operator.peerId === peer);
    if (blamed !== undefined && !this.isLiar(by) && !this.isLiar(blamed.index))
      this.fail(`pitfall 29: node ${by} blames honest node ${blamed.index}: ${code}`);
  }

  onLog(index: number, level: string, message: string, fields: Record<string, unknown> | undefined): void {
    const member = this.members[index];
    this.upgrades?.observeLog(index, message, fields);
    if (message === "snapshot installed") this.checkers.observeInstall(member);
    if (message === "caught up" && member !== undefined && !this.isLiar(index)) {
      this.checkers.checkBodies(member);
      this.losses.noteFetched(index);
    }
    if (message === "snapshot made") this.snapshotsMade += 1;
    if (message === "vote record recovered" && member !== undefined) this.noticeRecovered(member);
    if (message === "evidence recorded") {
      this.evidence += 1;
      this.checkers.observeEvidence(index, String(fields?.rule), String(fields?.offender));
    }
    if (message === "view changed") this.checkers.observeView(index);
    if (message === "primary suspected" && !this.isLiar(index))
      this.checkers.observeSuspicion(index, { height: Number(fields?.height), reason: String(fields?.reason) });
    if (level !== "debug" && message !== "block committed")
      this.trace(`${this.at} node ${index} ${message} ${JSON.stringify(fields ?? {})}`);
  }

  noticeRecovered(member: Member): void {
    if (member.hasLostRecord) this.recoveries += 1;
    member.hasLostRecord = false;
    this.isChanged = true;
  }

  noticeVote(member: Member, kind: VoteKind): void {
    this.losses.noteVote(member.index, kind);
  }

  noticeInstall(): void {
    this.installs += 1;
    this.isChanged = true;
  }

  noticeStart(): void {
    this.starts += 1;
    this.isChanged = true;
  }

  noticeCommit(): void {
    this.isChanged = true;
  }

  // ---- the end ----

  /** What somebody was shown, what can still be executed, and the last transaction of everybody. */
  private wanted(): readonly string[] {
    const latestMs = this.ledgerMs + this.checkers.windowMs;
    const open = this.clients.orders.filter(
      ({ validUntilMs, isAcknowledged }) =>
        isAcknowledged || (validUntilMs > this.ledgerMs && validUntilMs <= latestMs),
    );
    return [...open.map(({ hex }) => hex), ...this.probes.values()];
  }

  private hasEverything(): boolean {
    // An order may also end by expiring: looked at once a second.
    const second = Math.floor(this.timeline.nowMs / 1_000);
    if (!this.isCalm || (!this.isChanged && second === this.lookedAt)) return false;
    this.lookedAt = second;
    this.isChanged = false;
    const { checkers } = this;
    return (
      this.seated().every(({ isUp, height, hasLostRecord }) => isUp && height === checkers.height && !hasLostRecord) &&
      this.wanted().every((hex) => checkers.receipts.has(hex)) &&
      this.timerLeftMs() > TIMERS_AWAITED_MS &&
      this.upgrades?.isDone !== false
    );
  }

  /** Until the next timer of a contract is due; negative: overdue. */
  private timerLeftMs(): number {
    const due = this.seated().map(
      ({ participant }) => participant?.chain.timers.nextDueMs() ?? Number.POSITIVE_INFINITY,
    );
    return Math.min(...due) - this.ledgerMs;
  }

  /** A130: everything is executed but what seated nodes got from clients that know no other. */
  private passedBy(): string | undefined {
    const lacking = this.wanted().filter((hex) => !this.checkers.receipts.has(hex));
    const orders = this.clients.orders.filter(({ hex }) => lacking.includes(hex));
    const seated = new Set(this.seated().map(({ index }) => index));
    const [first] = orders;
    if (first === undefined || !orders.every(({ door }) => door !== undefined && seated.has(door))) return undefined;
    return `one door: node ${first.door} does not get ${first.hex.slice(0, 8)} executed within ${calmMsMax(this.plan)} ms of calm`;
  }

  private missing(): string {
    if (this.timerLeftMs() < -TIMERS_AWAITED_MS)
      return `a timer of the contracts is overdue by ${-this.timerLeftMs()} ms`;
    const lacking = this.wanted().filter((hex) => !this.checkers.receipts.has(hex));
    const lines = this.seated().map(({ index, participant }) => {
      if (participant === undefined) return `node ${index} is down`;
      const { mempool, pool, replica, recovery } = participant;
      return `node ${index} (recovery ${JSON.stringify(recovery.status())}, mempool ${mempool.size}, queued ${mempool.queued}, batches ${pool.size}) at ${JSON.stringify(replica.status())}`;
    });
    return `${lacking.map((hex) => hex.slice(0, 8)).join(",")} not committed within ${calmMsMax(this.plan)} ms of calm: ${lines.join("; ")}`;
  }

  /** Everybody honest shows everything that was acknowledged and that it has not handed on, over the same state. */
  private finalChecks(): void {
    const shown = new Set<string>();
    for (const member of this.seated()) {
      this.checkers.checkBodies(member);
      for (const order of this.clients.orders) {
        const height = this.clients.ask(order, member);
        const expected = this.checkers.receipts.get(order.hex);
        if (height === expected) shown.add(order.hex);
        // Who began with a snapshot has nothing from before it.
        else if (height !== undefined || expected === undefined || expected >= member.firstHeight)
          this.fail(
            `receipt: node ${member.index} shows ${order.hex.slice(0, 8)} at ${height}, it was executed at ${expected}`,
          );
      }
    }
    for (const { hex, isAcknowledged } of this.clients.orders)
      if (isAcknowledged && !shown.has(hex)) this.fail(`receipt: nobody shows ${hex.slice(0, 8)} any more`);
    this.checkers.compareStates(this.seated());
  }
}

export async function runSeed(
  seed: number,
  profile: Profile = "swarm",
  trace?: (line: string) => void,
  trim: Trim = NO_TRIM,
): Promise<Outcome> {
  const plan = trimmed(drawPlan(seed, profile), trim);
  if (plan === undefined) throw new Error(`seed ${seed} cannot be made smaller like this:${trimWords(trim)}`);
  return new World(plan, trace).run();
}
