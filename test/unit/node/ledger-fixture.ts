// A real committed ledger in memory: four validators, the governance contracts and notes, blocks with true certificates.

import { readFile } from "node:fs/promises";
import { buildTransaction } from "../../../src/client/transaction.ts";
import type { VoteRecord } from "../../../src/consensus/vote-record.ts";
import { Engine } from "../../../src/contracts/engine.ts";
import { PROTOCOLS } from "../../../src/contracts/protocols.ts";
import { makeCertificate, quorumSize } from "../../../src/ledger/certificate.ts";
import {
  batchDigestOf,
  batchSigningBytes,
  decodeBatch,
  encodeBatch,
  encodeBatchBody,
} from "../../../src/ledger/format-batch.ts";
import { validatorsHashOf } from "../../../src/ledger/format-cluster.ts";
import { voteSigningBytes } from "../../../src/ledger/format-vote.ts";
import { decodeGenesis, encodeGenesis, type SealedGenesis } from "../../../src/ledger/genesis.ts";
import type { Batch, Certificate, Proposal } from "../../../src/ledger/types.ts";
import { BatchIntake } from "../../../src/node/batch-intake.ts";
import { BatchPool } from "../../../src/node/batch-pool.ts";
import { Chain, type CheckedBlock } from "../../../src/node/chain.ts";
import { loadLibraryContract } from "../../../src/node/devnet/library.ts";
import { verifyNative } from "../../../src/node/ed25519-native.ts";
import { Proposals } from "../../../src/node/proposals.ts";
import { createVerifyPool } from "../../../src/node/verify-pool.ts";
import type { KeySigner, KeyValueStore } from "../../../src/ports.ts";
import { LedgerStore } from "../../../src/store/ledger-store.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { makeSigners, sampleGenesis } from "../ledger/samples.ts";
import { SILENT, StillClock } from "./support.ts";

export const VALIDATORS = makeSigners(4);

export async function makeGenesis(): Promise<SealedGenesis> {
  const notes = await readFile(new URL("../../e2e/notes.yaml", import.meta.url), "utf8");
  const governance = { name: "governance", source: await loadLibraryContract("governance") };
  const registry = { name: "registry", source: await loadLibraryContract("registry") };
  const decoded = decodeGenesis(
    encodeGenesis({ ...sampleGenesis(), contracts: [governance, registry, { name: "notes", source: notes }] }),
  );
  if (!decoded.ok) throw new Error(decoded.code);
  return decoded.value;
}

/** A state of more than a megabyte from the start: contracts with long comments. */
export async function makeLargeGenesis(): Promise<SealedGenesis> {
  const genesis = await makeGenesis();
  const notes = genesis.contracts.find(({ name }) => name === "notes")?.source ?? "";
  const padding = `\n${`# ${"x".repeat(97)}\n`.repeat(1_200)}`;
  const padded = Array.from({ length: 12 }, (_, n) => ({
    name: `notes${n}`,
    source: notes.replace("contract: notes", `contract: notes${n}`) + padding,
  }));
  const decoded = decodeGenesis(encodeGenesis({ ...genesis, contracts: [...genesis.contracts, ...padded] }));
  if (!decoded.ok) throw new Error(decoded.code);
  return decoded.value;
}

/** One account changes seats and parameters alone; a fifth peer may connect that has no seat yet. */
export async function makeOpenGenesis(): Promise<SealedGenesis> {
  const read = (path: string) => readFile(new URL(path, import.meta.url), "utf8");
  const sample = sampleGenesis();
  const decoded = decodeGenesis(
    encodeGenesis({
      ...sample,
      endpoints: [...sample.endpoints, { peerId: "peer-4", addresses: [] }],
      contracts: [
        { name: "governance", source: await read("../contracts/documents/governance.yaml") },
        { name: "registry", source: await read("../contracts/documents/registry.yaml") },
        { name: "notes", source: await read("../../e2e/notes.yaml") },
      ],
      accounts: sample.accounts.map((account) => ({ ...account, roles: ["admin"] })),
    }),
  );
  if (!decoded.ok) throw new Error(decoded.code);
  return decoded.value;
}

