// `npm test`: types, lint, then every test; ends with one line that counts them, and fails if anything failed.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface VitestSummary {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly success: boolean;
}

function run(tool: string, args: readonly string[]): boolean {
  // npm puts node_modules/.bin first in PATH, and with it the pinned Node.
  const finished = spawnSync(tool, args, { stdio: "inherit" });
  return finished.status === 0;
}

const folder = mkdtempSync(join(tmpdir(), "linli-test-"));
const report = join(folder, "report.json");
const typesAreRight = run("tsc", ["--noEmit"]);
const lintIsClean = run("biome", ["check", "--error-on-warnings"]);
const testsPassed = run("vitest", [
  "run",
  "--reporter=default",
  "--reporter=json",
  `--outputFile.json=${report}`,
  ...process.argv.slice(2),
]);
let passed = 0;
let failed = 1;
let skipped = 0;
try {
  const summary = JSON.parse(readFileSync(report, "utf8")) as VitestSummary;
  passed = summary.numPassedTests;
  failed = summary.numFailedTests;
  skipped = summary.numPendingTests;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const isGood = typesAreRight && lintIsClean && testsPassed && failed === 0 && passed > 0;
if (!typesAreRight) console.log("type check failed");
if (!lintIsClean) console.log("lint failed");
console.log(`${passed} passed, ${isGood ? 0 : Math.max(1, failed)} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = isGood ? 0 : 1;
