// Key files and the vote record that is born with a validator's key, on a real file system.

import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { decodeVoteRecord, emptyVoteRecord, encodeVoteRecord } from "../../../src/consensus/vote-record.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import { verifyNative } from "../../../src/node/ed25519-native.ts";
import {
  bindVoteRecord,
  createKeyFile,
  createValidatorKey,
  loadKeyFile,
  voteRecordPath,
} from "../../../src/node/key-file.ts";
import { openVoteRecordFile } from "../../../src/store/vote-record-file.ts";

const CHAIN_ID = new Uint8Array(32).fill(9);
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "linli-keys-"));
});

async function recordOf(path: string) {
  const store = await openVoteRecordFile(path);
  const loaded = await store.load();
  await store.close();
  if (loaded.kind !== "found") return loaded.kind;
  const decoded = decodeVoteRecord(loaded.bytes);
  if (!decoded.ok) throw new Error(decoded.code);
  return decoded.value;
}

async function saveRecord(path: string, bytes: Uint8Array): Promise<void> {
  const store = await openVoteRecordFile(path);
  await store.save(bytes);
  await store.close();
}

describe("key files", () => {
  test("a key comes back as it was made, readable for its owner only", async () => {
    const file = join(directory, "new/place/clerk.key");
    const made = await createKeyFile(file, { kind: "account", account: "clerk" });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const loaded = await loadKeyFile(file, "account");
    expect(loaded.account).toBe("clerk");
    expect(loaded.seed).toEqual(made.seed);
    const message = new Uint8Array([1, 2, 3]);
    expect(verifyNative(1, made.signer.publicKey, message, loaded.signer.sign(message))).toBe(true);
    expect(await readdir(join(directory, "new/place"))).toEqual(["clerk.key"]);
  });

  test("two keys are never the same; a given seed is kept", async () => {
    const [one, two] = [
      await createKeyFile(join(directory, "1"), { kind: "peer" }),
      await createKeyFile(join(directory, "2"), { kind: "peer" }),
    ];
    expect(one.seed).not.toEqual(two.seed);
    const seed = new Uint8Array(32).fill(3);
    expect((await createKeyFile(join(directory, "3"), { kind: "peer", seed })).seed).toEqual(seed);
  });

  test("A15: a key is never overwritten", async () => {
    const file = join(directory, "a.key");
    await createKeyFile(file, { kind: "peer" });
    const before = await readFile(file, "utf8");
    await expect(createKeyFile(file, { kind: "peer" })).rejects.toMatchObject({ code: "KEY_FILE_EXISTS" });
    await expect(createValidatorKey({ keyFile: file, votesDirectory: join(directory, "votes") })).rejects.toMatchObject(
      { code: "KEY_FILE_EXISTS" },
    );
    const race = await Promise.allSettled(
      Array.from({ length: 8 }, () => createKeyFile(join(directory, "race.key"), { kind: "peer" })),
    );
    expect(race.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await readFile(file, "utf8")).toBe(before);
    expect((await readdir(directory)).sort()).toEqual(["a.key", "race.key"]);
  });

  test.each([0o640, 0o604, 0o666, 0o644, 0o610])(
    "A16: mode %o is refused with the command that cures it",
    async (mode) => {
      const file = join(directory, "a.key");
      await createKeyFile(file, { kind: "peer" });
      await chmod(file, mode);
      const error = await loadKeyFile(file, "peer").catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "KEY_FILE_OPEN_TO_OTHERS" });
      expect(String(error)).toContain(`chmod 600 ${file}`);
      await chmod(file, 0o400);
      await expect(loadKeyFile(file, "peer")).resolves.toBeDefined();
      await symlink(file, join(directory, "link.key"));
      await chmod(file, mode);
      await expect(loadKeyFile(join(directory, "link.key"), "peer")).rejects.toMatchObject({
        code: "KEY_FILE_OPEN_TO_OTHERS",
      });
    },
  );

  test("a key of one kind never stands in for another", async () => {
    const file = join(directory, "a.key");
    await createKeyFile(file, { kind: "peer" });
    await expect(loadKeyFile(file, "validator")).rejects.toMatchObject({
      code: "KEY_FILE_KIND",
      data: { found: "peer", expected: "validator" },
    });
  });

  test("a damaged file is refused, and no error ever holds the seed", async () => {
    const file = join(directory, "a.key");
    const { seed } = await createKeyFile(file, { kind: "account", account: "clerk" });
    const text = await readFile(file, "utf8");
    const damaged = [
      text.slice(0, -10),
      text.replace(toHex(seed), "00".repeat(32)),
      text.replace(toHex(seed), toHex(seed).slice(2)),
      text.replace('"suite": 1', '"suite": 2'),
      text.replace('"kind"', '"sort"'),
      text.replace("{", '{"extra": 1,'),
      "",
      "x".repeat(10_000),
    ];
    for (const content of damaged) {
      await writeFile(file, content, { mode: 0o600 });
      const error = await loadKeyFile(file, "account").catch((thrown: unknown) => thrown);
      expect(error, content.slice(0, 40)).toMatchObject({ code: "KEY_FILE_INVALID" });
      expect(`${String(error)}${JSON.stringify(error)}`).not.toContain(toHex(seed).slice(2, 20));
    }
    await expect(loadKeyFile(join(directory, "none"), "peer")).rejects.toMatchObject({ code: "KEY_FILE_MISSING" });
    await mkdir(join(directory, "folder"));
    await expect(loadKeyFile(join(directory, "folder"), "peer")).rejects.toMatchObject({ code: "KEY_FILE_INVALID" });
  });
});

