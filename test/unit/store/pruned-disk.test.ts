// What pruning gives back: the files of LevelDB, which deletes nothing before it compacts.

import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { hashTagged } from "../../../src/ledger/hash.ts";
import type { KeyValueStore } from "../../../src/ports.ts";
import { u64 } from "../../../src/store/keys.ts";
import type { LedgerStore } from "../../../src/store/ledger-store.ts";
import { openLevelStore } from "../../../src/store/level-store.ts";
import { makeCommit, openChain, planOf } from "./chain-fixture.ts";

/** of random bytes: like signatures they do not compress */
const BODY_BYTES = 40_000;
const BLOCKS = 2_500;
const KEPT = 100;

async function filesBytes(directory: string): Promise<number> {
  const names = await readdir(directory);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(directory, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function pruneUpTo(ledger: LedgerStore, beforeHeight: number): Promise<void> {
  const blocks = await ledger.oldBlocks({ beforeHeight, beforeMs: Number.MAX_SAFE_INTEGER });
  if (blocks.length > 0) await ledger.pruneBodies(blocks);
}

/** Files after that many blocks, each with one body, of which the newest hundred are kept, or all. */
async function filesAfterBlocks(isPruning: boolean): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), "linli-disk-"));
  const disk = await openLevelStore(directory);
  // Space is asked for, not durability: without a sync for each block this takes seconds.
  const store: KeyValueStore = {
    get: (key) => disk.get(key),
    scan: (range) => disk.scan(range),
    snapshot: () => disk.snapshot(),
    write: (operations) => disk.write(operations, { sync: false }),
    close: () => disk.close(),
  };
  const { ledger, tree } = await openChain(store);
  while (ledger.head.height < BLOCKS) {
    const height = ledger.head.height + 1;
    const digest = hashTagged("RECORD", u64(height));
    await ledger.saveBatches([{ digest, bytes: randomBytes(BODY_BYTES) }], { sync: false });
    const references = [{ digest, origin: ledger.head.proposer, bytes: BODY_BYTES, count: 1 }];
    const { commit, staged } = makeCommit(ledger, tree, { ...planOf(height), references });
    await ledger.commitBlock(commit);
    tree.commit(staged);
    if (isPruning && height % 16 === 0) await pruneUpTo(ledger, height - KEPT);
  }
  await store.close();
  const bytes = await filesBytes(directory);
  await rm(directory, { recursive: true });
  return bytes;
}

it("D125: the files follow what is kept and not what there ever was", async () => {
  const [whole, pruned] = [await filesAfterBlocks(false), await filesAfterBlocks(true)];
  console.log(`${BLOCKS} blocks: ${Math.round(whole / 1e6)} MB with every body, ${Math.round(pruned / 1e6)} MB pruned`);
  expect(whole).toBeGreaterThan(BLOCKS * BODY_BYTES);
  expect(pruned).toBeLessThan(whole * 0.7);
}, 120_000);
