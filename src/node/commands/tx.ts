// `linli tx`: signs with a key file, sends, waits for the receipt and proves it before showing it.
// The private key stays in this process.

import type { ReceiptAnswer } from "../../client/client.ts";
import { ledgerTimeMs } from "../../client/ledger-time.ts";
import { buildTransaction, type CallRequest } from "../../client/transaction.ts";
import { LedgerError } from "../../errors.ts";
import { toHex } from "../../ledger/hash.ts";
import { namedFromJson } from "../../ledger/value-json.ts";
import type { KeySigner } from "../../ports.ts";
import { saveNewFile } from "../genesis-plan.ts";
import { loadKeyFile } from "../key-file.ts";
import { type Connection, type ConnectOptions, connect, receiptFacts } from "./connect.ts";
import { argumentInvalid, hexArgument, jsonArgument, printRemark, printResult } from "./output.ts";

/** Until when, for how much, and what is waited for. */
export interface CommitOptions {
  /** most it may cost */
  readonly gas: number;
  /** how long it may be executed from now on, seconds of the wall clock */
  readonly validFor: number;
  /** how long to wait for the receipt, seconds; 0: do not */
  readonly wait: number;
  /** file for the receipt's proof */
  readonly out: string | undefined;
}

export interface SendOptions extends ConnectOptions, CommitOptions {
  /** key file of the account that signs */
  readonly key: string;
  readonly contract: string;
  readonly action: string;
  /** JSON object */
  readonly args: string;
}

export async function sendTransaction(options: SendOptions): Promise<void> {
  const args = namedFromJson(jsonArgument(options.args, "--args"));
  if (!args.ok) throw argumentInvalid("--args", args.detail);
  const connection = await connect(options);
  const { contract, action } = options;
  const { account = "", signer } = await loadKeyFile(options.key, "account");
  await sendCall(connection, { account, signer }, { contract, action, args: args.value }, options);
}

/** Signs one call for an account, sends it, and waits for the receipt if it shall. */
export async function sendCall(
  connection: Connection,
  author: { readonly account: string; readonly signer: KeySigner },
  call: CallRequest,
  options: CommitOptions,
): Promise<void> {
  const nowMs = Date.now();
  const transaction = buildTransaction({
    chainId: connection.genesis.chainId,
    signers: [author],
    // Grows with time, so that one person's transactions keep their order.
    nonce: nowMs,
    validUntilMs: ledgerTimeMs(connection.genesis, nowMs + options.validFor * 1_000),
    gasLimit: options.gas,
    calls: [call],
  });
  const received = await connection.client.send(transaction.bytes);
  printRemark(`received by the node as ${toHex(transaction.id)}; only a receipt says committed`);
  if (options.wait === 0) return printResult({ txId: toHex(transaction.id), receivedMs: received.timeMs });
  const committed = await connection.client.waitForReceipt(transaction.id, { timeoutMs: options.wait * 1_000 });
  await showReceipt(connection, committed, options.out);
}

/** Waits for a receipt. */
export async function waitForTransaction(
  txId: string,
  options: ConnectOptions & { readonly wait: number; readonly out: string | undefined },
): Promise<void> {
  const connection = await connect(options);
  const id = hexArgument(txId, "transaction id", 32);
  await showReceipt(
    connection,
    await connection.client.waitForReceipt(id, { timeoutMs: options.wait * 1_000 }),
    options.out,
  );
}

/** The receipt of a transaction as of now. */
export async function showTransaction(
  txId: string,
  options: ConnectOptions & { readonly out: string | undefined },
): Promise<void> {
  const connection = await connect(options);
  const answer = await connection.client.transaction(hexArgument(txId, "transaction id", 32));
  if (answer.kind === "committed") return showReceipt(connection, answer.committed, options.out);
  printResult({ txId, status: answer.kind });
}

/** @throws LedgerError `TX_WITHOUT_EFFECT` after showing the receipt of a refused transaction */
async function showReceipt({ genesis }: Connection, committed: ReceiptAnswer, out: string | undefined): Promise<void> {
  const { zh, en } = committed.explanation;
  printResult({ proved: true, ...receiptFacts(committed), explanation: { zh, en } });
  printRemark("the explanation is the node's word; the rest of the receipt is proved");
  if (out !== undefined) {
    await saveNewFile(
      out,
      `${JSON.stringify({ kind: "receipt", chainId: toHex(genesis.chainId), proof: toHex(committed.proof) }, null, 2)}\n`,
    );
    printRemark(`proof saved; anybody with the genesis file can check it: linli verify ${out}`);
  }
  const { status, ruleId } = committed.receipt;
  if (status !== "ok")
    throw new LedgerError(
      "TX_WITHOUT_EFFECT",
      { status, rule: ruleId },
      { remedy: "the receipt above says why; nothing of the transaction happened" },
    );
}
