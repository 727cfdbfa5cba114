// `npm run sim -- --seeds N --from S`: runs seeds one after the other; ends with `N passed, F failed`.
// `--seed X --trace` repeats one and tells what happens in it.

import { parseArgs } from "node:util";
import { runSeed, type SimOutcome } from "./world.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    trace: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

function numberOf(text: string, name: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) {
    console.error(`--${name} wants a whole number, not "${text}"`);
    process.exit(2);
  }
  return value;
}

function describe(outcome: SimOutcome): string {
  return `seed ${outcome.seed}: ${outcome.about}\n  ${outcome.failure}\n  repeat: npm run sim -- --seed ${outcome.seed} --trace`;
}

function runMany(from: number, count: number): void {
  const startedMs = performance.now();
  const outcomes: SimOutcome[] = [];
  for (let seed = from; seed < from + count; seed += 1) {
    const outcome = runSeed(seed);
    outcomes.push(outcome);
    if (outcome.failure !== undefined) console.log(describe(outcome));
  }
  const failed = outcomes.filter(({ failure }) => failure !== undefined).length;
  const sum = (pick: (outcome: SimOutcome) => number) => outcomes.reduce((total, outcome) => total + pick(outcome), 0);
  const most = (pick: (outcome: SimOutcome) => number) =>
    outcomes.reduce((best, outcome) => Math.max(best, pick(outcome)), 0);
  console.log(
    `${sum(({ heights }) => heights)} heights, ${sum(({ frames }) => frames)} frames, ${sum(({ evidence }) => evidence)} proofs of misbehaviour, ` +
      `view at most ${most(({ viewsMax }) => viewsMax)}, calm needed at most ${most(({ calmMs }) => calmMs)} ms, ` +
      `${((performance.now() - startedMs) / 1000).toFixed(1)} s`,
  );
  console.log(`${count - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

if (values.help) {
  console.log("npm run sim -- [--seeds N] [--from S] | --seed X [--trace]");
} else if (values.seed === undefined) {
  runMany(numberOf(values.from, "from"), numberOf(values.seeds, "seeds"));
} else {
  const outcome = runSeed(numberOf(values.seed, "seed"), values.trace ? (line) => console.log(line) : undefined);
  console.log(
    outcome.failure === undefined
      ? `seed ${outcome.seed}: ${outcome.about}, fingerprint ${outcome.fingerprint}`
      : describe(outcome),
  );
  console.log(outcome.failure === undefined ? "1 passed, 0 failed" : "0 passed, 1 failed");
  process.exitCode = outcome.failure === undefined ? 0 : 1;
}
