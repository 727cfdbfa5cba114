// One result everywhere: the cheap settings on every run, all of them by `npm run determinism`.

import { afterAll, describe, expect, it } from "vitest";
import { CHEAP_SETTINGS, PlainSources, recordedResult } from "./settings.ts";

describe("one result everywhere", () => {
  const sources = new PlainSources();
  afterAll(() => sources.remove());

  it.each(CHEAP_SETTINGS.map((setting) => [setting.name, setting] as const))(
    "R204: 10,000 programs give the recorded results, refusals, gas and writes: %s",
    (_, setting) => {
      // Renewed by `npm run determinism -- --renew` when a change is meant to change them, and said so in its commit.
      expect(sources.run(setting)).toBe(recordedResult());
    },
  );
});
