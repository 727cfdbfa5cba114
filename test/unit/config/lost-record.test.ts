// What happens to a vote record that is lost, damaged, old or restored, on a real file system.

import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import {
  decodeVoteRecord,
  emptyVoteRecord,
  encodeVoteRecord,
  type VoteRecord,
} from "../../../src/consensus/vote-record.ts";
import { beginRecovery, inspectRecord, type RecordPlace } from "../../../src/node/lost-record.ts";
import { openVoteRecordFile } from "../../../src/store/vote-record-file.ts";

const IDENTITY = { chainId: new Uint8Array(32).fill(9), publicKey: new Uint8Array(32).fill(8) };
let directory: string;
let place: RecordPlace;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "linli-votes-"));
  place = { ...IDENTITY, path: join(directory, "votes", "0808"), headRecordSequence: 7 };
});

async function save(change: Partial<VoteRecord>): Promise<void> {
  await rm(join(directory, "votes"), { recursive: true, force: true });
  await mkdir(join(directory, "votes"));
  const store = await openVoteRecordFile(place.path);
  await store.save(encodeVoteRecord({ ...emptyVoteRecord(IDENTITY), ...change }));
  await store.close();
}

async function load(): Promise<VoteRecord> {
  const store = await openVoteRecordFile(place.path);
  const loaded = await store.load();
  await store.close();
  const decoded = loaded.kind === "found" ? decodeVoteRecord(loaded.bytes) : undefined;
  if (decoded?.ok !== true) throw new Error(loaded.kind);
  return decoded.value;
}

async function stateOf(): Promise<string> {
  return (await inspectRecord(place)).state;
}

describe("a lost vote record", () => {
  test("A80: is told from one that is whole and the newest, which nothing touches", async () => {
    expect(await stateOf()).toBe("missing");
    await save({ sequence: 7 });
    expect(await stateOf()).toBe("present");
    await save({ sequence: 6 });
    expect(await stateOf()).toBe("old");
    await save({ sequence: 7, mustNotSign: "RECORD_LOST" });
    expect(await stateOf()).toBe("recovering");
    await writeFile(join(place.path, "a"), "no slot");
    expect(await stateOf()).toBe("corrupt");
    await save({ sequence: 7, publicKey: new Uint8Array(32).fill(1) });
    await expect(stateOf()).rejects.toThrow("VOTE_RECORD_FOREIGN");
  });

  test("A81: makes room for one that signs nothing, above every sequence that is known, and stays beside it", async () => {
    expect(await beginRecovery(place, await inspectRecord(place))).toBeUndefined();
    expect(await load()).toEqual({ ...emptyVoteRecord(IDENTITY), sequence: 8, mustNotSign: "RECORD_LOST" });
    await save({ sequence: 20, height: 5 });
    expect(await beginRecovery(place, await inspectRecord(place))).toBe(`${place.path}.lost-1`);
    expect(await load()).toMatchObject({ sequence: 21, mustNotSign: "RECORD_LOST", height: 0, floorHeight: 0 });
    await writeFile(join(place.path, "b"), "no slot");
    expect(await beginRecovery(place, await inspectRecord(place))).toBe(`${place.path}.lost-2`);
    expect(await load()).toMatchObject({ sequence: 8, mustNotSign: "RECORD_LOST" });
    expect((await readdir(join(directory, "votes"))).sort()).toEqual(["0808", "0808.lost-1", "0808.lost-2"]);
  });

  test("A81: a crash between the old and the new record leaves none, and it can be begun again", async () => {
    await save({ sequence: 3 });
    await rename(place.path, `${place.path}.lost-1`);
    expect(await stateOf()).toBe("missing");
    await beginRecovery(place, await inspectRecord(place));
    expect(await stateOf()).toBe("recovering");
  });
});
