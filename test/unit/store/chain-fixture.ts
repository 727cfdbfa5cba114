// Makes a small ledger block by block: real formats, hashes and trees; signatures are blank, which the store does not judge.

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
import { encodeReceipt, receiptHashOf, valueHashOf } from "../../../src/ledger/format-receipt.ts";
import { encodeCertificate } from "../../../src/ledger/format-vote.ts";
import { decodeGenesis, encodeGenesis, type SealedGenesis } from "../../../src/ledger/genesis.ts";
import { compareBytes, EMPTY_BYTES, type Hash, hashTagged } from "../../../src/ledger/hash.ts";
import type { BatchReference, Header, Parameters, StateWrite, Validator } from "../../../src/ledger/types.ts";
import type { KeyValueStore } from "../../../src/ports.ts";
import type { StagedTree, StateTree } from "../../../src/state/tree.ts";
import { u64 } from "../../../src/store/keys.ts";
import { LedgerStore } from "../../../src/store/ledger-store.ts";
import type { BlockCommit } from "../../../src/store/rows.ts";

const TEXT = new TextEncoder();

export function stateKeyOf(name: number): Uint8Array {
  return TEXT.encode(`registry\0unit\0${String(name).padStart(5, "0")}`);
}

export function validatorsOf(count: number): readonly Validator[] {
  return [...Array(count).keys()].map((seat) => ({
    organisation: "property",
    suite: 1,
    publicKey: new Uint8Array(32).fill(seat + 1),
    peerId: `peer-${seat}`,
  }));
}

const PARAMETERS: Parameters = {
  protocol: 1,
  replayWindowMs: 60_000,
  clockSkewMsMax: 2_000,
  rotationHeights: 100,
  blockBytesMax: 1 << 20,
  blockTransactionsMax: 1_000,
  batchBytesMax: 1 << 19,
  blockGasMax: 1_000_000,
  timerGasMax: 100_000,
};

export function makeGenesis(name = "test"): SealedGenesis {
  const genesis = decodeGenesis(
    encodeGenesis({
      version: 1,
      name,
      hashSuite: "sha256",
      timeMs: 1_000_000,
      timeScale: 1,
      production: false,
      organisations: [{ id: "property", title: "物业", role: "property" }],
      validators: validatorsOf(4),
      endpoints: [],
      parameters: PARAMETERS,
      contracts: [],
      accounts: [],
    }),
  );
  if (!genesis.ok) throw new Error(genesis.code);
  return genesis.value;
}

export const GENESIS_WRITES: readonly StateWrite[] = [...Array(20).keys()].map((name) => ({
  key: stateKeyOf(name),
  value: TEXT.encode(`unit ${name}`),
}));

/** Opens the ledger, writing the genesis into an empty store, with its tree. */
export async function openChain(
  store: KeyValueStore,
  genesis = makeGenesis(),
): Promise<{ readonly ledger: LedgerStore; readonly tree: StateTree }> {
  const ledger = await LedgerStore.open({ store, chainId: genesis.chainId });
  if (ledger.isEmpty) await ledger.initialise({ genesis, writes: GENESIS_WRITES });
  return { ledger, tree: await ledger.loadTree() };
}

export interface BlockPlan {
  readonly writes: readonly StateWrite[];
  readonly transactions: number;
  readonly validators?: readonly Validator[];
  readonly references?: readonly BatchReference[];
}

/** Writes and transactions that follow from the height alone, so that any process makes the same block. */
export function planOf(height: number): BlockPlan {
  const names = new Set([height % 20, (height * 7) % 50, (height * 13) % 200]);
  const writes = [...names]
    .map((name) => ({
      key: stateKeyOf(name),
      value: (height + name) % 5 === 0 ? undefined : TEXT.encode(`unit ${name} at ${height}`),
    }))
    .sort((left, right) => compareBytes(left.key, right.key));
  return { writes, transactions: height % 4 };
}

