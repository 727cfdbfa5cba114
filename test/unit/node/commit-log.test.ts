// The log's line about committed blocks.

import { expect, it } from "vitest";
import type { HeadFacts } from "../../../src/consensus/events.ts";
import { CommitLog } from "../../../src/node/commit-log.ts";
import { makeGenesis, openLedger } from "./ledger-fixture.ts";
import { SILENT } from "./support.ts";

it("N245: each block has its line where blocks are rare, and one line a second tells of all where they are not", async () => {
  const { head } = await openLedger(await makeGenesis());
  const lines: unknown[] = [];
  const log = new CommitLog({ ...SILENT, info: (message, fields) => lines.push([message, fields]) });
  const note = (height: number, transactions: number, nowMs: number): void => {
    const facts: HeadFacts = { ...head, height };
    log.note(facts, transactions, nowMs);
  };
  note(1, 5, 100);
  for (let height = 2; height <= 9; height += 1) note(height, 2, 100 * height);
  note(10, 2, 1_100);
  note(11, 0, 2_100);
  expect(lines).toMatchObject([
    ["block committed", { height: 1, blocks: 1, transactions: 5 }],
    ["block committed", { height: 10, blocks: 9, transactions: 18 }],
    ["block committed", { height: 11, blocks: 1, transactions: 0 }],
  ]);
});
