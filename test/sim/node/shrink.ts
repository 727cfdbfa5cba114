// Makes a failing seed smaller: leaves out what the failure does not need, as long as the same rule still breaks.
// Greedy and without memory: it ends when nothing more can be left out, or after enough runs.

import { describePlan, drawPlan, type Plan, type Profile } from "./plan.ts";
import { entriesOf, NO_TRIM, partsOf, type Trim, trimmed } from "./trim.ts";
import { type Outcome, runSeed } from "./world.ts";

const RUNS_MAX = 250;

export interface Shrunk {
  readonly trim: Trim;
  readonly outcome: Outcome;
  readonly runs: number;
}

/** @returns undefined when the seed does not fail at all */
export async function shrink(seed: number, profile: Profile, say: (line: string) => void): Promise<Shrunk | undefined> {
  const plan = drawPlan(seed, profile);
  const first = await runSeed(seed, profile);
  if (first.failure === undefined) return undefined;
  const rule = ruleOf(first.failure);
  let best: Shrunk = { trim: NO_TRIM, outcome: first, runs: 1 };
  let runs = 1;
  const attempt = async (trim: Trim): Promise<boolean> => {
    const smaller = trimmed(plan, trim);
    if (runs >= RUNS_MAX || smaller === undefined || textOf(smaller) === textOf(trimmed(plan, best.trim))) return false;
    runs += 1;
    const outcome = await runSeed(seed, profile, undefined, trim);
    if (outcome.failure === undefined || ruleOf(outcome.failure) !== rule) return false;
    best = { trim, outcome, runs };
    say(`${runs} runs: ${describePlan(smaller)}`);
    return true;
  };
  for (let before: Trim | undefined; before !== best.trim && runs < RUNS_MAX; ) {
    before = best.trim;
    for (const name of partsOf(trimmed(plan, best.trim) ?? plan))
      await attempt({ ...best.trim, without: [...best.trim.without, name] });
    const nodes = best.trim.nodes ?? plan.validatorCount;
    for (let fewer = 4; fewer < nodes; fewer += 1) if (await attempt({ ...best.trim, nodes: fewer })) break;
    for (const part of [0.25, 0.5, 0.8]) {
      const untilMs = Math.floor((best.trim.untilMs ?? plan.calmFromMs) * part);
      if (await attempt({ ...best.trim, untilMs })) break;
    }
    for (const name of entriesOf(plan, best.trim))
      await attempt({ ...best.trim, without: [...best.trim.without, name] });
  }
  return { ...best, runs };
}

/** Two plans with the same text are one: what is left out was gone already. */
function textOf(plan: Plan | undefined): string {
  return JSON.stringify({ ...plan, lies: [...(plan?.lies ?? [])] });
}

/** The rule that broke: the first words of the failure, whatever node and height it names. */
function ruleOf(failure: string): string {
  const [, reason = failure] = /^at [\d.]+ ms: (.*)$/s.exec(failure) ?? [];
  return (reason.split(":")[0] ?? "").replace(/\d+/g, "");
}
