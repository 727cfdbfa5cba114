// The log's line about committed blocks.

import { expect, it } from "vitest";
import type { HeadFacts } from "../../../src/consensus/events.ts";
import { CommitLog } from "../../../src/node/commit-log.ts";
import { makeGenesis, openLedger } from "./ledger-fixture.ts";
import { SILENT } from "./support.ts";

async function commitLog() {
  const { head } = await openLedger(await makeGenesis());
  const lines: unknown[] = [];
  const log = new CommitLog({ ...SILENT, info: (message, fields) => lines.push([message, fields]) });
  const note = (height: number, transactions: number, nowMs: number): void => {
    const facts: HeadFacts = { ...head, height };
    log.note(facts, transactions, nowMs);
  };
  return { log, lines, note };
}

it("N245: each block has its line where blocks are rare, and one line a second tells of all where they are not", async () => {
  const { lines, note } = await commitLog();
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

it("N236: the last blocks before a rest have their line soon, and those before the end", async () => {
  const { log, lines, note } = await commitLog();
  note(1, 1, 100);
  note(2, 3, 600);
  log.tell(1_099);
  expect(lines.length).toBe(1);
  log.tell(1_100);
  log.tell(9_000);
  note(3, 1, 9_000);
  note(4, 2, 9_100);
  log.tell(Number.POSITIVE_INFINITY);
  expect(lines).toMatchObject([
    ["block committed", { height: 1, blocks: 1, transactions: 1 }],
    ["block committed", { height: 2, blocks: 1, transactions: 3 }],
    ["block committed", { height: 3, blocks: 1, transactions: 1 }],
    ["block committed", { height: 4, blocks: 1, transactions: 2 }],
  ]);
});
