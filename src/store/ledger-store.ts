// The committed ledger on disk: blocks, receipts, state, batches, history and head over any key-value store.
// Never holds a fork: a block and everything it changes become durable in one synced write, or not at all.

import { invariant } from "../assert.ts";
import { decodeResult, resultHashOf } from "../ledger/format-block.ts";
import { decodeValidators, encodeValidators, validatorsHashOf } from "../ledger/format-cluster.ts";
import { valueHashOf } from "../ledger/format-receipt.ts";
import { decodeCertificate } from "../ledger/format-vote.ts";
import { genesisHead, type SealedGenesis } from "../ledger/genesis.ts";
import { bytesEqual, EMPTY_BYTES, type Hash, hashTagged, toHex } from "../ledger/hash.ts";
import { HistoryAccumulator, historyLeaf } from "../ledger/history.ts";
import { LIMITS } from "../ledger/limits.ts";
import type { StateReader, StateWrite, ValidatorTransition } from "../ledger/types.ts";
import type { KeyValueStore, WriteOperation } from "../ports.ts";
import { StateTree } from "../state/tree.ts";
import {
  batchKey,
  blockKey,
  evidenceKey,
  GENESIS_KEY,
  HEAD_KEY,
  historyKey,
  idsKey,
  rangeOf,
  readU64,
  receiptsKey,
  SCHEMA_KEY,
  SCHEMA_VERSION,
  transactionKey,
  transitionKey,
} from "./keys.ts";
import { type OpenedHead, openHead, present } from "./open-head.ts";
import {
  type BlockCommit,
  type BlockIds,
  corrupt,
  decodeBlock,
  decodeIds,
  decodePlace,
  decodeReceipts,
  decodeState,
  encodeBlock,
  encodeHead,
  encodeIds,
  encodePlace,
  encodeReceipts,
  encodeSchema,
  marksWith,
  orCorrupt,
  type StoredBlock,
  type StoredHead,
} from "./rows.ts";
import { StateCache } from "./state-cache.ts";
import { pagesOf, type ReadView, readState, SCAN_ROWS, stateOperation, viewOf } from "./state-rows.ts";

const STATE_CACHE_BYTES = 64 << 20;
/** Blocks whose receipts stay decoded: everybody asks for those of the newest blocks. */
const RECEIPT_BLOCKS_KEPT = 8;

export class LedgerStore {
  readonly #store: KeyValueStore;
  readonly #chainId: Hash;
  readonly #cache: StateCache;
  readonly #receipts = new Map<number, readonly Uint8Array[]>();
  #head: StoredHead | undefined;
  #history = HistoryAccumulator.empty;
  #isCommitting = false;

  private constructor(store: KeyValueStore, chainId: Hash, opened: OpenedHead | undefined) {
    this.#store = store;
    this.#chainId = chainId;
    this.#cache = new StateCache({ load: (key) => readState(store, key), bytesMax: STATE_CACHE_BYTES });
    if (opened === undefined) return;
    this.#head = opened.head;
    this.#history = opened.historyBefore.append(historyLeaf(opened.head)).history;
  }

