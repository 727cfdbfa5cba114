// `linli contract` as a process: what goes to standard output, and the exit code. What the commands mean is tested elsewhere.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROGRAM } from "../../../src/installation.ts";

const MAIN = fileURLToPath(PROGRAM);
const SHELF = `rules: 1
contract: shelf
title: {zh: 书架, en: Shelf}

tables:
  book:
    key: {id: id}
    fields: {count: count}

actions:
  put:
    by: [anyone]
    params: {id: id}
    do:
      - insert: book
        row: {id: p.id, count: 0}
`;
const READER = `rules: 1
contract: reader
title: {zh: 读者, en: Reader}

imports:
  shelf:
    book: {key: [id], fields: {count: count}}

tables:
  mark:
    key: {id: id}
    fields: {page: int(0..9999)}

actions:
  mark:
    by: [anyone]
    params: {id: id, page: mark.page}
    read: {b: "shelf.book[p.id]"}
    require:
      - if: b.count > 0
        else: {zh: "《{p.id}》没有了", en: "There is no {p.id} left"}
    do:
      - insert: mark
        row: {id: p.id, page: p.page}
`;
const TESTS = `- test: 有书可标记
  given: {shelf.book: [{id: a, count: 1}]}
  when: [{as: anyone/x, do: mark, with: {id: a, page: 3}}]
  then: {mark: [{id: a, page: 4}]}
- test: 没有书
  given: {shelf.book: [{id: a}]}
  when:
    - {as: anyone/x, do: mark, with: {id: a, page: 3}, refused: "mark.require[0]"}
    - {as: anyone/x, do: mark, with: {id: b, page: 3}, refused: "mark.require[0]"}
`;

describe("linli contract", { timeout: 60_000 }, () => {
  let directory = "";
  const put = (name: string, text: string) => writeFileSync(join(directory, name), text);
  const run = (...words: readonly string[]) => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [MAIN, "contract", ...words], {
      cwd: directory,
      encoding: "utf8",
    });
    return { stdout, stderr, status, last: stdout.trimEnd().split("\n").at(-1) };
  };
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "linli-contract-"));
    for (const folder of ["both", "apart"]) mkdirSync(join(directory, folder));
    put("both/shelf.yaml", SHELF);
    put("both/reader.yaml", READER);
    put("both/reader.test.yaml", TESTS);
    put("apart/reader.yaml", READER.replace("count: count", "number: count").replace("b.count", "b.number"));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it("A51: imports are found beside the file or where --with says, and what is not at hand is said", () => {
    expect(run("check", "both").last).toBe("both/shelf.yaml: 0 errors, 0 warnings");
    // What a shell makes of both/*.yaml: files of tests are no documents.
    const named = run("check", "both/reader.test.yaml", "both/reader.yaml", "both/shelf.yaml");
    expect([named.status, named.last]).toEqual([0, "both/shelf.yaml: 0 errors, 0 warnings"]);
    expect(run("format", "--check", "both/reader.test.yaml").stderr).toContain("CONTRACT_FILE_OF_TESTS");
    const apart = run("check", "apart/reader.yaml", "--json");
    expect(apart.status).toBe(0);
    expect(JSON.parse(apart.stdout)).toMatchObject([
      { code: "IMPORT_UNCHECKED", severity: "warning", line: 6, column: 3 },
    ]);
    const wrong = run("check", "apart/reader.yaml", "--with", "both/shelf.yaml", "--json");
    expect(wrong.status).toBe(1);
    expect(JSON.parse(wrong.stdout)).toMatchObject([
      { code: "FIELD_UNKNOWN", severity: "error", known: ["id", "count"] },
    ]);
  });

  it("A51: findings of several files name their file; the mark stands below the place, also after wide letters", () => {
    put("wide.yaml", SHELF.replace("title: {zh: 书架, en: Shelf}", 'title: {zh: "书架 {x}", en: Shelf, no: x}'));
    const json = JSON.parse(run("check", "wide.yaml", "both", "--json").stdout);
    expect(json[0]).toMatchObject({ file: "wide.yaml", code: expect.any(String), line: 3 });
    const { stdout } = run("check", "wide.yaml");
    expect(stdout).toMatch(/^ {4}\| {14}\u3000\u3000 {18}\^$/m);
  });

  it("A52: a failing test names step, expected and got; the last line counts; the exit code is 1", () => {
    const { stdout, last, status } = run("test", "both/reader.yaml");
    expect(last).toBe("0 passed, 2 failed");
    expect(status).toBe(1);
    expect(stdout).toContain("expected mark.page 4, got 3");
    expect(stdout).toContain("step 2 (mark): expected refused by mark.require[0], got refused by reader.mark.read.b");
    put("both/reader.test.yaml", TESTS.replace("page: 4", "page: 3").replace(/\n.*id: b.*\n/, "\n"));
    expect(run("test", "both/reader.yaml")).toMatchObject({ status: 0, last: "2 passed, 0 failed" });
  });

  it("A52: cost is one array of actions with their parts; a missing file is an error that says what to do", () => {
    const [action] = JSON.parse(run("cost", "both/shelf.yaml", "--json").stdout);
    expect(action).toMatchObject({ action: "put", units: expect.any(Number) });
    const units = action.parts.reduce((sum: number, part: { units: number }) => sum + part.units, 0);
    expect(units).toBe(action.units);
    const gone = run("check", "gone.yaml");
    expect(gone.status).toBe(1);
    expect(gone.stderr).toContain("FILE_MISSING: file=gone.yaml");
  });

  it("A53: format --check tells, format writes, and a second time there is nothing to do", () => {
    put(
      "loose.yaml",
      SHELF.replace("by: [anyone]\n    params: {id: id}", "params: { id:   id }\n    by: [ anyone ] # who"),
    );
    expect(run("format", "--check", "loose.yaml")).toMatchObject({
      status: 1,
      last: "loose.yaml: not in canonical layout",
    });
    expect(run("format", "loose.yaml")).toMatchObject({ status: 0, last: "loose.yaml: formatted" });
    expect(readFileSync(join(directory, "loose.yaml"), "utf8")).toContain(
      "    by: [anyone]  # who\n    params: {id: id}\n",
    );
    expect(run("format", "--check", "loose.yaml")).toMatchObject({ status: 0, stdout: "" });
  });

  it("A53: an upgrade that would be refused ends with 1, a trial that would be refused, too", () => {
    put("next.yaml", SHELF.replace("count: count", "number: count").replace("count: 0", "number: 0"));
    expect(run("diff", "both/shelf.yaml", "next.yaml").status).toBe(1);
    put("given.yaml", "shelf.book: [{id: a, count: 1}]\n");
    const words = [
      "explain",
      "both/reader.yaml",
      "mark",
      "--as",
      "anyone/x",
      "--state",
      "given.yaml",
      "--json",
      "--with",
    ];
    const well = run(...words, '{"id":"a","page":1}');
    expect([well.status, JSON.parse(well.stdout)]).toMatchObject([
      0,
      { status: "ok", conditions: [{ outcome: "passed", values: [{ name: "b.count", type: "count", value: 1 }, {}] }] },
    ]);
    const bad = run(...words, '{"id":"b","page":1}');
    expect([bad.status, JSON.parse(bad.stdout)]).toMatchObject([
      1,
      { status: "refused", ruleId: "reader.mark.read.b" },
    ]);
    expect(run(...words, "{").status).toBe(2);
  });
});
