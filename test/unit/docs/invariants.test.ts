// docs/invariants.md against the sources: every number once here and once there, and every file it names names the rule.
// Knows what a number looks like in code, nothing of what the rules say.

import { describe, expect, it } from "vitest";
import { document, type TextFile, typeScriptFiles } from "./sources.ts";

/** `C4: sentence` in assertions, comments and test names; `S5_POSITION` as a refusal; `"D5"` as what a test expects to be thrown. */
const MENTION = /(?<![\w-])([LTDCSRPNAX][1-9]\d*)(?=: \S)|"(S[1-9]\d*)_[A-Z_]+"|toThrow\("([LTDCSRPNAX][1-9]\d*)"\)/g;
/** `| C4 | rule | asserted in | tests |` */
const ROW = /^\| ([LTDCSRPNAX][1-9]\d*) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm;

function idsIn({ text }: TextFile): readonly string[] {
  return [...text.matchAll(MENTION)].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}

describe("docs/invariants.md", () => {
  const files = new Map(typeScriptFiles("src", "test", "bench").map((file) => [file.path, new Set(idsIn(file))]));
  const rows = [...document("docs/invariants.md").matchAll(ROW)].map(([, id = "", , source = "", tests = ""]) => ({
    id,
    named: [...`${source} ${tests}`.matchAll(/`([^`]+)`/g)].map(([, path = ""]) => path),
  }));

  it("lists every number that code or tests use, and no other", () => {
    const used = new Set([...files.values()].flatMap((ids) => [...ids]));
    const listed = new Set(rows.map(({ id }) => id));
    const missing = [...used].filter((id) => !listed.has(id));
    const unused = [...listed].filter((id) => !used.has(id));
    expect({ missing, unused }).toEqual({ missing: [], unused: [] });
  });

  it("lists every number once", () => {
    const ids = rows.map(({ id }) => id);
    expect(ids.filter((id, place) => ids.indexOf(id) !== place)).toEqual([]);
    expect(ids.length).toBeGreaterThan(250);
  });

  it("names only files in which the rule stands", () => {
    const wrong = rows.flatMap(({ id, named }) =>
      named.filter((path) => files.get(path)?.has(id) !== true).map((path) => `${id}: ${path}`),
    );
    expect(wrong).toEqual([]);
  });

  it("names a file for every rule", () => {
    expect(rows.filter(({ named }) => named.length === 0).map(({ id }) => id)).toEqual([]);
  });
});
