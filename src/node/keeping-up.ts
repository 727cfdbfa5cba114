// How this node keeps up with the others and they with it: blocks and snapshots, fetched and served, snapshots made and old bodies deleted.
// Wiring and one choice: blocks while they are few, a snapshot when they are many or gone.

import type { ValidatorKey } from "../consensus/events.ts";
import type { SealedGenesis } from "../ledger/genesis.ts";
import type { Certificate, VerifySignature } from "../ledger/types.ts";
import type { Clock, Logger } from "../ports.ts";
import type { PruneLimits } from "../store/pruning.ts";
import type { Snapshots } from "../store/snapshots.ts";
import type { Chain, StagedBlock } from "./chain.ts";
import type { Peers } from "./peers.ts";
import { Pruner } from "./pruner.ts";
import { answerSnapshotRequest, decodeSnapshotRequest } from "./snapshot-answers.ts";
import { SnapshotMaker } from "./snapshot-maker.ts";
import { type FetchedState, StateSync } from "./state-sync.ts";
import { answerSync, Sync } from "./sync.ts";

/** Snapshots of this node. */
export interface SnapshotOptions {
  readonly stored: Snapshots;
  /** one is made at each height that is a multiple of it; 0: none is made */
  readonly everyHeights: number;
  /** further behind than this a snapshot is fetched instead of blocks */
  readonly fetchWhenBehind: number;
  /** bodies of blocks that are older than the head by more than this, ledger ms, are deleted; undefined: all are kept */
  readonly keepBodiesMs: number | undefined;
}

export class KeepingUp {
  private readonly chain: Chain;
  private readonly snapshots: SnapshotOptions | undefined;
  private readonly sync: Sync;
  private readonly stateSync: StateSync;
  private readonly maker: SnapshotMaker | undefined;
  private readonly pruner: Pruner | undefined;

  constructor(options: {
    readonly chain: Chain;
    readonly genesis: Pick<SealedGenesis, "chainId" | "validators">;
    readonly verify: VerifySignature;
    readonly clock: Clock;
    readonly log: Logger;
    readonly peers: Peers;
    /** undefined: none is made or offered; blocks are fetched as long as anybody has them */
    readonly snapshots?: SnapshotOptions | undefined;
    /** both in turn with the core's own commits; nothing happens when the height is committed already */
    commit(staged: StagedBlock, certificate: Certificate): Promise<void>;
    install(fetched: FetchedState): Promise<void>;
    /** one step among the writes of bodies; how many blocks it was done with */
    prune(limits: PruneLimits): Promise<number>;
  }) {
    const { chain, genesis, verify, clock, log, peers, snapshots } = options;
    const { chainId } = genesis;
    this.chain = chain;
    this.snapshots = snapshots;
    const request = (from: ValidatorKey, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array> =>
      peers.request(from, "sync", payload, timeoutMs);
    const onBadAnswer = (from: ValidatorKey, code: string): void => peers.penalise(from, code);
    this.stateSync = new StateSync({
      chain,
      genesis,
      verify,
      clock,
      log,
      request,
      onBadAnswer,
      install: (fetched) => options.install(fetched),
    });
    this.sync = new Sync({
      chain,
      chainId,
      verify,
      log,
      peers: () => peers.others(),
      request,
      onBadAnswer,
      commit: (staged, certificate) => options.commit(staged, certificate),
      fetchState: (reason, from) => this.fetchState(reason, from),
    });
    this.maker =
      snapshots && new SnapshotMaker({ ...snapshots, snapshots: snapshots.stored, chain, chainId, clock, log });
    if (snapshots?.keepBodiesMs === undefined) return;
    const { keepBodiesMs, stored } = snapshots;
    const prune = (limits: PruneLimits): Promise<number> => options.prune(limits);
    this.pruner = new Pruner({ chain, snapshots: stored, keepBodiesMs, clock, log, prune });
  }

  /** Deletes what a state that was replaced has left. */
  start(): Promise<void> {
    return this.chain.store.sweep();
  }

  async stop(): Promise<void> {
    this.stateSync.stop();
    await this.maker?.stop();
    await this.pruner?.stop();
  }

  /** Moves the head to `height` or as far as any peer can answer. Never throws for what peers do. */
  catchUp(height: number, from: ValidatorKey): Promise<void> {
    return this.sync.catchUp(height, from);
  }

  /** Right after a commit: makes a snapshot if this height has one, and deletes bodies that are old now. */
  async noteCommitted(): Promise<void> {
    await Promise.all([this.maker?.noteCommitted(), this.pruner?.noteCommitted()]);
  }

  /** Answers a peer's request for blocks or for a part of a snapshot. @throws LedgerError SYNC_REQUEST_INVALID, SNAPSHOT_NOT_HERE */
  async answer(payload: Uint8Array): Promise<Uint8Array> {
    const request = decodeSnapshotRequest(payload);
    if (request === undefined) return answerSync(this.chain, payload);
    return answerSnapshotRequest({ chain: this.chain, snapshots: this.snapshots?.stored }, request);
  }

  /** N144: a peer's word about its height only opens the question: what counts is a snapshot so far ahead, certified. */
  private async fetchState(
    reason: { readonly headHeight: number } | "blocksGone",
    peers: readonly ValidatorKey[],
  ): Promise<boolean> {
    const { height } = this.chain.head;
    if (reason === "blocksGone") return this.stateSync.run(height + 1, peers);
    const behindMin = this.snapshots?.fetchWhenBehind ?? Number.POSITIVE_INFINITY;
    return reason.headHeight - height > behindMin && this.stateSync.run(height + behindMin, peers);
  }
}
