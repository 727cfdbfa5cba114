// One real run, as short as can be: four node processes, a client process, a record, and the line at the end.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { faultsOf } from "../../../bench/bundle.ts";
import { loadRecords } from "../../../bench/record.ts";

const MAIN = fileURLToPath(new URL("../../../bench/main.ts", import.meta.url));
const RUN_MS_MAX = 240_000;
const directory = mkdtempSync(join(tmpdir(), "linli-bench-test-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

it(
  "A142: a run ends with one line of JSON that follows from its record, and says that every node verified",
  async () => {
    const words = [
      "latency",
      "--rate",
      "20",
      "--seconds",
      "1",
      "--warm-up",
      "1",
      "--in-flight",
      "10",
      "--payload",
      "evening",
    ];
    const child = spawn(process.execPath, [MAIN, ...words, "--repeat", "2", "--json", "--out", directory], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [out, progress] = ["", ""];
    child.stdout.on("data", (piece) => {
      out += String(piece);
    });
    child.stderr.on("data", (piece) => {
      progress += String(piece);
    });
    const [code] = (await once(child, "exit")) as [number | null];
    expect(code, progress).toBe(0);
    expect(out.trimEnd().split("\n")).toHaveLength(1);
    const line = JSON.parse(out) as Record<string, unknown>;
    expect(line).toMatchObject({ scenario: "latency", n: 4, missing: 0, verifiedByEveryNode: true, repetitions: 2 });
    expect(line.committed).toBe(line.offered);
    expect(line.committed).toBeGreaterThan(10);
    expect(line.p50Ms).toBeGreaterThan(1);
    const [record] = await loadRecords(directory);
    expect(record?.words).toContain("evening");
    expect(faultsOf(record!)).toEqual([]);
  },
  RUN_MS_MAX,
);
