// What the node needs from the outside world, and what it offers to its own surfaces. Types only, no behaviour:
// each port has a real implementation and, where tests need one, a deterministic one, both judged by one suite.

import type { Value } from "./ledger/codec.ts";
import type { Hash } from "./ledger/hash.ts";
import type { LedgerEvent, ReceiptStatus } from "./ledger/types.ts";

// ---- time ----

export interface Clock {
  /** ledger time, ms since 1970: the wall clock, or in a devnet the scaled clock (genesis timeScale) */
  nowMs(): number;
  /** monotonic wall ms for timeouts; never scaled */
  monotonicMs(): number;
  /** Delay 0: in the next turn of the event loop, after what waits there already. @returns a function that cancels it */
  setTimer(delayMs: number, run: () => void): () => void;
}

// ---- store ----

export type WriteOperation =
  | { readonly kind: "put"; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly kind: "delete"; readonly key: Uint8Array };

export interface KeyRange {
  readonly from: Uint8Array;
  /** exclusive */
  readonly to: Uint8Array;
  readonly limit: number;
  readonly reverse?: boolean;
}

export interface KeyValueReader {
  get(key: Uint8Array): Uint8Array | undefined;
  /** in byte order of keys */
  scan(range: KeyRange): Promise<readonly (readonly [key: Uint8Array, value: Uint8Array])[]>;
}

export interface KeyValueSnapshot extends KeyValueReader {
  release(): Promise<void>;
}

export interface KeyValueStore extends KeyValueReader {
  /** All or nothing. With `sync`, on return it survives power loss. Operations on one key apply in order. All are asked for before the call returns. */
  write(operations: Iterable<WriteOperation>, options: { readonly sync: boolean }): Promise<void>;
  snapshot(): KeyValueSnapshot;
  close(): Promise<void>;
}