  /**
   * Reads and checks what is stored; `loadTree` completes the check with the state itself.
   * @throws LedgerError STORE_WRONG_CHAIN, STORE_SCHEMA_NEWER, STORE_CORRUPT
   */
  static async open(input: { readonly store: KeyValueStore; readonly chainId: Hash }): Promise<LedgerStore> {
    return new LedgerStore(input.store, input.chainId, await openHead(input.store, input.chainId));
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
      ...writes.map((write) => stateOperation(write, 0)),
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
    const operations = [
      ...this.#headRows(head, commit.references),
      ...blockOperations(commit),
      ...commit.writes.map((write) => stateOperation(write, header.height)),
      ...appended.nodes.map(({ position, hash }) => put(historyKey(position), hash)),
    ];
    this.#isCommitting = true;
    try {
      await this.#store.write(operations, { sync: true });
    } finally {
      this.#isCommitting = false;
    }
    this.#head = head;
    this.#history = appended.history;
    this.#cache.apply(commit.writes, header.height);
    this.#keepReceipts(
      header.height,
      commit.receipts.map(({ bytes }) => bytes),
    );
  }

  // ---- blocks and receipts ----

  /** undefined: above the head. @throws LedgerError STORE_CORRUPT */
  loadBlock(height: number): StoredBlock | undefined {
    if (height > this.head.height) return undefined;
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

  /** undefined: this id is in no committed block. @throws LedgerError STORE_CORRUPT */
  findReceipt(
    txId: Hash,
  ): { readonly height: number; readonly index: number; readonly receiptBytes: Uint8Array } | undefined {
    const row = this.#store.get(transactionKey(txId));
    if (row === undefined) return undefined;
    const { height, index } = decodePlace(txId, row);
    const receiptBytes = present(`receipt ${toHex(txId)}`, this.loadReceipts(height)[index]);
    return { height, index, receiptBytes };
  }

  /** Ids of the transactions of every block with `timeMs >= sinceMs`, oldest block first. */
  async replayIds(input: { readonly sinceMs: number }): Promise<readonly BlockIds[]> {
    const blocks: BlockIds[] = [];
    let height = this.head.height;
    while (height > 0) {
      const rows = await this.#store.scan({ from: idsKey(1), to: idsKey(height + 1), limit: SCAN_ROWS, reverse: true });
      if (rows.length === 0) throw corrupt(`ids ${height}`, "MISSING");
      for (const [key, bytes] of rows) {
        if (readU64(key, 1) !== height) throw corrupt(`ids ${height}`, "MISSING");
        const block = decodeIds(height, bytes);
        if (block.timeMs < input.sinceMs) return blocks.reverse();
        blocks.push(block);
        height -= 1;
      }
    }
    return blocks.reverse();
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

  /** Not synced: a batch that comes back after power loss is dropped again. */
  async deleteBatches(digests: readonly Hash[]): Promise<void> {
    const operations = digests.map((digest) => ({ kind: "delete", key: batchKey(digest) }) as const);
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
    const builder = StateTree.builder();
    for await (const page of pagesOf(this.#store, rangeOf("state"))) {
      for (const [stored, bytes] of page) {
        const key = stored.slice(1);
        const { value, lastHeight } = decodeState(key, bytes);
        builder.add({ key, valueHash: valueHashOf(value), lastHeight });
        visit(key, value);
      }
    }
    const tree = builder.finish();
    if (!bytesEqual(tree.root(), this.head.stateRoot)) throw corrupt("state", "ROOT");
    return tree;
  }

  // ---- inside ----

  #headRows(head: StoredHead, references: BlockCommit["references"]): readonly WriteOperation[] {
    const { height, headerBytes, resultBytes, certificateBytes } = head;
    return [
      put(HEAD_KEY, encodeHead({ ...head, historyBefore: this.#history })),
      put(blockKey(height), encodeBlock({ headerBytes, references, resultBytes, certificateBytes })),
    ];
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

function headAfter(
  commit: BlockCommit,
  facts: { readonly before: StoredHead; readonly resultHash: Hash; readonly certificateView: number },
): StoredHead {
  const { header } = commit;
  return {
    height: header.height,
    blockHash: commit.blockHash,
    headerBytes: commit.headerBytes,
    resultBytes: commit.resultBytes,
    resultHash: facts.resultHash,
    stateRoot: orCorrupt(`block ${header.height}`, decodeResult(commit.resultBytes)).stateRoot,
    certificateBytes: commit.certificateBytes,
    proposer: header.proposer,
    headerView: header.view,
    certificateView: facts.certificateView,
    timeMs: header.timeMs,
    transactionsTotal: facts.before.transactionsTotal + commit.transactionIds.length,
    validators: commit.validators,
    parameters: commit.parameters,
    records: marksWith(facts.before.records, commit.record),
  };
}

function blockOperations(commit: BlockCommit): readonly WriteOperation[] {
  const { header, receipts, validators } = commit;
  const { height, timeMs } = header;
  const operations = [
    put(idsKey(height), encodeIds({ timeMs, ids: commit.transactionIds })),
    put(receiptsKey(height), encodeReceipts(receipts)),
    ...receipts.map(({ txId }, index) => put(transactionKey(txId), encodePlace({ height, index }))),
  ];
  if (bytesEqual(validatorsHashOf(validators), header.validatorsHash)) return operations;
  return [...operations, put(transitionKey(height), encodeValidators(validators))];
}

function put(key: Uint8Array, value: Uint8Array): WriteOperation {
  return { kind: "put", key, value };
}
