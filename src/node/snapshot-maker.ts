// Makes a snapshot at every N-th height from a held view of the store while blocks go on, and offers it to peers.
// Never holds a block up: it reads page by page, rests in proportion, and what goes wrong with its files costs only the snapshot.

import { invariant } from "../assert.ts";
import { LedgerError } from "../errors.ts";
import { type ChunkPlace, encodeAnchor, placeOf } from "../ledger/format-snapshot.ts";
import { decodeCertificate } from "../ledger/format-vote.ts";
import type { Hash } from "../ledger/hash.ts";
import { compareBytes } from "../ledger/hash.ts";
import { HistoryAccumulator } from "../ledger/history.ts";
import { LIMITS } from "../ledger/limits.ts";
import { BUCKET_DEPTH } from "../ledger/state-proof.ts";
import type { Clock, Logger } from "../ports.ts";
import { chunkRowBytes, cutChunks, type PlacedRow, placed } from "../state/chunk.ts";
import type { Snapshots } from "../store/snapshots.ts";
import type { FrozenState } from "../store/state-rows.ts";
import type { Chain } from "./chain.ts";

const BUCKETS = 2 ** BUCKET_DEPTH;
/** Rows in memory at a time: the state is read once for each this many bytes, and once before. */
const PASS_BYTES_MAX = 64 << 20;
/** Of this node's time, while a snapshot is made. */
const SHARE = 1 / 4;

/** A part of the tree above its buckets whose rows fit a chunk, or one bucket. */
interface PlannedPlace {
  readonly depth: number;
  /** its number among the places of this depth */
  readonly index: number;
  readonly bytes: number;
}

export class SnapshotMaker {
  private readonly chain: Chain;
  private readonly chainId: Hash;
  private readonly snapshots: Snapshots;
  private readonly everyHeights: number;
  private readonly clock: Clock;
  private readonly log: Logger;
  private making: Promise<void> | undefined;
  private isStopped = false;

  constructor(options: {
    readonly chain: Chain;
    readonly chainId: Hash;
    readonly snapshots: Snapshots;
    /** 0: none is made */
    readonly everyHeights: number;
    readonly clock: Clock;
    readonly log: Logger;
  }) {
    this.chain = options.chain;
    this.chainId = options.chainId;
    this.snapshots = options.snapshots;
    this.everyHeights = options.everyHeights;
    this.clock = options.clock;
    this.log = options.log;
  }

  /** Right after a commit. @returns when the snapshot is on disk, if this height has one */
  async noteCommitted(): Promise<void> {
    const { height } = this.chain.head;
    if (this.everyHeights === 0 || height % this.everyHeights !== 0) return;
    // One that takes longer than N blocks is not disturbed: the next height is made instead of this one.
    if (this.making !== undefined || this.isStopped || this.snapshots.heights.includes(height)) return;
    this.making = this.make().finally(() => {
      this.making = undefined;
    });
    await this.making;
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.making;
  }

  private async make(): Promise<void> {
    // Everything of this height is taken before the first wait: the next block may be committed meanwhile.
    const frozen = this.chain.store.freezeState();
    const siblings = this.chain.tree.frozenSiblings();
    const { head } = this.chain.store;
    invariant(frozen.height === head.height, "N140: a snapshot is of the head at which it was begun");
    const anchorBytes = this.anchor();
    const { height, stateRoot, transactionsTotal } = head;
    const facts = { chainId: this.chainId, height, stateRoot, transactionsTotal };
    const startedMs = this.clock.monotonicMs();
    try {
      const chunks = this.chunks(frozen, siblings);
      const { manifest } = await this.snapshots.write({ facts, anchorBytes, chunks });
      const bytes = manifest.chunks.reduce((sum, chunk) => sum + chunk.bytes, 0);
      const durationMs = Math.round(this.clock.monotonicMs() - startedMs);
      this.log.info("snapshot made", { height, chunks: manifest.chunks.length, bytes, durationMs });
    } catch (error) {
      if (error instanceof Stopped) return;
      // A store that cannot be read halts the node; a folder that cannot be written costs this snapshot.
      if (error instanceof LedgerError) throw error;
      this.log.warn("snapshot not made", { height, cause: String(error) });
      await this.snapshots.discardParts().catch(() => undefined);
    } finally {
      await frozen.release();
    }
  }

