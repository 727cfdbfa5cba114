// A node in memory for tests of RPC and client: real genesis, keys, signatures, certificates, state tree, history and proofs.
// Only consensus and contracts are missing: every transaction is committed in a block of its own by three of four keys.

import { sealGenesis } from "../../../src/client/genesis-json.ts";
import { encodeTestimony } from "../../../src/consensus/fork.ts";
import { entryPrefix, followRow, groupKey, type IndexStore, rowsOfGroup } from "../../../src/contracts/index-rows.ts";
import { RowLayout } from "../../../src/contracts/row-layout.ts";
import { encodeKey, tablePrefix } from "../../../src/contracts/state-keys.ts";
import { GOVERNANCE_CONTRACT } from "../../../src/contracts/system.ts";
import { CONTRACTS, SOURCES } from "../../../src/contracts/system-layouts.ts";
import { integerType, textType } from "../../../src/contracts/types.ts";
import { admitted, LedgerError } from "../../../src/errors.ts";
import { makeCertificate, quorumSize } from "../../../src/ledger/certificate.ts";
import { decode, encode, type Value } from "../../../src/ledger/codec.ts";
import {
  batchesRootOf,
  blockHashOf,
  encodeHeader,
  encodeResult,
  receiptsRootOf,
  resultHashOf,
  transactionsRootOf,
} from "../../../src/ledger/format-block.ts";
import { parametersHashOf, validatorsHashOf } from "../../../src/ledger/format-cluster.ts";
import { decodeReceipt, receiptHashOf, sealReceipt, valueHashOf } from "../../../src/ledger/format-receipt.ts";
import { decodeTransaction, receivedSigningBytes } from "../../../src/ledger/format-transaction.ts";
import {
  encodeCertificate,
  encodeHeadStatement,
  headSigningBytes,
  voteSigningBytes,
} from "../../../src/ledger/format-vote.ts";
import { genesisHead, type SealedGenesis } from "../../../src/ledger/genesis.ts";
import { compareBytes, EMPTY_BYTES, fromHex, type Hash, toHex } from "../../../src/ledger/hash.ts";
import { HistoryAccumulator, historyLeaf, historyProof } from "../../../src/ledger/history.ts";
import { merkleProof } from "../../../src/ledger/merkle.ts";
import { encodeCertifiedHeader, encodeReceiptProof, encodeStateProof } from "../../../src/ledger/proofs.ts";
import type { Certificate, CertifiedHeader, Receipt, StateEntry, Transaction } from "../../../src/ledger/types.ts";
import { checkTransaction } from "../../../src/ledger/validate.ts";
import { nativeSigner, verifyNative } from "../../../src/node/ed25519-native.ts";
import { PARAMETER_DEFAULTS } from "../../../src/node/genesis-plan.ts";
import type {
  BlockReceipts,
  BlockView,
  CallTrial,
  ContractView,
  FreshnessView,
  HeadView,
  KeySigner,
  NodeApi,
  NodeInfo,
  ProtocolView,
  ReceivedStatement,
  RowView,
  Submitted,
  TransactionStatus,
  TrialView,
} from "../../../src/ports.ts";
import { GROUP_ROWS_MAX } from "../../../src/ports.ts";
import { StateTree } from "../../../src/state/tree.ts";

export const GENESIS_TIME_MS = 1_767_225_600_000;

/** Keys from the seeds 01.., 02.., ...: the first four vote, the fifth is the account `clerk`. */
export function signerOf(index: number): KeySigner {
  return nativeSigner(new Uint8Array(32).fill(index + 1));
}

export const CLERK = { account: "clerk", signer: signerOf(4) };

export function makeGenesis(): SealedGenesis {
  const organisations = ["property", "street", "provider", "government"];
  return sealGenesis({
    version: 1,
    name: "test garden",
    hashSuite: "sha256",
    timeMs: GENESIS_TIME_MS,
    timeScale: 1,
    production: false,
    organisations: organisations.map((id) => ({ id, title: id, role: id })),
    validators: organisations.map((organisation, index) => ({
      organisation,
      suite: 1,
      publicKey: signerOf(index).publicKey,
      peerId: `peer-${index}`,
    })),
    endpoints: organisations.map((_, index) => ({
      peerId: `peer-${index}`,
      addresses: [`/ip4/127.0.0.1/tcp/${26_000 + index}`],
    })),
    parameters: PARAMETER_DEFAULTS,
    contracts: [],
    accounts: [
      { id: "clerk", organisation: "property", roles: ["clerk"], suite: 1, publicKey: CLERK.signer.publicKey },
    ],
  });
}

