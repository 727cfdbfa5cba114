// What a ledger is on disk, by kind of row, and what deleting the bodies of all its old blocks gives back: measured on copies
// of a stopped node's data/ledger, which is left as it is.

import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KeyValueStore } from "../src/ports.ts";
import { KIND, type Kind, rangeOf, SCHEMA_KEY, SCHEMA_VERSION } from "../src/store/keys.ts";
import { LedgerStore } from "../src/store/ledger-store.ts";
import { openLevelStore } from "../src/store/level-store.ts";
import { present } from "../src/store/open-head.ts";
import { decodeSchema } from "../src/store/rows.ts";
import { pagesOf } from "../src/store/state-rows.ts";

const CHECKSUM_BYTES = 8;
const KINDS = Object.keys(KIND) as Kind[];

function filesKib(directory: string): number {
  const bytes = readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
  return Math.round(bytes / 1024);
}

async function rowsOf(store: KeyValueStore): Promise<Record<string, { rows: number; kib: number }>> {
  const table: Record<string, { rows: number; kib: number }> = {};
  for (const kind of KINDS) {
    let [rows, bytes] = [0, 0];
    for await (const page of pagesOf(store, rangeOf(kind))) {
      rows += page.length;
      for (const [key, value] of page) bytes += key.length + value.length + CHECKSUM_BYTES;
    }
    if (rows > 0) table[kind] = { rows, kib: Math.round(bytes / 1024) };
  }
  return table;
}

/** Files of a store that was compacted to the last row: its rows written once, in order, and opened once more. */
async function compactedKib(store: KeyValueStore, directory: string): Promise<number> {
  const copy = await openLevelStore(directory);
  for (const kind of KINDS) {
    for await (const page of pagesOf(store, rangeOf(kind)))
      await copy.write(
        page.map(([key, value]) => ({ kind: "put", key, value }) as const),
        { sync: false },
      );
  }
  await copy.close();
  await (await openLevelStore(directory)).close();
  return filesKib(directory);
}

async function measure(source: string, workplace: string): Promise<unknown> {
  const ledgerCopy = join(workplace, "ledger");
  cpSync(source, ledgerCopy, { recursive: true });
  const store = await openLevelStore(ledgerCopy);
  const { chainId } = decodeSchema(present("schema", store.get(SCHEMA_KEY)), SCHEMA_VERSION);
  const ledger = await LedgerStore.open({ store, chainId });
  const { height, transactionsTotal } = ledger.head;
  const before = { filesKib: await compactedKib(store, join(workplace, "before")), rows: await rowsOf(store) };
  const startedMs = performance.now();
  const limits = { beforeHeight: height, beforeMs: Number.MAX_SAFE_INTEGER };
  for (let blocks = await ledger.oldBlocks(limits); blocks.length > 0; blocks = await ledger.oldBlocks(limits))
    await ledger.pruneBodies(blocks);
  const prunedMs = Math.round(performance.now() - startedMs);
  const after = { filesKib: await compactedKib(store, join(workplace, "after")), rows: await rowsOf(store) };
  await store.close();
  return { height, transactionsTotal, before, after, prunedMs };
}

const source = process.argv[2];
if (source === undefined) throw new Error("node bench/disk.ts DATA/LEDGER, of a stopped node");
const workplace = mkdtempSync(join(tmpdir(), "linli-disk-"));
try {
  console.log(JSON.stringify(await measure(source, workplace), null, 2));
} finally {
  rmSync(workplace, { recursive: true });
}
