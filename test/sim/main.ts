// `npm run sim -- --seeds N --from S`: runs seeds of whole nodes, or of the core alone; ends with `N passed, F failed`.
// `--seed X --trace` repeats one and tells what happens in it. `--workers K` shares the seeds among K processes.

import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { runForkSeed } from "./node/fork.ts";
import { PROFILES, type Profile } from "./node/plan.ts";
import { shrink } from "./node/shrink.ts";
import { TRIM_NAMES, type Trim, trimWords } from "./node/trim.ts";
import { runSeed as runNodes } from "./node/world.ts";
import { runSeed as runCore } from "./world.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "100" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    profile: { type: "string", default: "swarm" },
    workers: { type: "string", default: "1" },
    trace: { type: "boolean", default: false },
    shrink: { type: "boolean", default: false },
    without: { type: "string" },
    nodes: { type: "string" },
    until: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

/** What both kinds of run say of themselves, and numbers that are added up or of which the largest counts. */
interface Outcome {
  readonly seed: number;
  readonly failure: string | undefined;
  readonly fingerprint: string;
  readonly about: string;
  readonly sums: Readonly<Record<string, number>>;
  readonly mosts: Readonly<Record<string, number>>;
}

const profile = profileOf(values.profile);
const countMax = 10_000_000;
/** The seed of `--seed` made smaller, as `--shrink` says it. */
const trim: Trim = {
  without: values.without?.split(",") ?? [],
  nodes: values.nodes === undefined ? undefined : numberOf(values.nodes, "nodes"),
  untilMs: values.until === undefined ? undefined : numberOf(values.until, "until"),
};

function profileOf(text: string): Profile | "core" | "fork" {
  if (text === "core" || text === "fork") return text;
  const known = PROFILES.find((name) => name === text);
  if (known !== undefined) return known;
  console.error(`--profile wants ${PROFILES.join(", ")}, fork or core, not "${text}"`);
  process.exit(2);
}

function numberOf(text: string, name: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || value > countMax) {
    console.error(`--${name} wants a whole number, not "${text}"`);
    process.exit(2);
  }
  return value;
}

async function run(seed: number, trace?: (line: string) => void): Promise<Outcome> {
  if (profile === "core") {
    const { failure, fingerprint, about, heights, frames, evidence, viewsMax, calmMs } = runCore(seed, trace);
    return { seed, failure, fingerprint, about, sums: { heights, frames, evidence }, mosts: { viewsMax, calmMs } };
  }
  if (profile === "fork") {
    const { failure, fingerprint, about, heights, frames, forks, named, viewsMax } = await runForkSeed(seed, trace);
    return { seed, failure, fingerprint, about, sums: { heights, frames, forks, named }, mosts: { viewsMax } };
  }
  const { failure, fingerprint, about, ...numbers } = await runNodes(seed, profile, trace, trim);
  const { heights, receipts, frames, evidence, halts, starts, expired, simulatedMs, viewsMax, calmMs } = numbers;
  const { snapshots, installs, recoveries, late } = numbers;
  const sums = {
    heights,
    receipts,
    frames,
    evidence,
    halts,
    starts,
    expired,
    snapshots,
    installs,
    recoveries,
    late,
    simulatedMs,
  };
  return { seed, failure, fingerprint, about, sums, mosts: { viewsMax, calmMs } };
}

function command(seed: number, smaller: Trim = trim): string {
  return `npm run sim -- --seed ${seed}${profile === "swarm" ? "" : ` --profile ${profile}`}${trimWords(smaller)} --trace`;
}

/** A failing seed with as little in it as still breaks the same rule. */
async function shrinkSeed(seed: number): Promise<void> {
  if (profile === "core" || profile === "fork") {
    console.error(`--shrink is for ${PROFILES.join(", ")}`);
    process.exit(2);
  }
  const shrunk = await shrink(seed, profile, (line) => console.log(line));
  if (shrunk === undefined) {
    console.log(`seed ${seed} does not fail`);
    return finish(1, 0);
  }
  console.log(`after ${shrunk.runs} runs: ${shrunk.outcome.about}`);
  console.log(`  ${shrunk.outcome.failure}`);
  console.log(`  repeat: ${command(seed, shrunk.trim)}`);
  finish(1, 1);
}