interface Block extends BlockView {
  readonly height: number;
  readonly blockHash: Hash;
  readonly resultHash: Hash;
  readonly certificate: Certificate;
  readonly receipts: readonly Uint8Array[];
  readonly timeMs: number;
}

/** The one contract: `pin {id, text}` writes a row of the table `note`, `refuse {size}` is refused, with so many bytes in its receipt. */
const BOARD_SOURCE = `rules: 1
contract: board
title: {zh: 告示板, en: Notice board}
tables:
  note:
    key: {id: text(64)}
    fields: {text: text(200), size: int(0..200)}
actions:
  pin:
    title: {zh: 张贴, en: Pin}
    by: [clerk]
    params: {id: text(64), text: text(200)}
    do:
      - insert: note
        row: {id: p.id, text: p.text, size: size(p.text)}
`;
const BOARD_HASH = new Uint8Array(32).fill(7);

/** What governance keeps of the contract: rows of the genesis. */
const SYSTEM = new Map(
  [
    [CONTRACTS.stateKey(["board"]), CONTRACTS.encode(["board", 1, BOARD_HASH, 0, EMPTY_BYTES])] as const,
    [SOURCES.stateKey([BOARD_HASH]), SOURCES.encode([BOARD_HASH, BOARD_SOURCE])] as const,
  ].map(([key, value]) => [toHex(key), { key, value, lastHeight: 0, valueHash: valueHashOf(value) }]),
);

const BOARD: ContractView = {
  name: "board",
  version: 1,
  sourceHash: BOARD_HASH,
  title: "告示板 notice board",
  source: "contract: board\n",
  tables: [
    {
      name: "note",
      key: [{ name: "id", type: "text(64)" }],
      fields: [
        { name: "text", type: "text(200)" },
        { name: "size", type: "int" },
      ],
    },
  ],
  actions: [
    {
      name: "pin",
      by: ["clerk"],
      params: [
        { name: "id", type: "text(64)" },
        { name: "text", type: "text(200)" },
      ],
    },
  ],
};

const NOTES = new RowLayout({
  contract: "board",
  name: "note",
  columns: [
    { name: "id", type: textType(64), typeText: "text(64)", defaultValue: undefined },
    { name: "text", type: textType(200), typeText: "text(200)", defaultValue: undefined },
    { name: "size", type: integerType(0n, 200n), typeText: "int", defaultValue: undefined },
  ],
  keyLength: 1,
  indexes: [{ name: "by_size", columns: [2] }],
});

export class SmallNode implements NodeApi {
  readonly genesis = makeGenesis();
  /** commits by itself as soon as something was submitted */
  commitsAtOnce = true;
  /** what every call throws, when a test wants the node to be broken */
  fault: Error | undefined;
  readonly #signers = [0, 1, 2, 3].map(signerOf).sort((left, right) => compareBytes(left.publicKey, right.publicKey));
  readonly #blocks: Block[] = [];
  readonly #state = new Map<string, StateEntry>();
  /** of the table's index `by_size` */
  readonly #index = new Map<string, Uint8Array>();
  readonly #sizes = new Map<string, readonly Value[]>();
  readonly #tree = StateTree.build(SYSTEM.values());
  readonly #nodes = new Map<number, Hash>();
  readonly #receipts = new Map<string, { readonly height: number; readonly index: number }>();
  readonly #headListeners = new Set<(head: HeadView) => void>();
  readonly #receiptListeners = new Set<(block: BlockReceipts) => void>();
  #pending: Transaction[] = [];
  #history = HistoryAccumulator.empty;
  readonly #genesisHead = genesisHead(this.genesis, this.#tree.root());

  constructor() {
    this.#record(this.#genesisHead.historyLeaf);
  }

