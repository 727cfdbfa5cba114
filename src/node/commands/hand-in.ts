// One transaction of many calls, from its signature to its receipt, for commands that do a long piece of work in steps.
// Believes nothing but the proved receipt; what had no effect is said with the ledger's own sentences.

import { ledgerTimeMs } from "../../client/ledger-time.ts";
import { buildTransaction, type CallRequest } from "../../client/transaction.ts";
import { LedgerError } from "../../errors.ts";
import type { LoadedKey } from "../key-file.ts";
import type { Connection } from "./connect.ts";

const VALID_MS = 300_000;
const WAIT_MS = 60_000;

/** @param gasLimit of all calls together. @throws LedgerError `TX_WITHOUT_EFFECT`, and what the client says of the node */
export async function handIn(
  { client, genesis }: Connection,
  { account = "", signer }: LoadedKey,
  { calls, gasLimit }: { readonly calls: readonly CallRequest[]; readonly gasLimit: number },
): Promise<void> {
  const nowMs = Date.now();
  const transaction = buildTransaction({
    chainId: genesis.chainId,
    signers: [{ account, signer }],
    nonce: nowMs,
    validUntilMs: ledgerTimeMs(genesis, nowMs + VALID_MS),
    gasLimit,
    calls,
  });
  await client.send(transaction.bytes);
  const { receipt, explanation } = await client.waitForReceipt(transaction.id, { timeoutMs: WAIT_MS });
  if (receipt.status === "ok") return;
  throw new LedgerError(
    "TX_WITHOUT_EFFECT",
    { status: receipt.status, rule: receipt.ruleId, zh: explanation.zh, en: explanation.en },
    { remedy: "nothing of it happened; once the cause is gone, run it again: it goes on where it stopped" },
  );
}
