// The node's part in the network: performs the core's effects on chain, signer and peers, feeds it what arrives, and keeps
// mempool, pool and batcher in step with the chain. Every await is followed by a look at the height (pitfall 30).

import { unreachable } from "../assert.ts";
import type { HeadFacts, Report, ValidatorKey } from "../consensus/events.ts";
import { encodeDecided } from "../consensus/messages.ts";
import type { Replica } from "../consensus/replica.ts";
import { LedgerError, refuse, type Verdict } from "../errors.ts";
import { quorumSize } from "../ledger/certificate.ts";
import { decodeProposal, encodeProposal } from "../ledger/format-block.ts";
import { decodeCertificate } from "../ledger/format-vote.ts";
import { type Hash, toHex } from "../ledger/hash.ts";
import type { Batch, Certificate, Proposal, Transaction } from "../ledger/types.ts";
import type { Clock, GossipTopic, KeySigner, Logger, PeerId, PeerNetwork, RequestProtocol } from "../ports.ts";
import { BatchIntake } from "./batch-intake.ts";
import { BatchPool, WAITING_FOR_MAX } from "./batch-pool.ts";
import { Batcher } from "./batcher.ts";
import { chooseBatches } from "./block-builder.ts";
import type { Chain, CheckedBlock, StagedBlock } from "./chain.ts";
import { Driver, type EffectOf, type EventOf } from "./driver.ts";
import { EvidenceLog } from "./evidence-log.ts";
import { HEAD_INTERVAL_MS, HeadTracker } from "./heads.ts";
import { Mempool } from "./mempool.ts";
import { Peers } from "./peers.ts";
import type { Signer } from "./signer.ts";
import { answerSync, Sync } from "./sync.ts";
import type { VerifyPool } from "./verify-pool.ts";

/** Round trips, own sync and own execution are measured at this pace. */
const PACE_INTERVAL_MS = 1_000;
/** A height takes about four message delays; this many round trips leave room for a busy machine. */
const ROUND_TRIPS_PER_HEIGHT = 10;
const EXECUTION_SMOOTHING = 0.2;
/** The longest timer that Node keeps. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export interface ParticipantOptions {
  readonly chain: Chain;
  readonly replica: Replica;
  /** undefined: follows without voting */
  readonly signer: Signer | undefined;
  readonly key: KeySigner;
  readonly network: PeerNetwork;
  readonly verifyPool: VerifyPool;
  readonly clock: Clock;
  readonly log: Logger;
  readonly timeScale: number;
  readonly chainId: Hash;
  halt(error: LedgerError): void;
}

export interface CommittedBlock {
  readonly staged: StagedBlock;
  readonly head: HeadFacts;
}

export class Participant {
  readonly chain: Chain;
  readonly mempool = new Mempool();
  readonly pool = new BatchPool();
  readonly heads: HeadTracker;
  readonly evidence: EvidenceLog;
  readonly peers: Peers;
  readonly network: PeerNetwork;
  readonly replica: Replica;
  readonly clock: Clock;
  readonly signer: Signer | undefined;
  readonly batcher: Batcher;
  private readonly options: ParticipantOptions;
  private readonly log: Logger;
  private readonly driver: Driver;
  private readonly intake: BatchIntake;
  private readonly sync: Sync;
  private readonly durable = new Set<string>();
  private readonly cancels = new Map<string, () => void>();
  private readonly commitListeners = new Set<(block: CommittedBlock) => void>();
  private commitTurn: Promise<unknown> = Promise.resolve();
  private hadWork = false;
  private executionMs = 0;

