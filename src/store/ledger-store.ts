// The committed ledger on disk: blocks, receipts, state, batches, history and head over any key-value store.
// Never holds a fork: a block and everything it changes become durable in one synced write, or not at all.

import { invariant } from "../assert.ts";
import { LedgerError } from "../errors.ts";
import { resultHashOf } from "../ledger/format-block.ts";
import { decodeValidators } from "../ledger/format-cluster.ts";
import { valueHashOf } from "../ledger/format-receipt.ts";
import type { WindowBlock } from "../ledger/format-snapshot.ts";
import { decodeCertificate } from "../ledger/format-vote.ts";
import { genesisHead, type SealedGenesis } from "../ledger/genesis.ts";
import { bytesEqual, EMPTY_BYTES, type Hash, hashTagged, toHex } from "../ledger/hash.ts";
import { HistoryAccumulator, type HistoryNode, historyLeaf } from "../ledger/history.ts";
import { LIMITS } from "../ledger/limits.ts";
import type { StateReader, StateWrite, ValidatorTransition } from "../ledger/types.ts";
import type { KeyValueStore, WriteOperation } from "../ports.ts";
import { StateTree } from "../state/tree.ts";
import { blockOperations, headAfter, put } from "./block-writes.ts";
import { headOf, type InstalledHead, installOperations } from "./install.ts";
import {
  batchKey,
  blockKey,
  evidenceKey,
  FIRST_KEY,
  GENESIS_KEY,
  HEAD_KEY,
  historyKey,
  idsKey,
  namedKey,
  PRUNED_KEY,
  rangeOf,
  readU64,
  receiptsKey,
  SCHEMA_KEY,
  SCHEMA_VERSION,
  type StateSpace,
  transactionKey,
  u64,
} from "./keys.ts";
import { type OpenedHead, openHead, present } from "./open-head.ts";
import { type OldBlock, oldBlocks, type PruneLimits, pruneOperations, upgradeSchema } from "./pruning.ts";
import {
  type BlockCommit,
  type BlockIds,
  corrupt,
  decodeBlock,
  decodeIds,
  decodePlace,
  decodeReceipts,
  encodeBlock,
  encodeHead,
  encodeSchema,
  marksWith,
  orCorrupt,
  type RecordMark,
  type StoredBlock,
  type StoredHead,
} from "./rows.ts";
import { dropStaged, StagedState, stagedManifest } from "./staged-state.ts";
import { StateCache } from "./state-cache.ts";
import {
  type FrozenState,
  frozenStateOf,
  pagesOf,
  type ReadView,
  readState,
  spaceOf,
  stateOperation,
  treeOf,
  viewOf,
} from "./state-rows.ts";
import { Trails } from "./trails.ts";
import { replayIds, windowBlocks } from "./window.ts";

const STATE_CACHE_BYTES = 32 << 20;
/** Blocks whose receipts stay decoded: everybody asks for those of the newest blocks. */
const RECEIPT_BLOCKS_KEPT = 8;

export class LedgerStore {
  readonly trails: Trails;
  readonly #store: KeyValueStore;
  readonly #chainId: Hash;
  #cache: StateCache;
  #space: StateSpace;
  #firstHeight: number;
  #prunedBelow: number;
  #sweep: Promise<void> = Promise.resolve();
  readonly #receipts = new Map<number, readonly Uint8Array[]>();
  #head: StoredHead | undefined;
  #history = HistoryAccumulator.empty;
  #isCommitting = false;

  private constructor(store: KeyValueStore, chainId: Hash, opened: OpenedHead | undefined) {
    this.#store = store;
    this.trails = new Trails(store);
    this.#chainId = chainId;
    this.#space = spaceOf(store);
    this.#cache = this.#newCache();
    const heightAt = (key: Uint8Array): number => readU64(store.get(key) ?? u64(1));
    this.#firstHeight = heightAt(FIRST_KEY);
    this.#prunedBelow = heightAt(PRUNED_KEY);
    if (opened === undefined) return;
    this.#head = opened.head;
    this.#history = opened.historyBefore.append(historyLeaf(opened.head)).history;
  }

  /**
   * Reads and checks what is stored; `loadTree` completes the check with the state itself.
   * @throws LedgerError STORE_WRONG_CHAIN, STORE_SCHEMA_NEWER, STORE_CORRUPT
   */
  static async open(input: { readonly store: KeyValueStore; readonly chainId: Hash }): Promise<LedgerStore> {
    const opened = await openHead(input.store, input.chainId);
    if (opened !== undefined) await upgradeSchema(input.store, input.chainId);
    return new LedgerStore(input.store, input.chainId, opened);
  }

  // ---- the head ----

  /** No genesis written yet. */
  get isEmpty(): boolean {
    return this.#head === undefined;
  }

