// Every scenario one after the other, each in a process of its own, as a reference run of a machine: records, report and how long
// it took. What each measures stands in the scenario; here stands only which, and with which options.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));

/** About two and a half hours on a machine of its own, a third of it `soak` and `rush`. */
export const REFERENCE_RUNS: readonly string[] = [
  "micro --repeat 5",
  "peak --repeat 5 --profile OUT/peak.cpuprofile",
  "peak --repeat 3 --calls 100 --profile OUT/envelopes.cpuprofile",
  "peak --repeat 3 --payload telemetry",
  "peak --repeat 3 --payload evening",
  "peak --repeat 3 --payload vote",
  "peak --repeat 3 --payload digest",
  "latency --repeat 5",
  "ramp",
  "failover --repeat 5",
  "wan --repeat 3",
  "scale-n --repeat 3",
  "scale-state --repeat 3",
  "catch-up --repeat 3",
  "read-mix --repeat 3",
  "rush",
  "soak",
];

export interface AllResult {
  readonly words: string;
  readonly exitCode: number;
  readonly seconds: number;
}

/** @param runs some of them; @param out directory; @returns what became of each: one that fails does not keep the others from running */
export async function runAll(
  runs: readonly string[],
  out: string,
  say: (line: string) => void,
): Promise<readonly AllResult[]> {
  const results: AllResult[] = [];
  for (const [index, words] of runs.entries()) {
    say(`--- ${index + 1} of ${runs.length}: ${words}`);
    const startedMs = Date.now();
    const given = words.replaceAll("OUT", out).split(" ");
    const child = spawn(process.execPath, [MAIN, ...given, "--json", "--out", out], {
      stdio: ["ignore", "inherit", "inherit"],
    });
    const stop = (): void => void child.kill("SIGTERM");
    process.once("exit", stop);
    const [code] = (await once(child, "exit")) as [number | null];
    process.off("exit", stop);
    results.push({ words, exitCode: code ?? 1, seconds: Math.round((Date.now() - startedMs) / 1000) });
  }
  return results;
}
