// Arbitrary and fixed examples of every noun of the ledger, for the tests of its formats.
// Never random without a seed: fixed examples are the same on every machine.

import fc from "fast-check";
import type { Value } from "../../../src/ledger/codec.ts";
import type { Genesis } from "../../../src/ledger/genesis.ts";
import { compareBytes, compareText, type Hash } from "../../../src/ledger/hash.ts";
import type {
  BatchReference,
  Certificate,
  Header,
  HeadStatement,
  Parameters,
  Receipt,
  Result,
  TransactionBody,
  Validator,
} from "../../../src/ledger/types.ts";
import { nativeSigner } from "../../../src/node/ed25519-native.ts";
import type { KeySigner } from "../../../src/ports.ts";

// ---- fixed ----

export function hashOf(byte: number): Hash {
  return new Uint8Array(32).fill(byte);
}

export const CHAIN_ID = hashOf(0xc1);

/** Signers with the seeds 01.., 02.., in key order. */
export function makeSigners(count: number): readonly KeySigner[] {
  const signers = Array.from({ length: count }, (_, index) => nativeSigner(hashOf(index + 1)));
  return signers.sort((left, right) => compareBytes(left.publicKey, right.publicKey));
}

export function validatorsOf(signers: readonly KeySigner[]): readonly Validator[] {
  return signers.map((signer, index) => ({
    organisation: `organisation-${index}`,
    suite: signer.suite,
    publicKey: signer.publicKey,
    peerId: `peer-${index}`,
  }));
}

export const PARAMETERS: Parameters = {
  protocol: 1,
  replayWindowMs: 3_600_000,
  clockSkewMsMax: 2_000,
  rotationHeights: 100,
  blockBytesMax: 4 << 20,
  blockTransactionsMax: 10_000,
  batchBytesMax: 512 << 10,
  blockGasMax: 1_000_000_000,
  timerGasMax: 100_000_000,
};

export function sampleBody(signers: readonly KeySigner[], nonce: number): TransactionBody {
  return {
    version: 1,
    chainId: CHAIN_ID,
    signers: signers.map((signer, index) => ({
      account: `owner:${index}-0402`,
      suite: signer.suite,
      publicKey: signer.publicKey,
    })),
    nonce,
    validUntilMs: 1_760_000_000_000,
    gasLimit: 200_000,
    calls: [
      {
        contract: "vote",
        action: "cast",
        args: [
          ["choice", "赞成"],
          ["motion", "2026-07"],
        ],
      },
    ],
    memo: new Uint8Array([1, 2, 3]),
  };
}

export function sampleGenesis(): Genesis {
  const signers = makeSigners(4);
  return {
    version: 1,
    name: "翠湖小区",
    hashSuite: "sha256",
    timeMs: 1_750_000_000_000,
    timeScale: 1,
    production: false,
    organisations: signers.map((_, index) => ({
      id: `organisation-${index}`,
      title: `第 ${index} 家`,
      role: "member",
    })),
    validators: validatorsOf(signers),
    endpoints: signers.map((_, index) => ({ peerId: `peer-${index}`, addresses: ["/ip4/127.0.0.1/tcp/26001"] })),
    parameters: PARAMETERS,
    contracts: [{ name: "vote", source: "contract: vote\n" }],
    accounts: signers.map((signer, index) => ({
      id: `clerk-${index}`,
      organisation: `organisation-${index}`,
      roles: ["clerk"],
      suite: 1,
      publicKey: signer.publicKey,
    })),
  };
}

// ---- arbitrary ----

export const anyHash: fc.Arbitrary<Hash> = bytesOf(32, 32);
const anyResultHash = fc.oneof(anyHash, fc.constant(new Uint8Array(0)));
const anyUint = fc.oneof(fc.nat(300), fc.nat(), fc.maxSafeNat());
const anyPositive = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }));
const anyKey = bytesOf(32, 32);
const anySignature = bytesOf(64, 64);
/** 1 to 64 bytes of UTF-8 */
export const anyName = fc
  .string({ unit: "binary", minLength: 1, maxLength: 20 })
  .filter((text) => text.isWellFormed() && new TextEncoder().encode(text).length <= 64);

export const anyValue: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.integer({ min: -300, max: 300 }),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
    fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
    fc.string({ unit: "binary" }).filter((text) => text.isWellFormed()),
    bytesOf(0, 300),
    fc.array(tie("value"), { maxLength: 5 }),
  ),
})).value;

const anyField = fc.tuple(anyName, anyValue);
const anyFields = fc.array(anyField, { maxLength: 4 });
const anyArgs = fc
  .uniqueArray(anyField, { selector: ([name]) => name, maxLength: 4 })
  .map((args) => args.sort(([left], [right]) => compareText(left, right)));