  get head(): StoredHead {
    invariant(this.#head !== undefined, "D1: a ledger has a head once its genesis is written");
    return this.#head;
  }

  /** Over heights 0 to head.height: its root stands in the next header. */
  get history(): HistoryAccumulator {
    return this.#history;
  }

  /** The first height whose block and receipts are here; 1 unless this node came by a snapshot. */
  get firstHeight(): number {
    return this.#firstHeight;
  }

  /** The first height whose batches are here, too: those of older blocks were pruned or never fetched. */
  get firstBodyHeight(): number {
    return Math.max(this.#firstHeight, this.#prunedBelow);
  }

  /** @throws LedgerError STORE_CORRUPT when a node of the history is missing */
  historyNode(position: number): Hash {
    return present(`history ${position}`, this.#store.get(historyKey(position)));
  }

  /** Writes height 0 into an empty store. On return it survives power loss. */
  async initialise(input: { readonly genesis: SealedGenesis; readonly writes: readonly StateWrite[] }): Promise<void> {
    invariant(this.#head === undefined, "D2: a genesis is written once, into an empty store");
    const { genesis, writes } = input;
    invariant(bytesEqual(genesis.chainId, this.#chainId), "D3: a store holds one chain");
    const leaves = writes.flatMap(({ key, value }) =>
      value === undefined ? [] : [{ key, valueHash: valueHashOf(value), lastHeight: 0 }],
    );
    const { result, historyLeaf: leaf, ...facts } = genesisHead(genesis, StateTree.build(leaves).root());
    const head: StoredHead = {
      ...facts,
      headerBytes: EMPTY_BYTES,
      stateRoot: result.stateRoot,
      certificateBytes: EMPTY_BYTES,
      transactionsTotal: 0,
      records: [],
    };
    const appended = HistoryAccumulator.empty.append(leaf);
    const schema = encodeSchema({ version: SCHEMA_VERSION, chainId: genesis.chainId });
    const operations = [
      put(SCHEMA_KEY, schema),
      put(GENESIS_KEY, genesis.bytes),
      ...this.#headRows(head, []),
      ...writes.map((write) => stateOperation(write, 0, this.#space)),
      ...appended.nodes.map(({ position, hash }) => put(historyKey(position), hash)),
    ];
    await this.#store.write(operations, { sync: true });
    this.#head = head;
    this.#history = appended.history;
  }

  /**
   * Makes a certified block and all it changes durable in one synced write: on return it survives power loss.
   * @throws LedgerError STORE_WRITE_FAILED: nothing of it is visible here, and the node must halt
   */
  async commitBlock(commit: BlockCommit): Promise<void> {
    const { header, blockHash } = commit;
    const before = this.head;
    invariant(!this.#isCommitting, "D4: blocks are committed one after the other");
    invariant(header.height === before.height + 1, "D5: a block is committed on the head it follows");
    invariant(bytesEqual(header.parentHash, before.blockHash), "D6: a block names the head as its parent");
    const certificate = orCorrupt(`block ${header.height}`, decodeCertificate(commit.certificateBytes));
    const resultHash = resultHashOf(commit.resultBytes);
    invariant(
      bytesEqual(certificate.blockHash, blockHash) && bytesEqual(certificate.resultHash, resultHash),
      "D8: a block is committed with the certificate of itself and its result",
    );
    const appended = this.#history.append(historyLeaf({ height: header.height, blockHash, resultHash }));
    const head = headAfter(commit, { before, resultHash, certificateView: certificate.view });
    const trails = this.trails.operations();
    this.#isCommitting = true;
    try {
      const rows = this.#operationsOf(commit, head, { nodes: appended.nodes, trails: trails.operations });
      await this.#store.write(rows, { sync: true });
    } finally {
      this.#isCommitting = false;
    }
    trails.written();
    this.#head = head;
    this.#history = appended.history;
    this.#cache.apply(commit.writes, header.height);
    this.#keepReceipts(
      header.height,
      commit.receipts.map(({ bytes }) => bytes),
    );
  }

  // ---- blocks and receipts ----

  /** undefined: above the head. @throws LedgerError BLOCK_PRUNED (below `firstHeight`), STORE_CORRUPT */
  loadBlock(height: number): StoredBlock | undefined {
    if (height > this.head.height) return undefined;
    if (height > 0 && height < this.#firstHeight) throw this.#gone("BLOCK_PRUNED", height);
    const row = decodeBlock(height, present(`block ${height}`, this.#store.get(blockKey(height))));
    return { ...row, transactionIds: height === 0 ? [] : this.#ids(height).ids };
  }

  /** Bytes of the receipts of a committed height, timers first. @throws LedgerError STORE_CORRUPT */
  loadReceipts(height: number): readonly Uint8Array[] {
    const known = this.#receipts.get(height);
    if (known !== undefined || height === 0) return known ?? [];
    const receipts = decodeReceipts(height, present(`receipts ${height}`, this.#store.get(receiptsKey(height))));
    this.#keepReceipts(height, receipts);
    return receipts;
  }

  /** undefined: this id is in no committed block. @throws LedgerError RECEIPT_PRUNED, STORE_CORRUPT */
  findReceipt(
    txId: Hash,
  ): { readonly height: number; readonly index: number; readonly receiptBytes: Uint8Array } | undefined {
    const row = this.#store.get(transactionKey(txId));
    if (row === undefined) return undefined;
    const { height, index } = decodePlace(txId, row);
    if (height < this.#firstHeight) throw this.#gone("RECEIPT_PRUNED", height);
    const receiptBytes = present(`receipt ${toHex(txId)}`, this.loadReceipts(height)[index]);
    return { height, index, receiptBytes };
  }

  /** Ids of the transactions of every block with `timeMs >= sinceMs`, oldest block first. */
  replayIds({ sinceMs }: { readonly sinceMs: number }): Promise<readonly BlockIds[]> {
    return replayIds(this.#store, { fromHeight: this.head.height, firstHeight: this.#firstHeight, sinceMs });
  }

  /** Every certified change of the validators on the way to the head, in order: what a proof of the head begins with. */
  async loadTransitions(): Promise<readonly ValidatorTransition[]> {
    const transitions: ValidatorTransition[] = [];
    const changes = await this.#store.scan({ ...rangeOf("transition"), limit: LIMITS.transitionsMax });
    for (const [key, bytes] of changes) {
      const height = readU64(key, 1);
      const block = decodeBlock(height, present(`block ${height}`, this.#store.get(blockKey(height))));
      transitions.push({
        headerBytes: block.headerBytes,
        resultBytes: block.resultBytes,
        certificate: orCorrupt(`block ${height}`, decodeCertificate(block.certificateBytes)),
        nextValidators: orCorrupt(`transition ${height}`, decodeValidators(bytes)),
      });
    }
    return transitions;
  }

  // ---- evidence ----

  /** undefined: nothing is kept of that height */
  loadTrail(height: number): Uint8Array | undefined {
    return this.trails.load(height);
  }

  /** On return it survives power loss. The same evidence again changes nothing. */
  async saveEvidence(bytes: Uint8Array): Promise<void> {
    await this.#store.write([put(evidenceKey(hashTagged("RECORD", bytes)), bytes)], { sync: true });
  }

  async loadEvidence(): Promise<readonly Uint8Array[]> {
    const found: Uint8Array[] = [];
    for await (const page of pagesOf(this.#store, rangeOf("evidence"))) found.push(...page.map(([, bytes]) => bytes));
    return found;
  }

  // ---- batches ----

  /** With `sync`, on return they survive power loss. */
  async saveBatches(
    batches: readonly { readonly digest: Hash; readonly bytes: Uint8Array }[],
    options: { readonly sync: boolean },
  ): Promise<void> {
    const operations = batches.map(({ digest, bytes }) => put(batchKey(digest), bytes));
    await this.#store.write(operations, options);
  }

  loadBatch(digest: Hash): Uint8Array | undefined {
    return this.#store.get(batchKey(digest));
  }

  /** Whether a committed block names that batch, and was not pruned since. */
  isNamed(digest: Hash): boolean {
    return this.#store.get(namedKey(digest)) !== undefined;
  }

  /** Not synced: a batch that comes back after power loss is dropped again. */
  async deleteBatches(digests: readonly Hash[]): Promise<void> {
    const operations = digests.map((digest) => ({ kind: "delete", key: batchKey(digest) }) as const);
    await this.#store.write(operations, { sync: false });
  }

  /** The oldest blocks whose batches are here although the limits no longer ask for them: as many as one step takes. */
  oldBlocks(limits: PruneLimits): Promise<readonly OldBlock[]> {
    return oldBlocks(this.#store, { ...limits, fromHeight: this.#prunedBelow });
  }

  /** Deletes their batches where no newer block names them. Not synced: what comes back after power loss is deleted again. */
  async pruneBodies(blocks: readonly OldBlock[]): Promise<void> {
    const operations = pruneOperations(this.#store, blocks);
    this.#prunedBelow = (blocks.at(-1)?.height ?? 0) + 1;
    await this.#store.write(operations, { sync: false });
  }

  // ---- state ----

  /** Reads of the newest committed state, cached; while a block is being committed, of the state before or after it. */
  stateReader(): StateReader {
    return this.#cache;
  }

  /** One version of the state, whatever is committed meanwhile. */
  readView(): ReadView {
    return viewOf(this.#store.snapshot());
  }

  /**
   * Rebuilds the tree from every stored row, which `visit` sees too, and compares its root with the head's certified result.
   * @throws LedgerError STORE_CORRUPT
   */
  async loadTree(visit: (key: Uint8Array, value: Uint8Array) => void = () => undefined): Promise<StateTree> {
    const tree = await treeOf(this.#store, this.#space, visit);
    if (!bytesEqual(tree.root(), this.head.stateRoot)) throw corrupt("state", "ROOT");
    return tree;
  }

  // ---- snapshots ----

  /** The state of the head as it is now, for as long as it takes to copy it. */
  freezeState(): FrozenState {
    return frozenStateOf(this.#store.snapshot());
  }

  /** Blocks of the replay window from a height downward, as far as their ids are here; at most `blocksMax`. */
  windowBlocks(height: number, blocksMax: number): readonly WindowBlock[] {
    return windowBlocks(this.#store, height, blocksMax);
  }

  /** The snapshot whose fetching was begun; undefined: none. */
  get stagedManifest(): Hash | undefined {
    return stagedManifest(this.#store);
  }

  /** Where a state from peers grows, begun anew or gone on with. */
  async stage(manifestHash: Hash): Promise<StagedState> {
    await this.#sweep;
    return StagedState.open(this.#store, this.#spareSpace, manifestHash);
  }

  /**
   * Makes the staged state the state, in one synced write: on return it survives power loss. The old one is deleted afterwards.
   * @throws LedgerError STORE_WRITE_FAILED: the node must halt
   */
  async install(installed: InstalledHead, record: RecordMark | undefined): Promise<void> {
    invariant(!this.#isCommitting, "D4: blocks are committed one after the other");
    const { height } = installed.block.header;
    invariant(height > this.head.height, "D96: a fetched state is newer than the head it replaces");
    const head = headOf(installed, marksWith(this.head.records, record));
    const space = this.#spareSpace;
    this.#isCommitting = true;
    try {
      await this.#store.write(installOperations(installed, head, space), { sync: true });
    } finally {
      this.#isCommitting = false;
    }
    this.#head = head;
    this.#history = installed.anchor.historyBefore.append(historyLeaf(head)).history;
    this.#space = space;
    this.#firstHeight = height + 1;
    this.#cache = this.#newCache();
    this.#receipts.clear();
  }

  /** Deletes, in bounded steps, what a replaced state or a broken one has left in the spare space. */
  sweep(): Promise<void> {
    this.#sweep = this.#sweep.then(async () => {
      if (this.stagedManifest === undefined) await dropStaged(this.#store, this.#spareSpace);
    });
    return this.#sweep;
  }

  // ---- inside ----

  /** One by one: all rows of a full block would be too many objects to hold at once. */
  *#operationsOf(
    commit: BlockCommit,
    head: StoredHead,
    { nodes, trails }: { readonly nodes: readonly HistoryNode[]; readonly trails: readonly WriteOperation[] },
  ): Generator<WriteOperation> {
    yield* trails;
    yield* this.#headRows(head, commit.references);
    yield* blockOperations(commit);
    for (const write of commit.writes) yield stateOperation(write, head.height, this.#space);
    for (const { position, hash } of nodes) yield put(historyKey(position), hash);
  }

  #headRows(head: StoredHead, references: BlockCommit["references"]): readonly WriteOperation[] {
    const { height, headerBytes, resultBytes, certificateBytes } = head;
    return [
      put(HEAD_KEY, encodeHead({ ...head, historyBefore: this.#history })),
      put(blockKey(height), encodeBlock({ headerBytes, references, resultBytes, certificateBytes })),
    ];
  }

  get #spareSpace(): StateSpace {
    return this.#space === "state" ? "otherState" : "state";
  }

  #newCache(): StateCache {
    const [store, space] = [this.#store, this.#space];
    return new StateCache({ load: (key) => readState(store, key, space), bytesMax: STATE_CACHE_BYTES });
  }

  #gone(code: "BLOCK_PRUNED" | "RECEIPT_PRUNED", height: number): LedgerError {
    const data = { height, firstHeight: this.#firstHeight };
    return new LedgerError(code, data, { remedy: "ask a member that keeps older blocks" });
  }

  #ids(height: number): BlockIds {
    return decodeIds(height, present(`ids ${height}`, this.#store.get(idsKey(height))));
  }

  #keepReceipts(height: number, receipts: readonly Uint8Array[]): void {
    this.#receipts.set(height, receipts);
    const [oldest] = this.#receipts.keys();
    if (this.#receipts.size > RECEIPT_BLOCKS_KEPT && oldest !== undefined) this.#receipts.delete(oldest);
  }
}