/** Block 1 and upwards: what a node would commit on this head. */
export function makeCommit(
  ledger: LedgerStore,
  tree: StateTree,
  plan: BlockPlan,
  chainId: Hash = makeGenesis().chainId,
): { readonly commit: BlockCommit; readonly staged: StagedTree } {
  const { head } = ledger;
  const height = head.height + 1;
  const validators = plan.validators ?? head.validators;
  const references = plan.references ?? [];
  const staged = tree.stage(
    plan.writes.map(({ key, value }) => ({
      key,
      leaf: value === undefined ? undefined : { valueHash: valueHashOf(value), lastHeight: height },
    })),
  );
  const transactionIds = [...Array(plan.transactions).keys()].map((index) => transactionIdAt(height, index));
  const receipts = transactionIds.map((txId, index) => ({ txId, bytes: receiptBytesOf(txId, index) }));
  const header: Header = {
    version: 1,
    protocol: 1,
    chainId: chainId,
    height,
    view: height % 2,
    proposer: head.proposer,
    timeMs: head.timeMs + 10_000,
    parentHash: head.blockHash,
    parentResult: head.resultHash,
    historyRoot: ledger.history.root(),
    batchesRoot: batchesRootOf(references),
    transactionsRoot: transactionsRootOf(transactionIds),
    transactionCount: transactionIds.length,
    validatorsHash: validatorsHashOf(head.validators),
    parametersHash: parametersHashOf(head.parameters),
    extension: EMPTY_BYTES,
  };
  const headerBytes = encodeHeader(header);
  const blockHash = blockHashOf(headerBytes);
  const resultBytes = encodeResult({
    version: 1,
    stateRoot: staged.root,
    receiptsRoot: receiptsRootOf(receipts.map(({ bytes }) => receiptHashOf(bytes))),
    nextValidatorsHash: validatorsHashOf(validators),
    nextParametersHash: parametersHashOf(head.parameters),
  });
  const certificateBytes = encodeCertificate({
    height,
    view: header.view,
    blockHash,
    resultHash: resultHashOf(resultBytes),
    signers: Uint8Array.of(0b1110_0000),
    signatures: [new Uint8Array(64), new Uint8Array(64), new Uint8Array(64)],
  });
  const { writes } = plan;
  const record = { publicKey: RECORD_KEY, sequence: height * 2 };
  const { parameters } = head;
  const commit = {
    header,
    headerBytes,
    blockHash,
    references,
    resultBytes,
    certificateBytes,
    transactionIds,
    receipts,
    writes,
    validators,
    parameters,
    record,
  };
  return { commit, staged };
}

/** Whose vote record the commits of these tests speak of. */
export const RECORD_KEY = new Uint8Array(32).fill(3);

export function transactionIdAt(height: number, index: number): Hash {
  return hashTagged("TX", Uint8Array.of(height >> 8, height & 255, index));
}

function receiptBytesOf(txId: Hash, index: number): Uint8Array {
  return encodeReceipt({ txId, index, status: "ok", ruleId: "", values: [], gas: 1, events: [], writes: [] });
}

/** Commits planned blocks up to a height. */
export async function commitUpTo(ledger: LedgerStore, tree: StateTree, height: number): Promise<void> {
  while (ledger.head.height < height) {
    const { commit, staged } = makeCommit(ledger, tree, planOf(ledger.head.height + 1));
    await ledger.commitBlock(commit);
    tree.commit(staged);
  }
}

/** The n-th batch, large enough to make LevelDB turn its log over and compact. */
export function bodyAt(n: number): { readonly digest: Hash; readonly bytes: Uint8Array } {
  return { digest: hashTagged("BATCH", u64(n)), bytes: new Uint8Array(20_000 + n).fill(n) };
}

/** Numbers of the batches that a block names: one of its own, now and then one that an old block named already. */
export function bodiesOf(height: number): readonly number[] {
  return height % 3 === 0 && height > 20 ? [height, height - 20] : [height];
}

/** Commits the next block with its batches. */
export async function commitWithBatches(ledger: LedgerStore, tree: StateTree): Promise<void> {
  const height = ledger.head.height + 1;
  const bodies = bodiesOf(height).map(bodyAt);
  await ledger.saveBatches(bodies, { sync: true });
  const origin = ledger.head.proposer;
  const references = bodies.map(({ digest, bytes }) => ({ digest, origin, bytes: bytes.length, count: 1 }));
  const { commit, staged } = makeCommit(ledger, tree, { ...planOf(height), references });
  await ledger.commitBlock(commit);
  tree.commit(staged);
}
