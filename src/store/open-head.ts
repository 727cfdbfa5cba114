// What is checked before a store is trusted: schema, chain, and a head that holds together hash by hash.
// Never repairs: any difference stops the node with the row that differs.

import { LedgerError } from "../errors.ts";
import { blockHashOf, decodeHeader, decodeResult, resultHashOf } from "../ledger/format-block.ts";
import { parametersHashOf, validatorsHashOf } from "../ledger/format-cluster.ts";
import { decodeCertificate } from "../ledger/format-vote.ts";
import { chainIdOf } from "../ledger/genesis.ts";
import { bytesEqual, type Hash, toHex } from "../ledger/hash.ts";
import type { HistoryAccumulator } from "../ledger/history.ts";
import type { KeyValueReader } from "../ports.ts";
import { blockKey, GENESIS_KEY, HEAD_KEY, SCHEMA_KEY, SCHEMA_VERSION } from "./keys.ts";
import {
  type BlockRow,
  corrupt,
  decodeBlock,
  decodeHead,
  decodeSchema,
  type HeadRow,
  orCorrupt,
  type StoredHead,
} from "./rows.ts";

export interface OpenedHead {
  readonly head: StoredHead;
  /** heights 0 to head.height - 1 */
  readonly historyBefore: HistoryAccumulator;
}

/**
 * @returns undefined for an empty store
 * @throws LedgerError STORE_SCHEMA_NEWER, STORE_WRONG_CHAIN, STORE_CORRUPT
 */
export async function openHead(reader: KeyValueReader, chainId: Hash): Promise<OpenedHead | undefined> {
  const schemaBytes = reader.get(SCHEMA_KEY);
  if (schemaBytes === undefined) {
    const [first] = await reader.scan({ from: Uint8Array.of(0), to: Uint8Array.of(0xff), limit: 1 });
    if (first !== undefined) throw corrupt("schema", "MISSING");
    return undefined;
  }
  const schema = decodeSchema(schemaBytes, SCHEMA_VERSION);
  if (!bytesEqual(schema.chainId, chainId)) throw wrongChain(schema.chainId, chainId);
  expectHash("genesis", chainIdOf(present("genesis", reader.get(GENESIS_KEY))), chainId);
  return readHead(reader, chainId);
}

function wrongChain(stored: Hash, expected: Hash): LedgerError {
  const remedy = "this store belongs to another ledger: give the node its own data directory or the right genesis";
  return new LedgerError("STORE_WRONG_CHAIN", { stored: toHex(stored), expected: toHex(expected) }, { remedy });
}

function readHead(reader: KeyValueReader, chainId: Hash): OpenedHead {
  const row = decodeHead(present("head", reader.get(HEAD_KEY)));
  const name = `block ${row.height}`;
  const block = decodeBlock(row.height, present(name, reader.get(blockKey(row.height))));
  const result = orCorrupt(name, decodeResult(block.resultBytes));
  expectHash("head", validatorsHashOf(row.validators), result.nextValidatorsHash);
  expectHash("head", parametersHashOf(row.parameters), result.nextParametersHash);
  if (row.historyBefore.count !== row.height) throw corrupt("head", "HISTORY_COUNT");
  const facts = row.height === 0 ? genesisFacts(row, chainId) : blockFacts(row, block, chainId);
  const head: StoredHead = {
    ...facts,
    height: row.height,
    headerBytes: block.headerBytes,
    resultBytes: block.resultBytes,
    resultHash: resultHashOf(block.resultBytes),
    stateRoot: result.stateRoot,
    certificateBytes: block.certificateBytes,
    timeMs: row.timeMs,
    transactionsTotal: row.transactionsTotal,
    validators: row.validators,
    parameters: row.parameters,
    records: row.records,
  };
  return { head, historyBefore: row.historyBefore };
}

type HeaderFacts = Pick<StoredHead, "blockHash" | "proposer" | "headerView" | "certificateView">;

function genesisFacts(row: HeadRow, chainId: Hash): HeaderFacts {
  const [first] = row.validators;
  if (first === undefined) throw corrupt("head", "VALIDATORS");
  return { blockHash: chainId, proposer: first.publicKey, headerView: 0, certificateView: 0 };
}

// The certificate was checked before the block was committed: here it stands for what the quorum signed.
function blockFacts(row: HeadRow, block: BlockRow, chainId: Hash): HeaderFacts {
  const name = `block ${row.height}`;
  const header = orCorrupt(name, decodeHeader(block.headerBytes));
  const certificate = orCorrupt(name, decodeCertificate(block.certificateBytes));
  const blockHash = blockHashOf(block.headerBytes);
  expectHash(name, header.chainId, chainId);
  expectHash(name, blockHash, certificate.blockHash);
  expectHash(name, resultHashOf(block.resultBytes), certificate.resultHash);
  expectHash(name, row.historyBefore.root(), header.historyRoot);
  if (header.height !== row.height || certificate.height !== row.height) throw corrupt(name, "HEIGHT");
  if (header.timeMs !== row.timeMs) throw corrupt(name, "TIME");
  return { blockHash, proposer: header.proposer, headerView: header.view, certificateView: certificate.view };
}

function expectHash(row: string, actual: Uint8Array, expected: Uint8Array): void {
  if (!bytesEqual(actual, expected)) throw corrupt(row, "HASH");
}

/** A row that must be there. @throws LedgerError STORE_CORRUPT */
export function present<T>(row: string, value: T | undefined): T {
  if (value === undefined) throw corrupt(row, "MISSING");
  return value;
}
