// Machines that come with an empty store, one time after the other, and fetch all they need: from liars who are the nearest to ask
// and sometimes the only ones with a snapshot, or from honest machines whose disks rot and lose power.

import type { Random } from "../random.ts";
import { FEIGNED, FOCUSES, type Lie, type Plan } from "./plan.ts";

/** In most runs as many as there may be; in the others honest machines are the only ones to ask. */
export function liarsOfNewcomers(random: Random, validatorCount: number, most: number): ReadonlyMap<number, Lie> {
  const nodes = random.shuffled(Array.from({ length: validatorCount }, (_, index) => index));
  const liars = nodes.slice(0, random.chance(750) ? most : 0);
  return new Map(liars.map((node) => [node, random.chance(800) ? "poisoner" : random.pick(FEIGNED)]));
}

export function drawNewcomers(random: Random, plan: Plan): Partial<Plan> {
  const { validatorCount, lies, calmFromMs } = plan;
  const honest = Array.from({ length: validatorCount }, (_, node) => node).filter((node) => !lies.has(node));
  const hasLiars = lies.size > 0;
  const focus = [...lies.values()].includes("poisoner") ? random.pick(FOCUSES) : undefined;
  // Where there are none, or none that is worth it, blocks are fetched from the first one on.
  const areBlocksFetched = focus === "blocks" || random.chance(100);
  const snapshots =
    areBlocksFetched && random.chance(500)
      ? undefined
      : {
          everyHeights: random.pick([1, 2, 3, 5, 10]),
          fetchWhenBehind: areBlocksFetched ? 1_000 : random.pick([1, 1, 2]),
          keepBodiesMs: areBlocksFetched ? undefined : random.pick([undefined, undefined, 0]),
        };
  const rotting = random.pick(honest);
  return {
    snapshots,
    makers: hasLiars && random.chance(600) ? makersOf(random, lies, honest) : undefined,
    focus,
    areLiarsNear: hasLiars && random.chance(900),
    delayMsMax: random.pick([10, 40, 40, 150]),
    // Blocks go on: who stands still has nobody to catch up with.
    lossPermille: random.pick([0, 0, 0, 20]),
    commitLossPermille: 0,
    partitions: plan.partitions.slice(0, 1),
    lostRecords: [],
    lostStores: [],
    newcomers: newcomersOf(random, plan, honest),
    rottenSnapshots: Array.from({ length: snapshots === undefined || hasLiars ? 0 : random.pick([0, 5, 20]) }, () => ({
      node: rotting,
      atMs: random.below(calmFromMs),
    })),
    offers: [
      ...plan.offers,
      ...plan.offers.map(({ client, copies }) => ({ client, copies, atMs: random.below(calmFromMs) })),
    ],
  };
}

/** Others have no room for snapshots: their operators want none. */
function makersOf(random: Random, lies: Plan["lies"], honest: readonly number[]): ReadonlySet<number> {
  return new Set([...lies.keys(), ...(random.chance(400) ? [random.pick(honest)] : [])]);
}

/** The one more node, and one with a seat where it is the only one besides poisoners that is not as it should be. */
function newcomersOf(random: Random, plan: Plan, honest: readonly number[]): Plan["newcomers"] {
  const atMs = () => random.between(500, 4_000);
  const isFree = plan.flippedBits.length + plan.backups.length === 0;
  const isQuiet = [...plan.lies.values()].every((lie) => lie === "poisoner");
  const seated = isFree && isQuiet && random.chance(700) ? [{ node: random.pick(honest), atMs: atMs() }] : [];
  return [{ node: plan.validatorCount, atMs: atMs() }, ...seated];
}