  constructor(options: ParticipantOptions) {
    const { chain, clock, log, network, key, chainId } = options;
    this.options = options;
    this.chain = chain;
    this.clock = clock;
    this.log = log;
    this.network = network;
    this.replica = options.replica;
    this.signer = options.signer;
    this.heads = new HeadTracker({ clock, chainId, timeScale: options.timeScale });
    this.evidence = new EvidenceLog({ store: chain.store, chainId, log });
    this.peers = new Peers({ network, ownKey: toHex(key.publicKey), validators: chain.head.validators });
    const onBad = (from: ValidatorKey, code: string) => this.peers.penalise(from, code);
    this.intake = new BatchIntake({
      clock,
      log,
      pool: this.pool,
      verifyPool: options.verifyPool,
      chainId,
      validators: () => chain.head.validators,
      loadBatch: (digest) => chain.store.loadBatch(digest),
      fetch: (from, payload, timeoutMs) => this.peers.request(from, "fetch", payload, timeoutMs),
      onBatch: () => this.noticeWork(),
      onInvalid: onBad,
    });
    this.sync = new Sync({
      chain,
      chainId,
      log,
      peers: () => this.peers.others(),
      request: (from, payload, timeoutMs) => this.peers.request(from, "sync", payload, timeoutMs),
      commit: async (staged, certificate) => {
        await this.makeDurable(staged.block);
        await this.commitInTurn(staged, certificate);
      },
      onBadAnswer: onBad,
    });
    this.batcher = new Batcher({
      clock,
      mempool: this.mempool,
      signer: key,
      chainId,
      batchBytesMax: chain.head.parameters.batchBytesMax,
      publish: (batch) => this.publishBatch(batch),
    });
    this.driver = new Driver({
      core: options.replica,
      clock,
      log,
      halt: (error) => options.halt(error),
      ports: {
        buildBlock: (effect) => this.buildBlock(effect),
        checkBlock: (effect) => this.checkBlock(effect),
        executeBlock: (height, proposal) => this.executeBlock(height, proposal),
        signVote: (effect) => this.signVote(effect),
        send: (to, bytes) => this.peers.send(to, bytes),
        commitBlock: (effect) => this.commitBlock(effect),
        sync: (effect) => this.catchUp(effect.height, effect.from),
        sendDecided: (to, height) => this.sendDecided(to, height),
        fetchBatches: (from, digests) => this.fetchBatches(from, digests),
        report: (report) => this.handleReport(report),
      },
    });
  }

  async start(): Promise<void> {
    await this.evidence.load(this.chain.head.validators);
    await this.network.start({
      onFrame: (peer, bytes) => this.onFrame(peer, bytes),
      onGossip: (topic, peer, bytes) => this.onGossip(topic, peer, bytes),
      onRequest: (protocol, peer, payload) => this.onRequest(protocol, peer, payload),
      onPeerChanged: (peer, connected) => this.onPeerChanged(peer, connected),
    });
    this.driver.push({ kind: "started" });
    this.refreshWork();
    this.every("pace", PACE_INTERVAL_MS, () => this.measurePace());
    this.every("head", HEAD_INTERVAL_MS, () => this.publishHead());
  }

  async stop(): Promise<void> {
    for (const cancel of this.cancels.values()) cancel();
    this.cancels.clear();
    this.batcher.stop();
    this.driver.stop();
    await this.network.stop();
    await this.commitTurn;
  }

  /** A transaction passed the door. @throws LedgerError MEMPOOL_FULL, MEMPOOL_SENDER_FULL */
  offer(transaction: Transaction): void {
    this.mempool.add(transaction);
    this.batcher.wake();
  }

  onCommitted(listener: (block: CommittedBlock) => void): () => void {
    this.commitListeners.add(listener);
    return () => this.commitListeners.delete(listener);
  }

  // ---- what arrives ----

  private onFrame(peer: PeerId, bytes: Uint8Array): void {
    const from = this.peers.keyOf(peer);
    if (from !== undefined) this.driver.push({ kind: "messageReceived", from, bytes });
  }

  private onGossip(topic: GossipTopic, peer: PeerId, bytes: Uint8Array): void {
    const from = this.peers.keyOf(peer);
    if (from === undefined) return;
    switch (topic) {
      case "batches":
        this.guard(this.intake.take(bytes, from));
        return;
      case "heads": {
        const statement = this.heads.take(bytes, this.chain.head.validators);
        // One block behind is what every node is now and then; more means that this one missed something.
        if (statement !== undefined && statement.height > this.chain.head.height) this.onAhead(statement.height, from);
        return;
      }
      case "evidence":
        this.guard(this.evidence.take(bytes, this.chain.head.validators));
        return;
      default:
        unreachable(topic);
    }
  }

  private async onRequest(protocol: RequestProtocol, peer: PeerId, payload: Uint8Array): Promise<Uint8Array> {
    if (this.peers.keyOf(peer) === undefined) throw new LedgerError("PEER_UNKNOWN");
    return protocol === "fetch" ? this.intake.answerFetch(payload) : answerSync(this.chain, payload);
  }

