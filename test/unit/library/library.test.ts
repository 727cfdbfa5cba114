// Every document of the library: it is free of findings, refuses in two languages, and passes its author's tests.
// The tests themselves lie beside the documents, where officials read them.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compileSource } from "../../../src/contracts/engine.ts";
import { EMPTY_STATE } from "../../../src/contracts/test-ledger.ts";
import { runAuthorTests } from "../../../src/contracts/test-runner.ts";
import { Overlay } from "../../../src/state/overlay.ts";

const LIBRARY = new URL("../../../src/contracts/library/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, LIBRARY), "utf8");
const names = readdirSync(LIBRARY)
  .filter((name) => name.endsWith(".yaml") && !name.endsWith(".test.yaml"))
  .map((name) => name.slice(0, -".yaml".length));
/** Each after what imports it: the real tables are what a document's imports are checked against. */
const IMPORTED_LAST = [
  "standards",
  "data-import",
  "supervision",
  "disputes",
  "committee-election",
  "finance",
  "disclosure",
  "home-service",
  "repair-orders",
  "maintenance-fund",
  "device-care",
  "service-directory",
  "fees",
  "device-repair",
  "service-rating",
  "owners-vote",
  "polls",
  "holders",
  "registry",
  "governance",
];

test("every document has its place in the order of imports", () => {
  expect([...names].sort()).toEqual([...IMPORTED_LAST].sort());
});

describe.each(names)("%s", (name) => {
  test("has no findings, and every refusal has a Chinese and an English sentence", () => {
    const { findings, contract } = compileSource(read(`${name}.yaml`));
    expect(findings).toEqual([]);
    expect(contract?.title.en).toBeTruthy();
    const requires = [...(contract?.rules ?? [])].filter(([ruleId]) => ruleId.includes(".require["));
    expect(requires.length).toBeGreaterThan(0);
    for (const [ruleId, { zh, en }] of requires) expect([ruleId, zh?.length, en?.length]).not.toContain(undefined);
  });

  const outcomes = runAuthorTests({
    tests: read(`${name}.test.yaml`),
    sources: [name, ...IMPORTED_LAST.filter((other) => other !== name)].map((document) => read(`${document}.yaml`)),
    newOverlay: () => new Overlay({ base: EMPTY_STATE, height: 1 }),
  });
  test.each(outcomes.map((outcome) => [outcome.name, outcome] as const))("%s", (_, { problem, line }) => {
    expect(problem === undefined ? "" : `line ${line}: ${problem}`).toBe("");
  });
});
