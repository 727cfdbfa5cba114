// Who may call what, as the documents of the library say it, against what no role may ever do.

import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { libraryDocuments } from "./library-files.ts";
import { BANS, covers, permissionsOf, ROLES_PAGE, rolesPage } from "./roles.ts";

const documents = await libraryDocuments();
const permissions = permissionsOf(documents);

describe("the library", () => {
  it("L420: docs/roles.md says what the documents say (npm run contracts -- --roles)", async () => {
    expect(await readFile(ROLES_PAGE, "utf8")).toBe(rolesPage(documents));
  });

  for (const { roles, en, never, but = [] } of BANS) {
    it(`L421: ${roles.join(", ")} may not: ${en}`, () => {
      const allowed = permissions.filter(({ role }) => roles.includes(role));
      const crossed = allowed.filter(
        (one) => never.some((pattern) => covers(pattern, one)) && !but.some((pattern) => covers(pattern, one)),
      );
      expect(crossed).toEqual([]);
    });
  }

  it("L421: every ban is about roles and actions that there are", () => {
    const known = new Set(permissions.map(({ role }) => role));
    expect(BANS.flatMap(({ roles }) => roles).filter((role) => !known.has(role))).toEqual([]);
    const patterns = BANS.flatMap(({ never, but = [] }) => [...never, ...but]);
    expect(patterns.filter((pattern) => !permissions.some((one) => covers(pattern, one)))).toEqual([]);
  });

  it("L422: nobody can cut off water, power or access: no document has an action for it (Civil Code, art. 944)", () => {
    const words = /cut|disconnect|shut|water|power|electric|utilit|断水|断电|停水|停电|断气/i;
    const named = documents.flatMap(({ name, checked }) =>
      (checked?.actions ?? []).map((action) => `${name}.${action.name.text}`),
    );
    expect(named.filter((name) => words.test(name))).toEqual([]);
    expect(permissions.filter(({ title }) => words.test(title))).toEqual([]);
  });

  it("L423: every abuse that a test of the library tries is refused, or answered as that test says", () => {
    const abuse = documents.flatMap(({ tests }) => tests.filter(({ name }) => name.startsWith("abuse:")));
    expect(abuse.length).toBeGreaterThan(50);
    expect(abuse.filter(({ problem }) => problem !== undefined)).toEqual([]);
  });

  it("L424: every document is without findings, with every condition and move reached by its tests", () => {
    expect(documents.filter(({ findings }) => findings.length > 0).map(({ name }) => name)).toEqual([]);
    const unreached = documents.filter(({ coverage }) => coverage.reached < coverage.total).map(({ name }) => name);
    expect(unreached).toEqual([]);
  });
});
