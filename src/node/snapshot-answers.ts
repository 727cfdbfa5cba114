// What this node answers to peers that fetch its snapshots: what is on offer, one chunk, and ids of the replay window.
// Never more than one bounded answer to one question; a part that is not here is a refusal, and the asker goes elsewhere.

import { unreachable } from "../assert.ts";
import { LedgerError } from "../errors.ts";
import { type DecodeLimits, decodeWith, encode } from "../ledger/codec.ts";
import type { WindowBlock } from "../ledger/format-snapshot.ts";
import { LIMITS } from "../ledger/limits.ts";
import type { Snapshots, StoredSnapshot } from "../store/snapshots.ts";
import type { Chain } from "./chain.ts";

const REQUEST_LIMITS: DecodeLimits = { bytesMax: 64, depthMax: 1, itemsMax: 4 };
const WORD_BYTES_MAX = 16;
/** The largest single offer. */
const OFFER_BYTES_MAX = LIMITS.snapshotManifestBytesMax + LIMITS.proofBytesMax;
export const WINDOW_BLOCKS_MAX = 512;
const WINDOW_ANSWER_BYTES_MAX = 4 << 20;

/** A question about snapshots; every other payload of the protocol asks for blocks. */
export type SnapshotRequest =
  | { readonly kind: "snapshots" }
  | { readonly kind: "chunk"; readonly height: number; readonly index: number }
  | { readonly kind: "window"; readonly height: number };

export function encodeSnapshotRequest(request: SnapshotRequest): Uint8Array {
  if (request.kind === "chunk") return encode([request.kind, request.height, request.index]);
  return encode(request.kind === "window" ? [request.kind, request.height] : [request.kind]);
}

/** undefined: the payload asks for something else, or for nothing that there is */
export function decodeSnapshotRequest(payload: Uint8Array): SnapshotRequest | undefined {
  const decoded = decodeWith(payload, REQUEST_LIMITS, (reader): SnapshotRequest => {
    const count = reader.array(1, 3);
    const kind = reader.text(1, WORD_BYTES_MAX);
    if (kind === "snapshots" && count === 1) return { kind };
    if (kind === "window" && count === 2) return { kind, height: reader.uint(1) };
    if (kind === "chunk" && count === 3) return { kind, height: reader.uint(1), index: reader.uint(0) };
    return reader.fail("CBOR_COUNT");
  });
  return decoded.ok ? decoded.value : undefined;
}

/** @throws LedgerError SNAPSHOT_NOT_HERE */
export async function answerSnapshotRequest(
  parts: { readonly chain: Chain; readonly snapshots: Snapshots | undefined },
  request: SnapshotRequest,
): Promise<Uint8Array> {
  const { chain, snapshots } = parts;
  switch (request.kind) {
    case "snapshots":
      return encode(offersOf(snapshots).map(({ manifestBytes, anchorBytes }) => [manifestBytes, anchorBytes]));
    case "chunk": {
      const bytes = await snapshots?.readChunk(request.height, request.index);
      if (bytes === undefined) throw new LedgerError("SNAPSHOT_NOT_HERE", { height: request.height });
      return bytes;
    }
    case "window":
      return encode(fitting(chain.store.windowBlocks(request.height, WINDOW_BLOCKS_MAX)).map(windowItems));
    default:
      return unreachable(request);
  }
}

/** The newest, and the one before as long as both fit one answer. */
function offersOf(snapshots: Snapshots | undefined): readonly StoredSnapshot[] {
  const offered = snapshots?.offered ?? [];
  const bytes = offered.reduce(
    (sum, { manifestBytes, anchorBytes }) => sum + manifestBytes.length + anchorBytes.length,
    0,
  );
  return bytes > OFFER_BYTES_MAX ? offered.slice(0, 1) : offered;
}

function fitting(blocks: readonly WindowBlock[]): readonly WindowBlock[] {
  let bytes = 0;
  const tooMuch = blocks.findIndex(({ headerBytes, ids }) => {
    bytes += headerBytes.length + ids.length * 32;
    return bytes > WINDOW_ANSWER_BYTES_MAX;
  });
  // One block is never too much: its ids are bounded by the format.
  return tooMuch === -1 ? blocks : blocks.slice(0, Math.max(1, tooMuch));
}

function windowItems({ headerBytes, ids }: WindowBlock): readonly [Uint8Array, Uint8Array] {
  const run = new Uint8Array(ids.length * 32);
  for (const [index, id] of ids.entries()) run.set(id, index * 32);
  return [headerBytes, run];
}
