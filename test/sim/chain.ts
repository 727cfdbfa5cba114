// A stand-in for contracts and store: blocks of the real formats whose execution is a hash. Keys are keyed hashes.
// Deterministic and without I/O; the same on every simulated node.

import type { HeadFacts } from "../../src/consensus/events.ts";
import { batchesRootOf, blockHashOf, encodeHeader, encodeResult, resultHashOf } from "../../src/ledger/format-block.ts";
import { parametersHashOf, validatorsHashOf } from "../../src/ledger/format-cluster.ts";
import {
  bytesEqual,
  compareBytes,
  EMPTY_BYTES,
  type Hash,
  hashTagged,
  toHex,
  ZERO_HASH,
} from "../../src/ledger/hash.ts";
import type {
  BatchReference,
  Certificate,
  Header,
  Parameters,
  Proposal,
  Result,
  Validator,
} from "../../src/ledger/types.ts";

export interface KeyPair {
  readonly publicKey: Uint8Array;
  readonly hex: string;
  sign(message: Uint8Array): Uint8Array;
}

/** Keyed hashes in place of signatures: nobody else in the simulation has the secret. */
export class KeyRing {
  private readonly secrets = new Map<string, Uint8Array>();

  create(name: string): KeyPair {
    const publicKey = hashTagged("DOCUMENT", new TextEncoder().encode(`key ${name}`));
    const hex = toHex(publicKey);
    const secret = hashTagged("DOCUMENT", new TextEncoder().encode(`secret ${name}`));
    this.secrets.set(hex, secret);
    return { publicKey, hex, sign: (message) => keyedHash(secret, message) };
  }

  readonly verify = (_suite: number, publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
    const secret = this.secrets.get(toHex(publicKey));
    return secret !== undefined && bytesEqual(signature, keyedHash(secret, message));
  };
}

function keyedHash(secret: Uint8Array, message: Uint8Array): Uint8Array {
  const payload = new Uint8Array(secret.length + message.length);
  payload.set(secret);
  payload.set(message, secret.length);
  const half = hashTagged("DOCUMENT", payload);
  const signature = new Uint8Array(64);
  signature.set(half);
  signature.set(half, 32);
  return signature;
}

export interface ChainFacts {
  readonly chainId: Hash;
  readonly parameters: Parameters;
  /** in key order */
  validatorsAt(height: number): readonly Validator[];
}

export interface StoredBlock {
  readonly proposal: Proposal;
  readonly certificate: Certificate;
  readonly result: Result;
  readonly resultHash: Hash;
}

export function simParameters(rotationHeights: number): Parameters {
  return {
    protocol: 1,
    replayWindowMs: 3_600_000,
    clockSkewMsMax: 2_000,
    rotationHeights,
    blockBytesMax: 1 << 20,
    blockTransactionsMax: 1000,
    batchBytesMax: 65_536,
    blockGasMax: 1_000_000,
    timerGasMax: 1000,
  };
}

export function simValidator(key: KeyPair): Validator {
  return { organisation: key.hex.slice(0, 6), suite: 1, publicKey: key.publicKey, peerId: key.hex.slice(0, 12) };
}

export function inKeyOrder(validators: readonly Validator[]): readonly Validator[] {
  return [...validators].sort((left, right) => compareBytes(left.publicKey, right.publicKey));
}

export function headOf(facts: ChainFacts, block: StoredBlock | undefined): HeadFacts {
  if (block === undefined) {
    const validators = facts.validatorsAt(1);
    const proposer = validators[0]?.publicKey ?? EMPTY_BYTES;
    const common = { blockHash: facts.chainId, resultHash: ZERO_HASH, proposer, headerView: 0, certificateView: 0 };
    return { ...common, height: 0, timeMs: 0, validators, parameters: facts.parameters };
  }
  const { header, blockHash } = block.proposal;
  return {
    height: header.height,
    blockHash,
    resultHash: block.resultHash,
    proposer: header.proposer,
    headerView: header.view,
    certificateView: block.certificate.view,
    timeMs: header.timeMs,
    validators: facts.validatorsAt(header.height + 1),
    parameters: facts.parameters,
  };
}

export function buildProposal(
  facts: ChainFacts,
  head: HeadFacts,
  parts: {
    readonly view: number;
    readonly proposer: Uint8Array;
    readonly timeMs: number;
    readonly references: readonly BatchReference[];
  },
): Proposal {
  const header: Header = {
    version: 1,
    protocol: 1,
    chainId: facts.chainId,
    height: head.height + 1,
    view: parts.view,
    proposer: parts.proposer,
    timeMs: parts.timeMs,
    parentHash: head.blockHash,
    parentResult: head.resultHash,
    historyRoot: ZERO_HASH,
    batchesRoot: batchesRootOf(parts.references),
    transactionsRoot: ZERO_HASH,
    transactionCount: parts.references.length,
    validatorsHash: validatorsHashOf(head.validators),
    parametersHash: parametersHashOf(facts.parameters),
    extension: EMPTY_BYTES,
  };
  const headerBytes = encodeHeader(header);
  return { header, headerBytes, blockHash: blockHashOf(headerBytes), references: parts.references };
}

export function referenceTo(digest: Hash, origin: Uint8Array): BatchReference {
  return { digest, origin, bytes: 100, count: 1 };
}

/** What the block checker would refuse, apart from clock and batches. */
export function headerFault(facts: ChainFacts, head: HeadFacts, proposal: Proposal): string {
  const { header, references } = proposal;
  if (header.timeMs <= head.timeMs) return "BLOCK_TIME";
  if (references.length === 0) return "BLOCK_EMPTY";
  if (header.transactionCount !== references.length) return "BLOCK_COUNT";
  const digests = new Set(references.map(({ digest }) => toHex(digest)));
  if (digests.size !== references.length) return "BLOCK_BATCH_TWICE";
  return bytesEqual(header.parametersHash, parametersHashOf(facts.parameters)) ? "" : "BLOCK_PARAMETERS";
}

/** Execution: a hash over the state before and the block's batches. `twist` makes a machine that computes differently. */
export function execute(
  facts: ChainFacts,
  stateRoot: Hash,
  proposal: Proposal,
  twist: Uint8Array = EMPTY_BYTES,
): { readonly result: Result; readonly resultHash: Hash } {
  const parts = [stateRoot, ...proposal.references.map(({ digest }) => digest), twist];
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  const result: Result = {
    version: 1,
    stateRoot: hashTagged("STATE", joined),
    receiptsRoot: ZERO_HASH,
    nextValidatorsHash: validatorsHashOf(facts.validatorsAt(proposal.header.height + 1)),
    nextParametersHash: parametersHashOf(facts.parameters),
  };
  return { result, resultHash: resultHashOf(encodeResult(result)) };
}
