// Looks for one planted bug: a copy of the sources, a process in it, and what its checkers said.
// Judges whether what was found is a rule that broke, or only a program that does not run.

import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Hunted } from "./hunt.ts";
import { type Mutant, plantedCopy } from "./mutant.ts";

/** A run of one seed takes seconds; one that says nothing for so long does not end. */
const SILENCE_MS = 900_000;
/** Not a rule that broke but a program that is none. */
const NONSENSE = /\b(TypeError|ReferenceError|SyntaxError)\b/;

export type Finding =
  | { readonly kind: "found"; readonly seeds: number; readonly by: string; readonly rule: string }
  | { readonly kind: "unfound"; readonly seeds: number }
  /** the bug is no bug of this simulator: it must be planted in another way */
  | { readonly kind: "nonsense"; readonly detail: string };

export async function findMutant(
  mutant: Mutant,
  limits: { readonly seedsMax: number; readonly secondsMax: number },
): Promise<Finding> {
  const folder = plantedCopy(mutant);
  try {
    return judge(await run(folder, mutant, limits));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function judge(hunted: Hunted | string): Finding {
  if (typeof hunted === "string") return { kind: "nonsense", detail: hunted };
  const seeds = Object.values(hunted.runs).reduce((sum, count) => sum + count, 0);
  const { found } = hunted;
  if (found === undefined) return { kind: "unfound", seeds };
  if (NONSENSE.test(found.failure)) return { kind: "nonsense", detail: found.failure };
  return { kind: "found", seeds, by: `${found.hunt} ${found.seed}`, rule: ruleOf(found.failure) };
}

/** The rule without what differs from run to run: times, nodes, hashes. */
export function ruleOf(failure: string): string {
  const [first = ""] = failure.split("\n");
  return first
    .replace(/^at \d+ ms: /, "")
    .replace(/\b[0-9a-f]{6,}\b(\/[0-9a-f]+)?/g, "#")
    .replace(/^(liveness|start): .*/, "$1: not everything is executed after calm")
    .replace(/\b(nodes?|validator) \d+( and \d+)?/g, "$1")
    .replace(/ +at ([^ ]+\/)?node_modules.*| +at file:.*/, "")
    .slice(0, 120)
    .trim();
}

function run(
  folder: string,
  { hunts, needs }: Mutant,
  { seedsMax, secondsMax }: { readonly seedsMax: number; readonly secondsMax: number },
): Promise<Hunted | string> {
  const script = join(folder, "test/sim/mutants/hunt.ts");
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", script, hunts.join(), `${seedsMax}`, `${secondsMax}`, needs ?? ""],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let said = "";
  let complaint = "";
  const silence = setTimeout(() => child.kill("SIGKILL"), SILENCE_MS);
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    silence.refresh();
    said += piece;
  });
  child.stderr.setEncoding("utf8").on("data", (piece: string) => {
    complaint += piece;
  });
  return new Promise((resolve) => {
    child.on("close", (code, signal) => {
      clearTimeout(silence);
      const last = said.trimEnd().split("\n").at(-1) ?? "";
      resolve(code === 0 ? (JSON.parse(last) as Hunted) : `ended with ${code ?? signal}: ${complaint.slice(0, 2_000)}`);
    });
  });
}
