// The blocks of the replay window as they lie in the store: their ids and headers, with or without the blocks themselves.
// Never decides how long the window is.

import type { WindowBlock } from "../ledger/format-snapshot.ts";
import type { KeyValueReader } from "../ports.ts";
import { blockKey, headerKey, idsKey, readU64 } from "./keys.ts";
import { type BlockIds, corrupt, decodeBlock, decodeIds } from "./rows.ts";
import { SCAN_ROWS } from "./state-rows.ts";

/** Ids of the transactions of every block with `timeMs >= sinceMs`, oldest block first. @throws LedgerError STORE_CORRUPT */
export async function replayIds(
  reader: KeyValueReader,
  query: { readonly fromHeight: number; readonly firstHeight: number; readonly sinceMs: number },
): Promise<readonly BlockIds[]> {
  const blocks: BlockIds[] = [];
  let height = query.fromHeight;
  while (height > 0) {
    const rows = await reader.scan({ from: idsKey(1), to: idsKey(height + 1), limit: SCAN_ROWS, reverse: true });
    if (rows.length === 0) break;
    for (const [key, bytes] of rows) {
      if (readU64(key, 1) !== height) return endOfIds(blocks, height, query);
      const block = decodeIds(height, bytes);
      if (block.timeMs < query.sinceMs) return blocks.reverse();
      blocks.push(block);
      height -= 1;
    }
  }
  return endOfIds(blocks, height, query);
}

// D97: below the first height only ids of the window in force then were kept: whatever is older had expired before.
function endOfIds(
  blocks: BlockIds[],
  height: number,
  { firstHeight }: { readonly firstHeight: number },
): readonly BlockIds[] {
  if (height >= firstHeight) throw corrupt(`ids ${height}`, "MISSING");
  return blocks.reverse();
}

/** Blocks of the window from a height downward, as far as their ids are here; at most `blocksMax`. */
export function windowBlocks(reader: KeyValueReader, height: number, blocksMax: number): readonly WindowBlock[] {
  const blocks: WindowBlock[] = [];
  for (let next = height; next > 0 && blocks.length < blocksMax; next -= 1) {
    const ids = reader.get(idsKey(next));
    const headerBytes = reader.get(headerKey(next)) ?? headerOf(reader, next);
    if (ids === undefined || headerBytes === undefined) break;
    blocks.push({ headerBytes, ids: decodeIds(next, ids).ids });
  }
  return blocks;
}

function headerOf(reader: KeyValueReader, height: number): Uint8Array | undefined {
  const row = reader.get(blockKey(height));
  return row === undefined ? undefined : decodeBlock(height, row).headerBytes;
}
