import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LedgerError } from "../../../src/errors.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import type { WriteOperation } from "../../../src/ports.ts";
import { openLevelStore } from "../../../src/store/level-store.ts";

const TEXT = new TextEncoder();
const WHOLE = { from: Uint8Array.of(0), to: Uint8Array.of(0xff), limit: 100_000 };

function rowsOf(start: number, end: number, valueBytes: number): WriteOperation[] {
  return [...Array(end - start).keys()].map((index) => ({
    kind: "put",
    key: TEXT.encode(`a common prefix of keys ${String(start + index).padStart(6, "0")}`),
    value: Uint8Array.from({ length: valueBytes }, (_, at) => ((start + index) * 31 + at * 7) & 255),
  }));
}

describe("a store damaged on disk", () => {
  let directory: string;
  let original: string;
  let copy: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "linli-damage-"));
    original = join(directory, "original");
    copy = join(directory, "copy");
  });

  afterEach(() => rm(directory, { recursive: true }));

  /** Rows in table files (each reopening writes one), and in the log. */
  async function build(batches: readonly WriteOperation[][]): Promise<void> {
    for (const batch of batches) {
      const store = await openLevelStore(original);
      for (let start = 0; start < batch.length; start += 10)
        await store.write(batch.slice(start, start + 10), { sync: true });
      await store.close();
    }
  }

  async function contentOf(path: string): Promise<string> {
    const store = await openLevelStore(path);
    try {
      const rows = await store.scan(WHOLE);
      for (const [key, value] of rows) if (toHex(store.get(key) ?? key) !== toHex(value)) return "scan and get differ";
      return rows.map(([key, value]) => `${toHex(key)}=${toHex(value)}`).join("\n");
    } finally {
      await store.close();
    }
  }

  /** What a restart finds after the change: an error's code, or everything that is stored. */
  async function restartWith(name: string, content: Uint8Array): Promise<string> {
    await rm(copy, { recursive: true, force: true });
    await cp(original, copy, { recursive: true });
    await writeFile(join(copy, name), content);
    try {
      return await contentOf(copy);
    } catch (error) {
      if (error instanceof LedgerError) return error.code;
      throw error;
    }
  }

  /** As `restartWith`, but in place while restarts are refused: a refused start changes nothing on disk. */
  async function isRefused(name: string, content: Uint8Array, position: number): Promise<boolean> {
    await writeFile(join(original, name), flipped(content, position));
    try {
      await (await openLevelStore(original)).close();
      return false;
    } catch (error) {
      if (error instanceof LedgerError && error.code === "STORE_CORRUPT") return true;
      throw error;
    } finally {
      await writeFile(join(original, name), content);
    }
  }

  async function filesInUse(): Promise<readonly string[]> {
    return (await readdir(original)).filter((name) => /\.(ldb|log)$|^(MANIFEST|CURRENT)/.test(name)).sort();
  }

  function flipped(content: Uint8Array, position: number): Uint8Array {
    const changed = Uint8Array.from(content);
    changed[position] = (changed[position] ?? 0) ^ (1 << (position % 8));
    return changed;
  }

  it("D40: one flipped bit in any byte of any file stops the start", async () => {
    await build([rowsOf(0, 25, 20), rowsOf(25, 45, 20), rowsOf(45, 60, 20)]);
    await cp(original, copy, { recursive: true });
    const expected = await contentOf(copy);
    expect(expected.split("\n").length).toBe(60);
    const files = await filesInUse();
    expect(files.map((name) => name.replace(/[-\d]+/, ""))).toEqual([".ldb", ".ldb", ".log", "CURRENT", "MANIFEST"]);
    for (const name of files) {
      const content = await readFile(join(original, name));
      for (let position = 0; position < content.length; position += 1) {
        // LevelDB alone would open most of these, with rows changed or missing.
        expect(await isRefused(name, content, position), `${name}, byte ${position}`).toBe(true);
      }
    }
    expect(await contentOf(original)).toBe(expected);
  }, 120_000);

  it("D40: large tables with compressed indexes and filters are checked as well", async () => {
    await build([rowsOf(0, 5_000, 60), rowsOf(5_000, 5_010, 60)]);
    await cp(original, copy, { recursive: true });
    const expected = await contentOf(copy);
    expect(expected.split("\n").length).toBe(5_010);
    const [table] = await filesInUse();
    const content = await readFile(join(original, table ?? ""));
    expect(content.length).toBeGreaterThan(100_000);
    const everywhere = [...Array(40).keys()].map((index) => Math.floor((index * content.length) / 40));
    const indexAndFooter = [...Array(60).keys()].map((index) => content.length - 1 - index * 53);
    for (const position of [...everywhere, ...indexAndFooter]) {
      expect(await isRefused(table ?? "", content, position), `byte ${position}`).toBe(true);
    }
  }, 120_000);

  it("D41: a log cut short is what a crash leaves: what stands before the cut is all there", async () => {
    await build([rowsOf(0, 10, 20), rowsOf(10, 40, 20)]);
    const log = (await filesInUse()).find((name) => name.endsWith(".log")) ?? "";
    const content = await readFile(join(original, log));
    await cp(original, copy, { recursive: true });
    const all = (await contentOf(copy)).split("\n");
    const counts = new Set<number>();
    for (let length = 0; length <= content.length; length += 43) {
      const rows = (await restartWith(log, content.subarray(0, length))).split("\n");
      expect(rows).toEqual(all.slice(0, rows.length));
      expect(rows.length % 10).toBe(0);
      counts.add(rows.length);
    }
    expect([...counts]).toEqual([10, 20, 30]);
  });

  it("D42: a directory without CURRENT is not taken for a new store", async () => {
    await build([rowsOf(0, 5, 5), rowsOf(5, 6, 5)]);
    await rm(join(original, "CURRENT"));
    await expect(openLevelStore(original)).rejects.toThrow("STORE_CORRUPT");
  });

  it("D43: the error names file and place and says what to do, at every start", async () => {
    await build([rowsOf(0, 25, 20), rowsOf(25, 26, 20)]);
    const table = (await filesInUse()).find((name) => name.endsWith(".ldb")) ?? "";
    await writeFile(join(original, table), flipped(await readFile(join(original, table)), 40));
    for (let start = 0; start < 2; start += 1) {
      await expect(openLevelStore(original)).rejects.toMatchObject({
        code: "STORE_CORRUPT",
        data: { file: table, offset: 0 },
      });
      await expect(openLevelStore(original)).rejects.toThrow("rebuilt from peers");
    }
  });

  it("D44: a store that is open elsewhere says so", async () => {
    const store = await openLevelStore(original);
    await store.write(rowsOf(0, 5, 5), { sync: true });
    await expect(openLevelStore(original)).rejects.toMatchObject({ code: "STORE_LOCKED" });
    await store.close();
    await (await openLevelStore(original)).close();
  });
});
