// The node's part in the network: performs the core's effects on chain, signer and peers, feeds it what arrives, and keeps
// mempool, pool and batcher in step with the chain. Every await is followed by a look at the height (pitfall 30).

import { invariant, unreachable } from "../assert.ts";
import type { HeadFacts, ValidatorKey } from "../consensus/events.ts";
import type { Replica } from "../consensus/replica.ts";
import { LedgerError } from "../errors.ts";
import { quorumSize } from "../ledger/certificate.ts";
import type { SealedGenesis } from "../ledger/genesis.ts";
import { type Hash, toHex } from "../ledger/hash.ts";
import type { Batch, BatchReference, Certificate, Proposal, Transaction, VerifySignature } from "../ledger/types.ts";
import type { Clock, GossipTopic, KeySigner, Logger, PeerId, PeerNetwork, RequestProtocol } from "../ports.ts";
import { AheadWatch } from "./ahead-watch.ts";
import { backgroundGuard } from "./background.ts";
import { BatchIntake } from "./batch-intake.ts";
import { BatchPool } from "./batch-pool.ts";
import { BATCH_TRANSACTIONS_MAX, Batcher } from "./batcher.ts";
import type { Chain, StagedBlock } from "./chain.ts";
import { CommitLog, LOG_INTERVAL_MS } from "./commit-log.ts";
import { Driver, type EffectOf, type EventOf } from "./driver.ts";
import { EvidenceLog } from "./evidence-log.ts";
import { FairTurns } from "./fair-turns.ts";
import { HEAD_INTERVAL_MS, HeadTracker } from "./heads.ts";
import { KeepingUp, type SnapshotOptions } from "./keeping-up.ts";
import { KeyRecovery } from "./key-recovery.ts";
import { Mempool } from "./mempool.ts";
import { PACE_INTERVAL_MS, Pace } from "./pace.ts";
import { Peers } from "./peers.ts";
import { Proposals } from "./proposals.ts";
import { handleReport } from "./reports.ts";
import { Schedule } from "./schedule.ts";
import type { Signer } from "./signer.ts";
import type { FetchedState } from "./state-sync.ts";
import { decidedFrame } from "./sync.ts";
import type { VerifyPool } from "./verify-pool.ts";
import { Work } from "./work.ts";

export interface ParticipantOptions {
  readonly chain: Chain;
  readonly replica: Replica;
  /** undefined: follows without voting */
  readonly signer: Signer | undefined;
  readonly key: KeySigner;
  readonly network: PeerNetwork;
  readonly verifyPool: VerifyPool;
  readonly verify: VerifySignature;
  readonly clock: Clock;
  readonly log: Logger;
  readonly genesis: Pick<SealedGenesis, "validators" | "endpoints" | "timeScale" | "chainId" | "parameters">;
  /** undefined: makes and offers no snapshots */
  readonly snapshots?: SnapshotOptions | undefined;
  drawNonce(): Uint8Array;
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
  readonly verify: VerifySignature;
  readonly batcher: Batcher;
  readonly recovery: KeyRecovery;
  private readonly options: ParticipantOptions;
  private readonly log: Logger;
  private readonly driver: Driver;
  private readonly intake: BatchIntake;
  private readonly keepingUp: KeepingUp;
  private readonly proposals: Proposals;
  private readonly schedule: Schedule;
  private readonly commitListeners = new Set<(block: CommittedBlock) => void>();
  private commitTurn: Promise<unknown> = Promise.resolve();
  private readonly pace = new Pace();
  private readonly commitLog: CommitLog;
  private readonly work: Work;
  private readonly ahead: AheadWatch;
  private readonly turns: FairTurns;
  private readonly guard: (pending: Promise<unknown>) => void;

