// The bounds of every format: protocol constants, the same on every node, never configuration.
// Relations between them are asserted when the file loads; nothing here behaves.

import { invariant } from "../assert.ts";
import { SUITE_ED25519 } from "./types.ts";

export const LIMITS = Object.freeze({
  /** account, contract, action, argument, event, role and organisation names, in bytes of UTF-8 (at least 1) */
  nameBytesMax: 64,
  peerIdBytesMax: 128,
  /** room for post-quantum suites (ML-DSA-87); suite 1 has exactly 32 and 64 */
  publicKeyBytesMax: 2592,
  signatureBytesMax: 4627,
  suiteMax: 255,

  transactionBytesMax: 64 << 10,
  /** nothing shorter can be a transaction; bounds how many fit into a batch */
  transactionBytesMin: 160,
  /** items of the arguments of one transaction: a small message may not become a large heap */
  transactionItemsMax: 8192,
  signersMax: 8,
  callsMax: 100,
  argumentsMax: 64,
  argumentDepthMax: 8,
  memoBytesMax: 64,

  batchBytesMax: 512 << 10,
  batchTransactionsMax: 3276,

  headerBytesMax: 4096,
  headerExtensionBytesMax: 256,
  proposalReferencesMax: 1024,
  proposalBytesMax: 4 << 20,
  resultBytesMax: 256,
  blockTransactionsMax: 65_536,
  blockBytesMax: 16 << 20,

  receiptBytesMax: 8 << 20,
  receiptListMax: 65_536,
  ruleIdBytesMax: 256,
  stateKeyBytesMax: 1024,
  stateValueBytesMax: 1 << 20,

  validatorsMin: 4,
  validatorsMax: 128,
  certificateBytesMax: 1 << 20,
  headStatementBytesMax: 16 << 10,
  validatorsBytesMax: 1 << 20,
  parametersBytesMax: 256,

  genesisBytesMax: 8 << 20,
  genesisContractsMax: 256,
  contractSourceBytesMax: 1 << 20,
  genesisAccountsMax: 65_536,
  titleBytesMax: 256,
  rolesMax: 8,
  addressesMax: 16,
  addressBytesMax: 256,

  /** rows of one chunk of a snapshot, unless a single row is larger */
  chunkRowsBytesMax: 512 << 10,
  chunkBytesMax: 2 << 20,
  /** 32 GiB of state */
  snapshotChunksMax: 65_536,
  snapshotManifestBytesMax: 6 << 20,

  /** siblings of a Merkle path; 2^53 leaves */
  merkleDepthMax: 53,
  proofBytesMax: 8 << 20,
  transitionsMax: 4096,
});

invariant(
  LIMITS.batchTransactionsMax === Math.floor(LIMITS.batchBytesMax / LIMITS.transactionBytesMin),
  "L1: the most transactions of a batch is what its bytes can hold",
);
invariant(
  LIMITS.validatorsMax * LIMITS.signatureBytesMax < LIMITS.certificateBytesMax &&
    LIMITS.validatorsMax * (LIMITS.publicKeyBytesMax + 512) < LIMITS.validatorsBytesMax,
  "L2: every certificate and validator list within its count fits its bytes",
);
invariant(
  LIMITS.proposalReferencesMax * (LIMITS.publicKeyBytesMax + 64) + LIMITS.headerBytesMax < LIMITS.proposalBytesMax,
  "L3: every proposal within its count fits its bytes",
);
invariant(
  LIMITS.chunkRowsBytesMax + LIMITS.stateKeyBytesMax + LIMITS.stateValueBytesMax + 256 * 32 + 65_536 <
    LIMITS.chunkBytesMax,
  "D90: a chunk of one row, however large, fits its bytes",
);

/** A key has the length of its suite; of a suite this node does not know, any within the limit. */
export function publicKeyBounds(suite: number): readonly [min: number, max: number] {
  return suite === SUITE_ED25519 ? [32, 32] : [1, LIMITS.publicKeyBytesMax];
}

export function signatureBounds(suite: number): readonly [min: number, max: number] {
  return suite === SUITE_ED25519 ? [64, 64] : [1, LIMITS.signatureBytesMax];
}
