// What a node answers to clients: proofs for everything it says, and news of commits. Transactions go through door.ts.
// Reads committed state only; never waits for consensus except in `waitForTransaction`.

import { invariant } from "../assert.ts";
import { encodeTestimony } from "../consensus/fork.ts";
import {
  columnsOf,
  contractsIn,
  decodeRow,
  explainReceipt,
  indexPlace,
  rowKey,
  rowPrefix,
  type StateAt,
} from "../contracts/describe.ts";
import { explainCall } from "../contracts/explain-call.ts";
import { newestOf } from "../contracts/protocols.ts";
import { admitted, LedgerError } from "../errors.ts";
import { quorumSize } from "../ledger/certificate.ts";
import type { Value } from "../ledger/codec.ts";
import { decodeResult } from "../ledger/format-block.ts";
import { decodeReceipt, receiptHashOf } from "../ledger/format-receipt.ts";
import { decodeCertificate, encodeHeadStatement } from "../ledger/format-vote.ts";
import type { SealedGenesis } from "../ledger/genesis.ts";
import { bytesKey, fromHex, type Hash, toHex } from "../ledger/hash.ts";
import { historyProof } from "../ledger/history.ts";
import { merkleProver } from "../ledger/merkle.ts";
import { encodeCertifiedHeader, encodeReceiptProof, encodeStateProof } from "../ledger/proofs.ts";
import type { CertifiedHeader, MerkleProof } from "../ledger/types.ts";
import {
  type BlockReceipts,
  type BlockView,
  type CallTrial,
  type ContractView,
  type FreshnessView,
  GROUP_ROWS_MAX,
  type GroupView,
  type HeadView,
  type KeySigner,
  type NodeApi,
  type NodeInfo,
  type PeerId,
  type ProtocolView,
  type ReceivedStatement,
  type RowView,
  type Submitted,
  type TransactionStatus,
  type TrialView,
} from "../ports.ts";
import { Overlay } from "../state/overlay.ts";
import { Door } from "./door.ts";
import type { CommittedBlock, Participant } from "./participant.ts";
import { protocolView } from "./protocol-watch.ts";

export const SOFTWARE = "linli/0.1.0";
const EVIDENCE_SHOWN_BYTES_MAX = 32 << 10;
/** Clients that wait for receipts at one time. */
const WAITERS_MAX = 100_000;

interface ApiOptions {
  readonly participant: Participant;
  readonly genesis: SealedGenesis;
  readonly key: KeySigner;
  readonly name: string;
  readonly peerId: PeerId;
}

export class Api implements NodeApi {
  private readonly options: ApiOptions;
  private readonly participant: Participant;
  private readonly door: Door;
  private readonly waiters = new Map<string, Set<() => void>>();
  private readonly receiptProvers = new WeakMap<readonly Uint8Array[], (index: number) => MerkleProof>();
  private readonly headListeners = new Set<(head: HeadView) => void>();
  private readonly receiptListeners = new Set<(block: BlockReceipts) => void>();

  constructor(options: ApiOptions) {
    this.options = options;
    this.participant = options.participant;
    this.door = new Door(options);
    options.participant.onCommitted((block) => this.announce(block));
  }

  info(): NodeInfo {
    const { genesis, key, name, peerId } = this.options;
    const { validators } = this.participant.chain.head;
    const own = validators.find(({ publicKey }) => toHex(publicKey) === toHex(key.publicKey));
    return {
      name,
      organisation: own?.organisation ?? "",
      software: SOFTWARE,
      chainId: genesis.chainId,
      chainName: genesis.name,
      protocol: newestOf(this.participant.chain.protocols),
      validatorKey: key.publicKey,
      peerId,
      timeScale: genesis.timeScale,
      genesisBytes: genesis.bytes,
      validators,
    };
  }

  head(): HeadView {
    const { head } = this.participant.chain.store;
    const result = decodeResult(head.resultBytes);
    if (!result.ok) throw new LedgerError("STORE_CORRUPT", { height: head.height });
    return {
      height: head.height,
      blockHash: head.blockHash,
      resultHash: head.resultHash,
      stateRoot: result.value.stateRoot,
      timeMs: head.timeMs,
      transactionsTotal: head.transactionsTotal,
      certifiedHeader: head.height === 0 ? new Uint8Array(0) : encodeCertifiedHeader(this.certifiedHead()),
    };
  }

