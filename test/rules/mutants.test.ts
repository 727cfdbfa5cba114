// The list of mutants itself: it is the same each time, breaks what it says, and leaves texts and comments alone.

import { describe, expect, it } from "vitest";
import { listMutants } from "./mutants.ts";

describe("mutants of the rule language", () => {
  const sources = new URL("../../src/contracts/", import.meta.url).pathname;
  const mutants = listMutants(sources);

  it("R213: every operator, check and charge of gas is broken once, and each mutant differs from its line", () => {
    expect(listMutants(sources)).toEqual(mutants);
    expect(mutants.length).toBeGreaterThan(1500);
    for (const kind of ["operator", "condition", "check", "gas"])
      expect(mutants.some((mutant) => mutant.kind === kind)).toBe(true);
    expect(mutants.filter(({ before, after }) => before === after.trim())).toEqual([]);
    const charges = mutants
      .filter(({ file, kind }) => file === "compile-expression.ts" && kind === "gas")
      .map(({ after }) => after.trim());
    expect(charges).toContain("frame.gas -= 0 && cost;");
  });
});
