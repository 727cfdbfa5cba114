// The saturation point: the highest rate of an open loop that the nodes sustain. Rates double until one is too high, then the
// gap is halved. A rate is sustained when nearly all of it is committed while it is offered, and nobody waits long.

import type { LatencySummary } from "../latency.ts";
import { LOAD_OPTIONS } from "../options.ts";
import type { Phase } from "../phase.ts";
import type { Point } from "../record.ts";
import { inLab, OVERHEAD_SECONDS, type Scenario } from "../scenario.ts";

const RATE_USUAL = 100;
const COMMITTED_SHARE_MIN = 0.95;
const P99_MS_MAX = 1_000;
/** The gap is closed when it is so small a share of the rate. */
const PRECISION = 0.05;
const STEPS_MAX = 16;

export const RAMP: Scenario = {
  name: "ramp",
  what: "finds the highest rate that is sustained: 95% committed while offered, p99 below 1 s; begins at --rate (100)",
  defaults: { rate: RATE_USUAL, seconds: 8 },
  heeds: [...LOAD_OPTIONS, "nodes", "attach", "rate"],
  secondsNeeded: ({ seconds, warmUpSeconds }) => OVERHEAD_SECONDS + 3 * warmUpSeconds + STEPS_MAX * 1.5 * seconds,
  run: (options, hooks) =>
    inLab(options, hooks, {}, async (lab) => {
      const { seconds, seed, rate: first = RATE_USUAL } = options;
      const points: Point[] = [];
      await lab.warmUp();
      const search = new Search(first);
      for (let step = 0; step < STEPS_MAX && !search.isDone; step += 1) {
        const { rate } = search;
        const phase = await lab.openLoop(`${rate} tx/s`, { rate, seconds, seed: seed + step });
        const holds = isSustained(phase);
        hooks.progress(
          `${rate} tx/s: ${Math.round(phase.txPerSecond)} committed, p99 ${phase.latencySummary.p99Ms} ms: ${holds ? "sustained" : "too much"}`,
        );
        points.push({ name: phase.name, at: { rate, sustained: String(holds) }, repetitions: [phase] });
        search.take(holds);
      }
      points.sort((left, right) => Number(left.at.rate) - Number(right.at.rate));
      const best = points.findLast(({ at }) => at.sustained === "true") ?? points[0];
      const curve = (what: keyof LatencySummary) =>
        points.map(({ at, repetitions }) => [Number(at.rate), repetitions[0]!.latencySummary[what]] as const);
      return {
        points,
        main: best?.name,
        figures: [{ name: "saturation", unit: "tx/s", better: "more", values: [search.sustained] }],
        series: (["p50Ms", "p99Ms"] as const).map((what) => ({
          chart: "Latency by offered load",
          name: what.slice(0, 3),
          x: "offered tx/s",
          y: "ms",
          points: curve(what),
        })),
      };
    }),
};

/** Measured by what was sent: Poisson arrivals of a short load are more or fewer than the rate says. */
function isSustained({ txPerSecond, sent, windowSeconds, missing, latencySummary }: Phase): boolean {
  const offered = sent / windowSeconds;
  return txPerSecond >= COMMITTED_SHARE_MIN * offered && missing === 0 && latencySummary.p99Ms <= P99_MS_MAX;
}

/** Doubles until it is too much, then halves the gap. */
export class Search {
  /** the highest rate that held; 0: none did yet */
  sustained = 0;
  /** to be tried next */
  rate: number;
  private tooMuch = Number.POSITIVE_INFINITY;

  constructor(first: number) {
    this.rate = first;
  }

  get isDone(): boolean {
    return this.tooMuch - this.sustained <= Math.max(1, PRECISION * this.sustained);
  }

  take(holds: boolean): void {
    if (holds) this.sustained = this.rate;
    else this.tooMuch = this.rate;
    this.rate = Math.floor(
      this.tooMuch === Number.POSITIVE_INFINITY ? this.rate * 2 : (this.sustained + this.tooMuch) / 2,
    );
  }
}
