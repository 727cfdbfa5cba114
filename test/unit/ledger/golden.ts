// One deterministic example of every format with its bytes and hash, in the order in which a newcomer would implement them.
// Never random: two runs on two machines make the same bytes.

import { encode } from "../../../src/ledger/codec.ts";
import { executedList, placeByParent } from "../../../src/ledger/executed-list.ts";
import {
  batchDigestOf,
  batchSigningBytes,
  decodeBatch,
  encodeBatch,
  encodeBatchBody,
  referenceOf,
} from "../../../src/ledger/format-batch.ts";
import {
  batchesRootOf,
  blockHashOf,
  decodeHeader,
  decodeProposal,
  decodeResult,
  encodeHeader,
  encodeProposal,
  receiptsRootOf,
  resultHashOf,
  transactionsRootOf,
} from "../../../src/ledger/format-block.ts";
import {
  decodeParameters,
  decodeValidators,
  encodeParameters,
  encodeValidators,
  parametersHashOf,
  validatorsHashOf,
} from "../../../src/ledger/format-cluster.ts";
import { decodeReceipt, encodeReceipt, receiptHashOf, valueHashOf } from "../../../src/ledger/format-receipt.ts";
import {
  chunkHashOf,
  decodeAnchor,
  decodeChunk,
  decodeManifest,
  encodeAnchor,
  encodeChunk,
  encodeManifest,
  manifestHashOf,
  placeOf,
} from "../../../src/ledger/format-snapshot.ts";
import {
  decodeTransaction,
  encodeTransaction,
  encodeTransactionBody,
  receivedSigningBytes,
  transactionIdOf,
  transactionSigningBytes,
} from "../../../src/ledger/format-transaction.ts";
import {
  decodeCertificate,
  decodeHeadAnswer,
  decodeHeadRequest,
  decodeHeadStatement,
  encodeCertificate,
  encodeHeadAnswer,
  encodeHeadRequest,
  encodeHeadStatement,
  headAnswerSigningBytes,
  headSigningBytes,
  voteSigningBytes,
} from "../../../src/ledger/format-vote.ts";
import { chainIdOf, decodeGenesis, genesisHead } from "../../../src/ledger/genesis.ts";
import { hashTagged, toHex } from "../../../src/ledger/hash.ts";
import { HistoryAccumulator } from "../../../src/ledger/history.ts";
import {
  decodeCertifiedHeader,
  decodeReceiptProof,
  decodeStateProof,
  encodeCertifiedHeader,
  encodeReceiptProof,
  encodeStateProof,
} from "../../../src/ledger/proofs.ts";
import { stateKeyHashOf, stateLeafHashOf } from "../../../src/ledger/state-proof.ts";
import type { KeySigner } from "../../../src/ports.ts";
import { type Chain, makeChain } from "./chain.ts";
import { CHAIN_ID, hashOf, makeSigners, PARAMETERS, sampleBody, validatorsOf } from "./samples.ts";

export interface GoldenVector {
  readonly name: string;
  /** the example's bytes, hexadecimal */
  readonly bytes: string;
  /** the hash that the ledger makes of them, where it makes one */
  readonly hash?: string;
}

/** Whether a decoder of the ledger accepts the bytes of the vector of this name; undefined where there is none. */
export const DECODERS: Readonly<Record<string, (bytes: Uint8Array) => { readonly ok: boolean }>> = {
  transaction: decodeTransaction,
  batch: decodeBatch,
  header: decodeHeader,
  proposal: decodeProposal,
  result: decodeResult,
  receipt: decodeReceipt,
  validators: decodeValidators,
  parameters: decodeParameters,
  "state chunk": decodeChunk,
  "snapshot manifest": decodeManifest,
  "snapshot anchor": decodeAnchor,
  "commit certificate": decodeCertificate,
  "head statement": decodeHeadStatement,
  "head request": decodeHeadRequest,
  "head answer": decodeHeadAnswer,
  genesis: decodeGenesis,
  history: HistoryAccumulator.decode,
  "certified header": decodeCertifiedHeader,
  "receipt proof": decodeReceiptProof,
  "state proof, present": decodeStateProof,
  "state proof, absent": decodeStateProof,
};

const SIGNERS = makeSigners(4);

export function goldenVectors(): readonly GoldenVector[] {
  const chain = makeChain();
  return [
    ...transactionVectors(),
    ...clusterVectors(),
    ...blockVectors(chain),
    ...treeVectors(),
    ...proofVectors(chain),
    ...snapshotVectors(chain),
  ];
}

function vector(name: string, bytes: Uint8Array, hash?: Uint8Array): GoldenVector {
  return hash === undefined ? { name, bytes: toHex(bytes) } : { name, bytes: toHex(bytes), hash: toHex(hash) };
}

function signerAt(index: number): KeySigner {
  const signer = SIGNERS[index];
  if (signer === undefined) throw new Error("no signer");
  return signer;
}

