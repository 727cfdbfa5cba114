// What a replica's patience is made of: its own measurements only.

import { describe, expect, it } from "vitest";
import { Pace } from "../../../src/node/pace.ts";

describe("pace", () => {
  it("N55: patience grows with this node's own verification and execution, and with round trips", () => {
    const pace = new Pace();
    const quiet = pace.timeoutMs({ roundTripMs: 2, saveMs: 1, origins: 4 });
    expect(quiet).toBe(26);
    for (let round = 0; round < 100; round += 1) {
      pace.noteVerification(50);
      pace.noteExecution(30);
    }
    expect(pace.timeoutMs({ roundTripMs: 2, saveMs: 1, origins: 4 })).toBeCloseTo(26 + 2 * (4 * 50 + 30), 3);
  });

  it("N87: a node that becomes slow is patient at once, and becomes impatient again only slowly", () => {
    const pace = new Pace();
    const timeoutMs = () => pace.timeoutMs({ roundTripMs: 0, saveMs: 0, origins: 4 });
    pace.noteVerification(10);
    pace.noteExecution(20);
    pace.noteVerification(500);
    pace.noteExecution(900);
    expect(timeoutMs()).toBe(2 * (4 * 500 + 900));
    pace.noteExecution(20);
    expect(timeoutMs()).toBeGreaterThan(2 * (4 * 500 + 700));
    for (let round = 0; round < 100; round += 1) {
      pace.noteVerification(10);
      pace.noteExecution(20);
    }
    expect(timeoutMs()).toBeCloseTo(2 * (4 * 10 + 20), 1);
  });
});
