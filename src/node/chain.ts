// The committed ledger of this node and the blocks on their way into it: validity of a proposal against the head,
// execution over an overlay, and the one durable commit. Nothing outside changes state, tree, timers or replay window.

import { invariant } from "../assert.ts";
import type { HeadFacts } from "../consensus/events.ts";
import { CANDIDATES_MAX } from "../consensus/limits.ts";
import type { Engine } from "../contracts/engine.ts";
import { executeBlock } from "../contracts/execute-block.ts";
import { genesisWrites } from "../contracts/genesis-state.ts";
import { type Protocols, rulesOf } from "../contracts/protocols.ts";
import { accept, refuse, type Verdict } from "../errors.ts";
import { executedList } from "../ledger/executed-list.ts";
import { referenceOf } from "../ledger/format-batch.ts";
import {
  blockHashOf,
  decodeHeader,
  encodeHeader,
  encodeResult,
  receiptsRootOf,
  resultHashOf,
  transactionsRootOf,
} from "../ledger/format-block.ts";
import { parametersHashOf, validatorsHashOf } from "../ledger/format-cluster.ts";
import { receiptHashOf, type SealedReceipt, sealReceipt } from "../ledger/format-receipt.ts";
import { encodeCertificate } from "../ledger/format-vote.ts";
import type { SealedGenesis } from "../ledger/genesis.ts";
import { bytesEqual, bytesKey, type Hash } from "../ledger/hash.ts";
import {
  type Batch,
  type Certificate,
  FORMAT_VERSION,
  type Parameters,
  type Proposal,
  type Result,
  type StateWrite,
  type Transaction,
  type Validator,
  type ValidatorTransition,
} from "../ledger/types.ts";
import type { PeerId } from "../ports.ts";
import { Overlay } from "../state/overlay.ts";
import type { StagedTree, StateTree } from "../state/tree.ts";
import { type InstalledHead, transitionsUpTo } from "../store/install.ts";
import type { LedgerStore } from "../store/ledger-store.ts";
import type { RecordMark } from "../store/rows.ts";
import { checkHeader, type HeaderPlace, headerAbove } from "./block-header.ts";
import { DerivedRows } from "./derived-rows.ts";
import { ReplayWindow } from "./replay-window.ts";
import type { TimerIndex } from "./timer-index.ts";

/** Due timers offered to one block; their gas budget may leave some of them due. */
const DUE_TIMERS_MAX = 1_000;

/** A proposal whose header is valid here and whose batches are all held. */
export interface CheckedBlock {
  readonly proposal: Proposal;
  readonly batches: readonly Batch[];
  /** the executed list */
  readonly transactions: readonly Transaction[];
}

/** The outcome of a block, computed but not committed. Dropping it is the undo. */
export interface StagedBlock {
  readonly block: CheckedBlock;
  readonly result: Result;
  readonly resultBytes: Uint8Array;
  readonly resultHash: Hash;
  readonly receipts: readonly SealedReceipt[];
  readonly writes: readonly StateWrite[];
  readonly tree: StagedTree;
  readonly validators: readonly Validator[];
  readonly parameters: Parameters;
}

/** What is derived from the state and the newest blocks, and kept in memory. */
interface DerivedState {
  readonly replay: ReplayWindow;
  readonly rows: DerivedRows;
  readonly tree: StateTree;
}

export class Chain {
  readonly store: LedgerStore;
  /** all that this program speaks */
  readonly protocols: Protocols;
  private derived: DerivedState;
  private readonly chainId: Hash;
  private readonly engine: Engine;
  private facts: HeadFacts;
  private changes: ValidatorTransition[];
  private readonly founders: readonly Validator[];
  private readonly checked = new Map<string, CheckedBlock>();
  private readonly staged = new Map<string, StagedBlock>();
  private readonly headListeners = new Set<() => void>();
  private committing: Promise<unknown> | undefined;

