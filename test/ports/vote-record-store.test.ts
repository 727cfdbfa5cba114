// One suite for every vote record store: what the port promises, on the real one and on the fake.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { VoteRecordStore } from "../../src/ports.ts";
import { MemoryVoteRecord } from "../../src/store/memory-vote-record.ts";
import { openVoteRecordFile } from "../../src/store/vote-record-file.ts";

function record(length: number, seed: number): Uint8Array {
  return new Uint8Array(length).fill(seed);
}

describe.each(["file", "memory"])("vote record store: %s", (kind) => {
  let directory: string;
  let store: VoteRecordStore;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "linli-votes-"));
    store = kind === "memory" ? new MemoryVoteRecord() : await openVoteRecordFile(join(directory, "votes"));
  });

  afterEach(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });

  it("D20: is missing until the first save, then always the newest one", async () => {
    expect(await store.load()).toEqual({ kind: "missing" });
    for (const [index, length] of [5, 0, 3_000, 200_000, 7].entries()) {
      await store.save(record(length, index));
      expect(await store.load()).toEqual({ kind: "found", bytes: record(length, index) });
    }
  });

  it("D21: saves that are asked for together happen in order", async () => {
    await Promise.all([...Array(20).keys()].map((seed) => store.save(record(100 + seed, seed))));
    expect(await store.load()).toEqual({ kind: "found", bytes: record(119, 19) });
  });

  it("D22: neither the caller's buffer nor the loaded one is the record", async () => {
    const bytes = record(10, 1);
    const saving = store.save(bytes);
    bytes.fill(2);
    await saving;
    const loaded = await store.load();
    if (loaded.kind === "found") loaded.bytes.fill(3);
    expect(await store.load()).toEqual({ kind: "found", bytes: record(10, 1) });
  });

  it("D23: takes nothing after it is closed", async () => {
    await store.save(record(1, 1));
    await store.close();
    await expect(store.save(record(1, 2))).rejects.toThrow("VOTE_RECORD_CLOSED");
  });
});