export async function openLedger(
  genesis: SealedGenesis,
  disk: KeyValueStore = new MemoryStore(),
  protocols = PROTOCOLS,
): Promise<Chain> {
  const store = await LedgerStore.open({ store: disk, chainId: genesis.chainId });
  return Chain.open({ store, genesis, engine: new Engine(), protocols });
}

/** A batch of one call by the first clerk. */
export function batchOf(genesis: SealedGenesis, options: BatchOptions & { call: CallText }): Batch {
  const [author] = VALIDATORS;
  const origin = options.origin ?? author;
  if (author === undefined || origin === undefined) throw new Error("no validators");
  const { bytes } = buildTransaction({
    chainId: genesis.chainId,
    signers: [{ account: "clerk-0", signer: author }],
    nonce: options.sequence,
    validUntilMs: options.validUntilMs,
    gasLimit: 1_000_000,
    calls: [options.call],
  });
  const place = { chainId: genesis.chainId, origin: origin.publicKey, sequence: options.sequence };
  const body = encodeBatchBody({ ...place, transactions: [bytes] });
  const decoded = decodeBatch(encodeBatch(body, origin.sign(batchSigningBytes(batchDigestOf(body)))));
  if (!decoded.ok) throw new Error(decoded.code);
  return decoded.value;
}

interface BatchOptions {
  readonly sequence: number;
  readonly validUntilMs: number;
  /** who gathered it; the first validator by default */
  readonly origin?: KeySigner;
}

type CallText = Parameters<typeof buildTransaction>[0]["calls"][number];

/** A batch of one note. */
export function noteBatch(genesis: SealedGenesis, note: BatchOptions & { id: string }): Batch {
  return batchOf(genesis, {
    ...note,
    call: { contract: "notes", action: "write", args: { id: note.id, text: note.id } },
  });
}

export function buildBlock(chain: Chain, batches: readonly Batch[], timeMs: number): CheckedBlock {
  const proposer = VALIDATORS[0]?.publicKey ?? new Uint8Array();
  const block = chain.build({ view: 0, proposer, timeMs, batches });
  if (block === undefined) throw new Error("nothing to execute");
  return block;
}

/** Executes and commits a block under a certificate of q real signatures. */
export async function commitBlock(chain: Chain, genesis: SealedGenesis, block: CheckedBlock): Promise<void> {
  const staged = chain.execute(block);
  await chain.commit(staged, certificateOf(genesis, block.proposal, staged.resultHash), undefined);
}

/** q validators certify a block with a result, whatever it is. */
export function certificateOf(
  genesis: SealedGenesis,
  { header, blockHash }: Proposal,
  resultHash: Uint8Array,
): Certificate {
  const vote = { kind: "commit", height: header.height, view: 0, blockHash, resultHash } as const;
  const validatorsHash = validatorsHashOf(genesis.validators);
  const message = voteSigningBytes({ ...vote, chainId: genesis.chainId, validatorsHash });
  const signers = VALIDATORS.slice(0, quorumSize(VALIDATORS.length));
  const votes = signers.map((key, signer) => ({ signer, signature: key.sign(message) }));
  return makeCertificate({ ...vote, validatorCount: VALIDATORS.length, votes });
}

/** The node's proposals over a chain, with a pool of its own; nobody is there to be asked. The own key is the second validator's. */
export function proposalsOver(
  genesis: SealedGenesis,
  chain: Chain,
  clock = new StillClock(),
  recorded: () => VoteRecord | undefined = () => undefined,
) {
  const pool = new BatchPool();
  const intake = new BatchIntake({
    clock,
    log: SILENT,
    pool,
    verifyPool: createVerifyPool(0),
    verify: verifyNative,
    chainId: genesis.chainId,
    validators: () => chain.head.validators,
    poolView: () => proposals.view,
    windowMs: () => chain.windowMs,
    ownWaiting: () => [],
    loadBatch: (digest) => chain.store.loadBatch(digest),
    fetch: () => Promise.reject(new Error("nobody is asked here")),
    onVerified: () => undefined,
    onBatch: () => undefined,
    onInvalid: () => undefined,
  });
  const ownKey = VALIDATORS[1]?.publicKey ?? new Uint8Array();
  const proposals: Proposals = new Proposals({
    chain,
    pool,
    intake,
    clock,
    ownKey,
    timeScale: 1,
    recorded,
  });
  return { proposals, pool };
}
