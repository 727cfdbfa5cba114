// `npm run bench`: which scenario or command, time limit, Ctrl-C and what is printed. Whatever happens, no process and no
// directory is left. What is measured stands in scenarios/.

import { access, constants, mkdir, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { LedgerError } from "../src/errors.ts";
import { REFERENCE_RUNS, runAll } from "./all.ts";
import { checkBundle, writeBundle } from "./bundle.ts";
import { compare, comparisonText } from "./compare.ts";
import type { Hooks } from "./loads.ts";
import { machineFacts, requireProc } from "./machine.ts";
import { BenchNetwork } from "./network.ts";
import {
  type Defaults,
  LOAD_OPTIONS,
  OPTIONS_HELP,
  type Options,
  readWords,
  type Words,
  wordsOver,
} from "./options.ts";
import { runBftSmart } from "./peers/bft-smart.ts";
import { runCometBft } from "./peers/cometbft.ts";
import { PROFILED_NODE_OPTIONS } from "./profiler.ts";
import { FORMAT, lineOf, type RunRecord, saveRecord } from "./record.ts";
import type { Scenario } from "./scenario.ts";
import { CATCH_UP } from "./scenarios/catch-up.ts";
import { FAILOVER } from "./scenarios/failover.ts";
import { FIRST } from "./scenarios/first.ts";
import { LATENCY } from "./scenarios/latency.ts";
import { MICRO } from "./scenarios/micro.ts";
import { PEAK } from "./scenarios/peak.ts";
import { RAMP } from "./scenarios/ramp.ts";
import { READ_MIX } from "./scenarios/read-mix.ts";
import { RUSH } from "./scenarios/rush.ts";
import { SCALE_N } from "./scenarios/scale-n.ts";
import { SCALE_STATE } from "./scenarios/scale-state.ts";
import { SOAK } from "./scenarios/soak.ts";
import { WAN } from "./scenarios/wan.ts";
import { profileSummaryOf, summaryOf } from "./summary.ts";
import { benchKeys } from "./workload.ts";

const SCENARIOS: readonly Scenario[] = [
  FIRST,
  LATENCY,
  PEAK,
  RAMP,
  RUSH,
  FAILOVER,
  WAN,
  SOAK,
  SCALE_N,
  SCALE_STATE,
  CATCH_UP,
  READ_MIX,
  MICRO,
];
const USUAL = FIRST.name;
/** As many as any scenario uses. */
const SERVED_ACCOUNTS = 5_000;

interface Command {
  /** after its own name */
  readonly words: string;
  readonly what: string;
  readonly defaults?: Defaults;
  /** names of the options that it heeds */
  readonly heeds: readonly string[];
  run(positionals: readonly string[], options: Options): Promise<number>;
}

const PEERS: Readonly<Record<string, Scenario["run"]>> = { cometbft: runCometBft, "bft-smart": runBftSmart };

const COMMANDS: Readonly<Record<string, Command>> = {
  all: {
    words: "--out DIR [--over LIST]",
    what: "every scenario (`first` is `peak` and `latency`), or those listed, with the options of a reference run, and the report; tells first how long it takes",
    heeds: ["out", "over"],
    run: (_, options) => runReference(options),
  },
  serve: {
    words: "[--nodes N]",
    what: "starts a network that --attach can measure, and keeps it until Ctrl-C",
    heeds: ["nodes", "seed"],
    run: (_, options) => serve(options),
  },
  report: {
    words: "DIR",
    what: "the runs of a directory as one HTML page with charts, report.html in it",
    heeds: [],
    run: async ([directory = "."]) => say(`written to ${await reportOf(directory)}`),
  },
  compare: {
    words: "A B",
    what: "two runs, or directories of runs: ratios with 95% intervals, and whether they differ",
    heeds: ["json"],
    run: async ([before = "", after], { json }) => {
      if (after === undefined) return usage("compare needs two files or directories");
      const found = await compare(before, after);
      (json ? process.stderr : process.stdout).write(comparisonText(found));
      return say(JSON.stringify(found));
    },
  },
  bundle: {
    words: "DIR --key FILE",
    what: "runs and report in one signed file, runs.bundle in it",
    heeds: ["key"],
    run: async ([directory = "."], { key }) => say(`written to ${await writeBundle(directory, key)}`),
  },
  peer: {
    words: `${Object.keys(PEERS).join("|")}`,
    what: "the loads of `first` for another system that is on the PATH or at --path; --tuned: not with its defaults",
    defaults: FIRST.defaults,
    heeds: [...LOAD_OPTIONS, "nodes", "repeat", "over", "path", "tuned"],
    run: ([name = ""], options) => measurePeer(name, options),
  },
  "check-bundle": {
    words: "FILE [--key HEX]",
    what: "whether a bundle is as it was signed, by that key, and its summaries follow from its raw data",
    heeds: ["key"],
    run: ([file = ""], { key }) => tellBundle(file, key),
  },
};
/** Codes that say that the words are wrong, and nothing was started. */
const WRONG_WORDS: readonly string[] = ["BENCH_OPTION_INVALID", "BENCH_PLACE_UNKNOWN", "BENCH_NOT_OWN_NODES"];
const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;
/** A busy machine may take so many times what a run needs, and at least this long, before it is given up. */
const PATIENCE = 3;
const LIMIT_SECONDS_MIN = 240;

const HELP = `npm run bench -- [SCENARIO | COMMAND] [options]

Real nodes as separate processes on this machine, every one durable and verifying everything, and a client process beside them.

${SCENARIOS.map(({ name, what }) => `  ${name.padEnd(16)}${what}`).join("\n")}

${Object.entries(COMMANDS)
  .map(([name, { words, what }]) => `  ${`${name} ${words}`.padEnd(30)}${what}`)
  .join("\n")}

${OPTIONS_HELP}`;

const cleanUps: (() => void)[] = [];
process.on("exit", () => {
  for (const clean of cleanUps.reverse()) clean();
});
// SIGHUP: the terminal is gone, and nodes would go on without anybody.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    process.stderr.write(`bench: stopped by ${signal}\n`);
    process.exit(EXIT.interrupted);
  });
}

