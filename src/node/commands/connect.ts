// What the asking commands share: a client that proves against the caller's own genesis file, and how answers are shown.
// The genesis is never fetched from the node that is asked.

import { LinliClient } from "../../client/client.ts";
import type { Value } from "../../ledger/codec.ts";
import type { SealedGenesis } from "../../ledger/genesis.ts";
import { toHex } from "../../ledger/hash.ts";
import type { ProvenReceipt, VerifiedBlock } from "../../ledger/proofs.ts";
import { namedToJson, valueFromJson } from "../../ledger/value-json.ts";
import { verifyNative } from "../ed25519-native.ts";
import { loadGenesisFile } from "../genesis-plan.ts";
import { argumentInvalid } from "./output.ts";

export interface ConnectOptions {
  readonly url: string;
  /** the caller's own copy of the genesis file */
  readonly genesis: string;
}

export interface Connection {
  readonly client: LinliClient;
  readonly genesis: SealedGenesis;
}

export async function connect(options: ConnectOptions): Promise<Connection> {
  const genesis = await loadGenesisFile(options.genesis);
  return { client: new LinliClient({ url: options.url, genesis, verify: verifyNative }), genesis };
}

/** A word of the command line as a value: JSON where it reads as such, text otherwise. `5` is a number, `'"5"'` a text. */
export function valueArgument(word: string): Value {
  const value = valueFromJson(jsonOrText(word));
  if (!value.ok) throw argumentInvalid(word, value.detail);
  return value.value;
}

export function blockFacts({
  header,
  result,
  blockHash,
  resultHash,
}: VerifiedBlock): Readonly<Record<string, unknown>> {
  return {
    height: header.height,
    time: new Date(header.timeMs).toISOString(),
    blockHash: toHex(blockHash),
    resultHash: toHex(resultHash),
    stateRoot: toHex(result.stateRoot),
    transactions: header.transactionCount,
    proposer: toHex(header.proposer),
    view: header.view,
  };
}

export function receiptFacts({ receipt, block, height }: ProvenReceipt): Readonly<Record<string, unknown>> {
  return {
    txId: toHex(receipt.txId),
    status: receipt.status,
    ruleId: receipt.ruleId,
    values: namedToJson(receipt.values),
    events: receipt.events.map(({ contract, name, fields }) => ({ contract, name, fields: namedToJson(fields) })),
    gas: receipt.gas,
    height,
    time: new Date(block.header.timeMs).toISOString(),
    blockHash: toHex(block.blockHash),
  };
}

function jsonOrText(word: string): unknown {
  try {
    return JSON.parse(word);
  } catch {
    return word;
  }
}
