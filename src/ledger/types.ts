// The nouns of the ledger, as decoded objects. Their bytes are defined in docs/formats.cddl and written by the files format-*.ts.
// Nothing here behaves; every hash of an object is over the bytes that were received or built, never re-encoded later.

import type { Value } from "./codec.ts";
import type { Hash } from "./hash.ts";

export const FORMAT_VERSION = 1;
/** Signature suites. 1 = Ed25519 by the one rule of docs/adr/0004; numbers never change their meaning. */
export const SUITE_ED25519 = 1;

/** Verifies one signature by the suite's rule. Total: malformed lengths are `false`, never an exception. */
export type VerifySignature = (
  suite: number,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
) => boolean;

// ---- transactions and batches ----

export interface Signer {
  readonly account: string;
  readonly suite: number;
  /** 32 bytes for suite 1 */
  readonly publicKey: Uint8Array;
}

/** Arguments travel with their names, ordered by name, so that a signed call says what it means for ever. */
export interface Call {
  readonly contract: string;
  readonly action: string;
  readonly args: readonly (readonly [name: string, value: Value])[];
}

export interface TransactionBody {
  readonly version: number;
  readonly chainId: Hash;
  /** 1 to 8; the first is the sender */
  readonly signers: readonly Signer[];
  /** the sender's own order, u64 */
  readonly nonce: number | bigint;
  readonly validUntilMs: number;
  readonly gasLimit: number;
  /** 1 to 100, all or nothing */
  readonly calls: readonly Call[];
  /** at most 64 bytes */
  readonly memo: Uint8Array;
}

export interface Transaction {
  /** H(TX, body bytes): a body signed again is the same transaction */
  readonly id: Hash;
  readonly body: TransactionBody;
  /** that its calls name, in their order: known before the calls are read */
  readonly contracts: readonly string[];
  /** one per signer, in order, over tagged(TX-SIGN, id) */
  readonly signatures: readonly Uint8Array[];
  /** as received: `[body, signatures]` */
  readonly bytes: Uint8Array;
}

export interface Batch {
  /** H(BATCH, body bytes) */
  readonly digest: Hash;
  readonly chainId: Hash;
  /** consensus public key of the validator that gathered it */
  readonly origin: Uint8Array;
  /** the origin's own counter, from 1, never reused */
  readonly sequence: number;
  readonly transactions: readonly Transaction[];
  /** over tagged(BATCH-SIGN, digest) */
  readonly signature: Uint8Array;
  /** as received: `[body, signature]` */
  readonly bytes: Uint8Array;
}

export interface BatchReference {
  readonly digest: Hash;
  readonly origin: Uint8Array;
  /** length of the batch's bytes: known before fetching */
  readonly bytes: number;
  /** transactions in it */
  readonly count: number;
}

// ---- validators and parameters ----

export interface Validator {
  readonly organisation: string;
  readonly suite: number;
  /** consensus key; `validators(h)` is in the byte order of these */
  readonly publicKey: Uint8Array;
  /** libp2p peer id (text); never the consensus key */
  readonly peerId: string;
}

/** Facts of the whole cluster, hashed into every header; changed only by governance. */
export interface Parameters {
  /** the version that the next block is under */
  readonly protocol: number;
  /** a transaction may be valid at most this long after the block's time; also the replay window W */
  readonly replayWindowMs: number;
  /** D: how far a first proposal's time may be from a follower's clock */
  readonly clockSkewMsMax: number;
  /** R: the lead moves on at heights that are multiples of it */
  readonly rotationHeights: number;
  readonly blockBytesMax: number;
  readonly blockTransactionsMax: number;
  readonly batchBytesMax: number;
  readonly blockGasMax: number;
  readonly timerGasMax: number;
}

// ---- blocks ----

export interface Header {
  readonly version: number;
  readonly protocol: number;
  readonly chainId: Hash;
  readonly height: number;
  readonly view: number;
  /** consensus public key */
  readonly proposer: Uint8Array;
  readonly timeMs: number;
  readonly parentHash: Hash;
  /** result hash of the parent */
  readonly parentResult: Hash;
  /** history accumulator over heights 0 to height-1 */
  readonly historyRoot: Hash;
  readonly batchesRoot: Hash;
  /** over the ids of the executed list, in execution order */
  readonly transactionsRoot: Hash;
  readonly transactionCount: number;
  readonly validatorsHash: Hash;
  readonly parametersHash: Hash;
  readonly extension: Uint8Array;
}

/** A header with its hash and the references it commits to: what PRE-PREPARE carries. */
export interface Proposal {
  readonly header: Header;
  readonly headerBytes: Uint8Array;
  /** H(HEADER, headerBytes) */
  readonly blockHash: Hash;
  readonly references: readonly BatchReference[];
}