  info(): NodeInfo {
    if (this.fault !== undefined) throw this.fault;
    return {
      name: "small",
      organisation: "property",
      software: "linli/test",
      chainId: this.genesis.chainId,
      chainName: this.genesis.name,
      protocol: 1,
      validatorKey: signerOf(0).publicKey,
      peerId: "peer-0",
      timeScale: 1,
      genesisBytes: this.genesis.bytes,
      validators: this.genesis.validators,
    };
  }

  head(): HeadView {
    if (this.fault !== undefined) throw this.fault;
    const last = this.#blocks.at(-1);
    if (last === undefined) {
      const { blockHash, resultHash, result, timeMs } = this.#genesisHead;
      return {
        height: 0,
        blockHash,
        resultHash,
        stateRoot: result.stateRoot,
        timeMs,
        transactionsTotal: 0,
        certifiedHeader: EMPTY_BYTES,
      };
    }
    const { height, blockHash, resultHash, timeMs } = last;
    const certifiedHeader = encodeCertifiedHeader(this.#certified());
    return {
      height,
      blockHash,
      resultHash,
      stateRoot: this.#tree.root(),
      timeMs,
      transactionsTotal: this.#receipts.size,
      certifiedHeader,
    };
  }

  /** q validators vouch for the head: at its block's time, one second and two seconds later. */
  freshness(): FreshnessView {
    const head = this.head();
    const { height, blockHash, resultHash } = head;
    const { chainId } = this.genesis;
    const statements = this.#signers.slice(0, quorumSize(this.#signers.length)).map((signer, index) => {
      const statement = { height, blockHash, resultHash, timeMs: head.timeMs + 1_000 * index };
      const signature = signer.sign(headSigningBytes({ ...statement, chainId }));
      return encodeHeadStatement({ ...statement, publicKey: signer.publicKey, signature });
    });
    return { head, statements };
  }

  block(height: number): BlockView | undefined {
    return this.#blocks[height - 1];
  }

  testimony(height: number): Uint8Array | undefined {
    if (this.#blocks[height - 1] === undefined) return undefined;
    return encodeTestimony({ certified: this.#certified(height), trail: undefined });
  }

  async submit(bytes: Uint8Array): Promise<ReceivedStatement> {
    return this.#received([this.#take(bytes)]);
  }

  async submitMany(transactions: readonly Uint8Array[]): Promise<Submitted> {
    const outcomes = transactions.map((bytes): Submitted["outcomes"][number] => {
      try {
        return { ok: true, txId: this.#take(bytes) };
      } catch (error) {
        return { ok: false, error };
      }
    });
    const taken = outcomes.flatMap((outcome) => (outcome.ok ? [outcome.txId] : []));
    return { outcomes, received: taken.length === 0 ? undefined : this.#received(taken) };
  }

  #take(bytes: Uint8Array): Hash {
    if (this.fault !== undefined) throw this.fault;
    const transaction = admitted(decodeTransaction(bytes));
    admitted(checkTransaction({ transaction, chainId: this.genesis.chainId, verify: verifyNative }));
    const txId = transaction.id;
    if (!this.#receipts.has(toHex(txId))) this.#pending.push(transaction);
    if (this.commitsAtOnce) setImmediate(() => this.commitPending());
    return txId;
  }

  #received(txIds: readonly Hash[]): ReceivedStatement {
    const timeMs = GENESIS_TIME_MS + 1;
    const { chainId } = this.genesis;
    return { txIds, timeMs, signature: signerOf(0).sign(receivedSigningBytes({ chainId, txIds, timeMs })) };
  }

  transaction(txId: Hash): TransactionStatus {
    const found = this.#receipts.get(toHex(txId));
    if (found === undefined)
      return { kind: this.#pending.some(({ id }) => toHex(id) === toHex(txId)) ? "pending" : "unknown" };
    const receiptBytes = this.#blockAt(found.height).receipts[found.index] ?? EMPTY_BYTES;
    return {
      kind: "committed",
      height: found.height,
      receiptBytes,
      proof: this.#proveReceipt(found.height, found.index),
    };
  }

  async waitForTransaction(txId: Hash, { timeoutMs }: { readonly timeoutMs: number }): Promise<TransactionStatus> {
    if (this.transaction(txId).kind === "committed") return this.transaction(txId);
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = this.onReceipts(({ receipts }) => {
      if (receipts.some((receipt) => toHex(receipt.txId) === toHex(txId))) resolve();
    });
    const timer = setTimeout(resolve, timeoutMs);
    await promise;
    clearTimeout(timer);
    stop();
    return this.transaction(txId);
  }

  async stateGet({
    contract,
    table,
    key,
  }: {
    readonly contract: string;
    readonly table: string;
    readonly key: readonly Value[];
  }) {
    if (contract === GOVERNANCE_CONTRACT) return this.#systemRow(encodeKey(tablePrefix(contract, table), key));
    if (contract !== BOARD.name) throw new LedgerError("CONTRACT_UNKNOWN", { contract });
    if (table !== "note") throw new LedgerError("TABLE_UNKNOWN", { table });
    if (key.length !== 1 || typeof key[0] !== "string") throw new LedgerError("KEY_INVALID");
    const stateKey = encodeKey(tablePrefix(contract, table), key);
    const entry = this.#state.get(toHex(stateKey));
    const proof = encodeStateProof({
      key: stateKey,
      value: entry?.value,
      tree: this.#tree.prove(stateKey),
      certified: this.#certified(),
    });
    return { height: this.#blocks.length, row: entry === undefined ? undefined : rowOf(key[0], entry), proof };
  }

  #systemRow(key: Uint8Array) {
    const entry = SYSTEM.get(toHex(key));
    const values = entry === undefined ? [] : (admitted(decode(entry.value)) as readonly Value[]);
    const fields = values.map((value, index) => [`field${index}`, value] as const);
    const row = entry && { key: [], fields, lastHeight: 0 };
    return { height: this.#blocks.length, row, proof: this.proveKey(key) };
  }

  /** Proof of any key, also of one that no table can have: what a node that lies can hand out. */
  proveKey(key: Uint8Array): Uint8Array {
    const value = (this.#state.get(toHex(key)) ?? SYSTEM.get(toHex(key)))?.value;
    return encodeStateProof({ key, value, tree: this.#tree.prove(key), certified: this.#certified() });
  }

  async stateList({ after, limit }: { readonly after: string | undefined; readonly limit: number }) {
    const keys = [...this.#state.keys()].sort().filter((key) => after === undefined || key > after);
    const page = keys.slice(0, limit);
    const rows = page.map((key) =>
      rowOf(idOf(fromHex(key) ?? EMPTY_BYTES), this.#state.get(key) ?? { value: EMPTY_BYTES, lastHeight: 0 }),
    );
    const columns = { key: [{ name: "id", type: "id" }], fields: [{ name: "text", type: "text(64)" }] };
    return { height: this.#blocks.length, columns, rows, next: keys.length > limit ? page.at(-1) : undefined };
  }

  async explainCall({ contract, action, args }: CallTrial): Promise<TrialView> {
    if (contract !== BOARD.name) throw new LedgerError("CONTRACT_UNKNOWN", { contract });
    const said = { zh: "不可", en: "no" };
    const value = args.text ?? null;
    const values = [{ name: "p.text", type: "text(64)", value }];
    const condition = {
      ruleId: `${contract}.${action}.require[0]`,
      line: 3,
      condition: "p.text != ''",
      values,
      sentence: said,
    };
    return {
      height: this.#blocks.length,
      timeMs: 1,
      status: "refused",
      ruleId: condition.ruleId,
      explanation: said,
      conditions: [
        { ...condition, outcome: "failed" },
        { ...condition, outcome: { error: "OVERFLOW" } },
      ],
      events: [],
      gas: 7,
    };
  }

  async stateGroup({ index, values }: { readonly index: string; readonly values: readonly Value[] }) {
    const [shape] = NOTES.indexes;
    if (shape === undefined || index !== shape.name) throw new LedgerError("INDEX_UNKNOWN", { index });
    const place = { table: NOTES, index: shape, values };
    const keys = rowsOfGroup(this.#indexStore(0), place, GROUP_ROWS_MAX);
    if (typeof keys === "number") throw new LedgerError("GROUP_TOO_LARGE", { rows: keys });
    const stored = (key: Uint8Array) => this.#state.get(toHex(key))?.value ?? this.#index.get(toHex(key));
    const proofOf = (key: Uint8Array) =>
      encodeStateProof({ key, value: stored(key), tree: this.#tree.prove(key), certified: this.#certified() });
    const prefix = entryPrefix(shape, values);
    const rows = keys.map((key) => {
      const entryKey = new Uint8Array([...prefix, ...key.slice(tablePrefix("board", "note").length)]);
      const row = rowOf(idOf(key), this.#state.get(toHex(key)) ?? { value: EMPTY_BYTES, lastHeight: 0 });
      return { row, entryProof: proofOf(entryKey), rowProof: proofOf(key) };
    });
    return { height: this.#blocks.length, proof: proofOf(groupKey(shape, values)), rows };
  }

  #indexStore(height: number): IndexStore {
    const write = (key: Uint8Array, value: Uint8Array | undefined) => {
      if (value === undefined) this.#index.delete(toHex(key));
      else this.#index.set(toHex(key), value);
      const leaf = value === undefined ? undefined : { valueHash: valueHashOf(value), lastHeight: height };
      this.#tree.commit(this.#tree.stage([{ key, leaf }]));
    };
    return { get: (key) => this.#index.get(toHex(key)), put: write, delete: (key) => write(key, undefined) };
  }

  contracts(): readonly ContractView[] {
    return [BOARD];
  }

  explainReceipt(receiptBytes: Uint8Array): { readonly zh: string; readonly en: string } {
    const { status } = admitted(decodeReceipt(receiptBytes));
    return status === "ok" ? { zh: "已完成", en: "done" } : { zh: "被拒绝", en: "refused" };
  }

  /** what the test says about versions */
  versions: ProtocolView = { speaks: [1], inForce: 1, decided: null, needs: null };

  protocol(): ProtocolView {
    return this.versions;
  }

  consensusStatus(): Record<string, unknown> {
    return {
      height: this.#blocks.length,
      waitingFor: undefined,
      digest: new Uint8Array([1, 255]),
      total: 1n << 60n,
      peers: [{ ok: true }],
    };
  }

  onHead(listener: (head: HeadView) => void): () => void {
    this.#headListeners.add(listener);
    return () => this.#headListeners.delete(listener);
  }

  onReceipts(listener: (block: BlockReceipts) => void): () => void {
    this.#receiptListeners.add(listener);
    return () => this.#receiptListeners.delete(listener);
  }

  get listeners(): number {
    return this.#headListeners.size + this.#receiptListeners.size;
  }

  /** One block with everything that is pending, if anything is. */
  commitPending(): void {
    const transactions = this.#pending;
    if (transactions.length === 0) return;
    this.#pending = [];
    const height = this.#blocks.length + 1;
    const executed = transactions.map((transaction, index) => this.#execute(transaction, index, height));
    const sealed = executed.map(sealReceipt);
    const receipts = sealed.map(({ bytes }) => bytes);
    const block = this.#certify(height, transactions, receipts);
    this.#blocks.push(block);
    this.#record(historyLeaf(block));
    for (const [index, { id }] of transactions.entries()) this.#receipts.set(toHex(id), { height, index });
    for (const listener of this.#receiptListeners) listener({ height, receipts: sealed });
    for (const listener of this.#headListeners) listener(this.head());
  }

  #execute({ id, body }: Transaction, index: number, height: number): Receipt {
    const common = { txId: id, index, gas: 10, events: [], writes: [] };
    const [call] = body.calls;
    const args = new Map(call?.args);
    if (call?.action !== "pin") {
      const values: Receipt["values"] = [
        ["limit", 1n << 60n],
        ["said", new Uint8Array(Number(args.get("size") ?? 0))],
      ];
      return { ...common, status: "refused", ruleId: "board.refuse.require[0]", values };
    }
    const text = String(args.get("text"));
    const key = encodeKey(tablePrefix("board", "note"), [String(args.get("id"))]);
    const value = encode([text, text.length]);
    const previousHeight = this.#state.get(toHex(key))?.lastHeight ?? 0;
    this.#state.set(toHex(key), { value, lastHeight: height });
    this.#tree.commit(this.#tree.stage([{ key, leaf: { valueHash: valueHashOf(value), lastHeight: height } }]));
    const row = [String(args.get("id")), text, text.length];
    const before = this.#sizes.get(toHex(key));
    this.#sizes.set(toHex(key), row);
    followRow(this.#indexStore(height), NOTES, { before: before ?? null, after: row, key });
    const events = [{ contract: "board", name: "pinned", fields: [["raw", new Uint8Array([1, 2])]] as const }];
    return {
      ...common,
      status: "ok",
      ruleId: "",
      values: [],
      events,
      writes: [{ key, valueHash: valueHashOf(value), previousHeight }],
    };
  }

  #certify(height: number, transactions: readonly Transaction[], receipts: readonly Uint8Array[]): Block {
    const { chainId, validators, parameters } = this.genesis;
    const parent = this.#blocks.at(-1) ?? this.#genesisHead;
    const timeMs = GENESIS_TIME_MS + height * 1_000;
    const transactionIds = transactions.map(({ id }) => id);
    const headerBytes = encodeHeader({
      version: 1,
      protocol: 1,
      chainId,
      height,
      view: 0,
      proposer: this.#signers[0]?.publicKey ?? EMPTY_BYTES,
      timeMs,
      parentHash: parent.blockHash,
      parentResult: parent.resultHash,
      historyRoot: this.#history.root(),
      batchesRoot: batchesRootOf([]),
      transactionsRoot: transactionsRootOf(transactionIds),
      transactionCount: transactions.length,
      validatorsHash: validatorsHashOf(validators),
      parametersHash: parametersHashOf(parameters),
      extension: EMPTY_BYTES,
    });
    const resultBytes = encodeResult({
      version: 1,
      stateRoot: this.#tree.root(),
      receiptsRoot: receiptsRootOf(receipts.map(receiptHashOf)),
      nextValidatorsHash: validatorsHashOf(validators),
      nextParametersHash: parametersHashOf(parameters),
    });
    const blockHash = blockHashOf(headerBytes);
    const resultHash = resultHashOf(resultBytes);
    const vote = {
      kind: "commit",
      chainId,
      height,
      view: 0,
      validatorsHash: validatorsHashOf(validators),
      blockHash,
      resultHash,
    } as const;
    const votes = this.#signers
      .slice(0, quorumSize(4))
      .map((signer, index) => ({ signer: index, signature: signer.sign(voteSigningBytes(vote)) }));
    const certificate = makeCertificate({ height, view: 0, blockHash, resultHash, validatorCount: 4, votes });
    const certificateBytes = encodeCertificate(certificate);
    return {
      height,
      timeMs,
      headerBytes,
      resultBytes,
      certificate,
      certificateBytes,
      blockHash,
      resultHash,
      transactionIds,
      references: [],
      receipts,
    };
  }

  #blockAt(height: number): Block {
    const block = this.#blocks[height - 1];
    if (block === undefined) throw new LedgerError("NO_BLOCK_YET");
    return block;
  }

  #certified(height = this.#blocks.length): CertifiedHeader {
    const { headerBytes, resultBytes, certificate } = this.#blockAt(height);
    return { headerBytes, resultBytes, certificate, transitions: [] };
  }

  #proveReceipt(height: number, index: number): Uint8Array {
    const { headerBytes, resultBytes, receipts } = this.#blockAt(height);
    const count = this.#blocks.length;
    const node = (position: number): Hash => this.#nodes.get(position) ?? EMPTY_BYTES;
    const past =
      height === count ? undefined : { headerBytes, resultBytes, history: historyProof({ count, height, node }) };
    const path = merkleProof(receipts.map(receiptHashOf), index);
    return encodeReceiptProof({
      receiptBytes: receipts[index] ?? EMPTY_BYTES,
      path,
      past,
      certified: this.#certified(),
    });
  }

  #record(leaf: Hash): void {
    const { history, nodes } = this.#history.append(leaf);
    for (const { position, hash } of nodes) this.#nodes.set(position, hash);
    this.#history = history;
  }
}

function rowOf(id: Value, entry: StateEntry): RowView {
  const [text = "", size = 0] = admitted(decode(entry.value)) as readonly Value[];
  return {
    key: [["id", id]],
    fields: [
      ["text", text],
      ["size", size],
    ],
    lastHeight: entry.lastHeight,
  };
}

function idOf(key: Uint8Array): string {
  return new TextDecoder().decode(key).split("\0")[2] ?? "";
}
