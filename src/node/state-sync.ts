// Fetches a whole state instead of the blocks that made it: finds a certified snapshot, fetches its chunks from several peers at once,
// then the ids of the replay window. Never believes an offer: only the certified header counts, and every part is judged alone.

import type { ValidatorKey } from "../consensus/events.ts";
import { LedgerError } from "../errors.ts";
import { faultBound } from "../ledger/certificate.ts";
import { DECODE_LIMITS, type DecodeLimits, decodeWith, type Reader } from "../ledger/codec.ts";
import { blockHashOf, decodeHeader, transactionsRootOf } from "../ledger/format-block.ts";
import { decodeManifest, manifestHashOf, type SnapshotManifest, verifyAnchor } from "../ledger/format-snapshot.ts";
import type { SealedGenesis } from "../ledger/genesis.ts";
import { bytesEqual, bytesKey, type Hash } from "../ledger/hash.ts";
import { LIMITS } from "../ledger/limits.ts";
import type { VerifySignature } from "../ledger/types.ts";
import type { Clock, Logger } from "../ports.ts";
import { verifyChunk } from "../state/chunk.ts";
import type { StateTree } from "../state/tree.ts";
import type { InstalledHead } from "../store/install.ts";
import { SNAPSHOTS_KEPT } from "../store/snapshots.ts";
import type { PlacedWindowBlock, StagedState } from "../store/staged-state.ts";
import type { Chain } from "./chain.ts";
import { DerivedRows } from "./derived-rows.ts";
import { ReplayWindow } from "./replay-window.ts";
import { encodeSnapshotRequest, type SnapshotRequest, WINDOW_BLOCKS_MAX } from "./snapshot-answers.ts";

const OFFER_TIMEOUT_MS = 5_000;
const PART_TIMEOUT_MS = 10_000;
/** Peers that are asked for chunks, and chunks asked of each, at one time. */
const SOURCES_MAX = 8;
const CHUNKS_PER_SOURCE = 2;
/** Unanswered questions after which a peer is given up for this attempt. */
const FAILURES_MAX = 3;
/** After an attempt that moved nothing: a lie about a height must not make a busy loop. */
export const STATE_SYNC_RETRY_MS = 30_000;
const OFFER_LIMITS: DecodeLimits = {
  bytesMax: SNAPSHOTS_KEPT * (LIMITS.snapshotManifestBytesMax + LIMITS.proofBytesMax) + 64,
  depthMax: 2,
  itemsMax: 16,
};

/** Everything that is to become the state of this node, verified. */
export interface FetchedState {
  readonly installed: InstalledHead;
  readonly tree: StateTree;
  readonly rows: DerivedRows;
  readonly replay: ReplayWindow;
}

export interface StateSyncPorts {
  readonly chain: Chain;
  readonly genesis: Pick<SealedGenesis, "chainId" | "validators">;
  readonly verify: VerifySignature;
  readonly clock: Clock;
  readonly log: Logger;
  request(from: ValidatorKey, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
  /** in turn with commits */
  install(fetched: FetchedState): Promise<void>;
  onBadAnswer(from: ValidatorKey, code: string): void;
}

/** One snapshot and those who have it. */
interface Offer {
  readonly manifest: SnapshotManifest;
  readonly manifestHash: Hash;
  holders: readonly { readonly peer: ValidatorKey; readonly anchorBytes: Uint8Array }[];
}

export class StateSync {
  private readonly ports: StateSyncPorts;
  private notBeforeMs = 0;
  /** what the attempt asked for that `notBeforeMs` follows */
  private failedHeightMin = 0;
  private isStopped = false;

  constructor(ports: StateSyncPorts) {
    this.ports = ports;
  }

  stop(): void {
    this.isStopped = true;
  }

