// One process that runs the tests of the rule language against mutants: sources and tests are read once, only tests that come by a
// mutant are run, the likeliest and cheapest first, up to the first failure. Started by mutate.ts; it writes nothing.

import { readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { type CollectedTest, collect } from "./collect.ts";
import { type MutatedSources, mutate } from "./mutants.ts";

const ROOT = new URL("../../", import.meta.url);
const CONTRACTS = new URL("src/contracts/", ROOT).href;
const COLLECT = new URL("collect.ts", import.meta.url).href;
/** Modules that know contracts: a world has its own of each. All others are shared by the worlds. */
const OF_WORLD = [CONTRACTS, new URL("test/", ROOT).href];
/** Questions asked by a test without a mutant, this many times over: one that asks more does not end. */
const ENDLESS = 20;
const ENDLESS_MIN = 5_000_000;
/** A mutant is given tests until they would take this long without it; the longest one takes two seconds on a machine of its own, several beside others. */
const BUDGET_MS = 10_000;
/** The tests named after a source are the likeliest to know it. */
const NAMESAKE = 20;

/** What a test does when nothing is broken. */
export interface KnownTest {
  readonly file: string;
  /** position in its file; -1 for what happens when the file is loaded */
  readonly index: number;
  readonly name: string;
  readonly durationMs: number;
  readonly questions: number;
  /** ids of the mutants it comes by, ascending */
  readonly hits: Uint16Array;
  /** what it returned: a test that returns something else fails */
  readonly result: unknown;
}

export type Order =
  | { readonly kind: "learn"; readonly files: readonly string[] }
  | {
      readonly kind: "try";
      readonly tests: readonly KnownTest[];
      readonly ids: readonly number[];
      readonly isFresh: boolean;
    };

export type Report =
  | { readonly kind: "learned"; readonly tests: readonly KnownTest[] }
  | { readonly kind: "broken"; readonly name: string; readonly message: string }
  | { readonly kind: "tried"; readonly id: number; readonly finder: string | undefined; readonly message: string };

class Worlds {
  readonly hits: Uint8Array;
  questions = 0;
  questionsMax = Number.MAX_SAFE_INTEGER;
  /** the mutant that is broken now; -1: none */
  active = -1;
  #world = 0;
  readonly #sources: MutatedSources;
  readonly #texts = new Map<string, string>();

  constructor(sources: MutatedSources) {
    this.#sources = sources;
    this.hits = new Uint8Array(sources.mutants.length);
    Object.assign(globalThis, { $mutant: (id: number) => this.#ask(id) });
    registerHooks({
      resolve: (specifier, context, next) => {
        if (specifier === "vitest" && context.parentURL !== COLLECT) return { url: COLLECT, shortCircuit: true };
        const resolved = next(specifier, context);
        const world = new URL(context.parentURL ?? ROOT).search;
        const isOwn = world !== "" && OF_WORLD.some((folder) => resolved.url.startsWith(folder));
        return isOwn ? { ...resolved, url: resolved.url + world } : resolved;
      },
      load: (url, context, next) =>
        url.endsWith(".ts") || url.includes(".ts?")
          ? { format: "module", source: this.#textOf(url), shortCircuit: true }
          : next(url, context),
    });
  }

  /** From now on modules that nobody has used. */
  renew(): void {
    this.#world += 1;
  }

  /** The tests of a file. */
  async load(file: string): Promise<readonly CollectedTest[]> {
    return collect(() => import(new URL(`${file}?${this.#world}`, ROOT).href));
  }

  #ask(id: number): boolean {
    this.hits[id] = 1;
    this.questions += 1;
    if (this.questions > this.questionsMax) throw new Error("does not end");
    return id === this.active;
  }

  #textOf(url: string): string {
    const path = url.split("?", 1)[0] ?? url;
    const known = this.#texts.get(path);
    if (known !== undefined) return known;
    const mutated = path.startsWith(CONTRACTS) ? this.#sources.texts.get(path.slice(CONTRACTS.length)) : undefined;
    const text = mutated ?? stripTypeScriptTypes(readFileSync(fileURLToPath(path), "utf8"));
    this.#texts.set(path, text);
    return text;
  }
}

// ---- without a mutant ----

/** File by file: whoever waits sees that it goes on. */
async function learn(worlds: Worlds, files: readonly string[]): Promise<void> {
  for (const file of files) await send(await learnFile(worlds, file));
}

async function learnFile(worlds: Worlds, file: string): Promise<Report> {
  const tests: KnownTest[] = [];
  let collected: readonly CollectedTest[] = [];
  const loading = await watched(worlds, async () => {
    // Each file in its own world: a shared module is loaded, and its mutants come by, in every one.
    worlds.renew();
    collected = await worlds.load(file);
  });
  tests.push({ file, index: -1, name: "loading", ...loading, result: undefined });
  for (const [index, { name, run }] of collected.entries()) {
    let result: unknown;
    try {
      const seen = await watched(worlds, async () => {
        result = await run();
      });
      tests.push({ file, index, name, ...seen, result });
    } catch (thrown) {
      return { kind: "broken", name: `${file} ${name}`, message: String(thrown) };
    }
  }
  return { kind: "learned", tests };
}

async function watched(
  worlds: Worlds,
  act: () => Promise<void>,
): Promise<Pick<KnownTest, "durationMs" | "questions" | "hits">> {
  worlds.hits.fill(0);
  worlds.questions = 0;
  const { user, system } = process.cpuUsage();
  await act();
  const used = process.cpuUsage();
  const hits = Uint16Array.from([...worlds.hits.entries()].flatMap(([id, isHit]) => (isHit === 1 ? [id] : [])));
  return { durationMs: (used.user + used.system - user - system) / 1000, questions: worlds.questions, hits };
}

// ---- with one ----

class Trials {
  readonly #worlds: Worlds;
  readonly #tests: readonly KnownTest[];
  readonly #mutants: MutatedSources["mutants"];
  readonly #loaded = new Map<string, readonly CollectedTest[]>();
  /** by source and test, and by test alone */
  readonly #records = new Map<string, TestRecord>();

  constructor(worlds: Worlds, tests: readonly KnownTest[], mutants: MutatedSources["mutants"]) {
    this.#worlds = worlds;
    this.#tests = tests;
    this.#mutants = mutants;
  }

  /** Tests already loaded: fast, and blind to what a mutant does while modules and tests are loaded. */
  async tryLoaded(id: number): Promise<Report> {
    const candidates = this.#tests
      .filter(({ index, hits }) => index >= 0 && hits.includes(id))
      .map((test) => ({
        test,
        own: this.#recordOf(id, test),
        all: this.#recordOf(undefined, test),
        isNamesake: this.#isNamesake(id, test.file),
      }))
      .sort((left, right) => costOf(left) - costOf(right));
    let spentMs = 0;
    for (const { test, own, all } of candidates) {
      spentMs += test.durationMs;
      if (spentMs > BUDGET_MS) break;
      for (const record of [own, all]) record.asked += 1;
      const tests = await this.#testsOf(test.file);
      const problem = await this.#run(id, test, tests[test.index]);
      if (problem === undefined) continue;
      for (const record of [own, all]) record.failed += 1;
      const flaw = (await this.#run(-1, test, tests[test.index])) && (await this.#flawInNewWorld(id, test));
      if (flaw !== undefined) return { kind: "broken", name: `${test.file} ${test.name}`, message: flaw };
      return { kind: "tried", id, finder: `${test.file} ${test.name}`, message: problem };
    }
    return { kind: "tried", id, finder: undefined, message: "" };
  }

  /** What a mutant left behind in modules says nothing of it, nor of those that come after: the test must pass and fail again in modules of its own. */
  async #flawInNewWorld(id: number, test: KnownTest): Promise<string | undefined> {
    this.#forget();
    const own = (await this.#testsOf(test.file))[test.index];
    const flaw =
      (await this.#run(-1, test, own)) ?? ((await this.#run(id, test, own)) === undefined ? "only once" : undefined);
    this.#forget();
    return flaw;
  }

  #forget(): void {
    this.#worlds.renew();
    this.#loaded.clear();
  }

  async #testsOf(file: string): Promise<readonly CollectedTest[]> {
    this.#worlds.questionsMax = Number.MAX_SAFE_INTEGER;
    const tests = this.#loaded.get(file) ?? (await this.#worlds.load(file));
    this.#loaded.set(file, tests);
    return tests;
  }

  /** Files that come by the mutant, loaded with it: those first that take the least time. */
  async tryFresh(id: number): Promise<Report> {
    const loadings = this.#tests
      .filter(({ index, hits }) => index < 0 && hits.includes(id))
      .map(({ file, durationMs }) => ({ file, durationMs, tests: this.#tests.filter((test) => test.file === file) }))
      .sort((left, right) => this.#totalOf(id, left) - this.#totalOf(id, right));
    let spentMs = 0;
    for (const { file, durationMs, tests } of loadings) {
      spentMs += durationMs;
      if (spentMs > BUDGET_MS) break;
      const found = (finder: string, message: string): Report => ({
        kind: "tried",
        id,
        finder: `${file} ${finder}`,
        message,
      });
      this.#worlds.active = id;
      this.#worlds.questions = 0;
      this.#worlds.questionsMax = limitOf(tests[0]?.questions ?? 0);
      let collected: readonly CollectedTest[];
      try {
        this.#worlds.renew();
        collected = await this.#worlds.load(file);
      } catch (thrown) {
        return found("loading", String(thrown));
      }
      for (const test of tests.filter(({ index }) => index >= 0)) {
        spentMs += test.durationMs;
        if (spentMs > BUDGET_MS) break;
        const problem = await this.#run(id, test, collected[test.index]);
        if (problem !== undefined) return found(test.name, problem);
      }
    }
    return { kind: "tried", id, finder: undefined, message: "" };
  }

  #totalOf(id: number, { file, tests }: { readonly file: string; readonly tests: readonly KnownTest[] }): number {
    const totalMs = tests.reduce((sum, { durationMs }) => sum + durationMs, 0);
    return this.#isNamesake(id, file) ? totalMs / NAMESAKE : totalMs;
  }

  #isNamesake(id: number, file: string): boolean {
    return file.endsWith(`/${this.#mutants[id]?.file.replace(".ts", ".test.ts")}`);
  }

  /** What goes wrong. */
  async #run(id: number, known: KnownTest, test: CollectedTest | undefined): Promise<string | undefined> {
    this.#worlds.active = id;
    this.#worlds.questions = 0;
    this.#worlds.questionsMax = limitOf(known.questions);
    try {
      const result = await test?.run();
      return result === known.result ? undefined : "gives something else";
    } catch (thrown) {
      return String(thrown);
    } finally {
      this.#worlds.active = -1;
    }
  }

  #recordOf(id: number | undefined, { file, index }: KnownTest): TestRecord {
    const key = `${id === undefined ? "" : this.#mutants[id]?.file} ${file} ${index}`;
    const record = this.#records.get(key) ?? { asked: 0, failed: 0 };
    this.#records.set(key, record);
    return record;
  }
}

interface Candidate {
  readonly test: KnownTest;
  readonly own: TestRecord;
  readonly all: TestRecord;
  readonly isNamesake: boolean;
}

/** How often a test was asked and how often it failed. */
interface TestRecord {
  asked: number;
  failed: number;
}

/** Time for each mutant that it finds: by what it found in this source, and as long as that is little, by what it found in others. */
function costOf({ test, own, all, isNamesake }: Candidate): number {
  const elsewhere = (all.failed + 1 / 8) / (all.asked + 1);
  return ((test.durationMs + 0.1) * (own.asked + 2)) / (own.failed + 2 * elsewhere) / (isNamesake ? NAMESAKE : 1);
}

function limitOf(questions: number): number {
  return questions * ENDLESS + ENDLESS_MIN;
}

function send(report: Report): Promise<void> {
  return new Promise((resolve) => process.send?.(report, undefined, undefined, () => resolve()));
}

async function obey(order: Order): Promise<void> {
  // Drawn inputs are the same each time, and what failed is not made smaller.
  fc.configureGlobal({ seed: 1, endOnFailure: true });
  const sources = mutate(fileURLToPath(CONTRACTS));
  const worlds = new Worlds(sources);
  if (order.kind === "learn") await learn(worlds, order.files);
  else {
    const trials = new Trials(worlds, order.tests, sources.mutants);
    for (const id of order.ids) await send(order.isFresh ? await trials.tryFresh(id) : await trials.tryLoaded(id));
  }
  process.disconnect();
}

process.once("message", (order: Order) => void obey(order));
