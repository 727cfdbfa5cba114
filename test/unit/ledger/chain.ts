// A small deterministic chain made with the real formats: five heights, receipts, a state, and two changes of the validators.
// Never runs consensus or contracts: results are stated, and q keys sign them.

import { makeCertificate, quorumSize } from "../../../src/ledger/certificate.ts";
import {
  batchesRootOf,
  blockHashOf,
  decodeHeader,
  encodeHeader,
  encodeResult,
  receiptsRootOf,
  resultHashOf,
  transactionsRootOf,
} from "../../../src/ledger/format-block.ts";
import { parametersHashOf, validatorsHashOf } from "../../../src/ledger/format-cluster.ts";
import { encodeReceipt, receiptHashOf, valueHashOf } from "../../../src/ledger/format-receipt.ts";
import { voteSigningBytes } from "../../../src/ledger/format-vote.ts";
import { decodeGenesis, encodeGenesis, genesisHead, type SealedGenesis } from "../../../src/ledger/genesis.ts";
import { compareBytes, fromHex, type Hash, hashTagged, toHex } from "../../../src/ledger/hash.ts";
import { HistoryAccumulator, historyLeaf, historyProof } from "../../../src/ledger/history.ts";
import { merkleProof } from "../../../src/ledger/merkle.ts";
import type { ReceiptProof, StateProof } from "../../../src/ledger/proofs.ts";
import type {
  Certificate,
  CertifiedHeader,
  Receipt,
  StateEntry,
  Validator,
  ValidatorTransition,
} from "../../../src/ledger/types.ts";
import type { KeySigner } from "../../../src/ports.ts";
import { StateTree } from "../../../src/state/tree.ts";
import { makeSigners, PARAMETERS, sampleGenesis, validatorsOf } from "./samples.ts";

const HEIGHTS = 5;
const CHANGES_AT: readonly number[] = [2, 4];

export interface ChainBlock {
  readonly height: number;
  readonly headerBytes: Uint8Array;
  readonly resultBytes: Uint8Array;
  readonly blockHash: Hash;
  readonly resultHash: Hash;
  readonly receipts: readonly Uint8Array[];
  readonly validators: readonly Validator[];
  readonly nextValidators: readonly Validator[];
}

type Votes = readonly { readonly signer: number; readonly signature: Uint8Array }[];

export interface Chain {
  readonly genesis: SealedGenesis;
  readonly blocks: readonly ChainBlock[];
  /** hex key to entry, after the last block */
  readonly state: ReadonlyMap<string, StateEntry>;
  votes(height: number): Votes;
  certified(height: number): CertifiedHeader;
  /** the block of `height` in the first set's time, with another view in its header and certified in `view` */
  sealed(height: number, views: { readonly headerView: number; readonly view: number }): CertifiedHeader;
  /** the block as a step of a proof, whether or not it changed the set */
  transition(height: number): ValidatorTransition;
  receiptProof(height: number, index: number, at: number): ReceiptProof;
  stateProof(key: Uint8Array): StateProof;
}

export function makeChain(): Chain {
  const decoded = decodeGenesis(encodeGenesis(sampleGenesis()));
  if (!decoded.ok) throw new Error(decoded.code);
  const builder = new ChainBuilder(decoded.value);
  for (let height = 1; height <= HEIGHTS; height += 1) builder.append(height);
  return builder;
}

class ChainBuilder implements Chain {
  readonly genesis: SealedGenesis;
  readonly blocks: ChainBlock[] = [];
  readonly state = new Map<string, StateEntry>();
  /** seven keys; the set is always four of them */
  readonly #signers = makeSigners(7);
  readonly #nodes = new Map<number, Hash>();
  #history = HistoryAccumulator.empty;
  #validators: readonly Validator[];
  #parentHash: Hash;
  #parentResult: Hash;

