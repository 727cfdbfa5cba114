// `npm run mutate:rules -- [--sample N] [--file NAME]...`: breaks the rule language in one place at a time and asks whether the tests notice.
// It changes no file; it ends with `N of M mutants found`.

import { fork } from "node:child_process";
import { globSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Random } from "../sim/random.ts";
import { EQUIVALENT } from "./equivalent-mutants.ts";
import type { KnownTest, Order, Report } from "./mutant-runner.ts";
import { type Mutant, mutate } from "./mutants.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const RUNNER = fileURLToPath(new URL("mutant-runner.ts", import.meta.url));
/** What runs in one process without a file system of its own; the rest of `npm test` finds more, never less. */
const PROGRAMS = "test/rules/mutant-programs.ts";
const TESTS = [
  ...globSync("test/unit/contracts/*.test.ts", {
    cwd: ROOT,
    exclude: ["**/{commands,format,guide,proposal,words,schema}.test.ts"],
  }),
  "test/rules/reference.test.ts",
  "test/rules/syntax.test.ts",
  PROGRAMS,
  "test/conformance/conformance.test.ts",
  "test/hostile-contracts/hostile-contracts.test.ts",
].sort();
/** One mutant takes part of a second; one that never asks again does not end. */
const SILENCE_MS = 180_000;
/** Modules of old worlds stay in memory. */
const PER_PROCESS = 500;
const PER_PROCESS_FRESH = 40;
const FOUND_MIN = 0.95;

type Take = (report: Report) => void;

/** Runs one process to its end; false when it was silent for too long, or ended before its work did. */
function run(order: Order, take: Take): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const runner = fork(RUNNER, {
      serialization: "advanced",
      execArgv: ["--disable-warning=ExperimentalWarning"],
      cwd: ROOT,
    });
    const silence = setTimeout(() => runner.kill("SIGKILL"), SILENCE_MS);
    runner.on("message", (report: Report) => {
      silence.refresh();
      take(report);
    });
    runner.once("exit", (code) => {
      clearTimeout(silence);
      if (code === 1) reject(new Error("the runner failed"));
      resolve(code === 0);
    });
    runner.send(order);
  });
}

async function learn(): Promise<readonly KnownTest[]> {
  const tests: KnownTest[] = [];
  const isDone = await run({ kind: "learn", files: TESTS }, (report) => {
    if (report.kind === "broken") throw new Error(`fails without a mutant: ${report.name}: ${report.message}`);
    if (report.kind === "learned") tests.push(...report.tests);
  });
  if (!isDone) throw new Error("the tests do not end without a mutant");
  return tests;
}

/** The mutants that were not found. */
async function tryAll(
  mutants: readonly Mutant[],
  { tests, isFresh }: { readonly tests: readonly KnownTest[]; readonly isFresh: boolean },
): Promise<readonly Mutant[]> {
  const left = [...mutants];
  const survived: Mutant[] = [];
  while (left.length > 0) {
    const ids = left.slice(0, isFresh ? PER_PROCESS_FRESH : PER_PROCESS).map(({ id }) => id);
    const isDone = await run({ kind: "try", tests, ids, isFresh }, (report) => {
      if (report.kind === "learned") return;
      const mutant = left.shift();
      if (mutant === undefined) return;
      // What a mutant left behind in a loaded module says nothing: it is tried again in its own.
      if (report.kind === "broken") console.log(`${nameOf(mutant)} leaves something behind: ${report.name}`);
      if (report.kind === "broken" || report.finder === undefined) survived.push(mutant);
    });
    if (!isDone && left.length > 0) console.log(`does not end: ${nameOf(left.shift())}`);
    console.log(`${survived.length} unfound, ${left.length} left`);
  }
  return survived;
}

function nameOf(mutant: Mutant | undefined): string {
  return mutant === undefined ? "" : `src/contracts/${mutant.file}:${mutant.line} (${mutant.kind})`;
}

function chosenMutants({
  sample,
  file,
}: {
  readonly sample?: string;
  readonly file?: readonly string[];
}): readonly Mutant[] {
  const { mutants } = mutate(fileURLToPath(new URL("../../src/contracts", import.meta.url)));
  const ofFile = mutants.filter((mutant) => file === undefined || file.includes(mutant.file));
  return sample === undefined ? ofFile : new Random(1).shuffled(ofFile).slice(0, Number(sample));
}

function isEquivalent({ file, after }: Mutant): boolean {
  return EQUIVALENT.some((known) => known.file === file && known.after === after);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { sample: { type: "string" }, file: { type: "string", multiple: true } } });
  const mutants = chosenMutants(values);
  const tests = await learn();
  console.log(`${tests.length} tests pass without a mutant`);
  const unfound = await tryAll(mutants, { tests, isFresh: false });
  const whenLoaded = new Set(
    tests.filter(({ file, index }) => file === PROGRAMS && index < 0).flatMap(({ hits }) => [...hits]),
  );
  const again = unfound.filter(({ id }) => whenLoaded.has(id));
  const survivors = [
    ...unfound.filter(({ id }) => !whenLoaded.has(id)),
    ...(await tryAll(again, { tests, isFresh: true })),
  ].sort((left, right) => left.id - right.id);
  const open = survivors.filter((mutant) => !isEquivalent(mutant));
  for (const mutant of open) console.log(`survived: ${nameOf(mutant)}\n  ${mutant.before}\n  ${mutant.after}`);
  const equivalent = survivors.length - open.length;
  console.log(`${equivalent} equivalent, with reasons in test/rules/equivalent-mutants.ts`);
  const counted = mutants.length - equivalent;
  console.log(`${counted - open.length} of ${counted} mutants found`);
  process.exitCode = counted - open.length >= FOUND_MIN * counted ? 0 : 1;
}

await main();
