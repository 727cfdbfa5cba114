// The planted bugs of the simulator: every one can still be planted, and three are found.
// `npm run sim:mutants` looks for all of them.

import { stripTypeScriptTypes } from "node:module";
import { describe, expect, it } from "vitest";
import { MUTANTS } from "./catalogue.ts";
import { findMutant, ruleOf } from "./find.ts";
import { type Mutant, planted, sourceOf } from "./mutant.ts";

const QUICK = [
  ["vote-before-saved", /^N43: /],
  ["amnesia-frames", /^evidence: /],
  ["quorum-2f+1", /^(suspicion|certificate|agreement|NEW-VIEW): /],
] as const;
const TIMEOUT_MS = 240_000;

function textsOf({ edits }: Mutant): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const edit of edits) texts.set(edit.file, planted(texts.get(edit.file) ?? sourceOf(edit.file), edit));
  return texts;
}

describe("planted bugs", () => {
  it("A110: every planted bug has one place in the sources, changes it, and leaves a file that parses", () => {
    for (const mutant of MUTANTS) {
      for (const [file, text] of textsOf(mutant)) {
        expect(text, mutant.name).not.toBe(sourceOf(file));
        expect(() => stripTypeScriptTypes(text), `${mutant.name} in ${file}`).not.toThrow();
      }
    }
  });

  it("A110: there are at least 50, each with a name of its own", () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(50);
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  });

  it("A110: a place that is gone or stands twice is an error", () => {
    const edit = { file: "src/x.ts", before: "one", after: "two" };
    expect(planted("just one", edit)).toBe("just two");
    expect(() => planted("nothing here", edit)).toThrow("0 times");
    expect(() => planted("one and one", edit)).toThrow("2 times");
  });

  it.each(QUICK)(
    "A111: %s is found by the rule that it breaks",
    async (name, rule) => {
      const mutant = MUTANTS.find((one) => one.name === name);
      if (mutant === undefined) throw new Error(`no planted bug ${name}`);
      const finding = await findMutant(mutant, { seedsMax: 60, secondsMax: 200 });
      expect(finding).toMatchObject({ kind: "found" });
      expect(finding.kind === "found" ? finding.rule : "").toMatch(rule);
    },
    TIMEOUT_MS,
  );

  it("A111: what differs from run to run is no part of the rule", () => {
    expect(ruleOf("at 12 ms: N43: node 3 sent its vote at 3:1:0:2 before it was recorded")).toBe(
      "N43: node sent its vote at 3:1:0:2 before it was recorded",
    );
    expect(ruleOf("at 5 ms: liveness: abcdef01 not committed within 5 ms")).toMatch(/^liveness: not everything/);
  });
});
