// Every moment of the scenario at which one node writes, and what comes of a crash at it. The world and its checkers judge:
// no double vote, nothing acknowledged lost, everybody at the head in the end, also after a power cut of all.

import { FATES, type Fate, type WriteKind } from "../node/fate.ts";
import { type Outcome, World } from "../node/world.ts";
import { CALM_FROM_MS, play, SCENARIO } from "./scenario.ts";

/** A write, or the sync at its end, of one node; numbered in the order in which they begin. */
export interface Moment {
  readonly node: number;
  readonly write: number;
  readonly kind: WriteKind;
}

/** One crash: at a moment, with an outcome. */
export interface CrashPoint extends Moment {
  readonly fate: Fate;
  /** all nodes lose power then */
  readonly isEverywhere: boolean;
}

/** Long enough for the others to go on without it. */
const DOWN_MS = 300;

/** Plays the scenario without a crash: what it shows, and the moments at which the nodes write before calm. */
export async function learnMoments(): Promise<{ readonly outcome: Outcome; readonly moments: readonly Moment[] }> {
  const world = new World(SCENARIO);
  const moments: Moment[] = [];
  world.onWrite = ({ index, writes }, kind) => {
    if (world.timeline.nowMs < CALM_FROM_MS) moments.push({ node: index, write: writes, kind });
  };
  play(world);
  return { outcome: await world.run(), moments };
}

/** A power cut of all nodes says nothing new where only the process ends, or where nothing was under way to be torn. */
export function pointsOf(
  moments: readonly Moment[],
  { nodes, everywhereOf }: { readonly nodes: readonly number[]; readonly everywhereOf: readonly number[] },
): readonly CrashPoint[] {
  const one = moments
    .filter(({ node }) => nodes.includes(node))
    .flatMap((moment) => FATES.map((fate): CrashPoint => ({ ...moment, fate, isEverywhere: false })));
  const all = moments
    .filter(({ node }) => everywhereOf.includes(node))
    .flatMap((moment) =>
      (["nothing", "half"] as const).map((fate): CrashPoint => ({ ...moment, fate, isEverywhere: true })),
    );
  return [...one, ...all];
}

/** @returns the rule that broke; undefined: none */
export async function crashAt({ node, write, fate, isEverywhere }: CrashPoint): Promise<string | undefined> {
  const cut = { node, write, fate, isEverywhere, downMs: DOWN_MS };
  const world = new World({ ...SCENARIO, writesCut: [cut] });
  play(world);
  const { failure } = await world.run();
  // The scenario up to the crash is the one that was learnt: a crash that does not happen there proves nothing.
  return failure ?? (world.cutsMade === 1 ? undefined : "the crash did not happen");
}

export function describePoint({ node, write, kind, fate, isEverywhere }: CrashPoint): string {
  return `node ${node}, ${kind} ${write}, ${fate}${isEverywhere ? ", everywhere" : ""}`;
}