  /**
   * Moves the head to a snapshot at `heightMin` or above, if somebody has one. What was fetched before a crash or a failure is not
   * fetched again while its snapshot is on offer. Never throws for what peers do. @returns whether the head moved
   */
  async run(heightMin: number, peers: readonly ValidatorKey[]): Promise<boolean> {
    const { chain, clock, log } = this.ports;
    // N253: that nobody has a snapshot so far ahead says nothing about a lower one, which is all that is left when blocks are gone.
    if (clock.monotonicMs() < this.notBeforeMs && heightMin >= this.failedHeightMin) return false;
    for (const offer of this.inOrder(await this.offers(peers))) {
      if (this.isStopped || offer.manifest.height < heightMin || offer.manifest.height <= chain.head.height) continue;
      const installed = this.certified(offer);
      if (installed === undefined) continue;
      const { protocol } = installed.block.header;
      if (!chain.protocols.has(protocol)) {
        // N225: certified, but by rules that this software could not have followed: it would vouch for what it cannot judge.
        log.error("snapshot of a newer protocol is passed over", { height: offer.manifest.height, protocol });
        continue;
      }
      const { height, chunks } = offer.manifest;
      log.info("fetching a snapshot", { height, chunks: chunks.length, peers: offer.holders.length });
      const fetched = await this.fetch(offer, installed);
      if (fetched === undefined) continue;
      await this.ports.install(fetched);
      return chain.head.height >= height;
    }
    this.notBeforeMs = clock.monotonicMs() + STATE_SYNC_RETRY_MS;
    this.failedHeightMin = heightMin;
    return false;
  }

  // ---- offers ----

  private async offers(peers: readonly ValidatorKey[]): Promise<readonly Offer[]> {
    const offers = new Map<string, Offer>();
    await Promise.all(
      peers.map(async (peer) => {
        const answer = await this.ask(peer, { kind: "snapshots" }, OFFER_TIMEOUT_MS);
        if (answer === undefined) return;
        const decoded = decodeWith(answer, OFFER_LIMITS, (reader) => reader.list(0, SNAPSHOTS_KEPT, readOffer));
        if (!decoded.ok) return this.ports.onBadAnswer(peer, decoded.code);
        for (const { manifest, manifestHash, anchorBytes } of decoded.value) {
          const name = bytesKey(manifestHash);
          const offer = offers.get(name) ?? { manifest, manifestHash, holders: [] as Offer["holders"] };
          // Who names a snapshot twice has it once.
          if (!offer.holders.some((holder) => holder.peer === peer))
            offer.holders = [...offer.holders, { peer, anchorBytes }];
          offers.set(name, offer);
        }
      }),
    );
    return [...offers.values()];
  }

  /**
   * The one that was begun, then those that most peers have, the newest first: what few have few can vouch for and serve. N240: one
   * that only liars may still have, each part of it just in time for hours, goes first no more when an honest one has another.
   */
  private inOrder(offers: readonly Offer[]): readonly Offer[] {
    const { store, head } = this.ports.chain;
    const begun = store.stagedManifest;
    const isServed = ({ holders }: Offer): boolean => holders.length > faultBound(head.validators.length);
    const isPreferred = (offer: Offer): boolean => isServed(offer) || !offers.some(isServed);
    const isBegun = (offer: Offer): number =>
      Number(begun !== undefined && bytesEqual(begun, offer.manifestHash) && isPreferred(offer));
    return [...offers].sort(
      (left, right) =>
        isBegun(right) - isBegun(left) ||
        right.holders.length - left.holders.length ||
        right.manifest.height - left.manifest.height,
    );
  }