  freshness(): FreshnessView {
    const { heads, chain } = this.participant;
    return { head: this.head(), statements: heads.fresh(chain.head.validators).map(encodeHeadStatement) };
  }

  block(height: number): BlockView | undefined {
    const block = height === 0 ? undefined : this.participant.chain.store.loadBlock(height);
    if (block === undefined) return undefined;
    const { headerBytes, resultBytes, certificateBytes, transactionIds, references } = block;
    return { headerBytes, resultBytes, certificateBytes, transactionIds, references };
  }

  testimony(height: number): Uint8Array | undefined {
    const { store, transitions } = this.participant.chain;
    const block = height === 0 ? undefined : store.loadBlock(height);
    if (block === undefined) return undefined;
    const { headerBytes, resultBytes, certificateBytes } = block;
    const certificate = admitted(decodeCertificate(certificateBytes));
    const before = transitions.filter((transition) => transition.certificate.height < height);
    const certified = { headerBytes, resultBytes, certificate, transitions: before };
    return encodeTestimony({ certified, trail: store.loadTrail(height) });
  }

  async submit(bytes: Uint8Array): Promise<ReceivedStatement> {
    return this.door.submit(bytes);
  }

  async submitMany(transactions: readonly Uint8Array[]): Promise<Submitted> {
    return this.door.submitMany(transactions);
  }

  transaction(txId: Hash): TransactionStatus {
    const { store, head } = this.participant.chain;
    const found = store.findReceipt(txId);
    if (found === undefined || found.height > head.height)
      return { kind: this.participant.mempool.has(txId) ? "pending" : "unknown" };
    return {
      kind: "committed",
      height: found.height,
      receiptBytes: found.receiptBytes,
      proof: this.proveReceipt(found),
    };
  }

  async waitForTransaction(txId: Hash, { timeoutMs }: { readonly timeoutMs: number }): Promise<TransactionStatus> {
    const status = this.transaction(txId);
    if (status.kind === "committed" || timeoutMs <= 0) return status;
    if (this.waiters.size >= WAITERS_MAX) throw new LedgerError("TOO_MANY_WAITING", { waiting: this.waiters.size });
    await this.nextCommitOf(bytesKey(txId), timeoutMs);
    return this.transaction(txId);
  }

  async stateGet(query: { readonly contract: string; readonly table: string; readonly key: readonly Value[] }) {
    const { chain } = this.participant;
    await chain.settled();
    const reader = this.stateNow();
    const key = admitted(rowKey(reader, query.contract, query.table, query.key));
    const entry = reader.get(key);
    const proof = encodeStateProof({
      key,
      value: entry?.value,
      tree: chain.tree.prove(key),
      certified: this.certifiedHead(),
    });
    const row =
      entry === undefined ? undefined : decodeRow(reader, { contract: query.contract, table: query.table, key, entry });
    return { height: chain.head.height, row, proof };
  }

  async stateList(query: {
    readonly contract: string;
    readonly table: string;
    readonly index: string | undefined;
    readonly prefix: readonly Value[];
    readonly after: string | undefined;
    readonly limit: number;
  }) {
    const { chain } = this.participant;
    const { contract, table, index } = query;
    const reader = this.stateNow();
    const columns = admitted(columnsOf(reader, { contract, table }));
    const group =
      index === undefined ? undefined : admitted(indexPlace(reader, { contract, table, index }, query.prefix));
    const prefix = group?.prefix ?? admitted(rowPrefix(reader, contract, table, query.prefix));
    const view = chain.store.readView();
    try {
      const after = query.after === undefined ? undefined : decodeCursor(query.after, prefix);
      const found = await view.scan({ prefix, after, limit: query.limit + 1 });
      const rows: RowView[] = found.slice(0, query.limit).map(({ key, entry }) => {
        if (group === undefined) return decodeRow(reader, { contract, table, key, entry });
        const own = group.rowKey(key);
        // As it was when the list was: blocks go on while it is read.
        const row = view.get(own);
        invariant(row !== undefined, "A45: every entry of an index stands for a row");
        return decodeRow(reader, { contract, table, key: own, entry: row });
      });
      const last = found.length > query.limit ? found[query.limit - 1] : undefined;
      return { height: view.height, columns, rows, next: last === undefined ? undefined : toHex(last.key) };
    } finally {
      await view.release();
    }
  }

