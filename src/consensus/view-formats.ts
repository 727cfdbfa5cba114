// Bytes of what only view changes need: suspicions and their certificates, VIEW-CHANGE and NEW-VIEW.
// What is signed stands beside what travels; nothing here judges signatures or quorums.

import type { Verdict } from "../errors.ts";
import { DECODE_LIMITS, type DecodeLimits, decodeWith, encode, type Reader, type Value } from "../ledger/codec.ts";
import { certificateItems, readCertificate } from "../ledger/format-vote.ts";
import { EMPTY_BYTES, type Hash, hashTagged, tagged } from "../ledger/hash.ts";
import { LIMITS } from "../ledger/limits.ts";
import { type Certificate, FORMAT_VERSION } from "../ledger/types.ts";
import { FRAME_BYTES_MAX, SUSPICION_BYTES_MAX, VIEW_MAX, WAITING_FOR_MAX } from "./limits.ts";

/** One validator's suspicion of a view; it binds nothing. */
export interface SignedSuspect {
  /** index into validators(height) */
  readonly signer: number;
  /** digests of the batches waited for, at most 16: who lacks them fetches them from the signer */
  readonly waitingFor: readonly Hash[];
  readonly signature: Uint8Array;
}

/** Suspicions of one view by distinct validators, ascending; q of them lead to view + 1. */
export interface Suspicion {
  readonly height: number;
  readonly view: number;
  readonly suspects: readonly SignedSuspect[];
  /** as received or made */
  readonly bytes: Uint8Array;
}

/** The lock a VIEW-CHANGE claims: the highest COMMIT in its signer's record. */
export interface PreparedClaim {
  readonly view: number;
  readonly blockHash: Hash;
}

export interface SignedViewChange {
  readonly signer: number;
  readonly prepared: PreparedClaim | undefined;
  readonly signature: Uint8Array;
}

/** What the primary of a view > 0 signs: the VIEW-CHANGEs that entitle it, and the block that follows from them. */
export interface NewView {
  readonly height: number;
  readonly view: number;
  readonly blockHash: Hash;
  /** by distinct validators, ascending */
  readonly viewChanges: readonly SignedViewChange[];
  /** proves the highest claim among them; undefined when none claims a lock */
  readonly certificate: Certificate | undefined;
  /** as received or made: the signature is over their hash */
  readonly bytes: Uint8Array;
}

interface SignedPlace {
  readonly chainId: Hash;
  readonly height: number;
  readonly validatorsHash: Hash;
}

/** SUSPECT over `[chainId, height, view, validatorsHash, waitingFor]`. */
export function suspectSigningBytes(
  suspect: SignedPlace & { readonly view: number; readonly waitingFor: readonly Hash[] },
): Uint8Array {
  const { chainId, height, view, validatorsHash, waitingFor } = suspect;
  return tagged("SUSPECT", encode([chainId, height, view, validatorsHash, waitingFor]));
}

/** VIEW-CHANGE over `[chainId, height, targetView, validatorsHash, preparedView or none, preparedHash or empty]`. */
export function viewChangeSigningBytes(
  viewChange: SignedPlace & { readonly targetView: number; readonly prepared: PreparedClaim | undefined },
): Uint8Array {
  const { chainId, height, targetView, validatorsHash, prepared } = viewChange;
  const items = [prepared?.view ?? null, prepared?.blockHash ?? EMPTY_BYTES];
  return tagged("VIEW-CHANGE", encode([chainId, height, targetView, validatorsHash, ...items]));
}

/** NEW-VIEW over `[chainId, height, view, validatorsHash, blockHash, H(NEW-VIEW, content)]`. */
export function newViewSigningBytes(
  newView: SignedPlace & { readonly view: number; readonly blockHash: Hash; readonly contentBytes: Uint8Array },
): Uint8Array {
  const { chainId, height, view, validatorsHash, blockHash, contentBytes } = newView;
  const contentHash = hashTagged("NEW-VIEW", contentBytes);
  return tagged("NEW-VIEW", encode([chainId, height, view, validatorsHash, blockHash, contentHash]));
}

