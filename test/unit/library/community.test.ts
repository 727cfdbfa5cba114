// The generated community against the numbers of the domain, and the reader against what spreadsheets do to files.
// Never reads a fixture: each test spoils one cell of freshly written files.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LedgerError } from "../../../src/errors.ts";
import { communityFiles, generateCommunity, writeCommunity } from "../../../src/node/devnet/community.ts";
import { readCommunity } from "../../../src/node/devnet/community-reader.ts";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "linli-community-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function spoil(file: string, change: (text: string) => string | Uint8Array): Promise<readonly string[]> {
  await writeCommunity(directory, { seed: 1 });
  const path = join(directory, file);
  await writeFile(path, change(await readFile(path, "utf8")));
  const error: unknown = await readCommunity(directory).catch((thrown: unknown) => thrown);
  if (!(error instanceof LedgerError) || error.code !== "COMMUNITY_INVALID") throw error;
  const problems = error.data.problems;
  return Array.isArray(problems) ? problems : [];
}

function changeLine(number: number, change: (cells: string[]) => readonly string[]): (text: string) => string {
  return (text) => {
    const lines = text.split("\n");
    lines[number - 1] = change(lines[number - 1]!.split(",")).join(",");
    return lines.join("\n");
  };
}

const setCell = (line: number, column: number, value: string) =>
  changeLine(line, (cells) => cells.map((cell, index) => (index === column ? value : cell)));

describe("generator", () => {
  const community = generateCommunity({ seed: 1 });

  test("has 12 buildings of 100 units with 1,243,077,600 square centimetres", () => {
    expect(community.buildings).toHaveLength(12);
    for (const building of community.buildings) {
      expect(community.units.filter((unit) => unit.building === building.id)).toHaveLength(100);
    }
    expect(community.units.reduce((sum, unit) => sum + unit.areaCm2, 0)).toBe(1_243_077_600);
    const sizes = new Map<number, number>();
    for (const unit of community.units) sizes.set(unit.areaCm2, (sizes.get(unit.areaCm2) ?? 0) + 1);
    expect([...sizes].sort((left, right) => left[0] - right[0])).toEqual([
      [562_300, 12],
      [685_200, 180],
      [893_700, 420],
      [1_120_500, 360],
      [1_386_600, 180],
      [1_764_000, 48],
    ]);
  });

  test("has 1,138 heads: the developer with 37 units, 14 owners with 40, the rest with one", () => {
    const held = new Map<string, number>();
    for (const unit of community.units) held.set(unit.head, (held.get(unit.head) ?? 0) + 1);
    expect(held.size).toBe(1_138);
    expect(new Set(community.heads.map(({ id }) => id))).toEqual(new Set(held.keys()));
    const counts = [...held.values()].filter((count) => count > 1).sort((left, right) => right - left);
    expect(counts).toEqual([37, 6, 6, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2]);
    const developer = community.heads.find(({ kind }) => kind === "developer");
    const unsold = community.units.filter(({ status }) => status === "unsold");
    expect(unsold).toHaveLength(37);
    expect(new Set(unsold.map(({ head }) => head))).toEqual(new Set([developer?.id]));
  });

  test("has a month of bills of 29,377,692 fen", () => {
    const rate = new Map(community.tariffs.map((tariff) => [tariff.use, tariff.rateLi]));
    const bills = community.units.map((unit) => Math.floor((unit.areaCm2 * rate.get(unit.use)! + 50_000) / 100_000));
    expect(bills.reduce((sum, bill) => sum + bill, 0)).toBe(29_377_692);
  });

  test("has 300 devices of the eight kinds", () => {
    const kinds = new Map<string, number>();
    for (const { kind } of community.devices) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    expect(Object.fromEntries(kinds)).toEqual({
      lift: 24,
      fire_host: 12,
      hydrant: 60,
      pump: 36,
      switch_room: 12,
      access: 24,
      gate: 8,
      sensor: 124,
    });
  });

  test("gives the same bytes for the same seed and others for another", () => {
    expect(communityFiles(generateCommunity({ seed: 1 }))).toEqual(communityFiles(community));
    expect(communityFiles(generateCommunity({ seed: 2 }))).not.toEqual(communityFiles(community));
  });
});

