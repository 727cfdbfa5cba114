// Whole nodes in simulated worlds: some seeds in every run of the tests, and that a seed means the same run every time.
// `npm run sim` runs as many as wanted.

import { describe, expect, it } from "vitest";
import { faultBound } from "../../../src/ledger/certificate.ts";
import { runForkSeed } from "./fork.ts";
import { calmMsMax, drawPlan, FOCUSES, LIES, PROFILES, type Profile, VOTES } from "./plan.ts";
import { type Outcome, runSeed } from "./world.ts";

/** Those of "upgrade" are longer: heights have to pass. */
const SEEDS: Readonly<Record<Profile, number>> = {
  swarm: 15,
  byzantine: 15,
  crash: 15,
  losses: 15,
  newcomers: 10,
  upgrade: 8,
};
const FORK_SEEDS = 15;
/** What a run is for must happen in one of them. */
const SEEN: Readonly<Record<Profile, (outcome: Outcome) => boolean>> = {
  swarm: ({ halts }) => halts > 0,
  byzantine: ({ evidence }) => evidence > 0,
  crash: ({ halts }) => halts > 0,
  losses: ({ installs, recoveries }) => installs + recoveries > 0,
  newcomers: ({ installs }) => installs > 0,
  upgrade: ({ late }) => late > 0,
};
const TIMEOUT_MS = 240_000;

describe("simulator of whole nodes", () => {
  for (const profile of PROFILES) {
    it(
      `N110: nodes agree, execute once, keep what they acknowledged and go on: ${profile}, seeds 1 to ${SEEDS[profile]}`,
      async () => {
        const outcomes = [];
        for (let seed = 1; seed <= SEEDS[profile]; seed += 1) outcomes.push(await runSeed(seed, profile));
        const failures = outcomes
          .filter(({ failure }) => failure !== undefined)
          .map(({ seed, failure }) => `${failure}; repeat: npm run sim -- --seed ${seed} --profile ${profile} --trace`);
        expect(failures).toEqual([]);
        // The runs are worth something only if something is executed, views change, and what was meant to break does.
        expect(outcomes.every(({ receipts }) => receipts > 0)).toBe(true);
        expect(outcomes.filter(({ viewsMax }) => viewsMax > 0).length).toBeGreaterThan(SEEDS[profile] / 4);
        expect(outcomes.some(SEEN[profile])).toBe(true);
      },
      TIMEOUT_MS,
    );
  }

  it(
    `C92: a fork by more than f names f + 1 of them and nobody else: seeds 1 to ${FORK_SEEDS}`,
    async () => {
      const outcomes = [];
      for (let seed = 1; seed <= FORK_SEEDS; seed += 1) outcomes.push(await runForkSeed(seed));
      expect(outcomes.flatMap(({ failure }) => failure ?? [])).toEqual([]);
      expect(outcomes.filter(({ forks }) => forks > 0).length).toBeGreaterThan(FORK_SEEDS / 2);
    },
    TIMEOUT_MS,
  );

  it(
    "N111: the same seed gives the same effects, another seed others",
    async () => {
      const seeds = [5001, 5002, 5003];
      const once: string[] = [];
      for (const seed of seeds) once.push((await runSeed(seed)).fingerprint);
      const again: string[] = [];
      for (const seed of seeds) again.push((await runSeed(seed)).fingerprint);
      expect(again).toEqual(once);
      expect(new Set(once).size).toBe(seeds.length);
    },
    TIMEOUT_MS,
  );

  it(
    "A119: what a member that has lost its seat did not take in need not be executed",
    async () => {
      // The member that the censor leaves out is voted out, and is handed a transaction afterwards.
      expect((await runSeed(1_047, "byzantine")).failure).toBeUndefined();
    },
    TIMEOUT_MS,
  );

  it("A130: some clients know one door only, that of an honest node with a seat, and can wait through all of calm", () => {
    const plans = PROFILES.flatMap((profile) =>
      Array.from({ length: SEEDS[profile] }, (_, seed) => drawPlan(seed + 1, profile)),
    );
    const withDoors = plans.filter(({ doors }) => doors.some((door) => door !== undefined));
    expect(new Set(withDoors.map(({ profile }) => profile))).toEqual(new Set(PROFILES));
    for (const plan of withDoors) {
      const { doors, lies, validatorCount, parameters, calmFromMs } = plan;
      for (const door of doors.filter((one) => one !== undefined))
        expect([lies.has(door), door < validatorCount]).toEqual([false, true]);
      // Heights that an upgrade has to wait for may take longer.
      const calmMs = calmMsMax({ ...plan, upgrade: undefined });
      expect(parameters.replayWindowMs).toBeGreaterThan(calmFromMs + calmMs);
    }
  });

  it("A116: newcomers are no liars, with a seat only where nothing else is broken; each lie of those they fetch from is drawn", () => {
    const plans = Array.from({ length: 300 }, (_, seed) => drawPlan(seed, "newcomers"));
    expect(new Set(plans.flatMap(({ focus }) => focus ?? []))).toEqual(new Set(FOCUSES));
    for (const { newcomers, lies, makers, validatorCount, flippedBits, backups } of plans) {
      expect(newcomers.some(({ node }) => lies.has(node))).toBe(false);
      const seated = newcomers.filter(({ node }) => node < validatorCount);
      const isQuiet =
        [...lies.values()].every((lie) => lie === "poisoner") && flippedBits.length + backups.length === 0;
      expect(seated.length).toBeLessThanOrEqual(isQuiet ? 1 : 0);
      if (makers !== undefined) expect([...lies.keys()].every((node) => makers.has(node))).toBe(true);
    }
  });

  it("A117: some vote records go right after a vote of each kind, and the node with its store is back at once", () => {
    const losses = Array.from({ length: 300 }, (_, seed) => drawPlan(seed, "losses").lostRecords).flat();
    const worst = losses.filter(({ afterVote }) => afterVote !== undefined);
    expect(new Set(worst.map(({ afterVote }) => afterVote))).toEqual(new Set(VOTES));
    expect(worst.length).toBeLessThan(losses.length);
    for (const { withStore, downMs, muteMs } of worst)
      expect([withStore, muteMs, downMs <= 30]).toEqual([false, 0, true]);
  });

  it("draws every lie and every size, never more liars than f, and no more broken disks than the rest can bear", () => {
    const plans = PROFILES.flatMap((profile) => Array.from({ length: 500 }, (_, seed) => drawPlan(seed, profile)));
    expect(new Set(plans.map(({ validatorCount }) => validatorCount))).toEqual(new Set([4, 5, 6, 7, 10, 13]));
    expect(new Set(plans.flatMap(({ lies }) => [...lies.values()]))).toEqual(new Set([...LIES, "poisoner"]));
    for (const { lies, flippedBits, backups, validatorCount } of plans) {
      const broken = new Set([...flippedBits, ...backups].map(({ node }) => node)).size;
      expect(lies.size + broken).toBeLessThanOrEqual(faultBound(validatorCount));
    }
  });
});
