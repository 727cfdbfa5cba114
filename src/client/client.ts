// A client that trusts nothing but the genesis: every receipt, row and head is proved before it is handed on.
// Runs in Node and in browsers. Holds no keys; says which of the node's words are not proved.

import { encodeKey, tablePrefix } from "../contracts/state-keys.ts";
import { LedgerError, type Verdict } from "../errors.ts";
import type { Value } from "../ledger/codec.ts";
import { transactionsRootOf } from "../ledger/format-block.ts";
import { decodeTransaction } from "../ledger/format-transaction.ts";
import { judgeFreshness } from "../ledger/freshness.ts";
import type { TrustAnchor } from "../ledger/genesis.ts";
import { bytesEqual, EMPTY_BYTES, fromHex, type Hash, toHex } from "../ledger/hash.ts";
import { LIMITS } from "../ledger/limits.ts";
import {
  decodeCertifiedHeader,
  type ProvenReceipt,
  type ProvenState,
  type VerifiedBlock,
  verifyCertifiedHeader,
  verifyReceiptProof,
  verifyStateProof,
} from "../ledger/proofs.ts";
import type { CertifiedHeader, VerifySignature } from "../ledger/types.ts";
import { type ValueJson, valueToJson } from "../ledger/value-json.ts";
import type { Fields } from "./fields.ts";
import { checkGroup, type GroupQuery } from "./group-proof.ts";
import { type ProvedRow, proofRefused, readRow, refuseNoKey } from "./proved-row.ts";
import { rememberValid } from "./remember.ts";
import { type Feed, refusalOf, Transport } from "./transport.ts";

export interface ClientOptions {
  /** e.g. http://127.0.0.1:26100 */
  readonly url: string;
  readonly genesis: TrustAnchor;
  /** `verifyNative` in a node, `verifyPortable` in a browser */
  readonly verify: VerifySignature;
  /** until an answer is here, ms */
  readonly timeoutMs?: number;
}

/**
 * The node's word that it took transactions in: volatile, only a receipt acknowledges. Whoever wants to show it to others keeps all of
 * it: the signature is over `receivedSigningBytes` of all ids that were taken in together.
 */
export interface Received {
  /** in the order in which they were sent */
  readonly txIds: readonly Hash[];
  readonly timeMs: number;
  readonly signature: Uint8Array;
}

export type SendOutcome =
  | { readonly ok: true; readonly txId: Hash; readonly received: Received }
  | { readonly ok: false; readonly error: LedgerError };

/** A proved receipt. */
export interface ReceiptAnswer extends ProvenReceipt {
  /** encoded ReceiptProof: keep it, and anybody with the genesis can check it at any later time */
  readonly proof: Uint8Array;
  /** the node's rendering in sentences, from rule and values of the receipt; not itself proved */
  readonly explanation: { readonly zh: string; readonly en: string };
}

export type TransactionAnswer =
  | { readonly kind: "unknown" | "pending" }
  | { readonly kind: "committed"; readonly committed: ReceiptAnswer };

/** A proved row, or the proof that there is none, as of the block at `height`. */
export interface StateAnswer {
  readonly height: number;
  /** time of that block, ms: how old the answer is */
  readonly timeMs: number;
  /** undefined: there is no such row */
  readonly row: ProvedRow | undefined;
  /** encoded StateProof */
  readonly proof: Uint8Array;
}

/** A proved head, and how current it is. */
export interface CurrentHead {
  readonly block: VerifiedBlock;
  /** ledger time, ms, at which q validators knew of nothing newer */
  readonly asOfMs: number;
  /** how many validators that are */
  readonly signers: number;
}

export interface RowQuery {
  readonly contract: string;
  readonly table: string;
  readonly key: readonly Value[];
}

const TIMEOUT_MS = 10_000;
/** The longest single tx_wait; longer waits are several. */
const WAIT_STEP_MS = 30_000;
const WAIT_ASK_INTERVAL_MS_MIN = 250;

export class LinliClient {
  private readonly genesis: TrustAnchor;
  private readonly verify: VerifySignature;
  private readonly transport: Transport;
  /** of all blocks that an answer was proved as of */
  private newestHeight = 0;

  /** @throws LedgerError `CLIENT_URL_INVALID` */
  constructor(options: ClientOptions) {
    this.genesis = options.genesis;
    this.verify = rememberValid(options.verify);
    this.transport = new Transport({ url: options.url, timeoutMs: options.timeoutMs ?? TIMEOUT_MS });
  }

  /** Any method, unproved: for what has no proof, like `consensus_status`. Errors as everywhere here: those of `Transport.call`. */
  call(method: string, params: Readonly<Record<string, unknown>> = {}, waitMs = 0): Promise<Fields> {
    return this.transport.call(method, params, waitMs);
  }

