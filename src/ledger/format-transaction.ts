// Bytes of transactions: body, id, signed bytes, envelope. One pass over what was received; hashes are over those bytes.
// Never judges signatures or chain (validate.ts) and never knows a clock.

import { invariant } from "../assert.ts";
import type { Verdict } from "../errors.ts";
import { type DecodeLimits, decodeWith, encode, ownBytes, type Reader, type Value } from "./codec.ts";
import { compareText, EMPTY_BYTES, type Hash, hashTagged, tagged } from "./hash.ts";
import { LIMITS, publicKeyBounds, signatureBounds } from "./limits.ts";
import { Slab } from "./slab.ts";
import { type Call, FORMAT_VERSION, type Signer, type Transaction, type TransactionBody } from "./types.ts";

const TRANSACTION_LIMITS: DecodeLimits = {
  bytesMax: LIMITS.transactionBytesMax,
  depthMax: LIMITS.argumentDepthMax,
  itemsMax: LIMITS.transactionItemsMax,
};

/** Those of one batch are made and dropped together; one that waits long in the mempool keeps 31 others. */
const IDS = new Slab(1024);

/** `[version, chainId, signers, nonce, validUntilMs, gasLimit, calls, memo]`; arguments are put in order of their names. */
export function encodeTransactionBody(body: TransactionBody): Uint8Array {
  return encode([
    body.version,
    body.chainId,
    body.signers.map((signer) => [signer.account, signer.suite, signer.publicKey]),
    body.nonce,
    body.validUntilMs,
    body.gasLimit,
    body.calls.map((call) => [
      call.contract,
      call.action,
      [...call.args].sort(([left], [right]) => compareText(left, right)),
    ]),
    body.memo,
  ]);
}

/** H(TX, body): without signatures, so a body signed again is the same transaction. @param output as `hashTagged` */
export function transactionIdOf(bodyBytes: Uint8Array, output?: Uint8Array): Hash {
  return hashTagged("TX", bodyBytes, output);
}

/** What each signer signs. */
export function transactionSigningBytes(id: Hash): Uint8Array {
  return tagged("TX-SIGN", id);
}

/** `[body, signatures]`, the body as a byte string. @param signatures one per signer, in order */
export function encodeTransaction(bodyBytes: Uint8Array, signatures: readonly Uint8Array[]): Uint8Array {
  return encode([bodyBytes, signatures]);
}

/** Views in the result point into `bytes`, or into a copy when `bytes` is part of a larger buffer. */
export function decodeTransaction(bytes: Uint8Array): Verdict<Transaction> {
  const own = ownBytes(bytes);
  return decodeWith(own, TRANSACTION_LIMITS, (reader) => readTransaction(reader, own, undefined));
}

/** What a validator signs when it takes transactions in, all of one call at once: volatile, only a receipt acknowledges. */
export function receivedSigningBytes(statement: {
  readonly chainId: Hash;
  /** in the order in which they were handed over */
  readonly txIds: readonly Hash[];
  readonly timeMs: number;
}): Uint8Array {
  return tagged("RECEIVED", encode([statement.chainId, statement.txIds, statement.timeMs]));
}

/**
 * Reads one transaction where the reader stands.
 * @param bytes the transaction's own bytes
 * @param chainId the expected chain: an equal one is not copied
 */
export function readTransaction(reader: Reader, bytes: Uint8Array, chainId: Hash | undefined): Transaction {
  if (bytes.length < LIMITS.transactionBytesMin) reader.fail("TX_TOO_SMALL");
  reader.resetItems();
  reader.tuple(2);
  let id: Hash = EMPTY_BYTES;
  const body = reader.enclosed(1, LIMITS.transactionBytesMax, (inner, bodyBytes) => {
    id = transactionIdOf(bodyBytes, IDS.room(32));
    return readBody(inner, chainId);
  });
  const { signers, contracts } = body;
  const signatures = reader.list(signers.length, signers.length, (inner, index) =>
    inner.view(...signatureBounds((signers[index] as Signer).suite)),
  );
  return { id, body, contracts, signatures, bytes };
}

