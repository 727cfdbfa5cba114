// The mutants themselves: they are the same each time, each breaks what it says, and none is broken unless it is asked for.

import { describe, expect, it } from "vitest";
import { EQUIVALENT } from "./equivalent-mutants.ts";
import { mutate } from "./mutants.ts";

describe("mutants of the rule language", () => {
  const sources = new URL("../../src/contracts/", import.meta.url).pathname;
  const { mutants, texts } = mutate(sources);

  it("R213: every operator, check and charge of gas is broken once, and each mutant differs from its part", () => {
    expect(mutate(sources).mutants).toEqual(mutants);
    expect(mutants.length).toBeGreaterThan(2500);
    for (const kind of ["operator", "condition", "check", "gas"])
      expect(mutants.some((mutant) => mutant.kind === kind)).toBe(true);
    expect(mutants.filter(({ before, after }) => before === after)).toEqual([]);
    const charges = mutants.filter(({ file, kind }) => file === "compile-expression.ts" && kind === "gas");
    expect(charges.map(({ before, after }) => [before, after])).toContainEqual(["cost", "0"]);
    expect(mutants.filter(({ file, kind }) => file === "gas.ts" && kind === "gas").length).toBeGreaterThan(15);
  });

  it("R240: one text holds all mutants of a source, and each is asked about in one place", () => {
    const asked = [...texts.values()].flatMap((text) =>
      [...text.matchAll(/\$mutant\((\d+)\)/g)].map(([, id]) => Number(id)),
    );
    expect(asked.sort((left, right) => left - right)).toEqual(mutants.map(({ id }) => id));
  });

  it("R241: every mutant that is held equivalent exists, in as many places as are looked at, and has a reason", () => {
    for (const { file, after, places = 1, why } of EQUIVALENT) {
      const found = mutants.filter((mutant) => mutant.file === file && mutant.after === after);
      expect([file, after, found.length]).toEqual([file, after, places]);
      expect(why.length).toBeGreaterThan(10);
    }
  });
});
