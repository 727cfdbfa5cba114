// Chunks of a snapshot: cut, judged alone, and refused in every way in which they can be wrong.

import { describe, expect, it } from "vitest";
import { valueHashOf } from "../../../src/ledger/format-receipt.ts";
import {
  type ChunkRow,
  chunkHashOf,
  decodeChunk,
  decodeManifest,
  encodeChunk,
  encodeManifest,
  placeOf,
  type StateChunk,
} from "../../../src/ledger/format-snapshot.ts";
import { compareBytes, type Hash } from "../../../src/ledger/hash.ts";
import { cutChunks, type PlacedRow, placed, verifyChunk } from "../../../src/state/chunk.ts";
import { StateTree } from "../../../src/state/tree.ts";
import { GROUND_KEYS } from "./ground-keys.ts";

const TEXT = new TextEncoder();

function rowsOf(count: number, valueBytes = 12): readonly PlacedRow[] {
  return Array.from({ length: count }, (_, n) =>
    placed({ key: TEXT.encode(`table\0${n}`), value: new Uint8Array(valueBytes).fill(n), lastHeight: n }),
  ).sort((left, right) => compareBytes(left.keyHash, right.keyHash));
}

function treeOf(rows: readonly ChunkRow[]): StateTree {
  return StateTree.build(
    rows.map(({ key, value, lastHeight }) => ({ key, valueHash: valueHashOf(value), lastHeight })),
  );
}

/** The chunks of a state whose places are all `depth` deep before rows that are too many split them further. */
function chunksOf(rows: readonly PlacedRow[], depth: number) {
  const siblings = treeOf(rows).frozenSiblings();
  return Array.from({ length: 2 ** depth }, (_, index) => {
    const path = new Uint8Array(32);
    new DataView(path.buffer).setUint32(0, index * 2 ** (32 - depth));
    const place = placeOf(path, depth);
    const inPlace = rows.filter(({ keyHash }) => compareBytes(placeOf(keyHash, depth).prefix, place.prefix) === 0);
    return cutChunks({ place, siblings: siblings(depth, index), rows: inPlace });
  }).flat();
}

function changed(bytes: Uint8Array, change: (chunk: StateChunk) => StateChunk): Uint8Array {
  const chunk = decodeChunk(bytes);
  if (!chunk.ok) throw new Error(chunk.code);
  return encodeChunk(change(chunk.value));
}

function codeOf(chunk: { readonly place: StateChunk["place"]; readonly bytes: Uint8Array }, stateRoot: Hash): string {
  const verdict = verifyChunk({ ...chunk, stateRoot });
  return verdict.ok ? "ok" : verdict.code;
}

