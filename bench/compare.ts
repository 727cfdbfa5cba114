// Two runs, or two directories of runs, side by side: how much each figure changed, how sure that is, and what may be said.
// Compares only what both have by the same name in the same scenario.

import { type Figure, figuresOf, loadRecords, type RunRecord } from "./record.ts";
import { mannWhitneyP, median, ratioInterval, type Spread } from "./statistics.ts";

/** Two rows differ when chance alone would make them differ so much less often than this. */
const P_MAX = 0.05;

export interface Comparison {
  readonly scenario: string;
  readonly name: string;
  readonly unit: string;
  readonly before: number;
  readonly after: number;
  /** after / before with its 95% interval by bootstrap */
  readonly ratio: Spread;
  /** of Mann and Whitney's test over the repetitions, two-sided */
  readonly p: number;
  readonly verdict: "better" | "worse" | "no difference shown" | "too few repetitions";
}

/** @throws LedgerError BENCH_RECORD_INVALID */
export async function compare(before: string, after: string): Promise<readonly Comparison[]> {
  const [old, now] = await Promise.all([loadRecords(before), loadRecords(after)]);
  return compareRecords(old, now);
}

export function compareRecords(before: readonly RunRecord[], after: readonly RunRecord[]): readonly Comparison[] {
  const [old, now] = [figuresByName(before), figuresByName(after)];
  return [...old].flatMap(([key, one]) => {
    const other = now.get(key);
    return other === undefined ? [] : [comparisonOf(one, other)];
  });
}

interface Named {
  readonly scenario: string;
  readonly figure: Figure;
}

/** Figures of several runs of one scenario are repetitions of each other. */
function figuresByName(records: readonly RunRecord[]): ReadonlyMap<string, Named> {
  const found = new Map<string, Named>();
  for (const record of records) {
    const { payload = "no load", callsPerTransaction = 1, tuned = false } = record.configuration;
    const scenario = `${record.scenario} of ${record.system}${tuned === true ? ", tuned" : ""}, ${record.nodes} nodes, ${payload} of ${callsPerTransaction}`;
    for (const figure of figuresOf(record)) {
      const key = `${scenario}: ${figure.name}`;
      const values = [...(found.get(key)?.figure.values ?? []), ...figure.values];
      found.set(key, { scenario, figure: { ...figure, values } });
    }
  }
  return found;
}

function comparisonOf({ scenario, figure }: Named, { figure: { values } }: Named): Comparison {
  const { name, unit, better } = figure;
  const p = mannWhitneyP(figure.values, values);
  const [before, after] = [median(figure.values), median(values)];
  return {
    scenario,
    name,
    unit,
    before,
    after,
    ratio: ratioInterval(figure.values, values),
    p,
    verdict: verdictOf({
      p,
      leastP: leastP(figure.values.length, values.length),
      isBetter: after > before === (better === "more"),
    }),
  };
}

function verdictOf(facts: {
  readonly p: number;
  readonly leastP: number;
  readonly isBetter: boolean;
}): Comparison["verdict"] {
  if (facts.leastP > P_MAX) return "too few repetitions";
  if (facts.p > P_MAX) return "no difference shown";
  return facts.isBetter ? "better" : "worse";
}

/** What the test says of rows of these lengths that do not overlap at all. */
function leastP(before: number, after: number): number {
  const row = (length: number, from: number): readonly number[] => Array.from({ length }, (_, index) => from + index);
  return mannWhitneyP(row(before, 0), row(after, before));
}

export function comparisonText(all: readonly Comparison[]): string {
  const number = (value: number): string => value.toFixed(Math.abs(value) < 100 ? 2 : 0);
  const row = ({ name, unit, before, after, ratio, p, verdict }: Comparison): string =>
    [
      name.padEnd(44),
      `${number(before)} -> ${number(after)} ${unit}`.padEnd(34),
      `x ${ratio.median.toFixed(3)} [${ratio.low.toFixed(3)}, ${ratio.high.toFixed(3)}]`.padEnd(30),
      `p ${p.toFixed(3)}`.padEnd(10),
      verdict,
    ].join("");
  const scenarios = [...new Set(all.map(({ scenario }) => scenario))];
  const lines = scenarios.flatMap((scenario) => [
    scenario,
    ...all.filter((one) => one.scenario === scenario).map((one) => `  ${row(one)}`),
  ]);
  return [
    "",
    "Ratio after / before with its 95% interval (bootstrap of medians, 10,000 resamples); p of Mann and Whitney's test, two-sided, over",
    "the repetitions, not over single transactions, which are not independent. Four repetitions of each side are the least that can show 5%.",
    "",
    ...(all.length === 0 ? ["Nothing is in both: same scenario, system, payload, calls and number of nodes."] : lines),
    "",
  ].join("\n");
}