  private constructor(options: {
    store: LedgerStore;
    derived: DerivedState;
    chainId: Hash;
    engine: Engine;
    protocols: Protocols;
    facts: HeadFacts;
    transitions: readonly ValidatorTransition[];
    founders: readonly Validator[];
  }) {
    this.store = options.store;
    this.derived = options.derived;
    this.chainId = options.chainId;
    this.engine = options.engine;
    this.protocols = options.protocols;
    this.facts = options.facts;
    this.changes = [...options.transitions];
    this.founders = options.founders;
  }

  /**
   * Opens the committed ledger, writing the genesis state into an empty store. Rebuilds tree, timers and replay window
   * from what is stored and compares the state root with the head's certified result.
   * @throws LedgerError STORE_* when the store does not hold together
   */
  static async open(options: {
    store: LedgerStore;
    genesis: SealedGenesis;
    engine: Engine;
    protocols: Protocols;
  }): Promise<Chain> {
    const { store, genesis, engine, protocols } = options;
    if (store.isEmpty) await store.initialise({ genesis, writes: genesisWrites(genesis, engine) });
    const rows = new DerivedRows();
    const tree = await store.loadTree((key, value) => rows.apply([{ key, value }]));
    const { head } = store;
    // The largest window there ever was: it never shrinks (R96).
    const windowMs = head.parameters.replayWindowMs;
    const replay = new ReplayWindow();
    for (const block of await store.replayIds({ sinceMs: head.timeMs - windowMs })) replay.add({ ...block, windowMs });
    const transitions = await store.loadTransitions();
    return new Chain({
      store,
      derived: { replay, rows, tree },
      chainId: genesis.chainId,
      engine,
      protocols,
      facts: head,
      transitions,
      founders: genesis.validators,
    });
  }

  /** N206: who decided a height, however the seats changed since; above the next height those of the next. */
  validatorsAt(height: number): readonly Validator[] {
    const heightOf = ({ headerBytes }: ValidatorTransition): number => {
      const header = decodeHeader(headerBytes);
      invariant(header.ok, "N206: the block of a certified change can be read");
      return header.value.height;
    };
    return this.changes.findLast((change) => heightOf(change) < height)?.nextValidators ?? this.founders;
  }

  /** Everybody who ever had a seat, some of them more than once. */
  get validatorsEver(): readonly Validator[] {
    return [this.founders, ...this.changes.map(({ nextValidators }) => nextValidators)].flat();
  }

  /** Ids that are committed and could be repeated. */
  get replay(): ReplayWindow {
    return this.derived.replay;
  }

  /** Peers that may follow without a seat. */
  get observers(): readonly PeerId[] {
    return this.derived.rows.observers.peers;
  }

  get timers(): TimerIndex {
    return this.derived.rows.timers;
  }

  get tree(): StateTree {
    return this.derived.tree;
  }

  get head(): HeadFacts {
    return this.facts;
  }

  /** Told of every new head, also of one that came as a snapshot. */
  onHeadMoved(listener: () => void): void {
    this.headListeners.add(listener);
  }

  /** Whether that consensus key has a seat at the height above the head. */
  hasSeat(publicKey: Uint8Array): boolean {
    return this.facts.validators.some((validator) => bytesEqual(validator.publicKey, publicKey));
  }

  /** The next block needs a protocol that this software does not speak: nothing can be checked or executed any more. */
  get isOutgrown(): boolean {
    return !this.protocols.has(this.facts.parameters.protocol);
  }

  /** How far ahead of block time a transaction may be valid, ledger ms. */
  get windowMs(): number {
    return this.facts.parameters.replayWindowMs;
  }

  /** The certified changes of the validators before the head: what a proof of the head begins with. Its own change is not among them. */
  get transitions(): readonly ValidatorTransition[] {
    const last = this.changes.at(-1);
    const header = last === undefined ? undefined : decodeHeader(last.headerBytes);
    return header?.ok === true && header.value.height === this.facts.height ? this.changes.slice(0, -1) : this.changes;
  }

