// Wrong words of `npm run bench`: told before anything starts, with the remedy, and nothing is left. Each runs the program itself.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { readRows } from "../../../bench/rows.ts";
import { LedgerError } from "../../../src/errors.ts";

const MAIN = fileURLToPath(new URL("../../../bench/main.ts", import.meta.url));
const RUN_MS_MAX = 120_000;
const directory = mkdtempSync(join(tmpdir(), "linli-bench-words-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function bench(...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], {
    encoding: "utf8",
    env: { ...process.env, TMPDIR: directory },
  });
  return { status, stdout, stderr };
}

describe("wrong words", () => {
  it.each([
    [["peek"], 'no scenario or command "peek"'],
    [["peak", "twice"], 'what is "twice"'],
    [["peak", "--seconds", "x"], '--seconds is a whole number from 1 to 7200, not "x"'],
    [["latency", "--over", "one,one"], "each row once"],
    [["failover", "--over", "kill,hang"], "kill, freeze, slow, censor"],
    [["wan", "--over", "30,moon"], "china, world, or ms one way"],
    [["scale-n", "--over", "3"], "whole numbers from 4 to 31"],
    [["all", "--out", directory, "--over", "nothing"], "micro, peak"],
    [["peak", "--out", `${MAIN}/runs`], "may write"],
    [["peak", "--profile", `${MAIN}/x`], "may write"],
    [["peer", "other"], "cometbft and bft-smart"],
    [["compare", directory], "two files or directories"],
  ])(
    "A153: %j ends with code 2 and says what would be right, and nothing was started",
    (words, remedy) => {
      const { status, stdout, stderr } = bench(...words);
      expect(stderr).toContain(remedy);
      expect(stdout).toBe("");
      expect(status).toBe(2);
      expect(stderr).not.toContain("starting");
      expect(readdirSync(directory)).toEqual([]);
    },
    RUN_MS_MAX,
  );

  it(
    "A153: --help is no fault",
    () => {
      const { status, stdout } = bench("--help");
      expect(status).toBe(0);
      expect(stdout).toContain("--over LIST");
    },
    RUN_MS_MAX,
  );

  it.each(["failover", "wan", "scale-n", "scale-state", "catch-up"])(
    "A154: %s does not pretend to do with the nodes of others what it does with its own",
    (scenario) => {
      const { status, stderr } = bench(scenario, "--attach", "http://127.0.0.1:1");
      expect(stderr).toContain("BENCH_NOT_OWN_NODES");
      expect(status).toBe(2);
    },
    RUN_MS_MAX,
  );

  it(
    "A155: an option that changes nothing is told",
    () => {
      expect(bench("compare", directory, directory, "--rate", "5").stderr).toContain(
        "compare takes no notice of --rate",
      );
    },
    RUN_MS_MAX,
  );
});

describe("rows", () => {
  it("A153: words of rows are read, and anything else is refused", () => {
    expect(readRows(["one", "peak", "100000", "70%"]).map(({ load }) => load)).toEqual([
      { kind: "one" },
      { kind: "peak" },
      { kind: "rate", value: 100_000 },
      { kind: "share", value: 70 },
    ]);
    for (const word of ["", "0", "%", "1.5", "-1", "two"]) expect(() => readRows([word])).toThrow(LedgerError);
  });
});