  /** Hands over a signed transaction. @throws LedgerError the node's refusal by its code */
  async send(bytes: Uint8Array): Promise<Received> {
    const txId = idOf(bytes);
    const answer = await this.call("tx_send", { transaction: toHex(bytes) });
    checkId(answer, txId);
    return readReceived(answer, [txId]);
  }

  /** Hands over 1 to 100 signed transactions; each is received or refused for itself, in the same order. */
  async sendMany(transactions: readonly Uint8Array[]): Promise<readonly SendOutcome[]> {
    const answer = await this.call("tx_sendMany", { transactions: transactions.map(toHex) });
    const outcomes = answer.objects("results", (outcome) => outcome);
    if (outcomes.length !== transactions.length) throw answer.fault("results", `${transactions.length} outcomes`);
    const judged = outcomes.map((outcome, index) => {
      if (!outcome.flag("ok")) return { ok: false as const, error: refusalOf(outcome.object("error")) };
      const txId = idOf(transactions[index] as Uint8Array);
      checkId(outcome, txId);
      return { ok: true as const, txId };
    });
    const txIds = judged.flatMap((outcome) => (outcome.ok ? [outcome.txId] : []));
    if (txIds.length === 0) return judged.filter((outcome) => !outcome.ok);
    const received = readReceived(answer.object("received"), txIds);
    return judged.map((outcome) => (outcome.ok ? { ...outcome, received } : outcome));
  }

  /** What became of a transaction. @throws LedgerError `PROOF_REFUSED` when the node's proof does not hold */
  async transaction(txId: Hash): Promise<TransactionAnswer> {
    const floor = this.newestHeight;
    return this.readTransaction(await this.call("tx_receipt", { txId: toHex(txId) }), txId, floor);
  }

  /**
   * Waits for the receipt and proves it.
   * @throws LedgerError `TX_NOT_COMMITTED` when the time is up, `PROOF_REFUSED`
   */
  async waitForReceipt(txId: Hash, options: { readonly timeoutMs: number }): Promise<ReceiptAnswer> {
    const endMs = performance.now() + options.timeoutMs;
    for (;;) {
      const askedMs = performance.now();
      const timeoutMs = Math.max(0, Math.min(WAIT_STEP_MS, Math.ceil(endMs - askedMs)));
      const floor = this.newestHeight;
      const told = await this.call("tx_wait", { txId: toHex(txId), timeoutMs }, timeoutMs);
      const answer = this.readTransaction(told, txId, floor);
      if (answer.kind === "committed") return answer.committed;
      if (performance.now() >= endMs) {
        const remedy =
          "ask again with tx_receipt, or send the same bytes again: a transaction is executed at most once";
        throw new LedgerError(
          "TX_NOT_COMMITTED",
          { txId: toHex(txId), status: answer.kind, waitedMs: options.timeoutMs },
          { remedy },
        );
      }
      // A node that answers at once instead of waiting is not asked the more often.
      const earlyMs = WAIT_ASK_INTERVAL_MS_MIN - (performance.now() - askedMs);
      if (earlyMs > 0) await new Promise((resolve) => setTimeout(resolve, earlyMs));
    }
  }

  /** The newest head of this node, proved by its certificate. Whether a newer one exists elsewhere is not: `currentHead`. */
  async head(): Promise<VerifiedBlock> {
    const floor = this.newestHeight;
    return this.readCertified(await this.call("chain_head"), floor).block;
  }

  /**
   * The newest head, proved, and since when nothing newer can have been committed elsewhere: q validators signed it.
   * @param options.nowMs ledger time, ms @param options.ageMsMax how old that knowledge may be, ms of ledger time
   * @throws LedgerError `HEAD_NOT_CURRENT` when fewer than q validators vouch for it or they did so too long ago,
   * `PROOF_REFUSED`, `NO_BLOCK_YET`
   */
  async currentHead(options: { readonly nowMs: number; readonly ageMsMax: number }): Promise<CurrentHead> {
    const floor = this.newestHeight;
    const answer = await this.call("chain_freshness");
    const { certified, block } = this.readCertified(answer.object("head"), floor);
    const { chainId } = this.genesis;
    const validators = certified.transitions.at(-1)?.nextValidators ?? this.genesis.validators;
    // One of each validator: a node that shows thousands would have this side check their signatures for minutes.
    const shown = answer.texts("statements").slice(0, LIMITS.validatorsMax);
    const statements = shown.map((text) => fromHex(text) ?? EMPTY_BYTES);
    const head = { height: block.header.height, blockHash: block.blockHash, resultHash: block.resultHash };
    const latestMs = options.nowMs + options.ageMsMax;
    const { verify } = this;
    const freshness = judgeFreshness({ statements, head, chainId, validators, verify, latestMs });
    if (!freshness.ok) throw headNotCurrent(head.height, freshness.detail);
    const { asOfMs, signers } = freshness.value;
    const ageMs = options.nowMs - asOfMs;
    if (ageMs > options.ageMsMax) throw headNotCurrent(head.height, `${ageMs} ms old`);
    return { block, asOfMs, signers: signers.length };
  }

