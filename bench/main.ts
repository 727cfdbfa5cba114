// `npm run bench`: which scenario or command, time limit, Ctrl-C and what is printed. Whatever happens, no process and no
// directory is left. What is measured stands in scenarios/.

import { writeFile } from "node:fs/promises";
import { LedgerError } from "../src/errors.ts";
import type { Hooks } from "./lab.ts";
import { machineFacts, requireProc } from "./machine.ts";
import { OPTIONS_HELP, type Options, readWords } from "./options.ts";
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
const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;
/** A busy machine may take so many times what a run needs, and at least this long, before it is given up. */
const PATIENCE = 3;
const LIMIT_SECONDS_MIN = 240;

const HELP = `npm run bench -- [SCENARIO] [options]

Real nodes as separate processes on this machine, every one durable and verifying everything, and a client process beside them.

${SCENARIOS.map(({ name, what }) => `  ${name.padEnd(16)}${what}`).join("\n")}

${OPTIONS_HELP}`;

const cleanUps: (() => void)[] = [];
process.on("exit", () => {
  for (const clean of cleanUps.reverse()) clean();
});
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    process.stderr.write(`bench: stopped by ${signal}\n`);
    process.exit(EXIT.interrupted);
  });
}

process.exit(await main());

async function main(): Promise<number> {
  const run = readRun();
  if (run === undefined) return EXIT.usage;
  try {
    requireProc();
    return await perform(run.scenario, run.options);
  } catch (error) {
    process.stderr.write(
      `bench: ${error instanceof LedgerError ? error.message : error instanceof Error ? error.stack : String(error)}\n`,
    );
    return EXIT.failed;
  }
}

async function perform(scenario: Scenario, options: Options): Promise<number> {
  if (options.profile !== undefined)
    process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ""} ${PROFILED_NODE_OPTIONS}`;
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
    system: "linli",
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
  // Without a load there is nothing that nodes could have verified.
  return record.points.length === 0 || record.verifiedByEveryNode.holds ? EXIT.done : EXIT.failed;
}

function timeLimit(limitMs: number): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new LedgerError("BENCH_TIMEOUT", { limitMs })), limitMs).unref();
  });
}

function readRun(): { readonly scenario: Scenario; readonly options: Options } | undefined {
  try {
    const { positionals, options, help } = readWords(process.argv.slice(2));
    const [name = USUAL] = positionals;
    const scenario = SCENARIOS.find((known) => known.name === name);
    if (help || scenario === undefined || positionals.length > 1) {
      process.stderr.write(HELP);
      return undefined;
    }
    return { scenario, options: options(scenario.defaults) };
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return undefined;
  }
}
