// `npm run bench`: words, time limit, Ctrl-C and what is printed. Whatever happens, no process and no directory is left.
// What is measured stands in scenarios/.

import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { LedgerError } from "../src/errors.ts";
import { requireProc } from "./machine.ts";
import { PROFILED_NODE_OPTIONS } from "./profiler.ts";
import { lineOf, PROFILED_LOADS, type Report, runFirst } from "./scenarios/first.ts";
import { profileSummaryOf, summaryOf } from "./summary.ts";

const HELP = `npm run bench -- [first] [options]

Four nodes as separate processes on this machine, every one durable and verifying everything, and a client process beside them.

  first          latency at --rate, the peak of a closed loop, then open loops at 50% and 70% of it

  --seconds S    length of each measured load (default 15)
  --rate R       transactions per second of the latency measurement (default 10)
  --seed N       keys, arrivals (default 1)
  --json         only one line of JSON at the end; everything else goes to stderr
  --out FILE     also write everything measured, with histograms, as JSON
  --profile FILE profile the first node's main thread, write a .cpuprofile and show the largest parts
  --during LOAD  which load to profile: peak (default) or latency
`;
const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;
/** Setting up, signing and draining take their time whatever --seconds says. */
const LIMIT_SECONDS = 240;
const LOADS = 8;

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
  const words = readWords();
  if (words === undefined) return EXIT.usage;
  try {
    requireProc();
    if (words.profile !== undefined)
      process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ""} ${PROFILED_NODE_OPTIONS}`;
    const limit = timeLimit((LIMIT_SECONDS + LOADS * words.seconds) * 1000);
    const report = await Promise.race([
      limit,
      runFirst({
        seconds: words.seconds,
        rate: words.rate,
        seed: words.seed,
        profile: words.profile === undefined ? undefined : words.during,
        progress: (text) => process.stderr.write(`${text}\n`),
        onEnd: (clean) => cleanUps.push(clean),
      }),
    ]);
    await publish(report, words);
    return report.verifiedByEveryNode.holds ? EXIT.done : EXIT.failed;
  } catch (error) {
    process.stderr.write(
      `bench: ${error instanceof LedgerError ? error.message : error instanceof Error ? error.stack : String(error)}\n`,
    );
    return EXIT.failed;
  }
}

async function publish(
  report: Report,
  words: { readonly json: boolean; readonly out?: string; readonly profile?: string },
): Promise<void> {
  const { profile, ...measured } = report;
  if (words.out !== undefined)
    await writeFile(words.out, `${JSON.stringify({ ...lineOf(report), ...measured }, null, 1)}\n`);
  const people = words.json ? process.stderr : process.stdout;
  people.write(summaryOf(report));
  if (words.profile !== undefined && profile !== undefined) {
    await writeFile(words.profile, JSON.stringify(profile.profile));
    people.write(profileSummaryOf(profile.profile, report[profile.load]));
  }
  process.stdout.write(`${JSON.stringify(lineOf(report))}\n`);
}

function timeLimit(limitMs: number): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new LedgerError("BENCH_TIMEOUT", { limitMs })), limitMs).unref();
  });
}

function readWords() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        seconds: { type: "string", default: "15" },
        rate: { type: "string", default: "10" },
        seed: { type: "string", default: "1" },
        json: { type: "boolean", default: false },
        out: { type: "string" },
        profile: { type: "string" },
        during: { type: "string", default: "peak" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    const [scenario = "first"] = positionals;
    if (values.help || scenario !== "first" || positionals.length > 1) {
      process.stderr.write(HELP);
      return undefined;
    }
    const { json, out, profile } = values;
    const during = PROFILED_LOADS.find((load) => load === values.during);
    if (during === undefined) throw new Error(`--during is one of ${PROFILED_LOADS.join(", ")}`);
    return {
      json,
      during,
      ...(out === undefined ? {} : { out }),
      ...(profile === undefined ? {} : { profile }),
      seconds: wholeNumber("seconds", values.seconds, 300),
      rate: wholeNumber("rate", values.rate, 100_000),
      seed: wholeNumber("seed", values.seed, 2 ** 31 - 1),
    };
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return undefined;
  }
}

function wholeNumber(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!/^[0-9]+$/.test(text) || value < 1 || value > max)
    throw new Error(`--${name} is a whole number from 1 to ${max}`);
  return value;
}
