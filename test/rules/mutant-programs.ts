// Some of the 10,000 programs and the library's own tests, as tests of mutants: each returns what it gave, which must be what it gives
// without one. That this is right is shown elsewhere: by the recorded hash, by @bufbuild/cel, by the authors' expectations.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, it } from "vitest";
import { EMPTY_STATE } from "../../src/contracts/test-ledger.ts";
import { runAuthorTests } from "../../src/contracts/test-runner.ts";
import { Overlay } from "../../src/state/overlay.ts";
import { expressionResult, SEED, transactionResults } from "./programs.ts";

const EXPRESSIONS = 2000;
const PER_TEST = 25;
const LIBRARY = [
  "fees",
  "device-repair",
  "service-rating",
  "owners-vote",
  "polls",
  "holders",
  "registry",
  "governance",
];

function hashOf(lines: readonly string[]): string {
  return createHash("sha256").update(lines.join("\n")).digest("hex");
}

function source(file: string): string {
  return readFileSync(new URL(`../../src/contracts/library/${file}.yaml`, import.meta.url), "utf8");
}

describe("programs", () => {
  for (let from = 0; from < EXPRESSIONS; from += PER_TEST)
    it(`expressions from ${from}`, () =>
      hashOf(Array.from({ length: PER_TEST }, (_, index) => expressionResult(from + index))));

  for (const count of [40, 200])
    it(`${count} transactions`, () => hashOf([...transactionResults({ seed: SEED, count })]));

  for (const name of LIBRARY)
    it(`tests of ${name}`, () => {
      const sources = [name, ...LIBRARY.filter((other) => other !== name)].map(source);
      const newOverlay = () => new Overlay({ base: EMPTY_STATE, height: 1 });
      return JSON.stringify(runAuthorTests({ tests: source(`${name}.test`), sources, newOverlay }));
    });
});