  async explainCall({ timeMs: wanted, ...trial }: CallTrial): Promise<TrialView> {
    const { chain, clock } = this.participant;
    await chain.settled();
    const { head } = chain;
    const height = head.height + 1;
    const timeMs = wanted ?? Math.max(chain.store.head.timeMs, Math.floor(clock.nowMs()));
    const overlay = new Overlay({ base: chain.store.stateReader(), height });
    const { refusal, ...tried } = admitted(explainCall(overlay, { ...trial, timeMs, height }));
    return { height: head.height, timeMs, status: refusal?.status ?? "ok", ruleId: refusal?.ruleId ?? "", ...tried };
  }

  async stateGroup(query: {
    readonly contract: string;
    readonly table: string;
    readonly index: string;
    readonly values: readonly Value[];
  }): Promise<GroupView> {
    const { chain } = this.participant;
    await chain.settled();
    const reader = this.stateNow();
    const group = admitted(indexPlace(reader, query, query.values));
    const members = group.members(GROUP_ROWS_MAX);
    if (typeof members === "number")
      throw new LedgerError("GROUP_TOO_LARGE", { rows: members, allowed: GROUP_ROWS_MAX });
    const certified = this.certifiedHead();
    const proofOf = (key: Uint8Array) =>
      encodeStateProof({ key, value: reader.get(key)?.value, tree: chain.tree.prove(key), certified });
    const rows = members.map(({ entryKey, rowKey: key }) => {
      const entry = reader.get(key);
      invariant(entry !== undefined, "A40: every row of a proved group is in the state");
      const row = decodeRow(reader, { contract: query.contract, table: query.table, key, entry });
      return { row, entryProof: proofOf(entryKey), rowProof: proofOf(key) };
    });
    return { height: chain.head.height, proof: proofOf(group.leafKey), rows };
  }

  contracts(): readonly ContractView[] {
    return contractsIn(this.stateNow());
  }

  explainReceipt(receiptBytes: Uint8Array, height: number): { readonly zh: string; readonly en: string } {
    return explainReceipt(this.participant.chain.store.stateReader(), admitted(decodeReceipt(receiptBytes)), height);
  }

  protocol(): ProtocolView {
    return protocolView(this.participant.chain);
  }

  consensusStatus(): Record<string, unknown> {
    const { chain, mempool, pool, heads, evidence, network, replica, recovery, isSeated } = this.participant;
    const { height: heightInFlight, waitingFor, ...status } = replica.status();
    return {
      height: chain.head.height,
      heightInFlight,
      ...status,
      waitingFor: status.isHalted === true || chain.isOutgrown ? waitingFor : (this.missingPeers() ?? waitingFor),
      votes: recovery.maySign && isSeated && !chain.isOutgrown,
      recovery: recovery.status() ?? null,
      protocol: this.protocol(),
      mempool: { pending: mempool.size, queued: mempool.queued },
      batches: pool.size,
      kept: { blocks: chain.store.firstHeight, transactions: chain.store.firstBodyHeight },
      timers: { nextDueMs: chain.timers.nextDueMs() ?? null },
      peers: network.peers().map(({ peerId, connected, roundTripMs, cutOffUntilMs }) => ({
        organisation: chain.head.validators.find((validator) => validator.peerId === peerId)?.organisation ?? null,
        peerId,
        connected,
        roundTripMs: roundTripMs ?? null,
        cutOff: cutOffUntilMs !== undefined,
      })),
      freshHeads: heads.fresh(chain.head.validators).map(({ publicKey, height, timeMs }) => ({
        organisation:
          chain.head.validators.find((validator) => toHex(validator.publicKey) === toHex(publicKey))?.organisation ??
          null,
        height,
        timeMs,
      })),
      // A proof can be as large as a batch: those are shown without their bytes.
      evidence: evidence
        .list()
        .map(({ bytes, ...view }) => (bytes.length <= 2 * EVIDENCE_SHOWN_BYTES_MAX ? { ...view, bytes } : view)),
    };
  }

