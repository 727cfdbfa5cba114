// docs/abuse-covered.md against the tests that it names: every abuse and every boundary number has one, and all of them exist.
// Knows the form of the tables, nothing of what the lines say.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { document } from "./sources.ts";

const LIBRARY = "src/contracts/library";
/** `| what | tests |` */
const ROW = /^\| ([^|]+) \| ([^|]+) \|$/gm;
/** `` `document`: "case" `` or `` `test/path.ts`: "title" ``; a case that holds quotes stands without them */
const NAMED = /`([^`]+)`: "([^"]+)"/g;

interface Named {
  readonly where: string;
  readonly title: string;
}

/** The names of the cases of every document of the library. */
const cases = new Map(
  readdirSync(join(import.meta.dirname, "..", "..", "..", LIBRARY))
    .filter((file) => file.endsWith(".test.yaml"))
    .map((file) => {
      const names = [...document(`${LIBRARY}/${file}`).matchAll(/^- test: "?(.*?)"?$/gm)].map(([, name = ""]) => name);
      return [file.slice(0, -".test.yaml".length), new Set(names)] as const;
    }),
);

function exists({ where, title }: Named): boolean {
  return where.endsWith(".ts") ? document(where).includes(title) : (cases.get(where)?.has(title) ?? false);
}

describe("docs/abuse-covered.md", () => {
  const rows = [...document("docs/abuse-covered.md").matchAll(ROW)]
    .map(([, what = "", tests = ""]) => ({
      what,
      tests: [...tests.matchAll(NAMED)].map(([, where = "", title = ""]): Named => ({ where, title })),
      rest: tests.replace(NAMED, "").replace(/[; ]/g, ""),
    }))
    .filter(({ what, rest }) => what !== "What" && !/^-+$/.test(rest));

  it("every abuse and every boundary number is tried by a test", () => {
    expect(rows.length).toBeGreaterThan(100);
    expect(rows.filter(({ tests, rest }) => tests.length === 0 || rest !== "").map(({ what }) => what)).toEqual([]);
    expect(new Set(rows.map(({ what }) => what)).size).toBe(rows.length);
  });

  it("the tests that it names exist", () => {
    const missing = rows.flatMap(({ what, tests }) =>
      tests.filter((test) => !exists(test)).map(({ title }) => `${what}: ${title}`),
    );
    expect(missing).toEqual([]);
  });

  it("what an abuse is answered with is listed: at least one case of every document with abuses is named", () => {
    const named = new Set(rows.flatMap(({ tests }) => tests.map(({ where }) => where)));
    const tried = [...cases].filter(([, names]) => [...names].some((name) => name.startsWith("abuse:")));
    expect(tried.map(([name]) => name).filter((name) => !named.has(name))).toEqual([]);
  });
});