/** What COMMIT signs beside the block: `[version, stateRoot, receiptsRoot, nextValidatorsHash, nextParametersHash]`. */
export interface Result {
  readonly version: number;
  readonly stateRoot: Hash;
  readonly receiptsRoot: Hash;
  readonly nextValidatorsHash: Hash;
  readonly nextParametersHash: Hash;
}

// ---- votes ----

export type VoteKind = "prepare" | "commit";

export interface Vote {
  readonly kind: VoteKind;
  readonly height: number;
  readonly view: number;
  readonly blockHash: Hash;
  /** empty for PREPARE */
  readonly resultHash: Uint8Array;
  /** index into validators(height) */
  readonly signer: number;
  readonly signature: Uint8Array;
}

export interface Certificate {
  readonly height: number;
  readonly view: number;
  readonly blockHash: Hash;
  /** empty: a prepared certificate; otherwise a commit certificate */
  readonly resultHash: Uint8Array;
  /** bit i = validators(height)[i], most significant bit of byte 0 first */
  readonly signers: Uint8Array;
  /** one per set bit, in order */
  readonly signatures: readonly Uint8Array[];
}

/** HEAD: off the consensus path; q fresh ones prove that an answer is current. */
export interface HeadStatement {
  readonly height: number;
  readonly blockHash: Hash;
  readonly resultHash: Hash;
  readonly timeMs: number;
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
}

/** A validator's own certified head, said to one who asked with a nonce: its signature covers chain and nonce. */
export interface HeadAnswer {
  readonly height: number;
  readonly blockHash: Hash;
  readonly resultHash: Hash;
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
}

// ---- execution ----

/** "ok", or why nothing of the transaction happened. The only statuses there are. */
export type ReceiptStatus = "ok" | "refused" | "unauthorised" | "out_of_gas" | "failed";

export interface LedgerEvent {
  readonly contract: string;
  readonly name: string;
  readonly fields: readonly (readonly [name: string, value: Value])[];
}

export interface ReceiptWrite {
  readonly key: Uint8Array;
  /** H(VALUE, value bytes); empty when the key was deleted */
  readonly valueHash: Uint8Array;
  /** height of the write before this one, 0 if none */
  readonly previousHeight: number;
}

export interface Receipt {
  /** transaction id; H(TIMER, ...) for a timer's run */
  readonly txId: Hash;
  /** place in the executed list, timers first */
  readonly index: number;
  readonly status: ReceiptStatus;
  /** "contract.action.require[0]", "contract.table.flow", "account.key", ...; empty when ok */
  readonly ruleId: string;
  /** what was compared; sentences are rendered from ruleId and values, never hashed */
  readonly values: readonly (readonly [name: string, value: Value])[];
  readonly gas: number;
  readonly events: readonly LedgerEvent[];
  readonly writes: readonly ReceiptWrite[];
}

/** A write of a block, in key order, one per key. */
export interface StateWrite {
  readonly key: Uint8Array;
  /** undefined: deleted */
  readonly value: Uint8Array | undefined;
}

export interface HashedWrite extends StateWrite {
  /** H(VALUE, value); undefined: deleted */
  readonly valueHash: Hash | undefined;
}

/** A stored state value with the height that wrote it. */
export interface StateEntry {
  readonly value: Uint8Array;
  readonly lastHeight: number;
}

/** Synchronous reads of one version of the state. */
export interface StateReader {
  get(key: Uint8Array): StateEntry | undefined;
}

/**
 * The uncommitted writes of one block over a committed state. Marks nest: a refused transaction is undone by
 * `revertTo` of the mark taken before it; dropping the overlay undoes the block.
 */
export interface StateOverlay extends StateReader {
  put(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): void;
  mark(): number;
  revertTo(mark: number): void;
  /** Nothing written until now is undone any more: marks taken before are void. */
  settle(): void;
  /** keys written since the mark, in key order, as a receipt names them: `previousHeight` is of the write before the mark */
  changesSince(mark: number): readonly ReceiptWrite[];
  /** every key whose value differs from the committed one or was rewritten, in key order */
  writes(): readonly HashedWrite[];
}

// ---- proofs ----

export interface MerkleProof {
  readonly index: number;
  readonly count: number;
  readonly siblings: readonly Hash[];
}

/** A certified set change on the way from genesis to the validators that signed: checked in order. */
export interface ValidatorTransition {
  readonly headerBytes: Uint8Array;
  readonly resultBytes: Uint8Array;
  readonly certificate: Certificate;
  readonly nextValidators: readonly Validator[];
}

/** A header, its result and the certificate of q COMMITs over both. */
export interface CertifiedHeader {
  readonly headerBytes: Uint8Array;
  readonly resultBytes: Uint8Array;
  readonly certificate: Certificate;
  /** empty while the genesis validators are in office */
  readonly transitions: readonly ValidatorTransition[];
}
