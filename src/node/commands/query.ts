// `linli query`: heads, blocks, rows, contracts and the state of consensus. Says of each answer whether it is proved.
// Reads only.

import { ledgerTimeMs } from "../../client/ledger-time.ts";
import { toHex } from "../../ledger/hash.ts";
import { saveNewFile } from "../genesis-plan.ts";
import { provedFields } from "../proved-fields.ts";
import { blockFacts, type ConnectOptions, connect, valueArgument } from "./connect.ts";
import { printRemark, printResult } from "./output.ts";

/** Validators speak every three seconds; a proof that is older than a few times that is none. */
const CURRENT_MS_MAX = 10_000;

export async function queryHead(options: ConnectOptions & { readonly current: boolean }): Promise<void> {
  const { client, genesis } = await connect(options);
  if (!options.current) return printResult({ proved: true, ...blockFacts(await client.head()) });
  const nowMs = ledgerTimeMs(genesis, Date.now());
  const current = await client.currentHead({ nowMs, ageMsMax: CURRENT_MS_MAX * genesis.timeScale });
  printResult({
    proved: true,
    ...blockFacts(current.block),
    currentAsOf: new Date(current.asOfMs).toISOString(),
    vouchedForBy: current.signers,
  });
}

export async function queryBlock(height: number, options: ConnectOptions): Promise<void> {
  const { client } = await connect(options);
  const { block, transactionIds } = await client.block(height);
  printResult({ proved: true, ...blockFacts(block), transactionIds: transactionIds.map(toHex) });
}

/** This node's part of the proof of who forked, if anybody did. */
export async function queryTestimony(
  height: number,
  options: ConnectOptions & { readonly out: string },
): Promise<void> {
  const { client, genesis } = await connect(options);
  const testimony = (await client.call("chain_testimony", { height })).text("testimony");
  const saved = { kind: "testimony", chainId: toHex(genesis.chainId), height, testimony };
  await saveNewFile(options.out, `${JSON.stringify(saved, null, 2)}\n`);
  printRemark(`saved; with another from the other side of a fork: linli verify fork ${options.out} OTHER`);
}

/** One row with its proof, or the proof that there is none. */
export async function queryState(
  row: { contract: string; table: string; key: readonly string[] },
  options: ConnectOptions & { readonly out: string | undefined },
): Promise<void> {
  const { client, genesis } = await connect(options);
  const { contract, table } = row;
  const { answer, fields } = await provedFields(client, { contract, table, key: row.key.map(valueArgument) });
  printResult({
    proved: true,
    height: answer.height,
    time: new Date(answer.timeMs).toISOString(),
    exists: answer.row !== undefined,
    ...(answer.row === undefined ? {} : { fields, lastHeight: answer.row.lastHeight }),
  });
  if (options.out === undefined) return;
  await saveNewFile(
    options.out,
    `${JSON.stringify({ kind: "state", chainId: toHex(genesis.chainId), proof: toHex(answer.proof) }, null, 2)}\n`,
  );
  printRemark(`proof saved; anybody with the genesis file can check it: linli verify ${options.out}`);
}

export async function queryList(
  list: { contract: string; table: string; prefix: readonly string[] },
  options: ConnectOptions & { readonly limit: number; readonly after: string | undefined },
): Promise<void> {
  const { client } = await connect(options);
  const page = await client.stateList({
    ...list,
    prefix: list.prefix.map(valueArgument),
    limit: options.limit,
    after: options.after,
  });
  printResult({ proved: false, height: page.height, rows: page.rows, next: page.next ?? null });
  printRemark("a list is the node's word; prove single rows with: linli query state");
}

/** What the node says of itself and its contracts has no proof: remarks say so. */
export async function queryUnproved(
  method: "node_info" | "contract_list" | "contract_get" | "consensus_status",
  params: Readonly<Record<string, unknown>>,
  options: ConnectOptions,
): Promise<void> {
  const { client } = await connect(options);
  printResult((await client.call(method, params)).json);
}