  /** N141: a manifest counts only under a header that is certified from the genesis on. Whoever sent another is no source. */
  private certified(offer: Offer): InstalledHead | undefined {
    const { genesis, verify } = this.ports;
    const { manifest } = offer;
    for (const holder of offer.holders) {
      const verdict = verifyAnchor({ bytes: holder.anchorBytes, genesis, verify });
      if (verdict.ok) {
        const { anchor, block } = verdict.value;
        const isOfHeader =
          bytesEqual(manifest.chainId, genesis.chainId) &&
          manifest.height === block.header.height &&
          bytesEqual(manifest.stateRoot, block.result.stateRoot);
        if (isOfHeader) return { anchor, block, transactionsTotal: manifest.transactionsTotal };
      }
      this.ports.onBadAnswer(holder.peer, verdict.ok ? "SNAPSHOT_NOT_CERTIFIED" : verdict.code);
      offer.holders = offer.holders.slice(1);
    }
    return undefined;
  }

  // ---- parts ----

  /** undefined: nobody could serve all of it; what came stays for the next attempt. */
  private async fetch(offer: Offer, installed: InstalledHead): Promise<FetchedState | undefined> {
    const staged = await this.ports.chain.store.stage(offer.manifestHash);
    if (!(await this.fetchChunks(offer, staged))) return undefined;
    const replay = await this.fetchWindow(offer, installed, staged);
    if (replay === undefined || this.isStopped) return undefined;
    const rows = new DerivedRows();
    const tree = await staged.tree((key, value) => rows.apply([{ key, value }]));
    // Every chunk was right and none is missing: what differs now was changed by this node's disk.
    if (!bytesEqual(tree.root(), offer.manifest.stateRoot))
      throw new LedgerError("STORE_CORRUPT", { row: "staged state" });
    return { installed, tree, rows, replay };
  }

  /** @returns whether all are here */
  private async fetchChunks(offer: Offer, staged: StagedState): Promise<boolean> {
    const { manifest, holders } = offer;
    const missing = () => [...manifest.chunks.keys()].filter((index) => !staged.has(index));
    const sources = new Set(holders.map(({ peer }) => peer));
    // A round that brings nothing has given up a source: the rounds end.
    for (let queue = missing(); queue.length > 0 && sources.size > 0 && !this.isStopped; queue = missing()) {
      const workers = [...sources]
        .slice(0, SOURCES_MAX)
        .flatMap((peer) => Array.from({ length: CHUNKS_PER_SOURCE }, () => peer))
        .map((peer) => this.fetchFrom(peer, { offer, queue, staged, sources }));
      await Promise.all(workers);
    }
    return missing().length === 0;
  }

  /** N142: a chunk that is not what the state root says costs its sender, who is asked for nothing more, and is fetched elsewhere. */
  private async fetchFrom(
    peer: ValidatorKey,
    work: {
      readonly offer: Offer;
      readonly queue: number[];
      readonly staged: StagedState;
      readonly sources: Set<ValidatorKey>;
    },
  ): Promise<void> {
    const { offer, queue, staged, sources } = work;
    const { height, stateRoot, chunks } = offer.manifest;
    for (let failures = 0; failures < FAILURES_MAX && sources.has(peer) && !this.isStopped; ) {
      const index = queue.shift();
      if (index === undefined) return;
      const bytes = await this.ask(peer, { kind: "chunk", height, index }, PART_TIMEOUT_MS);
      if (this.isStopped) return;
      if (bytes === undefined) {
        failures += 1;
        queue.push(index);
        continue;
      }
      const verdict = verifyChunk({ bytes, place: chunks[index]!.place, stateRoot });
      if (!verdict.ok) {
        sources.delete(peer);
        offer.holders = offer.holders.filter((holder) => holder.peer !== peer);
        queue.push(index);
        this.ports.log.warn("snapshot chunk refused", { peer, height, chunk: index, code: verdict.code });
        this.ports.onBadAnswer(peer, verdict.code);
        return;
      }
      await staged.add(index, verdict.value);
    }
    sources.delete(peer);
  }

