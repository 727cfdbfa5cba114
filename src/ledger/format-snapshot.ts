// Bytes of snapshots: the manifest, the chunks of the state, the anchor that certifies them, and what peers ask of each other.
// Nothing here is a proof: a manifest proves nothing, a chunk only what `state/chunk.ts` makes of it under a certified root.

import { accept, refuse, type Verdict } from "../errors.ts";
import { DECODE_LIMITS, type DecodeLimits, decodeWith, encode, type Reader } from "./codec.ts";
import { batchesRootOf, readReference, referenceItems } from "./format-block.ts";
import {
  parametersHashOf,
  parametersItems,
  readParameters,
  readValidators,
  validatorsHashOf,
  validatorsItems,
} from "./format-cluster.ts";
import type { TrustAnchor } from "./genesis.ts";
import { bytesEqual, type Hash, hashTagged } from "./hash.ts";
import { HistoryAccumulator } from "./history.ts";
import { LIMITS } from "./limits.ts";
import { decodeCertifiedHeader, encodeCertifiedHeader, type VerifiedBlock, verifyCertifiedHeader } from "./proofs.ts";
import {
  type BatchReference,
  type CertifiedHeader,
  FORMAT_VERSION,
  type Parameters,
  type Validator,
  type VerifySignature,
} from "./types.ts";

const DEPTH_MAX = 256;
const MANIFEST_LIMITS: DecodeLimits = { ...DECODE_LIMITS, bytesMax: LIMITS.snapshotManifestBytesMax };
const CHUNK_LIMITS: DecodeLimits = { ...DECODE_LIMITS, bytesMax: LIMITS.chunkBytesMax };

/** All keys whose key hash begins with these bits. */
export interface ChunkPlace {
  /** number of bits, 0 to 256 */
  readonly depth: number;
  /** the bits from the most significant of byte 0 on; the rest of the last byte is zero */
  readonly prefix: Uint8Array;
}

export interface ChunkRow {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** height of the block that wrote it, 0 for genesis */
  readonly lastHeight: number;
}

/** Every row of one place of the state tree, with the hashes beside the way to it. */
export interface StateChunk {
  readonly place: ChunkPlace;
  /** from the root down, `depth` of 32 bytes in one run */
  readonly siblings: Uint8Array;
  /** in the order of their key hashes */
  readonly rows: readonly ChunkRow[];
}

export interface ChunkEntry {
  readonly place: ChunkPlace;
  /** length of the chunk's bytes */
  readonly bytes: number;
  /** H(CHUNK, chunk bytes) */
  readonly hash: Hash;
}

/** What a snapshot consists of. The same state gives the same bytes on every node. */
export interface SnapshotManifest {
  readonly chainId: Hash;
  readonly height: number;
  readonly stateRoot: Hash;
  /** transactions committed from height 1 to here: certified by nobody, vouched for by how many peers offer it */
  readonly transactionsTotal: number;
  /** the places divide the whole tree, from the left */
  readonly chunks: readonly ChunkEntry[];
}

/** What a node needs beside the state to stand at a height: all of it is bound by the certified header. */
export interface SnapshotAnchor {
  readonly certified: CertifiedHeader;
  readonly references: readonly BatchReference[];
  /** validators(height + 1) */
  readonly validators: readonly Validator[];
  readonly parameters: Parameters;
  /** over heights 0 to height - 1 */
  readonly historyBefore: HistoryAccumulator;
}

/** A block of the replay window: its header says which ids are whole. */
export interface WindowBlock {
  readonly headerBytes: Uint8Array;
  /** of the executed list, in order */
  readonly ids: readonly Hash[];
}

// ---- manifest and chunks ----

export function encodeManifest(manifest: SnapshotManifest): Uint8Array {
  const { chainId, height, stateRoot, transactionsTotal, chunks } = manifest;
  const entries = chunks.map(({ place, bytes, hash }) => [place.depth, place.prefix, bytes, hash]);
  return encode([FORMAT_VERSION, chainId, height, stateRoot, transactionsTotal, entries]);
}

/** Refuses places that do not divide the tree (`MANIFEST_PLACES`). */
export function decodeManifest(bytes: Uint8Array): Verdict<SnapshotManifest> {
  const manifest = decodeWith(bytes, MANIFEST_LIMITS, (reader) => {
    reader.tuple(6);
    reader.version(FORMAT_VERSION);
    return {
      chainId: reader.hash(),
      height: reader.uint(1),
      stateRoot: reader.hash(),
      transactionsTotal: reader.uint(0),
      chunks: reader.list(1, LIMITS.snapshotChunksMax, (inner) => {
        inner.tuple(4);
        return { place: readPlace(inner), bytes: inner.uint(1, LIMITS.chunkBytesMax), hash: inner.hash() };
      }),
    };
  });
  if (manifest.ok && !coversTree(manifest.value.chunks.map(({ place }) => place))) return refuse("MANIFEST_PLACES");
  return manifest;
}

/** Names a snapshot among peers. */
export function manifestHashOf(manifestBytes: Uint8Array): Hash {
  return hashTagged("SNAPSHOT", manifestBytes);
}