  private onPeerChanged(peer: PeerId, connected: boolean): void {
    const key = this.peers.keyOf(peer);
    if (key === undefined) return;
    this.driver.push({ kind: "peerChanged", peer: key, connected });
    // Whoever was away learns at once how far the others are.
    if (connected) this.publishHead();
  }

  private onAhead(height: number, from: ValidatorKey): void {
    const headBefore = this.chain.head.height;
    this.cancels.get("ahead")?.();
    const cancel = this.clock.setTimer(PACE_INTERVAL_MS, () => {
      // Still where it was a second ago although somebody is ahead: ask, rather than wait for the next block.
      if (this.chain.head.height === headBefore && height > headBefore)
        this.guard(this.catchUp(height, from).then((event) => this.driver.push(event)));
    });
    this.cancels.set("ahead", cancel);
  }

  // ---- what the core asks for ----

  private async buildBlock({ height, view }: EffectOf<"buildBlock">): Promise<EventOf<"blockBuilt">> {
    const { head } = this.chain;
    if (head.height + 1 !== height) return { kind: "blockBuilt", height, view, proposal: undefined };
    const timeMs = Math.max(head.timeMs + 1, Math.floor(this.clock.nowMs()));
    const batches = chooseBatches(this.pool.includable(this.view(), timeMs, this.chain.windowMs), head.parameters);
    const block = this.chain.build({ view, proposer: this.options.key.publicKey, timeMs, batches });
    if (block === undefined) {
      // The next batch is news again.
      this.hadWork = false;
      return { kind: "blockBuilt", height, view, proposal: undefined };
    }
    await this.makeDurable(block);
    return { kind: "blockBuilt", height, view, proposal: block.proposal };
  }

  private async checkBlock(effect: EffectOf<"checkBlock">): Promise<EventOf<"blockChecked">> {
    const { height, view, proposal, holders, againstClock } = effect;
    const verdict = await this.check(proposal, holders, againstClock);
    if (verdict.ok) await this.makeDurable(verdict.value);
    else this.log.warn("proposal refused", { height, view, code: verdict.code, detail: verdict.detail });
    return {
      kind: "blockChecked",
      height,
      view,
      blockHash: proposal.blockHash,
      valid: verdict.ok,
      code: verdict.ok ? "" : verdict.code,
    };
  }

  private async check(
    proposal: Proposal,
    holders: readonly ValidatorKey[],
    againstClock: boolean,
  ): Promise<Verdict<CheckedBlock>> {
    const known = this.chain.checkedBlock(proposal.blockHash);
    if (known !== undefined) return { ok: true, value: known };
    const { height, timeMs } = proposal.header;
    const isNeeded = () => this.chain.head.height + 1 === height;
    if (!isNeeded()) return refuse("NO_LONGER_NEEDED");
    const header = this.chain.checkHeader(proposal);
    if (!header.ok) return header;
    if (againstClock && !(await this.isTimely(timeMs))) return refuse("BLOCK_TOO_OLD", `${timeMs}`);
    const verdicts = await Promise.all(
      proposal.references.map((reference) => this.intake.obtain(reference, holders, isNeeded)),
    );
    const batches: Batch[] = [];
    for (const verdict of verdicts) {
      if (!verdict.ok) return verdict;
      batches.push(verdict.value);
    }
    return isNeeded() ? this.chain.checkBody(proposal, batches) : refuse("NO_LONGER_NEEDED");
  }

  /** A first proposal from the future waits until it is within D; one from the past is refused (protocol.md, Time). */
  private async isTimely(timeMs: number): Promise<boolean> {
    const skewMs = this.chain.head.parameters.clockSkewMsMax;
    const aheadMs = timeMs - skewMs - this.clock.nowMs();
    if (aheadMs > 0)
      await new Promise<void>((resolve) =>
        this.clock.setTimer(Math.min(TIMER_MS_MAX, aheadMs / this.options.timeScale), resolve),
      );
    return this.clock.nowMs() - timeMs <= skewMs;
  }

