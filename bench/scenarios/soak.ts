// A long steady load in slices of a minute: whether memory grows without end, how the disk grows, whether the slow answers get slower.

import { residentMb } from "../machine.ts";
import { LOAD_OPTIONS } from "../options.ts";
import type { Point } from "../record.ts";
import { inLab, OVERHEAD_SECONDS, type Scenario } from "../scenario.ts";
import { slope } from "../statistics.ts";

const SOAK_SECONDS = 1_800;
const SLICE_SECONDS = 60;
const RATE_USUAL = 200;
/** Slices in which caches fill and Node compiles: no part of the drift. */
const SETTLING_SHARE = 0.2;

export const SOAK: Scenario = {
  name: "soak",
  what: `--rate (${RATE_USUAL}) for --seconds (${SOAK_SECONDS}): memory, disk, drift of p99`,
  defaults: { seconds: SOAK_SECONDS, rate: RATE_USUAL },
  heeds: [...LOAD_OPTIONS, "nodes", "attach", "rate"],
  secondsNeeded: ({ seconds, warmUpSeconds }) => OVERHEAD_SECONDS + 3 * warmUpSeconds + 1.15 * seconds,
  run: (options, hooks) =>
    inLab(options, hooks, {}, async (lab) => {
      const { seconds, seed, rate = RATE_USUAL } = options;
      const slices = Math.max(2, Math.round(seconds / SLICE_SECONDS));
      const sliceSeconds = seconds / slices;
      const points: Point[] = [];
      const disk: [number, number][] = [];
      const memory: [number, number][] = [];
      await lab.warmUp();
      for (let slice = 0; slice < slices; slice += 1) {
        const name = `minute ${slice + 1}`;
        const phase = await lab.openLoop(name, { rate, seconds: sliceSeconds, seed: seed + slice });
        const minute = ((slice + 1) * sliceSeconds) / 60;
        points.push({ name, at: { minute, rate }, repetitions: [phase] });
        const { network } = lab;
        if (network === undefined) continue;
        disk.push([minute, network.dataBytes(0) / 2 ** 20]);
        memory.push([minute, Math.max(...network.pids.map(residentMb))]);
        hooks.progress(`${name} of ${slices}: p99 ${phase.latencySummary.p99Ms} ms, ${memory.at(-1)?.[1]} MB`);
      }
      const p99 = points.map(
        ({ at, repetitions }) => [Number(at.minute), repetitions[0]!.latencySummary.p99Ms] as const,
      );
      const settled = <Row>(rows: readonly Row[]): readonly Row[] =>
        rows.slice(Math.floor(rows.length * SETTLING_SHARE));
      // Of nodes elsewhere neither memory nor disk is known: no figure, instead of one that says that nothing grows.
      const drift = (name: string, unit: string, rows: readonly (readonly [number, number])[]) =>
        settled(rows).length < 2 ? [] : [{ name, unit, better: "less" as const, values: [slope(settled(rows))] }];
      const curve = (chart: string, y: string, rows: readonly (readonly [number, number])[]) => ({
        chart,
        name: "largest node",
        x: "min",
        y,
        points: rows,
      });
      return {
        points,
        main: points.at(-1)?.name,
        figures: [
          ...drift("growth of memory", "MB/min", memory),
          ...drift("growth of a node's data", "MB/min", disk),
          ...drift("drift of p99", "ms/min", p99),
        ],
        series: [
          curve("Memory", "MB", memory),
          curve("A node's data", "MB", disk),
          { chart: "Slow answers", name: "p99", x: "min", y: "ms", points: p99 },
        ].filter((line) => line.points.length > 0),
        notes: [`Slopes of least squares without the first ${SETTLING_SHARE * 100}% of the time.`],
      };
    }),
};