  constructor(options: ParticipantOptions) {
    const { chain, clock, log, network, key, genesis, verify } = options;
    const { chainId, timeScale } = genesis;
    this.options = options;
    this.guard = backgroundGuard(options);
    this.chain = chain;
    this.clock = clock;
    this.schedule = new Schedule(clock);
    this.log = log;
    this.commitLog = new CommitLog(log);
    this.network = network;
    this.replica = options.replica;
    this.signer = options.signer;
    this.verify = verify;
    this.heads = new HeadTracker({ clock, chainId, timeScale, verify });
    this.evidence = new EvidenceLog({
      seats: chain,
      store: chain.store,
      chainId,
      verify,
      log,
      publish: (bytes) => network.publish("evidence", bytes),
    });
    const { validators } = chain.head;
    const ownKey = toHex(key.publicKey);
    this.peers = new Peers({ network, ownKey, genesis, validators, observers: chain.observers });
    const onBad = (from: ValidatorKey, code: string) => this.peers.penalise(from, code);
    this.intake = new BatchIntake({
      clock,
      log,
      pool: this.pool,
      verifyPool: options.verifyPool,
      verify,
      chainId,
      validators: () => chain.head.validators,
      poolView: () => this.proposals.view,
      windowMs: () => chain.windowMs,
      ownWaiting: () => this.pool.of(key.publicKey),
      loadBatch: (digest) => chain.store.loadBatch(digest),
      fetch: (from, payload, timeoutMs) => this.peers.request(from, "fetch", payload, timeoutMs),
      onVerified: (durationMs, transactions) => this.pace.noteVerification(durationMs, transactions),
      onBatch: (batch) => this.noticeBatch(batch),
      onInvalid: (from, code, bytes) => {
        onBad(from, code);
        this.guard(this.evidence.accuse(bytes));
      },
    });
    const { pool, intake } = this;
    const recorded = () => this.signer?.record;
    this.proposals = new Proposals({ chain, pool, intake, clock, ownKey: key.publicKey, timeScale, recorded });
    this.keepingUp = new KeepingUp({
      ...options,
      peers: this.peers,
      commit: (staged, certificate) =>
        this.proposals.makeDurable(staged.block).then(() => this.commitInTurn(staged, certificate)),
      install: (fetched) => this.installInTurn(fetched),
      prune: (limits) => this.proposals.prune(limits),
    });
    this.work = new Work({
      clock,
      schedule: this.schedule,
      pool: this.pool,
      timeScale,
      chain: () => ({
        headTimeMs: chain.head.timeMs,
        windowMs: chain.windowMs,
        nextDueMs: chain.timers.nextDueMs(),
      }),
      poolView: () => this.proposals.view,
      tell: (work) => this.driver.push({ kind: "workChanged", ...work }),
    });
    this.turns = new FairTurns(clock);
    this.ahead = new AheadWatch({
      clock,
      headHeight: () => chain.head.height,
      ask: (height, from) => this.guard(this.catchUp(height, from).then((event) => this.driver.push(event))),
    });
    this.recovery = new KeyRecovery({
      ...options,
      schedule: this.schedule,
      request: (to, payload, timeoutMs) => this.peers.request(to, "head", payload, timeoutMs),
      lookAhead: (height, from) => this.ahead.notice(height, from),
      onBadAnswer: onBad,
      onRecovered: (record) => this.driver.push({ kind: "recordRecovered", record }),
      guard: this.guard,
    });
    this.batcher = new Batcher({
      clock,
      mempool: this.mempool,
      signer: key,
      chainId,
      parameters: () => chain.head.parameters,
      hasRoom: () =>
        this.isSeated && this.pool.hasRoom(key.publicKey, chain.head.parameters.batchBytesMax, BATCH_TRANSACTIONS_MAX),
      publish: (batch) => this.publishBatch(batch),
    });
    const recordEvidence = (bytes: Uint8Array) => this.guard(this.evidence.record(bytes));
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
        sendDecided: (to, height) => {
          const frame = decidedFrame(chain, height);
          if (frame !== undefined) this.peers.send([to], frame);
        },
        fetchBatches: (from, digests) => this.guard(this.intake.collect(from, digests)),
        keepTrail: (height, bytes) => this.guard(chain.store.trails.keep(height, bytes)),
        report: (report) => handleReport(report, { log, recordEvidence, penalise: onBad }),
      },
    });
  }

  async start(): Promise<void> {
    await this.evidence.load();
    await this.network.start({
      onFrame: (peer, bytes) => this.onFrame(peer, bytes),
      onGossip: (topic, peer, bytes) => this.onGossip(topic, peer, bytes),
      onRequest: (protocol, peer, payload) => this.onRequest(protocol, peer, payload),
      onPeerChanged: (peer, connected) => this.onPeerChanged(peer, connected),
    });
    this.guard(this.keepingUp.start());
    this.driver.push({ kind: "started" });
    this.recovery.start();
    this.work.refresh();
    this.schedule.every("pace", PACE_INTERVAL_MS, () => this.measurePace());
    this.schedule.every("log", LOG_INTERVAL_MS, () => this.commitLog.tell(this.clock.monotonicMs()));
    this.schedule.every("head", HEAD_INTERVAL_MS, () => this.publishHead());
  }

  async stop(): Promise<void> {
    this.schedule.stop();
    this.batcher.stop();
    this.ahead.stop();
    this.driver.stop();
    await this.keepingUp.stop();
    await this.network.stop();
    await this.commitTurn.then(() => this.commitLog.tell(Number.POSITIVE_INFINITY));
    const notKept = (error: unknown) => this.log.warn("newest trails not kept", { cause: String(error) });
    await this.chain.store.trails.flush().catch(notKept);
  }

  /** A transaction passed the door. @throws LedgerError MEMPOOL_FULL, MEMPOOL_SENDER_FULL */
  offer(transaction: Transaction): void {
    this.mempool.add(transaction);
    this.batcher.wake();
  }

  /** Whether this node's key has a seat at the height in flight: membership changes while it runs. */
  get isSeated(): boolean {
    return this.chain.hasSeat(this.options.key.publicKey);
  }

  onCommitted(listener: (block: CommittedBlock) => void): () => void {
    this.commitListeners.add(listener);
    return () => this.commitListeners.delete(listener);
  }

  // ---- what arrives ----

  private onFrame(peer: PeerId, bytes: Uint8Array): void {
    const from = this.peers.keyOf(peer);
    if (from !== undefined) this.driver.push({ kind: "messageReceived", from, bytes, arrivedMs: this.clock.nowMs() });
  }

  private onGossip(topic: GossipTopic, peer: PeerId, bytes: Uint8Array): void {
    const from = this.peers.keyOf(peer);
    if (from === undefined) return;
    switch (topic) {
      case "batches":
        this.guard(this.intake.hear(bytes, from));
        return;
      case "heads": {
        const statement = this.heads.take(bytes, this.chain.head.validators);
        if (statement !== undefined) this.ahead.notice(statement.height, from);
        return;
      }
      case "evidence":
        if (this.turns.hasRoom(from)) this.guard(this.turns.take(from, () => this.evidence.take(bytes)));
        return;
      default:
        unreachable(topic);
    }
  }

  private async onRequest(protocol: RequestProtocol, peer: PeerId, payload: Uint8Array): Promise<Uint8Array> {
    const from = this.peers.askerOf(peer);
    if (from === undefined) throw new LedgerError("PEER_UNKNOWN");
    const answers: Record<RequestProtocol, () => Uint8Array | Promise<Uint8Array>> = {
      fetch: () => this.intake.answerFetch(payload),
      sync: () => this.keepingUp.answer(payload),
      head: () => this.recovery.answer(payload),
    };
    return this.turns.take(from, answers[protocol]);
  }

  private onPeerChanged(peer: PeerId, connected: boolean): void {
    const key = this.peers.keyOf(peer);
    if (key === undefined) return;
    this.driver.push({ kind: "peerChanged", peer: key, connected });
    if (!connected) return;
    // Whoever was away learns at once how far the others are, and which batches it missed.
    this.publishHead();
    this.guard(this.intake.collect(key, []));
  }

  // ---- what the core asks for ----

  private async buildBlock({ height, view }: EffectOf<"buildBlock">): Promise<EventOf<"blockBuilt">> {
    const proposal = await this.proposals.build({ height, view });
    if (proposal === undefined) this.work.noteNothingBuilt();
    return { kind: "blockBuilt", height, view, proposal };
  }

  private async checkBlock(effect: EffectOf<"checkBlock">): Promise<EventOf<"blockChecked">> {
    const { height, view, proposal } = effect;
    const verdict = await this.proposals.check(proposal, effect);
    const { blockHash } = proposal;
    if (verdict.ok) return { kind: "blockChecked", height, view, blockHash, valid: true, code: "" };
    const { code, detail } = verdict;
    if (code !== "NO_LONGER_NEEDED") this.log.warn("proposal refused", { height, view, code, detail });
    return { kind: "blockChecked", height, view, blockHash, valid: false, code };
  }

  private async executeBlock(height: number, proposal: Proposal): Promise<EventOf<"blockExecuted"> | undefined> {
    await this.signer?.untilVotesLeft();
    await this.chain.settled();
    // Catch-up may have committed this height meanwhile (pitfall 30).
    if (this.chain.head.height >= height) return undefined;
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
    invariant(block !== undefined, "N7: only a checked block is executed");
    const startedMs = this.clock.monotonicMs();
    const staged = this.chain.execute(block);
    this.pace.noteExecution(this.clock.monotonicMs() - startedMs, block.transactions.length);
    return staged;
  }

  private async signVote({ request }: EffectOf<"signVote">): Promise<EventOf<"voteSigned"> | undefined> {
    invariant(this.signer !== undefined, "N8: a node without a vote record is never asked to sign");
    const message = await this.signer.sign(request, () => this.chain.head);
    return message === undefined ? undefined : { kind: "voteSigned", request, message };
  }

  private async commitBlock({ proposal, certificate }: EffectOf<"commitBlock">): Promise<EventOf<"blockCommitted">> {
    await this.chain.settled();
    if (this.chain.head.height < proposal.header.height) await this.commitInTurn(this.execute(proposal), certificate);
    return { kind: "blockCommitted", head: this.chain.head };
  }

  private async catchUp(height: number, from: ValidatorKey): Promise<EventOf<"syncFinished">> {
    await this.keepingUp.catchUp(height, from);
    return { kind: "syncFinished", head: this.chain.head };
  }

  // ---- commit ----

  /** Commits one block at a time, whoever asks: the core or catch-up. Does nothing when its height is committed already. */
  private commitInTurn(staged: StagedBlock, certificate: Certificate): Promise<void> {
    const committed = this.commitTurn.then(async () => {
      const { header } = staged.block.proposal;
      if (this.chain.head.height + 1 !== header.height) return;
      const head = await this.chain.commit(staged, certificate, this.signer?.record);
      this.afterCommit({ staged, head });
    });
    this.commitTurn = committed.catch(() => undefined);
    return committed;
  }

  private installInTurn({ installed, ...derived }: FetchedState): Promise<void> {
    const done = this.commitTurn.then(async () => {
      if (this.chain.head.height >= installed.block.header.height) return;
      const head = await this.chain.install(installed, derived, this.signer?.record);
      this.log.info("snapshot installed", { height: head.height, rows: derived.tree.size });
      this.guard(this.chain.store.sweep());
      this.settleAt(head, [], []);
      this.work.refresh();
    });
    this.commitTurn = done.catch(() => undefined);
    return done;
  }

  private afterCommit(block: CommittedBlock): void {
    // It is durable: whoever waits for a receipt waits for nothing else.
    for (const listener of this.commitListeners) listener(block);
    this.guard(this.keepingUp.noteCommitted());
    const { proposal, transactions } = block.staged.block;
    const [{ windowMs }, { patienceMs }, nowMs] = [this.chain, this.pace, this.clock.monotonicMs()];
    const limits = { blockBytesMax: block.head.parameters.blockBytesMax, windowMs, patienceMs, nowMs };
    const { toSpread, starved } = this.pool.countPassedOver(this.proposals.view, proposal.references, limits);
    const committed = transactions.map(({ id }) => id);
    this.settleAt(block.head, proposal.references, committed);
    this.commitLog.note(block.head, transactions.length, nowMs);
    this.recovery.headMoved();
    this.work.refresh();
    for (const [digests, wereSpread] of [[toSpread, false] as const, [starved, true] as const])
      if (digests.length > 0) this.driver.push({ kind: "batchesStarved", digests, wereSpread });
  }

  /** What a new head used up or let expire is forgotten. */
  private settleAt(head: HeadFacts, references: readonly BatchReference[], committed: readonly Hash[]): void {
    const used = this.pool.settle(this.proposals.view, references);
    const foreign = this.pool.retainOrigins(head.validators.map(({ publicKey }) => publicKey));
    this.guard(this.proposals.settle([...used, ...foreign]));
    this.mempool.settle(committed, head.timeMs);
    // N232: nobody takes batches of a node without a seat, and its clients have to learn it at the door.
    if (!this.isSeated) this.mempool.clear();
    this.batcher.settle((digest) => this.pool.hasKey(digest));
    this.peers.follow(head.validators, this.chain.observers);
  }

  private publishBatch(batch: Batch): void {
    this.pool.add(batch);
    this.guard(this.network.publish("batches", batch.bytes));
    this.noticeBatch(batch);
  }

  private noticeBatch(batch: Batch): void {
    // Idle: the next block will name it, so the disk works while that block is made. Under load one write for each block is cheaper.
    if (!this.work.isTold && this.pool.has(batch.digest)) this.guard(this.proposals.saveBodies([batch]));
    this.measurePace();
    this.work.notice();
  }

  // ---- pace, heads ----

  private measurePace(): void {
    const { validators, parameters } = this.chain.head;
    const roundTripMs = this.peers.quorumRoundTripMs(quorumSize(validators.length));
    if (roundTripMs === undefined) return;
    const pending = Math.min(this.pool.transactions, parameters.blockTransactionsMax);
    const measured = { roundTripMs, saveMs: this.signer?.saveMs ?? 0, origins: validators.length, pending };
    this.driver.push({ kind: "paceMeasured", timeoutMs: this.pace.measure(measured) });
  }

  private publishHead(): void {
    if (!this.recovery.maySign || !this.isSeated || this.chain.head.height === 0) return;
    this.guard(this.network.publish("heads", this.heads.sign(this.options.key, this.chain.head)));
  }
}