  /**
   * A committed block with the ids of its transactions, in order. It is proved like its receipts, through the newest
   * header: an old block's own certificate could be forged with keys that have left office since.
   * @throws LedgerError `BLOCK_UNKNOWN`, `PROOF_REFUSED`, `BLOCK_NOT_PROVABLE` (timers only: it has no transaction)
   */
  async block(height: number): Promise<{ readonly block: VerifiedBlock; readonly transactionIds: readonly Hash[] }> {
    const answer = await this.call("chain_block", { height });
    const transactionIds = answer.texts("transactionIds").map((id) => fromHex(id) ?? EMPTY_BYTES);
    const [first] = transactionIds;
    if (first === undefined)
      throw new LedgerError(
        "BLOCK_NOT_PROVABLE",
        { height },
        { remedy: "it holds runs of timers only; prove the rows that they wrote" },
      );
    const proven = await this.transaction(first);
    if (proven.kind !== "committed" || proven.committed.height !== height) throw proofRefused("PROOF_OTHER_BLOCK");
    const { block } = proven.committed;
    const areHashes = transactionIds.every(({ length }) => length === 32);
    if (!areHashes || !bytesEqual(transactionsRootOf(transactionIds), block.header.transactionsRoot))
      throw proofRefused("PROOF_TRANSACTIONS");
    return { block, transactionIds };
  }

  /** One row with proof of it or of its absence. @throws LedgerError the node's refusal, `PROOF_REFUSED` */
  async stateGet(query: RowQuery): Promise<StateAnswer> {
    const { contract, table, key } = query;
    refuseNoKey([contract, table, ...key]);
    const floor = this.newestHeight;
    const answer = await this.call("state_get", { contract, table, key: key.map(valueToJson) });
    const proof = answer.bytes("proof");
    const proven = this.provedState(proof, floor);
    // A true proof of another row, or of its absence, would otherwise pass for this one's.
    if (!bytesEqual(proven.key, encodeKey(tablePrefix(contract, table), key))) throw proofRefused("PROOF_OTHER_ROW");
    return { height: proven.height, timeMs: proven.certified.header.timeMs, row: readRow(answer, proven), proof };
  }

  /** A page of rows in key order, NOT proved: neither the rows nor that none is missing. Prove single rows with `stateGet`. */
  async stateList(query: {
    readonly contract: string;
    readonly table: string;
    readonly prefix?: readonly Value[];
    readonly after?: string | undefined;
    readonly limit?: number;
  }): Promise<{ readonly height: number; readonly rows: readonly UnprovedRow[]; readonly next: string | undefined }> {
    const { contract, table, prefix = [], after, limit = 100 } = query;
    const page = await this.call("state_list", {
      contract,
      table,
      prefix: prefix.map(valueToJson),
      limit,
      ...(after === undefined ? {} : { after }),
    });
    const next = page.raw("next");
    return {
      height: page.integer("height", { min: 0 }),
      rows: page.objects("rows", (row) => ({
        key: row.raw("key") as UnprovedRow["key"],
        fields: row.raw("fields") as UnprovedRow["fields"],
        lastHeight: row.integer("lastHeight", { min: 0 }),
      })),
      next: typeof next === "string" ? next : undefined,
    };
  }

  /**
   * All rows of one group of an index, in key order, proved: each row, and that none is missing.
   * @throws LedgerError the node's refusal (GROUP_TOO_LARGE: page through `stateList`), `PROOF_REFUSED`
   */
  async stateGroup(query: GroupQuery): Promise<GroupAnswer> {
    const { contract, table, index, values } = query;
    refuseNoKey([contract, table, index, ...values]);
    const floor = this.newestHeight;
    const answer = await this.call("state_group", { contract, table, index, values: values.map(valueToJson) });
    const leaf = this.provedState(answer.bytes("proof"), floor);
    const rows = answer.objects("rows", (item) => {
      const row = this.provedState(item.bytes("rowProof"), floor);
      return { row, entry: this.provedState(item.bytes("entryProof"), floor), shown: readRow(item, row) };
    });
    this.proved(checkGroup(query, { leaf, rows }));
    const { header } = leaf.certified;
    return { height: header.height, timeMs: header.timeMs, rows: rows.flatMap(({ shown }) => shown ?? []) };
  }