describe("reader", () => {
  test("reads back exactly what was written", async () => {
    const written = await writeCommunity(directory, { seed: 7 });
    expect(await readCommunity(directory)).toEqual(written);
  });

  test("names a missing file", async () => {
    await writeCommunity(directory, { seed: 1 });
    await rm(join(directory, "heads.csv"));
    await expect(readCommunity(directory)).rejects.toMatchObject({ code: "COMMUNITY_FILE_MISSING" });
  });

  test.each<[string, string, (text: string) => string | Uint8Array, string]>([
    ["a byte order mark", "units.csv", (text) => `\uFEFF${text}`, "units.csv line 1: starts with a byte order mark"],
    ["GBK bytes", "buildings.csv", () => Uint8Array.of(0x31, 0xba, 0xc5, 0xc2, 0xa5), "is not UTF-8"],
    ["a formula", "buildings.csv", setCell(3, 1, "=1+1"), "buildings.csv line 3: title looks like a formula"],
    ["a command", "heads.csv", setCell(3, 0, "@SUM(A1)"), "heads.csv line 3: head looks like a formula"],
    ["a room twice", "units.csv", setCell(4, 1, "0101"), "units.csv line 4: B01-0101 stands already on line 2"],
    ["an unknown building", "units.csv", setCell(5, 0, "B77"), "units.csv line 5: building B77 is unknown"],
    ["an unknown head", "units.csv", setCell(5, 5, "h77"), "units.csv line 5: head h77 is unknown"],
    ["square centimetres for metres", "units.csv", setCell(6, 3, "685200"), 'line 6: area_m2 is "685200"'],
    ["an area of nothing", "units.csv", setCell(6, 3, "0.00"), 'line 6: area_m2 is "0.00"'],
    ["an area with three decimals", "units.csv", setCell(6, 3, "68.521"), 'line 6: area_m2 is "68.521"'],
    ["an unknown use", "units.csv", setCell(7, 2, "villa"), 'units.csv line 7: use is "villa"; use one of home, shop'],
    ["an empty cell", "units.csv", setCell(7, 1, ""), "units.csv line 7: room is empty"],
    ["other columns", "units.csv", setCell(1, 1, "door"), "units.csv line 1: the columns are"],
    ["a missing cell", "devices.csv", changeLine(9, (cells) => cells.slice(1)), "devices.csv line 9: is not CSV"],
    ["an open quote", "heads.csv", setCell(3, 0, '"h1'), "heads.csv line"],
    ["a device of no building", "devices.csv", setCell(2, 2, "B99"), "devices.csv line 2: building B99 is unknown"],
    ["a day that is none", "devices.csv", setCell(2, 4, "2031-02-31"), 'warranty_until is "2031-02-31"'],
    ["a rate of nothing", "tariffs.csv", setCell(2, 1, "0"), 'tariffs.csv line 2: rate_li is "0"'],
    [
      "a tariff too few",
      "tariffs.csv",
      (text) => `${text.split("\n").slice(0, 2).join("\n")}\n`,
      "no tariff for use shop",
    ],
    ["a head without a unit", "heads.csv", (text) => `${text}h9,person\n`, "line 1140: head h9 holds no unit"],
    ["two developers", "heads.csv", (text) => text.replaceAll("person", "developer"), "names several developers"],
    ["an empty file", "tariffs.csv", () => "", "tariffs.csv line 1"],
  ])("refuses %s with file, line, cause and remedy", async (_, file, change, expected) => {
    expect((await spoil(file, change)).join("\n")).toContain(expected);
  });

  test("reports at most 20 problems and says how many there are", async () => {
    const problems = await spoil("units.csv", (text) => text.replaceAll(/(home|shop)/g, "tent"));
    expect(problems).toHaveLength(20);
  });
});