function describe(outcome: Outcome): string {
  return `seed ${outcome.seed}: ${outcome.about}\n  ${outcome.failure}\n  repeat: ${command(outcome.seed)}`;
}

async function runMany(from: number, count: number): Promise<void> {
  const startedMs = performance.now();
  const outcomes: Outcome[] = [];
  for (let seed = from; seed < from + count; seed += 1) {
    const outcome = await run(seed);
    outcomes.push(outcome);
    if (outcome.failure !== undefined) console.log(describe(outcome));
  }
  const [first] = outcomes;
  const total = (name: string) => outcomes.reduce((sum, { sums }) => sum + (sums[name] ?? 0), 0);
  const most = (name: string) => outcomes.reduce((best, { mosts }) => Math.max(best, mosts[name] ?? 0), 0);
  const sums = Object.keys(first?.sums ?? {}).map((name) => `${name} ${total(name)}`);
  const mosts = Object.keys(first?.mosts ?? {}).map((name) => `${name} ${most(name)}`);
  console.log(`${[...sums, ...mosts].join(", ")}, ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  finish(count, outcomes.filter(({ failure }) => failure !== undefined).length);
}

function finish(count: number, failed: number): void {
  console.log(`${count - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

/** The seeds in equal parts, each in a process of its own; their lines come as they are said. */
async function shareAmong(workers: number, from: number, count: number): Promise<void> {
  const part = Math.ceil(count / workers);
  const failures = await Promise.all(
    Array.from({ length: workers }, (_, index) => {
      const first = from + index * part;
      return runInProcess(first, Math.max(0, Math.min(part, from + count - first)));
    }),
  );
  finish(
    count,
    failures.reduce((sum, failed) => sum + failed, 0),
  );
}

function runInProcess(from: number, count: number): Promise<number> {
  if (count === 0) return Promise.resolve(0);
  const args = ["--seeds", `${count}`, "--from", `${from}`, "--profile", profile];
  const child = spawn(process.execPath, [new URL(import.meta.url).pathname, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
    const end = text.lastIndexOf("\n") + 1;
    for (const line of text.slice(0, end).split("\n")) if (line !== "" && !isLastLine(line)) console.log(line);
    if (!isLastLine(text.slice(0, end).trimEnd().split("\n").at(-1) ?? "")) text = text.slice(end);
  });
  return new Promise((resolve) => {
    child.on("close", () => resolve(Number(/ passed, (\d+) failed/.exec(text)?.[1] ?? count)));
  });
}

function isLastLine(line: string): boolean {
  return /^\d+ passed, \d+ failed$/.test(line);
}

if (values.help) {
  console.log(
    `npm run sim -- [--seeds N] [--from S] [--workers K] | --seed X [--trace] [--shrink]; --profile ${PROFILES.join("|")}|fork|core\n` +
      `  --seed X may be made smaller: [--without ${TRIM_NAMES.join(",")}] [--nodes N] [--until MS]`,
  );
} else if (values.seed === undefined) {
  const [from, count] = [numberOf(values.from, "from"), numberOf(values.seeds, "seeds")];
  const workers = numberOf(values.workers, "workers");
  await (workers > 1 ? shareAmong(workers, from, count) : runMany(from, count));
} else if (values.shrink) {
  await shrinkSeed(numberOf(values.seed, "seed"));
} else {
  const outcome = await run(numberOf(values.seed, "seed"), values.trace ? (line) => console.log(line) : undefined);
  console.log(
    outcome.failure === undefined
      ? `seed ${outcome.seed}: ${outcome.about}, fingerprint ${outcome.fingerprint}`
      : describe(outcome),
  );
  finish(1, outcome.failure === undefined ? 0 : 1);
}
