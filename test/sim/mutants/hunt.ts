// Runs inside a copy of the sources with one planted bug: seeds of several profiles in turn until a checker complains.
// Arguments: profiles with commas, most seeds, most seconds of the processor. The last line is what came of it, as JSON.

import { runForkSeed } from "../node/fork.ts";
import type { Profile } from "../node/plan.ts";
import { runSeed as runNodes } from "../node/world.ts";
import { runSeed as runCore } from "../world.ts";
import type { Hunt } from "./mutant.ts";

/** A run of the core alone costs about as much less. */
const CORE_SEEDS_PER_TURN = 24;

export interface Hunted {
  /** seeds of each profile that were run */
  readonly runs: Readonly<Record<string, number>>;
  readonly found: { readonly hunt: Hunt; readonly seed: number; readonly failure: string } | undefined;
  /** highest block anybody made: none at all is no ledger with a bug, but no ledger */
  readonly heights: number;
}

function run(one: Hunt, seed: number) {
  if (one === "core") return runCore(seed);
  return one === "fork" ? runForkSeed(seed) : runNodes(seed, one satisfies Profile);
}

async function hunt(hunts: readonly Hunt[], seedsMax: number, secondsMax: number): Promise<Hunted> {
  const runs: Record<string, number> = Object.fromEntries(hunts.map((one) => [one, 0]));
  let total = 0;
  let heights = 0;
  // Of the processor: a busy machine finds no less.
  const usedSeconds = () => (process.cpuUsage().user + process.cpuUsage().system) / 1e6;
  const isOver = () => total >= seedsMax || usedSeconds() > secondsMax;
  while (!isOver()) {
    for (const one of hunts) {
      for (let turn = 0; turn < (one === "core" ? CORE_SEEDS_PER_TURN : 1) && !isOver(); turn += 1) {
        const seed = (runs[one] ?? 0) + 1;
        const outcome = await run(one, seed);
        runs[one] = seed;
        total += 1;
        heights = Math.max(heights, outcome.heights);
        if (outcome.failure !== undefined)
          return { runs, heights, found: { hunt: one, seed, failure: outcome.failure } };
      }
    }
    console.log(`${total}`);
  }
  return { runs, heights, found: undefined };
}

const [hunts = "", seedsMax, secondsMax] = process.argv.slice(2);
console.log(JSON.stringify(await hunt(hunts.split(",") as Hunt[], Number(seedsMax), Number(secondsMax))));