  /** Too few validators are connected for any block: whatever the core waits for, it waits for them. */
  private missingPeers(): string | undefined {
    const { chain, network, isSeated } = this.participant;
    const { validators } = chain.head;
    const connected = new Set(network.peers().flatMap((peer) => (peer.connected ? [peer.peerId] : [])));
    const present = validators.filter(({ peerId }) => connected.has(peerId)).length + (isSeated ? 1 : 0);
    const quorum = quorumSize(validators.length);
    return present >= quorum ? undefined : `validators: ${present} of the ${quorum} that a block needs are connected`;
  }

  onHead(listener: (head: HeadView) => void): () => void {
    this.headListeners.add(listener);
    return () => this.headListeners.delete(listener);
  }

  onReceipts(listener: (block: BlockReceipts) => void): () => void {
    this.receiptListeners.add(listener);
    return () => this.receiptListeners.delete(listener);
  }

  /** What the head left: names and versions shown are those in force for the next block. */
  private stateNow(): StateAt {
    const { store, head } = this.participant.chain;
    const reader = store.stateReader();
    return { get: (key) => reader.get(key), height: head.height };
  }

  // ---- proofs ----

  /** @throws LedgerError NO_BLOCK_YET: nothing is certified before the first block */
  private certifiedHead(): CertifiedHeader {
    const { head } = this.participant.chain.store;
    if (head.height === 0) throw new LedgerError("NO_BLOCK_YET");
    const certificate = admitted(decodeCertificate(head.certificateBytes));
    return {
      headerBytes: head.headerBytes,
      resultBytes: head.resultBytes,
      certificate,
      transitions: this.participant.chain.transitions,
    };
  }

  /** Everybody asks for receipts of the newest blocks, whose lists the store keeps. */
  private receiptProver(receipts: readonly Uint8Array[]): (index: number) => MerkleProof {
    const known = this.receiptProvers.get(receipts);
    if (known !== undefined) return known;
    const prover = merkleProver(receipts.map(receiptHashOf));
    this.receiptProvers.set(receipts, prover);
    return prover;
  }

  private proveReceipt(found: {
    readonly height: number;
    readonly index: number;
    readonly receiptBytes: Uint8Array;
  }): Uint8Array {
    const { store, head } = this.participant.chain;
    const path = this.receiptProver(store.loadReceipts(found.height))(found.index);
    const certified = this.certifiedHead();
    if (found.height === head.height)
      return encodeReceiptProof({ receiptBytes: found.receiptBytes, path, past: undefined, certified });
    const block = store.loadBlock(found.height);
    if (block === undefined) throw new LedgerError("STORE_CORRUPT", { height: found.height });
    const { headerBytes, resultBytes } = block;
    // header(h).historyRoot covers heights 0 to h-1.
    const history = historyProof({
      count: head.height,
      height: found.height,
      node: (position) => store.historyNode(position),
    });
    return encodeReceiptProof({
      receiptBytes: found.receiptBytes,
      path,
      past: { headerBytes, resultBytes, history },
      certified,
    });
  }

  // ---- news ----

  private nextCommitOf(id: string, timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.waiters.get(id) ?? new Set();
      const done = () => {
        cancel();
        waiting.delete(done);
        if (waiting.size === 0) this.waiters.delete(id);
        resolve();
      };
      const cancel = this.participant.clock.setTimer(timeoutMs, done);
      waiting.add(done);
      this.waiters.set(id, waiting);
    });
  }

  private announce({ staged, head }: CommittedBlock): void {
    const news = { height: head.height, receipts: staged.receipts };
    for (const listener of this.receiptListeners) listener(news);
    if (this.waiters.size > 0)
      for (const { txId } of staged.receipts) for (const done of this.waiters.get(bytesKey(txId)) ?? []) done();
    if (this.headListeners.size === 0) return;
    const view = this.head();
    for (const listener of this.headListeners) listener(view);
  }
}

function decodeCursor(cursor: string, prefix: Uint8Array): Uint8Array {
  const key = fromHex(cursor);
  if (key === undefined || !prefix.every((byte, index) => key[index] === byte)) throw new LedgerError("CURSOR_INVALID");
  return key;
}
