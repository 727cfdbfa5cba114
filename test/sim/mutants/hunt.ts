// Runs inside a copy of the sources with one planted bug: seeds of several profiles in turn until a checker complains.
// Arguments: profiles with commas, most seeds, most seconds of the processor, what a plan needs. The last line is what came of it, as JSON.

import { runForkSeed } from "../node/fork.ts";
import { drawPlan, FEIGNED, type Profile } from "../node/plan.ts";
import { runSeed as runNodes } from "../node/world.ts";
import { runSeed as runCore } from "../world.ts";
import type { Hunt, Need } from "./mutant.ts";

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

/** Whether this seed can show the bug at all. */
function mayShow(one: Hunt, seed: number, needs: Need | undefined): boolean {
  if (needs === undefined || one === "core" || one === "fork") return true;
  const { lies, snapshots, newcomers, lostStores, lostRecords } = drawPlan(seed, one);
  if (needs === "lostRecords") return lostRecords.length > 0;
  const whoLie = ["poisoner", ...FEIGNED.filter((lie) => lie !== "silent")];
  const hasLiars = [...lies.values()].some((lie) => whoLie.includes(lie));
  const isFetched = newcomers.length + lostStores.length > 0 || lostRecords.some(({ withStore }) => withStore);
  return hasLiars && (needs === "liars" || (snapshots !== undefined && isFetched));
}

async function hunt(
  hunts: readonly Hunt[],
  { seedsMax, secondsMax, needs }: { seedsMax: number; secondsMax: number; needs: Need | undefined },
): Promise<Hunted> {
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
        runs[one] = seed;
        total += 1;
        if (!mayShow(one, seed, needs)) continue;
        const outcome = await run(one, seed);
        heights = Math.max(heights, outcome.heights);
        if (outcome.failure !== undefined)
          return { runs, heights, found: { hunt: one, seed, failure: outcome.failure } };
      }
    }
    console.log(`${total}`);
  }
  return { runs, heights, found: undefined };
}

const [hunts = "", seedsMax, secondsMax, needed = ""] = process.argv.slice(2);
const needs = needed === "" ? undefined : (needed as Need);
const limits = { seedsMax: Number(seedsMax), secondsMax: Number(secondsMax), needs };
console.log(JSON.stringify(await hunt(hunts.split(",") as Hunt[], limits)));