function transactionVectors(): readonly GoldenVector[] {
  const signers = SIGNERS.slice(0, 2);
  const body = encodeTransactionBody(sampleBody(signers, 7));
  const id = transactionIdOf(body);
  const signed = transactionSigningBytes(id);
  const transaction = encodeTransaction(
    body,
    signers.map((signer) => signer.sign(signed)),
  );
  const origin = signerAt(0);
  const batchBody = encodeBatchBody({
    chainId: CHAIN_ID,
    origin: origin.publicKey,
    sequence: 1,
    transactions: [transaction],
  });
  const digest = batchDigestOf(batchBody);
  return [
    vector(
      "values: null, false, true, integers, texts, bytes, arrays",
      encode([
        null,
        false,
        true,
        0,
        23,
        24,
        2 ** 32,
        2n ** 64n - 1n,
        -1,
        -(2n ** 63n),
        "邻里",
        new Uint8Array(2),
        [[]],
      ]),
    ),
    vector("transaction body", body, id),
    vector("transaction, what a signer signs", signed),
    vector("transaction", transaction),
    vector("received, what a node signs", receivedSigningBytes({ chainId: CHAIN_ID, txIds: [id], timeMs: 1_000 })),
    vector("batch body", batchBody, digest),
    vector("batch, what its origin signs", batchSigningBytes(digest)),
    vector("batch", encodeBatch(batchBody, origin.sign(batchSigningBytes(digest)))),
  ];
}

function clusterVectors(): readonly GoldenVector[] {
  const validators = validatorsOf(SIGNERS);
  return [
    vector("validators", encodeValidators(validators), validatorsHashOf(validators)),
    vector("parameters", encodeParameters(PARAMETERS), parametersHashOf(PARAMETERS)),
  ];
}

function blockVectors(chain: Chain): readonly GoldenVector[] {
  const { headerBytes, resultBytes, certificate } = chain.certified(2);
  const { chainId, bytes: genesisBytes } = chain.genesis;
  const facts = { chainId, height: 2, blockHash: blockHashOf(headerBytes), resultHash: resultHashOf(resultBytes) };
  const validatorsHash = validatorsHashOf(validatorsOf(SIGNERS));
  const vote = { ...facts, view: 1, validatorsHash };
  const statement = { ...facts, timeMs: 1_750_000_002_500 };
  const signature = signerAt(1).sign(headSigningBytes(statement));
  const genesis = genesisHead(chain.genesis, hashOf(5));
  return [
    vector("genesis", genesisBytes, chainIdOf(genesisBytes)),
    vector("genesis result over the state root 05..05", genesis.resultBytes, genesis.resultHash),
    vector("header", headerBytes, facts.blockHash),
    vector("result", resultBytes, facts.resultHash),
    vector("proposal", sampleProposal(headerBytes)),
    vector("prepare, what is signed", voteSigningBytes({ ...vote, kind: "prepare", resultHash: new Uint8Array(0) })),
    vector("commit, what is signed", voteSigningBytes({ ...vote, kind: "commit" })),
    vector("commit certificate", encodeCertificate(certificate)),
    vector("head, what is signed", headSigningBytes(statement)),
    vector("head statement", encodeHeadStatement({ ...statement, publicKey: signerAt(1).publicKey, signature })),
    ...headAnswerVectors(statement),
    receiptVector(),
  ];
}

function headAnswerVectors(head: { height: number; blockHash: Uint8Array; resultHash: Uint8Array }) {
  const { height, blockHash, resultHash } = head;
  const nonce = hashOf(9);
  const signed = headAnswerSigningBytes({ chainId: CHAIN_ID, nonce, height, blockHash, resultHash });
  const signer = signerAt(1);
  const answer = { height, blockHash, resultHash, publicKey: signer.publicKey, signature: signer.sign(signed) };
  return [
    vector("head request", encodeHeadRequest(nonce)),
    vector("head answer, what is signed", signed),
    vector("head answer", encodeHeadAnswer(answer)),
  ];
}

function sampleProposal(headerBytes: Uint8Array): Uint8Array {
  const transaction = encodeTransaction(encodeTransactionBody(sampleBody([signerAt(0)], 1)), [new Uint8Array(64)]);
  const body = encodeBatchBody({ chainId: CHAIN_ID, origin: hashOf(1), sequence: 1, transactions: [transaction] });
  const batch = decodeBatch(encodeBatch(body, new Uint8Array(64)));
  const header = decodeHeader(headerBytes);
  if (!batch.ok || !header.ok) throw new Error("the examples decode");
  const references = [referenceOf(batch.value)];
  const committed = encodeHeader({ ...header.value, batchesRoot: batchesRootOf(references) });
  return encodeProposal({ headerBytes: committed, references });
}