describe("chunks of a snapshot", () => {
  it.each([0, 1, 3, 7])("D92: places %i bits deep are judged alone and together hold every row once", (depth) => {
    const rows = rowsOf(40);
    const stateRoot = treeOf(rows).root();
    const found = chunksOf(rows, depth).flatMap((chunk) => {
      const verdict = verifyChunk({ ...chunk, stateRoot });
      if (!verdict.ok) throw new Error(verdict.code);
      return verdict.value;
    });
    expect(found).toEqual(rows);
  });

  it("D92: an empty state is one chunk without rows", () => {
    const [chunk] = chunksOf([], 0);
    expect(chunk && codeOf(chunk, treeOf([]).root())).toBe("ok");
  });

  it("D92: a bucket too large for one chunk is cut below it, however close its keys lie", () => {
    const rows = GROUND_KEYS.slice(0, 100)
      .map((n) => placed({ key: TEXT.encode(`table\0${n}`), value: new Uint8Array(20_000).fill(n), lastHeight: n }))
      .sort((left, right) => compareBytes(left.keyHash, right.keyHash));
    const stateRoot = treeOf(rows).root();
    const bucket = new DataView(rows[0]!.keyHash.buffer).getUint16(0);
    const siblings = treeOf(rows).frozenSiblings()(16, bucket);
    const chunks = cutChunks({ place: placeOf(rows[0]!.keyHash, 16), siblings, rows });
    expect(chunks.length).toBeGreaterThan(4);
    expect(Math.max(...chunks.map(({ bytes }) => bytes.length))).toBeLessThan(1 << 20);
    for (const chunk of chunks) expect(codeOf(chunk, stateRoot)).toBe("ok");
  });

  it("D92: every flipped bit is refused", () => {
    const rows = rowsOf(6);
    const stateRoot = treeOf(rows).root();
    const [, chunk] = chunksOf(rows, 1);
    if (chunk === undefined) throw new Error("two places");
    const { place, bytes } = chunk;
    expect(codeOf({ place, bytes }, stateRoot)).toBe("ok");
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = bytes.slice();
      flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7));
      expect(codeOf({ place, bytes: flipped }, stateRoot), `bit ${bit}`).not.toBe("ok");
    }
  });

  it("D92: a chunk of another place, with a row more, less, twice or from elsewhere is refused by its code", () => {
    const rows = rowsOf(64);
    const stateRoot = treeOf(rows).root();
    const [left, right] = chunksOf(rows, 1);
    if (left === undefined || right === undefined) throw new Error("two places");
    const other = decodeChunk(right.bytes);
    const stranger = other.ok ? other.value.rows[0]! : rows[0]!;
    const against = (change: (chunk: StateChunk) => StateChunk) =>
      codeOf({ place: left.place, bytes: changed(left.bytes, change) }, stateRoot);
    expect(codeOf({ place: left.place, bytes: right.bytes }, stateRoot)).toBe("CHUNK_PLACE");
    expect(against((chunk) => ({ ...chunk, rows: chunk.rows.slice(1) }))).toBe("CHUNK_ROOT");
    expect(against((chunk) => ({ ...chunk, rows: [] }))).toBe("CHUNK_ROOT");
    expect(against((chunk) => ({ ...chunk, rows: [chunk.rows[0]!, ...chunk.rows] }))).toBe("CHUNK_ORDER");
    expect(against((chunk) => ({ ...chunk, rows: [...chunk.rows].reverse() }))).toBe("CHUNK_ORDER");
    expect(against((chunk) => ({ ...chunk, rows: [...chunk.rows, stranger] }))).toBe("CHUNK_ROW_ELSEWHERE");
    expect(codeOf(left, treeOf(rows.slice(1)).root())).toBe("CHUNK_ROOT");
  });

  it("D94: a manifest whose places overlap, leave a gap or stand in another order is refused", () => {
    const rows = rowsOf(64);
    const facts = { chainId: new Uint8Array(32), height: 5, stateRoot: treeOf(rows).root(), transactionsTotal: 9 };
    const entriesAt = (depth: number) =>
      chunksOf(rows, depth).map(({ place, bytes }) => ({ place, bytes: bytes.length, hash: chunkHashOf(bytes) }));
    const codeWith = (chunks: ReturnType<typeof entriesAt>) => {
      const decoded = decodeManifest(encodeManifest({ ...facts, chunks }));
      return decoded.ok ? "ok" : decoded.code;
    };
    const [coarse, fine] = [entriesAt(1), entriesAt(2)];
    expect(codeWith(fine)).toBe("ok");
    expect(codeWith([coarse[0]!, fine[2]!, fine[3]!])).toBe("ok");
    expect(codeWith([coarse[0]!, fine[1]!, coarse[1]!])).toBe("MANIFEST_PLACES");
    expect(codeWith(fine.slice(1))).toBe("MANIFEST_PLACES");
    expect(codeWith(fine.slice(0, 3))).toBe("MANIFEST_PLACES");
    expect(codeWith([...fine, fine[3]!])).toBe("MANIFEST_PLACES");
    expect(codeWith([...fine].reverse())).toBe("MANIFEST_PLACES");
  });
});
