// The rule packs of this repository against the documents of the library, and what the reader says of packs that are wrong.
// The documents are the real ones; each wrong pack spoils one line of a good one.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { LedgerError } from "../../../src/errors.ts";
import { loadDocuments } from "../../../src/node/commands/contract-files.ts";
import { changesOf, readRulePack } from "../../../src/node/rule-pack.ts";

const PACKS = fileURLToPath(new URL("../../../config/rulepacks/", import.meta.url));
const LIBRARY = fileURLToPath(new URL("../../../src/contracts/library/", import.meta.url));
const { files, set } = await loadDocuments([LIBRARY]);
const contracts = files.flatMap((file) => set.check(file).checked ?? []);
const directory = mkdtempSync(join(tmpdir(), "linli-pack-"));
afterAll(() => rmSync(directory, { recursive: true }));

describe("packs of this repository", () => {
  const names = readdirSync(PACKS);

  test.each(names)(
    "L409: every number of %s names a setting of a document with a value of its type, and its source",
    async (name) => {
      const pack = await readRulePack(join(PACKS, name));
      expect(`${pack.id}.yaml`).toBe(name);
      expect(pack.numbers.length).toBeGreaterThan(0);
      expect(() => changesOf(pack, contracts)).not.toThrow();
      for (const { source } of pack.numbers) expect(Math.min(source.zh.length, source.en.length)).toBeGreaterThan(0);
    },
  );

  test("L410: the numbers of the national pack are those of the documents, and a city's pack changes some of them", async () => {
    expect(changesOf(await readRulePack(join(PACKS, "national.yaml")), contracts)).toEqual([]);
    expect(changesOf(await readRulePack(join(PACKS, "hangzhou.yaml")), contracts)).toEqual([
      { contract: "owners-vote", setting: "special_notice_days_min", from: 15, to: 7 },
      { contract: "fees", setting: "tariff_notice_days", from: 15, to: 30 },
    ]);
  });
});

describe("packs that are wrong", () => {
  const GOOD = `pack: test
version: 1
title: {zh: 试, en: test}
numbers:
  - contract: polls
    setting: petition_percent
    value: 20
    mark: L
    source: {zh: 第13条, en: art. 13}
`;

  test.each([
    ["a contract that there is not", "contract: polls", "contract: pols", "did you mean polls"],
    ["a setting that there is not", "petition_percent", "petition_precent", "did you mean petition_percent"],
    ["a value outside the type", "value: 20", "value: 101", "polls.petition_percent as int(1..100), not 101"],
    ["a fraction", "value: 20", "value: 0.2", "value"],
    ["a mark that there is not", "mark: L", "mark: X", "mark"],
    ["no source", "    source: {zh: 第13条, en: art. 13}\n", "", "source"],
    ["a source in one language", "{zh: 第13条, en: art. 13}", "{zh: 第13条}", "en"],
    ["a key that there is not", "mark: L", "mark: L\n    marks: K", "marks"],
    [
      "a number that stands twice",
      GOOD.slice(GOOD.indexOf("  - ")),
      GOOD.slice(GOOD.indexOf("  - ")).repeat(2),
      "stands twice",
    ],
    ["no YAML", "title: {zh", "title: {{zh", "YAML"],
  ])("L411: %s is refused and named", async (_, good, wrong, named) => {
    const file = join(directory, "pack.yaml");
    expect(GOOD).toContain(good);
    writeFileSync(file, GOOD.replace(good, wrong));
    const error: unknown = await readRulePack(file)
      .then((pack) => changesOf(pack, contracts))
      .catch((thrown: unknown) => thrown);
    if (!(error instanceof LedgerError)) throw new Error("it was taken");
    expect([error.code, error.message]).toEqual(["RULE_PACK_INVALID", expect.stringContaining(named)]);
  });

  test("L411: a good pack is taken, and a file that is not there is named", async () => {
    const file = join(directory, "pack.yaml");
    writeFileSync(file, GOOD);
    expect(changesOf(await readRulePack(file), contracts)).toEqual([]);
    await expect(readRulePack(join(directory, "none.yaml"))).rejects.toMatchObject({ code: "FILE_MISSING" });
  });
});