  private async executeBlock(height: number, proposal: Proposal): Promise<EventOf<"blockExecuted">> {
    // The frames of this step leave first: PREPAREs travel while this node executes.
    await new Promise<void>((resolve) => setImmediate(resolve));
    const staged = this.execute(proposal);
    return {
      kind: "blockExecuted",
      height,
      blockHash: proposal.blockHash,
      result: staged.result,
      resultHash: staged.resultHash,
    };
  }

  private execute(proposal: Proposal): StagedBlock {
    const block = this.chain.checkedBlock(proposal.blockHash);
    if (block === undefined)
      throw new LedgerError("INVARIANT_BROKEN", { rule: "N7: only a checked block is executed" });
    const startedMs = this.clock.monotonicMs();
    const staged = this.chain.execute(block);
    this.executionMs += EXECUTION_SMOOTHING * (this.clock.monotonicMs() - startedMs - this.executionMs);
    return staged;
  }

  private async signVote({ request }: EffectOf<"signVote">): Promise<EventOf<"voteSigned"> | undefined> {
    if (this.signer === undefined)
      throw new LedgerError("INVARIANT_BROKEN", { rule: "N8: a node without a vote record is never asked to sign" });
    const message = await this.signer.sign(request, () => this.chain.head);
    return message === undefined ? undefined : { kind: "voteSigned", request, message };
  }

  private async commitBlock({ proposal, certificate }: EffectOf<"commitBlock">): Promise<EventOf<"blockCommitted">> {
    if (this.chain.head.height < proposal.header.height) await this.commitInTurn(this.execute(proposal), certificate);
    return { kind: "blockCommitted", head: this.chain.head };
  }

  private async catchUp(height: number, from: ValidatorKey): Promise<EventOf<"syncFinished">> {
    await this.sync.catchUp(height, from);
    return { kind: "syncFinished", head: this.chain.head };
  }

  private sendDecided(to: ValidatorKey, height: number): void {
    const block = this.chain.store.loadBlock(height);
    if (block === undefined) return;
    const proposal = decodeProposal(encodeProposal({ headerBytes: block.headerBytes, references: block.references }));
    const certificate = decodeCertificate(block.certificateBytes);
    if (!proposal.ok || !certificate.ok) throw new LedgerError("STORE_CORRUPT", { height });
    this.peers.send([to], encodeDecided({ proposal: proposal.value, certificate: certificate.value }));
  }

  private fetchBatches(from: ValidatorKey, digests: readonly Hash[]): void {
    this.guard(this.intake.fetch(from, digests));
  }

  private handleReport(report: Report): void {
    switch (report.kind) {
      case "evidence":
        this.guard(this.recordEvidence(report.bytes));
        return;
      case "viewChanged":
        return this.log.info("view changed", { height: report.height, view: report.view, primary: report.primary });
      case "suspected":
        return this.log.warn("primary suspected", { height: report.height, view: report.view, reason: report.code });
      case "resultsDiverge":
        return this.log.error("results diverge", { height: report.height, block: toHex(report.blockHash) });
      case "badMessage":
        this.log.debug("message refused", { from: report.from, code: report.code });
        return this.peers.penalise(report.from, report.code);
      default:
        return unreachable(report);
    }
  }

  private async recordEvidence(bytes: Uint8Array): Promise<void> {
    if (await this.evidence.take(bytes, this.chain.head.validators)) await this.network.publish("evidence", bytes);
  }

  // ---- commit ----

  /** Commits one block at a time, whoever asks: the core or catch-up. Does nothing when its height is committed already. */
  private commitInTurn(staged: StagedBlock, certificate: Certificate): Promise<void> {
    const committed = this.commitTurn.then(async () => {
      const { header } = staged.block.proposal;
      if (this.chain.head.height + 1 !== header.height) return;
      const head = await this.chain.commit(staged, certificate, this.signer?.record.sequence ?? 0);
      this.afterCommit({ staged, head });
    });
    this.commitTurn = committed.catch(() => undefined);
    return committed;
  }

