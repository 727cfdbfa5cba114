// docs/pitfalls-covered.md against the tests and the planted bugs that it names: all of them exist, and no pitfall is left out.
// Knows the form of the table, nothing of what the lines say.

import { describe, expect, it } from "vitest";
import { MUTANTS } from "../../sim/mutants/catalogue.ts";
import { document } from "./sources.ts";

const PITFALLS = 39;
/** `| 4 | pitfall | tests | planted bugs |` */
const ROW = /^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]*)\|$/gm;
/** `` `path`: "title" `` */
const NAMED = /`([^`]+\.ts)`: "([^"]+)"/g;

describe("docs/pitfalls-covered.md", () => {
  const rows = [...document("docs/pitfalls-covered.md").matchAll(ROW)].map(([, number, , tests = "", bugs = ""]) => ({
    number: Number(number),
    tests: [...tests.matchAll(NAMED)].map(([, path = "", title = ""]) => ({ path, title })),
    rest: tests.replace(NAMED, "").replace(/[; ]/g, ""),
    bugs: [...bugs.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
  }));

  it("has every pitfall once, in order, with a test", () => {
    expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: PITFALLS }, (_, index) => index + 1));
    expect(rows.filter(({ tests }) => tests.length === 0)).toEqual([]);
    expect(rows.filter(({ rest }) => rest !== "").map(({ number, rest }) => `${number}: ${rest}`)).toEqual([]);
  });

  it("names tests that exist under that title", () => {
    const missing = rows.flatMap(({ number, tests }) =>
      tests.filter(({ path, title }) => !document(path).includes(title)).map(({ title }) => `${number}: ${title}`),
    );
    expect(missing).toEqual([]);
  });

  it("has every planted bug with its pitfalls, and no other", () => {
    for (const { number, bugs } of rows) {
      const planted = MUTANTS.filter(({ pitfalls }) => pitfalls.includes(number)).map(({ name }) => name);
      expect([...bugs].sort(), `pitfall ${number}`).toEqual(planted.sort());
    }
    const numbers = MUTANTS.flatMap(({ pitfalls }) => pitfalls);
    expect(numbers.filter((number) => number < 1 || number > PITFALLS)).toEqual([]);
  });
});