  constructor(genesis: SealedGenesis) {
    this.genesis = genesis;
    this.#validators = genesis.validators;
    const head = genesisHead(genesis, this.#tree().root());
    this.#parentHash = head.blockHash;
    this.#parentResult = head.resultHash;
    this.#record(head.historyLeaf);
  }

  append(height: number): void {
    const nextValidators = CHANGES_AT.includes(height) ? this.#changed() : this.#validators;
    this.#write(`vote\0motion\x002026-0${height + 4}`, height);
    const receipts = Array.from({ length: height }, (_, index) => encodeReceipt(this.#receipt(height, index)));
    const headerBytes = encodeHeader({
      version: 1,
      protocol: 1,
      chainId: this.genesis.chainId,
      height,
      view: 0,
      proposer: this.#validators[0]?.publicKey ?? new Uint8Array(0),
      timeMs: this.genesis.timeMs + height * 1_000,
      parentHash: this.#parentHash,
      parentResult: this.#parentResult,
      historyRoot: this.#history.root(),
      batchesRoot: batchesRootOf([]),
      transactionsRoot: transactionsRootOf([]),
      transactionCount: 0,
      validatorsHash: validatorsHashOf(this.#validators),
      parametersHash: parametersHashOf(PARAMETERS),
      extension: new Uint8Array(0),
    });
    const resultBytes = encodeResult({
      version: 1,
      stateRoot: this.#tree().root(),
      receiptsRoot: receiptsRootOf(receipts.map(receiptHashOf)),
      nextValidatorsHash: validatorsHashOf(nextValidators),
      nextParametersHash: parametersHashOf(PARAMETERS),
    });
    const blockHash = blockHashOf(headerBytes);
    const resultHash = resultHashOf(resultBytes);
    const validators = this.#validators;
    this.blocks.push({ height, headerBytes, resultBytes, blockHash, resultHash, receipts, validators, nextValidators });
    this.#record(historyLeaf({ height, blockHash, resultHash }));
    this.#validators = nextValidators;
    this.#parentHash = blockHash;
    this.#parentResult = resultHash;
  }

  votes(height: number): Votes {
    return this.#sign(this.#block(height), 1);
  }

  certified(height: number): CertifiedHeader {
    const { headerBytes, resultBytes } = this.#block(height);
    const transitions = CHANGES_AT.filter((change) => change < height).map((change) => this.transition(change));
    return { headerBytes, resultBytes, certificate: this.#certificate(height), transitions };
  }

  sealed(height: number, views: { readonly headerView: number; readonly view: number }): CertifiedHeader {
    const block = this.#block(height);
    const header = decodeHeader(block.headerBytes);
    if (!header.ok) throw new Error(header.code);
    const headerBytes = encodeHeader({ ...header.value, view: views.headerView });
    const certificate = this.#seal({ ...block, headerBytes, blockHash: blockHashOf(headerBytes) }, views.view);
    return { headerBytes, resultBytes: block.resultBytes, certificate, transitions: [] };
  }

  transition(height: number): ValidatorTransition {
    const { headerBytes, resultBytes, nextValidators } = this.#block(height);
    return { headerBytes, resultBytes, certificate: this.#certificate(height), nextValidators };
  }

  receiptProof(height: number, index: number, at: number): ReceiptProof {
    const { headerBytes, resultBytes, receipts } = this.#block(height);
    const node = (position: number): Hash => this.#nodes.get(position) ?? new Uint8Array(0);
    const past = {
      headerBytes,
      resultBytes,
      history: height < at ? historyProof({ count: at, height, node }) : undefined,
    };
    return {
      receiptBytes: receipts[index] ?? new Uint8Array(0),
      path: merkleProof(receipts.map(receiptHashOf), index),
      past: past.history === undefined ? undefined : { ...past, history: past.history },
      certified: this.certified(at),
    };
  }

  stateProof(key: Uint8Array): StateProof {
    const value = this.state.get(toHex(key))?.value;
    return { key, value, tree: this.#tree().prove(key), certified: this.certified(HEIGHTS) };
  }

  #block(height: number): ChainBlock {
    const block = this.blocks[height - 1];
    if (block === undefined) throw new Error(`no block ${height}`);
    return block;
  }

  #certificate(height: number): Certificate {
    return this.#seal(this.#block(height), 1);
  }

  #seal(block: ChainBlock, view: number): Certificate {
    const { height, blockHash, resultHash, validators } = block;
    const votes = this.#sign(block, view).slice(0, quorumSize(validators.length));
    return makeCertificate({ height, view, blockHash, resultHash, validatorCount: validators.length, votes });
  }

  #sign({ height, blockHash, resultHash, validators }: ChainBlock, view: number): Votes {
    const { chainId } = this.genesis;
    const validatorsHash = validatorsHashOf(validators);
    const message = voteSigningBytes({ kind: "commit", chainId, height, view, validatorsHash, blockHash, resultHash });
    return validators.map((validator, signer) => ({ signer, signature: this.#signerOf(validator).sign(message) }));
  }

  #signerOf(validator: Validator): KeySigner {
    const signer = this.#signers.find((candidate) => toHex(candidate.publicKey) === toHex(validator.publicKey));
    if (signer === undefined) throw new Error("no such signer");
    return signer;
  }

  /** One seat changes: the first validator leaves, a key that is not in the set comes. */
  #changed(): readonly Validator[] {
    const present = new Set(this.#validators.map((validator) => toHex(validator.publicKey)));
    const all = validatorsOf(this.#signers);
    const newcomer = all.find((validator) => !present.has(toHex(validator.publicKey)));
    if (newcomer === undefined) throw new Error("no newcomer");
    const next = [...this.#validators.slice(1), { ...newcomer, peerId: `new-${newcomer.peerId}` }];
    return next.sort((left, right) => compareBytes(left.publicKey, right.publicKey));
  }

  #receipt(height: number, index: number): Receipt {
    return {
      txId: hashTagged("TX", new Uint8Array([height, index])),
      index,
      status: index % 2 === 0 ? "ok" : "refused",
      ruleId: index % 2 === 0 ? "" : "vote.cast.require[0]",
      values: index % 2 === 0 ? [] : [["closes", this.genesis.timeMs]],
      gas: 100 + index,
      events: [],
      writes: [],
    };
  }

  #write(key: string, height: number): void {
    const value = new TextEncoder().encode(`value of ${height}`);
    this.state.set(toHex(new TextEncoder().encode(key)), { value, lastHeight: height });
  }

  #tree(): StateTree {
    return StateTree.build(
      [...this.state].map(([key, entry]) => ({
        key: fromHex(key) ?? new Uint8Array(0),
        valueHash: valueHashOf(entry.value),
        lastHeight: entry.lastHeight,
      })),
    );
  }

  #record(leaf: Hash): void {
    const { history, nodes } = this.#history.append(leaf);
    for (const { position, hash } of nodes) this.#nodes.set(position, hash);
    this.#history = history;
  }
}
