// `npm run mutate:rules -- [--sample N] [--file NAME]`: breaks the rule language in one place at a time and asks whether the tests notice.
// Works on a copy of the tree, never in it; ends with `N of M mutants found`.

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Random } from "../sim/random.ts";
import { listMutants, type Mutant, SUPPORT } from "./mutants.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const COPIED = ["src", "test", "package.json", "tsconfig.json", "vitest.config.ts"];
const CONTRACTS = "src/contracts";
const VITEST = join(ROOT, "node_modules/vitest/vitest.mjs");
/** A mutant that does not end is found. */
const TIMEOUT_MS = 90_000;
/** Quick tests that find most, then one hash over 10,000 programs, then the rest. */
const QUICK = [
  ...["expressions", "contract-check", "accounts", "state-keys"].map(unit),
  "test/rules/reference.test.ts",
  "test/rules/syntax.test.ts",
];
const SLOWER = [
  ...["execution", "deploy", "indexes", "calls", "upgrade", "metering", "analysis", "worst-case", "hostile"].map(unit),
  "test/unit/library/library.test.ts",
  "test/conformance",
  "test/hostile-contracts",
];

const RUNNING =
  /^(?:action-run|arithmetic|calendar|compile-|execute|functions|gas|frame|payment|row-layout|state-keys|text)/;
const PROGRESS_EACH = 20;

function unit(name: string): string {
  return `test/unit/contracts/${name}.test.ts`;
}

interface Check {
  readonly name: string;
  /** whether the tree as it is passes */
  readonly passes: () => boolean;
}

class Workplace {
  readonly folder = mkdtempSync(join(tmpdir(), "linli-mutate-"));

  constructor() {
    for (const name of COPIED) cpSync(join(ROOT, name), join(this.folder, name), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(this.folder, "node_modules"));
    for (const { file, mark, insert } of SUPPORT) {
      const text = readFileSync(this.path(file), "utf8");
      if (!text.includes(mark)) throw new Error(`${file} has no ${mark}`);
      writeFileSync(this.path(file), text.replace(mark, mark + insert.replaceAll("\n", " ")));
    }
  }

  path(file: string): string {
    return join(this.folder, CONTRACTS, file);
  }

  /** Standard output, or undefined when it fails or does not end. */
  run(args: readonly string[]): string | undefined {
    const { status, stdout } = spawnSync(process.execPath, args, {
      cwd: this.folder,
      encoding: "utf8",
      timeout: TIMEOUT_MS,
    });
    return status === 0 ? stdout : undefined;
  }

  vitest(files: readonly string[]): boolean {
    const options = ["--bail=1", "--pool=threads", "--no-isolate", "--no-file-parallelism", "--reporter=dot"];
    return this.run([VITEST, "run", ...options, ...files]) !== undefined;
  }

  /** With one line of a file changed while `ask` runs. */
  with<T>({ file, line, after }: Mutant, ask: () => T): T {
    const text = readFileSync(this.path(file), "utf8");
    const lines = text.split("\n");
    lines[line - 1] = after;
    writeFileSync(this.path(file), lines.join("\n"));
    try {
      return ask();
    } finally {
      writeFileSync(this.path(file), text);
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function checksOf(work: Workplace): readonly Check[] {
  const usual = work.run(["test/rules/determinism-program.ts"]);
  const all: readonly Check[] = [
    { name: "quick tests", passes: () => work.vitest(QUICK) },
    { name: "10,000 programs", passes: () => work.run(["test/rules/determinism-program.ts"]) === usual },
    { name: "@bufbuild/cel", passes: () => work.run(["test/rules/fuzz.ts", "--count", "3000"]) !== undefined },
  ];
  // What fails without a mutant says nothing about one.
  const usable = all.filter(({ name, passes }) => isUsable(name, passes()));
  const slower = SLOWER.filter((file) => isUsable(file, work.vitest([file])));
  return [...usable, { name: "the other tests", passes: () => work.vitest(slower) }];
}

function isUsable(name: string, passed: boolean): boolean {
  if (!passed) console.log(`fails without any mutant and is left out: ${name}`);
  return passed;
}

/** What is about running is noticed by programs first, what is about reading and checking by tests. */
function inOrderFor({ file, kind }: Mutant, checks: readonly Check[]): readonly Check[] {
  const [quick, programs, ...others] = checks;
  if (quick === undefined || programs === undefined || kind === "check" || !RUNNING.test(file)) return checks;
  return [programs, quick, ...others];
}

function chosenMutants(
  work: Workplace,
  { sample, file }: { readonly sample: string | undefined; readonly file: string | undefined },
): readonly Mutant[] {
  const all = listMutants(join(work.folder, CONTRACTS)).filter((mutant) => file === undefined || mutant.file === file);
  if (sample === undefined) return all;
  return new Random(1).shuffled(all).slice(0, Number(sample));
}

function main(): void {
  const { values } = parseArgs({ options: { sample: { type: "string" }, file: { type: "string" } } });
  const work = new Workplace();
  try {
    const mutants = chosenMutants(work, { sample: values.sample, file: values.file });
    const checks = checksOf(work);
    const found = new Map<string, number>();
    let survived = 0;
    for (const [index, mutant] of mutants.entries()) {
      if (index > 0 && index % PROGRESS_EACH === 0) console.log(`${index - survived} of ${index} so far`);
      const finder = work.with(mutant, () => inOrderFor(mutant, checks).find(({ passes }) => !passes()));
      if (finder !== undefined) found.set(finder.name, (found.get(finder.name) ?? 0) + 1);
      else {
        survived += 1;
        console.log(
          `survived: ${CONTRACTS}/${mutant.file}:${mutant.line} (${mutant.kind})\n  ${mutant.before}\n  ${mutant.after.trim()}`,
        );
      }
    }
    for (const [name, count] of found) console.log(`${count} found by ${name}`);
    console.log(`${mutants.length - survived} of ${mutants.length} mutants found`);
    process.exitCode = (mutants.length - survived) / mutants.length >= 0.95 ? 0 : 1;
  } finally {
    work.remove();
  }
}

main();