describe("the vote record of a validator's key", () => {
  const make = async () => {
    const votesDirectory = join(directory, "votes");
    const { signer } = await createValidatorKey({ keyFile: join(directory, "validator.key"), votesDirectory });
    return { publicKey: signer.publicKey, path: voteRecordPath(votesDirectory, signer.publicKey) };
  };

  test("A17: is there with the key, belongs to no chain, and is bound by the first start", async () => {
    const { publicKey, path } = await make();
    expect(await recordOf(path)).toEqual(emptyVoteRecord({ chainId: new Uint8Array(32), publicKey }));
    await bindVoteRecord({ path, publicKey, chainId: CHAIN_ID });
    expect(await recordOf(path)).toEqual(emptyVoteRecord({ chainId: CHAIN_ID, publicKey }));
  });

  test("A18: a bound record never moves to another chain, and one that has voted is left alone", async () => {
    const { publicKey, path } = await make();
    await bindVoteRecord({ path, publicKey, chainId: CHAIN_ID });
    await bindVoteRecord({ path, publicKey, chainId: new Uint8Array(32).fill(8) });
    expect(await recordOf(path)).toMatchObject({ chainId: CHAIN_ID });
    const voted = { ...emptyVoteRecord({ chainId: new Uint8Array(32), publicKey }), sequence: 4, height: 2 };
    await saveRecord(path, encodeVoteRecord(voted));
    await bindVoteRecord({ path, publicKey, chainId: CHAIN_ID });
    expect(await recordOf(path)).toEqual(voted);
  });

  test("A19: a key restored without its record stays without: nothing makes a new one", async () => {
    const { publicKey, path } = await make();
    await rm(path, { recursive: true, force: true });
    await bindVoteRecord({ path, publicKey, chainId: CHAIN_ID });
    expect(await recordOf(path)).toBe("missing");
  });

  test("each key has its own record", async () => {
    const votesDirectory = join(directory, "votes");
    const keys = [];
    for (const name of ["old", "new"])
      keys.push(await createValidatorKey({ keyFile: join(directory, name), votesDirectory }));
    const [before, after] = keys.map(({ signer }) => voteRecordPath(votesDirectory, signer.publicKey));
    expect(before).not.toBe(after);
  });
});