  /**
   * N143: from the certified header back, each header by the hash that the one after it names, and each list of ids by its header,
   * until one is older than the window. Nothing is committed on the snapshot before all of it is here.
   */
  private async fetchWindow(
    { holders }: Offer,
    installed: InstalledHead,
    staged: StagedState,
  ): Promise<ReplayWindow | undefined> {
    const { header, blockHash } = installed.block;
    const windowMs = installed.anchor.parameters.replayWindowMs;
    const found: { readonly timeMs: number; readonly ids: readonly Hash[] }[] = [];
    let next = { height: header.height, hash: blockHash };
    let oldestMs = header.timeMs;
    const isWhole = () => next.height === 0 || oldestMs < header.timeMs - windowMs;
    // N240: in turn, so that one who hands out block by block, each in time, takes no more than its share of the attempt.
    const sources = holders.map(({ peer }) => peer);
    while (!isWhole() && !this.isStopped) {
      const peer = sources.shift();
      if (peer === undefined) break;
      const answer = await this.ask(peer, { kind: "window", height: next.height }, PART_TIMEOUT_MS);
      if (answer === undefined || this.isStopped) continue;
      const blocks = linkedBlocks(answer, next);
      if (blocks === undefined) this.ports.onBadAnswer(peer, "WINDOW_BLOCK");
      if (blocks === undefined || blocks.length === 0) continue;
      await staged.addWindow(blocks);
      found.push(...blocks.map(({ timeMs, ids }) => ({ timeMs, ids })));
      const last = blocks.at(-1)!;
      oldestMs = last.timeMs;
      next = { height: last.height - 1, hash: last.parentHash };
      sources.push(peer);
    }
    if (!isWhole()) return undefined;
    const replay = new ReplayWindow();
    for (const block of found.reverse()) replay.add({ ...block, windowMs });
    return replay;
  }

  private async ask(peer: ValidatorKey, request: SnapshotRequest, timeoutMs: number): Promise<Uint8Array | undefined> {
    try {
      return await this.ports.request(peer, encodeSnapshotRequest(request), timeoutMs);
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      this.ports.log.debug("snapshot request failed", { peer, part: request.kind, code: error.code });
      return undefined;
    }
  }
}

function readOffer(reader: Reader) {
  reader.tuple(2);
  const manifestBytes = reader.byteString(1, LIMITS.snapshotManifestBytesMax);
  const anchorBytes = reader.byteString(1, LIMITS.proofBytesMax);
  const manifest = decodeManifest(manifestBytes);
  if (!manifest.ok) return reader.fail(manifest.code);
  return { manifest: manifest.value, manifestHash: manifestHashOf(manifestBytes), anchorBytes };
}

/** The blocks of an answer, newest first; undefined unless each is the one that is named by its child, with its own ids. */
function linkedBlocks(
  answer: Uint8Array,
  newest: { readonly height: number; readonly hash: Hash },
): readonly (PlacedWindowBlock & { readonly parentHash: Hash })[] | undefined {
  const decoded = decodeWith(answer, DECODE_LIMITS, (reader) =>
    reader.list(0, WINDOW_BLOCKS_MAX, (inner) => {
      inner.tuple(2);
      return {
        headerBytes: inner.byteString(1, LIMITS.headerBytesMax),
        run: inner.byteString(0, LIMITS.blockTransactionsMax * 32),
      };
    }),
  );
  if (!decoded.ok) return undefined;
  const blocks: (PlacedWindowBlock & { readonly parentHash: Hash })[] = [];
  let next = newest;
  for (const { headerBytes, run } of decoded.value) {
    const header = decodeHeader(headerBytes);
    if (!header.ok || !bytesEqual(blockHashOf(headerBytes), next.hash)) return undefined;
    const ids = Array.from({ length: run.length / 32 }, (_, index) => run.slice(index * 32, index * 32 + 32));
    const { timeMs, parentHash, transactionCount, transactionsRoot } = header.value;
    if (run.length !== transactionCount * 32 || !bytesEqual(transactionsRootOf(ids), transactionsRoot))
      return undefined;
    blocks.push({ height: next.height, timeMs, headerBytes, ids, parentHash });
    next = { height: next.height - 1, hash: parentHash };
  }
  return blocks;
}
