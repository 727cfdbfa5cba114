// Directories are made with those around them, or refused in bounded time where none can be.

import { mkdtemp, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeDirectory } from "../../../src/node/make-directory.ts";

test("a directory is made for its owner alone, with those around it, and a second time nothing changes", async () => {
  const root = await mkdtemp(join(tmpdir(), "linli-directory-"));
  const path = join(root, "a", "b", "c");
  await Promise.all([makeDirectory(path), makeDirectory(path)]);
  await makeDirectory(path);
  const found = await stat(path);
  expect([found.isDirectory(), found.mode & 0o777]).toEqual([true, 0o700]);
});

test("below a file there is none", async () => {
  const file = join(await mkdtemp(join(tmpdir(), "linli-directory-")), "file");
  await writeFile(file, "");
  await expect(makeDirectory(join(file, "a"))).rejects.toMatchObject({ code: "ENOTDIR" });
});

test.runIf(process.platform === "linux")("where the system takes none, the answer comes at once", async () => {
  await expect(makeDirectory("/proc/linli/a")).rejects.toMatchObject({ code: "ENOENT" });
});