function receiptVector(): GoldenVector {
  const bytes = encodeReceipt({
    txId: hashOf(1),
    index: 3,
    status: "refused",
    ruleId: "vote.cast.require[0]",
    values: [
      ["closes", 1_750_000_000_000],
      ["now", 1_750_000_000_001],
    ],
    gas: 412,
    events: [{ contract: "vote", name: "cast", fields: [["motion", "2026-07"]] }],
    writes: [
      { key: new Uint8Array([1, 2]), valueHash: valueHashOf(new Uint8Array([3])), previousHeight: 0 },
      { key: new Uint8Array([1, 3]), valueHash: new Uint8Array(0), previousHeight: 9 },
    ],
  });
  return vector("receipt", bytes, receiptHashOf(bytes));
}

function treeVectors(): readonly GoldenVector[] {
  const leaves = [1, 2, 3, 4, 5].map(hashOf);
  const vectors: GoldenVector[] = [];
  for (let count = 0; count <= leaves.length; count += 1) {
    const some = leaves.slice(0, count);
    vectors.push(
      vector(`transactionsRoot of ${count} ids 01..01, 02..02, ...`, encode(some), transactionsRootOf(some)),
    );
    vectors.push(vector(`receiptsRoot of ${count} receipt hashes`, encode(some), receiptsRootOf(some)));
  }
  let history = HistoryAccumulator.empty;
  for (const leaf of leaves) history = history.append(leaf).history;
  const key = new TextEncoder().encode("vote\0motion\x002026-07");
  const leaf = { keyHash: stateKeyHashOf(key), valueHash: valueHashOf(new Uint8Array([1])), lastHeight: 7 };
  return [
    ...vectors,
    vector("history", history.encode(), history.root()),
    vector("state key", key, leaf.keyHash),
    vector("state leaf: the value 01, written at height 7", key, stateLeafHashOf(leaf)),
    orderVector(),
  ];
}

/** Accounts a, b and c under one parent: the ids in execution order. */
function orderVector(): GoldenVector {
  const [signer] = SIGNERS;
  if (signer === undefined) throw new Error("no signer");
  const transactions = ["a", "b", "c"].flatMap((account) =>
    [1, 2].map((nonce) => {
      const body = sampleBody([signer], nonce);
      const signers = [{ account, suite: 1, publicKey: signer.publicKey }];
      return encodeTransaction(encodeTransactionBody({ ...body, signers }), [new Uint8Array(64)]);
    }),
  );
  const body = encodeBatchBody({ chainId: CHAIN_ID, origin: hashOf(1), sequence: 1, transactions });
  const batch = decodeBatch(encodeBatch(body, new Uint8Array(64)));
  if (!batch.ok) throw new Error(batch.code);
  const list = executedList({
    batches: [batch.value],
    timeMs: 1_760_000_000_000,
    windowMs: 1,
    parentHash: hashTagged("HEADER", new Uint8Array(0)),
    placeOf: placeByParent,
    isCommitted: () => false,
  });
  return vector("executed list: ids in order", encode(list.map((transaction) => transaction.id)));
}

/** A snapshot of the chain's newest block: its anchor, a manifest of two places and a chunk of the left one. */
function snapshotVectors(chain: Chain): readonly GoldenVector[] {
  const certified = chain.certified(5);
  const header = decodeHeader(certified.headerBytes);
  if (!header.ok) throw new Error(header.code);
  let historyBefore = HistoryAccumulator.empty;
  for (let height = 0; height < 5; height += 1) historyBefore = historyBefore.append(hashOf(height)).history;
  const anchor = {
    certified,
    references: [],
    validators: validatorsOf(SIGNERS),
    parameters: PARAMETERS,
    historyBefore,
  };
  const place = placeOf(new Uint8Array(32), 1);
  const row = { key: new TextEncoder().encode("vote\0motion\x002026-07"), value: new Uint8Array([1]), lastHeight: 7 };
  const chunk = encodeChunk({ place, siblings: hashOf(3), rows: [row] });
  const right = placeOf(new Uint8Array(32).fill(0xff), 1);
  const manifest = encodeManifest({
    chainId: header.value.chainId,
    height: 5,
    stateRoot: hashOf(4),
    transactionsTotal: 12,
    chunks: [
      { place, bytes: chunk.length, hash: chunkHashOf(chunk) },
      { place: right, bytes: 70, hash: hashOf(6) },
    ],
  });
  return [
    vector("state chunk", chunk, chunkHashOf(chunk)),
    vector("snapshot manifest", manifest, manifestHashOf(manifest)),
    vector("snapshot anchor", encodeAnchor(anchor)),
  ];
}

function proofVectors(chain: Chain): readonly GoldenVector[] {
  const present = new TextEncoder().encode("vote\0motion\x002026-07");
  const absent = new TextEncoder().encode("vote\0motion\x002027-01");
  return [
    vector("certified header", encodeCertifiedHeader(chain.certified(5))),
    vector("receipt proof", encodeReceiptProof(chain.receiptProof(2, 1, 5))),
    vector("state proof, present", encodeStateProof(chain.stateProof(present))),
    vector("state proof, absent", encodeStateProof(chain.stateProof(absent))),
  ];
}
