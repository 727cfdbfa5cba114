// The two examples of the language's design run as written there, with the tests of their authors.

import { describe, expect, it } from "vitest";
import { runAuthorTests } from "../../../src/contracts/test-runner.ts";
import { document, newOverlay } from "./support.ts";

describe("example contracts", () => {
  for (const name of ["device-repair", "owners-vote"]) {
    const outcomes = runAuthorTests({
      tests: document(`${name}.test.yaml`),
      sources: [document(`${name}.yaml`)],
      newOverlay,
    });
    it.each(outcomes)(`${name}: $name`, ({ problem, line }) => {
      expect(problem === undefined ? "" : `line ${line}: ${problem}`).toBe("");
    });
  }
});
