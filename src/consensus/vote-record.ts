// The signer's own memory as an object and as bytes: what this key has signed at the height in flight.
// Never part of a backup, never older than a signature that left the node: safety.ts reads and extends it.

import type { Verdict } from "../errors.ts";
import { DECODE_LIMITS, type DecodeLimits, decodeWith, encode, type Reader, type Value } from "../ledger/codec.ts";
import { EMPTY_BYTES, type Hash } from "../ledger/hash.ts";
import { LIMITS } from "../ledger/limits.ts";
import { FRAME_BYTES_MAX, RECORDED_PROPOSALS_MAX, RESULTS_MAX, SUSPICION_BYTES_MAX, VIEW_MAX } from "./limits.ts";
import type { Position, Step } from "./positions.ts";

const VOTE_RECORD_VERSION = 1;

/** The highest COMMIT signed at the height, and the prepared certificate that allowed it. */
export interface Lock {
  readonly view: number;
  readonly blockHash: Hash;
  readonly certificateBytes: Uint8Array;
}

export interface VoteRecord {
  readonly chainId: Hash;
  readonly publicKey: Uint8Array;
  /** raised by one with every saved record; each committed block names the one it was committed under */
  readonly sequence: number;
  /** RECORD_LOST: this key may sign nothing at all until recovery.ts is through; undefined in ordinary times */
  readonly mustNotSign: string | undefined;
  /** the durable floor after a lost record: nothing below this height is signed; 0 in ordinary times */
  readonly floorHeight: number;
  /** height of everything below; 0 before the first vote */
  readonly height: number;
  /** highest position signed at `height`; undefined before the first vote */
  readonly position: Position | undefined;
  /** frames signed in the view of `position`, in order of step: sent again unchanged */
  readonly frames: readonly Uint8Array[];
  /** certificate that led to the view of `position`, sent again with its votes; undefined in view 0 */
  readonly suspicionBytes: Uint8Array | undefined;
  /** one per block hash, for ever: in any view */
  readonly results: readonly { readonly blockHash: Hash; readonly resultHash: Hash }[];
  readonly lock: Lock | undefined;
  /** blocks prepared or committed at `height`, oldest first: their batches are kept until the height commits */
  readonly proposals: readonly { readonly blockHash: Hash; readonly bytes: Uint8Array }[];
}

/** The record created together with a key. */
export function emptyVoteRecord(identity: { readonly chainId: Hash; readonly publicKey: Uint8Array }): VoteRecord {
  return {
    chainId: identity.chainId,
    publicKey: identity.publicKey,
    sequence: 0,
    mustNotSign: undefined,
    floorHeight: 0,
    height: 0,
    position: undefined,
    frames: [],
    suspicionBytes: undefined,
    results: [],
    lock: undefined,
    proposals: [],
  };
}

/** The record of a key that lost its own. @param sequence above that of every record of this key that is known of */
export function lostVoteRecord(
  identity: { readonly chainId: Hash; readonly publicKey: Uint8Array },
  sequence: number,
): VoteRecord {
  return { ...emptyVoteRecord(identity), sequence, mustNotSign: "RECORD_LOST" };
}

/**
 * `[version, chainId, publicKey, sequence, mustNotSign or "", floorHeight, height, [] or [view, step], frames,
 * suspicion or empty, [[blockHash, resultHash]...], [] or [view, blockHash, certificate], [[blockHash, proposal]...]]`.
 */
export function encodeVoteRecord(record: VoteRecord): Uint8Array {
  const { position, lock } = record;
  const items: readonly Value[] = [
    VOTE_RECORD_VERSION,
    record.chainId,
    record.publicKey,
    record.sequence,
    record.mustNotSign ?? "",
    record.floorHeight,
    record.height,
    position === undefined ? [] : [position.view, position.step],
    record.frames,
    record.suspicionBytes ?? EMPTY_BYTES,
    record.results.map(({ blockHash, resultHash }) => [blockHash, resultHash]),
    lock === undefined ? [] : [lock.view, lock.blockHash, lock.certificateBytes],
    record.proposals.map(({ blockHash, bytes }) => [blockHash, bytes]),
  ];
  return encode(items);
}

/** Views and steps: at most three frames stand in one view. */
const FRAMES_MAX = 3;
const RECORD_LIMITS: DecodeLimits = { ...DECODE_LIMITS, bytesMax: 1 << 30 };

export function decodeVoteRecord(bytes: Uint8Array): Verdict<VoteRecord> {
  return decodeWith(bytes, RECORD_LIMITS, (reader) => {
    reader.tuple(13);
    reader.version(VOTE_RECORD_VERSION);
    return {
      chainId: reader.hash(),
      publicKey: reader.byteString(1, LIMITS.publicKeyBytesMax),
      sequence: reader.uint(0),
      mustNotSign: textOrNothing(reader.text(0, LIMITS.nameBytesMax)),
      floorHeight: reader.uint(0),
      height: reader.uint(0),
      position: readPosition(reader),
      frames: reader.list(0, FRAMES_MAX, (inner) => inner.byteString(1, FRAME_BYTES_MAX)),
      suspicionBytes: bytesOrNothing(reader.byteString(0, SUSPICION_BYTES_MAX)),
      results: reader.list(0, RESULTS_MAX, readResult),
      lock: readLock(reader),
      proposals: reader.list(0, RECORDED_PROPOSALS_MAX, readRecordedProposal),
    };
  });
}

function textOrNothing(text: string): string | undefined {
  return text === "" ? undefined : text;
}

function bytesOrNothing(bytes: Uint8Array): Uint8Array | undefined {
  return bytes.length === 0 ? undefined : bytes;
}

function readPosition(reader: Reader): Position | undefined {
  const parts = reader.array(0, 2);
  if (parts === 0) return undefined;
  if (parts !== 2) reader.fail("RECORD_POSITION");
  return { view: reader.uint(0, VIEW_MAX), step: reader.uint(0, 2) as Step };
}

function readResult(reader: Reader): VoteRecord["results"][number] {
  reader.tuple(2);
  return { blockHash: reader.hash(), resultHash: reader.hash() };
}

function readLock(reader: Reader): Lock | undefined {
  const parts = reader.array(0, 3);
  if (parts === 0) return undefined;
  if (parts !== 3) reader.fail("RECORD_LOCK");
  return {
    view: reader.uint(0, VIEW_MAX),
    blockHash: reader.hash(),
    certificateBytes: reader.byteString(1, LIMITS.certificateBytesMax),
  };
}

function readRecordedProposal(reader: Reader): VoteRecord["proposals"][number] {
  reader.tuple(2);
  return { blockHash: reader.hash(), bytes: reader.byteString(1, LIMITS.proposalBytesMax) };
}