  /** A header and its executed list over these batches; undefined when neither a transaction nor a due timer would run. */
  build(options: {
    view: number;
    proposer: Uint8Array;
    timeMs: number;
    batches: readonly Batch[];
  }): CheckedBlock | undefined {
    const { view, proposer, timeMs, batches } = options;
    const transactions = this.executedListOf(batches, timeMs);
    if (transactions.length === 0 && this.timers.due(timeMs, 1).length === 0) return undefined;
    const references = batches.map(referenceOf);
    const header = headerAbove(this.place(), {
      view,
      proposer,
      timeMs,
      references,
      transactionIds: transactions.map(({ id }) => id),
    });
    const headerBytes = encodeHeader(header);
    const block = {
      proposal: { header, headerBytes, blockHash: blockHashOf(headerBytes), references },
      batches,
      transactions,
    };
    this.remember(block);
    return block;
  }

  /** What can be said of a proposal before its batches are here. */
  checkHeader(proposal: Proposal): Verdict<true> {
    if (this.isOutgrown) return refuse("PROTOCOL_UNSUPPORTED", `${this.facts.parameters.protocol}`);
    return checkHeader(this.place(), proposal);
  }

  /** Judges a proposal whose batches are all here, in the order of its references. */
  checkBody(proposal: Proposal, batches: readonly Batch[]): Verdict<CheckedBlock> {
    const { header } = proposal;
    const transactions = this.executedListOf(batches, header.timeMs);
    if (transactions.length !== header.transactionCount)
      return refuse("BLOCK_TRANSACTION_COUNT", `${transactions.length}`);
    if (!bytesEqual(header.transactionsRoot, transactionsRootOf(transactions.map(({ id }) => id))))
      return refuse("BLOCK_TRANSACTIONS");
    if (transactions.length === 0 && this.timers.due(header.timeMs, 1).length === 0) return refuse("BLOCK_EMPTY");
    const block = { proposal, batches, transactions };
    this.remember(block);
    return accept(block);
  }

  checkedBlock(blockHash: Hash): CheckedBlock | undefined {
    return this.checked.get(bytesKey(blockHash));
  }

  /** Executes a checked block of the next height, once. The committed state does not change. */
  execute(block: CheckedBlock): StagedBlock {
    const id = bytesKey(block.proposal.blockHash);
    const known = this.staged.get(id);
    if (known !== undefined) return known;
    const { header } = block.proposal;
    invariant(header.height === this.facts.height + 1, "N2: only a block of the next height is executed");
    // LevelDB shows rows of another block of this height before that one is durable: the result would be of a state that never was.
    invariant(this.isSettled, "N259: no block is executed while another is being written");
    const overlay = new Overlay({ base: this.store.stateReader(), height: header.height });
    const output = executeBlock(
      {
        chainId: this.chainId,
        height: header.height,
        timeMs: header.timeMs,
        transactions: block.transactions,
        dueTimers: this.timers.due(header.timeMs, DUE_TIMERS_MAX),
        overlay,
        validators: this.facts.validators,
        parameters: this.facts.parameters,
        rules: rulesOf(this.protocols, header.protocol),
        engine: this.engine,
      },
      sealReceipt,
    );
    const writes = overlay.writes();
    const tree = this.tree.stage(
      writes.map(({ key, valueHash }) => ({ key, leaf: valueHash && { valueHash, lastHeight: header.height } })),
    );
    const { receipts } = output;
    const result: Result = {
      version: FORMAT_VERSION,
      stateRoot: tree.root,
      receiptsRoot: receiptsRootOf(receipts.map(({ bytes }) => receiptHashOf(bytes))),
      nextValidatorsHash: validatorsHashOf(output.validators),
      nextParametersHash: parametersHashOf(output.parameters),
    };
    const resultBytes = encodeResult(result);
    const resultHash = resultHashOf(resultBytes);
    const { validators, parameters } = output;
    const staged = { block, result, resultBytes, resultHash, receipts, writes, tree, validators, parameters };
    this.staged.set(id, staged);
    return staged;
  }

  /**
   * Makes a block durable in one synced write and moves the head. On return it survives power loss.
   * @throws LedgerError STORE_WRITE_FAILED: the node must halt
   */
  async commit(staged: StagedBlock, certificate: Certificate, record: RecordMark | undefined): Promise<HeadFacts> {
    const committed = this.commitNow(staged, certificate, record);
    this.committing = committed;
    try {
      return await committed;
    } finally {
      this.committing = undefined;
    }
  }