function readBody(reader: Reader, chainId: Hash | undefined): ReceivedBody {
  reader.tuple(8);
  const version = reader.version(FORMAT_VERSION);
  const chain = reader.hashLike(chainId);
  const signers = reader.list(1, LIMITS.signersMax, readSigner);
  if (hasRepeatedAccount(signers)) reader.fail("TX_SIGNER_TWICE");
  const nonce = reader.uint64();
  const validUntilMs = reader.uint(0);
  const gasLimit = reader.uint(0);
  // One byte of a call can become 200 bytes of objects (an empty byte string is one): calls wait as bytes until they run.
  const start = reader.position;
  const contracts = skipCalls(reader);
  const calls = { input: reader.bytes, start, end: reader.position };
  const memo = reader.view(0, LIMITS.memoBytesMax);
  const body = { version, chainId: chain, signers, nonce, validUntilMs, gasLimit, memo };
  return new ReceivedBody(body, calls, contracts);
}

/**
 * A body whose calls are read each time they are asked for. A class, because an object literal with a getter has a function of its
 * own, and V8 keeps objects of which each has another function as slow tables: a microsecond more to make, and six times as slow to ask.
 */
class ReceivedBody implements TransactionBody {
  readonly version: number;
  readonly chainId: Hash;
  readonly signers: readonly Signer[];
  readonly nonce: number | bigint;
  readonly validUntilMs: number;
  readonly gasLimit: number;
  readonly memo: Uint8Array;
  /** that the calls name, as far as they differ from the one before */
  readonly contracts: readonly string[];
  readonly #input: Uint8Array;
  readonly #callsStart: number;
  readonly #callsEnd: number;

  /** @param input holds the calls from `start` to before `end` */
  constructor(
    body: Omit<TransactionBody, "calls">,
    calls: { readonly input: Uint8Array; readonly start: number; readonly end: number },
    contracts: readonly string[],
  ) {
    this.version = body.version;
    this.chainId = body.chainId;
    this.signers = body.signers;
    this.nonce = body.nonce;
    this.validUntilMs = body.validUntilMs;
    this.gasLimit = body.gasLimit;
    this.memo = body.memo;
    this.contracts = contracts;
    this.#input = calls.input;
    this.#callsStart = calls.start;
    this.#callsEnd = calls.end;
  }

  get calls(): readonly Call[] {
    return readCalls(this.#input.subarray(this.#callsStart, this.#callsEnd));
  }
}

function readSigner(reader: Reader): Signer {
  reader.tuple(3);
  const account = reader.text(1, LIMITS.nameBytesMax);
  const suite = reader.uint(1, LIMITS.suiteMax);
  return { account, suite, publicKey: reader.view(...publicKeyBounds(suite)) };
}

/** Judges calls as `readCalls` would, and that their arguments are in order of their names; builds nothing else. @returns the contracts */
function skipCalls(reader: Reader): readonly string[] {
  const count = reader.array(1, LIMITS.callsMax);
  const contracts = [skipCall(reader)];
  for (let index = 1; index < count; index += 1) {
    const contract = skipCall(reader);
    if (contract !== contracts.at(-1)) contracts.push(contract);
  }
  return contracts;
}

/** @returns its contract */
function skipCall(reader: Reader): string {
  reader.tuple(3);
  const contract = reader.text(1, LIMITS.nameBytesMax);
  reader.text(1, LIMITS.nameBytesMax);
  skipArguments(reader);
  return contract;
}

function skipArguments(reader: Reader): void {
  const count = reader.array(0, LIMITS.argumentsMax);
  let before: string | undefined;
  for (let index = 0; index < count; index += 1) {
    reader.tuple(2);
    const name = reader.text(1, LIMITS.nameBytesMax);
    reader.skip(0);
    if (before !== undefined && compareText(before, name) >= 0) reader.fail("TX_ARGUMENT_ORDER");
    before = name;
  }
}

function readCalls(bytes: Uint8Array): readonly Call[] {
  const calls = decodeWith(bytes, TRANSACTION_LIMITS, (reader) => reader.list(1, LIMITS.callsMax, readCall));
  invariant(calls.ok, "L41: calls that were passed over can be read");
  return calls.value;
}

function readCall(reader: Reader): Call {
  reader.tuple(3);
  return {
    contract: reader.text(1, LIMITS.nameBytesMax),
    action: reader.text(1, LIMITS.nameBytesMax),
    args: readFields(reader),
  };
}

/** `[[name, value]...]`, at most `argumentsMax`. */
export function readFields(reader: Reader): (readonly [name: string, value: Value])[] {
  return reader.list(0, LIMITS.argumentsMax, readField);
}

function readField(reader: Reader): readonly [name: string, value: Value] {
  reader.tuple(2);
  const name = reader.text(1, LIMITS.nameBytesMax);
  return [name, reader.item(0)];
}

function hasRepeatedAccount(signers: readonly Signer[]): boolean {
  return signers.length > 1 && new Set(signers.map((signer) => signer.account)).size !== signers.length;
}
