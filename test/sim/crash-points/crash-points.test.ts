// A sample of the places to crash in every run of the tests, and that the scenario has in it what it is for.
// `npm run crash-points` tries all of them.

import { describe, expect, it } from "vitest";
import { WRITE_KINDS } from "../node/fate.ts";
import { crashAt, describePoint, learnMoments, pointsOf } from "./points.ts";
import { FIRST_PRIMARY, LATECOMER, SECOND_PRIMARY } from "./scenario.ts";

const TIMEOUT_MS = 240_000;
const SAMPLE = 24;

describe("crash points", () => {
  it(
    "A112: wherever a node ends while it writes, nothing is voted twice, nothing acknowledged is lost, all reach the head",
    async () => {
      const { outcome, moments } = await learnMoments();
      // Blocks, a timer, a view change, snapshots made, one fetched; every kind of write in it.
      expect(outcome).toMatchObject({ failure: undefined, viewsMax: 1, installs: 1, halts: 0 });
      expect(outcome.receipts).toBeGreaterThanOrEqual(14);
      expect(outcome.snapshots).toBeGreaterThan(4);
      expect(new Set(moments.map(({ kind }) => kind))).toEqual(new Set(WRITE_KINDS));
      const nodes = [FIRST_PRIMARY, SECOND_PRIMARY, LATECOMER];
      const points = pointsOf(moments, { nodes, everywhereOf: [FIRST_PRIMARY] });
      expect(points.length).toBeGreaterThan(1_000);
      // A stride that shares no factor with the number of outcomes: all of them come by.
      const stride = 3 * Math.floor(points.length / SAMPLE / 3) + 1;
      const broken: string[] = [];
      for (const point of points.filter((_, place) => place % stride === 0)) {
        const failure = await crashAt(point);
        if (failure !== undefined) broken.push(`${describePoint(point)}: ${failure}`);
      }
      expect(broken).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    "A112: the same crash gives the same run",
    async () => {
      const { outcome } = await learnMoments();
      expect((await learnMoments()).outcome.fingerprint).toBe(outcome.fingerprint);
    },
    TIMEOUT_MS,
  );
});