/** `[signer, waitingFor, signature]`. */
export function suspectItems(suspect: SignedSuspect): Value {
  return [suspect.signer, suspect.waitingFor, suspect.signature];
}

export function readSuspect(reader: Reader): SignedSuspect {
  reader.tuple(3);
  return {
    signer: reader.uint(0, LIMITS.validatorsMax - 1),
    waitingFor: reader.list(0, WAITING_FOR_MAX, (inner) => inner.hash()),
    signature: reader.byteString(1, LIMITS.signatureBytesMax),
  };
}

const SUSPICION_LIMITS: DecodeLimits = { ...DECODE_LIMITS, bytesMax: SUSPICION_BYTES_MAX };

/** `[version, height, view, suspects]`; sorts by signer. */
export function makeSuspicion(height: number, view: number, suspects: readonly SignedSuspect[]): Suspicion {
  const sorted = [...suspects].sort((left, right) => left.signer - right.signer);
  const bytes = encode([FORMAT_VERSION, height, view, sorted.map(suspectItems)]);
  return { height, view, suspects: sorted, bytes };
}

/** @param bytes a buffer of their own: the result keeps them */
export function decodeSuspicion(bytes: Uint8Array): Verdict<Suspicion> {
  return decodeWith(bytes, SUSPICION_LIMITS, (reader) => {
    reader.tuple(4);
    reader.version(FORMAT_VERSION);
    const height = reader.uint(1);
    const view = reader.uint(0, VIEW_MAX);
    const suspects = reader.list(1, LIMITS.validatorsMax, readSuspect);
    requireAscending(reader, suspects);
    return { height, view, suspects, bytes };
  });
}

/** `[signer, [] or [preparedView, preparedHash], signature]`. */
export function viewChangeItems(viewChange: SignedViewChange): Value {
  const { signer, prepared, signature } = viewChange;
  return [signer, prepared === undefined ? [] : [prepared.view, prepared.blockHash], signature];
}

export function readViewChange(reader: Reader): SignedViewChange {
  reader.tuple(3);
  const signer = reader.uint(0, LIMITS.validatorsMax - 1);
  const parts = reader.array(0, 2);
  if (parts === 1) reader.fail("VIEW_CHANGE_LOCK");
  const prepared = parts === 0 ? undefined : { view: reader.uint(0, VIEW_MAX), blockHash: reader.hash() };
  return { signer, prepared, signature: reader.byteString(1, LIMITS.signatureBytesMax) };
}

const NEW_VIEW_LIMITS: DecodeLimits = { ...DECODE_LIMITS, bytesMax: FRAME_BYTES_MAX };

/** `[version, height, view, blockHash, viewChanges, [] or [certificate]]`; sorts by signer. */
export function makeNewView(parts: Omit<NewView, "bytes">): NewView {
  const viewChanges = [...parts.viewChanges].sort((left, right) => left.signer - right.signer);
  const bytes = encode([
    FORMAT_VERSION,
    parts.height,
    parts.view,
    parts.blockHash,
    viewChanges.map(viewChangeItems),
    parts.certificate === undefined ? [] : [certificateItems(parts.certificate)],
  ]);
  return { ...parts, viewChanges, bytes };
}

/** @param bytes a buffer of their own: the result keeps them */
export function decodeNewView(bytes: Uint8Array): Verdict<NewView> {
  return decodeWith(bytes, NEW_VIEW_LIMITS, (reader) => {
    reader.tuple(6);
    reader.version(FORMAT_VERSION);
    const height = reader.uint(1);
    const view = reader.uint(1, VIEW_MAX);
    const blockHash = reader.hash();
    const viewChanges = reader.list(1, LIMITS.validatorsMax, readViewChange);
    const [certificate] = reader.list(0, 1, readCertificate);
    return { height, view, blockHash, viewChanges, certificate, bytes };
  });
}

// A signer twice is how a quorum is forged (pitfall 4): a certificate's list is strictly ascending or refused.
function requireAscending(reader: Reader, list: readonly { readonly signer: number }[]): void {
  for (let index = 1; index < list.length; index += 1) {
    if ((list[index - 1]?.signer ?? 0) >= (list[index]?.signer ?? 0)) reader.fail("SIGNER_ORDER");
  }
}