export function encodeChunk({ place, siblings, rows }: StateChunk): Uint8Array {
  const items = rows.map(({ key, value, lastHeight }) => [key, value, lastHeight]);
  return encode([FORMAT_VERSION, place.depth, place.prefix, siblings, items]);
}

export function decodeChunk(bytes: Uint8Array): Verdict<StateChunk> {
  return decodeWith(bytes, CHUNK_LIMITS, (reader) => {
    reader.tuple(5);
    reader.version(FORMAT_VERSION);
    const place = readPlace(reader);
    const siblings = reader.byteString(place.depth * 32, place.depth * 32);
    const rows = reader.list(0, LIMITS.chunkBytesMax, (inner) => {
      inner.tuple(3);
      return {
        key: inner.byteString(1, LIMITS.stateKeyBytesMax),
        value: inner.byteString(0, LIMITS.stateValueBytesMax),
        lastHeight: inner.uint(0),
      };
    });
    return { place, siblings, rows };
  });
}

export function chunkHashOf(chunkBytes: Uint8Array): Hash {
  return hashTagged("CHUNK", chunkBytes);
}

export function samePlace(left: ChunkPlace, right: ChunkPlace): boolean {
  return left.depth === right.depth && bytesEqual(left.prefix, right.prefix);
}

/** The bits of `path` down to `depth`. */
export function placeOf(path: Uint8Array, depth: number): ChunkPlace {
  const prefix = path.slice(0, Math.ceil(depth / 8));
  const unused = prefix.length * 8 - depth;
  if (unused > 0) prefix[prefix.length - 1] = (prefix[prefix.length - 1]! >> unused) << unused;
  return { depth, prefix };
}

function readPlace(reader: Reader): ChunkPlace {
  const depth = reader.uint(0, DEPTH_MAX);
  const length = Math.ceil(depth / 8);
  const prefix = reader.byteString(length, length);
  if (!bytesEqual(prefix, placeOf(prefix, depth).prefix)) reader.fail("CHUNK_PLACE");
  return { depth, prefix };
}

/** Whether these places are all of the tree, each part once, from the left. */
function coversTree(places: readonly ChunkPlace[]): boolean {
  const path = new Uint8Array(DEPTH_MAX / 8);
  let next = 0;
  const covers = (depth: number): boolean => {
    const place = places[next];
    if (place === undefined || place.depth < depth) return false;
    if (place.depth === depth) {
      next += 1;
      return samePlace(place, placeOf(path, depth));
    }
    const bit = 0x80 >> (depth & 7);
    const byte = depth >> 3;
    if (!covers(depth + 1)) return false;
    path[byte] = path[byte]! | bit;
    const isCovered = covers(depth + 1);
    path[byte] = path[byte]! & ~bit;
    return isCovered;
  };
  return covers(0) && next === places.length;
}

// ---- the anchor ----

export function encodeAnchor(anchor: SnapshotAnchor): Uint8Array {
  return encode([
    FORMAT_VERSION,
    encodeCertifiedHeader(anchor.certified),
    anchor.references.map(referenceItems),
    validatorsItems(anchor.validators),
    parametersItems(anchor.parameters),
    anchor.historyBefore.encode(),
  ]);
}

export function decodeAnchor(bytes: Uint8Array): Verdict<SnapshotAnchor> {
  return decodeWith(bytes, DECODE_LIMITS, (reader) => {
    reader.tuple(6);
    reader.version(FORMAT_VERSION);
    const certified = decodeCertifiedHeader(reader.byteString(1, LIMITS.proofBytesMax));
    if (!certified.ok) return reader.fail(certified.code);
    const references = reader.list(0, LIMITS.proposalReferencesMax, readReference);
    const validators = readValidators(reader);
    const parameters = readParameters(reader);
    const historyBefore = HistoryAccumulator.decode(reader.byteString(1, LIMITS.headerBytesMax));
    if (!historyBefore.ok) return reader.fail(historyBefore.code);
    return { certified: certified.value, references, validators, parameters, historyBefore: historyBefore.value };
  });
}

/**
 * D91: walks from the genesis to the certified header, and holds every other part of the anchor against it.
 * Refusals: `ANCHOR_PARTS` (a part that the header or its result does not name), those of `verifyCertifiedHeader` and of decoding.
 */
export function verifyAnchor(claim: {
  readonly bytes: Uint8Array;
  readonly genesis: TrustAnchor;
  readonly verify: VerifySignature;
}): Verdict<{ readonly anchor: SnapshotAnchor; readonly block: VerifiedBlock }> {
  const decoded = decodeAnchor(claim.bytes);
  if (!decoded.ok) return decoded;
  const anchor = decoded.value;
  const block = verifyCertifiedHeader({ ...claim, certified: anchor.certified });
  if (!block.ok) return block;
  const { header, result } = block.value;
  const { historyBefore } = anchor;
  const isWhole =
    bytesEqual(batchesRootOf(anchor.references), header.batchesRoot) &&
    bytesEqual(validatorsHashOf(anchor.validators), result.nextValidatorsHash) &&
    bytesEqual(parametersHashOf(anchor.parameters), result.nextParametersHash) &&
    historyBefore.count === header.height &&
    bytesEqual(historyBefore.root(), header.historyRoot);
  return isWhole ? accept({ anchor, block: block.value }) : refuse("ANCHOR_PARTS");
}
