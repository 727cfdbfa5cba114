// The rows of a table of latencies, each a load with a word of its own: one client at a time, transactions a second, shares of the peak.
// Decides what is measured and in which order; every figure comes from elsewhere.

import { unreachable } from "../src/assert.ts";
import { LedgerError } from "../src/errors.ts";
import type { Hooks, Loads } from "./loads.ts";
import type { Options } from "./options.ts";
import type { Phase } from "./phase.ts";
import type { Point } from "./record.ts";
import { repeated } from "./scenario.ts";

/** Of people, a small town, a city; then shares of what the machine can do. */
export const ROWS_USUAL = ["one", "10", "200", "1000", "peak", "50%", "70%"] as const;
export const ROWS_HELP = "one (client at a time), N (tx/s), peak, N% (of the peak)";

export interface Row {
  /** as it was asked for */
  readonly word: string;
  readonly load: { readonly kind: "one" | "peak" } | { readonly kind: "rate" | "share"; readonly value: number };
}

/** @throws LedgerError BENCH_OPTION_INVALID: a row twice would have one name for two loads */
export function readRows(words: readonly string[]): readonly Row[] {
  const twice = words.find((word, index) => words.indexOf(word) !== index);
  if (twice === undefined) return words.map(readRow);
  throw new LedgerError(
    "BENCH_OPTION_INVALID",
    { option: "--over", text: twice },
    { remedy: "each row once; --repeat measures all of them more often" },
  );
}

function readRow(word: string): Row {
  if (word === "one" || word === "peak") return { word, load: { kind: word } };
  const match = /^([1-9][0-9]{0,5})(%?)$/.exec(word);
  if (match === null)
    throw new LedgerError("BENCH_OPTION_INVALID", { option: "--over", text: word }, { remedy: ROWS_HELP });
  return { word, load: { kind: match[2] === "%" ? "share" : "rate", value: Number(match[1]) } };
}

/** A share needs a peak: the row before it, or one measured for its sake, which is no row. */
export class Rows {
  private readonly loads: Loads;
  private readonly options: Options;
  private readonly hooks: Hooks;
  /** tx/s */
  private peak: number | undefined;

  constructor(loads: Loads, options: Options, hooks: Hooks) {
    this.loads = loads;
    this.options = options;
    this.hooks = hooks;
  }

  async measure(row: Row): Promise<Point> {
    const { seconds, repeat } = this.options;
    const { name, at } = await this.described(row);
    this.hooks.progress(`${name} for ${seconds} s`);
    const point = await repeated(name, at, repeat, (repetition) => this.once(row, repetition));
    if (row.load.kind === "peak") this.peak = Math.max(...point.repetitions.map(({ txPerSecond }) => txPerSecond));
    return point;
  }

  /** One load of the row. @param repetition of its arrivals */
  async once(row: Row, repetition: number): Promise<Phase> {
    const { seconds, seed } = this.options;
    const { name, at } = await this.described(row);
    switch (row.load.kind) {
      case "one":
        return this.loads.single(name, seconds);
      case "peak":
        return this.loads.closedLoop(name, seconds);
      case "rate":
      case "share":
        return this.loads.openLoop(name, { rate: Number(at.rate), seconds, seed: seed + repetition });
      default:
        return unreachable(row.load);
    }
  }

  private async described({ word, load }: Row): Promise<Pick<Point, "name" | "at">> {
    switch (load.kind) {
      case "one":
        return { name: "one client", at: {} };
      case "peak":
        return { name: "peak", at: { inFlightPerNode: this.loads.inFlightPerNode } };
      case "rate":
        return { name: `${load.value} tx/s`, at: { rate: load.value } };
      case "share":
        return {
          name: `${word} of peak`,
          at: { rate: Math.max(1, Math.floor((load.value / 100) * (await this.knownPeak()))) },
        };
      default:
        return unreachable(load);
    }
  }

  private async knownPeak(): Promise<number> {
    if (this.peak === undefined) {
      this.hooks.progress(`peak, to know shares of it, for ${this.options.seconds} s`);
      this.peak = (await this.loads.closedLoop("peak", this.options.seconds)).txPerSecond;
    }
    return this.peak;
  }
}