  private afterCommit(block: CommittedBlock): void {
    const { proposal, transactions } = block.staged.block;
    const starved = this.pool.countPassedOver(proposal.references, block.head.parameters.blockBytesMax);
    const orphans = this.pool
      .settle(this.view(), proposal.references)
      .filter((digest) => this.durable.has(toHex(digest)));
    if (orphans.length > 0) this.guard(this.chain.store.deleteBatches(orphans));
    for (const digest of this.durable) if (!this.pool.hasKey(digest)) this.durable.delete(digest);
    this.mempool.settle(
      transactions.map(({ id }) => id),
      block.head.timeMs,
    );
    this.batcher.settle((digest) => this.pool.hasKey(digest));
    this.peers.setValidators(block.head.validators);
    this.log.info("block committed", {
      height: block.head.height,
      view: block.head.certificateView,
      transactions: transactions.length,
      block: toHex(block.head.blockHash),
    });
    for (const listener of this.commitListeners) listener(block);
    this.refreshWork();
    if (starved.length > 0) this.driver.push({ kind: "batchesStarved", digests: starved });
  }

  /** S3: every body of a block is on disk before the block is voted on. */
  private async makeDurable(block: CheckedBlock): Promise<void> {
    const missing = block.batches.filter(({ digest }) => !this.durable.has(toHex(digest)));
    if (missing.length === 0) return;
    await this.chain.store.saveBatches(missing, { sync: true });
    for (const { digest } of missing) this.durable.add(toHex(digest));
  }

  private publishBatch(batch: Batch): void {
    this.pool.add(batch);
    this.guard(this.network.publish("batches", batch.bytes));
    this.noticeWork();
  }

  // ---- work, pace, heads ----

  private view() {
    return { isCommitted: (id: Hash) => this.chain.replay.has(id), headTimeMs: this.chain.head.timeMs };
  }

  /** A batch arrived: news only when the core believes that there is nothing to do. */
  private noticeWork(): void {
    if (!this.hadWork) this.refreshWork();
  }

  private refreshWork(): void {
    const nowMs = Math.max(this.chain.head.timeMs + 1, this.clock.nowMs());
    const includable = this.pool.includable(this.view(), nowMs, this.chain.windowMs);
    const nextDueMs = this.chain.timers.nextDueMs();
    const hasDueTimer = nextDueMs !== undefined && nextDueMs <= nowMs;
    const hasWork = includable.length > 0 || hasDueTimer;
    if (hasWork || this.hadWork) {
      const waitingFor = includable.slice(0, WAITING_FOR_MAX).map(({ digest }) => digest);
      this.hadWork = hasWork;
      this.driver.push({ kind: "workChanged", hasWork, waitingFor });
    }
    if (nextDueMs !== undefined && !hasDueTimer) this.wakeForTimer(nextDueMs - nowMs);
  }

  private wakeForTimer(aheadMs: number): void {
    this.cancels.get("timer")?.();
    const delayMs = Math.min(TIMER_MS_MAX, Math.ceil(aheadMs / this.options.timeScale) + 1);
    this.cancels.set(
      "timer",
      this.clock.setTimer(delayMs, () => this.refreshWork()),
    );
  }

  private measurePace(): void {
    const quorum = quorumSize(this.chain.head.validators.length);
    const roundTripMs = this.peers.quorumRoundTripMs(quorum);
    if (roundTripMs === undefined) return;
    const timeoutMs = ROUND_TRIPS_PER_HEIGHT * roundTripMs + (this.signer?.saveMs ?? 0) + this.executionMs;
    this.driver.push({ kind: "paceMeasured", timeoutMs });
  }

  private publishHead(): void {
    if (this.signer === undefined || this.chain.head.height === 0) return;
    this.guard(this.network.publish("heads", this.heads.sign(this.options.key, this.chain.head)));
  }

  private every(name: string, intervalMs: number, run: () => void): void {
    const again = () => {
      run();
      this.cancels.set(name, this.clock.setTimer(intervalMs, again));
    };
    this.cancels.set(name, this.clock.setTimer(intervalMs, again));
  }

  // Nothing that runs on its own may fail unheard: what is not a peer's fault halts the node.
  private guard(pending: Promise<unknown>): void {
    pending.catch((error: unknown) => {
      const failure = error instanceof LedgerError ? error : new LedgerError("NODE_HALTED", {}, { cause: error });
      this.log.error("background work failed", {
        code: failure.code,
        ...failure.data,
        cause: error instanceof Error ? error.stack : String(error),
      });
      this.options.halt(failure);
    });
  }
}