  /**
   * Makes a fetched state, verified under a certified header, the state of this node. On return it survives power loss.
   * @throws LedgerError STORE_WRITE_FAILED: the node must halt
   */
  async install(installed: InstalledHead, derived: DerivedState, record: RecordMark | undefined): Promise<HeadFacts> {
    const done = this.installNow(installed, derived, record);
    this.committing = done;
    try {
      return await done;
    } finally {
      this.committing = undefined;
    }
  }

  private async installNow(
    installed: InstalledHead,
    derived: DerivedState,
    record: RecordMark | undefined,
  ): Promise<HeadFacts> {
    await this.store.install(installed, record);
    this.derived = derived;
    this.changes = [...transitionsUpTo(installed)];
    return this.moveHead(this.store.head);
  }

  /**
   * Resolves when no commit is under way: rows, tree and head are then of one version until the caller next waits.
   * (LevelDB shows a written block before this process learns that it is durable.)
   */
  async settled(): Promise<void> {
    while (!this.isSettled) await this.committing;
  }

  get isSettled(): boolean {
    return this.committing === undefined;
  }

  private async commitNow(
    staged: StagedBlock,
    certificate: Certificate,
    record: RecordMark | undefined,
  ): Promise<HeadFacts> {
    const { proposal, transactions } = staged.block;
    const { header } = proposal;
    invariant(header.height === this.facts.height + 1, "N3: blocks are committed one height after the other");
    invariant(
      bytesEqual(certificate.blockHash, proposal.blockHash),
      "N4: the certificate names the block that is committed",
    );
    invariant(bytesEqual(certificate.resultHash, staged.resultHash), "N5: the certified result is this node's own");
    await this.store.commitBlock({
      header,
      headerBytes: proposal.headerBytes,
      blockHash: proposal.blockHash,
      references: proposal.references,
      resultBytes: staged.resultBytes,
      certificateBytes: encodeCertificate(certificate),
      transactionIds: transactions.map(({ id }) => id),
      receipts: staged.receipts,
      writes: staged.writes,
      validators: staged.validators,
      parameters: staged.parameters,
      record,
    });
    this.tree.commit(staged.tree);
    this.derived.rows.apply(staged.writes);
    this.replay.add({ timeMs: header.timeMs, windowMs: this.windowMs, ids: transactions.map(({ id }) => id) });
    if (!bytesEqual(staged.result.nextValidatorsHash, header.validatorsHash)) {
      const { headerBytes } = proposal;
      this.changes.push({
        headerBytes,
        resultBytes: staged.resultBytes,
        certificate,
        nextValidators: staged.validators,
      });
    }
    return this.moveHead({
      height: header.height,
      blockHash: proposal.blockHash,
      resultHash: staged.resultHash,
      proposer: header.proposer,
      headerView: header.view,
      certificateView: certificate.view,
      timeMs: header.timeMs,
      validators: staged.validators,
      parameters: staged.parameters,
    });
  }

  private moveHead(facts: HeadFacts): HeadFacts {
    this.checked.clear();
    this.staged.clear();
    this.facts = facts;
    for (const listener of this.headListeners) listener();
    return facts;
  }

  private executedListOf(batches: readonly Batch[], timeMs: number): readonly Transaction[] {
    return executedList({
      batches,
      timeMs,
      windowMs: this.windowMs,
      parentHash: this.facts.blockHash,
      placeOf: rulesOf(this.protocols, this.facts.parameters.protocol).placeOf,
      isCommitted: (id) => this.replay.has(id),
    });
  }

  private place(): HeaderPlace {
    return { chainId: this.chainId, head: this.facts, historyRoot: this.store.history.root() };
  }

  private remember(block: CheckedBlock): void {
    if (this.checked.size >= CANDIDATES_MAX) {
      // As many as the core knows at a time, and the oldest first like there: what it still names is here.
      const oldest = this.checked.keys().next().value;
      if (oldest !== undefined) {
        this.checked.delete(oldest);
        this.staged.delete(oldest);
      }
    }
    this.checked.set(bytesKey(block.proposal.blockHash), block);
  }
}
