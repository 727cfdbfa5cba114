// What a replica's patience is made of: its own measurements only.

import { describe, expect, it } from "vitest";
import { DEFAULT_TIMING } from "../../../src/consensus/limits.ts";
import { Pace } from "../../../src/node/pace.ts";

describe("pace", () => {
  it("N55: patience grows with this node's own verification and execution, and with round trips", () => {
    const pace = new Pace();
    const quiet = pace.measure({ roundTripMs: 2, saveMs: 1, origins: 4, pending: 0 });
    expect(quiet).toBe(26);
    for (let round = 0; round < 100; round += 1) {
      pace.noteVerification(50, 1);
      pace.noteExecution(30, 1);
    }
    expect(pace.measure({ roundTripMs: 2, saveMs: 1, origins: 4, pending: 0 })).toBeCloseTo(26 + 2 * (4 * 50 + 30), 3);
  });

  it("N87: a node that becomes slow is patient at once, and becomes impatient again only slowly", () => {
    const pace = new Pace();
    const timeoutMs = () => pace.measure({ roundTripMs: 0, saveMs: 0, origins: 4, pending: 0 });
    pace.noteVerification(10, 1);
    pace.noteExecution(20, 1);
    pace.noteVerification(500, 1);
    pace.noteExecution(900, 1);
    expect(timeoutMs()).toBe(2 * (4 * 500 + 900));
    pace.noteExecution(20, 1);
    expect(timeoutMs()).toBeGreaterThan(2 * (4 * 500 + 700));
    for (let round = 0; round < 100; round += 1) {
      pace.noteVerification(10, 1);
      pace.noteExecution(20, 1);
    }
    expect(timeoutMs()).toBeCloseTo(2 * (4 * 10 + 20), 1);
  });

  it("C110: patience covers the work that is known to be coming, at what many transactions cost each", () => {
    const pace = new Pace();
    const patienceOf = (pending: number) => {
      pace.measure({ roundTripMs: 0, saveMs: 0, origins: 4, pending });
      return pace.patienceMs;
    };
    expect([patienceOf(0), patienceOf(1_000)]).toEqual([DEFAULT_TIMING.timeoutMsMin, DEFAULT_TIMING.timeoutMsMin]);
    expect(patienceOf(10_000), "before anything was measured").toBe(5_000);
    pace.noteVerification(9, 1);
    pace.noteExecution(9, 31);
    expect(patienceOf(10_000), "few say nothing about each of many").toBe(5_000);
    pace.noteVerification(100, 100);
    pace.noteExecution(200, 100);
    expect(patienceOf(1_000)).toBe(2 * 1_000 * 3);
    expect(patienceOf(10_000)).toBe(DEFAULT_TIMING.timeoutMsMax);
  });
});
