// A rush to vote: 82% of an electorate within --seconds (600), Poisson arrivals, each ballot once. The default electorate is a
// district of 100 communities in which everybody votes in the same ten minutes (164 a second).

import { inLab, OVERHEAD_SECONDS, repeated, type Scenario } from "../scenario.ts";

const TURNOUT = 0.82;
const RUSH_SECONDS = 600;
/** Voters with keys of their own; a larger electorate votes in several motions with these. */
const ACCOUNTS_MAX = 5_000;

export const RUSH: Scenario = {
  name: "rush",
  what: `${TURNOUT * 100}% of --electorate (120000) vote within --seconds (${RUSH_SECONDS})`,
  defaults: { seconds: RUSH_SECONDS },
  heeds: "seconds warm-up in-flight arrivals seed json out repeat nodes attach profile electorate".split(" "),
  secondsNeeded: ({ seconds, repeat, warmUpSeconds }) =>
    2 * OVERHEAD_SECONDS + 3 * warmUpSeconds + 1.2 * seconds * repeat,
  run: (given, hooks) => {
    const options = { ...given, payload: "vote", calls: 1 } as const;
    const { seconds, repeat, seed, electorate } = options;
    const accounts = Math.min(ACCOUNTS_MAX, electorate);
    const rate = (TURNOUT * electorate) / seconds;
    return inLab(options, hooks, { accounts }, async (lab) => {
      await lab.warmUp();
      hooks.progress(`${Math.round(TURNOUT * electorate)} ballots in ${seconds} s: ${rate.toFixed(1)} a second`);
      const run = (number: number) => lab.openLoop("rush", { rate, seconds, seed: seed + number });
      const point = await repeated("rush", { electorate, rate: Math.round(rate * 10) / 10 }, repeat, run);
      const [first] = point.repetitions;
      const { stepMs, due, committed } = first!.timeline;
      const waiting = waitingAt(due, committed);
      return {
        points: [point],
        main: "rush",
        configuration: { electorate, turnout: TURNOUT, voterKeys: accounts },
        figures: [
          {
            name: "most ballots waiting at one time",
            unit: "ballots",
            better: "less",
            values: [Math.max(0, ...waiting)],
          },
        ],
        series: [
          {
            chart: "Ballots a second",
            name: "committed",
            x: "s",
            y: "ballots/s",
            points: perSecond(committed, stepMs),
          },
        ],
        notes: electorate > accounts ? [`${accounts} keys vote in ${Math.ceil(electorate / accounts)} motions.`] : [],
        again: () => run(repeat),
      };
    });
  },
};

/** Due and not yet committed, after each step. */
function waitingAt(due: readonly number[], committed: readonly number[]): readonly number[] {
  let waiting = 0;
  return due.map((count, step) => {
    waiting += count - (committed[step] ?? 0);
    return waiting;
  });
}

/** One point a second. */
function perSecond(steps: readonly number[], stepMs: number): readonly (readonly [number, number])[] {
  const each = 1000 / stepMs;
  return Array.from({ length: Math.floor(steps.length / each) }, (_, second) => [
    second,
    steps.slice(second * each, (second + 1) * each).reduce((total, count) => total + count, 0),
  ]);
}