  private anchor(): Uint8Array {
    const { store, transitions } = this.chain;
    const { height, headerBytes, resultBytes, certificateBytes, validators, parameters } = store.head;
    const certificate = decodeCertificate(certificateBytes);
    const block = store.loadBlock(height);
    if (!certificate.ok || block === undefined) throw new LedgerError("STORE_CORRUPT", { height });
    return encodeAnchor({
      certified: { headerBytes, resultBytes, certificate: certificate.value, transitions },
      references: block.references,
      validators,
      parameters,
      historyBefore: HistoryAccumulator.at(height, (position) => store.historyNode(position)),
    });
  }

  private async *chunks(
    frozen: FrozenState,
    siblings: (depth: number, index: number) => Uint8Array,
  ): AsyncGenerator<{ readonly place: ChunkPlace; readonly bytes: Uint8Array }> {
    const bucketBytes = new Float64Array(BUCKETS);
    await this.eachPage(frozen, (row) => {
      const bucket = bucketOf(row);
      bucketBytes[bucket] = bucketBytes[bucket]! + chunkRowBytes(row);
    });
    for (const pass of passesOf(planPlaces(bucketBytes))) {
      const [first, end] = [firstBucket(pass[0]!), endBucket(pass.at(-1)!)];
      const rows: PlacedRow[] = [];
      await this.eachPage(frozen, (row) => {
        const bucket = bucketOf(row);
        if (bucket >= first && bucket < end) rows.push(row);
      });
      rows.sort((left, right) => compareBytes(left.keyHash, right.keyHash));
      let from = 0;
      for (const planned of pass) {
        const { depth, index } = planned;
        let to = from;
        while (to < rows.length && bucketOf(rows[to]!) < endBucket(planned)) to += 1;
        const part = { place: numbered(depth, index), siblings: siblings(depth, index), rows: rows.slice(from, to) };
        yield* cutChunks(part);
        from = to;
      }
    }
  }

  private async eachPage(frozen: FrozenState, visit: (row: PlacedRow) => void): Promise<void> {
    let startedMs = this.clock.monotonicMs();
    for await (const page of frozen.pages()) {
      if (this.isStopped) throw new Stopped();
      for (const { key, entry } of page) visit(placed({ key, value: entry.value, lastHeight: entry.lastHeight }));
      const restMs = (this.clock.monotonicMs() - startedMs) * (1 / SHARE - 1);
      await new Promise<void>((resolve) => {
        this.clock.setTimer(restMs, resolve);
      });
      startedMs = this.clock.monotonicMs();
    }
  }
}

/** The node stops while a snapshot is made. */
class Stopped extends Error {}

/** The largest parts of the tree whose rows fit a chunk, from the left; a bucket that does not is cut when its rows are known. */
function planPlaces(bucketBytes: Float64Array): readonly PlannedPlace[] {
  const sums = new Float64Array(BUCKETS + 1);
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) sums[bucket + 1] = sums[bucket]! + bucketBytes[bucket]!;
  const places: PlannedPlace[] = [];
  const plan = (depth: number, index: number): void => {
    const width = 2 ** (BUCKET_DEPTH - depth);
    const bytes = sums[(index + 1) * width]! - sums[index * width]!;
    if (bytes <= LIMITS.chunkRowsBytesMax || depth === BUCKET_DEPTH) {
      places.push({ depth, index, bytes });
      return;
    }
    plan(depth + 1, index * 2);
    plan(depth + 1, index * 2 + 1);
  };
  plan(0, 0);
  return places;
}

function passesOf(places: readonly PlannedPlace[]): readonly (readonly PlannedPlace[])[] {
  const passes: PlannedPlace[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const place of places) {
    if (bytes + place.bytes > PASS_BYTES_MAX) {
      passes.push([]);
      bytes = 0;
    }
    passes.at(-1)!.push(place);
    bytes += place.bytes;
  }
  return passes;
}

function firstBucket({ depth, index }: PlannedPlace): number {
  return index * 2 ** (BUCKET_DEPTH - depth);
}

function endBucket({ depth, index }: PlannedPlace): number {
  return (index + 1) * 2 ** (BUCKET_DEPTH - depth);
}

function bucketOf({ keyHash }: PlacedRow): number {
  return keyHash[0]! * 256 + keyHash[1]!;
}

function numbered(depth: number, index: number): ChunkPlace {
  const path = new Uint8Array(32);
  new DataView(path.buffer).setUint32(0, index * 2 ** (32 - depth));
  return placeOf(path, depth);
}
