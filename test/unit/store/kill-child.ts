// A process that commits blocks and saves votes as fast as it can and says after each that it is acknowledged, until it is killed.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { openLevelStore } from "../../../src/store/level-store.ts";
import { openVoteRecordFile } from "../../../src/store/vote-record-file.ts";
import { makeCommit, openChain, planOf } from "./chain-fixture.ts";

const directory = process.argv[2] ?? "";
mkdirSync(directory, { recursive: true });
const store = await openLevelStore(join(directory, "ledger"));
const votes = await openVoteRecordFile(join(directory, "votes"));
const { ledger, tree } = await openChain(store);
const body = new Uint8Array(64 << 10);

for (;;) {
  const height = ledger.head.height + 1;
  await votes.save(new TextEncoder().encode(`${height}`.padStart(200 + (height % 50))));
  process.stdout.write(`voted ${height}\n`);
  // Large bodies, unsynced: they make LevelDB turn its log over and compact while it is killed.
  const digest = new Uint8Array(32).fill(height);
  await ledger.saveBatches([{ digest, bytes: body.fill(height) }], { sync: false });
  const { commit, staged } = makeCommit(ledger, tree, planOf(height));
  await ledger.commitBlock(commit);
  tree.commit(staged);
  process.stdout.write(`committed ${height}\n`);
}
