// Batches of old blocks: which of them no newer block names, and the writes that delete them. Batches and nothing else are
// deleted here. Never decides how long a body is kept or whether a vote needs it: that is for whoever asks.

import { decodeHeader } from "../ledger/format-block.ts";
import type { Hash } from "../ledger/hash.ts";
import type { KeyValueReader, KeyValueStore, WriteOperation } from "../ports.ts";
import { namedBy, put } from "./block-writes.ts";
import { batchKey, blockKey, namedKey, PRUNED_KEY, rangeOf, readU64, SCHEMA_KEY, SCHEMA_VERSION, u64 } from "./keys.ts";
import { present } from "./open-head.ts";
import { decodeBlock, decodeSchema, encodeSchema, orCorrupt } from "./rows.ts";
import { pagesOf } from "./state-rows.ts";

/** Of one step: no vote waits for more than this. A block with more batches is a step of its own. */
export const PRUNE_STEP_BLOCKS_MAX = 64;
export const PRUNE_STEP_BATCHES_MAX = 512;

/** A block whose batches were kept for long enough. */
export interface OldBlock {
  readonly height: number;
  readonly digests: readonly Hash[];
}

/** What is old: blocks below both. */
export interface PruneLimits {
  readonly beforeHeight: number;
  /** ledger ms */
  readonly beforeMs: number;
}

/** As many blocks as one step takes, from a height upward, that are below the limits. */
export async function oldBlocks(
  reader: KeyValueReader,
  { fromHeight, beforeHeight, beforeMs }: PruneLimits & { readonly fromHeight: number },
): Promise<readonly OldBlock[]> {
  if (fromHeight >= beforeHeight) return [];
  // Heights that were never fetched have no row: the next one that has is next.
  const scan = async (limit: number): Promise<readonly DatedBlock[]> =>
    (await reader.scan({ from: blockKey(fromHeight), to: blockKey(beforeHeight), limit })).map(datedBlock);
  // After most commits the oldest block is still young: one row is read to see that.
  const [oldest] = await scan(1);
  if (oldest === undefined || oldest.timeMs >= beforeMs) return [];
  const blocks: OldBlock[] = [];
  let batches = 0;
  for (const block of await scan(PRUNE_STEP_BLOCKS_MAX)) {
    batches += block.digests.length;
    if (block.timeMs >= beforeMs || (batches > PRUNE_STEP_BATCHES_MAX && blocks.length > 0)) break;
    blocks.push(block);
  }
  return blocks;
}

interface DatedBlock extends OldBlock {
  readonly timeMs: number;
}

function datedBlock([key, bytes]: readonly [key: Uint8Array, value: Uint8Array]): DatedBlock {
  const height = readU64(key, 1);
  const { headerBytes, references } = decodeBlock(height, bytes);
  const { timeMs } = orCorrupt(`block ${height}`, decodeHeader(headerBytes));
  return { height, timeMs, digests: references.map(({ digest }) => digest) };
}

/**
 * Deletes what these blocks name, and remembers that they are done with. D120: a batch that a newer block names, too, stays
 * until that block is old.
 */
export function pruneOperations(reader: KeyValueReader, blocks: readonly OldBlock[]): readonly WriteOperation[] {
  const lastHeight = blocks.at(-1)?.height ?? 0;
  const isNamedLater = (digest: Hash): boolean => {
    const named = reader.get(namedKey(digest));
    return named !== undefined && readU64(named) > lastHeight;
  };
  const unnamed = blocks.flatMap(({ digests }) => digests).filter((digest) => !isNamedLater(digest));
  return [
    ...unnamed.flatMap((digest) => [
      { kind: "delete" as const, key: batchKey(digest) },
      { kind: "delete" as const, key: namedKey(digest) },
    ]),
    put(PRUNED_KEY, u64(lastHeight + 1)),
  ];
}

/**
 * Brings an older store up to this schema: for every batch the last block that names it. Broken off it begins anew, as the
 * schema is written last.
 * @throws LedgerError STORE_CORRUPT, STORE_WRITE_FAILED
 */
export async function upgradeSchema(store: KeyValueStore, chainId: Hash): Promise<void> {
  const { version } = decodeSchema(present("schema", store.get(SCHEMA_KEY)), SCHEMA_VERSION);
  if (version === SCHEMA_VERSION) return;
  for await (const page of pagesOf(store, rangeOf("block"))) {
    const operations = page.flatMap(([key, bytes]) => {
      const height = readU64(key, 1);
      return namedBy(height, decodeBlock(height, bytes).references);
    });
    await store.write(operations, { sync: false });
  }
  await store.write([put(SCHEMA_KEY, encodeSchema({ version: SCHEMA_VERSION, chainId }))], { sync: true });
}
