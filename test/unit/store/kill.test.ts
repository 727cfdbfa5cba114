import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { LedgerError } from "../../../src/errors.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import { rangeOf } from "../../../src/store/keys.ts";
import { openLevelStore } from "../../../src/store/level-store.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { openVoteRecordFile } from "../../../src/store/vote-record-file.ts";
import { bodiesOf, bodyAt, commitUpTo, openChain, planOf } from "./chain-fixture.ts";

const COMMITTING = "kill-child.ts";
const PRUNING = "prune-child.ts";

/** Runs the child until `isEnough` of its lines, kills it, and gives every line it got out. */
function runUntilKilled(
  directory: string,
  isEnough: (lines: number) => boolean,
  program = COMMITTING,
): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, program), directory], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (isEnough(output.split("\n").length - 1)) child.kill("SIGKILL");
    });
    child.on("error", reject);
    child.on("close", (_code, signal) => {
      if (signal === "SIGKILL") resolve(output.split("\n").slice(0, -1));
      else reject(new Error("the child ended by itself"));
    });
  });
}

function newest(lines: readonly string[], word: string): number {
  const heights = lines.filter((line) => line.startsWith(word)).map((line) => Number(line.split(" ")[1]));
  return Math.max(0, ...heights);
}

describe("a process killed while it writes", () => {
  it("D70: nothing acknowledged is lost, nothing is torn, and the next start goes on", async () => {
    const directory = await mkdtemp(join(tmpdir(), "linli-kill-"));
    let acknowledged = 0;
    for (const lines of [1, 7, 31, 64, 150, 151, 90, 2]) {
      const output = await runUntilKilled(directory, (count) => count >= lines);
      acknowledged = Math.max(acknowledged, newest(output, "committed"));
      const votes = await openVoteRecordFile(join(directory, "votes"));
      const record = await votes.load();
      await votes.close();
      if (record.kind !== "found") throw new Error(`the vote record is ${record.kind}`);
      const voted = Number(new TextDecoder().decode(record.bytes));
      expect(voted).toBeGreaterThanOrEqual(Math.max(newest(output, "voted"), acknowledged));

      // Opening checks every file; loadTree compares every state row with the head's certified root.
      const store = await openLevelStore(join(directory, "ledger"));
      const { ledger, tree } = await openChain(store);
      expect(ledger.head.height).toBeGreaterThanOrEqual(acknowledged);
      expect(ledger.head.height).toBeLessThanOrEqual(voted);
      const expected = await openChain(new MemoryStore());
      await commitUpTo(expected.ledger, expected.tree, ledger.head.height);
      expect(ledger.head).toEqual(expected.ledger.head);
      expect(toHex(tree.root())).toBe(toHex(expected.tree.root()));
      await store.close();
    }
    expect(acknowledged).toBeGreaterThan(100);
    await rm(directory, { recursive: true });
  }, 120_000);

  it("D123: killed while it deletes old bodies it has every body that a kept block names, and none that only old ones name", async () => {
    const directory = await mkdtemp(join(tmpdir(), "linli-prune-"));
    let [committed, pruned] = [0, 0];
    for (const lines of [40, 41, 63, 90, 7, 120]) {
      const output = await runUntilKilled(directory, (count) => count >= lines, PRUNING);
      committed = Math.max(committed, newest(output, "committed"));
      pruned = Math.max(pruned, newest(output, "pruned"));
      const store = await openLevelStore(directory);
      const { ledger } = await openChain(store);
      const { height } = ledger.head;
      expect(height).toBeGreaterThanOrEqual(committed);
      // What a killed process deleted stays deleted: its writes had reached the system.
      expect(ledger.firstBodyHeight).toBeGreaterThanOrEqual(pruned);
      const expected = new Set<string>();
      for (let kept = ledger.firstBodyHeight; kept <= height; kept += 1)
        for (const n of bodiesOf(kept)) expected.add(toHex(bodyAt(n).digest));
      for (let next = 1; next <= height; next += 1) {
        expect(ledger.loadReceipts(next).length).toBe(planOf(next).transactions);
        expect(ledger.loadBlock(next)?.references.length).toBe(bodiesOf(next).length);
      }
      // Those of the block that was next may be there already.
      const next = new Set(bodiesOf(height + 1).map((n) => toHex(bodyAt(n).digest)));
      const here = await store.scan({ ...rangeOf("batch"), limit: 10_000 });
      const found = here.map(([key]) => toHex(key.slice(1)));
      expect(found.filter((digest) => !next.has(digest)).sort()).toEqual(
        [...expected].filter((digest) => !next.has(digest)).sort(),
      );
      await store.close();
    }
    expect(pruned).toBeGreaterThan(100);
    await rm(directory, { recursive: true });
  }, 120_000);

  it("D44: while it lives, its store is locked, and never looks damaged although it changes", async () => {
    const directory = await mkdtemp(join(tmpdir(), "linli-locked-"));
    const codes = new Set<string>();
    let isTried = false;
    let startTrying: () => void = () => undefined;
    const running = new Promise<void>((resolve) => {
      startTrying = resolve;
    });
    const killed = runUntilKilled(directory, (count) => {
      if (count > 0) startTrying();
      return isTried;
    });
    await running;
    for (let attempt = 0; attempt < 60; attempt += 1) {
      const opened = openLevelStore(join(directory, "ledger"));
      codes.add(
        await opened.then(
          () => "opened",
          (error: LedgerError) => error.code,
        ),
      );
    }
    isTried = true;
    await killed;
    expect([...codes]).toEqual(["STORE_LOCKED"]);
    await rm(directory, { recursive: true });
  });

  it("D71: after power loss a store holds what was synced, and nothing half", async () => {
    const store = new MemoryStore();
    const { ledger, tree } = await openChain(store);
    await commitUpTo(ledger, tree, 3);
    const digest = new Uint8Array(32).fill(1);
    await ledger.saveBatches([{ digest, bytes: digest }], { sync: false });
    const survivor = await openChain(store.losePower());
    expect(survivor.ledger.head).toEqual(ledger.head);
    expect(survivor.ledger.loadBatch(digest)).toBeUndefined();
    expect(() => store.get(digest)).toThrow("STORE_CLOSED");
  });
});
