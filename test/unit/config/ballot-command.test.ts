// `linli ballot` without a node: the key file of a key organisation, and words that are wrong.
// Sealing and opening against a ledger: vote-history.test.ts and the devnet's day.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newBallotKey } from "../../../src/client/ballot.ts";
import { PROGRAM } from "../../../src/installation.ts";
import { fromHex, toHex } from "../../../src/ledger/hash.ts";

const MAIN = fileURLToPath(PROGRAM);

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "linli-ballot-"));
});
afterAll(() => rm(directory, { recursive: true }));

function linli(...words: readonly string[]): Promise<{ readonly code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, "ballot", ...words]);
    let out = "";
    let err = "";
    child.stdout.on("data", (data) => (out += data));
    child.stderr.on("data", (data) => (err += data));
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

test("L208: the key of a motion is its owner's alone, fits what is printed, and is never overwritten", async () => {
  const file = join(directory, "lifts.key");
  const made = await linli("key", "lifts-1", "--out", file);
  expect(made.code).toBe(0);
  expect((await stat(file)).mode & 0o077).toBe(0);
  const saved = JSON.parse(await readFile(file, "utf8"));
  const secret: unknown = saved.publish_key.secret.hex;
  const key = newBallotKey(fromHex(String(secret)));
  expect(JSON.parse(made.out)).toEqual({
    contract: "owners-vote",
    action: "offer_key",
    args: {
      motion: "lifts-1",
      public: { hex: toHex(key.publicKey) },
      secret_hash: { hex: toHex(key.secretHash) },
    },
  });
  expect(made.out + made.err).not.toContain(String(secret));
  const again = await linli("key", "lifts-1", "--out", file);
  expect([again.code, again.err]).toEqual([1, expect.stringContaining("FILE_EXISTS")]);
}, 60_000);

test("L209: a choice that there is not is refused before any node is asked", async () => {
  const text = join(directory, "text.txt");
  await writeFile(text, "text");
  const refused = await linli("seal", "lifts-1", "h1", "yes", "--text", text, "--url", "http://127.0.0.1:1");
  expect([refused.code, refused.err]).toEqual([2, expect.stringContaining("for, against, abstain")]);
}, 60_000);