/** The signer's own memory: a checksummed file apart from the store, never part of a backup. */
export interface VoteRecordStore {
  /** the newest record that is whole; "missing" if there never was one, "corrupt" if none is whole */
  load(): Promise<
    { readonly kind: "found"; readonly bytes: Uint8Array } | { readonly kind: "missing" } | { readonly kind: "corrupt" }
  >;
  /** on return it survives power loss; a throw halts the node */
  save(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

// ---- peers ----

/** libp2p peer id, text form. */
export type PeerId = string;

export interface PeerEndpoint {
  readonly peerId: PeerId;
  /** multiaddrs without the /p2p part, e.g. /ip4/127.0.0.1/tcp/26001 */
  readonly addresses: readonly string[];
}

/** By peer id: multiaddrs without the /p2p part, in the place of those that the ledger knows. */
export type PeerAddresses = Readonly<Record<PeerId, readonly string[]>>;

export type GossipTopic = "batches" | "heads" | "evidence";
export type RequestProtocol = "fetch" | "sync" | "head";

export interface PeerStatus {
  readonly peerId: PeerId;
  readonly connected: boolean;
  /** smoothed heartbeat round trip, undefined before the first */
  readonly roundTripMs: number | undefined;
  /** ms (monotonic) until which the peer is cut off, undefined if it is not */
  readonly cutOffUntilMs: number | undefined;
}

export interface PeerHandlers {
  /** a consensus frame, in the order sent by that peer */
  onFrame(peer: PeerId, bytes: Uint8Array): void;
  /** gossip, already deduplicated; the peer is who handed it over, not necessarily its author */
  onGossip(topic: GossipTopic, peer: PeerId, bytes: Uint8Array): void;
  /** must answer or throw; a throw closes the stream with a code */
  onRequest(protocol: RequestProtocol, peer: PeerId, payload: Uint8Array): Promise<Uint8Array>;
  onPeerChanged(peer: PeerId, connected: boolean): void;
}

/** Knows peers and bytes, nothing of blocks or votes. */
export interface PeerNetwork {
  /** Listens, dials and keeps redialling for ever. Resolves when listening; peers come later through onPeerChanged. */
  start(handlers: PeerHandlers): Promise<void>;
  stop(): Promise<void>;
  /** Queues a frame; false when the peer is away or its queue is full (the core resends what matters). */
  send(peer: PeerId, bytes: Uint8Array): boolean;
  publish(topic: GossipTopic, bytes: Uint8Array): Promise<void>;
  /** @throws LedgerError PEER_UNREACHABLE, PEER_TIMEOUT, PEER_REFUSED, PEER_ANSWER_TOO_LARGE */
  request(
    peer: PeerId,
    protocol: RequestProtocol,
    payload: Uint8Array,
    options: { readonly timeoutMs: number },
  ): Promise<Uint8Array>;
  /** Who may connect from now on; others are disconnected. */
  setMembers(members: readonly PeerEndpoint[]): void;
  /** Counts a protocol fault of a peer; too many cut it off for a while. */
  penalise(peer: PeerId, code: string): void;
  peers(): readonly PeerStatus[];
}

// ---- signing ----

/** Signs bytes with one private key that never leaves it. */
export interface KeySigner {
  readonly suite: number;
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

// ---- logging ----

/** Message is a constant, data is fields. */
export interface Logger {
  error(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  debug(message: string, fields?: Record<string, unknown>): void;
}

// ---- what the node offers to its RPC surface ----

export interface NodeInfo {
  readonly name: string;
  readonly organisation: string;
  readonly software: string;
  readonly chainId: Hash;
  readonly chainName: string;
  /** the newest that this program speaks */
  readonly protocol: number;
  readonly validatorKey: Uint8Array;
  readonly peerId: PeerId;
  readonly timeScale: number;
  readonly genesisBytes: Uint8Array;
  readonly validators: readonly {
    readonly organisation: string;
    readonly publicKey: Uint8Array;
    readonly peerId: PeerId;
  }[];
}

/** Versions of the protocol, as an operator has to know them. */
export interface ProtocolView {
  /** what this program knows */
  readonly speaks: readonly number[];
  /** for the next block */
  readonly inForce: number;
  /** from that height on */
  readonly decided: { readonly protocol: number; readonly height: number } | null;
  /** the one of both that this program lacks: if it is in force, the node takes no part until its program is replaced */
  readonly needs: number | null;
}

export interface HeadView {
  readonly height: number;
  readonly blockHash: Hash;
  readonly resultHash: Hash;
  readonly stateRoot: Hash;
  readonly timeMs: number;
  readonly transactionsTotal: number;
  /** encoded CertifiedHeader */
  readonly certifiedHeader: Uint8Array;
}

/** The head together with what the validators have signed about theirs lately. */
export interface FreshnessView {
  readonly head: HeadView;
  /** encoded HeadStatements, one for each validator that was heard of lately */
  readonly statements: readonly Uint8Array[];
}

export interface BlockView {
  readonly headerBytes: Uint8Array;
  readonly resultBytes: Uint8Array;
  readonly certificateBytes: Uint8Array;
  /** ids in execution order */
  readonly transactionIds: readonly Hash[];
  readonly references: readonly {
    readonly digest: Hash;
    readonly origin: Uint8Array;
    readonly bytes: number;
    readonly count: number;
  }[];
}

export type TransactionStatus =
  | { readonly kind: "unknown" }
  | { readonly kind: "pending" }
  /** encoded ReceiptProof; `height`, `receiptBytes` as in it */
  | {
      readonly kind: "committed";
      readonly height: number;
      readonly receiptBytes: Uint8Array;
      readonly proof: Uint8Array;
    };

/** A validator's word that it took these transactions in: volatile, only a receipt acknowledges. */
export interface ReceivedStatement {
  readonly txIds: readonly Hash[];
  readonly timeMs: number;
  /** over tagged(RECEIVED, [chainId, txIds, timeMs]) */
  readonly signature: Uint8Array;
}

/** What became of transactions that were handed over together. */
export interface Submitted {
  /** one for each, in their order; each stands for itself */
  readonly outcomes: readonly (
    | { readonly ok: true; readonly txId: Hash }
    | { readonly ok: false; readonly error: unknown }
  )[];
  /** of all that were taken in; undefined: none was */
  readonly received: ReceivedStatement | undefined;
}

export interface ContractView {
  readonly name: string;
  readonly version: number;
  readonly sourceHash: Hash;
  readonly title: string;
  readonly source: string;
  readonly tables: readonly {
    readonly name: string;
    readonly key: readonly { readonly name: string; readonly type: string }[];
    readonly fields: readonly { readonly name: string; readonly type: string }[];
  }[];
  readonly actions: readonly {
    readonly name: string;
    readonly by: readonly string[];
    readonly params: readonly { readonly name: string; readonly type: string }[];
  }[];
}

export interface RowView {
  readonly key: readonly (readonly [name: string, value: Value])[];
  readonly fields: readonly (readonly [name: string, value: Value])[];
  readonly lastHeight: number;
}

/** A column by name and type, as contracts write it. */
export interface ColumnView {
  readonly name: string;
  readonly type: string;
}

export interface CallTrial {
  readonly contract: string;
  readonly action: string;
  /** who would sign */
  readonly account: string;
  readonly cosigners: readonly string[];
  readonly args: Readonly<Record<string, Value>>;
  /** undefined: the node's ledger time */
  readonly timeMs: number | undefined;
}

/** What would become of a call in the next block, and what each condition says. */
export interface TrialView {
  readonly height: number;
  readonly timeMs: number;
  readonly status: ReceiptStatus;
  /** empty when ok */
  readonly ruleId: string;
  readonly explanation: { readonly zh: string; readonly en: string };
  readonly conditions: readonly {
    readonly ruleId: string;
    readonly line: number;
    readonly condition: string;
    readonly outcome: "passed" | "failed" | { readonly error: string };
    readonly values: readonly { readonly name: string; readonly type: string; readonly value: Value }[];
    readonly sentence: { readonly zh: string; readonly en: string };
  }[];
  readonly events: readonly LedgerEvent[];
  readonly gas: number;
}

/** Rows that one proved group has at most: each comes with two proofs. */
export const GROUP_ROWS_MAX = 64;

export interface GroupView {
  readonly height: number;
  /** encoded StateProof of the group's leaf, or of its absence */
  readonly proof: Uint8Array;
  /** in key order */
  readonly rows: readonly { readonly row: RowView; readonly entryProof: Uint8Array; readonly rowProof: Uint8Array }[];
}

/** What became of all transactions and timers of a block that has just been committed, in its order. */
export interface BlockReceipts {
  readonly height: number;
  /** `status` as in the receipt, `bytes` the encoded receipt */
  readonly receipts: readonly { readonly txId: Hash; readonly status: ReceiptStatus; readonly bytes: Uint8Array }[];
}

export interface NodeApi {
  info(): NodeInfo;
  head(): HeadView;
  freshness(): FreshnessView;
  /** undefined: not known here */
  block(height: number): BlockView | undefined;
  /** what this node can say before an auditor about a height (consensus/fork.ts); undefined: not known here */
  testimony(height: number): Uint8Array | undefined;
  /** @throws LedgerError with a code of docs/errors.md when the transaction is refused at the door */
  submit(bytes: Uint8Array): Promise<ReceivedStatement>;
  /** Refusals are outcomes; it does not throw for them. */
  submitMany(transactions: readonly Uint8Array[]): Promise<Submitted>;
  transaction(txId: Hash): TransactionStatus;
  /** resolves with the committed status, or with the last known one when time is up */
  waitForTransaction(txId: Hash, options: { readonly timeoutMs: number }): Promise<TransactionStatus>;
  /** one row with proof of inclusion or absence. @throws LedgerError CONTRACT_UNKNOWN, TABLE_UNKNOWN, KEY_INVALID */
  stateGet(query: {
    readonly contract: string;
    readonly table: string;
    readonly key: readonly Value[];
  }): Promise<{ readonly height: number; readonly row: RowView | undefined; readonly proof: Uint8Array }>;
  /** rows in key order whose key starts with `prefix`, or of the group `prefix` of `index`; `after` is the cursor of the page before */
  stateList(query: {
    readonly contract: string;
    readonly table: string;
    readonly index: string | undefined;
    readonly prefix: readonly Value[];
    readonly after: string | undefined;
    readonly limit: number;
  }): Promise<{
    readonly height: number;
    readonly columns: { readonly key: readonly ColumnView[]; readonly fields: readonly ColumnView[] };
    readonly rows: readonly RowView[];
    readonly next: string | undefined;
  }>;
  /** tries a call without doing it. @throws LedgerError CONTRACT_UNKNOWN, ACTION_UNKNOWN, ACCOUNT_UNKNOWN */
  explainCall(trial: CallTrial): Promise<TrialView>;
  /**
   * The complete group of an index, with proof of its count, its entries and its rows, all of one block.
   * @throws LedgerError CONTRACT_UNKNOWN, TABLE_UNKNOWN, INDEX_UNKNOWN, KEY_INVALID, GROUP_TOO_LARGE
   */
  stateGroup(query: {
    readonly contract: string;
    readonly table: string;
    readonly index: string;
    readonly values: readonly Value[];
  }): Promise<GroupView>;
  contracts(): readonly ContractView[];
  /** the refusal or success of a receipt in sentences */
  explainReceipt(receiptBytes: Uint8Array, height: number): { readonly zh: string; readonly en: string };
  protocol(): ProtocolView;
  consensusStatus(): Record<string, unknown>;
  onHead(listener: (head: HeadView) => void): () => void;
  /** once for each block */
  onReceipts(listener: (block: BlockReceipts) => void): () => void;
}