  private provedState(bytes: Uint8Array, floor: number): ProvenState {
    const proven = this.proved(verifyStateProof({ bytes, genesis: this.genesis, verify: this.verify }));
    this.refuseOlder(proven.certified, floor);
    return proven;
  }

  /** Calls back with each new head, proved; one that is no higher than the last is none. */
  followHeads(onHead: (head: VerifiedBlock) => Promise<void> | void): Promise<Feed> {
    let last = 0;
    return this.transport.follow("heads", async (event) => {
      // Events and answers overtake each other: only those of one feed are in order.
      const { block } = this.readCertified(event.object("head"), 0);
      if (block.header.height <= last) return;
      last = block.header.height;
      await onHead(block);
    });
  }

  /** Calls back with each new receipt, proved: the proof is fetched for every one. */
  followReceipts(onReceipt: (receipt: ReceiptAnswer) => Promise<void> | void): Promise<Feed> {
    return this.transport.follow("receipts", async (event, isOver) => {
      for (const txId of event.objects("receipts", (receipt) => receipt.bytes("txId", 32))) {
        if (isOver()) return;
        const answer = await this.transaction(txId);
        if (answer.kind === "committed") await onReceipt(answer.committed);
      }
    });
  }

  private readTransaction(answer: Fields, txId: Hash, floor: number): TransactionAnswer {
    const kind = answer.oneOf("status", ["unknown", "pending", "committed"]);
    if (kind !== "committed") return { kind };
    const proof = answer.bytes("proof");
    const proven = this.proved(verifyReceiptProof({ bytes: proof, genesis: this.genesis, verify: this.verify }));
    // A true proof of another transaction's receipt would otherwise pass for this one's.
    if (!bytesEqual(proven.receipt.txId, txId)) throw proofRefused("PROOF_OTHER_TRANSACTION");
    this.refuseOlder(proven.certified, floor);
    const explanation = answer.object("explanation");
    return {
      kind,
      committed: { ...proven, proof, explanation: { zh: explanation.text("zh"), en: explanation.text("en") } },
    };
  }

  private readCertified(
    answer: Fields,
    floor: number,
  ): { readonly certified: CertifiedHeader; readonly block: VerifiedBlock } {
    if (answer.integer("height", { min: 0 }) === 0)
      throw new LedgerError("NO_BLOCK_YET", {}, { remedy: "ask again after the first transaction is committed" });
    const certified = this.proved(decodeCertifiedHeader(answer.bytes("certifiedHeader")));
    const block = this.proved(verifyCertifiedHeader({ certified, genesis: this.genesis, verify: this.verify }));
    this.refuseOlder(block, floor);
    return { certified, block };
  }

  /**
   * A120: a node proves what was true once; rows of several blocks would be shown as one truth.
   * @param floor the newest height that was proved here when the question was asked @throws LedgerError `ANSWER_OUTDATED`
   */
  private refuseOlder({ header: { height } }: VerifiedBlock, floor: number): void {
    if (height < floor)
      throw new LedgerError(
        "ANSWER_OUTDATED",
        { height, heightSeen: floor },
        { remedy: "ask again; a node that keeps answering so has lost blocks or hides them: ask another" },
      );
    this.newestHeight = Math.max(this.newestHeight, height);
  }

  private proved<Proven>(verdict: Verdict<Proven>): Proven {
    if (!verdict.ok) throw proofRefused(verdict.code);
    return verdict.value;
  }
}

/** A complete group of an index as of the block at `height`. */
export interface GroupAnswer {
  readonly height: number;
  /** time of that block, ms */
  readonly timeMs: number;
  /** in key order; none is missing */
  readonly rows: readonly ProvedRow[];
}

export interface UnprovedRow {
  readonly key: Readonly<Record<string, ValueJson>>;
  readonly fields: Readonly<Record<string, ValueJson>>;
  readonly lastHeight: number;
}

function idOf(bytes: Uint8Array): Hash {
  const transaction = decodeTransaction(bytes);
  if (!transaction.ok) throw new LedgerError("TX_INVALID", { reason: transaction.code, detail: transaction.detail });
  return transaction.value.id;
}

function checkId(answer: Fields, txId: Hash): void {
  if (!bytesEqual(answer.bytes("txId", 32), txId))
    throw answer.fault("txId", "the id of the transaction that was sent");
}

function readReceived(answer: Fields, txIds: readonly Hash[]): Received {
  return { txIds, timeMs: answer.integer("timeMs", { min: 0 }), signature: answer.bytes("signature") };
}

function headNotCurrent(height: number, reason: string): LedgerError {
  return new LedgerError(
    "HEAD_NOT_CURRENT",
    { height, reason },
    { remedy: "ask again in a few seconds, or another node; compare your clock" },
  );
}