export function bytesOf(minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength, maxLength }).map((bytes) => new Uint8Array(bytes));
}

export const anyBody: fc.Arbitrary<TransactionBody> = fc.record({
  version: fc.constant(1),
  chainId: anyHash,
  signers: fc.uniqueArray(
    fc.oneof(
      fc.record({ account: anyName, suite: fc.constant(1), publicKey: anyKey }),
      fc.record({ account: anyName, suite: fc.integer({ min: 2, max: 255 }), publicKey: bytesOf(1, 100) }),
    ),
    { selector: (signer) => signer.account, minLength: 1, maxLength: 3 },
  ),
  nonce: fc.oneof(anyUint, fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n })),
  validUntilMs: anyUint,
  gasLimit: anyUint,
  calls: fc.array(fc.record({ contract: anyName, action: anyName, args: anyArgs }), { minLength: 1, maxLength: 3 }),
  memo: bytesOf(0, 64),
});

/** Signatures of the right length for each signer's suite; they are not valid. */
export function anySignaturesFor(body: TransactionBody): fc.Arbitrary<Uint8Array[]> {
  return fc.tuple(...body.signers.map((signer) => (signer.suite === 1 ? anySignature : bytesOf(1, 100))));
}

export const anyReference: fc.Arbitrary<BatchReference> = fc.record({
  digest: anyHash,
  origin: anyKey,
  bytes: fc.integer({ min: 1, max: 512 << 10 }),
  count: fc.integer({ min: 1, max: 3000 }),
});

export const anyHeader: fc.Arbitrary<Header> = fc.record({
  version: fc.constant(1),
  protocol: anyPositive,
  chainId: anyHash,
  height: anyPositive,
  view: anyUint,
  proposer: anyKey,
  timeMs: anyUint,
  parentHash: anyHash,
  parentResult: anyHash,
  historyRoot: anyHash,
  batchesRoot: anyHash,
  transactionsRoot: anyHash,
  transactionCount: fc.nat(65_536),
  validatorsHash: anyHash,
  parametersHash: anyHash,
  extension: bytesOf(0, 256),
});

export const anyResult: fc.Arbitrary<Result> = fc.record({
  version: fc.constant(1),
  stateRoot: anyHash,
  receiptsRoot: anyHash,
  nextValidatorsHash: anyHash,
  nextParametersHash: anyHash,
});

export const anyCertificate: fc.Arbitrary<Certificate> = bytesOf(1, 4).chain((signers) => {
  const count = [...signers].reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0);
  return fc.record({
    height: anyPositive,
    view: anyUint,
    blockHash: anyHash,
    resultHash: anyResultHash,
    signers: fc.constant(signers),
    signatures: fc.array(anySignature, { minLength: count, maxLength: count }),
  });
});

export const anyHeadStatement: fc.Arbitrary<HeadStatement> = fc.record({
  height: anyUint,
  blockHash: anyHash,
  resultHash: anyHash,
  timeMs: anyUint,
  publicKey: anyKey,
  signature: anySignature,
});

export const anyReceipt: fc.Arbitrary<Receipt> = fc.record({
  txId: anyHash,
  index: anyUint,
  status: fc.constantFrom(
    "ok" as const,
    "refused" as const,
    "unauthorised" as const,
    "out_of_gas" as const,
    "failed" as const,
  ),
  ruleId: fc.string({ maxLength: 60 }),
  values: anyFields,
  gas: anyUint,
  events: fc.array(fc.record({ contract: anyName, name: anyName, fields: anyFields }), { maxLength: 3 }),
  writes: fc.array(fc.record({ key: bytesOf(1, 80), valueHash: anyResultHash, previousHeight: anyUint }), {
    maxLength: 4,
  }),
});

export const anyValidators: fc.Arbitrary<readonly Validator[]> = fc
  .uniqueArray(fc.record({ organisation: anyName, suite: fc.constant(1), publicKey: anyKey, peerId: anyName }), {
    selector: (validator) => validator.peerId,
    minLength: 4,
    maxLength: 7,
  })
  .map((validators) => validators.sort((left, right) => compareBytes(left.publicKey, right.publicKey)));

export const anyParameters: fc.Arbitrary<Parameters> = fc.record({
  protocol: anyPositive,
  replayWindowMs: anyPositive,
  clockSkewMsMax: anyPositive,
  rotationHeights: anyPositive,
  blockBytesMax: fc.integer({ min: 1, max: 16 << 20 }),
  blockTransactionsMax: fc.integer({ min: 1, max: 65_536 }),
  batchBytesMax: fc.integer({ min: 1, max: 512 << 10 }),
  blockGasMax: anyPositive,
  timerGasMax: anyPositive,
});