process.exit(await main());

async function main(): Promise<number> {
  const words = readArguments();
  if (words === undefined) return EXIT.usage;
  if (words.help) {
    process.stdout.write(HELP);
    return EXIT.done;
  }
  const [name = USUAL, ...positionals] = words.positionals;
  const command = COMMANDS[name];
  const scenario = SCENARIOS.find((known) => known.name === name);
  const found = command ?? scenario;
  if (found === undefined) return usage(`there is no scenario or command "${name}"`);
  if (command === undefined && positionals.length > 0) return usage(`what is "${positionals.join(" ")}"?`);
  for (const option of words.given.filter((given) => !found.heeds.includes(given)))
    process.stderr.write(`bench: ${name} takes no notice of --${option}\n`);
  try {
    if (command !== undefined) return await command.run(positionals, words.options(command.defaults ?? {}));
    requireProc();
    return await perform(scenario!, words.options(scenario!.defaults));
  } catch (error) {
    process.stderr.write(
      `bench: ${error instanceof LedgerError ? error.message : error instanceof Error ? error.stack : String(error)}\n`,
    );
    return error instanceof LedgerError && WRONG_WORDS.includes(error.code) ? EXIT.usage : EXIT.failed;
  }
}

function readArguments(): Words | undefined {
  try {
    const words = readWords(process.argv.slice(2));
    // Wrong values are told before anything starts.
    words.options({});
    return words;
  } catch (error) {
    usage(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

function usage(fault: string): number {
  process.stderr.write(`bench: ${fault}; \`npm run bench -- --help\` lists scenarios, commands and options\n`);
  return EXIT.usage;
}

function measurePeer(name: string, options: Options): Promise<number> {
  const run = PEERS[name];
  if (run === undefined) return Promise.resolve(usage(`peers are ${Object.keys(PEERS).join(" and ")}, not "${name}"`));
  const { secondsNeeded } = FIRST;
  return perform({ name: "peer", what: name, defaults: {}, heeds: [], secondsNeeded, run }, options, name);
}

async function perform(scenario: Scenario, options: Options, system = "linli"): Promise<number> {
  const isAttached = options.attach.length > 0;
  if (isAttached && scenario.needsOwnNodes === true)
    throw new LedgerError("BENCH_NOT_OWN_NODES", { scenario: scenario.name }, { remedy: "run it without --attach" });
  if (isAttached && options.profile !== undefined)
    throw new LedgerError("BENCH_NOT_OWN_NODES", { option: "--profile" }, { remedy: "run it without --attach" });
  if (options.profile !== undefined)
    process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ""} ${PROFILED_NODE_OPTIONS}`;
  await requireWritable(options);
  const neededSeconds = scenario.secondsNeeded(options);
  const hooks: Hooks = {
    progress: (text) => process.stderr.write(`${text}\n`),
    onEnd: (clean) => cleanUps.push(clean),
  };
  hooks.progress(`${scenario.name}: about ${Math.ceil(neededSeconds / 60)} min on a machine of its own`);
  const startedAt = new Date();
  const limit = timeLimit(Math.max(LIMIT_SECONDS_MIN, PATIENCE * neededSeconds) * 1000);
  const { profile, ...outcome } = await Promise.race([limit, scenario.run(options, hooks)]);
  const record: RunRecord = {
    format: FORMAT,
    scenario: scenario.name,
    system,
    startedAt: startedAt.toISOString(),
    tookSeconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
    words: process.argv.slice(2),
    machine: machineFacts(),
    figures: [],
    series: [],
    notes: [],
    ...outcome,
    ...(profile === undefined ? {} : { budget: profile.budget }),
  };
  if (options.out !== undefined) hooks.progress(`written to ${await saveRecord(record, options.out)}`);
  const people = options.json ? process.stderr : process.stdout;
  people.write(summaryOf(record));
  if (options.profile !== undefined && profile !== undefined) {
    await writeFile(options.profile, JSON.stringify(profile.profile));
    people.write(profileSummaryOf(profile.profile, profile.phase));
  }
  process.stdout.write(`${JSON.stringify(lineOf(record))}\n`);
  // Of single parts, of a peer and of nodes elsewhere it cannot be said that every node verified.
  const isJudged = record.points.length > 0 && system === "linli" && !isAttached;
  return !isJudged || record.verifiedByEveryNode.holds ? EXIT.done : EXIT.failed;
}

/** Told before the measurement, not after it. @throws LedgerError BENCH_OPTION_INVALID */
async function requireWritable({ out, profile }: Options): Promise<void> {
  const remedy = "a place in which this user may write";
  const failed = (option: string, text: string) => (cause: unknown) => {
    throw new LedgerError("BENCH_OPTION_INVALID", { option, text }, { cause, remedy });
  };
  if (out !== undefined) {
    const directory = out.endsWith(".json") ? dirname(resolve(out)) : resolve(out);
    await mkdir(directory, { recursive: true })
      .then(() => access(directory, constants.W_OK))
      .catch(failed("--out", out));
  }
  if (profile !== undefined) await writeFile(profile, "").catch(failed("--profile", profile));
}

function timeLimit(limitMs: number): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new LedgerError("BENCH_TIMEOUT", { limitMs })), limitMs).unref();
  });
}

/** @throws LedgerError BENCH_OPTION_INVALID without a directory */
async function runReference({ out, over }: Options): Promise<number> {
  if (out === undefined || out.endsWith(".json"))
    throw new LedgerError(
      "BENCH_OPTION_INVALID",
      { option: "--out" },
      { remedy: "--out DIR, where the runs are written" },
    );
  const nameOf = (words: string): string => words.split(" ")[0] ?? "";
  wordsOver({ over }, [...new Set(REFERENCE_RUNS.map(nameOf))]);
  const runs = REFERENCE_RUNS.filter((words) => over.length === 0 || over.includes(nameOf(words)));
  const seconds = runs
    .map((words) => {
      const { positionals, options } = readWords(words.split(" "));
      const scenario = SCENARIOS.find(({ name }) => name === positionals[0]);
      return scenario?.secondsNeeded(options(scenario.defaults)) ?? 0;
    })
    .reduce((sum, each) => sum + each, 0);
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const directory = resolve(out);
  await mkdir(directory, { recursive: true });
  say(`${runs.length} runs, about ${(seconds / 3600).toFixed(1)} hours on a machine of its own`);
  const results = await runAll(runs, directory, say);
  for (const { words, exitCode, seconds: took } of results)
    say(`${exitCode === 0 ? "done  " : "FAILED"} ${took} s  ${words}`);
  say(`written to ${await reportOf(directory)}`);
  return results.every(({ exitCode }) => exitCode === 0) ? EXIT.done : EXIT.failed;
}

async function serve({ nodes, seed }: Options): Promise<number> {
  const network = await BenchNetwork.create({
    nodes,
    accounts: SERVED_ACCOUNTS,
    keys: benchKeys(seed),
    relayed: false,
  });
  cleanUps.push(() => network.destroy());
  await network.start();
  say(`npm run bench -- SCENARIO --seed ${seed} --attach ${network.urls.join(",")}`);
  // Until a signal ends this process, and with it the network.
  return new Promise(() => setInterval(() => undefined, 60_000));
}

/** Loaded when it is needed: charts take a while to load, and nothing else needs them. */
async function reportOf(directory: string): Promise<string> {
  const { writeReport } = await import("./report.ts");
  return writeReport(directory);
}

async function tellBundle(file: string, key: string | undefined): Promise<number> {
  const { signer, runs, faults } = await checkBundle(file, key);
  for (const fault of faults) process.stdout.write(`FAULT: ${fault}\n`);
  for (const { scenario, startedAt, machine } of runs)
    process.stdout.write(`${startedAt} ${scenario} on ${machine.cpu}, commit ${machine.commit}\n`);
  say(
    `${runs.length} runs signed by ${signer}: ${faults.length === 0 ? "as signed, and summaries follow from the raw data" : `${faults.length} faults`}`,
  );
  return faults.length === 0 ? EXIT.done : EXIT.failed;
}

function say(line: string): number {
  process.stdout.write(`${line}\n`);
  return EXIT.done;
}
