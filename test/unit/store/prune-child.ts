// A process that commits blocks with batches and deletes those of old ones at the same time, as fast as it can, until it is killed.

import { openLevelStore } from "../../../src/store/level-store.ts";
import { commitWithBatches, openChain } from "./chain-fixture.ts";

const KEPT = 10;

const store = await openLevelStore(process.argv[2] ?? "");
const { ledger, tree } = await openChain(store);
let pruning: Promise<unknown> = Promise.resolve();

for (;;) {
  await commitWithBatches(ledger, tree);
  process.stdout.write(`committed ${ledger.head.height}\n`);
  pruning = pruning.then(async () => {
    const limits = { beforeHeight: ledger.head.height - KEPT, beforeMs: Number.MAX_SAFE_INTEGER };
    const blocks = await ledger.oldBlocks(limits);
    if (blocks.length > 0) await ledger.pruneBodies(blocks);
    process.stdout.write(`pruned ${ledger.firstBodyHeight}\n`);
  });
}
