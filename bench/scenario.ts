// What a scenario is: a name, what it measures, how long that takes, and a run that gives back what it found.
// Measures nothing itself; the scenarios stand in scenarios/.

import type { Budget } from "./budget.ts";
import { budgetOf } from "./budget.ts";
import type { Claim } from "./checks.ts";
import { type Claims, Lab, type LabPlan } from "./lab.ts";
import type { Hooks } from "./loads.ts";
import type { Defaults, Options } from "./options.ts";
import type { Phase } from "./phase.ts";
import type { CpuProfile } from "./profiler.ts";
import type { Figure, Point, Series } from "./record.ts";

export interface Outcome extends Claims {
  readonly nodes: number;
  readonly configuration: Readonly<Record<string, number | string | boolean>>;
  readonly points: readonly Point[];
  readonly main: string | undefined;
  readonly latencyOf?: string;
  readonly figures?: readonly Figure[];
  readonly series?: readonly Series[];
  readonly notes?: readonly string[];
  readonly profile?: { readonly profile: CpuProfile; readonly phase: Phase; readonly budget: Budget };
}

export interface Scenario {
  readonly name: string;
  /** one line of help */
  readonly what: string;
  readonly defaults: Defaults;
  /** names of the options that it heeds: of others it is said that they change nothing */
  readonly heeds: readonly string[];
  /** it stops, slows or counts nodes: not for those of --attach */
  readonly needsOwnNodes?: true;
  /** s of wall time that a run takes, about; the run is given up after some more */
  secondsNeeded(options: Options): number;
  run(options: Options, hooks: Hooks): Promise<Outcome>;
}

/** What a run with one network has to say for itself, whatever it measures. */
export interface Found {
  readonly points: readonly Point[];
  readonly main: string | undefined;
  readonly latencyOf?: string;
  readonly figures?: readonly Figure[];
  readonly series?: readonly Series[];
  readonly notes?: readonly string[];
  readonly configuration?: Readonly<Record<string, number | string | boolean>>;
  /** what a profile is taken of, when one is asked for */
  readonly again?: () => Promise<Phase>;
}

/** Start of four nodes, opening of accounts, checks and the end. */
export const OVERHEAD_SECONDS = 30;

const ELSEWHERE = "The nodes run elsewhere: one verification and the limit are those of this machine, not of theirs.";

/** Opens a network, runs, checks what may be claimed, profiles if asked, and closes it, whatever happens. */
export async function inLab(
  options: Options,
  hooks: Hooks,
  plan: Partial<LabPlan>,
  run: (lab: Lab) => Promise<Found>,
): Promise<Outcome> {
  const lab = await Lab.open(options, hooks, plan);
  try {
    const found = await run(lab);
    const profiled =
      options.profile === undefined || found.again === undefined ? undefined : await lab.profiled(found.again);
    const claims = await lab.claims(found.points.flatMap(({ repetitions }) => repetitions));
    return {
      ...found,
      ...claims,
      nodes: lab.size,
      configuration: { ...configurationOf(options, lab), ...found.configuration },
      notes: [...(found.notes ?? []), ...(lab.network === undefined ? [ELSEWHERE] : [])],
      ...(profiled === undefined
        ? {}
        : { profile: { ...profiled, budget: budgetOf(profiled.profile, profiled.phase) } }),
    };
  } catch (error) {
    await lab.tellLogs();
    throw error;
  } finally {
    lab.close();
  }
}

/** Everything that another run must have alike to be comparable. */
function configurationOf(options: Options, lab: Lab): Readonly<Record<string, number | string | boolean>> {
  return {
    nodes: lab.size,
    payload: options.payload,
    callsPerTransaction: lab.calls,
    inFlightPerNode: lab.inFlightPerNode,
    arrivals: options.arrivals,
    seconds: options.seconds,
    repeat: options.repeat,
    seed: options.seed,
    warmUpSeconds: 2 * options.warmUpSeconds,
    nodeConfiguration:
      lab.network === undefined
        ? "of a network that runs elsewhere"
        : "defaults, with the rate limits of one address raised",
  };
}

/** The same load several times, one after the other. */
export async function repeated(
  name: string,
  at: Point["at"],
  times: number,
  run: (repetition: number) => Promise<Phase>,
): Promise<Point> {
  const repetitions: Phase[] = [];
  for (let repetition = 0; repetition < times; repetition += 1) repetitions.push(await run(repetition));
  return { name, at, repetitions };
}

/** Claims of several networks hold when each one's do. */
export function allOf(claims: readonly Claim[]): Claim {
  return { holds: claims.every(({ holds }) => holds), basis: claims.map(({ basis }) => basis).join(" | ") };
}
